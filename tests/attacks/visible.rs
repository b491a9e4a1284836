//! A property: what can be seen of a machine from inside is what one pure function says, whatever lies in the home and in
//! the repository and whatever settings and variables say.
//!
//! `PROPTEST_CASES` says how many machines are made; few in `cargo test`, as each takes several sandboxes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;

use crate::broker::Assignment;
use crate::setups::{Setup, Wall, play, setups_with_overlays, together, users};
use crate::support::odd::{self, Ground};
use crate::world::{CANARY, World};

/// Files that may be there, besides those that always are; each holds the canary.
const FILES: [&str; 24] = [
    "home/.nvm/versions/x.js",
    "home/.nvm/.env",
    "home/.nvm/a/b/c/d/e/token.txt",
    "home/.nvm/a/b/.ssh/id_rsa",
    "home/.pyenv/versions/3/bin/python",
    "home/.cargo/registry/src/lib.rs",
    "home/.cargo/bin/tool",
    "home/.cache/pip/x",
    "home/.cache/other/x",
    "home/.local/share/mise/installs/x",
    "home/.local/share/keyrings/login.keyring",
    "home/.dotnet/corefx/cryptography/x509stores/my/a.pfx",
    "home/go/src/private/main.go",
    "home/go/pkg/mod/x.go",
    "home/jdk/bin/java",
    "home/jdk/conf/server.key",
    "home/tools/bin/t",
    "home/tools/lib/l",
    "home/tools/.env",
    "home/environment/pyvenv.cfg",
    "home/environment/secrets.txt",
    "project/node_modules/dep/index.js",
    "project/node_modules/.env",
    "sibling/.env.local",
];
/// Links, where nothing else is in the way, and where they lead: below the world, or an absolute path.
const LINKS: [(&str, &str); 16] = [
    ("home/.local/bin", "home"),
    ("home/.local/lib", "home/documents"),
    ("home/.cargo/git", "home/.ssh"),
    ("home/.rustup", "project"),
    ("home/.rbenv", "/"),
    ("home/.volta", "home/.local/state"),
    ("home/.asdf", "sibling"),
    ("home/.sdkman", "home/.aws"),
    ("home/kit", "home/.gnupg"),
    ("home/tools/share", "home/.docker"),
    ("home/jdk/link", "home/.ssh"),
    ("project/node_modules", "home/.ssh"),
    ("project/.venv", "home"),
    ("project/venv", "."),
    ("project/.git/modules", "home/.config"),
    ("sibling/up", ".."),
];
/// Sockets of other programs.
const SOCKETS: [&str; 6] =
    ["home/.nvm/s", "home/.nvm/a/b/c/d/e/s", "home/go/pkg/s", "home/tools/lib/s", "sibling/s", "project/s"];
const VARIABLES: [&str; 12] = [
    "PATH",
    "JAVA_HOME",
    "CARGO_HOME",
    "GOPATH",
    "GOROOT",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "GOMODCACHE",
    "RUSTUP_HOME",
    "NVM_DIR",
    "GOCACHE",
    "CARGO_TARGET_DIR",
];
/// What variables, and what the plan calls readable, may name.
const FOLDERS: [&str; 22] = [
    "",
    "/",
    "/dev",
    "/run",
    "/etc",
    "home",
    "home/.ssh",
    "home/.cargo",
    "home/.config/gh",
    "home/.local/state/kcode",
    "home/documents",
    "home/go",
    "home/jdk",
    "home/kit",
    "home/tools/bin",
    "home/environment",
    "home/.nvm/a/b/c/d",
    "home/.nvm/../.aws",
    "project",
    "project/node_modules",
    "sibling",
    "outside",
];
/// Folders of the home of which nothing is ever seen, whoever asks for it.
const NEVER: [&str; 8] = [".ssh", ".aws", ".gnupg", ".config", ".docker", ".netrc", ".local/state", ".git-credentials"];

/// What is asked for is told inside, a line each; the pattern is written so that it doesn't find this script.
const SCRIPT: &str = r#"
{ cat '@LIST@'; find '@WORLD@' -type f -size -64k -print0 2> /dev/null; } | xargs -0 grep -lsa 'canary-d41d8[c]' | sed 's/^/FILE /'
xargs -0 -n 1 sh -c 'test -S "$0" && echo "SOCKET $0"' < '@LIST@'
echo done
"#;

/// A home, a repository and settings.
#[derive(Clone, Debug)]
struct Machine {
    files: Vec<&'static str>,
    links: Vec<(&'static str, &'static str)>,
    sockets: Vec<&'static str>,
    variables: Vec<(&'static str, &'static str)>,
    readable: Vec<&'static str>,
    git: &'static str,
    entries: Vec<&'static str>,
    dependencies: Vec<&'static str>,
    secrets: Vec<&'static str>,
}

fn machines() -> impl Strategy<Value = Machine> {
    let files = subsequence(FILES.to_vec(), 8..=FILES.len());
    let links = subsequence(LINKS.to_vec(), 0..=8);
    let sockets = subsequence(SOCKETS.to_vec(), 0..=SOCKETS.len());
    let variables = prop::collection::vec((select(VARIABLES.to_vec()), select(FOLDERS.to_vec())), 0..6);
    let readable = subsequence(FOLDERS.to_vec(), 0..=5);
    let tree = (select(odd::GIT.to_vec()), subsequence(odd::ENTRIES.to_vec(), 0..=4));
    let dependencies = subsequence(odd::DEPENDENCIES.to_vec(), 0..=odd::DEPENDENCIES.len());
    let settings = (readable, dependencies, subsequence(odd::SECRETS.to_vec(), 0..=1));
    (files, links, sockets, variables, tree, settings).prop_map(
        |(files, links, sockets, variables, (git, entries), (readable, dependencies, secrets))| Machine {
            files,
            links,
            sockets,
            variables,
            readable,
            git,
            entries,
            dependencies,
            secrets,
        },
    )
}

impl Machine {
    /// Makes it; the sockets last as long as what is returned.
    fn build(&self, world: &World) -> Vec<UnixListener> {
        let at = |place: &str| world.folder().join(place);
        let (project, home, other) = (world.project(), world.home(), at("elsewhere"));
        let ground = Ground { project, home, other, canary: CANARY };
        let of_git = odd::plant_git(&ground, self.git);
        let entries: Vec<_> = self.entries.iter().filter_map(|entry| odd::plant_entry(&ground, entry)).collect();
        for file in self.files.iter().map(|file| at(file)) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, CANARY).unwrap();
        }
        fs::create_dir_all(at("sibling")).unwrap();
        // A name that isn't text mustn't hide the others from whoever reads the kernel's list.
        let odd = world.outside().join(OsStr::from_bytes(b"\xff"));
        let sockets = self.sockets.iter().map(|socket| at(socket)).chain([odd, world.outside().join("s")]);
        let bind = |socket: PathBuf| {
            fs::create_dir_all(socket.parent().unwrap()).unwrap();
            UnixListener::bind(socket).unwrap()
        };
        let sockets = sockets.map(bind).chain(of_git).chain(entries).collect();
        for (link, target) in &self.links {
            let link = at(link);
            // What is no folder has nothing in it.
            if link.symlink_metadata().is_err() && fs::create_dir_all(link.parent().unwrap()).is_ok() {
                symlink(at(target), link).unwrap();
            }
        }
        world.hand_over();
        sockets
    }

    fn variables(&self, world: &World) -> Vec<(String, PathBuf)> {
        let value = |name: &str, folder: &str| {
            let folder = world.folder().join(folder);
            if name == "PATH" { format!("{}:/usr/bin:/bin", folder.display()).into() } else { folder }
        };
        self.variables.iter().map(|(name, folder)| ((*name).to_owned(), value(name, folder))).collect()
    }
}

/// Files with the canary, and sockets, wherever they are in the world but for the run's own folders. Links aren't followed.
fn canaries(world: &World) -> Vec<PathBuf> {
    let own = ["view", "scratch", "logs", "overlay"].map(|folder| world.run().join(folder));
    let (mut found, mut ahead) = (Vec::new(), vec![world.home(), world.project(), world.outside()]);
    ahead.extend(["sibling", "elsewhere"].map(|folder| world.folder().join(folder)));
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() && !own.contains(&path) {
                ahead.push(path);
            } else if (kind.is_socket() && path.to_str().is_some())
                || (kind.is_file() && fs::read_to_string(&path).unwrap().contains(CANARY))
            {
                found.push(path);
            }
        }
    }
    found
}

/// Whether what is seen from inside is what was said.
fn holds(setup: Setup, machine: &Machine) {
    let world = World::apart(setup.uid);
    let _sockets = machine.build(&world);
    let asked = canaries(&world);
    let list = world.run().join("scratch/list");
    fs::write(&list, asked.iter().map(|path| format!("{}\0", path.display())).collect::<Vec<_>>().concat()).unwrap();
    world.hand_over();
    let script = SCRIPT.replace("@LIST@", &list.display().to_string());
    let assignment = Assignment {
        run: world.run(),
        script: script.replace("@WORLD@", &world.folder().display().to_string()),
        deadline_s: 120,
        readable: machine.readable.iter().map(|folder| world.folder().join(folder)).collect(),
        private: vec![world.home().join(".local/state/kcode"), world.project()],
        dependencies: Some(machine.dependencies.iter().map(|name| (*name).to_owned()).collect()),
        readable_secrets: machine.secrets.iter().map(|pattern| (*pattern).to_owned()).collect(),
        variables: machine.variables(&world),
        asked,
        ..Assignment::default()
    };
    let outcome = play(setup, &world, assignment);
    assert!(outcome.log.ends_with("done\n"), "{setup}: {}", outcome.log);
    assert_eq!(outcome.holds("overlay"), setup.wall == Wall::Overlay, "{setup}: {:?}", outcome.wall.layers);
    let in_namespaces = outcome.holds("namespaces");
    assert!(outcome.wall.network, "{setup}: {:?}", outcome.wall.proof);
    assert_eq!(outcome.wall.tree, in_namespaces, "{setup}: {:?}", outcome.wall.proof);
    let told = |kind: &str| {
        let lines = outcome.log.lines().filter_map(|line| line.strip_prefix(kind)).map(PathBuf::from);
        lines.collect::<BTreeSet<PathBuf>>()
    };
    let is_socket = |path: &Path| path.symlink_metadata().is_ok_and(|about| about.file_type().is_socket());
    let (sockets, files): (BTreeSet<_>, BTreeSet<_>) = outcome.shown.iter().cloned().partition(|path| is_socket(path));
    assert_eq!(told("FILE "), files, "{setup}: files, seen and meant");
    // Without a root of its own they can be seen, and no socket be made to speak to them.
    if in_namespaces {
        assert_eq!(told("SOCKET "), sockets, "{setup}: sockets, seen and meant");
    }
    let seen = told("FILE ");
    let never = seen.iter().filter(|path| NEVER.iter().any(|folder| path.starts_with(world.home().join(folder))));
    assert_eq!(never.collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "{setup}");
    // Of another repository nothing but git's own folder, and that only where it knows this tree.
    let others = seen.iter().filter(|path| path.starts_with(world.folder().join("elsewhere")));
    let is_known = odd::KNOWN.contains(&machine.git) && setup.wall == Wall::Overlay;
    let (of_git, others): (Vec<_>, Vec<_>) = others.partition(|path| path.iter().any(|part| part == ".git"));
    assert!(others.is_empty() && of_git.is_empty() != is_known, "{setup}: {}: {others:?} {of_git:?}", machine.git);
    let open: Vec<_> = sockets.iter().filter(|path| !path.starts_with(world.project())).collect();
    assert!(open.is_empty(), "{setup}: {open:?}");
}

/// As many machines as are asked for, else so `few`, each in all these setups.
fn in_setups(few: u32, wanted: impl Fn(&Setup) -> bool) {
    let setups: Vec<_> = setups_with_overlays().into_iter().filter(wanted).collect();
    let result = TestRunner::new(odd::random(few, 40)).run(&machines(), |machine| {
        together(setups.clone(), |setup| holds(setup, &machine));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_is_seen_in_namespaces_is_what_was_said() {
    in_setups(5, |setup| matches!(setup.wall, Wall::Whole | Wall::Overlay));
}

#[test]
fn whatever_stands_at_dot_git_shows_nothing_of_another_repository() {
    let machine = |git| Machine {
        files: vec!["project/node_modules/.env"],
        links: Vec::new(),
        sockets: Vec::new(),
        variables: Vec::new(),
        readable: Vec::new(),
        git,
        entries: odd::ENTRIES.to_vec(),
        dependencies: odd::DEPENDENCIES.to_vec(),
        secrets: Vec::new(),
    };
    let setup = Setup { uid: users().pop().unwrap(), wall: Wall::Overlay };
    // A few at a time: each is several processes.
    for some in odd::GIT.chunks(4) {
        std::thread::scope(|scope| {
            for git in some {
                scope.spawn(|| holds(setup, &machine(git)));
            }
        });
    }
}

#[test]
fn what_lies_in_a_cache_is_covered_like_anything_that_is_shown() {
    let machine = |readable: &[&'static str]| Machine {
        files: vec!["home/.nvm/versions/x.js"],
        links: Vec::new(),
        sockets: vec!["home/tools/lib/s"],
        variables: vec![("GOCACHE", "outside"), ("CARGO_TARGET_DIR", "home/tools")],
        readable: readable.to_vec(),
        git: "a repository",
        entries: Vec::new(),
        dependencies: Vec::new(),
        secrets: Vec::new(),
    };
    let overlays = setups_with_overlays().into_iter().filter(|setup| setup.wall == Wall::Overlay);
    for setup in overlays {
        holds(setup, &machine(&[]));
        holds(setup, &machine(&["outside", "home/tools/lib"]));
    }
}

#[test]
fn what_is_seen_in_bwrap_and_by_landlock_alone_is_what_was_said() {
    in_setups(2, |setup| matches!(setup.wall, Wall::Bwrap | Wall::WithoutNamespaces));
}

//! What is shown of made-up homes, projects and state folders.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;

/// A home, a project and a state folder.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        for folder in ["home", "project", "state/run/view", "state/run/scratch", "state/run/logs"] {
            fs::create_dir_all(world.at(folder)).unwrap();
        }
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        path
    }

    fn visible(&self, variables: &[(&str, PathBuf)], readable: &[PathBuf]) -> Visible {
        let config = serde_json::json!({
            "view": self.at("state/run/view"), "logs": self.at("state/run/logs"), "readable": readable,
            "scratch": self.at("state/run/scratch"), "readable_secrets": [], "home": self.at("home"), "tests": null,
            "deadline": {"secs": 1, "nanos": 0}, "idle": {"secs": 1, "nanos": 0}, "confine": true,
            "private": [self.at("state"), self.at("project")],
        });
        let config: WorkerConfig = serde_json::from_value(config).unwrap();
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, path)| path.clone().into_os_string())
        };
        let (sockets, known) = (sockets(), Known::default());
        visible(
            &VisibilityRequest { config: &config, variable: &variable, program: None, sockets: &sockets, known },
            false,
        )
    }

    /// What of this world is readable, as paths in it.
    fn shown(&self, variables: &[(&str, PathBuf)], readable: &[PathBuf]) -> Vec<String> {
        let visible = self.visible(variables, readable);
        let own = visible.read_only().filter_map(|place| place.real.strip_prefix(self.at("")).ok());
        own.map(|path| path.display().to_string()).collect()
    }
}

#[test]
fn secrets_of_home_and_machine_are_not_shown() {
    let world = World::new();
    for file in [".ssh/id", ".aws/x", ".netrc", ".cargo/registry/src/x", ".cargo/credentials.toml", ".config/x"] {
        world.write(&format!("home/{file}"));
    }
    assert_eq!(world.shown(&[], &[]), ["home/.cargo/registry"]);
    let visible = world.visible(&[], &[]);
    let opens = |path: &str| visible.read_only().any(|place| Path::new(path).starts_with(&place.real));
    for hidden in ["/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/etc/ssl/private/key", "/run/secrets/x", "/dev/sda"] {
        assert!(!opens(hidden), "{hidden}");
    }
}

#[test]
fn variables_open_toolchains_and_never_what_leads_into_secrets() {
    let world = World::new();
    for file in [".ssh/bin/x", ".aws/release", ".config/pyvenv.cfg", "jdk/release", "venv/pyvenv.cfg", "kit/pkg/x"] {
        world.write(&format!("home/{file}"));
    }
    symlink(world.at("home/.aws"), world.at("home/java")).unwrap();
    world.write("project/pyvenv.cfg");
    let opened = |name: &'static str, folder: &str| world.shown(&[(name, world.at(folder))], &[]).join(" ");
    for (name, folder) in [
        ("PATH", "home/.ssh/bin"),
        ("JAVA_HOME", "home/.aws"),
        ("JAVA_HOME", "home/java"),
        ("JAVA_HOME", "home"),
        ("JAVA_HOME", "home/venv"),
        ("CARGO_HOME", ""),
        ("CARGO_HOME", "home"),
        ("GOPATH", "home"),
        ("VIRTUAL_ENV", "home/.config"),
        ("VIRTUAL_ENV", "project"),
        ("GOMODCACHE", "state"),
    ] {
        assert_eq!(opened(name, folder), "", "{name}={folder}");
    }
    assert_eq!(opened("JAVA_HOME", "home/jdk"), "home/jdk");
    assert_eq!(opened("VIRTUAL_ENV", "home/venv"), "home/venv");
    assert_eq!(opened("GOPATH", "home/kit"), "home/kit/pkg");
}

#[test]
fn links_among_toolchains_open_no_more_than_a_variable_would() {
    let world = World::new();
    for file in [".ssh/id", ".local/x", "go/src/private/.env", "go/pkg/mod/x", "elsewhere/pip/x", ".cargo/x"] {
        world.write(&format!("home/{file}"));
    }
    world.write("home/.cache/x");
    for (link, target) in [
        (".local/bin", "home"),
        (".cargo/registry", "home/.ssh"),
        (".rustup", "project"),
        (".nvm", "state"),
        (".volta", ""),
        (".cache/pip", "home/elsewhere/pip"),
    ] {
        symlink(world.at(target), world.at("home").join(link)).unwrap();
    }
    symlink("/", world.at("home/.pyenv")).unwrap();
    symlink("/dev", world.at("home/.rbenv")).unwrap();
    assert_eq!(world.shown(&[], &[]), ["home/elsewhere/pip", "home/go/pkg"]);
    assert!(!world.visible(&[], &[]).shows(Path::new("/root")));
}

#[test]
fn a_socket_is_no_place() {
    let world = World::new();
    let socket = world.at("agent");
    let _agent = UnixListener::bind(&socket).unwrap();
    assert!(!world.visible(&[], std::slice::from_ref(&socket)).shows(&socket));
}

#[test]
fn what_lies_deep_in_another_place_is_searched_where_it_is_named() {
    let world = World::new();
    let secret = world.write("home/.nvm/a/b/c/d/kit/.env");
    let keys = world.write("home/.dotnet/corefx/cryptography/x509stores/my/x.pfx");
    assert!(world.visible(&[], &[]).shows(&secret), "else this would try nothing");
    assert!(!world.visible(&[], &[secret.parent().unwrap().to_owned()]).shows(&secret));
    assert!(!world.visible(&[], &[]).shows(&keys));
}

#[test]
fn the_path_variable_opens_parts_of_what_is_no_toolchain() {
    let world = World::new();
    for file in
        ["projects/bin/x", "projects/lib/x", "projects/other/.env", "conda/conda-meta/x", "conda/bin/x", "bin/x"]
    {
        world.write(&format!("home/{file}"));
    }
    let opened = |folder: &str| world.shown(&[("PATH", world.at(folder))], &[]).join(" ");
    assert_eq!(opened("home/projects/bin"), "home/projects/bin home/projects/lib");
    assert_eq!(opened("home/conda/bin"), "home/conda home/conda/bin");
    assert_eq!(opened("home/bin"), "home/bin");
    for too_much in ["home", "", "project", "state/run"] {
        assert_eq!(opened(too_much), "", "{too_much}");
    }
}

#[test]
fn sockets_pipes_and_secrets_are_covered_and_certificates_are_not() {
    let world = World::new();
    let tools = world.at("home/.nvm");
    for file in [".env", "deep/er/.npmrc", ".ssh/config", "cacert.pem", "x.js"] {
        world.write(&format!("home/.nvm/{file}"));
    }
    fs::write(world.write("home/.nvm/server.pem"), "-----BEGIN PRIVATE KEY-----").unwrap();
    let _socket = UnixListener::bind(tools.join("deep/socket")).unwrap();
    let masks = world.visible(&[], &[]).masks;
    let own = masks.iter().filter_map(|mask| mask.path.strip_prefix(&tools).ok());
    let own: BTreeSet<String> = own.map(|path| path.display().to_string()).collect();
    assert_eq!(own.into_iter().collect::<Vec<_>>(), [".env", ".ssh", "deep/er/.npmrc", "deep/socket", "server.pem"]);
}

#[test]
fn the_state_folder_is_covered_where_it_lies_in_what_a_person_opened() {
    let world = World::new();
    world.write("data/x");
    let kept = world.at("state");
    let moved = world.at("data/state");
    symlink(&moved, world.at("link")).unwrap();
    assert_eq!(world.shown(&[], &[world.at("data"), kept, world.at("home"), world.at("")]), ["data"]);
}

#[test]
fn rules_that_can_only_allow_go_around_what_is_covered() {
    let world = World::new();
    for file in ["a/b/.env", "a/b/x", "a/c", "d"] {
        world.write(&format!("home/.nvm/{file}"));
    }
    symlink(world.at("home/.ssh"), world.at("home/.nvm/a/link")).unwrap();
    let (listable, readable) = world.visible(&[], &[]).allowed();
    let own = |paths: &[PathBuf]| {
        let own = paths.iter().filter_map(|path| path.strip_prefix(world.at("home/.nvm")).ok());
        own.map(|path| path.display().to_string()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(own(&listable), ["", "a", "a/b"]);
    assert_eq!(own(&readable), ["a/b/x", "a/c", "d"]);
}

#[test]
fn the_answer_crosses_as_json_whatever_bytes_paths_are_made_of() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new();
    let odd = world.at("home/.nvm").join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::create_dir_all(&odd).unwrap();
    let _socket = UnixListener::bind(odd.join("s")).unwrap();
    let visible = world.visible(&[("PATH", odd.clone())], &[]);
    assert!(
        visible.masks.iter().any(|mask| mask.path == odd.join("s")) && visible.places.iter().any(|it| it.real == odd)
    );
    let told = serde_json::to_string(&visible).unwrap();
    assert_eq!(serde_json::from_str::<Visible>(&told).unwrap(), visible);
}

//! Where a patch is applied and taken back: any repository, in any state, and none. Files, modes, links and absences come
//! and go; git's own files stay as they are unless git is to be told.

use std::fs;
use std::path::{Path, PathBuf};

use crate::changes::Sight;
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, World, mender, together};

/// What no tool can do, done by the tests of the run. It may be done twice.
const CHANGES: &str = r"set -e
printf 'a\000c' > image.bin
[ -e moved.txt ] || mv docs/about.md moved.txt
[ -f folder ] || { rm -rf folder; printf 'was a folder' > folder; }
[ -d file ] || { rm -f file; mkdir file; printf 'was a file' > file/inner; }
printf 'one\r\nzwei\nthree' > ends.txt
mkdir -p hollow/deep
grep -q World greeting.txt";

/// A project with something to change in every way.
fn furnished(world: World) -> World {
    world.write("image.bin", b"a\0b");
    world.write("folder/one", "1");
    world.write("folder/two/three", "3");
    world.write("file", "a file");
    world.write("ends.txt", "one\r\ntwo\nthree");
    world.write_test(CHANGES);
    world
}

fn committed() -> World {
    let world = furnished(World::new());
    world.commit_all();
    world
}

/// A place to work in: the folder of a project, and where git keeps its own files for it.
struct Place {
    world: World,
    folder: PathBuf,
    git: PathBuf,
}

impl Place {
    /// The world's own project.
    fn own(world: World) -> Self {
        let folder = world.root();
        Self { git: folder.join(".git"), folder, world }
    }

    fn linked() -> Self {
        let world = committed();
        let folder = world.path("linked");
        world.git(&["worktree", "add", "-q", "-b", "side", folder.to_str().unwrap()]);
        Self { git: world.root().join(".git"), folder, world }
    }

    fn submodule() -> Self {
        let world = committed();
        let outer = world.path("outer");
        fs::create_dir(&outer).unwrap();
        world.git_in(&outer, &["init", "-q"]);
        let add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q"];
        world.git_in(&outer, &[&add[..], &[world.root().to_str().unwrap(), "inner"]].concat());
        Self { git: outer.join(".git"), folder: outer.join("inner"), world }
    }

    fn with(prepare: impl Fn(&World)) -> Self {
        let world = committed();
        prepare(&world);
        Self::own(world)
    }

    fn kcode(&self, arguments: &[&str]) -> Ran {
        let mut command = self.world.kcode(arguments);
        command.current_dir(&self.folder);
        self.world.run_freely(command).code(0)
    }

    fn fix(&self, kimi: &MockKimi) {
        let mut command = self.world.keyed(kimi, &["fix", "mend it", "--no-baseline", "--include-generated", "**"]);
        command.current_dir(&self.folder);
        self.world.run_freely(command).code(0);
    }

    fn git_files(&self) -> Option<Tree> {
        self.git.exists().then(|| Tree::of(&self.git))
    }

    fn assert_git_files_are(&self, before: Option<&Tree>) {
        assert_eq!(before.is_some(), self.git.exists());
        before.inspect(|before| before.assert_same(&Tree::of(&self.git)));
    }

    /// A run that changes everything, applied and taken back.
    fn there_and_back(&self) {
        let (before, git) = (Sight::of_folder(&self.folder), self.git_files());
        let new = r#"{"path": "new/deep/file.txt", "content": "one\r\ntwo"}"#;
        self.fix(&MockKimi::script([Answer::calls([("edit_file", EDIT), ("write_file", new)]), Answer::text("Done.")]));
        assert_eq!(before, Sight::of_folder(&self.folder), "nothing changes before it is applied");
        self.assert_git_files_are(git.as_ref());

        self.kcode(&["apply"]);
        assert_changed(&self.folder);
        self.assert_git_files_are(git.as_ref());

        self.kcode(&["undo"]);
        assert_eq!(before, Sight::of_folder(&self.folder));
        self.assert_git_files_are(git.as_ref());
    }
}

fn assert_changed(folder: &Path) {
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    assert_eq!(read("image.bin"), b"a\0c");
    assert_eq!(read("ends.txt"), b"one\r\nzwei\nthree");
    assert_eq!(read("moved.txt"), b"# About\n\nA greeting.\n");
    assert_eq!((read("folder"), read("file/inner")), (b"was a folder".to_vec(), b"was a file".to_vec()));
    assert_eq!(read("new/deep/file.txt"), b"one\r\ntwo");
    assert!(!folder.join("docs").exists(), "its last file went");
    assert!(!folder.join("hollow").exists(), "git knows no empty folder, and so no patch does");
}

#[test]
fn any_repository_and_none_will_do() {
    let places: [fn() -> Place; 8] = [
        || Place::own(furnished(World::without_git())),
        || Place::with(|_| {}),
        Place::linked,
        Place::submodule,
        || {
            let world = furnished(World::without_git());
            world.git(&["init", "-q", "-b", "main"]);
            Place::own(world)
        },
        || Place::with(|world| drop(world.git(&["checkout", "-q", "--detach"]))),
        || {
            Place::with(|world| {
                world.write("greeting.txt", "staged\nHello, Wrold!\n");
                world.write("staged.txt", "staged\n");
                world.git(&["add", "greeting.txt", "staged.txt"]);
                world.write("greeting.txt", "and more\r\nHello, Wrold!\n");
                world.write("untracked.txt", "mine\n");
                world.git(&["rm", "-q", "--cached", "image.bin"]);
            })
        },
        || {
            Place::with(|world| {
                world.git(&["config", "core.autocrlf", "true"]);
                world.write(".gitattributes", "*.txt text\n");
            })
        },
    ];
    together(places, |place| place().there_and_back());
}

#[test]
fn a_folder_that_is_not_empty_after_all_keeps_everything_as_it_was() {
    let place = Place::with(|world| fs::create_dir(world.root().join("folder/void")).unwrap());
    let before = Sight::of_folder(&place.folder);
    place.fix(&MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]));
    let ran = place.world.run_freely(place.world.kcode(&["apply"])).code(7);
    ran.says(&["can't write folder: ", "nothing was applied"]);
    assert_eq!(before, Sight::of_folder(&place.folder));
}

/// What `git status` says of everything but untracked files.
fn status(place: &Place) -> String {
    place.world.git_in(&place.folder, &["status", "--porcelain", "-uno"])
}

fn identified(place: Place) -> Place {
    place.world.git_in(&place.folder, &["config", "user.name", "Ada"]);
    place.world.git_in(&place.folder, &["config", "user.email", "ada@example.org"]);
    place.world.git_in(&place.folder, &["config", "core.safecrlf", "true"]);
    place
}

#[test]
fn git_is_told_wherever_there_is_git() {
    let converted = || {
        Place::with(|world| {
            // Git has one file with line ends as on Windows, and converts another.
            world.write("greeting.txt", "Hello, Wrold!\r\n");
            world.write("plain.txt", "one\n");
            world.commit_all();
            world.git(&["config", "core.autocrlf", "true"]);
            fs::remove_file(world.root().join("plain.txt")).unwrap();
            world.git(&["checkout", "-q", "plain.txt"]);
            world.write_test("printf 'one\\r\\ntwo\\r\\n' > plain.txt\ngrep -q World greeting.txt");
            world.commit_all();
        })
    };
    let detached = || Place::with(|world| drop(world.git(&["checkout", "-q", "--detach"])));
    let places: [fn() -> Place; 4] = [Place::linked, Place::submodule, detached, converted];
    together(places, |place| {
        let place = identified(place());
        let head = place.world.git_in(&place.folder, &["rev-parse", "HEAD"]);
        place.fix(&mender());
        place.kcode(&["apply", "--commit"]);
        assert_eq!(place.world.git_in(&place.folder, &["rev-parse", "HEAD^"]), head);
        assert_eq!(status(&place), "");
        let after = Sight::of_folder(&place.folder);
        place.world.git_in(&place.folder, &["checkout", "-q", "HEAD", "--", "."]);
        assert_eq!(after, Sight::of_folder(&place.folder), "the commit holds what was applied");
        place.kcode(&["undo"]).says(&["commit ", " stays"]);
        assert!(status(&place).contains(" M greeting.txt"), "{}", status(&place));
    });
}

#[test]
fn on_an_unborn_branch_new_files_are_committed() {
    let world = World::without_git();
    world.git(&["init", "-q", "-b", "main"]);
    let place = identified(Place::own(world));
    let new = r#"{"path": "new.txt", "content": "new\n"}"#;
    place.world.write_test("test -e new.txt");
    place.fix(&MockKimi::script([Answer::call("write_file", new), Answer::text("Done.")]));
    place.kcode(&["apply", "--commit", "--branch", "first"]).says(&["on the new branch first"]);
    assert_eq!(place.world.git(&["log", "--format=%s", "--name-only"]), "mend it\n\nnew.txt\n");
    assert_eq!(place.world.git(&["symbolic-ref", "--short", "HEAD"]), "first\n");
}

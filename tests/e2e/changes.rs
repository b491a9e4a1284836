//! A run that changes files in every way there is, and what of a tree must come back.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World};

/// What the user sees of a tree: kinds, modes and contents of everything but git's own files.
#[derive(Debug, PartialEq, Eq)]
pub struct Sight(BTreeMap<PathBuf, (u32, Vec<u8>)>);

impl Sight {
    pub fn of(world: &World) -> Self {
        Self::of_folder(&world.root())
    }

    pub fn of_folder(folder: &Path) -> Self {
        let mut sight = Self(BTreeMap::new());
        sight.add(folder);
        sight
    }

    fn add(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".git") {
                continue;
            }
            let about = fs::symlink_metadata(&path).unwrap();
            let content = if about.is_dir() {
                self.add(&path);
                Vec::new()
            } else if about.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            self.0.insert(path, (about.mode(), content));
        }
    }
}

/// A run that edits, adds and deletes files: what tools can't do, tests do, and the flag takes it along. Its patch is kept and not applied; the tree
/// is told as it is.
pub fn changed_run(world: World) -> (World, Sight) {
    world.write("run.sh", "#!/bin/sh\r\necho hi\r\n");
    fs::set_permissions(world.root().join("run.sh"), Permissions::from_mode(0o710)).unwrap();
    fs::set_permissions(world.root().join("greeting.txt"), Permissions::from_mode(0o640)).unwrap();
    world.write("old/gone.txt", "gone\r\nsoon");
    fs::set_permissions(world.root().join("old/gone.txt"), Permissions::from_mode(0o604)).unwrap();
    fs::set_permissions(world.root().join("old"), Permissions::from_mode(0o750)).unwrap();
    world
        .write_test("set -e\nprintf '#!/bin/sh\\necho no\\n' > run.sh; rm -rf old; printf 'About.\\n' > docs/about.md\ngrep -q World greeting.txt");
    if world.root().join(".git").exists() {
        world.git(&["add", "-A", "--", "run.sh", "old", "test.sh"]);
        world.git(&["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "more"]);
    }
    let new = r#"{"path": "new/deep/file.txt", "content": "one\r\ntwo"}"#;
    let kimi = MockKimi::script([Answer::calls([("edit_file", EDIT), ("write_file", new)]), Answer::text("Done.")]);
    let ran = world.fix(&kimi, &["--no-baseline", "--include-generated", "**"]);
    let ran = ran.code(0);
    assert_eq!(ran.report()["patch"]["files"].as_array().unwrap().len(), 5, "{}", ran.stdout());
    let before = Sight::of(&world);
    (world, before)
}

/// Applies the latest run. Returns its id.
pub fn apply(world: &World) -> String {
    let ran = world.run_freely(world.kcode(&["apply"])).code(0);
    ran.says(&["applied run "]).kept().id()
}

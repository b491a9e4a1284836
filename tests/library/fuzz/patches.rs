//! Patch files from anywhere, held against a tree.

use std::fs;

use kcode::journal::RelPath;
use kcode::workspace::{Blobs, Direction, PatchFile};
use proptest::prelude::*;

use super::damage::{cases, damaged};

const START: &str = "one\ntwo\nthree\n";

fn patches() -> Vec<Vec<u8>> {
    [
        "diff --git a/src/a.txt b/src/a.txt\nindex 1111111..2222222 100644\n--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
        "diff --git a/new.txt b/new.txt\nnew file mode 100755\nindex 0000000..2222222\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n\\ No newline at end of file\n",
        "diff --git a/src/a.txt b/src/a.txt\ndeleted file mode 100644\nindex 1111111..0000000\n--- a/src/a.txt\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n",
        "diff --git a/src/a.txt b/moved.txt\nsimilarity index 100%\nrename from src/a.txt\nrename to moved.txt\n",
        "diff --git a/link b/link\nnew file mode 120000\nindex 0000000..2222222\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+../outside\n\\ No newline at end of file\n",
        "diff --git a/../outside b/../outside\n--- a/../outside\n+++ b/../outside\n@@ -1 +1 @@\n-untouched\n+owned\n",
        "diff --git a/.git/config b/.git/config\nnew file mode 100644\n--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+[core]\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

proptest! {
    // Each starts a git.
    #![proptest_config(ProptestConfig { cases: cases().cases.div_ceil(4), ..cases() })]

    #[test]
    fn a_patch_makes_changes_of_what_it_names_or_is_refused(bytes in damaged(patches()), back in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let (root, scratch) = (folder.path().join("tree"), folder.path().join("scratch"));
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(root.join("src/a.txt"), START).unwrap();
        fs::write(folder.path().join("outside"), "untouched\n").unwrap();
        let paths: Vec<RelPath> =
            ["src/a.txt", "new.txt", "moved.txt", "link"].iter().map(|path| RelPath::new(path).unwrap()).collect();
        let blobs = Blobs::at(&folder.path().join("blobs"));
        let file = PatchFile { bytes: &bytes, paths: &paths, root: &root, scratch: &scratch, blobs: &blobs };
        if let Ok(changes) = file.changes(if back { Direction::Back } else { Direction::Forth }) {
            for entry in &changes.entries {
                prop_assert!(paths.contains(&entry.path), "{}", entry.path);
                if let Some(after) = entry.after {
                    prop_assert!(blobs.holds(after.sha256));
                }
            }
        }
        prop_assert_eq!(fs::read_to_string(root.join("src/a.txt")).unwrap(), START, "the tree stays as it is");
        prop_assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), "untouched\n");
        prop_assert!(!root.join(".git").exists());
        prop_assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "copies are gone");
    }
}

//! The view as an overlay: at the tree's own path, whatever that is called, and never on the tree itself.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use kcode::journal::SandboxBuilt;
use kcode::sandbox::{OverlayPlan, Worker, WorkerPlan};
use tempfile::TempDir;

use super::world::World;
use crate::support::skipped::{Need, skipped};

/// A worker's plan with an overlay of `tree`, which lies in `world`.
fn plan(world: &World, tree: &Path, line: &str) -> WorkerPlan {
    let layers = world.folder.join("run/overlay");
    for folder in ["upper", "work"] {
        fs::create_dir_all(layers.join(folder)).unwrap();
    }
    let overlay = OverlayPlan { tree: tree.to_owned(), layers, git: vec![tree.join(".git")] };
    WorkerPlan { overlay: Some(overlay), ..world.plan(line) }
}

/// A tree with git's folder, a tracked file and something that is ignored.
fn tree(world: &World, name: &str) -> PathBuf {
    let tree = world.folder.join(name);
    for (path, content) in [(".git/config", "git"), ("src/a", "one\n"), ("node_modules/m/x", "warm\n"), ("b", "two\n")]
    {
        let file = tree.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    tree
}

fn why_not(wall: &SandboxBuilt) -> Option<&str> {
    let layer = wall.layers.iter().find(|layer| layer.name == "overlay").unwrap();
    (!layer.holds).then_some(layer.detail.as_str())
}

/// What the test command wrote behind an overlay of `tree`; `None` where there can't be one.
async fn run(world: &World, tree: &Path, line: &str) -> Option<String> {
    let (worker, wall) = Worker::start(plan(world, tree, line)).await.unwrap();
    if why_not(&wall).is_some() {
        assert!(!wall.network, "namespaces, but no overlay: {wall:?}");
        skipped(Need::Overlay);
        return None;
    }
    assert!(wall.tree, "{wall:?}");
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(worker.stop().await.survivors, 0);
    Some(world.log(&run))
}

#[tokio::test]
async fn the_tree_is_at_its_own_path_and_stays_as_it_was() {
    let names = ["plain", "a b, c:d;e\\f=g\tüñ", "upperdir=x,workdir=y"];
    for name in names {
        let world = World::new();
        let tree = tree(&world, name);
        let line = "set -e; pwd; cat node_modules/m/x; echo more >> src/a; rm b; rm -r node_modules; mkdir new; \
                    echo n > new/n; mv src/a src/c; cat src/c new/n; ls";
        let Some(log) = run(&world, &tree, line).await else { return };
        assert_eq!(log, format!("{}\nwarm\none\nmore\nn\nnew\nsrc\n", tree.display()));
        assert_eq!(fs::read_to_string(tree.join("src/a")).unwrap(), "one\n");
        assert!(tree.join("b").exists() && tree.join("node_modules/m/x").exists() && !tree.join("new").exists());
        let upper = world.folder.join("run/overlay/upper");
        assert_eq!(fs::read_to_string(upper.join("src/c")).unwrap(), "one\nmore\n");
        let gone = fs::symlink_metadata(upper.join("b")).unwrap();
        assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    }
}

#[tokio::test]
async fn gits_own_files_can_be_read_and_not_written() {
    let world = World::new();
    let tree = tree(&world, "project");
    let attempts = [
        "echo x > .git/config",
        "echo x > .git/new",
        "rm .git/config",
        "mv .git aside",
        "rm -r .git",
        "mkdir .git/hooks",
        "chmod 777 .git/config",
        "ln .git/config linked",
        "mount --bind src .git",
        "umount .git",
    ];
    let tried: Vec<_> =
        attempts.iter().map(|attempt| format!("({attempt}) 2> /dev/null && echo '{attempt}'")).collect();
    let line = format!("cat .git/config; {}; true", tried.join("; "));
    let Some(log) = run(&world, &tree, &line).await else { return };
    assert_eq!(log, "git");
    assert_eq!(fs::read_to_string(tree.join(".git/config")).unwrap(), "git");
}

#[tokio::test]
async fn what_lies_around_the_tree_is_not_there() {
    let world = World::within(TempDir::new_in("/tmp").unwrap());
    let tree = tree(&world, "project");
    fs::write(world.folder.join("beside"), "secret").unwrap();
    let line = "ls ..; echo x > ../new; ls ../run; cat ../beside; ls ../run/overlay; true";
    let Some(log) = run(&world, &tree, line).await else { return };
    assert!(log.starts_with("project\nrun\n") && !log.contains("secret") && !log.contains("upper"), "{log}");
    assert!(!world.folder.join("new").exists());
}

#[tokio::test]
async fn an_overlay_that_the_kernel_refuses_gives_way_to_the_other_view() {
    // The upper layer below the lower one: no kernel takes that.
    let world = World::new();
    fs::write(world.folder.join("mark"), "tree").unwrap();
    fs::write(world.view().join("mark"), "copy").unwrap();
    let (worker, wall) = Worker::start(plan(&world, &world.folder, "pwd; cat mark; echo x > new")).await.unwrap();
    assert!(why_not(&wall).is_some() && wall.tree, "{wall:?}");
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(world.log(&run), format!("{}\ncopy", world.view().display()));
    assert!(run.passed() && world.view().join("new").exists() && !world.folder.join("new").exists());
}

#[tokio::test]
async fn a_read_only_folder_of_the_users_shows_its_modes() {
    let world = World::new();
    let tree = tree(&world, "project");
    fs::set_permissions(tree.join("b"), fs::Permissions::from_mode(0o444)).unwrap();
    let line = "stat -c %a b src; sh -c 'echo x > b' 2> /dev/null || echo refused; chmod 755 b; echo x > b; cat b";
    let Some(log) = run(&world, &tree, line).await else { return };
    assert_eq!(log, "444\n755\nrefused\nx\n");
    assert_eq!(fs::metadata(tree.join("b")).unwrap().permissions().mode() & 0o777, 0o444);
}

#[tokio::test]
async fn a_tree_in_the_temporary_folder_leaves_that_usable_and_stays_in_place() {
    let outside = TempDir::new_in("/tmp").unwrap();
    let world = World::new();
    if world.folder.starts_with("/tmp") {
        // The run's own folders have to be shown there, so that only `$TMPDIR` is for commands to write.
        skipped(Need::Other("a target folder outside of /tmp"));
        return;
    }
    let tree = outside.path().canonicalize().unwrap().join("deep/project");
    fs::create_dir_all(tree.join(".git")).unwrap();
    let (above, first) = (tree.parent().unwrap().display(), outside.path().display());
    let line = format!(
        "echo x > /tmp/kcode-new && cat /tmp/kcode-new; mv {above} /tmp/aside; mv {first} /tmp/aside; rmdir {tree}; \
         rm -rf /tmp/aside; echo x > {above}/new; echo x > {first}/new; ls -A /tmp {first} {above}",
        tree = tree.display()
    );
    let Some(log) = run(&world, &tree, &line).await else { return };
    let shown: Vec<_> = log.lines().filter(|line| !line.contains(": ")).collect();
    let first = outside.path().file_name().unwrap().to_str().unwrap();
    assert!(log.starts_with("x\n") && shown.contains(&first) && shown.ends_with(&["project"]), "{log}");
    // Moving can only copy: the names stay where they are, and nothing is added beside them.
    assert!(shown.contains(&"deep") && !shown.contains(&"new"), "{log}");
    assert!(!Path::new("/tmp/kcode-new").exists());
}

//! The folder that tests and checks start in: one of the repository's, whatever a link at its name says, and found anew each time.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, in_turns, mender};

/// Where a link may lead, and what is said of it.
const TARGETS: [(&str, &str); 6] = [
    ("../outside", "leads out of the repository"),
    ("/etc", "leads out of the repository"),
    ("/proc/self/cwd", "leads out of the repository"),
    ("hop", "leads out of the repository"),
    ("../home/.ssh", "leads out of the repository"),
    (".git/hooks", "leads into .git"),
];

fn world() -> World {
    let world = World::new();
    for folder in ["../outside", "../home/.ssh"] {
        fs::create_dir_all(world.root().join(folder)).unwrap();
    }
    symlink("../outside", world.root().join("hop")).unwrap();
    world
}

#[test]
fn a_link_that_leads_out_is_refused_before_the_run() {
    in_turns(&TARGETS, |&(target, why)| {
        for settings in [
            "[test]\ncommand = \"true\"\ndir = \"inner/linked\"\n",
            "[[check]]\nname = \"lint\"\ncommand = \"true\"\ndir = \"inner/linked\"\n",
        ] {
            let world = world();
            world.write(".kcode.toml", settings);
            fs::create_dir(world.root().join("inner")).unwrap();
            let target = if target.starts_with('/') { target.to_owned() } else { format!("../{target}") };
            symlink(target, world.root().join("inner/linked")).unwrap();
            let kimi = mender();
            world.fix(&kimi, &[]).code(78).says(&[".dir \"inner/linked\" can't be used", why, "hint: "]);
            assert!(kimi.requests().is_empty() && world.runs().is_empty());
        }
    });
}

#[test]
fn a_link_to_another_folder_of_the_repository_is_followed() {
    let world = world();
    world.write("packages/core/marker", "");
    symlink("packages/core", world.root().join("core")).unwrap();
    world.write(
        ".kcode.toml",
        "[test]\ncommand = \"test -e marker && grep -q World ../../greeting.txt\"\ndir = \"core\"\n",
    );
    world.fix(&mender(), &[]).code(0);
}

#[test]
fn a_folder_that_tests_swap_for_a_link_is_not_entered() {
    in_turns(&TARGETS, |&(target, why)| {
        let world = world();
        world.write(".kcode.toml", "[test]\ncommand = \"sh ../swap.sh\"\ndir = \"inner\"\n");
        world.write("inner/file", "");
        world.write(
            "swap.sh",
            format!("echo ran; cd ..; mv inner kept; ln -s {target} inner; grep -q World greeting.txt\n"),
        );
        let kimi = MockKimi::script(
            [
                Answer::call("read_file", r#"{"path": "greeting.txt"}"#),
                Answer::call("edit_file", EDIT),
                Answer::call("run_tests", "{}"),
                Answer::call("run_tests", "{}"),
            ]
            .into_iter()
            .chain((0..6).map(|_| Answer::text("Done."))),
        );
        // The last word is that of a fresh view.
        let ran = world.fix(&kimi, &[]).code(0);
        let answers = ran.kept().answers();
        assert!(answers[2].contains("ran"), "{target}: {answers:#?}");
        let said = format!("the folder \"inner\" of the test command can't be entered: it {why}");
        assert!(answers[3].contains(&said) && !answers[3].contains("\nran\n"), "{target}: {answers:#?}");
    });
}

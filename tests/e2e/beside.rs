//! Folders beside the repository that tests need: what `--readable` and settings show of them, and what they don't.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::ran::Ran;
use crate::setups::setups;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, first_then, in_turns, mender, mending, together};

/// A world with a library beside the project, and tests that read a file of it.
fn with_library() -> World {
    let world = World::new();
    fs::create_dir(world.path("lib")).unwrap();
    fs::write(world.path("lib/code"), "from the library\n").unwrap();
    needing(&world, &format!("cat {}", quoted(&world.path("lib/code"))));
    world
}

/// Tests that need this command to work, and a greeting.
fn needing(world: &World, command: &str) {
    world.write_test(&format!("{command} && grep -q World greeting.txt && echo 'ok 1 - greeting'"));
    world.commit_all();
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

fn fix(world: &World, flags: &[&str]) -> Ran {
    world.fix(&mender(), flags)
}

#[test]
fn a_folder_that_a_flag_names_is_shown_and_can_not_be_changed() {
    let world = with_library();
    fix(&world, &[]).code(5).says(&["the sandbox hides", "--readable"]);
    fix(&world, &["--readable", "../lib"]).code(0);
    needing(&world, &format!("touch {}", quoted(&world.path("lib/new"))));
    let sure = first_then(Answer::call("edit_file", EDIT), Answer::text("Done."));
    world.fix(&sure, &["--readable", "../lib"]).code(5);
    assert_eq!(fs::read_dir(world.path("lib")).unwrap().count(), 1);
}

#[test]
fn whatever_runs_the_tests_again_shows_what_the_run_was_shown() {
    let world = with_library();
    let limited = MockKimi::script(mending());
    world.run(world.keyed(&limited, &["fix", TASK, "--readable", "../lib", "--max-turns", "2"])).code(6);
    let ran =
        world.run(world.keyed(&MockKimi::script(mending()[2..].to_vec()), &["resume", "--max-turns", "9"])).code(0);
    assert!(ran.kept().read("logs/tests-1.log").contains("from the library"));
    world.run(world.kcode(&["verify"])).code(0);
    // Whoever names it with the command gets the same of a run that was not shown it.
    let world = with_library();
    fix(&world, &[]).code(5);
    world.run(world.kcode(&["verify", "--readable", "../lib"])).says(&["pass"]);
}

#[test]
fn the_same_relative_path_leads_there_wherever_the_view_is() {
    in_turns(&setups(), |setup| {
        let world = with_library().used_by(*setup);
        fs::create_dir_all(world.path("more/deep")).unwrap();
        fs::write(world.path("more/deep/code"), "from far\n").unwrap();
        // What nobody named isn't linked, whatever the repository calls it.
        fs::write(world.path("hidden"), "hidden\n").unwrap();
        needing(&world, "cat ../lib/code ../more/deep/code && ! cat ../hidden");
        let flags = ["--readable", "../lib", "--readable", "../more/deep"];
        let ran = world.fix(&mender(), &flags).code(0);
        let log = ran.kept().read("logs/tests-1.log");
        assert!(log.contains("from the library\nfrom far\n"), "{setup}: {log}");
        assert_eq!(fs::read_dir(world.path("lib")).unwrap().count(), 1);
    });
}

#[test]
fn a_copy_has_its_siblings_where_the_tree_has_them() {
    let world = with_library();
    world.write("data/one", "1\n");
    // The first rename fails in an overlay, so that the next view is a copy.
    let renames = "python3 -c \"import os; os.rename('data', 'moved'); os.rename('moved', 'data')\"";
    needing(&world, &format!("cat ../lib/code && {renames}"));
    let ran = fix(&world, &["--readable", "../lib"]).code(0);
    assert_eq!(fs::read_to_string(world.path("lib/code")).unwrap(), "from the library\n");
    assert!(ran.kept().read("logs/tests-1.log").contains("from the library"));
}

#[test]
fn a_file_of_a_folder_that_holds_far_more_is_shown_by_itself() {
    in_turns(&setups(), |setup| {
        let world = with_library().used_by(*setup);
        fs::write(world.path("home/words.json"), "[1]\n").unwrap();
        fs::write(world.path("home/other.json"), "[2]\n").unwrap();
        let (words, other) = (world.path("home/words.json"), world.path("home/other.json"));
        needing(&world, &format!("cat {} && ! cat {}", quoted(&words), quoted(&other)));
        // What is told says which flag shows the file, not the folder.
        let hidden = world.fix(&mender(), &[]).code(5);
        let flag = format!("--readable {}", words.display());
        assert!(hidden.stderr().contains(&flag), "{setup}: {}", hidden.stderr());
        world.fix(&mender(), &["--readable", words.to_str().unwrap()]).code(0);
    });
}

#[test]
fn settings_name_it_with_the_home_or_whole() {
    let world = with_library();
    fs::rename(world.path("lib"), world.path("home/lib")).unwrap();
    needing(&world, &format!("cat {}", quoted(&world.path("home/lib/code"))));
    world.configure("readable = [\"~/lib\"]");
    fix(&world, &[]).code(0);
}

#[test]
fn what_can_not_be_shown_is_refused_with_the_reason() {
    let world = with_library();
    fs::create_dir_all(world.path("home/.ssh")).unwrap();
    fs::create_dir_all(world.path("state/runs")).unwrap();
    fs::set_permissions(world.path("state"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::set_permissions(world.path("state/runs"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    symlink(world.path("home/.ssh"), world.path("alias")).unwrap();
    let _agent = UnixListener::bind(world.path("agent")).unwrap();
    for (named, why) in [
        ("../home/.ssh", "a folder of secrets"),
        ("../alias", "a folder of secrets"),
        ("../home", "your whole home"),
        ("/", "your whole home"),
        ("..", "your whole home"),
        (".", "the repository"),
        ("../state", "kcode's own folders"),
        ("/etc", "much more lies in it"),
        ("/proc/self", "the kernel's"),
        ("../agent", "neither a folder nor a file"),
        ("../gone", "isn't there"),
    ] {
        let ran = fix(&world, &["--readable", named]).code(78);
        assert!(ran.stderr().contains(why) && ran.stderr().contains("--readable"), "{named}: {}", ran.stderr());
    }
    assert!(world.runs().is_empty(), "nothing began");
}

#[test]
fn what_settings_name_in_vain_a_note_tells_with_the_reason() {
    let world = with_library();
    fs::create_dir_all(world.path("home/.aws")).unwrap();
    world.configure("readable = [\"~/.aws\"]");
    fix(&world, &["-v"]).says(&["is not shown to tests: it is, or lies in, a folder of secrets"]);
}

#[test]
fn secrets_and_sockets_in_it_stay_covered_far_down_too() {
    let world = with_library();
    let deep = world.path("lib/apps/web/config/production/eu");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join(".env"), "PASSWORD=in-the-sibling\n").unwrap();
    fs::create_dir_all(world.path("lib/.git")).unwrap();
    fs::write(world.path("lib/.git/config"), "[remote \"o\"]\nurl = https://in-the-sibling@example.org\n").unwrap();
    fs::create_dir_all(world.path("home/.ssh")).unwrap();
    fs::write(world.path("home/.ssh/id_ed25519"), "in-the-sibling").unwrap();
    symlink(world.path("home/.ssh"), world.path("lib/keys")).unwrap();
    let _agent = UnixListener::bind(deep.join("agent")).unwrap();
    let lib = quoted(&world.path("lib"));
    needing(
        &world,
        &format!(
            "cat {lib}/code; cat $(find {lib}) $(find {lib}/ -type l)/*; test -S {} && echo reached; true",
            quoted(&deep.join("agent"))
        ),
    );
    let log = fix(&world, &["--readable", "../lib"]).code(0).kept().read("logs/tests-1.log");
    assert!(log.contains("from the library") && !log.contains("in-the-sibling"), "{log}");
    assert!(!log.contains("reached"), "{log}");
}

#[test]
fn a_repository_can_name_nothing() {
    together(["readable = [\"../lib\"]", "[test]\nreadable = [\"../lib\"]"], |line| {
        let world = with_library();
        world.write(".kcode.toml", format!("{line}\n"));
        fix(&world, &[]).code(78);
    });
}

#[test]
fn without_a_sandbox_the_view_stands_at_the_trees_own_path() {
    let world = with_library();
    needing(&world, "pwd; cat ../lib/code && echo made > made && mkdir sub && mv sub other && ! touch .git/made");
    let ran = fix(&world, &["--sandbox", "off"]).code(0);
    let log = ran.kept().read("logs/tests-1.log");
    assert!(log.contains("from the library"), "{log}");
    let layers = ran.report()["wall"]["layers"].clone();
    let has_overlay =
        layers.as_array().unwrap().iter().any(|layer| layer["name"] == "overlay" && layer["holds"] == true);
    assert!(has_overlay && log.lines().any(|line| Path::new(line) == world.root()), "{layers:#} {log}");
    world.run(world.kcode(&["verify", "--sandbox", "off"])).code(0);
}

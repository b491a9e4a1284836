//! Names with line breaks: none puts a line of its own among those that kcode says.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mending};

/// What a name adds to what kcode says, if it can.
const FORGED: &str = "verified  9 files, all is well";

#[test]
fn a_name_puts_no_line_among_those_of_kcode() {
    let world = World::new();
    world.write_test(&format!(
        "printf x > \"$(printf 'made\\n\\n{FORGED}\\nx')\"; mkfifo \"$(printf 'pipe\\n{FORGED}')\"\n\
         grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'"
    ));
    world.write(".gitignore", "linked*\n");
    let link = format!("linked\n{FORGED}");
    symlink(world.path("home"), world.root().join(&link)).unwrap();
    world.write(".kcode.toml", format!("dependencies = [{link:?}]\n[test]\ncommand = \"./test.sh\"\n"));
    world.commit_all();
    let name = format!("written\n\n{FORGED}\n");
    let written = serde_json::json!({"path": name, "content": "x\n"}).to_string();
    let kimi = MockKimi::script([
        Answer::call("write_file", &written),
        Answer::call("read_file", r#"{"path": "greeting.txt"}"#),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let fixed = world.run(world.keyed(&kimi, &["fix", TASK, "-v"]));
    let (shown, audited) = (world.run(world.kcode(&["show"])), world.run(world.kcode(&["audit"])));
    let verified = world.run(world.kcode(&["verify"]));
    // What stands in the way of a patch is named as well.
    world.write(&name, "something else");
    let refused = world.run(world.kcode(&["apply"])).code(7);
    let unmerged = world.run(world.kcode(&["apply", "--3way"])).code(7);
    assert!(fixed.stderr().contains(FORGED), "the names are told: {}", fixed.stderr());
    for (what, ran) in [
        ("fix", fixed),
        ("show", shown),
        ("audit", audited),
        ("verify", verified),
        ("apply", refused),
        ("3way", unmerged),
    ] {
        let said = [ran.stderr(), ran.stdout()].concat();
        assert!(!said.lines().any(|line| line.trim_start().starts_with(FORGED)), "{what}: {said}");
    }
}

#[test]
fn the_survey_tells_of_names_that_are_not_utf_8() {
    let world = World::new();
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    fs::write(world.root().join(name), "x").unwrap();
    world.commit_all();
    let plain = World::without_git();
    fs::write(plain.root().join(name), "x").unwrap();
    for world in [world, plain] {
        let kimi = MockKimi::script(mending());
        world.fix(&kimi, &["--no-baseline"]).code(0);
        let sent = String::from_utf8(kimi.requests()[0].body.clone()).unwrap();
        assert!(
            sent.contains("Besides, 1 file with names that are not UTF-8, which can't be read or edited: "),
            "{sent}"
        );
        assert!(sent.contains("caf") && sent.contains("xE9.txt"), "{sent}");
    }
}

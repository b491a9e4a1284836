//! Commands of the run decide what lies in the view, and how much: kcode ends in time all the same, and says what it didn't
//! look at.

use crate::world::{World, mender};

/// 3,000 folders, each in the one before.
pub const NESTED: &str = "import os
for _ in range(3000):
    os.mkdir('deeper')
    os.chdir('deeper')
";

/// More empty files in a folder than a patch takes.
const MANY: &str = "import os
os.mkdir('many')
for number in range(12000):
    os.close(os.open(f'many/{number}', os.O_CREAT | os.O_WRONLY))
";

/// The project's tests, which also run `script`.
fn tests_that(script: &str) -> World {
    let world = World::new();
    world.write("make.py", script);
    world.write_test("grep -q World greeting.txt && python3 make.py");
    world
}

#[test]
fn nested_folders() {
    let world = tests_that(NESTED);
    let kimi = mender();
    let ran = world.fix(&kimi, &["--no-baseline"]).code(4);
    let told = "is nested too deep";
    assert!(ran.stderr().contains(told), "{}", ran.stderr());
    assert_eq!(ran.stdout().matches("diff --git").count(), 1, "the patch is what the model wrote");
    assert!(ran.kept().read("report.json").contains(told));
}

#[test]
fn many_files() {
    let world = tests_that(MANY);
    let kimi = mender();
    let ran = world.fix(&kimi, &["--no-baseline"]).code(4);
    let told = "a group of 12000 new files in many is not in the patch";
    assert!(ran.stderr().contains(told), "{}", ran.stderr());
    assert_eq!(ran.stdout().matches("diff --git").count(), 1, "the patch is what the model wrote");
    assert!(ran.kept().read("report.json").contains(told));
}

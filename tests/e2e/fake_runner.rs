//! A test runner in shell that prints what `cargo test` would, so that single tests are known.

use crate::world::World;

/// `run NAME=COMMAND…` runs tests and fails when one fails.
pub const RUNNER: &str = r#"
run() {
    echo "running $# tests"; bad=0
    for test; do
        if sh -c "${test#*=}"; then verdict=ok; else verdict=FAILED; bad=$((bad + 1)); fi
        echo "test ${test%%=*} ... $verdict"
    done
    echo; echo "test result: $([ $bad = 0 ] && echo ok || echo FAILED). $(($# - bad)) passed; $bad failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s"
    [ $bad = 0 ]
}
"#;

/// Runs each file of `tests/`. One that says `# needs FILE` can't be built without that file, and nothing runs then.
const DISCOVERY: &str = r#"
for file in tests/*.sh; do
    needs=$(sed -n 's/^# needs //p' "$file")
    if [ -n "$needs" ] && ! [ -e "$needs" ]; then echo "error: $file: no such file: $needs"; exit 101; fi
done
for file in tests/*.sh; do set -- "$@" "$(basename "$file" .sh)=sh $file"; done
run "$@"
"#;

/// A project whose test script runs `tests`, each in quotes.
pub fn with_tests(tests: &str) -> World {
    let world = World::new();
    world.write_test(&script(tests));
    world.commit_all();
    world
}

/// The script that runs `tests`, each in quotes.
pub fn script(tests: &str) -> String {
    format!("{RUNNER}\nrun {tests}")
}

/// A project whose tests are the files of `tests/`, each with its content.
pub fn with_test_files(files: &[(&str, &str)]) -> World {
    let world = World::new();
    world.write_test(&format!("{RUNNER}{DISCOVERY}"));
    for (name, content) in files {
        world.write(&format!("tests/{name}.sh"), format!("{content}\n"));
    }
    world.commit_all();
    world
}

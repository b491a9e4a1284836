//! What real runners write into the tree: told apart, left out of the patch, and taken along by whoever names it.
//!
//! As `runners.rs` they need what they test to be installed, and registries:
//! `cargo nextest run --test e2e --run-ignored all generated_by_runners`.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::ran::Ran;
use crate::runners::{install, project};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{World, open_rust};

/// What a run made of a minus in `file`, with these arguments.
fn mended(world: &World, file: &str, arguments: &[&str]) -> Ran {
    let edit = json!({"path": file, "old_text": "a - b", "new_text": "a + b"}).to_string();
    let calls = [Answer::call("edit_file", &edit), Answer::call("run_tests", "{}")];
    let kimi = MockKimi::script(calls.into_iter().chain(vec![Answer::text("Done."); 4]).collect::<Vec<_>>());
    let mut command = world.keyed(&kimi, &[&["fix", "adding is wrong"], arguments].concat());
    open_rust(&mut command);
    open_python(&mut command);
    world.run(command)
}

/// Opens this machine's Python to a run. One of pyenv's is in the home that these tests run in, which isn't the world's.
fn open_python(command: &mut Command) {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.base_prefix)"]).output();
    let prefix = asked.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned()).unwrap_or_default();
    if let Some(root) = Path::new(&prefix).ancestors().find(|folder| folder.ends_with(".pyenv")) {
        command.env("PYENV_ROOT", root);
    }
}

/// The files of the patch, and those that commands wrote besides.
fn files(ran: &Ran) -> (Vec<String>, Vec<String>) {
    let report = ran.report();
    let name = |file: &serde_json::Value| file["path"].as_str().unwrap().to_owned();
    let of_patch = report["patch"]["files"].as_array().unwrap().iter().map(name).collect();
    let beside = report["generated"]["files"].as_array().into_iter().flatten().filter(|file| file["included"] != true);
    (of_patch, beside.map(name).collect())
}

#[test]
#[ignore = "needs npm's registry"]
fn coverage_of_jest() {
    let world = project(&[
        (
            "package.json",
            "{\"name\": \"calc\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"jest --coverage\"}}\n",
        ),
        ("calc.js", "exports.add = (a, b) => a - b;\n"),
        ("calc.test.js", "test('adds', () => expect(require('./calc').add(1, 2)).toBe(3));\n"),
    ]);
    install(&world, &["jest@29"]);
    let ran = mended(&world, "calc.js", &[]).code(0).says(&["verified", "written by commands: coverage/"]);
    let (patch, beside) = files(&ran);
    assert_eq!(patch, ["calc.js"]);
    assert!(!beside.is_empty() && beside.iter().all(|path| path.starts_with("coverage/")), "{beside:?}");
}

#[test]
#[ignore = "needs npm's registry"]
fn snapshots_of_jest() {
    let files_of = [
        ("package.json", "{\"name\": \"calc\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"jest\"}}\n"),
        ("calc.js", "exports.add = (a, b) => a - b;\n"),
        (
            "calc.test.js",
            "test('adds', () => { expect(require('./calc').add(1, 2)).toBe(3); expect('x').toMatchSnapshot(); });\n",
        ),
    ];
    let world = project(&files_of);
    install(&world, &["jest@29"]);
    // With `CI` set jest writes no snapshot, and a test that lacks one fails.
    let ran = mended(&world, "calc.js", &["--test", "CI=false npx --no-install jest --ci=false"]).code(0);
    assert_eq!(files(&ran), (vec!["calc.js".into()], vec!["__snapshots__/calc.test.js.snap".into()]));
    std::fs::remove_dir_all(world.state()).unwrap();
    let named = ["--include-generated", "**/__snapshots__/**", "--test", "CI=false npx --no-install jest --ci=false"];
    let ran = mended(&world, "calc.js", &named).code(0);
    assert_eq!(files(&ran).0, ["__snapshots__/calc.test.js.snap", "calc.js"]);
}

#[test]
#[ignore = "needs the Python Package Index"]
fn snapshots_of_pytest() {
    let world = project(&[
        ("calc.py", "def add(a, b):\n    return a - b\n"),
        (
            "test_calc.py",
            "from calc import add\n\ndef test_add(snapshot):\n    assert add(1, 2) == 3\n    assert 'x' == snapshot\n",
        ),
        (".gitignore", "/.venv/\n__pycache__/\n.pytest_cache/\n"),
    ]);
    let venv = world.root().join(".venv");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).status().unwrap();
    let pip = Command::new(venv.join("bin/pip")).args(["install", "-q", "--no-cache-dir", "pytest", "syrupy"]).status();
    assert!(made.success() && pip.unwrap().success(), "pytest and syrupy have to be installed");
    let command = ["--test", ".venv/bin/python -m pytest --snapshot-update"];
    let ran = mended(&world, "calc.py", &command).code(0);
    assert_eq!(files(&ran), (vec!["calc.py".into()], vec!["__snapshots__/test_calc.ambr".into()]));
    // Without the option only a run after that one passes.
    std::fs::remove_dir_all(world.state()).unwrap();
    let script = "if [ -e __snapshots__ ]; then .venv/bin/python -m pytest; else .venv/bin/python -m pytest --snapshot-update; exit 1; fi";
    let ran = mended(&world, "calc.py", &["--test", script]).code(5);
    ran.says(&["tests pass only with generated files: __snapshots__/test_calc.ambr"]);
}

#[test]
#[ignore = "needs Ruby with Bundler and RSpec"]
fn lock_files_of_bundler() {
    let world = project(&[
        ("Gemfile", "gem 'rspec'\n"),
        (".rspec", "--require spec_helper\n"),
        ("spec/spec_helper.rb", "require_relative '../calc'\n"),
        ("calc.rb", "def add(a, b) = a - b\n"),
        ("spec/calc_spec.rb", "describe 'calc' do\n  it('adds') { expect(add(1, 2)).to eq 3 }\nend\n"),
    ]);
    // What `bundle exec rspec` runs; some systems have Bundler without its program.
    let bundle = "ruby -e 'load Gem.bin_path(\"bundler\", \"bundle\")' exec rspec";
    let ran = mended(&world, "calc.rb", &["--test", bundle]).code(0);
    assert_eq!(files(&ran), (vec!["calc.rb".into()], vec!["Gemfile.lock".into()]));
}

#[test]
fn lock_files_of_cargo() {
    let world = project(&[
        ("Cargo.toml", "[package]\nname = \"calc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        (".gitignore", "/target/\n"),
        (
            "src/lib.rs",
            "pub fn add(a: i32, b: i32) -> i32 {\n    a - b\n}\n\n#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n",
        ),
    ]);
    let ran = mended(&world, "src/lib.rs", &[]).code(0).says(&["written by commands: Cargo.lock (added)"]);
    assert_eq!(files(&ran), (vec!["src/lib.rs".into()], vec!["Cargo.lock".into()]));
    world.write(".kcode.toml", "[test]\nwrites = [\"Cargo.lock\"]\n");
    world.commit_all();
    std::fs::remove_dir_all(world.state()).unwrap();
    let ran = mended(&world, "src/lib.rs", &[]).code(0);
    assert_eq!(files(&ran).0, ["Cargo.lock", "src/lib.rs"]);
}

//! The runners of `docs/runners.md`, real ones, each on a small project: what is found, run in the sandbox and read of single tests.
//!
//! They need what they test to be installed, and some of them the network: `cargo nextest run --test e2e --run-ignored all runners::`.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{World, first_then};

/// A project of these files, in git.
pub fn project(files: &[(&str, &str)]) -> World {
    let world = World::empty();
    world.git(&["init", "-q", "-b", "main"]);
    world.write(
        ".gitignore",
        "node_modules/\n_build/\n.phpunit.result.cache\n.venv/\n.tox/\n.nox/\n__pycache__/\ntarget/\n",
    );
    for (name, text) in files {
        world.write(name, text);
    }
    world.commit_all();
    world
}

/// Packages of npm's registry, in the project.
pub fn install(world: &World, packages: &[&str]) {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save"]).args(packages).current_dir(world.root());
    let installed = npm.env("npm_config_cache", world.path("tmp/npm")).output().expect("npm has to be installed");
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    // The cache is in the world's folder for temporary files, which has to be empty at the end.
    fs::remove_dir_all(world.path("tmp/npm")).unwrap();
}

/// In `file` a minus becomes a plus, which mends the test of that name and breaks none.
fn mends(world: &World, file: &str, fixed: &str) {
    let edit = json!({"path": file, "old_text": "a - b", "new_text": "a + b"}).to_string();
    let kimi: MockKimi = first_then(Answer::call("edit_file", &edit), Answer::text("Done."));
    let ran = world.fix(&kimi, &[]).code(0).says(&["verified"]);
    let tests = &ran.report()["tests"];
    assert_eq!((&tests["fixed"], &tests["passing"]), (&json!([fixed]), &json!(1)), "{tests:#}");
}

/// A project whose tests Python runs through the tool of that name, which lies in the project's own environment.
fn python_through(tool: &str, file: (&str, &str)) -> World {
    let calc = ("calc.py", "def add(a, b):\n    return a - b\n");
    let tests = "import unittest\n\nimport calc\n\n\nclass Calc(unittest.TestCase):\n    def test_adds(self):\n        \
                 self.assertEqual(calc.add(1, 2), 3)\n\n    def test_zero(self):\n        self.assertEqual(calc.add(0, 0), 0)\n";
    let world = project(&[calc, ("test_calc.py", tests), file]);
    run(&world, "/usr/bin/python3", &["-m", "venv", ".venv"]);
    run(&world, ".venv/bin/pip", &["install", "--quiet", "--no-cache-dir", tool]);
    world
}

/// Runs a program in the project, which has to succeed.
fn run(world: &World, program: &str, arguments: &[&str]) {
    let path = format!("{}:/usr/bin:/bin", world.root().join(".venv/bin").display());
    let mut command = Command::new(if program.starts_with('.') { world.root().join(program) } else { program.into() });
    command.args(arguments).current_dir(world.root()).env("PATH", path).env("HOME", world.path("home"));
    let ran = command.env_remove("PYENV_VERSION").output().expect("it has to be installed");
    assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
}

const TOX: (&str, &str) =
    ("tox.ini", "[tox]\nenv_list = py\nno_package = true\n\n[testenv]\ncommands = python -m unittest -v\n");

#[test]
#[ignore = "needs Python with venv, and the network"]
fn tox() {
    let world = python_through("tox", TOX);
    run(&world, ".venv/bin/tox", &["run", "--notest"]);
    mends(&world, "calc.py", "test_calc.Calc::test_adds");
}

#[test]
#[ignore = "needs Python with venv, and the network"]
fn nox_that_reuses_its_environment() {
    let file = "import nox\n\nnox.options.reuse_existing_virtualenvs = True\n\n\n@nox.session\ndef tests(session):\n    \
                session.run('python', '-m', 'unittest', '-v')\n";
    let world = python_through("nox", ("noxfile.py", file));
    run(&world, ".venv/bin/nox", &["--install-only"]);
    mends(&world, "calc.py", "test_calc.Calc::test_adds");
}

#[test]
#[ignore = "needs Python with venv, and the network"]
fn nox_that_installs_anew_is_told_before_the_first_request() {
    let file =
        "import nox\n\n\n@nox.session\ndef tests(session):\n    session.install('pytest')\n    session.run('pytest')\n";
    let world = python_through("nox", ("noxfile.py", file));
    let kimi = MockKimi::script([]);
    world.fix(&kimi, &[]).code(78).says(&["the tests can't run here: ", "nox"]);
    assert_eq!(kimi.requests().len(), 0);
}

#[test]
#[ignore = "needs Maven and Java"]
fn maven_cold_is_told_before_the_first_request() {
    let pom = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
               <groupId>g</groupId><artifactId>calc</artifactId><version>1</version></project>\n";
    let world = project(&[("pom.xml", pom), ("src/main/java/Calc.java", "class Calc {}\n")]);
    let kimi = MockKimi::script([]);
    world.fix(&kimi, &[]).code(78).says(&["the tests can't run here: "]);
    assert_eq!(kimi.requests().len(), 0);
}

#[test]
#[ignore = "needs Elixir"]
fn exunit() {
    let world = project(&[
        (
            "mix.exs",
            "defmodule Calc.MixProject do\n  use Mix.Project\n  def project, do: [app: :calc, version: \"0.1.0\", deps: []]\nend\n",
        ),
        ("lib/calc.ex", "defmodule Calc do\n  def add(a, b), do: a - b\nend\n"),
        ("test/test_helper.exs", "ExUnit.start()\n"),
        (
            "test/calc_test.exs",
            "defmodule CalcTest do\n  use ExUnit.Case\n  test \"adds\", do: assert Calc.add(1, 2) == 3\n  test \"zero\", do: assert Calc.add(0, 0) == 0\nend\n",
        ),
    ]);
    mends(&world, "lib/calc.ex", "CalcTest test adds");
}

#[test]
#[ignore = "needs CMake and a C compiler"]
fn ctest_without_a_configured_folder() {
    let world = project(&[
        (
            "CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.16)\nproject(p C)\nenable_testing()\nadd_executable(t t.c)\nadd_test(NAME adds COMMAND t 1 2 3)\nadd_test(NAME zero COMMAND t 0 0 0)\n",
        ),
        (
            "t.c",
            "#include <stdlib.h>\nint main(int n, char **v) { int a = atoi(v[1]), b = atoi(v[2]); return (a - b) != atoi(v[3]); }\n",
        ),
    ]);
    mends(&world, "t.c", "adds");
}

#[test]
#[ignore = "needs Ruby with RSpec"]
fn rspec() {
    let world = project(&[
        (".rspec", "-I lib\n"),
        ("lib/calc.rb", "def add(a, b) = a - b\n"),
        (
            "spec/calc_spec.rb",
            "require 'calc'\nRSpec.describe 'calc' do\n  it('adds') { expect(add(1, 2)).to eq 3 }\n  it('zero') { expect(add(0, 0)).to eq 0 }\nend\n",
        ),
    ]);
    mends(&world, "lib/calc.rb", "spec/calc_spec.rb > calc adds");
}

#[test]
#[ignore = "needs Ruby with Minitest and Rake"]
fn minitest() {
    let world = project(&[
        ("Rakefile", "require 'rake/testtask'\nRake::TestTask.new { |t| t.pattern = 'test/*_test.rb' }\n"),
        ("lib/calc.rb", "def add(a, b) = a - b\n"),
        (
            "test/calc_test.rb",
            "require 'minitest/autorun'\nrequire 'calc'\nclass CalcTest < Minitest::Test\n  def test_adds = assert_equal(3, add(1, 2))\n  def test_zero = assert_equal(0, add(0, 0))\nend\n",
        ),
    ]);
    mends(&world, "lib/calc.rb", "CalcTest#test_adds");
}

#[test]
#[ignore = "needs PHPUnit"]
fn phpunit() {
    let world = project(&[
        (
            "phpunit.xml",
            "<phpunit><testsuites><testsuite name=\"t\"><directory>tests</directory></testsuite></testsuites></phpunit>\n",
        ),
        (
            "src/calc.php",
            "<?php\nfunction add($a, $b) { list($a, $b) = [$a, $b]; return eval('return $a - $b;'); }\n// a - b\n",
        ),
        (
            "tests/CalcTest.php",
            "<?php\nrequire_once __DIR__ . '/../src/calc.php';\nclass CalcTest extends PHPUnit\\Framework\\TestCase {\n  function testAdds() { $this->assertSame(3, add(1, 2)); }\n  function testZero() { $this->assertSame(0, add(0, 0)); }\n}\n",
        ),
    ]);
    world.write("src/calc.php", "<?php\nfunction add($a, $b) { return $a - $b; }\n");
    world.commit_all();
    let edit = json!({"path": "src/calc.php", "old_text": "$a - $b", "new_text": "$a + $b"}).to_string();
    let ran = world.fix(&first_then(Answer::call("edit_file", &edit), Answer::text("Done.")), &[]).code(0);
    assert_eq!(
        (&ran.report()["tests"]["passing"], ran.report()["tests"]["fixed"].as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );
}

/// A package whose script runs `script`, with these packages installed.
fn package(script: &str, test: &str, packages: &[&str]) -> World {
    let manifest =
        json!({"name": "p", "version": "1.0.0", "type": "commonjs", "scripts": {"test": script}}).to_string();
    let world = project(&[
        ("package.json", &manifest),
        ("calc.js", "module.exports = (a, b) => a - b;\n"),
        ("test/calc.test.js", test),
    ]);
    install(&world, packages);
    world
}

const GLOBALS: &str = "const add = require('../calc.js');\ntest('adds', () => { expect(add(1, 2)).toBe(3); });\ntest('zero', () => { expect(add(0, 0)).toBe(0); });\n";

#[test]
#[ignore = "needs npm and the network"]
fn jest_that_would_watch() {
    mends(&package("jest --watchAll", GLOBALS, &["jest@30"]), "calc.js", "test/calc.test.js > adds");
}

#[test]
#[ignore = "needs npm and the network"]
fn vitest_that_would_watch() {
    let world = package("vitest --watch --globals", GLOBALS, &["vitest@4"]);
    mends(&world, "calc.js", "test/calc.test.js > adds");
}

#[test]
#[ignore = "needs npm and the network"]
fn mocha_that_would_watch() {
    let test = "const assert = require('assert');\nconst add = require('../calc.js');\nit('adds', () => assert.equal(add(1, 2), 3));\nit('zero', () => assert.equal(add(0, 0), 0));\n";
    mends(&package("mocha --watch 'test/*.js'", test, &["mocha@12"]), "calc.js", "adds");
}

#[test]
#[ignore = "needs npm and the network"]
fn vitest_through_pnpm_9() {
    let world = package("vitest run --globals", GLOBALS, &["vitest@4", "pnpm@9"]);
    world.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
    world.commit_all();
    mends(&world, "calc.js", "test/calc.test.js > adds");
}

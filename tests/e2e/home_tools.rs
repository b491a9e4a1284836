//! Tools whose files live in the home, real ones, each with a home of its own: what was installed outside works in the sandbox, without
//! a network. Its table is in `docs/runners.md`.
//!
//! They need npm and Python with their registries, and what Debian calls ccache, clang, composer, default-jdk, gradle, junit4, libsurefire-java,
//! maven, rbenv and ruby-bundler: `cargo nextest run --test e2e --run-ignored all home_tools::`.

mod compiled;
mod dynamic;
mod java;
mod versions;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::laws;
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{World, first_then};

/// Tools that compile take their time on a machine that does other things as well.
const BUILDS: Duration = Duration::from_mins(10);

/// A project of these files, in git, and a home.
struct Tools {
    world: World,
    path: std::ffi::OsString,
}

impl Tools {
    fn new(files: &[(&str, &str)]) -> Self {
        let world = World::empty();
        world.git(&["init", "-q", "-b", "main"]);
        for (name, text) in files {
            world.write(name, text);
        }
        // A shim of pyenv's would look into the home.
        let python = Command::new("python3").args(["-c", "import sys; print(sys.base_prefix)"]).output();
        let python = PathBuf::from(String::from_utf8(python.unwrap().stdout).unwrap().trim()).join("bin");
        let own = world.path("home/.local/bin");
        fs::create_dir_all(&own).unwrap();
        let before = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths([own, python].into_iter().chain(std::env::split_paths(&before))).unwrap();
        Self { world, path }
    }

    /// Runs a line of shell outside of any sandbox, in the project and with its home.
    fn outside(&self, line: &str) {
        let mut shell = Command::new("sh");
        shell.args(["-ec", line]).current_dir(self.world.root()).env("PATH", &self.path);
        shell.env("HOME", self.world.path("home")).env("LANG", "C.UTF-8").env("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0");
        // Everything from npm's registry, or from what stands in for it.
        shell.env("COREPACK_NPM_REGISTRY", "https://registry.npmjs.org").env("COREPACK_INTEGRITY_KEYS", "0");
        let ran = shell.output().unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&said));
    }

    /// What isn't committed yet, if there is anything.
    fn commit(&self) {
        if !self.world.git(&["status", "--porcelain"]).is_empty() {
            self.world.commit_all();
        }
    }

    /// In `file` a minus becomes a plus, with which the command passes, and without which it doesn't.
    fn mends(&self, file: &str, command: &str) {
        self.commit();
        let ran = self.fix(file, &["--test", command], &[]).code(0);
        let before = &ran.report()["tests"]["baseline"];
        assert!(!before.is_null(), "{}", ran.stderr());
    }

    /// The same edit, with these flags and variables.
    fn fix(&self, file: &str, flags: &[&str], variables: &[(&str, &Path)]) -> Ran {
        let (old, new) = if file.contains(".php") { ("$a - $b", "$a + $b") } else { ("a - b", "a + b") };
        let edit = json!({"path": file, "old_text": old, "new_text": new}).to_string();
        let kimi: MockKimi = first_then(Answer::call("edit_file", &edit), Answer::text("Done."));
        let mut fix = self.world.keyed(&kimi, &[&["fix", "mend it"], flags].concat());
        fix.env("PATH", &self.path).envs(variables.iter().copied());
        // Nothing is known from an earlier one.
        let _ = fs::remove_dir_all(self.world.state());
        let ran = self.world.start(fix).wait_within(BUILDS);
        laws::hold(&self.world, &ran);
        ran
    }

    /// The tests can't run with `command`, which is told before the first request, with these words.
    fn refuses(&self, command: &str, words: &[&str]) {
        self.commit();
        let kimi = MockKimi::script([]);
        let mut fix = self.world.keyed(&kimi, &["fix", "mend it", "--test", command]);
        fix.env("PATH", &self.path);
        self.world.run(fix).code(78).says(words);
        assert_eq!(kimi.requests().len(), 0);
    }

    /// A folder or file of its home.
    fn home(&self, name: &str) -> PathBuf {
        self.world.path("home").join(name)
    }

    /// Writes a file there.
    fn at_home(&self, name: &str, text: &str) {
        fs::create_dir_all(self.home(name).parent().unwrap()).unwrap();
        fs::write(self.home(name), text).unwrap();
    }

    /// Puts a folder before all others where programs are looked for.
    fn search(&mut self, folder: PathBuf) {
        let path = std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&self.path))).unwrap();
        self.path = path;
    }
}

const NODE_TEST: (&str, &str) = (
    "calc.test.js",
    "const { add } = require('./calc');\nrequire('node:test')('adds', () => require('node:assert').equal(add(1, 2), 3));\n",
);

fn corepack(tools: &Tools) {
    tools.outside("npm install -g --no-audit --no-fund --prefix \"$HOME/.local\" corepack && corepack enable --install-directory \"$HOME/.local/bin\"");
}

#[test]
#[ignore = "needs npm's registry"]
fn pnpm_that_corepack_downloaded() {
    let package = "{\"name\": \"p\", \"packageManager\": \"pnpm@9.15.0\", \"scripts\": {\"test\": \"node --test\"}}\n";
    let tools = Tools::new(&[("package.json", package), ("calc.js", "exports.add = (a, b) => a - b;\n"), NODE_TEST]);
    corepack(&tools);
    tools.outside("corepack install && pnpm --version");
    tools.mends("calc.js", "pnpm test");
}

#[test]
#[ignore = "needs npm's registry"]
fn yarn_with_packages_in_its_global_cache() {
    let package = "{\"name\": \"p\", \"packageManager\": \"yarn@4.5.3\", \"dependencies\": {\"is-odd\": \"3.0.1\"}, \"scripts\": {\"test\": \"node --test\"}}\n";
    let calc = "const odd = require('is-odd');\nexports.add = (a, b) => odd(1) ? a - b : 0;\n";
    let tools = Tools::new(&[
        ("package.json", package),
        ("yarn.lock", ""),
        ("calc.js", calc),
        (".gitignore", ".yarn/\n"),
        NODE_TEST,
    ]);
    corepack(&tools);
    tools.outside("corepack install && yarn install");
    tools.mends("calc.js", "yarn test");
}

const PYTHON: [(&str, &str); 3] = [
    ("calc.py", "def add(a, b):\n    return a - b\n"),
    ("test_calc.py", "from calc import add\n\ndef test_adds():\n    assert add(1, 2) == 3\n"),
    (".gitignore", "__pycache__/\n.pytest_cache/\n"),
];

/// A tool of Python's with an environment of its own, as pipx makes them.
fn python_tool(tools: &Tools, name: &str) {
    let at = format!("\"$HOME/.local/share/pipx/venvs/{name}\"");
    tools.outside(&format!(
        "python3 -m venv {at} && {at}/bin/pip install -q {name} && ln -s {at}/bin/{name} \"$HOME/.local/bin/{name}\""
    ));
}

#[test]
#[ignore = "needs PyPI"]
fn pipenv_with_its_environment_in_the_home() {
    let pipfile = "[[source]]\nurl = \"https://pypi.org/simple\"\nverify_ssl = true\nname = \"pypi\"\n\n[dev-packages]\npytest = \"*\"\n";
    let tools = Tools::new(&[&PYTHON[..], &[("Pipfile", pipfile)]].concat());
    python_tool(&tools, "pipenv");
    tools.outside("pipenv install --dev");
    tools.mends("calc.py", "pipenv run python -m pytest -q");
}

#[test]
#[ignore = "needs PyPI"]
fn hatch_with_its_environments_in_the_home() {
    let project = "[project]\nname = \"calc\"\nversion = \"1\"\n\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n\n[tool.hatch.envs.default]\nskip-install = true\ndependencies = [\"pytest\"]\n";
    let tools = Tools::new(&[&PYTHON[..], &[("pyproject.toml", project)]].concat());
    python_tool(&tools, "hatch");
    tools.outside("hatch env create && hatch run python -m pytest --version");
    tools.mends("calc.py", "hatch run python -m pytest -q");
}

#[test]
#[ignore = "needs Ruby"]
fn gems_that_a_user_installed_without_the_systems_rights() {
    let specification = "Gem::Specification.new do |s|\n  s.name = 'shapes'\n  s.version = '1.0.0'\n  s.summary = 'shapes'\n  s.authors = ['a']\n  s.files = ['lib/shapes.rb']\nend\n";
    let tools = Tools::new(&[
        ("calc.rb", "require 'shapes'\ndef add(a, b) = a - b + Shapes::NONE\n"),
        ("test.rb", "require_relative 'calc'\nabort 'not ok' unless add(1, 2) == 3\nputs 'ok 1 - adds'\n"),
    ]);
    let gem = tools.world.path("home/gem");
    fs::create_dir_all(gem.join("lib")).unwrap();
    fs::write(gem.join("shapes.gemspec"), specification).unwrap();
    fs::write(gem.join("lib/shapes.rb"), "module Shapes\n  NONE = 0\nend\n").unwrap();
    tools.outside("cd \"$HOME/gem\" && gem build -q shapes.gemspec && gem install -q --user-install --no-document --local shapes-1.0.0.gem");
    tools.mends("calc.rb", "ruby test.rb");
}

//! Tools of Ruby, PHP, Python and JavaScript.

use std::fs;

use super::{NODE_TEST, PYTHON, Tools, python_tool};

/// A project with a gem that its Gemfile names, and a folder that serves it.
fn bundle() -> Tools {
    let specification = "Gem::Specification.new do |s|\n  s.name = 'shapes'\n  s.version = '1.0.0'\n  s.summary = 'shapes'\n  s.authors = ['a']\n  s.files = ['lib/shapes.rb']\nend\n";
    let tools = Tools::new(&[
        ("calc.rb", "require 'shapes'\ndef add(a, b) = a - b + Shapes::NONE\n"),
        ("test.rb", "require_relative 'calc'\nabort 'not ok' unless add(1, 2) == 3\nputs 'ok 1 - adds'\n"),
        (".gitignore", ".bundle/\nvendor/\n"),
    ]);
    tools.at_home("repo/gem/lib/shapes.rb", "module Shapes\n  NONE = 0\nend\n");
    tools.at_home("repo/gem/shapes.gemspec", specification);
    tools.world.write("Gemfile", format!("source 'file://{}'\ngem 'shapes'\n", tools.home("repo").display()));
    tools.outside(
        "cd \"$HOME/repo/gem\" && gem build -q shapes.gemspec && mkdir ../gems && mv shapes-1.0.0.gem ../gems && cd .. && gem generate_index -q",
    );
    tools
}

const RUBY_TESTS: &str = "bundle exec ruby test.rb";

#[test]
#[ignore = "needs Ruby and Bundler"]
fn bundler_with_gems_where_the_users_settings_say() {
    let tools = bundle();
    tools.outside("bundle config set --global path \"$HOME/.bundle/gems\" && bundle install --quiet");
    tools.mends("calc.rb", RUBY_TESTS);
}

#[test]
#[ignore = "needs Ruby and Bundler"]
fn bundler_with_gems_where_the_projects_settings_say() {
    let tools = bundle();
    tools.outside("bundle config set --local path \"$HOME/gems\" && bundle install --quiet");
    let gems = tools.home("gems");
    // A project may name any folder: a person says whether it is shown.
    let refused = tools.fix("calc.rb", &["--test", RUBY_TESTS], &[]).code(78);
    assert!(refused.stderr().contains(&format!("--readable {}", gems.display())), "{}", refused.stderr());
    tools.fix("calc.rb", &["--test", RUBY_TESTS, "--readable", gems.to_str().unwrap()], &[]).code(0);
}

#[test]
#[ignore = "needs Ruby and Bundler"]
fn bundler_with_gems_where_a_variable_says() {
    for variable in ["GEM_HOME", "BUNDLE_PATH"] {
        let tools = bundle();
        tools.outside(&format!("export {variable}=\"$HOME/own\"; bundle install --quiet"));
        tools.commit();
        tools.fix("calc.rb", &["--test", RUBY_TESTS], &[(variable, &tools.home("own"))]).code(0);
    }
}

#[test]
#[ignore = "needs Ruby and Bundler"]
fn bundler_cold() {
    bundle().refuses(RUBY_TESTS, &["the gems of the Gemfile aren't installed", "bundle install"]);
}

#[test]
#[ignore = "needs Composer"]
fn composer_with_a_vendor_folder() {
    let manifest = "{\"name\": \"a/p\", \"autoload\": {\"files\": [\"src/calc.php\"]}, \"repositories\": [{\"packagist.org\": false}], \"scripts\": {\"test\": \"php tests/run.php\"}}\n";
    let tools = Tools::new(&[
        ("composer.json", manifest),
        ("src/calc.php", "<?php function add($a, $b) { return $a - $b; }\n"),
        (
            "tests/run.php",
            "<?php require __DIR__.'/../vendor/autoload.php'; if (add(1, 2) !== 3) { exit(1); } echo \"ok 1 - adds\\n\";\n",
        ),
        (".gitignore", "vendor/\n"),
    ]);
    tools.outside("COMPOSER_ALLOW_SUPERUSER=1 composer install -q");
    tools.mends("src/calc.php", "composer test");
    fs::remove_dir_all(tools.world.root().join("vendor")).unwrap();
    tools.refuses("composer test", &["vendor/autoload.php isn't there", "`composer install`"]);
}

const POETRY: &str = "[project]\nname = \"calc\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\n[tool.poetry]\npackage-mode = false\n\n[tool.poetry.group.dev.dependencies]\npytest = \"*\"\n";

#[test]
#[ignore = "needs PyPI"]
fn poetry_with_environments_in_its_cache_and_where_settings_say() {
    let tools = Tools::new(&[&PYTHON[..], &[("pyproject.toml", POETRY)]].concat());
    python_tool(&tools, "poetry");
    let cold = "poetry run python -m pytest -q";
    tools.refuses(cold, &["pytest"]);
    tools.outside("poetry install");
    tools.mends("calc.py", cold);
    fs::remove_dir_all(tools.home(".cache/pypoetry")).unwrap();
    tools.at_home(
        ".config/pypoetry/config.toml",
        &format!("[virtualenvs]\npath = \"{}\"\n", tools.home("envs").display()),
    );
    tools.outside("poetry install");
    tools.mends("calc.py", cold);
}

#[test]
#[ignore = "needs PyPI"]
fn pdm_with_an_environment_in_the_home() {
    let project = "[project]\nname = \"calc\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\n[tool.pdm]\ndistribution = false\n";
    let ignored = (".gitignore", "__pycache__/\n.pytest_cache/\n.pdm-python\n.venv/\n");
    let tools = Tools::new(&[&PYTHON[..], &[("pyproject.toml", project), ignored]].concat());
    python_tool(&tools, "pdm");
    tools.outside(
        "pdm config venv.in_project false && pdm use -q -f $(command -v python3) && $(cat .pdm-python) -m ensurepip && $(cat .pdm-python) -m pip install -q pytest",
    );
    tools.mends("calc.py", "pdm run pytest -q");
}

const UV: &str = "[project]\nname = \"calc\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\n[dependency-groups]\ndev = [\"pytest\"]\n";

#[test]
#[ignore = "needs PyPI"]
fn uv_with_an_interpreter_of_its_own() {
    let tools = Tools::new(&[
        PYTHON[0],
        PYTHON[1],
        (".gitignore", "__pycache__/\n.pytest_cache/\n.venv/\n"),
        ("pyproject.toml", UV),
    ]);
    python_tool(&tools, "uv");
    // As `uv python install` lays it out, which would download it.
    tools.outside(
        "test \"$(python3 -c 'import sys; print(sys.base_prefix)')\" != /usr; at=\"$HOME/.local/share/uv/python/cpython-$(python3 -c 'import platform; print(platform.python_version())')-linux-x86_64-gnu\"; \
         mkdir -p \"$(dirname \"$at\")\" && cp -r \"$(python3 -c 'import sys; print(sys.base_prefix)')\" \"$at\" && touch \"$at/BUILD\"",
    );
    tools.outside("uv sync -q --python-preference only-managed && readlink .venv/bin/python | grep share/uv/python");
    tools.mends("calc.py", "uv run pytest -q");
    // Without an environment one is made of what was downloaded before.
    fs::remove_dir_all(tools.world.root().join(".venv")).unwrap();
    let made = "uv run --python-preference only-managed pytest -q";
    tools.fix("calc.py", &["--test", made], &[]).code(0);
}

/// A program out of a package of npm's for this machine.
fn npm_program(tools: &Tools, package: &str, file: &str, place: &str) {
    tools.outside(&format!(
        "mkdir -p \"$HOME/npm\" \"$(dirname \"$HOME/{place}\")\" && npm install -q --ignore-scripts --no-audit --no-fund --prefix \"$HOME/npm\" {package} && \
         cp \"$HOME/npm/node_modules/{package}/{file}\" \"$HOME/{place}\" && chmod 755 \"$HOME/{place}\" && rm -r \"$HOME/npm\""
    ));
}

#[test]
#[ignore = "needs npm's registry"]
fn bun() {
    let manifest = "{\"name\": \"p\", \"dependencies\": {\"is-odd\": \"3.0.1\"}}\n";
    let calc = "const odd = require('is-odd');\nexports.add = (a, b) => odd(1) ? a - b : 0;\n";
    let test = "const { test, expect } = require('bun:test');\nconst { add } = require('./calc');\ntest('adds', () => expect(add(1, 2)).toBe(3));\n";
    let mut tools = Tools::new(&[
        ("package.json", manifest),
        ("calc.js", calc),
        ("calc.test.js", test),
        (".gitignore", "node_modules/\n"),
    ]);
    npm_program(&tools, "@oven/bun-linux-x64", "bin/bun", ".bun/bin/bun");
    tools.search(tools.home(".bun/bin"));
    tools.outside("bun install");
    tools.mends("calc.js", "bun test");
}

#[test]
#[ignore = "needs npm's registry"]
fn deno_with_packages_in_its_cache() {
    let calc =
        "import odd from 'npm:is-odd@3.0.1';\nexport const add = (a: number, b: number) => odd(1) ? a - b : 0;\n";
    let test =
        "import { add } from './calc.ts';\nDeno.test('adds', () => { if (add(1, 2) !== 3) throw new Error('no'); });\n";
    let mut tools = Tools::new(&[("deno.json", "{}\n"), ("calc.ts", calc), ("calc_test.ts", test)]);
    npm_program(&tools, "@deno/linux-x64-glibc", "deno", ".deno/bin/deno");
    tools.search(tools.home(".deno/bin"));
    tools.refuses("deno test", &["isn't in Deno's cache", "deno install"]);
    tools.outside("! deno test");
    tools.mends("calc.ts", "deno test");
    // It is found by itself.
    tools.fix("calc.ts", &[], &[]).code(0).says(&["deno test", "verified"]);
}

#[test]
#[ignore = "needs npm's registry"]
fn package_managers_in_the_home() {
    // Their stores are needed for an installation alone; tests read the links and copies in `node_modules`.
    for (package, install, test) in [
        ("pnpm@9", "pnpm install", "pnpm run test"),
        ("pnpm@10", "pnpm install", "pnpm run test"),
        ("yarn@1", "yarn install", "yarn test"),
    ] {
        let manifest =
            "{\"name\": \"p\", \"dependencies\": {\"is-odd\": \"3.0.1\"}, \"scripts\": {\"test\": \"node --test\"}}\n";
        let calc = "const odd = require('is-odd');\nexports.add = (a, b) => odd(1) ? a - b : 0;\n";
        let tools =
            Tools::new(&[("package.json", manifest), ("calc.js", calc), (".gitignore", "node_modules/\n"), NODE_TEST]);
        tools.outside(&format!("npm install -g --no-audit --no-fund --prefix \"$HOME/.local\" {package} && {install}"));
        tools.mends("calc.js", test);
    }
}

use super::*;
use std::fs;

/// Returns the doubt about a command line in a repository with these files.
fn of(line: &str, files: &[(&str, &str)]) -> String {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    doubt(&TestCommand::shell(line), root.path()).map_or_else(String::new, |doubt| doubt.why)
}

#[test]
fn programs_that_are_nowhere_are_doubted() {
    for line in ["no-such-cmd", "no-such-cmd -q", "true && no-such-cmd", "A=1 no-such-cmd", "./no-such-cmd"] {
        assert!(of(line, &[]).ends_with("no-such-cmd isn't found"), "{line}");
    }
    for line in ["sh -c true", "cd sub && ./run", "true || no-such-cmd", "$RUN tests", "if true; then echo; fi"] {
        assert_eq!(of(line, &[]), "", "{line}");
    }
    for folder in TOOL_FOLDERS {
        assert_eq!(of("no-such-cmd", &[(&format!("{folder}/no-such-cmd"), "")]), "", "{folder}");
    }
}

#[test]
fn what_is_not_installed_is_doubted() {
    let package = |text: &'static str| [("package.json", text)];
    assert_eq!(of("sh python3 -m no_such_module -q", &[]), "no module no_such_module is found for python3");
    assert_eq!(of("sh python3 -m own", &[("own.py", "")]), "");
    assert_eq!(of("sh npm test", &package(r#"{"scripts": {}}"#)), "package.json has no script test");
    let needs = r#"{"scripts": {"test": "node t.js"}, "devDependencies": {"jest": "1"}}"#;
    assert_eq!(of("sh npm test", &package(needs)), "node_modules isn't there");
    assert_eq!(of("sh npm test", &[("package.json", needs), ("node_modules/jest/a", "")]), "");
    assert_eq!(
        of("sh npm t", &package(r#"{"scripts": {"test": "sh --watch"}}"#)),
        "its script seems to watch for changes"
    );
    let lock = "[[package]]\nname = \"no-such-crate\"\nversion = \"1.0.0\"\nsource = \"registry+https://x\"\n";
    let own = "[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n";
    let cargo = |lock: &'static str| [("Cargo.toml", "[package]\n"), ("Cargo.lock", lock)];
    assert_eq!(of("sh cargo test", &cargo(lock)), "the crate no-such-crate isn't downloaded");
    assert_eq!(of("sh cargo test", &cargo(own)), "");
    let wrapper =
        [("Cargo.toml", "[package]\n"), (".cargo/config.toml", "[build]\nrustc-wrapper = \"no-such-cache\"\n")];
    assert_eq!(of("sh cargo test", &wrapper), "no-such-cache, which Cargo starts the compiler with, isn't found");
    let go = "module m\n\nrequire (\n\texample.org/No v1.2.3\n\tb.org/c v1.0.0 // indirect\n)\n";
    assert_eq!(of("sh go test", &[("go.mod", go)]), "the module example.org/No isn't downloaded");
    let make = "all:\n\ttrue\n\ntest: all\n\t@no-such-cmd -q\n\nother:\n\tno-such-other\n";
    assert_eq!(of("sh make test", &[("Makefile", make)]), "no-such-cmd of the makefile isn't found");
    assert_eq!(of("sh tox", &[]), ".tox isn't there");
    let composer = |text: &'static str| [("composer.json", text)];
    for line in ["sh composer test", "sh php tests/run.php", "sh vendor/bin/phpunit", "sh pest"] {
        assert_eq!(of(line, &composer("{}")), "vendor isn't there", "{line}");
    }
    assert_eq!(of("sh php tests/run.php", &[]), "");
    assert_eq!(of("sh composer test", &[("composer.json", "{}"), ("vendor/autoload.php", "")]), "");
    let elsewhere = r#"{"config": {"vendor-dir": "lib/packages"}}"#;
    assert_eq!(of("sh php t.php", &[("composer.json", elsewhere), ("lib/packages/autoload.php", "")]), "");
    let gems = "GEM\n  remote: https://rubygems.org/\n  specs:\n    no-such-gem (1.2.0)\n";
    assert_eq!(of("sh bundle exec rspec", &[("Gemfile.lock", gems)]), "the gem no-such-gem-1.2.0 isn't installed");
    assert_eq!(of("sh bundle exec rspec", &[("Gemfile", "source 'x'\ngem 'a'\n")]), "there is no Gemfile.lock");
    assert_eq!(of("sh bundle exec rspec", &[]), "");
}

#[test]
fn programs_that_are_there_and_may_not_start_are_doubted() {
    use std::os::unix::fs::PermissionsExt as _;
    assert!(of("./run.sh", &[("run.sh", "#!/bin/sh\n")]).ends_with("run.sh isn't executable"));
    for (text, words) in [("#!/bin/sh\r\ntrue\r\n", "ends in CRLF"), ("#!/no/such/python\n", "the interpreter of")] {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("run.sh"), text).unwrap();
        fs::set_permissions(root.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let why = doubt(&TestCommand::shell("./run.sh"), root.path()).unwrap().why;
        assert!(why.contains(words), "{why}");
    }
    assert!(of("timeout 10 no-such-cmd -q", &[]).ends_with("no-such-cmd isn't found"));
    assert!(of("env A=1 nice -n 5 no-such-cmd", &[]).ends_with("no-such-cmd isn't found"));
    assert_eq!(of("timeout 10 sh -c true", &[]), "");
    assert!(of("$HOME/no/such/pytest -q", &[]).ends_with("pytest isn't found"));
    assert_eq!(of("sh make test", &[]), "there is no makefile");
    assert_eq!(of("sh make test", &[("Makefile", "all:\n\ttrue\n")]), "the makefile has no target test");
    assert_eq!(of("sh rake test", &[]), "there is no Rakefile");
    assert_eq!(of("sh npx no-such-cmd", &[]), "no-such-cmd isn't found, so that npx would download it");
}

#[test]
fn packages_that_manifests_ask_for_are_looked_for() {
    let requires = [("requirements.txt", "no-such-package==1.0\n"), ("tests/test_a.py", "import no_such_package\n")];
    assert_eq!(of("sh python3 -m unittest", &requires), "the Python package for no_such_package isn't found");
    let unnamed = [("tests/test_a.py", "import os, sys\nimport json\nfrom shop import cart\n")];
    assert_eq!(of("sh python3 -m unittest", &unnamed), "", "it may be the one that is to be written");
    let own = [("pyproject.toml", "[project]\nname = \"shop\"\n"), ("test_a.py", "import shop\n")];
    assert_eq!(of("sh python3 -m unittest", &own), "");
    let manifest = r#"{"dependencies": {"express": "4"}}"#;
    assert_eq!(of("sh node --test", &[("package.json", manifest)]), "the package express isn't installed");
    let there = [("package.json", manifest), ("node_modules/express/index.js", "")];
    assert_eq!(of("sh node --test", &there), "");
    assert_eq!(
        of("sh ruby -Itest test/a.rb", &[("Gemfile", "gem 'no_such_gem'\n")]),
        "the gem no_such_gem isn't found"
    );
}

#[test]
fn settings_of_an_environment_are_read_with_a_bound() {
    let root = tempfile::tempdir().unwrap();
    let (venv, base) = (root.path().join(".venv"), root.path().join("base"));
    fs::create_dir_all(venv.join("bin")).unwrap();
    std::os::unix::fs::symlink("/bin/sh", venv.join("bin/python")).unwrap();
    fs::create_dir_all(base.join("bin")).unwrap();
    fs::create_dir_all(base.join("lib/python3.99/own_module")).unwrap();
    let settings = venv.join("pyvenv.cfg");
    fs::write(&settings, format!("home = {}\n", base.join("bin").display())).unwrap();
    let doubted = || {
        doubt(&TestCommand::shell(".venv/bin/python -m own_module"), root.path()).map_or_else(String::new, |it| it.why)
    };
    assert_eq!(doubted(), "");
    fs::OpenOptions::new().write(true).open(&settings).unwrap().set_len(MAX_BYTES + 1).unwrap();
    assert_eq!(doubted(), "no module own_module is found for .venv/bin/python");
}

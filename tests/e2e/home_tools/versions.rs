//! Managers of versions: the version that works outside is the one in the sandbox, never the machine's own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{NODE_TEST, Tools};

const CODE: (&str, &str) = ("calc.js", "exports.add = (a, b) => a - b;\n");

/// This machine's Node in `place` of the home, as an installation of its own.
fn node_at(tools: &Tools, place: &str) {
    tools.outside(&format!(
        "mkdir -p \"$HOME/{place}/bin\" \"$HOME/{place}/lib\" && cp \"$(readlink -f \"$(command -v node)\")\" \"$HOME/{place}/bin/node\""
    ));
}

/// The tests run with the program at `place` in the home.
fn runs(tools: &Tools, place: &str, variables: &[(&str, &Path)]) {
    tools.commit();
    let command = "node -p process.execPath && node --test";
    let ran = tools.fix("calc.js", &["--test", command], variables).code(0);
    let log = ran.kept().read("logs/tests-1.log");
    assert!(log.contains(tools.home(place).to_str().unwrap()), "{log}");
}

#[test]
#[ignore = "needs Node"]
fn managers_that_put_a_version_into_the_search_path() {
    for (place, variable) in [
        (".nvm/versions/node/v20.0.0", Some(("NVM_DIR", ".nvm"))),
        (".config/nvm/versions/node/v20.0.0", Some(("NVM_DIR", ".config/nvm"))),
        (".local/share/nvm/v20.0.0", None),
        (".volta/tools/image/node/20.0.0", Some(("VOLTA_HOME", ".volta"))),
        (".asdf/installs/nodejs/20.0.0", None),
        ("n", None),
    ] {
        let mut tools = Tools::new(&[CODE, NODE_TEST]);
        node_at(&tools, place);
        tools.search(tools.home(place).join("bin"));
        let variable = variable.map(|(name, folder)| (name, tools.home(folder)));
        let variables: Vec<_> = variable.iter().map(|(name, folder)| (*name, folder.as_path())).collect();
        runs(&tools, &format!("{place}/bin/node"), &variables);
    }
}

#[test]
#[ignore = "needs Node"]
fn fnm_whose_search_path_is_a_link_in_a_hidden_folder() {
    let mut tools = Tools::new(&[CODE, NODE_TEST]);
    let version = ".local/share/fnm/node-versions/v20.0.0/installation";
    node_at(&tools, version);
    fs::create_dir_all(tools.home(".local/state/fnm_multishells")).unwrap();
    symlink(tools.home(version), tools.home(".local/state/fnm_multishells/1_2")).unwrap();
    tools.search(tools.home(".local/state/fnm_multishells/1_2/bin"));
    runs(&tools, version, &[]);
}

#[test]
#[ignore = "needs npm's registry"]
fn mise_with_shims_and_the_version_in_the_users_settings_or_the_projects() {
    let mut tools = Tools::new(&[CODE, NODE_TEST]);
    let version = ".local/share/mise/installs/node/20.0.0";
    node_at(&tools, version);
    tools.outside(
        "mkdir \"$HOME/npm\" && npm install -q --no-audit --no-fund --prefix \"$HOME/npm\" @jdxcode/mise-linux-x64 && \
         cp \"$HOME/npm/node_modules/@jdxcode/mise-linux-x64/bin/mise\" \"$HOME/.local/bin/mise\" && rm -r \"$HOME/npm\"",
    );
    tools.at_home(".config/mise/config.toml", "[tools]\nnode = \"20.0.0\"\n\n[env]\nTOKEN = \"the-password\"\n");
    tools.outside("mise reshim");
    tools.search(tools.home(".local/share/mise/shims"));
    runs(&tools, version, &[]);
    fs::remove_file(tools.home(".config/mise/config.toml")).unwrap();
    tools.world.write("mise.toml", "[tools]\nnode = \"20.0.0\"\n");
    runs(&tools, version, &[]);
}

#[test]
#[ignore = "needs rbenv and Ruby"]
fn rbenv_with_its_shims() {
    let mut tools = Tools::new(&[
        ("calc.rb", "def add(a, b) = a - b\n"),
        ("test.rb", "require_relative 'calc'\nabort 'not ok' unless add(1, 2) == 3\nputs 'ok 1 - adds'\n"),
    ]);
    fs::create_dir_all(tools.home(".rbenv/versions/3.9.9/bin")).unwrap();
    symlink("/usr/bin/ruby", tools.home(".rbenv/versions/3.9.9/bin/ruby")).unwrap();
    tools.at_home(".rbenv/version", "3.9.9\n");
    tools.outside("rbenv rehash");
    tools.search(tools.home(".rbenv/shims"));
    tools.mends("calc.rb", "rbenv version | grep -q '^3.9.9 ' && ruby test.rb");
}

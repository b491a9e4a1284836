//! What is found in made-up repositories.

use std::os::unix::fs::symlink;

use super::*;

struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(world.at("p")).unwrap();
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The folders found, relative to this test's root, with the manifests that name them.
    fn found(&self) -> Vec<String> {
        let repository = Repository::open(&self.at("p")).unwrap();
        let outside = repository.outside(&repository.outline_paths(100));
        let told = outside.iter().map(|it| {
            let name = |path: &Path| path.strip_prefix(self.at("")).unwrap_or(path).display().to_string();
            let real = if it.path == it.real { String::new() } else { format!("={}", name(&it.real)) };
            format!("{}{real} by {}", name(&it.path), it.named_by)
        });
        told.collect()
    }
}

#[test]
fn what_is_there_and_outside_is_found() {
    let world = World::new();
    world.write("p/Cargo.toml", "[dependencies]\na.path = '../a'\nb.path = 'b'\ngone.path = '../gone'\n");
    world.write("p/deep/er/go.mod", "module x\nreplace y => ../../../y\nreplace z => ../../b\n");
    world.write("p/b/x", "");
    world.write("a/Cargo.toml", "[dependencies]\nc.path = '../c'\n");
    world.write("y/go.mod", "");
    world.write("c/x", "");
    assert_eq!(world.found(), ["a by Cargo.toml", "y by deep/er/go.mod"]);
    let repository = Repository::open(&world.at("p")).unwrap();
    let a = &repository.outside(&repository.outline_paths(100))[0];
    assert_eq!(a.further(&world.at("p")).iter().map(|it| it.path.clone()).collect::<Vec<_>>(), [world.at("c")]);
}

#[test]
fn where_bundlers_settings_say_that_gems_are() {
    let world = World::new();
    world.write("gems/ruby/3.1.0/x", "");
    world.write("p/.bundle/config", &format!("---\nBUNDLE_PATH: \"{}\"\n", world.at("gems").display()));
    assert_eq!(world.found(), ["gems by .bundle/config"]);
    world.write("p/.bundle/config", "---\nBUNDLE_PATH: \"../gems\"\nBUNDLE_JOBS: \"4\"\n");
    assert_eq!(world.found(), ["gems by .bundle/config"]);
    world.write("p/.bundle/config", "---\nBUNDLE_PATH: \"vendor/bundle\"\n");
    assert_eq!(world.found(), [""; 0]);
}

#[test]
fn links_are_told_by_where_they_lead() {
    let world = World::new();
    world.write("data/lib/x", "");
    symlink(world.at("data/lib"), world.at("lib")).unwrap();
    symlink(world.at("data/lib"), world.at("p/inside")).unwrap();
    world.write("p/package.json", r#"{"dependencies": {"a": "file:../lib"}}"#);
    assert_eq!(world.found(), ["lib=data/lib by package.json"]);
    world.write("p/go.mod", "replace a => ./inside/../inside\nreplace b => ../p/inside\n");
    fs::remove_file(world.at("p/package.json")).unwrap();
    assert_eq!(world.found(), ["data/lib by go.mod"]);
}

#[test]
fn a_member_brings_its_workspace() {
    let world = World::new();
    world.write("p/Cargo.toml", "[dependencies]\na.path = '../other/crates/a'\n");
    world.write("other/Cargo.toml", "[workspace]\nmembers = ['crates/*']\n");
    world.write("other/crates/a/Cargo.toml", "[package]\nversion.workspace = true\n");
    assert_eq!(world.found(), ["other by Cargo.toml"]);
}

#[test]
fn package_managers_left_their_notes() {
    let world = World::new();
    for folder in ["linked", "scoped", "eggs", "editable", "plain"] {
        world.write(&format!("{folder}/x"), "");
    }
    world.write("p/package.json", "{}");
    fs::create_dir_all(world.at("p/node_modules/@scope")).unwrap();
    symlink("../../linked", world.at("p/node_modules/linked")).unwrap();
    symlink("../../../scoped", world.at("p/node_modules/@scope/scoped")).unwrap();
    let packages = "p/.venv/lib/python3.12/site-packages";
    world.write(&format!("{packages}/a.pth"), &format!("import x\n{}\n", world.at("plain").display()));
    world.write(&format!("{packages}/b.egg-link"), &format!("{}\n.\n", world.at("eggs").display()));
    let url = |editable: bool| {
        format!(r#"{{"url": "file://{}", "dir_info": {{"editable": {editable}}}}}"#, world.at("editable").display())
    };
    world.write(&format!("{packages}/c-1.dist-info/direct_url.json"), &url(true));
    let names: Vec<String> = world.found().iter().map(|it| it.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["editable", "eggs", "linked", "plain", "scoped"]);
}

#[test]
fn files_of_secrets_and_far_places_are_not_even_looked_up() {
    let world = World::new();
    world.write(".env", "");
    world.write("p/go.mod", "replace a => ../.env\nreplace b => /proc/self\nreplace c => /usr/lib\nreplace d => ../../../../../../dev/shm\n");
    assert_eq!(world.found(), Vec::<String>::new());
}

//! `search` and `list_files`: what is found, in which order, how much of it, and what is left out.

use serde_json::json;

use super::world::{World, says};

fn repository() -> World {
    let world = World::new();
    world.put(".gitignore", "target/\n*.tmp\n").put("target/out.txt", "def add\n").put("x.tmp", "def add\n");
    world.put(".git/config", "def add\n").put(".github/ci.yml", "run: add\n").put("README.md", "# calc\n");
    world.put("calc/core.py", "def add(a, b):\r\n    return a\r\n\r\n\r\ndef sub(a, b):\r\n    return a\r\n");
    world.put("calc/deep/er/x.py", "import core\n# add()\n").put("logo.bin", b"def add\0def add\n");
    world
}

#[test]
fn few_matches_are_shown_as_lines() {
    let world = repository();
    let found = world.call("search", json!({"pattern": r"def \w+"}));
    assert_eq!(found.summary, r#""def \w+" → 1 file"#);
    assert_eq!(found.text, "2 matching lines in 1 file\ncalc/core.py\n1:def add(a, b):\n5:def sub(a, b):");
    let text = world.good("search", json!({"pattern": "add", "context": 1}));
    says(
        &text,
        &[
            "3 matching lines in 3 files",
            ".github/ci.yml\n1:run: add\ncalc/core.py\n1:def add(a, b):\n2-    return a\n",
        ],
    );
    says(&world.good("search", json!({"pattern": "^import core$"})), &["calc/deep/er/x.py\n1:import core"]);
    says(&world.good("search", json!({"pattern": r"b\):$"})), &["2 matching lines", "5:def sub(a, b):"]);
    says(&world.good("search", json!({"pattern": "sub(a", "literal": true})), &["5:def sub(a, b):"]);
}

#[test]
fn many_matches_are_shown_as_files_and_lines_on_request() {
    let world = World::new();
    for n in 0..120 {
        world.put(&format!("f/{n:03}.txt"), "hit\nmiss\nhit\n");
    }
    let text = world.good("search", json!({"pattern": "hit"}));
    says(
        &text,
        &["240 matching lines in 120 files\nf/000.txt  2\nf/001.txt  2\n", "… 40 more files", "set lines to true"],
    );
    assert_eq!(text, world.good("search", json!({"pattern": "hit"})), "the same every time");
    let text = world.good("search", json!({"pattern": "hit", "lines": true}));
    says(&text, &["f/000.txt\n1:hit\n3:hit\n", "f/049.txt\n1:hit\n3:hit\n… 140 more in 70 files"]);
    world.put("one.txt", "hit\n".repeat(300) + &"x".repeat(1_000) + "\n");
    let text = world.good("search", json!({"pattern": "hit", "path": "one.txt", "lines": true}));
    says(&text, &["300 matching lines in 1 file", "100:hit\n… 200 more in this file"]);
    world.put("long.txt", format!("{}needle{}\n", "x".repeat(5_000), "y".repeat(5_000)));
    let text = world.good("search", json!({"pattern": "n..dle", "path": "long.txt"}));
    says(&text, &[&format!("\n1:…{}needle{}…", "x".repeat(120), "y".repeat(120))]);
    assert!(text.len() < 400, "{text}");
}

#[test]
fn what_is_searched_can_be_narrowed() {
    let world = repository();
    let files = |arguments| {
        let text = world.good("search", arguments);
        let mut files: Vec<_> = text.lines().filter(|line| line.contains('/') && !line.contains(':')).collect();
        files.dedup();
        files.join(" ")
    };
    assert_eq!(files(json!({"pattern": "add", "glob": "*.py"})), "calc/core.py calc/deep/er/x.py");
    assert_eq!(files(json!({"pattern": "add", "glob": "calc/*.py"})), "calc/core.py");
    assert_eq!(files(json!({"pattern": "add", "glob": "calc/**/*.py"})), "calc/core.py calc/deep/er/x.py");
    assert_eq!(files(json!({"pattern": "add", "glob": "*.{yml,md}"})), ".github/ci.yml");
    assert_eq!(files(json!({"pattern": "add", "path": "calc/deep"})), "calc/deep/er/x.py");
    assert_eq!(files(json!({"pattern": "add", "path": "./calc/core.py"})), "calc/core.py");
    assert_eq!(files(json!({"pattern": "add", "path": "."})), ".github/ci.yml calc/core.py calc/deep/er/x.py");
    assert_eq!(files(json!({"pattern": "add", "path": "target"})), "target/out.txt", "named, although ignored");
}

#[test]
fn what_can_not_be_searched_for_is_told() {
    let world = repository();
    says(&world.bad("search", json!({"pattern": "add("})), &["can't be searched for", "set literal to true"]);
    says(&world.bad("search", json!({"pattern": ""})), &["pattern is empty", "list_files"]);
    says(&world.bad("search", json!({"pattern": "a\nb"})), &["within one line"]);
    says(&world.bad("search", json!({"pattern": "a", "glob": "{a"})), &["\"{a\" is not a valid glob"]);
    says(
        &world.bad("search", json!({"pattern": "a", "path": "clac/core.py"})),
        &["There is no clac/core.py", "calc/core.py"],
    );
    says(&world.good("search", json!({"pattern": "nowhere"})), &["No line matches \"nowhere\" in 6 files"]);
    says(&world.good("search", json!({"pattern": "f(x)"})), &["pattern is a regex"]);
    says(
        &world.good("search", json!({"pattern": "a", "glob": "*.zig"})),
        &["No file matches the glob \"*.zig\"", "list_files"],
    );
    says(
        &world.good("search", json!({"pattern": r"nope\|never"})),
        &[r#"matches "nope\|never" in"#, "alternation is a|b"],
    );
    says(&world.good("search", json!({"pattern": "/Zeta/i"})), &["slashes and flags are not part of the pattern"]);
    let text = world.good("search", json!({"pattern": r"\|x", "literal": true}));
    assert!(!text.contains("alternation"), "{text}");
    world.bad("search", json!({"pattern": r"a\nb"}));
}

#[test]
fn links_are_neither_followed_nor_searched() {
    let world = repository();
    world.link("../secret", "out").link("/", "all").link("calc", "alias").link("..", "calc/up");
    says(&world.good("search", json!({"pattern": "outside"})), &["No line matches"]);
    says(&world.good("search", json!({"pattern": "def add"})), &["1 matching line in 1 file\ncalc/core.py\n"]);
    says(&world.good("search", json!({"pattern": "def add", "path": "alias"})), &["calc/core.py\n1:def add"]);
    says(&world.good("list_files", json!({})), &["all (link)", "alias (link)", "out (link)"]);
    says(&world.good("list_files", json!({"path": "alias"})), &["calc/: 3 files"]);
}

#[test]
fn an_outline_counts_what_it_does_not_open() {
    let world = repository();
    let listed = world.call("list_files", json!({}));
    assert_eq!(listed.summary, "the repository  6 files");
    assert_eq!(
        listed.text,
        "the repository: 6 files, folders opened to depth 2\n.github/  1 file\n  ci.yml\ncalc/  2 files\n  deep/  1 file\n  \
         core.py\n.gitignore\nREADME.md\nlogo.bin"
    );
    assert_eq!(
        world.good("list_files", json!({"path": "calc", "depth": 3})),
        "calc/: 2 files, folders opened to depth 3\ndeep/  1 file\n  er/  1 file\n    x.py\ncore.py"
    );
    assert_eq!(
        world.good("list_files", json!({"path": "/", "depth": 1})),
        "the repository: 6 files, folders opened to depth 1\n.github/  1 file\ncalc/  2 files\n.gitignore\nREADME.md\nlogo.bin"
    );
    says(&world.good("list_files", json!({"path": "target"})), &["target/: 1 file", "out.txt"]);
    says(&world.bad("list_files", json!({"path": "README.md"})), &["is a file; list_files takes folders"]);
    says(&world.bad("list_files", json!({"path": "nope"})), &["There is no nope"]);
}

#[test]
fn an_outline_fits_on_a_page() {
    let world = World::new();
    for folder in 0..100 {
        for file in 0..3 {
            world.put(&format!("d{folder:03}/f{file}"), "");
        }
    }
    let text = world.good("list_files", json!({"depth": 9}));
    says(&text, &["300 files, folders opened to depth 1\nd000/  3 files\n"]);
    assert_eq!(text.lines().count(), 101);
    for file in 0..90 {
        world.put(&format!("flat/{file:03}"), "");
    }
    says(&world.good("list_files", json!({"path": "flat"})), &["059\n… 30 more files"]);
}

/// Rules of a folder above the view, such as a dotfiles repository in the home directory that ignores everything.
#[test]
fn rules_from_above_the_root_do_not_count() {
    let world = repository();
    std::fs::write(world.outside(".gitignore"), "*\n").unwrap();
    says(&world.good("list_files", json!({})), &["the repository: 6 files"]);
    says(&world.good("search", json!({"pattern": "def", "path": "calc"})), &["2 matching lines"]);
}

//! What a repository's manifests name outside of it is shown when a person allows it, and else never.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use crate::pty::Terminal;
use crate::support::kimi::MockKimi;
use crate::tree::Tree;
use crate::world::{TASK, World, mender, open_rust, together};

const ASKED: &str = "which the sandbox hides from tests";

/// A world with a library beside the project that a manifest of the project names, and a test that needs it.
fn with_library() -> World {
    let world = World::new();
    library(&world, "lib");
    needing(&world, "lib");
    world
}

fn library(world: &World, name: &str) {
    fs::create_dir(world.path(name)).unwrap();
    fs::write(world.path(name).join("code"), format!("from {name}\n")).unwrap();
}

fn needing(world: &World, name: &str) {
    world.write("go.mod", format!("module p\n\nreplace example.org/lib => ../{name}\n"));
    let code = world.path(name).join("code");
    world.write_test(&format!("cat '{}' && grep -q World greeting.txt && echo 'ok 1 - greeting'", code.display()));
    world.commit_all();
}

/// A run on a terminal in which the person answers its first question so, and declines to apply the patch. Returns all that was
/// on the screen.
fn on_terminal(world: &World, answers: &[(&str, &str)], code: i32) -> String {
    let kimi = mender();
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    for (question, answer) in answers {
        terminal.wait_for(question);
        terminal.press(answer);
    }
    terminal.wait_for(if code == 0 { "apply?" } else { "eview the patch all the same? [n]o" });
    terminal.press("n");
    let (ended, screen) = terminal.end();
    assert_eq!(ended, Some(code), "{screen}");
    screen
}

#[test]
fn without_a_person_nothing_is_shown_and_the_remedy_is_named() {
    let world = with_library();
    let ran = world.fix(&mender(), &[]).code(5);
    let lib = world.path("lib").display().to_string();
    let ran = ran.says(&[
        &format!("go.mod names {lib}, which tests don't see: --readable {lib}"),
        &format!("the sandbox hides {lib}"),
    ]);
    assert!(!ran.kept().read("logs/tests-1.log").contains("from lib"));
    world.fix(&mender(), &["--readable", "../lib"]).code(0);
}

#[test]
fn a_person_is_asked_once_for_each_folder() {
    let world = with_library();
    let screen = on_terminal(&world, &[("[y]es [n]o", "y")], 0);
    assert!(screen.contains("go.mod needs") && screen.contains(ASKED), "{screen}");
    let again = on_terminal(&world, &[], 0);
    assert!(!again.contains(ASKED), "{again}");
    // Without a terminal the answer holds as well, and whatever runs the tests again goes by it.
    world.fix(&mender(), &[]).code(0).says(&["as you allowed"]);
    world.run(world.kcode(&["verify"])).code(0);
    library(&world, "other");
    needing(&world, "other");
    let asked_anew = on_terminal(&world, &[("[y]es [n]o", "n")], 5);
    assert!(asked_anew.contains(ASKED), "{asked_anew}");
    let declined = on_terminal(&world, &[], 5);
    assert!(!declined.contains(ASKED) && declined.contains("--readable"), "{declined}");
}

/// The worker that was confined before the answer ends, and the kernel refuses layers that still have its mark.
#[test]
fn a_run_in_which_a_folder_was_allowed_keeps_its_overlays() {
    let world = with_library();
    fs::create_dir(world.path("cache")).unwrap();
    world.configure(&format!("caches = [\"{}\"]", world.path("cache").display()));
    world.write_test(&format!(
        "echo made > '{}/made' && cat ../lib/code && grep -q World greeting.txt && echo 'ok 1 - greeting'",
        world.path("cache").display()
    ));
    world.commit_all();
    on_terminal(&world, &[("[y]es [n]o", "y")], 0);
    let journal = fs::read_to_string(world.runs().pop().unwrap().join("journal.jsonl")).unwrap();
    let events = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let event = |kind: &str| events.clone().find(|event| event["type"] == kind).unwrap();
    let layers = event("wall_built")["layers"].clone();
    let overlay = layers.as_array().unwrap().iter().find(|layer| layer["name"] == "overlay").cloned();
    assert!(overlay.is_some_and(|overlay| overlay["holds"] == true), "{layers:#}");
    assert_eq!(event("view_made")["kind"], "overlay");
    assert!(!world.path("cache/made").exists());
}

#[test]
fn an_answer_is_for_this_repository_and_this_folder_alone() {
    let world = with_library();
    on_terminal(&world, &[("[y]es [n]o", "y")], 0);
    // Another folder at the place of a link.
    fs::rename(world.path("lib"), world.path("moved")).unwrap();
    library(&world, "else");
    symlink(world.path("else"), world.path("lib")).unwrap();
    let ran = world.fix(&mender(), &[]).code(5);
    assert!(!ran.stderr().contains("as you allowed"), "{}", ran.stderr());
    fs::remove_file(world.path("lib")).unwrap();
    fs::rename(world.path("moved"), world.path("lib")).unwrap();
    world.fix(&mender(), &[]).code(0);
    // Another repository at the same place.
    let copy = world.path("copy");
    fs::rename(world.root(), &copy).unwrap();
    fs::create_dir(world.root()).unwrap();
    let everything = copy.join(".");
    let copied = std::process::Command::new("cp").arg("-a").arg(everything).arg(world.root()).status().unwrap();
    assert!(copied.success());
    world.fix(&mender(), &[]).code(5);
}

#[test]
fn what_was_typed_before_and_other_keys_answer_nothing() {
    together(["y", "\n", "\r\n", "\u{1b}[200~y\n\u{1b}[201~", "yes"], |typed| {
        let (world, kimi) = (with_library(), mender());
        let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
        terminal.press("y\n");
        terminal.wait_for("[y]es [n]o");
        if typed == "y" {
            terminal.press("n");
        } else {
            terminal.press(typed);
            terminal.wait_for("press y (yes), n (no)");
            terminal.press("n");
        }
        terminal.wait_for("eview the patch all the same? [n]o");
        terminal.press("n");
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(5), "{typed:?}: {screen}");
        assert!(!screen.contains("as you allowed"), "{typed:?}: {screen}");
    });
}

#[test]
fn whoever_ends_the_question_has_paid_nothing() {
    let (world, kimi) = (with_library(), mender());
    let before = Tree::of(&world.root());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for("[y]es [n]o");
    terminal.press("\u{3}");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    assert!(kimi.requests().is_empty(), "{screen}");
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn several_are_asked_together_or_one_by_one() {
    let world = with_library();
    library(&world, "more");
    world.write("Cargo.toml", "[dependencies]\nmore = { path = \"../more\" }\n");
    world.commit_all();
    let (lib, more) = (world.path("lib").display().to_string(), world.path("more").display().to_string());
    let each = [
        ("[e]ach by itself", "e"),
        (&*format!("{lib}: show it, read-only?"), "y"),
        (&*format!("{more}: show it, read-only?"), "n"),
    ];
    let screen = on_terminal(&world, &each, 0);
    assert!(screen.contains(&format!("{lib} is shown to tests")), "{screen}");
    assert!(!screen.contains(&format!("{more} is shown to tests")), "{screen}");
}

#[test]
fn no_name_opens_what_nobody_may_see_or_draws_on_the_terminal() {
    let world = with_library();
    for folder in ["home/.ssh", "home/.aws", "odd\u{1b}[2J\nx", "far"] {
        fs::create_dir_all(world.path(folder)).unwrap();
        fs::write(world.path(folder).join("key"), "the-secret\n").unwrap();
    }
    fs::write(world.path(".env"), "the-secret\n").unwrap();
    symlink(world.path("home"), world.path("alias")).unwrap();
    symlink(world.path("home/.ssh"), world.root().join("keys")).unwrap();
    let _agent = UnixListener::bind(world.path("agent")).unwrap();
    let names = [
        "../home/.ssh",
        "../home/.aws",
        "../alias",
        "../alias/.ssh",
        "../home",
        "..",
        "../..",
        "/",
        "~",
        "~/.ssh",
        "./keys",
        "keys",
        "../.env",
        "../agent",
        "../state",
        "../state/runs",
        "../odd\u{1b}[2J\\nx",
    ];
    let all: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("\"a{at}\": \"file:{name}\"")).collect();
    world.write("package.json", format!("{{\"dependencies\": {{{}}}}}", all.join(", ").replace('\u{1b}', "\\u001b")));
    let paths =
        names.iter().enumerate().map(|(at, name)| format!("a{at}.path = {name:?}\n").replace("\\u{1b}", "\\u001b"));
    world.write("Cargo.toml", format!("[dependencies]\n{}", paths.collect::<String>()));
    world.write("go.mod", "module p\n");
    let parent = world.path("").display().to_string();
    world.write_test(&format!(
        "grep -rs the-secret '{parent}home' '{parent}alias' '{parent}.env' '{parent}state' '{parent}'odd* keys/; \
         test -e '{parent}agent' && echo reached; grep -q World greeting.txt && echo 'ok 1 - greeting'"
    ));
    world.git(&["add", "-A"]);
    let screen = on_terminal(&world, &[], 0);
    assert!(!screen.contains(ASKED), "{screen}");
    assert!(!screen.contains("\u{1b}[2J"), "{screen:?}");
    for run in world.runs() {
        let log = fs::read_to_string(run.join("logs/tests-1.log")).unwrap();
        assert!(!log.contains("the-secret") && !log.contains("reached"), "{log}");
    }
}

#[test]
fn cargo_builds_with_what_its_manifest_names() {
    let world = World::empty();
    world.git(&["init", "-q", "-b", "main"]);
    world.write("Cargo.toml", "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nshapes = { path = \"../shapes\" }\n");
    world.write("src/lib.rs", "pub fn greeting() -> &'static str { include_str!(\"../greeting.txt\") }\n#[test]\nfn it_greets() { assert_eq!(greeting(), format!(\"Hello, {}!\\n\", shapes::world())); }\n");
    world.write("greeting.txt", "Hello, Wrold!\n");
    world.write(".gitignore", "target/\n");
    fs::create_dir_all(world.path("shapes/src")).unwrap();
    fs::write(
        world.path("shapes/Cargo.toml"),
        "[package]\nname = \"shapes\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    )
    .unwrap();
    fs::write(world.path("shapes/src/lib.rs"), "pub fn world() -> &'static str { \"World\" }\n").unwrap();
    world.commit_all();
    let fix = |flags: &[&str]| {
        let kimi: MockKimi = mender();
        let mut command = world.keyed(&kimi, &[&["fix", TASK], flags].concat());
        open_rust(&mut command);
        world.run_freely(command)
    };
    let shapes = world.path("shapes").display().to_string();
    let ran = fix(&[]);
    assert_ne!(ran.output.status.code(), Some(0), "{}", ran.stderr());
    ran.says(&[&format!("the sandbox hides {shapes}"), &format!("--readable {shapes}")]);
    fix(&["--readable", "../shapes"]).code(0);
}

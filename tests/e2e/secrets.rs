//! Law 2: the key is the broker's, and nobody else ever holds it.

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender};

#[test]
fn tests_see_no_key_and_only_what_they_need() {
    let world = World::new();
    world.write_test("env | sort; cat /proc/self/environ | tr '\\0' '\\n'; cat /proc/$PPID/environ; exit 0");
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    let others =
        ["MOONSHOT_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MY_PASSWORD", "SSH_AUTH_SOCK", "HARMLESS"];
    command.envs(others.map(|name| (name, "hunter2"))).env("KCODE_SOMETHING", "hunter2");
    let log = world.run(command).code(0).kept().read("logs/tests-1.log");
    assert!(log.contains("PATH=") && log.contains("HOME="), "{log}");
    for name in ["hunter2", "KCODE_", "API_KEY"] {
        assert!(!log.contains(name), "{name} in {log}");
    }
}

#[test]
fn tests_do_not_see_the_users_home_or_state() {
    let world = World::new();
    std::fs::write(world.path("home/.netrc"), "hunter2").unwrap();
    let home = world.path("home/.netrc");
    world.write_test(&format!("echo \"home $HOME\"; cat {} 2>/dev/null; echo >> $HOME/mine; exit 0", home.display()));
    let log = world.fix(&mender(), &[]).code(0).kept().read("logs/tests-1.log");
    assert!(log.contains("/scratch/home"), "{log}");
    assert!(!world.path("home/mine").exists());
}

#[test]
fn a_person_may_let_a_variable_in_but_no_key() {
    let world = World::new();
    world.write_test("echo \"<$HARMLESS>\"");
    world.configure("child_env = [\"HARMLESS\"]");
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.env("HARMLESS", "let in");
    assert_eq!(world.run(command).code(0).kept().read("logs/tests-1.log"), "<let in>\n");

    let world = World::new();
    world.configure("child_env = [\"KCODE_API_KEY\"]");
    world.fix(&mender(), &[]).code(78).says(&["KCODE_API_KEY holds a key"]);
}

#[test]
fn a_provider_that_repeats_the_key_does_not_get_it_printed() {
    let world = World::new();
    let words = format!("Incorrect API key provided: {}", MockKimi::KEY);
    let kimi = MockKimi::script([Answer::error(401, "incorrect_api_key_error", &words)]);
    // That the key is in no file and in no output is held for every run.
    world.fix(&kimi, &[]).code(77).says(&["Incorrect API key provided: [key]"]);
}

#[test]
fn a_key_goes_to_its_own_familys_servers_alone() {
    let world = World::new();
    let kimi = mender();
    let mut command = world.kcode(&["fix", TASK, "--base-url", &kimi.base_url()]);
    command.env("MOONSHOT_API_KEY", MockKimi::KEY);
    world.run(command).code(78).says(&["MOONSHOT_API_KEY", "127.0.0.1", "hint: "]);
    assert_eq!(kimi.requests().len(), 0);
}

#[test]
fn without_a_key_nothing_is_begun() {
    let world = World::new();
    let ran = world.run(world.kcode(&["fix", TASK])).code(78);
    assert!(world.runs().is_empty());
    insta::assert_snapshot!(ran.stderr());
}

#[test]
fn a_repositorys_settings_choose_neither_url_nor_model_nor_wall() {
    for line in [
        "base_url = \"http://evil\"",
        "model = \"x\"",
        "state_dir = \"/tmp\"",
        "api_key = \"x\"",
        "child_env = [\"A\"]",
    ] {
        let world = World::new();
        world.write(".kcode.toml", line);
        let kimi = mender();
        world.fix(&kimi, &[]).code(78).says(&[".kcode.toml:1", "hint: "]);
        assert_eq!(kimi.requests().len(), 0);
    }
}

#[test]
fn every_family_of_variables_works() {
    for [key, url] in [
        ["KCODE_API_KEY", "KCODE_BASE_URL"],
        ["AI_GATEWAY_API_KEY", "AI_GATEWAY_BASE_URL"],
        ["MOONSHOT_API_KEY", "MOONSHOT_BASE_URL"],
        ["KIMI_API_KEY", "KIMI_BASE_URL"],
    ] {
        let (world, kimi) = (World::new(), mender());
        let mut command = world.kcode(&["fix", TASK]);
        world.run({
            command.env(key, MockKimi::KEY).env(url, kimi.base_url());
            command
        });
        kimi.assert_clean();
        assert_eq!(kimi.requests().len(), 3, "{key}");
    }
}

#[test]
fn the_model_is_not_shown_what_stands_outside() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::calls([
            ("read_file", r#"{"path": "@logs/../journal.jsonl"}"#),
            ("read_file", r#"{"path": "@logs/worker.log/../../report.json"}"#),
            ("read_file", r#"{"path": ".git/../../home/.netrc"}"#),
            ("list_files", r#"{"path": ".."}"#),
            ("search", r#"{"pattern": "root", "path": "/etc"}"#),
        ]),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    assert_eq!(ran.report()["tools"]["failures"], 5, "{:#?}", ran.kept().answers());
}

//! What tools don't show: files of secrets, and secrets in other files.

use serde_json::json;

use super::world::{World, says};

const TOKEN: &str = concat!("ghp", "_16C7e42F292c6912E7710c838347Ae178B4a");

#[test]
fn a_file_of_secrets_is_refused_with_what_it_is_and_who_can_allow_it() {
    let world = World::new();
    world.put(".env", "API=hunter2\n").put("certs/server.KEY", "hunter2\n").put(".env.example", "API=\n");
    world.link(".env", "notes.txt");
    for path in [".env", "certs/server.KEY", "notes.txt"] {
        let text = world.bad("read_file", json!({"path": path}));
        says(&text, &["is not shown", "secrets.readable = ["]);
        assert!(!text.contains("hunter2"), "{text}");
    }
    world.good("read_file", json!({"path": ".env.example"}));
}

#[test]
fn no_other_tool_shows_it_either() {
    let world = World::new();
    world.put(".env", "API=hunter2\n").put("a.txt", "API=\n");
    let found = world.good("search", json!({"pattern": "API|hunter2", "lines": true}));
    says(&found, &["1 matching line in 1 file", "Not searched, because they hold secrets: .env"]);
    assert!(!found.contains("hunter2"), "{found}");
    says(&world.bad("search", json!({"pattern": "API", "path": ".env"})), &["is not shown"]);
    for [old, new] in [["API", "API2"], ["APO=hunter", "x"]] {
        let text = world.bad("edit_file", json!({"path": ".env", "old_text": old, "new_text": new}));
        assert!(text.contains("is not shown") && !text.contains("hunter2"), "{text}");
    }
    world.bad("write_file", json!({"path": ".env", "content": "API=\n"}));
    assert_eq!(world.get(".env"), b"API=hunter2\n");
    says(&world.good("list_files", json!({})), &[".env (secrets; not shown)"]);
}

#[test]
fn a_new_file_of_secrets_can_be_made_and_allowed_ones_can_be_read() {
    let world = World::new().allowing(&["certs/*.pem"]);
    world.put("certs/test.pem", "hunter2\n");
    world.good("write_file", json!({"path": ".env", "content": "API=\n"}));
    says(&world.good("read_file", json!({"path": "certs/test.pem"})), &["hunter2"]);
    world.good("edit_file", json!({"path": "certs/test.pem", "old_text": "hunter2", "new_text": "hunter3"}));
}

#[test]
fn secrets_in_other_files_are_hidden_and_line_numbers_stay() {
    let world = World::new();
    let name = ["PRIVATE", "KEY"].join(" ");
    let material = "MIIEvQ1BADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us1c";
    world.put(
        "a.py",
        format!("one\n-----BEGIN {name}-----\n{material}\n{material}\n-----END {name}-----\ntoken = '{TOKEN}'\nend\n"),
    );
    let all = world.good("read_file", json!({"path": "a.py"}));
    says(
        &all,
        &["4\t[redacted:private-key]\n", "6\ttoken = '[redacted:github-token]'\n7\tend\n", "which no edit can contain"],
    );
    let parts = [
        world.good("read_file", json!({"path": "a.py", "start_line": 4, "line_count": 1})),
        world.good("search", json!({"pattern": "MII|ghp", "context": 1})),
        world.good("edit_file", json!({"path": "a.py", "old_text": "end\n", "new_text": "END\n"})),
    ];
    for text in [&[all][..], &parts].concat() {
        assert!(!text.contains("MII") && !text.contains(&TOKEN[..10]), "{text}");
    }
    assert!(String::from_utf8(world.get("a.py")).unwrap().contains(TOKEN));
}

#[test]
fn a_marker_is_never_written_over_a_secret() {
    let world = World::new();
    let before = format!("token = '{TOKEN}'\nend\n");
    world.put("a.py", &before).put("docs.md", "kcode writes [redacted:api-key]\n");
    world.good("read_file", json!({"path": "a.py"}));
    let marked = "token = '[redacted:github-token]'\n";
    says(&world.bad("edit_file", json!({"path": "a.py", "old_text": marked, "new_text": ""})), &["hides a secret"]);
    let edit = json!({"path": "a.py", "old_text": "end\n", "new_text": marked});
    says(&world.bad("edit_file", edit), &["hides a secret"]);
    says(&world.bad("write_file", json!({"path": "a.py", "content": marked})), &["hides a secret"]);
    assert_eq!(world.get("a.py"), before.as_bytes());
    let edit = json!({"path": "docs.md", "old_text": "[redacted:api-key]", "new_text": "`[redacted:api-key]`"});
    world.good("edit_file", edit);
}

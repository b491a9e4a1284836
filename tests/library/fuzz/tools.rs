//! Arguments of tool calls: the model's own bytes, which no schema held to anything.

use std::fs;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kcode::tools::{self, ToolContext, names, written_path};
use proptest::prelude::*;
use proptest::sample::select;

use super::damage::{cases, damaged_text};

fn arguments() -> Vec<Vec<u8>> {
    [
        r#"{"path":"src/a.txt","start_line":1,"end_line":3}"#,
        r#"{"path":"src/a.txt","content":"new\n"}"#,
        r#"{"path":"src/a.txt","old_text":"one","new_text":"two"}"#,
        r#"{"pattern":"o(n|x)e*","path":"src","regex":true,"glob":"**/*.txt","context":2}"#,
        r#"{"path":".","depth":3}"#,
        r#"{"from":"src/a.txt","to":"b/c.txt"}"#,
        r#"{"filter":["a b","c"]}"#,
        r#"{"path":"../outside","path":"/etc/passwd"}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_call_is_answered_in_bounds_and_inside_the_view(
        tool in select(names().map(str::to_owned).collect::<Vec<_>>()),
        arguments in damaged_text(arguments()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("view/src")).unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        fs::write(folder.path().join("view/src/a.txt"), "one\ntwo\nthree\n").unwrap();
        fs::write(folder.path().join("outside"), "untouched\n").unwrap();
        let open = |name: &str| Dir::open_ambient_dir(folder.path().join(name), ambient_authority()).unwrap();
        let room = ToolContext::new(open("view"), folder.path().join("view"), open("logs"), None);
        let _ = written_path(&tool, &arguments);
        if let Ok(observation) = tools::call(&room, &tool, &arguments) {
            prop_assert!(!observation.text.is_empty(), "each call has an answer");
            prop_assert!(observation.text.len() < 256 * 1024);
            prop_assert!(!observation.text.contains("untouched") && !observation.text.contains("root:x:0"));
        }
        prop_assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), "untouched\n");
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is written beside the view");
    }
}

//! Settings files, the repository's own among them, and words of test commands.

use std::fs;
use std::path::Path;

use kcode::settings::{
    Environment, FlagLayer, TestCommand, load, parse_bytes, parse_duration, parse_tokens, parse_usd,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::damage::{cases, damaged, fixtures};

fn files() -> Vec<Vec<u8>> {
    fixtures("settings", |name| Path::new(name).extension().is_some_and(|ending| ending == "toml"))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_settings_file_is_used_or_refused_in_words(bytes in damaged(files()), of_repository in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        fs::create_dir(&root).unwrap();
        let user = folder.path().join("config.toml");
        fs::write(if of_repository { root.join(".kcode.toml") } else { user.clone() }, &bytes).unwrap();
        let env: Environment = [("HOME".to_owned(), folder.path().to_str().unwrap().to_owned())].into_iter().collect();
        let user = (!of_repository).then_some(user.as_path());
        match load(&FlagLayer::default(), &env, user, Some(&root)) {
            Ok(settings) if of_repository => {
                let plain = load(&FlagLayer::default(), &env, None, None).unwrap();
                prop_assert_eq!(settings.base_url.value.to_string(), plain.base_url.value.to_string());
                prop_assert_eq!(settings.model.value, plain.model.value);
                prop_assert!(settings.max_turns.value <= plain.max_turns.value, "limits only get tighter");
            }
            Ok(_) => {}
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn words_of_a_command_stay_words(command in "\\PC{0,60}", filter in vec("\\PC{0,20}", 0..4)) {
        let command = TestCommand::shell(&command);
        if let Ok(words) = command.to_argv(&filter) {
            prop_assert!(!words.is_empty());
        }
        if let Ok(typed) = command.typed(&filter) {
            prop_assert!(!typed.contains('\n') || filter.iter().any(|word| word.contains('\n')));
        }
        let words = TestCommand::argv(["run".to_owned()].into_iter().chain(filter.iter().cloned()));
        prop_assert_eq!(words.to_argv(&[]).unwrap()[1..].to_vec(), filter.clone());
        let typed = words.typed(&[]).unwrap();
        prop_assert_eq!(shlex::split(&typed).map(|words| words[1..].to_vec()), Some(filter));
    }

    #[test]
    fn amounts_are_read_or_refused(text in "[0-9a-zA-Z .,_$+-]{0,24}") {
        let _ = (parse_bytes(&text), parse_duration(&text), parse_tokens(&text), parse_usd(&text));
    }
}

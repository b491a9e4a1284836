//! Settings, layer by layer: each folder of `fixtures/settings/cases` is one case.
//!
//! `environment` holds NAME=value lines, `config.toml` the user's file, `kcode.toml` the
//! repository's, `flags` NAME=value lines; `expected` is what differs from the defaults, or the
//! error with its hint. HOME stands for the case's home folder.

use std::fs;
use std::path::Path;

use kcode::settings::{
    Environment, FlagLayer, SettingsError, describe, load, parse_duration, parse_tokens, parse_usd, state_dir, table,
};

/// `NAME=value` lines, `\n` for a line break in a value; none when the file isn't there.
fn pairs(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty());
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.replace("\\n", "\n")));
    lines.map(|line| pair(line).unwrap_or_else(|| panic!("{line:?} in {} has no =", path.display()))).collect()
}

fn flags(path: &Path) -> FlagLayer {
    let mut flags = FlagLayer::default();
    for (name, value) in pairs(path) {
        match name.as_str() {
            "--model" => flags.model = Some(value),
            "--base-url" => flags.base_url = Some(value),
            "--max-turns" => flags.max_turns = Some(value.parse().unwrap()),
            "--max-tokens" => flags.max_tokens = Some(parse_tokens(&value).unwrap()),
            "--max-cost" => flags.max_cost = Some(parse_usd(&value).unwrap()),
            "--max-time" => flags.max_time = Some(parse_duration(&value).unwrap()),
            "--test" => flags.test = Some(value),
            "--no-verify" => flags.no_verify = true,
            "--sandbox" => flags.sandbox = Some(value.parse().unwrap()),
            "ci" => flags.default_sandbox = "strict".parse().unwrap(),
            other => panic!("{} has {other:?}", path.display()),
        }
    }
    flags
}

/// Builds the world of a case, a home with the user's file and a repository in it, and resolves.
fn outcome(case: &Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("repository");
    fs::create_dir_all(home.path().join(".config/kcode")).unwrap();
    fs::create_dir_all(&root).unwrap();
    let copy = |from: &str, to: &Path| {
        if let Ok(text) = fs::read(case.join(from)) {
            fs::write(to, text).unwrap();
        }
    };
    copy("config.toml", &home.path().join(".config/kcode/config.toml"));
    copy("kcode.toml", &root.join(".kcode.toml"));
    let home = home.path().to_str().unwrap();
    let variables =
        pairs(&case.join("environment")).into_iter().map(|(name, value)| (name, value.replace("HOME", home)));
    let env: Environment = variables.chain([("HOME".to_owned(), home.to_owned())]).collect();

    let text = match load(&flags(&case.join("flags")), &env, None, Some(&root)) {
        Ok(settings) => {
            let set: Vec<_> = describe(&settings).into_iter().filter(|row| row.origin != "default").collect();
            // Not the table: its columns would be as wide as the temporary folder's name.
            set.iter().map(|row| [row.name, "  ", &row.value, "  ", &row.origin, "\n"].concat()).collect()
        }
        Err(error) => error_text(&error),
    };
    text.replace(home, "HOME")
}

fn error_text(error: &SettingsError) -> String {
    format!("error: {error}\n hint: {}\n", error.hint())
}

#[test]
fn each_case_resolves_as_expected() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/settings/cases");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(cases).unwrap() {
        let case = entry.unwrap().path();
        let (expected, actual) = (fs::read_to_string(case.join("expected")).unwrap_or_default(), outcome(&case));
        count += 1;
        assert!(!actual.contains("sk-"), "{} shows a key: {actual}", case.display());
        if expected != actual {
            let name = case.file_name().unwrap_or_default().display().to_string();
            failures.push(format!("== {name}\n-- expected\n{expected}-- actual\n{actual}"));
        }
    }
    assert!(count >= 40, "only {count} cases were found");
    assert!(failures.is_empty(), "\n{}", failures.concat());
}

#[test]
fn a_key_leaks_through_no_debug_output() {
    let env: Environment = [("KCODE_API_KEY", "sk-very-secret"), ("HOME", "/home/ada")].into_iter().collect();
    let settings = load(&FlagLayer::default(), &env, None, None).unwrap();
    for text in [format!("{settings:?}"), format!("{env:?}"), serde_json::to_string(&describe(&settings)).unwrap()] {
        assert!(!text.contains("very-secret"), "{text}");
    }
    assert_eq!(settings.require_key().unwrap().secret.expose(), "sk-very-secret");
}

#[test]
fn a_file_that_config_names_must_be_there() {
    let env: Environment = [("HOME", "/home/ada")].into_iter().collect();
    let missing = load(&FlagLayer::default(), &env, Some(Path::new("/home/ada/no.toml")), None).unwrap_err();
    assert_eq!(missing.to_string(), "~/no.toml can't be read: No such file or directory (os error 2)");

    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("my.toml");
    fs::write(&named, "model = \"kimi-k3\"").unwrap();
    let settings = load(&FlagLayer::default(), &env, Some(&named), None).unwrap();
    assert_eq!(settings.model.value, "kimi-k3");
    assert_eq!(settings.model.origin.to_string(), named.display().to_string());
}

#[test]
fn a_repository_file_that_leads_outside_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repository");
    fs::create_dir(&root).unwrap();
    fs::write(folder.path().join("outside.toml"), "[limits]\nmax_turns = 1").unwrap();
    std::os::unix::fs::symlink("../outside.toml", root.join(".kcode.toml")).unwrap();
    let env: Environment = [("HOME", "/home/ada")].into_iter().collect();
    let error = load(&FlagLayer::default(), &env, None, Some(&root)).unwrap_err();
    assert!(matches!(error, SettingsError::Unreadable { .. }), "{error}");
}

#[test]
fn commands_on_runs_need_no_key() {
    let variables =
        [("AI_GATEWAY_API_KEY", "sk-without-a-url"), ("HOME", "/home/ada"), ("KCODE_HOME", "/var/tmp/kcode")];
    let env: Environment = variables.into_iter().collect();
    assert!(load(&FlagLayer::default(), &env, None, None).is_err());
    let kept = state_dir(&env, None, None).unwrap();
    assert_eq!(
        (kept.value.as_path(), kept.origin.to_string()),
        (Path::new("/var/tmp/kcode"), "$KCODE_HOME".to_owned())
    );
    let nowhere: Environment = [("PATH", "/bin")].into_iter().collect();
    assert!(matches!(state_dir(&nowhere, None, None), Err(SettingsError::NoHome)));
}

#[test]
fn the_whole_table_lines_up() {
    let env: Environment = [("MOONSHOT_API_KEY", "sk-x"), ("HOME", "/home/ada")].into_iter().collect();
    let settings = load(&FlagLayer::default(), &env, None, None).unwrap();
    insta::assert_snapshot!(table(&describe(&settings)));
}

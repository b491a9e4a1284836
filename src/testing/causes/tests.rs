use super::*;
use std::fs;

fn told(ended: &RunEnd<'_>) -> String {
    let kind = |kind| match kind {
        CauseKind::Setup => "setup",
        CauseKind::Sandbox => "sandbox",
        CauseKind::Watch => "watch",
        CauseKind::Generated => "generated",
    };
    cause(ended).map_or_else(|| "nothing".to_owned(), |cause| format!("{}: {}", kind(cause.kind), cause.what))
}

const OPEN: Hidden<'_> = Hidden { around: &[], named: &[], closed: &|_| false };

#[test]
fn each_case_is_told_as_expected() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/failure-causes");
    let (mut seen, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(cases).unwrap().flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let case = fs::read_to_string(entry.path()).unwrap();
        let (head, output) = case.split_once("-- output --\n").unwrap();
        let known = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        let value = |key: &str| known(key).unwrap();
        let tree = tempfile::tempdir().unwrap();
        let files = head.lines().filter_map(|line| line.strip_prefix("file: ")?.split_once(' '));
        files.for_each(|(name, text)| {
            fs::write(tree.path().join(name), text.replace("\\n", "\n").replace("\\r", "\r")).unwrap();
        });
        let ended = RunEnd {
            command: value("command:"),
            exit_code: known("code:").map(|code| code.parse().unwrap()),
            output,
            stopped: known("stopped:").filter(|stopped| !stopped.is_empty()),
            any_ran: value("ran:") == "yes",
            hidden: OPEN,
            tree: tree.path(),
        };
        let told = told(&ended);
        if told != value("expected:") {
            wrong.push(format!("{}: {told}", entry.path().display()));
        }
        seen += 1;
    }
    assert!(seen >= 80 && wrong.is_empty(), "{seen} cases; {}", wrong.join("\n"));
}

/// A script that prints the messages of real tools gets at most a report with its failure.
#[test]
fn words_of_a_program_under_test_never_block() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/failure-causes");
    let mut seen = 0;
    for entry in fs::read_dir(cases).unwrap().flatten() {
        let case = fs::read_to_string(entry.path()).unwrap();
        let Some((_, output)) = case.split_once("-- output --\n") else { continue };
        let output = format!("{output}FAIL: alpha is not stored\n");
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join("test.sh"), "python3 app.py alpha | grep -q stored || exit 1\n").unwrap();
        let (command, exit_code) = ("sh test.sh", Some(1));
        let ended = RunEnd {
            command,
            exit_code,
            output: &output,
            stopped: None,
            any_ran: false,
            hidden: OPEN,
            tree: tree.path(),
        };
        let blocking = cause(&ended).filter(|cause| cause.blocks);
        assert_eq!(blocking, None, "{}", entry.path().display());
        seen += 1;
    }
    assert!(seen >= 80);
}

fn results(tests: &[(&str, &str)]) -> TestResults {
    let case = |message: &str| TestCase {
        verdict: if message.is_empty() { crate::journal::Verdict::Passed } else { crate::journal::Verdict::Failed },
        message: Some(message.to_owned()).filter(|it| !it.is_empty()),
        file: None,
    };
    let tests = tests.iter().map(|(name, message)| ((*name).into(), case(message))).collect();
    TestResults { source: String::new(), tests: std::sync::Arc::new(tests), complete: true }
}

#[test]
fn a_test_is_excused_by_its_own_output_and_start_state_alone() {
    let tree = Path::new("/p");
    let ended =
        RunEnd { command: "x", output: "", exit_code: Some(1), stopped: None, any_ran: true, hidden: OPEN, tree };
    let network = "socket.gaierror: [Errno -3] Temporary failure in name resolution";
    let is_excused = |before: &[(&str, &str)], after: &[(&str, &str)]| {
        excused(&[results(before)], &results(after), &ended).is_some()
    };
    let both = [("net", network), ("adds", "AssertionError: 5 != 3")];
    assert!(is_excused(&both, &[("net", network), ("adds", "")]));
    assert!(!is_excused(&both, &both), "one of them is the code's");
    assert!(!is_excused(&[("net", ""), ("adds", "no")], &[("net", network), ("adds", "")]), "it passed before");
    assert!(!is_excused(&[("net", "KeyError: 1")], &[("net", network)]), "it failed for another reason before");
    for said in [
        "AssertionError: 'Read-only file system' != 'stored'",
        "assertion `left == right` failed\n  left: \"Read-only file system\"\n right: \"stored\"",
        "expected 'ENOMEM' to be 'ok'",
        "main_test.go:7: got \"no such host\", want \"ok\"",
    ] {
        assert!(!is_excused(&[("t", said)], &[("t", said)]), "{said}");
    }
    let denied = "OSError: [Errno 30] Read-only file system: '/usr/x'";
    assert!(is_excused(&[("t", denied)], &[("t", denied)]));
}

#[test]
fn every_pattern_can_be_read() {
    let broken: Vec<_> = ROWS.iter().filter(|row| regex(row.pattern).is_none()).map(|row| row.pattern).collect();
    assert_eq!(broken, Vec::<&str>::new());
}

#[test]
fn what_is_there_and_was_not_found_is_hidden() {
    let world = tempfile::tempdir().unwrap();
    let world = world.path().canonicalize().unwrap();
    let (tree, beside) = (world.join("tree"), world.join("lib"));
    fs::create_dir(&tree).unwrap();
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("Cargo.toml"), "").unwrap();
    let hiding = [world.clone()];
    let secret = world.join("lib/.ssh");
    fs::create_dir_all(secret.join("keys")).unwrap();
    std::os::unix::fs::symlink(&secret, world.join("alias")).unwrap();
    let closed = |path: &Path| path.starts_with(&secret);
    let of = |output: &str| {
        let hidden = Hidden { around: &hiding, named: &[], closed: &closed };
        told(&RunEnd { command: "x", exit_code: Some(1), output, stopped: None, any_ran: true, hidden, tree: &tree })
    };
    for closed in ["lib/.ssh", "lib/.ssh/keys", "alias", "alias/keys"] {
        let output = format!("cat: {}: No such file or directory\n", world.join(closed).display());
        assert_eq!(of(&output), "nothing", "nobody is told to show {closed}");
    }
    let (hidden, manifest) = (format!("sandbox: the sandbox hides {}", beside.display()), beside.join("Cargo.toml"));
    assert_eq!(of(&format!("cat: {}: No such file or directory\n", manifest.display())), hidden);
    assert_eq!(
        of(&format!("failed to read `{}`\n\nCaused by:\n  No such file (os error 2): not found\n", manifest.display())),
        hidden
    );
    assert_eq!(of("go: open ../lib/Cargo.toml: no such file or directory\n"), hidden);
    for fine in [
        "cat: ../gone/a: No such file or directory\n",
        "cat: tree/a: No such file or directory\n",
        "../lib/Cargo.toml is fine\n",
    ] {
        assert_eq!(of(fine), "nothing", "{fine}");
    }
    assert_eq!(of(&format!("{}: No such file or directory\n", tree.join("a").display())), "nothing", "it is missing");
}
#[test]
fn what_a_manifest_names_and_nobody_allowed_is_hidden() {
    let world = tempfile::tempdir().unwrap();
    let world = world.path().canonicalize().unwrap();
    let library = world.join("my-lib");
    fs::create_dir_all(library.join("src/shapes")).unwrap();
    let named = [library.clone()];
    let hidden = Hidden { around: &[], named: &named, closed: &|_| false };
    let (command, exit_code, tree) = ("python3 -m pytest", Some(1), Path::new("/p"));
    let of = |output: &str| told(&RunEnd { command, exit_code, output, stopped: None, any_ran: false, hidden, tree });
    let it = format!("sandbox: the sandbox hides {}", library.display());
    for output in [
        "ModuleNotFoundError: No module named 'shapes'",
        "/usr/bin/python3: No module named my_lib",
        "Error: Cannot find module 'my-lib'\nRequire stack:",
        "error: failed to load source for dependency `my-lib`",
        "go: x@v0 (replaced by ../my-lib): reading ../my-lib/go.mod: open /w/my-lib/go.mod: no such file or directory",
    ] {
        assert_eq!(of(output), it, "{output}");
    }
    assert_eq!(of("ModuleNotFoundError: No module named 'requests'"), "nothing");
    assert!(of("python3: No module named pytest").starts_with("setup: "));
    assert_eq!(of("FAILED tests/test_my_lib.py"), "nothing");
}

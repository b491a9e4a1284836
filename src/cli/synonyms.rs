//! Words of other tools, and what they are called here.

/// Tip for `word` in place of a command.
pub(super) fn command(word: &str) -> Option<String> {
    let told = match word {
        "run" | "do" | "ask" | "chat" | "exec" | "solve" | "task" | "start" | "new" | "edit" | "code" | "agent" => {
            "to have a task done: kcode fix \"task\"; to see what was done: kcode runs"
        }
        "status" | "log" | "logs" | "list" | "ls" | "history" | "sessions" => "runs are listed by: kcode runs",
        "continue" | "retry" | "restart" => "to go on with a run: kcode resume",
        "revert" | "rollback" | "restore" | "reset" | "unapply" => "to take an applied patch back: kcode undo",
        "accept" | "commit" | "merge" | "patch" => "to write a patch to the tree: kcode apply (--commit commits it)",
        "test" | "tests" | "check" => "to run the tests of a run again: kcode verify",
        "rm" | "remove" | "delete" | "clean" | "prune" | "clear" => "to remove old runs: kcode gc",
        "cost" | "usage" => "costs are counted by: kcode stats",
        "settings" | "set" | "get" => "settings are shown by: kcode config",
        "login" | "logout" | "auth" | "key" | "init" | "setup" => {
            "nothing is set up: kcode takes its key from KCODE_API_KEY or MOONSHOT_API_KEY; kcode demo needs none"
        }
        "report" | "info" | "view" | "cat" => "the report of a run: kcode show",
        "version" => "the version: kcode --version",
        _ => return None,
    };
    Some(told.to_owned())
}

/// Tip for `flag` after `command`, which is empty when none was named.
pub(super) fn flag(command: &str, flag: &str) -> Option<String> {
    let runs = matches!(command, "fix" | "resume");
    let told = match flag {
        "--image" | "--images" => "kcode sends text alone: say in the task what the picture shows",
        "--model" | "-m" if command == "resume" => {
            "a run keeps its model; for another one: kcode fix \"task\" --model NAME"
        }
        "-m" if command == "fix" => "the model is named by --model NAME",
        "--yes" | "-y" | "--auto" | "--auto-apply" | "--accept" | "--full-auto" | "--yolo" | "--force" | "-f"
            if runs =>
        {
            "nothing is asked with --apply: it writes a patch that is verified, and no other"
        }
        "--yes" | "-y" | "--force" | "-f" if command == "apply" => {
            "kcode apply asks nothing; where files changed since, --3way merges"
        }
        "--yes" | "-y" | "--force" | "-f" if matches!(command, "undo" | "gc") => {
            return Some(format!("kcode {command} asks nothing"));
        }
        "--no-test" | "--no-tests" | "--skip-tests" | "--no-check" if runs => {
            "tests and checks are left out by --no-verify"
        }
        "--timeout" | "--time" | "--deadline" if runs => "time is limited by --max-time, such as --max-time 20m",
        "--budget" | "--cost" if runs => "money is limited by --max-cost, such as --max-cost 0.50",
        "--turns" | "--steps" | "--max-steps" if runs => "replies are limited by --max-turns, such as --max-turns 20",
        "--message" | "--prompt" | "--task" | "-p" if command == "fix" => {
            "the task stands by itself: kcode fix \"task\""
        }
        "--file" | "-F" if command == "fix" => "a task is read from a file by --task-file FILE",
        "--json" if runs => "the report as JSON: --output json; every event: --output jsonl",
        "--key" | "--api-key" => "a key is taken from the environment alone: KCODE_API_KEY or MOONSHOT_API_KEY",
        "--cwd" | "--dir" | "--directory" | "--path" => "another folder is named by -C DIR",
        "--no-color" | "--no-colour" | "--colour" => "colours are left out by --color never, or by NO_COLOR=1",
        "--debug" => "more is said with -v",
        "--silent" => "less is said with -q",
        _ => return None,
    };
    Some(told.to_owned())
}

//! Renders a verification as a table: the report's values next to today's.

use std::fmt::Write as _;

use super::closing::outcome;
use super::terminal::style;
use crate::journal::{TestResult, Verdict};
use crate::report::{BeforeAfter, TestsCompared, TreeStanding, Verification, VerifiedCheck};
use crate::text::{counted, sanitise, sanitise_line};
use crate::tools::TestRun;

/// Most tests named.
const NAMED: usize = 20;

/// Renders the table; the output of `failing` shows why tests fail.
#[must_use]
pub(crate) fn verification_table(verification: &Verification, failing: Option<&TestRun>) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = write_table(&mut out, verification, failing);
    out
}

fn write_table(out: &mut String, told: &Verification, failing: Option<&TestRun>) -> std::fmt::Result {
    writeln!(out, "run       {} ({})", told.run, told.certified.name())?;
    writeln!(out, "tests     {}", sanitise_line(&told.command))?;
    writeln!(out, "tree      {}", tree(told))?;
    writeln!(out, "\n{:<16}{:<16}now", "", "report")?;
    let code = |code: Option<i32>| code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    row(out, "exit code", &BeforeAfter { then: code(told.exit.then), now: code(told.exit.now) })?;
    if told.counts.then.is_some() || told.counts.now.is_some() {
        let count = |name, of: fn(&crate::journal::TestCounts) -> u64| {
            let shown =
                |counts: &Option<_>| counts.as_ref().map_or_else(|| "unknown".to_owned(), |c| of(c).to_string());
            (name, BeforeAfter { then: shown(&told.counts.then), now: shown(&told.counts.now) })
        };
        for (name, both) in
            [count("passed", |c| c.passed), count("failed", |c| c.failed), count("skipped", |c| c.skipped)]
        {
            row(out, name, &both)?;
        }
    }
    if let Some(tests) = &told.tests {
        write_tests(out, tests)?;
    }
    for VerifiedCheck { chosen, result } in &told.checks {
        let optional = if chosen.required { "" } else { "(not required) " };
        let name = format!("check {} {optional}", sanitise_line(&chosen.name));
        row(out, &name, &BeforeAfter { then: how(result.then.as_ref()), now: how(result.now.as_ref()) })?;
    }
    for differs in &told.environment {
        let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { sanitise_line(text).into_owned() };
        let (then, now) = (shown(&differs.was.then), shown(&differs.was.now));
        writeln!(out, "differs   {}: {then} → {now}", sanitise_line(&differs.what))?;
    }
    for note in &told.notes {
        writeln!(out, "note      {}", sanitise_line(note))?;
    }
    if let Some(run) = failing {
        writeln!(out, "\n{}", sanitise(run.excerpt.trim_end()))?;
    }
    write!(out, "\n{}  {}   {:.1} s", outcome(told.outcome), sanitise_line(&told.detail), told.ms as f64 / 1e3)
}

fn how(result: Option<&TestResult>) -> String {
    match result {
        None => "not run".to_owned(),
        Some(result) if result.passed => "passes".to_owned(),
        Some(TestResult { stopped: Some(why), .. }) => format!("ended: {why}"),
        Some(TestResult { exit_code: Some(code), .. }) if *code != 0 => format!("exit code {code}"),
        Some(_) => "fails".to_owned(),
    }
}

fn row(out: &mut String, name: &str, both: &BeforeAfter<String>) -> std::fmt::Result {
    let line = format!("{name:<16}{:<16}{}", both.then, both.now);
    if both.then == both.now { writeln!(out, "{line}") } else { writeln!(out, "{}", style(line).yellow()) }
}

fn tree(told: &Verification) -> String {
    let short = |id: &Option<String>| id.as_deref().map_or("unknown", |id| id.get(..12).unwrap_or(id)).to_owned();
    let tested_tree = &told.tested_tree;
    let (start, patched) = (&tested_tree.start_tree, &tested_tree.patched_tree);
    let known = start.then.is_some() && patched.then.is_some() && patched.now.is_some();
    match tested_tree.standing {
        TreeStanding::Start | TreeStanding::Patched if !known => {
            "git can't tell; the files of the patch are as they were".to_owned()
        }
        TreeStanding::Start if patched.then == patched.now => {
            format!("as the report says: {} → {}", short(&start.now), short(&patched.now))
        }
        TreeStanding::Start => {
            format!(
                "{} as the report says, but patched it is {}, not {}",
                short(&start.now),
                short(&patched.now),
                short(&patched.then)
            )
        }
        TreeStanding::Patched => format!("as the report says, with the patch in it: {}", short(&patched.now)),
        TreeStanding::Applies => {
            format!(
                "another one: the run started from {}, this is {}; the patch applies",
                short(&start.then),
                short(&start.now)
            )
        }
        TreeStanding::Contains => {
            format!(
                "another one: the patched one was {}, this is {}; the patch is in it",
                short(&patched.then),
                short(&patched.now)
            )
        }
    }
}

fn write_tests(out: &mut String, tests: &TestsCompared) -> std::fmt::Result {
    let differing = match tests.differences.len() {
        0 => "none differs".to_owned(),
        1 => "1 differs".to_owned(),
        count => format!("{count} differ"),
    };
    writeln!(out, "{:<16}{:<16}{differing}", "single tests", tests.certified)?;
    let word = |verdict: Option<Verdict>| match verdict {
        Some(Verdict::Passed) => "passed",
        Some(Verdict::Failed) => "failed",
        Some(Verdict::Skipped) => "skipped",
        None => "not there",
    };
    for told in tests.differences.iter().take(NAMED) {
        let line = format!("  {:<14}{:<16}{}", word(told.then), word(told.now), sanitise_line(&told.test));
        writeln!(out, "{}", style(line).yellow())?;
    }
    if let Some(more) = tests.differences.len().checked_sub(NAMED + 1) {
        writeln!(out, "  and {}", counted(more + 1, "other"))?;
    }
    if !tests.flaky.is_empty() {
        let names: Vec<_> = tests.flaky.iter().take(NAMED).map(|name| sanitise_line(name)).collect();
        writeln!(out, "flaky, not compared: {}", names.join(", "))?;
    }
    Ok(())
}

//! Renders an audit as one page.

use std::fmt::Write;

use super::shape::{Audit, PrefixSent, ReasoningTurn, RequestCost, TestsSeen, TouchedFile};
use crate::journal::{Digest, Guard, TestPurpose};
use crate::text::{counted, sanitise_line, table};

/// Most rows without a problem shown per table, so that it stays one page.
const QUIET_ROWS: usize = 12;

/// Renders the audit for people, with foreign text sanitised.
#[must_use]
pub fn page(audit: &Audit) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = write_page(&mut out, audit);
    out
}

fn write_page(out: &mut String, audit: &Audit) -> std::fmt::Result {
    let (model, version) = (sanitise_line(&audit.model), sanitise_line(&audit.version));
    writeln!(out, "run {} · {} · {model} · kcode {version}\n", audit.run, audit.outcome.words())?;
    match &audit.breaches[..] {
        [] => writeln!(out, "The journal shows no breach of a law.")?,
        breaches => breaches.iter().try_for_each(|breach| writeln!(out, "BREACH  {}", sanitise_line(breach)))?,
    }
    write_replies(out, audit)?;
    write_requests(out, audit)?;
    write_files(out, audit)?;
    write_sandbox(out, audit)?;
    write_tests(out, audit)
}

fn write_replies(out: &mut String, audit: &Audit) -> std::fmt::Result {
    let same = audit.reasoning.iter().filter(|turn| turn.is_same).count();
    writeln!(out, "\nReasoning (law 4): {same} of {} as they were received", replies(audit.reasoning.len()))?;
    let row = |turn: &ReasoningTurn| {
        let sent = turn.sent_back.map_or_else(|| "not known".to_owned(), |count| format!("{count}×"));
        vec![turn.turn.to_string(), short(turn.received), short(turn.kept), yes(turn.is_same), sent]
    };
    let rows = audit.reasoning.iter().map(|turn| (!turn.is_same, row(turn)));
    write_table(out, &[" turn", "received", "kept", "same bytes", " sent back"], rows)?;
    for repair in &audit.repairs {
        let what = repair.what.join("; ");
        writeln!(out, "repaired before turn {}, after the host's refusal: {}", repair.turn, sanitise_line(&what))?;
    }
    Ok(())
}

/// Writes a table. Each row has a flag whether it must be shown; of the others, only the first ones are.
fn write_table(
    out: &mut String,
    headings: &[&str],
    rows: impl Iterator<Item = (bool, Vec<String>)>,
) -> std::fmt::Result {
    let (mut shown, mut quiet) = (Vec::new(), 0);
    for (has_to_be_seen, row) in rows {
        quiet += usize::from(!has_to_be_seen);
        if has_to_be_seen || quiet <= QUIET_ROWS {
            shown.push(row);
        }
    }
    write!(out, "{}", table(headings, shown))?;
    match quiet.saturating_sub(QUIET_ROWS) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more with nothing wrong; --json has all of them"),
    }
}

fn write_requests(out: &mut String, audit: &Audit) -> std::fmt::Result {
    let kept = audit.prefixes.iter().filter(|prefix| prefix.kept).count();
    let proved = audit.prefixes.iter().filter(|prefix| prefix.proved == Some(true)).count();
    let all = audit.prefixes.len();
    writeln!(
        out,
        "\nPrefix (law 5): {kept} of {} began with the one before; {proved} hashed anew to the same",
        counted(all, "request")
    )?;
    let over = audit.budget.iter().filter(|cost| cost.charged_tokens > cost.reserved_tokens).count();
    writeln!(
        out,
        "Budget (law 6): {over} of {} charged more than was reserved",
        counted(audit.budget.len(), "request")
    )?;
    let row = |(prefix, cost): (&PrefixSent, &RequestCost)| {
        vec![
            format!("{}.{}", prefix.turn, prefix.attempt),
            prefix.bytes.to_string(),
            prefix.sha256.short(),
            yes(prefix.kept),
            prefix.proved.map_or_else(|| "not known".to_owned(), yes),
            format!("{} {}", cost.reserved_tokens, cost.reserved_usd),
            format!("{} {}", cost.charged_tokens, cost.charged_usd),
            if cost.above_cap { "reply, longer than was allowed".to_owned() } else { cost.end.clone() },
        ]
    };
    let is_wrong = |(prefix, cost): (&PrefixSent, &RequestCost)| {
        !prefix.kept || prefix.proved == Some(false) || cost.charged_tokens > cost.reserved_tokens
    };
    let rows = audit.prefixes.iter().zip(&audit.budget).map(|both| (is_wrong(both), row(both)));
    let headings = [" request", " prefix", "sha256", "kept", "proved", " reserved", " charged", "end"];
    write_table(out, &headings, rows)
}

fn write_files(out: &mut String, audit: &Audit) -> std::fmt::Result {
    writeln!(out, "\nFiles: {} named by tools or changed", audit.files.len())?;
    let row = |file: &TouchedFile| {
        let tools = file.tools.iter().map(|(tool, count)| format!("{tool} {count}×")).collect::<Vec<_>>().join(", ");
        let turns = file.turns.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        // Files that a test run writes are in the patch without any tool call naming them.
        let tools = if tools.is_empty() { "none (a test run wrote it)".to_owned() } else { tools };
        vec![file.path.clone(), tools, turns, if file.changed { "changed" } else { "" }.to_owned()]
    };
    write_table(out, &["file", "tools", "turns", "patch"], audit.files.iter().map(|file| (file.changed, row(file))))?;
    let on_everything = audit.on_everything.iter().map(|(tool, count)| format!("{} {count}×", sanitise_line(tool)));
    match &on_everything.collect::<Vec<_>>()[..] {
        [] => Ok(()),
        calls => writeln!(out, "on no file of their own: {}", calls.join(", ")),
    }
}

fn write_sandbox(out: &mut String, audit: &Audit) -> std::fmt::Result {
    let held = audit.wall.iter().filter(|proof| proof.held).count();
    writeln!(
        out,
        "\nSandbox (law 2): {held} of {} to break out refused before the run",
        counted(audit.wall.len(), "attempt")
    )?;
    for guard in Guard::ALL {
        let of = audit.wall.iter().filter(|proof| proof.guards == guard);
        let attempts = of.map(|proof| {
            if proof.held {
                sanitise_line(&proof.attempt).into_owned()
            } else {
                format!("NOT: {}", sanitise_line(&proof.attempt))
            }
        });
        let attempts: Vec<_> = attempts.collect();
        if !attempts.is_empty() {
            writeln!(out, "  {:<10} {}", guard.name(), attempts.join(", "))?;
        }
    }
    writeln!(out, "Stopped while it ran: {}", if audit.stopped.is_empty() { "nothing" } else { "" })?;
    for act in &audit.stopped {
        let turn = act.turn.map(|turn| format!("turn {turn}: ")).unwrap_or_default();
        let not = if act.held { "" } else { "NOT stopped: " };
        let (by, what, why) = (sanitise_line(&act.by), sanitise_line(&act.what), sanitise_line(&act.why));
        writeln!(out, "  {not}{turn}{by} {what} ({why})")?;
    }
    match &audit.residue {
        Some(residue) => {
            writeln!(out, "Left at the end (law 10): {} killed, {} not", residue.killed, residue.survivors)
        }
        None => writeln!(out, "Left at the end (law 10): the run never got so far"),
    }
}

fn write_tests(out: &mut String, audit: &Audit) -> std::fmt::Result {
    writeln!(out, "\nTests (law 7): {}", counted(audit.tests.len(), "run"))?;
    let row = |tests: &TestsSeen| {
        let how = match (&tests.stopped, &tests.contradiction, tests.passed) {
            (Some(stopped), ..) => format!("ended by kcode: {stopped}"),
            (_, Some(contradiction), _) => contradiction.clone(),
            (.., true) => "pass".to_owned(),
            (.., false) => "fail".to_owned(),
        };
        let tree = tests.tree.as_deref().and_then(|tree| tree.get(..12)).unwrap_or("–").to_owned();
        let cached = if tests.cached { "known from an earlier run" } else { "" };
        let command = tests.check.clone().unwrap_or_else(|| "tests".to_owned());
        vec![command, purpose(tests.purpose).to_owned(), how, tree, short(tests.patch_sha256), cached.to_owned()]
    };
    write!(
        out,
        "{}",
        table(&["command", "asked by", "result", "tree", "patch", ""], audit.tests.iter().map(row).collect())
    )?;
    for flag in &audit.touched {
        let word = if flag.weakens { "weakens" } else { "touches" };
        writeln!(
            out,
            "{word} tests: {}:{}: {}",
            sanitise_line(flag.path.as_str()),
            flag.line,
            sanitise_line(&flag.reason)
        )?;
    }
    for nudge in &audit.nudges {
        writeln!(out, "nudge after turn {}: {}", nudge.turn, sanitise_line(&nudge.kind))?;
    }
    writeln!(out, "\nWhat the sandbox refused during test runs isn't in the journal; see their logs.")
}

const fn purpose(purpose: TestPurpose) -> &'static str {
    match purpose {
        TestPurpose::Model => "the model",
        TestPurpose::Verification => "kcode",
        TestPurpose::Baseline => "kcode, before",
        TestPurpose::Trial => "kcode, on a part",
        TestPurpose::Review => "kcode, on what was accepted",
    }
}

fn short(digest: Option<Digest>) -> String {
    digest.map_or_else(|| "–".to_owned(), |digest| digest.short())
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "NO" }.to_owned()
}

fn replies(count: usize) -> String {
    if count == 1 { "1 reply".to_owned() } else { format!("{count} replies") }
}

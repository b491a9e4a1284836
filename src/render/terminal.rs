//! Renders a run as lines for people, on standard error.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;

use console::StyledObject;

use super::Live;
use super::failures::failure_lines;
use super::sandbox::sandbox_line;
use crate::journal::{
    AttemptFailed, CheckChosen, Event, HistoryRepaired, HunksTried, Minimized, Record, Reproduced, Reproduction,
    TestPurpose, TestsChosen, TestsRan, ToolAnswered,
};
use crate::model::Progress;
use crate::sandbox::CommandProgress;
use crate::text::{counted, sanitise_line};

/// Styles text for standard error, whatever standard output is.
pub(super) fn style<T: Display>(text: T) -> StyledObject<T> {
    console::style(text).for_stderr()
}

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// `-q`: only the end of the run.
    Quiet,
    /// One line per step.
    #[default]
    Normal,
    /// `-v`: also requests, and details of failed tools.
    Verbose,
}

/// Renders records as they come. `print` does the printing, because only the command line may print.
pub(crate) struct TerminalRenderer {
    live: Live,
    loudness: Verbosity,
    print: fn(&str),
    /// Baselines that were reported: of the tests (`None`) and of each check, once, and again if a result from an
    /// earlier run was measured anew.
    baselines_told: BTreeSet<(Option<String>, bool)>,
    fixed: Vec<String>,
    logs: Option<PathBuf>,
    /// True if the error that ends the run explains why tests can't run on the start state.
    setup_ends_it: bool,
    /// The last reported result of reproduction.
    shown: Option<Reproduction>,
}

impl TerminalRenderer {
    /// Lines go to `print`; the live line goes to standard error if that is a terminal.
    #[must_use]
    pub(crate) fn new(loudness: Verbosity, print: fn(&str)) -> Self {
        Self {
            live: Live::new(loudness != Verbosity::Quiet),
            loudness,
            print,
            baselines_told: BTreeSet::new(),
            fixed: Vec::new(),
            logs: None,
            setup_ends_it: false,
            shown: None,
        }
    }

    /// Sets the folder of the logs, to mention it.
    pub(crate) fn logs_are_in(&mut self, folder: PathBuf) {
        self.logs = Some(folder);
    }

    /// Leaves it to the error that ends the run to explain why tests can't run on the start state.
    pub(crate) fn errors_tell_of_setup(&mut self) {
        self.setup_ends_it = true;
    }

    /// Renders one record.
    pub(crate) fn record(&mut self, record: &Record) {
        self.live.record(record);
        let of_start = |ran: &TestsRan| ran.purpose == TestPurpose::Baseline;
        let is_news = match &record.event {
            Event::TestsRan(tests) if of_start(tests) => self.baselines_told.insert((None, tests.cached)),
            Event::CheckRan(check) if of_start(&check.ran) => {
                self.baselines_told.insert((Some(check.name.clone()), check.ran.cached))
            }
            _ => true,
        };
        if !is_news {
            return;
        }
        match &record.event {
            Event::Compared(matrix) => self.fixed.clone_from(&matrix.fixed),
            // A minimized patch is reproduced by the same tests.
            Event::Reproduced(told) if self.shown.replace(told.clone()).as_ref() == Some(told) => return,
            _ => {}
        }
        if let Some(line) = self.line(&record.event) {
            let print = self.print;
            self.live.print_above(|| print(&line));
        }
    }

    /// Shows the progress of a reply.
    pub(crate) fn progress(&mut self, progress: Progress) {
        self.live.progress(progress);
    }

    /// Shows the progress of the tests: of the run, or of the trial with that name.
    pub(crate) fn tests(&mut self, trial: &str, progress: &CommandProgress) {
        self.live.tests(trial, progress);
    }

    /// Counts what the run spent before it was resumed.
    pub(crate) fn recall(&self, records: &[Record]) {
        self.live.recall(records);
    }

    /// Says what takes longer than usual, unless quiet.
    pub(crate) fn awaits(&self, what: &str) {
        if self.loudness != Verbosity::Quiet {
            let (print, line) = (self.print, label("waiting", what));
            self.live.print_above(|| print(&line));
        }
    }

    /// Removes the live line; later output appears below the run.
    pub(crate) fn clear(&self) {
        self.live.clear();
    }

    /// Draws the live line again.
    pub(crate) fn resume(&self) {
        self.live.resume();
    }

    fn line(&self, event: &Event) -> Option<String> {
        if self.loudness == Verbosity::Quiet {
            return None;
        }
        match event {
            Event::RunStarted(started) => {
                let follows = started.follows.as_ref().map(|follows| format!(" after {}", follows.run));
                let run = format!("run {}{}", started.run, follows.unwrap_or_default());
                Some(header(&started.version, &started.model, &started.base_url, &run))
            }
            Event::Resumed(resumed) => Some(header(
                &resumed.version,
                &resumed.model,
                &resumed.base_url,
                &format!("run {} goes on", resumed.run),
            )),
            Event::SandboxBuilt(sandbox) => Some(label("sandbox", &sandbox_line(sandbox))),
            Event::TestsChosen(chosen) => Some(tests_line(chosen)),
            Event::CheckAdded(check) => Some(check_line(check)),
            Event::CheckRan(check) if is_told(check.ran.purpose) => Some(self.own_run(&check.ran, Some(&check.name))),
            Event::ViewMade(view) if !view.notes.is_empty() => {
                Some(label("view", &sanitise_line(&view.notes.join("; "))))
            }
            Event::Surveyed(surveyed) if !surveyed.notes.is_empty() => {
                Some(label("survey", &sanitise_line(&surveyed.notes.join("; "))))
            }
            Event::AttemptFailed(failed) => failed_line(failed),
            Event::HistoryRepaired(repaired) => Some(step(repaired.turn, "repair", &repaired_line(repaired))),
            Event::ToolAnswered(answered) => Some(tool_line(answered)),
            Event::TestsRan(tests) if is_told(tests.purpose) => Some(self.own_run(tests, None)),
            // The list of fixed tests says so already.
            Event::Reproduced(told) if !told.by.is_empty() && told.by == self.fixed => None,
            Event::Reproduced(told) => reproduced(told),
            Event::HunksTried(tried) if self.loudness == Verbosity::Verbose => Some(hunks_tried(tried)),
            Event::Minimized(minimized) => Some(own_step("smaller", &minimized_in_words(minimized))),
            Event::BaselineMissing(missing) => Some(before(&format!("not known: {}", sanitise_line(&missing.reason)))),
            Event::Nudged(nudged) => Some(step(nudged.turn, "nudge", nudge(&nudged.kind))),
            Event::Request(request) if self.loudness == Verbosity::Verbose => Some(step(
                request.turn,
                "ask",
                &format!("{} bytes, reply of at most {} tokens", request.bytes, request.max_completion_tokens),
            )),
            _ => None,
        }
    }
}

impl TerminalRenderer {
    /// A test run by kcode, and why it failed.
    fn own_run(&self, ran: &TestsRan, check: Option<&str>) -> String {
        let cause = ran.result.why.as_ref().and_then(|why| why.cause.as_ref());
        let ends_it = ran.purpose == TestPurpose::Baseline && cause.is_some_and(|cause| cause.blocks);
        let tells_cause = !(self.setup_ends_it && ends_it);
        own_run(ran, check)
            + &failure_lines(ran, self.loudness == Verbosity::Verbose, self.logs.as_deref(), tells_cause)
    }
}

fn header(version: &str, model: &str, base_url: &str, run: &str) -> String {
    let host = base_url.split("://").last().unwrap_or_default().split('/').next().unwrap_or_default();
    let name = style("kcode").bold();
    format!("{name} {version} · {} via {} · {run}", sanitise_line(model), sanitise_line(host))
}

fn label(name: &str, text: &str) -> String {
    format!("{:<9} {text}", style(name).dim())
}

fn tests_line(chosen: &TestsChosen) -> String {
    let origin = sanitise_line(&chosen.origin);
    let tests = match &chosen.command {
        Some(command) => label("tests", &format!("{}        {}", sanitise_line(command), style(origin).dim())),
        None => label("tests", &format!("none · {origin}")),
    };
    std::iter::once(tests).chain(chosen.checks.iter().map(check_line)).collect::<Vec<_>>().join("\n")
}

fn check_line(check: &CheckChosen) -> String {
    let optional = if check.required { "" } else { ", not required" };
    let origin = style(format!("{}{optional}", sanitise_line(&check.origin))).dim();
    label("check", &format!("{}: {}        {origin}", sanitise_line(&check.name), sanitise_line(&check.command)))
}

fn step(turn: u32, verb: &str, text: &str) -> String {
    format!("{turn:>2}  {verb:<7} {text}")
}

fn tool_line(answered: &ToolAnswered) -> String {
    let verb = match answered.tool.as_str() {
        "read_file" => "read",
        "write_file" => "write",
        "edit_file" => "edit",
        "list_files" => "list",
        "run_tests" => "test",
        other => other,
    };
    let verb = sanitise_line(verb).chars().take(20).collect::<String>();
    let took = if answered.ms >= 1_000 { format!("   {:.1} s", answered.ms as f64 / 1e3) } else { String::new() };
    let summary = sanitise_line(&answered.summary);
    let text = if answered.ok { summary.into_owned() } else { style(summary).yellow().to_string() };
    step(answered.turn, &verb, &format!("{text}{}", style(took).dim()))
}

fn failed_line(failed: &AttemptFailed) -> Option<String> {
    let wait = failed.wait_ms?;
    let text = format!("{} · next try in {:.1} s", sanitise_line(&failed.error), wait as f64 / 1e3);
    Some(step(failed.turn, "wait", &style(text).yellow().to_string()))
}

fn repaired_line(repaired: &HistoryRepaired) -> String {
    let what: Vec<String> = repaired.messages.iter().map(|message| sanitise_line(&message.what).to_string()).collect();
    format!("the provider refuses what the model had said: {}", what.join("; "))
}

/// The model's own runs are shown as tool calls; trials have lines of their own.
const fn is_told(purpose: TestPurpose) -> bool {
    matches!(purpose, TestPurpose::Baseline | TestPurpose::Verification)
}

/// Line for a test run by kcode, or for a run of the check with that name.
fn own_run(tests: &TestsRan, check: Option<&str>) -> String {
    let result = &tests.result;
    let counts = result.counts.map(|c| format!("{} passed, {} failed", c.passed, c.failed));
    let ended = match (&result.stopped, result.exit_code) {
        (Some(stopped), _) => format!("ended by kcode: {stopped}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "ended by a signal".to_owned(),
    };
    let took = if tests.cached { "known from an earlier run".to_owned() } else { seconds(result.ms) };
    let check = check.map_or_else(String::new, |name| format!("{}: ", sanitise_line(name)));
    let text = format!("{check}{}   {took}", result.contradiction.clone().or(counts).unwrap_or(ended));
    if tests.purpose == TestPurpose::Baseline {
        return before(&text);
    }
    let text = if result.passed { style(text).green() } else { style(text).red() };
    // The run was repeated in a fresh view.
    let (verb, where_it_ran) =
        if tests.log.starts_with("afresh/") { ("confirm", " (fresh view)") } else { ("verify", "") };
    format!("    {verb:<7} {text}{}", style(where_it_ran).dim())
}

/// Line for a step of kcode between the model's turns.
fn own_step(verb: &str, text: &str) -> String {
    format!("    {verb:<7} {}", style(text).dim())
}

fn reproduced(told: &Reproduction) -> Option<String> {
    let why = sanitise_line(&told.why);
    match (told.state, told.by.first()) {
        (Reproduced::Yes, Some(test)) => {
            let more = told.by.len().checked_sub(2).map_or_else(String::new, |more| format!(" and {} more", more + 1));
            Some(own_step("shows", &format!("{}{more} {why}", sanitise_line(test))))
        }
        (Reproduced::No, _) => Some(own_step("shows", &format!("nothing: {why}"))),
        _ => told.asked.then(|| own_step("shows", &format!("not checked: {why}"))),
    }
}

fn hunks_tried(tried: &HunksTried) -> String {
    let verdict = if tried.same { "the same" } else { "not the same" };
    own_step("try", &format!("{} of {}: {verdict}", tried.kept, counted(tried.of as usize, "hunk")))
}

fn minimized_in_words(minimized: &Minimized) -> String {
    let Minimized { hunks_before, hunks_after, tried, complete, why } = minimized;
    if let Some(why) = why {
        return format!("left as it is: {}", sanitise_line(why));
    }
    let cut = if *complete { "" } else { "; no time to try all" };
    format!("{hunks_after} of {} needed ({tried} tried{cut})", counted(*hunks_before as usize, "hunk"))
}

/// Line for the result on the start state.
fn before(text: &str) -> String {
    format!("    {:<7} {}", "before", style(text).dim())
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1e3)
}

fn nudge(kind: &str) -> &str {
    match kind {
        "announced" => "the model changed nothing; asked once more",
        "truncated" => "the reply was cut at its limit; asked to go on",
        "unreadable_call" => "a tool call came as text that can't be read; asked to make it again",
        "tests_weakened" => "the patch makes tests prove less; sent back to the model",
        "checks_failed" => "a check fails; sent back to the model",
        "not_reproduced" => "no test shows what the patch mends; asked for one",
        "tests_failed" => "the tests fail; sent back to the model",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_of_the_tests_at_the_end_says_what_it_is_for() {
        let told = |log: &str| {
            let ran = serde_json::json!({
                "purpose": "verification", "command": "make", "passed": true, "exit_code": 0, "stopped": null,
                "counts": {"passed": 3, "failed": 0, "skipped": 0}, "ms": 1_200, "log": log, "patch_sha256": null,
            });
            let line = serde_json::from_value(ran).map(|ran| own_run(&ran, None)).unwrap_or_default();
            console::strip_ansi_codes(&line).into_owned()
        };
        assert_eq!(told("tests-1.log"), "    verify  3 passed, 0 failed   1.2 s");
        assert_eq!(told("afresh/tests-1.log"), "    confirm 3 passed, 0 failed   1.2 s (fresh view)");
    }
}

//! Result of `kcode verify`: a run's certificate compared with test runs of today, schema `kcode.verification/1`.

use schemars::JsonSchema;
use serde::Serialize;

use super::shape::Report;
use super::verified_check::VerifiedCheck;
use crate::journal::{Outcome, RunId, TestCounts, TestEnvironment};
use crate::testing::{Difference, Verdicts};
use crate::text::counted;
use crate::tools::TestRun;

/// Schema name of a verification.
pub const VERIFICATION_SCHEMA: &str = "kcode.verification/1";

/// A value at the time of the run and now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Both")]
pub struct BeforeAfter<T> {
    /// As in the report.
    pub then: T,
    /// As measured now.
    pub now: T,
}

/// Result of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// Schema name: always `kcode.verification/1` when written by this version.
    pub schema: String,
    /// Id of the run.
    pub run: RunId,
    /// Outcome of the run itself.
    pub certified: Outcome,
    /// Outcome of this verification.
    pub outcome: Outcome,
    /// Exit code of this outcome.
    pub exit_code: u8,
    /// The reason, in one line.
    pub detail: String,
    /// True if everything is as the report says; differences of the environment don't count.
    pub agrees: bool,
    /// The test command that ran.
    pub command: String,
    /// The tree on which it ran.
    #[serde(rename = "ground")]
    pub tested_tree: TreeState,
    /// Exit code; `null` if a signal or kcode ended the tests.
    pub exit: BeforeAfter<Option<i32>>,
    /// Whether the tests passed.
    pub passed: BeforeAfter<bool>,
    /// The runner's own counts.
    pub counts: BeforeAfter<Option<TestCounts>>,
    /// Comparison of single tests; `null` if one side has no results of single tests.
    pub tests: Option<TestsCompared>,
    /// The checks of the report, in its order.
    pub checks: Vec<VerifiedCheck>,
    /// Differences of the environment in which the tests run.
    pub environment: Vec<EnvironmentDifference>,
    /// Further remarks, one sentence each.
    pub notes: Vec<String>,
    /// Milliseconds the tests took now.
    pub ms: u64,
}

/// The tree on which the tests ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Ground")]
pub struct TreeState {
    /// How the tree at hand relates to those of the run.
    pub standing: TreeStanding,
    /// Git's id of the tree without the patch; `null` if it is unknown.
    pub start_tree: BeforeAfter<Option<String>>,
    /// Git's id of the tree under test; `null` if it is unknown.
    pub patched_tree: BeforeAfter<Option<String>>,
}

/// How the tree at hand relates to those of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Standing")]
pub enum TreeStanding {
    /// It is the start tree; the patch was applied to a view of it.
    Start,
    /// It is the patched tree; the tests ran on it directly.
    Patched,
    /// It is neither, but the patch applies to it.
    Applies,
    /// It is neither, but already contains the patch.
    Contains,
}

/// Results of single tests, compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TestsCompared {
    /// Number of tests that the report knows.
    pub certified: u64,
    /// Tests whose result differs.
    pub differences: Vec<Difference>,
    /// Tests that were flaky then or are now; they aren't compared.
    pub flaky: Vec<String>,
}

/// A difference of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnvironmentDifference {
    /// What differs, such as `kernel`.
    pub what: String,
    /// Its value then and now.
    #[serde(flatten)]
    pub was: BeforeAfter<String>,
}

/// Test runs of today, for comparison with a report.
pub struct TestsNow<'a> {
    /// Runs on the same tree; more than one if the first failed.
    pub runs: &'a [TestRun],
    /// Runs of the report's checks, in its order; `None` if one wasn't run.
    pub checks: &'a [Option<&'a TestRun>],
    /// The tree on which they ran.
    pub tested_tree: TreeState,
    /// Results of single tests at the time of the run, if kept.
    pub then: Option<&'a Verdicts>,
    /// The environment of today.
    pub environment: &'a TestEnvironment,
    /// Further remarks, one sentence each.
    pub notes: Vec<String>,
}

impl Verification {
    /// Compares `report` with today's runs. `None` if either has no test run.
    #[must_use]
    pub fn of(report: &Report, measured: TestsNow<'_>) -> Option<Self> {
        let (certified, last) = (&report.tests.after.as_ref()?.result, measured.runs.last()?);
        let results: Vec<_> = measured.runs.iter().filter_map(|run| run.results.clone()).collect();
        let tests = compared(measured.then, Verdicts::of(&results).as_ref());
        let then = report.certificate.environment.as_ref();
        let mut verification = Self {
            schema: VERIFICATION_SCHEMA.to_owned(),
            run: report.run.clone(),
            certified: report.outcome,
            outcome: Outcome::Verified,
            exit_code: 0,
            detail: String::new(),
            agrees: true,
            command: last.command.clone(),
            tested_tree: measured.tested_tree,
            exit: BeforeAfter { then: certified.exit_code, now: last.exit_code },
            passed: BeforeAfter { then: certified.passed, now: last.passed() },
            counts: BeforeAfter { then: certified.counts, now: last.counts },
            tests,
            checks: report
                .checks
                .iter()
                .zip(measured.checks)
                .map(|(then, now)| VerifiedCheck::of(then, *now))
                .collect(),
            environment: then.map_or_else(Vec::new, |then| differences(then, measured.environment)),
            notes: measured.notes,
            ms: measured.runs.iter().map(|run| run.ms).sum(),
        };
        verification.judge(report);
        Some(verification)
    }

    fn judge(&mut self, report: &Report) {
        let differing = self.differing();
        self.agrees = differing.is_empty();
        let failing = (!self.passed.now).then(|| format!("{} fails", self.command));
        let failing = failing.or_else(|| self.checks.iter().find(|check| check.fails()).map(VerifiedCheck::failure));
        let command = &self.command;
        (self.outcome, self.detail) = match (failing, self.agrees) {
            (Some(failing), true) => (Outcome::TestsFailing, format!("{failing}, as the report says")),
            (Some(failing), false) => (Outcome::TestsFailing, format!("{failing}; {}", differing.join("; "))),
            (None, false) => (Outcome::Refused, format!("{command} passes, but {}", differing.join("; "))),
            (None, true) => match report.outcome {
                Outcome::Verified => (Outcome::Verified, format!("{command} passes, and all is as the report says")),
                outcome @ Outcome::Refused => (outcome, format!("the run was refused: {}", report.detail)),
                other => {
                    (Outcome::Unverified, format!("all is as the report says, but the run ended as {}", other.words()))
                }
            },
        };
        self.exit_code = self.outcome.exit_code();
    }

    /// Differences from the report, a clause each.
    fn differing(&self) -> Vec<String> {
        let mut told = Vec::new();
        let flaky = self.tests.as_ref().is_some_and(|tests| !tests.flaky.is_empty());
        let code = |code: Option<i32>| code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        if self.exit.then != self.exit.now && !flaky || self.passed.then != self.passed.now {
            told.push(format!("the exit code was {} and is {}", code(self.exit.then), code(self.exit.now)));
        }
        match &self.tests {
            Some(tests) if !tests.differences.is_empty() => {
                told.push(format!("{} differently", goes(tests.differences.len())));
            }
            // Flaky tests change the counts from run to run.
            Some(_) if flaky => {}
            _ if self.counts.then != self.counts.now => told.push("the runner's counts differ".to_owned()),
            _ => {}
        }
        told.extend(self.checks.iter().filter_map(VerifiedCheck::difference));
        if matches!(self.tested_tree.standing, TreeStanding::Applies | TreeStanding::Contains) {
            told.push("the tree is another one".to_owned());
        } else if differ(&self.tested_tree.start_tree) || differ(&self.tested_tree.patched_tree) {
            told.push("the patch makes another tree".to_owned());
        }
        told
    }
}

fn goes(count: usize) -> String {
    format!("{} go{}", counted(count, "test"), if count == 1 { "es" } else { "" })
}

/// Whether both are known and differ.
fn differ(ids: &BeforeAfter<Option<String>>) -> bool {
    ids.then.as_ref().zip(ids.now.as_ref()).is_some_and(|(then, now)| then != now)
}

fn compared(then: Option<&Verdicts>, now: Option<&Verdicts>) -> Option<TestsCompared> {
    let (then, now) = (then?, now?);
    Some(TestsCompared {
        certified: then.tests.len() as u64,
        differences: then.differences(now),
        flaky: then.flaky.union(&now.flaky).map(ToString::to_string).collect(),
    })
}

fn differences(then: &TestEnvironment, now: &TestEnvironment) -> Vec<EnvironmentDifference> {
    let mut told = Vec::new();
    let mut tell = |what: &str, then: String, now: String| {
        if then != now {
            told.push(EnvironmentDifference { what: what.to_owned(), was: BeforeAfter { then, now } });
        }
    };
    for (what, then, now) in [
        ("system", &then.os, &now.os),
        ("kernel", &then.kernel, &now.kernel),
        ("processor", &then.arch, &now.arch),
        ("kcode", &then.kcode, &now.kcode),
    ] {
        tell(what, then.clone(), now.clone());
    }
    tell("processors", then.cpus.to_string(), now.cpus.to_string());
    for program in &then.programs {
        let other = now.programs.iter().find(|other| other.name == program.name);
        if other.is_none_or(|other| (other.sha256, other.bytes) != (program.sha256, program.bytes)) {
            let path = |path: &str, bytes: u64| format!("{path} ({bytes} bytes)");
            let now = other.map_or_else(|| "not found".to_owned(), |other| path(&other.path, other.bytes));
            told.push(EnvironmentDifference {
                what: program.name.clone(),
                was: BeforeAfter { then: path(&program.path, program.bytes), now },
            });
        }
    }
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|name| !other.contains(name)).cloned().collect::<Vec<_>>().join(" ")
    };
    let (gone, come) = (only(&then.variables, &now.variables), only(&now.variables, &then.variables));
    if gone != come {
        told.push(EnvironmentDifference { what: "variables".to_owned(), was: BeforeAfter { then: gone, now: come } });
    }
    told
}

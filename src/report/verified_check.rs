//! A check of a report, compared with a run of today.

use schemars::JsonSchema;
use serde::Serialize;

use super::checks::CheckReport;
use super::verification::BeforeAfter;
use crate::journal::{CheckChosen, TestPurpose, TestResult};
use crate::planner::tests_ran;
use crate::tools::TestRun;

/// Results of a check, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VerifiedCheck {
    /// Name, command and origin of the check, from the report.
    #[serde(flatten)]
    pub chosen: CheckChosen,
    /// Results then and now; `null` where it wasn't run.
    pub result: BeforeAfter<Option<TestResult>>,
}

impl VerifiedCheck {
    pub(super) fn of(then: &CheckReport, now: Option<&TestRun>) -> Self {
        let now = now.map(|run| tests_ran(run.clone(), TestPurpose::Verification, None).result);
        let CheckReport { chosen, after, .. } = then;
        Self {
            chosen: chosen.clone(),
            result: BeforeAfter { then: after.as_ref().map(|after| after.result.clone()), now },
        }
    }

    /// Whether the check prevents the patch from being verified.
    pub(super) fn fails(&self) -> bool {
        self.chosen.required && self.result.now.as_ref().is_some_and(|now| !now.passed)
    }

    /// Says that the check fails, as a clause.
    pub(super) fn failure(&self) -> String {
        format!("the check {} fails ({})", self.chosen.name, self.chosen.command)
    }

    /// Describes a difference, as a clause; `None` if the run itself hadn't run the check.
    pub(super) fn difference(&self) -> Option<String> {
        let CheckChosen { name, command, required, .. } = &self.chosen;
        let then = self.result.then.as_ref()?;
        let Some(now) = &self.result.now else {
            return required
                .then(|| format!("the check {name} was not run, because nothing here names its command: {command}"));
        };
        let code = |code: Option<i32>| code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        if then.passed != now.passed {
            let change = if now.passed { "failed and passes now" } else { "passed and fails now" };
            Some(format!("the check {name} {change}"))
        } else if then.exit_code != now.exit_code {
            Some(format!(
                "the exit code of the check {name} was {} and is {}",
                code(then.exit_code),
                code(now.exit_code)
            ))
        } else if now.passed && then.counts != now.counts {
            Some(format!("the counts of the check {name} differ"))
        } else {
            None
        }
    }
}

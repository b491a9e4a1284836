//! Reads the findings of a file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::paths::{self, Location};
use super::{SarifError, SarifFinding, SarifLog, SarifPlace};
use crate::ci::json::{self, JsonProblem};

/// Bytes of a file.
const MAX_BYTES: usize = 20 * 1024 * 1024;
/// Findings of a file.
const MAX_FINDINGS: usize = 50_000;

#[derive(Deserialize)]
struct SarifFile {
    version: String,
    runs: Vec<SarifRun>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SarifRun {
    tool: SarifTool,
    /// `None` if the analyzer failed before it looked for anything.
    results: Option<Vec<SarifResult>>,
    original_uri_base_ids: BTreeMap<String, Location>,
    artifacts: Vec<Artifact>,
    invocations: Vec<SarifInvocation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SarifTool {
    driver: Component,
    extensions: Vec<Component>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Component {
    name: String,
    rules: Vec<SarifRule>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SarifRule {
    id: String,
    short_description: SarifMessage,
    full_description: SarifMessage,
    message_strings: BTreeMap<String, SarifMessage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SarifMessage {
    text: Option<String>,
    id: Option<String>,
    arguments: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    location: Location,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SarifInvocation {
    #[serde(default = "yes")]
    execution_successful: bool,
}

fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SarifResult {
    rule_id: Option<String>,
    rule_index: Option<usize>,
    rule: RuleReference,
    kind: Option<String>,
    baseline_state: Option<String>,
    message: SarifMessage,
    locations: Vec<ReportedPlace>,
    fingerprints: BTreeMap<String, Value>,
    partial_fingerprints: BTreeMap<String, Value>,
    suppressions: Vec<Suppression>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RuleReference {
    id: Option<String>,
    index: Option<usize>,
}

#[derive(Deserialize)]
struct Suppression {
    status: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReportedPlace {
    physical_location: Option<PhysicalPlace>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PhysicalPlace {
    artifact_location: Location,
    region: Region,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Region {
    start_line: Option<u64>,
    end_line: Option<u64>,
    snippet: SarifMessage,
}

/// Reads a file. `root` is the repository's own absolute path, for addresses that are absolute.
///
/// # Errors
/// When it isn't SARIF 2.1.0, or far too large.
pub(crate) fn read(bytes: &[u8], root: Option<&str>) -> Result<SarifLog, SarifError> {
    let unreadable = |why: &str| SarifError::Unreadable(why.to_owned());
    let object = json::object(bytes, MAX_BYTES).map_err(|problem| match problem {
        JsonProblem::TooLarge => unreadable("it has more than 20 MiB"),
        JsonProblem::Bad(why) => SarifError::Unreadable(why),
    })?;
    let log: SarifFile =
        serde_json::from_value(Value::Object(object)).map_err(|error| unreadable(&error.to_string()))?;
    if log.version != "2.1.0" {
        return Err(SarifError::Unreadable(format!("its version is {:?}", log.version)));
    }
    if log.runs.iter().flat_map(|run| &run.results).map(Vec::len).sum::<usize>() > MAX_FINDINGS {
        return Err(unreadable("it has more than 50,000 findings"));
    }
    let ended = |run: &&SarifRun| run.results.is_some() && run.invocations.iter().all(|it| it.execution_successful);
    let mut tools: Vec<String> = log.runs.iter().filter(ended).map(|run| run.tool.driver.name.clone()).collect();
    // A tool counts as run only if none of its runs failed.
    tools.retain(|tool| log.runs.iter().filter(|run| run.tool.driver.name == *tool).all(|run| ended(&run)));
    let mut findings = Vec::new();
    for run in &log.runs {
        for found in run.results.iter().flatten().filter(|found| found.is_reported()) {
            let number = findings.len() + 1;
            findings.push(run.finding(found, number, root));
        }
    }
    Ok(SarifLog { tools, findings })
}

impl SarifResult {
    fn is_reported(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or("fail");
        matches!(kind, "fail" | "open" | "review") && self.baseline_state.as_deref() != Some("absent")
    }
}

impl SarifRun {
    fn finding(&self, found: &SarifResult, number: usize, root: Option<&str>) -> SarifFinding {
        let rule = self.rule(found);
        let id = found.rule_id.clone().or_else(|| found.rule.id.clone()).or_else(|| rule.map(|rule| rule.id.clone()));
        let place = found.locations.iter().find_map(|place| place.physical_location.as_ref());
        let place = place.map(|place| self.place(place, root));
        let (place, bad_place) = match place {
            Some(Ok(place)) => (Some(place), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fingerprints = found.fingerprints.iter().chain(&found.partial_fingerprints);
        let help = rule.and_then(|rule| rule.full_description.text.as_ref().or(rule.short_description.text.as_ref()));
        SarifFinding {
            number,
            tool: self.tool.driver.name.clone(),
            rule: id.unwrap_or_default(),
            message: found.message.told(rule),
            help: help.cloned().unwrap_or_default(),
            place,
            bad_place,
            fingerprints: fingerprints.map(|(name, value)| (name.clone(), text(value))).collect(),
            is_suppressed: found.suppressions.iter().any(Suppression::holds),
        }
    }

    fn rule(&self, found: &SarifResult) -> Option<&SarifRule> {
        let all = || std::iter::once(&self.tool.driver).chain(&self.tool.extensions).flat_map(|it| &it.rules);
        let id = found.rule_id.as_deref().or(found.rule.id.as_deref());
        let index = found.rule_index.or(found.rule.index);
        let at_index = index.and_then(|index| self.tool.driver.rules.get(index));
        match id {
            // An id may be that of a part of a rule, such as `CA1000/1`.
            Some(id) => all().find(|rule| rule.id == id).or(at_index.filter(|rule| id.starts_with(&rule.id))),
            None => at_index,
        }
    }

    fn place(&self, place: &PhysicalPlace, root: Option<&str>) -> Result<SarifPlace, String> {
        let location = &place.artifact_location;
        let by_index = location.index.and_then(|index| self.artifacts.get(index)).map(|artifact| &artifact.location);
        let own = paths::path(location, &self.original_uri_base_ids, root);
        let path = match (own, by_index) {
            (Err(_), Some(other)) if location.is_bare() => paths::path(other, &self.original_uri_base_ids, root)?,
            (own, _) => own?,
        };
        let first = place.region.start_line.filter(|line| *line > 0);
        let last = place.region.end_line.filter(|line| Some(*line) >= first).or(first);
        let snippet = place.region.snippet.text.clone().unwrap_or_default();
        Ok(SarifPlace { path, first, last, snippet })
    }
}

impl Suppression {
    /// One without a status is accepted.
    fn holds(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "accepted")
    }
}

impl SarifMessage {
    fn told(&self, rule: Option<&SarifRule>) -> String {
        let by_id = || {
            let message = rule?.message_strings.get(self.id.as_deref()?)?;
            message.text.clone()
        };
        let mut text = self.text.clone().or_else(by_id).unwrap_or_default();
        for (at, argument) in self.arguments.iter().enumerate().take(20) {
            text = text.replace(&format!("{{{at}}}"), argument);
        }
        text
    }
}

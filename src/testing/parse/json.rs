//! Reads JSON reports: of jest, whose format vitest writes as well, and of RSpec.

use serde::Deserialize;
use serde_json::Value;

use super::collector::ResultCollector;
use crate::journal::{TestResults, Verdict};

/// Returns the results in those of `reports` that have either format. `passed` tells whether the whole run passed.
pub(super) fn read(reports: &[Vec<u8>], passed: bool) -> Option<TestResults> {
    let objects = reports.iter().filter(|report| report.first() == Some(&b'{'));
    let values: Vec<Value> = objects.filter_map(|report| serde_json::from_slice(report).ok()).collect();
    values.iter().find_map(|value| jest(value, passed).or_else(|| rspec(value)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Jest {
    success: bool,
    #[serde(default)]
    was_interrupted: bool,
    test_results: Vec<JestFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JestFile {
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    assertion_results: Vec<JestTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JestTest {
    #[serde(default)]
    ancestor_titles: Vec<String>,
    title: String,
    status: String,
    #[serde(default)]
    failure_messages: Option<Vec<String>>,
}

fn jest(value: &Value, passed: bool) -> Option<TestResults> {
    let report = Jest::deserialize(value).ok()?;
    let mut collector = ResultCollector::default();
    let mut gaps = false;
    for file in &report.test_results {
        // A file that can't be loaded fails without any test.
        if file.assertion_results.is_empty() && file.status == "failed" {
            gaps = true;
            collector.add(&file.name, Verdict::Failed);
            collector.explain(&file.name, &file.message);
            collector.locate(&file.name, &file.name);
        }
        for test in &file.assertion_results {
            let titles = test.ancestor_titles.iter().chain([&test.title]).map(String::as_str);
            let name = [file.name.as_str()].into_iter().chain(titles).collect::<Vec<_>>().join(" > ");
            let verdict = match test.status.as_str() {
                "passed" => Verdict::Passed,
                "failed" => Verdict::Failed,
                _ => Verdict::Skipped,
            };
            let Some(name) = collector.add(&name, verdict) else { continue };
            collector.explain(
                &name,
                test.failure_messages.iter().flatten().next().map_or("", |message| without_stack(message)),
            );
            collector.locate(&name, &file.name);
        }
    }
    // If its process dies, vitest reports the remaining tests as pending.
    let complete = !gaps && !report.was_interrupted && (passed || !report.success);
    let source = if value.get("numRuntimeErrorTestSuites").is_some() { "jest, JSON" } else { "vitest, JSON" };
    Some(collector.finish(source, complete))
}

/// Returns the message and the first places of its stack.
fn without_stack(message: &str) -> &str {
    let mut places = message.match_indices("\n    at ").map(|(at, _)| at);
    places.nth(2).map_or(message, |at| &message[..at])
}

#[derive(Deserialize)]
struct Rspec {
    examples: Vec<Example>,
    summary: RspecSummary,
}

#[derive(Deserialize)]
struct RspecSummary {
    #[serde(default)]
    errors_outside_of_examples_count: u64,
}

#[derive(Deserialize)]
struct Example {
    full_description: String,
    status: String,
    file_path: String,
    exception: Option<RspecException>,
}

#[derive(Deserialize)]
struct RspecException {
    class: String,
    message: Option<String>,
}

fn rspec(value: &Value) -> Option<TestResults> {
    let report = Rspec::deserialize(value).ok()?;
    let mut collector = ResultCollector::default();
    for example in &report.examples {
        let file = example.file_path.trim_start_matches("./");
        let name = format!("{file} > {}", example.full_description);
        let verdict = match example.status.as_str() {
            "passed" => Verdict::Passed,
            "failed" => Verdict::Failed,
            _ => Verdict::Skipped,
        };
        let Some(name) = collector.add(&name, verdict) else { continue };
        collector.locate(&name, file);
        if let Some(exception) = example.exception.as_ref().filter(|_| verdict == Verdict::Failed) {
            let message = exception.message.as_deref().unwrap_or_default().trim();
            collector.explain(&name, &format!("{}: {message}", exception.class));
        }
    }
    Some(collector.finish("RSpec, JSON", report.summary.errors_outside_of_examples_count == 0))
}

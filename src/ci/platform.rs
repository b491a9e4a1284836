//! What a CI platform is told: a summary, values for later steps, annotations. Repositories, models and strangers choose most of
//! the content, so each value is encoded as its reader decodes it, and none can add another one.
//!
//! GitHub: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>; GitLab:
//! <https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv>.

use super::result::CiResult;
use crate::journal::TestsTouched;
use crate::report::{self, Report};
use crate::text::sanitise;

/// GitHub shows a summary of at most a MiB for each step.
const MAX_SUMMARY: usize = 900_000;
/// GitHub shows ten annotations of a kind for each step; the last one says how many there are.
const MAX_ANNOTATIONS: usize = 10;
/// Characters of an annotation.
const MAX_WORDS: usize = 500;

/// The report for `$GITHUB_STEP_SUMMARY`, in Markdown.
pub(crate) fn step_summary(report: &Report) -> String {
    let mut text = sanitise(&report::markdown(report)).into_owned();
    if text.len() > MAX_SUMMARY {
        let cut = (0..=MAX_SUMMARY).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(cut);
        text.push_str("\n\n(cut; the whole report is `report.md` in the artifact)\n");
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Values that later steps read.
pub(crate) fn outputs(result: &CiResult) -> Vec<(&'static str, String)> {
    let patch = result.patch.as_ref();
    vec![
        ("outcome", result.outcome.name().to_owned()),
        ("exit-code", result.exit_code.to_string()),
        ("run", result.run.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("has-patch", patch.is_some().to_string()),
        ("patch-sha256", patch.map(|patch| patch.sha256.to_string()).unwrap_or_default()),
    ]
}

/// Lines for `$GITHUB_OUTPUT`. `delimiter` is a random word that no value contains.
pub(crate) fn output_lines(values: &[(&str, String)], delimiter: &str) -> String {
    let block = |(name, value): &(&str, String)| format!("{name}<<{delimiter}\n{}\n{delimiter}\n", one_line(value));
    values.iter().map(block).collect()
}

/// Lines of a `dotenv` report of GitLab's: letters, digits and a few signs only.
pub(crate) fn dotenv(values: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| {
        let name = name.to_ascii_uppercase().replace('-', "_");
        let value: String = value.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        format!("KCODE_{name}={value}\n")
    };
    values.iter().map(line).collect()
}

/// Commands that mark failing tests and weakened ones in GitHub's view of the changes.
pub(crate) fn annotations(report: &Report) -> Vec<String> {
    let matrix = &report.tests.matrix;
    let failing = [("broken by the patch", &matrix.broken), ("new and failing", &matrix.new_failing)];
    let failing = failing.into_iter().flat_map(|(what, tests)| tests.iter().map(move |test| error(None, what, test)));
    let flags = report.tests.touched.iter().flat_map(|TestsTouched { flags, .. }| flags);
    let weakened = flags
        .filter(|flag| flag.weakens)
        .map(|flag| error(Some((flag.path.as_str(), flag.line)), "this change weakens tests", &flag.reason));
    let mut all: Vec<String> = weakened.chain(failing).collect();
    if all.len() > MAX_ANNOTATIONS {
        let more = all.len() - (MAX_ANNOTATIONS - 1);
        all.truncate(MAX_ANNOTATIONS - 1);
        all.push(error(None, "more of them", &format!("{more} more are in report.md")));
    }
    all
}

fn error(place: Option<(&str, u64)>, title: &str, words: &str) -> String {
    let words: String = one_line(words).chars().take(MAX_WORDS).collect();
    let place = place.map_or_else(String::new, |(path, line)| format!("file={},line={line},", property(path)));
    format!("::error {place}title=kcode: {}::{}", property(title), data(&words))
}

/// As the runner decodes the text behind `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As the runner decodes a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Without line ends, control characters and characters that hide.
fn one_line(text: &str) -> String {
    sanitise(text).replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_adds_another_one() {
        let hostile = "x\nGITHUB_TOKEN<<E\nstolen\nE\n\u{202e}::set-env name=A::b".to_owned();
        let written = output_lines(&[("run", hostile.clone())], "d1f");
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!((lines[0], lines.len(), lines[2]), ("run<<d1f", 3, "d1f"));
        assert_eq!(dotenv(&[("exit-code", hostile)]).lines().count(), 1);
        assert_eq!(dotenv(&[("exit-code", "5".to_owned())]), "KCODE_EXIT_CODE=5\n");
    }

    #[test]
    fn an_annotation_is_one_command_whatever_it_tells() {
        let told = error(Some(("a,b:c%\nd.py", 3)), "weakened", "50%\r\n::error::x");
        assert_eq!(told.lines().count(), 1);
        assert!(told.starts_with("::error file=a%2Cb%3Ac%25%0Ad.py,line=3,title=kcode: weakened::50%25"), "{told}");
    }
}

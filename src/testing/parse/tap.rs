//! Reads the Test Anything Protocol, 13 and 14, with subtests as node and Perl print them (<https://testanything.org>).

use super::collector::ResultCollector;
use super::outline::indent;
use crate::journal::{TestResults, Verdict};

/// Returns the results in `lines`; `None` if they aren't TAP.
pub(super) fn read(lines: &[&str]) -> Option<TestResults> {
    let is_versioned = lines.iter().any(|line| line.starts_with("TAP version "));
    let is_planned = lines.iter().any(|line| plan(line).is_some());
    if !(is_versioned || is_planned) {
        return None;
    }
    let mut reading = TapReader::default();
    let mut lines = lines.iter().copied().peekable();
    while let Some(line) = lines.next() {
        let Some(point) = Point::read(line) else {
            reading.line(line);
            continue;
        };
        let mut diagnosis = Vec::new();
        let at = point.indent;
        if lines.peek().is_some_and(|line| line.trim() == "---" && indent(line) > at) {
            lines.next();
            diagnosis = lines.by_ref().map_while(|line| (line.trim() != "...").then_some(line)).collect();
        }
        reading.point(&point, &diagnosis);
    }
    Some(reading.finish(is_versioned))
}

#[derive(Default)]
struct TapReader {
    collector: ResultCollector,
    /// The file that `prove` is running.
    file: Option<String>,
    /// Names of subtests that have begun, by indentation.
    open: Vec<(usize, String)>,
    /// Number of tests that the outermost plans announce; `points` is the number that ran.
    planned: u64,
    points: u64,
    crashed: bool,
    /// The test of `#   Failed test 'adds'`, and the text after it.
    failure: Option<(String, String)>,
    failures: Vec<(String, String)>,
}

/// `not ok 3 - adds # TODO not yet`
struct Point<'a> {
    indent: usize,
    ok: bool,
    description: &'a str,
    directive: String,
}

impl<'a> Point<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let text = line.trim_start();
        let (ok, rest) = match text.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("ok")?),
        };
        let rest = rest.strip_prefix(' ')?.trim_start();
        let digits = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        let (number, rest) = rest.split_at(digits);
        if number.is_empty() || !(rest.is_empty() || rest.starts_with(' ')) {
            return None;
        }
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start();
        let (description, directive) = match rest.strip_prefix("# ") {
            Some(directive) => ("", directive),
            None => rest.rsplit_once(" # ").unwrap_or((rest, "")),
        };
        let description = if description.is_empty() { number } else { description };
        Some(Self { indent: indent(line), ok, description, directive: directive.to_ascii_uppercase() })
    }

    fn verdict(&self) -> Verdict {
        if self.directive.starts_with("SKIP") {
            return Verdict::Skipped;
        }
        if self.ok || self.directive.starts_with("TODO") { Verdict::Passed } else { Verdict::Failed }
    }
}

impl TapReader {
    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            let at = indent(line);
            self.open.retain(|(open, _)| *open < at);
            self.open.push((at, name.to_owned()));
        } else if let Some(file) = proved(line) {
            self.file = Some(file);
        } else if indent(line) == 0
            && let Some(planned) = plan(line)
        {
            self.planned += planned;
        } else if text.starts_with("Bail out!") || text.starts_with("Dubious, test returned") {
            // Perl exits with the number of failures, so that only an unfulfilled plan shows a crash.
            self.crashed |= text.starts_with("Bail out!");
        }
        self.diagnostic(text);
    }

    /// Reads what Perl prints to standard error, at any time.
    fn diagnostic(&mut self, text: &str) {
        let Some(said) = text.strip_prefix('#') else {
            self.failures.extend(self.failure.take());
            return;
        };
        if let Some(name) = said.trim_start().strip_prefix("Failed test '") {
            self.failures.extend(self.failure.take());
            self.failure = Some((name.trim_end_matches('\'').to_owned(), String::new()));
        } else if let Some((_, text)) = &mut self.failure {
            text.push_str(said.trim_start());
            text.push('\n');
        }
    }

    fn point(&mut self, point: &Point, diagnosis: &[&str]) {
        self.points += u64::from(point.indent == 0);
        let said = |key: &str| {
            diagnosis.iter().find_map(|line| line.trim_start().strip_prefix(key)?.strip_prefix(':').map(str::trim))
        };
        self.open.retain(|(at, _)| *at < point.indent);
        if said("type") == Some("'suite'") {
            return;
        }
        let suites = self.file.iter().chain(self.open.iter().map(|(_, name)| name));
        let path: Vec<&str> = suites.map(String::as_str).chain([point.description]).collect();
        // Otherwise a `#` in a title would begin a directive.
        let name = path.join(" > ").replace("\\#", "#");
        let Some(name) = self.collector.add(&name, point.verdict()) else { return };
        if point.verdict() == Verdict::Failed {
            // A whole file, which node runs as one test until it reports its own tests.
            self.crashed |= said("exitCode").is_some();
            self.collector.explain(&name, &told(diagnosis));
            let place = said("location").unwrap_or_default().trim_matches('\'');
            let file = place.split(':').next().unwrap_or_default();
            self.collector.locate(&name, self.file.as_deref().unwrap_or(file));
        }
    }

    fn finish(mut self, is_versioned: bool) -> TestResults {
        self.failures.extend(self.failure.take());
        for (name, text) in &self.failures {
            // The message names the file, but not the enclosing tests.
            let file = text
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("at ")?.split_once(" line "))
                .map(|(file, _)| file);
            let full = file.map_or(name.clone(), |file| format!("{file} > {name}"));
            self.collector.explain(&full, text);
        }
        let complete = !self.crashed && self.planned == self.points && (self.points > 0 || is_versioned);
        self.collector.finish("TAP", complete)
    }
}

/// `1..5`
fn plan(line: &str) -> Option<u64> {
    line.strip_prefix("1..")?.split(' ').next()?.parse().ok()
}

/// Returns the file of `t/add.t .... `, after which its tests follow.
fn proved(line: &str) -> Option<String> {
    let (file, dots) = line.trim_end().split_once(' ')?;
    (dots.len() > 1 && dots.bytes().all(|byte| byte == b'.') && !file.is_empty()).then(|| file.to_owned())
}

/// Returns the error of a diagnosis, and the first lines of its stack.
fn told(diagnosis: &[&str]) -> String {
    let noise = ["duration_ms:", "location:", "failureType:", "code:", "name:", "type:"];
    let is_noise = |line: &&&str| noise.iter().any(|key| line.trim_start().starts_with(key));
    let lines: Vec<&str> = diagnosis.iter().filter(|line| !is_noise(line)).copied().collect();
    let stack = lines.iter().position(|line| line.trim_start().starts_with("stack:")).unwrap_or(lines.len());
    lines[..lines.len().min(stack + 3)].join("\n")
}

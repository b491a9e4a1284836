//! JUnit XML, as pytest, Maven, Gradle, PHPUnit, nextest and many others write it.
//!
//! There is no standard; this reads what they have in common. It is read as a stream: no tree is built, no
//! entity is expanded but the five of XML itself, and nesting costs nothing.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::ledger::Ledger;
use crate::evidence::{TestResults, Verdict};

/// Suites in suites that are looked at; nobody's go deeper.
const MAX_DEPTH: usize = 64;
/// Bytes of one failure's text that are looked at.
const MAX_TEXT: usize = 64 * 1024;

/// The results in those of `reports` that are JUnit XML; `None` when none is.
pub(super) fn read(reports: &[Vec<u8>]) -> Option<TestResults> {
    let mut document = Document::default();
    let mut complete = true;
    let is_junit = |report: &&Vec<u8>| {
        let start = String::from_utf8_lossy(&report[..report.len().min(4096)]);
        start.contains("<testsuite")
    };
    let mut any = false;
    for report in reports.iter().filter(is_junit) {
        any = true;
        complete &= document.read(report);
    }
    let source = document.runner.map_or("JUnit XML".to_owned(), |runner| format!("{runner}, JUnit XML"));
    any.then(|| document.ledger.finish(source, complete))
}

#[derive(Default)]
struct Document {
    ledger: Ledger,
    runner: Option<&'static str>,
    suites: Vec<Suite>,
    test: Option<Test>,
    /// The text of this element belongs to the test's message.
    in_message: bool,
}

#[derive(Default)]
struct Suite {
    name: String,
    file: Option<String>,
}

struct Test {
    name: String,
    file: Option<String>,
    verdict: Verdict,
    message: String,
}

impl Document {
    /// Whether `report` came to its end.
    fn read(&mut self, report: &[u8]) -> bool {
        let report = String::from_utf8_lossy(report);
        let mut reader = Reader::from_str(&report);
        self.suites.clear();
        self.test = None;
        let mut opened = false;
        loop {
            match reader.read_event() {
                Ok(Event::Start(element)) => {
                    opened = true;
                    self.start(&element);
                }
                Ok(Event::Empty(element)) => {
                    opened = true;
                    self.start(&element);
                    self.end(element.name().as_ref());
                }
                Ok(Event::End(element)) => self.end(element.name().as_ref()),
                Ok(Event::Text(text)) => self.text(&text),
                Ok(Event::CData(text)) => self.text(&text),
                Ok(Event::GeneralRef(entity)) => self.text(character(&entity).encode_utf8(&mut [0; 4])),
                Ok(Event::Eof) => return opened && self.suites.is_empty() && self.test.is_none(),
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    fn start(&mut self, element: &BytesStart) {
        match element.name().as_ref() {
            "testsuite" | "testsuites" => {
                let suite =
                    Suite { name: attribute(element, "name").unwrap_or_default(), file: attribute(element, "file") };
                if suite.name == "pytest" {
                    self.runner = Some("pytest");
                }
                if suite.name == "nextest-run" {
                    self.runner = Some("nextest");
                }
                self.suites.push(suite);
            }
            "testcase" => self.test = Some(self.begin(element)),
            "failure" | "error" => self.verdict(element, Verdict::Failed),
            "skipped" | "disabled" => {
                let is_expected = attribute(element, "type").is_some_and(|kind| kind == "pytest.xfail");
                self.verdict(element, if is_expected { Verdict::Passed } else { Verdict::Skipped });
            }
            _ => {}
        }
    }

    fn begin(&self, element: &BytesStart) -> Test {
        let name = attribute(element, "name").unwrap_or_default();
        let class = attribute(element, "classname").or_else(|| attribute(element, "class")).unwrap_or_default();
        // Node calls every class `test`; its suites tell more.
        let class = if class.is_empty() || class == "test" { self.path() } else { class };
        let file = attribute(element, "file")
            .or_else(|| self.suites.iter().rev().take(MAX_DEPTH).find_map(|suite| suite.file.clone()));
        let name = if class.is_empty() { name } else { format!("{class}::{name}") };
        Test { name, file, verdict: Verdict::Passed, message: String::new() }
    }

    fn path(&self) -> String {
        let names = self.suites.iter().take(MAX_DEPTH).map(|suite| suite.name.as_str()).filter(|name| !name.is_empty());
        names.collect::<Vec<_>>().join("::")
    }

    fn verdict(&mut self, element: &BytesStart, verdict: Verdict) {
        let Some(test) = &mut self.test else { return };
        if verdict == Verdict::Failed || test.verdict == Verdict::Passed {
            test.verdict = verdict;
        }
        self.in_message = verdict == Verdict::Failed;
        if self.in_message {
            let message = attribute(element, "message").unwrap_or_default();
            self.text(&message);
            self.text("\n");
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(test) = self.test.as_mut().filter(|test| self.in_message && test.message.len() < MAX_TEXT) {
            test.message.push_str(text);
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "testsuite" | "testsuites" => drop(self.suites.pop()),
            "failure" | "error" => self.in_message = false,
            "testcase" => self.note(),
            _ => {}
        }
    }

    fn note(&mut self) {
        let Some(test) = self.test.take() else { return };
        // What fails while pytest tears a test down stands there as a second one of the same name.
        let known = if self.runner == Some("pytest") {
            self.ledger.amend(&test.name, test.verdict)
        } else {
            self.ledger.add(&test.name, test.verdict)
        };
        if known.is_none() {
            return;
        }
        if test.verdict == Verdict::Failed {
            self.ledger.explain(&test.name, &told_once(&test.message));
        }
        if let Some(file) = test.file {
            self.ledger.locate(&test.name, &file);
        }
    }
}

/// Runners say the assertion in an attribute and again in the text.
fn told_once(message: &str) -> String {
    let (said, text) = message.split_once('\n').unwrap_or((message, ""));
    let first = said.lines().next().unwrap_or_default();
    if !first.is_empty() && text.contains(first) { text.to_owned() } else { message.to_owned() }
}

fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

/// What `&name;` stands for; an entity that a document defined itself stands for nothing.
fn character(entity: &quick_xml::events::BytesRef) -> char {
    if let Ok(Some(char)) = entity.resolve_char_ref() {
        return char;
    }
    match entity.as_ref() {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => '\u{fffd}',
    }
}

//! Reads JUnit XML, as written by pytest, Maven, Gradle, PHPUnit, nextest and many others.
//!
//! There is no standard; this reads what they have in common. It reads a stream: no tree is built, only XML's own five
//! entities are expanded, and nesting costs nothing.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::collector::ResultCollector;
use crate::journal::{TestResults, Verdict};

/// Most nested suites; real reports have fewer.
const MAX_DEPTH: usize = 64;
/// Bytes read of one failure's text.
const MAX_TEXT: usize = 64 * 1024;

/// Returns the results in those of `reports` that are JUnit XML; `None` if none is.
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
    any.then(|| document.collector.finish(source, complete && !document.gaps))
}

#[derive(Default)]
struct Document {
    collector: ResultCollector,
    runner: Option<&'static str>,
    suites: Vec<SuiteElement>,
    test: Option<JunitTest>,
    /// Whether there are tests that the report doesn't list.
    gaps: bool,
    /// Whether text of this element belongs to the test's message.
    in_message: bool,
}

#[derive(Default)]
struct SuiteElement {
    name: String,
    file: Option<String>,
}

struct JunitTest {
    name: String,
    file: Option<String>,
    verdict: Verdict,
    /// The failure's message, from an attribute; `text` is from the element.
    message: String,
    text: String,
}

impl Document {
    /// Whether `report` is complete.
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
                let suite = SuiteElement {
                    name: attribute(element, "name").unwrap_or_default(),
                    file: attribute(element, "file"),
                };
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

    fn begin(&self, element: &BytesStart) -> JunitTest {
        let name = attribute(element, "name").unwrap_or_default();
        let class = attribute(element, "classname").or_else(|| attribute(element, "class")).unwrap_or_default();
        // Node calls every class `test`; its suites say more.
        let is_unnamed = class == "test" || (class.is_empty() && self.runner != Some("pytest"));
        let class = if is_unnamed { self.path() } else { class };
        let file = attribute(element, "file")
            .or_else(|| self.suites.iter().rev().take(MAX_DEPTH).find_map(|suite| suite.file.clone()));
        let name = if class.is_empty() { name } else { format!("{class}::{name}") };
        JunitTest { name, file, verdict: Verdict::Passed, message: String::new(), text: String::new() }
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
            test.message = attribute(element, "message").unwrap_or_default();
            // Then none of the module's tests is known.
            self.gaps |= self.runner == Some("pytest") && test.message == "collection failure";
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(test) = self.test.as_mut().filter(|test| self.in_message && test.text.len() < MAX_TEXT) {
            test.text.push_str(text);
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
        // Pytest reports a failed teardown as a second test of the same name.
        let known = if self.runner == Some("pytest") {
            self.collector.amend(&test.name, test.verdict)
        } else {
            self.collector.add(&test.name, test.verdict)
        };
        let Some(name) = known else { return };
        if test.verdict == Verdict::Failed {
            self.collector.explain(&name, &told_once(&test.message, &test.text));
        }
        if let Some(file) = test.file {
            self.collector.locate(&name, &file);
        }
    }
}

/// Runners write the assertion in an attribute and mostly again in the text.
fn told_once(message: &str, text: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    if text.contains(first) { text.to_owned() } else { format!("{message}\n{text}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(xml: &str) -> TestResults {
        read(&[xml.as_bytes().to_vec()]).unwrap()
    }

    #[test]
    fn entities_of_its_own_stand_for_nothing() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY s SYSTEM "file:///etc/passwd">]>
            <testsuite name="x"><testcase name="t"><failure message="m">&b;&s; &lt;one&gt; &#65;</failure></testcase></testsuite>"#;
        let results = of(bomb);
        let message = results.tests["x::t"].message.as_deref().unwrap();
        assert_eq!(message, "m\n\u{fffd}\u{fffd} <one> A");
        assert!(results.complete);
    }

    #[test]
    fn depth_and_size_cost_nothing() {
        let deep = format!("{}<testcase name='t'/>", "<testsuite name='s'>".repeat(100_000));
        let results = of(&deep);
        assert_eq!((results.tests.len(), results.complete), (1, false));
        let long =
            format!("<testsuite><testcase name='t'><failure>{}</failure></testcase></testsuite>", "x".repeat(1 << 20));
        assert!(of(&long).tests["t"].message.as_ref().unwrap().len() < 3_000);
        let many = format!("<testsuite>{}</testsuite>", "<testcase name='t'/>".repeat(10_000));
        assert_eq!(of(&many).tests.len(), 499);
    }

    #[test]
    fn what_is_not_xml_is_cut_off() {
        for broken in [
            "<testsuite",
            "<testsuite><testcase name='a'/></testsuites>",
            "<testsuite><testcase name=a>",
            "\0<testsuite>\u{ff}",
        ] {
            assert!(!of(broken).complete, "{broken}");
        }
        assert_eq!(read(&[b"{}".to_vec(), Vec::new()]), None);
    }
}

//! The functions of a file of tests: which are tests, how they are called, and where they stand.

use std::ops::Range;

use super::assertions::assertions;
use super::extent;
use super::language::Language;
use super::mask::Masked;
use super::pattern::Pattern;
use super::signatures::{Opens, Signature, signature};
use super::statements::statements;

/// A test, or a function that tests may call.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// With the suites around it: `T::test_add`, `adder > adds`.
    pub name: String,
    /// Without them.
    pub bare: String,
    /// Its runner finds it by this name, these attributes and this place.
    pub is_test: bool,
    /// Attributes and decorators.
    pub header: Range<usize>,
    /// From the signature on.
    pub body: Range<usize>,
}

/// A file taken apart.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    pub language: Language,
    pub file: Masked,
    pub units: Vec<Unit>,
    /// Lines of suites: classes, modules, `describe`.
    pub suites: Vec<Suite>,
}

/// A class, a module, a `describe`.
#[derive(Clone, Debug)]
pub(super) struct Suite {
    pub name: String,
    pub header: Range<usize>,
    pub body: Range<usize>,
}

static RUST_TEST: Pattern = Pattern::new(r"#\[\s*(?:[\w:]+::)?(?:\w*test\w*|case|rstest)\s*(?:\(|\]|,|=)");
pub(super) static CFG_TEST: Pattern = Pattern::new(r"#\[\s*cfg\s*\(.*\btest\b");
static JVM_TEST: Pattern =
    Pattern::new(r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate|Property|Theory)\b");
static CSHARP_TEST: Pattern =
    Pattern::new(r"\[[^\]]*\b(?:Fact|Theory|Test|TestMethod|DataTestMethod|TestCase|TestCaseSource|UIFact)\b");
static PHP_TEST: Pattern = Pattern::new(r"#\[[^\]]*\bTest\b|@test\b");
static GO_TEST: Pattern = Pattern::new(r"^(?:Test|Fuzz|Example)(?:[^a-z]|$)");
static HIDDEN: Pattern = Pattern::new(r"\b(?:private|protected)\b.*\(");
static TITLE: Pattern = Pattern::new(r#"'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`"#);

impl Outline {
    pub fn new(source: &str, language: Language) -> Self {
        let file = Masked::new(source, language);
        let mut outline = Self { language, file, units: Vec::new(), suites: Vec::new() };
        outline.read();
        outline
    }

    /// The unit that a line belongs to.
    pub fn unit_at(&self, line: usize) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.header.start <= line && line < unit.body.end)
    }

    pub fn tests(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.is_test)
    }

    /// There are assertions in it, or nobody can tell.
    pub fn asserts(&self) -> bool {
        let all = statements(&self.file, self.language, 0..self.file.code.len());
        self.language == Language::Other || !assertions(self.language, &all).is_empty()
    }

    fn read(&mut self) {
        let mut open: Vec<(Suite, bool)> = Vec::new();
        let mut attributes: Option<usize> = None;
        let (mut depth, mut inside_until) = (0_i64, 0);
        for at in 0..self.file.code.len() {
            let (code, text) = (self.file.code[at].as_str(), self.file.text[at].as_str());
            open.retain(|(suite, _)| at < suite.body.end);
            let found = if at < inside_until || depth > 0 && attributes.is_some() {
                None
            } else {
                signature(self.language, code, text)
            };
            let Some(found) = found else {
                depth = self.attribute_depth(at, &mut attributes, depth);
                continue;
            };
            let end = extent::end(&self.file, self.language, found.name.is_some(), at);
            let header = attributes.take().unwrap_or(at)..at;
            depth = 0;
            let bare = found.name.clone().unwrap_or_else(|| self.title(at, end));
            if found.opens == Opens::Suite {
                let runs = self.suite_runs(&bare, at, &header, &open);
                let suite = Suite { name: bare, header, body: at..end };
                self.suites.push(suite.clone());
                open.push((suite, runs));
                continue;
            }
            let is_test = self.is_test(&found, &bare, &header, at, open.iter().all(|(_, runs)| *runs));
            let suites = open.iter().map(|(suite, _)| suite.name.as_str());
            let name = suites.chain([bare.as_str()]).collect::<Vec<_>>().join(self.separator());
            inside_until = end;
            self.units.push(Unit { name, bare, is_test, header, body: at..end });
        }
    }

    /// Keeps where the attributes above the next signature begin, over lines that they are broken into.
    fn attribute_depth(&self, at: usize, start: &mut Option<usize>, depth: i64) -> i64 {
        let line = self.file.code[at].trim();
        let is_attribute = match self.language {
            Language::Python | Language::Java | Language::Kotlin => line.starts_with('@'),
            Language::Rust | Language::Php => line.starts_with("#["),
            Language::CSharp => line.starts_with('['),
            _ => false,
        };
        if is_attribute && start.is_none() {
            *start = Some(at);
        }
        // Blank lines are comments too.
        if !is_attribute && depth == 0 && !line.is_empty() {
            *start = None;
        }
        if start.is_some() { (depth + extent::brackets(line)).max(0) } else { 0 }
    }

    fn title(&self, at: usize, end: usize) -> String {
        // Calls may be broken behind the parenthesis.
        let lines = if self.language == Language::Ruby { 1 } else { 6 };
        let text = self.file.text[at..end.min(at + lines)].join("\n");
        let found = TITLE.captures(&text);
        let title =
            found.and_then(|found| (1..=3).find_map(|group| found.get(group)).map(|title| title.as_str().to_owned()));
        title.unwrap_or_else(|| {
            // `describe Core do`, `it(name, …)`
            let word = text.split(['(', '{', ',', ' ']).filter(|word| !word.is_empty()).nth(1).unwrap_or_default();
            word.chars().take(80).collect()
        })
    }

    fn separator(&self) -> &'static str {
        if matches!(self.language, Language::JavaScript | Language::Ruby) { " > " } else { "::" }
    }

    /// Whether tests of this suite can be found by a runner.
    fn suite_runs(&self, name: &str, at: usize, header: &Range<usize>, around: &[(Suite, bool)]) -> bool {
        let outside = around.iter().all(|(_, runs)| *runs);
        match self.language {
            Language::Python => {
                let has_bases = self.file.code[at].contains('(')
                    && !self.file.code[at].contains("()")
                    && !self.file.code[at].contains("(object)");
                outside && (name.starts_with("Test") || has_bases)
            }
            Language::Rust => {
                let attributes = self.file.text[header.start..=at].join(" ");
                outside && (!attributes.contains("#[cfg") || CFG_TEST.is_match(&attributes))
            }
            _ => outside,
        }
    }

    fn is_test(&self, found: &Signature, bare: &str, header: &Range<usize>, at: usize, suites_run: bool) -> bool {
        if found.opens == Opens::Case {
            return true;
        }
        // A doc comment of PHP may say it; comments stand in the raw lines only.
        let above = header.start.saturating_sub(if self.language == Language::Php { 6 } else { 0 });
        let attributes = self.file.raw[above..=at].join("\n");
        let named = bare.to_lowercase().starts_with("test");
        // Runners see only what is public, or of the package.
        let is_hidden = HIDDEN.is_match(&self.file.code[at]);
        match self.language {
            Language::Python => bare.starts_with("test") && suites_run,
            Language::Rust => RUST_TEST.is_match(&self.file.code[header.start..=at].join(" ")) && suites_run,
            Language::Go => GO_TEST.is_match(bare) && !self.file.code[at].contains("testing.M)"),
            Language::Java | Language::Kotlin => {
                !is_hidden && (JVM_TEST.is_match(&attributes) || named && self.file.code[at].contains("void"))
            }
            Language::CSharp => !is_hidden && CSHARP_TEST.is_match(&attributes),
            Language::Php => !is_hidden && (bare.starts_with("test") || PHP_TEST.is_match(&attributes)),
            Language::Ruby => bare.starts_with("test_"),
            Language::Shell => named,
            Language::JavaScript | Language::Other => false,
        }
    }
}

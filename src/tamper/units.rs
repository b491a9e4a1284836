//! Finds the functions of a test file: their names, their lines, and which are tests.

use std::ops::Range;

use super::assertions::assertions;
use super::extent;
use super::language::Language;
use super::mask::Masked;
use super::parsed::{self, Parsed};
use super::pattern::Pattern;
use super::signatures::{LineSignature, Opens, signature};
use super::statements::{TextStatement, statements};
use crate::journal::RelPath;
use crate::syntax::{self, Grammar};

/// A test, or a function that tests may call.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// Name with the enclosing suites: `T::test_add`, `adder > adds`.
    pub name: String,
    /// Name without suites.
    pub bare: String,
    /// Whether the runner finds it by its name, attributes and place.
    pub is_test: bool,
    /// Lines of attributes and decorators.
    pub header: Range<usize>,
    /// Lines from the signature on.
    pub body: Range<usize>,
    /// Bytes of `body` if the file was parsed, since two functions may share a line.
    pub range: Range<usize>,
    /// Byte at which its attributes begin, if the file was parsed.
    pub attributes: usize,
    /// Heads of the blocks that declare it only conditionally, if the file was parsed.
    pub conditions: Vec<String>,
    /// The line that makes it a generator, if the file was parsed.
    pub generator: Option<usize>,
    /// Whether a call returns a coroutine, promise or future, if the file was parsed.
    pub is_async: bool,
}

/// A file with its functions and suites.
#[derive(Clone, Debug)]
pub(super) struct SourceUnits {
    pub language: Language,
    pub file: Masked,
    pub units: Vec<Unit>,
    pub suites: Vec<Suite>,
    /// Whether the file can't be parsed although its language has a grammar, or nests too deeply.
    pub is_unreadable: bool,
    pub(super) parsed: Option<Parsed>,
}

/// A class, a module, or a `describe`.
#[derive(Clone, Debug)]
pub(super) struct Suite {
    pub name: String,
    pub header: Range<usize>,
    pub body: Range<usize>,
}

pub(super) static CFG_TEST: Pattern = Pattern::new(r"#\[\s*cfg\s*\(.*\btest\b");
static JVM_TEST: Pattern =
    Pattern::new(r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate|Property|Theory)\b");
static CSHARP_TEST: Pattern =
    Pattern::new(r"\[[^\]]*\b(?:Fact|Theory|Test|TestMethod|DataTestMethod|TestCase|TestCaseSource|UIFact)\b");
static PHP_TEST: Pattern = Pattern::new(r"#\[[^\]]*\bTest\b|@test\b");
static HIDDEN: Pattern = Pattern::new(r"\b(?:private|protected)\b.*\(");
static TITLE: Pattern = Pattern::new(r#"'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`"#);

/// Limit because each statement keeps the heads of its enclosing blocks.
const MAX_NESTING: i64 = 128;

impl SourceUnits {
    /// Reads the file `path` with this content.
    pub(super) fn new(content: &str, path: &RelPath) -> Self {
        let language = Language::of(path);
        let source = language.with_newlines(content);
        match Grammar::of(path).map(|grammar| syntax::parse(&source, grammar)) {
            Some(Ok(parsed)) => parsed::outline(language, source, parsed),
            // It is not valid code of this language.
            Some(Err(_)) => Self { is_unreadable: true, ..Self::masked(&source, language) },
            None => {
                let mut outline = Self::masked(&source, language);
                let has_blocks = !language.is_indented() && language != Language::Other;
                outline.is_unreadable = has_blocks && extent::nesting(&outline.file.code) > MAX_NESTING;
                if !outline.is_unreadable {
                    outline.read();
                }
                outline
            }
        }
    }

    fn masked(source: &str, language: Language) -> Self {
        let file = Masked::new(source, language);
        Self { language, file, units: Vec::new(), suites: Vec::new(), is_unreadable: false, parsed: None }
    }

    pub(super) fn statements(&self, unit: &Unit) -> Vec<TextStatement> {
        match &self.parsed {
            Some(parsed) => parsed.statements(&self.file, unit.range.clone(), unit.is_test),
            None => statements(&self.file, self.language, unit.body.clone()),
        }
    }

    /// Returns the function whose lines include `line`.
    pub(super) fn unit_at(&self, line: usize) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.header.start <= line && line < unit.body.end)
    }

    /// Returns a function's code with its attributes; strings are blanked.
    pub(super) fn code(&self, unit: &Unit) -> String {
        match &self.parsed {
            Some(parsed) => parsed.code(&self.file, unit),
            None => self.file.code[unit.header.start..unit.body.end.min(self.file.code.len())].join(" "),
        }
    }

    /// Whether a comment begins at the start of this line.
    pub(super) fn is_comment_at(&self, line: usize) -> bool {
        self.parsed.as_ref().is_some_and(|parsed| parsed.is_comment_at(line))
    }

    pub(super) fn tests(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.is_test)
    }

    /// Whether the file has assertions; true if that is unknown.
    pub(super) fn asserts(&self) -> bool {
        if self.language == Language::Other {
            return true;
        }
        let all = match &self.parsed {
            Some(parsed) => parsed.statements(&self.file, 0..parsed.text.len(), false),
            None => statements(&self.file, self.language, 0..self.file.code.len()),
        };
        !assertions(self.language, &all).is_empty()
    }

    fn read(&mut self) {
        let mut open: Vec<Suite> = Vec::new();
        let mut attributes: Option<usize> = None;
        let (mut depth, mut inside_until) = (0_i64, 0);
        for at in 0..self.file.code.len() {
            let (code, text) = (self.file.code[at].as_str(), self.file.text[at].as_str());
            open.retain(|suite| at < suite.body.end);
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
                let suite = Suite { name: bare, header, body: at..end };
                self.suites.push(suite.clone());
                open.push(suite);
                continue;
            }
            let is_test = self.is_test(&found, &bare, &header, at);
            let suites = open.iter().map(|suite| suite.name.as_str());
            let name = suites.chain([bare.as_str()]).collect::<Vec<_>>().join(self.separator());
            inside_until = end;
            self.units.push(Unit { name, bare, is_test, header, body: at..end, ..Unit::default() });
        }
    }

    /// Tracks where the attributes above the next signature begin, if they span lines; returns the depth of open
    /// brackets.
    fn attribute_depth(&self, at: usize, start: &mut Option<usize>, depth: i64) -> i64 {
        let line = self.file.code[at].trim();
        let is_attribute = match self.language {
            Language::Java | Language::Kotlin => line.starts_with('@'),
            Language::Php => line.starts_with("#["),
            Language::CSharp => line.starts_with('['),
            _ => false,
        };
        if is_attribute && start.is_none() {
            *start = Some(at);
        }
        // In masked code, blank lines may be comments.
        if !is_attribute && depth == 0 && !line.is_empty() {
            *start = None;
        }
        if start.is_some() { (depth + extent::brackets(line)).max(0) } else { 0 }
    }

    fn title(&self, at: usize, end: usize) -> String {
        // A call may be broken after its parenthesis.
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

    pub(super) fn separator(&self) -> &'static str {
        if matches!(self.language, Language::JavaScript | Language::Ruby) { " > " } else { "::" }
    }

    fn is_test(&self, found: &LineSignature, bare: &str, header: &Range<usize>, at: usize) -> bool {
        if found.opens == Opens::Case {
            return true;
        }
        // In PHP a doc comment may mark a test; only the raw lines contain comments.
        let above = header.start.saturating_sub(if self.language == Language::Php { 6 } else { 0 });
        let attributes = self.file.raw[above..=at].join("\n");
        let named = bare.to_lowercase().starts_with("test");
        // Runners only see public methods, or those visible in the package.
        let is_hidden = HIDDEN.is_match(&self.file.code[at]);
        match self.language {
            Language::Java | Language::Kotlin => {
                !is_hidden && (JVM_TEST.is_match(&attributes) || named && self.file.code[at].contains("void"))
            }
            Language::CSharp => !is_hidden && CSHARP_TEST.is_match(&attributes),
            Language::Php => !is_hidden && (bare.starts_with("test") || PHP_TEST.is_match(&attributes)),
            Language::Ruby => bare.starts_with("test_"),
            Language::Shell => named,
            _ => false,
        }
    }
}

//! The functions, suites and statements of a parsed file.

use std::ops::Range;

use super::assertions::CONDITION;
use super::language::Language;
use super::mask::Masked;
use super::pattern::Pattern;
use super::signatures::Opens;
use super::statements::TextStatement;
use super::units::{CFG_TEST, SourceUnits, Suite, Unit};
use super::unrun::{self, Unrun};
use crate::syntax::{self, Item, ItemKind, Source};

/// A parsed file with an index of its lines.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    /// The text without carriage returns.
    pub text: String,
    source: Source,
    /// Byte at which each line begins.
    lines: Vec<usize>,
}

static RUST_TEST: Pattern = Pattern::new(r"#\[\s*(?:[\w:]+::)?(?:\w*test\w*|case|rstest)\s*(?:\(|\]|,|=)");
static GO_TEST: Pattern = Pattern::new(r"^(?:Test|Fuzz|Example)(?:[^a-z]|$)");

static ASYNC: Pattern = Pattern::new(
    r"^(?:(?:export|default|static|unsafe|const|pub(?:\([^)]*\))?)\s+)*async\b|^\w+\s*(?::[^=]*)?=\s*async\b",
);
/// Matches a decorator that makes a method a test.
static JS_TEST: Pattern = Pattern::new(r"@(?:\w+\.)*[Tt]est\b");
const SUITES: [&str; 7] = ["describe", "context", "suite", "xdescribe", "fdescribe", "xcontext", "ddescribe"];
const CASES: [&str; 9] = ["it", "test", "specify", "xit", "fit", "iit", "xtest", "ftest", "xspecify"];

/// What a call of this function declares: `describe.each`, `test.only`, `Deno.test`.
fn opens(called: &str) -> Option<Opens> {
    let mut words = called.split('.').map(str::trim);
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let is_case = CASES.contains(&first) || ["Deno", "t"].contains(&first) && second == "test";
    match () {
        () if SUITES.contains(&first) || is_case && second == "describe" => Some(Opens::Suite),
        () if is_case => Some(Opens::Case),
        () => None,
    }
}

/// Builds the outline of `text` from its parse.
pub(super) fn outline(language: Language, text: String, source: Source) -> SourceUnits {
    let file = Masked::parsed(&text, &source);
    let lines = [0].into_iter().chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
    let parsed = Parsed { text, source, lines };
    let mut outline =
        SourceUnits { language, file, units: Vec::new(), suites: Vec::new(), is_unreadable: false, parsed: None };
    parsed.read(&mut outline);
    parsed.conditions(&mut outline);
    outline.parsed = Some(parsed);
    outline
}

/// The suites around an item, outermost first, each with whether a runner looks for tests in it.
type Around = Vec<(String, bool)>;

impl Parsed {
    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Returns the lines that `range` touches.
    fn lines(&self, range: &Range<usize>) -> Range<usize> {
        self.line(range.start)..self.line(range.end.saturating_sub(1).max(range.start)) + 1
    }

    /// Returns the part of a masked form that has the byte range `range` in the file.
    fn part(&self, lines: &[String], range: Range<usize>) -> String {
        let first = self.line(range.start);
        let mut part = String::with_capacity(range.len());
        for (at, line) in lines.iter().enumerate().skip(first) {
            let start = self.lines.get(at).copied().unwrap_or(range.end);
            if start >= range.end {
                break;
            }
            let (from, to) = (range.start.saturating_sub(start), (range.end - start).min(line.len()));
            part.push_str(line.get(from.min(to)..to).unwrap_or_default());
            if start + line.len() < range.end {
                part.push(' ');
            }
        }
        part
    }

    /// Returns the statements of `range`, which is a test's body or any other text.
    pub(super) fn statements(&self, file: &Masked, range: Range<usize>, is_test: bool) -> Vec<TextStatement> {
        let parts = unrun::parts(&self.source.deferred, &self.lines_of(&file.code, &range), &range, is_test);
        let found = self.source.statements(&self.text, range);
        let mut statements: Vec<TextStatement> =
            found.iter().filter_map(|statement| self.statement(file, statement, &parts)).collect();
        under_attributes(&mut statements);
        statements
    }

    /// As [`Self::part`], with its line ends.
    fn lines_of(&self, lines: &[String], range: &Range<usize>) -> String {
        let mut part = self.part(lines, range.clone()).into_bytes();
        let text = self.text.as_bytes().get(range.clone()).unwrap_or_default();
        for (byte, _) in part.iter_mut().zip(text).filter(|(byte, original)| **byte == b' ' && **original == b'\n') {
            *byte = b'\n';
        }
        String::from_utf8(part).unwrap_or_default()
    }

    pub(super) fn code(&self, file: &Masked, unit: &Unit) -> String {
        self.part(&file.code, unit.attributes..unit.range.end)
    }

    /// Whether a comment begins at the start of this line.
    pub(super) fn is_comment_at(&self, line: usize) -> bool {
        let at = self.lines.get(line).copied();
        at.is_some_and(|at| self.source.comments.binary_search_by_key(&at, |comment| comment.start).is_ok())
    }

    fn statement(&self, file: &Masked, found: &syntax::Statement, unrun: &[Unrun]) -> Option<TextStatement> {
        let (text, code) = (self.part(&file.text, found.range.clone()), self.part(&file.code, found.range.clone()));
        // Comments are blank, and positions in both forms must stay equal.
        let start = text.len() - text.trim_start().len();
        let end = text.trim_end_matches([';', ' ', '\t']).len().max(start);
        let (text, code) = (text.get(start..end)?, code.get(start..end)?);
        let says_something = code.chars().any(|character| character.is_alphanumeric() || "\"'`".contains(character));
        let head = |range: &Range<usize>| self.part(&file.text, range.clone()).trim().to_owned();
        let whole = |lines: &[String], end: &str| {
            let pieces = found.before.iter().map(|range| [&self.part(lines, range.clone()), " {} "].concat());
            pieces.chain([end.to_owned()]).collect::<String>()
        };
        let statement = || {
            let (first, code) = (found.range.start + start, whole(&file.code, code));
            let last = first + end - start;
            // Earlier parts of the statement come first in `code`.
            let offset = code.len() - (end - start);
            let unrun = unrun.iter().filter(|(part, _)| part.start < last && part.end > first);
            let part = |part: &Range<usize>| {
                let from = if part.start < first { 0 } else { part.start - first + offset };
                from..part.end.min(last) - first + offset
            };
            TextStatement {
                line: self.line(first),
                code,
                text: whole(&file.text, text),
                around: found.around.iter().map(head).collect(),
                unrun: unrun.map(|(range, head)| (part(range), head.clone())).collect(),
            }
        };
        says_something.then(statement)
    }

    /// Finds functions and suites. Functions inside a function aren't units of their own, and a macro's definition
    /// contains no tests.
    fn read(&self, outline: &mut SourceUnits) {
        let mut around: Vec<Option<Around>> = Vec::new();
        for item in &self.source.items {
            let outside = item.parent.map_or(Some(Vec::new()), |parent| around.get(parent).cloned().flatten());
            let inside = outside.and_then(|outside| match item.kind {
                ItemKind::Module | ItemKind::Class => Some(self.suite(outline, item, &item.name, outside)),
                ItemKind::Call { .. } => match self.declares(outline, item) {
                    None => Some(outside),
                    Some((Opens::Suite, title)) => Some(self.suite(outline, item, &title, outside)),
                    Some((_, title)) => {
                        self.unit(outline, item, &title, &outside);
                        None
                    }
                },
                ItemKind::Function | ItemKind::Method | ItemKind::Macro => {
                    self.unit(outline, item, &item.name, &outside);
                    None
                }
            });
            around.push(inside);
        }
    }

    /// Records the conditions that enclose each test.
    fn conditions(&self, outline: &mut SourceUnits) {
        let whole = 0..self.text.len();
        let parts = unrun::parts(&self.source.deferred, &self.lines_of(&outline.file.code, &whole), &whole, false);
        let statements = self.source.statements(&self.text, whole);
        for unit in outline.units.iter_mut().filter(|unit| unit.is_test) {
            let at = statements.partition_point(|statement| statement.range.end <= unit.range.start);
            let Some(statement) = statements.get(at) else { continue };
            let heads = statement.around.iter().map(|head| self.part(&outline.file.text, head.clone()));
            unit.conditions = heads.filter(|head| CONDITION.is_match(head.trim())).collect();
            let unrun = parts.iter().filter(|(part, _)| part.contains(&unit.range.start));
            unit.conditions.extend(unrun.map(|(_, head)| head.clone()));
        }
    }

    fn suite(&self, outline: &mut SourceUnits, item: &Item, name: &str, mut around: Around) -> Around {
        let runs = match outline.language {
            Language::Rust => {
                let attributes = self.part(&outline.file.text, item.attributes..item.range.start);
                !attributes.contains("#[cfg") || CFG_TEST.is_match(&attributes)
            }
            Language::Python => item.name.starts_with("Test") || self.has_bases(outline, item),
            _ => true,
        };
        let (header, body) = self.places(item);
        outline.suites.push(Suite { name: name.to_owned(), header, body });
        around.push((name.to_owned(), runs));
        around
    }

    /// Returns the test or suite that a call declares, with its title. Names such as `test` are common: `test(app)`
    /// calls something else.
    fn declares(&self, outline: &SourceUnits, item: &Item) -> Option<(Opens, String)> {
        let ItemKind::Call { title, arguments, is_curried } = &item.kind else { return None };
        let opens = opens(&item.name)?;
        let is_table = item.name.rsplit('.').next() == Some("each") && !is_curried;
        if is_table || title.is_none() && *arguments < 2 && !is_curried {
            return None;
        }
        let given = || {
            let call = self.part(&outline.file.text, item.range.clone());
            let given = call.split_once('(').map_or("", |(_, given)| given);
            given
                .split(['(', '{', ',', ')'])
                .map(str::trim)
                .find(|part| !part.is_empty())
                .unwrap_or_default()
                .to_owned()
        };
        Some((opens, title.clone().unwrap_or_else(given)))
    }

    /// Whether a Python class has base classes, so that it may be a `TestCase`.
    fn has_bases(&self, outline: &SourceUnits, item: &Item) -> bool {
        let class = self.part(&outline.file.code, item.range.clone());
        let head = class.split(':').next().unwrap_or_default();
        head.contains('(') && !head.contains("()") && !head.contains("(object)")
    }

    fn unit(&self, outline: &mut SourceUnits, item: &Item, bare: &str, around: &Around) {
        let names = around.iter().map(|(name, _)| name.as_str()).chain([bare]);
        let name = names.collect::<Vec<_>>().join(outline.separator());
        let is_test = around.iter().all(|(_, runs)| *runs) && self.is_test(outline, item);
        let (header, body) = self.places(item);
        let (bare, range, attributes) = (bare.to_owned(), item.range.clone(), item.attributes);
        let conditions = Vec::new();
        let generators = &self.source.generators;
        let generator = generators.get(generators.partition_point(|(start, _)| *start < range.start));
        let generator = generator.filter(|(start, _)| *start == range.start).map(|(_, at)| self.line(*at));
        let is_async = ASYNC.is_match(&self.part(&outline.file.code, range.clone()));
        outline.units.push(Unit {
            name,
            bare,
            is_test,
            header,
            body,
            range,
            attributes,
            conditions,
            generator,
            is_async,
        });
    }

    /// Returns the lines of its attributes, and its own lines.
    fn places(&self, item: &Item) -> (Range<usize>, Range<usize>) {
        let body = self.lines(&item.range);
        (self.line(item.attributes)..body.start, body)
    }

    fn is_test(&self, outline: &SourceUnits, item: &Item) -> bool {
        let code = |range: Range<usize>| self.part(&outline.file.code, range);
        match outline.language {
            Language::Rust => {
                item.kind == ItemKind::Function && RUST_TEST.is_match(&code(item.attributes..item.range.start))
            }
            Language::Go => {
                let whole = code(item.range.clone());
                let signature = whole.split('{').next().unwrap_or_default();
                // A suite's methods take no parameters, and nothing calls a method that takes a `T`.
                let is_called = item.kind == ItemKind::Function || !signature.contains("testing.T)");
                GO_TEST.is_match(&item.name) && is_called && !signature.contains("testing.M)")
            }
            Language::Python => item.name.starts_with("test"),
            _ => {
                matches!(item.kind, ItemKind::Call { .. }) || JS_TEST.is_match(&code(item.attributes..item.range.start))
            }
        }
    }
}

/// Adds the condition of `#[cfg(…)]` to the statements that it applies to.
fn under_attributes(statements: &mut [TextStatement]) {
    for at in 0..statements.len() {
        if !statements[at].code.starts_with("#[cfg(") || CFG_TEST.is_match(&statements[at].code) {
            continue;
        }
        let (condition, depth) = (["if ", &statements[at].text].concat(), statements[at].around.len());
        let first = at + 1;
        let inside = statements.iter().skip(first + 1).take_while(|inside| inside.around.len() > depth).count();
        for statement in statements.iter_mut().skip(first).take(1 + inside) {
            statement.around.insert(depth.min(statement.around.len()), condition.clone());
        }
    }
}

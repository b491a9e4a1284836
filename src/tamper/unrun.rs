//! Finds tests and assertions that are written down but never run: generators, coroutines that nobody awaits, closures that
//! nothing calls, and threads and promises that the test doesn't wait for.

use std::ops::Range;

use super::assertions::assertions;
use super::calls;
use super::function::Function;
use super::language::Language;
use super::pattern::Pattern;
use super::statements::TextStatement;
use super::units::{SourceUnits, Unit};
use crate::syntax::{Deferred, Fate};

/// A part of the code that isn't run, with its beginning for messages.
pub(super) type Unrun = (Range<usize>, String);

/// What a promise's callback calls at its end, for which the runner or another promise waits.
static SETTLES: Pattern = Pattern::new(r"\b(?:done|resolve|reject|callback|cb|next)\b");
static GO_WAITS: Pattern = Pattern::new(
    r"\.Wait\(|(?:^|[=(,{};:\n]|\bcase|\breturn|\bif)\s*<-\s*\w|\brange\s+\w*(?i:done|errs?|results?|ch\w*)\b",
);
static STARTS_GOROUTINE: Pattern = Pattern::new(r"^go [\w.]+\((?:.*[,(\s])?(?:t|tb|b|f|c)\s*[,)]");
static UNUSED: Pattern = Pattern::new(r"^(?:void\s+|(?:(?:let|const|var)\s+)?_\w*\s*:?=\s*|return\s+|drop\()?$");
static BARE_CALL: Pattern =
    Pattern::new(r"^(?:void\s+|(?:(?:let|const|var)\s+)?_\w*\s*:?=\s*)?(?:(?:self|this|cls)\.|Self::)?\w+\(");
/// Decorators that run a generator to its end, or make it something else than a test.
static RUNS_GENERATORS: Pattern =
    Pattern::new(r"@(?:\w+\.)*(?:fixture|\w*contextmanager|gen_test|gen_cluster|coroutine|inlineCallbacks)\b");
static RUNS_COROUTINES: Pattern = Pattern::new(
    r"(?i)@.*(?:async|anyio|trio|coroutine|gen_test|unittest_run_loop|await|sync)|\bpytestmark\b.*(?:asyncio|anyio|trio)",
);
static UNITTEST: Pattern = Pattern::new(r"^\s*(?:import unittest\b|from unittest import\b)");
static ASYNC_CASES: Pattern = Pattern::new(
    r"(?i)\b(?:import|from)\s+(?:django|rest_framework|twisted|tornado|aiohttp|asynctest|aiounittest|starlette)\b",
);

/// Returns the parts of `range` that are never run. `code` is the text of `range` with strings blanked.
pub(super) fn parts(deferred: &[Deferred], code: &str, range: &Range<usize>, is_test: bool) -> Vec<Unrun> {
    let first = deferred.partition_point(|one| one.range.start < range.start);
    let inside = deferred[first..].iter().take_while(|one| one.range.start < range.end);
    let of = |one: &Deferred| {
        let whole = one.whole.start.saturating_sub(range.start)..(one.whole.end - range.start).min(code.len());
        let text = code.get(whole.clone())?;
        let others = [code.get(..whole.start).unwrap_or_default(), code.get(whole.end..).unwrap_or_default()];
        let is_unrun = match &one.fate {
            Fate::Discarded => !(text.contains("then(") && SETTLES.is_match(text)),
            Fate::Returned => is_test,
            Fate::Named(name) => others.iter().map(|code| uses(code, name)).sum::<usize>() < 2,
            Fate::Goroutine => !others.iter().any(|code| GO_WAITS.is_match(code)),
        };
        let head = text.split('{').next().unwrap_or_default().trim().to_owned();
        is_unrun.then(|| (one.range.clone(), head))
    };
    inside.filter_map(of).collect()
}

/// Counts the places of `code` that contain the variable `name`, without statements that don't use it.
fn uses(code: &str, name: &str) -> usize {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let is_use = |(at, _): &(usize, &str)| {
        let (before, behind) = (&code[..*at], &code[at + name.len()..]);
        if before.ends_with(is_part) || before.ends_with('.') || behind.starts_with(is_part) {
            return false;
        }
        let start = before.rsplit([';', '{', '}', '\n']).next().unwrap_or_default().trim_start();
        // A thread's panic is in the result of `join`.
        let behind = behind.strip_prefix(".join()").unwrap_or(behind).trim_start_matches([')', ' ', '\t']);
        let is_last = behind.is_empty() || behind.starts_with([';', '\n', '}']);
        !(is_last && UNUSED.is_match(start))
    };
    let is_unnamed = name.chars().all(|character| character == '_');
    if is_unnamed { 0 } else { code.match_indices(name).filter(is_use).count() }
}

/// Returns why a test's body isn't run any more as it was before, and the line to report.
pub(super) fn body(old: &Function, new: &Function) -> Option<(usize, &'static str)> {
    let headers = [old, new].map(|function| header(function.outline, function.unit));
    let is_fixture = headers.iter().all(|header| RUNS_GENERATORS.is_match(header));
    if let Some(line) = new.unit.generator.filter(|_| old.unit.generator.is_none() && !is_fixture) {
        return Some((line, "is a generator now, which its runner makes but doesn't run"));
    }
    let is_new = new.unit.is_async && !old.unit.is_async && new.outline.language == Language::Python;
    (is_new && is_plain_case(new.outline, new.unit, &headers[1]))
        .then_some((new.unit.body.start, "is a coroutine now, which this kind of test case never awaits"))
}

fn header(outline: &SourceUnits, unit: &Unit) -> String {
    outline.file.text[unit.header.clone()].join("\n")
}

/// Whether a method belongs to a `unittest.TestCase` that runs no coroutines.
fn is_plain_case(outline: &SourceUnits, unit: &Unit, header: &str) -> bool {
    let lines = &outline.file.text;
    if RUNS_COROUTINES.is_match(header) || outline.tests().any(|other| other.is_async && other.name != unit.name) {
        return false;
    }
    let around = outline.suites.iter().rfind(|suite| suite.body.contains(&unit.body.start));
    let Some(mut bases) = around.map(|suite| bases(lines, suite.body.start)) else { return false };
    // Bases of the same file are followed, a few at most.
    for _ in 0..8 {
        let Some(base) = outline.suites.iter().find(|suite| bases.split(',').any(|base| base.trim() == suite.name))
        else {
            break;
        };
        bases = self::bases(lines, base.body.start);
    }
    let has = |pattern: &Pattern| lines.iter().any(|line| pattern.is_match(line));
    let is_async = ["async", "isolated", "trio"].iter().any(|word| bases.to_lowercase().contains(word));
    let is_unittest = bases.contains("unittest.TestCase") || bases.split(',').any(|base| base.trim() == "TestCase");
    !bases.trim().is_empty() && !is_async && (is_unittest && has(&UNITTEST) || !has(&ASYNC_CASES))
}

/// Returns the text between the parentheses of the class at `line`.
fn bases(lines: &[String], line: usize) -> String {
    let text = lines[line..lines.len().min(line + 6)].join(" ");
    let head = text.split(':').next().unwrap_or_default();
    head.split_once('(').map(|(_, bases)| bases.trim_end().trim_end_matches(')').to_owned()).unwrap_or_default()
}

/// Returns the lines at which a function starts a function that asserts, and doesn't wait for it.
pub(super) fn unwaited(function: &Function) -> Vec<usize> {
    let (outline, statements) = (function.outline, &function.statements);
    let starts = |statement: &&TextStatement| {
        let code = statement.code.as_str();
        if outline.language == Language::Go {
            return STARTS_GOROUTINE.is_match(code) && !GO_WAITS.is_match(&outline.code(function.unit));
        }
        let Some((name, _, rest)) = BARE_CALL.is_match(code).then(|| calls::call(code)).flatten() else { return false };
        let name = name.rsplit(['.', ':', ' ']).next().unwrap_or_default();
        rest.trim().is_empty() && outline.units.iter().any(|unit| unit.bare == name && is_lazy(outline, unit))
    };
    statements.iter().filter(starts).map(|statement| statement.line).collect()
}

/// Whether a call only starts this function, and it asserts something.
fn is_lazy(outline: &SourceUnits, unit: &Unit) -> bool {
    (unit.is_async || unit.generator.is_some()) && !assertions(outline.language, &outline.statements(unit)).is_empty()
}

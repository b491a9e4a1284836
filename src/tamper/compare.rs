//! Compares a test function before and after a patch: which assertions are weaker, and which differ.

use std::collections::BTreeMap;

use super::assertions::{Assertion, squeeze};
use super::change::ChangedSource;
use super::function::Function;
use super::pattern::Pattern;
use super::skips;
use super::statements::TextStatement;
use super::strength::Strength;
use super::swallow;
use super::unrun;
use crate::journal::{TamperFlag, TamperKind};

/// A function on both sides, with the parts of the patch that are needed to judge it.
pub(super) struct Pair<'p, 'f> {
    pub old: &'p Function<'f>,
    pub new: &'p Function<'f>,
    /// The file that contains it after the patch.
    pub file: &'p ChangedSource<'f>,
    /// The file that contained it before the patch; the same file unless it was moved.
    pub old_file: &'p ChangedSource<'f>,
    /// Whether an assertion that is missing here is still made elsewhere in the patch.
    pub stands_elsewhere: &'p dyn Fn(&Assertion) -> bool,
    /// The tests that flags name: the function itself, or the tests that call it.
    pub tests: Vec<String>,
}

static MOCK: Pattern = Pattern::new(
    r"(?i)\bmock\w*\b|\bpatch\b|\bstub\w*\b|\bmonkeypatch\b|\bspyOn\b|\bsinon\b|\bdouble\(|allow\(.*receive|__mocks__",
);
static NUMBER: Pattern = Pattern::new(r"\d+(?:\.\d+)?(?:e-?\d+)?");
static TOLERANCE: Pattern =
    Pattern::new(r"(?i)\b(?:abs|rel|tol|atol|rtol|delta|epsilon|eps|places|closeto|indelta|approx|within)\w*\b");
static RULES_OUT: Pattern = Pattern::new(
    r"\.not\.to(?:Be|Equal|StrictEqual|\.equal|\.be)\(|(?i:assert_?n(?:ot_?)?e(?:qual)?\w*)!?\(|\.not_toeq\(|notStrictEqual\(",
);
static DIGITS: Pattern = Pattern::new(r"(?i)\bplaces\b|toBeCloseTo|assertAlmostEqual");
static CASE: Pattern = Pattern::new(
    r"#\[(?:test_)?case\b|\[(?:TestCase|InlineData|DataRow|Arguments)\b|@(?:CsvSource|ValueSource|MethodSource|EnumSource)\b|#\[TestWith|@testWith|\bpytest\.param\(|\bt\.Run\(|\bsubTest\(",
);
const WRAPPERS: [&str; 14] = [
    "len(",
    "set(",
    "sorted(",
    "round(",
    "int(",
    "abs(",
    "type(",
    "bool(",
    "frozenset(",
    "Object.keys(",
    "count(",
    "Math.round(",
    "typeof",
    "hash(",
];

impl Pair<'_, '_> {
    pub(super) fn flags(&self) -> Vec<TamperFlag> {
        let mut flags = Vec::new();
        if self.old.unit.is_test {
            self.hidden(&mut flags);
            self.conditional(&mut flags);
            self.cases(&mut flags);
            self.unrun(&mut flags);
        }
        self.skipped(&mut flags);
        self.swallowed(&mut flags);
        self.assertions(&mut flags);
        if flags.is_empty() {
            self.edited(&mut flags);
        }
        flags
    }

    fn flag(&self, line: u64, kind: TamperKind, weakens: bool, reason: String) -> TamperFlag {
        TamperFlag { tests: self.tests.clone(), ..self.file.flag(line, kind, weakens, reason) }
    }

    fn name(&self) -> &str {
        &self.old.unit.name
    }

    fn hidden(&self, flags: &mut Vec<TamperFlag>) {
        let was_found = self.old.is_run || !self.new.is_run;
        if !was_found || self.new.unit.is_test && (self.new.is_run || !self.old.is_run) {
            return;
        }
        let place = self.file.place_of_new(self.new.unit.body.start);
        let why = if self.new.unit.is_test {
            format!("in {} no runner looks for tests", self.file.path)
        } else {
            "its runner doesn't find it any more".to_owned()
        };
        flags.push(self.flag(
            place,
            TamperKind::TestHidden,
            true,
            format!("`{}` is still there, but {why}", self.name()),
        ));
    }

    /// Flags a test that a new condition encloses.
    fn conditional(&self, flags: &mut Vec<TamperFlag>) {
        let (old, new) = (&self.old.unit.conditions, &self.new.unit.conditions);
        let Some(condition) = new.last().filter(|_| new.len() > old.len()) else { return };
        let reason = format!("`{}` is now declared only under `{}`", self.name(), short(condition.trim()));
        let place = self.file.place_of_new(self.new.unit.body.start);
        flags.push(self.flag(place, TamperKind::TestHidden, true, reason));
    }

    fn skipped(&self, flags: &mut Vec<TamperFlag>) {
        let marks = |function: &Function| -> Vec<(usize, usize)> {
            let lines = &function.outline.file.code;
            function
                .lines()
                .map(|at| (at, skips::count(function.outline.language, &lines[at])))
                .filter(|(_, count)| *count > 0)
                .collect()
        };
        let sum = |marks: &[(usize, usize)]| marks.iter().map(|(_, count)| count).sum::<usize>();
        let (old, new) = (marks(self.old), marks(self.new));
        if sum(&new) > sum(&old) {
            let known: Vec<&str> = old.iter().map(|(at, _)| self.old.outline.file.text[*at].trim()).collect();
            let line =
                new.iter().find(|(at, _)| !known.contains(&self.new.outline.file.text[*at].trim())).or(new.first());
            let line = line.map_or(self.new.unit.body.start, |(at, _)| *at);
            let reason = format!("`{}` is skipped, or may fail, where it ran before", self.name());
            flags.push(self.flag(self.file.place_of_new(line), TamperKind::TestSkipped, true, reason));
        } else if let Some(&(at, _)) = changed_mark(&old, &new, self) {
            let reason = format!("the condition under which `{}` is skipped was changed", self.name());
            flags.push(self.flag(self.file.place_of_new(at), TamperKind::TestSkipped, false, reason));
        }
    }

    /// Flags a table of test cases that has fewer rows.
    fn cases(&self, flags: &mut Vec<TamperFlag>) {
        let (old, new) = (rows(self.old), rows(self.new));
        let grew = self.new.assertions.len() > self.old.assertions.len();
        if new < old && !grew {
            let removed = self.old_file.removed().find(|at| self.old.lines().contains(at));
            let line = removed.map_or(self.new.unit.body.start as u64 + 1, |at| self.old_file.place_of_old(at));
            let replaced = self
                .old
                .assertions
                .iter()
                .filter(|old| !self.new.assertions.iter().any(|new| new.text == old.text))
                .count();
            let only_removed = replaced == 0 && !self.has_added_lines();
            let reason = format!("`{}` tests {} fewer cases than before", self.name(), old - new);
            flags.push(self.flag(line, TamperKind::TestRemoved, only_removed, reason));
        }
    }

    fn has_added_lines(&self) -> bool {
        let lines = &self.new.outline.file.code;
        self.file.added().any(|at| self.new.lines().contains(&at) && !lines[at].trim().is_empty())
    }

    fn swallowed(&self, flags: &mut Vec<TamperFlag>) {
        if swallow::swallowing(self.new) > swallow::swallowing(self.old) {
            let line = self.first_added().unwrap_or(self.new.unit.body.start);
            let reason = format!("`{}` catches a failure and ignores it", self.name());
            flags.push(self.flag(self.file.place_of_new(line), TamperKind::AssertionLoosened, true, reason));
        }
        let (old, new) = (swallow::early_leaves(self.old), swallow::early_leaves(self.new));
        if new.len() > old.len() {
            let line = new.iter().find(|line| self.file.added().any(|added| added == **line)).or(new.first());
            let reason = format!("`{}` returns before some of its assertions", self.name());
            let line = self.file.place_of_new(line.copied().unwrap_or_default());
            flags.push(self.flag(line, TamperKind::TestSkipped, true, reason));
        }
    }

    /// Flags a test that its runner makes but doesn't run, or that doesn't wait for what it starts.
    fn unrun(&self, flags: &mut Vec<TamperFlag>) {
        if let Some((line, why)) = unrun::body(self.old, self.new) {
            let reason = format!("`{}` {why}", self.name());
            flags.push(self.flag(self.file.place_of_new(line), TamperKind::TestSkipped, true, reason));
        }
        let (old, new) = (unrun::unwaited(self.old), unrun::unwaited(self.new));
        if new.len() > old.len() {
            let line = new.iter().find(|line| self.file.added().any(|added| added == **line)).or(new.first());
            let reason = format!("`{}` starts a function that asserts, and doesn't wait for it", self.name());
            let line = self.file.place_of_new(line.copied().unwrap_or_default());
            flags.push(self.flag(line, TamperKind::TestSkipped, true, reason));
        }
    }

    fn first_added(&self) -> Option<usize> {
        self.file.added().find(|at| self.new.lines().contains(at))
    }

    fn assertions(&self, flags: &mut Vec<TamperFlag>) {
        let mut left: Vec<&Assertion> = self.new.assertions.iter().collect();
        let mut missing = Vec::new();
        let mut asked = Vec::new();
        for old in &self.old.assertions {
            let question = (action(self.old, old).map(|action| action.line), old.text.as_str());
            match left.iter().position(|new| new.text == old.text) {
                Some(at) => self.conditions(old, left.remove(at), flags),
                None if asked.contains(&question) || self.is_merged(old) => {}
                None => missing.push(old),
            }
            asked.push(question);
        }
        let mut pairs = Vec::new();
        for near in NEAREST_FIRST {
            missing.retain(|old| match left.iter().position(|new| near(old, new)) {
                Some(at) => {
                    pairs.push((*old, left.remove(at)));
                    false
                }
                None => true,
            });
        }
        for (old, new) in pairs {
            self.changed(old, new, flags);
        }
        for old in missing {
            if !(self.stands_elsewhere)(old) {
                let reason = format!("`{}` doesn't assert `{}` any more", self.name(), short(&old.shown));
                let line = self.old_file.place_of_old(old.line);
                flags.push(self.flag(line, TamperKind::AssertionRemoved, true, reason));
            }
        }
    }

    /// Whether two similar passages became one: the assertion is still made, and the action before it is repeated less
    /// often.
    fn is_merged(&self, old: &Assertion) -> bool {
        let times = |function: &Function, text: &str| {
            function.statements.iter().filter(|other| squeeze(&other.text) == text).count()
        };
        let action = action(self.old, old).map(|action| squeeze(&action.text));
        self.new.assertions.iter().any(|new| new.text == old.text)
            && action.is_some_and(|action| times(self.new, &action) < times(self.old, &action))
    }

    /// Flags an assertion that is the same but runs under more conditions.
    fn conditions(&self, old: &Assertion, new: &Assertion, flags: &mut Vec<TamperFlag>) {
        // A bare failure marks a branch that must not be reached, whatever the branch is.
        if new.conditions.len() > old.conditions.len() && new.text != "fail" {
            let condition = new.conditions.last().map_or("", String::as_str);
            let reason = format!("`{}` asserts `{}` only under `{}`", self.name(), short(&new.shown), short(condition));
            let line = self.file.place_of_new(new.line);
            flags.push(self.flag(line, TamperKind::AssertionLoosened, true, reason));
        }
    }

    /// Flags an assertion that another one replaced.
    fn changed(&self, old: &Assertion, new: &Assertion, flags: &mut Vec<TamperFlag>) {
        let line = self.file.place_of_new(new.line);
        let looser = is_looser(old, new) && !(self.stands_elsewhere)(old);
        let (kind, verb) = if looser {
            (TamperKind::AssertionLoosened, "asked less than")
        } else {
            (TamperKind::ExpectationChanged, "asked instead of")
        };
        let reason = format!("in `{}`, `{}` is {verb} `{}`", self.name(), short(&new.shown), short(&old.shown));
        flags.push(self.flag(line, kind, looser, reason));
        if !looser {
            self.conditions(old, new, flags);
        }
    }

    /// Notes any other change in how a test works.
    fn edited(&self, flags: &mut Vec<TamperFlag>) {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for (_, text) in self.new.squeezed() {
            *counts.entry(text).or_default() += 1;
        }
        let gone = self.old.squeezed().find(|(_, text)| {
            let count = counts.entry(text.clone()).or_default();
            *count -= 1;
            *count < 0
        });
        let known: Vec<String> = self.old.squeezed().map(|(_, text)| text).collect();
        let mocked = self.new.squeezed().find(|(_, text)| MOCK.is_match(text) && !known.contains(text));
        let header = |function: &Function| squeeze(&function.outline.file.text[function.unit.header.clone()].concat());
        let line = match (gone, mocked) {
            (_, Some((at, _))) => self.file.place_of_new(at),
            (Some((at, _)), None) => self.old_file.place_of_old(at),
            (None, None) if header(self.old) != header(self.new) => self.file.place_of_new(self.new.unit.header.start),
            (None, None) => return,
        };
        let reason = format!("`{}` makes the same assertions, but its other code changed", self.name());
        flags.push(self.flag(line, TamperKind::TestEdited, false, reason));
    }
}

/// Returns the action before an assertion: the last statement that isn't itself an assertion.
fn action<'f>(function: &'f Function, assertion: &Assertion) -> Option<&'f TextStatement> {
    let asserts = |statement: &&TextStatement| function.assertions.iter().any(|other| other.line == statement.line);
    function
        .statements
        .iter()
        .take_while(|statement| statement.line < assertion.line)
        .filter(|statement| !asserts(statement))
        .last()
}

fn changed_mark<'m>(old: &[(usize, usize)], new: &'m [(usize, usize)], pair: &Pair) -> Option<&'m (usize, usize)> {
    let known: Vec<String> = old.iter().map(|(at, _)| squeeze(&pair.old.outline.file.text[*at])).collect();
    new.iter().find(|(at, _)| !known.contains(&squeeze(&pair.new.outline.file.text[*at])))
}

/// Pairs assertions in this order: with the same subject, with a similar subject, equally strong, any.
const NEAREST_FIRST: [fn(&Assertion, &Assertion) -> bool; 5] = [
    |old, new| is_same_subject(old, new) && new.strength >= old.strength,
    is_same_subject,
    |old, new| names(&old.subject, &new.text) || names(&new.subject, &old.text),
    |old, new| new.strength >= old.strength,
    |_, _| true,
];

fn is_same_subject(old: &Assertion, new: &Assertion) -> bool {
    !old.subject.is_empty() && old.subject == new.subject
}

fn names(subject: &str, text: &str) -> bool {
    let subject = subject.trim_start_matches('!');
    subject.len() >= 3 && text.contains(subject)
}

fn is_looser(old: &Assertion, new: &Assertion) -> bool {
    let conjuncts = |text: &str| text.matches("&&").count() + text.matches(")and").count() + text.split("and").count();
    match (old.strength, new.strength) {
        // A known value was replaced by "not this one value".
        (Some(Strength::Likeness), Some(_)) if RULES_OUT.is_match(&new.text) && !RULES_OUT.is_match(&old.text) => true,
        (Some(_), Some(Strength::Nothing)) => old.strength != Some(Strength::Nothing),
        (Some(was), Some(is)) if is < was => true,
        (Some(Strength::Likeness), Some(Strength::Likeness)) => is_wider(old, new),
        (Some(was), Some(is)) if is == was && old.subject == new.subject && new.text.len() < old.text.len() => {
            old.text.starts_with(&new.text) && conjuncts(&new.text) < conjuncts(&old.text)
        }
        (Some(Strength::Exact), Some(Strength::Exact)) => {
            WRAPPERS.iter().any(|wrapper| new.subject == [wrapper, old.subject.as_str(), ")"].concat())
                || [
                    ".length",
                    ".len()",
                    ".size()",
                    ".lower()",
                    ".strip()",
                    ".trim()",
                    ".toLowerCase()",
                    ".count()",
                    ".size",
                ]
                .iter()
                .any(|ending| new.subject == [&old.subject, *ending].concat())
        }
        _ => false,
    }
}

/// Whether the tolerance of the same comparison grew.
fn is_wider(old: &Assertion, new: &Assertion) -> bool {
    if !TOLERANCE.is_match(&old.text) || !TOLERANCE.is_match(&new.text) {
        return false;
    }
    let last = |text: &str| NUMBER.all(text).last().and_then(|number| number.parse::<f64>().ok());
    let (Some(was), Some(is)) = (last(&old.text), last(&new.text)) else { return false };
    let counts_digits = DIGITS.is_match(&new.text) && !new.text.contains("delta");
    if counts_digits { is < was } else { is > was }
}

/// Counts test cases: literals in nested lists, and attributes that each add a case.
fn rows(function: &Function) -> usize {
    let code = function.outline.code(function.unit);
    let mut before = ' ';
    let mut groups = 0;
    for character in code.chars().filter(|character| !character.is_whitespace()) {
        groups += usize::from("([{".contains(character) && "([{,".contains(before));
        before = character;
    }
    groups + CASE.count(&code)
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

//! Finds ways in which a test ends, or ignores a failure, before it is counted.

use super::function::Function;
use super::language::Language;
use super::pattern::Pattern;
use super::statements::TextStatement;

static HANDLER: Pattern = Pattern::new(r"^\}?\s*(?:except|rescue|catch)\b");
/// The body of a promise's `catch` is a block of its own.
static CATCH: Pattern =
    Pattern::new(r"\.catch\(\s*(?:async\s*)?(?:(?:\([^()]*\)|\w*)\s*=>|function\s*\w*\s*\([^()]*\))$");
static NARROW: Pattern = Pattern::new(r"^except\s+\(?(?:[\w.]+(?:,\s*)?)+\)?");
static BROAD: Pattern = Pattern::new(r"\b(?:AssertionError|Exception|BaseException|Error)\b");
static GOES_ON_FAILING: Pattern = Pattern::new(
    r"(?i)\b(?:raise|throw|reject|fail\w*|assert\w*|expect\w*|panic!?|fatal\w*|exit)\b|\b[tb]\.Error|\bdone\(",
);
static SWALLOWS: Pattern = Pattern::new(
    r"\bsuppress\(|(?:raises|assertRaises)\(\s*(?:AssertionError|Exception|BaseException)\s*\)|\bcatch_unwind\(|\brecover\(\)|\.catch\(\s*(?:\(\w*\)|\w+|_)\s*=>\s*(?:\{\s*\}|null|undefined|true)|\.catch\(\s*(?:noop|\w+\.noop)\)|\.catch\(\s*function\s*\(\w*\)\s*\{\s*\}|\brescue\s+(?:nil|true|false|Exception)\b|assertThrows\(\s*(?:Throwable|AssertionError|Error)\b.*\bassert",
);
static LEAVES: Pattern = Pattern::new(r"^(?:(?:return|break|throw|raise|yield break)\b|next$|next (?:if|unless)\b)");
static LEAVES_IF: Pattern =
    Pattern::new(r"^(?:if|unless)\b.*(?:\breturn$|:\s*return\b|\)\s*return\b)|^return\s+(?:if|unless)\b");
static IF: Pattern = Pattern::new(r"^\}?\s*(?:else\s+)?(?:if|unless|elif|elsif)\b");

/// Counts the handlers of a function that ignore a failed assertion.
pub(super) fn swallowing(function: &Function) -> usize {
    let statements = &function.statements;
    let calls = statements.iter().map(|statement| SWALLOWS.count(&statement.code)).sum::<usize>();
    let silent = |(at, statement): (usize, &TextStatement)| {
        let code = statement.code.as_str();
        let is_narrow = function.outline.language == Language::Python && NARROW.is_match(code) && !BROAD.is_match(code);
        if !(HANDLER.is_match(code) || CATCH.is_match(code)) || is_narrow {
            return false;
        }
        // On a single line, the handler follows the colon.
        let own = code.split_once(':').map_or("", |(_, rest)| rest);
        let depth = statement.around.len();
        let inside = statements[at + 1..].iter().take_while(|inner| inner.around.len() > depth);
        let mut inside = inside.map(|inner| inner.code.as_str()).chain([own]);
        !inside.any(|code| GOES_ON_FAILING.is_match(code))
    };
    calls + statements.iter().enumerate().filter(|found| silent(*found)).count()
}

/// Returns the lines at which a function returns before its remaining statements.
pub(super) fn early_leaves(function: &Function) -> Vec<usize> {
    let is_inside = |statement: &&TextStatement| statement.line > function.unit.body.start && statement.code != "end";
    let body: Vec<&TextStatement> = function.statements.iter().filter(is_inside).collect();
    let Some(base) = body.iter().map(|statement| statement.around.len()).min() else { return Vec::new() };
    let leaves = |(at, statement): (usize, &&TextStatement)| {
        let later = &body[at + 1..];
        let depth = statement.around.len() - base;
        let asserts_later = function.assertions.iter().any(|assertion| assertion.line > statement.line);
        let always =
            depth == 0 && LEAVES.is_match(&statement.code) && later.iter().any(|next| next.around.len() == base);
        let in_if = depth == 1
            && statement.code.starts_with("return")
            && statement.around.last().is_some_and(|head| IF.is_match(head))
            && !at
                .checked_sub(1)
                .is_some_and(|before| body[before].around.len() > base && GOES_ON_FAILING.is_match(&body[before].code));
        let at_once = depth == 0 && LEAVES_IF.is_match(&statement.code);
        // Under a condition, only a test can skip work by returning; a helper may have nothing to do.
        (always || function.unit.is_test && (in_if || at_once) && asserts_later).then_some(statement.line)
    };
    body.iter().enumerate().filter_map(leaves).collect()
}

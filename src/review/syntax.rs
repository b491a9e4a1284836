//! Classifies words of a file as keywords, literals, comments or names, with Sublime Text's grammars, as `bat` and
//! `delta` do.
//!
//! This only helps reading. Files are untrusted, so a file that takes too long is shown without colours.

use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::row::CodeWord;

/// Longer lines, in bytes, are data or minified code, and not coloured.
const LONGEST: usize = 500;
/// Limit of processor time for one side of a file: grammars are regular expressions that run over untrusted text. Wall time would
/// depend on what else the machine does.
const LIMIT: Duration = Duration::from_secs(2);

/// Extensions without a grammar, each with one whose grammar fits.
const ALIKE: [(&str, &str); 9] = [
    ("ts", "js"),
    ("tsx", "js"),
    ("jsx", "js"),
    ("mjs", "js"),
    ("cjs", "js"),
    ("pyi", "py"),
    ("kt", "java"),
    ("jsonc", "json"),
    ("mm", "m"),
];

static GRAMMARS: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Meaning of scopes, more specific ones first.
static MEANINGS: LazyLock<Vec<(Scope, CodeWord)>> = LazyLock::new(|| {
    let meanings = [
        ("comment", CodeWord::Comment),
        ("string", CodeWord::Literal),
        ("constant", CodeWord::Literal),
        ("keyword.operator.word", CodeWord::Keyword),
        ("keyword.operator.logical.python", CodeWord::Keyword),
        ("keyword.operator", CodeWord::Plain),
        ("keyword", CodeWord::Keyword),
        ("storage", CodeWord::Keyword),
        ("entity.name", CodeWord::Name),
        ("variable.function", CodeWord::Name),
        ("support.function", CodeWord::Name),
    ];
    meanings.into_iter().filter_map(|(scope, word)| Some((Scope::new(scope).ok()?, word))).collect()
});

/// A part of a line with a syntactic role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub range: Range<usize>,
    pub word: CodeWord,
}

/// Parses `lines`, which include their ends, into pieces. The result has fewer lines if `path` has no grammar or time
/// runs out.
pub(super) fn pieces(path: &Path, lines: &[String]) -> Vec<Vec<Piece>> {
    let began = processor_time();
    pieces_while(|| processor_time().saturating_sub(began) < LIMIT, path, lines)
}

/// Parses as long as `has_time` says so, which is asked before each line.
fn pieces_while(has_time: impl Fn() -> bool, path: &Path, lines: &[String]) -> Vec<Vec<Piece>> {
    let first = lines.first().map_or("", String::as_str);
    let Some(grammar) = grammar(path, first) else { return Vec::new() };
    let (mut state, mut stack) = (ParseState::new(grammar), ScopeStack::new());
    let in_time = lines.iter().take_while(|_| has_time());
    in_time.map_while(|line| pieces_of(line, &mut state, &mut stack)).collect()
}

/// Processor time that this thread has used.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

fn grammar(path: &Path, first_line: &str) -> Option<&'static SyntaxReference> {
    // For files such as `Makefile`, the grammar is found by the whole name.
    let name = path.extension().or(path.file_name())?.to_str()?;
    let known = ALIKE.iter().find(|(extension, _)| *extension == name).map_or(name, |(_, alike)| alike);
    let found = GRAMMARS.find_syntax_by_extension(known);
    let found = found.or_else(|| GRAMMARS.find_syntax_by_first_line(first_line.get(..LONGEST).unwrap_or(first_line)));
    found.filter(|grammar| grammar.name != GRAMMARS.find_syntax_plain_text().name)
}

/// `None` if the grammar fails.
fn pieces_of(line: &str, state: &mut ParseState, stack: &mut ScopeStack) -> Option<Vec<Piece>> {
    if line.len() > LONGEST {
        return Some(Vec::new());
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut from = 0;
    let operations = state.parse_line(line, &GRAMMARS).ok()?;
    for (at, operation) in &operations {
        add(&mut pieces, from..*at, stack);
        from = *at;
        stack.apply(operation).ok()?;
    }
    add(&mut pieces, from..line.len(), stack);
    Some(pieces)
}

fn add(pieces: &mut Vec<Piece>, range: Range<usize>, stack: &ScopeStack) {
    let word = stack.scopes.iter().rev().find_map(|scope| meaning(*scope)).unwrap_or_default();
    if range.is_empty() || word == CodeWord::Plain {
        return;
    }
    match pieces.last_mut().filter(|last| last.word == word && last.range.end == range.start) {
        Some(last) => last.range.end = range.end,
        None => pieces.push(Piece { range, word }),
    }
}

fn meaning(scope: Scope) -> Option<CodeWord> {
    MEANINGS.iter().find(|(prefix, _)| prefix.is_prefix_of(scope)).map(|(_, word)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<(String, CodeWord)> {
        let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let all = pieces_while(|| true, Path::new(path), &lines);
        let named = all.iter().zip(&lines).flat_map(|(pieces, line)| {
            pieces.iter().map(move |piece| (line[piece.range.clone()].trim_end().to_owned(), piece.word))
        });
        named.collect()
    }

    fn has(told: &[(String, CodeWord)], text: &str, word: CodeWord) {
        assert!(told.contains(&(text.to_owned(), word)), "{text} as {word:?} in {told:?}");
    }

    #[test]
    fn words_are_what_their_language_says() {
        let rust = told("a.rs", "// why\nfn add(a: u8) -> u8 {\n    let b = \"x\";\n}\n");
        has(&rust, "// why", CodeWord::Comment);
        has(&rust, "fn", CodeWord::Keyword);
        has(&rust, "add", CodeWord::Name);
        has(&rust, "\"x\"", CodeWord::Literal);
        has(&told("a.py", "def f():\n    return 1\n"), "return", CodeWord::Keyword);
        has(&told("web/a.ts", "function f() { return 'a'; }\n"), "function", CodeWord::Keyword);
        has(&told("run", "#!/bin/sh\n# why\n"), "# why", CodeWord::Comment);
    }

    #[test]
    fn lines_after_the_time_limit_have_no_colours() {
        let lines = ["def f():\n", "    pass\n", "    pass\n"].map(str::to_owned);
        let asked = std::cell::Cell::new(0);
        let has_time = || asked.replace(asked.get() + 1) < 2;
        assert_eq!(pieces_while(has_time, Path::new("a.py"), &lines).len(), 2);
    }

    #[test]
    fn what_spans_lines_goes_on() {
        let lines = told("a.py", "\"\"\"one\ntwo\n\"\"\"\nif x: pass\n");
        assert!(lines.iter().any(|(text, word)| text == "two" && *word != CodeWord::Plain), "{lines:?}");
        has(&lines, "if", CodeWord::Keyword);
    }

    #[test]
    fn what_nobody_knows_and_what_is_too_long_has_no_colours() {
        assert!(told("notes.txt", "if while for\n").is_empty());
        assert!(told("a.unknown", "if while for\n").is_empty());
        let long = format!("let a = \"{}\";\n", "x".repeat(LONGEST));
        assert!(told("a.rs", &long).is_empty());
    }
}

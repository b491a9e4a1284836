//! How much an assertion checks: an exact value, a likeness, or mere existence.

use super::calls::{call, chain_words, last_word, sides, split, squeezed};
use super::language::Language;
use super::pattern::Pattern;

/// How much an assertion checks. Only a change to a lower strength counts as loosened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// It always holds.
    Nothing,
    /// Something is true, exists, or is raised.
    Truth,
    /// Something is in a range, contains or resembles something, or has a type.
    Likeness,
    /// Something has exactly this value.
    Exact,
}

/// The subject and strength of an assertion.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    pub subject: String,
    pub strength: Option<Strength>,
}

static TRIVIAL: Pattern =
    Pattern::new(r#"^(?:!?\s*)?(?:True|true|1|not\s+False|!false|not\s+None|"[^"]+"|'[^']+'|\[\s*\S.*\])$"#);
static ESCAPE: Pattern = Pattern::new(r"\bor\s+(?:True|1)\b|\|\|\s*true\b|^\s*(?:True|1)\s+or\b|^\s*true\s*\|\|");
static LITERAL: Pattern =
    Pattern::new(r#"^(?:-?\d[\w.]*|"[^"]*"|'[^']*'|[:\[{].*[\]}]|true|false|null|nil|None|True|False|:\w+)$"#);
static CONSTANT: Pattern = Pattern::new(r"^(?:True|False|None|true|false|null|nil|undefined|NULL)$");
static LIKE: Pattern = Pattern::new(
    r"(?:\bapprox\(|\bisclose\(|allclose\(|closeTo\(|\bANY\b|expect\.any|anything\(|objectContaining|arrayContaining|stringContaining|stringMatching|\bany\()",
);
static LIKE_CALL: Pattern = Pattern::new(
    r"(?i)(?:starts_?with|ends_?with|contains?|includes?|has|isinstance|instanceof|match(?:es)?|is_match|search|test|any|is_subset|issubset|hasprefix|hassuffix|index_?of)\s*\(",
);
static EQUAL_CALL: Pattern =
    Pattern::new(r"(?i)(?:\bequals?\(|\.eq\(|deepequal\(|\bcmp\.diff\(|\bcompare\(|bytes\.equal\()");
static WIDE: Pattern =
    Pattern::new(r"^(?:Base)?Exception$|^Error$|^Throwable(?:::class)?$|^StandardError$|^Exception::class$|^$");

/// Words in assertion names, with their strength; the first match counts.
const VERBS: [(&str, Strength); 99] = {
    use Strength::{Exact as E, Likeness as L, Truth as T};
    [
        ("almostequal", L),
        ("closeto", L),
        ("indelta", L),
        ("inepsilon", L),
        ("approx", L),
        ("allclose", L),
        ("bewithin", L),
        ("notequal", L),
        ("notstrictequal", L),
        ("notdeepequal", L),
        ("notsame", L),
        ("assertne", L),
        ("nottobe", L),
        ("nottoequal", L),
        ("errorcontains", L),
        ("containsexactly", E),
        ("contain", L),
        ("include", L),
        ("tomatchsnapshot", E),
        ("matchinlinesnapshot", E),
        ("snapshot", E),
        ("match", L),
        ("regex", L),
        ("startwith", L),
        ("startswith", L),
        ("endwith", L),
        ("endswith", L),
        ("greater", L),
        ("less", L),
        ("instance", L),
        ("subset", L),
        ("superset", L),
        ("subsequence", L),
        ("haveproperty", L),
        ("haskey", L),
        ("oneof", L),
        ("tobea", L),
        ("bekindof", L),
        ("calledwith", E),
        ("calledonce", E),
        ("calledtimes", E),
        ("havebeencalled", T),
        ("wascalled", T),
        ("called", T),
        ("istrue", T),
        ("isfalse", T),
        ("betrue", T),
        ("befalse", T),
        ("truthy", T),
        ("falsy", T),
        ("falsey", T),
        ("asserttrue", T),
        ("assertfalse", T),
        ("bedefined", T),
        ("beundefined", T),
        ("benull", T),
        ("benil", T),
        ("notnull", T),
        ("isnull", T),
        ("assertnull", T),
        ("notnil", T),
        ("assertnil", T),
        ("isnone", T),
        ("notnone", T),
        ("isnotnone", T),
        ("noerror", T),
        ("requireerror", T),
        ("asserterror", T),
        ("exist", T),
        ("notempty", T),
        ("empty", T),
        ("bepresent", T),
        ("present", T),
        ("notraise", T),
        ("nothrow", T),
        ("notthrow", T),
        ("beok", T),
        ("isok", T),
        ("assertok", T),
        ("iserr", T),
        ("noerr", T),
        ("assertin", L),
        ("assertnotin", L),
        ("tobe", E),
        ("equal", E),
        ("assertis", E),
        ("same", E),
        ("areequal", E),
        ("eql", E),
        ("length", L),
        ("count", L),
        ("size", L),
        ("like", L),
        ("ok", T),
        ("true", T),
        ("false", T),
        ("nil", T),
        ("null", T),
        ("eq", E),
    ]
};

/// Parses an assertion. `text` starts at its first word.
pub(super) fn parse(language: Language, text: &str) -> Parsed {
    let is_word = |rest: &&str| rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let asked = text.strip_prefix("assert").filter(|rest| language == Language::Python && !is_word(rest));
    if let Some(asked) = asked {
        return of_expression(asked);
    }
    let Some((head, arguments, tail)) = call(text) else { return of_words(text) };
    let verb = last_word(head);
    let tail = tail.trim_start();
    if let Some((_, expected, _)) = call(tail).filter(|_| tail.starts_with(['.', '?', '-'])) {
        return of_chain(&arguments, &chain_words(tail), &expected);
    }
    if tail.starts_with('.') {
        return of_chain(&arguments, tail, &[]);
    }
    of_verb(&verb, &arguments)
}

/// The assertion is the opposite of the condition under which a test fails.
pub(super) fn of_guard(guard: &str) -> Strength {
    let exact =
        guard.contains("!=") || guard.contains("DeepEqual") || guard.contains("cmp.Diff") || EQUAL_CALL.is_match(guard);
    let against_nothing = guard.contains("!= nil") || guard.contains("== nil") || guard.contains("!= null");
    match (exact && !against_nothing, guard.contains(" || ") || guard.contains('<') || guard.contains('>')) {
        _ if guard.contains("if false")
            || guard.contains("if (false")
            || guard.contains("&& false")
            || guard.contains("false &&") =>
        {
            Strength::Nothing
        }
        (true, _) => Strength::Exact,
        (false, true) => Strength::Likeness,
        (false, false) if LIKE_CALL.is_match(guard) => Strength::Likeness,
        _ => Strength::Truth,
    }
}

fn of_expression(text: &str) -> Parsed {
    let parts = split(text, ',');
    let asked = parts.first().map_or("", |part| part.trim());
    let subject = sides(asked).0;
    // `assert (x == 1, "message")` asserts a tuple, which is always true.
    let is_tuple = asked.starts_with('(')
        && asked.ends_with(')')
        && split(&asked[1..asked.len() - 1], ',').len() > 1
        && call(&["f", asked].concat()).is_some_and(|(_, _, tail)| tail.trim().is_empty());
    let strength = if is_tuple { Strength::Nothing } else { expression(asked) };
    Parsed { subject, strength: Some(strength) }
}

/// Strength of an expression that must be true.
fn expression(asked: &str) -> Strength {
    let asked = asked.trim();
    if TRIVIAL.is_match(asked) || ESCAPE.is_match(asked) {
        return Strength::Nothing;
    }
    let (left, right) = sides(asked);
    let operator: String = right.chars().take_while(|character| "=!<>".contains(*character)).collect();
    let value = right.trim_start_matches(['=', '!', '<', '>']);
    let parts = |separator: &str| {
        let words = asked.replace(separator, "\u{1}");
        split(&words, '\u{1}').len()
    };
    if parts(" or ") > 1 || parts("||") > 1 {
        return Strength::Likeness;
    }
    match operator.as_str() {
        "==" | "===" if left == value => Strength::Nothing,
        "==" | "===" | "!=" | "!==" if CONSTANT.is_match(value) => Strength::Truth,
        "==" | "===" if LIKE.is_match(asked) => Strength::Likeness,
        "==" | "===" => Strength::Exact,
        "" if right.is_empty() && EQUAL_CALL.is_match(asked) => Strength::Exact,
        "" if right.is_empty() && (LIKE_CALL.is_match(asked) || LIKE.is_match(asked)) => Strength::Likeness,
        "" if right.is_empty() => Strength::Truth,
        "" if right.starts_with("is") => {
            let value = right.trim_start_matches("is").trim_start_matches("not");
            if CONSTANT.is_match(value) { Strength::Truth } else { Strength::Exact }
        }
        _ => Strength::Likeness,
    }
}

fn of_verb(verb: &str, arguments: &[String]) -> Parsed {
    // Go passes the object that reports failures first.
    let arguments =
        if arguments.first().is_some_and(|first| first.trim() == "t") { &arguments[1..] } else { arguments };
    let argument = |at: usize| arguments.get(at).map_or("", |argument| argument.trim());
    // Many frameworks take what is expected first.
    let mut subject = argument(usize::from(arguments.len() > 1 && LITERAL.is_match(argument(0)))).to_owned();
    let plain = plain(verb);
    let strength = if plain.contains("raise") || plain.contains("throw") {
        Some(raised(arguments))
    } else if ["assert", "check", "assertion", "prop", "debugassert", "propassert", "isok"].contains(&plain.as_str())
        || plain.ends_with("true")
        || plain == "ok"
        || plain.ends_with("assert")
    {
        subject = sides(argument(0)).0;
        Some(expression(argument(0)))
    } else {
        let strength = by_name(&plain);
        let same = arguments.len() >= 2 && argument(0) == argument(1);
        let constant = (0..2).any(|at| CONSTANT.is_match(argument(at)));
        match strength {
            Some(Strength::Exact) if same => Some(Strength::Nothing),
            Some(Strength::Exact) if constant => Some(Strength::Truth),
            Some(Strength::Exact) if arguments.iter().any(|argument| LIKE.is_match(argument)) => {
                Some(Strength::Likeness)
            }
            Some(Strength::Truth) if plain.ends_with("false") && ["False", "false"].contains(&argument(0)) => {
                Some(Strength::Nothing)
            }
            strength => strength,
        }
    };
    Parsed { subject: squeezed(&subject), strength }
}

/// Parses `expect(subject).words(expected)`.
fn of_chain(subject: &[String], words: &str, expected: &[String]) -> Parsed {
    let subject = subject.join(",");
    let plain = plain(words);
    let first = expected.first().map_or("", |first| first.trim());
    let strength =
        if plain.contains("throw") || plain.contains("raise") || plain.contains("reject") && plain.ends_with("error") {
            if plain.contains("not") { Some(Strength::Truth) } else { Some(raised(expected)) }
        } else {
            let strength = by_name(&plain);
            let is_true = plain.ends_with("true") || plain.ends_with("truthy") || ["true", "True"].contains(&first);
            match strength {
                Some(Strength::Exact | Strength::Truth) if is_true => Some(expression(&subject)),
                Some(Strength::Exact) if plain.contains("not") => Some(Strength::Likeness),
                Some(Strength::Exact) if subject.trim() == first && !first.is_empty() => Some(Strength::Nothing),
                Some(Strength::Exact) if CONSTANT.is_match(first) => Some(Strength::Truth),
                Some(Strength::Exact) if LIKE.is_match(first) => Some(Strength::Likeness),
                strength => strength,
            }
        };
    Parsed { subject: squeezed(&subject), strength }
}

/// Parses calls without parentheses, of Ruby and shells.
fn of_words(text: &str) -> Parsed {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    of_verb(verb, &split(rest, ','))
}

fn raised(arguments: &[String]) -> Strength {
    let first = arguments.first().map_or("", |first| first.trim());
    let kind = first.rsplit("::").next().unwrap_or_default();
    let says_more = arguments.len() > 1
        && arguments
            .iter()
            .any(|argument| argument.contains("match") || argument.contains('"') || argument.contains('\''));
    match (WIDE.is_match(first) || WIDE.is_match(kind), says_more) {
        (false, true) => Strength::Exact,
        (true, false) => Strength::Truth,
        _ => Strength::Likeness,
    }
}

/// Returns the strength by the words in an assertion's name.
fn by_name(plain: &str) -> Option<Strength> {
    VERBS.iter().find(|(word, _)| plain.contains(word)).map(|(_, strength)| *strength)
}

/// Returns ASCII letters and digits in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
}

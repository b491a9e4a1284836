//! Finds the assertions in a function's statements.

use super::calls;
use super::language::Language;
use super::pattern::Pattern;
use super::statements::TextStatement;
use super::strength::{self, Strength};

#[derive(Clone, Debug)]
pub(super) struct Assertion {
    /// Line at which it starts, counted from zero.
    pub line: usize,
    /// The text without layout, so that reformatting doesn't change it.
    pub text: String,
    /// What is checked: the first argument, or the left side of a comparison.
    pub subject: String,
    /// The text on one line, for messages.
    pub shown: String,
    /// How much it checks; `None` for a custom assertion function.
    pub strength: Option<Strength>,
    /// Conditions under which the assertion runs at all.
    pub conditions: Vec<String>,
}

static PYTHON: Pattern = Pattern::new(r"(?:^|:\s*)assert\b\s*");
static EXPECT: Pattern = Pattern::new(
    r"(?:^|[^\w.])(?:expect|expectThat|assertThat|assert_that|expect_that|verify|await expect)(?:\.\w+)?\s*\(",
);
static SHOULD: Pattern = Pattern::new(
    r"\.(?:should(?:\.|\s|[A-Z]\w*\s*[({])|Should\(\)|must_\w+|wont_\w+)|\bis_expected\b|\bshould(?:_not)?\b|\bshouldBe\b",
);
static CALL: Pattern = Pattern::new(
    r"(?:^|[^\w.])((?:\w+(?:\.|::))*(?:_?assert\w*|refute\w*|debug_assert\w*|prop_assert\w*|_?(?:check|verify|expect|ensure|validate)(?:[A-Z_]\w*)?|Assert|Check|flunk|raises|throws\w*)(?:(?:\.|::|->)\w+)*)(!?)\s*[(\[]",
);
static TESTING: Pattern = Pattern::new(
    r"(?:^|[^\w.])(require\.\w+|(?:t|is|assert)(?:\.|::|->)(?:is|not|true|false|same|deepEqual|like|throws\w*|rejects|doesNot\w+|equal\w*|Equal\w*|assert\w*|fail|notThrows\w*|snapshot|regex)|(?:c|qt|this|\$this|self|static)(?:\.|::|->)(?:assert\w*|fail|Assert|Check|expect\w+))\s*\(",
);
static RUBY_COMMAND: Pattern = Pattern::new(r"^((?:assert|refute|flunk)\w*)\b[ (]");
static REGEX: Pattern = Pattern::new(r"expect\((?:[^'\x22]*,)?\s*/");
static WAITS: Pattern = Pattern::new(r"\bawait\b|\breturn\b|=>|\.push\(|\[");
/// Assertions that return a promise.
static PROMISES: Pattern =
    Pattern::new(r"^(?:assert(?:\.strict)?|t)\.(?:rejects|doesNotReject|throwsAsync|notThrowsAsync)\(");
static LINK: Pattern = Pattern::new(r"\)\s*\.expect\(");
static FAILS: Pattern = Pattern::new(
    r"\b(?:t|b|tb|tc|f)\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:pytest|self|Assertions|Assert)\.(?:fail|Fail)\(|^fail\(|\bpanic!\(|\braise AssertionError|\bthrow new \w*Error|\braise Exception|^flunk\b",
);
static SHELL: Pattern = Pattern::new(r"^(?:\[\[? |assert_|refute_|test )");
pub(super) static CONDITION: Pattern = Pattern::new(
    r"^\}?\s*(?:if|else|elif|elsif|unless|switch|case|when|catch|except|rescue|while)\b|^for\b.*\b(?:in|of)\s+(?:\[\s*\]|\(\s*\)|\{\s*\}|range\(0\))|^(?:let|const|var)\s+\w+\s*=\s*(?:(?:async|move)\s+)*(?:\|.*\||\|\||(?:\(.*\)|\w+)(?:\s*:[^=]*)?\s*=>|function\b.*)$|^\w+\s*:?=\s*func\b|^(?:(?:let|const|var)\s+\w+\s*=\s*)?set(?:Timeout|Immediate|Interval)\(|\bnextTick\(|^(?:async )?def |^(?:async )?function\b|^(?:pub(?:\([^)]*\))? )?(?:(?:async|const|unsafe) )*fn\b|^macro_rules!",
);
static IF: Pattern = Pattern::new(r"^\}?\s*(?:else\s+)?(?:if|unless|elif|elsif|case|default)\b");
/// Operators that may leave out what stands behind them.
static SHORT_CIRCUIT: Pattern = Pattern::new(r"\|\||&&|\?\?|\?\s|\?$|\b(?:or|and|lambda)\b");
/// A function that is only given a name, before the assertion that is its whole body.
static NAMED_ARROW: Pattern = Pattern::new(r"^(?:let|const|var)\s+\w+\s*=.*=>$");
/// Python's `x if condition else y`, which stands behind the assertion.
static TERNARY: Pattern = Pattern::new(r"\)\s+if\b.*\belse\b");
/// Rust's macros that turn code into text or tokens and don't run it.
static UNRUN_MACRO: Pattern = Pattern::new(r"\b(?:stringify|concat|quote|quote_spanned|cfg)!\s*[\[({]");
/// Words of assertions in general, for languages that are only read line by line.
static ANY: Pattern = Pattern::new(
    r"(?i)\b(?:assert\w*|expect\w*|require|should\w*|must\w*|check\w*|verify\w*|refute\w*|fail\w*|XCTAssert\w*|ASSERT_\w+|EXPECT_\w+|BOOST_\w+)\b\s*[({ !]",
);

/// Returns the assertions in `statements`, in their order.
pub(super) fn assertions(language: Language, statements: &[TextStatement]) -> Vec<Assertion> {
    let of = |statement| match requests(language, statement) {
        all if all.is_empty() => assertion(language, statement).into_iter().collect(),
        all => all,
    };
    statements.iter().flat_map(of).collect()
}

/// Each link of a supertest chain (JavaScript) is an assertion: `.expect(200).expect(/name/)`.
fn requests(language: Language, statement: &TextStatement) -> Vec<Assertion> {
    let links = LINK.regex().filter(|_| language == Language::JavaScript);
    let assertion = |found: regex::Match| {
        let text = statement.text.get(found.start()..).unwrap_or_default().trim_start_matches([')', ' ']);
        let text = calls::call(text).map_or(text, |(_, _, rest)| &text[..text.len() - rest.len()]);
        Assertion {
            line: statement.line,
            text: squeeze(text),
            subject: String::new(),
            shown: one_line(text),
            strength: Some(if REGEX.is_match(text) { Strength::Likeness } else { Strength::Exact }),
            conditions: Vec::new(),
        }
    };
    links.map(|regex| regex.find_iter(&statement.code).map(assertion).collect()).unwrap_or_default()
}

fn assertion(language: Language, statement: &TextStatement) -> Option<Assertion> {
    let code = statement.code.as_str();
    if language == Language::Python && (code.starts_with("def ") || code.starts_with("class ")) {
        return None;
    }
    let conditions = |skip_last: bool| {
        let around =
            &statement.around[..statement.around.len() - usize::from(skip_last && !statement.around.is_empty())];
        around.iter().filter(|head| CONDITION.is_match(head)).cloned().collect::<Vec<_>>()
    };
    // A call that fails the test asserts the opposite of the condition around it.
    let unrun =
        |at: usize| statement.unrun.iter().filter(move |(part, _)| part.contains(&at)).map(|(_, head)| head.clone());
    if let Some(fails) = FAILS.regex().and_then(|regex| regex.find(code)) {
        let guard = statement.around.last().filter(|head| IF.is_match(head)).map(String::as_str);
        let text = guard.unwrap_or("fail");
        return Some(Assertion {
            line: statement.line,
            text: squeeze(text),
            subject: calls::sides(text).0,
            shown: one_line(text),
            strength: guard.map(strength::of_guard),
            conditions: conditions(guard.is_some()).into_iter().chain(unrun(fails.start())).collect(),
        });
    }
    let form = form(language, code)?;
    if language == Language::Rust && UNRUN_MACRO.is_match(code.get(..form).unwrap_or_default()) {
        return None;
    }
    let text = statement.text.get(form..).unwrap_or(&statement.text);
    let mut parsed = strength::parse(language, text);
    // Nothing awaits this promise, so its result is never checked.
    let is_promised = language == Language::JavaScript
        && (text.contains(".resolves") || text.contains(".rejects") || PROMISES.is_match(text));
    let is_unawaited = is_promised && !WAITS.is_match(code);
    if is_unawaited {
        parsed.strength = Some(Strength::Nothing);
    }
    let unawaited = is_unawaited.then(|| "a promise that nothing awaits".to_owned());
    // `cond || expect(x)` runs the assertion as `if` would.
    let before = code.get(..form).unwrap_or_default().trim();
    let behind = code.get(form..).unwrap_or_default();
    let ternary = TERNARY.regex().filter(|_| language == Language::Python).and_then(|regex| regex.find(behind));
    let condition = match ternary {
        _ if SHORT_CIRCUIT.is_match(before) || NAMED_ARROW.is_match(before) => Some(before.to_owned()),
        ternary => ternary.map(|found| found.as_str().trim_start_matches(')').trim().to_owned()),
    };
    Some(Assertion {
        line: statement.line,
        text: squeeze(text),
        subject: parsed.subject,
        shown: one_line(text),
        strength: parsed.strength,
        conditions: conditions(false).into_iter().chain(condition).chain(unawaited).chain(unrun(form)).collect(),
    })
}

/// Returns where in the statement its assertion begins, if it has one.
fn form(language: Language, code: &str) -> Option<usize> {
    let start = |pattern: &Pattern| {
        let found = pattern.regex()?.find(code)?;
        // A pattern may match one byte before the word.
        let skipped =
            code[found.start()..].find(|character: char| character.is_alphanumeric() || "_$.".contains(character));
        Some(found.start() + skipped.unwrap_or(0))
    };
    match language {
        Language::Python => {
            start(&PYTHON).or_else(|| start(&CALL)).or_else(|| start(&TESTING)).or_else(|| start(&EXPECT))
        }
        Language::Ruby => start(&RUBY_COMMAND).or_else(|| start(&EXPECT)).or_else(|| start(&SHOULD).map(|_| 0)),
        Language::Shell => SHELL.is_match(code).then_some(0),
        Language::Other => ANY.is_match(code).then_some(0),
        _ => start(&EXPECT).or_else(|| start(&CALL)).or_else(|| start(&TESTING)).or_else(|| start(&SHOULD).map(|_| 0)),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches([';', ':', '{', ' ']).to_owned()
}

/// Removes layout, and unifies quotes and deprecated method names.
pub(super) fn squeeze(text: &str) -> String {
    let mut squeezed: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    for (from, to) in [
        ("'", "\""),
        ("`", "\""),
        (",)", ")"),
        (",]", "]"),
        (",}", "}"),
        ("assertEquals", "assertEqual"),
        ("assertNotEquals", "assertNotEqual"),
        ("assertRegexpMatches", "assertRegex"),
        ("assertRaisesRegexp", "assertRaisesRegex"),
        ("assertItemsEqual", "assertCountEqual"),
        ("assert_(", "assertTrue("),
    ] {
        if squeezed.contains(from) {
            squeezed = squeezed.replace(from, to);
        }
    }
    squeezed.trim_end_matches([';', ':', '{']).to_owned()
}

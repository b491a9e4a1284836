//! Finds marks that skip a test or ignore its failure.

use super::language::Language;
use super::pattern::Pattern;

static PYTHON: Pattern = Pattern::new(
    r"@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b|\bpytest\.(?:mark\.(?:skip|skipif|xfail)|skip|xfail|importorskip|exit)\b|@?\bmark\.(?:skip|skipif|xfail)\b|\.skipTest\(|\bSkipTest\b|\b__test__\s*=\s*False|\b__unittest_skip__|@(?:skip|xfail|flaky)\b|mark\.flaky\b|\bparametrize\([^)\]]*,\s*\[\s*\]|\bpytestmark\s*=.*skip",
);
static RUST: Pattern = Pattern::new(
    r"#!?\[\s*(?:cfg_attr\(.*)?ignore\b|#!?\[\s*should_panic\b|#!?\[\s*cfg\(\s*(?:any\(\s*\)|not\(test\)|false)",
);
static JAVASCRIPT: Pattern = Pattern::new(
    r"\b(?:it|test|describe|context|specify|suite|t|concurrent|each|Deno\.test)\.(?:skip\w*|todo|failing|fails|fixme|ignore|runIf|skipIf)\b|\b(?:xit|xtest|xdescribe|xcontext|xspecify|pending)\(|\bthis\.skip\(\)|\bt\.(?:skip|todo)\(|\b(?:skip|todo|ignore)\s*:\s*(?:true|['\x22])|\btest\.fixme\(|^\s*test\.fail\(\s*[\x27\x22]|\.each\(\s*\[\s*\]\s*\)",
);
static ONLY: Pattern = Pattern::new(
    r"\b(?:it|test|describe|context|specify|suite|Deno\.test|each|concurrent)\.only\b|\b(?:fit|fdescribe|fcontext|ftest|ddescribe|iit)\(|\bonly\s*:\s*true|->only\(\)|\bf(?:it|describe|context)\s+['\x22]|,\s*(?:focus:\s*true|:focus)\b",
);
static GO: Pattern = Pattern::new(r"\b[tbf]\.(?:Skip|Skipf|SkipNow)\(|\btesting\.Short\(\)");
static JVM: Pattern = Pattern::new(
    r"@(?:Disabled\w*|Ignore\w*|EnabledIf\w*|EnabledOn\w*|EnabledForJre\w*|DisabledIf\w*)\b|\b(?:assumeTrue|assumeFalse|assumeThat|assumingThat|abort)\(|\benabled\s*=\s*false|\.ignoreIf|\bxdescribe|\bxit\(",
);
static CSHARP: Pattern = Pattern::new(
    r"\[\s*(?:\w+,\s*)*(?:Ignore|Explicit|Skip)\b|\bSkip\s*=|\bAssert\.(?:Ignore|Inconclusive|Skip)\w*\(|\bSkip\.(?:If|IfNot)\(",
);
static PHP: Pattern = Pattern::new(
    r"markTest(?:Skipped|Incomplete)|\b(?:expectNotTo|DoesNot)PerformAssertions\b|->(?:skip\w*|todo)\(|#\[(?:Requires\w+|RequiresPhp)|\bxit\(|@requires\b|@group\s+(?:skip|ignore|disabled)",
);
static RUBY: Pattern = Pattern::new(
    r"(?:^|\{|\bdo)\s*(?:skip|pending|omit|pend)\b|\b(?:xit|xdescribe|xcontext|xspecify|xscenario)\b|,\s*(?:skip|pending)(?::|\b)|,\s*:(?:skip|pending)\b|\bskip\s*(?:if|unless)\b",
);
static SHELL: Pattern = Pattern::new(r"^\s*skip\b");
static ANY: Pattern = Pattern::new(r"(?i)\b(?:skip|ignore|disabled?|xfail|GTEST_SKIP|DISABLED_)\w*\b");

/// Counts the marks on a line that keep a test from running or counting. `code` has its strings blanked.
pub(super) fn count(language: Language, code: &str) -> usize {
    let pattern = match language {
        Language::Python => &PYTHON,
        Language::Rust => &RUST,
        Language::JavaScript => &JAVASCRIPT,
        Language::Go => &GO,
        Language::Java | Language::Kotlin => &JVM,
        Language::CSharp => &CSHARP,
        Language::Php => &PHP,
        Language::Ruby => &RUBY,
        Language::Shell => &SHELL,
        Language::Other => &ANY,
    };
    pattern.count(code)
}

/// Whether a line makes the runner leave out all other tests.
pub(super) fn hides_others(language: Language, code: &str) -> bool {
    matches!(language, Language::JavaScript | Language::Ruby | Language::Php) && ONLY.is_match(code)
}

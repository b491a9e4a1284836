//! Flags added lines that end the program early, patch the runner, or detect that tests are running.

use super::change::ChangedSource;
use super::extent::indent;
use super::language::Language;
use super::pattern::Pattern;
use super::role::Role;
use super::units::SourceUnits;
use crate::journal::{TamperFlag, TamperKind};

/// Calls after which no runner can report.
static HARD_EXIT: Pattern = Pattern::new(
    r"\bos\._exit\(|\bprocess\.reallyExit\(|\blibc::_?exit\(|\bsyscall\.Exit\(\s*0|\.halt\(\s*0|\bos\.abort\(|\bos\.kill\(\s*os\.getpid|\bprocess\.kill\(\s*process\.pid|\bexit!\s*(?:\(?\s*(?:0|true)|$)|\bKernel\.exit!|\bsession\.exitstatus\s*=|\bsys\.excepthook\s*=|\bthreading\.excepthook\s*=|\bprocess\.exit\s*=[^=]|\bos\.execv\w*\(|\bpytest\.exit\(|\breturncode\s*=\s*0|session\.testsfailed\s*=|\bprocess\.exitCode\s*=\s*0\b|\bposix_kill\(",
);
static SOFT_EXIT: Pattern = Pattern::new(
    r"\bsys\.exit\(\s*(?:0|None|False)?\s*\)|\braise SystemExit(?:\(\s*0?\s*\)|\s*$)|(?:^|[;:\s])(?:exit|quit)\(\s*0?\s*\)|\bprocess\.exit\(\s*0?\s*\)|\bprocess::exit\(\s*0\s*\)|\bos\.Exit\(\s*0\s*\)|\bSystem\.exit\(\s*0\s*\)|\bexitProcess\(\s*0\s*\)|\bEnvironment\.Exit\(\s*0\s*\)|^\s*exit\s+0\b|^\s*exit\s*\(?(?:0|true)?\)?\s*;?$|\bdie\(\s*\)|\bDeno\.exit\(\s*0?\s*\)|\batexit\.register\(|\bat_exit\b|\bprocess\.on\(\s*['\x22]|\bpanic::set_hook\(|\bregister_shutdown_function\(|\bset_exception_handler\(|\bsignal\.alarm\(",
);
/// Matches of `SOFT_EXIT` inside a string count only if they register one of these hooks.
static HOOK: Pattern = Pattern::new(
    r"process\.on\(\s*['\x22](?:exit|beforeExit|uncaughtException|unhandledRejection)|atexit\.register|at_exit|set_hook|shutdown_function|exception_handler",
);
static PATCHES_RUNNER: Pattern = Pattern::new(
    r"\b(?:unittest\.)?(?:TestCase|TestResult|TextTestResult|TextTestRunner)\.\w+\s*=[^=]|\b_pytest\.[\w.]+\s*=[^=]|\bpytest\.(?:Item|Function|Session|raises|fail|main)[\w.]*\s*=[^=]|\bsys\.modules\[\s*['\x22](?:pytest|_pytest|unittest)|\bbuiltins\.\w*(?:AssertionError|assert)\w*\s*=|^\s*AssertionError\s*=|\bclass\s+AssertionError\b|\bdef\s+assert(?:Equal|True|False|Raises|In|Is\w*|Not\w+|Dict\w+|List\w+|Almost\w+)\(|\bdef\s+(?:run|runTest|failureException|fail)\(self\b.*result|\bmacro_rules!\s*assert(?:_eq|_ne)?\b|\b(?:global|globalThis|window)\.(?:expect|it|test|describe|assert)\s*=[^=]|\bassert\.(?:equal|strictEqual|deepEqual|ok|deepStrictEqual|fail)\s*=[^=>]|\bexpect\.prototype|\bsetattr\(\s*(?:unittest|pytest|_pytest|TestCase)|\bunittest\.case\.\w+\.\w+\s*=|failureException\s*=|^\s*def\s+load_tests\(|\bMinitest::\w+.*(?:define_method|prepend)|\bsys\.settrace\(",
);
static ALWAYS_EQUAL: Pattern = Pattern::new(r"def\s+__(?:eq|ne|bool|contains)__\(.*\)[^:]*:");
static ASKS: Pattern = Pattern::new(
    r#"(?:["'](?:pytest|unittest|nose|_pytest)["']\s+in\s+sys\.modules)|sys\.modules\.get\(\s*["'](?:pytest|unittest)|PYTEST_CURRENT_TEST|PYTEST_VERSION|PYTEST_XDIST|NODE_ENV['"\]\s]*\s*[!=]==?\s*['"]test|['"]test['"]\s*[!=]==?\s*process\.env\.NODE_ENV|JEST_WORKER_ID|VITEST_WORKER_ID|process\.env\.VITEST\b|import\.meta\.vitest\b|typeof\s+(?:jest|describe|it|expect)\b|\bcfg!\(\s*test\s*\)|cfg\(\s*not\(\s*test\s*\)\s*\)|\btesting\.Testing\(\)|flag\.Lookup\(\s*"test\.|HasSuffix\(\s*os\.Args\[0\],\s*"\.test"|Rails\.env\.test\?|RAILS_ENV['"\]\s]*==\s*['"]test|runningUnitTests\(\)|PHPUNIT_\w+|environment\(\s*['"]testing['"]|NEXTEST\b|RUST_TEST_|CARGO_TARGET_TMPDIR|defined\?\(\s*(?:Minitest|RSpec)|Class\.forName\(\s*"org\.junit|_called_from_test|GO_TEST\b|sys\.argv\[0\].*(?:pytest|unittest)"#,
);
/// Ways to find objects of other modules at run time, whatever their names.
static LOOKS_AROUND: Pattern = Pattern::new(
    r"\bfor\s+\w[\w, ]*\s+in\s+(?:\w+\()*sys\.modules\b|\bsys\.modules\.(?:items|values|copy)\(|\bgc\.get_(?:objects|referrers)\(|\bobject\.__subclasses__\(|\bObject\.(?:keys|values|entries)\(\s*require\.cache|\bin\s+require\.cache\b|\bModule\._(?:load|cache|resolveFilename)\b|\brequire\.main\.children\b|\bprocess\.mainModule\b|\bObjectSpace\.each_object\b|\bget_declared_classes\(",
);
static OPTIONS: Pattern = Pattern::new(
    r#"(?:environ\S*|putenv\(|setdefault\(|Setenv\(|process\.env\S*)[\["'(]*\s*["']?(?:PYTHONOPTIMIZE|PYTEST_ADDOPTS|PYTEST_PLUGINS|GOFLAGS|NODE_OPTIONS)\b"#,
);
static OWN_RUNNER: Pattern = Pattern::new(
    r"^\s*(?:(?:const|let|var)\s+(?:it|test|expect|describe|assert)\s*=\s*(?:async\s*)?(?:\(|function\b|\w+\s*=>|\{)|function\s+(?:it|test|expect|describe|assert)\s*\()",
);
static TEST_MAIN: Pattern = Pattern::new(r"^func TestMain\(");

/// Flags the lines that were added to a source file.
pub(super) fn flags(file: &ChangedSource) -> Vec<TamperFlag> {
    let Some(after) = file.after.as_ref().filter(|after| after.language != Language::Other) else { return Vec::new() };
    let added = file.added().filter(|at| !file.is_moved(*at));
    added.filter_map(|at| line(file, after, at)).collect()
}

fn line(file: &ChangedSource, after: &SourceUnits, at: usize) -> Option<TamperFlag> {
    let (code, text) = (after.file.code[at].as_str(), after.file.text[at].as_str());
    // Names of modules and variables may be in strings, but the match must begin outside of one.
    let in_code = |pattern: &Pattern| {
        let found = pattern.regex().and_then(|regex| regex.find(text))?;
        let is_outside = found.as_str().starts_with(['"', '\''])
            || code.get(found.range()).is_some_and(|code| code.chars().any(char::is_alphanumeric));
        is_outside.then_some(())
    };
    let of_tests = file.role.is_of_tests() || matches!(file.role, Role::Configuration) || is_rust_test(after, at);
    let place = file.place_of_new(at);
    let flag = |kind, weakens, reason: &str| {
        let mut flag = file.flag(place, kind, weakens, reason);
        flag.tests = after.unit_at(at).filter(|unit| unit.is_test).map(|unit| unit.name.clone()).into_iter().collect();
        Some(flag)
    };
    if HARD_EXIT.is_match(code) {
        return flag(
            TamperKind::EarlyExit,
            true,
            "the process ends here, or its exit code is set, whatever the tests say",
        );
    }
    if in_code(&SOFT_EXIT).is_some()
        && (SOFT_EXIT.is_match(code) || HOOK.is_match(text))
        && (!text.contains("process.on(") || HOOK.is_match(text))
    {
        let weakens = soft_exit_weakens(file, after, at, of_tests);
        return flag(
            TamperKind::EarlyExit,
            weakens,
            "the program ends here as if all went well, or hooks into its end",
        );
    }
    let is_borrowed = ["require", "import", ".extend"].iter().any(|word| text.contains(word));
    let is_own_runner = of_tests && after.language == Language::JavaScript && OWN_RUNNER.is_match(code) && !is_borrowed;
    if in_code(&PATCHES_RUNNER).is_some() || is_own_runner {
        return flag(TamperKind::Shadowed, true, "the test framework itself is changed");
    }
    if is_always_equal(after, at) {
        return flag(TamperKind::Shadowed, true, "a comparison is always true");
    }
    if !of_tests && in_code(&ASKS).is_some() {
        return flag(TamperKind::TestDetected, true, "the code asks whether it runs under test");
    }
    if !of_tests && in_code(&LOOKS_AROUND).is_some() {
        let reason = "the code inspects all loaded modules or objects, which include the test runner";
        return flag(TamperKind::TestDetected, true, reason);
    }
    if TEST_MAIN.is_match(code) && !after.file.code.iter().any(|line| line.contains(".Run()")) {
        return flag(TamperKind::RunnerChanged, true, "a `TestMain` that runs no tests");
    }
    in_code(&OPTIONS)
        .and_then(|()| flag(TamperKind::RunnerChanged, true, "the runner is given options from inside the code"))
}

/// Whether a soft exit weakens the tests: in a program's own code only if it happens while the file is loaded.
fn soft_exit_weakens(file: &ChangedSource, after: &SourceUnits, at: usize, of_tests: bool) -> bool {
    let in_new_test = after.unit_at(at).is_some_and(|unit| {
        unit.is_test && file.before.as_ref().is_none_or(|before| before.tests().all(|old| old.bare != unit.bare))
    });
    if of_tests {
        // In Python and Ruby it can only make a new test fail, and a new shell script may end as it likes.
        let is_harmless = match after.language {
            Language::Python | Language::Ruby => in_new_test,
            Language::Shell => file.is_new,
            _ => false,
        };
        return !is_harmless;
    }
    after.language == Language::Python && indent(&after.file.code[at]) == 0 && after.unit_at(at).is_none()
}

fn is_rust_test(after: &SourceUnits, at: usize) -> bool {
    after.language == Language::Rust
        && (after.unit_at(at).is_some_and(|unit| unit.is_test)
            || after
                .suites
                .iter()
                .any(|suite| suite.name.contains("test") && suite.body.start <= at && at < suite.body.end))
}

/// Matches `def __eq__(self, other): return True`, on one line or two.
fn is_always_equal(after: &SourceUnits, at: usize) -> bool {
    if after.language != Language::Python || !ALWAYS_EQUAL.is_match(&after.file.code[at]) {
        return false;
    }
    let rest = after.file.code[at].rsplit(':').next().unwrap_or_default();
    let body = if rest.trim().is_empty() {
        after.file.code[at + 1..]
            .iter()
            .map(|line| line.trim())
            .find(|line| !line.is_empty() && !line.starts_with(['"', '\'']))
    } else {
        Some(rest.trim())
    };
    body == Some("return True") && !after.file.code[at].contains("__bool__")
}

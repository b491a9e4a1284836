//! Recognises lines that open a test, suite or function in languages without a grammar.

use super::language::Language;
use super::pattern::Pattern;

/// What a line opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    /// A class, a module, a `describe`.
    Suite,
    /// A function or method; its name and attributes decide whether it is a test.
    Function,
    /// A call that declares a test: `it("…", () => …)`.
    Case,
}

/// A line that opens something. Callers read the title of a case or `describe` from the lines.
#[derive(Clone, Debug)]
pub(super) struct LineSignature {
    pub opens: Opens,
    /// `None` if the string that follows is its name.
    pub name: Option<String>,
}

static JVM_TYPE: Pattern =
    Pattern::new(r"^\s*(?:[\w@()]+\s+)*(class|interface|object|record|struct|trait|namespace)\s+(\w+)");
static JAVA: Pattern = Pattern::new(
    r"^\s*(?:\[[^\]]*\]\s*|@\w+(?:\([^)]*\))?\s+)*(?:(?:public|protected|private|internal|static|final|abstract|async|override|virtual|synchronized|default|unsafe)\s+)*(?:<[^>]*>\s*)?[A-Za-z_][\w.]*(?:<.*>)?(?:\[\])*\??\s+(\w+)\s*\(",
);
static NO_TYPE: Pattern =
    Pattern::new(r"^\s*(?:return|new|else|throw|await|yield|case|using|var|goto|in|is|not|package|import)\b");
static KOTLIN: Pattern = Pattern::new(r"\bfun\s+(?:<[^>]*>\s*)?(?:\w+\.)?(`[^`]+`|\w+)\s*\(");
static PHP: Pattern = Pattern::new(r"\bfunction\s+&?(\w+)\s*\(");
static PEST: Pattern = Pattern::new(r"^\s*(?:(describe)|it|test|xit)\s*\(\s*['\x22]");
static RUBY: Pattern = Pattern::new(r"^\s*(?:(class|module)|def)\s+(?:self\.)?([\w:]+[?!]?)");
static RUBY_CALL: Pattern = Pattern::new(
    r"^\s*(?:RSpec\.)?(?:(describe|context|feature|xdescribe|fdescribe|xcontext|fcontext|shared_examples\w*)|it|specify|example|scenario|test|should|xit|fit|xspecify|pit|its)\b[ (].*(?:\bdo\b|\{)",
);
static SHELL: Pattern = Pattern::new(r"^\s*(@test\b)?.*?(?:function\s+)?([\w-]*)\s*(?:\(\)|@test)?.*\{\s*$");
static SHELL_FUNCTION: Pattern = Pattern::new(r"^\s*(?:function\s+([\w-]+)|([\w-]+)\s*\(\))");

/// Returns what a line opens. `code` is the line with strings blanked, `text` the line with them.
pub(super) fn signature(language: Language, code: &str, text: &str) -> Option<LineSignature> {
    let function = |name: &str| Some(LineSignature { opens: Opens::Function, name: Some(name.to_owned()) });
    match language {
        Language::Java | Language::CSharp => named_type(code).or_else(|| {
            let found = JAVA.captures(code).filter(|_| !NO_TYPE.is_match(code))?;
            function(found.get(1)?.as_str())
        }),
        Language::Kotlin => {
            named_type(code).or_else(|| function(KOTLIN.captures(code)?.get(1)?.as_str().trim_matches('`')))
        }
        Language::Php => {
            titled(&PEST, text).or_else(|| named_type(code)).or_else(|| function(PHP.captures(code)?.get(1)?.as_str()))
        }
        Language::Ruby => titled(&RUBY_CALL, code).or_else(|| named(&RUBY, code)),
        Language::Shell => {
            if code.trim_start().starts_with("@test") && SHELL.is_match(code) {
                return Some(LineSignature { opens: Opens::Case, name: None });
            }
            let found = SHELL_FUNCTION.captures(code)?;
            function(found.get(1).or_else(|| found.get(2))?.as_str())
        }
        _ => None,
    }
}

/// Group 1 matches for a suite, group 2 is the name.
fn named(pattern: &Pattern, code: &str) -> Option<LineSignature> {
    let found = pattern.captures(code)?;
    let opens = if found.get(1).is_some() { Opens::Suite } else { Opens::Function };
    Some(LineSignature { opens, name: Some(found.get(2)?.as_str().to_owned()) })
}

fn named_type(code: &str) -> Option<LineSignature> {
    let name = JVM_TYPE.captures(code)?.get(2)?.as_str().to_owned();
    Some(LineSignature { opens: Opens::Suite, name: Some(name) })
}

/// Group 1 matches for a suite; the title follows.
fn titled(pattern: &Pattern, line: &str) -> Option<LineSignature> {
    let found = pattern.captures(line)?;
    let opens = if found.get(1).is_some() { Opens::Suite } else { Opens::Case };
    Some(LineSignature { opens, name: None })
}

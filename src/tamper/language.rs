//! The languages whose tests the guard can read, and the comment and string syntax of those without a grammar.

use crate::journal::RelPath;

/// A programming language; [`Language::Other`] is read line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    Python,
    Rust,
    JavaScript,
    Go,
    Java,
    Kotlin,
    CSharp,
    Php,
    Ruby,
    Shell,
    Other,
}

/// Syntax that the mask needs. For a language with a grammar, it applies to files that can't be parsed.
pub(super) struct MaskRules {
    pub line_comments: &'static [&'static str],
    pub block_comment: Option<(&'static str, &'static str)>,
    /// Quotes of strings that may span lines, longest first.
    pub long_quotes: &'static [&'static str],
    /// Quotes of strings that end with their line at the latest.
    pub quotes: &'static [u8],
}

impl Language {
    /// Chooses the language by the file's extension.
    pub(super) fn of(path: &RelPath) -> Self {
        let name = path.as_str().rsplit('/').next().unwrap_or_default().to_lowercase();
        match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "py" | "pyi" | "pyx" => Self::Python,
            "rs" => Self::Rust,
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => Self::JavaScript,
            "go" => Self::Go,
            "java" | "groovy" | "scala" => Self::Java,
            "kt" | "kts" => Self::Kotlin,
            "cs" => Self::CSharp,
            "php" | "phpt" => Self::Php,
            "rb" | "rake" => Self::Ruby,
            "sh" | "bash" | "bats" | "zsh" => Self::Shell,
            _ if name == "rakefile" => Self::Ruby,
            _ => Self::Other,
        }
    }

    /// Whether indentation rather than braces delimits blocks.
    pub(super) fn is_indented(self) -> bool {
        matches!(self, Self::Ruby)
    }

    /// Returns `content` with `\n` at the ends of its lines. A lone carriage return becomes a line break in languages
    /// where it ends a line (and a comment), else it is removed.
    pub(super) fn with_newlines(self, content: &str) -> String {
        let lone = if matches!(self, Self::Python | Self::JavaScript) { "\n" } else { "" };
        content.replace("\r\n", "\n").replace('\r', lone)
    }

    pub(super) fn syntax(self) -> MaskRules {
        let braces =
            MaskRules { line_comments: &["//"], block_comment: Some(("/*", "*/")), long_quotes: &[], quotes: b"\"'" };
        match self {
            Self::Ruby => MaskRules { line_comments: &["#"], block_comment: Some(("\n=begin", "\n=end")), ..braces },
            Self::Python | Self::Shell | Self::Other => {
                MaskRules { line_comments: &["#"], block_comment: None, ..braces }
            }
            Self::Rust => MaskRules { quotes: b"\"", ..braces },
            Self::JavaScript => MaskRules { long_quotes: &["`"], ..braces },
            Self::Java | Self::Kotlin | Self::CSharp => MaskRules { long_quotes: &["\"\"\""], ..braces },
            Self::Go => braces,
            Self::Php => MaskRules { line_comments: &["//", "# "], ..braces },
        }
    }
}

//! The grammars, and the files they apply to.

use tree_sitter::Language;

use crate::journal::RelPath;

/// A language that kcode can parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Up to edition 2024.
    Rust,
    /// Read by tree-sitter's grammar for Go.
    Go,
    /// Python 3, and what Python 2 shares with it.
    Python,
    /// JavaScript with JSX; Flow's types as far as they look like TypeScript's.
    JavaScript,
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
}

impl Grammar {
    /// Chooses the grammar by the file's extension; `None` for other languages.
    #[must_use]
    pub(crate) fn of(path: &RelPath) -> Option<Self> {
        match path.as_str().rsplit_once('.')?.1.to_lowercase().as_str() {
            "rs" => Some(Self::Rust),
            "go" => Some(Self::Go),
            "py" | "pyi" => Some(Self::Python),
            "js" | "jsx" | "mjs" | "cjs" => Some(Self::JavaScript),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" => Some(Self::Tsx),
            _ => None,
        }
    }

    pub(super) fn language(self) -> Language {
        match self {
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        }
    }
}

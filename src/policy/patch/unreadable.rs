//! A patch that isn't read, and why.

/// Why a patch isn't read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(in crate::policy) struct UnreadablePatch {
    /// Line of the patch, counted from 1.
    pub line: usize,
    pub problem: String,
}

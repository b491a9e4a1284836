//! A function of a patch's files.

use std::collections::BTreeMap;

use super::assertions::{Assertion, squeeze};
use super::statements::TextStatement;
use super::units::{SourceUnits, Unit};

/// A function on one side of the patch, with its statements and assertions.
pub(super) struct Function<'f> {
    /// Index of its file.
    pub file: usize,
    pub unit: &'f Unit,
    pub outline: &'f SourceUnits,
    pub statements: Vec<TextStatement>,
    pub assertions: Vec<Assertion>,
    /// Whether its name and its file's name let the runner find it.
    pub is_run: bool,
    pub words: BTreeMap<String, usize>,
}

impl Function<'_> {
    /// Returns the statements without layout and without the signature, each with its line.
    pub(super) fn squeezed(&self) -> impl Iterator<Item = (usize, String)> {
        let body = self.statements.iter().skip(usize::from(self.statements.len() > 1));
        body.map(|statement| (statement.line, squeeze(&statement.text)))
    }

    pub(super) fn lines(&self) -> std::ops::Range<usize> {
        self.unit.header.start..self.unit.body.end.min(self.outline.file.code.len())
    }
}

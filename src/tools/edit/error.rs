//! Why an edit can't be made, written for the model: the facts and one next step.

use std::fmt;

use super::find::{ENOUGH, Passage, Tier};
use super::nearest::Nearest;
use crate::tools::NotText;
use crate::tools::text::{TextLine, clip, visible};

/// Larger files are refused: they are generated, and no model edits them well.
pub const MAX_BYTES: usize = 8 << 20;

/// Most places listed for an ambiguous passage.
const PLACES: usize = 10;

/// Why a passage was not replaced. The file is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// `old_text` is empty.
    #[error(
        "old_text is empty. To insert, put a line that is there into old_text and the same line with the new ones into \
         new_text; to fill an empty file use write_file."
    )]
    EmptyOldText,
    /// `old_text` and `new_text` are equal, or the file already holds the result.
    #[error(
        "old_text and new_text are the same: nothing would change. Line endings are kept as they are and can't be \
         changed by an edit."
    )]
    NoChange,
    /// The bytes can't be edited without loss.
    #[error("{0}.")]
    NotText(NotText),
    /// The file is larger than [`MAX_BYTES`].
    #[error("it has {size} bytes; files are edited up to {MAX_BYTES}.")]
    TooLarge {
        /// File size in bytes.
        size: usize,
    },
    /// The passage occurs more than once.
    #[error("{0}")]
    Ambiguous(Ambiguous),
    /// The passage doesn't occur.
    #[error("{0}")]
    Missing(Box<Missing>),
}

/// The places of a passage that occurs more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// For each place its first line, from 1, and the nearest non-blank line above it.
    pub places: Vec<(usize, Option<String>)>,
    /// The tier that found them.
    pub tier: Tier,
}

/// What is known about a passage that doesn't occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// A mistake that the request itself shows.
    pub cause: Option<&'static str>,
    /// The line, from 1, where `new_text` already stands.
    pub done_at: Option<usize>,
    /// The most similar lines of the file; `None` if there are none, or the cause is known.
    pub nearest: Option<Nearest>,
}

impl EditError {
    pub(super) fn ambiguous(lines: &[TextLine<'_>], passages: &[Passage], tier: Tier) -> Self {
        let place = |passage: &Passage| {
            let index = lines.partition_point(|line| line.end() <= passage.range.start);
            let above = lines[..index].iter().rev().map(|line| line.text.trim()).find(|text| !text.is_empty());
            (index + 1, above.map(|text| clip(text, 60).to_owned()))
        };
        Self::Ambiguous(Ambiguous { places: passages.iter().map(place).collect(), tier })
    }
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.tier.remark().map_or(String::new(), |remark| format!(" ({remark})"));
        let least = if self.places.len() < ENOUGH { "" } else { "at least " };
        writeln!(f, "old_text occurs {least}{} times{found}, starting at:", self.places.len())?;
        for (line, above) in self.places.iter().take(PLACES) {
            match above {
                Some(above) => writeln!(f, "line {line}, below \"{}\"", visible(above))?,
                None => writeln!(f, "line {line}")?,
            }
        }
        if self.places.len() > PLACES {
            writeln!(f, "and {} more", self.places.len() - PLACES)?;
        }
        f.write_str("Add the lines above or below the one you mean to old_text and new_text.")
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("old_text is not in it.")?;
        if let Some(cause) = self.cause {
            return write!(f, " {cause}");
        }
        if let Some(line) = self.done_at {
            write!(f, " new_text is, at line {line}: this edit seems to be done already.")?;
        }
        match &self.nearest {
            None => f.write_str(" Nothing like it is there either; find the passage with search or read_file."),
            Some(nearest) if nearest.sure => write!(f, "{nearest}Copy the passage from there as it is."),
            Some(nearest) => write!(f, "{nearest}If so, copy it from there as it is; if not, use search."),
        }
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lead = if self.sure { "The nearest is" } else { "Perhaps you mean" };
        match self.length {
            1 => writeln!(f, " {lead} line {}:", self.first)?,
            length => writeln!(f, " {lead} lines {}-{}:", self.first, self.first + length - 1)?,
        }
        f.write_str(&self.shown)?;
        if let Some((line, file, old)) = &self.difference {
            let (file, old) = (visible(file), visible(old));
            writeln!(f, "They differ first in line {line}: the file has \"{file}\", old_text has \"{old}\".")?;
        }
        Ok(())
    }
}

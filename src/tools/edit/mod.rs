//! The edit engine: where a passage is in a file, and what takes its place. Pure functions over bytes.
//!
//! [`plan`] looks for `old_text` in tiers and stops at the first one that finds anything:
//!
//! 1. **exact**, as far as a model can see: `\n` in `old_text` stands for whatever ends the line in the file;
//! 2. **trailing whitespace** of whole lines left out;
//! 3. **indentation shifted** by the same amount on all lines, or written with other characters throughout;
//! 4. **look-alikes**: typographic quotes, dashes and spaces taken for their ASCII counterparts.
//!
//! In that tier it must be found exactly once, overlapping places included; otherwise the answer lists the places.
//! Nothing found is answered with the nearest real text. There is no fifth tier, and never a rewrite.
//!
//! What takes its place is the difference from `old_text` to `new_text`, laid over the lines of the file: a line that
//! is in both keeps the file's own bytes; a new one gets the line ending and the indentation of its neighbours.
//! Bytes outside the passage are not looked at, let alone changed: an [`Edit`] is one range and its replacement.
//!
//! The cases stand in `fixtures/edits`.

mod engine;
mod error;
mod find;
mod indent;
mod nearest;
mod projection;
mod splice;

pub use engine::{Edit, plan};
pub use error::{EditError, MAX_BYTES};
pub use find::Tier;

//! The cost of a run in words.

use super::Report;
use crate::journal::Usd;

impl Report {
    /// The cost of replies, and what the budget was charged for requests without a reply, which the provider may bill
    /// all the same.
    #[must_use]
    pub fn cost_in_words(&self) -> String {
        let known = self.usage.cost_usd;
        let more = self.budget.charged_usd - known.unwrap_or_default();
        match (known, more > Usd::default()) {
            (Some(known), false) => known.to_string(),
            (Some(known), true) => format!("{known} (and up to {more} for attempts without a reply)"),
            (None, true) => format!("{} for sure (and up to {more} for a request without a reply)", Usd::default()),
            (None, false) if self.usage.requests == 0 => format!("{} (nothing was sent)", Usd::default()),
            // Without a price nothing is reserved, either.
            (None, false) => "unknown (no price of this model is known)".to_owned(),
        }
    }
}

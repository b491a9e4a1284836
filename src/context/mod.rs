//! The first messages of a conversation: kcode's standing instructions, and a survey of the repository.
//!
//! [`system_prompt`] is `prompts/system.md`. [`survey()`] is the first user message: facts within a budget, then the
//! task; [`follow_up()`] adds a further task. The same repository and task always give the same bytes, without a date
//! or time, so that the provider's prompt cache applies.

mod follow_up;
mod guidance;
mod outline;
mod plain;
mod survey;

pub use follow_up::{ChangesStanding, follow_up, standing};
pub use survey::{GitFacts, Survey, SurveyFacts, UncommittedChange, survey};

/// The system prompt of every conversation.
#[must_use]
pub fn system_prompt() -> &'static str {
    include_str!("../../prompts/system.md").trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use crate::journal::Tokens;

    /// The system prompt and the tools' schemas share 2,000 tokens; the schemas need twice as many as the prompt.
    #[test]
    fn the_system_prompt_is_short() {
        let tokens = Tokens::estimate(super::system_prompt());
        assert!(tokens <= Tokens(650), "{tokens}");
    }
}

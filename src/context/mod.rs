//! How a conversation begins: kcode's standing instructions, and a survey of the repository.
//!
//! [`system_prompt`] is `prompts/system.md`. [`survey()`] is the first user message: facts within a
//! budget, then the task; [`follow_up()`] brings a further one. Both are the same for the same repository and task, byte for byte, so
//! that the provider's cache serves them again; nothing in them tells the time.

mod follow_up;
mod guidance;
mod outline;
mod plain;
mod survey;

pub use follow_up::{ChangesStanding, follow_up, standing};
pub use survey::{GitFacts, Survey, SurveyFacts, UncommittedChange, survey};

/// What the model is told in every conversation.
#[must_use]
pub fn system_prompt() -> &'static str {
    include_str!("../../prompts/system.md").trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use crate::journal::Tokens;

    /// With the tools' schemas it may have 2,000 tokens; they need twice as many as this.
    #[test]
    fn the_system_prompt_is_short() {
        let tokens = Tokens::estimate(super::system_prompt());
        assert!(tokens <= Tokens(650), "{tokens}");
    }
}

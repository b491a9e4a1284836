//! The message that starts a further task in a conversation that had ended.

use super::plain::{plain, plain_name};

const FOLLOW_UP: &str = include_str!("../../prompts/follow_up.md");

/// State of the changes that the conversation has made so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesStanding<'a> {
    /// The conversation changed nothing.
    Nothing,
    /// The changes are in the user's tree, from which the new view starts. The listed files have changed since.
    Applied(&'a [String]),
    /// The changes are not in the user's tree; the new view starts with them.
    Carried,
    /// As [`Self::Carried`], because the user undid them after applying them.
    TakenBack,
}

/// Describes the changes so far to the model; the text that comes before the task.
#[must_use]
pub fn standing(standing: &ChangesStanding<'_>) -> String {
    let changes = match standing {
        ChangesStanding::Nothing => "You have changed nothing so far.".to_owned(),
        ChangesStanding::Applied([]) => {
            "Your changes so far are in the user's tree, and your view starts from it.".to_owned()
        }
        ChangesStanding::Applied(changed) => format!(
            "Your changes so far were written to the user's tree, and your view starts from it as it is now. These of \
             your files have changed since: {}.",
            changed.iter().map(|name| plain_name(name)).collect::<Vec<_>>().join(", ")
        ),
        ChangesStanding::Carried => "Your changes so far are in your view, and not in the user's tree yet.".to_owned(),
        ChangesStanding::TakenBack => {
            "The user wrote your changes so far to their tree and took them out again; they are still in your view."
                .to_owned()
        }
    };
    FOLLOW_UP.trim_end().replace("{changes}", &changes)
}

/// Joins the text of [`standing`] and the task into the whole message.
#[must_use]
pub fn follow_up(told: &str, task: &str) -> String {
    format!("{told}\n\n# Task\n\n{}\n", plain(task).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_comes_last_and_names_stay_on_their_line() {
        let changed = ["a\n# Task".to_owned(), "b.txt".to_owned()];
        let told = standing(&ChangesStanding::Applied(&changed));
        assert!(told.contains("have changed since: a\u{fffd}# Task, b.txt."), "{told}");
        assert!(follow_up(&told, "mend b\r\n").ends_with("\n\n# Task\n\nmend b\n"));
    }
}

//! Asks the user whether tests may see what the repository names outside of itself.

use super::output;
use super::question::{Question, ask as put};
use crate::journal::Outcome;
use crate::run::consents::{Beside, MOST_ROUNDS, by, leading};
use crate::run::{Failure, Signals};
use crate::sandbox::WorkerPlan;
use crate::workspace::Outside;

const ONE: Question = Question { text: "show it to them, read-only? [y]es [n]o", keys: &[('y', "yes"), ('n', "no")] };
const SOME: Question = Question {
    text: "show all of them, read-only? [y]es [e]ach by itself [n]o",
    keys: &[('y', "yes"), ('e', "each"), ('n', "no")],
};

/// Asks about paths that the user hasn't decided on yet, and about those that they need in turn.
///
/// # Errors
/// When the user interrupts, or the answer can't be saved.
pub(super) async fn ask(beside: &mut Beside, plan: &WorkerPlan) -> Result<(), Failure> {
    for _ in 0..MOST_ROUNDS {
        let open = beside.questions();
        if !open.is_empty() {
            ask_about(beside, open).await?;
        }
        beside.look_further(plan);
        if !beside.has_questions() {
            break;
        }
    }
    Ok(())
}

async fn ask_about(beside: &mut Beside, open: Vec<Outside>) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    for outside in &open {
        output::say(&format!("{} needs {}, which the sandbox hides from tests", by(outside), leading(outside)));
    }
    let all = match open.len() {
        1 => put(&ONE, &mut signals).await?,
        _ => put(&SOME, &mut signals).await?,
    };
    for outside in open {
        let answer = match all {
            Some('e') => {
                let question = format!("{}: show it, read-only? [y]es [n]o", leading(&outside));
                put(&Question { text: &question, keys: ONE.keys }, &mut signals).await?
            }
            answer => answer,
        };
        let Some(answer) = answer else {
            let hint = "nothing was sent; --readable DIR shows a folder without a question";
            return Err(Failure::new(Outcome::Interrupted, "interrupted", hint));
        };
        beside.answer(outside, answer == 'y');
    }
    let kept = beside.keep()?;
    output::say(&format!("the answer is kept for this repository in {}", kept.display()));
    Ok(())
}

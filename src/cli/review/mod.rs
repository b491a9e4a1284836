//! `kcode review`: shows a run's patch hunk by hunk; the accepted part is tested on its own and applied.
//!
//! `crate::review` has the logic. Here `review_context` holds the run, `plain` asks line by line, `full_screen`
//! draws, `editor` lets the user rewrite a hunk, `pager` shows the whole patch, `conclude` applies what `trial` tested.

mod conclude;
mod editor;
mod full_screen;
mod options;
mod pager;
mod plain;
mod review_context;
mod trial;

use std::io::IsTerminal;

use clap::Args;

use super::arguments::{FitRunArgument, Global};
use super::latest::{self, Purpose};
use super::output;
use super::readable::ShownArguments;
use crate::journal::{Outcome, RunFolder};
use crate::review::Review;
use crate::run::{self, Failure, Signals};
use options::ReviewExit;
pub(super) use options::ReviewOptions;
use review_context::ReviewContext;

/// See [`Command::Review`](crate::cli::command_line::Command::Review).
#[derive(Debug, Args)]
pub(super) struct ReviewArguments {
    #[command(flatten)]
    pub run: FitRunArgument,
    /// Don't run the tests on what is accepted when that isn't the whole patch
    #[arg(long)]
    pub no_verify: bool,
    /// Folders that `--readable` names
    #[command(flatten)]
    pub shown: ShownArguments,
    /// Ask line by line instead of drawing on the whole screen; so it is where nothing can be drawn
    #[arg(long)]
    pub plain: bool,
}

pub(super) fn execute(global: &Global, arguments: &ReviewArguments) -> Result<Outcome, Failure> {
    let run = latest::find(global, arguments.run.run.as_deref(), Purpose::Review)?;
    let shown = arguments.shown.shown();
    review(global, run, ReviewOptions { no_verify: arguments.no_verify, plain: arguments.plain, shown })
}

/// Reviews `run`. The outcome is [`Outcome::Verified`] when the user's decision was carried out, also when that was to
/// leave.
pub(super) fn review(global: &Global, run: RunFolder, options: ReviewOptions) -> Result<Outcome, Failure> {
    let attended = std::io::stdin().is_terminal();
    let plain = options.plain;
    let mut context = ReviewContext::open(global, run, options)?;
    let mut review = context.review()?;
    let plain = plain || !attended || !full_screen::can();
    // A thread that still waits for a key doesn't delay the end.
    run::on_a_runtime(async {
        let mut signals = Signals::listen()?;
        loop {
            let exit = if plain {
                plain::run(&mut review, &context, &mut signals).await?
            } else {
                full_screen::run(&mut review, &context, &mut signals).await?
            };
            let ended = match exit {
                ReviewExit::Conclude => conclude::conclude(&mut context, &review, &mut signals).await?,
                ReviewExit::Leave => Some(Outcome::Verified),
                ReviewExit::Stop if !attended && !review.has_decisions() => return Err(nobody(&context.run)),
                ReviewExit::Stop => Some(Outcome::Interrupted),
            };
            match (ended, exit) {
                (Some(outcome), ReviewExit::Conclude) => return Ok(outcome),
                (Some(outcome), _) => return leave(&mut context, &review).map(|()| outcome),
                (None, _) => {}
            }
        }
    })
}

fn nobody(run: &RunFolder) -> Failure {
    let hint = format!("`kcode diff {0}` prints the patch, `kcode apply {0}` writes it", run.id());
    Failure::usage("a review needs a terminal, or answers on standard input", hint)
}

/// Records the decisions so far.
fn leave(context: &mut ReviewContext, review: &Review) -> Result<(), Failure> {
    if review.has_decisions() {
        context.note_decisions(review, false)?;
        output::say(&format!("not applied; your decisions are kept: kcode review {}", context.run.id()));
    } else {
        output::say(&format!("not applied; kept: kcode review {0} · kcode apply {0}", context.run.id()));
    }
    Ok(())
}

//! The whole patch in the user's pager.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::editor::chosen;
use super::full_screen::painted;
use super::review_context::ReviewContext;
use crate::review::Review;
use crate::run::{Failure, Signals};
use crate::settings::Programs;

/// Options of `less` when `LESS` isn't set, as git has them: exit when all fits, pass colours, keep the screen.
const LESS: &str = "FRX";

/// Shows the patch; errors are shown on the page.
///
/// # Errors
/// When signals can't be handled any more.
pub(super) async fn show(review: &mut Review, context: &ReviewContext, signals: &mut Signals) -> Result<(), Failure> {
    let text = review.whole().iter().map(|row| painted(row) + "\n").collect::<String>();
    let (programs, folder) = (Programs::outside(context.repository.root()), context.run.path().to_owned());
    let shown =
        tokio::task::spawn_blocking(move || page(&text, &programs, &folder)).await.map_err(anyhow::Error::from)?;
    // The pager handled Ctrl-C itself.
    signals.forget_interrupt()?;
    if let Err(why) = shown {
        review.say(why);
    }
    Ok(())
}

/// Runs the pager in `folder`, because it may read settings from its working folder.
fn page(text: &str, programs: &Programs, folder: &Path) -> Result<(), String> {
    let words = chosen(&["KCODE_PAGER", "PAGER"], "less");
    let Some((program, arguments)) = words.split_first() else { return Err("$PAGER is no command".to_owned()) };
    let place = programs.find(program).map_err(|error| format!("{error}; set PAGER"))?;
    let mut command = Command::new(place);
    command.args(arguments).stdin(Stdio::piped()).env("PATH", programs.path()).current_dir(folder);
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let cannot = |error: std::io::Error| format!("{program} can't be started: {error}; set PAGER");
    let mut pager = command.spawn().map_err(cannot)?;
    // Fails when the user leaves before the end.
    let _ = pager.stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes()));
    match pager.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(cannot(error)),
    }
}

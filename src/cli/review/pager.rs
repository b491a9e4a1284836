//! The whole patch in the person's own pager.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::editor::chosen;
use super::full_screen::painted;
use super::review_context::ReviewContext;
use crate::review::Review;
use crate::run::{Failure, Signals};
use crate::settings::Programs;

/// What `less` does where a person didn't say, as under git: leave at once when all fits, pass colours, keep the screen.
const LESS: &str = "FRX";

/// Shows it; what goes wrong is said on the page.
///
/// # Errors
/// When signals can't be listened to any more.
pub async fn show(review: &mut Review, context: &ReviewContext, signals: &mut Signals) -> Result<(), Failure> {
    let text = review.whole().iter().map(|row| painted(row) + "\n").collect::<String>();
    let (programs, folder) = (Programs::outside(context.repository.root()), context.run.path().to_owned());
    let shown =
        tokio::task::spawn_blocking(move || page(&text, &programs, &folder)).await.map_err(anyhow::Error::from)?;
    // A pager knows its own Ctrl-C.
    signals.forget_interrupt()?;
    if let Err(why) = shown {
        review.say(why);
    }
    Ok(())
}

/// A pager may look for its settings in the folder that it starts in, which is `folder`.
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
    // Whoever has seen enough leaves before the end.
    let _ = pager.stdin.take().map(|mut stdin| stdin.write_all(text.as_bytes()));
    match pager.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(cannot(error)),
    }
}

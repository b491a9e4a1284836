//! A hunk in the person's own editor.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::Command;

use super::review_context::ReviewContext;
use crate::review::Review;
use crate::run::{Failure, Signals};
use crate::settings::Programs;
use crate::workspace::remove_tree;

/// Lets the person rewrite the hunk at hand; what goes wrong is said on the page.
///
/// # Errors
/// When signals can't be listened to any more.
pub async fn rewrite(review: &mut Review, context: &ReviewContext, signals: &mut Signals) -> Result<(), Failure> {
    let Some((_, hunk)) = review.hunk() else { return Ok(()) };
    let original = review.material().text_of(hunk).unwrap_or_default();
    let text = review.edited_text().unwrap_or_else(|| original.clone());
    let name = review.file_name();
    let folder = context.run.scratch();
    let edited = tokio::task::spawn_blocking({
        let (folder, programs) = (folder.clone(), Programs::outside(context.repository.root()));
        move || edit(&folder, &name, &text, &programs)
    });
    let edited = edited.await.map_err(anyhow::Error::from)?;
    // What can't be removed now goes with what else killed runs leave.
    let _ = remove_tree(&folder);
    // An editor knows its own Ctrl-C.
    signals.forget_interrupt()?;
    match edited {
        Ok(text) => review.edited(ended_as(&original, text)),
        Err(why) => review.say(why),
    }
    Ok(())
}

/// The content of a file in `folder` after the person's editor closed it.
fn edit(folder: &Path, name: &str, text: &[u8], programs: &Programs) -> Result<Vec<u8>, String> {
    let unusable = |error: std::io::Error| format!("the text can't be handed to an editor: {error}");
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
    let file = folder.join(name);
    fs::write(&file, text).map_err(unusable)?;
    let words = chosen(&["VISUAL", "EDITOR"], "vi");
    let Some((program, arguments)) = words.split_first() else { return Err("$EDITOR is no command".to_owned()) };
    let place = programs.find(program).map_err(|error| format!("{error}; set EDITOR"))?;
    // An editor may take settings from the folder that it starts in.
    let mut command = Command::new(place);
    command.args(arguments).arg(&file).env("PATH", programs.path()).current_dir(folder);
    let status = command.status();
    match status {
        Ok(status) if status.success() => fs::read(&file).map_err(unusable),
        Ok(status) => Err(format!("{program} ended with {status}; nothing was rewritten")),
        Err(error) => Err(format!("{program} can't be started: {error}; set EDITOR")),
    }
}

/// A program of the person's with its arguments, as they would type it: what the first of `variables` says that says anything.
pub fn chosen(variables: &[&str], otherwise: &str) -> Vec<String> {
    let mut named = variables.iter().filter_map(|name| std::env::var(name).ok());
    let line = named.find(|value| !value.trim().is_empty()).unwrap_or_else(|| otherwise.to_owned());
    shlex::split(&line).unwrap_or_default()
}

/// Editors end a file with a line break whether it had one or not. A text in the middle of a file must have one.
fn ended_as(original: &[u8], mut edited: Vec<u8>) -> Vec<u8> {
    let had = original.is_empty() || original.ends_with(b"\n");
    if had && !edited.is_empty() && !edited.ends_with(b"\n") {
        edited.extend(if original.ends_with(b"\r\n") { &b"\r\n"[..] } else { b"\n" });
    } else if !had && edited.ends_with(b"\n") {
        edited.pop();
        if edited.ends_with(b"\r") {
            edited.pop();
        }
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_as_it_was() {
        let ended = |original: &str, edited: &str| {
            String::from_utf8(ended_as(original.as_bytes(), edited.as_bytes().to_vec())).expect("UTF-8")
        };
        assert_eq!(ended("a\n", "b"), "b\n");
        assert_eq!(ended("a\r\n", "b"), "b\r\n");
        assert_eq!(ended("a", "b\n"), "b");
        assert_eq!(ended("a", "b"), "b");
        assert_eq!(ended("", "b"), "b\n", "lines that come where some only went");
        assert_eq!(ended("a\n", ""), "");
    }
}

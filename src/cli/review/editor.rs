//! Rewriting a hunk in the user's editor.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::Command;

use super::review_context::ReviewContext;
use crate::review::Review;
use crate::run::{Failure, Signals};
use crate::settings::Programs;
use crate::workspace::remove_tree;

/// Lets the user rewrite the current hunk; errors are shown on the page.
///
/// # Errors
/// When signals can't be handled any more.
pub(super) async fn rewrite(
    review: &mut Review,
    context: &ReviewContext,
    signals: &mut Signals,
) -> Result<(), Failure> {
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
    // What stays is removed with the leftovers of killed runs.
    let _ = remove_tree(&folder);
    // The editor handled Ctrl-C itself.
    signals.forget_interrupt()?;
    match edited {
        Ok(text) => review.edited(ended_as(&original, text)),
        Err(why) => review.say(why),
    }
    Ok(())
}

/// Writes `text` to a file in `folder`, runs the user's editor and returns the new content.
fn edit(folder: &Path, name: &str, text: &[u8], programs: &Programs) -> Result<Vec<u8>, String> {
    let unusable = |error: std::io::Error| format!("the text can't be handed to an editor: {error}");
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
    let file = folder.join(name);
    fs::write(&file, text).map_err(unusable)?;
    let words = chosen(&["VISUAL", "EDITOR"], "vi");
    let Some((program, arguments)) = words.split_first() else { return Err("$EDITOR is no command".to_owned()) };
    let place = programs.find(program).map_err(|error| format!("{error}; set EDITOR"))?;
    // An editor may read settings from its working folder.
    let mut command = Command::new(place);
    command.args(arguments).arg(&file).env("PATH", programs.path()).current_dir(folder);
    let status = command.status();
    match status {
        Ok(status) if status.success() => fs::read(&file).map_err(unusable),
        Ok(status) => Err(format!("{program} ended with {status}; nothing was rewritten")),
        Err(error) => Err(format!("{program} can't be started: {error}; set EDITOR")),
    }
}

/// The user's program with its arguments, from the first of `variables` that isn't empty, split as by a shell.
pub(super) fn chosen(variables: &[&str], otherwise: &str) -> Vec<String> {
    let mut named = variables.iter().filter_map(|name| std::env::var(name).ok());
    let line = named.find(|value| !value.trim().is_empty()).unwrap_or_else(|| otherwise.to_owned());
    shlex::split(&line).unwrap_or_default()
}

/// Restores the original's ending: editors end a file with a line break whether it had one or not, and a text in the
/// middle of a file must have one.
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

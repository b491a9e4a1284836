//! What can go wrong between the broker and its worker, and what a person can do about it.

use std::io;

use super::protocol::FrameError;
use crate::journal::Layer;

/// A worker that can't be started, or that doesn't answer any more.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The process can't be made.
    #[error("the worker process could not be started: {0}")]
    Spawn(#[source] io::Error),
    /// It started and can't do its work.
    #[error("the worker process can't work here: {0}")]
    Unfit(String),
    /// `strict`, and a layer that guards files, processes or network is missing.
    #[error("the wall around the worker is incomplete: {}", missing(.guards, .layers))]
    WallIncomplete {
        /// Which of `files`, `processes` and `network` are not guarded.
        guards: Vec<&'static str>,
        /// Every layer that was tried.
        layers: Vec<Layer>,
    },
    /// It is gone.
    #[error("the worker process died ({status}){}", last_words(.stderr))]
    Died {
        /// Its exit status.
        status: String,
        /// The last lines that it wrote to stderr; not sanitised.
        stderr: String,
    },
    /// What it sent is no message.
    #[error("the worker process and kcode don't understand each other: {0}")]
    Protocol(#[from] FrameError),
    /// A tool failed, and the model can't help it.
    #[error("{tool} failed: {reason}")]
    Failed {
        /// Which.
        tool: String,
        /// Why.
        reason: String,
    },
}

impl WorkerError {
    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Spawn(_) => "kcode starts its own binary a second time; check that it is still there and executable",
            Self::Unfit(_) => "check that kcode's state folder is writable and not full, then run again",
            Self::WallIncomplete { .. } => {
                "run with --sandbox auto to go on with the layers there are, or `kcode doctor` to see what would add the missing ones"
            }
            Self::Died { .. } => {
                "the run is kept; if memory ran out, give the tests less to do at once (--test), then continue it with `kcode resume`"
            }
            Self::Protocol(_) => "this is a bug in kcode, or its binary was replaced during the run; run again",
            Self::Failed { .. } => {
                "check free space and permissions of kcode's state folder, then continue with `kcode resume`"
            }
        }
    }
}

fn missing(guards: &[&str], layers: &[Layer]) -> String {
    let reasons: Vec<String> =
        layers.iter().filter(|layer| !layer.holds).map(|layer| format!("{}: {}", layer.name, layer.detail)).collect();
    let unguarded = format!("nothing guards {}", guards.join(" and "));
    if reasons.is_empty() { unguarded } else { format!("{unguarded} ({})", reasons.join("; ")) }
}

fn last_words(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(5)..];
    if last.is_empty() { String::new() } else { format!("; its last words: {}", last.join(" / ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_wall_names_what_is_open_and_why() {
        let layer = |name: &str, holds| Layer { name: name.into(), holds, detail: "not in this kernel".into() };
        let error = WorkerError::WallIncomplete {
            guards: vec!["files", "network"],
            layers: vec![layer("landlock", false), layer("rlimits", true)],
        };
        assert_eq!(
            error.to_string(),
            "the wall around the worker is incomplete: nothing guards files and network (landlock: not in this kernel)"
        );
    }
}

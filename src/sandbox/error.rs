//! Errors between the broker and its worker, and what a person can do about them.

use std::io;
use std::time::Duration;

use super::protocol::FrameError;
use crate::journal::{Outcome, SandboxBuilt, is_disk_failure};

/// A worker that can't be started, or that doesn't answer any more.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The process can't be started.
    #[error("the worker process could not be started: {0}")]
    Spawn(#[source] io::Error),
    /// It started but can't serve, for the given reason.
    #[error("the worker process can't work here: {0}")]
    Unfit(String),
    /// It did not confine itself within this time.
    #[error("the sandbox was not ready after {} s", .0.as_secs())]
    Late(Duration),
    /// With `strict`: a layer that guards files, processes or network is missing.
    #[error("the sandbox is incomplete: {}", missing(.guards, .sandbox))]
    SandboxIncomplete {
        /// The unguarded ones of `files`, `processes` and `network`.
        guards: Vec<&'static str>,
        /// The layers that are in effect.
        sandbox: Box<SandboxBuilt>,
    },
    /// The worker ended unexpectedly.
    #[error("the worker process died ({status}){}", last_words(.stderr))]
    Died {
        /// Its exit status, for people.
        status: String,
        /// Its last lines on stderr; not sanitised.
        stderr: String,
    },
    /// It sent an invalid message.
    #[error("the worker process and kcode don't understand each other: {0}")]
    Protocol(#[from] FrameError),
    /// A tool failed in a way that the model can't change.
    #[error("{tool} failed: {reason}")]
    Failed {
        /// The tool's name.
        tool: String,
        /// Description for people.
        reason: String,
        /// Whether the disk is the cause.
        disk: bool,
    },
}

impl WorkerError {
    /// The outcome of a run that ends with this error.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::SandboxIncomplete { .. } => Outcome::Refused,
            Self::Late(_) => Outcome::TryAgain,
            error if error.is_disk_failure() => Outcome::Storage,
            _ => Outcome::Internal,
        }
    }

    /// Whether the disk is the cause: the run can be resumed once there is space.
    #[must_use]
    pub fn is_disk_failure(&self) -> bool {
        match self {
            Self::Spawn(error) => is_disk_failure(error),
            Self::Failed { disk, .. } => *disk,
            _ => false,
        }
    }

    /// What a person can do, in a sentence or two.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = match self {
            _ if self.is_disk_failure() => {
                "free space on the disk of kcode's state folder, or set KCODE_HOME to another one"
            }
            Self::Spawn(_) => "kcode starts its own binary a second time; check that it is still there and executable",
            Self::Unfit(_) => "check that kcode's state folder is writable and not full, then run again",
            Self::Late(_) => {
                "the machine has no time for it, or a file system doesn't answer; run again when it is less busy"
            }
            Self::SandboxIncomplete { sandbox, .. } => return to_complete(sandbox),
            Self::Died { .. } => {
                "if memory ran out, have the tests do less at once, such as in fewer processes; then try again"
            }
            Self::Protocol(_) => "this is a bug in kcode, or its binary was replaced during the run; run again",
            Self::Failed { .. } => "check free space and permissions of kcode's state folder, then try again",
        };
        hint.to_owned()
    }
}

/// How to get the missing layers.
fn to_complete(sandbox: &SandboxBuilt) -> String {
    let guarding = sandbox.layers.iter().filter(|layer| !layer.only_bounds());
    let mut hints: Vec<&str> = guarding.filter_map(|layer| layer.hint.as_deref()).collect();
    hints.push("`kcode doctor` shows all layers, and --sandbox auto goes on with those there are");
    hints.join("; ")
}

fn missing(guards: &[&str], sandbox: &SandboxBuilt) -> String {
    let layers = sandbox.layers.iter().filter(|layer| !layer.holds && !layer.only_bounds());
    let mut reasons: Vec<String> = layers.map(|layer| format!("{}: {}", layer.name, layer.detail)).collect();
    let open = sandbox.proof.iter().filter(|proof| !proof.held);
    reasons.extend(open.map(|proof| format!("it could {}: {}", proof.attempt, proof.detail)));
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
    use crate::journal::{Guard, Layer, Proof};

    #[test]
    fn an_incomplete_wall_names_what_is_open_and_why_and_what_to_do() {
        let landlock = Layer::missing("landlock", "not in this kernel").with_hint(Some("take another kernel".into()));
        let open = Proof {
            guards: Guard::Files,
            attempt: "change a file outside the view".into(),
            held: false,
            detail: "it worked".into(),
        };
        let refused = Proof { held: true, ..open.clone() };
        let sandbox = SandboxBuilt {
            layers: vec![landlock, Layer::holding("rlimits", "set")],
            proof: vec![refused, open],
            ..SandboxBuilt::default()
        };
        let error = WorkerError::SandboxIncomplete { guards: vec!["files", "network"], sandbox: Box::new(sandbox) };
        assert_eq!(
            error.to_string(),
            "the sandbox is incomplete: nothing guards files and network \
             (landlock: not in this kernel; it could change a file outside the view: it worked)"
        );
        assert!(error.hint().starts_with("take another kernel; `kcode doctor`"), "{}", error.hint());
    }
}

//! What can go wrong between the broker and its worker, and what a person can do about it.

use std::io;
use std::time::Duration;

use super::protocol::FrameError;
use crate::journal::{Outcome, SandboxBuilt, is_disk_failure};

/// A worker that can't be started, or that doesn't answer any more.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The process can't be made.
    #[error("the worker process could not be started: {0}")]
    Spawn(#[source] io::Error),
    /// It started and can't do its work.
    #[error("the worker process can't work here: {0}")]
    Unfit(String),
    /// It was given time to confine itself, and said nothing.
    #[error("the sandbox was not ready after {} s", .0.as_secs())]
    Late(Duration),
    /// `strict`, and a layer that guards files, processes or network is missing.
    #[error("the sandbox is incomplete: {}", missing(.guards, .sandbox))]
    SandboxIncomplete {
        /// Which of `files`, `processes` and `network` are not guarded.
        guards: Vec<&'static str>,
        /// What there is of it.
        sandbox: Box<SandboxBuilt>,
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
        /// True when the disk is why.
        disk: bool,
    },
}

impl WorkerError {
    /// What a run comes to that it ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::SandboxIncomplete { .. } => Outcome::Refused,
            Self::Late(_) => Outcome::TryAgain,
            error if error.is_disk_failure() => Outcome::Storage,
            _ => Outcome::Internal,
        }
    }

    /// True when the disk is why: what it holds is kept, and the run can go on once there is space.
    #[must_use]
    pub fn is_disk_failure(&self) -> bool {
        match self {
            Self::Spawn(error) => is_disk_failure(error),
            Self::Failed { disk, .. } => *disk,
            _ => false,
        }
    }

    /// What a person can do.
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
                "the run is kept; if memory ran out, give the tests less to do at once (--test), then continue it with `kcode resume`"
            }
            Self::Protocol(_) => "this is a bug in kcode, or its binary was replaced during the run; run again",
            Self::Failed { .. } => {
                "check free space and permissions of kcode's state folder, then continue with `kcode resume`"
            }
        };
        hint.to_owned()
    }
}

/// What would add the layers that are missing, and what there is besides.
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

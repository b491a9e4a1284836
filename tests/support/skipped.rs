//! Tests that can't be made on this machine.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;

/// What a skipped test needs. `.ci/run` looks for these words, and fails if its machine has what they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// The points at which tests kill the binary.
    DebugBuild,
    Bwrap,
    UserNamespaces,
    /// Namespaces in which `/proc` can be mounted, as commands get them.
    PidNamespaces,
    /// A mount in a namespace of its own.
    Mounts,
    Overlay,
    Root,
    Program(&'a str),
    /// What no command can check beforehand.
    Other(&'a str),
}

impl fmt::Display for Need<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("needs ")?;
        f.write_str(match self {
            Self::DebugBuild => "a debug build",
            Self::Bwrap => "bwrap",
            Self::UserNamespaces => "user namespaces",
            Self::PidNamespaces => "PID namespaces",
            Self::Mounts => "mounts",
            Self::Overlay => "an overlay",
            Self::Root => "root",
            Self::Program(name) => return write!(f, "the program {name}"),
            Self::Other(what) => what,
        })
    }
}

/// Says that a test, or a part of one, is skipped and why. What tests say is shown of those that fail alone, so that it also goes
/// to the file that `KCODE_SKIPPED` names, a line each; `.ci/run` counts them.
pub fn skipped(need: Need<'_>) {
    eprintln!("skipped: {need}");
    let Some(list) = std::env::var_os("KCODE_SKIPPED") else { return };
    let test = std::thread::current().name().unwrap_or("a part of a test").to_owned();
    // One write a line: tests run beside each other.
    let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
    list.write_all(format!("{test}: {need}\n").as_bytes()).unwrap();
}

/// Whether it is there; says that the test is skipped when it isn't.
pub fn given(need: Need<'_>, is_there: bool) -> bool {
    if !is_there {
        skipped(need);
    }
    is_there
}

/// Whether the binary has points at which tests kill it.
pub fn can_crash() -> bool {
    given(Need::DebugBuild, cfg!(debug_assertions))
}

/// Whether commands find that program.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    given(Need::Program(name), std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

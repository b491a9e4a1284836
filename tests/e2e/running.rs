//! A command while it runs.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::processes::{self, Process};
use crate::ran::Ran;

/// No test waits so long unless something is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < limit, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    state: PathBuf,
}

impl Running {
    pub fn new(child: Child, out: PathBuf, err: PathBuf, state: PathBuf) -> Self {
        Self { child, out, err, state }
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Everything that it started and that lives.
    pub fn descendants(&self) -> Vec<Process> {
        processes::below(self.child.id())
    }

    /// Waits until a program of that name runs somewhere below it.
    pub fn wait_for_program(&self, name: &str) {
        wait_until(&format!("{name} runs"), || self.descendants().iter().any(|process| process.name == name));
    }

    /// Waits until its journal holds `text`.
    pub fn wait_for_journal(&self, text: &str) {
        wait_until(&format!("the journal holds {text}"), || self.journals().contains(text));
    }

    /// Waits until it has told `text` to people.
    pub fn wait_until_it_says(&self, text: &str) {
        wait_until(&format!("it says {text}"), || fs::read_to_string(&self.err).is_ok_and(|told| told.contains(text)));
    }

    fn journals(&self) -> String {
        let Ok(runs) = fs::read_dir(self.state.join("runs")) else { return String::new() };
        let journals = runs.flatten().map(|run| fs::read(run.path().join("journal.jsonl")).unwrap_or_default());
        String::from_utf8_lossy(&journals.collect::<Vec<_>>().concat()).into_owned()
    }

    /// To its end, which must come.
    pub fn wait(self) -> Ran {
        self.wait_within(PATIENCE)
    }

    /// The same, for what is known to take long.
    pub fn wait_within(mut self, patience: Duration) -> Ran {
        let limit = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < limit, "it hangs; so far: {}", fs::read_to_string(&self.err).unwrap());
            std::thread::sleep(Duration::from_millis(2));
        };
        let output = Output { status, stdout: fs::read(&self.out).unwrap(), stderr: fs::read(&self.err).unwrap() };
        assert_ne!(output.status.signal(), Some(Signal::SEGV.as_raw()));
        Ran::new(output, &self.state)
    }
}

impl Drop for Running {
    /// A test that failed leaves nothing behind either.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

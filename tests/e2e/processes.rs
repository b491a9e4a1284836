//! The processes of this machine, as `/proc` shows them.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub name: String,
    parent: u32,
    started: u64,
}

impl Process {
    /// Whether this very process (not another of its number) still runs.
    pub fn lives(&self) -> bool {
        look(self.pid).is_some_and(|now| now.started == self.started)
    }
}

/// A living process; `None` for one that is gone or only waits to be collected.
fn look(pid: u32) -> Option<Process> {
    let line = String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?).into_owned();
    let (name, fields) = (line.find('(')? + 1..line.rfind(')')?, &line[line.rfind(')')? + 2..]);
    let fields: Vec<&str> = fields.split(' ').collect();
    let lives = !matches!(fields[0], "Z" | "X");
    let process = Process {
        pid,
        name: line[name].to_owned(),
        parent: fields[1].parse().ok()?,
        started: fields[19].parse().ok()?,
    };
    lives.then_some(process)
}

fn all() -> Vec<Process> {
    let numbers = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(look).collect()
}

/// All descendants of a process.
pub fn below(pid: u32) -> Vec<Process> {
    let all = all();
    let (mut found, mut parents) = (Vec::<Process>::new(), vec![pid]);
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            found.push(process.clone());
        }
    }
    found
}

/// Those that work in `folder`, or name it in their arguments or environment.
pub fn about(folder: &Path) -> Vec<Process> {
    let name = folder.as_os_str().as_bytes();
    let mentions = |text: Vec<u8>| text.windows(name.len()).any(|window| window == name);
    let is_about = |process: &Process| {
        let read = |file: &str| fs::read(format!("/proc/{}/{file}", process.pid)).unwrap_or_default();
        let cwd = fs::read_link(format!("/proc/{}/cwd", process.pid)).unwrap_or_default();
        cwd.starts_with(folder) || mentions(read("cmdline")) || mentions(read("environ"))
    };
    all().into_iter().filter(is_about).collect()
}

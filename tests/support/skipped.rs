//! Tests that can't be made on this machine.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Says that a test, or a part of one, is skipped and why. What tests say is shown of those that fail alone, so that it also goes
/// to the file that `KCODE_SKIPPED` names, a line each; `.ci/run` counts them.
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
    let Some(list) = std::env::var_os("KCODE_SKIPPED") else { return };
    let test = std::thread::current().name().unwrap_or("a part of a test").to_owned();
    // One write a line: tests run beside each other.
    let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
    list.write_all(format!("{test}: {why}\n").as_bytes()).unwrap();
}

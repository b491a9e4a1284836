//! What a command came to, and what it kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::assert::Assert;
use regex::Regex;
use serde_json::Value;

pub struct Ran {
    pub output: Output,
    state: PathBuf,
}

impl Ran {
    pub fn new(output: Output, state: &Path) -> Self {
        Self { output, state: state.to_owned() }
    }

    /// Fails, and shows everything, unless it ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        Assert::new(self.output.clone()).code(code);
        self
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Fails unless standard error holds all of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let stderr = self.stderr();
        for word in words {
            assert!(stderr.contains(word), "{word:?} is not in:\n{stderr}");
        }
        self
    }

    /// Standard error without what differs from run to run.
    pub fn steady_stderr(&self) -> String {
        steady(&self.stderr())
    }

    /// The only run of this world.
    #[track_caller]
    pub fn kept(&self) -> Kept {
        let runs: Vec<_> = fs::read_dir(self.state.join("runs")).unwrap().map(|run| run.unwrap().path()).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        Kept(runs[0].clone())
    }

    pub fn report(&self) -> Value {
        self.kept().report()
    }
}

/// A run's folder.
pub struct Kept(pub PathBuf);

impl Kept {
    pub fn id(&self) -> String {
        self.0.file_name().unwrap().to_str().unwrap().to_owned()
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn report(&self) -> Value {
        serde_json::from_str(&self.read("report.json")).unwrap()
    }

    /// The journal's records.
    pub fn journal(&self) -> Vec<Value> {
        self.read("journal.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The journal's records of one type.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.journal().into_iter().filter(|record| record["type"] == kind).collect()
    }

    /// The conversation as it stands.
    pub fn messages(&self) -> Vec<Value> {
        let messages = self.events("message");
        messages.iter().map(|message| serde_json::from_str(message["json"].as_str().unwrap()).unwrap()).collect()
    }

    /// What tools answered, in order.
    pub fn answers(&self) -> Vec<String> {
        let tools = self.messages().into_iter().filter(|message| message["role"] == "tool");
        tools.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    }
}

/// `text` without run ids, ports, times, the sandbox's figures, and lines that appear whenever they are ready.
pub fn steady(text: &str) -> String {
    let rules = [
        (r"kcode \d+\.\d+\.\d+", "kcode VERSION"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\b(run|apply|show|resume|undo|review|verify) [0-9a-z]{4,}\b", "$1 RUN"),
        (r"on linux \S+ \S+;", "on MACHINE;"),
        (r"(?m)^sandbox .*(\n {10}not held: .*)*$", "sandbox LAYERS"),
        (r"\| Sandbox .*", "| SANDBOX |"),
        (r"Tokens \| [\d.]+k? in \([\d.]+k? cached\), [\d.]+k? out", "Tokens | N in (N cached), N out"),
        (r"^# Run .*", "# Run RUN"),
        (r"(?m)^    before .*\n(            .*\n)*", ""),
        (r"\d+(\.\d+)? s\b", "N s"),
        (r"\$\d+\.\d+", "USD"),
        (r"[\d.]+k? tokens in \(\d+ % cached\), [\d.]+k? out", "N tokens in (N % cached), N out"),
    ];
    rules.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

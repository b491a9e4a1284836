//! Generates `docs/cli.md` and the JSON Schemas from the code, so that they can't drift from it. A test compares them.

use std::fmt::Write;

use clap::CommandFactory;
use schemars::{Schema, schema_for};

use super::command_line::CommandLine;
use super::gc::Cleared;
use super::list::RunList;
use super::policy::PolicyCheck;
use super::stats::StatsList;
use crate::ci::CiResult;
use crate::journal::{Outcome, Record};
use crate::replay::Archive;
use crate::report::{Audit, Report, Verification};
use crate::settings::KEYS;

/// What a patch has to pass, in prose.
const STANDING: &str = include_str!("standing.md");
/// How a review works, in prose.
const REVIEWING: &str = include_str!("reviewing.md");

/// The command line as Markdown: every command's help, what a patch has to pass, reviews, settings, and exit codes.
#[must_use]
pub fn markdown() -> String {
    let mut command = CommandLine::command().term_width(100);
    command.build();
    let mut out = String::from(
        "# The command line\n\nMade from the program's own help; `KCODE_UPDATE_DOCS=1 cargo test --test library docs::` renews it.\n",
    );
    let mut section = |title: &str, help: String| {
        // Writing to a String can't fail.
        let _ = write!(out, "\n## {title}\n\n```text\n{}\n```\n", help.trim_end());
    };
    section("kcode", command.render_long_help().to_string());
    for sub in command.get_subcommands_mut().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        section(&format!("kcode {}", sub.get_name()), sub.render_long_help().to_string());
    }
    let _ = write!(out, "\n## What a patch has to pass\n\n{STANDING}\n## A review\n\n{REVIEWING}");
    write_settings(&mut out);
    out.push_str("\n## Exit codes\n\n| Exit | Outcome | |\n|---|---|---|\n");
    for outcome in Outcome::ALL {
        let _ = writeln!(out, "| {} | `{}` | {} |", outcome.exit_code(), outcome.name(), outcome.meaning());
    }
    out
}

fn write_settings(out: &mut String) {
    out.push_str("\n## Settings files\n\nTOML; a name with a dot is a key of that table.\n\n");
    out.push_str("| Setting | Such as | In the repository's `.kcode.toml` |\n|---|---|---|\n");
    for key in &KEYS {
        let there = key.not_for_repositories.map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
        // Writing to a String can't fail.
        let _ = writeln!(out, "| `{}` | `{}` | {there} |", key.name, key.example);
    }
}

/// JSON Schema of a journal's lines, and of `--output jsonl`.
#[must_use]
pub fn event_schema() -> Schema {
    schema_for!(Record)
}

/// JSON Schema of `report.json`.
#[must_use]
pub fn report_schema() -> Schema {
    schema_for!(Report)
}

/// JSON Schemas of the output of commands on kept runs and of a CI job's result, by name.
#[must_use]
pub fn listing_schemas() -> [(&'static str, Schema); 8] {
    [
        ("verification", schema_for!(Verification)),
        ("audit", schema_for!(Audit)),
        ("runs", schema_for!(RunList)),
        ("stats", schema_for!(StatsList)),
        ("gc", schema_for!(Cleared)),
        ("run", schema_for!(Archive)),
        ("policy", schema_for!(PolicyCheck)),
        ("ci", schema_for!(CiResult)),
    ]
}

//! The command line: arguments and one file a command; the only module that may print.
//!
//! A command returns an `Outcome` or a `Failure`; both determine the exit code.

mod apply;
mod arguments;
mod audit;
mod canned;
mod ci;
#[cfg(test)]
mod command_imports;
mod command_line;
mod config;
mod consent;
mod demo;
mod doctor;
mod export;
mod fix;
mod gc;
mod hard_links;
mod harden;
#[cfg(test)]
mod hints;
mod kept_runs;
mod keyboard;
mod latest;
mod list;
mod output;
mod policy;
mod publish;
mod question;
mod readable;
mod recover;
pub mod reference;
mod refusal;
mod replay;
mod review;
mod show;
mod since;
mod stats;
mod synonyms;
mod task_text;
mod terminal;
mod undo;
mod verify;
mod work_flags;

use std::process::ExitCode;

use clap::Parser;

use crate::journal::Outcome;
use crate::render::letters;
use crate::run::{Ended, Failure};
use crate::settings::{self, Environment};
use crate::{sandbox, workspace};
use arguments::{ColorChoice, Global};
use command_line::{Command, CommandLine};
use review::ReviewOptions;

/// Parses the process's arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == sandbox::SUBCOMMAND) {
        return sandbox::host::main();
    }
    harden::harden();
    let CommandLine { global, command } = match parse() {
        Ok(line) => line,
        Err(code) => return code,
    };
    choose_colour(global.color);
    recover::settle(&global);
    if command.reads_runs_alone() {
        warn_of_settings(&global);
    }
    let ended = match &command {
        Command::Fix(fix) => fix::execute(&global, fix).and_then(|ended| after_a_run(&global, ended)),
        Command::Resume(resume) => fix::resume(&global, resume).and_then(|ended| after_a_run(&global, ended)),
        Command::Ci(ci) => ci::execute(&global, ci),
        Command::Publish(publish) => publish::execute(&global, publish),
        Command::Replay(replay) => replay::execute(&global, replay),
        Command::Export(export) => export::execute(&global, export),
        Command::Demo => demo::execute(&global),
        Command::Config(config) => config::execute(&global, config),
        Command::Doctor(doctor) => doctor::execute(&global, doctor),
        Command::Diff(run) => show::diff(&global, run),
        Command::Show(show) => show::show(&global, show),
        Command::Review(review) => review::execute(&global, review),
        Command::Audit(which) => audit::execute(&global, which),
        Command::Runs(which) => list::execute(&global, which),
        Command::Stats(what) => stats::execute(&global, what),
        Command::Gc(what) => gc::execute(&global, what),
        Command::Apply(apply) => apply::execute(&global, apply),
        Command::Undo(run) => undo::execute(&global, run),
        Command::Verify(verify) => verify::execute(&global, verify),
        Command::Policy(policy) => policy::execute(&global, policy),
    };
    let outcome = ended.unwrap_or_else(|failure| {
        output::say(&failure.to_string());
        failure.outcome
    });
    workspace::remove_temporary();
    ExitCode::from(outcome.exit_code())
}

/// Parses the command line. On an error it prints the message; for clap, help and version are errors with exit code 0.
fn parse() -> Result<CommandLine, ExitCode> {
    if letters::is_dumb() {
        choose_colour(ColorChoice::Auto);
    }
    CommandLine::try_parse().map_err(|refusal| {
        let code = refusal.exit_code() as u8;
        if refusal.use_stderr() {
            let told = refusal::explained(refusal).render();
            let told = if console::colors_enabled_stderr() { told.ansi().to_string() } else { told.to_string() };
            output::say(told.trim_end());
        } else {
            let told = refusal.render();
            let told = if console::colors_enabled() { told.ansi().to_string() } else { told.to_string() };
            // A pipe that can't be written to isn't worth a word.
            let _ = output::data(letters::spelt(&told).as_bytes());
        }
        ExitCode::from(code)
    })
}

/// Starts a review if the user wants one; the run is over and its journal unlocked, so it works as it would later. Then
/// removes old runs.
fn after_a_run(global: &Global, ended: Ended) -> Result<Outcome, Failure> {
    let Ended { mut outcome, review } = ended;
    if let Some(run) = review {
        let reviewed = review::review(global, run, ReviewOptions::default())?;
        outcome = if reviewed == Outcome::Verified { outcome } else { reviewed };
    }
    gc::after_a_run(global);
    Ok(outcome)
}

/// A mistake in a settings file doesn't keep commands from reading runs.
fn warn_of_settings(global: &Global) {
    if let Some(error) = settings::wrong_beside_state_dir(&Environment::from_process(), global.config.as_deref()) {
        output::say(&format!("warning: {error}; nothing of that file was used here ({})", error.hint()));
    }
}

fn choose_colour(choice: ColorChoice) {
    let is_forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let forced = match choice {
        // A terminal without escape codes has no colours.
        ColorChoice::Auto if letters::is_dumb() && !is_forced => false,
        ColorChoice::Auto => return,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    };
    console::set_colors_enabled(forced);
    console::set_colors_enabled_stderr(forced);
}

//! Arguments and commands, one file a command; the only floor that may print.
//!
//! A command returns an `Outcome` or a `Failure`; both name the exit code.

mod apply;
mod arguments;
mod audit;
mod config;
mod consent;
mod demo;
mod doctor;
mod export;
mod fix;
mod gc;
mod harden;
mod keyboard;
mod latest;
mod list;
mod output;
mod question;
mod readable;
pub mod reference;
mod refusal;
mod replay;
mod review;
mod runs;
mod settle;
mod since;
mod stats;
mod synonyms;
mod undo;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::journal::Outcome;
use crate::render::letters;
use crate::run::Failure;
use crate::settings::{self, Environment};
use crate::{sandbox, workspace};
use arguments::{ColorChoice, Command, CommandLine};

/// Parses the process's arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == sandbox::SUBCOMMAND) {
        return sandbox::host::main();
    }
    harden::harden();
    if letters::is_dumb() {
        choose_colour(ColorChoice::Auto);
    }
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => {
            // Help and version are "errors" to clap, with exit code 0. A closed pipe isn't worth a word.
            let code = refusal.exit_code() as u8;
            if refusal.use_stderr() {
                let told = refusal::explained(refusal).render();
                let told = if console::colors_enabled_stderr() { told.ansi().to_string() } else { told.to_string() };
                output::say(told.trim_end());
            } else {
                let _ = refusal.print();
            }
            return ExitCode::from(code);
        }
    };
    choose_colour(arguments.global.color);
    let outcome = run(&arguments).unwrap_or_else(|failure| {
        output::say(&failure.to_string());
        failure.outcome
    });
    workspace::remove_temporary();
    ExitCode::from(outcome.exit_code())
}

fn run(arguments: &CommandLine) -> Result<Outcome, Failure> {
    let global = &arguments.global;
    settle::settle(global);
    if arguments.command.reads_runs_alone() {
        warn_of_settings(global);
    }
    match &arguments.command {
        Command::Fix(fix) => fix::execute(global, fix).inspect(|_| gc::after_a_run(global)),
        Command::Resume(resume) => fix::resume(global, resume).inspect(|_| gc::after_a_run(global)),
        Command::Replay(replay) => replay::execute(global, replay),
        Command::Export(export) => export::execute(global, export),
        Command::Demo => demo::execute(global),
        Command::Config(config) => config::execute(global, config),
        Command::Doctor(doctor) => doctor::execute(global, doctor),
        Command::Diff(run) => runs::diff(global, run),
        Command::Show(show) => runs::show(global, show),
        Command::Review(review) => review::execute(global, review),
        Command::Audit(which) => audit::execute(global, which),
        Command::Runs(which) => list::execute(global, which),
        Command::Stats(what) => stats::execute(global, what),
        Command::Gc(what) => gc::execute(global, what),
        Command::Apply(apply) => apply::execute(global, apply),
        Command::Undo(run) => undo::execute(global, run),
        Command::Verify(verify) => verify::execute(global, verify),
    }
}

/// Whoever looks at runs isn't kept from it by a slip in a file.
fn warn_of_settings(global: &arguments::Global) {
    if let Some(error) = settings::wrong_beside_state_dir(&Environment::from_process(), global.config.as_deref()) {
        output::say(&format!("warning: {error}; nothing of that file was used here ({})", error.hint()));
    }
}

fn choose_colour(choice: ColorChoice) {
    let is_forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let forced = match choice {
        // A terminal that understands no escape codes is no terminal for colours.
        ColorChoice::Auto if letters::is_dumb() && !is_forced => false,
        ColorChoice::Auto => return,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    };
    console::set_colors_enabled(forced);
    console::set_colors_enabled_stderr(forced);
}

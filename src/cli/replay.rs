//! `kcode replay`: plays a recorded run again, offline, and compares it with what was recorded.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::arguments::{Global, parse_sandbox};
use super::latest::{self, Purpose};
use super::output;
use super::readable::ShownArguments;
use super::terminal::Terminal;
use crate::journal::{Outcome, RUN_FILE_LIMIT, read_regular};
use crate::replay::{Archive, NotReplayable, Played, Recording, Script};
use crate::run::{self, Failure, REPLAYS, ReplayContext, RunSpec, clear_replays};
use crate::settings::{self, Environment, FlagLayer, Redactor, Sandbox, Setting, Settings};
use crate::text::{counted, sanitise};
use crate::workspace::{Blobs, ChangeSet, NoTreeId, Repository, TreeIndex, remove_tree_soon, still_applies};

/// The time limit that stopped the recorded run isn't replayed.
const PATIENCE: Duration = Duration::from_hours(24);

/// See [`Command::Replay`](super::command_line::Command::Replay).
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// The run's id or a prefix of it, or a file that it was exported to; the latest run of this repository that can be used
    /// if left out
    #[arg(value_name = "RUN|FILE")]
    pub run: Option<String>,
    /// Let the model take as long as it did, N times faster [default: as fast as it goes]
    #[arg(long, value_name = "N", value_parser = parse_speed, allow_hyphen_values = true)]
    pub speed: Option<f64>,
    #[command(flatten)]
    pub shown: ShownArguments,
    /// How complete the sandbox has to be
    #[arg(long, value_parser = parse_sandbox, value_name = "strict|auto|off")]
    pub sandbox: Option<Sandbox>,
}

fn parse_speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.01..=1e6).contains(&speed) => Ok(speed),
        _ => Err(format!("{text:?} is not a speed; write 1, 10 or 0.5")),
    }
}

pub(super) fn execute(global: &Global, arguments: &ReplayArguments) -> Result<Outcome, Failure> {
    let named = arguments.run.as_deref();
    let recording = recording(global, named)?;
    recording.check()?;
    let (theirs, ours) = (recording.started.version.as_str(), env!("CARGO_PKG_VERSION"));
    if theirs != ours {
        output::say(&format!("replay: the run was made by kcode {theirs}, whose requests may differ from {ours}'s"));
    }
    let repository = repository(global, named, &recording)?;
    let script = Arc::new(Script::new(&recording, &repository.root().to_string_lossy()));
    let shown = arguments.shown.shown();
    let flags = FlagLayer { sandbox: arguments.sandbox, readable: shown.0.clone(), ..FlagLayer::default() };
    let mut settings = settings(global, &flags, &recording, &script, &repository)?;
    shown.check(&settings, repository.root())?;
    let place = ReplayState::make(&settings.state_dir.value)?;
    let applied = start(&recording, &repository, &place.path.join("start"))?;
    let run = recording.started.run.clone();
    let consents = std::mem::replace(&mut settings.state_dir.value, place.path.clone());
    let front = Terminal::watching(global);
    let context = ReplayContext { recording, script, applied, speed: arguments.speed };
    let spec = context.spec(repository, settings, global.loudness(), &front);
    let ended = run::replay(RunSpec { consents, ..spec }, &context)?;
    match (context.script.played(), ended) {
        (_, Outcome::Interrupted) => Ok(Outcome::Interrupted),
        (Ok(played), _) => {
            output::page(&format!("run {run} replayed: {}\n", told(&played)))?;
            Ok(Outcome::Verified)
        }
        (Err(divergence), _) => {
            let divergence = format!("run {run} diverges: {divergence}\n");
            let redactor = Redactor::of(&Environment::from_process());
            output::data(sanitise(&redactor.text(&divergence)).as_bytes())?;
            Ok(Outcome::Diverged)
        }
    }
}

/// The recording: a kept run by name, or an exported file.
fn recording(global: &Global, named: Option<&str>) -> Result<Recording, Failure> {
    let is_path = |named: &&Path| {
        named.exists() && named.parent().is_some_and(|parent| parent != Path::new("") || named.is_file())
    };
    if let Some(file) = named.map(Path::new).filter(is_path) {
        let unreadable = |error: io::Error| {
            let hint = "give the name of a run, or of a file that `kcode export` wrote";
            Failure::usage(format!("{} can't be replayed: {error}", file.display()), hint)
        };
        return read_regular(file, RUN_FILE_LIMIT).and_then(|json| Archive::unpack(&json)).map_err(unreadable);
    }
    let folder = latest::find(global, named, Purpose::Replay)?;
    Recording::of_run(&folder).map_err(|error| run::unreadable(folder.path(), &error))
}

/// A run of this machine is replayed in its own repository, unless a folder is named.
fn repository(global: &Global, named: Option<&str>, recording: &Recording) -> Result<Repository, Failure> {
    let is_file = named.is_some_and(|named| Path::new(named).is_file());
    let root = Path::new(&recording.started.repository);
    let is_there = global.repo.is_none() && !is_file && root.is_dir();
    let repository = if is_there { Repository::open(root)? } else { global.repository()? };
    Ok(repository.seen_from(recording.started.focus.clone()))
}

/// The recorded run's model and limits; everything else, such as paths, is this machine's.
fn settings(
    global: &Global,
    flags: &FlagLayer,
    recording: &Recording,
    script: &Script,
    repository: &Repository,
) -> Result<Settings, Failure> {
    let mut settings = global.settings(flags, repository)?;
    let (started, limits) = (&recording.started, &recording.started.limits);
    settings.model.value.clone_from(&started.model);
    settings.max_turns.value = limits.max_turns;
    settings.max_tokens.value = limits.max_tokens;
    // The default origin: the run had this limit, but the user doesn't insist on it now.
    settings.max_cost = Setting { value: limits.max_cost_usd, origin: settings::Origin::Default };
    settings.writes.value = started.writes.clone().unwrap_or_default();
    settings.repository_writes.clone_from(&started.repository_writes);
    settings.baseline.value = script.has_baseline();
    settings.max_time.value = PATIENCE;
    // The recording knows which failure was the last.
    settings.max_retries.value = u32::MAX;
    if let Some(cap) = recording.most_completion_tokens() {
        settings.max_completion_tokens.value = cap;
    }
    Ok(settings)
}

/// Which of the recorded changes the tree already contains: none, or all. Any other tree can't be the start of a
/// replay.
fn start(recording: &Recording, repository: &Repository, folder: &Path) -> Result<ChangeSet, Failure> {
    let nothing = ChangeSet::new(Vec::new());
    let Some(needed) = recording.start_tree() else {
        output::say("replay: the run's journal doesn't tell which tree it started from; what differs shows");
        return Ok(nothing);
    };
    let index = TreeIndex::of(repository, folder).map_err(|error| unknown(&error))?;
    if index.start() == needed {
        return Ok(nothing);
    }
    let blobs = Blobs::at(&folder.join("blobs"));
    let way_back = recording.changes.reversed();
    let leads_there = || {
        recording.lay_out(&blobs).is_ok() && index.with(&way_back, &blobs).is_ok_and(|trees| trees.patched == needed)
    };
    if !way_back.is_empty() && still_applies(repository.root(), &way_back).is_ok() && leads_there() {
        return Ok(recording.changes.clone());
    }
    let (run, there) = (&recording.started.run, index.start());
    let head = recording.started.head.as_deref().map(|head| format!(" (run {run} began at commit {head})"));
    let hint = format!(
        "bring the tree to that state, uncommitted changes included{}; or name a folder that has it with -C",
        head.unwrap_or_default()
    );
    Err(Failure::new(Outcome::Refused, format!("run {run} started from another tree than the one that is here"), hint)
        .fact("needed", needed)
        .fact("here", there))
}

fn unknown(error: &NoTreeId) -> Failure {
    let message = format!("it can't be told whether this is the tree that the run started from: {error}");
    Failure::new(Outcome::Refused, message, "name a clone without other files with -C")
}

fn told(played: &Played) -> String {
    let mut equal = vec![
        counted(played.requests, "request"),
        counted(played.tool_calls, "tool call"),
        counted(played.patches, "state") + " of the patch",
        counted(played.test_runs, "test run"),
    ];
    if played.checks > 0 {
        equal.push(counted(played.checks, "check"));
    }
    let until = played.cut_short_in.map(|turn| {
        format!("; it was ended from outside in turn {turn}, and what it did from there on can't be replayed")
    });
    format!("{} are equal{}", equal.join(", "), until.unwrap_or_default())
}

/// A state folder for this replay alone, beside the runs, so that its views are made as theirs are.
struct ReplayState {
    path: PathBuf,
}

impl ReplayState {
    fn make(state: &Path) -> Result<Self, Failure> {
        let unusable = || format!("{} can't be used", state.display());
        DirBuilder::new().recursive(true).mode(0o700).create(state).with_context(unusable)?;
        clear_replays(state);
        let folder = tempfile::Builder::new().prefix(REPLAYS).tempdir_in(state).with_context(unusable)?;
        Ok(Self { path: folder.keep() })
    }
}

impl Drop for ReplayState {
    fn drop(&mut self) {
        // What can't be removed in time is removed by the next run or replay.
        let _ = remove_tree_soon(&self.path);
    }
}

impl From<NotReplayable> for Failure {
    fn from(error: NotReplayable) -> Self {
        Self::new(Outcome::Refused, format!("the run can't be replayed: {error}"), error.hint())
    }
}

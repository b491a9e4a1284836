//! Finishes or takes back what a killed kcode left in a user's tree; every command does this first.

use super::arguments::Global;
use super::output;
use crate::journal::{RelPath, RunFolder};
use crate::run::renew_report;
use crate::settings::{self, Environment};
use crate::text::sanitise;
use crate::workspace::{self, Doing, Settled};

/// Settles unfinished operations and reports them. When the state folder isn't known, the command itself reports why.
pub(super) fn settle(global: &Global) {
    let env = Environment::from_process();
    let Ok(state) = settings::state_dir(&env, global.config.as_deref(), None) else { return };
    for settled in workspace::settle(&state.value) {
        output::say(&told(&settled));
        if settled.finished {
            renew_report(&RunFolder::at(&state.value, &settled.run), output::say);
        }
    }
}

fn told(settled: &Settled) -> String {
    let Settled { run, doing, finished, theirs, stuck, untold } = settled;
    let (verb, done) = match doing {
        Doing::Apply => ("applying", "applied"),
        Doing::Undo => ("undoing", "undone"),
    };
    let named = |files: &[RelPath]| files.iter().map(RelPath::as_str).collect::<Vec<_>>().join(", ");
    let end = match (finished, &theirs[..], &stuck[..]) {
        (true, ..) => {
            let untold = untold.as_ref().map_or_else(String::new, |why| format!(", but {why}"));
            format!("; it is {done}{untold}")
        }
        (false, [], []) => "; your tree is as it was before".to_owned(),
        (false, files, []) => {
            let files = named(files);
            format!("; your tree is as it was before, but for files that changed meanwhile: {files}")
        }
        (false, _, stuck) => format!(", and these files can't be put back yet: {}", stuck.join(", ")),
    };
    sanitise(&format!("{verb} run {run} was cut short{end}")).into_owned()
}

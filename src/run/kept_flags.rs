//! What options asked of a run beside its limits, kept for the day when it is taken up again.

use super::options::RunOptions;
use crate::journal::{RunFlag, RunStarted};

/// The flags that a run records, for `kcode resume` to take over.
pub(super) fn kept(flags: &RunOptions) -> Vec<RunFlag> {
    let asked = [
        (flags.no_verify, RunFlag::NoVerify),
        (flags.no_baseline, RunFlag::NoBaseline),
        (flags.reproduce, RunFlag::Reproduce),
        (flags.minimize, RunFlag::Minimize),
        (flags.allow_test_edits, RunFlag::AllowTestEdits),
        (flags.allow_failing_setup, RunFlag::AllowFailingSetup),
    ];
    asked.into_iter().filter_map(|(is_asked, flag)| is_asked.then_some(flag)).collect()
}

/// `flags` with what the run was `started` with. Where both contradict each other, what is asked now counts.
pub(crate) fn resumed(flags: &RunOptions, started: &RunStarted) -> RunOptions {
    let kept = |flag| started.flags.contains(&flag);
    let no_verify = flags.no_verify || (kept(RunFlag::NoVerify) && flags.test.is_none() && !needs_baseline(flags));
    let no_baseline = flags.no_baseline || (kept(RunFlag::NoBaseline) && !needs_baseline(flags));
    let can_compare = !no_verify && !no_baseline;
    RunOptions {
        test: flags.test.clone().or_else(|| started.test.clone()).filter(|_| !no_verify),
        no_verify,
        no_baseline,
        reproduce: flags.reproduce || (kept(RunFlag::Reproduce) && can_compare),
        minimize: flags.minimize || (kept(RunFlag::Minimize) && can_compare),
        include_generated: flags.include_generated.iter().chain(named(started)).cloned().collect(),
        shown: flags.shown.with(&started.readable),
        allow_test_edits: flags.allow_test_edits || kept(RunFlag::AllowTestEdits),
        allow_failing_setup: flags.allow_failing_setup || kept(RunFlag::AllowFailingSetup),
        ..flags.clone()
    }
}

/// What the user had named of the files that commands write. The repository's file is read anew.
fn named(started: &RunStarted) -> impl Iterator<Item = &String> {
    started.writes.iter().flatten().filter(|glob| !started.repository_writes.contains(glob))
}

const fn needs_baseline(flags: &RunOptions) -> bool {
    flags.reproduce || flags.minimize
}

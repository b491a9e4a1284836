//! Delta debugging: finds a smallest set of parts that still has the same effect.
//!
//! A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE TSE 28(2), 2002
//! (<https://www.st.cs.uni-saarland.de/papers/tse2002/>). Here the "failure" is that dropping the rest changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::journal::{TestResults, Verdict};
use crate::tools::TestRun;

/// Returns the numbers below `count` that are needed, in order; none of them can be dropped alone if `suffices` could
/// always answer. `suffices` tells whether a set has the same effect as all; `None` means that there is no time for
/// another try.
pub async fn needed(count: usize, mut suffices: impl AsyncFnMut(&[usize]) -> Option<bool>) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..count).collect();
    let mut pieces = 2;
    while kept.len() > 1 {
        let size = kept.len().div_ceil(pieces);
        let mut smaller = None;
        // Tries without one piece. Trying a single piece alone is left to the finer rounds.
        for from in (0..kept.len()).step_by(size) {
            let rest: Vec<usize> = [&kept[..from], &kept[(from + size).min(kept.len())..]].concat();
            match suffices(&rest).await {
                None => return kept,
                Some(true) => smaller = Some(rest),
                Some(false) => continue,
            }
            break;
        }
        match smaller {
            Some(rest) => {
                pieces = (pieces - 1).max(2).min(rest.len().max(2));
                kept = rest;
            }
            None if size == 1 => break,
            None => pieces = (pieces * 2).min(kept.len()),
        }
    }
    kept
}

/// Whether `run` has the same results as `reference`, runs on the same tree: the same exit code, and the same verdict
/// of each test that isn't `flaky`.
#[must_use]
pub fn is_same_run(reference: &[TestRun], run: &TestRun, flaky: &[String]) -> bool {
    let verdicts = |results: &TestResults| -> BTreeMap<Arc<str>, Verdict> {
        let steady = results.tests.iter().filter(|(name, _)| !flaky.iter().any(|flaky| **flaky == ***name));
        steady.map(|(name, case)| (name.clone(), case.verdict)).collect()
    };
    let last = reference.iter().rev().find_map(|run| Some((run, run.results.as_ref().filter(|told| told.complete)?)));
    let (Some((expected, known)), Some(told)) = (last, run.results.as_ref()) else { return false };
    told.complete && run.stopped.is_none() && run.exit_code == expected.exit_code && verdicts(told) == verdicts(known)
}

/// As [`is_same_run`] for a check, which may report no tests: it passes or fails as it did.
#[must_use]
pub fn is_same_check(reference: &TestRun, run: &TestRun) -> bool {
    let tells = reference.results.as_ref().is_some_and(|told| told.complete && !told.tests.is_empty());
    run.passed() == reference.passed() && (!tells || is_same_run(std::slice::from_ref(reference), run, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
    }

    proptest! {
        #[test]
        fn what_is_needed_is_found_and_nothing_else(count in 1_usize..40, picks in proptest::collection::btree_set(0_usize..40, 1..6)) {
            let wanted: BTreeSet<usize> = picks.into_iter().map(|pick| pick % count).collect();
            let mut tries = 0;
            let found = run(needed(count, async |set: &[usize]| {
                tries += 1;
                Some(wanted.iter().all(|one| set.contains(one)))
            }));
            prop_assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
            prop_assert!(tries <= count * count + 3 * count, "{} tries for {}", tries, count);
        }
    }

    #[test]
    fn when_time_is_up_what_was_found_so_far_is_kept() {
        let mut tries = 0;
        let found = run(needed(8, async |set: &[usize]| {
            tries += 1;
            (tries <= 1).then(|| set.contains(&7))
        }));
        assert_eq!(found, [4, 5, 6, 7]);
    }

    #[test]
    fn a_single_part_is_not_tried() {
        assert_eq!(run(needed(1, async |_: &[usize]| panic!("there is nothing to drop"))), [0]);
    }
}

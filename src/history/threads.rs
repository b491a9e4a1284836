//! Distributes work on many runs to all processors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The work is mostly copying memory, so more threads would wait for one another.
const MOST_THREADS: usize = 8;

/// Applies `each` to all items and returns the results in any order. `begin` creates the state that a thread keeps
/// between items.
pub(super) fn on_all_processors<T: Sync, K, R: Send>(
    items: &[T],
    begin: impl Fn() -> K + Sync,
    each: impl Fn(&mut K, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut kept = begin();
        let taken = std::iter::from_fn(|| items.get(next.fetch_add(1, Ordering::Relaxed)));
        taken.map(|item| each(&mut kept, item)).collect::<Vec<R>>()
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS).min(items.len());
    thread::scope(|scope| {
        let running: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for others in running {
            all.extend(others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    })
}

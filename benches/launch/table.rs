//! What came out, side by side.

use std::fmt;
use std::time::Duration;

use super::memory::Peak;

/// Medians of all that was measured, in the order in which it was.
#[derive(Default)]
pub struct Table {
    times: Vec<(String, Vec<Duration>)>,
    memory: Vec<(&'static str, Peak)>,
}

impl Table {
    pub fn times(&mut self, name: &str, times: &[Duration]) {
        match self.times.iter_mut().find(|(known, _)| known == name) {
            Some((_, all)) => all.extend(times),
            None => self.times.push((name.to_owned(), times.to_vec())),
        }
    }

    /// The highest of several runs counts: a peak is a promise about the worst.
    pub fn memory(&mut self, name: &'static str, peaks: &[Peak]) {
        let highest = |of: fn(&Peak) -> u64| peaks.iter().map(of).max().unwrap_or_default();
        self.memory.push((name, Peak { broker: highest(|peak| peak.broker), worker: highest(|peak| peak.worker) }));
    }

    fn median(&self, name: &str) -> Option<f64> {
        let (_, times) = self.times.iter().find(|(known, _)| known == name)?;
        Some(milliseconds(nth(times, 0.5)))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<40}{:>10}{:>10}{:>10}{:>8}", "milliseconds", "fastest", "median", "p90", "runs")?;
        for (name, times) in &self.times {
            let [fastest, median, p90] = [0.0, 0.5, 0.9].map(|place| milliseconds(nth(times, place)));
            writeln!(f, "{name:<40}{fastest:>10.1}{median:>10.1}{p90:>10.1}{:>8}", times.len())?;
        }
        writeln!(f, "\n{:<76}{:>6}", "ratio of medians", "")?;
        let ratios = [
            ("kcode --version", "start /bin/true"),
            (super::INSIDE, super::PLAINLY),
            ("worker and view, a copy, 50,000 files", "worker and view, 50,000 files"),
            ("worker and view, 50,000 files", "worker and view, small"),
            ("first request, small", "start /bin/true"),
            ("first request, small", "git status, small"),
            ("first request, 50,000 files", "first request, small"),
            ("first request, 50,000 files", "git status, 50,000 files"),
            ("whole run, small", "git status beside it, small"),
            ("whole run, 50,000 files", "git status beside it, 50,000 files"),
            ("whole run, 500,000 files", "git status beside it, 500,000 files"),
        ];
        for (one, other) in ratios {
            if let (Some(ours), Some(theirs)) = (self.median(one), self.median(other)) {
                writeln!(f, "{:<76}{:>6.2}", format!("{one} : {other}"), ours / theirs)?;
            }
        }
        if let (Some(inside), Some(plainly)) = (self.median(super::INSIDE), self.median(super::PLAINLY)) {
            writeln!(f, "{:<76}{:>6.2}", "the wall's part of a command, milliseconds", inside - plainly)?;
        }
        writeln!(f, "\n{:<40}{:>10}{:>10}", "peak memory, MB", "broker", "worker")?;
        for (name, peak) in &self.memory {
            let megabytes = |kib: u64| kib as f64 * 1024.0 / 1e6;
            writeln!(f, "{name:<40}{:>10.1}{:>10.1}", megabytes(peak.broker), megabytes(peak.worker))?;
        }
        Ok(())
    }
}

/// The time below which this share of them lies.
fn nth(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = ((sorted.len() as f64 - 1.0) * share).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

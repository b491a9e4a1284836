//! The live line: what the run is doing now. On a terminal it is redrawn in place, at least once a second; elsewhere
//! there is none.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::letters;
use super::status::Status;
use crate::journal::{Event, Limits, Record, Tokens};
use crate::model::Progress;
use crate::sandbox::CommandProgress;
use crate::text::sanitise;

/// Most redraws per second.
const FRAMES_PER_SECOND: u8 = 10;
/// Columns used by the spinner, and the last one, which stays free because some terminals wrap there.
const BESIDES: usize = 3;

/// The live line and its figures.
pub(crate) struct Live {
    bar: ProgressBar,
    shown: Arc<Mutex<LiveState>>,
    /// True while a request is open: other activity is then not what the run waits for.
    asking: bool,
}

/// The drawn state, shared with the drawing thread.
struct LiveState {
    status: Status,
    began: Instant,
    /// Running time before the run was resumed.
    before: Duration,
}

impl Live {
    /// Creates a line on standard error if it is `wanted` and the terminal can redraw.
    #[must_use]
    pub(crate) fn new(wanted: bool) -> Self {
        let target = if wanted && console::user_attended_stderr() && !letters::is_dumb() {
            ProgressDrawTarget::stderr_with_hz(FRAMES_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let status = Status { doing: "starting".to_owned(), ..Status::default() };
        let shown = Arc::new(Mutex::new(LiveState { status, began: Instant::now(), before: Duration::ZERO }));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {status}") {
            let drawn = Arc::clone(&shown);
            let draw = move |_: &ProgressState, line: &mut dyn std::fmt::Write| {
                // A failure to draw the line has no remedy.
                let _ = write!(line, "{}", letters::spelt(&lock(&drawn).line()));
            };
            let style = style.with_key("status", draw);
            bar.set_style(if letters::are_plain() { style.tick_chars("|/-\\ ") } else { style });
        }
        let live = Self { bar, shown, asking: false };
        live.tick();
        live
    }

    /// Prints `lines` above the live line.
    pub(crate) fn print_above(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Counts what the run spent before it was resumed.
    pub(crate) fn recall(&self, records: &[Record]) {
        let mut shown = lock(&self.shown);
        for record in records {
            shown.count(&record.event);
            shown.before = Duration::from_millis(record.elapsed_ms);
        }
    }

    /// Updates the figures from an event.
    pub(crate) fn record(&mut self, record: &Record) {
        lock(&self.shown).count(&record.event);
        match &record.event {
            Event::Request(_) => self.asking = true,
            Event::Reply(_) | Event::Stopped(_) => self.asking = false,
            Event::RunEnded(_) => return self.bar.finish_and_clear(),
            _ => {}
        }
        let doing = match &record.event {
            Event::Request(_) => "waiting for the model".to_owned(),
            Event::AttemptFailed(failed) => {
                failed.wait_ms.map_or_else(String::new, |ms| format!("next try in {:.0} s", ms as f64 / 1e3))
            }
            Event::Reply(_) => "checking".to_owned(),
            Event::HunksTried(tried) => format!("tried {} of {} hunks", tried.kept, tried.of),
            Event::ToolCalled(called) => format!("running {}", sanitise(&called.tool)),
            Event::Stopped(_) => "finishing".to_owned(),
            _ => return self.bar.tick(),
        };
        self.show(doing);
    }

    /// Shows the progress of a reply.
    pub(crate) fn progress(&mut self, progress: Progress) {
        let (verb, characters) = match progress {
            Progress::Thinking(characters) => ("thinking", characters),
            Progress::Writing(characters) => ("writing", characters),
            Progress::Calling(characters) => ("calling", characters),
        };
        // Four characters per token: precise enough for a line shown for a tenth of a second.
        self.show(format!("{verb}… {} tokens", Tokens(characters as u64 / 4)));
    }

    /// Shows the progress of the tests: of the run, or of the trial with that name.
    pub(crate) fn tests(&mut self, trial: &str, progress: &CommandProgress) {
        if self.asking {
            return;
        }
        let mut doing = match trial.split('-').next().unwrap_or_default() {
            "" => "tests",
            "baseline" => "tests on the start state",
            "afresh" => "tests in a fresh view",
            _ => "tests in a trial",
        }
        .to_owned();
        if progress.passed + progress.failed > 0 {
            let _ = write!(doing, ": {} passed, {} failed", progress.passed, progress.failed);
        }
        let line = sanitise(&progress.line).replace(['\n', '\t'], " ");
        self.show(format!("{doing} · {line}"));
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Draws the line again after [`Live::clear`].
    pub(crate) fn resume(&self) {
        self.bar.reset();
        self.tick();
    }

    fn tick(&self) {
        if !self.bar.is_hidden() {
            // The clock advances even when nothing else happens.
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    fn show(&self, doing: String) {
        lock(&self.shown).status.doing = doing;
        self.bar.tick();
    }
}

impl LiveState {
    fn count(&mut self, event: &Event) {
        let mut limited = |limits: &Limits| {
            self.status.max_cost = limits.max_cost_usd;
            self.status.max_seconds = Some(limits.max_time_s);
        };
        match event {
            Event::RunStarted(started) => limited(&started.limits),
            Event::Resumed(resumed) => limited(&resumed.limits),
            Event::Request(request) => self.status.turn = request.turn,
            Event::Reply(reply) => {
                self.status.used += reply.usage;
                self.status.cost += reply.cost_usd.unwrap_or_default();
            }
            _ => {}
        }
    }

    fn line(&self) -> String {
        let seconds = (self.before + self.began.elapsed()).as_secs();
        let columns = Term::stderr().size_checked().map_or(80, |(_, columns)| usize::from(columns));
        Status { seconds, ..self.status.clone() }.fit(columns.saturating_sub(BESIDES))
    }
}

/// After a panic in another thread the figures are still usable.
fn lock(shown: &Mutex<LiveState>) -> MutexGuard<'_, LiveState> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

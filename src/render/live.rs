//! The live line: what the run is doing right now. On a terminal it redraws in place; elsewhere it isn't there.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::journal::{Event, Limits, Record, Tokens, Usage, Usd};
use crate::model::Progress;

/// How often the line may be redrawn.
const FRAMES_PER_SECOND: u8 = 10;

/// The live line and the figures on it.
pub struct Live {
    bar: ProgressBar,
    began: Instant,
    limits: Option<Limits>,
    turn: u32,
    doing: String,
    used: Usage,
    cost: Usd,
}

impl Live {
    /// A line on standard error when that is a terminal and `wanted`.
    #[must_use]
    pub fn new(wanted: bool) -> Self {
        let target = if wanted && console::user_attended_stderr() {
            ProgressDrawTarget::stderr_with_hz(FRAMES_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        let doing = "starting".to_owned();
        let (used, cost) = (Usage::default(), Usd::default());
        Self { bar, began: Instant::now(), limits: None, turn: 0, doing, used, cost }
    }

    /// Prints `lines` above the live line.
    pub fn print_above(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Takes an event into account.
    pub fn record(&mut self, record: &Record) {
        match &record.event {
            Event::RunStarted(started) => self.limits = Some(started.limits),
            Event::Resumed(resumed) => self.limits = Some(resumed.limits),
            Event::Request(request) => {
                self.turn = request.turn;
                "waiting for the model".clone_into(&mut self.doing);
            }
            Event::AttemptFailed(failed) => {
                self.doing =
                    failed.wait_ms.map_or_else(String::new, |ms| format!("next try in {:.0} s", ms as f64 / 1e3));
            }
            Event::Reply(reply) => {
                self.used += reply.usage;
                self.cost += reply.cost_usd.unwrap_or_default();
            }
            Event::HunksTried(tried) => self.doing = format!("tried {} of {} hunks", tried.kept, tried.of),
            Event::ToolCalled(called) => self.doing = format!("running {}", super::sanitise(&called.tool)),
            Event::Stopped(_) => "finishing".clone_into(&mut self.doing),
            Event::RunEnded(_) => return self.bar.finish_and_clear(),
            _ => {}
        }
        self.draw();
    }

    /// Shows how far a reply is.
    pub fn progress(&mut self, progress: Progress) {
        let (verb, characters) = match progress {
            Progress::Thinking(characters) => ("thinking", characters),
            Progress::Writing(characters) => ("writing", characters),
            Progress::Calling(characters) => ("calling", characters),
        };
        // Four characters a token: exact enough for a line that lives a tenth of a second.
        self.doing = format!("{verb}… {} tokens", Tokens(characters as u64 / 4));
        self.draw();
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn draw(&self) {
        if self.bar.is_hidden() {
            return;
        }
        let seconds = self.began.elapsed().as_secs();
        let of_cost =
            self.limits.and_then(|limits| limits.max_cost_usd).map_or_else(String::new, |max| format!(" of {max}"));
        let of_time = self.limits.map_or_else(String::new, |limits| format!(" of {}", clock(limits.max_time_s)));
        self.bar.set_message(format!(
            "turn {} · {} · {} in ({} cached) · {}{of_cost} · {}{of_time}",
            self.turn,
            self.doing,
            self.used.prompt_tokens,
            self.used.cached_tokens,
            self.cost,
            clock(seconds),
        ));
    }
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

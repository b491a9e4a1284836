//! Fits the status into the columns of the live line: the most important parts stay longest, the clock always.

use std::iter;

use console::{measure_text_width, truncate_str};

use crate::journal::{Usage, Usd};

/// Separator between parts of the line.
const BETWEEN: &str = " · ";
/// Columns kept for the current action before other parts are dropped.
const ROOMY: usize = 40;
/// Below this number of columns, the current action is left out.
const LEAST: usize = 6;

#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    pub turn: u32,
    /// Current action, in one line.
    pub doing: String,
    pub used: Usage,
    pub cost: Usd,
    pub max_cost: Option<Usd>,
    /// Running time of the whole run, including the time before it was resumed.
    pub seconds: u64,
    pub max_seconds: Option<u64>,
}

impl Status {
    /// Formats the status in at most `width` columns.
    pub(super) fn fit(&self, width: usize) -> String {
        let time = clock(self.seconds);
        let whole_time = self.max_seconds.map_or_else(|| time.clone(), |max| format!("{time} of {}", clock(max)));
        let cost = self.cost.to_string();
        let whole_cost = self.max_cost.map_or_else(|| cost.clone(), |max| format!("{cost} of {max}"));
        let tokens = format!("{} in ({} cached)", self.used.prompt_tokens, self.used.cached_tokens);
        let turn = format!("turn {}", self.turn);
        // From the longest form to the shortest.
        let forms: [(&[&str], &[&str], usize); 6] = [
            (&[&turn], &[&tokens, &whole_cost, &whole_time], ROOMY),
            (&[&turn], &[&whole_cost, &whole_time], ROOMY),
            (&[&turn], &[&cost, &whole_time], ROOMY),
            (&[&turn], &[&cost, &time], ROOMY),
            (&[], &[&cost, &time], LEAST),
            (&[], &[&time], LEAST),
        ];
        let whole = measure_text_width(&self.doing);
        for (before, behind, least) in forms {
            let others: usize =
                before.iter().chain(behind).map(|part| measure_text_width(part) + BETWEEN.chars().count()).sum();
            let room = width.saturating_sub(others);
            if room >= whole.clamp(1, least) {
                let doing = truncate_str(&self.doing, room, "…");
                let parts: Vec<&str> =
                    before.iter().copied().chain(iter::once(&*doing)).chain(behind.iter().copied()).collect();
                return parts.join(BETWEEN);
            }
        }
        if measure_text_width(&time) <= width { time } else { String::new() }
    }
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Tokens;

    fn status(doing: &str) -> Status {
        Status {
            turn: 12,
            doing: doing.to_owned(),
            used: Usage { prompt_tokens: Tokens(1_234_567), cached_tokens: Tokens(1_000_000), ..Usage::default() },
            max_cost: Some(Usd::default()),
            seconds: 754,
            max_seconds: Some(1_200),
            ..Status::default()
        }
    }

    #[test]
    fn the_line_fits_any_width_and_its_clock_is_whole() {
        for doing in [
            "waiting for the model",
            "tests: 3 passed · テスト「日本語の長い名前」が実行されています、まだ終わりません",
            "",
        ] {
            for width in 0..200 {
                let line = status(doing).fit(width);
                assert!(measure_text_width(&line) <= width, "{width}: {line}");
                assert!(width < 5 || line.contains("12:34"), "{width}: {line}");
                assert!(width < 80 || line.contains("12:34 of 20:00"), "{width}: {line}");
            }
        }
    }

    #[test]
    fn what_matters_most_stays() {
        let status = status("waiting for the model");
        assert_eq!(status.fit(60), "turn 12 · waiting for the model · $0.00 · 12:34 of 20:00");
        assert_eq!(status.fit(40), "waiting for the model · $0.00 · 12:34");
        assert_eq!(status.fit(20), "waiting for… · 12:34");
        assert_eq!(status.fit(8), "12:34");
    }
}

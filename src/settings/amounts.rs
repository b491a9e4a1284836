//! Amounts as people write them (`1h30m`, `0.50`, `200k`), and as they are shown again.

use std::path::PathBuf;
use std::time::Duration;

use super::{BaseUrl, Check, TestCommand};
use crate::journal::{Bytes, Tokens, Usd};

/// Parses a duration with its unit: `90s`, `20m`, `1h30m`.
///
/// # Errors
/// A message with the accepted forms.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim()).map_err(|_| format!("{text:?} is not a duration; write 90s, 20m or 1h30m"))
}

/// Parses dollars: `0.50`, `2`, `$1.25`.
///
/// # Errors
/// A message with the accepted forms.
pub fn parse_usd(text: &str) -> Result<Usd, String> {
    let number = text.trim().trim_start_matches('$');
    let amount = number.parse().ok().and_then(Usd::from_dollars);
    amount.ok_or_else(|| format!("{text:?} is not an amount of dollars; write 0.50 or 2"))
}

/// Parses a count of tokens: `200000`, `200_000`, `200k`, `2M`.
///
/// # Errors
/// A message with the accepted forms.
pub fn parse_tokens(text: &str) -> Result<Tokens, String> {
    let plain = text.trim().replace('_', "");
    let (digits, unit) = match plain.strip_suffix(['k', 'K']) {
        Some(thousands) => (thousands, 1_000),
        None => plain.strip_suffix('M').map_or((plain.as_str(), 1), |millions| (millions, 1_000_000)),
    };
    let count = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    count.map(Tokens).ok_or_else(|| format!("{text:?} is not a count of tokens; write 200000, 200k or 2M"))
}

/// Parses bytes: `500MB`, `5GB`, `2GiB`, or a plain count.
///
/// # Errors
/// A message with the accepted forms.
pub fn parse_bytes(text: &str) -> Result<Bytes, String> {
    const UNITS: [(&str, u64); 9] = [
        ("", 1),
        ("b", 1),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("tb", 1_000_000_000_000),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
    ];
    let plain = text.trim().replace('_', "");
    let (number, unit) = plain.split_at(plain.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(plain.len()));
    let unit = unit.to_ascii_lowercase();
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let bytes = number.trim_end().parse::<u64>().ok().zip(factor).and_then(|(count, factor)| count.checked_mul(factor));
    bytes.map(Bytes).ok_or_else(|| format!("{text:?} is not an amount of bytes; write 500MB, 5GB or 2GiB"))
}

/// How a value is shown to people, and which of two is looser.
pub trait Amount {
    /// The value as text for people.
    fn shown(&self) -> String;

    /// True when this value permits something that `other` forbids.
    fn is_looser_than(&self, _other: &Self) -> bool {
        false
    }

    /// False for a limit that would forbid everything.
    fn is_usable(&self) -> bool {
        true
    }
}

impl Amount for u32 {
    fn shown(&self) -> String {
        self.to_string()
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        self > other
    }
    fn is_usable(&self) -> bool {
        *self > 0
    }
}

impl Amount for Duration {
    fn shown(&self) -> String {
        const DAY: u64 = 24 * 60 * 60;
        match self.as_secs() {
            // humantime would print months and years of average length.
            seconds if seconds >= DAY && seconds.is_multiple_of(DAY) => format!("{}d", seconds / DAY),
            _ => humantime::format_duration(*self).to_string().replace(' ', ""),
        }
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        self > other
    }
    fn is_usable(&self) -> bool {
        !self.is_zero()
    }
}

impl Amount for Tokens {
    fn shown(&self) -> String {
        self.0.to_string()
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        self > other
    }
    fn is_usable(&self) -> bool {
        self.0 > 0
    }
}

impl Amount for Bytes {
    fn shown(&self) -> String {
        self.to_string()
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        self.0 > other.0
    }
    fn is_usable(&self) -> bool {
        self.0 > 0
    }
}

impl Amount for Usd {
    fn shown(&self) -> String {
        self.to_string()
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        self > other
    }
    fn is_usable(&self) -> bool {
        *self > Self::default()
    }
}

/// `None` is no limit: looser than any.
impl<T: Amount> Amount for Option<T> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), Amount::shown)
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(this), Some(other)) => this.is_looser_than(other),
            (this, other) => this.is_none() && other.is_some(),
        }
    }
    fn is_usable(&self) -> bool {
        self.as_ref().is_none_or(Amount::is_usable)
    }
}

impl Amount for String {
    fn shown(&self) -> String {
        self.clone()
    }
}

impl Amount for BaseUrl {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Amount for bool {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Amount for PathBuf {
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl Amount for Vec<String> {
    fn shown(&self) -> String {
        if self.is_empty() { "none".to_owned() } else { self.join(" ") }
    }
}

impl Amount for Vec<PathBuf> {
    fn shown(&self) -> String {
        self.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().shown()
    }
}

impl Amount for TestCommand {
    fn shown(&self) -> String {
        self.dir.as_ref().map_or_else(|| self.to_string(), |dir| format!("{self} (in {dir})"))
    }
}

impl Amount for Vec<Check> {
    fn shown(&self) -> String {
        let shown = self.iter().map(|check| {
            let word = if check.required { "" } else { ", not required" };
            format!("{}: {}{word}", check.name, check.command.shown())
        });
        if self.is_empty() { "none".to_owned() } else { shown.collect::<Vec<_>>().join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Sandbox;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_duration(" 90s "), Ok(Duration::from_secs(90)));
        for bad in ["", "20", "-5m", "soon"] {
            assert!(parse_duration(bad).is_err_and(|hint| hint.contains("1h30m")), "{bad:?}");
        }
        assert_eq!(Duration::from_mins(90).shown(), "1h30m");
        assert_eq!(Duration::from_hours(24 * 365).shown(), "365d");
    }

    #[test]
    fn money_and_tokens_are_counts() {
        assert_eq!(parse_usd("$0.50"), Ok(Usd::from_nanos(500_000_000)));
        for bad in ["", "-1", "NaN", "inf", "1,50", "free"] {
            assert!(parse_usd(bad).is_err(), "{bad:?}");
        }
        assert_eq!(parse_tokens("200k"), Ok(Tokens(200_000)));
        assert_eq!(parse_tokens("2_000"), Ok(Tokens(2_000)));
        assert_eq!(parse_tokens("3M"), Ok(Tokens(3_000_000)));
        for bad in ["", "-1", "1.5k", "99999999999999999999", "20000000000000000000k", "many"] {
            assert!(parse_tokens(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bytes_have_units_of_ten_and_of_two() {
        let parsed = ["500MB", "5 GB", "2GiB", "1_024", "7kb"].map(|text| parse_bytes(text).map(|bytes| bytes.0));
        assert_eq!(parsed, [Ok(500_000_000), Ok(5_000_000_000), Ok(2 << 30), Ok(1_024), Ok(7_000)]);
        for bad in ["", "-1", "GB", "1.5GB", "5 parsecs", "99999999999999TB"] {
            assert!(parse_bytes(bad).is_err_and(|hint| hint.contains("5GB")), "{bad:?}");
        }
    }

    #[test]
    fn no_limit_is_looser_than_any() {
        assert!(None::<Tokens>.is_looser_than(&Some(Tokens(1))));
        assert!(!Some(Tokens(1)).is_looser_than(&None));
        assert!(Sandbox::Auto.is_looser_than(&Sandbox::Strict));
    }
}

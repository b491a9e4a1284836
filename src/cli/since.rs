//! `--since`: a duration before now, or a day.

use std::time::Duration;

use time::{Date, Month, OffsetDateTime};

use crate::journal::timestamp;
use crate::render::LocalTime;
use crate::settings::parse_duration;

/// The earliest moment that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// A duration before now.
    Ago(Duration),
    /// The beginning of a day in the user's time zone, written as `2026-01-31`.
    Day(String),
}

impl Since {
    /// Parses `7d`, `12h` or `2026-01-31`.
    ///
    /// # Errors
    /// A message with examples.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if day(text).is_some() {
            return Ok(Self::Day(text.to_owned()));
        }
        let ago = parse_duration(text).map(Self::Ago);
        ago.map_err(|_| format!("{text:?} is neither a time nor a day; write 7d, 12h or 2026-01-31"))
    }

    /// Returns true when a journal's timestamp isn't earlier.
    pub(super) fn admits(&self, at: &str) -> bool {
        match self {
            Self::Day(day) => LocalTime::local(at).is_some_and(|when| when.text.as_str() >= day.as_str()),
            Self::Ago(ago) => {
                // A moment before the calendar's beginning is before all runs.
                let earliest = OffsetDateTime::now_utc().checked_sub((*ago).try_into().unwrap_or(time::Duration::MAX));
                earliest.is_none_or(|earliest| at >= timestamp(earliest).as_str())
            }
        }
    }
}

/// The day at the start of a text, if there is one.
pub(super) fn day(text: &str) -> Option<Date> {
    let mut parts = text.get(..10)?.splitn(3, '-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_durations_are_told_apart() {
        assert_eq!(Since::parse("7d"), Ok(Since::Ago(Duration::from_hours(7 * 24))));
        assert_eq!(Since::parse("2026-01-31"), Ok(Since::Day("2026-01-31".into())));
        for bad in ["", "yesterday", "2026-02-30", "2026-13-01", "-7d"] {
            assert!(Since::parse(bad).is_err_and(|hint| hint.contains("2026-01-31")), "{bad:?}");
        }
        let day = Since::Day("2026-01-31".into());
        assert!(day.admits("2026-02-01T14:00:00.000Z") && !day.admits("2026-01-30T09:59:59.999Z"));
        assert!(Since::parse("1h").unwrap().admits("9999-01-01") && !Since::parse("1h").unwrap().admits("1999-01-01"));
        assert!(Since::parse("10000y").unwrap().admits("1999-01-01"));
    }
}

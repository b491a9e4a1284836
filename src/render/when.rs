//! Times for people: in their own time zone, with its offset. JSON and the journal use UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalTime {
    /// Date and time, such as `2026-01-31 14:05`.
    pub text: String,
    /// Offset, such as `UTC` or `+02:00`.
    pub offset: String,
}

impl LocalTime {
    /// Converts a journal's timestamp (RFC 3339) to the user's time zone; `None` if it isn't one.
    #[must_use]
    pub(crate) fn local(at: &str) -> Option<Self> {
        Self::in_zone(at, TimeZone::system())
    }

    fn in_zone(at: &str, zone: TimeZone) -> Option<Self> {
        let moment = at.parse::<Timestamp>().ok()?.to_zoned(zone);
        let offset = if moment.offset().is_zero() { "UTC".to_owned() } else { moment.strftime("%:z").to_string() };
        Some(Self { text: moment.strftime("%Y-%m-%d %H:%M").to_string(), offset })
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::{TimeZone, offset};

    use super::*;

    #[test]
    fn a_moment_is_told_in_the_zone_with_its_offset() {
        let at = "2026-01-31T23:05:09.123Z";
        let told = |zone| LocalTime::in_zone(at, zone).map(|when| (when.text, when.offset)).unwrap_or_default();
        assert_eq!(told(TimeZone::UTC), ("2026-01-31 23:05".to_owned(), "UTC".to_owned()));
        assert_eq!(told(TimeZone::fixed(offset(2))), ("2026-02-01 01:05".to_owned(), "+02:00".to_owned()));
        assert_eq!(LocalTime::local("no moment"), None);
    }
}

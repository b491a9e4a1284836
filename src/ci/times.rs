//! Times as platforms write them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Whether `time` is more than a second after `other`. Platforms round to seconds. False if either is missing or is no
/// time.
pub(super) fn is_later(time: Option<&str>, other: Option<&str>) -> bool {
    let (Some(time), Some(other)) = (time.and_then(parse), other.and_then(parse)) else { return false };
    time - other > time::Duration::seconds(1)
}

/// `2026-12-01T10:00:00Z`, and GitLab's older `2026-12-01 10:00:00 UTC` and `2026-12-01 10:00:00 +0100`.
fn parse(text: &str) -> Option<OffsetDateTime> {
    let plain = text.trim().replacen(' ', "T", 1).replace(" UTC", "Z").replace(' ', "");
    let with_colon = plain.len().checked_sub(2).filter(|at| {
        let tail = plain.as_bytes().get(at.saturating_sub(3)..).unwrap_or_default();
        matches!(tail, [b'+' | b'-', rest @ ..] if rest.iter().all(u8::is_ascii_digit))
    });
    let plain = with_colon.map_or_else(|| plain.clone(), |at| format!("{}:{}", &plain[..at], &plain[at..]));
    OffsetDateTime::parse(&plain, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_platforms_are_compared() {
        let later = |time, other| is_later(Some(time), Some(other));
        assert!(later("2026-12-01T10:00:02Z", "2026-12-01T10:00:00Z"));
        assert!(!later("2026-12-01T10:00:01Z", "2026-12-01T10:00:00Z"));
        assert!(later("2026-12-01 10:00:02 UTC", "2026-12-01T10:00:00.000Z"));
        assert!(!later("2026-12-01 11:00:02 +0100", "2026-12-01 10:00:01 UTC"));
        assert!(!later("now", "2026-12-01T10:00:00Z") && !is_later(None, None) && !later("é", "x"));
    }
}

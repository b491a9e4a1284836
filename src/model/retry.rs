//! Decides whether and when to retry: exponential backoff with full jitter, bounded by attempts and the time left.

use std::time::Duration;

use super::{Class, ErrorKind, ModelError};

/// Longest wait that kcode chooses itself; a provider may ask for more.
const CAP: Duration = Duration::from_secs(30);

/// The wait before the attempt after `attempt` (counted from 1); `None` to give up.
///
/// `max_retries` caps the retries that the kind of failure allows. `left` is the run's remaining time; a wait that
/// doesn't fit isn't begun. `random` is in `0.0..1.0`.
/// A provider's `retry_after` is the minimum, plus a little jitter so that many clients don't return together.
/// Otherwise the wait is random up to an exponentially growing bound (full jitter,
/// aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter).
#[must_use]
pub fn delay(error: &ModelError, attempt: u32, max_retries: u32, left: Duration, random: f64) -> Option<Duration> {
    if attempt >= attempts(error.kind) || attempt > max_retries {
        return None;
    }
    let base = match error.class() {
        Class::Retry => Duration::from_millis(500),
        Class::Wait => Duration::from_secs(2),
        Class::GiveUp | Class::OurBug => return None,
    };
    let bound = base.saturating_mul(1 << (attempt.saturating_sub(1)).min(16)).min(CAP);
    let random = random.clamp(0.0, 1.0);
    let wait = match error.retry_after {
        Some(asked) => asked + Duration::from_secs(1).mul_f64(random),
        None => bound.mul_f64(random),
    };
    (wait < left).then_some(wait)
}

/// Attempts for a kind of failure. A refusal for load costs nothing and ends by itself (an account's first tier allows
/// three requests a minute); a garbled or empty reply is billed and seldom improves.
const fn attempts(kind: ErrorKind) -> u32 {
    match kind {
        ErrorKind::Overloaded | ErrorKind::RateLimited => 10,
        ErrorKind::Garbled | ErrorKind::Broken | ErrorKind::EmptyReply => 3,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn error(kind: ErrorKind, retry_after: Option<u64>) -> ModelError {
        ModelError { retry_after: retry_after.map(Duration::from_secs), ..ModelError::new(kind, "") }
    }

    #[test]
    fn waits_grow_and_are_capped() {
        let cut = error(ErrorKind::CutStream, None);
        let waits: Vec<_> = (1..=6).map(|attempt| delay(&cut, attempt, 9, HOUR, 1.0)).collect();
        let ms = |n| Some(Duration::from_millis(n));
        assert_eq!(waits, [ms(500), ms(1000), ms(2000), ms(4000), ms(8000), None]);
        assert_eq!(delay(&error(ErrorKind::Overloaded, None), 9, 9, HOUR, 1.0), Some(CAP));
        assert_eq!(delay(&cut, 1, 9, HOUR, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn the_providers_wait_is_the_least_and_must_fit_the_time_left() {
        let limited = error(ErrorKind::RateLimited, Some(40));
        assert_eq!(delay(&limited, 1, 9, HOUR, 0.0), Some(Duration::from_secs(40)));
        assert_eq!(delay(&limited, 1, 9, HOUR, 1.0), Some(Duration::from_secs(41)));
        assert_eq!(delay(&limited, 1, 9, Duration::from_secs(40), 0.0), None);
        assert_eq!(delay(&error(ErrorKind::Overloaded, Some(86_400)), 1, 9, HOUR, 0.0), None);
    }

    #[test]
    fn a_person_may_want_fewer_retries() {
        let cut = error(ErrorKind::CutStream, None);
        assert_eq!(delay(&cut, 1, 0, HOUR, 1.0), None);
        assert_eq!(delay(&cut, 1, 1, HOUR, 1.0), Some(Duration::from_millis(500)));
        assert_eq!(delay(&cut, 2, 1, HOUR, 1.0), None);
    }

    #[test]
    fn what_may_get_better_is_tried_more_often() {
        for (kind, attempts) in [
            (ErrorKind::Overloaded, 10),
            (ErrorKind::RateLimited, 10),
            (ErrorKind::CutStream, 6),
            (ErrorKind::Garbled, 3),
            (ErrorKind::Broken, 3),
            (ErrorKind::EmptyReply, 3),
        ] {
            let again = |attempt| delay(&error(kind, None), attempt, 99, HOUR, 0.5).is_some();
            assert!(again(attempts - 1) && !again(attempts), "{kind:?}");
        }
    }

    #[test]
    fn final_errors_are_not_repeated() {
        for kind in [ErrorKind::Unauthorized, ErrorKind::DailyLimit, ErrorKind::QuotaExhausted, ErrorKind::BadRequest] {
            assert_eq!(delay(&error(kind, Some(1)), 1, 9, HOUR, 0.5), None, "{kind:?}");
        }
    }
}

//! When a host is told again what it did not take. Pure.

use std::time::{Duration, Instant};

/// How long it is left alone after the first time.
const FIRST: Duration = Duration::from_secs(30);
/// The longest that it is left alone.
const LONGEST: Duration = Duration::from_secs(300);

/// When a host is told again.
#[derive(Debug, Default)]
pub(super) struct Resend {
    due: Option<Instant>,
    wait: Duration,
}

impl Resend {
    /// Takes down that it did not take it. `is_limited`: it says itself how long it wants to be left alone.
    pub(super) fn failed(&mut self, now: Instant, is_limited: bool) {
        if is_limited {
            self.due = None;
            return;
        }
        self.wait = (self.wait * 2).clamp(FIRST, LONGEST);
        self.due = Some(now + self.wait);
    }

    /// It is told then.
    pub(super) fn at(&mut self, due: Instant) {
        (self.due, self.wait) = (Some(due), Duration::ZERO);
    }

    /// Tells whether it is time to tell it again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due.is_none_or(|due| now >= due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Resend;

    #[test]
    fn a_host_that_fails_is_told_again_ever_more_seldom_and_one_that_names_a_time_then() {
        let (mut resend, mut now) = (Resend::default(), Instant::now());
        assert!(resend.is_due(now), "nothing failed yet");
        for seconds in [30, 60, 120, 240, 300, 300] {
            resend.failed(now, false);
            let due = now + Duration::from_secs(seconds);
            let before = now + Duration::from_secs(seconds - 1);
            assert!(!resend.is_due(before) && resend.is_due(due), "{seconds}");
            now = due;
        }
        resend.failed(now, true);
        assert!(resend.is_due(now), "once it may be asked at all");
    }
}

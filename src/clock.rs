//! Time that passes whatever becomes of the wall clock: somebody may set it while a plan runs.

use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};

use crate::failure::{Failure, Result};

/// Looks at the clock of this machine once, before anything relies on it.
///
/// # Errors
/// It is set to a time that no calendar here reaches.
pub fn check() -> Result<()> {
    match Timestamp::try_from(SystemTime::now()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::new(
            "reading the clock",
            "the clock of this machine is set to before the year -9999 or after the year 9999",
            "set the clock (timedatectl, ntpd), then do it again",
        )),
    }
}

/// Measures how long something takes, the time a machine was suspended included.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    began: Instant,
    /// Where the system tells it; it goes on while the machine is suspended.
    uptime: Option<Duration>,
}

impl Stopwatch {
    /// Begins to measure.
    pub fn start() -> Self {
        Self { began: Instant::now(), uptime: uptime() }
    }

    /// How long it has been.
    pub fn elapsed(self) -> Duration {
        let awake = self.began.elapsed();
        let whole = uptime().zip(self.uptime).and_then(|(now, then)| now.checked_sub(then));
        // It is told in hundredths: good only for what the other clock does not see.
        whole.filter(|whole| whole.saturating_sub(awake) > Duration::from_secs(1)).unwrap_or(awake)
    }

    /// How long it has been, as records have it.
    pub fn took(self) -> SignedDuration {
        SignedDuration::try_from(self.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}

/// The wall clock as one process sees it: set forward it is followed, set back it is not, so that
/// what this process does next is never dated before what it did.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    wall: Timestamp,
    since: Stopwatch,
}

impl Steady {
    /// Begins with what the wall clock says.
    pub fn start() -> Self {
        Self { wall: Timestamp::now(), since: Stopwatch::start() }
    }

    /// The time now.
    pub fn now(&mut self) -> Timestamp {
        self.follow(Timestamp::now(), self.since.took())
    }

    fn follow(&mut self, wall: Timestamp, passed: SignedDuration) -> Timestamp {
        let due = self.wall.checked_add(passed).unwrap_or(wall);
        if wall < due {
            return due;
        }
        *self = Self { wall, since: Stopwatch::start() };
        wall
    }
}

/// The time since the system was started.
#[cfg(target_os = "linux")]
fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds = text.split_ascii_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(not(target_os = "linux"))]
fn uptime() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_back_it_goes_on_and_set_forward_it_follows() {
        let at = |second: i64| Timestamp::from_second(1_772_000_000 + second).unwrap();
        let passed = SignedDuration::from_secs;
        let mut clock = Steady { wall: at(0), since: Stopwatch::start() };
        assert_eq!(clock.follow(at(5), passed(5)), at(5));
        assert_eq!(clock.follow(at(-3600), passed(2)), at(7), "an hour back");
        assert_eq!(clock.follow(at(-3590), passed(12)), at(17));
        assert_eq!(clock.follow(at(86_400), passed(13)), at(86_400), "a day forward");
        assert_eq!(clock.follow(at(100), passed(1)), at(86_401));
        assert_eq!(clock.follow(Timestamp::MAX, passed(1)), Timestamp::MAX);
        assert_eq!(clock.follow(at(0), passed(1)), at(0), "nothing comes after the last of all times");
    }

    #[test]
    fn a_stopwatch_runs() {
        let watch = Stopwatch::start();
        while watch.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        assert!(watch.took() >= SignedDuration::from_millis(2));
    }
}

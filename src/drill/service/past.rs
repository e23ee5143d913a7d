//! The numbers of times gone by, for charts and comparisons: what was measured here, and before that what
//! the release that was live then makes of some minutes of orders.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::answer::Figures;
use super::app::Release;
use super::{flags, orders};

/// So many different minutes are worked out of each release; the day repeats them in no order that can be
/// seen. One run of the application takes them all.
const MINUTES: u64 = 16;
/// The first of them: not one that is sent soon.
const FIRST: u64 = 500;
/// How long one of them holds, in seconds.
const HOLDS: f64 = 15.0;

/// What was measured stands for so many seconds behind it.
const LOOKBACK: f64 = 30.0;
/// One measurement is kept in so many seconds.
const EVERY: f64 = 5.0;
/// Most measurements that are kept: those of a day.
const KEPT: usize = 17_280;

/// What a release makes of the minutes, with the flags that are off.
type Made = (Release, String, Arc<Vec<Figures>>);

/// What an environment's numbers were.
pub(super) struct Past {
    root: PathBuf,
    old_cards: u8,
    measured: Mutex<VecDeque<(f64, Figures)>>,
    // Held while the application runs, so that nothing is worked out twice.
    made: tokio::sync::Mutex<Vec<Made>>,
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    Timestamp::now().as_millisecond() as f64 / 1000.0
}

impl Past {
    pub(super) fn new(root: PathBuf, old_cards: u8) -> Self {
        Self { root, old_cards, measured: Mutex::default(), made: tokio::sync::Mutex::default() }
    }

    /// Keeps what was measured at a time.
    pub(super) fn keep(&self, at: f64, figures: &Figures) {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if measured.back().is_some_and(|(last, _)| (0.0..EVERY).contains(&(at - last))) {
            return;
        }
        if measured.len() >= KEPT {
            measured.pop_front();
        }
        measured.push_back((at, figures.clone()));
    }

    /// The figures at each of some times; `None` where nothing was live that is still here.
    pub(super) async fn at(&self, times: &[f64]) -> Vec<Option<Figures>> {
        let live = live(&self.root);
        let off = flags::off_since(&self.root);
        let mut figures = Vec::with_capacity(times.len());
        for at in times {
            figures.push(match (self.measured(*at), live.iter().rfind(|(from, _)| from <= at)) {
                (Some(measured), _) => Some(measured),
                (None, Some((_, release))) => self.made(release, &off, *at).await,
                (None, None) => None,
            });
        }
        figures
    }

    fn measured(&self, at: f64) -> Option<Figures> {
        let measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, figures) = measured.iter().rev().find(|(taken, _)| *taken <= at)?;
        (at - taken <= LOOKBACK).then(|| figures.clone())
    }

    /// What a release made of orders at a time.
    async fn made(&self, release: &Release, off: &[(String, f64)], at: f64) -> Option<Figures> {
        let off: Vec<&str> =
            off.iter().filter(|(_, since)| *since <= at).map(|(name, _)| name.as_str()).collect();
        let off = off.join(" ");
        let mut made = self.made.lock().await;
        let found = made.iter().find(|(by, without, _)| by == release && *without == off);
        let minutes = if let Some((.., minutes)) = found {
            Arc::clone(minutes)
        } else {
            let minutes = Arc::new(self.run(release, &off).await);
            made.push((release.clone(), off, Arc::clone(&minutes)));
            minutes
        };
        minutes.get(which(at, minutes.len())).cloned()
    }

    async fn run(&self, release: &Release, off: &str) -> Vec<Figures> {
        let sent: String =
            (FIRST..FIRST + MINUTES).map(|number| orders::minute(number, self.old_cards)).collect();
        let charged = release.priced_then(&sent, off).await;
        charged.chunks(orders::PER_MINUTE).map(Figures::of).collect()
    }
}

/// Which of some minutes is that of a time: the same whenever it is asked for.
fn which(at: f64, many: usize) -> usize {
    let slot = (at / HOLDS).floor() as i64 as u64;
    let mixed = (slot ^ (slot >> 3)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as usize % many.max(1)
}

/// What was made live when, by the environment's own record, in its order; of releases that are still here.
fn live(root: &Path) -> Vec<(f64, Release)> {
    let log = std::fs::read_to_string(root.join("deploys.log")).unwrap_or_default();
    log.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let at: Timestamp = words.next()?.parse().ok()?;
            let commit = words.next().filter(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            let release = Release::at(&root.join("releases").join(commit))?;
            Some((at.as_second() as f64, release))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "BEGIN { FS = OFS = \"\\t\" } { print $1, 200, 100, 50 + NR % 9, \"paid\" }";
    const BROKEN: &str = "BEGIN { FS = OFS = \"\\t\" } { print $1, (flags_off == \"\" && $2 == \"-\" ? 500 : 200), 100, 900, \"?\" }";

    /// An environment with a good release that came at 1000 s, and a broken one that came at 5000 s.
    fn environment() -> (tempfile::TempDir, Past) {
        let dir = tempfile::tempdir().unwrap();
        for (commit, program) in [("a1", GOOD), ("b2", BROKEN)] {
            let release = dir.path().join("releases").join(commit);
            std::fs::create_dir_all(release.join("app")).unwrap();
            std::fs::write(release.join("app/checkout.awk"), program).unwrap();
            std::fs::write(release.join("VERSION"), "1.0.0\n").unwrap();
        }
        let log = "1970-01-01T00:00:10Z  c3  0.9.0  v0.9.0  passed\n\
                   1970-01-01T00:16:40Z  a1  1.0.0  v1.0.0  passed\n\
                   1970-01-01T01:23:20Z  b2  1.0.1  v1.0.1\n";
        std::fs::write(dir.path().join("deploys.log"), log).unwrap();
        let past = Past::new(dir.path().to_path_buf(), 0);
        (dir, past)
    }

    #[tokio::test]
    async fn the_past_is_what_the_release_of_that_time_makes_of_orders() {
        let (_dir, past) = environment();
        let figures = past.at(&[999.0, 1000.0, 4999.0, 5000.0, 9000.0]).await;
        assert_eq!(figures[0], None, "that release is gone");
        let of = |index: usize| figures[index].as_ref().unwrap();
        assert_eq!((of(1).failed, of(2).failed), (0, 0));
        assert!(of(3).error_rate > 20.0 && of(4).error_rate > 20.0, "{figures:?}");
        assert_eq!(of(4).p95_ms, 900);
        assert_eq!(past.at(&[9000.0]).await[0].as_ref(), Some(of(4)), "asked again it is the same");
    }

    #[tokio::test]
    async fn the_past_has_a_spread() {
        let (_dir, past) = environment();
        let times: Vec<f64> = (0..40).map(|step| 6000.0 + f64::from(step) * 300.0).collect();
        let mut rates: Vec<u64> =
            past.at(&times).await.iter().map(|figures| figures.as_ref().unwrap().failed).collect();
        rates.sort_unstable();
        rates.dedup();
        assert!(rates.len() >= 5, "{rates:?}");
    }

    #[tokio::test]
    async fn what_was_measured_counts_and_a_flag_counts_from_when_it_was_turned_off() {
        let (dir, past) = environment();
        flags::make(dir.path(), "loyalty", "s3cret").unwrap();
        let seen = Figures { failed: 7, ..Figures::default() };
        past.keep(6000.0, &seen);
        past.keep(6001.0, &Figures::default());
        let figures = past.at(&[5990.0, 6000.0, 6029.0, 6031.0]).await;
        let failed: Vec<u64> = figures.iter().map(|figures| figures.as_ref().unwrap().failed).collect();
        assert_eq!((failed[1], failed[2]), (7, 7));
        assert!(failed[0] > 40 && failed[3] > 40, "{failed:?}");
        let now = now();
        assert!(past.at(&[now]).await[0].as_ref().unwrap().failed > 40);
        flags::write(dir.path(), "loyalty", false).unwrap();
        let figures = past.at(&[now - 60.0, now + 60.0]).await;
        let failed: Vec<u64> = figures.iter().map(|figures| figures.as_ref().unwrap().failed).collect();
        assert!(failed[0] > 40 && failed[1] == 0, "{failed:?}");
    }
}

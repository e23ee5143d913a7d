//! Whether more samples failed in a watch than before the incident. Pure.
//!
//! One bad sample is confirmed by nothing, and five in twenty are no flapping: a service that fails every tenth request
//! would pass for ever by the rules of alarms. So the shares are compared, by Fisher's exact test: how likely so many of
//! all failures fall into the watch where nothing has changed. Failures that come in a row are confirmed and have ended
//! the watch by then, so those that are left are taken for independent. Where nobody knows the time before, one in a
//! hundred is taken for usual.
//!
//! Of 360 samples before and 30 to 1440 after without a change, whatever share of .1 to 10 % fails, at most 0.8 % of all
//! watches are called worse. From one in a thousand to one in eleven, 90 % are found among 58 samples, all among 180;
//! to one in twenty 93 % among 180. The test below adds that up.

/// The least share of failures that is taken for usual.
const ALLOWED: f64 = 0.01;
/// How unlikely more failures than that have to be before a person is asked.
const DOUBT: f64 = 0.05;
/// How unlikely they have to be by chance to be called worse. There is no look at their form, as there is at that of
/// numbers, so the chance alone has to do.
const CERTAIN: f64 = 0.01;
/// Least by which the share has to grow to matter.
const MATTERS: f64 = 0.01;

/// How many failed, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) failed: u64,
    pub(super) of: u64,
}

impl Failures {
    /// Their share.
    pub(super) fn share(self) -> f64 {
        self.failed as f64 / (self.of as f64).max(1.0)
    }

    /// Whether there are more than before by so much that it matters, and by more than chance, which is this.
    pub(super) fn are_worse(self, before: Self, chance: f64) -> bool {
        self.share() > before.share() + MATTERS && chance < CERTAIN
    }

    /// The share that may well be usual where so many were seen.
    fn usual(self) -> f64 {
        let share = self.share();
        share + (share * (1.0 - share) / (self.of as f64).max(1.0)).sqrt()
    }

    /// How likely so many of all failures, or more, fall into this time where nothing has changed.
    pub(super) fn chance(self, before: Self) -> f64 {
        let (all, failed) = (self.of + before.of, self.failed + before.failed);
        let logs = Logs::up_to(all);
        let whole = logs.choose(all, self.of);
        let each = (self.failed..=failed.min(self.of)).filter(|here| failed - here <= before.of);
        let chance: f64 = each
            .map(|here| (logs.choose(failed, here) + logs.choose(all - failed, self.of - here) - whole).exp())
            .sum();
        chance.min(1.0)
    }

    /// Whether there are more than can be taken for usual: as many as before, as far as that is known, or one in a
    /// hundred.
    pub(super) fn are_many(self, before: Option<Self>) -> bool {
        let usual = before.map_or(ALLOWED, |before| before.usual().max(ALLOWED));
        if self.failed == 0 || usual >= 1.0 {
            return false;
        }
        let logs = Logs::up_to(self.of);
        let fewer: f64 = (0..self.failed)
            .map(|here| {
                let (hit, missed) = (here as f64, (self.of - here) as f64);
                (logs.choose(self.of, here) + hit * usual.ln() + missed * (1.0 - usual).ln()).exp()
            })
            .sum();
        1.0 - fewer < DOUBT
    }
}

/// Logarithms of factorials.
struct Logs(Vec<f64>);

impl Logs {
    fn up_to(most: u64) -> Self {
        let sums = (1..=most).scan(0.0, |sum, next| {
            *sum += (next as f64).ln();
            Some(*sum)
        });
        Self(std::iter::once(0.0).chain(sums).collect())
    }

    fn at(&self, number: u64) -> f64 {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.0.get(number))
            .copied()
            .unwrap_or(f64::NEG_INFINITY)
    }

    /// The logarithm of the number of ways to take so many of all; nothing where there is no way.
    fn choose(&self, all: u64, taken: u64) -> f64 {
        match all.checked_sub(taken) {
            Some(left) => self.at(all) - self.at(taken) - self.at(left),
            None => f64::NEG_INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(failed: u64, of: u64) -> Failures {
        Failures { failed, of }
    }

    #[test]
    fn the_chance_is_that_of_fisher() {
        // The lady tasting tea: all four of eight, and three of four.
        let near = |seen: f64, known: f64| assert!((seen - known).abs() < 1e-6, "{seen} {known}");
        near(failures(4, 4).chance(failures(0, 4)), 1.0 / 70.0);
        near(failures(3, 4).chance(failures(1, 4)), 17.0 / 70.0);
        near(failures(0, 58).chance(failures(0, 360)), 1.0);
        near(failures(0, 58).chance(failures(9, 360)), 1.0);
        assert!(failures(5, 58).chance(failures(0, 360)) < 1e-3);
        assert!(failures(5, 58).chance(failures(31, 360)) > 0.4);
        assert!(failures(3, 3600).chance(failures(3, 3600)) > 0.5);
    }

    #[test]
    fn one_in_a_hundred_is_usual_where_nobody_knows() {
        for (failed, of, many) in [
            (0, 0, false),
            (0, 5, false),
            (1, 5, true),
            (1, 6, false),
            (5, 58, true),
            (4, 180, false),
            (5, 180, true),
            (20, 1440, false),
            (30, 1440, true),
        ] {
            assert_eq!(failures(failed, of).are_many(None), many, "{failed} of {of}");
        }
        // What is known to be usual is.
        assert!(!failures(5, 58).are_many(Some(failures(31, 360))));
        assert!(failures(1, 5).are_many(Some(failures(0, 10))));
        assert!(!failures(5, 5).are_many(Some(failures(7, 7))));
    }

    #[test]
    fn a_little_more_does_not_matter() {
        let are_worse = |now: Failures, before: Failures| now.are_worse(before, now.chance(before));
        assert!(are_worse(failures(5, 58), failures(0, 360)));
        assert!(!are_worse(failures(9, 1000), failures(0, 1000)));
        assert!(!are_worse(failures(5, 58), failures(31, 360)));
        assert!(!are_worse(failures(3, 180), failures(0, 360)));
    }

    /// How often watches of so many samples are called worse, with these shares of failures, in percent.
    fn called_worse(samples: u64, before: f64, now: f64) -> f64 {
        const BEFORE: u64 = 360;
        let logs = Logs::up_to(samples.max(BEFORE));
        let likely = |of: u64, share: f64| -> Vec<(u64, f64)> {
            let each = (0..=of).map(|failed| {
                let chance = logs.choose(of, failed)
                    + failed as f64 * share.ln()
                    + (of - failed) as f64 * (1.0 - share).ln();
                (failed, chance.exp())
            });
            each.filter(|(_, chance)| *chance > 1e-7).collect()
        };
        let mut worse = 0.0;
        for (was, chance) in likely(BEFORE, before) {
            for (is, other) in likely(samples, now) {
                let (was, is) = (failures(was, BEFORE), failures(is, samples));
                if is.are_worse(was, is.chance(was)) {
                    worse += 100.0 * chance * other;
                }
            }
        }
        worse
    }

    #[test]
    fn what_always_fails_now_and_then_is_not_called_worse_and_what_begins_to_is() {
        for samples in [30, 58, 180] {
            for share in [0.001, 0.01, 0.1] {
                let wrong = called_worse(samples, share, share);
                assert!(wrong < 0.8, "{samples} at {share}: {wrong} %");
            }
        }
        let found = [(58, 0.0909), (180, 0.0909), (180, 0.05)].map(|(of, now)| called_worse(of, 0.001, now));
        assert!(found[0] > 89.0 && found[1] > 99.9 && found[2] > 92.0, "{found:?}");
    }
}

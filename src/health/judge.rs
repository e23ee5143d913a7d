//! Before and after: whether a series of numbers is worse than it was. Pure.
//!
//! Samples of a service hang together: what is high now is likely to be high next. A test that takes
//! them for independent cries wolf. So the noise is modelled as what it mostly is, a level that wanders
//! back (an autoregressive process of order 1) seen through white noise, and how strong either is counts
//! as unknown: the chance of a shift is averaged over all strengths by how well each explains both
//! windows (see [`noise`]). *Worse* takes three things: that chance is under [`ALPHA`]; the shift is enough
//! to matter: more than [`DEVIATIONS`] robust deviations of the time before (see [`deviation`]) and [`SHARE`]
//! of its level, or [`FIRM`]; and three of four samples after are beyond what the series did by itself
//! (see [`is_beyond`]). The shift is that of Hodges and Lehmann, the median of all differences; values far
//! out are drawn in before, so that one spike decides nothing. Everything is relative to the series' own
//! scale.
//!
//! Several series are corrected for by Holm's method. Missing samples say nothing, and never that all is
//! well: with too few of them the answer is *cannot tell*; so it is where samples hang together so
//! closely that harm of [`HARM`] deviations could not be told from the noise.
//!
//! `cargo bench --bench judge` measures it: false alarms and power on autoregressive noise of any
//! strength to .9, and on recorded series named by `FLIGHTDECK_SERIES`. On 19 series of servers 0.87 % of
//! all pairs of windows without a change are called worse, 0.90 % on noise of memory .9; of steps of five
//! deviations 99.4 % and 99.2 % are found. `docs/performance.md` has the figures, which series those are, and
//! where it does worse.

mod noise;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The largest chance of no shift at all that still counts as evidence. It is one condition of several: at
/// 0.05 harm of five deviations is found in 98.4 % of noise of memory .9, and recorded false alarms are 0.82 %.
pub const ALPHA: f64 = 0.1;
/// Robust deviations of the time before that a shift has to exceed to matter.
pub const DEVIATIONS: f64 = 2.0;
/// Share of the level before that a shift has to exceed to matter.
pub const SHARE: f64 = 0.05;
/// Robust deviations and share of the level before that matter as well: a level that holds so still that a
/// step of a few per cent stands out.
pub const FIRM: (f64, f64) = (3.0, 0.01);
/// Robust deviations: where harm of that size could be missed, nobody can tell.
pub const HARM: f64 = 5.0;
/// Fewest samples before, and after.
const LEAST: (usize, usize) = (10, 5);
/// Robust deviations from the median at which values are drawn in.
const FAR: f64 = 4.0;
/// Most points that the slope is taken from.
const POINTS: usize = 120;
/// Most differences that the shift is the median of; longer windows are thinned evenly.
const PAIRS: usize = 250_000;

/// Which way is harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Latency, errors: more is worse.
    UpIsBad,
    /// Throughput, orders: less is worse.
    DownIsBad,
    /// Any change is worse: nothing is better.
    Both,
}

/// Two windows of one series, evenly spaced; `None` is a missing sample.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Case {
    /// The time that is compared with.
    pub before: Vec<Option<f64>>,
    /// The time that is judged.
    pub after: Vec<Option<f64>>,
    /// Which way is harm.
    pub direction: Direction,
}

/// How the time after compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It moved the good way, by more than chance and enough to matter.
    Better,
    /// Nothing speaks for harm.
    NoEvidence,
    /// It moved the bad way, by more than chance and enough to matter.
    Worse,
    /// There is too little to judge by.
    CannotTell,
}

/// A verdict and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What was seen, in one line.
    pub why: String,
}

/// Judges one series.
pub fn judge(case: &Case) -> Judged {
    match Shift::of(case) {
        Ok(shift) => shift.judged(case.direction, shift.harm(case.direction), shift.help(case.direction)),
        Err(why) => Judged { verdict: Verdict::CannotTell, why },
    }
}

/// Judges several series together: the chance that any is called worse (or better) without cause stays
/// under [`ALPHA`]. Holm, A simple sequentially rejective multiple test procedure, 1979.
pub fn family(cases: &[Case]) -> Vec<Judged> {
    family_with(cases, &[]).0
}

/// Judges several series together with other evidence of harm, each the chance that there is none: returns those
/// corrected as well.
pub fn family_with(cases: &[Case], others: &[f64]) -> (Vec<Judged>, Vec<f64>) {
    let shifts: Vec<_> = cases.iter().map(Shift::of).collect();
    let chances = |of: fn(&Shift, Direction) -> f64, others: &[f64]| -> Vec<f64> {
        let each = shifts.iter().zip(cases);
        let known =
            each.map(|(shift, case)| shift.as_ref().map_or(f64::NAN, |shift| of(shift, case.direction)));
        holm(&known.chain(others.iter().copied()).collect::<Vec<_>>())
    };
    let (mut harm, help) = (chances(Shift::harm, others), chances(Shift::help, &[]));
    let others = harm.split_off(cases.len());
    let each = shifts.iter().zip(cases).zip(harm.into_iter().zip(help));
    let judged = each.map(|((shift, case), (harm, help))| match shift {
        Ok(shift) => shift.judged(case.direction, harm, help),
        Err(why) => Judged { verdict: Verdict::CannotTell, why: why.clone() },
    });
    (judged.collect(), others)
}

/// Chances corrected for how many there are. `NaN` stands for one that was not asked.
fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).filter(|index| !chances[*index].is_nan()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let mut corrected = chances.to_vec();
    let mut most = 0.0_f64;
    for (rank, index) in order.iter().enumerate() {
        most = most.max((chances[*index] * (order.len() - rank) as f64).min(1.0));
        corrected[*index] = most;
    }
    corrected
}

/// How the time after lies to the time before.
#[derive(Debug, Clone, PartialEq)]
struct Shift {
    /// Median before and after.
    medians: (f64, f64),
    /// Samples before and after.
    counts: (usize, usize),
    /// By how much it moved, in units of the series.
    by: f64,
    /// Robust deviation of the time before; 0 where it never moved.
    deviation: f64,
    /// Whether it went beyond what the series did by itself.
    is_beyond: bool,
    /// The chance that it did not move up, and that it did not move down.
    chances: (f64, f64),
    /// The smallest shift that would have been told from the noise.
    least: f64,
}

impl Shift {
    /// Measures it; `Err`: why nobody can tell.
    fn of(case: &Case) -> Result<Self, String> {
        let before = present(&case.before, "before", LEAST.0)?;
        let after = present(&case.after, "after", LEAST.1)?;
        let (from, to) = (median(&before), median(&after));
        let deviation = deviation(&before, from);
        let off: Vec<f64> = before.iter().map(|v| v - from).chain(after.iter().map(|v| v - to)).collect();
        let scale = spread(&off, 0.0);
        let mut shift = Self {
            medians: (from, to),
            counts: (before.len(), after.len()),
            by: hodges_lehmann(&before, &after),
            deviation,
            is_beyond: false,
            chances: (1.0, 1.0),
            least: 0.0,
        };
        if !(scale.is_finite() && shift.by.is_finite()) {
            return Err("the numbers are too large to be compared".to_owned());
        }
        shift.is_beyond = is_beyond(case, shift.by);
        if scale == 0.0 {
            // Neither window ever moved: there is no noise that could explain a step.
            shift.chances = (f64::from(shift.by <= 0.0), f64::from(shift.by >= 0.0));
            return Ok(shift);
        }
        let scaled = |window: &[Option<f64>], values: &[f64], middle: f64| -> Vec<Option<f64>> {
            let far = FAR * spread(values, middle);
            let drawn_in = |v: f64| if far > 0.0 { v.clamp(middle - far, middle + far) } else { v };
            window.iter().map(|v| v.map(|v| (drawn_in(v) - from) / scale)).collect()
        };
        let step = noise::step(&scaled(&case.before, &before, from), &scaled(&case.after, &after, to));
        if shift.by == 0.0 {
            // More than half of all samples are equal, as errors are that are mostly none.
            shift.by = step.by * scale;
            shift.is_beyond = is_beyond(case, shift.by);
        }
        shift.chances = (step.not_up, step.not_down);
        shift.least = step.least * scale;
        Ok(shift)
    }

    /// The chance that it did not move the bad way.
    fn harm(&self, direction: Direction) -> f64 {
        match direction {
            Direction::UpIsBad => self.chances.0,
            Direction::DownIsBad => self.chances.1,
            Direction::Both => (2.0 * self.chances.0.min(self.chances.1)).min(1.0),
        }
    }

    /// The chance that it did not move the good way.
    fn help(&self, direction: Direction) -> f64 {
        match direction {
            Direction::UpIsBad => self.chances.1,
            Direction::DownIsBad => self.chances.0,
            Direction::Both => 1.0,
        }
    }

    fn judged(&self, direction: Direction, harm: f64, help: f64) -> Judged {
        let level = self.medians.0.abs();
        let matters = self.by != 0.0
            && self.by.abs() >= DEVIATIONS * self.deviation
            && (self.by.abs() >= SHARE * level
                || self.deviation > 0.0
                    && self.by.abs() >= FIRM.0 * self.deviation
                    && self.by.abs() >= FIRM.1 * level);
        let (bad_way, good_way) = match direction {
            Direction::UpIsBad => (self.by > 0.0, self.by < 0.0),
            Direction::DownIsBad => (self.by < 0.0, self.by > 0.0),
            Direction::Both => (true, false),
        };
        let moved = self.words();
        let (before, after) = self.counts;
        let by_chance = |p: f64| {
            let p = if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") };
            format!("{moved}, {p} ({before} samples before, {after} after)")
        };
        let (verdict, why) = if matters && self.is_beyond && bad_way && harm < ALPHA {
            (Verdict::Worse, by_chance(harm))
        } else if matters && self.is_beyond && good_way && help < ALPHA {
            (Verdict::Better, by_chance(help))
        } else if self.deviation > 0.0 && self.least > HARM * self.deviation {
            let why = "it wanders too far by itself for a shift to be told: compare longer windows";
            (Verdict::CannotTell, format!("{moved}; {why}"))
        } else if !matters && harm.min(help) < ALPHA {
            (Verdict::NoEvidence, format!("{moved}: too little to matter"))
        } else {
            (Verdict::NoEvidence, format!("{moved}: no more than it moves by itself"))
        };
        Judged { verdict, why }
    }

    /// `median 100 → 152, up 52 %`.
    fn words(&self) -> String {
        let (from, to) = self.medians;
        let moved = format!("median {} → {}", number(from), number(to));
        let way = if self.by > 0.0 { "up" } else { "down" };
        // Of the numbers beside it: whoever reads them does the sum.
        let share = 100.0 * (to - from).abs() / from.abs();
        // The shift is estimated over all pairs of samples. Where the medians do not show it, it would only
        // contradict them.
        if self.by == 0.0 || number(from) == number(to) || (to > from) != (self.by > 0.0) {
            moved
        } else if share.is_finite() && share < 1000.0 {
            format!("{moved}, {way} {share:.*} %", usize::from(share < 9.95))
        } else {
            format!("{moved}, {way} by {}", number((to - from).abs()))
        }
    }
}

/// The samples that are there; `Err`: too few.
fn present(window: &[Option<f64>], name: &str, least: usize) -> Result<Vec<f64>, String> {
    let values: Vec<f64> = window.iter().flatten().copied().filter(|value| value.is_finite()).collect();
    match values.len() {
        0 => Err(format!("no data {name}")),
        1 if least > 1 => Err(format!("1 sample {name}: at least {least} are needed")),
        some if some < least => Err(format!("{some} samples {name}: at least {least} are needed")),
        some if some * 2 < window.len() => {
            Err(format!("{} of {} samples {name} are missing", window.len() - some, window.len()))
        }
        _ => Ok(values),
    }
}

/// The median; `values` is not empty.
fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    middle(&mut values)
}

fn middle(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    let (below, upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let upper = *upper;
    if is_odd {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower + (upper - lower) / 2.0
}

/// The robust deviation: that of a normal distribution with the same median absolute deviation; where
/// more than half of all values are equal, with the same mean absolute deviation.
fn spread(values: &[f64], middle_value: f64) -> f64 {
    let mut off: Vec<f64> = values.iter().map(|value| (value - middle_value).abs()).collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    match middle(&mut off) {
        0.0 => 1.2533 * mean,
        median => 1.4826 * median,
    }
}

/// The deviation that harm is measured in: the robust one, or, where that is more, that of a normal
/// distribution with the same deciles. Series of servers have more far values than a normal distribution:
/// what they do every tenth sample is no harm.
fn deviation(values: &[f64], middle_value: f64) -> f64 {
    let mut values_in_order = values.to_vec();
    values_in_order.sort_by(f64::total_cmp);
    let at = |share: f64| values_in_order[((values.len() - 1) as f64 * share).round() as usize];
    spread(values, middle_value).max((at(0.9) - at(0.1)) / 2.563)
}

/// Whether the shift is beyond what the time before did by itself. Three of four samples after have to lie
/// beyond the furthest median of any quarter of it; and the shift against the line that it went along has
/// to be more than [`DEVIATIONS`] of its deviations from that line.
///
/// A test of the levels alone calls harm what comes and goes for hours, and what has been rising all the
/// time, as the requests of every morning. Without this 1.5 % of the recorded
/// pairs are called worse in place of 0.87 %.
fn is_beyond(case: &Case, by: f64) -> bool {
    // Turned so that it moved up.
    let turned = |window: &[Option<f64>]| -> Vec<(f64, f64)> {
        let known = window.iter().enumerate().filter_map(|(at, value)| Some((at as f64, (*value)?)));
        known.filter(|(_, value)| value.is_finite()).map(|(at, value)| (at, value * by.signum())).collect()
    };
    let values = |points: &[(f64, f64)]| -> Vec<f64> { points.iter().map(|(_, value)| *value).collect() };
    let points = turned(&case.before);
    let (before, mut after) = (values(&points), values(&turned(&case.after)));
    after.sort_by(f64::total_cmp);
    let nearest = after[(after.len() - 1) / 4];
    let quarter = (before.len() / 4).max(1);
    let held = before.windows(quarter).step_by((quarter / 8).max(1)).map(median);
    if nearest < held.fold(f64::NEG_INFINITY, f64::max) {
        return false;
    }
    let slope = slope(&points);
    let rest: Vec<f64> = points.iter().map(|(at, value)| value - slope * at).collect();
    let level = median(&rest);
    let line = level + slope * (case.before.len() as f64 + case.after.len() as f64 / 2.0);
    by.abs() - (line - median(&before)) >= DEVIATIONS * deviation(&rest, level)
}

/// The slope of a line through points: the median of the slopes between all pairs; many are thinned evenly.
/// Sen, Estimates of the regression coefficient based on Kendall's tau, 1968.
fn slope(points: &[(f64, f64)]) -> f64 {
    let thinned: Vec<_> = points.iter().step_by(points.len().div_ceil(POINTS).max(1)).collect();
    let from = thinned.iter().enumerate();
    let mut all: Vec<f64> = from
        .flat_map(|(next, from)| thinned[next + 1..].iter().map(|to| (to.1 - from.1) / (to.0 - from.0)))
        .collect();
    middle(&mut all)
}

/// The median of all differences between two windows.
/// Hodges and Lehmann, Estimates of location based on rank tests, 1963.
fn hodges_lehmann(before: &[f64], after: &[f64]) -> f64 {
    let every = (before.len() * after.len()).div_ceil(PAIRS).isqrt().max(1);
    let every = if before.len() * after.len() > PAIRS { every + 1 } else { 1 };
    let from = before.iter().step_by(every);
    let mut all: Vec<f64> =
        from.flat_map(|from| after.iter().step_by(every).map(move |to| to - from)).collect();
    middle(&mut all)
}

/// The median of what is there, and the deviation that harm is measured in; `None` where nothing is.
pub(super) fn middle_of(points: impl Iterator<Item = (Timestamp, Option<f64>)>) -> Option<(f64, f64)> {
    let values: Vec<f64> = points.filter_map(|(_, value)| value.filter(|value| value.is_finite())).collect();
    if values.is_empty() {
        return None;
    }
    let middle_value = median(&values);
    Some((middle_value, deviation(&values, middle_value)))
}

/// A number to four digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let before = if size >= 1.0 { size.log10().floor() as usize + 1 } else { 1 };
    let text = format!("{value:.*}", 4_usize.saturating_sub(before).max(usize::from(size < 1.0) * 4));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

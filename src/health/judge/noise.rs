//! The noise of a series, and the step between two windows of it.
//!
//! Each window is a level of its own plus `u + e`: `u` an autoregressive process of order 1, `e` white
//! noise. For every memory and share of a grid a Kalman filter gives the likelihood of both windows with
//! their levels and the common variance integrated out (restricted maximum likelihood, Harville 1977),
//! and the step between the levels as a t distribution. What is said is the mixture of those, weighted
//! by likelihood: so short windows, from which the memory cannot be told, are not read as if it were
//! known. A missing sample is a step of the filter without a correction.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// What the step between two levels is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// Its mean.
    pub(super) by: f64,
    /// The chance that it is not above 0.
    pub(super) not_up: f64,
    /// The chance that it is not below 0.
    pub(super) not_down: f64,
    /// The smallest step that would have been told from the noise, one-sided.
    pub(super) least: f64,
}

/// Memories that are weighed: the correlation of neighbours.
const MEMORIES: [f64; 12] = [0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.985, 0.995];
/// Shares of the variance that have that memory.
const SHARES: [f64; 5] = [1.0, 0.75, 0.5, 0.3, 0.15];

/// What a window says under one kind of noise of variance 1: sums of the innovations `e` of the values
/// and `o` of a constant 1, each over the variance of its prediction.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    log_variance: f64,
    oo: f64,
    oe: f64,
    ee: f64,
    count: f64,
}

impl Sums {
    fn of(window: &[Option<f64>], memory: f64, share: f64) -> Self {
        let mut sums = Self::default();
        let (mut variance, mut value, mut one) = (share, 0.0, 0.0);
        for sample in window {
            let mut gain = 0.0;
            let (mut e, mut o) = (0.0, 0.0);
            if let Some(sample) = sample {
                let predicted = variance + (1.0 - share) + 1e-9;
                (e, o) = (sample - value, 1.0 - one);
                sums.log_variance += predicted.ln();
                sums.oo += o * o / predicted;
                sums.oe += o * e / predicted;
                sums.ee += e * e / predicted;
                sums.count += 1.0;
                gain = variance / predicted;
            }
            value = memory * (value + gain * e);
            one = memory * (one + gain * o);
            variance = memory * memory * variance * (1.0 - gain) + share * (1.0 - memory * memory);
        }
        sums
    }

    /// The sum of squares that its level leaves.
    fn rest(&self) -> f64 {
        self.ee - self.oe * self.oe / self.oo
    }
}

/// One kind of noise, weighed.
struct Weighed {
    log_weight: f64,
    by: f64,
    error: f64,
}

/// Weighs every kind of noise, and the step under each. Both windows have samples.
pub(super) fn step(before: &[Option<f64>], after: &[Option<f64>]) -> Step {
    let mut all = Vec::with_capacity(MEMORIES.len() * SHARES.len());
    let mut free = 1.0;
    for (index, memory) in MEMORIES.into_iter().enumerate() {
        // How much of the line between 0 and 1 it stands for.
        let last = MEMORIES.len() - 1;
        let (low, high) = (MEMORIES[index.saturating_sub(1)], MEMORIES[(index + 1).min(last)]);
        let width = (high - low) / if index == 0 || index == last { 1.0 } else { 2.0 };
        // Without memory all shares are the same noise.
        let shares = if memory == 0.0 { &SHARES[..1] } else { &SHARES };
        for share in shares {
            let (a, b) = (Sums::of(before, memory, *share), Sums::of(after, memory, *share));
            free = (a.count + b.count - 2.0).max(1.0);
            let rest = (a.rest() + b.rest()).max(1e-9);
            let log_weight = width.ln()
                - 0.5 * (a.log_variance + b.log_variance + a.oo.ln() + b.oo.ln() + free * rest.ln());
            let error = (rest / free * (1.0 / a.oo + 1.0 / b.oo)).sqrt();
            all.push(Weighed { log_weight, by: b.oe / b.oo - a.oe / a.oo, error });
        }
    }
    let most = all.iter().map(|one| one.log_weight).fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = all.iter().map(|one| (one.log_weight - most).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mean = |of: &dyn Fn(&Weighed) -> f64| {
        all.iter().zip(&weights).map(|(one, weight)| weight * of(one)).sum::<f64>() / total
    };
    let by = mean(&|one| one.by);
    let Ok(t) = StudentsT::new(0.0, 1.0, free) else {
        return Step { by, not_up: 1.0, not_down: 1.0, least: f64::INFINITY };
    };
    let error = mean(&|one| one.error * one.error + (one.by - by).powi(2)).sqrt();
    Step {
        by,
        not_up: mean(&|one| t.sf(one.by / one.error)),
        not_down: mean(&|one| t.cdf(one.by / one.error)),
        least: t.inverse_cdf(1.0 - super::ALPHA) * error,
    }
}

//! What the service says, from what the deployed application made of a minute of orders.
//! Pure.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::app::Charged;

/// Above this share of failed orders, in percent, the service calls itself degraded.
const DEGRADED: f64 = 5.0;

/// Connections that the database takes, and those held by what is not an order.
const DB_LIMIT: u64 = 100;
const DB_IDLE: u64 = 24;

/// The figures of one minute.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Figures {
    /// Orders paid.
    pub(super) paid: u64,
    /// Orders that failed by fault of the service.
    pub(super) failed: u64,
    /// Share of failed orders, in percent with one decimal.
    pub(super) error_rate: f64,
    /// 95 of 100 orders took no longer, in milliseconds.
    pub(super) p95_ms: u64,
    /// Database connections in use.
    pub(super) connections: u64,
}

impl Figures {
    /// The figures of what became of a minute of orders.
    pub(super) fn of(charged: &[Charged]) -> Self {
        let failed = charged.iter().filter(|charged| charged.failed()).count() as u64;
        let paid = charged.iter().filter(|charged| charged.status == 200).count() as u64;
        let mut times: Vec<u64> = charged.iter().map(|charged| charged.ms).collect();
        times.sort_unstable();
        let p95_ms = times.get((times.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0);
        let share = failed as f64 * 1000.0 / charged.len().max(1) as f64;
        // An order holds a connection from its first to its last attempt. At the evening's
        // peak, which is fifteen times this minute, so many are held on average:
        let busy = times.iter().sum::<u64>() * 15 / 60_000;
        Self {
            paid,
            failed,
            error_rate: share.round() / 10.0,
            p95_ms,
            connections: (DB_IDLE + busy).min(DB_LIMIT),
        }
    }

    /// Whether orders can be paid.
    pub(super) fn healthy(&self) -> bool {
        self.error_rate <= DEGRADED
    }

    /// The body of `/health`.
    pub(super) fn health(&self, version: &str, commit: &str, uptime_s: u64) -> Value {
        json!({
            "status": if self.healthy() { "ok" } else { "degraded" },
            "version": version,
            "commit": commit,
            "uptime_s": uptime_s,
            "checks": {
                "checkout": {
                    "status": if self.healthy() { "ok" } else { "failing" },
                    "error_rate": self.error_rate,
                    "p95_ms": self.p95_ms,
                },
                "database": self.database(),
            },
        })
    }

    /// The body of `/database`.
    pub(super) fn database(&self) -> Value {
        let status = if self.connections < DB_LIMIT { "ok" } else { "exhausted" };
        json!({ "status": status, "connections": self.connections, "limit": DB_LIMIT })
    }

    /// The body of `/orders`: the figures, and the last orders with the failed ones first.
    pub(super) fn orders(&self, charged: &[Charged]) -> Value {
        let (failed, others): (Vec<_>, Vec<_>) = charged.iter().partition(|charged| charged.failed());
        let last: Vec<_> = failed.iter().rev().take(5).chain(others.iter().rev().take(5)).collect();
        json!({
            "paid_per_minute": self.paid,
            "failed_per_minute": self.failed,
            "error_rate": self.error_rate,
            "p95_ms": self.p95_ms,
            "last": last,
        })
    }
}

/// What was counted since the service came up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counters {
    pub(super) paid: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    /// Orders that took no longer than each of [`BUCKETS`].
    within: [u64; BUCKETS.len()],
    /// What all of them took together, in milliseconds.
    took: u64,
}

/// Bounds of the histogram of durations, in milliseconds.
const BUCKETS: [u64; 8] = [50, 75, 100, 250, 500, 1000, 1500, 2500];

impl Counters {
    /// Counts a minute of orders.
    pub(super) fn add(&mut self, charged: &[Charged]) {
        for charged in charged {
            match charged.status {
                200..400 => self.paid += 1,
                400..500 => self.refused += 1,
                _ => self.failed += 1,
            }
            self.took += charged.ms;
            for (bound, within) in BUCKETS.iter().zip(&mut self.within) {
                *within += u64::from(charged.ms <= *bound);
            }
        }
    }

    /// The body of `/metrics`, in the text format of Prometheus.
    pub(super) fn metrics(&self, figures: &Figures, version: &str, commit: &str) -> String {
        let Self { paid, refused, failed, within, took } = self;
        let all = paid + refused + failed;
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let mut buckets = String::new();
        for (bound, within) in BUCKETS.iter().zip(within) {
            let _ =
                writeln!(buckets, "checkout_duration_seconds_bucket{{le=\"{}\"}} {within}", seconds(*bound));
        }
        let Figures { error_rate, p95_ms, connections, .. } = figures;
        let label = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let (version, commit) = (label(version), label(commit));
        format!(
            "# HELP checkout_orders_total Orders since the service came up.\n\
             # TYPE checkout_orders_total counter\n\
             checkout_orders_total{{result=\"paid\"}} {paid}\n\
             checkout_orders_total{{result=\"refused\"}} {refused}\n\
             checkout_orders_total{{result=\"failed\"}} {failed}\n\
             # HELP checkout_duration_seconds How long orders took.\n\
             # TYPE checkout_duration_seconds histogram\n\
             {buckets}\
             checkout_duration_seconds_bucket{{le=\"+Inf\"}} {all}\n\
             checkout_duration_seconds_sum {:.3}\n\
             checkout_duration_seconds_count {all}\n\
             # HELP checkout_error_ratio Share of the last minute's orders that failed.\n\
             # TYPE checkout_error_ratio gauge\n\
             checkout_error_ratio {:.3}\n\
             # HELP checkout_latency_p95_seconds 95 of 100 orders took no longer.\n\
             # TYPE checkout_latency_p95_seconds gauge\n\
             checkout_latency_p95_seconds {:.3}\n\
             # HELP database_connections Connections in use.\n\
             # TYPE database_connections gauge\n\
             database_connections {connections}\n\
             # HELP build_info What is deployed.\n\
             # TYPE build_info gauge\n\
             build_info{{version=\"{version}\",commit=\"{commit}\"}} 1\n",
            seconds(*took),
            error_rate / 100.0,
            seconds(*p95_ms),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charged(status: u16, ms: u64) -> Charged {
        Charged { order: "1".into(), status, cents: 1, ms, detail: String::new() }
    }

    #[test]
    fn figures_follow_from_what_became_of_the_orders() {
        let mut minute = vec![charged(200, 50); 90];
        minute.extend(vec![charged(422, 5); 4]);
        minute.extend(vec![charged(500, 1400); 6]);
        let figures = Figures::of(&minute);
        assert_eq!((figures.paid, figures.failed), (90, 6));
        assert!((figures.error_rate - 6.0).abs() < 1e-9);
        assert_eq!(figures.p95_ms, 1400);
        assert!(!figures.healthy());
        assert_eq!(figures.health("1", "c", 3)["status"], "degraded");
    }

    #[test]
    fn a_minute_without_orders_has_figures_too() {
        let figures = Figures::of(&[]);
        assert_eq!((figures.paid, figures.p95_ms), (0, 0));
        assert!(figures.healthy());
    }

    #[test]
    fn metrics_are_counted_and_labels_are_escaped() {
        let mut counters = Counters::default();
        counters.add(&[charged(200, 1), charged(500, 1400), charged(404, 1), charged(200, 1)]);
        let text = counters.metrics(&Figures::default(), "1\"2", "c");
        assert!(text.contains("checkout_orders_total{result=\"paid\"} 2\n"), "{text}");
        for line in
            ["bucket{le=\"0.05\"} 3", "bucket{le=\"1.5\"} 4", "bucket{le=\"+Inf\"} 4", "sum 1.403", "count 4"]
        {
            assert!(text.contains(&format!("checkout_duration_seconds_{line}\n")), "{text}");
        }
        assert!(text.contains("version=\"1\\\"2\""), "{text}");
    }
}

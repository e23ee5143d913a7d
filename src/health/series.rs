//! What probes saw: samples, bounded history, and the status that is drawn. Pure.

use std::collections::VecDeque;

use jiff::Timestamp;

/// State of a probe, in the words of `status --json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// All conditions hold and the value is within limits.
    Ok,
    /// Good so far, but a bad sample waits to be confirmed.
    Pending,
    /// The value is over its warning limit.
    Warn,
    /// A condition does not hold or the value is over its limit.
    Failing,
    /// Was failing; a good sample waits to be confirmed.
    Recovering,
    /// Goes back and forth.
    Flapping,
    /// No data: never asked, or the answer could not be understood.
    #[default]
    Unknown,
    /// The source itself fails: nobody answered.
    Error,
}

impl State {
    /// The name in `status --json` and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Warn => "warn",
            Self::Failing => "failing",
            Self::Recovering => "recovering",
            Self::Flapping => "flapping",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }

    /// Reads a name back.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Ok,
            Self::Pending,
            Self::Warn,
            Self::Failing,
            Self::Recovering,
            Self::Flapping,
            Self::Unknown,
            Self::Error,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }
}

/// What one sample says about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Good.
    Good,
    /// Over the warning limit.
    Warn,
    /// Bad.
    Bad,
    /// Missing, null, wrongly typed or unreadable: nothing is known.
    NoData,
    /// Nobody answered.
    NoAnswer,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When the answer was complete, or given up on.
    pub at: Timestamp,
    /// What it says.
    pub verdict: Verdict,
    /// The value drawn; `None` where there is none. Finite.
    pub value: Option<f64>,
    /// Short headline: `200`, `exit 1`, `refused`, `timeout`.
    pub headline: String,
    /// How long the answer took, in milliseconds; `None` where nobody answered.
    pub latency_ms: Option<f64>,
    /// Why it is not good, in one line; empty when good.
    pub why: String,
}

/// A probe as it stands: what a health row draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Name.
    pub name: String,
    /// Environment it watches; may be empty.
    pub environment: String,
    /// State.
    pub state: State,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The last sample.
    pub last: Option<Sample>,
    /// Unit of the value.
    pub unit: String,
    /// The failing limit as written (`> 5`), else the warning limit.
    pub limit: Option<String>,
    /// Numeric threshold of the failing limit, for the chart.
    pub threshold: Option<f64>,
    /// Seconds between samples.
    pub interval_s: f64,
    /// Recent samples, oldest first: time and value, `None` where there was no data.
    pub history: VecDeque<(Timestamp, Option<f64>)>,
}

impl Status {
    /// Most samples kept in memory.
    pub const MAX_HISTORY: usize = 720;
}

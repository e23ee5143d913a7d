//! A run of a step.

use jiff::Timestamp;

use super::super::body::{Outcome, Process, Waits};
use super::remote::Remote;

/// A step carried out once: a command, a call, a hold, a watch or a gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Id: names the log.
    pub id: String,
    /// As previewed.
    pub title: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The process, once it was started.
    pub process: Option<Process>,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
    /// The last line of output worth showing.
    pub summary: String,
    /// The last lines of its output, where it did not go well.
    pub tail: Vec<String>,
    /// When a stop was asked for, and by whom.
    pub stop_asked: Option<(Timestamp, String)>,
    /// Signals sent, in order.
    pub signals: Vec<(Timestamp, String)>,
    /// It ended well, and the world was still to be asked then.
    pub unproven: bool,
    /// What its command waits for.
    pub waits: Option<Waits>,
    /// The pipeline that it follows.
    pub remote: Option<Remote>,
}

impl Run {
    /// What its command waits for, as it would be said: `asks: Password:`.
    pub fn waits_for(&self) -> Option<String> {
        let waits = self.waits.as_ref()?;
        Some(match &waits.question {
            Some(question) => format!("asks: {question}"),
            None => "has printed nothing for a while and may hang".to_owned(),
        })
    }

    /// The name of its state in `status --json`.
    pub fn state_name(&self) -> &'static str {
        self.outcome.as_ref().map_or("running", Outcome::name)
    }
}

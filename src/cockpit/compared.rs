//! What the probes were last compared with.

use std::collections::HashMap;

use jiff::Timestamp;

use super::msg::EffectId;
use crate::health::compare::Answer;

/// The answers, and what is being asked.
#[derive(Debug, Clone, Default)]
pub struct Comparisons {
    /// The last answer for each probe, by its name.
    pub answers: HashMap<String, Answer>,
    /// The question that has not been answered yet.
    pub looking: Option<EffectId>,
    /// When it was asked last.
    pub asked: Option<Timestamp>,
}

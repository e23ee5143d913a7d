//! How a drill went.

use super::super::msg::EffectId;
use super::Scroll;
use crate::drill::grade::Line;

/// How a drill went against the procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradeView {
    /// What is judged, in order.
    pub lines: Vec<Line>,
    /// First line shown.
    pub scroll: Scroll,
    /// The effect that finds out what the drill was about, and what the fix changes.
    pub asked: Option<EffectId>,
    /// Whether the drill is left after it was read.
    pub leaving: bool,
}

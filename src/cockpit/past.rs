//! Looking back: what is known of the incidents of the repository, and the window that shows it.

use jiff::civil::Date;

use super::model::Model;
use super::msg::EffectId;
use crate::incident::RecordId;
use crate::report::past::{By, Chronicle, Left, Past, Trends, Unread, trends};

/// What is known of the incidents of the repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looking {
    /// What they came to; `None`: not looked at yet.
    pub found: Option<Chronicle>,
    /// All of them together, as it was worked out when they were looked at.
    pub trends: Vec<Trends>,
    /// The effect that looks now.
    pub asked: Option<EffectId>,
    /// Effects that change what is there: once they have ended it is looked at anew.
    pub changing: Vec<EffectId>,
    /// Whether something was written since it was looked at.
    pub stale: bool,
}

/// One of the pages of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leaf {
    /// What is left to do.
    #[default]
    FollowUps,
    /// The incidents, newest first.
    Incidents,
    /// All of them together, by month.
    Months,
    /// All of them together, by severity.
    Severities,
}

impl Leaf {
    /// All of them, in the order of the key that goes through them.
    pub const ALL: [Self; 4] = [Self::FollowUps, Self::Incidents, Self::Months, Self::Severities];
}

/// The window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PastView {
    /// The page.
    pub leaf: Leaf,
    /// The row that the cursor is on; of a page of trends the first line shown.
    pub cursor: usize,
    /// The follow-up that the cursor is on: it stays there when others come and go.
    pub on: Option<RecordId>,
}

impl PastView {
    /// Tells whether it shows all incidents together, which has lines and no rows.
    pub fn is_together(self) -> bool {
        matches!(self.leaf, Leaf::Months | Leaf::Severities)
    }
}

/// A row of the list of incidents.
#[derive(Debug, Clone, Copy)]
pub enum PastRow<'a> {
    /// One that can be read.
    Read(&'a Past),
    /// One that cannot.
    Unread(&'a Unread),
}

impl Model {
    /// What is left to do of all incidents, what is overdue first.
    pub fn left_to_do(&self) -> Vec<Left<'_>> {
        self.past.found.as_ref().map(Chronicle::left).unwrap_or_default()
    }

    /// The incidents, newest first, those that cannot be read behind them.
    pub fn past_rows(&self) -> Vec<PastRow<'_>> {
        let Some(found) = &self.past.found else { return Vec::new() };
        let read = found.incidents.iter().map(PastRow::Read);
        read.chain(found.unread.iter().map(PastRow::Unread)).collect()
    }

    /// All incidents together; `None`: they have not been looked at yet.
    pub fn trends(&self, by: By) -> Option<Trends> {
        let known = self.past.trends.iter().find(|known| known.by == by);
        known.cloned().or_else(|| self.worked_out(by))
    }

    /// Works out what all incidents come to together.
    pub(super) fn worked_out(&self, by: By) -> Option<Trends> {
        let found = self.past.found.as_ref()?;
        Some(trends(&found.incidents, by, &self.policy))
    }

    /// The day it is in the zone that the screen shows.
    pub fn today(&self) -> Date {
        self.looks.zone.to_datetime(self.now).date()
    }
}

//! A watch from a distance: how long it takes, and what it leaves to people.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize as _;
use serde_json::Value;

use super::{EntryKind, PlanRun, State};
use crate::config::types::Point;
use crate::incident::NoteKind;

/// The last part of a watch: then somebody has to have looked at what nothing probes.
const LAST: i32 = 12;

impl PlanRun {
    /// Tells whether it watches what was released from a distance: it holds nothing, and nobody waits for it.
    pub fn is_extended(&self) -> bool {
        self.purpose == "extended-watch"
    }

    /// Tells whether what its last step says is what somebody wanted to know: what a watch saw, which commit a
    /// search found. Of every other plan it is output, which is with the step.
    pub fn finds(&self) -> bool {
        let last = || self.spec.get("steps")?.as_array()?.last()?.get("action")?.get("probes");
        self.purpose == "bisect" || last().is_some()
    }

    /// How long it watches from a distance; `None`: it does not.
    pub fn extended_for(&self) -> Option<SignedDuration> {
        let time = self.watched().filter(|_| self.is_extended())?.get("time")?;
        time.as_str()?.parse().ok()
    }

    /// The points of the procedure that none of its probes looks at.
    pub fn left_to_people(&self) -> Vec<Point> {
        let probes = self.watched().and_then(|watch| watch.get("probes")?.as_array());
        let covers =
            probes.into_iter().flatten().filter_map(|probe| probe.get("covers")?.as_array()).flatten();
        let covered: Vec<Point> = covers.filter_map(|point| Point::deserialize(point).ok()).collect();
        Point::ALL.into_iter().filter(|point| !covered.contains(point)).collect()
    }

    fn watched(&self) -> Option<&Value> {
        self.spec.get("steps")?.get(0)?.get("action")
    }
}

impl State {
    /// The watch from a distance that is nearly over, when it is, and what a person has to look at by then.
    /// What somebody found since then counts as looked at.
    pub fn to_look_at(&self, now: Timestamp) -> Option<(&PlanRun, Timestamp, Vec<Point>)> {
        let plan = self.plans.iter().rev().find(|plan| plan.is_extended() && plan.state.is_under_way())?;
        let time = plan.extended_for()?;
        let end = plan.started_at.checked_add(time).ok()?;
        let from = end.checked_sub(time / LAST).ok()?;
        let looked = self.timeline.iter().rev().take_while(|entry| entry.at >= from);
        let found = [EntryKind::Note(NoteKind::Finding), EntryKind::Note(NoteKind::Problem)];
        let was_looked_at = looked.into_iter().any(|entry| found.contains(&entry.kind));
        let points = plan.left_to_people();
        (now >= from && !was_looked_at && !points.is_empty()).then_some((plan, end, points))
    }
}

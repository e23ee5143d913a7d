//! What is next once an incident is over.

use super::{Rank, Steps};
use crate::incident::body::WatchVerdict;
use crate::incident::clocks::audience;
use crate::incident::state::Status;

impl Steps<'_> {
    /// What is live may turn out to be no good after all when nobody looks any more.
    pub(super) fn after_closing(&mut self) {
        let closed =
            self.state.heads.iter().filter(|head| head.status == Status::Closed).map(|head| head.at).max();
        let Some(live) = self.live() else { return };
        if let Some((at, WatchVerdict::Failed, _)) = &live.verdict
            && closed.is_some_and(|closed| *at > closed)
        {
            let name = live.name();
            let title =
                format!("{name} failed its watch after this was closed: reopen it, then take it back");
            self.add_ranked(Rank::Mitigate, "reopen", "", title);
        }
    }

    /// What is left once it is over.
    pub(super) fn afterwards(&mut self) {
        let over = self.state.resolved_at;
        // What was watched on from a distance may turn out to be no good after all.
        let judged = self.live().and_then(|live| live.verdict.as_ref()).map(|(at, ..)| *at);
        if judged > over && !self.at_work_on_production() {
            self.take_back();
        }
        let told = self.state.told.iter().any(|(at, _)| over.is_some_and(|over| *at >= over));
        if self.facts.healthy == Some(false) {
            let production = self.environment.unwrap_or("production");
            let title = format!("{production} fails although it was resolved: if users are hit, reopen it");
            self.add_ranked(Rank::Mitigate, "reopen", "", title);
        } else if !told {
            self.add("told", audience::STAKEHOLDERS, "tell stakeholders that it is over, then record it");
        }
        self.owe_the_fix();
        self.bring_home();
        self.cause();
        if !self.state.has_report() {
            self.impact();
        }
        let review = &self.policy.severity(self.state.severity).review;
        let (action, due, title) = if self.state.has_report() {
            ("review", format!("hold the {review}, then record it"), "close the incident")
        } else {
            ("report", format!("write the report for the {review}"), "write the report")
        };
        let before = self.list.len();
        self.add_due("review", action, "", &due);
        if self.list.len() == before {
            self.add(if action == "review" { "close" } else { action }, "", title);
        }
        self.own(true);
        self.mend_elsewhere();
    }
}

//! What clocks ask for that the rest of the procedure does not know: a team's own, and updates to others than
//! stakeholders.

use super::super::body::Phase;
use super::super::clocks::{Clock, ClockState};
use super::super::policy::{ClockPolicy, MetBy};
use super::Steps;

/// Clocks that a step of the procedure asks for by itself.
const KNOWN: [&str; 6] = ["page", "stakeholders", "escalate", "fix", "executives", "review"];

impl Steps<'_> {
    /// Adds the step to the phase in which it is verified.
    pub(super) fn enter_verify(&mut self) {
        let title = format!("enter the {} phase", self.policy.phase_name(Phase::Verify));
        self.add("phase", Phase::Verify.name(), title);
    }

    /// Adds what meets the clocks that nothing else meets while the incident is open.
    pub(super) fn others(&mut self) {
        let updates: Vec<Clock> = self
            .clocks
            .iter()
            .filter(|clock| clock.id.starts_with("update:") && presses(clock, self.now))
            .cloned()
            .collect();
        for clock in updates {
            let audience = clock.id.trim_start_matches("update:");
            let title = format!("send {} an update, then record it", self.policy.audience_title(audience));
            self.add_due(&clock.id, "told", audience, &title);
        }
        self.own(false);
    }

    /// Adds what meets the team's own clocks: those that run on when it is resolved, or all of them.
    pub(super) fn own(&mut self, afterwards: bool) {
        let policy = self.policy;
        let own = policy.clocks.iter().filter(|rule| !KNOWN.contains(&rule.id.as_str()));
        for rule in own.filter(|rule| !afterwards || rule.ends_closed()) {
            let Some((action, argument)) = meets(rule) else { continue };
            self.add_due(&rule.id, action, argument, &format!("{}, then record it", rule.title));
        }
    }
}

/// The act that meets a clock, with its argument; `None`: what meets it is a step of the procedure.
fn meets(rule: &ClockPolicy) -> Option<(&'static str, &str)> {
    rule.met_by.iter().find_map(|act| match act {
        MetBy::Told => Some(("told", rule.who.as_str())),
        MetBy::Paged => Some(("page", rule.who.as_str())),
        MetBy::Role => Some(("role", rule.who.as_str())),
        MetBy::Fixed | MetBy::Mitigated | MetBy::Resolved | MetBy::Reviewed => None,
    })
}

/// Tells whether a clock that starts again and again is overdue, or will be soon.
fn presses(clock: &Clock, now: jiff::Timestamp) -> bool {
    let (left, whole) = (clock.due_at.duration_since(now), clock.due_at.duration_since(clock.from));
    clock.state == ClockState::Overdue || (clock.state == ClockState::Running && left * 4 <= whole)
}

//! What is told louder than by colours: a deadline that passed, by bell, notification and the terminal's title.

use std::collections::BTreeSet;

use super::model::Model;
use crate::incident::{ClockState, IncidentId, State};

/// The deadlines that have passed, and nobody put off: titles, of the incident that is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loud {
    incident: Option<IncidentId>,
    titles: BTreeSet<String>,
}

impl Loud {
    /// What is loud now.
    pub fn of(model: &Model) -> Self {
        let Some(state) = model.incident() else { return Self::default() };
        let overdue = model.derived.clocks.iter().filter(|clock| clock.state == ClockState::Overdue);
        let loud = overdue.filter(|clock| state.snoozed(&clock.id, model.now).is_none());
        let titles = loud.map(|clock| clock.title.trim_end_matches(" due").to_owned()).collect();
        Self { incident: Some(state.id), titles }
    }

    /// What has become loud since: one line to notify people with. What was so when the incident was opened is
    /// on the screen, and tells nothing new.
    pub fn news(&self, before: &Self) -> Option<String> {
        if self.incident != before.incident || self.incident.is_none() {
            return None;
        }
        let new: Vec<&str> = self.titles.difference(&before.titles).map(String::as_str).collect();
        (!new.is_empty()).then(|| format!("overdue: {}", new.join(", ")))
    }
}

/// The title of the terminal: what has passed, how bad it is, and which incident.
pub fn title(model: &Model) -> String {
    let Some(state) = model.incident().filter(|state| state.is_open()) else {
        return "flightdeck".to_owned();
    };
    let overdue = if model.derived.loud.titles.is_empty() { "" } else { "▲ " };
    let State { severity, title, .. } = state;
    format!("{overdue}{} {}: {title}", model.policy.severity_name(*severity), model.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loud(incident: u128, titles: &[&str]) -> Loud {
        Loud {
            incident: Some(IncidentId(uuid::Uuid::from_u128(incident))),
            titles: titles.iter().map(|title| (*title).to_owned()).collect(),
        }
    }

    #[test]
    fn only_what_passed_while_the_incident_was_open_is_news() {
        let quiet = loud(1, &[]);
        assert_eq!(loud(1, &["update"]).news(&quiet).as_deref(), Some("overdue: update"));
        assert_eq!(loud(1, &["fix", "update"]).news(&loud(1, &["update"])).as_deref(), Some("overdue: fix"));
        assert_eq!(loud(1, &["update"]).news(&loud(1, &["update"])), None);
        assert_eq!(loud(1, &["update"]).news(&Loud::default()), None, "it was so when it was opened");
        assert_eq!(loud(2, &["update"]).news(&quiet), None, "another incident");
    }
}

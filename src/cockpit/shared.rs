//! How far an incident is shared with other machines, and what could be joined.

use jiff::{SignedDuration, Timestamp};

use super::model::Model;
use crate::incident::{IncidentId, PlanRun, Run, Severity, duration};

/// What is known of sharing over the remote of this repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shared {
    /// What the remote is called.
    pub remote: String,
    /// When the remote answered last, and took all there was.
    pub at: Option<Timestamp>,
    /// Records that were written here and are not there.
    pub unsent: u64,
    /// Why it did not answer, or did not take them.
    pub trouble: Option<String>,
    /// Chains that something is wrong with: whose, and what.
    pub aside: Vec<(String, String)>,
    /// The incident that is shared from here; `None`: none is.
    pub incident: Option<IncidentId>,
    /// Why it is not shared, and what to do so that it is; `None`: it is.
    pub kept: Option<(String, String)>,
    /// Open incidents that are there and not here, the most urgent first.
    pub offered: Vec<Offered>,
    /// How sharing as it happens stands; `None`: it is not configured.
    pub live: Option<LiveState>,
}

/// How sharing as it happens stands, beside the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveState {
    /// What the server is called.
    pub server: String,
    /// Whether it is there, and has all that was written here.
    pub is_up: bool,
    /// Why it is not, or what it refused.
    pub trouble: Option<String>,
}

/// An open incident at the remote that nobody has joined from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The incident.
    pub id: IncidentId,
    /// Its number.
    pub number: String,
    /// What is broken.
    pub title: String,
    /// How severe it is.
    pub severity: Severity,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// Who leads; empty: nobody.
    pub led_by: String,
}

/// A row of the start screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartRow {
    /// Declare an incident.
    Declare,
    /// Join the incident of this place in what is offered.
    Join(usize),
    /// Open the incident of this place in the list.
    Open(usize),
}

impl Model {
    /// The machine that carries a plan out, in words, where that is another one.
    pub fn elsewhere(&self, plan: &PlanRun) -> Option<String> {
        if self.here == 0 { None } else { plan.elsewhere(self.here) }
    }

    /// How far a stop is that was asked for: a few words.
    pub fn stopping(&self, plan: &PlanRun, run: &Run) -> &'static str {
        if self.elsewhere(plan).is_none() || !run.signals.is_empty() {
            return "being stopped";
        }
        let is_stuck = |shared: &Shared| shared.trouble.is_some() && shared.unsent > 0;
        if self.shared.as_ref().is_some_and(is_stuck) {
            "stop not sent yet"
        } else {
            "stop asked, not answered yet"
        }
    }

    /// The open incidents that could be joined, without those that are here by now.
    pub fn offered(&self) -> Vec<&Offered> {
        let shared = self.shared.iter().flat_map(|shared| &shared.offered);
        shared.filter(|one| self.incidents.iter().all(|known| known.id != one.id)).collect()
    }

    /// The row of the start screen that the cursor is on.
    pub fn start_row(&self) -> StartRow {
        let offered = self.offered().len();
        match self.start_row {
            0 => StartRow::Declare,
            row if row <= offered => StartRow::Join(row - 1),
            row => StartRow::Open(row - 1 - offered),
        }
    }

    /// The last row of the start screen.
    pub fn last_start_row(&self) -> usize {
        self.offered().len() + self.incidents.len()
    }

    /// How sharing of the open incident stands, and whether somebody has to know: `shared 4 s ago`.
    pub fn sharing(&self) -> Option<(String, bool)> {
        let shared = self.shared.as_ref()?;
        if shared.incident.is_none() || shared.incident != self.incident().map(|state| state.id) {
            return None;
        }
        if shared.live.as_ref().is_some_and(|live| live.is_up) {
            return Some(("shared live".to_owned(), false));
        }
        if shared.kept.is_some() {
            return Some(("not shared".to_owned(), false));
        }
        let unsent = if shared.unsent == 0 { String::new() } else { format!(", {} unsent", shared.unsent) };
        // Two rounds of the slower pace.
        let is_old = |at: Timestamp| self.now.duration_since(at) > SignedDuration::from_secs(30);
        let said = match (&shared.trouble, shared.at) {
            (None, Some(at)) if is_old(at) => {
                return Some((format!("not shared since {}{unsent}", self.clock(at)), true));
            }
            (None, Some(at)) if shared.unsent == 0 => {
                let ago = self.now.duration_since(at);
                return Some((format!("shared {} ago", duration(ago.max(SignedDuration::ZERO))), false));
            }
            (None, _) => format!("sharing{unsent}"),
            (Some(_), Some(at)) => format!("not shared since {}{unsent}", self.clock(at)),
            (Some(_), None) => format!("not shared{unsent}"),
        };
        Some((said, shared.trouble.is_some()))
    }

    fn clock(&self, at: Timestamp) -> String {
        self.looks.zone.to_datetime(at).strftime("%H:%M").to_string()
    }
}

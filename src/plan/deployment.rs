//! A deploy as it is reported to a code host. Pure.

use serde::{Deserialize, Serialize};

use super::Plan;
use super::forge::Place;
use crate::incident::{PlanEnd, PlanRun, PlanState, Reported, StepState};

/// Where a deploy is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The repository at its code host.
    pub place: Place,
    /// Name of the environment there.
    pub environment: String,
    /// Where people use what was deployed; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Whether people use it: it is protected here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub production: bool,
}

impl Plan {
    /// How the deploy of a plan stands, for whoever it is reported to; `None`: there is nothing to report.
    pub fn reported(&self, run: &PlanRun) -> Option<Reported> {
        self.report.as_ref()?;
        let after = self.release.as_ref()?.after;
        let step = run.steps.get(after)?;
        run.steps.iter().take(after + 1).find(|step| step.run.is_some())?;
        Some(match (step.fate(), run.state) {
            (StepState::Done, _) => Reported::Succeeded,
            (StepState::Undone, _) => Reported::Inactive,
            (_, state) if state.is_under_way() => Reported::Running,
            (StepState::Unknown, _) | (_, PlanState::Ended(PlanEnd::Unknown)) => Reported::Unknown,
            (_, PlanState::Ended(PlanEnd::Cancelled)) => Reported::Cancelled,
            _ => Reported::Failed,
        })
    }
}

//! What is said once the cockpit is left: what goes on without it.

use crate::deploy::extended;
use crate::incident::IncidentId;
use crate::journal::Lease;

/// What goes on in a repository of other incidents than the one that is shown: that one tells more of itself.
pub(super) fn elsewhere(leases: &[Lease], repository: &str, shown: Option<IncidentId>) -> Vec<String> {
    let here = leases.iter().filter(|lease| lease.repository == repository && Some(lease.incident) != shown);
    here.map(named).collect()
}

fn named(lease: &Lease) -> String {
    match extended::environment(&lease.target) {
        Some(environment) => format!("the extended watch of {environment}"),
        None => format!("{} on {}", lease.plan, lease.target),
    }
}

/// A line for each of what goes on.
pub(super) fn farewell(running: &[String]) -> String {
    let line = |plan: &String| {
        format!("{} goes on without the cockpit; flightdeck picks it up again\n", crate::text::visible(plan))
    };
    running.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_goes_on_is_told_also_where_its_incident_is_not_shown() {
        let lease = |repository: &str, incident: u128, target: &str, plan: &str| Lease {
            repository: repository.into(),
            target: target.into(),
            incident: IncidentId(Uuid::from_u128(incident)),
            plan: plan.into(),
            by: "maya".into(),
            process: None,
            taken_at: jiff::Timestamp::UNIX_EPOCH,
            heartbeat_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let leases = [
            lease("shop", 1, &extended::target("production"), "extended-deploy-production-1"),
            lease("shop", 2, "staging", "deploy-staging-4"),
            lease("blog", 3, "production", "deploy-production-1"),
        ];
        let shown = Some(IncidentId(Uuid::from_u128(2)));
        assert_eq!(elsewhere(&leases, "shop", shown), ["the extended watch of production"]);
        let all = elsewhere(&leases, "shop", None);
        assert_eq!(all, ["the extended watch of production", "deploy-staging-4 on staging"]);
        assert_eq!(
            farewell(&all[..1]),
            "the extended watch of production goes on without the cockpit; flightdeck picks it up again\n"
        );
    }
}

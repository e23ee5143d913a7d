//! Fetching in a terminal that can be answered.

use super::super::state::BranchState;
use super::{FETCH_TARGET, NETWORK_TIMEOUT, git};
use crate::plan::{Action, Plan, Purpose, Step};
use crate::text::visible;

/// The plan of `hotfix fetch`: fetches what the remote has, where somebody can type a passphrase.
/// Nothing that is here is taken away, and no tag is replaced.
pub fn fetch(id: &str, state: &BranchState, remote: &str) -> Plan {
    let shown = visible(remote);
    let step = Step {
        // Twice is once.
        retry_is_safe: true,
        ..Step::new(
            format!("fetch what {shown} has"),
            Action::Command(git(&state.root, &["fetch", "--no-prune", remote])),
            NETWORK_TIMEOUT,
        )
    };
    Plan {
        notes: vec![format!(
            "what {shown} has is taken as it is then for as long as the policy says (fetch_valid_for)"
        )],
        steps: vec![step],
        ..Plan::new(id, format!("fetch what {shown} has"), Purpose::Hotfix, FETCH_TARGET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::state::Head;
    use crate::plan::Reach;

    #[test]
    fn it_fetches_and_takes_nothing_away() {
        let state = BranchState::new("/srv/payments", Head::Unborn { name: "main".into() });
        let plan = fetch("fetch-1", &state, "origin");
        assert_eq!(plan.steps[0].action.line(), "git fetch --no-prune origin");
        assert_eq!((plan.steps[0].reach, plan.confirm), (Reach::Here, None));
        assert_ne!(plan.target, super::super::TARGET, "a plan that holds that may need it");
    }
}

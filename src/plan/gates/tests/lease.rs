//! What is asked for where nobody knows whether others deploy to a target.

use super::super::{Met, doubtful, unasked};
use crate::plan::{Plan, Purpose};

#[test]
fn where_others_cannot_be_asked_a_protected_target_wants_a_reason_and_any_other_is_told() {
    let deploy = Plan::new("deploy-1", "deploy", Purpose::Deploy, "production");
    let protected = Plan { confirm: Some("production".to_owned()), ..deploy.clone() };
    let met = |plan: &Plan| unasked(plan, "no route to host").map(|one| (one.met, one.may_pass_over));
    assert_eq!(met(&protected), Some((Met::No, true)));
    assert_eq!(met(&deploy), Some((Met::Unproven, true)));
    assert_eq!(met(&Plan { purpose: Purpose::Test, ..protected }), None);
    assert!(doubtful("it is none of ours").blocks());
}

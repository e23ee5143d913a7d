//! What somebody is told whose target is held by another plan.

use jiff::{SignedDuration, Timestamp};

use super::process::{Life, life};
use crate::failure::{Failure, FailureKind};
use crate::incident::duration;
use crate::journal::Lease;
use crate::text::visible;

/// The failure that says who holds a target, since when, and what can be done about it.
pub fn held(doing: &str, lease: &Lease, now: Timestamp) -> Failure {
    let ago = |at| duration(now.duration_since(at).max(SignedDuration::ZERO));
    let place = lease.process.as_ref().map_or_else(String::new, |process| {
        format!(" on {} as process {}", visible(&process.host), process.pid)
    });
    let (target, plan) = (visible(&lease.target), visible(&lease.plan));
    let cause = format!(
        "{} holds {target}: {plan} has been running for {}{place}, last heard from {} ago",
        visible(&lease.by),
        ago(lease.taken_at),
        ago(lease.heartbeat_at),
    );
    let hint = match lease.process.as_ref().map(life) {
        Some(Life::Alive) => format!(
            "wait for it, or undo it: flightdeck plan undo {plan}; flightdeck plan show {plan} \
             says how it stands, flightdeck run stop {plan} stops it"
        ),
        _ => format!(
            "ask {}; if that process is gone for certain: flightdeck plan take-over {target} --reason WHY",
            visible(&lease.by)
        ),
    };
    Failure::of(FailureKind::Held, doing.to_owned(), cause, hint)
}

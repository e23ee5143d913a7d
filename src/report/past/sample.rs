//! Incidents to look back at, for tests.

use jiff::civil::Date;
use uuid::Uuid;

use super::*;
use crate::incident::{Issue, RecordId};

/// A day in the month before the one that drawing is tested in.
fn day(n: i64) -> Timestamp {
    "2026-01-03T09:30:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * n)
}

pub(crate) fn past(n: i64, severity: Severity, minutes: [i64; 3]) -> Past {
    let [detect, mitigate, resolve] = minutes;
    let after = |minutes: i64| day(n) + SignedDuration::from_mins(minutes);
    let took = |minutes: i64| Took::Measured(SignedDuration::from_mins(minutes));
    Past {
        id: IncidentId(Uuid::from_u128(n.unsigned_abs().into())),
        number: format!("INC-2026-{n:04}"),
        title: format!("incident {n}"),
        severity,
        status: Status::Closed,
        in_conflict: false,
        began_at: day(n),
        declared_at: after(detect),
        mitigated_at: Some(after(mitigate)),
        served_at: Some(after(mitigate)),
        resolved_at: Some(after(resolve)),
        detect: took(detect),
        mitigate: took(mitigate),
        resolve: took(resolve),
        resolved: 1,
        reopened: 0,
        missed: Vec::new(),
        over_budget: Vec::new(),
        follow_ups: Vec::new(),
        broke: Vec::new(),
        is_running: false,
    }
}

pub(crate) fn follow_up(n: u128, text: &str, owner: &str, due: Option<&str>) -> FollowUp {
    FollowUp {
        id: RecordId(Uuid::from_u128(n)),
        text: text.into(),
        owner: owner.into(),
        due: due.map(|due| due.parse::<Date>().unwrap()),
        of: None,
        at: day(0),
        issue: None,
        end: None,
    }
}

/// Some of all kinds: one that goes on, one with contradicting times, one that cannot be read.
pub(crate) fn chronicle() -> Chronicle {
    let mut open = past(58, Severity::P0, [4, 0, 0]);
    (open.mitigated_at, open.served_at, open.resolved_at) = (None, None, None);
    (open.mitigate, open.resolve, open.status) = (Took::NotYet, Took::NotYet, Status::Open);
    open.title = "Checkout answers 500".into();
    let mut worst = past(40, Severity::P0, [4, 41, 312]);
    worst.title = "Nobody can pay: the pool of connections is exhausted".into();
    worst.broke = vec![
        "the pool is too small".into(),
        "a resource at its limit: 100 of 100 connections".into(),
        "rolled back in production: v1.4.2".into(),
    ];
    let missed = |clock: &str, title: &str, late: Option<i64>| Missed {
        clock: clock.into(),
        title: title.into(),
        due_at: day(40),
        met_at: late.map(|late| day(40) + SignedDuration::from_mins(late)),
        is_overdue: false,
    };
    worst.missed = vec![
        missed("page", "page on-call", None),
        missed("update", "update for stakeholders", Some(4)),
        missed("update", "update for stakeholders", Some(7)),
        missed("fix", "fix", Some(72)),
    ];
    worst.over_budget = vec![missed("phase:respond", "respond", Some(12))];
    let mut alert = follow_up(1, "alert on the pool before it is full", "li", Some("2026-02-26"));
    alert.issue = Some(Issue { number: 41, url: "https://github.com/shop/pay/issues/41".into(), open: true });
    worst.follow_ups = vec![alert, follow_up(2, "write the runbook of the pool", "", None)];
    let mut odd = past(31, Severity::P1, [10, 90, 60]);
    let why = "mitigated 2026-02-03 11:00:00 UTC, after it was resolved 2026-02-03 10:30:00 UTC";
    (odd.mitigate, odd.resolve) = (Took::Invalid(why.into()), Took::Invalid(why.into()));
    odd.reopened = 1;
    odd.follow_ups = vec![follow_up(3, "raise the limit", "omar", Some("2026-03-05"))];
    let others = (1..=9).rev().map(|n| {
        let severity = if n % 3 == 0 { Severity::P2 } else { Severity::P1 };
        past(3 * n, severity, [n % 4 + 1, 20 + 7 * (n % 5), 40 + 13 * n])
    });
    let unread = Unread {
        id: IncidentId(Uuid::from_u128(99)),
        number: "INC-2026-0099".into(),
        title: "no mail".into(),
        why: "what is stored is no record".into(),
    };
    Chronicle { incidents: [open, worst, odd].into_iter().chain(others).collect(), unread: vec![unread] }
}

use super::*;
use crate::incident::Process;

fn lease(process: Option<Process>, silent: SignedDuration) -> Lease {
    let now = Timestamp::now();
    Lease {
        repository: "/repo/.git".to_owned(),
        target: "staging".to_owned(),
        incident: IncidentId(uuid::Uuid::nil()),
        plan: "p-1".to_owned(),
        by: "Omar".to_owned(),
        process,
        taken_at: now,
        heartbeat_at: now - silent,
    }
}

fn elsewhere() -> Option<Process> {
    process::this().map(|this| Process { host: "other.invalid".to_owned(), ..this })
}

fn shown(lease: &Lease, stated: Option<&str>) -> Result<String, (String, String)> {
    shown_gone(lease, stated, Timestamp::now())
}

#[test]
fn a_holder_here_is_looked_at_and_nothing_that_is_stated_counts() {
    let long = SignedDuration::from_hours(5);
    let (cause, _) = shown(&lease(process::this(), long), Some("I am sure")).unwrap_err();
    assert!(cause.ends_with("started by Omar, is alive"), "{cause}");
    let mut gone = process::this().unwrap();
    gone.started -= 1;
    assert!(shown(&lease(Some(gone.clone()), SignedDuration::ZERO), None).unwrap().ends_with(" is gone"));
    gone.boot = "before".to_owned();
    let shown = shown(&lease(Some(gone), SignedDuration::ZERO), None).unwrap();
    assert!(shown.ends_with("was restarted since"), "{shown}");
}

#[test]
fn a_holder_elsewhere_has_to_be_silent_and_stated_to_be_gone() {
    let silent = SILENCE + SignedDuration::from_secs(1);
    for holder in [elsewhere(), None] {
        let (cause, _) =
            shown(&lease(holder.clone(), SignedDuration::from_secs(3)), Some("off")).unwrap_err();
        assert!(cause.contains("was last heard from 3s ago"), "{cause}");
        for stated in [None, Some(""), Some("  ")] {
            let (_, hint) = shown(&lease(holder.clone(), silent), stated).unwrap_err();
            assert!(hint.ends_with("say in the reason how you know"), "{hint}");
        }
        let gone = shown(&lease(holder, silent), Some(" it was switched off ")).unwrap();
        assert!(gone.ends_with("stated: it was switched off"), "{gone}");
    }
}

#[test]
fn a_target_that_changed_hands_meanwhile_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(dir.path(), "Maya").unwrap();
    let mut gone = process::this().unwrap();
    gone.started -= 1;
    let seen = lease(Some(gone), SignedDuration::ZERO);
    let now = Timestamp::now();
    let held = Lease { process: process::this(), plan: "p-2".to_owned(), ..seen.clone() };
    journal.acquire(now, held, Vec::new(), &|_| false).unwrap();
    assert!(take_over(&mut journal, dir.path(), &seen, " ", None).is_err(), "without a reason");
    let failure = take_over(&mut journal, dir.path(), &seen, "hurry", None).unwrap_err();
    assert!(failure.cause.starts_with("somebody else holds it now"), "{failure:?}");
    assert_eq!(journal.leases().unwrap()[0].plan, "p-2");
}

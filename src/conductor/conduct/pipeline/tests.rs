use std::time::Duration;

use jiff::Timestamp;

use super::super::super::forge::{Kind, Lost};
use super::look::by_jobs;
use super::run::Following;
use crate::deploy::pipeline::{Job, Review, Seen};
use crate::incident::RemoteState;

pub(super) fn job(name: &str, state: RemoteState) -> Job {
    Job {
        id: name.to_owned(),
        name: name.to_owned(),
        stage: String::new(),
        state,
        started: None,
        ended: None,
        may_fail: false,
        steps: Vec::new(),
    }
}

#[test]
fn while_jobs_go_on_they_say_how_the_run_stands() {
    use RemoteState::{Queued, Running, Succeeded, Waiting};
    let stands = |states: &[RemoteState], before| {
        let jobs: Vec<Job> = states.iter().map(|state| job("x", *state)).collect();
        by_jobs(&jobs, before)
    };
    assert_eq!(stands(&[Succeeded, Running, Waiting], Queued), Running);
    assert_eq!(stands(&[Succeeded, Waiting], Running), Waiting);
    assert_eq!(stands(&[Queued, Queued], Waiting), Queued);
    assert_eq!(stands(&[Succeeded, Queued], Running), Running, "between two jobs it is what it was");
}

fn seen() -> Seen {
    Seen {
        id: "9001".into(),
        name: "deploy.yml #42".into(),
        url: String::new(),
        attempt: 1,
        state: RemoteState::Waiting,
        said: "waiting".into(),
        commit: String::new(),
        created: None,
        began: None,
        workflow: String::new(),
    }
}

#[test]
fn a_host_is_left_alone_for_as_long_as_it_asks_within_reason() {
    let minutes = |count: u64| Duration::from_secs(count * 60);
    for (kind, least, most) in [
        (Kind::Limited(minutes(50)), minutes(49), minutes(50)),
        (Kind::Busy(minutes(20)), minutes(19), minutes(20)),
        (Kind::Limited(minutes(300)), minutes(59), minutes(60)),
        (Kind::Unclear, Duration::ZERO, Duration::ZERO),
    ] {
        let mut following = Following::new(0, "deploy-1.0", seen(), String::new(), Timestamp::UNIX_EPOCH);
        let is_away = following.keep_away(&Lost { why: String::new(), kind });
        assert_eq!(is_away, !most.is_zero(), "{kind:?}");
        assert!((least..=most).contains(&following.away()), "{kind:?}: {:?}", following.away());
    }
}

#[test]
fn what_nobody_read_is_not_approved() {
    let mut following = Following::new(0, "deploy-1.0", seen(), String::new(), Timestamp::UNIX_EPOCH);
    following.note = "for approval of staging by sre".into();
    assert!(following.still_waits(&following.note, &[]).is_err(), "somebody gave it meanwhile");
    following.reviews.push(Review {
        id: "31".into(),
        what: "staging".into(),
        who: vec!["sre".into()],
        may: Some(true),
        until: None,
    });
    let record = following.record("deploy-1");
    let (read, ids) = (record.note, record.ids);
    assert_eq!(following.still_waits(&read, &ids), Ok(()));
    following.reviews[0].id = "32".into();
    let why = following.still_waits(&read, &ids).unwrap_err();
    assert!(why.contains("waits for something else now"), "it is called the same: {why}");
    assert_eq!(following.still_waits(&read, &[]), Ok(()), "an older version names none");
    following.reviews[0].id = "31".into();
    following.seen.attempt = 2;
    assert!(following.still_waits(&read, &ids).is_err(), "it was run again");
    following.seen.attempt = 1;
    following.note = "for approval of staging by sre, omar".into();
    assert_eq!(following.still_waits(&read, &ids), Ok(()), "it is the same, and more is known of it");
    following.note = "for approval of production by sre".into();
    let why = following.still_waits(&read, &[]).unwrap_err();
    assert!(why.contains("waits for something else now"), "{why}");
    assert!(following.still_waits("", &[]).is_err(), "nobody can tell what was read");
    following.note = "not seen since 09:00 UTC: timed out".into();
    assert!(following.still_waits(&following.note, &ids).is_err());
}

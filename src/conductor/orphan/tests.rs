//! What is left of runs, with real processes.

use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use uuid::Uuid;

use super::*;

fn run(id: &str, process: Option<crate::incident::Process>, outcome: Outcome) -> Run {
    Run {
        id: id.to_owned(),
        title: "deploy".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: None,
        process,
        outcome: Some(outcome),
        summary: String::new(),
        tail: Vec::new(),
        stop_asked: None,
        signals: Vec::new(),
        unproven: false,
        waits: None,
        remote: None,
    }
}

fn unknown() -> Outcome {
    Outcome::Unknown { why: "the conductor was killed".to_owned() }
}

/// A process that is left of a run, ended when the test is done with it.
struct Left(Child);

impl Left {
    fn of(incident: IncidentId, run: &str) -> Self {
        let value = mark(incident, run);
        let mut command = Command::new("sleep");
        command.arg("60").env("FLIGHTDECK_RUN", value).stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_is_worth_little_while_something_is_alive() {
    let incident = IncidentId(Uuid::now_v7());
    let mut left = Left::of(incident, "deploy-1.0");
    let first = process::identify(left.0.id());
    let itself = run("deploy-1.0", first, unknown());
    let mut gone = itself.process.clone().unwrap();
    gone.pid = u32::MAX - 1;
    let rest = run("deploy-1.0", Some(gone), unknown());
    let deadline = Instant::now() + Duration::from_secs(30);
    while remains(incident, &rest).is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let said = |proof| (proof, "v1".to_owned());
    for (proof, of_itself, of_the_rest) in [
        (Proof::Done, Proof::Unknown, Proof::Done),
        (Proof::NotDone, Proof::Unknown, Proof::Unknown),
        (Proof::Unknown, Proof::Unknown, Proof::Unknown),
    ] {
        assert_eq!(weighed(said(proof), incident, Some(&itself)).0, of_itself, "{proof:?}");
        assert_eq!(weighed(said(proof), incident, Some(&rest)).0, of_the_rest, "{proof:?}");
    }
    let (_, why) = weighed(said(Proof::NotDone), incident, Some(&itself));
    assert_eq!(why, format!("v1; its command is still alive: pid {} (sleep)", left.0.id()));
    assert!(!may_be_asked_again(&why, incident, Some(&itself)));
    assert!(may_be_asked_again(&why, incident, Some(&rest)), "the command itself is gone");
    let (_, why) = weighed(said(Proof::NotDone), incident, Some(&rest));
    assert!(!may_be_asked_again(&why, incident, Some(&rest)));
    assert!(remains(incident, &run("deploy-1.1", None, unknown())).is_empty(), "another run");
    left.end();
    assert!(may_be_asked_again(&why, incident, Some(&rest)));
    assert_eq!(weighed(said(Proof::NotDone), incident, Some(&itself)), said(Proof::NotDone));
}

#[cfg(target_os = "linux")]
#[test]
fn a_number_that_was_given_away_names_no_session() {
    let incident = IncidentId(Uuid::now_v7());
    let mut this = process::this().unwrap();
    this.started -= 1;
    assert!(remains(incident, &run("deploy-1.0", Some(this.clone()), unknown())).is_empty());
    this.host = "elsewhere.invalid".to_owned();
    assert!(remains(incident, &run("deploy-1.0", Some(this), unknown())).is_empty());
}

#[test]
fn what_ended_by_itself_was_not_cut_short() {
    let exited = |code| run("r", None, Outcome::Exited { code });
    assert!(!was_cut_short(&exited(0)) && !was_cut_short(&exited(1)));
    assert!(was_cut_short(&run("r", None, unknown())));
    assert!(was_cut_short(&run("r", None, Outcome::Signalled { signal: 9 })));
    let signals = vec![(Timestamp::UNIX_EPOCH, "INT".to_owned())];
    assert!(was_cut_short(&Run { signals, ..exited(130) }), "it was stopped");
    assert!(!was_cut_short(&Run { outcome: None, ..exited(0) }), "it goes on");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_left_is_stopped_and_told_about() {
    let incident = IncidentId(Uuid::now_v7());
    let mut left = Left::of(incident, "deploy-1.0");
    let run = run("deploy-1.0", process::identify(left.0.id()), unknown());
    // It carries its mark from the moment it runs, which may be a little later.
    let deadline = Instant::now() + Duration::from_secs(30);
    while remains(incident, &run).is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let mut told = Vec::new();
    let reaper = std::thread::spawn(move || {
        let status = left.0.wait().unwrap();
        (left, status)
    });
    let rest = stop_remains(incident, &run, &mut |name, _| {
        told.push(name);
        Ok::<_, ()>(())
    });
    assert!(rest.unwrap().is_empty());
    assert_eq!(told, ["INT"]);
    let (_left, status) = reaper.join().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2));
}

#[test]
fn what_was_cut_short_has_not_ended_while_anything_of_it_is_left() {
    let name = "sleep".to_owned();
    let left = [Member { pid: 4711, group: 4711, started: 1, in_session: false, name }];
    let (exited, killed) = (Outcome::Exited { code: 0 }, Outcome::Signalled { signal: 2 });
    for (outcome, signalled) in [(exited.clone(), true), (killed.clone(), true), (killed.clone(), false)] {
        assert_eq!(outlived(outcome.clone(), signalled, &[]), outcome);
        let Outcome::Unknown { why } = outlived(outcome, signalled, &left) else { panic!("it is known") };
        assert!(why.ends_with("not all of it is gone; still alive: pid 4711 (sleep)"), "{why}");
    }
    assert_eq!(outlived(exited.clone(), false, &left), exited, "it left that running on purpose");
}

use super::logs::without_time;
use super::look::by_jobs;
use crate::deploy::pipeline::Job;
use crate::incident::RemoteState;

fn job(name: &str, state: RemoteState) -> Job {
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

#[test]
fn the_time_that_a_host_puts_before_a_line_is_left_out() {
    assert_eq!(without_time("\u{feff}2026-11-30T09:00:00.1234567Z deployed"), "deployed");
    assert_eq!(without_time("2026-11-30 deployed"), "2026-11-30 deployed");
    assert_eq!(without_time("plain"), "plain");
}

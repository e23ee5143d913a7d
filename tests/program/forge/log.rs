//! What a failed check printed, opened from the cockpit.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::super::service::{Service, response};
use super::super::terminal::Terminal;
use super::{TOKEN, Team, run, workflow};

/// A branch whose pull request has a check that failed, and the cockpit.
fn failing(kind: &str) -> (Team, impl Fn() -> Terminal + use<>) {
    let team = Team::new(kind);
    team.finish();
    team.hub.kept().runs =
        vec![run(1, "build", "completed", "success"), run(2, "e2e", "completed", "failure")];
    team.hub.kept().workflows = vec![workflow(7, 5, "CI")];
    team.hub.kept().jobs =
        vec![json!({ "id": 7, "name": "e2e", "status": "failed", "allow_failure": false, "stage": "test" })];
    let shell = team.shell.clone();
    let open = move || {
        let terminal = Terminal::open(&shell, 36, 120, &[]);
        terminal.wait_text("failed: e2e");
        terminal
    };
    (team, open)
}

#[test]
fn the_log_of_a_failed_check_is_read_from_its_end_without_the_token() {
    let (team, open) = failing("github");
    // A store that counts ranges from the beginning only, and a log of 500 MB.
    let store = Service::start(|request| {
        let line = |text: &str| format!("2026-11-30T09:00:00.1234567Z {text}\n");
        let end =
            [TOKEN, "2 of 40 failed", "##[error]Process completed with exit code 101."].map(line).concat();
        Some(if request.contains("range: bytes=-") {
            "HTTP/1.1 200 OK\r\ncontent-length: 500000000\r\naccept-ranges: bytes\r\n\r\n".to_owned()
        } else {
            assert!(request.contains("range: bytes=498951424-"), "{request}");
            response(
                "206 Partial Content\r\ncontent-range: bytes 498951424-499999999/500000000",
                &format!("half of a li\n{end}"),
            )
        })
    });
    team.hub.kept().logs.clone_from(&store.url);
    let terminal = open();
    terminal.press("h");
    terminal.wait_text("log of e2e, which failed");
    terminal.press("c");
    terminal.wait_text("Process completed with exit code 101.");
    let screen = terminal.screen();
    for wanted in ["Log of e2e", "2 of 40 failed", "longer than 1 MiB: this is the end of it"] {
        assert!(screen.contains(wanted), "{wanted} in\n{screen}");
    }
    for hidden in [TOKEN, "half of a li", "09:00:00.1234567"] {
        assert!(!screen.contains(hidden), "{hidden} in\n{screen}");
    }
    let requests = store.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| !request.to_lowercase().contains("authorization")), "{requests:?}");
}

#[test]
fn where_there_is_no_log_it_is_said_why_and_where_to_read_it() {
    let (team, open) = failing("github");
    team.hub.kept().runs[1]["html_url"] = "https://git.test/shop/payments-api/actions/runs/1/job/2".into();
    let answer = Arc::new(Mutex::new(response("410 Gone", "")));
    let said = Arc::clone(&answer);
    let store = Service::start(move |_| Some(said.lock().unwrap().clone()));
    team.hub.kept().logs.clone_from(&store.url);
    let terminal = open();
    terminal.press("hc");
    terminal.wait_text("the host has deleted it");
    terminal.wait_text("read it at https://git.test/shop/payments-api/actions/runs/1/job/2");
    terminal.press("q");
    terminal.wait_gone("Log of e2e");
    *answer.lock().unwrap() = response("200 OK\r\ncontent-type: text/html", "<html>log in</html>");
    terminal.press("hc");
    terminal.wait_text("answers a web page, and no log");
}

#[test]
fn the_trace_of_a_failed_job_is_read_at_gitlab_too() {
    let (_team, open) = failing("gitlab");
    let terminal = open();
    terminal.press("hc");
    terminal.wait_text("ERROR: Job 7 failed: exit code 1");
    assert!(!terminal.screen().contains(TOKEN) && !terminal.screen().contains("section_start"));
}

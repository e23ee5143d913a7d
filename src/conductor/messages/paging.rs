//! Pages, followed: a server that goes through the states of an incident, and what is on record of each.

use super::super::testing::{Server, response};
use super::tests::{Desk, TEXT, is_as_kept};
use super::*;
use crate::comms::pager;
use crate::incident::{MessageKind, PageState, next};

const TOKEN: &str = "XyzzyTokenOfTheApi";

/// An incident of `PagerDuty`'s, as its API tells it.
fn incident(rest: &str) -> String {
    format!(
        r#"{{"incidents":[{{"id":"Q1","incident_number":7,"created_at":"2026-11-30T14:31:00Z",{rest}}}],"more":false}}"#
    )
}

fn paging(who: &str) -> String {
    incident(&format!(
        r#""status":"triggered","assignments":[{{"at":"2026-11-30T14:31:00Z","assignee":{{"id":"U1","type":"user_reference","summary":"{who}"}}}}]"#
    ))
}

/// A pager that takes pages, and answers one question after the other.
fn pager(answers: Vec<(&'static str, String)>) -> (Server, tempfile::TempDir, Desk) {
    let mut answers = answers.into_iter();
    let server = Server::start(move |stream, request| {
        let answer = if request.starts_with("POST") {
            response("202 Accepted", "", r#"{"status":"success"}"#)
        } else {
            let (status, body) = answers.next().unwrap_or(("500 Internal Server Error", String::new()));
            response(status, "", &body)
        };
        drop(std::io::Write::write_all(stream, answer.as_bytes()));
    });
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("key"), "0123456789abcdefXyzzySecretOfIt0\n").unwrap();
    std::fs::write(secrets.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"KEY\"\nfile = {:?}\n[[secrets]]\nname = \"TOKEN\"\nfile = {:?}\n[[channels]]\nname = \"pager\"\n\
         kind = \"pagerduty\"\nsecret = \"KEY\"\nurl = \"{url}\"\naudiences = [\"on-call\"]\napi_token = \"TOKEN\"\n\
         api_url = \"{url}\"\nservice = \"PSHOP\"\n",
        secrets.path().join("key"),
        secrets.path().join("token"),
        url = server.url
    ));
    let page = Messaged { kind: MessageKind::Page, audience: "on-call".into(), ..desk.message(TEXT) };
    send(&mut desk.journal(), &desk.post(), &page, Timestamp::now()).unwrap();
    (server, secrets, desk)
}

fn lines(desk: &Desk) -> Vec<String> {
    let state = desk.state();
    state.timeline.iter().filter(|line| line.text.contains("pag")).map(|line| line.text.to_owned()).collect()
}

#[test]
fn a_page_is_followed_until_somebody_has_acknowledged_it() {
    let log = r#"{"log_entries":[{"type":"escalate_log_entry","created_at":"2026-11-30T14:36:00Z",
        "agent":{"type":"service_reference","summary":"Shop"},"channel":{"type":"timeout"}}]}"#;
    let acknowledged = incident(
        r#""status":"acknowledged","acknowledgements":[{"at":"2026-11-30T14:38:00Z","acknowledger":{"summary":"Omar"}}]"#,
    );
    let (server, _secrets, desk) = pager(vec![
        ("200 OK", r#"{"incidents":[]}"#.to_owned()),
        ("200 OK", paging("Li Wei")),
        ("200 OK", paging("Li Wei")),
        ("200 OK", paging("Omar")),
        ("200 OK", log.to_owned()),
        ("200 OK", acknowledged),
    ]);
    let follows = || follow(&mut desk.journal(), &desk.post()).unwrap().len();
    assert_eq!([follows(), follows(), follows(), follows(), follows()], [0, 1, 0, 1, 1]);
    assert_eq!(
        lines(&desk),
        [
            "paged on-call (pager)",
            "Li Wei is being paged (pager)",
            "page escalated by the clock to Omar (pager)",
            "page acknowledged by Omar (pager)",
        ]
    );
    assert_eq!(follows(), 0, "nothing is left to ask");
    let asked: Vec<String> = server
        .requests()
        .iter()
        .filter(|request| request.starts_with("GET"))
        .map(|request| request.replace(&desk.incident.to_string().replace('-', "%2D"), "INCIDENT"))
        .collect();
    assert_eq!(asked.len(), 6);
    is_as_kept("pagerduty-incidents.txt", &asked[0]);
    is_as_kept("pagerduty-log.txt", &asked[4]);
    assert!(!desk.exported().contains("Xyzzy"));
}

#[test]
fn a_page_that_nobody_acknowledges_is_named_in_next() {
    let (_server, _secrets, desk) = pager(vec![("200 OK", paging("Li Wei"))]);
    let named = |minutes| {
        let now = Timestamp::now().checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let all = next(&desk.state(), &desk.policy, &crate::incident::Facts::default(), now);
        all.into_iter().map(|one| one.title).find(|title| title.contains("acknowledged"))
    };
    assert_eq!(named(6), None, "nobody asked: it is accepted, and nothing more is known");
    follow(&mut desk.journal(), &desk.post()).unwrap();
    assert_eq!(named(3), None);
    assert_eq!(named(6).unwrap(), "nobody acknowledged the page to Li Wei after 5m: page again, or call");
    // Whoever was called since is not paged again by a line.
    let called = crate::incident::Paged { who: "on-call".into(), how: "phone".into() };
    desk.journal().append(Timestamp::now(), vec![Draft::now(desk.incident, called)]).unwrap();
    assert_eq!(named(6), None);
}

#[test]
fn an_alert_of_jira_service_management_is_followed_by_its_alias() {
    let mut answers = 0;
    let server = Server::start(move |stream, request| {
        answers += usize::from(request.starts_with("GET"));
        let body = match (request.starts_with("POST"), answers) {
            (true, _) => r#"{"result":"Request will be processed","took":0.1,"requestId":"x"}"#,
            (false, 1) => r#"{"data":{"id":"x","status":"open","acknowledged":false}}"#,
            (false, _) => r#"{"data":{"id":"x","status":"open","acknowledged":true,"owner":"li@x.example"}}"#,
        };
        drop(std::io::Write::write_all(stream, response("200 OK", "", body).as_bytes()));
    });
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("key"), format!("{TOKEN}\n")).unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"KEY\"\nfile = {:?}\n[[channels]]\nname = \"pager\"\nkind = \"jsm\"\nsecret = \"KEY\"\n\
         url = \"{}/v2/alerts\"\naudiences = [\"on-call\"]\napi_token = \"KEY\"\n",
        secrets.path().join("key"),
        server.url
    ));
    let page = Messaged { kind: MessageKind::Page, audience: "on-call".into(), ..desk.message(TEXT) };
    send(&mut desk.journal(), &desk.post(), &page, Timestamp::now()).unwrap();
    let follows = || follow(&mut desk.journal(), &desk.post()).unwrap().len();
    assert_eq!([follows(), follows(), follows()], [1, 1, 0]);
    assert_eq!(lines(&desk), ["paged on-call (pager)", "page acknowledged by li@x.example (pager)"]);
    let asked = server.requests()[1].replace(&desk.incident.to_string(), "INCIDENT");
    is_as_kept("jsm-get.txt", &asked);
    assert!(!desk.exported().contains("Xyzzy"));
}

/// A pager of Jira Service Management whose site answers each question by its path.
fn site(answers: impl Fn(&str) -> String + Send + 'static) -> (Server, tempfile::TempDir, Desk) {
    let server = Server::start(move |stream, request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let body = if request.starts_with("POST") {
            r#"{"result":"Request will be processed","took":0.1,"requestId":"x"}"#.to_owned()
        } else {
            answers(path)
        };
        drop(std::io::Write::write_all(stream, response("200 OK", "", &body).as_bytes()));
    });
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("key"), format!("{TOKEN}\n")).unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"KEY\"\nfile = {:?}\n[[channels]]\nname = \"pager\"\nkind = \"jsm\"\nsecret = \"KEY\"\n\
         url = \"{url}/v2/alerts\"\naudiences = [\"on-call\"]\napi_token = \"KEY\"\napi_url = \"{url}\"\n\
         user = \"ops@x.example\"\ncloud = \"c1\"\nschedule = \"s1\"\n",
        secrets.path().join("key"),
        url = server.url
    ));
    (server, secrets, desk)
}

#[test]
fn an_alert_is_followed_by_the_api_of_the_site_which_names_who_acknowledged_it() {
    let (server, _secrets, desk) = site(|path| {
        if path.starts_with("/ex/jira/") {
            return r#"{"accountId":"5b2b0e011b3a756623f4e25e","displayName":"Li Wei"}"#.to_owned();
        }
        r#"{"values":[{"id":"a","status":"open","acknowledged":true,"owner":"5b2b0e011b3a756623f4e25e"}]}"#
            .to_owned()
    });
    let page = Messaged { kind: MessageKind::Page, audience: "on-call".into(), ..desk.message(TEXT) };
    send(&mut desk.journal(), &desk.post(), &page, Timestamp::now()).unwrap();
    assert_eq!(follow(&mut desk.journal(), &desk.post()).unwrap().len(), 1);
    assert_eq!(lines(&desk), ["paged on-call (pager)", "page acknowledged by Li Wei (pager)"]);
    let known = |request: &str| request.replace(&desk.incident.to_string().replace('-', "%2D"), "INCIDENT");
    let requests = server.requests();
    is_as_kept("jsm-alerts.txt", &known(&requests[1]));
    is_as_kept("jsm-user.txt", &requests[2]);
    assert!(!desk.exported().contains("Xyzzy"));
}

#[test]
fn who_is_on_call_is_read_from_the_schedule_of_jira() {
    let (server, _secrets, desk) = site(|path| {
        match path {
        path if path.ends_with("5b2b0e011b3a756623f4e25f") => r#"{"displayName":"Omar"}"#.to_owned(),
        // Somebody whose name it does not tell goes by the id.
        path if path.starts_with("/ex/jira/") => "<html>".to_owned(),
        _ => r#"{"onCallParticipants":[{"id":"e1","type":"escalation","onCallParticipants":[
            {"id":"5b2b0e011b3a756623f4e25f","type":"user"}]},{"id":"7b2b0e011b3a756623f4e250","type":"user"}]}"#
            .to_owned(),
    }
    });
    let all = on_call(&desk.config, desk.post().root, &desk.config.channels[0]).unwrap();
    assert_eq!(pager::said(&all, Timestamp::now()), "Omar and 7b2b0e011b3a756623f4e250");
    is_as_kept("jsm-on-calls.txt", &server.requests()[0]);
    let told = all_on_call(&desk.config, desk.post().root);
    assert_eq!(told.len(), 1);
}

#[test]
fn two_who_follow_the_same_page_write_it_down_once() {
    let (_server, _secrets, desk) = pager(vec![("200 OK", paging("Li Wei")), ("200 OK", paging("Li Wei"))]);
    let written = |name: &str| {
        let mut journal = Journal::open(desk.dir.path(), name).unwrap();
        follow(&mut journal, &desk.post()).unwrap().len()
    };
    assert_eq!((written("Maya"), written("Omar")), (1, 0));
}

#[test]
fn a_service_that_refuses_is_named_and_tells_no_secret() {
    for (status, body, said) in [
        ("401 Unauthorized", TOKEN.to_owned(), "rejected the API token"),
        ("403 Forbidden", String::new(), "may not read this"),
        ("429 Too Many Requests", String::new(), "rate limited"),
        ("500 Internal Server Error", TOKEN.to_owned(), "500"),
        ("200 OK", "<html>please log in</html>".to_owned(), "something else than it is documented"),
        ("302 Found", String::new(), "302"),
    ] {
        let (_server, _secrets, desk) = pager(vec![(status, body)]);
        let failure = follow(&mut desk.journal(), &desk.post()).unwrap_err().to_string();
        assert!(failure.contains(said), "{status}: {failure}");
        assert!(!failure.contains("Xyzzy"), "{status}: {failure}");
        let state = desk.state();
        assert_eq!(state.messages[0].ways[0].page, None, "{status}: it stays accepted");
    }
}

#[test]
fn who_is_on_call_is_read_from_the_policy_of_the_service() {
    let service = r#"{"service":{"id":"PSHOP","escalation_policy":{"id":"PPOL","type":"escalation_policy_reference"}}}"#;
    let called = r#"{"oncalls":[{"escalation_level":2,"user":{"summary":"Omar"},"end":null},
        {"escalation_level":1,"user":{"summary":"Li Wei"},"end":"2026-11-30T18:00:00Z"}]}"#;
    let (server, _secrets, desk) = pager(vec![("200 OK", service.to_owned()), ("200 OK", called.to_owned())]);
    let all = on_call(&desk.config, desk.post().root, &desk.config.channels[0]).unwrap();
    let names: Vec<&str> = all.iter().map(|one| one.who.as_str()).collect();
    assert_eq!(names, ["Li Wei", "Omar"]);
    let requests = server.requests();
    is_as_kept("pagerduty-service.txt", &requests[1]);
    is_as_kept("pagerduty-on-calls.txt", &requests[2]);
    assert_eq!(desk.state().messages[0].ways[0].page.as_ref().map(|page| page.state), None::<PageState>);
}

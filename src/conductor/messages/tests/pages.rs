//! A status page and alerts of Jira Service Management: one of each for an incident, whatever gets dropped.

use super::*;
use crate::incident::{Alarm, CauseDescribed, Mitigated, Precision, Released, Resolved, SeverityChanged};

/// A page of Statuspage with its incidents, that loses an answer when told to.
fn page(lose: &'static str) -> Server {
    let mut incidents: Vec<serde_json::Value> = Vec::new();
    let mut dropped = false;
    Server::start(move |stream, request| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let is_open = |one: &serde_json::Value| one["status"] != "resolved";
        let sent: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let update = |one: &mut serde_json::Value| {
            one["status"] = sent["incident"]["status"].clone();
            let new = serde_json::json!({ "status": one["status"], "body": sent["incident"]["body"] });
            one["incident_updates"].as_array_mut().unwrap().insert(0, new);
            one.to_string()
        };
        let at = incidents.iter().position(|one| path.ends_with(one["id"].as_str().unwrap()));
        let (status, answer) = match (method, at) {
            ("GET", Some(at)) => ("200 OK", incidents[at].to_string()),
            ("GET", None) => {
                let open: Vec<_> = incidents.iter().filter(|one| is_open(one)).collect();
                ("200 OK", serde_json::to_string(&open).unwrap())
            }
            ("PATCH", Some(at)) => ("200 OK", update(&mut incidents[at])),
            ("POST", _) => {
                let mut new = sent["incident"].clone();
                new["id"] = format!("inc{}", incidents.len()).into();
                new["incident_updates"] = serde_json::json!([]);
                let answer = update(&mut new);
                incidents.push(new);
                ("201 Created", answer)
            }
            _ => ("404 Not Found", r#"{"error":"Not found"}"#.to_owned()),
        };
        if method == lose && !dropped {
            dropped = true;
            return;
        }
        drop(stream.write_all(response(status, "", &answer).as_bytes()));
    })
}

fn with_key(kind: &str, more: &str) -> (tempfile::TempDir, Desk) {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("key"), "XyzzySecretOfTheKey\n").unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"KEY\"\nfile = {:?}\n[[channels]]\nname = \"it\"\nkind = \"{kind}\"\nsecret = \"KEY\"\naudiences = [\"stakeholders\"]\n{more}",
        secrets.path().join("key"),
    ));
    (secrets, desk)
}

fn on_page(server: &Server) -> (tempfile::TempDir, Desk) {
    let more = format!(
        "to = \"page1\"\nurl = \"{}\"\nnotify = false\ncomponents = {{ comp1 = \"by_severity\", comp2 = \"degraded_performance\" }}\n",
        server.url
    );
    with_key("statuspage", &more)
}

impl Desk {
    fn records(&self, body: impl Into<Body>) {
        self.journal().append(Timestamp::now(), vec![Draft::now(self.incident, body)]).unwrap();
    }

    fn sends_as(&self, kind: MessageKind, text: &str) -> (Delivery, String) {
        let message = Messaged { kind, ..self.message(text) };
        let sent = send(&mut self.journal(), &self.post(), &message, Timestamp::now()).unwrap();
        let (_, fate) = sent.ways.into_iter().next().unwrap();
        (fate.end, fate.why)
    }

    fn flushes(&self) -> Vec<Delivery> {
        let sent = flush(&mut self.journal(), &self.post(), Which::All).unwrap();
        sent.ways.into_iter().map(|(_, fate)| fate.end).collect()
    }
}

/// The requests that change something.
fn changes(server: &Server) -> Vec<String> {
    server.requests().into_iter().filter(|request| !request.starts_with("GET")).collect()
}

#[test]
fn a_page_has_one_incident_that_is_created_updated_and_resolved() {
    let server = page("");
    let (_secrets, desk) = on_page(&server);
    let accepted = (Delivery::Accepted, String::new());
    assert_eq!(desk.sends_as(MessageKind::Alert, TEXT), accepted);
    desk.records(CauseDescribed { text: "a pool".into() });
    assert_eq!(
        desk.sends_as(MessageKind::Update, "P0 update: a fix is coming\n\nMost orders go through."),
        accepted
    );
    desk.records(Resolved::default());
    assert_eq!(desk.sends_as(MessageKind::Resolved, "Resolved\n\nAll orders go through."), accepted);
    let requests = server.requests();
    assert_eq!(requests.len(), 6, "looked at before each");
    let known = |request: &str| request.replace(&desk.incident.to_string(), "INCIDENT");
    is_as_kept("statuspage-look.txt", &requests[0]);
    is_as_kept("statuspage-create.txt", &known(&requests[1]));
    is_as_kept("statuspage-update.txt", &known(&requests[3]));
    is_as_kept("statuspage-resolve.txt", &known(&requests[5]));
    for request in changes(&server) {
        assert!(request.contains("\"deliver_notifications\":false"), "{request}");
    }
    assert!(!desk.exported().contains("Xyzzy"));
}

#[test]
fn the_components_of_a_page_follow_the_record() {
    let server = page("");
    let (_secrets, desk) = on_page(&server);
    desk.sends_as(MessageKind::Alert, "it is down");
    desk.records(SeverityChanged { severity: Severity::P1, reason: String::new(), answers: Vec::new() });
    desk.sends_as(MessageKind::Update, "it is down for some");
    desk.records(Mitigated::default());
    desk.sends_as(MessageKind::Resolved, "it is served again");
    let after = desk.state().heads.iter().map(|head| head.record).collect();
    desk.records(Resolved { after, ..Resolved::default() });
    desk.sends_as(MessageKind::Resolved, "it is over");
    let shown = |request: &String| {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let of = |id: &str| body["incident"]["components"][id].as_str().unwrap().to_owned();
        (of("comp1"), of("comp2"))
    };
    let shown: Vec<_> = changes(&server).iter().map(shown).collect();
    let shown: Vec<(&str, &str)> = shown.iter().map(|(one, two)| (one.as_str(), two.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("major_outage", "degraded_performance"),
            ("partial_outage", "degraded_performance"),
            ("degraded_performance", "degraded_performance"),
            ("operational", "operational"),
        ]
    );
}

#[test]
fn a_component_is_down_again_where_production_fails_after_service_was_restored() {
    let server = page("");
    let (_secrets, mut desk) = on_page(&server);
    let more = "[[environments]]\nname = \"production\"\n[[probes]]\nname = \"web\"\nurl = \"http://127.0.0.1:9/\"\nenvironment = \"production\"\n";
    let probes: Config = toml::from_str(more).unwrap();
    (desk.config.environments, desk.config.probes) = (probes.environments, probes.probes);
    let now = Timestamp::now();
    let at = |seconds, body: Body| {
        let occurred = Some((now - SignedDuration::from_secs(seconds), Precision::Exact));
        let draft = Draft { occurred, ..Draft::now(desk.incident, body) };
        desk.journal().append(Timestamp::now(), vec![draft]).unwrap();
    };
    let alarm = |from: &str, to: &str| {
        let (probe, why) = ("web".to_owned(), String::new());
        Body::from(Alarm { probe, from: from.to_owned(), to: to.to_owned(), why })
    };
    at(90, Mitigated::default().into());
    at(60, alarm("ok", "failing"));
    desk.sends_as(MessageKind::Update, "it fails again");
    at(30, alarm("failing", "ok"));
    desk.sends_as(MessageKind::Update, "it is served again");
    let sent = changes(&server);
    assert!(sent[0].contains("\"comp1\":\"major_outage\""), "{}", sent[0]);
    assert!(sent[1].contains("\"comp1\":\"degraded_performance\""), "{}", sent[1]);
}

#[test]
fn no_lost_answer_makes_a_second_incident_or_a_second_update() {
    for lose in ["POST", "PATCH", "GET"] {
        let server = page(lose);
        let (_secrets, desk) = on_page(&server);
        let mut ends = vec![desk.sends_as(MessageKind::Alert, TEXT).0];
        ends.extend(desk.flushes());
        ends.push(desk.sends_as(MessageKind::Update, "it is better").0);
        ends.extend(desk.flushes());
        assert_eq!(ends.iter().filter(|end| **end == Delivery::Waiting).count(), 1, "{lose}: {ends:?}");
        assert_eq!(ends.last(), Some(&Delivery::Accepted), "{lose}");
        let changes = changes(&server);
        assert_eq!(changes.len(), 2, "{lose}: {changes:?}");
        assert!(changes[0].starts_with("POST") && changes[1].starts_with("PATCH"), "{lose}: {changes:?}");
        assert_eq!(desk.state().messages[1].ways[0].reference, "inc0", "{lose}");
    }
}

#[test]
fn an_older_text_never_comes_over_a_newer_one_on_a_page() {
    let server = page("POST");
    let (_secrets, desk) = on_page(&server);
    assert_eq!(desk.sends_as(MessageKind::Alert, "it is down").0, Delivery::Waiting);
    assert_eq!(desk.sends_as(MessageKind::Update, "a fix is coming").0, Delivery::Accepted);
    let first = desk.state().messages[0].id;
    let again = resend(&mut desk.journal(), &desk.post(), first).unwrap();
    assert_eq!(again.ways[0].1.end, Delivery::Failed);
    assert!(again.ways[0].1.why.contains("a later update is on the page"), "{:?}", again.ways);
    // It found what the dropped answer had created.
    assert_eq!(changes(&server).len(), 2);
}

#[test]
fn a_page_that_has_nothing_of_ours_is_not_told_of_its_end_and_says_what_is_wrong_with_it() {
    let server = page("");
    let (_secrets, desk) = on_page(&server);
    desk.records(Resolved::default());
    let (end, why) = desk.sends_as(MessageKind::Resolved, "over");
    assert_eq!(end, Delivery::Failed);
    assert!(why.contains("nothing was posted there") && changes(&server).is_empty(), "{why}");
    for (answer, end, said) in [
        (response("401 Unauthorized", "", r#"{"error":"x"}"#), Delivery::Failed, "the API key was rejected"),
        (response("404 Not Found", "", ""), Delivery::Failed, "`to` is its id"),
        (response("420 Enhance Your Calm", "", ""), Delivery::Waiting, "rate limited"),
        (response("429 Too Many Requests", "retry-after: 1\r\n", ""), Delivery::Waiting, "rate limited"),
        (response("500 Oops", "", ""), Delivery::Waiting, "the server failed"),
        (response("302 Found", "location: /login\r\n", ""), Delivery::Failed, "redirects elsewhere"),
        (response("200 OK", "", "<html>"), Delivery::Failed, "not how Statuspage answers"),
        (response("200 OK", "", "7"), Delivery::Failed, "not how Statuspage answers"),
    ] {
        let server = Server::sending(answer.clone());
        let (_secrets, desk) = on_page(&server);
        let (is, why) = desk.sends_as(MessageKind::Alert, TEXT);
        assert_eq!((is, why.contains(said)), (end, true), "{answer}: {why}");
        let again = desk.state().messages[0].ways[0].again;
        let wait = again.map(|at| at.duration_since(desk.state().messages[0].at).as_secs());
        if said == "rate limited" {
            assert!(wait.is_some_and(|wait| wait >= 59), "{wait:?}");
        }
    }
}

#[test]
fn an_alert_of_jira_is_opened_acknowledged_and_closed_by_one_alias() {
    let server = Server::answering(
        "202 Accepted",
        r#"{"result":"Request will be processed","took":0.1,"requestId":"x"}"#,
    );
    let (_secrets, desk) =
        with_key("jsm", &format!("url = \"{}/jsm/ops/integration/v2/alerts\"\n", server.url));
    let page = Messaged { kind: MessageKind::Page, audience: "on-call".into(), ..desk.message(TEXT) };
    let sent = send(&mut desk.journal(), &desk.post(), &page, Timestamp::now()).unwrap();
    assert_eq!(sent.ways[0].1.end, Delivery::Accepted);
    assert_eq!(desk.state().paged.len(), 1);
    desk.records(Mitigated::default());
    assert_eq!(desk.sends_as(MessageKind::Resolved, "Service restored").0, Delivery::Accepted);
    let after = desk.state().heads.iter().map(|head| head.record).collect();
    desk.records(Resolved { after, ..Resolved::default() });
    assert_eq!(desk.sends_as(MessageKind::Resolved, "Resolved").0, Delivery::Accepted);
    let known = |request: &str| {
        request.replace(&desk.incident.to_string(), "INCIDENT").replace(&desk.state().number, "NUMBER")
    };
    let requests = server.requests();
    is_as_kept("jsm-create.txt", &known(&requests[0]));
    is_as_kept("jsm-acknowledge.txt", &known(&requests[1]));
    is_as_kept("jsm-close.txt", &known(&requests[2]));
    assert!(!desk.exported().contains("Xyzzy"));
}

#[test]
fn what_jira_does_not_take_is_on_record_and_what_got_lost_goes_again() {
    for (answer, end, said) in [
        (response("403 Forbidden", "", "{}"), Delivery::Failed, "the key was rejected"),
        (response("404 Not Found", "", ""), Delivery::Failed, "see whether `url` is right"),
        (response("422 Unprocessable", "", r#"{"message":"x"}"#), Delivery::Failed, "rejected this alert"),
        (
            response("200 OK", "", "<html>log in</html>"),
            Delivery::Failed,
            "not how Jira Service Management answers",
        ),
        (response("429 Too Many Requests", "", ""), Delivery::Waiting, "rate limited"),
        (response("500 Oops", "", ""), Delivery::Waiting, "the server failed"),
        (String::new(), Delivery::Waiting, "127.0.0.1"),
    ] {
        let server = Server::sending(answer.clone());
        let (_secrets, desk) = with_key("jsm", &format!("url = \"{}/v2/alerts\"\n", server.url));
        let (is, why) = desk.sends_as(MessageKind::Page, TEXT);
        assert_eq!((is, why.contains(said)), (end, true), "{answer}: {why}");
    }
}

fn release(tag: &str, rollback: bool) -> Released {
    Released {
        environment: "production".into(),
        reference: tag.into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        tag: Some(tag.into()),
        version: None,
        plan: "p1".into(),
        rollback,
        replaces: None,
    }
}

#[test]
fn pagerduty_is_told_of_no_change_twice_and_of_none_that_was_only_written_down() {
    let server = Server::sending(response("500 Oops", "", ""));
    let (_secrets, desk) = with_key("pagerduty", &format!("url = \"{}\"\nchanges = true\n", server.url));
    desk.records(Released { plan: String::new(), ..release("v2.4.0", false) });
    assert!(desk.flushes().is_empty(), "nobody deployed that");
    desk.records(release("v2.4.1", false));
    assert_eq!(desk.flushes(), [Delivery::Unknown]);
    assert!(desk.flushes().is_empty(), "it may be there, and would be there twice");
    let state = desk.state();
    let last = state.timeline.iter().last().unwrap().text.to_owned();
    assert!(last.starts_with("it: the change to v2.4.1 in production may not have been taken"), "{last}");
}

#[test]
fn pagerduty_is_told_once_of_what_was_deployed_and_of_what_went_back() {
    let mut asked = 0;
    let server = Server::start(move |stream, _| {
        asked += 1;
        let status = if asked == 1 { "429 Too Many Requests" } else { "202 Accepted" };
        drop(stream.write_all(response(status, "", r#"{"status":"success"}"#).as_bytes()));
    });
    let (_secrets, desk) = with_key("pagerduty", &format!("url = \"{}\"\nchanges = true\n", server.url));
    assert!(flush(&mut desk.journal(), &desk.post(), Which::Fresh).unwrap().records.is_empty());
    desk.records(release("v2.4.1", false));
    assert_eq!(desk.flushes(), [Delivery::Waiting]);
    assert!(desk.flushes().is_empty(), "it waits as long as it was told");
    let now = Timestamp::now();
    let later = now + SignedDuration::from_mins(2);
    assert_eq!(desk.state().changes_due("it", later).count(), 1);
    let old = now + SignedDuration::from_hours(2);
    assert_eq!(desk.state().changes_due("it", old).count(), 0, "what is old is no news");
    desk.records(release("v2.4.0", true));
    assert_eq!(desk.flushes(), [Delivery::Accepted]);
    assert!(desk.flushes().is_empty(), "once");
    let request = &server.requests()[1];
    let at = desk.state().changes[1].at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    is_as_kept("pagerduty-change.txt", &request.replace(&at, "AT").replace(&desk.state().number, "NUMBER"));
    let lines: Vec<String> = desk.state().timeline.iter().map(|entry| entry.text.to_owned()).collect();
    assert!(!lines.iter().any(|line| line.contains("it: ")), "it is no news: {lines:?}");
    assert!(desk.state().told.is_empty() && !desk.exported().contains("Xyzzy"));
}

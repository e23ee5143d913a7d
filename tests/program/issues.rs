//! Follow-ups as issues, at a code host that answers in the shapes of the real ones.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::conductor::Yard;
use super::service::{Service, body, response};

const TOKEN: &str = "ghp_4c1eTESTt0kenOfNobody88d2";

/// What the next issue that is sent meets.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    /// It is opened, and the answer is lost on the way.
    BreaksAfter,
    /// It is opened, and said to be at a place that is none, and that holds the token.
    Misleads,
}

struct Kept {
    issues: Vec<Value>,
    mood: Mood,
    sent: usize,
}

struct Tracker {
    service: Service,
    kept: Arc<Mutex<Kept>>,
}

impl Tracker {
    fn new() -> Self {
        let kept = Arc::new(Mutex::new(Kept { issues: Vec::new(), mood: Mood::Well, sent: 0 }));
        let state = Arc::clone(&kept);
        let service = Service::start(move |request| Some(answer(&mut state.lock().unwrap(), request)));
        Self { service, kept }
    }

    /// A repository with two follow-ups, whose code host this is.
    fn team(&self, kind: &str) -> Yard {
        let version = if kind == "github" { "v3" } else { "v4" };
        let config = format!(
            "[hotfix.pull]\nforge = \"{kind}\"\napi = \"{}/api/{version}\"\nrepository = \"shop/payments-api\"\n",
            self.service.url
        );
        let mut yard = Yard::new(&config, "true");
        yard.shell = yard.shell.clone().with("GITHUB_TOKEN", TOKEN).with("GITLAB_TOKEN", TOKEN);
        for text in ["alert on the pool", "@everyone <b>revise</b> the runbook"] {
            yard.shell.flightdeck(&["follow-up", "add", text, "--owner", "li"]).succeeded();
        }
        yard
    }

    fn set(&self, mood: Mood) {
        self.kept.lock().unwrap().mood = mood;
    }

    fn counts(&self) -> (usize, usize) {
        let kept = self.kept.lock().unwrap();
        (kept.sent, kept.issues.len())
    }

    fn close(&self, index: usize) {
        self.put(index, "state", "closed".into());
    }

    fn put(&self, index: usize, key: &str, value: Value) {
        self.kept.lock().unwrap().issues[index][key] = value;
    }
}

fn answer(kept: &mut Kept, request: &str) -> String {
    let line = request.lines().next().unwrap_or_default();
    if !request.contains(&format!("Bearer {TOKEN}")) {
        return response("401 Unauthorized", r#"{"message":"Bad credentials"}"#);
    }
    let lab = line.contains("/api/v4/projects/shop%2Fpayments-api/issues");
    if !lab && !line.contains("/api/v3/repos/shop/payments-api/issues") {
        return response("404 Not Found", r#"{"message":"Not Found"}"#);
    }
    if let Some(number) = line.split_once("/issues/").and_then(|(_, rest)| rest.split(' ').next()) {
        let number: u64 = number.parse().unwrap_or_default();
        let is_it = |issue: &&Value| ["number", "iid"].iter().any(|key| issue[*key].as_u64() == Some(number));
        return match kept.issues.iter().find(is_it) {
            Some(issue) => response("200 OK", &issue.to_string()),
            None => response("404 Not Found", r#"{"message":"Not Found"}"#),
        };
    }
    if line.starts_with("GET ") {
        // Half of what GitHub lists there is pull requests.
        let pull = json!({ "id": 5, "number": 1, "html_url": "https://git.test/pull/1", "state": "open",
            "body": null, "pull_request": { "url": "https://git.test/pull/1" } });
        let first = (!lab).then_some(pull);
        let all: Vec<Value> = first.into_iter().chain(kept.issues.iter().cloned()).collect();
        return response("200 OK", &Value::from(all).to_string());
    }
    kept.sent += 1;
    let mood = std::mem::replace(&mut kept.mood, Mood::Well);
    let sent: Value = serde_json::from_str(body(request)).unwrap_or_default();
    let number = 40 + kept.issues.len();
    let url = match mood {
        Mood::Misleads => format!("javascript:alert('{TOKEN}')"),
        _ => format!("https://git.test/shop/payments-api/issues/{number}"),
    };
    let issue = if lab {
        json!({ "id": 900 + number, "iid": number, "web_url": url, "state": "opened", "title": sent["title"],
            "description": sent["description"], "labels": [] })
    } else {
        json!({ "id": 900 + number, "number": number, "html_url": url, "state": "open", "title": sent["title"],
            "body": sent["body"], "labels": [] })
    };
    kept.issues.push(issue.clone());
    match mood {
        Mood::BreaksAfter => response("502 Bad Gateway", "<html>"),
        Mood::Well | Mood::Misleads => response("201 Created", &issue.to_string()),
    }
}

#[test]
fn each_follow_up_becomes_one_issue_and_its_end_is_read_back() {
    for kind in ["github", "gitlab"] {
        let tracker = Tracker::new();
        let yard = tracker.team(kind);
        let dry = yard.shell.flightdeck(&["follow-up", "send", "--dry-run"]).succeeded();
        assert!(
            dry.stdout.contains("POST http://127.0.0.1") && !dry.stdout.contains(TOKEN),
            "{}",
            dry.stdout
        );
        assert_eq!(tracker.counts(), (0, 0), "a dry run sends nothing");

        yard.shell.flightdeck(&["follow-up", "send"]).succeeded();
        assert_eq!(tracker.counts(), (2, 2), "{kind}");
        let list = yard.shell.json(&["follow-up", "list", "--json"]);
        assert_eq!(list[0]["issue"], "https://git.test/shop/payments-api/issues/40", "{list}");
        {
            let kept = tracker.kept.lock().unwrap();
            let text =
                kept.issues[1][if kind == "github" { "body" } else { "description" }].as_str().unwrap();
            assert!(!text.contains("@everyone") && !text.contains("<b>"), "nobody is called by it: {text}");
            assert!(text.contains("Owner: li") && text.contains("<!-- flightdeck follow-up "), "{text}");
        }
        // Asked for again by its name it is found, and not sent.
        yard.shell.flightdeck(&["follow-up", "send", "pool"]).succeeded();
        assert_eq!(tracker.counts(), (2, 2), "{kind}");
        yard.shell.flightdeck(&["follow-up", "send"]).ended_with(2);

        tracker.close(0);
        yard.shell.flightdeck(&["follow-up", "sync"]).succeeded();
        let list = yard.shell.json(&["follow-up", "list", "--json"]);
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        let report = yard.shell.flightdeck(&["report"]).succeeded();
        let link = "issue [#41](https://git.test/shop/payments-api/issues/41)";
        assert!(report.stdout.contains(link), "{}", report.stdout);
    }
}

#[test]
fn an_answer_that_is_lost_leaves_no_second_issue() {
    let tracker = Tracker::new();
    let yard = tracker.team("github");
    tracker.set(Mood::BreaksAfter);
    yard.shell.flightdeck(&["follow-up", "send", "alert"]).succeeded();
    assert_eq!(tracker.counts(), (1, 1), "it was found to be there");
    let status = yard.shell.json(&["follow-up", "list", "--json"]);
    assert_eq!(status[0]["issue"], "https://git.test/shop/payments-api/issues/40", "{status}");
}

#[test]
fn what_a_code_host_makes_up_ends_no_follow_up_and_reaches_no_record() {
    let tracker = Tracker::new();
    let yard = tracker.team("github");
    tracker.set(Mood::Misleads);
    yard.shell.flightdeck(&["follow-up", "send"]).succeeded();
    let list = yard.shell.json(&["follow-up", "list", "--json"]);
    assert_eq!((&list[0]["issue"], tracker.counts()), (&Value::Null, (2, 2)), "{list}");

    // Only what it says in words that are known ends anything.
    for (key, value) in [
        ("state", json!("banana")),
        ("state", json!(format!("closed {TOKEN}"))),
        ("state", json!(null)),
        ("number", json!(TOKEN)),
        ("html_url", json!([TOKEN])),
    ] {
        let before = tracker.kept.lock().unwrap().issues[0][key].clone();
        tracker.put(0, key, value);
        let sync = yard.shell.flightdeck(&["follow-up", "sync"]);
        assert!(!sync.stderr.contains(TOKEN) && !sync.stdout.contains(TOKEN), "{}", sync.stderr);
        tracker.put(0, key, before);
        assert_eq!(yard.shell.json(&["follow-up", "list", "--json"]).as_array().unwrap().len(), 2);
    }
    // One that is gone there is still to be done here.
    tracker.kept.lock().unwrap().issues.remove(0);
    let sync = yard.shell.flightdeck(&["follow-up", "sync"]).succeeded();
    assert!(sync.stdout.contains("issue #40 is gone"), "{}", sync.stdout);
    assert_eq!(yard.shell.json(&["follow-up", "list", "--json"]).as_array().unwrap().len(), 2);
    let records = yard.shell.flightdeck(&["export"]).succeeded();
    assert!(!records.stdout.contains(TOKEN) && !records.stdout.contains("javascript:"), "{}", records.stdout);
}

#[test]
fn a_host_that_refuses_or_leads_elsewhere_is_told_of_and_gets_nothing() {
    let other = Service::start(|_| Some(response("200 OK", "[]")));
    let to = format!("302 Found\r\nlocation: {}/api/v3/repos/shop/payments-api/issues", other.url);
    for (status, said) in [
        ("401 Unauthorized", "GITHUB_TOKEN is still valid"),
        ("403 Forbidden", "no permission"),
        ("404 Not Found", "no shop/payments-api there"),
        ("429 Too Many Requests\r\nretry-after: 7200", "too many calls"),
        (to.as_str(), "redirects elsewhere"),
        ("200 OK", "does not understand"),
    ] {
        let status = status.to_owned();
        let body = format!("{{\"message\":\"{TOKEN}\"}}");
        let host = Service::start(move |_| Some(response(&status, &body)));
        let config = format!(
            "[hotfix.pull]\nforge = \"github\"\napi = \"{}/api/v3\"\nrepository = \"shop/payments-api\"\n",
            host.url
        );
        let mut yard = Yard::new(&config, "true");
        yard.shell = yard.shell.clone().with("GITHUB_TOKEN", TOKEN);
        yard.shell.flightdeck(&["follow-up", "add", "alert on the pool"]).succeeded();
        let sync = yard.shell.flightdeck(&["follow-up", "sync"]).ended_with(1);
        assert!(sync.stderr.contains(said) && !sync.stderr.contains(TOKEN), "{said}: {}", sync.stderr);
        // What is not understood is asked again for a while.
        if !said.contains("understand") {
            let sent = yard.shell.flightdeck(&["follow-up", "send"]).ended_with(1);
            let told = format!("{}{}", sent.stdout, sent.stderr);
            assert!(told.contains(said) && !told.contains(TOKEN), "{said}: {told}");
        }
        let posted = host.requests().iter().any(|request| request.starts_with("POST"));
        assert!(!posted, "{said}: it was not known whether it is there");
        let records = yard.shell.flightdeck(&["export"]).succeeded();
        assert!(!records.stdout.contains(TOKEN), "{said}: {}", records.stdout);
    }
    assert!(other.requests().is_empty(), "{:?}", other.requests());
}

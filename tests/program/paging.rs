//! Paging, as people do it: by the verb and by keys, followed until somebody has acknowledged it.

use super::conductor::Yard;
use super::service::{Service, response};

const TOKEN: &str = "XyzzyTokenOfTheApi";

/// A pager that takes pages. Whoever is on call acknowledges at the second question.
fn pager() -> Service {
    let mut asked = 0;
    Service::start(move |request| {
        if request.starts_with("POST /v2/enqueue") {
            return Some(response("202 Accepted", r#"{"status":"success"}"#));
        }
        if !request.contains(&format!("Token token={TOKEN}")) {
            return Some(response("401 Unauthorized", ""));
        }
        if request.starts_with("GET /oncalls") {
            let called = r#"{"oncalls":[{"escalation_level":1,"user":{"summary":"Li Wei"},"end":"2026-11-30T18:00:00Z"}]}"#;
            return Some(response("200 OK", called));
        }
        asked += 1;
        let stands = if asked == 1 {
            r#""status":"triggered","assignments":[{"assignee":{"summary":"Li Wei"}}]"#
        } else {
            r#""status":"acknowledged","acknowledgements":[{"acknowledger":{"summary":"Li Wei"}}]"#
        };
        Some(response("200 OK", &format!(r#"{{"incidents":[{{"id":"Q1",{stands}}}]}}"#)))
    })
}

fn yard(url: &str, more: &str) -> Yard {
    let config = format!(
        "[[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\"]\n[[secrets]]\nname = \"PAGERDUTY_KEY\"\n[[secrets]]\nname = \"PAGERDUTY_TOKEN\"\n[[channels]]\nname = \"pager\"\n\
         kind = \"pagerduty\"\nsecret = \"PAGERDUTY_KEY\"\nurl = \"{url}\"\naudiences = [\"on-call\"]\n{more}"
    );
    let mut yard = Yard::new(&config, "true");
    yard.shell = yard.shell.clone().with("PAGERDUTY_KEY", "0123456789abcdefXyzzySecretOfIt0");
    yard.shell = yard.shell.clone().with("PAGERDUTY_TOKEN", TOKEN);
    yard
}

fn followed(url: &str) -> String {
    format!("api_token = \"PAGERDUTY_TOKEN\"\napi_url = \"{url}\"\nescalation_policy = \"PPOL\"\n")
}

#[test]
fn a_page_is_waited_for_until_somebody_acknowledged_it() {
    let pager = pager();
    let yard = yard(&pager.url, &followed(&pager.url));
    let shell = &yard.shell;
    let called = shell.flightdeck(&["page", "on-call", "--on-call"]).succeeded();
    assert_eq!(called.stdout, "1. Li Wei until 30 Nov 18:00 UTC\n");
    let waited = shell.flightdeck(&["page", "on-call", "--wait"]).succeeded();
    assert!(waited.stderr.contains("paging Li Wei"), "{}", waited.stderr);
    assert!(waited.stderr.contains("acknowledged by Li Wei at "), "{}", waited.stderr);
    let status = shell.json(&["status", "--json"]);
    let page = &status["messages"][0]["channels"][0]["page"];
    assert_eq!((&page["state"], &page["who"]), (&"acknowledged".into(), &"Li Wei".into()));
    let text = status.to_string();
    assert!(text.contains("page acknowledged by Li Wei (pager)") && !text.contains("Xyzzy"), "{text}");
    let report = shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("acknowledged by Li Wei"), "{report}");
}

#[test]
fn an_open_cockpit_follows_a_page() {
    let pager = pager();
    let yard = yard(&pager.url, &followed(&pager.url));
    let terminal = yard.cockpit();
    yard.shell.flightdeck(&["page", "on-call"]).succeeded().said("an open cockpit follows it");
    terminal.wait_text("page acknowledged by Li Wei");
}

#[test]
fn without_a_token_a_page_is_accepted_and_says_so() {
    let pager = pager();
    let yard = yard(&pager.url, "");
    let shell = &yard.shell;
    shell
        .flightdeck(&["page", "on-call"])
        .succeeded()
        .said("nothing here tells whether somebody acknowledged it");
    shell.flightdeck(&["page", "on-call", "--on-call"]).ended_with(2).said("api_token");
    shell.flightdeck(&["page", "maya", "--wait"]).ended_with(2).said("no channel pages maya");
    assert!(pager.requests().iter().all(|request| request.starts_with("POST")), "nobody is asked");
}

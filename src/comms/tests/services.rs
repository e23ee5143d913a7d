//! What each service is sent, and what its answer means.

use super::super::wire::{Answer, CUT, Outgoing, Stage, Wire, after, fate, length, wire};
use super::*;
use crate::config::types::{Channel, ChannelKind};

fn channel(kind: &str, more: &str) -> Channel {
    toml::from_str(&format!("name = \"it\"\nkind = \"{kind}\"\naudiences = [\"stakeholders\"]\n{more}"))
        .unwrap()
}

fn outgoing(text: &str) -> Outgoing {
    Outgoing {
        kind: MessageKind::Update,
        audience: "stakeholders".into(),
        severity: "P0".into(),
        rank: Severity::P0,
        incident: "INC-2026-0042".into(),
        text: text.into(),
        id: "01a2".into(),
        message: "07b3".into(),
        at: minute(18),
        stage: Stage::Identified,
        is_retry: false,
        is_overtaken: false,
        service: "shop".into(),
        is_over: true,
        is_served: true,
        first: None,
    }
}

fn body(channel: &Channel, text: &str) -> serde_json::Value {
    serde_json::from_str(&wire(channel, &outgoing(text)).unwrap().unwrap().body).unwrap()
}

#[test]
fn slack_is_sent_plain_text_in_which_nothing_calls_anybody() {
    let slack = channel("slack-webhook", "secret = \"HOOK\"");
    let hostile = "<!channel> *P0*\n<https://evil.example|our status page> @here & `x`";
    let sent = body(&slack, hostile);
    assert_eq!(
        sent["text"],
        "&lt;!channel&gt; *P0*\n&lt;https://evil.example|our status page&gt; @here &amp; `x`"
    );
    for block in sent["blocks"].as_array().unwrap() {
        assert_eq!(block["text"]["type"], "plain_text", "{block}");
    }
    assert_eq!(sent["blocks"][0]["type"], "header");
    assert_eq!(sent["link_names"], false);
    // Only the configuration calls anybody.
    let calling = channel("slack-webhook", "secret = \"HOOK\"\nmention = \"<!here>\"");
    let sent = body(&calling, "it is down");
    assert_eq!(sent["blocks"][1]["text"], serde_json::json!({ "type": "mrkdwn", "text": "<!here>" }));
    let placeholder = wire(&slack, &outgoing("a {secret:OTHER} b")).unwrap().unwrap();
    assert_eq!(placeholder.url, "{secret:HOOK}");
}

#[test]
fn slack_keeps_to_its_limits_and_says_what_was_cut() {
    let slack = channel("slack-webhook", "secret = \"HOOK\"");
    let long = format!("{}\n{}", "t".repeat(200), "wörd ".repeat(3000));
    let sent = body(&slack, &long);
    let blocks = sent["blocks"].as_array().unwrap();
    let characters = |value: &serde_json::Value| value.as_str().unwrap().chars().count();
    assert!(blocks.len() <= 50);
    assert!(characters(&blocks[0]["text"]["text"]) <= 150);
    for block in &blocks[1..] {
        assert!(characters(&block["text"]["text"]) <= 3000);
    }
    let all: usize = blocks.iter().map(|block| characters(&block["text"]["text"])).sum();
    assert!(all + characters(&sent["text"]) < 13_200);
    assert!(blocks.last().unwrap()["text"]["text"].as_str().unwrap().ends_with(CUT));
    assert!(length(&slack, &long).is_cut() && !length(&slack, "short").is_cut());
}

#[test]
fn a_webhook_is_sent_what_its_template_makes_and_text_is_never_markup_of_it() {
    let plain = channel("webhook", "url = \"https://chat.example/\"");
    assert_eq!(body(&plain, "a \"quoted\"\nline"), serde_json::json!({ "text": "a \"quoted\"\nline" }));
    let own = channel(
        "webhook",
        "url = \"https://chat.example/\"\nbody = '{\"t\": {{ title | tojson }}, \"b\": {{ body | tojson }}, \"s\": {{ severity | tojson }}}'\nlimit = 300",
    );
    assert_eq!(
        body(&own, "head\nrest\nof it"),
        serde_json::json!({ "t": "head", "b": "rest\nof it", "s": "P0" })
    );
    let wrong = channel("webhook", "url = \"https://chat.example/\"\nbody = \"{{ txt }}\"");
    let why = wire(&wrong, &outgoing("x")).unwrap_err();
    assert!(why.starts_with("body of it, line 1"), "{why}");
}

#[test]
fn a_bot_keeps_its_first_message_up_to_date_and_writes_the_next_into_its_thread() {
    let slack = channel("slack", "secret = \"TOKEN\"\nto = \"C1\"");
    let first = wire(&slack, &outgoing("it is down")).unwrap().unwrap();
    assert_eq!(first.url, "https://slack.com/api/chat.postMessage");
    assert_eq!(first.headers[0], ("Authorization".into(), "Bearer {secret:TOKEN}".into()));
    let sent: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!((&sent["channel"], sent.get("thread_ts")), (&"C1".into(), None));
    assert_eq!(after(&slack, &outgoing("it is down")), None);
    let next = Outgoing { first: Some("C1:170.01".into()), ..outgoing("a fix is coming") };
    assert_eq!(body_of(&wire(&slack, &next).unwrap().unwrap())["thread_ts"], "170.01");
    let update = after(&slack, &next).unwrap();
    assert_eq!(update.url, "https://slack.com/api/chat.update");
    assert_eq!((&body_of(&update)["channel"], &body_of(&update)["ts"]), (&"C1".into(), &"170.01".into()));
    let brief = Outgoing { kind: MessageKind::Brief, ..next.clone() };
    assert_eq!(after(&slack, &brief), None, "a brief is not how it stands");
    // What was sent to another channel is not touched.
    assert_eq!(after(&slack, &Outgoing { first: Some("C2:1".into()), ..next }), None);
}

fn body_of(wire: &Wire) -> serde_json::Value {
    serde_json::from_str(&wire.body).unwrap()
}

#[test]
fn other_chats_get_text_in_which_nothing_is_markup_within_their_limits() {
    let hostile = "*P0* @everyone\n[page](https://evil.example) <!channel> <users/all>";
    let of = |kind: &str, text: &str| body(&channel(kind, "secret = \"HOOK\""), text);
    let discord = of("discord", hostile);
    assert_eq!(discord["allowed_mentions"], serde_json::json!({ "parse": [] }));
    assert!(discord["content"].as_str().unwrap().contains("\\[page\\]"), "{discord}");
    let long = "*wörd* ".repeat(2000);
    assert!(of("discord", &long)["content"].as_str().unwrap().chars().count() <= 2000);
    for kind in ["mattermost", "google-chat", "discord"] {
        let sent = of(kind, hostile).to_string();
        assert!(
            !sent.contains("@everyone") && !sent.contains("<users") && !sent.contains("<!ch"),
            "{kind}: {sent}"
        );
    }
    let teams = of("teams", hostile);
    let card = &teams["attachments"][0]["content"];
    assert_eq!(card["body"][0]["inlines"][0]["text"], "*P0* @everyone", "a text run is no markup");
    assert!(of("teams", &"ß ".repeat(30_000)).to_string().len() <= 28_000);
    let ntfy = channel("ntfy", "url = \"https://ntfy.example/x\"");
    let sent = wire(&ntfy, &outgoing("P0: Bestellungen für alle {secret:A}\nrest")).unwrap().unwrap();
    assert_eq!(sent.body, "rest");
    let title = sent.headers.iter().find(|(name, _)| name == "Title").unwrap();
    assert!(title.1.starts_with("=?UTF-8?B?") && !title.1.contains("secret"), "{title:?}");
}

#[test]
fn what_is_counted_is_what_is_sent_and_no_escape_is_cut_in_two() {
    let stars = format!("a*b\n{}", "*".repeat(1500));
    let discord = channel("discord", "secret = \"HOOK\"\nmention = \"@here\"");
    let sent = body(&discord, &stars)["content"].as_str().unwrap().to_owned();
    let long = length(&discord, &stars);
    assert_eq!((long.said().as_str(), long.is_cut()), ("3,011 of 2,000 as sent", true));
    let before = sent.strip_suffix("… \\(truncated\\)").unwrap();
    assert!((1999..=2000).contains(&sent.chars().count()) && before.ends_with("\\*"), "{sent}");
    // What fits is sent to its last character, and is as long as was said.
    let fits = format!("a*b\n{}", "*".repeat(993));
    let sent = body(&discord, &fits)["content"].as_str().unwrap().to_owned();
    let long = length(&discord, &fits);
    assert_eq!((long.is, long.is_cut()), (sent.chars().count(), false));
    assert_eq!(long.said(), "1,997 of 2,000 as sent");
    let teams = channel("teams", "secret = \"HOOK\"");
    let lines = "ß \"x\"\n".repeat(400);
    let sent = wire(&teams, &outgoing(&lines)).unwrap().unwrap().body;
    assert!(length(&teams, &lines).is_cut() && sent.len() <= 20_000 && sent.len() > 19_800, "{}", sent.len());
    let short = wire(&teams, &outgoing("a\nb")).unwrap().unwrap().body;
    assert_eq!(length(&teams, "a\nb").is, short.len());
    let ntfy = channel("ntfy", "url = \"https://ntfy.example/x\"");
    let text = format!("title\n{}", "ü".repeat(3000));
    let sent = wire(&ntfy, &outgoing(&text)).unwrap().unwrap().body;
    assert!(sent.ends_with(CUT) && (3999..=4000).contains(&sent.len()), "{}", sent.len());
    assert_eq!(length(&ntfy, &text).said(), "6,000 of 4,000 bytes");
    // What is shown where Slack's blocks are not keeps its escapes whole, too.
    let slack = body(&channel("slack-webhook", "secret = \"HOOK\""), &"&<".repeat(3000));
    let fallback = slack["text"].as_str().unwrap().strip_suffix(CUT).unwrap();
    assert!(fallback.len() <= 6000 && fallback.ends_with(';'), "{fallback}");
}

#[test]
fn a_phone_is_as_loud_as_it_is_bad() {
    let ntfy = channel("ntfy", "url = \"https://ntfy.example/x\"");
    let of = |kind, rank| {
        let sent = wire(&ntfy, &Outgoing { kind, rank, ..outgoing("x") }).unwrap().unwrap();
        sent.headers.into_iter().find(|(name, _)| name == "Priority").unwrap().1
    };
    let least = Severity::all().next_back().unwrap();
    for (kind, by_rank) in [
        (MessageKind::Alert, ["urgent", "urgent", "high", "default"]),
        (MessageKind::Page, ["urgent", "urgent", "high", "default"]),
        (MessageKind::Update, ["high", "high", "default", "default"]),
        (MessageKind::Resolved, ["default"; 4]),
        (MessageKind::Handoff, ["default"; 4]),
    ] {
        let ranks = [Severity::P0, Severity::P1, Severity::P2, least];
        assert_eq!(ranks.map(|rank| of(kind, rank)), by_rank, "{kind:?}");
    }
}

#[test]
fn a_page_is_an_alert_that_is_there_once_and_word_of_the_end_resolves_it() {
    let pager = channel("pagerduty", "secret = \"KEY\"");
    let page =
        Outgoing { kind: MessageKind::Page, ..outgoing("P0 shop: Checkout answers 500\n\nSince: 14:00 UTC") };
    let sent = wire(&pager, &page).unwrap().unwrap();
    assert_eq!(sent.url, "https://events.pagerduty.com/v2/enqueue");
    assert_eq!(sent.secret_field, Some(("routing_key", "KEY".into())));
    let body = body_of(&sent);
    assert_eq!((&body["event_action"], &body["dedup_key"]), (&"trigger".into(), &"flightdeck-01a2".into()));
    assert_eq!(body["payload"]["summary"], "P0 shop: Checkout answers 500");
    let over = wire(&pager, &Outgoing { kind: MessageKind::Resolved, ..page.clone() }).unwrap().unwrap();
    assert_eq!(
        body_of(&over),
        serde_json::json!({ "event_action": "resolve", "dedup_key": "flightdeck-01a2" })
    );
    let served = Outgoing { kind: MessageKind::Resolved, is_over: false, ..page.clone() };
    let served = wire(&pager, &served).unwrap().unwrap();
    assert_eq!(body_of(&served)["event_action"], "trigger", "it is only mitigated");
    let of = |status| {
        fate(ChannelKind::Pagerduty, &Answer { status, body: b"", retry_after: None, redirects: false }, true)
            .end
    };
    assert_eq!((of(202), of(400)), (Delivery::Accepted, Delivery::Failed));
    assert_eq!((of(429), of(500), of(503)), (Delivery::Waiting, Delivery::Waiting, Delivery::Waiting));
    let mut story = Story::begun();
    let channels = vec!["pager".to_owned()];
    let message = Messaged {
        kind: MessageKind::Page,
        audience: "on-call".into(),
        text: "x".into(),
        channels,
        as_of: None,
    };
    let message = story.at(3, message);
    assert!(story.state().paged.is_empty());
    let end = Delivery::Accepted;
    let (channel, why, reference) = ("pager".into(), String::new(), String::new());
    story.at(4, Delivered { message, channel, end, why, reference, again: None, process: None });
    let state = story.state();
    assert_eq!(
        (state.paged.as_slice(), state.told.len()),
        ([(minute(4), "on-call".to_owned())].as_slice(), 0)
    );
    assert_eq!(
        (state.phase, state.timeline.iter().last().unwrap().text),
        (Phase::Assemble, "paged on-call (pager)")
    );
}

#[test]
fn a_bot_is_answered_with_200_whatever_became_of_it() {
    let of = |status, body: &str| {
        fate(
            ChannelKind::Slack,
            &Answer { status, body: body.as_bytes(), retry_after: None, redirects: false },
            false,
        )
    };
    let accepted = of(200, r#"{"ok":true,"channel":"C1","ts":"170.01"}"#);
    assert_eq!((accepted.end, accepted.reference.as_str()), (Delivery::Accepted, "C1:170.01"));
    for (error, end) in [
        ("channel_not_found", Delivery::Failed),
        ("not_in_channel", Delivery::Failed),
        ("account_inactive", Delivery::Failed),
        ("something_new", Delivery::Failed),
        ("ratelimited", Delivery::Waiting),
        ("internal_error", Delivery::Unknown),
    ] {
        let said = of(200, &format!(r#"{{"ok":false,"error":"{error}"}}"#));
        assert_eq!(said.end, end, "{error}");
        assert!(said.why.starts_with(error), "{}", said.why);
    }
    assert_eq!(of(200, "<html>").end, Delivery::Failed);
}

#[test]
fn answers_are_read_as_each_service_means_them() {
    let of = |kind, status, body: &str| {
        let answer = Answer { status, body: body.as_bytes(), retry_after: None, redirects: status == 302 };
        fate(kind, &answer, false).end
    };
    let slack = |status, body| of(ChannelKind::SlackWebhook, status, body);
    assert_eq!(slack(200, "ok"), Delivery::Accepted);
    for (status, body) in [
        (200, "<html>log in</html>"),
        (302, ""),
        (400, "invalid_payload"),
        (403, "action_prohibited"),
        (404, "no_service"),
        (404, "channel_not_found"),
        (410, "channel_is_archived"),
    ] {
        assert_eq!(slack(status, body), Delivery::Failed, "{status} {body}");
    }
    assert_eq!(slack(429, ""), Delivery::Waiting);
    assert_eq!(slack(503, ""), Delivery::Waiting);
    // It may have been received.
    assert_eq!(slack(500, "rollup_error"), Delivery::Unknown);
    let any = |status| of(ChannelKind::Webhook, status, "");
    assert_eq!((any(200), any(202), any(204)), (Delivery::Accepted, Delivery::Accepted, Delivery::Accepted));
    assert_eq!((any(400), any(401), any(413)), (Delivery::Failed, Delivery::Failed, Delivery::Failed));
    let asked = Answer {
        status: 429,
        body: b"",
        retry_after: Some(std::time::Duration::from_secs(7)),
        redirects: false,
    };
    assert_eq!(fate(ChannelKind::Webhook, &asked, false).again, asked.retry_after);
    let body = br#"{"message":"slow down","retry_after":1.5}"#;
    let asked = Answer { status: 429, body, retry_after: None, redirects: false };
    assert_eq!(fate(ChannelKind::Discord, &asked, false).again, Some(std::time::Duration::from_millis(1500)));
    let teams = |status, body: &str| of(ChannelKind::Teams, status, body);
    assert_eq!((teams(202, ""), teams(200, "")), (Delivery::Accepted, Delivery::Accepted));
    assert_eq!(teams(200, "Webhook message delivery failed with error: 429"), Delivery::Failed);
    assert_eq!((teams(413, ""), teams(404, "")), (Delivery::Failed, Delivery::Failed));
}

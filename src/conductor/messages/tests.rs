//! Conformance: what a server receives, and what is on record of what it answers.

mod mail;
mod misfortunes;
mod pages;

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::super::testing::{Server, response};
use super::*;
use crate::incident::{Declared, MessageKind, RepositoryId, Severity};

pub(super) struct Desk {
    pub(super) dir: tempfile::TempDir,
    pub(super) config: Config,
    pub(super) policy: Policy,
    pub(super) incident: IncidentId,
}

impl Desk {
    /// An incident in a journal, and a configuration of channels.
    pub(super) fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), "Maya").unwrap();
        let declared = Declared {
            number: String::new(),
            title: "Checkout answers 500".into(),
            severity: Severity::P0,
            service: "shop".into(),
            impact: String::new(),
            repository: "/shop/.git".into(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        let incident = journal.declare(Timestamp::now(), None, declared).unwrap().incident;
        let config = toml::from_str(config).unwrap();
        Self { dir, config, policy: Policy::built_in(), incident }
    }

    pub(super) fn journal(&self) -> Journal {
        Journal::open(self.dir.path(), "Maya").unwrap()
    }

    pub(super) fn post(&self) -> Post<'_> {
        Post { config: &self.config, root: self.dir.path(), policy: &self.policy, incident: self.incident }
    }

    pub(super) fn message(&self, text: &str) -> Messaged {
        Messaged {
            kind: MessageKind::Update,
            audience: "stakeholders".into(),
            text: text.into(),
            channels: self.config.channels.iter().map(|channel| channel.name.clone()).collect(),
            as_of: None,
        }
    }

    /// Sends a message, and says what became of it on each channel.
    fn sends(&self, text: &str) -> Vec<(Delivery, String)> {
        let sent = send(&mut self.journal(), &self.post(), &self.message(text), Timestamp::now()).unwrap();
        sent.ways.into_iter().map(|(_, fate)| (fate.end, fate.why)).collect()
    }

    pub(super) fn state(&self) -> State {
        self.journal().load(self.incident).unwrap().0.state().clone()
    }

    /// Everything in the journal, as it is exported.
    pub(super) fn exported(&self) -> String {
        let mut out = Vec::new();
        let format = crate::journal::ExportFormat::Jsonl;
        self.journal().export(self.incident, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}

pub(super) const TEXT: &str =
    "P0 update: Checkout answers 500\n\nA fix is being worked on.\nerrors down from 45 % to 2 %";

/// A channel whose address is a secret in a file.
fn slack(root: &Path, address: &str) -> String {
    let hook = root.join("hook");
    std::fs::write(&hook, format!("{address}\n")).unwrap();
    format!(
        "[[secrets]]\nname = \"HOOK\"\nfile = {hook:?}\n[[channels]]\nname = \"slack\"\nkind = \"slack-webhook\"\nsecret = \"HOOK\"\naudiences = [\"stakeholders\"]\n"
    )
}

fn by_slack(address: &str) -> (tempfile::TempDir, Desk) {
    let secrets = tempfile::tempdir().unwrap();
    let desk = Desk::new(&slack(secrets.path(), address));
    (secrets, desk)
}

/// Compares a request with the one that is kept, in its parts that do not change from run to run.
pub(super) fn is_as_kept(name: &str, request: &str) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let kept = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !["host:", "content-length:", "user-agent:"].iter().any(|name| line.starts_with(name))
    };
    let mut head: Vec<&str> = head.lines().filter(kept).collect();
    head[1..].sort_unstable();
    let body = serde_json::from_str::<serde_json::Value>(body)
        .map_or_else(|_| body.to_owned(), |json| serde_json::to_string_pretty(&json).unwrap());
    is_this(name, &format!("{}\n\n{body}\n", head.join("\n")));
}

/// Compares what was sent with what is kept of it.
fn is_this(name: &str, is: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/channels").join(name);
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        std::fs::write(&path, is).unwrap();
    }
    assert_eq!(is, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
}

#[test]
fn slack_takes_a_message_by_its_webhook() {
    let server = Server::answering("200 OK", "ok");
    let (_secrets, desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
    assert_eq!(desk.sends(TEXT), [(Delivery::Accepted, String::new())]);
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "each message once");
    is_as_kept("slack-webhook.txt", &requests[0]);
    let state = desk.state();
    assert_eq!(state.told.len(), 1, "the clock is met by what was accepted");
    assert_eq!(state.messages[0].text, TEXT);
    assert!(!desk.exported().contains("XyzzySecret"), "its address stays a secret");
}

#[test]
fn a_webhook_and_a_program_get_it_with_the_secrets_that_they_name() {
    let server = Server::answering("202 Accepted", "");
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), "t0ken-of-the-chat\n").unwrap();
    let script = secrets.path().join("tell.sh");
    let out = secrets.path().join("told");
    std::fs::write(
        &script,
        format!("#!/bin/sh\n{{ echo \"$FLIGHTDECK_KIND $TOKEN\"; cat; }} > {}\n", out.display()),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"TOKEN\"\nfile = {:?}\n\
         [[channels]]\nname = \"chat\"\nkind = \"webhook\"\nurl = \"{}/hooks/1\"\nheaders = {{ Authorization = \"Bearer {{secret:TOKEN}}\" }}\naudiences = [\"stakeholders\"]\n\
         [[channels]]\nname = \"ours\"\nkind = \"command\"\ncommand = [{:?}]\nenv = [\"TOKEN\"]\naudiences = [\"stakeholders\"]\n",
        secrets.path().join("token"),
        server.url,
        script
    ));
    let accepted = (Delivery::Accepted, String::new());
    assert_eq!(desk.sends(TEXT), [accepted.clone(), accepted]);
    is_as_kept("webhook.txt", &server.requests()[0]);
    assert_eq!(std::fs::read_to_string(out).unwrap(), format!("update t0ken-of-the-chat\n{TEXT}\n"));
    assert_eq!(desk.state().told.len(), 1, "one message tells once");
    assert!(!desk.exported().contains("t0ken-of"));
}

#[test]
fn a_bot_of_slack_keeps_one_message_up_to_date() {
    let server = Server::answering("200 OK", r#"{"ok":true,"channel":"C0123","ts":"1700000000.000100"}"#);
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), "xoxb-secret-of-the-bot\n").unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"TOKEN\"\nfile = {:?}\n[[channels]]\nname = \"slack\"\nkind = \"slack\"\nsecret = \"TOKEN\"\nto = \"C0123\"\nurl = \"{}/api\"\naudiences = [\"stakeholders\"]\n",
        secrets.path().join("token"),
        server.url
    ));
    assert_eq!(desk.sends(TEXT), [(Delivery::Accepted, String::new())]);
    assert_eq!(desk.state().messages[0].ways[0].reference, "C0123:1700000000.000100");
    assert_eq!(
        desk.sends("P0 update: it is better\n\nMost orders go through."),
        [(Delivery::Accepted, String::new())]
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "posted, posted into its thread, and brought up to date");
    is_as_kept("slack-post.txt", &requests[0]);
    is_as_kept("slack-reply.txt", &requests[1]);
    is_as_kept("slack-update.txt", &requests[2]);
    assert!(!desk.exported().contains("xoxb"));
}

#[test]
fn a_late_retry_leaves_the_first_message_with_the_newest_text() {
    let posted = r#"{"ok":true,"channel":"C0123","ts":"1700000000.000100"}"#;
    let mut throttled = true;
    let server = Server::start(move |stream, request| {
        let is_late = request.contains("the second text") && throttled;
        throttled &= !is_late;
        let body = if is_late { r#"{"ok":false,"error":"ratelimited"}"# } else { posted };
        drop(stream.write_all(response("200 OK", "", body).as_bytes()));
    });
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), "xoxb-secret-of-the-bot\n").unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"TOKEN\"\nfile = {:?}\n[[channels]]\nname = \"slack\"\nkind = \"slack\"\nsecret = \"TOKEN\"\nto = \"C0123\"\nurl = \"{}/api\"\naudiences = [\"stakeholders\"]\n",
        secrets.path().join("token"),
        server.url
    ));
    let ends: Vec<_> =
        ["the first text", "the second text", "the third text"].map(|text| desk.sends(text)[0].0).into();
    assert_eq!(ends, [Delivery::Accepted, Delivery::Waiting, Delivery::Accepted]);
    let second = desk.state().messages[1].id;
    let again = resend(&mut desk.journal(), &desk.post(), second).unwrap();
    assert_eq!(again.ways[0].1.end, Delivery::Accepted);
    let requests = server.requests();
    let updates: Vec<&String> =
        requests.iter().filter(|one| one.starts_with("POST /api/chat.update")).collect();
    assert_eq!((requests.len(), updates.len()), (5, 1));
    assert!(updates[0].contains("the third text"), "{updates:?}");
}

#[test]
fn a_secret_is_fetched_once_for_all_channels_of_a_message() {
    let server = Server::answering("200 OK", "");
    let scripts = tempfile::tempdir().unwrap();
    let (script, count) = (scripts.path().join("pass.sh"), scripts.path().join("asked"));
    let printed = "echo t0ken-of-the-chat";
    std::fs::write(&script, format!("#!/bin/sh\necho x >> {}\n{printed}\n", count.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let channel = |name: &str| {
        format!(
            "[[channels]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"{}/x\"\nheaders = {{ Authorization = \"Bearer {{secret:TOKEN}}\" }}\naudiences = [\"stakeholders\"]\n",
            server.url
        )
    };
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"TOKEN\"\ncommand = [{script:?}]\n{}{}",
        channel("one"),
        channel("two")
    ));
    assert!(desk.sends(TEXT).iter().all(|(end, _)| *end == Delivery::Accepted));
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
    assert!(server.requests().iter().all(|request| request.contains("Bearer t0ken-of-the-chat")));
}

#[test]
fn what_a_channel_lacks_is_known_before_it_is_needed() {
    let (secrets, desk) = by_slack("http://127.0.0.1:9/XyzzySecretOfTheHook");
    assert!(lacking(&desk.config, desk.dir.path()).is_empty());
    std::fs::remove_file(secrets.path().join("hook")).unwrap();
    let lacks = lacking(&desk.config, desk.dir.path());
    assert!(lacks.len() == 1 && lacks[0].starts_with("slack: the secret HOOK: "), "{lacks:?}");
    let asked = Desk::new(
        "[[secrets]]\nname = \"HOOK\"\ncommand = [\"./gone.sh\"]\n[[channels]]\nname = \"it\"\nkind = \"teams\"\nsecret = \"HOOK\"\naudiences = [\"x\"]\n",
    );
    assert!(lacking(&asked.config, asked.dir.path()).is_empty(), "no command is asked");
}

#[test]
fn a_program_that_did_not_start_has_sent_nothing() {
    let desk = Desk::new(
        "[[channels]]\nname = \"ours\"\nkind = \"command\"\ncommand = [\"./gone.sh\"]\naudiences = [\"stakeholders\"]\n",
    );
    let sent = desk.sends(TEXT);
    assert!(sent[0].0 == Delivery::Failed && sent[0].1.contains("did not start"), "{sent:?}");
}

#[test]
fn a_page_goes_out_with_its_key_in_the_body_and_again_where_nobody_answered() {
    let mut answers = 0;
    let server = Server::start(move |stream, _| {
        answers += 1;
        if answers > 1 {
            let body = r#"{"status":"success","message":"Event processed","dedup_key":"x"}"#;
            drop(stream.write_all(response("202 Accepted", "", body).as_bytes()));
        }
    });
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("key"), "0123456789abcdefXyzzySecretOfIt0\n").unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"KEY\"\nfile = {:?}\n[[channels]]\nname = \"pager\"\nkind = \"pagerduty\"\nsecret = \"KEY\"\nurl = \"{}\"\naudiences = [\"on-call\"]\n",
        secrets.path().join("key"),
        server.url
    ));
    let page = Messaged { kind: MessageKind::Page, audience: "on-call".into(), ..desk.message(TEXT) };
    let sent = send(&mut desk.journal(), &desk.post(), &page, Timestamp::now()).unwrap();
    assert_eq!(sent.ways[0].1.end, Delivery::Waiting, "it is there once, however often it is sent");
    assert!(desk.state().paged.is_empty());
    flush(&mut desk.journal(), &desk.post(), Which::All).unwrap();
    assert_eq!(desk.state().paged.len(), 1);
    let request = &server.requests()[1];
    assert_eq!(*request, server.requests()[0]);
    let known =
        request.replace(&desk.incident.to_string(), "INCIDENT").replace(&desk.state().number, "NUMBER");
    is_as_kept("pagerduty.txt", &known);
    assert!(!desk.exported().contains("XyzzySecret"));
}

#[test]
fn other_chats_take_a_message_by_their_webhooks() {
    for (kind, answer) in [
        ("teams", response("202 Accepted", "", "")),
        ("mattermost", response("200 OK", "", "ok")),
        ("discord", response("204 No Content", "", "")),
        ("google-chat", response("200 OK", "", r#"{"name":"spaces/x/messages/y"}"#)),
        ("ntfy", response("200 OK", "", r#"{"id":"x","event":"message"}"#)),
    ] {
        let server = Server::sending(answer);
        let secrets = tempfile::tempdir().unwrap();
        let address = format!("{}/hooks/XyzzySecretOfTheHook?sig=x", server.url);
        let config = slack(secrets.path(), &address).replace("slack-webhook", kind);
        let desk = Desk::new(&config);
        assert_eq!(desk.sends(TEXT), [(Delivery::Accepted, String::new())], "{kind}");
        is_as_kept(&format!("{kind}.txt"), &server.requests()[0]);
        assert!(!desk.exported().contains("XyzzySecret"), "{kind}");
    }
}

#[test]
fn what_is_not_taken_is_on_record_with_what_to_do() {
    for (answer, end, said) in [
        (response("404 Not Found", "", "no_service"), Delivery::Failed, "make a new one"),
        (response("410 Gone", "", "channel_is_archived"), Delivery::Failed, "its channel is archived"),
        (response("500 Internal Server Error", "", "rollup_error"), Delivery::Unknown, "rollup_error"),
        (
            response("302 Found", "location: http://127.0.0.1:9/\r\n", ""),
            Delivery::Failed,
            "redirects elsewhere",
        ),
        (response("200 OK", "", "<html>please log in</html>"), Delivery::Failed, "not how Slack answers"),
        (response("429 Too Many Requests", "retry-after: 90\r\n", ""), Delivery::Waiting, "rate limited"),
        (String::new(), Delivery::Unknown, "may have been received"),
    ] {
        let server = Server::sending(answer.clone());
        let (_secrets, desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
        let ways = desk.sends(TEXT);
        assert_eq!(ways[0].0, end, "{answer}: {}", ways[0].1);
        assert!(ways[0].1.contains(said), "{answer}: {}", ways[0].1);
        assert_eq!(server.requests().len(), 1, "{answer}");
        let state = desk.state();
        assert!(state.told.is_empty(), "{answer}: nobody was told");
        assert!(!desk.exported().contains("XyzzySecret"), "{answer}");
    }
}

#[test]
fn what_was_surely_not_received_waits_and_goes_later_once() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let (secrets, desk) = by_slack(&format!("http://{address}/services/T000/B000/XyzzySecretOfTheHook"));
    assert_eq!(desk.sends(TEXT)[0].0, Delivery::Waiting);
    let way = desk.state().messages[0].ways[0].clone();
    assert!(way.again.unwrap() > Timestamp::now() && !way.is_due(Timestamp::now()));
    // Before it is time nothing goes by itself.
    assert!(flush(&mut desk.journal(), &desk.post(), Which::Fresh).unwrap().ways.is_empty());
    let server = Server::start(|stream, _| drop(stream.write_all(response("200 OK", "", "ok").as_bytes())));
    std::fs::write(secrets.path().join("hook"), format!("{}/x-secret", server.url)).unwrap();
    let sent = flush(&mut desk.journal(), &desk.post(), Which::All).unwrap();
    assert_eq!(sent.ways[0].1.end, Delivery::Accepted);
    for which in [Which::All, Which::Fresh] {
        assert!(flush(&mut desk.journal(), &desk.post(), which).unwrap().ways.is_empty(), "it went");
    }
    assert_eq!((server.requests().len(), desk.state().told.len()), (1, 1));
}

#[test]
fn what_a_later_message_has_taken_the_place_of_is_not_sent_any_more() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let (secrets, desk) = by_slack(&format!("http://{address}/services/T000/B000/XyzzySecretOfTheHook"));
    assert_eq!(desk.sends("it is down")[0].0, Delivery::Waiting);
    assert_eq!(desk.sends("a fix is coming")[0].0, Delivery::Waiting);
    let server = Server::answering("200 OK", "ok");
    std::fs::write(secrets.path().join("hook"), format!("{}/x-secret", server.url)).unwrap();
    flush(&mut desk.journal(), &desk.post(), Which::All).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains("a fix is coming"), "{}", requests[0]);
}

#[test]
fn two_who_send_the_same_draft_send_it_once() {
    let server = Server::answering("200 OK", "ok");
    let (_secrets, desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
    let read_at = Timestamp::now() - SignedDuration::from_secs(1);
    let sent: Vec<_> = std::thread::scope(|scope| {
        let one = || scope.spawn(|| send(&mut desk.journal(), &desk.post(), &desk.message(TEXT), read_at));
        let all = [one(), one()];
        all.map(|thread| thread.join().unwrap()).into()
    });
    let (went, refused): (Vec<_>, Vec<_>) = sent.into_iter().partition(Result::is_ok);
    assert_eq!((went.len(), server.requests().len()), (1, 1));
    let failure = refused.into_iter().next().unwrap().unwrap_err();
    assert!(failure.cause.contains("Maya sent an update at "), "{}", failure.cause);
}

#[test]
fn a_channel_that_is_renamed_or_has_no_secret_fails_and_is_sent_again_when_it_is_back() {
    let server = Server::answering("200 OK", "ok");
    let (secrets, mut desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
    let message = desk.message(TEXT);
    desk.config.channels[0].name = "chat".into();
    let sent = send(&mut desk.journal(), &desk.post(), &message, Timestamp::now()).unwrap();
    assert_eq!(sent.ways[0].1.end, Delivery::Failed);
    assert!(sent.ways[0].1.why.contains("was it renamed?"), "{:?}", sent.ways);
    desk.config.channels[0].name = "slack".into();
    std::fs::rename(secrets.path().join("hook"), secrets.path().join("away")).unwrap();
    let id = desk.state().messages[0].id;
    let again = resend(&mut desk.journal(), &desk.post(), id).unwrap();
    assert!(again.ways[0].1.why.starts_with("the secret HOOK: "), "{:?}", again.ways);
    std::fs::rename(secrets.path().join("away"), secrets.path().join("hook")).unwrap();
    assert_eq!(resend(&mut desk.journal(), &desk.post(), id).unwrap().ways[0].1.end, Delivery::Accepted);
    assert!(resend(&mut desk.journal(), &desk.post(), id).unwrap().ways.is_empty(), "it is sent once");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_secret_in_the_text_is_masked_before_it_is_written_down() {
    let server = Server::answering("200 OK", "ok");
    let address = format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url);
    let (_secrets, desk) = by_slack(&address);
    desk.sends(&format!("see {address}, and {{secret:HOOK}}"));
    let (_, body) =
        server.requests()[0].split_once("\r\n\r\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(!body.contains("XyzzySecret") && body.contains("{secret:HOOK}"), "{body}");
    assert!(!desk.exported().contains("XyzzySecret"));
}

#[test]
fn templates_stay_in_the_repository() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(".flightdeck/messages");
    std::fs::create_dir_all(&folder).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("secret"), "x").unwrap();
    std::fs::write(folder.join("alert.txt"), "{{ title }}").unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("secret"), folder.join("update.txt")).unwrap();
    std::fs::write(folder.join("brief.txt"), [0xff, 0xfe]).unwrap();
    std::fs::create_dir(folder.join("handoff.txt")).unwrap();
    let found = templates(root.path(), &Config::default());
    let of = |kind| found.iter().find(|own| own.kind == kind).map(|own| own.source.clone());
    assert_eq!(of(MessageKind::Alert), Some(Ok("{{ title }}".into())));
    assert_eq!(of(MessageKind::Update), Some(Err("it leads out of the repository".into())));
    assert_eq!(of(MessageKind::Brief), Some(Err("it is not UTF-8".into())));
    assert_eq!(of(MessageKind::Handoff), Some(Err("it is not a file".into())));
    assert_eq!(of(MessageKind::Resolved), None);
}

#[test]
fn a_secret_goes_along_encrypted_or_not_at_all() {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), "xoxb-secret-of-the-bot\n").unwrap();
    let declared = format!("[[secrets]]\nname = \"TOKEN\"\nfile = {:?}\n", secrets.path().join("token"));
    for channel in [
        "kind = \"webhook\"\nurl = \"http://chat.invalid/x\"\nheaders = { Authorization = \"Bearer {secret:TOKEN}\" }\n",
        "kind = \"slack\"\nurl = \"http://chat.invalid/api\"\nsecret = \"TOKEN\"\nto = \"C0123\"\n",
    ] {
        let desk = Desk::new(&format!(
            "{declared}[[channels]]\nname = \"chat\"\naudiences = [\"stakeholders\"]\n{channel}"
        ));
        let sent = desk.sends(TEXT);
        assert!(sent[0].0 == Delivery::Failed && sent[0].1.contains("has to be https://"), "{sent:?}");
    }
}

#[test]
fn what_a_service_calls_a_message_is_a_name_or_nothing() {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), "1700000000.000100\n").unwrap();
    let long = "1".repeat(5000);
    for (place, ts) in [
        ("C0123", "1700000000.000100"),
        ("C0123", "x\\u001b[2J"),
        ("C01:23", "17.01"),
        ("", "17.01"),
        ("C0123", long.as_str()),
    ] {
        let said = format!("{{\"ok\":true,\"channel\":\"{place}\",\"ts\":\"{ts}\"}}");
        let server = Server::answering("200 OK", &said);
        let desk = Desk::new(&format!(
            "[[secrets]]\nname = \"TOKEN\"\nfile = {:?}\n[[channels]]\nname = \"slack\"\nkind = \"slack\"\nsecret = \"TOKEN\"\nto = \"C0123\"\nurl = \"{}/api\"\naudiences = [\"stakeholders\"]\n",
            secrets.path().join("token"),
            server.url
        ));
        assert_eq!(desk.sends(TEXT), [(Delivery::Accepted, String::new())]);
        assert_eq!(desk.state().messages[0].ways[0].reference, "", "{place} {ts}");
    }
}

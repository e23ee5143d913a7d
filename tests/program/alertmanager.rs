//! Probes that count the alerts of an Alertmanager: a real one, and what it must not be asked.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};

use super::prometheus::{asked, configured};
use super::world::{Running, Shell, World, wait_until};

/// Leaves the test next to Alertmanager itself out, said aloud, where it cannot be installed.
const WITHOUT: &str = "FLIGHTDECK_TESTS_WITHOUT_ALERTMANAGER";

fn probe(name: &str, url: &str, rest: &str) -> String {
    format!("[[probes]]\nname = \"{name}\"\nalertmanager = \"{url}\"\ntimeout = \"4s\"\n{rest}\n")
}

/// Sends JSON to an Alertmanager and gives the status line with what it answers.
fn post(url: &str, path: &str, body: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// Tells it of an alert; `fires`: whether it goes on.
fn alert(url: &str, name: &str, severity: &str, fires: bool) {
    let start = Timestamp::now() - SignedDuration::from_mins(14);
    let end = Timestamp::now() + SignedDuration::from_secs(if fires { 3600 } else { -1 });
    let body = format!(
        r#"[{{"labels":{{"alertname":"{name}","severity":"{severity}","service":"checkout"}},"startsAt":"{start}","endsAt":"{end}"}}]"#
    );
    post(url, "/api/v2/alerts", &body);
}

/// State, headline and why of a probe.
fn row(shell: &Shell, name: &str) -> [String; 3] {
    let [_, state, headline, why] = asked(shell).into_iter().find(|row| row[0] == name).unwrap();
    [state, headline, why]
}

#[test]
fn a_real_alertmanager_ends_an_alert_only_when_it_has_ended() {
    if std::env::var_os(WITHOUT).is_some() {
        eprintln!("LEFT OUT because {WITHOUT} is set: probes that ask Alertmanager itself");
        return;
    }
    let world = World::new();
    let directory = world.path("alertmanager");
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("alertmanager.yml");
    // A page inhibits the warnings of the same service.
    std::fs::write(
        &file,
        "route: {receiver: nobody}\nreceivers: [{name: nobody}]\ninhibit_rules:\n- source_matchers: [severity=page]\n  target_matchers: [severity=warning]\n  equal: [service]\n",
    )
    .unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = std::process::Command::new("prometheus-alertmanager")
        .current_dir(&directory)
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", directory.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _running = Running(child.unwrap_or_else(|error| {
        panic!("Alertmanager is not installed ({error}): apt-get install prometheus-alertmanager, or set {WITHOUT}=1 to leave this out")
    }));
    let url = format!("http://127.0.0.1:{port}");
    let config = [
        probe("all", &url, ""),
        probe("pages", &url, "matchers = ['severity=\"page\"', 'service=~\"check.*\"']"),
        probe("told", &url, "watchdog = \"Watchdog\""),
        probe("odd", &url, "matchers = ['severity=\"[\"']"),
        probe("below", &format!("{url}/nowhere"), ""),
    ];
    let shell = configured(&world, &config.concat());
    shell.flightdeck(&["config", "check"]).succeeded();
    shell.flightdeck(&["trust"]).succeeded();
    let until = |name: &str, state: &str, headline: &str| {
        wait_until(&format!("{name} to be {state}, {headline}"), || {
            let [is, says, why] = row(&shell, name);
            (is == state && says == headline).then_some(why)
        })
    };
    until("all", "ok", "0");
    // Nobody tells it anything: that is no good news.
    assert!(until("told", "unknown", "no Watchdog").contains("nothing reaches it"));
    assert_eq!(row(&shell, "below")[0], "unknown");
    assert_eq!(row(&shell, "odd")[0], "ok");
    alert(&url, "Watchdog", "none", true);
    until("told", "ok", "0");
    alert(&url, "HighErrorRate", "page", true);
    alert(&url, "Slow", "warning", true);
    let why = until("all", "failing", "3");
    assert!(why.contains("HighErrorRate for 14m") && why.contains("Slow for 14m (inhibited)"), "{why}");
    assert_eq!(until("pages", "failing", "1"), "1 alert fires: HighErrorRate for 14m");
    // Silenced is not resolved.
    let (start, end) = (Timestamp::now(), Timestamp::now() + SignedDuration::from_hours(1));
    let silence = format!(
        r#"{{"matchers":[{{"name":"severity","value":"page","isRegex":false,"isEqual":true}}],"startsAt":"{start}","endsAt":"{end}","createdBy":"li","comment":"known"}}"#
    );
    post(&url, "/api/v2/silences", &silence);
    wait_until("the silence to be told of", || {
        let [state, _, why] = row(&shell, "pages");
        assert_eq!(state, "failing");
        (why == "1 alert fires: HighErrorRate for 14m (silenced)").then_some(())
    });
    alert(&url, "HighErrorRate", "page", false);
    until("pages", "ok", "0");
}

#[test]
fn a_matcher_that_cannot_be_read_is_refused_with_line_and_caret() {
    let world = World::new();
    let shell = configured(&world, "");
    for (rest, line, said) in [
        ("matchers = ['severity page']", "severity page", "expected one of = != =~ !~"),
        ("matchers = ['severity=~\"(\"']", "severity=~", "this is no regular expression: unclosed group"),
        ("matchers = 'severity=page'", "matchers = ", "`matchers`"),
        (
            "query = \"up\"",
            "query = ",
            "`query` goes with `prometheus` or `datadog` or `postgres`; this probe is an `alertmanager`",
        ),
        (
            "expect = [\"value == 0\"]",
            "value == 0",
            "an `alertmanager` has no `value`; expected `alerts` or `latency`",
        ),
        ("url = \"http://x/\"", "url = ", "a probe asks one thing, not both `url` and `alertmanager`"),
    ] {
        std::fs::write(shell.directory.join("flightdeck.toml"), probe("p", "http://127.0.0.1:9", rest))
            .unwrap();
        let ended = shell.flightdeck(&["config", "check"]).ended_with(2);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(all.contains(said) && all.contains(line) && all.contains('^'), "{rest}\n{all}");
    }
}

//! Probes that ask a Prometheus: what it answers, what it must not be asked, and a real one.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use flightdeck::journal::{Journal, Sample};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::service::{Service, response};
use super::world::{Running, Shell, World, wait_until};

/// Leaves the tests next to Prometheus itself out, said aloud, where it cannot be installed.
const WITHOUT: &str = "FLIGHTDECK_TESTS_WITHOUT_PROMETHEUS";

pub(super) fn configured(world: &World, config: &str) -> Shell {
    let shell = world.repository("service");
    std::fs::write(shell.directory.join("flightdeck.toml"), config).unwrap();
    shell
}

fn probe(name: &str, url: &str, rest: &str) -> String {
    format!("[[probes]]\nname = \"{name}\"\nprometheus = \"{url}\"\ntimeout = \"4s\"\n{rest}\n")
}

/// State, headline and why of every probe, by its name.
pub(super) fn asked(shell: &Shell) -> Vec<[String; 4]> {
    let rows = shell.json(&["probe", "--json"]);
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| ["name", "state", "headline", "why"].map(|field| text(row, field))).collect()
}

fn success(kind: &str, result: &str) -> String {
    response(
        "200 OK",
        &format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#),
    )
}

fn vector(value: &str) -> String {
    let now = Timestamp::now().as_second();
    success("vector", &format!(r#"[{{"metric":{{"job":"api"}},"value":[{now}.5,"{value}"]}}]"#))
}

#[test]
fn status_says_since_which_release_a_metric_is_gone() {
    let world = World::new();
    let service = Service::start(|_| Some(success("vector", "[]")));
    let config = format!(
        "[[environments]]\nname = \"production\"\nprotected = true\ndeploy = [\"true\"]\n{}",
        probe("orders", &service.url, "query = \"orders_total + 0\"\nfail = \"< 5\"")
    );
    let shell = configured(&world, &config);
    shell.flightdeck(&["trust"]).succeeded();
    shell.run("git", &["tag", "v1.4.3"]).succeeded();
    shell.flightdeck(&["declare", "no orders", "--severity", "P1"]).succeeded();
    {
        // What a cockpit kept before the deploy.
        let mut journal = Journal::open(&world.path("state"), "Maya").unwrap();
        let incident = journal.incidents(None).unwrap()[0].id;
        let repository = journal.repository_of(incident).unwrap();
        let now = Timestamp::now();
        let kept = (1..30).map(|n| Sample {
            probe: "orders".to_owned(),
            at: now - SignedDuration::from_secs(20 * n),
            value: Some(12.0),
            fault: None,
        });
        journal.put_samples(&repository, &kept.collect::<Vec<_>>()).unwrap();
    }
    let gone = || {
        let health = shell.json(&["status", "--json"])["health"][0].clone();
        (health["gone_since"].as_str().map(str::to_owned), health["why"].as_str().unwrap().to_owned())
    };
    let (release, why) = gone();
    assert!(release.is_none() && why.starts_with("the query finds no series"), "nothing was deployed: {why}");
    shell.flightdeck(&["live", "production", "v1.4.3"]).succeeded();
    let (release, why) = gone();
    assert_eq!(release.as_deref(), Some("v1.4.3"));
    assert!(why.starts_with("gone since v1.4.3: the query finds no series"), "{why}");
    let shown = shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(shown.contains("gone since v1.4.3"), "{shown}");
}

#[test]
fn every_documented_answer_is_told_apart_and_only_a_number_passes() {
    let now = Timestamp::now().as_second();
    let error =
        |kind: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"1:4: parse error"}}"#);
    let warned = vector("1").replace("{\"status\"", "{\"warnings\":[\"store b is gone\"],\"status\"");
    let warned = response("200 OK", warned.split_once("\r\n\r\n").unwrap().1);
    let cases: Vec<(&str, String, &str, &str, &str)> = vec![
        ("good", vector("4.5"), "ok", "4.5", ""),
        ("over", vector("38.1"), "failing", "38.1", "38.1 % (max 5 %)"),
        ("scalar", success("scalar", &format!("[{now},\"4.5\"]")), "ok", "4.5", ""),
        ("empty", success("vector", "[]"), "unknown", "no data", "the query finds no series"),
        ("nan", vector("NaN"), "unknown", "NaN", "the query gives NaN"),
        ("inf", vector("+Inf"), "unknown", "+Inf", "the query gives +Inf"),
        ("matrix", success("matrix", "[]"), "unknown", "a range", "a matrix"),
        ("string", success("string", &format!("[{now},\"4\"]")), "unknown", "a text", "gives a text"),
        (
            "histogram",
            success(
                "vector",
                &format!(r#"[{{"metric":{{}},"histogram":[{now},{{"count":"1","sum":"2"}}]}}]"#),
            ),
            "unknown",
            "a histogram",
            "histogram_quantile",
        ),
        (
            "two",
            success(
                "vector",
                &format!(
                    r#"[{{"metric":{{"n":"1"}},"value":[{now},"1"]}},{{"metric":{{"n":"2"}},"value":[{now},"9"]}}]"#
                ),
            ),
            "unknown",
            "2 series",
            "set `reduce`",
        ),
        ("warned", warned, "unknown", "1", "it warns: store b is gone"),
        (
            "old",
            success("vector", &format!(r#"[{{"metric":{{}},"value":[{},"1"]}}]"#, now - 900)),
            "unknown",
            "old",
            "from 15m",
        ),
        (
            "bad",
            response("400 Bad Request", &error("bad_data")),
            "unknown",
            "400",
            "does not understand the query",
        ),
        (
            "slow",
            response("503 Service Unavailable", &error("timeout")),
            "unknown",
            "503",
            "took it too long",
        ),
        (
            "failed",
            response("422 Unprocessable", &error("execution")),
            "unknown",
            "422",
            "could not evaluate",
        ),
        (
            "proxy",
            response("503 Service Unavailable", "no healthy upstream"),
            "unknown",
            "503",
            "no healthy upstream",
        ),
        ("page", response("200 OK", "<html>Sign in</html>"), "unknown", "200", "not the API of Prometheus"),
        ("secret", response("401 Unauthorized", ""), "unknown", "401", "it needs credentials"),
        ("path", response("404 Not Found", "404 page not found"), "unknown", "404", "give the path"),
        (
            "half",
            "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"status\"".to_owned(),
            "unknown",
            "half a body",
            "broke off",
        ),
        ("reset", String::new(), "unknown", "reset", "closed the connection"),
    ];
    let answers: Vec<(String, String)> =
        cases.iter().map(|(name, answer, ..)| (format!("probe_{name}_"), answer.clone())).collect();
    let service = Service::start(move |request| {
        let first = request.lines().next().unwrap_or_default();
        answers.iter().find(|(name, _)| first.contains(name)).map(|(_, answer)| answer.clone())
    });
    let rest = |name: &str| format!("query = \"probe_{name}_ + 0\"\nunit = \"%\"\nfail = \"> 5\"");
    let config: String = cases.iter().map(|(name, ..)| probe(name, &service.url, &rest(name))).collect();
    let config = format!("{config}{}", probe("nobody", "http://127.0.0.1:9", &rest("nobody")));
    let world = World::new();
    let shell = configured(&world, &config);
    shell.flightdeck(&["trust"]).succeeded();
    let rows = asked(&shell);
    assert_eq!(rows.len(), cases.len() + 1);
    for ((wanted, _, state, headline, why), row) in cases.iter().zip(&rows) {
        let [name, is, heading, said] = row;
        assert_eq!((name.as_str(), is.as_str(), heading.as_str()), (*wanted, *state, *headline), "{said}");
        assert!(said.contains(why) && (why.is_empty() == said.is_empty()), "{name}: {said}");
    }
    // A Prometheus that is gone says nothing about the service: unknown, not an error of it.
    let [name, state, headline, _] = rows.last().unwrap();
    assert_eq!([name, state, headline], ["nobody", "unknown", "refused"]);
    // What was asked stands beside it.
    let shown = shell.flightdeck(&["probe", "over"]).succeeded();
    assert!(shown.stdout.contains("probe_over_ + 0 at http://127.0.0.1:"), "{}", shown.stdout);
    assert!(shown.stdout.contains("✗ 38.1 % (max 5 %)"), "{}", shown.stdout);
    let doctor = shell.flightdeck(&["doctor"]);
    assert!(doctor.stdout.contains("nan: the query gives NaN"), "{}", doctor.stdout);
}

#[test]
fn what_could_hurt_or_asks_nothing_is_refused_with_its_place() {
    let world = World::new();
    let shell = configured(&world, "");
    let url = "http://127.0.0.1:9090";
    for (rest, line, said) in [
        (
            "query = \"max_over_time(up[90d])\"\nfail = \"> 1\"",
            "max_over_time(up[90d])",
            "reaches back more than a day",
        ),
        ("query = \"rate(x[1d:1s])\"\nfail = \"> 1\"", "rate(x[1d:1s])", "86400 times"),
        ("query = \"sum(up\"\nfail = \"> 1\"", "sum(up", "is not closed"),
        ("query = \"count({__name__=~'.+'})\"\nfail = \"> 1\"", "count(", "every series there is"),
        ("query = \"\"\nfail = \"> 1\"", "query = \"\"", "the query is empty"),
        ("fail = \"> 1\"", "name = \"p\"", "`query` is missing"),
        ("query = \"up\"", "query = \"up\"", "nothing says which value is good"),
        (
            "query = \"up\"\nfail = \"> 1\"\nreduce = \"last\"",
            "reduce = \"last\"",
            "`reduce` cannot be `last`",
        ),
        ("query = \"up\"\nexpect = [\"body.x == 1\"]", "body.x == 1", "a query has no `body`"),
        ("query = \"up\"\nfail = \"> 1\"\nmax_age = \"soon\"", "max_age = \"soon\"", "not a duration"),
    ] {
        std::fs::write(shell.directory.join("flightdeck.toml"), probe("p", url, rest)).unwrap();
        let ended = shell.flightdeck(&["config", "check"]).ended_with(2);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(all.contains(said) && all.contains(line) && all.contains('^'), "{rest}\n{all}");
    }
}

/// A Prometheus on the loopback, killed at the end.
struct Server {
    running: Running,
    url: String,
    port: u16,
}

impl Server {
    /// Starts one on a directory that scrapes the target often; with none it scrapes nothing.
    fn start(directory: &Path, port: Option<u16>, target: Option<&str>) -> Self {
        let port =
            port.unwrap_or_else(|| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
        let scrape = target.map_or("[]".to_owned(), |target| {
            format!("\n- job_name: shop\n  static_configs: [{{targets: [\"{target}\"]}}]")
        });
        let config = directory.join("prometheus.yml");
        let text =
            format!("global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs: {scrape}\n");
        std::fs::write(&config, text).unwrap();
        let mut command = std::process::Command::new("prometheus");
        let child = command
            .current_dir(directory)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("prometheus is not installed ({error}): apt-get install prometheus, or set {WITHOUT}=1 to leave this out")
        });
        Self { running: Running(child), url: format!("http://127.0.0.1:{port}"), port }
    }

    fn kill(mut self) -> u16 {
        self.running.0.kill().unwrap();
        self.running.wait("prometheus to end");
        self.port
    }
}

#[test]
fn a_real_prometheus_is_believed_as_long_as_it_measures() {
    if std::env::var_os(WITHOUT).is_some() {
        eprintln!("LEFT OUT because {WITHOUT} is set: probes that ask Prometheus itself");
        return;
    }
    let metrics = Arc::new(Mutex::new(
        "shop_orders 12\nshop_nan NaN\nshop_inf +Inf\nshop_two{n=\"a\"} 1\nshop_two{n=\"b\"} 7\n".to_owned(),
    ));
    let is_up = Arc::new(AtomicBool::new(true));
    let (told, up) = (Arc::clone(&metrics), Arc::clone(&is_up));
    let target = Service::start(move |_| {
        if !up.load(Ordering::SeqCst) {
            return Some(response("503 Down", ""));
        }
        let text = response("200 OK", &told.lock().unwrap());
        Some(text.replacen("\r\n", "\r\ncontent-type: text/plain; version=0.0.4\r\n", 1))
    });
    let world = World::new();
    let directory = world.path("prometheus");
    std::fs::create_dir(&directory).unwrap();
    let server = Server::start(&directory, None, Some(target.url.trim_start_matches("http://")));
    let with = |name: &str, query: &str, rest: &str| {
        probe(name, &server.url, &format!("query = '{query}'\nfail = \"> 30\"\n{rest}"))
    };
    let config = [
        with("orders", "shop_orders", ""),
        with("sum", "sum(shop_two) + scalar(shop_orders)", ""),
        with("scalar", "scalar(shop_orders)", ""),
        with("largest", "shop_two", "reduce = \"max\""),
        with("mean", "shop_two", "reduce = \"avg\""),
        with("two", "shop_two", ""),
        with("nan", "shop_nan", ""),
        with("inf", "shop_inf", ""),
        with("none", "shop_gone", ""),
        with("range", "shop_orders[1m]", ""),
        with("text", "\"text\"", ""),
        with("bad", "sum(shop_orders) by by", ""),
        with("fresh", "shop_orders", "max_age = \"1s\""),
    ];
    let shell = configured(&world, &config.concat());
    shell.flightdeck(&["config", "check"]).succeeded();
    shell.flightdeck(&["trust"]).succeeded();
    let row = |name: &str| -> [String; 4] {
        let rows = asked(&shell);
        rows.into_iter().find(|row| row[0] == name).unwrap()
    };
    let until = |name: &str, state: &str, said: &str| {
        wait_until(&format!("{name} to be {state}: {said}"), || {
            let [_, is, headline, why] = row(name);
            (is == state && (headline == said || why.contains(said))).then_some(())
        });
    };
    until("orders", "ok", "12");
    let rows = asked(&shell);
    let seen: Vec<[&str; 3]> =
        rows.iter().take(12).map(|row| [row[0].as_str(), row[1].as_str(), row[2].as_str()]).collect();
    assert_eq!(
        seen,
        [
            ["orders", "ok", "12"],
            ["sum", "ok", "20"],
            ["scalar", "ok", "12"],
            ["largest", "ok", "7"],
            ["mean", "ok", "4"],
            ["two", "unknown", "2 series"],
            ["nan", "unknown", "NaN"],
            ["inf", "unknown", "+Inf"],
            ["none", "unknown", "no data"],
            ["range", "unknown", "a range"],
            ["text", "unknown", "a text"],
            ["bad", "unknown", "400"],
        ],
        "{rows:#?}"
    );
    *metrics.lock().unwrap() = "shop_orders 40\n".to_owned();
    until("orders", "failing", "40 (max 30)");
    // A target that is gone is no data, not what it was last.
    is_up.store(false, Ordering::SeqCst);
    until("orders", "unknown", "no data");
    // Killed, and back without anybody who measures: it still answers with what it last knew, and for five
    // minutes would say so.
    is_up.store(true, Ordering::SeqCst);
    *metrics.lock().unwrap() = "shop_orders 3\n".to_owned();
    until("fresh", "ok", "3");
    let port = server.kill();
    let [_, state, headline, _] = row("orders");
    assert_eq!([state.as_str(), headline.as_str()], ["unknown", "refused"]);
    let _again = Server::start(&directory, Some(port), None);
    until("orders", "ok", "3");
    until("fresh", "unknown", "old");
}

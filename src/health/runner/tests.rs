//! Tests of the runner.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::*;
use crate::health::testing::{Server, command_probe, http_probe};

const LONG: Duration = Duration::from_secs(20);

fn often(probe: Probe) -> Probe {
    Probe { interval: SignedDuration::from_millis(20), ..probe }
}

fn start(probes: &[Probe]) -> (Runner, mpsc::UnboundedReceiver<Observation>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let send = move |observation| drop(sender.send(observation));
    (Runner::start(&Handle::current(), probes, Path::new("/"), &Keyring::default(), send), receiver)
}

async fn next(receiver: &mut mpsc::UnboundedReceiver<Observation>) -> Observation {
    tokio::time::timeout(LONG, receiver.recv()).await.expect("no sample came").expect("the runner ended")
}

#[test]
fn ticks_never_move_and_missed_ones_are_skipped() {
    let first = Instant::now();
    let interval = Duration::from_secs(10);
    let after = |ms: u64| next_tick(first, interval, first + Duration::from_millis(ms)) - first;
    assert_eq!(after(0), Duration::from_secs(10));
    assert_eq!(after(9_999), Duration::from_secs(10));
    assert_eq!(after(10_001), Duration::from_secs(20));
    assert_eq!(after(47_300), Duration::from_secs(50));
    assert_eq!(next_tick(first + interval, interval, first), first + interval);
}

#[test]
fn probes_start_in_groups_and_all_within_one_interval() {
    let interval = Duration::from_secs(1);
    let phases: Vec<_> = (0..200).map(|index| phase(index, 200, interval)).collect();
    assert_eq!(phases[..=GROUP].iter().filter(|phase| phase.is_zero()).count(), GROUP);
    assert!(phases.iter().all(|phase| *phase < interval));
    assert!(phase(19, 20, Duration::from_secs(10)) <= 2 * STAGGER);
    assert_eq!(phase(0, 0, interval), Duration::ZERO);
}

#[tokio::test]
async fn every_probe_is_asked_again_and_again() {
    let server = Server::answering("200 OK", "ok").await;
    let probes = [often(http_probe(&server.url)), often(command_probe(&["sh", "-c", "exit 1"]))];
    let (runner, mut samples) = start(&probes);
    let mut seen = [0, 0];
    while seen.iter().any(|count| *count < 3) {
        let observation = next(&mut samples).await;
        seen[observation.probe] += 1;
        assert_eq!(observation.generation, runner.generation());
        let wanted = [("200", Verdict::Good), ("exit 1", Verdict::Bad)][observation.probe];
        assert_eq!((observation.sample.headline.as_str(), observation.sample.verdict), wanted);
    }
}

/// A server that answers so many questions over each connection; how often it was connected to is how many
/// requests it has written down.
async fn keeping(body: &'static str, most: usize) -> Server {
    Server::start(move |mut stream| async move {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        for _ in 0..most {
            let _ = stream.write_all(answer.as_bytes()).await;
            let mut asked = [0; 4096];
            if !matches!(stream.read(&mut asked).await, Ok(1..)) {
                return;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_probe_that_is_asked_often_keeps_its_connection_while_all_is_well() {
    let connections = async |body, most, wanted: usize| {
        let server = keeping(body, most).await;
        let (_runner, mut samples) = start(&[often(http_probe(&server.url))]);
        let mut kept = 0;
        for _ in 0..wanted {
            let sample = next(&mut samples).await.sample;
            assert_eq!((sample.verdict, sample.headline.as_str()), (Verdict::Good, "200"), "{}", sample.why);
            let phases = sample.phases.unwrap();
            assert!(!phases.kept || phases.connect.is_zero(), "{phases:?}");
            kept += usize::from(phases.kept);
        }
        let connections = server.requests.lock().unwrap().len();
        (kept, connections)
    };
    // The first is asked over a connection of its own, which nobody keeps; the next opens one that is kept.
    assert_eq!(connections("ok", 1000, 12).await, (10, 2));
    // One that the server has closed since is no trouble of the service.
    let (kept, made) = connections("ok", 3, 12).await;
    assert!(kept >= 4 && made < 12, "{kept} {made}");
    // Behind one address there may be several releases, and a connection reaches one of them.
    assert_eq!(connections(r#"{"status":"ok","version":"1.4.3"}"#, 1000, 6).await.0, 0);
}

#[test]
fn nobody_new_is_let_in_for_ten_seconds_at_most_before_that_is_seen() {
    let now = Instant::now() + LONG;
    assert!(!is_recent(None, now));
    assert!(is_recent(Some(now - Duration::from_secs(9)), now));
    assert!(!is_recent(Some(now - AT_LEAST_EVERY), now));
    assert!(AT_LEAST_EVERY <= Duration::from_secs(10));
    let bad = Sample { verdict: Verdict::Bad, ..Sample::default() };
    let good = Sample { verdict: Verdict::Good, ..Sample::default() };
    assert_eq!((will_do(&bad), will_do(&good)), (false, true));
}

#[tokio::test]
async fn a_rate_is_asked_for_twice_and_its_first_sample_is_no_news() {
    let dir = tempfile::tempdir().unwrap();
    let probe = Probe {
        value: Some("rate(body)".to_owned()),
        fail: Some("< 0".to_owned()),
        // Over a pause of more than five intervals there is no rate.
        interval: SignedDuration::from_secs(1),
        ..command_probe(&["sh", "-c", "printf x >> n; wc -c < n"])
    };
    let asked = once(std::slice::from_ref(&probe), dir.path(), &Keyring::default()).await;
    assert_eq!((asked[0].state, std::fs::read(dir.path().join("n")).unwrap().len()), (State::Ok, 2));
    let (sender, mut samples) = mpsc::unbounded_channel();
    let send = move |observation| drop(sender.send(observation));
    let _runner = Runner::start(&Handle::current(), &[probe], dir.path(), &Keyring::default(), send);
    let first = next(&mut samples).await;
    assert!(first.sample.value.is_some_and(|rate| rate > 0.0), "{}", first.sample.why);
}

#[tokio::test]
async fn asking_now_does_not_wait_for_the_schedule() {
    let server = Server::answering("200 OK", "ok").await;
    let probe = Probe { interval: SignedDuration::from_hours(1), ..http_probe(&server.url) };
    let (runner, mut samples) = start(&[probe]);
    next(&mut samples).await;
    runner.probe_now();
    next(&mut samples).await;
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_restart_asks_the_new_probes_only() {
    let (old, new) = (Server::answering("200 OK", "").await, Server::answering("503 Down", "").await);
    let (mut runner, mut samples) = start(&[often(http_probe(&old.url))]);
    assert_eq!(next(&mut samples).await.sample.headline, "200");
    runner.restart(&[often(http_probe(&new.url))], Path::new("/"), &Keyring::default());
    for _ in 0..20 {
        let observation = next(&mut samples).await;
        if observation.generation == runner.generation() {
            assert_eq!(observation.sample.headline, "503");
        }
    }
    runner.stop();
}

#[tokio::test]
async fn stopping_kills_a_command_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    let probe = Probe {
        timeout: SignedDuration::from_hours(1),
        ..command_probe(&["sh", "-c", "echo $$ > pid; exec sleep 1000"])
    };
    let mut runner = Runner::start(&Handle::current(), &[probe], dir.path(), &Keyring::default(), |_| {});
    let pid = tokio::time::timeout(LONG, async {
        loop {
            let written = std::fs::read_to_string(dir.path().join("pid")).unwrap_or_default();
            if let Some(pid) = written.trim().parse().ok().and_then(rustix::process::Pid::from_raw) {
                break pid;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the command never started");
    runner.stop();
    let gone = async {
        while rustix::process::test_kill_process(pid).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, gone).await.expect("the command outlived the runner");
}

/// What came of asking a server of `localhost` that shows this certificate, with such a `tls`.
async fn over_tls(certificate: &str, wants_client: bool, tls: &str) -> Sample {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
    let port = secure_server(kept, certificate, wants_client);
    let text = format!("name = \"api\"\nurl = \"https://localhost:{port}/\"\n{tls}");
    let probe: Probe = toml::from_str(&text).unwrap();
    once(&[probe], Path::new(kept), &Keyring::default()).await.remove(0).sample
}

#[tokio::test]
async fn a_probe_trusts_its_own_authority_and_shows_its_certificate() {
    let ca = "tls = { ca_file = \"ca.pem\" }";
    let both = "tls = { ca_file = \"ca.pem\", cert_file = \"client.pem\", key_file = \"client.key\" }";
    for (certificate, wants_client, tls, headline, why) in [
        ("server", false, ca, "200", ""),
        ("server", true, both, "200", ""),
        ("server", false, "", "tls", "no trusted connection to localhost"),
        ("other", false, ca, "tls", "for another name"),
        ("expired", false, ca, "tls", "expired"),
        ("server", true, ca, "", "localhost"),
        ("server", false, "tls = { ca_file = \"none.pem\" }", "no client", "none.pem cannot be read"),
        ("server", false, "tls = { ca_file = \"README.md\" }", "no client", "holds no certificate in PEM"),
        (
            "server",
            true,
            "tls = { ca_file = \"ca.pem\", cert_file = \"client.pem\", key_file = \"README.md\" }",
            "no client",
            "are no certificate and key",
        ),
    ] {
        let sample = over_tls(certificate, wants_client, tls).await;
        assert!(headline.is_empty() || sample.headline == headline, "{certificate} {tls}: {sample:?}");
        assert!(sample.why.contains(why), "{certificate} {tls}: {sample:?}");
        assert_eq!(sample.verdict == Verdict::Good, headline == "200", "{certificate} {tls}: {sample:?}");
    }
}

#[tokio::test]
async fn agreeing_on_encryption_is_told_from_connecting() {
    let ca = "tls = { ca_file = \"ca.pem\" }";
    let sample = over_tls("server", false, ca).await;
    let phases = sample.phases.unwrap();
    for (part, ms) in phases.each().into_iter().take(4) {
        assert!(ms > 0.0, "{part}: {phases:?}");
    }
    let sum: f64 = phases.each().iter().map(|(_, ms)| ms).sum();
    assert!(sum <= sample.latency_ms.unwrap(), "{phases:?} of {:?}", sample.latency_ms);

    // The system accepts the connection, and nobody goes on.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", mute.local_addr().unwrap());
    let text = format!("name = \"api\"\nurl = \"{url}\"\ntimeout = \"200ms\"\n{ca}");
    let kept = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls"));
    let asked = once(&[toml::from_str(&text).unwrap()], kept, &Keyring::default()).await;
    let why = &asked[0].sample.why;
    assert!(
        why.contains("it accepted the connection after") && why.ends_with("agreed on no encryption"),
        "{why}"
    );
}

/// A server over TLS that answers one request; its port.
fn secure_server(kept: &str, name: &str, wants_client: bool) -> u16 {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::{Read as _, Write as _};
    let key = if name == "expired" { "server" } else { name };
    let chain = vec![CertificateDer::from_pem_file(format!("{kept}/{name}.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(format!("{kept}/{key}.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if wants_client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(format!("{kept}/ca.pem")).unwrap()).unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with its one connection; one that is never made leaves it to the end of the tests.
    std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(config).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut tcp);
        let mut request = [0; 4096];
        if stream.read(&mut request).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            connection.send_close_notify();
            let _ = connection.complete_io(&mut tcp);
        }
    });
    port
}

#[tokio::test]
async fn what_a_source_knows_from_before_is_asked_for() {
    let server = Server::told(|request| {
        let line = request.lines().next().unwrap_or_default().to_owned();
        let body = if line.contains("query_range") {
            let start: i64 = line.split("start=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
            let (ahead, nan) = (start + 9_000_000, start + 300);
            format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[[{start},"205"],[{nan},"NaN"],[{ahead},"212"]]}}]}}}}"#
            )
        } else {
            "{}".to_owned()
        };
        crate::health::testing::response("200 OK", "", &body)
    })
    .await;
    let text = format!("name = \"p95\"\nprometheus = \"{}\"\nquery = \"p95\"\nfail = \"> 800\"", server.url);
    let probe: Probe = toml::from_str(&text).unwrap();
    // What is drawn of the others is not what the source remembers.
    let drawn =
        |value: &str| Probe { name: value.to_owned(), value: Some(value.to_owned()), ..probe.clone() };
    let probes = [http_probe(&server.url), drawn("rate(value)"), drawn("latency"), Probe { ..probe.clone() }];
    let (mut runner, _samples) = start(&[]);
    let (told, mut past) = mpsc::unbounded_channel();
    runner.fill(&probes, move |_, probe, numbers| drop(told.send((probe, numbers))));
    let (probe, numbers) = tokio::time::timeout(LONG, past.recv()).await.unwrap().unwrap();
    // Once of the day before, once of the last hour.
    let numbers: Vec<_> = numbers.iter().map(|(_, number)| *number).collect();
    assert_eq!(
        (probe.as_str(), numbers.as_slice()),
        ("p95", [205.0, 205.0].as_slice()),
        "and nothing from times to come"
    );
    let requests = server.requests.lock().unwrap().clone();
    assert!(
        requests.iter().all(|request| request.contains("/api/v1/query_range?query=p95&start=")),
        "{requests:?}"
    );
    assert!(requests[0].contains("&step=300&timeout="), "{requests:?}");
}

#[tokio::test]
async fn once_keeps_the_order_and_says_what_was_compared() {
    let server = Server::answering("200 OK", r#"{"status":"degraded","rate":null}"#).await;
    let expect = |text: &str| Probe { expect: vec![text.to_owned()], ..http_probe(&server.url) };
    let probes = [
        expect("body.status == \"ok\""),
        expect("body.rate < 5"),
        expect("statsu == 200"),
        command_probe(&["true"]),
        command_probe(&["no-such-program-anywhere"]),
    ];
    let asked = once(&probes, Path::new("/"), &Keyring::default()).await;
    let states: Vec<_> = asked.iter().map(|asked| asked.state.name()).collect();
    assert_eq!(states, ["failing", "unknown", "unknown", "ok", "unknown"]);
    assert_eq!(asked[0].compared[0].text, "body.status \"degraded\", expected \"ok\"");
    assert_eq!(asked[1].sample.why, "body.rate is null, expected body.rate < 5");
    assert!(asked[2].sample.why.contains("unknown name `statsu`"), "{}", asked[2].sample.why);
    assert_eq!(asked[3].sample.headline, "exit 0");
    assert_eq!(asked[4].sample.headline, "did not start");
}

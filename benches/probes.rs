//! What a thousand probes cost: processor time, how late they are, and whether those that do not answer delay the
//! others. The server is a process of its own, so that its work does not count.
//!
//! `cargo bench --bench probes`

#![expect(clippy::print_stdout, reason = "what it measured is what it is for")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use flightdeck::config::types::Probe;
use flightdeck::health::keyring::Keyring;
use flightdeck::health::runner::Runner;
use flightdeck::health::tracker::Tracker;
use rustix::time::{ClockId, clock_gettime};

/// How long is measured, after the first two seconds.
const LENGTH: Duration = Duration::from_secs(15);
const SERVE: &str = "--serve";

fn main() {
    if std::env::args().any(|arg| arg == SERVE) {
        return serve();
    }
    let program = std::env::current_exe().expect("this program has a path");
    let mut server = Command::new(program)
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(server.stdout.take().expect("it has an output")).lines();
    let mut port = || -> u16 { lines.next().expect("a line").expect("text").parse().expect("a port") };
    let (answers, silent) = (port(), port());
    println!("                          samples/s  of one core  late p50  late p99  missed");
    measure("1000 that answer", 1000, 0, answers, silent);
    measure("700 that answer, 300 dead", 700, 300, answers, silent);
    println!("peak memory: {} MiB", peak_memory());
    drop(server.stdin.take());
    server.wait().expect("the server ends");
}

/// Asks so many probes once a second, and says what that costs.
fn measure(what: &str, good: usize, dead: usize, answers: u16, silent: u16) {
    let probe = |index: usize| -> Probe {
        let port = if index < good { answers } else { silent };
        toml::from_str(&format!(
            "name = \"p{index}\"\nurl = \"http://127.0.0.1:{port}/health\"\ninterval = \"1s\"\ntimeout = \"900ms\"\nexpect = ['status == 200', 'body.status == \"ok\"']"
        ))
        .expect("a probe")
    };
    let probes: Vec<Probe> = (0..good + dead).map(probe).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (send, samples) = mpsc::channel();
    let mut runner = Runner::start(
        runtime.handle(),
        &probes,
        std::path::Path::new("/"),
        &Keyring::default(),
        move |seen| {
            let _ = send.send((Instant::now(), seen));
        },
    );
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _ = runtime.block_on(ended);
        runtime.shutdown_background();
    });
    let mut tracker = Tracker::new(&probes);
    let begin = Instant::now() + Duration::from_secs(2);
    let mut before = None;
    let mut taken: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    while begin.elapsed() < LENGTH {
        let Ok((at, seen)) = samples.recv_timeout(Duration::from_secs(2)) else { break };
        tracker.observe(seen.probe, seen.sample);
        if let Some(since) = at.checked_duration_since(begin) {
            before.get_or_insert_with(processor_time);
            taken.entry(seen.probe).or_default().push(since);
        }
    }
    let used = processor_time().saturating_sub(before.unwrap_or_default());
    runner.stop();
    let _ = end.send(());
    thread.join().expect("the probes' thread ends");
    let alive = taken.iter().filter(|(probe, _)| **probe < good);
    let (mut late, mut missed) = (Vec::new(), 0);
    for (_, times) in alive {
        // Each is due a whole number of seconds after its fastest.
        let phase = |at: &Duration| at.as_secs_f64().fract();
        let first = times.iter().map(phase).fold(f64::INFINITY, f64::min);
        late.extend(times.iter().map(|at| (phase(at) - first) * 1000.0));
        missed += (LENGTH.as_secs() as usize).saturating_sub(times.len() + 1);
    }
    late.sort_by(f64::total_cmp);
    let quantile = |share: f64| late.get((late.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    let count: usize = taken.values().map(Vec::len).sum();
    println!(
        "{what:<26}{:>8.0}  {:>10.1} %  {:>5.1} ms  {:>5.1} ms  {missed:>6}",
        count as f64 / LENGTH.as_secs_f64(),
        100.0 * used.as_secs_f64() / LENGTH.as_secs_f64(),
        quantile(0.5),
        quantile(0.99),
    );
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Answers on one port and says nothing on another, until its input ends.
fn serve() {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (answers, silent) = (bind(), bind());
    for listener in [&answers, &silent] {
        println!("{}", listener.local_addr().expect("an address").port());
    }
    std::io::stdout().flush().expect("somebody reads");
    for _ in 0..2 {
        let answers = answers.try_clone().expect("a second handle");
        std::thread::spawn(move || {
            let body = "{\"status\":\"ok\"}";
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            for mut stream in answers.incoming().flatten() {
                let answer = answer.clone();
                std::thread::spawn(move || {
                    let mut request = [0; 2048];
                    while matches!(stream.read(&mut request), Ok(1..)) {
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
    }
    std::thread::spawn(move || {
        let mut kept = std::collections::VecDeque::new();
        for stream in silent.incoming().flatten() {
            kept.push_back(stream);
            if kept.len() > 600 {
                kept.pop_front();
            }
        }
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

//! Asks every probe again and again, on a fixed schedule. Touches clock, network and
//! processes; imported by `runtime`, `conductor` and `cli`.
//!
//! - Each probe is a task that sleeps until its next tick and asks; so there is one request
//!   in flight a probe, and a timer wakes up only when something is due.
//! - Ticks lie at `start + phase + k × interval`. A slow answer skips ticks, it never moves
//!   them.
//! - Probes start in groups a moment apart: apart, so that hundreds do not start at once; in
//!   groups, so that a few dozen do not wake the machine more often than they have to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::answer::{Answer, Trouble, excerpt};
use super::change::{GAP, Memory, Moment};
use super::condition::Comparison;
use super::instant::Measured;
use super::prometheus::{self, Servers};
use super::rules::{Invalid, Rules};
use super::series::{Sample, State, Verdict};
use super::tracker::state_of;
use super::{command, http};
use crate::config::types::{Probe, Source};
use crate::exchange::Exchange;
use crate::failure::Fault;
use crate::text::mask::Masker;
use crate::text::visible;

/// Probes that start together.
const GROUP: usize = 16;
/// Most time between the starts of two groups.
const STAGGER: Duration = Duration::from_millis(250);
/// Shortest interval, whatever is configured.
const SHORTEST: Duration = Duration::from_millis(10);
/// Most probes [`once`] asks at the same time.
const AT_ONCE: usize = 32;

/// A sample that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which configuration the index is about: [`Runner::generation`] when it was taken. One
    /// of an older generation may still arrive after a restart and has to be dropped.
    pub generation: u64,
    /// Index of the probe in that configuration.
    pub probe: usize,
    /// What it saw.
    pub sample: Sample,
}

/// What asking a probe once brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What it saw.
    pub sample: Sample,
    /// The state this one sample amounts to.
    pub state: State,
    /// Every condition and limit as it was compared; empty where there was no answer.
    pub compared: Vec<Comparison>,
}

/// Asks probes on their schedules until stopped or dropped.
pub struct Runner {
    handle: Handle,
    asker: Arc<Asker>,
    send: Arc<dyn Fn(Observation) + Send + Sync>,
    generation: u64,
    tasks: Vec<Task>,
}

struct Task {
    handle: JoinHandle<()>,
    now: Arc<Notify>,
}

impl Runner {
    /// Starts asking. Commands run in `root`; `send` gets every sample, without secrets, from the
    /// runtime's threads, and must not block.
    pub fn start(
        handle: &Handle,
        probes: &[Probe],
        root: &Path,
        masker: &Masker,
        send: impl Fn(Observation) + Send + Sync + 'static,
    ) -> Self {
        let asker = Arc::new(Asker::new(root, masker));
        let mut runner =
            Self { handle: handle.clone(), asker, send: Arc::new(send), generation: 0, tasks: Vec::new() };
        runner.ask(probes);
        runner
    }

    /// Stops asking the old probes and starts with these, under a new generation.
    pub fn restart(&mut self, probes: &[Probe], root: &Path, masker: &Masker) {
        self.stop();
        self.asker = Arc::new(Asker::new(root, masker));
        self.ask(probes);
    }

    fn ask(&mut self, probes: &[Probe]) {
        self.generation += 1;
        let start = Instant::now();
        for (index, probe) in probes.iter().enumerate() {
            let target = Target::new(probe);
            let phase = phase(index, probes.len(), target.interval);
            let now = Arc::new(Notify::new());
            let task = Watch {
                asker: Arc::clone(&self.asker),
                send: Arc::clone(&self.send),
                generation: self.generation,
                index,
                target,
                first: start + phase,
                now: Arc::clone(&now),
            };
            self.tasks.push(Task { handle: self.handle.spawn(task.run()), now });
        }
    }

    /// The number of the configuration that runs now; grows with each restart.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Asks every probe now, besides its schedule. One that is being asked is asked again.
    pub fn probe_now(&self) {
        for task in &self.tasks {
            task.now.notify_one();
        }
    }

    /// Stops asking. Commands that run are killed.
    pub fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.handle.abort();
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Asks each of these probes once, in their order; one that compares two samples twice, a moment apart.
/// Commands run in `root`; what is told holds no secret that `masker` knows.
pub async fn once(probes: &[Probe], root: &Path, masker: &Masker) -> Vec<Asked> {
    let asker = Arc::new(Asker::new(root, masker));
    let questions = probes.iter().map(|probe| {
        let (asker, target) = (Arc::clone(&asker), Target::new(probe));
        async move {
            let mut memory = Memory::default();
            let first = asker.ask(&target, &mut memory).await;
            if !target.needs_two_samples() || memory.is_empty() {
                return first;
            }
            tokio::time::sleep(target.interval.min(GAP)).await;
            asker.ask(&target, &mut memory).await
        }
    });
    futures_util::stream::iter(questions).buffered(AT_ONCE).collect().await
}

/// How long after the start a probe is first asked.
fn phase(index: usize, count: usize, interval: Duration) -> Duration {
    let groups = count.div_ceil(GROUP).max(1) as u32;
    STAGGER.min(interval / groups) * (index / GROUP) as u32
}

/// The first tick of a schedule after `now`.
fn next_tick(first: Instant, interval: Duration, now: Instant) -> Instant {
    let Some(passed) = now.checked_duration_since(first) else { return first };
    let ticks = passed.as_nanos() / interval.as_nanos().max(1) + 1;
    let ahead = ticks.saturating_mul(interval.as_nanos());
    first + Duration::from_nanos(u64::try_from(ahead).unwrap_or(u64::MAX >> 4))
}

/// A probe being watched.
struct Watch {
    asker: Arc<Asker>,
    send: Arc<dyn Fn(Observation) + Send + Sync>,
    generation: u64,
    index: usize,
    target: Target,
    first: Instant,
    now: Arc<Notify>,
}

impl Watch {
    async fn run(self) {
        let mut due = self.first;
        let mut memory = Memory::default();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = self.now.notified() => {}
            }
            // What only lacks a sample to be compared with is no news: the next one has it.
            let is_first = self.target.needs_two_samples() && memory.is_empty();
            let asked = self.asker.ask(&self.target, &mut memory).await;
            due = next_tick(self.first, self.target.interval, Instant::now());
            if is_first && !memory.is_empty() && asked.sample.verdict == Verdict::NoData {
                continue;
            }
            let (generation, probe) = (self.generation, self.index);
            (self.send)(Observation { generation, probe, sample: asked.sample });
        }
    }
}

/// A probe ready to be asked.
struct Target {
    probe: Probe,
    rules: Result<Rules, Invalid>,
    interval: Duration,
    timeout: Duration,
}

impl Target {
    fn new(probe: &Probe) -> Self {
        Self {
            rules: Rules::of(probe),
            interval: positive(probe.interval).max(SHORTEST),
            timeout: positive(probe.timeout),
            probe: probe.clone(),
        }
    }

    fn needs_two_samples(&self) -> bool {
        self.rules.as_ref().is_ok_and(Rules::needs_two_samples)
    }
}

/// What asks: clients, the directory of commands, and what takes secrets out of all that is told.
struct Asker {
    exchange: Exchange,
    servers: Servers,
    root: PathBuf,
    masker: Masker,
    /// From when on the time between two samples is measured.
    began: std::time::Instant,
}

impl Asker {
    fn new(root: &Path, masker: &Masker) -> Self {
        Self {
            exchange: Exchange::default(),
            servers: Servers::default(),
            root: root.to_owned(),
            masker: masker.clone(),
            began: std::time::Instant::now(),
        }
    }

    async fn ask(&self, target: &Target, memory: &mut Memory) -> Asked {
        let rules = match &target.rules {
            Ok(rules) => rules,
            Err(invalid) => {
                return without_answer(&Trouble::new(Fault::Config, invalid.to_string()), &self.masker);
            }
        };
        let timeout = target.timeout;
        let answer = match &target.probe.source {
            Source::Http { url, headers } => http::ask(&self.exchange, url, headers, timeout).await,
            Source::Command { argv, env } => command::ask(argv, env, &self.root, timeout, &self.masker).await,
            Source::Prometheus { query, headers } => {
                let (exchange, servers) = (&self.exchange, &self.servers);
                prometheus::ask(exchange, servers, query, headers, timeout, &self.masker).await
            }
        };
        match answer {
            Ok(answer) => {
                let now = Moment { at: Timestamp::now(), steady: self.began.elapsed() };
                with_answer(rules, &answer, &self.masker, now, memory)
            }
            Err(trouble) => without_answer(&trouble, &self.masker),
        }
    }
}

fn with_answer(rules: &Rules, answer: &Answer, masker: &Masker, now: Moment, memory: &mut Memory) -> Asked {
    let judged = rules.judge(answer, masker, now.before(answer.latency), memory);
    let headline = match (&answer.measured, answer.status, answer.exit) {
        (Some(Measured::Number(_, written)), ..) => excerpt(written, masker),
        (Some(Measured::Nothing { headline, .. }), ..) => headline.clone(),
        (None, Some(status), _) => status.to_string(),
        (None, None, Some(code)) => format!("exit {code}"),
        (None, None, None) => "too long".to_owned(),
    };
    let sample = Sample {
        at: now.at,
        verdict: judged.verdict,
        value: judged.value,
        headline,
        latency_ms: Some(answer.latency.as_secs_f64() * 1000.0),
        why: visible(&judged.why).into_owned(),
        unrecovered: judged.unrecovered,
    };
    Asked { state: state_of(judged.verdict), sample, compared: judged.compared }
}

fn without_answer(trouble: &Trouble, masker: &Masker) -> Asked {
    let Trouble { verdict, fault, .. } = *trouble;
    let (headline, why) = (fault.headline().into_owned(), masker.mask(&trouble.why).into_owned());
    debug_assert!(matches!(verdict, Verdict::NoAnswer | Verdict::NoData), "an answer was judged instead");
    let at = Timestamp::now();
    let sample = Sample { at, verdict, value: None, headline, latency_ms: None, why, unrecovered: None };
    Asked { state: state_of(verdict), sample, compared: Vec::new() }
}

/// A configured length of time as the timers want it; nothing below a millisecond.
fn positive(length: SignedDuration) -> Duration {
    Duration::try_from(length).unwrap_or_default().max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::super::testing::{Server, command_probe, http_probe};
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn often(probe: Probe) -> Probe {
        Probe { interval: SignedDuration::from_millis(20), ..probe }
    }

    fn start(probes: &[Probe]) -> (Runner, mpsc::UnboundedReceiver<Observation>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let send = move |observation| drop(sender.send(observation));
        (Runner::start(&Handle::current(), probes, Path::new("/"), &Masker::default(), send), receiver)
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

    #[tokio::test]
    async fn a_rate_is_asked_for_twice_and_its_first_sample_is_no_news() {
        let dir = tempfile::tempdir().unwrap();
        let probe = Probe {
            value: Some("rate(body)".to_owned()),
            fail: Some("< 0".to_owned()),
            ..often(command_probe(&["sh", "-c", "printf x >> n; wc -c < n"]))
        };
        let asked = once(std::slice::from_ref(&probe), dir.path(), &Masker::default()).await;
        assert_eq!((asked[0].state, std::fs::read(dir.path().join("n")).unwrap().len()), (State::Ok, 2));
        let (sender, mut samples) = mpsc::unbounded_channel();
        let send = move |observation| drop(sender.send(observation));
        let _runner = Runner::start(&Handle::current(), &[probe], dir.path(), &Masker::default(), send);
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
        runner.restart(&[often(http_probe(&new.url))], Path::new("/"), &Masker::default());
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
        let mut runner = Runner::start(&Handle::current(), &[probe], dir.path(), &Masker::default(), |_| {});
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
        let asked = once(&probes, Path::new("/"), &Masker::default()).await;
        let states: Vec<_> = asked.iter().map(|asked| asked.state.name()).collect();
        assert_eq!(states, ["failing", "unknown", "unknown", "ok", "error"]);
        assert_eq!(asked[0].compared[0].text, "body.status \"degraded\", expected \"ok\"");
        assert_eq!(asked[1].sample.why, "body.rate is null, expected body.rate < 5");
        assert!(asked[2].sample.why.contains("unknown name `statsu`"), "{}", asked[2].sample.why);
        assert_eq!(asked[3].sample.headline, "exit 0");
        assert_eq!(asked[4].sample.headline, "did not start");
    }
}

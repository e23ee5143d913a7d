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

use super::answer::{Answer, Trouble};
use super::condition::Comparison;
use super::http::Http;
use super::rules::{Invalid, Rules};
use super::series::{Sample, State, Verdict};
use super::tracker::state_of;
use super::{command, parse::Source};
use crate::config::types::Probe;
use crate::text::visible;

/// Probes that start together.
const GROUP: usize = 8;
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
    /// Starts asking. Commands run in `root`; `send` gets every sample, from the runtime's
    /// threads, and must not block.
    pub fn start(
        handle: &Handle,
        probes: &[Probe],
        root: &Path,
        send: impl Fn(Observation) + Send + Sync + 'static,
    ) -> Self {
        let asker = Arc::new(Asker::new(root));
        let mut runner =
            Self { handle: handle.clone(), asker, send: Arc::new(send), generation: 0, tasks: Vec::new() };
        runner.restart(probes);
        runner
    }

    /// Stops asking the old probes and starts with these, under a new generation.
    pub fn restart(&mut self, probes: &[Probe]) {
        self.stop();
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

/// Asks each of these probes once, in their order. Commands run in `root`.
pub async fn once(probes: &[Probe], root: &Path) -> Vec<Asked> {
    let asker = Arc::new(Asker::new(root));
    let asked = probes.iter().map(|probe| {
        let (asker, target) = (Arc::clone(&asker), Target::new(probe));
        async move { asker.ask(&target).await }
    });
    futures_util::stream::iter(asked).buffered(AT_ONCE).collect().await
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
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = self.now.notified() => {}
            }
            let asked = self.asker.ask(&self.target).await;
            let (generation, probe) = (self.generation, self.index);
            (self.send)(Observation { generation, probe, sample: asked.sample });
            due = next_tick(self.first, self.target.interval, Instant::now());
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
}

/// What asks: clients and the directory of commands.
struct Asker {
    http: Http,
    root: PathBuf,
}

impl Asker {
    fn new(root: &Path) -> Self {
        Self { http: Http::default(), root: root.to_owned() }
    }

    async fn ask(&self, target: &Target) -> Asked {
        let rules = match &target.rules {
            Ok(rules) => rules,
            Err(invalid) => return without_answer(Trouble::not_asked("config", invalid.to_string())),
        };
        let (probe, timeout) = (&target.probe, target.timeout);
        let answer = match rules.source() {
            Source::Http => self.http.ask(probe, probe.url.as_deref().unwrap_or_default(), timeout).await,
            Source::Command => {
                let argv = probe.command.as_deref().unwrap_or_default();
                command::ask(argv, &probe.env, &self.root, timeout).await
            }
        };
        match answer {
            Ok(answer) => with_answer(rules, &answer),
            Err(trouble) => without_answer(trouble),
        }
    }
}

fn with_answer(rules: &Rules, answer: &Answer) -> Asked {
    let judged = rules.judge(answer);
    let headline = match (answer.status, answer.exit) {
        (Some(status), _) => status.to_string(),
        (None, Some(code)) => format!("exit {code}"),
        (None, None) => "too long".to_owned(),
    };
    let sample = Sample {
        at: Timestamp::now(),
        verdict: judged.verdict,
        value: judged.value,
        headline,
        latency_ms: Some(answer.latency.as_secs_f64() * 1000.0),
        why: visible(&judged.why).into_owned(),
    };
    Asked { state: state_of(judged.verdict), sample, compared: judged.compared }
}

fn without_answer(trouble: Trouble) -> Asked {
    let Trouble { verdict, headline, why } = trouble;
    debug_assert!(matches!(verdict, Verdict::NoAnswer | Verdict::NoData), "an answer was judged instead");
    let sample = Sample { at: Timestamp::now(), verdict, value: None, headline, latency_ms: None, why };
    Asked { state: state_of(verdict), sample, compared: Vec::new() }
}

/// A configured length of time as the timers want it; nothing below a millisecond.
fn positive(length: SignedDuration) -> Duration {
    Duration::try_from(length).unwrap_or_default().max(Duration::from_millis(1))
}

//! Asks every probe again and again, on a fixed schedule. Touches clock, network and
//! processes; imported by `runtime`, `conductor` and `cli`.
//!
//! - Each probe is a task that sleeps until its next tick and asks; so there is one request
//!   in flight a probe, and a timer wakes up only when something is due.
//! - Ticks lie at `start + phase + k × interval`. A slow answer skips ticks, it never moves
//!   them.
//! - Probes start in groups a moment apart: apart, so that hundreds do not start at once; in
//!   groups, so that a few dozen do not wake the machine more often than they have to.

use std::collections::HashSet;
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
use super::api::Servers;
use super::change::{GAP, Memory, Moment};
use super::condition::Comparison;
use super::instant::Measured;
use super::keyring::{Given, Keyring};
use super::past::{self, Numbers};
#[cfg(feature = "postgres")]
use super::postgres;
use super::promql;
use super::reported;
use super::rules::{Invalid, Rules};
use super::series::{Sample, State, Verdict};
use super::tracker::state_of;
use super::{alertmanager, command, datadog, http, machine, prometheus};
#[cfg(feature = "postgres")]
use crate::config::types::Sql;
use crate::config::types::{Datadog, Probe, Source, Tls};
use crate::exchange::{Exchange, Identification};
use crate::failure::Fault;
use crate::text::mask::Masker;
use crate::text::visible;

/// Probes that start together.
const GROUP: usize = 16;
/// Most time between the starts of two groups.
const STAGGER: Duration = Duration::from_millis(250);
/// Shortest interval, whatever is configured.
const SHORTEST: Duration = Duration::from_millis(10);
/// How long after the probes the time before is asked for.
const AFTER: Duration = Duration::from_secs(2);
/// Most time that a question about the time before may take: others wait for it.
const LONG_AGO: Duration = Duration::from_secs(3);
/// A probe that is asked at least this often may be asked over a connection that is open from before,
const OFTEN: Duration = Duration::from_secs(5);
/// and over one of its own at least this often: a new user would have to be let in.
const AT_LEAST_EVERY: Duration = Duration::from_secs(10);
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
    /// Sources that were asked for the time before.
    filled: HashSet<String>,
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
        keyring: &Keyring,
        send: impl Fn(Observation) + Send + Sync + 'static,
    ) -> Self {
        let asker = Arc::new(Asker::new(root, keyring));
        let mut runner = Self {
            handle: handle.clone(),
            asker,
            send: Arc::new(send),
            generation: 0,
            tasks: Vec::new(),
            filled: HashSet::new(),
        };
        runner.ask(probes);
        runner
    }

    /// Stops asking the old probes and starts with these, under a new generation.
    pub fn restart(&mut self, probes: &[Probe], root: &Path, keyring: &Keyring) {
        self.stop();
        self.asker = Arc::new(Asker::new(root, keyring));
        self.ask(probes);
    }

    fn ask(&mut self, probes: &[Probe]) {
        self.generation += 1;
        let start = Instant::now();
        for (index, probe) in probes.iter().enumerate() {
            let target = Target::new(probe, &self.asker.keyring, &self.asker.root);
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

    /// Asks the sources that can say it for the time before, one after the other; `send` gets the generation and
    /// the numbers of each probe that has some. A source that does not answer is not asked any further.
    pub fn fill(&mut self, probes: &[Probe], send: impl Fn(u64, String, Numbers) + Send + 'static) {
        let asker = Arc::clone(&self.asker);
        let remembers =
            |probe: &&Probe| matches!(probe.source, Source::Prometheus { .. } | Source::Datadog { .. });
        let targets = probes.iter().filter(remembers);
        let targets = targets.map(|probe| Target::new(probe, &self.asker.keyring, &self.asker.root));
        // A rate of the number, or how long the answer took, is not what the source remembers.
        let targets: Vec<_> =
            targets.filter(|target| target.rules.as_ref().is_ok_and(Rules::draws_number)).collect();
        // What is costly once is not asked for hundreds of moments, and nothing twice because a file was edited.
        let is_new = |target: &Target| {
            let source = &target.probe.source;
            source.query().is_some_and(promql::is_light) && self.filled.insert(source.to_string())
        };
        let targets: Vec<_> = targets.into_iter().filter(is_new).collect();
        if targets.is_empty() {
            return;
        }
        let generation = self.generation;
        let filling = async move {
            // What is now comes first.
            tokio::time::sleep(AFTER).await;
            let mut silent: Vec<String> = Vec::new();
            for target in targets {
                let url = target.probe.source.url().unwrap_or_default().to_owned();
                if silent.contains(&url) {
                    continue;
                }
                match asker.past(&target).await {
                    Some(numbers) if numbers.is_empty() => {}
                    Some(numbers) => send(generation, target.probe.name.clone(), numbers),
                    None => silent.push(url),
                }
            }
        };
        self.tasks.push(Task { handle: self.handle.spawn(filling), now: Arc::default() });
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

    /// Asks the probe with this index now, besides its schedule.
    pub fn ask_now(&self, probe: usize) {
        if let Some(task) = self.tasks.get(probe) {
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
/// Commands run in `root`; what is told holds no secret that `keyring` knows.
pub async fn once(probes: &[Probe], root: &Path, keyring: &Keyring) -> Vec<Asked> {
    let asker = Arc::new(Asker::new(root, keyring));
    let questions = probes.iter().map(|probe| {
        let (asker, target) = (Arc::clone(&asker), Target::new(probe, keyring, root));
        async move {
            let mut memory = Memory::default();
            let first = asker.ask(&target, &mut memory, false).await;
            if !target.needs_two_samples() || memory.is_empty() {
                return first;
            }
            tokio::time::sleep(target.interval.min(GAP)).await;
            asker.ask(&target, &mut memory, false).await
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
        // When it was last asked over a connection of its own, and answered.
        let mut fresh: Option<Instant> = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = self.now.notified() => {}
            }
            // What only lacks a sample to be compared with is no news: the next one has it.
            let is_first = self.target.needs_two_samples() && memory.is_empty();
            let now = Instant::now();
            let kept = self.target.may_be_kept() && is_recent(fresh, now);
            let asked = self.asker.ask(&self.target, &mut memory, kept).await;
            fresh = if kept { fresh } else { Some(now) }.filter(|_| will_do(&asked.sample));
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
    /// The secrets it needs.
    needed: Vec<String>,
    /// Certificates of its own.
    tls: Option<Identification>,
}

impl Target {
    fn new(probe: &Probe, keyring: &Keyring, root: &Path) -> Self {
        Self {
            needed: keyring.needed(&probe.source),
            tls: probe.tls.as_ref().map(|tls| identification(tls, root)),
            rules: Rules::of(probe),
            interval: positive(probe.interval).max(SHORTEST),
            timeout: positive(probe.timeout),
            probe: probe.clone(),
        }
    }

    /// What asks with its own certificates. They are read each time: they may be renewed.
    fn exchange(&self) -> Option<Exchange> {
        self.tls.clone().map(Exchange::identified)
    }

    /// Whether it is asked so often that much of what it costs would be connecting. One with certificates of its own
    /// reads them each time.
    fn may_be_kept(&self) -> bool {
        self.interval <= OFTEN && self.tls.is_none() && matches!(self.probe.source, Source::Http { .. })
    }

    fn needs_two_samples(&self) -> bool {
        self.rules.as_ref().is_ok_and(Rules::needs_two_samples)
    }
}

/// Whether it was asked over a connection of its own lately.
fn is_recent(fresh: Option<Instant>, now: Instant) -> bool {
    fresh.is_some_and(|at| now.saturating_duration_since(at) < AT_LEAST_EVERY)
}

/// Whether the connection that an answer came over may be asked again. Whoever is not well is asked as a new user would
/// ask, and of several releases behind one address a connection reaches only one.
fn will_do(seen: &Sample) -> bool {
    seen.verdict == Verdict::Good && seen.versions.is_empty()
}

/// The certificates of a probe, with paths as they are meant.
fn identification(tls: &Tls, root: &Path) -> Identification {
    let path = |text: &String| match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => root.join(text),
    };
    let Tls { ca_file, cert_file, key_file } = tls;
    let own = cert_file.as_ref().zip(key_file.as_ref());
    Identification {
        authorities: ca_file.as_ref().map(path),
        own: own.map(|(certificate, key)| (path(certificate), path(key))),
    }
}

/// What asks: clients, the directory of commands, and the secrets that probes need.
struct Asker {
    exchange: Exchange,
    servers: Servers,
    root: PathBuf,
    keyring: Keyring,
    /// From when on the time between two samples is measured.
    began: std::time::Instant,
}

impl Asker {
    fn new(root: &Path, keyring: &Keyring) -> Self {
        Self {
            exchange: Exchange::default(),
            servers: Servers::default(),
            root: root.to_owned(),
            keyring: keyring.clone(),
            began: std::time::Instant::now(),
        }
    }

    /// Asks a probe; over a connection that was kept, where that will do.
    async fn ask(&self, target: &Target, memory: &mut Memory, kept: bool) -> Asked {
        let rules = match &target.rules {
            Ok(rules) => rules,
            Err(invalid) => {
                let trouble = Trouble::new(Fault::Config, invalid.to_string());
                return without_answer(&trouble, &self.keyring.masker());
            }
        };
        let asked_at = std::time::Instant::now();
        let mut answer = self.try_once(target, kept).await;
        // Its secret may have been changed since it was fetched.
        if answer.as_ref().is_ok_and(is_refused) && self.keyring.forget(&target.needed, asked_at).await {
            answer = self.try_once(target, kept).await;
        }
        let masker = self.keyring.masker();
        match answer {
            Ok(answer) => {
                let now = Moment { at: Timestamp::now(), steady: self.began.elapsed() };
                with_answer(rules, &answer, &masker, now, memory)
            }
            Err(trouble) => without_answer(&trouble, &masker),
        }
    }

    /// What a source says of the time before, oldest first; `None`: it does not answer.
    async fn past(&self, target: &Target) -> Option<Numbers> {
        let source = &target.probe.source;
        let (servers, timeout) = (&self.servers, target.timeout.min(LONG_AGO));
        let Given { headers, .. } = self.keyring.give(source, &target.needed, timeout).await.ok()?;
        let own = target.exchange();
        let exchange = own.as_ref().unwrap_or(&self.exchange);
        let mut numbers = Numbers::new();
        for span in past::spans(Timestamp::now(), target.interval) {
            let found = match source {
                Source::Prometheus { query, .. } => {
                    prometheus::past(exchange, servers, query, &headers, span, timeout).await?
                }
                Source::Datadog { asked: Datadog::Query(query), .. } => {
                    datadog::past(exchange, servers, query, &headers, span, timeout).await?
                }
                _ => Numbers::new(),
            };
            // Nothing but what was asked for: what is still to come would look measured one day.
            numbers.extend(found.into_iter().filter(|(at, _)| span.from <= *at && *at <= span.to));
        }
        Some(numbers)
    }

    async fn try_once(&self, target: &Target, kept: bool) -> Result<Answer, Trouble> {
        let source = &target.probe.source;
        let given = self.keyring.give(source, &target.needed, target.timeout).await;
        let Given { url, headers, variables } = given.map_err(|why| Trouble::new(Fault::NoSecret, why))?;
        let (servers, timeout) = (&self.servers, target.timeout);
        let own = target.exchange();
        let exchange = own.as_ref().unwrap_or(&self.exchange);
        let masker = self.keyring.masker();
        match source {
            Source::Http { url, .. } => http::ask(exchange, url, &headers, timeout, kept).await,
            Source::Command { argv, env } => {
                command::ask(argv, env, &variables, &self.root, timeout, &masker).await
            }
            Source::Prometheus { query, .. } => {
                prometheus::ask(exchange, servers, query, &headers, timeout, &masker).await
            }
            Source::Alertmanager { alerts, .. } => {
                alertmanager::ask(exchange, servers, alerts, &headers, timeout, &masker).await
            }
            Source::Datadog { asked, .. } => {
                datadog::ask(exchange, servers, asked, &headers, timeout, &masker).await
            }
            #[cfg(feature = "postgres")]
            Source::Postgres(asked) => {
                let asked = Sql { url, query: asked.query.clone() };
                postgres::ask(servers, &asked, timeout, &masker).await
            }
            #[cfg(not(feature = "postgres"))]
            Source::Postgres(_) => {
                drop(url);
                let why = "this flightdeck was built without the feature `postgres`";
                Err(Trouble::new(Fault::Config, why))
            }
            Source::Machine { gauge, path } => {
                machine::ask(*gauge, self.root.join(path.as_deref().unwrap_or_default()), timeout).await
            }
        }
    }
}

/// Whether a server wants other credentials.
fn is_refused(answer: &Answer) -> bool {
    match &answer.measured {
        Some(Measured::Nothing { headline, .. }) => matches!(headline.as_str(), "401" | "403" | "password"),
        Some(Measured::Number(..)) => false,
        None => matches!(answer.status, Some(401 | 403)),
    }
}

fn with_answer(rules: &Rules, answer: &Answer, masker: &Masker, now: Moment, memory: &mut Memory) -> Asked {
    let judged = rules.judge(answer, masker, now.before(answer.latency), memory);
    let headline = match (&answer.measured, answer.status, answer.exit) {
        (Some(Measured::Number(_, written)), ..) => excerpt(written, masker),
        (Some(Measured::Nothing { headline, .. }), ..) => excerpt(headline, masker),
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
        phases: answer.phases,
        versions: reported::versions(&answer.body).iter().map(|version| excerpt(version, masker)).collect(),
        rows: answer.rows.clone(),
    };
    Asked { state: state_of(judged.verdict), sample, compared: judged.compared }
}

fn without_answer(trouble: &Trouble, masker: &Masker) -> Asked {
    let Trouble { verdict, fault, .. } = *trouble;
    let (headline, why) = (fault.headline().into_owned(), masker.mask(&trouble.why).into_owned());
    debug_assert!(matches!(verdict, Verdict::NoAnswer | Verdict::NoData), "an answer was judged instead");
    let at = Timestamp::now();
    let sample = Sample { at, verdict, headline, why, ..Sample::default() };
    Asked { state: state_of(verdict), sample, compared: Vec::new() }
}

/// A configured length of time as the timers want it; nothing below a millisecond.
fn positive(length: SignedDuration) -> Duration {
    Duration::try_from(length).unwrap_or_default().max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests;

//! What takes time or a person: gates, holds, watches, and questions. None of it changes
//! anything: broken off, it can be begun again.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::log::{Cap, LogWriter};
use super::super::recorder::Decided;
use super::super::run::Finished;
use super::super::stop::{Why, Wish};
use super::super::watch::{Look, Watching};
use super::{Conductor, Turn};
use crate::health::vigil::{Named, Past, past_windows};
use crate::hotfix::git::Reader;
use crate::incident::{
    BESIDE, Decision, Outcome, PlanEnd, Policy, Release, StepState, StepWaiting, duration, finding,
};
use crate::journal::Journal;
use crate::plan::progress::{Offered, offered, offered_to_others};
use crate::plan::{Watch, gates};

/// How often it is looked whether anything is new.
const GLANCE: Duration = Duration::from_millis(250);
/// How often gates are looked at though nothing was written: time alone can meet them.
const GATES: Duration = Duration::from_secs(1);

/// What is on record of what went on when the conductor was told to end.
pub(in super::super) const TOLD_TO_END: &str = "the conductor was told to end";

/// Whether a tag is of one version, and not one that moves along, like `v2`.
fn is_version(tag: &str) -> bool {
    tag.matches('.').count() >= 2
}

/// What was heard while waiting.
pub(super) enum Heard {
    Nothing,
    /// The plan is to go no further.
    Stop(Why),
    /// A person decided.
    Decided(Decided),
}

impl Conductor {
    /// Tells whether somebody wants the plan to go no further; remembers who.
    pub(super) fn is_stopping(&mut self) -> bool {
        self.signals.drain();
        if let Some(wish) = self.recorder.tick() {
            self.stopping = Some(wish.after(self.stopping.as_ref()));
        }
        if self.signals.asked_to_end() && self.stopping.is_none() {
            self.stopping = Some(Wish { why: Why::Ending, kill: false });
        }
        self.stopping.is_some()
    }

    /// Waits a moment for something to happen.
    pub(super) fn listen(&mut self) -> Heard {
        self.listen_for(GLANCE)
    }

    /// Waits for so long, unless something happens to this process.
    pub(super) fn listen_for(&mut self, glance: Duration) -> Heard {
        let glance = Timespec::try_from(glance).ok();
        // Interrupted or not: whoever comes back looks at everything.
        let _ = poll(&mut [PollFd::new(&self.signals, PollFlags::IN)], glance.as_ref());
        if self.is_stopping()
            && let Some(wish) = self.stopping.take()
        {
            return Heard::Stop(wish.why);
        }
        self.next_decision().map_or(Heard::Nothing, Heard::Decided)
    }

    /// The next decision that can be acted upon as the plan stands now. Others are not.
    pub(super) fn next_decision(&mut self) -> Option<Decided> {
        while let Some(decided) = self.recorder.next_decision() {
            let Some(run) = self.recorder.plan() else { continue };
            let Decided { step, run: last, decision, is_from_afar, .. } = &decided;
            let offered = if *is_from_afar { offered_to_others } else { offered };
            if offered(&self.plan, run, *step, last.as_deref(), decision) == Offered::Yes {
                return Some(decided);
            }
        }
        None
    }

    /// Says what a step waits for; empty: it waits no longer.
    pub(super) fn says_waiting(&mut self, index: usize, why: &str) {
        let (plan, why) = (self.plan.id.clone(), why.to_owned());
        self.recorder.record(StepWaiting { plan, step: index, why });
    }

    /// Waits until a person decides about a step, however long that takes.
    pub(super) fn wait(&mut self, index: usize, question: &str) -> Turn {
        self.says_waiting(index, question);
        loop {
            match self.listen() {
                Heard::Nothing if self.recorder.is_lost() => {
                    return Turn::End(PlanEnd::Unknown, "somebody took the target over".to_owned());
                }
                Heard::Nothing => {}
                Heard::Decided(decided) => {
                    self.says_waiting(index, "");
                    return Turn::Heed(Box::new(decided));
                }
                Heard::Stop(why) => {
                    let end = match self.fate(index) {
                        StepState::Unknown => PlanEnd::Unknown,
                        _ => PlanEnd::Cancelled,
                    };
                    return Turn::End(end, format!("{}; {question}", who(&why)));
                }
            }
        }
    }

    /// Waits for a time, or until a person lets the plan go on.
    pub(super) fn hold(&mut self, index: usize, time: Option<SignedDuration>, timeout: Duration) -> Finished {
        let began = Instant::now();
        let over = time.map(|time| Duration::try_from(time).unwrap_or_default());
        if over.is_none() {
            self.says_waiting(index, "until somebody releases it");
        }
        loop {
            match self.listen() {
                Heard::Stop(why) => return stopped(why),
                Heard::Decided(Decided { by, decision: Decision::Resume, .. }) => {
                    return met(format!("{by} let it go on"));
                }
                Heard::Decided(decided) => return self.leave(decided),
                Heard::Nothing => {}
            }
            if over.is_some_and(|over| began.elapsed() >= over) {
                return met(String::new());
            }
            if began.elapsed() >= timeout {
                // Time alone never lets a plan go on that waits for a person.
                let bound = SignedDuration::try_from(timeout).unwrap_or_default();
                let mut finished = interrupted(format!("nobody released it within {}", duration(bound)));
                finished.stopped = Some(Why::Timeout);
                return finished;
            }
        }
    }

    /// Waits until gates are met, or passed over.
    pub(super) fn gate(&mut self, index: usize, gates: &[gates::Gate], timeout: Duration) -> Finished {
        let began = Instant::now();
        let hash = self.recorder.plan().map(|run| run.hash.clone()).unwrap_or_default();
        let policy = Policy::built_in();
        let by = self.recorder.plan().map(|run| run.by.clone()).unwrap_or_default();
        let mut missing = String::new();
        let mut look_at = Instant::now();
        loop {
            if Instant::now() >= look_at {
                look_at = Instant::now() + GATES;
                let standings =
                    gates::of(gates, hash.as_str(), self.recorder.state(), &policy, &by, Timestamp::now());
                let says = |standing: &gates::Standing| format!("{}: {}", standing.title, standing.why);
                let now: Vec<_> = standings.iter().filter(|standing| standing.blocks()).map(says).collect();
                if now.is_empty() {
                    let met_by: Vec<_> = standings.iter().map(says).collect();
                    return met(met_by.join("; "));
                }
                let now = now.join("; ");
                if now != missing {
                    self.says_waiting(index, &now);
                    missing = now;
                }
            }
            match self.listen() {
                Heard::Stop(why) => return stopped(why),
                Heard::Decided(Decided { decision: Decision::Resume, .. }) => look_at = Instant::now(),
                Heard::Decided(decided) => return self.leave(decided),
                Heard::Nothing => {}
            }
            if began.elapsed() >= timeout {
                let bound = SignedDuration::try_from(timeout).unwrap_or_default();
                return not_met(format!("after {}: {missing}", duration(bound)));
            }
        }
    }

    /// Watches health conditions. What has no data waits for a person: it never passes by
    /// itself.
    pub(super) fn watch(
        &mut self,
        index: usize,
        watch: &Watch,
        timeout: Duration,
        log: &mut LogWriter,
    ) -> Finished {
        loop {
            let asks = match self.watch_once(watch, timeout, log) {
                Ok(finished) => return finished,
                Err(why) => self.vault.mask(&why),
            };
            say(log, &format!("waits for a person: {asks}"));
            self.says_waiting(index, &asks);
            loop {
                match self.listen() {
                    Heard::Nothing => {}
                    Heard::Stop(why) => return stopped(why),
                    Heard::Decided(Decided { by, decision: Decision::Resume, .. }) => {
                        say(log, &format!("{by} starts it again"));
                        self.says_waiting(index, "");
                        break;
                    }
                    Heard::Decided(decided) => return self.leave(decided),
                }
            }
        }
    }

    /// Watches until it is over; an error asks a person.
    fn watch_once(
        &mut self,
        watch: &Watch,
        timeout: Duration,
        log: &mut LogWriter,
    ) -> Result<Finished, String> {
        let began = Instant::now();
        let mut watching = Watching::begin(watch, &self.vault.keyring())?;
        let now = Timestamp::now();
        watching.compare_with(self.past(watch, now), past_windows(self.recorder.state().started_at, now));
        if let Some((deployed, before)) = self.releases(watch) {
            watching.expect(deployed, before);
        }
        let mut last = String::new();
        loop {
            match watching.look() {
                Look::Passed(what) => {
                    say_seen(log, &self.vault.mask(&what));
                    return Ok(met(what));
                }
                Look::Failed(why) => {
                    say_seen(log, &self.vault.mask(&why));
                    return Ok(worse(&why));
                }
                Look::NoData(why) => return Err(why),
                Look::Going(how) => {
                    // How long it has been is no news.
                    let news: String = how.chars().filter(|c| !c.is_ascii_digit()).collect();
                    if news != last {
                        say(log, &self.vault.mask(&how));
                        last = news;
                    }
                }
            }
            match self.listen() {
                Heard::Stop(why) => return Ok(stopped(why)),
                Heard::Decided(decided) => return Ok(self.leave(decided)),
                Heard::Nothing => {}
            }
            if began.elapsed() >= timeout {
                let bound = SignedDuration::try_from(timeout).unwrap_or_default();
                return Err(format!("it did not finish within {}", duration(bound)));
            }
        }
    }

    /// The release that a watch is about, and those that were there before, in any incident, as answers may name
    /// them. `None`: it is not there yet.
    pub(super) fn releases(&self, watch: &Watch) -> Option<(Named, Vec<Named>)> {
        let history = self.recorder.journal().history(self.recorder.repository());
        let known =
            history.map_or_else(|_| self.recorder.state().releases.clone(), |history| history.releases);
        let own = self.plan.release.as_ref();
        let (environment, commit) = match (&watch.judges, own) {
            (Some((environment, commit)), _) => (environment.as_str(), commit.as_str()),
            (None, Some(own)) => (own.environment.as_str(), own.commit.as_str()),
            (None, None) => return None,
        };
        let there = known.iter().filter(|release| release.environment == environment);
        let named = |release: &Release| {
            let names = [release.tag.as_deref(), release.version.as_deref()];
            Named::new(&release.name(), &release.commit, names.into_iter().flatten())
        };
        let (deployed, before): (Vec<_>, Vec<_>) = there.partition(|release| release.commit == commit);
        // A canary is no release yet: both are there, and have to be. That it once was one does not count.
        let is_it = |release: &&&Release| watch.judges.is_some() || release.plan == self.plan.id;
        let deployed = deployed.iter().rfind(is_it)?;
        let mut before: Vec<Named> = before.into_iter().map(named).collect();
        // What was live before the incident is often on no record, and has a tag.
        let tags = Reader::open(Path::new(&watch.cwd)).map(|mut reader| reader.tags()).unwrap_or_default();
        let others = tags.into_iter().filter(|(name, at)| *at != deployed.commit && is_version(name));
        before.extend(others.map(|(name, at)| Named::new(&name, &at, [name.as_str()])));
        Some((named(deployed), before))
    }

    /// What is stored of the probes of a watch from before it, of the incident up to a time. What cannot be
    /// read is not compared with.
    pub(super) fn past(&self, watch: &Watch, until: Timestamp) -> Vec<Past> {
        let (journal, repository) = (self.recorder.journal(), self.recorder.repository());
        let (before, during) = past_windows(self.recorder.state().started_at, until);
        let read = |name: &str, window| journal.samples(repository, name, window).unwrap_or_default();
        // Older faults are kept no more.
        let is_recent = until.duration_since(before.0) < Journal::FAULTS_KEPT;
        let faults = |name: &str| {
            let kept = journal.kept(repository, name, before.0).ok().filter(|_| is_recent)?;
            let faults = kept.faults.into_iter().map(|(at, _)| at);
            Some(faults.filter(|at| *at < before.1).collect())
        };
        let alarms = &self.recorder.state().alarms;
        let probes = watch.probes.iter().map(|probe| {
            let alarm = alarms.get(&probe.name);
            Past {
                before: read(&probe.name, before),
                during: read(&probe.name, during),
                faults: faults(&probe.name),
                firing: alarm.is_some_and(|alarm| alarm.firing),
                fired: alarm.is_some_and(|alarm| alarm.fired),
            }
        });
        probes.collect()
    }

    /// Leaves a step that changes nothing for a decision about it.
    pub(super) fn leave(&mut self, decided: Decided) -> Finished {
        let why = match &decided.decision {
            Decision::Skip { reason } => format!("{} went on: {reason}", decided.by),
            decision => format!("{} decided: {}", decided.by, decision.name()),
        };
        self.pending = Some(decided);
        interrupted(why)
    }
}

/// Writes a line into the log of a run.
pub(super) fn say(log: &mut LogWriter, line: &str) {
    log.write(format!("{}  {line}\r\n", Timestamp::now().strftime("%H:%M:%S")).as_bytes());
}

/// Writes what a watch saw into its log: the figures, each on a line of its own, and last what was found.
pub(super) fn say_seen(log: &mut LogWriter, what: &str) {
    for one in what.split(BESIDE).skip(1) {
        say(log, one);
    }
    say(log, finding(what));
}

/// The log of a run that is no command.
pub(super) fn log_in(dir: &Path) -> LogWriter {
    LogWriter::new(dir, Cap::DEFAULT)
}

pub(super) fn who(why: &Why) -> String {
    match why {
        Why::Asked { by } => format!("{by} asked for a stop"),
        Why::Ending => TOLD_TO_END.to_owned(),
        Why::Timeout => "its time ran out".to_owned(),
    }
}

pub(super) fn met(summary: String) -> Finished {
    let mut finished = Finished::with(Outcome::Met);
    finished.ended.summary = summary;
    finished
}

pub(super) fn not_met(why: String) -> Finished {
    Finished::with(Outcome::NotMet { why })
}

/// A watch that failed: what was found, with the figures behind it.
pub(super) fn worse(why: &str) -> Finished {
    let mut finished = not_met(finding(why).to_owned());
    // What was found is said with how it ended.
    why.get(finding(why).len()..).unwrap_or_default().clone_into(&mut finished.ended.summary);
    finished
}

pub(super) fn interrupted(why: String) -> Finished {
    Finished::with(Outcome::Interrupted { why })
}

pub(super) fn stopped(why: Why) -> Finished {
    let mut finished = interrupted(who(&why));
    finished.stopped = Some(why);
    finished
}

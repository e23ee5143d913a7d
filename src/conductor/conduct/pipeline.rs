//! A pipeline from its start at its host to its end there. What it is known by is on record before it is followed:
//! whoever takes the plan up again goes on from that, and starts nothing twice.

mod again;
mod asked;
mod logs;
mod look;
mod lost;
mod pace;
mod pages;
mod resend;
mod run;

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use self::run::{Following, LIMITED};
use super::super::forge::{Kind, Started};
use super::super::log::LogWriter;
use super::super::pipeline::{Host, Learner, PATIENCE};
use super::super::run::Finished;
use super::super::stop::{Why, Wish};
use super::Conductor;
use super::wait::{log_in, not_met, say, who};
use crate::deploy::pipeline::{Found, Seen, pick};
use crate::incident::{CommitLearned, Outcome, Remote, duration};
use crate::plan::pipeline::{Begin, Pipeline};
use crate::text::visible;

/// How often signs of life are shown while a host is asked.
const TICK: Duration = Duration::from_millis(100);
/// How long a run that took too long is given to end once it was told to.
const ENDING: Duration = Duration::from_secs(300);
/// How much the clock of a host may differ from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// How long a run is looked for that was started, where its host does not say which.
const APPEARS: Duration = Duration::from_secs(60);

/// A run that is looked for.
struct Sought<'a> {
    /// What started it, as its host calls that.
    event: &'a str,
    /// It was made no earlier.
    since: Timestamp,
    /// Runs that it is not.
    known: Vec<String>,
    /// How long its host wants to be left alone first.
    away: Duration,
    /// How long to look from then on.
    within: Duration,
    /// We may have started it, so that not to find it says nothing.
    ours: bool,
    /// Whether one was started for certain, or something else tells that it is the one: its commit.
    certain: bool,
}

impl Conductor {
    /// Starts a pipeline or finds it, and follows it to its end.
    pub(super) fn pipeline(
        &mut self,
        index: usize,
        pipeline: &Pipeline,
        dir: &Path,
        run: &str,
        timeout: Duration,
    ) -> Finished {
        let mut log = log_in(dir);
        let learned = match self.learned(index, pipeline, &mut log) {
            Ok(learned) => learned,
            Err(why) => return not_met(why),
        };
        let pipeline = &learned;
        let mut host = match Host::new(pipeline, &self.vault) {
            Ok(host) => host,
            Err(why) => return Finished::did_not_start(why),
        };
        let until = Instant::now().checked_add(timeout);
        let (seen, added) = match self.left_of(index) {
            // Whoever was here before has told what it is.
            Some(remote) => {
                say(&mut log, &format!("goes on with {}, which was started before", remote.name));
                (again(&remote), false)
            }
            None => match self.begin(index, pipeline, &mut host, &mut log) {
                Ok(seen) => (seen, true),
                Err(finished) => return *finished,
            },
        };
        let commit = pipeline.pushed.as_ref().map(|_| pipeline.commit.clone()).unwrap_or_default();
        let mut following = Following::new(index, run, seen, commit, self.recorder.now());
        // On record before anything else: it is what is left if this process ends now.
        if let Err(failure) = self.recorder.insist(following.record(&self.plan.id)) {
            let what = following.seen.name.clone();
            let why = format!("{what} goes on, but could not be written down: {}", failure.cause);
            return Finished::with(Outcome::Unknown { why });
        }
        if added {
            let place = if following.seen.url.is_empty() {
                String::new()
            } else {
                format!(": {}", following.seen.url)
            };
            say(&mut log, &self.vault.mask(&format!("{}{place}", following.seen.name)));
        }
        let finished = self.follow(&mut following, pipeline, &mut host, &mut log, dir, until);
        if self
            .recorder
            .plan()
            .and_then(|plan| plan.steps.get(index))
            .is_some_and(|step| step.waiting.is_some())
        {
            self.says_waiting(index, "");
        }
        let said = match &finished.ended.outcome {
            Outcome::Failed { why } | Outcome::NotMet { why } | Outcome::Unknown { why } => why,
            _ => &finished.ended.summary,
        };
        say(&mut log, &self.vault.mask(said));
        let _ = log.sync();
        finished
    }

    /// The pipeline with the commit that a push of this plan started it by: what was pushed is asked for once it is
    /// there, and holds from then on.
    fn learned(
        &mut self,
        index: usize,
        pipeline: &Pipeline,
        log: &mut LogWriter,
    ) -> Result<Pipeline, String> {
        let Some(pushed) = pipeline.pushed.clone().filter(|_| pipeline.awaits_commit()) else {
            return Ok(pipeline.clone());
        };
        let branch = visible(&pushed.branch).into_owned();
        let said = Learner::new(&pushed.commit, &self.vault);
        match said.and_then(|question| self.at_host(|| question.ask())) {
            Ok(commit) => {
                say(log, &format!("{branch} is at {commit} with what was pushed"));
                // From now on it holds, also where nothing that it started is found yet.
                self.recorder.record(CommitLearned {
                    plan: self.plan.id.clone(),
                    step: index,
                    branch: pushed.branch.clone(),
                    commit: commit.clone(),
                });
                self.plan.learn(index, &commit);
                Ok(pipeline.of(&commit))
            }
            Err(why) => {
                Err(self.vault.mask(&format!("cannot tell which commit {branch} was pushed as: {why}")))
            }
        }
    }

    /// The pipeline that a run of this step followed last, where it goes on, or where nobody was left to say what its
    /// end means for the step.
    fn left_of(&self, index: usize) -> Option<Remote> {
        let step = self.recorder.plan()?.steps.get(index)?;
        let mut runs = step.run.iter().chain(step.earlier.iter().rev());
        let (remote, run) = runs.find_map(|run| Some((run.remote.clone()?, run)))?;
        let unsaid = matches!(run.outcome, None | Some(Outcome::Unknown { .. }));
        (!remote.state.is_over() || unsaid && remote.state.is_plain_end()).then_some(remote)
    }

    /// The pipeline that a run of this step followed last, whatever became of it.
    fn last_remote(&self, index: usize) -> Option<Remote> {
        let step = self.recorder.plan()?.steps.get(index)?;
        step.run.iter().chain(step.earlier.iter().rev()).find_map(|run| run.remote.clone())
    }

    /// Starts it, or finds it. What was sent and not answered is looked for, and never sent again.
    fn begin(
        &mut self,
        index: usize,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
    ) -> Result<Seen, Box<Finished>> {
        say(log, &self.vault.mask(&pipeline.line()));
        match &pipeline.begin {
            Begin::Rerun { run } => self.run_again(index, (pipeline, run), host, log),
            Begin::Find { event, within } => {
                // A push may have been made long before; what we started was not, and is none that has ended on record.
                let pushed = event == "push";
                let since = if pushed {
                    Timestamp::UNIX_EPOCH
                } else {
                    self.first_begun(index).checked_sub(SKEW).unwrap_or(Timestamp::MIN)
                };
                let before = self.last_remote(index).filter(|_| !pushed);
                let next = before.map(|remote| self.next_attempt(index, &remote, host));
                if let Some(Ok(Some(seen))) = next {
                    return Ok(seen);
                }
                let known = if pushed { Vec::new() } else { self.not_this(index) };
                let within = Duration::try_from(*within).unwrap_or_default();
                let certain = !pipeline.commit.is_empty();
                let away = Duration::ZERO;
                let sought = Sought { event, since, known, away, within, ours: !pushed, certain };
                self.look_for(pipeline, host, &sought)
            }
            Begin::Start { reference, inputs } => {
                if let Some(seen) = self.left_behind(index, pipeline, host)? {
                    say(log, &format!("goes on with {}, which was started before", visible(&seen.name)));
                    return Ok(seen);
                }
                let inputs = serde_json::to_value(inputs).unwrap_or_default();
                let sought = pipeline.looked_for(SignedDuration::ZERO);
                let event = match &sought.begin {
                    Begin::Find { event, .. } => event.as_str(),
                    Begin::Start { .. } | Begin::Rerun { .. } => "",
                };
                let since = self.recorder.now().checked_sub(SKEW).unwrap_or(Timestamp::MIN);
                let known = self.there_before(pipeline, host, event, since)?;
                let (away, within) = (Duration::ZERO, APPEARS);
                let sought = Sought { event, since, known, away, within, ours: true, certain: true };
                match self.at_host(|| host.start(reference, &inputs)) {
                    Ok(Started::As(seen)) => Ok(*seen),
                    Ok(Started::Somewhere) => self.look_for(pipeline, host, &sought),
                    Err(lost) if matches!(lost.kind, Kind::Unclear | Kind::Busy(_) | Kind::Odd) => {
                        say(log, &self.vault.mask(&lost.why));
                        let certain = !pipeline.commit.is_empty();
                        let sought = Sought { within: PATIENCE, away: lost.away(), certain, ..sought };
                        self.look_for(pipeline, host, &sought).map_err(|mut end| {
                            if let Outcome::Unknown { why } = &mut end.ended.outcome {
                                *why = format!("{}; {why}", lost.why);
                            }
                            end
                        })
                    }
                    Err(lost) => Err(Box::new(not_met(lost.why))),
                }
            }
        }
    }

    /// The runs that are there before one is started: they are not ours. A host that cannot say so is not asked for
    /// another: it could not be told from them.
    fn there_before(
        &mut self,
        pipeline: &Pipeline,
        host: &mut Host,
        event: &str,
        since: Timestamp,
    ) -> Result<Vec<String>, Box<Finished>> {
        if !host.lists() {
            return Ok(Vec::new());
        }
        match self.at_host(|| host.runs(&pipeline.commit, event, since)) {
            Ok(all) => Ok(all.into_iter().map(|seen| seen.id).collect()),
            // Starting it will say better what is wrong.
            Err(lost) if matches!(lost.kind, Kind::Refused(_)) => Ok(Vec::new()),
            Err(lost) => Err(Box::new(not_met(lost.why))),
        }
    }

    /// The runs that this step followed and that are over, and those of other steps.
    fn not_this(&self, index: usize) -> Vec<String> {
        let steps = self.recorder.plan().into_iter().flat_map(|plan| plan.steps.iter().enumerate());
        let runs =
            steps.flat_map(|(at, step)| step.earlier.iter().chain(&step.run).map(move |run| (at, run)));
        let remotes = runs.filter_map(|(at, run)| Some((at, run.remote.as_ref()?)));
        let others = remotes.filter(|(at, remote)| *at != index || remote.state.is_over());
        others.map(|(_, remote)| remote.id.clone()).collect()
    }

    /// When this step was begun for the first time.
    fn first_begun(&mut self, index: usize) -> Timestamp {
        let now = self.recorder.now();
        let step = self.recorder.plan().and_then(|plan| plan.steps.get(index));
        let runs = step.into_iter().flat_map(|step| step.earlier.iter().chain(&step.run));
        runs.map(|run| run.started_at).min().unwrap_or(now)
    }

    /// Looks for a run until it is there.
    fn look_for(
        &mut self,
        pipeline: &Pipeline,
        host: &mut Host,
        sought: &Sought<'_>,
    ) -> Result<Seen, Box<Finished>> {
        let Sought { event, since, away, within, ours, .. } = *sought;
        if let Some(wish) = self.rest(away.min(LIMITED)) {
            let finished = undecided(ours, who(&wish.why));
            return Err(Box::new(Finished { stopped: Some(wish.why), ..finished }));
        }
        let until = Instant::now() + within;
        let interval = Duration::try_from(pipeline.interval).unwrap_or_default();
        host.ask_once();
        loop {
            let (trouble, away) = match self.at_host(|| host.runs(&pipeline.commit, event, since)) {
                Ok(all) => match pick(all, &pipeline.commit, since, &sought.known) {
                    Found::One(seen) if sought.certain => return Ok(*seen),
                    // Somebody else may have started it for another commit: nothing tells.
                    Found::One(seen) => return Err(Box::new(maybe(&[*seen]))),
                    Found::Several(all) => return Err(Box::new(maybe(&all))),
                    Found::None => Default::default(),
                },
                Err(lost) => (lost.why.clone(), lost.away()),
            };
            let left = until.saturating_duration_since(Instant::now());
            if let Some(wish) = self.rest(interval.max(away).min(left)) {
                let finished = undecided(ours, who(&wish.why));
                return Err(Box::new(Finished { stopped: Some(wish.why), ..finished }));
            }
            if Instant::now() >= until {
                let of = if pipeline.commit.is_empty() {
                    String::new()
                } else {
                    format!(" of {}", pipeline.short())
                };
                let what = if event.is_empty() { String::new() } else { format!(" by {event}") };
                let workflow = pipeline.sought();
                let mut why =
                    format!("{} shows no run{of}{what} after {}{workflow}", pipeline.host(), spelled(within));
                if !trouble.is_empty() {
                    why = format!("{why}: {trouble}");
                }
                return Err(Box::new(undecided(ours || !trouble.is_empty(), why)));
            }
        }
    }

    /// Follows a run to its end.
    fn follow(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
        dir: &Path,
        until: Option<Instant>,
    ) -> Finished {
        let interval = Duration::try_from(pipeline.interval).unwrap_or_default();
        host.ask_once();
        following.counted = host.counted();
        // What its host has just told is not asked again at once.
        following.is_seen = following.seen.created.is_some();
        if following.is_seen {
            let seen = following.seen.clone();
            self.cancel_another(following, pipeline, host, log, &seen);
        }
        let mut next = if following.is_seen { interval } else { Duration::ZERO };
        loop {
            let mut heeded = false;
            // An end that somebody else wrote down is looked at once more: the run may be of another commit.
            if following.seen.state.is_over() && following.is_seen {
                self.read_to_end(following, pipeline, host, log, dir);
                return following.end(following.began.elapsed(), pipeline);
            }
            if !next.is_zero() {
                let pause = next.saturating_sub(following.began.elapsed());
                let pause = pause.max(following.away());
                let left = until.filter(|_| following.may_time_out());
                let left = left.map(|until| until.saturating_duration_since(Instant::now()));
                let wish = match self.rest(left.map_or(pause, |left| pause.min(left))) {
                    None if left.is_some() && until.is_some_and(|until| Instant::now() >= until) => {
                        Some(Wish { why: Why::Timeout, kill: false })
                    }
                    wish => wish,
                };
                let decided = self.pending.take();
                heeded = wish.is_some() || decided.is_some();
                // What its host had no ear for is nobody's wish of now.
                let is_free = wish.is_none() && following.away().is_zero();
                let again = following.untold.take_if(|_| is_free && following.resend.is_due(Instant::now()));
                let is_again = again.is_some();
                if let Some(wish) = wish.or(again)
                    && let Some(finished) = self.stop(following, host, log, (wish, is_again), interval)
                {
                    return finished;
                }
                if let Some(decided) = decided {
                    self.review(following, host, log, &decided);
                }
                let told = following.told.map(|told| told.elapsed());
                if following.stop == Some(Why::Timeout) && told.is_some_and(|told| told >= ENDING) {
                    let name = &following.seen.name;
                    let told = if following.is_told { "was told" } else { "could not be told" };
                    let why = format!("{name} {told} to cancel, and did not end within {}", spelled(ENDING));
                    let finished = Finished::with(Outcome::Unknown { why });
                    return Finished { stopped: following.stop.clone(), ..finished };
                }
                following.acted(host);
                if (heeded || is_again) && !following.away().is_zero() {
                    next = following.began.elapsed();
                    continue;
                }
            }
            let turn = following.began.elapsed();
            self.look(following, pipeline, host, log, dir);
            // What came of what a person did is looked at once, and puts off no other look.
            if heeded {
                following.acted(host);
            } else {
                following.took(host, turn);
            }
            next = following.pace.free(turn + interval, interval);
        }
    }

    /// Waits for so long; the wish that it be stopped, if somebody has it.
    fn rest(&mut self, pause: Duration) -> Option<Wish> {
        let until = Instant::now() + pause;
        loop {
            self.signals.drain();
            if let Some(wish) = self.recorder.tick() {
                return Some(wish.after(self.stopping.take().as_ref()));
            }
            if let Some(wish) = self.stopping.take() {
                return Some(wish);
            }
            if self.signals.asked_to_end() {
                return Some(Wish { why: Why::Ending, kill: false });
            }
            if self.pending.is_none() {
                self.pending = self.next_decision();
            }
            if self.pending.is_some() {
                return None;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            std::thread::sleep(TICK.min(left));
        }
    }

    /// Asks a host something, showing signs of life meanwhile.
    fn at_host<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let (tell, hear) = channel();
            let asking = scope.spawn(move || {
                let answer = work();
                let _ = tell.send(());
                answer
            });
            while hear.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if let Some(wish) = self.recorder.tick() {
                    self.stopping = Some(wish.after(self.stopping.as_ref()));
                }
            }
            match asking.join() {
                Ok(answer) => answer,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

fn spelled(time: Duration) -> String {
    duration(SignedDuration::try_from(time).unwrap_or_default())
}

/// A run as the record knows it.
fn again(remote: &Remote) -> Seen {
    Seen {
        id: remote.id.clone(),
        name: remote.name.clone(),
        url: remote.url.clone(),
        attempt: remote.attempt,
        state: remote.state,
        said: String::new(),
        commit: String::new(),
        created: None,
        began: None,
        workflow: String::new(),
    }
}

/// That nothing was found: unknown where we may have started it, else it is surely not there.
fn undecided(ours: bool, why: String) -> Finished {
    if ours { Finished::with(Outcome::Unknown { why }) } else { not_met(why) }
}

/// That these may be the one, and nothing tells which or whether.
fn maybe(all: &[Seen]) -> Finished {
    let names: Vec<String> = all.iter().map(|one| format!("{} {}", one.name, one.url)).collect();
    let names = visible(&names.join(", ")).into_owned();
    let why = match all.len() {
        1 => format!("this run may be the one: {names}; look at it and decide"),
        many => format!("{many} runs may be the one: {names}; look at them and decide"),
    };
    Finished::with(Outcome::Unknown { why })
}

#[cfg(test)]
mod tests;

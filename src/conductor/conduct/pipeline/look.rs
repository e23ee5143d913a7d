//! One look at a run: how it stands, what it waits for, and whether it is what was approved.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::super::forge::{Kind, Lost};
use super::super::super::log::LogWriter;
use super::super::super::pipeline::Host;
use super::super::Conductor;
use super::super::wait::say;
use super::logs::keep_jobs;
use super::pace::{self, Ask};
use super::run::Following;
use crate::deploy::pipeline::{Job, Seen};
use crate::incident::RemoteState;
use crate::plan::pipeline::Pipeline;
use crate::text::{cut, visible};

/// How long a host may be silent before it is said.
const SILENT: Duration = Duration::from_secs(20);
/// The longest that a host is left alone because it asks for that.
const LIMITED: Duration = Duration::from_secs(15 * 60);
/// Most characters of what a run waits for: many environments have long names.
const NOTE: usize = 4_000;
/// What is said of a host that does not answer.
pub(super) const UNSEEN: &str = "not seen since";

impl Conductor {
    /// Looks at a run once, and writes down what is new. Returns how many requests that took.
    pub(super) fn look(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
        dir: &Path,
    ) -> u32 {
        let id = following.seen.id.clone();
        let look = following.looks;
        let ask = pace::ask(look, &following.jobs, following.pages);
        let ask_jobs = ask == Ask::Jobs;
        following.looks += 1;
        let (mut asked, mut lost) = (0_u32, None);
        let (mut state, mut changed) = (following.seen.state, false);
        if !ask_jobs {
            asked += host.questions();
            match self.at_host(|| host.run(&id)) {
                Ok(seen) => {
                    self.cancel_another(following, pipeline, host, log, &seen);
                    changed |= following.take(seen);
                    state = following.seen.state;
                }
                Err(trouble) => lost = Some(trouble),
            }
        }
        // What is queued has none yet; what is over, or stands otherwise than before, may have others.
        let others = state.is_over() || changed || following.jobs.is_empty();
        let with_jobs = ask != Ask::Run || (state != RemoteState::Queued && others);
        if lost.is_none() && with_jobs {
            match self.at_host(|| host.jobs(&id)) {
                Ok((mut jobs, requests)) => {
                    for job in &mut jobs {
                        let steps = job.steps.iter_mut().map(|step| &mut step.name);
                        for text in [&mut job.name, &mut job.stage].into_iter().chain(steps) {
                            *text = visible(&self.vault.mask(text)).into_owned();
                        }
                    }
                    let requests = u32::try_from(requests).unwrap_or(u32::MAX);
                    following.pages = requests.max(1);
                    asked = asked.saturating_add(requests);
                    if jobs != following.jobs {
                        following.moved = Instant::now();
                        self.tell_jobs(&following.jobs, &jobs, log);
                        following.jobs = jobs;
                        keep_jobs(dir, &following.jobs);
                    }
                    if ask_jobs {
                        state = by_jobs(&following.jobs, state);
                    }
                }
                Err(trouble) => lost = Some(trouble),
            }
        }
        if let Some(trouble) = lost {
            self.not_seen(following, &trouble, log);
            if let Kind::Limited(wait) = trouble.kind {
                following.away = wait.min(LIMITED);
            }
            return 1;
        }
        following.answered = (Instant::now(), self.recorder.now());
        following.is_seen = true;
        self.print_output(following, host, log, &id);
        let mut note = String::new();
        let told = following.note.ends_with(&following.refused) && !following.note.starts_with(UNSEEN);
        let known = !following.reviews.is_empty() && told;
        if state == RemoteState::Waiting && !pace::asks_reviews(look, known) {
            note.clone_from(&following.note);
        } else if state == RemoteState::Waiting {
            asked += 1;
            let jobs = following.jobs.clone();
            let now = self.recorder.now();
            match self.at_host(|| host.reviews(&id, &jobs)) {
                Ok(reviews) => {
                    let lines: Vec<String> = reviews.iter().map(|review| review.line(now)).collect();
                    note = if lines.is_empty() {
                        "for a person".to_owned()
                    } else {
                        format!("for {}", lines.join(", "))
                    };
                    following.reviews = reviews;
                }
                Err(_) if following.seen.state == state => note.clone_from(&following.note),
                Err(_) => "for a person".clone_into(&mut note),
            }
            if !following.refused.is_empty() && !note.ends_with(&following.refused) {
                note = format!("{note}; {}", following.refused);
            }
        } else {
            following.reviews.clear();
            following.refused.clear();
        }
        changed |= state != following.seen.state;
        following.seen.state = state;
        let note = cut(&self.vault.mask(&note), NOTE, "… ", "");
        if changed || note != following.note {
            following.moved = Instant::now();
            self.tell_waiting(following, &note);
            following.note = note;
            self.recorder.record(following.record(&self.plan.id));
            say(log, &following.line());
        }
        let interval = Duration::try_from(pipeline.interval).unwrap_or_default();
        let room = following.pace.room(following.began.elapsed(), interval);
        if asked < room { asked + self.one_log(following, host, log) } else { asked }
    }

    /// Says that the plan waits for a person, or no longer does.
    fn tell_waiting(&mut self, following: &Following<'_>, note: &str) {
        let waits = following.seen.state == RemoteState::Waiting;
        let said = self.recorder.plan().and_then(|plan| plan.steps.get(following.index));
        let said = said.and_then(|step| step.waiting.as_ref()).map(|(_, why)| why.clone());
        let now = waits.then(|| note.to_owned());
        if said != now {
            self.says_waiting(following.index, &now.unwrap_or_default());
        }
    }

    /// Cancels a run that is not of the commit that was approved. It is followed to its end all the same.
    fn cancel_another(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
        seen: &Seen,
    ) {
        let approved = pipeline.commit.is_empty() || seen.commit.is_empty() || seen.commit == pipeline.commit;
        if approved || !following.wrong.is_empty() {
            return;
        }
        let other: String = seen.commit.chars().take(7).collect();
        let (name, other) = (visible(&seen.name), visible(&other));
        following.wrong = format!("{name} runs on {other}, and {} is what was approved", pipeline.short());
        say(log, &following.wrong);
        if seen.state.is_over() {
            return;
        }
        let id = following.seen.id.clone();
        if let Err(lost) = self.at_host(|| host.cancel(&id, false)) {
            following.wrong = format!("{}; it could not be cancelled: {}", following.wrong, lost.why);
            say(log, &self.vault.mask(&following.wrong));
        }
    }

    /// Says that a host was not heard of for a while. It is no end of anything.
    fn not_seen(&mut self, following: &mut Following<'_>, trouble: &Lost, log: &mut LogWriter) {
        say(log, &self.vault.mask(&trouble.why));
        let quiet =
            matches!(trouble.kind, Kind::Unsent | Kind::Unclear) && following.answered.0.elapsed() < SILENT;
        if quiet || following.note.starts_with(UNSEEN) {
            return;
        }
        let since = following.answered.1.strftime("%H:%M UTC");
        following.note = self.vault.mask(&format!("{UNSEEN} {since}: {}", trouble.why));
        self.recorder.record(following.record(&self.plan.id));
    }
}

/// How a run stands by its jobs, while one of them goes on.
pub(super) fn by_jobs(jobs: &[Job], before: RemoteState) -> RemoteState {
    let any = |state| jobs.iter().any(|job| job.state == state);
    if any(RemoteState::Running) {
        RemoteState::Running
    } else if any(RemoteState::Waiting) {
        RemoteState::Waiting
    } else if any(RemoteState::Queued) && !jobs.iter().any(|job| job.state.is_over()) {
        RemoteState::Queued
    } else {
        // Between two jobs it is what it was.
        before
    }
}

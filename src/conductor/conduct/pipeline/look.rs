//! One look at a run: how it stands, what it waits for, and whether it is what was approved.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::super::forge::{Kind, Lost};
use super::super::super::log::LogWriter;
use super::super::super::pipeline::Host;
use super::super::Conductor;
use super::super::wait::say;
use super::logs::keep_jobs;
use super::pace::{Question, TURN};
use super::run::Following;
use crate::deploy::pipeline::{Job, Review, Seen};
use crate::incident::RemoteState;
use crate::plan::pipeline::Pipeline;
use crate::text::{cut, visible};

/// How long a host may be silent before it is said.
const SILENT: Duration = Duration::from_secs(20);
/// Most characters of what a run waits for: many environments have long names.
const NOTE: usize = 4_000;
/// What is said of a host that does not answer.
pub(super) const UNSEEN: &str = "not seen since";

impl Conductor {
    /// Looks at a run once, and writes down what is new.
    pub(super) fn look(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
        dir: &Path,
    ) {
        let (before, sent) = (host.counted(), host.sent());
        let known = following.known(host.asks_reviews(&following.jobs));
        // What this look tells: how it stands, and what it waits for.
        let (mut stands, mut waits) = (None, None);
        let (mut changed, mut lost) = (false, None);
        let interval = Duration::try_from(pipeline.interval).unwrap_or_default();
        let is_spent = following.pace.room(following.began.elapsed(), interval) == 0;
        let mut questions = VecDeque::from(following.pace.turn(following.moved.elapsed(), known));
        while let Some(question) = questions.pop_front() {
            let beside = stands.is_some() || matches!(question, Question::Reviews | Question::Log);
            let left = TURN.saturating_sub(host.sent() - sent);
            if beside && (is_spent || left == 0 || !following.away().is_zero()) {
                continue;
            }
            let answer = match question {
                Question::Run => self.ask_run(following, pipeline, host, log).map(|is_new| {
                    changed |= is_new;
                    stands = Some(following.seen.state);
                }),
                Question::Jobs => self.ask_jobs(following, pipeline, host, log, dir).map(|is_new| {
                    changed |= is_new;
                    let tells = following.known(false).jobs_tell && !following.jobs.is_empty();
                    stands = match stands {
                        None if following.jobs_suffice => Some(following.seen.state),
                        None if tells => Some(by_jobs(&following.jobs, following.seen.state)),
                        stands => stands,
                    };
                }),
                Question::Reviews => {
                    waits = self.ask_reviews(following, host, (before, left), interval);
                    Ok(())
                }
                Question::Log => {
                    self.one_log(following, host, log);
                    Ok(())
                }
            };
            following.pace.asks(question);
            if let Err(trouble) = answer {
                let is_limited = following.keep_away(&trouble);
                // The run itself may be seen though its jobs are not for everybody.
                let of_jobs = question == Question::Jobs && matches!(trouble.kind, Kind::Refused(_));
                if of_jobs && following.trouble != trouble.why {
                    say(log, &self.vault.mask(&format!("its jobs: {}", trouble.why)));
                    following.trouble.clone_from(&trouble.why);
                }
                lost = Some(trouble);
                if question == Question::Jobs {
                    // Where its jobs do not tell how it stands any more, it is asked itself.
                    following.jobs_suffice = false;
                    following.pages.again();
                    if stands.is_none() && !is_limited {
                        if !questions.contains(&Question::Run) {
                            questions.push_front(Question::Run);
                        }
                        continue;
                    }
                }
                break;
            }
            if host.counted() > before {
                break;
            }
        }
        let Some(state) = stands.or(waits.is_some().then_some(following.seen.state)) else {
            if let Some(trouble) = lost {
                self.not_seen(following, &trouble, log);
            }
            return;
        };
        following.answered = (Instant::now(), self.recorder.now());
        following.is_seen = true;
        let id = following.seen.id.clone();
        self.print_output(following, host, log, &id);
        following.unseen.clear();
        following.waits = if state == RemoteState::Waiting {
            self.waits_for(following, interval, host, (before, sent), waits)
        } else {
            following.reviews.clear();
            // What was given in part goes on, and what was not is not forgotten.
            if !following.is_part || state.is_over() {
                following.refused.clear();
            }
            String::new()
        };
        changed |= state != following.seen.state;
        following.seen.state = state;
        let note = self.noted(&following.to_say());
        let ids = following.ids();
        // What is called the same may be another matter.
        if changed || note != following.note || !ids.is_empty() && ids != following.told_ids {
            following.told_ids = ids;
            following.moved = Instant::now();
            self.tell_waiting(following, &note);
            following.note = note;
            self.recorder.record(following.record(&self.plan.id));
            say(log, &following.line());
        }
    }

    /// A note as it goes on record.
    pub(super) fn noted(&self, note: &str) -> String {
        cut(&self.vault.mask(note), NOTE, "… ", "")
    }

    /// Asks how the run stands, and whether that is news.
    fn ask_run(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
    ) -> Result<bool, Lost> {
        let id = following.seen.id.clone();
        let seen = self.at_host(|| host.run(&id))?;
        self.cancel_another(following, pipeline, host, log, &seen);
        let was_over = following.seen.state.is_over();
        let is_another = seen.attempt != following.seen.attempt || seen.state.is_over() && !was_over;
        let is_new = following.take(seen);
        following.jobs_are_last &= !is_new;
        if is_another {
            // What was read of its jobs is of before.
            following.pages.again();
        }
        Ok(is_new)
    }

    /// Asks for the next page of its jobs; whether that tells news of the run itself.
    pub(super) fn ask_jobs(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
        dir: &Path,
    ) -> Result<bool, Lost> {
        let (id, page) = (following.seen.id.clone(), following.pages.next());
        let mut found = self.at_host(|| host.jobs(&id, page))?;
        following.trouble.clear();
        for job in &mut found.jobs {
            let steps = job.steps.iter_mut().map(|step| &mut step.name);
            for text in [&mut job.name, &mut job.stage].into_iter().chain(steps) {
                *text = visible(&self.vault.mask(text)).into_owned();
            }
        }
        let jobs = following.pages.take(&following.jobs, found.jobs, found.more);
        if jobs != following.jobs {
            following.moved = Instant::now();
            self.tell_jobs(&following.jobs, &jobs, log);
            following.jobs = jobs;
            keep_jobs(dir, &following.jobs);
        }
        following.jobs_are_last = !following.pages.is_amid();
        following.jobs_suffice = found.stands.is_some();
        let Some(stands) = found.stands else { return Ok(false) };
        let seen = Seen { commit: stands.commit.clone(), state: stands.state, ..following.seen.clone() };
        self.cancel_another(following, pipeline, host, log, &seen);
        let was_over = following.seen.state.is_over();
        if stands.state.is_over() && !was_over && !following.pages.is_one() {
            // Pages that were read before the end are read once more.
            following.pages.again();
            following.jobs_are_last = false;
        }
        Ok(following.take_stands(&stands))
    }

    /// Asks what it waits for; `None`: its host did not say.
    fn ask_reviews(
        &mut self,
        following: &mut Following<'_>,
        host: &mut Host,
        (before, left): (u32, usize),
        interval: Duration,
    ) -> Option<Vec<Review>> {
        let (id, jobs) = (&following.seen.id, &following.jobs);
        let room = following.pace.room(following.began.elapsed(), interval);
        let room = usize::try_from(room.saturating_sub(host.counted() - before)).unwrap_or(left);
        let said = self.at_host(|| host.reviews(id, jobs, left.min(room).max(1)));
        said.inspect_err(|lost| {
            following.keep_away(lost);
        })
        .ok()
    }

    /// Says what it waits for. Its names are asked for at once where there is room, else with the next turn.
    fn waits_for(
        &mut self,
        following: &mut Following<'_>,
        interval: Duration,
        host: &mut Host,
        (before, sent): (u32, usize),
        waits: Option<Vec<Review>>,
    ) -> String {
        let left = TURN.saturating_sub(host.sent() - sent);
        let room = following.pace.room(following.began.elapsed(), interval);
        let waits = match waits {
            None if host.asks_reviews(&following.jobs)
                && following.pace.waits_unasked()
                && following.away().is_zero()
                && left > 0
                && host.counted() - before < room =>
            {
                following.pace.asks(Question::Reviews);
                self.ask_reviews(following, host, (before, left), interval)
            }
            waits => waits,
        };
        let is_unsaid = following.waits.is_empty();
        match waits {
            // It was given, and its host has not gone on yet.
            Some(reviews) if reviews.is_empty() && !is_unsaid => {
                following.reviews = reviews;
                following.waits.clone()
            }
            Some(reviews) => {
                following.reviews = reviews;
                named(&following.reviews, self.recorder.now())
            }
            None if is_unsaid => "for a person".to_owned(),
            None => following.waits.clone(),
        }
    }

    /// Says that the plan waits for a person, or no longer does.
    pub(super) fn tell_waiting(&mut self, following: &Following<'_>, note: &str) {
        let waits = following.seen.state == RemoteState::Waiting;
        let said = self.recorder.plan().and_then(|plan| plan.steps.get(following.index));
        let said = said.and_then(|step| step.waiting.as_ref()).map(|(_, why)| why.clone());
        let now = waits.then(|| note.to_owned());
        if said != now {
            self.says_waiting(following.index, &now.unwrap_or_default());
        }
    }

    /// Cancels a run that is not of the commit that was approved. It is followed to its end all the same.
    pub(super) fn cancel_another(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
        seen: &Seen,
    ) {
        let approved = pipeline.commit.is_empty() || seen.commit.is_empty() || seen.commit == pipeline.commit;
        if approved || following.called_off {
            return;
        }
        let other: String = seen.commit.chars().take(7).collect();
        let (name, other) = (visible(&seen.name), visible(&other));
        let wrong = format!("{name} runs on {other}, and {} is what was approved", pipeline.short());
        if following.wrong.is_empty() {
            say(log, &wrong);
            following.wrong.clone_from(&wrong);
        }
        let is_due = following.away().is_zero() && following.calls_off.is_due(Instant::now());
        if seen.state.is_over() || !is_due {
            return;
        }
        let id = following.seen.id.clone();
        following.took(host, following.began.elapsed());
        let said = self.at_host(|| host.cancel(&id, false));
        // It is sent at once, as what a person does.
        following.acted(host);
        let now = match said {
            Ok(()) => {
                following.called_off = true;
                wrong
            }
            Err(lost) => {
                let is_limited = following.keep_away(&lost);
                following.calls_off.failed(Instant::now(), is_limited);
                following.called_off = matches!(lost.kind, Kind::Refused(_));
                self.vault.mask(&format!("{wrong}; it could not be cancelled: {}", lost.why))
            }
        };
        if following.wrong != now {
            say(log, &now);
            following.wrong = now;
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
        following.unseen = format!("{UNSEEN} {since}: {}", trouble.why);
        following.note = self.noted(&following.to_say());
        self.recorder.record(following.record(&self.plan.id));
    }
}

/// What is waited for, in one line: what a person can give comes first.
pub(super) fn named(reviews: &[Review], now: Timestamp) -> String {
    let mut lines: Vec<String> = reviews.iter().map(|review| review.line(now)).collect();
    lines.sort_by_key(|line| !line.starts_with("approval of "));
    if lines.is_empty() { "for a person".to_owned() } else { format!("for {}", lines.join(", ")) }
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

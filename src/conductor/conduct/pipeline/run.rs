//! A run that is followed, and what its end means for the step.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::super::forge::Lost;
use super::super::super::pipeline::Host;
use super::super::super::run::Finished;
use super::super::super::stop::{Why, Wish};
use super::super::wait::met;
use super::logs::next_log;
use super::look::UNSEEN;
use super::pace::{Known, Pace};
use super::pages::Pages;
use super::resend::Resend;
use super::spelled;
use crate::deploy::pipeline::{Job, Review, Seen, Stands};
use crate::incident::{Outcome, PipelineSeen, Remote, RemoteState};
use crate::plan::pipeline::Pipeline;
use crate::text::address::is_page;
use crate::text::visible;

/// The longest that a host is left alone because it asks for that.
pub(super) const LIMITED: Duration = Duration::from_secs(60 * 60);

/// A run that is followed.
pub(super) struct Following<'a> {
    pub(super) index: usize,
    pub(super) run: &'a str,
    pub(super) seen: Seen,
    /// The commit that it has to be of, where that became known with it; else empty.
    pub(super) commit: String,
    /// What was said of it last.
    pub(super) note: String,
    /// Since when it was not seen, and why; empty: it is.
    pub(super) unseen: String,
    /// What it waits for, in one line; empty: for nothing.
    pub(super) waits: String,
    /// What it waits for that a person can give.
    pub(super) reviews: Vec<Review>,
    /// What its host knows that by, as it was written down last.
    pub(super) told_ids: Vec<String>,
    /// Why its host did not take what a person said to that.
    pub(super) refused: String,
    /// Its host took some of it.
    pub(super) is_part: bool,
    pub(super) jobs: Vec<Job>,
    /// Why its jobs could not be read last; empty: they could.
    pub(super) trouble: String,
    /// Jobs whose output is in the log.
    pub(super) logged: HashSet<String>,
    /// Until when its host asked to be left alone.
    pub(super) away_until: Option<Instant>,
    /// When it was begun to be followed.
    pub(super) began: Instant,
    /// What was asked of its host, and when, from then on.
    pub(super) pace: Pace,
    /// How many questions had counted when that was taken down last.
    pub(super) counted: u32,
    /// How far its jobs are read.
    pub(super) pages: Pages,
    /// Its jobs say how it stands itself.
    pub(super) jobs_suffice: bool,
    /// Its jobs were read when it stood as it stands.
    pub(super) jobs_are_last: bool,
    /// When something of it changed last.
    pub(super) moved: Instant,
    /// When the host answered last, by its own clock and by the record's.
    pub(super) answered: (Instant, Timestamp),
    /// Its host has answered.
    pub(super) is_seen: bool,
    /// What was said of the output so far, where commands tell it.
    pub(super) printed: usize,
    pub(super) stop: Option<Why>,
    /// When it was to be told to cancel.
    pub(super) told: Option<Instant>,
    /// Its host took that.
    pub(super) is_told: bool,
    /// The wish to stop it that its host had no ear for: it is told again.
    pub(super) untold: Option<Wish>,
    /// When that is told again.
    pub(super) resend: Resend,
    /// Why it could not be told last; empty: it could.
    pub(super) deaf: String,
    /// Its host refused to be told.
    pub(super) refused_stop: bool,
    /// It was sent that, and nobody knows what came of it.
    pub(super) may_be_told: bool,
    /// It was told with force.
    pub(super) forced: bool,
    /// It was to be told with force, and did not take that.
    pub(super) force_failed: bool,
    /// Its host took the cancel of a run that is of another commit, or refused it.
    pub(super) called_off: bool,
    /// When it is told that again.
    pub(super) calls_off: Resend,
    /// That it is not of the commit that was approved, and what came of cancelling it; empty: it is.
    pub(super) wrong: String,
}

impl<'a> Following<'a> {
    /// A run as it was seen last. `commit`: what it has to be of, where that became known with it.
    pub(super) fn new(index: usize, run: &'a str, seen: Seen, commit: String, now: Timestamp) -> Self {
        Self {
            index,
            run,
            seen,
            commit,
            note: String::new(),
            unseen: String::new(),
            waits: String::new(),
            reviews: Vec::new(),
            told_ids: Vec::new(),
            refused: String::new(),
            is_part: false,
            jobs: Vec::new(),
            trouble: String::new(),
            logged: HashSet::new(),
            away_until: None,
            began: Instant::now(),
            pace: Pace::default(),
            counted: 0,
            pages: Pages::default(),
            jobs_suffice: false,
            jobs_are_last: false,
            moved: Instant::now(),
            answered: (Instant::now(), now),
            is_seen: false,
            printed: 0,
            stop: None,
            told: None,
            is_told: false,
            untold: None,
            resend: Resend::default(),
            deaf: String::new(),
            refused_stop: false,
            may_be_told: false,
            forced: false,
            force_failed: false,
            called_off: false,
            calls_off: Resend::default(),
            wrong: String::new(),
        }
    }

    /// Takes in what its host tells; whether that is news. What it is called comes along with the next.
    pub(super) fn take(&mut self, seen: Seen) -> bool {
        let before = (self.seen.state, self.seen.attempt);
        let url = if seen.url.is_empty() { self.seen.url.clone() } else { seen.url.clone() };
        self.seen = Seen { url, ..seen };
        before != (self.seen.state, self.seen.attempt)
    }

    /// Takes in what its jobs tell of it.
    pub(super) fn take_stands(&mut self, stands: &Stands) -> bool {
        let Stands { state, said, commit } = stands.clone();
        let commit = if commit.is_empty() { self.seen.commit.clone() } else { commit };
        self.take(Seen { state, said, commit, ..self.seen.clone() })
    }

    /// What its host knows it by that it waits for, in this attempt of it.
    pub(super) fn ids(&self) -> Vec<String> {
        let attempt = self.seen.attempt;
        let of = |review: &Review| match attempt {
            0 | 1 => review.id.clone(),
            _ => format!("{} of attempt {attempt}", review.id),
        };
        self.reviews.iter().map(of).map(|id| visible(&id).into_owned()).collect()
    }

    /// Tells whether it waits for just what somebody read who decided: what it moved on to meanwhile was read by
    /// nobody, also where it is called the same. No ids: an older version wrote that down.
    pub(super) fn still_waits(&self, read: &str, ids: &[String]) -> Result<(), &'static str> {
        let is_same = if ids.is_empty() { read == self.note } else { ids == self.ids() };
        if self.note.starts_with(UNSEEN) {
            Err("its host does not answer, and nobody knows what it waits for; decide again once it is seen")
        } else if self.reviews.is_empty() {
            Err("its host names nothing that a person could approve; see whether it goes on")
        } else if is_same {
            Ok(())
        } else {
            Err("it waits for something else now; look at it and decide again")
        }
    }

    /// What of it decides what is asked next. `asks_reviews`: what it waits for is a question of its own.
    pub(super) fn known(&self, asks_reviews: bool) -> Known {
        let goes_on = self.jobs.iter().any(|job| !job.state.is_over());
        Known {
            begun: self.seen.state != RemoteState::Queued || !self.jobs.is_empty(),
            jobs_tell: self.jobs.is_empty() || self.pages.is_one() && goes_on,
            jobs_suffice: self.jobs_suffice,
            more_jobs: !self.pages.is_one(),
            waits: asks_reviews && self.seen.state == RemoteState::Waiting,
            log: next_log(self).is_some(),
        }
    }

    /// Takes down what its host was asked at a time since it was asked before.
    pub(super) fn took(&mut self, host: &Host, at: Duration) {
        self.asked(host, at, false);
    }

    /// The same of what came of what a person did.
    pub(super) fn acted(&mut self, host: &Host) {
        self.asked(host, self.began.elapsed(), true);
    }

    fn asked(&mut self, host: &Host, at: Duration, acted: bool) {
        let counted = host.counted();
        self.pace.took(at, counted.saturating_sub(self.counted), acted);
        self.counted = counted;
    }

    /// What there is to say of it: since when it was not seen, or what it waits for, what came of the answer to that, and
    /// why it could not be told to cancel.
    pub(super) fn to_say(&self) -> String {
        let stands = if self.unseen.is_empty() { &self.waits } else { &self.unseen };
        let deaf =
            if self.deaf.is_empty() { String::new() } else { format!("{}: {}", Remote::UNTOLD, self.deaf) };
        let all = [stands.as_str(), &self.refused, &deaf];
        all.into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// Tells whether it ends this once it takes too long: not where it is to end anyway.
    pub(super) fn may_time_out(&self) -> bool {
        self.stop.is_none() || self.refused_stop && self.stop != Some(Why::Timeout)
    }

    /// Keeps away as long as its host asks for that; whether it does.
    pub(super) fn keep_away(&mut self, lost: &Lost) -> bool {
        let wait = lost.away();
        if wait.is_zero() {
            return false;
        }
        self.away_until = self.away_until.max(Some(Instant::now() + wait.min(LIMITED)));
        true
    }

    /// How much longer its host wants to be left alone.
    pub(super) fn away(&self) -> Duration {
        self.away_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    pub(super) fn record(&self, plan: &str) -> PipelineSeen {
        let shown = |text: &str| visible(text).into_owned();
        PipelineSeen {
            plan: plan.to_owned(),
            step: self.index,
            run: self.run.to_owned(),
            id: shown(&self.seen.id),
            name: shown(&self.seen.name),
            url: if is_page(&self.seen.url) { self.seen.url.clone() } else { String::new() },
            commit: self.commit.clone(),
            attempt: self.seen.attempt,
            state: self.seen.state,
            asks: self.reviews.iter().any(Review::asks),
            note: self.note.clone(),
            ids: self.ids(),
        }
    }

    pub(super) fn line(&self) -> String {
        let note = if self.note.is_empty() { String::new() } else { format!(" {}", self.note) };
        format!("{} {}{note}", self.seen.name, self.seen.state.word())
    }

    /// What the end of it means for the step.
    pub(super) fn end(&self, took: Duration, pipeline: &Pipeline) -> Finished {
        let name = visible(&self.seen.name);
        let took = spelled(took);
        let place = if self.seen.url.is_empty() { String::new() } else { format!(": {}", self.seen.url) };
        let failed: Vec<String> = self
            .jobs
            .iter()
            .filter(|job| !job.may_fail && matches!(job.state, RemoteState::Failed | RemoteState::TimedOut))
            .map(|job| {
                let step = job.steps.iter().find(|step| step.state == RemoteState::Failed);
                let step = step.map_or_else(String::new, |step| format!(" at {}", visible(&step.name)));
                format!("{}{step}", visible(&job.name))
            })
            .collect();
        let in_jobs = match failed.as_slice() {
            [] => String::new(),
            [one] => format!(" in {one}"),
            [one, rest @ ..] => format!(" in {one} and {} more", rest.len()),
        };
        let state = self.seen.state;
        let mut finished = match state {
            _ if !self.wrong.is_empty() => {
                let why = format!("{}; it {}{place}", self.wrong, state.word());
                Finished::with(Outcome::Failed { why })
            }
            RemoteState::Succeeded => met(format!("{name} succeeded in {took}{place}")),
            RemoteState::Failed | RemoteState::TimedOut | RemoteState::Cancelled | RemoteState::Skipped => {
                let nothing = if state == RemoteState::Skipped { ", so nothing was deployed" } else { "" };
                let why = format!("{name} {}{in_jobs}{nothing}{place}", state.word());
                Finished::with(Outcome::Failed { why })
            }
            _ => {
                let said = visible(&self.seen.said);
                let why = format!("{name} {} ({said}) at {}{place}", state.word(), pipeline.host());
                Finished::with(Outcome::Unknown { why })
            }
        };
        finished.stopped.clone_from(&self.stop);
        finished.signalled = self.stop.is_some();
        finished
    }
}

//! When a host is asked again, and what for. Pure.
//!
//! There is a turn an interval. A turn asks how the run stands, if that is due, and goes on asking until an answer counts:
//! one that says that nothing has changed (304) does not, at GitHub not against its limit either. So no more than
//! [`MOST`] questions count in as many intervals, 12 a minute, and whatever else is asked, such as for what a job printed,
//! never puts off the question how the run stands. What a person does comes on top: it counts, so that what is asked beside
//! waits for it, and puts off no look either.

use std::collections::VecDeque;
use std::time::Duration;

/// Most questions in as many intervals.
const MOST: u32 = 12;
/// Most requests in one turn, whatever is answered.
pub(super) const TURN: usize = 3;
/// How many turns lie between two looks at a run that has not moved for so long.
const PATIENT: [(Duration, u32); 3] =
    [(Duration::from_secs(60), 1), (Duration::from_secs(300), 2), (Duration::MAX, 4)];
/// How many turns lie between two questions for what a run waits for.
const REVIEWS: u32 = 3;

/// What a host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// How the run stands.
    Run,
    /// A page of its jobs.
    Jobs,
    /// What it waits for.
    Reviews,
    /// What a job printed.
    Log,
}

/// What is known of a run that decides what to ask next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// It may have jobs.
    pub(super) begun: bool,
    /// Its jobs say how it stands while it goes on, or nothing is known of them yet.
    pub(super) jobs_tell: bool,
    /// The answer for its jobs says how it stands itself.
    pub(super) jobs_suffice: bool,
    /// Only some pages of its jobs are read.
    pub(super) more_jobs: bool,
    /// It waits for what has to be asked for.
    pub(super) waits: bool,
    /// What a job printed is to be fetched.
    pub(super) log: bool,
}

/// Questions that were asked at a time.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at: Duration,
    /// How many of them count.
    counted: u32,
    /// They came of what a person did.
    acted: bool,
}

/// What was asked of a host about one run, and when, counted from the first turn.
#[derive(Debug, Default)]
pub(super) struct Pace {
    asked: VecDeque<Asked>,
    /// Turns since the last one that asked how it stands.
    rested: u32,
    /// Turns that asked how it stands and came to no question for its jobs.
    without_jobs: u32,
    /// Turns since it was asked what the run waits for.
    without_reviews: Option<u32>,
    /// Turns in which nobody came to ask that, though it waits.
    unasked: u32,
}

impl Pace {
    /// What this turn asks, in order, until an answer counts, of a run that has not moved for so long.
    pub(super) fn turn(&mut self, still: Duration, known: Known) -> Vec<Question> {
        let times = PATIENT.iter().find(|(longest, _)| still < *longest).map_or(1, |(_, times)| *times);
        self.rested += 1;
        let is_due = self.rested >= times;
        let mut questions = Vec::new();
        if !known.waits {
            self.waits_anew();
        }
        let old = self.without_reviews.map(|turns| turns + 1);
        self.without_reviews = old;
        if is_due {
            self.rested = 0;
            // Beside how it stands there was no room to ask what for.
            if known.waits && old.is_none() {
                if self.unasked > 0 {
                    questions.push(Question::Reviews);
                }
                self.unasked += 1;
            }
            let starved = self.without_jobs >= if known.jobs_tell { 1 } else { 2 };
            questions.extend(
                match known {
                    Known { begun: false, .. } => [Some(Question::Run), None],
                    Known { jobs_suffice: true, .. } => [Some(Question::Jobs), None],
                    _ if starved => [Some(Question::Jobs), Some(Question::Run)],
                    _ => [Some(Question::Run), Some(Question::Jobs)],
                }
                .into_iter()
                .flatten(),
            );
            self.without_jobs += u32::from(known.begun);
        } else if known.more_jobs {
            questions.push(Question::Jobs);
        }
        if known.waits && old.is_some_and(|turns| turns >= REVIEWS) {
            // At GitLab that may be several requests: its jobs can wait for the next turn.
            questions.insert(questions.len().min(1), Question::Reviews);
        }
        if known.log {
            questions.push(Question::Log);
        }
        questions.truncate(TURN);
        questions
    }

    /// Takes down that this was asked.
    pub(super) fn asks(&mut self, question: Question) {
        match question {
            Question::Jobs => self.without_jobs = 0,
            Question::Reviews => (self.without_reviews, self.unasked) = (Some(0), 0),
            Question::Run | Question::Log => {}
        }
    }

    /// Tells whether nobody asked yet what it waits for.
    pub(super) fn waits_unasked(&self) -> bool {
        self.without_reviews.is_none()
    }

    /// Takes down that what it waits for is another matter by now.
    pub(super) fn waits_anew(&mut self) {
        (self.without_reviews, self.unasked) = (None, 0);
    }

    /// Takes down how many questions counted at a time. `acted`: they came of what a person did.
    pub(super) fn took(&mut self, at: Duration, counted: u32, acted: bool) {
        if counted > 0 {
            self.asked.push_back(Asked { at, counted, acted });
        }
        while self.asked.len() > 4 * MOST as usize {
            self.asked.pop_front();
        }
    }

    /// How many questions may be asked now beside the one how it stands.
    pub(super) fn room(&self, at: Duration, interval: Duration) -> u32 {
        self.left(at, interval, |_| true)
    }

    /// When it may be asked how it stands, no earlier than that.
    pub(super) fn free(&self, at: Duration, interval: Duration) -> Duration {
        let ends = self.asked.iter().map(|asked| asked.at + interval * MOST);
        std::iter::once(at)
            .chain(ends.filter(|end| *end > at))
            .find(|at| self.left(*at, interval, |asked| !asked.acted) > 0)
            .unwrap_or(at)
    }

    fn left(&self, at: Duration, interval: Duration, counts: fn(&Asked) -> bool) -> u32 {
        let within = self.asked.iter().filter(|asked| asked.at + interval * MOST > at && counts(asked));
        MOST.saturating_sub(within.map(|asked| asked.counted).sum())
    }
}

#[cfg(test)]
mod tests;

//! When a host is asked again, and what for. Pure.
//!
//! One question an interval tells how a run stands. What else is asked, such as for what a job printed, comes out of the
//! same allowance, so that a run never costs more than [`MOST`] questions in as many intervals: 12 a minute.

use std::collections::VecDeque;
use std::time::Duration;

use crate::deploy::pipeline::Job;

/// Most questions in as many intervals.
const MOST: u32 = 12;
/// How many of its intervals lie between two looks at a run that has not moved for so long.
const PATIENT: [(Duration, u32); 3] =
    [(Duration::from_secs(60), 1), (Duration::from_secs(300), 2), (Duration::MAX, 4)];
/// How many looks at the jobs lie between two at the run itself.
const JOBS: u32 = 6;

/// What was asked of a host about one run, and when, counted from the first look.
#[derive(Debug, Default)]
pub(super) struct Pace {
    asked: VecDeque<(Duration, u32)>,
}

impl Pace {
    /// Takes down that so many questions were asked.
    pub(super) fn took(&mut self, at: Duration, questions: u32) {
        self.asked.push_back((at, questions));
        while self.asked.len() > MOST as usize {
            self.asked.pop_front();
        }
    }

    /// How many questions may be asked now.
    pub(super) fn room(&self, at: Duration, interval: Duration) -> u32 {
        MOST.saturating_sub(self.used(at, interval))
    }

    /// How many questions were asked in the intervals before a time.
    fn used(&self, at: Duration, interval: Duration) -> u32 {
        let within = self.asked.iter().filter(|(asked, _)| *asked + interval * MOST > at);
        within.map(|(_, questions)| questions).sum()
    }

    /// How long to wait before so many questions are asked next, of a run that has not moved for so long.
    pub(super) fn pause(&self, now: Duration, still: Duration, interval: Duration, next: u32) -> Duration {
        let times = PATIENT.iter().find(|(longest, _)| still < *longest).map_or(1, |(_, times)| *times);
        let mut at = now + interval * times;
        let mut waiting = self.asked.iter();
        while self.room(at, interval) < next.min(MOST) {
            let Some((oldest, _)) = waiting.next() else { break };
            at = at.max(*oldest + interval * MOST);
        }
        at.saturating_sub(now)
    }
}

/// What a look asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// The run; its jobs only where that tells something new.
    Run,
    /// Its jobs, which say how it stands while they go on.
    Jobs,
    /// Both.
    Both,
}

/// What the look of a number asks for, counted from 0. `pages`: how many questions its jobs took.
pub(super) fn ask(look: u32, jobs: &[Job], pages: u32) -> Ask {
    if jobs.is_empty() {
        return Ask::Run;
    }
    // A large matrix takes a question a hundred jobs: the run itself says in one how it stands.
    if pages > 1 {
        return if look.is_multiple_of(JOBS) { Ask::Both } else { Ask::Run };
    }
    match (jobs.iter().any(|job| !job.state.is_over()), look.is_multiple_of(JOBS)) {
        (true, false) => Ask::Jobs,
        (true, true) => Ask::Run,
        // Between two jobs: it may be over, or the next one begins.
        (false, _) => {
            if look.is_multiple_of(2) {
                Ask::Both
            } else {
                Ask::Run
            }
        }
    }
}

/// Tells whether what it waits for is asked for: where that is not known, and now and then.
pub(super) fn asks_reviews(look: u32, known: bool) -> bool {
    !known || look.is_multiple_of(JOBS / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::RemoteState;

    const INTERVAL: Duration = Duration::from_secs(5);

    /// Looks at a run that moves all the time, where so many jobs end at each look: what they printed is fetched one by one,
    /// where there is room. When each look was, and what was asked.
    fn looks(minutes: u64, ended: impl Fn(usize) -> u32) -> Vec<(Duration, u32)> {
        let (mut pace, mut now, mut logs, mut all) = (Pace::default(), Duration::ZERO, 0, Vec::new());
        while now < Duration::from_secs(60 * minutes) {
            logs += ended(all.len());
            let log = u32::from(logs > 0 && pace.room(now, INTERVAL) > 1);
            logs -= log;
            pace.took(now, 1 + log);
            all.push((now, 1 + log));
            now += pace.pause(now, Duration::ZERO, INTERVAL, 1 + u32::from(logs > 0));
        }
        assert_eq!(logs, 0, "all of it is fetched in the end");
        all
    }

    /// The most that was asked in any minute.
    fn busiest(all: &[(Duration, u32)]) -> u32 {
        let minute = Duration::from_secs(60);
        let in_one = |from: Duration| {
            all.iter()
                .filter(|(at, _)| *at >= from && *at < from + minute)
                .map(|(_, questions)| questions)
                .sum()
        };
        all.iter().map(|(at, _)| in_one(*at)).max().unwrap_or(0)
    }

    fn gaps(all: &[(Duration, u32)]) -> Vec<Duration> {
        all.windows(2).map(|two| two[1].0.saturating_sub(two[0].0)).collect()
    }

    #[test]
    fn a_run_that_moves_is_seen_every_interval_with_twelve_questions_a_minute() {
        let all = looks(30, |_| 0);
        assert!(gaps(&all).iter().all(|gap| *gap == INTERVAL), "a change is seen within one interval");
        assert_eq!(busiest(&all), MOST);
    }

    #[test]
    fn what_jobs_printed_comes_out_of_the_same_allowance() {
        // Two jobs a minute end.
        let all = looks(30, |look| u32::from(look % 6 == 5 && look < 300));
        assert!(busiest(&all) <= MOST, "{}", busiest(&all));
        let late = gaps(&all).into_iter().filter(|gap| *gap > INTERVAL);
        assert!(late.clone().all(|gap| gap <= INTERVAL * 3), "{:?}", late.max());
        // All at once, as at the first look.
        let all = looks(10, |look| if look == 0 { 20 } else { 0 });
        assert!(busiest(&all) <= MOST, "{}", busiest(&all));
    }

    #[test]
    fn what_stands_still_is_asked_less_often() {
        let pause = |still| Pace::default().pause(Duration::ZERO, Duration::from_secs(still), INTERVAL, 1);
        assert_eq!((pause(0), pause(90), pause(900)), (INTERVAL, INTERVAL * 2, INTERVAL * 4));
    }

    #[test]
    fn one_question_a_look_tells_how_a_run_stands() {
        let job = |state| Job {
            id: "1".to_owned(),
            name: "deploy".to_owned(),
            stage: String::new(),
            state,
            started: None,
            ended: None,
            may_fail: false,
            steps: Vec::new(),
        };
        let (going, over) = ([job(RemoteState::Running)], [job(RemoteState::Succeeded)]);
        assert!((1..60).all(|look| ask(look, &[], 0) == Ask::Run), "what is queued has no jobs");
        assert!((1..60).all(|look| ask(look, &going, 1) != Ask::Both));
        assert_eq!(ask(6, &going, 1), Ask::Run, "jobs do not tell that it was run again");
        assert!((1..60).all(|look| ask(look, &over, 1) != Ask::Jobs), "only the run says that it is over");
        assert!((1..60).all(|look| ask(look, &going, 10) != Ask::Jobs), "a thousand jobs take ten questions");
    }
}

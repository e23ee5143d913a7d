use super::*;
use Question::{Jobs, Log, Reviews, Run};

const INTERVAL: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);

/// A host, as long as a run goes on there: what it knows changes with the seconds that have passed.
struct Host {
    /// It says so where nothing has changed.
    tags: bool,
    run: fn(u64) -> u64,
    jobs: fn(u64) -> u64,
    /// How many jobs have ended.
    ended: fn(u64) -> u64,
    pages: u64,
}

/// One question: when, what, and whether it counts.
type Asked = (Duration, Question, bool);

impl Host {
    /// Follows a run for so long; what was asked, and how many logs were left to fetch at the end.
    fn follow(&self, minutes: u64) -> (Vec<Asked>, u64) {
        let (mut pace, mut now, mut moved, mut all) =
            (Pace::default(), Duration::ZERO, Duration::ZERO, Vec::new());
        let (mut stands, mut jobs, mut next) = (None, vec![None; self.pages as usize], 0_usize);
        let (mut known_ended, mut fetched) = (0, 0);
        while now < MINUTE * u32::try_from(minutes).unwrap() {
            let at = now.as_secs();
            let known = Known {
                begun: true,
                jobs_tell: self.pages == 1,
                more_jobs: self.pages > 1,
                log: known_ended > fetched,
                ..Known::default()
            };
            let mut counted = 0;
            for question in pace.turn(now.saturating_sub(moved), known) {
                let is_new = match question {
                    Run => stands.replace((self.run)(at)) != Some((self.run)(at)),
                    Jobs => {
                        known_ended = (self.ended)(at);
                        let before = jobs[next].replace((self.jobs)(at));
                        next = (next + 1) % jobs.len();
                        before != Some((self.jobs)(at))
                    }
                    Log | Reviews => {
                        fetched += 1;
                        true
                    }
                };
                if is_new && question != Log {
                    moved = now;
                }
                counted = u32::from(is_new || !self.tags);
                pace.asks(question);
                all.push((now, question, counted == 1));
                if counted == 1 {
                    break;
                }
            }
            pace.took(now, counted, false);
            now = pace.free(now + INTERVAL, INTERVAL);
        }
        (all, (self.ended)(now.as_secs()) - fetched)
    }
}

/// The most that counted in any minute.
fn busiest(all: &[Asked]) -> usize {
    let in_one = |from: Duration| {
        all.iter().filter(|(at, _, counted)| *counted && *at >= from && *at < from + MINUTE).count()
    };
    all.iter().map(|(at, ..)| in_one(*at)).max().unwrap_or(0)
}

/// The longest time between two questions of a kind.
fn gap(all: &[Asked], wanted: &[Question]) -> Duration {
    let of: Vec<Duration> =
        all.iter().filter(|(_, question, _)| wanted.contains(question)).map(|(at, ..)| *at).collect();
    of.windows(2).map(|two| two[1].saturating_sub(two[0])).max().unwrap_or(Duration::MAX)
}

#[test]
fn a_change_is_seen_within_an_interval_and_what_jobs_print_is_fetched_with_twelve_questions_a_minute() {
    // A step of a job ends every 20 s, a job every 30 s, and the run itself changes now and then: half an hour.
    let host = Host { tags: true, run: |at| at / 300, jobs: |at| at / 20, ended: |at| at / 30, pages: 1 };
    let (all, left) = host.follow(30);
    assert_eq!(gap(&all, &[Run, Jobs]), INTERVAL, "how it stands is asked every interval");
    let late =
        all.windows(2).filter(|two| two[0].1 == Run && two[1].1 == Jobs && two[0].0 < two[1].0).count();
    assert!(
        late <= 6,
        "of 360 looks {late} leave it to its jobs how it stands: when it has just changed itself"
    );
    assert!(gap(&all, &[Run]).max(gap(&all, &[Jobs])) <= INTERVAL * 2);
    assert!(busiest(&all) <= 12, "{}", busiest(&all));
    assert!(left <= 1, "{left} logs are left");
    assert!(all.iter().filter(|(_, question, _)| *question == Log).count() >= 59);
}

#[test]
fn where_everything_changes_all_the_time_only_how_it_stands_is_asked() {
    for host in [
        Host { tags: true, run: |at| at, jobs: |at| at, ended: |at| at / 10, pages: 1 },
        Host { tags: false, run: |at| at / 7, jobs: |at| at / 7, ended: |at| at / 10, pages: 1 },
    ] {
        let (all, _) = host.follow(30);
        assert_eq!(gap(&all, &[Run, Jobs]), INTERVAL, "its jobs say how it stands, too");
        assert_eq!((gap(&all, &[Run]), gap(&all, &[Jobs])), (INTERVAL * 2, INTERVAL * 2));
        assert_eq!(busiest(&all), 12);
        assert!(all.iter().all(|(_, question, _)| *question != Log), "it is fetched once nothing moves");
    }
}

#[test]
fn what_stands_still_is_asked_less_often_and_leaves_its_turns_to_logs() {
    // All that happens happens at the beginning, at a host that answers everything in full.
    let host = Host { tags: false, run: |_| 0, jobs: |_| 0, ended: |_| 30, pages: 1 };
    let (all, left) = host.follow(20);
    assert_eq!((left, busiest(&all)), (0, 12));
    let late: Vec<Asked> = all.iter().filter(|(at, ..)| *at > MINUTE * 10).copied().collect();
    assert_eq!(gap(&late, &[Run, Jobs]), INTERVAL * 4);
}

#[test]
fn a_thousand_jobs_are_read_a_page_at_a_time_beside_the_run() {
    let host = Host { tags: true, run: |at| at / 120, jobs: |at| at / 10, ended: |_| 0, pages: 10 };
    let (all, _) = host.follow(30);
    assert_eq!(gap(&all, &[Run]), INTERVAL, "a page of jobs never puts off the run");
    assert!(gap(&all, &[Jobs]) <= INTERVAL * 2 && busiest(&all) <= 12, "{}", busiest(&all));
}

#[test]
fn what_it_waits_for_is_asked_when_it_begins_to_wait_and_now_and_then() {
    let mut pace = Pace::default();
    let known = Known { begun: true, jobs_tell: true, waits: true, ..Known::default() };
    assert_eq!(pace.turn(Duration::ZERO, known)[0], Run, "whether it waits comes first");
    assert_eq!(pace.turn(Duration::ZERO, known)[0], Reviews, "there was no room to ask at once");
    pace.asks(Reviews);
    let turns: Vec<bool> = (0..4).map(|_| pace.turn(Duration::ZERO, known).contains(&Reviews)).collect();
    assert_eq!(turns, [false, false, true, true], "and never before how it stands");
    pace.turn(Duration::ZERO, Known { waits: false, ..known });
    pace.turn(Duration::ZERO, known);
    assert_eq!(pace.turn(Duration::ZERO, known)[0], Reviews, "it waits for something else");
}

#[test]
fn what_a_person_does_comes_on_top_and_puts_off_no_look() {
    let mut pace = Pace::default();
    (0..12).for_each(|turn| pace.took(INTERVAL * turn, 1, false));
    let next = INTERVAL * 12;
    assert_eq!((pace.free(next, INTERVAL), pace.room(next, INTERVAL)), (next, 1));
    // A hundred jobs were force-cancelled.
    pace.took(INTERVAL * 11, 100, true);
    assert_eq!((pace.free(next, INTERVAL), pace.room(next, INTERVAL)), (next, 0), "what comes beside waits");
    assert_eq!(pace.room(INTERVAL * 11 + MINUTE, INTERVAL), 12);
}

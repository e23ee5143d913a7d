//! Who does what until when, and what was proposed: what is left of it at a time. Nothing here is on record;
//! it follows from the record and the time.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::body::{CheckState, PlanEnd, WatchVerdict};
use super::clocks::{Clock, ClockState, clocks, needs_hotfix};
use super::next::{Facts, Next, production};
use super::policy::Policy;
use super::state::{FollowUp, Motion, Offer, OfferEnd, PlanRun, PlanState, Snooze, State, Status, Task};
use super::time::duration;
use super::timeline::Entry;
use super::wording::FILED;
use crate::text::markdown::inline;

/// A task as somebody types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskTyped {
    /// Who does it.
    pub owner: String,
    /// What is to be done.
    pub text: String,
    /// When they report back; `None`: nothing was said.
    pub within: Option<SignedDuration>,
}

/// Reads `omar: check the pool, back in 10m`.
///
/// # Errors
/// Nobody is named, or nothing is to be done: says what to write.
pub fn parse_task(text: &str) -> Result<TaskTyped, String> {
    let how = "write who: what, back in 10m";
    let (owner, rest) = text.split_once(':').ok_or(how)?;
    let owner = owner.trim();
    let (text, within) = match rest.trim().rsplit_once([',', ';']) {
        Some((text, time)) => match length(time) {
            Some(within) => (text.trim(), Some(within)),
            None => (rest.trim(), None),
        },
        None => (rest.trim(), None),
    };
    if owner.is_empty() || owner.contains(',') || text.is_empty() {
        return Err(how.to_owned());
    }
    Ok(TaskTyped { owner: owner.to_owned(), text: text.to_owned(), within })
}

/// Reads `10m`, `back in 10 min`, `1h`, `90 seconds`; nothing shorter than a second, nor longer than a week.
pub fn length(text: &str) -> Option<SignedDuration> {
    let text = text.trim().to_lowercase();
    let bare = ["back in ", "within ", "in ", "for "].into_iter().find_map(|start| text.strip_prefix(start));
    let found: SignedDuration = bare.unwrap_or(&text).trim().parse().ok()?;
    let week = SignedDuration::from_hours(24 * 7);
    (SignedDuration::from_secs(1)..=week).contains(&found).then_some(found)
}

/// So many follow-ups are named where they are said in a line.
const NAMED: usize = 3;

impl State {
    /// The roles that were offered and wait for an answer, oldest first.
    pub fn open_offers(&self) -> impl DoubleEndedIterator<Item = &Offer> {
        self.offers.iter().filter(|offer| offer.end == OfferEnd::Open)
    }

    /// The tasks that somebody is at, those that are back first in front.
    pub fn open_tasks(&self) -> Vec<&Task> {
        let mut open: Vec<&Task> = self.tasks.iter().filter(|task| task.end.is_none()).collect();
        open.sort_by_key(|task| (task.until, task.at));
        open
    }

    /// The reminder of a clock that is put off now, if it is.
    pub fn snoozed(&self, clock: &str, now: Timestamp) -> Option<&Snooze> {
        self.snoozes.iter().rfind(|one| one.clock == clock).filter(|one| now < one.until)
    }

    /// What is left to do after the incident, oldest first.
    pub fn open_follow_ups(&self) -> impl Iterator<Item = &FollowUp> {
        self.follow_ups.iter().filter(|one| one.end.is_none())
    }

    /// The same in a line: `alert on the pool (li, due 2026-12-05); 2 more`; empty: nothing is.
    pub fn follow_ups_open(&self) -> String {
        let said = |one: &FollowUp| {
            let due = one.due.map(|due| format!("due {due}"));
            let owner = Some(one.owner.clone()).filter(|owner| !owner.is_empty());
            let who: Vec<String> = owner.into_iter().chain(due).collect();
            if who.is_empty() { one.text.clone() } else { format!("{} ({})", one.text, who.join(", ")) }
        };
        let mut all: Vec<String> = self.open_follow_ups().map(said).collect();
        let more = all.len().saturating_sub(NAMED);
        all.truncate(NAMED);
        all.extend((more > 0).then(|| format!("{more} more")));
        all.join("; ")
    }

    /// When the review was held, if it was since the incident was resolved.
    pub fn reviewed_at(&self) -> Option<Timestamp> {
        let over = self.resolved_at?;
        self.reviews.iter().map(|review| review.at).find(|at| *at >= over)
    }

    /// What was proposed and is not decided, oldest first.
    pub fn open_motions(&self) -> impl Iterator<Item = &Motion> {
        self.motions.iter().filter(|motion| motion.decided.is_none())
    }
}

impl Motion {
    /// Tells whether objections are no longer waited for.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// How it stands: `nobody objected, 2m left`, `omar objects`.
    pub fn standing(&self, now: Timestamp) -> String {
        let who: Vec<&str> = self.objections.iter().map(|one| one.by.as_str()).collect();
        let objections = match who.as_slice() {
            [] => "nobody objected".to_owned(),
            [one] => format!("{one} objects"),
            many => format!("{} object", many.join(", ")),
        };
        if self.is_due(now) {
            return objections;
        }
        format!("{objections}, {} left", duration(self.until.duration_since(now)))
    }
}

/// Every clock of an incident, those of its tasks and proposals as well, most urgent first.
pub fn all_clocks(state: &State, policy: &Policy, now: Timestamp) -> Vec<Clock> {
    let mut all = clocks(state, policy, now);
    all.extend(team_clocks(state, now));
    all.sort_by_key(|clock| (clock.state.urgency(), clock.due_at));
    all
}

/// The clocks of tasks that somebody is at, and of proposals that objections are heard to.
fn team_clocks(state: &State, now: Timestamp) -> Vec<Clock> {
    if !state.is_open() {
        return Vec::new();
    }
    let clock = |id: &str, title: String, from, due_at| {
        let state = if now > due_at { ClockState::Overdue } else { ClockState::Running };
        Clock { id: id.to_owned(), title, from, due_at, met_at: None, stopped_at: None, missed: 0, state }
    };
    let tasks = state.open_tasks();
    let tasks =
        tasks.iter().map(|task| clock("task", format!("{}: {}", task.owner, task.text), task.at, task.until));
    let motions = state.open_motions().filter(|motion| motion.objections.is_empty());
    let motions = motions
        .map(|motion| clock("proposal", format!("objections to “{}”", motion.text), motion.at, motion.until));
    tasks.chain(motions).collect()
}

/// What is left of a time, or how long ago it ran out: `4m left`, `2m late`.
pub fn time_left(until: Timestamp, now: Timestamp) -> String {
    let left = until.duration_since(now);
    if left.is_negative() { format!("{} late", duration(-left)) } else { format!("{} left", duration(left)) }
}

/// What somebody who takes over has to know, as Markdown: how it stands, what was done and decided, what is
/// under way and due, and what is odd.
pub fn brief(state: &State, policy: &Policy, facts: &Facts, next: &[Next], now: Timestamp) -> String {
    let mut text = String::new();
    // It is read later than it was written: times, not how long from now.
    let time = |at: Timestamp| {
        let format = if now.duration_since(at).abs() < SignedDuration::from_hours(12) {
            "%H:%M UTC"
        } else {
            "%-d %b %H:%M UTC"
        };
        at.strftime(format).to_string()
    };
    let began = time(state.started_at);
    let status = match (state.status, state.mitigated_at, state.resolved_at) {
        (Status::Mitigated, Some(at), _) => format!("mitigated {} (began {began})", time(at)),
        (Status::Resolved, _, Some(at)) => format!("resolved {} (began {began})", time(at)),
        (status, ..) => format!("{} since {began}", status.name()),
    };
    let severity = policy.severity_name(state.severity);
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{words}");
    };
    let title = inline(&state.title);
    line(format_args!("**{} {severity} {status}: {title}**", state.number));
    line(format_args!(""));
    let said = |text: &str, otherwise: &str| {
        if text.is_empty() { otherwise.to_owned() } else { inline(text) }
    };
    if let [.., (_, before, _), (_, _, reason)] = state.severities.as_slice() {
        let because = if reason.is_empty() { String::new() } else { format!(": {}", inline(reason)) };
        line(format_args!("- Severity: {severity}, was {}{because}", policy.severity_name(*before)));
    }
    line(format_args!("- Impact: {}", said(&state.impact, "not written down yet")));
    line(format_args!("- Cause: {}", said(&state.cause, "not known yet")));
    let failing: Vec<&str> = state
        .alarms
        .iter()
        .filter(|(_, alarm)| !["ok", "warn", "pending", ""].contains(&alarm.state.as_str()))
        .map(|(probe, _)| probe.as_str())
        .collect();
    if let Some(name) = production(facts) {
        let health = match facts.healthy {
            Some(true) if facts.warning.is_empty() => "is up",
            Some(true) => "is up, with warnings",
            Some(false) if facts.down => "is down",
            Some(false) => "is degraded",
            None => "is unknown",
        };
        let release = state.releases.iter().rev().find(|release| release.environment == name);
        let version = release.map_or_else(String::new, |live| {
            let verdict = live.verdict.as_ref().map_or("not watched", |(_, verdict, _)| match verdict {
                WatchVerdict::Passed => "passed its watch",
                WatchVerdict::Failed => "failed its watch",
                WatchVerdict::Unknown => "its watch could not tell",
            });
            format!(". Live is {} ({verdict})", inline(&live.name()))
        });
        let mut first = inline(name);
        if let Some(letter) = first.get_mut(..1) {
            letter.make_ascii_uppercase();
        }
        line(format_args!("- {first} {health}{version}"));
    }
    let here: Vec<&str> = facts.failing.iter().map(String::as_str).collect();
    if !here.is_empty() {
        let place = production(facts).unwrap_or("production");
        line(format_args!("- Failing in {}: {}", inline(place), inline(&here.join(", "))));
    }
    let elsewhere: Vec<&str> = failing.into_iter().filter(|probe| !here.contains(probe)).collect();
    if !elsewhere.is_empty() {
        let word = if here.is_empty() { "Failing" } else { "Failing elsewhere" };
        line(format_args!("- {word}: {}", inline(&elsewhere.join(", "))));
    }
    let late: Vec<String> = clocks(state, policy, now)
        .into_iter()
        .filter(|clock| clock.state == ClockState::Overdue)
        .map(|clock| format!("{} since {}", inline(clock.title.trim_end_matches(" due")), time(clock.due_at)))
        .collect();
    if !late.is_empty() {
        line(format_args!("- Overdue: {}", late.join(", ")));
    }
    let roles: Vec<String> = state
        .roles
        .iter()
        .map(|(role, person)| format!("{} ({})", inline(person), policy.role_title(role)))
        .collect();
    line(format_args!(
        "- People: {}",
        if roles.is_empty() { "no roles yet".to_owned() } else { roles.join(", ") }
    ));
    let said_by_people = |kind: &str| -> Vec<String> {
        let of = |entry: &Entry<'_>| entry.name == kind && entry.retracted.is_none();
        let all: Vec<String> = state.timeline.iter().filter(of).map(|entry| inline(entry.text)).collect();
        all.into_iter().rev().take(LAST).rev().collect()
    };
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            line(format_args!("\n{title}:"));
            for one in lines {
                line(format_args!("- {one}"));
            }
        }
    };
    let tried =
        state.plans.iter().filter(|plan| !["test", "smoke", "watch"].contains(&plan.purpose.as_str()));
    // What changed production is told in any case; what prepared it is left out first.
    let changed =
        |plan: &PlanRun| plan.is_production() || ["rollback", "flag"].contains(&plan.purpose.as_str());
    let prepares = |plan: &PlanRun| ["bump", "push"].iter().any(|kind| plan.id.starts_with(kind));
    let mut tried: Vec<&PlanRun> = tried.collect();
    for is_dropped in [&prepares as &dyn Fn(&PlanRun) -> bool, &|plan: &PlanRun| !changed(plan)] {
        let mut too_many = tried.len().saturating_sub(LAST);
        tried.retain(|plan| {
            let drop = too_many > 0 && is_dropped(plan);
            too_many -= usize::from(drop);
            !drop
        });
    }
    let tried: Vec<String> = tried
        .into_iter()
        .map(|plan| match plan.state {
            PlanState::Waiting => format!("{}: waits for a person", inline(&plan.title)),
            PlanState::Ended(end) if plan.was_undone() && end != PlanEnd::Done => {
                format!("{}: {}, then undone", inline(&plan.title), plan.state.word())
            }
            state => format!("{}: {}", inline(&plan.title), state.word()),
        })
        .collect();
    list("Done so far", tried);
    // What goes into the backlog was decided of a lesser severity.
    let stands = |text: &String| text != FILED || !needs_hotfix(policy, state.severity);
    list("Decided", said_by_people("decision").into_iter().filter(stands).collect());
    list("Found out", said_by_people("finding"));
    list("Odd", said_by_people("problem"));
    let tasks = state.open_tasks();
    list(
        "Under way",
        tasks
            .iter()
            .map(|task| {
                format!("{}: {} (until {})", inline(&task.owner), inline(&task.text), time(task.until))
            })
            .collect(),
    );
    let open = |item: &&String| state.ticks.get(*item).is_none_or(|tick| tick.state == CheckState::Open);
    let given = state.assigned.iter().filter(|(item, _)| open(item));
    list(
        "To be looked at",
        given.map(|(item, to)| format!("{}: {}", inline(policy.role_title(to)), inline(item))).collect(),
    );
    let failed = state.ticks.values().filter(|tick| tick.state == CheckState::Failed);
    list("Failed in the checklist", failed.map(|tick| inline(&tick.title)).collect());
    if state.status != Status::Closed {
        list("Next", next.iter().take(LAST).map(|next| inline(&next.title)).collect());
    }
    text
}

/// This many lines of a kind are told.
const LAST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_says_who_what_and_how_long() {
        let read = |text: &str| parse_task(text).map(|task| (task.owner, task.text, task.within));
        let minutes = |n| Some(SignedDuration::from_mins(n));
        for (typed, owner, text, within) in [
            ("omar: check the pool, back in 10 min", "omar", "check the pool", minutes(10)),
            ("Li Wei: read the logs, 1h", "Li Wei", "read the logs", minutes(60)),
            ("omar: call the bank, then write it down", "omar", "call the bank, then write it down", None),
            ("omar: restart: first one pod; within 5 minutes", "omar", "restart: first one pod", minutes(5)),
        ] {
            assert_eq!(read(typed), Ok((owner.to_owned(), text.to_owned(), within)), "{typed}");
        }
        for typed in ["", "check the pool", ": check", "omar:", "omar, check: the pool"] {
            assert!(read(typed).is_err(), "{typed}");
        }
        assert_eq!(length("0s"), None);
        assert_eq!(length("-5m"), None);
        assert_eq!(length("8d"), None);
    }
}

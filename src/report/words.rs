//! How a report says things: times, lengths of time, kinds of entries, what a plan did.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::links;
use crate::incident::{self, Clock, Entry, Outcome, PlanRun, Policy, Release, Role, State, duration};
use crate::text::markdown::inline;

/// A time in a sentence, where the day is known: `14:02`.
pub(super) fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
}

/// A day: `2026-11-28`, as dates are written everywhere in a report.
pub(super) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

/// A time for a reader who has that of something else before: the day is said where it is another.
pub(super) fn clock_after(before: Timestamp, at: Timestamp) -> String {
    if day(before) == day(at) {
        return clock(at);
    }
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string()
}

/// From when to when something went on: `14:02–14:31`, and `at 14:02` where it was over within the minute.
pub(super) fn during(from: Timestamp, to: Timestamp) -> String {
    let (began, ended) = (clock(from), clock_after(from, to));
    if began == ended { format!("at {began}") } else { format!("{began}–{ended}") }
}

/// When something was, in a sentence: `at 14:02 UTC`, `on 2026-11-29 at 14:02 UTC`.
pub(super) fn when(before: Timestamp, at: Timestamp) -> String {
    if day(before) == day(at) {
        return format!("at {} UTC", clock(at));
    }
    format!("on {} at {} UTC", day(at), clock(at))
}

/// A time in a sentence, in full.
pub(super) fn utc(at: Timestamp) -> String {
    format!("{} UTC", spell(at))
}

/// A time in a column that says it is UTC, to the second.
pub(super) fn spell(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long something took, or has taken so far.
pub(super) fn took(from: Timestamp, to: Option<Timestamp>, now: Timestamp) -> String {
    match to {
        Some(to) => between(from, to),
        // The times of different people may differ by what their clocks do.
        None => format!("{} so far", duration(now.duration_since(from).max(SignedDuration::ZERO))),
    }
}

/// How long it was from one time to another. What ends before it begins is said to, with both times: one of
/// them is wrong, and nobody knows which.
pub(super) fn between(from: Timestamp, to: Timestamp) -> String {
    let length = to.duration_since(from);
    if length.is_negative() { impossible(from, to) } else { duration(length) }
}

/// What stands in place of a length that cannot be; Markdown.
pub(super) fn impossible(from: Timestamp, to: Timestamp) -> String {
    format!("**invalid**: ends at {}, before it begins at {}", second(from, to), second(to, from))
}

/// A time to the second, with its day where the other one has another.
pub(super) fn second(before: Timestamp, at: Timestamp) -> String {
    let format = if day(before) == day(at) { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// A length of time in a sentence, to the nearest minute: `47 minutes`, `2 hours 5 minutes`.
pub(crate) fn spoken(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let minutes = (seconds + 30) / 60;
    let (large, small) = match minutes {
        _ if seconds < 60 => ((seconds, "second"), (0, "")),
        0..60 => ((minutes, "minute"), (0, "")),
        60..1440 => ((minutes / 60, "hour"), (minutes % 60, "minute")),
        _ => ((minutes / 1440, "day"), (minutes % 1440 / 60, "hour")),
    };
    let said = |(n, unit): (i64, &str)| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    if small.0 == 0 { said(large) } else { format!("{} {}", said(large), said(small)) }
}

/// What somebody wrote as the end of a sentence of ours: one line, with a full stop.
pub(super) fn ending(text: &str) -> String {
    let text = inline(text);
    if text.ends_with(['.', '!', '?', '…']) { text } else { format!("{text}.") }
}

/// What somebody wrote as sentences: a capital letter, and a full stop.
pub(super) fn sentences(text: &str) -> String {
    let text = opened(text);
    // A number alone in its line would begin a list.
    let is_number = text.lines().last().is_some_and(|line| line.chars().all(|c| c.is_ascii_digit()));
    let open = !is_number && text.ends_with(|c: char| c.is_alphanumeric() || c == ')');
    if open { format!("{text}.") } else { text }
}

/// What somebody wrote with a capital letter, unless it begins with a name: one that is written small stays so,
/// as `db-2`, `pool.md`, `omar:`.
pub(super) fn opened(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.chars().all(char::is_alphabetic) { capitalised(text) } else { text.to_owned() }
}

/// What somebody wrote inside a sentence of ours.
pub(super) fn inside(text: &str) -> String {
    inline(text.trim().trim_end_matches('.'))
}

/// What a watch or a plan came to, inside a sentence of ours: the finding alone. The figures that it was
/// found by, and what was looked at for how long, are in the log.
pub(super) fn finding(why: &str) -> String {
    let why = incident::finding(why);
    let (undone, why) = match why.strip_prefix("undone, ").and_then(|rest| rest.split_once(": ")) {
        Some((how, why)) => (Some(how), why),
        None => (None, why),
    };
    let (step, found) = why.split_once(" failed: ").unwrap_or(("", why));
    let watched = ["hold at ", "look at ", "watch "].iter().any(|verb| step.starts_with(verb));
    let found = inside(if watched { found } else { why });
    undone.map_or(found.clone(), |how| format!("{found}; undone, {}", inside(how)))
}

/// Why a plan ended, with the last words of the command that failed: they say why it was refused.
pub(super) fn why_ended(plan: &PlanRun) -> String {
    let why = finding(&plan.why);
    let failed = |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Exited { code }) if *code != 0);
    let run = plan.steps.iter().rev().filter_map(|step| step.run.as_ref()).find(|run| failed(&run.outcome));
    let said = run.map(|run| inside(&run.summary)).unwrap_or_default();
    // What was undone after it has the last word.
    let is_last = why.contains(" exited ") && !plan.why.starts_with("undone, ");
    if said.is_empty() || !is_last || why.contains(&said) { why } else { format!("{why}: {said}") }
}

/// The commits that a plan brought, as its notes name them, and how many more there are. Markdown.
pub(super) fn brought(plan: &PlanRun) -> String {
    let commits: Vec<String> = plan.brought().into_iter().map(inline).collect();
    let is_rest = |last: &String| last.starts_with("and ") && last.ends_with(" more");
    match commits.as_slice() {
        [all @ .., last] if is_rest(last) => format!("{} {last}", all.join(", ")),
        all => listed(all),
    }
}

/// What a plan fixed, by the subject of the first commit that says so, or of the only one; Markdown.
pub(super) fn fix(plan: &PlanRun) -> Option<String> {
    let commits = plan.brought();
    let subjects = || {
        let whole = commits.iter().filter_map(|line| line.split_once(' '));
        whole.map(|(_, rest)| rest.rsplit_once(" (").map_or(rest, |(subject, _)| subject))
    };
    let of_fix = |subject: &str| {
        let (kind, what) = subject.split_once(": ")?;
        let kind = kind.trim_end_matches('!').split('(').next().unwrap_or_default();
        ["fix", "hotfix", "bugfix"].contains(&kind).then(|| what.to_owned())
    };
    let only = || if commits.len() == 1 { subjects().next().map(str::to_owned) } else { None };
    let found = subjects().find_map(of_fix).or_else(only)?;
    Some(inside(&found))
}

/// Words that are ours with a capital letter.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Names in a sentence: `a, b and c`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// The first of many, and how many more there are.
pub(super) fn first_of(names: &[String], between: &str) -> String {
    /// How many are named: one more takes no more room than to say that there is one.
    const MOST: usize = 3;
    if names.len() <= MOST {
        return names.join(between);
    }
    let (first, more) = names.split_at(MOST - 1);
    format!("{}{between}{} more", first.join(between), more.len())
}

/// Ticks that came in one go, nobody can have looked at anything between them: `7 of them ticked within 3 seconds`.
/// `None`: they took as long as looking does.
pub(super) fn in_one_go(times: impl IntoIterator<Item = Timestamp>) -> Option<String> {
    /// More than this between two of them, and something may have been looked at.
    const APART: SignedDuration = SignedDuration::from_secs(2);
    /// Two may have been looked at together.
    const LEAST: usize = 3;
    let mut times: Vec<Timestamp> = times.into_iter().collect();
    times.sort_unstable();
    let goes = times.chunk_by(|one, next| next.duration_since(*one) <= APART);
    let longest = goes.filter(|go| go.len() >= LEAST).max_by_key(|go| go.len())?;
    let [first, .., last] = longest else { return None };
    let within = spoken(last.duration_since(*first).max(SignedDuration::from_secs(1)));
    let which =
        if longest.len() == times.len() { String::new() } else { format!("{} of them ", longest.len()) };
    Some(format!("{which}ticked within {within}"))
}

/// What somebody did who took a role: `took command`.
pub(super) fn took_role(policy: &Policy, id: &str) -> String {
    match id {
        Role::COMMANDER => "took command".to_owned(),
        id => format!("took the role of {}", role(policy, id)),
    }
}

/// The title of a role; what the record calls it where the policy does not know it.
pub(super) fn role(policy: &Policy, id: &str) -> String {
    inline(policy.role_title(id))
}

/// The id of a clock. That of the fix is met by the end where no fix is on record: then that is what happened.
fn id<'a>(state: &State, clock: &'a Clock) -> &'a str {
    if clock.is_met_by_end(state) { "resolved" } else { &clock.id }
}

/// Names the clock in a report: what was to be done.
pub(super) fn target(state: &State, clock: &Clock) -> String {
    let title = &clock.title;
    match id(state, clock) {
        "resolved" => "Resolved",
        "page" => "On-call paged",
        "stakeholders" => "Stakeholders informed",
        "escalate" => "Engineering lead brought in",
        "fix" => "Fix in place",
        "executives" => "Executives informed",
        "update" => "Update to stakeholders",
        _ => {
            let audience = clock.id.strip_prefix("update:");
            return audience
                .map_or_else(|| capitalised(&inline(title)), |to| format!("Update to {}", inline(to)));
        }
    }
    .to_owned()
}

/// The same as a sentence about the past.
pub(super) fn happened(state: &State, clock: &Clock) -> String {
    let title = &clock.title;
    match id(state, clock) {
        "resolved" => "it was resolved".to_owned(),
        "page" => "on-call was paged".to_owned(),
        "stakeholders" => "stakeholders were informed".to_owned(),
        "escalate" => "the engineering lead was brought in".to_owned(),
        "fix" => "the fix was in place".to_owned(),
        "executives" => "the executives were informed".to_owned(),
        "update" => "stakeholders got an update".to_owned(),
        _ => match clock.id.strip_prefix("update:") {
            Some(audience) => format!("{} got an update", inline(audience)),
            None => format!("“{}” was done", inline(title)),
        },
    }
}

/// What an entry of the log is about, for people. The stored names of kinds are for programs.
pub(super) fn kind(entry: &Entry<'_>) -> &'static str {
    match entry.name {
        "release-judged" => "Verdict",
        "step-skipped" => "Skipped",
        "lease-taken" => "Taken over",
        "merge-owed" => "Merge back",
        "mitigated" => "Mitigated",
        "closed" => "Closed",
        "objection" => "Objection",
        _ => entry.kind.word(),
    }
}

/// What people call a release, with its commit, linked to where they can be read; Markdown.
pub(super) fn release(state: &State, release: &Release) -> String {
    let (name, short) = (release.name(), release.commit.get(..7).unwrap_or(&release.commit));
    if name.contains(short) {
        return links::commit(state, &release.commit, inline(&name));
    }
    let tag = release.tag.as_deref().filter(|tag| *tag == name);
    let commit = links::commit(state, &release.commit, inline(short));
    format!("{} ({commit})", links::tag(state, tag, inline(&name)))
}

/// The first words of a plan's title, and what is said once it is done.
const DONE: [(&str, &str); 17] = [
    ("abandon ", "Abandoned "),
    ("bump ", "Bumped "),
    ("delete ", "Deleted "),
    ("deploy ", "Deployed "),
    ("finish ", "Finished "),
    ("merge ", "Merged "),
    ("open ", "Opened "),
    ("push ", "Pushed "),
    ("raise ", "Raised "),
    ("revert ", "Reverted "),
    ("roll ", "Rolled "),
    ("start ", "Started "),
    ("switch ", "Switched "),
    ("take up ", "Took up "),
    ("turn ", "Turned "),
    ("undo ", "Undid "),
    ("watch ", "Watched "),
];

/// What a plan that is done did: `Deployed main to staging`. Markdown.
pub(super) fn done(plan: &PlanRun) -> String {
    let known = DONE.iter().find_map(|(verb, past)| Some((past, plan.title.strip_prefix(verb)?)));
    match known {
        Some((past, rest)) => format!("{past}{}", inline(rest)),
        None => opened(&inline(&plan.title)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_as_they_are_said() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (46 * 60 + 59, "47 minutes"),
            (3599, "1 hour"),
            (3600, "1 hour"),
            (2 * 3600 + 300, "2 hours 5 minutes"),
            (86_400 + 3600, "1 day 1 hour"),
            (-5, "0 seconds"),
        ] {
            assert_eq!(spoken(SignedDuration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn what_ends_before_it_begins_has_no_length() {
        let at = |text: &str| text.parse().unwrap();
        let (early, late) = (at("2026-03-01T14:02:00Z"), at("2026-03-01T14:05:30Z"));
        assert_eq!(between(early, late), "3m30s");
        assert_eq!(between(early, early), "0s");
        assert_eq!(between(late, early), "**invalid**: ends at 14:02:00, before it begins at 14:05:30");
        let before = at("2026-02-28T23:59:00Z");
        assert_eq!(
            took(early, Some(before), late),
            "**invalid**: ends at 2026-02-28 23:59:00, before it begins at 2026-03-01 14:02:00"
        );
    }

    #[test]
    fn a_verdict_is_told_without_its_figures() {
        for (why, said) in [
            (
                "healthy for 12s: error rate 0.4 %, as usual · error rate 0.4 % (was 40) · 0 of 8 samples failed (< 38 %)",
                "healthy for 12s: error rate 0.4 %, as usual",
            ),
            (
                "undone, canary back at 0 %: look at 10 % for 8s failed: newest release is failing",
                "newest release is failing; undone, canary back at 0 %",
            ),
            ("watch production for 30m failed: error rate 12 %", "error rate 12 %"),
            ("deploy main failed: exit code 1.", "deploy main failed: exit code 1"),
            ("error rate 12 %", "error rate 12 %"),
        ] {
            assert_eq!(finding(why), said);
        }
    }

    #[test]
    fn many_names_are_not_all_said() {
        let names = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(first_of(&names(3), ", "), "0, 1, 2");
        assert_eq!(first_of(&names(5), ", "), "0, 1, 3 more");
        assert_eq!(listed(&names(3)), "0, 1 and 2");
    }

    #[test]
    fn names_that_are_written_small_stay_so() {
        for (text, said) in [
            ("check the pool", "Check the pool"),
            ("omar: check the pool", "omar: check the pool"),
            ("pool.md block 2", "pool.md block 2"),
            ("", ""),
        ] {
            assert_eq!(opened(text), said);
        }
    }

    #[test]
    fn sentences_end_once() {
        assert_eq!(ending("it broke"), "it broke.");
        assert_eq!(ending("it broke. "), "it broke.");
        assert_eq!(ending("why?"), "why?");
        assert_eq!(inside("half of them."), "half of them");
        assert_eq!(sentences("orders failed"), "Orders failed.");
        assert_eq!(sentences("Orders:\n\n0"), "Orders:\n\n0");
    }
}

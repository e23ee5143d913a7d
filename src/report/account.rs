//! The timeline for people: what they wrote, decided and deployed, and what was seen. One line a plan,
//! one for probes that failed or recovered together, one for items ticked in a row. Every entry of the
//! record is in the log at the end of the report.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::links::Place;
use super::production::{recorded_at, stopped};
use super::words::{
    between, capitalised, clock, clock_after, day, done, finding, first_of, fix, in_one_go, inside, opened,
    release as release_name, role, took_role,
};
use super::{live, people, plans, third_parties};
use crate::config::types::{HERE, Probe, THIRD_PARTY};
use crate::health::network;
use crate::incident::{
    CheckState, Entry, EntryKind, NoteKind, OFFER_ENDS, PlanEnd, PlanRun, PlanState, Policy, Precision,
    Release, Severity, State, StepState, Turn, Turned, UPDATED, Vote, WatchVerdict, audience,
};
use crate::plan::gates::void;
use crate::text::markdown::{cell, inline, struck, table};
use crate::text::name::is_same;

/// Probes that change within this time of each other changed together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);
/// Items ticked within this time of each other were ticked together.
const IN_A_ROW: SignedDuration = SignedDuration::from_mins(5);

/// A row of the timeline.
struct Row {
    at: Timestamp,
    /// When the first thing it tells of happened.
    first: Timestamp,
    when: String,
    who: String,
    what: What,
    /// Where more of it stands in the report.
    place: Option<Place>,
}

enum What {
    /// Said in full.
    Text(String),
    /// Probes of one environment that did the same: what (`failing`), where, and each with what was seen.
    Probes(&'static str, String, Vec<String>),
    /// Items with the same result: which (`passed`), their titles, and when each was ticked.
    Ticks(&'static str, Vec<String>, Vec<Timestamp>),
}

/// The timeline as Markdown. `probes` are those that are configured.
pub(super) fn section(state: &State, policy: &Policy, probes: &[Probe], now: Timestamp) -> String {
    let mut rows: Vec<Row> = Vec::new();
    let mut told: HashSet<&str> = HashSet::new();
    for (number, entry) in state.timeline.iter().enumerate() {
        // What a plan did happened, also where somebody once took the line back.
        if entry.retracted.is_some() && !entry.is_of_plan() {
            continue;
        }
        let known = rows.len();
        match entry.kind {
            kind if kind.is_alarm() && entry.name == "alarm" => {
                if let Some(turn) = state.turn(entry.id, entry.place) {
                    seen(probes, &entry, turn, &mut rows);
                }
            }
            EntryKind::Check(result) => ticked(result, &entry, &mut rows),
            EntryKind::PlanStarted if entry.name == "plan-started" => {
                let plan = state.plans.iter().enumerate().find(|(_, plan)| plan.id == entry.about);
                let plan = plan.filter(|(_, plan)| told.insert(&plan.id));
                if let Some((place, plan)) = plan {
                    rows.push(Row {
                        when: span(state, plan),
                        place: Some(Place::Plan(place)),
                        ..row(&entry, What::Text(carried(state, plan, now)))
                    });
                }
            }
            _ => {
                if let Some(text) = said(state, policy, &entry, now) {
                    rows.push(row(&entry, What::Text(text)));
                }
            }
        }
        for row in rows.iter_mut().skip(known).filter(|row| row.place.is_none()) {
            row.place = Some(Place::Log(number));
        }
    }
    let by_hand = state.releases.iter().filter(|release| state.plan(&release.plan).is_none());
    rows.extend(by_hand.map(|release| told_by_hand(state, release)));
    rows.extend(went_live(state));
    rows.sort_by_key(|row| row.at);
    let first = rows.first().map_or(state.started_at, |row| row.at.min(state.started_at));
    let mut before = first;
    let mut out = format!("All times are UTC, starting on {}.\n\n", day(before));
    let mut shown: Vec<([String; 3], Vec<Timestamp>)> = Vec::new();
    for row in rows {
        let new_day = day(before) != day(row.at);
        before = row.at;
        let when = if new_day { day_and_clock(row.at) } else { row.when };
        let when = row.place.map_or_else(|| when.clone(), |place| place.link(&when));
        let line = [when, row.who, row.what.text()];
        match shown.last_mut() {
            // Said again is worth a number, not a line.
            Some((last, times)) if last[1..] == line[1..] => times.push(row.at),
            _ => shown.push((line, vec![row.at])),
        }
    }
    let shown = shown.into_iter().map(|([when, who, what], times)| match times.as_slice() {
        [first, .., last] if clock_after(*first, *last) == clock(*first) => {
            [when, who, format!("{what} ({} times)", times.len())]
        }
        [first, .., last] => {
            let until = clock_after(*first, *last);
            [when, who, format!("{what} ({} times, the last at {until})", times.len())]
        }
        _ => [when, who, what],
    });
    out.push_str(&table(["Time", "Who", "What"], shown));
    out
}

/// When what was live when it began went live, where that is news and no row of its own.
fn went_live(state: &State) -> Option<Row> {
    let live = live::when_it_began(state)?;
    let at = live.is_news(state)?;
    if state.releases.iter().any(|release| release.at == at) {
        return None;
    }
    let what = What::Text(format!("{} went live in {}", live.name, inline(&live.environment)));
    Some(Row { at, first: at, when: clock(at), who: cell(people::plain(&live.by)), what, place: None })
}

/// What somebody said to be live, at the time they said so.
fn told_by_hand(state: &State, release: &Release) -> Row {
    let at = recorded_at(state, release);
    let (name, place) = (release_name(state, release), inline(&release.environment));
    let mut text = if at.duration_since(release.at) < TOGETHER {
        format!("Recorded that {name} is live in {place}")
    } else {
        let since = clock_after(at, release.at);
        format!("Recorded that {name} was live in {place} from {since}")
    };
    if release.vouched && release.is_good() {
        text.push_str(", and vouched that it served users well");
    }
    let place = state.releases.iter().position(|one| one == release).map(Place::Release);
    Row {
        at,
        first: at,
        when: clock(at),
        who: cell(people::plain(&release.by)),
        what: What::Text(text),
        place,
    }
}

/// When it happened, as well as that is known.
fn when(entry: &Entry<'_>) -> String {
    let at = clock(entry.at);
    match entry.precision {
        Precision::Exact => at,
        Precision::About => format!("about {at}"),
        Precision::Before => format!("before {at}"),
    }
}

fn row(entry: &Entry<'_>, what: What) -> Row {
    let when = when(entry);
    Row {
        at: entry.place,
        first: entry.place,
        when,
        who: cell(people::plain(entry.author)),
        what,
        place: None,
    }
}

impl What {
    /// In words; Markdown.
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            // Each says itself how it is.
            Self::Probes(_, environment, probes) if environment == THIRD_PARTY => {
                capitalised(&first_of(&probes, ", "))
            }
            Self::Probes(what, environment, probes) => {
                let whose = if environment.is_empty() { String::new() } else { format!("{environment} ") };
                format!("{}: {}", capitalised(&format!("{whose}{what}")), first_of(&probes, ", "))
            }
            Self::Ticks(result, items, times) => {
                let ticked = in_one_go(times).map_or_else(String::new, |ticked| format!(" ({ticked})"));
                format!("Checklist {result}: {}{ticked}", first_of(&items, ", "))
            }
        }
    }
}

/// Takes in what a probe saw.
fn seen(probes: &[Probe], entry: &Entry<'_>, turn: &Turn, rows: &mut Vec<Row>) {
    let name = &*turn.probe;
    let own = if name == network::OWN { HERE } else { "" };
    let environment = probes.iter().find(|probe| probe.name == name).map_or(own, |probe| &probe.environment);
    let what = match turn.to {
        Turned::Good => "recovered",
        Turned::Silent => "without data",
        Turned::Warning if environment == THIRD_PARTY => "degraded",
        Turned::Warning => "warning",
        Turned::Failing => "failing",
    };
    let why = turn.why(entry).trim_start_matches("no data: ");
    // Where it is stands before it.
    let bare = name.strip_prefix(environment).and_then(|rest| rest.strip_prefix(' '));
    let bare = inline(bare.filter(|_| !environment.is_empty()).unwrap_or(name));
    let shown = match turn.to {
        _ if environment == THIRD_PARTY => third_parties::seen(&bare, what, turn.to, why),
        Turned::Good => bare,
        _ if why.is_empty() => bare,
        Turned::Silent => format!("{bare} ({})", inline(why)),
        _ => format!("{bare} {}", inline(&figure(why))),
    };
    let environment = inline(environment);
    // Rows are in the order of their place: what is further back is not near. What somebody did or said in
    // between, the declaration first of all, stands between what was seen before and after it.
    let near = rows.iter_mut().rev().take_while(|row| {
        matches!(row.what, What::Probes(..)) && entry.place.duration_since(row.first).abs() <= TOGETHER
    });
    for one in near {
        let What::Probes(did, place, probes) = &mut one.what else { continue };
        if *did != what || *place != environment {
            continue;
        }
        // It may have failed twice.
        if !probes.contains(&shown) {
            probes.push(shown);
        }
        // Not everything had recovered before the last had.
        if turn.to == Turned::Good && entry.place > one.at {
            (one.at, one.when) = (entry.place, when(entry));
        }
        return;
    }
    // Nobody said it: the cockpit that saw it wrote it down.
    rows.push(Row { who: cell(""), ..row(entry, What::Probes(what, environment, vec![shown])) });
}

/// What a probe saw as it is said now, also where it was written down before: `37.1 (max 5)`.
fn figure(why: &str) -> String {
    if let Some((seen, wanted)) = why.split_once(", wanted ") {
        let seen = seen.replacen(" is ", " ", 1);
        return format!("{seen}, expected {}", wanted.trim_start_matches("== "));
    }
    let limit = why.split_once(", fails if ").or_else(|| why.split_once(", warns if "));
    let Some((seen, limit)) = limit else { return why.to_owned() };
    let word = if limit.starts_with('<') { "min" } else { "max" };
    let limit = limit.trim_start_matches(['>', '<', '=', ' ']);
    let number = seen.split_once(" is ").map_or(seen, |(_, number)| number);
    format!("{number} ({word} {limit})")
}

/// Takes in a ticked item.
fn ticked(result: CheckState, entry: &Entry<'_>, rows: &mut Vec<Row>) {
    let (word, shown) = match result {
        CheckState::Passed => ("passed", "passed: "),
        CheckState::Na => ("not applicable", "not applicable: "),
        CheckState::Open => ("opened again", "opened again: "),
        CheckState::Failed => {
            return rows.push(row(entry, What::Text(format!("Checklist {}", inline(entry.text)))));
        }
    };
    // One with a note is worth a line.
    let Some(title) = entry.text.strip_prefix(shown).filter(|title| !title.ends_with(')')) else {
        return rows.push(row(entry, What::Text(format!("Checklist {}", inline(entry.text)))));
    };
    let who = cell(people::plain(entry.author));
    if let Some(Row { at, who: before, what: What::Ticks(same, items, times), .. }) = rows.last_mut()
        && *same == word
        && *before == who
        && entry.place.duration_since(*at).abs() <= IN_A_ROW
    {
        times.push(entry.place);
        return items.push(inline(title));
    }
    rows.push(row(entry, What::Ticks(word, vec![inline(title)], vec![entry.place])));
}

/// Tells whether an entry began a phase that comes before the one that it ended.
fn went_back(state: &State, entry: &Entry<'_>) -> bool {
    state.phases.windows(2).any(|pair| pair[1].1 == entry.at && pair[1].0 < pair[0].0)
}

/// What somebody wrote, decided or did; `None`: it is for the log only.
fn said(state: &State, policy: &Policy, entry: &Entry<'_>, now: Timestamp) -> Option<String> {
    let first = entry
        .original
        .map_or_else(String::new, |first| struck(if inline(first).is_empty() { "(empty)" } else { first }));
    let ours = policy.in_our_words(entry.kind, entry.text);
    let text = [first, inline(&ours)].join(" ").trim_start().to_owned();
    let text = match entry.kind {
        // A task begins with whose it is.
        EntryKind::Note(NoteKind::Note) | EntryKind::Task => text,
        EntryKind::Note(kind) => format!("{}: {text}", capitalised(kind.label())),
        EntryKind::Role => role_line(policy, entry).unwrap_or_else(|| {
            let is_ours = ["offered ", "handoff "].iter().any(|start| text.starts_with(start));
            if is_ours { capitalised(&text) } else { text }
        }),
        EntryKind::Phase => match text.strip_prefix("phase ") {
            Some(phase) if went_back(state, entry) => format!("Went back to the phase “{phase}”"),
            Some(phase) => format!("Moved on to the phase “{phase}”"),
            None => capitalised(&text),
        },
        EntryKind::Severity => severity(policy, entry.text),
        EntryKind::Told => match (entry.text.split_once(UPDATED), entry.text.split_once("told ")) {
            (Some((by, how)), _) => {
                by_author(entry, by.trim(), format!("{UPDATED} {}", inline(how)).trim_end())
            }
            (None, Some((by, audience))) => by_author(entry, by.trim(), &informed(policy, audience)),
            (None, None) => capitalised(&text),
        },
        EntryKind::Declared
        | EntryKind::Described
        | EntryKind::Paged
        | EntryKind::Resolved
        | EntryKind::Reopened
        | EntryKind::Proposal
        | EntryKind::FollowUp
        | EntryKind::Snoozed => capitalised(&text),
        EntryKind::Rejection if entry.name == "objection" => capitalised(&text),
        EntryKind::Report if entry.name == "reviewed" => capitalised(&text),
        EntryKind::PassedOver => capitalised(&text.replacen(" overridden", " **overridden**", 1)),
        // Who approves at once has asked for the approval by that.
        EntryKind::Approval if entry.name == "plan-proposed" => {
            let asked_by =
                |vote: &Vote| vote.by == entry.author && vote.at.duration_since(entry.at).abs() < TOGETHER;
            if state.votes.iter().any(asked_by) {
                return None;
            }
            capitalised(&text)
        }
        EntryKind::Approval | EntryKind::Rejection => {
            let why = void(state, policy, entry.id, now);
            let void = why.map_or_else(String::new, |why| format!("; **did not count**: {}", inside(&why)));
            let votes = state.votes.iter().chain(&state.earlier_votes);
            let vote = votes.clone().find(|vote| vote.record == entry.id);
            vote.map_or_else(|| capitalised(&inline(&ours)), |vote| voted(policy, vote)) + &void
        }
        _ if ["plan-asked", "plan-resumed"].contains(&entry.name) => format!("Decided: {text}"),
        _ if entry.name == "stop-asked" => match entry.text.strip_prefix("asked to stop ") {
            Some(title) => format!("Asked to stop “{}”", inline(title)),
            None => capitalised(&text),
        },
        _ => return None,
    };
    Some(if entry.pinned { format!("★ {text}") } else { text })
}

/// Who decided what, and how that is known where they did not write it themselves.
fn voted(policy: &Policy, vote: &Vote) -> String {
    let did = if vote.approves { "approved" } else { "rejected" };
    let title = if vote.title.is_empty() { "the deploy" } else { vote.title.as_str() };
    // How it is brought there is in the plan.
    let title = inside(title.split(", canary ").next().unwrap_or(title));
    let role = role(policy, &vote.role);
    let why = if vote.approves || vote.how.is_empty() {
        String::new()
    } else {
        format!(" ({})", inside(&vote.how))
    };
    if vote.is_verified() {
        return format!("{} as {role}: {title}{why}", capitalised(did));
    }
    let (who, by) = (people::told(&vote.by), people::told(&vote.written_by));
    let how = if vote.verbal { ", verbally" } else { "" };
    format!("{who} {did} as {role}{how} (recorded by {by}): {title}{why}")
}

/// What a person did: who, unless that is who wrote it down.
fn by_author(entry: &Entry<'_>, person: &str, did: &str) -> String {
    if person.is_empty() || is_same(person, entry.author) {
        capitalised(did)
    } else {
        format!("{} {did}", people::told(person))
    }
}

/// Who took a role, or that nobody has it; `None`: it was handed over.
fn role_line(policy: &Policy, entry: &Entry<'_>) -> Option<String> {
    let (line, to) = entry.text.split_once(OFFER_ENDS).unwrap_or((entry.text, ""));
    let ends = if to.is_empty() { String::new() } else { format!("{OFFER_ENDS}{}", inline(to)) };
    let (person, id) = line.rsplit_once(" is ").filter(|_| entry.name == "role")?;
    Some(match id {
        "open" => format!("Nobody is {} any more{ends}", role(policy, person)),
        id => by_author(entry, person, &format!("{}{ends}", took_role(policy, id))),
    })
}

/// A change of severity, from `severity P0, was P1: why`.
fn severity(policy: &Policy, text: &str) -> String {
    let (change, why) = text.split_once(": ").unwrap_or((text, ""));
    let because = if why.is_empty() { String::new() } else { format!(": {}", inline(why)) };
    match change.strip_prefix("severity ").and_then(|change| change.split_once(", was ")) {
        Some((to, from)) => {
            let word = if to < from { "Raised" } else { "Lowered" };
            let named = |rank: &str| match Severity::parse(rank) {
                Some(severity) => inline(policy.severity_name(severity)),
                None => inline(rank),
            };
            format!("{word} from {} to {}{because}", named(from), named(to))
        }
        None => capitalised(&inline(text)),
    }
}

/// Telling an audience, as the policy calls it.
fn informed(policy: &Policy, audience: &str) -> String {
    let (who, how) = audience
        .split_once(' ')
        .map_or((audience, String::new()), |(who, how)| (who, format!(" {}", inline(how))));
    match who {
        audience::STAKEHOLDERS => format!("informed stakeholders{how}"),
        audience::EXECUTIVES => format!("informed the executives{how}"),
        who if policy.audiences.iter().any(|known| known.id == who) => {
            let title = policy.audience_title(who);
            format!("informed {}{how}", inline(title.split(':').next().unwrap_or(title)))
        }
        _ => format!("informed {}", inline(audience)),
    }
}

/// A time in full, for the first row of a day.
fn day_and_clock(at: Timestamp) -> String {
    clock_after(Timestamp::MIN, at)
}

/// When a plan was carried out: `14:02`, or `14:02–14:31`.
fn span(state: &State, plan: &PlanRun) -> String {
    let from = clock(plan.started_at);
    match plan.ended_at {
        Some(end) if clock_after(state.started_at, end) != clock_after(state.started_at, plan.started_at) => {
            format!("{from}–{}", clock_after(plan.started_at, end))
        }
        _ => from,
    }
}

/// What a plan came to, in one line. Markdown.
fn carried(state: &State, plan: &PlanRun, now: Timestamp) -> String {
    let end = plan.ended_at.unwrap_or(now);
    let length = end.duration_since(plan.started_at);
    let is_said = length.is_negative() || length.as_secs() > 0;
    let length = is_said.then(|| between(plan.started_at, end));
    let after = match &length {
        None => String::new(),
        Some(length) if length.contains(':') => format!(" ({length})"),
        Some(length) => format!(" after {length}"),
    };
    let why = plans::why(plan);
    let because = if why.is_empty() { String::new() } else { format!(": {why}") };
    let releases = || state.releases.iter().filter(|release| release.plan == plan.id);
    let what = named(plan);
    let mut text = match plan.state {
        PlanState::Ended(PlanEnd::Done) => {
            let back = releases().find(|release| release.rollback);
            let did = match (plan.purpose.as_str(), back) {
                ("test" | "smoke" | "extended-watch", _) => format!("{what} passed{}", summary(plan)),
                ("rollback", Some(back)) => {
                    let from = live::replaced(state, back);
                    let from = from.map_or_else(String::new, |from| format!(" from {}", inline(&from)));
                    let (place, name) = (inline(&back.environment), release_name(state, back));
                    format!("Rolled {place} back{from} to {name}")
                }
                _ => plans::deployed(state, plan)
                    .or_else(|| plans::finished(plan).map(|did| capitalised(&did)))
                    .unwrap_or_else(|| done(plan)),
            };
            match length {
                None => did,
                // Where the title is a list, the time would seem to be part of it.
                Some(length) if did.contains([':', ',']) || length.contains(':') => {
                    format!("{did} ({length})")
                }
                Some(length) => format!("{did} in {length}"),
            }
        }
        PlanState::Ended(PlanEnd::Failed) if releases().any(is_condemned) => {
            plans::deployed(state, plan).unwrap_or_else(|| done(plan))
        }
        PlanState::Ended(PlanEnd::Failed) => format!("{what} **failed**{after}{because}"),
        PlanState::Ended(PlanEnd::Cancelled) => {
            let stop = format!("stopped{after}{}", stopped(plan));
            match releases().find(|release| release.rollback) {
                Some(back) => {
                    let (place, name) = (inline(&back.environment), release_name(state, back));
                    format!("Rolled {place} back to {name}; **{stop}**")
                }
                None => format!("{what}: {stop}"),
            }
        }
        PlanState::Ended(PlanEnd::Unknown) => format!("{what}: **outcome unknown**{because}"),
        PlanState::Running => format!("{what}: still running"),
        PlanState::Waiting => format!("{what}: waiting for a person"),
    };
    let undone = plan.steps.iter().filter(|step| step.state() == StepState::Undone).count();
    if undone > 0 {
        text.push_str(if undone == 1 { "; 1 step was undone" } else { "; its steps were undone" });
    }
    releases().for_each(|release| text.push_str(&outcome(state, plan, release)));
    text
}

/// What a plan is, as a noun where it has one.
fn named(plan: &PlanRun) -> String {
    let of =
        |verb: &str, noun: &str| plan.title.strip_prefix(verb).map(|rest| format!("{noun}{}", inline(rest)));
    let noun = match plan.purpose.as_str() {
        "test" => of("test ", if plan.title.contains(", ") { "Checks " } else { "Check " }),
        "smoke" => of("smoke-test ", "Smoke test of "),
        "deploy" => of("deploy ", "Deploy of "),
        "watch" => of("watch ", "Watch of "),
        _ => None,
    };
    noun.unwrap_or_else(|| opened(&inline(&plan.title)))
}

/// The last words of a plan of one step.
fn summary(plan: &PlanRun) -> String {
    let last = plan.steps.first().filter(|_| plan.steps.len() == 1).and_then(|step| step.run.as_ref());
    let words = last.map_or_else(String::new, |run| inside(run.found()));
    if words.is_empty() { words } else { format!(": {words}") }
}

/// What a plan brought into an environment, and what watching it showed.
fn outcome(state: &State, plan: &PlanRun, release: &Release) -> String {
    let mut text = String::new();
    let is_told = plan.is_done() || is_condemned(release);
    if !release.rollback && !is_told && !plan.title.contains(&release.name()) {
        text = format!("; {} went live", release_name(state, release));
    }
    if plan.is_production()
        && !release.rollback
        && let Some(fix) = fix(plan)
    {
        text = format!("{text} ({fix})");
    }
    // A later watch has a line of its own.
    let own = |at: Timestamp| plan.ended_at.is_none_or(|end| at.duration_since(end) <= TOGETHER);
    if let Some((_, verdict, why)) = release.verdict.as_ref().filter(|(at, ..)| own(*at)) {
        let word = match verdict {
            WatchVerdict::Passed => "the watch passed",
            WatchVerdict::Failed => "**the watch failed**",
            WatchVerdict::Unknown => "the watch **could not be judged**",
        };
        let place = state.releases.iter().position(|one| one == release).map(Place::Release);
        let word = place.map_or_else(|| word.to_owned(), |place| place.link(word));
        // By what it passed is with the releases: people want to know that it did.
        let why = if *verdict == WatchVerdict::Passed { String::new() } else { finding(why) };
        text = format!("{text}; {word}{}", if why.is_empty() { String::new() } else { format!(" ({why})") });
    }
    text
}

/// Tells whether its watch failed.
fn is_condemned(release: &Release) -> bool {
    matches!(release.verdict, Some((_, WatchVerdict::Failed, _)))
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn the_number_comes_first() {
        assert_eq!(figure("37.1 % (max 5 %)"), "37.1 % (max 5 %)");
        for (before, now) in [
            ("body.error_rate is 37.1, fails if > 5", "37.1 (max 5)"),
            ("latency is 850 ms, warns if > 800 ms", "850 ms (max 800 ms)"),
            ("value is 3, fails if < 20", "3 (min 20)"),
            ("status is 503, wanted == 200", "status 503, expected 200"),
            ("connection refused", "connection refused"),
        ] {
            assert_eq!(figure(before), now);
        }
    }
}

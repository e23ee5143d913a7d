//! `status` in plain text: the situation on one screen of 80 columns.

use std::cmp::Ordering;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use unicode_width::UnicodeWidthStr as _;

use super::sheet::{GUTTER, Hue, Line, Sheet, WIDTH, fit};
use super::situation::{Item, Situation};
use super::{status_approvals, status_back, status_health, status_hotfix, status_runs, status_you};
use crate::config::types::HERE;
use crate::health::network;
use crate::incident::{
    CheckState, Clock, ClockState, Entry, EntryKind, Phase, Severity, State, Status, digest, duration,
    phase_since,
};
use crate::plan::gates::void;
use crate::text::{counted, visible};

/// Lines of the longest section: what does not fit is counted, never dropped in silence.
const ENTRIES: usize = 10;

/// The situation on one screen. With `colour` it carries escapes for a terminal; text from
/// outside is made visible either way. `key` names the key of an action.
pub(crate) fn text(
    situation: &Situation,
    colour: bool,
    key: &dyn Fn(&str, &str) -> Option<String>,
) -> String {
    let mut page = Sheet::new(colour);
    header(&mut page, situation);
    next(&mut page, situation, key);
    status_you::you(&mut page, situation);
    status_back::way_back(&mut page, situation);
    due(&mut page, situation);
    status_health::health(&mut page, situation);
    if let Some(branch) = &situation.hotfix {
        status_hotfix::hotfix(&mut page, situation, branch);
    }
    merges_back(&mut page, situation);
    checklist(&mut page, &situation.checklist, &situation.state, situation.now);
    status_approvals::approvals(&mut page, situation);
    status_runs::runs(&mut page, situation);
    timeline(&mut page, situation);
    for remark in &situation.remarks {
        page.section("note");
        page.prose(remark, Hue::Warn);
    }
    page.into_text()
}

fn header(page: &mut Sheet, situation: &Situation) {
    let state = &situation.state;
    let now = situation.now;
    let hue = match (state.is_open(), state.severity) {
        (false, _) => Hue::Good,
        (true, Severity::P0 | Severity::P1) => Hue::Bad,
        (true, _) => Hue::Warn,
    };
    let room = WIDTH - 5 - state.number.width() - 2;
    let title = fit(&visible(&state.title), room);
    let line = Line::new().put(&title, Hue::Strong).right(&state.number, Hue::Dim, WIDTH - 5);
    page.title(situation.policy.severity_name(state.severity), hue, line);

    let mut facts = vec![(state.status.name().to_owned(), hue)];
    if !state.service.is_empty() {
        facts.insert(0, (state.service.clone(), Hue::Plain));
    }
    let length = duration(state.elapsed(now));
    match state.status {
        Status::Open | Status::Mitigated => {
            facts.push((format!("began {} UTC, {length} ago", clock(state.started_at, now)), Hue::Plain));
        }
        Status::Resolved | Status::Closed => {
            facts.push((format!("began {} UTC", clock(state.started_at, now)), Hue::Plain));
            facts.push((format!("lasted {length}"), Hue::Plain));
        }
    }
    facts.push((format!("declared by {}", state.declared_by), Hue::Plain));
    if let Some(with) = situation.shared.as_ref().filter(|with| with.unsent > 0) {
        let said = format!("{} not at {} yet", counted(with.unsent, "record"), visible(&with.remote));
        let why = with.trouble.as_ref();
        let why = why.map(|(since, why)| format!(", since {} UTC: {}", clock(*since, now), visible(why)));
        facts.push((said + &why.unwrap_or_default(), Hue::Warn));
    }
    page.flow(facts, " · ");
    if state.in_conflict() {
        let decided: Vec<_> =
            state.heads.iter().map(|head| format!("{} by {}", head.status.name(), head.by)).collect();
        page.heading = "CONFLICT";
        page.prose(&format!("{}: somebody has to decide", decided.join(", ")), Hue::Bad);
    }
    for (heading, text) in [("impact", &state.impact), ("cause", &state.cause)] {
        if !text.is_empty() {
            page.heading = heading;
            page.prose(text, Hue::Plain);
        }
    }
}

fn next(page: &mut Sheet, situation: &Situation, key: &dyn Fn(&str, &str) -> Option<String>) {
    page.section("NEXT");
    if situation.next.is_empty() {
        page.line(Line::new().plain("nothing: it is closed"));
    }
    for (i, next) in situation.next.iter().enumerate() {
        let key = key(next.action, &next.argument).map(|key| format!("[{key}]")).unwrap_or_default();
        let due = next.due_at.map(|at| due_words(at, situation.now)).unwrap_or_default();
        let room = WIDTH - GUTTER - key.width() - due.width() - 6;
        let hue = if i == 0 { Hue::Strong } else { Hue::Plain };
        let line = Line::new()
            .put(if i == 0 { "▶ " } else { "  " }, Hue::Warn)
            .put(&fit(&visible(&next.title), room), hue)
            .plain("  ")
            .put(&key, Hue::Dim);
        let hue = if next.overdue { Hue::Bad } else { Hue::Plain };
        page.line(if due.is_empty() { line } else { line.right(&due, hue, WIDTH - GUTTER) });
    }
    page.heading = "phase";
    phases(page, situation);
    let known = &situation.policy.roles;
    let mut roles: Vec<_> = known
        .iter()
        .map(|role| match situation.state.roles.get(&role.id) {
            Some(person) => (format!("{} {person}", role.short), Hue::Plain),
            None => (format!("{} –", role.short), Hue::Dim),
        })
        .collect();
    let others = situation.state.roles.iter().filter(|(id, _)| known.iter().all(|role| role.id != **id));
    roles.extend(others.map(|(id, person)| (format!("{id} {person}"), Hue::Plain)));
    page.heading = "roles";
    page.flow(roles, " · ");
}

fn phases(page: &mut Sheet, situation: &Situation) {
    let state = &situation.state;
    let pieces = Phase::ALL.into_iter().map(|phase| {
        let name = situation.policy.phase_name(phase);
        if phase == state.phase && state.is_open() {
            let entered = phase_since(state);
            let budget = situation.policy.phases.iter().find(|p| p.phase == phase).map(|p| p.budget);
            match (entered, budget) {
                (Some(entered), Some(budget)) => {
                    let spent = situation.now.duration_since(entered).max(SignedDuration::ZERO);
                    let hue = if spent > budget { Hue::Bad } else { Hue::Strong };
                    (format!("▶ {name} {}/{}", duration(spent), duration(budget)), hue)
                }
                _ => (format!("▶ {name}"), Hue::Strong),
            }
        } else if state.phases.iter().any(|(p, _)| *p == phase) {
            (format!("✓ {name}"), Hue::Good)
        } else if phase < state.phase || !state.is_open() {
            (format!("– {name}"), Hue::Dim)
        } else {
            (format!("· {name}"), Hue::Dim)
        }
    });
    page.flow(pieces.collect(), " ");
}

fn due(page: &mut Sheet, situation: &Situation) {
    let now = situation.now;
    let shown = situation.clocks.iter().filter(|clock| match clock.state {
        ClockState::Running | ClockState::Overdue => true,
        // A lower severity does not ask for it any more.
        ClockState::Stopped => situation.state.is_open(),
        ClockState::Met | ClockState::Late => false,
    });
    page.heading = "due";
    let pieces = shown.map(|clock| {
        let title = clock.title.strip_suffix(" due").unwrap_or(&clock.title);
        if clock.state == ClockState::Stopped {
            return (format!("{title} stopped"), Hue::Dim);
        }
        (format!("{title} {}", due_words(clock.due_at, now)), clock_hue(clock, now))
    });
    page.flow(pieces.collect(), " · ");
    page.heading = "";
}

/// Amber in its last quarter, red once it is overdue.
fn clock_hue(clock: &Clock, now: Timestamp) -> Hue {
    let whole = clock.due_at.duration_since(clock.from);
    let left = clock.due_at.duration_since(now);
    match clock.state {
        ClockState::Overdue => Hue::Bad,
        ClockState::Running if left * 4 <= whole => Hue::Warn,
        _ => Hue::Plain,
    }
}

fn due_words(at: Timestamp, now: Timestamp) -> String {
    match at.cmp(&now) {
        Ordering::Equal => "now".to_owned(),
        Ordering::Greater => format!("in {}", duration(at.duration_since(now))),
        Ordering::Less => format!("overdue by {}", duration(now.duration_since(at))),
    }
}

/// What went out ahead of other branches and is not in them yet.
fn merges_back(page: &mut Sheet, situation: &Situation) {
    if situation.state.merges_owed().next().is_some() {
        page.section("OWED");
    }
    for merge in situation.state.merges_owed() {
        let why = if merge.why.is_empty() { String::new() } else { format!(": {}", merge.why) };
        page.prose(&format!("{}{why}", merge.title()), Hue::Warn);
    }
}

/// How many items passed for a fix that turned out to be no good, and what became of that.
fn passed_before(items: &[Item], state: &State) -> Option<String> {
    let before = || items.iter().filter_map(|item| item.tick.as_ref()?.before.as_ref());
    let (n, first) = (before().count(), before().next()?);
    Some(if before().all(|one| one.fix == first.fix) {
        let (fix, became) = (&first.fix, state.what_became_of(&first.fix));
        format!("{n} passed on {fix}, which {became}: check again")
    } else {
        format!("{n} passed on earlier fixes: check again")
    })
}

fn checklist(page: &mut Sheet, items: &[Item], state: &State, now: Timestamp) {
    page.section("CHECKS");
    let count = |states: &[CheckState]| items.iter().filter(|item| states.contains(&item.state())).count();
    let failed = count(&[CheckState::Failed]);
    let done = count(&[CheckState::Passed, CheckState::Na]);
    let mut sum = vec![(format!("{done} of {} done", items.len()), Hue::Plain)];
    if failed > 0 {
        sum.push((format!("{failed} failed"), Hue::Bad));
    }
    sum.extend(passed_before(items, state).map(|text| (text, Hue::Warn)));
    page.flow(sum, " · ");
    for (i, item) in items.iter().enumerate() {
        let state = item.state();
        let (glyph, hue) = match state {
            CheckState::Open => ("·", Hue::Dim),
            CheckState::Passed => ("✓", Hue::Good),
            CheckState::Failed => ("✗", Hue::Bad),
            CheckState::Na => ("–", Hue::Dim),
        };
        let line = Line::new().put(&format!("{:>2} ", i + 1), Hue::Dim).put(glyph, hue).plain(" ");
        let Some(tick) = item.tick.as_ref().filter(|tick| tick.state != CheckState::Open) else {
            let to = fit(&visible(&item.looked_at_by()), 30);
            let title = fit(&visible(&item.title), WIDTH - GUTTER - 5 - to.width());
            page.line(line.plain(&title).put(&to, Hue::Dim));
            if let Some(tick) = item.tick.as_ref().filter(|tick| tick.before.is_some()) {
                let was = fit(&visible(&tick.remark()), WIDTH - GUTTER - 5);
                page.line(Line::new().plain("     ").put(&was, Hue::Dim));
            }
            continue;
        };
        page.line(
            line.cell(&item.title, 34, Hue::Plain)
                .plain(" ")
                .cell(state_words(state), 14, hue)
                .plain(" ")
                .cell(&tick.by, 9, Hue::Dim)
                .plain(" ")
                .put(&day_or_time(tick.at, now), Hue::Dim),
        );
        let note = tick.remark();
        if !note.is_empty() {
            page.line(Line::new().plain("     ").put(&fit(&visible(&note), WIDTH - GUTTER - 5), hue));
        }
    }
}

fn state_words(state: CheckState) -> &'static str {
    match state {
        CheckState::Open => "open",
        CheckState::Passed => "passed",
        CheckState::Failed => "failed",
        CheckState::Na => "not applicable",
    }
}

fn timeline(page: &mut Sheet, situation: &Situation) {
    page.section("TIMELINE");
    let entries = &situation.state.timeline;
    let environment = |name: &str| {
        let probe = situation.health.iter().find(|probe| probe.name == name);
        let own = if name == network::OWN { HERE } else { "" };
        probe.map_or_else(|| own.to_owned(), |probe| probe.environment.clone())
    };
    let rows = digest::rows(&situation.state, environment).unwrap_or_else(|| {
        (entries.len().saturating_sub(ENTRIES)..entries.len()).map(digest::Row::of).collect()
    });
    more_before(page, rows.len().saturating_sub(ENTRIES), "entries");
    for row in rows.iter().skip(rows.len().saturating_sub(ENTRIES)) {
        if let Some(entry) = entries.get(row.line) {
            let gathered = entry.name == "alarm" || matches!(entry.kind, EntryKind::Check(_));
            let more = if gathered { row.lines.len() - 1 } else { 0 };
            let (state, policy) = (&situation.state, &situation.policy);
            let is_vote = entry.name == "approved";
            let void = is_vote.then(|| void(state, policy, entry.id, situation.now)).flatten();
            let said = policy.in_our_words(entry.kind, entry.text);
            page.line(entry_line(&entry, &said, more, void, situation.now));
        }
    }
    let state = &situation.state;
    let head = state.head.to_string();
    let mut sum = format!("{}, head {}", counted(state.records, "record"), head.get(..12).unwrap_or(&head));
    if state.unknown > 0 {
        let _ = write!(sum, ", {} of a kind this version does not know", state.unknown);
    }
    page.heading = "record";
    page.prose(&sum, Hue::Dim);
}

/// A line for an entry that says `said`; `more` probes turned or items were ticked together with it, `void` is why an approval does not count.
fn entry_line(entry: &Entry<'_>, said: &str, more: usize, void: Option<String>, now: Timestamp) -> Line {
    let (glyph, hue) = match entry.name {
        "plan-proposed" => ("…", Hue::Plain),
        _ if void.is_some() => ("·", Hue::Dim),
        _ => glyph(entry.kind),
    };
    let mut text = said.lines().next().unwrap_or_default().to_owned();
    if said.lines().count() > 1 {
        text.push_str(" …");
    }
    if let EntryKind::Note(kind) = entry.kind
        && kind != crate::incident::NoteKind::Note
    {
        text = format!("{}: {text}", kind.label());
    }
    if more > 0 {
        text = format!("{text}, and {more} more");
    }
    if let Some(why) = void {
        text = format!("does not count: {why} · {text}");
    }
    let mut hue_of_text = if entry.pinned { Hue::Strong } else { Hue::Plain };
    if let Some(why) = entry.retracted {
        text = format!("(retracted: {why}) {text}");
        hue_of_text = Hue::Dim;
    }
    let author = fit(&visible(entry.by()), 10);
    let line = Line::new().put(&clock(entry.at, now), Hue::Dim).plain("  ").put(glyph, hue).plain(" ");
    let room = WIDTH - GUTTER - line.width - author.width() - 2;
    line.put(&fit(&visible(&text), room), hue_of_text).right(&author, Hue::Dim, WIDTH - GUTTER)
}

fn glyph(kind: EntryKind) -> (&'static str, Hue) {
    match kind {
        EntryKind::Declared | EntryKind::Severity | EntryKind::Reopened => ("●", Hue::Bad),
        EntryKind::Phase | EntryKind::PlanStarted => ("▶", Hue::Plain),
        EntryKind::Role => ("◎", Hue::Plain),
        EntryKind::Described
        | EntryKind::Report
        | EntryKind::Note(_)
        | EntryKind::Snoozed
        | EntryKind::Task
        | EntryKind::Proposal
        | EntryKind::FollowUp => ("✎", Hue::Plain),
        EntryKind::Paged => ("☎", Hue::Plain),
        EntryKind::Told => ("✉", Hue::Plain),
        EntryKind::Check(CheckState::Failed)
        | EntryKind::AlarmRaised
        | EntryKind::StepFailed
        | EntryKind::PlanFailed
        | EntryKind::Undelivered
        | EntryKind::Rejection => ("✗", Hue::Bad),
        EntryKind::Check(CheckState::Passed)
        | EntryKind::AlarmCleared
        | EntryKind::PlanDone
        | EntryKind::Resolved => ("✓", Hue::Good),
        EntryKind::Check(CheckState::Na) => ("–", Hue::Dim),
        EntryKind::Check(CheckState::Open) => ("·", Hue::Dim),
        EntryKind::AlarmWarned => ("▲", Hue::Warn),
        EntryKind::AlarmUnknown | EntryKind::PlanUnknown | EntryKind::Unknown => ("?", Hue::Warn),
        EntryKind::PlanWaiting => ("‖", Hue::Warn),
        EntryKind::Approval => ("✓", Hue::Plain),
        EntryKind::PassedOver => ("!", Hue::Warn),
        EntryKind::Released => ("⇒", Hue::Plain),
        EntryKind::Stopped => ("■", Hue::Warn),
    }
}

pub(super) fn more(page: &mut Sheet, count: usize, what: &str) {
    if count > 0 {
        page.line(Line::new().put(&format!("… and {count} more {}", one(count, what)), Hue::Dim));
    }
}

pub(super) fn more_before(page: &mut Sheet, count: usize, what: &str) {
    if count > 0 {
        page.line(Line::new().put(&format!("… {count} earlier {}", one(count, what)), Hue::Dim));
    }
}

/// The word for as many: `plans`, and of one `plan`.
fn one(count: usize, what: &str) -> String {
    match (count, what.strip_suffix("ies"), what.strip_suffix('s')) {
        (1, Some(stem), _) => format!("{stem}y"),
        (1, None, Some(stem)) => stem.to_owned(),
        _ => what.to_owned(),
    }
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    duration(now.duration_since(at).max(SignedDuration::ZERO))
}

/// The minute, or of another day than today the day: five columns either way.
fn day_or_time(at: Timestamp, now: Timestamp) -> String {
    let today = at.strftime("%Y-%m-%d").to_string() == now.strftime("%Y-%m-%d").to_string();
    at.strftime(if today { "%H:%M" } else { "%m-%d" }).to_string()
}

/// The time of day in UTC, with the date where it is another than today's.
pub(super) fn clock(at: Timestamp, now: Timestamp) -> String {
    let day = |t: Timestamp| t.strftime("%Y-%m-%d").to_string();
    if day(at) == day(now) {
        at.strftime("%H:%M:%S").to_string()
    } else {
        at.strftime("%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{log, situation};
    use super::*;
    use crate::incident::{Alarm, Declared, StatusHead};

    fn key(action: &str, _: &str) -> Option<String> {
        (action == "page").then(|| "i p".to_owned())
    }

    #[test]
    fn the_situation_fits_a_screen_of_eighty_columns() {
        let text = text(&situation(), false, &key);
        for line in text.lines() {
            assert!(line.width() <= 80, "{line}");
        }
        for wanted in [
            " P0  Checkout answers 500",
            "INC-2026-0007\n",
            "payments-api · open · began 14:30:00 UTC, 7m ago · declared by maya",
            "impact   nobody can pay",
            "▶ develop 4m/",
            "IC maya",
            "✗ api /health  failing    500       max 499\n            status 500, expected 200\n",
            "? p95 latency  unknown    ?",
            "hotfix/pool-limit · git-flow · 1 ahead of main, 0 behind · not pushed",
            "a91c2fe  fix: raise pool limit",
            "3 files +18 −0 · no test yet",
            " 9 ✗ an item of before                  failed         maya      14:36\n               refund 502\n",
            "finding: pool <U+001B>[31mexhausted …",
            "record   8 records",
        ] {
            assert!(text.contains(wanted), "{wanted:?} in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        let situation = situation();
        let plain = text(&situation, false, &key);
        let coloured = text(&situation, true, &key);
        let mut stripped = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            stripped.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        stripped.push_str(rest);
        assert_ne!(plain, coloured);
        // Blanks at the end of a coloured cell are the only difference.
        let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&stripped), trimmed(&plain));
    }

    #[test]
    fn an_alarm_is_the_probes_whoever_wrote_it_down() {
        let alarm = Alarm { probe: "api".into(), from: "ok".into(), to: "failing".into(), why: "503".into() };
        let state = log(vec![(0, Declared::example().into()), (9, alarm.into())]).into_state();
        let situation = Situation { state, ..situation() };
        let text = text(&situation, false, &key);
        let line = text.lines().find(|line| line.contains("api failing")).unwrap();
        assert!(line.ends_with("probe") && !line.contains("maya"), "{line}");
    }

    #[test]
    fn no_phase_runs_once_it_is_resolved() {
        let mut situation = situation();
        situation.state.status = Status::Resolved;
        let text = text(&situation, false, &key);
        let line = text.lines().find(|line| line.contains("assemble")).unwrap();
        assert!(line.contains("✓ develop") && !line.contains(['▶', '·']), "{text}");
    }

    #[test]
    fn what_is_next_carries_its_key() {
        let situation = situation();
        let page = situation.next.iter().position(|next| next.action == "page");
        assert!(page.is_some(), "nobody was paged: {:?}", situation.next);
        assert!(text(&situation, false, &key).contains("[i p]"));
    }

    #[test]
    fn a_conflict_names_who_decided_what() {
        let mut situation = situation();
        let head = |status, by: &str| StatusHead {
            record: crate::incident::RecordId(uuid::Uuid::nil()),
            status,
            by: by.to_owned(),
            at: situation.now,
        };
        situation.state.heads = vec![head(Status::Resolved, "li"), head(Status::Open, "omar")];
        let text = text(&situation, false, &key);
        assert!(text.contains("CONFLICT resolved by li, open by omar: somebody has to decide"), "{text}");
    }
}

//! The header: how bad, what, since when, who leads, which phase, what is due, and what to do
//! next with which key.

mod due;
mod next;
mod strip;
mod trail;

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use due::Due;
use next::{Wrapped, next};
pub(super) use strip::{strip, strip_lines};

use super::glyph;
use super::paint::{Pen, cut, width, wrap};
use super::theme::Role;
use super::ui::{Ui, below, inset, row};
use crate::cockpit::model::ConfigSource;
use crate::cockpit::production::{Production, Word};
use crate::cockpit::update::rollback;
use crate::cockpit::ways::Readiness;
use crate::cockpit::{Command, Pane};
use crate::health::network::Network;
use crate::incident::{Clock, ClockState, PlanRun, PlanState, State, Status, duration};
use crate::text::visible;

/// Draws the header of the full cockpit: four lines, and the guide's.
pub(super) fn full(ui: Ui<'_>, buf: &mut Buffer, area: Rect, state: &State) {
    title(ui, buf, row(area, 0), state, None);
    phases(ui, &mut Pen::new(buf, inset(area, 1), 1), state);
    let mut pen = Pen::new(buf, inset(area, 1), 2);
    marks(ui, &mut pen, state);
    way_back(ui, &mut pen);
    clocks(ui, &mut pen);
    next(ui, buf, row(area, 3), true);
    guide(ui, buf, row(area, 4));
}

/// Draws the header in three lines.
pub(super) fn short(ui: Ui<'_>, buf: &mut Buffer, area: Rect, state: &State) {
    title(ui, buf, row(area, 0), state, leads(ui, state).as_ref());
    let mut pen = Pen::new(buf, inset(area, 1), 1);
    marks(ui, &mut pen, state);
    phase_now(ui, &mut pen, state);
    pen.gap(3);
    way_back(ui, &mut pen);
    clocks(ui, &mut pen);
    next(ui, buf, row(area, 2), false);
    guide(ui, buf, row(area, 3));
}

/// Draws the header for a small screen, where what is next may take several lines; returns
/// what is left below it.
pub(super) fn glance(ui: Ui<'_>, buf: &mut Buffer, area: Rect, state: &State) -> Rect {
    let inner = inset(area, 1);
    let mut pen = Pen::new(buf, area, 0);
    badge(ui, &mut pen, state);
    elapsed(ui, &mut pen, state);
    // How production is stands there whatever is said of the incident.
    let production = told(ui, state);
    if let Some(found) = production {
        let (block, role) = block(ui, found);
        pen.put(&block, ui.of(role)).gap(1);
    }
    if state.status != Status::Open || state.in_conflict() {
        let (word, role) = status(ui, state);
        if production.is_none() || width(word) <= pen.room() {
            pen.put(word, ui.of(role)).gap(1);
        }
    }
    let is_told = drill(ui, &mut pen);
    // What is to be done and a line for each pane have their room; after those comes what was said and is due.
    let doing = production.and_then(|found| Some((found, found.doing.as_ref()?)));
    let clocks_off = !state.clock_warnings(ui.model.now).is_empty();
    let is_doubtful = matches!(ui.model.network, Network::Doubtful { .. });
    let is_marked = is_doubtful
        || ui.model.read_only.is_some()
        || ui.model.present.on
        || ui.model.unseen > 0
        || clocks_off
        || ui.model.sharing().is_some_and(|(_, is_wrong)| is_wrong);
    let next = Wrapped::of(ui, inner.width);
    let always =
        3 + u16::from(doing.is_some()) + u16::from(is_marked) + next.height() + Pane::ALL.len() as u16;
    let mut room = area.height.saturating_sub(always);
    let clocks: Vec<&Clock> = shown_clocks(ui).take(2).collect();
    let mut take = |wanted: usize| {
        let taken = room.min(wanted as u16);
        room -= taken;
        usize::from(taken)
    };
    let shown = take(clocks.len().min(1));
    let title = visible(&state.title);
    let pieces = wrap(&title, inner.width);
    let more = take(pieces.len().saturating_sub(1).min(1));
    let shown = shown + take(clocks.len() - shown);
    let mut line = 1;
    if more == 0 {
        Pen::new(buf, inner, line).put(&title, ui.of(Role::PhaseNow));
        line += 1;
    }
    for piece in pieces.into_iter().take(if more == 0 { 0 } else { 2 }) {
        Pen::new(buf, inner, line).put(piece, ui.of(Role::PhaseNow));
        line += 1;
    }
    if let Some((found, doing)) = doing {
        let alert = if found.is_left { Role::Overdue } else { Role::Accent };
        Pen::new(buf, inner, line).put(doing, ui.of(alert));
        line += 1;
    }
    // What is wrong comes before what is due.
    if is_marked {
        marks(ui, &mut Pen::new(buf, inner, line), state);
        line += 1;
    }
    let mut pen = Pen::new(buf, inner, line);
    if let Some((who, role)) = leads(ui, state) {
        pen.right(&who, ui.of(role));
        pen.right_gap(2);
    }
    if !is_told {
        drill(ui, &mut pen);
    }
    phase_now(ui, &mut pen, state);
    line += 1;
    for clock in clocks.into_iter().take(shown) {
        let due = Due::of(ui, clock);
        Pen::new(buf, inner, line).put(&due.within(inner.width), ui.of(due.role));
        line += 1;
    }
    next.draw(ui, buf, below(area, line))
}

/// Whether a window is open: the keys of the cockpit mean nothing then, and are not shown.
fn covered(ui: Ui<'_>) -> bool {
    !ui.model.overlays.is_empty()
}

/// The key of a command behind what it is about, where it does something.
fn behind(ui: Ui<'_>, command: Command) -> String {
    if covered(ui) { String::new() } else { format!(" [{}]", ui.key(command)) }
}

/// What is shown where the journal was taken away.
const NOT_SAVED: &str = "✗ NOT SAVED: journal gone";

/// Severity, title, service and number or who leads, elapsed time.
fn title(ui: Ui<'_>, buf: &mut Buffer, line: Rect, state: &State, leads: Option<&(String, Role)>) {
    let mut pen = Pen::new(buf, line, 0);
    badge(ui, &mut pen, state);
    elapsed(ui, &mut pen, state);
    if let Some((who, role)) = leads {
        pen.right(who, ui.of(*role));
        pen.right_gap(2);
    }
    // Each stands behind the other from the left, so that nothing moves sideways when something joins.
    let rest = beside(ui, &pen, state);
    let taken: u16 = rest.iter().map(|(text, _)| width(text) + GAP).sum();
    let title = width(&state.title).min(MOST).min(pen.room().saturating_sub(taken));
    pen.column_of(&state.title, title, ui.of(Role::PhaseNow));
    for (text, role) in &rest {
        pen.gap(GAP).put(text, ui.of(*role));
    }
    if leads.is_some() {
        return;
    }
    let service = if state.service.is_empty() { ui.model.service() } else { state.service.as_str() };
    let place = match service {
        "" => ui.model.number().to_owned(),
        service => format!("{service} · {}", ui.model.number()),
    };
    if width(&place) + GAP <= pen.room() {
        pen.right(&place, ui.of(Role::Muted));
    }
    // That it is shared is told where there is room; that it is not stands among the marks.
    if let Some((said, false)) = ui.model.sharing()
        && width(&said) + 2 * GAP <= pen.room()
    {
        pen.right_gap(GAP);
        pen.right(&said, ui.of(Role::Faint));
    }
}

/// How production is, where that is told: once all is closed, only where it fails all the same.
fn told<'a>(ui: Ui<'a>, state: &State) -> Option<&'a Production> {
    let is_over = state.status == Status::Closed && !state.in_conflict();
    ui.model.derived.production.as_ref().filter(|found| !is_over || fails(found))
}

/// Columns between two things on the first line.
const GAP: u16 = 2;
/// Most columns of the title.
const MOST: u16 = 48;
/// Least columns that are kept for it.
const TITLE: u16 = 20;

/// How production is, what happens to it, what is live and what was said of the incident, as they stand
/// behind the title. The word always; of the rest as much as leaves the title its room: what is done to
/// production is worth most, what is live there more than what was said.
fn beside(ui: Ui<'_>, pen: &Pen<'_>, state: &State) -> Vec<(String, Role)> {
    let said = (state.status != Status::Open || state.in_conflict()).then(|| {
        let (word, role) = status(ui, state);
        (word.to_owned(), role)
    });
    let Some(found) = told(ui, state) else { return said.into_iter().collect() };
    let block = block(ui, found);
    let alert = if found.is_left { Role::Overdue } else { Role::Accent };
    let as_known = if found.is_recorded { Role::Text } else { Role::Warn };
    let doing = found.doing.clone().map(|doing| (doing, alert));
    let brief = found.doing_brief.clone().map(|doing| (doing, alert));
    let past = if found.is_recorded { "" } else { ", not recorded" };
    let live = found.live.as_ref().map(|live| (format!("{live} live{past}"), as_known));
    let name = found.live.as_ref().map(|live| (format!("{live}{past}"), as_known));
    // The best that fits; what two say of their status comes before all else.
    let all = if state.in_conflict() {
        vec![[&None, &doing, &said], [&None, &brief, &said], [&None, &None, &said]]
    } else {
        vec![
            [&live, &doing, &said],
            [&name, &doing, &said],
            [&name, &brief, &said],
            [&live, &doing, &None],
            [&name, &doing, &None],
            [&name, &brief, &None],
            [&None, &doing, &None],
            [&None, &brief, &None],
        ]
    };
    let fits = |list: &[&Option<(String, Role)>; 3], title: u16| {
        let taken: u16 = list.iter().copied().flatten().map(|(text, _)| width(text) + GAP).sum();
        width(&state.title).min(title) + GAP + width(&block.0) + taken <= pen.room()
    };
    // What is live is worth more than the end of the title while something is done to it, or once that was said to
    // help.
    let is_idle = doing.is_none();
    let short = |list: &&[&Option<(String, Role)>; 3]| {
        list[0].is_some() && (list[1].is_some() || (is_idle && list[2].is_some()))
    };
    let best = all.iter().filter(short).find(|list| fits(list, TITLE));
    let best = best.or_else(|| all.iter().filter(short).find(|list| fits(list, TITLE / 2)));
    let best = best.or_else(|| all.iter().find(|list| fits(list, TITLE)));
    let best = best.into_iter().flatten().filter_map(|one| (*one).clone());
    std::iter::once(block).chain(best).collect()
}

fn fails(found: &Production) -> bool {
    matches!(found.word, Word::Down | Word::Degraded)
}

/// The word on its block, with how long it has been so: ` DOWN 46m `.
fn block(ui: Ui<'_>, found: &Production) -> (String, Role) {
    let since = found.since.map(|since| format!(" {}", ui.ago(since))).unwrap_or_default();
    let role = match found.word {
        Word::Down => Role::Down,
        Word::Degraded => Role::Degraded,
        Word::Healthy => Role::Healthy,
        Word::Unknown | Word::Offline => Role::Uncertain,
    };
    (format!(" {}{since} ", found.word.name()), role)
}

/// The severity: on its ground while the incident is open, and plain once it is over.
fn badge(ui: Ui<'_>, pen: &mut Pen<'_>, state: &State) {
    badge_on(ui, pen, state, Role::Muted);
}

fn badge_on(ui: Ui<'_>, pen: &mut Pen<'_>, state: &State, over: Role) {
    let is_over = !state.is_open() && !state.in_conflict();
    let style = ui.of(if is_over { over } else { Role::from(state.severity) });
    let gap = if pen.room() < SMALL { 1 } else { 2 };
    pen.gap(1)
        .put(" ", style)
        .put(ui.model.policy.severity_name(state.severity), style)
        .put(" ", style)
        .gap(gap);
}

/// Columns of a line below which each counts.
const SMALL: u16 = 45;

fn elapsed(ui: Ui<'_>, pen: &mut Pen<'_>, state: &State) {
    let s = state.elapsed(ui.model.now).as_secs();
    let days = if s >= 86_400 { format!("{}d ", s / 86_400) } else { String::new() };
    let text = format!("⏱ {days}{:02}:{:02}:{:02}", s / 3600 % 24, s / 60 % 60, s % 60);
    pen.right_gap(1);
    let role = if state.is_open() { Role::PhaseNow } else { Role::Muted };
    pen.right(&text, ui.of(role));
    pen.right_gap(if pen.room() < SMALL { 1 } else { 3 });
}

fn status(ui: Ui<'_>, state: &State) -> (&'static str, Role) {
    if state.in_conflict() {
        return ("▲ status in conflict", Role::Overdue);
    }
    let failed_again = ui.model.derived.production.as_ref().is_some_and(|now| now.failed_again);
    let word = match state.status {
        Status::Open => "● open",
        // It failed since: whether users are served is asked anew.
        Status::Mitigated if failed_again => "▲ mitigated?",
        Status::Mitigated => "▲ mitigated",
        Status::Resolved => "✓ resolved",
        Status::Closed => "✓ closed",
    };
    (word, glyph::status(state.status))
}

/// The trail of phases with the roles behind it.
fn phases(ui: Ui<'_>, pen: &mut Pen<'_>, state: &State) {
    let roles = roles(ui, state);
    let parts = trail::fitting(ui, state, pen.room(), roles.first().map_or(0, |first| width(first) + GAP));
    let taken: u16 = parts.iter().map(|(text, _)| width(text)).sum();
    if let Some(text) = trail::people(ui, &roles, pen.room().saturating_sub(taken + GAP)) {
        let role = if state.roles.is_empty() { Role::Faint } else { Role::Muted };
        pen.right(&text, ui.of(role));
        pen.right_gap(GAP);
    }
    for (text, role) in &parts {
        pen.put(text, ui.of(*role));
    }
}

/// Whether production is not well, could be put back, and that was neither tried nor ruled out.
fn is_put_off(ui: Ui<'_>, state: &State) -> bool {
    let is_ready = ui.model.way_back().is_some_and(|looked| looked.readiness() == Readiness::Ready);
    let production = ui.model.derived.production.as_ref();
    is_ready && state.status == Status::Open && production.is_some_and(fails) && !state.went_for_users()
}

/// The phase now: `▶ DEVELOP 17m of 90m`.
fn phase_now(ui: Ui<'_>, pen: &mut Pen<'_>, state: &State) {
    for (text, role) in trail::now(ui, state) {
        pen.put(&text, ui.of(role));
    }
}

/// Minutes while they are easier to compare than hours.
fn minutes(length: SignedDuration) -> String {
    if length < SignedDuration::from_mins(600) { format!("{}m", length.as_mins()) } else { duration(length) }
}

/// Who has which role, who leads first; what is missing is said.
fn roles(ui: Ui<'_>, state: &State) -> Vec<String> {
    let mut filled: Vec<String> = ui
        .model
        .policy
        .roles
        .iter()
        .filter_map(|role| Some(format!("{} {}", role.short, state.roles.get(&role.id)?)))
        .collect();
    let offer = state.open_offers().rfind(|offer| offer.role == crate::incident::Role::COMMANDER);
    let leads = state.roles.contains_key(crate::incident::Role::COMMANDER);
    match offer {
        Some(offer) if leads => filled.insert(1.min(filled.len()), format!("offered to {}", offer.to)),
        Some(offer) => filled.insert(0, format!("command offered to {}", offer.to)),
        None if !leads => filled.insert(0, "nobody leads yet".to_owned()),
        None => {}
    }
    filled
}

/// Most columns of the name of who leads, where there is little room.
const LEADER: u16 = 10;

/// Who leads, in as few words as can be: `IC theo`.
fn leads(ui: Ui<'_>, state: &State) -> Option<(String, Role)> {
    let id = crate::incident::Role::COMMANDER;
    let role = ui.model.policy.roles.iter().find(|role| role.id == id)?;
    match state.roles.get(id) {
        Some(who) => Some((format!("{} {}", role.short, cut(who, LEADER)), Role::Muted)),
        None => state.is_open().then(|| (format!("no {}", role.short), Role::Warn)),
    }
}

/// Clocks that run or ran out, the most urgent first. The phase's own is in the trail.
fn shown_clocks(ui: Ui<'_>) -> impl Iterator<Item = &Clock> {
    ui.model
        .derived
        .clocks
        .iter()
        .filter(|clock| matches!(clock.state, ClockState::Running | ClockState::Overdue))
        .filter(|clock| clock.id != "phase")
}

/// What has to be there before production, in a few words: approvals.
fn readiness(ui: Ui<'_>) -> Vec<(String, Role)> {
    let mut list = Vec::new();
    if let Some((given, needed, rejected)) = ui.model.derived.approvals {
        let (glyph, role) = match (rejected, given >= needed) {
            (true, _) => (" ✗", Role::Bad),
            (false, true) => (" ✓", Role::Good),
            (false, false) => ("", Role::Clock),
        };
        list.push((format!("approvals {given}/{needed}{glyph}"), role));
    }
    list
}

fn clocks(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let ready = readiness(ui);
    let kept: u16 = ready.iter().map(|(text, _)| width(text) + 3).sum();
    let dues: Vec<Due> = shown_clocks(ui).map(|clock| Due::of(ui, clock)).collect();
    // There is always one in sight, however little of it; it is worth more than what has to be ready later.
    let room = pen.room().saturating_sub(kept);
    let keys = if covered(ui) { String::new() } else { ui.keys(Command::Incident, Command::Clocks) };
    let fits = |room| due::fitting(&dues, room, &keys);
    let texts = fits(room).or_else(|| fits(pen.room())).unwrap_or_else(|| match dues.first() {
        Some(first) => vec![(first.within(pen.room()), first.role)],
        None => Vec::new(),
    });
    if texts.is_empty() && ui.model.incident().is_some_and(State::is_open) {
        pen.put("no deadline is running", ui.of(Role::Faint));
    }
    for (index, (text, role)) in texts.iter().enumerate() {
        pen.gap(if index > 0 { 3 } else { 0 }).put(text, ui.of(*role));
    }
    for (text, role) in ready {
        if width(&text) + 3 <= pen.room() {
            pen.gap(3).put(&text, ui.of(role));
        }
    }
}

/// Columns up to which it is said in as few words as can be.
const NARROW: u16 = 80;

/// Whether production can be put back, long before that is needed.
fn way_back(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let Some(looked) = ui.model.way_back() else { return };
    // Once it is over, only where production fails all the same.
    let is_over = ui.model.incident().is_some_and(|state| !state.is_open() && !state.in_conflict());
    if is_over && !ui.model.derived.production.as_ref().is_some_and(fails) {
        return;
    }
    // On a narrow screen the clock beside it needs the room.
    let narrow = pen.room() <= NARROW;
    let production = ui.model.config.config.production().map_or("", |env| env.name.as_str());
    let under_way = ui.model.incident().and_then(|state| {
        // A revert that deploys nothing changes nothing for users.
        let puts_back =
            |plan: &&PlanRun| plan.purpose == "rollback" && plan.target == production && !plan.only_pushes();
        state.plans.iter().filter(puts_back).find(|plan| plan.state.is_under_way())
    });
    let (text, role) = match looked.readiness() {
        // That it could be begun is no news.
        _ if under_way.is_some_and(|plan| plan.state == PlanState::Waiting) => {
            ("▲ rollback waits", Role::Warn)
        }
        _ if under_way.is_some() => ("rollback runs", Role::Accent),
        _ if rollback::canary(ui.model, production).is_some() => ("canary can be undone ✓", Role::Good),
        Readiness::Ready => ("rollback ready ✓", Role::Good),
        Readiness::OnlyFlag => ("flag off ready ✓", Role::Good),
        Readiness::OnlyRevert => ("only a revert is ready", Role::Muted),
        Readiness::NoWay if narrow => ("rollback ✗ none", Role::Bad),
        Readiness::NoWay => ("rollback ✗ none ready", Role::Bad),
        Readiness::Unknown => ("rollback ? not proven", Role::Unknown),
    };
    let key = ui.key(Command::RollBack);
    // The key goes first where there is no room for all.
    let whole = format!("{text} [{key}]");
    let offers = under_way.is_none() && !covered(ui);
    let roomy = pen.room() > 90 && offers && pen.right(&whole, ui.of(role));
    // What is due next keeps the room for its number.
    let due = shown_clocks(ui).next().map_or(0, |clock| width(&Due::of(ui, clock).brief()) + 3);
    if roomy || (pen.room() > due + width(text) && pen.right(text, ui.of(role))) {
        pen.right_gap(3);
    }
}

/// That it is practice, at the right end; `false` where there was no room to say so.
fn drill(ui: Ui<'_>, pen: &mut Pen<'_>) -> bool {
    if ui.model.drill && pen.right("drill", ui.of(Role::Guide)) {
        pen.right_gap(3);
        return true;
    }
    !ui.model.drill
}

/// What is out of the ordinary, at the right end.
fn marks(ui: Ui<'_>, pen: &mut Pen<'_>, state: &State) {
    let mut mark = |text: &str, role: Role| {
        if pen.right(text, ui.of(role)) {
            pen.right_gap(3);
        }
    };
    if ui.model.present.on {
        mark(&format!("presenting{}", behind(ui, Command::Presenter)), Role::Accent);
    }
    if ui.model.journal_gone {
        mark(NOT_SAVED, Role::Overdue);
    } else if ui.model.read_only.is_some() {
        mark("✗ read-only", Role::Overdue);
    }
    if let Network::Doubtful { .. } = ui.model.network {
        mark("▲ every probe fails: is it this machine?", Role::Warn);
    }
    if ui.model.unseen > 0 {
        let errors = if ui.model.unseen == 1 { "error" } else { "errors" };
        mark(&format!("✗ {} {errors}{}", ui.model.unseen, behind(ui, Command::Errors)), Role::Bad);
    }
    if let Some((said, is_wrong)) = ui.model.sharing().filter(|(_, is_wrong)| *is_wrong) {
        mark(&format!("▲ {said}"), if is_wrong { Role::Warn } else { Role::Muted });
    }
    match ui.model.config.source {
        ConfigSource::Untrusted { .. } => {
            mark(&format!("▲ not trusted{}", behind(ui, Command::Trust)), Role::Warn);
        }
        ConfigSource::Invalid(_) => {
            mark(&format!("✗ flightdeck.toml{}", behind(ui, Command::Errors)), Role::Bad);
        }
        ConfigSource::None | ConfigSource::Trusted => {}
    }
    drill(ui, pen);
    let mut mark = |text: &str, role: Role| {
        if pen.right(text, ui.of(role)) {
            pen.right_gap(3);
        }
    };
    if state.unknown > 0 {
        mark(&format!("? {} from a newer version", state.unknown), Role::Unknown);
    }
    for warning in state.clock_warnings(ui.model.now).iter().take(2) {
        // What is due keeps its room.
        let roomy = pen.room() > width(&warning.words).saturating_add(60);
        let words = if roomy { &warning.words } else { &warning.short };
        if pen.right(&format!("▲ {words}"), ui.of(Role::Warn)) {
            pen.right_gap(3);
        }
    }
}

/// What a newcomer should try.
fn guide(ui: Ui<'_>, buf: &mut Buffer, line: Rect) {
    // It speaks of keys that do nothing while a window is open.
    let Some(text) = ui.model.derived.guide.as_ref().filter(|_| !covered(ui)) else { return };
    let mut pen = Pen::new(buf, line, 0);
    pen.gap(1).put("try ", ui.of(Role::Faint)).gap(2);
    pen.put(text, ui.of(Role::Guide));
}

//! What is known of one probe, in lines: what is wrong, what was seen at the moment of the cursor, what was
//! compared, what was changed, and where it is written what to do.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph;
use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::Ui;
use super::chart::number;
use crate::cockpit::{Command, gone};
use crate::config::types::Probe;
use crate::health::columns::{self, Column, Mark};
use crate::health::compare::{Against, Compared};
use crate::health::judge::Verdict;
use crate::health::series::{State, Status};
use crate::health::vigil::{Named, spread};
use crate::incident::duration;
use crate::report::runbook::{Failing, suggested};
use crate::text::visible;

/// Columns of what a line is about.
const ABOUT: u16 = 28;
/// The same of the probe's own answers, where there is no room to have all of it in line.
const BRIEF: u16 = 8;
/// From so many columns on there is.
const WIDE: u16 = 110;
/// With fewer columns than this what a line is about is cut, so that there is room for what it says.
const NARROW: u16 = 60;
/// Lines that are kept for what stands below the alerts.
const AROUND: usize = 4;
/// Most changes that a line names.
const CHANGES: usize = 3;

/// A line that says more of a probe.
pub(super) enum Fact<'a> {
    /// The query that is asked of a server: what the line is about, and as much of it as one line takes.
    Asked(&'static str, String),
    /// What it was compared with, and what came of it.
    Compared(&'a Compared),
    /// What it is made up of: the alerts that fire, each on a line, or as many as one takes.
    Firing(&'static str, String),
    /// What it has to answer.
    Expected(String),
    /// How long the parts of its last answer took.
    Took(String),
    /// What its last answers name as their version, and what was deployed: what the line is about, and as much of it
    /// as one line takes.
    Version(&'static str, String),
    /// What was changed in its environment since the incident began.
    Changed(String),
    /// What changed since it last worked, the most suspicious.
    Suspects(String),
    /// Where it is written what to do.
    Runbook(String),
}

/// What is known of a probe, in at most so many columns and lines: all of it where it is shown alone, else only what it
/// was compared with.
pub(super) fn facts<'a>(ui: Ui<'a>, probe: &Status, columns: u16, lines: u16) -> Vec<Fact<'a>> {
    let answer = ui.model.compared.answers.get(&probe.name);
    let mut facts: Vec<Fact<'a>> =
        answer.iter().flat_map(|answer| &answer.compared).map(Fact::Compared).collect();
    if !ui.model.shows_one_probe() {
        // Half of the comparisons would not say of what.
        return if facts.len() > usize::from(lines) { Vec::new() } else { facts };
    }
    let configured = ui.model.config.config.probes.iter().find(|one| one.name == probe.name);
    if let Some(configured) = configured {
        facts.extend(asked(configured, columns));
        let mut words = configured.expect.clone();
        let limits = [(&configured.fail, "fails"), (&configured.warn, "warns")];
        words.extend(limits.iter().filter_map(|(limit, word)| Some(format!("{word} {}", limit.as_ref()?))));
        if !words.is_empty() {
            facts.push(Fact::Expected(words.join("   ")));
        }
    }
    facts.extend(took(probe).map(Fact::Took));
    let room = usize::from(lines).saturating_sub(facts.len() + AROUND);
    facts.extend(firing(probe, columns, room));
    if let Some(version) = version(ui, probe) {
        let lines = pieces("version", &version, columns).into_iter();
        facts.extend(lines.map(|(about, line)| Fact::Version(about, line)));
    }
    facts.extend(changed(ui, probe).map(Fact::Changed));
    facts.extend(suspects(ui).map(Fact::Suspects));
    facts.extend(runbook(ui, &probe.name, configured.and_then(|probe| probe.runbook.as_deref())));
    // Where not all fits, what helps on is kept.
    if facts.len() > usize::from(lines) {
        facts.retain(|fact| !matches!(fact, Fact::Asked(..) | Fact::Took(_)));
    }
    while facts.len() > usize::from(lines) {
        let expected = facts.iter().position(|fact| matches!(fact, Fact::Expected(_)));
        let compared = || facts.iter().rposition(|fact| matches!(fact, Fact::Compared(_)));
        let last = facts.len() - 1;
        facts.remove(expected.or_else(compared).unwrap_or(last));
    }
    facts
}

/// Where it is written what to do: an address as it is configured, else the runbook that fits best, with the
/// key that leads to it.
fn runbook(ui: Ui<'_>, name: &str, named: Option<&str>) -> Option<Fact<'static>> {
    if let Some(address) = named.filter(|named| named.contains("://")) {
        return Some(Fact::Runbook(address.to_owned()));
    }
    let shelf = ui.model.runbooks.as_ref()?;
    let probe = Failing { name, runbook: named };
    let found = suggested(&shelf.runbooks, &[probe], &[]);
    let (runbook, _) = found.first()?;
    let text = format!("{}  {}  [{}]", runbook.title, runbook.path, ui.key(Command::Runbooks));
    Some(Fact::Runbook(visible(&text).into_owned()))
}

/// The alerts that fire: one on each line, or all of them in as few as they take.
fn firing(probe: &Status, columns: u16, lines: usize) -> Vec<Fact<'static>> {
    let rows = probe.last.as_ref().map_or(&[][..], |sample| &sample.rows);
    let room = if rows.len() <= lines.max(1) { 0 } else { columns.saturating_sub(own(columns) + 5) };
    let mut packed: Vec<String> = Vec::new();
    for row in rows.iter().map(|row| visible(row)) {
        match packed.last_mut().filter(|line| width(line) + width(&row) + 2 <= room) {
            Some(line) => *line = format!("{line}, {row}"),
            None => packed.push(row.into_owned()),
        }
    }
    let about = |index| if index == 0 { "firing" } else { "" };
    packed.into_iter().enumerate().map(|(index, line)| Fact::Firing(about(index), line)).collect()
}

/// The query of a probe, as many lines as it takes.
fn asked(configured: &Probe, columns: u16) -> Vec<Fact<'static>> {
    let Some(query) = configured.source.query() else { return Vec::new() };
    // However it is broken in the file.
    let words: Vec<&str> = query.split_whitespace().collect();
    let query = visible(&words.join(" ")).into_owned();
    pieces("asked", &query, columns).into_iter().map(|(about, line)| Fact::Asked(about, line)).collect()
}

/// A text in as many lines as it takes, each with what it is about; only the first says that.
fn pieces(about: &'static str, text: &str, columns: u16) -> Vec<(&'static str, String)> {
    let pieces = wrap(text, columns.saturating_sub(own(columns) + 5)).into_iter().enumerate();
    pieces.map(|(index, piece)| (if index == 0 { about } else { "" }, piece.trim().to_owned())).collect()
}

/// Columns of what a line of the probe's own answers is about.
fn own(columns: u16) -> u16 {
    if columns >= WIDE { ABOUT } else { BRIEF }
}

/// `212 ms: resolve 2, connect 12, first byte 190, body 8`: where the time of the last answer went.
fn took(probe: &Status) -> Option<String> {
    let sample = probe.last.as_ref()?;
    let (phases, latency) = (sample.phases?, sample.latency_ms?);
    let tenths = |ms: f64| number((ms * 10.0).round() / 10.0);
    let each = phases.each().into_iter().filter(|(_, ms)| *ms >= 0.05);
    let mut each: Vec<_> = each.map(|(name, ms)| format!("{name} {}", tenths(ms))).collect();
    if phases.kept {
        each.insert(0, "connection kept".to_owned());
    }
    Some(format!("{} ms: {}", tenths(latency), each.join(", ")))
}

/// What answers, beside what was deployed last in its environment.
fn version(ui: Ui<'_>, probe: &Status) -> Option<String> {
    let releases = ui.model.incident().map_or(&[][..], |state| &state.releases);
    let deployed = releases.iter().rev().find(|release| release.environment == probe.environment);
    let deployed = deployed.map(|release| {
        let names = [release.tag.as_deref(), release.version.as_deref()];
        Named::new(&release.name(), &release.commit, names.into_iter().flatten())
    });
    let spread = spread(&probe.versions, deployed.as_ref())?;
    // What nothing says any more is of its time.
    let told = probe.versions_at.filter(|told| probe.last.as_ref().is_some_and(|last| last.at > *told));
    Some(match told {
        Some(told) => format!("{spread}; none since {}, {} ago", ui.clock(told), ui.ago(told)),
        None => spread,
    })
}

/// What was changed in the environment of a probe, the latest first.
fn changed(ui: Ui<'_>, probe: &Status) -> Option<String> {
    let state = ui.model.incident()?;
    let here = |target: &str| probe.environment.is_empty() || target == probe.environment;
    let plans = state.plans.iter().rev().filter(|plan| match plan.purpose.as_str() {
        "deploy" | "rollback" => here(&plan.target),
        "flag" => true,
        _ => false,
    });
    let words: Vec<String> =
        plans.take(CHANGES).map(|plan| format!("{} {}", ui.minute(plan.started_at), plan.title)).collect();
    (!words.is_empty()).then(|| words.join("   "))
}

/// What is most suspicious of what changed since it last worked, and the key that shows all of it.
fn suspects(ui: Ui<'_>) -> Option<String> {
    let key = ui.key(Command::Suspects);
    let suspects = &ui.model.suspects;
    let Some(found) = suspects.found() else {
        let words = if suspects.looking.is_some() {
            "looking …".to_owned()
        } else {
            format!("not looked at yet  [{key}]")
        };
        return ui.model.repository().map(|_| words);
    };
    let Some(first) = found.suspects.first() else { return Some("nothing".to_owned()) };
    let more = match found.suspects.len() - 1 {
        0 => format!("{key} shows it"),
        more => format!("{key} shows {more} more"),
    };
    Some(format!("{}, {} ago   {more}", first.title, ui.ago(first.at)))
}

/// Says what is wrong with a probe, and all that is known of it, where there is no room for its chart.
pub(super) fn in_words(ui: Ui<'_>, buf: &mut Buffer, area: Rect, probe: &Status) {
    let why = probe.last.as_ref().map_or("", |sample| sample.why.as_str());
    let since = probe.began().filter(|_| probe.state != State::Ok);
    let since = since.map_or_else(String::new, |at| format!(", since {}, {}", ui.clock(at), length(ui, at)));
    let words = format!("{}{since}", if why.is_empty() { word(probe.state) } else { why });
    let (_, role) = glyph::probe(probe.state);
    let mut line = 0;
    for piece in wrap(&words, area.width).into_iter().take(usize::from(area.height.min(3))) {
        Pen::new(buf, area, line).put(piece, ui.of(role));
        line += 1;
    }
    for one in facts(ui, probe, area.width, area.height.saturating_sub(line)) {
        fact(ui, &mut Pen::new(buf, area, line), &one);
        line += 1;
    }
}

/// Writes such a line.
pub(super) fn fact(ui: Ui<'_>, pen: &mut Pen<'_>, fact: &Fact<'_>) {
    let own = own(pen.room());
    let (about, text, role) = match fact {
        Fact::Compared(one) => return comparison(ui, pen, one),
        Fact::Asked(about, text) | Fact::Version(about, text) | Fact::Firing(about, text) => {
            pen.gap(2).column_of(about, own, ui.of(Role::Muted)).gap(2).put(text, ui.of(Role::Text));
            return;
        }
        Fact::Expected(text) | Fact::Took(text) => {
            let about = if matches!(fact, Fact::Took(_)) { "took" } else { "expected" };
            pen.gap(2).column_of(about, own, ui.of(Role::Muted)).gap(2).put(text, ui.of(Role::Text));
            return;
        }
        Fact::Changed(text) => ("changed in this incident", text, Role::Text),
        Fact::Suspects(text) => ("changed since it worked", text, Role::Text),
        Fact::Runbook(text) => ("runbook", text, Role::Accent),
    };
    let columns = about_columns(pen);
    // In a few columns a word says it, and is not cut.
    let about = match fact {
        Fact::Suspects(_) if columns == BRIEF => "suspects",
        Fact::Changed(_) if columns == BRIEF => "changed",
        _ => about,
    };
    pen.gap(2).column_of(about, columns, ui.of(Role::Muted)).gap(2).put(text, ui.of(role));
}

/// Columns of what a line is about.
fn about_columns(pen: &Pen<'_>) -> u16 {
    if pen.room() < NARROW { BRIEF } else { ABOUT }
}

/// `before the incident   worse   median 0.4 → 42, p < 0.001`: what a probe was compared with.
fn comparison(ui: Ui<'_>, pen: &mut Pen<'_>, one: &Compared) {
    let is_narrow = pen.room() < NARROW;
    let against = match &one.against {
        Against::Incident if is_narrow => "before incident".to_owned(),
        Against::Incident => "before the incident".to_owned(),
        Against::Change(change) if is_narrow => format!("before {}", change.what),
        Against::Change(change) => format!("before the {} at {}", change.what, ui.minute(change.from)),
        Against::Yesterday if is_narrow => "yesterday".to_owned(),
        Against::Yesterday => "same time yesterday".to_owned(),
    };
    let (verdict, role) = match one.judged.verdict {
        Verdict::Better => ("better", Role::Good),
        Verdict::NoEvidence => ("no evidence of harm", Role::Text),
        Verdict::Worse => ("worse", Role::Bad),
        Verdict::CannotTell => ("cannot tell", Role::Unknown),
    };
    let (about, said) = if is_narrow { (15, width(verdict)) } else { (ABOUT, 19) };
    pen.gap(2).column_of(&against, about, ui.of(Role::Muted)).gap(2);
    pen.column_of(verdict, said, ui.of(role)).gap(2).put(&one.judged.why, ui.of(Role::Muted));
}

/// `│ 14:41:20  api /health 1900–2100 ms, failing since 14:31:30 …`: what was seen at the moment of the
/// cursor. False: there is none.
pub(super) fn moment_line(ui: Ui<'_>, buf: &mut Buffer, line: Rect, probe: &Status) -> bool {
    let chart = &ui.model.chart;
    let Some(still) = chart.still else { return false };
    let grid = still.grid.fitted(chart.columns.max(1));
    let Some(place) = grid.column(still.at) else { return false };
    let seen = |probe: &Status| {
        let found = columns::columns(probe, grid).all;
        found.get(usize::from(place)).copied().unwrap_or_default()
    };
    let mut pen = Pen::new(buf, line, 0);
    let at = grid.start(place);
    pen.put("│", ui.of(Role::Cursor)).gap(1);
    if ui.date(at) != ui.date(ui.model.now) {
        pen.put(&ui.day(at), ui.of(Role::Accent)).gap(1);
    }
    pen.put(&ui.clock(at), ui.of(Role::Accent)).gap(2);
    // Where there is room it says how to go on, at the right.
    let back = ui.key(Command::Back);
    let hint = format!("paused, {back} goes back to now");
    if pen.room() > width(&hint) + 50 {
        pen.right(&hint, ui.of(Role::Faint));
        pen.right_gap(2);
    }
    for (index, one) in [Some(probe), ui.model.charted_over(probe)].into_iter().flatten().enumerate() {
        let column = seen(one);
        if index > 0 {
            pen.put("   ", ui.of(Role::Faint));
        }
        let over = column.mark > Mark::NoData || column.range.is_some_and(|at| one.is_beyond(one.worse(at)));
        let unknown = column.range.is_none() && !over;
        let role = if over {
            Role::Bad
        } else if unknown {
            Role::Unknown
        } else {
            Role::Text
        };
        pen.put(&one.name, ui.of(Role::Muted)).gap(1).put(&seen_words(one, column), ui.of(role));
        if let Some((since, state)) = one.state_at(grid.start(place)) {
            let (_, role) = glyph::probe(state);
            pen.put(", ", ui.of(Role::Faint)).put(state.name(), ui.of(role));
            pen.put(&format!(" since {}", ui.clock(since)), ui.of(Role::Faint));
        }
    }
    true
}

/// `1900–2100 ms`: what was seen in a column.
fn seen_words(probe: &Status, column: Column) -> String {
    let value = column.range.map(|(low, high)| {
        let (low, high) = (number(low), number(high));
        let unit = if probe.unit.is_empty() { String::new() } else { format!(" {}", probe.unit) };
        if low == high { format!("{high}{unit}") } else { format!("{low}–{high}{unit}") }
    });
    let what = match column.mark {
        Mark::NoAnswer => "no answer",
        Mark::Bad => "a bad answer",
        Mark::NoData => "no data",
        Mark::Unasked => "not asked",
        Mark::Seen => "",
    };
    match value {
        Some(value) if column.mark > Mark::NoData => format!("{value}, {what}"),
        Some(value) => value,
        None => what.to_owned(),
    }
}

/// The word for a state, to stand beside its glyph.
fn word(state: State) -> &'static str {
    match state {
        State::Ok => "good",
        State::Pending => "one bad sample, not yet confirmed",
        State::Warn => "over its warning limit",
        State::Failing => "failing",
        State::Recovering => "good again, not yet confirmed",
        State::Flapping => "flapping",
        State::Unknown => "no data",
        State::Error => "no answer",
        State::Suppressed => "suppressed: the probe that explains it fails",
    }
}

/// What is wrong with a probe, in one line.
pub(super) fn why_line(ui: Ui<'_>, buf: &mut Buffer, line: Rect, probe: &Status) {
    let (symbol, role) = glyph::probe(probe.state);
    let mut pen = Pen::new(buf, line, 0);
    pen.put(symbol, ui.of(role)).gap(1).put(&probe.name, ui.of(Role::Text)).put(": ", ui.of(Role::Faint));
    let why = probe.last.as_ref().map_or("", |sample| sample.why.as_str());
    let environment = ui.model.environment_of(&probe.name);
    let gone = ui.model.incident().and_then(|state| gone::since(state, environment, probe));
    if let Some(gone) = gone {
        pen.put(&gone, ui.of(role)).put(", ", ui.of(Role::Faint));
    }
    pen.put(
        if why.is_empty() { word(probe.state) } else { why },
        ui.of(if why.is_empty() { Role::Muted } else { role }),
    );
    if let Some(since) = probe.began().filter(|_| probe.state != State::Ok && pen.room() > 12) {
        let words = format!("  since {}, {}", ui.clock(since), length(ui, since));
        pen.put(&words, ui.of(Role::Faint));
    }
}

fn length(ui: Ui<'_>, since: Timestamp) -> String {
    duration(ui.model.now.duration_since(since).max(SignedDuration::ZERO))
}

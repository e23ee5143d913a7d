//! The start screen: declare, open one of the past, and what was found out about this
//! repository.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::glyph;
use super::keys;
use super::overlay::past;
use super::paint::{Pen, width, wrap_ranges};
use super::theme::Role;
use super::ui::{Ui, below, row, short_id};
use crate::cockpit::Command;
use crate::cockpit::model::{ConfigSource, IncidentLine};
use crate::cockpit::shared::StartRow;
use crate::hotfix::state::{Head, NoRepository};
use crate::incident::{Status, duration};
use crate::text::visible;

/// Columns of the screen's one column.
const COLUMNS: u16 = 84;

/// ```text
///    flightdeck
///    payments-api · main 4f2c91e · clean
///
///    D  Declare an incident
///
///    Follow-ups  1 overdue of 3                                    [U] follow-ups
///    ✗ alert on the pool                               li          27 Nov 3d late
///
///    Incidents
///    INC-2026-0007  P0  ● open      Checkout answers 500     21 Nov 14:31
///
///    here   Cargo · deploy.sh
///    config none yet  [I] write one for this repository
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) {
    keys::start(ui, buf, row(area, area.height - 1));
    let said = keys::lines(ui, area.width).min(area.height / 4);
    let area = Rect { height: area.height - 1 - said, ..area };
    keys::told(ui, buf, Rect { y: area.bottom(), height: said, ..area });
    let side = if area.width > COLUMNS + 4 { (area.width - COLUMNS) / 2 } else { 2 };
    let above = if area.height >= 22 { area.height / 8 } else { 0 };
    let mut page =
        Rect { x: area.x + side, width: area.width.saturating_sub(2 * side), ..below(area, above) };
    page = heading(ui, buf, page);
    if let Some(guide) = &ui.model.derived.guide {
        Pen::new(buf, page, 0).put("try ", ui.of(Role::Faint));
        // Declaring, the list and each fact have their rows first.
        let spare = page.height.saturating_sub(6 + facts(ui).len() as u16);
        page = below(page, told(buf, page, TRY, guide, 1 + spare.min(3), ui.of(Role::Guide)) + 1);
    }
    page = declare(ui, buf, page);
    page = offered(ui, buf, page);
    page = left(ui, buf, page);
    let facts = facts(ui);
    // What was found stays in sight however many incidents there are.
    let kept = (facts.len() as u16 + 1).min(page.height / 2);
    let list = Rect { height: page.height - kept, ..page };
    let used = incidents(ui, buf, list);
    let mut rest = below(page, used + u16::from(used > 0));
    let mut left = facts.len() as u16;
    for (label, text, role) in &facts {
        // Each has its line before any has a second one.
        left -= 1;
        let lines = rest.height.saturating_sub(left).max(1);
        Pen::new(buf, rest, 0).column_of(label, LABEL, ui.of(Role::Faint));
        rest = below(rest, told(buf, rest, LABEL, text, lines, ui.of(*role)));
    }
}

/// Columns of what a fact is about.
const LABEL: u16 = 12;
/// What is said where nothing was ever declared.
const PRACTISE: &str = "No incident was declared here yet. To practise, run flightdeck drill.";
/// Columns before what a newcomer should try.
const TRY: u16 = 5;

/// Writes a text beside what it is about, on as many lines as it takes and may have; returns how many it took.
fn told(buf: &mut Buffer, place: Rect, before: u16, text: &str, most: u16, style: Style) -> u16 {
    let text = visible(text);
    let columns = place.width.saturating_sub(before);
    let pieces: Vec<_> = wrap_ranges(&text, columns, columns).collect();
    let lines = pieces.len().min(usize::from(most)).max(1);
    for (line, piece) in pieces.iter().take(lines).enumerate() {
        // The last one says that it is cut.
        let end = if line + 1 == lines { text.len() } else { piece.end };
        let piece = text.get(piece.start..end).unwrap_or_default();
        Pen::new(buf, place, line as u16).gap(before).put(piece, style);
    }
    lines as u16
}

fn heading(ui: Ui<'_>, buf: &mut Buffer, page: Rect) -> Rect {
    let mut pen = Pen::new(buf, page, 0);
    if ui.model.drill {
        let said = ["practice drill: nothing here is real", "practice drill", "drill"];
        let room = pen.room().saturating_sub(width("flightdeck") + 2);
        let said = said.into_iter().find(|said| width(said) <= room).unwrap_or("drill");
        pen.right(said, ui.of(Role::Guide));
        pen.right_gap(3);
    }
    if ui.model.present.on {
        pen.right("presenting", ui.of(Role::Accent));
    }
    pen.put("flightdeck", ui.of(Role::TitleFocus));
    let mut pen = Pen::new(buf, page, 1);
    let service = ui.model.service();
    if !service.is_empty() {
        pen.put(service, ui.of(Role::Text)).put("  ", ui.of(Role::Faint));
    }
    match &ui.model.branch {
        None => {
            pen.put("reading the repository …", ui.of(Role::Faint));
        }
        Some(Err(_)) => {
            pen.put("no repository", ui.of(Role::Muted));
        }
        Some(Ok(branch)) => {
            match &branch.head {
                Head::Branch { name, commit } => {
                    pen.put("⎇ ", ui.of(Role::Accent)).put(name, ui.of(Role::Muted)).gap(1);
                    pen.put(short_id(commit), ui.of(Role::Info));
                }
                Head::Detached { commit } => {
                    pen.put("detached at ", ui.of(Role::Warn)).put(short_id(commit), ui.of(Role::Info));
                }
                Head::Unborn { .. } => {
                    pen.put("no commit yet", ui.of(Role::Warn));
                }
            }
            pen.gap(2);
            match branch.dirty_count {
                0 => pen.put("clean", ui.of(Role::Muted)),
                count => pen.put(&format!("{count} changed"), ui.of(Role::Warn)),
            };
        }
    }
    below(page, 3)
}

fn declare(ui: Ui<'_>, buf: &mut Buffer, page: Rect) -> Rect {
    let key = ui.key(Command::Declare);
    let mut pen = Pen::new(buf, page, 0);
    if pen.room() > 70 {
        pen.right("title, severity, since when: half a minute", ui.of(Role::Faint));
    }
    pen.column_of(&key, width(&key).max(2), ui.of(Role::Key)).gap(1);
    pen.put("Declare an incident", ui.of(Role::PhaseNow));
    selected(ui, buf, page, ui.model.start_row == 0);
    below(page, 2)
}

/// What colleagues have declared, and could be joined.
fn offered(ui: Ui<'_>, buf: &mut Buffer, page: Rect) -> Rect {
    let offered = ui.model.offered();
    let Some(shared) = ui.model.shared.as_ref().filter(|_| !offered.is_empty() && page.height > 2) else {
        return page;
    };
    Pen::new(buf, page, 0).put(&format!("Open at {}", visible(&shared.remote)), ui.of(Role::Title));
    let shown = offered.len().min(usize::from(page.height - 2));
    for (line, one) in offered.iter().take(shown).enumerate() {
        let place = row(below(page, 1), line as u16);
        let mut pen = Pen::new(buf, place, 0);
        let age = duration(ui.model.now.duration_since(one.declared_at));
        let led =
            if one.led_by.is_empty() { "nobody leads".to_owned() } else { format!("led by {}", one.led_by) };
        let joins = format!("[{}] joins", ui.key(Command::Open));
        for (text, role) in [(joins, Role::Key), (led, Role::Muted), (age, Role::Time)] {
            if pen.room() > 44 {
                pen.right(&visible(&text), ui.of(role));
                pen.right_gap(2);
            }
        }
        let badge = ui.of(Role::from(one.severity));
        pen.put(" ", badge).put(ui.model.policy.severity_name(one.severity), badge).put(" ", badge).gap(1);
        pen.put("●", ui.of(glyph::status(Status::Open))).gap(1).put(&visible(&one.title), ui.of(Role::Text));
        selected(ui, buf, place, ui.model.start_row() == StartRow::Join(line));
    }
    below(page, shown as u16 + 2)
}

/// What is left to do after incidents, what is overdue first, with the key that leads to where one is ended.
/// Nothing where nothing is.
fn left(ui: Ui<'_>, buf: &mut Buffer, page: Rect) -> Rect {
    /// Most that are named.
    const MOST: usize = 3;
    let left = ui.model.left_to_do();
    if left.is_empty() || page.height < 4 {
        return page;
    }
    let today = ui.model.today();
    let overdue = left.iter().filter(|one| one.overdue_by(today).is_some()).count();
    let mut pen = Pen::new(buf, page, 0);
    let key = ui.key(Command::FollowUps);
    let said = match overdue {
        0 => format!("{} open", left.len()),
        overdue => format!("{overdue} overdue of {}", left.len()),
    };
    let hint = if pen.room() > 60 { format!("[{key}] follow-ups") } else { format!("[{key}]") };
    pen.right(&hint, ui.of(Role::Faint));
    pen.right_gap(1);
    pen.put("Follow-ups", ui.of(Role::Title)).gap(2);
    pen.put(&said, ui.of(if overdue == 0 { Role::Muted } else { Role::Overdue }));
    // The incidents come first where there is little room.
    let room = usize::from(page.height / 6).min(MOST);
    let named = &left[..room.min(left.len())];
    let columns = past::Columns::of(named, today);
    let mut lines = 1;
    for one in named {
        past::follow_up(ui, &mut Pen::new(buf, page, lines), one, columns, today);
        lines += 1;
    }
    below(page, lines + 1)
}

fn selected(ui: Ui<'_>, buf: &mut Buffer, line: Rect, on: bool) {
    if on && ui.model.overlays.is_empty() {
        ui.select(buf, Rect { x: line.x - 1, width: line.width + 2, ..row(line, 0) });
    }
}

/// The list of incidents; returns the lines it took.
fn incidents(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> u16 {
    let lines = &ui.model.incidents;
    if lines.is_empty() {
        let (texts, role): (&[&str], Role) = if ui.model.listed {
            let all = &[PRACTISE, "No incident was declared here yet.", "No incident here yet."];
            (&all[usize::from(ui.model.drill)..], Role::Faint)
        } else if ui.model.failures.is_empty() {
            (&["reading the journal …"], Role::Faint)
        } else {
            (
                &["The incidents of this repository could not be read.", "Incidents could not be read."],
                Role::Bad,
            )
        };
        let most = area.height.saturating_sub(1).clamp(1, 2);
        let fits = |text: &&&str| wrap_ranges(text, area.width, area.width).count() <= usize::from(most);
        let text = texts.iter().find(fits).or(texts.last()).copied().unwrap_or_default();
        return told(buf, area, 0, text, most, ui.of(role)).min(area.height);
    }
    let open = lines.iter().filter(|line| matches!(line.status, Status::Open | Status::Mitigated)).count();
    let mut pen = Pen::new(buf, area, 0);
    pen.right(&format!("{open} open of {}", lines.len()), ui.of(Role::Faint));
    pen.put("Incidents", ui.of(Role::Title));
    let list = below(area, 1);
    let shown = usize::from(list.height).min(lines.len());
    let cursor = match ui.model.start_row() {
        StartRow::Open(row) => Some(row),
        StartRow::Declare | StartRow::Join(_) => None,
    };
    let top = (cursor.unwrap_or(0) + 1).saturating_sub(shown.max(1)).min(lines.len() - shown);
    // Columns are as wide as the widest of what is shown in them.
    let seen = || lines.iter().skip(top).take(shown);
    let widest = |texts: &mut dyn Iterator<Item = u16>| texts.max().unwrap_or_default();
    let severity = |line: &IncidentLine| width(ui.model.policy.severity_name(line.severity));
    let columns = (
        widest(&mut seen().map(severity)),
        widest(&mut seen().map(|line| width(&line.number))).clamp(13, 24),
    );
    for (line, incident) in seen().enumerate() {
        let place = row(list, line as u16);
        incident_row(ui, &mut Pen::new(buf, place, 0), incident, columns);
        selected(ui, buf, place, cursor == Some(top + line));
    }
    shown as u16 + 1
}

fn incident_row(ui: Ui<'_>, pen: &mut Pen<'_>, line: &IncidentLine, (severity, number): (u16, u16)) {
    let open = matches!(line.status, Status::Open | Status::Mitigated);
    let when = format!("{} {}", ui.day(line.declared_at), ui.minute(line.declared_at));
    if pen.room() > 56 {
        pen.right(&when, ui.of(Role::Time));
        pen.right_gap(2);
    }
    let badge = ui.of(if open { Role::from(line.severity) } else { Role::Muted });
    let name = ui.model.policy.severity_name(line.severity);
    pen.put(" ", badge).put(name, badge).put(" ", badge).gap(1 + severity.saturating_sub(width(name)));
    let symbol = match line.status {
        Status::Open => "●",
        Status::Mitigated => "▲",
        Status::Resolved | Status::Closed => "✓",
    };
    let role = glyph::status(line.status);
    pen.put(symbol, ui.of(role)).gap(1).column_of(line.status.name(), 10, ui.of(role)).gap(1);
    if pen.room() > 44 {
        pen.column_of(&line.number, number, ui.of(Role::Muted)).gap(2);
    }
    pen.put(&line.title, ui.of(if open { Role::Text } else { Role::Muted }));
}

/// What was found out about this repository and its configuration, with what to do.
fn facts(ui: Ui<'_>) -> Vec<(&'static str, String, Role)> {
    let mut facts = Vec::new();
    if let Some(Err(why)) = &ui.model.branch {
        let text = match why {
            NoRepository::NotFound => {
                "none here or above: clocks, notes and checklist work without one".to_owned()
            }
            NoRepository::Bare => "bare, without a work tree: start in a clone of it".to_owned(),
            NoRepository::NotOurs { path } => {
                format!("{path} is another user's; see git config safe.directory")
            }
            NoRepository::Unreadable { why } => format!("cannot be read: {why}"),
        };
        facts.push(("repository", text, Role::Warn));
    }
    if !ui.model.config.found.is_empty() {
        facts.push(("found here", ui.model.config.found.join(" · "), Role::Muted));
    }
    let (text, role) = match &ui.model.config.source {
        ConfigSource::None => {
            (format!("none yet  [{}] write one for this repository", ui.key(Command::Init)), Role::Muted)
        }
        ConfigSource::Trusted => ("✓ trusted".to_owned(), Role::Good),
        ConfigSource::Untrusted { .. } => {
            (format!("▲ not trusted; {} shows what it would run", ui.key(Command::Trust)), Role::Warn)
        }
        ConfigSource::Invalid(failure) => {
            let cause = failure.cause.lines().next().unwrap_or_default();
            (format!("✗ {cause} [{}]", ui.key(Command::Errors)), Role::Bad)
        }
    };
    if !matches!(ui.model.branch, Some(Err(_))) {
        facts.push(("config", text, role));
    }
    if let Some(why) = &ui.model.read_only {
        let state = if ui.model.journal_gone { "gone" } else { "read-only" };
        facts.push(("journal", format!("✗ {state}: {why}"), Role::Overdue));
    } else if ui.model.unseen > 0 {
        facts.push(("errors", format!("✗ {} [{}]", ui.model.unseen, ui.key(Command::Errors)), Role::Bad));
    }
    facts
}

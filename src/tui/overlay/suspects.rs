//! Suspects: what changed since it last worked, most suspicious first, and why one should look at
//! the one the cursor is on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row, short_id};
use super::document::{self, Line};
use super::{Shown, framed, hints, wide};
use crate::cockpit::Command;
use crate::cockpit::suspects::{Looked, SuspectsView};
use crate::hotfix::suspects::{Change, Edge, Found, Kind, OTHERWISE, Reason, Suspect, culprits};

/// From this width on the reasons stand beside the list.
const BESIDE: u16 = 126;
/// Third parties that are named.
const THEIRS: usize = 2;
/// Commits of a merge and files of a change that are named.
const NAMED: usize = 8;

/// ```text
/// ╭ Look here first ─────────────────────────────────────────────────╮
/// │ v1.2.2, the last good release  →  v1.2.3, which was deployed     │
/// │ ▸  1  +63  4f2c91e  Lower the pool to 10          ask li   40m   │
/// │    2  +35  77b0d13  Update serde                  ask omar  2h   │
/// │ ──────────────────────────────────────────────────────────────── │
/// │ +40  named like what fails: “pool” (finding) in src/pool.rs     │
/// ╰──── ⏎ change  r revert  b bisect  / filter  l look again  esc ───╯
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &SuspectsView) -> Shown {
    let keys = keys(ui);
    let place = wide(area, area.height);
    let inner = framed(ui, buf, place, "Look here first", &keys, Role::OverlayBorder);
    let inner = third_parties(ui, buf, inner);
    let suspects = &ui.model.suspects;
    match &suspects.looked {
        None => {
            let words =
                if suspects.looking.is_some() { "looking at what changed …" } else { "not checked yet" };
            Pen::new(buf, inner, 0).put(words, ui.of(Role::Muted));
            Shown { lines: inner.height, top: 0, cursor: None, more: None }
        }
        Some(Looked { found: Err(failure), .. }) => {
            let lines = document::failed(ui, failure);
            document::draw(buf, inner, 0, lines.len(), |index| lines[index].clone())
        }
        Some(Looked { found: Ok(found), at }) => {
            ends(ui, &mut Pen::new(buf, inner, 0), found);
            if suspects.looking.is_some() {
                Pen::new(buf, inner, 0).right("looking again …", ui.of(Role::Muted));
            } else if inner.width > 100 {
                let since = format!("checked at {} {}", ui.clock(*at), ui.zone());
                Pen::new(buf, inner, 0).right(&since, ui.of(Role::Faint));
            }
            body(ui, buf, below(inner, 1), view, found)
        }
    }
}

/// Third parties that are not well, above whatever changed here; and the room that is left below them.
fn third_parties(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let probes = &ui.model.config.config.probes;
    let theirs = ui
        .model
        .incident()
        .map(|state| culprits::third_parties(state, probes, &ui.model.probes))
        .unwrap_or_default();
    let shown = theirs.iter().take(THEIRS);
    for (y, one) in shown.clone().enumerate() {
        let mut pen = Pen::new(buf, row(area, y as u16), 0);
        pen.right(&format!("since {}", ui.minute(one.since)), ui.of(Role::Time));
        pen.right_gap(2);
        pen.put("▲ third party  ", ui.of(Role::Warn))
            .put(&one.said, ui.of(Role::Text).add_modifier(Modifier::BOLD));
    }
    below(area, shown.len() as u16)
}

/// The keys, the most used first.
fn keys(ui: Ui<'_>) -> Vec<(String, &'static str)> {
    hints(
        ui,
        &[
            (Command::Open, "change"),
            (Command::SuspectRevert, "revert"),
            (Command::SuspectBisect, "bisect"),
            (Command::Filter, "filter"),
            (Command::SuspectsAgain, "refresh"),
            (Command::Back, "back"),
        ],
    )
}

/// Between what and what.
fn ends(ui: Ui<'_>, pen: &mut Pen<'_>, found: &Found) {
    let wide = pen.room() > 90;
    if let Some(from) = &found.from {
        end(ui, pen, from, wide);
        pen.put("  →  ", ui.of(Role::Accent));
    }
    end(ui, pen, &found.to, wide);
}

fn end(ui: Ui<'_>, pen: &mut Pen<'_>, edge: &Edge, wide: bool) {
    let name = if edge.name == edge.commit { short_id(&edge.commit) } else { &edge.name };
    pen.put(name, ui.of(Role::Text));
    if wide && !edge.why.is_empty() {
        pen.put(", ", ui.of(Role::Faint)).put(&edge.why, ui.of(Role::Faint));
    }
}

/// The list, and what is known of the one the cursor is on: below it, or beside it.
fn body(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: &SuspectsView, found: &Found) -> Shown {
    let rows = view.rows(found);
    let Some(chosen) = view.suspect(found) else {
        let words = if view.filter.is_empty() {
            "nothing changed in between".to_owned()
        } else {
            format!("nothing contains “{}”", view.filter)
        };
        let mut lines = vec![Line::of(&words, ui.of(Role::Muted))];
        rest(ui, &mut lines, found);
        return document::draw(buf, below(area, 1), 0, lines.len(), |index| lines[index].clone());
    };
    let lines = about(ui, chosen, found);
    let (list, details) = if area.width >= BESIDE {
        let left = area.width * 55 / 100;
        for y in 0..area.height {
            Pen::new(buf, Rect { x: area.x + left, width: 1, ..area }, y)
                .put("│", ui.of(Role::OverlayBorder));
        }
        let right = Rect { x: area.x + left + 2, width: area.width - left - 2, ..area };
        (Rect { width: left - 1, ..area }, right)
    } else {
        let least = 3.min(area.height);
        let wanted = rows.len() as u16;
        let height = wanted.clamp(least, (area.height * 2 / 5).max(least));
        let rule = row(area, height);
        Pen::new(buf, rule, 0).fill("─", ui.of(Role::OverlayBorder));
        (Rect { height, ..area }, below(area, height + 1))
    };
    list_rows(ui, buf, list, &rows, chosen);
    if !view.filter.is_empty() {
        let words = format!(" {} of {} contain “{}” ", rows.len(), found.suspects.len(), view.filter);
        let foot = if area.width >= BESIDE {
            row(list, list.height.saturating_sub(1))
        } else {
            row(area, list.height)
        };
        Pen::new(buf, foot, 0).right(&words, ui.of(Role::Match));
    }
    document::draw(buf, details, view.top, lines.len(), |index| lines[index].clone())
}

fn list_rows(ui: Ui<'_>, buf: &mut Buffer, area: Rect, rows: &[(usize, &Suspect)], chosen: &Suspect) {
    let here = rows.iter().position(|(_, suspect)| suspect.id == chosen.id).unwrap_or(0);
    let height = usize::from(area.height);
    let top = here.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    for (y, (rank, suspect)) in rows.iter().skip(top).take(height).enumerate() {
        let place = row(area, y as u16);
        let mut pen = Pen::new(buf, place, 0);
        let is_chosen = suspect.id == chosen.id;
        if area.width > 56 {
            pen.right(&format!("{:>4}", ui.ago(suspect.at)), ui.of(Role::Time));
            pen.right_gap(2);
            if area.width > 72 && !suspect.contact.is_empty() {
                let name: String = suspect.contact.chars().take(14).collect();
                pen.right(&name, ui.of(Role::Author));
                pen.right(" ask ", ui.of(Role::Faint));
                pen.right_gap(1);
            }
        }
        let title =
            if is_chosen { ui.of(Role::Text).add_modifier(Modifier::BOLD) } else { ui.of(Role::Text) };
        pen.put(if is_chosen { "▸" } else { " " }, ui.of(Role::Accent));
        pen.put(&format!("{rank:>3} "), ui.of(Role::Faint));
        pen.put(&format!("{:>+4} ", suspect.score), score(ui, suspect.score));
        let (word, style) = called(ui, suspect);
        pen.column_of(&word, 9, style);
        // Why it is looked at first is read where the row is cut, too.
        if let Some(reason) = suspect.reasons.first().filter(|reason| reason.weight > 0) {
            let whole = width(&reason.text) + 3 + width(&suspect.title) <= pen.room();
            let kind = reason.text.split(": ").next().unwrap_or_default();
            let text = if whole { reason.text.as_str() } else { kind };
            pen.put(text, ui.of(Role::Muted)).put(" · ", ui.of(Role::Faint));
        }
        pen.put(&suspect.title, title);
        if is_chosen {
            ui.select(buf, place);
        }
    }
}

/// How much speaks for looking at it: never how bad it is.
fn score(ui: Ui<'_>, score: i32) -> Style {
    match score {
        40.. => ui.of(Role::Warn).add_modifier(Modifier::BOLD),
        15.. => ui.of(Role::Warn),
        1.. => ui.of(Role::Muted),
        _ => ui.of(Role::Faint),
    }
}

/// What stands for it: the commit, or what it was.
fn called(ui: Ui<'_>, suspect: &Suspect) -> (String, Style) {
    match suspect.kind {
        Kind::Commit | Kind::Merge => (short_id(&suspect.id).to_owned(), ui.of(Role::Info)),
        Kind::Flag => ("⚑ flag".to_owned(), ui.of(Role::Accent)),
        Kind::Deploy => ("▲ deploy".to_owned(), ui.of(Role::ChartMark)),
    }
}

/// What is known of a suspect, and at the end what is left where none fits.
fn about(ui: Ui<'_>, suspect: &Suspect, found: &Found) -> Vec<Line> {
    let (faint, text, muted) = (ui.of(Role::Faint), ui.of(Role::Text), ui.of(Role::Muted));
    let (word, style) = called(ui, suspect);
    let bold = text.add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::of(word.trim(), style).with("  ", text).with(&suspect.title, bold).hanging(2)];
    let mut who = Line::default();
    if !suspect.contact.is_empty() {
        who = who.with("ask ", faint).with(&suspect.contact, ui.of(Role::Author));
        if let Some(change) = suspect.change.as_ref().filter(|change| !change.email.is_empty()) {
            who = who.with(&format!(" <{}>", change.email), faint);
        }
        who = who.with("   ", faint);
    }
    lines.push(who.with(&format!("{} {}", ui.moment(suspect.at), ui.zone()), muted).hanging(2));
    for reason in &suspect.reasons {
        lines.push(part(ui, reason));
    }
    if suspect.reasons.is_empty() {
        lines.push(Line::of("no reason to look at it first", muted));
    }
    if let Some(change) = &suspect.change {
        touched(ui, &mut lines, change);
    }
    rest(ui, &mut lines, found);
    lines
}

fn part(ui: Ui<'_>, reason: &Reason) -> Line {
    let style = if reason.weight > 0 { ui.of(Role::Warn) } else { ui.of(Role::Good) };
    Line::of(&format!("{:>+4}  ", reason.weight), style).with(&reason.text, ui.of(Role::Text)).hanging(6)
}

/// How large it is, what it brought and what it touches.
fn touched(ui: Ui<'_>, lines: &mut Vec<Line>, change: &Change) {
    let (faint, muted, text) = (ui.of(Role::Faint), ui.of(Role::Muted), ui.of(Role::Text));
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let size = format!(
        "{} file{} +{} −{}",
        change.files_count,
        s(change.files_count),
        change.insertions,
        change.deletions
    );
    let mut line = Line::of(&size, muted).hanging(2);
    if !change.tags.is_empty() {
        line = line.with("   tagged ", faint).with(&change.tags.join(", "), text);
    }
    lines.push(Line::default());
    lines.push(line);
    if let Some(cut) = &change.cut {
        lines.push(Line::of("▲ ", ui.of(Role::Warn)).with(cut, muted).hanging(2));
    }
    if let Some(through) = &change.through {
        let came = Line::of("came by ", faint).with(short_id(&through.id), ui.of(Role::Info));
        lines.push(came.with(" ", text).with(&through.subject, muted).hanging(2));
    }
    if change.brought_count > 0 {
        lines.push(Line::of(
            &format!("brought {} commit{}:", change.brought_count, s(change.brought_count)),
            faint,
        ));
        for commit in change.brought.iter().take(NAMED) {
            let line = Line::of("  ", faint).with(short_id(&commit.id), ui.of(Role::Info));
            lines.push(
                line.with(" ", text).with(&commit.subject, text).with("  ", text).with(&commit.author, faint),
            );
        }
        more(ui, lines, change.brought_count, NAMED.min(change.brought.len()));
    }
    for file in change.files.iter().take(NAMED) {
        lines.push(Line::of("  ", faint).with(&file.path, ui.of(Role::Code)).hanging(4));
    }
    more(ui, lines, change.files_count, NAMED.min(change.files.len()));
}

fn more(ui: Ui<'_>, lines: &mut Vec<Line>, all: usize, shown: usize) {
    if all > shown {
        lines.push(Line::of(&format!("  and {} more", all - shown), ui.of(Role::Faint)));
    }
}

/// What a reader should know besides.
fn rest(ui: Ui<'_>, lines: &mut Vec<Line>, found: &Found) {
    lines.push(Line::default());
    for remark in &found.remarks {
        lines.push(Line::of("▲ ", ui.of(Role::Warn)).with(remark, ui.of(Role::Muted)).hanging(2));
    }
    lines.push(Line::of(OTHERWISE, ui.of(Role::Faint)));
}

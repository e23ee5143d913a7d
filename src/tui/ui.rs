//! What every part of the drawing needs: the model, the theme, and the few words that are
//! written in more than one place.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::glyph::{self, Glyph};
use super::theme::{Role, Theme};
use crate::cockpit::{Command, Model};
use crate::incident::{Entry, EntryKind, duration, times_in};
use crate::plan::gates::void;

/// What is drawn, and how it looks.
#[derive(Clone, Copy)]
pub(super) struct Ui<'a> {
    /// The state of the program.
    pub(super) model: &'a Model,
    /// The looks.
    pub(super) theme: &'a Theme,
}

impl Ui<'_> {
    /// How a role looks.
    pub(super) fn of(&self, role: Role) -> Style {
        self.theme.of(role)
    }

    /// The first key of a command as shown; empty where the user took it away.
    pub(super) fn key(&self, command: Command) -> String {
        self.model.keymap.key(command).map_or_else(String::new, |key| key.to_string())
    }

    /// Two keys after one another: of a menu and of a row in it.
    pub(super) fn keys(&self, menu: Command, row: Command) -> String {
        format!("{} {}", self.key(menu), self.key(row))
    }

    /// The glyph of an entry of the timeline. What was only asked for, and what does not count, has no tick.
    pub(super) fn glyph(&self, entry: &Entry<'_>) -> Glyph {
        match entry.name {
            "plan-proposed" => ("…", Role::Accent),
            _ if self.void(entry).is_some() => ("·", Role::Muted),
            _ => glyph::entry(entry.kind),
        }
    }

    /// Why an approval in the timeline does not count; `None`: it does, or it is something else.
    pub(super) fn void(&self, entry: &Entry<'_>) -> Option<String> {
        if entry.name != "approved" {
            return None;
        }
        void(self.model.incident()?, &self.model.policy, entry.id, self.model.now)
    }

    /// What an entry says, in the words of the policy.
    pub(super) fn said<'e>(&self, entry: &Entry<'e>) -> Cow<'e, str> {
        let policy = &self.model.policy;
        let said = policy.in_our_words(entry.kind, entry.text);
        if entry.original.is_some() {
            return said;
        }
        // Behind the colon of what they decided people speak for themselves.
        let ours = match entry.kind {
            kind if kind.is_automatic() => said.len(),
            EntryKind::Described if entry.name != "began" => return said,
            EntryKind::Declared | EntryKind::Described => said.find(": ").unwrap_or(said.len()),
            _ => return said,
        };
        let (head, rest) = said.split_at(ours);
        match times_in(head, entry.at, &self.model.looks.zone, false) {
            Cow::Owned(head) => Cow::Owned(head + rest),
            Cow::Borrowed(_) => said,
        }
    }

    /// A text of the program with its times in the zone that is shown, which it names.
    pub(super) fn local<'t>(&self, text: &'t str) -> Cow<'t, str> {
        times_in(text, self.model.now, &self.model.looks.zone, true)
    }

    /// A time of day with seconds, in the zone that is shown.
    pub(super) fn clock(&self, at: Timestamp) -> String {
        let time = self.model.looks.zone.to_datetime(at);
        format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
    }

    /// A time of day without seconds.
    pub(super) fn minute(&self, at: Timestamp) -> String {
        let time = self.model.looks.zone.to_datetime(at);
        format!("{:02}:{:02}", time.hour(), time.minute())
    }

    /// The day of a moment.
    pub(super) fn date(&self, at: Timestamp) -> jiff::civil::Date {
        self.model.looks.zone.to_datetime(at).date()
    }

    /// A day: `21 Nov`.
    pub(super) fn day(&self, at: Timestamp) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let date = self.date(at);
        let month = usize::try_from(date.month() - 1).unwrap_or_default();
        format!("{} {}", date.day(), MONTHS.get(month).unwrap_or(&""))
    }

    /// The day and time, for what may be long ago.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        let date = self.date(at);
        format!("{date} {}", self.clock(at))
    }

    /// Name of the zone that is shown: `UTC`, or the local zone's letters.
    pub(super) fn zone(&self) -> String {
        self.model.looks.zone_name(self.model.now)
    }

    /// How long ago something was, compactly.
    pub(super) fn ago(&self, at: Timestamp) -> String {
        let length = self.model.now.duration_since(at).max(SignedDuration::ZERO);
        short(length)
    }

    /// Fills an area with blanks of a role.
    pub(super) fn fill(&self, buf: &mut Buffer, area: Rect, role: Role) {
        let style = self.of(role);
        let area = area.intersection(buf.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let cell = &mut buf[(x, y)];
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// Marks the row the cursor is on.
    pub(super) fn select(&self, buf: &mut Buffer, row: Rect) {
        let row = row.intersection(buf.area);
        buf.set_style(row, self.of(Role::Selection));
        // The ground alone is lost in a scaled-down call: a bar stands before it.
        if let Some(cell) = buf.cell_mut(row.as_position()).filter(|cell| cell.symbol() == " ") {
            cell.set_symbol("▌").set_style(self.of(Role::Cursor));
        }
    }
}

/// How long ago something was, in as many units as matter then: `46s`, `12m`, `1h59m`, `11h`, `5d`.
pub(super) fn short(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    match seconds.unsigned_abs() {
        s if s < 36_000 => minutes(length),
        s if s < 2 * 86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A length to a minute: `45s`, `14m`, `1h59m`, `2d3h`.
pub(super) fn minutes(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    let whole = if seconds.unsigned_abs() < 60 { seconds } else { seconds / 60 * 60 };
    duration(SignedDuration::from_secs(whole))
}

/// The start of a commit's id; all of what is not one.
pub(super) fn short_id(id: &str) -> &str {
    match id.split_at_checked(7) {
        Some((start, _)) if id.is_ascii() => start,
        _ => id,
    }
}

/// A running time as a clock: `00:14`, `1:02:33`.
pub(super) fn stopwatch(length: SignedDuration) -> String {
    let s = length.as_secs().max(0);
    if s < 3600 {
        format!("{:02}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// One line of an area, counted from its top; empty outside it.
pub(super) fn row(area: Rect, line: u16) -> Rect {
    if line >= area.height {
        return Rect { height: 0, ..area };
    }
    Rect { y: area.y + line, height: 1, ..area }
}

/// An area without its first lines.
pub(super) fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// An area without so many columns at either side.
pub(super) fn inset(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width / 2);
    Rect { x: area.x + columns, width: area.width - 2 * columns, ..area }
}

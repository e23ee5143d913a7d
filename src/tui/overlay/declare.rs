//! Declaring an incident: title, severity tree, since when, who is affected.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::paint::{Pen, wrap};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::{Shown, column, framed, typed, wide};
use crate::cockpit::overlay::{Declare, DeclareStep};
use crate::cockpit::production::outage_began;
use crate::cockpit::reading::taken;
use crate::incident::Severity;
use crate::text::visible_lines;

/// Most columns of its lines.
const COLUMNS: u16 = 80;
/// Most examples that stand below a question.
const EXAMPLES: usize = 5;
/// Lines of it.
const LINES: u16 = 18;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, declare: &Declare) -> Shown {
    let policy = &ui.model.policy;
    let direct: Vec<String> = policy.ranks().map(|one| policy.severity_key(one).to_string()).collect();
    let direct = direct.join(" ");
    let keys: &[(&str, &str)] = match declare.step {
        DeclareStep::Title | DeclareStep::Started => &[("⏎", "next"), ("esc", "back")],
        DeclareStep::Question(_) => &[(&direct, "choose directly"), ("esc", "back")],
        DeclareStep::Backlog => &[("esc", "back")],
        DeclareStep::Impact => &[("⏎", "declare"), ("esc", "back")],
    };
    let inner = framed(
        ui,
        buf,
        wide(area, if declare.step == DeclareStep::Backlog { LINES + 5 } else { LINES }),
        if declare.changing { "Change the severity" } else { "Declare an incident" },
        keys,
        Role::OverlayBorder,
    );
    let inner = column(inner, COLUMNS);
    if !declare.changing {
        steps(ui, &mut Pen::new(buf, inner, 0), declare);
    }
    let mut page = Page { ui, buf, rest: below(inner, if declare.changing { 0 } else { 2 }) };
    let cursor = match declare.step {
        DeclareStep::Title => title(&mut page, declare),
        DeclareStep::Question(index) => question(&mut page, declare, index),
        DeclareStep::Backlog => backlog(&mut page, declare),
        DeclareStep::Started => started(&mut page, declare),
        DeclareStep::Impact => impact(&mut page, declare),
    };
    if !declare.complaint.is_empty() {
        let line = row(inner, inner.height.saturating_sub(1));
        ui.fill(buf, line, Role::Overlay);
        Pen::new(buf, line, 0).put("✗ ", ui.of(Role::Bad)).put(&declare.complaint, ui.of(Role::Bad));
    }
    Shown { lines: inner.height, top: 0, cursor, more: None }
}

/// What is still free of the window, from the top.
struct Page<'a, 'b> {
    ui: Ui<'a>,
    buf: &'b mut Buffer,
    rest: Rect,
}

impl Page<'_, '_> {
    /// Writes a text on as many lines as it takes.
    fn say(&mut self, text: &str, role: Role) {
        let columns = self.rest.width;
        for line in visible_lines(text).lines().flat_map(|line| wrap(line, columns)) {
            Pen::new(self.buf, self.rest, 0).put(line, self.ui.of(role));
            self.rest = below(self.rest, 1);
        }
    }

    fn blank(&mut self) {
        self.rest = below(self.rest, 1);
    }

    /// Writes an item of a list.
    fn item(&mut self, text: &str) {
        let mut pen = Pen::new(self.buf, self.rest, 0);
        pen.gap(2).put("• ", self.ui.of(Role::Faint)).put(text, self.ui.of(Role::Muted));
        self.rest = below(self.rest, 1);
    }

    /// Draws the line that is typed in.
    fn typed(&mut self, input: &crate::cockpit::edit::LineEdit, placeholder: &str) -> Option<Position> {
        Pen::new(self.buf, self.rest, 0).put("> ", self.ui.of(Role::Key));
        let line = row(self.rest, 0);
        let line = Rect { x: (line.x + 2).min(line.right()), width: line.width.saturating_sub(2), ..line };
        self.rest = below(self.rest, 1);
        typed(self.ui, self.buf, line, input, placeholder)
    }
}

/// The steps as a trail: what was said, where it stands, what comes.
fn steps(ui: Ui<'_>, pen: &mut Pen<'_>, declare: &Declare) {
    let now = match declare.step {
        DeclareStep::Title => 0,
        DeclareStep::Question(_) | DeclareStep::Backlog => 1,
        DeclareStep::Started => 2,
        DeclareStep::Impact => 3,
    };
    for (index, name) in ["title", "severity", "since when", "impact"].into_iter().enumerate() {
        if index > 0 {
            pen.put(" › ", ui.of(Role::Border));
        }
        match index.cmp(&now) {
            std::cmp::Ordering::Less => {
                pen.put("✓ ", ui.of(Role::Good)).put(name, ui.of(Role::PhaseDone));
                if let Some(severity) = declare.severity.filter(|_| index == 1) {
                    pen.gap(1).put(ui.model.policy.severity_name(severity), ui.of(Role::PhaseNow));
                }
            }
            std::cmp::Ordering::Equal => {
                pen.put("▶ ", ui.of(Role::Accent)).put(name, ui.of(Role::PhaseNow));
            }
            std::cmp::Ordering::Greater => {
                pen.put("· ", ui.of(Role::Faint)).put(name, ui.of(Role::PhaseTodo));
            }
        }
    }
}

fn title(page: &mut Page<'_, '_>, declare: &Declare) -> Option<Position> {
    page.say("What is broken, in one line?", Role::Text);
    page.blank();
    let cursor = page.typed(&declare.title, "for example Checkout answers 500");
    page.blank();
    page.say("The clock starts when the fault began. Everybody in this repository sees it.", Role::Faint);
    cursor
}

fn question(page: &mut Page<'_, '_>, declare: &Declare, index: usize) -> Option<Position> {
    let ui = page.ui;
    let question = ui.model.policy.questions.get(index)?;
    let asked = wrap(&question.ask, page.rest.width).len();
    let examples = question.examples.len().min(EXAMPLES);
    // The keys that answer it are worth more than what stands around them.
    let roomy = usize::from(page.rest.height) >= asked + examples + 7;
    if roomy {
        page.say(declare.title.text(), Role::Muted);
        page.blank();
    }
    page.say(&question.ask, Role::PhaseNow);
    if roomy {
        page.blank();
        for example in question.examples.iter().take(EXAMPLES) {
            page.item(example);
        }
        page.blank();
    }
    answer(page, "y", "yes", Some(question.yes));
    answer(page, "n", "no", question.no);
    answer(page, "?", "cannot tell", Some(question.yes));
    None
}

/// An answer and the severity it leads to.
fn answer(page: &mut Page<'_, '_>, key: &str, word: &str, severity: Option<Severity>) {
    let ui = page.ui;
    let mut pen = Pen::new(page.buf, page.rest, 0);
    pen.gap(2).put(key, ui.of(Role::Key)).gap(2).column_of(word, 12, ui.of(Role::Text));
    match severity {
        Some(severity) => {
            let policy = ui.model.policy.severity(severity);
            let style = ui.of(Role::from(severity));
            pen.put(" ", style).put(ui.model.policy.severity_name(severity), style).put(" ", style).gap(1);
            pen.put(&policy.word, ui.of(Role::Muted));
        }
        None => {
            pen.gap(1).put("one more question", ui.of(Role::Faint));
        }
    }
    page.rest = below(page.rest, 1);
}

fn backlog(page: &mut Page<'_, '_>, declare: &Declare) -> Option<Position> {
    let ui = page.ui;
    let severity = declare.severity.unwrap_or(ui.model.policy.least());
    page.say(&ui.model.policy.severity(severity).means, Role::PhaseNow);
    page.say("File a ticket: it goes into the next regular release.", Role::Text);
    page.blank();
    let ticket = ui.model.policy.ticket(declare.title.text(), None);
    let room = usize::from(page.rest.height.saturating_sub(5));
    for line in visible_lines(ticket.trim()).lines().take(room) {
        page.say(line, Role::Faint);
    }
    page.blank();
    let (copy, on) = if declare.changing {
        ("copy this text for a ticket, and go on", "go on without it")
    } else {
        ("copy this text for a ticket, and leave", "declare an incident anyway")
    };
    for (key, word) in [("c", copy), ("y", on), ("n", "leave")] {
        let mut pen = Pen::new(page.buf, page.rest, 0);
        pen.gap(2).put(key, ui.of(Role::Key)).gap(2).put(word, ui.of(Role::Text));
        page.rest = below(page.rest, 1);
    }
    None
}

fn started(page: &mut Page<'_, '_>, declare: &Declare) -> Option<Position> {
    page.say(declare.title.text(), Role::Muted);
    page.blank();
    page.say("Since when is it broken?", Role::Text);
    page.blank();
    let cursor = page.typed(&declare.started, "now");
    page.blank();
    let model = page.ui.model;
    if let Some((_, probe)) = outage_began(model).filter(|_| declare.started.is_suggested()) {
        page.say(&format!("{} has been failing since then.", probe.name), Role::Muted);
    }
    if let Some(said) = taken(model, declare.started.text()) {
        page.say(&format!("⇒ {said}"), Role::Muted);
    } else {
        let how = format!("As 14:02 ({}), or 20m ago. Empty means now.", page.ui.zone());
        page.say(&how, Role::Faint);
    }
    // A clock is late only where it ran.
    page.say("Due times count from then; what would be overdue already counts from now.", Role::Faint);
    cursor
}

fn impact(page: &mut Page<'_, '_>, declare: &Declare) -> Option<Position> {
    page.say(declare.title.text(), Role::Muted);
    page.blank();
    page.say("Who is affected, and how?", Role::Text);
    page.blank();
    let cursor = page.typed(&declare.impact, "may stay empty until it is known");
    page.blank();
    if let Some(severity) = declare.severity {
        let within = page.ui.model.policy.severity(severity).fix_within;
        let within = within.map_or_else(
            || "no time is set for the fix".to_owned(),
            |within| format!("the fix is due within {}", crate::incident::duration(within)),
        );
        let name = page.ui.model.policy.severity_name(severity);
        page.say(&format!("⏎ declares it as {name}: {within}."), Role::Faint);
    }
    cursor
}

//! Declaring an incident: title, severity tree, since when, impact.

use jiff::Timestamp;

use super::super::commands::Command;
use super::super::edit::LineEdit;
use super::super::key::{Code, Key};
use super::super::model::{Looks, Model};
use super::super::msg::Effect;
use super::super::overlay::{Answered, Declare, DeclareStep, Overlay, Purpose};
use super::super::production::outage_began;
use super::invoke::ask;
use super::{Cx, windows};

use crate::incident::RepositoryId;
use crate::incident::{
    Answer, Declared, FILED, NoteKind, Noted, Policy, Question, Severity, is_recent, parse_time_in,
};

/// Takes a key.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    let policy = cx.model.policy.clone();
    let now = cx.model.now;
    let proposed = proposed(cx.model);
    let Some(Overlay::Declare(declare)) = cx.model.overlays.last_mut() else { return };
    // An alarm may have come since the window was opened.
    let is_untouched = declare.started.is_suggested() || declare.started.text().is_empty();
    if declare.step != DeclareStep::Started && is_untouched {
        declare.started = proposed;
    }
    if key.code == Code::Esc {
        if !back(declare) {
            windows::leave(cx);
        }
        return;
    }
    declare.complaint.clear();
    match declare.step {
        DeclareStep::Question(index) => question(declare, &policy, index, key),
        DeclareStep::Backlog => match key {
            key if key == Key::char('y') => declare.step = DeclareStep::Started,
            key if key == Key::char('c') => {
                let ticket = policy.ticket(declare.title.text(), None);
                let goes_on = declare.changing;
                declare.step = if goes_on { DeclareStep::Started } else { declare.step };
                cx.effect("copying", Effect::Copy(ticket));
                if !goes_on {
                    cx.pop();
                }
            }
            key if key == Key::char('n') => cx.pop(),
            _ => {}
        },
        DeclareStep::Title | DeclareStep::Started | DeclareStep::Impact if key.code == Code::Enter => {
            enter(cx, now);
        }
        _ => {
            if let Some(line) = line(declare) {
                line.key(key);
            }
        }
    }
    if let Some(Overlay::Declare(declare)) = cx.model.overlays.last()
        && declare.changing
        && declare.step == DeclareStep::Started
    {
        set(cx);
    }
}

/// Sets the severity of the open incident: outright, or by the questions of the tree.
pub(super) fn severity(cx: &mut Cx<'_>, argument: &str) {
    let Some(title) = cx.model.incident().map(|state| state.title.clone()) else { return };
    let severity = Severity::parse(argument);
    let step = match severity {
        Some(severity) if cx.model.policy.needs_hotfix(severity) => return why(cx, severity, Vec::new()),
        Some(_) => DeclareStep::Backlog,
        None => DeclareStep::Question(0),
    };
    let at = cx.model.now;
    let (mut line, open) = (LineEdit::default(), cx.model.open_incidents().count());
    line.insert(&title);
    cx.push(Overlay::Declare(Declare {
        step,
        title: line,
        answers: Vec::new(),
        changing: true,
        severity,
        impact: LineEdit::default(),
        started: LineEdit::default(),
        complaint: String::new(),
        at,
        open,
    }));
}

/// Copies the text of a ticket for what needs no hotfix, shows it, and asks whether it is filed.
pub(super) fn file(cx: &mut Cx<'_>) {
    let Some(state) = cx.model.incident() else { return };
    let ticket = cx.model.policy.ticket(&state.title, Some(state.started_at)).trim().to_owned();
    cx.effect("copying", Effect::Copy(ticket.clone()));
    let body = format!(
        "{ticket}\n\nThis text is copied: paste it where your tickets are, then record that it is filed."
    );
    let filed = Noted { kind: NoteKind::Decision, text: FILED.to_owned() };
    super::record::claim(cx, "File it in the backlog", &body, "record that it is filed", None, filed);
}

/// Goes on from the tree to the reason, where it came to another severity.
fn set(cx: &mut Cx<'_>) {
    let now = cx.model.incident().map(|state| state.severity);
    let policy = cx.model.policy.clone();
    let Some(Overlay::Declare(declare)) = cx.model.overlays.last_mut() else { return };
    let Some(severity) = declare.severity else { return };
    if now == Some(severity) {
        declare.severity = None;
        declare.answers.pop();
        declare.step = DeclareStep::Question(declare.answers.len());
        declare.complaint = format!("it is {} already", policy.severity_name(severity));
        return;
    }
    let answers = answers(&policy, &declare.answers);
    cx.pop();
    why(cx, severity, answers);
}

/// Asks why the severity is another now.
fn why(cx: &mut Cx<'_>, severity: Severity, answers: Vec<Answer>) {
    let label = format!("Severity {}: why?", cx.model.policy.severity_name(severity));
    let example = "for example no order has been paid since 14:20";
    ask(cx, Purpose::Severity(severity, answers), &label, example, String::new());
}

/// The answers as they go into the record, with the questions as they were asked.
fn answers(policy: &Policy, given: &[Answered]) -> Vec<Answer> {
    let answer = |(given, question): (&Answered, &Question)| Answer {
        question: question.ask.clone(),
        yes: *given != Answered::No,
        unsure: *given == Answered::Unsure,
    };
    given.iter().zip(&policy.questions).map(answer).collect()
}

/// Pasted text goes into the line that is being typed.
pub(super) fn paste(declare: &mut Declare, text: &str) {
    if let Some(line) = line(declare) {
        line.insert(text);
    }
}

/// The line that is being typed.
fn line(declare: &mut Declare) -> Option<&mut LineEdit> {
    match declare.step {
        DeclareStep::Title => Some(&mut declare.title),
        DeclareStep::Started => Some(&mut declare.started),
        DeclareStep::Impact => Some(&mut declare.impact),
        DeclareStep::Question(_) | DeclareStep::Backlog => None,
    }
}

/// Goes one step back; false at the first.
fn back(declare: &mut Declare) -> bool {
    declare.complaint.clear();
    declare.step = match declare.step {
        DeclareStep::Title => return false,
        _ if declare.changing && declare.answers.is_empty() => return false,
        DeclareStep::Impact => DeclareStep::Started,
        DeclareStep::Question(0) => DeclareStep::Title,
        DeclareStep::Question(_) | DeclareStep::Backlog | DeclareStep::Started => {
            declare.severity = None;
            match declare.answers.pop() {
                Some(_) => DeclareStep::Question(declare.answers.len()),
                None => DeclareStep::Question(0),
            }
        }
    };
    true
}

/// Answers a question of the tree, or takes a severity outright by its digit.
fn question(declare: &mut Declare, policy: &Policy, index: usize, key: Key) {
    let Some(question) = policy.questions.get(index) else { return };
    let severity = match key.text() {
        // A tie goes up: what nobody can tell is taken to be so.
        Some(known @ ('y' | '?' | 'u')) => {
            declare.answers.push(if known == 'y' { Answered::Yes } else { Answered::Unsure });
            Some(question.yes)
        }
        Some('n') => {
            declare.answers.push(Answered::No);
            match (question.no, policy.questions.get(index + 1)) {
                (None, Some(_)) => {
                    declare.step = DeclareStep::Question(index + 1);
                    return;
                }
                (no, _) => Some(no.unwrap_or(policy.least())),
            }
        }
        Some(digit) => policy.find_severity(digit.encode_utf8(&mut [0; 4])),
        None => None,
    };
    if let Some(severity) = severity {
        declare.severity = Some(severity);
        declare.step =
            if policy.needs_hotfix(severity) { DeclareStep::Started } else { DeclareStep::Backlog };
    }
}

/// Proposes when it began: as early as the charts show it.
pub(super) fn proposed(model: &Model) -> LineEdit {
    outage_began(model).map_or_else(LineEdit::default, |(began, _)| {
        let local = model.looks.zone.to_datetime(began).strftime("%H:%M:%S").to_string();
        // A clock alone means the last twelve hours.
        let is_clear = parse_time_in(&local, model.now, &model.looks.zone)
            .is_some_and(|read| read.as_second() == began.as_second());
        LineEdit::suggesting(if is_clear { local } else { began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() })
    })
}

/// What to write for a time, after something that is none.
pub(super) fn how_to_write(looks: &Looks, now: Timestamp) -> String {
    let zone = looks.zone_name(now);
    format!("write 14:02 ({zone}, and not later than now), 5m ago, now, or 2026-03-01T14:02:00Z")
}

/// Goes on from a line of text.
fn enter(cx: &mut Cx<'_>, now: Timestamp) {
    let looks = cx.model.looks.clone();
    let Some(Overlay::Declare(declare)) = cx.model.overlays.last_mut() else { return };
    match declare.step {
        DeclareStep::Title if declare.title.is_blank() => {
            "say in one line what is broken".clone_into(&mut declare.complaint);
        }
        DeclareStep::Title => declare.step = DeclareStep::Question(0),
        DeclareStep::Started => {
            let typed = declare.started.text().trim();
            match parse_time_in(typed, now, &looks.zone) {
                _ if typed.is_empty() => declare.step = DeclareStep::Impact,
                Some(time) if !is_recent(time) => "check the year".clone_into(&mut declare.complaint),
                Some(time) if time <= now => declare.step = DeclareStep::Impact,
                Some(_) => "that is in the future".clone_into(&mut declare.complaint),
                None => declare.complaint = how_to_write(&looks, now),
            }
        }
        _ => submit(cx, now),
    }
}

fn submit(cx: &mut Cx<'_>, now: Timestamp) {
    let Some(Overlay::Declare(declare)) = cx.model.overlays.last() else { return };
    let mut declare = declare.clone();
    let Some(severity) = declare.severity else { return };
    let open = cx.model.open_incidents().count();
    let newest = cx.model.open_incidents().next().cloned();
    if let Some(newest) = newest.filter(|_| open > declare.open) {
        // Most likely it is the same outage.
        let said = format!("{} was declared meanwhile: {}. ⏎ declares another", newest.number, newest.title);
        (declare.open, declare.complaint) = (open, said);
        if let Some(top) = cx.model.overlays.last_mut() {
            *top = Overlay::Declare(declare);
        }
        return;
    }
    let declared = declared(cx.model, &declare, severity);
    let started_at = parse_time_in(declare.started.text().trim(), now, &cx.model.looks.zone);
    cx.effect(Command::Declare.spec().title, Effect::Declare { started_at, declared: Box::new(declared) });
    cx.pop();
}

fn declared(model: &Model, declare: &Declare, severity: Severity) -> Declared {
    let answers = answers(&model.policy, &declare.answers);
    Declared {
        number: String::new(),
        title: declare.title.text().trim().to_owned(),
        severity,
        service: model.service().to_owned(),
        impact: declare.impact.text().trim().to_owned(),
        // The runtime knows which repository this is and fills it in.
        repository: String::new(),
        repository_id: RepositoryId::default(),
        answers,
    }
}

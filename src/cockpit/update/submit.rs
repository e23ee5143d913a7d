//! What becomes of a line of text once Enter is pressed.

use super::super::complete::spelled;
use super::super::model::Model;
use super::super::msg::Effect;
use super::super::overlay::{Ask, Overlay, Purpose};
use super::super::reading::{reading, taken};
use super::{
    Cx, approvals, culprits, declare, invoke, lapsed, live, overlays, past, report, run_view, suspects, team,
};
use crate::incident::{
    Amended, Began, Body, CauseDescribed, CheckState, CulpritVerdict, Draft, FollowUpAdded, ImpactDescribed,
    ItemAssigned, NO_HOTFIX, NO_ROLLBACK, NoteKind, Noted, Paged, Precision, Reopened, Resolved, Retracted,
    RoleTaken, Scribed, SeverityChanged, Ticked, Titled, Told, is_recent, parse_follow_up, parse_time_in,
    same_person, scribe,
};
use crate::plan::{HotfixRequest, Request};

/// Takes the line, or says what is wrong with it and keeps it.
pub(super) fn submit(cx: &mut Cx<'_>) {
    let Some(Overlay::Ask(ask)) = cx.model.overlays.last() else { return };
    let ask = ask.clone();
    let before = cx.model.next_effect;
    if let Some(why) = lapsed::prompt(cx.model, &ask.purpose) {
        if let Some(Overlay::Ask(ask)) = cx.model.overlays.last_mut() {
            ask.complaint = why;
        }
        return;
    }
    if ask.purpose == Purpose::Find {
        cx.pop();
        return run_view::find(cx, ask.input.text().to_owned());
    }
    if matches!(ask.purpose, Purpose::SuspectFilter | Purpose::ChangeFind) {
        cx.pop();
        let text = ask.input.text().trim();
        return match ask.purpose {
            Purpose::SuspectFilter => suspects::filter(cx, text.to_owned()),
            _ => suspects::find(cx, text),
        };
    }
    if let Purpose::Clear(environment, commit) = &ask.purpose
        && !ask.input.is_blank()
    {
        cx.pop();
        let why = ask.input.text().trim().to_owned();
        return live::clear(cx, environment.clone(), commit.clone(), why);
    }
    match act(cx, &ask) {
        Ok(()) => {
            if let Some(done) = cx.model.asked_by.take() {
                invoke::remember(cx.model, &done);
            }
            cx.pop();
            if cx.model.next_effect != before {
                cx.model.sent.insert(before, ask);
            }
        }
        Err(why) => {
            if let Some(Overlay::Ask(ask)) = cx.model.overlays.last_mut() {
                ask.complaint = why;
            }
        }
    }
}

fn act(cx: &mut Cx<'_>, ask: &Ask) -> Result<(), String> {
    let text = ask.input.text().trim().to_owned();
    let needs =
        |what: &str| if text.is_empty() { Err(format!("{what}, or press esc to cancel")) } else { Ok(()) };
    let body: Body = match &ask.purpose {
        Purpose::Filter => {
            overlays::filter(cx.model, &text);
            return Ok(());
        }
        Purpose::Find | Purpose::SuspectFilter | Purpose::ChangeFind => return Ok(()),
        Purpose::TakeOver(target) => {
            needs("a reason is needed: it goes into the record")?;
            cx.effect("taking over", Effect::TakeOver { target: target.clone(), reason: text });
            return Ok(());
        }
        Purpose::HotfixName => {
            needs("a name is needed")?;
            cx.effect(
                "making the plan",
                Effect::Prepare(Request::Hotfix(HotfixRequest::Start { name: text })),
            );
            return Ok(());
        }
        Purpose::ReportBranch => {
            needs("a branch is needed")?;
            return report::to_branch(cx, text);
        }
        Purpose::Note(kind) => {
            needs("write something")?;
            let scribed = scribe(&text, *kind, cx.model.now, &cx.model.looks.zone);
            note(cx, scribed, reading(cx.model, ask));
            return Ok(());
        }
        Purpose::Live(environment) => {
            needs("name a tag, branch or commit")?;
            live::find(cx, environment.clone(), text);
            return Ok(());
        }
        Purpose::Clear(..) => return needs("a reason is needed: it goes into the record"),
        Purpose::NoRollback => {
            needs("a reason is needed: it goes into the record")?;
            Noted { kind: NoteKind::Decision, text: format!("{NO_ROLLBACK}: {text}") }.into()
        }
        Purpose::NoHotfix => {
            needs("a reason is needed: it goes into the record")?;
            Noted { kind: NoteKind::Decision, text: format!("{NO_HOTFIX}: {text}") }.into()
        }
        Purpose::Verbal => approvals::verbal(cx.model, &text)?.into(),
        Purpose::Reject => {
            needs("a reason is needed: it goes into the record")?;
            approvals::rejection(cx.model, &text)?.into()
        }
        Purpose::Severity(severity, answers) => {
            needs("a reason is needed: it goes into the record")?;
            SeverityChanged { severity: *severity, reason: text, answers: answers.clone() }.into()
        }
        Purpose::Began => return began(cx, &text),
        Purpose::FollowUpDone(..) | Purpose::FollowUpDrop(..) | Purpose::FollowUpAssign(..) => {
            return past::submit(cx, &ask.purpose, &text);
        }
        Purpose::Title => {
            needs("say in one line what is broken")?;
            Titled { text }.into()
        }
        Purpose::Impact => {
            needs("describe the impact")?;
            ImpactDescribed { text }.into()
        }
        Purpose::Cause => {
            needs("describe the cause")?;
            CauseDescribed { text }.into()
        }
        Purpose::Role(role) => RoleTaken { role: role.clone(), person: spelled(cx.model, &text) }.into(),
        Purpose::Culprit(id) => {
            needs("say what shows it")?;
            let culprit = cx.model.policy.culprits.iter().find(|one| one.id == *id).cloned();
            let Some(culprit) = culprit else { return Ok(()) };
            culprits::judged(&culprit, CulpritVerdict::Found, &text).into()
        }
        Purpose::OddFollowUp(of) => {
            needs("say what is left to do")?;
            let added = parse_follow_up(&text);
            FollowUpAdded { owner: spelled(cx.model, &added.owner), of: Some(*of), ..added }.into()
        }
        Purpose::Assign(item) => assigned(cx.model, item, &text).into(),
        Purpose::Page => {
            needs("say who was paged")?;
            if let Some(page) = super::message::page(cx.model, &text)? {
                let read_at = cx.model.now;
                cx.effect("paging", Effect::SendMessage { message: Box::new(page), read_at });
                return Ok(());
            }
            let (who, how) = text.split_once(" by ").unwrap_or((&text, ""));
            Paged { who: spelled(cx.model, who.trim()), how: how.trim().to_owned() }.into()
        }
        Purpose::Snooze(..)
        | Purpose::FollowUp
        | Purpose::Review
        | Purpose::Handoff(_)
        | Purpose::Task
        | Purpose::Propose
        | Purpose::TaskEnd(_)
        | Purpose::Object(_)
        | Purpose::Agree(_) => match team::body(cx.model, &ask.purpose, &text)? {
            Some(body) => body,
            None => return Ok(()),
        },
        Purpose::Told(audience) if audience.is_empty() => {
            needs("say who was told, and how: support by mail")?;
            let (audience, how) = approvals::who_and_how(&text).unwrap_or((text, String::new()));
            Told { audience, how, ..Told::default() }.into()
        }
        Purpose::Told(audience) => {
            needs("say how they were told: status page")?;
            // `omar by mail` names who did it; anything else says how.
            let is_known = |name: &str| {
                cx.model.incident().is_some_and(|state| {
                    state.authors.keys().chain(state.roles.values()).any(|known| same_person(known, name))
                })
            };
            let (by, how) = match approvals::who_and_how(&text) {
                Some((by, how)) if is_known(&by) => (by, how),
                _ => (String::new(), text),
            };
            Told { audience: audience.clone(), by, how }.into()
        }
        Purpose::Resolve(resolved) => {
            needs("a reason is needed: it goes into the record")?;
            let resolved = Resolved { reason: text, ..(**resolved).clone() };
            resolved.into()
        }
        Purpose::Reopen => {
            needs("a reason is needed: it goes into the record")?;
            Reopened { reason: text, after: heads(cx.model) }.into()
        }
        Purpose::Tick { item, state } => {
            match state {
                CheckState::Failed => needs("say what does not work")?,
                CheckState::Na => needs("say why it does not apply")?,
                CheckState::Open | CheckState::Passed => {}
            }
            Ticked { item: item.clone(), title: title_of(cx.model, item), state: *state, note: text }.into()
        }
        Purpose::Amend(target) => {
            needs("write the corrected text")?;
            Amended { target: *target, text }.into()
        }
        Purpose::Retract(target) => {
            needs("a reason is needed: it goes into the record")?;
            Retracted { target: *target, reason: text }.into()
        }
    };
    cx.append(body);
    Ok(())
}

/// Gives an item to a person or a role.
fn assigned(model: &Model, item: &str, to: &str) -> ItemAssigned {
    let to = model.policy.find_role(to).map_or_else(|| spelled(model, to), |role| role.id.clone());
    ItemAssigned { item: item.to_owned(), title: title_of(model, item), to }
}

fn title_of(model: &Model, item: &str) -> String {
    let found = model.checklist().iter().find(|one| one.id == item);
    found.map_or_else(String::new, |one| one.title.clone())
}

/// Records a note for when it happened: as typed, else when somebody began to type.
fn note(cx: &mut Cx<'_>, mut scribed: Scribed, reading: Option<String>) {
    let Some(incident) = cx.model.incident().map(|state| state.id) else { return };
    if let Body::FollowUpAdded(added) = &mut scribed.body {
        added.owner = spelled(cx.model, &added.owner);
    }
    if let Some(reading) = reading {
        cx.say(format!("noted {reading}"));
    }
    let begun = cx.model.typing_since.map(|at| (at, Precision::Exact));
    let draft = Draft { occurred: scribed.at.or(begun), ..Draft::now(incident, scribed.body) };
    cx.effect("saving", Effect::Append(vec![draft]));
}

/// Records another time at which it began.
fn began(cx: &mut Cx<'_>, typed: &str) -> Result<(), String> {
    let Some(state) = cx.model.incident() else { return Ok(()) };
    let (incident, now) = (state.id, cx.model.now);
    match parse_time_in(typed, now, &cx.model.looks.zone) {
        None => Err(declare::how_to_write(&cx.model.looks, now)),
        Some(at) if !is_recent(at) => Err("check the year".to_owned()),
        Some(at) if at > now => Err("that is in the future".to_owned()),
        Some(at) if at > state.declared_at => {
            Err("it began before it was declared: check the time".to_owned())
        }
        Some(at) => {
            let draft =
                Draft { occurred: Some((at, Precision::Exact)), ..Draft::now(incident, Began::default()) };
            if let Some(said) = taken(cx.model, typed) {
                cx.say(format!("began {said}"));
            }
            cx.effect("saving", Effect::Append(vec![draft]));
            Ok(())
        }
    }
}

/// The status decisions that a new one is made on.
fn heads(model: &Model) -> Vec<crate::incident::RecordId> {
    model.incident().map_or_else(Vec::new, |state| state.heads.iter().map(|head| head.record).collect())
}

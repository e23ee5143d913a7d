//! Who does what: handing over, tasks with a time to report back, proposals to everybody.

use jiff::{SignedDuration, Timestamp};

use super::super::commands::{Command, Invoke};
use super::super::complete::spelled;
use super::super::key::Key;
use super::super::model::Model;
use super::super::msg::Item;
use super::super::overlay::{Act, Entry, Overlay, Purpose, Scroll};
use super::invoke::{ask, capital};
use super::record::claim;
use super::{Cx, facts_of, menus};
use crate::incident::{
    self, Body, Clock, ClockState, Decided, FollowUpAdded, HandoffAccepted, HandoffDeclined, HandoffOffered,
    Motion, Objected, Offer, Proposed, RecordId, Reviewed, Role, Snoozed, TaskEnded, TaskGiven,
    parse_follow_up, parse_task, same_person,
};

/// What is offered to whoever sits here, then what belongs to people, what they are at, and who has which role: a
/// row for each, and what stands above them.
pub(super) fn items(model: &Model, fixed: Vec<Item>) -> (Vec<Item>, Vec<(usize, &'static str)>) {
    let Some(state) = model.incident() else { return (fixed, Vec::new()) };
    let (now, me) = (model.now, model.me.as_str());
    let blocked = menus::blocked(model, Command::Task);
    let row = |command, id: RecordId, key: Option<char>, label: String, disabled: Option<String>| Item {
        key: key.map(Key::char),
        path: String::new(),
        label,
        disabled: blocked.clone().or(disabled),
        invoke: Invoke { command, argument: id.to_string() },
    };
    let (mine, others): (Vec<&Offer>, Vec<&Offer>) =
        state.open_offers().partition(|offer| same_person(me, &offer.to));
    let (mut items, mut headings) = (Vec::new(), Vec::new());
    // Letters are for those that can be answered here; the others are reached by the cursor.
    let key = |place: usize, letter| (place == 0).then_some(letter);
    headings.extend((!mine.is_empty()).then_some((0, "Offered to you")));
    for (place, offer) in mine.iter().enumerate() {
        let of = match model.policy.role_title(&offer.role) {
            role if place > 0 => format!(": {role}"),
            _ => String::new(),
        };
        items.push(row(Command::HandoffAccept, offer.id, key(place, 'a'), taking_over(model, offer), None));
        if !offer.brief.is_empty() {
            let brief = format!("read the brief{of}");
            items.push(row(Command::HandoffBrief, offer.id, key(place, 'b'), brief, None));
        }
        items.push(row(Command::HandoffDecline, offer.id, key(place, 'x'), format!("decline{of}"), None));
    }
    // Nobody hands over what somebody else has.
    let has = |role: &str| state.roles.get(role).is_some_and(|has| same_person(has, me));
    let is_theirs = |item: &Item| item.invoke.command != Command::Handoff || has(Role::COMMANDER);
    if !mine.is_empty() {
        headings.push((items.len(), ""));
    }
    let leader = state.roles.contains_key(Role::COMMANDER);
    let named = Item {
        key: Some(Key::char('r')),
        path: String::new(),
        label: if leader {
            "who takes which role …".to_owned()
        } else {
            format!("name the {}", model.policy.role_title(Role::COMMANDER))
        },
        disabled: menus::blocked(model, Command::Role),
        invoke: Invoke {
            command: Command::Role,
            argument: if leader { String::new() } else { Role::COMMANDER.to_owned() },
        },
    };
    // Who leads comes before who does what.
    let (first, last) = if leader { (None, Some(named)) } else { (Some(named), None) };
    items.extend(first.into_iter().chain(fixed.into_iter().filter(is_theirs)).chain(last));
    headings.extend((!others.is_empty()).then_some((items.len(), "Offered")));
    for (place, offer) in others.iter().enumerate() {
        let (to, what) = (&offer.to, model.policy.handed(&offer.role));
        let key = |letter| key(place + mine.len(), letter);
        if !offer.brief.is_empty() {
            let brief = format!("read the brief for {to}");
            items.push(row(Command::HandoffBrief, offer.id, key('b'), brief, None));
        }
        let out = format!("withdraw the offer of {what} to {to}");
        items.push(row(Command::HandoffDecline, offer.id, key('x'), out, None));
    }
    let mut tasks = state.open_tasks();
    tasks.sort_by_key(|task| !same_person(me, &task.owner));
    headings.extend((!tasks.is_empty()).then_some((items.len(), "Tasks")));
    let owners = columns(tasks.iter().map(|task| task.owner.as_str()));
    for (place, task) in tasks.into_iter().enumerate() {
        let digit = char::from_digit(u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1), 10);
        let label =
            format!("{:owners$}  {} · {}", task.owner, task.text, incident::time_left(task.until, now));
        items.push(row(Command::TaskEnd, task.id, digit, label, None));
    }
    // What can be decided now comes before what is still heard.
    let mut motions: Vec<&Motion> = state.open_motions().collect();
    motions.sort_by_key(|motion| !motion.is_due(now) && motion.objections.is_empty());
    headings.extend((!motions.is_empty()).then_some((items.len(), "Proposals")));
    for (place, motion) in motions.into_iter().enumerate() {
        let key = |letter| (place == 0).then_some(letter);
        let standing = motion.standing(now);
        let object = format!("object to: {} · {standing}", motion.text);
        items.push(row(Command::Object, motion.id, key('o'), object, None));
        let early = !motion.is_due(now) && motion.objections.is_empty();
        let why = early.then(|| format!("objections are heard: {}", incident::time_left(motion.until, now)));
        items.push(row(Command::Agree, motion.id, key('y'), format!("agreed: {}", motion.text), why.clone()));
        items.push(row(Command::Refuse, motion.id, key('n'), format!("not agreed: {}", motion.text), None));
    }
    headings.push((items.len(), "Roles"));
    let titles = columns(model.policy.roles.iter().map(|role| role.title.as_str()));
    items.extend(menus::roles(model).into_iter().zip(&model.policy.roles).map(|(item, role)| {
        let person = state.roles.get(&role.id).map_or("nobody yet", String::as_str);
        Item { key: None, label: format!("{:titles$}  {person}", role.title), ..item }
    }));
    (items, headings)
}

/// Columns that the longest of these texts takes.
fn columns<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or_default()
}

/// What accepting an offer does: `take command from maya`.
fn taking_over(model: &Model, offer: &Offer) -> String {
    let has = model.incident().and_then(|state| state.roles.get(&offer.role));
    let from = has.map_or_else(|| format!(", offered by {}", offer.by), |has| format!(" from {has}"));
    model.policy.taking(&offer.role) + &from
}

/// An open offer to whoever sits here.
fn offered_to_me(model: &Model, id: RecordId) -> Option<&Offer> {
    let mut open = model.incident()?.open_offers();
    open.find(|offer| offer.id == id).filter(|offer| same_person(&model.me, &offer.to))
}

/// What can be done with an offer that a brief is about, or a question: read it, accept it, decline it.
fn answers(model: &Model, id: RecordId) -> Vec<Item> {
    let item = |command, key, label: &str| Item {
        key: Some(Key::char(key)),
        path: String::new(),
        label: label.to_owned(),
        disabled: None,
        invoke: Invoke { command, argument: id.to_string() },
    };
    let Some(offer) = offered_to_me(model, id) else { return Vec::new() };
    let brief = (!offer.brief.is_empty()).then(|| item(Command::HandoffBrief, 'b', "read the brief"));
    let take = item(Command::HandoffAccept, 'a', &model.policy.taking(&offer.role));
    // In the same order everywhere.
    [take].into_iter().chain(brief).chain([item(Command::HandoffDecline, 'x', "decline")]).collect()
}

/// What can be done with the offer that the brief on top is about.
pub fn brief_answers(model: &Model) -> Vec<Item> {
    let Some(Overlay::Entry(entry)) = model.overlays.last() else { return Vec::new() };
    let [id] = entry.lines.as_slice() else { return Vec::new() };
    let mut answers = answers(model, *id);
    answers.retain(|item| item.invoke.command != Command::HandoffBrief);
    answers
}

/// Takes a key for the brief on top; tells whether it answers the offer.
pub(super) fn brief_key(cx: &mut Cx<'_>, key: Key) -> bool {
    let Some(item) = brief_answers(cx.model).into_iter().find(|item| item.key == Some(key)) else {
        return false;
    };
    cx.pop();
    command(cx, &item.invoke);
    true
}

/// Has a question about an offer say what holds now.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    let Some(Overlay::Confirm(asked)) = cx.model.overlays.last() else { return };
    let Act::Record(body) = &asked.act else { return };
    let (offer, accepts) = match **body {
        Body::HandoffAccepted(HandoffAccepted { offer }) => (offer, true),
        Body::HandoffDeclined(HandoffDeclined { offer, .. }) => (offer, false),
        _ => return,
    };
    let Some(found) = open_offer(cx.model, offer) else { return };
    let body = offered_until(&found);
    if let Some(Overlay::Confirm(asked)) = cx.model.overlays.last_mut()
        && accepts
        && asked.body != body
    {
        asked.body = body;
        asked.shown_ms = None;
    }
}

/// Who has a role until its offer is accepted.
fn offered_until((_, from): &(String, String)) -> String {
    match from.as_str() {
        "" => "Nobody has it now.".to_owned(),
        from => format!("{from} has it until you take it."),
    }
}

/// The clocks that are overdue, to put a reminder off.
pub(super) fn snoozes(model: &Model) -> (String, Vec<Item>) {
    let blocked = menus::blocked(model, Command::Snooze);
    let overdue: Vec<&Clock> = model
        .derived
        .clocks
        .iter()
        .filter(|clock| {
            clock.state == ClockState::Overdue && !["task", "proposal"].contains(&clock.id.as_str())
        })
        .collect();
    if overdue.is_empty() {
        let tasks = model.derived.clocks.iter().any(|clock| clock.state == ClockState::Overdue);
        let none = if tasks { "only a task or a proposal is overdue: end it" } else { "nothing is overdue" };
        return (blocked.unwrap_or_else(|| none.to_owned()), Vec::new());
    }
    let ids: Vec<String> = overdue.iter().map(|clock| clock.id.clone()).collect();
    let items = menus::rows(Command::Snooze, &ids, &[], |index| {
        let clock = overdue[index];
        let late = incident::time_left(clock.due_at, model.now);
        (format!("{}: {late}", clock.title.trim_end_matches(" due")), blocked.clone())
    });
    (String::new(), items)
}

/// Carries out a command about people.
pub(super) fn command(cx: &mut Cx<'_>, invoke: &Invoke) {
    let id = invoke.argument.parse::<RecordId>().ok();
    match (invoke.command, id) {
        (Command::Handoff, _) => {
            let purpose = Purpose::Handoff(Role::COMMANDER.to_owned());
            ask(cx, purpose, "Hand over command: to whom?", "they take command, or decline", String::new());
        }
        (Command::Task, _) => {
            let example = "for example omar: check the pool, back in 10m";
            ask(cx, Purpose::Task, "Who does what, until when", example, String::new());
        }
        (Command::Snooze, _) => {
            let clock = cx.model.derived.clocks.iter().find(|clock| clock.id == invoke.argument);
            let Some(title) = clock.map(|clock| clock.title.clone()) else { return };
            let label = format!("Snooze “{}”: why, and for how long?", title.trim_end_matches(" due"));
            let purpose = Purpose::Snooze(invoke.argument.clone(), title);
            ask(cx, purpose, &label, "for example li is on the phone with them, 10m", String::new());
        }
        (Command::Review, _) => {
            ask(
                cx,
                Purpose::Review,
                "The review was held: who was there?",
                "for example maya, omar, li",
                String::new(),
            );
        }
        (Command::Motion, _) => {
            let example = "for example turn the flag off, 5m";
            ask(cx, Purpose::Propose, "Propose what?", example, String::new());
        }
        (Command::TaskEnd, Some(id)) => {
            let Some(task) =
                cx.model.incident().and_then(|state| state.tasks.iter().find(|one| one.id == id))
            else {
                return;
            };
            let label = format!("{}: what came of it?", task.text);
            ask(cx, Purpose::TaskEnd(id), &label, "for example the pool is fine", String::new());
        }
        (Command::Object, Some(id)) => {
            ask(
                cx,
                Purpose::Object(id),
                "What speaks against it?",
                "for example customers would see it",
                String::new(),
            );
        }
        (Command::Agree | Command::Refuse, Some(id)) => decide(cx, invoke.command == Command::Agree, id),
        (Command::HandoffAccept, Some(offer)) => {
            let Some(found) = open_offer(cx.model, offer) else { return };
            let Some(role) = offered_to_me(cx.model, offer).map(|offer| offer.role.clone()) else { return };
            let take = cx.model.policy.taking(&role);
            let body = offered_until(&found);
            claim(cx, &format!("{}?", capital(&take)), &body, &take, None, HandoffAccepted { offer });
            let mut more = answers(cx.model, offer);
            more.retain(|item| item.invoke.command != Command::HandoffAccept);
            if let Some(Overlay::Confirm(asked)) = cx.model.overlays.last_mut() {
                asked.more = more;
            }
        }
        (Command::HandoffDecline, Some(offer)) => {
            let Some((role, has)) = open_offer(cx.model, offer) else { return };
            let (title, yes) = match offered_to_me(cx.model, offer) {
                Some(_) => (format!("Decline {role}?"), "decline"),
                None => (format!("Withdraw the offer of {role}?"), "withdraw"),
            };
            let body = match has.as_str() {
                "" => "Nobody has the role then.".to_owned(),
                has => format!("{has} keeps the role."),
            };
            claim(cx, &title, &body, yes, None, HandoffDeclined { offer, reason: String::new() });
        }
        (Command::HandoffBrief, Some(id)) => {
            cx.push(Overlay::Entry(Entry { lines: vec![id], scroll: Scroll::default() }));
        }
        _ => {}
    }
}

/// What is offered, and who has it now.
fn open_offer(model: &Model, id: RecordId) -> Option<(String, String)> {
    let state = model.incident()?;
    let offer = state.open_offers().find(|offer| offer.id == id)?;
    let has = state.roles.get(&offer.role).cloned().unwrap_or_default();
    Some((model.policy.handed(&offer.role), has))
}

fn decide(cx: &mut Cx<'_>, accepted: bool, id: RecordId) {
    let Some(motion) = cx.model.incident().and_then(|state| state.open_motions().find(|one| one.id == id))
    else {
        return;
    };
    let against: Vec<String> =
        motion.objections.iter().map(|one| format!("{} objects: {}", one.by, one.reason)).collect();
    if accepted && !against.is_empty() {
        let label = format!("{}: why go ahead anyway?", against.join("; "));
        return ask(cx, Purpose::Agree(id), &label, "for example nothing else is left", String::new());
    }
    let word = if accepted { "agreed" } else { "not agreed" };
    let title = format!("Record that it is {word}?");
    let body = if against.is_empty() {
        format!("{}: nobody objected.", motion.text)
    } else {
        format!("{}\n{}", motion.text, against.join("\n"))
    };
    let decided = Decided { proposal: id, accepted, reason: String::new() };
    claim(cx, &title, &body, "record it", None, decided);
}

/// What a line about people records, or what is wrong with it.
pub(super) fn body(model: &Model, purpose: &Purpose, text: &str) -> Result<Option<Body>, String> {
    let Some(state) = model.incident() else { return Ok(None) };
    let until = |within: SignedDuration| later(model.now, within);
    let some = |text: &str, what: &str| {
        if text.is_empty() { Err(format!("{what}, or press esc to cancel")) } else { Ok(text.to_owned()) }
    };
    Ok(Some(match purpose {
        Purpose::Handoff(role) => {
            let to = spelled(model, &some(text, "say who takes over")?);
            if state.roles.get(role).is_some_and(|has| same_person(has, &to)) {
                return Err(format!("{to} has it already"));
            }
            if same_person(&model.me, &to) {
                let keys = menus::path(model, &Invoke { command: Command::Role, argument: role.clone() });
                return Err(format!("you cannot offer it to yourself. To take it: {keys}"));
            }
            let next: Vec<_> = model.derived.next.iter().map(|(next, _)| next.clone()).collect();
            let next = next.into_iter().filter(|next| !(next.action == "role" && next.argument == *role));
            let brief =
                incident::brief(state, &model.policy, &facts_of(model), &next.collect::<Vec<_>>(), model.now);
            HandoffOffered { role: role.clone(), to, brief }.into()
        }
        Purpose::Snooze(clock, title) => {
            let (reason, within) = with_length(text, model.policy.task_time);
            let (clock, title) = (clock.clone(), title.clone());
            Snoozed { clock, title, until: until(within), reason: some(reason, "say why")? }.into()
        }
        Purpose::FollowUp => {
            let added = parse_follow_up(text);
            let text = some(&added.text, "say what is left to do")?;
            FollowUpAdded { text, owner: spelled(model, &added.owner), ..added }.into()
        }
        Purpose::Review => {
            let people = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            Reviewed { people: people.map(|name| spelled(model, name)).collect() }.into()
        }
        Purpose::Task => {
            let typed = parse_task(text)?;
            let until = until(typed.within.unwrap_or(model.policy.task_time));
            TaskGiven { text: typed.text, owner: spelled(model, &typed.owner), until }.into()
        }
        Purpose::Propose => {
            let (what, within) = with_length(text, model.policy.objection_time);
            Proposed { text: some(what, "say what you propose")?, until: until(within) }.into()
        }
        Purpose::TaskEnd(task) => TaskEnded { task: *task, done: true, result: text.to_owned() }.into(),
        Purpose::Agree(proposal) => {
            let reason = some(text, "say why")?;
            Decided { proposal: *proposal, accepted: true, reason }.into()
        }
        Purpose::Object(proposal) => {
            Objected { proposal: *proposal, reason: some(text, "say what speaks against it")? }.into()
        }
        _ => return Ok(None),
    }))
}

/// A text, and the length of time behind its last comma.
fn with_length(text: &str, otherwise: SignedDuration) -> (&str, SignedDuration) {
    let found = text.rsplit_once(',').and_then(|(what, time)| Some((what.trim(), incident::length(time)?)));
    found.unwrap_or((text, otherwise))
}

fn later(now: Timestamp, within: SignedDuration) -> Timestamp {
    now.checked_add(within).unwrap_or(Timestamp::MAX)
}

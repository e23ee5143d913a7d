//! Names, as they are typed: from the contact list, then from the incident; and what the timeline can be filtered by.

use std::cmp::Reverse;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use super::model::{Model, Pane};
use super::overlay::{Ask, Overlay, Purpose};
use super::sift;
use crate::incident::{CulpritState, CulpritVerdict, IncidentId, duration, same_person};
use crate::text::name::folded;

/// Somebody who may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The name, as it goes into the line.
    pub name: String,
    /// Which roles they have or usually take, and how to reach them; may be empty.
    pub about: String,
}

/// A name that Tab has put into a line: the next Tab puts another in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The line before, up to its cursor.
    typed: String,
    /// Which of the candidates is there now.
    index: usize,
}

/// Whoever wrote within so long is here.
const HERE: SignedDuration = SignedDuration::from_mins(15);

/// Words after which it is said how somebody was reached, and not who it was.
const HOW: [&str; 9] = [" by ", " on ", " at ", " over ", " via ", " through ", " from ", " during ", ","];

/// Where in the text before the cursor a name is being typed; `None`: no name belongs there.
fn place(purpose: &Purpose, before: &str) -> Option<Range<usize>> {
    let end = before.len();
    let whole = |ends: &[&str]| (!ends.iter().any(|word| before.contains(word))).then_some(0..end);
    match purpose {
        Purpose::Role(_) | Purpose::Handoff(_) | Purpose::Assign(_) | Purpose::Cause => Some(0..end),
        Purpose::Page | Purpose::Verbal => whole(&HOW),
        // Most often it is said how, and by nobody else: the list would only be in the way.
        Purpose::Told(_) => whole(&HOW).filter(|name| !name.is_empty()),
        Purpose::Task => whole(&[":"]),
        Purpose::Review => {
            let last = before.rsplit(',').next().unwrap_or_default().trim_start();
            Some(end - last.len()..end)
        }
        Purpose::FollowUp | Purpose::OddFollowUp(_) | Purpose::FollowUpAssign(..) => {
            let (text, name) = before.rsplit_once('@')?;
            let is_word = text.is_empty() || text.ends_with(char::is_whitespace);
            (is_word && !name.contains(char::is_whitespace)).then_some(end - name.len()..end)
        }
        Purpose::Filter => Some(sift::place(before)),
        _ => None,
    }
}

/// Tells whether it is the timeline that is being filtered: other lists have neither people nor kinds.
pub(super) fn sifts(model: &Model) -> bool {
    let other = |overlay: &Overlay| matches!(overlay, Overlay::Help(_) | Overlay::Runbooks(_));
    model.focus == Pane::Timeline && !model.overlays.iter().any(other)
}

/// What may stand in the filter that is being typed, and what that was worked out for: a long timeline is not gone
/// through at every frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sifted {
    /// What was typed; `None`: nothing is being filtered.
    typed: Option<String>,
    /// Which rows.
    rows_of: Option<(IncidentId, usize)>,
    found: Vec<Candidate>,
}

/// Works out what may stand in the filter, where it is being typed and anything about that changed.
pub(super) fn derive(model: &mut Model) {
    let asked = match model.overlays.last() {
        Some(Overlay::Ask(ask)) if ask.purpose == Purpose::Filter && sifts(model) => Some(typed(ask)),
        _ => None,
    };
    let known = &model.derived.sifted;
    if known.typed.as_deref() == asked && (asked.is_none() || known.rows_of == model.derived.rows_of) {
        return;
    }
    let found = asked.map_or_else(Vec::new, |typed| sifted(model, typed));
    let typed = asked.map(str::to_owned);
    model.derived.sifted = Sifted { typed, rows_of: model.derived.rows_of, found };
}

/// What may stand in the filter of the timeline, with how many entries it leaves.
fn sifted(model: &Model, typed: &str) -> Vec<Candidate> {
    let timeline = model.incident().filter(|_| sifts(model)).map(|state| &state.timeline);
    let rows = model.derived.rows.as_deref();
    let found = timeline.map_or_else(Vec::new, |timeline| sift::candidates(timeline, rows, typed));
    let about = |lines| if lines == 1 { "1 entry".to_owned() } else { format!("{lines} entries") };
    found.into_iter().map(|(name, lines)| Candidate { name, about: about(lines) }).collect()
}

/// The text before the cursor that candidates are looked for by.
fn typed(ask: &Ask) -> &str {
    match &ask.completed {
        Some(done) => done.typed.as_str(),
        // What is suggested is replaced by what is typed.
        None if ask.input.is_suggested() => "",
        None => ask.input.split().0,
    }
}

/// Finds everybody whose name may be meant by the text before the cursor, the likeliest first; what the timeline can be
/// filtered by as it was worked out last.
pub fn candidates(model: &Model, ask: &Ask) -> Vec<Candidate> {
    if ask.purpose == Purpose::Filter {
        return model.derived.sifted.found.clone();
    }
    let typed = typed(ask);
    let Some(place) = place(&ask.purpose, typed) else { return Vec::new() };
    let wanted = folded(typed.get(place).unwrap_or_default());
    if ask.purpose == Purpose::Cause {
        let begins = |one: &Candidate| folded(&one.name).starts_with(&wanted) && folded(&one.name) != wanted;
        return found_to_be_it(model)
            .into_iter()
            .filter(|one| ask.completed.is_some() || begins(one))
            .collect();
    }
    let role = match &ask.purpose {
        Purpose::Role(role) | Purpose::Handoff(role) => role.as_str(),
        Purpose::Page => "on-call",
        _ => "",
    };
    let mut found: Vec<(bool, Candidate)> = Vec::new();
    for person in &model.config.config.people {
        let usual = person.roles.iter().any(|one| one == role);
        found.push((usual, Candidate { name: person.name.clone(), about: about(model, &person.name) }));
    }
    if let Some(state) = model.incident() {
        let tasks = state.tasks.iter().map(|task| &task.owner);
        for name in state.roles.values().chain(tasks).chain(state.authors.keys()) {
            if !name.is_empty() && !found.iter().any(|(_, known)| same_person(&known.name, name)) {
                found.push((false, Candidate { name: name.clone(), about: about(model, name) }));
            }
        }
    }
    if let Purpose::Role(role) | Purpose::Handoff(role) = &ask.purpose {
        let holder = model.incident().and_then(|state| state.roles.get(role));
        // Nobody takes over from themselves, and nobody offers a role to themselves.
        let offers = matches!(ask.purpose, Purpose::Handoff(_));
        found.retain(|(_, one)| {
            let holds = holder.is_some_and(|holder| same_person(holder, &one.name));
            !(holds || offers && same_person(&model.me, &one.name))
        });
    }
    if let Purpose::Handoff(_) = &ask.purpose {
        for (_, one) in &mut found {
            let wrote = wrote(model, &one.name).map(|at| format!("wrote {} ago", ago(model, at)));
            let about = [Some(std::mem::take(&mut one.about)).filter(|about| !about.is_empty()), wrote];
            one.about = about.into_iter().flatten().collect::<Vec<_>>().join(", ");
        }
    }
    // Whoever has a job in this incident, then who is on call, then who is here: they wrote lately. Who is paged is
    // on call first.
    let pages = ask.purpose == Purpose::Page;
    if pages || matches!(ask.purpose, Purpose::Handoff(_)) {
        found.sort_by_key(|(usual, one)| {
            let has_role = model
                .incident()
                .is_some_and(|state| state.roles.values().any(|holder| same_person(holder, &one.name)));
            let level = model.on_call_level(&one.name).unwrap_or(u32::MAX);
            let lately = wrote(model, &one.name).filter(|at| model.now.duration_since(*at) <= HERE);
            let wrote = wrote(model, &one.name).filter(|_| !pages);
            let first = if pages { (level, !usual, !has_role) } else { (u32::from(!has_role), false, false) };
            (first, level, Reverse(lately.filter(|_| !pages)), !usual, Reverse(wrote))
        });
    }
    let one_word =
        matches!(ask.purpose, Purpose::FollowUp | Purpose::OddFollowUp(_) | Purpose::FollowUpAssign(..));
    found.retain(|(_, one)| {
        let name = folded(&one.name);
        let begins = name.starts_with(&wanted) || name.split(' ').any(|word| word.starts_with(&wanted));
        begins && !(one_word && one.name.contains(char::is_whitespace))
    });
    if !matches!(ask.purpose, Purpose::Handoff(_) | Purpose::Page) {
        found.sort_by_key(|(usual, _)| !usual);
    }
    let found: Vec<Candidate> = found.into_iter().map(|(_, one)| one).collect();
    match found.as_slice() {
        // There is nothing left to complete.
        [one] if one.about.is_empty() && ask.completed.is_none() && folded(&one.name) == wanted => Vec::new(),
        _ => found,
    }
}

/// What was found to have broken it, the latest first: each may be the cause, in these words.
fn found_to_be_it(model: &Model) -> Vec<Candidate> {
    let Some(state) = model.incident() else { return Vec::new() };
    let is_found = |(_, one): &(&String, &CulpritState)| one.verdict == CulpritVerdict::Found;
    let mut found: Vec<_> = state.culprits.iter().filter(is_found).collect();
    found.sort_by_key(|(_, one)| Reverse(one.at));
    let title =
        |id: &str| model.policy.culprits.iter().find(|one| one.id == id).map(|one| one.title.as_str());
    let candidate = |(id, one): (&String, &CulpritState)| {
        let title = title(id).unwrap_or(id);
        let name = if one.note.is_empty() { title.to_owned() } else { format!("{title}: {}", one.note) };
        Candidate { name, about: "what broke it".to_owned() }
    };
    found.into_iter().map(candidate).collect()
}

/// When somebody last wrote in the open incident.
fn wrote(model: &Model, name: &str) -> Option<Timestamp> {
    let authors = &model.incident()?.authors;
    authors.iter().filter(|(author, _)| same_person(author, name)).map(|(_, at)| *at).max()
}

/// `3m`.
fn ago(model: &Model, at: Timestamp) -> String {
    duration(model.now.duration_since(at).max(SignedDuration::ZERO))
}

/// Which of the candidates Tab has put into the line.
pub fn chosen(ask: &Ask) -> Option<usize> {
    ask.completed.as_ref().map(|done| done.index)
}

/// The roles that somebody has, else those they usually take, and how to reach them.
fn about(model: &Model, name: &str) -> String {
    let person = model.config.config.people.iter().find(|person| same_person(&person.name, name));
    let has = model.incident().map_or_else(Vec::new, |state| {
        let roles = state.roles.iter().filter(|(_, holder)| same_person(holder, name));
        roles.map(|(role, _)| model.policy.role_title(role)).collect()
    });
    let usual = || {
        person
            .map_or_else(Vec::new, |one| one.roles.iter().map(|role| model.policy.role_title(role)).collect())
    };
    let mut parts = if has.is_empty() { usual() } else { has };
    let on_call = model.on_call_level(name).map(|level| match level {
        0 | 1 => "on call".to_owned(),
        level => format!("on call (level {level})"),
    });
    parts.extend(on_call.as_deref());
    parts.extend(person.map(|person| person.reach.as_str()).filter(|reach| !reach.is_empty()));
    parts.join(", ")
}

/// Puts the next candidate into the line, in place of what was typed of its name; tells whether there was one.
pub(super) fn complete(model: &Model, ask: &mut Ask, back: bool) -> bool {
    let found = candidates(model, ask);
    if found.is_empty() {
        return false;
    }
    let (typed, index) = match &ask.completed {
        Some(done) if back => {
            let last = found.len() - 1;
            (done.typed.clone(), done.index.checked_sub(1).unwrap_or(last).min(last))
        }
        Some(done) => (done.typed.clone(), (done.index + 1) % found.len()),
        None if ask.input.is_suggested() => (String::new(), 0),
        None => (ask.input.split().0.to_owned(), if back { found.len() - 1 } else { 0 }),
    };
    let Some(place) = place(&ask.purpose, &typed) else { return false };
    let after = if ask.input.is_suggested() { String::new() } else { ask.input.split().1.to_owned() };
    let before = format!("{}{}", typed.get(..place.start).unwrap_or_default(), found[index].name);
    ask.input.replace(&before, &after);
    ask.completed = Some(Completed { typed, index });
    true
}

/// A name as the contact list spells it, where it is one of those.
pub(super) fn spelled(model: &Model, name: &str) -> String {
    let people = &model.config.config.people;
    let known = people.iter().find(|person| same_person(&person.name, name));
    known.map_or_else(|| name.to_owned(), |person| person.name.clone())
}

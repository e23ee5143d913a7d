//! Who was there: everybody once, however their name was typed, with all the roles they had.

use jiff::Timestamp;

use super::words::{clock_after, role};
use crate::incident::{Policy, State};
use crate::text::markdown::inline;
use crate::text::name::is_same;

/// Somebody, and what they were.
struct Person<'s> {
    /// The fullest of the names they go by.
    name: &'s str,
    titles: Vec<String>,
}

/// Everybody with a role, now or before, those who approved in one, and whoever else wrote something down.
pub(super) fn named(state: &State, policy: &Policy) -> Vec<String> {
    let order = |id: &str| policy.roles.iter().position(|role| role.id == id).unwrap_or(usize::MAX);
    let mut all: Vec<Person<'_>> = Vec::new();
    let mut roles: Vec<(&String, &String)> = state.roles.iter().collect();
    roles.sort_by_key(|(id, _)| (order(id), *id));
    for (id, who) in roles {
        add(&mut all, who, Some(role(policy, id)));
    }
    for (who, id, until) in former(state) {
        let until =
            until.map_or_else(String::new, |at| format!(" until {}", clock_after(state.started_at, at)));
        add(&mut all, who, Some(format!("{}{until}", role(policy, id))));
    }
    // Who declared it comes before those who only approved something.
    add(&mut all, &state.declared_by, None);
    for vote in state.votes.iter().filter(|vote| vote.approves) {
        let title = role(policy, &vote.role);
        let has_it = |person: &Person<'_>| {
            is_same(person.name, &vote.by) && person.titles.iter().any(|known| known.starts_with(&title))
        };
        let has_it = all.iter().any(has_it);
        add(&mut all, &vote.by, (!has_it && !title.is_empty()).then(|| format!("approved as {title}")));
    }
    for author in state.authors.keys() {
        add(&mut all, author, None);
    }
    let shown = |Person { name, titles }: &Person<'_>| match titles.as_slice() {
        [] => inline(plain(name)),
        titles => format!("{} ({})", inline(plain(name)), titles.join(", ")),
    };
    all.iter().map(shown).collect()
}

/// Who had a role that somebody else or nobody has now: who, which, and until when.
fn former(state: &State) -> Vec<(&str, &str, Option<Timestamp>)> {
    let mut taken: Vec<&(Timestamp, String, String)> = state.assignments.iter().collect();
    taken.sort_by_key(|(at, ..)| *at);
    let mut all: Vec<(&str, &str, Option<Timestamp>)> = Vec::new();
    for (place, (_, id, who)) in taken.iter().enumerate() {
        let has_it = state.roles.get(id).is_some_and(|now| is_same(now, who));
        if who.is_empty() || has_it {
            continue;
        }
        let next = taken.iter().skip(place + 1).find(|(_, other, _)| other == id).map(|(at, ..)| *at);
        match all.iter_mut().find(|(known, role, _)| is_same(known, who) && role == id) {
            // Who had it twice is named once, with the last time.
            Some((.., until)) => *until = next,
            None => all.push((who, id, next)),
        }
    }
    all
}

fn add<'s>(all: &mut Vec<Person<'s>>, name: &'s str, title: Option<String>) {
    if name.trim().is_empty() {
        return;
    }
    match all.iter_mut().find(|person| is_same(person.name, name)) {
        Some(person) => {
            if fullness(name) > fullness(person.name) {
                person.name = name;
            }
            person.titles.extend(title.filter(|title| !person.titles.contains(title)));
        }
        None => all.push(Person { name, titles: title.into_iter().collect() }),
    }
}

/// How much of a name there is: `Li Wen` is more than `Li`, and that more than `li`.
fn fullness(name: &str) -> (usize, bool) {
    let name = plain(name);
    (name.chars().count(), name.chars().any(char::is_uppercase))
}

/// The name of a person as people say it, without the address and the sign of a handle.
pub(super) fn plain(name: &str) -> &str {
    let person = name.split_once('<').map_or(name, |(person, _)| person).trim();
    let person = if person.is_empty() { name.trim() } else { person };
    person.strip_prefix('@').filter(|rest| !rest.is_empty()).unwrap_or(person)
}

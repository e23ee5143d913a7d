//! Who was there: everybody once, however their name was typed, with all the roles they had.

use jiff::Timestamp;

use super::words::{clock_after, role};
use crate::incident::{Policy, State};
use crate::text::markdown::inline;
use crate::text::name::is_same;

/// Somebody, and what they were.
struct Person<'s> {
    /// The names they go by, the fullest first.
    names: Vec<&'s str>,
    titles: Vec<String>,
}

impl Person<'_> {
    fn goes_by(&self, name: &str) -> bool {
        self.names.iter().any(|known| is_same(known, name))
    }
}

/// Everybody with a role, now or before, those who approved in one, and whoever else wrote something down.
pub(super) fn named(state: &State, policy: &Policy) -> Vec<String> {
    let mut all: Vec<Person<'_>> = everybody(state);
    let mut order: Vec<usize> = Vec::new();
    let mut add = |all: &mut Vec<Person<'_>>, name: &str, title: Option<String>| {
        let Some(place) = all.iter().position(|person| person.goes_by(name)) else { return };
        if !order.contains(&place) {
            order.push(place);
        }
        let titles = &mut all[place].titles;
        titles.extend(title.filter(|title| !titles.contains(title)));
    };
    let rank = |id: &str| policy.roles.iter().position(|role| role.id == id).unwrap_or(usize::MAX);
    let mut roles: Vec<(&String, &String)> = state.roles.iter().collect();
    roles.sort_by_key(|(id, _)| (rank(id), *id));
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
            person.goes_by(&vote.by) && person.titles.iter().any(|known| known.starts_with(&title))
        };
        let has_it = all.iter().any(has_it);
        add(&mut all, &vote.by, (!has_it && !title.is_empty()).then(|| format!("approved as {title}")));
    }
    for author in state.authors.keys() {
        add(&mut all, author, None);
    }
    let shown = |Person { names, titles }: &Person<'_>| {
        let name = told(names.first().copied().unwrap_or_default());
        if titles.is_empty() { name } else { format!("{name} ({})", titles.join(", ")) }
    };
    order.iter().map(|place| shown(&all[*place])).collect()
}

/// Everybody this incident knows by name, once.
fn everybody(state: &State) -> Vec<Person<'_>> {
    let had_roles = state.assignments.iter().map(|(_, _, who)| who.as_str());
    let mentioned = state.people().chain([state.declared_by.as_str()]).chain(had_roles);
    let mut all: Vec<Person<'_>> = Vec::new();
    for name in mentioned.filter(|name| !name.trim().is_empty()) {
        // Whoever signs with name and address is known by both: two who go by one of them are one.
        let (same, mut others): (Vec<_>, Vec<_>) = all.into_iter().partition(|person| person.goes_by(name));
        let mut names: Vec<&str> = same.into_iter().flat_map(|person| person.names).collect();
        if !names.contains(&name) {
            names.push(name);
        }
        others.push(Person { names, titles: Vec::new() });
        all = others;
    }
    // `li` is who writes from `li@payments.example`, as long as nobody else writes from an address like that.
    let mut index = 0;
    while index < all.len() {
        let short = |person: &Person<'_>| {
            person.names.iter().all(|name| !name.contains('@') || name.starts_with('@'))
        };
        let owners: Vec<usize> = (0..all.len())
            .filter(|other| {
                *other != index
                    && all[*other]
                        .names
                        .iter()
                        .any(|name| handle(name).is_some_and(|handle| all[index].goes_by(handle)))
            })
            .collect();
        match owners.as_slice() {
            [owner] if short(&all[index]) => {
                let names = std::mem::take(&mut all[index].names);
                all[*owner].names.extend(names);
                all.remove(index);
            }
            _ => index += 1,
        }
    }
    for person in &mut all {
        person.names.sort_by_key(|name| std::cmp::Reverse(fullness(name)));
    }
    all
}

/// What is before the `@` of the address that somebody signs with.
fn handle(name: &str) -> Option<&str> {
    let address =
        name.trim().strip_suffix('>').and_then(|name| name.split_once('<')).map_or(name, |(_, mail)| mail);
    address.split_once('@').map(|(handle, _)| handle.trim()).filter(|handle| !handle.is_empty())
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

/// The same, as Markdown.
pub(super) fn told(name: &str) -> String {
    inline(plain(name))
}

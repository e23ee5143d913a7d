//! What a schema cannot say about `flightdeck.toml`: names that must be unique, commands
//! that must name a program, addresses, references from one part to another.
//!
//! Works on the parsed tree rather than on typed values, so that it still finds these
//! mistakes in a file that has others. What is missing or of a wrong type is skipped here.

pub mod action;
mod channel;
mod environment;
mod flag;
mod hotfix;
mod person;
mod pipeline;
mod policy;
mod present;
mod probe;
pub mod programs;
mod runbook;
mod share;
mod upkeep;

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::types;
use crate::incident::Policy;
use crate::text::{nearest, visible};

/// Reports every mistake of meaning in a parsed `flightdeck.toml`.
pub(super) fn check(root: &DeTable<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for (list, key) in [
        ("checks", "name"),
        ("environments", "name"),
        ("probes", "name"),
        ("flags", "name"),
        ("actions", "name"),
        ("channels", "name"),
        ("secrets", "name"),
        ("people", "name"),
        ("checklist", "id"),
    ] {
        names(root, list, key, &mut found);
    }
    if let Some(service) = table(root, "service") {
        label(service, "name", &mut found);
    }
    hotfix::check(root, &mut found);
    for check in tables(root, "checks") {
        command(check, "command", Need::Program, &mut found);
        variables(check, &mut found);
    }
    let named = |entry| text(entry, "name").map(|(name, _)| name);
    let probes: Vec<_> = tables(root, "probes")
        .filter_map(|probe| {
            let tells_of_here = probe.get("connectivity").and_then(|value| value.get_ref().as_bool());
            let environment = match tells_of_here {
                Some(true) => types::HERE,
                _ => match text(probe, "environment").map_or("", |(environment, _)| environment) {
                    "" if tells_of_others(probe) => types::THIRD_PARTY,
                    environment => environment,
                },
            };
            Some(environment::Watched { name: named(probe)?, environment })
        })
        .collect();
    let last = entries(root, "environments").count();
    for (index, entry) in entries(root, "environments").enumerate() {
        environment::check(entry, index + 1 == last, &probes, &mut found);
    }
    for item in tables(root, "checklist") {
        not_blank(item, "title", &mut found);
    }
    let environments: Vec<&str> = match table(root, "environments") {
        // That it is no list has been said; the names are clear.
        Some(by_name) => by_name.keys().map(|key| -> &str { key.get_ref() }).collect(),
        None => tables(root, "environments").filter_map(|e| Some(text(e, "name")?.0)).collect(),
    };
    let secrets: Vec<&str> = tables(root, "secrets").filter_map(named).collect();
    if let Some(share) = table(root, "share") {
        share::check(share, &secrets, &mut found);
    }
    for entry in entries(root, "probes") {
        probe::check(entry, &environments, &secrets, &mut found);
    }
    probe::suppression(root, &mut found);
    for entry in entries(root, "flags") {
        flag::check(entry, &secrets, &mut found);
    }
    for entry in entries(root, "actions") {
        action::check(entry, &environments, &mut found);
    }
    if entries(root, "channels").next().is_some() {
        let audiences = channel::audiences(root);
        for entry in entries(root, "channels") {
            channel::check(entry, &secrets, &audiences, &mut found);
        }
    }
    runbook::check(root, &mut found);
    present::check(root, &mut found);
    upkeep::check(root, &mut found);
    if let Some(own) = table(root, "policy") {
        policy::check(root, own, &mut found);
    }
    if entries(root, "people").next().is_some() {
        let built_in = Policy::built_in().roles;
        person::check(root, &policy::role_ids(table(root, "policy"), &built_in), &mut found);
    }
    found
}

/// Most letters of a name, or of a text that is shown beside one: both stand in lists, plans and records.
const LONGEST: usize = 200;

/// Whether a command may be left empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It has to name a program.
    Program,
    /// Empty means that there is none.
    Nothing,
}

/// Tells whether a probe looks at somebody else's service, by its own words or by its address.
fn tells_of_others(probe: &DeTable<'_>) -> bool {
    match text(probe, "concerns") {
        Some((concern, _)) => concern == types::Concern::ThirdParty.name(),
        None => text(probe, "url").is_some_and(|(url, _)| types::is_status_page(url)),
    }
}

/// Names in a list of tables: usable, and each there once.
fn names(root: &DeTable<'_>, list: &str, key: &str, found: &mut Vec<Problem>) {
    let mut seen: HashMap<&str, Range<usize>> = HashMap::new();
    for entry in tables(root, list) {
        let Some((name, span)) = text(entry, key) else { continue };
        if let Some(why) = unusable(name) {
            found.push(Problem::new(span, format!("the {key} {why}")));
            continue;
        }
        if let Some(first) = seen.get(name) {
            let message = format!("duplicate name `{name}` in `{list}`");
            found.push(Problem::new(span, message).other(first.clone(), "first named here"));
        } else {
            seen.insert(name, span);
        }
    }
}

/// Why a text cannot be a name, to follow on "the name …"; `None`: it can.
pub(super) fn unusable(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("cannot be empty")
    } else if name.starts_with('-') {
        Some("cannot begin with `-`: it could be taken for an option")
    } else if visible(name) != name {
        Some("cannot have invisible characters")
    } else if name.trim() != name {
        Some("cannot begin or end with a space")
    } else if name.chars().count() > LONGEST {
        Some("cannot be longer than 200 letters")
    } else {
        None
    }
}

/// A text that is only shown: anything that can be seen, or nothing.
fn label(parent: &DeTable<'_>, key: &str, found: &mut Vec<Problem>) {
    let Some((text, span)) = text(parent, key) else { return };
    if visible(text) != text {
        found.push(Problem::new(span, format!("`{key}` has invisible characters")));
    } else if text.chars().count() > LONGEST {
        found.push(Problem::new(span, format!("`{key}` cannot be longer than {LONGEST} letters")));
    }
}

fn not_blank(parent: &DeTable<'_>, key: &str, found: &mut Vec<Problem>) {
    if let Some((text, span)) = text(parent, key)
        && text.trim().is_empty()
    {
        found.push(Problem::new(span, format!("`{key}` cannot be empty")));
    }
}

/// Tells whether a text can be the name of a branch, and be shown.
pub(super) fn is_branch(name: &str) -> bool {
    let whole = format!("refs/heads/{name}");
    !name.starts_with('-') && visible(name) == name && git2::Reference::is_valid_name(&whole)
}

fn command(parent: &DeTable<'_>, key: &str, need: Need, found: &mut Vec<Problem>) {
    let Some((_, value)) = parent.get_key_value(key) else { return };
    let Some(words) = value.get_ref().as_array() else { return };
    let Some(program) = words.first() else {
        if need == Need::Program {
            let help = format!("program and arguments: {key} = [\"./script.sh\", \"argument\"]");
            found.push(
                Problem::new(value.span(), format!("`{key}` is empty: it names no program")).help(help),
            );
        }
        return;
    };
    if program.get_ref().as_str().is_some_and(|program| program.trim().is_empty()) {
        found
            .push(Problem::new(program.span(), format!("`{key}` names no program: its first word is empty")));
    }
    for (_, span) in texts(parent, key).filter(|(word, _)| word.contains('\0')) {
        found.push(Problem::new(span, "no program can be given an argument with a NUL in it"));
    }
}

fn variables(parent: &DeTable<'_>, found: &mut Vec<Problem>) {
    for (name, span) in texts(parent, "env").filter(|(name, _)| !is_variable(name)) {
        let problem = Problem::new(span, "this is not the name of an environment variable");
        found.push(match name.split_once('=') {
            Some((name, _)) => problem.help(format!(
                "only the name goes here: \"{}\"; the value stays in your environment",
                visible(name)
            )),
            None => problem.help("letters, digits and _"),
        });
    }
}

/// Tells whether a text can be the name of an environment variable.
fn is_variable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

/// A name that has to be one of those there are.
fn known<const N: usize>(
    what: &str,
    name: &str,
    span: Range<usize>,
    names: [&str; N],
    found: &mut Vec<Problem>,
) {
    if !names.contains(&name) {
        let problem = Problem::new(span, format!("unknown {what} `{}`", visible(name)));
        found.push(problem.suggest(name, names.into_iter()));
    }
}

/// Words in braces have to be ones that are filled in here. Other braces are left as they are.
fn placeholders(word: &str, span: &Range<usize>, words: &[&str], found: &mut Vec<Problem>) {
    for part in word.split('{').skip(1) {
        let Some((name, _)) = part.split_once('}') else { continue };
        let is_word =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_' || c == '-');
        if is_word && !words.contains(&name) {
            let message = format!("unknown placeholder {{{name}}}; known: {}", words.join(", "));
            let problem = Problem::new(span.clone(), message);
            found.push(match nearest(name, words) {
                Some(near) => problem.label(format!("did you mean {{{near}}}?")),
                None => problem,
            });
        }
    }
}

/// Where to point for an entry of a list as a whole: at its name, else at its first key.
fn place(entry: &DeTable<'_>, whole: Range<usize>) -> Range<usize> {
    let name = entry.get("name").map(Spanned::span);
    name.or_else(|| entry.keys().map(Spanned::span).min_by_key(|span| span.start)).unwrap_or(whole)
}

fn table<'t>(parent: &'t DeTable<'_>, key: &str) -> Option<&'t DeTable<'t>> {
    parent.get(key)?.get_ref().as_table()
}

fn entries<'t>(parent: &'t DeTable<'_>, key: &str) -> impl Iterator<Item = &'t Spanned<DeValue<'t>>> {
    let list = parent.get(key).and_then(|value| value.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter())
}

fn tables<'t>(parent: &'t DeTable<'_>, key: &str) -> impl Iterator<Item = &'t DeTable<'t>> {
    entries(parent, key).filter_map(|item| item.get_ref().as_table())
}

fn text<'t>(parent: &'t DeTable<'_>, key: &str) -> Option<(&'t str, Range<usize>)> {
    let value = parent.get(key)?;
    Some((value.get_ref().as_str()?, value.span()))
}

fn texts<'t>(parent: &'t DeTable<'_>, key: &str) -> impl Iterator<Item = (&'t str, Range<usize>)> {
    entries(parent, key).filter_map(|item| Some((item.get_ref().as_str()?, item.span())))
}

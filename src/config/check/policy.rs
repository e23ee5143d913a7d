//! Mistakes of meaning under `[policy]`: names that nothing has, and severities that nobody can tell apart.

use std::ops::Range;

use toml::de::DeTable;

use super::super::problem::Problem;
use super::{table, tables, text, texts, unusable};
use crate::incident::{Policy, Role, Severity};

/// Reports every mistake of meaning in the team's changes to the policy.
pub(super) fn check(own: &DeTable<'_>, found: &mut Vec<Problem>) {
    approvals(own, found);
    severities(own, found);
}

/// The severities that the team says something about.
fn ours<'t>(own: &'t DeTable<'_>) -> impl Iterator<Item = (Severity, &'t DeTable<'t>)> {
    Severity::all().filter_map(|severity| Some((severity, table(own, severity.name())?)))
}

/// The ids of the roles there are: the file's own, else those that are built in.
pub(super) fn roles<'t>(own: Option<&'t DeTable<'_>>, built_in: &'t [Role]) -> Vec<&'t str> {
    match own.filter(|own| own.contains_key("roles")) {
        Some(own) => tables(own, "roles").filter_map(|role| Some(text(role, "id")?.0)).collect(),
        None => built_in.iter().map(|role| role.id.as_str()).collect(),
    }
}

/// Roles that have to approve must be ones there are.
fn approvals(own: &DeTable<'_>, found: &mut Vec<Problem>) {
    let built_in = Policy::built_in().roles;
    let roles = roles(Some(own), &built_in);
    for (_, severity) in ours(own) {
        for (role, span) in texts(severity, "approvals").filter(|(role, _)| !roles.contains(role)) {
            let problem = Problem::new(span, format!("there is no role `{role}`"));
            found.push(problem.suggest(role, roles.iter().copied()));
        }
    }
}

/// A severity of the team says what it is; and nobody takes one for another.
fn severities(own: &DeTable<'_>, found: &mut Vec<Problem>) {
    let built_in = Policy::built_in();
    let mut named: Vec<(Severity, &str, Range<usize>)> = Vec::new();
    for (severity, said) in ours(own) {
        if !built_in.ranks().any(|known| known == severity) {
            let key = own.keys().find(|key| key.get_ref() == severity.name());
            let span = key.map_or(0..0, |key| key.span());
            for missing in ["word", "means"].into_iter().filter(|key| !said.contains_key(*key)) {
                let problem = Problem::new(span.clone(), format!("`{missing}` is missing here"));
                found.push(
                    problem.help(format!("{} is a severity of yours: say what it means", severity.name())),
                );
            }
        }
        let Some((name, span)) = text(said, "name") else { continue };
        if let Some(why) = unusable(name) {
            found.push(Problem::new(span, format!("the name {why}")));
        } else if Severity::all().any(|other| other != severity && other.name().eq_ignore_ascii_case(name)) {
            let problem = Problem::new(span, format!("`{name}` is the rank of another severity"));
            found.push(problem.help("ranks are what records are kept by; choose another name"));
        } else if let Some((_, _, first)) = named.iter().find(|(_, one, _)| one.eq_ignore_ascii_case(name)) {
            let problem = Problem::new(span, format!("two severities are called `{name}`"));
            found.push(problem.other(first.clone(), "first named here"));
        } else {
            named.push((severity, name, span));
        }
    }
}

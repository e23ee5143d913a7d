//! Secrets, freezes and gates of the policy.

use std::ops::Range;

use jiff::Timestamp;
use toml::de::DeTable;

use super::{Need, command, is_variable, known, label, table, tables, text, texts};
use crate::config::problem::Problem;
use crate::incident::Severity;
use crate::plan::gates::{Gate, VERDICT};

/// What names of variables that flightdeck sets itself begin with.
const OURS: &str = "FLIGHTDECK_";

/// Variables that every command gets: a secret of that name would take their place.
const EVERYBODYS: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "TERM", "SSH_AUTH_SOCK"];

/// Reports every mistake of meaning in a declared secret.
pub(super) fn secret(secret: &DeTable<'_>, found: &mut Vec<Problem>) {
    if let Some((name, span)) = text(secret, "name").filter(|(name, _)| super::unusable(name).is_none()) {
        if !is_variable(name) {
            let problem = Problem::new(span, "a secret is named as the variable that commands get it in");
            found.push(problem.help("letters, digits and _: DEPLOY_TOKEN"));
        } else if name.starts_with(OURS) || EVERYBODYS.contains(&name) {
            let problem = Problem::new(span, format!("a secret cannot be called `{name}`"));
            found.push(problem.help("every command has a variable of that name already"));
        }
    }
    let sources: Vec<Range<usize>> = ["env", "file", "command"]
        .into_iter()
        .filter_map(|key| secret.get_key_value(key).map(|(key, _)| key.span()))
        .collect();
    if let [first, second, ..] = sources.as_slice() {
        let problem =
            Problem::new(second.clone(), "a secret comes from one place: `env`, `file` or `command`");
        found.push(problem.other(first.clone(), "it has one here"));
    }
    if let Some((name, span)) = text(secret, "env")
        && !is_variable(name)
    {
        let problem = Problem::new(span, "this is not the name of an environment variable");
        found.push(problem.help("the value itself never stands in this file"));
    }
    file(secret, found);
    command(secret, "command", Need::Program, found);
}

fn file(secret: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some((path, span)) = text(secret, "file") else { return };
    let why = if path.trim().is_empty() {
        "`file` cannot be empty"
    } else if crate::text::visible(path) != path {
        "`file` has invisible characters"
    } else if path.ends_with('/') {
        "`file` names a directory"
    } else if path.starts_with('~') && !path.starts_with("~/") {
        "`file` may begin with `~/` for your home directory, not with the name of a user"
    } else if path.split('/').any(|part| part == "..") {
        "`file` cannot lead upwards with `..`"
    } else {
        return;
    };
    let help = "relative to the root of the repository, or from `/` or `~/`";
    found.push(Problem::new(span, why).help(help));
}

/// Reports every mistake of meaning in a freeze.
pub(super) fn freeze(freeze: &DeTable<'_>, found: &mut Vec<Problem>) {
    label(freeze, "why", found);
    let mut times = Vec::new();
    for key in ["from", "until"] {
        let Some((written, span)) = text(freeze, key) else { continue };
        if let Ok(time) = written.parse::<Timestamp>() {
            times.push((time, span));
        } else {
            let help = format!("with date, time and zone: {key} = \"2026-12-24T00:00:00Z\"");
            found.push(Problem::new(span, format!("`{key}` is not a time")).help(help));
        }
    }
    if let [(from, first), (until, second)] = times.as_slice()
        && until <= from
    {
        let problem = Problem::new(second.clone(), "the freeze ends before it begins");
        found.push(problem.other(first.clone(), "it begins here"));
    }
}

/// Gates that the policy names have to be ones there are.
pub(super) fn gates(policy: &DeTable<'_>, found: &mut Vec<Problem>) {
    for (gate, span) in texts(policy, "gates") {
        known("gate", gate, span, Gate::IDS, found);
    }
    for (gate, span) in texts(policy, "rollback_gates") {
        known("gate", gate, span, Gate::IDS, found);
    }
    let [checks, checklist, approvals, rollback, staging, freeze] = Gate::IDS;
    let stands_in_the_way = [checks, checklist, approvals, rollback, staging, freeze, VERDICT];
    for severity in Severity::all().filter_map(|severity| table(policy, severity.name())) {
        for (gate, span) in texts(severity, "may_pass_over") {
            known("gate", gate, span, stands_in_the_way, found);
        }
    }
}

/// Reports every mistake in secrets, freezes and the policy's gates.
pub(super) fn check(root: &DeTable<'_>, found: &mut Vec<Problem>) {
    tables(root, "secrets").for_each(|secret| self::secret(secret, found));
    tables(root, "freezes").for_each(|freeze| self::freeze(freeze, found));
    if let Some(policy) = table(root, "policy") {
        gates(policy, found);
    }
}

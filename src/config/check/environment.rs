//! What an environment must be: how it is deployed to, watched and rolled back.

use std::ops::Range;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Need, command, known, label, placeholders, table, tables, text, texts, unusable, variables};
use crate::config::problem::Problem;
use crate::config::types::{self, Environment};
use crate::plan::gates::Gate;

/// Names that plans lease which are no environments.
const RESERVED: [(&str, &str); 2] = [
    ("repository", "plans that work on the repository itself go by that name"),
    ("checks", "plans that run checks go by that name"),
];

/// Ways back that every environment has, by the ids they go by.
const BUILT_IN_WAYS: [&str; 4] = ["redeploy", "revert", "switch", "switch-back"];

/// Words in braces that a command about a commit may have.
pub(super) const OF_COMMIT: &[&str] = &["ref", "commit", "env"];

/// A probe as far as an environment wants to know it.
pub(super) struct Watched<'t> {
    /// Its name.
    pub(super) name: &'t str,
    /// The environment it watches; empty: the service as a whole.
    pub(super) environment: &'t str,
}

/// Reports every mistake of meaning in an environment.
pub(super) fn check(
    entry: &Spanned<DeValue<'_>>,
    is_last: bool,
    probes: &[Watched<'_>],
    found: &mut Vec<Problem>,
) {
    let Some(environment) = entry.get_ref().as_table() else { return };
    let place = super::place(environment, entry.span());
    name(environment, found);
    deploys_one_way(environment, &place, found);
    for (key, words) in
        [("deploy", OF_COMMIT), ("smoke", OF_COMMIT), ("proof", OF_COMMIT), ("history", &["env"][..])]
    {
        let need = if key == "deploy" && table(environment, "pipeline").is_none() {
            Need::Program
        } else {
            Need::Nothing
        };
        filled(environment, key, need, words, found);
    }
    expect(environment, OF_COMMIT, found);
    variables(environment, found);
    label(environment, "gitops", found);
    for (gate, span) in texts(environment, "gates") {
        known("gate", gate, span, Gate::IDS, found);
    }
    times(environment, &place, found);
    watched(environment, &place, is_last, probes, found);
    super::pipeline::check(environment, found);
    if let Some(canary) = table(environment, "canary") {
        self::canary(canary, found);
    }
    if let Some(sides) = table(environment, "blue_green") {
        blue_green(sides, found);
    }
    super::names(environment, "rollbacks", "name", found);
    for rollback in tables(environment, "rollbacks") {
        self::rollback(rollback, found);
    }
}

fn name(environment: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some((name, span)) = text(environment, "name") else { return };
    if let Some((_, why)) = RESERVED.into_iter().find(|(reserved, _)| *reserved == name) {
        let message = format!("an environment cannot be called `{name}`");
        found.push(Problem::new(span, message).help(why));
    }
}

/// One command, a canary with it, or blue-green with a command of its own.
fn deploys_one_way(environment: &DeTable<'_>, place: &Range<usize>, found: &mut Vec<Problem>) {
    let key = |name: &str| environment.get_key_value(name).map(|(key, _)| key.span());
    if key("pipeline").is_some() {
        return;
    }
    match (key("deploy"), key("canary"), key("blue_green")) {
        (_, Some(canary), Some(blue_green)) => {
            let message = "an environment is deployed to as a canary or blue-green, not both";
            found.push(Problem::new(blue_green, message).other(canary, "it has a canary here"));
        }
        (Some(deploy), None, Some(blue_green)) => {
            let message = "`deploy` would never run: this environment is deployed to blue-green";
            let help = "`blue_green.deploy` deploys to the idle side; remove this one";
            found.push(Problem::new(deploy, message).other(blue_green, "blue-green here").help(help));
        }
        // A misspelt `deploy` is reported as that already.
        (None, _, None)
            if !environment.keys().any(|key| crate::text::nearest(key.get_ref(), &["deploy"]).is_some()) =>
        {
            let help = "program and arguments: deploy = [\"./deploy.sh\", \"{ref}\", \"{env}\"]";
            found.push(Problem::new(place.clone(), "`deploy` is missing here").help(help));
        }
        _ => {}
    }
}

/// A command and the words in braces it may have.
pub(super) fn filled(parent: &DeTable<'_>, key: &str, need: Need, words: &[&str], found: &mut Vec<Problem>) {
    command(parent, key, need, found);
    for (word, span) in texts(parent, key) {
        placeholders(word, &span, words, found);
    }
}

fn expect(parent: &DeTable<'_>, words: &[&str], found: &mut Vec<Problem>) {
    let Some((word, span)) = text(parent, "expect") else { return };
    placeholders(word, &span, words, found);
    if word.trim().is_empty() {
        found.push(Problem::new(span, "`expect` is empty: no output could ever prove it"));
    }
}

/// A length of time and where it is written, or what it is when left out.
fn length(
    parent: &DeTable<'_>,
    key: &str,
    otherwise: Option<SignedDuration>,
) -> Option<(SignedDuration, Option<Range<usize>>)> {
    match text(parent, key) {
        Some((text, span)) => Some((text.parse().ok()?, Some(span))),
        None => Some((otherwise?, None)),
    }
}

fn times(environment: &DeTable<'_>, place: &Range<usize>, found: &mut Vec<Problem>) {
    let usual = Environment::new("", Vec::new());
    // Left out, it is no longer than half of what is watched: see `deploy::watch`.
    let settle = length(environment, "settle", None);
    // None at all is no time that anything could be too long for.
    let watch = length(environment, "watch", None).filter(|(time, _)| time.is_positive());
    shorter("settle", settle.clone(), "watch", watch, place, found);
    if let Some(canary) = table(environment, "canary") {
        shorter("settle", settle, "look", length(canary, "look", Some(types::default_look())), place, found);
    }
    // Left out, it is no reason to refuse a deploy that may take but a moment.
    let within = length(environment, "proof_within", None);
    let timeout = length(environment, "timeout", Some(usual.timeout));
    if let (Some((within, at)), Some((timeout, other))) = (within, timeout)
        && within > timeout
    {
        let message = format!("`proof_within` ({within:#}) is longer than `timeout` ({timeout:#})");
        let span = at.or(other).unwrap_or_else(|| place.clone());
        found.push(Problem::new(span, message).help("the proof cannot take longer than the deploy itself"));
    }
}

type Length = Option<(SignedDuration, Option<Range<usize>>)>;

/// What may break at the beginning has to be over before the watch is.
fn shorter(
    short: &str,
    first: Length,
    long: &str,
    second: Length,
    place: &Range<usize>,
    found: &mut Vec<Problem>,
) {
    let (Some((first, at)), Some((second, other))) = (first, second) else { return };
    if first < second {
        return;
    }
    let message = format!("`{short}` ({first:#}) is not shorter than `{long}` ({second:#})");
    let span = at.or(other).unwrap_or_else(|| place.clone());
    let help = format!("nothing would be left to watch: set a shorter `{short}` or a longer `{long}`");
    found.push(Problem::new(span, message).help(help));
}

/// What is watched has to be there.
fn watched(
    environment: &DeTable<'_>,
    place: &Range<usize>,
    is_last: bool,
    probes: &[Watched<'_>],
    found: &mut Vec<Problem>,
) {
    let known_probe = |name: &str, span, found: &mut Vec<Problem>| {
        if !probes.iter().any(|probe| probe.name == name) {
            let problem = Problem::new(span, format!("unknown probe `{name}`"));
            found.push(problem.suggest(name, probes.iter().map(|probe| probe.name)));
        }
    };
    texts(environment, "watched").for_each(|(name, span)| known_probe(name, span, found));
    let canary = table(environment, "canary");
    if let Some(canary) = canary {
        texts(canary, "abort").for_each(|(name, span)| known_probe(name, span, found));
    }
    let name = text(environment, "name").map_or("", |(name, _)| name);
    // Probes of the service as a whole belong to the last environment: production.
    let own =
        probes.iter().any(|probe| probe.environment == name || (is_last && probe.environment.is_empty()));
    if own || texts(environment, "watched").next().is_some() {
        return;
    }
    let help = "add a [[probes]] table for this environment";
    if let Some((key, _)) = environment.get_key_value("watch")
        && length(environment, "watch", None).is_some_and(|(time, _)| time.is_positive())
    {
        let message = "no probe to watch this environment with";
        found.push(Problem::new(key.span(), message).help(help));
    }
    if let Some(canary) = canary
        && texts(canary, "abort").next().is_none()
    {
        let span = environment.get_key_value("canary").map_or_else(|| place.clone(), |(key, _)| key.span());
        let message = "no probe covers this canary, so it could not be judged";
        found.push(Problem::new(span, message).help(help));
    }
}

fn canary(canary: &DeTable<'_>, found: &mut Vec<Problem>) {
    let words: &[&str] = &["ref", "commit", "env", "weight"];
    filled(canary, "set", Need::Program, words, found);
    filled(canary, "weight", Need::Nothing, OF_COMMIT, found);
    filled(canary, "finish", Need::Nothing, OF_COMMIT, found);
    weights(canary, found);
}

/// Shares of traffic rise strictly to the whole.
fn weights(canary: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some((key, value)) = canary.get_key_value("weights") else { return };
    let Some(list) = value.get_ref().as_array() else { return };
    let mut reached: Option<(i64, Range<usize>)> = None;
    for item in list {
        let number = item.get_ref().as_integer();
        let Some(Ok(weight)) = number.map(|n| i64::from_str_radix(n.as_str(), n.radix())) else { return };
        // What is out of range has been said by its type.
        if !(1..=100).contains(&weight) {
            return;
        }
        if let Some((last, first)) = reached
            && weight <= last
        {
            let falls = if weight == last { "stays where it was" } else { "falls" };
            let problem = Problem::new(item.span(), format!("the weight {falls}: {weight} % after {last} %"));
            let help = "each weight is larger than the one before: weights = [5, 25, 100]";
            found.push(problem.other(first, format!("{last} % here")).help(help));
            return;
        }
        reached = Some((weight, item.span()));
    }
    match reached {
        None => {
            let help = "in percent, rising to 100: weights = [5, 25, 100]";
            found.push(
                Problem::new(key.span(), "`weights` is empty: the canary would never begin").help(help),
            );
        }
        Some((100, _)) => {}
        Some((end, span)) => {
            let message = format!("the last weight is {end} %: the release would never reach everybody");
            found.push(Problem::new(span, message).help("end with 100: weights = [5, 25, 100]"));
        }
    }
}

fn blue_green(table: &DeTable<'_>, found: &mut Vec<Problem>) {
    let of_side: &[&str] = &["env", "side"];
    let of_both: &[&str] = &["ref", "commit", "env", "side"];
    filled(table, "live", Need::Program, &["env"], found);
    filled(table, "deploy", Need::Program, of_both, found);
    filled(table, "check", Need::Nothing, of_both, found);
    filled(table, "switch", Need::Program, of_side, found);
    filled(table, "version", Need::Nothing, of_side, found);
    let sides: Vec<_> = texts(table, "sides").collect();
    for (side, span) in &sides {
        if let Some(why) = unusable(side) {
            found.push(Problem::new(span.clone(), format!("the name of a side {why}")));
        }
    }
    if let [(one, first), (other, second)] = sides.as_slice()
        && one == other
    {
        let problem = Problem::new(second.clone(), "both sides have the same name");
        found.push(problem.other(first.clone(), "the first side").help("sides = [\"blue\", \"green\"]"));
    }
    for (key, place) in [("deploy", "to"), ("switch", "to"), ("version", "of")] {
        let Some((name, value)) = table.get_key_value(key) else { continue };
        let words: Vec<&str> = texts(table, key).map(|(word, _)| word).collect();
        // A script may read FLIGHTDECK_SIDE in place of an argument.
        let script = words.first().is_some_and(|program| program.contains('/'));
        if !words.is_empty() && !script && !words.iter().any(|word| word.contains("{side}")) {
            let message = format!("`{key}` does not say which side it is {place}");
            let help =
                "put {side} where the name of the side goes; a script of your own may read FLIGHTDECK_SIDE";
            found.push(Problem::new(name.span().start..value.span().end, message).help(help));
        }
    }
}

fn rollback(rollback: &DeTable<'_>, found: &mut Vec<Problem>) {
    if let Some((name, span)) = text(rollback, "name") {
        if BUILT_IN_WAYS.contains(&name) {
            let message = format!(
                "a rollback option cannot be called `{name}`: every environment has one of that name"
            );
            found.push(Problem::new(span, message).help("call it for what it does: rollout-undo"));
        } else if name.starts_with("flag:") {
            let message = "the name of a rollback option cannot begin with `flag:`: that is for flags";
            found.push(Problem::new(span, message).help("call it for what it does: rollout-undo"));
        }
    }
    filled(rollback, "command", Need::Program, &["env"], found);
    filled(rollback, "target", Need::Nothing, &["env"], found);
    filled(rollback, "proof", Need::Nothing, &["env"], found);
    expect(rollback, &["env", "target"], found);
    let has = |key: &str| texts(rollback, key).next().is_some();
    let expects_target = text(rollback, "expect").is_none_or(|(expect, _)| expect.contains("{target}"));
    if has("proof") && expects_target && !has("target") {
        let span = rollback.get_key_value("proof").map_or(0..0, |(key, _)| key.span());
        let message = "the proof is compared with {target}, and no `target` command tells it";
        let help = "add `target = [\"program\", \"argument\"]`, or say with `expect` what the proof prints";
        found.push(Problem::new(span, message).help(help));
    }
}

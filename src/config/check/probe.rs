//! What a probe must be: it asks one thing, in time, and its conditions can be read.

use std::ops::Range;

use jiff::SignedDuration;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{command, label, place, table, text, texts, variables};
use crate::config::problem::Problem;
use crate::config::types::{Probe, SourceKind, default_interval, default_probe_timeout};
use crate::health::condition::Subject;
use crate::health::parse::{self, Drawn, Refused};
use crate::health::promql;
use crate::health::rules::Rules;
use crate::text::visible;

/// Why a probe has no secrets, and what to do.
const NO_SECRETS: &str = "probes run all the time, so no secret is fetched for them: use a `command` with a variable of your environment in its `env`";

/// Reports every mistake of meaning in a probe.
/// `kept` are the names of secrets whose values have to be fetched first.
pub(super) fn check(
    entry: &Spanned<DeValue<'_>>,
    environments: &[&str],
    kept: &[&str],
    found: &mut Vec<Problem>,
) {
    let Some(probe) = entry.get_ref().as_table() else { return };
    let before = found.len();
    let place = place(probe, entry.span());
    asks_one_thing(probe, &place, found);
    for key in ["url", "prometheus"] {
        if let Some((url, span)) = text(probe, key) {
            address(key, url, span, found);
        }
    }
    if let Some((query, span)) = text(probe, "query")
        && let Err(refused) = promql::check(query)
    {
        found.push(unreadable("query", query, span, &refused));
    }
    if let Some((runbook, span)) = text(probe, "runbook") {
        address("runbook", runbook, span, found);
    }
    command(probe, "command", super::Need::Program, found);
    headers(probe, found);
    variables(probe, found);
    for (name, span) in texts(probe, "env").filter(|(name, _)| kept.contains(name)) {
        let message = format!("a probe cannot be given the secret `{name}`");
        found.push(Problem::new(span, message).help(NO_SECRETS));
    }
    schedule(probe, &place, found);
    if let Some((environment, span)) = text(probe, "environment")
        && !environment.is_empty()
        && !environments.contains(&environment)
    {
        let problem = Problem::new(span, format!("there is no environment `{environment}`"));
        found.push(problem.suggest(environment, environments.iter().copied()));
    }
    label(probe, "unit", found);
    conditions(probe, found);
    if found.len() == before {
        rules(entry, &place, found);
    }
}

fn asks_one_thing(probe: &DeTable<'_>, place: &Range<usize>, found: &mut Vec<Problem>) {
    let there: Vec<_> = kinds(probe).filter_map(|kind| probe.get_key_value(kind.key())).collect();
    match there.as_slice() {
        [(first, _), .., (last, _)] => {
            let message = "a probe asks one thing: a `url`, a `command` or a `prometheus`, not both";
            let problem = Problem::new(last.span(), message);
            found.push(problem.other(first.span(), format!("it has a {} here", first.get_ref())));
        }
        [] => {
            let message = "this probe does nothing: it has neither `url` nor `command` nor `prometheus`";
            let help = "url = \"https://…/health\", or command = [\"program\", \"argument\"]";
            found.push(Problem::new(place.clone(), message).help(help));
        }
        [_] => kinds(probe).for_each(|kind| further_keys(probe, kind, place, found)),
    }
}

/// Keys of another source say nothing. (`env` was never refused, and is not now.)
fn further_keys(probe: &DeTable<'_>, kind: SourceKind, place: &Range<usize>, found: &mut Vec<Problem>) {
    for key in ["headers", "query", "reduce", "max_age"] {
        if let Some((name, _)) = probe.get_key_value(key).filter(|_| !kind.keys().contains(&key)) {
            let owners = SourceKind::ALL.into_iter().filter(|owner| owner.keys().contains(&key));
            let owners: Vec<_> = owners.map(|owner| format!("a `{}`", owner.key())).collect();
            let message = format!("`{key}` goes with {}; this probe is {}", owners.join(" or "), kind.noun());
            found.push(Problem::new(name.span(), message));
        }
    }
    if kind == SourceKind::Prometheus && !probe.contains_key("query") {
        let help = "query = 'sum(rate(http_requests_total{code=~\"5..\"}[5m]))'";
        found.push(Problem::new(place.clone(), "this probe asks nothing: `query` is missing").help(help));
    }
}

/// The kinds of source whose key a probe has.
fn kinds<'t>(probe: &'t DeTable<'_>) -> impl Iterator<Item = SourceKind> + 't {
    SourceKind::ALL.into_iter().filter(|kind| probe.contains_key(kind.key()))
}

/// A probe's timeout has to end before the next time it is due.
fn schedule(probe: &DeTable<'_>, place: &Range<usize>, found: &mut Vec<Problem>) {
    let written = |key| text(probe, key).and_then(|(text, span)| Some((text.parse().ok()?, span)));
    let interval: Option<(SignedDuration, _)> = written("interval");
    let timeout: Option<(SignedDuration, _)> = written("timeout");
    let every = interval.as_ref().map_or_else(default_interval, |(duration, _)| *duration);
    let until = timeout.as_ref().map_or_else(default_probe_timeout, |(duration, _)| *duration);
    if until <= every || !every.is_positive() {
        return;
    }
    let message = format!("the timeout ({until:#}) is longer than the interval ({every:#})");
    let span = timeout.or(interval).map_or_else(|| place.clone(), |(_, span)| span);
    let help = "a probe has to time out before its next run: set a shorter `timeout`";
    found.push(Problem::new(span, message).help(help));
}

fn address(key: &str, url: &str, span: Range<usize>, found: &mut Vec<Problem>) {
    if visible(url) != url {
        found.push(Problem::new(span, "the address has characters in it that cannot be seen"));
        return;
    }
    if !url.contains("://") {
        let help = format!("{key} = \"https://{}\"", url.trim_start_matches('/'));
        found.push(Problem::new(span, "the address has no scheme").help(help));
        return;
    }
    match reqwest::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => {}
        Ok(parsed) => {
            let message = format!("`{}` is not a scheme that a probe can use", parsed.scheme());
            found.push(Problem::new(span, message).help("an address begins with http:// or https://"));
        }
        Err(error) => found.push(Problem::new(span, format!("this is not an address: {error}"))),
    }
}

fn headers(probe: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some(headers) = table(probe, "headers") else { return };
    for (name, value) in headers {
        if reqwest::header::HeaderName::from_bytes(name.get_ref().as_bytes()).is_err() {
            found.push(Problem::new(name.span(), "this cannot be the name of a header"));
        }
        if let Some(text) = value.get_ref().as_str()
            && reqwest::header::HeaderValue::from_str(text).is_err()
        {
            found.push(Problem::new(value.span(), "this cannot be the value of a header"));
        }
        if value.get_ref().as_str().is_some_and(|text| text.contains("{secret:")) {
            let message = "a probe's headers cannot be given a secret";
            found.push(Problem::new(value.span(), message).help(NO_SECRETS));
        }
    }
}

/// Reads every condition and limit, each on its own, so that all mistakes are found.
fn conditions(probe: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some(kind) = kinds(probe).next() else { return };
    let unit = text(probe, "unit").map_or("", |(unit, _)| unit);
    let subject = match (text(probe, "value"), kind) {
        (Some((value, span)), _) => match parse::value(value, kind) {
            Ok(subject) => Some(subject),
            Err(refused) => {
                found.push(unreadable("value", value, span, &refused));
                None
            }
        },
        (None, SourceKind::Prometheus) => Some(Subject::Value),
        (None, _) => None,
    };
    let drawn = subject.as_ref().map(|value| Drawn { value, unit });
    for (condition, span) in texts(probe, "expect") {
        if let Err(refused) = parse::condition_of(condition, kind, drawn) {
            found.push(unreadable("condition", condition, span, &refused));
        }
    }
    let Some(subject) = subject else { return };
    for key in ["warn", "fail", "recover"] {
        if let Some((limit, span)) = text(probe, key)
            && let Err(refused) = parse::limit(limit, &subject, unit)
        {
            found.push(unreadable("limit", limit, span, &refused));
        }
    }
}

/// A probe is suppressed by another one that there is, and not by way of itself.
pub(super) fn suppression(root: &DeTable<'_>, found: &mut Vec<Problem>) {
    let probes: Vec<_> =
        super::tables(root, "probes").filter_map(|probe| Some((text(probe, "name")?.0, probe))).collect();
    let by = |name: &str| {
        let (_, probe) = probes.iter().find(|(known, _)| *known == name)?;
        text(probe, "suppressed_by").map(|(by, _)| by)
    };
    for (place, (name, probe)) in probes.iter().enumerate() {
        let Some((first, span)) = text(probe, "suppressed_by") else { continue };
        if !probes.iter().any(|(known, _)| *known == first) {
            let problem = Problem::new(span, format!("there is no probe `{}`", visible(first)));
            found.push(problem.suggest(first, probes.iter().map(|(known, _)| *known)));
            continue;
        }
        // Each on the way, up to where it began or to one that was looked at before.
        let mut way = vec![*name];
        let mut next = Some(first);
        while let Some(at) = next.filter(|at| !way.contains(at)) {
            way.push(at);
            next = by(at);
        }
        let earlier = |at: &&str| probes.iter().take(place).any(|(known, _)| known == at);
        if next == Some(*name) && !way.iter().any(|at| earlier(&at)) {
            way.push(name);
            let way = visible(&way.join(" < ")).into_owned();
            let message = format!("these probes suppress each other in a circle: {way}");
            found.push(
                Problem::new(span, message)
                    .help("take `suppressed_by` from the one whose failure explains the others"),
            );
        }
    }
}

/// Points at the very character, if the text stands in the file as it is.
fn unreadable(what: &str, text: &str, span: Range<usize>, refused: &Refused) -> Problem {
    let within = text.chars().take(refused.at).map(char::len_utf8).sum::<usize>();
    let as_written = span.len() == text.len() + 2;
    let span = if as_written { span.start + 1 + within..span.end - 1 } else { span };
    Problem::new(span, format!("this {what} cannot be read")).label(refused.message.clone())
}

/// Puts the probe to those who will ask it, for whatever else they refuse.
fn rules(entry: &Spanned<DeValue<'_>>, place: &Range<usize>, found: &mut Vec<Problem>) {
    let Ok(probe) = Probe::deserialize(ValueDeserializer::from(entry.clone())) else { return };
    if let Err(invalid) = Rules::of(&probe)
        // The schema has said it already.
        && invalid.field != "confirm"
    {
        let span = entry.get_ref().get(invalid.field).map_or_else(|| place.clone(), Spanned::span);
        found.push(Problem::new(span, format!("`{}`: {}", invalid.field, invalid.refused.message)));
    }
}

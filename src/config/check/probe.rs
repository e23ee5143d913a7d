//! What a probe must be: it asks one thing, in time, and its conditions can be read.

use std::ops::Range;

use jiff::SignedDuration;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{command, label, place, table, text, texts, variables};
use crate::config::problem::Problem;
use crate::config::types::{Probe, SourceKind, default_interval};
use crate::health::alerts;
use crate::health::condition::Subject;
use crate::health::parse::{self, Drawn, Refused};
use crate::health::promql;
use crate::health::rules::Rules;
use crate::text::{placeholder, visible};

/// The oldest a sample may be allowed to be.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Reports every mistake of meaning in a probe.
/// `secrets` are the names of the declared ones.
pub(super) fn check(
    entry: &Spanned<DeValue<'_>>,
    environments: &[&str],
    secrets: &[&str],
    found: &mut Vec<Problem>,
) {
    let Some(probe) = entry.get_ref().as_table() else { return };
    let before = found.len();
    let place = place(probe, entry.span());
    asks_one_thing(probe, &place, found);
    for key in ["url", "prometheus", "alertmanager", "datadog"] {
        if let Some((url, span)) = text(probe, key) {
            address(key, url, span, found);
        }
    }
    if let Some((query, span)) = text(probe, "query")
        && probe.contains_key(SourceKind::Prometheus.key())
        && let Err(refused) = promql::check(query)
    {
        found.push(unreadable("query", query, span, &refused));
    }
    if let Some((runbook, span)) =
        text(probe, "runbook").filter(|(runbook, _)| !super::runbook::is_path(runbook))
    {
        address("runbook", runbook, span, found);
    }
    if let Some((url, span)) = text(probe, "postgres") {
        named_secrets(url, span, secrets, found);
    }
    for (matcher, span) in texts(probe, "matchers") {
        if let Err(refused) = alerts::matcher(matcher) {
            found.push(unreadable("matcher", matcher, span, &refused));
        }
    }
    if let Some(tls) = table(probe, "tls")
        && tls.contains_key("cert_file") != tls.contains_key("key_file")
    {
        let span = probe.get("tls").map_or_else(|| place.clone(), Spanned::span);
        found.push(Problem::new(span, "a certificate needs its key: `cert_file` and `key_file` go together"));
    }
    command(probe, "command", super::Need::Program, found);
    headers(probe, secrets, found);
    variables(probe, found);
    schedule(probe, found);
    connectivity(probe, found);
    if let Some((environment, span)) = text(probe, "environment")
        && !environment.is_empty()
        && !environments.contains(&environment)
    {
        let problem = Problem::new(span, format!("unknown environment `{environment}`"));
        found.push(if environments.is_empty() {
            problem.help("there is none yet: add it with [[environments]]")
        } else {
            problem.suggest(environment, environments.iter().copied())
        });
    }
    if let Some((age, span)) = text(probe, "max_age")
        && age.parse().is_ok_and(|age: SignedDuration| !age.is_positive() || age > MAX_AGE)
    {
        found.push(Problem::new(span, "`max_age` must be longer than 0s and at most 24h"));
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
            let (one, other) = (first.get_ref(), last.get_ref());
            let message = format!("a probe asks one thing, not both `{one}` and `{other}`");
            let problem = Problem::new(last.span(), message);
            found.push(problem.other(first.span(), format!("it has `{one}` here")));
        }
        [] => {
            let known: Vec<_> = SourceKind::ALL.iter().map(|kind| format!("`{}`", kind.key())).collect();
            let message = format!("this probe asks nothing: it has none of {}", known.join(", "));
            let help = "url = \"https://…/health\", or command = [\"program\", \"argument\"]";
            found.push(Problem::new(place.clone(), message).help(help));
        }
        [_] => kinds(probe).for_each(|kind| further_keys(probe, kind, place, found)),
    }
}

/// Keys of another source say nothing. (`env` was never refused, and is not now.)
fn further_keys(probe: &DeTable<'_>, kind: SourceKind, place: &Range<usize>, found: &mut Vec<Problem>) {
    for key in ["headers", "query", "reduce", "max_age", "matchers", "watchdog", "monitor", "path", "tls"] {
        if let Some((name, _)) = probe.get_key_value(key).filter(|_| !kind.keys().contains(&key)) {
            let owners = SourceKind::ALL.into_iter().filter(|owner| owner.keys().contains(&key));
            let owners: Vec<_> = owners.map(|owner| format!("`{}`", owner.key())).collect();
            let message = format!("`{key}` goes with {}; this probe is {}", owners.join(" or "), kind.noun());
            found.push(Problem::new(name.span(), message));
        }
    }
    if kind == SourceKind::Datadog {
        datadog(probe, place, found);
    }
    if kind == SourceKind::Prometheus && !probe.contains_key("query") {
        let help = "query = 'sum(rate(http_requests_total{code=~\"5..\"}[5m]))'";
        found.push(Problem::new(place.clone(), "this probe asks nothing: `query` is missing").help(help));
    }
}

/// Datadog is asked one thing, with two keys that are no part of the file.
fn datadog(probe: &DeTable<'_>, place: &Range<usize>, found: &mut Vec<Problem>) {
    match (probe.get_key_value("query"), probe.get_key_value("monitor")) {
        (None, None) => {
            let help =
                "query = \"sum:trace.http.request.errors{service:checkout}.as_rate()\", or monitor = 1234";
            let message = "this probe asks nothing: it has neither `query` nor `monitor`";
            found.push(Problem::new(place.clone(), message).help(help));
        }
        (Some(_), Some((monitor, _))) => {
            found
                .push(Problem::new(monitor.span(), "a probe asks one thing, not both `query` and `monitor`"));
        }
        _ => {}
    }
    if probe.contains_key("monitor") {
        for key in ["reduce", "max_age"] {
            if let Some((name, _)) = probe.get_key_value(key) {
                found.push(Problem::new(
                    name.span(),
                    format!("`{key}` goes with a `query`, not with a `monitor`"),
                ));
            }
        }
    }
    let headers = table(probe, "headers");
    let sends = |name: &str| {
        headers.is_some_and(|headers| headers.keys().any(|key| key.get_ref().eq_ignore_ascii_case(name)))
    };
    if !(sends("DD-API-KEY") && sends("DD-APPLICATION-KEY")) {
        let help = "headers = { DD-API-KEY = \"{secret:DD_API_KEY}\", DD-APPLICATION-KEY = \"{secret:DD_APP_KEY}\" }";
        let message = "Datadog answers nobody without the headers DD-API-KEY and DD-APPLICATION-KEY";
        found.push(Problem::new(place.clone(), message).help(help));
    }
}

/// The kinds of source whose key a probe has.
fn kinds<'t>(probe: &'t DeTable<'_>) -> impl Iterator<Item = SourceKind> + 't {
    SourceKind::ALL.into_iter().filter(|kind| probe.contains_key(kind.key()))
}

/// A probe's timeout has to end before the next time it is due.
fn schedule(probe: &DeTable<'_>, found: &mut Vec<Problem>) {
    let written = |key| text(probe, key).and_then(|(text, span)| Some((text.parse().ok()?, span)));
    let interval: Option<(SignedDuration, _)> = written("interval");
    // What is not written is never longer.
    let timeout: Option<(SignedDuration, _)> = written("timeout");
    let Some((until, span)) = timeout else { return };
    let every = interval.map_or_else(default_interval, |(duration, _)| duration);
    if until <= every || !every.is_positive() {
        return;
    }
    let message = format!("the timeout ({until:#}) is longer than the interval ({every:#})");
    let help = "a probe has to time out before its next run: set a shorter `timeout`";
    found.push(Problem::new(span, message).help(help));
}

fn address(key: &str, url: &str, span: Range<usize>, found: &mut Vec<Problem>) {
    if placeholder::has_one(url) {
        let message = "a secret cannot stand in this address: send it in a header";
        found
            .push(Problem::new(span, message).help("headers = { Authorization = \"Bearer {secret:NAME}\" }"));
        return;
    }
    if visible(url) != url {
        found.push(Problem::new(span, "the address has invisible characters"));
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

fn headers(probe: &DeTable<'_>, secrets: &[&str], found: &mut Vec<Problem>) {
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
        let text = value.get_ref().as_str().unwrap_or_default();
        named_secrets(text, value.span(), secrets, found);
    }
}

/// What tells of this machine tells of no environment, and explains what lies beyond it by itself.
fn connectivity(probe: &DeTable<'_>, found: &mut Vec<Problem>) {
    let tells = probe.get_key_value("connectivity");
    let Some((key, _)) = tells.filter(|(_, value)| value.get_ref().as_bool() == Some(true)) else { return };
    if let Some((environment, span)) = text(probe, "environment").filter(|(name, _)| !name.is_empty()) {
        let name = visible(environment);
        let message = format!("a `connectivity` probe belongs to no environment: remove `{name}`");
        found.push(Problem::new(span, message).other(key.span(), "this is said here".to_owned()));
    }
    if let Some((machine, _)) = probe.get_key_value("machine") {
        found.push(Problem::new(
            machine.span(),
            "`machine` cannot tell whether this machine is online: use `url` or `command`",
        ));
    }
}

/// Places for secrets have to be closed, and to name one that there is.
fn named_secrets(text: &str, span: Range<usize>, secrets: &[&str], found: &mut Vec<Problem>) {
    // Every name stands for itself, so only what is not closed is refused.
    if let Err(why) = placeholder::fill(text, |name| Some(name.to_owned())) {
        found.push(Problem::new(span.clone(), why));
    }
    for name in placeholder::names(text).filter(|name| !secrets.contains(name)) {
        let problem = Problem::new(span.clone(), format!("unknown secret `{}`", visible(name)));
        found.push(problem.suggest(name, secrets.iter().copied()));
    }
}

/// Reads every condition and limit, each on its own, so that all mistakes are found.
fn conditions(probe: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some(kind) = kinds(probe).next() else { return };
    let unit = text(probe, "unit").map_or("", |(unit, _)| unit);
    let subject = match text(probe, "value") {
        Some((value, span)) => match parse::value(value, kind) {
            Ok(subject) => Some(subject),
            Err(refused) => {
                found.push(unreadable("value", value, span, &refused));
                None
            }
        },
        None => Some(parse::usual(kind)).filter(|usual| *usual != Subject::Latency),
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
            let problem = Problem::new(span, format!("unknown probe `{}`", visible(first)));
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
        if next == Some(*name) && !way.iter().any(earlier) {
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

/// What may be meant so, and hides that nothing is known: it is warned of.
pub(super) fn doubts(root: &DeTable<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for probe in super::tables(root, "probes") {
        if let Some((query, span)) = text(probe, "query")
            && promql::falls_back(query)
        {
            let message = "`or vector(…)` gives a number also when nothing is measured any more";
            let help = "leave it out: a metric that is gone is unknown then, and not as good as ever";
            found.push(Problem::new(span, message).help(help).warning());
        }
        if let Some((key, _)) = probe.get_key_value("alertmanager")
            && !probe.contains_key("watchdog")
        {
            let message =
                "without a `watchdog` an Alertmanager that nothing reaches looks as if all were well";
            let help = "name an alert that always fires: watchdog = \"Watchdog\"";
            found.push(Problem::new(key.span(), message).help(help).warning());
        }
    }
    found
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

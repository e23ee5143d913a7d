//! What a service tells of a page that it took: whom it pages now, who acknowledged it, who is on call. `PagerDuty`
//! by its REST API, Jira Service Management by that of its operations ([`jsm_api`]).
//!
//! What a page is sent by answers nothing of that. It is found again by the key that it was sent with.

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::jsm_api;
use super::wire::{Wire, key, saying};
use crate::config::types::{Channel, ChannelKind};
use crate::incident::{PageState, RecordId, State};

/// Most characters of a name.
pub(super) const NAME: usize = 80;

/// A page is asked after for so long.
const FOLLOWED: SignedDuration = SignedDuration::from_hours(2);

/// Tells whether a channel can be asked what became of a page.
pub fn is_followed(channel: &Channel) -> bool {
    !channel.api_token.is_empty()
}

/// The pages that are to be asked after, with their channels and since when they were taken: the newest of each
/// channel.
pub fn followed<'a>(
    state: &State,
    channels: &'a [Channel],
    now: Timestamp,
) -> Vec<(RecordId, &'a Channel, Timestamp)> {
    let newest = |channel: &'a Channel| {
        let (message, way) = state.page_on(&channel.name)?;
        let young = now.duration_since(way.since).abs() <= FOLLOWED;
        (young && way.is_paging()).then_some((message.id, channel, way.since))
    };
    channels.iter().filter(|channel| is_followed(channel)).filter_map(newest).collect()
}

/// How long a page is left alone before it is asked after again: often while it is new.
pub fn pause(since: Timestamp, now: Timestamp) -> SignedDuration {
    let age = now.duration_since(since).abs();
    let seconds = if age < SignedDuration::from_mins(2) {
        10
    } else if age < SignedDuration::from_mins(10) {
        20
    } else {
        30
    };
    SignedDuration::from_secs(seconds)
}

fn question(channel: &Channel, path: &str) -> Wire {
    Wire::get(format!("{}{path}", channel.rest_api()))
        .with("Accept", "application/vnd.pagerduty+json;version=2")
        .with("Authorization", format!("Token token={{secret:{}}}", channel.api_token))
}

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Asks for the incident that a page opened.
pub fn of_page(channel: &Channel, incident: &str) -> Wire {
    if channel.kind == ChannelKind::Jsm {
        return jsm_api::of_alert(channel, incident);
    }
    question(channel, &format!("/incidents?incident_key={}", quoted(&key(incident))))
}

/// Asks what happened to it.
pub fn of_log(channel: &Channel, id: &str) -> Wire {
    question(channel, &format!("/incidents/{}/log_entries?is_overview=true", quoted(id)))
}

/// Asks which escalation policy a service has.
pub fn of_service(channel: &Channel) -> Wire {
    question(channel, &format!("/services/{}", quoted(&channel.service)))
}

/// Asks who is on call for an escalation policy.
pub fn of_on_call(channel: &Channel, policy: &str) -> Wire {
    question(channel, &format!("/oncalls?escalation_policy_ids%5B%5D={}&earliest=true", quoted(policy)))
}

/// Tells whether a channel can be asked who is on call.
pub fn tells_on_call(channel: &Channel) -> bool {
    let is_named = match channel.kind {
        ChannelKind::Jsm => !channel.cloud.is_empty() && !channel.schedule.is_empty(),
        _ => !(channel.service.is_empty() && channel.escalation_policy.is_empty()),
    };
    is_followed(channel) && is_named
}

/// What the service of a channel is called.
pub fn service(kind: ChannelKind) -> &'static str {
    if kind == ChannelKind::Jsm { "Jira Service Management" } else { "PagerDuty" }
}

/// Says who is on call, whoever is paged first first: `Li Wei until 18:00 UTC, then Omar`.
pub fn said(all: &[OnCall], now: Timestamp) -> String {
    let mut levels: Vec<(u32, Vec<String>)> = Vec::new();
    for one in all {
        let until = one.until.map_or_else(String::new, |at| {
            let is_near = at.duration_since(now).abs() < SignedDuration::from_hours(18);
            format!(" until {}", at.strftime(if is_near { "%H:%M UTC" } else { "%-d %b %H:%M UTC" }))
        });
        let who = format!("{}{until}", one.who);
        match levels.last_mut().filter(|(level, _)| *level == one.level) {
            Some((_, names)) => names.push(who),
            None => levels.push((one.level, vec![who])),
        }
    }
    levels.into_iter().map(|(_, names)| names.join(" and ")).collect::<Vec<_>>().join(", then ")
}

/// How a page stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// By what `PagerDuty` knows it.
    pub id: String,
    /// What became of it.
    pub state: PageState,
    /// Whom it pages, or who acknowledged or resolved it; empty: it does not say.
    pub who: String,
    /// Since when, where it says so.
    pub at: Option<Timestamp>,
}

/// An escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// When.
    pub at: Option<Timestamp>,
    /// Whether time had run out, and nobody asked for it.
    pub by_clock: bool,
}

/// Somebody who is on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCall {
    /// The level of the escalation policy: 1 is paged first.
    pub level: u32,
    /// The name.
    pub who: String,
    /// Until when; `None`: always.
    pub until: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
struct Reference {
    #[serde(default)]
    id: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    summary: Option<String>,
}

impl Reference {
    fn name(&self) -> String {
        let name = self.summary.as_deref().unwrap_or_default().trim();
        name.chars().take(NAME).collect()
    }
}

#[derive(Deserialize)]
struct Incidents {
    incidents: Vec<Incident>,
}

#[derive(Deserialize)]
struct Incident {
    id: String,
    status: String,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    last_status_change_at: Option<Timestamp>,
    #[serde(default)]
    last_status_change_by: Option<Reference>,
    #[serde(default)]
    assignments: Vec<Assignment>,
    #[serde(default)]
    acknowledgements: Vec<Acknowledgement>,
}

#[derive(Deserialize)]
struct Assignment {
    #[serde(default)]
    at: Option<Timestamp>,
    assignee: Reference,
}

#[derive(Deserialize)]
struct Acknowledgement {
    #[serde(default)]
    at: Option<Timestamp>,
    acknowledger: Reference,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|_| "PagerDuty answered something else than it is documented to".to_owned())
}

/// How a page stands; `None`: it is not there yet.
///
/// # Errors
/// The answer cannot be read.
pub fn page(kind: ChannelKind, body: &[u8]) -> Result<Option<Page>, String> {
    if kind == ChannelKind::Jsm { jsm_api::alert(body) } else { incident(body) }
}

/// How the newest incident of a page stands.
fn incident(body: &[u8]) -> Result<Option<Page>, String> {
    let all: Incidents = read(body)?;
    let Some(one) = all.incidents.into_iter().max_by_key(|one| one.created_at) else { return Ok(None) };
    let (state, who, at) = match one.status.as_str() {
        "acknowledged" => {
            let first = one.acknowledgements.iter().min_by_key(|ack| ack.at);
            let who = first.map(|ack| ack.acknowledger.name()).unwrap_or_default();
            (PageState::Acknowledged, who, first.and_then(|ack| ack.at).or(one.last_status_change_at))
        }
        "resolved" => {
            let who = one.last_status_change_by.as_ref().map(Reference::name).unwrap_or_default();
            (PageState::Resolved, who, one.last_status_change_at)
        }
        "triggered" => {
            let mut names: Vec<String> = one.assignments.iter().map(|one| one.assignee.name()).collect();
            names.retain(|name| !name.is_empty());
            names.dedup();
            let at = one.assignments.iter().filter_map(|one| one.at).max();
            (PageState::Paging, names.join(", "), at.or(one.created_at))
        }
        other => {
            return Err(format!("PagerDuty says “{}”, which is unknown here", super::wire::cut(other, 40)));
        }
    };
    Ok(Some(Page { id: one.id, state, who, at }))
}

#[derive(Deserialize)]
struct Log {
    log_entries: Vec<LogEntry>,
}

#[derive(Deserialize)]
struct LogEntry {
    r#type: String,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    agent: Option<Reference>,
    #[serde(default)]
    channel: Option<Way>,
}

#[derive(Deserialize)]
struct Way {
    #[serde(default)]
    r#type: String,
}

/// The last escalation of an incident; `None`: it was reassigned, or nothing tells.
///
/// # Errors
/// The answer cannot be read.
pub fn escalation(body: &[u8]) -> Result<Option<Escalation>, String> {
    let log: Log = read(body)?;
    let last = log.log_entries.into_iter().filter(|entry| entry.r#type == "escalate_log_entry");
    Ok(last.max_by_key(|entry| entry.created_at).map(|entry| {
        let by_person = entry.agent.is_some_and(|agent| agent.r#type.starts_with("user"));
        let timed = entry.channel.is_some_and(|way| matches!(way.r#type.as_str(), "timeout" | "auto"));
        Escalation { at: entry.created_at, by_clock: timed || !by_person }
    }))
}

#[derive(Deserialize)]
struct OnCalls {
    oncalls: Vec<OnCallOf>,
}

#[derive(Deserialize)]
struct OnCallOf {
    #[serde(default)]
    escalation_level: u32,
    user: Reference,
    #[serde(default)]
    end: Option<Timestamp>,
}

/// Who is on call, whoever is paged first first.
///
/// # Errors
/// The answer cannot be read.
pub fn on_call(body: &[u8]) -> Result<Vec<OnCall>, String> {
    let all: OnCalls = read(body)?;
    let one = |one: OnCallOf| OnCall { level: one.escalation_level, who: one.user.name(), until: one.end };
    let mut all: Vec<OnCall> = all.oncalls.into_iter().map(one).filter(|one| !one.who.is_empty()).collect();
    all.sort_by(|a, b| (a.level, &a.who).cmp(&(b.level, &b.who)));
    all.dedup_by(|a, b| (a.level, &a.who) == (b.level, &b.who));
    Ok(all)
}

#[derive(Deserialize)]
struct ServiceOf {
    service: Service,
}

#[derive(Deserialize)]
struct Service {
    escalation_policy: Reference,
}

/// The escalation policy of a service.
///
/// # Errors
/// The answer cannot be read.
pub fn policy_of_service(body: &[u8]) -> Result<String, String> {
    read(body).map(|of: ServiceOf| of.service.escalation_policy.id)
}

/// Why a question was not answered.
pub fn refusal(kind: ChannelKind, status: u16, body: &[u8]) -> String {
    let service = service(kind);
    match status {
        401 => format!("401: {service} rejected the API token"),
        403 => "403: the API token may not read this".to_owned(),
        404 => format!("404: {service} does not know it; see whether the id and the address are right"),
        429 => "429: rate limited".to_owned(),
        _ => format!("{status}{}", saying(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_page_is_read_in_each_of_its_states() {
        let paging = br#"{"incidents":[{"id":"Q1","status":"triggered","created_at":"2026-11-30T14:31:00Z",
            "assignments":[{"at":"2026-11-30T14:31:02Z","assignee":{"id":"U1","type":"user_reference","summary":"Li Wei"}}]}]}"#;
        let page = |body: &[u8]| page(ChannelKind::Pagerduty, body).unwrap();
        assert_eq!(
            page(paging),
            Some(Page {
                id: "Q1".into(),
                state: PageState::Paging,
                who: "Li Wei".into(),
                at: Some(at("2026-11-30T14:31:02Z"))
            })
        );
        let acknowledged = br#"{"incidents":[
            {"id":"Q0","status":"resolved","created_at":"2026-11-29T10:00:00Z"},
            {"id":"Q1","status":"acknowledged","created_at":"2026-11-30T14:31:00Z","acknowledgements":[
                {"at":"2026-11-30T14:36:00Z","acknowledger":{"summary":"Li Wei"}}]}]}"#;
        let found = page(acknowledged).unwrap();
        assert_eq!(
            (found.state, found.who.as_str(), found.at),
            (PageState::Acknowledged, "Li Wei", Some(at("2026-11-30T14:36:00Z")))
        );
        let resolved =
            br#"{"incidents":[{"id":"Q1","status":"resolved","last_status_change_at":"2026-11-30T15:00:00Z",
            "last_status_change_by":{"summary":"Shop"}}]}"#;
        assert_eq!(page(resolved).unwrap().state, PageState::Resolved);
        assert_eq!(page(br#"{"incidents":[]}"#), None);
        for bad in ["", "<html>", r#"{"incidents":{}}"#, r#"{"incidents":[{"id":"Q1","status":"napping"}]}"#]
        {
            assert!(super::page(ChannelKind::Pagerduty, bad.as_bytes()).is_err(), "{bad}");
            assert!(super::page(ChannelKind::Jsm, bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_escalated_is_read_from_the_log() {
        let log = |agent: &str, way: &str| {
            let entry = format!(
                r#"{{"log_entries":[{{"type":"notify_log_entry"}},{{"type":"escalate_log_entry","created_at":"2026-11-30T14:36:00Z","agent":{{"type":"{agent}","summary":"x"}},"channel":{{"type":"{way}"}}}}]}}"#
            );
            escalation(entry.as_bytes()).unwrap().unwrap().by_clock
        };
        assert!(log("service_reference", "timeout"));
        assert!(log("escalation_policy_reference", ""));
        assert!(!log("user_reference", "website"));
        assert_eq!(escalation(br#"{"log_entries":[{"type":"assign_log_entry"}]}"#).unwrap(), None);
    }

    #[test]
    fn who_is_on_call_stands_in_the_order_in_which_they_are_paged() {
        let body = br#"{"oncalls":[
            {"escalation_level":2,"user":{"summary":"Omar"},"end":null},
            {"escalation_level":1,"user":{"summary":"Li Wei"},"end":"2026-11-30T18:00:00Z"},
            {"escalation_level":1,"user":{"summary":"Li Wei"},"end":"2026-11-30T18:00:00Z"}]}"#;
        let names: Vec<_> = on_call(body).unwrap().into_iter().map(|one| (one.level, one.who)).collect();
        assert_eq!(names, [(1, "Li Wei".to_owned()), (2, "Omar".to_owned())]);
        let said = |now: &str| said(&on_call(body).unwrap(), at(now));
        assert_eq!(said("2026-11-30T14:00:00Z"), "Li Wei until 18:00 UTC, then Omar");
        assert_eq!(said("2026-11-28T14:00:00Z"), "Li Wei until 30 Nov 18:00 UTC, then Omar");
    }
}

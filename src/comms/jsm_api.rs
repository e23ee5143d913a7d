//! What Jira Service Management tells of an alert, and who is on call by one of its schedules.
//!
//! The API of alerts, by which a page is sent, tells nothing of either as it is documented; that of its operations does,
//! with a token of somebody's account. Where only a key is given the alert is asked for as Opsgenie answers that.

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::pager::{NAME, Page};
use super::wire::{Wire, key};
use crate::config::types::Channel;
use crate::incident::PageState;

/// Most people of a schedule.
const PEOPLE: usize = 10;

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A question to the API of a site.
fn question(channel: &Channel, path: &str) -> Wire {
    let login = Some((channel.user.clone(), channel.api_token.clone()));
    let wire = Wire::get(format!("{}{path}", channel.rest_api())).with("Accept", "application/json");
    Wire { login, ..wire }
}

fn operations(channel: &Channel, path: &str) -> Wire {
    question(channel, &format!("/jsm/ops/api/{}/v1{path}", quoted(&channel.cloud)))
}

/// Asks for the alert of an incident.
pub(super) fn of_alert(channel: &Channel, incident: &str) -> Wire {
    let alias = key(incident);
    if channel.cloud.is_empty() {
        let token = format!("GenieKey {{secret:{}}}", channel.api_token);
        let url = format!("{}/{alias}?identifierType=alias", channel.rest_api());
        return Wire::get(url).with("Authorization", token);
    }
    // By its alias alone only an open one is found.
    let query = quoted(&format!("alias:\"{alias}\""));
    operations(channel, &format!("/alerts?query={query}&sort=createdAt&order=desc&size=5"))
}

/// Asks who is on call by the schedule.
pub fn of_on_call(channel: &Channel) -> Wire {
    operations(channel, &format!("/schedules/{}/on-calls", quoted(&channel.schedule)))
}

/// Asks what somebody is called.
pub fn of_person(channel: &Channel, id: &str) -> Wire {
    let cloud = quoted(&channel.cloud);
    question(channel, &format!("/ex/jira/{cloud}/rest/api/3/user?accountId={}", quoted(id)))
}

/// Tells whether a text is the id of an account, and no name.
pub fn is_account(text: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || b":-_".contains(&byte);
    (16..=128).contains(&text.len())
        && text.bytes().all(is_of_id)
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The name of an account; empty: it tells none.
///
/// # Errors
/// The answer cannot be read.
pub fn name(body: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Account {
        #[serde(default)]
        display_name: String,
    }
    read(body).map(|account: Account| account.display_name.trim().chars().take(NAME).collect())
}

/// The accounts of those who are on call, in the order in which they are told.
///
/// # Errors
/// The answer cannot be read.
pub fn on_call(body: &[u8]) -> Result<Vec<String>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct OnCalls {
        on_call_participants: Vec<Participant>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Participant {
        #[serde(default)]
        id: String,
        #[serde(default)]
        r#type: String,
        #[serde(default)]
        on_call_participants: Vec<Participant>,
    }
    fn people(all: Vec<Participant>, found: &mut Vec<String>) {
        for one in all {
            if one.r#type == "user" && !found.contains(&one.id) {
                found.push(one.id);
            }
            // A team or an escalation stands for those in it.
            people(one.on_call_participants, found);
        }
    }
    let all: OnCalls = read(body)?;
    let mut found = Vec::new();
    people(all.on_call_participants, &mut found);
    found.truncate(PEOPLE);
    Ok(found)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|_| "Jira Service Management answered something else than it is documented to".to_owned())
}

/// One alert, or those that were looked for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Alerts {
    One { data: Alert },
    All { values: Vec<Alert> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    #[serde(default)]
    id: String,
    status: String,
    #[serde(default)]
    acknowledged: bool,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    report: Option<AlertReport>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct AlertReport {
    /// Milliseconds after the alert was made.
    #[serde(default)]
    ack_time: Option<i64>,
    #[serde(default)]
    close_time: Option<i64>,
    #[serde(default)]
    acknowledged_by: Option<String>,
    #[serde(default)]
    closed_by: Option<String>,
}

/// How the newest alert of a page stands; `None`: it is not there yet.
///
/// # Errors
/// The answer cannot be read.
pub(super) fn alert(body: &[u8]) -> Result<Option<Page>, String> {
    let newest = match read(body)? {
        Alerts::One { data } => Some(data),
        Alerts::All { values } => values.into_iter().max_by_key(|one| one.created_at),
    };
    Ok(newest.map(stands))
}

fn stands(data: Alert) -> Page {
    let report = data.report.unwrap_or_default();
    let after = |ms: Option<i64>| data.created_at?.checked_add(SignedDuration::from_millis(ms?)).ok();
    let name = |name: Option<String>| name.unwrap_or_default().trim().chars().take(NAME).collect::<String>();
    let (state, who, at) = if data.status == "closed" {
        (PageState::Resolved, name(report.closed_by), after(report.close_time))
    } else if data.acknowledged {
        (PageState::Acknowledged, name(report.acknowledged_by.or(data.owner)), after(report.ack_time))
    } else {
        (PageState::Paging, name(data.owner), data.created_at)
    };
    Page { id: data.id, state, who, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_alert_is_read_in_each_of_its_states() {
        let alert = |rest: &str| {
            let body =
                format!(r#"{{"data":{{"id":"x","createdAt":"2026-11-30T14:31:00Z",{rest}}},"took":0.1}}"#);
            let page = alert(body.as_bytes()).unwrap().unwrap();
            (page.state, page.who, page.at)
        };
        let nobody = alert(r#""status":"open","acknowledged":false,"owner":null"#);
        assert_eq!(nobody, (PageState::Paging, String::new(), Some(at("2026-11-30T14:31:00Z"))));
        let taken =
            r#""status":"open","acknowledged":true,"owner":"li@x.example","report":{"ackTime":300000}"#;
        assert_eq!(
            alert(taken),
            (PageState::Acknowledged, "li@x.example".into(), Some(at("2026-11-30T14:36:00Z")))
        );
        let closed = r#""status":"closed","acknowledged":true,"report":{"closedBy":"omar@x.example"}"#;
        assert_eq!(alert(closed), (PageState::Resolved, "omar@x.example".into(), None));
    }

    #[test]
    fn the_newest_of_the_alerts_that_were_found_is_read() {
        assert_eq!(alert(br#"{"values":[]}"#).unwrap(), None);
        let two = br#"{"values":[
            {"id":"b","status":"open","acknowledged":true,"owner":"5b2b0e011b3a756623f4e25e","createdAt":"2026-11-30T14:31:00Z"},
            {"id":"a","status":"closed","acknowledged":true,"createdAt":"2026-11-29T14:31:00Z"}],"links":{}}"#;
        let page = alert(two).unwrap().unwrap();
        assert_eq!((page.id.as_str(), page.state), ("b", PageState::Acknowledged));
        assert!(is_account(&page.who) && !is_account("li@x.example") && !is_account("Li Wei"));
    }

    #[test]
    fn whoever_is_on_call_is_found_in_teams_and_escalations_too() {
        let body = br#"{"onCallParticipants":[
            {"id":"t1","type":"team"},
            {"id":"u1","type":"user"},
            {"id":"e1","type":"escalation","onCallParticipants":[{"id":"u2","type":"user"},{"id":"u1","type":"user"}]}]}"#;
        assert_eq!(on_call(body).unwrap(), ["u1", "u2"]);
        assert_eq!(on_call(br#"{"onCallParticipants":[]}"#).unwrap(), Vec::<String>::new());
        assert!(on_call(b"<html>").is_err());
    }
}

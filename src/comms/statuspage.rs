//! Statuspage: one incident on the page for one here. The first message creates it, later ones are its updates, and
//! word of the end resolves it and puts its components back.
//!
//! It is known by what we write into its metadata, and it is looked for before one is created: an answer that was lost
//! never leads to a second one. What users subscribed to is sent to them only where the configuration says so.

use serde_json::{Map, Value, json};

use super::wire::{Answer, Fate, Outgoing, Stage, Verb, Wire, characters, cut, fitting, saying};
use crate::config::types::{Channel, ComponentState};
use crate::incident::{Delivery, Severity};

/// Most characters of the name of an incident.
const NAME: usize = 255;
/// Most characters of an update.
pub(super) const MOST: usize = 25_000;

/// Asks for what is on the page already.
pub(super) fn look(channel: &Channel, message: &Outgoing) -> Wire {
    let which = message.first.as_deref().filter(|id| is_id(id)).unwrap_or("unresolved");
    Wire { verb: Verb::Get, ..call(channel, &format!("/{which}"), "") }
}

/// What is to be sent, by what is there.
///
/// # Errors
/// Nothing is: what became of the message then.
pub(super) fn decided(channel: &Channel, message: &Outgoing, answer: &Answer<'_>) -> Result<Wire, Fate> {
    let status = answer.status;
    if status != 200 {
        return Err(refused(message, answer));
    }
    let said: Value = serde_json::from_slice(answer.body).map_err(|_| strange(status))?;
    let found = match &said {
        Value::Object(incident) => Some(incident),
        Value::Array(all) => all.iter().filter_map(Value::as_object).find(|one| is_ours(one, message)),
        _ => return Err(strange(status)),
    };
    let id = found.and_then(|incident| incident.get("id")).and_then(Value::as_str).filter(|id| is_id(id));
    match (found, id) {
        (Some(incident), Some(id)) if message.is_retry && is_there(incident, message) => {
            Err(Fate { reference: id.to_owned(), ..Fate::new(Delivery::Accepted, "") })
        }
        (_, Some(id)) => Ok(update(channel, message, id)),
        (Some(_), None) => Err(strange(status)),
        (None, None) if message.stage == Stage::Resolved => Err(Fate::new(
            Delivery::Failed,
            "the page has no open incident of ours to resolve; nothing was posted there",
        )),
        (None, None) => Ok(create(channel, message)),
    }
}

/// The request as it is where nothing is looked at first.
pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    match message.first.as_deref().filter(|id| is_id(id)) {
        Some(id) => update(channel, message, id),
        None => create(channel, message),
    }
}

fn create(channel: &Channel, message: &Outgoing) -> Wire {
    let mut incident = incident(channel, message);
    incident.insert("name".to_owned(), cut(message.parts().0, NAME).into());
    incident.insert("metadata".to_owned(), json!({ "flightdeck": { "incident": message.id } }));
    call(channel, "", &json!({ "incident": incident }).to_string())
}

fn update(channel: &Channel, message: &Outgoing, id: &str) -> Wire {
    let incident = incident(channel, message);
    let body = json!({ "incident": incident }).to_string();
    Wire { verb: Verb::Patch, ..call(channel, &format!("/{id}"), &body) }
}

/// What a message makes of the incident on the page.
fn incident(channel: &Channel, message: &Outgoing) -> Map<String, Value> {
    let mut incident = Map::new();
    incident.insert("status".to_owned(), message.stage.name().into());
    incident.insert("body".to_owned(), body(message).into());
    incident.insert("deliver_notifications".to_owned(), (channel.notify == Some(true)).into());
    if !channel.components.is_empty() {
        let states: Map<String, Value> =
            channel.components.iter().map(|(id, is)| (id.clone(), shown(*is, message).into())).collect();
        let ids: Vec<&String> = channel.components.keys().collect();
        incident.insert("component_ids".to_owned(), json!(ids));
        incident.insert("components".to_owned(), states.into());
    }
    incident
}

/// How a component is shown. One that follows the record is no outage any more once users are served again.
fn shown(state: ComponentState, message: &Outgoing) -> &'static str {
    match (message.stage, state) {
        (Stage::Resolved, _) => "operational",
        (_, ComponentState::BySeverity) => match message.rank {
            _ if message.is_served => "degraded_performance",
            Severity::P0 => "major_outage",
            Severity::P1 => "partial_outage",
            _ => "degraded_performance",
        },
        (_, ComponentState::DegradedPerformance) => "degraded_performance",
        (_, ComponentState::PartialOutage) => "partial_outage",
        (_, ComponentState::MajorOutage) => "major_outage",
        (_, ComponentState::UnderMaintenance) => "under_maintenance",
    }
}

/// What is read on the page under the name.
fn body(message: &Outgoing) -> String {
    let (title, rest) = message.parts();
    let text = if rest.is_empty() { title } else { rest };
    fitting(text, MOST, str::to_owned, characters)
}

fn call(channel: &Channel, path: &str, body: &str) -> Wire {
    let (api, page) = (channel.api(), channel.to.one());
    let wire = Wire::post(format!("{api}/v1/pages/{page}/incidents{path}"), body.to_owned())
        .with("Authorization", format!("OAuth {{secret:{}}}", channel.secret));
    if body.is_empty() { wire } else { wire.with("Content-Type", "application/json") }
}

fn is_ours(incident: &Map<String, Value>, message: &Outgoing) -> bool {
    let ours = incident.get("metadata").and_then(|all| all.get("flightdeck"));
    ours.and_then(|ours| ours.get("incident")).and_then(Value::as_str) == Some(message.id.as_str())
}

/// Tells whether a message is the last thing that is told there.
fn is_there(incident: &Map<String, Value>, message: &Outgoing) -> bool {
    let last = incident.get("incident_updates").and_then(|all| all.get(0));
    let of = |key: &str| last.and_then(|last| last.get(key)).and_then(Value::as_str).unwrap_or_default();
    of("body").trim() == body(message).trim() && of("status") == message.stage.name()
}

/// Tells whether a text is an id as Statuspage gives them: nothing else goes into an address.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn strange(status: u16) -> Fate {
    let what = "this is not how Statuspage answers; see whether `url` is right";
    Fate::new(Delivery::Failed, format!("{status}: {what}"))
}

pub(super) fn fate(answer: &Answer<'_>) -> Fate {
    match answer.status {
        200 | 201 => {
            let said = serde_json::from_slice::<Value>(answer.body).unwrap_or_default();
            match said.get("id").and_then(Value::as_str).filter(|id| is_id(id)) {
                Some(id) => Fate { reference: id.to_owned(), ..Fate::new(Delivery::Accepted, "") },
                None => strange(answer.status),
            }
        }
        _ => failed(answer, "no such page; `to` is its id, from Manage account, API info"),
    }
}

/// Why what is there could not be read.
fn refused(message: &Outgoing, answer: &Answer<'_>) -> Fate {
    let missing = match message.first {
        Some(_) => "its incident was deleted on the page; open one there by hand, and update that",
        None => "no such page; `to` is its id, from Manage account, API info",
    };
    failed(answer, missing)
}

fn failed(answer: &Answer<'_>, missing: &str) -> Fate {
    let (status, said) = (answer.status, saying(answer.body));
    let what = match status {
        401 | 403 => "the API key was rejected; make a new one, and put it into the secret",
        404 => missing,
        400 | 422 => "Statuspage rejected this update; see whether the ids of `components` are right",
        _ => "Statuspage rejected it",
    };
    Fate::new(Delivery::Failed, format!("{status}{said}: {what}"))
}

//! Takes messages into the timeline that somebody marked with a reaction in Slack, each once, whoever asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::get::Asked;
use super::{ATTEMPTS, Post, busy};
use crate::comms::slack_pins;
use crate::config::types::Channel;
use crate::failure::{Failure, Result};
use crate::incident::import::{Row, SlackUsers, Times, drafts, read_slack};
use crate::incident::{Record, State};
use crate::journal::Journal;
use crate::text::visible;

/// What such an entry is from.
const SOURCE: &str = "slack";
/// Answers that are read at most: what is older than all of those is not found.
const PAGES: usize = 3;
/// Names that are asked for at a time; the others are asked for the next time.
const NAMES: usize = 10;

const DOING: &str = "reading pinned messages";

/// Users that were asked for, by their id: people seldom change their names.
static KNOWN: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

/// Writes down the messages of every channel that carry its reaction, and that are not on record.
///
/// # Errors
/// Slack does not answer, or refuses; or they cannot be written down.
pub fn pins(journal: &mut Journal, post: &Post<'_>) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for channel in post.config.channels.iter().filter(|channel| !channel.pin.is_empty()) {
        let (log, _) = journal.load(post.incident)?;
        let rows = rows(post, channel, log.state()).map_err(|why| {
            Failure::new(
                DOING,
                format!("{}: {}", visible(&channel.name), visible(&why)),
                "see Slack in docs/channels.md",
            )
        })?;
        if !rows.is_empty() {
            records.extend(write(journal, post, &rows)?);
        }
    }
    Ok(records)
}

/// What is pinned in a channel and not on record.
fn rows(post: &Post<'_>, channel: &Channel, state: &State) -> Result<Vec<Row>, String> {
    let asked = Asked::of(post, channel, &channel.secret)?;
    let headers = slack_pins::headers(channel);
    let since = state.started_at.min(state.declared_at).as_second();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let body = asked.get(&slack_pins::of_history(channel, since, &cursor), &headers, refused)?;
        let (pinned, next) = slack_pins::pinned(&body, &channel.pin).map_err(|why| asked.masked(&why))?;
        found.extend(pinned);
        cursor = next;
        if cursor.is_empty() {
            break;
        }
    }
    found.retain(|message| {
        let ts = message.get("ts").and_then(Value::as_str);
        ts.is_some_and(|ts| !state.imported.has_named(SOURCE, &key(channel, ts)))
    });
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let users = names(channel, &asked, &found, &headers);
    let times = Times { zone: TimeZone::UTC, began: state.started_at, now: Timestamp::now() };
    let read = read_slack(&Value::Array(found).to_string(), &users, &times)?;
    let named = |row: Row| Row {
        key: row.key.as_ref().map(|ts| key(channel, ts)),
        text: asked.masked(&row.text),
        ..row
    };
    Ok(read.rows.into_iter().map(named).collect())
}

/// What a message is known by: the channel, and its time there.
fn key(channel: &Channel, ts: &str) -> String {
    format!("{}-{ts}", channel.to.one())
}

/// What the people are called whom the messages name. Who cannot be asked for goes by the id.
fn names(
    channel: &Channel,
    asked: &Asked<'_>,
    messages: &[Value],
    headers: &[(String, String)],
) -> SlackUsers {
    let ids = slack_pins::users(messages);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let unknown: Vec<&String> = ids.iter().filter(|id| !known().contains_key(*id)).take(NAMES).collect();
    for id in unknown {
        let found = asked.get(&slack_pins::of_user(channel, id), headers, refused);
        let Ok(user) = found.and_then(|body| slack_pins::user(&body)) else { break };
        known().insert(id.clone(), user);
    }
    let users: Vec<Value> = ids.iter().filter_map(|id| known().get(id).cloned()).collect();
    SlackUsers::read(&Value::Array(users).to_string()).unwrap_or_default()
}

/// Writes down what is not on record by then.
fn write(journal: &mut Journal, post: &Post<'_>, rows: &[Row]) -> Result<Vec<Record>> {
    for _ in 0..ATTEMPTS {
        let (log, seen) = journal.load(post.incident)?;
        let is_new =
            |row: &&Row| row.key.as_ref().is_none_or(|key| !log.state().imported.has_named(SOURCE, key));
        let new: Vec<Row> = rows.iter().filter(is_new).cloned().collect();
        let (drafts, _) = drafts(log.state(), SOURCE, new);
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(records) = journal.append_unless_moved(Timestamp::now(), post.incident, seen, drafts)? {
            return Ok(records);
        }
    }
    Err(busy(DOING))
}

fn refused(status: u16, body: &[u8]) -> String {
    format!("Slack answered {status}{}", crate::comms::wire::saying(body))
}

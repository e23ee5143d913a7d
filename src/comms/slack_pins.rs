//! Messages of a Slack channel that somebody marked with a reaction, to be written into the timeline.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::wire::{Wire, cut};
use crate::config::types::Channel;

fn question(channel: &Channel, path: &str) -> Wire {
    Wire::get(format!("{}/{path}", channel.api()))
        .with("Authorization", format!("Bearer {{secret:{}}}", channel.secret))
}

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Which messages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Those of the channel.
    Channel,
    /// The replies of the thread that began then.
    Thread(&'a str),
}

/// Asks for so many messages since a time, in seconds.
pub fn of_messages(channel: &Channel, part: Part<'_>, since: i64, cursor: &str, page: usize) -> Wire {
    let cursor = if cursor.is_empty() { String::new() } else { format!("&cursor={}", quoted(cursor)) };
    let (method, thread) = match part {
        Part::Channel => ("history", String::new()),
        Part::Thread(ts) => ("replies", format!("&ts={}", quoted(ts))),
    };
    let to = quoted(channel.to.one());
    let which = format!("channel={to}{thread}&oldest={since}&limit={page}{cursor}");
    question(channel, &format!("conversations.{method}?{which}"))
}

/// Asks what a user is called.
pub fn of_user(channel: &Channel, id: &str) -> Wire {
    question(channel, &format!("users.info?user={}", quoted(id)))
}

/// Why Slack does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The bot lacks a scope: what it may not ask once it may not ask again.
    MissingScope(String),
    /// Anything else.
    Other(String),
}

impl Refusal {
    /// Why, in one line.
    pub fn why(self) -> String {
        match self {
            Self::MissingScope(why) | Self::Other(why) => why,
        }
    }
}

/// Messages as Slack writes them.
#[derive(Debug, Default)]
pub struct Messages {
    /// Those that carry the reaction.
    pub pinned: Vec<Value>,
    /// Threads with replies, by when they began, and when the last reply came.
    pub threads: Vec<(String, String)>,
    /// Where the next answer begins; empty: this is all.
    pub next: String,
}

/// The messages of an answer that carry a reaction, and the threads in it.
///
/// # Errors
/// It was refused, or cannot be read.
pub fn messages(body: &[u8], reaction: &str) -> Result<Messages, Refusal> {
    #[derive(Deserialize)]
    struct History {
        messages: Vec<Value>,
        #[serde(default)]
        response_metadata: Option<Metadata>,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        next_cursor: String,
    }
    let history: History = read(body)?;
    let reaction = reaction.trim_matches(':');
    let carries = |message: &Value| {
        let all = message.get("reactions").and_then(Value::as_array);
        // A skin tone stands behind the name: `thumbsup::skin-tone-2`.
        let is_meant = |one: &Value| {
            let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
            name.split("::").next() == Some(reaction)
        };
        all.is_some_and(|all| all.iter().any(is_meant))
    };
    let thread = |message: &Value| {
        let replies = message.get("reply_count").and_then(Value::as_u64).unwrap_or_default();
        let of =
            |key: &str| message.get(key).and_then(Value::as_str).filter(|ts| is_time(ts)).map(str::to_owned);
        let ts = of("ts").filter(|_| replies > 0)?;
        Some((ts.clone(), of("latest_reply").unwrap_or(ts)))
    };
    let threads = history.messages.iter().filter_map(thread).collect();
    let next = history.response_metadata.map(|next| next.next_cursor).unwrap_or_default();
    Ok(Messages { pinned: history.messages.into_iter().filter(carries).collect(), threads, next })
}

/// Tells whether a text is a time as Slack gives them, by which it knows a message.
fn is_time(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The user of an answer, as an export has it.
///
/// # Errors
/// It was refused, or cannot be read.
pub fn user(body: &[u8]) -> Result<Value, Refusal> {
    #[derive(Deserialize)]
    struct Info {
        user: Value,
    }
    read(body).map(|info: Info| info.user)
}

/// The ids of users that messages name: who wrote them, and who is called in them.
pub fn users(messages: &[Value]) -> Vec<String> {
    let mut ids = Vec::new();
    for message in messages {
        let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
        let called = text("text").split("<@").skip(1).filter_map(|rest| rest.split(['>', '|']).next());
        ids.extend(std::iter::once(text("user")).chain(called).filter(|id| is_id(id)).map(str::to_owned));
    }
    ids.sort();
    ids.dedup();
    ids
}

/// The user who wrote a message; empty: a program did.
pub fn user_of(message: &Value) -> &str {
    message.get("user").and_then(Value::as_str).unwrap_or_default()
}

/// Whether a program wrote a message, also in the name of a user.
pub fn is_by_bot(message: &Value) -> bool {
    let is_said = |key: &str| message.get(key).is_some_and(|value| !value.is_null());
    is_said("bot_id") || is_said("bot_profile") || user_of(message).is_empty()
}

fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let no = || Refusal::Other("this is not how Slack answers".to_owned());
    let value: Value = serde_json::from_slice(body).map_err(|_| no())?;
    if value.get("ok") == Some(&Value::Bool(true)) {
        return serde_json::from_value(value).map_err(|_| no());
    }
    let error = value.get("error").and_then(Value::as_str).ok_or_else(no)?;
    let help = match error {
        "missing_scope" => {
            let needed = value.get("needed").and_then(Value::as_str).unwrap_or("channels:history");
            format!(": give the bot the scope {}, and install it again", cut(needed, 60))
        }
        "not_in_channel" => ": /invite the bot into the channel".to_owned(),
        "channel_not_found" => ": see whether `to` is the id of the channel".to_owned(),
        "invalid_auth" | "token_revoked" | "account_inactive" => {
            ": the token is not valid any more".to_owned()
        }
        _ => String::new(),
    };
    let why = format!("Slack says {}{help}", cut(error, 60));
    Err(if error == "missing_scope" { Refusal::MissingScope(why) } else { Refusal::Other(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_carry_the_reaction_are_found_with_whom_they_name() {
        let body = br#"{"ok":true,"messages":[
            {"type":"message","user":"U1","text":"pool is full <@U2|li> and <@U3>","ts":"1790000000.000100",
             "reactions":[{"name":"pushpin","count":1,"users":["U9"]}]},
            {"type":"message","user":"U4","text":"lunch?","ts":"1790000001.000100","reactions":[{"name":"tada"}],
             "thread_ts":"1790000001.000100","reply_count":2,"latest_reply":"1790000009.000100"},
            {"type":"message","user":"U5","text":"nothing","ts":"1790000002.000100"}],
            "response_metadata":{"next_cursor":"bmV4dA=="}}"#;
        let found = messages(body, ":pushpin:").unwrap();
        assert_eq!((found.pinned.len(), found.next.as_str()), (1, "bmV4dA=="));
        assert_eq!(users(&found.pinned), ["U1", "U2", "U3"]);
        assert_eq!(found.threads, [("1790000001.000100".to_owned(), "1790000009.000100".to_owned())]);
        assert_eq!(messages(body, "thumbsup").unwrap().pinned.len(), 0);
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let said = |body: &str| messages(body.as_bytes(), "pushpin").unwrap_err().why();
        let scope = r#"{"ok":false,"error":"missing_scope","needed":"channels:history"}"#;
        assert_eq!(
            said(scope),
            "Slack says missing_scope: give the bot the scope channels:history, and install it again"
        );
        assert!(said(r#"{"ok":false,"error":"not_in_channel"}"#).contains("/invite"));
        assert_eq!(said("<html>"), "this is not how Slack answers");
        assert_eq!(said(r#"{"ok":true}"#), "this is not how Slack answers");
    }
}

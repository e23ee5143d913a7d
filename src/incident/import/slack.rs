//! Channels as Slack exports them: a file of JSON a day, and one of the users.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::{Broken, Read, Row, Times, when};
use crate::incident::body::NoteKind;

/// Names of users by their id.
#[derive(Debug, Clone, Default)]
pub struct SlackUsers(HashMap<String, String>);

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    profile: Profile,
}

#[derive(Deserialize, Default)]
struct Profile {
    #[serde(default, deserialize_with = "or_none")]
    real_name: String,
    #[serde(default, deserialize_with = "or_none")]
    display_name: String,
}

/// Takes `null` for what is left out.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

impl Profile {
    fn called(&self) -> Option<&str> {
        [&self.display_name, &self.real_name]
            .into_iter()
            .map(|name| name.trim())
            .find(|name| !name.is_empty())
    }
}

impl SlackUsers {
    /// Reads `users.json` of an export.
    ///
    /// # Errors
    /// It is no such file.
    pub fn read(text: &str) -> Result<Self, String> {
        let users: Vec<User> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let named = users.into_iter().map(|user| {
            let name = user.profile.called().map_or(user.name.clone(), str::to_owned);
            (user.id, name)
        });
        Ok(Self(named.collect()))
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    subtype: String,
    #[serde(default)]
    ts: String,
    #[serde(default, deserialize_with = "or_none")]
    text: String,
    #[serde(default, deserialize_with = "or_none")]
    user: String,
    #[serde(default, deserialize_with = "or_none")]
    username: String,
    #[serde(default, deserialize_with = "or_none")]
    user_profile: Profile,
    #[serde(default)]
    thread_ts: Option<String>,
    #[serde(default)]
    files: Vec<File>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Attachment {
    #[serde(default, deserialize_with = "or_none")]
    fallback: String,
}

/// Messages that tell of the channel and of nothing else.
const HOUSEKEEPING: [&str; 4] = ["channel_", "group_", "bot_add", "bot_remove"];

/// Reads one day of a channel.
///
/// # Errors
/// It is no list of messages.
pub fn read_slack(text: &str, users: &SlackUsers, times: &Times) -> Result<Read, String> {
    let messages: Vec<serde_json::Value> =
        serde_json::from_str(text).map_err(|error| format!("it is no list of messages: {error}"))?;
    let mut read = Read::default();
    for (n, message) in messages.into_iter().enumerate() {
        let line = n as u64 + 1;
        match serde_json::from_value::<Message>(message) {
            Ok(message) if message.is_housekeeping() => {}
            Ok(message) => read.put(line, message.row(users, times)),
            Err(error) => read.broken.push(Broken { line, why: error.to_string() }),
        }
    }
    Ok(read)
}

impl Message {
    fn is_housekeeping(&self) -> bool {
        HOUSEKEEPING.iter().any(|start| self.subtype.starts_with(start))
    }

    fn row(self, users: &SlackUsers, times: &Times) -> Result<Row, String> {
        let at: Timestamp = when::read(&self.ts, times)?.at;
        let author = self.user_profile.called().map_or_else(
            || if self.user.is_empty() { self.username.clone() } else { users.name(&self.user).to_owned() },
            str::to_owned,
        );
        let mut text = plain(&self.text, users);
        if text.trim().is_empty() {
            let attached = self.attachments.iter().map(|one| plain(&one.fallback, users));
            text = attached.collect::<Vec<_>>().join("\n");
        }
        let files: Vec<_> = self.files.iter().filter_map(|file| file.name.as_deref()).collect();
        if !files.is_empty() {
            let gap = if text.is_empty() { "" } else { " " };
            text = format!("{text}{gap}[{}]", files.join(", "));
        }
        if text.trim().is_empty() {
            return Err("it has no text".to_owned());
        }
        let mut extra = BTreeMap::new();
        if let Some(thread) = self.thread_ts.filter(|thread| *thread != self.ts) {
            extra.insert("thread".to_owned(), thread);
        }
        Ok(Row {
            at,
            precision: crate::incident::Precision::Exact,
            kind: NoteKind::Note,
            text: text.trim().to_owned(),
            author,
            extra,
            key: Some(self.ts),
            zoneless: false,
        })
    }
}

/// What a person reads: `<@U1>` is a name, `<https://a|b>` a link with its words.
fn plain(text: &str, users: &SlackUsers) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inner, after)) = next_link(rest) {
        out.push_str(before);
        let (target, label) =
            inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
        match target.split_at_checked(1) {
            Some(("@", id)) => {
                out.push('@');
                out.push_str(label.unwrap_or_else(|| users.name(id)));
            }
            Some(("#", id)) => {
                out.push('#');
                out.push_str(label.unwrap_or(id));
            }
            Some(("!", name)) => {
                out.push('@');
                out.push_str(label.unwrap_or(name).trim_start_matches('@'));
            }
            _ => match label.filter(|label| *label != target) {
                Some(label) => out.push_str(&[label, " (", target, ")"].concat()),
                None => out.push_str(target),
            },
        }
        rest = after;
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('<')?;
    let (inner, after) = rest.split_once('>')?;
    Some((before, inner, after))
}

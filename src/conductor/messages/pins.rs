//! Takes messages into the timeline that somebody marked with a reaction in Slack, each once, whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::get::{Asked, Unanswered};
use super::kept::Kept;
use super::{ATTEMPTS, Post, busy};
use crate::comms::slack_pins::{self, Part, Refusal};
use crate::config::types::Channel;
use crate::failure::{Failure, Result};
use crate::incident::import::{Row, SlackUsers, Times, drafts, read_slack};
use crate::incident::{Record, State, same_person};
use crate::journal::Journal;
use crate::text::{cut, is_plain, visible};

/// What such an entry is from.
const SOURCE: &str = "slack";
/// Messages that are read at most: what is older than all of those is not found.
const MESSAGES: usize = 600;
/// Messages in one answer. Where so many are too much, fewer are asked for.
const PAGE: usize = 200;
/// Answers that are read at most.
const PAGES: usize = 12;
/// Threads that are read at a time; the others are read the next time.
const THREADS: usize = 3;
/// Names that are asked for at a time; the others are asked for the next time.
const NAMES: usize = 10;
/// Characters of a message, and of a name.
const MOST_TEXT: usize = 20_000;
const MOST_NAME: usize = 60;

const DOING: &str = "reading pinned messages";

/// Users that were asked for, by their id: people seldom change their names.
static KNOWN: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

/// How many threads of a channel were read, so that each has its turn.
static TURNS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Writes down the messages of every channel that carry its reaction, and that are not on record.
///
/// # Errors
/// Slack does not answer, or refuses; or they cannot be written down.
pub fn pins(journal: &mut Journal, post: &Post<'_>) -> Result<Vec<Record>> {
    let (mut records, mut first) = (Vec::new(), None);
    let mut kept = Kept::of(journal, post.incident)?;
    for channel in post.config.channels.iter().filter(|channel| !channel.pin.is_empty()) {
        kept.catch_up(journal)?;
        let (rows, why) = match rows(post, channel, kept.state()) {
            Ok(found) => found,
            Err(why) => (Vec::new(), Some(why)),
        };
        if !rows.is_empty() {
            records.extend(write(journal, &mut kept, &rows)?);
        }
        // The others are read all the same.
        let said = why.map(|why| format!("{}: {}", visible(&channel.name), visible(&why)));
        first = first.or(said);
    }
    kept.keep();
    match first {
        Some(why) if records.is_empty() => Err(Failure::new(DOING, why, "see Slack in docs/channels.md")),
        _ => Ok(records),
    }
}

/// What is pinned in a channel and not on record, and why there may be more.
fn rows(post: &Post<'_>, channel: &Channel, state: &State) -> Result<(Vec<Row>, Option<String>), String> {
    let asked = Asked::of(post.config, post.root, channel, &channel.secret)?;
    let since = state.started_at.min(state.declared_at).as_second();
    let (mut found, why) = pinned(channel, &asked, since)?;
    found.retain(|message| {
        let ts = message.get("ts").and_then(Value::as_str);
        ts.is_some_and(|ts| !state.imported.has_named(SOURCE, &key(channel, ts)))
    });
    if found.is_empty() {
        return Ok((Vec::new(), why));
    }
    let (users, later) = names(channel, &asked, &found);
    // Who wrote it is on record for good: where that cannot be told now, it is read again.
    found.retain(|message| {
        !slack_pins::users(std::slice::from_ref(message)).iter().any(|id| later.contains(id))
    });
    let wrote: BTreeMap<String, (String, bool)> = found
        .iter()
        .filter_map(|message| {
            let ts = message.get("ts")?.as_str()?.to_owned();
            Some((ts, (slack_pins::user_of(message).to_owned(), slack_pins::is_by_bot(message))))
        })
        .collect();
    // A clock there may be ahead of this one: then it happened when it is written down.
    let now = Timestamp::now();
    let times = Times { zone: TimeZone::UTC, began: state.started_at, now: Timestamp::MAX };
    let read = read_slack(&Value::Array(found).to_string(), &users, &times)?;
    let named = |row: Row| {
        let (id, by_bot) = row.key.as_ref().and_then(|ts| wrote.get(ts)).cloned().unwrap_or_default();
        Row {
            at: row.at.min(now),
            author: author(state, &row.author, &id, by_bot),
            text: cut(&asked.masked(&row.text), MOST_TEXT, " … ", ""),
            key: row.key.as_ref().map(|ts| key(channel, ts)),
            ..row
        }
    };
    Ok((read.rows.into_iter().map(named).collect(), why))
}

/// The messages since a time that carry the reaction, in the channel and in its threads, and why there may be more.
fn pinned(channel: &Channel, asked: &Asked<'_>, since: i64) -> Result<(Vec<Value>, Option<String>), String> {
    let (mut found, mut threads) = read_all(channel, asked, Part::Channel, since)?;
    // Where there is something new comes first. A reaction can be on any of them, so each has its turn.
    threads.sort_by(|a, b| b.1.cmp(&a.1));
    let (newest, others) = threads.split_at(threads.len().min(THREADS / 2 + 1));
    let start = turn(channel, THREADS - newest.len(), others.len());
    let others = others.iter().cycle().skip(start).take(others.len());
    let mut why = None;
    for (ts, _) in newest.iter().chain(others).take(THREADS) {
        match read_all(channel, asked, Part::Thread(ts), since) {
            Ok((replies, _)) => found.extend(replies),
            // The others are read all the same.
            Err(said) => why = why.or(Some(said)),
        }
    }
    // What a thread begins with is in both, and so is a reply that was sent to the channel, too.
    let mut seen = BTreeSet::new();
    found.retain(|message| {
        message.get("ts").and_then(Value::as_str).is_some_and(|ts| seen.insert(ts.to_owned()))
    });
    Ok((found, why))
}

/// Where it goes on among so many threads, of which so many are read at a time.
fn turn(channel: &Channel, at_a_time: usize, of: usize) -> usize {
    if of == 0 {
        return 0;
    }
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    let turn = turns.entry(channel.to.one().to_owned()).or_default();
    std::mem::replace(turn, turn.wrapping_add(at_a_time)) % of
}

/// Threads by when they began, with when the last reply came.
type Threads = Vec<(String, String)>;

/// The messages of a channel or thread that carry the reaction, and its threads. Where an answer is too long, fewer
/// are asked for at a time.
fn read_all(
    channel: &Channel,
    asked: &Asked<'_>,
    part: Part<'_>,
    since: i64,
) -> Result<(Vec<Value>, Threads), String> {
    let (mut found, mut threads) = (Vec::new(), Vec::new());
    let (mut cursor, mut page, mut seen) = (String::new(), PAGE, 0);
    for _ in 0..PAGES {
        let question = slack_pins::of_messages(channel, part, since, &cursor, page);
        let body = match asked.get(&question, refused) {
            Err(Unanswered::TooLong(_)) if page > 1 => {
                page = (page / 10).max(1);
                continue;
            }
            answer => answer.map_err(Unanswered::why)?,
        };
        let read = slack_pins::messages(&body, &channel.pin).map_err(|no| asked.masked(&no.why()))?;
        found.extend(read.pinned);
        threads.extend(read.threads);
        (cursor, seen) = (read.next, seen + page);
        if cursor.is_empty() || seen >= MESSAGES {
            break;
        }
    }
    Ok((found, threads))
}

/// What an author is called. A program is marked; who is called as somebody of the team is told apart by the id.
fn author(state: &State, name: &str, id: &str, by_bot: bool) -> String {
    let name = name.split(|c: char| c.is_whitespace() || !is_plain(c));
    let mut name = name.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = name.char_indices().nth(MOST_NAME) {
        name.truncate(end);
        name.push('…');
    }
    let id = if id.is_empty() { "no id" } else { id };
    let is_of_team = state.people().any(|person| same_person(person, &name));
    if name != id && (is_of_team || state.mistakable(&name).is_some()) {
        name = format!("{name} [{id}]");
    }
    if by_bot { format!("bot {name}") } else { name }
}

/// What a message is known by: the channel, and its time there.
fn key(channel: &Channel, ts: &str) -> String {
    format!("{}-{ts}", channel.to.one())
}

/// What the people are called whom the messages name, and who is asked for later. Who cannot be asked for at all
/// goes by the id.
fn names(channel: &Channel, asked: &Asked<'_>, messages: &[Value]) -> (SlackUsers, BTreeSet<String>) {
    let ids = slack_pins::users(messages);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let unknown: Vec<&String> = ids.iter().filter(|id| !known().contains_key(*id)).collect();
    let mut later = BTreeSet::new();
    for (n, id) in unknown.iter().enumerate() {
        if n >= NAMES {
            later.insert((*id).clone());
            continue;
        }
        match asked.get(&slack_pins::of_user(channel, id), refused) {
            Ok(body) => match slack_pins::user(&body) {
                Ok(user) => drop(known().insert((*id).clone(), user)),
                // No other is told either, without the scope for it.
                Err(Refusal::MissingScope(_)) => break,
                Err(Refusal::Other(_)) => {}
            },
            Err(Unanswered::Refused { status: 400..500, .. }) => break,
            Err(_) => {
                later.extend(unknown.iter().skip(n).map(|id| (*id).clone()));
                break;
            }
        }
    }
    let users: Vec<Value> = ids.iter().filter_map(|id| known().get(id).cloned()).collect();
    (SlackUsers::read(&Value::Array(users).to_string()).unwrap_or_default(), later)
}

/// Writes down what is not on record by then.
fn write(journal: &mut Journal, kept: &mut Kept, rows: &[Row]) -> Result<Vec<Record>> {
    for _ in 0..ATTEMPTS {
        kept.catch_up(journal)?;
        let state = kept.state();
        let is_new = |row: &&Row| row.key.as_ref().is_none_or(|key| !state.imported.has_named(SOURCE, key));
        let new: Vec<Row> = rows.iter().filter(is_new).cloned().collect();
        let (drafts, _) = drafts(state, SOURCE, new);
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(records) = kept.append(journal, drafts)? {
            return Ok(records);
        }
    }
    Err(busy(DOING))
}

fn refused(status: u16, body: &[u8]) -> String {
    format!("Slack answered {status}{}", crate::comms::wire::saying(body))
}

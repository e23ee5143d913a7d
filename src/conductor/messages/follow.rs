//! Follows a page until somebody has acknowledged it: what the service tells of it is put on record, once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::get::{Asked, Unanswered};
use super::kept::Kept;
use super::{ATTEMPTS, Post, busy};
use crate::comms::jsm_api;
use crate::comms::pager::{self, OnCall, Page};
use crate::comms::wire::Wire;
use crate::config::types::{Channel, ChannelKind, Config};
use crate::failure::{Failure, Result};
use crate::incident::{
    Draft, OnChannel, PageAnswer, PageFollowed, PageState, Precision, Record, RecordId, State,
};
use crate::journal::Journal;
use crate::text::visible;

const DOING: &str = "following the page";

/// Asks what became of the pages that nobody has acknowledged yet, and writes down what is new. A question each;
/// whoever calls leaves time between two rounds.
///
/// # Errors
/// The service does not answer, or refuses; or it cannot be written down.
pub fn follow(journal: &mut Journal, post: &Post<'_>) -> Result<Vec<Record>> {
    let (mut records, mut first) = (Vec::new(), None);
    let mut kept = Kept::of(journal, post.incident)?;
    for (message, channel, _) in pager::followed(kept.state(), &post.config.channels, Timestamp::now()) {
        match asked(journal, post, &mut kept, message, channel) {
            Ok(new) => records.extend(new),
            // The others are asked all the same.
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    kept.keep();
    match first {
        Some(failure) if records.is_empty() => Err(failure),
        _ => Ok(records),
    }
}

/// Asks what became of one page on a channel, and writes it down.
fn asked(
    journal: &mut Journal,
    post: &Post<'_>,
    kept: &mut Kept,
    message: RecordId,
    channel: &Channel,
) -> Result<Vec<Record>> {
    let asked = Pager::of(post.config, post.root, channel).map_err(|why| failed(&why))?;
    let way = on_channel(kept.state(), message, &channel.name);
    let found = asked
        .ask(&pager::of_page(channel, &kept.state().id.to_string()), |body| pager::page(channel.kind, body));
    let page = match found {
        Ok(Some(page)) => page,
        Ok(None) => return Ok(Vec::new()),
        // It says first that it will make the alert, then makes it.
        Err(_) if channel.kind == ChannelKind::Jsm && way.is_some_and(is_new) => return Ok(Vec::new()),
        Err(why) => return Err(failed(&why)),
    };
    let page = Page { who: asked.called(&page.who), ..page };
    let known = way.and_then(|way| way.page.as_ref());
    // Whom it pages now is not whom it paged: somebody or something has passed it on.
    let moved = channel.kind == ChannelKind::Pagerduty
        && page.state == PageState::Paging
        && known.is_some_and(|known| !known.who.is_empty() && known.who != page.who);
    let log = || asked.ask(&pager::of_log(channel, &page.id), pager::escalation).map_err(|why| failed(&why));
    let escalation = if moved { log()? } else { None };
    let by_clock = escalation.as_ref().is_some_and(|one| one.by_clock);
    let at = escalation.and_then(|one| one.at).or(page.at);
    let page = Page { state: if moved { PageState::Escalated } else { page.state }, at, ..page };
    write(journal, kept, (message, &channel.name), &page, by_clock)
}

/// Tells whether a page went out a moment ago.
fn is_new(way: &OnChannel) -> bool {
    Timestamp::now().duration_since(way.since) < SignedDuration::from_mins(1)
}

/// Who is on call by a channel, whoever is paged first first.
///
/// # Errors
/// Nothing tells, or the service refuses.
pub fn on_call(config: &Config, root: &Path, channel: &Channel) -> Result<Vec<OnCall>> {
    let next = format!("look into {}", pager::service(channel.kind));
    let failed = |why: String| Failure::new("asking who is on call", visible(&why), next.as_str());
    let asked = Pager::of(config, root, channel).map_err(failed)?;
    if channel.kind == ChannelKind::Jsm {
        let all = asked.ask(&jsm_api::of_on_call(channel), jsm_api::on_call).map_err(failed)?;
        let one = |id: String| OnCall { level: 1, who: asked.called(&id), until: None };
        return Ok(all.into_iter().map(one).collect());
    }
    let policy = match channel.escalation_policy.as_str() {
        "" => asked.ask(&pager::of_service(channel), pager::policy_of_service).map_err(failed)?,
        policy => policy.to_owned(),
    };
    asked.ask(&pager::of_on_call(channel, &policy), pager::on_call).map_err(failed)
}

/// Who is on call by every channel that tells, or why that is not known.
pub fn all_on_call(config: &Config, root: &Path) -> Vec<(String, std::result::Result<Vec<OnCall>, String>)> {
    let told = config.channels.iter().filter(|channel| pager::tells_on_call(channel));
    let of = |channel: &Channel| {
        let found = on_call(config, root, channel).map_err(|failure| failure.cause);
        (channel.name.clone(), found)
    };
    told.map(of).collect()
}

fn failed(why: &str) -> Failure {
    Failure::new(DOING, visible(why), "look there whether somebody acknowledged it")
}

fn on_channel<'a>(state: &'a State, message: RecordId, channel: &str) -> Option<&'a OnChannel> {
    let message = state.messages.iter().find(|one| one.id == message)?;
    message.ways.iter().find(|way| way.channel == channel)
}

/// Writes down how a page stands, unless that is on record.
fn write(
    journal: &mut Journal,
    kept: &mut Kept,
    (message, channel): (RecordId, &str),
    page: &Page,
    by_clock: bool,
) -> Result<Vec<Record>> {
    for _ in 0..ATTEMPTS {
        kept.catch_up(journal)?;
        let Some(way) = on_channel(kept.state(), message, channel) else { return Ok(Vec::new()) };
        let is_known = |known: &PageAnswer| match page.state {
            PageState::Paging | PageState::Escalated => known.who == page.who || !known.state.is_open(),
            PageState::Acknowledged | PageState::Resolved => !known.state.is_open(),
        };
        if way.page.as_ref().is_some_and(is_known) {
            return Ok(Vec::new());
        }
        let (now, since) = (Timestamp::now(), way.since);
        let body = PageFollowed {
            message,
            channel: channel.to_owned(),
            state: page.state,
            who: visible(&page.who).into_owned(),
            by_clock,
        };
        // It happened when the service says so; not before the page, and not after now, whatever its clock says.
        let occurred = page.at.filter(|at| *at >= since && *at <= now).map(|at| (at, Precision::Exact));
        let draft = Draft { occurred, ..Draft::now(kept.state().id, body) };
        if let Some(records) = kept.append(journal, vec![draft])? {
            return Ok(records);
        }
    }
    Err(busy(DOING))
}

/// What accounts are called, by their ids: people seldom change their names.
static CALLED: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// A pager that is asked.
struct Pager<'a> {
    asked: Asked<'a>,
    channel: &'a Channel,
}

impl<'a> Pager<'a> {
    fn of(config: &Config, root: &Path, channel: &'a Channel) -> std::result::Result<Self, String> {
        let asked = Asked::of(config, root, channel, &channel.api_token)?;
        Ok(Self { asked, channel })
    }

    fn ask<T>(
        &self,
        question: &Wire,
        read: impl FnOnce(&[u8]) -> std::result::Result<T, String>,
    ) -> std::result::Result<T, String> {
        let refused = |status, body: &[u8]| pager::refusal(self.channel.kind, status, body);
        let body = self.asked.get(question, refused).map_err(Unanswered::why)?;
        read(&body).map_err(|why| self.asked.masked(&why))
    }

    /// What somebody is called, where a service tells only the id of an account; else as it tells it.
    fn called(&self, who: &str) -> String {
        if self.channel.cloud.is_empty() || !jsm_api::is_account(who) {
            return who.to_owned();
        }
        let known = || CALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = known().get(who) {
            return name.clone();
        }
        match self.ask(&jsm_api::of_person(self.channel, who), jsm_api::name) {
            Ok(name) if !name.is_empty() => {
                known().insert(who.to_owned(), name.clone());
                name
            }
            _ => who.to_owned(),
        }
    }
}

//! Who is on call, and whether they acknowledged a page, as the service that pages tells.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::End;
use super::context::{Context, Wanted};
use crate::comms::{draft, pager};
use crate::conductor::{self, Post};
use crate::config::types::Channel;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Body, PageFollowed, PageState, duration};
use crate::text::visible;

/// Somebody who is on call, as `--json` prints it.
#[derive(Serialize)]
struct Row<'a> {
    channel: &'a str,
    level: u32,
    name: &'a str,
    until: Option<Timestamp>,
}

/// Prints who is on call, whoever is paged first first.
pub(super) fn on_call(cx: &Context, who: &str, json: bool) -> Result<End> {
    let doing = "asking who is on call";
    let config = cx.trusted_config()?.config;
    let policy = cx.setup_or_found().0.policy;
    let channels = draft::channels(&config.channels, &policy, who);
    let Some(channel) = channels.iter().find(|channel| pager::tells_on_call(channel)) else {
        let cause =
            format!("no channel that pages {} names `api_token` and its service or schedule", visible(who));
        return Err(Failure::usage(doing, cause, "see PagerDuty or Jira in docs/channels.md"));
    };
    let all = conductor::on_call(&config, cx.root()?, channel)?;
    if json {
        let row = |one: &'_ pager::OnCall| -> serde_json::Value {
            let row = Row { channel: &channel.name, level: one.level, name: &one.who, until: one.until };
            serde_json::to_value(row).unwrap_or_default()
        };
        cx.out.json(&all.iter().map(row).collect::<Vec<_>>())?;
    } else if all.is_empty() {
        cx.out.tell(&format!("nobody is on call, as {} says", pager::service(channel.kind)));
        return Ok(End::Bad(FailureKind::Failed));
    } else {
        for one in &all {
            let until = one
                .until
                .map_or_else(String::new, |at| format!(" until {}", at.strftime("%-d %b %H:%M UTC")));
            cx.out.line(&format!("{}. {}{until}", one.level, visible(&one.who)))?;
        }
    }
    Ok(End::Done)
}

/// Says what is known of a page that was accepted; waits until somebody acknowledged it, where that is asked for.
#[expect(clippy::option_option, reason = "the option may be given with and without a value")]
pub(super) fn followed(cx: &Context, who: &str, wait: Option<Option<SignedDuration>>) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let policy = cx.setup_or_found().0.policy;
    let channels = draft::channels(&config.channels, &policy, who);
    if !channels.iter().any(|channel| pager::is_followed(channel)) {
        cx.out.tell("accepted; nothing here tells whether somebody acknowledged it: look there");
        return Ok(End::Done);
    }
    let Some(within) = wait else {
        cx.out
            .tell("accepted; an open cockpit follows it until somebody acknowledges it, and so does --wait");
        return Ok(End::Done);
    };
    let within = within.unwrap_or(policy.acknowledge_within);
    let patience = Duration::try_from(within).unwrap_or_default();
    let (mut loaded, began) = (cx.load(Wanted::Open)?, Instant::now());
    let incident = loaded.state().id;
    let since = cx.now();
    let post = Post { config: &config, root: cx.root()?, policy: &policy, incident };
    loop {
        match conductor::follow(&mut loaded.journal, &post) {
            Ok(records) => {
                for record in records {
                    if let Body::PageFollowed(body) = &record.body {
                        cx.out.tell(&told(body, record.occurred_at));
                    }
                }
            }
            // It may be another time that it answers.
            Err(failure) => cx.out.failure(&failure),
        }
        let (log, _) = loaded.journal.load(incident)?;
        let asked = |one: &Channel| channels.iter().any(|channel| channel.name == one.name);
        if !pager::followed(log.state(), &config.channels, cx.now()).iter().any(|(_, one, _)| asked(one)) {
            return Ok(End::Done);
        }
        let left = patience.saturating_sub(began.elapsed());
        if left.is_zero() {
            cx.out.tell(&format!(
                "nobody acknowledged the page after {}: page again, or call",
                duration(within)
            ));
            return Ok(End::Bad(FailureKind::Failed));
        }
        let pause = Duration::try_from(pager::pause(since, cx.now())).unwrap_or_default();
        std::thread::sleep(pause.min(left));
    }
}

fn told(body: &PageFollowed, at: Timestamp) -> String {
    let at = at.strftime("%H:%M UTC");
    let who = if body.who.is_empty() { "somebody" } else { body.who.as_str() };
    match body.state {
        PageState::Paging => format!("paging {who}"),
        PageState::Escalated if body.by_clock => format!("escalated by the clock to {who} at {at}"),
        PageState::Escalated => format!("escalated to {who} at {at}"),
        PageState::Acknowledged => format!("acknowledged by {who} at {at}"),
        PageState::Resolved => format!("resolved by {who} at {at}"),
    }
}

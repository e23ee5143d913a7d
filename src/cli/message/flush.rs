//! `flightdeck message --flush`: sends what waits, once somebody has read it again.

use jiff::Timestamp;

use super::{Args, Went, meant, told};
use crate::cli::End;
use crate::cli::context::{Context, Loaded, Wanted};
use crate::comms::wire::is_sent_again;
use crate::conductor::{self, Post, Which};
use crate::config::types::Channel;
use crate::failure::Result;
use crate::incident::{Body, Delivery, Message, State};
use crate::text::{visible, visible_lines};

/// Sends what waits.
pub(super) fn run(args: &Args, cx: &Context) -> Result<End> {
    let doing = "sending queued messages";
    let mut loaded = cx.load(Wanted::Last)?;
    if !args.dry_run && is_sending(loaded.state()) {
        settle(cx, &mut loaded)?;
        loaded = cx.load(Wanted::Last)?;
    }
    let (now, channels) = (cx.now(), cx.setup_or_found().0.config.channels);
    for message in &loaded.state().messages {
        for way in message.ways.iter().filter(|way| way.stands(now) == Some(Delivery::Sending)) {
            let (kind, to) = (message.kind.noun(), visible(&message.audience));
            let said = conductor::under_way(way);
            cx.out.tell(&format!("{kind} for {to} by {}: {said}", visible(&way.channel)));
        }
    }
    let waits = waiting(loaded.state(), &channels, now);
    // Nothing is sent by that but what has no text: it is only found out and written down.
    let is_lost = !loaded.state().lost(now).is_empty();
    if waits.is_empty() && (is_lost || changes(cx, loaded.state())) && !args.dry_run {
        return go(args, cx, loaded);
    }
    if waits.is_empty() {
        if args.json {
            cx.out.json_line(&Went { incident: &loaded.number, channels: Vec::new() })?;
        }
        cx.out.tell("nothing waits to be sent");
        return Ok(End::Done);
    }
    for (message, channels) in &waits {
        cx.out.tell(&format!(
            "{} for {}, written by {} at {} UTC, waits for {}:",
            message.kind.name(),
            visible(&message.audience),
            visible(&message.by),
            message.at.strftime("%H:%M"),
            channels.join(", ")
        ));
        cx.out.tell(&format!("{}\n", visible_lines(&message.text)));
    }
    if args.dry_run {
        return Ok(End::Done);
    }
    cx.trusted_config()?;
    if !args.yes {
        meant(cx, doing, "send this as it is")?;
    }
    go(args, cx, loaded)
}

/// Tells whether somebody is sending something, or was.
fn is_sending(state: &State) -> bool {
    state.sending().next().is_some() || state.changes_sending().next().is_some()
}

/// Writes down what became of what somebody was sending who is gone.
fn settle(cx: &Context, loaded: &mut Loaded) -> Result<()> {
    // How each channel takes what is sent twice is in the configuration.
    let Ok(trusted) = cx.trusted_config() else { return Ok(()) };
    let policy = cx.setup_or_found().0.policy;
    let incident = loaded.state().id;
    let post = Post { config: &trusted.config, root: cx.root()?, policy: &policy, incident };
    for record in conductor::settle_messages(&mut loaded.journal, &post)? {
        if let Body::Delivered(body) = &record.body {
            cx.out.tell(&format!("{}: {}: {}", visible(&body.channel), body.end.word(), body.why));
        }
    }
    Ok(())
}

/// Tells whether a service is to be told of a deploy or a rollback: there is nothing in that to be read again.
fn changes(cx: &Context, state: &State) -> bool {
    let (setup, _) = cx.setup_or_found();
    let mut told = setup.config.channels.iter().filter(|channel| channel.changes);
    told.any(|channel| state.changes_due(&channel.name, cx.now()).next().is_some())
}

/// Sends what waits.
fn go(args: &Args, cx: &Context, mut loaded: Loaded) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let policy = cx.setup_or_found().0.policy;
    let incident = loaded.state().id;
    let post = Post { config: &config, root: cx.root()?, policy: &policy, incident };
    let sent = conductor::flush(&mut loaded.journal, &post, Which::All)?;
    told(args.json, cx, &loaded.number, &sent, None)
}

/// The messages that wait, or are sent again as whoever sent them is gone, each with its channels.
fn waiting<'a>(state: &'a State, channels: &[Channel], now: Timestamp) -> Vec<(&'a Message, Vec<&'a str>)> {
    let mut found: Vec<(&Message, Vec<&str>)> = Vec::new();
    let lost = state.lost(now).into_iter().filter(|(_, way)| is_sent_again(channels, &way.channel));
    for (message, way) in state.outbox().into_iter().chain(lost) {
        match found.last_mut().filter(|(last, _)| last.id == message.id) {
            Some((_, channels)) => channels.push(&way.channel),
            None => found.push((message, vec![&way.channel])),
        }
    }
    found
}

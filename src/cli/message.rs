//! `flightdeck message`: writes a message from the record, and sends it.

mod flush;

use std::io::{IsTerminal as _, Write as _};

use crossterm::clipboard::CopyToClipboard;
use jiff::Timestamp;
use serde::Serialize;

use super::End;
use super::context::{Context, Loaded, Setup, Wanted};
use super::status;
use crate::comms::draft::{self, Draft, Sight};
use crate::comms::mail::mail;
use crate::comms::numbers::{self, Number};
use crate::comms::wire::{Fate, Outgoing, length, wire};
use crate::conductor::{self, Post, SentMessage};
use crate::config::types::{Channel, ChannelKind};
use crate::failure::{Failure, FailureKind, Result};
use crate::health::tracker::Tracker;
use crate::incident::{
    Delivery, IncidentId, MessageKind, Messaged, Policy, Seen, State, Status, SuggestedMessage, audience,
    told_up_to,
};
use crate::text::{nearest, visible, visible_lines};

/// Write a message from the record, and send it
///
/// Prints the draft. With --send it goes to every channel of the audience, once, and the record
/// keeps what became of it on each.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck message update
  flightdeck message alert --audience executives --send
  flightdeck message --flush")]
pub(crate) struct Args {
    /// alert, update, resolved, rollback, handoff, brief; left out: the one that is due
    #[arg(value_name = "KIND")]
    kind: Option<String>,

    /// For whom; default: whom it is due for, else stakeholders
    #[arg(long, value_name = "AUDIENCE", conflicts_with = "flush")]
    audience: Option<String>,

    /// Print the draft (the default)
    #[arg(long, conflicts_with_all = ["copy", "send", "flush"])]
    print: bool,

    /// Copy the draft to the clipboard of the terminal
    #[arg(long, conflicts_with_all = ["send", "flush", "json"])]
    copy: bool,

    /// Send it to every channel of the audience
    #[arg(long, conflicts_with = "flush")]
    send: bool,

    /// Only to this channel
    #[arg(long, value_name = "CHANNEL", conflicts_with = "flush")]
    channel: Option<String>,

    /// Send this text in place of the draft; - reads it from standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "flush")]
    text: Option<String>,

    /// Take the newest text that an assistant drafted
    #[arg(long, conflicts_with_all = ["text", "flush"])]
    drafted: bool,

    /// Send queued messages
    #[arg(long, conflicts_with = "kind")]
    flush: bool,

    /// With --send or --flush: print what each channel would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,

    /// Send it without asking
    #[arg(long)]
    yes: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Most characters of a text that is given.
const LONGEST: usize = 20_000;

/// What is printed of a draft.
#[derive(Serialize)]
struct Drafted<'a> {
    kind: &'static str,
    audience: &'a str,
    text: &'a str,
    channels: Vec<Way<'a>>,
    problem: Option<&'a str>,
}

/// A channel that it would go to.
#[derive(Serialize)]
struct Way<'a> {
    name: &'a str,
    kind: &'static str,
    length: usize,
    limit: Option<usize>,
    /// What length and limit count.
    counted: &'static str,
    cut: bool,
    /// With --dry-run: the body of the request, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// What became of a message.
#[derive(Serialize)]
struct Went<'a> {
    incident: &'a str,
    channels: Vec<Outcome<'a>>,
}

/// What became of it on a channel.
#[derive(Serialize)]
struct Outcome<'a> {
    name: &'a str,
    state: Delivery,
    why: &'a str,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    if args.flush {
        return flush::run(args, cx);
    }
    let doing = "writing the message";
    let loaded = cx.load_to_read(Wanted::Last)?;
    let (setup, mistake) = cx.setup_or_found();
    if let Some(failure) = &mistake {
        cx.out.failure(failure);
    }
    let read_at = cx.now();
    let about = (loaded.state().id, loaded.number.clone());
    // Whether it is over is not asked where nobody said so.
    let is_open = loaded.state().status == Status::Open;
    let seen = if is_open { Seen::Unknown } else { status::seen(cx, loaded.state()) };
    let suggested = args.drafted.then(|| suggested(args, loaded.state(), &setup.policy)).transpose()?;
    let (kind, audience) = match &suggested {
        Some(found) => (found.kind, found.audience.clone()),
        None => wanted(args, &loaded, &setup.policy, seen, cx)?,
    };
    // It tells of what was known then: what somebody else has sent since stands.
    let read_at = suggested.as_ref().map_or(read_at, |found| found.at);
    let sketch = Outgoing::about(loaded.state(), &setup.policy, (kind, &audience, ""), read_at).seen(
        loaded.state(),
        &setup.config,
        read_at,
    );
    // It is known by its record, and has none yet.
    let sketch = Outgoing { message: "…".to_owned(), ..sketch };
    let against = draft::against(loaded.state(), seen, kind);
    let mut draft = written(cx, loaded, &setup, kind, &audience);
    if let Some(found) = suggested {
        let at = found.at.strftime("%H:%M UTC");
        cx.out.tell(&format!("drafted by an assistant of {} at {at}", visible(&found.by)));
        (draft.text, draft.problem) = (found.text, None);
    }
    if let Some(text) = &args.text {
        draft.text = given(text, doing)?;
        draft.problem = None;
    }
    if let Some(problem) = &draft.problem {
        cx.out.tell(&format!("▲ {}; the usual template was used", visible(problem)));
    }
    let channels = channels(args, &setup, &draft.audience)?;
    if args.send && !args.dry_run {
        if mistake.is_some() && channels.is_empty() {
            let whom = visible(&draft.audience);
            return Err(Failure::usage(
                "sending the message",
                "flightdeck.toml has an error and is not in use, so no channel is known. Nothing was sent",
                format!(
                    "flightdeck config check shows the error; or send it yourself, then flightdeck told {whom}"
                ),
            ));
        }
        return send(args, cx, &draft, &channels, (read_at, &about), against);
    }
    if args.copy {
        return copy(cx, &draft.text);
    }
    shown(args, cx, &draft, &channels, &sketch)
}

/// Prints a draft and where it would go.
fn shown(args: &Args, cx: &Context, draft: &Draft, channels: &[&Channel], about: &Outgoing) -> Result<End> {
    let ways: Vec<Way<'_>> =
        channels.iter().map(|channel| way(channel, draft, about, args.dry_run)).collect();
    if args.json {
        let problem = draft.problem.as_deref();
        let Draft { audience, text, .. } = draft;
        cx.out.json(&Drafted { kind: draft.kind.name(), audience, text, channels: ways, problem })?;
        return Ok(End::Done);
    }
    cx.out.lines(&visible_lines(&draft.text))?;
    if args.dry_run {
        for way in &ways {
            let body = way.body.as_deref().unwrap_or("(the text, on its standard input)");
            let said = format!("\n{} ({}) would be sent:\n{body}", way.name, way.kind);
            cx.out.lines(&visible_lines(&said.replace("\r\n", "\n")))?;
        }
    }
    let note = match channels {
        [] => format!(
            "no channel for {}: --copy it, send it yourself, then flightdeck told {}",
            draft.audience, draft.audience
        ),
        _ => format!("--send sends it to {}", ways.iter().map(|way| way.name).collect::<Vec<_>>().join(", ")),
    };
    for channel in channels {
        let long = length(channel, &draft.text);
        if long.is_cut() {
            cx.out.tell(&format!("▲ {}: {}, the end is cut", channel.name, long.said()));
        }
    }
    cx.out.tell(&note);
    Ok(End::Done)
}

fn way<'a>(channel: &'a Channel, draft: &Draft, about: &Outgoing, dry_run: bool) -> Way<'a> {
    let long = length(channel, &draft.text);
    let outgoing = Outgoing { text: draft.text.clone(), ..about.clone() };
    let body = dry_run.then(|| match wire(channel, &outgoing) {
        Ok(Some(wire)) => Some(wire.body),
        Ok(None) if channel.kind == ChannelKind::Smtp => Some(mail(channel, &outgoing).text),
        Ok(None) => None,
        Err(why) => Some(format!("nothing: {why}")),
    });
    let (name, kind) = (channel.name.as_str(), channel.kind.name());
    Way {
        name,
        kind,
        length: long.is,
        limit: long.most,
        counted: long.of.name(),
        cut: long.is_cut(),
        body: body.flatten(),
    }
}

/// The text that was given in place of the draft.
fn given(text: &str, doing: &str) -> Result<String> {
    let text = match text {
        "-" => std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failure::usage(doing, error, "pass it with --text …"))?,
        text => text.to_owned(),
    };
    if text.trim().is_empty() {
        return Err(Failure::usage(doing, "the text is empty", "write something"));
    }
    let long = text.trim().chars().count();
    if long > LONGEST {
        let cause = format!("the text has {long} characters; at most {LONGEST}");
        return Err(Failure::usage(doing, cause, "say it in fewer words, or send a link to the rest"));
    }
    Ok(text.trim().to_owned())
}

/// The kind and the audience that are meant.
fn wanted(
    args: &Args,
    loaded: &Loaded,
    policy: &Policy,
    seen: Seen,
    cx: &Context,
) -> Result<(MessageKind, String)> {
    let state = loaded.state();
    let kind = args.kind.as_deref().map(kind).transpose()?;
    let (due, due_for) = draft::due(state, policy, seen, cx.now());
    let audience = match &args.audience {
        Some(named) => known(policy, named.trim())?,
        None if kind.is_none_or(|kind| kind == due) => due_for,
        None => audience::STAKEHOLDERS.to_owned(),
    };
    let kind = kind.unwrap_or_else(|| draft::kind_for(state, policy, seen, &audience, cx.now()));
    Ok((kind, audience))
}

pub(super) fn kind(named: &str) -> Result<MessageKind> {
    let all = MessageKind::ALL.map(MessageKind::name);
    MessageKind::ALL.into_iter().find(|kind| kind.name() == named).ok_or_else(|| {
        let list = all.join(", ");
        let hint = match nearest(named, &all) {
            Some(near) => format!("did you mean {near}? There are: {list}"),
            None => format!("one of: {list}"),
        };
        Failure::usage("reading KIND", format!("unknown message {}", visible(named)), hint)
    })
}

pub(super) fn known(policy: &Policy, named: &str) -> Result<String> {
    let all: Vec<&str> = policy.audiences.iter().map(|known| known.id.as_str()).collect();
    match nearest(named, &all).filter(|meant| *meant != named) {
        Some(meant) if !all.contains(&named) => Err(Failure::usage(
            "reading --audience",
            format!("unknown audience {}", visible(named)),
            format!("did you mean {meant}? There are: {}; or name any other", all.join(", ")),
        )),
        _ if named.is_empty() => Err(Failure::usage("reading --audience", "it is empty", "name an audience")),
        _ => Ok(named.to_owned()),
    }
}

/// The newest text that an assistant drafted, of the kind and for the audience that are named.
fn suggested(args: &Args, state: &State, policy: &Policy) -> Result<SuggestedMessage> {
    let named = args.kind.as_deref().map(kind).transpose()?;
    let audience = args.audience.as_deref().map(|named| known(policy, named.trim())).transpose()?;
    let is_meant = |one: &&SuggestedMessage| {
        named.is_none_or(|kind| kind == one.kind)
            && audience
                .as_ref()
                .is_none_or(|audience| policy.told_as(audience) == policy.told_as(&one.audience))
    };
    state.suggested.iter().rev().find(is_meant).cloned().ok_or_else(|| {
        let hint = "leave --drafted out: the draft is written from the record";
        Failure::usage("finding the draft of an assistant", "no assistant drafted such a message", hint)
    })
}

/// Writes the draft: probes are asked, as for `flightdeck status`.
fn written(cx: &Context, loaded: Loaded, setup: &Setup, kind: MessageKind, audience: &str) -> Draft {
    let number = loaded.number.clone();
    let before = before(cx, &loaded, setup, audience);
    let situation = status::situation(cx, loaded);
    let own = cx.root().map(|root| conductor::templates(root, &setup.config)).unwrap_or_default();
    let tracker = Tracker::new(&setup.config.probes);
    let known = tracker.statuses();
    let all = known.iter().filter_map(|status| {
        let probe = situation.health.iter().find(|probe| probe.name == status.name)?;
        let seen = before.iter().find(|(name, _)| *name == status.name).map(|(_, seen)| seen);
        let [before, mut lately] = seen.cloned().unwrap_or_default();
        lately.extend(probe.value);
        Some(Number {
            name: status.name.clone(),
            environment: status.environment.clone(),
            state: probe.state,
            before: before.last().copied(),
            now: probe.value,
            moved: numbers::are_apart(&before, &lately),
            unit: status.unit.clone(),
            range: status.range.clone(),
            by_answer: Number::is_by_answer(status),
            inward: setup.config.is_for_canaries(&status.name),
        })
    });
    let numbers = numbers::concerned(&situation.state, &situation.production, all);
    let service = cx.service();
    let sight = Sight {
        state: &situation.state,
        policy: &setup.policy,
        number: &number,
        service: &service,
        numbers: &numbers,
        seen: situation.facts.seen(),
        third_parties: &situation.facts.third_parties,
        now: cx.now(),
    };
    draft::draft(&sight, kind, audience, &own)
}

/// What each probe said, and shortly before, when the audience was told last, and what cockpits have kept of it lately.
fn before(cx: &Context, loaded: &Loaded, setup: &Setup, audience: &str) -> Vec<(String, [Vec<f64>; 2])> {
    let Some(then) = told_up_to(loaded.state(), &setup.policy, audience) else { return Vec::new() };
    let Ok(repository) = cx.repository(&loaded.journal) else { return Vec::new() };
    let values = |name: &str, until: Timestamp| -> Vec<f64> {
        // What was seen longer before is not how it was then.
        let from = until.checked_sub(numbers::WINDOW).unwrap_or(until);
        let samples = loaded.journal.samples(&repository, name, (from, until)).unwrap_or_default();
        samples.into_iter().filter_map(|(_, value)| value).collect()
    };
    let probes = setup.config.probes.iter();
    let seen = |name: &str| [values(name, then), values(name, cx.now())];
    probes.map(|probe| (probe.name.clone(), seen(&probe.name))).collect()
}

/// The channels that a message goes to.
fn channels<'a>(args: &Args, setup: &'a Setup, audience: &str) -> Result<Vec<&'a Channel>> {
    let all = &setup.config.channels;
    let Some(wanted) = &args.channel else { return Ok(draft::channels(all, &setup.policy, audience)) };
    let found = all.iter().find(|channel| channel.name == *wanted);
    found.map(|channel| vec![channel]).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|channel| channel.name.as_str()).collect();
        let hint = match names.as_slice() {
            [] => "[[channels]] in flightdeck.toml names some".to_owned(),
            names => format!("one of: {}", names.join(", ")),
        };
        Failure::usage("reading --channel", format!("unknown channel {}", visible(wanted)), hint)
    })
}

fn copy(cx: &Context, text: &str) -> Result<End> {
    let doing = "copying the message";
    if !std::io::stdout().is_terminal() {
        return Err(Failure::usage(
            doing,
            "this is not a terminal",
            "leave out --copy and copy what it prints",
        ));
    }
    let mut bytes = Vec::new();
    let queued = crossterm::queue!(bytes, CopyToClipboard::to_clipboard_from(text));
    let put = queued.and_then(|()| cx.out.writer().write_all(&bytes));
    put.map_err(|error| Failure::new(doing, error, "leave out --copy and copy what it prints"))?;
    cx.out.tell("copied (your terminal must allow OSC 52)");
    Ok(End::Done)
}

fn send(
    args: &Args,
    cx: &Context,
    draft: &Draft,
    channels: &[&Channel],
    (read_at, about): (Timestamp, &(IncidentId, String)),
    against: Option<&str>,
) -> Result<End> {
    let doing = "sending the message";
    if channels.is_empty() {
        return Err(Failure::usage(
            doing,
            format!("no channel of flightdeck.toml is for {}", visible(&draft.audience)),
            format!(
                "add one under [[channels]], or send it yourself and record it: flightdeck told {}",
                visible(&draft.audience)
            ),
        ));
    }
    let config = cx.trusted_config()?.config;
    let names: Vec<String> = channels.iter().map(|channel| channel.name.clone()).collect();
    refuse(cx, doing, (draft.kind, against), args.yes)?;
    if !args.yes {
        cx.out.tell(&visible_lines(&draft.text));
        meant(cx, doing, &format!("send it to {}", names.join(", ")))?;
    }
    let mut loaded = cx.load(Wanted::NotClosed)?;
    let (id, number) = about;
    if loaded.state().id != *id {
        let cause = format!("it was written about {number}, which is closed, and {} is not", loaded.number);
        return Err(Failure::usage(
            doing,
            cause,
            format!("name the one it is about: --incident {}", loaded.number),
        ));
    }
    let policy = cx.setup_or_found().0.policy;
    let incident = loaded.state().id;
    let post = Post { config: &config, root: cx.root()?, policy: &policy, incident };
    let message = Messaged {
        kind: draft.kind,
        audience: draft.audience.clone(),
        text: draft.text.clone(),
        channels: names,
        as_of: Some(read_at),
    };
    let sent = conductor::send(&mut loaded.journal, &post, &message, read_at)?;
    told(args.json, cx, &loaded.number, &sent, Some(&message))
}

/// Pages somebody by the channels that are for them. Whoever is paged looks at the probes: nothing is asked first.
pub(super) fn page(cx: &Context, who: &str, json: bool) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let (setup, _) = cx.setup_or_found();
    let read_at = cx.now();
    let mut loaded = cx.load(Wanted::Open)?;
    let service = cx.service();
    let (state, number, policy) = (loaded.state(), &loaded.number, &setup.policy);
    let sight = Sight {
        state,
        policy,
        number,
        service: &service,
        numbers: &[],
        seen: Seen::Unknown,
        third_parties: &[],
        now: read_at,
    };
    let draft = draft::draft(&sight, MessageKind::Page, who, &[]);
    let incident = state.id;
    let found = draft::channels(&config.channels, &setup.policy, who);
    let channels = found.iter().map(|channel| channel.name.clone()).collect();
    let post = Post { config: &config, root: cx.root()?, policy: &setup.policy, incident };
    let (kind, audience, text) = (MessageKind::Page, who.to_owned(), draft.text);
    let message = Messaged { kind, audience, text, channels, as_of: Some(read_at) };
    let sent = conductor::send(&mut loaded.journal, &post, &message, read_at)?;
    told(json, cx, &loaded.number, &sent, Some(&message))
}

/// Refuses to send what the record contradicts, unless somebody says to.
fn refuse(cx: &Context, doing: &str, (kind, why): (MessageKind, Option<&str>), yes: bool) -> Result<()> {
    let Some(why) = why else { return Ok(()) };
    if yes {
        cx.out.tell(&format!("▲ {why}: sent anyway"));
        return Ok(());
    }
    let first = match kind {
        MessageKind::Resolved => "once users are served again: flightdeck resolve --mitigated",
        _ => "once it is: flightdeck rollback",
    };
    let cause = format!("{} would say what is not on record: {why}", kind.words());
    Err(Failure::of(FailureKind::Gate, doing, cause, format!("{first}; --yes sends it anyway")))
}

fn meant(cx: &Context, doing: &str, what: &str) -> Result<()> {
    let refused = |cause: &str, hint: &str| Err(Failure::of(FailureKind::Gate, doing, cause, hint));
    match super::yes::is_meant(cx, doing, what)? {
        Some(true) => Ok(()),
        Some(false) => refused("not confirmed", "nothing was sent"),
        None => refused("no terminal to confirm on", "read it with --print, then add --yes"),
    }
}

/// Says what became of it on each channel, and what to do next. What was not accepted is no success.
fn told(
    json: bool,
    cx: &Context,
    incident: &str,
    sent: &SentMessage,
    message: Option<&Messaged>,
) -> Result<End> {
    if json {
        let channels = sent.ways.iter().map(|(name, fate)| Outcome { name, state: fate.end, why: &fate.why });
        cx.out.json_line(&Went { incident, channels: channels.collect() })?;
    } else {
        for (name, fate) in &sent.ways {
            cx.out.lines(&outcome(name, fate, message))?;
        }
    }
    let is = |end: Delivery| sent.ways.iter().any(|(_, fate)| fate.end == end);
    Ok(if is(Delivery::Failed) || is(Delivery::Waiting) {
        End::Bad(FailureKind::Failed)
    } else if is(Delivery::Unknown) {
        End::Bad(FailureKind::Unknown)
    } else {
        End::Done
    })
}

fn outcome(name: &str, fate: &Fate, message: Option<&Messaged>) -> String {
    let mark = match fate.end {
        Delivery::Accepted => "✓",
        Delivery::Failed => "✗",
        Delivery::Unknown => "?",
        Delivery::Waiting | Delivery::Sending => "▲",
    };
    // What a service says is one line.
    let why = if fate.why.is_empty() { String::new() } else { format!(": {}", visible(&fate.why)) };
    let again = again(name, message);
    let hint = match fate.end {
        Delivery::Waiting => "\n  next: flightdeck message --flush sends it".to_owned(),
        Delivery::Failed => format!("\n  next: mend that, then {again}"),
        Delivery::Unknown => format!("\n  next: look there; if it did not arrive, {again}"),
        Delivery::Accepted | Delivery::Sending => String::new(),
    };
    format!("{mark} {} {}{why}{hint}", visible(name), fate.end.word())
}

/// How a message is sent again on a channel.
fn again(name: &str, message: Option<&Messaged>) -> String {
    let said = |text: &str| shell_words::quote(&visible(text)).into_owned();
    match message {
        None => "open it in flightdeck and resend it".to_owned(),
        Some(page) if page.kind == MessageKind::Page => {
            let who = said(&page.audience);
            format!("page them yourself, and record it: flightdeck page {who} --how phone")
        }
        Some(message) => {
            let (kind, audience) = (message.kind.name(), said(&message.audience));
            format!("flightdeck message {kind} --audience {audience} --channel {} --send", said(name))
        }
    }
}

//! Messages: the draft that is due, sent after one look at it to every channel of its audience.

use jiff::SignedDuration;

use super::super::commands::{Command, Invoke, Scope};
use super::super::key::{Code, Key};
use super::super::model::Model;
use super::super::msg::{Done, Effect, EffectId, KeyPress};
use super::super::overlay::{Looks, MessageView, Overlay, Scroll};
use super::super::page::PageEdit;
use super::confirm::{TOO_QUICK, may_confirm};
use super::{Cx, facts_of, invoke, menus, overlays, record, windows};
use crate::comms::draft::{self, Own, Sight};
use crate::comms::numbers::{self, Number};
use crate::comms::preview::preview;
use crate::comms::wire::{Outgoing, is_sent_again, length};
use crate::config::types::Channel;
use crate::failure::Failure;
use crate::incident::{
    Body, Delivery, Message, MessageKind, Messaged, OnChannel, Record, RecordId, SENDING, Seen,
    SuggestedMessage, last_told, told_up_to,
};

/// How long the outbox is left alone after it was looked at.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// How long whoever is sending something is given before it is looked at whether they are still there.
const LOOK: SignedDuration = SignedDuration::from_secs(3);

/// Opens the message that did not get through, else the draft that is due, or the next one for an audience.
pub(super) fn open(cx: &mut Cx<'_>, audience: &str) {
    let now = cx.model.now;
    let stuck = cx.model.incident().and_then(|state| state.stuck(now)).filter(|_| audience.is_empty());
    match stuck.cloned() {
        Some(message) => cx.push(Overlay::Message(Box::new(MessageView::sent(&message, now)))),
        None => begin_draft(cx, audience),
    }
}

fn begin_draft(cx: &mut Cx<'_>, audience: &str) {
    let model = &*cx.model;
    let Some(state) = model.incident() else { return };
    // What is named as next is what opens.
    let next = model.derived.next.iter().map(|(next, _)| next).find(|next| next.action == "told");
    let audience = match next {
        Some(next) if audience.is_empty() => next.argument.as_str(),
        _ => audience,
    };
    let (kind, audience) = match audience {
        "" => draft::due(state, &model.policy, seen(model), model.now),
        named => (draft::kind_for(state, &model.policy, seen(model), named, model.now), named.to_owned()),
    };
    let read_at = model.now;
    let asked = Some(cx.effect("reading templates", Effect::ReadTemplates));
    let view = MessageView { asked, ..MessageView::new(kind, audience, read_at) };
    cx.push(Overlay::Message(Box::new(view)));
}

/// How production is seen to be, by the same facts that NEXT goes by.
fn seen(model: &Model) -> Seen {
    facts_of(model).seen()
}

/// The window, wherever it is.
fn view(model: &mut Model) -> Option<&mut MessageView> {
    model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Message(view) => Some(&mut **view),
        _ => None,
    })
}

/// Takes in the team's own templates, and writes the draft. Where they cannot be read the usual ones do.
pub(super) fn templates(cx: &mut Cx<'_>, id: EffectId, own: Vec<Own>) {
    match view(cx.model).filter(|view| view.asked == Some(id)) {
        Some(view) => (view.asked, view.own) = (None, Some(own)),
        None => return,
    }
    write(cx.model);
}

/// Writes the draft anew.
fn write(model: &mut Model) {
    let Some(found) = view(model) else { return };
    let (kind, audience) = (found.kind, found.audience.clone());
    let own = found.own.clone().unwrap_or_default();
    let Some(draft) = drafted(model, kind, &audience, &own) else { return };
    let now = model.now;
    if let Some(view) = view(model) {
        (view.page, view.problem, view.read_at) = (PageEdit::new(&draft.text), draft.problem, now);
        (view.changed, view.shown_ms, view.scroll) = (false, None, Scroll::default());
        view.complaint.clear();
    }
}

fn drafted(model: &Model, kind: MessageKind, audience: &str, own: &[Own]) -> Option<draft::Draft> {
    let state = model.incident()?;
    let config = &model.config.config;
    let production = config.production().map_or("", |env| env.name.as_str());
    let then = told_up_to(state, &model.policy, audience);
    let all = model.probes.iter().map(|probe| {
        // What judges a canary says nothing to whoever never heard of one.
        let inward = config.is_for_canaries(&probe.name);
        Number { inward, ..Number::of(probe, then) }
    });
    let numbers = numbers::concerned(state, production, all);
    let service = if config.service.name.is_empty() { &state.service } else { &config.service.name };
    // The same facts that NEXT goes by.
    let facts = facts_of(model);
    let sight = Sight {
        state,
        policy: &model.policy,
        number: model.number(),
        service,
        numbers: &numbers,
        seen: facts.seen(),
        third_parties: &facts.third_parties,
        now: model.now,
    };
    Some(draft::draft(&sight, kind, audience, own))
}

/// The page for whoever is named, where a channel is for them; `None`: it is only recorded.
///
/// # Errors
/// There is a channel, and it may not be used: nothing must say then that they were paged.
pub(super) fn page(model: &Model, who: &str) -> Result<Option<Messaged>, String> {
    let channels = model.channels_for(who);
    if channels.is_empty() {
        return Ok(None);
    }
    if let Some(why) = menus::needs_config(model, Command::Message) {
        return Err(format!("{why}: nobody was paged. Page them yourself, and write how: {who} by phone"));
    }
    let channels = channels.iter().map(|channel| channel.name.clone()).collect();
    let Some(draft) = drafted(model, MessageKind::Page, who, &[]) else { return Ok(None) };
    Ok(Some(Messaged {
        kind: MessageKind::Page,
        audience: who.to_owned(),
        text: draft.text,
        channels,
        as_of: None,
    }))
}

impl Model {
    /// The channels that an audience is told by.
    pub fn channels_for(&self, audience: &str) -> Vec<&Channel> {
        draft::channels(&self.config.config.channels, &self.policy, audience)
    }

    /// The newest text that an assistant drafted for an audience since it was told last.
    pub fn suggested(&self, view: &MessageView) -> Option<&SuggestedMessage> {
        let state = self.incident().filter(|_| view.sent.is_none())?;
        let told = last_told(state, &self.policy, &view.audience);
        let audience = self.policy.told_as(&view.audience);
        state.suggested.iter().rev().find(|one| {
            one.kind == view.kind
                && self.policy.told_as(&one.audience) == audience
                && told.is_none_or(|told| one.at > told)
        })
    }

    /// A message as it goes to a channel.
    pub fn outgoing(&self, view: &MessageView, channel: &str) -> Option<Outgoing> {
        let (state, text) = (self.incident()?, view.page.text());
        let about = Outgoing::about(state, &self.policy, (view.kind, &view.audience, &text), self.now);
        let about = about.seen(state, &self.config.config, self.now);
        Some(Outgoing { first: state.first_on(channel).map(str::to_owned), ..about })
    }

    /// A message that was sent.
    pub fn message(&self, id: RecordId) -> Option<&Message> {
        self.incident()?.messages.iter().find(|message| message.id == id)
    }
}

/// Makes anew how the message in the window will look, where it has changed since.
pub(super) fn renew(model: &mut Model) {
    let Some(Overlay::Message(view)) = model.overlays.last().filter(|_| model.log.is_some()) else { return };
    let beside = model.size.0 >= MessageView::BESIDE;
    let at = if beside { Some(view.channel.unwrap_or_default()) } else { view.channel };
    let records = model.incident().map_or(0, |state| state.timeline.len());
    let channels: Vec<Channel> = model.channels_for(&view.audience).into_iter().cloned().collect();
    let made_of = (view.page.text(), view.kind, records, channels);
    if view.looks.as_ref().is_some_and(|looks| looks.made_of == made_of && looks.at == at) {
        return;
    }
    let (text, _, _, channels) = &made_of;
    let lengths = channels.iter().map(|channel| length(channel, text)).collect();
    let shown = at.and_then(|at| channels.get(at));
    let parts = shown.and_then(|channel| Some(preview(channel, &model.outgoing(view, &channel.name)?)));
    let looks = Looks { lengths, at, parts: parts.unwrap_or_default(), made_of };
    if let Some(Overlay::Message(view)) = model.overlays.last_mut() {
        view.looks = Some(looks);
    }
}

/// Takes a key for the window.
pub(super) fn key(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last_mut() else { return };
    if view.editing {
        return edit(cx, press.key);
    }
    match windows::command(cx.model, &[Scope::Message], press.key) {
        Some(Command::Back) => cx.pop(),
        Some(Command::Help) => invoke::invoke(cx, &Command::Help.into()),
        Some(Command::Open) => send(cx, press, before),
        Some(Command::MessageEdit) => begin(cx),
        Some(Command::MessageEditor) => editor(cx),
        Some(Command::MessageCopy) => copy(cx),
        Some(Command::MessageKind) => next_kind(cx),
        Some(Command::MessageAgain) => again(cx),
        Some(Command::MessageDrafted) => take_suggested(cx),
        Some(Command::MessageLook) => next_look(cx),
        Some(Command::NextPane) => next_audience(cx, 1),
        Some(Command::PreviousPane) => next_audience(cx, -1),
        command => match command.and_then(|command| windows::motion(command, windows::page(cx.model))) {
            Some(by) => overlays::scroll(cx.model, by),
            None => windows::unknown(cx, press.key),
        },
    }
}

/// Puts what an assistant drafted in place of the text, to be read before it goes.
fn take_suggested(cx: &mut Cx<'_>) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last() else { return };
    if let Some(why) = stays(view) {
        return cx.say(why);
    }
    let Some(found) = cx.model.suggested(view).filter(|_| view.may_be_sent()).cloned() else {
        return complain(cx, "no assistant drafted this message");
    };
    if let Some(view) = view_on_top(cx.model) {
        // It tells of what was known then: whoever has sent the like since has sent it.
        (view.page, view.read_at, view.changed) = (PageEdit::new(&found.text), found.at, true);
        (view.problem, view.shown_ms, view.scroll) = (None, None, Scroll::default());
        view.complaint.clear();
    }
}

/// A key while the text is edited: escape ends that, and nothing is lost.
fn edit(cx: &mut Cx<'_>, key: Key) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last_mut() else { return };
    if key.code == Code::Esc {
        (view.editing, view.shown_ms) = (false, None);
        return;
    }
    let before = view.page.text();
    view.page.key(key);
    view.changed |= view.page.text() != before;
    cx.model.typing_since.get_or_insert(cx.model.now);
}

fn begin(cx: &mut Cx<'_>) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last_mut() else { return };
    if view.may_be_sent() {
        view.editing = true;
        view.complaint.clear();
    } else {
        cx.say("already sent: cannot be edited");
    }
}

/// Hands the text to the user's editor.
fn editor(cx: &mut Cx<'_>) {
    let Some(view) = view_on_top(cx.model).filter(|view| view.may_be_sent()) else {
        return cx.say("already sent: cannot be edited");
    };
    let text = view.page.text();
    let id = cx.effect("editing", Effect::EditText(text));
    if let Some(view) = view_on_top(cx.model) {
        view.editor = Some(id);
    }
}

/// Takes the text back from the user's editor.
fn edited(model: &mut Model, id: EffectId, text: &str) {
    let Some(view) = view(model).filter(|view| view.editor == Some(id)) else { return };
    let page = PageEdit::new(text.trim_end());
    view.changed |= page.text() != view.page.text();
    (view.page, view.shown_ms, view.scroll) = (page, None, Scroll::default());
}

/// Puts what is pasted into the text, where that is edited; tells whether it was.
pub(super) fn paste(cx: &mut Cx<'_>, text: &str) -> bool {
    let Some(Overlay::Message(view)) = cx.model.overlays.last_mut() else { return false };
    if !view.editing {
        return false;
    }
    view.page.insert(text.trim_end());
    view.changed = true;
    true
}

fn copy(cx: &mut Cx<'_>) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last() else { return };
    let text = view.page.text();
    cx.effect("copying", Effect::Copy(text));
}

/// Goes on to the draft of the next kind.
fn next_kind(cx: &mut Cx<'_>) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last_mut() else { return };
    if view.sent.is_some() && view.sending.is_none() {
        cx.pop();
        return begin_draft(cx, "");
    }
    if let Some(why) = stays(view) {
        return cx.say(why);
    }
    let (shown, seen) = (view.kind, seen(cx.model));
    let Some(state) = cx.model.incident() else { return };
    // What the record contradicts is nothing to tell anybody.
    let may_be = |kind: &MessageKind| *kind == shown || draft::against(state, seen, *kind).is_none();
    let all: Vec<MessageKind> = MessageKind::ALL.into_iter().filter(may_be).collect();
    let at = all.iter().position(|kind| *kind == shown).unwrap_or_default();
    let next = all[(at + 1) % all.len()];
    if let Some(view) = view_on_top(cx.model) {
        view.kind = next;
    }
    write(cx.model);
}

/// Shows how the next channel will show it. Where there is no room beside the text, the text comes round again.
fn next_look(cx: &mut Cx<'_>) {
    let is_beside = cx.model.size.0 >= MessageView::BESIDE;
    let Some(Overlay::Message(view)) = cx.model.overlays.last() else { return };
    let (at, audience) = (view.channel, view.audience.clone());
    let count = cx.model.channels_for(&audience).len();
    if count == 0 {
        let title = cx.model.policy.audience_name(&audience).to_owned();
        return cx.say(format!("no channel for {title}: it goes out as it stands here"));
    }
    let next = match at {
        _ if is_beside => Some((at.unwrap_or_default() + 1) % count),
        None => Some(0),
        Some(at) => Some(at + 1).filter(|next| *next < count),
    };
    if let Some(view) = view_on_top(cx.model) {
        (view.channel, view.scroll) = (next, Scroll::default());
    }
}

/// Goes on to the draft for the next audience.
fn next_audience(cx: &mut Cx<'_>, by: isize) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last_mut() else { return };
    if let Some(why) = stays(view) {
        return cx.say(why);
    }
    let policy = &cx.model.policy;
    // Telling again is the same audience.
    let all: Vec<&str> =
        policy.audiences.iter().filter(|one| one.is.is_empty()).map(|one| one.id.as_str()).collect();
    let here = policy.told_as(&view.audience).to_owned();
    let at = all.iter().position(|id| *id == here).unwrap_or_default();
    if all.is_empty() {
        return;
    }
    let next = (at + all.len()).saturating_add_signed(by) % all.len();
    let audience = all[next].to_owned();
    let Some(state) = cx.model.incident() else { return };
    let kind = draft::kind_for(state, policy, seen(cx.model), &audience, cx.model.now);
    if let Some(view) = view_on_top(cx.model) {
        (view.kind, view.audience, view.channel) = (kind, audience, None);
    }
    write(cx.model);
}

/// Why the draft stays what it is; `None`: it may be another one.
fn stays(view: &MessageView) -> Option<&'static str> {
    if view.sent.is_some() || view.sending.is_some() {
        return Some("it was sent: close it, then open the next one");
    }
    if view.changed || view.editor.is_some() {
        return Some("you changed the text: send or copy it, or close it and open it again");
    }
    view.own.is_none().then_some("the draft is being written")
}

/// Sends it to every channel of its audience. Where there is none it is copied, and asked how it was told.
fn send(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last() else { return };
    if !view.may_be_sent() {
        let word = if view.own.is_none() { "the draft is being written" } else { "it was sent" };
        return cx.say(word);
    }
    if !may_confirm(view.shown_ms, press, before) {
        return cx.say(TOO_QUICK);
    }
    let (text, audience, kind, read_at) = (view.page.text(), view.audience.clone(), view.kind, view.read_at);
    if text.trim().is_empty() {
        let key = menus::path(cx.model, &Command::MessageEdit.into());
        return complain(cx, &format!("the text is empty: {key} edits it"));
    }
    if let Some(why) = cx.model.unsaved() {
        return complain(cx, &why);
    }
    let channels: Vec<String> =
        cx.model.channels_for(&audience).iter().map(|channel| channel.name.clone()).collect();
    if channels.is_empty() {
        cx.effect("copying", Effect::Copy(text));
        let told = Invoke { command: Command::Told, argument: audience };
        return record::record(cx, &told);
    }
    if let Some(why) = menus::needs_config(cx.model, Command::Message) {
        return complain(cx, &why);
    }
    let message = Messaged { kind, audience, text, channels, as_of: Some(read_at) };
    let id = cx.effect("sending", Effect::SendMessage { message: Box::new(message), read_at });
    if let Some(view) = view_on_top(cx.model) {
        view.sending = Some(id);
        view.complaint.clear();
    }
}

fn view_on_top(model: &mut Model) -> Option<&mut MessageView> {
    match model.overlays.last_mut() {
        Some(Overlay::Message(view)) => Some(view),
        _ => None,
    }
}

fn complain(cx: &mut Cx<'_>, why: &str) {
    if let Some(view) = view_on_top(cx.model) {
        why.clone_into(&mut view.complaint);
    }
}

/// What is asked before a message is sent once more that may have arrived.
const MAY_BE_THERE: &str = "one channel may have it already: check there, then press the key again to resend";

/// Sends again what failed; before it was sent, writes the draft anew.
fn again(cx: &mut Cx<'_>) {
    let Some(Overlay::Message(view)) = cx.model.overlays.last() else { return };
    let Some(id) = view.sent else {
        // What somebody changed is not thrown away by one key.
        if let Some(why) = stays(view) {
            return cx.say(why);
        }
        write(cx.model);
        cx.say("draft regenerated");
        return;
    };
    let now = cx.model.now;
    let ways = cx.model.message(id).map(|message| message.ways.clone()).unwrap_or_default();
    let open =
        ways.iter().any(|way| !matches!(way.stands(now), Some(Delivery::Accepted | Delivery::Sending)));
    if !open {
        return cx.say("every channel has accepted it");
    }
    if view.sending.is_some() {
        return;
    }
    let is_unknown = ways.iter().any(|way| way.stands(now) == Some(Delivery::Unknown));
    if is_unknown && view.complaint != MAY_BE_THERE {
        return complain(cx, MAY_BE_THERE);
    }
    let effect = cx.effect("sending", Effect::ResendMessage(id));
    if let Some(view) = view_on_top(cx.model) {
        view.sending = Some(effect);
    }
}

/// Takes in that it was sent, or why not. Gives back what is left to be told elsewhere.
pub(super) fn done(
    cx: &mut Cx<'_>,
    id: EffectId,
    result: Result<Done, Failure>,
) -> Option<Result<Done, Failure>> {
    if cx.model.outbox.is_some_and(|(effect, _)| effect == Some(id)) {
        cx.model.outbox = Some((None, cx.model.now));
    }
    let Some(view) = view(cx.model) else { return Some(result) };
    if view.asked == Some(id) && result.is_err() {
        templates(cx, id, Vec::new());
        return None;
    }
    if view.editor == Some(id) {
        if let Ok(Done::Text(text)) = &result {
            edited(cx.model, id, text);
        }
        if let Some(view) = self::view(cx.model) {
            view.editor = None;
        }
        return Some(result);
    }
    if view.sending != Some(id) {
        return Some(result);
    }
    view.sending = None;
    match &result {
        Ok(Done::Appended(records)) => {
            view.sent = view.sent.or_else(|| written(records));
            Some(result)
        }
        Err(failure) => {
            failure.cause.clone_into(&mut view.complaint);
            view.shown_ms = None;
            if let Err(failure) = result {
                cx.fail(failure);
            }
            None
        }
        Ok(_) => Some(result),
    }
}

/// The record of the message among those that came of sending it.
fn written(records: &[Record]) -> Option<RecordId> {
    records.iter().find(|record| matches!(record.body, Body::Messaged(_))).map(|record| record.id)
}

/// Sends what waits in the outbox and was read a moment ago, whoever wrote it.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    let model = &*cx.model;
    let now = model.now;
    let rests = model.outbox.is_some_and(|(effect, at)| effect.is_some() || now.duration_since(at) < PAUSE);
    let Some(state) = model.incident().filter(|_| !rests) else { return };
    let mut told = model.config.config.channels.iter().filter(|channel| channel.changes);
    let changed = told.any(|channel| state.changes_due(&channel.name, now).next().is_some());
    if state.messages.is_empty() && state.changes.is_empty() && !changed {
        return;
    }
    if model.unsaved().is_some() || menus::needs_config(model, Command::Message).is_some() {
        return;
    }
    // Whoever wrote one sends it at once: others wait until that can be over.
    let sent_here = |message: &Message| now.duration_since(message.at) > SENDING / 4;
    // Whoever is sending something elsewhere may be gone: whether they are is looked at, and written down.
    let here =
        model.overlays.iter().any(|over| matches!(over, Overlay::Message(view) if view.sending.is_some()));
    let old = |(_, way): &(RecordId, &OnChannel)| now.duration_since(way.since).abs() > LOOK;
    let sending = || state.sending().chain(state.changes_sending()).any(|one| old(&one));
    let due = changed
        || (!here && sending())
        || state.outbox().into_iter().any(|(message, way)| {
            message.is_fresh(now) && way.is_due(now) && (way.end.is_some() || sent_here(message))
        })
        // Whoever sent it is gone: it is sent again where that does no harm, else that is written down.
        || state.lost(now).into_iter().any(|(message, way)| {
            message.is_fresh(now) || !is_sent_again(&model.config.config.channels, &way.channel)
        });
    if due {
        let id = cx.effect("sending queued messages", Effect::FlushMessages);
        cx.model.outbox = Some((Some(id), now));
    }
}

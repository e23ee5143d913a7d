//! Services that are asked now and then: whether somebody acknowledged a page, what is pinned in a chat, and who is on
//! call.

use jiff::{SignedDuration, Timestamp};

use super::super::commands::Command;
use super::super::model::Model;
use super::super::msg::{Done, Effect, EffectId};
use super::super::overlay::{Overlay, Purpose};
use super::{Cx, facts, menus};
use crate::comms::pager::{self, OnCall};
use crate::failure::Failure;
use crate::incident::same_person;
use crate::text::visible;

/// How long a service is left alone that did not answer, or refused.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(2);

/// How long a chat is left alone after it was read.
const PINS: SignedDuration = SignedDuration::from_secs(30);

/// How long it is known who is on call.
const ON_CALL: SignedDuration = SignedDuration::from_mins(1);

/// How services are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    pages: Asking,
    pins: Asking,
    on_call: Asking,
    /// Who is on call by each channel that tells, or why that is not known; `None`: nobody asked yet.
    told: Option<Vec<Called>>,
}

/// A channel, and who is on call by it or why that is not known.
type Called = (String, Result<Vec<OnCall>, String>);

/// How one question is asked again and again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asking {
    /// The effect that asks.
    effect: Option<EffectId>,
    /// Nobody is asked before then.
    next: Option<Timestamp>,
    /// Whether it failed the last time.
    failed: bool,
}

impl Asking {
    fn rests(&self, now: Timestamp) -> bool {
        // A clock that was set back must not keep anybody waiting.
        let rests = |next: Timestamp| next > now && next.duration_since(now) <= AFTER_FAILURE;
        self.effect.is_some() || self.next.is_some_and(rests)
    }

    fn began(&mut self, effect: EffectId, next: Option<Timestamp>) {
        (self.effect, self.next) = (Some(effect), next);
    }

    /// Takes in what came of it. A failure is told once, until it is over.
    fn ended(&mut self, failed: bool, now: Timestamp) -> bool {
        self.effect = None;
        if failed {
            self.next = now.checked_add(AFTER_FAILURE).ok();
        }
        let was_told = std::mem::replace(&mut self.failed, failed);
        !(failed && was_told)
    }
}

/// Asks where it is time to.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    let now = cx.model.now;
    if let Some(pause) = follows_pages(cx.model, now) {
        let id = cx.effect("following the page", Effect::FollowPages);
        cx.model.services.pages.began(id, now.checked_add(pause).ok());
    }
    if reads_pins(cx.model, now) {
        let id = cx.effect("reading pinned messages", Effect::ReadPins);
        cx.model.services.pins.began(id, now.checked_add(PINS).ok());
    }
    if asks_on_call(cx.model, now) {
        let id = cx.effect("asking who is on call", Effect::ReadOnCall);
        cx.model.services.on_call.began(id, now.checked_add(ON_CALL).ok());
        facts::renew_times(cx.model);
    }
}

/// Whether who is on call is looked at, and is to be asked.
fn asks_on_call(model: &Model, now: Timestamp) -> bool {
    let is_looked_at = match model.overlays.last() {
        Some(Overlay::Menu(menu)) => menu.command == Command::Team,
        Some(Overlay::Ask(ask)) => matches!(ask.purpose, Purpose::Page | Purpose::Handoff(_)),
        _ => false,
    };
    is_looked_at
        && model.config.config.channels.iter().any(pager::tells_on_call)
        && !model.services.on_call.rests(now)
        && menus::needs_config(model, Command::Message).is_none()
}

impl Model {
    /// The level at which somebody is on call now, as the services that page tell; `None`: they are not, or nobody
    /// knows.
    pub fn on_call_level(&self, name: &str) -> Option<u32> {
        let told = self.services.told.iter().flatten().filter_map(|(_, found)| found.as_ref().ok());
        let called = told.flatten().filter(|one| same_person(&one.who, name));
        called.map(|one| one.level).min()
    }

    /// Says who is on call, as the services that page tell; `None`: none tells, or none was asked.
    pub fn on_call(&self) -> Option<String> {
        let told = match &self.services.told {
            None if self.services.on_call.effect.is_some() => return Some("On call: asking …".to_owned()),
            told => told.as_ref().filter(|told| !told.is_empty())?,
        };
        let one = |(channel, found): &(String, Result<Vec<OnCall>, String>)| {
            let said = match found {
                Ok(all) if all.is_empty() => "nobody".to_owned(),
                Ok(all) => pager::said(all, self.now),
                Err(why) => format!("not known: {why}"),
            };
            if told.len() > 1 { format!("{channel}: {said}") } else { said }
        };
        let all: Vec<String> = told.iter().map(one).collect();
        Some(visible(&format!("On call: {}", all.join("; "))).into_owned())
    }
}

/// Whether there are chats to be read now.
fn reads_pins(model: &Model, now: Timestamp) -> bool {
    let is_open = model.incident().is_some_and(crate::incident::State::is_open);
    let is_pinned = || model.config.config.channels.iter().any(|channel| !channel.pin.is_empty());
    is_open && is_pinned() && !model.services.pins.rests(now) && may_ask(model)
}

/// How long pages are left alone after they are asked after now; `None`: they are not.
fn follows_pages(model: &Model, now: Timestamp) -> Option<SignedDuration> {
    let state = model.incident().filter(|state| state.is_open() && !state.messages.is_empty())?;
    if model.services.pages.rests(now) || !may_ask(model) {
        return None;
    }
    let open = pager::followed(state, &model.config.config.channels, now);
    let newest = open.iter().map(|(_, _, since)| *since).max()?;
    Some(pager::pause(newest, now))
}

/// Whether the configuration may be acted on, and what is found can be saved.
fn may_ask(model: &Model) -> bool {
    model.unsaved().is_none() && menus::needs_config(model, Command::Message).is_none()
}

/// Takes in what came of a question. Gives back what is left to be told elsewhere.
pub(super) fn done(
    cx: &mut Cx<'_>,
    id: EffectId,
    result: Result<Done, Failure>,
) -> Option<Result<Done, Failure>> {
    let now = cx.model.now;
    let services = &mut cx.model.services;
    for asking in [&mut services.pages, &mut services.pins, &mut services.on_call] {
        if asking.effect == Some(id) && !asking.ended(result.is_err(), now) {
            return None;
        }
    }
    match result {
        Ok(Done::OnCall(told)) => {
            services.told = Some(told);
            facts::renew_times(cx.model);
            None
        }
        result => Some(result),
    }
}

//! The one function that changes the model.

mod approvals;
mod chart;
mod compared;
mod confirm;
mod culprits;
mod declare;
mod elsewhere;
mod ending;
mod facts;
mod flags;
mod grade;
pub mod hotfix;
mod invoke;
mod keys;
mod lapsed;
mod live;
pub mod menus;
mod message;
mod notes;
mod overlays;
mod overtaken;
pub mod pages;
mod past;
pub mod plan_view;
mod present;
mod pressing;
mod preview;
mod record;
mod report;
pub mod rollback;
mod run_view;
mod runbooks;
mod seen;
mod settle;
mod submit;
mod survey;
mod suspects;
mod team;
mod timeline;
mod windows;

pub use approvals::foreseen;
pub use culprits::rows as culprits;
pub use team::brief_answers;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::alerts::Loud;
use super::commands::{Command, Invoke};
use super::complete;
use super::health;
use super::known::{self, Known, Probed};
use super::lines;
use super::model::{Derived, Model, NextOf, Pane};
use super::msg::{Effect, EffectId, Fact, Msg};
use super::overlay::Overlay;
use super::production;
use crate::drill::guide;
use crate::failure::Failure;
use crate::health::kept;
use crate::incident::{self, Body, Draft, Facts, Next};

/// How long a short word from the program stays on the screen.
const WORD_STAYS: SignedDuration = SignedDuration::from_secs(6);
/// How long it says what failed.
const FAILURE_STAYS: SignedDuration = SignedDuration::from_secs(20);
/// How much of a log is shown in the runs pane when it is first followed, in bytes.
const PANE_TAIL: u64 = 64 * 1024;

/// Takes in one message and says what is to be done.
pub fn update(model: &mut Model, msg: Msg) -> Vec<(EffectId, Effect)> {
    let mut cx = Cx { model, effects: Vec::new(), said: false };
    let changes = !matches!(msg, Msg::Shown { .. });
    // Keys and samples come by the thousand, and change of what is next only what is looked for there.
    let told = match &msg {
        Msg::Key(_) | Msg::Mouse(_) | Msg::Paste(_) | Msg::Resize(..) | Msg::Shown { .. } => false,
        Msg::Fact(fact) => !matches!(fact, Fact::Health { .. } | Fact::Output { .. } | Fact::Jobs { .. }),
        Msg::Tick(_) | Msg::Done(..) => true,
    };
    let sampled = matches!(msg, Msg::Fact(Fact::Health { .. }));
    // Only what is heard of puts items in another order.
    let item = matches!(msg, Msg::Fact(_) | Msg::Done(..)).then(|| elsewhere::item(cx.model)).flatten();
    match msg {
        // Where nothing of it is drawn, nothing is answered, started or recorded.
        Msg::Key(press) if cx.model.is_tiny() => keys::unseen(&mut cx, press),
        Msg::Mouse(_) | Msg::Paste(_) if cx.model.is_tiny() => {}
        Msg::Key(press) => keys::key(&mut cx, press),
        Msg::Mouse(mouse) => keys::mouse(&mut cx, mouse),
        Msg::Paste(text) => overlays::paste(&mut cx, &text),
        Msg::Resize(columns, rows) => seen::resized(cx.model, (columns, rows)),
        Msg::Tick(now) => {
            tick(cx.model, now);
            facts::renew_times(cx.model);
            run_view::tick(&mut cx);
            compared::tick(&mut cx);
        }
        Msg::Shown { at_ms, heights, overlay, overlay_top, chart } => {
            cx.model.chart.columns = chart;
            overlays::drawn_from(cx.model, overlay_top);
            seen::shown(cx.model, at_ms, heights, overlay);
        }
        Msg::Fact(fact) => facts::fact(&mut cx, fact),
        Msg::Done(id, result) => facts::done(&mut cx, id, result),
    }
    cx.keep_word();
    if let Some(item) = item {
        elsewhere::keep_on(cx.model, &item);
    }
    if changes {
        follow(&mut cx);
        run_view::settle(&mut cx);
        rollback::keep_up(&mut cx);
        survey::keep_up(&mut cx);
        settle::keep_up(&mut cx);
        message::keep_up(&mut cx);
        pages::keep_up(&mut cx);
        past::keep_up(&mut cx);
        team::keep_up(&mut cx);
        suspects::keep_up(&mut cx);
        judge(cx.model);
        let loud = cx.model.derived.loud.clone();
        derive(cx.model, told, sampled);
        rollback::settle(cx.model);
        if let Some(news) = cx.model.derived.loud.news(&loud).filter(|_| cx.model.looks.alerts) {
            cx.effect("alerting", Effect::Alert(news));
        }
    }
    message::renew(cx.model);
    cx.effects
}

/// Tells whether a question of yes or no is on the screen.
pub fn asks(model: &Model) -> bool {
    confirm::yes_or_no(model).is_some()
}

/// The model and the effects asked for so far.
struct Cx<'a> {
    model: &'a mut Model,
    effects: Vec<(EffectId, Effect)>,
    /// Whether a word was said.
    said: bool,
}

impl Cx<'_> {
    /// Asks for an effect; `doing` says in a few words what it is, for the screen.
    fn effect(&mut self, doing: &'static str, effect: Effect) -> EffectId {
        let id = self.model.next_effect;
        self.model.next_effect = EffectId(id.0 + 1);
        self.model.in_flight.insert(id, doing);
        self.effects.push((id, effect));
        id
    }

    /// Appends one record to the open incident, unless it says just that already: then that is said.
    fn append(&mut self, body: impl Into<Body>) {
        let body = body.into();
        let Some(state) = self.model.incident() else { return };
        let incident = state.id;
        if let Some(known) = incident::repeated(state, &body, &self.model.me) {
            let zone = &self.model.looks.zone;
            let said = known.words(|at| zone.to_datetime(at).strftime("%H:%M").to_string());
            return self.say(format!("nothing was recorded: {said}"));
        }
        let signals = signals(self.model, &body).map(|signals| Draft::now(incident, signals));
        let drafts = std::iter::once(Draft::now(incident, body)).chain(signals).collect();
        self.effect("saving", Effect::Append(drafts));
    }

    /// Shows a short word.
    fn say(&mut self, word: impl Into<String>) {
        self.model.word = Some((self.model.now, word.into()));
        self.said = true;
    }

    /// Takes back what was said in a window that is closed by now. What failed stays.
    fn keep_word(&mut self) {
        let windows = self.model.overlays.len();
        if self.said {
            self.model.word_windows = windows;
        } else if self.model.word_windows > windows
            && self.model.word.as_ref().is_some_and(|(_, word)| !word.starts_with('✗'))
        {
            self.model.word = None;
        }
    }

    /// Logs a failure and shows it until it has been looked at.
    fn fail(&mut self, failure: Failure) {
        let now = self.model.now;
        if self.model.failures.len() == Model::MAX_FAILURES {
            self.model.failures.pop_front();
        }
        self.model.failures.push_back((now, failure));
        self.model.unseen += 1;
    }

    /// Removes the top overlay.
    fn pop(&mut self) {
        self.model.overlays.pop();
        self.model.asked_by = None;
        self.hush();
    }

    /// Takes back what was said of a key: it was about the window that was on top.
    fn hush(&mut self) {
        if self.model.word.as_ref().is_some_and(|(_, word)| windows::is_about_a_key(word)) {
            self.model.word = None;
        }
    }

    /// Puts an overlay on top, with what was typed into it before.
    fn push(&mut self, mut overlay: Overlay) {
        let given_back = windows::give_back(self.model, &mut overlay);
        self.model.typing_since = None;
        self.model.overlays.push(overlay);
        self.hush();
        // What was said before is about what the window covers now.
        if self.model.word.as_ref().is_some_and(|(since, _)| *since < self.model.now) {
            self.model.word = None;
        }
        if given_back {
            self.say(windows::GIVEN_BACK);
        }
    }
}

/// Time has passed.
fn tick(model: &mut Model, now: Timestamp) {
    // A clock set back never makes what is shown run backwards.
    model.now = model.now.max(now);
    model.present.forget(model.now);
    elsewhere::fade(model);
    let stays = |word: &str| if word.starts_with('✗') { FAILURE_STAYS } else { WORD_STAYS };
    if model.word.as_ref().is_some_and(|(since, word)| model.now.duration_since(*since) > stays(word)) {
        model.word = None;
    }
}

/// Follows the output of the run in the run view, else in the plan view, else of the latest run.
fn follow(cx: &mut Cx<'_>) {
    if cx.model.run_view().is_some() {
        return;
    }
    let latest = || cx.model.incident()?.run_to_see().map(|run| run.id.clone());
    let latest = plan_view::followed(cx.model).or_else(latest);
    if cx.model.following.as_ref().map(|(_, run)| run) != latest.as_ref() {
        follow_run(cx, latest, PANE_TAIL);
    }
}

/// Follows a run from the last `tail` bytes of its log, or stops following.
fn follow_run(cx: &mut Cx<'_>, run: Option<String>, tail: u64) {
    let last = cx.model.now;
    cx.model.output =
        run.clone().map(|run| super::model::Output { run, terminal: terminal(), last, jobs: Vec::new() });
    let id = cx.effect("following", Effect::Follow { run: run.clone(), tail });
    cx.model.following = run.map(|run| (id, run));
}

/// A terminal as large as the one that commands get.
fn terminal() -> vt100::Parser {
    vt100::Parser::new(lines::SIZE.0, lines::SIZE.1, 0)
}

/// Looks anew how the gates of plans on the screen stand.
fn judge(model: &mut Model) {
    lapsed::keep_up(model);
    overtaken::keep_up(model);
    claims(model);
    let Model { overlays, log, policy, me, now, .. } = model;
    let Some(log) = log else { return };
    for overlay in overlays {
        if let Overlay::Preview(shown) = overlay {
            let mut standings = preview::standings(shown, log.state(), policy, me, *now);
            standings.extend(shown.others.clone().filter(|_| shown.role.is_none()));
            shown.judge(standings);
        }
    }
}

/// Looks again at what speaks against what somebody is about to say. What is new has to be seen before
/// anything confirms it.
fn claims(model: &mut Model) {
    let Some(Overlay::Confirm(asked)) = model.overlays.last() else { return };
    let claim = asked.claim.filter(|_| asked.lapsed.is_empty());
    let (Some(claim), Some(state)) = (claim, model.incident()) else { return };
    let against = incident::against(claim, state, &model.policy, &facts_of(model), model.now);
    if let Some(Overlay::Confirm(asked)) = model.overlays.last_mut()
        && asked.against != against
    {
        asked.against = against;
        asked.shown_ms = None;
    }
}

/// How the signals were, where it is said that users are served again or that it is over.
fn signals(model: &Model, body: &Body) -> Option<incident::SignalsKept> {
    if !matches!(body, Body::Mitigated(_) | Body::Resolved(_)) {
        return None;
    }
    let production = model.config.config.production().map_or("", |env| env.name.as_str());
    let probes = model.probes.iter().map(|probe| &**probe);
    kept::signals(model.incident()?, production, probes, model.now, kept::seen)
}

/// Works out what follows from the rest and the time. What is next is the dear part: it is done anew
/// where a fact or the time `told` something, or a key changed what it depends on. How probes are is
/// looked at where they were `sampled`, too.
fn derive(model: &mut Model, told: bool, sampled: bool) {
    if told {
        model.derived.canaries = rollback::canaries(model);
    }
    let next_of = next_of(model);
    if told || next_of != model.derived.next_of {
        derive_next(model);
        model.derived.next_of = next_of;
    }
    if told || sampled || health::shown_as(model) != model.derived.health.shown_as {
        derive_health(model);
    }
    if told {
        report::refresh(model);
    }
    if told || sampled {
        model.derived.production = Some(production::production(model));
    }
    let rows_of = model.incident().map(|state| (state.id, state.records));
    if (told && take_places(model)) || rows_of != model.derived.rows_of {
        model.derived.rows = timeline::rows(model);
        model.derived.rows_of = rows_of;
        timeline::follow(model);
    } else if timeline::shown_as(model) != model.derived.shown_as {
        timeline::show(model);
    }
    complete::derive(model);
    for pane in Pane::ALL {
        clamp(model, pane);
    }
    let cursor = model.view(Pane::Timeline).cursor;
    model.timeline_at = cursor.and_then(|row| Some((row, model.timeline_entry(row)?.id)));
}

/// Orders the probes anew; the cursor stays on the probe it was on, wherever that is now.
fn derive_health(model: &mut Model) {
    let cursor = model.view(Pane::Health).cursor;
    let name = cursor.and_then(|_| model.charted()).map(|probe| probe.name.clone());
    model.derived.health = health::health(model);
    let row = name.and_then(|name| model.health_rows().position(|probe| probe.name == name));
    if row.is_some() {
        model.view_mut(Pane::Health).cursor = row;
    }
}

/// What is next depends on, besides facts and time.
fn next_of(model: &Model) -> NextOf {
    let runs = model.view(Pane::Runs);
    NextOf {
        incident: model.incident().map(|state| (state.id, state.records)),
        focus: Some(model.focus),
        runs: (runs.cursor, runs.filter.clone()),
        output: model.run_view().is_some(),
        question: model.question().map(|(run, question)| (run.to_owned(), question)),
        healthy: healthy(model),
        has_looked: model.has_looked_at_changes(),
        guide: model.looks.guide,
    }
}

/// Works out the clocks, what is next and the keys that do it.
fn derive_next(model: &mut Model) {
    // They take a plan to be made: once is enough.
    let facts = model.incident().map(|_| facts_of(model)).unwrap_or_default();
    let (clocks, next) = match model.incident() {
        None => (Vec::new(), Vec::new()),
        Some(state) => {
            let next = incident::next(state, &model.policy, &facts, model.now);
            let mut clocks = incident::all_clocks(state, &model.policy, model.now);
            // Of those that are due at the same time the first is what is done first.
            clocks.sort_by_key(|clock| {
                let meets = |next: &Next| next.due_at == Some(clock.due_at) && clock.is_met_by(next.action);
                (clock.state.urgency(), clock.due_at, next.iter().position(meets).unwrap_or(usize::MAX))
            });
            (clocks, next)
        }
    };
    // What is seen on the screen is newer than what is on record of it.
    let asked = pressing::asked(model);
    let is_asked = |next: &Next| {
        asked.as_ref().is_some_and(|(one, _)| one.action == next.action && one.argument == next.argument)
    };
    let next: Vec<Next> = next.into_iter().filter(|next| !is_asked(next)).collect();
    model.derived.spoken = next
        .iter()
        .find(|next| next.action == "plan" && !next.argument.is_empty())
        .map(|one| one.argument.clone());
    let next: Vec<(Next, String)> = pressing::gone(model)
        .into_iter()
        .chain(pressing::elsewhere(model))
        .chain(asked)
        .chain(next.into_iter().map(|next| {
            let keys = keys_to(model, next.action, &next.argument);
            (next, keys)
        }))
        .collect();
    let guide = guide(model, &next, &facts);
    let approvals = approvals::count(model, &facts.missing);
    let before = std::mem::take(&mut model.derived);
    model.derived = Derived { clocks, next, guide, approvals, ..before };
    model.derived.loud = Loud::of(model);
}

/// The keys that lead to an action.
pub fn keys_to(model: &Model, action: &str, argument: &str) -> String {
    match Command::parse(action) {
        Some(Command::Answer) => keys_to_answer(model),
        // What people are told is written from the record, sent and recorded in one window.
        Some(Command::Told) => menus::path(model, &Command::Message.into()),
        Some(command) => menus::path(model, &Invoke { command, argument: argument.to_owned() }),
        None => String::new(),
    }
}

/// The keys that lead to answering a command: by way of its output, if that is not open.
fn keys_to_answer(model: &Model) -> String {
    let keys = [Command::FocusRuns, Command::Open, Command::Answer]
        .map(|command| model.keymap.key(command).map_or_else(String::new, |key| key.to_string()));
    if model.run_view().is_some() { keys.into_iter().skip(2).collect() } else { keys.join(" ") }
}

/// What a drill says to a newcomer about what is next.
fn guide(model: &Model, next: &[(Next, String)], facts: &Facts) -> Option<String> {
    if !model.drill || !model.looks.guide {
        return None;
    }
    let with_keys = |text: &str, action| format!("{text}  [{}]", keys_to(model, action, ""));
    let Some(state) = model.incident() else {
        // Whoever has declared it knows how.
        return model.incidents.is_empty().then(|| with_keys(guide::BEFORE.1, guide::BEFORE.0));
    };
    let (next, keys) = next.first()?;
    let text = guide::about(next, facts, state)?;
    // The keys of the step itself stand beside it already.
    let prepared = keys.is_empty() && guide::can_be_prepared(facts, state);
    let text = in_keys(model, text);
    Some(if prepared { with_keys(&text, guide::PREPARED) } else { text })
}

/// A text with the keys in place of the commands that it names: `{tick.pass} ticks it`.
fn in_keys(model: &Model, text: &str) -> String {
    let mut parts = text.split(['{', '}']);
    let mut said = parts.next().unwrap_or_default().to_owned();
    while let Some(action) = parts.next() {
        said += &keys_to(model, action, "");
        said += parts.next().unwrap_or_default();
    }
    said
}

/// Takes in which environment each probe watches; tells whether that changed.
fn take_places(model: &mut Model) -> bool {
    let config = &model.config.config;
    let production = config.production().map_or("", |env| env.name.as_str());
    let place = |environment: &str| {
        if environment.is_empty() { production.to_owned() } else { environment.to_owned() }
    };
    let places: BTreeMap<String, String> =
        config.probes.iter().map(|probe| (probe.name.clone(), place(&probe.environment))).collect();
    let changed = places != model.derived.places;
    model.derived.places = places;
    changed
}

/// What is known besides the record, for the question what is next.
fn facts_of(model: &Model) -> Facts {
    let known = Known {
        state: model.incident(),
        config: &model.config.config,
        checklist: model.checklist(),
        may_run: model.may_run(),
        untrusted: matches!(model.config.source, super::model::ConfigSource::Untrusted { .. }),
        me: &model.me,
        here: model.here,
        now: model.now,
        probes: model.probes.iter().map(|probe| Probed::from(&**probe)).collect(),
        green_since: production::green_since(model),
        branch: model.repository(),
        outlook: model.outlook.as_ref(),
        pull: model.pull.as_ref(),
        looked: model.way_back(),
        has_looked: model.has_looked_at_changes(),
        runbook: model.runbook_to_read(),
        missing: approvals::missing(model),
    };
    known.facts()
}

/// Health of production.
fn healthy(model: &Model) -> Option<bool> {
    let probes = model.probes.iter().map(|probe| Probed::from(&**probe));
    known::healthy(probes.filter(|probe| model.config.config.watches_production(probe.environment)))
}

/// Keeps cursor and scroll of a pane inside its rows, and the cursor in view.
fn clamp(model: &mut Model, pane: Pane) {
    let rows = model.rows(pane);
    let view = model.view_mut(pane);
    let height = usize::from(view.height).max(1);
    let last = rows.saturating_sub(1);
    if let Some(cursor) = &mut view.cursor {
        *cursor = (*cursor).min(last);
        view.top = view.top.min(*cursor).max((*cursor + 1).saturating_sub(height));
    } else {
        view.top = if pane == Pane::Timeline { rows.saturating_sub(height) } else { 0 };
    }
    view.top = view.top.min(rows.saturating_sub(height));
}

/// Moves the cursor of a pane by so many rows.
fn move_by(model: &mut Model, pane: Pane, by: isize) {
    let rows = model.rows(pane);
    let view = model.view_mut(pane);
    let here = view.cursor.unwrap_or(if pane == Pane::Timeline { rows.saturating_sub(1) } else { 0 });
    let there = here.saturating_add_signed(by).min(rows.saturating_sub(1));
    // At its end the timeline follows what comes.
    let follows = pane == Pane::Timeline && by > 0 && there + 1 >= rows;
    view.cursor = if follows { None } else { Some(there) };
}

#[cfg(test)]
pub(crate) mod tests;

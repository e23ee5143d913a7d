//! Ways back: when they are looked for, and the screen that shows them.

use jiff::SignedDuration;

use super::super::commands::{Command, Scope};
use super::super::key::Key;
use super::super::model::Model;
use super::super::msg::{Effect, EffectId};
use super::super::overlay::{Overlay, PlanView, Rollback};
use super::super::production::Word;
use super::super::ways::{Canary, Looked};
use super::{Cx, invoke, menus, plan_view, windows};
use crate::deploy::rollback::{self, Way};
use crate::hotfix::state::BranchState;
use crate::incident::{Body, Decision, Draft, PlanEnd, PlanRun, PlanState, State};
use crate::plan::{Plan, Purpose, Request};

/// What is being done while a plan is made of a way.
const MAKING: &str = "making the rollback plan";

/// How often production is asked what is live there.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// Looks again where something changed that ways back depend on. One look at a time: what
/// changes meanwhile is looked at after it.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    let ways = &cx.model.ways;
    if ways.looking.is_some() || !cx.model.may_run() {
        return;
    }
    let Some(env) = cx.model.config.config.production() else { return };
    // What can tell what is live there is asked again and again: somebody may deploy past the record.
    let tells = env.tells_history() && cx.model.incident().is_some_and(State::is_open);
    let looked = ways.known.get(&env.name).map(|looked| looked.at);
    let is_old = tells && looked.is_some_and(|at| cx.model.now.duration_since(at) >= AGAIN);
    if !ways.stale && !is_old {
        return;
    }
    let environment = env.name.clone();
    look(cx, environment);
}

/// What ways back depend on of the repository: the commits, not what is being edited.
pub(super) fn depends(branch: Option<&BranchState>) -> Option<(Option<&str>, Option<&str>, &[String])> {
    let branch = branch?;
    Some((branch.commit(), branch.base_at.as_ref().map(|base| base.commit.as_str()), &branch.tags))
}

/// Tells whether a record says something that ways back depend on.
pub(super) fn matters(body: &Body) -> bool {
    match body {
        Body::Released(_) | Body::ReleaseJudged(_) => true,
        Body::PlanEnded(ended) => ended.end == PlanEnd::Done,
        _ => false,
    }
}

fn look(cx: &mut Cx<'_>, environment: String) {
    cx.model.ways.stale = false;
    let id = cx.effect("checking the rollback options", Effect::LookBack { environment });
    cx.model.ways.looking = Some(id);
}

/// A look has ended.
pub(super) fn looked(model: &mut Model, id: EffectId) {
    if model.ways.looking == Some(id) {
        model.ways.looking = None;
    }
}

/// Takes in what a look showed.
pub(super) fn found(cx: &mut Cx<'_>, environment: String, found: Looked) {
    cx.model.ways.known.insert(environment, found);
    record_live(cx);
}

/// Records what was live in production when the incident was declared, once that is known.
pub(super) fn record_live(cx: &mut Cx<'_>) {
    let Some(env) = cx.model.config.config.production() else { return };
    let state = cx.model.incident().filter(|state| state.is_open() && cx.model.read_only.is_none());
    let looked = cx.model.ways.known.get(&env.name);
    let live = state.zip(looked).and_then(|(state, looked)| {
        let live = state.live_to_record(&env.name, &looked.past)?;
        Some(Draft::now(state.id, live))
    });
    if let Some(live) = live {
        cx.effect("saving", Effect::Append(vec![live]));
    }
}

/// Keeps the cursor of the screen on the way it was on; where that is gone, or nothing was known yet, it
/// begins anew.
pub(super) fn settle(model: &mut Model) {
    let lost = |screen: &Rollback| {
        let known = ways(model, &screen.environment).unwrap_or_default();
        let stands = known.iter().any(|way| way.id == screen.way);
        let has_canary = || screen.way == UNDO && canary(model, &screen.environment).is_some();
        (!known.is_empty() && !stands && !has_canary()).then(|| begins_on(model, &screen.environment))
    };
    let screens = model.overlays.iter().map(|overlay| match overlay {
        Overlay::Rollback(screen) => lost(screen),
        _ => None,
    });
    let moved: Vec<Option<String>> = screens.collect();
    for (overlay, way) in model.overlays.iter_mut().zip(moved) {
        if let (Overlay::Rollback(screen), Some(way)) = (overlay, way) {
            screen.way = way;
        }
    }
}

/// Stands for the id of a way where the cursor is on taking the canary back.
pub(crate) const UNDO: &str = "undo the canary";

/// What the cursor begins on: taking a canary back, which is nearer than any way back of the whole; else what
/// NEXT names, else the best way.
fn begins_on(model: &Model, environment: &str) -> String {
    if canary(model, environment).is_some() {
        return UNDO.to_owned();
    }
    let Some(ways) = ways(model, environment) else { return String::new() };
    let way = named(model, environment, ways).or(rollback::nearest(ways)).or(ways.first());
    way.map(|way| way.id.clone()).unwrap_or_default()
}

/// The way that NEXT tells people to take: "mitigate first: turn charge-at-once off, proven ready".
fn named<'a>(model: &Model, environment: &str, ways: &'a [Way]) -> Option<&'a Way> {
    model.config.config.production().filter(|production| production.name == environment)?;
    let (next, _) = model.derived.next.iter().find(|(next, _)| next.action == "rollback")?;
    let ready =
        ways.iter().filter(|way| way.ready == rollback::Ready::Yes && next.title.contains(&way.title));
    // One title may begin as another does: redeploy v1.4, redeploy v1.4.1.
    ready.max_by_key(|way| way.title.len())
}

/// Opens the screen on an environment; on production where none is named.
pub(super) fn open(cx: &mut Cx<'_>, environment: &str) {
    let config = &cx.model.config.config;
    let named = config.environments.iter().find(|env| env.name == environment);
    let Some(env) = named.or_else(|| config.production()) else { return };
    let environment = env.name.clone();
    let way = begins_on(cx.model, &environment);
    cx.push(Overlay::Rollback(Rollback { environment: environment.clone(), way, top: 0 }));
    if cx.model.ways.looking.is_none() {
        look(cx, environment);
    }
}

fn ways<'a>(model: &'a Model, environment: &str) -> Option<&'a [Way]> {
    model.ways.known.get(environment)?.ways.as_deref().ok()
}

/// A key for the screen.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    match windows::command(cx.model, &[Scope::Rollback], key) {
        Some(Command::Back) => cx.pop(),
        Some(Command::Open) if screen(cx).is_some_and(|(_, way)| way == UNDO) => undo_canary(cx, key),
        Some(Command::Open) => take(cx),
        Some(Command::NextPane) => other(cx),
        Some(Command::PageDown) => scroll(cx, true),
        Some(Command::PageUp) => scroll(cx, false),
        Some(Command::RollbackAgain) => again(cx),
        Some(Command::RollbackNot) => rule_out(cx),
        _ if cx.model.keymap.within(Scope::Plan, key) == Some(Command::PlanUndo) => undo_canary(cx, key),
        command => match command.and_then(|command| windows::motion(command, 1)) {
            Some(by) => step(cx, by),
            None => windows::unknown(cx, key),
        },
    }
}

fn screen(cx: &Cx<'_>) -> Option<(String, String)> {
    match cx.model.overlays.last() {
        Some(Overlay::Rollback(screen)) => Some((screen.environment.clone(), screen.way.clone())),
        _ => None,
    }
}

fn step(cx: &mut Cx<'_>, by: isize) {
    let Some((environment, way)) = screen(cx) else { return };
    let undo = canary(cx.model, &environment).map(|_| UNDO);
    let ways = ways(cx.model, &environment).unwrap_or_default();
    let ids: Vec<&str> = undo.into_iter().chain(ways.iter().map(|way| way.id.as_str())).collect();
    let here = ids.iter().position(|id| *id == way).unwrap_or(0);
    let there = here.saturating_add_signed(by).min(ids.len().saturating_sub(1));
    let Some(id) = ids.get(there).map(|id| (*id).to_owned()) else { return };
    if let Some(Overlay::Rollback(screen)) = cx.model.overlays.last_mut() {
        (screen.way, screen.top) = (id, 0);
    }
}

fn scroll(cx: &mut Cx<'_>, down: bool) {
    let page = usize::from(cx.model.overlay_height.saturating_sub(1)).max(1);
    if let Some(Overlay::Rollback(screen)) = cx.model.overlays.last_mut() {
        screen.top = if down { screen.top.saturating_add(page) } else { screen.top.saturating_sub(page) };
    }
}

/// The next environment.
fn other(cx: &mut Cx<'_>) {
    let Some((environment, _)) = screen(cx) else { return };
    let environments = &cx.model.config.config.environments;
    let here = environments.iter().position(|env| env.name == environment).unwrap_or(0);
    let Some(next) = environments.get((here + 1) % environments.len().max(1)) else { return };
    let next = next.name.clone();
    if next != environment {
        cx.pop();
        open(cx, &next);
    }
}

fn again(cx: &mut Cx<'_>) {
    let Some((environment, _)) = screen(cx) else { return };
    if cx.model.ways.looking.is_some() {
        cx.say("already looking");
    } else {
        look(cx, environment);
    }
}

/// Why a way back of an environment cannot be taken now.
pub(super) fn blocked(model: &Model, environment: &str) -> Option<String> {
    if let Some(why) = model.unsaved() {
        return Some(why);
    }
    if model.incident().is_none() {
        return Some(menus::needs_incident(model));
    }
    let key = |command| model.keymap.key(command).map_or_else(String::new, |key| key.to_string());
    menus::needs_config(model, Command::RollBack).or_else(|| {
        let why = menus::busy(model, environment)?;
        let waits = model.holder(environment).is_some_and(|plan| plan.state == PlanState::Waiting);
        // What waits can be taken back as it stands: that is the way back.
        let out = format!("; undo it: {} {}", key(Command::Plan), key(Command::PlanUndo));
        Some(if waits { why + &out } else { why })
    })
}

/// What one does instead where nothing is configured that could go back.
pub(super) fn by_hand(model: &Model) -> String {
    let keys: Vec<String> = [Command::Notes, Command::ActionTaken]
        .iter()
        .filter_map(|one| model.keymap.key(*one))
        .map(|key| key.to_string())
        .collect();
    let keys = if keys.len() == 2 { format!(" ({})", keys.join(" ")) } else { String::new() };
    format!("no flightdeck.toml: put production back by hand, then record it{keys}")
}

/// Finds the canaries that have a share of the users of an environment: their plans are decoded for that.
pub(super) fn canaries(model: &Model) -> Vec<Canary> {
    let Some(state) = model.incident() else { return Vec::new() };
    let has_share =
        |plan: &&PlanRun| plan.state.is_under_way() && plan.purpose == "deploy" && plan.share().is_some();
    let running = state.plans.iter().rev().filter(has_share);
    let production = super::approvals::production(model);
    let mut found: Vec<Canary> = Vec::new();
    for plan in running.chain(state.shares_left().map(|share| share.plan)) {
        let undo = PlanView::new(plan)
            .choices(plan, model)
            .into_iter()
            .find(|choice| matches!(choice.decision, Decision::Undo { .. }));
        let Some(undo) = undo.filter(|_| found.iter().all(|known| known.environment != plan.target)) else {
            continue;
        };
        let live = super::production::live(model).0.filter(|_| production == Some(plan.target.as_str()));
        found.push(Canary {
            environment: plan.target.clone(),
            plan: plan.id.clone(),
            brings: plan.brings_beside(live.as_deref()),
            share: plan.share(),
            undo: undo.title,
        });
    }
    found
}

/// What is to be known before an environment is rolled back, a line each: that it is well already, which flags are
/// off, and what is still being done there.
pub(crate) fn before(model: &Model, environment: &str) -> Vec<String> {
    let Some(state) = model.incident() else { return Vec::new() };
    let is_production = super::approvals::production(model) == Some(environment);
    let heed = rollback::heed(state, environment, "", well(model).filter(|_| is_production), model.now);
    heed.into_iter().chain(rollback::under_way(state, environment)).collect()
}

/// The same of the plan of a rollback. What has its target stands where it would be confirmed.
pub(crate) fn notices(model: &Model, plan: &Plan) -> Vec<String> {
    let Some(state) = model.incident().filter(|_| plan.purpose == Purpose::Rollback) else {
        return Vec::new();
    };
    let production = super::approvals::production(model).unwrap_or_default();
    let heed = rollback::heed_of(plan, state, production, well(model), model.now);
    let under_way = rollback::under_way(state, &plan.target).filter(|_| model.holder(&plan.target).is_none());
    heed.into_iter().chain(under_way).collect()
}

/// Whether production is seen to be well, and since when.
fn well(model: &Model) -> Option<rollback::Well> {
    let found = model.derived.production.as_ref().filter(|found| found.word == Word::Healthy)?;
    Some(rollback::Well { since: found.since })
}

/// The canary that has a share of the users of an environment.
pub(crate) fn canary<'a>(model: &'a Model, environment: &str) -> Option<&'a Canary> {
    model.derived.canaries.iter().find(|canary| canary.environment == environment)
}

/// Asks to take the canary back, as the plan itself does.
fn undo_canary(cx: &mut Cx<'_>, key: Key) {
    let Some((environment, _)) = screen(cx) else { return };
    let Some(plan) = canary(cx.model, &environment).map(|canary| canary.plan.clone()) else {
        return windows::unknown(cx, key);
    };
    plan_view::open(cx, &plan);
    plan_view::ask(cx, Command::PlanUndo);
}

/// Asks why production is not put back, for the record: then nobody is told to do it any more.
fn rule_out(cx: &mut Cx<'_>) {
    match menus::blocked(cx.model, Command::RollbackNot) {
        Some(why) => cx.say(format!("no rollback: {why}")),
        None => invoke::ask_no_rollback(cx),
    }
}

/// Makes the plan of the way the cursor is on.
fn take(cx: &mut Cx<'_>) {
    let Some((environment, way)) = screen(cx) else { return };
    if let Some(why) = blocked(cx.model, &environment) {
        cx.say(format!("roll back: {why}"));
        return;
    }
    let known = ways(cx.model, &environment).is_some_and(|ways| ways.iter().any(|known| known.id == way));
    let making = cx.model.in_flight.values().any(|doing| *doing == MAKING);
    if known && !making {
        cx.effect(MAKING, Effect::Prepare(Request::Rollback { environment, way: Some(way) }));
    }
}

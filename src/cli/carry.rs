//! What the verbs share that change the world: plan, confirmation, start, and following.

use std::io::{BufRead as _, IsTerminal as _};

use super::End;
use super::args::WorldArgs;
use super::context::{Context, Loaded, Wanted};
use super::follow::follow;
use super::preview::preview as preview_with;
use crate::conductor::{self, Fresh, Others, PassOver, Started};
use crate::config::types::Config;
use crate::deploy::rollback;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Body, History, NoteKind, Policy, Proposal, Record};
use crate::plan::gates::{self, CANARY, Gate, LEASE, VERDICT};
use crate::plan::remedy::Refused;
use crate::plan::{Plan, Purpose, Request, confirmed, proposal};
use crate::text::visible;

/// Makes a plan of a request and does with it what was asked: shows it, puts it up for approval,
/// or confirms, starts and follows it.
///
/// # Errors
/// The plan cannot be made, a gate is not met, it is not confirmed, or its target is held by
/// somebody else.
pub(super) fn carry(cx: &Context, config: &Config, request: &Request, world: &WorldArgs) -> Result<End> {
    carry_for(cx, config, request, world, None)
}

/// The same for what is asked for again and again, and needs a word only in the end: `given` may
/// then be given all along.
///
/// # Errors
/// As [`carry`].
pub(super) fn carry_for(
    cx: &Context,
    config: &Config,
    request: &Request,
    world: &WorldArgs,
    given: Option<&str>,
) -> Result<End> {
    let policy = Policy::built_in().with(&config.policy);
    if world.json {
        cx.out.only_json();
    }
    if world.dry_run {
        return dry_run(cx, config, &policy, request, world);
    }
    let mut loaded = cx.load(wanted(request))?;
    let id = conductor::plan_id(loaded.state(), request, loaded.journal.author().node);
    let plan = made(cx, config, &id, request, Fresh::Fetch)?;
    if let Some(nothing) = plan.nothing_left() {
        return nothing_left(cx, &mut loaded, &plan, &nothing, world.json);
    }
    if world.propose {
        return propose(cx, &mut loaded, &policy, &plan, world.json);
    }
    let pass_over = passed_over(world)?;
    let mut world = world.clone();
    if plan.confirm.is_none() && given.is_some() && world.confirm.as_deref() == given {
        world.confirm = None;
    }
    let world = &world;
    let confirmed = confirm(cx, &loaded, &policy, &plan, world, &pass_over)?;
    conductor::require_unchanged(cx.root()?, &plan)?;
    let repository = &cx.repository(&loaded.journal)?;
    let incident = loaded.state().id;
    let seq = loaded.seq;
    let started = conductor::start(
        &mut loaded.journal,
        &cx.state_dir,
        incident,
        repository,
        &plan,
        &confirmed,
        &policy,
        &pass_over,
    )?;
    match started {
        Started::Held(lease) => Err(conductor::held(&format!("starting {}", plan.title), &lease, cx.now())),
        Started::Yes(records) if world.detach => {
            tell_problems(cx, &records);
            print_id(cx, "plan", &plan.id, world.json)?;
            Ok(End::Done)
        }
        Started::Yes(records) => {
            cx.out.tell(&format!("{}  ({})", plan.title, plan.id));
            tell_problems(cx, &records);
            tell_notes(cx, &plan);
            let end = follow(cx, &mut loaded.journal, incident, &plan.id, seq)?;
            // Of a flag its state is the result: whoever turned it prints that.
            if world.json && !matches!(request, Request::Flag { .. }) {
                let (log, _) = loaded.journal.load(incident)?;
                super::plan::json(cx, log.state(), loaded.journal.author().node, &plan.id)?;
            }
            Ok(end)
        }
    }
}

/// Which incident is meant where none is named: some things are done afterwards.
fn wanted(request: &Request) -> Wanted {
    match request {
        Request::FollowUps { .. } => Wanted::Ended,
        Request::Report(_) => Wanted::Last,
        _ => Wanted::Open,
    }
}

/// Says that nothing is left to do, and records what was found to be there.
fn nothing_left(cx: &Context, loaded: &mut Loaded, plan: &Plan, said: &str, json: bool) -> Result<End> {
    for follow_up in &plan.follow_ups {
        loaded.append(None, cx.now(), follow_up.what.clone())?;
    }
    if json {
        cx.out.json(&serde_json::json!({ "plan": null, "nothing_left": plan.notes }))?;
    } else {
        cx.out.line(&visible(said))?;
    }
    Ok(End::Done)
}

/// Shows the plan and how its gates stand. Where no incident is open nothing is known of them.
fn dry_run(
    cx: &Context,
    config: &Config,
    policy: &Policy,
    request: &Request,
    world: &WorldArgs,
) -> Result<End> {
    let (json, verbose) = (world.json, world.verbose);
    let plan = made(cx, config, "dry-run", request, Fresh::Ask)?;
    if let Some(nothing) = plan.nothing_left().filter(|_| !json) {
        cx.out.line(&visible(&nothing))?;
        return Ok(End::Done);
    }
    let loaded = cx.load_to_read(wanted(request)).ok();
    let mut notices = loaded.as_ref().map_or_else(Vec::new, |loaded| notices(cx, config, &plan, loaded));
    let others =
        |loaded: &Loaded| conductor::others(&loaded.journal, &cx.state_dir, loaded.state().id, &plan);
    let lease = match loaded.as_ref().and_then(others) {
        Some(Others::Held(who)) => {
            notices.push(who);
            None
        }
        Some(Others::Gate(standing)) => Some(standing),
        None => None,
    };
    let standings = loaded.map(|loaded| {
        let (state, by) = (loaded.state(), &loaded.journal.author().name);
        let mut standings = gates::evaluate(&plan, &plan.hash(), state, policy, by, cx.now());
        standings.extend(lease);
        standings
    });
    if json {
        let gates = standings.unwrap_or_default();
        let all =
            serde_json::json!({ "plan": plan, "hash": plan.hash(), "gates": gates, "notices": notices });
        cx.out.json(&super::plan::show::shown(&all)?)?;
    } else {
        for notice in notices {
            cx.out.lines(&format!("▲ {notice}\n"))?;
        }
        cx.out.lines(&preview_with(&plan, standings.as_deref(), verbose))?;
    }
    Ok(End::Done)
}

/// What a person should know before a rollback, by the record.
fn notices(cx: &Context, config: &Config, plan: &Plan, loaded: &Loaded) -> Vec<String> {
    if plan.purpose != Purpose::Rollback {
        return Vec::new();
    }
    let (state, production) = (loaded.state(), config.production().map_or("", |env| env.name.as_str()));
    let probes = config.probes.iter().filter(|probe| config.watches_production(&probe.environment));
    let since = state.recovered_at(probes.map(|probe| probe.name.as_str()));
    let well = since.map(|since| rollback::Well { since: Some(since) });
    let heed = rollback::heed_of(plan, state, production, well, cx.now());
    heed.into_iter().chain(rollback::under_way(state, &plan.target)).collect()
}

fn print_id(cx: &Context, what: &str, id: &str, json: bool) -> Result<()> {
    if json { cx.out.json(&serde_json::json!({ what: id })) } else { cx.out.line(id) }
}

/// Puts a plan up for approval and prints the id of the proposal.
fn propose(cx: &Context, loaded: &mut Loaded, policy: &Policy, plan: &Plan, json: bool) -> Result<End> {
    let doing = format!("asking for approval of {}", visible(&plan.title));
    let mut proposed = proposal::propose(plan)
        .ok_or_else(|| Failure::new(doing.clone(), "the plan cannot be saved", "start it without asking"))?;
    proposed.by_assistant = cx.assistant.is_some();
    let id = proposed.plan.clone();
    let state = loaded.state();
    // What an assistant proposed, a person may propose as well: then it is theirs.
    let is_said = |waits: &Proposal| {
        waits.hash == proposed.hash && !waits.by_vote && (proposed.by_assistant || !waits.by_assistant)
    };
    if proposal::waiting(state).any(is_said) {
        cx.out.tell("approval was asked for already");
    } else {
        if proposed.by_assistant && proposal::of_assistants(state).count() >= proposal::MOST_OF_ASSISTANTS {
            let cause = format!("{} proposals of assistants wait already", proposal::MOST_OF_ASSISTANTS);
            let hint = "nothing was proposed; people start or reject those first: flightdeck plan list";
            return Err(Failure::of(FailureKind::Gate, doing, cause, hint));
        }
        loaded.append(None, cx.now(), proposed)?;
        cx.out.tell(&format!("proposed for approval: {}", visible(&plan.title)));
    }
    if let Some(verdict) = gates::condemned(plan, loaded.state(), policy) {
        cx.out.tell(&format!("▲ it {}", visible(&verdict.shuts_out())));
    }
    print_id(cx, "proposal", &id, json)?;
    Ok(End::Done)
}

fn made(cx: &Context, config: &Config, id: &str, request: &Request, fresh: Fresh) -> Result<Plan> {
    on_ground(cx, config, fresh, |ground| conductor::prepare(ground, id, request))
}

/// Does something with what plans are made on.
///
/// # Errors
/// The repository or the journal cannot be read, or that fails.
pub(super) fn on_ground<T>(
    cx: &Context,
    config: &Config,
    fresh: Fresh,
    work: impl FnOnce(&conductor::Ground<'_>) -> Result<T>,
) -> Result<T> {
    let policy = Policy::built_in().with(&config.policy);
    let history = history(cx)?;
    let ground = conductor::Ground {
        root: cx.root()?,
        state_dir: &cx.state_dir,
        config,
        policy: &policy,
        history: &history,
        now: cx.now(),
        fresh,
    };
    work(&ground)
}

/// What is known of releases and ways back.
pub(super) fn history(cx: &Context) -> Result<History> {
    let journal = cx.journal_to_read()?;
    journal.history(&cx.repository(&journal)?)
}

/// The plan as it is shown before it runs, without how its gates stand.
pub(super) fn preview(plan: &Plan) -> String {
    preview_with(plan, None, true)
}

/// How the plan was confirmed, in words.
///
/// # Errors
/// It is not confirmed, or a gate is in the way that is not or may not be passed over.
fn confirm(
    cx: &Context,
    loaded: &Loaded,
    policy: &Policy,
    plan: &Plan,
    world: &WorldArgs,
    pass_over: &[PassOver],
) -> Result<String> {
    let doing = || format!("confirming {}", plan.title);
    let target = plan.word();
    if let Some(said) = world.confirm.as_ref().filter(|said| *said != target) {
        tell_notes(cx, plan);
        let cause = format!("--confirm names {}, the plan's target is {}", visible(said), visible(target));
        return Err(Failure::usage(doing(), cause, "nothing was started; look at the plan with --dry-run"));
    }
    let by = &loaded.journal.author().name;
    let (hash, state, now) = (&plan.hash(), loaded.state(), cx.now());
    let standings = gates::evaluate(plan, hash, state, policy, by, now);
    let mut blocking = standings.iter().filter(|standing| standing.blocks()).peekable();
    let passes = blocking.peek().is_some();
    if !blocking.all(|gate| gate.may_pass_over && pass_over.iter().any(|given| given.gate == gate.id)) {
        // No confirmation would help.
        return Err(conductor::blocked(&Refused { plan, hash, state, policy, by, now }, &standings));
    }
    if world.confirm.is_some() {
        return Ok(confirmed::given(target));
    }
    if plan.confirm.is_none() && !passes {
        return Ok("by the verb".to_owned());
    }
    let hint = format!("look at the plan with --dry-run, then add --confirm {}", visible(target));
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        tell_notes(cx, plan);
        let cause = if passes {
            format!("to override a gate, also confirm the target: --confirm {}", visible(target))
        } else if plan.purpose == Purpose::Runbook && target != plan.target {
            "this runbook is not trusted: type its name to confirm".to_owned()
        } else {
            format!("{} is protected: confirm it by its name", visible(target))
        };
        return Err(Failure::usage(doing(), cause, hint));
    }
    cx.out.tell(&preview_with(plan, Some(&standings), world.verbose));
    // What was typed before the question was asked is no answer to it.
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    cx.out.tell(&format!("type {} to continue, anything else to cancel:", visible(target)));
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    read.map_err(|error| Failure::new(doing(), error, hint.clone()))?;
    if typed.trim_end_matches(['\r', '\n']) == target {
        return Ok(confirmed::typed(target));
    }
    Err(Failure::usage(doing(), "what was typed is not the name of its target", hint))
}

/// What was written down as a problem with the start of a plan.
pub(super) fn tell_problems(cx: &Context, records: &[Record]) {
    for record in records {
        if let Body::Noted(noted) = &record.body
            && noted.kind == NoteKind::Problem
        {
            cx.out.tell(&format!("  ▲ {}", visible(&noted.text)));
        }
    }
}

/// What has to be known of a plan, and why it asks for the word it asks for.
fn tell_notes(cx: &Context, plan: &Plan) {
    for note in &plan.notes {
        cx.out.tell(&format!("  note: {}", visible(note)));
    }
}

/// The gates to be passed over, each with its reason.
fn passed_over(world: &WorldArgs) -> Result<Vec<PassOver>> {
    let doing = "overriding gates";
    if world.pass_over.is_empty() && world.reason.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(unknown) = world.pass_over.iter().find(|gate| !Gate::may_be_named(gate)) {
        let cause = format!("unknown gate {}", visible(unknown));
        return Err(Failure::usage(
            doing,
            cause,
            format!("the gates are: {}, {VERDICT}, {CANARY}, {LEASE}", Gate::IDS.join(", ")),
        ));
    }
    let reasons = &world.reason;
    if reasons.iter().any(|reason| reason.trim().is_empty())
        || (reasons.len() != 1 && reasons.len() != world.pass_over.len())
    {
        let cause = "give one --reason for all overrides, or one for each";
        return Err(Failure::usage(doing, cause, "--override GATE --reason WHY"));
    }
    let reason = |index: usize| reasons.get(index).or(reasons.first()).cloned().unwrap_or_default();
    let given = world.pass_over.iter().enumerate();
    Ok(given.map(|(index, gate)| PassOver { gate: gate.clone(), reason: reason(index) }).collect())
}

//! The plan on the screen while it is carried out, and what a person decides about it.

use super::super::commands::{Command, Invoke, Scope};
use super::super::edit::LineEdit;
use super::super::key::{Code, Key};
use super::super::model::{Model, Pane};
use super::super::msg::{Effect, KeyPress};
use super::super::overlay::{Asks, Decide, Overlay, PlanView, Way};
use super::confirm::{TOO_QUICK, TYPED_AHEAD, is_quiet, may_confirm, may_enter, may_type};
use super::{Cx, invoke, run_view, windows};
use crate::incident::{Decision, PlanRun, Run, StepRun};
use crate::plan::Plan;
use crate::plan::gates::Standing;
use crate::plan::progress::{self, Choice, Meaning};

/// The plan that the key for plans opens: in the runs that of the cursor, else the one that
/// matters most.
pub(super) fn meant(model: &Model) -> Option<&PlanRun> {
    if model.focus == Pane::Runs
        && let Some(row) = model.view(Pane::Runs).cursor
    {
        return model.plan_rows().nth(row);
    }
    elsewhere(model)
}

/// The plan that the key opens where no run is under the cursor: the one that what is next speaks of, else the
/// one that matters most.
pub(super) fn elsewhere(model: &Model) -> Option<&PlanRun> {
    let state = model.incident()?;
    let spoken = model.derived.spoken.as_deref().and_then(|id| state.plan(id));
    spoken.or_else(|| state.plan_to_see())
}

/// Opens the view of a plan; of the one that is meant where none is named.
pub(super) fn open(cx: &mut Cx<'_>, id: &str) {
    let plan = match id {
        "" => meant(cx.model),
        id => cx.model.incident().and_then(|state| state.plan(id)),
    };
    match plan.map(PlanView::new) {
        Some(view) => cx.push(Overlay::Plan(Box::new(view))),
        None => cx.say("nothing was run yet"),
    }
}

/// Opens what Enter means on a plan in the runs: its output, or how it stands where there is
/// more to it than that.
pub(super) fn open_row(cx: &mut Cx<'_>, plan: &PlanRun) {
    let undecided = cx.model.incident().is_some_and(|state| state.undecided().any(|one| one.id == plan.id));
    match plan.steps.as_slice() {
        [StepRun { run: Some(run), .. }] if !undecided => run_view::open(cx, run.id.clone()),
        _ => open(cx, &plan.id),
    }
}

/// The run of a step that is worth seeing: the one that undoes it, else its own.
fn run_of(step: &StepRun) -> Option<&Run> {
    step.undo.as_ref().or(step.run.as_ref())
}

/// The run whose output the plan view shows, if one is open.
pub(super) fn followed(model: &Model) -> Option<String> {
    let (view, run) = viewed(model)?;
    let step = run.steps.get(view.step(run)).and_then(run_of);
    let latest = || run.steps.iter().rev().find_map(run_of);
    step.or_else(latest).map(|run| run.id.clone())
}

/// The plan view and its plan.
fn viewed(model: &Model) -> Option<(&PlanView, &PlanRun)> {
    let view = model.plan_view()?;
    Some((view, model.incident()?.plan(&view.plan)?))
}

/// The run that a stop means in the plan view.
pub(super) fn running(plan: &PlanRun) -> Option<&Run> {
    plan.steps.iter().filter_map(run_of).find(|run| run.outcome.is_none())
}

/// Takes a key in the plan view.
pub(super) fn key(cx: &mut Cx<'_>, press: KeyPress) {
    let page = isize::try_from(cx.model.overlay_height.max(4) / 2).unwrap_or(2);
    if cx.model.keymap.within(Scope::Global, press.key) == Some(Command::RollBack)
        && let Some(environment) = viewed(cx.model).and_then(|(_, run)| PlanView::to_roll_back(run, cx.model))
    {
        let argument = environment.to_owned();
        return invoke::invoke(cx, &Invoke { command: Command::RollBack, argument });
    }
    match windows::command(cx.model, &[Scope::Plan, Scope::Runs], press.key) {
        Some(command) if command.spec().scope != Scope::Global => invoke::invoke(cx, &command.into()),
        Some(Command::Back) => cx.pop(),
        Some(Command::Open) => open_output(cx),
        Some(Command::Bottom) => follow_again(cx.model),
        command => match command.and_then(|command| windows::motion(command, page)) {
            Some(by) => move_by(cx.model, by),
            None => windows::unknown(cx, press.key),
        },
    }
}

/// Moves the cursor by so many steps.
pub(super) fn move_by(model: &mut Model, by: isize) {
    let Some((view, run)) = viewed(model) else { return };
    let there = view.step(run).saturating_add_signed(by).min(run.steps.len().saturating_sub(1));
    if let Some(Overlay::Plan(view)) = model.overlays.last_mut() {
        view.cursor = Some(there);
    }
}

fn follow_again(model: &mut Model) {
    if let Some(Overlay::Plan(view)) = model.overlays.last_mut() {
        view.cursor = None;
    }
}

fn open_output(cx: &mut Cx<'_>) {
    let found = viewed(cx.model).and_then(|(view, run)| run_of(run.steps.get(view.step(run))?));
    match found.map(|run| run.id.clone()) {
        Some(run) => run_view::open(cx, run),
        None => cx.say("this step has not begun"),
    }
}

/// The plan that decisions are about: that of the view, else the one that needs one.
fn decided_about(model: &Model) -> Option<PlanView> {
    match model.plan_view() {
        Some(view) => Some(view.clone()),
        None => model.incident()?.plan_to_decide().map(PlanView::new),
    }
}

/// What a command would decide now, and about which plan.
pub(super) fn choice(model: &Model, command: Command) -> Option<(PlanView, Choice)> {
    let view = decided_about(model)?;
    let run = model.incident()?.plan(&view.plan)?;
    let mut choices = view.choices(run, model).into_iter();
    let choice = choices.find(|choice| Command::of_decision(&choice.decision) == command)?;
    Some((view, choice))
}

/// Why a command can decide nothing on this machine, where another one could.
pub(super) fn not_here(model: &Model, command: Command) -> Option<String> {
    let view =
        decided_about(model).filter(|_| matches!(command, Command::PlanApprove | Command::PlanReject))?;
    let machine = model.elsewhere(model.incident()?.plan(&view.plan)?)?;
    Some(format!("only on {machine}, which runs the plan: the token there is used"))
}

/// Asks for a decision to be confirmed.
pub(super) fn ask(cx: &mut Cx<'_>, command: Command) {
    let Some((view, choice)) = choice(cx.model, command) else {
        let (word, why) = (command.spec().title, not_here(cx.model, command));
        return cx.say(format!("{word}: {}", why.as_deref().unwrap_or("not possible as the plan stands")));
    };
    let Some(run) = cx.model.incident().and_then(|state| state.plan(&view.plan)) else { return };
    let Some(plan) = view.spec.as_deref() else { return };
    // Where it goes on, its target is held; else it is taken again.
    let takes = !run.state.is_under_way() && choice.decision != Decision::GiveUp && plan.is_for_one();
    let ask = takes.then(|| Effect::AskOthers(Box::new(plan.clone())));
    let decide = asked(plan, run, choice);
    if cx.model.plan_view().is_none() {
        cx.push(Overlay::Plan(Box::new(view)));
    }
    cx.push(Overlay::Decide(Box::new(decide)));
    if let Some(ask) = ask {
        cx.effect("asking the remote", ask);
    }
}

fn asked(plan: &Plan, run: &PlanRun, choice: Choice) -> Decide {
    let Meaning { about, lines } = progress::meaning(plan, run, &choice);
    let asks = matches!(choice.decision, Decision::Skip { .. } | Decision::Review { .. });
    let reason = asks.then(LineEdit::default);
    Decide {
        plan: run.id.clone(),
        word: progress::word(plan, run, &choice).map(str::to_owned),
        choice,
        about,
        lines,
        others: None,
        reason,
        typed: LineEdit::default(),
        on_word: false,
        shown_ms: None,
        sending: false,
        lapsed: false,
        complaint: String::new(),
    }
}

/// Takes in how it stands with others at the target of a plan. What is in the way wants a reason, which is asked for then.
pub(super) fn others(model: &mut Model, plan: &str, said: Option<&Standing>) {
    for overlay in &mut model.overlays {
        match overlay {
            Overlay::Preview(preview) if preview.plan.id == plan => preview.others = said.cloned(),
            Overlay::Decide(decide) if decide.plan == plan && !decide.sending => {
                decide.others = said.cloned();
                let blocks = said.is_some_and(Standing::blocks);
                if let Some(said) = said {
                    decide.about.push(format!("{}: {}", said.id, said.why));
                }
                if blocks && decide.reason.is_none() {
                    decide.reason = Some(LineEdit::default());
                    decide.on_word = false;
                    // It has to be seen again before anything confirms it.
                    decide.shown_ms = None;
                }
            }
            _ => {}
        }
    }
}

/// Takes a key where a decision is to be confirmed.
pub(super) fn decide_key(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let back = windows::command(cx.model, &[], press.key) == Some(Command::Back);
    let Some(Overlay::Decide(decide)) = cx.model.overlays.last_mut() else { return };
    if decide.sending {
        return;
    }
    if decide.lapsed {
        // Whoever types a comment goes on with that for a moment: no letter of it closes the window, and what
        // was typed is kept for the next one.
        let is_text = decide.reason.is_some() && press.key.text().is_some();
        return match press.key {
            _ if is_text => {}
            key if back || key == Key::char('n') => windows::leave(cx),
            key => windows::unknown(cx, key),
        };
    }
    let judge = if decide.asks() == Asks::Reason { may_enter } else { may_confirm };
    let meant = judge(decide.shown_ms, press, before);
    let fields = decide.reason.is_some() && decide.word.is_some();
    let whole = match press.key.code {
        Code::Esc => return windows::leave(cx),
        Code::Up | Code::Down | Code::Tab | Code::BackTab if fields => {
            decide.on_word = !decide.on_word;
            return;
        }
        Code::Enter => entered(decide),
        Code::Char('y') if decide.asks() == Asks::Yes => true,
        Code::Char('n') if decide.asks() == Asks::Yes => return cx.pop(),
        _ if back && decide.asks() == Asks::Yes => return cx.pop(),
        _ => return typed(decide, press, cx.model.keys_since),
    };
    if whole && meant {
        send(cx);
    } else if whole {
        TOO_QUICK.clone_into(&mut decide.complaint);
    }
}

/// Takes Enter, or says what is missing; tells whether all is there.
fn entered(decide: &mut Decide) -> bool {
    let wrong = match decide.asks() {
        Asks::Word(word) if decide.typed.text() != word => Some(format!("type {word} to go ahead")),
        Asks::Yes => Some("press y to go ahead".to_owned()),
        Asks::Reason | Asks::Word(_) => None,
    };
    if let Some(wrong) = wrong {
        decide.complaint = wrong;
        return false;
    }
    if decide.reason.is_some() && reason(decide).is_empty() {
        decide.on_word = false;
        let (name, why) = decide.reason_words();
        decide.complaint = format!("a {name} is needed: {why}");
        return false;
    }
    if decide.word.is_some() && decide.asks() == Asks::Reason {
        decide.on_word = true;
        decide.complaint.clear();
        return false;
    }
    true
}

/// Takes a key into the line that is being typed. A reason confirms nothing, and is taken at once, as any line is: the
/// frame that shows it may be late. What was typed of a word before that was meant for something else.
fn typed(decide: &mut Decide, press: KeyPress, keys_since: u64) {
    if decide.asks() != Asks::Reason && decide.shown_ms.is_none_or(|shown| press.at_ms <= shown) {
        return;
    }
    if matches!(decide.asks(), Asks::Word(_)) && !may_type(decide.shown_ms, keys_since) {
        TYPED_AHEAD.clone_into(&mut decide.complaint);
        return;
    }
    let took = match decide.asks() {
        Asks::Yes => false,
        Asks::Reason => decide.reason.as_mut().is_some_and(|line| line.key(press.key)),
        Asks::Word(_) => decide.typed.key(press.key),
    };
    if took {
        decide.complaint.clear();
    }
}

fn reason(decide: &Decide) -> &str {
    decide.reason.as_ref().map_or("", |line| line.text().trim())
}

/// Pasted text is a reason, and never a confirmation.
pub(super) fn paste(decide: &mut Decide, text: &str) {
    if decide.asks() == Asks::Reason
        && let Some(line) = &mut decide.reason
    {
        line.insert(text.trim_end());
    } else {
        "pasted text does not confirm: type it".clone_into(&mut decide.complaint);
    }
}

/// Whether a decision can still be made as it was shown.
fn stands(model: &Model, decide: &Decide) -> bool {
    let run = model.incident().and_then(|state| state.plan(&decide.plan));
    run.is_some_and(|run| PlanView::new(run).choices(run, model).contains(&decide.choice))
}

fn lapse(decide: &mut Decide) {
    decide.lapsed = true;
    "nothing was decided: the plan has moved on. Close this and look at it again"
        .clone_into(&mut decide.complaint);
}

/// Has the decision that is asked for say that the plan has moved on.
pub(super) fn keep_up(model: &mut Model) {
    let Some(Overlay::Decide(decide)) = model.overlays.last() else { return };
    if decide.sending || decide.lapsed || stands(model, decide) {
        return;
    }
    if let Some(Overlay::Decide(decide)) = model.overlays.last_mut() {
        lapse(decide);
    }
}

/// Hands the decision over, once, unless the plan has moved on since it was shown.
fn send(cx: &mut Cx<'_>) {
    let Some(Overlay::Decide(decide)) = cx.model.overlays.last() else { return };
    let (plan, shown) = (decide.plan.clone(), decide.choice.clone());
    let mut choice = Box::new(shown.clone());
    if let Decision::Skip { reason: why } | Decision::Review { comment: why, .. } = &mut choice.decision {
        reason(decide).clone_into(why);
    }
    let stands = stands(cx.model, decide);
    let Some(Overlay::Decide(decide)) = cx.model.overlays.last_mut() else { return };
    if !stands {
        return lapse(decide);
    }
    decide.sending = true;
    decide.complaint.clear();
    let gate = decide.others.as_ref().filter(|standing| standing.blocks());
    let pass_over = gate.map(|gate| (gate.id.to_owned(), reason(decide).to_owned())).into_iter().collect();
    cx.effect("deciding", Effect::Decide { plan, choice, pass_over });
}

/// The decision was carried to the plan: its question is answered.
pub(super) fn decided(cx: &mut Cx<'_>, plan: &str) {
    let run = cx.model.incident().and_then(|state| state.plan(plan));
    if let Some(machine) = run.filter(|run| run.state.is_under_way()).and_then(|run| cx.model.elsewhere(run))
    {
        cx.say(format!("asked {machine}; waiting for it to answer"));
    }
    let is_it = |decide: &Decide| decide.sending && decide.plan == plan;
    cx.model.overlays.retain(|overlay| !matches!(overlay, Overlay::Decide(decide) if is_it(decide)));
    for overlay in &mut cx.model.overlays {
        if let Overlay::Plan(view) = overlay {
            view.cursor = None;
        }
    }
}

/// It could not be handed over: the question is open again, with the reason.
/// Tells whether there was one.
pub(super) fn refused(model: &mut Model, why: &str) -> bool {
    let mut any = false;
    for overlay in &mut model.overlays {
        if let Overlay::Decide(decide) = overlay
            && decide.sending
        {
            any = true;
            decide.sending = false;
            decide.shown_ms = None;
            why.clone_into(&mut decide.complaint);
        }
    }
    any
}

/// What one is told who confirms a plan that something has overtaken.
const OVERTAKEN: &str = "not confirmed: this plan is out of date; close it and preview it again";

/// Takes a key in the preview of a plan that was overtaken, or whose target somebody holds: it cannot be confirmed,
/// but what holds it can be looked at. Tells whether that is so; leaving and scrolling go on.
pub(super) fn taken(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) -> bool {
    let Some(Overlay::Preview(preview)) = cx.model.overlays.last() else { return false };
    let is_overtaken = preview.is_overtaken();
    let holder = preview.holder(cx.model).filter(|_| !is_overtaken).map(|plan| plan.id.clone());
    if !is_overtaken && holder.is_none() {
        return false;
    }
    // It may have happened amid a word.
    let types = matches!(preview.way(), Way::Typed(_) | Way::PassOver(_)) && press.key.text().is_some();
    if types && !is_quiet(press, before) {
        return true;
    }
    let everywhere = cx.model.keymap.find(Scope::Global, press.key);
    match holder.filter(|_| everywhere == Some(Command::Plan)) {
        Some(holder) => open(cx, &holder),
        None if windows::command(cx.model, &[], press.key) == Some(Command::Back) => windows::leave(cx),
        None if is_overtaken && matches!(press.key.code, Code::Enter | Code::Char('y')) => cx.say(OVERTAKEN),
        None => {}
    }
    true
}

/// The target that the plan in question holds, as far as the record says.
pub(super) fn held(model: &Model) -> Option<String> {
    let view = decided_about(model)?;
    let run = model.incident()?.plan(&view.plan)?;
    run.state.is_under_way().then(|| run.target.clone())
}

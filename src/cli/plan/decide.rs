//! Deciding about a plan: checked against what can be decided now, confirmed, handed over, and
//! followed to the end.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};

use super::super::End;
use super::super::context::{Context, Loaded, Wanted};
use super::super::elsewhere::Asked;
use super::super::follow::{From, follow_on};
use super::{Deciding, find, refresh, show};
use crate::conductor::{self, PassOver, Started};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Body, Decision, PlanEnd, PlanRun, Record, StepState};
use crate::plan::progress::{self, Choice};
use crate::plan::{Plan, Undo};
use crate::text::visible;

/// Carries a decision to the plan that is meant. `to` is the step to undo back to, from 1.
pub(super) fn decide(cx: &Context, deciding: &Deciding, wanted: &Decision, to: Option<usize>) -> Result<End> {
    let load = if deciding.dry_run { Context::load_to_read } else { Context::load };
    let mut loaded = load(cx, Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    super::ask_the_world(cx, &mut loaded);
    let meant = |loaded: &Loaded| match &deciding.id {
        Some(id) => find(loaded.state(), id).cloned(),
        None => loaded.state().plan_to_decide().cloned().ok_or_else(nothing),
    };
    let mut run = meant(&loaded)?;
    for _ in 0..conductor::DECIDE_ATTEMPTS {
        if !progress::is_between_steps(&run) {
            break;
        }
        std::thread::sleep(conductor::DECIDE_PAUSE);
        let (records, seq) = loaded.journal.since(loaded.state().id, loaded.seq)?;
        loaded.fold_in(records)?;
        loaded.seq = seq;
        run = meant(&loaded)?;
    }
    let doing = format!("plan {} {}", wanted.name(), visible(&run.id));
    let plan = show::decoded(&run)
        .map_err(|why| Failure::new(doing.clone(), why, "use the version of flightdeck that started it"))?;
    let choice = chosen(&plan, &run, wanted, to, &doing)?;
    if deciding.dry_run {
        cx.out.lines(&preview(&plan, &run, &choice))?;
        return Ok(End::Done);
    }
    confirm(cx, (&plan, &run), &choice, deciding, &doing)?;
    let incident = loaded.state().id;
    let repository = loaded.journal.repository_of(incident)?;
    let (_, seq) = loaded.journal.since(incident, loaded.seq)?;
    let pass_over: Vec<PassOver> = deciding.pass_over.iter().map(|gate| overridden(gate, deciding)).collect();
    let journal = &mut loaded.journal;
    let started =
        conductor::decide(journal, &cx.state_dir, incident, &repository, &run.id, &choice, &pass_over)?;
    let records = match started {
        Started::Held(lease) => return Err(conductor::held(&doing, &lease, cx.now())),
        Started::Yes(records) => records,
    };
    cx.out.tell(&format!("{}: {}", run.id, choice.title));
    super::super::carry::tell_problems(cx, &records);
    let author = loaded.journal.author();
    let machine = run.elsewhere(author.node).filter(|_| ended_by(&records, &run.id).is_none());
    let what = format!("to {}", wanted.name());
    let asked = machine.map(|machine| Asked::new(cx, &author.name, incident, &machine, &what));
    if deciding.detach && ended_by(&records, &run.id).is_none() {
        if let Some(asked) = asked {
            asked.deliver();
        }
        cx.out.line(&run.id)?;
        return Ok(End::Done);
    }
    let asked = asked.map(RefCell::new);
    let after = records.last().map(|record| record.id);
    let from = From { seq, after, run: Some(&run), asked: asked.as_ref() };
    let ended = match ended_by(&records, &run.id) {
        Some(end) => super::super::follow::finish(cx, &mut loaded.journal, incident, end)?,
        None => follow_on(cx, &mut loaded.journal, incident, &run.id, from)?,
    };
    as_wanted(&mut loaded, &run.id, &choice.decision, ended)
}

fn overridden(gate: &str, deciding: &Deciding) -> PassOver {
    PassOver { gate: gate.to_owned(), reason: deciding.reason.clone().unwrap_or_default() }
}

/// The end of the plan, where the decision itself brought it.
fn ended_by<'r>(records: &'r [Record], plan: &str) -> Option<&'r crate::incident::PlanEnded> {
    records.iter().rev().find_map(|record| match &record.body {
        Body::PlanEnded(ended) if ended.plan == plan => Some(Some(ended)),
        Body::PlanResumed(resumed) if resumed.plan == plan => Some(None),
        _ => None,
    })?
}

/// What was asked for decides whether an end is a good one: a plan that was to be abandoned and
/// is, or one that was to be undone and is, did what it should.
fn as_wanted(loaded: &mut Loaded, plan: &str, decision: &Decision, ended: End) -> Result<End> {
    if matches!(ended, End::Bad(FailureKind::Unknown)) {
        return Ok(ended);
    }
    let (log, _) = loaded.journal.load(loaded.state().id)?;
    let Some(run) = log.state().plan(plan) else { return Ok(ended) };
    let good = match decision {
        Decision::GiveUp => run.state == crate::incident::PlanState::Ended(PlanEnd::Cancelled),
        Decision::Undo { to } => run.steps.get(*to).is_some_and(|step| step.state() == StepState::Undone),
        _ => return Ok(ended),
    };
    Ok(if good { End::Done } else { ended })
}

/// The decision as it can be made now.
fn chosen(plan: &Plan, run: &PlanRun, wanted: &Decision, to: Option<usize>, doing: &str) -> Result<Choice> {
    let choices = progress::choices(plan, run);
    let same = |choice: &&Choice| match (&choice.decision, wanted) {
        (Decision::Review { approve, .. }, Decision::Review { approve: wanted, .. }) => approve == wanted,
        (offer, wanted) => offer.name() == wanted.name(),
    };
    let found = choices.iter().find(same);
    let Some(found) = found else {
        let mut can: Vec<&str> = choices.iter().map(|choice| choice.decision.name()).collect();
        can.dedup();
        let hint = match can.as_slice() {
            [] if run.state.is_under_way() => {
                format!("wait for it, or flightdeck run stop {}", visible(&run.id))
            }
            [] => "start a new one: this one is over".to_owned(),
            can => format!("what can be done now: flightdeck plan {}", can.join(", ")),
        };
        let cause = format!("that is not possible while it is {}", run.state.word());
        return Err(Failure::usage(doing, cause, hint));
    };
    let decision = match wanted {
        Decision::Undo { .. } => Decision::Undo { to: back_to(plan, found, to, doing)? },
        Decision::Skip { reason } if reason.is_empty() => {
            let hint = "--reason WHY: it goes into the record and the report";
            return Err(Failure::usage(doing, "skipping a step needs a reason", hint));
        }
        Decision::Review { comment, .. } if comment.is_empty() => {
            let hint = "--comment TEXT: it goes along to the pipeline, with your name";
            return Err(Failure::usage(doing, "a review needs a comment", hint));
        }
        Decision::Review { approve, comment, .. } => {
            // What is shown now is what it is about, whatever it waits for by the time that it is heard.
            let (waits_for, ids) = match &found.decision {
                Decision::Review { waits_for, ids, .. } => (waits_for.clone(), ids.clone()),
                _ => Default::default(),
            };
            Decision::Review { approve: *approve, comment: comment.clone(), waits_for, ids }
        }
        wanted => wanted.clone(),
    };
    let title = match &decision {
        Decision::Undo { to } => visible(&progress::undo_title(plan, *to)).into_owned(),
        _ => found.title.clone(),
    };
    Ok(Choice { decision, title, ..found.clone() })
}

/// What the decision would carry out, and what confirms it.
fn preview(plan: &Plan, run: &PlanRun, choice: &Choice) -> String {
    let mut text = format!("{}: {}\n", visible(&run.id), choice.title);
    let meaning = progress::meaning(plan, run, choice);
    for (number, line) in &meaning.lines {
        let _ = writeln!(text, "{number:>3}  {}", visible(line));
    }
    for sentence in &meaning.about {
        let _ = writeln!(text, "     {}", visible(sentence));
    }
    if let Some(word) = progress::word(plan, run, choice) {
        let _ = writeln!(text, "To run it: --confirm {}", visible(word));
    }
    text
}

/// The step to go back to, from 0.
fn back_to(plan: &Plan, found: &Choice, to: Option<usize>, doing: &str) -> Result<usize> {
    let Decision::Undo { to: first } = found.decision else { return Ok(0) };
    let Some(to) = to else { return Ok(first) };
    let count = plan.steps.len();
    if to == 0 || to > count {
        let cause = format!("it has steps 1 to {count}");
        return Err(Failure::usage(doing, cause, "flightdeck plan show numbers them"));
    }
    let to = to - 1;
    if to >= first {
        return Ok(to);
    }
    let irreversible = plan.steps.iter().enumerate().skip(to).find_map(|(index, step)| match &step.undo {
        Undo::Irreversible { why } => Some((index, why)),
        _ => None,
    });
    let cause = match irreversible {
        Some((index, why)) => format!("step {} cannot be undone: {}", index + 1, visible(why)),
        None => "nothing before that step is left to undo".to_owned(),
    };
    Err(Failure::usage(doing, cause, format!("--to {} is as far back as it goes", first + 1)))
}

/// Makes sure that the decision is meant, where it could do harm.
fn confirm(
    cx: &Context,
    (plan, run): (&Plan, &PlanRun),
    choice: &Choice,
    deciding: &Deciding,
    doing: &str,
) -> Result<()> {
    if let Some(said) = deciding.confirm.as_ref().filter(|said| *said != plan.word()) {
        let cause =
            format!("--confirm names {}, the plan's target is {}", visible(said), visible(plan.word()));
        return Err(Failure::usage(doing, cause, "nothing was decided; flightdeck plan show"));
    }
    let Some(word) = progress::word(plan, run, choice).filter(|_| deciding.confirm.is_none()) else {
        return Ok(());
    };
    let word = visible(word);
    let why = if choice.risky { progress::RISK.to_owned() } else { format!("{word} is protected") };
    let hint = format!("look at flightdeck plan show, then add --confirm {word}");
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::usage(doing, why, hint));
    }
    cx.out.tell(&format!("{}\n{why}", choice.title));
    // What was typed before the question was asked is no answer to it.
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    cx.out.tell(&format!("type {word} to continue, anything else to cancel:"));
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    read.map_err(|error| Failure::new(doing, error, hint.clone()))?;
    if typed.trim_end_matches(['\r', '\n']) == word {
        return Ok(());
    }
    Err(Failure::usage(doing, "what was typed is not the name of its target", hint))
}

/// Takes a target from a holder that is gone.
pub(super) fn take_over(cx: &Context, target: &str, reason: &str, gone: Option<&str>) -> Result<End> {
    let doing = format!("taking over {}", visible(target));
    if reason.trim().is_empty() {
        let hint = "--reason WHY: it goes into the record and the report";
        return Err(Failure::usage(doing, "taking over a target needs a reason", hint));
    }
    let mut journal = cx.journal()?;
    let repository = &cx.repository(&journal)?;
    let leases = journal.leases()?;
    let held = leases.iter().find(|lease| lease.repository == *repository && lease.target == target);
    // Whoever holds it may be at another machine.
    let elsewhere = || {
        let incident = cx.load(Wanted::Last).ok()?.state().id;
        let lease = conductor::holder(&journal, &cx.state_dir, incident, repository, target).transpose()?;
        Some(lease.map(|lease| (incident, lease)))
    };
    if let (None, Some(there)) = (held, elsewhere()) {
        let (incident, lease) = there?;
        conductor::take_away(&mut journal, &cx.state_dir, incident, &lease, reason, gone)?;
        let plan =
            if lease.plan.is_empty() { String::new() } else { format!(" of {}", visible(&lease.plan)) };
        cx.out.line(&format!("{} is free now: the lease{plan} was taken away", visible(target)))?;
        return Ok(End::Done);
    }
    let Some(lease) = held else {
        let held: Vec<_> = leases.iter().filter(|lease| lease.repository == *repository).collect();
        let hint = match held.as_slice() {
            [] => "no target of this repository is held".to_owned(),
            held => {
                let names: Vec<_> = held.iter().map(|lease| visible(&lease.target).into_owned()).collect();
                format!("held are: {}", names.join(", "))
            }
        };
        return Err(Failure::usage(doing, "nobody holds it", hint));
    };
    conductor::take_over(&mut journal, &cx.state_dir, lease, reason.trim(), gone)?;
    cx.out.line(&format!(
        "{} is free now. Check the old plan {}: flightdeck plan show {}",
        target, lease.plan, lease.plan
    ))?;
    Ok(End::Done)
}

fn nothing() -> Failure {
    let hint = "flightdeck plan list shows all there are";
    Failure::usage("finding the plan", "no plan is waiting, failed or running", hint)
}

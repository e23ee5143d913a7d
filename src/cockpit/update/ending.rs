//! Questions before something ends: the drill that goes with the cockpit, a run.

use super::super::commands::{Command, Invoke};
use super::super::model::{DrillEnd, IncidentLine, Model};
use super::super::msg::Effect;
use super::super::overlay::{Act, Confirm, Overlay, Scroll};
use super::{Cx, grade, invoke, keys, plan_view};
use crate::incident::{Remote, Status, StopAsked};

/// Leaving, once somebody was asked.
const CONFIRMED: &str = "confirmed";

/// What recording that users are served again means.
pub(super) fn served(model: &Model) -> &'static str {
    let production = model.config.config.production().map_or("", |env| env.name.as_str());
    if model.incident().is_some_and(|state| state.has_fix(production)) {
        "This records that users are served again. The fix is live."
    } else {
        "This records that users are served again. The fix is still due."
    }
}

/// Leaves the cockpit. A drill that ends with it is not left by one key: how it went is told first, and
/// `confirmed` says that somebody was asked.
pub(super) fn quit(cx: &mut Cx<'_>, confirmed: &str) {
    if confirmed == CONFIRMED {
        cx.effect("leaving", Effect::Quit);
        return;
    }
    if cx.model.drill_end.is_none() {
        return keys::leave(cx);
    }
    if cx.model.drill && cx.model.log.is_some() {
        return grade::open(cx, true);
    }
    ask_quit(cx);
}

/// Asks whether a drill is to be left that ends with the cockpit.
pub(super) fn ask_quit(cx: &mut Cx<'_>) {
    let Some(end) = cx.model.drill_end else { return };
    let is_reported = cx.model.incident().is_some_and(|state| !state.reports.is_empty());
    let body = match end {
        DrillEnd::Removed if is_reported => {
            "Its repository, its services and the report you saved in it are removed."
        }
        DrillEnd::Removed => "Its repository and services are removed.",
        DrillEnd::Kept => "Its services end; its directory stays.",
    };
    let plans = cx.model.incident().into_iter().flat_map(|state| &state.plans);
    let running = plans.filter(|plan| plan.state.is_under_way());
    let mut against: Vec<String> =
        running.map(|plan| format!("{} is still running and will be stopped", plan.title)).collect();
    // On the start screen no record is open that says what runs.
    let is_open = |one: &&IncidentLine| matches!(one.status, Status::Open | Status::Mitigated);
    if let (None, Some(open)) = (cx.model.incident(), cx.model.incidents.iter().find(is_open)) {
        against.push(format!("{} is open: what still runs for it will be stopped", open.number));
    }
    if cx.model.drafts.any() {
        against.push("what you typed and did not save will be lost".to_owned());
    }
    cx.push(Overlay::Confirm(Confirm {
        title: "Leave the drill?".to_owned(),
        body: body.to_owned(),
        yes: "leave".to_owned(),
        no: "back",
        claim: None,
        against,
        act: Act::Invoke(Invoke { command: Command::Quit, argument: CONFIRMED.to_owned() }),
        more: Vec::new(),
        lapsed: String::new(),
        shown_ms: None,
        scroll: Scroll::default(),
    }));
}

/// A run that can be stopped.
struct Stoppable {
    run: String,
    /// What its plan is for.
    title: String,
    /// A stop was asked for before.
    asked: bool,
    /// The pipeline that it follows at its host.
    pipeline: Option<String>,
    /// Why that could not be told to cancel, where it could not.
    untold: Option<String>,
    /// The machine that it runs on, where that is another one.
    machine: Option<String>,
}

impl Stoppable {
    /// What stopping it does.
    fn meaning(&self) -> String {
        let there = self.machine.as_ref().map(|machine| format!("This asks {machine}, where it runs. "));
        there.unwrap_or_default() + &self.effect()
    }

    fn effect(&self) -> String {
        match (&self.pipeline, self.asked) {
            (Some(name), false) => format!(
                "This cancels {name} and waits for it to end. What it has changed so far stays changed."
            ),
            (Some(name), true) => match &self.untold {
                Some(why) => format!(
                    "{name} {why}. This sends it again now, and force-cancels {name} once it has been told and \
                     does not end."
                ),
                None => format!(
                    "{name} was told to cancel already. This force-cancels it: it is ended at once, with no \
                     chance to tidy up."
                ),
            },
            (None, false) => {
                "Its process group gets INT, five seconds later TERM, and five seconds later KILL. \
                              What it has changed so far stays changed."
                    .to_owned()
            }
            (None, true) => {
                "A stop was asked for already. This sends KILL now: the command gets no chance to \
                             tidy up."
                    .to_owned()
            }
        }
    }
}

/// The run that `stop` means: that of the run view, else that of the cursor, if it runs.
fn stoppable(model: &Model) -> Option<Stoppable> {
    let wanted = if let Some(view) = model.run_view() {
        view.run.clone()
    } else {
        plan_view::running(invoke::plan_at(model)?)?.id.clone()
    };
    let (plan, run) = model.incident()?.run(&wanted)?;
    run.outcome.is_none().then(|| Stoppable {
        run: run.id.clone(),
        title: plan.title.clone(),
        asked: run.stop_asked.is_some(),
        pipeline: run.remote.as_ref().map(|remote| remote.name.clone()),
        untold: run.remote.as_ref().and_then(Remote::untold).map(str::to_owned),
        machine: model.elsewhere(plan),
    })
}

/// Asks before a run is stopped, and before it is killed.
pub(super) fn ask_stop(cx: &mut Cx<'_>, asked_for: &Invoke) {
    let Some(found) = stoppable(cx.model) else {
        cx.say("nothing runs there");
        return;
    };
    let body = found.meaning();
    let Stoppable { run, title, asked, pipeline, untold, machine: _ } = found;
    if asked_for.argument == run {
        cx.append(StopAsked { run, kill: asked });
        return;
    }
    let yes = match (pipeline.is_some(), asked) {
        (true, false) => "cancel it",
        (true, true) if untold.is_some() => "cancel it again",
        (true, true) => "force-cancel it",
        (false, false) => "stop it",
        (false, true) => "kill it",
    };
    cx.push(Overlay::Confirm(Confirm {
        title: format!("Stop {title}?"),
        body,
        yes: yes.to_owned(),
        no: "back",
        claim: None,
        against: Vec::new(),
        act: Act::Invoke(Invoke { command: Command::Stop, argument: run }),
        more: Vec::new(),
        lapsed: String::new(),
        shown_ms: None,
        scroll: Scroll::default(),
    }));
}

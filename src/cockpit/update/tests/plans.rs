//! The view of a plan, and decisions about it.

use super::*;
use crate::cockpit::Command;
use crate::cockpit::overlay::Asks;
use crate::incident::{
    Decision, Outcome, PipelineSeen, PlanEnd, PlanEnded, PlanStarted, RemoteState, StepEnded, StepStarted,
    StepWaiting, share_title,
};
use crate::plan::forge::{Forge, Place};
use crate::plan::pipeline::{Begin, Pipeline, Runner};
use crate::plan::progress::Choice;
use crate::plan::{OnFailure, Settle, Undo};

fn command(line: &str) -> Action {
    let argv = line.split(' ').map(str::to_owned).collect();
    Action::Command(Argv { argv, cwd: "/srv".into(), env: Vec::new(), set: BTreeMap::new() })
}

/// Two steps, of which the first can be undone.
pub(super) fn two(target: &str, confirm: Option<&str>) -> Plan {
    let step = |title: &str, line: &str| Step {
        reach: Reach::Others,
        on_failure: OnFailure::Ask,
        ..Step::new(title, command(line), SignedDuration::from_mins(5))
    };
    let undo = Undo::By { action: command("./switch.sh blue"), proof: None };
    let first = Step { undo, ..step("switch", "./switch.sh green") };
    Plan {
        confirm: confirm.map(str::to_owned),
        steps: vec![first, step("tidy up", "./tidy.sh")],
        ..Plan::new("deploy-1", "deploy main", Purpose::Deploy, target)
    }
}

impl Table {
    pub(super) fn told(&mut self, body: impl Into<Body>) {
        let record = self.record(body.into());
        self.send(Msg::Fact(Fact::Records(vec![record])));
    }

    pub(super) fn started(&mut self, plan: &Plan) {
        self.told(PlanStarted {
            plan: plan.id.clone(),
            title: plan.title.clone(),
            purpose: plan.purpose.name().into(),
            target: plan.target.clone(),
            hash: plan.hash(),
            steps: plan.steps.iter().map(|step| step.title.clone()).collect(),
            confirmed: "y".into(),
            spec: crate::plan::stored::seal(plan).unwrap().spec,
        });
    }

    fn ran(&mut self, plan: &str, step: usize, outcome: Outcome) {
        let run = format!("{plan}.{step}");
        self.told(StepStarted { plan: plan.into(), step, run: run.clone(), process: None, undo: false });
        let (summary, survivors) = (String::new(), Vec::new());
        self.told(StepEnded {
            plan: plan.into(),
            step,
            run,
            outcome,
            summary,
            survivors,
            unproven: false,
            tail: Vec::new(),
        });
    }

    /// A plan whose second step failed, and which waits for a decision.
    pub(super) fn waiting(confirm: Option<&str>) -> Self {
        let mut table = Self::ready();
        let plan = two("staging", confirm);
        table.started(&plan);
        table.ran("deploy-1", 0, Outcome::Exited { code: 0 });
        table.ran("deploy-1", 1, Outcome::Exited { code: 2 });
        table.told(StepWaiting { plan: "deploy-1".into(), step: 1, why: "it failed".into() });
        table
    }

    pub(super) fn top(&self) -> &Overlay {
        self.model.overlays.last().expect("an overlay")
    }

    fn decide_complaint(&self) -> &str {
        match self.top() {
            Overlay::Decide(decide) => &decide.complaint,
            other => panic!("{other:?}"),
        }
    }
}

fn only_decision(effects: &[Effect]) -> &Choice {
    let decisions: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Decide { plan, choice, .. } if plan == "deploy-1" => Some(&**choice),
            _ => None,
        })
        .collect();
    let [choice] = decisions.as_slice() else { panic!("{effects:?}") };
    choice
}

#[test]
fn a_plan_that_waits_is_next_and_its_key_opens_it_wherever_the_cursor_is() {
    let mut table = Table::waiting(None);
    let (next, keys) = &table.model.derived.next[0];
    assert_eq!((next.action, next.argument.as_str(), keys.as_str()), ("plan", "deploy-1", "o"));
    table.keys("2 o");
    assert!(matches!(table.top(), Overlay::Plan(view) if view.plan == "deploy-1"));

    // A later plan that runs elsewhere, under the cursor of the runs: the key means that one.
    table.keys("esc");
    table.started(&Plan { id: "test-1".into(), ..two("unit", None) });
    table.keys("5 j");
    assert_eq!(table.model.derived.next[0].1, "1 o");
    table.keys("1 o");
    assert!(matches!(table.top(), Overlay::Plan(view) if view.plan == "deploy-1"));
}

#[test]
fn enter_opens_the_output_of_a_single_step_and_the_list_of_several() {
    let mut table = Table::ready();
    let mut single = two("staging", None);
    single.steps.truncate(1);
    table.started(&single);
    table.ran("deploy-1", 0, Outcome::Exited { code: 0 });
    table.told(PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Done, why: String::new() });
    table.keys("5 enter");
    assert!(matches!(table.top(), Overlay::Run(view) if view.run == "deploy-1.0"));
    table.keys("esc o");
    assert!(matches!(table.top(), Overlay::Plan(_)), "its steps can be seen all the same");

    let mut table = Table::waiting(None);
    table.keys("5 enter");
    assert!(matches!(table.top(), Overlay::Plan(_)));
    table.keys("k enter");
    assert!(matches!(table.top(), Overlay::Run(view) if view.run == "deploy-1.0"), "of the step above");
    table.keys("esc");
    assert!(matches!(table.top(), Overlay::Plan(_)));
}

#[test]
fn a_decision_is_shown_and_sent_once() {
    let mut table = Table::waiting(None);
    table.keys("o r");
    let early = table.keys("y");
    assert!(early.is_empty(), "{early:?}");
    assert!(!table.decide_complaint().is_empty(), "nobody has seen it yet");
    table.shown();
    let sent = table.keys("y y");
    let choice = only_decision(&sent);
    assert_eq!((choice.step, &choice.decision), (1, &Decision::Retry));
    assert_eq!(choice.run.as_deref(), Some("deploy-1.1"));
    let id = EffectId(table.model.next_effect.0 - 1);
    table.send(Msg::Done(id, Ok(Done::Decided { plan: "deploy-1".into(), records: Vec::new() })));
    assert!(matches!(table.top(), Overlay::Plan(_)), "the question is answered");
}

#[test]
fn passing_over_needs_a_reason_and_a_protected_target_its_name() {
    let mut table = Table::waiting(Some("staging"));
    table.keys("o s");
    table.shown();
    assert!(table.keys("enter").is_empty());
    assert!(table.decide_complaint().contains("reason"));
    table.types("doneby hand");
    assert!(table.keys("enter").is_empty(), "the name is still to be typed");
    table.send(Msg::Paste("staging".into()));
    assert!(table.decide_complaint().contains("pasted"));
    assert!(table.keys("enter").is_empty());
    table.types("staging");
    let sent = table.keys("enter");
    let reason = "doneby hand".to_owned();
    assert_eq!(only_decision(&sent).decision, Decision::Skip { reason });
}

#[test]
fn what_will_be_undone_is_shown_before() {
    let mut table = Table::waiting(Some("staging"));
    table.keys("o u");
    let Overlay::Decide(decide) = table.top() else { panic!() };
    assert_eq!(decide.lines, [(1, "./switch.sh blue".to_owned())]);
    assert_eq!(decide.word.as_deref(), Some("staging"));
    table.shown();
    table.types("staging");
    assert_eq!(only_decision(&table.keys("enter")).decision, Decision::Undo { to: 0 });
}

#[test]
fn what_may_be_done_twice_says_so_and_has_to_be_typed() {
    let mut table = Table::ready();
    table.started(&two("staging", None));
    table.ran("deploy-1", 0, Outcome::Unknown { why: "lost at reboot".into() });
    table.told(PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Unknown, why: "lost".into() });
    table.keys("o r");
    let Overlay::Decide(decide) = table.top() else { panic!() };
    assert!(decide.about[0].contains("may be done twice"), "{:?}", decide.about);
    assert_eq!(decide.word.as_deref(), Some("staging"));
    table.shown();
    assert!(table.keys("y").is_empty());
}

#[test]
fn a_decision_on_what_no_longer_is_so_is_not_sent() {
    let mut table = Table::waiting(None);
    table.keys("o r");
    table.shown();
    table.told(StepStarted {
        plan: "deploy-1".into(),
        step: 1,
        run: "deploy-1.1-2".into(),
        process: None,
        undo: false,
    });
    assert!(table.keys("y").is_empty(), "somebody else has decided");
    assert!(table.decide_complaint().contains("moved on"), "{}", table.decide_complaint());
}

#[test]
fn a_decision_that_was_refused_can_be_made_again() {
    let mut table = Table::waiting(None);
    table.keys("o r");
    table.shown();
    table.keys("y");
    let id = EffectId(table.model.next_effect.0 - 1);
    table.send(Msg::Done(id, Err(Failure::new("deciding", "li holds staging", "wait"))));
    assert_eq!(table.decide_complaint(), "li holds staging");
    assert!(table.keys("y").is_empty(), "it has to be seen again first");
    table.shown();
    assert_eq!(only_decision(&table.keys("y")).decision, Decision::Retry);
}

#[test]
fn what_makes_no_sense_is_said_and_not_asked() {
    let mut table = Table::waiting(None);
    table.keys("o c");
    assert!(matches!(table.top(), Overlay::Plan(_)), "a step that failed cannot be gone on with");
    assert!(table.model.word.is_some());
    let mut table = Table::ready();
    table.keys("o");
    assert!(table.model.overlays.is_empty());
}

#[test]
fn a_target_that_is_taken_cannot_be_confirmed() {
    let mut table = Table::waiting(None);
    table.preview(Plan { id: "deploy-2".into(), ..two("staging", None) });
    table.shown();
    assert!(table.keys("y enter").is_empty());
    table.keys("o");
    assert!(matches!(table.top(), Overlay::Plan(view) if view.plan == "deploy-1"));
    table.keys("esc");
    // What it was made for is another thing since: it is made again.
    table.told(PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Cancelled, why: String::new() });
    table.shown();
    assert!(table.keys("y esc").is_empty() && table.model.overlays.is_empty());
    table.preview(Plan { id: "deploy-2".into(), ..two("staging", None) });
    table.shown();
    let started = table.keys("y");
    assert!(matches!(started.as_slice(), [Effect::Start { .. }]), "{started:?}");
}

#[test]
fn whoever_lost_the_race_for_a_plan_of_the_same_name_is_told_who_holds_it() {
    let mut table = Table::ready();
    let plan = Plan { id: "deploy-1".into(), ..two("staging", None) };
    let is_taken = |table: &mut Table| {
        let Some(Overlay::Preview(preview)) = table.model.overlays.last() else { panic!("no preview") };
        preview.holder(&table.model).is_some()
    };
    table.preview(plan.clone());
    table.shown();
    table.keys("y");
    table.started(&plan);
    assert!(!is_taken(&mut table), "it may be this one that was started");
    let id = *table.model.in_flight.keys().next_back().unwrap();
    table.send(Msg::Done(id, Err(Failure::new("starting", "held", "wait"))));
    assert!(is_taken(&mut table));
    table.shown();
    assert!(table.keys("y").is_empty());
}

#[test]
fn every_decision_has_a_command_of_its_own() {
    let decisions = [
        Decision::Resume,
        Decision::Retry,
        Decision::Skip { reason: String::new() },
        Decision::Undo { to: 0 },
        Decision::GiveUp,
    ];
    for decision in decisions {
        let id = Command::of_decision(&decision).spec().id;
        assert_eq!(id.strip_prefix("plan."), Some(decision.name()));
    }
}

/// A merge that stopped at conflicts.
fn merge() -> Plan {
    let Action::Command(left) = command("git diff --name-only --diff-filter=U") else { unreachable!() };
    let settle = Settle { place: "/srv/.git/flightdeck/x".into(), left: left.clone(), conclude: left };
    let merge = command("git merge --no-ff hotfix/pool");
    let step = Step { settle: Some(settle), ..Step::new("merge", merge, SignedDuration::from_mins(5)) };
    Plan { steps: vec![step], ..Plan::new("finish-1", "finish", Purpose::Hotfix, "repository") }
}

/// What an effect asks to be looked at or edited, with its identity.
fn looks(effects: &[(EffectId, Effect)]) -> Vec<EffectId> {
    effects
        .iter()
        .filter(|(_, effect)| matches!(effect, Effect::LookLeft { .. }))
        .map(|(id, _)| *id)
        .collect()
}

#[test]
fn conflicts_are_looked_at_opened_in_the_editor_and_looked_at_again() {
    let mut table = Table::ready();
    table.started(&merge());
    table.ran("finish-1", 0, Outcome::Exited { code: 1 });
    table.told(PlanEnded { plan: "finish-1".into(), end: PlanEnd::Failed, why: "exit code 1".into() });
    let id = table.model.next_effect;
    let effects = table.keys("o");
    let at =
        effects.iter().position(|effect| matches!(effect, Effect::LookLeft { .. })).expect("it is looked at");
    let asked = EffectId(id.0 + at as u64);
    assert!(table.keys("e").is_empty(), "what is left is not known yet");
    assert!(table.word().contains("looking for conflicts"), "{}", table.word());
    let found = |files: &[&str]| Ok(Done::Left(Ok(files.iter().map(|file| (*file).to_owned()).collect())));
    assert!(looks(&table.send(Msg::Done(asked, found(&["a.rs"])))).is_empty(), "it is looked at once");
    let id = table.model.next_effect;
    let effects = table.keys("e");
    let wanted = Effect::Edit { cwd: "/srv/.git/flightdeck/x".into(), files: vec!["a.rs".into()] };
    assert_eq!(effects, [wanted]);
    // The editor has ended: what is left now decides what can be done.
    let again = looks(&table.send(Msg::Done(id, Ok(Done::Quietly))));
    let [again] = again.as_slice() else { panic!("{again:?}") };
    table.send(Msg::Done(*again, found(&[])));
    assert!(table.keys("e").is_empty());
    assert!(table.word().contains("no conflict is left"), "{}", table.word());
}

#[test]
fn an_editor_that_failed_is_said_and_what_is_left_is_looked_at_all_the_same() {
    let mut table = Table::ready();
    table.started(&merge());
    table.ran("finish-1", 0, Outcome::Exited { code: 1 });
    table.told(PlanEnded { plan: "finish-1".into(), end: PlanEnd::Failed, why: "exit code 1".into() });
    let id = table.model.next_effect;
    let effects = table.keys("o");
    let at = effects.iter().position(|effect| matches!(effect, Effect::LookLeft { .. })).unwrap();
    table.send(Msg::Done(EffectId(id.0 + at as u64), Ok(Done::Left(Ok(vec!["a.rs".into()])))));
    let id = table.model.next_effect;
    table.keys("e");
    let failure = Failure::new("opening the editor", "vi did not start", "set $EDITOR");
    assert_eq!(looks(&table.send(Msg::Done(id, Err(failure)))).len(), 1);
    assert_eq!(table.model.unseen, 1);
}

#[test]
fn a_plan_that_cannot_be_made_says_why_where_the_key_was_pressed() {
    let mut table = Table::ready();
    let id = table.model.next_effect;
    let failure = Failure::new("planning to finish hotfix/x", "the version was not raised", "raise it");
    table.send(Msg::Done(id, Err(failure)));
    assert!(table.word().contains("the version was not raised"), "{}", table.word());
    assert_eq!(table.model.unseen, 1);
}

#[test]
fn a_deploy_that_failed_is_rolled_back_from_its_own_view() {
    let mut table = Table::ready();
    table.started(&two("production", None));
    table.ran("deploy-1", 0, Outcome::Exited { code: 1 });
    table.keys("o");
    assert!(table.keys("R").is_empty() && matches!(table.top(), Overlay::Plan(_)), "it may still work");
    table.told(PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Failed, why: "switch exited 1".into() });
    table.keys("R");
    let Overlay::Rollback(screen) = table.top() else { panic!("{:?}", table.top()) };
    assert_eq!(screen.environment, "production");
    // Once something came after it, going back is about that.
    table.keys("esc");
    let mut next = two("production", None);
    next.id = "deploy-2".into();
    table.started(&next);
    table.keys("R");
    assert!(matches!(table.top(), Overlay::Plan(_)), "{:?}", table.top());
}

/// A cockpit whose production a canary is being brought to: it has half of the users and is looked at.
fn canary() -> Table {
    let mut table = Table::ready();
    let mut plan = two("production", Some("production"));
    let undo = Undo::By { action: command("./weight.sh production 0"), proof: None };
    let share =
        Step::new(&*share_title(50), command("./weight.sh production 50"), SignedDuration::from_mins(5));
    plan.steps[0] = Step { undo, reach: Reach::Others, ..share };
    table.started(&plan);
    table.ran("deploy-1", 0, Outcome::Exited { code: 0 });
    let run = "deploy-1.1".to_owned();
    table.told(StepStarted { plan: "deploy-1".into(), step: 1, run, process: None, undo: false });
    table
}

#[test]
fn a_canary_is_taken_back_from_the_rollback_window_by_one_key_and_the_word() {
    let mut table = canary();
    assert_eq!(table.model.derived.next[0].0.title, "watch the canary, 50 % of users on an unnamed commit");
    table.keys("R");
    let Overlay::Rollback(screen) = table.top() else { panic!("{:?}", table.top()) };
    assert_eq!(screen.way, super::super::rollback::UNDO, "what is nearest is chosen");
    table.keys("enter");
    assert!(matches!(table.top(), Overlay::Decide(_)), "{:?}", table.top());
    table.keys("esc esc");
    table.keys("u");
    let Overlay::Decide(decide) = table.top() else { panic!("{:?}", table.top()) };
    assert!(matches!(decide.choice.decision, Decision::Undo { .. }), "{:?}", decide.choice);
    assert_eq!(decide.word.as_deref(), Some("production"));
    assert!(
        decide.lines.iter().any(|(_, line)| line.contains("./weight.sh production 0")),
        "{:?}",
        decide.lines
    );
    table.shown();
    table.types("staging");
    assert!(table.keys("enter").is_empty(), "another word takes nothing back");
    for _ in 0.."staging".len() {
        table.key(Key::plain(Code::Backspace));
    }
    table.types("production");
    assert!(matches!(only_decision(&table.keys("enter")).decision, Decision::Undo { .. }));
}

#[test]
fn where_no_canary_has_a_share_its_key_takes_nothing_back() {
    let mut table = Table::ready();
    table.keys("R");
    assert!(table.keys("u").is_empty());
    assert!(matches!(table.top(), Overlay::Rollback(_)), "{:?}", table.top());
}

/// A deploy by a pipeline whose run waits for a reviewer at its host.
fn at_its_host(asks: bool) -> Table {
    let mut table = Table::ready();
    let pipeline = Pipeline {
        runner: Runner::GithubActions {
            place: Place {
                forge: Forge::Github,
                api: "https://api.github.com".into(),
                repository: "shop/payments-api".into(),
                owner: "shop".into(),
                token: "GITHUB_TOKEN".into(),
            },
            workflow: "deploy.yml".into(),
        },
        begin: Begin::Start { reference: "main".into(), inputs: BTreeMap::new() },
        commit: String::new(),
        environment: "staging".into(),
        interval: SignedDuration::from_secs(5),
        pushed: None,
    };
    let step = Step::new("deploy main", Action::Pipeline(Box::new(pipeline)), SignedDuration::from_mins(45));
    let plan = Plan { steps: vec![step], ..Plan::new("deploy-1", "deploy main", Purpose::Deploy, "staging") };
    table.started(&plan);
    let run = "deploy-1.0".to_owned();
    table.told(StepStarted { plan: plan.id.clone(), step: 0, run: run.clone(), process: None, undo: false });
    let note = "for approval of staging by sre".to_owned();
    table.told(PipelineSeen {
        plan: plan.id.clone(),
        step: 0,
        run,
        id: "9001".into(),
        name: "deploy.yml #42".into(),
        url: "https://git.test/shop/payments-api/actions/runs/9001".into(),
        commit: String::new(),
        attempt: 1,
        state: RemoteState::Waiting,
        asks,
        note: note.clone(),
        ids: vec!["31".into()],
    });
    table.told(StepWaiting { plan: plan.id, step: 0, why: note });
    table
}

#[test]
fn what_a_pipeline_waits_for_is_next_and_approved_from_the_plan_with_a_comment() {
    let mut table = at_its_host(true);
    let next = &table.model.derived.next[0].0;
    assert_eq!((next.action, next.title.as_str()), ("plan", "approve staging in deploy.yml #42 (sre)"));
    let others = at_its_host(false);
    let next = &others.model.derived.next[0].0;
    assert_eq!(next.title, "deploy.yml #42 waits for approval of staging by sre", "it is others who may");
    table.keys("o a");
    assert!(matches!(table.top(), Overlay::Decide(decide) if decide.asks() == Asks::Reason));
    table.shown();
    assert!(table.keys("enter").is_empty(), "a comment is needed");
    table.types("ok");
    let effects = table.keys("enter");
    let choice = only_decision(&effects);
    let (waits_for, ids) = ("for approval of staging by sre".to_owned(), vec!["31".to_owned()]);
    assert_eq!(choice.decision, Decision::Review { approve: true, comment: "ok".into(), waits_for, ids });
}

#[test]
fn a_pipeline_of_a_plan_that_runs_elsewhere_is_approved_there() {
    let mut table = at_its_host(true);
    table.model.here = 2;
    table.keys("o a");
    assert!(!matches!(table.top(), Overlay::Decide(_)), "{:?}", table.top());
    let why = update::plan_view::not_here(&table.model, Command::PlanApprove).unwrap();
    assert!(why.starts_with("only on maya's machine"), "{why}");
}

#[test]
fn to_stop_a_pipeline_is_to_cancel_it_at_its_host() {
    let mut table = at_its_host(true);
    table.keys("o x");
    match table.top() {
        Overlay::Confirm(confirm) => {
            assert!(confirm.body.starts_with("This cancels deploy.yml #42 and waits"), "{}", confirm.body);
            assert_eq!(confirm.yes, "cancel it");
        }
        other => panic!("no question: {other:?}"),
    }
}

#[test]
fn a_pipeline_that_was_not_seen_to_end_is_told_before_a_rollback() {
    use crate::cockpit::update::rollback::before;

    let mut table = at_its_host(false);
    assert_eq!(before(&table.model, "staging"), ["staging still has a plan under way: deploy main, by maya"]);
    table.told(PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Cancelled, why: String::new() });
    assert_eq!(
        before(&table.model, "staging"),
        ["a pipeline to staging has not ended: deploy.yml #42 is waiting"]
    );
    assert!(before(&table.model, "production").is_empty());
}

#[test]
fn a_comment_is_kept_whatever_becomes_of_the_plan_and_the_screen_while_it_is_typed() {
    let comment = |table: &Table| match table.top() {
        Overlay::Decide(decide) => decide.reason.as_ref().unwrap().text().to_owned(),
        other => panic!("no decision: {other:?}"),
    };
    // The frame that shows the prompt comes late on a busy machine.
    let mut table = at_its_host(true);
    table.keys("o a");
    table.talks("on the call");
    assert_eq!(comment(&table), "on the call");
    table.shown();
    table.talks(", now");
    assert_eq!(comment(&table), "on the call, now");
    // What it waits for is given by somebody else: the letters that follow close nothing.
    table.told(StepWaiting { plan: "deploy-1".into(), step: 0, why: String::new() });
    let run = "deploy-1.0".to_owned();
    let seen = |asks| PipelineSeen {
        plan: "deploy-1".into(),
        step: 0,
        run: run.clone(),
        id: "9001".into(),
        name: "deploy.yml #42".into(),
        url: String::new(),
        commit: String::new(),
        attempt: 1,
        state: if asks { RemoteState::Waiting } else { RemoteState::Running },
        asks,
        note: if asks { "for approval of staging by sre".into() } else { String::new() },
        ids: Vec::new(),
    };
    table.told(seen(false));
    assert!(matches!(table.top(), Overlay::Decide(decide) if decide.lapsed));
    assert!(table.talks(" no quick one⏎").is_empty());
    assert_eq!(comment(&table), "on the call, now");
    table.keys("esc");
    table.told(seen(true));
    let why = "for approval of staging by sre".to_owned();
    table.told(StepWaiting { plan: "deploy-1".into(), step: 0, why });
    table.keys("a");
    assert_eq!(comment(&table), "on the call, now", "it is there again");
    // Another decision about the plan ends: this one is still being made.
    table.send(Msg::Done(EffectId(999), Ok(Done::Decided { plan: "deploy-1".into(), records: Vec::new() })));
    assert_eq!(comment(&table), "on the call, now");
}

#[test]
fn where_the_token_may_not_nothing_is_offered_and_nothing_else_can_be_decided() {
    let mut table = at_its_host(false);
    for keys in ["o a", "d", "r", "s", "c"] {
        let effects = table.keys(keys);
        assert!(matches!(table.top(), Overlay::Plan(_)), "{keys}");
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Decide { .. })), "{keys}");
    }
}

//! Plans of several steps on the screen: how they stand, and what can be decided.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::testing::*;
use super::theme::{Role, Theme};
use crate::cockpit::msg::Done;
use crate::cockpit::overlay::{Overlay, PlanView};
use crate::cockpit::{Effect, Key, Model, Msg, Pane, update};
use crate::incident::{
    Approved, Outcome, PlanEnd, PlanEnded, PlanStarted, Proof, Proved, Severity, SeverityChanged, StepEnded,
    StepSkipped, StepStarted, StepWaiting,
};
use crate::plan::{
    Action, Command, OnFailure, Plan, Probe, Purpose, Reach, Settle, Step, Undo, Watch, Watched,
};

#[test]
fn an_approval_that_does_not_count_has_no_tick_and_says_why() {
    let mut scribe = records();
    let plan = Plan::new("p", "deploy main to production", Purpose::Deploy, "production");
    let proposed = crate::plan::proposal::propose(&plan).unwrap();
    let vote = |role: &str, by: &str| Approved {
        role: role.into(),
        by: by.into(),
        verbal: false,
        how: String::new(),
        plan: None,
        hash: proposed.hash.clone(),
        title: proposed.title.clone(),
    };
    let lowered = SeverityChanged { severity: Severity::P1, reason: String::new(), answers: Vec::new() };
    scribe.write("maya", at("15:16:00"), lowered);
    scribe.write("maya", at("15:16:10"), proposed.clone());
    scribe.write("omar", at("15:16:20"), vote("lead", "omar"));
    scribe.write("maya", at("15:16:30"), vote("product-manager", "maya"));
    let mut model = blank();
    model.log = Some(scribe.log());
    let buf = settled(&mut model, &Theme::default(), 160, 40);
    let shown = text(&buf);
    assert!(shown.contains("✓ omar approved as engineering lead"), "{shown}");
    assert!(shown.contains("… approval asked for"), "{shown}");
    assert!(shown.contains("· does not count: "), "{shown}");
}

const ID: &str = "deploy-production-1";

fn argv(line: &str) -> Command {
    Command {
        argv: line.split(' ').map(str::to_owned).collect(),
        cwd: "/srv/payments-api".into(),
        env: Vec::new(),
        set: BTreeMap::new(),
    }
}

fn run(title: &str, line: &str, undo: Undo) -> Step {
    Step {
        proof: Some(Probe::command(argv("./deployed.sh production"), None)),
        reach: Reach::Others,
        undo,
        on_failure: OnFailure::Ask,
        ..Step::new(title, Action::Command(argv(line)), SignedDuration::from_mins(30))
    }
}

fn watch(title: &str, minutes: i64) -> Step {
    let probes: Vec<_> = ["api /health", "error rate", "orders/min"]
        .map(|name| {
            let probe = serde_json::json!({"name": name, "url": "http://localhost/", "confirm": 2});
            Watched::from(&serde_json::from_value::<crate::config::types::Probe>(probe).unwrap())
        })
        .into();
    let watch = Watch {
        time: SignedDuration::from_mins(minutes),
        settle: SignedDuration::from_secs(30),
        probes,
        cwd: "/srv/payments-api".into(),
        judges: None,
        then: None,
    };
    Step::new(title, Action::Watch(watch), SignedDuration::from_hours(1))
}

/// A canary: 5 %, a look, 25 %, a hold, all of it, and the watch.
fn canary() -> Plan {
    let back = |line: &str| Undo::By { action: Action::Command(argv(line)), proof: None };
    let hold = Action::Hold { time: Some(SignedDuration::from_mins(5)) };
    Plan {
        confirm: Some("production".into()),
        steps: vec![
            run("push the image", "./push.sh payments-api:77b0d13", Undo::Nothing),
            run("5 % of production", "./weight.sh production 5", back("./weight.sh production 0")),
            watch("hold at 5 %", 10),
            run("25 % of production", "./weight.sh production 25", back("./weight.sh production 5")),
            Step::new("wait for the office", hold, SignedDuration::from_hours(1)),
            run("all of production", "./weight.sh production 100", back("./weight.sh production 0")),
            watch("watch production", 30),
        ],
        ..Plan::new(ID, "deploy hotfix/pool-limit to production", Purpose::Deploy, "production")
    }
}

/// What happened in a plan, a step at a time.
struct Teller {
    scribe: Scribe,
    at: i64,
}

impl Teller {
    fn new(plan: &Plan) -> Self {
        Self::of(plan, crate::plan::stored::seal(plan).unwrap().spec)
    }

    fn of(plan: &Plan, spec: crate::incident::Spec) -> Self {
        let mut teller = Self { scribe: records(), at: 0 };
        let started = PlanStarted {
            plan: plan.id.clone(),
            title: plan.title.clone(),
            purpose: plan.purpose.name().into(),
            target: plan.target.clone(),
            hash: plan.hash(),
            steps: plan.steps.iter().map(|step| step.title.clone()).collect(),
            confirmed: "typed production".into(),
            spec,
        };
        teller.tell(0, started);
        teller
    }

    fn tell(&mut self, seconds: i64, body: impl Into<crate::incident::Body>) -> &mut Self {
        self.at += seconds;
        let at = at("15:14:00") + SignedDuration::from_secs(self.at);
        self.scribe.write("maya", at, body);
        self
    }

    fn begin(&mut self, step: usize, undo: bool) -> &mut Self {
        let mark = if undo { "u" } else { "" };
        let run = format!("{ID}.{step}{mark}");
        self.tell(1, StepStarted { plan: ID.into(), step, run, process: None, undo })
    }

    fn end(&mut self, step: usize, seconds: i64, undo: bool, outcome: Outcome, summary: &str) -> &mut Self {
        let mark = if undo { "u" } else { "" };
        let ended = StepEnded {
            plan: ID.into(),
            step,
            run: format!("{ID}.{step}{mark}"),
            outcome,
            summary: summary.into(),
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        self.tell(seconds, ended)
    }

    fn done(&mut self, step: usize, seconds: i64) -> &mut Self {
        self.begin(step, false).end(step, seconds, false, Outcome::Exited { code: 0 }, "")
    }

    fn waits(&mut self, step: usize, why: &str) -> &mut Self {
        self.tell(1, StepWaiting { plan: ID.into(), step, why: why.into() })
    }

    /// The cockpit with its view open.
    fn seen(self) -> Model {
        let mut model = incident();
        model.output = None;
        model.log = Some(self.scribe.log());
        let view = PlanView::new(model.incident().unwrap().plan(ID).unwrap());
        model.overlays.push(Overlay::Plan(Box::new(view)));
        settle(&mut model);
        model
    }
}

fn watching() -> Model {
    let mut teller = Teller::new(&canary());
    teller.done(0, 41).done(1, 4);
    teller.tell(
        0,
        Proved { plan: ID.into(), step: 1, proof: Proof::Done, why: "weight is 5".into(), undo: false },
    );
    teller.begin(2, false);
    teller.seen()
}

fn waiting() -> Model {
    let mut teller = Teller::new(&canary());
    teller.done(0, 41).done(1, 4).begin(2, false).waits(2, "no data from orders/min for 60s");
    teller.seen()
}

/// Finishing a hotfix stopped at the conflicts of a merge.
fn conflicted() -> Model {
    let place = "/srv/payments-api/.git/flightdeck/hotfix/pool-limit/develop";
    let merge = "git merge --no-ff --no-edit refs/flightdeck/hotfix/pool-limit/main";
    let settle = Settle {
        place: place.into(),
        left: argv("git diff --name-only --diff-filter=U"),
        conclude: argv("git commit --no-edit"),
    };
    let merged = Step {
        settle: Some(settle),
        ..Step::new(
            "merge v1.2.4 back into develop",
            Action::Command(argv(merge)),
            SignedDuration::from_mins(10),
        )
    };
    let push = Step {
        reach: Reach::Others,
        ..Step::new(
            "push main, develop and v1.2.4 at once",
            Action::Command(argv("git push --atomic --no-follow-tags origin main develop v1.2.4")),
            SignedDuration::from_mins(10),
        )
    };
    let plan = Plan {
        confirm: Some("main".into()),
        steps: vec![
            run("merge hotfix/pool-limit into main", "git merge --no-ff hotfix/pool-limit", Undo::Nothing),
            merged,
            push,
        ],
        ..Plan::new(ID, "finish hotfix/pool-limit (git flow)", Purpose::Hotfix, "repository")
    };
    let mut teller = Teller::new(&plan);
    let summary = format!("conflicts in VERSION, src/pool.rs; settle them in {place}, then go on");
    teller.done(0, 1).begin(1, false).end(1, 1, false, Outcome::Exited { code: 1 }, &summary);
    let why = "exit code 1".to_owned();
    teller.tell(0, PlanEnded { plan: ID.into(), end: PlanEnd::Failed, why });
    let mut model = teller.seen();
    let asked = match model.overlays.last() {
        Some(Overlay::Plan(view)) => view.unsettled.as_ref().and_then(|left| left.asked),
        _ => None,
    };
    let left = Done::Left(Ok(vec!["VERSION".into(), "src/pool.rs".into()]));
    let _ = update(&mut model, Msg::Done(asked.expect("it was looked at"), Ok(left)));
    model
}

#[test]
fn conflicts_are_listed_with_their_place_and_the_key_that_opens_them() {
    let theme = Theme::default();
    let mut model = conflicted();
    for (width, height) in [(120, 36), (80, 24)] {
        let seen = drawn(&mut model, width, height);
        for wanted in
            ["2 files in conflict", "✗ VERSION", "✗ src/pool.rs", "e  resolve 2 files in the editor"]
        {
            assert!(seen.contains(wanted), "{wanted} in\n{seen}");
        }
        assert!(seen.contains("/flightdeck/hotfix/pool-limit/develop"), "{seen}");
    }
    assert_eq!(style_of(&mut model, "2 files in conflict").fg, theme.of(Role::Bad).fg);
}

fn failed() -> Model {
    let mut teller = Teller::new(&canary());
    teller.done(0, 41).done(1, 4);
    teller.begin(2, false);
    teller.end(2, 12, false, Outcome::NotMet { why: "error rate 6.1 % (max 5 %)".into() }, "");
    let skipped = StepSkipped { plan: ID.into(), step: 2, by: "omar".into(), reason: "a known spike".into() };
    teller.tell(4, skipped);
    teller.begin(3, false).end(3, 3, false, Outcome::Exited { code: 2 }, "no such deployment");
    teller.waits(3, "it failed: retry, skip, undo or abandon");
    let mut model = teller.seen();
    let mut terminal = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
    terminal.process(b"$ ./weight.sh production 25\r\nasking the cluster\r\n\x1b[31merror: no such deployment: payments-canary\x1b[0m\r\n");
    let run = format!("{ID}.3");
    model.output = Some(crate::cockpit::model::Output { run, terminal, last: now(), jobs: Vec::new() });
    model
}

fn unknown() -> Model {
    let mut teller = Teller::new(&canary());
    let why = "the process of the plan was killed or crashed".to_owned();
    teller.done(0, 41).begin(1, false);
    teller.end(1, 4, false, Outcome::Unknown { why: why.clone() }, "");
    teller.tell(
        1,
        Proved { plan: ID.into(), step: 1, proof: Proof::Unknown, why: "exit 7".into(), undo: false },
    );
    teller.tell(0, PlanEnded { plan: ID.into(), end: PlanEnd::Unknown, why });
    teller.seen()
}

fn undoing() -> Model {
    let mut teller = Teller::new(&canary());
    teller.done(0, 41).done(1, 4).done(2, 120).done(3, 2);
    teller.begin(3, true).end(3, 2, true, Outcome::Exited { code: 0 }, "");
    teller.begin(1, true);
    teller.seen()
}

fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ') {
        settled(model, &Theme::default(), 120, 36);
        let last = model.last_key.map_or(1000, |(_, at)| at) + 1000;
        let key = Key::parse(key).unwrap();
        let press = crate::cockpit::msg::KeyPress::new(key, last);
        effects.extend(update(model, Msg::Key(press)).into_iter().map(|(_, effect)| effect));
    }
    effects
}

fn types(model: &mut Model, text: &str) {
    for c in text.chars() {
        press(model, &if c == ' ' { "space".to_owned() } else { c.to_string() });
    }
}

/// Every state that looks different.
pub(super) fn scenes() -> Vec<(&'static str, Model)> {
    let pressed = |mut model: Model, keys: &str| {
        press(&mut model, keys);
        model
    };
    let mut skip = pressed(failed(), "s");
    types(&mut skip, "done by hand");
    let mut pane = failed();
    pane.overlays.clear();
    pane.focus = Pane::Runs;
    settle(&mut pane);
    vec![
        ("plan-watching", watching()),
        ("plan-waiting", waiting()),
        ("plan-failed", failed()),
        ("plan-conflicts", conflicted()),
        ("plan-unknown", unknown()),
        ("plan-undoing", undoing()),
        ("plan-retry", pressed(unknown(), "r")),
        ("plan-skip", skip),
        ("plan-undo", pressed(failed(), "u")),
        ("plan-abandon", pressed(waiting(), "X")),
        ("plan-pane", pane),
    ]
}

fn drawn(model: &mut Model, width: u16, height: u16) -> String {
    text(&settled(model, &Theme::default(), width, height))
}

#[test]
fn the_screens_of_plans() {
    for (name, mut model) in scenes() {
        let sizes: &[(u16, u16)] = match name {
            "plan-watching" | "plan-failed" | "plan-pane" => &[(160, 45), (120, 36), (80, 24), (40, 12)],
            _ => &[(120, 36), (80, 24)],
        };
        for (width, height) in sizes {
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), drawn(&mut model, *width, *height));
        }
    }
}

#[test]
fn plans_can_be_drawn_at_every_size() {
    for (_, model) in scenes() {
        for (width, height) in [(1, 1), (6, 3), (39, 12), (40, 12), (41, 90), (80, 24), (500, 60)] {
            let (buf, _) = frame(&model, &Theme::default(), width, height);
            assert!(buf.content.iter().all(|cell| cell.symbol().chars().all(crate::text::is_plain)));
        }
    }
}

/// The style of the first cell of a text, on the first line that has it behind a frame.
fn style_of(model: &mut Model, wanted: &str) -> ratatui::style::Style {
    super::testing::style_of(&settled(model, &Theme::default(), 120, 36), wanted)
}

#[test]
fn how_a_step_stands_can_be_seen_from_across_the_room() {
    let theme = Theme::default();
    let fg = |role| theme.of(role).fg;
    let mut model = failed();
    assert_eq!(style_of(&mut model, "‖ waiting").fg, fg(Role::Warn));
    assert_eq!(style_of(&mut model, "failed, exit 2: no such").fg, fg(Role::Bad));
    assert_eq!(style_of(&mut model, "waits since").fg, fg(Role::Warn));
    let now = style_of(&mut model, "25 % of production");
    assert!(now.add_modifier.contains(ratatui::style::Modifier::BOLD));
    assert_eq!(now.bg, theme.of(Role::Selection).bg, "the cursor is on the step that matters");
    let later = style_of(&mut model, "all of production");
    assert_eq!(later.fg, fg(Role::Muted));
    assert!(!later.add_modifier.contains(ratatui::style::Modifier::BOLD));
    assert_eq!(style_of(&mut unknown(), "▲ may be done twice").fg, fg(Role::Warn));
    assert_eq!(style_of(&mut unknown(), "? outcome unknown").fg, fg(Role::Unknown));
    assert_eq!(style_of(&mut watching(), "02:28 of 10:00").fg, fg(Role::Accent));
    assert_eq!(style_of(&mut watching(), "✗ api /health 1980 ms   ▲").fg, fg(Role::Bad));
    assert_eq!(style_of(&mut watching(), "? orders/min no data").fg, fg(Role::Unknown));
}

#[test]
fn what_can_be_decided_and_the_step_it_is_about_can_be_seen_on_a_small_screen() {
    let seen = drawn(&mut failed(), 40, 12);
    for wanted in ["r  retry", "X  abandon", "./weight.sh"] {
        assert!(seen.contains(wanted), "{wanted} in\n{seen}");
    }
    let mut long = canary();
    long.steps =
        (0..40).map(|n| run(&format!("part {n}"), &format!("./part.sh {n}"), Undo::Nothing)).collect();
    let mut teller = Teller::new(&long);
    for step in 0..30 {
        teller.done(step, 1);
    }
    teller.begin(30, false);
    let mut model = teller.seen();
    assert!(drawn(&mut model, 80, 24).contains("./part.sh 30"), "{}", drawn(&mut model, 80, 24));
    press(&mut model, "g");
    assert!(drawn(&mut model, 80, 24).contains("./part.sh 0 "), "{}", drawn(&mut model, 80, 24));
    press(&mut model, "G");
    assert!(drawn(&mut model, 80, 24).contains("./part.sh 30"), "it follows again");
}

#[test]
fn a_plan_of_a_newer_version_is_shown_by_its_titles_and_nothing_of_it_is_decided() {
    let spec = serde_json::json!({ "version": 99, "sequence": [] }).into();
    let mut teller = Teller::of(&canary(), spec);
    teller.done(0, 41).begin(1, false).end(1, 3, false, Outcome::Exited { code: 1 }, "");
    teller.tell(
        1,
        PlanEnded { plan: ID.into(), end: PlanEnd::Failed, why: "5 % of production exited 1".into() },
    );
    let seen = drawn(&mut teller.seen(), 120, 30);
    for wanted in ["▲ a newer flightdeck wrote this plan (format 99", "push the image", "hold at 5 %"] {
        assert!(seen.contains(wanted), "{wanted} in\n{seen}");
    }
    assert!(!seen.contains("retry"), "{seen}");
}

#[test]
fn how_long_a_plan_took_stays_where_its_row_is_cut() {
    let plan = Plan {
        title: "deploy hotfix/pool-limit to production, canary 10 → 50 → 100 %".into(),
        ..canary()
    };
    let mut teller = Teller::new(&plan);
    teller.done(0, 41).done(1, 4);
    teller.tell(2, PlanEnded { plan: ID.into(), end: PlanEnd::Done, why: String::new() });
    let mut model = teller.seen();
    model.overlays.clear();
    model.focus = Pane::Timeline;
    let narrow = drawn(&mut model, 80, 24);
    let row = narrow.lines().find(|line| line.contains("✓ deployed hotfix/pool-limit")).unwrap();
    assert!(row.contains('…') && row.ends_with(" 49s │"), "{row}");
    let wide = drawn(&mut model, 220, 50);
    assert!(wide.contains("canary 10 → 50 → 100 % in 49s"), "{wide}");
}

#[test]
fn a_deploy_that_failed_offers_the_rollback_that_next_speaks_of() {
    let mut teller = Teller::new(&canary());
    teller.begin(0, false).end(0, 3, false, Outcome::Exited { code: 1 }, "no route to the registry");
    teller
        .tell(1, PlanEnded { plan: ID.into(), end: PlanEnd::Failed, why: "push the image exited 1".into() });
    let mut model = teller.seen();
    let production = crate::config::types::Environment::new("production", vec!["./deploy.sh".into()]);
    model.config.config.environments = vec![production];
    for (columns, rows) in [(160, 45), (80, 24), (40, 12)] {
        let shown = drawn(&mut model, columns, rows);
        assert!(shown.contains("R  roll production back"), "{columns}x{rows}:\n{shown}");
    }
}

//! Every rule of every gate, on states folded from records.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::incident::{
    Approved, Author, Body, Declared, Draft, GatePassedOver, Hash, Hlc, IncidentId, Log, Outcome, PlanEnd,
    PlanEnded, PlanStarted, Record, RecordId, Rejected, Retracted, SeverityChanged, StepEnded, StepSkipped,
    StepStarted, Ticked,
};
use crate::plan::{Action, Command, Purpose, Step};

mod clocks;
mod condemned;
mod demand;
mod every;
mod lease;
mod remote;
mod staging;
mod void;

const COMMIT: &str = "4f2c91e0aa";

fn minutes(n: i64) -> Timestamp {
    "2026-03-01T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(n)
}

/// Records one minute apart, each by somebody, on an incident of this severity.
#[derive(Clone)]
struct Told {
    severity: Severity,
    records: Vec<(String, Body)>,
    /// What their writers' clocks said, in minutes, where that was not the time.
    clocks: Vec<(usize, i64)>,
}

impl Told {
    fn at(severity: Severity) -> Self {
        Self { severity, records: Vec::new(), clocks: Vec::new() }
    }

    fn by(mut self, who: &str, body: impl Into<Body>) -> Self {
        self.records.push((who.to_owned(), body.into()));
        self
    }

    /// The clock of whoever wrote the last record says this minute.
    fn with_clock(mut self, minute: i64) -> Self {
        self.clocks.push((self.records.len(), minute));
        self
    }

    fn and(self, body: impl Into<Body>) -> Self {
        self.by("maya", body)
    }

    /// The id of the last record so far.
    fn last(&self) -> RecordId {
        id(self.records.len())
    }

    fn state(&self) -> State {
        let declared = Declared { severity: self.severity, ..Declared::example() };
        let all = std::iter::once(("maya".to_owned(), declared.into())).chain(self.records.clone());
        let records = all.enumerate().map(|(n, (who, body))| {
            let at = Hlc { wall_ms: minutes(n as i64).as_millisecond(), count: 0 };
            let draft = Draft::now(IncidentId(Uuid::from_u128(1)), body);
            // Everybody at a terminal of their own.
            let node = who.bytes().map(u64::from).sum();
            let clock = self.clocks.iter().find(|(at, _)| *at == n).map_or(n as i64, |(_, minute)| *minute);
            let author = Author { name: who, node };
            Record::seal_at(id(n), draft, author, at, minutes(clock), Hash::default()).unwrap().0
        });
        Log::new(records.collect()).unwrap().state().clone()
    }

    /// A plan that was carried out: started, its one step ended, and over.
    fn ran(self, id: &str, purpose: &str, target: &str, subject: Option<(&str, bool)>, code: i32) -> Self {
        let end = if code == 0 { PlanEnd::Done } else { PlanEnd::Failed };
        self.begun(id, purpose, target, subject)
            .and(StepEnded {
                plan: id.into(),
                step: 0,
                run: format!("{id}.0"),
                outcome: Outcome::Exited { code },
                summary: String::new(),
                survivors: Vec::new(),
                unproven: false,
                tail: Vec::new(),
            })
            .and(PlanEnded { plan: id.into(), end, why: String::new() })
    }

    fn begun(self, id: &str, purpose: &str, target: &str, subject: Option<(&str, bool)>) -> Self {
        let subject = subject.map(|(commit, dirty)| serde_json::json!({"commit": commit, "dirty": dirty}));
        self.and(PlanStarted {
            plan: id.into(),
            title: id.into(),
            purpose: purpose.into(),
            target: target.into(),
            hash: String::new(),
            steps: vec![if purpose == "test" { "check unit".into() } else { purpose.into() }],
            confirmed: String::new(),
            spec: serde_json::json!({ "subject": subject }).into(),
        })
        .and(StepStarted {
            plan: id.into(),
            step: 0,
            run: format!("{id}.0"),
            process: None,
            undo: false,
        })
    }
}

fn id(n: usize) -> RecordId {
    RecordId(Uuid::from_u128(n as u128 + 10))
}

fn plan_with(gates: Vec<Gate>) -> Plan {
    let command =
        Command { argv: vec!["./deploy.sh".into()], cwd: "/srv".into(), env: vec![], set: [].into() };
    Plan {
        steps: vec![Step::new("deploy", Action::Command(command), SignedDuration::from_mins(1))],
        gates,
        ..Plan::new("deploy-production-1", "deploy", Purpose::Deploy, "production")
    }
}

fn one(gate: Gate, told: &Told) -> Standing {
    stands(gate, told, "maya", 60)
}

fn stands(gate: Gate, told: &Told, by: &str, minute: i64) -> Standing {
    let state = told.state();
    let list = evaluate(&plan_with(vec![gate]), &hash(), &state, &Policy::built_in(), by, minutes(minute));
    let [standing] = list.as_slice() else { panic!("one gate") };
    standing.clone()
}

#[track_caller]
fn says(standing: &Standing, met: Met, words: &str) {
    assert_eq!((standing.met, standing.why.as_str()), (met, words));
}

// Checks.
fn checks() -> Gate {
    demand::checked(&["unit"], COMMIT)
}

#[test]
fn a_check_is_green_on_the_very_commit_or_not_at_all() {
    let told = Told::at(Severity::P0);
    says(&one(checks(), &told), Met::No, "unit not run on this commit");
    let other = told.clone().ran("test-1", "test", "checks", Some(("another", false)), 0);
    says(&one(checks(), &other), Met::No, "unit not run on this commit");
    let green = told.clone().ran("test-1", "test", "checks", Some((COMMIT, false)), 0);
    says(&one(checks(), &green), Met::Yes, "1 check green on 4f2c91e");
    let without = told.ran("test-1", "test", "checks", None, 0);
    says(&one(checks(), &without), Met::No, "unit not run on this commit");
}

#[test]
fn the_last_run_of_a_check_decides() {
    let red_then_green = Told::at(Severity::P0)
        .ran("test-1", "test", "checks", Some((COMMIT, false)), 1)
        .ran("test-2", "test", "checks", Some((COMMIT, false)), 0);
    assert_eq!(one(checks(), &red_then_green).met, Met::Yes);
    let and_red = red_then_green.ran("test-3", "test", "checks", Some((COMMIT, false)), 1);
    says(&one(checks(), &and_red), Met::No, "unit failed on this commit");
    let and_running = and_red.begun("test-4", "test", "checks", Some((COMMIT, false)));
    says(&one(checks(), &and_running), Met::No, "unit still running");
}

#[test]
fn a_dirty_work_tree_says_nothing_of_the_commit() {
    let dirty = Told::at(Severity::P0).ran("test-1", "test", "checks", Some((COMMIT, true)), 0);
    says(&one(checks(), &dirty), Met::No, "unit ran with changes that are not committed");
    let clean_before = Told::at(Severity::P0).ran("test-1", "test", "checks", Some((COMMIT, false)), 0).ran(
        "test-2",
        "test",
        "checks",
        Some((COMMIT, true)),
        1,
    );
    assert_eq!(one(checks(), &clean_before).met, Met::Yes);
}

#[test]
fn a_check_of_unknown_end_or_one_passed_over_is_not_green() {
    let begun = Told::at(Severity::P0).begun("test-1", "test", "checks", Some((COMMIT, false)));
    let lost = begun.clone().and(StepEnded {
        plan: "test-1".into(),
        step: 0,
        run: "test-1.0".into(),
        outcome: Outcome::Unknown { why: "lost at reboot".into() },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    });
    says(&one(checks(), &lost), Met::No, "unit has an unknown outcome on this commit");
    let skipped =
        begun.and(StepSkipped { plan: "test-1".into(), step: 0, by: "maya".into(), reason: "slow".into() });
    says(&one(checks(), &skipped), Met::No, "unit skipped on this commit");
}

#[test]
fn without_checks_there_is_nothing_to_be_green() {
    let none = demand::checked(&[], COMMIT);
    assert_eq!(one(none, &Told::at(Severity::P0)).met, Met::NotApplicable);
    let nowhere = demand::checked(&["unit"], "");
    let ran = Told::at(Severity::P0).ran("test-1", "test", "checks", Some(("", false)), 0);
    assert_eq!(one(nowhere, &ran).met, Met::No, "no commit is no commit to be green on");
}

// The checklist.

fn tick(item: &str, state: CheckState, note: &str) -> Ticked {
    Ticked { item: item.into(), title: item.into(), state, note: note.into() }
}

#[test]
fn the_checklist_is_complete_when_nothing_is_open_failed_or_left_out_without_a_reason() {
    let list = || Gate::Checklist { items: vec![("a".into(), "A".into()), ("b".into(), "B".into())] };
    let told = Told::at(Severity::P0);
    says(&one(list(), &told), Met::No, "2 of 2 open");
    let half = told.and(tick("a", CheckState::Passed, ""));
    says(&one(list(), &half), Met::No, "1 of 2 open");
    let bare = half.clone().and(tick("b", CheckState::Na, " "));
    says(&one(list(), &bare), Met::No, "B is not applicable, without a reason");
    let failed = half.clone().and(tick("b", CheckState::Failed, "refund 502"));
    says(&one(list(), &failed), Met::No, "B failed");
    let reopened = failed.clone().and(tick("b", CheckState::Open, ""));
    says(&one(list(), &reopened), Met::No, "1 of 2 open");
    assert_eq!(one(list(), &failed.and(tick("b", CheckState::Passed, ""))).met, Met::Yes);
    let na = half.and(tick("b", CheckState::Na, "nothing is sold here"));
    assert_eq!(one(list(), &na).met, Met::Yes);
    assert_eq!(one(Gate::Checklist { items: vec![] }, &na).met, Met::NotApplicable);
}

// Approvals.

fn rule(severity: Severity) -> ApprovalRule {
    ApprovalRule::of(&Policy::built_in(), severity)
}

fn approval_gate() -> Gate {
    Gate::Approvals { rules: Severity::all().map(|s| (s, rule(s))).collect() }
}

fn hash() -> String {
    plan_with(vec![approval_gate()]).hash()
}

fn yes(role: &str, by: &str) -> Approved {
    Approved {
        role: role.into(),
        by: by.into(),
        verbal: false,
        how: String::new(),
        plan: None,
        hash: hash(),
        title: String::new(),
    }
}

fn no(role: &str, by: &str, hash: &str) -> Rejected {
    let (role, by, hash) = (role.into(), by.into(), hash.into());
    Rejected { role, by, reason: "not yet".into(), plan: None, hash, title: String::new() }
}

fn approved() -> Told {
    Told::at(Severity::P1).by("omar", yes("lead", "omar")).by("li", yes("product-manager", "li"))
}

#[test]
fn each_role_has_to_approve() {
    let told = Told::at(Severity::P1);
    says(&one(approval_gate(), &told), Met::No, "engineering lead: not given; product manager: not given");
    let half = told.by("omar", yes("lead", "omar"));
    says(&one(approval_gate(), &half), Met::No, "product manager: not given");
    says(&one(approval_gate(), &approved()), Met::Yes, "omar as engineering lead, li as product manager");
    let elsewhere = half.by("li", yes("scribe", "li"));
    assert_eq!(one(approval_gate(), &elsewhere).met, Met::No);
}

#[test]
fn an_approval_of_another_plan_or_of_none_does_not_count() {
    let told = Told::at(Severity::P1)
        .by("omar", Approved { hash: "0000".into(), ..yes("lead", "omar") })
        .by("li", Approved { hash: String::new(), ..yes("product-manager", "li") });
    let why = "engineering lead: omar approved another version of this plan; \
               product manager: li approved without a plan to approve";
    says(&one(approval_gate(), &told), Met::No, why);
    let state = told.state();
    let unbound = approvals(&state, &rule(Severity::P1), "", "maya", minutes(60)).given();
    assert_eq!(unbound, 0, "no hash is like no other");
}

#[test]
fn two_roles_are_two_people() {
    for second in ["omar", "Omar "] {
        let told =
            Told::at(Severity::P1).by("omar", yes("lead", "omar")).by(second, yes("product-manager", second));
        let standing = one(approval_gate(), &told);
        assert_eq!(standing.met, Met::No, "{second:?}");
        assert!(standing.why.contains("two roles are two people"), "{}", standing.why);
    }
    // Whoever could fill either role fills the one that is left.
    let told = Told::at(Severity::P1)
        .by("omar", yes("lead", "omar"))
        .by("li", yes("product-manager", "li"))
        .by("li", yes("lead", "li"));
    says(&one(approval_gate(), &told), Met::Yes, "omar as engineering lead, li as product manager");
}

#[test]
fn nobody_approves_their_own_plan_unless_the_policy_says_so() {
    for starter in ["omar", "OMAR"] {
        let standing = stands(approval_gate(), &approved(), starter, 60);
        says(&standing, Met::No, "engineering lead: omar would approve their own plan");
    }
    let own = ApprovalRule { own: true, ..rule(Severity::P1) };
    let gate = Gate::Approvals { rules: [(Severity::P1, own)].into() };
    assert_eq!(stands(gate, &approved(), "omar", 60).met, Met::Yes);
}

#[test]
fn what_somebody_else_wrote_down_counts_only_where_verbal_is_enough() {
    let verbal = |severity, roles: [&str; 2]| {
        Told::at(severity)
            .by("maya", Approved { verbal: true, how: "on the call".into(), ..yes(roles[0], "omar") })
            .by("maya", yes(roles[1], "li"))
    };
    let standing = one(approval_gate(), &verbal(Severity::P1, ["lead", "product-manager"]));
    let said = |who: &str, title: &str, role: &str| {
        format!(
            "{title}: verbal does not count here; {who} has to run `flightdeck approve {role}` in their own \
             terminal"
        )
    };
    let why = format!(
        "{}; {}",
        said("omar", "engineering lead", "lead"),
        said("li", "product manager", "product-manager")
    );
    says(&standing, Met::No, &why);
    let standing = one(approval_gate(), &verbal(Severity::P0, ["lead", "on-call-manager"]));
    says(&standing, Met::Yes, "omar as engineering lead (unverified), li as on-call manager (unverified)");
}

#[test]
fn an_approval_expires() {
    assert_eq!(stands(approval_gate(), &approved(), "maya", 1 + 240).met, Met::Yes, "to the minute");
    let standing = stands(approval_gate(), &approved(), "maya", 2 + 240);
    says(&standing, Met::No, "engineering lead: the approval of omar is older than 4h");
    let renewed = approved().by("omar", yes("lead", "omar"));
    assert_eq!(stands(approval_gate(), &renewed, "maya", 2 + 240).met, Met::Yes, "given again");
}

#[test]
fn an_approval_that_was_taken_back_is_none() {
    let told = approved();
    let back = Retracted { target: id(1), reason: "slip".into() };
    says(&one(approval_gate(), &told.by("omar", back)), Met::No, "engineering lead: not given");
}

#[test]
fn what_is_rejected_is_approved_by_nobody() {
    let told = Told::at(Severity::P1).by("li", no("product-manager", "li", &hash()));
    says(&one(approval_gate(), &told), Met::No, "rejected by li as product manager: not yet");
    // Of another plan it says nothing, of everything it says it of this one too.
    let other = approved().by("ann", no("lead", "ann", "0000"));
    assert_eq!(one(approval_gate(), &other).met, Met::Yes);
    let everything = approved().by("ann", no("lead", "ann", ""));
    assert_eq!(one(approval_gate(), &everything).met, Met::No);
    // Whoever rejected may think better of it, and says so in the same role.
    let agreed = everything.by("ann", yes("lead", "ann"));
    assert_eq!(one(approval_gate(), &agreed).met, Met::Yes);
    let changed = told.by("li", yes("product-manager", "li")).by("omar", yes("lead", "omar"));
    assert_eq!(one(approval_gate(), &changed).met, Met::Yes);
    // And whoever approved may reject.
    let turned = approved().by("omar", no("lead", "omar", &hash()));
    says(
        &one(approval_gate(), &turned),
        Met::No,
        "in conflict: approved by li as product manager, but rejected by omar as engineering lead: not yet",
    );
}

#[test]
fn those_who_decide_differently_both_stand_and_it_is_a_conflict() {
    let told = approved().by("ann", no("lead", "ann", &hash()));
    let standing = one(approval_gate(), &told);
    assert_eq!(standing.met, Met::No);
    assert!(
        standing.why.starts_with("in conflict: approved by omar as engineering lead"),
        "{}",
        standing.why
    );
    assert!(standing.why.contains("rejected by ann as engineering lead"), "{}", standing.why);
    let state = told.state();
    let rule = rule(Severity::P1);
    let standing = approvals(&state, &rule, hash().as_str(), "maya", minutes(60));
    assert!(standing.in_conflict() && standing.rejections.len() == 1 && standing.given() == 2);
}

#[test]
fn only_its_author_takes_a_rejection_back() {
    let told = approved().by("ann", no("lead", "ann", &hash()));
    let back = Retracted { target: told.last(), reason: "no".into() };
    assert_eq!(one(approval_gate(), &told.clone().by("maya", back.clone())).met, Met::No);
    assert_eq!(one(approval_gate(), &told.by("ann", back)).met, Met::Yes);
}

#[test]
fn the_severity_now_says_who_has_to_approve() {
    let to = |severity| SeverityChanged { severity, reason: "seen".into(), answers: Vec::new() };
    let raised = approved().and(to(Severity::P0));
    says(&one(approval_gate(), &raised), Met::No, "on-call manager: not given");
    let lowered = approved().and(to(Severity::P2));
    assert_eq!(one(approval_gate(), &lowered).met, Met::NotApplicable);
}

proptest! {
    /// The gate is met exactly where each role can be given a person of its own.
    #[test]
    fn roles_are_met_wherever_they_can_be(
        votes in proptest::collection::vec((0..3_usize, 0..4_usize), 0..9),
    ) {
        let roles: Vec<String> = ["a", "b", "c"].map(String::from).into();
        let people = ["omar", "li", "ann", "joe"];
        let mut told = Told::at(Severity::P1);
        for (role, person) in &votes {
            told = told.by(people[*person], yes(&roles[*role], people[*person]));
        }
        let rule = ApprovalRule { roles: roles.clone(), ..rule(Severity::P1) };
        let state = told.state();
        let standing = approvals(&state, &rule, hash().as_str(), "maya", minutes(30));
        let can = |role: usize, person: usize| votes.contains(&(role, person));
        let possible = (0..4).any(|a| {
            (0..4).any(|b| {
                (0..4).any(|c| a != b && b != c && a != c && can(0, a) && can(1, b) && can(2, c))
            })
        });
        prop_assert_eq!(standing.given() == 3, possible);
        let mut counted: Vec<&str> =
            standing.roles.iter().filter_map(|role| Some(role.approval?.by.as_str())).collect();
        counted.sort_unstable();
        counted.dedup();
        prop_assert_eq!(counted.len(), standing.given());
    }
}

// A way back.

#[test]
fn a_way_back_is_ready_or_it_is_not_or_nobody_knows() {
    let told = Told::at(Severity::P1);
    let gate = |ready: Option<&str>, unproven| Gate::Rollback {
        ready: ready.map(String::from),
        why: "seen".into(),
        unproven,
    };
    says(&one(gate(Some("redeploy"), false), &told), Met::Yes, "seen");
    says(&one(gate(None, false), &told), Met::No, "seen");
    let open = one(gate(Some("redeploy"), true), &told);
    says(&open, Met::Unproven, "seen");
    assert!(!open.blocks(), "whoever knows that it works may take it");
}

// Staging.

fn staging(smoke: bool) -> Gate {
    Gate::Staging { environment: "staging".into(), commit: COMMIT.into(), same: Vec::new(), smoke }
}

#[test]
fn the_commit_has_to_work_on_the_environment_before() {
    let told = Told::at(Severity::P1);
    says(&one(staging(false), &told), Met::No, "not deployed to staging");
    let other = told.clone().ran("d-1", "deploy", "staging", Some(("another", false)), 0);
    says(&one(staging(false), &other), Met::No, "this commit was not deployed to staging");
    let failed = told.clone().ran("d-1", "deploy", "staging", Some((COMMIT, false)), 1);
    says(&one(staging(false), &failed), Met::No, "the deploy to staging failed");
    let running = told.clone().begun("d-1", "deploy", "staging", Some((COMMIT, false)));
    says(&one(staging(false), &running), Met::No, "the deploy to staging is under way");
    let there = told.ran("d-1", "deploy", "staging", Some((COMMIT, false)), 0);
    says(&one(staging(false), &there), Met::Yes, "deployed on staging");
    let elsewhere = one(
        Gate::Staging { environment: "qa".into(), commit: COMMIT.into(), same: Vec::new(), smoke: false },
        &there,
    );
    says(&elsewhere, Met::No, "not deployed to qa");
    let replaced = there.clone().ran("d-2", "deploy", "staging", Some(("another", false)), 1);
    says(&one(staging(false), &replaced), Met::No, "staging has had another deploy since");
    let back = there.ran("r-1", "rollback", "staging", Some(("another", false)), 0);
    says(&one(staging(false), &back), Met::No, "staging has had another deploy since");
}

#[test]
fn the_smoke_test_has_to_have_passed_since_the_deploy() {
    let before = Told::at(Severity::P1).ran("s-1", "smoke", "staging", None, 0).ran(
        "d-1",
        "deploy",
        "staging",
        Some((COMMIT, false)),
        0,
    );
    says(&one(staging(true), &before), Met::No, "not smoke-tested on staging since it was deployed");
    let red = before.clone().ran("s-2", "smoke", "staging", None, 1);
    says(&one(staging(true), &red), Met::No, "the smoke test on staging is failed");
    let green = red.clone().ran("s-3", "smoke", "staging", None, 0);
    says(&one(staging(true), &green), Met::Yes, "deployed and smoke-tested on staging");
    let red_again = green.clone().ran("s-4", "smoke", "staging", None, 1);
    assert_eq!(one(staging(true), &red_again).met, Met::No, "the last one decides");
    let elsewhere = before.ran("s-2", "smoke", "production", None, 0);
    assert_eq!(one(staging(true), &elsewhere).met, Met::No);
    let again = green.ran("d-2", "deploy", "staging", Some((COMMIT, false)), 0);
    assert_eq!(one(staging(true), &again).met, Met::No, "a new deploy needs a new smoke test");
}

// Freezes.

#[test]
fn a_freeze_holds_from_its_first_moment_to_its_last() {
    let window = Window { from: minutes(10), until: minutes(20), why: "closing".into() };
    let gate = || Gate::Freeze { windows: vec![window.clone()] };
    let told = Told::at(Severity::P1);
    for (minute, met) in [(9, Met::Yes), (10, Met::No), (19, Met::No), (20, Met::Yes)] {
        assert_eq!(stands(gate(), &told, "maya", minute).met, met, "minute {minute}");
    }
    says(&stands(gate(), &told, "maya", 10), Met::No, "frozen until 2026-03-01 14:20 UTC: closing");
    assert_eq!(one(Gate::Freeze { windows: vec![] }, &told).met, Met::NotApplicable);
}

// Passing over.

#[test]
fn the_severity_says_what_may_be_passed_over() {
    let at = |severity| one(checks(), &Told::at(severity));
    assert!(at(Severity::P0).may_pass_over && at(Severity::P0).blocks());
    assert!(!at(Severity::P1).may_pass_over && !at(Severity::P2).may_pass_over);
    assert!(may_pass_over(&[at(Severity::P0)]));
    assert!(!may_pass_over(&[at(Severity::P0), at(Severity::P1)]));
    assert!(!may_pass_over(&[]), "where nothing blocks, nothing is overridden");
}

#[test]
fn a_gate_is_passed_over_for_the_plan_it_was_passed_over_for_and_no_other() {
    let passed = |plan: &str, hash: &str, gate: &str| GatePassedOver {
        plan: plan.into(),
        hash: hash.into(),
        gate: gate.into(),
        missing: String::new(),
        reason: "fire".into(),
    };
    let told = Told::at(Severity::P0);
    let exact = told.clone().and(passed("deploy-production-1", &hash(), "checks"));
    let standing = one(checks(), &exact);
    says(&standing, Met::PassedOver, "unit not run on this commit; overridden by maya: fire");
    assert!(!standing.blocks());
    for other in [
        passed("deploy-production-2", &hash(), "checks"),
        passed("deploy-production-1", "0000", "checks"),
        passed("deploy-production-1", &hash(), "checklist"),
    ] {
        assert_eq!(one(checks(), &told.clone().and(other)).met, Met::No);
    }
}

#[test]
fn every_gate_has_an_id_that_can_be_named() {
    let all = [
        checks(),
        Gate::Checklist { items: vec![] },
        approval_gate(),
        Gate::Rollback { ready: None, why: String::new(), unproven: false },
        staging(true),
        Gate::Freeze { windows: vec![] },
    ];
    let ids: Vec<_> = all.iter().map(Gate::id).collect();
    assert_eq!(ids, Gate::IDS);
    assert_eq!(Policy::built_in().gates, Gate::IDS);
}

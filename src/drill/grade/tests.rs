//! What a grade says of drills that went well, and of every mistake it looks for.

use super::*;
use crate::hotfix::outlook::Stray;
use crate::incident::{
    Alarm, Approved, Author, Body, CauseDescribed, Decision, Declared, Draft, GatePassedOver, Hash, Hlc,
    ImpactDescribed, IncidentId, Log, Mitigated, Noted, Paged, PipelineSeen, PlanAsked, PlanEnd, PlanEnded,
    PlanStarted, Record, RecordId, ReleaseJudged, Released, RemoteState, ReportSaved, Resolved, RoleTaken,
    StepStarted, Told, WatchVerdict,
};

/// A drill as it is told: what happened at which minute.
#[derive(Clone)]
struct Drill(Vec<Record>);

fn minute(minute: i64) -> Timestamp {
    "2026-03-01T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

impl Drill {
    fn new() -> Self {
        let declared = Declared { service: "payments-api".into(), ..Declared::example() };
        Self(Vec::new()).then(0, declared)
    }

    fn then(mut self, at: i64, body: impl Into<Body>) -> Self {
        let hlc = Hlc { wall_ms: minute(at).as_millisecond() + self.0.len() as i64, count: 0 };
        let incident = IncidentId(uuid::Uuid::from_u128(1));
        let author = Author { name: "maya".into(), node: 1 };
        let id = RecordId(uuid::Uuid::from_u128(self.0.len() as u128 + 2));
        let sealed = Record::seal(id, Draft::now(incident, body), author, hlc, Hash::default());
        self.0.push(sealed.unwrap().0);
        self
    }

    /// A plan that was carried out to its end.
    fn plan(self, at: i64, id: &str, purpose: &str, target: &str) -> Self {
        let confirm = (target == "production").then_some("production");
        let started = PlanStarted {
            plan: id.into(),
            title: format!("{purpose} {target}"),
            purpose: purpose.into(),
            target: target.into(),
            hash: String::new(),
            steps: vec![purpose.into()],
            confirmed: String::new(),
            spec: serde_json::json!({ "confirm": confirm, "frozen": { "refs/heads/main": "ba5e" } }).into(),
        };
        let run =
            StepStarted { plan: id.into(), step: 0, run: format!("{id}.1"), process: None, undo: false };
        let ended = PlanEnded { plan: id.into(), end: PlanEnd::Done, why: String::new() };
        self.then(at, started).then(at, run).then(at, ended)
    }

    /// A deploy to production and what its watch found.
    fn deploy(self, at: i64, id: &str, commit: &str, verdict: WatchVerdict) -> Self {
        let rollback = id.starts_with("rollback");
        let purpose = if rollback { "rollback" } else { "deploy" };
        let released = Released {
            environment: "production".into(),
            reference: "main".into(),
            commit: commit.into(),
            tag: Some(format!("v-{commit}")),
            version: None,
            plan: id.into(),
            rollback,
            replaces: None,
        };
        let judged = ReleaseJudged {
            environment: "production".into(),
            commit: commit.into(),
            plan: id.into(),
            verdict,
            why: "error rate 40 %".into(),
        };
        self.plan(at, id, purpose, "production").then(at, released).then(at + 1, judged)
    }

    fn told(self, at: i64, audience: &str) -> Self {
        self.then(at, Told { audience: audience.into(), ..Told::default() })
    }

    fn over(self, at: i64) -> Self {
        let after = self.state().heads.iter().map(|head| head.record).collect();
        self.then(at, Resolved { after, ..Resolved::default() })
    }

    fn state(&self) -> State {
        Log::new(self.0.clone()).unwrap().into_state()
    }

    fn graded(&self, lessons: &[Lesson], change: Option<&Change>) -> Vec<Line> {
        let state = self.state();
        grade(&state, &Policy::built_in(), lessons, change, state.latest)
    }

    fn line(&self, title: &str) -> Line {
        let lines = self.graded(&[], None);
        lines
            .iter()
            .find(|line| line.title == title)
            .unwrap_or_else(|| panic!("{title} in {lines:#?}"))
            .clone()
    }
}

/// A drill in which all was done as the procedure asks.
fn model_drill() -> Drill {
    let role = |role: &str, person: &str| RoleTaken { role: role.into(), person: person.into() };
    Drill::new()
        .then(1, Paged { who: "li".into(), how: String::new() })
        .told(2, "stakeholders")
        .then(3, role("commander", "maya"))
        .then(4, role("lead", "omar"))
        .then(4, role("on-call-manager", "li"))
        .deploy(5, "rollback-1", "g00d", WatchVerdict::Passed)
        .then(7, Mitigated::default())
        .told(12, "update")
        .plan(13, "hotfix-1", "hotfix", "repository")
        .told(24, "update")
        .deploy(25, "deploy-production-1", "f1x", WatchVerdict::Passed)
        .then(28, ImpactDescribed { text: "two orders in five".into() })
        .then(28, CauseDescribed { text: "a card that is none".into() })
        .told(29, "update")
        .over(30)
        .told(31, "update")
        .then(31, ReportSaved { file: "INC-2026-0001.md".into() })
}

#[test]
fn a_drill_by_the_book_is_good_in_every_line_but_what_is_still_to_come() {
    let change = Change { files: vec!["app/checkout.awk".into()], growth: Growth::default() };
    let lesson = |asked| Lesson { title: format!("{asked:?}"), asked, why: "because".into() };
    let lessons = [Asked::Served, Asked::GoodFix, Asked::NoBlindRollback].map(lesson);
    let lines = model_drill().graded(&lessons, Some(&change));
    let other: Vec<&str> =
        lines.iter().filter(|line| line.verdict != Verdict::Good).map(|line| line.title.as_str()).collect();
    assert_eq!(other, ["Review"], "{lines:#?}");
    let text = plain("Drill checkout", &lines);
    assert!(text.contains("as the procedure asks; not yet: Review."), "{text}");
    for wanted in ["14:05:00 tried: rollback production", "14:01:00 paged", "asked: Within 5m: by 14:05 UTC."]
    {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    assert!(lines.iter().all(|line| !line.asks.is_empty() && !line.moments.is_empty()));
}

#[test]
fn what_was_sent_is_counted_by_audience() {
    let drill = Drill::new().told(2, "stakeholders").told(3, "update").told(4, "executives");
    let line = drill.line("Updates");
    assert_eq!(line.moments[0].what, "told stakeholders twice, executives once; all in time", "{line:?}");
    let late = Drill::new().told(2, "stakeholders").told(40, "update").line("Updates");
    assert_eq!((late.verdict, late.moments[0].what.as_str()), (Verdict::Late, "told stakeholders twice"));
    // What was announced for a minute is in time within that minute.
    let line = Drill::new().told(2, "stakeholders").told(17, "update").line("Updates");
    assert_eq!(line.verdict, Verdict::Good, "{line:?}");
}

#[test]
fn what_is_of_another_day_says_so() {
    // Two hours before midnight.
    let hours = |hours: i64| hours * 60;
    let mut drill = Drill(Vec::new());
    drill = drill.then(hours(9), Declared { service: "payments-api".into(), ..Declared::example() });
    drill = drill.deploy(hours(12), "deploy-production-1", "f1x", WatchVerdict::Passed).over(hours(12) + 5);
    let line = drill.line("Fixed in time");
    assert_eq!(line.asks, "Within 2h: by 2026-03-02 01:00 UTC.");
    let text = plain("x", &drill.graded(&[], None));
    assert!(text.contains("\n23:00:00 P0 declared") && text.contains("2026-03-02 02:0"), "{text}");
}

#[test]
fn the_cause_before_users_is_no_good() {
    let branch = Drill::new().plan(5, "hotfix-1", "hotfix", "repository");
    assert_eq!(branch.line("Users first").verdict, Verdict::Missed);
    let after = branch.clone().plan(9, "flag-1", "flag", "flag:loyalty");
    assert_eq!(after.line("Users first").verdict, Verdict::Late);
    let ruled_out = Noted { kind: NoteKind::Decision, text: format!("{NO_ROLLBACK}: data was migrated") };
    let decided = Drill::new().then(4, ruled_out).plan(5, "hotfix-1", "hotfix", "repository");
    let line = decided.line("Users first");
    assert_eq!(line.verdict, Verdict::Good);
    assert_eq!(line.moments[0].at, Some(minute(4) + SignedDuration::from_millis(1)));
    assert_eq!(Drill::new().line("Users first").verdict, Verdict::Open);
}

#[test]
fn a_late_update_is_named_with_its_moment() {
    let drill = Drill::new().told(1, "stakeholders").told(20, "update").told(30, "update");
    let line = drill.line("Updates");
    assert_eq!(line.verdict, Verdict::Late);
    assert_eq!(line.moments.len(), 2, "{line:?}");
    assert!(line.moments[1].what.contains("4m late"), "{line:?}");
    // The one before the end never came.
    let line = Drill::new().told(1, "stakeholders").over(40).line("Updates");
    assert_eq!(line.verdict, Verdict::Missed, "{line:?}");
}

#[test]
fn an_end_that_nobody_saw_or_heard_of_is_none() {
    let alarm =
        |to: &str| Alarm { probe: "health".into(), from: "ok".into(), to: to.into(), why: "503".into() };
    let over = Drill::new().told(1, "stakeholders").then(2, alarm("failing")).over(9);
    assert_eq!(over.line("Verified").verdict, Verdict::Wrong);
    assert_eq!(over.line("End told").verdict, Verdict::Missed);
    assert_eq!(over.clone().told(10, "update").line("End told").verdict, Verdict::Good);
    // That users were served again is not that it is over.
    let served = Drill::new().told(1, "stakeholders").then(4, Mitigated::default()).told(5, "update").over(9);
    assert_eq!(served.line("End told").verdict, Verdict::Partly);
}

#[test]
fn what_was_resolved_with_points_open_is_not_verified() {
    let after = Vec::new();
    let open = vec!["8 checklist items open".to_owned(), "no cause is recorded".to_owned()];
    let over = Drill::new().then(9, Resolved { after, open, reason: "v1.4.1 serves everybody".into() });
    let line = over.line("Verified");
    assert_eq!(line.verdict, Verdict::Partly);
    assert_eq!(
        line.moments[0].what,
        "resolved with 2 points open: 8 checklist items open; no cause is recorded"
    );
}

#[test]
fn what_failed_its_watch_has_to_go() {
    let bad = model_drill().0[..10].to_vec();
    let bad = Drill(bad).deploy(20, "deploy-production-1", "b4d", WatchVerdict::Failed);
    assert_eq!(bad.line("Taken back").verdict, Verdict::Open);
    assert_eq!(bad.line("Watched").verdict, Verdict::Wrong);
    let back = bad.clone().deploy(23, "rollback-2", "g00d", WatchVerdict::Passed);
    assert_eq!(back.line("Taken back").verdict, Verdict::Good);
    assert_eq!(
        bad.deploy(60, "rollback-2", "g00d", WatchVerdict::Passed).line("Taken back").verdict,
        Verdict::Late
    );
}

#[test]
fn a_gate_that_was_overridden_is_named_with_its_reason() {
    let over = GatePassedOver {
        plan: "deploy-production-1".into(),
        hash: String::new(),
        gate: "checklist".into(),
        missing: "3 items open".into(),
        reason: "everybody agrees".into(),
    };
    let drill = Drill::new().then(5, over).deploy(6, "deploy-production-1", "f1x", WatchVerdict::Passed);
    let line = drill.line("Gates");
    assert_eq!(line.verdict, Verdict::Partly);
    assert!(line.moments[0].what.contains("checklist overridden by maya: everybody agrees"), "{line:?}");
    assert!(!drill.line("Roles").moments.iter().all(|moment| moment.at.is_some()), "who approves is missing");
}

#[test]
fn what_does_not_belong_to_the_fix_is_named() {
    let stray = Stray { path: "docs/logo.svg".into(), why: "formatting only".into() };
    let growth = Growth { beyond: Vec::new(), strays: vec![stray] };
    let change = Change { files: vec!["app/checkout.awk".into(), "docs/logo.svg".into()], growth };
    let lines = model_drill().graded(&[], Some(&change));
    let line = lines.iter().find(|line| line.title == "Size of the fix").unwrap();
    assert_eq!(line.verdict, Verdict::Wrong);
    assert!(line.moments.iter().any(|moment| moment.what.starts_with("docs/logo.svg")), "{line:?}");
}

#[test]
fn a_hotfix_is_wrong_where_the_fault_is_not_ours() {
    let lesson = |asked| Lesson { title: "This one".into(), asked, why: "It is the provider's.".into() };
    let verdict = |drill: &Drill, asked| {
        let lines = drill.graded(&[lesson(asked)], None);
        lines.into_iter().find(|line| line.title == "This one").unwrap().verdict
    };
    let waited = Drill::new().plan(3, "flag-1", "flag", "flag:new-provider");
    assert_eq!(verdict(&waited, Asked::NoDeploy), Verdict::Good);
    assert_eq!(verdict(&waited, Asked::FlagOff), Verdict::Good);
    assert_eq!(verdict(&Drill::new(), Asked::FlagOff), Verdict::Open);
    let branch = Drill::new().plan(3, "hotfix-1", "hotfix", "repository");
    assert_eq!(verdict(&branch, Asked::NoDeploy), Verdict::Partly);
    let deployed = branch.deploy(9, "deploy-production-1", "f1x", WatchVerdict::Failed);
    assert_eq!(verdict(&deployed, Asked::NoDeploy), Verdict::Wrong);
}

#[test]
fn a_pipeline_is_approved_from_here_or_nobody_knows_why() {
    let lesson = Lesson { title: "Approved".into(), asked: Asked::Reviewed, why: "Say why.".into() };
    let line = |drill: &Drill| {
        let lines = drill.graded(std::slice::from_ref(&lesson), None);
        lines.into_iter().find(|line| line.title == "Approved").unwrap()
    };
    assert_eq!(line(&Drill::new()).verdict, Verdict::Open);
    let (plan, run) = ("deploy-production-1".to_owned(), "deploy-production-1.1".to_owned());
    let seen = PipelineSeen {
        plan: plan.clone(),
        step: 0,
        run: run.clone(),
        id: "4121".into(),
        commit: String::new(),
        name: "deploy.yml #1".into(),
        url: String::new(),
        attempt: 1,
        state: RemoteState::Succeeded,
        asks: false,
        note: String::new(),
        ids: Vec::new(),
    };
    let deployed = Drill::new().deploy(9, &plan, "f1x", WatchVerdict::Passed).then(9, seen);
    assert_eq!(line(&deployed).verdict, Verdict::Partly);
    let review = |approve| {
        let decision = Decision::Review {
            approve,
            comment: "staging is healthy".into(),
            waits_for: "for approval of staging".into(),
            ids: Vec::new(),
        };
        PlanAsked { plan: plan.clone(), step: 0, run: Some(run.clone()), decision }
    };
    assert_eq!(line(&deployed.clone().then(9, review(false))).verdict, Verdict::Partly);
    let approved = line(&deployed.then(9, review(true)));
    assert_eq!(approved.verdict, Verdict::Good);
    assert!(approved.moments[0].what.contains("staging is healthy"), "{approved:?}");
}

#[test]
fn the_fix_lies_between_where_its_branch_began_and_what_was_deployed() {
    assert_eq!(fix_of(&Drill::new().state()), None);
    let drill = model_drill();
    assert_eq!(fix_of(&drill.state()), Some(("ba5e".into(), Some("f1x".into()))));
}

#[test]
fn who_approved_without_the_role_is_told_apart() {
    let approved = Approved {
        role: "lead".into(),
        by: "omar".into(),
        verbal: false,
        how: String::new(),
        plan: Some("p".into()),
        hash: "h".into(),
        title: "deploy main to production".into(),
    };
    let drill = Drill::new().then(3, approved).deploy(5, "deploy-1", "f1x", WatchVerdict::Passed);
    let said = format!("{:?}", drill.line("Roles"));
    assert!(said.contains("omar approved, without having the role"), "{said}");
}

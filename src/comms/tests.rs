//! Drafts of a story as business readers get them, and what each service is sent.

mod services;
mod waiting;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::draft::{Draft, Own, Sight, against, draft, due};
use super::numbers::{Number, are_apart};
use crate::health::series::State as Health;
use crate::incident::{
    Alarm, Author, Body, CauseDescribed, Declared, Delivered, Delivery, Draft as Written, Facts, Hash, Hlc,
    ImpactDescribed, IncidentId, Log, MessageKind, Messaged, Mitigated, NoteKind, Noted, Phase, PhaseEntered,
    PipelineSeen, PlanEnded, PlanStarted, Policy, Record, RecordId, ReleaseJudged, Released, RepositoryId,
    Resolved, RoleTaken, Seen, Severity, State, StepStarted, Told,
};

/// Records, each at a minute after it began.
struct Story(Vec<Record>);

fn minute(n: i64) -> Timestamp {
    "2026-03-01T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(n)
}

impl Story {
    fn begun() -> Self {
        let mut story = Self(Vec::new());
        story.at(
            0,
            Declared {
                number: "INC-2026-0042".into(),
                title: "Checkout answers 500".into(),
                severity: Severity::P0,
                service: "shop".into(),
                impact: String::new(),
                repository: String::new(),
                repository_id: RepositoryId::default(),
                answers: Vec::new(),
            },
        );
        story
    }

    fn at(&mut self, n: i64, body: impl Into<Body>) -> RecordId {
        let id = RecordId(Uuid::from_u128(self.0.len() as u128 + 1));
        let at = Hlc { wall_ms: minute(n).as_millisecond(), count: 0 };
        let author = Author { name: "maya".into(), node: 1 };
        let written = Written::now(IncidentId(Uuid::from_u128(1)), body);
        self.0.push(Record::seal(id, written, author, at, Hash::default()).unwrap().0);
        id
    }

    fn state(&self) -> State {
        Log::new(self.0.clone()).unwrap().state().clone()
    }
}

fn told(audience: &str) -> Told {
    Told { audience: audience.into(), ..Told::default() }
}

fn errors(before: Option<f64>, now: Option<f64>, state: Health) -> Number {
    Number {
        name: "payment failures".into(),
        environment: String::new(),
        state,
        before,
        now,
        moved: true,
        unit: "%".into(),
        range: "max 5".into(),
        by_answer: false,
        inward: false,
    }
}

#[test]
fn what_is_judged_by_its_answer_is_not_told_by_how_long_that_took() {
    let story = Story::begun();
    let told = |state| {
        let range = "want 200".to_owned();
        let errors = errors(None, Some(14.0), state);
        let health =
            Number { name: "api /health".into(), by_answer: true, range, unit: "ms".into(), ..errors };
        drafted(&story, 1, MessageKind::Alert, &[health], &[]).text
    };
    let failing = told(Health::Failing);
    assert!(
        failing.contains("The service is not responding normally") && !failing.contains("/health"),
        "{failing}"
    );
    assert!(told(Health::Ok).contains("The service is responding normally"), "{}", told(Health::Ok));
    assert!(!told(Health::Ok).contains("14 ms"), "{}", told(Health::Ok));
}

#[test]
fn what_judges_a_canary_is_told_to_those_on_the_call_alone() {
    let story = Story::begun();
    let newest =
        Number { name: "newest release".into(), inward: true, ..errors(None, Some(41.0), Health::Failing) };
    let text = |kind| drafted(&story, 1, kind, std::slice::from_ref(&newest), &[]).text;
    assert!(!text(MessageKind::Alert).contains("newest release"), "{}", text(MessageKind::Alert));
    assert!(text(MessageKind::Brief).contains("newest release 41 % (max 5)"), "{}", text(MessageKind::Brief));
}

#[test]
fn a_length_of_seconds_is_not_told_in_thousands() {
    let slow =
        Number { unit: "ms".into(), range: "max 800".into(), ..errors(None, Some(1533.0), Health::Failing) };
    let text = drafted(&Story::begun(), 1, MessageKind::Alert, &[slow], &[]).text;
    assert!(text.contains("payment failures 1.5 s (alarm above 800 ms)"), "{text}");
}

#[test]
fn a_number_that_only_wavers_went_neither_up_nor_down() {
    let story = Story::begun();
    let said = |moved| {
        let number = Number { moved, ..errors(Some(45.0), Some(43.0), Health::Failing) };
        drafted(&story, 1, MessageKind::Update, &[number], &[]).text
    };
    assert!(
        said(true).contains("payment failures down from 45 % to 43 % (alarm above 5 %)"),
        "{}",
        said(true)
    );
    assert!(said(false).contains("payment failures 43 % (alarm above 5 %)"), "{}", said(false));
    assert!(are_apart(&[45.0, 46.0], &[2.0, 3.0]) && are_apart(&[1.0, 2.0], &[3.0, 4.0]));
    assert!(!are_apart(&[45.0, 38.0], &[40.0, 47.0]), "they overlap");
    assert!(!are_apart(&[45.0], &[2.0, 3.0]), "one sample shows no spread");
}

/// As bad as the worst of them.
fn seen_in(numbers: &[Number]) -> Seen {
    let is = |state: Health| numbers.iter().any(|number| number.state == state);
    match () {
        () if is(Health::Failing) => Seen::Failing,
        () if is(Health::Warn) => Seen::Degraded,
        () => Seen::Well,
    }
}

fn drafted(story: &Story, n: i64, kind: MessageKind, numbers: &[Number], own: &[Own]) -> Draft {
    let (state, policy) = (story.state(), Policy::built_in());
    let (number, service) = (state.number.as_str(), "shop");
    let sight = Sight {
        state: &state,
        policy: &policy,
        number,
        service,
        numbers,
        seen: seen_in(numbers),
        third_parties: &[],
        now: minute(n),
    };
    draft(&sight, kind, "stakeholders", own)
}

fn text(story: &Story, n: i64, kind: MessageKind, numbers: &[Number]) -> String {
    let draft = drafted(story, n, kind, numbers, &[]);
    assert_eq!(draft.problem, None, "{kind:?}");
    draft.text
}

#[test]
fn an_alert_leaves_open_what_nobody_knows_yet() {
    let mut story = Story::begun();
    let failing = [errors(None, Some(45.2), Health::Failing)];
    assert_eq!(
        text(&story, 2, MessageKind::Alert, &failing),
        "P0: Checkout answers 500\n\
         \n\
         We are investigating.\n\
         Impact: not known yet\n\
         Since: 14:00 UTC\n\
         payment failures 45 % (alarm above 5 %)\n\
         \n\
         Next update: 14:17 UTC\n\
         INC-2026-0042"
    );
    story.at(2, ImpactDescribed { text: "nobody can pay".into() });
    story.at(3, RoleTaken { role: "commander".into(), person: "maya".into() });
    let said = text(&story, 4, MessageKind::Alert, &[]);
    assert!(said.contains("Impact: nobody can pay") && said.contains("Incident commander: maya"), "{said}");
}

#[test]
fn an_update_covers_what_happened_since_the_last_one_to_that_audience() {
    let mut story = Story::begun();
    story.at(3, Noted { kind: NoteKind::Decision, text: "no rollback: the schema moved on".into() });
    story.at(5, told("stakeholders"));
    story.at(6, Noted { kind: NoteKind::Note, text: "looking at the pool".into() });
    story.at(8, Noted { kind: NoteKind::Finding, text: "the pool of connections\nis exhausted".into() });
    story.at(9, PhaseEntered { phase: Phase::Develop });
    let numbers = [errors(Some(45.0), Some(2.04), Health::Ok)];
    assert_eq!(
        text(&story, 18, MessageKind::Update, &numbers),
        "P0 update: Checkout answers 500\n\
         \n\
         We are working on a fix.\n\
         Impact: not known yet\n\
         payment failures down from 45 % to 2 % (alarm above 5 %)\n\
         \n\
         Since the last update, at 14:05 UTC:\n\
         - 14:08 UTC the pool of connections is exhausted\n\
         \n\
         Cause: not known yet\n\
         Next update: 14:33 UTC\n\
         INC-2026-0042"
    );
    // Nobody asks what there is no data of.
    let silent = [errors(Some(45.0), None, Health::Unknown)];
    assert!(
        text(&story, 18, MessageKind::Update, &silent).contains("payment failures: not known at the moment")
    );
}

#[test]
fn what_happens_between_a_draft_and_its_acceptance_is_in_the_next_message() {
    let mut story = Story::begun();
    let finding = |text: &str| Noted { kind: NoteKind::Finding, text: text.into() };
    story.at(2, finding("it is the pool"));
    let message = Messaged {
        kind: MessageKind::Alert,
        audience: "stakeholders".into(),
        text: "x".into(),
        channels: vec!["mail".into()],
        as_of: Some(minute(3)),
    };
    // It was read at minute 3, sent at minute 5 and taken at minute 10.
    story.at(4, finding("the pool has 10 connections"));
    let message = story.at(5, message);
    let end = |end| Delivered {
        message,
        channel: "mail".into(),
        end,
        why: String::new(),
        reference: String::new(),
        again: None,
        process: None,
    };
    story.at(5, end(Delivery::Sending));
    story.at(7, Mitigated::default());
    story.at(10, end(Delivery::Accepted));
    let update = text(&story, 12, MessageKind::Update, &[]);
    // They know it by when it came.
    assert!(update.contains("Since the last update, at 14:10 UTC:"), "{update}");
    assert!(update.contains("the pool has 10") && !update.contains("it is the pool"), "{update}");
    let (state, policy) = (story.state(), Policy::built_in());
    assert_eq!(
        due(&state, &policy, Seen::Well, minute(12)).0,
        MessageKind::Resolved,
        "they have not heard of that"
    );
    assert_eq!(
        crate::incident::last_told(&state, &policy, "stakeholders"),
        Some(minute(10)),
        "the clock is met"
    );
    // Whoever told them by hand since then told them all.
    story.at(13, told("stakeholders"));
    assert!(!text(&story, 14, MessageKind::Update, &[]).contains("the pool has 10"));
}

#[test]
fn the_end_says_how_long_it_took_and_a_rollback_nothing_that_is_not_on_record() {
    let mut story = Story::begun();
    let mitigated = story.at(20, Mitigated::default());
    let served = text(&story, 21, MessageKind::Resolved, &[]);
    assert!(served.starts_with("Service restored: Checkout answers 500"), "{served}");
    story.at(30, CauseDescribed { text: "a pool of 10 connections".into() });
    story.at(47, Resolved { after: vec![mitigated], ..Resolved::default() });
    let over = text(&story, 50, MessageKind::Resolved, &[]);
    assert!(over.contains("Resolved after 47 minutes, from 14:00 UTC to 14:47 UTC."), "{over}");
    assert!(over.contains("Cause: a pool of 10 connections"), "{over}");
    assert!(over.contains("A post-incident review follows.") && !over.contains("Next update"), "{over}");
    assert!(text(&story, 50, MessageKind::Rollback, &[]).contains("No rollback is on record."));
    for kind in MessageKind::ALL {
        let said = text(&story, 50, kind, &[]);
        assert!(!said.contains("\n\n\n") && !said.contains("{{"), "{said}");
    }
}

/// A body as it is on record.
fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

impl Story {
    /// A plan for production that is done a minute later, and what it brought there.
    fn brings(&mut self, n: i64, purpose: &str, title: &str, tag: &str) {
        self.starts(n, purpose, title);
        let rollback = purpose == "rollback";
        let (commit, plan) = (tag.repeat(10), format!("{purpose}-{n}"));
        self.at(
            n + 1,
            of::<Released>(json!({
                "environment": "production", "reference": "main", "commit": commit, "tag": tag, "plan": plan,
                "rollback": rollback,
            })),
        );
        self.at(
            n + 1,
            of::<ReleaseJudged>(json!({
                "environment": "production", "commit": commit, "plan": plan, "verdict": "passed",
                "why": "healthy for 12s",
            })),
        );
        self.at(n + 1, of::<PlanEnded>(json!({ "plan": plan, "end": "done" })));
    }

    fn starts(&mut self, n: i64, purpose: &str, title: &str) {
        self.at(
            n,
            of::<PlanStarted>(json!({
                "plan": format!("{purpose}-{n}"), "title": title, "purpose": purpose, "target": "production",
                "hash": "", "steps": [], "spec": { "confirm": "production" },
            })),
        );
    }
}

#[test]
fn what_was_done_is_told_in_words_for_people_outside_the_call() {
    let mut story = Story::begun();
    story.at(2, told("stakeholders"));
    story.brings(10, "rollback", "roll production back: redeploy v1.4.1, back to v1.4.1 (328b804)", "v1.4.1");
    let update = |story: &Story, n| text(story, n, MessageKind::Update, &[]);
    let said = update(&story, 12);
    assert!(said.contains("We rolled production back to v1.4.1, and it is healthy."), "{said}");
    assert!(said.contains("- 14:11 UTC rolled production back to v1.4.1, and it is healthy\n"), "{said}");
    let back = text(&story, 12, MessageKind::Rollback, &[]);
    assert!(back.contains("Since 14:11 UTC production is on v1.4.1 again.\nIt is healthy.\n"), "{back}");
    assert!(!back.contains("signals") && !back.contains("We rolled"), "{back}");

    // Served, and each step of the fix is heard of.
    let mitigated = story.at(13, Mitigated::default());
    assert!(update(&story, 14).contains("Service is restored. We are looking for the cause."));
    let fails = [errors(None, Some(45.2), Health::Failing)];
    let said = text(&story, 14, MessageKind::Update, &fails);
    assert!(said.contains("Service was restored at 14:11 UTC, and fails again."), "{said}");
    story.at(20, PhaseEntered { phase: Phase::Develop });
    assert!(update(&story, 21).contains("Service is restored. We are working on a fix."));
    story.at(
        25,
        of::<PlanStarted>(json!({
            "plan": "finish-1", "title": "finish hotfix/pool", "purpose": "hotfix", "target": "repository",
            "hash": "", "steps": [], "spec": {},
        })),
    );
    story.at(26, of::<PlanEnded>(json!({ "plan": "finish-1", "end": "done" })));
    assert!(update(&story, 27).contains("Service is restored. A fix is ready to be deployed."));
    story.starts(30, "deploy", "deploy main to production, canary 10 → 50 → 100 %");
    let said = update(&story, 31);
    assert!(said.contains("Service is restored. A fix is being deployed."), "{said}");
    assert!(said.contains("Under way: deploy main to production\n"), "{said}");
    story.at(32, of::<PlanEnded>(json!({ "plan": "deploy-30", "end": "failed", "why": "it failed" })));
    story.brings(40, "deploy", "deploy main to production, canary 10 → 50 → 100 %", "v1.4.3");
    let said = update(&story, 42);
    assert!(said.contains("Service is restored. A fix is in production, and it is healthy."), "{said}");
    assert!(said.contains("- 14:41 UTC deployed v1.4.3 to production, and it is healthy\n"), "{said}");

    // What was left undone is for the record.
    let open = "nobody recorded that users are served again";
    story.at(47, of::<Resolved>(json!({ "after": [mitigated], "reason": open })));
    let over = text(&story, 48, MessageKind::Resolved, &[]);
    assert!(over.contains("- 14:11 UTC service restored\n") && !over.contains(open), "{over}");
}

#[test]
fn a_rollback_that_waits_for_approval_is_not_said_to_run() {
    let mut story = Story::begun();
    story.at(2, told("stakeholders"));
    story.at(
        10,
        of::<PlanStarted>(json!({
            "plan": "rollback-10", "title": "roll production back: redeploy v1.4.1", "purpose": "rollback",
            "target": "production", "hash": "", "steps": ["deploy.yml"], "spec": { "confirm": "production" },
        })),
    );
    let run = "rollback-10.0";
    story.at(10, of::<StepStarted>(json!({ "plan": "rollback-10", "step": 0, "run": run })));
    let seen = |state: &str, note: &str| {
        of::<PipelineSeen>(json!({
            "plan": "rollback-10", "step": 0, "run": run, "id": "42", "name": "deploy.yml #42", "url": "",
            "commit": "", "attempt": 1, "state": state, "asks": true, "note": note,
        }))
    };
    story.at(11, seen("waiting", "for approval of production by omar"));
    let said = text(&story, 12, MessageKind::Update, &[]);
    assert!(said.contains("A rollback is waiting for approval."), "{said}");
    assert!(said.contains("Under way: roll production back (waiting for approval)\n"), "{said}");
    story.at(13, seen("running", ""));
    let said = text(&story, 14, MessageKind::Update, &[]);
    assert!(said.contains("We are rolling back.") && !said.contains("approval"), "{said}");
}

#[test]
fn a_change_counts_from_the_end_of_its_plan_and_never_after_what_it_did() {
    let with = |recovers: bool| {
        let mut story = Story::begun();
        let alarm = |from: &str, to: &str| Alarm {
            probe: "payment failures".into(),
            from: from.into(),
            to: to.into(),
            why: String::new(),
        };
        story.at(3, alarm("ok", "failing"));
        story.starts(10, "rollback", "roll production back: redeploy v1.4.1");
        if recovers {
            story.at(12, alarm("failing", "ok"));
        }
        story.at(
            13,
            of::<Released>(json!({
                "environment": "production", "reference": "main", "commit": "c".repeat(40), "tag": "v1.4.1",
                "plan": "rollback-10", "rollback": true,
            })),
        );
        story.at(15, of::<PlanEnded>(json!({ "plan": "rollback-10", "end": "done" })));
        if recovers {
            story.at(16, Mitigated::default());
        }
        let well = [errors(Some(0.4), Some(0.4), Health::Ok)];
        text(&story, 17, MessageKind::Update, &well)
    };
    let said = with(false);
    assert!(said.contains("- 14:15 UTC rolled production back to v1.4.1\n"), "{said}");
    let said = with(true);
    let wanted = "- 14:12 UTC rolled production back to v1.4.1\n- 14:12 UTC service restored\n";
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn an_outage_after_users_were_served_is_told_and_nothing_is_still_as_it_was() {
    let mut story = Story::begun();
    story.at(2, told("stakeholders"));
    let alarm = |from: &str, to: &str| Alarm {
        probe: "payment failures".into(),
        from: from.into(),
        to: to.into(),
        why: "45 % (max 5 %)".into(),
    };
    story.at(3, alarm("ok", "failing"));
    story.brings(10, "rollback", "roll production back: redeploy v1.4.1", "v1.4.1");
    story.at(11, alarm("failing", "ok"));
    story.at(13, Mitigated::default());
    story.at(14, told("stakeholders"));
    story.starts(20, "deploy", "deploy v1.4.3 to production");
    let live = json!({
        "environment": "production", "reference": "main", "commit": "d".repeat(40), "tag": "v1.4.3",
        "plan": "deploy-20",
    });
    story.at(21, of::<Released>(live));
    story.at(22, alarm("ok", "failing"));
    let judged = json!({
        "environment": "production", "commit": "d".repeat(40), "plan": "deploy-20", "verdict": "failed",
        "why": "payment failures 45 %",
    });
    story.at(23, of::<ReleaseJudged>(judged));
    story.at(23, of::<PlanEnded>(json!({ "plan": "deploy-20", "end": "failed", "why": "it failed" })));
    story.brings(24, "rollback", "roll production back: redeploy v1.4.1", "v1.4.1");
    story.at(26, alarm("failing", "ok"));
    let well = [errors(Some(0.4), Some(0.4), Health::Ok)];
    let said = text(&story, 28, MessageKind::Update, &well);
    for wanted in [
        "Service failed again at 14:22 UTC, and recovered at 14:26 UTC.",
        "- 14:21 UTC deployed v1.4.3 to production, but it is not healthy\n- 14:22 UTC production failed again\n",
        "- 14:25 UTC rolled production back to v1.4.1, and it is healthy\n",
        "- 14:26 UTC production recovered\n",
        "payment failures back at 0.4 %",
    ] {
        assert!(said.contains(wanted), "{wanted} in\n{said}");
    }
    assert!(!said.contains("still") && !said.contains("Service is restored"), "{said}");
}

#[test]
fn a_template_of_ones_own_is_used_and_one_with_an_error_names_its_line() {
    let story = Story::begun();
    let own = |source: Result<&str, &str>| {
        let source = source.map(str::to_owned).map_err(str::to_owned);
        [Own { kind: MessageKind::Alert, path: "msg/alert.txt".into(), source }]
    };
    let with = |source| drafted(&story, 2, MessageKind::Alert, &[], &own(source));
    assert_eq!(with(Ok("{{ title }}!\n")).text, "Checkout answers 500!");
    let usual = text(&story, 2, MessageKind::Alert, &[]);
    for (source, said) in [
        (Ok("a\n{{ titel }}\n"), "msg/alert.txt, line 2: "),
        (Ok("{% if %}"), "msg/alert.txt, line 1: "),
        (
            Ok("{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}"),
            "msg/alert.txt",
        ),
        (Err("it is not UTF-8"), "msg/alert.txt: it is not UTF-8"),
    ] {
        let draft = with(source);
        let problem = draft.problem.unwrap();
        assert!(problem.starts_with(said), "{source:?}: {problem}");
        assert_eq!(draft.text, usual, "the usual one is used");
    }
    // Another kind has none of its own.
    assert_eq!(
        drafted(&story, 2, MessageKind::Brief, &[], &own(Ok("x"))).text,
        text(&story, 2, MessageKind::Brief, &[])
    );
}

#[test]
fn what_is_due_follows_from_what_was_said_last() {
    let policy = Policy::built_in();
    let mut story = Story::begun();
    let due_at = |story: &Story, n| {
        let (kind, audience) = due(&story.state(), &policy, Seen::Well, minute(n));
        (kind, audience)
    };
    assert_eq!(due_at(&story, 1), (MessageKind::Alert, "stakeholders".into()));
    story.at(5, told("stakeholders"));
    assert_eq!(due_at(&story, 6).0, MessageKind::Update);
    let mitigated = story.at(20, Mitigated::default());
    assert_eq!(due_at(&story, 21).0, MessageKind::Resolved);
    // Nobody hears that users are served while production is seen to fail.
    assert_eq!(due(&story.state(), &policy, Seen::Failing, minute(21)).0, MessageKind::Update);
    assert!(against(&story.state(), Seen::Failing, MessageKind::Resolved).is_some());
    assert_eq!(against(&story.state(), Seen::Degraded, MessageKind::Resolved), None);
    story.at(22, told("update"));
    assert_eq!(due_at(&story, 23).0, MessageKind::Update);
    story.at(30, Resolved { after: vec![mitigated], ..Resolved::default() });
    assert_eq!(due_at(&story, 31).0, MessageKind::Resolved);
    assert_eq!(due(&story.state(), &policy, Seen::Failing, minute(31)).0, MessageKind::Update);
    // Executives are written to once their clock has run out.
    let mut long = Story::begun();
    long.at(5, told("stakeholders"));
    long.at(4 * 60 + 20, told("update"));
    assert_eq!(due_at(&long, 4 * 60 + 21), (MessageKind::Alert, "executives".into()));
}

#[test]
fn an_audience_is_told_once_a_service_accepts_and_not_before() {
    let mut story = Story::begun();
    let channels = vec!["slack".to_owned(), "mail".to_owned()];
    let message = story.at(
        3,
        Messaged {
            kind: MessageKind::Update,
            audience: "stakeholders".into(),
            text: "x".into(),
            channels,
            as_of: None,
        },
    );
    let end = |channel: &str, end| Delivered {
        message,
        channel: channel.into(),
        end,
        why: if end == Delivery::Accepted { String::new() } else { "404: gone".into() },
        reference: String::new(),
        again: None,
        process: None,
    };
    story.at(4, end("slack", Delivery::Sending));
    story.at(5, end("slack", Delivery::Failed));
    assert!(story.state().told.is_empty());
    let next = crate::incident::next(&story.state(), &Policy::built_in(), &Facts::default(), minute(5));
    let next = next.iter().find(|next| next.action == "message").unwrap();
    assert_eq!(next.title, "update for stakeholders was not delivered on slack: review and resend");
    story.at(6, end("mail", Delivery::Sending));
    story.at(7, end("mail", Delivery::Accepted));
    story.at(8, end("slack", Delivery::Accepted));
    let state = story.state();
    assert_eq!(state.told, [(minute(7), "stakeholders".to_owned())], "the first counts, once");
    let lines: Vec<&str> = state.timeline.iter().skip(1).map(|entry| entry.text).collect();
    assert_eq!(
        lines,
        [
            "update to stakeholders not sent by slack: 404: gone",
            "sent stakeholders an update (mail)",
            "sent stakeholders an update (slack)"
        ]
    );
}

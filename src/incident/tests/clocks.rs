//! Clocks as the policy has them: what stops, what starts anew, and what a team changes about them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// The policy of a team that says this.
fn policy(text: &str) -> Policy {
    Policy::built_in().with(&toml::from_str::<PolicyChange>(text).unwrap())
}

fn clock_of(log: &Log, policy: &Policy, id: &str, now: i64) -> Clock {
    let all = clocks(log.state(), policy, minutes(now));
    all.into_iter().find(|clock| clock.id == id).unwrap_or_else(|| panic!("no clock {id}"))
}

fn to(severity: Severity) -> SeverityChanged {
    SeverityChanged { severity, reason: "seen".into(), answers: Vec::new() }
}

#[test]
fn what_a_lower_severity_does_not_ask_for_is_stopped_and_stays_in_sight() {
    let usual = Policy::built_in();
    let lowered = log([record(3, paged("li")), record(50, to(Severity::P2))]);
    let rows = [
        ("page", ClockState::Met, None, 5),
        ("stakeholders", ClockState::Stopped, Some(50), 5),
        ("escalate", ClockState::Stopped, Some(50), 15),
        ("fix", ClockState::Stopped, Some(50), 120),
        ("executives", ClockState::Stopped, Some(50), 240),
        ("update", ClockState::Stopped, Some(50), 15),
    ];
    for (id, state, stopped, due) in rows {
        let clock = clock_of(&lowered, &usual, id, 60);
        assert_eq!(
            (clock.state, clock.stopped_at, clock.due_at),
            (state, stopped.map(minutes), minutes(due)),
            "{id}"
        );
    }
    let raised = log([record(50, to(Severity::P2)), record(70, to(Severity::P0))]);
    let clock = clock_of(&raised, &usual, "page", 72);
    assert_eq!((clock.state, clock.due_at), (ClockState::Running, minutes(75)), "asked for anew");
}

#[test]
fn each_audience_has_a_clock_that_only_telling_it_starts_anew() {
    let usual = Policy::built_in();
    let lowered = |more: Vec<Record>| log(std::iter::once(record(1, to(Severity::P1))).chain(more));
    let due = |log: &Log, id: &str| clock_of(log, &usual, id, 30).due_at;
    let day = 24 * 60;
    assert_eq!(due(&lowered(vec![]), "update:business"), minutes(day));
    let down = lowered(vec![record(10, told("stakeholders"))]);
    assert_eq!(due(&down, "update"), minutes(40), "users are not served yet");
    let served =
        |more: Vec<Record>| lowered(std::iter::once(record(5, Mitigated::default())).chain(more).collect());
    let stakeholders = served(vec![record(10, told("stakeholders"))]);
    assert_eq!(due(&stakeholders, "update:business"), minutes(day), "that is for others");
    assert_eq!(due(&stakeholders, "update"), minutes(10 + day), "no fix is in flight");
    let business = served(vec![record(10, told("update")), record(20, told("business"))]);
    assert_eq!(due(&business, "update:business"), minutes(20 + day));
    assert_eq!(due(&business, "update"), minutes(10 + day), "an update is for stakeholders");
    let flying = served(vec![record(10, told("update")), record(25, PhaseEntered { phase: Phase::Develop })]);
    assert_eq!(due(&flying, "update"), minutes(40), "more often since the fix is under way");
    assert_eq!(due(&flying, "update:business"), minutes(day), "daily all the while");
}

#[test]
fn what_people_were_promised_is_owed_however_often_they_are_told_by_now() {
    let usual = Policy::built_in();
    // Read and promised at one minute, accepted in the next.
    let sent = |at: i64| {
        let message = Messaged {
            kind: MessageKind::Update,
            audience: "stakeholders".into(),
            text: "Next update: soon".into(),
            channels: vec!["slack".into()],
            as_of: Some(minutes(at)),
        };
        let message = record(at, message);
        let accepted = record(at + 1, Delivered::new(message.id, "slack", Delivery::Accepted));
        [message, accepted]
    };
    let update = |records: Vec<Record>, now| {
        let clock = clock_of(&log(records), &usual, "update", now);
        (clock.due_at, clock.state, clock.is_promised())
    };
    let with = |more: Vec<Record>| sent(10).into_iter().chain(more).collect::<Vec<_>>();
    // At P0 every 15 minutes while users are not served.
    assert_eq!(update(with(vec![]), 20), (minutes(25), ClockState::Running, false));
    for (what, severity) in [("rarer at P1", Severity::P1), ("not at all at P2", Severity::P2)] {
        let changed = with(vec![record(15, to(severity))]);
        assert_eq!(update(changed.clone(), 20), (minutes(25), ClockState::Running, true), "{what}");
        assert_eq!(update(changed, 30), (minutes(25), ClockState::Overdue, true), "{what}");
    }
    let served = with(vec![record(1, to(Severity::P1)), record(15, Mitigated::default())]);
    assert_eq!(update(served, 20), (minutes(40), ClockState::Running, true), "daily from the next one on");
    // A new message says when they hear next.
    let anew = with([record(15, to(Severity::P1))].into_iter().chain(sent(20)).collect());
    assert_eq!(update(anew, 30), (minutes(50), ClockState::Running, false));
    // What is to be sooner than was promised is.
    let raised = with(vec![record(1, to(Severity::P1)), record(12, to(Severity::P0))]);
    assert_eq!(update(raised, 13), (minutes(26), ClockState::Running, false));
    let next = with(vec![record(15, to(Severity::P1))]);
    let clocks = clocks(log(next).state(), &usual, minutes(30));
    assert_eq!(clocks.iter().find(|clock| clock.id == "update").unwrap().title, "promised update due");
}

#[test]
fn rounds_of_updates_that_were_missed_are_counted() {
    let usual = Policy::built_in();
    let mut told_when = vec![record(3, told("stakeholders"))];
    told_when.extend([15, 50, 60].map(|at| record(at, told("update"))));
    let open = log(told_when.clone());
    let past = rounds(open.state(), &usual, minutes(61));
    let seen: Vec<_> = past.iter().map(|round| (round.due_at, round.told_at, round.is_missed())).collect();
    assert_eq!(
        seen,
        [
            (minutes(18), Some(minutes(15)), false),
            (minutes(30), Some(minutes(50)), true),
            (minutes(65), Some(minutes(60)), false),
        ]
    );
    let clock = clock_of(&open, &usual, "update", 61);
    assert_eq!((clock.due_at, clock.missed, clock.state), (minutes(75), 1, ClockState::Running));
    told_when.push(record(100, Resolved { after: Vec::new(), ..Resolved::default() }));
    let over = log(told_when);
    assert_eq!(
        rounds(over.state(), &usual, minutes(500)).iter().filter(|round| round.is_missed()).count(),
        2
    );
    assert_eq!(clock_of(&over, &usual, "update", 500).missed, 2, "nobody was told before it was over");
}

#[test]
fn every_phase_has_a_clock_that_its_end_meets() {
    let usual = Policy::built_in();
    let enter = |at, phase| record(at, PhaseEntered { phase });
    let log = log([enter(4, Phase::Respond), enter(40, Phase::Develop), enter(50, Phase::Respond)]);
    let rows = [
        ("phase:detect", ClockState::Met, 5),
        ("phase:respond", ClockState::Late, 24),
        ("phase:develop", ClockState::Met, 130),
        ("phase", ClockState::Running, 70),
    ];
    for (id, state, due) in rows {
        let clock = clock_of(&log, &usual, id, 60);
        assert_eq!((clock.state, clock.due_at), (state, minutes(due)), "{id}");
    }
    let budget = policy("[phase.respond]\nbudget = \"1h\"\nname = \"triage\"");
    let clock = clock_of(&log, &budget, "phase:respond", 60);
    assert_eq!((clock.state, clock.title.as_str()), (ClockState::Met, "triage budget"));
}

#[test]
fn a_team_has_clocks_and_figures_of_its_own() {
    let own = policy(
        "[clock.legal]\ntitle = \"tell the regulator\"\nafter = \"72h\"\nseverities = [\"P0\"]\nfrom = \"declared\"\n\
         met_by = [\"told\"]\nwho = \"regulator\"\n[audience.regulator]\ntitle = \"the regulator\"\n\
         [clock.page]\nafter = \"10m\"\n[clock.executives]\ndrop = true\n\
         [clock.praise]\ntitle = \"thank everybody\"\nafter = \"1h\"\nfrom = \"resolved\"\nmet_by = [\"told\"]\nwho = \"everybody\"\n\
         [audience.everybody]\ntitle = \"everybody\"",
    );
    let open = log([]);
    assert_eq!(clock_of(&open, &own, "legal", 5).due_at, minutes(72 * 60));
    assert_eq!(clock_of(&open, &own, "page", 5).due_at, minutes(10), "its own time for all severities");
    let ids = |log: &Log| -> Vec<String> {
        clocks(log.state(), &own, minutes(200)).into_iter().map(|clock| clock.id).collect()
    };
    assert!(!ids(&open).contains(&"executives".to_owned()) && !ids(&open).contains(&"praise".to_owned()));
    let wanted = next(open.state(), &own, &Facts::default(), minutes(5));
    assert!(
        wanted.iter().any(|next| (next.action, next.argument.as_str()) == ("told", "regulator")),
        "{wanted:?}"
    );
    let told_it = log([record(30, told("regulator"))]);
    assert_eq!(clock_of(&told_it, &own, "legal", 40).state, ClockState::Met);
    let lowered = log([record(30, to(Severity::P1))]);
    assert_eq!(clock_of(&lowered, &own, "legal", 40).state, ClockState::Stopped);
    let early = [record(30, told("everybody")), record(60, Resolved::default())];
    let over = log(early.clone());
    assert_eq!(clock_of(&over, &own, "praise", 70).state, ClockState::Running, "it is asked for afterwards");
    let over = log(early.into_iter().chain([record(80, told("everybody"))]));
    assert_eq!(clock_of(&over, &own, "praise", 90).state, ClockState::Met);
}

proptest! {
    /// Whatever a team's figures are and however the severity goes up and down: a clock that ran is told
    /// of for good, each once, and the same record gives the same clocks.
    #[test]
    fn no_clock_vanishes_whatever_the_figures_and_severities(
        figures in prop::collection::vec((prop::option::of(0u8..120), prop::option::of(1u8..120), prop::option::of(1u8..120)), 10),
        ranks in prop::collection::vec(0usize..10, 1..6),
        told_when in prop::collection::btree_set(1i64..400, 0..6),
    ) {
        let text: String = Severity::all().zip(&figures).map(|(rank, (tell, every, fix))| {
            let mut text = format!("[{}]\nword = \"w\"\nmeans = \"m\"\n", rank.name());
            if let Some(tell) = tell { writeln!(text, "tell_within = \"{tell}m\"").unwrap(); }
            if let Some(every) = every { writeln!(text, "update_every = \"{every}m\"").unwrap(); }
            if let Some(fix) = fix { writeln!(text, "fix_within = \"{fix}m\"").unwrap(); }
            text
        }).collect();
        let own = policy(&text);
        let changes = ranks.iter().enumerate().map(|(n, rank)| {
            record(10 * (n as i64 + 1), to(Severity::all().nth(*rank).unwrap()))
        });
        let tellings = told_when.iter().map(|at| {
            let mut one = record(*at, told("update"));
            one.id = id(1000 + u128::try_from(*at).unwrap());
            one
        });
        let log = Log::new(std::iter::once(declared()).chain(changes).chain(tellings).collect()).unwrap();
        let mut before: BTreeSet<String> = BTreeSet::new();
        for at in [0, 5, 15, 25, 35, 45, 55, 500] {
            let Some(state) = as_of(&log, minutes(at)) else { continue };
            let all = clocks(&state, &own, minutes(at));
            prop_assert_eq!(&all, &clocks(&state, &own, minutes(at)));
            let ids: BTreeSet<String> = all.iter().map(|clock| clock.id.clone()).collect();
            prop_assert_eq!(ids.len(), all.len(), "each once");
            prop_assert!(before.is_subset(&ids), "{:?} then {:?}", before, ids);
            for clock in &all {
                prop_assert!(clock.state != ClockState::Overdue || clock.due_at < minutes(at));
                prop_assert!(clock.stopped_at.is_some() == (clock.state == ClockState::Stopped));
            }
            before = ids;
        }
    }
}

#[test]
fn what_was_late_stays_late_whatever_the_severity_becomes() {
    let usual = Policy::built_in();
    let late = || [record(8, paged("li")), record(9, told("stakeholders"))];
    let changed = [record(20, to(Severity::P2)), record(30, to(Severity::P0))];
    let log = log(late().into_iter().chain(changed));
    for id in ["page", "stakeholders"] {
        let clock = clock_of(&log, &usual, id, 60);
        assert_eq!((clock.state, clock.due_at), (ClockState::Late, minutes(5)), "{id}");
    }
    let before =
        super::log([record(1, to(Severity::P2)), record(3, paged("li")), record(30, to(Severity::P0))]);
    assert_eq!(clock_of(&before, &usual, "page", 60).state, ClockState::Met, "nobody had asked for it yet");
}

#[test]
fn whoever_approves_as_lead_was_escalated_to() {
    let approved = |role: &str| Approved {
        role: role.into(),
        by: "omar".into(),
        verbal: false,
        how: String::new(),
        plan: None,
        hash: "0".into(),
        title: "deploy hotfix/pool-limit".into(),
    };
    let state = |record: Record| clock_of(&log([record]), &Policy::built_in(), "escalate", 20).state;
    assert_eq!(state(record_by("omar", 12, approved("lead"))), ClockState::Met);
    assert_eq!(state(record_by("omar", 17, approved("lead"))), ClockState::Late);
    assert_eq!(state(record_by("omar", 12, approved("on-call-manager"))), ClockState::Overdue);
}

#[test]
fn a_clock_of_the_law_runs_on_when_the_outage_is_over() {
    let own = |until: &str| {
        policy(&format!(
            "[clock.legal]\ntitle = \"tell the regulator\"\nafter = \"72h\"\nfrom = \"declared\"\n{until}\n\
             met_by = [\"told\"]\nwho = \"regulator\"\n[audience.regulator]\ntitle = \"the regulator\""
        ))
    };
    let over = || [record(60, Resolved::default())];
    let state = |until: &str, log: &Log| clock_of(log, &own(until), "legal", 100 * 60).state;
    assert_eq!(state("", &log(over())), ClockState::Stopped);
    assert_eq!(state("until = \"closed\"", &log(over())), ClockState::Overdue);
    let told = over().into_iter().chain([record(90, told("regulator"))]);
    assert_eq!(state("until = \"closed\"", &log(told)), ClockState::Met);
}

#[test]
fn where_no_hotfix_is_needed_the_fix_is_waited_for_until_that_was_decided_and_no_longer() {
    let no_fix = || {
        let text = "no hotfix: it is the provider's outage".to_owned();
        record(30, Noted { kind: NoteKind::Decision, text })
    };
    let usual = Policy::built_in();
    let fix = |log: &Log, now| {
        let clock = clock_of(log, &usual, "fix", now);
        (clock.state, clock.stopped_at)
    };
    assert_eq!(fix(&log([no_fix()]), 40), (ClockState::Stopped, Some(minutes(30))));
    let over = log([no_fix(), record(300, Resolved::default())]);
    assert_eq!(fix(&over, 400), (ClockState::Stopped, Some(minutes(30))), "its end is no fix that came late");
    // Whoever fixes it all the same has thought better of it.
    let begun = log([no_fix(), record(35, plan("hotfix-pool-1", "hotfix", "repository", ""))]);
    assert_eq!(fix(&begun, 40), (ClockState::Running, None));
    let abandoned = log([no_fix(), record(35, plan("abandon-1", "hotfix", "repository", ""))]);
    assert_eq!(fix(&abandoned, 40).0, ClockState::Stopped);
}

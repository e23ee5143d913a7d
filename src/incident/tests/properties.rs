//! A set of records makes one state: shuffled, repeated, with some lost.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What is offered, given and proposed, and the answers to it.
fn answers() -> BoxedStrategy<Body> {
    let target = || (0_u128..40).prop_map(id);
    let name = || prop::sample::select(vec!["a", "b", "commander", ""]).prop_map(String::from);
    let until = || (-5..60_i64).prop_map(minutes);
    prop_oneof![
        (name(), until(), name()).prop_map(|(clock, until, reason)| {
            Snoozed { clock, title: String::new(), until, reason }.into()
        }),
        (name(), name()).prop_map(|(role, to)| HandoffOffered { role, to, brief: String::new() }.into()),
        target().prop_map(|offer| HandoffAccepted { offer }.into()),
        target().prop_map(|offer| HandoffDeclined { offer, reason: String::new() }.into()),
        (name(), name(), until()).prop_map(|(text, owner, until)| TaskGiven { text, owner, until }.into()),
        (name(), name(), prop::sample::select(vec![CulpritVerdict::Open, CulpritVerdict::Found])).prop_map(
            |(culprit, note, verdict)| CulpritJudged { culprit, title: String::new(), verdict, note }.into()
        ),
        (name(), name()).prop_map(|(item, to)| ItemAssigned { item, title: String::new(), to }.into()),
        (target(), any::<bool>(), name())
            .prop_map(|(task, done, result)| TaskEnded { task, done, result }.into()),
        (name(), until()).prop_map(|(text, until)| Proposed { text, until }.into()),
        (target(), name()).prop_map(|(proposal, reason)| Objected { proposal, reason }.into()),
        (target(), any::<bool>()).prop_map(|(proposal, accepted)| Decided {
            proposal,
            accepted,
            reason: String::new()
        }
        .into()),
        (name(), name(), prop::option::of(target()))
            .prop_map(|(text, owner, of)| { FollowUpAdded { text, owner, due: None, of }.into() }),
        (target(), prop::option::of(name())).prop_map(|(follow_up, owner)| FollowUpChanged {
            follow_up,
            owner,
            due: None
        }
        .into()),
        (target(), any::<bool>(), name()).prop_map(|(follow_up, done, reason)| FollowUpEnded {
            follow_up,
            done,
            reason
        }
        .into()),
        (target(), any::<bool>()).prop_map(|(follow_up, open)| FollowUpLinked {
            follow_up,
            number: 12,
            url: "https://x/12".into(),
            open
        }
        .into()),
        Just(Reviewed::default().into()),
        name().prop_map(|key| Joined { key }.into()),
        (name(), name()).prop_map(|(row, author)| {
            let (source, text) = ("a.csv".to_owned(), row.clone());
            Imported { source, row, kind: NoteKind::Note, text, author, extra: BTreeMap::new() }.into()
        }),
    ]
    .boxed()
}

/// Any kind of record, pointing at others that may be there or not.
fn body() -> impl Strategy<Value = Body> {
    let target = || (0_u128..40).prop_map(id);
    let after = || proptest::collection::vec(target(), 0..3);
    let text = || "[a-c=\u{202e}\n]{0,6}";
    let name =
        || prop::sample::select(vec!["a", "b", "commander", "lead", "update", ""]).prop_map(String::from);
    let plan_id = || prop::sample::select(vec!["p", "q"]).prop_map(String::from);
    let run = || prop::sample::select(vec!["p.0", "p.1", "q.0"]).prop_map(String::from);
    let end = prop::sample::select(vec![PlanEnd::Done, PlanEnd::Failed, PlanEnd::Unknown]);
    let outcome = prop_oneof![
        any::<i32>().prop_map(|code| Outcome::Exited { code }),
        text().prop_map(|why| Outcome::Unknown { why }),
    ];
    prop_oneof![
        (prop::sample::select(NoteKind::ALL.to_vec()), text())
            .prop_map(|(kind, text)| Noted { kind, text }.into()),
        (target(), text()).prop_map(|(target, text)| Amended { target, text }.into()),
        (target(), text()).prop_map(|(target, reason)| Retracted { target, reason }.into()),
        (target(), any::<bool>()).prop_map(|(target, pinned)| Pinned { target, pinned }.into()),
        (prop::sample::select(Severity::all().collect::<Vec<_>>()), text())
            .prop_map(|(severity, reason)| SeverityChanged { severity, reason, answers: Vec::new() }.into()),
        prop::sample::select(Phase::ALL.to_vec()).prop_map(|phase| PhaseEntered { phase }.into()),
        (name(), name()).prop_map(|(role, person)| RoleTaken { role, person }.into()),
        text().prop_map(|text| Titled { text }.into()),
        text().prop_map(|reason| Began { reason }.into()),
        text().prop_map(|text| ImpactDescribed { text }.into()),
        name().prop_map(|who| Paged { who, how: String::new() }.into()),
        name().prop_map(|audience| Told { audience, ..Told::default() }.into()),
        (name(), text()).prop_map(|(item, note)| {
            Ticked { item, title: String::new(), state: CheckState::Failed, note }.into()
        }),
        (name(), name())
            .prop_map(|(from, to)| { Alarm { probe: "api".into(), from, to, why: String::new() }.into() }),
        (plan_id(), prop::sample::select(vec!["deploy", "hotfix"])).prop_map(|(id, purpose)| plan(
            &id,
            purpose,
            "production",
            "c"
        )
        .into()),
        (plan_id(), 0..3_usize, run()).prop_map(|(plan, step, run)| StepStarted {
            plan,
            step,
            run,
            process: None,
            undo: false
        }
        .into()),
        (plan_id(), 0..3_usize, run(), outcome).prop_map(|(plan, step, run, outcome)| {
            StepEnded {
                plan,
                step,
                run,
                outcome,
                summary: String::new(),
                survivors: Vec::new(),
                unproven: false,
                tail: Vec::new(),
            }
            .into()
        }),
        run().prop_map(|run| StopAsked { run, kill: false }.into()),
        (plan_id(), end).prop_map(|(plan, end)| ended(&plan, end).into()),
        (name(), name(), text(), any::<bool>()).prop_map(|(role, by, hash, verbal)| {
            Approved { role, by, verbal, how: String::new(), plan: None, hash, title: String::new() }.into()
        }),
        (name(), name(), text()).prop_map(|(role, by, hash)| {
            Rejected { role, by, reason: String::new(), plan: None, hash, title: String::new() }.into()
        }),
        (plan_id(), text()).prop_map(|(plan, reason)| {
            let (hash, gate) = ("h".to_owned(), "checks".to_owned());
            GatePassedOver { plan, hash, gate, missing: String::new(), reason }.into()
        }),
        (name(), name(), text()).prop_map(|(commit, into, why)| {
            MergeOwed { commit, tag: "v1".into(), into, why, plan: String::new() }.into()
        }),
        (name(), name(), text()).prop_map(|(commit, into, why)| {
            MergePaid { commit, tag: "v1".into(), into, why, plan: String::new() }.into()
        }),
        answers(),
        (name(), 1..9_u32).prop_map(|(probe, step)| signals(probe, step).into()),
        after().prop_map(|after| Mitigated { after }.into()),
        after().prop_map(|after| Resolved { after, ..Resolved::default() }.into()),
        (text(), after()).prop_map(|(reason, after)| Reopened { reason, after }.into()),
        after().prop_map(|after| Closed { after }.into()),
        Just(declared().body),
        Just(Body::Unknown(Unknown { kind: "later".into(), raw: "{\"a\":1.0}".into() })),
    ]
}

/// What was kept of one signal.
fn signals(probe: String, step: u32) -> SignalsKept {
    let (unit, limit, threshold) = (String::new(), String::new(), None);
    let values = vec![Some(f64::from(step)), None];
    let kept = SignalKept { probe, unit, limit, threshold, lowest: 1.0, highest: 2.0, last: 1.0, values };
    SignalsKept { from: minutes(0), step, signals: vec![kept] }
}

/// Records of one incident, their clocks as wild as those of several machines.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let one = (body(), -5..60_i64, 0..3_u32, prop::option::of(-90..90_i64), 0..20_i64);
    proptest::collection::vec(one, 0..40).prop_map(|parts| {
        let made = parts.into_iter().enumerate().map(|(n, (body, wall, count, occurred, lag))| {
            let at = Hlc { wall_ms: minutes(wall).as_millisecond(), count };
            let author = Author { name: ["maya", "omar"][n % 2].to_owned(), node: 1 + n as u64 % 5 / 4 };
            let occurred = occurred.map(|n| (minutes(n), Precision::About));
            let draft = Draft { occurred, ..Draft::now(incident(), body) };
            let clock = minutes(wall - lag / 10 * lag);
            Record::seal_at(id(n as u128 + 1), draft, author, at, clock, Hash::default()).unwrap().0
        });
        std::iter::once(declared()).chain(made).collect()
    })
}

/// The same records as they might arrive.
fn delivery() -> impl Strategy<Value = (Vec<Record>, Vec<Record>)> {
    records().prop_flat_map(|records| {
        let repeated: Vec<_> = records.iter().chain(records.iter().step_by(3)).cloned().collect();
        (Just(records), Just(repeated).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repetition_of_delivery_make_no_difference((records, delivered) in delivery()) {
        let whole = Log::new(records.clone()).unwrap();
        let shuffled = Log::new(delivered.clone()).unwrap();
        prop_assert_eq!(whole.state(), shuffled.state());

        // One by one, from the moment the declaration has come.
        let first = delivered.iter().position(|r| r.id == declared().id).unwrap();
        let mut growing = Log::new(vec![delivered[first].clone()]).unwrap();
        for record in delivered {
            growing.insert(record);
        }
        prop_assert_eq!(whole.state(), growing.state());
        prop_assert_eq!(whole.records(), growing.records());
    }

    #[test]
    fn adding_in_order_equals_folding_anew(records in records()) {
        let mut sorted = records;
        sorted.sort_by_key(Record::order);
        let first = sorted.iter().position(|r| matches!(r.body, Body::Declared(_))).unwrap();
        let mut growing = Log::new(sorted[..=first].to_vec()).unwrap();
        for end in first + 1..sorted.len() {
            prop_assert_eq!(growing.insert(sorted[end].clone()), Taken::Folded);
            let anew = Log::new(sorted[..=end].to_vec()).unwrap();
            prop_assert_eq!(anew.state(), growing.state());
        }
    }

    #[test]
    fn a_log_that_keeps_no_records_comes_to_the_same_or_says_that_it_cannot(records in records()) {
        let mut sorted = records;
        sorted.sort_by_key(Record::order);
        let first = sorted.iter().position(|r| matches!(r.body, Body::Declared(_))).unwrap();
        let mut growing = streamed(&sorted[..=first]).unwrap();
        for end in first + 1..sorted.len() {
            let anew = Log::new(sorted[..=end].to_vec()).unwrap();
            let loaded = streamed(&sorted[..=end]).unwrap();
            prop_assert_eq!(anew.state(), loaded.state());
            match growing.insert(sorted[end].clone()) {
                Taken::Folded => prop_assert_eq!(anew.state(), growing.state()),
                Taken::Anew => growing = loaded,
                Taken::Known => prop_assert!(false, "it is new"),
            }
            // Whatever came before is not new, or needs all of them.
            prop_assert_ne!(growing.insert(sorted[end / 2].clone()), Taken::Folded);
        }
    }

    #[test]
    fn records_read_the_quick_way_come_to_the_same_as_those_read_plainly(records in records()) {
        let mut sorted = records;
        sorted.sort_by_key(Record::order);
        let (mut plain, mut quick, mut over) = (Vec::new(), Vec::new(), declared());
        for record in sorted {
            let occurred = Some((record.occurred_at, record.precision));
            let (author, at, clock) = (record.author.clone(), record.at, record.written_at());
            let draft = Draft { occurred, ..Draft::now(record.incident, record.body.clone()) };
            let (_, bytes) = Record::seal_at(record.id, draft, author, at, clock, record.prev).unwrap();
            plain.push(Record::decode_generally(&bytes, record.hash).unwrap());
            over.decode_over(&bytes, record.hash).unwrap();
            quick.push(over.clone());
        }
        prop_assert_eq!(&plain, &quick);
        let folded = streamed(&quick).unwrap();
        let expected = Log::new(plain).unwrap();
        prop_assert_eq!(expected.state(), folded.state());
    }

    #[test]
    fn lost_records_never_break_the_rest(records in records(), lost in proptest::collection::vec(any::<bool>(), 41)) {
        let kept: Vec<_> = records.into_iter().zip(lost).filter(|(r, lost)| !lost || r.id == id(0)).map(|(r, _)| r).collect();
        let log = Log::new(kept).unwrap();
        let policy = Policy::built_in();
        clocks(log.state(), &policy, minutes(30));
        let next = next(log.state(), &policy, &Facts::default(), minutes(30));
        prop_assert!(!next.is_empty() || log.state().status == Status::Closed);
        prop_assert!(log.state().timeline.iter().is_sorted_by_key(|entry| entry.place));
    }

    #[test]
    fn decoding_and_encoding_again_keeps_every_byte(body in body(), kind in "[a-z]{1,8}", number in any::<f64>()) {
        let raw = format!(r#"{{ "x" : {number:e},"y":[ ] }}"#);
        for body in [body, Body::Unknown(Unknown { kind, raw })] {
            let draft = Draft::now(incident(), body);
            let author = Author { name: "maya".into(), node: u64::MAX };
            let (record, bytes) =
                Record::seal(id(5), draft, author.clone(), Hlc { wall_ms: 1, count: 2 }, Hash::default()).unwrap();
            let decoded = Record::decode(&bytes).unwrap();
            prop_assert_eq!(&decoded, &record);
            let occurred = Some((decoded.occurred_at, decoded.precision));
            let draft = Draft { occurred, ..Draft::now(incident(), decoded.body) };
            let (_, again) = Record::seal(decoded.id, draft, author, decoded.at, decoded.prev).unwrap();
            prop_assert_eq!(again, bytes);
        }
    }
}

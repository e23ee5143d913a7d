//! What a key does to a plan whose gates are in the way, and to one that is put up.

use super::confirm::acts;
use super::{Table, branch, plan};
use crate::cockpit::commands::COMMANDS;
use crate::cockpit::key::{Code, Key};
use crate::cockpit::msg::{Effect, Fact, KeyPress, Msg};
use crate::cockpit::overlay::{Act, Confirm, Field, Overlay, Preview, Scroll, Way};
use crate::hotfix::state::BranchState;
use crate::incident::{Approved, Body, PlanEnd, PlanEnded, Policy, Severity, SeverityChanged};
use crate::plan::gates::{self, ApprovalRule, Gate, Standing};
use crate::plan::{Plan, Purpose, Reach, proposal};

pub(super) fn guarded() -> Plan {
    let rules = Severity::all().map(|one| (one, ApprovalRule::of(&Policy::built_in(), one)));
    Plan {
        gates: vec![Gate::Approvals { rules: rules.collect() }],
        ..plan(Some("production"), Reach::Others)
    }
}

fn shown(table: &Table) -> &Preview {
    match table.model.overlays.last() {
        Some(Overlay::Preview(preview)) => preview,
        other => panic!("no preview: {other:?}"),
    }
}

#[test]
fn a_gate_is_passed_over_with_a_reason_and_the_target_and_nothing_less() {
    let mut table = Table::ready();
    table.preview(guarded());
    table.shown();
    assert_eq!(shown(&table).way(), Way::PassOver("production"));
    assert!(!shown(&table).prompts(), "nothing is to be typed before somebody asks for it");
    assert!(table.keys("enter").is_empty() && table.keys("y").is_empty());
    assert_eq!(table.complaint(), "gates are not met: o overrides them, with a reason");
    // A letter in the middle of a word opens nothing; a key that is no letter means what it always does.
    table.at_ms += 1000;
    for c in "production".chars() {
        table.at_ms += 50;
        let press = KeyPress::new(Key::char(c), table.at_ms);
        assert!(table.send(Msg::Key(press)).is_empty());
    }
    assert!(!shown(&table).prompts(), "what was meant for another question is no reason");
    // Whoever sees a prompt types into it: no letter is a command there, `a` and `o` neither.
    table.keys("o");
    assert!(shown(&table).prompts());
    assert!(table.types("agreed on the call, ok by omar").is_empty());
    assert_eq!(shown(&table).reason.text(), "agreed on the call, ok by omar");
    table.keys("esc");
    assert!(!shown(&table).prompts());
    table.keys("o");
    assert_eq!(shown(&table).reason.text(), "agreed on the call, ok by omar", "it is kept");
    table.keys("ctrl-u tab");
    assert_eq!(shown(&table).field, Field::Target);
    table.types("production");
    assert!(table.keys("enter").is_empty());
    assert_eq!(table.complaint(), "a reason is needed: it goes into the record and the report");
    table.send(Msg::Paste("omar agreed".into()));
    assert_eq!(shown(&table).reason.text(), "omar agreed", "a reason may be pasted");
    table.keys("enter");
    table.send(Msg::Paste("production".into()));
    assert_eq!(shown(&table).typed.text(), "production", "a confirmation may not");
    let effects = table.keys("enter");
    let [Effect::Start { pass_over, confirmed, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(pass_over, &[("approvals".to_owned(), "omar agreed".to_owned())]);
    assert_eq!(confirmed, "typed production");
}

/// What the remote says of others at the target of a plan.
fn says(table: &mut Table, said: Option<Standing>) {
    table.send(Msg::Fact(Fact::Others { plan: "deploy-1".into(), said }));
}

#[test]
fn where_others_cannot_be_asked_a_start_wants_a_reason_and_says_why() {
    let mut table = Table::ready();
    let plan =
        Plan { id: "deploy-1".into(), purpose: Purpose::Deploy, ..plan(Some("production"), Reach::Others) };
    table.preview(plan.clone());
    table.shown();
    assert_eq!(shown(&table).way(), Way::Typed("production"));
    says(&mut table, gates::unasked(&plan, "no route to host"));
    assert_eq!(shown(&table).way(), Way::PassOver("production"));
    table.shown();
    table.at_ms += 1000;
    table.keys("o");
    table.types("all are on the call");
    table.keys("tab");
    table.shown();
    table.types("production");
    let effects = table.keys("enter");
    let [Effect::Start { pass_over, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(pass_over, &[("lease".to_owned(), "all are on the call".to_owned())]);
}

#[test]
fn where_others_cannot_be_asked_a_plan_is_taken_up_again_with_a_reason() {
    let mut table = Table::waiting(Some("staging"));
    table.told(PlanEnded { plan: "deploy-1".into(), end: PlanEnd::Failed, why: "it failed".into() });
    let asked = table.keys("o r");
    let [Effect::AskOthers(plan)] = asked.as_slice() else { panic!("{asked:?}") };
    says(&mut table, gates::unasked(plan, "no route to host"));
    let Some(Overlay::Decide(decide)) = table.model.overlays.last() else { panic!("a decision") };
    assert!(decide.about.iter().any(|line| line.contains("no route to host")), "{:?}", decide.about);
    table.shown();
    assert!(table.keys("enter").is_empty(), "it needs a reason");
    table.types("all are on the call");
    table.keys("enter");
    table.shown();
    table.types("staging");
    let effects = table.keys("enter");
    let [Effect::Decide { pass_over, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(pass_over, &[("lease".to_owned(), "all are on the call".to_owned())]);
}

#[test]
fn what_may_not_be_passed_over_cannot_be_confirmed() {
    let mut table = Table::ready();
    let lowered = table.record(
        SeverityChanged { severity: Severity::P1, reason: "less".into(), answers: Vec::new() }.into(),
    );
    table.send(Msg::Fact(Fact::Records(vec![lowered])));
    table.preview(guarded());
    table.shown();
    assert_eq!(shown(&table).way(), Way::Blocked);
    for keys in ["tab", "enter", "y"] {
        assert!(table.keys(keys).is_empty(), "{keys}");
    }
    assert!(table.complaint().contains("P1 does not let you override"), "{}", table.complaint());
    // What can be done is to ask, once.
    assert!(table.keys("a").is_empty(), "it asks first");
    table.shown();
    let effects = table.keys("y");
    assert_eq!(table.word(), "approval is asked for; see who has to approve: A");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let Body::PlanProposed(proposed) = &drafts[0].body else { panic!("{drafts:?}") };
    assert_eq!(proposed.hash, guarded().hash());
    let record = table.record(drafts[0].body.clone());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert!(table.keys("a").is_empty(), "asked for already");
    assert_eq!(table.complaint(), "approval was asked for already");
    // The key that was named opens what it says, here too.
    assert!(table.keys("A").is_empty());
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("a menu") };
    assert!(menu.title.to_lowercase().contains("approv"), "{}", menu.title);
}

/// Types a text at this pace, with a frame behind every key; whether anything of it acted, and what was said.
fn typed(table: &mut Table, text: &str, pace_ms: u64) -> (bool, bool) {
    table.at_ms += 1000;
    let (mut acted, mut denied) = (false, false);
    for letter in text.chars() {
        table.at_ms += pace_ms;
        let key = if letter == '⏎' { Key::plain(Code::Enter) } else { Key::char(letter) };
        let asked = table.send(Msg::Key(KeyPress::new(key, table.at_ms)));
        let effects: Vec<Effect> = asked.into_iter().map(|(_, effect)| effect).collect();
        denied |= !effects.is_empty() && table.word().contains("no command was run");
        acted |= acts(&effects);
        table.at_ms -= 10;
        table.shown();
    }
    (acted, denied || (acted && table.word().contains("no command was run")))
}

/// Every letter that is a key of its own somewhere.
fn letters() -> Vec<char> {
    let keys = COMMANDS.iter().flat_map(|spec| spec.keys.iter().copied().chain(["y"]));
    let mut letters: Vec<char> = keys.filter_map(|key| Key::parse(key)?.text()).collect();
    letters.sort_unstable();
    letters.dedup();
    letters
}

#[test]
fn text_that_is_typed_at_a_plan_with_gates_in_the_way_is_never_on_record() {
    for severity in [Severity::P0, Severity::P1] {
        for letter in letters() {
            for rest in ["greed on the call", "ll fine, yes go ahead", " yes", "nd we are sure"] {
                for pace in [60, 90, 130, 300] {
                    let mut table = Table::ready();
                    table.told(SeverityChanged { severity, reason: "less".into(), answers: Vec::new() });
                    table.preview(guarded());
                    table.shown();
                    let text = format!("{letter}{rest}");
                    let (acted, denied) = typed(&mut table, &text, pace);
                    assert!(!acted, "{text:?} at {pace} ms, {severity:?}");
                    assert!(!denied, "{text:?} at {pace} ms: it is said that nothing ran");
                }
            }
        }
    }
}

#[test]
fn a_text_records_no_more_than_its_first_key_alone() {
    for pane in ["1", "2", "3", "4", "5"] {
        for letter in letters() {
            let alone = {
                let mut table = Table::ready();
                table.keys(pane);
                typed(&mut table, &letter.to_string(), 90).0
            };
            for pace in [60, 130, 300] {
                let mut table = Table::ready();
                table.keys(pane);
                let (acted, denied) = typed(&mut table, &format!("{letter}greed, yes it is fine"), pace);
                assert!(!acted || alone, "{letter} in {pane} at {pace} ms");
                assert!(!denied, "{letter} in {pane} at {pace} ms: it is said that nothing ran");
            }
        }
    }
}

#[test]
fn an_approval_is_given_on_the_preview_of_what_was_put_up_and_never_by_enter() {
    let mut table = Table::ready();
    assert!(table.keys("A").is_empty());
    table.keys("esc");
    let record = table.record(proposal::propose(&guarded()).unwrap().into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    table.model.me = "omar".into();
    table.keys("A l");
    // Read before it was shown, then Enter, then as it should be.
    assert!(table.keys("y").is_empty());
    table.shown();
    assert!(table.keys("enter").is_empty());
    assert_eq!(table.complaint(), "press y to approve");
    let effects = table.keys("y");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let Body::Approved(approved) = &drafts[0].body else { panic!("{drafts:?}") };
    assert_eq!((approved.role.as_str(), approved.by.as_str()), ("lead", "omar"));
    assert_eq!(approved.hash, guarded().hash());
    assert_eq!(table.word(), "approved as engineering lead; the on-call manager still has to approve");
    // Two roles are two people: that is said before anything is recorded.
    let record = table.record(drafts[0].body.clone());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    table.keys("A o");
    table.shown();
    assert!(table.keys("y").is_empty());
    assert!(
        table.complaint().starts_with("it would not count: omar counts once, as lead"),
        "{}",
        table.complaint()
    );
    table.keys("esc");
    // One's own plan is not approved, and what somebody said is written down as such.
    table.model.me = "maya".into();
    table.keys("A l");
    table.shown();
    assert!(table.keys("y").is_empty());
    assert_eq!(table.complaint(), "you proposed it: somebody else approves; v records a verbal approval");
    table.keys("enter");
    assert!(table.complaint().starts_with("you proposed it"), "it asks for y: {}", table.complaint());
    table.keys("v");
    table.types("omar on the call");
    let effects = table.keys("enter");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let Body::Approved(approved) = &drafts[0].body else { panic!("{drafts:?}") };
    assert!(approved.verbal && approved.by == "omar" && approved.how == "on the call");
    table.keys("x");
    assert!(table.keys("enter").is_empty(), "a rejection needs a reason");
    table.types("not yet");
    let effects = table.keys("enter");
    assert!(
        matches!(effects.as_slice(), [Effect::Append(drafts)] if matches!(&drafts[0].body, Body::Rejected(one) if one.by == "maya"))
    );
}

#[test]
fn what_is_only_said_is_refused_where_it_does_not_count_before_anything_is_typed() {
    let mut table = Table::ready();
    table.told(SeverityChanged { severity: Severity::P1, reason: "less".into(), answers: Vec::new() });
    table.told(proposal::propose(&guarded()).unwrap());
    table.keys("A l");
    table.shown();
    assert!(table.keys("v").is_empty());
    let refused = table.complaint();
    assert!(refused.starts_with("verbal does not count at P1"), "{refused}");
    assert!(refused.ends_with("flightdeck approve lead") && refused.contains("A y copies it"), "{refused}");
}

#[test]
fn an_open_menu_says_what_holds_now_and_its_line_can_be_copied() {
    let label = |table: &Table, key: char| match table.model.overlays.last() {
        Some(Overlay::Menu(menu)) => menu
            .items
            .iter()
            .find(|item| item.key == Some(Key::char(key)))
            .map(|item| item.label.clone())
            .unwrap(),
        other => panic!("no menu: {other:?}"),
    };
    let mut table = Table::ready();
    table.told(proposal::propose(&guarded()).unwrap());
    table.keys("A");
    assert!(label(&table, 'l').starts_with("· "), "{}", label(&table, 'l'));
    assert_eq!(label(&table, 'y'), "copy for the engineering lead: flightdeck approve lead");
    assert!(label(&table, 'Y').ends_with("flightdeck approve on-call-manager"), "{}", label(&table, 'Y'));
    table.told(Approved {
        role: "lead".into(),
        by: "omar".into(),
        verbal: true,
        how: "on the call".into(),
        plan: None,
        hash: guarded().hash(),
        title: guarded().title,
    });
    assert!(label(&table, 'l').contains("omar"), "{}", label(&table, 'l'));
    assert!(table.keys("y").is_empty(), "nobody has to run that any more");
    let effects = table.keys("Y");
    assert!(
        matches!(effects.as_slice(), [Effect::Copy(line)] if line == "flightdeck approve on-call-manager"),
        "{effects:?}"
    );
}

#[test]
fn approvals_of_a_plan_that_was_carried_out_are_not_counted_for_the_next() {
    let mut table = Table::ready();
    let commit = table.model.repository().and_then(|branch| branch.commit()).unwrap().to_owned();
    let subject = crate::plan::Subject { reference: "main".into(), commit, dirty: false };
    let plan = Plan { subject: Some(subject), ..guarded() };
    let proposed = proposal::propose(&plan).unwrap();
    table.told(proposed.clone());
    let counted = |table: &Table| table.model.derived.approvals.map(|(given, ..)| given);
    assert_eq!(counted(&table), Some(0));
    table.told(Approved {
        role: "lead".into(),
        by: "omar".into(),
        verbal: true,
        how: "on the call".into(),
        plan: None,
        hash: proposed.hash,
        title: plan.title.clone(),
    });
    assert_eq!(counted(&table), Some(1));
    table.started(&plan);
    assert_eq!(counted(&table), Some(1), "it is what they approved that runs");
    let why = String::new();
    table.told(PlanEnded { plan: plan.id, end: PlanEnd::Failed, why });
    assert_eq!(counted(&table), Some(0), "the next deploy needs approvals of its own");
}

#[test]
fn nobody_is_asked_for_an_approval_that_was_given_meanwhile() {
    let mut table = Table::ready();
    let proposed = proposal::propose(&guarded()).unwrap();
    table.model.overlays.push(Overlay::Confirm(Confirm {
        title: "Ask for approval?".into(),
        body: String::new(),
        claim: None,
        against: Vec::new(),
        yes: "ask for it".into(),
        no: "back",
        act: Act::Record(Box::new(proposed.clone().into())),
        more: Vec::new(),
        lapsed: String::new(),
        shown_ms: None,
        scroll: Scroll::default(),
    }));
    table.told(crate::incident::PlanProposed { by_vote: true, ..proposed.clone() });
    for (role, by) in [("lead", "omar"), ("on-call-manager", "li")] {
        table.told(Approved {
            role: role.into(),
            by: by.into(),
            verbal: true,
            how: "on the call".into(),
            plan: None,
            hash: proposed.hash.clone(),
            title: proposed.title.clone(),
        });
    }
    table.shown();
    let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("no question") };
    assert_eq!(asked.lapsed, "All who have to approve it have done so.");
}

#[test]
fn what_an_assistant_proposed_is_read_by_a_key_of_its_own_and_marked() {
    let mut table = Table::ready();
    let mine = proposal::propose(&guarded()).unwrap();
    let frozen = [("other".to_owned(), "f".repeat(40))].into();
    let other = Plan { title: "deploy other to production".into(), frozen, ..guarded() };
    let other = crate::incident::PlanProposed { by_assistant: true, ..proposal::propose(&other).unwrap() };
    let hash = other.hash.clone();
    assert_ne!(hash, mine.hash);
    table.told(mine.clone());
    table.told(other);
    let state = table.model.incident().unwrap();
    assert_eq!(proposal::at_hand(state).map(|one| &one.hash), Some(&mine.hash));
    let (note, items) = crate::cockpit::update::approvals::menu(&table.model);
    assert!(!note.contains("assistant") && !note.contains("other"), "{note}");
    let item = items.iter().find(|item| item.label.contains("assistant")).unwrap();
    assert_eq!(
        item.label,
        format!("read the plan by an assistant for {}: deploy other to production …", table.model.me)
    );
    table.keys("A 1");
    assert_eq!(shown(&table).hash, hash);
}

#[test]
fn the_menu_calls_a_deploy_by_the_tag_of_what_it_takes() {
    let mut table = Table::ready();
    let tagged = BranchState { tags: vec!["v1.4.3".into()], ..branch() };
    table.send(Msg::Fact(Fact::Branch(Box::new(Ok(tagged)))));
    table.keys("d");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    assert!(menu.items[0].label.starts_with("v1.4.3 → staging"), "{:?}", menu.items[0].label);
}

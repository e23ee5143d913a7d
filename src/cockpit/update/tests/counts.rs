//! How many keys the commonest acts take: the table in `docs/keys.md` is checked against the program.

use std::fmt::Write as _;

use super::*;
use crate::cockpit::ways::Looked;
use crate::deploy::flags::{FlagState, Switch};
use crate::deploy::rollback::Way;
use crate::plan::gates::{ApprovalRule, Gate};
use crate::plan::proposal;

/// One act: its name, the keys for it (`…` is where text is typed), that text, and the most keys that it
/// may take without the text.
struct Act {
    name: &'static str,
    keys: &'static str,
    text: &'static str,
    most: usize,
    /// What the last key has to ask for.
    done: fn(&Effect) -> bool,
}

fn records(effect: &Effect, is: fn(&Body) -> bool) -> bool {
    matches!(effect, Effect::Append(drafts) if drafts.iter().any(|draft| is(&draft.body)))
}

const STARTS: fn(&Effect) -> bool = |effect| matches!(effect, Effect::Start { .. });

const ACTS: &[Act] = &[
    Act {
        name: "write a note",
        keys: "n … ⏎",
        text: "pool exhausted",
        most: 2,
        done: |effect| records(effect, |body| matches!(body, Body::Noted(_))),
    },
    Act {
        name: "tick a checklist item",
        keys: "4 ␣",
        text: "",
        most: 2,
        done: |effect| records(effect, |body| matches!(body, Body::Ticked(_))),
    },
    Act {
        name: "change the severity",
        keys: "s 1 … ⏎",
        text: "half of the users",
        most: 3,
        done: |effect| records(effect, |body| matches!(body, Body::SeverityChanged(_))),
    },
    Act {
        name: "take command",
        keys: "i r c ⏎",
        text: "",
        most: 4,
        done: |effect| records(effect, |body| matches!(body, Body::RoleTaken(_))),
    },
    Act { name: "start a hotfix branch", keys: "h s … ⏎ y", text: "pool-limit", most: 4, done: STARTS },
    Act { name: "run all tests", keys: "t a ⏎", text: "", most: 3, done: STARTS },
    Act { name: "deploy to staging", keys: "d s y", text: "", most: 3, done: STARTS },
    Act {
        name: "approve what waits",
        keys: "A l y",
        text: "",
        most: 6,
        done: |effect| records(effect, |body| matches!(body, Body::Approved(_))),
    },
    Act { name: "roll production back", keys: "R ⏎ … ⏎", text: "production", most: 3, done: STARTS },
    Act { name: "turn a flag off", keys: "f o y", text: "", most: 3, done: STARTS },
    Act {
        name: "read the report",
        keys: "i R",
        text: "",
        most: 2,
        done: |_| unreachable!("it is opened, and asks for nothing"),
    },
];

/// A team in the middle of an incident: checks, flags, a way back, and a plan that waits for approval.
fn team(act: &Act) -> Table {
    let mut table = Table::ready();
    let text = "[[flags]]\nname = \"new-checkout\"\nurl = \"http://x/\"\n\
                [[checks]]\nname = \"unit\"\ncommand = [\"true\"]\n[[checks]]\nname = \"lint\"\ncommand = [\"true\"]\n\
                [[checklist]]\nid = \"login\"\ntitle = \"log in\"\n";
    let more = toml::from_str::<Config>(text).unwrap();
    let mut config = table.model.config.config.clone();
    (config.flags, config.checks, config.checklist) = (more.flags, more.checks, more.checklist);
    let state = ConfigState { config, source: ConfigSource::Trusted, found: Vec::new() };
    table.send(Msg::Fact(Fact::Config(Box::new(state))));
    if act.keys.starts_with('h') {
        let head = Head::Branch { name: "main".into(), commit: "4f2c91e0".into() };
        let state = BranchState { hotfix_branches: Vec::new(), head, ..branch() };
        table.send(Msg::Fact(Fact::Branch(Box::new(Ok(state)))));
    }
    let looked = Looked {
        at: time(60),
        live: None,
        unrecorded: None,
        past: Vec::new(),
        ways: Ok(vec![Way::example()]),
    };
    table.send(Msg::Fact(Fact::Ways { environment: "production".into(), looked }));
    if act.keys.starts_with('A') {
        let rules =
            Severity::all().map(|one| (one, ApprovalRule::of(&crate::incident::Policy::built_in(), one)));
        let gates = vec![Gate::Approvals { rules: rules.collect() }];
        let waits = Plan { gates, ..plan(Some("production"), Reach::Others) };
        let record = table.record(proposal::propose(&waits).unwrap().into());
        table.send(Msg::Fact(Fact::Records(vec![record])));
        table.model.me = "omar".into();
    }
    table
}

/// Answers what was asked for, as the world would.
fn answer(table: &mut Table, act: &Act, effects: &[Effect]) {
    for effect in effects {
        let id = EffectId(table.model.next_effect.0 - 1);
        match effect {
            Effect::Prepare(_) => {
                let (confirm, reach) = match act.keys.chars().next() {
                    Some('R') => (Some("production"), Reach::Others),
                    Some('t') => (None, Reach::Here),
                    _ => (None, Reach::Others),
                };
                table.send(Msg::Done(id, Ok(Done::Prepared(Box::new(plan(confirm, reach))))));
            }
            Effect::ReadFlags => {
                let state = FlagState {
                    name: "new-checkout".into(),
                    about: String::new(),
                    state: Switch::On,
                    ms: 1.0,
                };
                table.send(Msg::Done(id, Ok(Done::Flags(vec![state]))));
            }
            _ => {}
        }
    }
    table.shown();
}

#[test]
fn the_commonest_acts_take_as_few_keys_as_the_document_says() {
    let mut rows = String::from("| act | keys | how many |\n| --- | --- | --- |\n");
    for act in ACTS {
        let mut table = team(act);
        let (mut pressed, mut last) = (0, Vec::new());
        for key in act.keys.split(' ') {
            if key == "…" {
                assert!(table.types(act.text).is_empty(), "{}: typing asks for nothing", act.name);
                continue;
            }
            let key = match key {
                "⏎" => "enter",
                "␣" => "space",
                key => key,
            };
            last = table.keys(key);
            answer(&mut table, act, &last);
            pressed += 1;
        }
        if act.name == "read the report" {
            assert!(matches!(table.model.overlays.last(), Some(Overlay::Report(_))), "{}", act.name);
        } else {
            assert!(last.iter().any(act.done), "{}: {last:?} {:?}", act.name, table.model.overlays);
        }
        assert!(pressed <= act.most, "{} takes {pressed} keys", act.name);
        let and = if act.text.is_empty() { "" } else { " and what is typed" };
        let _ = writeln!(rows, "| {} | `{}` | {pressed}{and} |", act.name, act.keys);
    }
    let document = include_str!("../../../../docs/keys.md");
    let (_, rest) = document.split_once("<!-- counts -->\n").expect("it has a place for the counts");
    let (shown, _) = rest.split_once("<!-- /counts -->").expect("the place for the counts ends");
    assert!(shown.trim() == rows.trim(), "put this between the marks in docs/keys.md:\n{rows}");
}

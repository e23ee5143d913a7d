//! The list of feature flags, and turning one off or on.

use super::*;
use crate::cockpit::overlay::Flags;
use crate::deploy::flags::{FlagState, Switch};
use crate::incident::{PlanEnd, PlanEnded, PlanStarted};

/// With two flags configured and the list open, asked for but not read.
fn listed() -> (Table, EffectId) {
    let mut table = Table::ready();
    let text = "[[flags]]\nname = \"new-checkout\"\nurl = \"http://x/\"\nabout = \"the checkout\"\n\
                [[flags]]\nname = \"search\"\nurl = \"http://x/\"\n";
    table.model.config.config.flags = toml::from_str::<Config>(text).unwrap().flags;
    assert_eq!(table.keys("f"), [Effect::ReadFlags]);
    let id = view(&table).reading.unwrap();
    (table, id)
}

fn view(table: &Table) -> &Flags {
    match table.model.overlays.last() {
        Some(Overlay::Flags(view)) => view,
        other => panic!("{other:?}"),
    }
}

fn states(first: Switch, second: Switch) -> Done {
    let state = |name: &str, state| FlagState { name: name.into(), about: String::new(), state, ms: 1.0 };
    Done::Flags(vec![state("new-checkout", first), state("search", second)])
}

fn turns(name: &str, on: bool) -> Vec<Effect> {
    vec![Effect::Prepare(Request::Flag { name: name.to_owned(), on })]
}

#[test]
fn flags_are_listed_at_once_and_their_states_come() {
    let (mut table, id) = listed();
    let rows: Vec<_> = view(&table).rows.iter().map(|row| (row.name.as_str(), row.state.clone())).collect();
    assert_eq!(rows, [("new-checkout", None), ("search", None)]);
    assert!(table.keys("o").is_empty());
    assert_eq!(table.word(), "new-checkout is being read");
    table.send(Msg::Done(id, Ok(states(Switch::On, Switch::Off))));
    assert_eq!((view(&table).reading, view(&table).read_at), (None, Some(table.model.now)));
    assert_eq!(view(&table).rows[1].state, Some(Switch::Off));
}

#[test]
fn a_key_makes_the_plan_that_turns_it_to_what_it_is_not() {
    let (mut table, id) = listed();
    table.send(Msg::Done(id, Ok(states(Switch::On, Switch::Off))));
    assert_eq!(table.keys("o"), turns("new-checkout", false));
    assert!(table.keys("o").is_empty(), "one plan is made at a time");
    let making = *table.model.in_flight.keys().next_back().unwrap();
    table.send(Msg::Done(making, Err(Failure::new("making the plan", "no", "again"))));
    assert_eq!(table.keys("j space"), turns("search", true));
}

#[test]
fn what_is_not_known_is_not_turned_by_guessing() {
    let (mut table, id) = listed();
    table.send(Msg::Done(id, Ok(states(Switch::Unknown("401".into()), Switch::Off))));
    assert!(table.keys("o enter").is_empty());
    assert!(table.word().contains("+ turns it on, - off"), "{}", table.word());
    assert_eq!(table.keys("-"), turns("new-checkout", false));
}

#[test]
fn they_are_read_again_on_a_key_and_after_a_plan_that_set_one() {
    let (mut table, id) = listed();
    assert!(table.keys("r").is_empty(), "they are being read already");
    table.send(Msg::Done(id, Err(Failure::new("reading the flags", "no", "again"))));
    assert_eq!(table.keys("r"), [Effect::ReadFlags]);
    let id = view(&table).reading.unwrap();
    table.send(Msg::Done(id, Ok(states(Switch::On, Switch::Off))));
    for (purpose, wanted) in [("deploy", 0), ("flag", 1)] {
        let started = PlanStarted {
            plan: format!("{purpose}-1"),
            title: String::new(),
            purpose: purpose.into(),
            target: "x".into(),
            hash: String::new(),
            steps: Vec::new(),
            confirmed: "y".into(),
            spec: crate::incident::Spec::default(),
        };
        let ended = PlanEnded { plan: format!("{purpose}-1"), end: PlanEnd::Done, why: String::new() };
        let records = vec![table.record(started.into()), table.record(ended.into())];
        let effects = table.send(Msg::Fact(Fact::Records(records)));
        let read = effects.iter().filter(|(_, effect)| *effect == Effect::ReadFlags).count();
        assert_eq!(read, wanted, "{purpose}");
    }
}

#[test]
fn a_reading_of_a_list_that_was_closed_is_not_taken_for_that_of_another() {
    let (mut table, first) = listed();
    table.keys("esc");
    assert!(table.model.overlays.is_empty());
    assert_eq!(table.keys("f"), [Effect::ReadFlags]);
    table.send(Msg::Done(first, Ok(states(Switch::On, Switch::On))));
    assert_eq!(view(&table).rows[0].state, None);
    assert!(view(&table).reading.is_some());
}

#[test]
fn without_flags_or_trust_it_says_why_not() {
    let mut table = Table::ready();
    assert!(table.keys("f").is_empty());
    assert_eq!(table.word(), "flags: flightdeck.toml names no flags");
    table.model.config.source = ConfigSource::Untrusted { hash: String::new(), would_run: Vec::new() };
    table.keys("f");
    assert!(table.word().contains("not trusted yet"), "{}", table.word());
    let mut table = Table::new();
    table.keys("f");
    assert!(table.word().contains("declare or open an incident first"), "{}", table.word());
}

#[test]
fn watching_is_in_the_deploy_menu_where_something_watches() {
    let mut table = Table::ready();
    assert!(table.keys("d w").is_empty());
    assert!(table.word().contains("no probe watches production"), "{}", table.word());
    let text = "[[probes]]\nname = \"api\"\nurl = \"http://x/\"\n";
    table.model.config.config.probes = toml::from_str::<Config>(text).unwrap().probes;
    table.keys("esc");
    let wanted = Request::Watch { environment: "production".to_owned(), time: None };
    assert_eq!(table.keys("d w"), [Effect::Prepare(wanted)]);
}

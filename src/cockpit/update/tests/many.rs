//! Thousands of environments, checks and probes: the same answers as few of them give.

use super::super::menus;
use super::*;
use crate::cockpit::Command;

const THINGS: usize = 2000;

/// A trusted configuration with so many of each.
fn crowd() -> Table {
    let mut table = Table::ready();
    let mut config = table.model.config.config.clone();
    config.environments = (0..THINGS)
        .map(|n| Environment {
            protected: n + 1 == THINGS,
            ..Environment::new(&format!("env-{n:04}"), vec!["./deploy.sh".into()])
        })
        .collect();
    let check = |n: usize| format!("name = \"check-{n:04}\"\ncommand = [\"true\"]");
    config.checks = (0..THINGS).map(|n| toml::from_str(&check(n)).unwrap()).collect();
    let state = ConfigState { config, source: ConfigSource::Trusted, found: Vec::new() };
    table.send(Msg::Fact(Fact::Config(Box::new(state))));
    table
}

#[test]
fn the_keys_of_a_row_are_those_that_its_menu_shows() {
    for make in [Table::ready, crowd] {
        let table = make();
        let model = &table.model;
        for (opener, prefix) in [(Command::Deploy, "d"), (Command::Test, "t"), (Command::Severity, "s")] {
            for item in menus::menu(model, opener).items {
                let key = item.key.map(|key| format!(" {key}")).unwrap_or_default();
                let wanted = format!("{prefix}{key}");
                assert_eq!(menus::path(model, &item.invoke), wanted, "{:?}", item.invoke);
            }
        }
        for item in menus::everything(model) {
            assert_eq!(item.path, menus::path(model, &item.invoke), "{:?}", item.invoke);
        }
    }
}

#[test]
fn a_few_are_known_by_their_letters_and_many_are_numbered_in_order() {
    let keys = |names: &[&str], taken: &[char]| -> String {
        menus::letters(names, taken).iter().map(|letter| letter.unwrap_or('-')).collect()
    };
    assert_eq!(keys(&["staging", "production", "sandbox"], &['w']), "spa");
    assert_eq!(keys(&["www", "w1", "0"], &['w']), "120");
    let names: Vec<String> = (0..THINGS).map(|n| format!("env-{n:04}")).collect();
    let letters = menus::letters(&names, &['w']);
    let given: String = letters.iter().flatten().collect();
    assert_eq!(given, "123456789abcdefghijklmnopqrstuvxyz");
    assert!(letters[given.len()..].iter().all(Option::is_none), "the others have none");
}

#[test]
fn what_is_next_follows_the_record_the_samples_and_the_keys() {
    let mut table = crowd();
    let first = |table: &Table| table.model.derived.next.clone();
    assert!(first(&table).iter().any(|(next, keys)| next.action == "deploy" && keys.starts_with("d ")));
    // By a record.
    let before = first(&table);
    let role = crate::incident::RoleTaken { role: "commander".into(), person: "maya".into() };
    let record = table.record(role.into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_ne!(first(&table), before);
    // By what probes say.
    let before = table.model.derived.next_of.healthy;
    let failing = vec![Arc::new(probe("api", Health::Failing))];
    table.send(Msg::Fact(Fact::Health { probes: failing }));
    assert_ne!(table.model.derived.next_of.healthy, before);
    // By the time.
    let before = table.model.derived.clocks.clone();
    table.send(Msg::Tick(time(3600)));
    assert_ne!(table.model.derived.clocks, before);
}

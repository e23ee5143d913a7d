//! Names that complete, and items that are given to somebody.

use super::*;
use crate::cockpit::complete::candidates;
use crate::config::types::Person;
use crate::incident::ItemAssigned;

fn with_people() -> Table {
    let mut table = Table::ready();
    let person = |name: &str, role: &str, reach: &str| Person {
        name: name.into(),
        roles: if role.is_empty() { Vec::new() } else { vec![role.into()] },
        reach: reach.into(),
    };
    table.model.config.config.people = vec![
        person("Maya Lind", "", ""),
        person("omar", "on-call", "pager 12"),
        person("Øystein", "commander", "+47 12"),
    ];
    table
}

fn names(table: &Table) -> Vec<String> {
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    candidates(&table.model, ask).into_iter().map(|one| one.name).collect()
}

fn line(table: &Table) -> &str {
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    ask.input.text()
}

fn appended(effects: &[Effect]) -> Option<&Body> {
    effects.iter().find_map(|effect| match effect {
        Effect::Append(drafts) => Some(&drafts[0].body),
        _ => None,
    })
}

#[test]
fn whoever_usually_takes_the_role_comes_first() {
    let mut table = with_people();
    table.keys("i r c");
    assert_eq!(names(&table)[0], "Øystein");
    table.keys("esc esc i p");
    assert_eq!(names(&table)[0], "omar");
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    assert_eq!(candidates(&table.model, ask)[0].about, "on-call engineer, pager 12");
}

#[test]
fn tab_takes_the_next_name_and_shift_tab_the_one_before() {
    let mut table = with_people();
    table.keys("i p");
    table.types("l");
    table.keys("tab");
    assert_eq!(line(&table), "Maya Lind");
    table.keys("tab");
    assert_eq!(line(&table), "Maya Lind", "nobody else has a word that begins so");
    table.types(" by phone");
    assert_eq!(names(&table), Vec::<String>::new(), "how they were reached is no name");
    table.keys("ctrl-u tab");
    assert_eq!(line(&table), "omar");
    table.keys("tab");
    assert_eq!(line(&table), "Maya Lind");
    table.keys("shift-tab");
    assert_eq!(line(&table), "omar");
}

#[test]
fn a_name_completes_inside_a_line() {
    let mut table = with_people();
    table.keys("w t");
    table.types("om");
    table.keys("tab");
    table.types(": check the pool");
    assert_eq!((line(&table), names(&table).len()), ("omar: check the pool", 0));
    table.keys("ctrl-u esc N u");
    table.types("alert on the pool @o");
    table.keys("tab");
    assert_eq!(line(&table), "alert on the pool @omar");
}

#[test]
fn a_name_is_recorded_as_the_list_spells_it() {
    let mut table = with_people();
    table.keys("i r c");
    table.types("øystein");
    let effects = table.keys("enter");
    let Some(Body::RoleTaken(taken)) = appended(&effects) else { panic!("{effects:?}") };
    assert_eq!(taken.person, "Øystein");
}

#[test]
fn an_item_is_given_to_a_person_or_a_role() {
    let mut table = with_people();
    table.keys("4 @");
    table.types("OMAR");
    let effects = table.keys("enter");
    let Some(Body::ItemAssigned(given)) = appended(&effects) else { panic!("{effects:?}") };
    let item = table.model.checklist()[0].clone();
    assert_eq!(
        (given.item.as_str(), given.title.as_str(), given.to.as_str()),
        (&*item.id, &*item.title, "omar")
    );
    table.told(ItemAssigned { item: item.id.clone(), title: item.title, to: "on-call".into() });
    table.keys("@");
    assert_eq!(line(&table), table.model.policy.role_title("on-call"));
    table.keys("ctrl-u enter");
    table.told(ItemAssigned { item: item.id.clone(), title: String::new(), to: String::new() });
    assert!(table.model.incident().unwrap().assigned.is_empty());
}

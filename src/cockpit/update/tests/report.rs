//! The report on the screen: what is missing is filled in from there, and it is kept up with the record.

use super::*;
use crate::cockpit::commands::Command;
use crate::cockpit::overlay::Purpose;
use crate::cockpit::update::keys_to;
use crate::incident::{ImpactDescribed, Mitigated, Resolved, RoleTaken};
use crate::report;

fn shown(table: &Table) -> &str {
    let view = table.model.overlays.iter().find_map(|overlay| match overlay {
        Overlay::Report(view) => Some(view),
        _ => None,
    });
    view.map_or("", |view| view.markdown.as_str())
}

#[test]
fn what_is_missing_is_asked_for_over_the_report_which_then_has_it() {
    let mut table = Table::ready();
    table.keys("i R");
    // Whoever the report is sent to has no key for it.
    assert!(shown(&table).contains("- [ ] Impact: who was affected, and how\n"), "{}", shown(&table));
    table.keys("f");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    assert_eq!(menu.command, Command::ReportFill);
    table.keys("1");
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    assert_eq!(ask.purpose, Purpose::Impact);
    table.keys("esc");
    table.told(ImpactDescribed { text: "nobody can pay".into() });
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Report(_))));
    assert!(shown(&table).contains("Nobody can pay."), "{}", shown(&table));
}

#[test]
fn every_part_that_can_be_missing_has_a_key_and_a_prompt() {
    let mut table = Table::ready();
    let heads = |table: &Table| {
        let state = table.model.incident().unwrap();
        state.heads.iter().map(|head| head.record).collect::<Vec<_>>()
    };
    table.told(Resolved { after: heads(&table), ..Resolved::default() });
    let gaps = report::gaps(table.model.incident().unwrap());
    assert!(gaps.len() >= 5, "{gaps:?}");
    table.keys("i R");
    for gap in &gaps {
        let command = Command::parse(gap.command).unwrap_or_else(|| panic!("{gap:?}"));
        let keys = keys_to(&table.model, gap.command, gap.argument);
        assert!(!keys.is_empty() && shown(&table).contains(gap.what), "{command:?}");
    }
    for number in 1..=gaps.len() {
        table.keys("f");
        table.keys(&number.to_string());
        assert!(matches!(table.model.overlays.last(), Some(Overlay::Ask(_))), "{:?}", gaps[number - 1]);
        table.keys("esc");
    }
}

#[test]
fn nothing_is_asked_for_where_nothing_is_missing() {
    let mut table = Table::ready();
    table.told(ImpactDescribed { text: "nobody can pay".into() });
    table.told(crate::incident::CauseDescribed { text: "the pool".into() });
    table.told(RoleTaken { role: "commander".into(), person: "maya".into() });
    table.told(Mitigated { after: Vec::new() });
    table.keys("i R f");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Report(_))));
    assert_eq!(table.word(), "nothing is missing");
}

#[test]
fn the_page_to_print_is_saved_under_its_own_name() {
    let mut table = Table::ready();
    table.keys("i R");
    let effects = table.keys("h");
    let [Effect::Save { name, content, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let is_page = std::path::Path::new(name).extension().is_some_and(|one| one == "html");
    assert!(is_page && content.starts_with("<!doctype html>"), "{name}");
}

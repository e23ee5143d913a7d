//! The list of all clocks, which a header may have no room for.

use super::*;
use crate::cockpit::Command;
use crate::incident::ClockState;

#[test]
fn every_clock_is_listed_with_its_time_and_leads_to_what_it_asks_for() {
    let mut table = Table::ready();
    table.keys("i k");
    let labels = |table: &Table| match table.model.overlays.last() {
        Some(Overlay::Menu(menu)) => menu.items.iter().map(|item| item.label.clone()).collect::<Vec<_>>(),
        other => panic!("no menu: {other:?}"),
    };
    let before = labels(&table);
    table.send(Msg::Tick(table.model.now + SignedDuration::from_secs(30)));
    let after = labels(&table);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.split("  due ").next(), after.split("  due ").next(), "each counts down its own");
    }
    assert_ne!(before, after);
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    assert_eq!(menu.command, Command::Clocks);
    let running =
        |clock: &&crate::incident::Clock| matches!(clock.state, ClockState::Running | ClockState::Overdue);
    let clocks: Vec<_> = table.model.derived.clocks.iter().filter(running).collect();
    assert!(clocks.len() > 3, "{clocks:?}");
    assert_eq!(menu.items.len(), clocks.len());
    for (item, clock) in menu.items.iter().zip(clocks) {
        assert!(item.label.contains("  due ") && item.disabled.is_none(), "{item:?}");
        assert!(
            clock.id == "phase" || item.label.starts_with(clock.title.trim_end_matches(" due")),
            "{item:?}"
        );
    }
    let page = menu.items.iter().position(|item| item.invoke.command == Command::Page).unwrap();
    for _ in 0..page {
        table.keys("down");
    }
    table.keys("enter");
    assert!(matches!(
        table.model.overlays.as_slice(),
        [Overlay::Ask(ask)] if ask.purpose == crate::cockpit::overlay::Purpose::Page
    ));
}

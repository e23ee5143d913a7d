//! Marking entries of the timeline: amending, retracting and pinning.

use super::*;
use crate::cockpit::overlay::Purpose;
use crate::incident::Ticked;

#[test]
fn marking_a_row_of_several_entries_asks_which_of_them() {
    let mut table = Table::ready();
    let titles = ["core user workflow", "authentication", "payments"];
    for title in titles {
        let (item, title) = (title.replace(' ', "-"), title.to_owned());
        let record =
            table.record(Ticked { item, title, state: CheckState::Passed, note: String::new() }.into());
        table.send(Msg::Fact(Fact::Records(vec![record])));
    }
    table.keys("1 G");
    let rows = table.model.timeline_len();
    let several = table.model.timeline_entries(rows - 1);
    assert_eq!(several.len(), titles.len(), "they are one row");
    let second = several[1].id;
    for (key, title) in [("*", "Pin which?"), ("x", "Retract which?")] {
        table.keys(key);
        let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("nothing is asked") };
        assert_eq!(menu.title, title);
        assert_eq!(menu.items.iter().filter(|item| item.label.contains("authentication")).count(), 1);
        // It stays as it is while records come in.
        table.send(Msg::Tick(table.model.now));
        let effects = table.keys("2");
        if key == "*" {
            let is_it = |effect: &Effect| {
                match effect {
                Effect::Append(drafts) => drafts.iter().any(
                    |draft| matches!(&draft.body, Body::Pinned(pinned) if pinned.target == second && pinned.pinned),
                ),
                _ => false,
            }
            };
            assert!(effects.iter().any(is_it), "{effects:?}");
        } else {
            let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
            assert_eq!(ask.purpose, Purpose::Retract(second));
        }
    }
}

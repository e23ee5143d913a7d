//! Runbooks: which are listed first, and how a block of commands becomes a plan.

use super::*;
use crate::cockpit::overlay::RunbookView;
use crate::report::runbook::{Page, Runbook, Shelf};

fn shelf() -> Shelf {
    let of = |path: &str, text: &str| Runbook::of(path, text);
    let runbooks = vec![
        of("runbooks/node.md", "# Roll a node out\n"),
        of("runbooks/pool.md", "---\nprobes: [db]\n---\n# The pool is exhausted\n"),
    ];
    Shelf { runbooks, skipped: Vec::new() }
}

fn reading(table: &Table) -> &RunbookView {
    match table.model.overlays.last() {
        Some(Overlay::Runbook(view)) => view,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_fits_the_failing_probe_is_listed_first_and_search_leaves_the_rest_out() {
    let mut table = Table::ready();
    assert_eq!(table.keys("B"), [Effect::ListRunbooks]);
    table.model.probes = vec![Arc::new(probe("db", Health::Failing))];
    let id = EffectId(table.model.next_effect.0 - 1);
    table.send(Msg::Done(id, Ok(Done::Runbooks(Box::new(shelf())))));
    let titles = |table: &Table, words: &str| -> Vec<String> {
        table.model.runbooks_shown(words).iter().map(|(one, _)| one.title.clone()).collect()
    };
    assert_eq!(titles(&table, ""), ["The pool is exhausted", "Roll a node out"]);
    assert_eq!(table.keys("enter"), [Effect::ReadRunbook { path: "runbooks/pool.md".into() }]);
    table.keys("/");
    table.types("node");
    table.keys("enter");
    assert_eq!(table.keys("enter"), [Effect::ReadRunbook { path: "runbooks/node.md".into() }]);
    table.keys("esc");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Runbooks(view)) if view.filter.is_empty()));
}

#[test]
fn only_a_block_that_was_chosen_is_planned_and_one_that_needs_a_shell_is_not() {
    let mut table = Table::ready();
    let text = "# Pool\n\n```sh\n./pool.sh\n```\n\n```sh\n./pool.sh | sort\n```\n";
    let page = Page::new("runbooks/pool.md", text, "abc".into(), String::new());
    let id = table.model.next_effect;
    table.send(Msg::Done(id, Ok(Done::Runbook(Box::new(page)))));
    assert!(table.keys("enter").is_empty(), "the first press shows which block it would be");
    assert_eq!(reading(&table).command, 1);
    let wanted = Request::Runbook { path: "runbooks/pool.md".into(), block: 1, shown: "abc".into() };
    assert_eq!(table.keys("enter"), [Effect::Prepare(wanted)]);
    table.keys("tab");
    assert_eq!(reading(&table).command, 2);
    assert!(table.keys("enter").is_empty());
    assert!(table.word().contains("`|` needs a shell"), "{}", table.word());
    table.keys("tab");
    assert_eq!(reading(&table).command, 1, "it goes round");
    table.keys("shift-tab");
    assert_eq!(reading(&table).command, 2);
}

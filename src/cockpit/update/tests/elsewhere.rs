//! What other machines write, and what is given to whoever sits here.

use super::*;
use crate::incident::{ItemAssigned, RoleTaken};

/// A record as another installation writes it.
fn from(table: &mut Table, node: u64, body: impl Into<Body>) -> Record {
    let record = table.record(body.into());
    let draft = Draft::now(record.incident, record.body.clone());
    let author = Author { name: "omar".into(), node };
    Record::seal(record.id, draft, author, record.at, Hash::default()).unwrap().0
}

fn noted(text: &str) -> Noted {
    Noted { kind: NoteKind::Note, text: text.into() }
}

fn rows(table: &Table) -> Vec<String> {
    table.model.checklist_rows().map(|(number, item)| format!("{number} {}", item.id)).collect()
}

#[test]
fn a_line_of_another_machine_stands_out_for_a_moment_and_moves_no_cursor() {
    let mut table = Table::open();
    table.send(Msg::Fact(Fact::Here(1)));
    for text in ["one", "two", "three"] {
        let record = from(&mut table, 1, noted(text));
        table.send(Msg::Fact(Fact::Records(vec![record])));
    }
    assert!(table.model.flash.is_empty(), "they were written here");
    table.keys("1 g j");
    let at = table.model.timeline_at;
    let record = from(&mut table, 2, noted("from afar"));
    let id = record.id;
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!(table.model.flash.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id]);
    assert_eq!(table.model.timeline_at, at);
    assert!(table.model.is_timed());
    let soon = table.model.now + SignedDuration::from_secs(2);
    table.send(Msg::Tick(soon));
    assert_eq!(table.model.flash.len(), 1);
    table.send(Msg::Tick(soon + SignedDuration::from_secs(2)));
    assert!(table.model.flash.is_empty(), "once");
}

#[test]
fn what_is_given_to_me_stands_first_on_my_machine_and_nowhere_else() {
    let mut table = Table::open();
    let before = rows(&table);
    let id = |row: &str| row.split_once(' ').unwrap().1.to_owned();
    let item = |index: usize| id(&before[index]);
    let assigned = |item: String, to: &str| ItemAssigned { item, title: String::new(), to: to.into() };
    let given = [(3, "omar"), (5, "maya"), (6, "lead")];
    for (index, to) in given {
        let record = from(&mut table, 2, assigned(item(index), to));
        table.send(Msg::Fact(Fact::Records(vec![record])));
    }
    assert_eq!(rows(&table)[..2], [before[5].clone(), before[0].clone()], "one is mine, by its number");
    // By the role I have.
    let record = from(&mut table, 2, RoleTaken { role: "lead".into(), person: "maya".into() });
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!(rows(&table)[..3], [before[5].clone(), before[6].clone(), before[0].clone()]);
    table.model.me = "omar".into();
    assert_eq!(rows(&table)[0], before[3]);
    table.model.me = "li".into();
    assert_eq!(rows(&table), before);
}

#[test]
fn the_cursor_stays_on_its_item_when_another_one_is_given_to_me() {
    let mut table = Table::open();
    table.keys("4");
    let first = table.model.checklist_rows().next().unwrap().1.id.clone();
    let last = table.model.checklist_rows().last().unwrap().1.id.clone();
    let record =
        from(&mut table, 2, ItemAssigned { item: last.clone(), title: String::new(), to: "maya".into() });
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!(table.model.checklist_rows().next().unwrap().1.id, last);
    let row = table.model.view(Pane::Checklist).cursor.unwrap();
    assert_eq!(table.model.checklist_rows().nth(row).unwrap().1.id, first, "a key ticks what it was on");
}

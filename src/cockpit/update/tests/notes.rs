//! The line of the scribe: one key, and what Tab makes of it; and the ticket for what needs no hotfix.

use super::*;
use crate::cockpit::overlay::{Ask, Purpose};
use crate::cockpit::reading::reading;
use crate::incident::{FILED, Precision};

fn asked(table: &Table) -> &Ask {
    match table.model.overlays.last() {
        Some(Overlay::Ask(ask)) => ask,
        other => panic!("nothing is asked: {other:?}"),
    }
}

fn drafted(effects: &[Effect]) -> &Draft {
    match effects {
        [Effect::Append(drafts)] => &drafts[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_note_is_of_the_moment_of_its_first_letter() {
    let mut table = Table::ready();
    table.keys("n");
    table.send(Msg::Tick(time(70)));
    table.types("p");
    table.send(Msg::Tick(time(95)));
    table.types("ool exhausted");
    let effects = table.keys("enter");
    assert_eq!(drafted(&effects).occurred, Some((time(70), Precision::Exact)));
}

#[test]
fn tab_makes_it_another_kind_and_keeps_what_was_typed() {
    let mut table = Table::ready();
    table.keys("n");
    table.types("the pool is full");
    table.keys("tab");
    assert_eq!(
        (&asked(&table).purpose, asked(&table).label.as_str()),
        (&Purpose::Note(NoteKind::Finding), "finding")
    );
    let mut seen = Vec::new();
    for _ in 0..8 {
        table.keys("tab");
        seen.push(asked(&table).purpose.clone());
    }
    assert_eq!(seen.last(), Some(&Purpose::Note(NoteKind::Finding)), "it goes round");
    assert!(seen.contains(&Purpose::FollowUp), "{seen:?}");
    table.keys("shift-tab shift-tab");
    assert_eq!(asked(&table).purpose, Purpose::FollowUp);
    table.keys("tab tab tab");
    let effects = table.keys("enter");
    let wanted: Body = Noted { kind: NoteKind::Decision, text: "the pool is full".into() }.into();
    assert_eq!(drafted(&effects).body, wanted);
}

#[test]
fn what_was_turned_and_left_comes_back_as_what_it_was() {
    let mut table = Table::ready();
    table.keys("n");
    table.types("no rollback");
    table.keys("tab tab esc n");
    assert_eq!(
        (&asked(&table).purpose, asked(&table).input.text()),
        (&Purpose::Note(NoteKind::Decision), "no rollback")
    );
    table.keys("enter n");
    assert_eq!((&asked(&table).purpose, asked(&table).input.text()), (&Purpose::Note(NoteKind::Note), ""));
}

#[test]
fn the_line_says_how_it_is_understood_in_both_zones() {
    let mut table = Table::ready();
    table.model.looks.local = TimeZone::get("Europe/Berlin").unwrap();
    let then = table.model.now - SignedDuration::from_mins(1);
    let [utc, local] = [TimeZone::UTC, table.model.looks.local.clone()]
        .map(|zone| zone.to_datetime(then).strftime("%H:%M").to_string());
    table.keys("n");
    table.types(&format!("~{utc} ! no rollback"));
    let said = reading(&table.model, asked(&table)).unwrap();
    assert!(
        said.starts_with(&format!("about {utc} UTC, {local} +0")) && said.ends_with("a decision"),
        "{said}"
    );
    let effects = table.keys("enter");
    assert_eq!(drafted(&effects).occurred.map(|(_, precision)| precision), Some(Precision::About));
    assert!(table.word().contains("Europe/Berlin"), "{}", table.word());
}

#[test]
fn a_follow_up_is_for_somebody_as_the_list_spells_the_name() {
    let mut table = Table::ready();
    table.model.config.config.people =
        toml::from_str::<Config>("[[people]]\nname = \"Omar\"\n").unwrap().people;
    table.keys("n");
    table.types("TODO: alert on the pool @omar");
    let effects = table.keys("enter");
    let Body::FollowUpAdded(added) = &drafted(&effects).body else { panic!("{effects:?}") };
    assert_eq!((added.text.as_str(), added.owner.as_str()), ("alert on the pool", "Omar"));
}

#[test]
fn a_ticket_is_copied_shown_and_recorded_as_filed() {
    let mut table = Table::ready();
    assert!(table.keys("C").is_empty());
    assert!(table.word().contains("asks for a hotfix"), "{}", table.word());
    let reason = "few users".into();
    table.told(crate::incident::SeverityChanged { severity: Severity::P2, reason, answers: Vec::new() });
    let effects = table.keys("C");
    assert!(
        matches!(&effects[..], [Effect::Copy(text)] if text.contains("Checkout answers 500")),
        "{effects:?}"
    );
    table.shown();
    let effects = table.keys("y");
    assert_eq!(drafted(&effects).body, Noted { kind: NoteKind::Decision, text: FILED.to_owned() }.into());
}

#[test]
fn lines_of_a_chat_become_entries_with_their_times_after_a_look() {
    let mut table = Table::ready();
    let at = |seconds| time(seconds).strftime("%H:%M").to_string();
    let chat = format!("{} maya: pool is full\n{} Li Wei: restarting\none by one", at(0), at(60));
    table.send(Msg::Tick(time(600)));
    table.keys("n");
    table.send(Msg::Paste(chat.clone()));
    let Some(Overlay::Confirm(question)) = table.model.overlays.last() else {
        panic!("{:?}", table.model.overlays)
    };
    assert_eq!(question.title, "Record 2 entries?");
    assert!(question.body.contains(&format!("{} maya: pool is full", at(0))), "{}", question.body);
    assert!(table.keys("enter").is_empty(), "what was pasted confirms nothing");
    table.shown();
    let effects = table.keys("y");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let said: Vec<_> = drafts
        .iter()
        .map(|draft| match &draft.body {
            Body::Imported(body) => (body.author.as_str(), body.text.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said, [("maya", "pool is full"), ("Li Wei", "restarting\none by one")]);
    assert!(drafts.iter().all(|draft| draft.occurred.is_some_and(|(at, _)| at < time(600))));
    assert!(table.model.overlays.is_empty(), "the line is done with");
    // Who goes back has lost nothing.
    table.keys("n");
    table.send(Msg::Paste(chat.clone()));
    table.shown();
    table.keys("n");
    assert!(asked(&table).input.text().contains("maya: pool is full"), "{:?}", asked(&table).input);
    for _ in 0..chat.len() {
        table.keys("backspace");
    }
    table.keys("esc");
    // Text without times stays text, and so does what is pasted behind something.
    table.keys("n");
    table.send(Msg::Paste("two\nlines".into()));
    assert_eq!(asked(&table).input.text(), "two lines");
    table.send(Msg::Paste(chat));
    assert!(asked(&table).input.text().starts_with("two lines"));
}

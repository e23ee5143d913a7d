//! Suspects: when they are looked for, and what is made of them.

use super::super::super::suspects::Looked;
use super::*;
use crate::config::types::{Check, Config};
use crate::hotfix::suspects::{ChangeText, Edge, Found, Kind, Reason, Suspect};
use crate::incident::{Alarm, CulpritVerdict, Suspicion};

fn suspect(id: &str, kind: Kind) -> Suspect {
    Suspect {
        id: id.into(),
        kind,
        title: format!("the change {id}"),
        contact: "li".into(),
        at: time(0),
        score: 0,
        reasons: Vec::new(),
        change: None,
    }
}

fn found(table: &mut Table, suspects: Vec<Suspect>, from: Option<&str>) {
    let edge = |commit: &str| Edge { commit: commit.into(), name: commit.into(), why: String::new() };
    let found = Found {
        from: from.map(edge),
        to: edge("bad"),
        commits: suspects.len(),
        suspects,
        remarks: Vec::new(),
    };
    let looked = Looked { at: time(60), found: Ok(found) };
    table.send(Msg::Fact(Fact::Suspects(Box::new(looked))));
}

/// Opens the list and ends the look.
fn opened(suspects: Vec<Suspect>, from: Option<&str>) -> Table {
    let mut table = Table::ready();
    table.keys("S");
    found(&mut table, suspects, from);
    let id = table.model.suspects.looking.expect("already looking");
    table.send(Msg::Done(id, Ok(Done::Quietly)));
    table
}

/// With one change in the list.
pub(super) fn one() -> Table {
    opened(vec![change("a")], Some("good"))
}

/// A commit whose change can be read.
fn change(id: &str) -> Suspect {
    let mut suspect = suspect(id, Kind::Commit);
    suspect.change = Some(crate::hotfix::suspects::Change {
        commit: crate::hotfix::state::Commit {
            id: id.into(),
            subject: id.into(),
            author: "li".into(),
            at: time(0),
        },
        email: String::new(),
        parents: 1,
        brought: Vec::new(),
        brought_count: 0,
        through: None,
        tags: Vec::new(),
        files: Vec::new(),
        files_count: 0,
        insertions: 0,
        deletions: 0,
        cut: None,
        undoes: Vec::new(),
        live: None,
    });
    suspect
}

fn appended(effects: &[Effect]) -> Option<&Body> {
    effects.iter().find_map(|effect| match effect {
        Effect::Append(drafts) => Some(&drafts[0].body),
        _ => None,
    })
}

#[test]
fn a_culprit_is_ruled_out_found_and_opened_again() {
    let mut table = Table::ready();
    assert_eq!(looks(&table.keys("b")), 1, "what changed is looked at, where nobody has");
    let effects = table.keys("space");
    let Some(Body::CulpritJudged(judged)) = appended(&effects) else { panic!("{effects:?}") };
    assert_eq!((judged.culprit.as_str(), judged.verdict), ("schema", CulpritVerdict::RuledOut));
    let ruled_out = judged.clone();
    table.told(ruled_out);
    assert!(table.keys("space").is_empty(), "what was found out is not wiped away by one key");
    table.shown();
    let effects = table.keys("y");
    let Some(Body::CulpritJudged(judged)) = appended(&effects) else { panic!("{effects:?}") };
    assert_eq!(judged.verdict, CulpritVerdict::Open);
    table.keys("j j j x");
    table.types("the pool is at its limit");
    let effects = table.keys("enter");
    let Some(Body::CulpritJudged(judged)) = appended(&effects) else { panic!("{effects:?}") };
    assert_eq!((judged.culprit.as_str(), judged.verdict), ("resources", CulpritVerdict::Found));
    assert_eq!(judged.note, "the pool is at its limit");
}

#[test]
fn each_culprit_has_the_changes_and_probes_that_speak_for_it() {
    let mut table = Table::ready();
    table.model.config.config.probes = toml::from_str::<Config>(
        "[[probes]]\nname = \"pay\"\nurl = \"https://status.pay.example/api/v2/status.json\"\n\
         [[probes]]\nname = \"pool\"\nurl = \"http://127.0.0.1:1/\"\nconcerns = \"resources\"\n",
    )
    .unwrap()
    .probes;
    table.keys("b");
    let otherwise =
        |table: &Table, row: usize| crate::cockpit::culprits(&table.model).0[row].otherwise.clone();
    assert_eq!(otherwise(&table, 0), "changes not checked yet");
    let mut schema = change("a");
    let text = "changes the database schema: migrations/0007.sql".to_owned();
    schema.reasons = vec![Reason { about: Suspicion::Schema, weight: 22, text: text.clone() }];
    found(&mut table, vec![schema], Some("good"));
    let why = "100 of 100 used".to_owned();
    table.told(Alarm { probe: "pool".into(), from: "ok".into(), to: "error".into(), why });
    let (all, _) = crate::cockpit::culprits(&table.model);
    let of = |id: &str| all.iter().find(|one| one.culprit.id == id).unwrap();
    assert_eq!(of("schema").evidence, [format!("suspect 1: {text} · a the change a")]);
    assert_eq!(of("resources").evidence, ["pool is error: 100 of 100 used"]);
    assert_eq!(of("third-party").otherwise, "no alarm from pay", "a page of a provider is one");
    let why = "Partially Degraded Service".to_owned();
    table.told(Alarm { probe: "pay".into(), from: "ok".into(), to: "warn".into(), why });
    let (all, _) = crate::cockpit::culprits(&table.model);
    let of = |id: &str| all.iter().find(|one| one.culprit.id == id).unwrap();
    assert_eq!(of("third-party").evidence, ["pay warns: Partially Degraded Service"]);
    assert!(of("api").otherwise.contains("looks like it"), "{}", of("api").otherwise);
}

#[test]
fn what_is_odd_becomes_a_follow_up_once() {
    let mut table = Table::ready();
    table.told(Noted { kind: NoteKind::Problem, text: "the pager was late".into() });
    let odd = table.model.incident().unwrap().timeline.iter().last().unwrap().id;
    table.keys("b G u");
    table.types(" @li 2026-12-05");
    let effects = table.keys("enter");
    let Some(Body::FollowUpAdded(added)) = appended(&effects) else { panic!("{effects:?}") };
    assert_eq!(
        (added.text.as_str(), added.owner.as_str(), added.of),
        ("the pager was late", "li", Some(odd))
    );
    let added = added.clone();
    table.told(added);
    table.keys("u");
    assert!(table.word().contains("a follow-up already"), "{}", table.word());
}

fn looks(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| **effect == Effect::LookForSuspects).count()
}

fn checks(table: &mut Table, names: &[&str]) {
    let check = |name: &&str| -> Check {
        serde_json::from_value(serde_json::json!({"name": name, "command": ["./check.sh"]})).unwrap()
    };
    table.model.config.config.checks = names.iter().map(check).collect();
}

fn enter(table: &mut Table) -> Vec<Effect> {
    table.key(Key::parse("enter").unwrap())
}

#[test]
fn they_are_looked_for_once_the_list_is_opened_and_again_only_while_it_is_seen() {
    let mut table = Table::ready();
    assert!(table.model.suspects.looking.is_none(), "nobody asked");
    let effects = table.key(Key::char('S'));
    assert_eq!(looks(&effects), 1);
    let note = || Noted { kind: NoteKind::Finding, text: "the pool is full".into() };
    let record = table.record(note().into());
    assert_eq!(looks(&effects_of(table.send(Msg::Fact(Fact::Records(vec![record]))))), 0, "one at a time");
    let id = table.model.suspects.looking.unwrap();
    assert_eq!(looks(&effects_of(table.send(Msg::Done(id, Ok(Done::Quietly))))), 1, "a finding weighs anew");
    let id = table.model.suspects.looking.unwrap();
    table.send(Msg::Done(id, Ok(Done::Quietly)));
    table.key(Key::parse("esc").unwrap());
    let record = table.record(note().into());
    assert_eq!(looks(&effects_of(table.send(Msg::Fact(Fact::Records(vec![record]))))), 0);
}

fn effects_of(effects: Vec<(EffectId, Effect)>) -> Vec<Effect> {
    effects.into_iter().map(|(_, effect)| effect).collect()
}

#[test]
fn the_cursor_stays_on_its_suspect_when_the_order_changes_and_r_takes_that_back() {
    let mut table = opened(vec![suspect("a", Kind::Commit), suspect("b", Kind::Merge)], Some("good"));
    table.keys("j");
    found(&mut table, vec![suspect("b", Kind::Merge), suspect("a", Kind::Commit)], Some("good"));
    assert_eq!(table.key(Key::char('r')), [Effect::Prepare(Request::Revert { commit: "b".into() })]);
    assert!(table.key(Key::char('r')).is_empty(), "a plan is being made already");
}

#[test]
fn a_flag_and_a_deploy_are_taken_back_elsewhere() {
    let mut table = opened(vec![suspect("flag:x", Kind::Flag), suspect("deploy:y", Kind::Deploy)], None);
    assert!(table.key(Key::char('r')).is_empty());
    assert!(table.word().contains("list of flags: f"), "{}", table.word());
    table.keys("j");
    assert!(table.key(Key::char('r')).is_empty());
    assert!(table.word().contains("rollback options: R"), "{}", table.word());
    assert!(enter(&mut table).is_empty());
    assert!(table.word().contains("changed no code"), "{}", table.word());
}

#[test]
fn a_search_by_halves_asks_for_the_check_where_there_are_several() {
    let wanted = |check: &str| {
        let (good, bad) = ("good".to_owned(), "bad".to_owned());
        [Effect::Prepare(Request::Bisect { good, bad, check: Some(check.to_owned()) })]
    };
    let mut table = opened(vec![suspect("a", Kind::Commit)], Some("good"));
    checks(&mut table, &["unit"]);
    assert_eq!(table.key(Key::char('b')), wanted("unit"));

    let mut table = opened(vec![suspect("a", Kind::Commit)], Some("good"));
    checks(&mut table, &["unit", "lint"]);
    assert!(table.key(Key::char('b')).is_empty());
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Menu(menu)) if menu.items.len() == 2));
    assert_eq!(table.key(Key::char('l')), wanted("lint"));

    let mut table = opened(vec![suspect("a", Kind::Commit)], None);
    checks(&mut table, &["unit"]);
    assert!(table.key(Key::char('b')).is_empty());
    assert!(table.word().contains("no known good commit"), "{}", table.word());
}

#[test]
fn a_change_that_comes_late_is_shown_where_it_belongs_or_nowhere() {
    let mut table = opened(vec![change("a"), change("b")], Some("good"));
    assert_eq!(enter(&mut table), [Effect::ReadChange { commit: "a".into() }]);
    let first = reading(&table).unwrap();
    table.keys("q j");
    assert_eq!(enter(&mut table), [Effect::ReadChange { commit: "b".into() }]);
    let second = reading(&table).unwrap();
    let text = |commit: &str| Box::new(ChangeText { commit: commit.into(), ..ChangeText::default() });
    table.send(Msg::Done(first, Ok(Done::Change(text("a")))));
    assert_eq!(reading(&table), Some(second), "what was asked for before is stale");
    table.send(Msg::Done(second, Err(Failure::new("reading", "gone", "fetch"))));
    let Some(Overlay::Change(view)) = table.model.overlays.last() else { panic!("it is shown") };
    assert_eq!((view.reading, view.problem.as_ref().unwrap().cause.as_str()), (None, "gone"));
}

fn reading(table: &Table) -> Option<EffectId> {
    match table.model.overlays.last() {
        Some(Overlay::Change(view)) => view.reading,
        _ => None,
    }
}

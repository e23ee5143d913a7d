//! The start screen, and incidents that are declared elsewhere.

use super::super::super::production::outage_began;
use super::*;
use crate::cockpit::model::IncidentLine;
use crate::cockpit::shared::{LiveState, Offered, Shared};
use crate::incident::Status;

fn line(id: u128, title: &str, status: Status) -> IncidentLine {
    IncidentLine {
        id: IncidentId(Uuid::from_u128(id)),
        number: format!("INC-2026-{id:04}"),
        title: title.into(),
        severity: Severity::P1,
        status,
        declared_at: time(id.cast_signed() as i64),
    }
}

fn told(table: &mut Table, lines: &[IncidentLine]) {
    table.send(Msg::Fact(Fact::Incidents(lines.to_vec())));
}

#[test]
fn the_cursor_stays_on_its_incident_while_others_are_declared() {
    let mut table = Table::new();
    let [older, old, new] = [(1, "slow search"), (2, "no mail"), (3, "blank page")]
        .map(|(id, title)| line(id, title, Status::Open));
    told(&mut table, &[old.clone(), older.clone()]);
    table.keys("j j");
    told(&mut table, &[new.clone(), old.clone(), older.clone()]);
    assert_eq!(table.keys("enter"), [Effect::OpenIncident(older.id)]);
    // What is gone leaves the cursor where it was, or at the end.
    told(&mut table, std::slice::from_ref(&new));
    assert_eq!(table.keys("enter"), [Effect::OpenIncident(new.id)]);
}

#[test]
fn another_incident_is_named_once_while_one_is_open() {
    let mut table = Table::open();
    let ours = line(1, "Checkout answers 500", Status::Open);
    let theirs = line(2, "no mail", Status::Open);
    told(&mut table, std::slice::from_ref(&ours));
    assert_eq!(table.word(), "");
    told(&mut table, &[theirs.clone(), ours.clone()]);
    assert_eq!(table.word(), "another incident is open: INC-2026-0002 P1 no mail");
    let closed = line(3, "a rehearsal", Status::Closed);
    told(&mut table, &[closed, theirs, ours]);
    assert_eq!(table.word(), "another incident is open: INC-2026-0002 P1 no mail");
}

#[test]
fn what_is_open_elsewhere_is_next_where_the_incident_on_the_screen_is_over() {
    let mut table = Table::open();
    let ours = line(1, "Checkout answers 500", Status::Resolved);
    let theirs = line(2, "no mail", Status::Open);
    let first = |table: &Table| {
        table.model.derived.next.first().map(|(next, keys)| (next.title.clone(), keys.clone()))
    };
    told(&mut table, &[theirs.clone(), ours.clone()]);
    assert!(first(&table).is_none_or(|(title, _)| !title.contains("no mail")), "ours goes on");
    let record = table.record(crate::incident::Resolved::default().into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!(first(&table), Some(("INC-2026-0002 P1 is open: no mail".to_owned(), "i l".to_owned())));
    told(&mut table, &[IncidentLine { status: Status::Closed, ..theirs }, ours]);
    assert!(first(&table).is_none_or(|(title, _)| !title.contains("no mail")), "it is over, too");
}

#[test]
fn another_incident_is_declared_only_by_who_knows_of_the_open_one() {
    let mut table = Table::new();
    let theirs = line(1, "no mail", Status::Open);
    table.keys("D");
    table.types("Checkout answers 500");
    table.keys("enter y enter");
    told(&mut table, std::slice::from_ref(&theirs));
    assert!(table.keys("enter").is_empty());
    assert!(
        table.complaint().contains("INC-2026-0001 was declared meanwhile: no mail"),
        "{}",
        table.complaint()
    );
    assert!(matches!(table.keys("enter")[..], [Effect::Declare { .. }]));
    // On the start screen it is asked first.
    let mut table = Table::new();
    told(&mut table, std::slice::from_ref(&theirs));
    table.keys("D");
    let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("nothing was asked") };
    assert_eq!(asked.title, "Declare another incident?");
    assert!(asked.body.contains("INC-2026-0001 is open: no mail"), "{}", asked.body);
    table.shown();
    table.keys("y");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Declare(_))));
}

#[test]
fn declaring_proposes_when_production_began_to_fail_in_the_zone_that_the_screen_shows() {
    let mut table = Table::new();
    table.model.looks.zone = TimeZone::get("Europe/Berlin").unwrap();
    let environments = vec![Environment { protected: true, ..Environment::new("production", Vec::new()) }];
    let config = Config { environments, ..Config::default() };
    let state = ConfigState { config, source: ConfigSource::Trusted, found: Vec::new() };
    table.send(Msg::Fact(Fact::Config(Box::new(state))));
    let (began, other) = (time(-540), time(-900));
    let bad = |name: &str, environment: &str, since| {
        let (environment, since) = (environment.to_owned(), Some(since));
        Arc::new(Probe { environment, since, ..probe(name, Health::Failing) })
    };
    let probes = vec![bad("errors", "production", began), bad("disk", "staging", other)];
    table.send(Msg::Fact(Fact::Health { probes }));
    table.keys("D");
    table.types("Checkout answers 500");
    table.keys("enter y");
    let Some(Overlay::Declare(declare)) = table.model.overlays.last() else { panic!("it is not asked") };
    let local = table.model.looks.zone.to_datetime(began).strftime("%H:%M:%S").to_string();
    assert_eq!((declare.step, declare.started.text()), (DeclareStep::Started, local.as_str()));
    table.keys("enter");
    let effects = table.keys("enter");
    let [Effect::Declare { started_at, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*started_at, Some(began));
}

#[test]
fn declaring_proposes_the_time_that_the_chart_shows_and_not_when_somebody_looked() {
    let mut table = Table::new();
    table.model.looks.zone = TimeZone::UTC;
    let environments = vec![Environment { protected: true, ..Environment::new("production", Vec::new()) }];
    let config = Config { environments, ..Config::default() };
    let state = ConfigState { config, source: ConfigSource::Trusted, found: Vec::new() };
    table.send(Msg::Fact(Fact::Config(Box::new(state))));
    let bad = |name: &str, since, began| {
        let environment = "production".to_owned();
        Arc::new(Probe { environment, since: Some(since), began, ..probe(name, Health::Failing) })
    };
    // The disk has been full for longer than this outage.
    let (seen, began, full) = (time(-20), time(-500), time(-7_200));
    let probes =
        vec![bad("errors", seen, Some(began)), bad("p95", seen, None), bad("disk", seen, Some(full))];
    table.send(Msg::Fact(Fact::Health { probes }));
    table.keys("D");
    table.types("Checkout answers 500");
    table.keys("enter y");
    let (_, shown) = outage_began(&table.model).unwrap();
    assert_eq!(shown.name, "errors");
    table.keys("enter");
    let effects = table.keys("enter");
    let [Effect::Declare { started_at, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*started_at, Some(began));
}

fn offered(numbers: &[u128]) -> Shared {
    let one = |number: &u128| Offered {
        id: IncidentId(Uuid::from_u128(*number)),
        number: format!("INC-2026-{number:04}"),
        title: "Checkout answers 500".into(),
        severity: Severity::P0,
        declared_at: time(-720),
        led_by: "omar".into(),
    };
    Shared {
        live: None,
        remote: "origin".into(),
        at: Some(time(0)),
        unsent: 0,
        trouble: None,
        aside: Vec::new(),
        incident: None,
        kept: None,
        offered: numbers.iter().map(one).collect(),
    }
}

#[test]
fn what_is_open_at_the_remote_is_joined_from_the_start_screen() {
    let mut table = Table::new();
    let here = line(9, "no mail", Status::Open);
    told(&mut table, std::slice::from_ref(&here));
    table.keys("j");
    // What is offered comes in above the list, and the cursor stays on what it is on.
    table.send(Msg::Fact(Fact::Shared(Box::new(offered(&[7, 8])))));
    assert_eq!(table.keys("enter"), [Effect::OpenIncident(here.id)]);
    table.keys("g g j");
    assert_eq!(table.keys("enter"), [Effect::Join(IncidentId(Uuid::from_u128(7)))]);
    // One that is here by now is offered no more.
    table.send(Msg::Fact(Fact::Shared(Box::new(offered(&[9, 8])))));
    assert_eq!(table.model.offered().len(), 1);
}

#[test]
fn how_sharing_stands_is_told_of_the_incident_that_is_shared() {
    let mut table = Table::open();
    let open = table.model.incident().unwrap().id;
    table.send(Msg::Fact(Fact::Shared(Box::new(offered(&[])))));
    assert_eq!(table.model.sharing(), None);
    let said = |table: &mut Table, shared: Shared| {
        table.send(Msg::Fact(Fact::Shared(Box::new(shared))));
        table.model.now = time(64);
        table.model.sharing().unwrap()
    };
    let shared = || Shared { incident: Some(open), at: Some(time(60)), ..offered(&[]) };
    assert_eq!(said(&mut table, shared()), ("shared 4s ago".to_owned(), false));
    assert_eq!(said(&mut table, Shared { unsent: 2, ..shared() }), ("sharing, 2 unsent".to_owned(), false));
    let since = table.model.looks.zone.to_datetime(time(60)).strftime("%H:%M").to_string();
    let down = || Shared { trouble: Some("no route".into()), unsent: 6, ..shared() };
    assert_eq!(said(&mut table, down()), (format!("not shared since {since}, 6 unsent"), true));
    assert_eq!(said(&mut table, Shared { at: None, ..down() }), ("not shared, 6 unsent".to_owned(), true));
    let up = LiveState { server: "nats.example.com".to_owned(), is_up: true, trouble: None };
    // Git is away, and everybody sees it all the same.
    assert_eq!(
        said(&mut table, Shared { live: Some(up.clone()), ..down() }),
        ("shared live".to_owned(), false)
    );
    let silent = Some(LiveState { is_up: false, trouble: Some("it does not answer".to_owned()), ..up });
    assert_eq!(said(&mut table, Shared { live: silent, ..shared() }), ("shared 4s ago".to_owned(), false));
    let kept = Some(("everybody can read it".to_owned(), "set [share] public = true".to_owned()));
    assert_eq!(said(&mut table, Shared { kept, ..shared() }), ("not shared".to_owned(), false));
    let (_, told) = table.model.word.clone().unwrap();
    assert!(told.contains("everybody can read it; set [share] public"), "{told}");
}

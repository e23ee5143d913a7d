//! Going back: when it is looked at, what the screen keeps, and what a key takes.

use super::*;
use crate::cockpit::ways::{Looked, Readiness};
use crate::deploy::rollback::{Kind, Ready, Way};
use crate::incident::{Began, CulpritJudged, CulpritVerdict, Predecessor, Release, Released};

fn way(id: &str, ready: Ready) -> Way {
    Way { id: id.into(), title: format!("{id} it"), ready, ..Way::example() }
}

fn found(table: &mut Table, ways: Vec<Way>) -> Vec<(EffectId, Effect)> {
    let looked = Looked { at: time(60), live: None, unrecorded: None, past: Vec::new(), ways: Ok(ways) };
    table.send(Msg::Fact(Fact::Ways { environment: "production".into(), looked }))
}

/// Ends the look that is under way.
fn end(table: &mut Table) -> Vec<Effect> {
    let id = table.model.ways.looking.expect("already looking");
    table.send(Msg::Done(id, Ok(Done::Quietly))).into_iter().map(|(_, effect)| effect).collect()
}

fn looks(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::LookBack { .. })).count()
}

#[test]
fn ways_back_are_looked_for_long_before_they_are_needed_and_once_at_a_time() {
    let mut table = Table::ready();
    assert!(table.model.ways.looking.is_some(), "the configuration is trusted");
    let mut moved = branch();
    moved.head = Head::Branch { name: "hotfix/pool".into(), commit: "b".repeat(40) };
    let effects = table.send(Msg::Fact(Fact::Branch(Box::new(Ok(moved.clone())))));
    assert!(effects.is_empty(), "one look at a time: {effects:?}");
    assert_eq!(looks(&end(&mut table)), 1, "what changed meanwhile is looked at after it");
    assert_eq!(looks(&end(&mut table)), 0);
    moved.dirty_count += 1;
    let effects = table.send(Msg::Fact(Fact::Branch(Box::new(Ok(moved)))));
    assert!(effects.is_empty(), "what is being edited changes no way back: {effects:?}");
}

#[test]
fn nothing_is_asked_that_nobody_trusted() {
    let mut table = Table::ready();
    let mut config = table.model.config.clone();
    config.source = ConfigSource::Untrusted { hash: "0".into(), would_run: Vec::new() };
    end(&mut table);
    let effects = table.send(Msg::Fact(Fact::Config(Box::new(config))));
    assert!(effects.is_empty(), "{effects:?}");
    table.keys("R");
    assert!(table.word().contains("not trusted"), "{}", table.word());
}

#[test]
fn the_cursor_stays_on_its_way_when_the_order_changes_and_enter_takes_that_one() {
    let mut table = Table::ready();
    found(&mut table, vec![way("redeploy", Ready::Yes), way("revert", Ready::Yes)]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::Ready);
    table.keys("R");
    table.keys("j");
    found(&mut table, vec![way("revert", Ready::Yes), way("redeploy", Ready::No("gone".into()))]);
    let effects = table.key(Key::parse("enter").unwrap());
    let asked = Request::Rollback { environment: "production".into(), way: Some("revert".into()) };
    assert_eq!(effects, [Effect::Prepare(asked)]);
    assert!(table.key(Key::parse("enter").unwrap()).is_empty(), "the plan is being made already");
}

#[test]
fn the_cursor_begins_on_the_option_that_next_names() {
    let charge =
        || Way { kind: Kind::FlagOff, title: "turn charge off".into(), ..way("flag:charge", Ready::Yes) };
    for (third_party, wanted) in [(false, "redeploy"), (true, "flag:charge")] {
        let mut table = Table::ready();
        if third_party {
            let found = CulpritJudged {
                culprit: "third-party".into(),
                title: "a third party".into(),
                verdict: CulpritVerdict::Found,
                note: "their status page".into(),
            };
            table.told(found);
        }
        let probes = vec![Arc::new(probe("errors", Health::Failing))];
        table.send(Msg::Fact(Fact::Health { probes }));
        // It is opened before anything is known, and once more when all is.
        table.keys("R");
        found(&mut table, vec![way("redeploy", Ready::Yes), charge()]);
        let screen = |table: &Table| match table.top() {
            Overlay::Rollback(screen) => screen.way.clone(),
            other => panic!("{other:?}"),
        };
        let (next, _) = table.model.derived.next.iter().find(|(next, _)| next.action == "rollback").unwrap();
        let named = if third_party { "turn charge off" } else { "redeploy it" };
        assert!(next.title.contains(named), "{next:?}");
        assert_eq!(screen(&table), wanted);
        table.keys("esc R");
        assert_eq!(screen(&table), wanted, "the same once all is known");
    }
}

#[test]
fn a_rollback_says_that_production_is_well_already_and_what_is_off() {
    use crate::cockpit::update::rollback::{before, notices};
    use crate::incident::{PlanEnd, PlanEnded};

    let mut table = Table::ready();
    let back = Plan { purpose: Purpose::Rollback, ..plans::two("production", None) };
    let off = |name: &str| Plan {
        id: format!("flag-{name}"),
        title: format!("turn {name} off"),
        purpose: Purpose::Flag,
        ..plans::two(&format!("flag:{name}"), None)
    };
    assert!(notices(&table.model, &back).is_empty() && before(&table.model, "production").is_empty());
    table.started(&off("loyalty"));
    table.told(PlanEnded { plan: "flag-loyalty".into(), end: PlanEnd::Done, why: String::new() });
    let said = notices(&table.model, &back);
    assert!(matches!(said.as_slice(), [one] if one.starts_with("turned off already: loyalty (")), "{said:?}");
    assert!(notices(&table.model, &off("loyalty")).is_empty(), "that is the plan of a flag");
    let probes = vec![Arc::new(probe("errors", Health::Ok))];
    table.send(Msg::Fact(Fact::Health { probes }));
    let said = before(&table.model, "production");
    let wanted = "production is healthy, with loyalty off: check that a rollback is still needed";
    assert_eq!(said, [wanted]);
    assert!(before(&table.model, "staging").iter().all(|line| !line.contains("healthy")));
    table.started(&Plan { id: "deploy-7".into(), ..plans::two("production", None) });
    let said = before(&table.model, "production");
    assert_eq!(said[1], "production still has a plan under way: deploy main, by maya");
    // There what has the target stands where it would be confirmed.
    assert_eq!(notices(&table.model, &back).len(), 1);
}

#[test]
fn readiness_is_the_best_that_is_known_of_any_way() {
    let mut table = Table::ready();
    let unknown = || way("redeploy", Ready::Unknown("a migration lies between".into()));
    found(&mut table, vec![unknown()]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::Unknown);
    let nothing = || way("redeploy", Ready::No("nothing was released".into()));
    found(&mut table, vec![nothing()]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::NoWay);
    // A flag that the screen shows as ready is no rollback, but it is not nothing.
    let flag = |ready| Way { kind: Kind::FlagOff, ..way("flag:checkout", ready) };
    found(&mut table, vec![flag(Ready::Yes), nothing()]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::OnlyFlag);
    found(&mut table, vec![flag(Ready::No("it is off already".into())), nothing()]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::NoWay);
    // What only changes main puts nothing back by itself.
    let revert = || Way { only: Some("main".into()), ..way("revert", Ready::Yes) };
    found(&mut table, vec![revert(), nothing()]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::OnlyRevert);
    found(&mut table, vec![revert(), unknown()]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::Unknown);
    found(&mut table, vec![way("redeploy", Ready::Yes), flag(Ready::Yes)]);
    assert_eq!(table.model.way_back().unwrap().readiness(), Readiness::Ready);
}

#[test]
fn the_header_names_what_is_live_before_anything_was_deployed_in_this_incident() {
    let mut table = Table::ready();
    let live = |table: &Table| table.model.derived.production.as_ref().and_then(|found| found.live.clone());
    assert_eq!(live(&table), None);
    let looked = Looked {
        at: time(60),
        live: Some("v1.4.2".into()),
        unrecorded: None,
        past: Vec::new(),
        ways: Ok(Vec::new()),
    };
    table.send(Msg::Fact(Fact::Ways { environment: "production".into(), looked }));
    assert_eq!(live(&table).as_deref(), Some("v1.4.2"));
}

#[test]
fn what_somebody_deployed_past_the_record_is_named_until_it_is_recorded() {
    let mut table = Table::ready();
    let started = table.model.incident().unwrap().started_at;
    let found = |at| Release {
        environment: "production".into(),
        reference: String::new(),
        commit: "c".repeat(40),
        tag: Some("v1.4.3".into()),
        version: None,
        plan: String::new(),
        rollback: false,
        replaces: None,
        by: "li".into(),
        at,
        verdict: None,
        vouched: false,
    };
    let tells = |table: &mut Table, at: Timestamp| {
        let looked = Looked {
            at,
            live: Some("v1.4.3".into()),
            unrecorded: Some(Box::new(found(at))),
            past: Vec::new(),
            ways: Ok(Vec::new()),
        };
        table.send(Msg::Fact(Fact::Ways { environment: "production".into(), looked }));
        let production = table.model.derived.production.clone().unwrap();
        let next = table.model.derived.next.iter().map(|(next, _)| next.title.clone());
        (production.live, production.is_recorded, next.collect::<Vec<String>>().join("; "))
    };
    let (_, is_recorded, next) = tells(&mut table, started - SignedDuration::from_hours(1));
    assert!(is_recorded && !next.contains("not recorded"), "it was there before: {next}");
    let mut earlier = table.record(Began { reason: "seen in the logs".into() }.into());
    earlier.occurred_at = started - SignedDuration::from_hours(2);
    table.send(Msg::Fact(Fact::Records(vec![earlier])));
    assert!(table.model.incident().unwrap().started_at < started);
    let (_, is_recorded, next) = tells(&mut table, started - SignedDuration::from_hours(1));
    assert!(is_recorded && !next.contains("not recorded"), "it was live when it was declared: {next}");
    let at = time(60);
    let (live, is_recorded, next) = tells(&mut table, at);
    assert_eq!((live.as_deref(), is_recorded), (Some("v1.4.3"), false));
    let wanted = "production runs v1.4.3, not recorded: record it with flightdeck live production v1.4.3";
    assert!(next.contains(wanted), "{next}");
    let released = Released {
        environment: "production".into(),
        reference: "v1.4.3".into(),
        commit: "c".repeat(40),
        tag: Some("v1.4.3".into()),
        version: None,
        plan: String::new(),
        rollback: false,
        replaces: None,
    };
    let record = table.record(released.clone().into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert!(table.model.derived.production.as_ref().unwrap().is_recorded);
    // What somebody writes down by hand does not stand against what production says when it is asked after that.
    let claimed = Released {
        commit: "d".repeat(40),
        tag: Some("v1.4.1".into()),
        reference: "v1.4.1".into(),
        ..released
    };
    let mut record = table.record(claimed.into());
    record.occurred_at = at + SignedDuration::from_mins(1);
    table.send(Msg::Fact(Fact::Records(vec![record])));
    let looked = Looked {
        at: at + SignedDuration::from_mins(2),
        live: Some("v1.4.3".into()),
        unrecorded: Some(Box::new(found(started - SignedDuration::from_hours(1)))),
        past: Vec::new(),
        ways: Ok(Vec::new()),
    };
    table.send(Msg::Fact(Fact::Ways { environment: "production".into(), looked }));
    let production = table.model.derived.production.clone().unwrap();
    assert_eq!((production.live.as_deref(), production.is_recorded), (Some("v1.4.3"), false));
    let next: Vec<_> = table.model.derived.next.iter().map(|(next, _)| next.title.clone()).collect();
    let wanted = "production runs v1.4.3, the record says v1.4.1 (by maya): record it with";
    assert!(next.iter().any(|title| title.starts_with(wanted)), "{next:?}");
}

#[test]
fn production_that_can_tell_what_is_live_is_asked_again_after_a_while() {
    for tells in [false, true] {
        let mut table = Table::ready();
        let mut config = table.model.config.clone();
        for env in &mut config.config.environments {
            env.history = if tells { vec!["./history.sh".into()] } else { Vec::new() };
        }
        table.send(Msg::Fact(Fact::Config(Box::new(config))));
        end(&mut table);
        while table.model.ways.looking.is_some() {
            end(&mut table);
        }
        found(&mut table, Vec::new());
        let at = |table: &mut Table, second| {
            let effects = table.send(Msg::Tick(time(second)));
            effects.iter().filter(|(_, effect)| matches!(effect, Effect::LookBack { .. })).count()
        };
        assert_eq!(at(&mut table, 120), 0);
        assert_eq!(at(&mut table, 60 + 301), usize::from(tells));
    }
}

#[test]
fn what_was_live_when_it_was_declared_is_recorded_once_production_has_told_of_it() {
    let mut table = Table::ready();
    let declared = table.model.incident().unwrap().declared_at;
    let had = |hours: i64, name: &str| {
        let at = declared - SignedDuration::from_hours(hours);
        let (commit, by) = (name.repeat(20), "li".to_owned());
        (at, Predecessor { name: name.to_owned(), commit, since: Some(at), by })
    };
    let looked = |past: &[(Timestamp, Predecessor)]| {
        let looked =
            Looked { at: time(60), live: None, unrecorded: None, past: past.to_vec(), ways: Ok(Vec::new()) };
        Msg::Fact(Fact::Ways { environment: "production".into(), looked })
    };
    let appended = |effects: Vec<(EffectId, Effect)>| {
        effects.into_iter().find_map(|(_, effect)| match effect {
            Effect::Append(drafts) => Some(drafts),
            _ => None,
        })
    };
    assert_eq!(appended(table.send(looked(&[had(-1, "v3")]))), None, "that came later");
    let past = [had(30, "v1"), had(2, "v2"), had(-1, "v3")];
    let drafts = appended(table.send(looked(&past))).unwrap();
    let [Draft { body: Body::LiveFound(live), .. }] = &drafts[..] else { panic!("{drafts:?}") };
    assert_eq!((live.name.as_str(), live.by.as_str(), live.environment.as_str()), ("v2", "li", "production"));
    let record = table.record(live.clone().into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!(appended(table.send(looked(&past))), None, "once is enough");
}

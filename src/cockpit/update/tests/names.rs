//! Names that complete, and items that are given to somebody.

use super::*;
use crate::cockpit::Command;
use crate::cockpit::complete::candidates;
use crate::cockpit::msg::Item;
use crate::comms::pager::OnCall;
use crate::config::types::Person;
use crate::incident::{
    CulpritJudged, CulpritVerdict, FollowUpAdded, HandoffDeclined, HandoffOffered, ItemAssigned, Paged,
    Proposed, RoleTaken, TaskGiven,
};

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
fn a_role_is_suggested_to_who_was_paged_or_usually_has_it_and_to_nobody_who_has_one() {
    let mut table = with_people();
    table.keys("i r c");
    assert_eq!(line(&table), table.model.me);
    table.keys("esc esc");
    table.told(RoleTaken { role: "commander".into(), person: table.model.me.clone() });
    table.keys("i r o");
    assert_eq!(line(&table), "omar");
    table.keys("esc esc");
    table.told(Paged { who: "li".into(), how: "by phone".into() });
    table.keys("i r o");
    assert_eq!(line(&table), "li");
    table.keys("esc esc i r l");
    assert_eq!(line(&table), "");
}

#[test]
fn a_handoff_is_offered_to_those_who_are_here_and_never_to_who_has_the_role() {
    let mut table = with_people();
    table.told(RoleTaken { role: "commander".into(), person: "maya".into() });
    for (name, after) in [("li", 40), ("omar", 50)] {
        let mut record = table.record(Noted { kind: NoteKind::Finding, text: name.into() }.into());
        record.author.name = name.into();
        record.occurred_at = time(after);
        table.send(Msg::Fact(Fact::Records(vec![record])));
    }
    table.keys("w h");
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    let shown = candidates(&table.model, ask);
    let names: Vec<&str> = shown.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names[..3],
        ["omar", "li", "Øystein"],
        "whoever wrote last comes first, then who usually has it"
    );
    assert!(!names.contains(&"maya"), "nobody hands over to themselves: {names:?}");
    assert!(shown[0].about.starts_with("on-call engineer, pager 12, wrote "), "{}", shown[0].about);
}

#[test]
fn who_has_a_role_and_who_is_on_call_comes_before_who_wrote_last() {
    let mut table = with_people();
    let pager = "name = \"pager\"\nkind = \"pagerduty\"\nsecret = \"KEY\"\naudiences = [\"on-call\"]\n\
                 api_token = \"T\"\nservice = \"P1\"";
    table.model.config.config.channels = vec![toml::from_str(pager).unwrap()];
    table.told(RoleTaken { role: "lead".into(), person: "noor".into() });
    for (name, after) in [("zoe", 40), ("li", 50)] {
        let mut record = table.record(Noted { kind: NoteKind::Finding, text: name.into() }.into());
        record.author.name = name.into();
        record.occurred_at = time(after);
        table.send(Msg::Fact(Fact::Records(vec![record])));
    }
    let on_call = |table: &mut Table| {
        let id = *table.model.in_flight.iter().find(|(_, doing)| doing.contains("on call")).unwrap().0;
        let one = |level, who: &str| OnCall { level, who: who.into(), until: None };
        let told = vec![("pager".to_owned(), Ok(vec![one(1, "Sam"), one(2, "zoe")]))];
        table.model.config.config.people.push(Person {
            name: "Sam".into(),
            roles: Vec::new(),
            reach: String::new(),
        });
        table.send(Msg::Done(id, Ok(Done::OnCall(told))));
    };
    table.keys("i p");
    on_call(&mut table);
    assert_eq!(names(&table)[..3], ["Sam", "zoe", "omar"], "on call, then who usually is");
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    assert_eq!(candidates(&table.model, ask)[1].about, "on call (level 2)");
    table.told(RoleTaken { role: "commander".into(), person: "maya".into() });
    table.keys("esc w h");
    assert_eq!(names(&table)[..4], ["noor", "Sam", "zoe", "li"], "roles, on call, then who is here");
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

fn offer(table: &mut Table, role: &str, to: &str) -> RecordId {
    let offered = HandoffOffered { role: role.into(), to: to.into(), brief: "all of it".into() };
    tell(table, offered.into())
}

fn tell(table: &mut Table, body: Body) -> RecordId {
    let record = table.record(body);
    let id = record.id;
    table.send(Msg::Fact(Fact::Records(vec![record])));
    id
}

fn menu(table: &Table) -> &[Item] {
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    &menu.items
}

fn on(table: &Table, key: char) -> Option<&Item> {
    menu(table).iter().find(|item| item.key == Some(Key::char(key)))
}

#[test]
fn what_is_offered_to_me_comes_first_and_has_the_keys() {
    let mut table = Table::ready();
    offer(&mut table, "lead", "omar");
    let mine = offer(&mut table, "commander", "Maya");
    table.keys("w");
    assert_eq!(menu(&table)[0].invoke.argument, mine.to_string());
    for (key, command) in
        [('a', Command::HandoffAccept), ('b', Command::HandoffBrief), ('x', Command::HandoffDecline)]
    {
        let item = on(&table, key).unwrap();
        assert_eq!((item.invoke.command, &item.invoke.argument), (command, &mine.to_string()), "{key}");
    }
    assert!(on(&table, 't').is_some_and(|item| item.invoke.command == Command::Task));
    // Who has which role stands there, gaps too.
    let labels: Vec<&str> = menu(&table).iter().map(|item| item.label.as_str()).collect();
    assert!(labels.contains(&"incident commander  nobody yet"), "{labels:?}");
    assert!(on(&table, 'h').is_none(), "nobody hands over what they do not have: {labels:?}");
    assert_eq!(on(&table, 'b').unwrap().label, "read the brief");
}

#[test]
fn an_offer_is_read_accepted_and_declined_from_its_question_and_from_its_brief() {
    let mut table = Table::ready();
    tell(&mut table, RoleTaken { role: "commander".into(), person: "omar".into() }.into());
    offer(&mut table, "commander", "maya");
    let is_question = |table: &Table| matches!(table.model.overlays.as_slice(), [Overlay::Confirm(_)]);
    let is_brief = |table: &Table| matches!(table.model.overlays.as_slice(), [Overlay::Entry(_)]);
    table.keys("w");
    assert_eq!(on(&table, 'a').unwrap().label, "take command from omar");
    table.keys("a");
    assert!(is_question(&table));
    table.keys("b");
    assert!(is_brief(&table), "{:?}", table.model.overlays);
    table.keys("a");
    assert!(is_question(&table), "{:?}", table.model.overlays);
    table.keys("x");
    let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("no question") };
    assert_eq!((asked.title.as_str(), asked.yes.as_str()), ("Decline command?", "decline"));
    assert_eq!(asked.body, "omar keeps the role.");
}

#[test]
fn nobody_offers_a_role_to_themselves() {
    let mut table = Table::ready();
    tell(&mut table, RoleTaken { role: "commander".into(), person: "maya".into() }.into());
    table.keys("w h");
    table.types("maya");
    assert!(appended(&table.keys("enter")).is_none());
    tell(&mut table, RoleTaken { role: "commander".into(), person: "omar".into() }.into());
    assert!(appended(&table.keys("enter")).is_none());
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    assert_eq!(ask.complaint, "you cannot offer it to yourself. To take it: i r c");
}

#[test]
fn what_can_be_decided_now_has_the_keys_and_the_menu_counts_down() {
    let mut table = Table::ready();
    let now = table.model.now;
    let until = |minutes| now + SignedDuration::from_mins(minutes);
    tell(&mut table, Proposed { text: "turn the flag off".into(), until: until(5) }.into());
    let due = tell(&mut table, Proposed { text: "roll back".into(), until: until(0) }.into());
    tell(&mut table, TaskGiven { text: "pool".into(), owner: "omar".into(), until: until(3) }.into());
    table.keys("w");
    assert_eq!(on(&table, 'y').unwrap().invoke.argument, due.to_string());
    assert!(on(&table, '1').unwrap().label.ends_with("3m left"), "{}", on(&table, '1').unwrap().label);
    table.send(Msg::Tick(until(1)));
    assert!(on(&table, '1').unwrap().label.ends_with("2m left"), "{}", on(&table, '1').unwrap().label);
}

#[test]
fn the_question_about_an_offer_follows_the_record() {
    let mut table = Table::ready();
    tell(&mut table, RoleTaken { role: "commander".into(), person: "omar".into() }.into());
    let offered = offer(&mut table, "commander", "maya");
    table.keys("w a");
    let body = |table: &Table| match table.model.overlays.last() {
        Some(Overlay::Confirm(asked)) => asked.body.clone(),
        other => panic!("no question: {other:?}"),
    };
    assert!(body(&table).starts_with("omar has it until you take it"), "{}", body(&table));
    tell(&mut table, HandoffDeclined { offer: offered, reason: String::new() }.into());
    // It does not vanish under the finger that answers it, and nothing answers it any more.
    let lapsed = |table: &Table| match table.model.overlays.last() {
        Some(Overlay::Confirm(asked)) => asked.lapsed.clone(),
        other => panic!("no question: {other:?}"),
    };
    assert_eq!(lapsed(&table), "The offer of command was declined or withdrawn.");
    table.shown();
    for key in ["y", "x", "a"] {
        assert!(table.keys(key).is_empty(), "{key}");
        assert!(!lapsed(&table).is_empty(), "{key}");
    }
    table.keys("esc");
    assert!(!matches!(table.model.overlays.last(), Some(Overlay::Confirm(_))));
}

#[test]
fn a_role_that_somebody_has_is_not_taken_by_enter_alone() {
    let mut table = Table::ready();
    tell(&mut table, RoleTaken { role: "lead".into(), person: "omar".into() }.into());
    table.keys("i r l");
    let Some(Overlay::Ask(ask)) = table.model.overlays.last() else { panic!("nothing is asked") };
    assert!(ask.label.contains("omar has it"), "{}", ask.label);
    let effects = table.keys("enter");
    assert!(appended(&effects).is_none(), "{effects:?}");
}

#[test]
fn the_cause_is_empty_and_what_was_found_of_the_culprit_is_proposed_beside_it() {
    let mut table = Table::ready();
    let found = CulpritJudged {
        culprit: "deploy".into(),
        title: "a deploy".into(),
        verdict: CulpritVerdict::Found,
        note: "the pool was set to 5".into(),
    };
    tell(&mut table, found.into());
    table.keys("i c");
    assert_eq!(line(&table), "", "evidence is no cause");
    let [proposed] = names(&table).try_into().unwrap();
    assert!(proposed.ends_with(": the pool was set to 5"), "{proposed}");
    table.types("a");
    table.keys("backspace tab");
    assert_eq!(line(&table), proposed);
    table.types(", too small");
    let effects = table.keys("enter");
    let Some(Body::CauseDescribed(cause)) = appended(&effects) else { panic!("{effects:?}") };
    assert_eq!(cause.text, format!("{proposed}, too small"));
    tell(&mut table, cause.clone().into());
    table.keys("i c");
    assert_eq!(line(&table), format!("{proposed}, too small"), "what is recorded is corrected");
}

#[test]
fn issues_without_a_remote_say_why_not() {
    let mut table = Table::ready();
    let added = FollowUpAdded { text: "alert on the pool".into(), owner: String::new(), due: None, of: None };
    tell(&mut table, added.into());
    table.model.branch = Some(Ok(BranchState { remote: None, ..branch() }));
    table.keys("i");
    let why = on(&table, 'u').unwrap().disabled.clone().unwrap_or_default();
    assert!(why.contains("no remote"), "{why}");
}

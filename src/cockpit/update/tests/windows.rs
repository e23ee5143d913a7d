//! Keys in windows: prompts take every letter, everything else goes through the keymap.

use super::*;
use crate::cockpit::Command;
use crate::cockpit::overlay::{Answered, Ask, Purpose};
use crate::plan::gates::{ApprovalRule, Gate};

pub(super) const LETTERS: &str = "agreed on the call, ok? Yes: ACDEGINRSTXvz/-+*1234567890";

fn asked(table: &Table) -> &Ask {
    match table.model.overlays.last() {
        Some(Overlay::Ask(ask)) => ask,
        other => panic!("nothing is asked: {other:?}"),
    }
}

#[test]
fn a_plan_that_is_confirmed_by_typing_takes_every_letter() {
    let mut table = Table::ready();
    table.preview(plan(Some("production"), Reach::Others));
    table.shown();
    let before = table.model.next_effect;
    table.types(LETTERS);
    let Some(Overlay::Preview(shown)) = table.model.overlays.last() else { panic!("it was closed") };
    assert_eq!((shown.typed.text(), table.model.next_effect), (LETTERS, before));
}

#[test]
fn half_typed_text_outlives_ctrl_c_a_message_and_a_resize() {
    let mut table = Table::ready();
    table.keys("N f");
    table.types("the pool is exhau");
    table.send(Msg::Resize(40, 12));
    let record = table.record(Noted { kind: NoteKind::Note, text: "from a colleague".into() }.into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    let id = table.model.next_effect;
    table.send(Msg::Done(id, Ok(Done::Said("saved".into()))));
    assert_eq!(asked(&table).input.text(), "the pool is exhau");
    table.keys("ctrl-c");
    assert!(table.model.overlays.is_empty());
    assert!(table.word().contains("kept"), "{}", table.word());
    // Another prompt does not get it; the same one does, once.
    table.keys("N d");
    assert_eq!(asked(&table).input.text(), "");
    table.keys("esc esc N f");
    assert_eq!(asked(&table).input.text(), "the pool is exhau");
    // An incident that was being declared goes on where it stood.
    let mut table = Table::new();
    table.keys("D");
    table.types("Login fails");
    table.keys("enter y ctrl-c D");
    let Some(Overlay::Declare(declare)) = table.model.overlays.last() else { panic!("nothing is declared") };
    assert_eq!((declare.title.text(), declare.answers.as_slice()), ("Login fails", &[Answered::Yes][..]));
}

#[test]
fn escape_keeps_what_is_half_typed_and_says_so() {
    for opener in
        ["n", "N f", "N d", "N p", "N a", "s 1", "i w", "i i", "i c", "i p", "i t o", "i t s", "R x"]
    {
        let mut table = Table::ready();
        table.keys(opener);
        let windows = table.model.overlays.len();
        table.types("half a sentence");
        let typed = asked(&table).input.text().to_owned();
        table.keys("esc");
        assert!(table.model.overlays.len() < windows, "{opener}: esc closes it");
        assert!(table.word().contains("is kept"), "{opener}: {}", table.word());
        table.keys("esc esc");
        table.keys(opener);
        assert_eq!(asked(&table).input.text(), typed, "{opener}");
        assert!(table.word().contains("is here again"), "{opener}: {}", table.word());
        // Whoever does not want it any more clears it, and nothing is left to be said.
        table.keys("ctrl-u esc esc esc");
        table.keys(opener);
        assert!(!asked(&table).input.text().contains("half"), "{opener}");
    }
    let mut table = Table::new();
    table.keys("D");
    table.types("Login fails");
    table.keys("esc D");
    let Some(Overlay::Declare(declare)) = table.model.overlays.last() else { panic!("nothing is declared") };
    assert_eq!(declare.title.text(), "Login fails");
}

#[test]
fn a_suggestion_or_a_filter_that_is_left_is_no_text_to_be_kept() {
    let mut table = Table::ready();
    for keys in ["i w esc", "i i esc", "/ p esc", "n esc"] {
        table.keys(keys);
        assert!(!table.model.drafts.any(), "{keys}");
        table.keys("esc");
    }
}

#[test]
fn quitting_says_what_would_be_lost_and_does_it_when_asked_again() {
    let mut table = Table::ready();
    table.keys("N f");
    table.types("the pool");
    assert!(table.keys("esc esc q").is_empty());
    assert!(table.word().contains("would be lost"), "{}", table.word());
    assert_eq!(table.keys("q"), [Effect::Quit]);
    // A drill asks anyhow: it says so there.
    table.model.drill_end = Some(crate::cockpit::model::DrillEnd::Removed);
    assert!(table.keys("q").is_empty());
    let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("nothing is asked") };
    assert!(asked.against.iter().any(|line| line.contains("did not save")), "{:?}", asked.against);
}

#[test]
fn ctrl_c_loses_what_is_half_typed_only_when_pressed_again() {
    let mut table = Table::ready();
    table.keys("N f");
    table.types("the pool");
    assert!(table.keys("ctrl-c").is_empty());
    assert!(table.keys("ctrl-c").is_empty());
    assert!(table.word().contains("would be lost"), "{}", table.word());
    assert_eq!(table.keys("ctrl-c"), [Effect::Quit]);
    // What was taken up again and saved is no reason to ask.
    table.keys("N f enter");
    assert_eq!(table.keys("ctrl-c"), [Effect::Quit]);
}

#[test]
fn ctrl_z_works_wherever_no_command_reads_keys() {
    let mut table = Table::ready();
    for keys in ["", "n", "N f", "D"] {
        let mut opened = Table::ready();
        if !keys.is_empty() {
            opened.keys(keys);
        }
        let open = opened.model.overlays.len();
        assert_eq!(opened.keys("ctrl-z"), [Effect::Suspend], "after `{keys}`");
        assert_eq!(opened.model.overlays.len(), open, "what is open stays");
    }
    table.preview(plan(Some("production"), Reach::Others));
    assert_eq!(table.keys("ctrl-z"), [Effect::Suspend]);
}

#[test]
fn a_menu_is_walked_with_the_arrows_and_enter_takes_the_row() {
    let mut table = Table::ready();
    table.keys("N down enter");
    assert_eq!(asked(&table).purpose, Purpose::Note(NoteKind::Decision));
    table.keys("esc N up enter");
    assert_eq!(asked(&table).purpose, Purpose::Note(NoteKind::Finding), "it stops at the first");
    // A row that cannot be taken says why.
    table.keys("esc s up enter");
    assert_eq!(table.model.overlays.len(), 1);
    assert!(table.word().contains("(P0"), "{}", table.word());
}

#[test]
fn escape_undoes_the_filter_and_then_the_zoom() {
    let mut table = Table::ready();
    for text in ["pool exhausted", "cache is fine"] {
        let record = table.record(Noted { kind: NoteKind::Note, text: text.into() }.into());
        table.send(Msg::Fact(Fact::Records(vec![record])));
    }
    table.keys("z /");
    table.types("pool");
    assert_eq!(table.model.rows(Pane::Timeline), 1, "it filters while it is typed");
    table.keys("enter");
    assert!(table.model.overlays.is_empty() && table.model.rows(Pane::Timeline) == 1);
    table.keys("esc");
    assert!(table.model.rows(Pane::Timeline) == 3 && table.model.zoom);
    table.keys("esc");
    assert!(!table.model.zoom);
    // In the line itself it takes back what was typed.
    table.keys("/");
    table.types("pool");
    table.keys("esc");
    assert_eq!(table.model.rows(Pane::Timeline), 3);
}

#[test]
fn a_filter_says_what_it_hides() {
    let mut table = Table::ready();
    table.keys("/");
    table.types("pool");
    table.keys("enter");
    let alarm = crate::incident::Alarm {
        probe: "errors".into(),
        from: "ok".into(),
        to: "failing".into(),
        why: "38 % (max 5 %)".into(),
    };
    let mut record = table.record(alarm.into());
    record.occurred_at = time(90);
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!((table.model.rows(Pane::Timeline), table.model.hidden_alarms(Pane::Timeline)), (0, 1));
    table.send(Msg::Fact(Fact::Health { probes: vec![Arc::new(probe("errors", Health::Failing))] }));
    table.keys("2 /");
    table.types("nothing");
    assert_eq!((table.model.rows(Pane::Health), table.model.hidden_alarms(Pane::Health)), (0, 1));
}

#[test]
fn a_key_that_means_nothing_says_so() {
    let mut table = Table::ready();
    assert!(table.keys("y").is_empty());
    assert_eq!(table.word(), "y does nothing here; ? shows the keys");
    table.keys("?");
    table.keys("y");
    assert!(table.word().starts_with("y does nothing here"), "{}", table.word());
}

#[test]
fn windows_obey_changed_keys_and_no_others() {
    let changes = [("rollback.refresh", "F"), ("back", "f10"), ("down", "f9"), ("plan.propose", "L")];
    let changes = changes.map(|(action, key)| (action.to_owned(), vec![key.to_owned()]));
    let mut table = Table::ready();
    table.model.keymap = Keymap::with(&changes.into_iter().collect()).unwrap();
    table.keys("?");
    assert_eq!(table.model.overlays.len(), 1);
    table.keys("esc");
    assert_eq!(table.model.overlays.len(), 1, "esc is another key now");
    table.keys("f10");
    assert!(table.model.overlays.is_empty());
    let rules = Severity::all().map(|one| (one, ApprovalRule::of(&crate::incident::Policy::built_in(), one)));
    let gates = vec![Gate::Approvals { rules: rules.collect() }];
    table.preview(Plan { gates, ..plan(Some("production"), Reach::Others) });
    table.shown();
    assert!(table.keys("a").is_empty());
    assert!(table.keys("L").is_empty());
    table.shown();
    assert!(matches!(table.keys("y").as_slice(), [Effect::Append(_)]));
    table.keys("f10");
    table.model.overlays.clear();
    table.keys("N");
    let before = table.model.overlays.len();
    table.keys("j");
    assert_eq!(table.model.overlays.len(), before);
    assert_eq!(table.model.keymap.key(Command::Down), Key::parse("f9"));
    table.keys("f9 enter");
    assert_eq!(asked(&table).purpose, Purpose::Note(NoteKind::Decision));
}

#[test]
fn the_palette_ranks_by_name_and_by_what_was_done_lately() {
    let first = |table: &Table| match table.model.overlays.last() {
        Some(Overlay::Palette(palette)) => {
            let mut found = palette.matches.iter().map(|index| &palette.items[*index].invoke);
            found.find(|invoke| !palette.next.contains(invoke)).map(|invoke| invoke.command)
        }
        other => panic!("no palette: {other:?}"),
    };
    let mut table = Table::ready();
    table.keys(":");
    table.types("note");
    assert_eq!(first(&table), Some(Command::Note), "a name goes before a help text");
    table.keys("esc N p");
    table.types("the disk is odd");
    table.keys("enter :");
    assert_eq!(first(&table), Some(Command::Problem), "what was done last comes first");
    table.keys("esc N f esc esc :");
    assert_eq!(first(&table), Some(Command::Problem), "what was given up was not done");
    // What claims something is never a key away.
    table.keys("esc i x");
    table.shown();
    table.keys("y");
    table.shown();
    table.types("enough");
    table.keys("enter i m");
    table.shown();
    table.keys("y :");
    assert_eq!(first(&table), Some(Command::Problem));
}

#[test]
fn the_palette_begins_with_what_next_says_and_lists_everything_once_by_what_it_does() {
    let mut table = Table::ready();
    table.keys(":");
    let Some(Overlay::Palette(palette)) = table.model.overlays.last() else { panic!() };
    let (next, keys) = &table.model.derived.next[0];
    let first = &palette.items[palette.matches[0]];
    assert_eq!(&first.path, keys, "{}: {next:?}", first.label);
    for (index, item) in palette.items.iter().enumerate() {
        let twice = palette.items[..index]
            .iter()
            .find(|other| other.invoke == item.invoke || other.label == item.label);
        assert!(twice.is_none(), "{} is there twice: {twice:?}", item.label);
    }
    let labels: Vec<&str> = palette.items.iter().map(|item| item.label.as_str()).collect();
    for wanted in
        ["set severity: P1 high", "describe the impact", "note a finding", "deploy hotfix/pool → staging"]
    {
        assert!(labels.contains(&wanted), "{wanted}: {labels:?}");
    }
    // A name that is no longer shown still finds it.
    table.types("severity");
    let Some(Overlay::Palette(palette)) = table.model.overlays.last() else { panic!() };
    assert_eq!(palette.items[palette.matches[0]].invoke.command, Command::Severity);
}

#[test]
fn the_palette_shows_what_cannot_run_in_its_place_and_does_not_take_it() {
    let mut table = Table::ready();
    let head = Head::Branch { name: "main".into(), commit: "4f2c91e0".into() };
    let state = BranchState { hotfix_branches: Vec::new(), head, ..branch() };
    table.send(Msg::Fact(Fact::Branch(Box::new(Ok(state)))));
    table.keys(":");
    table.types("push");
    let Some(Overlay::Palette(palette)) = table.model.overlays.last() else { panic!() };
    let first = &palette.items[palette.matches[0]];
    assert_eq!(first.invoke.command, Command::HotfixPush, "{}", first.label);
    assert!(first.disabled.is_some(), "no hotfix branch to push: {}", first.label);
    assert!(table.keys("enter").is_empty());
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Palette(_))), "it is still open");
    assert!(!table.word().is_empty());
}

#[test]
fn an_entry_says_that_a_key_means_nothing_there_and_still_shows_the_keys() {
    let mut table = Table::ready();
    let record = table.record(Noted { kind: NoteKind::Note, text: "first".into() }.into());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    table.keys("1 up enter");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Entry(_))));
    table.keys("w");
    assert!(table.word().starts_with("w does nothing here"), "{}", table.word());
    table.keys("?");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Help(_))), "what it names works");
}

#[test]
fn a_hint_for_what_to_type_does_not_look_like_a_value() {
    for keys in ["i p", "s 1", "i t o"] {
        let mut table = Table::ready();
        table.keys(keys);
        let hint = asked(&table).placeholder.clone();
        assert!(hint.starts_with("for example "), "{keys}: {hint}");
    }
}

#[test]
fn two_checks_are_both_and_more_are_all() {
    for (count, wanted) in [(2, "both checks"), (3, "all 3 checks")] {
        let mut table = Table::ready();
        let check = serde_json::json!({"name": "unit", "command": ["./check.sh"]});
        table.model.config.config.checks = vec![serde_json::from_value(check).unwrap(); count];
        table.keys("t");
        let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!() };
        assert_eq!(menu.items[0].label, wanted);
    }
}

#[test]
fn that_nothing_waits_for_approval_is_said_once() {
    let mut table = Table::ready();
    table.keys("A");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!() };
    assert_eq!(menu.note, "nothing waits for approval");
    let reasons: Vec<&str> = menu.items.iter().filter_map(|item| item.disabled.as_deref()).collect();
    assert!(!reasons.is_empty() && reasons.iter().all(|why| why.is_empty()), "{reasons:?}");
    table.keys("l");
    assert_eq!(table.word(), "nothing waits for approval");
}

#[test]
fn probes_that_are_bad_come_first_and_those_of_production_before_others() {
    let mut table = Table::ready();
    let of = |name: &str, environment: &str, state| {
        Arc::new(Probe { environment: environment.into(), ..probe(name, state) })
    };
    let probes = vec![
        of("stage", "staging", Health::Ok),
        of("api", "production", Health::Ok),
        of("latency", "production", Health::Warn),
        of("errors", "production", Health::Failing),
    ];
    table.send(Msg::Fact(Fact::Health { probes: probes.clone() }));
    let names = |table: &Table| -> Vec<String> {
        table.model.health_rows().map(|probe| probe.name.clone()).collect()
    };
    assert_eq!(names(&table), ["errors", "latency", "api"], "staging is all good: one line");
    table.keys("2 z");
    assert_eq!(names(&table), ["errors", "latency", "api", "stage"]);
    table.keys("z");
    let mut probes = probes;
    probes[0] = of("stage", "staging", Health::Failing);
    table.send(Msg::Fact(Fact::Health { probes }));
    assert_eq!(names(&table), ["errors", "latency", "api", "stage"]);
}

#[test]
fn production_is_down_where_a_check_says_so_and_degraded_where_only_a_number_is_over() {
    use crate::cockpit::production::Word;
    let of = |state: Health, value: Option<f64>, why: &str| {
        let mut probe = probe("api", state);
        (probe.threshold, probe.range) = (Some(800.0), "max 800".into());
        if let Some(sample) = &mut probe.last {
            (sample.value, sample.why) = (value, why.into());
        }
        Arc::new(probe)
    };
    for (probes, word) in [
        (vec![of(Health::Failing, Some(12.0), "status 503, expected 200")], Word::Down),
        (vec![of(Health::Failing, Some(1500.0), "1500 ms (max 800 ms)")], Word::Degraded),
        (vec![of(Health::Error, None, "no answer")], Word::Down),
        (vec![of(Health::Warn, Some(700.0), "700 ms (warning: max 600 ms)")], Word::Degraded),
        (vec![of(Health::Unknown, None, ""), of(Health::Ok, Some(12.0), "")], Word::Unknown),
        (vec![of(Health::Ok, Some(12.0), "")], Word::Healthy),
        (Vec::new(), Word::Unknown),
    ] {
        let mut table = Table::ready();
        table.send(Msg::Fact(Fact::Health { probes }));
        assert_eq!(table.model.derived.production.as_ref().map(|found| found.word), Some(word));
    }
}

#[test]
fn what_was_never_seen_well_is_down_since_the_fault_began() {
    let since = |first: i64| {
        let mut down = probe("api", Health::Failing);
        (down.since, down.interval_s) = (Some(time(600)), 10.0);
        down.history = [(time(first), None), (time(600), None)].into();
        let mut table = Table::ready();
        table.send(Msg::Fact(Fact::Health { probes: vec![Arc::new(down)] }));
        table.model.derived.production.as_ref().and_then(|found| found.since)
    };
    let began = Table::ready().model.incident().unwrap().started_at;
    assert!(began < time(570));
    assert_eq!(since(570), Some(began), "its first samples say so");
    assert_eq!(since(300), Some(time(600)), "it was seen otherwise before");
}

#[test]
fn a_word_counts_only_the_time_that_production_was_so() {
    use crate::cockpit::production::Word;
    let of = |value: Option<f64>, why: &str| {
        let mut probe = probe("api", Health::Failing);
        (probe.threshold, probe.range, probe.since) = (Some(800.0), "max 800".into(), Some(time(600)));
        probe.began_with = "1500 ms (max 800 ms)".into();
        probe.history = [(time(300), None), (time(600), None)].into();
        if let Some(sample) = &mut probe.last {
            (sample.value, sample.why) = (value, why.into());
        }
        Arc::new(probe)
    };
    let (slow, gone) = (of(Some(1500.0), "1500 ms (max 800 ms)"), of(None, "no answer"));
    let mut table = Table::ready();
    let mut at = |second: i64, probe: &Arc<Probe>| {
        table.send(Msg::Tick(time(second)));
        table.send(Msg::Fact(Fact::Health { probes: vec![Arc::clone(probe)] }));
        table.model.derived.production.as_ref().map(|found| (found.word, found.since))
    };
    assert_eq!(at(700, &slow), Some((Word::Degraded, Some(time(600)))));
    assert_eq!(at(3000, &gone), Some((Word::Down, Some(time(3000)))), "slow is not down");
    assert_eq!(at(3060, &gone), Some((Word::Down, Some(time(3000)))));
    assert_eq!(at(3090, &slow), Some((Word::Degraded, Some(time(3090)))), "and down is not slow");
    // Probes are not asked at the same moment: what is known to have been gone all the time was not slow.
    let mut long = (*gone).clone();
    long.began_with = "no answer".into();
    assert_eq!(at(3095, &Arc::new(long)), Some((Word::Down, Some(time(600)))));
}

#[test]
fn production_that_recovers_has_not_just_begun_to_fail() {
    let of = |name: &str, state: Health, since: i64| {
        Arc::new(Probe {
            since: Some(time(since)),
            history: [(time(300), None)].into(),
            ..probe(name, state)
        })
    };
    let mut table = Table::ready();
    let mut at = |second: i64, probes: [Arc<Probe>; 2]| {
        table.send(Msg::Tick(time(second)));
        table.send(Msg::Fact(Fact::Health { probes: probes.into() }));
        table.model.derived.production.as_ref().and_then(|found| found.since)
    };
    let (api, jobs) = ("api", "jobs");
    let long = [of(api, Health::Failing, 600), of(jobs, Health::Failing, 690)];
    assert_eq!(at(700, long), Some(time(600)));
    let less = [of(api, Health::Ok, 710), of(jobs, Health::Failing, 690)];
    assert_eq!(at(720, less), Some(time(600)), "the other one fails since it was down");
}

#[test]
fn a_pane_that_is_not_drawn_is_shown_before_a_key_acts_on_it() {
    for (columns, rows) in [(40, 12), (78, 40), (160, 23)] {
        let mut table = Table::ready();
        table.send(Msg::Resize(columns, rows));
        assert!(table.model.hides_panes());
        assert!(table.keys("4").is_empty());
        assert!(!table.model.hides_panes() && table.model.focus == Pane::Checklist, "it is shown");
        table.keys("esc");
        assert!(table.model.hides_panes());
        assert!(table.keys("space").is_empty(), "nobody saw what it would tick");
        assert_eq!(table.word(), "this is the checklist: press ␣ again");
        assert!(matches!(table.keys("space").as_slice(), [Effect::Append(_)]));
        table.keys("esc 1");
        assert!(table.model.focus == Pane::Timeline && table.model.overlays.is_empty());
        for key in ["*", "a", "x", "j", "enter", "/"] {
            table.keys("esc");
            assert!(table.keys(key).is_empty() && table.model.overlays.is_empty(), "{key}");
            assert!(!table.model.hides_panes(), "{key}");
        }
    }
}

#[test]
fn the_cursor_stays_on_its_entry_when_a_row_moves() {
    let mut table = Table::ready();
    for text in ["first", "second"] {
        let record = table.record(Noted { kind: NoteKind::Note, text: text.into() }.into());
        table.send(Msg::Fact(Fact::Records(vec![record])));
    }
    table.keys("up");
    let here = |table: &Table| {
        let row = table.model.view(Pane::Timeline).cursor.unwrap();
        table.model.timeline_entry(row).unwrap().text.to_owned()
    };
    let before = here(&table);
    // Something that happened earlier comes in late, and takes a row before it.
    let mut late = table.record(Noted { kind: NoteKind::Note, text: "late".into() }.into());
    late.occurred_at = time(0);
    table.send(Msg::Fact(Fact::Records(vec![late])));
    assert_eq!(here(&table), before);
}

#[test]
fn a_held_enter_answers_no_prompt_that_a_menu_opened() {
    let mut table = Table::ready();
    table.keys("i r");
    for held in 0..5 {
        table.at_ms += 30;
        let press = KeyPress { repeat: held > 0, ..KeyPress::new(Key::parse("enter").unwrap(), table.at_ms) };
        let effects = table.send(Msg::Key(press));
        assert!(effects.is_empty(), "{effects:?}");
    }
    assert_eq!(asked(&table).input.text(), "maya", "it is still asked");
}

#[test]
fn what_is_said_in_a_window_goes_with_it() {
    let mut table = Table::ready();
    table.keys("R r");
    assert_eq!(table.word(), "already looking");
    table.keys("esc");
    assert_eq!(table.word(), "", "it was about the window");
    // What failed is not about a window.
    table.keys("i r");
    (table.model.word, table.model.word_windows) = (Some((table.model.now, "✗ it is gone".into())), 2);
    table.keys("esc esc");
    assert_eq!(table.word(), "✗ it is gone");
}

#[test]
fn a_key_that_is_refused_says_why_and_so_does_the_line_in_its_menu() {
    let menus = "N i d t h A v".split(' ');
    let mut refused = 0;
    for menu in menus {
        let mut table = Table::open();
        table.keys(menu);
        let Some(Overlay::Menu(shown)) = table.model.overlays.pop() else { continue };
        for item in shown.items.iter().filter(|item| item.disabled.is_some()) {
            let (why, Some(key)) = (item.disabled.clone().unwrap(), item.key) else { continue };
            assert!(!why.trim().is_empty() || !shown.note.is_empty(), "{menu} {key}: {}", item.label);
            let mut table = Table::open();
            table.keys(menu);
            assert!(table.key(key).is_empty(), "{menu} {key}");
            assert!(table.word().contains(&why), "{menu} {key}: {}", table.word());
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused} lines");
}

#[test]
fn a_gate_that_is_not_met_says_so_when_its_key_is_pressed() {
    use super::gates::guarded;
    let mut table = Table::ready();
    table.preview(guarded());
    table.shown();
    for key in ["y", "enter"] {
        assert!(table.keys(key).is_empty(), "{key} starts nothing");
        assert_eq!(table.complaint(), "gates are not met: o overrides them, with a reason");
    }
    let Some(Overlay::Preview(preview)) = table.model.overlays.last() else { panic!() };
    let unmet: Vec<&str> = preview.standings.iter().filter(|one| one.blocks()).map(|one| one.id).collect();
    assert_eq!(unmet, ["approvals"], "and the preview names it");
}

#[test]
fn the_key_of_trust_shows_what_is_wrong_with_the_file() {
    let mut table = Table::open();
    let failure = Failure::usage("reading flightdeck.toml", "1 problem: unknown key", "correct the file");
    let broken =
        ConfigState { config: Config::default(), source: ConfigSource::Invalid(failure), found: Vec::new() };
    table.send(Msg::Fact(Fact::Config(Box::new(broken))));
    table.keys("T");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Errors(_))));
    assert!(table.model.failures.iter().any(|(_, one)| one.cause.contains("unknown key")));
    assert_eq!(table.model.unseen, 0);
}

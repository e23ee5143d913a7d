//! Messages in, state and effects out.

mod alarms;
mod clocks;
mod confirm;
mod counts;
mod elsewhere;
mod ending;
mod flags;
mod gates;
mod grade;
mod hotfix;
mod lapsed;
mod live;
mod long;
mod many;
mod marks;
mod message;
mod names;
mod notes;
mod offline;
mod overtaken;
mod own;
mod past;
mod present;
mod prompts;
mod report;
mod rollback;
mod runbooks;
mod severity;
pub(crate) mod situations;
mod start;
mod suspects;
mod timeline;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::super::key::{Code, Key};
use super::super::keymap::Keymap;
use super::super::model::{ConfigSource, ConfigState, Glyphs, Looks, Model, Pane};
use super::super::msg::{Done, Effect, EffectId, Fact, JournalState, KeyPress, Msg};
use super::super::overlay::{DeclareStep, Overlay};
use super::super::update;
use crate::config::types::{Config, Environment};
use crate::failure::Failure;
use crate::health::series::{Sample, State as Health, Status as Probe, Verdict};
use crate::hotfix::state::{BranchState, Head};
use crate::incident::{
    Author, Body, CheckState, Declared, Draft, Hash, Hlc, IncidentId, Log, NoteKind, Noted, Record, RecordId,
    Severity,
};
use crate::plan::{Action, Command as Argv, Plan, Purpose, Reach, Request, Step};

/// A model with a clock of its own for keys, and a journal that commits at once.
pub(super) struct Table {
    pub(super) model: Model,
    at_ms: u64,
    records: u64,
}

impl Table {
    fn new() -> Self {
        let looks = Looks {
            theme: "dark".into(),
            themes: vec!["dark".into(), "light".into()],
            zone: TimeZone::UTC,
            local: TimeZone::UTC,
            guide: true,
            alerts: true,
            glyphs: Glyphs::default(),
        };
        let model = Model::new(time(60), "maya".into(), Keymap::default(), looks);
        Self { model, at_ms: 1000, records: 0 }
    }

    /// With an open incident.
    pub(super) fn open() -> Self {
        let mut table = Self::new();
        let declared = Declared { service: "payments-api".into(), ..Declared::example() };
        let record = table.record(declared.into());
        let log = Log::new(vec![record]).unwrap();
        table.send(Msg::Fact(Fact::Opened(Box::new(log))));
        table
    }

    /// With an open incident, a trusted configuration and a repository on a hotfix branch.
    fn ready() -> Self {
        let mut table = Self::open();
        let environment = |name: &str, protected| Environment {
            smoke: vec!["./smoke.sh".into()],
            protected,
            ..Environment::new(name, vec!["./deploy.sh".into(), "{ref}".into()])
        };
        let environments = vec![environment("staging", false), environment("production", true)];
        let config = Config { environments, ..Config::default() };
        let state = ConfigState { config, source: ConfigSource::Trusted, found: Vec::new() };
        table.send(Msg::Fact(Fact::Config(Box::new(state))));
        table.send(Msg::Fact(Fact::Branch(Box::new(Ok(branch())))));
        table
    }

    fn record(&mut self, body: Body) -> Record {
        self.records += 1;
        let incident = IncidentId(Uuid::from_u128(1));
        let id = RecordId(Uuid::from_u128(100 + u128::from(self.records)));
        let at = Hlc { wall_ms: time(self.records.cast_signed()).as_millisecond(), count: 0 };
        let author = Author { name: "maya".into(), node: 1 };
        Record::seal(id, Draft::now(incident, body), author, at, Hash::default()).unwrap().0
    }

    pub(super) fn send(&mut self, msg: Msg) -> Vec<(EffectId, Effect)> {
        update(&mut self.model, msg)
    }

    /// Types a text as people do, with a moment between the letters; `⏎` is Enter.
    pub(super) fn talks(&mut self, text: &str) -> Vec<Effect> {
        self.at_ms += 1000;
        let mut effects = Vec::new();
        for letter in text.chars() {
            self.at_ms += 90;
            let key = if letter == '⏎' { Key::plain(Code::Enter) } else { Key::char(letter) };
            let press = KeyPress::new(key, self.at_ms);
            effects.extend(self.send(Msg::Key(press)).into_iter().map(|(_, effect)| effect));
        }
        effects
    }

    /// Presses keys, a second apart, and returns what they ask for.
    pub(super) fn keys(&mut self, keys: &str) -> Vec<Effect> {
        keys.split(' ').flat_map(|key| self.key(Key::parse(key).unwrap())).collect()
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        self.at_ms += 1000;
        let press = KeyPress::new(key, self.at_ms);
        self.send(Msg::Key(press)).into_iter().map(|(_, effect)| effect).collect()
    }

    fn types(&mut self, text: &str) -> Vec<Effect> {
        text.chars().flat_map(|c| self.key(Key::char(c))).collect()
    }

    fn shown(&mut self) {
        self.at_ms += 10;
        let at_ms = self.at_ms;
        self.send(Msg::Shown { at_ms, heights: [10; 5], overlay: 10, overlay_top: 0, chart: 0 });
    }

    fn preview(&mut self, plan: Plan) {
        let id = self.model.next_effect;
        self.send(Msg::Done(id, Ok(Done::Prepared(Box::new(plan)))));
    }

    fn complaint(&self) -> &str {
        match self.model.overlays.last() {
            Some(Overlay::Preview(preview)) => &preview.complaint,
            Some(Overlay::Ask(ask)) => &ask.complaint,
            Some(Overlay::Declare(declare)) => &declare.complaint,
            other => panic!("nothing that complains: {other:?}"),
        }
    }

    fn word(&self) -> &str {
        self.model.word.as_ref().map_or("", |(_, word)| word)
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn branch() -> BranchState {
    let head = Head::Branch { name: "hotfix/pool".into(), commit: "4f2c91e0".into() };
    BranchState {
        base: Some("main".into()),
        ahead: 1,
        hotfix_branches: vec!["hotfix/pool".into()],
        ..BranchState::new("/src/payments-api", head)
    }
}

fn plan(confirm: Option<&str>, reach: Reach) -> Plan {
    let command =
        Argv { argv: vec!["./deploy.sh".into()], cwd: "/src".into(), env: Vec::new(), set: BTreeMap::new() };
    let step = Step { reach, ..Step::new("deploy", Action::Command(command), SignedDuration::from_mins(1)) };
    Plan {
        confirm: confirm.map(str::to_owned),
        steps: vec![step],
        ..Plan::new("deploy-1", "deploy", Purpose::Deploy, "production")
    }
}

fn starts(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Start { .. })).count()
}

pub(super) fn probe(name: &str, state: Health) -> Probe {
    let sample = Sample {
        at: time(5),
        verdict: Verdict::Bad,
        value: None,
        headline: "500".into(),
        latency_ms: None,
        why: "500, expected 200".into(),
        ..Sample::default()
    };
    Probe {
        name: name.into(),
        environment: String::new(),
        state,
        since: Some(time(5)),
        began_with: "500, expected 200".into(),
        last: Some(sample),
        unit: String::new(),
        limit: None,
        range: String::new(),
        threshold: None,
        interval_s: 10.0,
        ..Probe::default()
    }
}

#[test]
fn a_note_is_typed_and_appended_and_shows_only_once_it_is_saved() {
    let mut table = Table::open();
    let before = table.model.timeline_len();
    table.keys("N f");
    table.types("pool exhausted");
    let effects = table.keys("enter");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let body = Body::from(Noted { kind: NoteKind::Finding, text: "pool exhausted".into() });
    assert_eq!(drafts[0].body, body);
    assert_eq!(table.model.timeline_len(), before, "nothing shows before it is saved");
    let record = table.record(body);
    let id = *table.model.in_flight.keys().next_back().unwrap();
    table.send(Msg::Done(id, Ok(Done::Appended(vec![record.clone()]))));
    // The same record coming back from the journal as well changes nothing.
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert_eq!(table.model.timeline_len(), before + 1);
    assert!(table.model.in_flight.is_empty());
}

#[test]
fn a_note_that_cannot_be_saved_is_given_back_with_the_reason() {
    let mut table = Table::open();
    table.keys("n");
    table.types("hard won");
    table.keys("enter");
    assert!(table.model.overlays.is_empty());
    let id = *table.model.in_flight.keys().next_back().unwrap();
    table.send(Msg::Done(id, Err(Failure::new("saving", "the disk is full", "make room"))));
    assert_eq!(table.complaint(), "the disk is full");
    assert!(matches!(table.model.overlays.last(), Some(Overlay::Ask(ask)) if ask.input.text() == "hard won"));
    assert_eq!(table.keys("enter").len(), 1, "and can be sent again");
}

#[test]
fn letters_typed_into_a_line_are_never_commands() {
    let mut table = Table::open();
    table.keys("n");
    table.types("quit q d s z");
    assert!(
        matches!(table.model.overlays.last(), Some(Overlay::Ask(ask)) if ask.input.text() == "quit q d s z")
    );
    assert!(!table.model.zoom);
}

#[test]
fn an_empty_note_is_not_saved_and_says_so() {
    let mut table = Table::open();
    assert!(table.keys("n enter").is_empty());
    assert_eq!(table.complaint(), "write something, or press esc to cancel");
}

#[test]
fn ctrl_c_is_never_swallowed() {
    let mut table = Table::open();
    table.keys("n");
    assert!(table.keys("ctrl-c").is_empty());
    assert!(table.model.overlays.is_empty());
    assert_eq!(table.keys("ctrl-c"), [Effect::Quit]);
}

#[test]
fn a_protected_plan_starts_only_when_its_target_is_typed_and_only_once() {
    let mut table = Table::ready();
    table.preview(plan(Some("production"), Reach::Others));
    table.shown();
    assert_eq!(starts(&table.keys("enter")), 0);
    assert_eq!(table.complaint(), "type production to go ahead");
    assert_eq!(starts(&table.types("productio")), 0);
    assert_eq!(starts(&table.keys("y enter")), 0, "productioy");
    assert_eq!(table.complaint(), "type production to go ahead; ctrl-u clears the line");
    table.keys("backspace");
    let effects = [table.types("n"), table.keys("enter enter enter")].concat();
    assert_eq!(starts(&effects), 1);
    assert!(matches!(&effects[0], Effect::Start { confirmed, .. } if confirmed == "typed production"));
}

#[test]
fn keys_from_before_the_question_never_confirm() {
    let mut table = Table::ready();
    table.preview(plan(None, Reach::Others));
    // Read before the first frame that shows the question.
    assert_eq!(starts(&table.keys("y")), 0);
    table.shown();
    assert_eq!(starts(&table.keys("y")), 1);
}

#[test]
fn text_typed_ahead_does_not_fill_in_the_confirmation() {
    let mut table = Table::ready();
    table.preview(plan(Some("production"), Reach::Others));
    table.types("production");
    table.shown();
    assert_eq!(starts(&table.keys("enter")), 0);
}

#[test]
fn repeated_and_pasted_keys_never_confirm() {
    let mut table = Table::ready();
    table.preview(plan(None, Reach::Others));
    table.shown();
    let held = KeyPress { repeat: true, ..KeyPress::new(Key::char('y'), table.at_ms + 50) };
    assert!(table.send(Msg::Key(held)).is_empty());
    // Without the terminal's help a held key comes as quick presses of the same key.
    let quick = KeyPress::new(held.key, held.at_ms + 30);
    assert!(table.send(Msg::Key(quick)).is_empty());
    assert!(table.complaint().contains("press it once more"), "{}", table.complaint());
    assert!(table.send(Msg::Paste("y\nproduction\n".into())).is_empty());
    assert!(table.complaint().contains("pasted"));
}

#[test]
fn enter_never_starts_what_others_see() {
    let mut table = Table::ready();
    table.preview(plan(None, Reach::Others));
    table.shown();
    assert_eq!(starts(&table.keys("enter")), 0);
    assert_eq!(table.complaint(), "press y to go ahead");
    let mut table = Table::ready();
    table.preview(plan(None, Reach::Here));
    table.shown();
    assert_eq!(starts(&table.keys("enter")), 1);
}

#[test]
fn a_plan_that_could_not_be_started_stays_and_must_be_confirmed_anew() {
    let mut table = Table::ready();
    table.preview(plan(None, Reach::Others));
    table.shown();
    table.keys("y");
    let id = *table.model.in_flight.keys().next_back().unwrap();
    table.send(Msg::Done(id, Err(Failure::new("starting", "held by omar", "wait"))));
    assert_eq!(table.complaint(), "held by omar");
    assert_eq!(table.model.unseen, 1);
    assert_eq!(starts(&table.keys("y")), 0, "not before it was shown again");
    table.shown();
    assert_eq!(starts(&table.keys("y")), 1);
}

#[test]
fn the_deploy_menu_names_what_it_would_do_and_says_why_not() {
    let mut table = Table::ready();
    table.keys("d");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!() };
    let rows: Vec<(String, &str)> =
        menu.items.iter().map(|item| (item.key.unwrap().to_string(), item.label.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("s".to_owned(), "hotfix/pool → staging"),
            ("p".to_owned(), "hotfix/pool → production · ✗ 3 gates not met"),
            ("S".to_owned(), "smoke-test staging"),
            ("P".to_owned(), "smoke-test production"),
            ("w".to_owned(), "watch production for 30m"),
        ]
    );
    let effects = table.keys("p");
    let request = Request::Deploy { environment: "production".into(), reference: None };
    assert_eq!(effects, [Effect::Prepare(request)]);

    let untrusted = ConfigSource::Untrusted { hash: "00".into(), would_run: Vec::new() };
    table.model.config.source = untrusted;
    assert!(table.keys("d s").is_empty());
    assert!(table.word().contains("not trusted yet (T)"), "{}", table.word());
}

#[test]
fn the_deploy_menu_names_the_way_of_each_environment() {
    let mut table = Table::ready();
    let environments = &mut table.model.config.config.environments;
    let canary = "weights = [5, 25, 100]\nset = [\"x\", \"{weight}\"]";
    environments[0].canary = Some(toml::from_str(canary).unwrap());
    let sides = "live = [\"l\"]\ndeploy = [\"d\"]\nswitch = [\"s\"]";
    environments[1].blue_green = Some(toml::from_str(sides).unwrap());
    table.keys("d");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!() };
    let labels: Vec<&str> = menu.items.iter().take(2).map(|item| item.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "hotfix/pool → staging, canary 5 → 25 → 100 %",
            "hotfix/pool → production, blue-green · ✗ 3 gates not met"
        ]
    );
}

#[test]
fn what_is_next_names_the_keys_that_do_it() {
    let table = Table::ready();
    let staging = table.model.derived.next.iter().find(|(next, _)| next.action == "deploy");
    let keys: Vec<&str> = table.model.derived.next.iter().map(|(_, keys)| keys.as_str()).collect();
    assert!(!keys.is_empty() && keys.iter().all(|keys| !keys.is_empty()), "{:?}", table.model.derived.next);
    if let Some((_, keys)) = staging {
        assert_eq!(keys, "d s");
    }
}

#[test]
fn the_palette_finds_by_any_word_and_runs_what_it_shows() {
    let mut table = Table::ready();
    table.keys(":");
    table.types("production");
    let Some(Overlay::Palette(palette)) = table.model.overlays.last() else { panic!() };
    let first = &palette.items[palette.matches[0]];
    assert_eq!((first.label.as_str(), first.path.as_str()), ("deploy hotfix/pool → production", "d p"));
    let effects = table.keys("enter");
    assert!(
        matches!(&effects[..], [Effect::Prepare(Request::Deploy { environment, .. })] if environment == "production")
    );
}

#[test]
fn nothing_is_written_into_a_journal_that_can_only_be_read() {
    let mut table = Table::open();
    table.send(Msg::Fact(Fact::Journal(JournalState::ReadOnly("the file system is read-only".into()))));
    assert!(table.keys("n").is_empty());
    assert!(table.word().contains("the file system is read-only"), "{}", table.word());
    table.model.overlays.clear();
    table.model.focus = Pane::Checklist;
    assert!(table.keys("space").is_empty());
}

#[test]
fn an_item_is_ticked_failed_with_a_note_and_opened_again() {
    let mut table = Table::open();
    table.keys("4");
    let effects = table.keys("space");
    assert!(matches!(&effects[..], [Effect::Append(drafts)]
        if matches!(&drafts[0].body, Body::Ticked(tick) if tick.state == CheckState::Passed)));
    table.keys("j x");
    assert!(table.keys("enter").is_empty(), "a failure needs a word");
    table.types("refund 502");
    let effects = table.keys("enter");
    let [Effect::Append(drafts)] = &effects[..] else { panic!("{effects:?}") };
    let failed = drafts[0].body.clone();
    assert!(matches!(&failed, Body::Ticked(tick)
        if tick.state == CheckState::Failed && tick.note == "refund 502"));
    // What somebody found broken is not wiped away by one key.
    let record = table.record(failed);
    table.send(Msg::Fact(Fact::Records(vec![record])));
    assert!(table.keys("space").is_empty());
    let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("no question") };
    assert!(asked.title.ends_with("failed. Reopen it?") && asked.body.contains("refund 502"), "{asked:?}");
    table.shown();
    let effects = table.keys("y");
    assert!(matches!(&effects[..], [Effect::Append(drafts)]
        if matches!(&drafts[0].body, Body::Ticked(tick) if tick.state == CheckState::Open)));
}

#[test]
fn the_timeline_follows_its_end_until_it_is_scrolled_and_again_at_the_end() {
    let mut table = Table::open();
    let records: Vec<Record> = (0..30)
        .map(|n| table.record(Noted { kind: NoteKind::Note, text: format!("note {n}") }.into()))
        .collect();
    table.shown();
    table.send(Msg::Fact(Fact::Records(records)));
    let rows = table.model.timeline_len();
    assert_eq!(table.model.view(Pane::Timeline).top, rows - 10);
    table.keys("k k");
    assert_eq!(table.model.view(Pane::Timeline).cursor, Some(rows - 3));
    let more = table.record(Noted { kind: NoteKind::Note, text: "more".into() }.into());
    table.send(Msg::Fact(Fact::Records(vec![more])));
    assert_eq!(
        table.model.view(Pane::Timeline).cursor,
        Some(rows - 3),
        "what comes does not move the cursor"
    );
    table.keys("G");
    assert_eq!(table.model.view(Pane::Timeline).cursor, None);
    table.keys("/");
    table.types("NOTE 7");
    table.keys("enter");
    assert_eq!(table.model.timeline_len(), 1);
    assert_eq!(table.model.timeline_entry(0).unwrap().text, "note 7");
}

#[test]
fn declaring_walks_the_tree_and_a_p2_is_told_that_it_needs_no_hotfix() {
    let mut table = Table::new();
    table.keys("D");
    assert!(table.keys("enter").is_empty());
    assert_eq!(table.complaint(), "say in one line what is broken");
    table.types("typo in the footer");
    table.keys("enter n n");
    assert!(
        matches!(table.model.overlays.last(), Some(Overlay::Declare(d)) if d.step == DeclareStep::Backlog)
    );
    let effects = table.keys("c");
    assert!(matches!(&effects[..], [Effect::Copy(text)] if text.contains("typo in the footer")));
    assert!(table.model.overlays.is_empty());

    table.keys("D");
    table.types("nobody can pay");
    table.keys("enter y");
    table.types("25:99");
    table.keys("enter");
    assert!(table.complaint().starts_with("write 14:02"), "{}", table.complaint());
    table.keys("ctrl-u");
    table.types("-5m");
    table.keys("enter");
    table.types("everybody");
    let effects = table.keys("enter");
    let [Effect::Declare { started_at, declared }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(*started_at, Some(table.model.now - SignedDuration::from_mins(5)));
    assert_eq!((declared.severity, declared.impact.as_str()), (Severity::P0, "everybody"));
    assert!(declared.answers[0].yes);
}

#[test]
fn every_failure_is_kept_and_counted_until_it_is_looked_at() {
    let mut table = Table::open();
    for n in 0..Model::MAX_FAILURES + 3 {
        table.send(Msg::Fact(Fact::Failed(Failure::new("doing", n, ""))));
    }
    assert_eq!(table.model.failures.len(), Model::MAX_FAILURES);
    assert_eq!(table.model.failures.back().unwrap().1.cause, (Model::MAX_FAILURES + 2).to_string());
    table.keys("e");
    assert_eq!(table.model.unseen, 0);
}

#[test]
fn a_clock_set_back_never_runs_the_screen_backwards() {
    let mut table = Table::open();
    table.send(Msg::Tick(time(500)));
    table.send(Msg::Tick(time(500) - SignedDuration::from_hours(24)));
    assert_eq!(table.model.now, time(500));
}

mod plans;

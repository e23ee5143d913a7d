//! Every question of the cockpit: what confirms it, and what takes that back.

use super::gates::guarded;
use super::plans::two;
use super::*;
use crate::cockpit::confirm::{Cancel, MOMENT_MS};
use crate::cockpit::model::DrillEnd;
use crate::incident::{ReportSaved, SeverityChanged, StepStarted};
use crate::plan::proposal;

/// A question that waits for one key.
struct Question {
    name: &'static str,
    open: fn() -> Table,
    key: &'static str,
    /// Whether `n` and `q` leave it; in a line of text they are letters.
    letters: bool,
}

fn previewed(plan: Plan) -> Table {
    let mut table = Table::ready();
    table.preview(plan);
    table.shown();
    table
}

/// Typed into whatever these keys open.
fn asked(mut table: Table, keys: &str, text: &str) -> Table {
    table.keys(keys);
    table.shown();
    table.types(text);
    table
}

/// Says that it is over all the same, and why.
fn over(mut table: Table) -> Table {
    table.keys("y");
    table.shown();
    table.types("the rest is a follow-up");
    table
}

pub(super) fn up_for_approval() -> Table {
    let mut table = Table::ready();
    table.told(proposal::propose(&guarded()).unwrap());
    table.model.me = "omar".into();
    table.keys("A l");
    table.shown();
    table
}

pub(super) fn running() -> Table {
    let mut table = Table::ready();
    table.started(&two("staging", None));
    table.told(StepStarted {
        plan: "deploy-1".into(),
        step: 0,
        run: "deploy-1.0".into(),
        process: None,
        undo: false,
    });
    table
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "a plan, by enter",
        open: || previewed(plan(None, Reach::Here)),
        key: "enter",
        letters: true,
    },
    Question { name: "a plan, by y", open: || previewed(plan(None, Reach::Others)), key: "y", letters: true },
    Question {
        name: "a plan, by its target",
        open: || {
            let mut table = previewed(plan(Some("production"), Reach::Others));
            table.types("production");
            table
        },
        key: "enter",
        letters: false,
    },
    Question {
        name: "overridden gates",
        open: || {
            let mut table = previewed(guarded());
            table.keys("tab");
            table.types("omar agreed");
            table.keys("enter");
            table.types("production");
            table
        },
        key: "enter",
        letters: false,
    },
    Question {
        name: "asking for approval",
        open: || {
            let mut table = Table::ready();
            table.told(SeverityChanged {
                severity: Severity::P1,
                reason: "less".into(),
                answers: Vec::new(),
            });
            table.preview(guarded());
            table.shown();
            asked(table, "a", "")
        },
        key: "y",
        letters: true,
    },
    Question { name: "an approval", open: up_for_approval, key: "y", letters: true },
    Question {
        name: "a verbal approval",
        open: || asked(up_for_approval(), "v", "li on the call"),
        key: "enter",
        letters: false,
    },
    Question {
        name: "a rejection",
        open: || asked(up_for_approval(), "x", "not yet"),
        key: "enter",
        letters: false,
    },
    Question {
        name: "carrying a step out again",
        open: || asked(Table::waiting(None), "o r", ""),
        key: "y",
        letters: true,
    },
    Question {
        name: "undoing",
        open: || asked(Table::waiting(Some("staging")), "o u", "staging"),
        key: "enter",
        letters: false,
    },
    Question { name: "a stop", open: || asked(running(), "o x", ""), key: "y", letters: true },
    Question {
        name: "taking a target over",
        open: || asked(running(), "o t", "its machine is gone"),
        key: "enter",
        letters: false,
    },
    Question {
        name: "trust",
        open: || {
            let mut table = Table::open();
            table.model.config.source = ConfigSource::Untrusted { hash: "00".into(), would_run: Vec::new() };
            table.keys("T");
            table.shown();
            table
        },
        key: "y",
        letters: true,
    },
    Question {
        name: "writing flightdeck.toml",
        open: || {
            let mut table = Table::new();
            let id = table.model.next_effect;
            table.send(Msg::Done(id, Ok(Done::Draft("/srv/flightdeck.toml".into(), "[service]\n".into()))));
            table.shown();
            table
        },
        key: "y",
        letters: true,
    },
    Question {
        name: "declaring",
        open: || {
            let mut table = Table::new();
            table.keys("D");
            table.types("nobody can pay");
            table.keys("enter y enter");
            table.types("everybody");
            table
        },
        key: "enter",
        letters: false,
    },
    Question {
        name: "a severity",
        open: || asked(Table::open(), "s 1", "half of them"),
        key: "enter",
        letters: false,
    },
    Question {
        name: "a failed item",
        open: || asked(Table::open(), "4 x", "502"),
        key: "enter",
        letters: false,
    },
    Question {
        name: "resolving by the menu",
        open: || over(asked(Table::open(), "i x", "")),
        key: "enter",
        letters: false,
    },
    Question {
        name: "resolving by the palette",
        open: || {
            let mut table = asked(Table::open(), ":", "resolve");
            table.keys("enter");
            table.shown();
            over(table)
        },
        key: "enter",
        letters: false,
    },
    Question {
        name: "that users are served",
        open: || asked(Table::open(), "i m", ""),
        key: "y",
        letters: true,
    },
    Question { name: "a phase", open: || asked(Table::open(), "i h v", ""), key: "y", letters: true },
];

/// Presses the key that confirms, after a moment of its own.
fn press(table: &mut Table, question: &Question, beside: Cancel, waited_ms: u64) -> Vec<Effect> {
    table.at_ms += 1000;
    let press = KeyPress::new(Key::parse(question.key).unwrap(), table.at_ms);
    let press = KeyPress { taken_ms: press.at_ms + waited_ms, beside, ..press };
    table.send(Msg::Key(press)).into_iter().map(|(_, effect)| effect).collect()
}

/// Whether something is asked for that changes the record or the world.
pub(super) fn acts(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| {
        matches!(
            effect,
            Effect::Append(_)
                | Effect::Start { .. }
                | Effect::Decide { .. }
                | Effect::TakeOver { .. }
                | Effect::Trust { .. }
                | Effect::Init { .. }
                | Effect::Declare { .. }
        )
    })
}

#[test]
fn every_question_is_confirmed_by_its_key() {
    for question in QUESTIONS {
        let mut table = (question.open)();
        let effects = press(&mut table, question, Cancel::Nothing, MOMENT_MS);
        assert!(acts(&effects), "{}: {effects:?} {:?}", question.name, table.model.overlays.last());
    }
}

#[test]
fn what_is_read_together_with_a_cancel_confirms_nothing_and_says_so() {
    for question in QUESTIONS {
        for (cancel, cancels) in [(Cancel::Anything, true), (Cancel::Question, question.letters)] {
            let mut table = (question.open)();
            let open = table.model.overlays.len();
            let effects = press(&mut table, question, cancel, 0);
            assert_eq!(acts(&effects), !cancels, "{}: {cancel:?}", question.name);
            if cancels {
                assert!(effects.is_empty(), "{}: {effects:?}", question.name);
                assert_eq!(table.model.overlays.len(), open, "{}: it stays open", question.name);
                assert!(table.word().starts_with("not confirmed"), "{}", question.name);
                let effects = press(&mut table, question, Cancel::Nothing, 0);
                assert!(acts(&effects), "{}: and can be confirmed", question.name);
            }
        }
    }
}

#[test]
fn what_had_to_wait_for_its_turn_confirms_nothing_and_says_so() {
    for question in QUESTIONS {
        let mut table = (question.open)();
        let effects = press(&mut table, question, Cancel::Nothing, MOMENT_MS + 1);
        assert!(effects.is_empty(), "{}: {effects:?}", question.name);
        assert!(table.word().contains("the screen lagged"), "{}", question.name);
        assert!(acts(&press(&mut table, question, Cancel::Nothing, 0)), "{}", question.name);
    }
}

#[test]
fn a_letter_with_a_modifier_is_another_key_and_confirms_nothing() {
    for question in QUESTIONS.iter().filter(|question| question.key.len() == 1) {
        for modifier in ["ctrl-", "alt-", "ctrl-alt-"] {
            let mut table = (question.open)();
            let key = Key::parse(&format!("{modifier}{}", question.key)).unwrap();
            table.at_ms += 1000;
            let press = KeyPress { beside: Cancel::of(key), ..KeyPress::new(key, table.at_ms) };
            let effects = table.send(Msg::Key(press));
            assert!(effects.is_empty(), "{}: {modifier}: {effects:?}", question.name);
            assert!(table.word().starts_with("not confirmed"), "{}: {modifier}", question.name);
            assert!(acts(&press_alone(&mut table, question)), "{}: the key alone does", question.name);
        }
    }
}

#[test]
fn what_comes_amid_other_text_as_if_pasted_starts_nothing() {
    for question in QUESTIONS {
        let mut table = (question.open)();
        let asks = matches!(
            table.model.overlays.last(),
            Some(
                Overlay::Confirm(_)
                    | Overlay::Trust(_)
                    | Overlay::Draft(_)
                    | Overlay::Preview(_)
                    | Overlay::Decide(_)
            )
        );
        table.at_ms += 1000;
        let press = KeyPress::new(Key::parse(question.key).unwrap(), table.at_ms);
        let effects: Vec<Effect> = table
            .send(Msg::Key(KeyPress { amid: true, ..press }))
            .into_iter()
            .map(|(_, effect)| effect)
            .collect();
        assert_eq!(acts(&effects), !asks, "{}", question.name);
        if asks {
            assert!(table.word().contains("as if pasted"), "{}: {}", question.name, table.word());
            assert!(acts(&press_alone(&mut table, question)), "{}", question.name);
        }
    }
}

#[test]
fn a_letter_of_a_word_that_is_typed_or_pasted_slowly_confirms_nothing() {
    for question in QUESTIONS.iter().filter(|question| question.key == "y") {
        // As a fast typist types, and as a slow line pastes.
        for gap in [3, 50, 120, 240] {
            let mut table = (question.open)();
            for key in ["J", "y"] {
                table.at_ms += gap;
                let press = KeyPress::new(Key::parse(key).unwrap(), table.at_ms);
                let effects: Vec<_> =
                    table.send(Msg::Key(press)).into_iter().map(|(_, effect)| effect).collect();
                assert!(!acts(&effects), "{}: {key} after {gap} ms: {effects:?}", question.name);
            }
            assert!(!acts(&press_alone(&mut table, question)), "{}: behind another letter", question.name);
        }
    }
}

#[test]
fn a_word_that_is_typed_at_a_question_never_answers_it_however_slowly() {
    for question in QUESTIONS.iter().filter(|question| question.key == "y") {
        // The letters of some mean something in other windows.
        for word in ["okay", "joy", "ax y", "okay yes", "lazy", "everybody"] {
            let mut table = (question.open)();
            for letter in word.chars() {
                // One key of a word, with all the time that anybody takes.
                table.at_ms += 3000;
                let press = KeyPress::new(Key::char(letter), table.at_ms);
                let effects: Vec<_> =
                    table.send(Msg::Key(press)).into_iter().map(|(_, effect)| effect).collect();
                assert!(!acts(&effects), "{}: {word}: {letter}: {effects:?}", question.name);
                table.shown();
            }
        }
        let mut table = (question.open)();
        for letter in ["e", "y"] {
            table.at_ms += 3000;
            table.send(Msg::Key(KeyPress::new(Key::parse(letter).unwrap(), table.at_ms)));
        }
        // What was said of it ends with the question.
        assert!(table.word().contains("once more, or esc"), "{}: {}", question.name, table.word());
        assert!(acts(&press_alone(&mut table, question)), "{}: pressed once more", question.name);
        let mut table = (question.open)();
        table.keys("e y esc");
        assert!(!table.word().contains("once more"), "{}: {}", question.name, table.word());
        assert!(acts(&press_alone(&mut (question.open)(), question)), "{}: asked again", question.name);
    }
}

/// The terminal becomes so large, and is drawn.
fn resized(table: &mut Table, columns: u16, rows: u16) {
    table.send(Msg::Resize(columns, rows));
    table.at_ms += 10;
    let overlay = if table.model.is_tiny() { 0 } else { 10 };
    let at_ms = table.at_ms;
    table.send(Msg::Shown { at_ms, heights: [10; 5], overlay, overlay_top: 0, chart: 0 });
}

#[test]
fn a_question_that_is_not_drawn_is_not_answered_and_is_a_new_one_when_it_is_drawn_again() {
    for question in QUESTIONS {
        let mut table = (question.open)();
        let (open, size) = (table.model.overlays.len(), table.model.size);
        resized(&mut table, 20, 4);
        for _ in 0..2 {
            assert_eq!(press_alone(&mut table, question), [], "{}: in the dark", question.name);
        }
        assert_eq!(table.keys("q n esc tab up x"), [], "{}", question.name);
        table.send(Msg::Paste("staging".into()));
        assert_eq!(table.model.overlays.len(), open, "{}: it stays as it is", question.name);
        let guarded = super::super::confirm::is_question(&table.model);
        if guarded {
            table.send(Msg::Resize(size.0, size.1));
            assert_eq!(press_alone(&mut table, question), [], "{}: before a frame", question.name);
        }
        resized(&mut table, size.0, size.1);
        if guarded {
            table.at_ms += 300;
            let quick = KeyPress::new(Key::parse(question.key).unwrap(), table.at_ms);
            assert!(table.send(Msg::Key(quick)).is_empty(), "{}: too soon", question.name);
        }
        assert!(acts(&press_alone(&mut table, question)), "{}: once it is read", question.name);
    }
}

#[test]
fn in_a_terminal_that_is_too_small_keys_leave_and_do_nothing_else() {
    let mut table = Table::ready();
    resized(&mut table, 39, 12);
    assert!(table.keys("d s n D T j ? : enter").is_empty() && table.model.overlays.is_empty());
    assert_eq!(table.keys("q"), [Effect::Quit]);
    assert_eq!(table.keys("ctrl-z"), [Effect::Suspend]);
    resized(&mut table, 40, 12);
    table.keys("n x");
    resized(&mut table, 40, 11);
    assert!(table.keys("q").is_empty() && table.model.overlays.len() == 1, "it may be a letter");
    assert!(table.keys("ctrl-c").is_empty() && table.model.overlays.is_empty());
    table.keys("ctrl-c");
    assert_eq!(table.keys("ctrl-c"), [Effect::Quit]);
}

/// Presses keys with so many milliseconds between them.
fn streams(table: &mut Table, text: &str, gap: u64) -> Vec<Effect> {
    let mut effects = Vec::new();
    for letter in text.chars() {
        table.at_ms += gap;
        let key = if letter == '⏎' { Key::plain(Code::Enter) } else { Key::char(letter) };
        let press = KeyPress::new(key, table.at_ms);
        effects.extend(table.send(Msg::Key(press)).into_iter().map(|(_, effect)| effect));
    }
    effects
}

#[test]
fn enter_right_behind_a_name_confirms_it_only_when_it_is_pressed_again() {
    let words = [("a plan, by its target", "production"), ("undoing", "staging")];
    for (name, word) in words.into_iter().chain([("overridden gates", "production")]) {
        let question = QUESTIONS.iter().find(|question| question.name == name).unwrap();
        for gap in [1, 30, 120, 240] {
            let mut table = (question.open)();
            table.keys("ctrl-u");
            table.at_ms += 1000;
            let effects = streams(&mut table, &format!("{word}⏎"), gap);
            assert!(effects.is_empty(), "{name}, {gap} ms: {effects:?}");
            assert!(acts(&press_alone(&mut table, question)), "{name}, {gap} ms: a press later");
        }
    }
}

#[test]
fn letters_right_behind_the_key_that_opened_a_question_are_not_the_name_that_it_asks_for() {
    let typed = |table: &Table| match table.model.overlays.last() {
        Some(Overlay::Preview(preview)) => preview.typed.text().to_owned(),
        other => panic!("{other:?}"),
    };
    for gap in [1, 30, 60, 200] {
        let mut table = Table::ready();
        streams(&mut table, "d", 1000);
        streams(&mut table, "p", gap);
        table.preview(plan(Some("production"), Reach::Others));
        table.shown();
        assert!(streams(&mut table, "production⏎", gap).is_empty());
        assert_eq!(typed(&table), "", "{gap}");
        assert!(table.complaint().contains("type"), "{}", table.complaint());
        table.at_ms += 1000;
        streams(&mut table, "production", gap);
        assert_eq!(typed(&table), "production", "{gap}: after a pause");
        let effects = table.keys("enter");
        assert!(acts(&effects), "{effects:?}");
    }
}

fn press_alone(table: &mut Table, question: &Question) -> Vec<Effect> {
    press(table, question, Cancel::Nothing, 0)
}

#[test]
fn a_note_is_kept_whatever_comes_with_it() {
    for (beside, waited) in [(Cancel::Anything, 0), (Cancel::Nothing, 60_000)] {
        let mut table = asked(Table::open(), "n", "pool exhausted");
        let note = Question { name: "a note", open: Table::open, key: "enter", letters: false };
        assert!(acts(&press(&mut table, &note, beside, waited)));
    }
}

#[test]
fn nothing_is_trusted_that_was_not_on_the_screen() {
    let mut table = Table::open();
    let untrusted = |hash: &str| {
        let source = ConfigSource::Untrusted { hash: hash.into(), would_run: Vec::new() };
        let config = ConfigState { config: Config::default(), source, found: Vec::new() };
        Msg::Fact(Fact::Config(Box::new(config)))
    };
    table.send(untrusted("00"));
    assert!(table.keys("T y").is_empty(), "typed ahead");
    assert!(table.word().contains("press it once more"), "{}", table.word());
    table.shown();
    table.send(untrusted("11"));
    assert!(table.keys("y").is_empty(), "another content than the one that was shown");
    table.shown();
    assert!(table.keys("y").is_empty(), "it was meant for what stood there before");
    assert!(table.word().contains("changed while this was open"), "{}", table.word());
    table.shown();
    // What is told of the same file again, as after a switch of the branch, is no change of it.
    table.send(untrusted("11"));
    assert_eq!(table.keys("y"), [Effect::Trust { hash: "11".into() }]);
}

#[test]
fn keys_cancel_what_they_cancel() {
    let of = |name: &str| Cancel::of(Key::parse(name).unwrap());
    for name in ["esc", "ctrl-c", "alt-j", "alt-y"] {
        assert_eq!(of(name), Cancel::Anything, "{name}");
    }
    for name in ["n", "q"] {
        assert_eq!(of(name), Cancel::Question, "{name}");
    }
    for name in ["y", "enter", "ctrl-n", "ctrl-q", "N", "j"] {
        assert_eq!(of(name), Cancel::Nothing, "{name}");
    }
}

#[test]
fn a_drill_that_ends_with_the_cockpit_is_not_left_by_one_key() {
    for (end, wanted) in [
        (DrillEnd::Removed, "Its repository and services are removed."),
        (DrillEnd::Kept, "Its services end; its directory stays."),
    ] {
        let mut table = Table::open();
        table.model.drill_end = Some(end);
        let quits = |effects: &[Effect]| effects.contains(&Effect::Quit);
        assert!(!quits(&table.keys("q")));
        let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("it asks") };
        assert_eq!((asked.title.as_str(), asked.body.as_str()), ("Leave the drill?", wanted));
        table.shown();
        assert!(!quits(&table.keys("esc")) && table.model.overlays.is_empty());
        assert!(!quits(&table.keys("q y")), "a key from before the question is no answer");
        table.shown();
        assert!(quits(&table.keys("y")));
    }
    // Ctrl-C asks nothing.
    let mut table = Table::open();
    table.model.drill_end = Some(DrillEnd::Removed);
    assert_eq!(table.keys("ctrl-c"), [Effect::Quit]);
}

#[test]
fn the_report_says_itself_where_it_went() {
    let mut table = Table::open();
    table.keys("i R");
    let said = |table: &Table| match table.model.overlays.last() {
        Some(Overlay::Report(view)) => view.said.clone(),
        other => panic!("{other:?}"),
    };
    for (key, word) in
        [("s", "saved to /state/reports/INC.md"), ("c", "copied 132 lines"), ("e", "exported to /x")]
    {
        assert_eq!(table.keys(key).len(), 1);
        let id = *table.model.in_flight.keys().next_back().unwrap();
        assert_eq!(said(&table), "", "what was said of the last one is over");
        table.send(Msg::Done(id, Ok(Done::Said(word.into()))));
        assert_eq!(said(&table), word);
        assert_eq!(table.model.word, None);
    }
    // What was saved is on record, under its name alone; where nothing can be recorded it is there all the same.
    let path = || std::path::PathBuf::from("/state/reports/INC.md");
    for read_only in [None, Some("the disk is full".to_owned())] {
        table.model.read_only = read_only;
        let effects = table.keys("s");
        let [Effect::Save { incident, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        let id = *table.model.in_flight.keys().next_back().unwrap();
        let effects = table.send(Msg::Done(id, Ok(Done::Saved { incident: *incident, path: path() })));
        assert_eq!(said(&table), "saved to /state/reports/INC.md");
        let saved = effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Append(drafts) => Some(&drafts[0].body),
            _ => None,
        });
        let saved: Vec<&Body> = saved.collect();
        match table.model.read_only.take() {
            None => assert_eq!(saved, [&Body::from(ReportSaved { file: "INC.md".into() })]),
            Some(_) => assert!(saved.is_empty(), "{saved:?}"),
        }
    }
    table.keys("s");
    let id = *table.model.in_flight.keys().next_back().unwrap();
    table.send(Msg::Done(id, Err(Failure::new("saving", "the disk is full", "make room"))));
    assert_eq!(said(&table), "✗ the disk is full");
    // In a drill that is about to go, its files are, too.
    table.model.drill_end = Some(DrillEnd::Removed);
    table.keys("s");
    let id = *table.model.in_flight.keys().next_back().unwrap();
    table.send(Msg::Done(id, Ok(Done::Said("saved to /x".into()))));
    assert_eq!(said(&table), "saved to /x; it is removed with the drill");
}

//! The output of a run: keys and facts in, state and effects out.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::*;
use crate::cockpit::history::testing::read;
use crate::cockpit::model::{Glyphs, Looks, Pane};
use crate::cockpit::msg::{Fact, Msg};
use crate::cockpit::{Keymap, update};
use crate::incident::{
    Author, Body, Declared, Draft, Hash, Hlc, IncidentId, Log, Outcome, PipelineSeen, PlanStarted, Record,
    RecordId, RemoteState, StepEnded, StepStarted, StopAsked,
};

const RUN: &str = "deploy-1.0";

/// A cockpit with a run, and the log of that run.
struct Bench {
    model: Model,
    output: Vec<u8>,
    at_ms: u64,
    records: u64,
    /// Whether what is asked for is answered at once.
    answers: bool,
    waiting: Vec<(EffectId, Effect)>,
    /// Everything that was asked for.
    asked: Vec<Effect>,
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

impl Bench {
    /// With the output of the run open, of so many lines, in a window of ten.
    fn open(lines: usize) -> Self {
        let looks = Looks {
            theme: "dark".into(),
            themes: vec!["dark".into()],
            zone: jiff::tz::TimeZone::UTC,
            local: jiff::tz::TimeZone::UTC,
            guide: false,
            alerts: false,
            glyphs: Glyphs::default(),
        };
        let model = Model::new(time(60), "maya".into(), Keymap::default(), looks);
        let output = (0..lines).flat_map(|n| format!("line {n}\r\n").into_bytes()).collect();
        let (waiting, asked) = (Vec::new(), Vec::new());
        let mut bench = Self { model, output, at_ms: 1000, records: 0, answers: true, waiting, asked };
        let declared = Declared::example();
        let record = bench.record(declared);
        bench.send(Msg::Fact(Fact::Opened(Box::new(Log::new(vec![record]).unwrap()))));
        let plan = PlanStarted {
            plan: "deploy-1".into(),
            title: "deploy".into(),
            purpose: "deploy".into(),
            target: "staging".into(),
            hash: String::new(),
            steps: vec!["deploy".into()],
            spec: crate::incident::Spec::default(),
            confirmed: "enter".into(),
        };
        bench.happens(plan);
        let started =
            StepStarted { plan: "deploy-1".into(), step: 0, run: RUN.into(), process: None, undo: false };
        bench.happens(started);
        bench.model.focus = Pane::Runs;
        bench.keys("enter");
        let (follow, run) = bench.model.following.clone().unwrap();
        let bytes = bench.output.clone();
        bench.send(Msg::Fact(Fact::Output { follow, run, bytes }));
        bench.shown();
        bench
    }

    fn record(&mut self, body: impl Into<Body>) -> Record {
        self.records += 1;
        let id = RecordId(Uuid::from_u128(100 + u128::from(self.records)));
        let at = Hlc { wall_ms: time(self.records.cast_signed()).as_millisecond(), count: 0 };
        let author = Author { name: "maya".into(), node: 1 };
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), body);
        Record::seal(id, draft, author, at, Hash::default()).unwrap().0
    }

    fn happens(&mut self, body: impl Into<Body>) {
        let record = self.record(body);
        self.send(Msg::Fact(Fact::Records(vec![record])));
    }

    fn ends(&mut self) {
        let ended = StepEnded {
            plan: "deploy-1".into(),
            step: 0,
            run: RUN.into(),
            outcome: Outcome::Exited { code: 0 },
            summary: String::new(),
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        self.happens(ended);
    }

    fn send(&mut self, msg: Msg) {
        for (id, effect) in update(&mut self.model, msg) {
            self.asked.push(effect.clone());
            self.waiting.push((id, effect));
        }
        if self.answers {
            self.answer();
        }
    }

    /// Answers what was asked for.
    fn answer(&mut self) {
        for (id, effect) in std::mem::take(&mut self.waiting) {
            let done = match effect {
                Effect::ReadLog { run, want } => Done::Read(Box::new(read(&run, &self.output, 40, &want))),
                _ => Done::Quietly,
            };
            self.send(Msg::Done(id, Ok(done)));
        }
    }

    fn keys(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.at_ms += 1000;
            let press = KeyPress::new(Key::parse(key).unwrap(), self.at_ms);
            self.send(Msg::Key(press));
        }
    }

    fn find(&mut self, text: &str) {
        self.keys("/ ctrl-u");
        self.send(Msg::Paste(text.into()));
        self.keys("enter");
    }

    fn shown(&mut self) {
        self.send(Msg::Shown { at_ms: self.at_ms, heights: [10; 5], overlay: 10, overlay_top: 0, chart: 0 });
    }

    fn view(&self) -> &RunView {
        self.model.run_view().unwrap()
    }

    /// The line at the top, as text.
    fn top(&self) -> &str {
        let top = self.view().top.expect("it was scrolled back");
        self.view().history.line(top).map_or("", |line| &line.text)
    }

    fn typed(&self) -> Vec<u8> {
        let sent = self.asked.iter().filter_map(|effect| match effect {
            Effect::SendInput { run, typed } if run == RUN => Some(typed.bytes()),
            _ => None,
        });
        sent.flatten().copied().collect()
    }

    fn copied(&self) -> Vec<&str> {
        self.asked
            .iter()
            .filter_map(|e| if let Effect::Copy(text) = e { Some(&**text) } else { None })
            .collect()
    }
}

#[test]
fn every_line_can_be_gone_back_to_and_the_end_is_followed_again() {
    let mut bench = Bench::open(1000);
    assert_eq!(bench.view().top, None);
    bench.keys("k");
    assert_eq!(bench.top(), "line 989");
    bench.keys("k pageup");
    assert_eq!(bench.top(), "line 979");
    bench.keys("g");
    assert_eq!(bench.top(), "line 0");
    bench.keys("k");
    assert_eq!(bench.top(), "line 0");
    for n in 1..=110 {
        bench.keys("pagedown");
        match bench.view().top {
            Some(_) => assert_eq!(bench.top(), format!("line {}", n * 9)),
            None => assert!(n * 9 >= 990, "{n}"),
        }
    }
    assert_eq!(bench.view().top, None, "at the end it follows");
    assert!(bench.model.in_flight.is_empty());
}

#[test]
fn keys_pressed_while_the_log_is_read_are_not_lost() {
    let mut bench = Bench::open(1000);
    bench.answers = false;
    bench.keys("k pageup pageup");
    assert_eq!(bench.view().top, None);
    let reads = |b: &Bench| b.waiting.iter().filter(|(_, e)| matches!(e, Effect::ReadLog { .. })).count();
    assert_eq!(reads(&bench), 1, "it is asked for once");
    bench.answers = true;
    bench.answer();
    assert_eq!(bench.top(), "line 971");
}

#[test]
fn nothing_else_is_copied_while_the_lines_to_select_are_being_read() {
    let mut bench = Bench::open(1000);
    bench.answers = false;
    bench.keys("v j y");
    assert!(bench.copied().is_empty());
    bench.answers = true;
    bench.answer();
    bench.keys("k y");
    assert_eq!(bench.copied(), ["line 998\nline 999"]);
}

#[test]
fn a_log_that_fits_on_the_screen_is_not_scrolled() {
    let mut bench = Bench::open(5);
    bench.keys("k g pageup");
    assert_eq!(bench.view().top, None);
}

#[test]
fn what_comes_meanwhile_moves_nothing_and_is_counted() {
    let mut bench = Bench::open(500);
    bench.keys("k k k");
    let top = bench.top().to_owned();
    bench.output.extend((500..700).flat_map(|n| format!("line {n}\r\n").into_bytes()));
    bench.send(Msg::Tick(time(70)));
    assert_eq!(bench.top(), top);
    assert_eq!(bench.view().history.len(), 700);
    // Of what comes in the end nothing is missed either.
    bench.output.extend(b"the last words\r\n");
    bench.ends();
    assert_eq!(bench.view().history.len(), 701);
    let before = bench.asked.len();
    bench.send(Msg::Tick(time(80)));
    assert_eq!(bench.asked.len(), before, "a log that is complete is not read again");
}

#[test]
fn few_lines_are_kept_however_long_the_log() {
    let mut bench = Bench::open(2000);
    bench.keys("g");
    for _ in 0..100 {
        bench.keys("pagedown");
    }
    let history = &bench.view().history;
    let kept = (0..history.len()).filter(|line| history.line(*line).is_some()).count();
    assert!(kept <= 400, "{kept}");
    assert_eq!(bench.top(), format!("line {}", 100 * 9));
}

#[test]
fn a_search_goes_from_match_to_match_and_round() {
    let mut bench = Bench::open(1000);
    bench.find("line 77");
    // 77 and 770 to 779; nearest to the end first.
    let search = |b: &Bench| {
        let search = b.view().search.clone().unwrap();
        (search.current + 1, search.matches.len())
    };
    assert_eq!(search(&bench), (11, 11));
    let shown = |b: &Bench, n: usize| {
        let (view, top) = (b.view(), b.view().top.unwrap());
        (top..top + 10).any(|line| view.history.line(line).is_some_and(|l| l.text == format!("line {n}")))
    };
    assert!(shown(&bench, 779));
    bench.keys("N");
    assert_eq!(search(&bench), (10, 11));
    bench.keys("n n");
    assert_eq!(search(&bench), (1, 11));
    assert!(shown(&bench, 77));
    bench.find("no such line");
    assert_eq!(bench.view().search.clone().unwrap().matches, []);
    bench.keys("n N");
    bench.keys("esc");
    assert!(bench.view().search.is_none());
    bench.keys("esc");
    assert!(bench.model.run_view().is_none());
}

#[test]
fn what_was_printed_after_the_search_is_found_as_well() {
    let mut bench = Bench::open(300);
    bench.find("line 299");
    bench.output.extend(b"and again line 299\r\n");
    bench.send(Msg::Tick(time(70)));
    bench.keys("n");
    let search = bench.view().search.clone().unwrap();
    assert_eq!((search.current, search.matches.len()), (1, 2));
}

#[test]
fn a_search_can_be_broken_off() {
    let mut bench = Bench::open(300);
    bench.answers = false;
    bench.find("line 2");
    bench.keys("esc");
    assert!(bench.view().search.is_none());
    // What was found after all changes nothing, and the rest is not asked for.
    bench.answers = true;
    let before = bench.asked.len();
    bench.answer();
    assert!(bench.view().search.is_none() && bench.view().top.is_none());
    assert_eq!(bench.asked.len(), before);
}

#[test]
fn the_page_and_selected_lines_are_copied() {
    let mut bench = Bench::open(200);
    bench.keys("y");
    assert_eq!(bench.copied()[0].lines().count(), 10);
    assert!(bench.copied()[0].starts_with("line 190\n"), "{:?}", bench.copied());
    bench.keys("g y");
    assert!(bench.copied()[1].starts_with("line 0\n") && bench.copied()[1].ends_with("line 9"));
    bench.keys("G v k k y");
    assert_eq!(bench.copied()[2], "line 197\nline 198\nline 199");
    assert!(bench.view().selection.is_none());
    // Over more pages than are kept.
    bench.keys("v g y");
    assert_eq!(bench.copied()[3].lines().count(), 200);
    bench.keys("v esc");
    assert!(bench.view().selection.is_none() && bench.model.run_view().is_some());
}

#[test]
fn an_answer_reaches_the_command_as_it_was_typed_and_is_kept_nowhere() {
    let mut bench = Bench::open(3);
    bench.keys("i");
    assert_eq!(bench.view().input, Input::Open);
    bench.keys("q x i / space enter ctrl-c up esc");
    bench.send(Msg::Paste("a\nb".into()));
    assert_eq!(bench.typed(), b"qxi/ \r\x03\x1b[A\x1ba\rb");
    assert_eq!(bench.model.last_key, None);
    assert!(!format!("{:?}", bench.asked).contains("[113"), "not even for those who debug");
    bench.keys("ctrl-]");
    assert_eq!(bench.view().input, Input::No);
    bench.keys("ctrl-c");
    assert!(bench.model.overlays.is_empty(), "and closes the view as ever");
    // Terminals that cannot tell ctrl-] send it as this.
    bench.keys("enter i ctrl-5");
    assert_eq!(bench.view().input, Input::No);
}

#[test]
fn whoever_answers_sees_what_the_command_says_now() {
    let mut bench = Bench::open(200);
    bench.keys("g i");
    assert_eq!(bench.view().top, None);
    bench.send(Msg::Mouse(crate::cockpit::msg::Mouse {
        kind: crate::cockpit::msg::MouseKind::ScrollUp,
        pane: None,
        row: None,
    }));
    assert!(bench.view().top.is_some());
    bench.keys("a");
    assert_eq!(bench.view().top, None);
}

#[test]
fn keys_for_a_command_that_does_not_take_them_are_commands_for_nobody() {
    let mut bench = Bench::open(3);
    bench.answers = false;
    bench.keys("i");
    let (id, effect) = bench.waiting.pop().unwrap();
    assert!(
        matches!(effect, Effect::SendInput { typed, .. } if typed.bytes().is_empty()),
        "it is asked first"
    );
    bench.send(Msg::Done(id, Err(Failure::new("sending keys", "it runs on another machine", ""))));
    assert_eq!(bench.view().input, Input::Over("it runs on another machine".into()));
    bench.keys("q n n x y enter");
    bench.send(Msg::Paste("secret".into()));
    assert_eq!(bench.model.overlays.len(), 1);
    assert!(bench.waiting.iter().all(|(_, effect)| !matches!(effect, Effect::SendInput { .. })));
    assert_eq!(bench.model.unseen, 0, "it is told where it is looked for");
    bench.keys("esc");
    assert_eq!(bench.view().input, Input::No);
}

#[test]
fn a_run_that_has_ended_takes_no_answer_and_says_so() {
    let mut bench = Bench::open(3);
    bench.keys("i");
    bench.ends();
    assert!(matches!(bench.view().input, Input::Over(_)));
    bench.keys("esc i");
    assert_eq!(bench.view().input, Input::No);
    let word = bench.model.word.as_ref().unwrap();
    assert!(word.1.contains("it has ended"), "{word:?}");
}

#[test]
fn a_stop_is_asked_for_first_and_the_second_one_kills() {
    let mut bench = Bench::open(3);
    bench.keys("x");
    assert!(
        matches!(bench.model.overlays.last(), Some(Overlay::Confirm(confirm)) if confirm.yes == "stop it")
    );
    bench.shown();
    bench.keys("y");
    let stop = |kill| Body::from(StopAsked { run: RUN.into(), kill });
    let asked = |b: &Bench| match b.asked.iter().rev().find(|e| matches!(e, Effect::Append(_))) {
        Some(Effect::Append(drafts)) => drafts[0].body.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&bench), stop(false));
    bench.happens(StopAsked { run: RUN.into(), kill: false });
    bench.keys("x");
    assert!(
        matches!(bench.model.overlays.last(), Some(Overlay::Confirm(confirm)) if confirm.yes == "kill it")
    );
    bench.shown();
    bench.keys("y");
    assert_eq!(asked(&bench), stop(true));
}

#[test]
fn whoever_stops_again_what_its_host_has_not_heard_of_is_told_so() {
    let mut bench = Bench::open(3);
    let seen = |note: &str| PipelineSeen {
        plan: "deploy-1".into(),
        step: 0,
        run: RUN.into(),
        id: "9001".into(),
        name: "deploy.yml #42".into(),
        url: String::new(),
        commit: String::new(),
        attempt: 1,
        state: RemoteState::Running,
        asks: false,
        note: note.into(),
        ids: Vec::new(),
    };
    bench.happens(StopAsked { run: RUN.into(), kill: false });
    for (note, yes, said) in [
        ("", "force-cancel it", "was told to cancel already"),
        (
            "could not be told to cancel: it answers 502",
            "cancel it again",
            "could not be told to cancel: it answers 502. ",
        ),
    ] {
        bench.happens(seen(note));
        bench.keys("x");
        let Some(Overlay::Confirm(confirm)) = bench.model.overlays.pop() else { panic!("{note}") };
        assert!(confirm.yes == yes && confirm.body.contains(said), "{confirm:?}");
    }
}

#[test]
fn a_question_is_noticed_once_nothing_came_for_a_while() {
    let mut bench = Bench::open(3);
    let (follow, run) = bench.model.following.clone().unwrap();
    bench.send(Msg::Fact(Fact::Output { follow, run, bytes: b"Continue? [y/N] ".to_vec() }));
    assert!(!bench.model.seems_to_ask(RUN));
    let later = bench.model.now + SignedDuration::from_secs(3);
    bench.send(Msg::Tick(later));
    assert!(bench.model.seems_to_ask(RUN) && !bench.model.seems_to_ask("another"));
    bench.ends();
    assert!(!bench.model.seems_to_ask(RUN));
}

#[test]
fn a_log_that_is_not_here_says_why_and_one_that_is_not_there_yet_is_waited_for() {
    let mut bench = Bench::open(3);
    bench.keys("esc");
    bench.answers = false;
    bench.waiting.clear();
    bench.keys("enter");
    let fail = |bench: &mut Bench| {
        let at = bench.waiting.iter().rposition(|(_, e)| matches!(e, Effect::ReadLog { .. })).unwrap();
        let (id, _) = bench.waiting.remove(at);
        bench.send(Msg::Done(id, Err(Failure::new("reading the log", "it is not there", "elsewhere"))));
    };
    fail(&mut bench);
    assert_eq!(bench.model.unseen, 0, "a run that has just begun has none yet");
    bench.send(Msg::Tick(time(70)));
    fail(&mut bench);
    bench.ends();
    fail(&mut bench);
    assert_eq!(bench.view().problem.as_ref().unwrap().cause, "it is not there");
    bench.answers = true;
    bench.keys("k");
    assert!(bench.view().problem.is_none());
}

#[test]
fn a_closed_view_lets_go_of_its_log() {
    let mut bench = Bench::open(300);
    bench.keys("g q");
    let closed = Effect::ReadLog { run: RUN.into(), want: Want::Nothing };
    assert_eq!(bench.asked.iter().filter(|effect| **effect == closed).count(), 1);
    assert!(bench.model.in_flight.is_empty());
}

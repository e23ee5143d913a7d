//! The output of a run, drawn.

use jiff::SignedDuration;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;

use super::testing::*;
use super::theme::{Role, Theme};
use crate::cockpit::history::testing::read;
use crate::cockpit::msg::{Done, EffectId, KeyPress};
use crate::cockpit::{Effect, Fact, Key, Model, Msg, Pane, update};
use crate::failure::Failure;

/// A deploy with colours, a progress bar, a long line and something that could deceive.
fn output() -> Vec<u8> {
    let mut output = b"$ ./deploy.sh hotfix/pool-limit staging\r\n".to_vec();
    for n in 0..300 {
        output.extend(format!("\x1b[3{}mstep {n}\x1b[0m of 300 \x1b[1mdone\x1b[0m\r\n", n % 8).bytes());
    }
    for percent in (0..=100).step_by(5) {
        let bar = "█".repeat(percent / 5);
        output.extend(format!("\r\x1b[K\x1b[32m{bar:<20}\x1b[0m {percent} % pushed").bytes());
    }
    output.extend("\r\nlayer a\u{202E}b\u{200B} of payments-api ⚠\u{FE0F} 世界\r\n".bytes());
    output.extend(format!("{} the end of a long line", "word ".repeat(18)).bytes());
    output
}

/// The run view and the log behind it.
struct Desk {
    model: Model,
    output: Vec<u8>,
    at_ms: u64,
}

impl Desk {
    /// The output of the first run that goes on, open.
    fn open(output: Vec<u8>) -> Self {
        let mut desk = Self { model: incident(), output, at_ms: 0 };
        desk.model.focus = Pane::Runs;
        desk.model.output = None;
        desk.press("enter");
        let (follow, run) = desk.model.following.clone().expect("the run is followed");
        let bytes = desk.output.clone();
        desk.send(Msg::Fact(Fact::Output { follow, run, bytes }));
        desk
    }

    fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.model, msg);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<(EffectId, Effect)>) {
        for (id, effect) in effects {
            let done = match effect {
                Effect::ReadLog { run, want } => Done::Read(Box::new(read(&run, &self.output, 100, &want))),
                _ => Done::Quietly,
            };
            self.send(Msg::Done(id, Ok(done)));
        }
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ') {
            self.at_ms += 1000;
            let press = KeyPress::new(Key::parse(key).unwrap(), self.at_ms);
            self.send(Msg::Key(press));
        }
        self
    }

    fn types(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.press(&Key::char(c).to_string().replace('␣', "space"));
        }
        self
    }

    fn find(&mut self, text: &str) -> &mut Self {
        self.press("/").types(text).press("enter")
    }

    /// Draws as the program does: once to learn the heights, then with them.
    fn frame(&mut self, width: u16, height: u16) -> Buffer {
        self.send(Msg::Resize(width, height));
        let (_, regions) = frame(&self.model, &Theme::default(), width, height);
        let (heights, overlay, overlay_top) = (regions.heights, regions.overlay, regions.overlay_top);
        self.send(Msg::Shown { at_ms: 0, heights, overlay, overlay_top, chart: 0 });
        let now = self.model.now;
        self.send(Msg::Tick(now));
        frame(&self.model, &Theme::default(), width, height).0
    }

    fn see(&mut self, width: u16, height: u16) -> String {
        text(&self.frame(width, height))
    }
}

/// The view in every state that looks different.
pub(super) fn scenes() -> Vec<(&'static str, Model)> {
    desks().into_iter().map(|(name, desk)| (name, desk.model)).collect()
}

fn desks() -> Vec<(&'static str, Desk)> {
    let scene = |keys: &str| {
        let mut desk = Desk::open(output());
        let _ = desk.see(120, 36);
        if !keys.is_empty() {
            desk.press(keys);
        }
        desk
    };
    let mut asks = Desk::open(b"pushing\r\n[sudo] password for maya: ".to_vec());
    let later = asks.model.now + SignedDuration::from_secs(4);
    asks.send(Msg::Tick(later));
    let mut missing = Desk { model: incident(), output: Vec::new(), at_ms: 0 };
    missing.model.focus = Pane::Runs;
    missing.press("j");
    for (id, effect) in update(&mut missing.model, enter()) {
        if matches!(effect, Effect::ReadLog { .. }) {
            let failure = Failure::new("reading the log in /srv", "it is not there", "it was made elsewhere");
            let _ = update(&mut missing.model, Msg::Done(id, Err(failure)));
        }
    }
    let mut found = Desk::open(output());
    let _ = found.see(120, 36);
    found.find("step 2").press("n n");
    let mut over = Desk::open(output());
    let key = Msg::Key(KeyPress::new(Key::char('i'), 1));
    let effects = update(&mut over.model, key);
    let id = effects.iter().find(|(_, effect)| matches!(effect, Effect::SendInput { .. })).unwrap().0;
    let _ = update(&mut over.model, Msg::Done(id, Err(Failure::new("sending", "nobody reads them", ""))));
    vec![
        ("run", scene("")),
        ("run-back", scene("pageup k k")),
        ("run-top", scene("g")),
        ("run-select", scene("k k v k k k")),
        ("run-answer", scene("i")),
        ("run-asks", asks),
        ("run-found", found),
        ("run-missing", missing),
        ("run-over", over),
    ]
}

fn enter() -> Msg {
    Msg::Key(KeyPress::new(Key::parse("enter").unwrap(), 5000))
}

#[test]
fn the_end_is_followed_and_all_of_the_log_is_there_above_it() {
    let mut desk = Desk::open(output());
    for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
        let seen = desk.press("G").see(width, height);
        assert!(seen.contains("following"), "{seen}");
        assert!(seen.contains("100 % pushed") && !seen.contains("95 % pushed"), "a bar is one line:\n{seen}");
        assert!(seen.contains("layer a<U+202E>b<U+200B> of"), "{seen}");
        let seen = desk.press("g").see(width, height);
        assert!(seen.contains("$ ./deploy.sh") && seen.contains("step 0 of 300"), "{seen}");
        assert!(seen.contains("lines below"), "{seen}");
        let mut met = std::collections::BTreeSet::new();
        for _ in 0..70 {
            let seen = desk.see(width, height);
            met.extend((0..300).filter(|n| seen.contains(&format!("step {n} of"))));
            desk.press("pagedown");
        }
        assert_eq!(met.len(), 300, "paging down leaves no line out");
        assert!(desk.see(width, height).contains("following"));
    }
}

#[test]
fn what_a_narrow_window_cuts_off_is_reached_sideways() {
    let mut desk = Desk::open(output());
    assert!(!desk.see(40, 12).contains("the end of a long line"));
    let mut seen = String::new();
    for _ in 0..5 {
        seen += &desk.press("l").see(40, 12);
    }
    assert!(seen.contains("of a long line") && seen.contains("from column"), "{seen}");
    let back = desk.press("left left left left left").see(40, 12);
    assert!(!back.contains("from column"), "{back}");
}

#[test]
fn what_was_found_stands_out_and_says_which_of_how_many_it_is() {
    let mut desk = Desk::open(output());
    let _ = desk.see(120, 36);
    let seen = desk.find("step 29").see(120, 36);
    assert!(seen.contains("“step 29”") && seen.contains("11 of 11"), "{seen}");
    let seen = desk.press("n").see(120, 36);
    assert!(seen.contains("1 of 11") && seen.contains("step 29 of 300"), "{seen}");
    let buf = desk.frame(120, 36);
    let row = text(&buf).lines().position(|line| line.contains("step 29 of")).unwrap();
    let cells = &buf.content[row * 120..(row + 1) * 120];
    let marked: String =
        cells.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED)).map(Cell::symbol).collect();
    assert_eq!(marked, "step 29");
    let seen = desk.find("no such thing").see(120, 36);
    assert!(seen.contains("not found"), "{seen}");
}

#[test]
fn where_keys_go_is_plain_to_see() {
    let theme = Theme::default();
    for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
        let mut desk = Desk::open(b"[sudo] password for maya: ".to_vec());
        let seen = desk.press("i").see(width, height);
        assert!(seen.contains("ANSWERING") && seen.contains("ctrl-] leaves"), "{seen}");
        let (buf, regions) = frame(&desk.model, &theme, width, height);
        // Below the header, which is never covered.
        let top = (0..height).find(|y| buf[(0, *y)].symbol() == "╭").expect("a frame");
        assert!(top > 0 && text(&buf).lines().next().unwrap().contains("P0"), "{seen}");
        assert_eq!(buf[(0, top)].fg, theme.of(Role::Warn).fg.unwrap(), "the frame has another colour");
        let cursor = regions.cursor.expect("the cursor of the command is shown");
        assert_eq!((cursor.x, cursor.y), (2 + 26, top + 3));
        let seen = desk.press("s e c r e t").see(width, height);
        assert!(!seen.contains("secret"), "nothing typed is echoed: {seen}");
        let seen = desk.press("ctrl-]").see(width, height);
        assert!(!seen.contains("ANSWERING"), "{seen}");
    }
}

#[test]
fn a_command_that_seems_to_ask_is_pointed_out_and_no_other() {
    let seen = |output: &[u8], seconds: i64| {
        let mut desk = Desk::open(output.to_vec());
        let later = desk.model.now + SignedDuration::from_secs(seconds);
        desk.send(Msg::Tick(later));
        let view = desk.see(120, 36).contains("waits for an answer?");
        desk.press("esc");
        desk.model.zoom = true;
        let pane = desk.see(120, 36).contains("waits for an answer? [⏎ i]");
        assert_eq!(view, pane);
        view
    };
    assert!(seen(b"pushing\r\nPassword: ", 4));
    assert!(!seen(b"pushing\r\nPassword: ", 1), "not while it may still be printing");
    assert!(!seen(b"pushing\r\nlayer 3", 60));
    assert!(!seen(b"Password: \r\nthanks\r\n", 60));
}

#[test]
fn colours_are_kept_in_what_is_scrolled_back_to() {
    let mut desk = Desk::open(output());
    let _ = desk.press("g").see(120, 36);
    let buf = desk.frame(120, 36);
    let row = text(&buf).lines().position(|line| line.contains("step 2 of")).unwrap();
    let cell = &buf.content[row * 120 + 2];
    assert_eq!((cell.symbol(), cell.fg), ("s", ratatui::style::Color::Green));
}

#[test]
fn the_run_view_looks_as_it_should() {
    for (name, mut desk) in desks() {
        for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
            let few = height < 45 || name == "run";
            if few && (height == 24 || matches!(name, "run" | "run-back" | "run-answer" | "run-found")) {
                insta::assert_snapshot!(format!("{name}_{width}x{height}"), desk.see(width, height));
            }
        }
    }
}

#[test]
fn the_jobs_of_a_pipeline_stand_above_what_they_print_what_needs_somebody_first() {
    use crate::deploy::pipeline::{Job, JobStep};
    use crate::incident::RemoteState::{Failed, Queued, Running, Succeeded};
    let job = |number: usize, name: &str, state| Job {
        id: number.to_string(),
        name: name.to_owned(),
        stage: String::new(),
        state,
        started: (state != Queued).then(|| now() - SignedDuration::from_secs(90)),
        ended: (state == Succeeded || state == Failed).then(|| now() - SignedDuration::from_secs(20)),
        may_fail: false,
        steps: vec![JobStep { name: "Run ./deploy.sh".into(), state }],
    };
    let mut desk = Desk::open(b"pushing image\r\n".to_vec());
    let (follow, run) = desk.model.following.clone().unwrap();
    let few =
        vec![job(1, "build", Succeeded), job(2, "deploy (eu-west-1)", Running), job(3, "smoke", Queued)];
    desk.send(Msg::Fact(Fact::Jobs { follow, run: run.clone(), jobs: few }));
    let drawn = desk.frame(100, 24);
    insta::assert_snapshot!(text(&drawn));
    // The smallest screen has room for them while nobody reads what they print.
    let small = text(&desk.frame(40, 12));
    for wanted in ["✓ build", "▶ deploy (eu-west-1)", "○ smoke", "pushing image"] {
        assert!(small.contains(wanted), "{wanted} in\n{small}");
    }
    let many: Vec<Job> =
        (0..1000).map(|number| job(number, &format!("test ({number})"), Succeeded)).collect();
    let many = many.into_iter().chain([job(1000, "migrate", Failed), job(1001, "deploy", Running)]).collect();
    desk.send(Msg::Fact(Fact::Jobs { follow, run, jobs: many }));
    let drawn = text(&desk.frame(100, 24));
    let at = |wanted: &str| drawn.lines().position(|line| line.contains(wanted));
    assert!(at("✗ migrate").unwrap() < at("▶ deploy").unwrap(), "{drawn}");
    assert!(drawn.contains("1002 jobs: 1 failed, 1 running, 1000 done"), "{drawn}");
    assert!(drawn.contains("pushing image"), "there is room for what they print\n{drawn}");
    let small = text(&desk.frame(40, 12));
    assert!(small.contains("✗ migrate") && small.contains("1002 jobs: 1 failed"), "{small}");
}

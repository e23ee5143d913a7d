//! What windows and messages leave of the screen behind them.

use ratatui::buffer::Buffer;

use super::testing::*;
use super::tests::{plan, scenes, with};
use super::theme::{Role, Theme};
use crate::cockpit::overlay::{MessageView, Overlay, Preview, RunbookView, Scroll};
use crate::cockpit::page::PageEdit;
use crate::failure::Failure;
use crate::incident::MessageKind;
use crate::plan::gates::{Met, Standing};
use crate::report::runbook::Page;

/// Every scene with a window, at the sizes that people have, and whether it opens below the header.
fn windows() -> impl Iterator<Item = (String, bool, Buffer)> {
    scenes().into_iter().filter(|(_, model)| !model.overlays.is_empty()).flat_map(|(name, mut model)| {
        let upper =
            !matches!(model.overlays.last(), Some(Overlay::Ask(_) | Overlay::Menu(_) | Overlay::Run(_)));
        [(160, 45), (120, 36), (80, 24), (40, 12)].map(move |(width, height)| {
            (format!("{name} {width}×{height}"), upper, settled(&mut model, &Theme::default(), width, height))
        })
    })
}

#[test]
fn nothing_of_the_panes_is_seen_beside_a_window() {
    let ground = Theme::default().of(Role::Overlay).bg;
    let screen = Theme::default().of(Role::Screen).bg;
    assert_ne!(ground, screen);
    for (name, _, buf) in windows() {
        for row in buf.content.chunks(usize::from(buf.area.width)) {
            if row.iter().any(|cell| Some(cell.bg) == ground) {
                let ends = [row.first(), row.last()].map(|cell| cell.map(|cell| cell.bg));
                assert_eq!(ends, [ground, ground], "{name}:\n{}", text(&buf));
            }
        }
    }
}

#[test]
fn no_part_of_a_covered_pane_is_seen_below_a_window() {
    for (name, _, buf) in windows().filter(|(_, upper, _)| *upper) {
        let shown = text(&buf);
        let below = shown.lines().skip_while(|line| !line.starts_with("╰─")).skip(1);
        let first = below.map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        assert!(first.is_empty() || first.starts_with('╭'), "{name}:\n{shown}");
    }
}

#[test]
fn what_the_program_says_is_read_whole_and_leaves_the_keys_where_they_are() {
    let said = "the program cannot be stopped here: this was not started from a shell with job control: nothing to go back to";
    for (width, height) in [(160, 45), (120, 36), (80, 24)] {
        let mut model = incident();
        let keys = |shown: &str| shown.lines().nth(usize::from(height) - 1).unwrap_or_default().to_owned();
        let before = keys(&text(&settled(&mut model, &Theme::default(), width, height)));
        model.word = Some((now(), said.to_owned()));
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        let words: Vec<&str> = shown.split_whitespace().collect();
        assert!(words.join(" ").contains(said), "{width}×{height}:\n{shown}");
        assert_eq!(keys(&shown), before, "{width}×{height}");
    }
}

#[test]
fn what_is_said_over_a_window_is_read_whole_and_leaves_what_is_asked_in_sight() {
    let said = "not recorded: the key came before the question could be read. Press it again to answer";
    let whole = |shown: &str| shown.split_whitespace().collect::<Vec<_>>().join(" ").contains(said);
    for (name, mut model) in scenes().into_iter().filter(|(_, model)| !model.overlays.is_empty()) {
        for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
            model.word = None;
            let quiet = settled(&mut model, &Theme::default(), width, height);
            let asked = frame(&model, &Theme::default(), width, height).1.overlay;
            model.word = Some((now(), said.to_owned()));
            let shown = text(&settled(&mut model, &Theme::default(), width, height));
            assert!(whole(&shown), "{name} {width}×{height}:\n{shown}");
            let left = frame(&model, &Theme::default(), width, height).1.overlay;
            assert_eq!(left > 0, asked > 0, "{name} {width}×{height}:\n{shown}\n{}", text(&quiet));
        }
    }
}

#[test]
fn one_gate_alone_is_told_on_one_line() {
    let standing = |id, why: &str| Standing {
        id,
        title: "way back",
        met: Met::Yes,
        why: why.to_owned(),
        may_pass_over: false,
    };
    let shown = |standings| {
        let overlay = Overlay::Preview(Box::new(Preview { standings, ..Preview::new(plan(1)) }));
        text(&frame(&with(overlay), &Theme::default(), 120, 36).0)
    };
    let back = standing("rollback", "redeploy v1.4.1: proven ready");
    let alone = shown(vec![back.clone()]);
    assert_eq!(alone.matches("✓ rollback").count(), 1, "{alone}");
    assert!(alone.contains("✓ rollback  redeploy v1.4.1: proven ready"), "{alone}");
    let both = shown(vec![standing("checks", "3 passed"), back]);
    assert!(both.contains("gates  ✓ checks   ✓ rollback"), "{both}");
}

#[test]
fn a_runbook_that_is_meant_to_break_the_screen_is_drawn_at_every_size() {
    for markdown in [
        ">".repeat(1 << 12),
        "- ".repeat(1 << 12),
        "[".repeat(1 << 12),
        "```sh\n".repeat(1 << 12),
        format!("{}\n{}\n{}\n", "|a".repeat(1 << 15), "|-".repeat(1 << 15), "|世".repeat(1 << 15)),
        format!(
            "# \u{1b}]52;c;eA==\u{7}\u{202e}\n\n```sh reaches=\u{1b}[2J\n{}\n```\n",
            "\u{200b}x".repeat(1 << 12)
        ),
        "18446744073709551615. a\n2. b\n".to_owned(),
    ] {
        let page = Page::new("runbooks/x.md", &markdown, String::new(), "a\u{1b}[2J".to_owned());
        for command in 0..=page.commands.len().min(1) {
            let view = RunbookView { page: page.clone(), command, scroll: Scroll::default() };
            let mut model = with(Overlay::Runbook(Box::new(view)));
            for (width, height) in [(1, 1), (3, 2), (8, 5), (40, 12), (120, 36)] {
                let shown = text(&settled(&mut model, &Theme::default(), width, height));
                assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{width}×{height}: {shown:?}");
            }
        }
    }
}

#[test]
fn how_long_a_message_is_on_each_channel_is_seen_at_every_width() {
    let mut model = incident();
    let channel = |name: &str, kind: &str| {
        let text = format!(
            "name = \"{name}\"\nkind = \"{kind}\"\nsecret = \"HOOK\"\naudiences = [\"stakeholders\"]"
        );
        toml::from_str(&text).unwrap()
    };
    model.config.config.channels = vec![channel("room", "discord"), channel("board", "teams")];
    let view = MessageView {
        page: PageEdit::new(&format!("down\n{}", "*".repeat(1200))),
        own: Some(Vec::new()),
        ..MessageView::new(MessageKind::Update, "stakeholders".to_owned(), now())
    };
    model.overlays = vec![Overlay::Message(Box::new(view))];
    for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        let words = shown.replace(['│', '╎'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("2,405 of 2,000 as sent"), "{width}×{height}:\n{shown}");
    }
}

#[test]
fn no_key_is_named_above_a_window_in_which_it_does_nothing() {
    for (name, mut model) in scenes().into_iter().filter(|(_, model)| model.incident().is_some()) {
        let is_menu = matches!(model.overlays.as_slice(), [Overlay::Menu(_)]);
        if model.overlays.is_empty() || is_menu {
            continue;
        }
        model.unseen = 1;
        for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
            let shown = text(&settled(&mut model, &Theme::default(), width, height));
            let head: Vec<&str> = shown.lines().take(if height < 16 { 1 } else { 3 }).collect();
            // What a command asks is no key, and its window takes the one that answers.
            let head = head.join("\n").replace("[sudo]", "").replace("[i]", "");
            assert!(!head.contains('['), "{name} {width}×{height}:\n{shown}");
        }
    }
}

#[test]
fn in_a_menu_what_is_left_of_the_keys_of_next_is_named() {
    let mut model = incident();
    let (keys, menu, row) = ("i p", "i", "p");
    model.derived.next[0].1 = keys.to_owned();
    assert!(text(&frame(&model, &Theme::default(), 120, 36).0).contains(&format!("[{keys}]")));
    let press = |model: &mut crate::cockpit::Model, key: &str| {
        let press = crate::cockpit::msg::KeyPress::new(crate::cockpit::Key::parse(key).unwrap(), 9_000);
        let _ = crate::cockpit::update(model, crate::cockpit::Msg::Key(press));
    };
    press(&mut model, menu);
    let shown = text(&frame(&model, &Theme::default(), 120, 36).0);
    assert!(shown.contains(&format!("[{row}]")) && !shown.contains(&format!("[{keys}]")), "{shown}");
    model.overlays.clear();
    press(&mut model, "h");
    let shown = text(&frame(&model, &Theme::default(), 120, 36).0);
    let next = shown.lines().find(|line| line.contains("NEXT")).unwrap();
    assert!(!next.contains('['), "{shown}");
}

#[test]
fn each_unmet_gate_of_a_refusal_and_what_meets_it_is_a_line_of_its_own() {
    let lines = ["2 gates not met", "checklist: 8 of 8 open", "approvals: engineering lead: not given"];
    let hints = ["checklist: tick them", "approvals: ask for it"];
    let mut model = with(Overlay::Errors(Scroll { top: 0 }));
    let failure = Failure::new("starting deploy main to production", lines.join("\n"), hints.join("\n"));
    model.failures.push_back((now(), failure));
    for (width, height) in [(120, 36), (80, 24), (40, 12)] {
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        let rows: Vec<&str> = shown.lines().map(|row| row.trim_matches(['│', ' ', '→'])).collect();
        for wanted in lines.iter().chain(&hints) {
            // A narrow window breaks a line, and never joins two.
            let first = wanted.split(": ").next().unwrap();
            assert!(height < 20 || rows.contains(wanted), "{wanted} at {width}×{height}:\n{shown}");
            let joined = rows.iter().any(|row| row.contains(first) && !row.starts_with(first));
            assert!(!joined, "{first} at {width}×{height}:\n{shown}");
        }
    }
}

#[test]
fn what_is_left_of_a_file_to_be_written_is_counted() {
    let shown = text(&settled(&mut super::tests::draft(), &Theme::default(), 40, 12));
    assert!(shown.contains(" more below"), "{shown}");
}

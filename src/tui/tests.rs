use std::collections::BTreeMap;

use jiff::SignedDuration;
use ratatui::style::Modifier;

use super::chart_tests::scenes as chart_scenes;
use super::hotfix_tests::scenes as hotfix_scenes;
use super::plan_tests::scenes as plan_scenes;
use super::run_tests::scenes as run_scenes;
use super::testing::*;
use super::theme::{ColorDepth, Role, Theme};
use crate::cockpit;
use crate::cockpit::edit::LineEdit;
use crate::cockpit::model::{ConfigSource, IncidentLine};
use crate::cockpit::msg::{Fact, Item, JournalState};
use crate::cockpit::overlay::*;
use crate::cockpit::{Command, Key, Model, Msg, Pane, update};
use crate::deploy::flags::Switch;
use crate::failure::Failure;
use crate::health::compare::{Against, Answer, Change, Compared, Usual};
use crate::health::judge::{Judged, Verdict};
use crate::hotfix::state::{Head, NoRepository, Operation};
use crate::incident::{IncidentId, NoteKind, Severity, Status};
use crate::plan::{Action, Plan, Purpose as For, Reach, Step};

fn press(model: &mut Model, keys: &[&str]) {
    for (index, key) in keys.iter().enumerate() {
        let key = Key::parse(key).unwrap();
        let press = cockpit::msg::KeyPress::new(key, 1000 * (index as u64 + 1));
        let _ = update(model, Msg::Key(press));
    }
}

pub(super) fn plan(steps: usize) -> Plan {
    let command = |argv: &[&str]| crate::plan::Command {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        cwd: "/srv/payments-api".into(),
        env: vec!["DEPLOY_TOKEN".into()],
        set: BTreeMap::from([("FLIGHTDECK_REF".to_owned(), "hotfix/pool-limit".to_owned())]),
    };
    let title = "deploy hotfix/pool-limit to production";
    let argv = ["./deploy.sh", "hotfix/pool-limit", "production", "--note", "raise pool limit"];
    let step = |_| Step {
        proof: Some(crate::plan::Probe::command(command(&["./deployed.sh", "production"]), None)),
        reach: Reach::Others,
        ..Step::new(title, Action::Command(command(&argv)), SignedDuration::from_mins(30))
    };
    Plan {
        confirm: Some("production".into()),
        frozen: BTreeMap::from([("hotfix/pool-limit".to_owned(), "77b0d13".repeat(6))]),
        steps: (0..steps).map(step).collect(),
        ..Plan::new("deploy-production-3", title, For::Deploy, "production")
    }
}

fn preview(steps: usize) -> Overlay {
    Overlay::Preview(Box::new(Preview { typed: LineEdit::new("produc"), ..Preview::new(plan(steps)) }))
}

pub(super) fn with(overlay: Overlay) -> Model {
    let mut model = incident();
    model.overlays.push(overlay);
    model
}

fn flags() -> Overlay {
    let why = "flags.example:443 answers 401: it was not let in; see whether the secret FLAGS_TOKEN is valid";
    let row = |name: &str, about: &str, state| Flag { name: name.to_owned(), about: about.to_owned(), state };
    let rows = vec![
        row("new-checkout", "the checkout of spring", Some(Switch::On)),
        row("search-v2", "", Some(Switch::Off)),
        row("refunds", "refunds without a person", Some(Switch::Unknown(why.to_owned()))),
        row("beta", "", None),
    ];
    Overlay::Flags(Flags { rows, cursor: 2, reading: None, read_at: Some(at("15:17:02")) })
}

#[test]
fn help_finds_what_a_glyph_stands_for_and_cuts_no_sentence() {
    let shown = |filter: &str, width| {
        let view = HelpView { filter: filter.to_owned(), ..HelpView::default() };
        text(&settled(&mut with(Overlay::Help(view)), &Theme::default(), width, 400))
    };
    for filter in ["▲", "recover", "failing", "glyphs"] {
        assert!(shown(filter, 120).contains("Glyphs"), "{filter}");
    }
    for width in [160, 80] {
        let shown = shown("", width);
        for spec in cockpit::COMMANDS.iter().filter(|spec| !spec.keys.is_empty()) {
            let last = spec.help.split(' ').next_back().unwrap();
            assert!(shown.contains(last), "the end of `{}` in\n{shown}", spec.help);
        }
    }
}

#[test]
fn a_flag_says_its_state_by_word_and_glyph_and_why_it_is_not_known() {
    let mut model = with(flags());
    let buf = settled(&mut model, &Theme::default(), 100, 30);
    let drawn = text(&buf);
    for wanted in [
        "● new-checkout  on       the checkout of spring",
        "○ search-v2     off",
        "? refunds       unknown  refunds without a person",
        "· beta          …",
        "read 15:17:02",
        "answers 401: it was not let in",
    ] {
        assert!(drawn.contains(wanted), "{wanted}:\n{drawn}");
    }
}

fn untrusted() -> ConfigSource {
    ConfigSource::Untrusted {
        hash: "0123456789abcdef".repeat(4),
        would_run: (0..6).map(|n| format!("check unit{n}: cargo test --locked")).collect(),
    }
}

pub(super) fn start() -> Model {
    let mut model = blank();
    model.branch = Some(Ok(branch()));
    let line = |n: u128, severity, status, title: &str| IncidentLine {
        id: IncidentId(uuid::Uuid::from_u128(n)),
        number: format!("INC-2026-000{n}"),
        title: title.into(),
        severity,
        status,
        declared_at: at("14:31:10") - SignedDuration::from_hours(30 * (9 - n as i64)),
    };
    model.incidents = vec![
        line(7, Severity::P0, Status::Open, "Checkout answers 500"),
        line(6, Severity::P1, Status::Mitigated, "Search finds nothing"),
        line(3, Severity::P1, Status::Resolved, "Emails sent twice"),
        line(2, Severity::P2, Status::Closed, "Wrong total in the weekly report"),
    ];
    model
}

fn declaring(keys: &[&str]) -> Model {
    let mut model = start();
    model.incidents.clear();
    press(&mut model, &["D"]);
    for c in "Checkout answers 500".chars() {
        let key = if c == ' ' { "space".to_owned() } else { c.to_string() };
        press(&mut model, &[&key]);
    }
    press(&mut model, keys);
    model
}

fn pressed(keys: &[&str]) -> Model {
    let mut model = incident();
    press(&mut model, keys);
    model
}

/// Every overlay, and every state of the screens under them that looks different.
/// The worst probe is worse than before the incident, and better than before a deploy.
fn compared(model: &mut Model) {
    let change = Change {
        what: "deploy".into(),
        from: model.now - SignedDuration::from_mins(6),
        to: model.now - SignedDuration::from_mins(5),
    };
    let of = |against, verdict, why: &str| Compared { against, judged: Judged { verdict, why: why.into() } };
    let compared = vec![
        of(Against::Incident, Verdict::Worse, "median 210 → 1980, up 843 %, p < 0.001"),
        of(Against::Change(change), Verdict::Better, "median 2400 → 1980, down 18 %, p = 0.012"),
        of(Against::Yesterday, Verdict::CannotTell, "no data before"),
    ];
    let probe = model.health_rows().next().unwrap().name.clone();
    let answer = Answer {
        probe: probe.clone(),
        compared,
        usual: Some(Usual { median: 210.0, quartiles: (190.0, 340.0) }),
    };
    model.compared.answers.insert(probe, answer);
}

/// A configuration that is shown before it is written.
pub(super) fn draft() -> Model {
    let settings: Vec<String> = (1..60).map(|line| format!("# probes of part {line}\n")).collect();
    let content = format!("[service]\nname = \"payments-api\"\n\n{}", settings.concat());
    let mut model = start();
    let path = "/srv/payments-api/flightdeck.toml".to_owned();
    let view = DraftView { path, content, scroll: Scroll::default(), shown_ms: None };
    model.overlays.push(Overlay::Draft(Box::new(view)));
    model
}

pub(super) fn scenes() -> Vec<(&'static str, Model)> {
    let mut zoomed = incident();
    (zoomed.focus, zoomed.zoom) = (Pane::Health, true);
    compared(&mut zoomed);
    let mut runs = incident();
    (runs.focus, runs.zoom) = (Pane::Runs, true);
    let mut drill = start();
    drill.drill = true;
    drill.config.source = untrusted();
    settle(&mut drill);
    let mut trust = with(Overlay::Trust(Trust::default()));
    trust.config.source = untrusted();
    let mut errors = with(Overlay::Errors(Scroll { top: usize::MAX }));
    for n in 0..9 {
        let failure = Failure::new(
            format!("reading the repository, try {n}"),
            "the object database is locked\nby another process",
            "close the other program\nthen press h r",
        );
        errors.failures.push_back((now(), failure));
    }
    errors.unseen = 3;
    let markdown = "# INC-2026-0007\n\n**Checkout** answers `500`.\n\n| time | what |\n| --- | --- |\n| 14:31 | declared P0 |\n| 14:36 | ~~no~~ rollback, and a text that is long enough to have to be wrapped somewhere in the last column |\n\n- [x] core\n- [ ] data\n\n> quoted\n\n```\ncode\n```\n".to_owned();
    let entry = incident().incident().unwrap().timeline.get(0).unwrap().id;
    let mut scenes = vec![
        ("start", start()),
        ("start-empty", blank()),
        ("start-drill", drill),
        ("cockpit", incident()),
        ("zoom-health", zoomed),
        ("zoom-runs", runs),
        ("menu", pressed(&["d"])),
        ("menu-incident", pressed(&["i"])),
        ("palette", pressed(&[":", "r", "o"])),
        ("help", with(Overlay::Help(HelpView::default()))),
        ("ask", pressed(&["N", "f", "p", "o", "o", "l"])),
        ("entry", with(Overlay::Entry(Entry { lines: vec![entry], scroll: Scroll::default() }))),
        ("declare-title", declaring(&[])),
        ("declare-question", declaring(&["enter"])),
        ("declare-backlog", declaring(&["enter", "n", "n"])),
        ("declare-started", declaring(&["enter", "y"])),
        ("declare-impact", declaring(&["enter", "y", "enter"])),
        ("preview", with(preview(2))),
        ("preview-long", with(preview(40))),
        ("errors", errors),
        ("report", with(Overlay::Report(Box::new(ReportView::new(markdown))))),
        ("trust", trust),
        ("draft", draft()),
        ("flags", with(flags())),
        ("claim", pressed(&["i", "x"])),
        (
            "confirm",
            with(Overlay::Confirm(Confirm {
                title: "Stop deploy hotfix/pool-limit to staging?".into(),
                body: "It gets INT, then TERM, then KILL. What it did so far stays done.".into(),
                yes: "stop it".into(),
                no: "leave it",
                claim: None,
                against: vec!["5 probes of production fail: api /health, error rate, p95".into()],
                act: Act::Invoke(Command::Stop.into()),
                more: Vec::new(),
                lapsed: String::new(),
                shown_ms: None,
                scroll: Scroll::default(),
            })),
        ),
    ];
    scenes.extend(run_scenes());
    scenes.extend(plan_scenes());
    scenes.extend(hotfix_scenes());
    scenes.extend(chart_scenes());
    scenes
}

/// What can go wrong or be missing under the cockpit.
fn troubles() -> Vec<Model> {
    let mut out = Vec::new();
    for why in [
        NoRepository::NotFound,
        NoRepository::Bare,
        NoRepository::NotOurs { path: "/srv/other".into() },
        NoRepository::Unreadable { why: "broken\u{1b}[2J".into() },
    ] {
        let mut model = incident();
        model.branch = Some(Err(why));
        out.push(model);
    }
    let mut merging = branch();
    merging.operation = Some(Operation::Merge);
    merging.head = Head::Detached { commit: "4f2c91e".repeat(6) };
    let mut unborn = branch();
    unborn.head = Head::Unborn { name: "main".into() };
    (unborn.commits, unborn.dirty, unborn.upstream) = (Vec::new(), Vec::new(), None);
    for state in [merging, unborn] {
        let mut model = incident();
        model.branch = Some(Ok(state));
        model.read_only = Some("the disk is full".into());
        model.unseen = 2;
        model.drill = true;
        settle(&mut model);
        out.push(model);
    }
    let mut hostile = incident();
    let mut scribe = records();
    for _ in 0..30 {
        scribe.note(
            "m\u{202E}aya\u{7}",
            "15:16:00",
            NoteKind::Note,
            "\u{1b}]52;c;eA==\u{7} 世界👩‍🚒\u{301}\u{301} a\u{200B}b\tc\nd",
        );
    }
    hostile.log = Some(scribe.log());
    hostile.looks.zone = jiff::tz::TimeZone::get("Asia/Kathmandu").unwrap();
    hostile.view_mut(Pane::Timeline).filter = "世界".into();
    hostile.view_mut(Pane::Health).filter = "no such".into();
    hostile.word = Some((now(), "saved\u{1b}[31m".into()));
    settle(&mut hostile);
    out.push(hostile);
    out
}

/// A menu of one row, the reason of which is longer than small terminals are wide.
fn menu_with(reason: &str) -> Model {
    let row = |label: &str, disabled: Option<&str>| Item {
        key: Some(Key::char('s')),
        path: String::new(),
        label: label.to_owned(),
        disabled: disabled.map(str::to_owned),
        invoke: Command::Deploy.into(),
    };
    with(Overlay::Menu(Menu {
        command: Command::Deploy,
        title: "Deploy".to_owned(),
        note: String::new(),
        items: vec![row("main → staging", None), row("main → production", Some(reason))],
        headings: Vec::new(),
        selected: 1,
    }))
}

#[test]
fn the_reason_of_the_row_of_the_cursor_is_read_whole_at_every_size() {
    let reason = "approvals: on-call-manager has not approved this commit yet";
    let theme = Theme::default();
    for (width, height) in [(40, 12), (80, 24), (120, 36), (160, 45)] {
        let shown = text(&settled(&mut menu_with(reason), &theme, width, height));
        let flat: String = shown.replace(['│', '\n'], " ");
        let words: Vec<&str> = flat.split_whitespace().collect();
        assert_eq!(words.join(" ").matches(reason).count(), 1, "{width}×{height}:\n{shown}");
    }
}

/// Writes pictures into the folder that is named, to be looked at; nothing otherwise.
#[test]
fn pictures() {
    let Some(folder) = std::env::var_os("FLIGHTDECK_PICTURES") else { return };
    let folder = std::path::PathBuf::from(folder);
    for (name, mut model) in scenes() {
        for theme_name in Theme::built_in_names() {
            let theme = Theme::load(theme_name, None).unwrap();
            for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
                let buf = settled(&mut model, &theme, width, height);
                let name = format!("{name}-{theme_name}-{width}x{height}.ans");
                std::fs::write(folder.join(name), ansi(&buf)).unwrap();
            }
        }
    }
}

#[test]
fn every_screen_can_be_drawn_at_every_size() {
    let theme = Theme::default();
    let mut models: Vec<Model> = scenes().into_iter().map(|(_, model)| model).collect();
    models.extend(troubles());
    let mut sizes: Vec<(u16, u16)> =
        (1..=46).step_by(9).flat_map(|w| (1..=25).step_by(4).map(move |h| (w, h))).collect();
    sizes.extend([(40, 12), (79, 23), (80, 24), (99, 30), (100, 30), (120, 36), (159, 44), (160, 45)]);
    sizes.extend([(500, 1), (1, 200), (41, 90), (500, 60)]);
    for model in &models {
        for (width, height) in &sizes {
            let (buf, regions) = frame(model, &theme, *width, *height);
            for cell in &buf.content {
                assert!(crate::text::is_plain_cell(cell.symbol()), "{:?}", cell.symbol());
            }
            for (_, whole, body) in &regions.panes {
                assert_eq!(whole.intersection(*body), *body, "{width}×{height}");
            }
        }
    }
}

#[test]
fn that_nothing_is_saved_is_in_sight_at_every_size_whatever_is_open() {
    let theme = Theme::default();
    let mut model = incident();
    let gone = Failure::new("saving", "the file was removed", "put it back");
    update(&mut model, Msg::Fact(Fact::Journal(JournalState::Gone(gone))));
    settle(&mut model);
    press(&mut model, &["N"]);
    for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
        let buf = settled(&mut model, &theme, width, height);
        let screen = text(&buf);
        assert!(screen.contains("✗ NOT SAVED: journal gone"), "{screen}");
        assert_eq!(style_of(&buf, "NOT SAVED").fg, theme.of(Role::Overdue).fg);
        // Each row of the menu says why it cannot be taken, in words that fit.
        assert!(width < 80 || screen.contains("✗ nothing can be saved: the journal is gone"), "{screen}");
    }
}

#[test]
fn every_depth_of_colour_can_be_drawn() {
    for depth in [ColorDepth::Indexed, ColorDepth::Ansi, ColorDepth::None] {
        let theme = Theme::default().downgrade(depth);
        for (_, model) in scenes() {
            let (buf, _) = frame(&model, &theme, 120, 36);
            let colours = buf.content.iter().filter(|cell| cell.fg != ratatui::style::Color::Reset);
            assert_eq!(colours.count() == 0, depth == ColorDepth::None);
        }
    }
}

#[test]
fn a_tiny_terminal_says_how_much_room_is_needed() {
    let text_at = |w, h| text(&frame(&incident(), &Theme::default(), w, h).0).trim().to_owned();
    assert_eq!(text_at(30, 3), "needs 40×12, has 30×3");
    assert_eq!(text_at(13, 1), "needs 40×12");
    assert_eq!(text_at(6, 1), "40×12");
    assert_eq!(text_at(3, 1), "40…");
}

#[test]
fn styles_carry_what_they_mean() {
    let theme = Theme::default();
    let mut model = incident();
    let buf = settled(&mut model, &theme, 160, 45);
    let overdue = style_of(&buf, "tell stakeholders overdue");
    assert_eq!(overdue.fg, theme.of(Role::Overdue).fg);
    assert!(overdue.add_modifier.contains(Modifier::BOLD));
    assert!(style_of(&buf, "disk full on db-2").add_modifier.contains(Modifier::CROSSED_OUT));
    assert_eq!(style_of(&buf, "╭ 1").fg, theme.of(Role::BorderFocus).fg);
    assert_eq!(style_of(&buf, "╭ 2").fg, theme.of(Role::Border).fg);
    assert_eq!(style_of(&buf, "P0").bg, theme.of(Role::P0).bg);
    model.focus = Pane::Health;
    let buf = settled(&mut model, &theme, 160, 45);
    assert_eq!(style_of(&buf, "╭ 2").fg, theme.of(Role::BorderFocus).fg);
    assert_eq!(style_of(&buf, "api /health").bg, theme.of(Role::Selection).bg);
}

#[test]
fn no_data_is_neither_zero_nor_good() {
    let buf = settled(&mut incident(), &Theme::default(), 120, 36);
    let text = text(&buf);
    let line = text.lines().find(|line| line.contains("orders/min")).unwrap();
    let (_, health) = line.split_once("orders/min").unwrap();
    assert!(health.trim_start().starts_with('?'), "{line}");
    assert!(!health.contains('▁') && !health.contains('✓'), "{line}");
}

#[test]
fn a_plan_however_long_keeps_the_line_that_confirms_in_sight() {
    for (width, height) in [(160, 45), (80, 24), (40, 12)] {
        let buf = frame(&with(preview(40)), &Theme::default(), width, height).0;
        let text = text(&buf);
        assert!(text.contains("type production"), "{text}");
        assert!(text.contains("./deploy.sh"), "{text}");
    }
}

#[test]
fn a_command_line_is_never_cut() {
    let text = text(&frame(&with(preview(1)), &Theme::default(), 60, 30).0);
    let words: String = text.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("./deploy.sh hotfix/pool-limit production --note 'raise pool limit'"), "{text}");
}

#[test]
fn the_cursor_is_where_text_is_typed() {
    let mut model = pressed(&["n"]);
    press(&mut model, &["x"; 200]);
    let (_, regions) = frame(&model, &Theme::default(), 80, 24);
    let cursor = regions.cursor.unwrap();
    assert!((74..79).contains(&cursor.x) && cursor.y >= 19, "{cursor}");
    press(&mut model, &["home"]);
    let (_, regions) = frame(&model, &Theme::default(), 80, 24);
    assert_eq!(regions.cursor.unwrap().x, 2);
}

#[test]
fn a_long_timeline_is_followed_at_its_end_and_read_from_where_the_cursor_is() {
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    for number in 0..10_000 {
        scribe.note("li", "15:00:00", NoteKind::Note, &format!("note {number}."));
    }
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    let end = text(&settled(&mut model, &Theme::default(), 160, 45));
    assert!(end.contains("note 9999.") && end.contains("10001 rows"), "{end}");
    model.view_mut(Pane::Timeline).cursor = Some(5001);
    let middle = text(&settled(&mut model, &Theme::default(), 160, 45));
    assert!(middle.contains("note 5000.") && middle.contains("5002 of 10001"), "{middle}");
    assert!(!middle.contains("note 9999."), "{middle}");
}

#[test]
fn the_screens_of_the_design() {
    let theme = Theme::default();
    let wanted = [
        ("cockpit", 160, 45),
        ("cockpit", 120, 36),
        ("cockpit", 80, 24),
        ("cockpit", 40, 12),
        ("start", 100, 30),
        ("preview", 100, 30),
        ("menu-incident", 100, 30),
        ("declare-question", 80, 24),
        ("claim", 120, 36),
        ("claim", 80, 24),
        ("claim", 40, 12),
        ("zoom-health", 120, 36),
    ];
    let mut scenes = scenes();
    for (name, width, height) in wanted {
        let (_, model) = scenes.iter_mut().find(|(scene, _)| *scene == name).unwrap();
        let buf = settled(model, &theme, width, height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text(&buf));
    }
}

#[test]
fn how_bad_it_is_and_what_is_next_are_in_sight_whatever_is_open() {
    for (name, mut model) in scenes().into_iter().filter(|(_, model)| model.incident().is_some()) {
        let next = model.derived.next.first().map(|(next, _)| next.title.clone()).unwrap_or_default();
        let words: Vec<&str> = next.split(' ').take(2).collect();
        for (width, height) in [(160, 45), (120, 36), (100, 30), (80, 24), (60, 20), (40, 16), (40, 12)] {
            let shown = text(&settled(&mut model, &Theme::default(), width, height));
            let head: Vec<&str> = shown.lines().take(5).collect();
            let head = head.join("\n");
            assert!(head.contains(" P0 "), "{name} {width}x{height}:\n{shown}");
            let has_title = head.contains('⏱') && head.contains("Check");
            assert!(
                has_title || (height < 16 && (model.zoom || !model.overlays.is_empty())),
                "{name} {width}x{height}:\n{shown}"
            );
            if !model.overlays.is_empty() {
                assert!(
                    head.contains(words.join(" ").trim_end_matches(',')),
                    "{name} {width}x{height}: {next}\n{shown}"
                );
            }
        }
    }
}

#[test]
fn a_clock_that_ran_out_is_in_sight_at_every_width() {
    for width in 40..=160 {
        let mut model = incident();
        model.unseen = 2;
        let shown = text(&settled(&mut model, &Theme::default(), width, 24));
        assert!(shown.contains("stakeholders over"), "{width}:\n{shown}");
    }
}

#[test]
fn what_could_not_be_seen_is_not_confirmed() {
    let mut model = with(preview(1));
    settled(&mut model, &Theme::default(), 30, 5);
    assert!(matches!(model.overlays.last(), Some(Overlay::Preview(preview)) if preview.shown_ms.is_none()));
    settled(&mut model, &Theme::default(), 80, 24);
    assert!(matches!(model.overlays.last(), Some(Overlay::Preview(preview)) if preview.shown_ms.is_some()));
}

#[test]
fn a_long_plan_shows_what_it_runs_first_and_the_rest_of_each_step_by_a_key() {
    let mut model = with(preview(6));
    let short = text(&frame(&model, &Theme::default(), 120, 36).0);
    assert!(!short.contains("./deployed.sh") && short.contains(" 6  deploy "), "{short}");
    assert!(short.contains("ctrl-o"), "{short}");
    let _ = update(&mut model, Msg::Key(cockpit::msg::KeyPress::new(Key::ctrl('o'), 1)));
    let whole = text(&frame(&model, &Theme::default(), 120, 36).0);
    assert!(whole.contains("proven when ./deployed.sh production") && !whole.contains("ctrl-o"), "{whole}");
}

#[test]
fn that_a_clock_is_overdue_and_by_how_much_is_never_cut() {
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    let mut model = blank();
    model.log = Some(scribe.log());
    settle(&mut model);
    for width in [80, 84, 90, 100, 120] {
        let shown = text(&settled(&mut model, &Theme::default(), width, 30));
        let line =
            shown.lines().find(|line| line.contains("overdue")).unwrap_or_else(|| panic!("{width}\n{shown}"));
        let left = line.split_once("overdue ").map(|(_, rest)| rest.split("  ").next().unwrap_or_default());
        assert!(left.is_some_and(|left| left.contains('m') && !left.contains('…')), "{width}: {line}");
    }
}

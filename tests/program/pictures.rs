//! The pictures of the README and the documentation, taken from the program itself: `tests/pictures` runs this and
//! keeps them. Without `FLIGHTDECK_PICTURES` they are made, looked at and thrown away.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::drill::Drill;
use super::terminal::Terminal;
use super::world::{Shell, World};

/// Width and height of a cell in the picture.
const CELL: (f32, f32) = (8.4, 18.0);
/// Space around the screen.
const MARGIN: f32 = 14.0;

/// Where the pictures are kept.
fn keep(name: &str, picture: &str) {
    if let Some(directory) = std::env::var_os("FLIGHTDECK_PICTURES").map(PathBuf::from) {
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{name}.svg")), picture).unwrap();
    }
}

/// How a stretch of cells looks.
#[derive(Clone, PartialEq)]
struct Look {
    fg: String,
    bg: String,
    bold: bool,
    italic: bool,
    struck: bool,
}

fn colour(colour: vt100::Color, otherwise: &str) -> String {
    match colour {
        vt100::Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        vt100::Color::Default | vt100::Color::Idx(_) => otherwise.to_owned(),
    }
}

fn look(cell: &vt100::Cell) -> Look {
    let (mut fg, mut bg) = (colour(cell.fgcolor(), "#d8dee9"), colour(cell.bgcolor(), "#16191f"));
    if cell.inverse() {
        std::mem::swap(&mut fg, &mut bg);
    }
    Look { fg, bg, bold: cell.bold(), italic: cell.italic(), struck: false }
}

/// The screen as a picture: a rectangle a stretch of background, a text a stretch of style.
fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (width, height) =
        (f32::from(columns.get()) * CELL.0 + 2.0 * MARGIN, f32::from(rows.get()) * CELL.1 + 2.0 * MARGIN);
    let ground = screen.cell(0, 0).map_or_else(|| "#16191f".to_owned(), |cell| look(cell).bg);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{ground}\"/>\n"
    );
    for row in 0..rows.get() {
        let mut column = 0;
        while column < columns.get() {
            column += stretch(screen, row, column, columns.get(), &ground, &mut out);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Draws the cells of one look that begin at a place; returns how many there are.
fn stretch(screen: &vt100::Screen, row: u16, from: u16, columns: u16, ground: &str, out: &mut String) -> u16 {
    let Some(first) = screen.cell(row, from) else { return 1 };
    let style = look(first);
    let mut text = String::new();
    let mut to = from;
    while let Some(cell) = screen.cell(row, to).filter(|cell| to < columns && look(cell) == style) {
        text.push_str(if cell.has_contents() { cell.contents() } else { " " });
        to += 1;
    }
    let (x, y) = (MARGIN + f32::from(from) * CELL.0, MARGIN + f32::from(row) * CELL.1);
    let wide = f32::from(to - from) * CELL.0;
    if style.bg != ground {
        writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"18\" fill=\"{}\"/>",
            style.bg
        )
        .unwrap();
    }
    let shown = text.trim_end();
    if !shown.is_empty() {
        let cells = shown.chars().count() as f32 * CELL.0;
        let escaped = shown.replace('&', "&amp;").replace('<', "&lt;");
        let bold = if style.bold { " font-weight=\"bold\"" } else { "" };
        let italic = if style.italic { " font-style=\"italic\"" } else { "" };
        writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{cells:.1}\" xml:space=\"preserve\" fill=\"{}\"{bold}{italic}>{escaped}</text>",
            y + 14.0,
            style.fg
        )
        .unwrap();
    }
    (to - from).max(1)
}

/// Takes a picture once a text is on the screen.
fn take(terminal: &Terminal, name: &str, once: &str) {
    terminal.wait_text(once);
    let picture = terminal.look(svg);
    assert!(picture.contains("<text") && !picture.contains('\u{1b}'), "{name} is a picture");
    keep(name, &picture);
}

#[test]
fn the_pictures_of_the_readme_can_be_taken() {
    let world = World::new();
    let drill = Drill::start(&world);
    let shell = drill.shell(&world);
    let run = |arguments: &[&str]| shell.flightdeck(arguments).succeeded();
    run(&[
        "declare",
        "Checkout answers 500",
        "--severity",
        "P0",
        "--started-at",
        "-7m",
        "--impact",
        "2 of 5 orders are not paid",
    ]);
    run(&["role", "commander", "maya"]);
    run(&["role", "lead", "omar"]);
    run(&["page", "li", "--how", "phone"]);
    run(&["told", "stakeholders"]);
    run(&["note", "--kind", "finding", "only orders without a loyalty card fail"]);
    run(&["hotfix", "start", "no-card"]);
    run(&["drill", "fix"]);
    run(&["hotfix", "bump"]);
    run(&["hotfix", "push"]);
    run(&["test"]);
    run(&["deploy", "staging", "--confirm", "staging"]);
    run(&["smoke", "staging"]);
    run(&["tick", "1"]);
    run(&["tick", "2"]);
    run(&["tick", "3", "--fail", "--note", "card refund answers 502"]);

    let terminal = Terminal::open(&shell.with("COLORTERM", "truecolor"), 36, 120, &[]);
    terminal.wait_text("deployed hotfix/no-card to staging");
    terminal.wait_for("production to be known to fail", |screen| {
        ["api /health", "error rate", "orders paid"]
            .iter()
            .all(|name| screen.lines().any(|line| line.contains(&format!("✗ {name}  "))))
    });
    take(&terminal, "cockpit", "into develop ✓ clean");
    terminal.press("S");
    take(&terminal, "suspects", "went live with v1.4.2");
    terminal.press("<esc>");
    terminal.wait_gone("went live with v1.4.2");
    terminal.press("h");
    take(&terminal, "menu", "finish hotfix/no-card");
    terminal.press("<esc>");
    terminal.wait_gone("finish hotfix/no-card");
    terminal.press("R");
    take(&terminal, "rollback", "is here");
    terminal.press("<esc>");
    terminal.wait_gone("is here");
    terminal.press("q");
}

/// Opens the health pane on the error rate, wherever its row is, and waits for a verdict on a change.
fn judged(shell: &Shell, change: &str, verdict: &str) -> Terminal {
    let terminal = Terminal::open(&shell.clone().with("COLORTERM", "truecolor"), 36, 120, &[]);
    terminal.wait_text("error rate");
    terminal.press("2z");
    let chosen = |screen: &str| {
        let row = screen.lines().find_map(|line| line.split_once('▌'));
        row.map(|(_, row)| row.chars().take(16).collect::<String>())
    };
    let mut found = false;
    for _ in 0..50 {
        // Rows change places while the first answers come in: only what is seen once all keys are heard counts.
        terminal.press("?");
        terminal.wait_text("Everywhere");
        terminal.press("<esc>");
        terminal.wait_gone("Everywhere");
        found = chosen(&terminal.screen()).is_some_and(|row| row.contains("error rate"));
        if found {
            break;
        }
        terminal.press("j");
    }
    assert!(found, "no way to the row: {}", terminal.screen());
    // Five samples are judged, a quarter of a minute apart, as the hour before is known.
    let has = |screen: &str, wanted: &str| {
        screen.lines().any(|line| line.contains(change) && line.contains(wanted))
    };
    terminal.wait_for("some samples", |screen| {
        ["2", "3", "4"].iter().any(|some| has(screen, &format!("{some} samples after")))
            || has(screen, verdict)
    });
    terminal.wait_for(&format!("`{verdict}`"), |screen| has(screen, verdict));
    terminal
}

#[test]
fn a_deploy_that_helped_and_one_that_did_not_can_be_seen() {
    let declared =
        ["declare", "Checkout answers 500", "--severity", "P0", "--started-at", "-3m", "--impact", "2 of 5"];
    let gates = ["checklist", "approvals"].iter().flat_map(|gate| ["--override", gate]);
    let rest = ["--reason", "everybody on the call agrees", "--confirm", "production"];
    let all: Vec<&str> = gates.chain(rest).collect();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let world = World::new();
            let drill = Drill::start(&world);
            let shell = drill.shell(&world);
            shell.flightdeck(&declared).succeeded();
            shell.flightdeck(&["rollback", "redeploy", "--confirm", "production"]).succeeded();
            let terminal = judged(&shell, "before the rollback", "better");
            take(&terminal, "health-better", "no evidence of harm");
            terminal.press("q");
        });
        threads.spawn(|| {
            let world = World::new();
            let drill = Drill::start_with(&world, &["old-cards"]);
            let shell = drill.shell(&world);
            shell.flightdeck(&declared).succeeded();
            for step in [
                &["hotfix", "start", "no-card"][..],
                &["drill", "fix"],
                &["test"],
                &["deploy", "staging"],
                &["smoke", "staging"],
            ] {
                shell.flightdeck(step).succeeded();
            }
            shell.flightdeck(&[&["deploy", "production"], &all[..]].concat()).ended_with(1);
            let terminal = judged(&shell, "before the deploy", "worse");
            take(&terminal, "health-worse", "before the incident");
            terminal.press("<enter>");
            take(&terminal, "probe", "S shows");
            terminal.press("q");
        });
    });
}

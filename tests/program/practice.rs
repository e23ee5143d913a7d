//! What somebody who practises alone has to type as everybody else.

use std::path::Path;

use super::terminal::Terminal;
use super::walk_by_keys::{declare, repository};
use super::world::{PROGRAM, World, wait_until};

#[test]
fn the_line_for_another_terminal_gives_an_approval_that_counts() {
    let world = World::new();
    // Wide enough that the line is one.
    let terminal = Terminal::open(&world.shell(&world.path("home")), 40, 500, &["drill"]);
    terminal.wait_text("Declare an incident");
    let repo = repository(&world);
    let place = repo.parent().unwrap();
    let mine = world
        .shell(&repo)
        .with("FLIGHTDECK_STATE_DIR", place.join("state"))
        .with("FLIGHTDECK_CONFIG_DIR", place.join("config"));
    declare(&terminal);
    // At P1 nothing that is only said counts.
    mine.flightdeck(&["severity", "P1", "--reason", "cards work"]).succeeded();
    mine.flightdeck(&["role", "lead", "omar"]).succeeded();
    mine.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    terminal.wait_text("approval asked for");
    let search = format!(
        "{}:{}",
        Path::new(PROGRAM).parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    // Nothing but what the line itself says.
    let other = world.shell(&world.path("home")).with("PATH", search);
    for role in ["approve lead", "approve product-manager"] {
        terminal.press("A");
        let line = wait_until("the line", || {
            let screen = terminal.screen();
            let (_, line) = screen.lines().find(|line| line.contains(role))?.split_once(": cd ")?;
            let (before, _) = line.split_once(role)?;
            Some(format!("cd {before}{role}"))
        });
        other.run("sh", &["-c", &line]).succeeded();
        terminal.press("<esc>");
        terminal.wait_gone("From another terminal");
    }
    let shown = mine.flightdeck(&["status"]).succeeded().stdout;
    let given = shown
        .lines()
        .filter(|line| line.contains("✓ engineering lead") || line.contains("✓ product manager"));
    assert_eq!(given.count(), 2, "{shown}");
}

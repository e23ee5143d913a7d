//! What somebody who practises alone has to type as everybody else.

use super::terminal::Terminal;
use super::walk_by_keys::{declare, repository};
use super::world::World;

#[test]
fn the_line_for_another_terminal_gives_an_approval_that_counts() {
    let world = World::new();
    let terminal = Terminal::open(&world.shell(&world.path("home")), 40, 160, &["drill"]);
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
    // Nothing but what the line itself says: the program is not where a shell looks.
    let other = world.shell(&world.path("home"));
    for (given, role) in [("1/2", "approve lead"), ("2/2", "approve product-manager")] {
        terminal.press("A");
        terminal.wait_for("the line", |screen| {
            screen.lines().any(|line| line.contains("copy for the ") && line.contains(role))
        });
        let screen = terminal.screen();
        let line = screen.lines().find(|line| line.contains("copy for the ") && line.contains(role)).unwrap();
        let (_, line) = line.split_once("copy for the ").unwrap();
        let (_, line) = line.split_once(": ").unwrap();
        let (before, _) = line.split_once(role).unwrap();
        let line = format!("{before}{role}");
        terminal.press("y");
        terminal.wait_text("copied 1 line");
        other.run("sh", &["-c", &line]).succeeded();
        terminal.wait_text(&format!("approvals {given}"));
    }
    let shown = mine.flightdeck(&["status"]).succeeded().stdout;
    let given = shown
        .lines()
        .filter(|line| line.contains("✓ engineering lead") || line.contains("✓ product manager"));
    assert_eq!(given.count(), 2, "{shown}");
}

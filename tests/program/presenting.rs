//! Presenter mode: what nobody on the call is to read is on no screen, in no title and in no report of the terminal.

use super::terminal::Terminal;
use super::world::World;

const SECRET: &str = "zQ9secretVALUE77xyz";

const CONFIG: &str = r#"
[service]
name = "payments"

[present]
words = ["Example Bank"]

[[secrets]]
name = "DEPLOY_TOKEN"

[[people]]
name = "li"
reach = "li@pager.corp-net"

[[environments]]
name = "production"
deploy = ["ssh", "deploy@app-1.corp-net:22"]
protected = true
"#;

#[test]
fn what_is_not_for_the_call_is_masked_on_the_screen_and_everything_else_stays() {
    let world = World::new();
    let shell = world.repository("payments").with("DEPLOY_TOKEN", SECRET);
    std::fs::write(shell.directory.join("flightdeck.toml"), CONFIG).unwrap();
    shell.flightdeck(&["trust"]).succeeded();
    shell.flightdeck(&["declare", "Example Bank cannot pay", "--severity", "P0"]).succeeded();
    let note = format!("li@pager.corp-net asked app-1.corp-net and 10.0.31.7 with {SECRET} at v1.4.2");
    shell.flightdeck(&["note", &note]).succeeded();
    std::fs::write(world.path("config/settings.toml"), "presenter = true\n").unwrap();

    let terminal = Terminal::open(&shell, 36, 160, &[]);
    terminal.wait_text("presenting [P]");
    terminal.wait_for("the record, masked", |screen| {
        screen.contains("•••••••••••• cannot pay") && screen.contains("at v1.4.2")
    });
    let hidden = ["Example Bank", "li@pager", "corp-net", "10.0.31.7", "zQ9secret", "VALUE77"];
    let masks = |screen: &str| hidden.iter().all(|one| !screen.contains(one));
    assert!(masks(&terminal.screen()), "{}", terminal.screen());
    // In a window as well, with what was pressed; what is typed is not shown as keys, and masked as it is typed.
    terminal.press("1G");
    terminal.press("<enter>");
    terminal.wait_text("esc back");
    assert!(masks(&terminal.screen()), "{}", terminal.screen());
    terminal.press("<esc>");
    terminal.wait_gone("esc back");
    terminal.press("n");
    terminal.wait_for("the prompt, with its key", |screen| screen.trim_end().ends_with("n note"));
    terminal.press("ask Example Bank");
    terminal.wait_for("the text, masked", |screen| screen.contains("ask ••••••••••••"));
    assert!(masks(&terminal.screen()), "{}", terminal.screen());
    terminal.press("<esc>");
    terminal.wait_gone("ask •");
    terminal.press("P");
    terminal.wait_text("Example Bank cannot pay");
    terminal.wait_gone("presenting");
    assert!(terminal.screen().contains("10.0.31.7"), "{}", terminal.screen());
}

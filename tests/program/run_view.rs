//! The output of a run, on the screen: all of it, whatever its length, and what it asks.

use super::conductor::{UNTIL_GO, Yard};
use super::terminal::Terminal;

/// A build that prints much, draws a progress bar, and asks for a password that is not shown.
const BUILD: &str = r#"awk 'BEGIN { for (i = 0; i < 50000; i++) print "line " i " of the build" }'
awk 'BEGIN { for (i = 0; i <= 100; i++) printf "\r\033[K\033[32m%d %% pushed\033[0m", i }'
printf '\nPassword: '
stty -echo; IFS= read -r answer; stty echo
printf '\nthanks for %s characters\n' "${#answer}"
"#;

/// Starts the deploy and opens its output.
fn open(yard: &Yard) -> Terminal {
    let terminal = yard.cockpit();
    terminal.press("ds");
    terminal.wait_text("./deploy.sh");
    terminal.press_until("y", "the plan to start", |screen| !screen.contains("Plan: "));
    terminal
}

/// Everything that was stored, as bytes.
fn stored(folder: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            all.extend(stored(&entry.path()));
        } else if entry.file_type().unwrap().is_file() {
            all.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn a_long_output_is_gone_through_searched_copied_and_answered() {
    let yard = Yard::deploying(&format!("{BUILD}{UNTIL_GO}"));
    let terminal = open(&yard);
    terminal.wait_text("waits for an answer? [⏎ i]");
    terminal.press("5<enter>");
    terminal.wait_text("i lets you type it");
    let screen = terminal.screen();
    assert!(screen.contains("line 49999 of the build") && screen.contains("100 % pushed"), "{screen}");
    assert!(!screen.contains("99 % pushed"), "a progress bar is one line:\n{screen}");

    terminal.press("g");
    terminal.wait_text("line 0 of the build");
    terminal.wait_text("line 1 of 50002");
    terminal.press("<pgdn>");
    terminal.wait_text("line 40 of the build");
    assert!(!terminal.screen().contains("line 0 of"), "{}", terminal.screen());

    terminal.press("/");
    terminal.wait_text("lower case matches both");
    terminal.press("LINE 31415 of<enter>");
    terminal.wait_text("not found");
    terminal.press("/<c-u>line 31415 of<enter>");
    terminal.wait_text("1 of 1");
    terminal.wait_text("line 31415 of the build");
    terminal.press("vjjy");
    terminal.wait_text("copied 3 lines");
    let copied = terminal.copied();
    assert_eq!(copied, [base64("line 31415 of the build\nline 31416 of the build\nline 31417 of the build")]);

    terminal.press("G");
    terminal.wait_text("Password:");
    terminal.press("i");
    terminal.wait_text("ANSWERING");
    terminal.press("quite s3cret<enter>");
    terminal.wait_text("thanks for 12 characters");
    assert!(!terminal.screen().contains("s3cret"), "{}", terminal.screen());
    terminal.press("<c-]>");
    terminal.wait_gone("ANSWERING");
    let all = stored(&yard.world.path("state"));
    assert!(!all.windows(6).any(|bytes| bytes == b"s3cret"), "what was typed is stored nowhere");

    terminal.press("x");
    terminal.wait_text("stop it");
    terminal.press_until("y", "the stop", |screen| !screen.contains("stop it"));
    terminal.wait_text("INT");
    terminal.wait_for("its end", |screen| !screen.contains("▶ running") && !screen.contains("being stopped"));
    terminal.press("i");
    terminal.wait_text("it has ended");
}

/// As a terminal is sent it.
fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let number = (0..3).fold(0, |sum, at| sum << 8 | u32::from(bytes.get(at).copied().unwrap_or(0)));
        let letter = |at: usize| {
            if at > bytes.len() { '=' } else { char::from(LETTERS[(number >> (18 - 6 * at)) as usize & 63]) }
        };
        (0..4).map(letter).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

#[test]
fn who_types_when_the_command_ends_gives_no_commands() {
    let yard = Yard::deploying("printf 'Password: '\nstty -echo; IFS= read -r answer; stty echo\nexit 1");
    let terminal = open(&yard);
    terminal.wait_text("Password:");
    terminal.press("5<enter>");
    terminal.wait_gone("Timeline");
    terminal.press("i");
    terminal.wait_text("ANSWERING");
    terminal.press("wrong<enter>");
    terminal.wait_text("keys no longer go to the command");
    // As somebody would who has not looked up yet: it closes nothing and writes no note.
    terminal.press("qnnagain<enter>q");
    terminal.wait_text("the command has ended");
    terminal.press("<esc>");
    terminal.wait_gone("keys no longer");
    terminal.wait_text("failed, exit 1");
    terminal.press("q");
    terminal.wait_text("Timeline");
    let status = yard.shell.json(&["status", "--json"]);
    let timeline = status["timeline"].as_array().unwrap();
    assert!(!timeline.iter().any(|entry| entry["kind"] == "note"), "{timeline:?}");
}

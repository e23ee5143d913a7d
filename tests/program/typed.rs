//! What is typed at the cockpit: all of it arrives, once and in order, and what takes a confirmation
//! back is heard with it.

use std::time::Duration;

use rustix::process::Signal;

use super::conductor::{UNTIL_GO, Yard};
use super::terminal::Terminal;
use super::world::World;

/// A repository with an open incident, and the cockpit on it.
fn cockpit(world: &World) -> (super::world::Shell, Terminal) {
    let shell = world.repository("service");
    shell.flightdeck(&["declare", "Nobody can log in", "--severity", "P0"]).succeeded();
    let terminal = Terminal::open(&shell, 36, 120, &[]);
    terminal.wait_text("Nobody can log in");
    (shell, terminal)
}

#[test]
fn three_thousand_keys_at_once_leave_none_unread() {
    for keys in ["j", "é", "\x1b[B"] {
        let world = World::new();
        let (_, mut terminal) = cockpit(&world);
        terminal.send(keys.repeat(3000).as_bytes());
        // Behind letters that mean nothing another one is text; an arrow ends it.
        terminal.send(b"\x1b[Bq");
        // Nothing follows it that could wake anybody.
        assert_eq!(terminal.wait_end().code(), Some(0), "{keys:?}");
    }
}

#[test]
fn a_key_that_comes_with_a_new_size_is_heard_at_once() {
    let world = World::new();
    let (_, mut terminal) = cockpit(&world);
    for round in 0..40_u16 {
        for step in 0..8 {
            terminal.resize(30 + (round + step) % 20, 100 + (round * 7 + step) % 60);
        }
        terminal.press("?");
        terminal.wait_text("Everywhere");
        terminal.resize(36, 120 + round % 2);
        terminal.press("<esc>");
        // The footer, and not only what a smaller terminal cut off.
        terminal.wait_for("the help to close", |screen| {
            !screen.contains("Everywhere") && screen.contains("? help")
        });
    }
    terminal.resize(40, 130);
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
}

#[test]
fn a_sentence_typed_where_there_is_no_prompt_records_nothing() {
    let world = World::new();
    let (shell, terminal) = cockpit(&world);
    let before = shell.json(&["status", "--json"])["timeline"].clone();
    for sentence in ["it is good now\r", "same here, seeing 503s\r", "can you look at grafana\r"] {
        terminal.send(sentence.as_bytes());
        terminal.wait_text("that looks like text");
        terminal.press_until("<down>?", "the help", |screen| screen.contains("Everywhere"));
        terminal.press("<esc>");
        terminal.wait_gone("Everywhere");
    }
    assert_eq!(shell.json(&["status", "--json"])["timeline"], before);
}

#[test]
fn a_long_text_typed_at_once_into_a_note_arrives_whole() {
    let world = World::new();
    let (shell, terminal) = cockpit(&world);
    terminal.press("Nf");
    terminal.wait_text("what was found out");
    let text = (0..300).map(|n| format!("{n:05}é,")).collect::<Vec<_>>().concat();
    assert_eq!(text.chars().count(), 2100);
    terminal.press(&text);
    terminal.wait_text("00299é,");
    terminal.press("<enter>");
    terminal.wait_text("finding");
    let kept = super::world::wait_until("the note", || {
        let status = shell.json(&["status", "--json"]);
        let timeline = status["timeline"].as_array().unwrap().clone();
        timeline.into_iter().find(|entry| entry["kind"] == "finding")
    });
    assert_eq!(kept["text"], text.as_str());
}

/// The plan to deploy, on the screen for long enough that somebody can have read it.
fn previewed(yard: &Yard) -> Terminal {
    let terminal = yard.cockpit();
    terminal.press("d");
    terminal.wait_text("→ staging");
    terminal.press("s");
    terminal.wait_text("Plan: ");
    // What Enter is answered with stands in a frame after the first.
    terminal.press("<enter>");
    terminal.wait_text("press y to go ahead");
    terminal
}

#[test]
fn a_confirmation_that_is_read_together_with_a_cancel_starts_nothing_and_says_so() {
    let yard = Yard::deploying(&format!("echo begun >> begun\n{UNTIL_GO}"));
    for cancel in ["\x1b", "\x03", "q", "n\x1b", "jjj\x1b"] {
        let terminal = previewed(&yard);
        terminal.send(format!("y{cancel}").as_bytes());
        terminal.wait_text("not confirmed");
        terminal.wait_gone("Plan: ");
        assert!(yard.runs().is_empty() && !yard.file("begun").exists(), "{cancel:?}");
    }
    let terminal = previewed(&yard);
    terminal.press_until("y", "the plan to start", |screen| !screen.contains("Plan: "));
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
}

#[test]
fn what_escape_or_a_modifier_or_other_text_comes_with_starts_nothing() {
    let yard = Yard::deploying(&format!("echo begun >> begun\n{UNTIL_GO}"));
    let terminal = previewed(&yard);
    // Escape and y as a connection or a multiplexer hands them on together, Ctrl-y in both ways a
    // terminal has to say it, and pastes of terminals that do not mark them, or not well.
    for bytes in [
        "\x1by",
        "\x19",
        "\x1b[121;5u",
        "hello yes, please look\r",
        "kubectl get pods\nmy pod\n",
        "yes\r",
        "y\r",
        "\x1b[200~abc\x1b[201~y\x1b[201~",
    ] {
        terminal.send(bytes.as_bytes());
        terminal.wait_text("not confirmed");
        assert!(yard.runs().is_empty() && !yard.file("begun").exists(), "{bytes:?}");
        assert!(terminal.screen().contains("Plan: "), "{bytes:?}");
        terminal.press("<enter>");
        terminal.wait_for("the next question", |screen| screen.contains("press y to go ahead"));
    }
    // A word, letter by letter.
    for letter in ["y", "e", "s", "t"] {
        terminal.send(letter.as_bytes());
    }
    terminal.wait_text("not confirmed");
    assert!(yard.runs().is_empty() && !yard.file("begun").exists());
    // Letters were typed there: it has to be asked again.
    terminal.press("<esc>");
    terminal.wait_gone("Plan: ");
    terminal.press("d");
    terminal.wait_text("→ staging");
    terminal.press("s");
    terminal.wait_text("Plan: ");
    terminal.press_until("y", "the plan to start", |screen| !screen.contains("Plan: "));
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
    assert_eq!(yard.runs().len(), 1);
}

#[test]
fn a_question_that_a_terminal_is_too_small_for_is_not_answered() {
    let yard = Yard::deploying(&format!("echo begun >> begun\n{UNTIL_GO}"));
    let terminal = previewed(&yard);
    terminal.resize(4, 20);
    terminal.wait_text("needs 40×12");
    for keys in ["y", "<enter>", "y"] {
        terminal.press(keys);
    }
    terminal.resize(36, 120);
    // It is still open: nothing has answered it.
    terminal.wait_text("Plan: ");
    assert!(yard.runs().is_empty() && !yard.file("begun").exists());
    terminal.press_until("y", "the plan to start", |screen| !screen.contains("Plan: "));
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
}

#[test]
fn what_was_typed_while_the_cockpit_stood_still_confirms_nothing() {
    let yard = Yard::deploying(&format!("echo begun >> begun\n{UNTIL_GO}"));
    let mut terminal = previewed(&yard);
    terminal.process.signal(Signal::STOP);
    let status = format!("/proc/{}/status", terminal.process.0.id());
    super::world::wait_until("it to stand still", || {
        std::fs::read_to_string(&status).unwrap().contains("State:\tT").then_some(())
    });
    terminal.press("y");
    // Longer than it ever sleeps while the time on the screen runs; longer still does no harm.
    std::thread::sleep(Duration::from_millis(2500));
    terminal.process.signal(Signal::CONT);
    terminal.wait_text("not confirmed");
    assert!(yard.runs().is_empty() && !yard.file("begun").exists());
    terminal.press("<esc>");
    terminal.wait_gone("Plan: ");
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
}

#[test]
fn a_key_pressed_amid_a_storm_does_not_wait_for_the_cancel_behind_it() {
    let yard = Yard::deploying(&format!("echo begun >> begun\n{UNTIL_GO}"));
    let terminal = previewed(&yard);
    for size in 0..40_u16 {
        terminal.resize(30 + size % 9, 110 + size % 13);
        terminal.send(b"\x1b[A");
    }
    terminal.resize(36, 120);
    // Heard where it was pressed: nothing is left to be read together with what comes later. Where
    // this machine is too busy that is said, and where the question has not been there for long.
    let behind = |screen: &str| screen.contains("the screen lagged") || screen.contains("press it once more");
    loop {
        terminal.press("y");
        terminal.wait_for("an answer", |screen| behind(screen) || !screen.contains("Plan: "));
        if !terminal.screen().contains("Plan: ") {
            break;
        }
        terminal.press("<enter>");
        terminal.wait_for("another question", |screen| screen.contains("press y to go ahead"));
        // A letter right behind another key is refused whatever became of it.
        std::thread::sleep(Duration::from_millis(300));
    }
    terminal.press("<esc>");
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
    assert_eq!(yard.runs().len(), 1);
}

#[test]
fn a_preview_is_not_started_once_the_configuration_has_changed() {
    let yard = Yard::deploying("echo begun >> begun");
    let terminal = previewed(&yard);
    let file = yard.file("flightdeck.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        format!("{config}\n[[freezes]]\nfrom = \"2020-01-01T00:00:00Z\"\nuntil = \"2199-01-01T00:00:00Z\"\n"),
    )
    .unwrap();
    yard.shell.flightdeck(&["trust"]).succeeded();
    // It is said before anybody confirms it, and again to whoever does.
    terminal.wait_text("▲ out of date: flightdeck.toml has changed");
    terminal.press_until("y", "why it was not started", |screen| screen.contains("this plan is out of date"));
    assert!(yard.runs().is_empty() && !yard.file("begun").exists());
}

#[test]
fn a_configuration_that_is_trusted_in_another_terminal_is_trusted_here() {
    let yard = Yard::deploying("true");
    let file = yard.file("flightdeck.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let terminal = Terminal::open(&yard.shell, 36, 120, &[]);
    terminal.wait_text("Timeline");
    std::fs::write(&file, format!("{config}\n# changed\n")).unwrap();
    terminal.wait_text("not trusted");
    yard.shell.flightdeck(&["trust"]).succeeded();
    terminal.wait_gone("not trusted");
}

#[test]
fn a_configuration_is_shown_before_it_is_written_and_trusted_as_it_was_read() {
    let world = World::new();
    let shell = world.repository("service");
    std::fs::write(shell.directory.join("Makefile"), "test:\n\ttrue\n").unwrap();
    let file = shell.directory.join("flightdeck.toml");
    let terminal = Terminal::open(&shell, 36, 120, &[]);
    terminal.wait_text("write one for this repository");
    terminal.press("I");
    terminal.wait_text("Write flightdeck.toml?");
    terminal.wait_for("where it goes and what it says", |screen| {
        screen.contains("service/flightdeck.toml") && screen.contains("[service]")
    });
    terminal.press("<esc>");
    terminal.wait_gone("Write flightdeck.toml?");
    assert!(!file.exists(), "nothing was agreed to");
    terminal.press("I");
    terminal.wait_text("Write flightdeck.toml?");
    terminal.press_until("y", "that it is trusted", |screen| screen.contains("✓ trusted"));
    assert!(std::fs::read_to_string(&file).unwrap().contains("[service]"));
    assert!(!shell.flightdeck(&["trust", "--show"]).stdout.contains("not trusted"));
}

#[test]
fn what_the_terminal_answers_is_never_taken_for_keys() {
    let world = World::new();
    let (shell, mut terminal) = cockpit(&world);
    let before = shell.json(&["status", "--json"])["timeline"].as_array().unwrap().len();
    // Each would quit, open something or write a note if its letters were keys.
    let replies: [&[u8]; 8] = [
        b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
        b"\x1b]10;rgb:cdcd/d6d6/f4f4\x07",
        b"\x1b]52;c;nfq?\x1b\\",
        b"\x1bP>|nfq? terminal(1.0)\x1b\\",
        b"\x1bP1+r544e=787465726d\x1b\\",
        b"\x1b_Gi=31;nfq?\x1b\\",
        b"\x1b[?2026;2$y",
        b"\x1b[?62;22c\x1b[12;40R\x1b[>1;4600;0c",
    ];
    for (number, reply) in replies.into_iter().enumerate() {
        terminal.send(reply);
        for cut in [2, 3, reply.len() / 2, reply.len() - 1] {
            let (head, tail) = reply.split_at(cut);
            terminal.send(head);
            // Between the halves the cockpit draws: it has been awake.
            terminal.resize(36, 121 + (number * 4 + cut) as u16 % 5 * 2);
            terminal.send(tail);
        }
    }
    terminal.resize(36, 120);
    // It hears keys behind them, and nothing is open.
    terminal.press("?");
    terminal.wait_text("Everywhere");
    terminal.press("<esc>");
    terminal.wait_gone("Everywhere");
    terminal.wait_text("Timeline");
    let screen = terminal.screen();
    for opened in ["write a note", "Error log", "find a command"] {
        assert!(!screen.contains(opened), "{screen}");
    }
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
    let after = shell.json(&["status", "--json"])["timeline"].as_array().unwrap().len();
    assert_eq!(after, before);
}

#[test]
fn what_is_typed_on_the_start_screen_is_read_at_the_time_it_is_typed() {
    let world = World::new();
    let shell = world.repository("service");
    let terminal = Terminal::open(&shell, 36, 120, &[]);
    terminal.wait_text("Declare an incident");
    let shown = jiff::Timestamp::now();
    super::world::wait_until("time to pass", || {
        (jiff::Timestamp::now().duration_since(shown).as_millis() > 2500).then_some(())
    });
    let typed = jiff::Timestamp::now();
    terminal.press("D");
    terminal.wait_text("What is broken");
    terminal.press("Nobody can log in<enter>");
    terminal.wait_text("cannot tell");
    terminal.press("0");
    terminal.wait_text("Since when");
    terminal.press("-1s");
    terminal.wait_text("(1s ago)");
    terminal.press("<enter>");
    terminal.wait_text("Who is affected");
    terminal.press("<enter>");
    terminal.wait_text("INC-");
    let began =
        shell.json(&["status", "--json"])["incident"]["started_at"].as_str().unwrap().parse().unwrap();
    assert!(typed.duration_since(began).as_millis() <= 2000, "{typed} {began}");
}

//! The cockpit among faults and hostile input: each is told on the screen, and none ends it,
//! runs anything or reaches the terminal.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;

use super::conductor::{CONFIG, UNTIL_GO, Yard, lines};
use super::terminal::Terminal;
use super::world::{Shell, World, wait_until};

fn open(shell: &Shell) -> Terminal {
    Terminal::open(shell, 36, 120, &[])
}

/// Opens the plan that deploys to the first environment.
fn preview(terminal: &Terminal) {
    super::conductor::ready(terminal);
    terminal.press("ds");
    // The timeline may name the script, too.
    let is_there = |screen: &str| screen.contains("Plan: ") && screen.contains("./deploy.sh");
    terminal.wait_for("the plan", is_there);
}

/// Confirms it.
fn go_ahead(terminal: &Terminal) {
    terminal.press_until("y", "the plan to start", |screen| !screen.contains("Plan: "));
}

#[test]
fn a_journal_that_cannot_be_used_is_told_before_the_screen_changes() {
    let world = World::new();
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
    let journal = world.path("state/journal.db");
    let database = rusqlite::Connection::open(&journal).unwrap();
    database.pragma_update(None, "user_version", 9999).unwrap();
    drop(database);
    let mut newer = open(&shell);
    assert_eq!(newer.wait_end().code(), Some(1));
    newer.wait_text("a newer flightdeck wrote it");

    std::fs::write(&journal, "a diary, and no database at all").unwrap();
    let mut foreign = open(&shell);
    assert_eq!(foreign.wait_end().code(), Some(1));
    foreign.wait_text("it is not a journal");
    assert!(!newer.is_full_screen() && !foreign.is_full_screen());
}

#[test]
fn it_opens_on_a_configuration_with_mistakes_and_points_at_them() {
    let world = World::new();
    let shell = world.repository("api");
    for (text, said) in [
        ("[service\nname = \"x\"\n", "unclosed table"),
        ("[servcie]\nname = \"x\"\n", "did you mean `service`?"),
        ("[[environments]]\nname = 5\ndeploy = [\"true\"]\n", "wrong type for `name`"),
        ("[[probes]]\nname = \"api\"\nurl = \"localhost:80/\"\n", "the address has no scheme"),
        (
            "[[checks]]\nname = \"a\"\ncommand = [\"true\"]\n[[checks]]\nname = \"a\"\ncommand = [\"true\"]\n",
            "duplicate name",
        ),
        ("[[checks]]\nname = \"a\"\ncommand = []\n", "command"),
    ] {
        std::fs::write(shell.directory.join("flightdeck.toml"), text).unwrap();
        let mut terminal = open(&shell);
        terminal.wait_text("1 problem");
        terminal.press("e");
        terminal.wait_text(said);
        terminal.wait_text("-->");
        terminal.press("<esc>");
        terminal.wait_text("Declare an incident");
        terminal.press("q");
        assert_eq!(terminal.wait_end().code(), Some(0), "{text}");
    }
}

#[test]
fn a_configuration_that_changes_while_it_is_read_is_read_again_before_it_is_trusted() {
    let world = World::new();
    let shell = world.repository("api");
    let check = |name: &str| format!("[[checks]]\nname = \"unit\"\ncommand = [\"touch\", \"{name}\"]\n");
    let write = |name: &str| std::fs::write(shell.directory.join("flightdeck.toml"), check(name)).unwrap();
    let trusted = || {
        let shown = shell.flightdeck(&["trust", "--show"]).succeeded().stdout;
        !shown.contains("not trusted: content")
    };
    write("harmless");
    let mut terminal = open(&shell);
    terminal.wait_text("not trusted");
    terminal.press("T");
    terminal.wait_text("touch harmless");
    write("harmful");
    terminal.wait_text("touch harmful");
    terminal.wait_text("changed while this was open");
    terminal
        .press_until("y", "it has been read", |screen| !screen.contains("changed while this was open. Read"));
    assert!(!trusted(), "the key was meant for what stood there before");
    terminal
        .press_until("y", "the content that is shown is trusted", |screen| !screen.contains("touch harmful"));
    wait_until("it is trusted", || trusted().then_some(()));
    terminal.press("q");
    terminal.wait_end();
}

#[test]
fn of_two_open_incidents_one_is_chosen() {
    let world = World::new();
    let shell = world.repository("api");
    for title in ["The older one", "The newer one"] {
        shell.flightdeck(&["declare", title, "--severity", "P1"]).succeeded();
    }
    let terminal = open(&shell);
    terminal.wait_text("The older one");
    terminal.wait_text("The newer one");
    assert!(!terminal.screen().contains("Timeline"), "neither is guessed");
    terminal.press("<down><down><enter>");
    terminal.wait_text("Timeline");
    terminal.wait_text("The older one");
}

#[test]
fn an_incident_that_is_declared_elsewhere_comes_onto_the_start_screen() {
    let world = World::new();
    let shell = world.repository("api");
    let terminal = open(&shell);
    terminal.wait_text("No incident was declared");
    shell.flightdeck(&["declare", "Checkout answers 500", "--severity", "P1"]).succeeded();
    terminal.wait_text("Checkout answers 500");
    terminal.press("<down><enter>");
    terminal.wait_text("Timeline");
    shell.flightdeck(&["declare", "No mail goes out", "--severity", "P2"]).succeeded();
    terminal.wait_text("another incident is open: INC-");
}

#[test]
fn where_there_is_no_repository_the_record_belongs_to_the_directory() {
    let world = World::new();
    let places = ["here", "there"].map(|name| {
        std::fs::create_dir(world.path(name)).unwrap();
        world.shell(&world.path(name)).with("FLIGHTDECK_USER", "Maya")
    });
    let terminal = open(&places[0]);
    terminal.wait_text("none here or above");
    terminal.press("D");
    terminal.wait_text("What is broken");
    terminal.press("The mail is down<enter>");
    terminal.wait_text("✓ title");
    terminal.press("y");
    terminal.wait_text("Since when");
    terminal.press("<c-u><enter><enter>");
    terminal.wait_text("INC-");
    open(&places[0]).wait_text("The mail is down");
    open(&places[1]).wait_text("No incident was declared");
}

#[test]
fn what_a_command_prints_stays_in_its_own_terminal() {
    let script = r"printf '\033]52;c;eA==\007\033]0;mine now\007\033[?1049l\033[?25h\033[1;1HOVER\033[99;99Hx'
printf '\033[2J\033[Hsafe \342\200\256txt.exe \377\376 \033[31mred\033[0m\n'
printf 'really? '
read answer
exit 1";
    let yard = Yard::deploying(script);
    let terminal = open(&yard.shell);
    preview(&terminal);
    go_ahead(&terminal);
    terminal.wait_text("really?");
    terminal.press("5<enter>");
    terminal.wait_gone("Timeline");
    terminal.wait_text("safe <U+202E>txt.exe");
    let screen = terminal.screen();
    assert!(!screen.contains('\u{202E}') && !screen.contains("OVER"), "{screen}");
    assert!(terminal.is_full_screen());
    assert_eq!(terminal.copied(), [""; 0], "nothing was copied");
    terminal.press("<esc>");
    terminal.wait_text("Timeline");
    // It waits for an answer, and says so by running on; the answer reaches it.
    yard.shell
        .run("sh", &["-c", &format!("echo no | {} run attach deploy-staging-1.0", super::world::PROGRAM)]);
    assert_eq!(yard.wait_run("deploy-staging-1.0", "exited")["code"], 1);
    terminal.wait_text("✗ deploy main to staging");
}

#[test]
fn a_line_without_end_leaves_the_screen_live() {
    let yard =
        Yard::deploying(&format!("head -c 60000000 /dev/zero | tr '\\0' x\necho\necho over\n{UNTIL_GO}"));
    let terminal = open(&yard.shell);
    preview(&terminal);
    go_ahead(&terminal);
    terminal.wait_text("xxxxxxxx");
    terminal.press("?");
    terminal.wait_text("Everywhere");
    terminal.press("<esc>");
    terminal.wait_text("over");
    let status = std::fs::read_to_string(format!("/proc/{}/status", terminal.process.0.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 200_000, "{peak} kB of memory");
    yard.go();
    terminal.wait_text("✓ deploy main to staging");
}

#[test]
fn what_cannot_start_says_so_and_has_not_failed() {
    let yard = Yard::deploying("true");
    let deploy = yard.file("deploy.sh");
    std::fs::set_permissions(&deploy, std::fs::Permissions::from_mode(0o644)).unwrap();
    let terminal = open(&yard.shell);
    preview(&terminal);
    go_ahead(&terminal);
    terminal.wait_text("did not start");
    assert_eq!(yard.wait_run("deploy-staging-1.0", "did-not-start")["code"], serde_json::Value::Null);
    std::fs::remove_file(&deploy).unwrap();
    preview(&terminal);
    go_ahead(&terminal);
    yard.wait_run("deploy-staging-2.0", "did-not-start");
}

#[test]
fn what_is_pasted_confirms_nothing() {
    let config = format!(
        "{CONFIG}[[environments]]\nname = \"production\"\nprotected = true\ndeploy = [\"./deploy.sh\"]\n"
    );
    let yard = Yard::new(&config, "echo begun >> begun");
    let terminal = open(&yard.shell);
    preview(&terminal);
    terminal.send(b"\x1b[200~y\ry\r\n\x1b[201~");
    terminal.press("<up>");
    terminal.press("<esc>");
    terminal.wait_gone("Plan: ");
    terminal.press("dp");
    terminal.wait_text("deploy main to production");
    terminal.send(b"\x1b[200~production\r\x1b[201~");
    terminal.press("<esc>");
    terminal.wait_gone("Plan: ");
    // The screen has taken in all of that, and nothing has begun.
    terminal.press("?");
    terminal.wait_text("Everywhere");
    assert!(yard.runs().is_empty() && !yard.file("begun").exists());
}

#[test]
fn two_cockpits_that_confirm_at_once_make_one_deploy() {
    let yard = Yard::deploying(&format!("echo begun >> begun\n{UNTIL_GO}"));
    let other = yard.shell.clone().with("FLIGHTDECK_USER", "Omar");
    let terminals = [open(&yard.shell), open(&other)];
    for terminal in &terminals {
        preview(terminal);
    }
    // Whoever is refused keeps the plan on the screen, and is told who was first.
    let told = |screen: &str| screen.contains("is held by") || screen.contains("is taken: ");
    std::thread::scope(|scope| {
        for terminal in &terminals {
            scope.spawn(move || {
                let settled = |screen: &str| told(screen) || !screen.contains("Plan: ");
                terminal.press_until("y", "the plan to start or be refused", settled);
            });
        }
    });
    let refused: Vec<_> = terminals.iter().filter(|terminal| told(&terminal.screen())).collect();
    assert_eq!(refused.len(), 1, "one of them was first");
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
    assert_eq!((lines(&yard.file("begun")), yard.runs().len()), (1, 1));
}

#[test]
fn it_ends_on_a_terminal_that_is_not_read_while_a_plan_goes_on() {
    let yard = Yard::deploying(&format!("echo begun\n{UNTIL_GO}"));
    let mut terminal = open(&yard.shell);
    preview(&terminal);
    go_ahead(&terminal);
    yard.wait_output("deploy-staging-1.0", "begun");
    terminal.wait_text("begun");
    terminal.hold(true);
    // More frames than the pipe behind a terminal holds.
    for step in 0..100_u16 {
        terminal.resize(20 + step % 30, 80 + step % 90);
        yard.wait_run("deploy-staging-1.0", "running");
    }
    terminal.process.signal(rustix::process::Signal::TERM);
    assert_eq!(terminal.wait_end().signal(), Some(rustix::process::Signal::TERM.as_raw()));
    yard.go();
    yard.wait_run("deploy-staging-1.0", "exited");
}

#[test]
fn it_ends_when_the_other_end_of_its_terminal_is_closed() {
    let world = World::new();
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
    let (pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(36, 120)).unwrap();
    let child = pty_process::blocking::Command::new(super::world::PROGRAM)
        .current_dir(&shell.directory)
        .env_clear()
        .envs(shell.variables.iter().map(|(name, value)| (name, value)))
        .spawn(pts)
        .unwrap();
    let mut cockpit = super::world::Running(child);
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("Down") {
        let mut buffer = [0; 4096];
        let count = std::io::Read::read(&mut &pty, &mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..count]);
    }
    drop(pty);
    cockpit.wait("the cockpit whose terminal is gone");
}

/// A repository in which everything that git can be told to run leaves a mark.
fn trapped(world: &World) -> Shell {
    let shell = world.repository("api");
    let trap = world.path("trap.sh");
    let mark = world.path("sprung");
    std::fs::write(&trap, format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", mark.display())).unwrap();
    std::fs::set_permissions(&trap, std::fs::Permissions::from_mode(0o755)).unwrap();
    let trap = trap.to_str().unwrap();
    for (name, value) in [
        ("core.fsmonitor", trap),
        ("core.sshCommand", trap),
        ("core.pager", trap),
        ("core.editor", trap),
        ("core.hooksPath", "hooks"),
        ("credential.helper", &format!("!{trap}")),
        ("diff.external", trap),
        ("diff.trap.textconv", trap),
        ("diff.trap.command", trap),
        ("filter.trap.clean", trap),
        ("filter.trap.smudge", trap),
        ("filter.trap.process", trap),
        ("remote.origin.url", &format!("ext::{trap}")),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("gpg.program", trap),
        ("log.showSignature", "true"),
    ] {
        shell.run("git", &["config", name, value]).succeeded();
    }
    std::fs::create_dir(shell.directory.join("hooks")).unwrap();
    for hook in
        ["post-checkout", "post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-commit"]
    {
        std::os::unix::fs::symlink(trap, shell.directory.join("hooks").join(hook)).unwrap();
    }
    std::fs::write(shell.directory.join(".gitattributes"), "* filter=trap diff=trap\n").unwrap();
    std::fs::write(shell.directory.join("README.md"), "changed\n").unwrap();
    let config = format!(
        "[[checks]]\nname = \"a\"\ncommand = [\"{trap}\"]\n[[probes]]\nname = \"p\"\ncommand = [\"{trap}\"]\ninterval = \"1s\"\ntimeout = \"1s\"\n"
    );
    std::fs::write(shell.directory.join("flightdeck.toml"), config).unwrap();
    shell
}

#[test]
fn looking_around_in_a_hostile_repository_runs_nothing() {
    let world = World::new();
    let shell = trapped(&world);
    for arguments in [
        &["declare", "Down", "--severity", "P0"][..],
        &["status"],
        &["hotfix", "status"],
        &["report"],
        &["init", "--print"],
        &["config", "check"],
        &["trust", "--show"],
        &["doctor"],
        &["history"],
    ] {
        shell.flightdeck(arguments);
    }
    shell.flightdeck(&["test"]).ended_with(4);
    shell.flightdeck(&["probe"]).ended_with(4);
    let mut terminal = open(&shell);
    terminal.wait_text("changed");
    terminal.wait_text("not trusted");
    for keys in ["1", "2", "3z", "z", "4", "5", "?", "<esc>", "t", "<esc>", "h", "<esc>", ":", "<esc>"] {
        terminal.press(keys);
    }
    // A change that is noticed is read in the same way.
    std::fs::write(shell.directory.join("another"), "").unwrap();
    terminal.wait_text("5 changed");
    terminal.process.signal(rustix::process::Signal::TERM);
    terminal.wait_end();
    let sprung = std::fs::read_to_string(world.path("sprung")).unwrap_or_default();
    assert_eq!(sprung, "");
    shell.run("git", &["status"]);
    assert!(world.path("sprung").exists(), "the traps are set");
}

#[test]
fn a_branch_name_reaches_a_command_as_one_argument() {
    let yard = Yard::deploying("printf '%s\\n' \"$#\" \"$1\" > got");
    let name = "$(touch${IFS}made);'\"&|x";
    yard.shell.run("git", &["branch", name]).succeeded();
    yard.shell.flightdeck(&["deploy", "staging", "--ref", name]).succeeded();
    assert_eq!(std::fs::read_to_string(yard.file("got")).unwrap(), format!("2\n{name}\n"));
    assert!(!yard.file("made").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_shown_and_harm_nothing() {
    let world = World::new();
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
    let head = shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout;
    let odd = [format!("{} refs/heads/odd-", head.trim()).as_bytes(), b"\xff\xfe\n"].concat();
    std::fs::write(shell.directory.join(".git/packed-refs"), odd).unwrap();
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"file-\xff\x1b[2J".to_vec());
    std::fs::write(shell.directory.join(name), "").unwrap();
    let status = shell.flightdeck(&["status"]).succeeded();
    assert!(!status.stdout.contains('\x1b'), "{}", status.stdout);
    let mut terminal = open(&shell);
    terminal.wait_text("Timeline");
    terminal.wait_text("1 changed");
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
}

//! What is called saved is in the journal at its path: whatever is done to its files, to the disk
//! it is on, and to what it holds.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::conductor::{UNTIL_GO, Yard};
use super::terminal::Terminal;
use super::world::{PROGRAM, Shell, World, wait_until};

fn open(shell: &Shell) -> Terminal {
    let terminal = Terminal::open(shell, 36, 140, &[]);
    terminal.wait_text("Timeline");
    terminal
}

fn declared(world: &World) -> Shell {
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
    shell
}

/// The files of the journal in the state directory.
fn journal_files(state: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

/// What is on a screen as one line of text, whatever is drawn around it.
fn flat(screen: &str) -> String {
    screen.replace(['│', '┃', '║', '┆'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a note with the keys.
fn note(terminal: &Terminal, text: &str) {
    terminal.press("n");
    terminal.wait_text("what should be remembered");
    terminal.press(&format!("{text}<enter>"));
}

const GONE: &str = "NOT SAVED";

#[test]
fn a_journal_that_is_taken_away_is_told_before_anything_is_written_and_gone_on_with_when_it_is_back() {
    let world = World::new();
    let shell = declared(&world);
    shell.flightdeck(&["note", "kept so far"]).succeeded();
    let terminal = open(&shell);
    terminal.wait_text("kept so far");
    let (state, away) = (world.path("state"), world.path("away"));
    std::fs::rename(&state, &away).unwrap();
    terminal.wait_text(GONE);
    terminal.wait_text("put the journal back");
    terminal.press("n");
    terminal.wait_text("nothing can be saved: the journal is gone");
    terminal.press("<esc>");
    terminal.wait_gone("can be saved");
    terminal.press("e");
    terminal.wait_text("keeping the journal");
    terminal.wait_for("what to do", |screen| flat(screen).contains("put the journal back"));
    terminal.press("<esc>");
    terminal.wait_gone("keeping the journal");
    // What the screen shows can be got to safety all the same.
    terminal.press("iR");
    terminal.wait_text("e export");
    terminal.press("e");
    let export = wait_until("the whole export", || {
        let mut files = std::fs::read_dir(&shell.directory).unwrap().map(|entry| entry.unwrap().path());
        let export = files.find(|path| path.extension().is_some_and(|ending| ending == "jsonl"))?;
        let text = std::fs::read_to_string(&export).ok()?;
        (text.ends_with('\n') && text.lines().count() == 2).then_some(export)
    });
    assert_eq!(export.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    terminal.press("<esc>");
    terminal.wait_gone("e export");
    assert!(!state.exists(), "nothing was made in its place");

    let elsewhere = shell.clone().with("FLIGHTDECK_STATE_DIR", world.path("elsewhere"));
    elsewhere.flightdeck(&["import", export.to_str().unwrap()]).succeeded();
    assert_eq!(elsewhere.json(&["status", "--json"])["timeline"][1]["text"], "kept so far");

    std::fs::rename(&away, &state).unwrap();
    terminal.wait_gone(GONE);
    note(&terminal, "saved again");
    terminal.wait_text("saved again");
    assert_eq!(shell.json(&["status", "--json"])["timeline"][2]["text"], "saved again");
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn nothing_is_shown_as_saved_whatever_became_of_the_files() {
    type Harm = fn(&World, &Shell);
    let harms: [(&str, Harm); 4] = [
        ("removed", |world, _| {
            for file in journal_files(&world.path("state")) {
                std::fs::remove_file(file).unwrap();
            }
        }),
        ("replaced by a new one", |world, shell| {
            std::fs::rename(world.path("state"), world.path("away")).unwrap();
            shell.flightdeck(&["declare", "Another", "--severity", "P0"]).succeeded();
        }),
        ("replaced by a backup", |world, shell| {
            let copy = world.path("copy");
            std::fs::create_dir(&copy).unwrap();
            for file in journal_files(&world.path("state")) {
                std::fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
            }
            shell.flightdeck(&["note", "since the backup"]).succeeded();
            for file in journal_files(&copy) {
                std::fs::rename(&file, world.path("state").join(file.file_name().unwrap())).unwrap();
            }
        }),
        ("the log of the database removed", |world, _| {
            std::fs::remove_file(world.path("state/journal.db-wal")).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let world = World::new();
        let shell = declared(&world);
        let terminal = open(&shell);
        // The question is on the screen when it happens: the answer to it must not be lost.
        terminal.press("n");
        terminal.press("not to be lost");
        terminal.wait_text("not to be lost");
        harm(&world, &shell);
        terminal.press("<enter>");
        terminal.wait_for(&format!("the loss to be told: {what}"), |screen| {
            flat(screen).contains("nothing of this was saved") && screen.contains("not to be lost")
        });
        terminal.wait_text(GONE);
        let kept = shell.flightdeck(&["export"]).stdout;
        assert!(!kept.contains("not to be lost"), "{what}");
    }
}

#[test]
fn a_verb_that_waited_for_a_journal_that_was_moved_meanwhile_has_saved_nothing() {
    let world = World::new();
    let shell = declared(&world);
    let said = wait_until("a verb to wait for the lock before the journal was moved", || {
        let said = moved_under_a_verb(&world, &shell);
        assert_eq!(shell.json(&["status", "--json"])["journal"]["records"], 1);
        // Moved before it was open, it is another matter.
        (!said.contains("opening the journal")).then_some(said)
    });
    assert!(
        said.contains("was removed or moved away") && said.contains("nothing of this was saved"),
        "{said}"
    );
}

/// Moves the journal away while a verb is at it, and back; what the verb said.
fn moved_under_a_verb(world: &World, shell: &Shell) -> String {
    let database = rusqlite::Connection::open(world.path("state/journal.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut command = shell.command(PROGRAM, &["note", "into nowhere"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let verb = command.spawn().unwrap();
    // It has the journal open, and waits for the lock.
    let files = PathBuf::from(format!("/proc/{}/fd", verb.id()));
    wait_until("the verb to open the journal", || {
        let mut open =
            std::fs::read_dir(&files).ok()?.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok());
        open.any(|file| file.ends_with("journal.db-shm")).then_some(())
    });
    std::fs::rename(world.path("state"), world.path("away")).unwrap();
    database.execute_batch("ROLLBACK").unwrap();
    let ended = verb.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(1), &b""[..]), "{said}");
    drop(database);
    std::fs::rename(world.path("away"), world.path("state")).unwrap();
    said
}

/// A small disk of its own that can be filled up: a file system in memory where the system lets
/// us have one, and else a limit on the size of files.
struct SmallDisk {
    path: PathBuf,
    mounted: bool,
}

impl SmallDisk {
    fn at(path: PathBuf) -> Self {
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m,mode=700", "flightdeck-test"])
            .arg(&path)
            .stderr(Stdio::null())
            .status();
        let mounted = mount.is_ok_and(|status| status.success());
        Self { path, mounted }
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.path.join("ballast")).unwrap();
        for size in [64 << 10, 4096, 1] {
            while std::io::Write::write_all(&mut file, &vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = std::process::Command::new("umount").arg("-l").arg(&self.path).status();
        }
    }
}

#[test]
fn a_cockpit_opened_on_a_full_disk_is_writable_again_when_there_is_room() {
    use super::conductor::pid;
    use rustix::process::{Resource, Rlimit, prlimit};

    let world = World::new();
    let disk = SmallDisk::at(world.path("state"));
    let shell = declared(&world);
    shell.flightdeck(&["note", "before"]).succeeded();
    let no_room = if disk.mounted { "the disk is full" } else { "cannot be written" };
    let terminal = if disk.mounted {
        disk.fill();
        open(&shell)
    } else {
        // Files may not grow at all: the index of the write-ahead log cannot be made.
        let line = format!("trap '' XFSZ; ulimit -f 0; exec {PROGRAM}");
        let terminal = Terminal::open_program(&shell, 36, 140, "sh", &["-c", &line]);
        terminal.wait_text("Timeline");
        terminal
    };
    terminal.wait_text("before");
    terminal.wait_text("read-only");
    terminal.press("n");
    terminal.wait_text(no_room);
    terminal.press("<esc><esc>");
    // A key that came right behind it would be read with it.
    terminal.wait_gone(no_room);
    if disk.mounted {
        shell.flightdeck(&["note", "no room"]).ended_with(1).said(no_room).said("make room");
        disk.make_room();
    } else {
        let free = Rlimit { current: None, maximum: None };
        prlimit(Some(pid(terminal.process.0.id())), Resource::Fsize, free).unwrap();
    }
    terminal.wait_gone("read-only");
    note(&terminal, "room again");
    terminal.wait_text("room again");
    shell.flightdeck(&["note", "for verbs too"]).succeeded();
    terminal.wait_text("for verbs too");
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn advice_names_what_stands_in_the_way() {
    let world = World::new();
    let disk = SmallDisk::at(world.path("state"));
    let shell = declared(&world);
    if disk.mounted {
        let remount = |how: &str| {
            let options = format!("remount,{how}");
            let status = std::process::Command::new("mount").args(["-o", &options]).arg(&disk.path).status();
            assert!(status.unwrap().success());
        };
        remount("ro");
        shell.flightdeck(&["note", "x"]).ended_with(1).said("mounted read-only").said("mount it writable");
        shell.flightdeck(&["status"]).succeeded();
        // The report can be saved elsewhere; that it was is not on record.
        let report = world.path("report.md");
        let saved = shell.flightdeck(&["report", "--out", report.to_str().unwrap()]).succeeded();
        assert!(report.is_file() && saved.stderr.contains("the record does not say"), "{saved:?}");
        let terminal = open(&shell);
        terminal.wait_text("read-only");
        remount("rw");
        terminal.wait_gone("read-only");
        return;
    }
    // Without the right to mount there are permissions that bind us.
    let journal = world.path("state/journal.db");
    std::fs::set_permissions(&journal, std::fs::Permissions::from_mode(0o400)).unwrap();
    shell.flightdeck(&["note", "x"]).ended_with(1).said("no permission to write").said("chmod");
    let report = world.path("report.md");
    let saved = shell.flightdeck(&["report", "--out", report.to_str().unwrap()]).succeeded();
    assert!(report.is_file() && saved.stderr.contains("the record does not say"), "{saved:?}");
    std::fs::set_permissions(&journal, std::fs::Permissions::from_mode(0o600)).unwrap();
    shell.flightdeck(&["note", "x"]).succeeded();
}

#[test]
fn what_is_shown_must_follow_from_the_records() {
    let shorter = "DELETE FROM record WHERE place = (SELECT max(place) FROM record);
        UPDATE chain SET records = records - 1,
            head = (SELECT hash FROM record ORDER BY place DESC LIMIT 1),
            head_id = (SELECT id FROM record ORDER BY place DESC LIMIT 1),
            wall_ms = (SELECT CAST(bytes AS TEXT) ->> 'wall' FROM record ORDER BY place DESC LIMIT 1),
            count = (SELECT CAST(bytes AS TEXT) ->> 'count' FROM record ORDER BY place DESC LIMIT 1)";
    let all = "DELETE FROM record; DELETE FROM chain; DELETE FROM landmark; DELETE FROM incident";
    let harms = [
        ("UPDATE incident SET title = 'All is well'", "the title \"All is well\""),
        ("UPDATE incident SET status = 'closed'", "the status \"closed\""),
        ("UPDATE incident SET severity = 'P3'", "the severity \"P3\""),
        ("UPDATE incident SET repository = '/elsewhere/.git'", "the repository \"/elsewhere/.git\""),
        ("UPDATE incident SET number = 'INC-2020-0001'", "the number \"INC-2020-0001\""),
        ("UPDATE incident SET declared_ms = declared_ms - 3600000", "declared at another time"),
        ("UPDATE chain SET wall_ms = wall_ms + 86400000", "of another time"),
        ("DELETE FROM landmark", "index of releases"),
        (all, "the incident is not here"),
        (shorter, "and ended with it; the chain has "),
    ];
    let yard = Yard::deploying("true");
    let shell = &yard.shell;
    shell.flightdeck(&["title", "Nobody can log in"]).succeeded();
    shell.flightdeck(&["deploy", "staging"]).succeeded();
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    shell.flightdeck(&["verify"]).succeeded();
    for (harm, said) in harms {
        let state = yard.world.path("harmed");
        copy_state(&yard.world.path("state"), &state);
        rusqlite::Connection::open(state.join("journal.db")).unwrap().execute_batch(harm).unwrap();
        let harmed = shell.clone().with("FLIGHTDECK_STATE_DIR", &state);
        let verified = harmed.flightdeck(&["verify"]).ended_with(1);
        assert!(verified.stdout.contains(said), "{harm}: {}", verified.stdout);
        let found = harmed.flightdeck(&["verify", "--json"]).ended_with(1);
        let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
        assert!(!found["bad"].is_null(), "{harm}");
        std::fs::remove_dir_all(&state).unwrap();
    }
}

/// Copies journal and heads of a state directory that nobody has open.
fn copy_state(from: &Path, to: &Path) {
    for directory in [to, &to.join("heads")] {
        std::fs::create_dir(directory).unwrap();
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    for file in journal_files(from) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
    for file in journal_files(&from.join("heads")) {
        std::fs::copy(&file, to.join("heads").join(file.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_report_that_was_kept_tells_whether_the_journal_still_holds_its_records() {
    let world = World::new();
    let shell = declared(&world);
    shell.flightdeck(&["note", "one"]).succeeded();
    let omar = shell.clone().with("FLIGHTDECK_USER", "Omar | `x`");
    omar.flightdeck(&["note", "two"]).succeeded();
    let report = world.path("report.md");
    let report = report.to_str().unwrap();
    shell.flightdeck(&["report", "--out", report]).succeeded();
    shell.flightdeck(&["verify", "--report", report]).succeeded();
    // What came since is no contradiction.
    shell.flightdeck(&["note", "since the report"]).succeeded();
    shell.flightdeck(&["verify", "--report", report]).succeeded();

    // A journal made anew of all but what Omar said is sound by itself.
    let export = shell.flightdeck(&["export"]).succeeded().stdout;
    let kept: String = export.split_inclusive('\n').filter(|line| !line.contains("\"two\"")).collect();
    std::fs::write(world.path("kept.jsonl"), kept).unwrap();
    let anew = shell.clone().with("FLIGHTDECK_STATE_DIR", world.path("anew"));
    anew.flightdeck(&["import", world.path("kept.jsonl").to_str().unwrap()]).succeeded();
    anew.flightdeck(&["verify"]).succeeded();
    let verified = anew.flightdeck(&["verify", "--report", report]).ended_with(1);
    assert!(
        verified.stdout.contains("report.md") && verified.stdout.contains("it is missing"),
        "{}",
        verified.stdout
    );

    // So is one in which nothing ever happened.
    let empty = shell.clone().with("FLIGHTDECK_STATE_DIR", world.path("empty"));
    empty.flightdeck(&["verify"]).succeeded();
    empty.flightdeck(&["verify", "--report", report]).ended_with(1);
    shell.flightdeck(&["verify", "--report", "/no/such/report"]).ended_with(2).said("/no/such/report");
    let readme = shell.directory.join("README.md");
    shell.flightdeck(&["verify", "--report", readme.to_str().unwrap()]).ended_with(2).said("names no chains");
}

#[test]
fn a_state_directory_that_is_open_to_others_is_closed_or_refused() {
    let world = World::new();
    let shell = declared(&world);
    let state = world.path("state");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for (open, said) in [(0o755, "now it is closed"), (0o777, "run flightdeck verify")] {
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(open)).unwrap();
        shell.flightdeck(&["note", "x"]).succeeded().said("open to others").said(said);
        assert_eq!(mode(&state), 0o700);
        assert_eq!(shell.flightdeck(&["note", "x"]).succeeded().stderr, "");
    }
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
    open(&shell);
    assert_eq!(mode(&state), 0o700);

    // One that belongs to somebody else: made so where we may, and else one that is so anyway.
    let theirs = world.path("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o755)).unwrap();
    let given = std::os::unix::fs::chown(&theirs, Some(65_534), None).is_ok();
    let theirs = if given { theirs } else { PathBuf::from("/usr") };
    let refused = shell.clone().with("FLIGHTDECK_STATE_DIR", &theirs);
    for verb in [&["status"][..], &["declare", "x", "--severity", "P0"], &["trust", "--show"], &["verify"]] {
        refused.flightdeck(verb).ended_with(1).said("belongs to another user").said("FLIGHTDECK_STATE_DIR");
    }
    assert!(!theirs.join("journal.db").exists());
}

#[test]
fn files_that_hold_the_record_are_readable_by_their_owner_only() {
    let world = World::new();
    let shell = declared(&world);
    let private_at = |file: &Path| {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    };
    let private = |name: &str| private_at(&shell.directory.join(name));
    std::fs::write(shell.directory.join("there.md"), "an old one").unwrap();
    for name in ["new.md", "there.md"] {
        let line = format!("umask 000; exec {PROGRAM} report --out {name}");
        shell.run("sh", &["-c", &line]).succeeded();
        private(name);
    }
    let line = format!("umask 000; exec {PROGRAM}");
    let terminal = Terminal::open_program(&shell, 36, 140, "sh", &["-c", &line]);
    terminal.wait_text("Timeline");
    terminal.press("iR");
    terminal.wait_text("e export");
    let number = shell.json(&["history", "--json"])[0]["id"].as_str().unwrap().to_owned();
    // Beside the journal, where the view says; never in the work tree.
    let files = |directory: &Path| std::fs::read_dir(directory).unwrap().count();
    let before = files(&shell.directory);
    for (key, name) in [("s", format!("{number}.md")), ("e", format!("{number}.jsonl"))] {
        terminal.press(key);
        let file = world.path("state/reports").join(&name);
        wait_until("the file", || file.exists().then_some(()));
        private_at(&file);
        let told: String = file.to_string_lossy().split_whitespace().collect();
        terminal.wait_for("where it went", |screen| {
            let flat: String = screen.split_whitespace().collect();
            flat.replace('│', "").contains(&told)
        });
    }
    assert_eq!(files(&shell.directory), before);
}

#[test]
fn a_log_that_lost_lines_to_a_full_disk_says_how_many() {
    const LINES: usize = 600_000;
    let yard = Yard::deploying(&format!("echo ready\n{UNTIL_GO}seq 1 {LINES}"));
    let runs = yard.world.path("state/runs");
    std::fs::create_dir(&runs).unwrap();
    let disk = SmallDisk::at(runs);
    yard.deploy_on_a_disk_that_will_be_full();
    yard.wait_output("deploy-staging-1.0", "ready");
    let why = if disk.mounted {
        "the disk was full"
    } else {
        yard.limit_files(super::conductor::FULL);
        "File too large"
    };
    yard.go();
    if !disk.mounted {
        // The journal is to be written to all the same, once the log has lost what it has to.
        let note = "outcome.json";
        wait_until("the end of the run", || {
            let incident = std::fs::read_dir(&disk.path).ok()?.next()?.ok()?.path();
            let note = std::fs::read_to_string(incident.join("deploy-staging-1.0").join(note)).ok()?;
            note.contains("\"code\":0").then_some(())
        });
        yard.limit_files(None);
    }
    assert_eq!(yard.wait_run("deploy-staging-1.0", "exited")["code"], 0);
    let log = yard.shell.flightdeck(&["run", "log", "deploy-staging-1.0"]).succeeded().stdout;
    let numbers = log.lines().filter(|line| line.trim().parse::<usize>().is_ok()).count();
    let lost: usize = log
        .lines()
        .filter_map(|line| line.strip_prefix("[flightdeck: ")?.split(' ').next()?.parse::<usize>().ok())
        .sum();
    assert!(log.contains(why), "{}", log.lines().last().unwrap_or_default());
    assert!(lost > 1000, "{lost} lines were lost");
    // Where a gap begins and ends a line may be broken in two.
    assert!(numbers.abs_diff(LINES - lost) <= 4, "{numbers} kept and {lost} lost of {LINES}");
}

#[test]
fn a_conductor_whose_journal_is_away_records_its_end_when_it_is_back() {
    let yard = Yard::deploying(&format!("echo working\n{UNTIL_GO}touch over\nexit 7"));
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "working");
    let state = yard.world.path("state");
    let journal: Vec<PathBuf> = journal_files(&state)
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("journal.db")))
        .collect();
    let away = |file: &Path| yard.world.path("tmp").join(file.file_name().unwrap());
    for file in &journal {
        std::fs::rename(file, away(file)).unwrap();
    }
    yard.go();
    let incident = std::fs::read_dir(state.join("runs")).unwrap().next().unwrap().unwrap().path();
    let note = incident.join("deploy-staging-1.0/outcome.json");
    wait_until("the note", || std::fs::read_to_string(&note).ok().filter(|text| text.contains("\"code\":7")));
    assert!(!state.join("journal.db").exists(), "no other journal is made in its place");
    for file in &journal {
        std::fs::rename(away(file), file).unwrap();
    }
    assert_eq!(yard.wait_run("deploy-staging-1.0", "exited")["code"], 7);
    yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_verb_that_ends_takes_no_log_away_from_an_open_cockpit() {
    let yard = Yard::deploying("true");
    let terminal = open(&yard.shell);
    // To look for a way back the cockpit has opened the journal once more, and closed it again.
    terminal.wait_text("rollback");
    yard.shell.flightdeck(&["note", "by a verb"]).succeeded();
    terminal.wait_text("by a verb");
    note(&terminal, "by the cockpit");
    terminal.wait_text("by the cockpit");
    let kept = yard.shell.flightdeck(&["export"]).succeeded().stdout;
    assert!(kept.contains("by a verb") && kept.contains("by the cockpit"), "{kept}");
}

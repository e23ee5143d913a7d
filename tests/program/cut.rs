//! Records that somebody with the same rights takes out of the journal, and lines that nobody wrote: `verify`
//! names them, whatever is written after it, and who looks on is told.

use std::path::Path;

use super::terminal::Terminal;
use super::world::{Shell, World, wait_until};

/// Takes the last record away, and sets its chain back to the one before it.
const CUT: &str = "
    DELETE FROM record WHERE place = (SELECT max(place) FROM record);
    UPDATE chain SET records = records - 1, (head, head_id, wall_ms, count) = (
        SELECT hash, id, json_extract(CAST(bytes AS TEXT), '$.wall'), json_extract(CAST(bytes AS TEXT), '$.count')
        FROM record ORDER BY place DESC LIMIT 1);";

const LOST: &str = "the journal no longer holds all that was written down there";

fn declared(world: &World) -> Shell {
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
    shell
}

/// Changes the journal with SQLite, as anybody can who may write the file. At one go: a cockpit that is open must not
/// look in between.
fn sql(state: &Path, sql: &str) {
    let sql = format!("BEGIN IMMEDIATE; {sql}; COMMIT;");
    rusqlite::Connection::open(state.join("journal.db")).unwrap().execute_batch(&sql).unwrap();
}

/// Copies the files of a journal, and not what is kept beside it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        if file.file_name().unwrap().to_str().unwrap().starts_with("journal.db") {
            std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
}

/// Puts the files of a journal in the place of others, and leaves what is kept beside them.
fn put_back(from: &Path, to: &Path) {
    for file in ["journal.db-wal", "journal.db-shm"] {
        std::fs::remove_file(to.join(file)).ok();
    }
    copy(from, to);
}

/// What is on a screen as one line of text, whatever is drawn around it.
fn flat(screen: &str) -> String {
    screen.replace(['│', '┃', '║', '┆'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn open(shell: &Shell, shown: &str) -> Terminal {
    let terminal = Terminal::open(shell, 36, 140, &[]);
    terminal.wait_text(shown);
    terminal
}

#[test]
fn a_chain_that_is_cut_and_goes_on_past_its_old_end_at_once_stays_cut() {
    let world = World::new();
    let shell = declared(&world);
    let state = world.path("state");
    for text in ["kept", "cut off", "cut off, too"] {
        shell.flightdeck(&["note", text]).succeeded();
    }
    let (whole, elsewhere) = (world.path("whole"), world.path("elsewhere"));
    copy(&state, &whole);
    // The same installation goes on from before the cut, further than the chain had come.
    copy(&state, &elsewhere);
    sql(&elsewhere, &CUT.repeat(2));
    let there = shell.clone().with("FLIGHTDECK_STATE_DIR", &elsewhere);
    for text in ["one", "two", "three", "four"] {
        there.flightdeck(&["note", text]).succeeded();
    }
    let export = there.flightdeck(&["export"]).succeeded().stdout;
    let last = shell.flightdeck(&["export"]).succeeded().stdout;
    let last: serde_json::Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    let last = last["id"].as_str().unwrap();

    sql(&state, &CUT.repeat(2));
    // Nobody brings it in as what was written here; whoever may write the file can put it there.
    shell.flightdeck_with(&["import", "-"], &export).ended_with(1).said("wrote records on this machine");
    put_back(&elsewhere, &state);
    for text in ["afterwards", "and again"] {
        shell.flightdeck(&["note", text]).succeeded().said(LOST).said("flightdeck verify");
        let verified = shell.flightdeck(&["verify"]).ended_with(1);
        assert!(verified.stdout.contains(last) && verified.stdout.contains("is missing"), "{verified:?}");
        // Two were cut off, and nobody has written down where the chain went on otherwise.
        let counts =
            "had 4 records and ended with it; another stands in its place: at least 1 record is missing";
        assert!(verified.stdout.contains(counts), "{verified:?}");
    }

    // Put back as it was, it is sound again, and what was written after the cut is what is missing.
    let heads = std::fs::read_dir(state.join("heads")).unwrap().next().unwrap().unwrap().path();
    let kept = std::fs::read_to_string(&heads).unwrap();
    assert!(kept.contains("\"lost\""), "{kept}");
    put_back(&whole, &state);
    shell.flightdeck(&["verify"]).ended_with(1);
    // Whoever has looked at it, and does without them, takes the file away.
    std::fs::remove_file(&heads).unwrap();
    shell.flightdeck(&["verify"]).succeeded();
    let noted = shell.flightdeck(&["note", "goes on"]).succeeded();
    assert_eq!(noted.stderr, "");
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_cut_journal_that_is_put_back_is_sound_again() {
    let world = World::new();
    let shell = declared(&world);
    shell.flightdeck(&["note", "cut off"]).succeeded();
    let export = shell.flightdeck(&["export"]).succeeded().stdout;
    sql(&world.path("state"), CUT);
    let colleague = shell.clone().with("FLIGHTDECK_USER", "Omar");
    colleague.flightdeck(&["note", "in its place"]).succeeded().said(LOST);
    let verified = shell.flightdeck(&["verify"]).ended_with(1);
    let counts = "had 2 records and ended with it; the chain has 1 here: at least 1 record is missing";
    assert!(verified.stdout.contains(counts), "{verified:?}");
    shell.flightdeck_with(&["import", "-"], &export).succeeded();
    shell.flightdeck(&["verify"]).succeeded();
    let noted = shell.flightdeck(&["note", "goes on"]).succeeded();
    assert_eq!(noted.stderr, "");
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_cockpit_whose_journal_is_cut_says_so_and_shows_what_is_there() {
    let world = World::new();
    let shell = declared(&world);
    for text in ["stays here", "cut off first", "cut off then"] {
        shell.flightdeck(&["note", text]).succeeded();
    }
    let terminal = open(&shell, "cut off then");
    // The tail goes, and as many notes of a colleague come as went.
    sql(&world.path("state"), &CUT.repeat(2));
    let colleague = shell.clone().with("FLIGHTDECK_USER", "Omar");
    colleague.flightdeck(&["note", "by Omar, one"]).succeeded();
    colleague.flightdeck(&["note", "by Omar, two"]).succeeded();
    terminal.wait_for("what is there, and an error", |screen| {
        ["stays here", "by Omar, one", "by Omar, two", "✗ 1 error"].iter().all(|text| screen.contains(text))
            && !screen.contains("cut off")
            && screen.contains("2 records that were shown are gone")
    });
    terminal.press("e");
    terminal.wait_for("the error log with what is gone, the newest first", |screen| {
        let screen = flat(screen);
        let gone = screen.find("note by Maya: cut off then");
        let gone = gone.zip(screen.find("note by Maya: cut off first"));
        screen.contains("no longer holds all records")
            && screen.contains("2 records that were shown are gone, the newest first")
            && gone.is_some_and(|(newest, older)| newest < older)
            && screen.contains("all that is left of them")
            && screen.contains("run flightdeck verify")
            && !screen.contains("stays here")
    });
    terminal.press("<esc>");
    terminal.wait_gone("run flightdeck verify");
    // It goes on from there.
    terminal.press("n");
    terminal.wait_text("what should be remembered");
    terminal.press("goes on<enter>");
    wait_until("the note to be saved", || {
        shell.flightdeck(&["export"]).succeeded().stdout.contains("goes on").then_some(())
    });
    colleague.flightdeck(&["note", "by Omar, three"]).succeeded();
    terminal.wait_for("both", |screen| screen.contains("goes on") && screen.contains("by Omar, three"));

    // A tail that goes without anything in its place is missed as well.
    sql(&world.path("state"), "DELETE FROM record WHERE place = (SELECT max(place) FROM record)");
    terminal.wait_gone("by Omar, three");
    terminal.wait_text("1 record that was shown is gone");

    // Where nothing is left, what is on the screen stays there, and is not called saved.
    sql(&world.path("state"), "DELETE FROM record; DELETE FROM chain");
    terminal.wait_for("that nothing is saved", |screen| {
        screen.contains("NOT SAVED") && screen.contains("by Omar, one")
    });
}

#[test]
fn what_nobody_wrote_is_named_by_verify_and_stands_in_nobodys_way() {
    let harms = [
        (
            "INSERT INTO incident SELECT 7, randomblob(16), 'INC-2026-0077', 'Ghost', severity, status, repository,
                 declared_ms + 1 FROM incident",
            "INC-2026-0077",
            "no record declares it",
        ),
        (
            "INSERT INTO chain SELECT incident, 'ghost', node, 0, zeroblob(32), zeroblob(16), 0, 0 FROM chain",
            "the chain of ghost",
            "has no records",
        ),
        (
            "INSERT INTO chain SELECT 99, 'ghost', node, records, head, head_id, 0, 0 FROM chain",
            "the chain of ghost",
            "not in the list",
        ),
        ("INSERT INTO record SELECT -5, id, hash, bytes FROM record LIMIT 1", "-", "not in the list"),
        (
            "UPDATE record SET place = place + 3 WHERE place = (SELECT max(place) FROM record)",
            "-",
            "does not follow the one before it",
        ),
    ];
    for (harm, named, why) in harms {
        let world = World::new();
        let shell = declared(&world);
        shell.flightdeck(&["note", "kept"]).succeeded();
        sql(&world.path("state"), harm);
        let verified = shell.flightdeck(&["verify"]).ended_with(1);
        assert!(verified.stdout.contains(named) && verified.stdout.contains(why), "{}", verified.stdout);
        shell.flightdeck(&["note", "goes on"]).succeeded();
        let texts = shell.json(&["status", "--json"])["timeline"].to_string();
        assert!(texts.contains("kept") && texts.contains("goes on"), "{texts}");
        shell.flightdeck(&["verify"]).ended_with(1);
    }
}

#[test]
fn a_chain_that_nobody_began_here_is_named_by_verify_and_told_to_whoever_writes() {
    let world = World::new();
    let shell = declared(&world);
    let (state, elsewhere) = (world.path("state"), world.path("elsewhere"));
    // Sound in itself: flightdeck wrote it, in a copy of the journal.
    copy(&state, &elsewhere);
    let omar = shell.clone().with("FLIGHTDECK_USER", "Omar");
    let there = omar.clone().with("FLIGHTDECK_STATE_DIR", &elsewhere);
    there.flightdeck(&["note", "planted"]).succeeded();
    let plant = format!(
        "ATTACH '{}' AS other;
         INSERT INTO record SELECT * FROM other.record WHERE place NOT IN (SELECT place FROM record);
         INSERT INTO chain SELECT * FROM other.chain WHERE author = 'Omar'",
        elsewhere.join("journal.db").display()
    );
    sql(&state, &plant);
    let verified = shell.flightdeck(&["verify"]).ended_with(1).stdout;
    assert!(
        verified.contains("the chain of Omar") && verified.contains("nobody wrote it down"),
        "{verified}"
    );
    for writer in [&omar, &shell, &omar] {
        let noted = writer.flightdeck(&["note", "goes on"]).succeeded();
        noted.said("records of Omar that nobody wrote here").said("heads/");
    }
    shell.flightdeck(&["verify"]).ended_with(1);
    // Once Omar says that they are real, they are.
    let heads = std::fs::read_dir(state.join("heads")).unwrap().map(|entry| entry.unwrap().path());
    for file in heads.filter(|path| path.extension().is_none()) {
        std::fs::remove_file(file).unwrap();
    }
    shell.flightdeck(&["verify"]).succeeded();
    assert_eq!(omar.flightdeck(&["note", "real"]).succeeded().stderr, "");
}

#[test]
fn an_incident_without_a_record_blocks_nobody_and_is_told() {
    let world = World::new();
    let shell = declared(&world);
    let ghost = "INSERT INTO incident SELECT 7, randomblob(16), 'INC-2026-0077', 'Ghost', severity, status,
        repository, declared_ms + 1 FROM incident";
    sql(&world.path("state"), ghost);
    let said = "INC-2026-0077 is in the list, and no record declares it";
    let noted = shell.flightdeck(&["note", "goes on"]).succeeded();
    assert!(noted.stderr.contains(said) && noted.stderr.contains("flightdeck verify"), "{noted:?}");
    let listed = shell.flightdeck(&["history"]).succeeded().stdout;
    assert!(listed.contains("▲ no record declares it"), "{listed}");
    let listed = shell.json(&["history", "--json"]);
    assert_eq!((&listed[0]["declared"], &listed[1]["declared"]), (&false.into(), &true.into()), "{listed}");
    let doctor = flat(&shell.flightdeck(&["doctor"]).stdout);
    assert!(doctor.contains(said), "{doctor}");
    let named = shell.flightdeck(&["status", "--incident", "INC-2026-0077"]).ended_with(1);
    named.said("no record that declares it").said("flightdeck verify");

    // The cockpit opens the one there is, does not count the other, and says why.
    let terminal = open(&shell, "goes on");
    terminal.wait_text("✗ 1 error");
    assert!(!terminal.screen().contains("Ghost"), "{}", terminal.screen());
    terminal.press("e");
    terminal.wait_for("the error log", |screen| flat(screen).contains(said));
}

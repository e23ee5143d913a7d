//! What somebody with the same rights does to the files of the record: nothing is called saved past a
//! trigger, and what keeps a later cut from being noticed is told.

use super::conductor::{UNTIL_GO, Yard};
use super::terminal::Terminal;
use super::world::{Shell, World, wait_until};

const SWALLOW: &str = "CREATE TRIGGER swallow BEFORE INSERT ON record BEGIN SELECT RAISE(IGNORE); END";

fn declared(world: &World) -> Shell {
    let shell = world.repository("api");
    shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
    shell
}

/// Changes the journal with SQLite, as anybody can who may write the file.
fn sql(world: &World, sql: &str) {
    rusqlite::Connection::open(world.path("state/journal.db")).unwrap().execute_batch(sql).unwrap();
}

/// What is on a screen as one line of text, whatever is drawn around it.
fn flat(screen: &str) -> String {
    screen.replace(['│', '┃', '║', '┆'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_verb_saves_nothing_to_a_journal_that_was_tampered_with() {
    let harms = [
        (SWALLOW, "a trigger on record that flightdeck did not make: swallow", "DROP TRIGGER \"swallow\""),
        (
            "ALTER TABLE record RENAME TO kept; CREATE VIEW record AS SELECT * FROM kept;
             CREATE TRIGGER take INSTEAD OF INSERT ON record BEGIN SELECT 1; END",
            "a trigger on record that flightdeck did not make: take",
            "DROP TRIGGER \"take\"",
        ),
        (
            "DROP TABLE landmark; CREATE TABLE landmark (place INTEGER PRIMARY KEY ON CONFLICT IGNORE) STRICT",
            "another table landmark than flightdeck made",
            "put a backup in its place",
        ),
    ];
    for (harm, said, remedy) in harms {
        let world = World::new();
        let shell = declared(&world);
        shell.flightdeck(&["note", "kept"]).succeeded();
        sql(&world, harm);
        for verb in [&["note", "lost"][..], &["declare", "Lost", "--severity", "P0"], &["tick", "impact"]] {
            let ended = shell.flightdeck(verb).ended_with(1);
            assert!(ended.stdout.is_empty(), "{}", ended.stdout);
            assert!(ended.stderr.contains(said) && ended.stderr.contains(remedy), "{}", ended.stderr);
        }
        let verified = shell.flightdeck(&["verify"]).ended_with(1);
        assert!(verified.stderr.contains(said), "{}", verified.stderr);
        let doctor = shell.flightdeck(&["doctor"]);
        let told = flat(&doctor.stdout);
        assert!(told.contains(said) && told.contains(remedy), "{told}");
        // It can be read all the same.
        let export = shell.flightdeck(&["export"]).succeeded().stdout;
        assert!(export.contains("kept") && !export.contains("lost"), "{export}");
    }
}

/// What is planted under the number in the file of an incident to come belongs to nobody: the next one
/// neither goes on from it nor is hindered by it, and it stays where `verify` names it.
#[test]
fn what_is_planted_for_an_incident_to_come_is_no_part_of_it() {
    let chain = |no: &str, records: &str, wall: &str| {
        format!(
            "INSERT INTO chain SELECT {no}, author, node, {records}, randomblob(32), randomblob(16), {wall}, 4294967295
                 FROM chain WHERE incident = 1"
        )
    };
    let month = "wall_ms + 2592000000";
    let last = "2147483646";
    let plants = [
        (chain("2", "7", "wall_ms"), "the chain of Maya"),
        (chain("2", "-3", "wall_ms"), "the chain of Maya"),
        (chain("2", "9223372036854775807", month), "the chain of Maya"),
        (chain("2", "1", "9223372036854775807"), "the chain of Maya"),
        (chain("2", "1", "-9223372036854775808") + ";" + &chain("3", "7", month), "the chain of Maya"),
        (chain("2", "1", "wall_ms + 1").replace("4294967295", "-1"), "the chain of Maya"),
        (chain(last, "1", "wall_ms"), "the chain of Maya"),
        ("INSERT INTO record SELECT place + (1 << 32), id, hash, bytes FROM record".to_owned(), "-"),
        (
            format!(
                "INSERT INTO incident SELECT {last}, randomblob(16), 'INC-2020-0077', 'Ghost', severity, status,
                     repository, declared_ms FROM incident"
            ),
            "INC-2020-0077",
        ),
    ];
    for (plant, named) in plants {
        let world = World::new();
        let shell = declared(&world);
        sql(&world, &plant);
        shell.flightdeck(&["declare", "Down again", "--severity", "P1"]).succeeded();
        shell.flightdeck(&["note", "goes on", "--incident", "2"]).succeeded();
        let verified = shell.flightdeck(&["verify"]).ended_with(1).stdout;
        let why = if named.starts_with("INC") { "no record declares it" } else { "not in the list" };
        assert!(verified.contains(named) && verified.contains(why), "{plant}: {verified}");
        // What was written is sound by itself: another journal takes it in, and nothing is a month ahead.
        let export = shell.flightdeck(&["export", "--incident", "2"]).succeeded().stdout;
        assert_eq!(export.lines().count(), 2, "{export}");
        let elsewhere = shell.clone().with("FLIGHTDECK_STATE_DIR", world.path("elsewhere"));
        elsewhere.flightdeck_with(&["import", "-"], &export).succeeded();
        elsewhere.flightdeck(&["verify"]).succeeded();
        let status = shell.json(&["status", "--json", "--incident", "2"]);
        assert_eq!(status["incident"]["title"], "Down again", "{plant}: {status}");
        assert_eq!(status["clocks_off"], serde_json::json!([]), "{plant}: {status}");
    }
}

#[test]
fn a_cockpit_saves_nothing_past_a_trigger_that_comes_while_it_is_open() {
    let world = World::new();
    let shell = declared(&world);
    let terminal = Terminal::open(&shell, 36, 140, &[]);
    terminal.wait_text("Timeline");
    terminal.press("n");
    terminal.press("not to be lost");
    terminal.wait_text("not to be lost");
    sql(&world, SWALLOW);
    terminal.press("<enter>");
    terminal.wait_for("the trigger to be told", |screen| {
        let screen = flat(screen);
        screen.contains("did not make: swallow") && screen.contains("not to be lost")
    });
    assert!(!shell.flightdeck(&["export"]).succeeded().stdout.contains("not to be lost"));
    sql(&world, "DROP TRIGGER swallow");
    terminal.press_until("<enter>", "the note to be saved", |_| {
        shell.flightdeck(&["export"]).succeeded().stdout.contains("not to be lost")
    });
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_conductor_keeps_the_end_of_its_deploy_until_the_trigger_is_gone() {
    let yard = Yard::deploying(&format!("echo working\n{UNTIL_GO}exit 7"));
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "working");
    sql(&yard.world, SWALLOW);
    yard.go();
    let incident = std::fs::read_dir(yard.world.path("state/runs")).unwrap().next().unwrap().unwrap().path();
    let outcome = incident.join("deploy-staging-1.0/outcome.json");
    wait_until("the note", || {
        std::fs::read_to_string(&outcome).ok().filter(|text| text.contains("\"code\":7"))
    });
    assert!(!yard.shell.flightdeck(&["export"]).succeeded().stdout.contains("step-ended"));
    sql(&yard.world, "DROP TRIGGER swallow");
    assert_eq!(yard.wait_run("deploy-staging-1.0", "exited")["code"], 7);
    yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn that_heads_cannot_be_written_is_told_by_verb_cockpit_and_doctor() {
    let world = World::new();
    let shell = declared(&world);
    let heads = world.path("state/heads");
    std::fs::remove_dir_all(&heads).unwrap();
    std::fs::write(&heads, "in the way").unwrap();
    let noted = shell.flightdeck(&["note", "kept"]).succeeded();
    assert!(
        noted.stderr.contains("where the record ends") && noted.stderr.contains("heads"),
        "{}",
        noted.stderr
    );
    assert!(shell.flightdeck(&["export"]).succeeded().stdout.contains("kept"));
    let verified = shell.flightdeck(&["verify"]).succeeded();
    assert!(verified.stderr.contains("not compared"), "{}", verified.stderr);
    let told = flat(&shell.flightdeck(&["doctor"]).stdout);
    assert!(told.contains("nothing can be written to") && told.contains("heads: "), "{told}");

    let terminal = Terminal::open(&shell, 36, 140, &[]);
    terminal.wait_text("Timeline");
    for text in ["first", "second"] {
        terminal.press("n");
        terminal.wait_text("what should be remembered");
        terminal.press(text);
        terminal.wait_text(text);
        terminal.press("<enter>");
        terminal
            .wait_for("the note to be saved", |screen| screen.contains(text) && !screen.contains("esc back"));
    }
    // Once, whatever is saved after it.
    terminal.wait_text("1 error");
    terminal.press("e");
    terminal.wait_for("the error log", |screen| flat(screen).contains("make that directory writable"));

    std::fs::remove_file(&heads).unwrap();
    let noted = shell.flightdeck(&["note", "kept, too"]).succeeded();
    assert!(noted.stderr.is_empty(), "{}", noted.stderr);
    shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_conductor_hears_a_stop_that_takes_the_place_of_what_was_cut_off() {
    let yard = Yard::deploying("echo working\nexec sleep 600");
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output("deploy-staging-1.0", "working");
    for text in ["one", "two", "three"] {
        yard.shell.flightdeck(&["note", text]).succeeded();
    }
    let notes = "DELETE FROM record WHERE place > (SELECT max(place) - 3 FROM record);
        UPDATE chain SET (head, head_id) = (SELECT hash, id FROM record ORDER BY place DESC LIMIT 1),
            records = (SELECT count(*) FROM record)";
    sql(&yard.world, notes);
    yard.shell.flightdeck(&["run", "stop", "deploy-staging-1"]).succeeded();
    assert_eq!(yard.wait_run("deploy-staging-1.0", "signalled")["signal"], 2);
}

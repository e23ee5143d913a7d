//! Probes that ask a PostgreSQL: a real one, with a password, and whatever it says.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::prometheus::{asked, configured};
use super::world::{Running, World, wait_until};

/// Leaves the test next to PostgreSQL itself out, said aloud, where it cannot be installed.
const WITHOUT: &str = "FLIGHTDECK_TESTS_WITHOUT_POSTGRES";
/// `nobody`, as it runs for nobody's superuser.
const NOBODY: u32 = 65_534;
/// With all that an address has to escape.
const PASSWORD: &str = "p@ss:w/ord%20#1";

/// Where Debian and others keep its programs.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().or_else(|| which::which(name).ok()).unwrap_or_else(|| {
        panic!(
            "PostgreSQL is not installed: apt-get install postgresql, or set {WITHOUT}=1 to leave this out"
        )
    })
}

/// One of its programs, as somebody whom it trusts.
fn command(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(program(name));
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// The tests of a pooler are left out where this is set.
const WITHOUT_POOLER: &str = "FLIGHTDECK_TESTS_WITHOUT_PGBOUNCER";

/// Asks the same server by way of a pooler that gives each transaction another connection.
fn through_a_pooler(directory: &Path, database: u16) {
    let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(PathBuf::from);
    let program = program.into_iter().find(|path| path.exists()).or_else(|| which::which("pgbouncer").ok());
    let program = program.unwrap_or_else(|| {
        panic!("PgBouncer is not installed: apt-get install pgbouncer, or set {WITHOUT_POOLER}=1 to leave this out")
    });
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(directory.join("users"), format!("\"li\" \"{PASSWORD}\"\n")).unwrap();
    let settings = format!(
        "[databases]\npostgres = host=127.0.0.1 port={database} dbname=postgres\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = scram-sha-256\nauth_file = users\n\
         pool_mode = transaction\ndefault_pool_size = 1\nunix_socket_dir =\n"
    );
    std::fs::write(directory.join("pooler.ini"), settings).unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .arg("pooler.ini")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let _running = Running(command.spawn().unwrap());
    let probe = |name: &str, timeout: &str, query: &str| {
        format!(
            "[[probes]]\nname = \"{name}\"\npostgres = \"postgresql://li:{{secret:PG}}@127.0.0.1:{port}/postgres\"\n\
             query = {query:?}\nfail = \"> 90\"\ntimeout = \"{timeout}\"\n"
        )
    };
    let world = World::new();
    let config = [
        "[[secrets]]\nname = \"PG\"\nfile = \"pg\"\n".to_owned(),
        probe("number", "9s", "SELECT 7"),
        // A table that grew for a year.
        probe("slow", "500ms", "SELECT count(*) FROM generate_series(1, 4000000000)"),
        probe("again", "9s", "SELECT 8"),
    ];
    let shell = configured(&world, &config.concat());
    std::fs::write(shell.directory.join("pg"), PASSWORD).unwrap();
    shell.flightdeck(&["trust"]).succeeded();
    wait_until("PgBouncer to take connections", || (asked(&shell)[0][1] == "ok").then_some(()));
    let seen = asked(&shell);
    let seen: Vec<_> = seen.iter().map(|row| (row[1].as_str(), row[2].as_str())).collect();
    assert_eq!(seen, [("ok", "7"), ("error", "timeout"), ("ok", "8")]);
}

#[test]
fn a_real_postgres_is_asked_for_one_number_and_nothing_is_changed() {
    if std::env::var_os(WITHOUT).is_some() {
        eprintln!("LEFT OUT because {WITHOUT} is set: probes that ask PostgreSQL itself");
        return;
    }
    let own = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let directory = own.path();
    if rustix::process::geteuid().is_root() {
        chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let password = directory.join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let data = directory.join("data");
    let made = command("initdb", directory)
        .args(["--username=li", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"])
        .arg(format!("--pwfile={}", password.display()))
        .arg(format!("--pgdata={}", data.display()))
        .status()
        .unwrap();
    assert!(made.success());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = command("postgres", directory)
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", "fsync=off"])
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let world = World::new();
    let probe = |name: &str, secret: &str, query: &str| {
        // They wait for each other, and none longer than its time.
        let timeout = if name == "slow" { "500ms" } else { "9s" };
        let query = if query.is_empty() { String::new() } else { format!("query = {query:?}\n") };
        format!(
            "[[probes]]\nname = \"{name}\"\npostgres = \"postgresql://li:{{secret:{secret}}}@127.0.0.1:{port}/postgres\"\n{query}fail = \"> 90\"\ntimeout = \"{timeout}\"\n"
        )
    };
    let config = [
        "[[secrets]]\nname = \"PG\"\nfile = \"pg\"\n[[secrets]]\nname = \"OLD\"\nfile = \"old\"\n".to_owned(),
        probe("connections", "PG", ""),
        probe("number", "PG", "SELECT 0.10::numeric -- of orders"),
        probe("over", "PG", "SELECT 96;"),
        probe("rows", "PG", "SELECT * FROM generate_series(1, 3)"),
        probe("columns", "PG", "SELECT 1 AS a, 2 AS b"),
        probe("null", "PG", "SELECT NULL::int AS paid"),
        probe("text", "PG", "SELECT 'many' AS paid"),
        probe("nan", "PG", "SELECT 'NaN'::float8 AS rate"),
        probe("wrong", "PG", "SELECT paid FROM nowhere"),
        probe("slow", "PG", "SELECT 1 FROM pg_sleep(30)"),
        probe("write", "PG", "WITH made AS (CREATE TABLE made (a int)) SELECT 1"),
        probe(
            "insert",
            "PG",
            "WITH made AS (INSERT INTO pg_am DEFAULT VALUES RETURNING 1) SELECT 1 FROM made",
        ),
        probe("object", "PG", "SELECT lo_create(0)::int8 AS made"),
        probe("sly", "PG", "SELECT 1) AS t; COMMIT; CREATE TABLE made (a int); SELECT (1"),
        probe("old", "OLD", "SELECT 1"),
        probe("kept", "PG", "SELECT count(*) FROM pg_largeobject_metadata"),
    ];
    let shell = configured(&world, &config.concat());
    std::fs::write(shell.directory.join("pg"), PASSWORD).unwrap();
    std::fs::write(shell.directory.join("old"), "another-password").unwrap();
    shell.flightdeck(&["config", "check"]).succeeded();
    shell.flightdeck(&["trust"]).succeeded();
    wait_until("PostgreSQL to take connections", || {
        let rows = asked(&shell);
        (rows[1][1] == "ok").then_some(())
    });
    let rows = asked(&shell);
    let seen: Vec<[&str; 3]> =
        rows.iter().skip(1).map(|row| [row[0].as_str(), row[1].as_str(), row[2].as_str()]).collect();
    assert_eq!(
        seen,
        [
            ["number", "ok", "0.10"],
            ["over", "failing", "96"],
            ["rows", "unknown", "more than one row"],
            ["columns", "unknown", "columns"],
            ["null", "unknown", "null"],
            ["text", "unknown", "no number"],
            ["nan", "unknown", "no number"],
            ["wrong", "unknown", "42P01"],
            ["slow", "error", "timeout"],
            ["write", "unknown", "42601"],
            ["insert", "unknown", "0A000"],
            // PostgreSQL 15 lets it, but what is made goes with the transaction.
            ["object", rows[12][1].as_str(), rows[12][2].as_str()],
            ["sly", "unknown", "42601"],
            ["old", "unknown", "password"],
            ["kept", "ok", "0"],
        ],
        "{rows:#?}"
    );
    assert_eq!(rows[0][1], "ok", "{rows:#?}");
    assert!(rows[0][2].parse::<u32>().unwrap() >= 1, "{rows:#?}");
    assert!(
        rows[8][3].contains("does not answer the query: relation \"nowhere\" does not exist"),
        "{rows:#?}"
    );
    assert!(rows[9][3].contains("stopped the query, which took too long"), "{rows:#?}");
    let all = format!("{rows:?}{}", shell.flightdeck(&["status"]).stdout);
    assert!(!all.contains("w/ord") && !all.contains("w%2Ford"), "{all}");
    if std::env::var_os(WITHOUT_POOLER).is_some() {
        eprintln!("LEFT OUT because {WITHOUT_POOLER} is set: probes that ask PostgreSQL by way of PgBouncer");
    } else {
        through_a_pooler(directory, port);
    }
    // One that is gone fails; it is the service itself, unlike a server that only measures it.
    running.0.kill().unwrap();
    running.wait("PostgreSQL to end");
    let rows = asked(&shell);
    assert_eq!([rows[0][1].as_str(), rows[0][2].as_str()], ["error", "refused"], "{rows:#?}");
}

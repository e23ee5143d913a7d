//! What the machine offers: git, SQLite, terminal, clock, the state directory.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use crate::cli::context::Context;
use crate::failure::Failure;
use crate::incident::duration;
use crate::journal::{self, Journal};

/// The oldest git whose merges can be forecast.
const GIT_WANTED: (u32, u32) = (2, 38);
/// The oldest SQLite that cannot corrupt a journal with two writers.
const SQLITE_NEEDED: i32 = 3_051_003;
/// Below this much room things go wrong soon, and below the second at once.
const LITTLE_ROOM: u64 = 200 << 20;
const NO_ROOM: u64 = 8 << 20;
/// The smallest size at which all panes are readable.
const COMFORTABLE: (u16, u16) = (100, 30);

/// Looks at the machine.
pub(super) fn look(cx: &Context) -> Vec<Finding> {
    let environment = |name: &str| std::env::var(name).unwrap_or_default();
    let terminal = Terminal {
        is_one: cx.out.terminal,
        term: environment("TERM"),
        colorterm: environment("COLORTERM"),
        no_color: !environment("NO_COLOR").is_empty(),
        locale: ["LC_ALL", "LC_CTYPE", "LANG"].map(environment).into_iter().find(|s| !s.is_empty()),
        size: crossterm::terminal::size().ok(),
    };
    vec![
        git(),
        sqlite(rusqlite::version_number(), rusqlite::version()),
        terminal.screen(),
        terminal.colours(),
        terminal.characters(),
        clock(cx),
        state_directory(&cx.state_dir),
        journal(cx),
    ]
}

fn git() -> Finding {
    let advice = "install git 2.38 or newer: branches and pushes are made with it";
    match Command::new("git").arg("--version").output() {
        Ok(output) if output.status.success() => git_version(&String::from_utf8_lossy(&output.stdout)),
        Ok(output) => Finding::bad("git", format!("git --version ended with {}", output.status), advice),
        Err(error) => Finding::bad("git", format!("cannot start git: {error}"), advice),
    }
}

fn git_version(printed: &str) -> Finding {
    let version = printed.trim().trim_start_matches("git version ").to_owned();
    let mut numbers = version.split(['.', ' ']).map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= GIT_WANTED => Finding::ok("git", version),
        (Some(_), Some(_)) => Finding::warn(
            "git",
            format!("{version} is old"),
            format!("install {}.{} or newer", GIT_WANTED.0, GIT_WANTED.1),
        ),
        _ => Finding::warn("git", format!("prints no version: {version}"), "look at git --version"),
    }
}

fn sqlite(number: i32, version: &str) -> Finding {
    if number >= SQLITE_NEEDED {
        return Finding::ok("sqlite", version);
    }
    let says = format!("{version} can corrupt a journal that two programs write to");
    Finding::bad("sqlite", says, "build flightdeck with the SQLite it brings along")
}

/// What is known about the terminal.
struct Terminal {
    is_one: bool,
    term: String,
    colorterm: String,
    no_color: bool,
    locale: Option<String>,
    size: Option<(u16, u16)>,
}

impl Terminal {
    fn screen(&self) -> Finding {
        let name = "terminal";
        if !self.is_one {
            return Finding::warn(name, "not a terminal", "the cockpit needs one; all verbs work without");
        }
        if self.term.is_empty() || self.term == "dumb" {
            let says = format!("TERM is {:?}: it cannot move its cursor", self.term);
            return Finding::warn(name, says, "use a terminal that sets TERM, or the verbs alone");
        }
        match self.size {
            Some((columns, rows)) if columns >= COMFORTABLE.0 && rows >= COMFORTABLE.1 => {
                Finding::ok(name, format!("{}, {columns}×{rows}", self.term))
            }
            Some((columns, rows)) => Finding::warn(
                name,
                format!("{}, {columns}×{rows}: not all panes fit at once", self.term),
                format!("{}×{} and more shows all of them", COMFORTABLE.0, COMFORTABLE.1),
            ),
            None => Finding::warn(name, format!("{} does not tell its size", self.term), "80×24 is assumed"),
        }
    }

    fn colours(&self) -> Finding {
        let name = "colours";
        if self.no_color {
            return Finding::ok(name, "none, as NO_COLOR asks for");
        }
        let says =
            if ["truecolor", "24bit"].contains(&self.colorterm.as_str()) || self.term.contains("direct") {
                "all of them"
            } else if self.term.contains("256") {
                "256"
            } else if self.term.is_empty() || self.term == "dumb" {
                "none"
            } else {
                "16"
            };
        Finding::ok(name, says)
    }

    fn characters(&self) -> Finding {
        let name = "characters";
        let locale = self.locale.as_deref().unwrap_or_default();
        let upper = locale.to_ascii_uppercase();
        if upper.contains("UTF-8") || upper.contains("UTF8") {
            return Finding::ok(name, locale);
        }
        let says =
            if locale.is_empty() { "no locale is set".to_owned() } else { format!("{locale} is not UTF-8") };
        let advice = "set LANG=C.UTF-8, or glyphs = \"ascii\" in the settings if lines and ticks look broken";
        Finding::warn(name, says, advice)
    }
}

/// Compares the clock with the newest record and with the age of the program.
fn clock(cx: &Context) -> Finding {
    let now = cx.now();
    let built = std::env::current_exe().and_then(|exe| exe.metadata()?.modified()).ok();
    let built = built.and_then(|time| Timestamp::try_from(time).ok());
    clock_against(now, newest_record(cx), built)
}

fn clock_against(now: Timestamp, newest: Option<Timestamp>, built: Option<Timestamp>) -> Finding {
    let advice = "set the clock (timedatectl, ntpd): times in the record come from it";
    let behind = |other: Timestamp| other.duration_since(now);
    let some = |length: SignedDuration| duration(length);
    if let Some(newest) = newest.map(behind).filter(|length| *length > SignedDuration::from_secs(5)) {
        let says = format!("{now:.0} is {} before the newest record", some(newest));
        return Finding::bad("clock", says, advice);
    }
    if let Some(built) = built.map(behind).filter(|length| *length > SignedDuration::from_hours(24)) {
        let says = format!("{now:.0} is {} before this program was installed", some(built));
        return Finding::bad("clock", says, advice);
    }
    Finding::ok("clock", format!("{now:.0}"))
}

/// When the newest record of the newest incident was written; `None` where there is none.
fn newest_record(cx: &Context) -> Option<Timestamp> {
    if !cx.state_dir.join(Journal::FILE).exists() {
        return None;
    }
    let journal = cx.journal_to_read().ok()?;
    let newest = journal.incidents(None).ok()?.into_iter().find(|one| one.is_declared)?;
    let (log, _) = journal.load(newest.id).ok()?;
    log.state().authors.values().copied().max()
}

/// Tries to write, and looks at how much room there is.
fn state_directory(dir: &Path) -> Finding {
    let name = "state";
    let shown = dir.display();
    let advice = "make it writable, or set FLIGHTDECK_STATE_DIR to a directory that is";
    let there = dir.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(dir);
    if !there.is_dir() {
        return Finding::bad(name, format!("{} is not a directory", there.display()), advice);
    }
    if let Some(mode) = open_to_others(dir) {
        let advice = "chmod 700: the next verb that uses it closes it, if it is yours";
        return Finding::bad(name, format!("{shown} is open to others (mode {mode:03o})"), advice);
    }
    if let Err(error) = try_writing(there) {
        return Finding::bad(name, format!("nothing can be written to {}: {error}", there.display()), advice);
    }
    let heads = dir.join(Journal::HEADS);
    if heads.exists()
        && let Err(error) = try_writing(&heads)
    {
        let says = format!("nothing can be written to {}: {error}", heads.display());
        let advice = "make it a directory you can write to: it tells whether the journal was cut";
        return Finding::bad(name, says, advice);
    }
    match rustix::fs::statvfs(there) {
        Ok(room) => free_space(&shown.to_string(), room.f_bavail.saturating_mul(room.f_frsize)),
        Err(error) => {
            Finding::warn(name, format!("{shown}: cannot tell how much space is free: {error}"), "")
        }
    }
}

/// The permissions of a directory that others can get at.
fn open_to_others(dir: &Path) -> Option<u32> {
    let mode = dir.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

fn free_space(dir: &str, bytes: u64) -> Finding {
    let says = format!("{dir}, {} MiB free", bytes >> 20);
    let advice = "free some space: flightdeck refuses what it cannot store";
    match bytes {
        0..NO_ROOM => Finding::bad("state", says, advice),
        NO_ROOM..LITTLE_ROOM => Finding::warn("state", says, advice),
        _ => Finding::ok("state", says),
    }
}

/// Writes a small file and takes it away again.
fn try_writing(dir: &Path) -> std::io::Result<()> {
    let path = dir.join(format!(".flightdeck-doctor-{}", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

fn journal(cx: &Context) -> Finding {
    let name = "journal";
    if !cx.state_dir.join(Journal::FILE).exists() {
        return Finding::ok(name, "none yet; the first incident creates it");
    }
    let opened = cx.journal_to_read().and_then(|journal| {
        let (all, undeclared): (Vec<_>, Vec<_>) =
            journal.incidents(None)?.into_iter().partition(|one| one.is_declared);
        let obstacle = journal.read_only().map(|why| (why.to_owned(), journal.remedy().to_owned()));
        Ok((obstacle, all.len(), undeclared))
    });
    match opened {
        Ok((None, _, undeclared)) if !undeclared.is_empty() => {
            let Failure { cause, hint, .. } = journal::listed_only(&undeclared);
            Finding::bad(name, cause, hint)
        }
        Ok((None, count, _)) => {
            Finding::ok(name, format!("{count} incident{}", if count == 1 { "" } else { "s" }))
        }
        Ok((Some((why, remedy)), ..)) => Finding::bad(name, format!("can only be read: {why}"), remedy),
        Err(failure) => Finding::bad(name, failure.cause, failure.hint),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn git_has_to_be_new_enough() {
        assert_eq!(git_version("git version 2.38.0\n").state, Grade::Ok);
        assert_eq!(git_version("git version 3.0.1\n").state, Grade::Ok);
        assert_eq!(git_version("git version 2.43.0 (Apple Git-1)\n").says, "2.43.0 (Apple Git-1)");
        assert_eq!(git_version("git version 2.37.9\n").state, Grade::Warn);
        assert_eq!(git_version("something else").state, Grade::Warn);
    }

    #[test]
    fn an_old_sqlite_is_refused() {
        assert_eq!(sqlite(3_051_003, "3.51.3").state, Grade::Ok);
        assert_eq!(sqlite(3_051_002, "3.51.2").state, Grade::Bad);
    }

    #[test]
    fn a_clock_before_what_has_been_written_is_wrong() {
        let now = at("2026-03-02T10:00:00Z");
        assert_eq!(clock_against(now, None, None).state, Grade::Ok);
        assert_eq!(clock_against(now, Some(at("2026-03-02T10:00:02Z")), None).state, Grade::Ok);
        let behind = clock_against(now, Some(at("2026-03-03T10:00:00Z")), None);
        assert_eq!(behind.state, Grade::Bad);
        assert!(behind.says.contains("before the newest record"), "{}", behind.says);
        assert_eq!(clock_against(now, None, Some(at("2026-03-02T20:00:00Z"))).state, Grade::Ok);
        assert_eq!(clock_against(now, None, Some(at("2027-01-01T00:00:00Z"))).state, Grade::Bad);
    }

    #[test]
    fn terminals_are_told_apart() {
        let terminal = |term: &str, size| Terminal {
            is_one: true,
            term: term.to_owned(),
            colorterm: String::new(),
            no_color: false,
            locale: Some("en_GB.UTF-8".to_owned()),
            size,
        };
        let good = terminal("xterm-256color", Some((120, 36)));
        assert_eq!(good.screen().state, Grade::Ok);
        assert_eq!(good.colours().says, "256");
        assert_eq!(good.characters().state, Grade::Ok);
        assert_eq!(terminal("xterm", Some((80, 24))).screen().state, Grade::Warn);
        assert_eq!(terminal("dumb", Some((120, 36))).screen().state, Grade::Warn);
        assert_eq!(Terminal { no_color: true, ..good }.colours().says, "none, as NO_COLOR asks for");
        let latin = Terminal { locale: Some("C".to_owned()), ..terminal("xterm", None) };
        assert_eq!(latin.characters().state, Grade::Warn);
        assert!(Terminal { is_one: false, ..latin }.screen().says.contains("not a terminal"));
    }

    #[test]
    fn a_directory_that_is_none_cannot_hold_state() {
        let dir = tempfile::tempdir().unwrap();
        assert_ne!(state_directory(&dir.path().join("to/be/made")).state, Grade::Bad);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(state_directory(&file.join("x")).state, Grade::Bad);
        assert_eq!(free_space("/x", 1 << 20).state, Grade::Bad);
        assert_eq!(free_space("/x", 100 << 20).state, Grade::Warn);
        assert_eq!(free_space("/x", 1 << 40).state, Grade::Ok);
    }
}

//! `flightdeck import`: takes in the records of an export, or events that were written down elsewhere.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Serialize;

use super::End;
use super::context::{Context, Wanted};
use crate::failure::{Failure, Result};
use crate::incident::import::{
    Broken, Read, SlackUsers, Times, drafts, read_json_lines, read_slack, read_table,
};
use crate::journal::Summary;
use crate::text::{counted, visible};

/// Import an export, or the timeline of another tool
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The format is detected; set it with --from if that fails. Rows already there
(same time, text and author) are skipped: you can import a file again.

Example:
  flightdeck import INC-2026-0007.jsonl                 an export of flightdeck
  flightdeck import timeline.csv --zone Europe/Berlin   time, event, author
  flightdeck import slack-export/incident-7             a channel of Slack")]
pub(crate) struct Args {
    /// The file, the folder of a Slack channel, or - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What it is
    #[arg(long, value_name = "FORMAT")]
    from: Option<Format>,

    /// The time zone of times that name none: UTC, Europe/Berlin, local
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,

    /// What the source is called in the record; default: the name of the file
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Import the other rows if some are broken
    #[arg(long)]
    skip_broken: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// An export of flightdeck
    Flightdeck,
    /// A table with the columns time, event and author
    Csv,
    /// Lines of JSON, an event each
    Jsonl,
    /// A channel of a Slack export
    Slack,
}

#[derive(Serialize)]
struct Done<'a> {
    added: usize,
    known: usize,
    skipped: Vec<Skipped<'a>>,
}

#[derive(Serialize)]
struct Skipped<'a> {
    line: u64,
    why: &'a str,
}

/// More than this is no timeline.
const MOST: u64 = 1 << 28;
/// This many broken rows are named; the others are counted.
const NAMED: usize = 10;

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    if args.file.is_dir() {
        return match args.from {
            None | Some(Format::Slack) => events(args, cx, Format::Slack, &[]),
            Some(_) => Err(Failure::usage(doing(args), "it is a folder", "name a file")),
        };
    }
    let mut input: Box<dyn BufRead> = if args.file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(&args.file).map_err(|e| {
            Failure::usage(doing(args), e, "name a file, the folder of a Slack channel, or - for stdin")
        })?;
        Box::new(BufReader::new(file))
    };
    if args.from == Some(Format::Flightdeck) {
        return records(args, cx, &mut *input);
    }
    let mut bytes = Vec::new();
    (&mut *input)
        .take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::new(doing(args), e, "check that the file can be read"))?;
    let format = args.from.unwrap_or_else(|| guess(&args.file, &bytes));
    if format == Format::Flightdeck {
        // What is longer than was read here is refused there.
        return records(args, cx, &mut Cursor::new(bytes).chain(input));
    }
    if bytes.len() as u64 > MOST {
        return Err(Failure::usage(doing(args), "it is larger than any timeline", "import a part of it"));
    }
    events(args, cx, format, &bytes)
}

/// What a file holds by its first line: ours is known by the chain every record is in.
fn guess(file: &Path, bytes: &[u8]) -> Format {
    let text = bytes.trim_ascii_start();
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        return Format::Csv;
    }
    match text.first() {
        Some(b'[') => Format::Slack,
        Some(b'{') => match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(first) {
            Ok(line) if !line.contains_key("prev") => Format::Jsonl,
            _ => Format::Flightdeck,
        },
        Some(_) => Format::Csv,
        None => Format::Flightdeck,
    }
}

/// Takes in an export.
fn records(args: &Args, cx: &Context, input: &mut dyn BufRead) -> Result<End> {
    let mut journal = cx.journal()?;
    let done = journal.import(input)?;
    let new = |one: &&Summary| done.incidents.contains(&one.id);
    for one in journal.incidents(None)?.iter().filter(new) {
        cx.out.tell(&format!("new here: {}  {}", one.number, visible(&one.title)));
        let is_here = cx.repository(&journal).is_ok_and(|here| here == one.repository);
        if !is_here {
            cx.out.tell(&format!(
                "  it is of another repository: flightdeck history --all lists it, --incident {} opens it",
                one.number
            ));
        }
    }
    if !done.incidents.is_empty() {
        cx.tell_kin(&journal)?;
    }
    if args.json {
        cx.out.json_line(&Done { added: done.added, known: done.known, skipped: Vec::new() })?;
    } else {
        cx.out.line(&format!("{} added, {} known already", counted(done.added, "record"), done.known))?;
    }
    Ok(End::Done)
}

/// Takes in events that were written down elsewhere.
fn events(args: &Args, cx: &Context, format: Format, bytes: &[u8]) -> Result<End> {
    let doing = doing(args);
    let mut loaded = cx.load(Wanted::Last)?;
    let now = cx.now();
    let times = Times { zone: zone(&args.zone)?, began: loaded.state().started_at, now };
    let read = match format {
        Format::Csv | Format::Flightdeck => read_table(bytes, &times).map_err(|why| {
            Failure::usage(&doing, why, "give the columns names such as time, event and author")
        })?,
        Format::Jsonl => {
            let text =
                std::str::from_utf8(bytes).map_err(|e| Failure::usage(&doing, e, "save it as UTF-8"))?;
            read_json_lines(text, &times)
        }
        Format::Slack => slack(args, bytes, &times)?,
    };
    let Read { rows, broken } = &read;
    if !broken.is_empty() {
        for one in broken.iter().take(NAMED) {
            cx.out.tell(&format!("line {}: {}", one.line, visible(&one.why)));
        }
        if let Some(more) = broken.len().checked_sub(NAMED).filter(|more| *more > 0) {
            cx.out.tell(&format!("and {more} more"));
        }
        if !args.skip_broken {
            return Err(Failure::usage(
                &doing,
                format!("{} of {} rows cannot be read", broken.len(), broken.len() + rows.len()),
                "nothing was imported. Correct these rows, or skip them with --skip-broken",
            ));
        }
    }
    if read.is_zoneless() {
        let zone = if args.zone == "local" { times.zone.iana_name().unwrap_or("local") } else { &args.zone };
        cx.out.tell(&format!("times without a zone were read in {}; --zone names another", visible(zone)));
    }
    if format != Format::Slack {
        read.remarks().iter().for_each(|line| cx.out.tell(&visible(line)));
    }
    let source = args.source.clone().unwrap_or_else(|| source(args, format));
    let Read { rows, broken } = read;
    let (drafts, known) = drafts(loaded.state(), &source, rows);
    let added = loaded.journal.append(now, drafts)?.len();
    report(args, cx, &loaded.number, (added, known), &broken)?;
    Ok(End::Done)
}

fn report(
    args: &Args,
    cx: &Context,
    incident: &str,
    (added, known): (usize, usize),
    broken: &[Broken],
) -> Result<()> {
    if args.json {
        let skipped = broken.iter().map(|one| Skipped { line: one.line, why: &one.why }).collect();
        return cx.out.json_line(&Done { added, known, skipped });
    }
    let skipped = match broken.len() {
        0 => String::new(),
        some => format!(", {some} skipped"),
    };
    let added = counted(added, "event");
    cx.out.line(&format!("{added} added to {incident}, {known} known already{skipped}"))
}

/// Reads a channel: a folder with a file a day, or one such file.
fn slack(args: &Args, bytes: &[u8], times: &Times) -> Result<Read> {
    let doing = doing(args);
    let folder = if args.file.is_dir() { Some(args.file.as_path()) } else { args.file.parent() };
    let users = folder.map(users).transpose()?.unwrap_or_default();
    if !args.file.is_dir() {
        let text = std::str::from_utf8(bytes).map_err(|e| Failure::usage(&doing, e, "save it as UTF-8"))?;
        return read_slack(text, &users, times)
            .map_err(|why| Failure::usage(&doing, why, "name the file of a day, as 2026-11-21.json"));
    }
    let mut whole = Read::default();
    let days = days(&args.file).map_err(|e| Failure::new(&doing, e, "check that it can be read"))?;
    if days.is_empty() {
        let hint = "name the folder of one channel: it has a file a day, as 2026-11-21.json";
        return Err(Failure::usage(&doing, "the folder holds no day of a channel", hint));
    }
    for day in days {
        let name = day.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = read_text(&day).map_err(|e| {
            Failure::new(format!("reading {}", day.display()), e, "check that it can be read")
        })?;
        let read = read_slack(&text, &users, times).map_err(|why| {
            Failure::usage(format!("reading {}", day.display()), why, "export the channel again")
        })?;
        whole.rows.extend(read.rows);
        let placed = |one: Broken| Broken { why: format!("{} ({name})", one.why), ..one };
        whole.broken.extend(read.broken.into_iter().map(placed));
    }
    Ok(whole)
}

/// Reads a file that is no larger than a timeline can be.
fn read_text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// The files of days in a folder, in order.
fn days(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut days = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        if is_json && path.is_file() && name.parse::<jiff::civil::Date>().is_ok() {
            days.push(path);
        }
    }
    days.sort();
    Ok(days)
}

/// The names of the users, where the export has them: beside the days, or above the folder of the channel.
fn users(folder: &Path) -> Result<SlackUsers> {
    let places = [Some(folder), folder.parent()];
    let Some(file) =
        places.into_iter().flatten().map(|place| place.join("users.json")).find(|file| file.is_file())
    else {
        return Ok(SlackUsers::default());
    };
    let doing = || format!("reading {}", file.display());
    let text = read_text(&file).map_err(|e| Failure::new(doing(), e, "check that it can be read"))?;
    SlackUsers::read(&text).map_err(|why| Failure::usage(doing(), why, "export the channel again"))
}

fn zone(name: &str) -> Result<TimeZone> {
    if name.eq_ignore_ascii_case("local") {
        return Ok(TimeZone::system());
    }
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        Failure::usage(
            "reading --zone",
            format!("{name:?} is no time zone"),
            "write UTC, local, or a name such as Europe/Berlin",
        )
    })
}

/// What the source is called: the name of the file, and of a channel.
fn source(args: &Args, format: Format) -> String {
    let stdin = args.file.as_os_str() == "-";
    let named = if format == Format::Slack && !args.file.is_dir() { args.file.parent() } else { None };
    let path = named.filter(|folder| folder.file_name().is_some()).unwrap_or(&args.file);
    let name =
        path.file_name().map_or_else(|| "import".to_owned(), |name| name.to_string_lossy().into_owned());
    match format {
        Format::Slack => format!("slack:{name}"),
        _ if stdin => "stdin".to_owned(),
        _ => name,
    }
}

fn doing(args: &Args) -> String {
    format!("importing {}", args.file.display())
}

//! `flightdeck health`: judges numbers before and after, and replays samples through a probe's alarm.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, stdin};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::End;
use super::context::Context;
use crate::config::types::Probe;
use crate::failure::{Failure, Result};
use crate::health::alarm::Alarm;
use crate::health::judge::{self, Case};
use crate::health::rules::{Rules, Weighed};
use crate::health::series::Verdict;
use crate::health::silence::patience;
use crate::text::{nearest, visible};

/// Bytes of a line of input, at most.
const LONGEST: u64 = 64 << 20;

/// Judge a series before and after, or replay it through an alarm
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  flightdeck health judge < series.jsonl
  flightdeck health replay errors.csv --probe \"error rate\"")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What can be done with numbers that were sampled earlier.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Judge series on standard input: better, no-evidence, worse or cannot-tell
    ///
    /// A line of JSON for each: {"before":[…],"after":[…],"direction":"up-is-bad"}, with numbers or null,
    /// evenly spaced; the direction is up-is-bad, down-is-bad or both. Prints a line of JSON for each.
    Judge {
        /// Correct for how many series are judged together
        #[arg(long)]
        family: bool,
    },
    /// Replay samples of a file through the alarm of a probe, and print each change of its state
    ///
    /// Lines of `time,value`, in order: the time as 2026-11-21T14:02:00Z, 2026-11-21 14:02:00 (UTC) or seconds since
    /// 1970; an empty value means no data. A decimal has a point: 0.5. The first line may name the columns;
    /// further columns are ignored. A sample no later than the one before is skipped and counted. Values are
    /// those of the chart: for a rate, the rate. Nothing is asked and nothing is recorded.
    Replay {
        /// The file; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// The probe, by its name in flightdeck.toml
        #[arg(long, value_name = "NAME")]
        probe: String,
    },
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.command {
        Command::Judge { family } => judge(cx, *family),
        Command::Replay { file, probe } => replay(cx, file, probe),
    }
}

fn judge(cx: &Context, family: bool) -> Result<End> {
    let mut input = stdin().lock();
    let (mut all, mut line, mut number) = (Vec::new(), Vec::new(), 0_usize);
    loop {
        line.clear();
        number += 1;
        let doing = || format!("reading line {number} of standard input");
        let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::new(doing(), error, "send the series again"))?;
        if read == 0 {
            break;
        }
        if read as u64 == LONGEST {
            let cause = format!("it is longer than {} MiB", LONGEST >> 20);
            return Err(Failure::usage(doing(), cause, "compare shorter windows"));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let case: Case = serde_json::from_slice(&line).map_err(|error| {
            let hint = "write {\"before\":[1,2,null],\"after\":[3],\"direction\":\"up-is-bad\"}; the direction is up-is-bad, down-is-bad or both";
            Failure::usage(doing(), visible(&error.to_string()), hint)
        })?;
        if family {
            all.push(case);
        } else {
            cx.out.json_line(&judge::judge(&case))?;
        }
    }
    judge::family(&all).iter().try_for_each(|judged| cx.out.json_line(judged))?;
    Ok(End::Done)
}

/// A change of state as it is printed.
#[derive(Serialize)]
struct Edge {
    at: Timestamp,
    from: &'static str,
    to: &'static str,
}

fn replay(cx: &Context, file: &Path, name: &str) -> Result<End> {
    // Only its limits are read: nothing that it names is run.
    let config = cx.setup()?.config;
    let probe = named(&config.probes, name)?;
    let doing = format!("replaying {} through {}", visible(&file.to_string_lossy()), visible(name));
    let refused = |cause: String, hint: &str| Failure::usage(doing.clone(), cause, hint);
    let rules = Rules::of(probe).map_err(|why| refused(why.to_string(), "run flightdeck config check"))?;
    let input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(stdin().lock())
    } else {
        let opened = File::open(file);
        Box::new(BufReader::new(opened.map_err(|error| refused(error.to_string(), "check the name"))?))
    };
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    let mut alarm = Alarm::new(probe.confirm).lasting(probe.lasting);
    let (mut last, mut passed_over) = (None::<Timestamp>, 0_usize);
    let mut columns = 2;
    for (index, row) in rows.records().enumerate() {
        let row = row.map_err(|error| refused(error.to_string(), "write time,value on each line"))?;
        let line = row.position().map_or(0, csv::Position::line);
        let (time, value) = (row.get(0).unwrap_or_default().trim(), row.get(1).unwrap_or_default().trim());
        if let Some(separator) = separated_otherwise(&row) {
            let cause = format!("line {line}: its columns are separated by {separator}, not by commas");
            return Err(refused(
                cause,
                "write time,value, with a point in decimals: 2026-11-21T14:02:00Z,0.5",
            ));
        }
        let Some(at) = moment(time) else {
            if index == 0 && is_heading(&row) {
                columns = row.len();
                continue;
            }
            let cause = format!("line {line}: {:?} is not a time", visible(time));
            let hint = "write 2026-11-21T14:02:00Z, or seconds since 1970; a heading names both columns";
            return Err(refused(cause, hint));
        };
        if row.len() != columns {
            let (cells, s) = (row.len(), if row.len() == 1 { "" } else { "s" });
            let cause = format!("line {line}: it has {cells} column{s}, and there should be {columns}");
            return Err(refused(cause, WRITE_NUMBERS));
        }
        // A sample that is older than the one before it, or the same again, would count twice.
        if last.is_some_and(|last| at <= last) {
            passed_over += 1;
            continue;
        }
        // Live, a probe of which nothing is heard for so long is unknown from then on.
        let unheard =
            last.and_then(|last| last.checked_add(patience(probe)).ok()).filter(|until| *until < at);
        for _ in 0..unheard.map_or(0, |_| probe.confirm.max(1)) {
            let why = "no sample for too long";
            let edge = unheard.and_then(|until| Some((until, alarm.observe(until, Verdict::NoData, why)?)));
            if let Some((at, edge)) = edge {
                cx.out.json_line(&Edge { at, from: edge.from.name(), to: edge.to.name() })?;
            }
        }
        last = Some(at);
        let Weighed { verdict, why, unrecovered } = match value {
            "" => Weighed { verdict: Verdict::NoData, why: "no data".to_owned(), unrecovered: None },
            written if written.parse().is_ok_and(|number: f64| number.is_infinite()) => {
                let cause = format!("line {line}: {} is too large for a number", visible(written));
                return Err(refused(cause, "leave the value empty where there was no data"));
            }
            written => rules.judge_number(written).ok_or_else(|| {
                let cause = format!("line {line}: {:?} is not a number", visible(written));
                refused(cause, WRITE_NUMBERS)
            })?,
        };
        let verdict = alarm.weigh(verdict, unrecovered.as_deref());
        if let Some(edge) = alarm.observe(at, verdict, &why) {
            cx.out.json_line(&Edge { at, from: edge.from.name(), to: edge.to.name() })?;
        }
    }
    if passed_over > 0 {
        let s = if passed_over == 1 { "" } else { "s" };
        cx.out.tell(&format!("{passed_over} sample{s} not later than the one before: left out"));
    }
    Ok(End::Done)
}

/// How a value is written.
const WRITE_NUMBERS: &str = "write 1234.5: a point in decimals, and nothing between thousands; \
                             leave the value empty where there was no data";

/// What separates the columns of a row where it is not the comma: a time, or the name of a column, stands
/// right before it.
fn separated_otherwise(row: &csv::StringRecord) -> Option<&'static str> {
    let first = row.get(0).unwrap_or_default();
    let all = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
    let (_, name) = all.into_iter().find(|(separator, _)| {
        let Some((before, after)) = first.split_once(*separator) else { return false };
        let is_name = row.len() == 1 && before.trim().starts_with(char::is_alphabetic);
        moment(before.trim()).is_some() || is_name && !after.trim().is_empty()
    })?;
    Some(name)
}

/// Tells whether the first row says what the columns are called: two names, neither of which somebody could
/// have meant as a time or a number.
fn is_heading(row: &csv::StringRecord) -> bool {
    let is_name = |cell: &str| {
        let cell = cell.trim().trim_start_matches('#').trim_start();
        cell.starts_with(char::is_alphabetic) && moment(cell).is_none() && cell.parse::<f64>().is_err()
    };
    row.len() >= 2 && row.iter().take(2).all(is_name)
}

/// The probe of that name.
fn named<'a>(all: &'a [Probe], name: &str) -> Result<&'a Probe> {
    all.iter().find(|probe| probe.name == name).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|probe| probe.name.as_str()).collect();
        let hint = match nearest(name, &known) {
            Some(near) => format!("did you mean {near:?}?"),
            None if all.is_empty() => "add [[probes]] to flightdeck.toml".to_owned(),
            None => format!("one of: {}", visible(&known.join(", "))),
        };
        Failure::usage("finding the probe", format!("unknown probe {:?}", visible(name)), hint)
    })
}

/// A time as files of samples write it.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let seconds: f64 = text.parse().ok().filter(|seconds: &f64| seconds.is_finite())?;
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_names_both_columns() {
        let row = |line: &str| line.split(',').collect::<csv::StringRecord>();
        for heading in ["time,value", "Time,error rate (%)", "# time, errors", "ts,v,host", "Zeit,Wert"] {
            assert!(is_heading(&row(heading)), "{heading}");
        }
        for other in [
            "yesterday",
            "yesterday,",
            "yesterday,5",
            "time,NaN",
            "2026-13-01T10:00:00Z,value",
            "1e99999,value",
            "inf,value",
            ",value",
            "time,-",
            "{\"t\":1",
        ] {
            assert!(!is_heading(&row(other)), "{other}");
        }
    }

    #[test]
    fn times_are_read_as_files_of_samples_write_them() {
        let wanted: Timestamp = "2026-11-21T14:02:00Z".parse().unwrap();
        for text in [
            "2026-11-21T14:02:00Z",
            "2026-11-21T15:02:00+01:00",
            "2026-11-21 14:02:00",
            "2026-11-21T14:02",
            "1795269720",
            "1795269720.000",
        ] {
            assert_eq!(moment(text), Some(wanted), "{text}");
        }
        for text in ["", "time", "NaN", "inf", "1e300", "14:02"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}

//! `flightdeck task`: who does what, and when they are back.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::End;
use super::context::{Context, Wanted};
use super::named::Open;
use super::save::{SaveArgs, save_in, some_text};
use crate::config::settings::person;
use crate::failure::Result;
use crate::incident::{RecordId, Task, TaskEnded, TaskGiven, length, same_person, time_left};
use crate::text::visible;

/// Give somebody a task and a time to report back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck task give omar \"check the pool\" --for 10m
  flightdeck task done \"the pool is fine\"
  flightdeck task list")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Give a task
    Give {
        /// Who does it
        #[arg(value_name = "PERSON")]
        person: String,

        /// What is to be done
        #[arg(value_name = "TEXT")]
        text: String,

        /// When they report back: 10m
        #[arg(long = "for", value_name = "TIME", value_parser = parse_length)]
        within: Option<SignedDuration>,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Record that a task is done
    Done {
        /// What came of it
        #[arg(value_name = "RESULT", default_value = "", hide_default_value = true)]
        result: String,

        /// Which task, if several are open: a part of its text, its owner or its id
        #[arg(long, value_name = "TASK")]
        task: Option<String>,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Drop a task
    Drop {
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,

        /// Which task, if several are open: a part of its text, its owner or its id
        #[arg(long, value_name = "TASK")]
        task: Option<String>,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// List open tasks
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A task as it is listed.
#[derive(Serialize)]
struct Listed<'a> {
    id: RecordId,
    owner: &'a str,
    text: &'a str,
    at: Timestamp,
    due_at: Timestamp,
    overdue: bool,
}

pub(super) fn parse_length(text: &str) -> Result<SignedDuration, String> {
    length(text).ok_or_else(|| "write 10m, 90s or 1h, at most 7 days".to_owned())
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.what {
        What::Give { person: name, text, within, save } => {
            let owner = person("reading PERSON", name, "name the person as they sign what they write")?;
            let text = some_text("the task", text)?;
            let within = within.unwrap_or(cx.setup_or_warn().policy.task_time);
            let until = cx.now().checked_add(within).unwrap_or(Timestamp::MAX);
            save_in(cx, *save, &mut cx.load(Wanted::Open)?, None, TaskGiven { text, owner, until })
        }
        What::Done { result, task, save } => {
            let mut loaded = cx.load(Wanted::NotClosed)?;
            let task = meant(&loaded.state().open_tasks(), task.as_deref(), &cx.user()?)?;
            let result = result.trim().to_owned();
            save_in(cx, *save, &mut loaded, None, TaskEnded { task, done: true, result })
        }
        What::Drop { reason, task, save } => {
            let result = some_text("the reason", reason)?;
            let mut loaded = cx.load(Wanted::NotClosed)?;
            let task = meant(&loaded.state().open_tasks(), task.as_deref(), &cx.user()?)?;
            save_in(cx, *save, &mut loaded, None, TaskEnded { task, done: false, result })
        }
        What::List { json } => list(cx, *json),
    }
}

fn list(cx: &Context, json: bool) -> Result<End> {
    let loaded = cx.load_to_read(Wanted::Last)?;
    let now = cx.now();
    let open = loaded.state().open_tasks();
    if json {
        let listed: Vec<_> = open
            .iter()
            .map(|task| Listed {
                id: task.id,
                owner: &task.owner,
                text: &task.text,
                at: task.at,
                due_at: task.until,
                overdue: now > task.until,
            })
            .collect();
        cx.out.json(&listed)?;
        return Ok(End::Done);
    }
    for task in open {
        let line = format!("{}: {}  ({})", task.owner, task.text, time_left(task.until, now));
        cx.out.line(&visible(&line))?;
    }
    Ok(End::Done)
}

/// The open task that is meant: the only one, the one that is named, or the only one of whoever says so.
fn meant(open: &[&Task], named: Option<&str>, me: &str) -> Result<RecordId> {
    let mut mine = open.iter().filter(|task| same_person(&task.owner, me));
    if let (None, Some(one), None) = (named, mine.next(), mine.next()) {
        return Ok(one.id);
    }
    let of = Open {
        doing: "ending a task",
        noun: "task",
        none: "flightdeck task give gives one",
        say: "say which with --task",
    };
    let is = |task: &Task, named: &str| {
        task.text.to_lowercase().contains(named)
            || task.owner.to_lowercase() == named
            || task.id.to_string().starts_with(named)
    };
    let told = |task: &Task| format!("{}: {}", task.owner, task.text);
    Ok(of.pick(open, named, is, told)?.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(n: u128, owner: &str, text: &str) -> Task {
        let (id, at) = (RecordId(uuid::Uuid::from_u128(n)), Timestamp::UNIX_EPOCH);
        let (owner, text) = (owner.to_owned(), text.to_owned());
        Task { id, text, owner, by: "maya".to_owned(), at, until: at, end: None }
    }

    #[test]
    fn whoever_has_one_task_means_that_one() {
        let (pool, logs, graph) = (task(1, "omar", "pool"), task(2, "li", "logs"), task(3, "omar", "graph"));
        assert_eq!(meant(&[&pool, &logs], None, "li").unwrap(), logs.id);
        assert_eq!(meant(&[&pool, &logs], Some("pool"), "li").unwrap(), pool.id);
        assert!(meant(&[&pool, &logs], None, "maya").unwrap_err().cause.contains("2 tasks"));
        assert!(meant(&[&pool, &logs, &graph], None, "omar").is_err());
        assert_eq!(meant(&[&pool], None, "maya").unwrap(), pool.id);
    }
}

//! `flightdeck history`: the incidents of this repository, what they came to, and all of them together.

mod json;

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::End;
use super::context::{Context, pick};
use crate::failure::Result;
use crate::incident::{IncidentId, Policy};
use crate::journal::Summary;
use crate::report::past::{self, By, Chronicle, Past, Trends, Unread, due};

/// List incidents, how long they took and what is left to do
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck history
  flightdeck history --by month
  flightdeck history --json | jq '.[] | select(.missed != [])'")]
pub(crate) struct Args {
    /// List those of all repositories in this journal
    #[arg(long)]
    all: bool,

    /// Group by month or severity: counts, medians with spread, trend
    #[arg(long, value_name = "WHAT")]
    by: Option<Grouping>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What incidents are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Grouping {
    /// The month in which they were declared (UTC)
    Month,
    /// Final severity
    Severity,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let journal = cx.journal_to_read()?;
    let repository = if args.all { None } else { Some(cx.repository(&journal)?) };
    let mut all = journal.incidents(repository.as_deref())?;
    // The tools of an assistant may be for one incident only.
    if let Some(only) = cx.assistant.and(cx.incident.as_ref()) {
        let only = pick(&journal.incidents(None)?, only)?;
        all.retain(|one| one.id == only);
    }
    // Those of other repositories are called what their teams call them, which nobody here knows.
    let setup = cx.setup_or_found().0;
    let (policy, probes) = (if args.all { Policy::built_in() } else { setup.policy }, setup.config.probes);
    let mut chronicle = Chronicle::default();
    for one in all.iter().filter(|one| one.is_declared) {
        let found =
            journal.alone(one.id).map(|state| Past::of(&state, &one.number, &policy, &probes, cx.now()));
        chronicle.take((one.id, one.number.clone(), one.title.clone()), found);
    }
    let today = cx.now().to_zoned(TimeZone::UTC).date();
    match args.by {
        Some(by) => {
            let by = if by == Grouping::Month { By::Month } else { By::Severity };
            let trends = past::trends(&chronicle.incidents, by, &policy);
            if args.json {
                cx.out.json(&json::trends(&trends, &chronicle.unread))?;
            } else {
                tell_trends(cx, &trends, &chronicle.unread)?;
            }
        }
        None if args.json => cx.out.json(&json::list(&all, &chronicle, &policy, today))?,
        None => {
            if all.is_empty() {
                let elsewhere = if args.all { 0 } else { journal.incidents(None)?.len() };
                cx.out.tell(&nothing(elsewhere));
            }
            tell(cx, &all, &chronicle, &policy, today)?;
        }
    }
    Ok(End::Done)
}

fn tell(cx: &Context, all: &[Summary], chronicle: &Chronicle, policy: &Policy, today: Date) -> Result<()> {
    let read: HashMap<IncidentId, &Past> = chronicle.incidents.iter().map(|past| (past.id, past)).collect();
    for one in all {
        let doubt = if one.is_declared { "" } else { "  ▲ no record declares it: run flightdeck verify" };
        cx.out.line(&format!(
            "{}  {}  {:<9}  {}  {}{doubt}",
            one.number,
            policy.severity_name(one.severity),
            one.status.name(),
            one.declared_at.strftime("%Y-%m-%d %H:%M"),
            one.title
        ))?;
        if let Some(past) = read.get(&one.id) {
            for line in past.details() {
                cx.out.line(&format!("    {line}"))?;
            }
        } else if let Some(unread) = chronicle.unread.iter().find(|unread| unread.id == one.id) {
            cx.out
                .line(&format!("    ✗ its records cannot be read: {}: run flightdeck verify", unread.why))?;
        }
    }
    tell_left(cx, chronicle, today)
}

/// What is said where none is listed.
fn nothing(elsewhere: usize) -> String {
    let here = "no incident was declared here yet";
    match elsewhere {
        0 => here.to_owned(),
        1 => format!("{here}; the journal has one of another repository: flightdeck history --all lists it"),
        n => {
            format!("{here}; the journal has {n} of other repositories: flightdeck history --all lists them")
        }
    }
}

/// What is left to do of all of them, and how one is ended.
fn tell_left(cx: &Context, chronicle: &Chronicle, today: Date) -> Result<()> {
    let left = chronicle.left();
    let Some(first) = left.first() else { return Ok(()) };
    let overdue = left.iter().filter(|one| one.overdue_by(today).is_some()).count();
    let late = if overdue == 0 { String::new() } else { format!(", {overdue} overdue") };
    cx.out.line("")?;
    cx.out.line(&format!("Follow-ups: {} open{late}", left.len()))?;
    for one in &left {
        let mark = if one.overdue_by(today).is_some() { "✗" } else { "·" };
        let owner = if one.follow_up.owner.is_empty() { "nobody yet" } else { &one.follow_up.owner };
        let issue = one.follow_up.issue.as_ref().map(|issue| format!(", issue #{}", issue.number));
        cx.out.line(&format!(
            "  {mark} {}  {}  ({owner}, {}{})",
            one.past.number,
            one.follow_up.text,
            due(one.follow_up, today),
            issue.unwrap_or_default()
        ))?;
    }
    cx.out.line(&format!("  flightdeck follow-up done TEXT --incident {} closes one", first.past.number))
}

/// The groups as a table, what its notations mean, and whether anything changes.
fn tell_trends(cx: &Context, trends: &Trends, unread: &[Unread]) -> Result<()> {
    for line in trends.table() {
        cx.out.line(&line)?;
    }
    if trends.count > 0 {
        cx.out.line("")?;
        for line in past::legend(trends) {
            cx.out.line(&format!("  {line}"))?;
        }
        for (_, line) in trends.drift_lines() {
            cx.out.line(&line)?;
        }
    }
    for one in unread {
        cx.out.tell(&format!("▲ {} is left out, its records cannot be read: {}", one.number, one.why));
    }
    if trends.count == 0 {
        cx.out.tell("no incident was declared here yet");
    }
    Ok(())
}

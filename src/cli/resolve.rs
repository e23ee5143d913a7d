//! `flightdeck resolve`: the incident is over, or users are served again.

use std::io::IsTerminal as _;

use super::context::{Context, Loaded, Wanted};
use super::save::{SaveArgs, in_time, save_in, some_text};
use super::{End, live};
use crate::conductor::Asking;
use crate::failure::{Failure, FailureKind, Result};
use crate::health::tracker::Tracker;
use crate::health::{kept, series};
use crate::incident::{Claim, Mitigated, RecordId, Resolved, State, Status};
use crate::text::visible;

/// Resolve the incident
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What speaks against it is shown, and asked about on a terminal.

Example:
  flightdeck resolve --mitigated                 users are served again
  flightdeck resolve --mitigated --at 14:02      since then
  flightdeck resolve
  flightdeck resolve --yes --reason \"the rest is for the review\"")]
pub(crate) struct Args {
    /// Users are served again, but the fault is not fixed yet
    #[arg(long)]
    mitigated: bool,

    /// When users were served again, if not now
    #[arg(long, value_name = "TIME", requires = "mitigated", allow_hyphen_values = true)]
    at: Option<String>,

    /// Why it is over although something is open; asked for on a terminal
    #[arg(long, value_name = "TEXT", conflicts_with = "mitigated")]
    reason: Option<String>,

    /// Resolve it although something is open
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    save: SaveArgs,
}

/// Tells whether a probe watches production.
fn watches_production(cx: &Context) -> impl Fn(&str) -> bool {
    let config = cx.setup_or_found().0.config;
    move |name| {
        let mut probes = config.probes.iter();
        probes.any(|probe| probe.name == name && config.watches_production(&probe.environment))
    }
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load(Wanted::Last)?;
    let state = loaded.state();
    let wanted = if args.mitigated { Status::Mitigated } else { Status::Resolved };
    // It failed again since: whether users are served is said anew.
    let is_anew = args.mitigated && state.failed_again(watches_production(cx), cx.now()).is_some();
    if !state.in_conflict() && !is_anew && already(state.status, wanted) {
        return Err(no_change(&format!("marking {} {}", loaded.number, wanted.name()), state));
    }
    let (after, doing) = (heads(state), format!("marking {} {}", loaded.number, wanted.name()));
    if args.mitigated {
        let at = args.at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
        in_time(&doing, &loaded, at)?;
        confirmed(cx, &doing, Claim::Mitigated, loaded.state(), args.yes)?;
        let end = save_in(cx, args.save, &mut loaded, at, Mitigated { after })?;
        keep_signals(cx, &mut loaded);
        live::keep(cx, &mut loaded.journal, loaded.log.state(), Asking::Environment);
        return Ok(end);
    }
    let given = args.reason.as_deref().map(|text| some_text("--reason", text)).transpose()?;
    let open = super::status::against(cx, Claim::Resolved, state);
    if !args.yes {
        meant(cx, &doing, Claim::Resolved, &open)?;
    }
    if args.yes && given.is_none() && !open.is_empty() {
        let open: Vec<String> = open.iter().map(|line| visible(line).into_owned()).collect();
        cx.out.tell(&format!(
            "▲ resolved without a reason. Still open:\n  {}\nAdd the reason: flightdeck note --kind decision TEXT",
            open.join("\n  ")
        ));
    }
    let reason = match given {
        None if !args.yes && !open.is_empty() => {
            super::yes::line(&doing, cx, "why is it over although this is open?")?
        }
        given => given.unwrap_or_default(),
    };
    let end = save_in(cx, args.save, &mut loaded, None, Resolved { after, open, reason })?;
    keep_signals(cx, &mut loaded);
    live::keep(cx, &mut loaded.journal, loaded.log.state(), Asking::Environment);
    Ok(end)
}

/// Keeps how the signals were, as far as this machine knows. It is over either way.
fn keep_signals(cx: &Context, loaded: &mut Loaded) {
    let (setup, _) = cx.setup_or_found();
    let Ok(repository) = loaded.journal.repository_of(loaded.state().id) else { return };
    let now = cx.now();
    let production = setup.config.production().map_or("", |env| env.name.as_str());
    let tracker = Tracker::new(&setup.config.probes);
    let values = |status: &series::Status, from| {
        let kept = loaded.journal.kept(&repository, &status.name, from);
        let samples = kept.map(|kept| kept.samples).unwrap_or_default();
        samples.into_iter().filter_map(|(at, value)| Some((at, value?))).collect()
    };
    let statuses = tracker.statuses().iter().map(|status| &**status);
    let signals = kept::signals(loaded.state(), production, statuses, now, values);
    if let Some(Err(failure)) = signals.map(|signals| loaded.append(None, now, signals)) {
        cx.out.tell(&format!("▲ the record does not have the signals: {}", failure.cause));
    }
}

/// Asks a person where something speaks against it.
///
/// # Errors
/// There is nobody to be asked, or they said no.
pub(super) fn confirmed(cx: &Context, doing: &str, claim: Claim, state: &State, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    meant(cx, doing, claim, &super::status::against(cx, claim, state))
}

/// The same, where what speaks against it is known.
fn meant(cx: &Context, doing: &str, claim: Claim, against: &[String]) -> Result<()> {
    if against.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = against.iter().map(|line| visible(line).into_owned()).collect();
    let (still, hint) = match claim {
        Claim::Resolved => {
            ("not resolved, still open", "finish these, or resolve anyway: --yes --reason \"…\"")
        }
        Claim::Closed => ("not closed, still open", "finish these, or close anyway: --yes"),
        Claim::Mitigated => ("not recorded, still open", "look at these, or record it anyway: --yes"),
        Claim::Phase(_) => ("not entered, still open", "finish these, or enter it anyway: --yes"),
    };
    let refused = |cause| Err(Failure::of(FailureKind::Gate, doing, cause, hint));
    if std::io::stderr().is_terminal() {
        for line in &lines {
            cx.out.tell(&format!("  ▲ {line}"));
        }
    }
    match super::yes::is_meant(cx, doing, "go ahead")? {
        Some(true) => Ok(()),
        Some(false) => refused("nothing was recorded".to_owned()),
        None => refused(format!("{still}:\n▲ {}", lines.join("\n▲ "))),
    }
}

/// Tells whether an incident is as far as that, or further.
fn already(status: Status, wanted: Status) -> bool {
    match status {
        Status::Open => false,
        Status::Mitigated => wanted == Status::Mitigated,
        Status::Resolved | Status::Closed => true,
    }
}

/// The decisions that a new one is made on.
pub(super) fn heads(state: &State) -> Vec<RecordId> {
    state.heads.iter().map(|head| head.record).collect()
}

/// A decision that would change nothing, or goes the wrong way.
pub(super) fn no_change(doing: &str, state: &State) -> Failure {
    let by =
        state.heads.first().map_or_else(String::new, |head| format!(" by {} at {:.0}", head.by, head.at));
    let hint = match state.status {
        Status::Open => "flightdeck resolve ends it",
        Status::Mitigated => "flightdeck resolve ends it; flightdeck reopen --reason … takes that back",
        Status::Resolved | Status::Closed => "if it is not over: flightdeck reopen --reason …",
    };
    let cause = match state.status {
        Status::Open => "it is open".to_owned(),
        done => format!("it is {} already{by}", done.name()),
    };
    Failure::usage(doing, cause, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_goes_forward_only() {
        assert!(!already(Status::Open, Status::Mitigated));
        assert!(!already(Status::Mitigated, Status::Resolved));
        assert!(already(Status::Mitigated, Status::Mitigated));
        assert!(already(Status::Resolved, Status::Mitigated));
        assert!(already(Status::Closed, Status::Resolved));
    }
}

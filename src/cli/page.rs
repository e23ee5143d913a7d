//! `flightdeck page`: pages somebody, or records that they were paged.

use jiff::SignedDuration;

use super::End;
use super::called;
use super::context::{Context, Setup, Wanted};
use super::message;
use super::save::{SaveArgs, in_time, save_in, some_text};
use super::task::parse_length;
use crate::comms::draft;
use crate::failure::{Failure, Result};
use crate::incident::Paged;
use crate::text::visible;

/// Page somebody, or record that they were paged
///
/// Where flightdeck.toml has a channel that pages WHO, and you do not say how or
/// when, that channel pages them. Otherwise nothing is sent: it records that
/// somebody paged them. Either meets the clock.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck page on-call
  flightdeck page on-call --wait
  flightdeck page on-call --on-call
  flightdeck page li --how phone")]
pub(crate) struct Args {
    /// Who
    #[arg(value_name = "WHO")]
    who: String,

    /// How: phone, pager, chat
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    how: String,

    /// When, if not now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    /// Wait until somebody acknowledged it, at most this long; default: as the policy says
    #[arg(long, value_name = "TIME", num_args = 0..=1, value_parser = parse_length, conflicts_with_all = ["how", "at"])]
    #[expect(clippy::option_option, reason = "the option may be given with and without a value")]
    wait: Option<Option<SignedDuration>>,

    /// Say who is on call, and page nobody
    #[arg(long, conflicts_with_all = ["how", "at", "wait"])]
    on_call: bool,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let who = some_text("who was paged", &args.who)?;
    let at = args.at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
    if args.on_call {
        return called::on_call(cx, &who, args.save.json);
    }
    if args.how.trim().is_empty() && at.is_none() {
        let (setup, mistake) = cx.setup_or_found();
        if let Some(mistake) = mistake {
            let cause = format!(
                "{}, so flightdeck cannot tell which channel pages {who}. Nobody was paged",
                mistake.cause
            );
            return Err(Failure::usage("paging", cause, "page them yourself, and say how: --how phone"));
        }
        meant(&setup, &who)?;
        if !draft::channels(&setup.config.channels, &setup.policy, &who).is_empty() {
            let end = message::page(cx, &who, args.save.json)?;
            return if end == End::Done { called::followed(cx, &who, args.wait) } else { Ok(end) };
        }
    }
    if args.wait.is_some() {
        let cause = format!("no channel pages {}, so nothing tells who acknowledged it", visible(&who));
        return Err(Failure::usage("paging", cause, "leave --wait out, or add a channel that pages them"));
    }
    let mut loaded = cx.load(Wanted::Open)?;
    in_time("recording who was paged", &loaded, at)?;
    save_in(cx, args.save, &mut loaded, at, Paged { who, how: args.how.trim().to_owned() })
}

/// Refuses what is almost the name of a role or of a person: nobody is called so.
fn meant(setup: &Setup, who: &str) -> Result<()> {
    let roles = setup.policy.roles.iter().map(|role| role.id.as_str());
    let people = setup.config.people.iter().map(|person| person.name.as_str());
    let reached: Vec<String> = setup.config.reached();
    let known: Vec<&str> = roles.clone().chain(people).chain(reached.iter().map(String::as_str)).collect();
    let squeezed = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    match known.iter().find(|one| squeezed(one) == squeezed(who)) {
        Some(one) if !known.contains(&who) && !one.eq_ignore_ascii_case(who) => Err(Failure::usage(
            "paging",
            format!("unknown role {}", visible(who)),
            format!("did you mean {one}? Whoever else you paged is recorded with --how"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_almost_a_role_is_asked_back() {
        let setup = Setup::new(None, false);
        let said = meant(&setup, "oncall").unwrap_err();
        assert_eq!(said.cause, "unknown role oncall");
        assert!(said.hint.starts_with("did you mean on-call?"), "{}", said.hint);
        for fine in ["on-call", "On-Call", "li"] {
            assert!(meant(&setup, fine).is_ok(), "{fine}");
        }
    }
}

//! `flightdeck handoff`: gives a role to somebody in two steps, with a brief.

use super::End;
use super::context::{Context, Loaded, Wanted};
use super::role::find_role;
use super::save::{SaveArgs, save_in};
use super::status;
use crate::config::settings::person;
use crate::failure::{Failure, Result};
use crate::incident::{HandoffAccepted, HandoffDeclined, HandoffOffered, Offer, Role, same_person};
use crate::text::visible;

/// Hand a role over in two steps, with a brief
///
/// Whoever has the role keeps it until the other person accepts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck handoff to li
  FLIGHTDECK_USER=li flightdeck handoff accept")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Offer the role to somebody
    To {
        /// Who takes over
        #[arg(value_name = "PERSON")]
        person: String,

        /// Which role
        #[arg(long, value_name = "ROLE", default_value = Role::COMMANDER)]
        role: String,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Accept the role that is offered to you
    Accept {
        /// Which role, if several are offered
        #[arg(long, value_name = "ROLE")]
        role: Option<String>,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Decline a role that is offered, or withdraw the offer
    Decline {
        /// Which role, if several are offered
        #[arg(long, value_name = "ROLE")]
        role: Option<String>,

        /// Why
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,

        #[command(flatten)]
        save: SaveArgs,
    },
    /// Print what whoever takes over has to know, as Markdown
    Brief,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.what {
        What::To { person: name, role, save } => {
            let role = find_role(&cx.setup_or_warn().policy, role)?;
            let to = person("reading PERSON", name, "name the person as they sign what they write")?;
            let mut loaded = cx.load(Wanted::Open)?;
            if let Some(has) = loaded.state().roles.get(&role).filter(|has| same_person(has, &to)) {
                let cause = format!("{} has it already", visible(has));
                return Err(Failure::usage(
                    format!("offering the role of {role}"),
                    cause,
                    "name somebody else",
                ));
            }
            if let Some(me) = cx.user().ok().filter(|me| same_person(me, &to)) {
                return Err(Failure::usage(
                    format!("offering the role of {role}"),
                    "you cannot offer it to yourself",
                    format!("to take it: flightdeck role {role} {}", quoted(&me)),
                ));
            }
            let situation = status::situation(cx, cx.load(Wanted::Open)?);
            let brief = situation.brief(Some(&role));
            let has = loaded.state().roles.get(&role);
            let has =
                has.map_or_else(|| "nobody has it".to_owned(), |has| format!("{} keeps it", visible(has)));
            cx.out.tell(&format!("{has} until {} takes it: flightdeck handoff accept", visible(&to)));
            save_in(cx, *save, &mut loaded, None, HandoffOffered { role, to, brief })
        }
        What::Accept { role, save } => {
            let mut loaded = cx.load(Wanted::Open)?;
            let me = cx.user()?;
            let offer = offered(&loaded, role.as_deref(), Some(&me), "accepting a handoff")?.id;
            save_in(cx, *save, &mut loaded, None, HandoffAccepted { offer })
        }
        What::Decline { role, reason, save } => {
            let mut loaded = cx.load(Wanted::Open)?;
            let offer = offered(&loaded, role.as_deref(), None, "calling a handoff off")?.id;
            let reason = reason.trim().to_owned();
            save_in(cx, *save, &mut loaded, None, HandoffDeclined { offer, reason })
        }
        What::Brief => {
            let situation = status::situation(cx, cx.load_to_read(Wanted::Last)?);
            let text = situation.brief(None);
            cx.out.lines(&text)?;
            Ok(End::Done)
        }
    }
}

/// A name as it can be copied into a shell.
fn quoted(name: &str) -> String {
    shell_words::quote(&visible(name)).into_owned()
}

/// The offer that is meant: the only open one, of a role or to a person where that is said.
fn offered<'a>(loaded: &'a Loaded, role: Option<&str>, to: Option<&str>, doing: &str) -> Result<&'a Offer> {
    let state = loaded.state();
    let of_role = |offer: &&Offer| role.is_none_or(|role| offer.role.eq_ignore_ascii_case(role));
    let open: Vec<&Offer> = state.open_offers().filter(of_role).collect();
    let mine: Vec<&Offer> =
        open.iter().copied().filter(|offer| to.is_none_or(|me| same_person(me, &offer.to))).collect();
    match (mine.as_slice(), open.as_slice()) {
        ([one], _) => Ok(one),
        ([], []) => {
            Err(Failure::usage(doing, "no role is offered", "flightdeck handoff to PERSON offers one"))
        }
        ([], [other, ..]) => {
            let cause = format!("{} is offered to {}, not to you", other.role, visible(&other.to));
            let hint = format!(
                "they take it themselves: FLIGHTDECK_USER={} flightdeck handoff accept",
                quoted(&other.to)
            );
            Err(Failure::usage(doing, cause, hint))
        }
        (several, _) => {
            let roles: Vec<&str> = several.iter().map(|offer| offer.role.as_str()).collect();
            Err(Failure::usage(
                doing,
                format!("{} are offered", roles.join(" and ")),
                "say which with --role",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_copied_into_a_shell() {
        assert_eq!(quoted("li"), "li");
        assert_eq!(quoted("Zoë 🚒"), "'Zoë 🚒'");
    }
}

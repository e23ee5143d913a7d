//! `flightdeck role`: gives a role to a person.

use super::End;
use super::context::Context;
use super::save::{SaveArgs, save};
use crate::config::settings::person;
use crate::failure::{Failure, Result};
use crate::incident::{Policy, RoleTaken};
use crate::text::nearest;

/// Assign a role to somebody
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck role commander maya
  flightdeck role lead \"\"          nobody has it any more")]
pub(crate) struct Args {
    /// The role: commander, lead, on-call, or one of the team's own
    #[arg(value_name = "ROLE")]
    role: String,

    /// Who takes it; empty: nobody
    #[arg(value_name = "PERSON")]
    person: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let role = find_role(&cx.setup_or_warn().policy, &args.role)?;
    let person = match args.person.trim() {
        "" => String::new(),
        name => person("reading PERSON", name, "name the person as they sign what they write")?,
    };
    save(cx, args.save, None, RoleTaken { role, person })
}

/// The id of a role, by its id, title or short form.
pub(super) fn find_role(policy: &Policy, named: &str) -> Result<String> {
    let named = named.trim();
    policy.find_role(named).map(|role| role.id.clone()).ok_or_else(|| {
        let ids: Vec<_> = policy.roles.iter().map(|role| role.id.as_str()).collect();
        let meant = nearest(named, &ids);
        Failure::usage(
            format!("finding role {named}"),
            "unknown role",
            match meant {
                Some(meant) => format!("did you mean {meant}? There are: {}", ids.join(", ")),
                None => format!("one of: {}", ids.join(", ")),
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_found_by_any_of_its_names() {
        let policy = Policy::built_in();
        let first = &policy.roles[0];
        assert_eq!(find_role(&policy, &first.id.to_uppercase()).unwrap(), first.id);
        assert_eq!(find_role(&policy, &first.short).unwrap(), first.id);
        assert_eq!(find_role(&policy, &first.title).unwrap(), first.id);
    }

    #[test]
    fn an_unknown_role_names_the_nearest() {
        let failure = find_role(&Policy::built_in(), "comander").unwrap_err();
        assert!(failure.hint.contains("did you mean commander?"), "{failure}");
    }
}

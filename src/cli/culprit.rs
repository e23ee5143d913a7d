//! `flightdeck culprit`: what usually breaks a service, what is known of each, and what was found.

use serde::Serialize;

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in, some_text};
use crate::failure::{Failure, Result};
use crate::hotfix::suspects::culprits::{Odd, Standing, odd, standings};
use crate::incident::{Culprit, CulpritJudged, CulpritVerdict};
use crate::text::{nearest, visible};

/// Go through what usually breaks a service
///
/// Without CULPRIT it lists them all, what is known of each, and everything odd that was noted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck culprit
  flightdeck culprit schema --ruled-out
  flightdeck culprit resources --found --note \"pool at its limit since 14:02\"")]
pub(crate) struct Args {
    /// The culprit: its id, its number in the list, or a unique beginning
    #[arg(value_name = "CULPRIT")]
    culprit: Option<String>,

    /// It was not this
    #[arg(long, group = "verdict", requires = "culprit")]
    ruled_out: bool,

    /// It was this
    #[arg(long, group = "verdict", requires_all = ["culprit", "note"])]
    found: bool,

    /// It is open again
    #[arg(long, group = "verdict", requires = "culprit")]
    open: bool,

    /// What shows it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, requires = "verdict")]
    note: String,

    /// Look at what changed, too; it may take a moment
    #[arg(long, conflicts_with = "culprit")]
    suspects: bool,

    #[command(flatten)]
    save: SaveArgs,
}

/// A culprit as it is listed.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    title: &'a str,
    verdict: CulpritVerdict,
    said: &'a str,
    evidence: &'a [String],
}

/// Something odd as it is listed.
#[derive(Serialize)]
struct Noted<'a> {
    id: String,
    text: &'a str,
    by: &'a str,
    follow_up: bool,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let setup = cx.setup_or_warn();
    let Some(named) = &args.culprit else { return list(args, cx) };
    let culprit = find(&setup.policy.culprits, named)?;
    let verdict = match (args.ruled_out, args.found, args.open) {
        (true, ..) => CulpritVerdict::RuledOut,
        (_, true, _) => CulpritVerdict::Found,
        (.., true) => CulpritVerdict::Open,
        _ => {
            return Err(Failure::usage(
                format!("judging {}", culprit.title),
                "say what you found",
                "add --ruled-out, --found --note TEXT, or --open",
            ));
        }
    };
    let note = if args.found { some_text("the note", &args.note)? } else { args.note.trim().to_owned() };
    let judged = CulpritJudged { culprit: culprit.id.clone(), title: culprit.title.clone(), verdict, note };
    save_in(cx, args.save, &mut cx.load(Wanted::NotClosed)?, None, judged)
}

fn list(args: &Args, cx: &Context) -> Result<End> {
    let setup = cx.setup_or_warn();
    let loaded = cx.load_to_read(Wanted::Last)?;
    let found = if args.suspects { Some(super::suspects::look(cx, None)?) } else { None };
    let state = loaded.state();
    let culprits = standings(&setup.policy.culprits, state, found.as_ref(), &setup.config.probes, &[]);
    let odd = odd(state);
    if args.save.json {
        let culprits: Vec<_> = culprits
            .iter()
            .map(|one| Listed {
                id: &one.culprit.id,
                title: &one.culprit.title,
                verdict: one.verdict,
                said: &one.said,
                evidence: &one.evidence,
            })
            .collect();
        let odd: Vec<_> = odd
            .iter()
            .map(|one| Noted {
                id: one.id.to_string(),
                text: &one.text,
                by: &one.by,
                follow_up: one.followed,
            })
            .collect();
        cx.out.json(&serde_json::json!({ "culprits": culprits, "odd": odd }))?;
        return Ok(End::Done);
    }
    cx.out.lines(&text(&culprits, &odd))?;
    Ok(End::Done)
}

fn text(culprits: &[Standing<'_>], odd: &[Odd]) -> String {
    let mut lines = Vec::new();
    for (index, one) in culprits.iter().enumerate() {
        let word = match one.verdict {
            CulpritVerdict::Open => String::new(),
            verdict => format!("  {}, {}", verdict.word(), visible(&one.said)),
        };
        lines.push(format!("{:>2}  {}{word}", index + 1, visible(&one.culprit.title)));
        lines.extend(one.evidence.iter().map(|line| format!("      {}", visible(line))));
        if one.evidence.is_empty() && !one.otherwise.is_empty() && one.verdict == CulpritVerdict::Open {
            lines.push(format!("      {}", visible(&one.otherwise)));
        }
    }
    if !odd.is_empty() {
        lines.push("\nodd, noted on the way:".to_owned());
    }
    for one in odd {
        let end = if one.followed { "  (a follow-up)" } else { "" };
        lines.push(format!("  {} ({}){end}", visible(&one.text), visible(&one.by)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The culprit that an id, a number from 1, or a unique beginning of id or title means.
fn find<'a>(culprits: &'a [Culprit], named: &str) -> Result<&'a Culprit> {
    let wanted = named.trim().to_lowercase();
    let number = wanted.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let begins =
        |one: &&Culprit| one.id.starts_with(&wanted) || one.title.to_lowercase().starts_with(&wanted);
    let exact = culprits.iter().find(|one| one.id == wanted);
    let found: Vec<&Culprit> = match exact.or_else(|| culprits.get(number?)) {
        Some(one) => vec![one],
        None if wanted.is_empty() => Vec::new(),
        None => culprits.iter().filter(begins).collect(),
    };
    let ids: Vec<&str> = culprits.iter().map(|one| one.id.as_str()).collect();
    if let [one] = found.as_slice() {
        return Ok(one);
    }
    let meant = nearest(&wanted, &ids).map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
    let hint = format!("{meant}one of: {}", ids.join(", "));
    let cause = if found.is_empty() { "unknown culprit" } else { "more than one begins so" };
    Err(Failure::usage(format!("finding culprit {}", visible(named)), cause, hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Policy;

    #[test]
    fn a_culprit_is_found_by_id_number_and_beginning() {
        let culprits = Policy::built_in().culprits;
        for named in ["schema", "1", "SCH", "database"] {
            assert_eq!(find(&culprits, named).unwrap().id, "schema", "{named}");
        }
        for named in ["", "0", "99", "moon"] {
            assert!(find(&culprits, named).unwrap_err().hint.contains("one of: schema"), "{named}");
        }
    }
}

//! Commands of a runbook, as plans. Pure.

use jiff::SignedDuration;

use super::{Fill, Resolved, action, secrets};
use crate::config::types::{Config, Environment, Reaches};
use crate::failure::Result;
use crate::incident::Policy;
use crate::plan::{Action, Plan, Purpose, Reach, Step};
use crate::text::visible;

/// A command is stopped after so long.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(15);

/// A block of commands that a person has read.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// The runbook, as it is called in plans.
    pub title: &'a str,
    /// What is leased where it reaches no environment.
    pub target: &'a str,
    /// What confirms it where nothing else does: a runbook is under nobody's trust.
    pub word: &'a str,
    /// What the plan says of where it comes from.
    pub from: &'a str,
    /// What it says it reaches.
    pub reaches: Option<&'a str>,
    /// Its commands.
    pub lines: &'a [Vec<String>],
}

/// The plan that runs the commands of a block, a step each. One that does not say what it reaches is taken
/// to reach production.
///
/// # Errors
/// There is no such environment, or what is put in the place of its words could be taken for an option.
pub fn runbook(
    config: &Config,
    policy: &Policy,
    id: &str,
    block: Block<'_>,
    what: &Resolved,
) -> Result<Plan> {
    let doing = format!("planning the {}", visible(block.title));
    let said = match block.reaches {
        Some(written) => action::reaches(config, &doing, written)?,
        None => config.production().map_or(Reaches::Others, Reaches::Environment),
    };
    // Nobody trusted it: what its commands name counts more than what it says of itself.
    let is_guarded = matches!(said, Reaches::Environment(env) if env.protected);
    let named = guarded(config, block.lines).filter(|_| !is_guarded);
    let reaches = named.map_or(said, Reaches::Environment);
    let fill = match reaches {
        Reaches::Environment(env) => Fill::of(&doing, &env.name, what, &[])?,
        _ => Fill::beyond(&doing, what, &[])?,
    };
    let mut notes = vec![block.from.to_owned()];
    notes.push(match (block.reaches, named) {
        (Some(written), Some(env)) => {
            let (written, name) = (visible(written), visible(&env.name));
            format!(
                "it says that it reaches {written}, and its commands name {name}: it is taken to reach that"
            )
        }
        (Some(Reaches::NOTHING), None) => {
            "it says of itself that it reaches nothing beyond this machine".to_owned()
        }
        (Some(_), None) => "what it reaches is what it says of itself".to_owned(),
        (None, _) => {
            "it does not say what it reaches (reaches=… behind the language of the block)".to_owned()
        }
    });
    let steps = block.lines.iter().map(|argv| {
        let command = fill.command(argv, "run")?;
        Ok(Step {
            reach: if reaches == Reaches::Nothing { Reach::Here } else { Reach::Others },
            undo: action::undo(reaches),
            ..Step::new(format!("run {}", program(argv)), Action::Command(command), TIMEOUT)
        })
    });
    let steps = steps.collect::<Result<Vec<_>>>()?;
    let plan = Plan { notes, steps, ..Plan::new(id, block.title, Purpose::Runbook, block.target) };
    let mut plan = action::reaching(plan, config, policy, reaches);
    plan.confirm = plan.confirm.or_else(|| Some(block.word.to_owned()));
    Ok(secrets::attach(plan, config, &what.root))
}

/// The protected environment that a command names as a word of its own: `--env=production`.
fn guarded<'a>(config: &'a Config, lines: &[Vec<String>]) -> Option<&'a Environment> {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let names = |word: &str, name: &str| {
        word.match_indices(name).any(|(at, _)| {
            let (before, after) = (word.get(..at).unwrap_or_default(), word.get(at + name.len()..));
            let after = after.unwrap_or_default();
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
    };
    let mut guarded = config.environments.iter().filter(|env| env.protected && !env.name.is_empty());
    guarded.find(|env| lines.iter().flatten().any(|word| names(word, &env.name)))
}

/// The program of a command without its folders: `pool.sh`.
fn program(argv: &[String]) -> String {
    let program = argv.first().map_or("", String::as_str);
    visible(program.rsplit('/').next().unwrap_or(program)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn plan(reaches: Option<&str>) -> Plan {
        plan_of(reaches, &["./look.sh"])
    }

    fn plan_of(reaches: Option<&str>, second: &[&str]) -> Plan {
        let text = b"[[environments]]\nname = \"production\"\ndeploy = [\"x\"]\nprotected = true\n";
        let what = Resolved {
            reference: "main".into(),
            commit: "c".repeat(40),
            root: "/shop".into(),
            ..Resolved::default()
        };
        let second = second.iter().map(ToString::to_string).collect();
        let lines = [vec!["./drain.sh".to_owned(), "{ref}".to_owned()], second];
        let block = Block {
            title: "runbook runbooks/pool.md, block 1",
            target: "runbook:runbooks/pool.md",
            word: "pool",
            from: "as it was shown",
            reaches,
            lines: &lines,
        };
        runbook(&load::parse(text).unwrap(), &Policy::built_in(), "r-1", block, &what).unwrap()
    }

    #[test]
    fn a_block_that_does_not_say_what_it_reaches_is_taken_to_reach_production() {
        let plan = plan(None);
        assert_eq!((plan.target.as_str(), plan.confirm.as_deref()), ("production", Some("production")));
        assert!(plan.gates.iter().any(|gate| gate.id() == "approvals"), "{:?}", plan.gates);
        let lines: Vec<_> = plan.steps.iter().map(|step| step.action.line()).collect();
        assert_eq!(lines, ["./drain.sh main", "./look.sh"]);
    }

    #[test]
    fn one_that_names_what_is_protected_stands_behind_its_gates_whatever_it_says() {
        for words in [["kubectl", "production"], ["k", "--env=production"], ["k", "https://x/production/y"]] {
            let plan = plan_of(Some("nothing"), &words);
            assert_eq!((plan.target.as_str(), plan.confirm.as_deref()), ("production", Some("production")));
            assert!(!plan.gates.is_empty() && plan.reaches_others(), "{words:?}");
            assert!(plan.notes[1].contains("its commands name production"), "{:?}", plan.notes);
        }
        for words in [["k", "pre-production"], ["k", "production_copy"], ["k", "reproduction"]] {
            assert_eq!(plan_of(Some("nothing"), &words).confirm.as_deref(), Some("pool"), "{words:?}");
        }
    }

    #[test]
    fn one_that_reaches_nothing_is_confirmed_by_a_word_all_the_same() {
        let plan = plan(Some("nothing"));
        assert_eq!((plan.confirm.as_deref(), plan.gates.len()), (Some("pool"), 0));
        assert!(!plan.reaches_others());
    }
}

//! Commands of a team's own, as plans. Pure.

use super::{Fill, Resolved, gates, secrets};
use crate::config::types::{Config, Reaches};
use crate::failure::{Failure, Result};
use crate::incident::Policy;
use crate::plan::{Action, Plan, Purpose, Reach, Step, Undo};
use crate::text::{nearest, visible};

/// The plan that carries out an action of `flightdeck.toml`.
///
/// # Errors
/// There is no such action, or what is put in the place of its words could be taken for an option.
pub fn action(config: &Config, policy: &Policy, id: &str, name: &str, what: &Resolved) -> Result<Plan> {
    let title = format!("run {}", visible(name));
    let doing = format!("planning to {title}");
    let found = config.actions.iter().find(|action| action.name == name).ok_or_else(|| {
        let known: Vec<&str> = config.actions.iter().map(|action| action.name.as_str()).collect();
        let hint = match nearest(name, &known) {
            Some(near) => format!("did you mean {}?", visible(near)),
            None if known.is_empty() => "add an [[actions]] table to flightdeck.toml".to_owned(),
            None => format!("flightdeck.toml has: {}", visible(&known.join(", "))),
        };
        Failure::usage(&*doing, format!("unknown action {}", visible(name)), hint)
    })?;
    let reaches = reaches(config, &doing, &found.reaches)?;
    let fill = match reaches {
        Reaches::Environment(env) => Fill::of(&doing, &env.name, what, &found.env)?,
        _ => Fill::beyond(&doing, what, &found.env)?,
    };
    let step = Step {
        reach: if reaches == Reaches::Nothing { Reach::Here } else { Reach::Others },
        undo: undo(reaches),
        ..Step::new(found.about(), Action::Command(fill.command(&found.run, "run")?), found.timeout)
    };
    let plan = Plan { steps: vec![step], ..Plan::new(id, title, Purpose::Action, &format!("action:{name}")) };
    Ok(secrets::attach(reaching(plan, config, policy, reaches), config, &what.root))
}

/// What is reached, as it is written.
///
/// # Errors
/// There is no environment of that name.
pub fn reaches<'a>(config: &'a Config, doing: &str, written: &str) -> Result<Reaches<'a>> {
    match Reaches::parse(config, written) {
        Some(reaches) => Ok(reaches),
        None => super::find_environment(config, doing, written).map(Reaches::Environment),
    }
}

/// How a step is undone of which nothing is known but what it reaches.
pub fn undo(reaches: Reaches<'_>) -> Undo {
    match reaches {
        Reaches::Nothing => Undo::Nothing,
        _ => Undo::Irreversible { why: "flightdeck does not know how to take it back".to_owned() },
    }
}

/// The plan on the target that it reaches: held for no other plan meanwhile, confirmed by its name where
/// it is protected, and behind those of its gates that are not about a commit.
#[must_use]
pub fn reaching(plan: Plan, config: &Config, policy: &Policy, reaches: Reaches<'_>) -> Plan {
    let Reaches::Environment(env) = reaches else { return plan };
    let plan = Plan { target: env.name.clone(), confirm: env.protected.then(|| env.name.clone()), ..plan };
    gates::attach_people(plan, config, policy, env)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;
    use crate::plan::words;

    fn config() -> Config {
        let text = br#"
            [[environments]]
            name = "staging"
            deploy = ["./deploy.sh"]
            [[environments]]
            name = "production"
            deploy = ["./deploy.sh"]
            protected = true
            [[actions]]
            name = "restart-workers"
            title = "Restart the queue workers"
            run = ["./restart.sh", "{env}", "{commit}"]
            reaches = "production"
            timeout = "2m"
            [[actions]]
            name = "pool"
            run = ["./pool.sh", "{ref}"]
            reaches = "nothing"
            [[actions]]
            name = "ticket"
            run = ["./ticket.sh"]
            reaches = "others"
        "#;
        load::parse(text).unwrap()
    }

    fn plan(name: &str) -> Result<Plan> {
        let what = Resolved {
            reference: "main".into(),
            commit: "c".repeat(40),
            root: "/shop".into(),
            ..Resolved::default()
        };
        action(&config(), &Policy::built_in(), "a-1", name, &what)
    }

    fn argv(plan: &Plan) -> Vec<String> {
        let Action::Command(command) = &plan.steps[0].action else { panic!("{plan:?}") };
        command.argv.clone()
    }

    #[test]
    fn what_reaches_a_protected_environment_asks_for_its_name_and_for_people() {
        let plan = plan("restart-workers").unwrap();
        assert_eq!((plan.target.as_str(), plan.confirm.as_deref()), ("production", Some("production")));
        assert_eq!(argv(&plan)[1..], ["production".to_owned(), "c".repeat(40)]);
        let gates: Vec<_> = plan.gates.iter().map(crate::plan::gates::Gate::id).collect();
        assert_eq!(gates, ["approvals", "freeze"], "nothing of it is about a commit");
        assert_eq!(words::effect(&plan), "reaches production");
        assert!(matches!(plan.steps[0].undo, Undo::Irreversible { .. }));
    }

    #[test]
    fn what_reaches_nothing_asks_for_nothing() {
        let plan = plan("pool").unwrap();
        assert_eq!((plan.target.as_str(), &plan.confirm), ("action:pool", &None));
        assert_eq!(argv(&plan), ["./pool.sh", "main"]);
        assert!(plan.gates.is_empty() && !plan.reaches_others(), "{plan:?}");
        let plan = self::plan("ticket").unwrap();
        assert_eq!((words::effect(&plan).as_str(), plan.gates.len()), ("reaches others", 0));
    }

    #[test]
    fn an_environment_that_is_called_like_a_word_keeps_its_gates() {
        for word in [Reaches::NOTHING, Reaches::OTHERS] {
            let text = format!(
                "[[environments]]\nname = \"{word}\"\ndeploy = [\"./deploy.sh\"]\nprotected = true\n\
                 [[actions]]\nname = \"a\"\nrun = [\"./a.sh\"]\nreaches = \"{word}\"\n"
            );
            let what = Resolved { reference: "main".into(), root: "/shop".into(), ..Resolved::default() };
            let config = load::parse(text.as_bytes()).unwrap();
            let plan = action(&config, &Policy::built_in(), "a-1", "a", &what).unwrap();
            assert_eq!((plan.target.as_str(), plan.confirm.as_deref()), (word, Some(word)));
            assert!(!plan.gates.is_empty() && plan.reaches_others());
        }
    }

    #[test]
    fn what_a_branch_is_called_stays_one_argument_and_is_filled_in_once() {
        let what = Resolved {
            reference: "{env}; rm -rf $(pwd) \u{27}".into(),
            commit: "c".repeat(40),
            root: "/shop".into(),
            ..Resolved::default()
        };
        let plan = action(&config(), &Policy::built_in(), "a-1", "pool", &what).unwrap();
        assert_eq!(argv(&plan), ["./pool.sh", "{env}; rm -rf $(pwd) \u{27}"]);
        for reference in ["--upload-pack=x", "a\nb", ""] {
            let what = Resolved { reference: reference.into(), ..what.clone() };
            assert!(action(&config(), &Policy::built_in(), "a-1", "pool", &what).is_err(), "{reference}");
        }
    }

    #[test]
    fn an_action_that_there_is_not_names_the_nearest() {
        let failure = plan("restart-worker").unwrap_err();
        assert!(failure.hint.contains("restart-workers"), "{failure}");
    }
}

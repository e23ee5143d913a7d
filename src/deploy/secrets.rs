//! Which of the declared secrets a plan needs and masks, and where their values come from. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::types::{Config, Secret};
use crate::plan::{Action, Ask, Command, HttpCall, Plan, Probe, SecretFrom, SecretSource, Step, Undo};
use crate::text::placeholder;

/// The plan with the secrets that its steps name: in the `env` of their commands, or as
/// `{secret:NAME}` in their calls. Files and commands of secrets are taken from `root`, the root
/// of the work tree; a file that begins with `~/` stays so.
#[must_use]
pub fn attach(mut plan: Plan, config: &Config, root: &str) -> Plan {
    let mut names = BTreeSet::new();
    for step in &plan.steps {
        in_step(step, &mut names);
    }
    let declared = config.secrets.iter().filter(|secret| names.contains(secret.name.as_str()));
    let found: Vec<SecretSource> = declared.map(|secret| source(secret, root)).collect();
    add(&mut plan, found);
    plan
}

/// The plan with the declared secrets that can be had without asking anybody, whether a step names them
/// or not: a command finds what it tells in other places than its environment, too, and a remote does. They
/// are masked, and handed to nobody.
#[must_use]
pub fn attach_silent(mut plan: Plan, config: &Config, root: &str) -> Plan {
    let declared = config.secrets.iter().map(|secret| source(secret, root));
    add(&mut plan, declared.filter(|source| !matches!(source.from, SecretFrom::Command(_))));
    plan
}

fn add(plan: &mut Plan, sources: impl IntoIterator<Item = SecretSource>) {
    for source in sources {
        if !plan.secrets.contains(&source) {
            plan.secrets.push(source);
        }
    }
}

/// Where the value of a declared secret comes from.
pub fn source(secret: &Secret, root: &str) -> SecretSource {
    let from = match (&secret.env, &secret.file, &secret.command) {
        (_, Some(file), _) if file.starts_with(['/', '~']) => SecretFrom::File(file.clone()),
        (_, Some(file), _) => SecretFrom::File(format!("{root}/{file}")),
        (_, _, Some(argv)) => SecretFrom::Command(Command {
            argv: argv.clone(),
            cwd: root.to_owned(),
            env: Vec::new(),
            set: BTreeMap::new(),
        }),
        (Some(variable), None, None) => SecretFrom::Env(variable.clone()),
        (None, None, None) => SecretFrom::Env(secret.name.clone()),
    };
    SecretSource { name: secret.name.clone(), from }
}

fn in_step<'a>(step: &'a Step, names: &mut BTreeSet<&'a str>) {
    in_action(&step.action, names);
    let probes = step.guards.iter().map(|guard| &guard.probe).chain(&step.proof);
    for probe in probes {
        in_probe(probe, names);
    }
    if let Undo::By { action, proof } = &step.undo {
        in_action(action, names);
        if let Some(probe) = proof {
            in_probe(probe, names);
        }
    }
}

fn in_action<'a>(action: &'a Action, names: &mut BTreeSet<&'a str>) {
    match action {
        Action::Command(command) => names.extend(command.env.iter().map(String::as_str)),
        Action::Http(call) => in_call(call, names),
        Action::Forge(call) => {
            names.insert(call.place.token.as_str());
        }
        Action::Pipeline(pipeline) => names.extend(pipeline.secrets()),
        Action::Watch(watch) => {
            for probe in &watch.probes {
                names.extend(probe.source.env().iter().map(String::as_str));
                probe.source.headers().values().for_each(|value| in_text(value, names));
                in_text(probe.source.url().unwrap_or_default(), names);
            }
        }
        Action::Gate { .. } | Action::Hold { .. } => {}
    }
}

fn in_probe<'a>(probe: &'a Probe, names: &mut BTreeSet<&'a str>) {
    match &probe.ask {
        Ask::Command(command) => names.extend(command.env.iter().map(String::as_str)),
        Ask::Http { call, .. } => in_call(call, names),
        Ask::Forge(call) => {
            names.insert(call.place.token.as_str());
        }
    }
}

fn in_call<'a>(call: &'a HttpCall, names: &mut BTreeSet<&'a str>) {
    call.headers.values().for_each(|value| in_text(value, names));
    in_text(&call.body, names);
}

/// Names in `{secret:NAME}`.
fn in_text<'a>(text: &'a str, names: &mut BTreeSet<&'a str>) {
    names.extend(placeholder::names(text));
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::plan::Purpose;

    fn secret(name: &str) -> Secret {
        Secret { name: name.to_owned(), env: None, file: None, command: None }
    }

    #[test]
    fn only_declared_secrets_that_a_step_names_are_attached() {
        let command = Command {
            argv: vec!["x".to_owned()],
            cwd: "/repo".to_owned(),
            env: vec!["DEPLOY_TOKEN".to_owned(), "CI".to_owned()],
            set: BTreeMap::new(),
        };
        let call = HttpCall {
            method: "PUT".to_owned(),
            url: "https://flags.example/x".to_owned(),
            headers: BTreeMap::from([("Authorization".to_owned(), "Bearer {secret:FLAGS}".to_owned())]),
            body: "{\"key\": \"{secret:KEY}\"}".to_owned(),
            expect: Vec::new(),
        };
        let step = |action| Step::new("x", action, SignedDuration::from_mins(1));
        let mut plan = Plan::new("x", "x", Purpose::Deploy, "staging");
        plan.steps = vec![step(Action::Command(command.clone())), step(Action::Http(call))];
        plan.steps[0].undo = Undo::By {
            action: Action::Command(Command { env: vec!["UNDO_TOKEN".to_owned()], ..command }),
            proof: None,
        };
        let names = ["KEY", "UNUSED", "DEPLOY_TOKEN", "UNDO_TOKEN", "FLAGS"];
        let config = Config { secrets: names.map(secret).to_vec(), ..Config::default() };
        let attached = attach(plan, &config, "/repo");
        let names: Vec<&str> = attached.secrets.iter().map(|secret| secret.name.as_str()).collect();
        assert_eq!(names, ["KEY", "DEPLOY_TOKEN", "UNDO_TOKEN", "FLAGS"]);
        // What asks nobody is there to be masked, each once.
        let command = Secret { command: Some(vec!["pass".to_owned()]), ..secret("PRINTED") };
        let config = Config { secrets: [config.secrets, vec![command]].concat(), ..Config::default() };
        let masked = attach_silent(attached, &config, "/repo");
        let names: Vec<&str> = masked.secrets.iter().map(|secret| secret.name.as_str()).collect();
        assert_eq!(names, ["KEY", "DEPLOY_TOKEN", "UNDO_TOKEN", "FLAGS", "UNUSED"]);
    }

    #[test]
    fn a_source_is_the_one_that_is_given_else_the_variable_of_its_name() {
        let from = |secret: Secret| source(&secret, "/repo").from;
        assert_eq!(from(secret("A")), SecretFrom::Env("A".to_owned()));
        assert_eq!(from(Secret { env: Some("B".into()), ..secret("A") }), SecretFrom::Env("B".to_owned()));
        let file = |file: &str| from(Secret { file: Some(file.into()), ..secret("A") });
        assert_eq!(file("ops/token"), SecretFrom::File("/repo/ops/token".to_owned()));
        assert_eq!(file("/run/token"), SecretFrom::File("/run/token".to_owned()));
        assert_eq!(file("~/.token"), SecretFrom::File("~/.token".to_owned()));
        let command = Secret { command: Some(vec!["pass".into(), "show".into()]), ..secret("A") };
        let SecretFrom::Command(command) = from(command) else { panic!("not a command") };
        assert_eq!((command.line().as_str(), command.cwd.as_str()), ("pass show", "/repo"));
    }
}

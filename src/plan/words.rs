//! What a step does beside its one line, in words: for every preview there is.

use super::forge::Wanted;
use super::pipeline::{Begin, Pipeline, Runner};
use super::programs::Frozen;
use super::{
    Action, Ask, Command, ForgeCall, HttpCall, OnFailure, Plan, Probe, Purpose, Reach, Step, Undo, Watch,
    programs,
};
use crate::incident::duration;
use crate::text::address::without_credentials;

/// One thing to be said of a step: `proof` and `./ops/deployed.sh staging`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is, in a word or two.
    pub label: &'static str,
    /// The rest.
    pub text: String,
}

/// Says what a plan does to what lies beyond this machine, before it is confirmed.
pub fn effect(plan: &Plan) -> String {
    let target = plan.target.as_str();
    match (plan.purpose, target.strip_prefix("flag:")) {
        _ if !plan.reaches_others() => "nothing beyond this machine changes".to_owned(),
        (purpose, _) if only_asks(purpose) => format!("runs against {target}"),
        (Purpose::Action | Purpose::Runbook, _) if target.contains(':') => "reaches others".to_owned(),
        (Purpose::Action | Purpose::Runbook, _) => format!("reaches {target}"),
        // Its title says which way: `turn loyalty off`.
        (_, Some(name)) => match plan.title.rsplit_once(' ') {
            Some((_, way @ ("on" | "off"))) => format!("turns the flag {name} {way}"),
            _ => format!("turns the flag {name}"),
        },
        (Purpose::FollowUp, _) => "opens issues that others see".to_owned(),
        (Purpose::Report, _) => "pushes the report where others can read it".to_owned(),
        _ if target == "repository" || reverts_only(plan) => {
            "changes the repository for everybody".to_owned()
        }
        _ => format!("changes {target}"),
    }
}

/// Whether it pushes a revert that no pipeline brings to production: that keeps what it runs.
fn reverts_only(plan: &Plan) -> bool {
    plan.way.as_deref() == Some("revert") && plan.release.is_none() && plan.pushes_to().is_empty()
}

/// The same, with the steps that do it where others do not: `changes production: steps 1–2, 4 of 8`.
pub fn effect_by_steps(plan: &Plan) -> String {
    let all = plan.steps.len();
    let reaches = |index: &usize| plan.steps.get(*index).is_some_and(|step| step.reach == Reach::Others);
    let steps: Vec<usize> = (0..all).filter(reaches).collect();
    let effect = effect(plan);
    if steps.is_empty() || steps.len() == all {
        return effect;
    }
    // Those that follow each other are one range.
    let runs = steps.chunk_by(|one, next| one + 1 == *next).map(|run| match run {
        [first, .., last] => format!("{}–{}", first + 1, last + 1),
        only => only.iter().map(|step| (step + 1).to_string()).collect(),
    });
    let s = if steps.len() == 1 { "" } else { "s" };
    format!("{effect}: step{s} {} of {all}", runs.collect::<Vec<_>>().join(", "))
}

/// Tells whether such plans find something out, and are not meant to change anything.
pub fn only_asks(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Test | Purpose::Smoke | Purpose::Watch | Purpose::ExtendedWatch | Purpose::Bisect => true,
        Purpose::Deploy
        | Purpose::Hotfix
        | Purpose::Rollback
        | Purpose::Flag
        | Purpose::Action
        | Purpose::Runbook
        | Purpose::FollowUp
        | Purpose::Report => false,
    }
}

/// All that a reader should see of a step besides its title, its action's line and its reach:
/// what it gets and sends and others do not (see [`common`]), what has to be true before, how it is proven and undone, what happens
/// on failure, and when it is stopped. The directory of a command is left to the caller.
pub fn details(plan: &Plan, step: &Step) -> Vec<Detail> {
    let mut list = Vec::new();
    for guard in &step.guards {
        add(&mut list, "only if", format!("{}: {}", guard.title, asked(&guard.probe)));
    }
    action(&mut list, &step.action, &common(plan));
    frozen(&mut list, plan, step);
    match &step.proof {
        Some(proof) => {
            let within = if step.proof_within.is_zero() {
                String::new()
            } else {
                format!(" (waits up to {})", duration(step.proof_within))
            };
            add(&mut list, "proven when", format!("{}{within}", asked(proof)));
        }
        None if step.action.changes_something() => {
            add(&mut list, "no proof", "its exit status decides".to_owned());
        }
        None => {}
    }
    undo(&mut list, step);
    add(&mut list, "if it fails", on_failure(plan, step.on_failure));
    add(&mut list, "time limit", duration(step.timeout));
    list
}

/// The program files of a step: what was approved is what is in them now.
fn frozen(list: &mut Vec<Detail>, plan: &Plan, step: &Step) {
    let mut said: Vec<&str> = Vec::new();
    let known = Frozen::of(plan);
    for line in programs::of_step(step).into_iter().chain(programs::of_undo(step)) {
        for program in programs::named(&known, line) {
            if !said.contains(&program.path.as_str()) {
                said.push(&program.path);
                let short = program.sha256.get(..8).unwrap_or(&program.sha256);
                add(list, "script", format!("{} as it is now ({short})", program.seen_from(line.cwd)));
            }
        }
        for path in programs::named_to_come(plan, line) {
            if !said.contains(&path) {
                said.push(path);
                let shown = programs::seen_from(path, line.cwd);
                add(list, "script", format!("{shown} may be made by an earlier step: git ignores it"));
            }
        }
    }
}

fn add(list: &mut Vec<Detail>, label: &'static str, text: String) {
    list.push(Detail { label, text });
}

fn action(list: &mut Vec<Detail>, action: &Action, common: &[String]) {
    match action {
        Action::Command(command) => gets(list, command, common),
        Action::Http(call) => sends(list, call),
        Action::Forge(call) => wants(list, call),
        Action::Pipeline(pipeline) => follows(list, pipeline),
        Action::Gate { gates } => {
            for gate in gates {
                add(list, "until", gate.title().to_owned());
            }
        }
        Action::Hold { .. } => {}
        Action::Watch(watch) => watched(list, watch),
    }
}

fn gets(list: &mut Vec<Detail>, command: &Command, common: &[String]) {
    if !command.env.is_empty() {
        add(list, "gets", command.env.join(" "));
    }
    if !command.set.is_empty() {
        let own: Vec<String> = sets(command).filter(|one| !common.contains(one)).collect();
        if !own.is_empty() {
            add(list, "sets", own.join(" "));
        }
    }
}

fn sends(list: &mut Vec<Detail>, call: &HttpCall) {
    if !call.headers.is_empty() {
        let names: Vec<&str> = call.headers.keys().map(String::as_str).collect();
        add(list, "headers", names.join(", "));
    }
    if !call.body.is_empty() {
        add(list, "body", call.body.clone());
    }
    if !call.expect.is_empty() {
        let codes: Vec<String> = call.expect.iter().map(ToString::to_string).collect();
        add(list, "succeeds", format!("with {}", codes.join(", ")));
    }
}

fn wants(list: &mut Vec<Detail>, call: &ForgeCall) {
    match &call.wanted {
        Wanted::Open { head, base, title, body, labels, reviewers, .. } => {
            add(list, "opens", format!("{head} into {base}, if none is open"));
            add(list, "title", title.clone());
            if !labels.is_empty() {
                add(list, "labels", labels.join(", "));
            }
            if !reviewers.is_empty() {
                add(list, "reviewers", reviewers.join(", "));
            }
            for (number, line) in body.lines().enumerate() {
                add(list, if number == 0 { "body" } else { "" }, line.to_owned());
            }
        }
        Wanted::Merge { commit, title, .. } => {
            add(list, "merges", format!("by squash, only if it still offers {commit}"));
            add(list, "title", title.clone());
        }
        Wanted::Verdict { commit } => {
            add(list, "waits", format!("until all checks of {commit} have ended, or one failed"));
        }
        Wanted::Issue(issue) => {
            add(list, "opens", "an issue, if none has its mark".to_owned());
            add(list, "title", issue.title.clone());
            for (number, line) in issue.body.lines().enumerate() {
                add(list, if number == 0 { "body" } else { "" }, line.to_owned());
            }
        }
    }
    if !call.place.token.is_empty() {
        add(list, "sends", format!("the secret {}", call.place.token));
    }
}

fn follows(list: &mut Vec<Detail>, pipeline: &Pipeline) {
    if let Begin::Start { inputs, .. } = &pipeline.begin {
        let inputs: Vec<String> = inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !inputs.is_empty() {
            add(list, "inputs", inputs.join(" "));
        }
    }
    if let Begin::Rerun { run } = &pipeline.begin {
        let what = match (run.failed, run.job.as_str()) {
            (true, _) => "the failed jobs of ".to_owned(),
            (false, "") => String::new(),
            (false, job) => format!("{job} of "),
        };
        add(list, "reruns", format!("{what}{}, as another attempt of it", run.name));
    }
    match &pipeline.runner {
        Runner::Command { status, logs, cancel, .. } => {
            add(list, "follows", status.line());
            for (label, command) in [("logs", logs), ("cancel", cancel)] {
                if let Some(command) = command {
                    add(list, label, command.line());
                }
            }
        }
        Runner::GithubActions { .. } | Runner::Gitlab { .. } => {
            add(list, "follows", format!("the run at {} to its end", pipeline.host()));
        }
    }
    if let Some(pushed) = pipeline.pushed.as_ref().filter(|_| pipeline.awaits_commit()) {
        add(list, "commit", format!("what {} is at once that is pushed or merged", pushed.branch));
    } else if pipeline.commit.is_empty() {
        add(list, "commit", "told to it as an input; the run itself may be of another commit".to_owned());
    } else {
        add(list, "commit", format!("cancelled if the run is not of {}", pipeline.short()));
    }
    let secrets: Vec<&str> = pipeline.secrets().into_iter().filter(|name| !name.is_empty()).collect();
    if !secrets.is_empty() {
        add(list, "sends", format!("the secret {}", secrets.join(", ")));
    }
}

fn watched(list: &mut Vec<Detail>, watch: &Watch) {
    for probe in &watch.probes {
        let what = probe.source.to_string();
        let what = without_credentials(&what);
        let mut conditions = probe.expect.clone();
        conditions.extend(probe.fail.iter().map(|limit| format!("fails {limit}")));
        let conditions =
            if conditions.is_empty() { String::new() } else { format!(" ({})", conditions.join(", ")) };
        add(list, "watches", format!("{}: {what}{conditions}", probe.name));
    }
    if !watch.settle.is_zero() {
        add(list, "grace", format!("{} before conditions count", duration(watch.settle)));
    }
}

fn undo(list: &mut Vec<Detail>, step: &Step) {
    match &step.undo {
        Undo::By { action: undoing, proof } => {
            let proof =
                proof.as_ref().map_or_else(String::new, |proof| format!(", proven by {}", asked(proof)));
            add(list, "undo", format!("{}{proof}", undoing.line()));
        }
        Undo::Irreversible { why } => add(list, "no undo", why.clone()),
        Undo::Nothing if step.action.changes_something() => {
            add(list, "undo", "not needed".to_owned());
        }
        Undo::Nothing => {}
    }
}

fn sets(command: &Command) -> impl Iterator<Item = String> {
    command.set.iter().map(|(name, value)| format!("{name}={value}"))
}

/// The variables that every command among the steps of a plan is given with the same value, where
/// there are several: said once, for all of them.
pub fn common(plan: &Plan) -> Vec<String> {
    let commands: Vec<&Command> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Command(command) => Some(command),
            _ => None,
        })
        .collect();
    let [first, others @ ..] = commands.as_slice() else { return Vec::new() };
    if others.is_empty() {
        return Vec::new();
    }
    let everywhere = |one: &String| others.iter().all(|command| sets(command).any(|other| other == *one));
    sets(first).filter(everywhere).collect()
}

/// What happens when a step fails, in words.
pub fn on_failure(plan: &Plan, then: OnFailure) -> String {
    match then {
        OnFailure::Stop => "stops here; can be resumed".to_owned(),
        OnFailure::Ask => "waits for somebody to decide".to_owned(),
        OnFailure::GoOn => "goes on".to_owned(),
        OnFailure::UndoTo { step } => {
            let title = plan.steps.get(step).map_or("", |step| step.title.as_str());
            format!("undoes everything back to step {}: {title}", step + 1)
        }
    }
}

/// What is asked, and which answer means yes.
fn asked(probe: &Probe) -> String {
    let line = probe.ask.line();
    match (&probe.expect, probe.negate) {
        (None, false) => line,
        (None, true) => match probe.ask {
            Ask::Command(_) => format!("{line} fails"),
            Ask::Http { .. } => format!("{line} is refused"),
            Ask::Forge(_) => format!("not {line}"),
        },
        (Some(expect), false) => format!("{line} says {expect}"),
        (Some(expect), true) => format!("{line} does not say {expect}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Guard;
    use jiff::SignedDuration;

    fn command(line: &[&str]) -> Command {
        Command {
            argv: line.iter().map(ToString::to_string).collect(),
            cwd: "/srv".to_owned(),
            env: vec!["TOKEN".to_owned()],
            set: [("FLIGHTDECK_ENV".to_owned(), "production".to_owned())].into(),
        }
    }

    fn text(plan: &Plan, step: &Step) -> String {
        let lines: Vec<String> =
            details(plan, step).iter().map(|one| format!("{}: {}\n", one.label, one.text)).collect();
        lines.concat()
    }

    #[test]
    fn what_all_commands_get_is_said_once() {
        let minute = SignedDuration::from_mins(1);
        let step = |title: &str, weight: Option<&str>| {
            let mut command = command(&["./set.sh"]);
            command.set.extend(weight.map(|weight| ("FLIGHTDECK_WEIGHT".to_owned(), weight.to_owned())));
            Step::new(title, Action::Command(command), minute)
        };
        let mut plan = Plan::new("p", "p", Purpose::Deploy, "production");
        plan.steps = vec![step("one", None)];
        assert!(common(&plan).is_empty());
        assert!(text(&plan, &plan.steps[0]).contains("sets: FLIGHTDECK_ENV=production"));
        plan.steps.push(step("two", Some("10")));
        assert_eq!(common(&plan), ["FLIGHTDECK_ENV=production"]);
        assert!(!text(&plan, &plan.steps[0]).contains("sets"));
        assert!(text(&plan, &plan.steps[1]).contains("sets: FLIGHTDECK_WEIGHT=10\n"));
    }

    #[test]
    fn nothing_that_was_approved_is_left_unsaid() {
        let asks = Probe::command(command(&["./which.sh"]), Some("blue".to_owned()));
        let call = HttpCall {
            method: "PATCH".to_owned(),
            url: "https://flags.test/a".to_owned(),
            headers: [("Authorization".to_owned(), "Bearer {secret:TOKEN}".to_owned())].into(),
            body: r#"{"on":true}"#.to_owned(),
            expect: vec![200, 204],
        };
        let first = Step {
            guards: vec![Guard { title: "blue is live".to_owned(), probe: asks.clone() }],
            proof: Some(Probe { negate: true, ..asks }),
            undo: Undo::By { action: Action::Http(call.clone()), proof: None },
            on_failure: OnFailure::UndoTo { step: 0 },
            ..Step::new(
                "switch",
                Action::Command(command(&["./switch.sh", "green"])),
                SignedDuration::from_mins(5),
            )
        };
        let second = Step {
            undo: Undo::Irreversible { why: "mail is out".to_owned() },
            on_failure: OnFailure::Ask,
            ..Step::new("flag", Action::Http(call), SignedDuration::from_secs(30))
        };
        let mut plan = Plan::new("p", "p", Purpose::Deploy, "production");
        plan.steps = vec![first, second];
        let said = text(&plan, &plan.steps[0]);
        for wanted in [
            "only if: blue is live: ./which.sh says blue",
            "gets: TOKEN",
            "sets: FLIGHTDECK_ENV=production",
            "proven when: ./which.sh does not say blue",
            "undo: PATCH https://flags.test/a",
            "if it fails: undoes everything back to step 1: switch",
            "time limit: 5m",
        ] {
            assert!(said.contains(wanted), "{wanted} in\n{said}");
        }
        let said = text(&plan, &plan.steps[1]);
        for wanted in [
            "headers: Authorization\n",
            r#"body: {"on":true}"#,
            "succeeds: with 200, 204",
            "no proof: its exit status decides",
            "no undo: mail is out",
            "if it fails: waits",
        ] {
            assert!(said.contains(wanted), "{wanted} in\n{said}");
        }
        assert!(!said.contains("secret:TOKEN"), "the values of headers stay out of it:\n{said}");
    }

    #[test]
    fn a_plan_says_what_it_does_to_what_others_see() {
        let plan = |purpose, target: &str, title: &str, reach| {
            let step = Step::new("s", Action::Command(command(&["./x.sh"])), SignedDuration::from_mins(1));
            Plan { steps: vec![Step { reach, ..step }], ..Plan::new("p", title, purpose, target) }
        };
        let cases = [
            (Purpose::Deploy, "production", "deploy main", "changes production"),
            (Purpose::Smoke, "production", "smoke-test production", "runs against production"),
            (Purpose::Watch, "production", "watch production", "runs against production"),
            (Purpose::Hotfix, "repository", "finish hotfix/x", "changes the repository for everybody"),
            (Purpose::Flag, "flag:loyalty", "turn loyalty off", "turns the flag loyalty off"),
            (Purpose::Flag, "flag:loyalty", "turn loyalty on", "turns the flag loyalty on"),
            (Purpose::Rollback, "flag:loyalty", "turn loyalty off", "turns the flag loyalty off"),
        ];
        for (purpose, target, title, wanted) in cases {
            assert_eq!(effect(&plan(purpose, target, title, Reach::Others)), wanted);
            let here = effect(&plan(purpose, target, title, Reach::Here));
            assert_eq!(here, "nothing beyond this machine changes", "{title}");
        }
        let revert = plan(Purpose::Rollback, "production", "revert v1.4.2 on main", Reach::Others);
        let revert = Plan { way: Some("revert".into()), ..revert };
        assert_eq!(effect(&revert), "changes the repository for everybody", "it is deployed by another plan");
    }
}

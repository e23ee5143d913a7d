//! A plan in plain text, as it is shown before it runs.

use std::fmt::Write as _;

use crate::plan::gates::{Met, Standing};
use crate::plan::{Action, Plan, words};
use crate::text::visible;

/// The plan: what will run, what it is frozen to, and its gates; with `verbose` all that is approved of
/// each step: proof, undo, limits.
/// `standings` tells how its gates stand; without them they are only named.
pub(super) fn preview(plan: &Plan, standings: Option<&[Standing]>, verbose: bool) -> String {
    let mut text = format!("{}\n", visible(&plan.title));
    for (index, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "{:>3}  {}", index + 1, visible(&step.action.line()));
        if step.title != step.action.line() {
            let _ = writeln!(text, "     {}", visible(&step.title));
        }
        if !verbose {
            continue;
        }
        if let Action::Command(command) = &step.action {
            let _ = writeln!(text, "     {:<11} {}", "in", visible(&command.cwd));
        }
        for detail in words::details(plan, step) {
            let _ = writeln!(text, "     {:<11} {}", detail.label, visible(&detail.text));
        }
    }
    let _ = writeln!(text, "  {}", visible(&words::effect_by_steps(plan)));
    for (reference, commit) in &plan.frozen {
        let _ = writeln!(text, "  {} is {}", visible(reference), visible(commit));
    }
    let common = words::common(plan);
    if verbose && !common.is_empty() {
        let _ = writeln!(text, "  every command gets {}", visible(&common.join(" ")));
    }
    for warning in &plan.warnings {
        let _ = writeln!(text, "  ▲ {}", visible(warning));
    }
    gates(&mut text, plan, standings);
    for note in &plan.notes {
        let _ = writeln!(text, "  note: {}", visible(note));
    }
    if !verbose {
        text.push_str("  --verbose shows proof, undo and time limit of each step\n");
    }
    let blocks = standings.is_some_and(|standings| standings.iter().any(Standing::blocks));
    if let Some(target) = plan.confirm.as_ref().filter(|_| !blocks) {
        let _ = writeln!(text, "To run it: --confirm {}", visible(target));
    }
    text
}

fn gates(text: &mut String, plan: &Plan, standings: Option<&[Standing]>) {
    let Some(standings) = standings else {
        for gate in &plan.gates {
            let _ = writeln!(text, "  gate {}: {}", gate.id(), gate.title());
        }
        return;
    };
    for standing in standings {
        let glyph = match standing.met {
            Met::Yes => '✓',
            Met::No => '✗',
            Met::PassedOver => '▲',
            Met::Unproven => '?',
            Met::NotApplicable => '–',
        };
        let _ = writeln!(text, "  {glyph} {:<10} {}", standing.id, visible(&standing.why));
    }
    let blocking: Vec<&Standing> = standings.iter().filter(|standing| standing.blocks()).collect();
    let (may, may_not): (Vec<_>, Vec<_>) = blocking.into_iter().partition(|standing| standing.may_pass_over);
    let ids = |list: &[&Standing]| list.iter().map(|standing| standing.id).collect::<Vec<_>>().join(", ");
    if !may.is_empty() {
        let _ = writeln!(
            text,
            "  not met: {}. Anyone may override, name and reason go on record:\n    --override GATE --reason WHY --confirm {}",
            ids(&may),
            visible(plan.word()),
        );
    }
    if !may_not.is_empty() {
        let _ = writeln!(
            text,
            "  cannot start. Not met, and cannot be overridden at this severity: {}",
            ids(&may_not)
        );
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::plan::{Command, Purpose, Reach, Step};

    fn plan(purpose: Purpose, target: &str) -> Plan {
        let command = Command {
            argv: vec!["./deploy.sh".into(), "main".into()],
            cwd: "/srv".into(),
            env: vec![],
            set: [("FLIGHTDECK_ENV".to_owned(), target.to_owned())].into(),
        };
        let step = Step::new("deploy", Action::Command(command), SignedDuration::from_mins(1));
        Plan {
            steps: vec![Step { reach: Reach::Others, ..step.clone() }, step],
            frozen: [("refs/heads/main".to_owned(), "4f2c91e".to_owned())].into(),
            warnings: vec!["not all program files could be looked at".to_owned()],
            ..Plan::new("p", "deploy main", purpose, target)
        }
    }

    #[test]
    fn what_will_run_stands_first() {
        for verbose in [false, true] {
            let text = preview(&plan(Purpose::Deploy, "staging"), None, verbose);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines[..2], ["deploy main", "  1  ./deploy.sh main"], "{text}");
            let last_step = text.find("  2  ./deploy.sh").unwrap();
            assert!(text.find("refs/heads/main is 4f2c91e").unwrap() > last_step, "{text}");
            assert!(text.find("▲ not all program files").unwrap() > last_step, "{text}");
            let sets = text.find("every command gets FLIGHTDECK_ENV=staging");
            assert_eq!(sets.is_some(), verbose, "{text}");
        }
    }

    #[test]
    fn it_says_how_to_go_ahead_only_where_that_is_possible() {
        let confirmed = Plan { confirm: Some("production".into()), ..plan(Purpose::Deploy, "production") };
        let verdict = |met| Standing {
            id: crate::plan::gates::VERDICT,
            title: "not known to be bad",
            met,
            why: "4f2c91e failed its watch at 14:20 UTC".into(),
            may_pass_over: false,
        };
        let ends = |met| preview(&confirmed, Some(&[verdict(met)]), false);
        assert!(ends(Met::Yes).ends_with("To run it: --confirm production\n"));
        assert!(ends(Met::PassedOver).contains("To run it"));
        let shut = ends(Met::No);
        assert!(!shut.contains("To run it") && shut.contains("cannot start"), "{shut}");
    }

    #[test]
    fn a_smoke_test_runs_against_an_environment_and_changes_nothing_there() {
        let text = preview(&plan(Purpose::Smoke, "production"), None, false);
        assert!(text.contains("runs against production: step 1 of 2\n"), "{text}");
        let deploy = preview(&plan(Purpose::Deploy, "production"), None, false);
        assert_eq!(deploy.matches("changes production").count(), 1, "once: {deploy}");
        assert!(deploy.contains("changes production: step 1 of 2\n"), "{deploy}");
    }
}

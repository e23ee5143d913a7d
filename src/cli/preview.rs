//! A plan in plain text, as it is shown before it runs.

use std::fmt::Write as _;

use crate::plan::gates::{Met, Standing};
use crate::plan::{Action, Plan, Reach, words};
use crate::text::visible;

/// The plan: what it is frozen to, what will run, and its gates; with `verbose` all that is approved of
/// each step: proof, undo, limits.
/// `standings` tells how its gates stand; without them they are only named.
pub(super) fn preview(plan: &Plan, standings: Option<&[Standing]>, verbose: bool) -> String {
    let mut text = format!("{}\n", visible(&plan.title));
    for (reference, commit) in &plan.frozen {
        let _ = writeln!(text, "  {} is {}", visible(reference), visible(commit));
    }
    for warning in &plan.warnings {
        let _ = writeln!(text, "  ▲ {}", visible(warning));
    }
    let common = words::common(plan);
    if !common.is_empty() {
        let _ = writeln!(text, "  every command gets {}", visible(&common.join(" ")));
    }
    for (index, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "{:>3}  {}", index + 1, visible(&step.action.line()));
        let reach = match step.reach {
            Reach::Here => "this machine only",
            Reach::Others => "reaches others",
        };
        let _ = writeln!(text, "     {}; {reach}", visible(&step.title));
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
    gates(&mut text, plan, standings);
    for note in &plan.notes {
        let _ = writeln!(text, "  note: {}", visible(note));
    }
    if !verbose {
        text.push_str("  --verbose shows proof, undo and time limit of each step\n");
    }
    if let Some(target) = &plan.confirm {
        let _ = writeln!(text, "To go ahead, name its target: --confirm {}", visible(target));
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
            "  may be overridden with --override GATE --reason WHY --confirm {}: {}",
            visible(plan.word()),
            ids(&may)
        );
    }
    if !may_not.is_empty() {
        let _ = writeln!(text, "  cannot be overridden at this severity: {}", ids(&may_not));
    }
}

//! The gates of a plan: how each stands, what is missing, and whether approval was asked for.

use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::Line;
use crate::cockpit::Command;
use crate::cockpit::overlay::Preview;
use crate::cockpit::update::keys_to;
use crate::cockpit::update::menus::ALL;
use crate::plan::gates::{Met, Standing};
use crate::plan::proposal;
use crate::plan::remedy::{Refused, Staging};

/// One line with all of them, and one for each that is not simply met.
pub(super) fn lines(ui: Ui<'_>, lines: &mut Vec<Line>, preview: &Preview) {
    if preview.standings.is_empty() {
        return;
    }
    let faint = ui.of(Role::Faint);
    let mut all = Line::of("gates  ", faint).hanging(7);
    for (index, standing) in preview.standings.iter().enumerate() {
        let (glyph, role) = look(standing.met);
        let gap = if index == 0 { "" } else { "   " };
        all = all.with(gap, ui.of(role)).glued(&format!("{glyph} {}", standing.id), ui.of(role));
    }
    // One gate alone is told on one line.
    let alone = preview.standings.len() == 1 && is_told(&preview.standings[0]);
    if !alone {
        lines.push(all);
    }
    let told = preview.standings.iter().filter(|standing| is_told(standing) && (alone || !is_met(standing)));
    lines.extend(told.map(|standing| one(ui, preview, standing, alone)));
    let asked = ui.model.incident().and_then(|state| {
        proposal::waiting(state).find(|waits| waits.hash == preview.hash && !waits.by_vote)
    });
    if let Some(asked) = asked {
        lines.push(
            Line::of("       ", faint)
                .with("… asked for approval", ui.of(Role::Accent))
                .with(&format!("  by {} {}  {}", asked.whose(), ui.minute(asked.at), asked.id), faint)
                .hanging(9),
        );
    }
}

/// A line for each gate that is met and of which more is to be said: it is read after what will run.
pub(super) fn met(ui: Ui<'_>, lines: &mut Vec<Line>, preview: &Preview) {
    if let [_] = preview.standings.as_slice() {
        return;
    }
    let told = preview.standings.iter().filter(|standing| is_told(standing) && is_met(standing));
    for (index, standing) in told.enumerate() {
        lines.push(one(ui, preview, standing, index == 0));
    }
}

/// How one gate stands, why, and the keys of what meets it.
fn one(ui: Ui<'_>, preview: &Preview, standing: &Standing, first: bool) -> Line {
    let faint = ui.of(Role::Faint);
    let (glyph, role) = look(standing.met);
    let line = Line::of(if first { "gate   " } else { "       " }, faint)
        .with(&format!("{glyph} {}  ", standing.id), ui.of(role))
        .with(&ui.local(&standing.why), ui.of(Role::Muted))
        .hanging(9);
    let keys = if standing.blocks() { remedy(ui, preview, standing.id) } else { String::new() };
    if keys.is_empty() {
        return line;
    }
    line.with("  [", faint).with(&keys, ui.of(Role::Key)).with("]", faint)
}

fn is_met(standing: &Standing) -> bool {
    standing.met == Met::Yes
}

/// Tells whether there is more to say of a gate than how it stands.
fn is_told(standing: &Standing) -> bool {
    match standing.met {
        Met::No | Met::PassedOver | Met::Unproven => true,
        // Who approved is worth reading; that checks are green is not.
        Met::Yes => ["approvals", "rollback"].contains(&standing.id),
        Met::NotApplicable => false,
    }
}

/// The keys of the act that meets a gate, from the plan on; empty where only time or another commit does.
fn remedy(ui: Ui<'_>, preview: &Preview, gate: &str) -> String {
    // They are those of the cockpit: the plan is left first.
    let keys = |action, argument| match keys_to(ui.model, action, argument) {
        keys if keys.is_empty() => keys,
        keys => format!("{} {keys}", ui.key(Command::Back)),
    };
    match gate {
        "checks" if ui.model.config.config.checks.len() == 1 => {
            keys("test", &ui.model.config.config.checks[0].name)
        }
        "checks" => keys("test", ALL),
        "checklist" => keys("checklist", ""),
        // On its own plan the key asks for them; once they are asked for, it is for others to act.
        "approvals" => {
            let state = ui.model.incident();
            let asked =
                state.is_some_and(|state| proposal::waiting(state).any(|one| one.hash == preview.hash));
            if asked || preview.role.is_some() { String::new() } else { ui.key(Command::Propose) }
        }
        "rollback" => keys("rollback", ""),
        "staging" => {
            let Some(state) = ui.model.incident() else { return String::new() };
            let (plan, hash, policy) = (&preview.plan, preview.hash.as_str(), &ui.model.policy);
            let refused = Refused { plan, hash, state, policy, by: &ui.model.me, now: ui.model.now };
            match refused.staging() {
                Some((place, Staging::Smoke)) => keys("smoke", place),
                Some((place, Staging::Deploy { .. })) => keys("deploy", place),
                Some((_, Staging::Wait)) | None => String::new(),
            }
        }
        _ => String::new(),
    }
}

fn look(met: Met) -> (char, Role) {
    match met {
        Met::Yes => ('✓', Role::Good),
        Met::No => ('✗', Role::Bad),
        Met::PassedOver => ('▲', Role::Warn),
        Met::Unproven => ('?', Role::Unknown),
        Met::NotApplicable => ('–', Role::Faint),
    }
}

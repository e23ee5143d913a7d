//! What usually breaks a service, and everything odd that was noted: what is known of each, and what somebody found.

use super::super::commands::{Command, Scope};
use super::super::key::Key;
use super::super::model::Model;
use super::super::overlay::{CulpritsView, Overlay, Purpose};
use super::invoke::ask;
use super::{Cx, record, windows};
use crate::hotfix::suspects::culprits::{Odd, Standing, odd, standings};
use crate::incident::{Culprit, CulpritJudged, CulpritVerdict};

/// Opens the list, and looks at what changed where nobody has yet.
pub(super) fn open(cx: &mut Cx<'_>) {
    cx.push(Overlay::Culprits(CulpritsView::default()));
    super::suspects::look_once(cx);
}

/// The culprits with what is known of them, then what is odd.
pub fn rows(model: &Model) -> (Vec<Standing<'_>>, Vec<Odd>) {
    let Some(state) = model.incident() else { return (Vec::new(), Vec::new()) };
    let probes = &model.config.config.probes;
    (standings(&model.policy.culprits, state, model.suspects.found(), probes, &model.probes), odd(state))
}

/// Takes a key for the list.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    let page = windows::page(cx.model);
    match windows::command(cx.model, &[Scope::Culprits], key) {
        Some(Command::Back) => cx.pop(),
        Some(command @ (Command::RuleOut | Command::CulpritFound | Command::OddFollowUp)) => act(cx, command),
        command => match command.and_then(|command| windows::motion(command, page)) {
            Some(by) => move_by(cx.model, by),
            None => windows::unknown(cx, key),
        },
    }
}

/// Moves the cursor by so many rows.
pub(super) fn move_by(model: &mut Model, by: isize) {
    let (culprits, odd) = rows(model);
    let last = (culprits.len() + odd.len()).saturating_sub(1);
    if let Some(Overlay::Culprits(view)) = model.overlays.last_mut() {
        view.cursor = view.cursor.saturating_add_signed(by).min(last);
    }
}

fn act(cx: &mut Cx<'_>, command: Command) {
    if let Some(why) = super::menus::blocked(cx.model, command) {
        return cx.say(why);
    }
    let Some(Overlay::Culprits(view)) = cx.model.overlays.last() else { return };
    let (culprits, odd) = rows(cx.model);
    let culprit = culprits.get(view.cursor).map(|one| (one.culprit.clone(), one.verdict));
    let odd = view.cursor.checked_sub(culprits.len()).and_then(|row| odd.get(row)).cloned();
    match (command, culprit, odd) {
        (Command::OddFollowUp, _, Some(odd)) if odd.followed => cx.say("it is a follow-up already"),
        (Command::OddFollowUp, _, Some(odd)) => {
            let label = "Left to do: what @who date";
            ask(
                cx,
                Purpose::OddFollowUp(odd.id),
                label,
                "for example alert on the pool @li 2026-12-05",
                odd.text,
            );
        }
        (Command::OddFollowUp, ..) => {
            let keys = super::keys_to(cx.model, "note.problem", "");
            cx.say(format!("choose something odd below: {keys} notes it"));
        }
        (Command::CulpritFound, Some((culprit, _)), _) => {
            let label = format!("It was this: {}. What shows it?", culprit.title);
            let purpose = Purpose::Culprit(culprit.id);
            ask(cx, purpose, &label, "for example the pool is at its limit since 14:02", String::new());
        }
        (Command::RuleOut, Some((culprit, verdict)), _) => {
            if verdict == CulpritVerdict::Open {
                return cx.append(judged(&culprit, CulpritVerdict::RuledOut, ""));
            }
            // What somebody found out is not wiped away by one key.
            let how = if verdict == CulpritVerdict::Found { "was found to be it" } else { "is ruled out" };
            let title = format!("{} {how}. Reopen it?", culprit.title);
            let body = "This records that it may have been this after all, or not.";
            record::claim(cx, &title, body, "reopen it", None, judged(&culprit, CulpritVerdict::Open, ""));
        }
        _ => {
            let follow_up = windows::key(cx.model, Command::OddFollowUp);
            cx.say(format!("that is no culprit: {follow_up} makes a follow-up of it"));
        }
    }
}

/// The record that a culprit was looked at.
pub(super) fn judged(culprit: &Culprit, verdict: CulpritVerdict, note: &str) -> CulpritJudged {
    CulpritJudged {
        culprit: culprit.id.clone(),
        title: culprit.title.clone(),
        verdict,
        note: note.to_owned(),
    }
}

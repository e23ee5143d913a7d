//! What waits for whoever asks: offers, approvals, items and tasks that are theirs.

use serde::Serialize;

use super::sheet::{Hue, Sheet};
use super::situation::Situation;
use crate::incident::{CheckState, Role, same_person};
use crate::plan::gates::ApprovalRule;
use crate::plan::{gates, proposal};
use crate::text::visible;

/// Something that waits for somebody.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Waits {
    /// What it is: `offer`, `approval`, `check` or `task`.
    kind: &'static str,
    /// One line in the imperative.
    title: String,
    /// The command that does it.
    command: String,
}

/// What waits for whoever asks, what others wait for most first.
pub(super) fn waits(situation: &Situation) -> Vec<Waits> {
    let Situation { state, policy, me, .. } = situation;
    if me.is_empty() || !state.is_open() {
        return Vec::new();
    }
    let is_me = |person: &str| same_person(person, me);
    let mut found = Vec::new();
    for offer in state.open_offers().filter(|offer| is_me(&offer.to)) {
        let take = if offer.role == Role::COMMANDER { "take command" } else { "take over" };
        found.push(Waits {
            kind: "offer",
            title: format!("{} offers you {}: {take}, or decline", offer.by, policy.handed(&offer.role)),
            command: "flightdeck handoff accept".to_owned(),
        });
    }
    found.extend(approval(situation));
    for (index, item) in situation.checklist.iter().enumerate() {
        let holder = state.assigned.get(&item.id).and_then(|to| state.roles.get(to).or(Some(to)));
        if item.state() == CheckState::Open && holder.is_some_and(|holder| is_me(holder)) {
            found.push(Waits {
                kind: "check",
                title: format!("look at checklist item {}: {}", index + 1, item.title),
                command: format!("flightdeck tick {}", item.id),
            });
        }
    }
    for task in state.open_tasks().into_iter().filter(|task| is_me(&task.owner)) {
        found.push(Waits {
            kind: "task",
            title: format!("report back by {}: {}", task.until.strftime("%H:%M UTC"), task.text),
            command: "flightdeck task done".to_owned(),
        });
    }
    found
}

/// The approval that whoever asks has to give: in a role of theirs, and where it would count.
fn approval(situation: &Situation) -> Option<Waits> {
    let Situation { state, policy, me, now, .. } = situation;
    let waits = proposal::at_hand(state).filter(|waits| situation.moved(&waits.id).is_none())?;
    let wanted = ApprovalRule::of(policy, state.severity);
    let standing = proposal::standing(state, &wanted, *now);
    let is_mine = |role: &str| state.roles.get(role).is_some_and(|holder| same_person(holder, me));
    let missing = standing.roles.iter().filter(|role| role.approval.is_none() && is_mine(role.role));
    let counts = |role: &str| gates::foresee(state, policy, (waits, role), me, *now).refused.is_none();
    let role = missing.map(|role| role.role).find(|role| counts(role))?;
    Some(Waits {
        kind: "approval",
        title: format!("approve as {}: {}", policy.role_title(role), waits.title),
        command: format!("flightdeck approve {role} --plan {}", waits.id),
    })
}

/// Writes what waits for whoever asks; nothing where nothing does.
pub(super) fn you(page: &mut Sheet, situation: &Situation) {
    page.heading = "you";
    for waits in waits(situation) {
        page.prose(&visible(&waits.title), Hue::Warn);
        page.prose(&format!("  {}", visible(&waits.command)), Hue::Dim);
    }
    page.heading = "";
}

#[cfg(test)]
mod tests {
    use super::super::sample::{after, log, situation};
    use super::*;
    use crate::incident::{Body, Declared, ItemAssigned, RoleTaken, TaskGiven};
    use crate::plan::{Plan, Purpose};

    fn told(me: &str) -> (Vec<&'static str>, String) {
        let role = |role: &str, person: &str| -> Body {
            RoleTaken { role: role.into(), person: person.into() }.into()
        };
        let plan = Plan::new("p", "deploy main to production", Purpose::Deploy, "production");
        let mut situation = situation();
        let item = situation.checklist[0].id.clone();
        let assigned = ItemAssigned { item, title: String::new(), to: "lead".into() };
        let task = TaskGiven { text: "read the logs".into(), owner: "omar".into(), until: after(900) };
        let events = vec![
            (0, Declared::example().into()),
            (10, role("lead", "omar")),
            (11, role("on-call-manager", "li")),
            (20, assigned.into()),
            (30, task.into()),
            (40, proposal::propose(&plan).unwrap().into()),
        ];
        situation.state = log(events).into_state();
        situation.me = me.to_owned();
        let kinds = waits(&situation).iter().map(|one| one.kind).collect();
        let mut page = Sheet::new(false);
        you(&mut page, &situation);
        (kinds, page.into_text())
    }

    #[test]
    fn what_is_theirs_waits_for_them_with_the_command_that_does_it_and_for_nobody_else() {
        let (kinds, text) = told("omar");
        assert_eq!(kinds, ["approval", "check", "task"], "{text}");
        for wanted in [
            "approve as engineering lead: deploy main to production",
            "flightdeck approve lead --plan proposal-",
            "look at checklist item 1:",
            "report back by 14:45 UTC: read the logs",
            "flightdeck task done",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        assert_eq!(told("li").0, ["approval"]);
        // Whoever proposed it approves nothing, and nobody is nobody.
        assert_eq!((told("maya").0, told("").0, told("").1), (vec![], vec![], String::new()));
    }
}

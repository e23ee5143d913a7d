//! Finishing in git flow: which branch is meant, what the remote has, what is left to do.

use super::super::remote::up_to_date;
use super::Place;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::flows;
use crate::hotfix::flows::finish::Wanted;
use crate::hotfix::git::finish::{Sought, What};
use crate::hotfix::remote::Known;
use crate::incident::MergeBack;
use crate::plan::{Plan, PullText, Purpose};
use crate::text::visible;

const DOING: &str = "planning to finish the hotfix";

/// Makes the plan. One without steps says that nothing is left to do.
///
/// # Errors
/// It is not clear which branch is meant, the remote does not answer, or something stands in the way.
pub(super) fn git_flow(place: &mut Place<'_>, main_first: bool, text: &PullText) -> Result<Plan> {
    let ground = place.ground;
    let hotfix = &ground.config.hotfix;
    let Some(base) = place.state.base.clone() else {
        return Err(flows::no_base(ground.config, DOING));
    };
    let is_wanted = |name: &str| {
        let begins = |prefix: &str| !prefix.is_empty() && name.starts_with(prefix);
        name == base || name == hotfix.develop || begins(&hotfix.prefix) || begins(&hotfix.release_prefix)
    };
    let remote = up_to_date(ground, &place.reader, Some(&base), is_wanted);
    let known = remote.require(DOING)?;
    let owed: Vec<&MergeBack> = ground.history.merges_back.iter().filter(|merge| merge.is_open()).collect();
    let branch = meant(place, known)?;
    let what = match (&branch, owed.first()) {
        (Some(branch), _) => What::Branch(branch),
        (None, Some(owed)) => What::Owed(owed),
        (None, None) => return Ok(nothing(place, known)),
    };
    let merges = &ground.history.merges_back;
    let sought = Sought { what, hotfix, base: &base, known, merges };
    let mut facts = place.reader.finish_facts(&sought)?;
    facts.notes.splice(..0, remote.notes(ground.now));
    let others = owed.iter().filter(|merge| merge.commit != facts.fix.commit);
    facts.notes.extend(others.map(|merge| format!("still owed besides: {}", visible(&merge.title()))));
    let wanted = Wanted {
        id: place.id,
        config: ground.config,
        policy: ground.policy,
        main_first,
        text,
        now: ground.now,
    };
    flows::finish(&wanted, &facts)
}

/// The branch that is meant: the one that is checked out, else the only one here, else the only one
/// at the remote. `None`: there is none.
fn meant(place: &Place<'_>, known: &Known) -> Result<Option<String>> {
    let prefix = &place.ground.config.hotfix.prefix;
    let is_hotfix = |name: &&str| !prefix.is_empty() && name.starts_with(prefix.as_str());
    if let Some(current) = place.state.branch().filter(is_hotfix) {
        return Ok(Some(current.to_owned()));
    }
    let here: Vec<String> = place.state.hotfix_branches.clone();
    let there: Vec<String> = known.refs.branches_with(prefix).map(|(name, _)| name.to_owned()).collect();
    let names = if here.is_empty() { there } else { here };
    match names.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        several => {
            let names: Vec<_> = several.iter().map(|name| visible(name)).collect();
            let cause = format!("there are several hotfix branches: {}", names.join(", "));
            let hint = "switch to the one that is meant: git switch NAME";
            Err(Failure::of(FailureKind::Gate, DOING, cause, hint))
        }
    }
}

fn nothing(place: &Place<'_>, known: &Known) -> Plan {
    let prefix = visible(&place.ground.config.hotfix.prefix);
    let note = format!(
        "no {prefix}… branch here or at {}; flightdeck hotfix start NAME makes one",
        visible(&known.name)
    );
    let title = "finish the hotfix (git flow)";
    Plan { notes: vec![note], ..Plan::new(place.id, title, Purpose::Hotfix, flows::TARGET) }
}

//! Finishing in git flow: the fix into the branch in production, a tag on that merge, and the tag
//! back into the branch of the next release and into open releases.
//!
//! What refs say is done is left out, so it can be asked for again at any time, whoever did part of
//! it and where. All merges are made before anything is pushed, beside everybody's work tree; one
//! push brings them out, all or none; branches are deleted last.

mod asked;
mod facts;
mod notes;
mod steps;

use jiff::Timestamp;

use self::steps::Maker;
use super::{TARGET, check_name, gate, short};
use crate::config::types::Config;
use crate::deploy::gates;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::outlook::Verdict;
use crate::incident::{MergeOwed, MergePaid, Policy};
use crate::plan::{FollowUp, Merge, Plan, PullText, Purpose, Subject};
use crate::text::{counted, visible};

pub use facts::{Checkout, Facts, Fix, Here, Older, Scratch, ScratchNow, Tag, Target, Version};

/// What a finish is asked for with, and made on.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The id of the plan.
    pub id: &'a str,
    /// The trusted configuration.
    pub config: &'a Config,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Let the branch in production and the tag go out first, and merge back later.
    pub main_first: bool,
    /// Words for the tag.
    pub text: &'a PullText,
    /// The time now.
    pub now: Timestamp,
}

/// The plan of `hotfix finish` in git flow. One without steps says that nothing is left to do.
///
/// # Errors
/// Something stands in the way, and what to do about it.
pub fn finish(wanted: &Wanted<'_>, facts: &Facts) -> Result<Plan> {
    let doing = format!("planning to finish {}", visible(&facts.fix.name));
    check_names(&doing, facts)?;
    check_fix(&doing, facts)?;
    let tag = tag_name(&doing, facts)?;
    check_name(&tag).map_err(|why| refused_name(&doing, &tag, &why))?;
    let merged = merged(&doing, facts, &tag)?;
    let mut left = Left {
        base: !facts.base.has_fix,
        tag_here: facts.tag_here(&tag).is_none(),
        tag_there: facts.tag_there(&tag).is_none(),
        doubt: facts.doubt(&tag).filter(|_| facts.tag_there(&tag).is_none()),
        tag,
        merged,
        back: Vec::new(),
        later: Vec::new(),
    };
    let first = wanted.main_first && (left.base || left.tag_there);
    for (index, _) in facts.back.iter().enumerate().filter(|(_, target)| !target.has_fix) {
        if first { left.later.push(index) } else { left.back.push(index) }
    }
    Ok(planned(wanted, facts, &left))
}

/// What is left to do.
struct Left {
    /// Name of the tag.
    tag: String,
    /// The fix is not in the branch in production at the remote.
    base: bool,
    /// There is no such tag here.
    tag_here: bool,
    /// There is none at the remote.
    tag_there: bool,
    /// Why a tag that is not at the remote yet is not one that would be expected next.
    doubt: Option<String>,
    /// The commit with which the fix came into the branch in production, where it exists already.
    merged: Option<String>,
    /// Indices of the branches it is merged back into now.
    back: Vec<usize>,
    /// Indices of those for which it is left for later.
    later: Vec<usize>,
}

impl Left {
    /// Tells whether something is to be brought to the remote.
    fn pushes(&self) -> bool {
        self.base || self.tag_there || !self.back.is_empty()
    }
}

fn planned(wanted: &Wanted<'_>, facts: &Facts, left: &Left) -> Plan {
    let mut maker = Maker::new(facts, left, wanted.config.hotfix.proof_within);
    if left.pushes() {
        maker.merge_base(wanted.text);
        for &index in &left.back {
            maker.merge_back(index);
        }
        maker.push();
    }
    let pushed = maker.pushed();
    maker.tidy();
    let Maker { steps, notes: said, .. } = maker;

    let mut notes = facts.notes.clone();
    notes.extend(notes::of(wanted, facts, left));
    notes.extend(said);
    let mut plan = Plan {
        frozen: facts.frozen(),
        subject: Some(Subject {
            reference: facts.fix.name.clone(),
            commit: facts.fix.commit.clone(),
            dirty: false,
        }),
        follow_ups: follow_ups(wanted.id, facts, left, pushed),
        notes,
        steps,
        ..Plan::new(wanted.id, notes::title(facts, left), Purpose::Hotfix, TARGET)
    };
    if plan.steps.is_empty() {
        return Plan { frozen: [].into(), ..plan };
    }
    if left.base || left.tag_there {
        // A tag that nobody would expect goes out only where somebody types just that.
        plan.confirm = Some(if left.doubt.is_some() { left.tag.clone() } else { facts.base.name.clone() });
        plan = gates::attach_finish(plan, wanted.config, wanted.policy, &facts.fix.commit);
    }
    plan
}

/// What is owed once this is pushed, and what is owed no longer.
fn follow_ups(plan: &str, facts: &Facts, left: &Left, pushed: Option<usize>) -> Vec<FollowUp> {
    let paid = |target: &Target, after: usize, why: &str| FollowUp {
        after,
        what: Merge::Paid(MergePaid {
            commit: facts.fix.commit.clone(),
            tag: left.tag.clone(),
            into: target.name.clone(),
            why: why.to_owned(),
            plan: plan.to_owned(),
        }),
    };
    let owed = |target: &Target, after: usize| FollowUp {
        after,
        what: Merge::Owed(MergeOwed {
            commit: facts.fix.commit.clone(),
            tag: left.tag.clone(),
            into: target.name.clone(),
            why: why_later(target),
            plan: plan.to_owned(),
        }),
    };
    let mut all = Vec::new();
    for (index, target) in facts.back.iter().enumerate() {
        match pushed {
            Some(after) if left.later.contains(&index) => all.push(owed(target, after)),
            Some(after) if left.back.contains(&index) && target.owed => {
                all.push(paid(target, after, "merged back and pushed"));
            }
            _ if target.has_fix && target.owed => all.push(paid(target, 0, "found there")),
            _ => {}
        }
    }
    // A release that is over was merged into the branch in production, which has the fix.
    let gone = facts.gone.iter().map(|name| FollowUp {
        after: 0,
        what: Merge::Paid(MergePaid {
            commit: facts.fix.commit.clone(),
            tag: left.tag.clone(),
            into: name.clone(),
            why: format!("{} has no such branch any more", visible(&facts.remote)),
            plan: plan.to_owned(),
        }),
    });
    all.extend(gone);
    all
}

fn why_later(target: &Target) -> String {
    match &target.forecast {
        Verdict::Conflicts(paths) => format!("conflicts in {}", notes::named(paths)),
        _ => "it went out first".to_owned(),
    }
}

/// Refuses names that a command could take for something else.
fn check_names(doing: &str, facts: &Facts) -> Result<()> {
    let branches = std::iter::once(&facts.base).chain(&facts.back).map(|target| &target.name);
    for name in branches.chain([&facts.fix.name, &facts.remote]) {
        check_name(name).map_err(|why| refused_name(doing, name, &why))?;
    }
    Ok(())
}

fn refused_name(doing: &str, name: &str, why: &str) -> Failure {
    let cause = format!("{} cannot be named in a command: {why}", visible(name));
    Failure::of(FailureKind::Gate, doing, cause, "give it another name: git branch -m OLD NEW")
}

/// Refuses to finish what is no fix, or not all of it.
fn check_fix(doing: &str, facts: &Facts) -> Result<()> {
    let shown = visible(&facts.fix.name);
    let remote = visible(&facts.remote);
    if let Some(more) = facts.fix.more_there {
        let cause =
            format!("{remote} has {more} on {shown} that this has not", more = counted(more, "commit"));
        let hint = "look at them, and bring them here: git pull --ff-only, or --rebase where both went on";
        return Err(gate(doing, &cause, hint));
    }
    if facts.fix.is_empty {
        let cause = format!("{shown} has no commit that {} has not", visible(&facts.base.name));
        let hint = "commit the fix on it first, or abandon it: flightdeck hotfix abandon";
        return Err(gate(doing, &cause, hint));
    }
    if facts.fix.is_unrelated {
        let cause = format!("{shown} and {} have no commit in common here", visible(&facts.base.name));
        let hint = "where the history is cut off, bring all of it: git fetch --unshallow";
        return Err(gate(doing, &cause, hint));
    }
    Ok(())
}

/// The tag it goes out as: by the version that the branch holds.
fn tag_name(doing: &str, facts: &Facts) -> Result<String> {
    let bump = "bump it: flightdeck hotfix bump";
    match &facts.version {
        Version::Tagged(tag) => Ok(tag.clone()),
        Version::Held(version) | Version::Next(version) => Ok(facts.series.tag(version)),
        Version::NotRaised { base, branch } => {
            let cause = format!(
                "the version is {} on {}, and {} on {}: nobody bumped it",
                visible(branch),
                visible(&facts.fix.name),
                visible(base),
                visible(&facts.base.name)
            );
            Err(gate(doing, &cause, bump))
        }
        Version::Disagree(files) => {
            let files: Vec<_> = files
                .iter()
                .map(|(path, version)| format!("{} {}", visible(path), visible(version)))
                .collect();
            let cause = format!("files disagree about the version: {}", files.join(", "));
            Err(gate(doing, &cause, "make them agree: flightdeck hotfix bump VERSION"))
        }
        Version::Unknown(why) => {
            let hint = "tag the last release, or name the file that holds the version under [hotfix] in flightdeck.toml";
            Err(gate(doing, why, hint))
        }
    }
}

/// The commit with which the fix came into the branch in production, where there is one: at the
/// remote, or made and not pushed yet. The tag has to be on it, or nowhere.
fn merged(doing: &str, facts: &Facts, tag: &str) -> Result<Option<String>> {
    let merged = if facts.base.has_fix { facts.base.merged.clone() } else { facts.base.kept.clone() };
    let hint = "bump the version: flightdeck hotfix bump; or see whose tag it is: git show";
    let (here, there) = (facts.tag_here(tag), facts.tag_there(tag));
    if let (Some(here), Some(there)) = (here, there)
        && here.object != there.object
    {
        let cause = format!(
            "tag {} is another one here ({}) than at {} ({})",
            visible(tag),
            short(&here.commit),
            visible(&facts.remote),
            short(&there.commit)
        );
        return Err(gate(doing, &cause, "see which is right: git show; delete the wrong one: git tag -d"));
    }
    for (known, place) in [(here, "here".to_owned()), (there, format!("at {}", visible(&facts.remote)))] {
        if let Some(known) = known
            && merged.as_ref() != Some(&known.commit)
        {
            let cause = format!("tag {} is {place} already, on {}", visible(tag), short(&known.commit));
            return Err(gate(doing, &cause, hint));
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests;

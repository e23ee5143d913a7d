//! What a reader should know of a finish before confirming it.

use jiff::{SignedDuration, Timestamp};

use super::{Facts, Left, Older, Target, Wanted, counted};
use crate::hotfix::outlook::Verdict;
use crate::incident::duration;
use crate::plan::PullText;
use crate::text::visible;

/// How many paths are named.
const NAMED: usize = 8;
/// How many commits are named in a tag.
const SUBJECTS: usize = 50;

/// What is finished, in one line.
pub(super) fn title(facts: &Facts, left: &Left) -> String {
    let name = visible(&facts.fix.name);
    if !left.pushes() {
        return format!("tidy up after {name} (git flow): {}", visible(&left.tag));
    }
    if !left.base && !left.tag_there {
        let names: Vec<_> = left.back.iter().filter_map(|&index| facts.back.get(index)).collect();
        let names: Vec<_> = names.iter().map(|target| visible(&target.name)).collect();
        return format!("merge {} back into {} (git flow)", visible(&left.tag), names.join(", "));
    }
    let first =
        if left.later.is_empty() { String::new() } else { format!(", {} first", visible(&facts.base.name)) };
    format!("finish {name} (git flow): {}{first}", visible(&left.tag))
}

/// The notes, a line each.
pub(super) fn of(wanted: &Wanted<'_>, facts: &Facts, left: &Left) -> Vec<String> {
    let mut notes = Vec::new();
    if !left.pushes() && left.later.is_empty() {
        let tag = visible(&left.tag);
        let back = if facts.back.is_empty() { "" } else { ", and it is merged back" };
        return vec![format!("{} has the fix, {tag} is there{back}", visible(&facts.base.name))];
    }
    if let Some(doubt) = &left.doubt {
        let tag = visible(&left.tag);
        notes.push(format!("▲ {}; to tag it anyway, confirm with {tag}", visible(doubt)));
    }
    notes.push(into(&facts.base, left.base, facts));
    for (index, target) in facts.back.iter().enumerate() {
        if left.later.contains(&index) {
            let told = told(target);
            notes.push(format!(
                "into {}: {told}; left for later, it stays on the list of what is left to do",
                visible(&target.name)
            ));
        } else {
            notes.push(into(target, left.back.contains(&index), facts));
        }
    }
    notes.extend(facts.older.iter().take(NAMED).map(|older| left_alone(older, facts, wanted.now)));
    if let Some(more) = facts.older.len().checked_sub(NAMED).filter(|more| *more > 0) {
        notes.push(format!("{more} release branches more are left alone, too"));
    }
    let conflicts = |index: &usize| {
        facts
            .back
            .get(*index)
            .is_some_and(|target| target.kept.is_none() && matches!(target.forecast, Verdict::Conflicts(_)))
    };
    if left.back.iter().any(conflicts) && (left.base || left.tag_there) {
        notes.push(format!(
            "{} and the tag can go out before that is resolved: flightdeck hotfix finish --main-first",
            visible(&facts.base.name)
        ));
    }
    if let Some(develop) = &facts.no_develop {
        notes.push(format!(
            "no branch {}: it goes into {} alone, without being merged back",
            visible(develop),
            visible(&facts.base.name)
        ));
    }
    if left.tag_there {
        notes.push(tagged(facts, left));
    }
    if left.base && facts.fix.there.is_none() {
        notes.push(format!("{} was never pushed by itself", visible(&facts.fix.name)));
    } else if left.base && facts.fix.there.as_ref() != Some(&facts.fix.commit) {
        notes.push(format!("not all of {} was pushed by itself yet", visible(&facts.fix.name)));
    }
    if let Some(path) = &facts.left_alone {
        notes.push(format!("somebody is in the middle of something in {}: it is left alone", visible(path)));
    }
    if !left.later.is_empty() {
        notes.push(format!("{} stays until it is merged back", visible(&facts.fix.name)));
    }
    if wanted.main_first && left.later.is_empty() && left.pushes() && !left.base && !left.tag_there {
        notes.push(format!("{} and the tag went out already", visible(&facts.base.name)));
    }
    notes
}

/// What becomes of one branch.
fn into(target: &Target, is_left: bool, facts: &Facts) -> String {
    let name = visible(&target.name);
    if !is_left {
        return format!("into {name}: {} has it already", visible(&facts.remote));
    }
    if target.kept.is_some() {
        return format!("into {name}: made already, not pushed yet");
    }
    match &target.forecast {
        Verdict::Conflicts(paths) => {
            format!(
                "into {name}: conflicts in {}; the plan stops there, before anything is pushed",
                named(paths)
            )
        }
        _ => format!("into {name}: {}", told(target)),
    }
}

fn told(target: &Target) -> String {
    match &target.forecast {
        Verdict::Clean => "clean".to_owned(),
        Verdict::Contained => "has it already".to_owned(),
        Verdict::Conflicts(paths) => format!("conflicts in {}", named(paths)),
        Verdict::Looking => "not looked at".to_owned(),
        Verdict::Unknown(why) => format!("cannot tell: {}", visible(why)),
    }
}

/// From which tag to which.
fn tagged(facts: &Facts, left: &Left) -> String {
    let tag = visible(&left.tag);
    let step = match facts.series.last.as_ref().or(facts.series.other.as_ref()) {
        Some(last) => format!("tag {} → {tag}", visible(last)),
        None => format!("tag {tag}, the first of its kind"),
    };
    match &facts.version {
        super::Version::Next(_) => {
            format!("{step}: no file holds a version, so it is the one after the last")
        }
        _ if !left.tag_here => format!("{step}: it is here already, not pushed yet"),
        _ => format!("{step}, on the merge into {}", visible(&facts.base.name)),
    }
}

/// A release branch that is left, with its age and why.
fn left_alone(older: &Older, facts: &Facts, now: Timestamp) -> String {
    let name = visible(&older.name);
    let age =
        older.at.map_or_else(String::new, |at| format!(", last commit {} ago", age(now.duration_since(at))));
    let base = visible(&facts.base.name);
    match older.brings {
        Some(1) => format!("{name} is left alone{age}: it would get 1 commit of {base} besides the fix"),
        Some(brings) => {
            format!("{name} is left alone{age}: it would get {brings} commits of {base} besides the fix")
        }
        None => format!("{name} is left alone{age}: how much of {base} it would get is not known here"),
    }
}

/// A length of time as people say it of branches.
fn age(length: SignedDuration) -> String {
    let days = length.as_hours() / 24;
    match days {
        ..3 => duration(length.max(SignedDuration::ZERO)),
        3..60 => format!("{days} days"),
        60..730 => format!("{} months", days / 30),
        _ => format!("{} years", days / 365),
    }
}

/// Some paths, in one line.
pub(super) fn named(paths: &[String]) -> String {
    let names: Vec<_> = paths.iter().take(NAMED).map(|path| visible(path)).collect();
    let more = paths.len().saturating_sub(NAMED);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

/// The message of the tag: what it is, and the commits it brings.
pub(super) fn message(text: &PullText, tag: &str, subjects: &[String]) -> String {
    let title = text.title.lines().next().unwrap_or_default().trim();
    let title = if title.is_empty() { format!("Hotfix {tag}") } else { title.to_owned() };
    let mut message = visible(&title).into_owned();
    if !subjects.is_empty() {
        message.push('\n');
    }
    let skipped = subjects.len().saturating_sub(SUBJECTS);
    for subject in subjects.iter().skip(skipped) {
        message.push_str("\n- ");
        message.push_str(&visible(subject));
    }
    if skipped > 0 {
        message.push_str("\n- and ");
        message.push_str(&counted(skipped, "commit"));
        message.push_str(" before these");
    }
    message
}

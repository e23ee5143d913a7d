//! Which version a fix goes out as: what files say, else what comes after the last tag.

use std::collections::BTreeMap;

use git2::{Error, Oid};

use super::super::Reader;
use super::super::series::{Line, WALK};
use super::{Sought, What};
use crate::hotfix::flows::finish::{Tag, Target, Version as Says};
use crate::hotfix::version::{self, Version};
use crate::text::visible;

impl Reader {
    /// The tags of versions that the branch in production reached before the fix came in.
    pub(super) fn line_of(
        &mut self,
        sought: &Sought<'_>,
        base: &Target,
        merged: Option<Oid>,
        there: &BTreeMap<String, Tag>,
    ) -> Result<Line, Error> {
        let there_here = || Oid::from_str(&base.there).ok().filter(|id| self.repo.find_commit(*id).is_ok());
        let from = match merged.filter(|_| base.has_fix) {
            Some(merged) => self.repo.find_commit(merged)?.parent_ids().next(),
            None => there_here(),
        };
        // What the remote has now is fetched before anything is done: until then what is known here.
        let from = match from {
            Some(from) => Some(from),
            None => self.base_at(sought.base, Some(&sought.known.name))?.map(|(_, commit)| commit),
        };
        let id = |tag: &Tag| Oid::from_str(&tag.commit).ok();
        let there = there.iter().filter_map(|(name, tag)| Some((name.clone(), id(tag)?))).collect();
        match from {
            Some(from) => self.line(sought.hotfix, from, &there, WALK),
            None => Ok(self.no_line(sought.hotfix)),
        }
    }

    /// What says which version this is, and what a reader should know of how that was found.
    pub(super) fn says(
        &self,
        sought: &Sought<'_>,
        base: &Target,
        merged: Option<Oid>,
        fix: Oid,
        tags: &BTreeMap<String, Tag>,
        line: &Line,
    ) -> (Says, Vec<String>) {
        if let What::Owed(owed) = sought.what {
            return (Says::Tagged(owed.tag.clone()), Vec::new());
        }
        let own = self.own_files(sought.hotfix, line);
        let landed = merged.filter(|_| base.has_fix);
        let here = match self.versions(&landed.unwrap_or(fix).to_string(), &own.hotfix) {
            Ok(found) => found,
            Err(failure) => return (Says::Unknown(failure.cause), own.others),
        };
        let held = here.versions();
        let Some((_, now)) = held.first() else {
            if let Some(broken) = here.broken.first() {
                let why = format!("{} {}", visible(&broken.path), broken.why);
                return (Says::Unknown(why), own.others);
            }
            return (next_after(merged, tags, line), own.others);
        };
        if !version::agree(&held) {
            return (Says::Disagree(held), own.others);
        }
        let before = if landed.is_some() {
            None
        } else {
            let before = self.versions(&base.there, &own.hotfix).ok();
            before.and_then(|found| found.versions().into_iter().next())
        };
        if let Some((_, before)) = before {
            let raised = match (Version::parse(&before), Version::parse(now)) {
                (Some(before), Some(now)) => now > before,
                _ => version::bare(&before) != version::bare(now),
            };
            if !raised {
                return (Says::NotRaised { base: before, branch: now.clone() }, own.others);
            }
        }
        (Says::Held(version::bare(now).to_owned()), own.others)
    }
}

/// The version after the last tag, where no file says one. A merge that was tagged before keeps its
/// tag.
fn next_after(merged: Option<Oid>, tags: &BTreeMap<String, Tag>, line: &Line) -> Says {
    let on_it = merged.map(|merged| merged.to_string());
    let is_own =
        |name: &str, tag: &Tag| Some(&tag.commit) == on_it.as_ref() && line.series.version(name).is_some();
    if let Some((name, _)) = tags.iter().find(|(name, tag)| is_own(name, tag)) {
        return Says::Tagged(name.clone());
    }
    let series = &line.series;
    match series.last_version() {
        Some(last) => last.next_patch().map_or_else(Says::Unknown, Says::Next),
        None if series.late => {
            Says::Unknown("no file holds a version, and the last tag was not found in time".to_owned())
        }
        None => {
            let instead =
                series.other.as_ref().map(|other| format!("; the last of others is {}", visible(other)));
            Says::Unknown(format!(
                "no file holds a version, and no tag {}… to go on from{}",
                visible(&series.prefix),
                instead.unwrap_or_default()
            ))
        }
    }
}

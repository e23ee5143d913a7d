//! Leaves release branches alone that are not open: a merge would bring them more than the fix.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use git2::{Error, Oid};
use jiff::Timestamp;

use super::super::Reader;
use super::super::series::Line;
use super::{Sought, What};
use crate::hotfix::flows::finish::{Older, Target};

/// Time for all release branches together.
const LOOKING: Duration = Duration::from_secs(10);

impl Reader {
    /// Takes those release branches out of what the fix is merged back into that are not open.
    pub(super) fn leave_older(
        &mut self,
        sought: &Sought<'_>,
        base: &Target,
        merged: Option<Oid>,
        line: &Line,
        back: &mut Vec<Target>,
    ) -> Result<Vec<Older>, Error> {
        let until = Instant::now() + LOOKING;
        let prefix = sought.hotfix.release_prefix.as_str();
        let is_release = |target: &Target| {
            target.name != sought.hotfix.develop && !prefix.is_empty() && target.name.starts_with(prefix)
        };
        let before = self.before_fix(base, merged, line)?;
        let mut older = Vec::new();
        let mut open = Vec::new();
        for target in std::mem::take(back) {
            if !is_release(&target) || target.has_fix {
                open.push(target);
                continue;
            }
            let brings = match (before, Oid::from_str(&target.there)) {
                (Some(before), Ok(there)) => {
                    let apart = self.owed_to(sought, &target, until);
                    self.brings(before, there, &apart, until)?
                }
                _ => None,
            };
            if brings == Some(0) {
                open.push(target);
            } else {
                older.push(Older { at: self.made_at(&target.there), name: target.name, brings });
            }
        }
        *back = open;
        older.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.name.cmp(&b.name)));
        Ok(older)
    }

    /// What the branch in production was before the fix came in; `None`: it is not here.
    fn before_fix(&self, base: &Target, merged: Option<Oid>, line: &Line) -> Result<Option<Oid>, Error> {
        let Some(merged) = merged.filter(|_| base.has_fix) else {
            return Ok(Oid::from_str(&base.there).ok().filter(|id| self.repo.find_commit(*id).is_ok()));
        };
        let commit = self.repo.find_commit(merged)?;
        if commit.parent_count() > 1 {
            return Ok(commit.parent_ids().next());
        }
        // It came in without a merge, commit by commit: all since the last tag is the fix.
        let tagged = line.series.last.as_deref().and_then(|tag| line.commit_of(tag));
        Ok(tagged.or_else(|| commit.parent_ids().next()))
    }

    /// Commits of earlier fixes that are still owed to a branch: they come along, and are no reason to
    /// leave it.
    fn owed_to(&mut self, sought: &Sought<'_>, target: &Target, until: Instant) -> HashSet<Oid> {
        let this = match sought.what {
            What::Owed(owed) => owed.commit.as_str(),
            What::Branch(_) => "",
        };
        let owed = sought
            .merges
            .iter()
            .filter(|merge| merge.is_open() && merge.into == target.name && merge.commit != this);
        let mut apart = HashSet::new();
        for merge in owed {
            let Ok(fix) = Oid::from_str(&merge.commit) else { continue };
            let name = format!("refs/tags/{}", merge.tag);
            let tagged = self.repo.find_reference(&name).and_then(|tag| tag.peel_to_commit());
            let before = tagged.ok().and_then(|tagged| tagged.parent_ids().next());
            apart.extend(before.map(|before| self.only_in(fix, before, until)).unwrap_or_default());
        }
        apart
    }

    /// When a commit was made, where it is here.
    fn made_at(&self, commit: &str) -> Option<Timestamp> {
        let commit = Oid::from_str(commit).and_then(|id| self.repo.find_commit(id)).ok()?;
        Timestamp::from_second(commit.time().seconds()).ok()
    }
}

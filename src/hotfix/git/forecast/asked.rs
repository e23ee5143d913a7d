//! Merges that the git command is asked about. What it makes goes into a directory of its own.

use std::time::Instant;

use git2::Oid;

use super::super::command::Git;
use super::super::history::Cut;
use super::{Forecaster, LATE, Merged, Trouble, comes_first, nothing_in_common};
use crate::hotfix::outlook::Verdict;
use crate::text::visible;

impl Forecaster<'_> {
    /// What git says of merging one commit into another.
    pub(super) fn ask(&self, ours: Oid, theirs: Oid) -> Result<Verdict, Trouble> {
        let git = Git::of(self.repo).making().map_err(Trouble::Said)?;
        self.merge_tree(&git, &ours.to_string(), &theirs.to_string()).map(|(verdict, _)| verdict)
    }

    /// The whole of a merge as git says it, where walking the history takes too long here.
    pub(super) fn merge_far_apart(
        &mut self,
        ours: Oid,
        theirs: Oid,
    ) -> Result<(Verdict, Result<Merged, String>), Trouble> {
        let base = self.base(ours, theirs)?;
        if base == theirs {
            return Ok((Verdict::Contained, Ok(Merged::Nothing)));
        }
        self.check_drivers(base, ours, theirs)?;
        Ok(match self.ask(ours, theirs)? {
            Verdict::Clean => (Verdict::Clean, Ok(Merged::Asked)),
            verdict => (verdict, Err(comes_first())),
        })
    }

    /// The same for what came of production and fix.
    pub(super) fn after_far_apart(
        &mut self,
        other: Oid,
        production: Oid,
        fix: Oid,
        merged: &Result<Merged, String>,
    ) -> Result<Verdict, Trouble> {
        let base = self.base(other, fix)?;
        if base == fix {
            return Ok(Verdict::Contained);
        }
        match merged {
            Err(why) => return Ok(Verdict::Unknown(why.clone())),
            Ok(Merged::Nothing) => return Ok(self.merge(other, production)?.0),
            Ok(Merged::Asked | Merged::Tree { .. }) => {}
        }
        self.check_drivers(base, other, fix)?;
        self.check_drivers(self.base(other, production)?, other, production)?;
        self.ask_after(other, production, fix)
    }

    /// The best commit that two have in common.
    fn base(&self, one: Oid, two: Oid) -> Result<Oid, Trouble> {
        if Instant::now() >= self.until {
            return Err(Cut::Late.into());
        }
        let args = ["merge-base", &one.to_string(), &two.to_string()];
        let answer = Git::of(self.repo).ask(&args, self.until).map_err(Trouble::Said)?;
        let text = String::from_utf8_lossy(&answer.out);
        match answer.code {
            Some(0) => Ok(Oid::from_str(text.trim())?),
            Some(1) => Err(Trouble::Said(nothing_in_common(self.repo.is_shallow()))),
            _ => Err(Trouble::Said(format!("git did not answer: {}", visible(&answer.complaint)))),
        }
    }

    /// What git says of merging what came of production and fix into another branch.
    pub(super) fn ask_after(&self, other: Oid, production: Oid, fix: Oid) -> Result<Verdict, Trouble> {
        let git = Git::of(self.repo).making().map_err(Trouble::Said)?;
        let (production, fix) = (production.to_string(), fix.to_string());
        let (Verdict::Clean, tree) = self.merge_tree(&git, &production, &fix)? else {
            return Err(Trouble::Said(comes_first()));
        };
        let args = ["commit-tree", "--no-gpg-sign", "-m", "forecast", "-p", &production, "-p", &fix, &tree];
        let made = git.ask(&args, self.until).map_err(Trouble::Said)?;
        let commit = String::from_utf8_lossy(&made.out).trim().to_owned();
        if made.code != Some(0) {
            return Err(Trouble::Said(format!("git did not answer: {}", visible(&made.complaint))));
        }
        self.merge_tree(&git, &other.to_string(), &commit).map(|(verdict, _)| verdict)
    }

    fn merge_tree(&self, git: &Git, ours: &str, theirs: &str) -> Result<(Verdict, String), Trouble> {
        if Instant::now() >= self.until {
            return Err(Trouble::Said(LATE.to_owned()));
        }
        let args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs];
        let answer = git.ask(&args, self.until).map_err(Trouble::Said)?;
        let mut fields =
            answer.out.split(|&byte| byte == 0).map(|field| String::from_utf8_lossy(field).into_owned());
        let tree = fields.next().unwrap_or_default();
        match answer.code {
            Some(0) => Ok((Verdict::Clean, tree)),
            Some(1) => {
                // A file in the way of a folder is put aside under the name of its commit.
                let own = |path: String| {
                    let aside = [ours, theirs].iter().find_map(|id| path.strip_suffix(&format!("~{id}")));
                    aside.map_or(path.clone(), str::to_owned)
                };
                let mut paths: Vec<String> = fields.filter(|path| !path.is_empty()).map(own).collect();
                paths.sort();
                paths.dedup();
                Ok((Verdict::Conflicts(paths), tree))
            }
            Some(129) => Err(Trouble::Said("finding out takes git 2.38 or later".to_owned())),
            _ => Err(Trouble::Said(format!("git did not answer: {}", visible(&answer.complaint)))),
        }
    }
}

//! What would become of a merge, without making it.
//!
//! git's way of merging is worked out here, in memory, as far as there is only one way to do it:
//! one merge base, no file that may have been renamed where that matters, and changes to one file
//! that two ways of comparing lines merge alike. All else is asked of `git merge-tree`, which takes
//! longer and is right by definition. Nothing is written, and no merge driver runs.

mod asked;
mod content;
mod trees;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use git2::{Error, ErrorCode, Oid, Repository};

use self::trees::{Edit, Edits};
use super::Reader;
use super::history::{Compared, Cut, History};
use crate::hotfix::outlook::Verdict;
use crate::text::visible;

/// Time for one walk through the history; where that is not enough the git command is asked, which is
/// faster where branches have parted long ago.
const WALK: Duration = Duration::from_millis(800);
/// What is said of a history that is cut off.
pub(super) const CUT_OFF: &str = "the history is cut off here: git fetch --unshallow";
/// What is said where it would have taken longer.
pub(super) const LATE: &str = "there was no time to find out";

impl Reader {
    /// What would become of merging a fix into the branch in production, and then the result of that
    /// into others, in about the time that is given. All of them are commits, by their full ids.
    /// Others that have the fix already say so.
    pub fn forecast(
        &mut self,
        fix: &str,
        production: &str,
        others: &[&str],
        budget: Duration,
    ) -> (Verdict, Vec<Verdict>) {
        let mut forecaster = Forecaster {
            repo: &self.repo,
            history: &mut self.history,
            until: Instant::now() + budget,
            is_slow: false,
            made: HashMap::new(),
        };
        let commit = |id: &str| Oid::from_str(id).ok();
        let others: Vec<Option<Oid>> = others.iter().map(|other| commit(other)).collect();
        match commit(fix).zip(commit(production)) {
            Some((fix, production)) => forecaster.all(fix, production, &others),
            None => (no_commit(), others.iter().map(|_| no_commit()).collect()),
        }
    }
}

fn no_commit() -> Verdict {
    Verdict::Unknown("it is not a commit".to_owned())
}

/// Why there is no verdict.
pub(super) enum Trouble {
    Cut(Cut),
    Said(String),
}

impl From<Cut> for Trouble {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Cut(Cut::Git(error))
    }
}

/// The result of a merge that was not made.
enum Merged {
    /// There is nothing to merge: it is what it was merged into.
    Nothing,
    /// A tree with these edits made to it.
    Tree { of: Oid, edits: Edits },
    /// Clean, as the git command says.
    Asked,
}

/// What three trees merge to.
enum Outcome {
    /// What has to be done to ours.
    Clean(Edits),
    /// The paths that conflict, in order.
    Conflicts(Vec<String>),
    /// There is more than one way to see it.
    Ask,
}

struct Forecaster<'a> {
    repo: &'a Repository,
    history: &'a mut History,
    until: Instant,
    /// The history has shown to be one that git walks faster.
    is_slow: bool,
    /// Files that were merged in memory, by the ids they would have.
    made: HashMap<Oid, Vec<u8>>,
}

impl Forecaster<'_> {
    fn all(&mut self, fix: Oid, production: Oid, others: &[Option<Oid>]) -> (Verdict, Vec<Verdict>) {
        let (verdict, merged) = match self.merge(production, fix) {
            Ok(tried) => tried,
            Err(trouble) => {
                let why = self.why(&trouble);
                (Verdict::Unknown(why.clone()), Err(why))
            }
        };
        let verdicts = others.iter().map(|other| match other {
            Some(other) => self
                .after(*other, production, fix, &merged)
                .unwrap_or_else(|trouble| Verdict::Unknown(self.why(&trouble))),
            None => no_commit(),
        });
        (verdict, verdicts.collect())
    }

    fn why(&self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::Said(why) => why.clone(),
            Trouble::Cut(Cut::Late) => LATE.to_owned(),
            Trouble::Cut(Cut::Git(error)) if error.code() == ErrorCode::NotFound => {
                if self.repo.is_shallow() {
                    CUT_OFF.to_owned()
                } else {
                    "something it takes is not in this repository: git fetch".to_owned()
                }
            }
            Trouble::Cut(Cut::Git(error)) => visible(error.message()).into_owned(),
        }
    }

    fn tree(&self, commit: Oid) -> Result<Oid, Error> {
        Ok(self.repo.find_commit(commit)?.tree_id())
    }

    /// How commits stand to each other; [`Cut::Late`] once and for all where that is for git to say.
    fn compare(&mut self, one: &[Oid], two: &[Oid]) -> Result<Compared, Cut> {
        if self.is_slow {
            return Err(Cut::Late);
        }
        let until = self.until.min(Instant::now() + WALK);
        let compared = self.history.compare(self.repo, one, two, until);
        self.is_slow = matches!(compared, Err(Cut::Late));
        compared
    }

    /// Merges one commit into another. The result is what the second part says, or why there is
    /// none.
    fn merge(&mut self, ours: Oid, theirs: Oid) -> Result<(Verdict, Result<Merged, String>), Trouble> {
        let compared = match self.compare(&[theirs], &[ours]) {
            Err(Cut::Late) => return self.merge_far_apart(ours, theirs),
            compared => compared?,
        };
        if compared.is_contained() {
            return Ok((Verdict::Contained, Ok(Merged::Nothing)));
        }
        if compared.behind == 0 {
            let merged = Merged::Tree { of: self.tree(theirs)?, edits: Edits::new() };
            return Ok((Verdict::Clean, Ok(merged)));
        }
        let outcome = match compared.bases.as_slice() {
            [] => return Err(Trouble::Said(nothing_in_common(compared.cut_off))),
            [base] => {
                let base = self.tree(*base)?;
                let (one, two) = (self.tree(ours)?, self.tree(theirs)?);
                let (one, two) = (self.edits(base, one)?, self.edits(base, two)?);
                self.three_way(base, &one, &two)?
            }
            [base, ..] => {
                self.check_drivers(*base, ours, theirs)?;
                Outcome::Ask
            }
        };
        Ok(match outcome {
            Outcome::Clean(edits) => (Verdict::Clean, Ok(Merged::Tree { of: self.tree(ours)?, edits })),
            Outcome::Conflicts(paths) => (Verdict::Conflicts(paths), Err(comes_first())),
            Outcome::Ask => match self.ask(ours, theirs)? {
                Verdict::Clean => (Verdict::Clean, Ok(Merged::Asked)),
                verdict => (verdict, Err(comes_first())),
            },
        })
    }

    /// Merges what came of production and fix into another branch.
    fn after(
        &mut self,
        other: Oid,
        production: Oid,
        fix: Oid,
        merged: &Result<Merged, String>,
    ) -> Result<Verdict, Trouble> {
        match self.compare(&[fix], &[other]) {
            Err(Cut::Late) => return self.after_far_apart(other, production, fix, merged),
            compared => {
                if compared?.is_contained() {
                    return Ok(Verdict::Contained);
                }
            }
        }
        let (of, overlay) = match merged {
            Err(why) => return Ok(Verdict::Unknown(why.clone())),
            Ok(Merged::Nothing) => return Ok(self.merge(other, production)?.0),
            Ok(Merged::Asked) => return self.ask_after(other, production, fix),
            Ok(Merged::Tree { of, edits }) => (*of, edits),
        };
        let compared = match self.compare(&[production, fix], &[other]) {
            Err(Cut::Late) => return self.after_far_apart(other, production, fix, merged),
            compared => compared?,
        };
        if compared.behind == 0 {
            return Ok(Verdict::Clean);
        }
        let [base] = compared.bases.as_slice() else {
            let Some(base) = compared.bases.first() else {
                return Err(Trouble::Said(nothing_in_common(compared.cut_off)));
            };
            self.check_drivers(*base, other, fix)?;
            self.check_drivers(*base, other, production)?;
            return self.ask_after(other, production, fix);
        };
        let base = self.tree(*base)?;
        let (one, two) = (self.tree(other)?, self.edits(base, of)?);
        let (one, two) = (self.edits(base, one)?, laid_over(two, overlay));
        Ok(match self.three_way(base, &one, &two)? {
            Outcome::Clean(_) => Verdict::Clean,
            Outcome::Conflicts(paths) => Verdict::Conflicts(paths),
            Outcome::Ask => self.ask_after(other, production, fix)?,
        })
    }

    fn edits(&self, from: Oid, to: Oid) -> Result<Edits, Cut> {
        trees::edits(self.repo, from, to, self.until)
    }
}

fn comes_first() -> String {
    "its conflicts with the branch in production come first".to_owned()
}

fn nothing_in_common(cut_off: bool) -> String {
    if cut_off { CUT_OFF.to_owned() } else { "the two have no commit in common".to_owned() }
}

/// Edits with others made after them.
fn laid_over(mut edits: Edits, later: &Edits) -> Edits {
    for (path, edit) in later {
        let old = edits.get(path).map_or(edit.old, |first| first.old);
        if old == edit.new {
            edits.remove(path);
        } else {
            edits.insert(path.clone(), Edit { old, new: edit.new });
        }
    }
    edits
}

#[cfg(test)]
mod tests;

//! The jobs of a run, read a page at a time: a thousand of them are ten pages.

use std::collections::{HashMap, HashSet};

use crate::deploy::pipeline::Job;

/// Most pages that are read.
const MOST: u32 = 20;

/// How far the jobs of a run are read.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Pages that are read of this round.
    read: u32,
    /// The jobs that were on them.
    there: HashSet<String>,
    /// There is more than one.
    several: bool,
}

impl Pages {
    /// The page that is read next, counted from 1.
    pub(super) fn next(&self) -> u32 {
        self.read + 1
    }

    /// Begins the round anew.
    pub(super) fn again(&mut self) {
        self.read = 0;
        self.there.clear();
    }

    /// Tells whether a round is under way.
    pub(super) fn is_amid(&self) -> bool {
        self.read > 0
    }

    /// Tells whether all jobs are on one page.
    pub(super) fn is_one(&self) -> bool {
        !self.several
    }

    /// Takes a page in, and hands back the jobs as they are known then. What was on no page of a round is gone.
    pub(super) fn take(&mut self, known: &[Job], page: Vec<Job>, more: bool) -> Vec<Job> {
        self.read += 1;
        self.there.extend(page.iter().map(|job| job.id.clone()));
        let more = more && self.read < MOST;
        self.several = more || self.read > 1;
        if !self.several {
            self.read = 0;
            self.there.clear();
            return page;
        }
        let mut jobs = known.to_vec();
        let mut at: HashMap<String, usize> =
            jobs.iter().enumerate().map(|(at, job)| (job.id.clone(), at)).collect();
        for job in page {
            if let Some(at) = at.get(&job.id) {
                jobs[*at] = job;
            } else {
                at.insert(job.id.clone(), jobs.len());
                jobs.push(job);
            }
        }
        if !more {
            let there = std::mem::take(&mut self.there);
            jobs.retain(|job| there.contains(&job.id));
            self.read = 0;
        }
        jobs
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::job;
    use super::*;
    use crate::incident::RemoteState::{Running, Succeeded};

    fn names(jobs: &[Job]) -> Vec<&str> {
        jobs.iter().map(|job| job.name.as_str()).collect()
    }

    #[test]
    fn pages_that_are_read_one_by_one_make_the_whole() {
        let mut pages = Pages::default();
        let known = pages.take(&[], vec![job("a", Running)], true);
        assert_eq!((names(&known), pages.next(), pages.is_amid()), (vec!["a"], 2, true));
        let known = pages.take(&known, vec![job("b", Running)], false);
        assert_eq!((names(&known), pages.next(), pages.is_one()), (vec!["a", "b"], 1, false));
        // Of the next round a page changes what it holds, and leaves the rest.
        let known = pages.take(&known, vec![job("a", Succeeded)], true);
        assert_eq!((names(&known), known[0].state, known[1].state), (vec!["a", "b"], Succeeded, Running));
        // It was run again with other jobs.
        let known = pages.take(&known, vec![job("c", Running)], false);
        assert_eq!(names(&known), ["a", "c"]);
        let known = pages.take(&known, vec![job("d", Running)], false);
        assert_eq!((names(&known), pages.is_one()), (vec!["d"], true));
    }
}

//! What lies in the way of a reference of ours: git has none below or above another one, so whoever may push could keep
//! ours from the remote by a name alone.

use std::time::{Duration, Instant};

use super::{Git, PATIENCE, Spec};

/// Most that is removed at once.
const MOST: usize = 500;

impl Git {
    /// Pushes one that may be refused because of what others put in its way.
    pub(super) fn push_one(&self, one: &[Spec]) -> Result<(), String> {
        let began = Instant::now();
        let Err(why) = self.push_all(one) else { return Ok(()) };
        let is_cleared = |spec: &Spec| !self.clear_way(&spec.name, PATIENCE).is_empty();
        if began.elapsed() < PATIENCE && one.iter().any(is_cleared) { self.push_all(one) } else { Err(why) }
    }

    /// Removes what lies at the remote above or below a reference of ours, and what ends like it, which git takes for it.
    /// Returns what was removed; nothing where nothing was in the way, or the remote does not let go of it.
    pub(in crate::share) fn clear_way(&self, name: &str, patience: Duration) -> Vec<String> {
        let below = format!("{name}/*");
        let patterns = above(name).chain([name, &below]);
        let ask = ["ls-remote", "--refs", "--", self.remote_as_given()].into_iter().chain(patterns);
        let said = self.run(&ask.collect::<Vec<_>>(), patience).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let found: Vec<(&str, &str)> = said.lines().filter_map(|line| line.split_once('\t')).collect();
        let is_below = |found: &str| found.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        let is_in_the_way = |found: &str| is_below(found) || above(name).any(|above| above == found);
        let (blocking, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(_, found)| is_in_the_way(found));
        // Such as a branch of that whole name.
        let ends_like =
            |found: &str, one: &str| found.strip_suffix(one).is_some_and(|rest| rest.ends_with('/'));
        let shadows: Vec<_> = others
            .into_iter()
            .filter(|(_, found)| {
                ends_like(found, name) || blocking.iter().any(|(_, blocking)| ends_like(found, blocking))
            })
            .collect();
        let mut removed = self.remove_there(&shadows, patience);
        removed.extend(self.remove_there(&blocking, patience));
        self.removed.borrow_mut().extend(removed.iter().cloned());
        removed
    }

    /// Removes references at the remote as they were found there; gives the names of those that it let go of.
    fn remove_there(&self, found: &[(&str, &str)], patience: Duration) -> Vec<String> {
        let found = found.get(..MOST).unwrap_or(found);
        if found.is_empty() {
            return Vec::new();
        }
        let lease = |(id, name): &(&str, &str)| format!("--force-with-lease={name}:{id}");
        let leases: Vec<String> = found.iter().map(lease).collect();
        let specs: Vec<String> = found.iter().map(|(_, name)| format!(":{name}")).collect();
        let mut push = vec!["push", "--quiet", "--no-verify", "--no-signed", "--recurse-submodules=no"];
        push.extend(leases.iter().map(String::as_str));
        push.extend(["--", self.remote_as_given()]);
        push.extend(specs.iter().map(String::as_str));
        if self.run(&push, patience).is_err() {
            return Vec::new();
        }
        for (_, name) in found {
            // It may have been fetched, and would be in the way here as well.
            let _ = self.repo.find_reference(name).and_then(|mut found| found.delete());
        }
        found.iter().map(|(_, name)| (*name).to_owned()).collect()
    }

    /// Removes what is known here of references above or below one that the remote has: it has them no more.
    pub(in crate::share) fn clear_here(&self, name: &str) {
        let below = self.repo.references_glob(&format!("{name}/*"));
        let below = below.into_iter().flatten().flatten();
        let above = above(name).filter_map(|name| self.repo.find_reference(name).ok());
        for mut known in below.chain(above) {
            let _ = known.delete();
        }
    }

    /// What was removed at the remote since this was asked last, because it was in the way of a reference of ours.
    pub fn take_removed(&self) -> Vec<String> {
        self.removed.take()
    }
}

/// The names of references that would lie above one: `refs/a` and `refs/a/b` of `refs/a/b/c`.
fn above(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').skip(1).filter_map(|(at, _)| name.get(..at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_above_a_reference_is_each_beginning_of_its_name() {
        let all: Vec<&str> = above("refs/flightdeck/v1/leases/production").collect();
        assert_eq!(all, ["refs/flightdeck", "refs/flightdeck/v1", "refs/flightdeck/v1/leases"]);
    }
}

//! The commits between two ends, as a graph: which belong to which merge, and with which release
//! they went live.

use std::collections::{HashMap, HashSet};

use git2::{Error, ErrorCode, Oid, Repository, Sort};

/// The commits between two ends.
pub(super) struct Graph {
    to: Oid,
    /// Newest first.
    order: Vec<Oid>,
    parents: HashMap<Oid, Vec<Oid>>,
    /// Older commits were left out.
    pub(super) is_cut: bool,
    /// The end that is not part of it was met on the way.
    pub(super) reached_from: bool,
}

/// A change: a commit, with what it brought where it is a merge.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) id: Oid,
    /// Newest first.
    pub(super) brought: Vec<Oid>,
    /// The merge it came by, where that was opened.
    pub(super) through: Option<Oid>,
}

impl Graph {
    /// Reads the commits that `to` has and `from` has not, newest first.
    pub(super) fn read(repo: &Repository, to: Oid, from: Option<Oid>, most: usize) -> Result<Self, Error> {
        let mut walk = repo.revwalk()?;
        walk.push(to)?;
        if let Some(from) = from {
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
            walk.hide(from)?;
        }
        let mut graph = Self {
            to,
            order: Vec::new(),
            parents: HashMap::new(),
            is_cut: false,
            reached_from: from.is_none() || from == Some(to),
        };
        for id in walk {
            let id = match id {
                // A shallow clone ends somewhere.
                Err(error) if error.code() == ErrorCode::NotFound => break,
                id => id?,
            };
            if graph.order.len() == most {
                graph.is_cut = true;
                break;
            }
            let parents: Vec<Oid> = repo.find_commit(id)?.parent_ids().collect();
            graph.reached_from |= from.is_some_and(|from| parents.contains(&from));
            graph.parents.insert(id, parents);
            graph.order.push(id);
        }
        Ok(graph)
    }

    /// How many commits there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    fn parents(&self, id: Oid) -> &[Oid] {
        self.parents.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The commits one comes to by going from first parent to first parent, newest first.
    fn mainline(&self, from: Oid, taken: &HashSet<Oid>) -> Vec<Oid> {
        let mut line = Vec::new();
        let mut here = Some(from).filter(|id| self.parents.contains_key(id) && !taken.contains(id));
        while let Some(id) = here {
            line.push(id);
            let next = self.parents(id).first().copied();
            here = next.filter(|id| self.parents.contains_key(id) && !taken.contains(id));
        }
        line
    }

    /// Every commit belongs to one change: those on the way of first parents are changes of their
    /// own, every other belongs to the oldest merge that has it. A merge that brought more than
    /// `open_above` is left out, and what it brought is put in groups in turn.
    pub(super) fn groups(&self, open_above: usize) -> Vec<Group> {
        let (mut groups, mut taken) = (Vec::new(), HashSet::new());
        self.group(self.to, None, open_above, &mut taken, &mut groups);
        let place: HashMap<Oid, usize> = self.order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let at = |id: &Oid| place.get(id).copied().unwrap_or(usize::MAX);
        for group in &mut groups {
            group.brought.sort_by_key(at);
        }
        groups.sort_by_key(|group| at(&group.id));
        groups
    }

    fn group(
        &self,
        tip: Oid,
        through: Option<Oid>,
        open_above: usize,
        taken: &mut HashSet<Oid>,
        groups: &mut Vec<Group>,
    ) {
        let line = self.mainline(tip, taken);
        taken.extend(line.iter().copied());
        // Oldest first: what two merges brought came with the first.
        for &id in line.iter().rev() {
            let brought = self.brought(id, taken);
            if brought.len() > open_above {
                for parent in self.parents(id).iter().skip(1) {
                    self.group(*parent, Some(id), open_above, taken, groups);
                }
            } else {
                taken.extend(brought.iter().copied());
                groups.push(Group { id, brought, through });
            }
        }
    }

    /// What a merge has that its first parent and what was taken before have not.
    fn brought(&self, merge: Oid, taken: &HashSet<Oid>) -> Vec<Oid> {
        let mut seen = HashSet::new();
        let mut open: Vec<Oid> = self.parents(merge).iter().skip(1).copied().collect();
        let mut brought = Vec::new();
        while let Some(id) = open.pop() {
            if taken.contains(&id) || !self.parents.contains_key(&id) || !seen.insert(id) {
                continue;
            }
            brought.push(id);
            open.extend(self.parents(id));
        }
        brought
    }

    /// Of each commit the index of the first of some commits, oldest first, that has it.
    pub(super) fn lives(&self, releases: &[Oid]) -> HashMap<Oid, usize> {
        let mut lives = HashMap::new();
        for (index, release) in releases.iter().enumerate() {
            let mut open = vec![*release];
            while let Some(id) = open.pop() {
                if self.parents.contains_key(&id) && !lives.contains_key(&id) {
                    lives.insert(id, index);
                    open.extend(self.parents(id));
                }
            }
        }
        lives
    }
}

//! Walks the history: what one commit has that another does not, and where they part. A walk can
//! be stopped at any moment, which libgit2's own cannot.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Instant, SystemTime};

use git2::{Error, ObjectType, Odb, Oid, Repository};

use super::graph::Graph;

/// With more commits than this remembered, they are forgotten between two walks.
const MAX_KNOWN: usize = 400_000;
/// The clock is looked at once for so many commits.
const STRIDE: usize = 256;
/// So many commits are looked at after the last that should matter: clocks go wrong.
const SLOP: usize = 32;

/// Why a walk did not come to its end.
#[derive(Debug)]
pub(super) enum Cut {
    /// There was no more time.
    Late,
    /// The repository could not be read.
    Git(Error),
}

impl From<Error> for Cut {
    fn from(error: Error) -> Self {
        Self::Git(error)
    }
}

/// How two sets of commits stand to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Commits that only the first has, children before their parents, else newest first.
    pub(super) ahead: Vec<Oid>,
    /// How many commits only the second has.
    pub(super) behind: usize,
    /// The best of the commits that both have.
    pub(super) bases: Vec<Oid>,
    /// Whether the walk came to where a shallow history is cut off.
    pub(super) cut_off: bool,
}

impl Compared {
    /// Tells whether the second has all that the first has.
    pub(super) fn is_contained(&self) -> bool {
        self.ahead.is_empty()
    }
}

/// Ids are evenly spread already.
#[derive(Default)]
struct First8(u64);

impl Hasher for First8 {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 ^= u64::from_ne_bytes(*first);
        }
    }
}

type ById<T> = HashMap<Oid, T, BuildHasherDefault<First8>>;

/// What is known of the history of one repository. Commits never change, so it is kept.
#[derive(Default)]
pub(super) struct History {
    numbers: ById<u32>,
    nodes: Vec<Node>,
    graph: Graph,
    /// The numbers of commits by their places in the graph, each one more than it is; 0: none yet.
    placed: Vec<u32>,
    /// Where the history is cut off, and when that was written.
    shallow: HashSet<Oid>,
    shallow_at: Option<SystemTime>,
}

struct Node {
    id: Oid,
    parents: Parents,
    /// Generation, where git has worked it out, then time: less than those of its children.
    key: (u32, i64),
    paint: u8,
}

#[derive(Clone)]
enum Parents {
    /// As the graph says for this place.
    Graph(u32),
    Ids(Box<[Oid]>),
    Numbers(Box<[u32]>),
    /// The history is cut off here.
    CutOff,
}

const ONE: u8 = 1;
const TWO: u8 = 2;
const BOTH: u8 = ONE | TWO;
/// Reached from a commit that both have.
const STALE: u8 = 4;
const QUEUED: u8 = 8;
const SEEN: u8 = 16;
const BASE: u8 = 32;

impl History {
    /// Compares what `one` reaches with what `two` reaches.
    pub(super) fn compare(
        &mut self,
        repo: &Repository,
        one: &[Oid],
        two: &[Oid],
        until: Instant,
    ) -> Result<Compared, Cut> {
        self.refresh(repo);
        let odb = repo.odb()?;
        let mut walk = Walk { queue: BinaryHeap::new(), seen: Vec::new(), open: 0 };
        let painted = self.paint(&odb, &mut walk, one, two, until);
        let compared = painted.map(|()| self.result(&odb, &walk.seen));
        for number in walk.seen {
            self.at(number).paint = 0;
        }
        compared?
    }

    /// Goes back from a commit, newest first, to the first that is what is looked for.
    pub(super) fn find(
        &mut self,
        repo: &Repository,
        from: Oid,
        most: usize,
        until: Instant,
        mut is_it: impl FnMut(&Oid) -> bool,
    ) -> Result<Option<Oid>, Cut> {
        self.refresh(repo);
        let odb = repo.odb()?;
        let first = self.load(&odb, from)?;
        let mut queue = BinaryHeap::from([(self.at(first).key.1, Reverse(first))]);
        let mut seen = HashSet::from([first]);
        for count in 1..=most {
            let Some((_, Reverse(number))) = queue.pop() else { break };
            let id = self.at(number).id;
            if is_it(&id) {
                return Ok(Some(id));
            }
            if count % STRIDE == 0 && Instant::now() >= until {
                return Err(Cut::Late);
            }
            for parent in self.parents(&odb, number)? {
                if seen.insert(parent) {
                    queue.push((self.at(parent).key.1, Reverse(parent)));
                }
            }
        }
        Ok(None)
    }

    /// Forgets what may not be so any more.
    fn refresh(&mut self, repo: &Repository) {
        let path = repo.commondir().join("shallow");
        let at = path.metadata().and_then(|meta| meta.modified()).ok();
        let mut stale = self.nodes.len() > MAX_KNOWN;
        if at != self.shallow_at {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            self.shallow = text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect();
            (self.shallow_at, stale) = (at, true);
        }
        // As git does it: what is cut off here was worked out of a longer history.
        let graph_changed = if self.shallow.is_empty() {
            self.graph.refresh(&repo.commondir().join("objects"))
        } else {
            self.graph.forget()
        };
        if stale || graph_changed {
            (self.numbers, self.nodes) = (HashMap::default(), Vec::new());
            self.placed = vec![0; self.graph.len()];
        }
    }

    fn at(&mut self, number: u32) -> &mut Node {
        &mut self.nodes[number as usize]
    }

    fn add(&mut self, id: Oid, parents: Parents, key: (u32, i64)) -> u32 {
        let number = self.nodes.len() as u32;
        self.nodes.push(Node { id, parents, key, paint: 0 });
        number
    }

    /// The number of a commit.
    fn load(&mut self, odb: &Odb<'_>, id: Oid) -> Result<u32, Error> {
        if let Some(number) = self.numbers.get(&id) {
            return Ok(*number);
        }
        if let Some(place) = self.graph.find(id) {
            return self.load_placed(place);
        }
        let object = odb.read(id)?;
        if object.kind() != ObjectType::Commit {
            return Err(Error::from_str("a parent of a commit is no commit"));
        }
        let (parents, time) = header(object.data());
        let parents = if self.shallow.contains(&id) { Parents::CutOff } else { Parents::Ids(parents) };
        let number = self.add(id, parents, (u32::MAX, time));
        self.numbers.insert(id, number);
        Ok(number)
    }

    /// The number of the commit in a place of the graph.
    fn load_placed(&mut self, place: u32) -> Result<u32, Error> {
        let damaged = || Error::from_str("the commit-graph is damaged: `git commit-graph verify` says more");
        match self.placed.get(place as usize) {
            None => return Err(damaged()),
            Some(0) => {}
            Some(number) => return Ok(number - 1),
        }
        let (id, key) = self.graph.id(place).zip(self.graph.key(place)).ok_or_else(damaged)?;
        let number = self.add(id, Parents::Graph(place), key);
        self.placed[place as usize] = number + 1;
        Ok(number)
    }

    fn parents(&mut self, odb: &Odb<'_>, number: u32) -> Result<Box<[u32]>, Error> {
        let parents: Box<[u32]> = match self.at(number).parents.clone() {
            Parents::Numbers(numbers) => return Ok(numbers),
            Parents::CutOff => return Ok(Box::default()),
            Parents::Ids(ids) => ids.iter().map(|id| self.load(odb, *id)).collect::<Result<_, _>>()?,
            Parents::Graph(place) => {
                let places = self.graph.parents(place).unwrap_or_default();
                places.into_iter().map(|place| self.load_placed(place)).collect::<Result<_, _>>()?
            }
        };
        self.at(number).parents = Parents::Numbers(parents.clone());
        Ok(parents)
    }

    /// Paints everything that is reached from one side, from the other, and from what both have,
    /// down to where nothing of one side alone is left.
    fn paint(
        &mut self,
        odb: &Odb<'_>,
        walk: &mut Walk,
        one: &[Oid],
        two: &[Oid],
        until: Instant,
    ) -> Result<(), Cut> {
        for (ids, paint) in [(one, ONE), (two, TWO)] {
            for id in ids {
                let number = self.load(odb, *id)?;
                self.reach(walk, number, paint);
            }
        }
        // The least key of what one side alone has, or what may be a base.
        let mut least = (u32::MAX, i64::MAX);
        let (mut count, mut slop) = (0, SLOP);
        while let Some((key, Reverse(number))) = walk.queue.pop() {
            if walk.open == 0 && key < least {
                slop -= 1;
                if slop == 0 {
                    break;
                }
            }
            count += 1;
            if count % STRIDE == 0 && Instant::now() >= until {
                return Err(Cut::Late);
            }
            let node = self.at(number);
            node.paint &= !QUEUED;
            let mut paint = node.paint & (BOTH | STALE);
            if paint & STALE == 0 {
                walk.open -= 1;
                least = least.min(key);
            }
            if paint & BOTH == BOTH {
                if paint & STALE == 0 {
                    node.paint |= BASE;
                }
                paint |= STALE;
            }
            for parent in self.parents(odb, number)? {
                self.reach(walk, parent, paint);
            }
        }
        Ok(())
    }

    fn reach(&mut self, walk: &mut Walk, number: u32, paint: u8) {
        let node = self.at(number);
        let before = node.paint;
        if before & paint == paint {
            return;
        }
        node.paint |= paint | QUEUED | SEEN;
        let (was_open, is_open) = (before & (QUEUED | STALE) == QUEUED, node.paint & STALE == 0);
        let key = node.key;
        walk.open = walk.open + usize::from(is_open) - usize::from(was_open);
        if before & SEEN == 0 {
            walk.seen.push(number);
        }
        if before & QUEUED == 0 {
            walk.queue.push((key, Reverse(number)));
        }
    }

    fn result(&mut self, odb: &Odb<'_>, seen: &[u32]) -> Result<Compared, Cut> {
        let mut compared = Compared::default();
        let mut ahead = Vec::new();
        for number in seen {
            let node = self.at(*number);
            compared.cut_off |= matches!(node.parents, Parents::CutOff);
            match node.paint & BOTH {
                ONE => ahead.push(*number),
                TWO => compared.behind += 1,
                _ if node.paint & (BASE | STALE) == BASE => compared.bases.push(node.id),
                _ => {}
            }
        }
        compared.ahead = self.ordered(odb, &ahead)?;
        Ok(compared)
    }

    /// Children before their parents, else newest first.
    fn ordered(&mut self, odb: &Odb<'_>, numbers: &[u32]) -> Result<Vec<Oid>, Cut> {
        let mut children: HashMap<u32, usize> = numbers.iter().map(|number| (*number, 0)).collect();
        for number in numbers {
            for parent in self.parents(odb, *number)? {
                if let Some(count) = children.get_mut(&parent) {
                    *count += 1;
                }
            }
        }
        let free = numbers.iter().filter(|number| children.get(number) == Some(&0));
        let mut queue: BinaryHeap<(i64, Reverse<u32>)> =
            free.map(|number| (self.nodes[*number as usize].key.1, Reverse(*number))).collect();
        let mut ids = Vec::with_capacity(numbers.len());
        while let Some((_, Reverse(number))) = queue.pop() {
            ids.push(self.at(number).id);
            for parent in self.parents(odb, number)? {
                let Some(count) = children.get_mut(&parent) else { continue };
                *count -= 1;
                if *count == 0 {
                    queue.push((self.at(parent).key.1, Reverse(parent)));
                }
            }
        }
        Ok(ids)
    }
}

/// What a walk has before it and behind it.
struct Walk {
    queue: BinaryHeap<((u32, i64), Reverse<u32>)>,
    seen: Vec<u32>,
    /// How many in the queue are not reached from what both have.
    open: usize,
}

/// Parents and time in the header of a commit.
fn header(data: &[u8]) -> (Box<[Oid]>, i64) {
    let (mut parents, mut time) = (Vec::new(), 0);
    for line in data.split(|&byte| byte == b'\n') {
        if let Some(id) = line.strip_prefix(b"parent ") {
            parents.extend(std::str::from_utf8(id).ok().and_then(|id| Oid::from_str(id).ok()));
        } else if let Some(who) = line.strip_prefix(b"committer ") {
            // Seconds and zone come last; names hold anything.
            let seconds = who.rsplit(|&byte| byte == b' ').nth(1);
            time = seconds.and_then(|seconds| std::str::from_utf8(seconds).ok()?.parse().ok()).unwrap_or(0);
            break;
        } else if line.is_empty() {
            break;
        }
    }
    (parents.into(), time)
}

#[cfg(test)]
mod tests;

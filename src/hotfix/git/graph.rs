//! Reads git's commit-graph: parents, times and generations of commits in a table, many times
//! faster to walk than the commits themselves. One that is damaged or of a kind not known here is
//! as good as none.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use git2::Oid;

/// Bytes of an id.
const ID: usize = 20;
/// Bytes of a commit's row: its tree, two parents, generation and time.
const ROW: usize = ID + 16;
/// Stands for a parent that a commit does not have.
const NONE: u32 = 0x7000_0000;
/// Set where further parents are in the list of edges, and on the last one there.
const MORE: u32 = 0x8000_0000;

/// The table of a repository, of one or more files that build on each other.
#[derive(Default)]
pub(super) struct Graph {
    layers: Vec<Layer>,
    stamp: Option<Vec<(PathBuf, SystemTime, u64)>>,
}

struct Layer {
    bytes: Vec<u8>,
    /// Rows in the files before this one.
    before: u32,
    count: u32,
    fanout: usize,
    ids: usize,
    rows: usize,
    /// Begin and end of the list of further parents.
    edges: (usize, usize),
}

impl Graph {
    /// Reads it again if it changed; tells whether it did.
    pub(super) fn refresh(&mut self, objects: &Path) -> bool {
        let files = files(objects);
        let stamp = files
            .iter()
            .map(|path| {
                let meta = path.metadata()?;
                Ok((path.clone(), meta.modified()?, meta.len()))
            })
            .collect::<std::io::Result<Vec<_>>>()
            .unwrap_or_default();
        if self.stamp.as_ref() == Some(&stamp) {
            return false;
        }
        let had = !self.layers.is_empty();
        self.layers = read(&files).unwrap_or_default();
        self.stamp = Some(stamp);
        had || !self.layers.is_empty()
    }

    /// Does without; tells whether there was one.
    pub(super) fn forget(&mut self) -> bool {
        self.stamp = None;
        !std::mem::take(&mut self.layers).is_empty()
    }

    /// How many commits are in it.
    pub(super) fn len(&self) -> usize {
        self.layers.last().map_or(0, |layer| (layer.before + layer.count) as usize)
    }

    /// The place of a commit.
    pub(super) fn find(&self, id: Oid) -> Option<u32> {
        self.layers.iter().rev().find_map(|layer| layer.find(id.as_bytes()).map(|at| layer.before + at))
    }

    /// The commit in a place.
    pub(super) fn id(&self, place: u32) -> Option<Oid> {
        let (layer, at) = self.layer(place)?;
        Oid::from_bytes(layer.id(at)?).ok()
    }

    /// Generation and time of the commit in a place.
    pub(super) fn key(&self, place: u32) -> Option<(u32, i64)> {
        let (layer, at) = self.layer(place)?;
        let row = layer.row(at)?;
        let (high, low) = (number(row, ID + 8)?, number(row, ID + 12)?);
        let time = i64::from(high & 3) << 32 | i64::from(low);
        // Very old versions of git have worked out none.
        let generation = match high >> 2 {
            0 => u32::MAX,
            generation => generation,
        };
        Some((generation, time))
    }

    /// The places of the parents of the commit in a place.
    pub(super) fn parents(&self, place: u32) -> Option<Vec<u32>> {
        let (layer, at) = self.layer(place)?;
        let row = layer.row(at)?;
        let (first, second) = (number(row, ID)?, number(row, ID + 4)?);
        let mut parents = Vec::with_capacity(2);
        if first != NONE {
            parents.push(first);
        }
        if second & MORE != 0 && second != NONE {
            let list = layer.bytes.get(layer.edges.0..layer.edges.1)?;
            let mut at = (second & !MORE) as usize * 4;
            loop {
                let edge = number(list, at)?;
                parents.push(edge & !MORE);
                if edge & MORE != 0 {
                    break;
                }
                at += 4;
            }
        } else if second != NONE {
            parents.push(second);
        }
        Some(parents)
    }

    fn layer(&self, place: u32) -> Option<(&Layer, u32)> {
        let layer = self.layers.iter().rev().find(|layer| layer.before <= place)?;
        Some((layer, place - layer.before))
    }
}

/// The files of the table, the oldest first.
fn files(objects: &Path) -> Vec<PathBuf> {
    let info = objects.join("info");
    let single = info.join("commit-graph");
    if single.exists() {
        return vec![single];
    }
    let folder = info.join("commit-graphs");
    let Ok(chain) = std::fs::read_to_string(folder.join("commit-graph-chain")) else { return Vec::new() };
    let is_id = |line: &&str| line.len() == 2 * ID && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    chain.lines().filter(is_id).map(|line| folder.join(format!("graph-{line}.graph"))).collect()
}

fn read(files: &[PathBuf]) -> Option<Vec<Layer>> {
    let mut layers: Vec<Layer> = Vec::new();
    for file in files {
        let before = layers.last().map_or(0, |layer| layer.before + layer.count);
        let layer = Layer::parse(std::fs::read(file).ok()?, before, layers.len())?;
        layers.push(layer);
    }
    Some(layers)
}

impl Layer {
    fn parse(bytes: Vec<u8>, before: u32, below: usize) -> Option<Self> {
        // Signature, version, kind of ids (SHA-1), number of chunks, number of files below.
        let [b'C', b'G', b'P', b'H', 1, 1, chunks, bases] = *bytes.first_chunk::<8>()? else { return None };
        if usize::from(bases) != below {
            return None;
        }
        let chunk = |wanted: &[u8; 4]| -> Option<(usize, usize)> {
            let table = bytes.get(8..8 + (usize::from(chunks) + 1) * 12)?;
            let entry = table.chunks_exact(12).position(|entry| entry.starts_with(wanted))?;
            let offset = |entry: usize| -> Option<usize> {
                let at = table.get(entry * 12 + 4..entry * 12 + 12)?;
                usize::try_from(u64::from_be_bytes(at.try_into().ok()?)).ok()
            };
            let (begin, end) = (offset(entry)?, offset(entry + 1)?);
            (begin <= end && end <= bytes.len()).then_some((begin, end))
        };
        let fanout = chunk(b"OIDF")?;
        if fanout.1 - fanout.0 != 256 * 4 {
            return None;
        }
        let count = number(&bytes, fanout.0 + 255 * 4)?;
        let (ids, rows) = (chunk(b"OIDL")?, chunk(b"CDAT")?);
        let fits = |(begin, end): (usize, usize), width| end - begin == count as usize * width;
        if !fits(ids, ID) || !fits(rows, ROW) || before.checked_add(count)? >= NONE {
            return None;
        }
        let edges = chunk(b"EDGE").unwrap_or_default();
        Some(Self { before, count, fanout: fanout.0, ids: ids.0, rows: rows.0, edges, bytes })
    }

    fn find(&self, id: &[u8]) -> Option<u32> {
        let first = usize::from(*id.first()?);
        let mut low = match first {
            0 => 0,
            first => number(&self.bytes, self.fanout + (first - 1) * 4)?,
        };
        let mut high = number(&self.bytes, self.fanout + first * 4)?.min(self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id(middle)?.cmp(id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn id(&self, at: u32) -> Option<&[u8]> {
        let begin = self.ids + at as usize * ID;
        self.bytes.get(begin..begin + ID).filter(|_| at < self.count)
    }

    fn row(&self, at: u32) -> Option<&[u8]> {
        let begin = self.rows + at as usize * ROW;
        self.bytes.get(begin..begin + ROW).filter(|_| at < self.count)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

//! Finds the places of a text at which a pattern may begin, nearly as fast as memory is read.

use std::ops::Range;

use bstr::ByteSlice as _;

use super::pattern::{Found, Pattern, counting};
use super::{HEAD, cut};

/// Bits of the filter: small enough to stay in the nearest cache, large enough that hardly a
/// place passes by chance.
const BITS: u32 = 17;
const WORDS: usize = 1 << (BITS - 6);

/// All patterns, found by the first bytes of a text.
pub(super) struct Index {
    pub(super) patterns: Vec<Pattern>,
    filter: Box<[u64; WORDS]>,
    /// First bytes and a pattern that may begin so, in order.
    heads: Vec<([u8; HEAD], usize)>,
    /// Whether any pattern may begin with a byte.
    first: [bool; 256],
}

/// What is at a place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// What has to go, from where to where, and for which pattern: the longest.
    pub(super) found: Option<(usize, usize, usize)>,
    /// More has to come before one can tell; what may have to go begins here.
    pub(super) open: Option<usize>,
}

impl Index {
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        let mut heads = Vec::new();
        for (number, pattern) in patterns.iter().enumerate() {
            pattern.heads(&mut |head| heads.push((head, number)));
        }
        heads.sort_unstable();
        heads.dedup();
        let mut filter = Box::new([0; WORDS]);
        let mut first = [false; 256];
        for (head, _) in &heads {
            let (word, bit) = place(*head);
            filter[word] |= bit;
            first[usize::from(head[0])] = true;
        }
        Self { patterns, filter, heads, first }
    }

    fn may_be(&self, head: [u8; HEAD]) -> bool {
        let (word, bit) = place(head);
        self.filter[word] & bit != 0
    }

    /// Collects the places within a stretch of a text at which a pattern may begin, in order.
    pub(super) fn places(&self, text: &[u8], stretch: Range<usize>, ended: bool, places: &mut Vec<usize>) {
        places.clear();
        if self.heads.is_empty() {
            return;
        }
        let whole = stretch.end.min((text.len() + 1).saturating_sub(HEAD)).max(stretch.start);
        let reach = (stretch.end + HEAD - 1).min(text.len());
        let bytes = text.get(stretch.start..reach).unwrap_or_default();
        for (offset, head) in bytes.windows(HEAD).enumerate() {
            if head.first_chunk().is_some_and(|head| self.may_be(*head)) {
                places.push(stretch.start + offset);
            }
        }
        let plain = places.len();
        self.places_before_breaks(text, stretch.clone(), ended, places);
        if !ended {
            // What is cut by the end of the text.
            let cut = text.iter().enumerate().take(stretch.end).skip(whole);
            places.extend(cut.filter(|(_, byte)| self.first[usize::from(**byte)]).map(|(at, _)| at));
        }
        if places.len() > plain {
            places.sort_unstable();
            places.dedup();
        }
    }

    /// The places just before what does not count: their first bytes are not in a row.
    fn places_before_breaks(&self, text: &[u8], stretch: Range<usize>, ended: bool, places: &mut Vec<usize>) {
        let reach = (stretch.end + HEAD - 1).min(text.len());
        let mut after = stretch.start;
        while let Some(found) = text.get(after..reach).and_then(|rest| rest.find_byteset(BREAKS)) {
            let at = after + found;
            let before = text.get(after.max((at + 1).saturating_sub(HEAD))..at).unwrap_or_default();
            after = at + 1;
            if before.is_empty() {
                continue;
            }
            let (next, filled) = counting::<{ HEAD - 1 }>(text.get(at..).unwrap_or_default(), true, ended);
            for length in 1..=before.len() {
                let start = at - length;
                if start >= stretch.end {
                    continue;
                }
                let mut head = [0; HEAD];
                let mut bytes = text.get(start..at).unwrap_or_default().iter().chain(&next);
                head.fill_with(|| bytes.next().copied().unwrap_or_default());
                let possible = if length + filled >= HEAD {
                    self.may_be(head)
                } else {
                    self.first[usize::from(head[0])]
                };
                if possible {
                    places.push(start);
                }
            }
        }
    }

    /// Looks at a place of a text.
    pub(super) fn look(&self, text: &[u8], at: usize, ended: bool) -> Option<Hit> {
        let rest = text.get(at..)?;
        let mut hit = Hit { found: None, open: None };
        let plain = cut(rest, HEAD);
        self.among(plain, &mut hit, text, at, ended);
        let (head, filled) = counting::<HEAD>(rest, false, ended);
        let head = cut(&head, filled);
        if head != plain {
            self.among(head, &mut hit, text, at, ended);
        }
        (hit.found.is_some() || hit.open.is_some()).then_some(hit)
    }

    /// Tells whether no pattern is in a text that is whole.
    pub(super) fn is_free(&self, text: &[u8]) -> bool {
        let mut places = Vec::new();
        self.places(text, 0..text.len(), true, &mut places);
        !places.iter().any(|&at| self.look(text, at, true).is_some())
    }

    /// Tries all patterns that may begin with these bytes.
    fn among(&self, head: &[u8], hit: &mut Hit, text: &[u8], at: usize, ended: bool) {
        if head.len() < HEAD && ended {
            return;
        }
        let from = self.heads.partition_point(|(known, _)| &known[..] < head);
        let alike = self.heads.get(from..).unwrap_or_default();
        for (_, number) in alike.iter().take_while(|(known, _)| known.starts_with(head)) {
            let Some(pattern) = self.patterns.get(*number) else { continue };
            hit.add(*number, pattern.at(text, at, ended));
        }
    }
}

/// What may begin something that does not count.
const BREAKS: &[u8] = b"\r\n\x1b";

impl Hit {
    /// Where begins what has to go, or may have to.
    pub(super) fn first(self) -> Option<usize> {
        self.found.map(|(from, ..)| from).into_iter().chain(self.open).min()
    }

    fn add(&mut self, number: usize, found: Found) {
        match found {
            Found::No => {}
            Found::Open { from } => self.open = Some(self.open.map_or(from, |open| open.min(from))),
            Found::Yes { from, to } => {
                self.found = Some(match self.found {
                    Some((first, last, longest)) if last > to || (last == to && longest < number) => {
                        (first.min(from), last, longest)
                    }
                    Some((first, ..)) => (first.min(from), to, number),
                    None => (from, to, number),
                });
            }
        }
    }
}

fn place(head: [u8; HEAD]) -> (usize, u64) {
    let hash = u32::from_le_bytes(head).wrapping_mul(0x9E37_79B1) >> (32 - BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

//! Finds the places of a text at which a pattern may begin, nearly as fast as memory is read.

use std::ops::Range;

use super::pattern::{Found, Pattern, counting, every_counting};
use super::skip::Breaks;
use super::{HEAD, cut};

/// Bits of the first filter: small enough to stay in the nearest cache.
const BITS: u32 = 17;
const WORDS: usize = 1 << (BITS - 6);
/// Bits of the second: large enough that hardly a place passes by chance.
const SURE_BITS: u32 = 21;
const SURE_WORDS: usize = 1 << (SURE_BITS - 6);

/// All patterns, found by the first bytes of a text.
pub(super) struct Index {
    pub(super) patterns: Vec<Pattern>,
    filter: Box<[u64; WORDS]>,
    /// Asked of what passes the first.
    sure: Vec<u64>,
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
        let mut sure = vec![0; SURE_WORDS];
        let mut first = [false; 256];
        for (head, _) in &heads {
            let (word, bit) = place(*head, 0x9E37_79B1, BITS);
            filter[word] |= bit;
            let (word, bit) = place(*head, 0x85EB_CA6B, SURE_BITS);
            sure[word] |= bit;
            first[usize::from(head[0])] = true;
        }
        Self { patterns, filter, sure, heads, first }
    }

    fn may_be(&self, head: [u8; HEAD]) -> bool {
        let (word, bit) = place(head, 0x9E37_79B1, BITS);
        self.filter[word] & bit != 0 && self.is_sure(head)
    }

    fn is_sure(&self, head: [u8; HEAD]) -> bool {
        let (word, bit) = place(head, 0x85EB_CA6B, SURE_BITS);
        self.sure.get(word).is_some_and(|known| known & bit != 0)
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
        for at in Breaks::new(text, stretch.start..reach) {
            let from = after;
            // What is above ASCII may be a part of a secret.
            after = at + usize::from(text.get(at).is_some_and(u8::is_ascii));
            let mut add = |end: usize| {
                let before = text.get(from.max((end + 1).saturating_sub(HEAD))..end).unwrap_or_default();
                if before.is_empty() {
                    return;
                }
                let (next, filled, is_clear) = counting::<{ HEAD - 1 }>(text, end, true, ended);
                if is_clear {
                    self.places_before(end, before, cut(&next, filled), stretch.end, places);
                } else {
                    every_counting::<{ HEAD - 1 }>(text, end, true, ended, &mut |next| {
                        self.places_before(end, before, next, stretch.end, places);
                    });
                }
            };
            // An underlined letter: the line that is under it does not count either.
            if at > from && text.get(at - 1..=at) == Some(b"_\x08") {
                add(at - 1);
            }
            add(at);
        }
    }

    /// The places before a position that may begin something which goes on with `next` there.
    fn places_before(&self, at: usize, before: &[u8], next: &[u8], limit: usize, places: &mut Vec<usize>) {
        for length in 1..=before.len() {
            let start = at - length;
            if start >= limit {
                continue;
            }
            let mut head = [0; HEAD];
            let begins = before.get(before.len() - length..).unwrap_or_default();
            let mut bytes = begins.iter().chain(next);
            head.fill_with(|| bytes.next().copied().unwrap_or_default());
            let is_whole = length + next.len() >= HEAD;
            let possible = if is_whole { self.may_be(head) } else { self.first[usize::from(head[0])] };
            if possible {
                places.push(start);
            }
        }
    }

    /// Looks at a place of a text.
    pub(super) fn look(&self, text: &[u8], at: usize, ended: bool) -> Option<Hit> {
        let rest = text.get(at..)?;
        let mut hit = Hit { found: None, open: None };
        let plain = cut(rest, HEAD);
        self.among(plain, &mut hit, text, at, ended);
        let (head, filled, is_clear) = counting::<HEAD>(text, at, false, ended);
        if is_clear {
            let head = cut(&head, filled);
            if head != plain {
                self.among(head, &mut hit, text, at, ended);
            }
        } else {
            let mut known = vec![plain.to_vec()];
            every_counting::<HEAD>(text, at, false, ended, &mut |head| {
                if !known.iter().any(|known| known == head) {
                    known.push(head.to_vec());
                    self.among(head, &mut hit, text, at, ended);
                }
            });
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

fn place(head: [u8; HEAD], factor: u32, bits: u32) -> (usize, u64) {
    let hash = u32::from_le_bytes(head).wrapping_mul(factor) >> (32 - bits);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

//! Masks secrets in a stream of terminal output, wherever it is cut, and in texts.
//!
//! A secret is looked for as it is, percent-encoded, with the backslashes of JSON and of a
//! shell, with the entities of HTML, in base64 and base32 at any place of a longer text, in
//! hexadecimal, and line by line; JSON, URLs and base64 also within themselves. What a terminal
//! does not show does not count within it, so that neither escape sequences nor a wrapped column
//! hide it. Each run of occurrences that overlap becomes one mark with the
//! secret's name, whatever its length; everything else stays as it is, byte for byte.
//!
//! Pure: the values come from `conductor::secrets`.

mod index;
mod marks;
mod pattern;
mod skip;
mod spelling;
mod unseen;
mod urls;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use index::{Hit, Index};
use pattern::patterns;
pub(crate) use pattern::weight;
use skip::LONGEST_RUN;
use unseen::Unseen;
use urls::Urls;
use zeroize::Zeroize as _;

use crate::failure::{Failure, Result};
use crate::text::visible;

/// First bytes by which a place where a secret may begin is told.
const HEAD: usize = 4;

/// Bytes that are looked through in one go.
const STRETCH: usize = 16 << 10;

/// Ends every escape sequence, and does nothing where none has begun.
const STRING_TERMINATOR: &[u8] = b"\x1b\\";

/// Fewest bytes of a secret, line ends and blanks not counted: fewer are everywhere.
pub const SHORTEST: usize = HEAD;

/// Knows what has to be masked. Cheap to clone.
#[derive(Clone)]
pub struct Masker(Arc<Known>);

struct Known {
    index: Index,
    /// What stands for each secret.
    marks: Vec<Vec<u8>>,
    /// What stands for user names and passwords in URLs.
    user: Vec<u8>,
}

impl Masker {
    /// Makes a masker of names and values. User names and passwords in URLs are masked in
    /// any case.
    ///
    /// # Errors
    /// A value has fewer than [`SHORTEST`] bytes: masking it would leave nothing readable.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self> {
        let mut names = Vec::new();
        let mut all = Vec::new();
        for (name, value) in secrets {
            if weight(value) < SHORTEST {
                return Err(too_short(name));
            }
            all.extend(patterns(names.len(), value));
            names.push(name);
        }
        let index = Index::new(all);
        let marks = marks::choose(&names, &index).ok_or_else(|| {
            Failure::new("masking secrets", "no mark is certain to hold none of them", "use longer secrets")
        })?;
        Ok(Self(Arc::new(Known { index, marks: marks.secrets, user: marks.user })))
    }

    /// Begins a stream.
    pub fn stream(&self) -> Stream {
        let (held, places, found) = (Vec::new(), Vec::new(), Vec::new());
        Stream {
            masker: self.clone(),
            held,
            settled: 0,
            next: 0,
            places,
            found,
            urls: Urls::default(),
            unseen: Unseen::default(),
        }
    }

    /// Masks bytes that are whole.
    pub fn mask_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut stream = self.stream();
        stream.feed(bytes, &mut out);
        stream.finish(&mut out);
        out
    }

    /// Masks a text that is whole. What a mark cuts in the middle of a character is replaced.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let masked = self.mask_bytes(text.as_bytes());
        if masked == text.as_bytes() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
    }

    /// Where the secrets of bytes that are whole stand, in any order; parts may overlap.
    pub fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let index = &self.0.index;
        let mut places = Vec::new();
        index.places(bytes, 0..bytes.len(), true, &mut places);
        let found = places.into_iter().filter_map(|at| index.look(bytes, at, true)?.found);
        found.map(|(from, to, _)| from..to).collect()
    }

    /// Masks the beginning of something longer: what may be the beginning of a secret at its
    /// end is left out.
    pub fn mask_beginning(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        self.stream().feed(bytes, &mut out);
        out
    }
}

impl Default for Masker {
    /// Knows no secrets: only what URLs tell is masked.
    fn default() -> Self {
        let user = marks::USER.to_vec();
        Self(Arc::new(Known { index: Index::new(Vec::new()), marks: Vec::new(), user }))
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("secrets", &self.0.marks.len()).finish_non_exhaustive()
    }
}

fn too_short(name: &str) -> Failure {
    let name = visible(name);
    Failure::usage(
        format!("reading the secret {name}"),
        format!("it has fewer than {SHORTEST} bytes, and masking so few would leave no output readable"),
        "use a longer one",
    )
}

/// A stream on its way: output goes in as it comes, and comes out masked. What may be the
/// beginning of a secret is held back until it cannot be one, or the stream ends.
pub struct Stream {
    masker: Masker,
    /// The end of what came, beginning with some that is settled already.
    held: Vec<u8>,
    /// Up to here it is given out or masked.
    settled: usize,
    /// The first place that is yet to be looked at; never after what is settled.
    next: usize,
    /// Places to look at; kept for its room only.
    places: Vec<usize>,
    /// What has to go, for which pattern, where something before it may have to go as well: what is
    /// found at an earlier place may begin later.
    found: Vec<(Range<usize>, usize)>,
    urls: Urls,
    unseen: Unseen,
}

impl Stream {
    /// Takes in output and appends what is certain of it to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.unseen.feed(bytes, false, &mut self.held);
        self.pass(false, out);
    }

    /// Ends the stream: appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.unseen.feed(&[], true, &mut self.held);
        self.pass(true, out);
    }

    fn pass(&mut self, ended: bool, out: &mut Vec<u8>) {
        let known = Arc::clone(&self.masker.0);
        let mut masked = Vec::with_capacity(self.held.len() - self.settled);
        self.known(&known, ended, &mut masked);
        self.urls.feed(&masked, &known.user, ended, out);
    }

    fn known(&mut self, known: &Known, ended: bool, out: &mut Vec<u8>) {
        let mut places = std::mem::take(&mut self.places);
        let (mut open, mut certain) = (None, self.held.len());
        'looking: while self.next < self.held.len() {
            let stretch = self.next..(self.next + STRETCH).min(self.held.len());
            self.next = stretch.end;
            known.index.places(&self.held, stretch, ended, &mut places);
            for &at in &places {
                self.hide_before(known, at, out);
                let Some(hit) = known.index.look(&self.held, at, ended) else { continue };
                if hit.open.is_some() {
                    open = Some(at);
                    certain = self.certain(known, at, hit, ended);
                    break 'looking;
                }
                if let Some((from, to, pattern)) = hit.found {
                    self.found.push((from..to, pattern));
                }
            }
        }
        if open.is_none() {
            self.hide_before(known, self.held.len(), out);
        }
        self.show(certain, out);
        self.places = places;
        let next = open.unwrap_or(self.held.len());
        // What is settled may be the beginning of something that ends in what comes.
        let done = next.min(self.settled).saturating_sub(LONGEST_RUN);
        let done = if done < LONGEST_RUN { 0 } else { done };
        self.held.drain(..done);
        self.settled -= done;
        self.next = next - done;
        for (range, _) in &mut self.found {
            *range = range.start.saturating_sub(done)..range.end.saturating_sub(done);
        }
    }

    /// Masks what was found and begins at a place or before it: nothing that is found from there on
    /// can begin earlier.
    fn hide_before(&mut self, known: &Known, at: usize, out: &mut Vec<u8>) {
        while let Some(first) = (0..self.found.len()).min_by_key(|&index| self.found[index].0.start)
            && self.found[first].0.start <= at
        {
            let (range, pattern) = self.found.remove(first);
            self.hide(known, range.start, range.end, pattern, out);
        }
    }

    /// Up to where all is certain, though it is not at a place: a line end after it may let the
    /// line go, unless something else begins on it.
    fn certain(&self, known: &Known, at: usize, hit: Hit, ended: bool) -> usize {
        let found = self.found.iter().map(|(range, _)| range.start);
        let mut certain = found.chain(hit.first()).min().unwrap_or(at);
        let mut places = Vec::new();
        known.index.places(&self.held, at + 1..certain.max(at + 1), ended, &mut places);
        for place in places {
            if let Some(first) = known.index.look(&self.held, place, ended).and_then(Hit::first) {
                certain = certain.min(first);
            }
        }
        certain
    }

    fn show(&mut self, to: usize, out: &mut Vec<u8>) {
        if to > self.settled {
            out.extend_from_slice(self.held.get(self.settled..to).unwrap_or_default());
            self.settled = to;
        }
    }

    /// Masks a stretch. One that overlaps the last needs no mark of its own.
    fn hide(&mut self, known: &Known, from: usize, to: usize, pattern: usize, out: &mut Vec<u8>) {
        if from >= self.settled {
            self.show(from, out);
            if skip::ends_within(&self.held, from..to) {
                // What would have ended goes with the secret, and the mark would not be seen.
                out.extend_from_slice(STRING_TERMINATOR);
            }
            let secret = known.index.patterns.get(pattern).map(|pattern| pattern.secret);
            let mark = secret.and_then(|secret| known.marks.get(secret));
            out.extend_from_slice(mark.map_or(marks::USER, Vec::as_slice));
        }
        self.settled = self.settled.max(to);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// At most so many bytes from the beginning.
fn cut(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
}

#[cfg(test)]
mod tests;

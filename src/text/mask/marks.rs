//! What stands for a secret: chosen so that nothing secret appears through it.

use std::borrow::Cow;

use bstr::ByteSlice as _;

use super::index::Index;
use super::pattern::Pattern;
use super::skip::is_line_end;

/// What stands for user names and passwords in URLs.
pub(super) const USER: &[u8] = b"***";

/// What a mark may be enclosed in; the first that does no harm is taken.
const AROUND: [(&str, &str); 7] =
    [("‹", "›"), ("«", "»"), ("⟦", "⟧"), ("•••", "•••"), ("███", "███"), ("▒▒▒", "▒▒▒"), ("[[", "]]")];
/// What a mark says where the secret's own name would tell a secret.
const NAMELESS: [&str; 4] = ["secret", "masked", "hidden", "·"];

/// The marks of a masker.
pub(super) struct Marks {
    /// One a secret, in order.
    pub(super) secrets: Vec<Vec<u8>>,
    /// The one for user names and passwords in URLs.
    pub(super) user: Vec<u8>,
}

/// Chooses marks; `None` where each possible one would bring a secret about.
pub(super) fn choose(names: &[&str], index: &Index) -> Option<Marks> {
    let looked_for: Vec<Cow<'_, [u8]>> = index.patterns.iter().flat_map(appearances).collect();
    let mut known = [false; 256];
    for &byte in looked_for.iter().flat_map(|bytes| bytes.iter()) {
        known[usize::from(byte)] = true;
    }
    let fine = |mark: &Vec<u8>| {
        let ends = [mark.first(), mark.last()].into_iter().flatten();
        // Where no secret holds the ends of a mark none can reach beyond them.
        let apart = !ends.into_iter().any(|&byte| known[usize::from(byte)]);
        index.is_free(mark) && (apart || !looked_for.iter().any(|bytes| clash(mark, bytes)))
    };
    let mark = |name: &str| {
        let labels = std::iter::once(label(name)).chain(NAMELESS.map(str::to_owned));
        let mut marks = labels
            .flat_map(|label| AROUND.map(|(before, after)| format!("{before}{label}{after}").into_bytes()));
        marks.find(|mark| fine(mark))
    };
    let secrets = names.iter().map(|name| mark(name)).collect::<Option<_>>()?;
    let user = if fine(&USER.to_vec()) { USER.to_vec() } else { mark("user")? };
    Some(Marks { secrets, user })
}

/// A name as it may stand in a mark: nothing that means anything to a terminal or an encoder.
fn label(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let label: String = name.chars().filter(|&c| plain(c)).take(60).collect();
    if label.is_empty() { "secret".to_owned() } else { label }
}

/// A pattern with its line ends and without, as they do not count.
fn appearances(pattern: &Pattern) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let bytes: &[u8] = &pattern.bytes;
    let squeezed = bytes.iter().any(|&byte| is_line_end(byte)).then(|| {
        let counts = |byte: &u8| !is_line_end(*byte);
        Cow::Owned(bytes.iter().copied().filter(counts).collect())
    });
    std::iter::once(Cow::Borrowed(bytes)).chain(squeezed)
}

/// Tells whether a secret could hold a mark, or reach across one of its ends.
fn clash(mark: &[u8], secret: &[u8]) -> bool {
    if secret.contains_str(mark) {
        return true;
    }
    // What ends as the mark begins, or begins as it ends.
    (1..=mark.len().min(secret.len())).any(|length| {
        let begins = mark.get(..length).unwrap_or_default();
        let ends = mark.get(mark.len() - length..).unwrap_or_default();
        secret.ends_with(begins) || secret.starts_with(ends)
    })
}

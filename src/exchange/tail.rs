//! The end of a body that may be very long: asked for as a range where that is understood, else read through a window.

use reqwest::Response;
use reqwest::header::{ACCEPT_RANGES, CONTENT_RANGE};

use super::Policy;

/// Most bytes that are read to come to the end of a body.
const MOST: u64 = 64 << 20;

/// The part of a body that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    All,
    /// The last bytes, by their number.
    Last,
    /// From this byte on.
    From(u64),
}

impl Part {
    /// What is asked for first.
    pub(super) fn wanted(policy: &Policy<'_>) -> Self {
        if policy.tail { Self::Last } else { Self::All }
    }

    /// The header that asks for it.
    pub(super) fn header(self, policy: &Policy<'_>) -> Option<String> {
        match self {
            Self::All => None,
            Self::Last => Some(format!("bytes=-{}", policy.body)),
            Self::From(first) => Some(format!("bytes={first}-")),
        }
    }

    /// What to ask for next, where this was not understood: some count ranges from the beginning only.
    pub(super) fn closer(self, response: &Response, policy: &Policy<'_>) -> Option<Self> {
        match (self, response.status().as_u16()) {
            (Self::Last, 200) => {
                let ranges = response.headers().get(ACCEPT_RANGES)?.to_str().ok()?;
                let first = response.content_length()?.checked_sub(policy.body as u64)?;
                (ranges.trim() == "bytes" && first > 0).then_some(Self::From(first))
            }
            // There may be nothing in it.
            (Self::Last | Self::From(_), 416) => Some(Self::All),
            _ => None,
        }
    }
}

/// What is kept of a body while it is read: its beginning, or its end.
pub(super) struct Window {
    body: Vec<u8>,
    keep: usize,
    tail: bool,
    dropped: u64,
    /// What was there before the part that was asked for.
    is_part: bool,
}

impl Window {
    pub(super) fn new(policy: &Policy<'_>, response: &Response) -> Self {
        let from = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let is_part = response.status() == 206
            && from
                .and_then(|range| range.trim().strip_prefix("bytes "))
                .is_none_or(|range| !range.starts_with("0-"));
        Self { body: Vec::new(), keep: policy.body, tail: policy.tail, dropped: 0, is_part }
    }

    /// Takes in a piece; `false`: that was too much.
    pub(super) fn take(&mut self, chunk: &[u8]) -> bool {
        if !self.tail {
            let room = self.keep - self.body.len();
            self.body.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
            return chunk.len() <= room;
        }
        self.body.extend_from_slice(chunk);
        if self.body.len() > 2 * self.keep {
            self.cut();
        }
        self.read() <= MOST
    }

    /// Most bytes that are read.
    pub(super) fn most(&self) -> u64 {
        if self.tail { MOST } else { self.keep as u64 }
    }

    /// Bytes that were read.
    pub(super) fn read(&self) -> u64 {
        self.dropped + self.body.len() as u64
    }

    /// What is left of it, and whether something was there before.
    pub(super) fn close(mut self) -> (Vec<u8>, bool) {
        if self.body.len() > self.keep {
            self.cut();
        }
        let is_end = self.is_part || self.dropped > 0;
        (self.body, is_end)
    }

    fn cut(&mut self) {
        let front = self.body.len() - self.keep;
        self.body.drain(..front);
        self.dropped += front as u64;
    }
}

//! The whole log of a run, as far as the screen needs it: where its lines are, and a few
//! pages of them.
//!
//! The log is taken apart into stretches. How many lines each has is known of all of them;
//! the lines themselves are read when they are looked at.

use super::lines::Line;

/// A stretch of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Position of its first byte.
    pub at: u64,
    /// Position behind its last byte.
    pub end: u64,
    /// Number of its lines.
    pub lines: usize,
    /// Whether its bytes were dropped: its one line says so.
    pub dropped: bool,
}

impl Span {
    /// The line that stands for what was dropped.
    pub fn gap(self) -> Line {
        Line::plain(format!("─── {} were dropped here ───", bytes(self.end - self.at)))
    }
}

/// A number of bytes as people say it.
pub fn bytes(count: u64) -> String {
    match count {
        1 => "1 byte".to_owned(),
        n if n < 10_000 => format!("{n} bytes"),
        n if n < 10_000_000 => format!("{} kB", n / 1000),
        n => format!("{} MB", n / 1_000_000),
    }
}

/// A line by where it is in the log: it stays the same one when the log grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Where its stretch begins.
    pub at: u64,
    /// Its number in there, from 0.
    pub row: usize,
}

/// A place where a text was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The line it begins in.
    pub spot: Spot,
    /// The byte of the line.
    pub start: usize,
    /// Its length in bytes; may run on into the lines joined to that one.
    pub length: usize,
}

/// What is wanted of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Where its lines are, further than before.
    Spans,
    /// The lines of the stretches that begin here.
    Lines(Vec<u64>),
    /// The next places where a text is.
    Find {
        /// The text.
        text: String,
        /// The stretches from this position on.
        from: u64,
        /// The position up to which it is looked for; `None` is the present end of the log.
        to: Option<u64>,
    },
    /// The text from one line to another, both included.
    Text(Spot, Spot),
    /// Nothing more: let go of it.
    Nothing,
}

/// What was read of a log, which takes a moment each time: the rest has to be asked for.
#[derive(Debug)]
pub struct Read {
    /// Id of the run.
    pub run: String,
    /// Where the lines are, as far as it was read.
    pub spans: Vec<Span>,
    /// How far that is, in bytes.
    pub read_to: u64,
    /// How many bytes there are.
    pub length: u64,
    /// What was asked for besides.
    pub got: Got,
}

/// What was asked for.
#[derive(Debug)]
pub enum Got {
    /// Only where the lines are.
    Spans,
    /// Lines of stretches.
    Lines(Vec<(Span, Vec<Line>)>),
    /// Places where a text is, in order, and where to go on from and up to where; `None` when
    /// that was all.
    Found(Vec<Match>, Option<(u64, u64)>),
    /// Text.
    Text(String),
}

/// What is known of a log.
#[derive(Debug, Default)]
pub struct History {
    spans: Vec<Span>,
    /// Number of the first line of each stretch.
    firsts: Vec<usize>,
    total: usize,
    pages: Vec<(Span, Vec<Line>)>,
}

impl History {
    /// Most stretches whose lines are kept.
    const PAGES: usize = 6;

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.total
    }

    /// Tells whether no line is known.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Takes in where the lines are now.
    pub fn set_spans(&mut self, spans: Vec<Span>) {
        self.total = 0;
        self.firsts.clear();
        for span in &spans {
            self.firsts.push(self.total);
            self.total += span.lines;
        }
        self.pages.retain(|(page, _)| spans.iter().any(|span| span.at == page.at));
        self.spans = spans;
    }

    /// Takes in lines, and lets go of those farthest from `near`.
    pub fn add_pages(&mut self, pages: Vec<(Span, Vec<Line>)>, near: usize) {
        for (span, lines) in pages {
            self.pages.retain(|(page, _)| page.at != span.at);
            self.pages.push((span, lines));
        }
        if self.pages.len() > Self::PAGES {
            let here = self.spot(near).map_or(0, |spot| spot.at);
            self.pages.sort_by_key(|(page, _)| page.at.abs_diff(here));
            self.pages.truncate(Self::PAGES);
        }
    }

    /// Where a line is.
    pub fn spot(&self, line: usize) -> Option<Spot> {
        if line >= self.total {
            return None;
        }
        let index = self.firsts.partition_point(|first| *first <= line).checked_sub(1)?;
        Some(Spot { at: self.spans[index].at, row: line - self.firsts[index] })
    }

    /// The number of a line. One that was dropped meanwhile is where the gap is now.
    pub fn number(&self, spot: Spot) -> usize {
        let after = self.spans.partition_point(|span| span.at <= spot.at);
        let Some(index) = after.checked_sub(1) else { return 0 };
        let span = self.spans[index];
        let row = if span.at == spot.at { spot.row } else { 0 };
        (self.firsts[index] + row.min(span.lines.saturating_sub(1))).min(self.total.saturating_sub(1))
    }

    /// A line, if it was read.
    pub fn line(&self, number: usize) -> Option<&Line> {
        let spot = self.spot(number)?;
        let (_, lines) = self.pages.iter().find(|(page, _)| page.at == spot.at)?;
        lines.get(spot.row)
    }

    /// The stretches with lines from `first` up to `last` that have not been read as they are
    /// now.
    pub fn missing(&self, first: usize, last: usize) -> Vec<u64> {
        let from = self.firsts.partition_point(|start| *start <= first).saturating_sub(1);
        let spans = self.spans.iter().zip(&self.firsts).skip(from);
        spans
            .take_while(|(_, start)| **start <= last)
            .filter(|(span, _)| span.lines > 0 && !self.pages.iter().any(|(page, _)| page == *span))
            .map(|(span, _)| span.at)
            .take(Self::PAGES / 2)
            .collect()
    }

    /// Position behind the last byte that is known.
    pub fn end(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.end)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::super::lines::{Decoder, Needle, text_of};
    use super::*;

    /// Answers what is wanted of a log that is held in memory, in stretches of so many lines.
    pub(crate) fn read(run: &str, output: &[u8], stretch: usize, want: &Want) -> Read {
        let mut decoder = Decoder::new(None, true);
        decoder.feed(output);
        let mut lines = decoder.take();
        lines.extend(decoder.on_screen());
        let pages: Vec<(Span, Vec<Line>)> = lines
            .chunks(stretch)
            .enumerate()
            .map(|(index, lines)| {
                let at = index as u64 * 1000;
                let end = at + lines.len() as u64;
                (Span { at, end, lines: lines.len(), dropped: false }, lines.to_vec())
            })
            .collect();
        let spans = pages.iter().map(|(span, _)| *span).collect();
        let number = |spot: Spot| spot.at as usize / 1000 * stretch + spot.row;
        let spot = |line: usize| Spot { at: (line / stretch) as u64 * 1000, row: line % stretch };
        let got = match want {
            Want::Spans | Want::Nothing => Got::Spans,
            Want::Lines(at) => {
                Got::Lines(pages.into_iter().filter(|(span, _)| at.contains(&span.at)).collect())
            }
            Want::Find { text, from, .. } => {
                // Half of it at a time.
                let half = lines.len() / 2 / stretch * stretch;
                let first = number(Spot { at: *from, row: 0 });
                let end = if first < half { half } else { lines.len() };
                let found = Needle::new(text).find_in(&lines[first..end]);
                let of = |(row, start, length)| Match { spot: spot(first + row), start, length };
                let next = (end < lines.len()).then(|| (spot(end).at, 1_000_000));
                Got::Found(found.into_iter().map(of).collect(), next)
            }
            Want::Text(from, to) => Got::Text(text_of(&lines[number(*from)..=number(*to)])),
        };
        let length = output.len() as u64;
        Read { run: run.to_owned(), spans, read_to: length, length, got }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(at: u64, end: u64, lines: usize) -> Span {
        Span { at, end, lines, dropped: false }
    }

    fn page(span: Span) -> (Span, Vec<Line>) {
        (span, (0..span.lines).map(|row| Line::plain(format!("{} {row}", span.at))).collect())
    }

    #[test]
    fn lines_are_counted_over_all_stretches_and_found_again() {
        let mut history = History::default();
        let spans = vec![span(0, 100, 10), span(100, 200, 0), span(200, 300, 5)];
        history.set_spans(spans.clone());
        assert_eq!(history.len(), 15);
        assert_eq!(history.spot(9), Some(Spot { at: 0, row: 9 }));
        assert_eq!(history.spot(10), Some(Spot { at: 200, row: 0 }));
        assert_eq!(history.spot(15), None);
        for number in 0..15 {
            assert_eq!(history.number(history.spot(number).unwrap()), number);
        }
        assert_eq!(history.missing(8, 12), [0, 200]);
        history.add_pages(vec![page(spans[0])], 0);
        assert_eq!(history.missing(8, 12), [200]);
        assert_eq!(history.line(9).unwrap().text, "0 9");
        assert!(history.line(10).is_none());
    }

    #[test]
    fn a_stretch_that_grew_is_read_again_and_shown_as_it_was_until_then() {
        let mut history = History::default();
        history.set_spans(vec![span(0, 100, 3)]);
        history.add_pages(vec![page(span(0, 100, 3))], 0);
        assert!(history.missing(0, 2).is_empty());
        history.set_spans(vec![span(0, 150, 5)]);
        assert_eq!(history.missing(0, 2), [0]);
        assert_eq!(history.line(2).unwrap().text, "0 2");
        assert!(history.line(4).is_none());
    }

    #[test]
    fn a_line_that_was_dropped_is_where_the_gap_is() {
        let mut history = History::default();
        history.set_spans(vec![span(0, 100, 10), span(100, 200, 10), span(200, 300, 10)]);
        let spot = history.spot(15).unwrap();
        let gap = Span { at: 100, end: 250, lines: 1, dropped: true };
        history.set_spans(vec![span(0, 100, 10), gap, span(250, 300, 4)]);
        assert_eq!(history.number(spot), 10);
        assert_eq!(history.number(Spot { at: 200, row: 7 }), 10);
        assert_eq!(gap.gap().text, "─── 150 bytes were dropped here ───");
    }

    #[test]
    fn few_pages_are_kept_those_near_what_is_shown() {
        let mut history = History::default();
        let spans: Vec<Span> = (0..20).map(|n| span(n * 10, n * 10 + 10, 2)).collect();
        history.set_spans(spans.clone());
        for span in &spans {
            history.add_pages(vec![page(*span)], 0);
        }
        assert!(history.line(0).is_some() && history.line(9).is_some());
        assert!(history.line(39).is_none());
        assert_eq!(history.pages.len(), History::PAGES);
    }
}

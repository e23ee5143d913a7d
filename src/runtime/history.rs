//! Reads the whole log of a run, for whoever goes back in it: where its lines are, pages of
//! them, and where in them a text is.
//!
//! Going through the log once, an emulator is fed with it and its screen is kept at the
//! beginning of each stretch; from there the stretch can be read again without what is before
//! it. How much memory that takes depends on the number of stretches, which hardly grows with
//! the log: later ones are larger.
//!
//! No order takes long: what is not done in a moment is asked for again. So a page that
//! somebody wants to see never waits for a search, and a search ends when nobody asks on.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use super::{Event, no_thread, panics};
use crate::cockpit::history::{Got, Match, Read, Span, Spot, Want, bytes};
use crate::cockpit::lines::{Decoder, Line, Needle, text_of};
use crate::cockpit::msg::{Done, EffectId, Msg};
use crate::conductor::{Chunk, LogReader};
use crate::failure::{Failure, Result};

/// How long one order may take, about.
const MOMENT: Duration = Duration::from_millis(150);
/// Bytes read at a time.
const PIECE: usize = 64 * 1024;
/// Least size of a stretch, in bytes and in lines, beyond which it is closed.
const LEAST: (u64, usize) = (256 * 1024, 8 * 1024);
/// About how many stretches what is before may have.
const SHARE: u64 = 128;
/// A stretch without a line break is cut when it is so many times too long.
const OVERLONG: u64 = 4;
/// Most bytes of text that are copied: terminals refuse far less.
const COPIED: usize = 1 << 20;

/// What the reader is asked for.
pub(super) struct Order {
    pub(super) id: EffectId,
    pub(super) run: String,
    pub(super) dir: PathBuf,
    pub(super) want: Want,
}

/// Starts the thread that reads.
pub(super) fn start(events: &Sender<Event>) -> Result<Sender<Order>> {
    let (orders, queue) = mpsc::channel::<Order>();
    let told = events.clone();
    panics::spawn("history", events.clone(), move || {
        let mut log = None;
        while let Ok(order) = queue.recv() {
            let result = carry_out(&mut log, &order, MOMENT);
            if told.send(Event::Msg(Msg::Done(order.id, result))).is_err() {
                return;
            }
        }
    })
    .map_err(|error| no_thread(&error))?;
    Ok(orders)
}

/// Carries an order out on the log that is open, or on the one that it wants.
fn carry_out(open: &mut Option<Log>, order: &Order, moment: Duration) -> Result<Done> {
    if order.want == Want::Nothing {
        *open = None;
        return Ok(Done::Quietly);
    }
    if open.as_ref().is_none_or(|log| log.run != order.run || log.dir != order.dir) {
        *open = Some(Log::open(order)?);
    }
    let Some(log) = open else { return Ok(Done::Quietly) };
    let until = Instant::now() + moment;
    let got = match &order.want {
        Want::Spans => log.catch_up(until).map(|()| Got::Spans),
        Want::Find { text, from, to } => log.find(&Needle::new(text), *from, *to, until),
        Want::Lines(at) => log.lines(at),
        Want::Text(from, to) => log.text(*from, *to),
        Want::Nothing => Ok(Got::Spans),
    }?;
    let (read_to, length) = (log.reader.position(), log.reader.len());
    Ok(Done::Read(Box::new(Read { run: log.run.clone(), spans: log.spans(), read_to, length, got })))
}

/// A stretch, and how to read it.
struct Stretch {
    span: Span,
    /// The screen at its beginning; `None` for what was dropped.
    screen: Option<Box<vt100::Screen>>,
    /// Whether what is on the screen at its end belongs to it, because nothing follows that
    /// could push it off.
    is_last: bool,
}

/// A log that is read.
struct Log {
    run: String,
    dir: PathBuf,
    reader: LogReader,
    /// All stretches but the one at the end.
    closed: Vec<Stretch>,
    decoder: Decoder,
    /// Where the stretch at the end begins, with which screen, and after how many lines.
    at: u64,
    screen: Box<vt100::Screen>,
    lines_before: usize,
    /// How far the decoder has come.
    fed: u64,
    /// Bytes and lines of all stretches so far: what decides how large the next one may be.
    size: (u64, usize),
}

impl Log {
    fn open(order: &Order) -> Result<Self> {
        let decoder = Decoder::new(None, false);
        Ok(Self {
            run: order.run.clone(),
            dir: order.dir.clone(),
            reader: LogReader::open(&order.dir, 0)?,
            closed: Vec::new(),
            screen: Box::new(decoder.screen().clone()),
            decoder,
            at: 0,
            lines_before: 0,
            fed: 0,
            size: (0, 0),
        })
    }

    /// Takes in what has been written, as far as there is time.
    fn catch_up(&mut self, until: Instant) -> Result<()> {
        self.forget_dropped()?;
        while self.go_on()? && Instant::now() < until {}
        Ok(())
    }

    /// Takes a piece in; tells whether there was one.
    fn go_on(&mut self) -> Result<bool> {
        match self.reader.read(PIECE)? {
            None => return Ok(false),
            Some(Chunk::Bytes(bytes)) => self.take(&bytes),
            Some(Chunk::Dropped(count)) => self.gap(count),
        }
        Ok(true)
    }

    /// Feeds output to the decoder, and closes the stretch where it has become large enough.
    fn take(&mut self, bytes: &[u8]) {
        let limit = (LEAST.0.max(self.size.0 / SHARE), LEAST.1.max(self.size.1 / SHARE as usize));
        let long = self.fed + bytes.len() as u64 - self.at;
        let lines = self.decoder.count() - self.lines_before;
        if long < limit.0 && lines < limit.1 {
            return self.feed(bytes);
        }
        // Behind a line break no sequence is under way.
        let cut = bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        let Some(cut) = cut.or((long > limit.0 * OVERLONG).then_some(bytes.len())) else {
            return self.feed(bytes);
        };
        let (first, rest) = bytes.split_at(cut);
        self.feed(first);
        self.close(false);
        self.feed(rest);
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
        self.fed += bytes.len() as u64;
    }

    /// Begins a new stretch where the decoder is.
    fn close(&mut self, is_last: bool) {
        let span = self.last_span(is_last);
        self.at = span.end;
        self.lines_before = self.decoder.count();
        self.size = (self.size.0 + span.end - span.at, self.size.1 + span.lines);
        let screen = std::mem::replace(&mut self.screen, Box::new(self.decoder.screen().clone()));
        if span.end > span.at {
            self.closed.push(Stretch { span, screen: Some(screen), is_last });
        }
    }

    /// The stretch at the end.
    fn last_span(&self, with_screen: bool) -> Span {
        let on_screen = if with_screen { self.decoder.on_screen().len() } else { 0 };
        let lines = self.decoder.count() - self.lines_before + on_screen;
        // What has had no effect yet belongs to what comes next.
        Span { at: self.at, end: self.fed - self.decoder.held() as u64, lines, dropped: false }
    }

    /// Here is something missing: what was on the screen stays, what comes begins anew.
    fn gap(&mut self, count: u64) {
        self.close(true);
        self.begin_behind(self.fed..self.fed + count);
    }

    /// Begins anew behind what is missing.
    fn begin_behind(&mut self, missing: Range<u64>) {
        let mut span = Span { at: missing.start, end: missing.end, lines: 1, dropped: true };
        // Next to another gap it is one.
        if let Some(before) = self.closed.pop_if(|before| before.span.dropped && before.span.end == span.at) {
            span.at = before.span.at;
        }
        self.closed.push(Stretch { span, screen: None, is_last: false });
        self.decoder = Decoder::new(None, false);
        self.screen.as_mut().clone_from(self.decoder.screen());
        (self.at, self.fed, self.lines_before) = (span.end, span.end, 0);
    }

    /// Makes one gap of the stretches whose bytes are no longer there.
    fn forget_dropped(&mut self) -> Result<()> {
        let parts = self.reader.parts()?;
        self.forget_closed(&parts);
        if self.fed > self.at && !is_there(&parts, self.last_span(false)) {
            // What is left of the stretch at the end is read again.
            let mut from = self.fed;
            for part in parts.iter().rev().filter(|part| part.start < self.fed) {
                from = if part.end >= from { part.start.min(from) } else { break };
            }
            self.begin_behind(self.at..from.max(self.at));
            self.reader = LogReader::open(&self.dir, self.at)?;
        }
        Ok(())
    }

    fn forget_closed(&mut self, parts: &[Range<u64>]) {
        if self.closed.iter().all(|stretch| stretch.span.dropped || is_there(parts, stretch.span)) {
            return;
        }
        let mut kept: Vec<Stretch> = Vec::with_capacity(self.closed.len());
        for mut stretch in self.closed.drain(..) {
            if !stretch.span.dropped && is_there(parts, stretch.span) {
                kept.push(stretch);
            } else if let Some(gap) = kept.last_mut().filter(|last| last.span.dropped) {
                gap.span.end = stretch.span.end;
            } else {
                stretch.span = Span { lines: 1, dropped: true, ..stretch.span };
                kept.push(Stretch { screen: None, is_last: false, ..stretch });
            }
        }
        self.closed = kept;
    }

    fn spans(&self) -> Vec<Span> {
        let closed = self.closed.iter().map(|stretch| stretch.span);
        closed.chain(Some(self.last_span(true)).filter(|span| span.lines > 0)).collect()
    }

    /// Reads the lines of the stretch that begins here.
    fn read(&self, at: u64) -> Result<Option<(Span, Vec<Line>)>> {
        let closed = self.closed.iter().find(|stretch| stretch.span.at == at);
        let (span, screen, is_last) = match closed {
            Some(Stretch { span, screen: None, .. }) => return Ok(Some((*span, vec![span.gap()]))),
            Some(Stretch { span, screen: Some(screen), is_last }) => (*span, screen, *is_last),
            None if at == self.at => (self.last_span(true), &self.screen, true),
            None => return Ok(None),
        };
        let mut decoder = Decoder::new(Some(screen), true);
        let mut reader = LogReader::open(&self.dir, span.at)?;
        while reader.position() < span.end {
            let rest = usize::try_from(span.end - reader.position()).unwrap_or(PIECE);
            match reader.read(rest.min(PIECE))? {
                Some(Chunk::Bytes(bytes)) => decoder.feed(&bytes),
                // Dropped since; the next look at the log says so.
                Some(Chunk::Dropped(_)) | None => break,
            }
        }
        let mut lines = decoder.take();
        if is_last {
            lines.extend(decoder.on_screen());
        }
        lines.resize_with(span.lines, Line::default);
        Ok(Some((span, lines)))
    }

    fn lines(&self, at: &[u64]) -> Result<Got> {
        let pages: Result<Vec<_>> = at.iter().filter_map(|at| self.read(*at).transpose()).collect();
        pages.map(Got::Lines)
    }

    /// Where every stretch begins.
    fn starts(&self) -> Vec<u64> {
        self.closed.iter().map(|stretch| stretch.span.at).chain([self.at]).collect()
    }

    /// Looks for a text in the stretches from `from` on, as far as there is time.
    fn find(&mut self, needle: &Needle, mut from: u64, to: Option<u64>, until: Instant) -> Result<Got> {
        let to = to.unwrap_or_else(|| self.reader.len());
        let mut matches = Vec::new();
        loop {
            let next = self.closed.partition_point(|stretch| stretch.span.at < from);
            let at = match self.closed.get(next).map(|stretch| stretch.span.at) {
                Some(at) => at,
                None if self.reader.position() < to && self.go_on()? => continue,
                None => self.at,
            };
            if let Some((span, lines)) = self.read(at)?.filter(|(span, _)| !span.dropped) {
                let found = needle.find_in(&lines).into_iter();
                matches.extend(found.map(|(row, start, length)| Match {
                    spot: Spot { at: span.at, row },
                    start,
                    length,
                }));
            }
            match self.closed.get(next) {
                None => return Ok(Got::Found(matches, None)),
                Some(stretch) => from = stretch.span.end,
            }
            if Instant::now() >= until {
                return Ok(Got::Found(matches, Some((from, to))));
            }
        }
    }

    fn text(&self, from: Spot, to: Spot) -> Result<Got> {
        let (mut all, mut size) = (Vec::new(), 0);
        for at in self.starts().into_iter().filter(|at| (from.at..=to.at).contains(at)) {
            let Some((span, lines)) = self.read(at)? else { continue };
            let first = if span.at == from.at { from.row } else { 0 };
            let end = if span.at == to.at { to.row + 1 } else { lines.len() };
            for line in lines.into_iter().take(end).skip(first) {
                size += line.text.len() + 1;
                all.push(line);
            }
            if size > COPIED {
                let most = bytes(COPIED as u64);
                return Err(Failure::new(
                    "copying the selected lines",
                    format!("they are more than {most}, which is too much for a terminal"),
                    format!("select fewer, or let flightdeck run log {} print them", self.run),
                ));
            }
        }
        Ok(Got::Text(text_of(&all)))
    }
}

/// Tells whether all bytes of a stretch are there.
fn is_there(parts: &[Range<u64>], span: Span) -> bool {
    let mut from = span.at;
    for part in parts {
        if part.start <= from && from < part.end {
            from = part.end;
        }
    }
    from >= span.end
}

#[cfg(test)]
mod tests;

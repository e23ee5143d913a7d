//! What verbs print: the result on stdout, progress and errors on stderr.
//!
//! Text from outside is made visible on its way out, colours go to terminals only, and a
//! reader that goes away ends the verb quietly.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::text::mask::Masker;
use crate::text::{is_plain, visible, visible_lines};

/// Both streams of a verb, and whether they take colours.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whether stdout is a terminal.
    pub(crate) terminal: bool,
    /// Whether stdout takes colours.
    pub(crate) colour: bool,
    /// Whether stderr takes colours.
    pub(crate) colour_err: bool,
    /// The reader of stdout went away: there is nobody left to tell.
    reader_gone: Cell<bool>,
    /// Stdout is for JSON: other results are told on stderr.
    only_json: Cell<bool>,
    /// What goes to nobody's terminal is kept here.
    kept: Option<RefCell<Kept>>,
    /// Masks everything from when it is known.
    masker: RefCell<Option<Masker>>,
}

/// What a verb printed for whoever called it in this process.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The result.
    pub(crate) result: Vec<u8>,
    /// What was told beside it, line by line.
    pub(crate) told: String,
}

impl Output {
    /// Looks at the streams and at `NO_COLOR` and `TERM`.
    pub(crate) fn of_process() -> Self {
        let wanted = wants_colour(
            std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            std::env::var("TERM").ok().as_deref(),
        );
        let terminal = io::stdout().is_terminal();
        Self {
            terminal,
            colour: wanted && terminal,
            colour_err: wanted && io::stderr().is_terminal(),
            reader_gone: Cell::new(false),
            only_json: Cell::new(false),
            kept: None,
            masker: RefCell::default(),
        }
    }

    /// Keeps both streams.
    pub(crate) fn kept() -> Self {
        Self {
            terminal: false,
            colour: false,
            colour_err: false,
            reader_gone: Cell::new(false),
            only_json: Cell::new(false),
            kept: Some(RefCell::default()),
            masker: RefCell::default(),
        }
    }

    /// What was kept so far.
    pub(crate) fn take(&self) -> Kept {
        self.kept.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// From now on what is printed and told is masked.
    pub(crate) fn mask_with(&self, masker: Masker) {
        *self.masker.borrow_mut() = Some(masker);
    }

    fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.masker.borrow().as_ref().map_or(Cow::Borrowed(text), |masker| masker.mask(text))
    }

    /// From now on only JSON goes to stdout; lines of results are told on stderr.
    pub(crate) fn only_json(&self) {
        self.only_json.set(true);
    }

    /// Tells whether the reader of stdout went away.
    pub(crate) fn reader_is_gone(&self) -> bool {
        self.reader_gone.get()
    }

    /// Prints one line; a line break in it is shown as `⏎`.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        if self.only_json.get() {
            self.tell(text);
            return Ok(());
        }
        self.put(&format!("{}\n", visible(text)))
    }

    /// Prints text of several lines, the last with or without its end.
    pub(crate) fn lines(&self, text: &str) -> Result<()> {
        let text = visible_lines(text);
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        self.put(&format!("{text}{end}"))
    }

    /// Prints a value as JSON on one line.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|e| cannot_write(&e))?;
        self.put(&format!("{}\n", escaped(&text)))
    }

    /// Prints a value as indented JSON. It is written as it is made: a long timeline is never in
    /// memory as a whole.
    pub(crate) fn json<T: Serialize>(&self, value: &T) -> Result<()> {
        if self.masker.borrow().is_some() {
            // A secret is looked for in all of it.
            let text = serde_json::to_string_pretty(value).map_err(|error| cannot_write(&error))?;
            return self.put(&format!("{}\n", escaped(&text)));
        }
        let mut out = Escaping(io::BufWriter::new(self.writer()));
        serde_json::to_writer_pretty(&mut out, value)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())
            .map_err(|error| cannot_write(&error))
    }

    /// Prints text that is already fit to be shown: sanitised by whoever made it, and styled
    /// only if [`Output::colour`] is set.
    pub(crate) fn put(&self, text: &str) -> Result<()> {
        let (text, mut out) = (self.masked(text), self.writer());
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| cannot_write(&e))
    }

    /// Stdout for what writes bytes by itself, like an export.
    pub(crate) fn writer(&self) -> impl Write {
        Stdout { out: io::stdout(), reader_gone: &self.reader_gone, kept: self.kept.as_ref() }
    }

    /// Tells something on stderr that is not the result: progress, or which incident was
    /// taken. A closed stderr is nobody's loss.
    pub(crate) fn tell(&self, text: &str) {
        self.put_beside(&format!("{}\n", visible_lines(text)));
    }

    fn put_beside(&self, text: &str) {
        let text = self.masked(text);
        match &self.kept {
            Some(kept) => kept.borrow_mut().told.push_str(&text),
            None => drop(io::stderr().write_all(text.as_bytes())),
        }
    }

    /// Prints what the parser has to say: help on stdout, or what is wrong with the command
    /// line on stderr.
    pub(crate) fn usage(&self, error: &clap::Error) -> ExitCode {
        let styled = error.render();
        let text = match (error.use_stderr(), self.colour, self.colour_err) {
            (false, true, _) | (true, _, true) => with_escapes(&styled.ansi().to_string()),
            _ => visible_lines(&styled.to_string()).into_owned(),
        };
        let printed = if error.use_stderr() {
            io::stderr().write_all(text.as_bytes())
        } else {
            self.writer().write_all(text.as_bytes())
        };
        match printed {
            Err(_) if !error.use_stderr() => ExitCode::FAILURE,
            _ => ExitCode::from(error.exit_code() as u8),
        }
    }

    /// Prints a failure on stderr: `error: doing: cause`, and what to do on the next line.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.put_beside(&shown(failure, self.colour_err));
    }
}

/// Tells whether colours are wanted at all: `NO_COLOR` not set, and a terminal that has them.
fn wants_colour(no_color: bool, term: Option<&str>) -> bool {
    !no_color && term.is_some_and(|term| !term.is_empty() && term != "dumb")
}

fn cannot_write(error: &dyn std::fmt::Display) -> Failure {
    Failure::new("writing to the standard output", error, "what was to be done before is done")
}

/// A failure as it is printed, with its line ends.
fn shown(failure: &Failure, colour: bool) -> String {
    let (red, dim, off) = if colour { ("\x1b[1;31m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let doing = visible(&failure.doing);
    let cause = indented(&failure.cause);
    let mut text = format!("{red}error{off}: {doing}: {cause}\n");
    if !failure.hint.is_empty() {
        let _ = writeln!(text, "  {dim}→{off} {}", indented(&failure.hint));
    }
    text
}

/// Text styled by the parser, which quotes the command line: its own escapes stay, other
/// controls are made visible.
fn with_escapes(text: &str) -> String {
    let pieces: Vec<_> = text.split("\x1b[").collect();
    let cleaned: Vec<_> = pieces
        .iter()
        .enumerate()
        .map(|(i, piece)| match piece.split_once('m') {
            Some((style, rest)) if i > 0 && style.bytes().all(|b| b.is_ascii_digit() || b == b';') => {
                format!("\x1b[{style}m{}", visible_lines(rest))
            }
            _ if i > 0 => format!("<U+001B>[{}", visible_lines(piece)),
            _ => visible_lines(piece).into_owned(),
        })
        .collect();
    cleaned.concat()
}

/// Several lines, those after the first set in so that they read as one piece.
fn indented(text: &str) -> String {
    visible_lines(text.trim_end()).replace('\n', "\n    ")
}

/// JSON in which nothing that could deceive stands as it is: it is escaped, so that who
/// parses it still gets the very text.
pub(crate) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_plain(c) || c == '\n' {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// Escapes the JSON that is written to it, which comes in whole characters.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let json = std::str::from_utf8(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let plain = json.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte));
        if plain { self.0.write_all(bytes) } else { self.0.write_all(escaped(json).as_bytes()) }?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Stdout that remembers when its reader has gone; or what is kept in its place.
struct Stdout<'a> {
    out: io::Stdout,
    reader_gone: &'a Cell<bool>,
    kept: Option<&'a RefCell<Kept>>,
}

impl Stdout<'_> {
    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.reader_gone.set(true);
        }
        result
    }
}

impl Write for Stdout<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(kept) = self.kept {
            return kept.borrow_mut().result.write(bytes);
        }
        let result = self.out.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.noted(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_have_them() {
        assert!(wants_colour(false, Some("xterm-256color")));
        assert!(!wants_colour(true, Some("xterm-256color")));
        assert!(!wants_colour(false, Some("dumb")));
        assert!(!wants_colour(false, None));
    }

    #[test]
    fn a_failure_reads_as_error_and_hint() {
        let failure = Failure::new("reading a\u{1b}[31m file", "no such file\nor none", "make it");
        assert_eq!(
            shown(&failure, false),
            "error: reading a<U+001B>[31m file: no such file\n    or none\n  → make it\n"
        );
        assert!(shown(&failure, true).starts_with("\x1b[1;31merror\x1b[0m: "));
    }

    #[test]
    fn json_keeps_its_text_and_shows_nothing_that_deceives() {
        let mut out = Escaping(Vec::new());
        serde_json::to_writer(&mut out, "a\u{202E}b\u{E0041}é").unwrap();
        let text = String::from_utf8(out.0).unwrap();
        assert_eq!(text, "\"a\\u202eb\\udb40\\udc41é\"");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), "a\u{202E}b\u{E0041}é");
    }
}

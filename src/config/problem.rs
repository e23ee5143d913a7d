//! A mistake in a file somebody wrote: where it is, what is wrong, what was probably meant.

use crate::text::nearest;
use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::failure::Failure;
use crate::text::address::{MARK, secrets_in_settings, without_credentials};
use crate::text::{visible, visible_lines};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes of the file.
    pub span: Range<usize>,
    /// What is wrong, one line.
    pub message: String,
    /// What stands under the caret; may be empty.
    pub label: String,
    /// What to write instead; may be empty.
    pub help: String,
    /// Another place that belongs to it, with what is said about it.
    pub other: Option<(Range<usize>, String)>,
    /// It may be right all the same, somewhere else or later.
    pub is_warning: bool,
}

impl Problem {
    /// Makes a problem of a place and what is wrong there.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        let (message, label, help) = (message.into(), String::new(), String::new());
        Self { span, message, label, help, other: None, is_warning: false }
    }

    /// Makes it a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.is_warning = true;
        self
    }

    /// Says something under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Points at another place as well.
    #[must_use]
    pub fn other(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.other = Some((span, label.into()));
        self
    }

    /// Puts the nearest of the known names under the caret, or the list of them below.
    #[must_use]
    pub fn suggest<'a>(self, written: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.collect();
        match nearest(written, &known) {
            Some(name) => self.label(format!("did you mean `{name}`?")),
            None if known.is_empty() => self,
            None => self.help(format!("known here: {}", known.join(", "))),
        }
    }
}

/// A file with mistakes in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What the file is called when it is talked about: `flightdeck.toml`.
    pub name: String,
    /// Its content.
    pub source: String,
    /// The mistakes, in the order of the file; at least one.
    pub problems: Vec<Problem>,
}

impl Invalid {
    /// Puts the problems in the order of the file.
    pub fn new(name: &str, source: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        Self { name: name.to_owned(), source: source.to_owned(), problems }
    }

    /// All problems with line, column, the line itself and a caret: plain ASCII, or styled
    /// for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let shown = Shown::new(&self.source);
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(120);
        let name = visible(&self.name);
        let blocks: Vec<String> =
            self.problems.iter().map(|problem| renderer.render(&[group(problem, &name, &shown)])).collect();
        blocks.join("\n\n")
    }

    /// One line a problem: `flightdeck.toml:12:3: unknown key ...`.
    pub fn lines(&self) -> Vec<String> {
        self.problems.iter().map(|problem| self.line(problem)).collect()
    }

    fn line(&self, problem: &Problem) -> String {
        let (line, column) = position(&self.source, problem.span.start);
        let more: Vec<&str> =
            [problem.label.as_str(), &problem.help].into_iter().filter(|t| !t.is_empty()).collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
        let warning = if problem.is_warning { "warning: " } else { "" };
        let text = format!("{}:{line}:{column}: {warning}{}{more}", self.name, problem.message);
        visible(&without_credentials(&text)).into_owned()
    }

    /// `1 problem`, or `3 problems, 1 warning`.
    pub fn count(&self) -> String {
        let warnings = self.problems.iter().filter(|problem| problem.is_warning).count();
        let all = [(self.problems.len() - warnings, "problem"), (warnings, "warning")];
        let counted = all.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| match n {
            1 => format!("1 {what}"),
            n => format!("{n} {what}s"),
        });
        counted.collect::<Vec<_>>().join(", ")
    }

    /// Tells whether there is nothing but warnings.
    pub fn is_usable(&self) -> bool {
        self.problems.iter().all(|problem| problem.is_warning)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}", self.count(), self.render(false))
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        let doing = format!("reading {}", visible(&invalid.name));
        Self::usage(doing, &invalid, "correct the file; until then flightdeck ignores all of it")
    }
}

fn group<'a>(problem: &'a Problem, name: &'a str, shown: &'a Shown) -> Group<'a> {
    let primary = AnnotationKind::Primary.span(shown.span(&problem.span));
    let label = (!problem.label.is_empty()).then(|| told(&problem.label));
    let mut snippet = Snippet::source(&shown.text).path(name).annotation(primary.label(label));
    if let Some((span, label)) = &problem.other {
        snippet = snippet.annotation(AnnotationKind::Context.span(shown.span(span)).label(told(label)));
    }
    let level = if problem.is_warning { Level::WARNING } else { Level::ERROR };
    let group = level.primary_title(told(&problem.message)).element(snippet);
    if problem.help.is_empty() {
        group
    } else {
        let help = without_credentials(&problem.help);
        group.element(Level::HELP.message(visible_lines(&help).into_owned()))
    }
}

fn told(text: &str) -> String {
    visible(&without_credentials(text)).into_owned()
}

/// A source made fit to be shown, without what may be a secret, and where each byte of the original
/// went.
struct Shown {
    text: String,
    /// Original and shown offset of each character boundary where the two drift apart.
    drift: Vec<(usize, usize)>,
}

impl Shown {
    fn new(source: &str) -> Self {
        let mut text = String::with_capacity(source.len());
        let mut drift = Vec::new();
        let hidden = secrets_in_settings(source);
        let mut hidden = hidden.iter().peekable();
        for (at, c) in source.char_indices() {
            let mut buffer = [0; 4];
            while hidden.next_if(|part| part.end <= at).is_some() {}
            match hidden.peek() {
                // Lines keep their numbers.
                Some(part) if part.contains(&at) && c != '\n' => {
                    if part.start == at {
                        text.push_str(MARK);
                    }
                }
                _ => text.push_str(&visible_lines(c.encode_utf8(&mut buffer))),
            }
            let (from, to) = (at + c.len_utf8(), text.len());
            if drift.last().map_or(from != to, |&(a, b): &(usize, usize)| from + b != to + a) {
                drift.push((from, to));
            }
        }
        Self { text, drift }
    }

    fn at(&self, offset: usize) -> usize {
        let before = self.drift.partition_point(|&(from, _)| from <= offset);
        let shown = match before.checked_sub(1).map(|i| self.drift[i]) {
            Some((from, to)) => to + (offset - from),
            None => offset,
        };
        let mut shown = shown.min(self.text.len());
        while !self.text.is_char_boundary(shown) {
            shown -= 1;
        }
        shown
    }

    fn span(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.at(span.start);
        let end = self.at(span.end).max(start);
        // A caret over several lines says less than one under the first of them.
        let first_line = self.text.get(start..end).and_then(|text| text.find('\n')).map(|n| start + n);
        start..first_line.unwrap_or(end)
    }
}

/// Line and column of a byte offset, both from 1; the column counts characters.
pub fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset.min(source.len())).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_with_line_column_and_caret() {
        let source = "[service]\nname = \"x\"\nport = 1\n";
        let invalid = Invalid::new(
            "flightdeck.toml",
            source,
            vec![Problem::new(21..25, "unknown key `port`").label("did you mean `name`?")],
        );
        let text = invalid.render(false);
        assert!(text.contains("error: unknown key `port`"), "{text}");
        assert!(text.contains("flightdeck.toml:3:1"), "{text}");
        assert!(text.contains("^^^^ did you mean `name`?"), "{text}");
        assert!(text.is_ascii(), "{text}");
        assert_eq!(invalid.lines(), ["flightdeck.toml:3:1: unknown key `port` (did you mean `name`?)"]);
    }

    #[test]
    fn the_caret_stays_right_behind_characters_that_are_made_visible() {
        let source = "a = \"\u{202E}\" # é\u{200B}\nb = 1\n";
        let at = source.find("b = 1").unwrap();
        let invalid =
            Invalid::new("x", source, vec![Problem::new(at..at + 1, "no"), Problem::new(4..9, "bidi")]);
        let text = invalid.render(false);
        assert!(!text.contains('\u{202E}') && text.contains("<U+202E>"), "{text}");
        assert!(text.contains("x:2:1"), "{text}");
        assert!(text.contains("|     ^^^^^^^^^^\n"), "the caret covers the mark: {text}");
    }

    #[test]
    fn colour_is_only_there_when_asked_for() {
        let invalid = Invalid::new("x", "a\n", vec![Problem::new(0..1, "no")]);
        assert!(invalid.render(true).contains('\u{1b}'));
        assert!(!invalid.render(false).contains('\u{1b}'));
    }

    #[test]
    fn names_are_only_suggested_when_near() {
        let known = ["environments", "checks", "probes", "checklist"];
        assert_eq!(nearest("environmets", &known), Some("environments"));
        assert_eq!(nearest("probe", &known), Some("probes"));
        assert_eq!(nearest("env", &known), Some("environments"));
        assert_eq!(nearest("check", &known), Some("checks"));
        assert_eq!(nearest("notify", &known), None);
    }

    #[test]
    fn what_may_be_a_secret_is_in_no_form_of_a_problem() {
        let source = "url = \"https://maya:hunter22@x.test/h?token=abcd1234\"\npassword = \"hunter22\"\n";
        let at = source.find("password").unwrap();
        let problems = vec![
            Problem::new(6..52, "the address https://maya:hunter22@x.test is none")
                .label("https://h/?k=hunter22")
                .help("not https://hooks.slack.com/services/hunter22"),
            Problem::new(at..at + 8, "unknown key `password`").other(6..52, "see https://u:hunter22@h"),
        ];
        let invalid = Invalid::new("flightdeck.toml", source, problems);
        for text in
            [invalid.render(false), invalid.render(true), invalid.to_string(), invalid.lines().join("\n")]
        {
            assert!(!text.contains("hunter22") && !text.contains("abcd1234"), "{text}");
        }
        let text = invalid.render(false);
        assert!(
            text.contains("https://…@x.test/h?token=…") && text.contains("flightdeck.toml:2:1"),
            "{text}"
        );
        assert!(text.contains("^^^^^^^^"), "the caret is there: {text}");
    }

    #[test]
    fn a_place_at_or_past_the_end_is_shown_too() {
        for span in [0..0, 2..2, 3..9, 100..200] {
            let invalid = Invalid::new("x", "é\n", vec![Problem::new(span, "cut short")]);
            assert!(invalid.render(false).contains("cut short"));
        }
    }
}

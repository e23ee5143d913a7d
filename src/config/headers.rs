//! `[environments]` where `[[environments]]` is meant. The mistake is said once, and the rest of the file
//! is checked as if it had been written right: else each second table would be a duplicate key, and each
//! key in it unknown.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;
use toml_parser::Source;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};

use super::problem::Problem;
use super::shape::{is_list_of_tables, resolve};

/// How deep it is looked into values, in which no header stands.
const DEEPEST: u32 = 80;

/// A file with its lists written as lists.
pub(super) struct Corrected<'s> {
    /// The text to go on with.
    pub(super) text: Cow<'s, str>,
    /// What was wrong, in places of the file itself.
    pub(super) problems: Vec<Problem>,
    /// Places in the text of brackets that are not in the file, in order.
    added: Vec<usize>,
}

impl Corrected<'_> {
    /// Moves a problem from its place in the text to the one in the file.
    pub(super) fn in_file(&self, mut problem: Problem) -> Problem {
        let moved = |at: usize| at - self.added.partition_point(|added| *added < at);
        let span = |span: Range<usize>| moved(span.start)..moved(span.end);
        problem.span = span(problem.span);
        problem.other = problem.other.map(|(place, label)| (span(place), label));
        problem
    }
}

/// The header of a table: `[a.b]`, or `[[a.b]]`.
struct Header {
    path: Vec<String>,
    span: Range<usize>,
    double: bool,
}

/// Writes headers with one bracket as those of lists, where the schema has a list there.
pub(super) fn correct<'s>(source: &'s str, schema: &Value) -> Corrected<'s> {
    let headers = headers(source);
    let doubled: BTreeSet<&[String]> =
        headers.iter().filter(|header| header.double).map(|header| header.path.as_slice()).collect();
    // `[environments.production]` with nothing of a list before it: a table by name, which is said of the
    // whole.
    let by_name: BTreeSet<&[String]> = headers
        .iter()
        .filter_map(|header| named_entry(schema, &header.path))
        .filter(|list| !doubled.contains(list))
        .collect();
    let wrong = |header: &&Header| {
        !header.double && !by_name.contains(header.path.as_slice()) && is_list(schema, &header.path)
    };
    let (mut text, mut added, mut problems, mut done) =
        (String::new(), Vec::new(), Vec::<(&[String], Problem)>::new(), 0);
    for header in headers.iter().filter(wrong) {
        for (at, bracket) in [(header.span.start, '['), (header.span.end, ']')] {
            text.push_str(source.get(done..at).unwrap_or_default());
            added.push(text.len());
            text.push(bracket);
            done = at;
        }
        match problems.iter_mut().find(|(path, _)| *path == header.path) {
            Some((_, problem)) if problem.other.is_none() => {
                problem.other = Some((header.span.clone(), "and here".to_owned()));
            }
            Some(_) => {}
            None => problems.push((&header.path, Problem::new(header.span.clone(), message(&header.path)))),
        }
    }
    let problems = problems.into_iter().map(|(_, problem)| problem).collect();
    if added.is_empty() {
        return Corrected { text: Cow::Borrowed(source), problems, added };
    }
    text.push_str(source.get(done..).unwrap_or_default());
    Corrected { text: Cow::Owned(text), problems, added }
}

/// What is said of a list that is not written as one.
pub(super) fn message(path: &[String]) -> String {
    format!("write [[{}]]: it is a list", path.join("."))
}

fn headers(source: &str) -> Vec<Header> {
    let source = Source::new(source);
    let tokens = source.lex().into_vec();
    let mut found: Vec<Header> = Vec::new();
    let mut open: Option<Header> = None;
    let mut take = |event: Event| {
        let span = event.span();
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                let double = event.kind() == EventKind::ArrayTableOpen;
                open = Some(Header { path: Vec::new(), span: span.start()..span.end(), double });
            }
            EventKind::SimpleKey => {
                if let (Some(header), Some(raw)) = (&mut open, source.get(event)) {
                    let mut key = Cow::Borrowed("");
                    raw.decode_key(&mut key, &mut ());
                    header.path.push(key.into_owned());
                }
            }
            EventKind::StdTableClose | EventKind::ArrayTableClose => {
                if let Some(mut header) = open.take() {
                    header.span.end = span.end();
                    found.push(header);
                }
            }
            _ => {}
        }
    };
    let mut guarded = RecursionGuard::new(&mut take, DEEPEST);
    parse_document(&tokens, &mut guarded, &mut ());
    found
}

/// Tells whether the schema has a list of tables at a path.
fn is_list(schema: &Value, path: &[String]) -> bool {
    let mut at = schema;
    for key in path {
        let Some(next) = step(schema, at, key) else { return false };
        at = next;
    }
    is_list_of_tables(schema, at)
}

/// The path of a list, where what follows is no key of its entries but may be the name of one.
fn named_entry<'p>(schema: &Value, path: &'p [String]) -> Option<&'p [String]> {
    let mut at = schema;
    for (index, key) in path.iter().enumerate() {
        match step(schema, at, key) {
            Some(next) => at = next,
            None => return is_list_of_tables(schema, at).then(|| path.get(..index)).flatten(),
        }
    }
    None
}

/// The schema below a key; of a list, below the key of an entry.
fn step<'s>(root: &'s Value, at: &'s Value, key: &str) -> Option<&'s Value> {
    let mut at = resolve(root, at);
    if is_list_of_tables(root, at) {
        at = resolve(root, &at["items"]);
    }
    at["properties"].get(key)
}

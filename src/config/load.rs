//! Reads `flightdeck.toml` into typed values, or says everything that is wrong with it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::DeTable;

use super::problem::{Invalid, Problem};
use super::types::{Config, FlowFrom};
use super::{check, headers, shape};
use crate::failure::{Failure, Result};
use crate::incident::Hash;
use crate::text::{nesting, visible};

/// Name of the file at the root of a repository.
pub const FILE: &str = "flightdeck.toml";

/// Most bytes a file may have. Far more than anybody writes by hand.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration, and the digest of the very bytes it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What the file says.
    pub config: Config,
    /// The file, with symbolic links resolved.
    pub path: PathBuf,
    /// SHA-256 of its content as parsed.
    pub hash: Hash,
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The file could not be read.
    Unreadable(Failure),
    /// It has mistakes in it.
    Invalid(Invalid),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unreadable(failure) => failure,
            Refused::Invalid(invalid) => invalid.into(),
        }
    }
}

/// Reads the configuration of the repository whose work tree begins at `root`; `None` where
/// there is no file. What is wrong with it is in the failure, with lines and carets.
pub fn load(root: &Path) -> Result<Option<Loaded>> {
    read(root).map_err(Failure::from)
}

/// Does the same as [`load`], and keeps mistakes apart so that they can be rendered in colour.
///
/// # Errors
/// The file cannot be read, or has mistakes in it.
pub fn read(root: &Path) -> Result<Option<Loaded>, Refused> {
    Ok(read_with_text(root)?.map(|(loaded, _)| loaded))
}

/// Does the same as [`read`], and hands the text of the file over with it.
///
/// # Errors
/// The file cannot be read, or has mistakes in it.
pub fn read_with_text(root: &Path) -> Result<Option<(Loaded, String)>, Refused> {
    let path = root.join(FILE);
    let Some(bytes) = bytes(&path).map_err(Refused::Unreadable)? else { return Ok(None) };
    let hash = Hash::of(&bytes);
    let config = Config { content: hash.to_string(), ..parse(&bytes).map_err(Refused::Invalid)? };
    let path = path.canonicalize().map_err(|error| Refused::Unreadable(unreadable(&path, error)))?;
    // What was parsed is UTF-8.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Some((Loaded { config, path, hash }, text)))
}

/// Tells whether the file of the repository still has the content that a configuration was read from.
///
/// # Errors
/// The file cannot be read.
pub fn is_current(root: &Path, content: &str) -> Result<bool> {
    let bytes = bytes(&root.join(FILE))?;
    Ok(bytes.map_or_else(String::new, |bytes| Hash::of(&bytes).to_string()) == content)
}

/// Parses and checks the content of a `flightdeck.toml`.
///
/// # Errors
/// All mistakes found, each with its place.
pub fn parse(bytes: &[u8]) -> Result<Config, Invalid> {
    let mut config: Config = typed(FILE, bytes, check::check)?;
    config.hotfix.written = written(bytes).unwrap_or_default();
    if config.hotfix.written.contains("flow") {
        config.hotfix.flow_from = FlowFrom::File;
    }
    Ok(config)
}

/// The keys that a file has below `[hotfix]`.
fn written(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let tree = DeTable::parse(std::str::from_utf8(bytes).ok()?).ok()?;
    let hotfix = tree.get_ref().get("hotfix")?.get_ref().as_table()?;
    Some(hotfix.keys().map(|key| key.get_ref().to_string()).collect())
}

/// The JSON schema of `flightdeck.toml`.
pub fn schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

/// Reads a file of bounded size; `None` where there is none.
pub(crate) fn bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    // A pipe or device in place of the file would block whoever opens it.
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(unreadable(path, "it is not a file")),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(path, format_args!("it is larger than {} KiB", MAX_BYTES / 1024)));
    }
    Ok(Some(bytes))
}

fn unreadable(path: &Path, cause: impl std::fmt::Display) -> Failure {
    let doing = format!("reading {}", visible(&path.display().to_string()));
    Failure::usage(doing, cause, "make it a file you can read, or remove it")
}

/// Parses TOML into a type: syntax first, then everything its schema and `meaning` object to.
pub(super) fn typed<T: DeserializeOwned + JsonSchema>(
    name: &str,
    bytes: &[u8],
    meaning: impl Fn(&DeTable<'_>) -> Vec<Problem>,
) -> Result<T, Invalid> {
    let source = match std::str::from_utf8(bytes) {
        Ok(source) => source,
        Err(error) => return Err(not_text(name, bytes, error.valid_up_to())),
    };
    if let Some(at) = nesting::too_deep(source) {
        let problem = Problem::new(at..at + 1, format!("this nests deeper than {} levels", nesting::MOST));
        return Err(Invalid::new(name, source, vec![problem]));
    }
    let schema = schemars::schema_for!(T).to_value();
    let corrected = headers::correct(source, &schema);
    let (tree, errors) = DeTable::parse_recoverable(&corrected.text);
    let mut found = syntax(&corrected.text, errors);
    if found.is_empty() {
        found = shape::check(tree.get_ref(), tree.span(), &schema);
        found.extend(meaning(tree.get_ref()));
    }
    let mut problems: Vec<Problem> = found.into_iter().map(|problem| corrected.in_file(problem)).collect();
    problems.extend(corrected.problems);
    if !problems.is_empty() {
        return Err(Invalid::new(name, source, problems));
    }
    toml::from_str(source).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Invalid::new(name, source, vec![Problem::new(span, error.message())])
    })
}

/// Syntax errors, one a line: after the first the parser is only guessing on.
fn syntax(source: &str, errors: Vec<toml::de::Error>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut last_line = 0;
    for error in errors {
        let span = error.span().unwrap_or(source.len()..source.len());
        let (line, _) = super::problem::position(source, span.start);
        if line != last_line {
            let message = error.message().lines().next().unwrap_or_default();
            problems.push(Problem::new(span, message));
        }
        last_line = line;
    }
    problems
}

fn not_text(name: &str, bytes: &[u8], at: usize) -> Invalid {
    let source = String::from_utf8_lossy(bytes);
    let span = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
    Invalid::new(name, &source, vec![Problem::new(span, "this is not UTF-8 text")])
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "deploy_tests.rs"]
mod deploy_tests;

#[cfg(test)]
#[path = "policy_tests.rs"]
mod policy_tests;

//! Applies the prepared fix of a drill and commits it, for those who only want to look
//! around.

use std::collections::BTreeMap;
use std::path::Path;

use super::git;
use super::place::Place;
use super::scenario::{Edited, Scenario};
use crate::failure::{Failure, Result};
use crate::text::visible;

const DOING: &str = "applying the prepared fix of the drill";

/// What the fix became.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Applied {
    /// The branch it is on.
    pub branch: String,
    /// Its commit, full.
    pub commit: String,
    /// First line of its message.
    pub subject: String,
    /// The files it changes.
    pub files: Vec<String>,
}

/// Applies the fix in the drill that a directory is inside of, and commits it on the
/// current branch.
///
/// # Errors
/// There is no drill; no hotfix branch was started; the fix is there already; or a file was
/// changed so that it does not fit any more. Nothing is changed then.
pub fn apply(from: &Path) -> Result<Applied> {
    let place = Place::find(from)?;
    let scenario = Scenario::find(Some(&place.scenario))?;
    let branch = branch(&place.repo, &scenario)?;
    let texts = edited(&place.repo, &scenario)?;
    let files: Vec<String> = texts.keys().map(|file| (*file).to_owned()).collect();
    unchanged(&place.repo, &files)?;

    for (file, text) in &texts {
        std::fs::write(place.repo.join(file), text).map_err(|error| {
            Failure::new(DOING, format!("{file}: {error}"), "see whether the file can be written")
        })?;
    }
    let mut arguments = vec!["commit", "--quiet", "--message", scenario.fix.message.trim(), "--"];
    arguments.extend(files.iter().map(String::as_str));
    git::run(&place.repo, DOING, &arguments, None)?;
    let commit = git::run(&place.repo, DOING, &["rev-parse", "HEAD"], None)?;
    let subject = scenario.fix.message.trim().lines().next().unwrap_or_default().to_owned();
    Ok(Applied { branch, commit, subject, files })
}

/// The current branch, if it is one that a fix belongs on.
fn branch(repo: &Path, scenario: &Scenario) -> Result<String> {
    let start = format!("start a hotfix branch first: flightdeck hotfix start {}", scenario.hotfix);
    let head = git::run(repo, DOING, &["rev-parse", "--abbrev-ref", "HEAD"], None)?;
    let shared = scenario.commits.iter().any(|commit| commit.branch == head);
    if shared {
        return Err(Failure::new(DOING, format!("the current branch is {head}, which others share"), start));
    }
    if head == "HEAD" {
        return Err(Failure::new(DOING, "no branch is checked out", start));
    }
    Ok(head)
}

/// Every file of the fix with its new text.
fn edited<'a>(repo: &Path, scenario: &'a Scenario) -> Result<BTreeMap<&'a str, String>> {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    let mut there = 0;
    for edit in &scenario.fix.edit {
        let before = match texts.get(edit.file.as_str()) {
            Some(text) => text.clone(),
            None => std::fs::read_to_string(repo.join(&edit.file)).map_err(|error| {
                let restore = format!("bring the file back: git checkout HEAD -- {}", edit.file);
                Failure::new(DOING, format!("{}: {error}", edit.file), restore)
            })?,
        };
        match edit.apply(&before) {
            Edited::Text(text) => {
                texts.insert(&edit.file, text);
            }
            Edited::AlreadyThere => there += 1,
            Edited::NoMatch => {
                return Err(Failure::new(
                    DOING,
                    format!("{} was changed where the fix changes it", edit.file),
                    "go on with your own fix, or undo your change and try again",
                ));
            }
        }
    }
    if there == scenario.fix.edit.len() {
        return Err(Failure::new(DOING, "it is there already", "run the tests next: flightdeck test"));
    }
    Ok(texts)
}

/// Makes sure that the commit will hold the fix and nothing else.
fn unchanged(repo: &Path, files: &[String]) -> Result<()> {
    let mut arguments = vec!["status", "--porcelain", "--"];
    arguments.extend(files.iter().map(String::as_str));
    let status = git::run(repo, DOING, &arguments, None)?;
    if status.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = status.lines().map(|line| visible(line.trim())).collect();
    Err(Failure::new(
        DOING,
        format!("there are uncommitted changes: {}", lines.join(", ")),
        "commit or undo them, and try again",
    ))
}

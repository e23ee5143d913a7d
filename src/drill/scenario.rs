//! Drill scenarios as data: which there are, and what is in them. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::failure::{Failure, Result};

/// A scenario as it is built in: its description and the files that it names.
struct Asset {
    name: &'static str,
    description: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// Names the files of a scenario once, for their paths and their contents.
macro_rules! files {
    ($scenario:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"), "/assets/drill/", $scenario, "/files/", $path
        )))),*]
    };
}

const ASSETS: &[Asset] = &[Asset {
    name: "checkout",
    description: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/drill/checkout/scenario.toml")),
    files: files!("checkout":
        "CHANGELOG.md",
        "README.md",
        "VERSION",
        "app/checkout.awk",
        "deploy.sh",
        "docs/runbook.md",
        "flightdeck.toml",
        "ops/deployed.sh",
        "ops/lib.sh",
        "ops/orders.sh",
        "smoke.sh",
        "tests/cases.txt",
        "tests/lint.sh",
        "tests/run.sh",
    ),
}];

/// A practice outage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: String,
    /// One line: what goes wrong.
    pub summary: String,
    /// Name of the service, and of the repository's directory.
    pub service: String,
    /// A title for the incident, as the guide proposes it.
    pub title: String,
    /// Its impact, as the guide proposes it.
    pub impact: String,
    /// The last release that worked: deployed before the broken one.
    pub good: String,
    /// The release that is deployed everywhere when the drill begins.
    pub broken: String,
    /// A name for the hotfix branch, without the prefix.
    pub hotfix: String,
    /// Short name to `Name <address>`, for commits.
    pub people: BTreeMap<String, String>,
    /// The history, in the order in which it was made.
    pub commits: Vec<Commit>,
    /// The prepared fix.
    pub fix: Fix,
}

/// One commit of the history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The branch it is made on.
    pub branch: String,
    /// For the first commit of a branch: the branch that it starts from.
    #[serde(default)]
    pub from: Option<String>,
    /// For a merge: the branch whose tree is taken over.
    #[serde(default)]
    pub merge: Option<String>,
    /// How long before the drill it was made: `2d 4h`.
    pub ago: String,
    /// Short name of its author.
    pub by: String,
    /// The message.
    pub message: String,
    /// Files that are put there whole.
    #[serde(default)]
    pub write: Vec<String>,
    /// Passages that are replaced.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// Name of an annotated tag on it.
    #[serde(default)]
    pub tag: Option<String>,
}

/// The prepared fix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// Message of its commit.
    pub message: String,
    /// What it changes.
    pub edit: Vec<Edit>,
}

/// Replaces a passage of a file that must be there exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Path in the repository.
    pub file: String,
    /// The passage.
    pub old: String,
    /// What takes its place.
    pub new: String,
}

/// What an edit would do to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// The text with the passage replaced.
    Text(String),
    /// The new passage is there already.
    AlreadyThere,
    /// The old passage is not there, or there more than once.
    NoMatch,
}

impl Edit {
    /// Replaces the passage in a text.
    pub fn apply(&self, text: &str) -> Edited {
        // The new passage may contain the old one, so it is looked for first.
        if text.contains(&self.new) {
            return Edited::AlreadyThere;
        }
        match text.matches(&self.old).count() {
            1 => Edited::Text(text.replacen(&self.old, &self.new, 1)),
            _ => Edited::NoMatch,
        }
    }
}

impl Scenario {
    /// All scenarios, in the order in which they are listed.
    pub fn all() -> Result<Vec<Self>> {
        ASSETS.iter().map(Self::parse).collect()
    }

    /// The scenario of a name; the first one if none is given.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn find(name: Option<&str>) -> Result<Self> {
        let asset = match name {
            None => ASSETS.first(),
            Some(name) => ASSETS.iter().find(|asset| asset.name == name),
        };
        asset.map_or_else(
            || {
                let name = crate::text::visible(name.unwrap_or_default()).into_owned();
                Err(Failure::usage(
                    format!("looking for the drill `{name}`"),
                    "there is no drill of that name",
                    "flightdeck drill --list shows which there are",
                ))
            },
            Self::parse,
        )
    }

    /// The content of a file of the scenario, with words in double braces filled in.
    pub(super) fn file(&self, path: &str, fill: &BTreeMap<&str, String>) -> Option<String> {
        let asset = ASSETS.iter().find(|asset| asset.name == self.name)?;
        let (_, text) = asset.files.iter().find(|(name, _)| *name == path)?;
        Some(
            fill.iter().fold((*text).to_owned(), |text, (word, value)| {
                text.replace(&format!("{{{{{word}}}}}"), value)
            }),
        )
    }

    fn parse(asset: &Asset) -> Result<Self> {
        toml::from_str(asset.description).map_err(|error| {
            Failure::new(
                format!("reading the built-in drill `{}`", asset.name),
                error,
                "this is a fault of flightdeck itself; please report it",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_can_be_read_and_is_found_by_its_name() {
        for scenario in Scenario::all().unwrap() {
            assert_eq!(Scenario::find(Some(&scenario.name)).unwrap(), scenario);
        }
    }

    #[test]
    fn an_unknown_name_says_where_to_look() {
        let failure = Scenario::find(Some("no\u{202E}pe")).unwrap_err();
        assert!(failure.doing.contains("no<U+202E>pe"), "{failure}");
        assert!(failure.hint.contains("--list"), "{failure}");
    }

    #[test]
    fn an_edit_is_made_once_and_only_where_it_is_clear() {
        let edit = Edit { file: String::new(), old: "b\n".into(), new: "x\nb\n".into() };
        assert_eq!(edit.apply("a\nb\nc\n"), Edited::Text("a\nx\nb\nc\n".into()));
        assert_eq!(edit.apply("a\nx\nb\nc\n"), Edited::AlreadyThere);
        assert_eq!(edit.apply("b\nb\n"), Edited::NoMatch);
        assert_eq!(edit.apply("c\n"), Edited::NoMatch);
    }
}

//! Drill scenarios as data: which there are, and what is in them. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::failure::{Failure, Result};

/// A scenario as it is built in: its description and the files that it names.
struct Asset {
    name: &'static str,
    description: &'static str,
    /// Its own come first; what is not among them is that of the scenario it is like.
    files: &'static [&'static [(&'static str, &'static str)]],
}

/// Names the files of a scenario once, for their paths and their contents.
macro_rules! files {
    ($scenario:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"), "/assets/drill/", $scenario, "/files/", $path
        )))),*]
    };
}

const CHECKOUT: &[(&str, &str)] = files!("checkout":
    "CHANGELOG.md",
    "README.md",
    "VERSION",
    "app/checkout.awk",
    "deploy.sh",
    "docs/runbook.md",
    "flightdeck.toml",
    "ops/chat.sh",
    "ops/deployed.sh",
    "ops/history.sh",
    "ops/lib.sh",
    "ops/orders.sh",
    "ops/weight.sh",
    "smoke.sh",
    "tests/cases.txt",
    "tests/lint.sh",
    "tests/run.sh",
);

const MIGRATION: &[(&str, &str)] = files!("migration":
    "README.md",
    "docs/runbook.md",
    "migrations/1_discounts.up.sh",
    "migrations/2_taken_off.down.sh",
    "migrations/2_taken_off.up.sh",
    "ops/back.sh",
    "ops/migrate.sh",
    "tests/cases.txt",
);

const PROVIDER: &[(&str, &str)] = files!("provider":
    "docs/runbook.md",
    "tests/cases.txt",
);

const PIPELINE: &[(&str, &str)] = files!("pipeline":
    ".github/workflows/deploy.yml",
    "docs/runbook.md",
);

const ASSETS: &[Asset] = &[
    Asset {
        name: "checkout",
        description: include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/drill/checkout/scenario.toml"
        )),
        files: &[CHECKOUT],
    },
    Asset {
        name: "old-cards",
        description: include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/drill/old-cards/scenario.toml"
        )),
        files: &[CHECKOUT],
    },
    Asset {
        name: "migration",
        description: include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/drill/migration/scenario.toml"
        )),
        files: &[MIGRATION, CHECKOUT],
    },
    Asset {
        name: "provider",
        description: include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/drill/provider/scenario.toml"
        )),
        files: &[PROVIDER, CHECKOUT],
    },
    Asset {
        name: "pipeline",
        description: include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/drill/pipeline/scenario.toml"
        )),
        files: &[PIPELINE, CHECKOUT],
    },
];

/// A practice outage.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The flag that guards what is broken; empty where none does.
    pub flag: String,
    /// A name for the hotfix branch, without the prefix.
    pub hotfix: String,
    /// How many of a hundred cards in production are numbers of an older shop.
    pub old_cards: u8,
    /// For how many seconds the payment provider is down from the start of the drill; 0: there is none.
    pub provider_down_s: u32,
    /// Whether the release that is live was found good, too: what is broken is not of its making.
    pub all_good: bool,
    /// Word in double braces to the text that takes its place in the files.
    pub words: BTreeMap<String, String>,
    /// Short name to `Name <address>`, for commits.
    pub people: BTreeMap<String, String>,
    /// The history, in the order in which it was made.
    pub commits: Vec<Commit>,
    /// The prepared fix.
    pub fix: Fix,
    /// What it is about, for the grade at the end.
    pub lessons: Vec<Lesson>,
}

/// Something that a scenario is about, and that its grade looks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// What it is called in the grade.
    pub title: String,
    /// What is looked for.
    pub asked: Asked,
    /// Why that is right here, in a sentence or two.
    pub why: String,
}

/// What a lesson looks for in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// Users were served again.
    Served,
    /// A fix is live, and its watch passed.
    GoodFix,
    /// Nothing was deployed.
    NoDeploy,
    /// A flag was turned off.
    FlagOff,
    /// It was decided that there is no hotfix.
    Decided,
    /// What is live at the end passed its watch, whether it went back or forward.
    PutRight,
    /// No rollback was started that could not work.
    NoBlindRollback,
    /// What a pipeline waited for was approved from here, with a comment.
    Reviewed,
}

/// What a description says; the rest is as in the scenario that it is like.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    #[serde(default)]
    like: Option<String>,
    summary: String,
    service: Option<String>,
    title: Option<String>,
    impact: Option<String>,
    good: Option<String>,
    broken: Option<String>,
    flag: Option<String>,
    hotfix: Option<String>,
    #[serde(default)]
    old_cards: u8,
    #[serde(default)]
    provider_down_s: u32,
    #[serde(default)]
    all_good: bool,
    #[serde(default)]
    words: BTreeMap<String, String>,
    people: Option<BTreeMap<String, String>>,
    commits: Option<Vec<Commit>>,
    /// Files that come into the history of the scenario it is like with `flightdeck.toml`.
    #[serde(default)]
    beside_config: Vec<String>,
    fix: Option<Fix>,
    #[serde(default, rename = "lesson")]
    lessons: Vec<Lesson>,
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

impl Description {
    /// Fills in what is left out.
    fn complete(self, like: Option<&Scenario>) -> Option<Scenario> {
        let text = |said: Option<String>, other: fn(&Scenario) -> &String| {
            said.or_else(|| like.map(|like| other(like).clone()))
        };
        Some(Scenario {
            name: self.name,
            summary: self.summary,
            service: text(self.service, |like| &like.service)?,
            title: text(self.title, |like| &like.title)?,
            impact: text(self.impact, |like| &like.impact)?,
            good: text(self.good, |like| &like.good)?,
            broken: text(self.broken, |like| &like.broken)?,
            flag: text(self.flag, |like| &like.flag)?,
            hotfix: text(self.hotfix, |like| &like.hotfix)?,
            old_cards: self.old_cards,
            provider_down_s: self.provider_down_s,
            all_good: self.all_good,
            words: like.iter().flat_map(|like| like.words.clone()).chain(self.words).collect(),
            people: self.people.or_else(|| like.map(|like| like.people.clone()))?,
            commits: with_files(
                self.commits.or_else(|| like.map(|like| like.commits.clone()))?,
                &self.beside_config,
            ),
            fix: self.fix.or_else(|| like.map(|like| like.fix.clone()))?,
            lessons: self.lessons,
        })
    }
}

/// Adds files to the commits that bring the configuration.
fn with_files(mut commits: Vec<Commit>, files: &[String]) -> Vec<Commit> {
    let brings = |commit: &&mut Commit| commit.write.iter().any(|path| path == "flightdeck.toml");
    for commit in commits.iter_mut().filter(brings) {
        commit.write.extend_from_slice(files);
    }
    commits
}

impl Scenario {
    /// Tells whether a code host deploys it.
    pub(super) fn has_ci(&self) -> bool {
        self.words.values().any(|text| text.contains("{{ci_url}}"))
    }

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
                    "unknown drill",
                    "flightdeck drill --list shows which there are",
                ))
            },
            Self::parse,
        )
    }

    /// The content of a file of the scenario, with words in double braces filled in.
    pub(super) fn file(&self, path: &str, fill: &BTreeMap<&str, String>) -> Option<String> {
        let asset = ASSETS.iter().find(|asset| asset.name == self.name)?;
        let (_, text) = asset.files.iter().copied().flatten().find(|(name, _)| *name == path)?;
        let put = |text: String, word: &str, value: &str| text.replace(&format!("{{{{{word}}}}}"), value);
        let text = self
            .words
            .iter()
            .fold((*text).to_owned(), |text, (word, value)| put(text, word, value.trim_start_matches('\n')));
        Some(fill.iter().fold(text, |text, (word, value)| put(text, word, value)))
    }

    fn parse(asset: &Asset) -> Result<Self> {
        let broken = |cause: String| {
            Failure::new(
                format!("reading the built-in drill `{}`", asset.name),
                cause,
                "this is a fault of flightdeck itself; please report it",
            )
        };
        let said: Description =
            toml::from_str(asset.description).map_err(|error| broken(error.to_string()))?;
        let like = match &said.like {
            None => None,
            Some(name) => ASSETS.iter().find(|other| other.name == name).map(Self::parse).transpose()?,
        };
        said.complete(like.as_ref())
            .ok_or_else(|| broken("something is missing in its description".to_owned()))
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

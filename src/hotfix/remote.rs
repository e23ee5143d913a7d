//! What the remote has, and how that is known: it was asked, or it was fetched from a moment ago.
//! Pure; asked by `conductor::remote`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::failure::{Failure, FailureKind, Result};
use crate::incident::duration;
use crate::text::visible;

/// How a remote stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// The repository has none, or several and none of them is `origin` or configured.
    None,
    /// What it has is known.
    Known(Known),
    /// It could not be asked, and was not fetched from lately.
    Silent {
        /// Its name.
        name: String,
        /// Why it could not be asked, without secrets.
        why: String,
        /// When it was last fetched from, as far as git kept it.
        fetched_at: Option<Timestamp>,
    },
}

/// What a remote has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Its branches and tags.
    pub refs: Refs,
    /// How that is known.
    pub by: Source,
}

/// How it is known what a remote has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It was asked just now.
    Asked,
    /// It could not be asked; what was fetched lately is taken for what it has. Tags are those that
    /// are here, whether it has them or not.
    Fetched {
        /// When.
        at: Timestamp,
        /// Why it could not be asked, without secrets.
        why: String,
    },
}

/// Branches and tags of a remote, by their short names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refs {
    /// The commit of every branch, as a full id.
    pub branches: BTreeMap<String, String>,
    /// Every tag.
    pub tags: BTreeMap<String, Tag>,
}

/// A tag of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What the reference holds: the tag's own object, or the commit where it has none.
    pub object: String,
    /// What it leads to.
    pub commit: String,
}

impl Refs {
    /// Reads what `git ls-remote` prints. What is neither branch nor tag is left out, and so is a
    /// name that no command line could hold.
    ///
    /// # Errors
    /// A line is none of its lines: says which.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut refs = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (id, name) = line.split_once('\t').ok_or_else(|| not_a_line(line))?;
            if id.len() < 40 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(not_a_line(line));
            }
            if name.contains(char::REPLACEMENT_CHARACTER) {
                continue;
            }
            if let Some(branch) = name.strip_prefix("refs/heads/") {
                refs.branches.insert(branch.to_owned(), id.to_owned());
            } else if let Some(tag) = name.strip_prefix("refs/tags/") {
                refs.tag_line(tag, id);
            }
        }
        Ok(refs)
    }

    fn tag_line(&mut self, name: &str, id: &str) {
        if let Some(name) = name.strip_suffix("^{}") {
            if let Some(tag) = self.tags.get_mut(name) {
                id.clone_into(&mut tag.commit);
            }
            return;
        }
        self.tags.insert(name.to_owned(), Tag { object: id.to_owned(), commit: id.to_owned() });
    }

    /// The commit of a branch.
    pub fn branch(&self, name: &str) -> Option<&str> {
        self.branches.get(name).map(String::as_str)
    }

    /// A tag.
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags.get(name)
    }

    /// Branches whose names begin with something, in order; an empty beginning is that of none.
    pub fn branches_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let with = move |(name, _): &(&String, &String)| !prefix.is_empty() && name.starts_with(prefix);
        self.branches.iter().filter(with).map(|(name, commit)| (name.as_str(), commit.as_str()))
    }
}

fn not_a_line(line: &str) -> String {
    let line: String = line.chars().take(80).collect();
    format!("it answers something that git does not print: {}", visible(&line))
}

impl Remote {
    /// Its name, where there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Known(known) => Some(&known.name),
            Self::Silent { name, .. } => Some(name),
        }
    }

    /// What it has, where that is known.
    pub fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::None | Self::Silent { .. } => None,
        }
    }

    /// What it has, for what must not be done without knowing.
    ///
    /// # Errors
    /// There is no remote, or it cannot be asked: says what to do.
    pub fn require(&self, doing: &str) -> Result<&Known> {
        match self {
            Self::Known(known) => Ok(known),
            Self::None => Err(Failure::of(
                FailureKind::Gate,
                doing,
                "no remote called origin, nor just one, to ask and to push to",
                "git remote add origin ADDRESS, or name it as `remote` under [hotfix] in flightdeck.toml",
            )),
            Self::Silent { name, why, .. } => Err(Failure::of(
                FailureKind::Gate,
                doing,
                format!("{} wants an answer from you: {why}", visible(name)),
                "run flightdeck hotfix fetch, which asks you in a terminal; then try again",
            )),
        }
    }

    /// What a reader of a plan should know of how fresh all this is, a line each.
    pub fn notes(&self, now: Timestamp) -> Vec<String> {
        match self {
            Self::None => vec!["no remote: what others did is unknown".to_owned()],
            Self::Known(Known { by: Source::Asked, .. }) => Vec::new(),
            Self::Known(Known { name, by: Source::Fetched { at, why }, .. }) => {
                let ago = age(*at, now);
                vec![format!("{} did not answer: {why}; going by what was fetched {ago} ago", visible(name))]
            }
            Self::Silent { name, why, fetched_at } => {
                let name = visible(name);
                let last = match fetched_at {
                    Some(at) => format!("last fetched {} ago", age(*at, now)),
                    None => "unknown when it was last fetched".to_owned(),
                };
                vec![
                    format!("{name} did not answer: {why}; {last}"),
                    "what others have pushed since is unknown: flightdeck hotfix fetch asks in a terminal"
                        .to_owned(),
                ]
            }
        }
    }
}

/// Tells whether what was fetched at a time still counts for what the remote has.
pub fn is_fresh(fetched_at: Timestamp, valid_for: SignedDuration, now: Timestamp) -> bool {
    let age = now.duration_since(fetched_at);
    // What was fetched in the future was fetched by another clock.
    age <= valid_for && age >= -valid_for
}

fn age(at: Timestamp, now: Timestamp) -> String {
    duration(now.duration_since(at).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    #[test]
    fn branches_and_tags_are_read_and_a_tag_leads_to_its_commit() {
        let text = format!(
            "{ONE}\tHEAD\n{ONE}\trefs/heads/main\n{TWO}\trefs/heads/hotfix/x\n{TWO}\trefs/pull/1/head\n\
             {TWO}\trefs/tags/v1\n{ONE}\trefs/tags/v1^{{}}\n{ONE}\trefs/tags/light\n"
        );
        let refs = Refs::parse(&text).unwrap();
        assert_eq!(refs.branch("main"), Some(ONE));
        assert_eq!(refs.branches.len(), 2);
        assert_eq!(refs.tag("v1"), Some(&Tag { object: TWO.into(), commit: ONE.into() }));
        assert_eq!(refs.tag("light").map(|tag| tag.commit.as_str()), Some(ONE));
        assert_eq!(refs.branches_with("hotfix/").collect::<Vec<_>>(), [("hotfix/x", TWO)]);
        assert_eq!(refs.branches_with("").count(), 0);
    }

    #[test]
    fn what_git_does_not_print_is_no_answer() {
        for text in ["<html>", "1234\trefs/heads/main", "remote: hello\u{1b}[2J"] {
            let why = Refs::parse(text).unwrap_err();
            assert!(!why.contains('\u{1b}'), "{why:?}");
        }
        assert_eq!(Refs::parse("").unwrap(), Refs::default());
    }

    #[test]
    fn a_fetch_counts_for_as_long_as_the_policy_says() {
        let minutes = SignedDuration::from_mins;
        let at = Timestamp::from_second(1_000_000).unwrap();
        assert!(is_fresh(at, minutes(5), at + minutes(5)));
        assert!(!is_fresh(at, minutes(5), at + minutes(6)));
        assert!(!is_fresh(at, minutes(5), at - minutes(6)), "not by a clock that is far ahead");
    }

    #[test]
    fn what_cannot_be_asked_is_said_and_stops_what_needs_it() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let fetched_at = Some(now - SignedDuration::from_hours(2));
        let silent = Remote::Silent { name: "origin".into(), why: "no route".into(), fetched_at };
        assert_eq!(silent.notes(now)[0], "origin did not answer: no route; last fetched 2h ago");
        let failure = silent.require("finishing").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Gate);
        assert!(failure.hint.contains("flightdeck hotfix fetch"), "{failure}");
        assert!(Remote::None.require("finishing").unwrap_err().cause.contains("no remote"));
        let by = Source::Fetched { at: now - SignedDuration::from_mins(3), why: "no route".into() };
        let known = Remote::Known(Known { name: "origin".into(), refs: Refs::default(), by });
        assert_eq!(known.notes(now), ["origin did not answer: no route; going by what was fetched 3m ago"]);
        assert!(known.require("finishing").is_ok());
    }
}

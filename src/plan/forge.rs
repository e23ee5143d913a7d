//! What is asked of the place that keeps pull requests, as a step: opening one and merging one.

use serde::{Deserialize, Serialize};

/// A kind of place that keeps pull requests, as plans name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    /// GitHub, and GitHub Enterprise.
    Github,
    /// GitLab, there or on a server of one's own.
    Gitlab,
}

impl From<crate::config::types::Forge> for Forge {
    fn from(configured: crate::config::types::Forge) -> Self {
        match configured {
            crate::config::types::Forge::Github => Self::Github,
            crate::config::types::Forge::Gitlab => Self::Gitlab,
        }
    }
}

/// Something asked of a place that keeps pull requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeCall {
    /// Where.
    pub place: Place,
    /// What.
    pub wanted: Wanted,
}

/// A repository at a place that keeps pull requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// What kind of place it is.
    pub forge: Forge,
    /// Base address of its API, without a slash at its end: `https://api.github.com`.
    pub api: String,
    /// The repository: `shop/payments-api`.
    pub repository: String,
    /// Who the repository belongs to that branches are pushed to: `shop`.
    pub owner: String,
    /// Name of the secret that lets us in; empty: nothing does.
    pub token: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Wanted {
    /// That a pull request of a branch is open. One that is there is taken, and gets what it
    /// lacks of labels and reviewers.
    Open {
        /// The branch.
        head: String,
        /// The commit that the branch is at, as a full id.
        commit: String,
        /// The branch it is to be merged into.
        base: String,
        /// Its title.
        title: String,
        /// Its body, as Markdown.
        body: String,
        /// Labels it gets.
        labels: Vec<String>,
        /// Who is asked to review it.
        reviewers: Vec<String>,
    },
    /// That a pull request is merged by squash, as exactly the commit that was seen.
    Merge {
        /// Its number.
        number: u64,
        /// The commit it offers, as a full id. Any other is not merged.
        commit: String,
        /// First line of the message of the commit that it becomes.
        title: String,
    },
    /// That all checks of a commit have passed: it is waited for, and nothing is sent.
    Verdict {
        /// The commit, as a full id.
        commit: String,
    },
    /// That an issue is there for something that is left to do. One that is there is taken.
    Issue(Issue),
}

/// An issue for something that is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The record that says what is left to do.
    pub follow_up: String,
    /// What tells it from all others; it stands in its body.
    pub marker: String,
    /// Issues from before this time do not matter.
    pub since: String,
    /// Its title.
    pub title: String,
    /// Its body, as Markdown.
    pub body: String,
}

/// An issue as it is at the place that keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueSeen {
    /// Its number.
    pub number: u64,
    /// Where people read it; empty: its place does not say so in a way that can be shown.
    pub url: String,
    /// Whether it is open.
    pub open: bool,
}

impl IssueSeen {
    /// What it is, in one line.
    pub fn line(&self) -> String {
        let state = if self.open { "open" } else { "closed" };
        let place = if self.url.is_empty() { String::new() } else { format!(": {}", self.url) };
        format!("issue #{} is {state}{place}", self.number)
    }

    /// Reads what [`IssueSeen::line`] makes.
    pub fn parse(line: &str) -> Option<Self> {
        let (number, rest) = line.strip_prefix("issue #")?.split_once(" is ")?;
        let (state, url) = rest.split_once(": ").unwrap_or((rest, ""));
        let open = match state {
            "open" => true,
            "closed" => false,
            _ => return None,
        };
        Some(Self { number: number.parse().ok()?, url: url.to_owned(), open })
    }
}

impl Place {
    /// Address of the repository in the API.
    pub fn address(&self) -> String {
        match self.forge {
            Forge::Github => format!("{}/repos/{}", self.api, path(&self.repository, true)),
            Forge::Gitlab => format!("{}/projects/{}", self.api, path(&self.repository, false)),
        }
    }

    /// Address of all pull requests, or of one.
    pub fn pulls(&self, number: Option<u64>) -> String {
        let all = match self.forge {
            Forge::Github => format!("{}/pulls", self.address()),
            Forge::Gitlab => format!("{}/merge_requests", self.address()),
        };
        number.map_or(all.clone(), |number| format!("{all}/{number}"))
    }

    /// Address of all issues.
    pub fn issues(&self) -> String {
        format!("{}/issues", self.address())
    }

    /// What a pull request is called there.
    pub fn pull_word(&self) -> &'static str {
        match self.forge {
            Forge::Github => "pull request",
            Forge::Gitlab => "merge request",
        }
    }

    /// How people there write the number of a pull request: `#12`, `!12`.
    pub fn numbered(&self, number: u64) -> String {
        match self.forge {
            Forge::Github => format!("#{number}"),
            Forge::Gitlab => format!("!{number}"),
        }
    }
}

impl ForgeCall {
    /// Method and address in one line.
    pub fn line(&self) -> String {
        match &self.wanted {
            Wanted::Open { .. } => format!("POST {}", self.place.pulls(None)),
            Wanted::Merge { number, .. } => format!("PUT {}/merge", self.place.pulls(Some(*number))),
            Wanted::Verdict { .. } => self.question(),
            Wanted::Issue(_) => format!("POST {}", self.place.issues()),
        }
    }

    /// What is read to find out whether it is done, in one line.
    pub fn question(&self) -> String {
        match &self.wanted {
            Wanted::Open { head, base, .. } => {
                format!("GET {} has one of {head} into {base}", self.place.pulls(None))
            }
            Wanted::Merge { number, commit, .. } => {
                let short: String = commit.chars().take(7).collect();
                format!("GET {} is merged as {short}", self.place.pulls(Some(*number)))
            }
            Wanted::Verdict { commit } => {
                let short: String = commit.chars().take(7).collect();
                format!("GET {}: all checks of {short} have passed", self.place.address())
            }
            Wanted::Issue(issue) => format!("GET {} has one with {}", self.place.issues(), issue.marker),
        }
    }
}

/// Text as a path in an address: [`encoded`], with slashes kept.
pub fn encoded_path(text: &str) -> String {
    path(text, true)
}

/// Text as a part of an address: what is no letter, digit or one of `-._~` is written by its bytes.
pub fn encoded(text: &str) -> String {
    path(text, false)
}

fn path(text: &str, keep_slash: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0').to_ascii_uppercase();
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(forge: Forge, api: &str) -> Place {
        let repository = "shop/payments api".to_owned();
        Place { forge, api: api.to_owned(), repository, owner: "shop".into(), token: "GITHUB_TOKEN".into() }
    }

    #[test]
    fn addresses_are_those_of_the_two_apis() {
        let merge = || Wanted::Merge { number: 12, commit: "4f2c91e0".into(), title: "x".into() };
        let hub = ForgeCall { place: place(Forge::Github, "https://git.test/api/v3"), wanted: merge() };
        assert_eq!(hub.line(), "PUT https://git.test/api/v3/repos/shop/payments%20api/pulls/12/merge");
        assert_eq!(
            hub.question(),
            "GET https://git.test/api/v3/repos/shop/payments%20api/pulls/12 is merged as 4f2c91e"
        );
        let lab = ForgeCall { place: place(Forge::Gitlab, "https://git.test/api/v4"), wanted: merge() };
        assert_eq!(
            lab.line(),
            "PUT https://git.test/api/v4/projects/shop%2Fpayments%20api/merge_requests/12/merge"
        );
        assert_eq!(encoded("hotfix/größe?&#"), "hotfix%2Fgr%C3%B6%C3%9Fe%3F%26%23");
    }
}

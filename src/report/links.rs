//! Where the evidence is: commits, tags and pull requests at the code host, and what the report holds itself.
//!
//! An address is never taken from a text. It is built here from a remote that was recorded, where the host is
//! known and every part of it is plain.

use crate::incident::State;
use crate::text::markdown::inline;

/// The code host that the repository was fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// `https://github.com/shop/api`.
    base: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    GitHub,
    GitLab,
}

impl Host {
    /// The first remote that was recorded at a host which is known.
    pub(super) fn of(state: &State) -> Option<Self> {
        state.remotes.iter().find_map(|remote| Self::at(remote))
    }

    /// Reads `github.com/shop/api`.
    fn at(remote: &str) -> Option<Self> {
        let (host, path) = remote.split_once('/')?;
        // An address for ssh alone says nothing about where pages are.
        let host = match host {
            "ssh.github.com:443" => "github.com",
            "altssh.gitlab.com:443" => "gitlab.com",
            host => host,
        };
        let is_name = |text: &str| {
            !text.is_empty()
                && !text.starts_with(['.', '-'])
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let kind = match host {
            "github.com" => Kind::GitHub,
            "gitlab.com" => Kind::GitLab,
            _ if host.starts_with("github.") => Kind::GitHub,
            _ if host.starts_with("gitlab.") => Kind::GitLab,
            _ => return None,
        };
        let parts: Vec<&str> = path.split('/').collect();
        let is_whole = parts.len() >= 2 && (kind == Kind::GitLab || parts.len() == 2);
        (is_name(host) && is_whole && parts.into_iter().all(is_name))
            .then(|| Self { base: format!("https://{host}/{path}"), kind })
    }

    /// Where a commit can be read, by its full id.
    fn commit(&self, id: &str) -> Option<String> {
        let is_id = [40, 64].contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
        let place = match self.kind {
            Kind::GitHub => "commit",
            Kind::GitLab => "-/commit",
        };
        is_id.then(|| format!("{}/{place}/{id}", self.base))
    }

    /// Where the files of a tag can be read.
    fn tag(&self, name: &str) -> Option<String> {
        let is_plain = !name.is_empty()
            && !name.contains("..")
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b));
        let place = match self.kind {
            Kind::GitHub => "tree",
            Kind::GitLab => "-/tree",
        };
        is_plain.then(|| format!("{}/{place}/{name}", self.base))
    }

    /// How the address of a pull request begins, and what people put in front of its number.
    fn pulls(&self) -> (String, char) {
        match self.kind {
            Kind::GitHub => (format!("{}/pull/", self.base), '#'),
            Kind::GitLab => (format!("{}/-/merge_requests/", self.base), '!'),
        }
    }
}

/// A link where there is somewhere to go, else the text; both are Markdown.
fn linked(text: String, to: Option<String>) -> String {
    match to {
        Some(to) => format!("[{text}]({to})"),
        None => text,
    }
}

/// A commit by its short id, with a link to it; Markdown.
pub(super) fn commit(state: &State, id: &str, shown: String) -> String {
    linked(shown, Host::of(state).and_then(|host| host.commit(id)))
}

/// A release by its name, with a link to its tag; Markdown.
pub(super) fn tag(state: &State, tag: Option<&str>, shown: String) -> String {
    linked(shown, Host::of(state).and_then(|host| host.tag(tag?)))
}

/// A text of a command, in which the address of a pull request of this repository is a link; Markdown.
pub(super) fn text(state: &State, raw: &str) -> String {
    let found = Host::of(state).and_then(|host| {
        let (begins, mark) = host.pulls();
        let at = raw.find(&begins)?;
        let rest = raw.get(at + begins.len()..)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        // A number that goes on as something else is no number.
        let ends = rest.get(digits..)?.chars().next().is_none_or(|next| !next.is_alphanumeric());
        let number = rest.get(..digits).filter(|number| !number.is_empty() && ends)?;
        Some((at, at + begins.len() + digits, format!("[\\{mark}{number}]({begins}{number})")))
    });
    let Some((from, to, link)) = found else { return inline(raw) };
    let part = |range: Option<&str>| inline(range.unwrap_or_default());
    let words = [part(raw.get(..from)), link, part(raw.get(to..))];
    let parts: Vec<String> = words.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// Something that stands in the report itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A plan, by its place in the record.
    Plan(usize),
    /// What was brought into an environment, and what watching it showed.
    Release(usize),
    /// An entry of the log.
    Log(usize),
}

impl Place {
    fn id(self) -> String {
        match self {
            Self::Plan(n) => format!("plan-{}", n + 1),
            Self::Release(n) => format!("release-{}", n + 1),
            Self::Log(n) => format!("log-{}", n + 1),
        }
    }

    /// What is put in front of it, so that it can be gone to. Nothing else in a report looks like this.
    pub(super) fn anchor(self) -> String {
        format!("<a id=\"{}\"></a>", self.id())
    }

    /// A link to it; Markdown.
    pub(super) fn link(self, text: &str) -> String {
        format!("[{text}](#{})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_are_known_get_links_of_plain_parts() {
        let id = "4f2c91e0000000000000000000000000000000ab";
        let at = |remote: &str| Host::at(remote).and_then(|host| host.commit(id));
        for (remote, url) in [
            ("github.com/shop/api", Some(format!("https://github.com/shop/api/commit/{id}"))),
            ("ssh.github.com:443/shop/api", Some(format!("https://github.com/shop/api/commit/{id}"))),
            ("gitlab.example.com/a/b/c", Some(format!("https://gitlab.example.com/a/b/c/-/commit/{id}"))),
            ("git.example.com/shop/api", None),
            ("github.com/shop", None),
            ("github.com/shop/api/more", None),
            ("github.com:8443/shop/api", None),
            ("github.com/shop/a)b", None),
            ("github.com/../api", None),
            ("github.com.evil/sh op/api", None),
            ("/srv/git/api", None),
        ] {
            assert_eq!(at(remote), url, "{remote}");
        }
        let host = Host::at("github.com/shop/api").unwrap();
        assert_eq!(host.commit("4f2c91e"), None, "an id that may be another's");
        assert_eq!(host.tag("v1.4.3"), Some("https://github.com/shop/api/tree/v1.4.3".to_owned()));
        assert_eq!(host.tag("v1](x"), None);
        assert_eq!(host.tag("../x"), None);
    }
}

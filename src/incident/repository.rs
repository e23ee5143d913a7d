//! What two clones of one repository have in common, so that an incident is found in each of them.

use serde::{Deserialize, Serialize};

/// What clones of a repository share: where its history begins, and where they fetch from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RepositoryId {
    /// Full id of the root commit of the branch in production. Empty: not known, as in a shallow
    /// clone.
    #[serde(default)]
    pub root_commit: String,
    /// Every remote as [`remote`] writes it, sorted.
    #[serde(default)]
    pub remotes: Vec<String>,
}

impl RepositoryId {
    /// Tells whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.root_commit.is_empty() && self.remotes.is_empty()
    }
}

/// A clone that can be asked about itself. What takes a look at the repository is asked only where
/// the path does not tell.
pub trait Checkout {
    /// The canonical path of its common git directory.
    fn path(&self) -> String;
    /// Its remotes, as in [`RepositoryId::remotes`].
    fn remotes(&self) -> Vec<String>;
    /// Tells whether a commit, by its full id, is in it; `None`: that cannot be told.
    fn holds(&self, commit: &str) -> Option<bool>;
}

/// A clone as the incident that was declared in it tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Where it was.
    pub path: &'a str,
    /// What it shares with others.
    pub id: &'a RepositoryId,
}

impl Checkout for Recorded<'_> {
    fn path(&self) -> String {
        self.path.to_owned()
    }

    fn remotes(&self) -> Vec<String> {
        self.id.remotes.clone()
    }

    fn holds(&self, commit: &str) -> Option<bool> {
        (!self.id.root_commit.is_empty()).then(|| self.id.root_commit == commit)
    }
}

/// Tells whether a clone is of the repository in which an incident was declared: they share a
/// remote, or one was cloned from the other, and the history begins with the same commit. Two
/// clones without any remote may be copies. The same path will do unless both of that speak
/// against it.
pub fn is_same(clone: &dyn Checkout, declared: Recorded<'_>) -> bool {
    let (path, root) = (clone.path(), &declared.id.root_commit);
    let same_root = if root.is_empty() { None } else { clone.holds(root) };
    if path == declared.path && same_root != Some(false) {
        return true;
    }
    let (ours, theirs) = (clone.remotes(), &declared.id.remotes);
    let meet = ours.iter().any(|one| theirs.iter().any(|other| is_one(one, other)) || one == declared.path)
        || theirs.contains(&path);
    match same_root {
        Some(true) => meet || (ours.is_empty() && theirs.is_empty()),
        Some(false) => path == declared.path && meet,
        None => meet,
    }
}

/// Tells whether a clone may be of the repository of an incident though no remote says so: the history begins
/// with the same commit, as in a fork, a repository that was moved, or one that is reached by an alias.
pub fn is_kin(clone: &dyn Checkout, declared: Recorded<'_>) -> bool {
    let root = &declared.id.root_commit;
    !root.is_empty() && clone.holds(root) == Some(true) && !is_same(clone, declared)
}

/// Tells whether two remotes, as [`remote`] writes them, are one place: hosts take names in any case of letters,
/// and some have several addresses for the same.
fn is_one(one: &str, other: &str) -> bool {
    one == other || (!one.starts_with('/') && !other.starts_with('/') && plain(one) == plain(other))
}

/// A remote in the one spelling that it is compared in.
fn plain(remote: &str) -> String {
    // Where ssh is let through by another port.
    const HOSTS: [(&str, &str); 3] = [
        ("ssh.github.com:443", "github.com"),
        ("altssh.gitlab.com:443", "gitlab.com"),
        ("altssh.bitbucket.org:443", "bitbucket.org"),
    ];
    let lower = remote.to_lowercase();
    let (host, path) = lower.split_once('/').unwrap_or((&lower, ""));
    let host = HOSTS.iter().find(|(known, _)| *known == host).map_or(host, |(_, usual)| usual);
    let host = host.strip_prefix("www.").unwrap_or(host);
    // Bitbucket on a server of one's own.
    let host = host.strip_suffix(":7999").unwrap_or(host);
    format!("{host}/{}", path.strip_prefix("scm/").unwrap_or(path))
}

/// Writes the address of a remote so that one place has one spelling, whether it is reached by
/// ssh or by HTTPS: `git@Example.com:shop/api.git` and `https://me:token@example.com/shop/api`
/// are both `example.com/shop/api`. A path on this machine stays as it is.
pub fn remote(address: &str) -> String {
    let address = address.trim();
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        // `host:path`; what has a slash first is a path.
        None => match address.split_once(':') {
            Some((host, path)) if !host.contains('/') => return place(host, "", path),
            _ => return trimmed(address).to_owned(),
        },
    };
    if scheme == "file" {
        return trimmed(rest).to_owned();
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    place(authority, &scheme, path)
}

fn place(authority: &str, scheme: &str, path: &str) -> String {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
    let usual = match scheme {
        "https" => ":443",
        "http" => ":80",
        "git" => ":9418",
        _ => ":22",
    };
    let host = host.strip_suffix(usual).unwrap_or(&host);
    let path = trimmed(path).trim_start_matches('/');
    format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path))
}

fn trimmed(path: &str) -> &str {
    let short = path.trim_end_matches('/');
    if short.is_empty() { path } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_spelling() {
        for (address, expected) in [
            ("git@example.com:shop/api.git", "example.com/shop/api"),
            ("https://example.com/shop/api.git", "example.com/shop/api"),
            ("https://me:token@Example.COM:443/shop/api/", "example.com/shop/api"),
            ("ssh://git@example.com:22/shop/api.git", "example.com/shop/api"),
            ("ssh://git@example.com:2222/shop/api.git", "example.com:2222/shop/api"),
            ("example.com:/shop/api", "example.com/shop/api"),
            ("https://example.com/shop/api?private_token=x#y", "example.com/shop/api"),
            ("git://example.com/shop/api", "example.com/shop/api"),
            ("/srv/git/api.git/", "/srv/git/api.git"),
            ("file:///srv/git/api.git", "/srv/git/api.git"),
            ("/", "/"),
            ("", ""),
        ] {
            assert_eq!(remote(address), expected, "{address}");
        }
    }

    #[test]
    fn clones_are_the_same_by_a_remote_and_the_root_commit() {
        let id = |root: &str, remotes: &[&str]| RepositoryId {
            root_commit: root.to_owned(),
            remotes: remotes.iter().map(|remote| (*remote).to_owned()).collect(),
        };
        for (a, b, same) in [
            (id("1", &["x/api"]), id("1", &["x/api", "me/api"]), true),
            (id("1", &["x/api"]), id("2", &["x/api"]), false),
            (id("1", &["x/api"]), id("1", &["x/template"]), false),
            (id("1", &["x/api"]), id("", &["x/api"]), true),
            (id("1", &["/b/.git"]), id("1", &[]), true),
            (id("1", &[]), id("1", &["/a/.git"]), true),
            (id("1", &[]), id("1", &[]), true),
            (id("", &[]), id("", &[]), false),
            (id("1", &["Github.com/Shop/API"]), id("1", &["github.com/shop/api"]), true),
            (id("1", &["ssh.github.com:443/shop/api"]), id("1", &["www.github.com/shop/api"]), true),
            (id("1", &["h:7999/shop/api"]), id("1", &["h/scm/shop/api"]), true),
            (id("1", &["/srv/API"]), id("1", &["/srv/api"]), false),
            (id("1", &["h/me/api"]), id("1", &["h/shop/api"]), false),
            (id("1", &[]), id("2", &[]), false),
            (id("1", &["x/api"]), id("1", &[]), false),
        ] {
            let (here, there) = (Recorded { path: "/a/.git", id: &a }, Recorded { path: "/b/.git", id: &b });
            assert_eq!(is_same(&here, there), same, "{a:?} {b:?}");
            assert_eq!(is_same(&there, here), same, "{b:?} {a:?}");
        }
    }

    #[test]
    fn what_begins_alike_may_be_the_same_repository() {
        let id = |root: &str, remotes: &[&str]| RepositoryId {
            root_commit: root.to_owned(),
            remotes: remotes.iter().map(|remote| (*remote).to_owned()).collect(),
        };
        for (a, b, kin) in [
            (id("1", &["h/me/api"]), id("1", &["h/shop/api"]), true),
            (id("1", &[]), id("1", &["h/shop/api"]), true),
            (id("1", &["h/shop/api"]), id("1", &["h/shop/api"]), false),
            (id("1", &["h/me/api"]), id("2", &["h/shop/api"]), false),
            (id("1", &["h/me/api"]), id("", &["h/shop/api"]), false),
        ] {
            let (here, there) = (Recorded { path: "/a/.git", id: &a }, Recorded { path: "/b/.git", id: &b });
            assert_eq!(is_kin(&here, there), kin, "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_same_path_will_do_unless_root_and_remotes_speak_against_it() {
        let id = |root: &str, remote: &str| RepositoryId {
            root_commit: root.to_owned(),
            remotes: vec![remote.to_owned()],
        };
        for (a, b, same) in [
            (id("1", "x/api"), id("1", "y/api"), true),
            (id("", "x/api"), id("1", "y/api"), true),
            (id("1", "x/api"), id("2", "x/api"), true),
            (id("1", "x/api"), id("2", "x/shop"), false),
        ] {
            let at = |id| Recorded { path: "/src/.git", id };
            assert_eq!(is_same(&at(&a), at(&b)), same, "{a:?} {b:?}");
        }
    }
}

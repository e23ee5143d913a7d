//! The places that keep pull requests: which one it is, what lets us in, what they answer, and the
//! links that people follow there. Pure; asked by `conductor`.

pub mod github;
pub mod gitlab;

use std::collections::BTreeMap;

use super::pull::Pull;
use crate::config::types::PullConfig;
use crate::plan::forge::{Forge, Place, encoded, encoded_path};
use crate::plan::{Command, PullText, SecretFrom, SecretSource};

/// Most bytes of an address that browsers and servers are known to take.
const LONGEST_LINK: usize = 6000;

/// A pull request with what only we need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What everybody sees.
    pub pull: Pull,
    /// Its branch, short.
    pub head: String,
    /// The branch it is to be merged into.
    pub base: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Everybody who was asked to review it, whether they have or not.
    pub asked: Vec<String>,
    /// Whether it conflicts with its base.
    pub conflicts: bool,
}

/// The first address that a host names and people can open; else empty.
fn address(told: &[Option<&str>]) -> String {
    let told = told.iter().flatten().find(|told| crate::text::address::is_page(told));
    told.map(|told| crate::text::visible(told).into_owned()).unwrap_or_default()
}

/// Why a remote is at no place that keeps pull requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPlace(
    /// In one line.
    pub String,
);

/// Where a remote is: host with port, and the path of the repository there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct At {
    host: String,
    path: String,
}

/// The place of the repository: as configured, else as the address of its remote says.
///
/// # Errors
/// It cannot be told; why, in one line.
pub fn place(config: &PullConfig, remote: Option<&str>) -> Result<Place, NoPlace> {
    let at = remote.and_then(at);
    let api = config.api.trim_end_matches('/');
    let host = at.as_ref().map(|at| at.host.as_str());
    let forge = config
        .forge
        .map(Forge::from)
        .or_else(|| by_api(api))
        .or_else(|| host.and_then(by_host))
        .ok_or_else(|| {
            NoPlace(match host {
                Some(host) => format!(
                    "{host} is not a known code host; say which kind it is with `forge` under [hotfix.pull]"
                ),
                None if remote.is_none() => "no remote that could be at a code host".to_owned(),
                None => "the remote is not at a code host with pull requests".to_owned(),
            })
        })?;
    let api = match (api, host) {
        ("", Some(host)) => api_of(forge, host),
        ("", None) => return Err(NoPlace("the remote has no host, and no `api` is configured".to_owned())),
        (api, _) => api.to_owned(),
    };
    let there = at.as_ref().map(|at| at.path.clone());
    let repository =
        if config.repository.is_empty() { there.clone() } else { Some(config.repository.clone()) };
    let repository = repository.map(|name| name.trim_matches('/').to_owned()).unwrap_or_default();
    let parts = repository.split('/').filter(|part| !part.is_empty()).count();
    let fits = match forge {
        Forge::Github => parts == 2,
        Forge::Gitlab => parts >= 2,
    };
    if !fits {
        return Err(NoPlace(
            "the remote's address does not say which repository it is; name it with `repository` under [hotfix.pull]".to_owned(),
        ));
    }
    let owner = there.as_deref().unwrap_or(&repository).split('/').next().unwrap_or_default().to_owned();
    Ok(Place { forge, api, repository, owner, token: String::new() })
}

fn by_api(api: &str) -> Option<Forge> {
    match api {
        api if api.ends_with("/api/v3") || api.contains("://api.github.com") => Some(Forge::Github),
        api if api.ends_with("/api/v4") => Some(Forge::Gitlab),
        _ => None,
    }
}

fn by_host(host: &str) -> Option<Forge> {
    let mut labels = host.split(['.', ':']);
    let named = |name: &str, host: &str| host.split(['.', ':']).any(|label| label == name);
    if named("github", host) || host.ends_with(".ghe.com") {
        Some(Forge::Github)
    } else if labels.any(|label| label == "gitlab") {
        Some(Forge::Gitlab)
    } else {
        None
    }
}

fn api_of(forge: Forge, host: &str) -> String {
    match forge {
        Forge::Github if is_hub(host) => format!("https://api.{host}"),
        Forge::Github => format!("https://{host}/api/v3"),
        Forge::Gitlab => format!("https://{host}/api/v4"),
    }
}

/// Tells whether a host is GitHub itself, where its own variables hold the token.
fn is_hub(host: &str) -> bool {
    host == "github.com" || host.ends_with(".ghe.com")
}

/// Takes the address of a remote apart. Paths on this machine are at no host.
fn at(remote: &str) -> Option<At> {
    let (host, path, keeps_port) = if let Some((scheme, rest)) = remote.split_once("://") {
        let keeps_port = match scheme {
            "https" | "http" => true,
            "ssh" | "git" | "git+ssh" => false,
            _ => return None,
        };
        let (host, path) = rest.split_once('/')?;
        (host, path, keeps_port)
    } else {
        // `git@host:path`; a slash before the colon makes it a path.
        let (host, path) = remote.split_once(':').filter(|(host, _)| !host.contains('/'))?;
        (host, path, false)
    };
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = if keeps_port { host } else { host.split(':').next().unwrap_or(host) };
    // ssh by the port of https has a host of its own.
    let host = match host.to_ascii_lowercase().as_str() {
        "ssh.github.com" => "github.com".to_owned(),
        "altssh.gitlab.com" => "gitlab.com".to_owned(),
        host => host.to_owned(),
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).to_owned();
    (!host.is_empty() && !path.is_empty()).then_some(At { host, path })
}

/// Host and port of an address.
pub fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// Where the token may come from, in the order in which it is looked for. Variables are taken for
/// the places they are meant for: GitHub and GitLab themselves, the host that `named` (`GH_HOST`,
/// `GITLAB_HOST`) names, and a place whose `api` is configured. Anywhere else only what the
/// command-line program of the place keeps for just that host.
pub fn tokens(place: &Place, configured: bool, named: Option<&str>) -> Vec<SecretSource> {
    let host = host(&place.api).trim_start_matches("api.").to_owned();
    let ours = configured || named.is_some_and(|named| named == host);
    let variable =
        |name: &str| SecretSource { name: name.to_owned(), from: SecretFrom::Env(name.to_owned()) };
    let printed = |name: &str, argv: &[&str]| SecretSource {
        name: name.to_owned(),
        from: SecretFrom::Command(Command {
            argv: argv.iter().map(ToString::to_string).collect(),
            cwd: "/".to_owned(),
            // Where it keeps what it knows, and how it reaches the user's keyring.
            env: KEEPERS.map(str::to_owned).to_vec(),
            set: BTreeMap::new(),
        }),
    };
    match place.forge {
        Forge::Github if is_hub(&host) => {
            let mut found = vec![variable("GITHUB_TOKEN"), variable("GH_TOKEN")];
            found.push(printed("GH_TOKEN", &["gh", "auth", "token", "--hostname", &host]));
            found
        }
        Forge::Github => {
            let mut found = Vec::new();
            if ours {
                found.extend([variable("GH_ENTERPRISE_TOKEN"), variable("GITHUB_ENTERPRISE_TOKEN")]);
            }
            if configured {
                found.extend([variable("GITHUB_TOKEN"), variable("GH_TOKEN")]);
            }
            found.push(printed("GH_ENTERPRISE_TOKEN", &["gh", "auth", "token", "--hostname", &host]));
            found
        }
        Forge::Gitlab => {
            let mut found = Vec::new();
            if ours || host == "gitlab.com" {
                found.extend([variable("GITLAB_TOKEN"), variable("GITLAB_ACCESS_TOKEN")]);
            }
            found.push(printed("GITLAB_TOKEN", &["glab", "config", "get", "token", "--host", &host]));
            found
        }
    }
}

/// Variables that the programs of the places need to find what they keep.
const KEEPERS: [&str; 6] = [
    "GH_CONFIG_DIR",
    "GLAB_CONFIG_DIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_DATA_HOME",
];

/// Base address of what people see in a browser.
fn web(place: &Place) -> String {
    let base = place.api.trim_end_matches("/api/v3").trim_end_matches("/api/v4");
    base.replacen("://api.", "://", 1)
}

/// The link at which a person opens a pull request with these words. A body that would make it too
/// long is left out.
pub fn link(place: &Place, head: &str, base: &str, text: &PullText, labels: &[String]) -> String {
    let whole = link_with(place, head, base, text, labels, true);
    if whole.len() <= LONGEST_LINK { whole } else { link_with(place, head, base, text, labels, false) }
}

fn link_with(
    place: &Place,
    head: &str,
    base: &str,
    text: &PullText,
    labels: &[String],
    with_body: bool,
) -> String {
    let root = format!("{}/{}", web(place), encoded_path(&place.repository));
    let (title, body) = (encoded(&text.title), encoded(&text.body));
    let body = |name: &str| if with_body { format!("&{name}={body}") } else { String::new() };
    match place.forge {
        Forge::Github => {
            let (owner, _) = place.repository.split_once('/').unwrap_or_default();
            let fork =
                if place.owner == owner { String::new() } else { format!("{}:", encoded(&place.owner)) };
            let labels = if labels.is_empty() {
                String::new()
            } else {
                format!("&labels={}", encoded(&labels.join(",")))
            };
            let (base, head) = (encoded_path(base), encoded_path(head));
            format!("{root}/compare/{base}...{fork}{head}?quick_pull=1&title={title}{labels}{}", body("body"))
        }
        Forge::Gitlab => {
            let field = |name: &str| encoded(&format!("merge_request[{name}]"));
            format!(
                "{root}/-/merge_requests/new?{}={}&{}={}&{}={title}{}",
                field("source_branch"),
                encoded(head),
                field("target_branch"),
                encoded(base),
                field("title"),
                body(&field("description")),
            )
        }
    }
}

#[cfg(test)]
mod tests;

//! Who can read what is at a git remote: an incident goes to no place that strangers can read.
//!
//! An address on this machine is read by whoever may here, and one over ssh needs an account. Where the same place
//! answers over HTTPS, or is reached by that, it is asked for its references as git would ask, without any
//! credentials: a place that tells them to nobody in particular tells them to everybody.

use std::time::Duration;

use reqwest::Url;

use crate::exchange::{Exchange, Lost, Policy, Reply, Request, Runtime};
use crate::failure::Fault;
use crate::text::address::is_loopback;

/// How long a host may take to say whether strangers can read.
const PATIENCE: Duration = Duration::from_secs(8);
/// Bytes of its answer that are read.
const ENOUGH: usize = 4 << 10;
/// Hosts of which everybody knows that they have public repositories: nothing but their asking for an account says that
/// one is not.
const PUBLIC_HOSTS: [&str; 8] = [
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "git.sr.ht",
    "gitee.com",
    "dev.azure.com",
    "ssh.dev.azure.com",
];

/// Who can read a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Whoever was let in.
    Members,
    /// Everybody; the host that lets them.
    Everybody(String),
    /// That could not be found out: why.
    Unknown(String),
}

/// How an address is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Local,
    /// Over HTTP: what answers git, and whether an account is needed besides.
    Http {
        pages: Vec<Url>,
        host: String,
        is_ssh: bool,
    },
    /// By git's own protocol, which knows no accounts.
    Open(String),
    /// By something else.
    Other(String),
}

/// Finds out who can read the repository at some addresses, as git would use them. `named` gives the host that an ssh
/// alias stands for. Waits a few seconds at most; touches the network.
pub fn access(addresses: &[String], named: impl Fn(&str) -> Option<String>) -> Access {
    let mut found = Access::Members;
    for address in addresses {
        match of(&place(address, &named)) {
            Access::Members => {}
            everybody @ Access::Everybody(_) => return everybody,
            unknown @ Access::Unknown(_) => found = unknown,
        }
    }
    found
}

fn of(place: &Place) -> Access {
    match place {
        Place::Local => Access::Members,
        Place::Open(host) => Access::Everybody(host.clone()),
        Place::Other(scheme) => Access::Unknown(format!("nobody can be asked over {scheme}")),
        Place::Http { pages, host, is_ssh } => {
            let Ok(runtime) = Runtime::new() else {
                return Access::Unknown("no connection can be made".to_owned());
            };
            let exchange = Exchange::default();
            if pages.is_empty() {
                return Access::Unknown(format!("{host} cannot be asked"));
            }
            let mut found = Access::Members;
            for page in pages {
                let policy = Policy { body: ENOUGH, elsewhere: true, ..Policy::within(PATIENCE) };
                let answer = runtime.block_on(exchange.send(&Request::get(page.clone()), &policy));
                match heard(answer.as_ref(), page, host, *is_ssh) {
                    Access::Members => {}
                    everybody @ Access::Everybody(_) => return everybody,
                    unknown @ Access::Unknown(_) => found = unknown,
                }
            }
            found
        }
    }
}

/// What an answer without credentials means.
fn heard(answer: Result<&Reply, &Lost>, page: &Url, host: &str, is_ssh: bool) -> Access {
    let is_public_host = PUBLIC_HOSTS.iter().any(|one| one.eq_ignore_ascii_case(host));
    // A place of which nothing else is known needs an account where it is reached over ssh.
    let doubtful = |why: String| {
        if is_ssh && !is_public_host { Access::Members } else { Access::Unknown(why) }
    };
    match answer {
        // It may be a name that only ssh knows.
        Err(lost) if matches!(lost.fault, Fault::NoSuchHost | Fault::NoNameServer | Fault::NoNetwork) => {
            Access::Unknown(lost.why.clone())
        }
        Err(lost) => doubtful(lost.why.clone()),
        Ok(reply) if reply.status == 401 => Access::Members,
        // Robots are told so, too.
        Ok(reply) if matches!(reply.status, 403 | 404) && !is_public_host => Access::Members,
        Ok(reply) if reply.status == 200 && is_git(reply) => Access::Everybody(host.to_owned()),
        // A page that asks for a login. Over plain HTTP it may be of anybody on the way.
        Ok(reply) if reply.status == 200 && page.scheme() == "https" && !is_public_host => Access::Members,
        Ok(reply) => doubtful(format!("{host} answered with status {}", reply.status)),
    }
}

/// Tells whether it lists references: as git's servers do, or as a file that a plain server has.
fn is_git(reply: &Reply) -> bool {
    let kind = reply.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-git-") {
        return true;
    }
    let first = reply.body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first.len() > 41
        && first.iter().take(40).all(u8::is_ascii_hexdigit)
        && first.get(40).is_some_and(|byte| *byte == b'\t' || byte.is_ascii_hexdigit())
}

fn place(address: &str, named: impl Fn(&str) -> Option<String>) -> Place {
    let Some((scheme, rest)) = address.split_once("://") else {
        // `host:path`, unless a slash comes first.
        if let Some((host, path)) = address.split_once("@[").and_then(|(_, rest)| rest.split_once("]:")) {
            return bracketed(host, path, &named);
        }
        if let Some((place, path)) = address.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
            return bracketed(place, path, &named);
        }
        return match address.split_once(':') {
            Some((_, rest)) if rest.starts_with(':') => {
                Place::Other(address.split(':').next().unwrap_or_default().to_owned())
            }
            Some((host, path)) if !host.contains('/') => over_ssh(host, path, None, named),
            _ => Place::Local,
        };
    };
    match scheme {
        "file" => Place::Local,
        "http" | "https" => {
            let Ok(mut url) = Url::parse(address) else { return Place::Other(scheme.to_owned()) };
            // Fails only for addresses without a host, which these cannot be.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            let host = url.host_str().unwrap_or_default().to_owned();
            Place::Http { pages: vec![asked(&url)], host, is_ssh: false }
        }
        "git" => Place::Open(host_of(rest).0.to_owned()),
        "ssh" | "git+ssh" | "ssh+git" => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (host, port) = host_of(host);
            over_ssh(host, path, port, named)
        }
        other => Place::Other(other.to_owned()),
    }
}

/// `[git@host:22]:path`, or an address of IPv6 in place of the host.
fn bracketed(place: &str, path: &str, named: impl Fn(&str) -> Option<String>) -> Place {
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    match host.split_once(':') {
        Some((host, port)) if !port.contains(':') => over_ssh(host, path, Some(port), named),
        Some(_) => over_ssh(&format!("[{host}]"), path, None, named),
        None => over_ssh(host, path, None, named),
    }
}

/// Host and port of an authority.
fn host_of(rest: &str) -> (&str, Option<&str>) {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (host, None),
    }
}

/// A place over ssh, with the pages at which the same host would show it over HTTPS.
fn over_ssh(host: &str, path: &str, port: Option<&str>, named: impl Fn(&str) -> Option<String>) -> Place {
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = named(host).unwrap_or_else(|| host.to_owned());
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    // Where ssh is let through by another port.
    let host = match host.as_str() {
        "ssh.github.com" => "github.com".to_owned(),
        "altssh.gitlab.com" => "gitlab.com".to_owned(),
        "altssh.bitbucket.org" => "bitbucket.org".to_owned(),
        _ => host,
    };
    if is_loopback(host.trim_matches(['[', ']'])) {
        return Place::Local;
    }
    let path = path.trim_start_matches('/');
    let mut paths = vec![path.to_owned()];
    if port == Some("7999") {
        // Bitbucket on a server of one's own.
        paths.push(format!("scm/{path}"));
    }
    let page = |path: &String| Url::parse(&format!("https://{host}/{path}")).ok().map(|url| asked(&url));
    Place::Http { pages: paths.iter().filter_map(page).collect(), host, is_ssh: true }
}

/// What git asks a repository over HTTP for first.
fn asked(repository: &Url) -> Url {
    let path = repository.path().trim_end_matches('/');
    let mut url = repository.clone();
    url.set_path(&format!("{path}/info/refs"));
    url.set_query(Some("service=git-upload-pack"));
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server that gives one answer to whoever asks, and returns what it was asked.
    fn answering(status: &str, kind: &str, body: &str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let asked: Vec<String> =
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            stream.write_all(answer.as_bytes()).unwrap();
            asked.join("\n")
        });
        (format!("http://me:secret@{address}/shop/api.git"), served)
    }

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn what_answers_without_an_account_is_read_by_everybody() {
        const REFS: &str = "application/x-git-upload-pack-advertisement";
        let id = "a".repeat(40);
        for (status, kind, body, wanted) in [
            ("200 OK", REFS, "001e# service=git-upload-pack\n", Access::Everybody("127.0.0.1".into())),
            (
                "200 OK",
                "text/plain",
                &format!("{id}\trefs/heads/main\n"),
                Access::Everybody("127.0.0.1".into()),
            ),
            ("401 Unauthorized", "text/plain", "log in", Access::Members),
            ("403 Forbidden", "text/plain", "", Access::Members),
            ("404 Not Found", "text/html", "<html>", Access::Members),
            (
                "200 OK",
                "text/html",
                "<html>log in",
                Access::Unknown("127.0.0.1 answered with status 200".into()),
            ),
            ("502 Bad Gateway", "", "", Access::Unknown("127.0.0.1 answered with status 502".into())),
        ] {
            let (address, served) = answering(status, kind, body);
            assert_eq!(access(&[address], none), wanted, "{status} {kind}");
            let asked = served.join().unwrap();
            assert!(
                asked.starts_with("GET /shop/api.git/info/refs?service=git-upload-pack HTTP/1.1"),
                "{asked}"
            );
            assert!(!asked.to_ascii_lowercase().contains("authorization"), "{asked}");
        }
    }

    #[test]
    fn one_address_that_everybody_reads_is_enough() {
        let (address, served) = answering("200 OK", "application/x-git-upload-pack-advertisement", "");
        assert_eq!(
            access(&["/srv/git/api.git".into(), address], none),
            Access::Everybody("127.0.0.1".into())
        );
        served.join().unwrap();
    }

    #[test]
    fn addresses_are_told_apart() {
        for local in ["/srv/git/api.git", "../api.git", "file:///srv/api.git", "./a:b", "git@localhost:api"] {
            assert_eq!(place(local, none), Place::Local, "{local}");
        }
        assert_eq!(place("git://git.example.com/api.git", none), Place::Open("git.example.com".into()));
        assert_eq!(place("ext::ssh x", none), Place::Other("ext".into()));
        assert_eq!(place("s3://bucket/api", none), Place::Other("s3".into()));
        let pages =
            |address: &str| match place(address, |host| (host == "work").then(|| "github.com".to_owned())) {
                Place::Http { pages, is_ssh: true, .. } => {
                    pages.iter().map(ToString::to_string).collect::<Vec<_>>()
                }
                other => panic!("{address}: {other:?}"),
            };
        let shop = "https://github.com/shop/api.git/info/refs?service=git-upload-pack";
        for address in [
            "git@github.com:shop/api.git",
            "work:shop/api.git",
            "ssh://git@github.com/shop/api.git",
            "ssh://git@ssh.github.com:443/shop/api.git",
        ] {
            assert_eq!(pages(address), [shop], "{address}");
        }
        assert_eq!(pages("ssh://git@git.example.com:7999/shop/api.git").len(), 2);
        for address in ["git@[github.com]:shop/api.git", "[git@github.com:22]:shop/api.git"] {
            assert_eq!(pages(address), [shop], "{address}");
        }
        assert_eq!(
            pages("[git@2001:db8::1]:shop/api.git"),
            ["https://[2001:db8::1]/shop/api.git/info/refs?service=git-upload-pack"]
        );
    }

    #[test]
    fn a_silent_host_is_trusted_only_where_an_account_is_needed_and_none_of_the_public_ones() {
        let page = Url::parse("https://git.example.com/api").unwrap();
        let lost = |fault| Err(Lost { fault, why: "no route".to_owned(), sent: false });
        let silent = lost(Fault::Unreachable);
        let heard = |host: &str, is_ssh| heard(silent.as_ref(), &page, host, is_ssh);
        assert_eq!(heard("git.example.com", true), Access::Members);
        assert_eq!(heard("git.example.com", false), Access::Unknown("no route".into()));
        assert_eq!(heard("GitHub.com", true), Access::Unknown("no route".into()));
        let unheard_of = lost(Fault::NoSuchHost);
        assert_eq!(
            super::heard(unheard_of.as_ref(), &page, "work", true),
            Access::Unknown("no route".into())
        );
    }
}

//! What sharing must be: a time that something is kept for, servers that can be trusted with an incident, a secret that is
//! declared.

use toml::de::DeTable;

use super::text;
use crate::config::problem::Problem;
use crate::config::types::Share;
use crate::text::address::is_loopback;
use crate::text::visible;

/// Reports every mistake of meaning in `[share]`. `secrets` are the names of those declared.
pub(super) fn check(share: &DeTable<'_>, secrets: &[&str], found: &mut Vec<Problem>) {
    if let Some((keep, span)) = text(share, "keep") {
        let typed = Share { keep: keep.to_owned(), ..Share::default() };
        if let Err(why) = typed.keeps_for() {
            let problem = Problem::new(span, format!("this is not how long something is kept: {why}"));
            found.push(problem.help("`90 days`, or leave it out to keep it for good"));
        }
    }
    if let Some((servers, span)) = text(share, "nats")
        && let Some((why, help)) = servers.split(',').find_map(|one| wrong(one.trim()))
    {
        found.push(Problem::new(span, why).help(help));
    }
    if let Some((name, span)) = text(share, "credentials")
        && !name.is_empty()
        && !secrets.contains(&name)
    {
        let problem = Problem::new(span, format!("unknown secret `{}`", visible(name)));
        found.push(if secrets.is_empty() {
            problem.help(format!("declare it: [[secrets]] with name = \"{}\"", visible(name)))
        } else {
            problem.suggest(name, secrets.iter().copied())
        });
    }
}

/// What is wrong with the address of a server, and what helps.
fn wrong(server: &str) -> Option<(&'static str, &'static str)> {
    const HOW: &str = "write it as `tls://nats.example.com:4222`";
    if server.is_empty() {
        return None;
    }
    let Some((scheme, rest)) = server.split_once("://") else { return Some(("this is no address", HOW)) };
    if rest.contains('@') {
        return Some(("this address holds a user or password", "name a secret as `credentials` instead"));
    }
    let host = rest.rsplit_once(':').map_or(rest, |(host, _)| host);
    match scheme {
        "tls" if !host.is_empty() => None,
        "nats" if is_loopback(host) => None,
        "nats" => Some(("anybody on the way could read what is sent there", HOW)),
        _ => Some(("this is no address of NATS", HOW)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_cannot_be_trusted_with_an_incident_are_told() {
        for fine in [
            "",
            "tls://nats.example.com",
            "tls://a.example.com:4222",
            "nats://127.0.0.1:4222",
            "nats://localhost",
        ] {
            assert_eq!(wrong(fine), None, "{fine}");
        }
        for (odd, why) in [
            ("nats.example.com", "no address"),
            ("nats://nats.example.com", "anybody on the way"),
            ("tls://maya:secret@nats.example.com", "user or password"),
            ("https://nats.example.com", "no address of NATS"),
            ("tls://", "no address of NATS"),
        ] {
            assert!(wrong(odd).unwrap().0.contains(why), "{odd}");
        }
    }
}

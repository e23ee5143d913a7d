//! Gathers what is known of a repository that is not for a shared screen: values of secrets, hosts, mail addresses and
//! configured words.

use std::path::Path;

use serde_json::Value;

use super::process::host;
use super::secrets::known;
use crate::config::types::Config;
use crate::hotfix::git::Reader;
use crate::incident::Checkout as _;
use crate::text::veil::Private;

/// What is known. Words count only once the configuration `is_trusted`: nobody else's file hides what is asked about.
pub fn private(config: &Config, is_trusted: bool, root: &Path) -> Private {
    let mut private = Private { secrets: known(config, root), ..Private::default() };
    look(&serde_json::to_value(config).unwrap_or_default(), "", &mut private);
    if is_trusted {
        private.words.clone_from(&config.present.words);
    }
    let remotes = Reader::open(root).map(|reader| reader.remotes()).unwrap_or_default();
    for remote in remotes.iter().filter(|remote| !remote.starts_with('/')) {
        add_host(remote.split(['/', ':']).next().unwrap_or_default(), &mut private);
    }
    let here = host();
    // One that is called as something on the screen would take that away.
    let named = config.environments.iter().map(|env| env.name.as_str()).chain([config.service.name.as_str()]);
    if here != "localhost"
        && !named.chain(config.probes.iter().map(|probe| probe.name.as_str())).any(|it| it == here)
    {
        private.hosts.push(here);
    }
    for list in [&mut private.hosts, &mut private.mails, &mut private.words] {
        list.sort();
        list.dedup();
    }
    private
}

/// Looks through all texts of the settings.
fn look(value: &Value, name: &str, private: &mut Private) {
    match value {
        Value::String(text) => in_text(text, name, private),
        Value::Array(items) => items.iter().for_each(|item| look(item, name, private)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| look(field, name, private)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn in_text(text: &str, name: &str, private: &mut Private) {
    if name == "host" {
        add_host(text, private);
    }
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | ',' | ';');
    for word in text.split(is_end) {
        if let Some((_, rest)) = word.split_once("://") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            add_host(host.split(':').next().unwrap_or_default(), private);
        } else if let Some((user, rest)) = word.split_once('@').filter(|(user, _)| !user.is_empty()) {
            match rest.split_once(':') {
                // `git@host:path`
                Some((host, _)) => add_host(host, private),
                None if !rest.is_empty() && !user.contains('{') && !rest.contains(['{', '@']) => {
                    private.mails.push(word.trim_end_matches('.').to_owned());
                }
                None => {}
            }
        }
    }
}

/// Adds the name of a host. One without a dot is a word like any other: it is masked only where it stands in an address.
fn add_host(host: &str, private: &mut Private) {
    let is_one = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.trim_matches('.').contains('.') && host.chars().all(is_one) {
        private.hosts.push(host.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_mail_addresses_and_words_are_found_wherever_they_are_configured() {
        let config: Config = toml::from_str(
            r#"
            [present]
            words = ["Example Bank"]
            [[people]]
            name = "maya"
            reach = "+49 30 123456, maya@shop.example or @maya"
            [[environments]]
            name = "production"
            deploy = ["ssh", "deploy@app-1.corp-net:22", "--to", "https://registry.corp-net/x"]
            [[probes]]
            name = "health"
            environment = "production"
            url = "http://user:pw@api.corp-net:8080/health"
            [[probes]]
            name = "inner"
            environment = "production"
            url = "http://payments:8080/health"
            [[secrets]]
            name = "ABSENT"
            "#,
        )
        .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let found = private(&config, true, dir.path());
        for host in ["api.corp-net", "app-1.corp-net", "registry.corp-net"] {
            assert!(found.hosts.iter().any(|one| one == host), "{host}: {:?}", found.hosts);
        }
        assert!(!found.hosts.iter().any(|one| one == "payments"), "{:?}", found.hosts);
        assert_eq!(found.mails, ["maya@shop.example"]);
        assert_eq!(found.words, ["Example Bank"]);
        assert!(private(&config, false, dir.path()).words.is_empty(), "nobody has trusted it");
    }
}

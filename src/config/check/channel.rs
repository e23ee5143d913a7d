//! What a channel must be: it goes to somebody, and what its kind needs is there and nothing else.

use toml::Spanned;
use toml::de::DeValue;

use super::{Need, command, entries, place, table, text, texts, variables};
use crate::config::problem::Problem;
use crate::config::types::not_an_address;
use crate::text::visible;

/// The keys that only channels of some kinds have.
const OF_KINDS: [(&str, &[&str]); 13] = [
    (
        "secret",
        &[
            "slack",
            "pagerduty",
            "slack-webhook",
            "teams",
            "mattermost",
            "discord",
            "google-chat",
            "ntfy",
            "webhook",
        ],
    ),
    ("url", &["slack", "pagerduty", "ntfy", "webhook"]),
    ("to", &["slack"]),
    ("headers", &["ntfy", "webhook"]),
    ("body", &["webhook"]),
    ("limit", &["webhook"]),
    ("command", &["command"]),
    ("env", &["command"]),
    ("pin", &["slack"]),
    ("api_token", &["pagerduty"]),
    ("api_url", &["pagerduty"]),
    ("service", &["pagerduty"]),
    ("escalation_policy", &["pagerduty"]),
];

/// Reports every mistake of meaning in a channel. `secrets` are the names of those declared.
pub(super) fn check(entry: &Spanned<DeValue<'_>>, secrets: &[&str], found: &mut Vec<Problem>) {
    let Some(channel) = entry.get_ref().as_table() else { return };
    let here = place(channel, entry.span());
    let mut missing = |what: &str, help: &str| {
        found.push(Problem::new(here.clone(), what).help(help.to_owned()));
    };
    if channel.contains_key("audiences") && entries(channel, "audiences").next().is_none() {
        missing("`audiences` is empty: this channel reaches nobody", "audiences = [\"stakeholders\"]");
    }
    let Some((kind, _)) = text(channel, "kind") else { return };
    let has = |key: &str| channel.contains_key(key);
    match kind {
        "slack-webhook" | "teams" | "mattermost" | "discord" | "google-chat" if !has("secret") => missing(
            "`secret` is missing: the address of a webhook is a secret",
            "secret = \"CHAT_WEBHOOK\", and declare it under [[secrets]]",
        ),
        "slack" if !has("secret") => missing(
            "`secret` is missing: the token of the bot is one",
            "secret = \"SLACK_BOT_TOKEN\", and declare it under [[secrets]]",
        ),
        "pagerduty" if !has("secret") => missing(
            "`secret` is missing: the integration key is one",
            "secret = \"PAGERDUTY_KEY\", and declare it under [[secrets]]",
        ),
        "slack" if !has("to") => missing("`to` is missing: the id of the channel", "to = \"C0123456789\""),
        "webhook" | "ntfy" if has("secret") == has("url") => missing(
            "it needs either `url`, or `secret` with the name of one that holds the address",
            "url = \"https://chat.example/hooks/…\"",
        ),
        "command" if !has("command") => {
            missing("`command` is missing", "program and arguments: command = [\"./tell.sh\"]");
        }
        _ => {}
    }
    for (key, kinds) in OF_KINDS {
        if let Some((name, _)) = channel.get_key_value(key).filter(|_| !kinds.contains(&kind)) {
            let message = format!("a channel of kind `{}` has no `{key}`", visible(kind));
            found.push(Problem::new(name.span(), message));
        }
    }
    for key in ["secret", "api_token"] {
        if let Some((secret, span)) = text(channel, key).filter(|(secret, _)| !secrets.contains(secret)) {
            found.push(undeclared(secret, secrets, span));
        }
    }
    for key in ["url", "api_url"] {
        if let Some((url, span)) = text(channel, key)
            && let Some(why) = not_an_address(url)
        {
            found.push(Problem::new(span, format!("the address {why}")));
        }
    }
    if let Some((key, _)) = ["service", "escalation_policy", "api_url"]
        .iter()
        .find_map(|key| channel.get_key_value(*key))
        .filter(|_| !channel.contains_key("api_token"))
    {
        let problem =
            Problem::new(key.span(), format!("`{}` says nothing without `api_token`", key.get_ref()));
        found.push(
            problem.help("api_token = \"PAGERDUTY_TOKEN\", and declare it under [[secrets]]".to_owned()),
        );
    }
    if let Some(headers) = table(channel, "headers") {
        for (value, span) in headers.keys().filter_map(|name| text(headers, name.get_ref())) {
            for secret in crate::text::placeholder::names(value).filter(|name| !secrets.contains(name)) {
                found.push(undeclared(secret, secrets, span.clone()));
            }
        }
    }
    command(channel, "command", Need::Program, found);
    variables(channel, found);
    for (_, span) in texts(channel, "audiences").filter(|(audience, _)| audience.trim().is_empty()) {
        found.push(Problem::new(span, "an audience cannot be empty"));
    }
}

fn undeclared(name: &str, secrets: &[&str], span: std::ops::Range<usize>) -> Problem {
    let problem = Problem::new(span, format!("there is no secret `{}`", visible(name)));
    if secrets.is_empty() {
        return problem.help(format!("declare it: [[secrets]] with name = \"{}\"", visible(name)));
    }
    problem.suggest(name, secrets.iter().copied())
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    fn problems(text: &str) -> Vec<String> {
        load::parse(text.as_bytes()).map_or_else(|invalid| invalid.lines(), |_| Vec::new())
    }

    #[test]
    fn a_channel_has_what_its_kind_needs_and_names_declared_secrets() {
        let start = "[[secrets]]\nname = \"HOOK\"\n[[channels]]\nname = \"a\"\n";
        for sound in [
            "kind = \"slack-webhook\"\nsecret = \"HOOK\"\naudiences = [\"stakeholders\"]\n",
            "kind = \"webhook\"\nsecret = \"HOOK\"\naudiences = [\"executives\"]\n",
            "kind = \"webhook\"\nurl = \"https://chat.example/\"\nheaders = { Authorization = \"Bearer {secret:HOOK}\" }\naudiences = [\"x\"]\n",
            "kind = \"slack\"\nsecret = \"HOOK\"\nto = \"C1\"\naudiences = [\"x\"]\n",
            "kind = \"teams\"\nsecret = \"HOOK\"\naudiences = [\"x\"]\nmention = \"\"\n",
            "kind = \"pagerduty\"\nsecret = \"HOOK\"\napi_token = \"HOOK\"\nservice = \"P1\"\naudiences = [\"on-call\"]\n",
            "kind = \"ntfy\"\nurl = \"https://ntfy.example/incidents\"\naudiences = [\"x\"]\n",
            "kind = \"command\"\ncommand = [\"./tell.sh\"]\naudiences = [\"x\"]\nenv = [\"HOOK\"]\n",
        ] {
            let found = problems(&format!("{start}{sound}"));
            assert!(found.is_empty(), "{sound}: {found:?}");
        }
        let rest = "audiences = [\"stakeholders\"]\n";
        for (bad, said) in [
            ("kind = \"slack-webhook\"\n", "`secret` is missing"),
            ("kind = \"slack-webhook\"\nsecret = \"HOK\"\n", "there is no secret `HOK`"),
            ("kind = \"slack-webhook\"\nsecret = \"HOOK\"\nurl = \"https://x.example/\"\n", "has no `url`"),
            ("kind = \"webhook\"\n", "it needs either"),
            ("kind = \"teams\"\n", "`secret` is missing"),
            ("kind = \"slack\"\nsecret = \"HOOK\"\n", "`to` is missing"),
            ("kind = \"discord\"\nsecret = \"HOOK\"\nto = \"C1\"\n", "has no `to`"),
            ("kind = \"webhook\"\nurl = \"ftp://x\"\n", "the address has to begin with"),
            (
                "kind = \"webhook\"\nurl = \"https://x.example\"\nheaders = { A = \"{secret:NO}\" }\n",
                "there is no secret `NO`",
            ),
            ("kind = \"command\"\n", "`command` is missing"),
            ("kind = \"pagerduty\"\nsecret = \"HOOK\"\napi_token = \"NO\"\n", "there is no secret `NO`"),
            (
                "kind = \"pagerduty\"\nsecret = \"HOOK\"\nservice = \"P1\"\n",
                "says nothing without `api_token`",
            ),
            ("kind = \"teams\"\nsecret = \"HOOK\"\napi_token = \"HOOK\"\n", "has no `api_token`"),
            ("kind = \"pigeon\"\n", "`kind` cannot be `pigeon`"),
        ] {
            let found = problems(&format!("{start}{bad}{rest}"));
            assert!(found.iter().any(|line| line.contains(said)), "{bad}: {found:?}");
        }
        let nobody =
            problems(&format!("{start}kind = \"webhook\"\nurl = \"https://x.example\"\naudiences = []\n"));
        assert!(nobody.iter().any(|line| line.contains("this channel reaches nobody")), "{nobody:?}");
    }
}

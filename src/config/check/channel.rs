//! What a channel must be: it goes to somebody, and what its kind needs is there and nothing else.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Need, command, entries, place, table, tables, text, texts, variables};
use crate::comms::wire::mistake_of_body;
use crate::config::problem::Problem;
use crate::config::types::{Mailbox, not_an_address};
use crate::incident::Policy;
use crate::text::address::is_loopback;
use crate::text::{nearest, placeholder, visible};

/// The keys that only channels of some kinds have.
const OF_KINDS: [(&str, &[&str]); 25] = [
    (
        "secret",
        &[
            "slack",
            "pagerduty",
            "jsm",
            "statuspage",
            "smtp",
            "slack-webhook",
            "teams",
            "mattermost",
            "discord",
            "google-chat",
            "ntfy",
            "webhook",
        ],
    ),
    ("url", &["slack", "pagerduty", "jsm", "statuspage", "ntfy", "webhook"]),
    ("to", &["slack", "statuspage", "smtp"]),
    ("from", &["smtp"]),
    ("reply_to", &["smtp"]),
    ("host", &["smtp"]),
    ("port", &["smtp"]),
    ("tls", &["smtp"]),
    ("ca_file", &["smtp"]),
    ("user", &["smtp", "jsm"]),
    ("changes", &["pagerduty"]),
    ("notify", &["statuspage"]),
    ("components", &["statuspage"]),
    ("headers", &["ntfy", "webhook"]),
    ("body", &["webhook"]),
    ("limit", &["webhook"]),
    ("command", &["command"]),
    ("env", &["command"]),
    ("pin", &["slack"]),
    ("api_token", &["pagerduty", "jsm"]),
    ("api_url", &["pagerduty", "jsm"]),
    ("cloud", &["jsm"]),
    ("schedule", &["jsm"]),
    ("service", &["pagerduty"]),
    ("escalation_policy", &["pagerduty"]),
];

/// Whom messages and pages go to: audiences and roles of the policy, and people.
pub(super) fn audiences(root: &DeTable<'_>) -> Vec<String> {
    let built_in = Policy::built_in();
    let own = table(root, "policy").into_iter().flat_map(|own| {
        ["audiences", "roles"]
            .into_iter()
            .flat_map(|list| tables(own, list))
            .filter_map(|one| text(one, "id"))
    });
    let people = tables(root, "people").filter_map(|person| text(person, "name"));
    let named = own.chain(people).map(|(name, _)| name.to_owned());
    let audiences = built_in.audiences.iter().map(|audience| audience.id.clone());
    audiences.chain(built_in.roles.iter().map(|role| role.id.clone())).chain(named).collect()
}

/// Reports every mistake of meaning in a channel. `secrets` are the names of those declared, `audiences` who is known.
pub(super) fn check(
    entry: &Spanned<DeValue<'_>>,
    secrets: &[&str],
    audiences: &[String],
    found: &mut Vec<Problem>,
) {
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
        "jsm" if !has("secret") => missing(
            "`secret` is missing: the key of the integration is one",
            "secret = \"JSM_KEY\", and declare it under [[secrets]]",
        ),
        "statuspage" if !has("secret") => missing(
            "`secret` is missing: the key of the API is one",
            "secret = \"STATUSPAGE_KEY\", and declare it under [[secrets]]",
        ),
        "statuspage" if !has("to") => missing("`to` is missing: the id of the page", "to = \"kctbh9vrtdwd\""),
        "statuspage" if !has("notify") => missing(
            "`notify` is missing: say whether subscribers of the page are notified",
            "notify = false, or notify = true",
        ),
        "smtp" if !has("host") => {
            missing("`host` is missing: the mail server", "host = \"smtp.example.com\"");
        }
        "smtp" if !has("from") => missing(
            "`from` is missing: the address that it comes from",
            "from = \"Incidents <incidents@example.com>\"",
        ),
        "smtp" if !has("to") => {
            missing("`to` is missing: the address that it goes to", "to = [\"board@example.com\"]");
        }
        "smtp" if has("secret") != has("user") => missing(
            "`user` and `secret` belong together: who logs in, and with which password",
            "user = \"incidents\" and secret = \"SMTP_PASSWORD\", or neither",
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
            found.push(Problem::new(span, format!("the address {}", why.replace("`token`", "`secret`"))));
        } else if let Some((url, span)) = text(channel, key)
            && is_in_the_clear(url)
            && (if key == "url" { is_sent_a_secret(channel) } else { channel.contains_key("api_token") })
        {
            let problem = Problem::new(span, "a secret would go over the network for everybody to read");
            found.push(problem.help("begin the address with https://; http:// only to this machine"));
        }
    }
    if kind == "jsm" {
        jsm(channel, found);
    }
    if let Some((key, _)) = ["service", "escalation_policy", "api_url", "cloud"]
        .iter()
        .find_map(|key| channel.get_key_value(*key))
        .filter(|_| !channel.contains_key("api_token"))
    {
        let problem =
            Problem::new(key.span(), format!("`{}` says nothing without `api_token`", key.get_ref()));
        let token = if kind == "jsm" { "ATLASSIAN_TOKEN" } else { "PAGERDUTY_TOKEN" };
        found.push(problem.help(format!("api_token = \"{token}\", and declare it under [[secrets]]")));
    }
    if let Some(headers) = table(channel, "headers") {
        for (name, (value, span)) in
            headers.keys().filter_map(|name| Some((name, text(headers, name.get_ref())?)))
        {
            header(name, value, span.clone(), found);
            for secret in placeholder::names(value).filter(|name| !secrets.contains(name)) {
                found.push(undeclared(secret, secrets, span.clone()));
            }
        }
    }
    if let Some((body, span)) = text(channel, "body").filter(|_| kind == "webhook")
        && let Some(why) = mistake_of_body(body)
    {
        let problem = Problem::new(span, why);
        found.push(problem.help("it can name text, title, body, kind, audience, severity and incident"));
    }
    if kind == "smtp" {
        mail(channel, found);
    } else if let Some((_, several)) = channel.get_key_value("to").filter(|(_, to)| to.get_ref().is_array()) {
        found.push(Problem::new(
            several.span(),
            format!("`to` of a channel of kind `{}` is one", visible(kind)),
        ));
    }
    command(channel, "command", Need::Program, found);
    variables(channel, found);
    let known: Vec<&str> = audiences.iter().map(String::as_str).collect();
    for (audience, span) in texts(channel, "audiences") {
        if audience.trim().is_empty() {
            found.push(Problem::new(span, "an audience cannot be empty"));
        } else if !known.contains(&audience) && nearest(audience, &known).is_some() {
            // Any other is somebody that only messages are sent to.
            let problem = Problem::new(span, format!("unknown audience `{}`", visible(audience)));
            found.push(problem.suggest(audience, known.iter().copied()));
        }
    }
}

/// Tells whether what goes to an address can be read by everybody on the way.
fn is_in_the_clear(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(host) => host.split(']').next(),
        None => host.split(':').next(),
    };
    !is_loopback(host.unwrap_or_default())
}

/// Tells whether a secret goes to the address of a channel.
fn is_sent_a_secret(channel: &DeTable<'_>) -> bool {
    let headers = table(channel, "headers");
    let mut values = headers
        .into_iter()
        .flat_map(|headers| headers.keys().filter_map(|name| text(headers, name.get_ref())));
    channel.contains_key("secret") || values.any(|(value, _)| placeholder::has_one(value))
}

/// Headers of a webhook: those that only the program itself can say, and values that are no header's.
fn header(name: &Spanned<DeString<'_>>, value: &str, span: Range<usize>, found: &mut Vec<Problem>) {
    let ours = ["host", "content-length", "transfer-encoding", "connection"];
    if ours.contains(&name.get_ref().to_ascii_lowercase().as_str()) {
        let problem =
            Problem::new(name.span(), format!("the header `{}` is not yours to set", name.get_ref()));
        found.push(problem.help("leave it out: it is made of the address and the body"));
    } else if name.get_ref().is_empty() || !name.get_ref().bytes().all(is_of_a_header) {
        found.push(Problem::new(name.span(), "this is not the name of a header"));
    } else if value.chars().any(char::is_control) {
        found.push(Problem::new(span, "a header cannot hold line breaks or other control characters"));
    }
}

/// Tells whether a byte may stand in the name of a header.
fn is_of_a_header(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What belongs together to ask a site of Jira.
fn jsm(channel: &DeTable<'_>, found: &mut Vec<Problem>) {
    let without = |key: &str| channel.get_key_value(key).filter(|_| !channel.contains_key("cloud"));
    if let Some((key, _)) = ["user", "schedule", "api_url"].iter().find_map(|key| without(key)) {
        let problem = Problem::new(key.span(), format!("`{}` says nothing without `cloud`", key.get_ref()));
        found.push(problem.help("cloud = \"…\": https://SITE.atlassian.net/_edge/tenant_info tells it"));
    }
    if let Some((key, _)) = channel.get_key_value("cloud").filter(|_| !channel.contains_key("user")) {
        let problem = Problem::new(key.span(), "`user` is missing: the account that `api_token` belongs to");
        found.push(problem.help("user = \"ops@example.com\""));
    }
}

/// What only mail has: addresses, and a password that is not sent in the clear.
fn mail(channel: &DeTable<'_>, found: &mut Vec<Problem>) {
    let single = ["from", "reply_to", "to"].into_iter().filter_map(|key| text(channel, key));
    for (_, span) in single.chain(texts(channel, "to")).filter(|(address, _)| Mailbox::of(address).is_none())
    {
        let problem = Problem::new(span, "this is not an address of mail");
        found.push(problem.help("incidents@example.com, or Incidents <incidents@example.com>"));
    }
    if let Some((_, to)) = channel
        .get_key_value("to")
        .filter(|(_, to)| to.get_ref().as_array().is_some_and(|all| all.iter().next().is_none()))
    {
        found.push(Problem::new(to.span(), "`to` is empty: it goes to nobody"));
    }
    if let Some((key, _)) = channel.get_key_value("ca_file")
        && text(channel, "tls").is_some_and(|(tls, _)| tls == "none")
    {
        found.push(Problem::new(key.span(), "`ca_file` says nothing where `tls` is none"));
    }
    let host = text(channel, "host").map(|(host, _)| host).unwrap_or_default();
    if let Some((_, span)) = text(channel, "tls").filter(|(tls, _)| *tls == "none")
        && channel.contains_key("secret")
        && !is_loopback(host)
    {
        let problem = Problem::new(span, "the password would go over the network for everybody to read");
        found
            .push(problem.help("tls = \"implicit\" or tls = \"starttls\", or leave `user` and `secret` out"));
    }
}

fn undeclared(name: &str, secrets: &[&str], span: Range<usize>) -> Problem {
    let problem = Problem::new(span, format!("unknown secret `{}`", visible(name)));
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
            "kind = \"webhook\"\nurl = \"http://x.example\"\nheaders = { A = \"x\" }\naudiences = [\"x\"]\n",
            "kind = \"slack\"\nsecret = \"HOOK\"\nto = \"C1\"\nurl = \"http://[::1]:80/api\"\naudiences = [\"x\"]\n",
            "kind = \"command\"\ncommand = [\"./tell.sh\"]\naudiences = [\"x\"]\nenv = [\"HOOK\"]\n",
            "kind = \"jsm\"\nsecret = \"HOOK\"\nurl = \"https://jsm.example/v2/alerts\"\naudiences = [\"on-call\"]\napi_token = \"HOOK\"\n",
            "kind = \"jsm\"\nsecret = \"HOOK\"\naudiences = [\"on-call\"]\n",
            "kind = \"jsm\"\nsecret = \"HOOK\"\naudiences = [\"on-call\"]\napi_token = \"HOOK\"\nuser = \"a@b.example\"\ncloud = \"c\"\nschedule = \"s\"\n",
            "kind = \"statuspage\"\nsecret = \"HOOK\"\nto = \"k1\"\nnotify = false\ncomponents = { a1 = \"by_severity\" }\naudiences = [\"x\"]\n",
            "kind = \"smtp\"\nhost = \"mail.example\"\nfrom = \"Us <us@shop.example>\"\nto = [\"a@shop.example\", \"B <b@shop.example>\"]\nuser = \"us\"\nsecret = \"HOOK\"\naudiences = [\"x\"]\n",
            "kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = 2525\ntls = \"none\"\nfrom = \"us@shop.example\"\nto = \"a@shop.example\"\nuser = \"us\"\nsecret = \"HOOK\"\naudiences = [\"x\"]\n",
        ] {
            let found = problems(&format!("{start}{sound}"));
            assert!(found.is_empty(), "{sound}: {found:?}");
        }
        let rest = "audiences = [\"stakeholders\"]\n";
        for (bad, said) in [
            ("kind = \"slack-webhook\"\n", "`secret` is missing"),
            ("kind = \"slack-webhook\"\nsecret = \"HOK\"\n", "unknown secret `HOK`"),
            ("kind = \"slack-webhook\"\nsecret = \"HOOK\"\nurl = \"https://x.example/\"\n", "has no `url`"),
            ("kind = \"webhook\"\n", "it needs either"),
            ("kind = \"teams\"\n", "`secret` is missing"),
            ("kind = \"slack\"\nsecret = \"HOOK\"\n", "`to` is missing"),
            ("kind = \"discord\"\nsecret = \"HOOK\"\nto = \"C1\"\n", "has no `to`"),
            ("kind = \"webhook\"\nurl = \"ftp://x\"\n", "the address has to begin with"),
            (
                "kind = \"webhook\"\nurl = \"https://x.example\"\nheaders = { A = \"{secret:NO}\" }\n",
                "unknown secret `NO`",
            ),
            ("kind = \"webhook\"\nurl = \"https://x.example\"\nbody = '{{ nope '\n", "`body`, line 1: "),
            (
                "kind = \"webhook\"\nurl = \"https://x.example\"\nbody = \"{\\n{{ nope }}\"\n",
                "`body`, line 2: ",
            ),
            (
                "kind = \"webhook\"\nurl = \"https://x.example\"\nbody = '{% include \"x\" %}'\n",
                "`body`, line 1: ",
            ),
            (
                "kind = \"webhook\"\nurl = \"https://x.example/{secret:HOOK}\"\n",
                "cannot hold a secret: name it as `secret`",
            ),
            (
                "kind = \"webhook\"\nurl = \"http://x.example\"\nheaders = { A = \"{secret:HOOK}\" }\n",
                "for everybody to read",
            ),
            (
                "kind = \"slack\"\nsecret = \"HOOK\"\nto = \"C1\"\nurl = \"http://x.example:80/api\"\n",
                "for everybody to read",
            ),
            (
                "kind = \"pagerduty\"\nsecret = \"HOOK\"\napi_token = \"HOOK\"\napi_url = \"http://10.0.0.1\"\n",
                "for everybody to read",
            ),
            (
                "kind = \"webhook\"\nurl = \"https://x.example\"\nheaders = { HOST = \"x\" }\n",
                "not yours to set",
            ),
            (
                "kind = \"webhook\"\nurl = \"https://x.example\"\nheaders = { A = \"x\\r\\nB: y\" }\n",
                "cannot hold line breaks",
            ),
            (
                "kind = \"webhook\"\nurl = \"https://x.example\"\nheaders = { \"A B\" = \"x\" }\n",
                "name of a header",
            ),
            ("kind = \"command\"\n", "`command` is missing"),
            ("kind = \"pagerduty\"\nsecret = \"HOOK\"\napi_token = \"NO\"\n", "unknown secret `NO`"),
            (
                "kind = \"pagerduty\"\nsecret = \"HOOK\"\nservice = \"P1\"\n",
                "says nothing without `api_token`",
            ),
            ("kind = \"teams\"\nsecret = \"HOOK\"\napi_token = \"HOOK\"\n", "has no `api_token`"),
            ("kind = \"jsm\"\n", "`secret` is missing"),
            ("kind = \"jsm\"\nsecret = \"HOOK\"\nschedule = \"s\"\n", "says nothing without `cloud`"),
            (
                "kind = \"jsm\"\nsecret = \"HOOK\"\ncloud = \"c\"\nuser = \"a\"\n",
                "says nothing without `api_token`",
            ),
            ("kind = \"jsm\"\nsecret = \"HOOK\"\ncloud = \"c\"\napi_token = \"HOOK\"\n", "`user` is missing"),
            ("kind = \"statuspage\"\nsecret = \"HOOK\"\nto = \"k1\"\n", "`notify` is missing"),
            ("kind = \"statuspage\"\nsecret = \"HOOK\"\nto = [\"k1\"]\nnotify = true\n", "is one"),
            ("kind = \"smtp\"\nfrom = \"a@b.example\"\nto = \"a@b.example\"\n", "`host` is missing"),
            ("kind = \"smtp\"\nhost = \"m\"\nto = \"a@b.example\"\n", "`from` is missing"),
            (
                "kind = \"smtp\"\nhost = \"m\"\nfrom = \"a@b.example\"\nto = \"board\"\n",
                "not an address of mail",
            ),
            ("kind = \"smtp\"\nhost = \"m\"\nfrom = \"a@b.example\"\nto = []\n", "`to` is empty"),
            (
                "kind = \"smtp\"\nhost = \"m\"\nfrom = \"a@b.example\\nBcc: x@y.example\"\nto = \"a@b.example\"\n",
                "not an address of mail",
            ),
            (
                "kind = \"smtp\"\nhost = \"m\"\nfrom = \"a@b.example\"\nto = \"a@b.example\"\nsecret = \"HOOK\"\n",
                "belong together",
            ),
            (
                "kind = \"smtp\"\nhost = \"m\"\ntls = \"none\"\nfrom = \"a@b.example\"\nto = \"a@b.example\"\nuser = \"u\"\nsecret = \"HOOK\"\n",
                "for everybody to read",
            ),
            (
                "kind = \"smtp\"\nhost = \"m\"\ntls = \"none\"\nfrom = \"a@b.example\"\nto = \"a@b.example\"\nca_file = \"ca.pem\"\n",
                "says nothing where `tls` is none",
            ),
            ("kind = \"pigeon\"\n", "`kind` cannot be `pigeon`"),
        ] {
            let found = problems(&format!("{start}{bad}{rest}"));
            assert!(found.iter().any(|line| line.contains(said)), "{bad}: {found:?}");
        }
        let typed =
            problems(&format!("{start}kind = \"teams\"\nsecret = \"HOOK\"\naudiences = [\"stakeholder\"]\n"));
        assert!(typed.iter().any(|line| line.contains("unknown audience `stakeholder`")), "{typed:?}");
        let near = problems(&format!("{start}kind = \"statuspag\"\naudiences = [\"x\"]\n"));
        assert!(near.iter().any(|line| line.contains("`statuspage`")), "{near:?}");
        let nobody =
            problems(&format!("{start}kind = \"webhook\"\nurl = \"https://x.example\"\naudiences = []\n"));
        assert!(nobody.iter().any(|line| line.contains("this channel reaches nobody")), "{nobody:?}");
    }
}

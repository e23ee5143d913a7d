//! Takes what is a credential out of the addresses that a text holds: user names and passwords,
//! the values of queries, and the secret part of a webhook.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

/// What stands for a credential.
pub const MARK: &str = "…";

/// Words in the path of an address after which everything is a secret.
const HOOKS: [&str; 6] = ["hooks", "hook", "webhook", "webhooks", "webhookb2", "integration"];

/// A text without the credentials of its addresses.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    without(text, &credentials(text))
}

/// A text without some parts of it, which are in order.
pub fn without<'a>(text: &'a str, parts: &[Range<usize>]) -> Cow<'a, str> {
    if parts.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for part in parts {
        out.push_str(text.get(at..part.start).unwrap_or_default());
        out.push_str(MARK);
        at = part.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(out)
}

/// Tells whether a text is the address of a page and nothing more: encrypted, with no user, no query, and no
/// character that means something to whoever shows it.
pub fn is_page(text: &str) -> bool {
    /// More than any page of a code host needs.
    const LONGEST: usize = 500;
    let Some(rest) = text.strip_prefix("https://").filter(|_| text.len() <= LONGEST) else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_of =
        |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    host.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_of(host, b"-.:") && is_of(path, b"-._~%/:")
}

/// Tells whether a host is this machine by definition: `localhost`, 127.0.0.0/8, `::1`.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Takes the credentials of addresses, and the values of headers, out of all that a value holds; also of
/// JSON that is kept as a text.
pub fn take_secrets(value: &mut Value) {
    match value {
        Value::String(text) => {
            let inner = text.starts_with('{').then(|| serde_json::from_str::<Value>(text).ok()).flatten();
            *text = match inner {
                Some(mut inner) => {
                    take_secrets(&mut inner);
                    inner.to_string()
                }
                None => without_credentials(text).into_owned(),
            };
        }
        Value::Array(items) => {
            for item in items {
                take_secrets(item);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::Object(headers) if name == "headers" => {
                        for value in headers.values_mut() {
                            *value = MARK.into();
                        }
                    }
                    other => take_secrets(other),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Where the credentials of all addresses in a text are, in order.
pub fn credentials(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (scheme, rest) in each(text) {
        in_address(
            text.get(scheme).unwrap_or_default(),
            text.get(rest.clone()).unwrap_or_default(),
            rest.start,
            &mut found,
        );
    }
    found
}

/// The addresses that a text holds.
pub fn addresses(text: &str) -> impl Iterator<Item = &str> {
    each(text).into_iter().filter_map(move |(scheme, rest)| text.get(scheme.start..rest.end))
}

/// Where the addresses of a text are: scheme, and what follows its separator.
fn each(text: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(separator) = text.get(at..).and_then(|rest| rest.find("://")).map(|next| at + next) {
        let start = separator + "://".len();
        at = start;
        let before = text.get(..separator).unwrap_or_default();
        let scheme = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c)).len();
        if scheme == separator || before.get(..scheme).is_some_and(ends_in_a_letter) {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(ends_address).unwrap_or(rest.len());
        found.push((scheme..separator, start..start + end));
        at = start + end;
    }
    found
}

/// No scheme begins in the middle of a word of another script.
fn ends_in_a_letter(text: &str) -> bool {
    text.chars().next_back().is_some_and(char::is_alphanumeric)
}

fn in_address(scheme: &str, rest: &str, start: usize, found: &mut Vec<Range<usize>>) {
    let host_ends = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(host_ends);
    let mut host = authority;
    if let Some((user, after)) = authority.rsplit_once('@') {
        host = after;
        // A user name alone is no secret, except where it stands for a token.
        if !user.is_empty()
            && (scheme.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("http")) || user.contains(':'))
        {
            found.push(start..start + user.len());
        }
    }
    let path_ends = tail.find(['?', '#']).unwrap_or(tail.len());
    let (path, query) = tail.split_at(path_ends);
    if let Some(from) = secret_path(host, path) {
        found.push(start + host_ends + from..start + host_ends + path.len());
    }
    let mut at = start + host_ends + path_ends;
    for pair in query.split_inclusive(['?', '#', '&', ';']) {
        let value = pair.trim_end_matches(['?', '#', '&', ';']);
        let from = value.find('=').map_or(0, |equals| equals + 1);
        if from < value.len() {
            found.push(at + from..at + value.len());
        }
        at += pair.len();
    }
}

/// Where in the path of a webhook its secret begins.
fn secret_path(host: &str, path: &str) -> Option<usize> {
    let host = host.to_ascii_lowercase();
    let is_hooks = |label: &str| label == "hooks" || label.contains("webhook");
    let mut at = 0;
    let mut secret = host.split('.').next().is_some_and(is_hooks) || host.contains(".webhook.");
    for part in path.split_inclusive('/') {
        let name = part.trim_end_matches('/');
        let is_bot = name.strip_prefix("bot").is_some_and(|rest| rest.contains(':'));
        if (secret || is_bot) && !name.is_empty() {
            return Some(at);
        }
        secret = secret || HOOKS.contains(&name.to_ascii_lowercase().as_str());
        at += part.len();
    }
    None
}

/// What no address goes on with.
fn ends_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

/// Where values stand in a file of settings that may be secrets by the name they have: in order, and
/// with the credentials of addresses.
pub fn secrets_in_settings(source: &str) -> Vec<Range<usize>> {
    let mut found = credentials(source);
    for (at, _) in source.match_indices('=') {
        let (before, after) =
            (source.get(..at).unwrap_or_default(), source.get(at + 1..).unwrap_or_default());
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let written = before.trim_end_matches([' ', '\t']);
        let bare = written.strip_suffix(['"', '\'']).unwrap_or(written);
        let from = bare.rfind(|c: char| !is_name(c)).map_or(0, |last| last + 1);
        let Some(name) = bare.get(from..).filter(|name| !name.is_empty()) else { continue };
        let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
        let value = after.get(blanks..).unwrap_or_default();
        let range = match value.chars().next() {
            // name = "value"
            Some(quote @ ('"' | '\'')) => {
                let many = value.len() - value.trim_start_matches(quote).len();
                let opened = if many >= 3 { 3 } else { 1 };
                let text = value.get(opened..).unwrap_or_default();
                let close = quote.to_string().repeat(opened);
                let length = text.find(&close).or_else(|| text.find('\n')).unwrap_or(text.len());
                let text = text.get(..length).unwrap_or_default();
                if !sounds_secret(name, text) {
                    continue;
                }
                let start = at + 1 + blanks + opened;
                start..start + length
            }
            // "NAME=value", where only a name belongs.
            Some(_)
                if blanks == 0
                    && before.len() == bare.len()
                    && is_variable(name)
                    && ends_in_quote(bare, from) =>
            {
                let length = value.find(['"', '\'', '\n']).unwrap_or(value.len());
                at + 1..at + 1 + length
            }
            _ => continue,
        };
        if !range.is_empty() {
            found.push(range);
        }
    }
    found.sort_by_key(|range| (range.start, range.end));
    // Parts that overlap are one.
    found.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    found
}

fn ends_in_quote(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|text| text.ends_with(['"', '\'']))
}

/// Tells whether what has this name is probably a secret. The name of a variable that holds one is
/// none.
fn sounds_secret(name: &str, value: &str) -> bool {
    const PARTS: [&str; 9] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "authorization",
        "cookie",
        "value",
    ];
    let name = name.to_ascii_lowercase().replace('-', "_");
    let key = name.contains("api_key") || name.contains("apikey") || name.contains("private_key");
    !is_variable(value) && (key || PARTS.iter().any(|part| name.contains(part)))
}

fn is_variable(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_addresses_are_taken_out() {
        for (text, expected) in [
            ("https://maya:hunter22@x.test/h", "https://…@x.test/h"),
            ("see https://ghp_abc@x.test.", "see https://…@x.test."),
            ("postgres://app:pw@db/x", "postgres://…@db/x"),
            ("https://x.test/h?token=abc&full=1#a=b", "https://x.test/h?token=…&full=…#a=…"),
            ("https://x.test/?abc", "https://x.test/?…"),
            ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/…"),
            ("https://discord.com/api/webhooks/1/abc", "https://discord.com/api/webhooks/…"),
            ("https://a.webhook.office.com/webhookb2/x@y/z", "https://a.webhook.office.com/…"),
            ("https://chat.test/hooks/abc \"x\"", "https://chat.test/hooks/… \"x\""),
            ("https://api.telegram.org/bot12:abc/sendMessage", "https://api.telegram.org/…"),
            ("a https://u:p@h/ b https://h/?x=y'", "a https://…@h/ b https://h/?x=…'"),
        ] {
            assert_eq!(without_credentials(text), expected);
        }
        for text in [
            "ssh://git@x.test/a/b.git",
            "https://x.test:8080/health",
            "https://x.test/a@b",
            "no address: a:b@c ? x=y",
            "://u:p@h",
            "https://",
            "é://u:p@h",
        ] {
            assert_eq!(without_credentials(text), text);
        }
    }

    #[test]
    fn values_that_sound_secret_are_found_in_settings() {
        let hidden = |text: &str| without(text, &secrets_in_settings(text)).into_owned();
        for (text, expected) in [
            ("password = \"hunter22\"\nname = \"x\"", "password = \"…\"\nname = \"x\""),
            (
                "headers = { Authorization = \"Bearer abc\", Accept = \"x\" }",
                "headers = { Authorization = \"…\", Accept = \"x\" }",
            ),
            ("\"X-Api-Key\" = 'abc'", "\"X-Api-Key\" = '…'"),
            ("env = [\"CI\", \"TOKEN=hunter22\"]", "env = [\"CI\", \"TOKEN=…\"]"),
            ("token = \"ghp_abc\"\ntoken = \"FLAG_TOKEN\"", "token = \"…\"\ntoken = \"FLAG_TOKEN\""),
            ("value = \"\"\"\nab\ncd\n\"\"\" # end", "value = \"\"\"…\"\"\" # end"),
            ("secret = \"never closed", "secret = \"…"),
            ("url = \"https://u:p@h/?token=x\"", "url = \"https://…@h/?token=…\""),
            ("token = \"https://u:p@h/\" ", "token = \"…\" "),
        ] {
            assert_eq!(hidden(text), expected);
        }
        for text in ["name = \"a=b\"", "expect = [\"status == 200\"]", "name = \"shop\" # key = x", "="] {
            assert_eq!(hidden(text), text);
        }
    }
}

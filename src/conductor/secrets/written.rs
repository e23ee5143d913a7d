//! Secrets that stand in the configuration itself: in addresses that are called, and in headers.

use std::collections::BTreeMap;

use reqwest::Url;
use zeroize::Zeroizing;

use super::{LONG_ENOUGH, Value, sounds_secret};
use crate::text::address::{addresses, credentials};
use crate::text::mask::SHORTEST;
use crate::text::placeholder;

/// Keys in the query of an address that mostly hold a secret, besides those that sound so.
const KEYS: [&str; 8] = ["key", "sig", "signature", "auth", "pass", "pwd", "code", "session"];
/// Headers that hold a secret whatever their name sounds like.
const HEADERS: [&str; 3] = ["authorization", "proxy_authorization", "cookie"];
/// What is so long, of letters and digits, is made by a machine and meant for one.
const RANDOM: usize = 16;

/// What is secret in a request: names to tell it by, and values, as they stand there and as they mean.
pub(super) fn in_request(url: &str, headers: &BTreeMap<String, String>) -> Vec<(String, Value)> {
    let mut found = in_address(url);
    for (name, value) in headers {
        let plain = name.to_ascii_lowercase().replace('-', "_");
        // What is filled in is known by its own name.
        let fits = HEADERS.contains(&plain.as_str()) || sounds_secret(&plain);
        if !fits || placeholder::has_one(value) {
            continue;
        }
        // `Bearer …`, `name=…`: that is what would be repeated.
        let parts = value.split([' ', ';', ',']).map(|part| match part.split_once('=') {
            Some((_, inner)) if !inner.trim_matches('=').is_empty() => inner,
            _ => part,
        });
        for part in std::iter::once(value.as_str()).chain(parts).filter(|part| part.len() >= LONG_ENOUGH) {
            add(&mut found, name, part);
        }
    }
    found
}

/// What is secret in the addresses that a text holds: a word of a command, or a script within it.
pub(super) fn in_text(text: &str) -> Vec<(String, Value)> {
    // What a shell goes on with is no part of the address.
    let plain = |address: &str| address.trim_end_matches([';', ',', ')', '|', '&', '.']).to_owned();
    addresses(text).map(plain).flat_map(|address| in_address(&address)).collect()
}

/// What is secret in all that a configuration holds.
pub(super) fn in_settings(value: &serde_json::Value) -> Vec<(String, Value)> {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => in_text(text),
        Json::Array(items) => items.iter().flat_map(in_settings).collect(),
        Json::Object(fields) => {
            let headers = fields.get("headers").and_then(|it| serde_json::from_value(it.clone()).ok());
            let headers = headers.map(|headers| in_request("", &headers)).unwrap_or_default();
            headers.into_iter().chain(fields.values().flat_map(in_settings)).collect()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

fn in_address(text: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let Ok(url) = Url::parse(text) else { return found };
    if let Some(password) = url.password() {
        add_both(&mut found, "password", password, SHORTEST);
    }
    if url.scheme().starts_with("http") {
        add_both(&mut found, "user", url.username(), LONG_ENOUGH);
    }
    for (key, value) in url.query_pairs() {
        if value.is_empty() && is_random(&key) {
            add(&mut found, "address", &key);
        }
        let sounds = sounds_secret(&key);
        let least = if sounds { SHORTEST } else { LONG_ENOUGH };
        if value.len() >= least
            && (sounds || KEYS.contains(&key.to_ascii_lowercase().as_str()) || is_random(&value))
        {
            add(&mut found, &key, &value);
        }
    }
    // The secret part of a webhook.
    let hook = credentials(text).into_iter().map(|range| text.get(range).unwrap_or_default());
    for hook in hook.filter(|part| url.path().contains(part)) {
        // A word of it alone is no secret, what a machine made is.
        let whole = Some(hook).filter(|hook| hook.contains('/'));
        for part in whole.into_iter().chain(hook.split('/').filter(|part| is_made(part))) {
            add_both(&mut found, "address", part, LONG_ENOUGH);
        }
    }
    // The places of a command are filled in with what everybody may read.
    found.retain(|(_, value)| !(value.starts_with(b"{") && value.ends_with(b"}")));
    found
}

/// Adds a value as it is written, and as it is meant.
fn add_both(found: &mut Vec<(String, Value)>, name: &str, written: &str, least: usize) {
    if written.len() >= least {
        add(found, name, written);
        let meant: Vec<u8> = percent_encoding::percent_decode_str(written).collect();
        found.push((name.to_owned(), Zeroizing::new(meant)));
    }
}

fn add(found: &mut Vec<(String, Value)>, name: &str, value: &str) {
    found.push((name.to_owned(), Zeroizing::new(value.as_bytes().to_vec())));
}

fn is_random(value: &str) -> bool {
    value.len() >= RANDOM && is_made(value)
}

/// Tells whether nobody would write a word like this.
fn is_made(value: &str) -> bool {
    let of = |is: fn(&u8) -> bool| value.bytes().any(|byte| is(&byte));
    of(u8::is_ascii_digit)
        && of(u8::is_ascii_alphabetic)
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_a_command_is_known_wherever_its_address_stands() {
        let values = |word: &str| {
            let found = in_text(word);
            found.into_iter().map(|(_, it)| String::from_utf8(it.to_vec()).unwrap()).collect::<Vec<_>>()
        };
        let hook = "https://hooks.slack.com/services/T00000000/B00000000/abcDEFghiJKLmnoPQRstuVWX04";
        for (word, secret) in [
            (hook, "services/T00000000/B00000000/abcDEFghiJKLmnoPQRstuVWX04"),
            (hook, "abcDEFghiJKLmnoPQRstuVWX04"),
            ("https://ann:PASSWORDpassword05@x.example/", "PASSWORDpassword05"),
            ("https://x.example/?token=TOKENtokenTOKEN06", "TOKENtokenTOKEN06"),
            ("curl -fsS 'https://x.example/?sig=abcdef0123'; echo", "abcdef0123"),
            ("(curl https://x.example/?token=abcd1);", "abcd1"),
            ("--url=https://x.example/?0123456789abcdef", "0123456789abcdef"),
            ("postgres://app:hunter2@db/x", "hunter2"),
        ] {
            assert!(values(word).iter().any(|value| value == secret), "{word}: {:?}", values(word));
        }
        for word in [
            "https://hooks.slack.com/services",
            "https://api.test/deploy?env=production&ref={ref}",
            "https://api.test/?token={ref}",
            "./deploy.sh",
        ] {
            assert!(values(word).is_empty(), "{word}: {:?}", values(word));
        }
        let settings = serde_json::json!({
            "on": { "url": "https://h.test/x?token=abcd1", "headers": { "X-Api-Key": "abcdefgh" } },
            "deploy": ["curl", "https://ann:hunter22@h.test/"],
        });
        let found: Vec<_> = in_settings(&settings).into_iter().map(|(_, it)| it.to_vec()).collect();
        for secret in ["abcd1", "abcdefgh", "hunter22"] {
            assert!(found.contains(&secret.as_bytes().to_vec()), "{secret}");
        }
    }

    #[test]
    fn what_is_secret_in_a_request_is_known_and_nothing_else() {
        let values = |url: &str, headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
            let found = in_request(url, &headers.collect());
            found.into_iter().map(|(_, it)| String::from_utf8(it.to_vec()).unwrap()).collect::<Vec<_>>()
        };
        for (url, expected) in [
            ("https://h.test/x?token=abcd1&full=1", &["abcd1"][..]),
            ("https://h.test/x?api_key=a%2Fb%20c", &["a/b c"]),
            ("https://h.test/x?key=0123abcd", &["0123abcd"]),
            ("https://h.test/x?k=0123456789abcdef", &["0123456789abcdef"]),
            ("https://maya:p%40ss@h.test/", &["p%40ss", "p@ss"]),
            ("https://hooks.test/services/T0/B0/0123456789abcdefg", &["services/T0/B0/0123456789abcdefg"; 2]),
        ] {
            assert_eq!(values(url, &[]).get(..expected.len()).unwrap(), expected, "{url}");
        }
        for url in [
            "https://h.test/x?key=prod&env=production&at=2026-11-28T10:00:00Z",
            "https://h.test/x?query=rate(requests_total[5m])",
            "https://h.test/0123456789abcdefg/x",
            "no address",
        ] {
            assert!(values(url, &[]).is_empty(), "{url}");
        }
        let headers = [
            ("Authorization", "Bearer abcdefgh"),
            ("X-Api-Key", "{secret:KEY}"),
            ("Accept", "application/json"),
            ("Cookie", "session=0123456789; a=b"),
        ];
        assert_eq!(
            values("http://h.test", &headers),
            ["Bearer abcdefgh", "abcdefgh", "session=0123456789; a=b", "0123456789"]
        );
    }
}

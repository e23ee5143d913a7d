//! A mail: plain text, from one address to some, one thread an incident.
//!
//! Its name (`Message-ID`) is made of the record of the message: whoever gets it twice sees it once. Nothing of a
//! message can add a header: what is not plain is encoded, and a line never ends in one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use super::wire::{Outgoing, cut};
use crate::config::types::{Channel, Mailbox};

/// Most characters of a subject.
pub(super) const SUBJECT: usize = 200;
/// Most bytes of a text that are encoded in one word of a header: more than 75 characters is too long for one.
const WORD: usize = 42;
/// Most bytes of a line of a mail that goes as it is.
const LINE: usize = 900;

/// A mail as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its name, without brackets.
    pub id: String,
    /// Headers and text, as ASCII, with CR and LF between lines.
    pub text: String,
}

/// Writes a message as a mail.
pub fn mail(channel: &Channel, message: &Outgoing) -> Mail {
    let from = Mailbox::of(&channel.from).unwrap_or_default();
    let id = format!("flightdeck.{}@{}", message.message, from.domain());
    let (title, rest) = message.parts();
    let body = if rest.is_empty() { title } else { rest };
    let to: Vec<String> = channel.to.all().iter().filter_map(|to| Mailbox::of(to)).map(written).collect();
    let date = rfc2822::to_string(&message.at.to_zoned(TimeZone::UTC)).unwrap_or_default();
    let mut lines = vec![
        format!("From: {}", written(from)),
        format!("To: {}", to.join(",\r\n ")),
        format!("Subject: {}", phrase(&cut(title, SUBJECT))),
        format!("Date: {date}"),
        format!("Message-ID: <{id}>"),
    ];
    if let Some(reply_to) = Mailbox::of(&channel.reply_to) {
        lines.push(format!("Reply-To: {}", written(reply_to)));
    }
    if let Some(first) = message.first.as_deref().filter(|first| is_id(first) && **first != id) {
        lines.push(format!("In-Reply-To: <{first}>"));
        lines.push(format!("References: <{first}>"));
    }
    let (encoding, body) = encoded(body);
    // Whoever is away does not answer it.
    lines.push("Auto-Submitted: auto-generated".to_owned());
    lines.push("MIME-Version: 1.0".to_owned());
    lines.push("Content-Type: text/plain; charset=utf-8".to_owned());
    lines.push(format!("Content-Transfer-Encoding: {encoding}"));
    Mail { id, text: format!("{}\r\n\r\n{body}", lines.join("\r\n")) }
}

/// Tells whether a text is the name of a mail as we make it.
fn is_id(text: &str) -> bool {
    text.len() <= 320
        && text.contains('@')
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte))
}

/// An address as a header names it.
fn written(mailbox: Mailbox<'_>) -> String {
    match mailbox.name {
        "" => mailbox.address.to_owned(),
        name if is_plain(name) && !name.contains(['"', '\\']) => format!("\"{name}\" <{}>", mailbox.address),
        name => format!("{} <{}>", words(name), mailbox.address),
    }
}

/// A text as a header holds it.
fn phrase(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { words(text) }
}

/// Tells whether a text means itself in a header.
fn is_plain(text: &str) -> bool {
    !text.contains("=?") && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// A text in encoded words (RFC 2047), folded between them. What moves the cursor is a blank.
fn words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut put = |word: &mut String| {
        if !word.is_empty() {
            words.push(format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(&*word)));
            word.clear();
        }
    };
    for c in text.chars() {
        if word.len() + c.len_utf8() > WORD {
            put(&mut word);
        }
        word.push(if c.is_control() { ' ' } else { c });
    }
    put(&mut word);
    words.join("\r\n ")
}

/// A text as the body of a mail: as it is, where it is ASCII of short lines.
fn encoded(text: &str) -> (&'static str, String) {
    let lines = || text.split('\n').map(|line| line.trim_end_matches('\r'));
    let is_short =
        |line: &str| line.len() <= LINE && line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if lines().all(is_short) {
        return ("7bit", lines().collect::<Vec<_>>().join("\r\n"));
    }
    let text = lines().collect::<Vec<_>>().join("\r\n");
    let coded = BASE64_STANDARD.encode(text);
    let mut out = String::with_capacity(coded.len() + coded.len() / 38);
    for (at, c) in coded.chars().enumerate() {
        if at > 0 && at.is_multiple_of(76) {
            out.push_str("\r\n");
        }
        out.push(c);
    }
    ("base64", out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_adds_a_header() {
        assert_eq!(phrase("P0: Checkout answers 500"), "P0: Checkout answers 500");
        for hostile in ["a\r\nBcc: eve@evil.example", "a\nX: y", "a\rX: y", "=?UTF-8?B?eA==?="] {
            let header = phrase(hostile);
            assert!(header.starts_with("=?UTF-8?B?") && !header.contains('\n'), "{header}");
        }
        let long = words(&"ü".repeat(100));
        for line in long.split("\r\n ") {
            assert!(line.len() <= 75 && line.starts_with("=?UTF-8?B?") && line.ends_with("?="), "{line}");
            let coded = line.trim_start_matches("=?UTF-8?B?").trim_end_matches("?=");
            assert!(
                String::from_utf8(BASE64_STANDARD.decode(coded).unwrap()).unwrap().chars().all(|c| c == 'ü')
            );
        }
        assert_eq!(words("a\r\nb"), format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode("a  b")));
    }

    #[test]
    fn a_body_is_ascii_in_short_lines() {
        assert_eq!(encoded("a\nb"), ("7bit", "a\r\nb".to_owned()));
        let (encoding, body) = encoded(&"für alle\n".repeat(40));
        assert_eq!(encoding, "base64");
        assert!(body.is_ascii() && body.split("\r\n").all(|line| line.len() <= 76), "{body}");
        assert_eq!(encoded(&"x".repeat(2000)).0, "base64");
        assert_eq!(encoded("a\u{0}b").0, "base64");
    }
}

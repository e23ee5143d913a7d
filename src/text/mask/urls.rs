//! Takes user names and passwords out of URLs, whoever they belong to.

use bstr::ByteSlice as _;

use super::cut;

/// Longer user information is not looked for.
const LONGEST: usize = 4096;
/// Bytes before a separator in which its scheme is looked for.
const SCHEME: usize = 24;
/// What separates a scheme from what follows, also within JSON.
const SEPARATORS: [&[u8]; 2] = [b"://", br":\/\/"];
const LONGEST_SEPARATOR: usize = 5;

/// A text on its way, of which an unfinished URL is held back.
#[derive(Debug, Default)]
pub(super) struct Urls {
    /// The end of what came, beginning with some that is given out already.
    text: Vec<u8>,
    /// Up to here it is given out or taken out.
    settled: usize,
    /// From here on separators are looked for.
    next: usize,
}

impl Urls {
    /// Takes in some text and gives out what is certain; `mark` stands for what is taken out.
    pub(super) fn feed(&mut self, bytes: &[u8], mark: &[u8], ended: bool, out: &mut Vec<u8>) {
        self.text.extend_from_slice(bytes);
        let mut held = None;
        while let Some((at, start)) = self.separator() {
            let rest = cut(self.text.get(start..).unwrap_or_default(), LONGEST);
            let end = rest.iter().position(|&byte| ends_authority(byte));
            if end.is_none() && rest.len() < LONGEST && !ended {
                held = Some(start);
                self.next = at;
                break;
            }
            let authority = cut(rest, end.unwrap_or(rest.len()));
            if let Some(length) = authority.rfind_byte(b'@').filter(|&length| length > 0)
                && is_secret(self.text.get(..at).unwrap_or_default(), cut(authority, length))
            {
                out.extend_from_slice(self.text.get(self.settled..start).unwrap_or_default());
                out.extend_from_slice(mark);
                self.settled = start + length;
            }
            self.next = start;
        }
        let certain = held.unwrap_or(self.text.len());
        out.extend_from_slice(self.text.get(self.settled..certain).unwrap_or_default());
        self.settled = self.settled.max(certain);
        if held.is_none() {
            // A separator may be cut here.
            self.next = self.next.max(self.text.len().saturating_sub(LONGEST_SEPARATOR - 1));
        }
        let known = self.next.saturating_sub(SCHEME).min(self.settled);
        self.text.drain(..known);
        self.settled -= known;
        self.next -= known;
    }

    /// Where the next separator begins and ends.
    fn separator(&self) -> Option<(usize, usize)> {
        let rest = self.text.get(self.next..)?;
        let found = SEPARATORS.iter().filter_map(|separator| Some((rest.find(separator)?, separator.len())));
        let (at, length) = found.min()?;
        Some((self.next + at, self.next + at + length))
    }
}

/// A host ends where a path, a blank, a quote or a control character begins.
fn ends_authority(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | 0x7f)
}

/// A user name alone is no secret, except where it stands for a token.
fn is_secret(before: &[u8], user: &[u8]) -> bool {
    let letters = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let length = before.iter().rev().take(SCHEME).take_while(letters).count();
    let scheme = before.get(before.len() - length..).unwrap_or_default();
    let token = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    !scheme.is_empty() && (token || user.contains(&b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let whole = |cuts: &[&[u8]]| {
            let (mut urls, mut out) = (Urls::default(), Vec::new());
            for piece in cuts {
                urls.feed(piece, b"***", false, &mut out);
            }
            urls.feed(b"", b"***", true, &mut out);
            String::from_utf8(out).unwrap()
        };
        let text = text.as_bytes();
        let expected = whole(&[text]);
        for at in 0..text.len() {
            assert_eq!(whole(&[&text[..at], &text[at..]]), expected, "cut at {at}");
        }
        let single: Vec<_> = text.chunks(1).collect();
        assert_eq!(whole(&single), expected, "byte by byte");
        expected
    }

    #[test]
    fn who_and_with_what_password_is_taken_out() {
        for (text, expected) in [
            ("postgres://app:hunter2@db/x", "postgres://***@db/x"),
            ("see https://ghp_abc@github.com/a.git.", "see https://***@github.com/a.git."),
            ("redis://:pw@h:6379", "redis://***@h:6379"),
            ("amqp://u:p@ss@host\nnext", "amqp://***@host\nnext"),
            (r#"{"u":"https:\/\/u:p@h\/x"}"#, r#"{"u":"https:\/\/***@h\/x"}"#),
            ("a://u:p@h b://v:q@i", "a://***@h b://***@i"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "ssh://git@github.com/a/b.git",
            "https://example.test/a@b",
            "https://example.test?mail=a:b@c",
            "nothing://",
            "://u:p@h",
            "https://@h",
            "12:30:01 a:b@c // d",
            "https://h:8080 u:p@h",
        ] {
            assert_eq!(masked(text), text);
        }
        let long = format!("https://{}@h", "x".repeat(LONGEST + 10));
        assert_eq!(masked(&long), long);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let (mut urls, mut out) = (Urls::default(), Vec::new());
        urls.feed(b"https://", b"***", false, &mut out);
        for _ in 0..10_000 {
            urls.feed(&[b'x'; 100], b"***", false, &mut out);
            assert!(urls.text.len() < 2 * LONGEST);
        }
        assert!(out.len() > 990_000);
    }
}

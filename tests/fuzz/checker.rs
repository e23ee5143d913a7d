//! What has to hold for whatever is masked. Reads a case from any bytes, so that a test with
//! random ones and a fuzzer share it.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use super::Masker;

/// Masks what the bytes stand for, and panics where a promise is broken.
pub(crate) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let secrets = secrets(&mut bytes);
    let Ok(masker) = masker(&secrets) else {
        assert!(secrets.iter().any(|secret| weight(secret) < 4), "{secrets:?} were refused");
        return;
    };
    let (mut text, mut cuts) = (Vec::new(), Vec::new());
    while !bytes.0.is_empty() && text.len() < 3000 {
        piece(&mut bytes, &secrets, &mut text);
        cuts.push(text.len() - usize::from(bytes.next()).min(text.len()));
    }
    let out = masker.mask_bytes(&text);
    is_same("cut", &text, &out, &streamed(&masker, &text, cuts));
    is_same("byte by byte", &text, &out, &streamed(&masker, &text, (0..text.len()).collect()));
    is_same("again", &text, &out, &masker.mask_bytes(&out));
    is_told_nothing(&secrets, &text, &out);
    is_otherwise_the_same(&masker, &secrets, &text, &out);
}

/// Masks encodings of secrets between bytes that are in none of them: exactly these go. Of those
/// with several lines more may: their line ends may be blanks, as an unquoted variable has them.
pub(crate) fn check_exactly(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut secrets = secrets(&mut bytes);
    let unfit = |byte: &u8| NOISE.contains(byte) || b"\r\n".contains(byte);
    secrets.retain(|secret| weight(secret) >= 4 && !secret.iter().any(unfit));
    let Ok(masker) = masker(&secrets) else { return };
    let (mut text, mut expected) = (b"<".to_vec(), b"<".to_vec());
    for _ in 0..8 {
        let which = usize::from(bytes.next());
        if let Some(secret) = secrets.get(which % secrets.len().max(1)) {
            let encodings = encodings(trimmed(secret));
            text.extend(&encodings[usize::from(bytes.next()) % encodings.len()]);
            expected.push(b'*');
        }
        let noise = NOISE[usize::from(bytes.next()) % NOISE.len()];
        text.push(noise);
        expected.push(noise);
    }
    let out = masker.mask_bytes(&text);
    let mut told = Vec::new();
    let mut rest = &out[..];
    while let Some(&byte) = rest.first() {
        // A mark is what is no noise.
        let length = rest.iter().position(|byte| NOISE.contains(byte)).unwrap_or(rest.len());
        told.push(if length == 0 { byte } else { b'*' });
        rest = &rest[length.max(1)..];
    }
    assert!(told == expected, "{} became {}", shown(&text), shown(&out));
}

const NOISE: &[u8] = b" ;<>|";

fn masker(secrets: &[Vec<u8>]) -> Result<Masker, String> {
    const NAMES: [&str; 4] = ["S0", "S1", "S2", "S3"];
    Masker::new(NAMES.into_iter().zip(secrets.iter().map(Vec::as_slice))).map_err(|e| e.to_string())
}

/// Bytes from which decisions are read; zeros after their end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.next()) % limit
    }

    fn some(&mut self, count: usize, mut make: impl FnMut(u8) -> Vec<u8>) -> Vec<u8> {
        (0..count).flat_map(|_| make(self.next())).collect()
    }
}

fn secrets(bytes: &mut Bytes<'_>) -> Vec<Vec<u8>> {
    const CHARS: [&str; 16] =
        ["é", "世", "😀", "\"", "\\", "/", "%", "+", "&", "<", "'", "a", "B", "7", "=", "@"];
    let count = 1 + bytes.below(4);
    let mut secrets = Vec::new();
    for _ in 0..count {
        let kind = bytes.next();
        let length = 4 + bytes.below(30);
        let secret = match kind % 6 {
            0 => bytes.some(4 + length % 6, |byte| vec![b"ab"[usize::from(byte) % 2]]),
            1 => bytes.some(length, |byte| vec![b'!' + byte % 94]),
            // Control characters of its own cannot be told from those within it.
            2 => {
                bytes.some(length, |byte| vec![if byte < b' ' || byte == 0x7f { byte ^ 0x40 } else { byte }])
            }
            3 => bytes.some(length, |byte| match byte % 12 {
                0 => b"\n".to_vec(),
                1 => b"\r\n".to_vec(),
                2 => b" ".to_vec(),
                _ => vec![b'a' + byte % 26],
            }),
            4 => bytes.some(length, |byte| CHARS[usize::from(byte) % CHARS.len()].into()),
            _ => bytes.some(length, |byte| vec![b"abcdefgh0123456789ABCD"[usize::from(byte) % 22]]),
        };
        secrets.push(secret);
    }
    secrets
}

/// Appends a piece of text: something, a secret, a part of one, a URL, a colour.
fn piece(bytes: &mut Bytes<'_>, secrets: &[Vec<u8>], text: &mut Vec<u8>) {
    let secret = &secrets[bytes.below(secrets.len())];
    let length = bytes.below(12);
    match bytes.next() % 10 {
        0 => text.extend(bytes.some(length, |byte| vec![byte])),
        1 => text.extend(bytes.some(length, |byte| vec![b"ab\r\n \x1b[m%\\"[usize::from(byte) % 10]])),
        2 => text.extend(&secret[..length.min(secret.len())]),
        3 => text.extend(&secret[length.min(secret.len())..]),
        4 => text.extend(*b"https://u:p@h"),
        5 => text.extend(["://", "http", "a:b@", ":\\/\\/", "@h "][length % 5].bytes()),
        6 => text.extend(["\x1b[1;31m", "\x1b[0m", "\r\n", "\n  ", "\x1b]0;t\x07"][length % 5].bytes()),
        7 => text.extend(wrapped(bytes, secret)),
        // What is cut by the end of it.
        8 if length == 11 => text.extend(*b"\x1b]8;;https://x"),
        8 => text.extend(wrapped(bytes, BASE64_STANDARD.encode(secret).as_bytes())),
        _ => {
            let encodings = encodings(secret);
            text.extend(&encodings[bytes.below(encodings.len())]);
        }
    }
}

/// A text with a line end, or something else that is not seen, in some places.
fn wrapped(bytes: &mut Bytes<'_>, text: &[u8]) -> Vec<u8> {
    const BREAKS: [&[u8]; 16] = [
        b"\n",
        b"\r\n",
        b"\x1b[32m",
        b"\x1b[0m\r\n",
        b"\x1b(B\x1b[m",
        b"\x1b]8;;https://x.test/a\x1b\\",
        b"\x1b]0;t\x07",
        b"\x1bPq\x1b\\",
        b"\x1b_G\x9c",
        b"\0",
        b"\x07",
        b"\x08",
        b"\xc2\x9b1m",
        b"\xc2\xad",
        b"\xe2\x80\x8b",
        b"\xf3\xa0\x81\x81",
    ];
    let every = 1 + bytes.below(9);
    let chosen = BREAKS[bytes.below(BREAKS.len())];
    if let Ok(text) = std::str::from_utf8(text) {
        let chars: Vec<_> = text.chars().collect();
        let parts: Vec<_> = chars.chunks(every).map(|part| String::from_iter(part).into_bytes()).collect();
        return parts.join(chosen);
    }
    text.chunks(every).collect::<Vec<_>>().join(chosen)
}

fn streamed(masker: &Masker, text: &[u8], mut cuts: Vec<usize>) -> Vec<u8> {
    cuts.sort_unstable();
    let (mut stream, mut out) = (masker.stream(), Vec::new());
    let mut from = 0;
    for cut in cuts {
        stream.feed(&text[from..cut], &mut out);
        from = cut;
    }
    stream.feed(&text[from..], &mut out);
    stream.finish(&mut out);
    out
}

fn is_same(how: &str, text: &[u8], expected: &[u8], out: &[u8]) {
    assert!(expected == out, "{} {how}\n{}\n{}", shown(text), shown(expected), shown(out));
}

/// No secret is in the output, in no encoding, also not for who reads over line ends.
fn is_told_nothing(secrets: &[Vec<u8>], text: &[u8], out: &[u8]) {
    for secret in secrets.iter().map(|secret| trimmed(secret)) {
        for encoding in encodings(secret) {
            assert!(!holds(out, &encoding), "{} became {}", shown(text), shown(out));
        }
        // Where it holds such itself one cannot tell.
        let control = |byte: u8| byte < b' ' && !b"\t\r\n".contains(&byte);
        let told = |at: usize| control(secret[at]) || secret[at] == 0x7f;
        let unseen = |at: usize| !b"\r\n".contains(&secret[at]) && unseen(&secret[at..]).is_some();
        if !(0..secret.len()).any(|at| told(at) || unseen(at)) {
            let flat = flat(secret);
            let told = holds(&self::flat(out), &flat);
            assert!(!told, "{} with {} became {}", shown(text), shown(secret), shown(out));
        }
    }
}

/// What is left between the marks was there before, in this order.
fn is_otherwise_the_same(masker: &Masker, secrets: &[Vec<u8>], text: &[u8], out: &[u8]) {
    let mut marks: Vec<_> = secrets.iter().map(|secret| masker.mask_bytes(trimmed(secret))).collect();
    let user = masker.mask_bytes(b"https://u:p@h");
    // Where parts of this are secrets one cannot tell.
    let Some(user) = user.strip_prefix(b"https://").and_then(|user| user.strip_suffix(b"@h")) else { return };
    marks.push(user.to_vec());
    // What ends in the middle of a secret is ended before its mark.
    marks.extend(marks.clone().into_iter().map(|mark| [b"\x1b\\", &mark[..]].concat()));
    let (mut rest, mut left) = (text, out);
    let mut first = true;
    loop {
        let next = marks.iter().filter_map(|mark| Some((find(left, mark)?, mark.len()))).min();
        let (length, mark) = next.unwrap_or((left.len(), 0));
        let between = &left[..length];
        let at = if first { rest.starts_with(between).then_some(0) } else { find(rest, between) };
        let at = at.unwrap_or_else(|| panic!("{} became {}", shown(text), shown(out)));
        rest = &rest[at + length..];
        left = &left[length + mark..];
        first = false;
        if next.is_none() {
            assert!(text.ends_with(between), "{} became {}", shown(text), shown(out));
            return;
        }
    }
}

fn encodings(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex = |before: &str, upper: bool| -> Vec<u8> {
        let one =
            |byte: &u8| if upper { format!("{before}{byte:02X}") } else { format!("{before}{byte:02x}") };
        secret.iter().map(one).collect::<String>().into_bytes()
    };
    let mut all = vec![secret.to_vec(), hex("", true), hex("", false), hex("%", true), hex("%", false)];
    all.extend([percent(secret, "-_.~", true), percent(secret, "/!'()*", false)]);
    all.push(BASE64_STANDARD.encode(secret).into_bytes());
    for before in 0..3 {
        let bytes = [&[0; 2][..before], secret].concat();
        let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for text in [BASE64_STANDARD_NO_PAD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)] {
            all.push(text.as_bytes()[from..to].to_vec());
        }
    }
    if let Ok(text) = std::str::from_utf8(secret) {
        all.extend([json(text, false), json(text, true)]);
        all.push(text.replace('\'', r"'\''").into_bytes());
    }
    all
}

fn percent(bytes: &[u8], plain: &str, upper: bool) -> Vec<u8> {
    let one = |&byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) => {
            char::from(byte).to_string()
        }
        b' ' if !upper => "+".to_owned(),
        byte if upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    };
    bytes.iter().map(one).collect::<String>().into_bytes()
}

fn json(text: &str, ascii: bool) -> Vec<u8> {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '/' if ascii => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() || (ascii && (!c.is_ascii() || "<>&".contains(c))) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.into_bytes()
}

fn weight(secret: &[u8]) -> usize {
    secret.iter().filter(|byte| !b" \t\r\n".contains(byte)).count()
}

fn trimmed(secret: &[u8]) -> &[u8] {
    let counts = |byte: &u8| !b"\r\n".contains(byte);
    let from = secret.iter().position(counts).unwrap_or(secret.len());
    let to = secret.iter().rposition(counts).map_or(from, |last| last + 1);
    &secret[from..to]
}

/// What is left for who reads a terminal: without line ends, escape sequences and what else is
/// not seen, where there is not too much of it in a row.
fn flat(text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let start = at;
        while let Some(length) = text.get(at..).and_then(unseen) {
            at += length;
        }
        if at - start > 4000 {
            out.extend(&text[start..at]);
        }
        out.extend(text.get(at));
        at += 1;
    }
    out
}

/// The length of what is not seen at the beginning of a text. Knows less than there is, so that it
/// is simple.
fn unseen(text: &[u8]) -> Option<usize> {
    let begins = |parts: &[&[u8]]| parts.iter().find(|part| text.starts_with(part)).map(|part| part.len());
    if let Some(rest) = text.strip_prefix(b"\x1b[") {
        let length = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte))?;
        return (0x40..=0x7e).contains(&rest[length]).then_some(length + 3);
    }
    if let Some(rest) = text.strip_prefix(b"\x1b]") {
        let end = rest.iter().position(|byte| !(0x20..0x7f).contains(byte))?;
        return match rest.get(end..)? {
            [0x07, ..] => Some(end + 3),
            [0x1b, b'\\', ..] => Some(end + 4),
            _ => None,
        };
    }
    begins(&[b"\r", b"\n", b"\0", b"\x07", b"\x1b(B", b"\xc2\xad", b"\xe2\x80\x8b", b"\xf3\xa0\x81\x81"])
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    text.windows(part.len()).position(|window| window == part)
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

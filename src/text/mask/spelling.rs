//! How a value may be written down: plainly, percent-encoded, with backslashes as in JSON and in
//! a shell, with the entities of HTML; the first two of those also within themselves.

/// A way to write a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it is.
    Raw,
    /// `%2F` for a byte in URLs and forms, where a blank may be a `+`; so many times over: `%252F`.
    Percent(u8),
    /// `\"`, `\/`, `\n`, `\u00e9`, `\xe9`; so many times over, as JSON in JSON has it: `\\\"`.
    Backslash(u8),
    /// `&quot;`, `&#34;`, `&#x22;`.
    Entity,
    /// Within single quotes, where only a quote needs more: `'\''` in a shell, `''` in SQL and YAML.
    Quoted,
    /// Within double quotes, where only a quote needs more: `""` in CSV.
    Doubled,
}

/// What follows in a text, compared with what is wanted next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// So many bytes of what is wanted are spelled by so many of the text.
    Is { wanted: usize, text: usize },
    /// The text ends too soon to tell.
    Open,
    /// Something else.
    No,
}

impl Spelling {
    /// Tells whether a byte begins something that stands for another.
    pub(super) fn is_special(self, byte: u8) -> bool {
        match self {
            Self::Raw => false,
            Self::Percent(_) => matches!(byte, b'%' | b'+'),
            Self::Backslash(_) => byte == b'\\',
            Self::Entity => byte == b'&',
            Self::Quoted => byte == b'\'',
            Self::Doubled => byte == b'"',
        }
    }

    /// Compares the beginning of `text` with the beginning of `wanted`. Of several spellings
    /// the longest counts: who writes `%25` for a percent sign does so everywhere.
    pub(super) fn next(self, wanted: &[u8], text: &[u8], ended: bool) -> Next {
        let Some(first) = text.first() else {
            return if ended { Next::No } else { Next::Open };
        };
        let plain = wanted.first() == Some(first);
        if !self.is_special(*first) {
            return if plain { Next::Is { wanted: 1, text: 1 } } else { Next::No };
        }
        let mut best = Next::No;
        self.each(wanted, &mut |bytes, taken| {
            if text.starts_with(bytes) {
                if !matches!(best, Next::Is { text, .. } if text >= bytes.len()) && best != Next::Open {
                    best = Next::Is { wanted: taken, text: bytes.len() };
                }
            } else if !ended && bytes.starts_with(text) {
                best = Next::Open;
            }
        });
        best
    }

    /// Gives every spelling of what comes next in `wanted`, and how much of it that spells.
    pub(super) fn each(self, wanted: &[u8], give: &mut dyn FnMut(&[u8], usize)) {
        let Some(&byte) = wanted.first() else { return };
        match self {
            Self::Percent(times) => percent(byte, times, give),
            Self::Backslash(times) => backslash(byte, wanted, times, give),
            Self::Entity => entity(byte, wanted, give),
            Self::Quoted if byte == b'\'' => {
                give(br"'\''", 1);
                give(br#"'"'"'"#, 1);
                give(b"''", 1);
                return;
            }
            Self::Doubled if byte == b'"' => {
                give(b"\"\"", 1);
                return;
            }
            Self::Raw | Self::Quoted | Self::Doubled => {}
        }
        give(&[byte], 1);
    }
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

fn hex(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|half| digits[usize::from(half & 15)])
}

fn percent(byte: u8, times: u8, give: &mut dyn FnMut(&[u8], usize)) {
    let again = "25".repeat(usize::from(times.saturating_sub(1)));
    for digits in [UPPER, LOWER] {
        let [high, low] = hex(byte, digits);
        give(&[b"%", again.as_bytes(), &[high, low]].concat(), 1);
        if times > 1 {
            // Who encodes every character does so with those of `%2F`, too.
            let each = [b'%', high, low].map(|byte| [b"%", &hex(byte, digits)[..]].concat());
            give(&each.concat(), 1);
        }
        if byte == b' ' && times > 1 {
            let [high, low] = hex(b'+', digits);
            give(&[b"%", again.get(2..).unwrap_or_default().as_bytes(), &[high, low]].concat(), 1);
        }
    }
    if byte == b' ' {
        give(b"+", 1);
    }
}

fn backslash(byte: u8, wanted: &[u8], times: u8, give: &mut dyn FnMut(&[u8], usize)) {
    let mut forms: Vec<(Vec<u8>, usize)> = Vec::new();
    let letter = match byte {
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        0x08 => Some(b'b'),
        0x0c => Some(b'f'),
        // Before these a backslash means something else.
        byte if byte.is_ascii_alphanumeric() => None,
        b' '..=b'~' => Some(byte),
        _ => None,
    };
    if let Some(letter) = letter {
        forms.push((vec![b'\\', letter], 1));
    }
    forms.push((format!("\\{byte:03o}").into_bytes(), 1));
    for digits in [UPPER, LOWER] {
        let [high, low] = hex(byte, digits);
        forms.push((vec![b'\\', b'x', high, low], 1));
    }
    if let Some(char) = first_char(wanted) {
        let mut units = [0; 2];
        let units = char.encode_utf16(&mut units);
        for digits in [UPPER, LOWER] {
            let mut text = Vec::with_capacity(12);
            for unit in &*units {
                let [first, second] = unit.to_be_bytes();
                text.extend_from_slice(b"\\u");
                text.extend_from_slice(&hex(first, digits));
                text.extend_from_slice(&hex(second, digits));
            }
            forms.push((text, char.len_utf8()));
        }
        forms.push((format!("\\u{{{:x}}}", u32::from(char)).into_bytes(), char.len_utf8()));
        forms.push((format!("\\u{{{:X}}}", u32::from(char)).into_bytes(), char.len_utf8()));
    }
    for time in 1..=times {
        // Several backslashes in a row can only be told apart where each is written alike.
        if byte != b'\\' || time == times {
            for (form, taken) in &forms {
                give(form, *taken);
            }
        }
        // Some write a slash with a backslash each time.
        let slashes: Vec<_> = forms.iter().filter(|(form, _)| form.contains(&b'/')).cloned().collect();
        for (form, _) in &mut forms {
            *form = escaped(form, false);
        }
        forms.extend(slashes.into_iter().map(|(form, taken)| (escaped(&form, true), taken)));
    }
}

/// A text within a JSON string.
fn escaped(text: &[u8], slashes: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    for &byte in text {
        if matches!(byte, b'\\' | b'"') || (slashes && byte == b'/') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

/// Names of characters in HTML, those of ASCII.
const ENTITIES: [(u8, &str); 40] = [
    (b'\t', "Tab"),
    (b'\n', "NewLine"),
    (b'!', "excl"),
    (b'"', "quot"),
    (b'"', "QUOT"),
    (b'#', "num"),
    (b'$', "dollar"),
    (b'%', "percnt"),
    (b'&', "amp"),
    (b'&', "AMP"),
    (b'\'', "apos"),
    (b'(', "lpar"),
    (b')', "rpar"),
    (b'*', "ast"),
    (b'+', "plus"),
    (b',', "comma"),
    (b'.', "period"),
    (b'/', "sol"),
    (b':', "colon"),
    (b';', "semi"),
    (b'<', "lt"),
    (b'<', "LT"),
    (b'=', "equals"),
    (b'>', "gt"),
    (b'>', "GT"),
    (b'?', "quest"),
    (b'@', "commat"),
    (b'[', "lsqb"),
    (b'[', "lbrack"),
    (b'\\', "bsol"),
    (b']', "rsqb"),
    (b']', "rbrack"),
    (b'^', "Hat"),
    (b'_', "lowbar"),
    (b'`', "grave"),
    (b'{', "lcub"),
    (b'{', "lbrace"),
    (b'|', "vert"),
    (b'}', "rcub"),
    (b'}', "rbrace"),
];

fn entity(byte: u8, wanted: &[u8], give: &mut dyn FnMut(&[u8], usize)) {
    for (_, name) in ENTITIES.iter().filter(|(named, _)| *named == byte) {
        give(format!("&{name};").as_bytes(), 1);
    }
    let Some(char) = first_char(wanted) else {
        return;
    };
    let (code, taken) = (u32::from(char), char.len_utf8());
    for form in [
        format!("&#{code};"),
        format!("&#{code:03};"),
        format!("&#{code:04};"),
        format!("&#{code:05};"),
        format!("&#x{code:x};"),
        format!("&#x{code:X};"),
        format!("&#X{code:X};"),
        format!("&#x{code:04x};"),
        format!("&#x{code:04X};"),
    ] {
        give(form.as_bytes(), taken);
    }
}

fn first_char(bytes: &[u8]) -> Option<char> {
    bytes.get(..bytes.len().min(4))?.utf8_chunks().next()?.valid().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(wanted: usize, text: usize) -> Next {
        Next::Is { wanted, text }
    }

    #[test]
    fn the_longest_spelling_counts() {
        let (percent, backslash) = (Spelling::Percent(1), Spelling::Backslash(1));
        assert_eq!(percent.next(b"%x", b"%25x", false), is(1, 3));
        assert_eq!(percent.next(b"%x", b"%x", false), is(1, 1));
        assert_eq!(percent.next(b"/", b"%2f", false), is(1, 3));
        assert_eq!(percent.next(b" ", b"+", false), is(1, 1));
        assert_eq!(Spelling::Percent(2).next(b"/", b"%252f", false), is(1, 5));
        assert_eq!(Spelling::Percent(2).next(b" ", b"%2B", false), is(1, 3));
        assert_eq!(backslash.next(b"\\", b"\\\\", false), is(1, 2));
        assert_eq!(Spelling::Backslash(2).next(b"\"", br#"\\\"x"#, false), is(1, 4));
        assert_eq!(Spelling::Backslash(3).next(b"\"", br#"\\\\\\\"x"#, false), is(1, 8));
        assert_eq!(Spelling::Backslash(2).next(b"/", br"\/", false), is(1, 2));
        assert_eq!(Spelling::Backslash(2).next(b"/", br"\\\/x", false), is(1, 4));
        assert_eq!(Spelling::Percent(2).next(b"R", b"%25%35%32", false), is(1, 9));
        assert_eq!(backslash.next(b"h", br"\u0068", false), is(1, 6));
        assert_eq!(backslash.next(b"h", br"\u{68}", false), is(1, 6));
        assert_eq!(backslash.next(b"h", br"\150", false), is(1, 4));
        assert_eq!(Spelling::Entity.next(b"&", b"&amp;", false), is(1, 5));
        assert_eq!(Spelling::Entity.next(b"'", b"&#039;", false), is(1, 6));
        assert_eq!(Spelling::Entity.next("é".as_bytes(), b"&#xE9;", false), is(2, 6));
        assert_eq!(Spelling::Quoted.next(b"'", br"'\''", false), is(1, 4));
        assert_eq!(Spelling::Quoted.next(b"'", b"'x", false), Next::No);
        assert_eq!(backslash.next("é".as_bytes(), br"\u00e9", false), is(2, 6));
        assert_eq!(backslash.next("😀".as_bytes(), br"\uD83D\uDE00", false), is(4, 12));
        assert_eq!(backslash.next(b"<", br"\u003c", false), is(1, 6));
        assert_eq!(Spelling::Raw.next(b"%", b"%25", false), is(1, 1));
    }

    #[test]
    fn what_is_cut_is_open_until_the_end() {
        for (spelling, wanted, text) in [
            (Spelling::Percent(1), &b"/"[..], &b"%2"[..]),
            (Spelling::Backslash(1), b"\"", b"\\"),
            (Spelling::Quoted, b"'", b"'"),
            (Spelling::Raw, b"x", b""),
        ] {
            assert_eq!(spelling.next(wanted, text, false), Next::Open);
            assert_ne!(spelling.next(wanted, text, true), Next::Open);
        }
        assert_eq!(Spelling::Backslash(1).next(b"\\", b"\\", true), is(1, 1));
    }
}

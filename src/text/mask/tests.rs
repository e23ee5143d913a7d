use super::*;

fn masker(secrets: &[(&str, &str)]) -> Masker {
    Masker::new(secrets.iter().map(|(name, value)| (*name, value.as_bytes()))).unwrap()
}

/// Masks a text in one go, cut everywhere, and byte by byte: it must be the same.
fn masked(masker: &Masker, text: &str) -> String {
    let bytes = text.as_bytes();
    let expected = masker.mask_bytes(bytes);
    let whole = |pieces: &[&[u8]]| {
        let (mut stream, mut out) = (masker.stream(), Vec::new());
        for piece in pieces {
            stream.feed(piece, &mut out);
        }
        stream.finish(&mut out);
        out
    };
    for at in 0..bytes.len() {
        assert_eq!(whole(&[&bytes[..at], &bytes[at..]]), expected, "{text:?} cut at {at}");
    }
    assert_eq!(whole(&bytes.chunks(1).collect::<Vec<_>>()), expected, "{text:?} byte by byte");
    assert_eq!(masker.mask_bytes(&expected), expected, "masking again changes nothing");
    String::from_utf8(expected).unwrap()
}

#[test]
fn a_secret_is_masked_and_nothing_else_is_touched() {
    let masker = masker(&[("TOKEN", "hunter22"), ("PIN", "9876")]);
    assert_eq!(masked(&masker, "using hunter22 and 9876.\n"), "using ‹TOKEN› and ‹PIN›.\n");
    for text in ["", "hunter2", "unter22", "987", "hunter hunter hunter2", "h\nu\n"] {
        assert_eq!(masked(&masker, text), text);
    }
    assert_eq!(masked(&masker, "hunter22hunter22"), "‹TOKEN›‹TOKEN›");
}

#[test]
fn every_encoding_is_known() {
    let value = "p@ss w/\"ord\" é'$";
    let masker = masker(&[("PASS", value)]);
    let encodings = [
        value,
        "p%40ss%20w%2F%22ord%22%20%C3%A9%27%24",
        "p%40ss%20w%2f%22ord%22%20%c3%a9%27%24",
        "p%40ss+w%2F%22ord%22+%C3%A9'%24",
        "p@ss%20w/%22ord%22%20%C3%A9'$",
        r#"p@ss w/\"ord\" é'$"#,
        r#"p@ss w\/\"ord\" \u00e9'$"#,
        r#"p@ss w/\"ord\" \u00E9\u0027$"#,
        r#"p@ss\ w/\"ord\"\ é\'\$"#,
        r#"p@ss w/"ord" é'\''$"#,
        r#"p@ss w/"ord" \xc3\xa9'$"#,
        "7040737320772f226f72642220c3a92724",
        "7040737320772F226F72642220C3A92724",
        "%70%40%73%73%20%77%2f%22%6f%72%64%22%20%c3%a9%27%24",
    ];
    for encoded in encodings {
        assert_eq!(masked(&masker, &format!("<{encoded}>")), "<‹PASS›>", "{encoded}");
    }
}

#[test]
fn encodings_within_encodings_are_known() {
    let value = "p@ss w/\"ord\" é'$";
    let masker = masker(&[("PASS", value), ("TOKEN", "hunter22")]);
    for encoded in [
        "p%2540ss%2520w%252F%2522ord%2522%2520%25C3%25A9%2527%2524",
        "p%2540ss%2Bw%252f%2522ord%2522%2Bé'%2524",
        r#"p@ss w/\\\"ord\\\" é'$"#,
        r#"p@ss w\\/\\\"ord\\\" \\u00e9'$"#,
        r#"p@ss w\/\\\"ord\\\" \u00e9'$"#,
        r#"p@ss w/\\\\\\\"ord\\\\\\\" é'$"#,
        r"\u0070\u0040\u0073\u0073\u0020\u0077\u002f\u0022\u006f\u0072\u0064\u0022\u0020\u00e9\u0027\u0024",
        r"p@ss w/\042ord\042 \303\251'$",
        r"p\x40ss w/\x22ord\x22 \u{e9}'$",
        "p@ss w/&quot;ord&quot; é&#39;$",
        "p@ss w/&#34;ord&#34; &#233;&#039;$",
        "p&commat;ss w&sol;&#x22;ord&#X22; &#xe9;&apos;&dollar;",
        "&#112;&#64;&#115;&#115;&#32;&#119;&#47;&#34;&#111;&#114;&#100;&#34;&#32;&#233;&#39;&#36;",
    ] {
        assert_eq!(masked(&masker, &format!("<{encoded}>")), "<‹PASS›>", "{encoded}");
    }
    for encoded in [
        r"\u0068\u0075\u006e\u0074\u0065\u0072\u0032\u0032",
        r"\\u0068\\u0075\\u006e\\u0074\\u0065\\u0072\\u0032\\u0032",
        r"\x68\x75\x6e\x74\x65\x72\x32\x32",
        r"\150\165\156\164\145\162\062\062",
        r"hu\u006eter22",
        "&#104;&#117;&#110;&#116;&#101;&#114;&#50;&#50;",
        "&#x68;&#x75;&#x6e;&#x74;&#x65;&#x72;&#x32;&#x32;",
        "%68%75%6e%74%65%72%32%32",
        "%2568%2575%256E%2574%2565%2572%2532%2532",
        "NB2W45DFOIZDE===",
        "nb2w45dfoizde",
        // base32 of user:hunter22
        "OVZWK4R2NB2W45DFOIZDE",
    ] {
        let result = masked(&masker, encoded);
        assert!(result.contains("‹TOKEN›") && result.len() < "‹TOKEN›".len() + 14, "{encoded}: {result}");
    }
}

#[test]
fn base64_in_base64_is_found_at_every_place() {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    let value = "sk_live_?>~zzzz0123456789";
    let masker = masker(&[("KEY", value)]);
    for before in ["", "u", "us", "user:"] {
        for outer in ["", "{", "{\"", "{\"a"] {
            let inner = BASE64_STANDARD.encode(format!("{before}{value}\n"));
            let encoded = BASE64_STANDARD.encode(format!("{outer}{inner}\"}}"));
            let result = masked(&masker, &encoded);
            let around = result.replace("‹KEY›", "").len();
            assert!(result.contains("‹KEY›") && around < 40, "{before}{outer}: {encoded} became {result}");
        }
    }
    let long = "a line of a long key, as it were\n".repeat(9);
    let masker = self::masker(&[("KEY", &long)]);
    let inner = BASE64_STANDARD.encode(&long);
    let lines: Vec<_> = inner.as_bytes().chunks(76).collect();
    let result = masked(&masker, &BASE64_STANDARD.encode(lines.join(&b'\n')));
    assert!(result.contains("‹KEY›") && result.len() < 20, "{result}");
}

/// What may stand between the bytes of a secret without being seen: thirty-one of every kind.
const SPLITTERS: [&str; 31] = [
    "\u{1b}[1;31m",
    "\u{1b}[K",
    "\u{1b}[38:2::255:0:0m",
    "\u{1b}[?25l",
    "\u{1b}(B",
    "\u{1b}(B\u{1b}[m",
    "\u{1b})0",
    "\u{1b}#8",
    "\u{1b}7",
    "\u{1b}=",
    "\u{1b}",
    "\u{1b}]0;a title\u{7}",
    "\u{1b}]8;;https://example.test/a/long/enough/address?with=much&more=of&it=all\u{1b}\\",
    "\u{1b}]8;;\u{7}",
    "\u{1b}]133;A\u{1b}\\",
    "\u{1b}]1337;SetMark\u{7}",
    "\u{1b}P1$r0m\u{1b}\\",
    "\u{1b}_Ga=d\u{1b}\\",
    "\u{1b}^private\u{1b}\\",
    "\u{1b}Xstring\u{1b}\\",
    "\u{0}",
    "\u{7}",
    "\u{8}",
    "\u{e}",
    "\u{7f}",
    "\r",
    "\u{9b}31m",
    "\u{9d}0;t\u{9c}",
    "\u{ad}",
    "\u{200b}",
    "\u{2060}\u{34f}",
];

#[test]
fn what_is_not_seen_does_not_split_a_secret() {
    let long = "0123456789abcdefghij".repeat(4);
    let masker =
        masker(&[("TOKEN", "hunter22"), ("ODD", "a/b\"c\"d"), ("LONG", &long), ("UNDER", "g_p_x_y")]);
    // A line is not kept waiting for a few bytes.
    let let_go = |splitter: &str| if splitter == "\r" { 3 * 2 } else { 0 };
    for splitter in SPLITTERS {
        for at in 1..8 {
            let (first, second) = "hunter22".split_at(at);
            let result = masked(&masker, &format!("<{first}{splitter}{second}>"));
            assert!(result.ends_with("‹TOKEN›>"), "{splitter:?} at {at}: {result}");
            assert!(result.len() <= "<‹TOKEN›>".len() + let_go(splitter), "{splitter:?} at {at}: {result}");
        }
        let between = |text: &str| text.chars().map(String::from).collect::<Vec<_>>().join(splitter);
        let whole = String::from_utf8(masker.mask_bytes(between(&long).as_bytes())).unwrap();
        assert!(
            whole.ends_with("‹LONG›") && whole.len() <= "‹LONG›".len() + let_go(splitter),
            "{splitter:?}: {whole}"
        );
        for (plain, mark) in [
            ("hunter22", "TOKEN"),
            ("g_p_x_y", "UNDER"),
            ("aHVudGVyMjI=", "TOKEN"),
            ("68756e7465723232", "TOKEN"),
            ("a%2Fb%22c%22d", "ODD"),
            (r#"a/b\"c\"d"#, "ODD"),
        ] {
            let result = masked(&masker, &format!("<{}>", between(plain)));
            assert!(result.ends_with(&format!("‹{mark}›>")), "{splitter:?} in {plain}: {result}");
            let most = format!("<‹{mark}›>").len() + let_go(splitter);
            assert!(result.len() <= most, "{splitter:?} in {plain}: {result}");
        }
    }
}

#[test]
fn what_is_not_seen_may_begin_as_a_secret_goes_on() {
    let masker = masker(&[("TOKEN", "price€\u{2039}é")]);
    for splitter in ["\u{200b}", "\u{ad}", "\u{2060}\u{e0041}"] {
        let text = "price€\u{2039}é".chars().map(String::from).collect::<Vec<_>>().join(splitter);
        assert_eq!(masked(&masker, &text), "‹TOKEN›", "{splitter:?}");
    }
}

#[test]
fn letters_that_are_struck_twice_or_underlined_are_read_as_on_paper() {
    let masker = masker(&[("TOKEN", "hunterrr22é")]);
    let each = |how: &dyn Fn(char) -> String| "hunterrr22é".chars().map(how).collect::<String>();
    for text in [each(&|c| format!("{c}\u{8}{c}")), each(&|c| format!("{c}\u{8}{c}\u{8}{c}"))] {
        let result = masker.mask(&text);
        assert!(result.starts_with("‹TOKEN›") && !result.contains("rr"), "{result:?}");
    }
    assert_eq!(masked(&masker, &each(&|c| format!("_\u{8}{c}"))), "_\u{8}‹TOKEN›");
}

#[test]
fn what_has_no_end_is_not_waited_for_for_ever() {
    let masker = masker(&[("TOKEN", "hunter22")]);
    let (mut stream, mut out) = (masker.stream(), Vec::new());
    stream.feed(b"hunt\x1b]0;", &mut out);
    assert_eq!(out, b"");
    for _ in 0..100 {
        stream.feed(&[b'x'; 100], &mut out);
        assert!(stream.held.len() < 16_000);
    }
    // What a terminal takes for a title it never shows; the next line is none of it.
    stream.feed(b"\nnext line\n", &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "hunt‹10.0 kB unseen›\nnext line\n");
}

#[test]
fn base64_is_found_at_every_place_of_a_longer_text() {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
    let value = "sk_live_?>~\u{ff}zzz";
    let masker = masker(&[("KEY", value)]);
    for before in ["", "u", "us", "user:"] {
        for after in ["", "\n", ", and more"] {
            let text = format!("{before}{value}{after}");
            for encoded in [BASE64_STANDARD.encode(&text), BASE64_URL_SAFE.encode(&text)] {
                let result = masked(&masker, &encoded);
                // What is left besides the neighbours holds at most a few bits.
                let left = result.replace("‹KEY›", "").len();
                let around = before.len() + after.len();
                assert!(result.contains("‹KEY›"), "{text}: {encoded} became {result}");
                assert!(left <= around.div_ceil(3) * 4 + 6, "{text}: {encoded} became {result}");
            }
        }
    }
    assert_eq!(masked(&masker, &BASE64_STANDARD.encode(value)), "‹KEY›");
    assert_eq!(masked(&masker, &BASE64_STANDARD.encode(format!("{value}\n"))), "‹KEY›");
}

#[test]
fn line_ends_indentation_and_colours_do_not_count() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n";
    let masker = masker(&[("KEY", key), ("JSON", "{\n  \"id\": 1234,\n  \"k\": 5\n}")]);
    let terminal = key.replace('\n', "\r\n");
    assert_eq!(masked(&masker, &format!("a {terminal}b")), "a ‹KEY›\r\nb");
    assert_eq!(masked(&masker, &format!("a {key}b")), "a ‹KEY›\nb");
    let indented = key.trim_end().replace('\n', "\r\n    ");
    assert_eq!(masked(&masker, &format!("a: |\r\n    {indented}\r\nb")), "a: |\r\n    ‹KEY›\r\nb");
    assert_eq!(masked(&masker, &key.trim_end().replace('\n', "\\n")), "‹KEY›");
    assert_eq!(masked(&masker, "> MIIEvQIBADANBgkq <"), "> ‹KEY› <");
    assert_eq!(masked(&masker, "MIIEvQ\u{1b}[31mIBADANB\u{1b}[0mgkq"), "‹KEY›");
    assert_eq!(masked(&masker, "M\u{1b}[1mIIEvQIBADANBgkq"), "‹KEY›");
    assert_eq!(masked(&masker, "{\r\n  \"id\": 1234,\r\n  \"k\": 5\r\n}"), "‹JSON›");
    assert_eq!(masked(&masker, "{\r\n\"id\": 1234,\r\n\"k\": 5\r\n}"), "‹JSON›");
}

#[test]
fn wrapped_base64_is_one_secret() {
    use base64::Engine as _;
    let key = "a line of a long key, as it were\n".repeat(40);
    let masker = masker(&[("KEY", &key), ("PASS", "correct horse battery")]);
    for before in 0..80 {
        let text = format!("{}correct horse battery, {key}", "x".repeat(before));
        let encoded = base64::prelude::BASE64_STANDARD.encode(&text);
        let lines: Vec<_> = encoded.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
        let result = masker.mask_bytes(lines.join("\r\n").as_bytes());
        let result = String::from_utf8(result).unwrap();
        let before = base64::prelude::BASE64_STANDARD.encode("x".repeat(before)).len();
        assert!(result.len() < before + before / 38 + 50, "after {before}: {result}");
    }
}

#[test]
fn a_line_is_not_held_back_for_a_few_bytes() {
    let masker = masker(&[("TOKEN", "e-is-the-first-letter")]);
    let (mut stream, mut out) = (masker.stream(), Vec::new());
    stream.feed(b"done\r\n", &mut out);
    assert_eq!(out, b"done\r\n");
    stream.feed(b"-is-the-first-letter!", &mut out);
    stream.feed(b"e-is", &mut out);
    assert_eq!(String::from_utf8_lossy(&out), "done\r\n‹TOKEN›!");
    stream.finish(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), "done\r\n‹TOKEN›!e-is");
}

#[test]
fn secrets_that_overlap_leave_nothing() {
    let masker = masker(&[("A", "abcd"), ("B", "abcdef"), ("C", "efgh"), ("D", "bcde")]);
    assert_eq!(masked(&masker, "xabcdx"), "x‹A›x");
    assert_eq!(masked(&masker, "xabcdefx"), "x‹B›x");
    assert_eq!(masked(&masker, "xabcdefghx"), "x‹B›x");
    assert_eq!(masked(&masker, "abcdabcdefghabc"), "‹A›‹B›abc");
}

#[test]
fn what_begins_after_a_line_end_hides_nothing_that_is_before_it() {
    let masker = masker(&[("LINES", "aaaaabaa"), ("TOKEN", "aaaaaaaa")]);
    let lines = |count: usize| "a\n".repeat(count);
    // From the letter before the title on it is the secret too, and what has to go begins later.
    let text = format!("{}b\na\na\u{1b}]8;;https://x{}\0\u{80}{}", lines(5), lines(8), lines(8));
    let result = masked(&masker, &text);
    let left = result.matches('a').count();
    assert!(left < 3 + 3 + 3 + 1, "{result:?}");
    let masker = self::masker(&[("TOKEN", "bbaa")]);
    assert_eq!(masked(&masker, "aab\r\u{1b}bbaa"), "aab\r\u{1b}\u{1b}\\‹TOKEN›");
}

#[test]
fn what_can_be_read_in_two_ways_is_read_in_both_each_time() {
    let masker = masker(&[("TOKEN", "aaab")]);
    assert_eq!(masked(&masker, "<aa\u{1b}[1;31m\u{1b}aba"), "<‹TOKEN›a");
    assert_eq!(masked(&masker, "<a\u{1b}7a\u{1b}a\u{1b}8b>"), "<‹TOKEN›>");
}

#[test]
fn what_ends_within_a_secret_is_ended_before_its_mark() {
    let masker = masker(&[("TOKEN", "hunter22")]);
    for (text, expected) in [
        ("\u{1b}]0;hun\u{7}ter22 ok", "\u{1b}]0;\u{1b}\\‹TOKEN› ok"),
        ("\u{1b}]0;hun\u{1b}[1mter22 ok", "\u{1b}]0;\u{1b}\\‹TOKEN› ok"),
        ("\u{1b}]0;hunter22\u{7} ok", "\u{1b}]0;‹TOKEN›\u{7} ok"),
        ("\u{1b}]0;t\u{7}hun\u{7}ter22 ok", "\u{1b}]0;t\u{7}‹TOKEN› ok"),
    ] {
        assert_eq!(masked(&masker, text), expected);
    }
}

#[test]
fn a_mark_never_tells_a_secret() {
    let masker = masker(&[("API_TOKEN", "TOKEN"), ("B", "B››x"), ("C", "***@host"), ("D", "x‹secret")]);
    for text in ["TOKEN", "B››x", "xTOKEN", "https://u:p@host", "x‹secret", "TOKENx B››xx"] {
        let result = masked(&masker, text);
        for secret in ["TOKEN", "B››x", "***@host", "x‹secret"] {
            assert!(!result.contains(secret), "{text} became {result}");
        }
    }
}

#[test]
fn what_is_too_short_is_refused_by_name() {
    for value in ["", "abc", "a\nb\nc"] {
        let failure = Masker::new([("PIN", value.as_bytes())]).unwrap_err();
        assert!(failure.doing.contains("PIN") && failure.cause.contains("fewer than 4 bytes"), "{failure}");
        assert!(value.is_empty() || !failure.to_string().contains(value));
    }
}

#[test]
fn urls_lose_their_passwords_and_secrets_go_first() {
    let masker = masker(&[("DB", "postgres://app:pw@db/x"), ("PW", "hunter22")]);
    assert_eq!(masked(&masker, "postgres://app:pw@db/x redis://:pw@h"), "‹DB› redis://***@h");
    assert_eq!(masked(&masker, "https://me:hunter22@h/x"), "https://***@h/x");
    assert_eq!(Masker::default().mask("ftp://a:b@c"), "ftp://***@c");
    assert!(matches!(Masker::default().mask("nothing"), Cow::Borrowed(_)));
}

#[test]
fn what_may_be_cut_at_its_end_is_left_out_of_a_beginning() {
    let masker = masker(&[("TOKEN", "hunter22")]);
    assert_eq!(masker.mask_beginning(b"a hunter22 hunt"), "a ‹TOKEN› ".as_bytes());
    assert_eq!(masker.mask_bytes(b"hunt"), b"hunt");
}

#[test]
fn nothing_is_told_by_debugging() {
    let masker = masker(&[("TOKEN", "hunter22")]);
    let mut stream = masker.stream();
    stream.feed(b"hunter2", &mut Vec::new());
    let text = format!("{masker:?} {stream:?}");
    assert!(!text.contains("hunter"), "{text}");
}

#[test]
fn a_variable_that_was_not_quoted_has_blanks_for_line_ends() {
    let masker = masker(&[("KEY", "first line\nsecond line\nthird")]);
    assert_eq!(masked(&masker, "first line second line third."), "‹KEY›.");
}

#[test]
fn quotes_that_are_doubled_and_hexadecimal_with_something_between_are_known() {
    let value = "it's a \"to:ken\"7";
    let masker = masker(&[("PASS", value)]);
    let hex = |upper: bool, between: &str, each: usize| {
        let one = |byte: &u8| {
            if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }
        };
        let bytes: Vec<String> = value.as_bytes().iter().map(one).collect();
        bytes.chunks(each).map(<[String]>::concat).collect::<Vec<_>>().join(between)
    };
    let mut all = vec!["it''s a \"to:ken\"7".to_owned(), "it's a \"\"to:ken\"\"7".to_owned()];
    for upper in [true, false] {
        all.extend([" ", ":", "-", ", ", ", 0x", ",0x"].map(|between| hex(upper, between, 1)));
        all.push(hex(upper, " ", 2));
    }
    for text in all {
        assert_eq!(masked(&masker, &format!("<{text}>")), "<‹PASS›>", "{text}");
    }
}

#[test]
fn what_is_encoded_within_base64_and_urls_is_known_at_every_place() {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    let value = "p@ss/w\"or\\d 0123456789";
    let masker = masker(&[("PASS", value)]);
    let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let forms = [br#"p@ss/w\"or\\d 0123456789"#.to_vec(), b"p%40ss%2Fw%22or%5Cd%200123456789".to_vec(), wide];
    for form in forms {
        for before in ["", "{", "{\"", "{\"a"] {
            let encoded = BASE64_STANDARD.encode([before.as_bytes(), &form, b"\"}"].concat());
            let result = masked(&masker, &encoded);
            let around = result.replace("‹PASS›", "").len();
            assert!(result.contains("‹PASS›") && around < 14, "{before}: {encoded} became {result}");
        }
    }
    let json = "%7B%22a%22%3A%22p%40ss%2Fw%5C%22or%5C%5Cd%200123456789%22%7D";
    assert_eq!(masked(&masker, json), "%7B%22a%22%3A%22‹PASS›%22%7D");
}

/// However much it is, and whatever a terminal does not show of it.
#[test]
fn a_secret_is_masked_across_any_length_of_what_nobody_sees() {
    let masker = masker(&[("S", "hunter2-Secret-Value-99")]);
    for length in [100, 4000, 4090, 4100, 5000, 20_000, 70_000] {
        for (kind, unseen) in [
            ("osc", format!("\x1b]52;c;{}\x07", "A".repeat(length))),
            ("link", format!("\x1b]8;;http://x/{}\x1b\\", "a".repeat(length))),
            ("picture", format!("\x1bPq{}\x1b\\", "A".repeat(length))),
            ("nul", "\0".repeat(length)),
            ("bell", "\x07".repeat(length)),
            ("colour", format!("\x1b[{}m", "1;".repeat(length / 2))),
            ("colours", "\x1b[1m".repeat(length / 4)),
            ("blank", "\u{200b}".repeat(length / 3)),
        ] {
            let text = format!("<hunter2-Sec{unseen}ret-Value-99>");
            assert_eq!(masker.mask(&text), "<‹S›>", "{length} of {kind}");
            let (mut stream, mut out) = (masker.stream(), Vec::new());
            for piece in text.as_bytes().chunks(997) {
                stream.feed(piece, &mut out);
            }
            stream.finish(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), "<‹S›>", "{length} of {kind} in pieces");
            // Where it splits nothing it is gone, and said to be, if it is long.
            let text = format!("a{unseen}b\n");
            let shown = masker.mask(&text);
            if unseen.len() <= 4000 {
                assert_eq!(shown, text, "{length} of {kind}");
            } else if unseen.len() > 4096 {
                let size = format!("{}.{} kB unseen›b\n", unseen.len() / 1000, unseen.len() / 100 % 10);
                assert!(shown.ends_with(&size), "{length} of {kind}: {}", shown.escape_debug());
                assert!(shown.len() < 4200, "{length} of {kind}");
            }
        }
    }
    // What never ends takes no line with it but its own.
    let text = format!("a\x1b]{}\nb\n", "x".repeat(9000));
    assert_eq!(masker.mask(&text), "a‹9.0 kB unseen›\nb\n");
}

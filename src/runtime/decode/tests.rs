//! What terminals send, cut anywhere.

use proptest::prelude::*;

use super::*;

fn decoded(bytes: &[u8]) -> Vec<Typed> {
    in_pieces(&[bytes])
}

/// Pieces that come right behind each other, and then nothing.
fn in_pieces(pieces: &[&[u8]]) -> Vec<Typed> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    for piece in pieces {
        decoder.feed(piece, &mut out);
    }
    if decoder.patience().is_some() {
        decoder.settle(&mut out);
    }
    out
}

/// Pieces with more time between them than is waited for.
fn slowly(pieces: &[&[u8]]) -> Vec<Typed> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    for piece in pieces {
        decoder.feed(piece, &mut out);
        if decoder.patience().is_some() {
            decoder.settle(&mut out);
        }
    }
    out
}

fn keys(names: &str) -> Vec<Typed> {
    names.split_whitespace().map(|name| Typed::key(Key::parse(name).unwrap())).collect()
}

#[test]
fn keys_are_what_terminals_send_for_them() {
    let table: &[(&[u8], &str)] = &[
        (b"ay Z", "a y space Z"),
        ("é€😀".as_bytes(), "é € 😀"),
        (b"\r\t\x7f\0\n", "enter tab backspace ctrl-space ctrl-j"),
        (b"\x01\x03\x1a\x1c", "ctrl-a ctrl-c ctrl-z ctrl-4"),
        (b"\x1b", "esc"),
        (b"\x1b\x1b\x1b\x03", "esc esc esc ctrl-c"),
        (b"y\x1b", "y esc"),
        (b"\x1by", "alt-y"),
        ("\u{1b}é".as_bytes(), "alt-é"),
        (b"\x1b\r\x1b\x7f", "alt-enter alt-backspace"),
        (b"\x1b[", "alt-["),
        (b"\x1bO", "alt-O"),
        (b"\x1b]", "alt-]"),
        (b"\x1bP", "alt-P"),
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", "up down right left"),
        (b"\x1bOA\x1bOH\x1bOF\x1bOM", "up home end enter"),
        (b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~", "home end home end home end"),
        (b"\x1b[3~\x1b[5~\x1b[6~\x1b[Z", "delete pageup pagedown shift-tab"),
        (b"\x1bOP\x1bOR\x1b[R\x1b[13~\x1b[24~\x1b[[C", "f1 f3 f3 f3 f12 f3"),
        (b"\x1b[1;5A\x1b[1;3B\x1b[5;5~", "ctrl-up alt-down ctrl-pageup"),
        (b"\x1b\x1b[A", "esc up"),
        // Keys as code points.
        (b"\x1b[27u\x1b[13u\x1b[9;2u\x1b[127u", "esc enter shift-tab backspace"),
        (b"\x1b[99;5u\x1b[121;3u\x1b[97;2u\x1b[49:33;2u", "ctrl-c alt-y A !"),
        (b"\x1b[27;5;105~", "ctrl-i"),
        (b"\x1b[57414u\x1b[57400u\x1b[57419u", "enter 1 up"),
        (b"\x1b[121;129u", "y"),
    ];
    for (bytes, names) in table {
        assert_eq!(decoded(bytes), keys(names), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_key_that_is_held_repeats_and_one_let_go_of_does_nothing() {
    let held = Typed::Key { key: Key::plain(Code::Enter), repeat: true };
    assert_eq!(decoded(b"\x1b[13;1:1u\x1b[13;1:2u\x1b[13;1:3u"), [keys("enter"), vec![held]].concat());
    assert_eq!(decoded(b"\x1b[1;1:3A\x1b[3;1:3~"), []);
    // What the window system was meant to have.
    assert_eq!(decoded(b"\x1b[121;9u"), []);
}

/// What terminals answer, whether they were asked or not.
const REPLIES: &[&[u8]] = &[
    b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
    b"\x1b]11;rgb:1e1e/1e1e/2e2e\x07",
    b"\x1b]10;rgba:ffff/ffff/ffff/ffff\x1b\\",
    b"\x1b]52;c;eXkNcQ==\x1b\\",
    b"\x1bP>|tmux 3.4\x1b\\",
    b"\x1bP1+r544e=787465726d\x1b\\",
    b"\x1bP1$r0 q\x1b\\",
    b"\x1b[?2026;2$y",
    b"\x1b[?62;22c",
    b"\x1b[>41;354;0c",
    b"\x1b[?1u",
    b"\x1b[12;40R",
    b"\x1b[1;2R",
    b"\x1b[0n",
    b"\x1b[?997;1n",
    b"\x1b[4;1080;1920t",
    b"\x1b_Gi=31;OK\x1b\\",
    b"\x1b^y\x1b\\",
    b"\x1bXyyy\x1b\\",
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b[<35;10;10M",
];

#[test]
fn what_the_terminal_says_of_itself_is_never_keys() {
    for reply in REPLIES {
        let shown = reply.escape_ascii();
        assert_eq!(decoded(reply), [], "{shown}");
        let among = [b"j".as_slice(), reply, b"k"].concat();
        assert_eq!(decoded(&among), keys("j k"), "{shown}");
        for cut in 1..reply.len() {
            let (before, after) = reply.split_at(cut);
            assert_eq!(in_pieces(&[before, after]), [], "{shown} cut at {cut}");
            let bytes: Vec<&[u8]> = reply.chunks(1).collect();
            assert_eq!(in_pieces(&bytes), [], "{shown} byte by byte");
            // Where the link stalls, an escape may be taken for the key, and nothing else may.
            let mut typed = slowly(&[before, after, b"k"]);
            assert_eq!(typed.pop(), keys("k").pop(), "{shown} stalled at {cut}");
            let allowed = match cut {
                1 => keys("esc"),
                2 => vec![Typed::key(Key { alt: true, ..Key::char(char::from(reply[1])) })],
                _ => Vec::new(),
            };
            assert!(typed.is_empty() || typed == allowed, "{shown} stalled at {cut}: {typed:?}");
        }
    }
}

#[test]
fn a_reply_that_never_ends_does_not_take_the_keyboard_away() {
    assert_eq!(slowly(&[b"\x1b]11;rgb:1e", b"j", b"k"]), keys("j k"));
    assert_eq!(decoded(b"\x1b]11;rgb:1e\x03"), keys("ctrl-c"));
    assert_eq!(decoded(b"\x1b]11;rgb:1e\x1b[A"), keys("up"));
    assert_eq!(slowly(&[b"\x1b[1;", b"jk"]), keys("k"));
    let endless = [b"\x1b[".as_slice(), &[b'1'; 1000]].concat();
    assert_eq!(in_pieces(&[&endless, b"jk"]), keys("j k"));
}

#[test]
fn an_escape_and_what_is_typed_later_are_keys() {
    assert_eq!(slowly(&[b"\x1b", b"y"]), keys("esc y"));
    assert_eq!(slowly(&[b"\x1b", b"Page omar"]), keys("esc P a g e space o m a r"));
    assert_eq!(slowly(&[b"\x1b", b"[link] to it"]), keys("esc [ l i n k ] space t o space i t"));
    assert_eq!(slowly(&[b"\x1b", b"OPEN"]), keys("esc O P E N"));
    assert_eq!(slowly(&[b"\x1b", b"[A"]), keys("esc"), "an arrow that was cut");
}

#[test]
fn pasted_text_is_one_thing_and_never_keys() {
    let text = |text: &str| Typed::Paste(text.to_owned());
    assert_eq!(decoded(b"\x1b[200~y\rq\x1b[201~j"), [text("y\rq"), keys("j").remove(0)]);
    assert_eq!(decoded("\u{1b}[200~é\u{1b}[A\u{1b}]\u{1b}[201~".as_bytes()), [text("é\u{1b}[A\u{1b}]")]);
    let whole = b"\x1b[200~yyy\x1b[201~";
    for cut in 1..whole.len() {
        let (before, after) = whole.split_at(cut);
        assert_eq!(in_pieces(&[before, after]), [text("yyy")], "cut at {cut}");
    }
    assert_eq!(slowly(&[b"\x1b[200~y", b"y", b"\x1b[201~"]), [text("yy")], "however long it takes");
    assert_eq!(decoded(b"\x1b[200~y\x03"), [text("y"), keys("ctrl-c").remove(0)], "and there is a way out");
    let long = [b"\x1b[200~".as_slice(), &vec![b'y'; MAX_PASTE + 10], b"\x1b[201~j"].concat();
    let typed = decoded(&long);
    assert!(matches!(&typed[0], Typed::Paste(text) if text.len() == MAX_PASTE));
    assert_eq!(typed[1..], keys("j"));
}

#[test]
fn the_mouse_is_understood_in_every_encoding() {
    let press = Typed::Mouse { kind: MouseKind::Press, column: 9, row: 4 };
    for bytes in [b"\x1b[<0;10;5M".as_slice(), b"\x1b[32;10;5M", b"\x1b[M \x2a\x25"] {
        assert_eq!(decoded(bytes), std::slice::from_ref(&press), "{}", bytes.escape_ascii());
    }
    assert_eq!(decoded(b"\x1b[<0;10;5m\x1b[<2;10;5M\x1b[<32;10;5M"), []);
    let wheel = |kind| Typed::Mouse { kind, column: 0, row: 0 };
    let both = [wheel(MouseKind::ScrollUp), wheel(MouseKind::ScrollDown)];
    assert_eq!(decoded(b"\x1b[<64;1;1M\x1b[<65;1;1M"), both);
}

#[test]
fn what_breaks_a_sequence_off_is_no_part_of_it() {
    let reply = b"\x1bP1+r544e=787465726d\x1b\\";
    for begun in [&b"\x1b[["[..], b"\x9b[", b"\x1b[M", b"\x1b[M  ", b"\x1b[", b"\x1b[1;"] {
        assert_eq!(decoded(&[begun, reply].concat()), [], "{}", begun.escape_ascii());
    }
    let alt = Typed::key(Key { alt: true, ..Key::char('O') });
    assert_eq!(decoded(&[b"\x1bO", &reply[..]].concat()), [alt]);
}

proptest! {
    /// However bytes are cut, they say the same.
    #[test]
    fn cuts_change_nothing(
        parts in prop::collection::vec(
            prop_oneof![
                prop::sample::select(REPLIES).prop_map(<[u8]>::to_vec),
                "[a-zé€😀 ]{0,5}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..6),
                Just(b"\x1b[200~pasted\x1b[201~".to_vec()),
                Just(b"\x1b[1;5A".to_vec()),
            ],
            0..8,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let bytes = parts.concat();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(in_pieces(&pieces), decoded(&bytes));
    }
}

#[test]
fn sequences_that_begin_with_one_byte_are_no_keys() {
    for reply in [
        &b"\x9b?2026;2$y"[..],
        b"\x9b?1;2c",
        b"\x9d11;rgb:1e1e/1e1e/2e2e\x1b\\",
        b"\x9d11;rgb:1e1e/1e1e/2e2e\x9c",
        b"\x90>|XTerm(370)\x9c",
        b"\x9fGi=31;OK\x9c",
    ] {
        let text = [reply, b"j"].concat();
        for cut in 0..=reply.len() {
            assert_eq!(
                in_pieces(&[&text[..cut], &text[cut..]]),
                keys("j"),
                "{} cut at {cut}",
                reply.escape_ascii()
            );
        }
    }
    assert_eq!(decoded(b"\x9bA\x8fB"), keys("up down"));
}

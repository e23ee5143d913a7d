//! Keys as a string: `n` and `text` are typed as they are, `<enter>` and the like by name.

/// What a terminal sends for a string of keys.
///
/// # Panics
/// A name in angle brackets is not known: the test is wrong.
pub(crate) fn bytes(keys: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = keys;
    while let Some(start) = rest.find('<') {
        let (text, tail) = rest.split_at(start);
        out.extend_from_slice(text.as_bytes());
        let named_key = tail.strip_prefix('<').and_then(|tail| tail.split_once('>'));
        let (name, after) = named_key.unwrap_or_else(|| panic!("`{keys}`: `<` without `>`"));
        out.extend_from_slice(&named(name));
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn named(name: &str) -> Vec<u8> {
    let fixed: &[u8] = match name {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "s-tab" => b"\x1b[Z",
        "space" => b" ",
        "bs" => b"\x7f",
        "lt" => b"<",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "pgup" => b"\x1b[5~",
        "pgdn" => b"\x1b[6~",
        "f1" => b"\x1bOP",
        _ => {
            let letter = name.strip_prefix("c-").and_then(|rest| rest.bytes().next());
            let letter = letter.unwrap_or_else(|| panic!("no key `<{name}>`"));
            return vec![letter & 0x1f];
        }
    };
    fixed.to_vec()
}

/// A press of the left mouse button and its release, at a column and row counted from 0.
pub(crate) fn click(column: u16, row: u16) -> Vec<u8> {
    let (x, y) = (column + 1, row + 1);
    format!("\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m").into_bytes()
}

#[test]
fn keys_are_what_a_terminal_sends() {
    assert_eq!(bytes("na b<enter><c-c><lt>"), b"na b\r\x03<");
}

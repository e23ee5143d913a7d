//! Keys as a terminal sends them, for a command that waits for an answer.

use super::key::{Code, Key};

/// What is sent to a command. May be a password: it is never shown, not even in a log of
/// this program.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(Vec<u8>);

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed(…)")
    }
}

impl Typed {
    /// Nothing at all: asks only whether the command takes keys.
    pub fn nothing() -> Self {
        Self(Vec::new())
    }

    /// A key, as the terminal of the command would send it; `None` for one that sends nothing.
    pub fn key(key: Key, screen: &vt100::Screen) -> Option<Self> {
        let mut bytes = Vec::with_capacity(8);
        if key.alt {
            bytes.push(0x1b);
        }
        match key.code {
            Code::Char(c) if key.ctrl => bytes.push(control(c)?),
            Code::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Code::Enter => bytes.push(b'\r'),
            Code::Esc => bytes.push(0x1b),
            Code::Tab => bytes.push(b'\t'),
            Code::Backspace => bytes.push(0x7f),
            code => bytes.extend_from_slice(&sequence(code, screen.application_cursor())?),
        }
        Some(Self(bytes))
    }

    /// Pasted text. Marked as such where the command asks for that.
    pub fn paste(text: &str, screen: &vt100::Screen) -> Self {
        // An escape in it could end the mark, or be an order of its own.
        let text: String = text.replace("\r\n", "\r").replace('\n', "\r");
        let text: String = text.chars().filter(|c| *c != '\u{1b}').collect();
        let text = if screen.bracketed_paste() { format!("\x1b[200~{text}\x1b[201~") } else { text };
        Self(text.into_bytes())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a character gives together with Ctrl.
fn control(c: char) -> Option<u8> {
    let byte = u8::try_from(c.to_ascii_lowercase()).ok()?;
    Some(match byte {
        b'a'..=b'z' => byte - b'a' + 1,
        b' ' | b'@' | b'2' => 0,
        b'[' | b'3' => 0x1b,
        b'\\' | b'4' => 0x1c,
        b']' | b'5' => 0x1d,
        b'^' | b'6' => 0x1e,
        b'_' | b'/' | b'7' => 0x1f,
        b'?' | b'8' => 0x7f,
        _ => return None,
    })
}

fn sequence(code: Code, application: bool) -> Option<Vec<u8>> {
    let arrow = |letter: u8| vec![0x1b, if application { b'O' } else { b'[' }, letter];
    let tilde = |number: u8| format!("\x1b[{number}~").into_bytes();
    Some(match code {
        Code::Up => arrow(b'A'),
        Code::Down => arrow(b'B'),
        Code::Right => arrow(b'C'),
        Code::Left => arrow(b'D'),
        Code::Home => arrow(b'H'),
        Code::End => arrow(b'F'),
        Code::BackTab => b"\x1b[Z".to_vec(),
        Code::Delete => tilde(3),
        Code::PageUp => tilde(5),
        Code::PageDown => tilde(6),
        Code::F(n @ 1..=4) => vec![0x1b, b'O', b'P' + n - 1],
        Code::F(5) => tilde(15),
        Code::F(n @ 6..=10) => tilde(n + 11),
        Code::F(n @ 11..=12) => tilde(n + 12),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_what_a_terminal_sends() {
        let mut terminal = vt100::Parser::default();
        let typed = |key: &str, terminal: &vt100::Parser| {
            Typed::key(Key::parse(key).unwrap(), terminal.screen()).map(|typed| typed.0)
        };
        for (key, bytes) in [
            ("é", "é".as_bytes()),
            ("enter", b"\r"),
            ("ctrl-c", b"\x03"),
            ("ctrl-space", b"\0"),
            ("ctrl-4", b"\x1c"),
            ("alt-b", b"\x1bb"),
            ("esc", b"\x1b"),
            ("backspace", b"\x7f"),
            ("up", b"\x1b[A"),
            ("pageup", b"\x1b[5~"),
            ("f1", b"\x1bOP"),
            ("f5", b"\x1b[15~"),
            ("f12", b"\x1b[24~"),
        ] {
            assert_eq!(typed(key, &terminal).unwrap(), bytes, "{key}");
        }
        terminal.process(b"\x1b[?1h");
        assert_eq!(typed("up", &terminal).unwrap(), b"\x1bOA");
        assert_eq!(typed("ctrl-é", &terminal), None);
    }

    #[test]
    fn pasted_text_is_marked_where_the_command_asks_for_it_and_cannot_end_the_mark() {
        let mut terminal = vt100::Parser::default();
        let hostile = "a\nb\x1b[201~c";
        assert_eq!(Typed::paste(hostile, terminal.screen()).bytes(), b"a\rb[201~c");
        terminal.process(b"\x1b[?2004h");
        assert_eq!(Typed::paste(hostile, terminal.screen()).bytes(), b"\x1b[200~a\rb[201~c\x1b[201~");
    }

    #[test]
    fn what_is_typed_is_never_shown() {
        assert_eq!(format!("{:?}", Typed(b"secret".to_vec())), "Typed(…)");
    }
}

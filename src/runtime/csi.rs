//! What a control sequence from the terminal means: a key, the mouse, or nothing to us.

use super::decode::Typed;
use crate::cockpit::key::{Code, Key};
use crate::cockpit::msg::MouseKind;

/// A control sequence taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Csi {
    /// Stands before the parameters of what is not a key: `?`, `<`, `=`, `>`.
    private: Option<u8>,
    /// The numbers, with what colons set apart.
    parameters: Vec<Vec<Option<u32>>>,
    /// Stand behind them in what is not a key.
    intermediates: bool,
    last: u8,
}

/// Modifiers of a key, as they are encoded.
#[derive(Clone, Copy)]
struct Held(u32);

impl Held {
    const fn shift(self) -> bool {
        self.0 & 1 != 0
    }

    const fn alt(self) -> bool {
        self.0 & (2 | 32) != 0
    }

    const fn ctrl(self) -> bool {
        self.0 & 4 != 0
    }

    /// Super or Hyper: what they are held for is not meant for us.
    const fn foreign(self) -> bool {
        self.0 & (8 | 16) != 0
    }
}

impl Csi {
    /// Takes what stands between `ESC [` and the last byte apart.
    pub(super) fn new(inner: &[u8], last: u8) -> Self {
        let private = inner.first().copied().filter(|byte| matches!(byte, b'<'..=b'?'));
        let digits = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b';' | b':');
        let numbers: Vec<u8> =
            inner.iter().skip(usize::from(private.is_some())).copied().take_while(digits).collect();
        let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
        let parameters = if numbers.is_empty() {
            Vec::new()
        } else {
            numbers
                .split(|byte| *byte == b';')
                .map(|one| one.split(|byte| *byte == b':').map(number).collect())
                .collect()
        };
        let intermediates = numbers.len() + usize::from(private.is_some()) < inner.len();
        Self { private, parameters, intermediates, last }
    }

    /// Tells whether there is more to it than its last byte.
    pub(super) const fn has_parameters(&self) -> bool {
        self.private.is_some() || !self.parameters.is_empty()
    }

    /// Tells whether what follows is pasted text.
    pub(super) fn begins_paste(&self) -> bool {
        self.last == b'~' && self.number(0) == Some(200)
    }

    fn number(&self, index: usize) -> Option<u32> {
        self.sub(index, 0)
    }

    fn sub(&self, index: usize, sub: usize) -> Option<u32> {
        self.parameters.get(index)?.get(sub).copied().flatten()
    }

    /// What it means.
    pub(super) fn typed(&self) -> Option<Typed> {
        let place = |index| self.number(index).and_then(|place| u16::try_from(place).ok());
        match (self.private, self.intermediates, self.last) {
            (Some(b'<'), false, b'M' | b'm') => {
                mouse(self.number(0)?, place(1)?, place(2)?, self.last == b'M')
            }
            (None, false, b'M') => mouse(self.number(0)?.checked_sub(32)?, place(1)?, place(2)?, true),
            (None, false, _) => self.key(),
            _ => None,
        }
    }

    fn key(&self) -> Option<Typed> {
        let held = Held(self.number(1).unwrap_or(1).saturating_sub(1));
        let event = self.sub(1, 1).unwrap_or(1);
        // A key that is let go of does nothing.
        if held.foreign() || !matches!(event, 1 | 2) {
            return None;
        }
        let code = match self.last {
            // With numbers it is where the cursor stands.
            b'R' if !self.parameters.is_empty() => return None,
            b'Z' => Code::BackTab,
            b'~' if self.number(0) == Some(27) => of_code(self.number(2)?, None, held)?,
            b'~' => numbered(self.number(0)?)?,
            b'u' => of_code(self.number(0)?, self.sub(0, 1), held)?,
            last => named(last)?,
        };
        let key = Key { code, ctrl: held.ctrl(), alt: held.alt() };
        Some(Typed::Key { key, repeat: event == 2 })
    }
}

/// The key that a last byte names.
pub(super) fn named(last: u8) -> Option<Code> {
    Some(match last {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'F' => Code::End,
        b'H' => Code::Home,
        b'M' => Code::Enter,
        b'P'..=b'S' => Code::F(last - b'P' + 1),
        _ => return None,
    })
}

/// The key that a number before `~` names.
fn numbered(number: u32) -> Option<Code> {
    Some(match number {
        1 | 7 => Code::Home,
        3 => Code::Delete,
        4 | 8 => Code::End,
        5 => Code::PageUp,
        6 => Code::PageDown,
        11..=15 => Code::F(number as u8 - 10),
        17..=21 => Code::F(number as u8 - 11),
        23 | 24 => Code::F(number as u8 - 12),
        _ => return None,
    })
}

/// The key of a code point, or of one of the numbers that keys without one have.
fn of_code(number: u32, shifted: Option<u32>, held: Held) -> Option<Code> {
    Some(match number {
        9 if held.shift() => Code::BackTab,
        9 => Code::Tab,
        13 | 57414 => Code::Enter,
        27 => Code::Esc,
        8 | 127 => Code::Backspace,
        57399..=57408 => Code::Char(char::from_digit(number - 57399, 10)?),
        57409 => Code::Char('.'),
        57410 => Code::Char('/'),
        57411 => Code::Char('*'),
        57412 => Code::Char('-'),
        57413 => Code::Char('+'),
        57415 => Code::Char('='),
        57417 => Code::Left,
        57418 => Code::Right,
        57419 => Code::Up,
        57420 => Code::Down,
        57421 => Code::PageUp,
        57422 => Code::PageDown,
        57423 => Code::Home,
        57424 => Code::End,
        57426 => Code::Delete,
        // The rest of that range are locks, media keys and modifiers.
        57344..=63743 => return None,
        _ => {
            let c = char::from_u32(number).filter(|c| !c.is_control())?;
            let shifted = shifted.and_then(char::from_u32).unwrap_or_else(|| upper(c));
            Code::Char(if held.shift() { shifted } else { c })
        }
    })
}

/// The letter that shift makes, where it is a single one.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// What the mouse did, at a column and row counted from 1; motion and other buttons are nothing
/// to us.
pub(super) fn mouse(button: u32, column: u16, row: u16, down: bool) -> Option<Typed> {
    const MODIFIERS: u32 = 4 | 8 | 16;
    let kind = match (button & !MODIFIERS, down) {
        (0, true) => MouseKind::Press,
        (64, true) => MouseKind::ScrollUp,
        (65, true) => MouseKind::ScrollDown,
        _ => return None,
    };
    Some(Typed::Mouse { kind, column: column.saturating_sub(1), row: row.saturating_sub(1) })
}

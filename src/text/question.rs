//! What a command seems to ask, read off its terminal. A hint, no more: programs say what they
//! like.

use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::visible;

/// Rows and columns of the terminal that commands get.
pub const SIZE: (NonZeroU16, NonZeroU16) = (NonZeroU16::new(40).unwrap(), NonZeroU16::new(120).unwrap());

/// What is said by those who wait for a finger on a key rather than for letters.
const TOUCH: [&str; 2] = ["confirm user presence", "touch your"];
/// What programs ask for that have the whole screen for it.
const SECRETS: [&str; 3] = ["passphrase", "password", "pin"];

/// The question that a command seems to wait for an answer to: the cursor stands behind it, or a
/// security key is to be touched, or a window on the whole screen wants a passphrase.
pub fn question(screen: &vt100::Screen) -> Option<String> {
    let (row, column) = screen.cursor_position();
    let line = |row: u16| text_of(screen, row);
    if screen.alternate_screen() {
        let rows = (0..screen.size().0.get()).map(line);
        let asks = |text: &String| {
            let small = text.to_lowercase();
            small.split(|c: char| !c.is_alphanumeric()).any(|word| SECRETS.contains(&word))
        };
        let found = rows.rev().find(asks)?;
        let is_frame = |c: char| c.is_whitespace() || "│|┃║_".contains(c);
        return Some(found.trim_matches(is_frame).to_owned()).filter(|text| !text.is_empty());
    }
    if column == 0 {
        let above = line(row.checked_sub(1)?);
        let small = above.to_lowercase();
        return TOUCH.iter().any(|words| small.contains(words)).then_some(above);
    }
    let text = line(row);
    let small = text.to_lowercase();
    let asks = small.ends_with([':', '?'])
        || small.ends_with("password")
        || (small.ends_with([')', ']', '>'])
            && ["y/n", "yes/no"].iter().any(|answer| small.contains(answer)));
    asks.then_some(text)
}

/// The question at the end of what was printed on a terminal: see [`question`]. `hidden`: what is typed
/// there is not shown, which nothing but a question is made for.
pub fn question_in(printed: &[u8], hidden: bool) -> Option<String> {
    let mut parser = vt100::Parser::new(SIZE.0, SIZE.1, 0);
    // A terminal that cannot be emulated asks nothing.
    catch_unwind(AssertUnwindSafe(|| parser.process(printed))).ok()?;
    let screen = parser.screen();
    let last = || Some(text_of(screen, screen.cursor_position().0)).filter(|text| !text.is_empty());
    question(screen).or_else(|| last().filter(|_| hidden))
}

fn text_of(screen: &vt100::Screen, row: u16) -> String {
    let mut text = String::new();
    for column in 0..screen.size().1.get() {
        let Some(cell) = screen.cell(row, column) else { break };
        if !cell.is_wide_continuation() {
            text.push_str(if cell.has_contents() { cell.contents() } else { " " });
        }
    }
    visible(text.trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(output: &str) -> Option<String> {
        question_in(output.as_bytes(), false)
    }

    #[test]
    fn where_what_is_typed_is_hidden_something_is_asked() {
        assert_eq!(question_in(b"working\r\nPIN> ", false), None);
        assert_eq!(question_in(b"working\r\nPIN> ", true).as_deref(), Some("PIN>"));
        assert_eq!(question_in(b"working\r\n", true), None);
    }

    #[test]
    fn a_question_is_told_from_what_merely_stops() {
        for question in [
            "Password: ",
            "sure?",
            "[sudo] password for maya:",
            "Continue? [Y/n] ",
            "key (yes/no)> ",
            "Enter passphrase for key '/home/maya/.ssh/id_ed25519': ",
            "Enter PIN for ECDSA-SK key /home/maya/.ssh/id_sk: ",
            "Username for 'https://git.example.com': ",
            "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
        ] {
            assert_eq!(
                asked(&format!("working\r\n{question}")).as_deref(),
                Some(question.trim()),
                "{question}"
            );
            assert_eq!(asked(&format!("working\r\n{question}\r\n")), None, "answered: {question}");
        }
        for other in ["12 %", "step 3/7", "done.", "[3/7] building", "pinned\r\n"] {
            assert_eq!(asked(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_that_wants_to_be_touched_and_a_window_for_a_passphrase_are_questions_too() {
        let touch = "Confirm user presence for key ED25519-SK SHA256:abc";
        assert_eq!(asked(&format!("{touch}\r\n")).as_deref(), Some(touch));
        assert_eq!(asked(&format!("{touch}\r\nUser presence confirmed\r\n")), None);
        let pinentry = "\u{1b}[?1049h\u{1b}[2;2H│ Please enter the passphrase to unlock │\u{1b}[4;2H│ <OK> │";
        assert_eq!(asked(pinentry).as_deref(), Some("Please enter the passphrase to unlock"));
        assert_eq!(asked("\u{1b}[?1049h\u{1b}[2;2Hsome editor"), None);
    }
}

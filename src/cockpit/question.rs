//! What a command seems to ask, read off its terminal. A hint, no more: programs say what they
//! like.

use super::lines::of_row;

/// What is said by those who wait for a finger on a key rather than for letters.
const TOUCH: [&str; 2] = ["confirm user presence", "touch your"];
/// What programs ask for that have the whole screen for it.
const SECRETS: [&str; 3] = ["passphrase", "password", "pin"];

/// The question that a command seems to wait for an answer to: the cursor stands behind it, or a
/// security key is to be touched, or a window on the whole screen wants a passphrase.
pub fn question(screen: &vt100::Screen) -> Option<String> {
    let (row, column) = screen.cursor_position();
    let line = |row: u16| of_row(screen, row).text.trim().to_owned();
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

#[cfg(test)]
mod tests {
    use super::super::lines::Decoder;
    use super::*;

    fn asked(output: &str) -> Option<String> {
        let mut decoder = Decoder::new(None, false);
        decoder.feed(output.as_bytes());
        question(decoder.screen())
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

//! What is written to the terminal beside the screen: bell, notifications, the title.

use crate::text::visible;

/// Keeps the title that the terminal has.
pub(super) const KEEP_TITLE: &[u8] = b"\x1b[22;2t";
/// Gives that title back.
pub(super) const GIVE_TITLE_BACK: &[u8] = b"\x1b[23;2t";

/// Rings the bell, and asks the terminal to notify whoever looks elsewhere: OSC 9, and OSC 777 for those
/// that know that. Terminals that know neither swallow them.
pub(super) fn alert(text: &str, inside_tmux: bool) -> Vec<u8> {
    let text = plain(text);
    let mut bytes = vec![0x07];
    for sequence in [format!("\x1b]9;{text}\x1b\\"), format!("\x1b]777;notify;flightdeck;{text}\x1b\\")] {
        bytes.extend(through(&sequence, inside_tmux));
    }
    bytes
}

/// Sets the title of the terminal.
pub(super) fn title(text: &str) -> Vec<u8> {
    format!("\x1b]2;{}\x1b\\", plain(text)).into_bytes()
}

/// Text that cannot end a sequence, nor be taken for another field of it.
fn plain(text: &str) -> String {
    visible(text)
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == ';' { ',' } else { c })
        .take(200)
        .collect()
}

/// tmux hands what it does not know on to the terminal around it only in this wrapping.
fn through(sequence: &str, inside_tmux: bool) -> Vec<u8> {
    if inside_tmux {
        return format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")).into_bytes();
    }
    sequence.as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_title_ends_the_sequence() {
        let text = String::from_utf8(title("checkout\x1b\\\x07;\x1b]0;x fails")).unwrap();
        assert_eq!(text.matches('\x1b').count(), 2, "{text:?}");
        assert!(!text.contains('\x07'), "{text:?}");
    }

    #[test]
    fn an_alert_rings_and_notifies_also_through_tmux() {
        let text = String::from_utf8(alert("overdue: update; fix", false)).unwrap();
        assert_eq!(
            text,
            "\x07\x1b]9;overdue: update, fix\x1b\\\x1b]777;notify;flightdeck;overdue: update, fix\x1b\\"
        );
        let wrapped = String::from_utf8(alert("overdue", true)).unwrap();
        assert!(wrapped.starts_with("\x07\x1bPtmux;\x1b\x1b]9;overdue\x1b\x1b\\\x1b\\"), "{wrapped:?}");
    }
}

//! Text from the record for services that read markup: nothing in it is a link, a mention or a heading.

/// A character that is seen by nobody, and by which a word is no mention any more.
const BREAK: char = '\u{200b}';

/// For Markdown as chats read it: a backslash before whatever means something. An address stays one that
/// can be followed, and shows where it leads.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for piece in text.split_inclusive(char::is_whitespace) {
        if is_address(piece.trim_end()) {
            out.push_str(piece);
            continue;
        }
        for c in piece.chars() {
            if matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '(' | ')' | '#' | '>' | '<') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    uncalled(&out)
}

/// Without mentions, where those cannot be switched off: `@everyone`, `<!channel>`, `<users/all>`.
pub(super) fn uncalled(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        out.push(c);
        if matches!(c, '@' | '<') {
            out.push(BREAK);
        }
    }
    out
}

/// A bare address, of characters that mean nothing else.
fn is_address(word: &str) -> bool {
    let rest = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#=&%+,".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup_or_calls_anybody() {
        assert_eq!(
            markdown("*P0* [page](https://evil.example) # x"),
            "\\*P0\\* \\[page\\]\\(https://evil.example\\) \\# x"
        );
        assert_eq!(markdown("@everyone <!channel>"), "@\u{200b}everyone \\<\u{200b}!channel\\>");
        assert_eq!(markdown("see https://x.example/a_b?c=1 now"), "see https://x.example/a_b?c=1 now");
        assert_eq!(uncalled("<users/all> a@b"), "<\u{200b}users/all> a@\u{200b}b");
    }
}

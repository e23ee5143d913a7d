//! Text from outside put into Markdown such that it stays text.
//!
//! Nothing in it may become a link, an image, markup, a heading, a further table cell, an order
//! to the place that shows it or a mention of somebody, in any of the common dialects.

use super::{visible, visible_lines};

/// What stands in a table cell that has nothing to say.
const NOTHING: &str = "–";

/// One line of text, fit for a paragraph, a heading, a list item or a table cell.
pub fn inline(text: &str) -> String {
    escape(visible(text.trim()).trim())
}

/// The same for a table cell, with a dash for no text.
pub fn cell(text: &str) -> String {
    let escaped = inline(text);
    if escaped.is_empty() { NOTHING.to_owned() } else { escaped }
}

/// Text struck out; empty text stays empty.
pub fn struck(text: &str) -> String {
    let escaped = inline(text);
    if escaped.is_empty() { escaped } else { format!("~~{escaped}~~") }
}

/// Text of several lines as paragraphs that keep their line breaks.
pub fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    let mut in_paragraph = false;
    for line in visible_lines(text).lines() {
        let line = escape(line.trim());
        if line.is_empty() {
            in_paragraph = false;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if in_paragraph { "\\\n" } else { "\n\n" });
        }
        out.push_str(&line_start(line));
        in_paragraph = true;
    }
    out
}

/// A table. Every row must have as many cells as the head; cells are Markdown already.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(N));
    for row in rows {
        out.push_str("| ");
        out.push_str(&row.join(" | "));
        out.push_str(" |\n");
    }
    out
}

/// Keeps the beginning of a line that was escaped from starting a list, a heading, a rule.
pub fn line_start(line: String) -> String {
    if line.starts_with(['+', '-', '=', ':', '%', '/']) {
        return format!("\\{line}");
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.split_at_checked(digits) {
        Some((number, rest)) if digits > 0 && rest.starts_with(['.', ')']) => format!("{number}\\{rest}"),
        _ => line,
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut previous = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = rest.as_str().chars().next();
        match c {
            // As entities, because a table splits its rows before it reads escapes, and
            // because a run of backticks counts its length.
            '|' => out.push_str("&#124;"),
            '`' => out.push_str("&#96;"),
            // Only what could begin a tag, a quote or an entity: whoever reads it unrendered reads `p95 < 800`.
            '<' if next.is_some_and(|n| n.is_alphabetic() || "/!?".contains(n)) => out.push_str("&lt;"),
            '>' if previous.is_none() => out.push_str("&gt;"),
            '&' if next.is_some_and(|n| n.is_alphanumeric() || n == '#') => out.push_str("&amp;"),
            // No escape keeps a forge from taking `@name` for a mention or `#12` for an
            // issue; code does.
            '@' => push_code(&mut out, c),
            '#' if next.is_some_and(|n| n.is_ascii_digit()) && previous != Some('#') => {
                push_code(&mut out, c);
            }
            // Other ways to name an issue or a merge request, which a text may even close by it.
            '!' if next.is_some_and(|n| n.is_ascii_digit()) => push_code(&mut out, c),
            '-' if next.is_some_and(|n| n.is_ascii_digit()) && ends_in_gh(&out) => push_code(&mut out, c),
            '_' if is_inside_word(previous, next) => out.push('_'),
            '\\' | '*' | '_' | '[' | ']' | '~' | '$' | '^' | '#' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            // What makes an address of a text where links are found without markup.
            ':' if next == Some('/') => out.push_str("\\:"),
            '.' if ends_in_www(&out) => out.push_str("\\."),
            c => out.push(c),
        }
        previous = Some(c);
    }
    out
}

/// Writes a character as code, together with code just before it: every backtick in what was
/// written is the edge of such code.
fn push_code(out: &mut String, c: char) {
    if out.ends_with('`') {
        out.pop();
    } else {
        out.push('`');
    }
    out.push(c);
    out.push('`');
}

fn is_inside_word(previous: Option<char>, next: Option<char>) -> bool {
    previous.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)
}

fn ends_in_www(out: &str) -> bool {
    out.len().checked_sub(3).and_then(|at| out.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

fn ends_in_gh(out: &str) -> bool {
    out.len().checked_sub(2).and_then(|at| out.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("gh"))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    /// Everything a dialect may know, but what rewrites quotes and dashes.
    pub(crate) fn dialects() -> [Options; 3] {
        let common = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        [common, Options::empty(), Options::all() - Options::ENABLE_SMART_PUNCTUATION]
    }

    pub(crate) fn hostile() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "[x](https://evil.test)",
            "![i](http://evil.test/i.png)",
            "<b>",
            "</td>",
            "<script>",
            "<!--",
            "-->",
            "&lt;",
            "&#60;",
            "|",
            "\\|",
            "\\",
            "`",
            "``",
            "```",
            "\n",
            "\r\n",
            "\n\n",
            "# ",
            "## x",
            "- ",
            "* ",
            "1. ",
            "2) ",
            "> ",
            "---",
            "===",
            "+++",
            "| - |",
            "|---|",
            "~~",
            "**",
            "__",
            "_",
            "*",
            "@everyone",
            "@",
            "@@",
            "#12",
            "!12",
            "GH-12",
            "/close",
            "##",
            "#",
            "$$",
            "$x$",
            "^[n]",
            "[^1]",
            "[^1]: x",
            "[[wiki]]",
            "[a]: http://evil.test",
            ":smile:",
            "https://evil.test",
            "www.evil.test",
            "mailto:a@b.test",
            "<http://evil.test>",
            "{#id .x}",
            "\u{202e}",
            "\u{0}",
            "\t",
            "    ",
            " ",
            "word",
            "pool_limit",
            "é",
            "世",
            "a",
            "0",
            ".",
            "!",
            ":",
            "://",
            "[",
            "]",
            "(",
            ")",
            "\u{a0}",
            "\u{2028}",
            "- [ ] ",
            "- [x] ",
            "%",
            "=",
            "+",
            "\u{1b}[31m",
        ]);
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
    }

    /// The text a reader sees, and whether anything in it is more than text.
    fn read(markdown: &str, options: Options) -> (String, Vec<String>) {
        let (mut text, mut markup) = (String::new(), Vec::new());
        for event in Parser::new_ext(markdown, options) {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                Event::Code(piece) if piece.chars().all(|c| "@#!-".contains(c)) => text.push_str(&piece),
                Event::HardBreak => text.push('\n'),
                Event::SoftBreak => text.push(' '),
                Event::Start(Tag::Paragraph) | Event::End(_) => {}
                other => markup.push(format!("{other:?}")),
            }
        }
        (text, markup)
    }

    proptest! {
        #[test]
        fn a_line_reads_as_it_was_written(text in hostile()) {
            let wanted = visible(text.trim()).trim().to_owned();
            for options in dialects() {
                let (seen, markup) = read(&format!("x {} y", inline(&text)), options);
                prop_assert_eq!(markup, Vec::<String>::new());
                prop_assert_eq!(seen, format!("x {wanted} y"));
            }
        }

        #[test]
        fn paragraphs_hold_nothing_but_text(text in hostile()) {
            for options in dialects() {
                let (seen, markup) = read(&format!("x\n\n{}\n\ny\n", paragraphs(&text)), options);
                prop_assert_eq!(markup, Vec::<String>::new());
                let squeeze = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(squeeze(&seen), squeeze(&format!("x{}y", visible_lines(&text))));
            }
        }

        #[test]
        fn a_table_keeps_its_columns(a in hostile(), b in hostile(), c in hostile()) {
            let markdown = table(["a", "b", "c"], [[cell(&a), struck(&b), inline(&c)], [cell(&c), cell(&b), cell(&a)]]);
            let mut cells = 0;
            let mut rows = 0;
            for event in Parser::new_ext(&markdown, dialects()[0]) {
                match event {
                    Event::Start(Tag::TableCell) => cells += 1,
                    Event::Start(Tag::TableRow) => rows += 1,
                    Event::Start(Tag::Table(_) | Tag::TableHead | Tag::Strikethrough) | Event::End(_) | Event::Text(_) => {}
                    Event::Code(piece) if piece.chars().all(|c| "@#!-".contains(c)) => {}
                    other => prop_assert!(false, "{:?} in {}", other, markdown),
                }
            }
            prop_assert_eq!((rows, cells), (2, 9));
        }
    }

    #[test]
    fn plain_words_stay_readable() {
        assert_eq!(
            inline("pool exhausted, 100 of 100 used (src/pool_limit.rs)"),
            "pool exhausted, 100 of 100 used (src/pool_limit.rs)"
        );
        assert_eq!(inline("p95 < 800 ms, errors > 5 % & rising"), "p95 < 800 ms, errors > 5 % & rising");
        assert_eq!(inline("<b> a&lt;b"), "&lt;b> a&amp;lt;b");
        assert_eq!(cell("  "), "–");
        assert_eq!(paragraphs("one\ntwo\n\n1. three"), "one\\\ntwo\n\n1\\. three");
    }

    #[test]
    fn mentions_and_bare_addresses_are_broken() {
        assert_eq!(inline("@everyone"), "`@`everyone");
        assert_eq!(inline("see #12, !12, gh-12"), "see `#`12, `!`12, gh`-`12");
        assert_eq!(paragraphs("/approve"), "\\/approve");
        assert_eq!(inline("https://evil.test www.evil.test"), "https\\://evil.test www\\.evil.test");
    }
}

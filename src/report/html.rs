//! The report as a page to print: the same blocks that the cockpit draws, with everything escaped. It holds no
//! script, loads nothing, and takes its looks from a style of its own.

use std::fmt::Write as _;

use super::blocks::{Block, Marker, Run, parse, plain};
use crate::text::address::is_page;

/// How it looks, on paper and on a screen.
const STYLE: &str = include_str!("../../assets/report.css");

/// A report, given as Markdown, as one HTML page.
pub fn html(markdown: &str) -> String {
    let blocks = parse(markdown);
    let title = blocks.iter().find_map(|block| match block {
        Block::Heading { level: 1, text } => Some(plain(text)),
        _ => None,
    });
    let mut page = Page::default();
    page.out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Whatever a reader adds to the file, nothing in it runs.
    page.out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    page.out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    page.text(&title.unwrap_or_default());
    page.out.push_str("</title>\n<style>\n");
    page.out.push_str(STYLE);
    page.out.push_str("</style>\n</head>\n<body>\n");
    for block in &blocks {
        page.block(block);
    }
    page.close_lists(0);
    page.out.push_str("</body>\n</html>\n");
    page.out
}

/// A list that is open: its tag, and whether an item of it is.
struct List {
    tag: &'static str,
    item: bool,
}

#[derive(Default)]
struct Page {
    out: String,
    lists: Vec<List>,
}

impl Page {
    fn block(&mut self, block: &Block) {
        if let Block::Item { depth, marker, text } = block {
            return self.item(usize::from(*depth), *marker, text);
        }
        self.close_lists(0);
        match block {
            Block::Heading { level, text } => {
                let tag = format!("h{}", (*level).clamp(1, 6));
                self.element(&tag, text);
            }
            Block::Paragraph { text, quote } => {
                let quote = usize::from(*quote);
                self.out.push_str(&"<blockquote>\n".repeat(quote));
                self.element("p", text);
                self.out.push_str(&"</blockquote>\n".repeat(quote));
            }
            Block::Table { head, rows } => {
                self.out.push_str("<table>\n<thead>\n");
                self.row("th", head);
                self.out.push_str("</thead>\n<tbody>\n");
                for row in rows {
                    self.row("td", row);
                }
                self.out.push_str("</tbody>\n</table>\n");
            }
            Block::Code { text, .. } => {
                self.out.push_str("<pre>");
                self.text(text);
                self.out.push_str("</pre>\n");
            }
            Block::Rule => self.out.push_str("<hr>\n"),
            Block::Item { .. } => {}
        }
    }

    fn element(&mut self, tag: &str, text: &[Run]) {
        self.open(tag);
        self.runs(text);
        self.out.push_str(&["</", tag, ">\n"].concat());
    }

    fn open(&mut self, tag: &str) {
        self.out.push_str(&["<", tag, ">"].concat());
    }

    fn row(&mut self, tag: &str, cells: &[Vec<Run>]) {
        self.out.push_str("<tr>");
        for cell in cells {
            self.open(tag);
            self.runs(cell);
            self.out.push_str(&["</", tag, ">"].concat());
        }
        self.out.push_str("</tr>\n");
    }

    fn item(&mut self, depth: usize, marker: Marker, text: &[Run]) {
        self.close_lists(depth + 1);
        if marker == Marker::Continued && self.lists.last().is_some_and(|list| list.item) {
            return self.element("p", text);
        }
        let tag = if matches!(marker, Marker::Number(_)) { "ol" } else { "ul" };
        // Another kind of list of the same depth is another list.
        if self.lists.len() == depth + 1 && self.lists.last().is_some_and(|list| list.tag != tag) {
            self.close_lists(depth);
        }
        while self.lists.len() <= depth {
            if self.lists.last().is_some_and(|list| !list.item) {
                self.out.push_str("<li>");
                self.lists.last_mut().into_iter().for_each(|list| list.item = true);
            }
            match marker {
                Marker::Number(first) => {
                    // Writing to a string cannot fail.
                    let _ = writeln!(self.out, "<ol start=\"{first}\">");
                }
                _ => self.open(tag),
            }
            self.lists.push(List { tag, item: false });
        }
        if let Some(list) = self.lists.last_mut() {
            if list.item {
                self.out.push_str("</li>\n");
            }
            list.item = true;
        }
        self.out.push_str(match marker {
            Marker::Task(true) => "<li class=\"task\">☑ ",
            Marker::Task(false) => "<li class=\"task\">☐ ",
            _ => "<li>",
        });
        self.runs(text);
    }

    /// Closes lists until so many are open.
    fn close_lists(&mut self, left: usize) {
        while self.lists.len() > left {
            if let Some(list) = self.lists.pop() {
                let item = if list.item { "</li>\n" } else { "" };
                self.out.push_str(&[item, "</", list.tag, ">\n"].concat());
            }
        }
    }

    fn runs(&mut self, runs: &[Run]) {
        for run in runs {
            if !run.anchor.is_empty() {
                self.out.push_str("<a id=\"");
                self.text(&run.anchor);
                self.out.push_str("\"></a>");
            }
            let style = run.style;
            let tags =
                [(style.bold, "strong"), (style.italic, "em"), (style.strike, "s"), (style.code, "code")];
            let tags: Vec<&str> = tags.into_iter().filter_map(|(on, tag)| on.then_some(tag)).collect();
            let is_link = leads_somewhere(&run.to);
            if is_link {
                self.out.push_str("<a href=\"");
                self.text(&run.to);
                self.out.push_str("\">");
            }
            for tag in &tags {
                self.open(tag);
            }
            for (index, line) in run.text.split('\n').enumerate() {
                if index > 0 {
                    self.out.push_str("<br>\n");
                }
                self.text(line);
            }
            tags.iter().rev().for_each(|tag| self.out.push_str(&["</", tag, ">"].concat()));
            if is_link {
                self.out.push_str("</a>");
            }
        }
    }

    /// Writes text such that it stays text.
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c => self.out.push(c),
            }
        }
    }
}

/// Whether a link is one of those that reports have: a place of the page itself, or a page of a code host.
fn leads_somewhere(to: &str) -> bool {
    match to.strip_prefix('#') {
        Some(id) => !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        None => is_page(to),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::markdown::{inline, tests::hostile};

    /// What stands between `<body>` and its end.
    fn body(markdown: &str) -> String {
        let page = html(markdown);
        let (_, body) = page.split_once("<body>\n").unwrap();
        body.strip_suffix("</body>\n</html>\n").unwrap().to_owned()
    }

    #[test]
    fn every_kind_of_block_has_its_elements() {
        assert_eq!(
            body("# a & b\n\nx **y** ~~z~~ `c`\\\nd\n"),
            "<h1>a &amp; b</h1>\n<p>x <strong>y</strong> <s>z</s> <code>c</code><br>\nd</p>\n"
        );
        assert_eq!(
            body("| a |\n| --- |\n| 1 |\n"),
            "<table>\n<thead>\n<tr><th>a</th></tr>\n</thead>\n<tbody>\n<tr><td>1</td></tr>\n</tbody>\n</table>\n"
        );
        assert_eq!(body("```text\n<▁\n```\n\n---\n"), "<pre>&lt;▁</pre>\n<hr>\n");
        assert_eq!(
            body("- [ ] open\n- [x] done\n\n1. first\n2. second\n"),
            "<ul><li class=\"task\">☐ open</li>\n<li class=\"task\">☑ done</li>\n</ul>\n<ol start=\"1\">\n<li>first</li>\n<li>second</li>\n</ol>\n"
        );
        assert_eq!(body("- a\n  - b\n- c\n"), "<ul><li>a<ul><li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ul>\n");
    }

    #[test]
    fn only_links_of_ours_lead_anywhere() {
        assert_eq!(body("[a](#plan-1)"), "<p><a href=\"#plan-1\">a</a></p>\n");
        assert_eq!(body("[a](https://github.com/a/b)"), "<p><a href=\"https://github.com/a/b\">a</a></p>\n");
        for to in ["javascript:alert(1)", "http://x.test", "https://x.test/?a=\"b", "//x.test", "#"] {
            assert_eq!(body(&format!("[a](<{to}>)")), "<p>a</p>\n", "{to}");
        }
        assert_eq!(body("<a id=\"plan-1\"></a>x"), "<p><a id=\"plan-1\"></a>x</p>\n");
        assert_eq!(
            body("<a id=\"x\" onclick=y></a>x"),
            "<p>&lt;a id=&quot;x&quot; onclick=y&gt;&lt;/a&gt;x</p>\n"
        );
    }

    proptest! {
        #[test]
        fn text_from_outside_adds_no_element(text in hostile()) {
            let seen = body(&format!("x {}", inline(&text)));
            let rest = seen.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>\n")).unwrap();
            let rest = rest.replace("<code>", "").replace("</code>", "");
            prop_assert!(!rest.contains(['<', '>']), "{rest}");
        }
    }
}

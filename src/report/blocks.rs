//! Markdown taken apart into plain blocks of styled text, for whoever draws it.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A piece of a document, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading {
        /// From 1, the title, to 6.
        level: u8,
        /// Its text.
        text: Vec<Run>,
    },
    /// A paragraph. Line breaks inside it are `\n` in its runs.
    Paragraph {
        /// Its text.
        text: Vec<Run>,
        /// How deep in block quotes it is; 0: not quoted.
        quote: u8,
    },
    /// One item of a list, or one further paragraph of it.
    Item {
        /// How deep the list is in others, from 0.
        depth: u8,
        /// What stands before it.
        marker: Marker,
        /// Its text.
        text: Vec<Run>,
    },
    /// A table. Every row has as many cells as the head.
    Table {
        /// The cells of the head.
        head: Vec<Vec<Run>>,
        /// The other rows.
        rows: Vec<Vec<Vec<Run>>>,
    },
    /// Text as it is, line by line.
    Code {
        /// The language named, or empty.
        language: String,
        /// The lines, without the final line break.
        text: String,
        /// Whether its fence ends it, and not the end of what it stands in.
        closed: bool,
    },
    /// A line across.
    Rule,
}

/// What stands before a list item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// A bullet.
    Bullet,
    /// A number.
    Number(u64),
    /// A box that is ticked or not.
    Task(bool),
    /// Nothing: a further paragraph of the item above.
    Continued,
}

/// Text in one style.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// The text; may hold `\n` where a line is broken. Not sanitised.
    pub text: String,
    /// How it looks.
    pub style: Style,
    /// Where it leads to, where it is a link; as it stands there.
    pub to: String,
    /// The name by which what it begins can be gone to, where a report gave it one.
    pub anchor: String,
}

/// How text looks. All false: plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Strong.
    pub bold: bool,
    /// Emphasised.
    pub italic: bool,
    /// In a fixed-width font.
    pub code: bool,
    /// Struck out.
    pub strike: bool,
    /// The text of a link.
    pub link: bool,
}

/// Takes Markdown apart. Whatever is not known (HTML, footnotes) becomes plain text, so that
/// nothing is hidden from the reader.
pub fn parse(markdown: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = Builder::default();
    for (event, place) in Parser::new_ext(markdown, options).into_offset_iter() {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) = event {
            builder.closed = is_closed(markdown.get(place).unwrap_or_default());
        }
        builder.take(event);
    }
    builder.end_text();
    builder.blocks
}

/// Tells whether a fenced block, as it is written, ends with a fence like the one that it begins with.
fn is_closed(block: &str) -> bool {
    let fence = |c: char| block.chars().take_while(|next| *next == c).count();
    let (mark, long) = if block.starts_with('~') { ('~', fence('~')) } else { ('`', fence('`')) };
    // In a quote its marks stand before it.
    let last = block.lines().skip(1).last().unwrap_or_default().trim_matches([' ', '\t', '>']);
    last.len() >= long && last.chars().all(|c| c == mark)
}

/// Which block each line of a document shows, and which row of it; `None`: a blank line between two.
pub fn lines(blocks: &[Block]) -> Vec<Option<(usize, usize)>> {
    let mut lines = Vec::new();
    for (block, content) in blocks.iter().enumerate() {
        let follows = block.checked_sub(1).and_then(|before| blocks.get(before));
        let tight = matches!((follows, content), (Some(Block::Item { .. }), Block::Item { .. }));
        if follows.is_some() && !tight {
            lines.push(None);
        }
        let rows = match content {
            Block::Table { rows, .. } => rows.len() + 1,
            Block::Code { text, .. } => text.lines().count().max(1),
            Block::Paragraph { text, .. } => plain(text).split('\n').count(),
            Block::Heading { .. } | Block::Item { .. } | Block::Rule => 1,
        };
        lines.extend((0..rows).map(|row| Some((block, row))));
    }
    lines
}

/// The text of runs without their styles.
pub fn plain(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}

/// What the text collected now belongs to.
#[derive(Default, Clone, Copy)]
enum Place {
    #[default]
    Paragraph,
    Heading(u8),
    Cell,
    Code,
}

/// How often each style was opened; styles can be nested in themselves.
#[derive(Default)]
struct Depths {
    bold: u8,
    italic: u8,
    strike: u8,
    link: u8,
}

#[derive(Default)]
struct Builder {
    blocks: Vec<Block>,
    runs: Vec<Run>,
    place: Place,
    depths: Depths,
    quote: u8,
    /// Where the links lead to that are open.
    links: Vec<String>,
    /// The name of what comes next.
    anchor: String,
    /// The number the next item gets, for each list that is open; `None`: bullets.
    lists: Vec<Option<u64>>,
    /// The marker of the item whose text comes next.
    marker: Option<Marker>,
    /// Cells of the row being read.
    cells: Vec<Vec<Run>>,
    head: Vec<Vec<Run>>,
    rows: Vec<Vec<Vec<Run>>>,
    language: String,
    closed: bool,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.push(&text, false),
            Event::InlineHtml(tag) if self.is_anchor(&tag) => {}
            Event::Html(text) | Event::InlineHtml(text) | Event::FootnoteReference(text) => {
                self.push(&text, false);
            }
            Event::Code(text) => self.push(&text, true),
            Event::SoftBreak => self.push(" ", false),
            Event::HardBreak => self.push("\n", false),
            Event::Rule => {
                self.end_text();
                self.blocks.push(Block::Rule);
            }
            Event::TaskListMarker(done) => self.marker = Some(Marker::Task(done)),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.depths.bold += 1,
            Tag::Emphasis => self.depths.italic += 1,
            Tag::Strikethrough => self.depths.strike += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.depths.link += 1;
                self.links.push(dest_url.to_string());
            }
            Tag::Heading { level, .. } => {
                self.end_text();
                self.place = Place::Heading(level_number(level));
            }
            Tag::CodeBlock(kind) => {
                self.end_text();
                self.place = Place::Code;
                self.language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
            }
            Tag::BlockQuote(_) => {
                self.end_text();
                self.quote = self.quote.saturating_add(1);
            }
            Tag::List(first) => {
                self.end_text();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_text();
                self.marker = Some(self.next_marker());
            }
            Tag::Table(_) => {
                self.end_text();
                self.head.clear();
                self.rows.clear();
            }
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            Tag::TableCell => self.place = Place::Cell,
            _ => self.end_text(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.depths.bold = self.depths.bold.saturating_sub(1),
            TagEnd::Emphasis => self.depths.italic = self.depths.italic.saturating_sub(1),
            TagEnd::Strikethrough => self.depths.strike = self.depths.strike.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => {
                self.depths.link = self.depths.link.saturating_sub(1);
                self.links.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.end_text();
                self.quote = self.quote.saturating_sub(1);
            }
            TagEnd::List(_) => {
                self.end_text();
                self.lists.pop();
            }
            TagEnd::Item => {
                // An item without text is drawn all the same.
                if matches!(self.marker, Some(Marker::Bullet | Marker::Number(_) | Marker::Task(_))) {
                    self.end_item();
                } else {
                    self.end_text();
                }
                self.marker = None;
            }
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.runs)),
            TagEnd::TableHead => self.head = std::mem::take(&mut self.cells),
            TagEnd::TableRow => self.rows.push(std::mem::take(&mut self.cells)),
            TagEnd::Table => {
                self.place = Place::Paragraph;
                self.blocks.push(Block::Table {
                    head: std::mem::take(&mut self.head),
                    rows: std::mem::take(&mut self.rows),
                });
            }
            _ => self.end_text(),
        }
    }

    /// The marker of the item that begins now.
    fn next_marker(&mut self) -> Marker {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = Marker::Number(*number);
                *number = number.saturating_add(1);
                marker
            }
            _ => Marker::Bullet,
        }
    }

    fn push(&mut self, text: &str, code: bool) {
        let style = Style {
            bold: self.depths.bold > 0,
            italic: self.depths.italic > 0,
            code,
            strike: self.depths.strike > 0,
            link: self.depths.link > 0,
        };
        let to = self.links.last().cloned().unwrap_or_default();
        let anchor = std::mem::take(&mut self.anchor);
        match self.runs.last_mut() {
            Some(last) if last.style == style && last.to == to && anchor.is_empty() => {
                last.text.push_str(text);
            }
            _ => self.runs.push(Run { text: text.to_owned(), style, to, anchor }),
        }
    }

    /// Takes in the name of a place as reports write it, `<a id="plan-1"></a>`, which is not to be seen. Tells
    /// whether it was one.
    fn is_anchor(&mut self, tag: &str) -> bool {
        if tag == "</a>" {
            return !self.anchor.is_empty();
        }
        let id = tag.strip_prefix("<a id=\"").and_then(|rest| rest.strip_suffix("\">"));
        let is_plain =
            |id: &&str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let id = id.filter(is_plain);
        id.unwrap_or_default().clone_into(&mut self.anchor);
        id.is_some()
    }

    /// Makes a block of the text collected so far, if there is any.
    fn end_text(&mut self) {
        if self.runs.is_empty() {
            self.place = Place::Paragraph;
            return;
        }
        match std::mem::take(&mut self.place) {
            Place::Heading(level) => {
                let text = std::mem::take(&mut self.runs);
                self.blocks.push(Block::Heading { level, text });
            }
            Place::Code => {
                let text = plain(&std::mem::take(&mut self.runs));
                let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
                let language = std::mem::take(&mut self.language);
                self.blocks.push(Block::Code { language, text, closed: std::mem::take(&mut self.closed) });
            }
            Place::Paragraph | Place::Cell if self.marker.is_some() => self.end_item(),
            Place::Paragraph | Place::Cell => {
                let text = std::mem::take(&mut self.runs);
                self.blocks.push(Block::Paragraph { text, quote: self.quote });
            }
        }
    }

    fn end_item(&mut self) {
        let depth = u8::try_from(self.lists.len().saturating_sub(1)).unwrap_or(u8::MAX);
        let marker = self.marker.replace(Marker::Continued).unwrap_or(Marker::Continued);
        self.blocks.push(Block::Item { depth, marker, text: std::mem::take(&mut self.runs) });
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(block: &Block) -> String {
        match block {
            Block::Heading { text, .. } | Block::Paragraph { text, .. } | Block::Item { text, .. } => {
                plain(text)
            }
            Block::Code { text, .. } => text.clone(),
            Block::Table { .. } | Block::Rule => String::new(),
        }
    }

    #[test]
    fn headings_paragraphs_and_styles() {
        let blocks = parse("# Title\n\nplain **bold** ~~gone~~ `code` *slanted*\nnext\\\nline\n\n---\n");
        assert_eq!(
            blocks[0],
            Block::Heading { level: 1, text: vec![Run { text: "Title".into(), ..Run::default() }] }
        );
        let Block::Paragraph { text, quote: 0 } = &blocks[1] else { panic!("{blocks:?}") };
        assert_eq!(plain(text), "plain bold gone code slanted next\nline");
        assert!(text.iter().any(|run| run.text == "bold" && run.style.bold));
        assert!(text.iter().any(|run| run.text == "gone" && run.style.strike));
        assert!(text.iter().any(|run| run.text == "code" && run.style.code));
        assert!(text.iter().any(|run| run.text == "slanted" && run.style.italic));
        assert_eq!(blocks[2], Block::Rule);
    }

    #[test]
    fn lists_keep_their_markers_and_depth() {
        let blocks = parse("- [x] done\n- [ ] open\n- plain\n  1. first\n  2. second\n\n     more\n- \n");
        let seen: Vec<_> = blocks
            .iter()
            .map(|block| match block {
                Block::Item { depth, marker, .. } => (*depth, *marker, words(block)),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            seen,
            [
                (0, Marker::Task(true), "done".into()),
                (0, Marker::Task(false), "open".into()),
                (0, Marker::Bullet, "plain".into()),
                (1, Marker::Number(1), "first".into()),
                (1, Marker::Number(2), "second".into()),
                (1, Marker::Continued, "more".into()),
                (0, Marker::Bullet, String::new()),
            ]
        );
    }

    #[test]
    fn a_table_has_its_rows_and_an_empty_cell_stays() {
        let blocks = parse("| a | b |\n| --- | --- |\n| 1 | |\n| ~~2~~ | x \\| y |\n\nafter\n");
        let Block::Table { head, rows } = &blocks[0] else { panic!("{blocks:?}") };
        assert_eq!(head.iter().map(|c| plain(c)).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.len() == 2));
        assert_eq!(plain(&rows[1][1]), "x | y");
        assert!(rows[1][0][0].style.strike);
        assert_eq!(words(&blocks[1]), "after");
    }

    #[test]
    fn a_fence_that_is_not_closed_is_known() {
        for (markdown, wanted) in [
            ("```sh\nls\n```", true),
            ("~~~~sh\nls\n~~~~~\n", true),
            ("> ```sh\n> ls\n> ```\n\nx", true),
            ("- ```sh\n  ls\n  ```\n- x", true),
            ("```sh\nls\n", false),
            ("```sh\nls\n~~~\n", false),
            ("````sh\nls\n```\n", false),
            ("> ```sh\n> ls\n\n```\nx\n```\n", false),
            ("- ```sh\n  ls\n- x", false),
        ] {
            let blocks = parse(markdown);
            let code = blocks.iter().find_map(|block| match block {
                Block::Code { closed, .. } => Some(*closed),
                _ => None,
            });
            assert_eq!(code, Some(wanted), "{markdown}");
        }
    }

    #[test]
    fn code_quotes_and_html_are_shown_as_text() {
        let blocks = parse("```sh\nls -l\n```\n\n> said <b>so</b>\n");
        assert_eq!(blocks[0], Block::Code { language: "sh".into(), text: "ls -l".into(), closed: true });
        let Block::Paragraph { text, quote: 1 } = &blocks[1] else { panic!("{blocks:?}") };
        assert_eq!(plain(text), "said <b>so</b>");
    }
}

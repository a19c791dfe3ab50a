//! Release notes: Markdown in, BBCode for a `RichTextLabel` of Godot out.
//!
//! ```text
//! Markdown --(pulldown-cmark)--> events --(Renderer)--> BBCode, and the addresses that it links to
//! ```
//!
//! Promises, whatever the notes contain:
//!
//! - The only tags in the result are the ones written here: `b`, `i`, `s`, `code`, `font_size`, `indent`, `ul`,
//!   `table`, `cell`, `url`, `lb`. A `[` of the notes becomes `[lb]`, so the notes cannot bring a tag of their own.
//! - Only http and https addresses become links, and the reader sees where each of them leads.
//! - Images become their alternative text, and HTML is shown as text. Nothing is fetched.
//! - No control characters, and none that change the direction of text.
//!
//! Input, nesting and output are limited; anything beyond a limit is left out.

mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use escape::{Address, is_comment, is_line_break, push_escaped};

/// Most bytes of Markdown that are read.
const MAX_INPUT: usize = 100_000;
/// Most bytes of BBCode that are written.
const MAX_OUTPUT: usize = 300_000;
/// Lists and quotes that are nested deeper are shown at this depth.
const MAX_DEPTH: usize = 6;
/// Wider tables are written as lines of text.
const MAX_COLUMNS: usize = 8;
/// Links beyond this number are shown as text.
const MAX_LINKS: usize = 100;

/// A box for quotes and code, in a grey that shows on light and on dark themes.
const BOX: &str = "[table=1][cell expand=1 bg=#80808024 padding=14,8,14,8]";
const BOX_END: &str = "[/cell][/table]";
const CELL: &str = "[cell padding=0,3,28,3]";
const CELL_END: &str = "[/cell]";

/// Rendered notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// For a `RichTextLabel` with BBCode enabled.
    pub bbcode: String,
    /// The addresses that are linked, each once, in order of appearance.
    pub links: Vec<String>,
}

/// Renders release notes. Never fails: what is not Markdown is shown as text.
pub fn render(markdown: &str) -> Notes {
    let markdown = &markdown[..markdown.floor_char_boundary(MAX_INPUT)];
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut renderer = Renderer::default();
    for event in Parser::new_ext(markdown, options) {
        renderer.take(event);
        if renderer.is_full() {
            break;
        }
    }
    renderer.finish()
}

#[derive(Debug, Default)]
struct Renderer {
    notes: Notes,
    /// The inline content of the open block or table cell.
    line: String,
    /// The open inline tags of `line`, innermost last. A repeated tag is an empty string, which opens and closes
    /// nothing.
    open: Vec<&'static str>,
    /// One entry for each open list: its next number, or `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The marker of a list item that has no content yet.
    marker: Option<String>,
    quotes: usize,
    /// The open box.
    boxed: Option<Boxed>,
    table: Option<Table>,
    link: Option<Link>,
    /// Open images, of which only the text counts.
    images: usize,
    /// The content of an open code or HTML block.
    verbatim: Option<String>,
    has_gap: bool,
}

#[derive(Debug)]
struct Boxed {
    /// The depth of lists where the box began.
    lists: usize,
    /// The tags to write after the end of the box.
    after: String,
}

#[derive(Debug)]
struct Table {
    columns: usize,
    is_head: bool,
}

#[derive(Debug)]
struct Link {
    address: Address,
    /// The text of the link so far, without markup.
    text: String,
}

impl Renderer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) => match &mut self.verbatim {
                Some(verbatim) => verbatim.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => {
                self.open("[code]");
                self.text(&text);
                self.close();
            }
            Event::InlineHtml(text) if is_comment(&text) => {}
            Event::InlineHtml(text) if is_line_break(&text) => self.break_line(),
            Event::InlineHtml(text) => self.text(&text),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.break_line(),
            Event::TaskListMarker(is_done) => self.text(if is_done { "[x] " } else { "[ ] " }),
            Event::Rule => self.gap(),
            // These extensions are not enabled.
            Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => self.open(heading(level)),
            Tag::Strong => self.open("[b]"),
            Tag::Emphasis => self.open("[i]"),
            Tag::Strikethrough => self.open("[s]"),
            Tag::Link { dest_url, .. } => self.start_link(&dest_url),
            Tag::Image { .. } => self.images += 1,
            Tag::CodeBlock(_) | Tag::HtmlBlock => {
                self.flush();
                self.verbatim = Some(String::new());
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quotes += 1;
                if self.quotes == 1 {
                    self.begin_box();
                }
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => self.marker = self.lists.last_mut().map(next_marker),
            Tag::Table(columns) => self.start_table(columns.len()),
            Tag::TableHead => self.table.iter_mut().for_each(|table| table.is_head = true),
            Tag::TableCell if self.is_head() => self.open("[b]"),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Strikethrough => self.close(),
            // A heading belongs to the text after it, so no empty line follows.
            TagEnd::Heading(_) => {
                self.close();
                self.flush();
            }
            TagEnd::Paragraph => self.gap(),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::HtmlBlock => self.end_html(),
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
                if self.quotes == 0 {
                    self.end_box();
                }
                self.gap();
            }
            TagEnd::Item => {
                self.flush();
                self.marker = None;
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.gap();
            }
            TagEnd::TableCell => self.end_cell(),
            TagEnd::TableHead | TagEnd::TableRow => self.end_row(),
            TagEnd::Table => self.end_table(),
            _ => {}
        }
    }

    fn is_full(&self) -> bool {
        self.notes.bbcode.len() + self.line.len() >= MAX_OUTPUT
    }

    fn is_head(&self) -> bool {
        self.table.as_ref().is_some_and(|table| table.is_head)
    }

    /// Closes everything that is open.
    fn finish(mut self) -> Notes {
        if self.is_full() {
            self.line.push('…');
        }
        self.link = None;
        while !self.open.is_empty() {
            self.close();
        }
        if self.table.is_some() {
            self.end_cell();
            self.end_table();
        }
        self.flush();
        self.end_box();
        self.notes
    }

    // --- inline content

    fn text(&mut self, text: &str) {
        if let Some(link) = &mut self.link {
            link.text.push_str(text);
        }
        let room = MAX_OUTPUT.saturating_sub(self.notes.bbcode.len() + self.line.len());
        push_escaped(&mut self.line, text, room);
    }

    fn open(&mut self, tag: &'static str) {
        if self.images > 0 {
            return;
        }
        let is_open = self.open.contains(&tag);
        self.open.push(if is_open { "" } else { tag });
        self.line.push_str(self.open.last().copied().unwrap_or_default());
    }

    fn close(&mut self) {
        if self.images == 0 {
            self.line.push_str(self.open.pop().map_or("", closing));
        }
    }

    /// In a list or a table cell, a line break would begin a new item.
    fn break_line(&mut self) {
        let is_plain = self.lists.is_empty() && self.table.is_none();
        self.line.push(if is_plain { '\n' } else { ' ' });
    }

    fn start_link(&mut self, target: &str) {
        let Some(address) = Address::of(target).filter(|_| self.images == 0) else { return };
        let links = &mut self.notes.links;
        if !links.contains(&address.href) {
            if links.len() == MAX_LINKS {
                return;
            }
            links.push(address.href.clone());
        }
        self.line.push_str("[url=");
        self.line.push_str(&address.href);
        self.line.push(']');
        self.open.push("[url]");
        self.link = Some(Link { address, text: String::new() });
    }

    /// Shows the address, unless the text of the link already does.
    fn end_link(&mut self) {
        let Some(Link { address, text }) = self.link.take() else { return };
        if text.trim().is_empty() {
            self.text(&address.shown);
        }
        self.close();
        if !text.trim().is_empty() && !address.is_shown_by(&text) {
            self.text(&format!(" ({})", address.shown));
        }
    }

    // --- blocks

    /// The tags before and after a block that give it its place. The first block of a list item also gets the marker.
    fn place(&mut self) -> (String, String) {
        let lists = self.boxed.as_ref().map_or(0, |boxed| boxed.lists);
        let depth = self.lists.len().saturating_sub(lists) + self.quotes.saturating_sub(1);
        let depth = depth.min(MAX_DEPTH);
        match self.marker.take() {
            Some(marker) if depth > 0 => (
                format!("{}[ul bullet={marker}]", "[indent]".repeat(depth - 1)),
                format!("[/ul]{}", "[/indent]".repeat(depth - 1)),
            ),
            _ => ("[indent]".repeat(depth), "[/indent]".repeat(depth)),
        }
    }

    /// Ends a block, with an empty line after it.
    fn gap(&mut self) {
        self.flush();
        self.has_gap |= self.lists.is_empty();
    }

    /// Begins a new line, with an empty line before it if a block has ended.
    fn begin_line(&mut self) {
        let has_gap = std::mem::take(&mut self.has_gap);
        if !self.notes.bbcode.is_empty() && !self.notes.bbcode.ends_with(BOX) {
            self.notes.bbcode.push_str(if has_gap { "\n\n" } else { "\n" });
        }
    }

    fn block(&mut self, content: &str) {
        self.begin_line();
        let (before, after) = self.place();
        for part in [&before, content, &after] {
            self.notes.bbcode.push_str(part);
        }
    }

    /// Writes the inline content so far as a block.
    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.block(line.trim());
        }
    }

    /// Begins a box. Boxes are not nested: inside one, blocks are only indented.
    fn begin_box(&mut self) {
        if self.boxed.is_none() {
            if self.marker.is_some() {
                self.block("");
            }
            self.begin_line();
            let (before, after) = self.place();
            self.notes.bbcode.push_str(&before);
            self.notes.bbcode.push_str(BOX);
            self.boxed = Some(Boxed { lists: self.lists.len(), after });
        }
    }

    fn end_box(&mut self) {
        if let Some(Boxed { after, .. }) = self.boxed.take() {
            self.notes.bbcode.push_str(BOX_END);
            self.notes.bbcode.push_str(&after);
        }
    }

    fn end_code(&mut self) {
        let code = self.verbatim.take().unwrap_or_default();
        let is_box = self.boxed.is_none();
        if is_box {
            self.begin_box();
        }
        for line in code.trim_end().lines() {
            self.open("[code]");
            self.text(line);
            self.close();
            let line = std::mem::take(&mut self.line);
            self.block(&line);
        }
        if is_box {
            self.end_box();
        }
        self.gap();
    }

    fn end_html(&mut self) {
        let html = self.verbatim.take().unwrap_or_default();
        if !is_comment(html.trim()) {
            for line in html.trim_end().lines() {
                self.text(line);
                self.flush();
            }
        }
        self.gap();
    }

    // --- tables

    fn start_table(&mut self, columns: usize) {
        self.flush();
        self.table = Some(Table { columns, is_head: false });
        if columns <= MAX_COLUMNS {
            self.begin_line();
            // Writing to a string cannot fail.
            let _ = write!(self.notes.bbcode, "[table={columns}]");
        }
    }

    fn end_cell(&mut self) {
        if self.is_head() {
            self.close();
        }
        if self.table.as_ref().is_some_and(|table| table.columns <= MAX_COLUMNS) {
            let line = std::mem::take(&mut self.line);
            for part in [CELL, line.trim(), CELL_END] {
                self.notes.bbcode.push_str(part);
            }
        } else {
            self.line.push_str(" | ");
        }
    }

    fn end_row(&mut self) {
        if let Some(table) = &mut self.table {
            table.is_head = false;
            if table.columns > MAX_COLUMNS {
                self.flush();
            }
        }
    }

    fn end_table(&mut self) {
        if self.table.take().is_some_and(|table| table.columns <= MAX_COLUMNS) {
            self.notes.bbcode.push_str("[/table]");
        }
        self.gap();
    }
}

fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "[font_size=28][b]",
        HeadingLevel::H2 => "[font_size=24][b]",
        _ => "[font_size=21][b]",
    }
}

fn closing(tag: &str) -> &'static str {
    match tag {
        "[b]" => "[/b]",
        "[i]" => "[/i]",
        "[s]" => "[/s]",
        "[code]" => "[/code]",
        "[url]" => "[/url]",
        tag if tag.starts_with("[font_size") => "[/b][/font_size]",
        _ => "",
    }
}

fn next_marker(number: &mut Option<u64>) -> String {
    match number {
        Some(number) => {
            let marker = format!("{number}.");
            *number = number.saturating_add(1);
            marker
        }
        None => "•".to_owned(),
    }
}

//! Putting text into cells: outside text is made harmless here once more, and
//! nothing is written beyond its area.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::super::style::Look;
use crate::text::{for_screen, is_printable_ascii};

/// How many cells a text takes.
pub(in crate::tui) fn width(text: &str) -> usize {
    if is_printable_ascii(text) { text.len() } else { text.width() }
}

/// A text of at most `most` cells, with a sign where it was cut.
pub(in crate::tui) fn cut(text: &str, most: usize, look: Look) -> String {
    let text = for_screen(text);
    if width(&text) <= most {
        return text;
    }
    let mut kept = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        if used + cluster.width() + 1 > most {
            break;
        }
        used += cluster.width();
        kept.push_str(cluster);
    }
    if most > 0 {
        kept.push_str(look.more());
    }
    kept
}

/// Breaks a text at spaces into lines of at most `most` cells.
pub(in crate::tui) fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut current = String::new();
        for word in for_screen(paragraph).split(' ') {
            let gap = usize::from(!current.is_empty());
            if current.width() + gap + word.width() > most && !current.is_empty() {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines
}

/// Writes one line at a row of the area.
pub(in crate::tui) fn line(buffer: &mut Buffer, area: Rect, row: u16, text: impl Into<Line<'static>>) {
    if row >= area.height {
        return;
    }
    let at = Rect { y: area.y + row, height: 1, ..area }.intersection(buffer.area);
    let text = text.into();
    if text.style != Style::new() {
        return text.render(at, buffer);
    }
    let mut rest = at;
    for span in &text.spans {
        let wide = u16::try_from(width(&span.content)).unwrap_or(u16::MAX).min(rest.width);
        if is_printable_ascii(&span.content) {
            put(buffer, rest, span);
        } else {
            span.render(rest, buffer);
        }
        rest = Rect { x: rest.x + wide, width: rest.width - wide, ..rest };
    }
}

/// A letter of ASCII is a cell: nothing is to be found out about it, and nearly
/// all that is drawn with each key is such.
fn put(buffer: &mut Buffer, at: Rect, span: &Span<'_>) {
    for (place, letter) in at.positions().zip(0..span.content.len()) {
        buffer[place].set_symbol(&span.content[letter..=letter]).set_style(span.style);
    }
}

/// Writes lines from a row on.
pub(in crate::tui) fn lines(buffer: &mut Buffer, area: Rect, from: u16, texts: impl IntoIterator<Item = Line<'static>>) -> u16 {
    let mut row = from;
    for text in texts {
        line(buffer, area, row, text);
        row = row.saturating_add(1);
    }
    row
}

/// A rule over the whole width.
pub(in crate::tui) fn rule(buffer: &mut Buffer, area: Rect, row: u16, look: Look) {
    if row < area.height {
        let at = Rect { y: area.y + row, height: 1, ..area };
        for place in at.intersection(buffer.area).positions() {
            buffer[place].set_symbol(look.rule()).set_style(look.quiet());
        }
    }
}

/// One text at the left and one at the right of a line; the left one gives way.
pub(in crate::tui) fn spread(left: Vec<Span<'static>>, right: Vec<Span<'static>>, room: usize) -> Line<'static> {
    let used: usize = left.iter().chain(&right).map(|span| width(&span.content)).sum();
    let mut spans = left;
    if used < room {
        spans.push(Span::raw(" ".repeat(room - used)));
    }
    spans.extend(right);
    Line::from(spans)
}

/// Clears a box in the middle of the area and gives its inside.
pub(in crate::tui) fn boxed(buffer: &mut Buffer, area: Rect, size: (u16, u16), title: &str, look: Look) -> Rect {
    let (wide, high) = (size.0.min(area.width), size.1.min(area.height));
    let at = Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 2, width: wide, height: high };
    Clear.render(at, buffer);
    let block = Block::bordered().border_set(look.border()).title(Span::styled(format!(" {} ", for_screen(title)), look.title()));
    let inside = block.inner(at);
    block.render(at, buffer);
    inside
}

/// What stands before a row: it says alone which is under the cursor.
pub(in crate::tui) fn marker(look: Look, marked: bool) -> Span<'static> {
    if marked { Span::styled(format!("{} ", look.marker()), look.row()) } else { Span::raw("  ") }
}

/// Builds a line of cells of fixed width.
#[derive(Debug)]
pub(in crate::tui) struct Row {
    spans: Vec<Span<'static>>,
    look: Look,
}

impl Row {
    /// A row with its marker: set for the one under the cursor.
    pub(in crate::tui) fn new(look: Look, marked: bool) -> Self {
        Self { spans: vec![marker(look, marked)], look }
    }

    /// A cell of `wide` cells and a gap.
    pub(in crate::tui) fn cell(mut self, text: &str, wide: usize, style: Style) -> Self {
        let text = cut(text, wide, self.look);
        let gap = wide.saturating_sub(width(&text)) + 1;
        self.spans.push(Span::styled(text, style));
        self.spans.push(Span::raw(" ".repeat(gap)));
        self
    }

    /// A cell that stands at its right edge: numbers.
    pub(in crate::tui) fn right(mut self, text: &str, wide: usize, style: Style) -> Self {
        let text = cut(text, wide, self.look);
        self.spans.push(Span::raw(" ".repeat(wide.saturating_sub(width(&text)))));
        self.spans.push(Span::styled(text, style));
        self.spans.push(Span::raw(" "));
        self
    }

    /// A cell in which the parts that were found are marked.
    pub(in crate::tui) fn found(mut self, text: &str, parts: &[String], wide: usize, style: Style) -> Self {
        let text = cut(text, wide, self.look);
        let gap = wide.saturating_sub(width(&text)) + 1;
        self.spans.extend(marked(&text, parts, style, self.look));
        self.spans.push(Span::raw(" ".repeat(gap)));
        self
    }

    /// The finished line.
    pub(in crate::tui) fn done(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// Marks where folded parts stand in a text.
fn marked(text: &str, parts: &[String], style: Style, look: Look) -> Vec<Span<'static>> {
    let (text, more) = text.strip_suffix(look.more()).map_or((text, ""), |cut| (cut, look.more()));
    // Nearly all texts are ASCII, and a list of them is drawn with each key.
    let mut marked = if text.is_ascii() {
        spans(&hits_in_ascii(text, parts), |from, to| text[from..to].to_owned(), style, look)
    } else {
        let letters: Vec<&str> = text.graphemes(true).collect();
        spans(&hits_in(&letters, parts), |from, to| letters[from..to].concat(), style, look)
    };
    if !more.is_empty() {
        marked.push(Span::styled(more, style));
    }
    marked
}

/// Which letters of a text belong to a part.
fn hits_in_ascii(text: &str, parts: &[String]) -> Vec<bool> {
    let folded = text.to_ascii_lowercase();
    let mut hit = vec![false; text.len()];
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let mut from = 0;
        while let Some(at) = folded.get(from..).and_then(|rest| rest.find(part.as_str())) {
            hit[from + at..from + at + part.len()].fill(true);
            from += at + 1;
        }
    }
    hit
}

/// The same letter by letter, for folding may change lengths.
fn hits_in(letters: &[&str], parts: &[String]) -> Vec<bool> {
    let folded: Vec<String> = letters.iter().map(|letter| if *letter == " " { " ".to_owned() } else { crate::text::fold(letter) }).collect();
    let mut hit = vec![false; letters.len()];
    for part in parts.iter().filter(|part| !part.is_empty()) {
        for start in 0..letters.len() {
            let mut built = String::new();
            for end in start..letters.len() {
                built.push_str(&folded[end]);
                if built.len() >= part.len() {
                    if built == *part {
                        hit[start..=end].fill(true);
                    }
                    break;
                }
            }
        }
    }
    hit
}

/// Letters that follow each other and are marked alike are one span.
fn spans(hit: &[bool], text: impl Fn(usize, usize) -> String, style: Style, look: Look) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut from = 0;
    while from < hit.len() {
        let to = (from..hit.len()).find(|at| hit[*at] != hit[from]).unwrap_or(hit.len());
        spans.push(Span::styled(text(from, to), if hit[from] { look.matched() } else { style }));
        from = to;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look::new(false, false);

    #[test]
    fn texts_are_cut_by_cells_and_made_harmless() {
        assert_eq!(cut("Keller Bau", 20, LOOK), "Keller Bau");
        assert_eq!(cut("Keller Bau", 7, LOOK), "Keller…");
        assert_eq!(cut("漢字漢字", 5, LOOK), "漢字…");
        assert_eq!(cut("a\u{1b}[2J", 9, LOOK), "a\u{fffd}[2J");
    }

    /// A line as the library draws it.
    fn drawn_whole(text: &str, area: Rect) -> Buffer {
        let mut buffer = Buffer::empty(area);
        Line::from(vec![Span::raw(text), Span::styled(text, LOOK.key())]).render(area, &mut buffer);
        buffer
    }

    #[test]
    fn what_was_found_is_marked_through_accents() {
        let spans = marked("Müller Bau", &["mull".to_owned()], Style::new(), LOOK);
        assert_eq!(spans[0].content, "Müll");
        assert_eq!(spans[0].style, LOOK.matched());
        assert_eq!(spans[1].content, "er Bau");
    }

    proptest::proptest! {
        #[test]
        fn a_line_is_drawn_as_the_library_draws_it(text in "[a-c 漢é…]{0,9}", wide in 0_u16..20) {
            let area = Rect::new(0, 0, wide, 1);
            let mut buffer = Buffer::empty(area);
            line(&mut buffer, area, 0, Line::from(vec![Span::raw(text.clone()), Span::styled(text.clone(), LOOK.key())]));
            proptest::prop_assert_eq!(buffer, drawn_whole(&text, area));
        }

        #[test]
        fn plain_letters_are_marked_as_all_others_are(text in "[a-cA-C ]{0,12}", parts in proptest::collection::vec("[a-c]{0,3}", 0..3)) {
            let letters: Vec<&str> = text.graphemes(true).collect();
            proptest::prop_assert_eq!(hits_in_ascii(&text, &parts), hits_in(&letters, &parts));
        }
    }

    #[test]
    fn long_words_do_not_hang_the_wrapping() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcdefghij", "kl"]);
    }
}

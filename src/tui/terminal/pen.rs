//! The bytes that turn one picture of the screen into the next: as few as can
//! be, for there are lines on which every byte is waited for.
//!
//! Everything between two pictures is remembered: where the cursor stands,
//! whether it is seen, how the terminal writes. What stands still costs
//! nothing, and a letter typed at the cursor costs that letter.

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use crate::tui::style::of_sixteen;

/// Up to here going on by writing is no longer than by steps.
const NEAR: u16 = 3;
/// Wiping the rest of a row costs as much as so many blanks.
const WIPE: usize = 3;

/// How the terminal writes at the moment, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Pen {
    /// Where the next letter would go; none where terminals differ.
    at: Option<Position>,
    /// The letters since the last jump on whose width terminals differ: so many
    /// columns further the next one may go.
    unsure: u16,
    dress: Option<Dress>,
    is_seen: Option<bool>,
}

/// How letters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Dress {
    ink: Option<u8>,
    ground: Option<u8>,
    marks: Modifier,
}

/// Bold and the like: what switches them on and off. What shares its end with
/// another has to be switched on again when that ends.
const MARKS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// Those that are seen on a blank as well.
const SEEN_ON_BLANKS: Modifier =
    Modifier::UNDERLINED.union(Modifier::SLOW_BLINK).union(Modifier::RAPID_BLINK).union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

impl Dress {
    fn of(cell: &Cell) -> Self {
        Self { ink: of_sixteen(cell.fg), ground: of_sixteen(cell.bg), marks: cell.modifier }
    }

    /// Whether a blank in it looks like any other.
    fn is_bare_on_blanks(self) -> bool {
        self.ground.is_none() && !self.marks.intersects(SEEN_ON_BLANKS)
    }

    /// The codes that change one dress into another, by the shorter way: taking
    /// off and putting on, or all anew.
    fn codes(self, to: Self) -> Vec<u8> {
        let mut change: Vec<u8> = Vec::new();
        for (mark, _, end) in MARKS {
            if self.marks.contains(mark) && !to.marks.contains(mark) && !change.contains(&end) {
                change.push(end);
            }
        }
        let ends = change.clone();
        let is_on = |mark: Modifier, end: u8| self.marks.contains(mark) && !ends.contains(&end);
        change.extend(MARKS.iter().filter(|(mark, _, end)| to.marks.contains(*mark) && !is_on(*mark, *end)).map(|(_, begin, _)| *begin));
        if self.ink != to.ink {
            change.push(to.ink.map_or(39, |ink| ink + 30));
        }
        if self.ground != to.ground {
            change.push(to.ground.map_or(49, |ground| ground + 40));
        }
        let anew = MARKS.iter().filter(|(mark, ..)| to.marks.contains(*mark)).map(|(_, begin, _)| *begin);
        let anew: Vec<u8> = std::iter::once(0).chain(anew).chain(to.ink.map(|ink| ink + 30)).chain(to.ground.map(|ground| ground + 40)).collect();
        if anew.len() < change.len() { anew } else { change }
    }
}

/// So many steps, or the column of that number; one goes without saying.
fn csi(number: u16, way: char) -> String {
    if number == 1 { format!("\x1b[{way}") } else { format!("\x1b[{number}{way}") }
}

/// A jump to any place.
fn place(to: Position) -> String {
    let column = if to.x == 0 { String::new() } else { format!(";{}", to.x + 1) };
    format!("\x1b[{}{column}H", to.y + 1)
}

/// A blank that looks like nothing.
fn is_bare(cell: &Cell) -> bool {
    cell.symbol() == " " && Dress::of(cell).is_bare_on_blanks()
}

/// The column from which on nothing is seen in a row.
fn blank_from_in(picture: &Buffer, y: u16) -> u16 {
    let is_seen = |x: &u16| picture.cell((*x, y)).is_some_and(|cell| !is_bare(cell));
    (0..picture.area.width).rev().find(is_seen).map_or(0, |last| last + 1)
}

/// Where another thing is to be seen, row by row. What half of a wide letter lay
/// over is written anew: terminals differ in what they leave there.
fn changes(shown: &Buffer, next: &Buffer) -> Vec<Position> {
    let is_other = |at: &Position| {
        let (Some(before), Some(now)) = (shown.cell(*at), next.cell(*at)) else { return false };
        let is_same = before == now || is_bare(before) && is_bare(now);
        !is_covered(*at, next) && (!is_same || is_covered(*at, shown))
    };
    // Most rows stand still.
    let rows = next.area.rows().filter(|row| cells(shown, row.y) != cells(next, row.y));
    rows.flat_map(Rect::positions).filter(is_other).collect()
}

/// The cells of a row.
fn cells(picture: &Buffer, y: u16) -> &[Cell] {
    let (y, wide) = (usize::from(y), usize::from(picture.area.width));
    picture.content.get(y * wide..(y + 1) * wide).unwrap_or_default()
}

/// Whether a wide letter lies over a place.
fn is_covered(at: Position, picture: &Buffer) -> bool {
    let before = at.x.checked_sub(1).and_then(|x| picture.cell((x, at.y)));
    before.is_some_and(|before| before.symbol().len() > 1 && before.cell_width() > 1)
}

impl Pen {
    /// The bytes after which a terminal that shows one picture shows the other,
    /// with the cursor where it belongs; without one it is hidden.
    pub(super) fn strokes(&mut self, shown: &Buffer, next: &Buffer, caret: Option<Position>) -> Vec<u8> {
        let mut out = Vec::new();
        if self.dress.is_none() {
            // Whatever wrote here before.
            out.extend_from_slice(b"\x1b[m");
            self.dress = Some(Dress::default());
        }
        let changes = changes(shown, next);
        let (mut row, mut blank_from) = (None, 0);
        let mut wiped = None;
        for (place, at) in changes.iter().copied().enumerate() {
            let Some(cell) = next.cell(at).filter(|_| wiped != Some(at.y)) else { continue };
            self.dress_before(at, cell, &mut out);
            // Letters that follow one another keep together, however wide they are.
            if self.at != Some(at) {
                self.go(at, next, &mut out);
            }
            if row != Some(at.y) {
                (row, blank_from) = (Some(at.y), blank_from_in(next, at.y));
            }
            let in_row = || changes[place..].iter().take_while(|other| other.y == at.y).count();
            if at.x >= blank_from && in_row() > WIPE {
                self.put_on(Dress::default(), &mut out);
                out.extend_from_slice(b"\x1b[K");
                wiped = Some(at.y);
            } else {
                self.write(at, cell, next, &mut out);
            }
        }
        // What others write, and what the terminal wipes, is plain.
        self.put_on(Dress::default(), &mut out);
        self.show_caret(caret, next, &mut out);
        out
    }

    fn write(&mut self, at: Position, cell: &Cell, picture: &Buffer, out: &mut Vec<u8>) {
        let (symbol, mut dress) = (cell.symbol(), Dress::of(cell));
        if is_bare(cell) {
            // A blank takes any dress in which it is not seen.
            dress = self.dress.filter(|now| now.is_bare_on_blanks()).unwrap_or_default();
        }
        self.put_on(dress, out);
        out.extend_from_slice(symbol.as_bytes());
        let behind = at.x.saturating_add(cell.cell_width().max(1));
        // Behind the last column, and behind letters made of several signs,
        // terminals differ in where they are.
        let is_known = behind < picture.area.width && symbol.chars().nth(1).is_none();
        self.at = is_known.then_some(Position { x: behind, y: at.y });
        self.unsure = self.unsure.saturating_add(u16::from(!symbol.is_ascii()));
    }

    fn put_on(&mut self, dress: Dress, out: &mut Vec<u8>) {
        let now = self.dress.unwrap_or_default();
        if now == dress {
            return;
        }
        let codes = if dress == Dress::default() { Vec::new() } else { now.codes(dress) };
        let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
        out.extend_from_slice(format!("\x1b[{}m", codes.join(";")).as_bytes());
        self.dress = Some(dress);
    }

    /// Puts the next dress on before the blanks between, where these can then be
    /// written instead of being jumped over.
    fn dress_before(&mut self, to: Position, cell: &Cell, out: &mut Vec<u8>) {
        let is_near = self.at.is_some_and(|at| at.y == to.y && at.x < to.x && to.x - at.x <= NEAR);
        let next = Dress::of(cell);
        if is_near && !is_bare(cell) && next.is_bare_on_blanks() && !self.dress.is_some_and(Dress::is_bare_on_blanks) {
            self.put_on(next, out);
        }
    }

    /// Goes to a place by the shortest way: on by writing once more what stands
    /// between, on or back by steps, by a jump within the row or to another one.
    fn go(&mut self, to: Position, picture: &Buffer, out: &mut Vec<u8>) {
        if self.at == Some(to) && self.unsure == 0 {
            return;
        }
        let sure = self.at.filter(|at| at.y == to.y && self.unsure == 0);
        let steps = sure.map(|at| match to.x.checked_sub(at.x) {
            Some(on) => self.between(at, to, picture).unwrap_or_else(|| csi(on, 'C')),
            None => csi(at.x - to.x, 'D'),
        });
        // Letters wider than thought may have run over the end of the row.
        let is_in_row = self.at.is_some_and(|at| at.y == to.y && at.x + self.unsure < picture.area.width);
        let column = || if is_in_row { csi(to.x + 1, 'G') } else { place(to) };
        let way = steps.filter(|steps| steps.len() <= column().len()).unwrap_or_else(column);
        out.extend_from_slice(way.as_bytes());
        (self.at, self.unsure) = (Some(to), 0);
    }

    /// What stands between two near places of a row, if writing it changes
    /// nothing.
    fn between(&self, at: Position, to: Position, picture: &Buffer) -> Option<String> {
        if to.x - at.x > NEAR {
            return None;
        }
        let now = self.dress.unwrap_or_default();
        let mut text = String::new();
        for place in (at.x..to.x).map(|x| Position { x, y: at.y }) {
            let cell = picture.cell(place).filter(|_| !is_covered(place, picture))?;
            let fits = if is_bare(cell) { now.is_bare_on_blanks() } else { Dress::of(cell) == now };
            if !fits || cell.symbol().len() != 1 {
                return None;
            }
            text.push_str(cell.symbol());
        }
        Some(text)
    }

    fn show_caret(&mut self, caret: Option<Position>, picture: &Buffer, out: &mut Vec<u8>) {
        if let Some(caret) = caret {
            self.go(caret, picture, out);
        }
        if self.is_seen != Some(caret.is_some()) {
            out.extend_from_slice(if caret.is_some() { b"\x1b[?25h" } else { b"\x1b[?25l" });
            self.is_seen = Some(caret.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;
    use proptest::sample::select;
    use ratatui::style::{Color, Style};

    use super::*;

    const WIDE: u16 = 20;
    const HIGH: u16 = 6;

    fn empty() -> Buffer {
        Buffer::empty(Rect::new(0, 0, WIDE, HIGH))
    }

    /// A picture with these texts in it.
    fn picture(texts: &[(u16, u16, &str, Style)]) -> Buffer {
        let mut picture = empty();
        for (x, y, text, style) in texts {
            picture.set_string(*x, *y, text, *style);
        }
        picture
    }

    fn plain(text: &str) -> Buffer {
        picture(&[(0, 0, text, Style::new())])
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the pen takes it")]
    fn at(x: u16, y: u16) -> Option<Position> {
        Some(Position { x, y })
    }

    /// A pen that has drawn a picture, with the cursor behind it.
    fn pen_after(shown: &Buffer, caret: Option<Position>) -> Pen {
        let mut pen = Pen::default();
        pen.strokes(&empty(), shown, caret);
        pen
    }

    fn told(pen: &mut Pen, shown: &Buffer, next: &Buffer, caret: Option<Position>) -> String {
        String::from_utf8(pen.strokes(shown, next, caret)).unwrap()
    }

    #[test]
    fn a_letter_typed_at_the_cursor_costs_that_letter() {
        let (kel, kell) = (plain("Find kel"), plain("Find kell"));
        let mut pen = pen_after(&kel, at(8, 0));
        assert_eq!(told(&mut pen, &kel, &kell, at(9, 0)), "l");
        assert_eq!(told(&mut pen, &kell, &kel, at(8, 0)), "\u{1b}[D \u{1b}[D");
        assert_eq!(told(&mut pen, &kel, &kel, at(8, 0)), "", "nothing for nothing");
    }

    #[test]
    fn a_step_in_a_list_moves_a_marker() {
        let marked = |row: u16| picture(&[(5, 0, "x", Style::new()), (0, row, "> ", Style::new().add_modifier(Modifier::REVERSED))]);
        let mut pen = pen_after(&marked(1), at(6, 0));
        assert_eq!(told(&mut pen, &marked(1), &marked(2), at(6, 0)), "\u{1b}[2H  \u{1b}[3H\u{1b}[7m> \u{1b}[m\u{1b}[1;7H");
    }

    #[test]
    fn the_rest_of_a_row_is_wiped_in_three_bytes() {
        let mut pen = pen_after(&plain("Keller Bau GmbH"), None);
        assert_eq!(told(&mut pen, &plain("Keller Bau GmbH"), &plain("Keller"), None), "\u{1b}[8D\u{1b}[K");
    }

    #[test]
    fn the_cursor_is_shown_and_hidden_once() {
        let mut pen = Pen::default();
        assert_eq!(told(&mut pen, &empty(), &empty(), at(0, 0)), "\u{1b}[m\u{1b}[1H\u{1b}[?25h");
        assert_eq!(told(&mut pen, &empty(), &empty(), None), "\u{1b}[?25l");
        assert_eq!(told(&mut pen, &empty(), &empty(), None), "");
    }

    #[test]
    fn one_dress_becomes_another_by_the_shorter_way() {
        let dress = |marks, ink| Dress { ink, ground: None, marks };
        let (bold, dim) = (Modifier::BOLD, Modifier::DIM);
        assert_eq!(dress(Modifier::empty(), None).codes(dress(bold, Some(6))), [1, 36]);
        assert_eq!(dress(bold, None).codes(dress(dim, None)), [22, 2]);
        assert_eq!(dress(bold | dim, Some(3)).codes(dress(dim, Some(3))), [22, 2]);
        assert_eq!(dress(bold | Modifier::REVERSED, Some(3)).codes(dress(dim, None)), [0, 2]);
    }

    fn styles() -> Vec<Style> {
        let style = Style::new();
        vec![
            style,
            style.add_modifier(Modifier::BOLD),
            style.add_modifier(Modifier::DIM),
            style.add_modifier(Modifier::REVERSED),
            style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            style.fg(Color::Yellow).add_modifier(Modifier::UNDERLINED),
            style.fg(Color::White).bg(Color::Black),
        ]
    }

    fn pictures() -> impl Strategy<Value = Buffer> {
        let texts = vec!["Keller", "Müller Bau", "漢字", "──────", "   ", "a", "●", "Keller Bau GmbH 1234567"];
        // One in a row: what lies half over a wide letter is nobody's picture.
        let row = (0..WIDE, select(texts), select(styles()));
        proptest::collection::vec(row, usize::from(HIGH)).prop_map(|rows| {
            let texts: Vec<_> = (0..HIGH).zip(rows).map(|(y, (x, text, style))| (x, y, text, style)).collect();
            picture(&texts)
        })
    }

    /// As seen: a blank is a blank, whatever lies in its memory.
    #[track_caller]
    fn assert_shows(parser: &vt100::Parser, wanted: &Buffer) {
        for y in 0..HIGH {
            let mut covered = false;
            for x in 0..WIDE {
                let (cell, seen) = (&wanted[(x, y)], parser.screen().cell(y, x).unwrap());
                let is_over = std::mem::replace(&mut covered, cell.cell_width() > 1);
                if is_over {
                    continue;
                }
                let letter = if seen.contents().is_empty() { " " } else { seen.contents() };
                assert_eq!(letter, cell.symbol(), "at {x}, {y}");
                let has = |mark: Modifier| cell.modifier.contains(mark);
                assert_eq!((seen.inverse(), seen.underline()), (has(Modifier::REVERSED), has(Modifier::UNDERLINED)), "at {x}, {y}");
                assert_eq!(seen.bgcolor(), colour(cell.bg), "at {x}, {y}");
                if letter != " " {
                    assert_eq!((seen.bold(), seen.dim(), seen.fgcolor()), (has(Modifier::BOLD), has(Modifier::DIM), colour(cell.fg)), "at {x}, {y}");
                }
            }
        }
    }

    fn colour(colour: Color) -> vt100::Color {
        match colour {
            Color::Reset => vt100::Color::Default,
            Color::Black => vt100::Color::Idx(0),
            Color::Yellow => vt100::Color::Idx(3),
            Color::Cyan => vt100::Color::Idx(6),
            _ => vt100::Color::Idx(15),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_is_what_is_seen(all in proptest::collection::vec((pictures(), proptest::option::of((0..WIDE, 0..HIGH))), 1..5)) {
            let size = |cells| NonZeroU16::new(cells).unwrap();
            let mut parser = vt100::Parser::new(size(HIGH), size(WIDE), 0);
            let (mut pen, mut shown) = (Pen::default(), empty());
            for (next, caret) in all {
                let caret = caret.map(|(x, y)| Position { x, y });
                parser.process(&pen.strokes(&shown, &next, caret));
                assert_shows(&parser, &next);
                prop_assert_eq!(parser.screen().hide_cursor(), caret.is_none());
                if let Some(caret) = caret {
                    prop_assert_eq!(parser.screen().cursor_position(), (caret.y, caret.x));
                }
                shown = next;
            }
        }
    }
}

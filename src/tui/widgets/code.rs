//! A QR code in cells: two modules to a cell, one above the other; without
//! drawn signs two cells to a module.

use qrcode::{EcLevel, QrCode};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::style::Look;
use super::line;

/// The light border in modules: what the standard asks for, or what telephones
/// do with where room is short.
const BORDERS: [u16; 2] = [4, 2];

/// A QR code.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Code {
    /// Modules to a side.
    side: u16,
    /// Whether each is dark, row by row.
    dark: Vec<bool>,
}

impl Code {
    /// The code of a text; none if it is too long for one.
    pub(in crate::tui) fn of(text: &str) -> Option<Self> {
        // A screen gets no scratches: the least redundancy makes the smallest.
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let side = u16::try_from(code.width()).ok()?;
        Some(Self { side, dark: code.to_colors().into_iter().map(|module| module.select(true, false)).collect() })
    }

    /// Columns and rows with the widest border that fits; none if it does not
    /// fit at all.
    pub(in crate::tui) fn size(&self, room: (u16, u16), look: Look) -> Option<(u16, u16)> {
        let mut sizes = BORDERS.into_iter().map(|border| {
            let side = self.side + 2 * border;
            if look.has_blocks() { (side, side.div_ceil(2)) } else { (side * 2, side) }
        });
        sizes.find(|(wide, high)| *wide <= room.0 && *high <= room.1)
    }

    /// Draws it at the top left of the area, if it fits.
    pub(in crate::tui) fn view(&self, area: Rect, buffer: &mut Buffer, look: Look) {
        let Some((wide, high)) = self.size((area.width, area.height), look) else { return };
        let side = if look.has_blocks() { wide } else { wide / 2 };
        let border = (side - self.side) / 2;
        for row in 0..high {
            let spans: Vec<Span<'static>> = (0..side)
                .map(|x| {
                    let light = |y: u16| self.is_light(x, y, border);
                    if look.has_blocks() {
                        Span::styled(look.blocks(light(2 * row), light(2 * row + 1)), look.code())
                    } else {
                        Span::styled("  ", look.module(light(row)))
                    }
                })
                .collect();
            line(buffer, Rect { width: wide, ..area }, row, Line::from(spans));
        }
    }

    /// The border is light; the half row below an odd number of them too.
    fn is_light(&self, x: u16, y: u16, border: u16) -> bool {
        let inside = |at: u16| at.checked_sub(border).filter(|at| *at < self.side).map(usize::from);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => !self.dark[y * usize::from(self.side) + x],
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://login.dealer.example/device?user_code=WDJB-MJHT";
    const DRAWN: Look = Look::new(true, false);
    const PLAIN: Look = Look::new(false, true);

    fn drawn(area: Rect, look: Look) -> Vec<String> {
        let mut buffer = Buffer::empty(area);
        Code::of(ADDRESS).unwrap().view(area, &mut buffer, look);
        let row = |y: u16| (0..area.width).map(|x| buffer[(x, y)].symbol().to_owned()).collect();
        (0..area.height).map(row).collect()
    }

    #[test]
    fn an_address_fits_beside_its_text_on_80_by_24() {
        let code = Code::of(ADDRESS).unwrap();
        let (wide, high) = code.size((44, 20), DRAWN).unwrap();
        assert!(wide <= 40 && high <= 20, "{wide}×{high}");
        assert_eq!(code.size((40, 20), PLAIN), None, "without drawn signs there is room on a larger screen only");
        assert!(code.size((100, 50), PLAIN).is_some());
    }

    #[test]
    fn the_corner_marks_stand_where_readers_look_for_them() {
        let code = Code::of(ADDRESS).unwrap();
        let border = 2;
        for (x, y) in [(0, 0), (code.side - 7, 0), (0, code.side - 7)] {
            let row = |dy: u16| (0..7).map(|dx| if code.is_light(x + dx + border, y + dy + border, border) { '.' } else { '#' }).collect::<String>();
            assert_eq!([row(0), row(1), row(2), row(6)], ["#######", "#.....#", "#.###.#", "#######"]);
        }
    }

    #[test]
    fn it_is_half_blocks_or_plain_cells() {
        let shown = drawn(Rect::new(0, 0, 44, 20), DRAWN);
        assert!(shown.iter().flat_map(|row| row.chars()).all(|sign| " ▀▄█".contains(sign)));
        assert!(shown[0].starts_with("██") && shown[1].contains('▄'), "{shown:#?}");
        assert!(drawn(Rect::new(0, 0, 100, 50), PLAIN).concat().is_ascii());
    }

    #[test]
    fn what_is_too_long_is_no_code() {
        assert!(Code::of(&"x".repeat(3_000)).is_none());
    }
}

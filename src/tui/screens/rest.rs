//! A workshop terminal at rest: nothing of anybody is on it. The next key
//! begins.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use super::super::command::Place;
use super::super::layer::Layer;
use super::super::shared::Shared;
use super::super::widgets::{line, lines, wrap};

pub(in crate::tui) const TITLE: &str = "Workshop terminal";
/// Told where nobody heard what became of a write; of whom and of what it was,
/// nothing is told.
pub(in crate::tui) const IN_DOUBT: &str = "What was sent last may have arrived: look before you type it again.";

/// Says what to do, or why nothing can be done.
#[derive(Debug)]
pub(in crate::tui) struct Rest {
    said: String,
    in_doubt: bool,
}

impl Rest {
    /// A session is on its way.
    pub(in crate::tui) fn beginning() -> Self {
        Self { said: "One moment.".to_owned(), in_doubt: false }
    }

    /// Waiting for a key; perhaps there is something to be told first.
    pub(in crate::tui) fn because(why: Option<&str>) -> Self {
        Self { said: why.unwrap_or("Press any key, or scan a unit number or plate.").to_owned(), in_doubt: false }
    }

    /// Whether what was sent last may have arrived.
    pub(in crate::tui) const fn in_doubt(mut self, is: bool) -> Self {
        self.in_doubt = is;
        self
    }
}

impl Layer for Rest {
    fn places(&self) -> Vec<Place> {
        Vec::new()
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        Clear.render(area, buffer);
        line(buffer, area, 1, Line::from(Span::styled(format!(" {TITLE}"), shared.look.title())));
        let room = usize::from(area.width).saturating_sub(2);
        let mut row = 3;
        if self.in_doubt {
            let doubt = wrap(IN_DOUBT, room).into_iter().map(|text| Line::from(Span::styled(format!(" {text}"), shared.look.warning())));
            row = lines(buffer, area, row, doubt).saturating_add(1);
        }
        lines(buffer, area, row, wrap(&self.said, room).into_iter().map(|text| Line::from(Span::raw(format!(" {text}")))));
    }
}

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

/// Says what to do, or why nothing can be done.
#[derive(Debug)]
pub(in crate::tui) struct Rest {
    said: String,
}

impl Rest {
    /// A session is on its way.
    pub(in crate::tui) fn beginning() -> Self {
        Self { said: "One moment.".to_owned() }
    }

    /// Waiting for a key; perhaps there is something to be told first.
    pub(in crate::tui) fn because(why: Option<&str>) -> Self {
        Self { said: why.unwrap_or("Press any key, or scan a unit number or plate.").to_owned() }
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
        let texts = wrap(&self.said, usize::from(area.width).saturating_sub(2));
        lines(buffer, area, 3, texts.into_iter().map(|text| Line::from(Span::raw(format!(" {text}")))));
    }
}

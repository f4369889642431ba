//! Whether somebody quits though what was typed cannot be kept: why it cannot,
//! and then only a `y` throws it away.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::command::{Command, Place};
use crate::tui::layer::{Cx, Intent, Layer};
use crate::tui::shared::Shared;
use crate::tui::widgets::{boxed, line, lines, wrap};

const TITLE: &str = "Quit";
/// Cells of the box.
const WIDE: u16 = 66;

/// The question over whatever is open.
#[derive(Debug)]
pub(in crate::tui) struct LoseTyped {
    why: String,
}

impl LoseTyped {
    /// It cannot be kept because of this.
    pub(in crate::tui) const fn because(why: String) -> Self {
        Self { why }
    }
}

impl Layer for LoseTyped {
    fn places(&self) -> Vec<Place> {
        vec![Place::Question]
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "question.yes" => cx.want(Intent::Leave),
            "question.no" => cx.want(Intent::Close),
            _ => {}
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let wide = WIDE.min(area.width);
        let mut asked = wrap(&format!("What you typed cannot be kept on this machine: {}.", self.why), usize::from(wide).saturating_sub(4));
        asked.push("Quit and lose it?".to_owned());
        let high = u16::try_from(asked.len()).unwrap_or(1).saturating_add(4);
        let inside = boxed(buffer, area, (wide, high), TITLE, look);
        lines(buffer, inside, 0, asked.into_iter().map(|asked| Line::from(format!(" {asked}"))));
        line(buffer, inside, inside.height.saturating_sub(1), Line::from(Span::styled(" y/n", look.warning())));
    }
}

//! Whether somebody quits or signs out though what was typed cannot be kept, or
//! may be written twice by then: why, and then only a `y` goes on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::command::{Command, Place};
use crate::tui::layer::{Cx, Exit, Intent, Layer};
use crate::tui::shared::Shared;
use crate::tui::widgets::{boxed, line, lines, wrap};

/// Cells of the box.
const WIDE: u16 = 66;

/// The question over whatever is open.
#[derive(Debug)]
pub(in crate::tui) struct LoseTyped {
    exit: Exit,
    /// What is so.
    told: String,
    /// What becomes of it.
    then: &'static str,
}

impl LoseTyped {
    /// It cannot be kept because of this.
    pub(in crate::tui) fn because(exit: Exit, why: &str) -> Self {
        Self { exit, told: format!("What was typed cannot be kept on this machine: {why}."), then: "and lose it" }
    }

    /// It is kept, but not under which key it was sent.
    pub(in crate::tui) fn in_doubt(exit: Exit) -> Self {
        let told = "What you saved last may have arrived: only its answer was lost. Its text is kept here; saved again after this it may be there twice.";
        Self { exit, told: told.to_owned(), then: "all the same" }
    }

    const fn named(&self) -> &'static str {
        match self.exit {
            Exit::Quit => "Quit",
            Exit::SignOut => "Sign out",
        }
    }
}

impl Layer for LoseTyped {
    fn places(&self) -> Vec<Place> {
        vec![Place::Question]
    }

    fn title(&self) -> String {
        self.named().to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "question.yes" => cx.want(Intent::Leave(self.exit)),
            "question.no" => cx.want(Intent::Close),
            _ => {}
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let wide = WIDE.min(area.width);
        let mut asked = wrap(&self.told, usize::from(wide).saturating_sub(4));
        asked.push(format!("{} {}?", self.named(), self.then));
        let high = u16::try_from(asked.len()).unwrap_or(1).saturating_add(4);
        let inside = boxed(buffer, area, (wide, high), self.named(), look);
        lines(buffer, inside, 0, asked.into_iter().map(|asked| Line::from(format!(" {asked}"))));
        line(buffer, inside, inside.height.saturating_sub(1), Line::from(Span::styled(" y/n", look.warning())));
    }
}

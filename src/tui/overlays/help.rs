//! Help for the screen below it, read from the table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::command::{COMMANDS, Command, Place};
use crate::tui::layer::{Cx, Intent, Layer};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, boxed, cut, lines};

/// The commands that work below.
#[derive(Debug)]
pub(in crate::tui) struct Help {
    about: String,
    commands: Vec<&'static Command>,
    /// Whether typed characters are text there.
    text: bool,
    cursor: Cursor,
}

impl Help {
    /// For the layer of that title and places.
    pub(in crate::tui) fn new(about: String, places: &[Place], text: bool) -> Self {
        let here = |command: &&Command| places.contains(&command.place) || command.place == Place::Anywhere;
        Self { about, commands: COMMANDS.iter().filter(here).collect(), text, cursor: Cursor::default() }
    }
}

impl Layer for Help {
    fn places(&self) -> Vec<Place> {
        vec![Place::List, Place::Rows]
    }

    fn title(&self) -> String {
        "Help".to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.commands.retain(|command| !cx.shared.hides(command));
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if command.id == "list.open" {
            return cx.want(Intent::Close);
        }
        self.cursor.command(command, self.commands.len());
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let height = u16::try_from(self.commands.len()).unwrap_or(20).saturating_add(2);
        let inside = boxed(buffer, area, (area.width.saturating_sub(4).min(100), height.min(area.height)), &format!("Help: {}", self.about), look);
        // The cursor scrolls; nothing is chosen here.
        let first = self.cursor.at.min(self.commands.len().saturating_sub(usize::from(inside.height)));
        let rows = self.commands.iter().skip(first).take(usize::from(inside.height)).map(|command| {
            let keys: Vec<String> = shared.keymap.all_shown(command, self.text).iter().map(|key| look.key_text(key)).collect();
            let reason = shared.access(command.needs).err();
            let style = if reason.is_some() { look.locked() } else { Style::new() };
            let lock = reason.map(|reason| format!("  [locked] {reason}")).unwrap_or_default();
            Line::from(vec![
                Span::styled(format!(" {:<26} ", cut(&keys.join("  "), 26, look)), look.key()),
                Span::styled(cut(&format!("{}{lock}", command.title), usize::from(inside.width).saturating_sub(29), look), style),
            ])
        });
        lines(buffer, inside, 0, rows.collect::<Vec<_>>());
    }
}

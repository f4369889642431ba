//! Help for the screen below it, read from the table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::command::{COMMANDS, Command, Place};
use crate::tui::layer::{Cx, Intent, Layer};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, boxed, cut, lines, wrap};

/// Cells of a command's keys.
const KEYS: usize = 26;

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

    /// A command with its keys and, in as many rows as its words take, why it is
    /// locked.
    fn told(&self, command: &Command, wide: usize, shared: &Shared) -> Vec<Line<'static>> {
        let look = shared.look;
        let keys: Vec<String> = shared.keymap.all_shown(command, self.text).iter().map(|key| look.key_text(key)).collect();
        let reason = shared.access(command.needs).err();
        let style = if reason.is_some() { look.locked() } else { Style::new() };
        let lock = reason.map(|reason| format!("  [locked] {reason}")).unwrap_or_default();
        let rows = wrap(&format!("{}{lock}", command.title), wide.saturating_sub(KEYS + 3)).into_iter().enumerate();
        rows.map(|(row, text)| {
            let keys = if row == 0 { cut(&keys.join("  "), KEYS, look) } else { String::new() };
            Line::from(vec![Span::styled(format!(" {keys:<KEYS$} "), look.key()), Span::styled(text, style)])
        })
        .collect()
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
        let wide = area.width.saturating_sub(4).min(100);
        let told: Vec<Vec<Line<'static>>> = self.commands.iter().map(|command| self.told(command, usize::from(wide).saturating_sub(2), shared)).collect();
        let rows: usize = told.iter().map(Vec::len).sum();
        let high = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
        let inside = boxed(buffer, area, (wide, high), &format!("Help: {}", self.about), shared.look);
        // The cursor scrolls; nothing is chosen here.
        let first = self.cursor.at.min(last_first(&told, usize::from(inside.height)));
        lines(buffer, inside, 0, told.into_iter().skip(first).flatten().collect::<Vec<_>>());
    }
}

/// The command on top when the last one is in sight.
fn last_first<T>(told: &[Vec<T>], high: usize) -> usize {
    let mut used = 0;
    let fitting = told.iter().rev().take_while(|rows| {
        used += rows.len();
        used <= high
    });
    told.len().saturating_sub(fitting.count().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::command::named;
    use crate::tui::shared::tried;

    #[test]
    fn g_4_no_word_of_a_reason_is_cut() {
        let shared = tried::signed_in("staff", &[]);
        let help = Help::new("Find".to_owned(), &[], false);
        let told = help.told(named("request.by_unit").unwrap(), 74, &shared);
        assert!(told.len() > 1 && told.iter().all(|row| row.width() <= 74), "{told:?}");
        let words = told.iter().map(ToString::to_string).collect::<String>();
        assert!(words.contains("[locked]") && words.trim_end().ends_with("counter."), "{words}");
    }

    #[test]
    fn the_last_command_is_reached_and_nothing_below_it() {
        let told = [vec![(); 1], vec![(); 2], vec![(); 3], vec![(); 1]];
        assert_eq!([last_first(&told, 10), last_first(&told, 4), last_first(&told, 3), last_first(&told, 0)], [0, 2, 3, 3]);
        assert_eq!(last_first::<()>(&[], 5), 0);
    }
}

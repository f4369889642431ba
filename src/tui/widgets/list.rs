//! Where the cursor stands in a list, and which rows are seen.

use super::super::command::Command;

/// A list's cursor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::tui) struct Cursor {
    /// The row under the cursor.
    pub(in crate::tui) at: usize,
    /// Whether the person moved it.
    pub(in crate::tui) moved: bool,
}

/// How far a page goes.
const PAGE: usize = 10;

impl Cursor {
    /// Moves by a command of lists. True if it was one.
    pub(in crate::tui) fn command(&mut self, command: &Command, count: usize) -> bool {
        let last = count.saturating_sub(1);
        self.at = match command.id {
            "list.up" => self.at.saturating_sub(1),
            "list.down" => (self.at + 1).min(last),
            "list.page_up" => self.at.saturating_sub(PAGE),
            "list.page_down" => (self.at + PAGE).min(last),
            "list.first" => 0,
            "list.last" => last,
            _ => return false,
        };
        self.moved = true;
        true
    }

    /// Keeps within a list that became shorter.
    pub(in crate::tui) fn keep_within(&mut self, count: usize) {
        self.at = self.at.min(count.saturating_sub(1));
    }

    /// The first row that is seen when `room` rows fit: whole pages, so that
    /// moving the cursor moves a marker and not the list.
    pub(in crate::tui) fn first_seen(&self, room: usize) -> usize {
        self.at.checked_div(room).map_or(0, |page| page * room)
    }
}

//! The command palette: every command that exists here, found by its letters;
//! a forbidden one keeps its place and says why.

use crossterm::event::KeyEvent;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::command::{COMMANDS, Command, Place};
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, TextField, boxed, cut, line, lines, marker, width};

/// What may be run from here.
#[derive(Debug)]
pub(in crate::tui) struct Palette {
    field: TextField,
    commands: Vec<&'static Command>,
    /// Whether typed characters are text on the screen below.
    text: bool,
    cursor: Cursor,
}

/// Commands that only move a cursor or choose a pane are quicker by their key.
fn worth_listing(command: &Command) -> bool {
    !command.id.starts_with("list.") && !command.id.starts_with("record.pane_") && !command.id.starts_with("question.") && command.id != "palette"
}

/// A title with why it is locked: where there is no room for whom to ask, what it
/// needs.
fn told(title: &str, reason: Option<&str>, room: usize) -> String {
    let Some(reason) = reason else { return title.to_owned() };
    let whole = format!("{title}  [locked] {reason}");
    match reason.split_once(". ") {
        Some((needs, _)) if width(&whole) > room => format!("{title}  [locked] {needs}."),
        _ => whole,
    }
}

impl Palette {
    /// Over a layer of these places.
    pub(in crate::tui) fn new(places: &[Place], text: bool) -> Self {
        let here = |command: &&Command| (places.contains(&command.place) || command.place == Place::Anywhere) && worth_listing(command);
        Self { field: TextField::default(), commands: COMMANDS.iter().filter(here).collect(), text, cursor: Cursor::default() }
    }

    /// The commands that have the typed letters, the best first.
    fn found(&self) -> Vec<&'static Command> {
        if self.field.is_empty() {
            return self.commands.clone();
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.field.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut scored: Vec<(u32, &'static Command)> = self
            .commands
            .iter()
            .filter_map(|command| {
                let mut letters = Vec::new();
                let score = pattern.score(Utf32Str::new(command.title, &mut letters), &mut matcher)?;
                Some((score, *command))
            })
            .collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        scored.into_iter().map(|(_, command)| command).collect()
    }
}

impl Layer for Palette {
    fn places(&self) -> Vec<Place> {
        vec![Place::List, Place::Rows]
    }

    fn title(&self) -> String {
        "Commands".to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn is_over(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.commands.retain(|command| !cx.shared.hides(command));
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        let found = self.found();
        if self.cursor.command(command, found.len()) || command.id != "list.open" {
            return;
        }
        let Some(chosen) = found.get(self.cursor.at).copied() else { return };
        match cx.shared.access(chosen.needs) {
            Ok(()) => cx.want(Intent::Run(chosen)),
            Err(reason) => cx.say(Tone::Warning, reason),
        }
    }

    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        if self.field.key(key) {
            self.cursor = Cursor::default();
        }
    }

    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.field.paste(text);
        self.cursor = Cursor::default();
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let found = self.found();
        let inside = boxed(buffer, area, (area.width.saturating_sub(4).min(90), area.height.min(20)), "Commands", look);
        let (text, _) = self.field.shown(usize::from(inside.width).saturating_sub(4));
        line(buffer, inside, 0, Line::from(vec![Span::styled(" : ", look.key()), Span::raw(text)]));
        // The last row says in full why the marked one is locked.
        let room = usize::from(inside.height.saturating_sub(2));
        let first = self.cursor.first_seen(room);
        let rows = found.iter().enumerate().skip(first).take(room).map(|(at, command)| {
            let reason = shared.access(command.needs).err();
            let style = if reason.is_some() { look.locked() } else { Style::new() };
            let key = shared.keymap.shown_where(command, self.text).map(|key| look.key_text(&key)).unwrap_or_default();
            let told = told(command.title, reason.as_deref(), usize::from(inside.width).saturating_sub(13));
            Line::from(vec![
                marker(look, at == self.cursor.at),
                Span::styled(format!("{key:<10}"), look.key()),
                Span::styled(cut(&told, usize::from(inside.width).saturating_sub(13), look), style),
            ])
        });
        lines(buffer, inside, 1, rows.collect::<Vec<_>>());
        if let Some(reason) = found.get(self.cursor.at).and_then(|marked| shared.access(marked.needs).err()) {
            let reason = cut(&reason, usize::from(inside.width).saturating_sub(2), look);
            line(buffer, inside, inside.height.saturating_sub(1), Line::from(Span::styled(format!(" {reason}"), look.locked())));
        }
        if found.is_empty() {
            line(buffer, inside, 1, Line::from(Span::raw("  No command has these letters.")));
        }
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        let (wide, high) = (area.width.saturating_sub(4).min(90), area.height.min(20));
        let (_, cell) = self.field.shown(usize::from(wide).saturating_sub(6));
        Some(Position { x: area.x + (area.width - wide) / 2 + 4 + cell, y: area.y + (area.height - high) / 2 + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g_4_a_reason_ends_with_a_sentence_however_little_room_there_is() {
        let reason = "Needs \"Service requests: edit\". Ask the counter.";
        assert_eq!(told("cancel request", Some(reason), 80), format!("cancel request  [locked] {reason}"));
        assert_eq!(told("cancel request", Some(reason), 61), "cancel request  [locked] Needs \"Service requests: edit\".");
        assert_eq!(told("cancel request", None, 61), "cancel request");
    }
}

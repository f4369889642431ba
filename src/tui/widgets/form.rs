//! A form: fields from top to bottom, each with its own word when the server
//! or a rule refuses it.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::draft::Draft;
use super::super::shared::Shared;
use super::super::style::Look;
use super::{TextField, cut, line, width};

/// One field of a form.
#[derive(Debug)]
pub(in crate::tui) struct FormField {
    /// The API's name of it: refusals land by it.
    pub(in crate::tui) name: &'static str,
    /// Its label.
    pub(in crate::tui) label: &'static str,
    /// Said beside it: how to write it.
    pub(in crate::tui) hint: &'static str,
    /// What was typed.
    pub(in crate::tui) text: TextField,
    /// What it began with: unchanged is nothing to lose.
    began: String,
    secret: bool,
    /// The next letter replaces the text instead of lengthening it.
    replaced: bool,
}

impl FormField {
    /// An empty field.
    pub(in crate::tui) fn new(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { name, label, hint, text: TextField::default(), began: String::new(), secret: false, replaced: false }
    }

    /// With a text to begin with.
    pub(in crate::tui) fn with(mut self, text: &str) -> Self {
        self.text.set(text);
        self.began = self.text.text().to_owned();
        self
    }

    /// The first letter typed replaces what it begins with.
    pub(in crate::tui) const fn replaced_by_typing(mut self) -> Self {
        self.replaced = true;
        self
    }

    /// Shown as dots.
    pub(in crate::tui) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// The fields and which one has the cursor.
#[derive(Debug)]
pub(in crate::tui) struct Form {
    /// From top to bottom.
    pub(in crate::tui) fields: Vec<FormField>,
    /// The one with the cursor.
    pub(in crate::tui) at: usize,
    /// Whether the cursor is in the form at all.
    pub(in crate::tui) active: bool,
    faults: BTreeMap<String, String>,
}

impl Form {
    /// A form with the cursor in its first field.
    pub(in crate::tui) fn new(fields: Vec<FormField>) -> Self {
        Self { fields, at: 0, active: true, faults: BTreeMap::new() }
    }

    /// What was typed into a field.
    pub(in crate::tui) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.text.text())
    }

    /// The same, none where nothing was typed.
    pub(in crate::tui) fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The next field, from the last to the first.
    pub(in crate::tui) fn next(&mut self) {
        self.at = (self.at + 1) % self.fields.len().max(1);
    }

    /// The field before, from the first to the last.
    pub(in crate::tui) fn previous(&mut self) {
        self.at = (self.at + self.fields.len().saturating_sub(1)) % self.fields.len().max(1);
    }

    /// A key for the field with the cursor; up and down move between fields.
    pub(in crate::tui) fn key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Up => self.previous(),
            KeyCode::Down | KeyCode::Enter => self.next(),
            _ => {
                let Some(field) = self.fields.get_mut(self.at) else { return };
                let letter = matches!(key.code, KeyCode::Char(_)) && key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
                if std::mem::take(&mut field.replaced) && letter {
                    field.text.set("");
                }
                if field.text.key(key) {
                    self.faults.remove(field.name);
                }
            }
        }
    }

    /// A pasted text for the field with the cursor.
    pub(in crate::tui) fn paste(&mut self, text: &str) {
        if let Some(field) = self.fields.get_mut(self.at) {
            if std::mem::take(&mut field.replaced) {
                field.text.set("");
            }
            field.text.paste(text);
        }
    }

    /// Puts refusals to their fields, the cursor into the first of them.
    pub(in crate::tui) fn refuse(&mut self, faults: BTreeMap<String, String>) {
        if let Some(at) = self.fields.iter().position(|field| faults.contains_key(field.name)) {
            self.at = at;
        }
        self.faults = faults;
    }

    /// Every field with its text.
    pub(in crate::tui) fn typed(&self) -> Draft {
        self.fields.iter().map(|field| (field.name.to_owned(), field.text.text().to_owned())).collect()
    }

    /// What was typed, for the next time.
    pub(in crate::tui) fn draft(&self) -> Draft {
        let typed = self.fields.iter().any(|field| field.text.text() != field.began);
        let fields = self.fields.iter().filter(|field| typed && !field.secret);
        fields.map(|field| (field.name.to_owned(), field.text.text().to_owned())).collect()
    }

    /// Puts a draft back.
    pub(in crate::tui) fn restore(&mut self, draft: &Draft) {
        for (name, text) in draft {
            if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
                field.text.set(text);
            }
        }
    }

    /// The rows it takes.
    pub(in crate::tui) fn height(&self) -> u16 {
        u16::try_from(self.fields.len()).unwrap_or(u16::MAX)
    }

    fn label_width(&self) -> usize {
        self.fields.iter().map(|field| width(field.label)).max().unwrap_or(0)
    }

    /// The first field that is seen when `room` rows fit.
    fn first_seen(&self, room: u16) -> usize {
        let room = usize::from(room.max(1));
        self.at.saturating_sub(room - 1)
    }

    /// Draws one field a row, the one with the cursor always among them.
    pub(in crate::tui) fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let first = self.first_seen(area.height);
        for (row, (at, field)) in (0..area.height).zip(self.fields.iter().enumerate().skip(first)) {
            line(buffer, area, row, self.field_line(field, self.active && at == self.at, area.width, look));
        }
    }

    fn field_line(&self, field: &FormField, focused: bool, wide: u16, look: Look) -> Line<'static> {
        let label_width = self.label_width();
        let room = usize::from(wide).saturating_sub(label_width + 5);
        let (text, _) = field.text.shown(room);
        let text = if field.secret { "*".repeat(text.chars().count()) } else { text };
        let used = width(&text);
        let marker = if focused { format!("{} ", look.marker()) } else { "  ".to_owned() };
        let fault = self.faults.get(field.name);
        let label = Span::styled(format!("{:<label_width$}", field.label), if focused { look.row() } else { look.quiet() });
        let mut spans = vec![Span::styled(marker, look.row()), label, Span::raw("  "), Span::raw(text)];
        let left = room.saturating_sub(used + 2);
        match fault {
            Some(fault) => spans.push(Span::styled(format!("  {}", cut(fault, left, look)), look.error())),
            None if focused || used == 0 => spans.push(Span::styled(format!("  {}", cut(field.hint, left, look)), look.quiet())),
            None => {}
        }
        Line::from(spans)
    }

    /// Where the cursor stands.
    pub(in crate::tui) fn caret(&self, area: Rect) -> Option<Position> {
        let field = self.fields.get(self.at)?;
        let row = u16::try_from(self.at - self.first_seen(area.height)).ok()?;
        let begin = u16::try_from(self.label_width() + 4).ok()?;
        let (_, cell) = field.text.shown(usize::from(area.width).saturating_sub(self.label_width() + 5));
        Some(Position { x: area.x + begin + cell, y: area.y + row })
    }
}

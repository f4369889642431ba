//! The first run: no server is configured yet.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::command::{Command, Place};
use super::super::layer::{Cx, Intent, Layer, Tone};
use super::super::shared::Shared;
use super::super::widgets::{Form, FormField, lines};
use crate::client::Client;

pub(super) const TITLE: &str = "First run";

/// Asks for the server's address, or offers the demo.
#[derive(Debug)]
pub(in crate::tui) struct FirstRun {
    form: Form,
    offers_demo: bool,
}

impl FirstRun {
    /// With or without the demo.
    pub(in crate::tui) fn new(offers_demo: bool) -> Self {
        let hint = if offers_demo { "like https://counter.dealer.example:7420; empty for the demo" } else { "like https://counter.dealer.example:7420" };
        Self { form: Form::new(vec![FormField::new("server", "Server", hint)]), offers_demo }
    }

    fn go(&self, cx: &mut Cx<'_>) {
        match self.form.some("server") {
            None if self.offers_demo => cx.want(Intent::Demo),
            None => cx.say(Tone::Warning, "Enter the address of your dealer's server."),
            Some(server) => match Client::new(&server, None) {
                Ok(_) => cx.want(Intent::Server(server)),
                Err(error) => cx.say(Tone::Error, error.to_string()),
            },
        }
    }

    fn form_area(area: Rect) -> Rect {
        Rect { x: area.x + 1, y: area.y + 6.min(area.height), width: area.width.saturating_sub(2), height: area.height.saturating_sub(6) }
    }
}

impl Layer for FirstRun {
    fn places(&self) -> Vec<Place> {
        vec![Place::List, Place::Rows]
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if command.id == "list.open" {
            self.go(cx);
        }
    }

    fn on_key(&mut self, key: KeyEvent, _cx: &mut Cx<'_>) {
        self.form.key(key);
    }

    fn on_paste(&mut self, text: &str, _cx: &mut Cx<'_>) {
        self.form.paste(text);
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let demo = if self.offers_demo { "Or press Enter to try everything with demo data on this machine." } else { "" };
        let texts = ["", " Welcome. No server is configured yet.", "", " Enter the address that your dealer's IT gave you, then Enter.", &format!(" {demo}")];
        lines(buffer, area, 0, texts.iter().map(|text| Line::from(Span::raw((*text).to_owned()))));
        self.form.view(Self::form_area(area), buffer, shared);
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.form.caret(Self::form_area(area))
    }
}

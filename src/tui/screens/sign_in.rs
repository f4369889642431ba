//! Signing in, at the start or when the session ended; then over what is
//! there, which stays.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::command::{Command, Place};
use super::super::event::Reply;
use super::super::layer::{Cx, Intent, Layer, Tone};
use super::super::shared::Shared;
use super::super::widgets::{FormField, line};
use super::device_sign_in::DeviceSignIn;
use super::name_and_password::NameAndPassword;

pub(super) const TITLE: &str = "Sign in";

/// User name and password.
#[derive(Debug)]
pub(in crate::tui) struct SignIn {
    given: NameAndPassword,
    again: bool,
}

impl SignIn {
    /// With the name of who was signed in, if the session ended.
    pub(in crate::tui) fn new(name: Option<String>) -> Self {
        let again = name.is_some();
        let given = NameAndPassword::new(FormField::new("username", "User name", "").with(&name.unwrap_or_default()), "Enter signs in");
        Self { given: if again { given.at_password() } else { given }, again }
    }

    fn form_area(area: Rect) -> Rect {
        Rect {
            x: area.x + 1,
            y: area.y + 4.min(area.height),
            width: area.width.saturating_sub(2),
            height: NameAndPassword::HEIGHT.min(area.height.saturating_sub(4)),
        }
    }
}

impl Layer for SignIn {
    fn places(&self) -> Vec<Place> {
        vec![Place::SignIn, Place::Credentials, Place::Fields, Place::Rows]
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "sign_in.device" => {
                // In this one's place: one sign-in at a time.
                cx.open(DeviceSignIn::new(self.again.then(|| self.given.username().to_owned())));
                cx.want(Intent::Close);
            }
            _ => {
                if let Some(given) = self.given.command(command) {
                    self.given.sign_in(&given, cx);
                }
            }
        }
    }

    fn on_key(&mut self, key: KeyEvent, _cx: &mut Cx<'_>) {
        self.given.key(key);
    }

    fn on_paste(&mut self, text: &str, _cx: &mut Cx<'_>) {
        self.given.paste(text);
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.again {
            cx.say(Tone::Warning, "Your session has ended. Sign in to go on, or leave with F10; what you typed is kept.");
        }
        true
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        self.given.follow(reply, cx);
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        ratatui::widgets::Widget::render(ratatui::widgets::Clear, area, buffer);
        let what = if self.again { "Your session has ended. Sign in again; everything is as you left it." } else { "Sign in" };
        line(buffer, area, 1, Line::from(Span::styled(format!(" {what}"), shared.look.title())));
        self.given.view(Self::form_area(area), buffer, shared);
        if self.given.is_waiting() {
            line(buffer, area, 7, Line::from(Span::styled(" Signing in", shared.look.quiet())));
        }
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.given.caret(Self::form_area(area))
    }
}

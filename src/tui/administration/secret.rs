//! A generated password, shown this once (S4-12).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::api::contact::GeneratedPassword;
use crate::tui::command::{Command, Place};
use crate::tui::layer::{Cx, Intent, Layer};
use crate::tui::shared::Shared;
use crate::tui::widgets::{boxed, lines};

/// Name and password until it is left; nothing keeps them.
#[derive(Debug)]
pub(super) struct Secret {
    made: GeneratedPassword,
}

impl Secret {
    /// Shows a password.
    pub(super) const fn new(made: GeneratedPassword) -> Self {
        Self { made }
    }
}

impl Layer for Secret {
    fn places(&self) -> Vec<Place> {
        vec![Place::Secret]
    }

    fn title(&self) -> String {
        "New password".to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if command.id == "secret.copy" {
            cx.want(Intent::CopySecret(self.made.password.clone()));
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let inside = boxed(buffer, area, (62, 8), "New password", look);
        let fact = |label: &'static str, text: &str, style: Style| {
            Line::from(vec![Span::styled(format!(" {label:<11}"), look.quiet()), Span::styled(crate::text::for_screen(text), style)])
        };
        let said = |text: &'static str| Line::from(Span::styled(format!(" {text}"), look.quiet()));
        let texts = [
            Line::default(),
            fact("User name", &self.made.username, Style::new()),
            fact("Password", &self.made.password, look.title()),
            Line::default(),
            said("It is shown this once, and has to be changed"),
            said("at the first sign-in."),
        ];
        lines(buffer, inside, 0, texts);
    }
}

//! What was done to a user, and by it: who gave it which role, and what it changed
//! itself, the portal and the roles too. The pane of changes on a page of its own.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::api::ids::UserId;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Layer};
use crate::tui::panes::{Pane, changes_of_user};
use crate::tui::shared::Shared;
use crate::tui::widgets::{cut, line, rule};

/// The history of one user.
#[derive(Debug)]
pub(super) struct AccountHistory {
    username: String,
    acts: Box<dyn Pane>,
}

impl AccountHistory {
    /// Of a user.
    pub(super) fn new(id: UserId, username: &str) -> Self {
        Self { username: username.to_owned(), acts: changes_of_user(id) }
    }
}

impl Layer for AccountHistory {
    fn places(&self) -> Vec<Place> {
        self.acts.places().to_vec()
    }

    fn title(&self) -> String {
        format!("Changes: {}", self.username)
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.acts.load(cx);
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if command.id == "reload" {
            return self.acts.load(cx);
        }
        self.acts.on_command(command, cx);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        self.acts.on_reply(reply, cx);
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.acts.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let name = cut(&format!(" {}", self.username), usize::from(area.width), shared.look);
        line(buffer, area, 0, Line::from(Span::styled(name, shared.look.title())));
        rule(buffer, area, 1, shared.look);
        let head = 2.min(area.height);
        let body = Rect { y: area.y + head, height: area.height - head, ..area };
        self.acts.view(body, buffer, shared);
    }
}

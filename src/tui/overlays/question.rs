//! A question before something that cannot be taken back: only a `y` does it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{boxed, line, lines, wrap};

/// What is asked about.
pub(in crate::tui) trait Act: std::fmt::Debug {
    /// What stands in the border, and what help calls it.
    fn title(&self) -> &'static str;

    /// What is asked.
    fn question(&self) -> String;

    /// The call that does it.
    fn call(&self) -> Call;

    /// It was done; the question is gone.
    fn taken(&self, answer: &[u8], cx: &mut Cx<'_>);

    /// It was refused, which is told already.
    fn refused(&self, _cx: &mut Cx<'_>) {}
}

/// A question over a screen.
#[derive(Debug)]
pub(in crate::tui) struct Question<A> {
    act: A,
    sending: Sending,
}

/// Cells of the box.
const WIDE: u16 = 66;

impl<A: Act> Question<A> {
    /// About this.
    pub(in crate::tui) fn new(act: A) -> Self {
        Self { act, sending: Sending::default() }
    }
}

impl<A: Act> Layer for Question<A> {
    fn places(&self) -> Vec<Place> {
        vec![Place::Question]
    }

    fn title(&self) -> String {
        self.act.title().to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "question.yes" => self.sending.send(self.act.call(), cx),
            "question.no" if !self.sending.holds_back(cx) => cx.want(Intent::Close),
            _ => {}
        }
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        self.sending.holds_back(cx)
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        match self.sending.take(reply) {
            Some(Ok(answer)) => {
                cx.want(Intent::Done);
                self.act.taken(answer, cx);
            }
            Some(Err(error)) => {
                cx.say(Tone::Error, error.to_string());
                // Without an answer the question stands: a second y asks again.
                if error.problem().is_some() {
                    cx.want(Intent::Close);
                    self.act.refused(cx);
                }
            }
            None => {}
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let wide = WIDE.min(area.width);
        let asked = wrap(&self.act.question(), usize::from(wide).saturating_sub(4));
        let high = u16::try_from(asked.len()).unwrap_or(1).saturating_add(4);
        let inside = boxed(buffer, area, (wide, high), self.act.title(), look);
        lines(buffer, inside, 0, asked.into_iter().map(|asked| Line::from(format!(" {asked}"))));
        let below = if self.sending.is_waiting() { " Sending" } else { " y/n" };
        line(buffer, inside, inside.height.saturating_sub(1), Line::from(Span::styled(below, look.warning())));
    }
}

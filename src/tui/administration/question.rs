//! A question before something that cannot be taken back lightly: only a `y`
//! does it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::secret::Secret;
use crate::api::contact::GeneratedPassword;
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{boxed, lines, wrap};

/// Cells of the box.
const WIDE: u16 = 72;

/// What follows once it is done.
#[derive(Debug)]
pub(super) enum Then {
    /// This is said.
    Say(String),
    /// The password in the answer is shown, this once.
    ShowPassword,
}

/// The question with what a `y` sends.
#[derive(Debug)]
pub(super) struct Question {
    heading: String,
    text: String,
    call: Call,
    then: Then,
    sending: Sending,
}

impl Question {
    /// Asks under a heading.
    pub(super) fn new(heading: impl Into<String>, text: impl Into<String>, call: Call, then: Then) -> Self {
        Self { heading: heading.into(), text: text.into(), call, then, sending: Sending::default() }
    }

    fn follow(&self, answer: &[u8], cx: &mut Cx<'_>) {
        match &self.then {
            Then::Say(said) => cx.say(Tone::Fine, said.clone()),
            Then::ShowPassword => match serde_json::from_slice::<GeneratedPassword>(answer) {
                Ok(made) => cx.open(Secret::new(made)),
                Err(error) => cx.say(Tone::Error, format!("Done, but the answer cannot be read: {error}")),
            },
        }
        cx.want(Intent::Done);
        cx.want(Intent::Arranged);
    }
}

impl Layer for Question {
    fn places(&self) -> Vec<Place> {
        vec![Place::Question]
    }

    fn title(&self) -> String {
        self.heading.clone()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "question.yes" => self.sending.send(self.call.clone(), cx),
            "question.no" if !self.sending.holds_back(cx) => cx.want(Intent::Close),
            _ => {}
        }
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        self.sending.holds_back(cx)
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        match self.sending.take(reply, cx) {
            Some(Ok(answer)) => self.follow(answer, cx),
            Some(Err(error)) if error.problem().is_some() => {
                cx.say(Tone::Error, error.to_string());
                cx.want(Intent::Close);
                // What is shown below may have been the reason.
                cx.want(Intent::Arranged);
            }
            Some(Err(_)) => cx.say(Tone::Error, "The server does not answer. Press y again when the line is back."),
            None => {}
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let asked = if self.sending.is_waiting() { "Sending".to_owned() } else { format!("{} Press y.", self.text) };
        let texts = wrap(&asked, usize::from(WIDE.min(area.width)).saturating_sub(4));
        let high = u16::try_from(texts.len()).unwrap_or(1).saturating_add(2);
        let inside = boxed(buffer, area, (WIDE, high), &self.heading, look);
        lines(buffer, inside, 0, texts.into_iter().map(|text| Line::from(Span::styled(format!(" {text}"), look.warning()))));
    }
}

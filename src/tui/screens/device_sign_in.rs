//! Signing in with the dealer's account: shows where to go and what to enter
//! there, and asks the server now and then whether it is done. It opens no
//! browser: the person does, elsewhere.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use super::super::command::Place;
use super::super::event::{Reply, Ticket};
use super::super::layer::{Cx, Intent, Layer};
use super::super::shared::Shared;
use super::super::widgets::{Code, lines, wrap};
use super::SignIn;
use crate::api::device_sign_in::{DevicePoll, DeviceSignIn as Begun, DeviceState};
use crate::api::operation::{BeginDeviceSignIn, OfDeviceSignIn, PollDeviceSignIn};
use crate::api::page::Nothing;
use crate::client::{Call, ClientError};
use crate::text::{clean_line, for_screen};

pub(super) const TITLE: &str = "Sign in with the dealer's account";

/// The text keeps at least so many columns beside the QR code.
const TEXT: u16 = 36;
/// When to ask again while the server cannot be reached.
const OFF_LINE: u64 = 5;

/// How far the sign-in is.
#[derive(Debug)]
pub(in crate::tui) struct DeviceSignIn {
    /// Who was signed in, if a session ended.
    again: Option<String>,
    at: At,
    /// What stands in the way for the moment.
    note: Option<String>,
    /// Whether it lies over what it goes back to.
    over: bool,
}

#[derive(Debug)]
enum At {
    /// Not begun.
    New,
    /// The server asks the provider for a code.
    Beginning(Ticket),
    /// The person has the code.
    Shown { begun: Box<Begun>, code: Option<Code>, next: Next },
    /// It came to nothing, and why.
    Over(String),
}

/// What comes next: one thing at a time, so that the server is never asked
/// faster than it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Wake(Ticket),
    Answer(Ticket),
}

impl DeviceSignIn {
    /// Comes back to a sign-in with that name.
    pub(in crate::tui) const fn new(again: Option<String>) -> Self {
        Self { again, at: At::New, note: None, over: false }
    }

    /// Over a screen that it goes back to.
    pub(in crate::tui) fn over(self) -> Self {
        Self { over: true, ..self }
    }

    fn begin(&mut self, cx: &mut Cx<'_>) {
        self.note = None;
        self.at = At::Beginning(cx.call(Call::of::<BeginDeviceSignIn>(&Nothing {}, &Nothing {}, &Nothing {})));
    }

    fn begun(&mut self, outcome: &Result<Vec<u8>, ClientError>, cx: &mut Cx<'_>) {
        self.at = match read::<Begun>(outcome) {
            Ok(begun) => {
                let begun = harmless(begun);
                let code = Code::of(begun.verification_uri_complete.as_ref().unwrap_or(&begun.verification_uri));
                let next = Next::Wake(cx.wake(Duration::from_secs(begun.interval.max(1))));
                At::Shown { begun: Box::new(begun), code, next }
            }
            Err(why) => At::Over(why),
        };
    }

    fn polled(&mut self, outcome: &Result<Vec<u8>, ClientError>, cx: &mut Cx<'_>) {
        let At::Shown { begun, next, .. } = &mut self.at else { return };
        let problem = outcome.as_ref().err().and_then(ClientError::problem);
        let off_line = outcome.as_ref().is_err_and(ClientError::is_unreachable);
        let passing = off_line || problem.is_some_and(|problem| matches!(problem.code.as_str(), "provider.unreachable" | "server.busy"));
        if passing && cx.shared.now < begun.expires_at {
            let again_in = problem.and_then(|problem| problem.retry_after).unwrap_or(OFF_LINE).max(begun.interval);
            *next = Next::Wake(cx.wake(Duration::from_secs(again_in)));
            self.note = outcome.as_ref().err().map(ToString::to_string);
            return;
        }
        match read::<DeviceState>(outcome) {
            Ok(DeviceState::Waiting { interval }) => {
                *next = Next::Wake(cx.wake(Duration::from_secs(interval.max(1))));
                self.note = None;
            }
            Ok(DeviceState::SignedIn { token, .. }) => cx.want(Intent::SignedIn(token)),
            Err(why) => self.at = At::Over(why),
        }
    }

    /// Where to go, what to enter, and how it stands.
    fn texts(&self, shared: &Shared, room: usize) -> Vec<Line<'static>> {
        let look = shared.look;
        let mut shown = vec![Line::from(Span::styled(TITLE, look.title())), Line::default()];
        let mut say = |text: &str, style: Style| shown.extend(wrap(text, room).into_iter().map(|text| Line::from(Span::styled(text, style))));
        match &self.at {
            At::New | At::Beginning(_) => say("Asking the dealer's identity provider for a code", look.quiet()),
            At::Over(why) => {
                say(why, look.error());
                say("", Style::new());
                say("Enter begins again, Esc goes back to name and password.", Style::new());
            }
            At::Shown { begun, .. } => {
                say("Open this address on your telephone or another computer:", Style::new());
                for piece in pieces(&begun.verification_uri, room) {
                    say(&piece, look.key());
                }
                say("", Style::new());
                say("Enter this code there, or compare it:", Style::new());
                say(&begun.user_code, look.key());
                say("", Style::new());
                let until = begun.expires_at.to_zoned(shared.zone()).strftime("%H:%M");
                say(&format!("It is good until {until}. Never enter a code that somebody sent you."), look.quiet());
                say("", Style::new());
                match &self.note {
                    Some(note) => say(note, look.warning()),
                    None => say("This screen goes on by itself when you are done. Esc goes back.", look.quiet()),
                }
            }
        }
        shown
    }
}

/// The texts come from a provider over a server; neither is trusted here.
fn harmless(begun: Begun) -> Begun {
    Begun {
        user_code: clean_line(&for_screen(&begun.user_code)),
        verification_uri: clean_line(&for_screen(&begun.verification_uri)),
        verification_uri_complete: begun.verification_uri_complete.map(|address| clean_line(&for_screen(&address))),
        ..begun
    }
}

/// An answer's shape, or a sentence why there is none.
fn read<T: serde::de::DeserializeOwned>(outcome: &Result<Vec<u8>, ClientError>) -> Result<T, String> {
    let body = outcome.as_ref().map_err(ToString::to_string)?;
    serde_json::from_slice(body).map_err(|error| format!("The server speaks another version: {error}"))
}

/// An address has no spaces to break it at.
fn pieces(address: &str, room: usize) -> Vec<String> {
    let signs: Vec<char> = address.chars().collect();
    signs.chunks(room.max(1)).map(|piece| piece.iter().collect()).collect()
}

impl Layer for DeviceSignIn {
    fn places(&self) -> Vec<Place> {
        Vec::new()
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if matches!(self.at, At::New) {
            self.begin(cx);
        }
    }

    fn on_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) {
        if key.code == KeyCode::Enter && matches!(self.at, At::Over(_)) {
            self.begin(cx);
        }
    }

    /// Back to name and password; the sign-in on the server ends by itself.
    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.over {
            return false;
        }
        cx.open(SignIn::new(self.again.clone()));
        cx.want(Intent::Close);
        true
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        match &self.at {
            At::Beginning(ticket) if *ticket == reply.ticket => self.begun(&reply.outcome, cx),
            At::Shown { next, .. } if *next == Next::Answer(reply.ticket) => self.polled(&reply.outcome, cx),
            _ => {}
        }
    }

    fn on_wake(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        let At::Shown { begun, next, .. } = &mut self.at else { return };
        if *next == Next::Wake(ticket) {
            let body = DevicePoll { poll_code: begun.poll_code.clone() };
            *next = Next::Answer(cx.call(Call::of::<PollDeviceSignIn>(&OfDeviceSignIn { id: begun.id }, &Nothing {}, &body)));
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        Clear.render(area, buffer);
        let code = match &self.at {
            At::Shown { code: Some(code), .. } => Some(code),
            _ => None,
        };
        let room = (area.width.saturating_sub(TEXT), area.height);
        let drawn = code.and_then(|code| code.size(room, shared.look).map(|(wide, _)| (code, wide)));
        let taken = drawn.map_or(0, |(_, wide)| wide + 1);
        let text = Rect { x: area.x + 1, width: area.width.saturating_sub(taken + 2), ..area };
        lines(buffer, text, 0, self.texts(shared, usize::from(text.width)));
        if let Some((code, wide)) = drawn {
            code.view(Rect { x: area.right() - wide, width: wide, ..area }, buffer, shared.look);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_broken_where_the_line_ends() {
        assert_eq!(pieces("https://a.example/device", 10), ["https://a.", "example/de", "vice"]);
        assert_eq!(pieces("", 10), Vec::<String>::new());
        assert_eq!(pieces("abc", 0), ["a", "b", "c"]);
    }

    #[test]
    fn nothing_of_the_providers_drives_the_terminal() {
        let begun = Begun {
            id: crate::api::ids::DeviceSignInId::new(),
            user_code: "\u{1b}]0;x\u{7}AB\u{202e}".to_owned(),
            verification_uri: "https://a\u{9b}31m".to_owned(),
            verification_uri_complete: None,
            interval: 5,
            expires_at: jiff::Timestamp::UNIX_EPOCH,
            poll_code: "p".to_owned(),
        };
        let shown = harmless(begun);
        assert!(![&shown.user_code, &shown.verification_uri].iter().any(|text| text.chars().any(char::is_control)));
        assert!(shown.user_code.contains('\u{fffd}'), "two people can see that it is odd");
    }
}

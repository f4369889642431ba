//! A new password for somebody else (S4-12): asked about first, then shown once to
//! be read out or copied. It is in no draft, no message and no log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::question::{Act, Question};
use crate::api::access_level::AccessLevel;
use crate::api::contact::{Contact, GeneratedPassword};
use crate::api::ids::CustomerId;
use crate::api::operation::{GenerateContactPassword, OfContact};
use crate::api::page::Nothing;
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{boxed, lines, wrap};

/// Gives a contact a new password.
#[derive(Debug)]
pub(in crate::tui) struct NewPassword {
    path: OfContact,
    customer: CustomerId,
    name: String,
    /// Whether no password lets this contact in.
    is_shut_out: bool,
}

impl NewPassword {
    /// Asks whether it is meant.
    pub(in crate::tui) fn layer(contact: &Contact) -> Question<Self> {
        let is_shut_out = contact.more.as_ref().is_some_and(|more| !more.active || more.access_level == AccessLevel::None);
        Question::new(Self { path: OfContact { id: contact.id }, customer: contact.customer_id, name: contact.name(), is_shut_out })
    }
}

/// What a password is not enough for.
pub(in crate::tui) fn no_sign_in(name: &str) -> String {
    format!("{name} has no access now: a password lets nobody in before an access level is given.")
}

impl Act for NewPassword {
    fn title(&self) -> &'static str {
        "New password"
    }

    fn question(&self) -> String {
        let asked = format!("Give {} a new password? The present one is no longer good, and its sessions end.", self.name);
        if self.is_shut_out { format!("{} {asked}", no_sign_in(&self.name)) } else { asked }
    }

    fn call(&self) -> Call {
        Call::of::<GenerateContactPassword>(&self.path, &Nothing {}, &Nothing {})
    }

    fn taken(&self, answer: &[u8], cx: &mut Cx<'_>) {
        cx.want(Intent::Changed(Subject::Customer(self.customer)));
        match serde_json::from_slice::<GeneratedPassword>(answer) {
            Ok(given) => cx.open(PasswordBox::new(given)),
            // What could not be read is not repeated in words: it holds the password.
            Err(_) => cx.say(Tone::Error, "There is a new password, but the answer cannot be read. Give another one."),
        }
    }
}

/// Shows it, once.
#[derive(Debug)]
pub(in crate::tui) struct PasswordBox {
    given: GeneratedPassword,
}

impl PasswordBox {
    /// For a password that was just made.
    pub(in crate::tui) const fn new(given: GeneratedPassword) -> Self {
        Self { given }
    }
}

const SIZE: (u16, u16) = (58, 9);

impl Layer for PasswordBox {
    fn places(&self) -> Vec<Place> {
        vec![Place::Password]
    }

    fn title(&self) -> String {
        "New password".to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if command.id == "password.copy" {
            cx.want(Intent::CopySecret(self.given.clone()));
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let inside = boxed(buffer, area, SIZE, "New password", look);
        let row = |label: &str, text: String, style: Style| Line::from(vec![Span::styled(format!(" {label:<11}"), look.quiet()), Span::styled(text, style)]);
        let told = "Shown this once: read it out or copy it. The spaces are no part of it. It has to be changed at the first sign-in.";
        let told = wrap(told, usize::from(inside.width).saturating_sub(2)).into_iter().map(|told| Line::from(Span::styled(format!(" {told}"), look.quiet())));
        let shown = [
            row("User name", crate::text::for_screen(&self.given.username), Style::new()),
            row("Password", grouped(&self.given.password), look.title()),
            Line::default(),
        ];
        lines(buffer, inside, 0, shown.into_iter().chain(told));
    }
}

/// In fours, so that nobody loses the place while reading it out.
fn grouped(password: &str) -> String {
    let letters: Vec<char> = password.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_out_in_fours() {
        assert_eq!(grouped("abcdefghjkmnpqrs"), "abcd efgh jkmn pqrs");
        assert_eq!(grouped("abcde"), "abcd e");
    }
}

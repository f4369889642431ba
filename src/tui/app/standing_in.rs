//! Standing in for a customer: beginning, being oneself again, and what the
//! shell forgets then.

use super::App;
use crate::api::ids::CustomerId;
use crate::api::operation::{ActFor, StopActing};
use crate::api::page::Nothing;
use crate::api::session::{ActingWay, NewActing, Session};
use crate::client::{Call, ClientError};
use crate::tui::event::{Effect, Reply};
use crate::tui::layer::Tone;
use crate::tui::screens::Find;

impl App {
    /// Works for a customer from now on, or looks through a contact's eyes. What is
    /// on its way was typed as oneself and arrives as such before.
    pub(super) fn stand_in(&mut self, acting: &NewActing) {
        if !self.shared.sending.is_empty() {
            self.message = Some((Tone::Warning, "What you saved is on its way to the server: try again in a moment.".to_owned()));
            return;
        }
        self.turn(Call::of::<ActFor>(&Nothing {}, &Nothing {}, acting));
    }

    /// Is oneself again.
    pub(super) fn stop_acting(&mut self) {
        if self.shared.acting().is_none() {
            self.message = Some((Tone::Warning, "You are yourself: you act for nobody and look through nobody's eyes.".to_owned()));
            return;
        }
        self.turn(Call::of::<StopActing>(&Nothing {}, &Nothing {}, &Nothing {}));
    }

    /// One turn at a time: a key pressed twice must not begin twice.
    fn turn(&mut self, call: Call) {
        if self.turning.is_none() && !self.waits_for_answer(0) {
            let ticket = self.new_ticket();
            self.turning = Some(ticket);
            self.hold_outbox(true);
            self.effects.push_back(Effect::Call(ticket, call));
        }
    }

    /// The server turned the session, or said why not.
    pub(super) fn turned(&mut self, reply: &Reply) {
        // Whatever it says, what was read before may be of other rights. Where it
        // says nothing, the session will.
        if !reply.outcome.as_ref().is_err_and(ClientError::is_unreachable) {
            self.last_goods.empty();
        }
        match &reply.outcome {
            Ok(_) => self.ask_session(),
            Err(error) if error.problem().is_some_and(|problem| problem.status == 401) => self.session_ended(),
            // It may have been turned, and only the answer be lost.
            Err(error) if error.problem().is_none_or(|problem| problem.status >= 500) => {
                self.message = Some((Tone::Error, error.to_string()));
                self.ask_session();
            }
            Err(error) => {
                self.message = Some((Tone::Error, error.to_string()));
                self.hold_outbox(self.shared.acting().is_some());
            }
        }
    }

    /// Nothing stays on the screen that was loaded by other rights of the same
    /// person; texts do, and come back where they belong.
    pub(super) fn forget_what_other_rights_saw(&mut self, before: &Session) {
        let Some(now) = &self.shared.session else { return };
        if in_place_of(before) == in_place_of(now) {
            return;
        }
        if now.acting.is_none() {
            self.message = Some((Tone::Fine, "You are yourself again.".to_owned()));
        }
        self.leave_layers(0);
        self.restart(Box::new(Find::default()));
    }
}

/// In whose place, whether or not it is still allowed.
fn in_place_of(session: &Session) -> Option<(ActingWay, CustomerId, Option<&str>)> {
    session.acting.as_ref().map(|acting| (acting.way, acting.customer.id, acting.contact.as_deref()))
}

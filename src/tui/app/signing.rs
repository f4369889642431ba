//! Signing in and out: who is here, and what stays on the screen of before.

use super::App;
use crate::api::operation::{GetSession, SignOut};
use crate::api::page::Nothing;
use crate::api::session::Session;
use crate::client::Call;
use crate::tui::draft::Drafts;
use crate::tui::event::{Effect, Reply};
use crate::tui::layer::Tone;
use crate::tui::overlays::{PASSWORD_TITLE, PasswordForm};
use crate::tui::screens::{Find, SignIn, sign_in_needed};
use crate::tui::unsure::Unsure;

impl App {
    /// Signs out: what is typed and what waits stays for whose it is.
    pub(super) fn sign_out(&mut self) {
        self.keep_open_drafts();
        let unsent = self.shared.outbox.waiting + self.shared.outbox.refused;
        self.end_outbox();
        let ticket = self.new_ticket();
        self.effects.push_back(Effect::Call(ticket, Call::of::<SignOut>(&Nothing {}, &Nothing {}, &Nothing {})));
        self.effects.push_back(Effect::UseToken(None));
        self.shared.session = None;
        self.drafts = Drafts::default();
        self.unsure = Unsure::default();
        self.last_goods.empty();
        self.leaving = None;
        self.restart(Box::new(SignIn::new(None)));
        if unsent > 0 {
            let told = format!("Signed out. {unsent} of what you typed wait here, not at the server, until you sign in again.");
            self.message = Some((Tone::Warning, told));
        }
    }

    /// The server said who is signed in.
    pub(super) fn session_reply(&mut self, reply: &Reply) {
        match &reply.outcome {
            Ok(body) => match serde_json::from_slice::<Session>(body) {
                Ok(session) => self.use_session(session),
                Err(error) => self.message = Some((Tone::Error, format!("The server speaks another version: {error}"))),
            },
            Err(error) if error.problem().is_some_and(|problem| problem.status == 401) => self.session_ended(),
            Err(error) => {
                self.message = Some((Tone::Error, error.to_string()));
                if error.is_unreachable() {
                    self.look_at_outbox();
                }
            }
        }
    }

    /// From now on this session: what is of another person, or of other rights,
    /// is forgotten.
    pub(super) fn use_session(&mut self, session: Session) {
        let begins = self.is_resting();
        self.begun_by_somebody();
        let before = self.shared.session.replace(session);
        let is_the_same = before.as_ref().is_some_and(|before| self.may_the_same(before));
        let another = self.is_another(before.as_ref());
        if !is_the_same {
            self.last_goods.empty();
        }
        if another {
            // Somebody else sits here now: nothing of before stays.
            self.drafts = Drafts::default();
            self.unsure = Unsure::default();
            self.leaving = None;
            self.end_outbox();
        }
        self.begin_outbox();
        if another || begins {
            self.restart(Box::new(Find::default()));
        } else if let Some(before) = before {
            self.forget_what_other_rights_saw(&before);
        }
        // What was refused and still is would be asked for without end.
        if !(std::mem::take(&mut self.refused) && is_the_same) {
            for at in 0..self.layers.len() {
                self.with(at, |layer, cx| layer.opened(cx));
            }
        }
        let must_change = self.shared.session.as_ref().is_some_and(|session| session.must_change_password);
        if must_change && self.top().is_none_or(|top| top.title() != PASSWORD_TITLE) {
            self.message = Some((Tone::Warning, "Change your password first: it was given to you by somebody else.".to_owned()));
            self.open(Box::new(PasswordForm::layer()));
        }
        if begins {
            self.type_ahead();
        }
    }

    /// Whether the session is as it was, but for its end, which moves.
    fn may_the_same(&self, before: &Session) -> bool {
        self.shared.session.as_ref().is_some_and(|now| Session { expires_at: now.expires_at, ..before.clone() } == *now)
    }

    /// The session ended: sign in again over what is there, which stays. A
    /// workshop terminal does so by itself where something was typed, and else
    /// forgets.
    pub(super) fn session_ended(&mut self) {
        if self.shared.is_kiosk() {
            if !self.begins_anew_at_kiosk() {
                self.forget(None);
            }
            return;
        }
        if self.locked.is_some() {
            return;
        }
        let asked = self.top().is_some_and(|top| sign_in_needed(Some(&top.title())));
        if !asked {
            let name = self.shared.session.as_ref().map(|session| session.user.username.clone());
            self.open(Box::new(SignIn::new(name)));
        }
    }

    /// Asks who is signed in.
    pub(super) fn ask_session(&mut self) {
        let ticket = self.new_ticket();
        self.session_ticket = Some(ticket);
        self.refused = false;
        self.effects.push_back(Effect::Call(ticket, Call::of::<GetSession>(&Nothing {}, &Nothing {}, &Nothing {})));
    }

    /// Somebody signed in at this layer.
    pub(super) fn signed_in(&mut self, id: u64, token: String) {
        self.use_token(token);
        // Behind a lock the session says who came; until then it stays locked.
        if self.locked.is_none() {
            // At the bottom nothing is left under it, whatever lies over it.
            if self.layers.first().is_some_and(|held| held.id != id) {
                self.close(id, true);
            } else {
                self.restart(Box::new(Find::default()));
            }
        }
        self.ask_session();
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::super::Beginning;
    use super::super::locking::tests::{Desk, key, session};
    use crate::api::ids::UserId;
    use crate::api::problem::Problem;
    use crate::client::ClientError;

    #[test]
    fn what_was_refused_because_the_session_had_ended_is_asked_again_after_the_next_sign_in() {
        let (mut jo, user) = (Desk::new(Beginning { signed_in: true, ..Beginning::default() }), UserId::new());
        let asked = jo.call("GetSession");
        jo.answer(0, asked, Ok(session(user, "staff", 43_200))).types(1, "kel");
        let (search, lookup) = (jo.call("SearchCustomers"), jo.call("LookUpAsset"));
        let ended = || -> Result<Vec<u8>, ClientError> { Err(Problem::new("session.required", "Sign in first.").into()) };
        jo.answer(2, search, ended()).answer(2, lookup, ended());
        jo.types(3, "secret").at(3, key(KeyCode::Enter, KeyModifiers::NONE));
        let signed_in = jo.call("SignIn");
        jo.answer(4, signed_in, Ok(br#"{"token":"t","expires_at":"2030-01-01T00:00:00Z","must_change_password":false}"#.to_vec()));
        let asked = jo.call("GetSession");
        jo.answer(5, asked, Ok(session(user, "staff", 43_200)));
        jo.call("SearchCustomers");
        jo.call("LookUpAsset");
        assert!(jo.shown().contains("kel") && !jo.shown().contains("Could not search"), "{}", jo.shown());
    }

    #[test]
    fn whoever_opens_the_commands_while_he_is_signed_in_finds_the_counter_under_them() {
        let mut jo = Desk::new(Beginning { server: Some("https://here".to_owned()), ..Beginning::default() });
        jo.types(0, "jo").at(0, key(KeyCode::Tab, KeyModifiers::NONE)).types(0, "secret").at(0, key(KeyCode::Enter, KeyModifiers::NONE));
        let signed_in = jo.call("SignIn");
        jo.at(1, key(KeyCode::Char('k'), KeyModifiers::CONTROL));
        jo.answer(2, signed_in, Ok(br#"{"token":"t","expires_at":"2030-01-01T00:00:00Z","must_change_password":false}"#.to_vec()));
        let asked = jo.call("GetSession");
        jo.answer(3, asked, Ok(session(UserId::new(), "staff", 43_200))).at(4, key(KeyCode::Esc, KeyModifiers::NONE));
        assert!(jo.shown().contains("Find") && !jo.shown().contains("Commands"), "{}", jo.shown());
    }
}

//! A workshop terminal: it signs in by its device token when a key is pressed,
//! and forgets everything when nobody is there.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;

use super::App;
use crate::api::operation::{GetSession, SignInKiosk, SignOut};
use crate::api::page::Nothing;
use crate::api::portal::KioskSignIn;
use crate::api::session::{SignedIn, UserKind};
use crate::client::{Call, ClientError};
use crate::tui::Device;
use crate::tui::draft::Drafts;
use crate::tui::event::{Effect, Reply, Ticket};
use crate::tui::keymap::{Meaning, pressed};
use crate::tui::layer::Tone;
use crate::tui::overlays::{LEAVE_TITLE, LeaveForm};
use crate::tui::screens::{IN_DOUBT, REST_TITLE, Rest, SignIn};
use crate::tui::unsure::Unsure;

/// The most keys that are kept while a session begins.
const TYPED: usize = 256;
const NO_SERVER: &str = "The server cannot be reached. Any key tries again.";
const MAY_HAVE_ARRIVED: &str = "The server did not answer: what you sent may have arrived, and saving it again sends it once.";
const BEGUN_ANEW: &str = "The session had ended and another has begun: what you typed is here still. Save again.";
const NOT_ENROLLED: &str = "This terminal is not enrolled any more: tell the person who looks after it. Any key tries again.";

/// What an enrolled workshop terminal remembers beside its token.
#[derive(Debug)]
pub(super) struct Kiosk {
    device: Device,
    /// The sign-in on its way.
    beginning: Option<Ticket>,
    /// What was typed since it began: a scanner is faster than the line.
    typed: Vec<KeyEvent>,
    /// The call on its way that only says that somebody is there.
    alive: Option<Ticket>,
    /// When the server last heard of somebody here.
    heard: Timestamp,
    /// A session began in the place of another since the last key.
    is_renewed: bool,
    /// It went to rest and nobody had heard what became of a write: said until
    /// somebody begins.
    in_doubt: bool,
}

impl Kiosk {
    /// With its token, at rest.
    pub(super) fn new(device: Device, now: Timestamp) -> Self {
        Self { device, beginning: None, typed: Vec::new(), alive: None, heard: now, is_renewed: false, in_doubt: false }
    }

    /// The call that begins a session by its token.
    fn sign_in(&self) -> Call {
        Call::of::<SignInKiosk>(&Nothing {}, &Nothing {}, &KioskSignIn { device_token: self.device.token.clone() })
    }
}

/// Whether workshop terminals are not let in any more, or not without somebody.
fn is_shut(error: &ClientError) -> bool {
    error.problem().is_some_and(|problem| matches!(problem.code.as_str(), "portal.off" | "kiosk.login_required"))
}

impl App {
    /// Whether nothing is shown and the next key begins.
    pub(super) fn is_resting(&self) -> bool {
        self.kiosk.is_some() && self.layers.len() == 1 && self.top().is_some_and(|top| top.title() == REST_TITLE)
    }

    /// After how long without a key it forgets. At rest there is nothing to be
    /// forgotten.
    pub(super) fn kiosk_limit(&self) -> Option<Duration> {
        let of_session = self.shared.session.as_ref().and_then(|session| u64::try_from(session.idle_seconds).ok()).map(Duration::from_secs);
        let of_session = of_session.filter(|idle| !idle.is_zero());
        let of_device = self.kiosk.as_ref().map(|kiosk| kiosk.device.idle);
        // A person's own session may stand idle for hours, but not here.
        let shorter = of_session.into_iter().chain(of_device).min();
        shorter.filter(|_| !self.is_resting())
    }

    /// Begins a session by the device token.
    pub(super) fn begin_at_kiosk(&mut self) {
        if self.session_ticket.is_some() {
            return;
        }
        let ticket = self.new_ticket();
        let Some(kiosk) = self.kiosk.as_mut().filter(|kiosk| kiosk.beginning.is_none()) else { return };
        kiosk.beginning = Some(ticket);
        let (in_doubt, call) = (kiosk.in_doubt, kiosk.sign_in());
        self.effects.push_back(Effect::Call(ticket, call));
        self.restart(Box::new(Rest::beginning().in_doubt(in_doubt)));
    }

    /// The session ended under what somebody typed: another begins by the device
    /// token and the text stays. Not in the place of somebody who signed in, nor
    /// twice without a key between. False: there is nothing to stay.
    pub(super) fn begins_anew_at_kiosk(&mut self) -> bool {
        let is_devices = self.shared.session.as_ref().is_some_and(|session| session.user.kind == UserKind::Kiosk);
        if !is_devices || !self.holds_typed() {
            return false;
        }
        let ticket = self.new_ticket();
        let Some(kiosk) = &mut self.kiosk else { return false };
        if kiosk.beginning.is_some() {
            return true;
        }
        if std::mem::replace(&mut kiosk.is_renewed, true) {
            return false;
        }
        kiosk.beginning = Some(ticket);
        let call = kiosk.sign_in();
        self.effects.push_back(Effect::UseToken(None));
        self.effects.push_back(Effect::Call(ticket, call));
        true
    }

    /// Whether something is here that would be lost with everything else: a text
    /// in a form, one that was left, or a write of which nobody knows whether it
    /// arrived.
    fn holds_typed(&self) -> bool {
        self.unsure.has_any() || self.holds_text()
    }

    /// No answer came to a write. Elsewhere its form and the outbox say what that
    /// means; here nothing is kept but the open form.
    pub(super) fn tell_of_doubt(&mut self) {
        if self.shared.is_kiosk() && !self.is_resting() {
            self.message = Some((Tone::Error, MAY_HAVE_ARRIVED.to_owned()));
        }
    }

    /// Somebody works here: what was in doubt before was there to be read.
    pub(super) fn begun_by_somebody(&mut self) {
        if let Some(kiosk) = &mut self.kiosk {
            kiosk.in_doubt = false;
        }
    }

    /// At rest every key begins, but the one that asks to leave. What it types
    /// is kept for the screen that comes.
    pub(super) fn kept_at_rest(&mut self, key: KeyEvent) -> bool {
        if !self.is_resting() {
            return false;
        }
        if let Meaning::Run(command) = self.shared.keymap.meaning(&[], &[pressed(key)])
            && command.id == "quit"
        {
            return false;
        }
        if let Some(kiosk) = &mut self.kiosk {
            let types = matches!(key.code, KeyCode::Char(sign) if sign.is_alphanumeric()) && key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
            if (types || !kiosk.typed.is_empty()) && kiosk.typed.len() < TYPED {
                kiosk.typed.push(key);
            }
        }
        self.begin_at_kiosk();
        true
    }

    /// The first screen stands: what was typed meanwhile goes there.
    pub(super) fn type_ahead(&mut self) {
        let typed = self.kiosk.as_mut().map(|kiosk| std::mem::take(&mut kiosk.typed)).unwrap_or_default();
        for key in typed {
            self.key(key);
        }
    }

    /// Somebody is there: the server is told now and then, so that a session
    /// does not end while one types.
    pub(super) fn keep_alive(&mut self) {
        if let Some(kiosk) = &mut self.kiosk {
            kiosk.is_renewed = false;
        }
        let (Some(limit), now) = (self.kiosk_limit(), self.shared.now) else { return };
        let ticket = Ticket(self.next_ticket + 1);
        let Some(kiosk) = self.kiosk.as_mut().filter(|kiosk| kiosk.alive.is_none()) else { return };
        let silent = Duration::try_from(now.duration_since(kiosk.heard)).unwrap_or_default();
        if self.shared.session.is_some() && silent > limit / 2 {
            kiosk.alive = Some(ticket);
            self.next_ticket = ticket.0;
            self.effects.push_back(Effect::Call(ticket, Call::of::<GetSession>(&Nothing {}, &Nothing {}, &Nothing {})));
        }
    }

    /// Whether an answer is the terminal's own, or sends it to rest.
    pub(super) fn is_taken_by_kiosk(&mut self, reply: &Reply) -> bool {
        let (waited, for_session) = (self.waiting.contains_key(&reply.ticket), self.session_ticket == Some(reply.ticket));
        let holds_typed = self.kiosk.is_some() && self.holds_typed();
        let Some(kiosk) = &mut self.kiosk else { return false };
        if kiosk.beginning == Some(reply.ticket) {
            kiosk.beginning = None;
            self.begun_at_kiosk(reply);
            return true;
        }
        let alive = kiosk.alive.take_if(|alive| *alive == reply.ticket).is_some();
        if !(alive || waited || for_session) {
            return false;
        }
        match &reply.outcome {
            Ok(_) => {
                kiosk.heard = reply.at;
                alive
            }
            // What was typed stays until the idle time: whoever asked tells of it.
            Err(error) if error.is_unreachable() && holds_typed => alive,
            Err(error) if error.is_unreachable() => {
                self.forget(Some(NO_SERVER));
                true
            }
            Err(error) if is_shut(error) => {
                let why = format!("{error} Any key tries again.");
                self.forget(Some(&why));
                true
            }
            Err(error) if alive => {
                if error.problem().is_some_and(|problem| problem.status == 401) {
                    self.session_ended();
                }
                true
            }
            // The session began, but nobody can say what it may do.
            Err(error) if for_session && self.is_resting() => {
                let why = error.to_string();
                self.forget(Some(&why));
                true
            }
            Err(_) => false,
        }
    }

    fn begun_at_kiosk(&mut self, reply: &Reply) {
        let read = reply
            .outcome
            .clone()
            .and_then(|body| serde_json::from_slice::<SignedIn>(&body).map_err(|error| ClientError::strange("that was asked", &error.to_string())));
        match read {
            Ok(signed_in) => {
                self.use_token(signed_in.token);
                if let Some(kiosk) = &mut self.kiosk {
                    kiosk.heard = reply.at;
                }
                // One stood here before it: something typed does.
                if self.shared.session.is_some() {
                    self.message = Some((Tone::Warning, BEGUN_ANEW.to_owned()));
                }
                self.ask_session();
            }
            Err(error) => self.refused_at_kiosk(&error),
        }
    }

    fn refused_at_kiosk(&mut self, error: &ClientError) {
        match error.problem().map(|problem| problem.code.as_str()) {
            Some("kiosk.login_required") => {
                self.forget(None);
                self.restart(Box::new(SignIn::new(None)));
            }
            Some("session.required") => self.forget(Some(NOT_ENROLLED)),
            // The next call that is refused tries again.
            _ if error.is_unreachable() && self.holds_typed() => self.message = Some((Tone::Error, error.to_string())),
            _ if error.is_unreachable() => self.forget(Some(NO_SERVER)),
            _ => self.forget(Some(&format!("{error} Any key tries again."))),
        }
    }

    /// Forgets everything that somebody did here, but not that something was on
    /// its way of which nobody heard.
    pub(super) fn forget(&mut self, why: Option<&str>) {
        let in_doubt = self.unsure.has_any();
        if self.shared.session.take().is_some() {
            let ticket = self.new_ticket();
            self.effects.push_back(Effect::Call(ticket, Call::of::<SignOut>(&Nothing {}, &Nothing {}, &Nothing {})));
        }
        self.effects.push_back(Effect::UseToken(None));
        self.session_ticket = None;
        self.session_since = self.next_ticket;
        self.drafts = Drafts::default();
        self.unsure = Unsure::default();
        self.last_goods.empty();
        self.pressed.clear();
        self.message = None;
        self.wipe();
        match &mut self.kiosk {
            Some(kiosk) => {
                kiosk.typed.clear();
                kiosk.beginning = None;
                kiosk.alive = None;
                kiosk.in_doubt |= in_doubt;
                let in_doubt = kiosk.in_doubt;
                self.restart(Box::new(Rest::because(why).in_doubt(in_doubt)));
            }
            // Without a device token somebody has to sign in.
            None => {
                self.restart(Box::new(SignIn::new(None)));
                self.message = in_doubt.then(|| (Tone::Warning, IN_DOUBT.to_owned()));
            }
        }
    }

    /// Only somebody of the dealer's ends a workshop terminal.
    pub(super) fn ask_to_leave(&mut self) {
        if self.top().is_none_or(|top| top.title() != LEAVE_TITLE) {
            self.open(Box::new(LeaveForm::new()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Beginning;
    use super::super::locking::tests::{Desk, key, session};
    use super::*;
    use crate::api::ids::{AssetId, UserId};
    use crate::api::problem::Problem;
    use crate::tui::event::Event;
    use crate::tui::overlays::ReadingLine;

    const SIGNED_IN: &[u8] = br#"{"token":"t","expires_at":"2030-01-01T00:00:00Z","must_change_password":false}"#;

    fn bay() -> Desk {
        Desk::new(Beginning { device: Some(Device { token: "device".to_owned(), idle: Duration::from_mins(1) }), ..Beginning::default() })
    }

    #[test]
    fn a_portal_that_is_off_is_said_and_asked_again_with_a_key() {
        let mut bay = bay();
        let begun = bay.call("SignInKiosk");
        bay.answer(1, begun, Err(Problem::new("portal.off", "The customer portal is switched off. Call your dealer.").into()));
        assert!(bay.shown().contains("switched off. Call your dealer."), "{}", bay.shown());
        bay.types(2, "1");
        let begun = bay.call("SignInKiosk");
        bay.types(3, "04").answer(4, begun, Ok(SIGNED_IN.to_vec()));
        let asked = bay.call("GetSession");
        bay.answer(5, asked, Ok(session(UserId::new(), "kiosk", 30)));
        assert!(bay.shown().contains("Find 104"), "what was scanned meanwhile stands in the box: {}", bay.shown());
        assert_eq!(bay.wakes().iter().map(|(_, after)| after.as_secs()).collect::<Vec<_>>(), [28], "two seconds after the last key of thirty");
    }

    #[test]
    fn a_key_now_and_then_keeps_the_session_and_none_ends_it() {
        let mut bay = bay();
        let begun = bay.call("SignInKiosk");
        bay.answer(0, begun, Ok(SIGNED_IN.to_vec()));
        let asked = bay.call("GetSession");
        bay.answer(0, asked, Ok(session(UserId::new(), "kiosk", 60)));
        let (sleep, _) = bay.wakes()[0];
        bay.types(20, "x");
        assert!(bay.asked.is_empty());
        bay.types(40, "x");
        let alive = bay.call("GetSession");
        bay.answer(41, alive, Ok(session(UserId::new(), "kiosk", 60)));
        assert!(bay.shown().contains("Find xx"), "a call that keeps it alive changes nothing");
        bay.at(60, Event::Woken(sleep));
        let (sleep, after) = bay.wakes()[0];
        assert_eq!(after, Duration::from_secs(40));
        bay.at(100, Event::Woken(sleep));
        assert!(bay.is_wiped() && bay.shown().contains("Press any key") && !bay.shown().contains("xx"), "{}", bay.shown());
        assert!(bay.wakes().is_empty(), "at rest nothing is waited for");
        bay.call("SignOut");
    }

    #[test]
    fn a_line_that_breaks_keeps_nothing() {
        let mut bay = bay();
        let begun = bay.call("SignInKiosk");
        bay.answer(0, begun, Ok(SIGNED_IN.to_vec()));
        let asked = bay.call("GetSession");
        bay.answer(0, asked, Ok(session(UserId::new(), "kiosk", 60)));
        bay.types(1, "1051").at(1, key(KeyCode::Enter, KeyModifiers::NONE));
        let asked = bay.app.waiting.keys().copied().max().unwrap();
        bay.answer(2, asked, Err(unreachable()));
        assert!(bay.shown().contains("cannot be reached") && !bay.shown().contains("1051"), "{}", bay.shown());
        assert!(bay.app.waiting.is_empty() && bay.app.shared.session.is_none());
    }

    /// A terminal at which a reading is typed.
    struct Bay {
        desk: Desk,
        user: UserId,
    }

    impl Bay {
        fn new() -> Self {
            let mut bay = Self { desk: bay(), user: UserId::new() };
            bay.begins(0);
            bay.desk.app.open(Box::new(ReadingLine::again(AssetId::new(), "KB-114".to_owned())));
            bay.desk.types(1, "4711");
            bay
        }

        /// The server lets the terminal in.
        fn begins(&mut self, second: u64) {
            let begun = self.desk.call("SignInKiosk");
            self.desk.answer(second, begun, Ok(SIGNED_IN.to_vec()));
            let asked = self.desk.call("GetSession");
            self.desk.answer(second, asked, Ok(session(self.user, "kiosk", 60)));
        }

        /// Saves the reading: under which ticket and key it goes out.
        fn saves(&mut self, second: u64) -> (Ticket, String) {
            self.desk.at(second, key(KeyCode::Enter, KeyModifiers::NONE));
            let of = |effect: &Effect| match effect {
                Effect::Call(ticket, call) if call.endpoint.name == "AddReading" => Some((*ticket, call.key().to_owned())),
                _ => None,
            };
            self.desk.asked.iter().find_map(of).unwrap()
        }

        /// Saves it, and no answer comes: the key.
        fn saves_in_vain(&mut self, second: u64) -> String {
            let (ticket, key) = self.saves(second);
            self.desk.answer(second + 1, ticket, Err(unreachable()));
            key
        }

        /// A key that comes so late that nobody was there before.
        fn is_left_until(&mut self, second: u64) -> String {
            self.desk.at(second, key(KeyCode::Char(' '), KeyModifiers::NONE));
            assert!(self.desk.is_wiped());
            self.desk.shown()
        }
    }

    fn unreachable() -> ClientError {
        ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }
    }

    #[test]
    fn p3_a_form_whose_answer_was_lost_stays_and_goes_again_under_its_key() {
        let mut bay = Bay::new();
        let first = bay.saves_in_vain(2);
        let shown = bay.desk.shown();
        assert!(shown.contains("may have arrived") && shown.contains("sends it once") && shown.contains("KB-114"), "{shown}");
        let (ticket, again) = bay.saves(10);
        assert_eq!(again, first, "it is one write");
        bay.desk.answer(11, ticket, Ok(b"{}".to_vec()));
        assert_eq!(bay.desk.app.layers.len(), 1, "{}", bay.desk.shown());
        assert!(!bay.is_left_until(200).contains("may have arrived"), "it did");
    }

    #[test]
    fn p3_at_rest_it_says_that_something_may_have_arrived_until_somebody_begins() {
        // The answer was lost, or is not there yet.
        for is_lost in [true, false] {
            let mut bay = Bay::new();
            let (ticket, _) = bay.saves(2);
            if is_lost {
                bay.desk.answer(3, ticket, Err(unreachable()));
            }
            let shown = bay.is_left_until(200);
            assert!(shown.contains("may have arrived") && !shown.contains("4711") && !shown.contains("KB-114"), "{shown}");
            // Nobody could look yet.
            bay.desk.at(201, key(KeyCode::Char(' '), KeyModifiers::NONE));
            let begun = bay.desk.call("SignInKiosk");
            bay.desk.answer(202, begun, Err(unreachable()));
            assert!(bay.desk.shown().contains("may have arrived") && bay.desk.shown().contains("cannot be reached"), "{}", bay.desk.shown());
            bay.desk.at(203, key(KeyCode::Char(' '), KeyModifiers::NONE));
            bay.begins(204);
            assert!(bay.desk.shown().contains("Find") && !bay.desk.shown().contains("may have arrived"), "{}", bay.desk.shown());
            assert!(!bay.is_left_until(400).contains("may have arrived"), "that was told");
        }
    }

    #[test]
    fn what_is_typed_outlives_a_line_that_breaks_until_the_idle_time() {
        let mut bay = Bay::new();
        bay.desk.types(40, "7");
        let alive = bay.desk.call("GetSession");
        bay.desk.answer(41, alive, Err(unreachable()));
        assert!(bay.desk.shown().contains("47117"), "{}", bay.desk.shown());
        let shown = bay.is_left_until(101);
        assert!(shown.contains("Press any key") && !shown.contains("47117") && !shown.contains("may have arrived"), "nothing was sent: {shown}");
    }

    #[test]
    fn a_session_that_ended_while_the_line_was_down_begins_anew_under_what_was_typed() {
        let mut bay = Bay::new();
        let first = bay.saves_in_vain(2);
        let (ticket, _) = bay.saves(10);
        let ended = || -> Result<Vec<u8>, ClientError> { Err(Problem::new("session.required", "Sign in first.").into()) };
        bay.desk.answer(11, ticket, ended());
        bay.begins(12);
        assert!(bay.desk.shown().contains("another has begun") && bay.desk.shown().contains("KB-114"), "{}", bay.desk.shown());
        let (ticket, again) = bay.saves(13);
        assert_eq!(again, first);
        // One that ends each time it begins is not begun without end.
        bay.desk.answer(14, ticket, ended());
        bay.begins(14);
        bay.desk.app.session_ended();
        bay.desk.at(15, Event::Resize);
        assert!(bay.desk.is_wiped() && bay.desk.shown().contains("may have arrived"), "{}", bay.desk.shown());
    }
}

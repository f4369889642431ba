//! The lock: everything that is open waits behind it, nothing of it is drawn,
//! and no call is made but the sign-in that opens it.

use std::time::Duration;

use super::{App, Held};
use crate::api::ids::{ShopId, UserId};
use crate::api::operation::{ChangeSession, SignOut};
use crate::api::page::Nothing;
use crate::api::session::{Session, SessionChange};
use crate::client::Call;
use crate::tui::command::{Command, leads_out};
use crate::tui::event::{Effect, Reply, Ticket};
use crate::tui::layer::Tone;
use crate::tui::lock_note::LockNote;
use crate::tui::screens::{Find, Lock, sign_in_needed};

/// What works on a locked terminal: moving in its form, signing in, and going
/// back from the sign-in with the dealer's account.
const OPEN_WHILE_LOCKED: [&str; 7] = ["sign_in.send", "form.next", "form.previous", "list.up", "list.down", "sign_in.device", "back"];

/// What waits behind the lock.
#[derive(Debug)]
pub(super) struct Locked {
    /// Whose it is.
    user: UserId,
    layers: Vec<Held>,
    /// Answers to calls of before: nobody reacts to them while it is locked.
    replies: Vec<Reply>,
}

impl App {
    /// Why a command is not for this terminal as it is now.
    pub(super) fn forbidden(&self, command: &Command) -> Option<String> {
        if self.locked.is_some() && !OPEN_WHILE_LOCKED.contains(&command.id) {
            return Some("Locked: enter the password.".to_owned());
        }
        (self.shared.is_kiosk() && leads_out(command)).then(|| "Not on a workshop terminal.".to_owned())
    }

    /// Locks, if there is somebody who can come back.
    pub(super) fn lock(&mut self) {
        let Some(note) = self.shared.session.as_ref().map(|session| LockNote::of(&session.user)) else {
            self.message = Some((Tone::Warning, "Nobody is signed in.".to_owned()));
            return;
        };
        if self.locked.is_some() {
            return;
        }
        // Whose session had ended signs in again here, and not once more behind it.
        while self.layers.len() > 1 && self.top().is_some_and(|top| sign_in_needed(Some(&top.title()))) {
            self.layers.pop();
        }
        self.keep_open_drafts();
        let layers = std::mem::take(&mut self.layers);
        self.locked = Some(Locked { user: note.user, layers, replies: Vec::new() });
        self.session_ticket = None;
        self.pressed.clear();
        self.message = None;
        self.wipe();
        self.effects.push_back(Effect::NoteLock(Some(note.clone())));
        self.open(Box::new(Lock::new(&note)));
    }

    /// It was locked when it ended: it begins so.
    pub(super) fn start_locked(&mut self, note: &LockNote) {
        let layers = vec![Held { id: 0, layer: Box::new(Find::default()) }];
        self.locked = Some(Locked { user: note.user, layers, replies: Vec::new() });
        self.layers.clear();
        self.open(Box::new(Lock::new(note)));
    }

    /// An answer that may be acted on now; one to what waits behind the lock is
    /// kept for later.
    pub(super) fn not_held_back(&mut self, reply: Box<Reply>) -> Option<Box<Reply>> {
        let Some(locked) = &mut self.locked else { return Some(reply) };
        let is_ours = match self.waiting.get(&reply.ticket) {
            Some(id) => self.layers.iter().any(|held| held.id == *id),
            None => true,
        };
        if is_ours {
            return Some(reply);
        }
        locked.replies.push(*reply);
        None
    }

    /// From now on this session. The one that was locked is ended: its token
    /// may be known to whoever sat here meanwhile.
    pub(super) fn use_token(&mut self, token: String) {
        if self.locked.is_some() {
            let ticket = self.new_ticket();
            self.effects.push_back(Effect::Call(ticket, Call::of::<SignOut>(&Nothing {}, &Nothing {}, &Nothing {})));
        }
        self.effects.push_back(Effect::UseToken(Some(token)));
        self.session_since = self.next_ticket;
        self.last_goods.empty();
    }

    /// Whether a refusal says something of the session one works in: not if it
    /// is of a sign-in, or of a session before.
    pub(super) fn is_of_this_session(&self, reply: &Reply) -> bool {
        let of_sign_in = reply.outcome.as_ref().err().and_then(|error| error.problem()).is_some_and(|problem| problem.code == "session.refused");
        !of_sign_in && reply.ticket > Ticket(self.session_since)
    }

    /// The session is there: whether somebody else sits here now. Opens the
    /// lock, and brings back what waited behind it for whose it is.
    pub(super) fn is_another(&mut self, before: Option<&Session>) -> bool {
        let Some(user) = self.shared.session.as_ref().map(|session| session.user.id) else { return false };
        let Some(locked) = self.locked.take() else {
            return before.is_some_and(|before| before.user.id != user);
        };
        self.effects.push_back(Effect::NoteLock(None));
        self.message = None;
        if locked.user != user {
            return true;
        }
        self.layers = locked.layers;
        for reply in locked.replies {
            self.reply(reply);
        }
        self.work_where_one_was(before);
        false
    }

    /// A new session begins in one's own shop and for nobody.
    fn work_where_one_was(&mut self, before: Option<&Session>) {
        let shop = |session: Option<&Session>| session.and_then(|session| session.shop.as_ref()).map(|shop| shop.shop.id);
        let (was, is): (Option<ShopId>, Option<ShopId>) = (shop(before), shop(self.shared.session.as_ref()));
        if before.is_some_and(|before| before.acting.is_some()) {
            self.message = Some((Tone::Warning, "You are yourself again: you work for no customer now.".to_owned()));
        }
        if let Some(shop) = was.filter(|was| Some(*was) != is) {
            let ticket = self.new_ticket();
            self.session_ticket = Some(ticket);
            let change = SessionChange { shop: Some(shop.to_string()), customer: None };
            self.effects.push_back(Effect::Call(ticket, Call::of::<ChangeSession>(&Nothing {}, &Nothing {}, &change)));
        }
    }

    /// What waits behind the lock.
    pub(super) fn behind_the_lock(&self) -> &[Held] {
        self.locked.as_ref().map_or(&[], |locked| &locked.layers)
    }

    /// It ends: what waits behind the lock is there again to be looked through.
    pub(super) fn bring_back_layers(&mut self) {
        if let Some(locked) = self.locked.take() {
            self.layers = locked.layers;
        }
    }

    /// After how long without a key something happens by itself.
    fn idle_limit(&self) -> Option<Duration> {
        if self.shared.is_kiosk() {
            return self.kiosk_limit();
        }
        self.lock_after.filter(|_| self.locked.is_none() && self.shared.session.is_some())
    }

    /// Begins to wait for the end of the idle time, unless it does already.
    pub(super) fn watch_idle(&mut self) {
        let Some(limit) = self.idle_limit() else { return };
        let left = self.idle.left(limit, self.shared.now);
        let Ok(until) = self.shared.now.checked_add(left) else { return };
        if self.idle.sleep.is_wanted(until) {
            let ticket = self.new_ticket();
            self.idle.sleep.begins(ticket, until);
            self.effects.push_back(Effect::Wake(ticket, left));
        }
    }

    /// Somebody touched a key. False if it comes too late to be taken for a key
    /// of whoever sat here before: a machine that was asleep wakes nobody.
    pub(super) fn touched(&mut self) -> bool {
        let late = self.idle_limit().is_some_and(|limit| self.idle.left(limit, self.shared.now).is_zero());
        if late {
            self.left_alone();
        }
        self.idle.touched(self.shared.now);
        self.keep_alive();
        if late {
            self.watch_idle();
        }
        !late
    }

    /// A sleep is over: nobody is here, if no key was pressed meanwhile.
    pub(super) fn left_alone(&mut self) {
        let Some(limit) = self.idle_limit() else { return };
        if !self.idle.left(limit, self.shared.now).is_zero() {
            return;
        }
        if self.shared.is_kiosk() {
            self.forget(None);
        } else {
            self.lock();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use jiff::Timestamp;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use serde_json::json;

    use super::super::Beginning;
    use super::*;
    use crate::api::operation::{GetSession, Operation as _};
    use crate::client::ClientError;
    use crate::tui::event::Event;
    use crate::tui::keymap::Keymap;
    use crate::tui::shared::tried;
    use crate::tui::style::Look;

    /// The application with what it asked the loop for.
    #[derive(Debug)]
    pub(in crate::tui::app) struct Desk {
        pub(in crate::tui::app) app: App,
        begun: Timestamp,
        pub(in crate::tui::app) asked: Vec<Effect>,
        wiped: bool,
    }

    impl Desk {
        pub(in crate::tui::app) fn new(begin: Beginning) -> Self {
            let begin = Beginning { server: Some("http://127.0.0.1:1".to_owned()), ..begin };
            let app = App::new(Keymap::new(&[]).unwrap(), Look::new(false, true), begin);
            let begun = app.shared.now;
            let mut desk = Self { app, begun, asked: Vec::new(), wiped: false };
            desk.app.start();
            desk.collect();
            desk
        }

        fn collect(&mut self) {
            self.asked.clear();
            self.wiped = self.app.take_wiped();
            while let Some(effect) = self.app.take_effect() {
                self.asked.push(effect);
            }
        }

        /// Something happens so many seconds after the beginning.
        pub(in crate::tui::app) fn at(&mut self, seconds: u64, event: Event) -> &mut Self {
            self.app.apply(event, self.begun + Duration::from_secs(seconds));
            self.collect();
            self
        }

        pub(in crate::tui::app) fn types(&mut self, seconds: u64, text: &str) -> &mut Self {
            for letter in text.chars() {
                self.at(seconds, key(KeyCode::Char(letter), KeyModifiers::NONE));
            }
            self
        }

        pub(in crate::tui::app) fn answer(&mut self, seconds: u64, ticket: Ticket, outcome: Result<Vec<u8>, ClientError>) -> &mut Self {
            let at = self.begun + Duration::from_secs(seconds);
            self.at(seconds, Event::Reply(Box::new(Reply { ticket, outcome, last_good: None, took: Duration::ZERO, at, waits: false })))
        }

        /// The ticket of the call of that operation.
        pub(in crate::tui::app) fn call(&self, name: &str) -> Ticket {
            let of = |effect: &Effect| match effect {
                Effect::Call(ticket, call) if call.endpoint.name == name => Some(*ticket),
                _ => None,
            };
            self.asked.iter().find_map(of).unwrap_or_else(|| panic!("no {name} in {:?}", self.asked))
        }

        /// What goes on sleeping; the moment in which a search is not yet told of
        /// ends by itself.
        pub(in crate::tui::app) fn wakes(&self) -> Vec<(Ticket, Duration)> {
            let of = |effect: &Effect| match effect {
                Effect::Wake(ticket, after) if after.as_secs() > 0 => Some((*ticket, *after)),
                _ => None,
            };
            self.asked.iter().filter_map(of).collect()
        }

        pub(in crate::tui::app) fn is_wiped(&self) -> bool {
            self.wiped
        }

        pub(in crate::tui::app) fn shown(&self) -> String {
            let area = Rect::new(0, 0, 80, 24);
            let mut buffer = Buffer::empty(area);
            self.app.view(area, &mut buffer);
            buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect()
        }
    }

    pub(in crate::tui::app) fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    pub(in crate::tui::app) fn session(user: UserId, kind: &str, idle_seconds: i64) -> Vec<u8> {
        tried::session(user, kind, &["customer.search", "asset.lookup"], idle_seconds).to_string().into_bytes()
    }

    const SIGNED_IN: &[u8] = br#"{"token":"t","expires_at":"2030-01-01T00:00:00Z","must_change_password":false}"#;

    fn desk(user: UserId) -> Desk {
        desk_that_locks_after(user, Duration::from_mins(15))
    }

    fn desk_that_locks_after(user: UserId, lock_after: Duration) -> Desk {
        let mut desk = Desk::new(Beginning { signed_in: true, lock_after: Some(lock_after), ..Beginning::default() });
        let asked = desk.call(GetSession::ENDPOINT.name);
        desk.answer(0, asked, Ok(session(user, "staff", 43_200)));
        desk
    }

    fn ctrl_l() -> Event {
        key(KeyCode::Char('l'), KeyModifiers::CONTROL)
    }

    #[test]
    fn t34_it_locks_after_the_idle_time_and_sleeps_once_however_many_keys_there_are() {
        let mut desk = desk(UserId::new());
        let (first, after) = desk.wakes()[0];
        assert_eq!(after, Duration::from_mins(15));
        for second in 1..=600 {
            desk.at(second, key(KeyCode::Char('k'), KeyModifiers::NONE));
            assert!(desk.wakes().is_empty(), "a key begins no sleep");
        }
        desk.at(900, Event::Woken(first));
        assert!(!desk.is_wiped());
        let (second, after) = desk.wakes()[0];
        assert_eq!(after, Duration::from_mins(10), "ten minutes are left of the last key's fifteen");
        desk.at(1_500, Event::Woken(second));
        assert!(desk.is_wiped() && desk.wakes().is_empty());
        assert!(desk.asked.iter().any(|effect| matches!(effect, Effect::NoteLock(Some(note)) if note.username == "jo")));
        assert!(desk.shown().contains("Locked") && !desk.shown().contains("kkk"));
    }

    /// What stands behind the lock in these stories.
    const BEHIND: [&str; 3] = ["Keller", "keller", "Commands"];

    /// What of it is shown nevertheless.
    fn revealed(desk: &Desk) -> Vec<&'static str> {
        let shown = desk.shown();
        BEHIND.into_iter().filter(|behind| shown.contains(behind)).collect()
    }

    /// Somebody types for two seconds and leaves a dialog open and a request on its
    /// way: the request.
    fn left_in_the_middle(desk: &mut Desk) -> Ticket {
        desk.types(1, "keller");
        let search = desk.app.waiting.keys().copied().min().unwrap();
        desk.at(2, key(KeyCode::Char('k'), KeyModifiers::CONTROL));
        assert!(desk.shown().contains("Commands"), "{}", desk.shown());
        search
    }

    /// Whether it locks 900 seconds after the last key, which was at 2 s, and not a
    /// second before; `sleep` is the first of those that it asked for.
    fn locks_to_the_second(desk: &mut Desk, mut sleep: Ticket) -> Result<(), String> {
        for (second, left) in [(900, 2), (901, 1)] {
            desk.at(second, Event::Woken(sleep));
            if desk.is_wiped() {
                return Err(format!("it is locked at {second} s"));
            }
            let Some((again, after)) = desk.wakes().first().copied() else { return Err(format!("at {second} s it sleeps for ever")) };
            if after != Duration::from_secs(left) {
                return Err(format!("at {second} s it sleeps for {after:?}"));
            }
            sleep = again;
        }
        desk.at(902, Event::Woken(sleep));
        if desk.is_wiped() && desk.shown().contains("Locked") { Ok(()) } else { Err("it is not locked at 902 s".to_owned()) }
    }

    /// A page with what was searched for.
    fn found() -> Vec<u8> {
        let page = json!({ "items": [{ "id": crate::api::ids::CustomerId::new(), "name": "Keller Bau GmbH", "city": "Waco", "phone": null, "matched": ["name"], "near_miss": false }], "next": null, "total": 1 });
        page.to_string().into_bytes()
    }

    #[test]
    fn t34_it_locks_to_the_second_over_an_open_dialog_and_while_a_request_runs() {
        let mut desk = desk(UserId::new());
        let (sleep, _) = desk.wakes()[0];
        let search = left_in_the_middle(&mut desk);
        locks_to_the_second(&mut desk, sleep).unwrap();
        // The answer comes to nobody, and keys go to the lock alone.
        desk.answer(903, search, Ok(found()));
        desk.types(904, "quit").at(904, key(KeyCode::Esc, KeyModifiers::NONE)).at(904, key(KeyCode::F(10), KeyModifiers::NONE));
        assert!(desk.shown().contains("Locked") && revealed(&desk).is_empty(), "{}", desk.shown());
        assert!(!desk.asked.iter().any(|effect| matches!(effect, Effect::Quit(_))), "{:?}", desk.asked);
    }

    #[test]
    fn a_lock_that_comes_a_second_too_soon_or_too_late_would_be_found() {
        for (after, told) in [(899, "at 900 s it sleeps for 1s"), (901, "at 900 s it sleeps for 3s"), (898, "it is locked at 900 s")] {
            let mut desk = desk_that_locks_after(UserId::new(), Duration::from_secs(after));
            let (sleep, _) = desk.wakes()[0];
            left_in_the_middle(&mut desk);
            assert_eq!(locks_to_the_second(&mut desk, sleep), Err(told.to_owned()));
        }
    }

    #[test]
    fn a_lock_before_which_something_stays_open_would_be_found() {
        let mut desk = desk(UserId::new());
        let (sleep, _) = desk.wakes()[0];
        left_in_the_middle(&mut desk);
        locks_to_the_second(&mut desk, sleep).unwrap();
        assert_eq!(revealed(&desk), [""; 0]);
        // What waited behind it stands before it again.
        desk.app.bring_back_layers();
        assert!(revealed(&desk).contains(&"Commands"), "{}", desk.shown());
    }

    #[test]
    fn a_machine_that_slept_locks_at_the_first_key_and_takes_it_for_nothing() {
        let mut desk = desk(UserId::new());
        desk.at(7_200, key(KeyCode::Char('k'), KeyModifiers::NONE));
        assert!(desk.is_wiped() && desk.shown().contains("Locked") && !desk.shown().contains('*'), "{}", desk.shown());
    }

    #[test]
    fn while_it_is_locked_answers_wait_and_nothing_is_asked() {
        let user = UserId::new();
        let mut desk = desk(user);
        desk.types(1, "keller");
        let search = desk.app.waiting.keys().copied().min().unwrap();
        desk.at(2, ctrl_l());
        desk.answer(3, search, Ok(found()));
        assert!(desk.asked.is_empty(), "{:?}", desk.asked);
        assert_eq!(revealed(&desk), [""; 0]);
        desk.types(4, "secret").at(4, key(KeyCode::Enter, KeyModifiers::NONE));
        let sign_in = desk.call("SignIn");
        desk.answer(5, sign_in, Ok(SIGNED_IN.to_vec()));
        let order: Vec<&str> = desk
            .asked
            .iter()
            .map(|effect| match effect {
                Effect::Call(_, call) => call.endpoint.name,
                Effect::UseToken(Some(_)) => "token",
                _ => "other",
            })
            .collect();
        assert_eq!(order, ["SignOut", "token", "GetSession"], "the old session is ended under its own token");
        assert!(!desk.shown().contains("keller"), "locked until it is known who came");
        let asked = desk.call("GetSession");
        desk.answer(6, asked, Ok(session(user, "staff", 43_200)));
        assert!(desk.shown().contains("keller") && desk.asked.iter().any(|effect| matches!(effect, Effect::NoteLock(None))));
    }

    #[test]
    fn another_person_finds_nothing() {
        let mut desk = desk(UserId::new());
        desk.types(1, "keller").at(2, ctrl_l());
        desk.types(3, "secret").at(3, key(KeyCode::Enter, KeyModifiers::NONE));
        let sign_in = desk.call("SignIn");
        desk.answer(4, sign_in, Ok(SIGNED_IN.to_vec()));
        let asked = desk.call("GetSession");
        desk.answer(5, asked, Ok(session(UserId::new(), "staff", 43_200)));
        assert!(!desk.shown().contains("keller") && desk.app.layers.len() == 1);
    }

    #[test]
    fn keys_that_are_held_down_pile_up_nothing() {
        let mut desk = desk(UserId::new());
        let (help, palette) = (KeyCode::F(1), KeyModifiers::CONTROL);
        for second in 1..50 {
            desk.at(second, key(help, KeyModifiers::NONE)).at(second, key(KeyCode::Char('k'), palette));
        }
        assert_eq!(desk.app.layers.len(), 3, "find, help over it, the commands over that");
        desk.at(50, key(help, KeyModifiers::NONE));
        assert_eq!(desk.app.layers.len(), 2, "back to the help");
    }

    #[test]
    fn it_starts_locked_where_it_was_locked_and_asks_nothing() {
        let user = UserId::new();
        let note = LockNote { user, username: "jo".to_owned(), name: "Jo Ortiz".to_owned() };
        let desk = Desk::new(Beginning { signed_in: true, locked: Some(note), ..Beginning::default() });
        assert!(desk.asked.is_empty() && desk.shown().contains("Locked") && desk.shown().contains("Jo Ortiz"));
    }
}

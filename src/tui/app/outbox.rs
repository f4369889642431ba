//! The shell and the outbox: what is posted, what becomes of it, and the drafts
//! that are kept a moment after the last key.

use std::time::Duration;

use super::App;
use crate::client::outbox::courier::{Answer, News, Order};
use crate::client::outbox::{Entry, OutboxFault, Post, State, Summary, Whose, has_text};
use crate::tui::draft::Draft;
use crate::tui::event::{Effect, Reply, Ticket};
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::posted::Posted;
use crate::tui::shared::Link;

/// So long after a key what was typed is on the disk.
const SOON: Duration = Duration::from_secs(1);

/// What the shell remembers of the outbox.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// What waits to be written of the drafts.
    saving: Option<Ticket>,
    /// The drafts of open forms, as they were written last.
    saved: Vec<(String, Draft)>,
    /// Writes that could not be kept, and why: they are sent at once instead.
    pub(super) unkept: Vec<(Ticket, OutboxFault)>,
    /// What became of writes whose forms wait behind the lock: until somebody
    /// opens it, what was refused lies in the outbox and nowhere else.
    held_back: Vec<Answer>,
    /// Refused entries whose forms were opened again, by what their drafts belong
    /// to.
    reopened: Vec<(String, i64)>,
    /// Entries that go once the write that takes their place is kept.
    replaced: Vec<(Ticket, i64)>,
    /// Nothing is sent: in whose name the session works is not sure.
    holds: bool,
    /// Something could not be kept, of whomever: it is looked after before the
    /// program ends.
    fails: bool,
    /// A form with a text in it was left, and nobody was told yet whether that is
    /// kept.
    pub(super) left: Option<Ticket>,
    /// The words that the server was restored, until somebody has read them.
    pub(super) restored: Option<String>,
}

impl Desk {
    /// Nobody waits for these words any more.
    pub(super) fn forget_words(&mut self) {
        (self.left, self.restored) = (None, None);
    }
}

impl App {
    /// Whose drafts and writes are kept; none at a workshop terminal, which
    /// keeps nothing.
    pub(super) fn whose(&self) -> Option<Whose> {
        let session = self.shared.session.as_ref().filter(|_| !self.shared.is_kiosk())?;
        Some(Whose { server: self.shared.server.clone()?, user: session.user.id })
    }

    /// Somebody is signed in: what waits for him is sent, his drafts come back.
    pub(super) fn begin_outbox(&mut self) {
        if let Some(whose) = self.whose() {
            self.hold_outbox(self.shared.acting().is_some());
            let lineage = self.shared.session.as_ref().map(|session| session.lineage.clone()).filter(|lineage| !lineage.is_empty());
            self.effects.push_back(Effect::Deliver(whose, lineage));
        }
        if self.locked.is_none() {
            for answer in std::mem::take(&mut self.desk.held_back) {
                self.answered(answer);
            }
        }
    }

    /// The line is down, and nobody can say who sits here: how much waits on this
    /// machine is told all the same.
    pub(super) fn look_at_outbox(&mut self) {
        if self.shared.session.is_none()
            && !self.shared.is_kiosk()
            && let Some(server) = self.shared.server.clone()
        {
            self.tell_outbox(Order::Look(server));
        }
    }

    /// Nothing is sent while one works or looks in somebody's place: it would be
    /// another's write, and under the same key a second one. Or it goes on.
    pub(super) fn hold_outbox(&mut self, holds: bool) {
        if self.desk.holds != holds && self.whose().is_some() {
            self.desk.holds = holds;
            self.tell_outbox(Order::Hold(holds));
        }
    }

    /// The line is back: what waits is sent. Where nobody said yet in whose name,
    /// that is asked first.
    pub(super) fn send_again(&mut self) {
        self.tell_outbox(Order::Hurry);
        if self.desk.holds && self.shared.acting().is_none() && self.turning.is_none() && self.session_ticket.is_none() {
            self.ask_session();
        }
    }

    /// Keeps a write and sends it. Where nothing is kept it is just sent; so is
    /// what is done in somebody's name: later one may be oneself again.
    pub(super) fn post(&mut self, ticket: Ticket, post: Post) {
        match self.whose().filter(|_| self.shared.acting().is_none()) {
            Some(whose) => {
                // It takes the place of the draft: what comes back of it is new.
                self.desk.saved.retain(|(about, _)| *about != post.about);
                if let Some(at) = self.desk.reopened.iter().position(|(about, _)| *about == post.about) {
                    let (_, entry) = self.desk.reopened.swap_remove(at);
                    self.desk.replaced.push((ticket, entry));
                }
                self.effects.push_back(Effect::Outbox(Order::Keep(ticket.0, whose, Box::new(post))));
            }
            None => {
                self.goes_out_unkept(ticket, post.call);
            }
        }
    }

    /// A refused entry stays until its form, opened again, is saved.
    pub(super) fn reopened(&mut self, about: String, entry: i64) {
        self.desk.reopened.retain(|(before, _)| *before != about);
        self.desk.reopened.push((about, entry));
    }

    fn is_kept(&mut self, ticket: Ticket) {
        self.unsure.is_kept(ticket);
        self.with_asker(ticket, |layer, _| layer.on_kept(ticket, true));
        if let Some(at) = self.desk.replaced.iter().position(|(kept, _)| *kept == ticket) {
            let (_, entry) = self.desk.replaced.swap_remove(at);
            self.tell_outbox(Order::Discard(entry));
        }
    }

    /// Tells the outbox something. What is taken out of it stands in a form by
    /// now: first that is on the disk.
    pub(super) fn tell_outbox(&mut self, order: Order) {
        if matches!(order, Order::Discard(_)) {
            self.keep_open_drafts();
        }
        self.effects.push_back(Effect::Outbox(order));
    }

    /// What the outbox tells.
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Drafts(whose, drafts) => self.remember_drafts(&whose, drafts),
            News::Kept(tag) => self.is_kept(Ticket(tag)),
            News::NotKept(tag, post, fault) => self.send_unkept(Ticket(tag), *post, fault),
            News::Answer(answer) => self.answered(*answer),
            News::Settled(entry) => self.settled(&entry),
            News::PutOff(entry, is_asked) => self.put_off(&entry, is_asked),
            News::UnderWay(entries) => self.shared.sending = entries,
            News::Changed(summary) => self.count(summary),
            News::SentAgain(count) => self.tell_of_restored(count),
            News::Sure(tag, fault) => {
                self.desk.fails = fault.is_some();
                self.tell_if_kept(Ticket(tag), fault.as_ref());
                self.is_sure(Ticket(tag), fault);
            }
            News::List(tag, entries) => {
                self.with_asker(Ticket(tag), |layer, _| layer.on_entries(Ticket(tag), entries));
                self.waiting.remove(&Ticket(tag));
            }
            News::Failed(fault) => {
                self.desk.fails = true;
                self.say(Tone::Error, format!("Nothing can be kept on this machine: {fault}."));
            }
        }
    }

    /// The drafts of the last time. What stands in an open form is older there:
    /// put back with the next sign-in it would undo what was typed since.
    fn remember_drafts(&mut self, whose: &Whose, mut drafts: Vec<(String, Draft)>) {
        if self.whose().as_ref() != Some(whose) {
            return;
        }
        let open: Vec<String> = self.open_drafts().into_iter().filter(|(_, draft)| has_text(draft)).map(|(about, _)| about).collect();
        drafts.retain(|(about, _)| !open.contains(about));
        self.drafts.remember(drafts);
    }

    /// What is typed in open forms, behind a lock too.
    pub(super) fn open_drafts(&self) -> Vec<(String, Draft)> {
        self.layers.iter().chain(self.behind_the_lock()).filter_map(|held| held.layer.draft()).collect()
    }

    /// A message, unless the terminal is locked.
    pub(super) fn say(&mut self, tone: Tone, text: String) {
        if self.locked.is_none() {
            self.message = Some((tone, text));
        }
    }

    fn count(&mut self, summary: Summary) {
        self.shared.outbox = summary;
        self.tell_layers_of_outbox();
    }

    fn tell_layers_of_outbox(&mut self) {
        for at in 0..self.layers.len() {
            self.with(at, |layer, cx| layer.on_outbox(cx));
        }
    }

    /// Whether something was typed here that a file has to hold.
    pub(super) fn has_typed(&self) -> bool {
        self.desk.fails || (self.whose().is_some() && (!self.writing.is_empty() || self.holds_text()))
    }

    /// Whether a text stands in a form, or was left in one.
    pub(super) fn holds_text(&self) -> bool {
        self.drafts.holds_any() || self.open_drafts().iter().any(|(_, draft)| has_text(draft))
    }

    fn answered(&mut self, answer: Answer) {
        let ticket = Ticket(answer.tag);
        if self.locked.is_some() && self.waiting.contains_key(&ticket) {
            return self.desk.held_back.push(answer);
        }
        let Answer { entry, outcome, waits, took, .. } = answer;
        let (is_heard, is_refused) = (self.is_awaited(ticket), !waits && outcome.is_err());
        self.shared.writes += u64::from(self.writing.remove(&ticket));
        self.reply(Reply { ticket, outcome, last_good: None, took, at: self.shared.now, waits });
        if is_refused && is_heard {
            // The form has it, with all its text.
            self.tell_outbox(Order::Discard(entry));
        }
        if !waits && !is_heard {
            self.tell_outbox(Order::Tell(entry));
        }
    }

    /// A try brought nothing. Whoever asked for it reads so, and when the next one
    /// comes by itself.
    fn put_off(&mut self, entry: &Entry, is_asked: bool) {
        self.tell_layers_of_outbox();
        if is_asked {
            let next = entry.next_try.map(|at| format!("; next try by itself at {}", self.shared.clock(at))).unwrap_or_default();
            self.say(Tone::Warning, format!("Tried now{next}: {}", entry.reason.as_deref().unwrap_or_default()));
        }
    }

    /// What nobody waited for any more arrived, or was refused.
    fn settled(&mut self, entry: &Entry) {
        if let Some(subject) = Posted::of(entry).and_then(|posted| posted.subject()).filter(|_| self.locked.is_none()) {
            self.intent(0, Intent::Changed(subject));
        }
        self.tell_layers_of_outbox();
        match entry.state {
            State::Sent => {
                if self.shared.is_off_line() {
                    self.shared.link = Link::Online;
                }
                self.say_beside_restored(Tone::Fine, format!("Sent now: {}.", entry.title));
            }
            State::Refused => {
                let reason = entry.reason.as_deref().unwrap_or_default();
                let told = self.shared.with_key("outbox", &format!("Refused: {}: {reason} It is in the outbox", entry.title));
                self.say_beside_restored(Tone::Error, told);
            }
            State::Waiting => {}
        }
    }

    /// Lets the layer work that asked for something.
    pub(super) fn with_asker(&mut self, ticket: Ticket, run: impl FnOnce(&mut dyn Layer, &mut Cx<'_>)) {
        let Some(id) = self.waiting.get(&ticket).copied() else { return };
        if let Some(at) = self.layers.iter().position(|held| held.id == id) {
            self.with(at, run);
        }
    }

    /// A key was pressed where something can be typed: soon it is on the disk.
    pub(super) fn save_soon(&mut self) {
        // Not only what has letters is kept: roles are turned by a key.
        let types = self.layers.len() > 1 && self.top().is_some_and(|top| top.wants_text() || top.draft().is_some());
        if types && self.desk.saving.is_none() && self.whose().is_some() {
            let ticket = self.new_ticket();
            self.desk.saving = Some(ticket);
            self.effects.push_back(Effect::Wake(ticket, SOON));
        }
    }

    /// Whether the time is over after which what was typed is written.
    pub(super) fn is_time_to_save(&mut self, ticket: Ticket) -> bool {
        let due = self.desk.saving.take_if(|saving| *saving == ticket).is_some();
        if due {
            self.keep_open_drafts();
        }
        due
    }

    /// Writes what is typed in open forms, behind a lock too.
    pub(super) fn keep_open_drafts(&mut self) {
        let Some(whose) = self.whose() else { return };
        let open = self.open_drafts();
        let mut drafts = self.drafts.take_changes();
        drafts.retain(|(about, _)| open.iter().all(|(other, _)| other != about));
        // A form that is still as it was is not told of again, nor one that was
        // never begun.
        let was = |about: &str| self.desk.saved.iter().find(|(before, _)| before == about).map(|(_, draft)| draft);
        let news = open.iter().filter(|(about, draft)| match was(about) {
            Some(before) => before != draft,
            None => has_text(draft),
        });
        drafts.extend(news.cloned());
        self.desk.saved = open;
        if !drafts.is_empty() {
            self.tell_outbox(Order::Drafts(whose, drafts));
        }
    }

    /// Forgets the outbox of whoever was here; on the disk it stays for him.
    pub(super) fn end_outbox(&mut self) {
        self.desk = Desk { fails: self.desk.fails, ..Desk::default() };
        self.shared.outbox = Summary::default();
    }
}

#[cfg(test)]
mod listed {
    use crossterm::event::{KeyCode, KeyModifiers};
    use jiff::Timestamp;

    use super::super::Beginning;
    use super::super::locking::tests::{Desk as Counter, key, session};
    use super::*;
    use crate::api::ids::UserId;
    use crate::tui::event::Event;

    /// One that waits since somebody asked for a pause.
    fn entry() -> Entry {
        Entry {
            id: 7,
            state: State::Waiting,
            title: "Reading 12,903.5 of 1042".to_owned(),
            typed_at: Timestamp::UNIX_EPOCH,
            settled_at: None,
            tries: 1,
            reason: Some("The server is busy.".to_owned()),
            next_try: Some(Timestamp::UNIX_EPOCH),
            number: None,
            about: "reading".to_owned(),
            typed: Vec::new(),
            form: String::new(),
        }
    }

    /// A counter with the outbox open, in which one entry waits.
    fn counter() -> Counter {
        let mut counter = Counter::new(Beginning { signed_in: true, ..Beginning::default() });
        let asked = counter.call("GetSession");
        counter.answer(0, asked, Ok(session(UserId::new(), "staff", 43_200)));
        counter.at(1, key(KeyCode::Char('u'), KeyModifiers::ALT));
        let of = |effect: &Effect| match effect {
            Effect::Outbox(Order::List(tag)) => Some(*tag),
            _ => None,
        };
        let tag = counter.asked.iter().find_map(of).unwrap();
        counter.at(2, Event::Outbox(Box::new(News::List(tag, Ok(vec![entry()])))));
        counter
    }

    fn presses(counter: &mut Counter, letter: char) -> bool {
        counter.at(3, key(KeyCode::Char(letter), KeyModifiers::NONE));
        counter.asked.iter().any(|effect| matches!(effect, Effect::Outbox(Order::Discard(7))))
    }

    #[test]
    fn t35_a_key_that_is_held_down_discards_nothing() {
        let mut counter = counter();
        for _ in 0..60 {
            assert!(!presses(&mut counter, 'x'));
        }
        assert!(counter.shown().contains("for good?"), "{}", counter.shown());
        assert!(presses(&mut counter, 'y'));
        assert!(!presses(&mut counter, 'y'), "once");
    }

    #[test]
    fn whoever_does_not_want_to_wait_is_told_what_came_of_it_and_when_the_next_try_comes() {
        let mut counter = counter();
        counter.at(3, key(KeyCode::Char('s'), KeyModifiers::NONE));
        assert!(counter.asked.iter().any(|effect| matches!(effect, Effect::Outbox(Order::TryNow))), "{:?}", counter.asked);
        counter.at(4, Event::Outbox(Box::new(News::PutOff(Box::new(entry()), false))));
        assert!(counter.shown().contains("Sending what waits."), "that try was not the one: {}", counter.shown());
        counter.at(5, Event::Outbox(Box::new(News::PutOff(Box::new(entry()), true))));
        let shown = counter.shown();
        assert!(shown.contains("Tried now; next try by itself at ") && !shown.contains("Sending what waits."), "{shown}");
        assert!(counter.asked.iter().any(|effect| matches!(effect, Effect::Outbox(Order::List(_)))), "and the list is of now");
    }

    #[test]
    fn t35_whoever_went_on_after_the_question_is_asked_again() {
        for other in ['n', 'z', 'j'] {
            let mut counter = counter();
            assert!(!presses(&mut counter, 'x') && !presses(&mut counter, other) && !presses(&mut counter, 'y'), "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::super::Beginning;
    use super::super::locking::tests::{Desk as Counter, key, session};
    use super::*;
    use crate::api::ids::{AssetId, CustomerId, UserId};
    use crate::api::problem::Problem;
    use crate::api::session::NewActing;
    use crate::client::Call;
    use crate::tui::event::Event;
    use crate::tui::overlays::ReadingLine;

    /// Jo, who enters a reading.
    struct Jo {
        counter: Counter,
        user: UserId,
        about: String,
    }

    impl Jo {
        /// With this left in the form the last time.
        fn with(left: Draft) -> Self {
            let (mut counter, user, asset) = (Counter::new(Beginning { signed_in: true, ..Beginning::default() }), UserId::new(), AssetId::new());
            let asked = counter.call("GetSession");
            counter.answer(0, asked, Ok(session(user, "staff", 43_200)));
            let about = format!("reading {asset}");
            counter.app.drafts.set(&about, left);
            counter.app.open(Box::new(ReadingLine::again(asset, "KB-114".to_owned())));
            Self { counter, user, about }
        }

        fn new() -> Self {
            Self::with(Draft::new())
        }

        fn hears(&mut self, second: u64, news: News) {
            self.counter.at(second, Event::Outbox(Box::new(news)));
        }

        /// Types a digit, and waits until it is on the disk.
        fn types_slowly(&mut self, second: u64, digit: &str) {
            self.counter.types(second, digit);
            let (soon, _) = self.counter.wakes()[0];
            self.counter.at(second + 1, Event::Woken(soon));
        }

        /// Presses Enter: the tag under which it is kept, and with what.
        fn sends(&mut self, second: u64) -> (u64, Draft) {
            self.counter.at(second, key(KeyCode::Enter, KeyModifiers::NONE));
            let of = |effect: &Effect| match effect {
                Effect::Outbox(Order::Keep(tag, _, post)) => Some((*tag, post.typed.clone())),
                _ => None,
            };
            let kept = self.counter.asked.iter().find_map(of).unwrap();
            self.hears(second, News::Kept(kept.0));
            kept
        }

        fn signs_in_again(&mut self, second: u64) {
            let session = serde_json::from_slice(&session(self.user, "staff", 43_200)).unwrap();
            self.counter.app.use_session(session);
            self.counter.at(second, Event::Resize);
        }

        /// What the outbox is told: drafts, and what is taken out or asked for.
        fn tells(&self) -> Vec<String> {
            let told = |effect: &Effect| match effect {
                Effect::Outbox(Order::Drafts(_, drafts)) => {
                    Some(drafts.iter().flat_map(|(_, draft)| draft).map(|(field, text)| format!("{field} {text}")).collect::<Vec<_>>().join(", "))
                }
                Effect::Outbox(Order::Discard(entry)) => Some(format!("discard {entry}")),
                Effect::Outbox(Order::Tell(entry)) => Some(format!("tell {entry}")),
                Effect::Outbox(Order::Hold(holds)) => Some(format!("hold {holds}")),
                Effect::Call(_, call) if call.endpoint.name == "ActFor" => Some("stand in".to_owned()),
                _ => None,
            };
            self.counter.asked.iter().filter_map(told).collect()
        }
    }

    fn typed(text: &str) -> Draft {
        vec![("value".to_owned(), text.to_owned())]
    }

    fn refused(tag: u64) -> News {
        let outcome = Err(Problem::new("fields.invalid", "Lower than before.").into());
        News::Answer(Box::new(Answer { tag, entry: 7, outcome, waits: false, took: Duration::from_millis(20) }))
    }

    #[test]
    fn what_is_typed_is_written_and_then_nothing_is_waited_for() {
        let mut jo = Jo::new();
        jo.types_slowly(1, "4");
        assert_eq!(jo.tells(), ["value 4"]);
        assert!(jo.counter.wakes().is_empty(), "whoever looks at a form wakes no machine");
        jo.types_slowly(60, "2");
        assert_eq!(jo.tells(), ["value 42"]);
    }

    #[test]
    fn what_is_refused_at_once_is_on_the_disk_before_it_leaves_the_outbox() {
        let mut jo = Jo::new();
        jo.types_slowly(1, "4");
        let (tag, _) = jo.sends(3);
        jo.hears(3, refused(tag));
        assert_eq!(jo.tells(), ["value 4", "discard 7"]);
    }

    #[test]
    fn what_is_refused_behind_the_lock_stays_in_the_outbox_until_somebody_opens_it() {
        let mut jo = Jo::new();
        jo.counter.types(1, "4");
        let (tag, _) = jo.sends(2);
        jo.counter.at(3, key(KeyCode::Char('l'), KeyModifiers::CONTROL));
        jo.hears(4, refused(tag));
        assert_eq!(jo.tells(), Vec::<String>::new(), "it is nowhere else");
        jo.signs_in_again(5);
        assert_eq!(jo.tells(), ["value 4", "discard 7"]);
        assert!(jo.counter.shown().contains("Lower than before."), "{}", jo.counter.shown());
    }

    #[test]
    fn whoever_leaves_a_form_on_its_way_is_told_what_became_of_it() {
        let mut jo = Jo::new();
        jo.counter.types(1, "4");
        let (tag, _) = jo.sends(2);
        jo.counter.at(3, key(KeyCode::Esc, KeyModifiers::NONE));
        jo.hears(4, refused(tag));
        assert_eq!(jo.tells(), ["tell 7"], "and it stays in the outbox");
    }

    #[test]
    fn what_was_typed_since_is_not_undone_by_the_next_sign_in() {
        let mut jo = Jo::new();
        jo.types_slowly(1, "4");
        let whose = jo.counter.app.whose().unwrap();
        jo.hears(3, News::Drafts(whose, vec![(jo.about.clone(), typed("4"))]));
        jo.counter.types(4, "2");
        jo.signs_in_again(5);
        assert_eq!(jo.counter.app.open_drafts(), [(jo.about.clone(), typed("42"))]);
    }

    #[test]
    fn a_reading_goes_to_the_meter_it_was_typed_for_though_nobody_knows_the_meters_yet() {
        let left = [typed("4"), vec![("meter".to_owned(), "odometer".to_owned())]].concat();
        let mut jo = Jo::with(left.clone());
        assert!(jo.counter.shown().contains("Odometer"), "{}", jo.counter.shown());
        let (_, kept) = jo.sends(1);
        assert_eq!(kept[..2], left);
        assert!(kept[2].0 == "read_at" && !kept[2].1.is_empty(), "whoever corrects it later means this moment: {kept:?}");
    }

    #[test]
    fn what_was_typed_as_oneself_is_not_sent_in_anothers_name() {
        let mut jo = Jo::new();
        let acting = NewActing { customer: Some(CustomerId::new()), contact: None };
        jo.hears(1, News::UnderWay(vec![7]));
        jo.counter.app.stand_in(&acting);
        jo.counter.at(1, Event::Resize);
        assert!(jo.tells().is_empty() && jo.counter.shown().contains("on its way"), "{}", jo.counter.shown());
        jo.hears(2, News::UnderWay(Vec::new()));
        jo.counter.app.stand_in(&acting);
        jo.counter.at(2, Event::Resize);
        assert_eq!(jo.tells(), ["hold true", "stand in"], "before the server turns the session");
        let asked = jo.counter.call("ActFor");
        jo.counter.answer(3, asked, Err(Problem::new("consent.missing", "It took its consent back.").into()));
        assert_eq!(jo.tells(), ["hold false"]);
    }

    #[test]
    fn whoever_signs_out_is_told_of_what_waits() {
        let mut jo = Jo::new();
        jo.hears(1, News::Changed(Summary { waiting: 2, refused: 1 }));
        jo.counter.app.sign_out();
        assert!(jo.counter.shown().contains("3 of what you typed wait here"), "{}", jo.counter.shown());
    }

    #[test]
    fn what_could_not_be_kept_is_not_sent_by_whoever_sits_here_since() {
        let mut jo = Jo::new();
        let call = Call::of::<crate::api::operation::SignOut>(&crate::api::page::Nothing {}, &crate::api::page::Nothing {}, &crate::api::page::Nothing {});
        let text = String::new;
        let post = Post { call, subject: text(), title: text(), about: text(), typed: Vec::new(), form: text() };
        jo.hears(1, News::NotKept(99, Box::new(post), OutboxFault::Full));
        assert!(jo.counter.asked.is_empty(), "{:?}", jo.counter.asked);
    }
}

//! The shell: events in, effects out. It holds the stack of layers, hands keys
//! to commands or to the layer on top, and answers to those who asked.

mod kept;
mod kiosk;
mod leaving;
mod locking;
mod off_line;
mod outbox;
mod restored;
mod signing;
mod standing_in;
mod unkept;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crokey::KeyCombination;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::administration::{self, Administration};
use super::command::Command;
use super::draft::Drafts;
use super::event::{Effect, Event, Reply, Ticket};
use super::idle::{Idle, Sleep};
use super::keymap::{Keymap, Meaning, pressed};
use super::last_good::LastGoods;
use super::layer::{Cx, Exit, Intent, Layer, Tone};
use super::lock_note::LockNote;
use super::overlays::{Help, Palette, PasswordForm, ShopPicker, SignIns};
use super::screens::{Find, FirstRun, OUTBOX_TITLE, Outbox, Rest, SignIn};
use super::shared::{Link, Shared};
use super::style::Look;
use super::unsure::Unsure;
use super::{Device, End, frame};
use crate::api::operation::Method;
use crate::client::outbox::courier::Order;
use crate::client::outbox::{Summary, has_text};
use crate::text::clean_line;
use kiosk::Kiosk;
use leaving::Leaving;
use locking::Locked;
use outbox::Desk;

/// The state of the whole application.
#[derive(Debug)]
pub(super) struct App {
    shared: Shared,
    layers: Vec<Held>,
    /// Who waits for which answer.
    waiting: HashMap<Ticket, u64>,
    /// Writes on their way.
    writing: HashSet<Ticket>,
    session_ticket: Option<Ticket>,
    /// Beginning or ceasing to stand in for somebody.
    turning: Option<Ticket>,
    /// The session was asked because something was refused.
    refused: bool,
    drafts: Drafts,
    /// What is remembered of the outbox.
    desk: Desk,
    unsure: Unsure,
    last_goods: LastGoods,
    effects: VecDeque<Effect>,
    message: Option<(Tone, String)>,
    /// Keys of a chord that is not finished.
    pressed: Vec<KeyCombination>,
    next_ticket: u64,
    next_layer: u64,
    dirty: bool,
    wiped: bool,
    idle: Idle,
    /// Until what is shown is old.
    aging: Sleep,
    /// After so long without a key it locks itself.
    lock_after: Option<Duration>,
    /// What waits behind the lock while it is locked.
    locked: Option<Locked>,
    /// A workshop terminal that was enrolled.
    kiosk: Option<Kiosk>,
    /// Calls up to this one were made for another session.
    session_since: u64,
    /// Somebody wants to leave, and what was typed is not kept yet.
    leaving: Option<(Exit, Leaving)>,
}

/// How it begins.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    /// The server's address; none asks for one.
    pub(super) server: Option<String>,
    /// Whether a session's token is at hand.
    pub(super) signed_in: bool,
    /// Whether the first-run screen offers the demo.
    pub(super) offers_demo: bool,
    /// After so long without a key it locks itself.
    pub(super) lock_after: Option<Duration>,
    /// Who had locked it when it ended.
    pub(super) locked: Option<LockNote>,
    /// Makes it a workshop terminal.
    pub(super) device: Option<Device>,
}

#[derive(Debug)]
struct Held {
    id: u64,
    layer: Box<dyn Layer>,
}

impl App {
    /// The application before its first frame.
    pub(super) fn new(keymap: Keymap, look: Look, begin: Beginning) -> Self {
        let first: Box<dyn Layer> = match (&begin.server, begin.signed_in) {
            (None, _) => Box::new(FirstRun::new(begin.offers_demo)),
            (Some(_), _) if begin.device.is_some() => Box::new(Rest::beginning()),
            (Some(_), true) => Box::new(Find::default()),
            (Some(_), false) => Box::new(SignIn::new(None)),
        };
        let now = Timestamp::now();
        let shared = Shared {
            session: None,
            link: Link::Unknown,
            look,
            keymap,
            now,
            server: begin.server,
            is_device: begin.device.is_some(),
            outbox: Summary::default(),
            sending: Vec::new(),
            writes: 0,
        };
        let mut app = Self {
            shared,
            layers: vec![Held { id: 0, layer: first }],
            waiting: HashMap::new(),
            writing: HashSet::new(),
            session_ticket: None,
            turning: None,
            refused: false,
            drafts: Drafts::default(),
            desk: Desk::default(),
            unsure: Unsure::default(),
            last_goods: LastGoods::default(),
            effects: VecDeque::new(),
            message: None,
            pressed: Vec::new(),
            next_ticket: 0,
            next_layer: 1,
            dirty: false,
            wiped: false,
            idle: Idle::new(now),
            aging: Sleep::default(),
            lock_after: begin.lock_after,
            locked: None,
            kiosk: begin.device.map(|device| Kiosk::new(device, now)),
            session_since: 0,
            leaving: None,
        };
        if let Some(note) = begin.locked {
            app.start_locked(&note);
        }
        app
    }

    /// Asks who is signed in; the first frame stands already.
    pub(super) fn start(&mut self) {
        if self.kiosk.is_some() {
            self.begin_at_kiosk();
        } else if self.locked.is_none() && !super::sign_in_needed(self.layers.first().map(|held| held.layer.title()).as_deref()) {
            self.ask_session();
        }
    }

    /// What the loop is to do next.
    pub(super) fn take_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether the screen is another now.
    pub(super) fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// Whether everything is to go off the screen and out of the scroll-back
    /// before it is drawn.
    pub(super) fn take_wiped(&mut self) -> bool {
        std::mem::take(&mut self.wiped)
    }

    fn wipe(&mut self) {
        self.wiped = true;
        self.dirty = true;
    }

    /// Applies an event. Time comes with it; nobody here reads a clock.
    pub(super) fn apply(&mut self, event: Event, now: Timestamp) {
        self.shared.now = now;
        let is_typed = matches!(event, Event::Key(_) | Event::Paste(_));
        if is_typed && !self.touched() {
            return;
        }
        // A layer that is gone has nothing to be drawn.
        self.dirty |= match &event {
            Event::Woken(ticket) => self.is_awaited(*ticket),
            _ => true,
        };
        match event {
            Event::Key(key) => self.key(key),
            Event::Paste(_) if self.is_resting() => self.begin_at_kiosk(),
            Event::Paste(text) => {
                self.has_read();
                self.with_top(|layer, cx| layer.on_paste(&text, cx));
            }
            Event::Reply(reply) => {
                let arrived = reply.outcome.is_ok();
                let is_lost = self.unsure.answered(reply.ticket, &reply.outcome) && reply.outcome.as_ref().is_err_and(|error| error.problem().is_none());
                self.shared.writes += u64::from(self.writing.remove(&reply.ticket));
                if let Some(reply) = self.not_held_back(reply) {
                    self.reply(*reply);
                }
                if is_lost {
                    self.tell_of_doubt();
                }
                self.leave_if_sent(arrived);
            }
            Event::Outbox(news) => self.hear(*news),
            Event::Busy(pause) => self.shared.link = Link::Busy(pause),
            Event::Woken(ticket) => self.woken(ticket),
            Event::Signal(signal) => self.end(End::Signal(signal)),
            Event::Resize | Event::Resumed => {}
        }
        if is_typed {
            self.save_soon();
        }
        self.watch_idle();
        self.watch_age();
    }

    /// Draws everything.
    pub(super) fn view(&self, area: Rect, buffer: &mut Buffer) {
        // Behind a lock not even who sits here for whom is shown.
        let body = if self.locked.is_some() { Some(area) } else { frame::view(area, buffer, &self.shared, self.top(), self.as_of()) };
        let Some(body) = body else { return };
        for held in self.in_sight() {
            held.layer.view(body, buffer, &self.shared);
        }
        frame::say(area, buffer, &self.shared, self.message.as_ref());
        frame::make_harmless(buffer);
    }

    /// Where the cursor stands.
    pub(super) fn caret(&self, area: Rect) -> Option<Position> {
        let body = if self.locked.is_some() { area } else { frame::body(area)? };
        self.top()?.caret(body, &self.shared)
    }

    fn top(&self) -> Option<&dyn Layer> {
        self.layers.last().map(|held| held.layer.as_ref())
    }

    /// A key: whoever pressed it has read what stood there.
    fn has_read(&mut self) {
        self.message = None;
        self.desk.forget_words();
    }

    fn key(&mut self, key: KeyEvent) {
        self.has_read();
        if self.kept_at_rest(key) {
            return;
        }
        let Some(top) = self.top() else { return };
        let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        let typed = plain && matches!(key.code, KeyCode::Char(_)) && top.wants_text();
        let places = top.places();
        if typed {
            self.pressed.clear();
            return self.with_top(|layer, cx| layer.on_key(key, cx));
        }
        self.pressed.push(pressed(key));
        match self.shared.keymap.meaning(&places, &self.pressed) {
            Meaning::Prefix => {}
            Meaning::Run(command) => {
                self.pressed.clear();
                self.run(command);
            }
            Meaning::None => {
                self.pressed.clear();
                self.with_top(|layer, cx| layer.on_key(key, cx));
            }
        }
    }

    /// Runs a command, or says why not (G-4): never silence.
    fn run(&mut self, command: &'static Command) {
        if let Some(reason) = self.forbidden(command) {
            self.message = Some((Tone::Warning, reason));
            return;
        }
        if self.shared.hides(command) {
            return;
        }
        let hindrance = self.shared.access(command.needs).err().or_else(|| self.shared.only_looks(command.needs));
        let hindrance = hindrance.or_else(|| self.top().and_then(|top| top.hindrance(command)));
        if let Some(reason) = hindrance {
            self.message = Some((Tone::Warning, reason));
            return;
        }
        match command.id {
            "quit" if self.kiosk.is_some() => self.ask_to_leave(),
            "quit" => self.leave(Exit::Quit),
            "back" => self.back(),
            "lock" => self.lock(),
            "sign_out" if self.shared.is_kiosk() => self.forget(None),
            "suspend" => self.effects.push_back(Effect::Suspend),
            "help" => {
                let (title, places, text) = self.top().map_or_else(Default::default, |top| (top.title(), top.places(), top.wants_text()));
                self.open_once(Box::new(Help::new(title, &places, text)));
            }
            "palette" => {
                let (places, text) = self.top().map_or_else(Default::default, |top| (top.places(), top.wants_text()));
                self.open_once(Box::new(Palette::new(&places, text)));
            }
            "administration" => self.open_administration(),
            "outbox" => self.open_outbox(),
            "shop.switch" => self.open_once(Box::new(ShopPicker::default())),
            "password.change" => self.open_once(Box::new(PasswordForm::layer())),
            "sign_ins" => self.open_once(Box::new(SignIns::default())),
            "acting.stop" => self.stop_acting(),
            "sign_out" => self.leave(Exit::SignOut),
            // The line was down when the program began: begin once more.
            "reload" if self.shared.session.is_none() && self.session_ticket.is_none() => self.start(),
            "find.customers" | "find.assets" | "company" => {
                if self.goes_back_to(0) {
                    self.with_top(|layer, cx| layer.on_command(command, cx));
                }
            }
            _ => self.with_top(|layer, cx| layer.on_command(command, cx)),
        }
    }

    /// Back to the administration where it is open already.
    fn open_administration(&mut self) {
        let open = self.layers.iter().position(|held| held.layer.title() == administration::TITLE);
        self.go_back_or_open(open, Box::new(Administration::default()));
    }

    /// The same of the outbox.
    fn open_outbox(&mut self) {
        let open = self.layers.iter().position(|held| held.layer.title() == OUTBOX_TITLE);
        self.go_back_or_open(open, Box::new(Outbox::default()));
    }

    /// Opens what lies over a screen, once: a key held down piles up nothing.
    fn open_once(&mut self, layer: Box<dyn Layer>) {
        let open = self.layers.iter().position(|held| held.layer.is_over() && held.layer.title() == layer.title());
        self.go_back_or_open(open, layer);
    }

    fn go_back_or_open(&mut self, open: Option<usize>, layer: Box<dyn Layer>) {
        match open {
            Some(at) => {
                self.goes_back_to(at);
            }
            None => self.open(layer),
        }
    }

    /// Back to a layer: those above it are gone, unless one of them waits for an
    /// answer.
    fn goes_back_to(&mut self, at: usize) -> bool {
        let goes = !self.waits_for_answer(at + 1);
        if goes {
            self.leave_layers(at + 1);
        }
        goes
    }

    /// Whether a text from this layer on is on its way and kept nowhere, which is
    /// said: left now, nobody would hear what became of it, and it would be sent
    /// once more.
    fn waits_for_answer(&mut self, from: usize) -> bool {
        let askers: Vec<u64> = self.unsure.on_their_way().filter_map(|ticket| self.waiting.get(&ticket).copied()).collect();
        let is_typed = |held: &Held| held.layer.draft().is_some_and(|(_, draft)| has_text(&draft));
        let waits = self.layers.iter().skip(from).any(|held| askers.contains(&held.id) && is_typed(held));
        if waits {
            self.message = Some((Tone::Warning, "It is being sent: wait for the answer.".to_owned()));
        }
        waits
    }

    /// One step back; typed text is kept as a draft.
    fn back(&mut self) {
        let mut stays = false;
        self.with_top(|layer, cx| stays = layer.on_back(cx));
        if !stays && self.layers.len() > 1 {
            self.leave_layers(self.layers.len() - 1);
        }
    }

    /// Ends orderly: what was typed is kept in a file, but not on a
    /// workstation that must forget.
    fn end(&mut self, end: End) {
        self.bring_back_layers();
        self.keep_open_drafts();
        if self.kiosk.is_some() {
            self.wipe();
        }
        self.effects.push_back(Effect::Quit(end));
    }

    /// Begins anew with one layer.
    fn restart(&mut self, layer: Box<dyn Layer>) {
        self.layers.clear();
        self.waiting.clear();
        self.open(layer);
    }

    fn open(&mut self, layer: Box<dyn Layer>) {
        let id = self.next_layer;
        self.next_layer += 1;
        let page = layer.page_of();
        self.layers.push(Held { id, layer });
        if let Some((first, opened)) = self.layers.first_mut().zip(page) {
            first.layer.on_page(opened, &self.shared);
        }
        self.with_top(|layer, cx| layer.opened(cx));
    }

    /// Hands an answer to those who asked.
    fn hand_out(&mut self, reply: &Reply) {
        if self.is_taken_by_kiosk(reply) {
            return;
        }
        if self.session_ticket == Some(reply.ticket) {
            self.session_ticket = None;
            return self.session_reply(reply);
        }
        if self.turning == Some(reply.ticket) {
            self.turning = None;
            return self.turned(reply);
        }
        let Some(id) = self.waiting.remove(&reply.ticket) else { return };
        match reply.outcome.as_ref().err().and_then(|error| error.problem()).map(|problem| problem.status) {
            Some(401) if self.shared.session.is_some() && self.is_of_this_session(reply) => self.session_ended(),
            // A right was taken away: learn what is left and grey by it (G-2).
            Some(403) if self.shared.session.is_some() => {
                self.ask_session();
                self.refused = true;
            }
            _ => {}
        }
        if let Some(at) = self.layers.iter().position(|held| held.id == id) {
            self.with(at, |layer, cx| layer.on_reply(reply, cx));
        }
        self.tell_if_unkept(reply);
    }

    /// Whether the layer that asked for it is still there.
    fn is_awaited(&self, ticket: Ticket) -> bool {
        self.waiting.get(&ticket).is_some_and(|id| self.layers.iter().any(|held| held.id == *id))
    }

    fn woken(&mut self, ticket: Ticket) {
        if self.is_time_to_save(ticket) {
            return;
        }
        if self.idle.sleep.ends(ticket) {
            return self.left_alone();
        }
        if self.aging.ends(ticket) {
            self.dirty |= self.as_of().is_some();
            return;
        }
        let Some(id) = self.waiting.remove(&ticket) else { return };
        if let Some(at) = self.layers.iter().position(|held| held.id == id) {
            self.with(at, |layer, cx| layer.on_wake(ticket, cx));
        }
    }

    fn new_ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    fn with_top(&mut self, run: impl FnOnce(&mut dyn Layer, &mut Cx<'_>)) {
        if let Some(top) = self.layers.len().checked_sub(1) {
            self.with(top, run);
        }
    }

    /// Lets a layer work, then does what it wants.
    fn with(&mut self, at: usize, run: impl FnOnce(&mut dyn Layer, &mut Cx<'_>)) {
        let Some(held) = self.layers.get_mut(at) else { return };
        let id = held.id;
        let mut cx = Cx { shared: &self.shared, drafts: &mut self.drafts, unsure: &mut self.unsure, next_ticket: &mut self.next_ticket, intents: Vec::new() };
        run(held.layer.as_mut(), &mut cx);
        let intents = cx.intents;
        for intent in intents {
            self.intent(id, intent);
        }
    }

    fn intent(&mut self, id: u64, intent: Intent) {
        match intent {
            Intent::Call(ticket, call) => {
                if call.endpoint.method != Method::Get {
                    self.shared.writes += 1;
                    self.writing.insert(ticket);
                }
                self.note_asked(ticket, &call);
                self.waiting.insert(ticket, id);
                self.effects.push_back(Effect::Call(ticket, call));
            }
            Intent::Post(ticket, post) => {
                self.shared.writes += 1;
                self.writing.insert(ticket);
                self.waiting.insert(ticket, id);
                self.post(ticket, *post);
            }
            Intent::Reopened(about, entry) => self.reopened(about, entry),
            Intent::Outbox(ticket, order) => {
                if matches!(order, Order::List(_)) {
                    self.waiting.insert(ticket, id);
                }
                self.tell_outbox(order);
            }
            Intent::Wake(ticket, after) => {
                self.waiting.insert(ticket, id);
                self.effects.push_back(Effect::Wake(ticket, after));
            }
            Intent::Vouch(ticket, who) => {
                self.waiting.insert(ticket, id);
                self.effects.push_back(Effect::Vouch(ticket, who));
            }
            Intent::Open(layer) => self.open(layer),
            Intent::Close | Intent::Done => self.close(id, matches!(intent, Intent::Done)),
            Intent::Say(tone, text) => self.message = Some((tone, text)),
            Intent::Copy(_) | Intent::CopySecret(_) if self.shared.is_kiosk() => self.message = Some((Tone::Warning, "Not on a workshop terminal.".to_owned())),
            Intent::Copy(text) => {
                // Where it is pasted it may be taken for keys.
                let text = clean_line(&text);
                self.message = Some((Tone::Fine, format!("Copied {text}")));
                self.effects.push_back(Effect::Copy(text));
            }
            Intent::CopySecret(given) => {
                self.message = Some((Tone::Fine, "Copied".to_owned()));
                self.effects.push_back(Effect::Copy(given.password));
            }
            Intent::Changed(subject) => {
                for at in 0..self.layers.len() {
                    self.with(at, |layer, cx| layer.on_changed(subject, cx));
                }
            }
            Intent::Arranged => {
                for at in 0..self.layers.len() {
                    self.with(at, |layer, cx| layer.on_arranged(cx));
                }
            }
            Intent::Run(command) => {
                self.close(id, true);
                self.run(command);
            }
            Intent::SignedIn(token) => self.signed_in(id, token),
            Intent::Server(server) => {
                self.shared.server = Some(server.clone());
                self.effects.push_back(Effect::UseServer(server));
                self.restart(Box::new(SignIn::new(None)));
            }
            Intent::StandIn(acting) => self.stand_in(&acting),
            Intent::Session(session) => self.use_session(*session),
            Intent::Demo => self.effects.push_back(Effect::Quit(End::Demo)),
            Intent::Leave(exit) => self.go(exit),
        }
    }

    fn close(&mut self, id: u64, sent: bool) {
        let Some(at) = self.layers.iter().position(|held| held.id == id) else { return };
        if let Some((about, draft)) = self.layers[at].layer.draft() {
            self.drafts.set(&about, if sent { Vec::new() } else { draft });
        }
        self.layers.remove(at);
        self.keep_open_drafts();
    }
}

//! The only file that waits: for keys, answers and signals. It sleeps when
//! nothing happens, draws only when something changed, and never lets I/O
//! stand between a key and the screen.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use crossterm::clipboard::CopyToClipboard;
use crossterm::terminal::{Clear, ClearType};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::io::{ioctl_fionread, read, retry_on_intr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::app::{App, Beginning};
use super::event::{Effect, Event, Reply, Ticket};
use super::keyboard::Keyboard;
use super::keymap::Keymap;
use super::lock_note;
use super::style::Look;
use super::terminal::{Guard, Screen, restore_on_panic};
use super::{Colour, End, Settings, Start};
use crate::api::operation::{GetSession, SignIn, SignOut};
use crate::api::page::Nothing;
use crate::api::session;
use crate::client::keeper::Keeper;
use crate::client::outbox::courier::{Courier, Order};
use crate::client::{Call, Client, ClientError, Trust};

/// At most this many events are applied before the next draw, so that a long
/// paste or a held key costs one draw and cannot starve it.
const DRAIN: usize = 256;
/// So much is read at a time: a terminal's line holds no more.
const PIECE: usize = 4096;

/// Runs until the end.
pub(super) fn run(start: Start) -> std::io::Result<End> {
    // Two workers for HTTP: encryption must not delay a key.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(EventLoop::new(start)?.run());
    // A call on its way must not hold the shell's prompt back.
    runtime.shutdown_background();
    ended
}

struct EventLoop {
    app: App,
    client: Option<Arc<Client>>,
    state_dir: PathBuf,
    /// Keeps what must arrive, and sends it.
    courier: Option<Courier>,
    /// Keeps sign-ins; its end waits until it has.
    keeper: Option<Keeper>,
    trust: Trust,
    /// A workshop terminal heeds only signals that nobody can type.
    is_device: bool,
    /// What comes back from the runtime: answers, and times that are over.
    done: (UnboundedSender<Event>, UnboundedReceiver<Event>),
}

/// The signals that end, resize or resume.
struct Signals {
    terminate: Signal,
    hang_up: Signal,
    /// Nobody raises it from within: a panic gives the terminal back itself.
    abort: Signal,
    interrupt: Signal,
    quit: Signal,
    resize: Signal,
    resume: Signal,
    /// Caught so that they do nothing: a workshop terminal is not left by them.
    unheeded: Vec<Signal>,
}

impl Signals {
    fn new(is_device: bool) -> std::io::Result<Self> {
        let suspend = SignalKind::from_raw(signal_hook::consts::SIGTSTP);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            abort: signal(SignalKind::from_raw(signal_hook::consts::SIGABRT))?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            resize: signal(SignalKind::window_change())?,
            resume: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
            unheeded: [suspend].into_iter().filter(|_| is_device).map(signal).collect::<std::io::Result<_>>()?,
        })
    }

    async fn next(&mut self) -> Event {
        // Those that somebody can type end nothing on a workshop terminal.
        let heeds_typed = self.unheeded.is_empty();
        tokio::select! {
            _ = self.terminate.recv() => Event::Signal(signal_hook::consts::SIGTERM),
            _ = self.hang_up.recv() => Event::Signal(signal_hook::consts::SIGHUP),
            _ = self.abort.recv() => Event::Signal(signal_hook::consts::SIGABRT),
            _ = self.interrupt.recv(), if heeds_typed => Event::Signal(signal_hook::consts::SIGINT),
            _ = self.quit.recv(), if heeds_typed => Event::Signal(signal_hook::consts::SIGQUIT),
            _ = self.resize.recv() => Event::Resize,
            _ = self.resume.recv() => Event::Resumed,
        }
    }
}

/// The terminal's line, read as long as it is ours.
struct Keys {
    line: AsyncFd<std::io::Stdin>,
    keyboard: Keyboard,
    heard: VecDeque<Event>,
}

impl Keys {
    #[expect(deprecated, reason = "standard input stays open as long as the program; what replaces it asks for `unsafe`")]
    fn new() -> std::io::Result<Self> {
        let line = AsyncFd::with_interest(std::io::stdin(), Interest::READABLE)?;
        Ok(Self { line, keyboard: Keyboard::default(), heard: VecDeque::new() })
    }

    /// The next key or paste. Nothing is lost when nobody waits for it any more.
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.heard.pop_front() {
                return event;
            }
            // The terminal went away: as good as a hang-up.
            if self.hear().await.is_err() {
                return Event::Signal(signal_hook::consts::SIGHUP);
            }
            if self.heard.is_empty() {
                // What is no key may come without end: others get their turns.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for the next piece.
    async fn hear(&mut self) -> std::io::Result<()> {
        loop {
            let mut ready = self.line.readable().await?;
            // The line is the shell's too and stays one that waits: only what is
            // there is read.
            if ioctl_fionread(ready.get_inner())? > 0 {
                break;
            }
            if ready.ready().is_read_closed() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            ready.clear_ready();
        }
        let (line, mut piece) = (self.line.get_ref(), [0_u8; PIECE]);
        let count = retry_on_intr(|| read(line, &mut piece))?;
        let more = ioctl_fionread(line).is_ok_and(|more| more > 0);
        self.keyboard.hears(&piece[..count], more, Instant::now(), &mut self.heard);
        Ok(())
    }
}

impl EventLoop {
    fn new(start: Start) -> std::io::Result<Self> {
        let keymap = Keymap::new(&start.settings.keys).map_err(std::io::Error::other)?;
        let look = look(&start.settings);
        let folder = &start.settings.state_dir;
        let is_device = start.device.is_some();
        let server = start.client.as_ref().map(|client| client.server().to_owned());
        let begin = Beginning {
            signed_in: start.client.as_ref().is_some_and(Client::has_token),
            offers_demo: start.offers_demo,
            lock_after: start.settings.lock_after,
            locked: server.as_ref().filter(|_| !is_device).and_then(|server| lock_note::read(folder, server)),
            server,
            device: start.device,
        };
        Ok(Self {
            app: App::new(keymap, look, begin),
            client: start.client.map(Arc::new),
            state_dir: start.settings.state_dir,
            courier: None,
            keeper: start.settings.credentials_dir.map(|folder| Keeper::new(folder, start.settings.keeping)),
            trust: start.settings.trust,
            is_device,
            done: unbounded_channel(),
        })
    }

    async fn run(mut self) -> std::io::Result<End> {
        let ended = self.work().await;
        if ended.is_err() {
            // The terminal went away, perhaps before its signal came: what was
            // typed is kept all the same.
            self.app.apply(Event::Signal(signal_hook::consts::SIGHUP), Timestamp::now());
            while let Some(effect) = self.app.take_effect() {
                if let Effect::Outbox(order) = effect {
                    self.courier().tell(order);
                }
            }
        }
        if let Some(courier) = self.courier.take() {
            courier.finish().await;
        }
        ended
    }

    /// Until somebody quits, or the terminal goes away.
    async fn work(&mut self) -> std::io::Result<End> {
        restore_on_panic();
        // Before the terminal is ours: what is caught can end nothing.
        let mut signals = Signals::new(self.is_device)?;
        let mut guard = Some(Guard::enter()?);
        let mut screen = fresh_screen()?;
        let mut keys = Some(Keys::new()?);
        // The first frame stands before anything is asked of anybody.
        draw(&mut screen, &self.app)?;
        // The first time that is shown waits for no file.
        tokio::task::spawn_blocking(|| drop(TimeZone::system()));
        self.app.start();
        loop {
            // What a key changed is seen first: asking wakes others, who take
            // the processor.
            if self.app.take_wiped() {
                screen = wiped_screen()?;
            }
            if self.app.take_dirty() {
                draw(&mut screen, &self.app)?;
            }
            while let Some(effect) = self.app.take_effect() {
                match effect {
                    // The shell's prompt first, then what is to be kept: a disk
                    // may be slow.
                    Effect::Quit(end) => return Ok(end),
                    Effect::Suspend => {
                        // Nobody may read the keyboard while the shell has it.
                        drop(keys.take());
                        drop(guard.take());
                        signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
                        guard = Some(Guard::enter()?);
                        keys = Some(Keys::new()?);
                        screen = fresh_screen()?;
                        self.app.apply(Event::Resumed, Timestamp::now());
                        draw(&mut screen, &self.app)?;
                    }
                    other => self.perform(other)?,
                }
            }
            let first = self.next(&mut signals, keys.as_mut()).await;
            let mut waiting = VecDeque::from([first]);
            self.drain(&mut waiting, keys.as_mut()).await;
            for event in waiting {
                if matches!(event, Event::Resumed | Event::Resize) {
                    screen = fresh_screen()?;
                }
                self.app.apply(event, Timestamp::now());
            }
        }
    }

    async fn next(&mut self, signals: &mut Signals, keys: Option<&mut Keys>) -> Event {
        let key = async {
            match keys {
                Some(keys) => keys.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = signals.next() => event,
            Some(event) = self.done.1.recv() => event,
            event = key => event,
        }
    }

    /// Takes what is there already, without waiting.
    async fn drain(&mut self, waiting: &mut VecDeque<Event>, keys: Option<&mut Keys>) {
        let Some(keys) = keys else { return };
        while waiting.len() < DRAIN {
            if let Ok(event) = self.done.1.try_recv() {
                waiting.push_back(event);
            } else if let Some(event) = at_once(keys.next()).await {
                let gone = matches!(event, Event::Signal(_));
                waiting.push_back(event);
                if gone {
                    return;
                }
            } else {
                return;
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> std::io::Result<()> {
        match effect {
            Effect::Call(ticket, call) => {
                let done = self.done.0.clone();
                // The loop may have ended meanwhile.
                let is_busy = move |pause| drop(done.send(Event::Busy(pause)));
                self.answer(ticket, |client| async move { client.send_telling(&call, is_busy).await });
            }
            Effect::Vouch(ticket, who) => self.answer(ticket, |client| async move { vouched(&client, &who).await }),
            Effect::Wake(ticket, after) => {
                let done = self.done.0.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    // The loop may have ended meanwhile.
                    let _ = done.send(Event::Woken(ticket));
                });
            }
            Effect::UseToken(token) => self.use_token(token),
            Effect::UseServer(server) => self.client = Client::trusting(&server, None, self.trust.clone()).ok().map(Arc::new),
            Effect::Copy(text) => crossterm::execute!(std::io::stdout(), CopyToClipboard::to_clipboard_from(text))?,
            Effect::NoteLock(note) => {
                let server = self.client.as_ref().map_or("", |client| client.server());
                if let Err(error) = lock_note::write(&self.state_dir, server, note.as_ref()) {
                    tracing::error!(cause = %error, "who locked the terminal could not be kept");
                }
            }
            Effect::Deliver(whose, lineage) => {
                if let Some(client) = self.client.clone() {
                    self.courier().tell(Order::Begin(client, whose, lineage));
                }
            }
            Effect::Outbox(order) => self.courier().tell(order),
            Effect::Suspend | Effect::Quit(_) => {}
        }
        Ok(())
    }

    /// Asks the server beside the loop, as the session stands now; the answer
    /// comes back as an event.
    fn answer<F>(&self, ticket: Ticket, ask: impl FnOnce(Arc<Client>) -> F)
    where
        F: Future<Output = Result<Vec<u8>, ClientError>> + Send + 'static,
    {
        let Some(client) = self.client.clone() else { return };
        let (done, asked) = (self.done.0.clone(), ask(client));
        tokio::spawn(async move {
            let begun = Instant::now();
            let outcome = asked.await;
            // The loop may have ended meanwhile.
            let _ = done.send(Event::Reply(Box::new(Reply { ticket, outcome, last_good: None, took: begun.elapsed(), at: Timestamp::now(), waits: false })));
        });
    }

    /// Who keeps and sends; he begins with the first thing to be kept.
    fn courier(&mut self) -> &Courier {
        let done = self.done.0.clone();
        let folder = &self.state_dir;
        self.courier.get_or_insert_with(|| {
            // The loop may have ended meanwhile.
            Courier::begin(folder.clone(), move |news| drop(done.send(Event::Outbox(Box::new(news)))))
        })
    }

    fn use_token(&mut self, token: Option<String>) {
        if let Some(courier) = &self.courier {
            courier.tell(Order::Rest);
        }
        let Some(client) = &self.client else { return };
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(client.server(), token.clone());
        }
        self.client = Some(Arc::new(client.with_token(token)));
    }
}

/// Who somebody is: the session that shows it is ended at once.
async fn vouched(client: &Client, who: &session::SignIn) -> Result<Vec<u8>, ClientError> {
    let nothing = Nothing {};
    let signed_in = client.with_token(None).call::<SignIn>(&nothing, &nothing, who).await?;
    let theirs = client.with_token(Some(signed_in.token));
    let session = theirs.send(&Call::of::<GetSession>(&nothing, &nothing, &nothing)).await;
    // If it cannot be ended it ends by itself; nobody knows its token.
    let _ = theirs.send(&Call::of::<SignOut>(&nothing, &nothing, &nothing)).await;
    session
}

/// What a future has at once.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// Begins with an empty screen of the size that the terminal has now.
fn fresh_screen() -> std::io::Result<Screen> {
    crossterm::execute!(std::io::stdout(), Clear(ClearType::All))?;
    Screen::empty()
}

/// The same with nothing left in the scroll-back either: where a terminal keeps
/// none, the sequence does nothing.
fn wiped_screen() -> std::io::Result<Screen> {
    crossterm::execute!(std::io::stdout(), Clear(ClearType::All), Clear(ClearType::Purge))?;
    Screen::empty()
}

fn draw(screen: &mut Screen, app: &App) -> std::io::Result<()> {
    screen.draw(|area, buffer| {
        app.view(area, buffer);
        app.caret(area)
    })
}

/// Colours unless `NO_COLOR` or the terminal says none; drawn signs unless the
/// locale has no UTF-8.
fn look(settings: &Settings) -> Look {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let colours = match settings.colour {
        Colour::On => true,
        Colour::Off => false,
        Colour::Auto => !is_set("NO_COLOR") && std::env::var("TERM").is_ok_and(|term| term != "dumb" && !term.starts_with("vt")),
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let utf8 = locale.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    Look::new(colours, settings.ascii.unwrap_or(!utf8))
}

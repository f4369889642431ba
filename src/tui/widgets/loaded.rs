//! Data that comes from the server: loading, there, empty, failed. Each looks
//! different (G-6), and what was there stays while it is loaded again.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::event::{Reply, Ticket};
use super::super::layer::Cx;
use super::super::shared::Shared;
use super::super::style::Look;
use super::paint::line;
use crate::api::page::Page;
use crate::client::{Call, ClientError};

/// How many there are in all, as far as a page says: `37`, or `50+`.
pub(in crate::tui) fn counted<T>(page: &Page<T>) -> String {
    match (page.total, &page.next) {
        (Some(total), _) => total.to_string(),
        (None, None) => page.items.len().to_string(),
        (None, Some(_)) => format!("{}+", page.items.len()),
    }
}

/// Data and where its loading stands.
#[derive(Debug)]
pub(in crate::tui) struct Loaded<T> {
    data: Option<T>,
    /// When the server said it.
    said_at: Option<Timestamp>,
    waiting: Option<Ticket>,
    failure: Option<ClientError>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { data: None, said_at: None, waiting: None, failure: None }
    }
}

impl<T: serde::de::DeserializeOwned> Loaded<T> {
    /// Asks for the data, again if need be.
    pub(in crate::tui) fn load(&mut self, call: Call, cx: &mut Cx<'_>) {
        self.waiting = Some(cx.call(call));
    }

    /// Takes an answer. True if it was the one waited for; an older one is
    /// dropped. Where the line broke, what the server said the last time is
    /// taken with the failure.
    pub(in crate::tui) fn take(&mut self, reply: &Reply) -> bool {
        if self.waiting != Some(reply.ticket) {
            return false;
        }
        self.waiting = None;
        match &reply.outcome {
            Ok(body) => match serde_json::from_slice(body) {
                Ok(data) => {
                    self.data = Some(data);
                    self.said_at = Some(reply.at);
                    self.failure = None;
                }
                Err(error) => self.failure = Some(ClientError::strange("that was asked", &error.to_string())),
            },
            Err(error) => {
                // What one may no longer see must not stay on the screen.
                if error.problem().is_some_and(|problem| matches!(problem.status, 401 | 403 | 404)) {
                    self.data = None;
                }
                if let Some(last) = &reply.last_good
                    && let Ok(data) = serde_json::from_slice(&last.body)
                {
                    self.data = Some(data);
                    self.said_at = Some(last.at);
                }
                self.failure = Some(error.clone());
            }
        }
        true
    }

    /// What is there, if only from last time.
    pub(in crate::tui) const fn data(&self) -> Option<&T> {
        self.data.as_ref()
    }

    /// When the server said it, if that may be another by now: it was asked
    /// again in vain, or nobody can be asked.
    pub(in crate::tui) fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.said_at.filter(|_| self.data.is_some() && (self.failure.is_some() || shared.is_off_line()))
    }

    /// The same beside a figure: ` (as of 14:02)`, or nothing.
    pub(in crate::tui) fn as_of_in_words(&self, shared: &Shared) -> String {
        self.as_of(shared).map(|at| format!(" (as of {})", shared.clock(at))).unwrap_or_default()
    }

    /// When the server said it, however new that is; now if it said nothing.
    pub(in crate::tui) fn said_at(&self, shared: &Shared) -> Timestamp {
        self.said_at.unwrap_or(shared.now)
    }

    /// Forgets everything, also what is on its way.
    pub(in crate::tui) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What went wrong, if something did.
    pub(in crate::tui) const fn failure(&self) -> Option<&ClientError> {
        self.failure.as_ref()
    }

    /// The line in the place of data that is not there, or over data that is
    /// old: loading, or failed with the key that tries again. Old data tells its
    /// time first.
    pub(in crate::tui) fn notice(&self, shared: &Shared) -> Option<Line<'static>> {
        let look: Look = shared.look;
        if let Some(failure) = &self.failure {
            let key = super::super::command::named("reload").and_then(|reload| shared.keymap.shown(reload)).unwrap_or_default();
            let key = Span::styled(format!("  {key} "), look.key());
            let failure = crate::text::for_screen(&failure.to_string());
            return Some(Line::from(match self.as_of(shared) {
                Some(at) => {
                    vec![Span::styled(format!("Not up to date, as of {}", shared.clock(at)), look.error()), key, Span::raw(format!("to try again: {failure}"))]
                }
                None => vec![Span::styled("Could not load: ", look.error()), Span::raw(failure), key, Span::raw("to try again")],
            }));
        }
        (self.data.is_none() && self.waiting.is_some()).then(|| Line::from(Span::styled("Loading", look.quiet())))
    }

    /// Draws that line, if there is one, and gives what is left below it.
    pub(in crate::tui) fn below_notice(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) -> Rect {
        let Some(notice) = self.notice(shared) else { return area };
        line(buffer, area, 0, notice);
        let used = area.height.min(1);
        Rect { y: area.y + used, height: area.height - used, ..area }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tui::keymap::Keymap;
    use crate::tui::last_good::LastGood;
    use crate::tui::shared::Link;

    fn shared(link: Link) -> Shared {
        let now = at(43_200);
        Shared {
            session: None,
            link,
            look: Look::new(false, true),
            keymap: Keymap::new(&[]).unwrap(),
            now,
            server: None,
            is_device: false,
            outbox: crate::client::outbox::Summary::default(),
            writes: 0,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn unreachable() -> ClientError {
        ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }
    }

    fn hears(loaded: &mut Loaded<u8>, outcome: Result<Vec<u8>, ClientError>, last_good: Option<LastGood>, second: i64) {
        loaded.waiting = Some(Ticket(1));
        assert!(loaded.take(&Reply { ticket: Ticket(1), outcome, last_good, took: Duration::ZERO, at: at(second), waits: false }));
    }

    #[test]
    fn what_stands_in_tells_its_age_until_the_server_answers() {
        let mut figure = Loaded::default();
        let (on_line, off_line) = (shared(Link::Online), shared(Link::Offline(at(0))));
        hears(&mut figure, Err(unreachable()), Some(LastGood { body: b"7".to_vec(), at: at(43_140) }), 43_200);
        assert_eq!((figure.data(), figure.as_of(&off_line), figure.as_of(&on_line)), (Some(&7), Some(at(43_140)), Some(at(43_140))));
        let told = figure.notice(&off_line).unwrap().to_string();
        assert!(told.starts_with("Not up to date, as of ") && told.contains("to try again"), "{told}");
        hears(&mut figure, Ok(b"8".to_vec()), None, 43_200);
        assert_eq!((figure.data(), figure.as_of(&on_line)), (Some(&8), None));
        assert!(figure.notice(&on_line).is_none());
    }

    #[test]
    fn what_was_there_when_the_line_broke_has_an_age_and_what_never_was_has_none() {
        let mut figure: Loaded<u8> = Loaded::default();
        let off_line = shared(Link::Offline(at(0)));
        hears(&mut figure, Err(unreachable()), None, 100);
        assert_eq!((figure.data(), figure.as_of(&off_line)), (None, None));
        assert!(figure.notice(&off_line).unwrap().to_string().starts_with("Could not load: "));
        hears(&mut figure, Ok(b"7".to_vec()), None, 200);
        assert_eq!(figure.as_of(&off_line), Some(at(200)), "though nothing was asked of it since");
        hears(&mut figure, Err(unreachable()), None, 300);
        assert_eq!((figure.data(), figure.as_of(&off_line)), (Some(&7), Some(at(200))));
    }

    #[test]
    fn a_number_that_nobody_counted_is_not_made_up() {
        let page = |next: Option<&str>, total| Page { items: vec![(); 50], next: next.map(str::to_owned), total };
        assert_eq!(counted(&page(None, Some(50))), "50");
        assert_eq!(counted(&page(Some("there"), Some(1_204))), "1204");
        assert_eq!(counted(&page(Some("there"), None)), "50+");
        assert_eq!(counted(&page(None, None)), "50");
    }
}

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
use super::paint::{lines, wrap};
use crate::api::page::Page;
use crate::client::{Call, ClientError};

/// The most rows that the words of a failure take.
const MOST_ROWS: usize = 4;

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
    /// again in vain, nobody can be asked, or nobody asked for minutes.
    pub(in crate::tui) fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.said_at.filter(|said_at| self.data.is_some() && (self.failure.is_some() || shared.may_be_old(*said_at)))
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
        self.notices(usize::MAX, shared).into_iter().next()
    }

    /// The same in as many rows as its words take: none of them is cut.
    fn notices(&self, wide: usize, shared: &Shared) -> Vec<Line<'static>> {
        let look: Look = shared.look;
        let Some(failure) = &self.failure else {
            let loads = self.data.is_none() && self.waiting.is_some();
            return loads.then(|| Line::from(Span::styled("Loading", look.quiet()))).into_iter().collect();
        };
        let key = super::super::command::named("reload").and_then(|reload| shared.keymap.shown(reload)).unwrap_or_default();
        let key = Span::styled(format!("  {key} "), look.key());
        let failure = crate::text::for_screen(&failure.in_short());
        let told = |what: String, words: [String; 2]| {
            let [before, behind] = words.map(Span::raw);
            Line::from(vec![Span::styled(what, look.error()), before, key.clone(), behind])
        };
        let old = self.as_of(shared).map(|at| format!("Not up to date, as of {}", shared.clock(at)));
        let whole = match &old {
            Some(old) => told(old.clone(), [String::new(), format!("to try again: {failure}")]),
            None => told("Could not load: ".to_owned(), [failure.clone(), "to try again".to_owned()]),
        };
        if whole.width() <= wide {
            return vec![whole];
        }
        let first = told(old.unwrap_or_else(|| "Could not load:".to_owned()), [String::new(), "to try again".to_owned()]);
        let words = wrap(&failure, wide.saturating_sub(2)).into_iter().take(MOST_ROWS).map(|words| Line::from(format!("  {words}")));
        std::iter::once(first).chain(words).collect()
    }

    /// Draws them from a row on, if there are any, and gives the row below them.
    pub(in crate::tui) fn say_notice(&self, area: Rect, from: u16, buffer: &mut Buffer, shared: &Shared) -> u16 {
        lines(buffer, area, from, self.notices(usize::from(area.width), shared))
    }

    /// The same from the first row on, and gives what is left below them.
    pub(in crate::tui) fn below_notice(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) -> Rect {
        let used = self.say_notice(area, 0, buffer, shared).min(area.height);
        Rect { y: area.y + used, height: area.height - used, ..area }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tui::last_good::LastGood;
    use crate::tui::shared::{Link, tried};

    fn shared(link: Link) -> Shared {
        Shared { link, now: at(43_200), ..tried::terminal() }
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
    fn no_word_of_why_nothing_came_is_cut_on_a_narrow_terminal() {
        let told = |error: ClientError, wide: usize| {
            let mut figure: Loaded<u8> = Loaded::default();
            hears(&mut figure, Err(error), None, 100);
            figure.notices(wide, &shared(Link::Online)).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let far = || ClientError::Unreachable { server: "https://countertop.dealer.example:8443".to_owned(), cause: "no route to host".to_owned() };
        assert_eq!(told(far(), 78), ["Could not load: the server cannot be reached  F5 to try again"]);
        for wide in [48, 58, 78] {
            let strange = told(ClientError::strange("https://countertop.dealer.example:8443", "it sent \"text/html\" and not JSON"), wide);
            assert!(strange.iter().all(|line| line.chars().count() <= wide), "{strange:?}");
            assert!(strange[0] == "Could not load:  F5 to try again" && strange.concat().ends_with("and not JSON"), "{strange:?}");
        }
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

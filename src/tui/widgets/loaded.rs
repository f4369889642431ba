//! Data that comes from the server: loading, there, empty, failed. Each looks
//! different (G-6), and what was there stays while it is loaded again.

use ratatui::text::{Line, Span};

use super::super::event::{Reply, Ticket};
use super::super::layer::Cx;
use super::super::shared::Shared;
use super::super::style::Look;
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
    waiting: Option<Ticket>,
    failure: Option<ClientError>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { data: None, waiting: None, failure: None }
    }
}

impl<T: serde::de::DeserializeOwned> Loaded<T> {
    /// Asks for the data, again if need be.
    pub(in crate::tui) fn load(&mut self, call: Call, cx: &mut Cx<'_>) {
        self.waiting = Some(cx.call(call));
    }

    /// Takes an answer. True if it was the one waited for; an older one is
    /// dropped.
    pub(in crate::tui) fn take(&mut self, reply: &Reply) -> bool {
        if self.waiting != Some(reply.ticket) {
            return false;
        }
        self.waiting = None;
        match &reply.outcome {
            Ok(body) => match serde_json::from_slice(body) {
                Ok(data) => {
                    self.data = Some(data);
                    self.failure = None;
                }
                Err(error) => self.failure = Some(ClientError::Strange { server: "the server".to_owned(), cause: error.to_string() }),
            },
            Err(error) => {
                // What one may no longer see must not stay on the screen.
                if error.problem().is_some_and(|problem| matches!(problem.status, 401 | 403 | 404)) {
                    self.data = None;
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

    /// Forgets everything, also what is on its way.
    pub(in crate::tui) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What went wrong, if something did.
    pub(in crate::tui) const fn failure(&self) -> Option<&ClientError> {
        self.failure.as_ref()
    }

    /// The line in the place of data that is not there, or over data that is
    /// old: loading, or failed with the key that tries again.
    pub(in crate::tui) fn notice(&self, shared: &Shared) -> Option<Line<'static>> {
        let look: Look = shared.look;
        if let Some(failure) = &self.failure {
            let key = super::super::command::named("reload").and_then(|reload| shared.keymap.shown(reload)).unwrap_or_default();
            let state = if self.data.is_some() { "Not up to date: " } else { "Could not load: " };
            return Some(Line::from(vec![
                Span::styled(state, look.error()),
                Span::raw(crate::text::for_screen(&failure.to_string())),
                Span::styled(format!("  {key} "), look.key()),
                Span::raw("to try again"),
            ]));
        }
        (self.data.is_none() && self.waiting.is_some()).then(|| Line::from(Span::styled("Loading", look.quiet())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_nobody_counted_is_not_made_up() {
        let page = |next: Option<&str>, total| Page { items: vec![(); 50], next: next.map(str::to_owned), total };
        assert_eq!(counted(&page(None, Some(50))), "50");
        assert_eq!(counted(&page(Some("there"), Some(1_204))), "1204");
        assert_eq!(counted(&page(Some("there"), None)), "50+");
        assert_eq!(counted(&page(None, None)), "50");
    }
}

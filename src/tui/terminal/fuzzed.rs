//! For the fuzzer, and for the test that takes its corpus: a desk without a
//! terminal and without a server. What a keyboard, a clipboard and a terminal send
//! goes in, what would be written comes out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use crate::api::operation::{GetSession, Operation as _};
use crate::tui::app::{App, Beginning};
use crate::tui::event::{Effect, Event, Reply};
use crate::tui::keyboard::Keyboard;
use crate::tui::keymap::Keymap;
use crate::tui::style::Look;

/// Somebody who may find and create; nothing else is ever answered.
const SESSION: &str = r#"{"user":{"id":"00000000-0000-7000-8000-000000000001","username":"jo","name":"Jo Ortiz","first":"Jo","last":"Ortiz",
"email":null,"phone":null,"kind":"staff","roles":[]},"shop":null,"customer":null,"scopes":[],
"permissions":["customer.search","customer.create","asset.lookup","service_request.add_edit"],"limits":{},"policy_version":"1",
"expires_at":"2099-01-01T00:00:00Z","idle_seconds":43200}"#;
/// Stands for a pause in which nothing comes: no text holds such a byte.
const PAUSE: u8 = 0xff;
/// So many of what comes are drawn one by one, and then every so many: a long text
/// costs one picture of many keys at a desk as well.
const ONE_BY_ONE: usize = 200;
const THEN_EVERY: usize = 64;

/// What is written while these bytes come in.
#[must_use]
pub fn typed(input: &[u8]) -> Vec<u8> {
    let Ok(keymap) = Keymap::new(&[]) else { return Vec::new() };
    let begin = Beginning { server: Some("http://127.0.0.1:1".to_owned()), signed_in: true, ..Beginning::default() };
    let mut app = App::new(keymap, Look::new(true, false), begin);
    let (now, area) = (Timestamp::now(), Rect::new(0, 0, 80, 24));
    let (mut pen, mut shown, mut written) = (Pen::default(), Buffer::empty(area), Vec::new());
    app.start();
    let (mut keyboard, mut at, mut events) = (Keyboard::default(), Instant::now(), VecDeque::from([Event::Resumed]));
    let mut came = 0_usize;
    for piece in input.split(|byte| *byte == PAUSE) {
        keyboard.hears(piece, false, at, &mut events);
        at += Duration::from_secs(4);
        while let Some(event) = events.pop_front() {
            app.apply(event, now);
            answer(&mut app, now);
            came += 1;
            if came > ONE_BY_ONE && !came.is_multiple_of(THEN_EVERY) && !events.is_empty() {
                continue;
            }
            let mut next = Buffer::empty(area);
            app.view(area, &mut next);
            written.extend(pen.strokes(&shown, &next, app.caret(area).filter(|caret| area.contains(*caret))));
            shown = next;
        }
    }
    written
}

/// Says who is signed in, and nothing else.
fn answer(app: &mut App, now: Timestamp) {
    while let Some(effect) = app.take_effect() {
        if let Effect::Call(ticket, call) = effect
            && call.endpoint.name == GetSession::ENDPOINT.name
        {
            let outcome = Ok(SESSION.as_bytes().to_vec());
            let reply = Reply { ticket, outcome, last_good: None, took: Duration::ZERO, at: now, waits: false };
            app.apply(Event::Reply(Box::new(reply)), now);
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/it/hostile/spoiled.rs"]
mod spoiled;

#[cfg(test)]
mod tests {
    use super::super::hostile::harmless;
    use super::spoiled::feed;
    use super::typed;

    #[test]
    fn t44_whatever_is_typed_pasted_or_answered_only_letters_come_of_it() {
        feed("typed", |bytes| assert_eq!(harmless::foreign(&typed(bytes)), Vec::<String>::new()));
    }
}

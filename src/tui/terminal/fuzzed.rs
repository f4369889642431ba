//! For the fuzzer alone: a desk without a terminal and without a server. What a
//! keyboard and a clipboard send goes in, what would be written comes out.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use crate::api::operation::{GetSession, Operation as _};
use crate::tui::app::{App, Beginning};
use crate::tui::event::{Effect, Event, Reply};
use crate::tui::keymap::Keymap;
use crate::tui::style::Look;

/// Somebody who may find and create; nothing else is ever answered.
const SESSION: &str = r#"{"user":{"id":"00000000-0000-7000-8000-000000000001","username":"jo","name":"Jo Ortiz","first":"Jo","last":"Ortiz",
"email":null,"phone":null,"kind":"staff","roles":[]},"shop":null,"customer":null,"scopes":[],
"permissions":["customer.search","customer.create","asset.lookup","service_request.add_edit"],"limits":{},"policy_version":"1",
"expires_at":"2099-01-01T00:00:00Z","idle_seconds":43200}"#;
/// Around what is pasted.
const PASTE: (&str, &str) = ("\u{1b}[200~", "\u{1b}[201~");

/// What is written while a text is typed letter by letter: its control
/// characters as the keys that send them, and what stands between the marks of a
/// paste as one.
#[must_use]
pub fn typed(input: &str) -> Vec<u8> {
    let Ok(keymap) = Keymap::new(&[]) else { return Vec::new() };
    let begin = Beginning { server: Some("http://127.0.0.1:1".to_owned()), signed_in: true, ..Beginning::default() };
    let mut app = App::new(keymap, Look::new(true, false), begin);
    let (now, area) = (Timestamp::now(), Rect::new(0, 0, 80, 24));
    let (mut pen, mut shown, mut written) = (Pen::default(), Buffer::empty(area), Vec::new());
    app.start();
    let (mut event, mut rest) = (Event::Resumed, input);
    loop {
        app.apply(event, now);
        answer(&mut app, now);
        let mut next = Buffer::empty(area);
        app.view(area, &mut next);
        written.extend(pen.strokes(&shown, &next, app.caret(area).filter(|caret| area.contains(*caret))));
        shown = next;
        let Some(after) = first(rest) else { return written };
        (event, rest) = after;
    }
}

/// Says who is signed in, and nothing else.
fn answer(app: &mut App, now: Timestamp) {
    while let Some(effect) = app.take_effect() {
        if let Effect::Call(ticket, call) = effect
            && call.endpoint.name == GetSession::ENDPOINT.name
        {
            let outcome = Ok(SESSION.as_bytes().to_vec());
            let reply = Reply { ticket, outcome, last_good: None, took: std::time::Duration::ZERO, at: now, waits: false };
            app.apply(Event::Reply(Box::new(reply)), now);
        }
    }
}

/// The first key or paste, and what comes after it.
fn first(text: &str) -> Option<(Event, &str)> {
    if let Some((pasted, rest)) = text.strip_prefix(PASTE.0).and_then(|behind| behind.split_once(PASTE.1)) {
        return Some((Event::Paste(pasted.to_owned()), rest));
    }
    let letter = text.chars().next()?;
    let (code, modifiers) = match letter {
        '\r' | '\n' => (KeyCode::Enter, KeyModifiers::NONE),
        '\t' => (KeyCode::Tab, KeyModifiers::NONE),
        '\u{1b}' => (KeyCode::Esc, KeyModifiers::NONE),
        '\u{7f}' => (KeyCode::Backspace, KeyModifiers::NONE),
        '\u{1}'..='\u{1a}' => (KeyCode::Char(char::from(u8::try_from(letter).unwrap_or(0) + b'a' - 1)), KeyModifiers::CONTROL),
        other => (KeyCode::Char(other), KeyModifiers::NONE),
    };
    Some((Event::Key(KeyEvent::new(code, modifiers)), &text[letter.len_utf8()..]))
}

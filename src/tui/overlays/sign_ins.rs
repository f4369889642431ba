//! One's own sign-ins: where one is signed in, and ending what is not meant any
//! more, one by one or all others at once.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::question::{Act, Question};
use crate::api::operation::{EndOtherSessions, EndSession, ListSessions, OfSession};
use crate::api::page::{Nothing, Page};
use crate::api::people::OpenSession;
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, boxed, line, lines};

/// Cells and rows of the box.
const SIZE: (u16, u16) = (76, 16);
/// Cells of each time, and of the address.
const MOMENT: usize = 14;
const FROM: usize = 18;

/// The list of them.
#[derive(Debug, Default)]
pub(in crate::tui) struct SignIns {
    open: Loaded<Page<OpenSession>>,
    cursor: Cursor,
}

impl SignIns {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.open.load(Call::of::<ListSessions>(&Nothing {}, &Nothing {}, &Nothing {}), cx);
    }

    fn items(&self) -> &[OpenSession] {
        self.open.data().map_or(&[][..], |page| &page.items)
    }

    fn marked(&self) -> Option<&OpenSession> {
        self.items().get(self.cursor.at)
    }

    fn others(&self) -> usize {
        self.items().iter().filter(|session| !session.current).count()
    }
}

/// What a `y` ends.
#[derive(Debug)]
struct End {
    call: Call,
    question: String,
    done: &'static str,
}

impl End {
    fn of(session: &OpenSession, shared: &Shared) -> Question<Self> {
        let from = session.came_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        let question = format!("End your sign-in of {}{from}? Whoever works there has to sign in again.", shared.moment(session.created_at));
        let call = Call::of::<EndSession>(&OfSession { id: session.id }, &Nothing {}, &Nothing {});
        Question::new(Self { call, question, done: "That sign-in has ended." })
    }

    fn of_others(count: usize) -> Question<Self> {
        let which = if count == 1 { "the other one".to_owned() } else { format!("the {count} others") };
        let question = format!("End {which} of your sign-ins? Only this one stays. If somebody else may know your password, change it too.");
        let call = Call::of::<EndOtherSessions>(&Nothing {}, &Nothing {}, &Nothing {});
        Question::new(Self { call, question, done: "You are signed in here only." })
    }
}

impl Act for End {
    fn title(&self) -> &'static str {
        "End a sign-in"
    }

    fn question(&self) -> String {
        self.question.clone()
    }

    fn call(&self) -> Call {
        self.call.clone()
    }

    fn taken(&self, _: &[u8], cx: &mut Cx<'_>) {
        cx.say(Tone::Fine, self.done);
        cx.want(Intent::Arranged);
    }

    fn refused(&self, cx: &mut Cx<'_>) {
        // It may have ended by itself.
        cx.want(Intent::Arranged);
    }
}

impl Layer for SignIns {
    fn places(&self) -> Vec<Place> {
        vec![Place::SignIns, Place::Rows]
    }

    fn title(&self) -> String {
        "My sign-ins".to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        let told = match (command.id, self.marked()) {
            ("sign_ins.end", None) => "There is none to end yet.",
            ("sign_ins.end", Some(session)) if session.current => "This is the one that you use now: sign out to end it.",
            ("sign_ins.end_others", _) if self.others() == 0 => "You are signed in here only.",
            _ => return None,
        };
        Some(told.to_owned())
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if self.cursor.command(command, self.items().len()) {
            return;
        }
        match (command.id, self.marked()) {
            ("reload", _) => self.load(cx),
            ("sign_ins.end", Some(session)) => cx.open(End::of(session, cx.shared)),
            ("sign_ins.end_others", _) => cx.open(End::of_others(self.others())),
            _ => {}
        }
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) {
        self.open.take(reply);
        self.cursor.keep_within(self.items().len());
    }

    fn on_arranged(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.open.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let inside = boxed(buffer, area, SIZE, "My sign-ins", look);
        let from = self.open.say_notice(inside, 0, buffer, shared);
        if self.open.data().is_none() {
            return;
        }
        let row = |marked: bool, [begun, used, ends, from, this]: [&str; 5], style: Style| {
            let row = Row::new(look, marked).cell(begun, MOMENT, style).cell(used, MOMENT, style).cell(ends, MOMENT, style);
            row.cell(from, FROM, style).cell(this, 8, look.quiet()).done()
        };
        line(buffer, inside, from, row(false, ["Signed in", "Used", "Ends", "From", ""], look.quiet()));
        let room = usize::from(inside.height.saturating_sub(from + 2));
        let seen = self.items().iter().enumerate().skip(self.cursor.first_seen(room)).take(room).map(|(at, session)| {
            let [begun, used, ends] = [session.created_at, session.used_at, session.ends_at].map(|at| shared.moment(at));
            let came_from = session.came_from.as_deref().unwrap_or_default();
            let this = if session.current { "this one" } else { "" };
            row(at == self.cursor.at, [begun.as_str(), used.as_str(), ends.as_str(), came_from, this], Style::new())
        });
        lines(buffer, inside, from + 1, seen.collect::<Vec<_>>());
        let told = match self.others() {
            0 => " You are signed in here only.".to_owned(),
            count => format!(" {} in all. One that you do not know: end it, and change your password.", count + 1),
        };
        line(buffer, inside, inside.height.saturating_sub(1), Line::from(Span::styled(told, look.quiet())));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::tui::command::named;
    use crate::tui::draft::Drafts;
    use crate::tui::shared::tried;
    use crate::tui::unsure::Unsure;

    fn session(nth: u8, current: bool) -> Value {
        json!({
            "id": format!("01890000-0000-7000-8000-{nth:012}"), "created_at": "2026-03-01T09:00:00Z", "used_at": "2026-03-01T10:00:00Z",
            "ends_at": "2026-03-08T09:00:00Z", "came_from": "203.0.113.9", "current": current,
        })
    }

    /// The list as the server told it.
    fn shown(sessions: &[Value], run: impl FnOnce(&mut SignIns, &mut Cx<'_>)) {
        let (shared, mut drafts, mut unsure, mut next_ticket) = (tried::signed_in("staff", &[]), Drafts::default(), Unsure::default(), 0);
        let mut cx = Cx { shared: &shared, drafts: &mut drafts, unsure: &mut unsure, next_ticket: &mut next_ticket, intents: Vec::new() };
        let mut list = SignIns::default();
        list.opened(&mut cx);
        let Some(Intent::Call(ticket, _)) = cx.intents.pop() else { panic!("it asks") };
        let body = json!({ "items": sessions, "next": null, "total": null }).to_string().into_bytes();
        list.on_reply(&Reply { ticket, outcome: Ok(body), last_good: None, took: Duration::ZERO, at: Timestamp::UNIX_EPOCH, waits: false }, &mut cx);
        run(&mut list, &mut cx);
    }

    #[test]
    fn the_sign_in_that_is_used_is_not_ended_here_and_any_other_is_asked_about() {
        let (end, others) = (named("sign_ins.end").unwrap(), named("sign_ins.end_others").unwrap());
        shown(&[session(1, true)], |list, _| {
            assert!(list.hindrance(end).unwrap().contains("sign out"));
            assert_eq!(list.hindrance(others).as_deref(), Some("You are signed in here only."));
        });
        shown(&[session(1, true), session(2, false), session(3, false)], |list, cx| {
            assert!(list.hindrance(end).is_some() && list.hindrance(others).is_none());
            list.on_command(named("list.down").unwrap(), cx);
            assert_eq!(list.hindrance(end), None);
            list.on_command(end, cx);
            list.on_command(others, cx);
            let asked = cx.intents.iter().filter(|intent| matches!(intent, Intent::Open(_))).count();
            assert_eq!(asked, 2, "nothing ends before a y");
            assert!(!cx.intents.iter().any(|intent| matches!(intent, Intent::Call(..))));
        });
    }

    #[test]
    fn the_question_says_which_and_how_many() {
        let one = serde_json::from_value::<OpenSession>(session(2, false)).unwrap();
        let shared = tried::terminal();
        let call = |id: &str| format!("/v1/sessions/{id}");
        let end = End { call: Call::of::<EndSession>(&OfSession { id: one.id }, &Nothing {}, &Nothing {}), question: String::new(), done: "" };
        assert_eq!(Act::call(&end).target(), call(&one.id.to_string()));
        let area = Rect::new(0, 0, 80, 24);
        let drawn = |question: &Question<End>| {
            let mut buffer = Buffer::empty(area);
            question.view(area, &mut buffer, &shared);
            buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>()
        };
        assert!(drawn(&End::of(&one, &shared)).contains("203.0.113.9"));
        assert!(drawn(&End::of_others(1)).contains("the other one") && drawn(&End::of_others(4)).contains("the 4 others"));
    }
}

//! Forms that are left with a text in them: it is called kept when the disk has
//! it, and not before.

use super::App;
use crate::client::outbox::courier::Order;
use crate::client::outbox::{OutboxFault, has_text};
use crate::tui::event::Ticket;
use crate::tui::layer::Tone;

const KEPT: &str = "Kept what you typed; open it again to go on.";

impl App {
    /// Takes away the layers from this one on; what was typed in them is a draft.
    pub(super) fn leave_layers(&mut self, from: usize) {
        let mut holds_text = false;
        for held in self.layers.split_off(from.min(self.layers.len())) {
            if let Some((about, draft)) = held.layer.draft() {
                holds_text |= has_text(&draft);
                self.drafts.set(&about, draft);
            }
        }
        if holds_text {
            self.keep_what_is_left();
        }
    }

    /// What was left goes to the disk at once. A workshop terminal, which keeps
    /// nothing longer than somebody is there, has it as kept as it ever is.
    fn keep_what_is_left(&mut self) {
        if self.whose().is_none() {
            self.message = Some((Tone::Fine, KEPT.to_owned()));
            return;
        }
        self.keep_open_drafts();
        let ticket = self.new_ticket();
        self.desk.left = Some(ticket);
        self.tell_outbox(Order::MakeSure(ticket.0));
    }

    /// The disk has what was left, or this is why not. Whoever went on meanwhile is
    /// not told over what he does now.
    pub(super) fn tell_if_kept(&mut self, ticket: Ticket, fault: Option<&OutboxFault>) {
        if self.desk.left.take_if(|left| *left == ticket).is_none() {
            return;
        }
        match fault {
            None => self.say(Tone::Fine, KEPT.to_owned()),
            Some(fault) => self.say(Tone::Warning, format!("Still here until this program ends; nothing can be kept: {fault}.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossterm::event::{KeyCode, KeyModifiers};

    use super::super::Beginning;
    use super::super::locking::tests::{Desk as Counter, key, session};
    use super::*;
    use crate::api::ids::{AssetId, UserId};
    use crate::client::outbox::courier::News;
    use crate::tui::Device;
    use crate::tui::event::{Effect, Event};
    use crate::tui::overlays::ReadingLine;

    const STILL: &str = "Still here until this program ends; nothing can be kept";

    /// Somebody who typed a reading and leaves its form: the tag under which the
    /// outbox is asked.
    fn left() -> (Counter, u64) {
        let mut jo = Counter::new(Beginning { signed_in: true, ..Beginning::default() });
        let asked = jo.call("GetSession");
        jo.answer(0, asked, Ok(session(UserId::new(), "staff", 43_200)));
        jo.app.open(Box::new(ReadingLine::again(AssetId::new(), "KB-114".to_owned())));
        jo.types(1, "42").at(1, key(KeyCode::Esc, KeyModifiers::NONE));
        let orders: Vec<&Order> = jo.asked.iter().filter_map(|effect| if let Effect::Outbox(order) = effect { Some(order) } else { None }).collect();
        let [Order::Drafts(_, drafts), Order::MakeSure(tag)] = orders.as_slice() else { panic!("{:?}", jo.asked) };
        assert!(has_text(&drafts[0].1), "it goes out with the key: {drafts:?}");
        let tag = *tag;
        (jo, tag)
    }

    fn hears(jo: &mut Counter, tag: u64, fault: Option<OutboxFault>) {
        jo.at(2, Event::Outbox(Box::new(News::Sure(tag, fault))));
    }

    #[test]
    fn p3_what_is_left_is_called_kept_when_the_disk_has_it() {
        let (mut jo, tag) = left();
        assert!(!jo.shown().contains(KEPT), "{}", jo.shown());
        hears(&mut jo, tag + 1, None);
        assert!(!jo.shown().contains(KEPT), "that was said of something else: {}", jo.shown());
        hears(&mut jo, tag, None);
        assert!(jo.shown().contains(KEPT), "{}", jo.shown());
    }

    #[test]
    fn p3_what_cannot_be_kept_is_not_called_so() {
        let (mut jo, tag) = left();
        jo.at(1, Event::Outbox(Box::new(News::Failed(OutboxFault::Full))));
        hears(&mut jo, tag, Some(OutboxFault::Full));
        assert!(jo.shown().contains(STILL) && !jo.shown().contains(KEPT), "{}", jo.shown());
    }

    #[test]
    fn whoever_went_on_meanwhile_reads_nothing_of_what_he_left() {
        let (mut jo, tag) = left();
        jo.types(1, "k");
        hears(&mut jo, tag, None);
        assert!(!jo.shown().contains(KEPT), "{}", jo.shown());
    }

    #[test]
    fn a_workshop_terminal_asks_no_disk() {
        let mut bay = Counter::new(Beginning { device: Some(Device { token: "device".to_owned(), idle: Duration::from_mins(1) }), ..Beginning::default() });
        let begun = bay.call("SignInKiosk");
        bay.answer(0, begun, Ok(br#"{"token":"t","expires_at":"2030-01-01T00:00:00Z","must_change_password":false}"#.to_vec()));
        let asked = bay.call("GetSession");
        bay.answer(0, asked, Ok(session(UserId::new(), "kiosk", 60)));
        bay.app.open(Box::new(ReadingLine::again(AssetId::new(), "KB-114".to_owned())));
        bay.types(1, "42").at(1, key(KeyCode::Esc, KeyModifiers::NONE));
        assert!(bay.shown().contains(KEPT), "{}", bay.shown());
        assert!(!bay.asked.iter().any(|effect| matches!(effect, Effect::Outbox(_))), "{:?}", bay.asked);
    }
}

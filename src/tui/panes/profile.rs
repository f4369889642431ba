//! Customer 2: address, telephone, numbers at the shops.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::api::customer::Customer;
use crate::api::ids::CustomerId;
use crate::api::operation::{GetCustomer, OfCustomer};
use crate::api::page::Nothing;
use crate::client::Call;
use crate::rules::contact::phone_for_people;
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Subject};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Loaded, cut, lines, wrap};

#[derive(Debug)]
struct Profile {
    id: CustomerId,
    customer: Loaded<Customer>,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    let Subject::Customer(id) = subject else { return super::identification::make(subject) };
    Box::new(Profile { id, customer: Loaded::default() })
}

impl Pane for Profile {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.customer.load(Call::of::<GetCustomer>(&OfCustomer { id: self.id }, &Nothing {}, &Nothing {}), cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        self.customer.take(reply)
    }

    fn copied(&self) -> Option<String> {
        self.customer.data().and_then(|customer| customer.phone.clone())
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.customer.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let from = self.customer.say_notice(area, 0, buffer, shared);
        let Some(customer) = self.customer.data() else { return };
        let rows = facts(customer).into_iter().flat_map(|(label, text)| fact_lines(&label, &text, area, shared));
        lines(buffer, area, from, rows.collect::<Vec<_>>());
    }
}

fn fact_lines(label: &str, text: &str, area: Rect, shared: &Shared) -> Vec<Line<'static>> {
    let look = shared.look;
    let label = cut(label, 16, look);
    let wrapped = wrap(text, usize::from(area.width).saturating_sub(20));
    wrapped
        .into_iter()
        .enumerate()
        .map(|(at, text)| Line::from(vec![Span::styled(format!("  {:<16}", if at == 0 { label.as_str() } else { "" }), look.quiet()), Span::raw(text)]))
        .collect()
}

fn facts(customer: &Customer) -> Vec<(String, String)> {
    let mut facts = vec![("Name".to_owned(), customer.name.clone())];
    let mut push = |label: &str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            facts.push((label.to_owned(), text));
        }
    };
    let Some(more) = &customer.more else {
        push("City", customer.city.clone());
        push("Telephone", customer.phone.as_deref().map(phone_for_people));
        return facts;
    };
    push("Kind", Some(format!("{}, {}", more.kind.name(), more.status)));
    push("Address", more.address1.clone());
    push("", more.address2.clone());
    let place = [customer.city.clone(), more.state.clone(), more.postal_code.clone(), more.country.clone()];
    push("City", Some(place.into_iter().flatten().collect::<Vec<_>>().join(" ")));
    let extension = more.extension.as_deref().map(|extension| format!(" ext. {extension}")).unwrap_or_default();
    push("Telephone", customer.phone.as_deref().map(|phone| format!("{}{extension}", phone_for_people(phone))));
    push("Fax", more.fax.as_deref().map(phone_for_people));
    push("E-mail", more.email.clone());
    push("Notes", more.notes.clone());
    for link in &more.links {
        let number = match &link.number {
            Some(number) => format!("#{number}, {}", link.number_state.name()),
            None => "no number".to_owned(),
        };
        push(&format!("At {}", link.shop.name), Some(number));
        push("", link.alert_note.clone().map(|note| format!("! {note}")));
    }
    facts
}

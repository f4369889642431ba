//! Find: one box for customers and assets, and the screen one starts on.

mod kept;
mod listed;
mod live;
mod narrow;
mod patience;
mod rows;
mod scope;

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use uuid::Uuid;

use super::super::command::{Command, Place};
use super::super::event::{Reply, Ticket};
use super::super::layer::{Cx, Layer, Opened, Tone};
use super::super::overlays::{AssetChooser, CustomerForm, RequestForm};
use super::super::record::Record;
use super::super::shared::Shared;
use super::super::widgets::{Cursor, TextField};
use crate::api::asset::{LookupAnswer, LookupQuery};
use crate::api::customer::{CustomerHit, CustomerQuery, MIN_QUERY, SearchBy};
use crate::api::operation::{LookUpAsset, Operation, SearchCustomers};
use crate::api::page::{Nothing, Page};
use crate::client::Call;
use crate::client::outbox::{Entry, OutboxFault};
use crate::rules::place::full_state_code;
use crate::text::fold;
use kept::Kept;
use live::Live;
use narrow::{Answers, When};
use patience::Patience;
pub(in crate::tui) use rows::machine;
use scope::Where;

/// The find screen.
#[derive(Debug, Default)]
pub(in crate::tui) struct Find {
    field: TextField,
    look_in: Where,
    customers: Live<(String, SearchBy), Page<CustomerHit>>,
    /// When the customers were asked last.
    asked: When,
    /// What the server said before: from it some answers are known.
    answers: Answers,
    assets: Live<String, LookupAnswer>,
    kept: Kept,
    patience: Patience,
    marks: Marks,
    cursor: Cursor,
    /// Enter was pressed for this text; its answer is opened and no other.
    entered: Option<String>,
    recent: Vec<Opened>,
}

/// What is marked in the rows: the text that brought them. It stays while one
/// types on and the same rows stay, for marking a letter more in each of them
/// would be most of what a key costs on a slow line.
#[derive(Debug, Default)]
struct Marks {
    text: String,
    rows: Vec<Uuid>,
}

impl Find {
    fn may_search(shared: &Shared) -> bool {
        shared.access(SearchCustomers::ENDPOINT.needs).is_ok()
    }

    fn may_look_up(shared: &Shared) -> bool {
        shared.access(LookUpAsset::ENDPOINT.needs).is_ok()
    }

    /// Where one can look, or could with another role; not where that is hidden.
    fn places_to_look(shared: &Shared) -> impl Iterator<Item = Where> {
        let needs = |look_in: Where| if look_in == Where::Assets { LookUpAsset::ENDPOINT.needs } else { SearchCustomers::ENDPOINT.needs };
        Where::ALL.into_iter().filter(move |look_in| !shared.hides_what_needs(needs(*look_in)))
    }

    /// What the customer search is to be asked for the text as it stands; none
    /// below the minimum. A state of two letters is asked by its full code
    /// (S3-5).
    fn wanted_customers(&self, shared: &Shared) -> Option<(String, SearchBy)> {
        let by = match self.look_in {
            Where::Everything => SearchBy::All,
            Where::Field(by) => by,
            Where::Assets => return None,
        };
        let text = self.field.text().trim().to_owned();
        if by == SearchBy::State
            && let Some(code) = full_state_code(shared.country(), &text)
        {
            return Some((code, by));
        }
        let long_enough = fold(&text).chars().count() >= MIN_QUERY;
        (long_enough && Self::may_search(shared)).then_some((text, by))
    }

    /// What is to be looked up: live where everything is looked for, on Enter
    /// where a scanner may type.
    fn wanted_assets(&self, shared: &Shared) -> Option<String> {
        let text = self.field.text().trim().to_owned();
        let entered = self.entered.as_ref() == Some(&text);
        let wanted = match self.look_in {
            Where::Everything => entered || text.chars().count() >= MIN_QUERY,
            Where::Assets => entered,
            Where::Field(_) => false,
        };
        (wanted && !text.is_empty() && Self::may_look_up(shared)).then_some(text)
    }

    /// Asks what is neither answered nor known: one request in flight per source,
    /// the newest text next.
    fn ask(&mut self, cx: &mut Cx<'_>) {
        let (customers, now) = (self.wanted_customers(cx.shared), When { at: cx.shared.now, writes: cx.shared.writes });
        if let Some(wanted) = customers.as_ref().filter(|wanted| !self.customers.is_settled(Some(*wanted)))
            && let Some((page, at)) = self.answers.to(wanted, now)
        {
            self.customers.know(wanted.clone(), page, at);
        }
        self.customers.want(customers, |(q, by)| {
            self.asked = now;
            let query = CustomerQuery { q: q.clone(), by: *by, ..CustomerQuery::default() };
            cx.call(Call::of::<SearchCustomers>(&Nothing {}, &query, &Nothing {}))
        });
        let assets = self.wanted_assets(cx.shared);
        self.assets.want(assets, |tag| {
            let query = LookupQuery { tag: tag.clone(), organization: None };
            cx.call(Call::of::<LookUpAsset>(&Nothing {}, &query, &Nothing {}))
        });
        self.kept.ask(self.field.text(), cx);
        self.patience.keep(self.is_searching(), cx);
        self.mark();
    }

    /// Whether the first answer is waited for: later on the one before is shown.
    fn is_searching(&self) -> bool {
        self.customers.answer().is_none() && (self.customers.is_waiting() || self.assets.is_waiting())
    }

    fn mark(&mut self) {
        let assets = self.asset_hits().iter().map(|hit| hit.asset.id.0);
        let rows: Vec<Uuid> = assets.chain(self.customer_hits().iter().map(|hit| hit.id.0)).collect();
        let text = fold(self.field.text());
        if rows != self.marks.rows || !text.starts_with(&self.marks.text) {
            self.marks = Marks { text, rows };
        }
    }

    /// Forgets what customers were found, here and before.
    fn forget_customers(&mut self) {
        self.customers.forget();
        self.answers.forget();
    }

    /// The line broke: what was said of this text, or of a shorter one, the last
    /// time. Not at a workshop terminal, which recalls nothing.
    fn recall_customers(&mut self, shared: &Shared) {
        if let Some(missed) = self.customers.missed().filter(|_| !shared.is_kiosk()).cloned()
            && let Some((page, at)) = self.answers.last(&missed)
        {
            self.customers.recall(missed, page, at);
        }
    }

    fn edited(&mut self, cx: &mut Cx<'_>) {
        self.entered = None;
        self.cursor = Cursor::default();
        self.ask(cx);
    }

    /// Enter belongs to the text as it stands: it waits for that answer.
    fn enter(&mut self, cx: &mut Cx<'_>) {
        let text = self.field.text().trim().to_owned();
        if text.is_empty() {
            return self.open_listed(cx);
        }
        self.entered = Some(text);
        self.ask(cx);
        self.open_if_answered(cx);
    }

    fn open_if_answered(&mut self, cx: &mut Cx<'_>) {
        let (customers, assets) = (self.wanted_customers(cx.shared), self.wanted_assets(cx.shared));
        if self.entered.is_none() || !self.customers.is_settled(customers.as_ref()) || !self.assets.is_settled(assets.as_ref()) {
            return;
        }
        self.entered = None;
        // Off line one opens what is known, if the other source never knew the text.
        let failure = self.customers.failure().or(self.assets.failure()).filter(|failure| !failure.is_passing() || self.row_count(cx.shared) == 0);
        if let Some(failure) = failure {
            return cx.say(Tone::Error, failure.to_string());
        }
        if customers.is_none() && assets.is_none() {
            let reason = cx.shared.access(LookUpAsset::ENDPOINT.needs).err().filter(|_| !Self::may_search(cx.shared));
            // What it would need is hidden at a workshop terminal.
            let hides = cx.shared.hides_what_needs(LookUpAsset::ENDPOINT.needs);
            let reason = reason.map(|reason| if hides { "Nothing is looked up at this terminal.".to_owned() } else { reason });
            return cx.say(Tone::Warning, reason.unwrap_or_else(|| self.too_short()));
        }
        self.open_row(cx);
    }

    /// Opens the row under the cursor. Of several machines with the same
    /// number nothing is chosen for the person (S2-8).
    fn open_row(&mut self, cx: &mut Cx<'_>) {
        let machines = self.asset_hits();
        if !self.cursor.moved && machines.len() > 1 {
            let chooser = AssetChooser::new(self.field.text().trim(), machines.to_vec(), self.assets.said_at());
            return cx.open(chooser);
        }
        if let Some(hit) = machines.get(self.cursor.at) {
            return cx.open(Record::asset(hit.asset.clone(), self.assets.said_at()));
        }
        match self.customer_hits().get(self.cursor.at - machines.len().min(self.cursor.at)) {
            Some(hit) => cx.open(Record::customer(hit.id, hit.name.clone())),
            None => cx.say(Tone::Warning, self.no_hit(cx.shared)),
        }
    }

    fn asset_hits(&self) -> &[crate::api::asset::LookupHit] {
        self.assets.answer().map_or(&[], |answer| &answer.items)
    }

    fn customer_hits(&self) -> &[CustomerHit] {
        self.customers.answer().map_or(&[], |page| &page.items)
    }

    fn row_count(&self, shared: &Shared) -> usize {
        if self.field.is_empty() { self.listed(shared) } else { self.asset_hits().len() + self.customer_hits().len() }
    }

    fn too_short(&self) -> String {
        let typed = fold(self.field.text()).chars().count();
        format!("{typed} of {MIN_QUERY} characters: keep typing")
    }

    /// Nothing is found for the text that was answered last: a newer one may be
    /// on its way.
    fn no_hit(&self, shared: &Shared) -> String {
        let older = self.customers.answered().filter(|_| self.customers.is_waiting());
        let text = older.map_or(self.field.text().trim(), |((text, _), _)| text.as_str());
        let fields = match self.look_in {
            Where::Assets if shared.is_outside() => return "No asset with this number or plate in your organizations.".to_owned(),
            Where::Assets => return format!("No asset has the number, plate or VIN \"{text}\" within your reach."),
            _ if !Self::may_search(shared) => return "No asset with this number or plate in your organizations.".to_owned(),
            Where::Everything => "name, city, state or number",
            Where::Field(by) => by.name(),
        };
        format!("No customer matches \"{text}\" in {fields}.")
    }

    fn turn(&mut self, forward: bool, cx: &mut Cx<'_>) {
        let places: Vec<Where> = Self::places_to_look(cx.shared).collect();
        let at = places.iter().position(|other| *other == self.look_in).unwrap_or(0);
        let count = places.len().max(1);
        let next = if forward { (at + 1) % count } else { (at + count - 1) % count };
        self.look_in = places.get(next).copied().unwrap_or(self.look_in);
        self.edited(cx);
    }

    fn begin(&mut self, look_in: Where, cx: &mut Cx<'_>) {
        self.field = TextField::default();
        self.look_in = look_in;
        self.edited(cx);
    }
}

impl Layer for Find {
    fn places(&self) -> Vec<Place> {
        vec![Place::Find, Place::List, Place::Rows]
    }

    fn title(&self) -> String {
        "Find".to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if cx.shared.session.is_some() && !Self::may_search(cx.shared) && Self::may_look_up(cx.shared) {
            self.look_in = Where::Assets;
        }
        // The rights may be others now: what was refused may be answered.
        self.recent.retain(|opened| if matches!(opened, Opened::Asset(..)) { Self::may_look_up(cx.shared) } else { Self::may_search(cx.shared) });
        self.answers.forget();
        self.customers.forget_failure();
        self.assets.forget_failure();
        self.ask(cx);
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        // S3-7: only if the wanted one was searched for.
        // Off line nobody can say whether there is one: it is kept, and the server looks.
        let asked_in_vain = self.customers.failure().is_some() && self.field.text().trim().chars().count() >= 3;
        let searched = self.customers.answer().is_some() && !self.field.is_empty() || asked_in_vain;
        (command.id == "customer.new" && !searched).then(|| "Search first: type at least three characters of the name.".to_owned())
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if self.cursor.command(command, self.row_count(cx.shared)) {
            return;
        }
        match command.id {
            "list.open" => self.enter(cx),
            "find.scope" => self.turn(true, cx),
            "find.scope_back" => self.turn(false, cx),
            "find.customers" => self.begin(Where::Everything, cx),
            "find.assets" => self.begin(Where::Assets, cx),
            "company" => self.open_company(cx),
            "customer.new" => cx.open(CustomerForm::layer(self.field.text().trim())),
            "request.by_unit" => cx.open(RequestForm::by_unit()),
            "reload" => {
                self.forget_customers();
                self.assets.forget();
                self.ask(cx);
            }
            _ => {}
        }
    }

    fn on_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) {
        if self.field.key(key) {
            self.edited(cx);
        }
    }

    fn on_paste(&mut self, text: &str, cx: &mut Cx<'_>) {
        self.field.paste(text);
        self.edited(cx);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let is_of_customers = self.customers.take(reply);
        if let Some((asked, page)) = self.customers.answered().filter(|_| is_of_customers && self.customers.is_new()) {
            self.answers.keep(asked, page, self.asked);
        }
        self.recall_customers(cx.shared);
        if is_of_customers || self.assets.take(reply) {
            self.cursor.keep_within(self.row_count(cx.shared));
            self.ask(cx);
            self.open_if_answered(cx);
        }
    }

    fn on_entries(&mut self, ticket: Ticket, entries: Result<Vec<Entry>, OutboxFault>) {
        self.kept.take(ticket, entries);
    }

    fn on_outbox(&mut self, cx: &mut Cx<'_>) {
        self.kept.forget();
        self.kept.ask(self.field.text(), cx);
    }

    fn on_wake(&mut self, ticket: Ticket, _: &mut Cx<'_>) {
        self.patience.wake(ticket);
    }

    fn on_changed(&mut self, _: super::super::layer::Subject, cx: &mut Cx<'_>) {
        self.forget_customers();
        self.ask(cx);
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.entered.take().is_none() && !self.field.is_empty() {
            let look_in = self.look_in;
            self.begin(look_in, cx);
        }
        true
    }

    fn on_page(&mut self, opened: Opened, shared: &Shared) {
        self.remember(opened, shared);
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        if self.field.is_empty() {
            let opened = self.recent.iter().filter_map(|recent| match recent {
                Opened::Asset(_, said_at) => Some(*said_at),
                // A name, which the page shows as it was opened by.
                Opened::Customer(..) => None,
            });
            return opened.min().filter(|_| shared.is_off_line());
        }
        [self.customers.as_of(shared), self.assets.as_of(shared)].into_iter().flatten().min()
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        rows::view(self, area, buffer, shared);
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        let (_, cell) = self.field.shown(usize::from(area.width).saturating_sub(rows::LABEL + 2));
        Some(Position { x: area.x + u16::try_from(rows::LABEL).ok()? + cell, y: area.y })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossterm::event::{KeyCode, KeyModifiers};
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;
    use crate::api::ids::CustomerId;
    use crate::tui::draft::Drafts;
    use crate::tui::layer::Intent;
    use crate::tui::shared::{Link, tried};
    use crate::tui::unsure::Unsure;

    /// Somebody who looks for names, and what was asked of the server for it.
    struct Counter {
        find: Find,
        shared: Shared,
        next_ticket: u64,
        asked: Vec<(Ticket, Call)>,
    }

    impl Counter {
        fn new() -> Self {
            let shared = Shared { link: Link::Unknown, ..tried::signed_in("staff", &["customer.search", "asset.lookup"]) };
            let mut counter = Self { find: Find::default(), shared, next_ticket: 0, asked: Vec::new() };
            counter.does(|find, cx| find.begin(Where::Field(SearchBy::Name), cx));
            counter
        }

        fn does(&mut self, act: impl FnOnce(&mut Find, &mut Cx<'_>)) {
            let (mut drafts, mut unsure) = (Drafts::default(), Unsure::default());
            let mut cx = Cx { shared: &self.shared, drafts: &mut drafts, unsure: &mut unsure, next_ticket: &mut self.next_ticket, intents: Vec::new() };
            act(&mut self.find, &mut cx);
            for intent in cx.intents {
                if let Intent::Call(ticket, call) = intent {
                    self.asked.push((ticket, call));
                }
            }
        }

        /// Types letters; `<` takes one away.
        fn types(&mut self, letters: &str) {
            for letter in letters.chars() {
                let code = if letter == '<' { KeyCode::Backspace } else { KeyCode::Char(letter) };
                self.does(|find, cx| find.on_key(KeyEvent::new(code, KeyModifiers::NONE), cx));
            }
        }

        /// The server answers the last question; `next` says that more exist.
        fn hears(&mut self, names: &[&str], next: Option<&str>) {
            let hit = |name: &&str| {
                json!({
                    "id": CustomerId::new(), "name": name, "city": "Waco", "phone": null, "number": null, "kind": "local",
                    "state": "TX", "country": "US", "postal_code": null, "matched": ["name"], "near_miss": false,
                })
            };
            let page = json!({ "items": names.iter().map(hit).collect::<Vec<_>>(), "next": next, "total": null });
            let ticket = self.asked.last().unwrap().0;
            let reply = Reply { ticket, outcome: Ok(page.to_string().into_bytes()), last_good: None, took: Duration::ZERO, at: self.shared.now, waits: false };
            self.does(|find, cx| find.on_reply(&reply, cx));
        }

        fn sees(&self) -> Vec<&str> {
            self.find.customer_hits().iter().map(|hit| hit.name.as_str()).collect()
        }

        #[track_caller]
        fn has_asked(&self, texts: &[&str]) {
            assert_eq!(self.asked.len(), texts.len(), "{:?}", self.asked);
            for ((_, call), text) in self.asked.iter().zip(texts) {
                let query = CustomerQuery { q: (*text).to_owned(), by: SearchBy::Name, ..CustomerQuery::default() };
                assert!(call.says_the_same(&Call::of::<SearchCustomers>(&Nothing {}, &query, &Nothing {})), "{text}: {call:?}");
            }
        }
    }

    #[test]
    fn typing_on_and_going_back_asks_nothing_where_the_answer_was_complete() {
        let mut jo = Counter::new();
        jo.types("kel");
        jo.hears(&["Keller Bau", "Kelseyville Logging"], None);
        jo.types("ler");
        assert_eq!(jo.sees(), ["Keller Bau"]);
        jo.types("<<<");
        assert_eq!(jo.sees(), ["Keller Bau", "Kelseyville Logging"]);
        jo.has_asked(&["kel"]);
        jo.types("lerx");
        jo.has_asked(&["kel", "kellerx"]);
    }

    #[test]
    fn an_answer_that_goes_on_is_old_or_older_than_a_write_narrows_nothing() {
        let mut jo = Counter::new();
        jo.types("kel");
        jo.hears(&["Keller Bau"], Some("more"));
        jo.types("l");
        jo.hears(&["Keller Bau"], None);
        jo.shared.writes += 1;
        jo.types("e");
        jo.hears(&["Keller Bau"], None);
        jo.shared.now += SignedDuration::from_secs(11);
        jo.types("r");
        jo.has_asked(&["kel", "kell", "kelle", "keller"]);
    }

    #[test]
    fn an_answer_that_was_on_its_way_when_something_was_written_narrows_nothing() {
        let mut jo = Counter::new();
        jo.types("kel");
        jo.shared.writes += 1;
        jo.hears(&["Keller Bau"], None);
        jo.types("l");
        jo.has_asked(&["kel", "kell"]);
    }

    #[test]
    fn keys_that_are_faster_than_the_line_cost_one_further_request() {
        let mut jo = Counter::new();
        jo.types("nor<<<keller");
        jo.has_asked(&["nor"]);
        jo.hears(&["Northwind Fleet"], None);
        jo.has_asked(&["nor", "keller"]);
        jo.hears(&["Keller Bau"], None);
        assert_eq!(jo.sees(), ["Keller Bau"]);
        jo.has_asked(&["nor", "keller"]);
    }

    #[test]
    fn that_it_searches_is_told_to_whoever_waits_longer() {
        let mut counter = Counter::new();
        counter.types("kel");
        let Patience::Until(ticket) = counter.find.patience else { panic!("{:?}", counter.find.patience) };
        counter.does(|find, cx| find.on_wake(ticket, cx));
        assert_eq!(counter.find.patience, Patience::Over);
        counter.hears(&["Keller Bau"], None);
        assert_eq!(counter.find.patience, Patience::AtEase);
    }

    #[test]
    fn what_is_marked_stays_while_the_same_rows_stay() {
        let mut jo = Counter::new();
        jo.types("kel");
        jo.hears(&["Keller Bau", "Kellerman"], None);
        jo.types("ler");
        assert_eq!(jo.find.marks.text, "kel");
        jo.types("m");
        assert_eq!((jo.sees(), jo.find.marks.text.as_str()), (vec!["Kellerman"], "kellerm"));
        jo.types("<<<<");
        assert_eq!(jo.find.marks.text, "kel");
    }
}

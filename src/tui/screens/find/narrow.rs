//! Narrowing on the spot: what a complete answer says of a longer text without
//! another request, where the server is sure to say the same. Pure.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::api::customer::{CustomerHit, CustomerKind, SearchBy};
use crate::api::page::Page;
use crate::rules::customer_search::{Field, Matched, Query, Searched, state_text};
use crate::text::{digits, fold};

/// How many answers are kept.
const MOST: usize = 8;
/// An answer that was asked for longer ago says nothing any more: others write
/// too.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// When something was asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct When {
    /// The time.
    pub(super) at: Timestamp,
    /// How often this terminal had written by then.
    pub(super) writes: u64,
}

/// The last complete answers, the newest first.
#[derive(Debug, Default)]
pub(super) struct Answers {
    kept: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    query: Query,
    page: Page<CustomerHit>,
    asked: When,
}

impl Kept {
    /// What was written meanwhile may be missing in it.
    fn still_counts(&self, now: When) -> bool {
        let age = now.at.duration_since(self.asked.at);
        self.asked.writes == now.writes && (SignedDuration::ZERO..=FRESH).contains(&age)
    }
}

impl Answers {
    /// Keeps an answer, if it is complete.
    pub(super) fn keep(&mut self, (text, by): &(String, SearchBy), page: &Page<CustomerHit>, asked: When) {
        let Ok(query) = Query::new(text, *by) else { return };
        if page.next.is_none() {
            self.kept.retain(|kept| !is_same(&kept.query, &query));
            self.kept.push_front(Kept { query, page: page.clone(), asked });
            self.kept.truncate(MOST);
        }
    }

    /// What the server would say, if that is sure, and when it said so.
    pub(super) fn to(&self, wanted: &(String, SearchBy), now: When) -> Option<(Page<CustomerHit>, Timestamp)> {
        self.found(wanted, |kept| kept.still_counts(now))
    }

    /// What the server would have said the last time that it said anything of
    /// it, and when that was: for when it cannot be asked.
    pub(super) fn last(&self, wanted: &(String, SearchBy)) -> Option<(Page<CustomerHit>, Timestamp)> {
        self.found(wanted, |_| true)
    }

    fn found(&self, (text, by): &(String, SearchBy), counts: impl Fn(&Kept) -> bool) -> Option<(Page<CustomerHit>, Timestamp)> {
        let wanted = Query::new(text, *by).ok()?;
        let counting = || self.kept.iter().filter(|kept| counts(kept));
        let same = counting().find(|kept| is_same(&kept.query, &wanted)).map(|kept| (kept.page.clone(), kept.asked.at));
        same.or_else(|| counting().find_map(|kept| Some((narrowed(&kept.query, &kept.page, &wanted)?, kept.asked.at))))
    }

    /// Forgets them all.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
    }
}

fn is_same(one: &Query, other: &Query) -> bool {
    one.by() == other.by() && one.whole() == other.whole()
}

/// The complete answer to a text as that to a longer one. None where the
/// server knows more than stands in the hits.
fn narrowed(answered: &Query, page: &Page<CustomerHit>, wanted: &Query) -> Option<Page<CustomerHit>> {
    if !has_grown(answered, wanted) {
        return None;
    }
    let mut found: Vec<(Matched, Folded, &CustomerHit)> = Vec::new();
    for hit in &page.items {
        let folded = Folded::new(hit)?;
        if !shows_why(hit, &folded, answered) {
            return None;
        }
        if let Some(matched) = wanted.matches(&folded) {
            found.push((matched, folded, hit));
        }
    }
    // For nobody at all the server would look for near misses.
    if found.is_empty() {
        return None;
    }
    found.sort_by(|(a, a_folded, a_hit), (b, b_folded, b_hit)| {
        (a.tier(), a_folded.text(Field::Name), a_hit.id).cmp(&(b.tier(), b_folded.text(Field::Name), b_hit.id))
    });
    let items = found.into_iter().map(|(matched, _, hit)| CustomerHit { matched: matched.fields(), ..hit.clone() });
    Some(Page::whole(items.collect()))
}

/// Whether whoever answers the wanted text answered the other one too: its last
/// part grew, and nothing else.
fn has_grown(answered: &Query, wanted: &Query) -> bool {
    let last = answered.parts().last().zip(wanted.parts().last());
    // `+` is found in no telephone number, `+1` is.
    let digits_were_looked_for = last.is_some_and(|(before, now)| now.digits().is_none() || before.digits().is_some());
    answered.by() == wanted.by()
        && wanted.whole().starts_with(answered.whole())
        && answered.parts().len() == wanted.parts().len()
        && digits_were_looked_for
        // The code of a state is compared whole.
        && !answered.is_state_code()
        && !wanted.is_state_code()
}

/// Whether all that made it a hit can be seen in it. A fleet may have a number
/// at each of many shops, and only one stands in the hit.
fn shows_why(hit: &CustomerHit, folded: &Folded, answered: &Query) -> bool {
    let in_number = hit.matched.contains(&Field::Number);
    let is_fleet = hit.more.as_ref().is_none_or(|more| more.kind != CustomerKind::Local);
    let matched = answered.matches(folded).map(Matched::fields);
    !(hit.near_miss || in_number && is_fleet) && matched.as_ref() == Some(&hit.matched)
}

/// A hit as a search sees it: its folded fields, in the order of
/// [`Field::ALL`].
#[derive(Debug)]
struct Folded([String; Field::ALL.len()]);

impl Folded {
    /// None where only the basic fields are to be seen.
    fn new(hit: &CustomerHit) -> Option<Self> {
        let more = hit.more.as_ref()?;
        let text = |text: Option<&String>| fold(text.map_or("", String::as_str));
        Some(Self(Field::ALL.map(|field| match field {
            Field::Name => fold(&hit.name),
            Field::City => text(hit.city.as_ref()),
            Field::State => state_text(more.country.as_deref(), more.state.as_deref()),
            Field::Number => text(more.number.as_ref()),
            Field::Phone => digits(hit.phone.as_deref().unwrap_or_default()),
            Field::PostalCode => text(more.postal_code.as_ref()),
        })))
    }

    fn text(&self, field: Field) -> &str {
        &self.0[field as usize]
    }
}

impl Searched for Folded {
    fn texts(&self, field: Field, look: &mut dyn FnMut(&str) -> bool) {
        look(self.text(field));
    }

    fn name_starts_with(&self, text: &str) -> bool {
        self.text(Field::Name).starts_with(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::api::customer::HitMore;
    use crate::api::ids::CustomerId;

    /// A customer as the server has it: also with numbers that are not shown.
    #[derive(Debug, Clone)]
    struct Customer {
        hit: CustomerHit,
        unseen: Vec<String>,
    }

    impl Searched for Customer {
        fn texts(&self, field: Field, look: &mut dyn FnMut(&str) -> bool) {
            let folded = Folded::new(&self.hit).unwrap();
            let unseen = self.unseen.iter().map(|number| fold(number)).filter(|_| field == Field::Number);
            for text in std::iter::once(folded.text(field).to_owned()).chain(unseen) {
                if !look(&text) {
                    return;
                }
            }
        }

        fn name_starts_with(&self, text: &str) -> bool {
            fold(&self.hit.name).starts_with(text)
        }
    }

    /// What the server says.
    fn answer(customers: &[Customer], query: &Query) -> Page<CustomerHit> {
        let mut found: Vec<(Matched, &Customer)> = customers.iter().filter_map(|customer| Some((query.matches(customer)?, customer))).collect();
        found.sort_by_key(|(matched, customer)| (matched.tier(), fold(&customer.hit.name), customer.hit.id));
        let hits = found.into_iter().map(|(matched, customer)| CustomerHit { matched: matched.fields(), ..customer.hit.clone() });
        Page::whole(hits.collect())
    }

    fn customer(name: &str, kind: CustomerKind, number: &str) -> Customer {
        let more = HitMore {
            number: Some(number.to_owned()),
            kind,
            state: Some("TX".to_owned()),
            country: Some("US".to_owned()),
            postal_code: Some("76701".to_owned()),
        };
        let hit = CustomerHit {
            id: CustomerId::new(),
            name: name.to_owned(),
            city: Some("Waco".to_owned()),
            phone: Some("+12545550199".to_owned()),
            more: Some(more),
            matched: Vec::new(),
            near_miss: false,
        };
        Customer { hit, unseen: Vec::new() }
    }

    fn query(text: &str) -> Query {
        Query::new(text, SearchBy::All).unwrap()
    }

    fn told(customers: &[Customer], before: &str, now: &str) -> Option<Vec<String>> {
        let page = narrowed(&query(before), &answer(customers, &query(before)), &query(now))?;
        Some(page.items.into_iter().map(|hit| hit.name).collect())
    }

    #[test]
    fn typing_on_leaves_those_that_still_match_best_first() {
        let counter = [
            customer("North Keller", CustomerKind::Local, "1"),
            customer("Keller Bau", CustomerKind::Local, "2"),
            customer("Kelseyville Logging", CustomerKind::Fleet, "3"),
        ];
        assert_eq!(told(&counter, "kel", "kell").unwrap(), ["Keller Bau", "North Keller"]);
        assert_eq!(told(&counter, "kel", "KELLER").unwrap(), ["Keller Bau", "North Keller"]);
        assert_eq!(told(&counter, "kel w", "kel wac").unwrap().len(), 3, "the last of two parts grew");
    }

    #[test]
    fn what_is_not_sure_is_asked() {
        let counter = [customer("Keller Bau", CustomerKind::Local, "10442"), customer("Northwind", CustomerKind::Fleet, "20871")];
        assert_eq!(told(&counter, "kel", "kelx"), None, "the server may know near misses");
        assert_eq!(told(&counter, "kel", "kel b"), None, "another part is looked for");
        assert_eq!(told(&counter, "kell", "kel"), None, "less is looked for");
        assert_eq!(told(&counter, "104", "1044").unwrap(), ["Keller Bau"], "a local customer has one number");
        assert_eq!(told(&counter, "208", "2087"), None, "a fleet may have others");
        assert_eq!(told(&counter, "waco +", "waco +1"), None, "a sign became a telephone number");
        let by_state = |text: &str| Query::new(text, SearchBy::State).unwrap();
        let page = answer(&counter, &by_state("tex"));
        assert_eq!(page.items.len(), 2);
        assert!(narrowed(&by_state("tex"), &page, &by_state("texa")).is_some());
        assert_eq!(narrowed(&by_state("us-"), &page, &by_state("us-tx")), None);
        assert_eq!(narrowed(&query("tex"), &page, &by_state("texa")), None);
    }

    #[test]
    fn hits_that_do_not_show_why_they_are_hits_are_not_narrowed() {
        let counter = [customer("Keller Bau", CustomerKind::Local, "10442")];
        let page = answer(&counter, &query("kel"));
        let changed = |change: fn(&mut CustomerHit)| {
            let mut page = page.clone();
            change(&mut page.items[0]);
            narrowed(&query("kel"), &page, &query("kell"))
        };
        assert!(changed(|_| {}).is_some());
        assert_eq!(changed(|hit| hit.more = None), None, "basic fields only");
        assert_eq!(changed(|hit| hit.near_miss = true), None);
        assert_eq!(changed(|hit| hit.matched = vec![Field::Name, Field::Number]), None, "found in a number that is not shown");
        assert_eq!(changed(|hit| hit.name = "Baustoffe".to_owned()), None);
    }

    #[test]
    fn a_kept_answer_counts_for_ten_seconds_and_until_something_is_written() {
        let counter = [customer("Keller Bau", CustomerKind::Local, "10442")];
        let (text, now) = (|text: &str| (text.to_owned(), SearchBy::All), When { at: Timestamp::UNIX_EPOCH, writes: 3 });
        let later = |seconds| When { at: now.at + SignedDuration::from_secs(seconds), ..now };
        let mut answers = Answers::default();
        answers.keep(&text("kel"), &answer(&counter, &query("kel")), now);
        assert!(answers.to(&text("kell"), later(10)).is_some() && answers.to(&text("kel "), later(10)).is_some());
        assert!(answers.to(&text("kell"), later(11)).is_none() && answers.to(&text("kell"), later(-1)).is_none());
        assert!(answers.to(&text("kell"), When { writes: 4, ..now }).is_none());
        assert!(answers.to(&("kell".to_owned(), SearchBy::Name), now).is_none());
        let (page, at) = answers.last(&text("kell")).unwrap();
        assert_eq!((page.items.len(), at), (1, now.at), "however old it is, where nobody can be asked");
        answers.forget();
        assert!(answers.to(&text("kel"), now).is_none() && answers.last(&text("kel")).is_none());
    }

    #[test]
    fn no_more_than_eight_answers_are_kept_and_none_that_goes_on() {
        let text = |at: usize| (format!("kel{at}"), SearchBy::All);
        let mut answers = Answers::default();
        for at in 0..20 {
            answers.keep(&text(at), &Page::whole(Vec::new()), When::default());
        }
        answers.keep(&text(19), &Page::whole(Vec::new()), When::default());
        answers.keep(&text(99), &Page { next: Some("there is more".to_owned()), ..Page::whole(Vec::new()) }, When::default());
        assert_eq!(answers.kept.len(), MOST);
        assert!(answers.to(&text(12), When::default()).is_some() && answers.to(&text(11), When::default()).is_none());
        assert!(answers.to(&text(99), When::default()).is_none());
    }

    /// Few letters, so that texts are found.
    fn customers() -> impl Strategy<Value = Vec<Customer>> {
        let words = "[abA1]{2,9}( [ab1-]{2,5})?";
        let fields = (words, of("[ab1]{3,5}"), of("\\+[12]{4,8}"), of("[ab12]{1,5}"), any::<bool>(), vec("[ab12]{1,5}", 0..2), of(select(vec!["TX", "CA"])));
        let one = fields.prop_map(|(name, city, phone, number, is_fleet, unseen, state)| {
            let kind = if is_fleet { CustomerKind::Fleet } else { CustomerKind::Local };
            let mut customer = customer(&name, kind, "");
            customer.hit.city = city;
            customer.hit.phone = phone;
            if let Some(more) = &mut customer.hit.more {
                more.number = number;
                more.state = state.map(str::to_owned);
            }
            customer.unseen = if is_fleet { unseen } else { Vec::new() };
            customer
        });
        vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn whatever_is_narrowed_is_what_the_server_says(
            customers in customers(), text in "[ab1]{1,3}[ab1 +-]{0,3}", more in "[ab1 +-]{0,3}", by in select(SearchBy::ALL.to_vec()),
        ) {
            let asked = (Query::new(&text, by), Query::new(&format!("{text}{more}"), by));
            if let (Ok(before), Ok(now)) = asked
                && let Some(page) = narrowed(&before, &answer(&customers, &before), &now)
            {
                prop_assert_eq!(page, answer(&customers, &now));
            }
        }

        #[test]
        fn names_of_local_customers_are_always_narrowed(name in "[ab]{4,9}", at in 3_usize..9, others in vec("[ab]{2,9}", 0..9)) {
            let all: Vec<Customer> = others.iter().chain([&name]).map(|name| customer(name, CustomerKind::Local, "7")).collect();
            let before = query(&name[..at.min(name.len() - 1)]);
            let page = narrowed(&before, &answer(&all, &before), &query(&name));
            prop_assert_eq!(page, Some(answer(&all, &query(&name))));
        }
    }
}

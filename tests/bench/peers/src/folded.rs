//! All customers as folded text in one buffer, in the order of name and id: the
//! plain scan that every engine is held against, and the limit of any scan.
//!
//! May call [`crate::customers`].

use std::collections::HashMap;
use std::fmt::Write as _;

use countertop::api::ids::CustomerId;
use countertop::rules::customer_search::{Field, Part, Query, Searched, state_text};
use countertop::text::{digits, fold};
use memchr::memmem::Finder;

use crate::customers::{COUNTRY, Customer, Customers};

/// The text of one customer: a line each for name, city, state, telephone,
/// postal code and the numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a>(pub(crate) &'a str);

/// How many lines stand before the numbers.
const BEFORE_NUMBERS: usize = 5;

impl<'a> Text<'a> {
    /// The lines of a field.
    pub(crate) fn lines(self, field: Field) -> impl Iterator<Item = &'a str> {
        let (skipped, taken) = match field {
            Field::Name => (0, 1),
            Field::City => (1, 1),
            Field::State => (2, 1),
            Field::Phone => (3, 1),
            Field::PostalCode => (4, 1),
            Field::Number => (BEFORE_NUMBERS, usize::MAX),
        };
        self.0.split_terminator('\n').skip(skipped).take(taken)
    }

    /// The folded name.
    pub(crate) fn name(self) -> &'a str {
        self.0.split('\n').next().unwrap_or_default()
    }
}

impl Searched for Text<'_> {
    fn texts(&self, field: Field, look: &mut dyn FnMut(&str) -> bool) {
        for line in self.lines(field) {
            if !look(line) {
                break;
            }
        }
    }

    fn name_starts_with(&self, text: &str) -> bool {
        self.0.starts_with(text)
    }
}

/// The buffer.
#[derive(Debug)]
pub(crate) struct Folded {
    text: String,
    /// Where each customer starts, and the end.
    starts: Vec<usize>,
    ids: Vec<CustomerId>,
}

impl Folded {
    /// Folds and sorts them.
    pub(crate) fn of(customers: &Customers) -> Self {
        let mut unsorted = Self { text: String::new(), starts: vec![0], ids: Vec::with_capacity(customers.count()) };
        let mut states = HashMap::new();
        for customer in customers.all() {
            let state = states.entry(customer.state).or_insert_with(|| state_text(Some(COUNTRY), Some(customer.state)));
            write_text(&mut unsorted.text, &customer, state);
            unsorted.starts.push(unsorted.text.len());
            unsorted.ids.push(customer.id);
        }
        let mut order: Vec<usize> = (0..unsorted.len()).collect();
        let key = |place: usize| (unsorted.get(place).name(), unsorted.ids[place]);
        order.sort_unstable_by(|a, b| key(*a).cmp(&key(*b)));
        let mut sorted = Self { text: String::with_capacity(unsorted.text.len()), starts: vec![0], ids: Vec::with_capacity(order.len()) };
        for place in order {
            sorted.text.push_str(unsorted.get(place).0);
            sorted.starts.push(sorted.text.len());
            sorted.ids.push(unsorted.ids[place]);
        }
        sorted.starts.shrink_to_fit();
        sorted
    }

    /// How many customers there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The customer of a rank.
    pub(crate) fn get(&self, rank: usize) -> Text<'_> {
        Text(&self.text[self.starts[rank]..self.starts[rank + 1]])
    }

    /// All of them, best first.
    pub(crate) fn all(&self) -> impl Iterator<Item = Text<'_>> {
        (0..self.len()).map(|rank| self.get(rank))
    }

    /// The ids in the order of rank.
    pub(crate) fn ids(&self) -> &[CustomerId] {
        &self.ids
    }

    /// The bytes of the text alone.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// The bytes of everything a scan needs.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(self.starts.as_slice()) + size_of_val(self.ids.as_slice())
    }

    /// How often the longest part of a query stands in the text: nothing that
    /// reads the whole text is faster.
    pub(crate) fn count(&self, query: &Query) -> usize {
        let part = query.parts().iter().map(Part::text).max_by_key(|text| text.len()).unwrap_or_default();
        Finder::new(part).find_iter(self.text.as_bytes()).count()
    }

    /// The first hits of a query by the rule alone.
    pub(crate) fn scan(&self, query: &Query, limit: usize) -> Vec<CustomerId> {
        let mut found: Vec<((u8, u8), usize)> = Vec::new();
        let mut look = |rank: usize| {
            if let Some(matched) = query.matches(&self.get(rank)) {
                found.push((matched.tier(), rank));
            }
        };
        match needed_text(query) {
            Some(text) => self.each_with(text, &mut look),
            None => (0..self.len()).for_each(look),
        }
        found.sort_unstable();
        found.into_iter().take(limit).map(|(_, rank)| self.ids[rank]).collect()
    }

    /// Every customer whose text holds a piece of text.
    fn each_with(&self, text: &str, look: &mut impl FnMut(usize)) {
        let finder = Finder::new(text);
        let (mut rank, mut from) = (0, 0);
        while let Some(at) = self.text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
            rank = self.holder(rank, from + at);
            look(rank);
            rank += 1;
            from = self.starts[rank];
        }
    }

    /// Whose text covers a place, at or behind a rank: in growing steps, for it
    /// is mostly near.
    fn holder(&self, mut rank: usize, at: usize) -> usize {
        let mut step = 1;
        while self.starts.get(rank + step).is_some_and(|start| *start <= at) {
            rank += step;
            step *= 2;
        }
        let end = self.starts.len().min(rank + step);
        rank + self.starts[rank..end].partition_point(|start| *start <= at) - 1
    }
}

/// A text that every hit holds as it is. What looks like a telephone number
/// with its punctuation may stand as digits too.
fn needed_text(query: &Query) -> Option<&str> {
    let as_it_is = query.parts().iter().filter(|part| part.digits().is_none_or(|digits| digits == part.text()));
    as_it_is.map(Part::text).max_by_key(|text| text.len())
}

fn write_text(text: &mut String, customer: &Customer, state: &str) {
    let Customer { name, city, phone, postal_code, numbers, .. } = customer;
    // Writing to a String cannot fail.
    let _ = write!(text, "{}\n{}\n{state}\n{}\n{}\n", fold(name), fold(city), digits(phone), fold(postal_code));
    for number in numbers {
        text.push_str(&fold(number));
        text.push('\n');
    }
}

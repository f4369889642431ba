//! Customers that stand still: records in the order of the ranking (folded
//! name, then id) with everything that finds them. Never changed once built;
//! [`super::build`] makes one, [`super::walk`] searches it.
//!
//! May call its siblings below it, [`crate::api`], [`crate::rules`],
//! [`crate::store`] (what a scope is) and [`crate::text`].

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hint::black_box;

use super::entry::sees_link;
use super::pieces::PieceLists;
use super::postings::{Looked, Postings};
use super::record::{Phone, Record, Words};
use super::vocabulary::{Vocabulary, partition};
use crate::api::ids::{CustomerId, OrganizationId, ShopId};
use crate::rules::customer_search::{Field, Searched};
use crate::store::Scope;
use crate::text::{digits, fold};

/// So many records are on their way from memory together.
const FETCHED_AT_ONCE: usize = 16;

/// One segment. A customer is known by its place in the ranking.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) records: Box<[u8]>,
    /// Where each record begins, and where the last one ends.
    pub(super) starts: Box<[u64]>,
    pub(super) names: Vocabulary,
    pub(super) cities: Vocabulary,
    pub(super) states: Vocabulary,
    pub(super) postal_codes: Vocabulary,
    /// City, state and country as they are written.
    pub(super) places: Box<[Place]>,
    /// The number in the vocabulary of each postal code of a record.
    pub(super) postal_code_texts: Box<[u32]>,
    /// The postal codes that are not simply written in capitals.
    pub(super) odd_postal_codes: HashMap<u32, Box<str>>,
    /// The sets of shops that customers are linked with.
    pub(super) shops: Box<[Box<[ShopId]>]>,
    /// Customers by id.
    pub(super) by_id: Box<[u32]>,
    /// Customers by organization, and whether it is enabled for the portal.
    pub(super) by_organization: Box<[(OrganizationId, u32, bool)]>,
    pub(super) postings: Postings,
    pub(super) lists: Lists,
    pub(super) numbers: PieceLists,
    pub(super) phones: PieceLists,
}

/// A place as it is written, and its numbers in the vocabularies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) city: Option<Box<str>>,
    pub(super) state: Option<Box<str>>,
    pub(super) country: Option<Box<str>>,
    pub(super) city_text: u32,
    pub(super) state_text: u32,
}

/// Where the posting lists of what begin; those of the words of names come first.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) cities: u32,
    pub(super) states: u32,
    pub(super) postal_codes: u32,
    /// Of each set of shops.
    pub(super) shops: u32,
}

impl Segment {
    /// How many customers there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.starts.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    fn bytes_of(&self, customer: u32) -> &[u8] {
        let at = |customer: usize| usize::try_from(self.starts[customer]).unwrap_or(usize::MAX);
        &self.records[at(customer as usize)..at(customer as usize + 1)]
    }

    pub(super) fn record(&self, customer: u32) -> Record<'_> {
        Record::read(self.bytes_of(customer))
    }

    /// The records of many customers. Memory takes long to begin an answer, not
    /// to give several: so they are fetched some at a time, before the first of
    /// them is looked at.
    pub(super) fn records(&self, mut customers: impl Iterator<Item = u32>) -> impl Iterator<Item = (u32, Record<'_>)> {
        let mut fetched = [0; FETCHED_AT_ONCE];
        let (mut next, mut end) = (0, 0);
        std::iter::from_fn(move || {
            if next == end {
                (next, end) = (0, 0);
                for (place, customer) in fetched.iter_mut().zip(&mut customers) {
                    *place = customer;
                    end += 1;
                }
                let first_bytes = fetched[..end].iter().map(|customer| self.bytes_of(*customer).first());
                black_box(first_bytes.fold(0, |all, first| all ^ first.copied().unwrap_or_default()));
            }
            let customer = *fetched[..end].get(next)?;
            next += 1;
            Some((customer, self.record(customer)))
        })
    }

    pub(super) fn shops_of(&self, record: &Record<'_>) -> &[ShopId] {
        self.shops.get(record.shops as usize).map_or(&[], |shops| shops)
    }

    pub(super) fn id(&self, customer: u32) -> CustomerId {
        let record = self.record(customer);
        record.tail(self.shops_of(&record).len()).id
    }

    /// The folded name.
    pub(super) fn folded_name(&self, customer: u32) -> String {
        let mut name = String::with_capacity(40);
        for word in Record::words_of(self.bytes_of(customer)).iter() {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(self.names.text(word));
        }
        name
    }

    /// How a name compares with a text.
    pub(super) fn compare_name(&self, customer: u32, text: &str) -> Ordering {
        match self.behind(Record::words_of(self.bytes_of(customer)), text.as_bytes()) {
            Behind::Rest(rest) if !rest.is_empty() => Ordering::Less,
            Behind::Rest(_) => Ordering::Equal,
            Behind::Longer => Ordering::Greater,
            Behind::Other(ordering) => ordering,
        }
    }

    /// Whether a name starts with a text.
    pub(super) fn is_name_start(&self, customer: u32, text: &str) -> bool {
        self.name_starts_with(Record::words_of(self.bytes_of(customer)), text)
    }

    fn name_starts_with(&self, words: Words<'_>, text: &str) -> bool {
        match self.behind(words, text.as_bytes()) {
            Behind::Rest(rest) => rest.is_empty(),
            Behind::Longer => true,
            Behind::Other(_) => false,
        }
    }

    fn behind<'t>(&self, words: Words<'_>, mut text: &'t [u8]) -> Behind<'t> {
        for (at, word) in words.iter().enumerate() {
            let word = self.names.text(word).as_bytes();
            for piece in [if at == 0 { b"".as_slice() } else { b" " }, word] {
                let common = piece.len().min(text.len());
                match piece[..common].cmp(&text[..common]) {
                    Ordering::Equal if common < piece.len() => return Behind::Longer,
                    Ordering::Equal => text = &text[common..],
                    other => return Behind::Other(other),
                }
            }
        }
        Behind::Rest(text)
    }

    /// The first customer whose name is not before a text.
    pub(super) fn first_named(&self, text: &str) -> u32 {
        let at = partition(0, self.len() as usize, |customer| self.compare_name(place(customer), text) == Ordering::Less);
        place(at)
    }

    /// The first customer behind a name and id.
    pub(super) fn first_behind(&self, name: &str, id: CustomerId) -> u32 {
        let at = partition(0, self.len() as usize, |customer| {
            let customer = place(customer);
            self.compare_name(customer, name).then_with(|| self.id(customer).cmp(&id)) != Ordering::Greater
        });
        place(at)
    }

    /// Whether a field of a record leads to one of some lists, which ascend.
    pub(super) fn is_in(&self, record: &Record<'_>, field: Field, looked: &Looked) -> bool {
        let Looked::InAny(lists) = looked else { return false };
        let place = &self.places[record.place as usize];
        let is_one = |list: u32| lists.binary_search(&list).is_ok();
        match field {
            Field::Name => record.words.iter().any(is_one),
            Field::City => is_one(self.lists.cities + place.city_text),
            Field::State => is_one(self.lists.states + place.state_text),
            Field::Number | Field::Phone | Field::PostalCode => false,
        }
    }

    /// The customer with an id.
    pub(super) fn find(&self, id: CustomerId) -> Option<u32> {
        self.by_id.binary_search_by(|customer| self.id(*customer).cmp(&id)).ok().map(|at| self.by_id[at])
    }

    /// The customers of an organization.
    pub(super) fn of_organization(&self, organization: OrganizationId) -> impl Iterator<Item = (u32, bool)> + '_ {
        let first = self.by_organization.partition_point(|(id, ..)| *id < organization);
        self.by_organization[first..].iter().take_while(move |(id, ..)| *id == organization).map(|(_, customer, portal)| (*customer, *portal))
    }

    /// The memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let vocabularies = [&self.names, &self.cities, &self.states, &self.postal_codes];
        let places: usize = self.places.iter().map(|place| size_of::<Place>() + place.city.as_deref().map_or(0, str::len)).sum();
        self.records.len()
            + self.starts.len() * 8
            + vocabularies.into_iter().map(Vocabulary::bytes).sum::<usize>()
            + places
            + self.postal_code_texts.len() * 4
            + self.by_id.len() * 4
            + self.by_organization.len() * size_of::<(OrganizationId, u32, bool)>()
            + self.postings.bytes()
            + self.numbers.bytes()
            + self.phones.bytes()
    }
}

enum Behind<'t> {
    /// The name ended; this is left of the text.
    Rest(&'t [u8]),
    /// The text ended within the name.
    Longer,
    /// They differ.
    Other(Ordering),
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A customer as somebody's search sees it.
pub(super) struct Seen<'a> {
    pub(super) segment: &'a Segment,
    pub(super) record: Record<'a>,
    pub(super) scope: &'a Scope,
}

impl Searched for Seen<'_> {
    fn texts(&self, field: Field, look: &mut dyn FnMut(&str) -> bool) {
        let segment = self.segment;
        match field {
            Field::Name => {
                let _ = self.record.words.iter().all(|word| look(segment.names.text(word)));
            }
            Field::City => _ = look(segment.cities.text(segment.places[self.record.place as usize].city_text)),
            Field::State => _ = look(segment.states.text(segment.places[self.record.place as usize].state_text)),
            Field::Number => {
                let shops = segment.shops_of(&self.record);
                let seen = shops.iter().zip(self.record.numbers(shops.len())).filter(|(shop, number)| !number.is_empty() && sees_link(self.scope, **shop));
                let _ = seen.map(|(_, number)| folded(number)).all(|number| look(&number));
            }
            Field::Phone => match self.record.phone {
                Phone::None => {}
                Phone::Digits(digits) => _ = look(in_digits(digits, &mut [0; 20])),
                Phone::Odd(text) => _ = look(&digits(text)),
            },
            Field::PostalCode => _ = look(segment.postal_codes.text(segment.postal_code_texts[self.record.postal_code as usize])),
        }
    }

    fn name_starts_with(&self, text: &str) -> bool {
        self.segment.name_starts_with(self.record.words, text)
    }
}

/// Folded; digits are already.
pub(super) fn folded(number: &str) -> Cow<'_, str> {
    if number.bytes().all(|byte| byte.is_ascii_digit()) { Cow::Borrowed(number) } else { Cow::Owned(fold(number)) }
}

/// A number in decimal digits, without memory of its own.
pub(super) fn in_digits(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
        if number == 0 {
            return std::str::from_utf8(&digits[first..]).unwrap_or_default();
        }
    }
}

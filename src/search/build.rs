//! Makes a segment from customers in any order.
//!
//! May call its siblings below it, [`crate::rules`] and [`crate::text`].

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::bytes::put_number;
use super::entry::Entry;
use super::pieces::{self, PieceLists};
use super::postings::Postings;
use super::record::{NewRecord, Phone};
use super::segment::{Lists, Place, Segment, folded, in_digits};
use super::vocabulary::Vocabulary;
use crate::api::ids::{CustomerId, OrganizationId, ShopId};
use crate::rules::customer_search::state_text;
use crate::text::{digits, fold};

/// Collects customers for a segment.
#[derive(Debug, Default)]
pub(super) struct Builder {
    names: Numbered,
    cities: Numbered,
    states: Numbered,
    postal_codes: Numbered,
    places: Numbered,
    place_list: Vec<Place>,
    /// Where the key of a place is put together.
    place_key: String,
    shops: HashMap<Box<[ShopId]>, u32, RandomState>,
    ids: Vec<CustomerId>,
    /// The organizations, with whose they are and whether each is enabled for the
    /// portal.
    organizations: Vec<(OrganizationId, u32, bool)>,
    /// The words of all names, one after another.
    words: Vec<u32>,
    word_ends: Vec<usize>,
    /// The records without the words, one after another.
    records: Vec<u8>,
    record_ends: Vec<usize>,
}

/// Distinct texts, numbered as they come. Short ones, as most are, lie in the table
/// itself: what takes time is to fetch from memory what is compared.
#[derive(Debug, Default)]
struct Numbered {
    short: HashMap<u128, u32, RandomState>,
    long: HashMap<Box<str>, u32, RandomState>,
}

/// A text of up to 15 bytes as one number, the last of which is its length.
fn in_short(text: &str) -> Option<u128> {
    let mut bytes = [0; 16];
    bytes[15] = u8::try_from(text.len()).ok()?;
    bytes[..15].get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(u128::from_le_bytes(bytes))
}

/// The text that [`in_short`] made a number of.
fn at_length(short: u128) -> Box<str> {
    let bytes = short.to_le_bytes();
    std::str::from_utf8(&bytes[..usize::from(bytes[15]).min(15)]).unwrap_or_default().into()
}

impl Numbered {
    fn number(&mut self, text: &str) -> u32 {
        let next = u32::try_from(self.short.len() + self.long.len()).unwrap_or(u32::MAX);
        if let Some(short) = in_short(text) {
            return *self.short.entry(short).or_insert(next);
        }
        if let Some(number) = self.long.get(text) {
            return *number;
        }
        self.long.insert(text.into(), next);
        next
    }

    fn into_texts(self) -> impl Iterator<Item = (Box<str>, u32)> {
        self.short.into_iter().map(|(short, number)| (at_length(short), number)).chain(self.long)
    }

    /// The texts as a sorted vocabulary, and each one's number in it.
    fn sorted(self) -> (Vocabulary, Vec<u32>) {
        let mut texts: Vec<(Box<str>, u32)> = self.into_texts().collect();
        texts.sort_unstable();
        let mut sorted = vec![0; texts.len()];
        for ((_, before), now) in texts.iter().zip(0..) {
            sorted[*before as usize] = now;
        }
        let texts: Vec<&str> = texts.iter().map(|(text, _)| &**text).collect();
        (Vocabulary::build(&texts), sorted)
    }

    /// The texts in the order of their numbers.
    fn in_order(self) -> Vec<Box<str>> {
        let mut texts: Vec<(u32, Box<str>)> = self.into_texts().map(|(text, number)| (number, text)).collect();
        texts.sort_unstable();
        texts.into_iter().map(|(_, text)| text).collect()
    }
}

/// A text of an entry, whoever has it.
fn text<T: AsRef<str>>(text: Option<&T>) -> Option<&str> {
    text.map(AsRef::as_ref)
}

impl Builder {
    /// How many customers came.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Takes a customer in. Each may come only once.
    pub(super) fn add<T: AsRef<str>>(&mut self, entry: &Entry<T>) {
        let name = entry.name.as_ref();
        for word in fold(name).split(' ') {
            self.words.push(self.names.number(word));
        }
        self.word_ends.push(self.words.len());
        let new = NewRecord {
            id: entry.id,
            kind: entry.kind,
            name,
            place: self.place([entry.city.as_ref(), entry.state.as_ref(), entry.country.as_ref()].map(text)),
            postal_code: self.postal_codes.number(text(entry.postal_code.as_ref()).unwrap_or_default()),
            phone: text(entry.phone.as_ref()),
            shops: self.shop_set(entry.links.iter().map(|(shop, _)| *shop).collect()),
            organizations: &entry.organizations,
        };
        let customer = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.organizations.extend(entry.organizations.iter().map(|(organization, portal)| (*organization, customer, *portal)));
        new.write(entry.links.iter().map(|(_, number)| text(number.as_ref())), &mut self.records);
        self.record_ends.push(self.records.len());
        self.ids.push(entry.id);
    }

    fn place(&mut self, place: [Option<&str>; 3]) -> u32 {
        self.place_key.clear();
        for text in place {
            // The length keeps texts apart whatever stands in them, and none from an empty one.
            let length = text.map_or(0, |text| text.len() + 1);
            self.place_key.push(u32::try_from(length).ok().and_then(char::from_u32).unwrap_or(char::MAX));
            self.place_key.push_str(text.unwrap_or_default());
        }
        let number = self.places.number(&self.place_key);
        if number as usize == self.place_list.len() {
            let [city, state, country] = place;
            let city_text = self.cities.number(&fold(city.unwrap_or_default()));
            let state_text = self.states.number(&state_text(country, state));
            let [city, state, country] = place.map(|text| text.map(Into::into));
            self.place_list.push(Place { city, state, country, city_text, state_text });
        }
        number
    }

    fn shop_set(&mut self, shops: Vec<ShopId>) -> u32 {
        if let Some(known) = self.shops.get(shops.as_slice()) {
            return *known;
        }
        let number = u32::try_from(self.shops.len()).unwrap_or(u32::MAX);
        self.shops.insert(shops.into(), number);
        number
    }

    /// The segment of all that came.
    pub(super) fn finish(mut self) -> Segment {
        let mut segment = Segment::default();
        let sorted;
        (segment.names, sorted) = std::mem::take(&mut self.names).sorted();
        for word in &mut self.words {
            *word = sorted[*word as usize];
        }
        let order = self.order();
        self.write_records(&order, &mut segment);
        self.find_again(&order, &mut segment);
        self.number_places(&mut segment);
        number_postal_codes(std::mem::take(&mut self.postal_codes), &mut segment);
        let mut shops: Vec<(Box<[ShopId]>, u32)> = self.shops.drain().collect();
        shops.sort_unstable_by_key(|(_, number)| *number);
        segment.shops = shops.into_iter().map(|(shops, _)| shops).collect();
        drop(self);
        index(&mut segment);
        segment
    }

    fn words_of(&self, customer: usize) -> &[u32] {
        let start = if customer == 0 { 0 } else { self.word_ends[customer - 1] };
        &self.words[start..self.word_ends[customer]]
    }

    /// The customers by folded name and id. Words compare as their numbers,
    /// and a space comes before all that stands in a word, so names compare as
    /// their words one by one.
    fn order(&self) -> Vec<u32> {
        let rest = |customer: u32| self.words_of(customer as usize).get(2..).unwrap_or_default();
        let id = |customer: u32| self.ids[customer as usize];
        let by_name =
            |one: &(u64, u32), other: &(u64, u32)| one.0.cmp(&other.0).then_with(|| rest(one.1).cmp(rest(other.1))).then_with(|| id(one.1).cmp(&id(other.1)));
        let leading = |customer: usize| {
            let word = |at: usize| self.words_of(customer).get(at).map_or(0, |word| u64::from(*word) + 1);
            word(0) << 32 | word(1)
        };
        let mut order: Vec<(u64, u32)> = (0..self.len()).map(leading).zip(0..).collect();
        let (first, second) = order.split_at_mut(self.len() / 2);
        in_two(self.len(), || first.sort_unstable_by(by_name), || second.sort_unstable_by(by_name));
        // Two sorted runs are merged, which takes a fraction.
        order.sort_by(by_name);
        order.into_iter().map(|(_, customer)| customer).collect()
    }

    fn write_records(&mut self, order: &[u32], segment: &mut Segment) {
        let (first, second) = order.split_at(order.len() / 2);
        // A word's number takes three bytes at most where there are two millions of them.
        let room = self.records.len() + self.words.len() * 3 + self.len();
        let ((mut records, mut starts), (behind, starts_behind)) = in_two(order.len(), || self.records_of(first, room), || self.records_of(second, room / 2));
        let begin = records.len() as u64;
        starts.extend(starts_behind.into_iter().map(|start| begin + start));
        records.extend_from_slice(&behind);
        starts.push(records.len() as u64);
        segment.records = records.into();
        segment.starts = starts.into();
        self.records = Vec::new();
        self.words = Vec::new();
    }

    /// The records of some, one after another, and where each begins.
    fn records_of(&self, order: &[u32], room: usize) -> (Vec<u8>, Vec<u64>) {
        let (mut records, mut starts, mut words) = (Vec::with_capacity(room), Vec::with_capacity(order.len()), Vec::new());
        for customer in order.iter().map(|customer| *customer as usize) {
            starts.push(records.len() as u64);
            words.clear();
            for word in self.words_of(customer) {
                put_number(&mut words, u64::from(*word));
            }
            super::bytes::put_bytes(&mut records, &words);
            let start = if customer == 0 { 0 } else { self.record_ends[customer - 1] };
            records.extend_from_slice(&self.records[start..self.record_ends[customer]]);
        }
        (records, starts)
    }

    /// Who is where in the order, by id and by organization.
    fn find_again(&mut self, order: &[u32], segment: &mut Segment) {
        let mut places = vec![0; order.len()];
        for (place, customer) in (0..).zip(order) {
            places[*customer as usize] = place;
        }
        let mut by_organization = std::mem::take(&mut self.organizations);
        for (_, customer, _) in &mut by_organization {
            *customer = places[*customer as usize];
        }
        by_organization.sort_unstable();
        segment.by_organization = by_organization.into();
        // A database is read in the order of its ids.
        if !self.ids.is_sorted() {
            let mut by_id: Vec<(CustomerId, u32)> = self.ids.drain(..).zip(places).collect();
            by_id.sort_unstable();
            places = by_id.into_iter().map(|(_, place)| place).collect();
        }
        segment.by_id = places.into();
    }

    fn number_places(&mut self, segment: &mut Segment) {
        let (cities, states);
        (segment.cities, cities) = std::mem::take(&mut self.cities).sorted();
        (segment.states, states) = std::mem::take(&mut self.states).sorted();
        let mut places = std::mem::take(&mut self.place_list);
        for place in &mut places {
            place.city_text = cities[place.city_text as usize];
            place.state_text = states[place.state_text as usize];
        }
        segment.places = places.into();
    }
}

fn number_postal_codes(written: Numbered, segment: &mut Segment) {
    let written = written.in_order();
    let mut folded_codes = Numbered::default();
    let numbers: Vec<u32> = written.iter().map(|code| folded_codes.number(&fold(code))).collect();
    let (texts, sorted) = folded_codes.sorted();
    segment.postal_codes = texts;
    segment.postal_code_texts = numbers.iter().map(|number| sorted[*number as usize]).collect();
    let odd = written.into_iter().zip(0..).filter(|(code, _)| fold(code).to_ascii_uppercase() != **code);
    segment.odd_postal_codes = odd.map(|(code, number)| (number, code)).collect();
}

/// From here on the halves of the work are worth a thread each; tests need fewer.
const MANY: usize = if cfg!(test) { 10 } else { 10_000 };

/// What finds customers.
fn index(segment: &mut Segment) {
    let here = &*segment;
    let customers = here.len() as usize;
    let (numbers, (phones, texts)) = in_two(customers, || numbers(here), || in_two(customers, || phones(here), || texts(here)));
    (segment.lists, segment.postings) = texts;
    (segment.numbers, segment.phones) = (numbers, phones);
}

/// Does two things, each on a thread of its own where so many customers are worth it.
fn in_two<A: Send, B: Send>(customers: usize, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    if customers < MANY {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        // Its panic goes on here.
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    })
}

fn texts(segment: &Segment) -> (Lists, Postings) {
    let cities = segment.names.count();
    let states = cities + segment.cities.count();
    let postal_codes = states + segment.states.count();
    let shops = postal_codes + segment.postal_codes.count();
    let postings = Postings::build(shops as usize + segment.shops.len(), |put| {
        for customer in 0..segment.len() {
            let record = segment.record(customer);
            record.words.iter().for_each(|word| put(word, customer));
            let place = &segment.places[record.place as usize];
            put(cities + place.city_text, customer);
            put(states + place.state_text, customer);
            put(postal_codes + segment.postal_code_texts[record.postal_code as usize], customer);
            put(shops + record.shops, customer);
        }
    });
    (Lists { cities, states, postal_codes, shops }, postings)
}

fn numbers(segment: &Segment) -> PieceLists {
    PieceLists::build(|put| {
        for customer in 0..segment.len() {
            let record = segment.record(customer);
            for number in record.numbers(segment.shops_of(&record).len()) {
                pieces::of(&folded(number), |piece| put(piece, customer));
            }
        }
    })
}

fn phones(segment: &Segment) -> PieceLists {
    PieceLists::build(|put| {
        for customer in 0..segment.len() {
            match segment.record(customer).phone {
                Phone::None => {}
                Phone::Digits(digits) => pieces::of(in_digits(digits, &mut [0; 20]), |piece| put(piece, customer)),
                Phone::Odd(text) => pieces::of(&digits(text), |piece| put(piece, customer)),
            }
        }
    })
}

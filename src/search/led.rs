//! Where a part of a query is found in a segment: which words, cities, states
//! and pieces of numbers, and from there the customers.
//!
//! May call its siblings below it and [`crate::rules`].

use std::ops::Range;

use super::marks::Marks;
use super::pieces::{Asked, PieceLists, Standing};
use super::postings::{Customers, Looked, Union};
use super::record::Record;
use super::segment::Segment;
use super::vocabulary::{Hits, Vocabulary};
use crate::rules::customer_search::{Field, Part, SearchBy, Stand, state_name};

/// What leads to the customers with a part.
#[derive(Debug)]
pub(super) struct Led {
    names: Hits,
    cities: Hits,
    postal_codes: Hits,
    /// Which of the states.
    states: Vec<u32>,
    numbers: Looked,
    phones: Looked,
    /// About how many customers these lead to.
    pub(super) customers: u64,
}

impl Led {
    /// Looks a part up in some fields.
    pub(super) fn look(segment: &Segment, by: SearchBy, part: &Part, standing: Standing, fields: &[Field]) -> Self {
        let looks_into = |field| fields.contains(&field) && by.looks_into(field);
        let words = |field, vocabulary: &Vocabulary| match standing {
            _ if !looks_into(field) => Hits::default(),
            Standing::Anywhere => vocabulary.containing(part.text()),
            Standing::WordStart | Standing::Whole => vocabulary.starting(part.text()),
        };
        let stands = |stand| standing == Standing::Anywhere || stand == Stand::WordStart;
        let shown = |state| if by == SearchBy::State { state_name(segment.states.text(state)) } else { segment.states.text(state) };
        let states = if looks_into(Field::State) { 0..segment.states.count() } else { 0..0 };
        let pieces = |field, of: &PieceLists, text: Option<&str>| match text.filter(|_| looks_into(field)) {
            Some(text) => of.look(&Asked::for_part(text, standing)),
            None => Looked::InAny(Vec::new()),
        };
        let mut led = Self {
            names: words(Field::Name, &segment.names),
            cities: words(Field::City, &segment.cities),
            postal_codes: words(Field::PostalCode, &segment.postal_codes),
            states: states.filter(|state| part.stand(shown(*state)).is_some_and(stands)).collect(),
            numbers: pieces(Field::Number, &segment.numbers, Some(part.text())),
            phones: pieces(Field::Phone, &segment.phones, part.digits()),
            customers: 0,
        };
        led.customers = led.estimate(segment);
        led
    }

    fn estimate(&self, segment: &Segment) -> u64 {
        let words = self.words(segment).map(|(vocabulary, first, hits)| vocabulary.estimate(hits, |text| segment.postings.count(first + text)));
        let states = self.states.iter().map(|state| u64::from(segment.postings.count(segment.lists.states + state)));
        words.into_iter().sum::<u64>() + states.sum::<u64>() + self.numbers.estimate(&segment.numbers.postings) + self.phones.estimate(&segment.phones.postings)
    }

    fn words<'a>(&'a self, segment: &'a Segment) -> [(&'a Vocabulary, u32, &'a Hits); 3] {
        let lists = &segment.lists;
        [(&segment.names, 0, &self.names), (&segment.cities, lists.cities, &self.cities), (&segment.postal_codes, lists.postal_codes, &self.postal_codes)]
    }

    /// How many lists there are.
    pub(super) fn lists(&self) -> usize {
        self.names.len() + self.cities.len() + self.postal_codes.len() + self.states.len()
    }

    /// Whether it stands in any of these fields.
    pub(super) fn leads_to(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| match field {
            Field::Name => self.names.len() > 0,
            Field::City => self.cities.len() > 0,
            Field::State => !self.states.is_empty(),
            Field::PostalCode => self.postal_codes.len() > 0,
            Field::Number => !self.numbers.is_empty(),
            Field::Phone => !self.phones.is_empty(),
        })
    }

    /// The customers, ascending.
    pub(super) fn customers<'s>(&self, segment: &'s Segment) -> Customers<'s> {
        let texts = Looked::InAny(self.text_lists(segment, &Field::ALL));
        let mut sources: Vec<Customers<'s>> = Vec::with_capacity(3);
        for (looked, postings) in [(&texts, &segment.postings), (&self.numbers, &segment.numbers.postings), (&self.phones, &segment.phones.postings)] {
            if !looked.is_empty() {
                sources.push(looked.customers(postings));
            }
        }
        match sources.pop() {
            None => Box::new(std::iter::empty()),
            Some(only) if sources.is_empty() => only,
            Some(last) => Box::new(Union::of(sources.into_iter().chain([last]))),
        }
    }

    /// Marks the customers in whose fields of these it is found.
    pub(super) fn mark(&self, segment: &Segment, fields: &[Field], marks: &mut Marks) {
        for list in self.text_lists(segment, fields) {
            marks.mark(segment.postings.list(list));
        }
        if fields.contains(&Field::Number) {
            marks.mark(self.numbers.customers(&segment.numbers.postings));
        }
        if fields.contains(&Field::Phone) {
            marks.mark(self.phones.customers(&segment.phones.postings));
        }
    }

    /// The lists of the fields that are made of words.
    fn text_lists(&self, segment: &Segment, fields: &[Field]) -> Vec<u32> {
        let mut lists = Vec::new();
        if fields.contains(&Field::State) {
            lists.extend(self.states.iter().map(|state| segment.lists.states + state));
        }
        for (field, (vocabulary, first, hits)) in [Field::Name, Field::City, Field::PostalCode].iter().zip(self.words(segment)) {
            if fields.contains(field) {
                lists.extend(vocabulary.hits(hits).map(|(text, _)| first + text));
            }
        }
        lists
    }

    /// For looking at customers whom another part led to.
    fn sieve(&self, segment: &Segment) -> PartSieve {
        let texts = |vocabulary: &Vocabulary, hits| Texts::of(vocabulary, hits);
        PartSieve {
            names: texts(&segment.names, &self.names),
            cities: texts(&segment.cities, &self.cities),
            postal_codes: texts(&segment.postal_codes, &self.postal_codes),
            states: self.states.clone(),
            pieces: !self.numbers.is_empty() || !self.phones.is_empty(),
        }
    }
}

/// Tells at a glance, without comparing texts, whether a customer may match.
#[derive(Debug)]
pub(super) struct Sieve {
    parts: Vec<PartSieve>,
}

/// What a glance says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glance {
    /// It cannot match.
    Out,
    /// Every part is there; the best field with one.
    In(Field),
    /// A part may be in a number: look closely.
    Perhaps,
}

impl Sieve {
    pub(super) fn of(segment: &Segment, parts: &[Led]) -> Self {
        Self { parts: parts.iter().map(|led| led.sieve(segment)).collect() }
    }

    #[inline]
    pub(super) fn glance(&self, segment: &Segment, record: &Record<'_>) -> Glance {
        let mut best = Field::PostalCode;
        let mut perhaps = false;
        for part in &self.parts {
            match part.field(segment, record) {
                Some(field) => best = best.min(field),
                None if part.pieces => perhaps = true,
                None => return Glance::Out,
            }
        }
        if perhaps { Glance::Perhaps } else { Glance::In(best) }
    }
}

#[derive(Debug)]
struct PartSieve {
    names: Texts,
    cities: Texts,
    postal_codes: Texts,
    states: Vec<u32>,
    /// Whether it may be in numbers or telephones, which no glance tells.
    pieces: bool,
}

impl PartSieve {
    /// The best field in which it stands.
    #[inline]
    fn field(&self, segment: &Segment, record: &Record<'_>) -> Option<Field> {
        if record.words.iter().any(|word| self.names.has(word)) {
            return Some(Field::Name);
        }
        let place = &segment.places[record.place as usize];
        if self.cities.has(place.city_text) {
            return Some(Field::City);
        }
        if self.states.contains(&place.state_text) {
            return Some(Field::State);
        }
        self.postal_codes.has(segment.postal_code_texts[record.postal_code as usize]).then_some(Field::PostalCode)
    }
}

/// Some texts of a vocabulary: a range, and a bit for each of the others.
#[derive(Debug)]
struct Texts {
    range: Range<u32>,
    others: Box<[u64]>,
}

impl Texts {
    fn of(vocabulary: &Vocabulary, hits: &Hits) -> Self {
        let (range, others) = vocabulary.split(hits);
        let mut bits = Vec::new();
        for text in others {
            if bits.is_empty() {
                bits.resize(vocabulary.len().div_ceil(64), 0);
            }
            bits[text as usize / 64] |= 1 << (text % 64);
        }
        Self { range, others: bits.into() }
    }

    #[inline]
    fn has(&self, text: u32) -> bool {
        self.range.contains(&text) || self.others.get(text as usize / 64).is_some_and(|bits| bits >> (text % 64) & 1 == 1)
    }
}

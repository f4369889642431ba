//! What a customer search finds and how well (8.2, "What a search hit is";
//! S3-2 … S3-4). The server ranks with it, and the terminal narrows an answer
//! that is complete with the same rule.

use memchr::memmem::Finder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place;
use crate::text::{digits, fold};

/// Which field a search looks into (S3-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchBy {
    /// Name, city, state, number, telephone digits, postal code.
    #[default]
    All,
    /// The name.
    Name,
    /// The city.
    City,
    /// `US-TX`, or three and more letters of the state's name (S3-5).
    State,
    /// The customer number.
    Number,
}

impl SearchBy {
    /// Every choice, in the order of the chips.
    pub const ALL: [Self; 5] = [Self::All, Self::Name, Self::City, Self::State, Self::Number];

    /// The word in the query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Name => "name",
            Self::City => "city",
            Self::State => "state",
            Self::Number => "number",
        }
    }

    /// Whether a field is looked into.
    #[must_use]
    pub const fn looks_into(self, field: Field) -> bool {
        matches!(
            (self, field),
            (Self::All, _) | (Self::Name, Field::Name) | (Self::City, Field::City) | (Self::State, Field::State) | (Self::Number, Field::Number)
        )
    }
}

/// The fewest characters of a search (S3-3).
pub const MIN_QUERY: usize = 3;
/// The most characters of a search (S3-3).
pub const MAX_QUERY: usize = 100;

/// A searched field, in the order of its worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The name.
    Name,
    /// The city.
    City,
    /// The state: its code, its name and its full code, as [`state_text`] has them.
    State,
    /// The numbers that may be seen.
    Number,
    /// The digits of the telephone.
    Phone,
    /// The postal code.
    PostalCode,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Name, Self::City, Self::State, Self::Number, Self::Phone, Self::PostalCode];

    /// As people say it.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::City => "city",
            Self::State => "state",
            Self::Number => "number",
            Self::Phone => "phone",
            Self::PostalCode => "postal code",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A customer as a search sees it: folded text.
pub trait Searched {
    /// Calls `look` with each text of a field until it says `false`. A name may
    /// come whole or word by word: no part of a query holds a space.
    fn texts(&self, field: Field, look: &mut dyn FnMut(&str) -> bool);

    /// Whether the name starts with a text, spaces and all.
    fn name_starts_with(&self, text: &str) -> bool;
}

/// How a customer matched. Lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Matched {
    /// 0 whole number, 1 name starts with the text, 2 every part at a word
    /// start, 3 anywhere inside, 4 one edit away.
    pub class: u8,
    /// The best field of class 2; in class 4 whether only the beginning of a
    /// word is near; 0 elsewhere.
    pub field: u8,
    /// One bit per field in which a part was found.
    fields: u8,
}

impl Matched {
    /// The class of near misses.
    pub const NEAR_MISS: u8 = 4;

    /// One edit away in this field, from a word or only from its beginning.
    #[must_use]
    pub const fn nearly(field: Field, is_beginning: bool) -> Self {
        Self { class: Self::NEAR_MISS, field: is_beginning as u8, fields: field.bit() }
    }

    /// Found in another field as well.
    #[must_use]
    pub const fn and_in(self, other: Self) -> Self {
        Self { fields: self.fields | other.fields, ..self }
    }

    /// What comes before another in the list, names aside.
    #[must_use]
    pub const fn tier(self) -> (u8, u8) {
        (self.class, self.field)
    }

    /// Whether a part was found in a field.
    #[must_use]
    pub const fn is_in(self, field: Field) -> bool {
        self.fields & field.bit() != 0
    }

    /// The fields in which the text was found.
    #[must_use]
    pub fn fields(self) -> Vec<Field> {
        Field::ALL.into_iter().filter(|field| self.is_in(*field)).collect()
    }
}

/// Why a query is refused; nothing is searched then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryFault {
    /// Fewer than three characters; how many there are.
    TooShort(usize),
    /// More than a hundred characters.
    TooLong,
}

/// A query, folded and split.
#[derive(Debug, Clone)]
pub struct Query {
    by: SearchBy,
    whole: String,
    parts: Vec<Part>,
}

/// What stands between two spaces of a query.
#[derive(Debug, Clone)]
pub struct Part {
    text: String,
    finder: Finder<'static>,
    /// Its digits, where it looks like a piece of a telephone number.
    digits: Option<(String, Finder<'static>)>,
}

/// Where in a field a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    /// At the start of a word.
    WordStart,
    /// Inside of one.
    Inside,
}

impl Query {
    /// Folds and splits a text.
    ///
    /// # Errors
    /// [`QueryFault`] below 3 or above 100 characters (S3-3), no exception.
    pub fn new(text: &str, by: SearchBy) -> Result<Self, QueryFault> {
        let whole = fold(text);
        let length = whole.chars().count();
        if length < MIN_QUERY {
            return Err(QueryFault::TooShort(length));
        }
        if length > MAX_QUERY {
            return Err(QueryFault::TooLong);
        }
        let parts = whole.split(' ').map(Part::new).collect();
        Ok(Self { by, whole, parts })
    }

    /// Where it looks.
    #[must_use]
    pub const fn by(&self) -> SearchBy {
        self.by
    }

    /// The folded text.
    #[must_use]
    pub fn whole(&self) -> &str {
        &self.whole
    }

    /// The parts, all of which must be found.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// `US-TX`: exactly that state is asked for.
    #[must_use]
    pub fn is_state_code(&self) -> bool {
        self.by == SearchBy::State && self.whole.contains('-')
    }

    /// How well a customer answers, if at all.
    #[must_use]
    pub fn matches(&self, customer: &impl Searched) -> Option<Matched> {
        if self.is_state_code() {
            let mut is_it = false;
            customer.texts(Field::State, &mut |state| {
                is_it = state_code(state) == self.whole;
                false
            });
            return is_it.then_some(Matched { class: 2, field: 2, fields: Field::State.bit() });
        }
        let mut fields = 0;
        let mut best = Field::PostalCode;
        let mut every_word_start = true;
        for part in &self.parts {
            let found = self.find_part(part, customer)?;
            fields |= found.fields;
            best = best.min(found.best);
            every_word_start &= found.stand == Stand::WordStart;
        }
        let name_start = self.by.looks_into(Field::Name) && customer.name_starts_with(&self.whole);
        let (class, field) = match (self.is_whole_number_of(customer), name_start, every_word_start) {
            (true, ..) => (0, 0),
            (_, true, _) => (1, 0),
            // A part in none of name, city and state ranks behind all three.
            (.., true) => (2, best.min(Field::Number) as u8),
            _ => (3, 0),
        };
        Some(Matched { class, field, fields })
    }

    /// Where all but one part are found, that one left out.
    #[must_use]
    pub fn matches_but(&self, customer: &impl Searched, left_out: usize) -> Option<Matched> {
        let mut fields = 0;
        for (_, part) in self.parts.iter().enumerate().filter(|(at, _)| *at != left_out) {
            fields |= self.find_part(part, customer)?.fields;
        }
        Some(Matched { class: Matched::NEAR_MISS, field: 0, fields })
    }

    fn is_whole_number_of(&self, customer: &impl Searched) -> bool {
        let mut is_it = false;
        if self.by.looks_into(Field::Number) {
            customer.texts(Field::Number, &mut |number| {
                is_it |= number == self.whole;
                !is_it
            });
        }
        is_it
    }

    fn find_part(&self, part: &Part, customer: &impl Searched) -> Option<PartFound> {
        let mut found: Option<PartFound> = None;
        for field in Field::ALL.into_iter().filter(|field| self.by.looks_into(*field)) {
            let Some(here) = part.stand_in(customer, field, self.by) else { continue };
            let so_far = found.get_or_insert(PartFound { fields: 0, best: Field::PostalCode, stand: here });
            so_far.fields |= field.bit();
            so_far.stand = so_far.stand.min(here);
            if here == Stand::WordStart {
                so_far.best = so_far.best.min(field);
            }
        }
        found
    }
}

struct PartFound {
    fields: u8,
    /// The best field where it starts a word.
    best: Field,
    stand: Stand,
}

impl Part {
    fn new(text: &str) -> Self {
        let phone_like = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '(' | ')' | '-' | '.' | '/' | '+'));
        let digits = Some(digits(text)).filter(|digits| phone_like && !digits.is_empty());
        let digits = digits.map(|digits| {
            let finder = Finder::new(&digits).into_owned();
            (digits, finder)
        });
        Self { text: text.to_owned(), finder: Finder::new(text).into_owned(), digits }
    }

    /// Its folded text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its digits, where it looks like a piece of a telephone number.
    #[must_use]
    pub fn digits(&self) -> Option<&str> {
        self.digits.as_ref().map(|(digits, _)| digits.as_str())
    }

    /// Where it stands in a text, if it does.
    #[must_use]
    pub fn stand(&self, text: &str) -> Option<Stand> {
        stand(&self.finder, text)
    }

    fn stand_in(&self, customer: &impl Searched, field: Field, by: SearchBy) -> Option<Stand> {
        let finder = if field == Field::Phone { &self.digits.as_ref()?.1 } else { &self.finder };
        let mut best: Option<Stand> = None;
        customer.texts(field, &mut |text| {
            let text = if field == Field::State && by == SearchBy::State { state_name(text) } else { text };
            if let Some(here) = stand(finder, text) {
                best = Some(best.map_or(here, |before| before.min(here)));
            }
            best != Some(Stand::WordStart)
        });
        best
    }
}

fn stand(part: &Finder<'_>, text: &str) -> Option<Stand> {
    let mut inside = None;
    for at in part.find_iter(text.as_bytes()) {
        if starts_word(text, at) {
            return Some(Stand::WordStart);
        }
        inside = Some(Stand::Inside);
    }
    inside
}

/// Whether a word starts here: at the beginning, or behind what is neither
/// letter nor digit.
#[must_use]
pub fn starts_word(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.chars().next_back().is_none_or(|before| !before.is_alphanumeric()))
}

/// What a search sees of a state: `tx texas us-tx`.
#[must_use]
pub fn state_text(country: Option<&str>, state: Option<&str>) -> String {
    match (country, state) {
        (Some(country), Some(state)) => {
            let name = place::state_name(country, state).unwrap_or_default();
            fold(&format!("{state} {name} {country}-{state}"))
        }
        (None, Some(state)) => fold(state),
        _ => String::new(),
    }
}

/// The state's full code: `tx texas us-tx` → `us-tx`.
#[must_use]
pub fn state_code(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or_default()
}

/// The state's name without its codes: `tx texas us-tx` → `texas`.
#[must_use]
pub fn state_name(text: &str) -> &str {
    let name = text.split_once(' ').map_or("", |(_, rest)| rest);
    name.rsplit_once(' ').map_or("", |(name, _)| name)
}

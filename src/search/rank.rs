//! What a query asks for and how well a customer answers it (8.2).

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use crate::api::customer::{MAX_QUERY, MIN_QUERY, SearchBy};
use crate::api::ids::CustomerId;
use crate::store::Scope;
use crate::text::{digits, fold};

/// A query, folded and split.
#[derive(Debug)]
pub struct Query {
    by: SearchBy,
    whole: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    text: Finder<'static>,
    /// Its digits, where it looks like a piece of a telephone number.
    digits: Option<Finder<'static>>,
}

/// Why a query is refused; nothing is searched then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryFault {
    /// Fewer than three characters; how many there are.
    TooShort(usize),
    /// More than a hundred characters.
    TooLong,
}

/// How a customer matched. Lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Matched {
    /// 0 whole number, 1 name starts with the text, 2 every part at a word
    /// start, 3 anywhere inside.
    pub class: u8,
    /// The best field of class 2; 0 elsewhere.
    pub field: u8,
    /// One bit per field in which a part was found.
    fields: u8,
}

/// A hit's place in the ranking: what a cursor holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How it matched.
    pub matched: Matched,
    /// Its folded name.
    pub name: String,
    /// Its id.
    pub id: CustomerId,
}

impl Found {
    pub(super) fn order(&self) -> (u8, u8, &str, CustomerId) {
        (self.matched.class, self.matched.field, &self.name, self.id)
    }
}

/// The fields in the order of their worth, as hits name them.
const FIELDS: [&str; 6] = ["name", "city", "state", "number", "phone", "postal_code"];
const NAME: usize = 0;
const CITY: usize = 1;
const STATE: usize = 2;
const NUMBER: usize = 3;
const PHONE: usize = 4;
const POSTAL_CODE: usize = 5;

impl Matched {
    /// The names of the fields in which the text was found.
    #[must_use]
    pub fn field_names(self) -> Vec<String> {
        FIELDS.iter().enumerate().filter(|(at, _)| self.fields & (1 << at) != 0).map(|(_, name)| (*name).to_owned()).collect()
    }
}

/// Where in a field a part stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    WordStart,
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

    fn looks_into(&self, field: usize) -> bool {
        match self.by {
            SearchBy::All => true,
            SearchBy::Name => field == NAME,
            SearchBy::City => field == CITY,
            SearchBy::State => field == STATE,
            SearchBy::Number => field == NUMBER,
        }
    }

    /// Whether a customer may answer at all: a quick look before the close one.
    pub(super) fn may_match(&self, entry: &Entry) -> bool {
        let anywhere = entry.folded.anywhere.as_bytes();
        let stands = |part: &Finder<'_>| part.find(anywhere).is_some();
        self.parts.iter().all(|part| stands(&part.text) || part.digits.as_ref().is_some_and(stands))
    }

    /// How well a customer answers, if at all.
    #[must_use]
    pub fn matches(&self, entry: &Entry, scope: &Scope) -> Option<Matched> {
        if self.by == SearchBy::State && self.whole.contains('-') {
            return self.is_state_code(entry).then_some(Matched { class: 2, field: 2, fields: 1 << STATE });
        }
        let mut fields = 0_u8;
        let mut best = POSTAL_CODE;
        let mut every_word_start = true;
        for part in &self.parts {
            let mut stand: Option<Stand> = None;
            for field in (NAME..=POSTAL_CODE).filter(|field| self.looks_into(*field)) {
                let Some(here) = part.stands_in(entry, field, self.by, scope) else { continue };
                fields |= 1 << field;
                if here == Stand::WordStart {
                    best = best.min(field);
                }
                stand = Some(stand.map_or(here, |before| before.min(here)));
            }
            every_word_start &= stand? == Stand::WordStart;
        }
        let whole_number = self.looks_into(NUMBER) && entry.numbers(scope).any(|number| number == self.whole);
        let name_start = self.looks_into(NAME) && entry.folded_name().starts_with(&self.whole);
        let (class, field) = match (whole_number, name_start, every_word_start) {
            (true, ..) => (0, 0),
            (_, true, _) => (1, 0),
            // A part in none of name, city and state ranks behind all three.
            (.., true) => (2, u8::try_from(best.min(NUMBER)).unwrap_or(3)),
            _ => (3, 0),
        };
        Some(Matched { class, field, fields })
    }

    /// `US-TX` asks for exactly that state.
    fn is_state_code(&self, entry: &Entry) -> bool {
        entry.folded.state.rsplit(' ').next().is_some_and(|code| code == self.whole)
    }
}

impl Part {
    fn new(text: &str) -> Self {
        let phone_like = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '(' | ')' | '-' | '.' | '/' | '+'));
        let digits = Some(digits(text)).filter(|digits| phone_like && !digits.is_empty());
        Self { text: Finder::new(text).into_owned(), digits: digits.map(|digits| Finder::new(&digits).into_owned()) }
    }

    fn stands_in(&self, entry: &Entry, field: usize, by: SearchBy, scope: &Scope) -> Option<Stand> {
        let folded = &entry.folded;
        match field {
            NAME => stand(&self.text, &folded.name),
            CITY => stand(&self.text, &folded.city),
            STATE if by == SearchBy::State => stand(&self.text, state_name(&folded.state)),
            STATE => stand(&self.text, &folded.state),
            NUMBER => entry.numbers(scope).filter_map(|number| stand(&self.text, number)).min(),
            PHONE => self.digits.as_ref().and_then(|digits| stand(digits, &folded.phone)),
            _ => stand(&self.text, &folded.postal_code),
        }
    }
}

/// The state's name without its codes: `tx texas us-tx` → `texas`.
fn state_name(folded: &str) -> &str {
    let name = folded.split_once(' ').map_or("", |(_, rest)| rest);
    name.rsplit_once(' ').map_or("", |(name, _)| name)
}

fn stand(part: &Finder<'_>, field: &str) -> Option<Stand> {
    let mut inside = None;
    for at in part.find_iter(field.as_bytes()) {
        let starts_word = at == 0 || field.get(..at).and_then(|before| before.chars().next_back()).is_none_or(|before| !before.is_alphanumeric());
        if starts_word {
            return Some(Stand::WordStart);
        }
        inside = Some(Stand::Inside);
    }
    inside
}

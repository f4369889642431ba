//! Five hundred searches as people at a counter type them, from a seed.
//!
//! May call [`crate::customers`] and [`crate::random`].

use std::collections::HashSet;

use countertop::api::ids::CustomerId;
use countertop::rules::customer_search::{Query, SearchBy};
use countertop::rules::place;

use crate::customers::{COUNTRY, Customer, Customers};
use crate::random::Random;

/// What kind of search it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, typed to 3, 4, 5, 7 and 10 letters.
    Name,
    /// A city, typed to 3, 4, 6 and all letters.
    City,
    /// A state, its name or its code.
    State,
    /// A city and the two letters of its state.
    CityState,
    /// A customer number, typed to 3, 4, 5, 6 and all digits.
    Number,
    /// From the middle of a word.
    Infix,
    /// A word of a name with one mistake.
    TypoInWord,
    /// A whole name with one mistake.
    TypoInName,
    /// What nobody is called.
    NoHit,
    /// What very many have.
    Worst,
    /// A piece of a name and a piece of a place.
    TwoParts,
}

impl Kind {
    /// Where such a search looks, one after the other.
    const fn fields(self) -> &'static [SearchBy] {
        match self {
            Self::Name | Self::Infix => &[SearchBy::All, SearchBy::All, SearchBy::Name],
            Self::City => &[SearchBy::All, SearchBy::City],
            Self::State => &[SearchBy::All, SearchBy::State],
            Self::Number => &[SearchBy::All, SearchBy::Number],
            Self::TypoInWord | Self::TypoInName => &[SearchBy::All, SearchBy::Name],
            Self::NoHit => &SearchBy::ALL,
            Self::Worst => &[SearchBy::All, SearchBy::Name, SearchBy::City, SearchBy::All, SearchBy::State, SearchBy::Number],
            Self::CityState | Self::TwoParts => &[SearchBy::All],
        }
    }
}

/// One search.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    /// As typed.
    pub(crate) text: String,
    pub(crate) query: Query,
    /// Who was meant, where the text holds a mistake.
    pub(crate) meant: Option<CustomerId>,
}

const STATES: &[&str] = &[
    "texas",
    "US-TX",
    "ohio",
    "cali",
    "california",
    "new york",
    "north c",
    "US-CA",
    "florida",
    "flor",
    "penn",
    "pennsylvania",
    "mich",
    "US-MI",
    "georgia",
    "wash",
    "west v",
    "illi",
    "virginia",
    "idaho",
];

const NOBODY: &[&str] = &[
    "zqx",
    "qqq",
    "xkcd",
    "zzzz",
    "jqx",
    "qwerty",
    "asdf",
    "vvvv",
    "kkkj",
    "wxyz",
    "zxcvb",
    "qzj",
    "hjkl;",
    "0000000",
    "99999999",
    "nosuchcustomer",
    "smithx",
    "truckingz",
    "##1",
    "~~~",
    "mjqk",
    "xyzzy",
    "plugh",
    "bzzt",
];

const VERY_MANY: &[&str] = &[
    "inc", "tru", "san", "com", "llc", "con", "the", "ing", "son", "ent", "ers", "and", "ran", "all", "tran", "const", "truck", "trucking", "new", "farm",
    "city", "100", "555", "llin",
];

/// The searches, in no order.
pub(crate) fn searches(customers: &Customers, seed: u64) -> Vec<Asked> {
    let mut mix = Mix { customers, random: Random::of(seed, u64::MAX), asked: Vec::new() };
    mix.names();
    mix.cities();
    for text in STATES {
        mix.ask(Kind::State, vec![(*text).to_owned()], None);
    }
    mix.cities_with_states();
    mix.numbers();
    mix.infixes();
    mix.typos();
    for text in NOBODY {
        mix.ask(Kind::NoHit, vec![(*text).to_owned()], None);
    }
    for text in VERY_MANY {
        mix.ask(Kind::Worst, vec![(*text).to_owned()], None);
    }
    mix.two_parts();
    mix.shuffled()
}

struct Mix<'a> {
    customers: &'a Customers,
    random: Random,
    asked: Vec<Asked>,
}

impl Mix<'_> {
    fn customer(&mut self) -> Customer {
        let place = self.random.below(self.customers.count());
        self.customers.get(place)
    }

    fn count(&self, kind: Kind) -> usize {
        self.asked.iter().filter(|asked| asked.kind == kind).count()
    }

    /// Asks for all of these texts, or for none if one of them is too short.
    fn ask(&mut self, kind: Kind, texts: Vec<String>, meant: Option<CustomerId>) {
        let fields = kind.fields();
        let before = self.count(kind);
        let search = |(nth, text): (usize, String)| {
            let query = Query::new(&text, fields[(before + nth) % fields.len()]).ok()?;
            Some(Asked { kind, text, query, meant })
        };
        let searches: Option<Vec<Asked>> = texts.into_iter().enumerate().map(search).collect();
        self.asked.extend(searches.into_iter().flatten());
    }

    fn names(&mut self) {
        while self.count(Kind::Name) < 36 * 5 {
            let name = self.customer().name;
            self.ask(Kind::Name, [3, 4, 5, 7, 10].map(|letters| first(&name, letters)).into(), None);
        }
    }

    fn cities(&mut self) {
        let mut seen = HashSet::new();
        while self.count(Kind::City) < 12 * 4 {
            let city = self.customer().city;
            if city.len() >= 5 && seen.insert(city) {
                self.ask(Kind::City, [3, 4, 6, usize::MAX].map(|letters| first(city, letters)).into(), None);
            }
        }
    }

    fn cities_with_states(&mut self) {
        while self.count(Kind::CityState) < 20 {
            let Customer { city, state, .. } = self.customer();
            let letters = if self.count(Kind::CityState).is_multiple_of(2) { usize::MAX } else { 9 };
            self.ask(Kind::CityState, vec![format!("{} {state}", first(city, letters))], None);
        }
    }

    fn numbers(&mut self) {
        while self.count(Kind::Number) < 10 * 5 {
            for number in self.customer().numbers.into_iter().take(1) {
                self.ask(Kind::Number, [3, 4, 5, 6, usize::MAX].map(|digits| first(&number, digits)).into(), None);
            }
        }
    }

    fn infixes(&mut self) {
        while self.count(Kind::Infix) < 50 {
            let name: Vec<char> = self.customer().name.chars().collect();
            let letters = 3 + self.random.below(5);
            if name.len() < letters + 3 {
                continue;
            }
            let start = 1 + self.random.below(name.len() - letters - 1);
            let piece = &name[start..start + letters];
            if name[start - 1] != ' ' && piece.first() != Some(&' ') && piece.last() != Some(&' ') {
                self.ask(Kind::Infix, vec![piece.iter().collect()], None);
            }
        }
    }

    fn typos(&mut self) {
        for kind in [Kind::TypoInWord, Kind::TypoInName] {
            while self.count(kind) < 20 {
                let Customer { id, name, .. } = self.customer();
                let long: Vec<&str> = name.split(' ').filter(|word| word.len() >= 6).collect();
                if long.is_empty() {
                    continue;
                }
                let word = self.random.one_of(&long);
                let wrong = with_mistake(word, &mut self.random);
                if wrong != word {
                    let text = if kind == Kind::TypoInWord { wrong } else { name.replacen(word, &wrong, 1) };
                    self.ask(kind, vec![text], Some(id));
                }
            }
        }
    }

    fn two_parts(&mut self) {
        while self.count(Kind::TwoParts) < 44 {
            let Customer { name, city, state, .. } = self.customer();
            let long: Vec<&str> = name.split(' ').filter(|word| word.len() >= 4).collect();
            if long.is_empty() || city.len() < 4 {
                continue;
            }
            let word = first(self.random.one_of(&long), 3 + self.random.below(4));
            let whole_state = self.count(Kind::TwoParts) % 4 == 3;
            let place = place::state_name(COUNTRY, state).filter(|_| whole_state).map_or_else(|| first(city, 3 + self.random.below(5)), str::to_owned);
            self.ask(Kind::TwoParts, vec![format!("{word} {place}")], None);
        }
    }

    fn shuffled(mut self) -> Vec<Asked> {
        for last in (1..self.asked.len()).rev() {
            self.asked.swap(last, self.random.below(last + 1));
        }
        self.asked
    }
}

fn first(text: &str, letters: usize) -> String {
    text.chars().take(letters).collect()
}

/// Two letters swapped, one left out, or one mistaken for another; never the
/// first one.
fn with_mistake(word: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = 1 + random.below(letters.len() - 2);
    match random.below(3) {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        _ => letters[at] = char::from(b'a' + random.below(26) as u8),
    }
    letters.into_iter().collect()
}

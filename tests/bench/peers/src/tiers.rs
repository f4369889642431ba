//! The ranking of the contract as other engines can follow it: what to ask
//! for, the best tier first, until there is a page. What they find is only a
//! candidate; the rule itself decides.
//!
//! May call [`crate::folded`].

use anyhow::Result;
use countertop::api::ids::CustomerId;
use countertop::rules::customer_search::{Field, Matched, Part, Query};

use crate::folded::Text;

/// An engine with trigrams of [`marked`] text and a row per rank.
pub(crate) trait Peer {
    /// Hands every candidate to [`Sought::take`] in the order of rank, until it
    /// has enough.
    fn candidates(&mut self, ask: &Ask, sought: &mut Sought<'_>) -> Result<()>;
}

/// What to look for.
#[derive(Debug)]
pub(crate) enum Ask {
    /// This whole number.
    Number(String),
    /// Names that start so.
    NameStart(String),
    /// One of these, each of which needs all it holds.
    Any(Vec<Vec<Wanted>>),
}

/// A piece of marked text in one of some fields.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) text: String,
    pub(crate) fields: Vec<Field>,
    /// The digits to find in the telephone instead, where they differ.
    pub(crate) phone: Option<String>,
}

impl Wanted {
    /// Whether it may stand in any field, so that none needs to be named.
    pub(crate) fn is_anywhere(&self) -> bool {
        self.fields.len() == Field::ALL.len()
    }
}

/// What has been found so far.
#[derive(Debug)]
pub(crate) struct Sought<'q> {
    query: &'q Query,
    tier: (u8, u8),
    limit: usize,
    ranks: Vec<u32>,
}

impl Sought<'_> {
    /// Whether a customer is already found, in a better tier.
    pub(crate) fn has(&self, rank: u32) -> bool {
        self.ranks.contains(&rank)
    }

    /// Takes a candidate if it belongs to the tier.
    pub(crate) fn take(&mut self, rank: u32, text: &str) {
        if self.query.matches(&Text(text)).map(Matched::tier) == Some(self.tier) {
            self.ranks.push(rank);
        }
    }

    /// Whether there is a page.
    pub(crate) fn is_full(&self) -> bool {
        self.ranks.len() >= self.limit
    }
}

/// A peer's page for a query; nothing where trigrams cannot tell.
pub(crate) fn answer(peer: &mut impl Peer, ids: &[CustomerId], query: &Query, limit: usize) -> Result<Option<Vec<CustomerId>>> {
    let mut sought = Sought { query, tier: (0, 0), limit, ranks: Vec::with_capacity(limit) };
    for (tier, ask) in tiers(query) {
        let Some(ask) = ask else { return Ok(None) };
        sought.tier = tier;
        peer.candidates(&ask, &mut sought)?;
        if sought.is_full() {
            break;
        }
    }
    Ok(Some(sought.ranks.into_iter().map(|rank| ids[rank as usize]).collect()))
}

/// The tiers of [`Matched::tier`] with what to ask for in each; nothing for a
/// tier whose every part is shorter than a trigram.
fn tiers(query: &Query) -> Vec<((u8, u8), Option<Ask>)> {
    let by = query.by();
    let fields: Vec<Field> = Field::ALL.into_iter().filter(|field| by.looks_into(*field)).collect();
    let mut tiers = Vec::new();
    if by.looks_into(Field::Number) {
        tiers.push(((0, 0), Some(Ask::Number(query.whole().to_owned()))));
    }
    if by.looks_into(Field::Name) {
        tiers.push(((1, 0), Some(Ask::NameStart(query.whole().to_owned()))));
    }
    let worth: [(u8, &[Field]); 4] = [(0, &[Field::Name]), (1, &[Field::City]), (2, &[Field::State]), (3, &[Field::Number, Field::Phone, Field::PostalCode])];
    for (place, worth) in worth {
        let best: Vec<Field> = worth.iter().copied().filter(|field| fields.contains(field)).collect();
        if !best.is_empty() {
            tiers.push(((2, place), every_word_start(query, &best, &fields)));
        }
    }
    let inside: Vec<Wanted> = query.parts().iter().filter_map(|part| wanted(part, &fields, false)).collect();
    tiers.push(((3, 0), (!inside.is_empty()).then(|| Ask::Any(vec![inside]))));
    tiers
}

/// Every part at a word start, one of them in one of the best fields.
fn every_word_start(query: &Query, best: &[Field], fields: &[Field]) -> Option<Ask> {
    let parts = query.parts();
    let with_best = |at: usize| {
        let fields_of = |nth: usize| if nth == at { best } else { fields };
        let all: Vec<Wanted> = parts.iter().enumerate().filter_map(|(nth, part)| wanted(part, fields_of(nth), true)).collect();
        (!all.is_empty()).then_some(all)
    };
    (0..parts.len()).map(with_best).collect::<Option<Vec<_>>>().map(Ask::Any)
}

/// A part as trigrams find it; nothing where it is too short for them.
fn wanted(part: &Part, fields: &[Field], word_start: bool) -> Option<Wanted> {
    let as_wanted = |text: &str| {
        let mut wanted = String::from(if word_start { " " } else { "" });
        mark(&mut wanted, text);
        wanted
    };
    let text = as_wanted(part.text());
    let digits = part.digits().filter(|digits| fields.contains(&Field::Phone) && *digits != part.text()).map(as_wanted);
    let long = |text: &str| text.chars().count() >= 3;
    (long(&text) && digits.as_deref().is_none_or(long)).then(|| Wanted { text, fields: fields.to_vec(), phone: digits })
}

/// A field as peers index it: every word start has a space before it.
pub(crate) fn marked(text: Text<'_>, field: Field) -> String {
    let mut marked = String::new();
    for line in text.lines(field) {
        marked.push(' ');
        mark(&mut marked, line);
    }
    marked
}

/// Puts a space before each word start but the first, which the caller knows of.
fn mark(marked: &mut String, text: &str) {
    let mut in_word = true;
    for letter in text.chars() {
        if !in_word && letter != ' ' && !marked.ends_with(' ') {
            marked.push(' ');
        }
        marked.push(letter);
        in_word = letter.is_alphanumeric();
    }
}

/// What a field is called as a column.
pub(crate) const fn column(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::City => "city",
        Field::State => "state",
        Field::Number => "number",
        Field::Phone => "phone",
        Field::PostalCode => "postal_code",
    }
}

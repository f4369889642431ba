//! One edit away (8.2, class 4): a letter too few, too many, another, or two
//! swapped. Words that begin or end like what was typed are looked up in the
//! vocabulary, so the cost does not grow with the customers.
//!
//! May call its siblings below it and [`crate::rules`].

use std::collections::BTreeSet;

use super::segment::Segment;
use super::vocabulary::{Hits, Vocabulary};
use crate::rules::customer_search::{Field, Query, starts_word};

/// Shorter parts have a neighbour in every second word.
const SHORTEST: usize = 4;
/// From here on a part may be the beginning of a longer word.
const SHORTEST_BEGINNING: usize = 5;

/// The posting lists of what is one edit from a part, by field.
pub(super) fn lists(segment: &Segment, query: &Query, part: usize, extent: Extent) -> Vec<(Field, Vec<u32>)> {
    let typed: Vec<char> = query.parts()[part].text().chars().collect();
    let shortest = if extent == Extent::Word { SHORTEST } else { SHORTEST_BEGINNING };
    if typed.len() < shortest || !typed.iter().any(|c| c.is_alphabetic()) {
        return Vec::new();
    }
    let vocabularies =
        [(Field::Name, &segment.names, 0), (Field::City, &segment.cities, segment.lists.cities), (Field::State, &segment.states, segment.lists.states)];
    let looked_into = vocabularies.into_iter().filter(|(field, ..)| query.by().looks_into(*field));
    let found = looked_into.map(|(field, vocabulary, first)| (field, near_texts(vocabulary, &typed, extent).into_iter().map(|text| first + text).collect()));
    found.collect()
}

/// The posting lists of the cities that are one edit from all that was typed:
/// a space too many or too few, or a slip in a short word of several.
pub(super) fn whole_cities(segment: &Segment, query: &Query) -> Vec<u32> {
    if query.parts().len() == 1 || !query.by().looks_into(Field::City) {
        return Vec::new();
    }
    let typed: Vec<char> = query.whole().chars().collect();
    let cities = near_texts(&segment.cities, &typed, Extent::Word);
    cities.into_iter().map(|city| segment.lists.cities + city).collect()
}

/// What the typed text is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Whole words.
    Word,
    /// Beginnings of words: only where no word is near.
    Beginning,
}

/// With one edit either the first half but its last letter is as typed, or the
/// second half is: two swapped letters may lie across the middle.
fn near_texts(vocabulary: &Vocabulary, typed: &[char], extent: Extent) -> BTreeSet<u32> {
    let half = typed.len().div_ceil(2);
    let (first, second): (String, String) = (typed[..half - 1].iter().collect(), typed[half..].iter().collect());
    let mut near = BTreeSet::new();
    for (text, at) in vocabulary.hits(&vocabulary.starting(&first)) {
        let text_here = vocabulary.text(text);
        if is_near(&text_here[at..], typed, extent) {
            near.insert(text);
        }
    }
    let hits: Hits = if extent == Extent::Word { vocabulary.ending(&second) } else { vocabulary.containing(&second) };
    for (text, at) in vocabulary.hits(&hits) {
        let text_here = vocabulary.text(text);
        // The word began as far before as the first half is long, one letter more or less.
        let before = text_here[..at].char_indices().rev().map(|(start, _)| start).take(half + 1).skip(half.saturating_sub(2));
        if before.into_iter().any(|start| starts_word(text_here, start) && is_near(&text_here[start..], typed, extent)) {
            near.insert(text);
        }
    }
    near
}

/// Whether the word that begins here, or all that stands from here on, is one
/// edit from what was typed.
fn is_near(from_here: &str, typed: &[char], extent: Extent) -> bool {
    let rest: Vec<char> = from_here.chars().take(typed.len() + 2).collect();
    if extent == Extent::Beginning {
        return (typed.len() - 1..=typed.len() + 1).any(|length| rest.get(..length).is_some_and(|beginning| is_one_edit(beginning, typed)));
    }
    let ends = |c: &char| !c.is_alphanumeric();
    let word = rest.split(ends).next().unwrap_or_default();
    let to_space = rest.split(|c| *c == ' ').next().unwrap_or_default();
    [word, to_space, &rest].into_iter().any(|word| is_one_edit(word, typed))
}

/// Whether one letter too few, too many, another, or two swapped make the
/// difference.
fn is_one_edit(one: &[char], other: &[char]) -> bool {
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let common = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let (one, other) = (&one[common..], &other[common..]);
    match (one, other) {
        ([_, rest @ ..], other) if rest == other => true,
        (one, [_, rest @ ..]) if one == rest => true,
        ([_, one @ ..], [_, other @ ..]) if one == other => true,
        ([a, b, one @ ..], [c, d, other @ ..]) => a == d && b == c && one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(words: &[&str], typed: &str) -> Vec<String> {
        let mut words = words.to_vec();
        words.sort_unstable();
        let vocabulary = Vocabulary::build(&words);
        let typed: Vec<char> = typed.chars().collect();
        let mut near = near_texts(&vocabulary, &typed, Extent::Word);
        if near.is_empty() {
            near = near_texts(&vocabulary, &typed, Extent::Beginning);
        }
        near.into_iter().map(|text| vocabulary.text(text).to_owned()).collect()
    }

    #[test]
    fn cities_as_people_type_them() {
        let cities = ["albuquerque", "bolton", "boston", "cincinnati", "pittsburgh", "quincy", "salem", "san francisco", "winston-salem"];
        assert_eq!(near(&cities, "boton"), ["bolton", "boston"]);
        assert_eq!(near(&cities, "qunicy"), ["quincy"]);
        assert_eq!(near(&cities, "pittsburg"), ["pittsburgh"]);
        assert_eq!(near(&cities, "cincinatti"), Vec::<String>::new(), "two edits");
        assert_eq!(near(&cities, "sanfrancisco"), ["san francisco"]);
        assert_eq!(near(&cities, "san fracisco"), ["san francisco"], "all that was typed");
        assert_eq!(near(&cities, "bos ton"), ["boston"]);
        assert_eq!(near(&cities, "fransisco"), ["san francisco"]);
        assert_eq!(near(&cities, "salme"), ["salem", "winston-salem"]);
    }

    #[test]
    fn every_edit_of_a_word_finds_it() {
        let word = "mountain";
        let letters: Vec<char> = word.chars().collect();
        for at in 0..letters.len() {
            let mut dropped = letters.clone();
            dropped.remove(at);
            let mut doubled = letters.clone();
            doubled.insert(at, 'x');
            let mut other = letters.clone();
            other[at] = 'x';
            let mut swapped = letters.clone();
            swapped.swap(at, (at + 1).min(letters.len() - 1));
            for typed in [dropped, doubled, other, swapped].iter().filter(|typed| **typed != letters) {
                let typed: String = typed.iter().collect();
                assert!(near(&[word, "fountain pen", "keller"], &typed).contains(&word.to_owned()), "{typed}");
            }
        }
    }

    #[test]
    fn the_beginning_of_a_word_may_be_wrong() {
        assert_eq!(near(&["contractors", "contrast"], "contarct"), ["contractors"]);
        assert!(near(&["contractors"], "qwertz").is_empty());
    }
}

//! The distinct words, cities or postal codes of a segment, sorted, with an
//! index of every place in them: a part of a query is a piece of one of them,
//! for it holds no space, so what it may be found in is known at once, however
//! many customers there are.
//!
//! May call [`crate::rules`].

use std::ops::Range;

use crate::rules::customer_search::starts_word;

/// Sorted distinct texts. A text's number is its place in the order.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    text: Box<str>,
    ends: Box<[u32]>,
    /// Where a word starts inside a text: behind a space, a hyphen …
    inner_starts: Places,
    /// All other places inside.
    insides: Places,
}

/// Places inside texts, sorted by what stands from there on.
#[derive(Debug, Default)]
struct Places {
    texts: Box<[u32]>,
    at: Box<[u16]>,
}

/// The texts in which a part was found: those that start with it, and places
/// inside others. One text may be there more than once.
#[derive(Debug, Clone, Default)]
pub(super) struct Hits {
    starting: Range<u32>,
    inner: Range<usize>,
    inside: Range<usize>,
}

impl Hits {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.starting.len() + self.inner.len() + self.inside.len()
    }
}

impl Vocabulary {
    /// From texts that are sorted and distinct.
    pub(super) fn build(texts: &[&str]) -> Self {
        let mut text = String::with_capacity(texts.iter().map(|text| text.len()).sum());
        let mut ends = Vec::with_capacity(texts.len());
        let (mut starts, mut insides) = (Vec::new(), Vec::new());
        for (number, one) in (0_u32..).zip(texts) {
            text.push_str(one);
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            for (at, _) in one.char_indices().skip(1) {
                let Ok(short) = u16::try_from(at) else { break };
                let place = (leading(&one[at..]), number, short);
                if starts_word(one, at) { starts.push(place) } else { insides.push(place) }
            }
        }
        Self { text: text.into(), ends: ends.into(), inner_starts: Places::sorted(starts, texts), insides: Places::sorted(insides, texts) }
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// As [`Vocabulary::len`], as texts are numbered.
    pub(super) fn count(&self) -> u32 {
        at_number(self.len())
    }

    /// The text of a number.
    #[inline]
    pub(super) fn text(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.text[start..self.ends[number] as usize]
    }

    /// The texts in which a part starts a word.
    pub(super) fn starting(&self, part: &str) -> Hits {
        Hits { starting: self.prefixed(part), inner: self.inner_starts.range(self, part), inside: 0..0 }
    }

    /// The texts in which a part stands anywhere.
    pub(super) fn containing(&self, part: &str) -> Hits {
        Hits { inside: self.insides.range(self, part), ..self.starting(part) }
    }

    /// The texts in which a word ends with a part.
    pub(super) fn ending(&self, part: &str) -> Hits {
        // What ends a word, its end or a space, comes before all that goes on.
        let beyond = format!("{part}!");
        let first = partition(0, self.len(), |at| self.text(at_number(at)) < part);
        let end = partition(first, self.len(), |at| self.text(at_number(at)) < beyond.as_str());
        let of = |places: &Places| places.from(self, part)..places.from(self, &beyond);
        Hits { starting: at_number(first)..at_number(end), inner: of(&self.inner_starts), inside: of(&self.insides) }
    }

    /// The numbers of the texts found, and where in them.
    pub(super) fn hits<'a>(&'a self, hits: &Hits) -> impl Iterator<Item = (u32, usize)> + use<'a> {
        let inner = hits.inner.clone().map(|place| self.inner_starts.place(place));
        let inside = hits.inside.clone().map(|place| self.insides.place(place));
        hits.starting.clone().map(|text| (text, 0)).chain(inner).chain(inside)
    }

    /// The texts that start with the part, and the others, which may repeat.
    pub(super) fn split<'a>(&'a self, hits: &Hits) -> (Range<u32>, impl Iterator<Item = u32> + use<'a>) {
        let others = Hits { starting: 0..0, ..hits.clone() };
        (hits.starting.clone(), self.hits(&others).map(|(text, _)| text))
    }

    /// About how many customers the texts found have: exact for a few, for
    /// many from a sample.
    pub(super) fn estimate(&self, hits: &Hits, count: impl Fn(u32) -> u32) -> u64 {
        let starting = sampled(hits.starting.len(), |at| count(hits.starting.start + u32::try_from(at).unwrap_or(0)));
        let inner = sampled(hits.inner.len(), |at| count(self.inner_starts.texts[hits.inner.start + at]));
        let inside = sampled(hits.inside.len(), |at| count(self.insides.texts[hits.inside.start + at]));
        starting + inner + inside
    }

    /// The memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * 4 + (self.inner_starts.at.len() + self.insides.at.len()) * 6
    }

    fn prefixed(&self, part: &str) -> Range<u32> {
        let first = partition(0, self.len(), |at| self.text(at_number(at)) < part);
        let end = partition(first, self.len(), |at| self.text(at_number(at)).starts_with(part));
        at_number(first)..at_number(end)
    }
}

impl Places {
    fn sorted(mut places: Vec<(u64, u32, u16)>, texts: &[&str]) -> Self {
        places.sort_unstable_by(|one, other| {
            let rest = |(_, text, at): &(u64, u32, u16)| &texts[*text as usize][*at as usize..];
            one.0.cmp(&other.0).then_with(|| rest(one).cmp(rest(other))).then_with(|| one.1.cmp(&other.1))
        });
        Self { texts: places.iter().map(|place| place.1).collect(), at: places.iter().map(|place| place.2).collect() }
    }

    fn place(&self, place: usize) -> (u32, usize) {
        (self.texts[place], usize::from(self.at[place]))
    }

    fn rest<'a>(&self, vocabulary: &'a Vocabulary, place: usize) -> &'a str {
        &vocabulary.text(self.texts[place])[usize::from(self.at[place])..]
    }

    /// The first place with what is not before a text.
    fn from(&self, vocabulary: &Vocabulary, text: &str) -> usize {
        partition(0, self.at.len(), |place| self.rest(vocabulary, place) < text)
    }

    fn range(&self, vocabulary: &Vocabulary, part: &str) -> Range<usize> {
        let first = self.from(vocabulary, part);
        first..partition(first, self.at.len(), |place| self.rest(vocabulary, place).starts_with(part))
    }
}

/// The first eight bytes as a number that sorts alike.
pub(super) fn leading(text: &str) -> u64 {
    let mut first = [0; 8];
    let length = text.len().min(8);
    first[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(first)
}

/// The first place in `from..to` for which `before` does not hold.
pub(super) fn partition(from: usize, to: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn at_number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// How many of a range are looked at for an estimate.
const SAMPLE: usize = 48;

fn sampled(length: usize, count: impl Fn(usize) -> u32) -> u64 {
    if length <= SAMPLE {
        return (0..length).map(|at| u64::from(count(at))).sum();
    }
    let sum: u64 = (0..SAMPLE).map(|at| u64::from(count(at * length / SAMPLE))).sum();
    sum * length as u64 / SAMPLE as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(vocabulary: &Vocabulary, hits: &Hits) -> Vec<String> {
        let mut texts: Vec<String> = vocabulary.hits(hits).map(|(text, _)| vocabulary.text(text).to_owned()).collect();
        texts.sort();
        texts.dedup();
        texts
    }

    #[test]
    fn a_part_is_found_at_word_starts_and_inside() {
        let vocabulary = Vocabulary::build(&["drilling", "ill", "lilly", "mill", "o'neil", "tri-ill"]);
        assert_eq!(found(&vocabulary, &vocabulary.starting("ill")), ["ill", "tri-ill"]);
        assert_eq!(found(&vocabulary, &vocabulary.containing("ill")), ["drilling", "ill", "lilly", "mill", "tri-ill"]);
        assert_eq!(found(&vocabulary, &vocabulary.starting("neil")), ["o'neil"]);
        assert!(found(&vocabulary, &vocabulary.containing("zz")).is_empty());
    }

    #[test]
    fn letters_of_two_bytes_are_cut_nowhere() {
        let vocabulary = Vocabulary::build(&["жук", "ñandú"]);
        assert_eq!(found(&vocabulary, &vocabulary.containing("ук")), ["жук"]);
        assert_eq!(found(&vocabulary, &vocabulary.containing("ú")), ["ñandú"]);
    }
}

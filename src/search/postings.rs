//! Posting lists: for each word, city, piece of a number the customers that
//! have it, in the order of the ranking, so that the first of many are found
//! without looking at the rest.
//!
//! May call [`super::bytes`].

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::bytes::{length_of, take_index, write_number};

/// How far a list is filled while all are built: what counts of it lies together.
#[derive(Debug, Clone, Default)]
struct Filled {
    /// The last customer's place and one; 0: none.
    last: u32,
    count: u32,
    /// How many bytes it takes; then where the next ones go.
    bytes: usize,
}

/// All lists of one segment.
#[derive(Debug, Default)]
pub(super) struct Postings {
    /// The distances from one customer to the next.
    bytes: Box<[u8]>,
    /// Where each list begins, and where the last one ends.
    starts: Box<[u64]>,
    /// How many customers each list has.
    counts: Box<[u32]>,
}

impl Postings {
    /// Lists from all pairs of list and customer, customers ascending. `pairs`
    /// is asked twice and says the same each time.
    pub(super) fn build(lists: usize, pairs: impl Fn(&mut dyn FnMut(u32, u32))) -> Self {
        let mut filled = vec![Filled::default(); lists];
        pairs(&mut |list, customer| {
            let list = &mut filled[list as usize];
            let distance = customer + 1 - list.last;
            // Distance 0: the same word twice in one name.
            if distance > 0 {
                list.bytes += length_of(u64::from(distance));
                list.count += 1;
                list.last = customer + 1;
            }
        });
        let counts = filled.iter().map(|list| list.count).collect();
        let mut starts = Vec::with_capacity(lists + 1);
        let mut total = 0;
        for list in &mut filled {
            starts.push(total as u64);
            let start = total;
            total += list.bytes;
            *list = Filled { bytes: start, ..Filled::default() };
        }
        starts.push(total as u64);
        let mut bytes = vec![0_u8; total];
        pairs(&mut |list, customer| {
            let list = &mut filled[list as usize];
            let distance = customer + 1 - list.last;
            if distance > 0 {
                list.bytes += write_number(&mut bytes[list.bytes..], u64::from(distance));
                list.last = customer + 1;
            }
        });
        Self { bytes: bytes.into(), starts: starts.into(), counts }
    }

    /// The same without the lists that have nobody: all others move up.
    pub(super) fn without_empty(self) -> Self {
        let Self { bytes, starts, counts } = self;
        let mut kept: Vec<u64> = starts.iter().zip(&counts).filter(|(_, count)| **count > 0).map(|(start, _)| *start).collect();
        kept.extend(starts.last());
        let counts = counts.into_iter().filter(|count| *count > 0).collect();
        Self { bytes, starts: kept.into(), counts }
    }

    /// How many customers a list has.
    #[inline]
    pub(super) fn count(&self, list: u32) -> u32 {
        self.counts[list as usize]
    }

    /// A list from its beginning.
    #[inline]
    pub(super) fn list(&self, list: u32) -> List<'_> {
        let at = |list: usize| usize::try_from(self.starts[list]).unwrap_or(usize::MAX);
        List { rest: &self.bytes[at(list as usize)..at(list as usize + 1)], last: 0 }
    }

    /// The customers in one of some lists.
    fn in_any(&self, lists: &[u32]) -> Customers<'_> {
        match lists {
            [] => Box::new(std::iter::empty()),
            [only] => Box::new(self.list(*only)),
            lists => Box::new(Union::of(lists.iter().map(|list| self.list(*list)))),
        }
    }

    /// The memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len() + self.starts.len() * 8 + self.counts.len() * 4
    }
}

/// The customers of one list, ascending.
#[derive(Debug)]
pub(super) struct List<'a> {
    rest: &'a [u8],
    last: u32,
}

impl Iterator for List<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.rest.is_empty() {
            return None;
        }
        self.last += take_index(&mut self.rest);
        Some(self.last - 1)
    }
}

/// Lists that lead to customers.
#[derive(Debug)]
pub(super) enum Looked {
    /// In one of them is enough.
    InAny(Vec<u32>),
    /// In each of them.
    InEvery(Vec<u32>),
}

impl Looked {
    /// Whether they lead to nobody.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::InAny(lists) | Self::InEvery(lists) => lists.is_empty(),
        }
    }

    /// At most about how many customers they lead to.
    pub(super) fn estimate(&self, postings: &Postings) -> u64 {
        let count = |list: &u32| u64::from(postings.count(*list));
        match self {
            Self::InAny(lists) => lists.iter().map(count).sum(),
            Self::InEvery(lists) => lists.iter().map(count).min().unwrap_or(0),
        }
    }

    /// The customers, ascending. Of those that must be in every list the two
    /// shortest are enough: what they leave is looked at anyway.
    pub(super) fn customers<'p>(&self, postings: &'p Postings) -> Customers<'p> {
        match self {
            Self::InAny(lists) => postings.in_any(lists),
            Self::InEvery(lists) => {
                let mut lists = lists.clone();
                lists.sort_unstable_by_key(|list| (postings.count(*list), *list));
                lists.dedup();
                match lists.as_slice() {
                    [one, other, ..] => Box::new(Both { one: postings.list(*one), other: postings.list(*other) }),
                    lists => postings.in_any(lists),
                }
            }
        }
    }
}

/// Ascending customers from some source.
pub(super) type Customers<'a> = Box<dyn Iterator<Item = u32> + 'a>;

/// The customers of several sources, ascending, each once.
pub(super) struct Union<S> {
    sources: Vec<S>,
    next: BinaryHeap<Reverse<(u32, u32)>>,
    last: Option<u32>,
}

impl<S: Iterator<Item = u32>> Union<S> {
    pub(super) fn of(sources: impl Iterator<Item = S>) -> Self {
        let mut kept = Vec::with_capacity(sources.size_hint().0);
        let mut next = Vec::with_capacity(sources.size_hint().0);
        for mut source in sources {
            if let Some(first) = source.next() {
                next.push(Reverse((first, u32::try_from(kept.len()).unwrap_or(u32::MAX))));
                kept.push(source);
            }
        }
        Self { sources: kept, next: next.into(), last: None }
    }
}

impl<S: Iterator<Item = u32>> Iterator for Union<S> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let mut top = self.next.peek_mut()?;
            let Reverse((customer, source)) = *top;
            match self.sources[source as usize].next() {
                Some(following) => *top = Reverse((following, source)),
                None => drop(PeekMut::pop(top)),
            }
            if self.last != Some(customer) {
                self.last = Some(customer);
                return Some(customer);
            }
        }
    }
}

/// The customers that are in both of two lists, ascending.
struct Both<'a> {
    one: List<'a>,
    other: List<'a>,
}

impl Iterator for Both<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut one = self.one.next()?;
        let mut other = self.other.next()?;
        while one != other {
            if one < other {
                one = self.one.next()?;
            } else {
                other = self.other.next()?;
            }
        }
        Some(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postings() -> Postings {
        let pairs = [(0, 0), (1, 0), (1, 0), (0, 5), (2, 5), (1, 300), (2, 301)];
        Postings::build(4, |put| pairs.iter().for_each(|(list, customer)| put(*list, *customer)))
    }

    #[test]
    fn a_list_has_each_customer_once_and_in_order() {
        let postings = postings();
        assert_eq!(postings.list(1).collect::<Vec<_>>(), [0, 300]);
        assert_eq!(postings.count(1), 2);
        assert_eq!(postings.list(3).count(), 0);
    }

    #[test]
    fn lists_with_nobody_go_and_all_others_stay_what_they_are() {
        let pairs = [(1, 0), (4, 5), (1, 300), (4, 301)];
        let kept = Postings::build(6, |put| pairs.iter().for_each(|(list, customer)| put(*list, *customer))).without_empty();
        assert_eq!(kept.list(0).collect::<Vec<_>>(), [0, 300]);
        assert_eq!(kept.list(1).collect::<Vec<_>>(), [5, 301]);
        assert_eq!((kept.counts.len(), kept.starts.len()), (2, 3));
        assert_eq!(Postings::build(3, |_| {}).without_empty().starts.len(), 1);
    }

    #[test]
    fn lists_are_joined_and_cut() {
        let postings = postings();
        assert_eq!(Union::of([0, 1, 2].into_iter().map(|list| postings.list(list))).collect::<Vec<_>>(), [0, 5, 300, 301]);
        assert_eq!(Looked::InEvery(vec![0, 2, 0]).customers(&postings).collect::<Vec<_>>(), [5]);
    }
}

//! Searches one segment: class by class, in each along the ranking and no
//! further than asked, so that the cost does not grow with the matches.
//!
//! Lists only lead to customers that may match; each is looked at with the one
//! rule of [`crate::rules::customer_search`] before it is found.

use super::Found;
use super::layers::Hidden;
use super::led::{Glance, Led, Sieve};
use super::marks::Marks;
use super::near::{self, Extent};
use super::pieces::{Asked, Standing};
use super::postings::Looked;
use super::reach::Reach;
use super::record::Record;
use super::segment::{Seen, Segment};
use crate::rules::customer_search::{Field, Matched, Part, Query, state_code};

/// A search of one segment.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) segment: &'a Segment,
    /// Customers that stand in a newer segment.
    pub(super) hidden: &'a Hidden,
    pub(super) query: &'a Query,
    pub(super) reach: Reach<'a>,
    /// How many are wanted at most.
    pub(super) wanted: usize,
    /// Only what comes behind this class and field, from this customer on.
    after: Option<((u8, u8), u32)>,
    pub(super) found: Vec<(Matched, u32)>,
    /// Whether there is nothing more than what was found.
    pub(super) complete: bool,
}

const CLASS_2: [(u8, u8); 4] = [(2, 0), (2, 1), (2, 2), (2, 3)];
const ALL: [(u8, u8); 7] = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3), (3, 0)];

/// The fields that a part of a customer of this tier stands in, none in a better one.
const fn fields_of(tier: (u8, u8)) -> &'static [Field] {
    match tier {
        (2, 0) => &[Field::Name],
        (2, 1) => &[Field::City],
        (2, 2) => &[Field::State],
        (2, _) => &[Field::Number, Field::Phone, Field::PostalCode],
        _ => &Field::ALL,
    }
}

/// The tiers in which somebody can be: a part leads there.
fn possible(tiers: &[(u8, u8)], parts: &[Led]) -> Vec<(u8, u8)> {
    let leads = |tier: &(u8, u8)| parts.iter().any(|led| led.leads_to(fields_of(*tier)));
    tiers.iter().copied().filter(leads).collect()
}

/// What it costs to look at a customer, and to begin a list: as measured, in
/// the same unit.
const LOOK: u64 = 3;
const LIST: u64 = 1;
/// How many customers are looked at one by one before long lists are joined.
const PATIENCE: usize = if cfg!(test) { 5 } else { 2_000 };
/// What it costs to find a customer in lists and to look at it, where to mark one costs 1.
const WALK: u64 = 30;
/// With several parts so many are looked at for one that is found.
const MORE_PARTS: u64 = 20;

impl<'a> Walk<'a> {
    pub(super) fn new(segment: &'a Segment, hidden: &'a Hidden, query: &'a Query, reach: Reach<'a>, after: Option<&Found>, wanted: usize) -> Self {
        let after = after.map(|after| (after.matched.tier(), segment.first_behind(&after.name, after.id)));
        Self { segment, hidden, query, reach, wanted, after, found: Vec::new(), complete: true }
    }

    /// Finds what matches exactly.
    pub(super) fn exact(&mut self) {
        if let Some(few) = self.reach.few() {
            let few = few.to_vec();
            self.look_through(&ALL, few.into_iter());
        } else if self.query.is_state_code() {
            let (segment, whole) = (self.segment, self.query.whole());
            let states = (0..segment.states.count()).filter(|state| state_code(segment.states.text(*state)) == whole);
            let lists = states.map(|state| segment.lists.states + state).collect();
            self.look_through(&[(2, 2)], Looked::InAny(lists).customers(&segment.postings));
        } else {
            self.whole_numbers();
            self.name_starts();
            match self.query.parts() {
                [part] => self.word_starts(part),
                _ => self.all_parts(&CLASS_2, Standing::WordStart),
            }
            self.all_parts(&[(3, 0)], Standing::Anywhere);
        }
    }

    fn whole_numbers(&mut self) {
        if self.query.by().looks_into(Field::Number) {
            let asked = Asked::for_part(self.query.whole(), Standing::Whole);
            let numbers = &self.segment.numbers;
            self.look_through(&[(0, 0)], numbers.look(&asked).customers(&numbers.postings));
        }
    }

    fn name_starts(&mut self) {
        if self.query.by().looks_into(Field::Name) && self.is_open(&[(1, 0)]) {
            let (segment, whole) = (self.segment, self.query.whole());
            let first = segment.first_named(whole);
            let first = self.after.filter(|(tier, _)| *tier == (1, 0)).map_or(first, |(_, from)| first.max(from));
            self.look_through(&[(1, 0)], (first..segment.len()).take_while(|customer| segment.is_name_start(*customer, whole)));
        }
    }

    /// The best field comes first, so each has its own walk.
    fn word_starts(&mut self, part: &Part) {
        let by = self.query.by();
        for tier in &CLASS_2 {
            let fields = fields_of(*tier);
            if self.is_open(&[*tier]) && fields.iter().any(|field| by.looks_into(*field)) {
                let led = Led::look(self.segment, by, part, Standing::WordStart, fields);
                self.take_the_shorter_way(&[*tier], vec![led]);
            }
        }
    }

    fn all_parts(&mut self, tiers: &[(u8, u8)], standing: Standing) {
        if self.is_open(tiers) {
            let look = |part| Led::look(self.segment, self.query.by(), part, standing, &Field::ALL);
            self.take_the_shorter_way(tiers, self.query.parts().iter().map(look).collect());
        }
    }

    /// Walks along the part that the fewest customers have, or simply along
    /// all customers, where so many match that enough are found before the
    /// lists are even put together.
    fn take_the_shorter_way(&mut self, tiers: &[(u8, u8)], mut parts: Vec<Led>) {
        parts.sort_by_key(|led| led.customers);
        let Some(rarest) = parts.first() else { return };
        if rarest.customers == 0 {
            return;
        }
        let tiers = &*possible(tiers, &parts);
        let all = u64::from(self.segment.len());
        let is_one = parts.len() == 1;
        let looked_at = self.wanted as u64 * if is_one { 1 } else { MORE_PARTS };
        // Of those who match only some are within reach.
        let looked_at = looked_at.saturating_mul(all / self.reach.count().max(1));
        let needed = (looked_at.saturating_mul(all) / rarest.customers).min(all);
        let sieve = || Sieve::of(self.segment, &parts);
        let is_done = if needed * LOOK < rarest.lists() as u64 * LIST {
            let patience = if is_one { usize::MAX } else { PATIENCE };
            self.look_through_sieved(tiers, 0..self.segment.len(), Some(&sieve()), patience)
        } else if is_one {
            self.look_through_sieved(tiers, rarest.customers(self.segment), None, usize::MAX)
        } else {
            let patience = if rarest.customers > PATIENCE as u64 && self.is_joined(rarest.customers, parts[1].customers) { PATIENCE } else { usize::MAX };
            self.look_through_sieved(tiers, rarest.customers(self.segment), Some(&sieve()), patience)
        };
        if !is_done {
            self.join_lists(tiers, &parts);
        }
    }

    /// Whether to mark so many more by their lists costs less than to look at
    /// each of those who are left.
    fn is_joined(&self, left: u64, more: u64) -> bool {
        left * WALK > more + u64::from(self.segment.len()) / 8
    }

    /// For parts that many customers have and few have together: the lists alone
    /// say who has several, the rarest first, until few enough are left to be
    /// looked at.
    fn join_lists(&mut self, tiers: &[(u8, u8)], parts: &[Led]) {
        let segment = self.segment;
        let marked = |part: &Led| {
            let mut marks = Marks::none(segment.len());
            part.mark(segment, &Field::ALL, &mut marks);
            marks
        };
        let Some((rarest, others)) = parts.split_first() else { return };
        let mut left = marked(rarest);
        for part in others {
            if self.is_joined(left.count(), part.customers) {
                left.keep(&marked(part));
            }
        }
        if self.is_joined(left.count(), parts.iter().map(|led| led.customers).sum()) {
            self.look_through_by_field(tiers, parts, left);
        } else {
            let sieve = Sieve::of(segment, parts);
            self.look_through_sieved(tiers, left.iter(), Some(&sieve), usize::MAX);
        }
    }

    /// Many have all parts: those of each class are told by the lists too.
    fn look_through_by_field(&mut self, tiers: &[(u8, u8)], parts: &[Led], mut left: Marks) {
        let segment = self.segment;
        let Some((last, tiers)) = tiers.split_last() else { return };
        for tier in tiers {
            if self.found.len() >= self.wanted {
                break;
            }
            let mut here = Marks::none(segment.len());
            for part in parts {
                part.mark(segment, fields_of(*tier), &mut here);
            }
            here.keep(&left);
            left.take_away(&here);
            self.look_through(&[*tier], here.iter());
        }
        self.look_through(&[*last], left.iter());
    }

    /// Whether anything of these classes is still wanted.
    fn is_open(&self, tiers: &[(u8, u8)]) -> bool {
        self.found.len() < self.wanted && self.after.is_none_or(|(after, _)| tiers.last().is_some_and(|last| *last >= after))
    }

    fn look_through(&mut self, tiers: &[(u8, u8)], customers: impl Iterator<Item = u32>) {
        self.look_through_sieved(tiers, customers, None, usize::MAX);
    }

    /// Looks at customers one by one. Gives up without having found anything
    /// when so many were looked at and not enough found: then it is not done.
    fn look_through_sieved(&mut self, tiers: &[(u8, u8)], customers: impl Iterator<Item = u32>, sieve: Option<&Sieve>, patience: usize) -> bool {
        if !self.is_open(tiers) {
            self.complete &= self.found.len() < self.wanted;
            return true;
        }
        let missing = self.wanted - self.found.len();
        let from = self.after.filter(|(after, _)| tiers == [*after]).map_or(0, |(_, from)| from);
        let mut found: [Vec<(Matched, u32)>; ALL.len()] = Default::default();
        let records = self.segment.records(customers.skip_while(|customer| *customer < from));
        for (looked_at, (customer, record)) in records.enumerate() {
            if looked_at == patience {
                return false;
            }
            if let Some(sieve) = sieve {
                let is_full = |field| tiers.iter().position(|tier| fields_of(*tier).contains(&field)).is_some_and(|at| found[at].len() == missing);
                match sieve.glance(self.segment, &record) {
                    Glance::Out => continue,
                    Glance::In(field) if is_full(field) => continue,
                    Glance::In(_) | Glance::Perhaps => {}
                }
            }
            let Some(matched) = self.look_at(customer, record) else { continue };
            let Some(at) = tiers.iter().position(|tier| *tier == matched.tier()) else { continue };
            if found[at].len() < missing {
                found[at].push((matched, customer));
            }
            if found[0].len() == missing {
                break;
            }
        }
        self.found.extend(found.into_iter().flatten().take(missing));
        self.complete &= self.found.len() < self.wanted;
        true
    }

    fn look_at(&self, customer: u32, record: Record<'_>) -> Option<Matched> {
        if self.hidden.contains(customer) || !self.reach.reaches(customer, &record) {
            return None;
        }
        let matched = self.query.matches(&Seen { segment: self.segment, record, scope: self.reach.scope })?;
        let is_behind = self.after.is_none_or(|after| (matched.tier(), customer) >= after);
        is_behind.then_some(matched)
    }

    /// Finds what is one edit away.
    pub(super) fn near(&mut self, extent: Extent) {
        let parts = self.query.parts();
        let anywhere = |part| Led::look(self.segment, self.query.by(), part, Standing::Anywhere, &Field::ALL);
        for left_out in 0..parts.len() {
            let others: Vec<Led> = parts.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, part)| anywhere(part)).collect();
            for (field, lists) in near::lists(self.segment, self.query, left_out, extent) {
                let nearly = Matched::nearly(field, extent == Extent::Beginning);
                self.near_in(field, lists, &others, |query, seen| Some(nearly.and_in(query.matches_but(seen, left_out)?)));
            }
        }
        if extent == Extent::Word {
            let cities = near::whole_cities(self.segment, self.query);
            self.near_in(Field::City, cities, &[], |_, _| Some(Matched::nearly(Field::City, false)));
        }
        self.found.sort_unstable_by_key(|(_, customer)| *customer);
        self.found.dedup_by(|(matched, customer), (kept, before)| {
            let same = customer == before;
            if same {
                *kept = kept.and_in(*matched);
            }
            same
        });
        self.found.truncate(self.wanted);
    }

    /// Finds who is in the lists of what is near one part and has the others as
    /// they were typed, along whichever of them fewer have.
    fn near_in(&mut self, field: Field, lists: Vec<u32>, others: &[Led], look: impl Fn(&Query, &Seen<'_>) -> Option<Matched>) {
        let segment = self.segment;
        let near = Looked::InAny(lists);
        let along = others.iter().min_by_key(|led| led.customers).filter(|led| led.customers < near.estimate(&segment.postings));
        let customers = along.map_or_else(|| near.customers(&segment.postings), |led| led.customers(segment));
        let sieve = Sieve::of(segment, others);
        let from = self.after.map_or(0, |(_, from)| from);
        let mut found = 0;
        for (customer, record) in segment.records(customers.skip_while(|customer| *customer < from)) {
            let is_out = || along.is_some() && !segment.is_in(&record, field, &near) || sieve.glance(segment, &record) == Glance::Out;
            if self.hidden.contains(customer) || is_out() || !self.reach.reaches(customer, &record) {
                continue;
            }
            let Some(matched) = look(self.query, &Seen { segment, record, scope: self.reach.scope }) else { continue };
            self.found.push((matched, customer));
            found += 1;
            if found == self.wanted {
                self.complete = false;
                break;
            }
        }
    }
}

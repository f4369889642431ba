//! In which order goes what waits: of each subject the oldest, and of those the
//! oldest that is not held. While one is on its way no other goes that is about
//! the same. Whatever is asked here takes as long with ten as with ten thousand
//! that wait; only reading them anew does not.
//!
//! May call [`super`].

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::Pause;

/// What waits of one person, as the file had it when it was last read, and what
/// this program alone knows of it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Whether it is as the file has it.
    is_read: bool,
    /// What waits about each subject, the oldest first.
    lines: HashMap<String, VecDeque<i64>>,
    /// The first of each line that may go, and what it is about.
    ready: BTreeMap<i64, String>,
    /// The first of each line that is held, by when it may go.
    later: BTreeMap<(Duration, i64), String>,
    /// Entries that the server failed at, one by one.
    held: HashMap<i64, Pause>,
    /// Entries that no answer came to yet, of whomever, and what they are about.
    under_way: BTreeMap<i64, String>,
}

/// What may go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Due(i64),
    /// Not before.
    Held(Duration),
    Nothing,
}

impl Queue {
    /// Something changed what waits: it has to be read anew.
    pub(super) const fn outdate(&mut self) {
        self.is_read = false;
    }

    pub(super) const fn is_read(&self) -> bool {
        self.is_read
    }

    /// This waits, the oldest first.
    pub(super) fn read(&mut self, waiting: Vec<(i64, String)>) {
        self.is_read = true;
        (self.lines, self.ready, self.later) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut firsts = Vec::new();
        for (id, subject) in waiting {
            match self.lines.get_mut(&subject) {
                Some(line) => line.push_back(id),
                None => {
                    firsts.push(subject.clone());
                    self.lines.insert(subject, VecDeque::from([id]));
                }
            }
        }
        let taken: HashSet<String> = self.under_way.values().cloned().collect();
        for subject in firsts.into_iter().filter(|subject| !taken.contains(subject)) {
            self.line_up(subject);
        }
    }

    /// The first about a subject that nothing is on its way of comes to its place.
    fn line_up(&mut self, subject: String) {
        let Some(first) = self.lines.get(&subject).and_then(VecDeque::front).copied() else { return };
        match self.held.get(&first) {
            Some(pause) => self.later.insert((pause.until, first), subject),
            None => self.ready.insert(first, subject),
        };
    }

    /// What may go first by now.
    pub(super) fn first(&mut self, now: Duration) -> First {
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, id), subject) = first.remove_entry();
            self.ready.insert(id, subject);
        }
        match (self.ready.first_key_value(), self.later.first_key_value()) {
            (Some((id, _)), _) => First::Due(*id),
            (None, Some(((until, _), _))) => First::Held(*until),
            (None, None) => First::Nothing,
        }
    }

    /// One that may go does: nothing about the same goes until it is back.
    pub(super) fn goes_out(&mut self, id: i64) {
        if let Some(subject) = self.ready.remove(&id) {
            self.under_way.insert(id, subject);
        }
    }

    /// One that went out, or was to, is back: it waits on in its place, or is gone
    /// for good and the next about the same takes that.
    pub(super) fn comes_back(&mut self, id: i64, is_gone: bool) {
        let Some(subject) = self.under_way.remove(&id).or_else(|| self.ready.remove(&id)) else { return self.outdate() };
        if is_gone {
            self.held.remove(&id);
            match self.lines.get_mut(&subject) {
                Some(line) if line.front() == Some(&id) => {
                    line.pop_front();
                }
                Some(line) => line.retain(|other| *other != id),
                None => {}
            }
        }
        self.line_up(subject);
    }

    /// Entries that no answer came to yet.
    pub(super) fn under_way(&self) -> Vec<i64> {
        self.under_way.keys().copied().collect()
    }

    /// How many they are.
    pub(super) fn how_many_under_way(&self) -> usize {
        self.under_way.len()
    }

    /// This one has to wait by itself, each time longer. It takes its place when
    /// it comes back.
    pub(super) fn hold(&mut self, id: i64, now: Duration, jitter: f64, longest: Duration) {
        self.held.entry(id).or_default().lengthen(now, jitter, longest);
    }

    /// None has to any more.
    pub(super) fn release(&mut self) {
        self.held.clear();
        self.ready.extend(std::mem::take(&mut self.later).into_iter().map(|((_, id), subject)| (id, subject)));
    }

    /// It is taken out for good; while it is on its way it keeps its place.
    pub(super) fn forget(&mut self, id: i64) {
        self.held.remove(&id);
        self.outdate();
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Until when it is held.
    pub(super) fn held_until(&self, id: i64) -> Duration {
        self.held.get(&id).map_or(Duration::ZERO, |pause| pause.until)
    }
}

//! Typed text that was not sent: kept when a form is left, a moment after the
//! last key, and when the program ends or is ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::client::outbox::has_text;

/// Drafts by what they were for, each a list of field and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Drafts {
    kept: BTreeMap<String, Draft>,
    /// What they were for, the oldest first.
    order: VecDeque<String>,
    /// What the file does not know yet.
    changed: BTreeSet<String>,
}

/// How many are kept: what was left so long ago nobody comes back to.
const MOST: usize = 100;

/// Fields and their texts.
pub(super) type Draft = crate::client::outbox::Typed;

impl Drafts {
    /// The drafts of the last time; what was typed since stays.
    pub(super) fn remember(&mut self, drafts: Vec<(String, Draft)>) {
        for (about, draft) in drafts {
            if !self.kept.contains_key(&about) && !self.changed.contains(&about) {
                self.put(about, draft);
            }
        }
    }

    /// Keeps a draft, or forgets it when it is empty.
    pub(super) fn set(&mut self, about: &str, draft: Draft) {
        self.take(about);
        self.changed.insert(about.to_owned());
        if has_text(&draft) {
            self.put(about.to_owned(), draft);
        }
    }

    fn put(&mut self, about: String, draft: Draft) {
        self.order.push_back(about.clone());
        self.kept.insert(about, draft);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }

    /// Whether one is kept for this.
    pub(super) fn holds(&self, about: &str) -> bool {
        self.kept.contains_key(about)
    }

    /// Whether any is kept.
    pub(super) fn holds_any(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Takes a draft out. In the file it stays until its form is done.
    pub(super) fn take(&mut self, about: &str) -> Option<Draft> {
        self.order.retain(|kept| kept != about);
        self.kept.remove(about)
    }

    /// What the file has to be told: a draft, or nothing where it is gone.
    pub(super) fn take_changes(&mut self) -> Vec<(String, Draft)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|about| (self.kept.get(&about).cloned().unwrap_or_default(), about)).map(|(draft, about)| (about, draft)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Draft {
        vec![("first".to_owned(), name.to_owned())]
    }

    #[test]
    fn the_oldest_of_very_many_drafts_goes() {
        let mut drafts = Drafts::default();
        for at in 0..MOST + 20 {
            drafts.set(&format!("contact {at}"), named("Petra"));
            drafts.set("request", vec![("note".to_owned(), format!("{at}"))]);
        }
        assert_eq!((drafts.kept.len(), drafts.order.len()), (MOST, MOST));
        assert!(drafts.take("contact 0").is_none() && drafts.take("request").is_some());
        assert!(drafts.take(&format!("contact {}", MOST + 19)).is_some());
    }

    #[test]
    fn the_file_is_told_once_of_what_was_typed_and_of_what_was_sent() {
        let mut drafts = Drafts::default();
        drafts.set("contact", named("Petra"));
        assert_eq!(drafts.take_changes(), [("contact".to_owned(), named("Petra"))]);
        assert_eq!(drafts.take_changes(), []);
        assert_eq!(drafts.take("contact"), Some(named("Petra")), "the form has it now, and the file still");
        assert_eq!(drafts.take_changes(), []);
        drafts.set("contact", Vec::new());
        assert_eq!(drafts.take_changes(), [("contact".to_owned(), Vec::new())]);
    }

    #[test]
    fn what_was_typed_since_counts_more_than_the_file() {
        let mut drafts = Drafts::default();
        drafts.set("contact", named("Petra"));
        drafts.set("sent", Vec::new());
        drafts.remember(vec![("contact".to_owned(), named("Peter")), ("sent".to_owned(), named("Paul")), ("other".to_owned(), named("Ada"))]);
        assert_eq!((drafts.take("contact"), drafts.take("sent"), drafts.take("other")), (Some(named("Petra")), None, Some(named("Ada"))));
    }
}

//! Drafts: what was typed and not saved, on the disk as soon as that takes it.
//!
//! May call [`super`].

use super::super::has_text;
use super::{News, OutboxFault, Round, Typed, Whose, at_disk};

impl Round {
    /// What somebody typed, of the disk and what that did not take yet, which is
    /// newer: a full disk takes no text from whoever comes back.
    pub(super) fn give_back_drafts(&self, whose: Whose, mut drafts: Vec<(String, Typed)>) {
        if let Some((_, unkept)) = self.unkept.iter().find(|(other, _)| *other == whose) {
            drafts.retain(|(about, _)| unkept.iter().all(|(newer, _)| newer != about));
            drafts.extend(unkept.iter().filter(|(_, typed)| has_text(typed)).cloned());
        }
        if !drafts.is_empty() {
            (self.news)(News::Drafts(whose, drafts));
        }
    }

    /// What is to be kept of drafts: the newest of each.
    pub(super) fn note_drafts(&mut self, whose: Whose, drafts: Vec<(String, Typed)>) {
        match self.unkept.iter_mut().find(|(other, _)| *other == whose) {
            Some((_, unkept)) => {
                unkept.retain(|(about, _)| drafts.iter().all(|(newer, _)| newer != about));
                unkept.extend(drafts);
            }
            None => self.unkept.push((whose, drafts)),
        }
    }

    /// A write that is kept takes the place of its draft.
    pub(super) fn forget_unkept(&mut self, whose: &Whose, about: &str) {
        for (_, drafts) in self.unkept.iter_mut().filter(|(other, _)| other == whose) {
            drafts.retain(|(other, _)| other != about);
        }
        self.unkept.retain(|(_, drafts)| !drafts.is_empty());
    }

    /// Keeps drafts, those too that the disk did not take before. Why a text is
    /// still not kept, if one is not.
    pub(super) fn keep_drafts(&mut self) -> Option<OutboxFault> {
        let mut why = None;
        for (whose, drafts) in std::mem::take(&mut self.unkept) {
            let holds_text = drafts.iter().any(|(_, typed)| has_text(typed));
            // Nothing need be forgotten of a file that is not there.
            if !holds_text && !self.is_there() {
                continue;
            }
            let kept = self.opened().and_then(|outbox| at_disk(|| outbox.keep_drafts(&whose, &drafts)));
            self.note_writing(&kept);
            match kept {
                Ok(()) => self.complained = None,
                Err(fault) => {
                    why = holds_text.then(|| fault.clone()).or(why);
                    self.complain(fault);
                    self.unkept.push((whose, drafts));
                }
            }
        }
        why
    }
}

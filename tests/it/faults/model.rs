//! What has to be true after any accident, in one place: what people were told
//! of their writes, held against what the database has.
//!
//! - What somebody was told is saved is there exactly once; so is, in the end,
//!   what a terminal said is kept.
//! - What nobody was told of (`Told::Nothing`) is there once or not at all.
//! - What was refused is not there, and nothing is there that nobody wrote.
//! - A record and its act in the audit come together.
//! - A customer's version tells how often it was changed.

use std::collections::HashMap;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A reading of a meter.
    Reading,
    /// A service request.
    Request,
    /// A new customer.
    Customer,
    /// A reading taken out.
    Void,
    /// A customer changed, under `If-Match`.
    Change,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Reading, Self::Request, Self::Customer, Self::Void, Self::Change];

    /// What the audit calls the act.
    pub(crate) const fn act(self) -> &'static str {
        match self {
            Self::Reading => "add_reading",
            Self::Request => "request_service",
            Self::Customer => "create_customer",
            Self::Void => "void_reading",
            Self::Change => "change_customer",
        }
    }
}

/// What somebody was told of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is saved, as this record.
    Saved(String),
    /// It is saved, or kept and will be; as which record was not said.
    Kept,
    /// It is not, for this reason.
    Refused(String),
    /// Nothing: no answer came, and nobody asked any more.
    Nothing,
}

/// A write, with a mark that no other has.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// What was written.
    pub(crate) kind: Kind,
    /// By which it is found again.
    pub(crate) mark: String,
    /// What its writer was told.
    pub(crate) told: Told,
}

/// What is found in the database under a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its mark.
    pub(crate) mark: String,
    /// The record.
    pub(crate) id: String,
}

/// All that the database has of what was not there before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// Records and changes, by their marks.
    pub(crate) found: Vec<Found>,
    /// Acts of the audit: what, and on which record.
    pub(crate) audited: Vec<(String, String)>,
    /// The versions of customers that are new.
    pub(crate) versions: HashMap<String, i64>,
}

/// Everything that is not as it has to be; nothing, if all is well.
pub(crate) fn faults(acts: &[Act], evidence: &Evidence) -> Vec<String> {
    let mut faults = not_once(acts, &evidence.found);
    faults.extend(half_written(evidence));
    faults.extend(miscounted(evidence));
    faults
}

/// What is not there as often as it has to be by what was told of it.
pub(crate) fn not_once(acts: &[Act], all: &[Found]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut under: HashMap<(Kind, &str), Vec<&str>> = HashMap::new();
    for found in all {
        under.entry((found.kind, found.mark.as_str())).or_default().push(&found.id);
    }
    for act in acts {
        let ids = under.remove(&(act.kind, act.mark.as_str())).unwrap_or_default();
        faults.extend(fault_of(act, &ids));
    }
    faults.extend(under.into_iter().map(|((kind, mark), ids)| format!("made up: nobody wrote {kind:?} {mark:?}, which is there as {ids:?}")));
    faults
}

fn fault_of(act: &Act, ids: &[&str]) -> Option<String> {
    let told = |fault: &str| Some(format!("{fault}: {:?} {:?}, told {:?}, is there as {ids:?}", act.kind, act.mark, act.told));
    match (&act.told, ids) {
        (_, [_, _, ..]) => told("doubled"),
        (Told::Saved(_) | Told::Kept, []) => told("lost"),
        (Told::Saved(id), [there]) if id != there => told("another record"),
        (Told::Refused(_), [_]) => told("refused and there"),
        // Whoever writes here writes nothing that may be refused.
        (Told::Refused(_), []) => told("refused"),
        _ => None,
    }
}

/// Records without their act, and acts without their record.
pub(crate) fn half_written(evidence: &Evidence) -> Vec<String> {
    let mut balance: HashMap<(&str, &str), i64> = HashMap::new();
    for found in &evidence.found {
        *balance.entry((found.kind.act(), found.id.as_str())).or_default() += 1;
    }
    for (act, id) in &evidence.audited {
        *balance.entry((act.as_str(), id.as_str())).or_default() -= 1;
    }
    let told = |((act, id), more): ((&str, &str), i64)| match more {
        0 => None,
        1.. => Some(format!("half-written: {id} is there and {act} is not in the audit")),
        _ => Some(format!("half-written: {act} of {id} is in the audit and the record is not there")),
    };
    balance.into_iter().filter_map(told).collect()
}

fn miscounted(evidence: &Evidence) -> Vec<String> {
    let changes = |id: &str| evidence.found.iter().filter(|found| found.kind == Kind::Change && found.id == id).count();
    let told = |(id, version): (&String, &i64)| {
        let changes = changes(id);
        (usize::try_from(*version) != Ok(changes + 1)).then(|| format!("miscounted: customer {id} is of version {version} after {changes} changes"))
    };
    evidence.versions.iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(told: Told) -> Act {
        Act { kind: Kind::Request, mark: "m".to_owned(), told }
    }

    /// So many requests under the mark, each with its act.
    fn there(ids: &[&str]) -> Evidence {
        let found = ids.iter().map(|id| Found { kind: Kind::Request, mark: "m".to_owned(), id: (*id).to_owned() }).collect();
        let audited = ids.iter().map(|id| ("request_service".to_owned(), (*id).to_owned())).collect();
        Evidence { found, audited, versions: HashMap::new() }
    }

    #[test]
    fn what_is_as_it_was_told_is_no_fault() {
        assert!(faults(&[act(Told::Saved("a".to_owned()))], &there(&["a"])).is_empty());
        assert!(faults(&[act(Told::Kept)], &there(&["a"])).is_empty());
        assert!(faults(&[act(Told::Nothing)], &there(&["a"])).is_empty());
        assert!(faults(&[act(Told::Nothing)], &there(&[])).is_empty());
    }

    #[test]
    fn every_other_thing_is_one() {
        let saved = || act(Told::Saved("a".to_owned()));
        for (acts, evidence, fault) in [
            (vec![saved()], there(&[]), "lost"),
            (vec![act(Told::Kept)], there(&[]), "lost"),
            (vec![act(Told::Kept)], there(&["a", "b"]), "doubled"),
            (vec![saved()], there(&["a", "b"]), "doubled"),
            (vec![saved()], there(&["b"]), "another record"),
            (vec![act(Told::Nothing)], there(&["a", "b"]), "doubled"),
            (vec![act(Told::Refused("422".to_owned()))], there(&["a"]), "refused and there"),
            (vec![], there(&["a"]), "made up"),
            (vec![saved()], Evidence { audited: Vec::new(), ..there(&["a"]) }, "half-written"),
            (vec![act(Told::Nothing)], Evidence { found: Vec::new(), ..there(&["a"]) }, "half-written"),
            (vec![], Evidence { versions: HashMap::from([("c".to_owned(), 2)]), ..Evidence::default() }, "miscounted"),
        ] {
            let told = faults(&acts, &evidence);
            assert!(told.iter().any(|told| told.starts_with(fault)), "{fault}: {told:?}");
        }
    }
}

//! The index against a plain scan: whatever is asked, by whomever, after
//! whatever changes, the answer is that of looking at every customer.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::entry::{Entry, sees_link};
use super::{CustomerIndex, Found};
use crate::api::customer::CustomerKind;
use crate::api::ids::{CustomerId, OrganizationId, ShopId};
use crate::rules::customer_search::{Field, Matched, Query, SearchBy, Searched, state_text};
use crate::store::Scope;
use crate::store::customer_index::{IndexLink, IndexOrganization, IndexRow, IndexRows};
use crate::text::{digits, fold};

/// A customer as a scan sees it: each field folded by itself.
struct Scanned<'a>(&'a Entry, &'a Scope);

impl Searched for Scanned<'_> {
    fn texts(&self, field: Field, look: &mut dyn FnMut(&str) -> bool) {
        let Self(entry, scope) = self;
        let of = |text: &Option<String>| fold(text.as_deref().unwrap_or_default());
        match field {
            Field::Name => _ = look(&fold(&entry.name)),
            Field::City => _ = look(&of(&entry.city)),
            Field::State => _ = look(&state_text(entry.country.as_deref(), entry.state.as_deref())),
            Field::Number => {
                let seen = entry.links.iter().filter(|(shop, _)| sees_link(scope, *shop)).filter_map(|(_, number)| number.as_deref());
                let _ = seen.map(fold).all(|number| look(&number));
            }
            Field::Phone => _ = look(&digits(entry.phone.as_deref().unwrap_or_default())),
            Field::PostalCode => _ = look(&of(&entry.postal_code)),
        }
    }

    fn name_starts_with(&self, text: &str) -> bool {
        fold(&self.0.name).starts_with(text)
    }
}

fn is_within(entry: &Entry, scope: &Scope) -> bool {
    scope.everything
        || scope.customers.contains(&entry.id)
        || entry.links.iter().any(|(shop, _)| scope.shops.contains(shop))
        || entry.organizations.iter().any(|(id, portal)| scope.organizations.contains(id) && (*portal || !scope.portal_only))
}

fn scan(entries: &[Entry], query: &Query, scope: &Scope) -> Vec<(Matched, CustomerId)> {
    let within = entries.iter().filter(|entry| is_within(entry, scope));
    let mut found: Vec<_> = within.filter_map(|entry| Some((query.matches(&Scanned(entry, scope))?, fold(&entry.name), entry.id))).collect();
    found.sort_by(|one, other| (one.0.tier(), &one.1, one.2).cmp(&(other.0.tier(), &other.1, other.2)));
    found.into_iter().map(|(matched, _, id)| (matched, id)).collect()
}

fn rows(entries: &[Entry]) -> IndexRows {
    let mut rows = IndexRows::default();
    for entry in entries {
        rows.customers.push(IndexRow {
            id: entry.id,
            kind: entry.kind.name().to_owned(),
            name: entry.name.clone(),
            city: entry.city.clone(),
            state: entry.state.clone(),
            country: entry.country.clone(),
            phone: entry.phone.clone(),
            postal_code: entry.postal_code.clone(),
        });
        rows.links.extend(entry.links.iter().map(|(shop_id, number)| IndexLink { customer_id: entry.id, shop_id: *shop_id, number: number.clone() }));
        let organizations = entry.organizations.iter();
        rows.organizations.extend(organizations.map(|(id, portal_enabled)| IndexOrganization {
            customer_id: entry.id,
            id: *id,
            portal_enabled: *portal_enabled,
        }));
    }
    rows
}

/// Words that share pieces, so that much is found in many ways.
const WORDS: [&str; 20] = [
    "san",
    "Santa",
    "Sandhill",
    "O'Neil",
    "tri-state",
    "ill",
    "Illinois",
    "drilling",
    "Mill",
    "Waco",
    "100",
    "1004",
    "Müller",
    "inc",
    "Inc.",
    "&",
    "A",
    "co",
    "Łódź",
    "¨e",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(&WORDS[..]).prop_map(str::to_owned), 1 => "[a-c1]{1,4}"]
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..4).prop_map(|words| words.join(" "))
}

fn number() -> impl Strategy<Value = Option<String>> {
    prop_oneof![1 => Just(None), 4 => "[12]{3,6}".prop_map(Some), 1 => "C-[12]{2,3}".prop_map(Some)]
}

const SHOPS: [u128; 3] = [1, 2, 3];

fn shop(at: usize) -> ShopId {
    ShopId(uuid::Uuid::from_u128(SHOPS[at]))
}

fn customer() -> impl Strategy<Value = Entry> {
    let place = select(
        &[
            (Some("San Juan"), Some("TX"), Some("US")),
            (Some("Waco"), Some("TX"), Some("US")),
            (Some("Illmill"), Some("IL"), Some("US")),
            (None, None, None),
            (Some("Sand"), Some("X"), None),
        ][..],
    );
    let phone = prop_oneof![Just(None), "\\+1[12]{6}".prop_map(Some), Just(Some("ext 12-12".to_owned()))];
    let postal_code = prop_oneof![Just(None), "[12]{5}".prop_map(Some), Just(Some("K1a 0B1".to_owned()))];
    let links = (number(), number(), 0..4_u8).prop_map(|(one, other, which)| match which {
        0 => vec![(shop(0), one)],
        1 => vec![(shop(1), one), (shop(0), other)],
        2 => vec![(shop(2), one)],
        _ => Vec::new(),
    });
    (0..40_u128, name(), place, phone, postal_code, links, any::<bool>()).prop_map(|(id, name, (city, state, country), phone, postal_code, links, portal)| {
        Entry {
            id: CustomerId(uuid::Uuid::from_u128(id)),
            kind: CustomerKind::Local,
            name,
            city: city.map(str::to_owned),
            state: state.map(str::to_owned),
            country: country.map(str::to_owned),
            phone,
            postal_code,
            links,
            organizations: if id % 5 == 0 { vec![(OrganizationId(uuid::Uuid::from_u128(id)), portal)] } else { Vec::new() },
        }
    })
}

fn query() -> impl Strategy<Value = Query> {
    let text = prop_oneof![
        name(),
        "[12]{3,5}",
        "[ailnst]{3,4}",
        (word(), word()).prop_map(|(one, other)| format!("{} {}", &fold(&one), fold(&other))),
        Just("us-tx".to_owned())
    ];
    (text, select(&SearchBy::ALL[..]), any::<Index>(), 3..9_usize).prop_filter_map("too short", |(text, by, from, length)| {
        let letters: Vec<char> = text.chars().collect();
        let piece: String = letters.iter().skip(from.index(letters.len().max(1)) / 2).take(length).collect();
        Query::new(&piece, by).ok()
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    let organizations = vec![OrganizationId(uuid::Uuid::from_u128(5)), OrganizationId(uuid::Uuid::from_u128(10))];
    let customers: Vec<CustomerId> = (0..20).map(|id| CustomerId(uuid::Uuid::from_u128(id))).collect();
    prop_oneof![
        3 => Just(Scope::deployment()),
        2 => Just(Scope { shops: vec![shop(0)], ..Scope::default() }),
        1 => Just(Scope { shops: vec![shop(1)], organizations: organizations.clone(), portal_only: true, ..Scope::default() }),
        1 => Just(Scope { organizations, customers, ..Scope::default() }),
    ]
}

/// The last of each id, as a database would hold them.
fn held(changes: &[Vec<Entry>]) -> Vec<Entry> {
    let mut held = std::collections::BTreeMap::new();
    changes.iter().flatten().for_each(|entry| _ = held.insert(entry.id, entry.clone()));
    held.into_values().collect()
}

fn index(changes: &[Vec<Entry>], tidied_after: usize) -> CustomerIndex {
    let index = CustomerIndex::default();
    index.load(rows(&held(&changes[..1])));
    for (at, change) in changes[1..].iter().enumerate() {
        index.put(rows(&held(std::slice::from_ref(change))));
        if at == tidied_after {
            index.tidy();
        }
    }
    index
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_search_answers_as_a_scan_would(
        changes in prop::collection::vec(prop::collection::vec(customer(), 0..30), 1..4),
        tidied_after in 0..4_usize,
        query in query(),
        scope in scope(),
        limit in 1..12_usize,
    ) {
        let index = index(&changes, tidied_after);
        let all = held(&changes);
        prop_assert_eq!(index.len(), all.len());
        let wanted = scan(&all, &query, &scope);
        let mut found: Vec<(Matched, CustomerId)> = Vec::new();
        let mut after: Option<Found> = None;
        loop {
            let hits = index.search(&query, &scope, after.as_ref(), limit);
            if hits.iter().next().is_some_and(|(matched, _)| matched.class == Matched::NEAR_MISS) {
                prop_assert!(wanted.is_empty(), "near misses only where nothing else is");
                break;
            }
            prop_assert!(hits.len() <= limit);
            for (matched, hit) in hits.iter() {
                prop_assert_eq!(Some(&hit.entry()), all.iter().find(|held| held.id == hit.id()), "as the database has it");
                prop_assert_eq!(hit.is_within(&scope), true);
                found.push((matched, hit.id()));
            }
            after = hits.last();
            if hits.is_complete {
                break;
            }
            prop_assert!(after.is_some(), "more, but none given");
        }
        prop_assert_eq!(found, wanted);
    }
}

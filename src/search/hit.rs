//! A customer of the index as it is shown: read where it stands, copied only
//! into the answer.
//!
//! May call its siblings below it, [`crate::api`] and [`crate::store`] (what a
//! scope is).

use std::borrow::Cow;

use super::entry::{Entry, sees_link};
use super::record::{Record, Tail};
use super::segment::{Place, Segment};
use crate::api::customer::CustomerKind;
use crate::api::ids::{CustomerId, ShopId};
use crate::store::Scope;

/// One customer.
#[derive(Debug, Clone, Copy)]
pub struct Hit<'a> {
    record: Record<'a>,
    tail: Tail<'a>,
    place: &'a Place,
    shops: &'a [ShopId],
    segment: &'a Segment,
}

impl<'a> Hit<'a> {
    pub(super) fn new(segment: &'a Segment, customer: u32) -> Self {
        let record = segment.record(customer);
        let shops = segment.shops_of(&record);
        Self { record, tail: record.tail(shops.len()), place: &segment.places[record.place as usize], shops, segment }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> CustomerId {
        self.tail.id
    }

    /// Local or fleet.
    #[must_use]
    pub const fn kind(&self) -> CustomerKind {
        self.record.kind
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.tail.name
    }

    /// City.
    #[must_use]
    pub fn city(&self) -> Option<&'a str> {
        self.place.city.as_deref()
    }

    /// Second part of ISO 3166-2.
    #[must_use]
    pub fn state(&self) -> Option<&'a str> {
        self.place.state.as_deref()
    }

    /// ISO 3166-1 alpha-2.
    #[must_use]
    pub fn country(&self) -> Option<&'a str> {
        self.place.country.as_deref()
    }

    /// E.164.
    #[must_use]
    pub fn phone(&self) -> Option<String> {
        self.record.phone.in_full()
    }

    /// Postal code.
    #[must_use]
    pub fn postal_code(&self) -> Option<Cow<'a, str>> {
        let text = self.segment.postal_codes.text(self.segment.postal_code_texts[self.record.postal_code as usize]);
        match self.segment.odd_postal_codes.get(&self.record.postal_code) {
            Some(odd) => Some(Cow::Borrowed(odd)),
            None if text.is_empty() => None,
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => Some(Cow::Borrowed(text)),
            None => Some(Cow::Owned(text.to_ascii_uppercase())),
        }
    }

    /// Its shops, with its number at each.
    fn links(&self) -> impl Iterator<Item = (ShopId, Option<&'a str>)> + use<'a> {
        let numbers = self.record.numbers(self.shops.len()).map(|number| Some(number).filter(|number| !number.is_empty()));
        self.shops.iter().copied().zip(numbers)
    }

    /// The number at the session's shop, else the first one (8.2, "Shapes").
    #[must_use]
    pub fn number(&self, scope: &Scope, shop: Option<ShopId>) -> Option<&'a str> {
        let seen = || self.links().filter(|(shop, number)| number.is_some() && sees_link(scope, *shop));
        seen().find(|(at, _)| Some(*at) == shop).or_else(|| seen().next()).and_then(|(_, number)| number)
    }

    /// Whether the scope reaches this customer, by the same rule as the
    /// database's queries.
    #[must_use]
    pub fn is_within(&self, scope: &Scope) -> bool {
        scope.everything
            || scope.customers.contains(&self.tail.id)
            || self.shops.iter().any(|shop| scope.shops.contains(shop))
            || self.tail.organizations().any(|(id, portal)| scope.organizations.contains(&id) && (portal || !scope.portal_only))
    }

    /// A copy of everything.
    pub(super) fn entry(&self) -> Entry {
        Entry {
            id: self.id(),
            kind: self.kind(),
            name: self.name().to_owned(),
            city: self.city().map(str::to_owned),
            state: self.state().map(str::to_owned),
            country: self.country().map(str::to_owned),
            phone: self.phone(),
            postal_code: self.postal_code().map(Cow::into_owned),
            links: self.links().map(|(shop, number)| (shop, number.map(str::to_owned))).collect(),
            organizations: self.tail.organizations().collect(),
        }
    }
}

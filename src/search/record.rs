//! A customer as the index holds it: everything that a hit shows in some
//! eighty bytes, so that no search reads the database.
//!
//! May call [`super::bytes`], [`crate::api`].

use super::bytes::{put_bytes, put_number, take_bytes, take_id, take_index, take_number, take_text};
use crate::api::customer::CustomerKind;
use crate::api::ids::{CustomerId, OrganizationId};

/// A record to be written.
#[derive(Debug)]
pub(super) struct NewRecord<'a> {
    pub(super) id: CustomerId,
    pub(super) kind: CustomerKind,
    pub(super) name: &'a str,
    pub(super) place: u32,
    pub(super) postal_code: u32,
    pub(super) phone: Option<&'a str>,
    pub(super) shops: u32,
    pub(super) organizations: &'a [(OrganizationId, bool)],
}

impl NewRecord<'_> {
    /// Appends it, without the words of its name, with its numbers in the order
    /// of the shops.
    pub(super) fn write<'n>(&self, numbers: impl Iterator<Item = Option<&'n str>>, out: &mut Vec<u8>) {
        put_number(out, u64::from(self.place));
        put_number(out, u64::from(self.postal_code));
        put_phone(out, self.phone);
        put_number(out, u64::from(self.shops) << 1 | u64::from(self.kind == CustomerKind::Fleet));
        for number in numbers {
            put_bytes(out, number.unwrap_or_default().as_bytes());
        }
        out.extend_from_slice(self.id.0.as_bytes());
        put_bytes(out, self.name.as_bytes());
        for (organization, portal_enabled) in self.organizations {
            out.push(u8::from(*portal_enabled));
            out.extend_from_slice(organization.0.as_bytes());
        }
    }
}

/// A telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phone<'a> {
    None,
    /// E.164: a plus sign and these digits.
    Digits(u64),
    /// Anything else, as it was written.
    Odd(&'a str),
}

/// The numbers that say what follows; from `DIGITS` on it is the digits themselves.
const NO_PHONE: u64 = 0;
const ODD: u64 = 1;
const DIGITS: u64 = 2;

fn put_phone(out: &mut Vec<u8>, phone: Option<&str>) {
    let Some(phone) = phone else { return put_number(out, NO_PHONE) };
    let digits = phone.strip_prefix('+').filter(|digits| digits.len() <= 18 && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0'));
    match digits.and_then(|digits| digits.parse::<u64>().ok()) {
        Some(number) => put_number(out, number + DIGITS),
        None => {
            put_number(out, ODD);
            put_bytes(out, phone.as_bytes());
        }
    }
}

impl Phone<'_> {
    /// As the database has it.
    pub(super) fn in_full(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Digits(digits) => Some(format!("+{digits}")),
            Self::Odd(text) => Some(text.to_owned()),
        }
    }
}

/// A record as it is read: nothing is copied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) words: Words<'a>,
    pub(super) place: u32,
    pub(super) postal_code: u32,
    pub(super) phone: Phone<'a>,
    pub(super) shops: u32,
    pub(super) kind: CustomerKind,
    rest: &'a [u8],
}

/// The words of a name, by their numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = u32> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || (!rest.is_empty()).then(|| take_index(&mut rest)))
    }
}

impl<'a> Record<'a> {
    /// Only the words, which come first.
    #[inline]
    pub(super) fn words_of(mut bytes: &'a [u8]) -> Words<'a> {
        Words(take_bytes(&mut bytes))
    }

    /// The record that was written here.
    pub(super) fn read(mut bytes: &'a [u8]) -> Self {
        let bytes = &mut bytes;
        let words = Words(take_bytes(bytes));
        let place = take_index(bytes);
        let postal_code = take_index(bytes);
        let phone = match take_number(bytes) {
            NO_PHONE => Phone::None,
            ODD => Phone::Odd(take_text(bytes)),
            digits => Phone::Digits(digits - DIGITS),
        };
        let shops = take_number(bytes);
        let kind = if shops & 1 == 1 { CustomerKind::Fleet } else { CustomerKind::Local };
        Self { words, place, postal_code, phone, shops: u32::try_from(shops >> 1).unwrap_or(u32::MAX), kind, rest: bytes }
    }

    /// The numbers, as many as there are shops; empty where there is none.
    pub(super) fn numbers(&self, shops: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.rest;
        (0..shops).map(move |_| take_text(&mut rest))
    }

    /// What stands behind the numbers: id, name, organizations.
    pub(super) fn tail(&self, shops: usize) -> Tail<'a> {
        let mut rest = self.rest;
        for _ in 0..shops {
            take_bytes(&mut rest);
        }
        let id = CustomerId(uuid::Uuid::from_bytes(take_id(&mut rest)));
        Tail { id, name: take_text(&mut rest), organizations: rest }
    }
}

/// The part of a record that no search looks into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail<'a> {
    pub(super) id: CustomerId,
    pub(super) name: &'a str,
    organizations: &'a [u8],
}

impl<'a> Tail<'a> {
    /// The organizations, and whether each is enabled for the portal.
    pub(super) fn organizations(&self) -> impl Iterator<Item = (OrganizationId, bool)> + use<'a> {
        let mut rest = self.organizations;
        std::iter::from_fn(move || {
            let (portal_enabled, behind) = rest.split_first()?;
            rest = behind;
            Some((OrganizationId(uuid::Uuid::from_bytes(take_id(&mut rest))), *portal_enabled == 1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(phone: Option<&str>) -> Option<String> {
        let mut out = vec![0];
        let organizations = [(OrganizationId::new(), true), (OrganizationId::new(), false)];
        let id = CustomerId::new();
        let new = NewRecord { id, kind: CustomerKind::Fleet, name: "Müller", place: 3, postal_code: 4, phone, shops: 5, organizations: &organizations };
        new.write([Some("C-17"), None].into_iter(), &mut out);
        let record = Record::read(&out);
        assert_eq!((record.place, record.postal_code, record.shops, record.kind), (3, 4, 5, CustomerKind::Fleet));
        assert_eq!(record.numbers(2).collect::<Vec<_>>(), ["C-17", ""]);
        let tail = record.tail(2);
        assert_eq!((tail.id, tail.name), (id, "Müller"));
        assert_eq!(tail.organizations().collect::<Vec<_>>(), organizations);
        record.phone.in_full()
    }

    #[test]
    fn a_record_comes_out_as_it_went_in() {
        for phone in [None, Some("+12545551234"), Some("+0123"), Some("+"), Some("++12"), Some("555-1234 ext"), Some("+999999999999999999")] {
            assert_eq!(read_back(phone).as_deref(), phone);
        }
    }
}

//! A map on a file's header, and what it makes of each row: column, join or
//! first; trim; split; default; pad; pattern; clean; values; constants.
//!
//! May call [`crate::text`] only.

use std::collections::BTreeMap;

use super::Kind;
use super::fields::{Cells, unguard};
use super::map::{ColumnMap, How, MapError, Steps, instead, our_column, refuse_access};
use super::reader::Row;
use crate::text::{clean_line, clean_text};

/// Columns whose line breaks are kept.
const LONG: [&str; 1] = ["complaint"];

impl ColumnMap {
    /// Finds every column in a file's header. `set` holds constants that win
    /// over the map's.
    ///
    /// # Errors
    /// [`MapError`] when a column is not there, is not known, or a required one
    /// is filled by nothing.
    pub(super) fn bind(&self, header: &[String], set: &[(String, String)]) -> Result<Bound, MapError> {
        let header = without_reason(self.kind(), header);
        if self.own_names {
            self.refuse_unknown(header)?;
        }
        let mut constants = self.constants.clone();
        for (name, value) in set {
            refuse_access(self.kind(), name)?;
            let column = our_column(self.kind(), name).ok_or_else(|| MapError::NoSuchColumn {
                kind: self.kind(),
                wanted: name.clone(),
                instead: instead(name, self.kind().columns()),
            })?;
            constants.insert(column, clean_line(value));
        }
        let mut columns = Vec::with_capacity(self.kind().columns().len());
        for &column in self.kind().columns() {
            let bound = self.bind_column(column, header, constants.remove(column))?;
            if self.kind().required().contains(&column) && bound.from.is_empty() && bound.constant.is_none() {
                return Err(MapError::Required { kind: self.kind(), column });
            }
            columns.push(bound);
        }
        Ok(Bound { kind: self.kind(), columns })
    }

    fn refuse_unknown(&self, header: &[String]) -> Result<(), MapError> {
        header.iter().try_for_each(|name| refuse_access(self.kind(), name))?;
        match header.iter().find(|name| !name.is_empty() && our_column(self.kind(), name).is_none()) {
            Some(found) => Err(MapError::UnknownInFile { kind: self.kind(), found: found.clone(), instead: instead(found, self.kind().columns()) }),
            None => Ok(()),
        }
    }

    fn bind_column(&self, column: &'static str, header: &[String], constant: Option<String>) -> Result<BoundColumn, MapError> {
        let mut bound = BoundColumn {
            from: Vec::new(),
            how: How::First,
            steps: Steps::default(),
            values: self.values.get(column).cloned().unwrap_or_default(),
            constant: constant.filter(|constant| !constant.is_empty()),
            long: LONG.contains(&column),
        };
        let Some(source) = self.columns.get(column) else { return Ok(bound) };
        for name in &source.from {
            match place_of(name, header)? {
                Some(place) => bound.from.push(place),
                None if self.own_names => {}
                None => return Err(MapError::NotInFile { wanted: name.clone(), instead: instead(name, header) }),
            }
        }
        bound.how = source.how.clone();
        bound.steps = source.steps.clone();
        Ok(bound)
    }
}

/// The header without the column that we ourselves add to refused rows, so
/// that a corrected rejects file can be imported again, and again.
fn without_reason(kind: Kind, mut header: &[String]) -> &[String] {
    let is_ours = our_column(kind, super::REASON).is_some();
    while let Some((last, rest)) = header.split_last() {
        if last != super::REASON || is_ours && !rest.contains(last) {
            break;
        }
        header = rest;
    }
    header
}

fn place_of(name: &str, header: &[String]) -> Result<Option<usize>, MapError> {
    let mut places = header.iter().enumerate().filter(|(_, known)| known.as_str() == name).map(|(place, _)| place);
    let first = places.next();
    if places.next().is_some() { Err(MapError::Twice(name.to_owned())) } else { Ok(first) }
}

/// A map on a file's header.
#[derive(Debug)]
pub(super) struct Bound {
    kind: Kind,
    columns: Vec<BoundColumn>,
}

#[derive(Debug)]
struct BoundColumn {
    from: Vec<usize>,
    how: How,
    steps: Steps,
    values: BTreeMap<String, String>,
    constant: Option<String>,
    long: bool,
}

impl Bound {
    /// A row's cells under our names, after all steps.
    pub(super) fn apply(&self, row: &Row) -> Cells {
        Cells::new(self.kind, self.columns.iter().map(|column| column.apply(row)).collect())
    }
}

impl BoundColumn {
    fn apply(&self, row: &Row) -> String {
        let mut parts = self.from.iter().map(|place| unguard(row.cell(*place)).trim()).filter(|part| !part.is_empty());
        let taken = match &self.how {
            How::First => parts.next().unwrap_or_default().to_owned(),
            How::Join(with) => parts.collect::<Vec<_>>().join(with),
        };
        let stepped = self.steps.apply(taken);
        let cleaned = if self.long { clean_text(&stepped) } else { clean_line(&stepped) };
        let said = match self.values.get(&cleaned) {
            Some(ours) => ours.clone(),
            None => cleaned,
        };
        if said.is_empty() { self.constant.clone().unwrap_or_default() } else { said }
    }
}

impl Steps {
    fn apply(&self, taken: String) -> String {
        let mut text = match &self.split {
            Some((sign, part)) => taken.split(sign.as_str()).nth(part - 1).unwrap_or_default().trim().to_owned(),
            None => taken,
        };
        if let Some(default) = self.default.as_ref().filter(|_| text.is_empty()) {
            text.clone_from(default);
        }
        // Only a number can have lost its leading zeros.
        if text.len() < self.pad && is_digits(&text) {
            text = format!("{text:0>width$}", width = self.pad);
        }
        match &self.pattern {
            Some(pattern) if is_digits(&text) && text.len() == pattern.matches('#').count() => fill(pattern, &text),
            _ => text,
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits in the places that a pattern marks with `#`.
fn fill(pattern: &str, digits: &str) -> String {
    let mut digits = digits.chars();
    pattern.chars().filter_map(|c| if c == '#' { digits.next() } else { Some(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &str) -> Vec<String> {
        names.split(',').map(str::to_owned).collect()
    }

    fn bound(kind: &str, columns: &str, names: &str) -> Bound {
        ColumnMap::parse(&format!("kind = {kind:?}\n{columns}"), "map.toml").unwrap().bind(&header(names), &[]).unwrap()
    }

    #[test]
    fn cells_go_through_the_steps_in_their_order() {
        let map = bound(
            "customers",
            r######"
            [constants]
            country = "US"
            [columns]
            name = { join = ["legal", "trade"], with = " dba " }
            phone = { first = ["mobile", "phone"] }
            city = { column = "place", split = ",", default = "Austin" }
            address2 = { column = "place", split = ",", part = 2 }
            postal_code = { column = "zip", pad = 5, pattern = "#####-####" }
            country = "land"
            [values.country]
            USA = "US"
            none = ""
            "######,
            "legal,trade,mobile,phone,place,zip,land",
        );
        let cells = map.apply(&Row::of(&["ACME", " Otter  ", "", " '+1512", "Reno , Unit 4", "5065", "USA"]));
        let said = |column| cells.get(column).unwrap_or("").to_owned();
        assert_eq!([said("name"), said("phone"), said("city"), said("address2")], ["ACME dba Otter", "'+1512", "Reno", "Unit 4"]);
        assert_eq!([said("postal_code"), said("country")], ["05065", "US"]);
        let cells = map.apply(&Row::of(&["ACME", "", "", "'+1512", "", "852600101", "none"]));
        let said = |column| cells.get(column).unwrap_or("").to_owned();
        assert_eq!([said("name"), said("phone"), said("city"), said("address2")], ["ACME", "+1512", "Austin", ""]);
        assert_eq!([said("postal_code"), said("country")], ["85260-0101", "US"], "a table may empty a cell; then the constant fills it");
        let cells = map.apply(&Row::of(&["ACME", "", "", "", "Reno", "M1X1X1", "CA"]));
        assert_eq!((cells.get("address2"), cells.get("postal_code"), cells.get("country")), (None, Some("M1X1X1"), Some("CA")));
    }

    #[test]
    fn complaints_keep_their_lines_and_nothing_keeps_its_control_characters() {
        let map = ColumnMap::identity(Kind::ServiceRequests).bind(&header("organization,asset_number,complaint"), &[]).unwrap();
        let cells = map.apply(&Row::of(&["A", "1\n2\u{1b}[2J", "one\ntwo\u{7}"]));
        assert_eq!((cells.get("asset_number"), cells.get("complaint")), (Some("1 2[2J"), Some("one\ntwo")));
    }

    #[test]
    fn constants_fill_empty_cells_and_the_command_line_wins() {
        let map = ColumnMap::parse("kind = \"customers\"\n[constants]\ncountry = \"US\"\nshop = \"A\"\n[columns]\nname = \"n\"\n", "map.toml").unwrap();
        let bound = map.bind(&header("n"), &[("shop".to_owned(), "B".to_owned())]).unwrap();
        let cells = bound.apply(&Row::of(&["ACME"]));
        assert_eq!((cells.get("shop"), cells.get("country")), (Some("B"), Some("US")));
        assert!(
            matches!(map.bind(&header("n"), &[("shpo".to_owned(), String::new())]), Err(MapError::NoSuchColumn { instead, .. }) if instead == "the nearest is \"shop\"")
        );
    }

    #[test]
    fn headers_are_checked_before_any_row() {
        let own = ColumnMap::identity(Kind::Customers);
        assert!(matches!(own.bind(&header("number,Nmae"), &[]), Err(MapError::UnknownInFile { instead, .. }) if instead == "the nearest is \"name\""));
        assert!(matches!(own.bind(&header("number,city"), &[]), Err(MapError::Required { column: "name", .. })));
        assert!(matches!(own.bind(&header("name,name"), &[]), Err(MapError::Twice(_))));
        assert!(own.bind(&header("name,city,reason"), &[]).is_ok(), "a corrected rejects file");
        assert!(own.bind(&header("name,city,reason,reason"), &[]).is_ok(), "and its rejects");
        let map = ColumnMap::parse("kind = \"customers\"\n[columns]\nname = \"Company\"\n", "map.toml").unwrap();
        assert!(matches!(map.bind(&header("Compnay,Zip"), &[]), Err(MapError::NotInFile { instead, .. }) if instead == "the nearest is \"Compnay\""));
    }

    #[test]
    fn no_column_gives_a_contact_access() {
        let own = ColumnMap::identity(Kind::Contacts);
        let bind = |names: &str, set: &[(String, String)]| own.bind(&header(names), set);
        assert!(matches!(bind("customer_number,last,access_level", &[]), Err(MapError::GivesAccess(column)) if column == "access_level"));
        let set = [("password".to_owned(), "x".to_owned())];
        assert!(matches!(bind("customer_number,last", &set), Err(MapError::GivesAccess(column)) if column == "password"));
        assert!(bind("customer_number,last,roles", &[]).is_ok(), "what they play gives no access (C-7)");
    }

    #[test]
    fn repairs_have_a_reason_of_their_own() {
        let own = ColumnMap::identity(Kind::Repairs);
        let names = "organization,asset_number,state,description,reason";
        let cells = own.bind(&header(names), &[]).unwrap().apply(&Row::of(&["A", "1", "open", "brakes", "worn"]));
        assert_eq!(cells.get("reason"), Some("worn"));
        let again = own.bind(&header(&format!("{names},reason")), &[]).unwrap().apply(&Row::of(&["A", "1", "open", "brakes", "worn", "refused"]));
        assert_eq!(again.get("reason"), Some("worn"));
    }
}

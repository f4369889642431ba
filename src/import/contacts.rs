//! Customers' people and departments. A contact is known by its customer, who
//! is named by the number at a shop, and its folded e-mail address; a row
//! without an address means the contact of that folded name.
//!
//! Nobody gets access by an import: rights, platform roles, levels, accounts
//! and passwords have no columns here, and a contact that has any of them is
//! not made active again.
//!
//! A part is decided in memory, after one look for all its customers, and
//! added with one statement per table; only changes go one by one.
//!
//! May call [`crate::api`], [`crate::store`] and [`crate::text`].

use std::collections::{BTreeMap, HashMap, HashSet};

use super::MAX_NAME;
use super::customers::{home, listed, named_number};
use super::fields::{Cells, Fault, short};
use super::load::{Checked, Entry, Known, Rows, Seen, Verdict, key_of};
use crate::api::access_level::AccessLevel;
use crate::api::contact::{ContactKind, ContactRole, PlatformRole, PortalRight};
use crate::api::ids::{ContactId, CustomerId, ShopId};
use crate::store::contacts::{self, ContactRow};
use crate::store::customers::number_key;
use crate::store::{self, Conn, StoreError, bulk, users};
use crate::text::fold;

/// The import of contacts.
pub(super) struct Contacts;

/// What a row says of a contact.
pub(super) struct ContactRecord {
    /// Its place among the known shops.
    shop: usize,
    number: String,
    number_key: String,
    email_key: Option<String>,
    name_key: String,
    kind: Option<ContactKind>,
    first: Option<String>,
    last: String,
    salutation: Option<String>,
    job_title: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    roles: Option<String>,
    receives_invoices: Option<bool>,
    receives_statements: Option<bool>,
    primary: Option<bool>,
    active: Option<bool>,
}

impl Rows for Contacts {
    type Record = ContactRecord;
    const AT_ONCE: usize = 1_000;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<ContactRecord>, Fault> {
        let place = match known.named_shop(cells)? {
            Some(place) => place,
            None => known.only_shop()?,
        };
        let shop = &known.shops[place];
        let dialled_from = home(shop, known);
        let number = named_number(cells)?.ok_or(Fault::Missing("customer_number"))?;
        let first = cells.text("first", MAX_NAME)?;
        let last = cells.required("last", MAX_NAME)?;
        let email = cells.email("email")?;
        let record = ContactRecord {
            shop: place,
            number_key: number_key(&number),
            email_key: email.as_deref().map(fold),
            name_key: name_key(first.as_deref().unwrap_or_default(), &last),
            kind: cells.choice("kind", ContactKind::ALL, ContactKind::name)?,
            salutation: cells.text("salutation", MAX_NAME)?,
            job_title: cells.text("job_title", MAX_NAME)?,
            phone: cells.phone("phone", dialled_from)?,
            mobile: cells.phone("mobile", dialled_from)?,
            roles: roles(cells)?,
            receives_invoices: cells.yes_or_no("receives_invoices")?,
            receives_statements: cells.yes_or_no("receives_statements")?,
            primary: cells.yes_or_no("primary")?,
            active: cells.yes_or_no("active")?,
            number,
            first,
            last,
            email,
        };
        let at = shop.id.to_string();
        let key = match &record.email_key {
            Some(email) => key_of(&["email", &at, &record.number_key, email]),
            None => key_of(&["name", &at, &record.number_key, &record.name_key]),
        };
        Ok(Checked { key, record })
    }

    async fn write(conn: &mut Conn, known: &Known, entries: &[Entry<ContactRecord>], seen: &mut Seen) -> store::Result<Vec<Verdict>> {
        let mut chunk = Chunk::look_up(conn, known, entries).await?;
        let mut verdicts = Vec::with_capacity(entries.len());
        for entry in entries {
            let decided = seen.admit(entry).and_then(|()| chunk.decide(known, &entry.record, seen));
            verdicts.push(match decided {
                Ok((id, verdict)) => {
                    seen.accept(entry);
                    // A customer has several numbers, a contact a name and an
                    // address: rows with other keys can mean the same one.
                    seen.note(contact_key(id), entry.line);
                    verdict
                }
                Err(fault) => Verdict::Refused(fault),
            });
        }
        chunk.write(conn).await?;
        Ok(verdicts)
    }
}

fn name_key(first: &str, last: &str) -> String {
    format!("{}|{}", fold(first), fold(last))
}

fn contact_key(id: ContactId) -> u64 {
    key_of(&["contact", &id.to_string()])
}

/// Words of roles, separated by spaces or semicolons, as the server keeps them.
fn roles(cells: &Cells) -> Result<Option<String>, Fault> {
    let Some(written) = cells.get("roles") else { return Ok(None) };
    let words: Vec<String> = written.split([' ', ';']).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    if let Some(unknown) = words.iter().find(|word| ContactRole::named(word).is_none()) {
        let names: Vec<&str> = ContactRole::ALL.iter().map(|role| role.name()).collect();
        return Err(Fault::Choice { column: "roles", value: short(unknown), choices: names.join(", ") });
    }
    Ok(Some(in_order(&words.join(" "))).filter(|roles| !roles.is_empty()))
}

/// Known roles among words, each once and in one order, so that two spellings
/// of the same roles are no change.
pub(super) fn in_order(words: &str) -> String {
    let said = |name: &&str| words.split(' ').any(|word| word == *name);
    ContactRole::ALL.iter().map(|role| role.name()).filter(said).collect::<Vec<_>>().join(" ")
}

/// A contact with what rows are compared by.
struct Held {
    row: ContactRow,
    email_key: Option<String>,
    name_key: String,
}

impl Held {
    fn of(row: ContactRow) -> Self {
        Self { email_key: row.email.as_deref().map(fold), name_key: name_key(&row.first_name, &row.last_name), row }
    }
}

/// The contacts of the customers that a part is about, and what is to
/// be written.
#[derive(Default)]
struct Chunk {
    /// By shop and number.
    customers: HashMap<(ShopId, String), CustomerId>,
    /// Of each customer, the oldest first.
    held: HashMap<CustomerId, Vec<Held>>,
    new: Vec<ContactRow>,
    /// In the order of their ids, so that two writers never wait for each
    /// other crosswise. With each whether it is taken out.
    changed: BTreeMap<ContactId, (ContactRow, bool)>,
}

impl Chunk {
    async fn look_up(conn: &mut Conn, known: &Known, entries: &[Entry<ContactRecord>]) -> store::Result<Self> {
        let (mut systems, mut numbers) = (HashSet::new(), HashSet::new());
        for record in entries.iter().map(|entry| &entry.record) {
            systems.insert(known.shops[record.shop].business_system.as_str());
            numbers.insert(record.number_key.as_str());
        }
        let mut chunk = Self::default();
        for (customer, shop, _, number) in bulk::holders(conn, &listed(systems), &listed(numbers)).await? {
            chunk.customers.insert((shop, number), customer);
        }
        let customers: HashSet<CustomerId> = chunk.customers.values().copied().collect();
        for row in bulk::contacts(conn, &listed(customers)).await? {
            chunk.held.entry(row.customer_id).or_default().push(Held::of(row));
        }
        Ok(chunk)
    }

    /// Decides a row: a known contact is changed, an unknown one made.
    fn decide(&mut self, known: &Known, record: &ContactRecord, seen: &Seen) -> Result<(ContactId, Verdict), Fault> {
        let shop = &known.shops[record.shop];
        let customer = self.customers.get(&(shop.id, record.number_key.clone())).copied();
        let customer = customer.ok_or_else(|| Fault::Rule(format!("no customer of shop {} has the number {:?}", shop.code, short(&record.number))))?;
        let found = match &record.email_key {
            Some(email) => self.by_email(customer, email, record)?,
            None => self.by_name(customer, record, seen)?,
        };
        let Some(id) = found else { return Ok((self.add(customer, record), Verdict::Added)) };
        if let Some(line) = seen.line(contact_key(id)) {
            return Err(Fault::SameKey(line));
        }
        Ok((id, self.merge(customer, id, record)?))
    }

    fn of(&self, customer: CustomerId) -> &[Held] {
        self.held.get(&customer).map_or(&[][..], Vec::as_slice)
    }

    fn by_email(&self, customer: CustomerId, email: &str, record: &ContactRecord) -> Result<Option<ContactId>, Fault> {
        let alike: Vec<&Held> = self.of(customer).iter().filter(|held| held.email_key.as_deref() == Some(email)).collect();
        match alike.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.row.id)),
            // The server lets people share an address; a name tells them apart.
            several => match several.iter().find(|held| held.name_key == record.name_key) {
                Some(meant) => Ok(Some(meant.row.id)),
                None => Err(Fault::Rule("email belongs to several contacts of this customer, none of them of this name".to_owned())),
            },
        }
    }

    /// The contact of a row without an address: the one that has none either,
    /// else the only one of that name that no earlier row was about.
    fn by_name(&self, customer: CustomerId, record: &ContactRecord, seen: &Seen) -> Result<Option<ContactId>, Fault> {
        let alike: Vec<&Held> = self.of(customer).iter().filter(|held| held.name_key == record.name_key).collect();
        if let Some(meant) = alike.iter().find(|held| held.email_key.is_none()) {
            return Ok(Some(meant.row.id));
        }
        let mut free = alike.iter().map(|held| held.row.id).filter(|id| seen.line(contact_key(*id)).is_none());
        match (free.next(), free.next()) {
            (Some(_), Some(_)) => Err(Fault::Rule("email is missing: several contacts of this customer have this name".to_owned())),
            (meant, _) => Ok(meant),
        }
    }

    fn add(&mut self, customer: CustomerId, record: &ContactRecord) -> ContactId {
        let mut row = ContactRow::nobody(customer, record.kind.unwrap_or(ContactKind::Person));
        record.fill(&mut row);
        let id = row.id;
        self.new.push(row.clone());
        // Rows further down find it as they would in the database.
        self.held.entry(customer).or_default().push(Held::of(row));
        id
    }

    fn merge(&mut self, customer: CustomerId, id: ContactId, record: &ContactRecord) -> Result<Verdict, Fault> {
        let place = self.of(customer).iter().position(|held| held.row.id == id).ok_or(Fault::Taken)?;
        let before = &self.of(customer)[place].row;
        if record.kind.is_some_and(|kind| kind.name() != before.kind) {
            return Err(Fault::Rule("kind: a person stays a person, a department a department".to_owned()));
        }
        let mut row = before.clone();
        record.fill(&mut row);
        if row == *before {
            return Ok(Verdict::Unchanged);
        }
        if row.is_active && !before.is_active && has_access(before) {
            return Err(Fault::Rule("active: this contact has an account, a right, a role or a level, and an import gives no access".to_owned()));
        }
        let taken_out = before.is_active && !row.is_active;
        if taken_out {
            self.refuse_last_administrator(before)?;
        }
        if let Some(held) = self.held.get_mut(&customer).and_then(|all| all.get_mut(place)) {
            *held = Held::of(row.clone());
        }
        self.changed.insert(id, (row, taken_out));
        Ok(Verdict::Changed)
    }

    /// C-6, S1-6: the last portal administrator stays while anybody below is
    /// there.
    fn refuse_last_administrator(&self, row: &ContactRow) -> Result<(), Fault> {
        let others: Vec<&ContactRow> = self.of(row.customer_id).iter().map(|held| &held.row).filter(|other| other.id != row.id).collect();
        let another = others.iter().any(|other| other.administers());
        if row.administers() && !another && others.iter().any(|other| other.is_below_an_administrator()) {
            let told = "active: this is the last portal administrator, and other contacts have rights; name another one first";
            return Err(Fault::Rule(told.to_owned()));
        }
        Ok(())
    }

    async fn write(self, conn: &mut Conn) -> store::Result<()> {
        let new: Vec<&ContactRow> = self.new.iter().collect();
        bulk::insert_contacts(conn, &new).await?;
        for (row, taken_out) in self.changed.values() {
            if !contacts::update(conn, row).await? {
                // Changed since it was looked up: the part is done again.
                return Err(StoreError::Taken);
            }
            if let Some(user) = row.user_id.filter(|_| *taken_out) {
                // Who is no contact any more is signed out (S4-15).
                users::set_state(conn, user, "disabled").await?;
            }
        }
        Ok(())
    }
}

/// Whether making it active would let somebody in, or give him a right.
fn has_access(row: &ContactRow) -> bool {
    row.user_id.is_some()
        || row.access_level != AccessLevel::None.name()
        || row.portal_right != PortalRight::None.name()
        || row.platform_role != PlatformRole::None.name()
}

impl ContactRecord {
    /// Puts what the row says into a contact; an empty cell changes nothing.
    fn fill(&self, row: &mut ContactRow) {
        row.last_name.clone_from(&self.last);
        if let Some(first) = &self.first {
            row.first_name.clone_from(first);
        }
        for (cell, given) in [
            (&mut row.salutation, &self.salutation),
            (&mut row.job_title, &self.job_title),
            (&mut row.email, &self.email),
            (&mut row.phone, &self.phone),
            (&mut row.mobile, &self.mobile),
        ] {
            if given.is_some() {
                cell.clone_from(given);
            }
        }
        if let Some(roles) = self.roles.as_ref().filter(|roles| in_order(&row.roles) != **roles) {
            row.roles.clone_from(roles);
        }
        row.receives_invoices = self.receives_invoices.unwrap_or(row.receives_invoices);
        row.receives_statements = self.receives_statements.unwrap_or(row.receives_statements);
        row.is_primary = self.primary.unwrap_or(row.is_primary);
        row.is_active = self.active.unwrap_or(row.is_active);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Kind;

    fn cells(pairs: &[(&str, &str)]) -> Cells {
        let written = |column: &&str| pairs.iter().find(|(name, _)| name == column).map_or_else(String::new, |(_, value)| (*value).to_owned());
        Cells::new(Kind::Contacts, Kind::Contacts.columns().iter().map(written).collect())
    }

    #[test]
    fn roles_are_words_in_any_order_between_spaces_or_semicolons() {
        for written in ["billing technical", "Technical;billing", "technical; billing ;billing"] {
            assert_eq!(roles(&cells(&[("roles", written)])), Ok(Some("technical billing".to_owned())), "{written}");
        }
        for empty in ["", ";"] {
            assert_eq!(roles(&cells(&[("roles", empty)])), Ok(None), "{empty:?}");
        }
        let with_comma = roles(&cells(&[("roles", "technical,owner")]));
        assert!(matches!(with_comma, Err(Fault::Choice { value, choices, .. }) if value == "technical,owner" && choices.contains("driver")));
    }

    #[test]
    fn an_empty_cell_changes_nothing_and_the_same_roles_are_no_change() {
        let mut row = ContactRow::nobody(CustomerId::new(), ContactKind::Person);
        row.first_name = "Ada".to_owned();
        row.last_name = "Brandt".to_owned();
        row.phone = Some("+12545550142".to_owned());
        row.roles = "billing technical".to_owned();
        let record = ContactRecord {
            shop: 0,
            number: "1".to_owned(),
            number_key: "1".to_owned(),
            email_key: None,
            name_key: name_key("Ada", "Brandt"),
            kind: None,
            first: None,
            last: "Brandt".to_owned(),
            salutation: None,
            job_title: None,
            email: None,
            phone: None,
            mobile: None,
            roles: Some("technical billing".to_owned()),
            receives_invoices: None,
            receives_statements: None,
            primary: None,
            active: None,
        };
        let mut now = row.clone();
        record.fill(&mut now);
        assert_eq!(now, row);
    }
}

//! Customers with their number at a shop. A customer is known by (shop,
//! number), without a number by shop and folded name, address, city and postal
//! code (8.3).
//!
//! A part is decided in memory, after one look into each table, and written
//! with few statements per table.
//!
//! May call [`crate::api`], [`crate::store`] and [`crate::rules`].

use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::fields::{Cells, Fault, Place};
use super::load::{Checked, Entry, Known, Rows, Seen, Verdict, key_of};
use super::{MAX_NAME, fields};
use crate::api::customer::{CustomerKind, NumberState};
use crate::api::ids::{CustomerId, ShopId};
use crate::store::bulk::{self, NewLink};
use crate::store::customers::{CustomerRow, import_key, number_key};
use crate::store::places::ShopRow;
use crate::store::{self, Conn, StoreError, changes};

/// The longest customer number, in characters (S3-9).
const MAX_NUMBER: usize = 40;
/// The longest line of an address, and the longest city (S3-9).
const MAX_LINE: usize = 100;
/// The longest postal code (S3-9).
const MAX_POSTAL_CODE: usize = 20;

/// The import of customers.
pub(super) struct Customers;

/// What a row says of a customer.
pub(super) struct CustomerRecord {
    /// Its place among the known shops.
    shop: usize,
    number: Option<String>,
    number_key: Option<String>,
    import_key: String,
    kind: Option<CustomerKind>,
    name: String,
    address1: Option<String>,
    address2: Option<String>,
    city: Option<String>,
    postal_code: Option<String>,
    place: Place,
    phone: Option<String>,
    extension: Option<String>,
    fax: Option<String>,
    email: Option<String>,
}

/// A customer's number where another record names one: that of an organization
/// or asset may stand at any shop, that of a contact at the row's.
///
/// # Errors
/// [`Fault::TooLong`].
pub(super) fn named_number(cells: &Cells) -> Result<Option<String>, Fault> {
    cells.text("customer_number", MAX_NUMBER)
}

impl Rows for Customers {
    type Record = CustomerRecord;
    const AT_ONCE: usize = 4_000;
    // Every number and every version that is written was looked up in the same
    // transaction, or stands in the part itself.
    const FORESEES: bool = true;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<CustomerRecord>, Fault> {
        let place = match known.named_shop(cells)? {
            Some(place) => place,
            None => known.only_shop()?,
        };
        let shop = &known.shops[place];
        let number = cells.text("number", MAX_NUMBER)?;
        let name = cells.required("name", MAX_NAME)?;
        let address1 = cells.text("address1", MAX_LINE)?;
        let city = cells.text("city", MAX_LINE)?;
        let postal_code = cells.text("postal_code", MAX_POSTAL_CODE)?;
        let home = home(shop, known);
        let location = cells.place("country", "state", home)?;
        let dialled_from = location.country.as_deref().unwrap_or(home);
        let record = CustomerRecord {
            shop: place,
            number_key: number.as_deref().map(number_key),
            import_key: import_key(&name, address1.as_deref(), city.as_deref(), postal_code.as_deref()),
            kind: cells.choice("kind", &[CustomerKind::Local, CustomerKind::Fleet], CustomerKind::name)?,
            address2: cells.text("address2", MAX_LINE)?,
            phone: cells.phone("phone", dialled_from)?,
            extension: cells.extension("extension")?,
            fax: cells.phone("fax", dialled_from)?,
            email: cells.email("email")?,
            place: location,
            number,
            name,
            address1,
            city,
            postal_code,
        };
        let at = shop.id.to_string();
        let key = match &record.number_key {
            Some(number) => key_of(&["number", &at, number]),
            None => key_of(&["name", &at, &record.import_key]),
        };
        Ok(Checked { key, record })
    }

    async fn write(conn: &mut Conn, known: &Known, entries: &[Entry<CustomerRecord>], seen: &mut Seen) -> store::Result<Vec<Verdict>> {
        let mut chunk = Chunk::look_up(conn, known, entries).await?;
        let mut verdicts = Vec::with_capacity(entries.len());
        for entry in entries {
            let decided = seen.admit(entry).and_then(|()| chunk.decide(known, &entry.record));
            verdicts.push(match decided {
                Ok(verdict) => {
                    seen.accept(entry);
                    verdict
                }
                Err(fault) => Verdict::Refused(fault),
            });
        }
        chunk.write(conn).await?;
        Ok(verdicts)
    }
}

/// Where a row that says no country is at home.
pub(super) fn home<'a>(shop: &'a ShopRow, known: &'a Known) -> &'a str {
    if shop.country.is_empty() { &known.default_country } else { &shop.country }
}

/// A table of a part's: looked into for each row.
type Map<K, V> = HashMap<K, V, RandomState>;

fn room<K, V>(rows: usize) -> Map<K, V> {
    Map::with_capacity_and_hasher(rows, RandomState::default())
}

/// The customers that a part is about, and what is to be written.
struct Chunk {
    held: Map<CustomerId, CustomerRow>,
    /// By business system and number: who has it, and at which shop.
    by_number: Map<(String, String), (CustomerId, ShopId)>,
    /// By shop and import key.
    by_name: Map<(ShopId, String), CustomerId>,
    new: Vec<CustomerId>,
    links: Vec<NewLink>,
    /// In the order of their ids, so that two writers never wait for each
    /// other crosswise.
    changed: BTreeSet<CustomerId>,
}

impl Chunk {
    /// Room for so many rows, taken once.
    fn with_room(rows: usize) -> Self {
        let (held, by_number, by_name) = (room(rows), room(rows), room(rows));
        Self { held, by_number, by_name, new: Vec::with_capacity(rows), links: Vec::with_capacity(rows), changed: BTreeSet::new() }
    }

    async fn look_up(conn: &mut Conn, known: &Known, entries: &[Entry<CustomerRecord>]) -> store::Result<Self> {
        let (mut systems, mut numbers) = (HashSet::new(), HashSet::new());
        let (mut shops, mut names) = (HashSet::new(), HashSet::new());
        for record in entries.iter().map(|entry| &entry.record) {
            let shop = &known.shops[record.shop];
            if let Some(number) = &record.number_key {
                systems.insert(shop.business_system.as_str());
                numbers.insert(number.as_str());
            } else {
                shops.insert(shop.id);
                names.insert(record.import_key.as_str());
            }
        }
        let mut chunk = Self::with_room(entries.len());
        for (customer, shop, system, number) in bulk::holders(conn, &listed(systems), &listed(numbers)).await? {
            chunk.by_number.insert((system, number), (customer, shop));
        }
        let mut with_number: HashSet<(ShopId, CustomerId)> = HashSet::new();
        let namesakes = bulk::namesakes(conn, &listed(names)).await?;
        for (customer, shop, name, number) in namesakes.into_iter().filter(|(_, shop, ..)| shops.contains(shop)) {
            if number.is_some() {
                with_number.insert((shop, customer));
            }
            // Of several the one without a number is meant, else the oldest.
            let meant = chunk.by_name.entry((shop, name)).or_insert(customer);
            if number.is_none() && with_number.contains(&(shop, *meant)) {
                *meant = customer;
            }
        }
        let ids: HashSet<CustomerId> = chunk.by_number.values().map(|(id, _)| *id).chain(chunk.by_name.values().copied()).collect();
        for row in bulk::customers(conn, &listed(ids)).await? {
            chunk.held.insert(row.id, row);
        }
        Ok(chunk)
    }

    /// Decides a row: a known customer is changed, an unknown one made.
    fn decide(&mut self, known: &Known, record: &CustomerRecord) -> Result<Verdict, Fault> {
        let shop = &known.shops[record.shop];
        match self.known_id(shop, record)? {
            Some(id) => self.merge(id, record),
            None => self.add(shop, record),
        }
    }

    fn known_id(&self, shop: &ShopRow, record: &CustomerRecord) -> Result<Option<CustomerId>, Fault> {
        let Some(number) = &record.number_key else {
            return Ok(self.by_name.get(&(shop.id, record.import_key.clone())).copied());
        };
        match self.by_number.get(&(shop.business_system.clone(), number.clone())) {
            Some((_, at)) if *at != shop.id => {
                let number = fields::short(record.number.as_deref().unwrap_or_default());
                Err(Fault::Rule(format!("number {number:?} belongs to a customer of another shop with the same business system ({})", shop.business_system)))
            }
            found => Ok(found.map(|(id, _)| *id)),
        }
    }

    fn merge(&mut self, id: CustomerId, record: &CustomerRecord) -> Result<Verdict, Fault> {
        let Some(present) = self.held.get(&id) else { return Err(Fault::Taken) };
        let mut row = present.clone();
        row.name.clone_from(&record.name);
        record.place.merge("state", &mut row.country, &mut row.state)?;
        for (cell, given) in [
            (&mut row.address1, &record.address1),
            (&mut row.address2, &record.address2),
            (&mut row.city, &record.city),
            (&mut row.postal_code, &record.postal_code),
            (&mut row.phone, &record.phone),
            (&mut row.extension, &record.extension),
            (&mut row.fax, &record.fax),
            (&mut row.email, &record.email),
        ] {
            if given.is_some() {
                cell.clone_from(given);
            }
        }
        let kind = match record.kind {
            Some(kind) => kind.name(),
            None => present.kind.as_str(),
        };
        if kind == CustomerKind::Local.name() && present.kind != kind {
            return Err(Fault::Rule("kind: this customer is a fleet, which belongs to no shop; it does not become local again by an import".to_owned()));
        }
        let to_fleet = present.kind != kind;
        if !to_fleet && same(present, &row) {
            return Ok(Verdict::Unchanged);
        }
        if to_fleet {
            // S3-20: it has no owner.
            row.kind = kind.to_owned();
            row.owner_shop_id = None;
        }
        if !self.new.contains(&id) {
            self.changed.insert(id);
        }
        self.held.insert(id, row);
        Ok(Verdict::Changed)
    }

    fn add(&mut self, shop: &ShopRow, record: &CustomerRecord) -> Result<Verdict, Fault> {
        record.place.settled("state")?;
        let id = CustomerId::new();
        let kind = record.kind.unwrap_or_default();
        let row = CustomerRow {
            id,
            name: record.name.clone(),
            address1: record.address1.clone(),
            address2: record.address2.clone(),
            city: record.city.clone(),
            state: record.place.state.clone(),
            postal_code: record.postal_code.clone(),
            country: record.place.country.clone(),
            phone: record.phone.clone(),
            extension: record.extension.clone(),
            fax: record.fax.clone(),
            email: record.email.clone(),
            ..CustomerRow::unnamed((kind == CustomerKind::Local).then_some(shop.id))
        };
        let state = if record.number.is_some() { NumberState::Unverified } else { NumberState::Blank };
        self.links.push(NewLink {
            customer: id,
            shop: shop.id,
            number: record.number.clone(),
            number_key: record.number_key.clone(),
            number_state: state.name(),
            business_system: shop.business_system.clone(),
        });
        if let Some(number) = &record.number_key {
            self.by_number.insert((shop.business_system.clone(), number.clone()), (id, shop.id));
        }
        // Rows further down find it by its name as they would in the database.
        self.by_name.entry((shop.id, record.import_key.clone())).or_insert(id);
        self.held.insert(id, row);
        self.new.push(id);
        Ok(Verdict::Added)
    }

    async fn write(self, conn: &mut Conn) -> store::Result<()> {
        let new: Vec<&CustomerRow> = self.new.iter().filter_map(|id| self.held.get(id)).collect();
        let changed: Vec<&CustomerRow> = self.changed.iter().filter_map(|id| self.held.get(id)).collect();
        if new.is_empty() && changed.is_empty() {
            return Ok(());
        }
        bulk::insert_customers(conn, &new).await?;
        bulk::insert_links(conn, &self.links).await?;
        if !bulk::update_customers(conn, &changed).await? {
            // Changed since it was looked up: the part is done again.
            return Err(StoreError::Taken);
        }
        let touched: Vec<CustomerId> = self.new.iter().chain(&self.changed).copied().collect();
        bulk::add_changes(conn, &touched).await?;
        changes::tell(conn).await
    }
}

/// A set as the store takes it.
pub(super) fn listed<T>(set: HashSet<T>) -> Vec<T> {
    set.into_iter().collect()
}

/// Whether an import would write the same again.
fn same(before: &CustomerRow, after: &CustomerRow) -> bool {
    fn parts(row: &CustomerRow) -> [Option<&str>; 10] {
        [&row.address1, &row.address2, &row.city, &row.state, &row.postal_code, &row.country, &row.phone, &row.extension, &row.fax, &row.email]
            .map(Option::as_deref)
    }
    before.name == after.name && parts(before) == parts(after)
}

/// Customers by their number at any shop, for rows that name one.
pub(super) struct Numbers(HashMap<String, Vec<CustomerId>>);

impl Numbers {
    /// Looks up the numbers of a part.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn find<'n>(conn: &mut Conn, known: &Known, numbers: impl Iterator<Item = &'n str>) -> store::Result<Self> {
        let keys: HashSet<String> = numbers.map(number_key).collect();
        let wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut found: HashMap<String, Vec<CustomerId>> = HashMap::new();
        for (customer, _, _, number) in bulk::holders(conn, &known.systems(), &wanted).await? {
            let holders = found.entry(number).or_default();
            if !holders.contains(&customer) {
                holders.push(customer);
            }
        }
        Ok(Self(found))
    }

    /// The customer that a number means; of several the `present` one.
    ///
    /// # Errors
    /// [`Fault::Unknown`] or [`Fault::Several`].
    pub(super) fn customer(&self, number: &str, present: Option<CustomerId>) -> Result<CustomerId, Fault> {
        match self.0.get(&number_key(number)).map(Vec::as_slice) {
            Some([only]) => Ok(*only),
            Some(several) => present.filter(|present| several.contains(present)).ok_or_else(|| Fault::Several(fields::short(number))),
            None => Err(Fault::Unknown { what: "customer", by: "number", value: fields::short(number) }),
        }
    }
}

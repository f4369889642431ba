//! Assets with the plate they carry. An asset is known by its organization and
//! number key (8.3).
//!
//! As with customers a part is decided in memory and written with one
//! statement per table; only changes of known assets go one by one.
//!
//! May call [`crate::api`], [`crate::store`], [`crate::rules`] and
//! [`crate::text`].

use std::collections::{HashMap, HashSet};

use super::customers::{Numbers, named_number};
use super::fields::{self, Cells, Fault, Place};
use super::load::{Checked, Entry, Known, Rows, Seen, Verdict, key_of};
use crate::api::asset::AssetStatus;
use crate::api::ids::{AssetId, OrganizationId};
use crate::store::bulk::{self, StoredAsset, StoredPlate};
use crate::store::places::{self, OrganizationRow};
use crate::store::{self, At, Conn, StoreError};
use crate::text::{fold, number_key};

/// The longest asset number and plate, in characters (2.5).
const MAX_NUMBER: usize = 50;
/// The longest serial number (S3-9).
const MAX_SERIAL: usize = 36;
/// The longest make, model, class, department and colour.
const MAX_WORD: usize = 100;
/// The longest description.
const MAX_DESCRIPTION: usize = 200;

/// Which asset a row means.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    /// The organization's code as written.
    pub organization: String,
    /// The asset's number as written.
    pub number: String,
    /// The key of the code.
    pub organization_key: String,
    /// The key of the number.
    pub number_key: String,
}

impl Tag {
    /// Reads the columns `organization` and `asset_number`.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::TooLong`].
    pub(super) fn check(cells: &Cells) -> Result<Self, Fault> {
        let organization = cells.required("organization", super::MAX_CODE)?;
        let number = cells.required("asset_number", MAX_NUMBER)?;
        let (organization_key, number_key) = (fold(&organization), number_key(&number));
        // A number of hyphens alone has no key and could never be found.
        if number_key.is_empty() { Err(Fault::Missing("asset_number")) } else { Ok(Self { organization, number, organization_key, number_key }) }
    }
}

/// The organizations and assets that the rows of a part mean.
pub(super) struct Machines {
    organizations: HashMap<String, OrganizationRow>,
    assets: HashMap<(OrganizationId, String), StoredAsset>,
}

impl Machines {
    /// Looks them up.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn find<'t>(conn: &mut Conn, tags: impl Iterator<Item = &'t Tag> + Clone) -> store::Result<Self> {
        let codes: HashSet<&str> = tags.clone().map(|tag| tag.organization_key.as_str()).collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        let organizations = bulk::organizations(conn, &codes).await?.into_iter().map(|row| (fold(&row.code), row)).collect();
        let mut machines = Self { organizations, assets: HashMap::new() };
        machines.find_assets(conn, tags).await?;
        Ok(machines)
    }

    async fn find_assets<'t>(&mut self, conn: &mut Conn, tags: impl Iterator<Item = &'t Tag>) -> store::Result<()> {
        let keys: HashSet<&str> = tags.map(|tag| tag.number_key.as_str()).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let owners: Vec<OrganizationId> = self.organizations.values().map(|row| row.id).collect();
        for row in bulk::assets(conn, &owners, &keys).await? {
            self.assets.insert((row.organization_id, number_key(&row.asset_number)), row);
        }
        Ok(())
    }

    /// The organization of a tag.
    ///
    /// # Errors
    /// [`Fault::Unknown`].
    pub(super) fn organization(&self, tag: &Tag) -> Result<&OrganizationRow, Fault> {
        let unknown = || Fault::Unknown { what: "organization", by: "code", value: fields::short(&tag.organization) };
        self.organizations.get(&tag.organization_key).ok_or_else(unknown)
    }

    /// The asset of a tag and its organization.
    ///
    /// # Errors
    /// [`Fault::Unknown`].
    pub(super) fn asset(&self, tag: &Tag) -> Result<(&OrganizationRow, &StoredAsset), Fault> {
        let organization = self.organization(tag)?;
        let asset = self.known(organization.id, tag).ok_or_else(|| Fault::Unknown { what: "asset", by: "number", value: fields::short(&tag.number) })?;
        Ok((organization, asset))
    }

    fn known(&self, organization: OrganizationId, tag: &Tag) -> Option<&StoredAsset> {
        self.assets.get(&(organization, tag.number_key.clone()))
    }
}

/// A plate that a row says.
#[derive(Debug, Clone)]
pub(super) struct Plate {
    /// As written.
    pub number: String,
    /// Under which it is looked up.
    pub number_key: String,
    /// Where it is from.
    pub place: Place,
}

impl Plate {
    /// Reads a plate's columns; without a number, state and country say
    /// nothing.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) fn check(cells: &Cells, country: &'static str, state: &'static str, home: &str) -> Result<Option<Self>, Fault> {
        let Some(number) = cells.text("plate", MAX_NUMBER)? else { return Ok(None) };
        let number_key = number_key(&number);
        // A hyphen says that there is none.
        if number_key.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { place: cells.place(country, state, home)?, number, number_key }))
    }

    /// The plate as it is stored.
    pub(super) fn stored(&self, asset: AssetId, from_at: Option<At>, to_at: Option<At>) -> StoredPlate {
        StoredPlate {
            id: uuid::Uuid::now_v7().to_string(),
            asset_id: asset,
            number: self.number.clone(),
            state: self.place.state.clone(),
            country: self.place.country.clone(),
            from_at,
            to_at,
        }
    }

    /// A stored plate with what this one says of its place; none if that is
    /// nothing new.
    ///
    /// # Errors
    /// [`Fault::State`] or [`Fault::StateAlone`].
    pub(super) fn moved(&self, stored: &StoredPlate, column: &'static str) -> Result<Option<StoredPlate>, Fault> {
        let mut now = stored.clone();
        self.place.merge(column, &mut now.country, &mut now.state)?;
        let same = now.country == stored.country && now.state == stored.state;
        Ok(if same { None } else { Some(now) })
    }
}

/// The import of assets.
pub(super) struct Assets;

/// What a row says of an asset.
pub(super) struct AssetRecord {
    tag: Tag,
    customer_number: Option<String>,
    plate: Option<Plate>,
    vin: Option<String>,
    serial: Option<String>,
    year: Option<i64>,
    make: Option<String>,
    model: Option<String>,
    description: Option<String>,
    class: Option<String>,
    status: Option<AssetStatus>,
    colour: Option<String>,
    department: Option<String>,
}

impl Rows for Assets {
    type Record = AssetRecord;
    const AT_ONCE: usize = 1_000;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<AssetRecord>, Fault> {
        let tag = Tag::check(cells)?;
        let key = key_of(&[&tag.organization_key, &tag.number_key]);
        let record = AssetRecord {
            tag,
            customer_number: named_number(cells)?,
            plate: Plate::check(cells, "plate_country", "plate_state", &known.default_country)?,
            vin: cells.vin()?,
            serial: cells.text("serial", MAX_SERIAL)?,
            year: cells.year(known.now.0)?,
            make: cells.text("make", MAX_WORD)?,
            model: cells.text("model", MAX_WORD)?,
            description: cells.text("description", MAX_DESCRIPTION)?,
            class: cells.text("class", MAX_WORD)?,
            status: cells.choice("status", &AssetStatus::ALL, AssetStatus::name)?,
            colour: cells.text("colour", MAX_WORD)?,
            department: cells.text("department", MAX_WORD)?,
        };
        Ok(Checked { key, record })
    }

    async fn write(conn: &mut Conn, known: &Known, entries: &[Entry<AssetRecord>], seen: &mut Seen) -> store::Result<Vec<Verdict>> {
        let mut chunk = Chunk::look_up(conn, known, entries).await?;
        let mut verdicts = Vec::with_capacity(entries.len());
        for entry in entries {
            let decided = seen.admit(entry).and_then(|()| chunk.decide(known.now, &entry.record));
            verdicts.push(match decided {
                Ok(verdict) => {
                    seen.accept(entry);
                    verdict
                }
                Err(fault) => Verdict::Refused(fault),
            });
        }
        chunk.writes.run(conn).await?;
        Ok(verdicts)
    }
}

/// What the rows of a part are about, and what is to be written.
struct Chunk {
    machines: Machines,
    numbers: Numbers,
    /// The plates each known asset carries now.
    carried: HashMap<AssetId, Vec<StoredPlate>>,
    writes: Writes,
}

/// What a part writes, statement by statement.
#[derive(Default)]
struct Writes {
    new: Vec<StoredAsset>,
    changed: Vec<StoredAsset>,
    new_plates: Vec<StoredPlate>,
    changed_plates: Vec<StoredPlate>,
}

impl Chunk {
    async fn look_up(conn: &mut Conn, known: &Known, entries: &[Entry<AssetRecord>]) -> store::Result<Self> {
        let tags = entries.iter().map(|entry| &entry.record.tag);
        make_organization(conn, known, tags.clone()).await?;
        let machines = Machines::find(conn, tags).await?;
        let numbers = Numbers::find(conn, known, entries.iter().filter_map(|entry| entry.record.customer_number.as_deref())).await?;
        let plated = entries.iter().filter(|entry| entry.record.plate.is_some());
        let asked: Vec<AssetId> = plated.filter_map(|entry| machines.asset(&entry.record.tag).ok()).map(|(_, asset)| asset.id).collect();
        let mut carried: HashMap<AssetId, Vec<StoredPlate>> = HashMap::new();
        for plate in bulk::plates(conn, &asked).await?.into_iter().filter(|plate| plate.to_at.is_none()) {
            carried.entry(plate.asset_id).or_default().push(plate);
        }
        Ok(Self { machines, numbers, carried, writes: Writes::default() })
    }

    fn decide(&mut self, now: At, record: &AssetRecord) -> Result<Verdict, Fault> {
        let organization = self.machines.organization(&record.tag)?;
        let present = self.machines.known(organization.id, &record.tag);
        let mut row = match present {
            Some(present) => present.clone(),
            None => unnumbered(organization.id, record.tag.number.clone()),
        };
        if let Some(number) = &record.customer_number {
            let stands = row.customer_id.or(organization.customer_id);
            let customer = self.numbers.customer(number, stands)?;
            if stands != Some(customer) {
                row.customer_id = Some(customer).filter(|customer| organization.customer_id != Some(*customer));
            }
        }
        let filled = record.fill(&mut row);
        let Some(present) = present else {
            if let Some(plate) = &record.plate {
                plate.place.settled("plate_state")?;
                self.writes.new_plates.push(plate.stored(row.id, None, None));
            }
            self.writes.new.push(row);
            return Ok(Verdict::Added);
        };
        let moved = present.customer_id != row.customer_id;
        let plates = match &record.plate {
            Some(plate) => plate_changes(plate, self.carried.get(&row.id).map(Vec::as_slice).unwrap_or_default(), row.id, now)?,
            None => Plates::default(),
        };
        if !filled && !moved && plates.is_empty() {
            return Ok(Verdict::Unchanged);
        }
        self.writes.new_plates.extend(plates.new);
        self.writes.changed_plates.extend(plates.changed);
        self.writes.changed.push(row);
        Ok(Verdict::Changed)
    }
}

/// Makes the map's organization if a row means it and it is not there yet.
async fn make_organization<'t>(conn: &mut Conn, known: &Known, mut tags: impl Iterator<Item = &'t Tag>) -> store::Result<()> {
    let Some(constant) = &known.organization else { return Ok(()) };
    let key = fold(&constant.code);
    if !tags.any(|tag| tag.organization_key == key) || !bulk::organizations(conn, &[&key]).await?.is_empty() {
        return Ok(());
    }
    let row = OrganizationRow {
        id: OrganizationId::new(),
        code: constant.code.clone(),
        name: constant.name.clone(),
        customer_id: None,
        customer_name: None,
        portal_enabled: true,
        metric: known.default_country != "US",
        row_version: 1,
    };
    places::insert_organization(conn, &row).await
}

/// A new asset of which only the number is known.
fn unnumbered(organization: OrganizationId, number: String) -> StoredAsset {
    StoredAsset {
        id: AssetId::new(),
        organization_id: organization,
        customer_id: None,
        asset_number: number,
        vin: None,
        serial: None,
        year: None,
        make: None,
        model: None,
        description: None,
        class: None,
        status: AssetStatus::Active.name().to_owned(),
        colour: None,
        department: None,
        acquired_at: None,
        row_version: 1,
    }
}

impl AssetRecord {
    /// Puts what the row says into an asset; whether that changed anything.
    fn fill(&self, row: &mut StoredAsset) -> bool {
        let mut changed = false;
        for (cell, given) in [
            (&mut row.serial, &self.serial),
            (&mut row.make, &self.make),
            (&mut row.model, &self.model),
            (&mut row.description, &self.description),
            (&mut row.class, &self.class),
            (&mut row.colour, &self.colour),
            (&mut row.department, &self.department),
        ] {
            if given.is_some() && cell != given {
                cell.clone_from(given);
                changed = true;
            }
        }
        // However it is written: the key is the VIN.
        if self.vin.is_some() && row.vin.as_deref().map(number_key) != self.vin {
            row.vin.clone_from(&self.vin);
            changed = true;
        }
        if self.year.is_some() && row.year != self.year {
            row.year = self.year;
            changed = true;
        }
        if let Some(status) = self.status.filter(|status| status.name() != row.status) {
            status.name().clone_into(&mut row.status);
            changed = true;
        }
        changed
    }
}

/// What becomes of the plates of a known asset.
#[derive(Default)]
struct Plates {
    new: Vec<StoredPlate>,
    changed: Vec<StoredPlate>,
}

impl Plates {
    fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty()
    }
}

/// A plate that the asset carries already may learn where it is from; another
/// one takes the place of those it carries.
fn plate_changes(plate: &Plate, carried: &[StoredPlate], asset: AssetId, now: At) -> Result<Plates, Fault> {
    if let Some(same) = carried.iter().find(|stored| number_key(&stored.number) == plate.number_key) {
        let moved = plate.moved(same, "plate_state")?;
        return Ok(Plates { new: Vec::new(), changed: moved.into_iter().collect() });
    }
    plate.place.settled("plate_state")?;
    let since = if carried.is_empty() { None } else { Some(now) };
    let closed = carried.iter().cloned().map(|stored| StoredPlate { to_at: Some(now), ..stored });
    Ok(Plates { changed: closed.collect(), new: vec![plate.stored(asset, since, None)] })
}

impl Writes {
    async fn run(self, conn: &mut Conn) -> store::Result<()> {
        bulk::insert_assets(conn, &self.new).await?;
        bulk::insert_plates(conn, &self.new_plates).await?;
        for plate in &self.changed_plates {
            bulk::update_plate(conn, plate).await?;
        }
        for row in &self.changed {
            if !bulk::update_asset(conn, row).await? {
                // Changed since it was looked up: the part is done again.
                return Err(StoreError::Taken);
            }
        }
        Ok(())
    }
}

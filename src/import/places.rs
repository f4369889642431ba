//! Organizations and shops, known by their codes (8.3).
//!
//! May call [`crate::rules`] and [`crate::store`].

use jiff::tz::TimeZone;

use super::customers::{Numbers, named_number};
use super::fields::{Cells, Fault, short};
use super::load::{Checked, Known, Single, Stop, Verdict, key_of};
use super::{MAX_CODE, MAX_NAME};
use crate::api::ids::{OrganizationId, ShopId};
use crate::rules::place;
use crate::store::places::{self, OrganizationRow, ShopRow};
use crate::store::{self, Conn, Scope};
use crate::text::fold;

/// The import of organizations.
pub(super) struct Organizations;

/// What a row says of an organization.
pub(super) struct OrganizationRecord {
    code: String,
    name: String,
    customer_number: Option<String>,
    portal_enabled: Option<bool>,
}

impl Single for Organizations {
    type Record = OrganizationRecord;
    type Found = Numbers;

    fn check(cells: &Cells, _known: &Known) -> Result<Checked<OrganizationRecord>, Fault> {
        let record = OrganizationRecord {
            code: cells.required("code", MAX_CODE)?,
            name: cells.required("name", MAX_NAME)?,
            customer_number: named_number(cells)?,
            portal_enabled: cells.yes_or_no("portal_enabled")?,
        };
        Ok(Checked { key: key_of(&[&fold(&record.code)]), record })
    }

    async fn find(conn: &mut Conn, known: &Known, records: &[&OrganizationRecord]) -> store::Result<Numbers> {
        Numbers::find(conn, known, records.iter().filter_map(|record| record.customer_number.as_deref())).await
    }

    async fn write(conn: &mut Conn, known: &Known, numbers: &Numbers, record: &OrganizationRecord) -> Result<Verdict, Stop> {
        let present = places::organization(conn, &Scope::deployment(), &record.code).await?;
        let stands = present.as_ref().and_then(|present| present.customer_id);
        let customer_id = match &record.customer_number {
            Some(number) => Some(numbers.customer(number, stands)?),
            None => stands,
        };
        let Some(present) = present else {
            let row = OrganizationRow {
                id: OrganizationId::new(),
                code: record.code.clone(),
                name: record.name.clone(),
                customer_id,
                customer_name: None,
                portal_enabled: record.portal_enabled.unwrap_or(true),
                metric: known.default_country != "US",
                row_version: 1,
            };
            places::insert_organization(conn, &row).await?;
            return Ok(Verdict::Added);
        };
        let portal_enabled = record.portal_enabled.unwrap_or(present.portal_enabled);
        if present.name == record.name && present.customer_id == customer_id && present.portal_enabled == portal_enabled {
            return Ok(Verdict::Unchanged);
        }
        let now = OrganizationRow { name: record.name.clone(), customer_id, portal_enabled, ..present.clone() };
        places::update_organization(conn, &present, &now).await?;
        Ok(Verdict::Changed)
    }
}

/// The import of shops.
pub(super) struct Shops;

/// What a row says of a shop.
pub(super) struct ShopRecord {
    code: String,
    name: String,
    time_zone: Option<String>,
    country: Option<String>,
}

impl Single for Shops {
    type Record = ShopRecord;
    type Found = ();

    fn check(cells: &Cells, _known: &Known) -> Result<Checked<ShopRecord>, Fault> {
        let country = match cells.get("country") {
            Some(written) => Some(place::country(written).ok_or_else(|| Fault::Country { column: "country", value: short(written) })?.to_owned()),
            None => None,
        };
        let time_zone = cells.text("time_zone", MAX_NAME)?;
        if let Some(name) = time_zone.as_deref().filter(|name| TimeZone::get(name).is_err()) {
            return Err(Fault::Rule(format!("time_zone {:?} is not known; write a name such as America/Los_Angeles", short(name))));
        }
        let record = ShopRecord { code: cells.required("code", MAX_CODE)?, name: cells.required("name", MAX_NAME)?, time_zone, country };
        Ok(Checked { key: key_of(&[&fold(&record.code)]), record })
    }

    async fn find(_conn: &mut Conn, _known: &Known, _records: &[&ShopRecord]) -> store::Result<()> {
        Ok(())
    }

    async fn write(conn: &mut Conn, known: &Known, _found: &(), record: &ShopRecord) -> Result<Verdict, Stop> {
        let Some(present) = places::shop(conn, &Scope::deployment(), &record.code).await? else {
            let row = ShopRow {
                id: ShopId::new(),
                code: record.code.clone(),
                name: record.name.clone(),
                time_zone: record.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()),
                country: record.country.clone().unwrap_or_else(|| known.default_country.clone()),
                accepts_requests: true,
                // Each shop numbers its own customers unless somebody says
                // that two share a business system.
                business_system: record.code.clone(),
                numbering: "user_enters".to_owned(),
                row_version: 1,
            };
            places::insert_shop(conn, &row).await?;
            return Ok(Verdict::Added);
        };
        let now = ShopRow {
            name: record.name.clone(),
            time_zone: record.time_zone.clone().unwrap_or_else(|| present.time_zone.clone()),
            country: record.country.clone().unwrap_or_else(|| present.country.clone()),
            ..present.clone()
        };
        if now.name == present.name && now.time_zone == present.time_zone && now.country == present.country {
            return Ok(Verdict::Unchanged);
        }
        places::update_shop(conn, &now).await?;
        Ok(Verdict::Changed)
    }
}

//! Service requests and repairs. A request is known by its number, without one
//! by asset, time and complaint; a repair by asset, time and description (8.3).
//! A row without a time means the newest of that text, so that a second run of
//! the same file changes nothing.
//!
//! May call [`crate::api`], [`crate::rules`] and [`crate::store`].

use jiff::tz::TimeZone;

use super::assets::{Machines, Tag};
use super::fields::{Cells, Fault, short};
use super::load::{Checked, Known, Single, Stop, Verdict, key_of};
use crate::api::ids::{AssetId, RepairId, RequestId, ShopId};
use crate::api::service::RepairState;
use crate::rules::request::RequestStatus;
use crate::store::bulk::{self, StoredAsset, StoredRepair};
use crate::store::places::{self, OrganizationRow, ShopRow};
use crate::store::repairs::{self, RepairRow};
use crate::store::requests::{self, RequestRow};
use crate::store::{self, At, Conn, Scope};
use crate::text::fold;

/// The longest number of a request, in characters.
const MAX_NUMBER: usize = 40;
/// The longest complaint (2.6).
const MAX_COMPLAINT: usize = 6_000;
/// The longest description and reason of a repair.
const MAX_DESCRIPTION: usize = 500;
/// The longest status of a repair.
const MAX_STATUS: usize = 100;
/// Urgency of a request that says none: normal (2.6).
const URGENCY: i64 = 3;

/// The import of service requests.
pub(super) struct Requests;

/// What a row says of a request.
pub(super) struct RequestRecord {
    tag: Tag,
    number: Option<String>,
    /// Its place among the known shops.
    shop: Option<usize>,
    status: Option<RequestStatus>,
    urgency: Option<i64>,
    complaint: Option<String>,
    requested_at: Option<At>,
}

impl Single for Requests {
    type Record = RequestRecord;
    type Found = Machines;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<RequestRecord>, Fault> {
        let tag = Tag::check(cells)?;
        let number = cells.text("number", MAX_NUMBER)?;
        let complaint = cells.text("complaint", MAX_COMPLAINT)?;
        let requested_at = cells.time("requested_at", &known.times)?.map(At);
        let record = RequestRecord {
            shop: known.named_shop(cells)?,
            status: cells.choice("status", &RequestStatus::ALL, RequestStatus::name)?,
            urgency: urgency(cells)?,
            tag,
            number,
            complaint,
            requested_at,
        };
        let key = match &record.number {
            Some(number) => key_of(&["number", &fold(number)]),
            None => {
                let complaint = record.complaint.as_deref().unwrap_or_default();
                key_of(&["asset", &record.tag.organization_key, &record.tag.number_key, &written(record.requested_at), complaint])
            }
        };
        Ok(Checked { key, record })
    }

    async fn find(conn: &mut Conn, _known: &Known, records: &[&RequestRecord]) -> store::Result<Machines> {
        Machines::find(conn, records.iter().map(|record| &record.tag)).await
    }

    async fn write(conn: &mut Conn, known: &Known, machines: &Machines, record: &RequestRecord) -> Result<Verdict, Stop> {
        let machine = machines.asset(&record.tag)?;
        let complaint = record.complaint.as_deref().unwrap_or_default();
        let present = match (record.number.as_deref(), record.requested_at) {
            (None, None) => bulk::request_of_complaint(conn, machine.1.id, complaint).await?,
            // With a number neither time nor complaint is asked for.
            (number, at) => requests::by_key(conn, number, machine.1.id, at.unwrap_or(known.now), complaint).await?,
        };
        let present = match present {
            Some(id) => requests::get(conn, &Scope::deployment(), None, id).await?,
            None => None,
        };
        match present {
            Some(present) => update_request(conn, known, machine.1.id, &present, record).await,
            None => add_request(conn, known, machine, record).await,
        }
    }
}

fn urgency(cells: &Cells) -> Result<Option<i64>, Fault> {
    cells.choice("urgency", &[1_i64, 2, 3, 4], |urgency| match urgency {
        1 => "1",
        2 => "2",
        3 => "3",
        _ => "4",
    })
}

/// A time as part of a key; empty where there is none.
fn written(at: Option<At>) -> String {
    at.map_or_else(String::new, |at| at.micros().to_string())
}

async fn update_request(conn: &mut Conn, known: &Known, asset: AssetId, present: &RequestRow, record: &RequestRecord) -> Result<Verdict, Stop> {
    if present.asset_id != asset {
        let told = format!("number {:?} is a request for asset {:?} of {}", short(&present.number), present.asset_number, present.organization_code);
        return Err(Fault::Rule(told).into());
    }
    let mut row = present.clone();
    if let Some(status) = record.status {
        status.name().clone_into(&mut row.status);
    }
    row.urgency = record.urgency.unwrap_or(present.urgency);
    row.complaint = record.complaint.clone().or(row.complaint);
    row.shop_id = record.shop.map_or(present.shop_id, |place| known.shops[place].id);
    row.requested_at = record.requested_at.unwrap_or(present.requested_at);
    let moved = row.requested_at != present.requested_at;
    let changed = row.status != present.status || row.urgency != present.urgency || row.complaint != present.complaint || row.shop_id != present.shop_id;
    if !moved && !changed {
        return Ok(Verdict::Unchanged);
    }
    if moved {
        bulk::set_requested_at(conn, row.id, row.requested_at).await?;
    }
    requests::update_imported(conn, row.id, &row).await?;
    Ok(Verdict::Changed)
}

async fn add_request(conn: &mut Conn, known: &Known, machine: (&OrganizationRow, &StoredAsset), record: &RequestRecord) -> Result<Verdict, Stop> {
    let shop = match record.shop {
        Some(place) => &known.shops[place],
        None => &known.shops[known.only_shop()?],
    };
    let requested_at = record.requested_at.unwrap_or(known.now);
    let number = match &record.number {
        Some(number) => number.clone(),
        None => free_number(conn, machine.1.id, requested_at).await?,
    };
    let mut row = new_request(machine, shop, number, requested_at);
    row.status = record.status.unwrap_or(RequestStatus::Submitted).name().to_owned();
    row.urgency = record.urgency.unwrap_or(URGENCY);
    row.complaint.clone_from(&record.complaint);
    requests::insert(conn, &row, &[]).await?;
    Ok(Verdict::Added)
}

/// The next number of the year's series that no imported request bears.
async fn free_number(conn: &mut Conn, asset: AssetId, requested_at: At) -> store::Result<String> {
    let year = requested_at.0.to_zoned(TimeZone::UTC).year().rem_euclid(100);
    let series = format!("service_request-{year:02}");
    loop {
        let number = format!("SR-{year:02}-{:06}", places::next_number(conn, &series).await?);
        if requests::by_key(conn, Some(&number), asset, requested_at, "").await?.is_none() {
            return Ok(number);
        }
    }
}

fn new_request(machine: (&OrganizationRow, &StoredAsset), shop: &ShopRow, number: String, requested_at: At) -> RequestRow {
    let (organization, asset) = machine;
    RequestRow {
        id: RequestId::new(),
        number,
        asset_id: asset.id,
        asset_number: asset.asset_number.clone(),
        make: asset.make.clone(),
        model: asset.model.clone(),
        organization_id: organization.id,
        organization_code: organization.code.clone(),
        organization_name: organization.name.clone(),
        customer_id: asset.customer_id.or(organization.customer_id),
        customer_name: None,
        shop_id: shop.id,
        shop_code: shop.code.clone(),
        shop_name: shop.name.clone(),
        status: RequestStatus::Submitted.name().to_owned(),
        urgency: URGENCY,
        complaint: None,
        requester_first: "Imported".to_owned(),
        requester_last: String::new(),
        requester_email: None,
        requester_phone: None,
        requester_extension: None,
        driver_first: None,
        driver_last: None,
        driver_email: None,
        driver_phone: None,
        driver_extension: None,
        po_number: None,
        authorization_number: None,
        note: None,
        requested_at,
        requested_by: None,
        source: "import".to_owned(),
        cancel_reason: None,
        decline_reason: None,
        row_version: 1,
    }
}

/// The import of repairs.
pub(super) struct Repairs;

/// What a row says of a repair.
pub(super) struct RepairRecord {
    tag: Tag,
    state: RepairState,
    description: String,
    reason: Option<String>,
    status: Option<String>,
    /// Its place among the known shops.
    shop: Option<usize>,
    found_at: Option<At>,
}

impl Single for Repairs {
    type Record = RepairRecord;
    type Found = Machines;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<RepairRecord>, Fault> {
        let record = RepairRecord {
            tag: Tag::check(cells)?,
            state: cells.choice("state", &[RepairState::Open, RepairState::Pending], RepairState::name)?.ok_or(Fault::Missing("state"))?,
            description: cells.required("description", MAX_DESCRIPTION)?,
            reason: cells.text("reason", MAX_DESCRIPTION)?,
            status: cells.text("status", MAX_STATUS)?,
            shop: known.named_shop(cells)?,
            found_at: cells.time("found_at", &known.times)?.map(At),
        };
        let key = key_of(&[&record.tag.organization_key, &record.tag.number_key, &written(record.found_at), &record.description]);
        Ok(Checked { key, record })
    }

    async fn find(conn: &mut Conn, _known: &Known, records: &[&RepairRecord]) -> store::Result<Machines> {
        Machines::find(conn, records.iter().map(|record| &record.tag)).await
    }

    async fn write(conn: &mut Conn, known: &Known, machines: &Machines, record: &RepairRecord) -> Result<Verdict, Stop> {
        let (_, asset) = machines.asset(&record.tag)?;
        let shop = record.shop.map(|place| known.shops[place].id);
        let stored = bulk::repairs(conn, asset.id, &record.description).await?;
        let present = stored.iter().find(|stored| record.found_at.is_none_or(|at| at == stored.found_at));
        if present.is_some_and(|present| record.says_nothing_new(present, shop)) {
            return Ok(Verdict::Unchanged);
        }
        let row = RepairRow {
            id: present.map_or_else(RepairId::new, |present| present.id),
            state: record.state.name().to_owned(),
            description: record.description.clone(),
            reason: record.reason.clone(),
            status: record.status.clone(),
            shop_id: shop,
            shop_code: None,
            shop_name: None,
            found_at: record.found_at.unwrap_or(known.now),
        };
        if present.is_some() {
            // What the row leaves out stays as it is.
            repairs::update(conn, row.id, &row).await?;
            return Ok(Verdict::Changed);
        }
        repairs::insert(conn, asset.id, &row).await?;
        Ok(Verdict::Added)
    }
}

impl RepairRecord {
    fn says_nothing_new(&self, present: &StoredRepair, shop: Option<ShopId>) -> bool {
        present.state == self.state.name()
            && (self.reason.is_none() || self.reason == present.reason)
            && (self.status.is_none() || self.status == present.status)
            && (shop.is_none() || shop == present.shop_id)
    }
}

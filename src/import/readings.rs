//! Meter readings (M-1 … M-10). A reading is known by its asset, meter, time,
//! value and source (8.3); it is checked like one that is typed in, and what is
//! refused says what to do.
//!
//! May call [`crate::rules`] and [`crate::store`].

use super::assets::{Machines, Tag};
use super::fields::{Cells, Fault, short};
use super::load::{Checked, Known, Single, Stop, Verdict, key_of};
use crate::api::ids::ReadingId;
use crate::api::meter::ReadingState;
use crate::rules::meter::{Accepted, Dial, History, MeterName, NewReading, ReadingKind, Tenths, Unit, check};
use crate::store::assets;
use crate::store::bulk::StoredAsset;
use crate::store::meters::{self, MeterRow, ReadingRow};
use crate::store::places::OrganizationRow;
use crate::store::{self, At, Conn, DbKind};

/// Where a reading came from that does not say it.
const SOURCE: &str = "import";
/// The longest source, in characters.
const MAX_SOURCE: usize = 40;
/// The longest text that can be a meter's name, unit or value.
const MAX_WORD: usize = 100;

/// The import of readings.
pub(super) struct Readings;

/// What a row says of a reading.
pub(super) struct ReadingRecord {
    tag: Tag,
    meter: MeterName,
    value: Tenths,
    unit: Option<Unit>,
    read_at: At,
    source: String,
}

impl Single for Readings {
    type Record = ReadingRecord;
    type Found = Machines;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<ReadingRecord>, Fault> {
        let tag = Tag::check(cells)?;
        let meter = cells.required("meter", MAX_WORD)?.to_lowercase().parse::<MeterName>().map_err(|told| Fault::Rule(format!("meter: {told}")))?;
        let written = cells.required("value", MAX_WORD)?;
        let value = written.parse::<Tenths>().map_err(|source| Fault::Value { value: short(&written), source })?;
        let read_at = cells.time("read_at", &known.times)?.map(At).ok_or(Fault::Missing("read_at"))?;
        let source = cells.text("source", MAX_SOURCE)?.unwrap_or_else(|| SOURCE.to_owned());
        let unit = cells.choice("unit", &Unit::ALL, Unit::name)?;
        let key = key_of(&[&tag.organization_key, &tag.number_key, &meter.to_string(), &read_at.micros().to_string(), &value.0.to_string(), &source]);
        Ok(Checked { key, record: ReadingRecord { tag, meter, value, unit, read_at, source } })
    }

    async fn find(conn: &mut Conn, _known: &Known, records: &[&ReadingRecord]) -> store::Result<Machines> {
        Machines::find(conn, records.iter().map(|record| &record.tag)).await
    }

    async fn write(conn: &mut Conn, known: &Known, machines: &Machines, record: &ReadingRecord) -> Result<Verdict, Stop> {
        let (organization, asset) = machines.asset(&record.tag)?;
        match meters::meter(conn, asset.id, &record.meter).await? {
            Some(meter) => add(conn, known, asset, &meter, record).await,
            None => begin(conn, known, (organization, asset), record).await,
        }
    }
}

/// Adds a reading to a meter, unless it stands there already.
async fn add(conn: &mut Conn, known: &Known, asset: &StoredAsset, meter: &MeterRow, record: &ReadingRecord) -> Result<Verdict, Stop> {
    if let Some(unit) = record.unit.filter(|unit| *unit != meter.unit()) {
        let told = format!("unit {:?}: this meter counts in {}; nothing is converted", unit.name(), meter.unit().name());
        return Err(Fault::Rule(told).into());
    }
    if meters::stands_already(conn, meter.id, record.read_at, record.value, &record.source).await? {
        return Ok(Verdict::Unchanged);
    }
    let dial = meter.dial();
    let mut accepted = judge(&dial, &meters::history(conn, meter.id).await?, asset, known, record)?;
    // Only now: a refused row must not count as a change of the meter.
    meters::lock(conn, meter.id).await?;
    if conn.kind() == DbKind::Postgres {
        // Another writer may have come between; SQLite knows only one.
        accepted = judge(&dial, &meters::history(conn, meter.id).await?, asset, known, record)?;
    }
    insert(conn, meter, record, &accepted).await
}

/// Makes the meter with its first reading (8.2, "Meters").
async fn begin(conn: &mut Conn, known: &Known, machine: (&OrganizationRow, &StoredAsset), record: &ReadingRecord) -> Result<Verdict, Stop> {
    let (organization, asset) = machine;
    let kind = record.meter.kind;
    let unit = record.unit.unwrap_or_else(|| kind.default_unit(organization.metric));
    if !kind.units().contains(&unit) {
        let units: Vec<&str> = kind.units().iter().map(|unit| unit.name()).collect();
        return Err(Fault::Rule(format!("unit {:?}: {} counts in {}", unit.name(), kind.in_words(), units.join(" or "))).into());
    }
    let dial = Dial::new(kind, unit);
    let accepted = judge(&dial, &History::default(), asset, known, record)?;
    assets::lock(conn, asset.id).await?;
    let is_first = meters::of_asset(conn, asset.id).await?.is_empty();
    let meter = meters::insert_meter(conn, asset.id, &record.meter, &dial, is_first).await?;
    insert(conn, &meter, record, &accepted).await
}

fn judge(dial: &Dial, history: &History, asset: &StoredAsset, known: &Known, record: &ReadingRecord) -> Result<Accepted, Fault> {
    let new = NewReading { at: record.read_at.0, value: record.value, kind: ReadingKind::Normal };
    check(dial, history, asset.acquired_at.map(|at| at.0), new, known.now.0, false)
        .map_err(|refusal| Fault::Rule(refusal.sentence(dial, record.value, &jiff::tz::TimeZone::UTC)))
}

async fn insert(conn: &mut Conn, meter: &MeterRow, record: &ReadingRecord, accepted: &Accepted) -> Result<Verdict, Stop> {
    let state = if accepted.warning.is_some() { ReadingState::Warning } else { ReadingState::Valid };
    let row = ReadingRow {
        id: ReadingId::new(),
        meter_id: meter.id,
        read_at: record.read_at,
        value: record.value.0,
        source: record.source.clone(),
        kind: "normal".to_owned(),
        state: state.name().to_owned(),
        entered_by: None,
        entered_by_name: None,
        entered_at: At::now(),
        comment: None,
        override_reason: None,
        void_reason: None,
    };
    meters::insert_reading(conn, &row).await?;
    Ok(Verdict::Added)
}

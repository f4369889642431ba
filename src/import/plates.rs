//! Plates, those of the past too. A plate is known by its asset, its number key
//! and since when the asset carries it (8.3).
//!
//! May call [`crate::store`].

use super::assets::{Machines, Plate, Tag};
use super::fields::{Cells, Fault};
use super::load::{Checked, Known, Single, Stop, Verdict, key_of};
use crate::store::bulk::{self, StoredPlate};
use crate::store::{self, At, Conn};
use crate::text::number_key;

/// The import of plates.
pub(super) struct Plates;

/// What a row says of a plate.
pub(super) struct PlateRecord {
    tag: Tag,
    plate: Plate,
    from: Option<At>,
    to: Option<At>,
}

impl Single for Plates {
    type Record = PlateRecord;
    type Found = Machines;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<PlateRecord>, Fault> {
        let tag = Tag::check(cells)?;
        let plate = Plate::check(cells, "country", "state", &known.default_country)?.ok_or(Fault::Missing("plate"))?;
        let from = cells.time("from", &known.times)?.map(At);
        let to = cells.time("to", &known.times)?.map(At);
        if to.is_some() && to < from {
            return Err(Fault::Rule("to is before from".to_owned()));
        }
        let since = from.map_or_else(String::new, |from| from.micros().to_string());
        let key = key_of(&[&tag.organization_key, &tag.number_key, &plate.number_key, &since]);
        Ok(Checked { key, record: PlateRecord { tag, plate, from, to } })
    }

    async fn find(conn: &mut Conn, _known: &Known, records: &[&PlateRecord]) -> store::Result<Machines> {
        Machines::find(conn, records.iter().map(|record| &record.tag)).await
    }

    async fn write(conn: &mut Conn, _known: &Known, machines: &Machines, record: &PlateRecord) -> Result<Verdict, Stop> {
        let (_, asset) = machines.asset(&record.tag)?;
        // Asked for each row: the row before may have dated this very plate.
        let stored = bulk::plates(conn, &[asset.id]).await?;
        let Some(stored) = meant(&stored, record) else {
            record.plate.place.settled("state")?;
            bulk::insert_plates(conn, &[record.plate.stored(asset.id, record.from, record.to)]).await?;
            bulk::touch_asset(conn, asset.id).await?;
            return Ok(Verdict::Added);
        };
        let moved = record.plate.moved(stored, "state")?;
        let dated = record.from.is_some_and(|from| stored.from_at != Some(from)) || record.to.is_some_and(|to| stored.to_at != Some(to));
        if moved.is_none() && !dated {
            return Ok(Verdict::Unchanged);
        }
        let mut now = moved.unwrap_or_else(|| stored.clone());
        now.from_at = record.from.or(now.from_at);
        now.to_at = record.to.or(now.to_at);
        bulk::update_plate(conn, &now).await?;
        bulk::touch_asset(conn, asset.id).await?;
        Ok(Verdict::Changed)
    }
}

/// The stored plate that a row means: the one of its time; else the one that is
/// carried and of which nobody knows since when. A row without `from` means the
/// one without, else the one that is carried.
fn meant<'p>(stored: &'p [StoredPlate], record: &PlateRecord) -> Option<&'p StoredPlate> {
    let alike: Vec<&StoredPlate> = stored.iter().filter(|plate| number_key(&plate.number) == record.plate.number_key).collect();
    let exact = alike.iter().find(|plate| plate.from_at == record.from);
    exact.or_else(|| alike.iter().find(|plate| plate.to_at.is_none() && (plate.from_at.is_none() || record.from.is_none()))).copied()
}

//! Meters, their readings and dated events.

use super::row::{row, statements};
use super::scope::asset_in_scope;
use super::{At, Conn, Result, Scope, bulk};
use crate::api::ids::{AssetId, MeterId, ReadingId, UserId};
use crate::rules::meter::{Dial, DialEvent, History, MeterKind, MeterName, Tenths, Unit};

row! {
    /// A meter as stored.
    pub struct MeterRow {
        /// Its id.
        pub id: MeterId,
        /// Its asset.
        pub asset_id: AssetId,
        /// What it counts.
        pub kind: String,
        /// Which of several.
        pub component: String,
        /// Its unit.
        pub unit: String,
        /// Positions on the dial.
        pub digits: i64,
        /// Whether tenths are read.
        pub tenths: bool,
        /// Most per day in tenths.
        pub max_per_day: Option<i64>,
        /// The one that readings without a name go to.
        pub is_primary: bool,
    }
}

row! {
    /// A reading as stored.
    pub struct ReadingRow {
        /// Its id.
        pub id: ReadingId,
        /// Its meter.
        pub meter_id: MeterId,
        /// When the dial was read.
        pub read_at: At,
        /// Tenths on the dial.
        pub value: i64,
        /// Where it came from.
        pub source: String,
        /// `normal` or `rollover`.
        pub kind: String,
        /// `valid`, `warning` or `void`.
        pub state: String,
        /// Who entered it.
        pub entered_by: Option<UserId>,
        /// That person's name.
        pub entered_by_name: Option<String>,
        /// When it was entered.
        pub entered_at: At,
        /// Free text.
        pub comment: Option<String>,
        /// Why it stands against the rules.
        pub override_reason: Option<String>,
        /// Why it does not count.
        pub void_reason: Option<String>,
    }
}

row! {
    /// A rollover or replacement as stored.
    pub struct EventRow {
        /// From when on.
        pub happened_at: At,
        /// Tenths added to the dial.
        pub added: i64,
        /// Life at that moment.
        pub life: i64,
        /// What the dial showed right after.
        pub shows: i64,
    }
}

statements! {
    ASSET_OF = "SELECT asset_id FROM meter WHERE id = $1";
    OF_ASSET = "SELECT id, asset_id, kind, component, unit, digits, tenths, max_per_day, is_primary FROM meter WHERE asset_id = $1
        ORDER BY is_primary DESC, kind, component";
    METER = "SELECT id, asset_id, kind, component, unit, digits, tenths, max_per_day, is_primary FROM meter WHERE asset_id = $1 AND kind = $2 AND component = $3";
    LOCK = "UPDATE meter SET row_version = row_version + 1 WHERE id = $1";
    READINGS = "SELECT r.id, r.meter_id, r.read_at, r.value, r.source, r.kind, r.state, r.entered_by, p.first_name || ' ' || p.last_name AS entered_by_name,
        r.entered_at, r.comment, r.override_reason, r.void_reason
        FROM reading r LEFT JOIN user_account u ON u.id = r.entered_by LEFT JOIN person p ON p.id = u.person_id
        WHERE r.meter_id = $1 AND (r.read_at, r.id) < ($2, $3) ORDER BY r.read_at DESC, r.id DESC LIMIT $4";
    READING = concat!("SELECT r.id, r.meter_id, r.read_at, r.value, r.source, r.kind, r.state, r.entered_by,
        p.first_name || ' ' || p.last_name AS entered_by_name, r.entered_at, r.comment, r.override_reason, r.void_reason
        FROM reading r JOIN meter m ON m.id = r.meter_id JOIN asset a ON a.id = m.asset_id JOIN organization o ON o.id = a.organization_id
        LEFT JOIN user_account u ON u.id = r.entered_by LEFT JOIN person p ON p.id = u.person_id
        WHERE ", asset_in_scope!(), " AND r.id = $6");
    METER_OF_READING = "SELECT m.id, m.asset_id, m.kind, m.component, m.unit, m.digits, m.tenths, m.max_per_day, m.is_primary
        FROM meter m JOIN reading r ON r.meter_id = m.id WHERE r.id = $1";
    VALID = "SELECT read_at, value, override_reason IS NOT NULL FROM reading WHERE meter_id = $1 AND state <> 'void' ORDER BY read_at, value";
    EVENTS = "SELECT happened_at, added, life, shows FROM meter_event WHERE meter_id = $1 ORDER BY happened_at";
    COUNT = "SELECT COUNT(*) FROM reading WHERE meter_id = $1";
    SET_STATE = "UPDATE reading SET state = $2, void_reason = $3, void_by = $4 WHERE id = $1";
    INSERT_EVENT = "INSERT INTO meter_event (id, meter_id, kind, happened_at, added, life, shows, reading_id, entered_by, entered_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    DROP_EVENT = "DELETE FROM meter_event WHERE reading_id = $1";
    SAME = "SELECT COUNT(*) FROM reading WHERE meter_id = $1 AND read_at = $2 AND value = $3 AND source = $4";
}

impl MeterRow {
    /// A meter to be added to an asset.
    #[must_use]
    pub fn new(asset: AssetId, name: &MeterName, dial: &Dial, primary: bool) -> Self {
        Self {
            id: MeterId::new(),
            asset_id: asset,
            kind: name.kind.name().to_owned(),
            component: name.component.clone(),
            unit: dial.unit.name().to_owned(),
            digits: i64::from(dial.digits),
            tenths: dial.tenths,
            max_per_day: dial.max_per_day.map(|max| max.0),
            is_primary: primary,
        }
    }

    /// `kind` or `kind.component`.
    #[must_use]
    pub fn name(&self) -> MeterName {
        MeterName { kind: self.kind(), component: self.component.clone() }
    }

    /// What it counts; the column allows known kinds only.
    #[must_use]
    pub fn kind(&self) -> MeterKind {
        MeterKind::named(&self.kind).unwrap_or(MeterKind::Cycles)
    }

    /// Its unit; the column allows known units only.
    #[must_use]
    pub fn unit(&self) -> Unit {
        Unit::named(&self.unit).unwrap_or(Unit::Count)
    }

    /// What the rules need to know of it.
    #[must_use]
    pub fn dial(&self) -> Dial {
        Dial {
            kind: self.kind(),
            unit: self.unit(),
            digits: u8::try_from(self.digits).unwrap_or(9),
            tenths: self.tenths,
            max_per_day: self.max_per_day.map(Tenths),
        }
    }
}

/// The meters of an asset, the primary one first.
///
/// # Errors
/// When the database fails.
pub async fn of_asset(conn: &mut Conn, asset: AssetId) -> Result<Vec<MeterRow>> {
    conn.query(OF_ASSET).bind(asset).all().await
}

/// One meter of an asset.
///
/// # Errors
/// When the database fails.
pub async fn meter(conn: &mut Conn, asset: AssetId, name: &MeterName) -> Result<Option<MeterRow>> {
    conn.query(METER).bind(asset).bind(name.kind.name()).bind(&name.component).first().await
}

/// Adds a meter to an asset.
///
/// # Errors
/// [`super::StoreError::Taken`] when the asset has it already.
pub async fn insert_meter(conn: &mut Conn, asset: AssetId, name: &MeterName, dial: &Dial, primary: bool) -> Result<MeterRow> {
    let row = MeterRow::new(asset, name, dial, primary);
    bulk::insert_meters(conn, std::slice::from_ref(&row)).await?;
    Ok(row)
}

/// Keeps other writers off a meter until this transaction ends, so that two
/// readings are never checked against the same history.
///
/// # Errors
/// When the database fails.
pub async fn lock(conn: &mut Conn, meter: MeterId) -> Result<()> {
    conn.query(LOCK).bind(meter).run().await?;
    Ok(())
}

/// The valid readings and events of a meter.
///
/// # Errors
/// When the database fails.
pub async fn history(conn: &mut Conn, meter: MeterId) -> Result<History> {
    let valid: Vec<(At, i64, bool)> = conn.query(VALID).bind(meter).all().await?;
    let events: Vec<EventRow> = conn.query(EVENTS).bind(meter).all().await?;
    let events = events.into_iter().map(|event| DialEvent {
        at: event.happened_at.0,
        offset: Tenths(event.added),
        life: Tenths(event.life),
        shows: Tenths(event.shows),
    });
    let overridden = valid.iter().filter(|(.., overridden)| *overridden).map(|(at, ..)| at.0);
    Ok(History::new(valid.iter().map(|(at, value, _)| (at.0, Tenths(*value))), events.collect()).with_overridden(overridden))
}

/// Readings of a meter before a time and id, the newest first, void ones too.
///
/// # Errors
/// When the database fails.
pub async fn readings(conn: &mut Conn, meter: MeterId, before: (At, &str), limit: i64) -> Result<Vec<ReadingRow>> {
    conn.query(READINGS).bind(meter).bind(before.0).bind(before.1).bind(limit).all().await
}

/// How many readings a meter has, void ones too.
///
/// # Errors
/// When the database fails.
pub async fn count_readings(conn: &mut Conn, meter: MeterId) -> Result<i64> {
    conn.query(COUNT).bind(meter).one().await
}

/// A reading within scope.
///
/// # Errors
/// When the database fails.
pub async fn reading(conn: &mut Conn, scope: &Scope, id: ReadingId) -> Result<Option<ReadingRow>> {
    conn.query(READING).scope(scope).bind(id).first().await
}

/// The asset that a meter is on.
///
/// # Errors
/// When the database fails.
pub async fn asset_of(conn: &mut Conn, meter: MeterId) -> Result<AssetId> {
    conn.query(ASSET_OF).bind(meter).one().await
}

/// The meter of a reading.
///
/// # Errors
/// When the database fails, or there is no such reading.
pub async fn meter_of(conn: &mut Conn, reading: ReadingId) -> Result<MeterRow> {
    conn.query(METER_OF_READING).bind(reading).one().await
}

/// Adds a reading that was checked.
///
/// # Errors
/// When the database fails.
pub async fn insert_reading(conn: &mut Conn, row: &ReadingRow) -> Result<()> {
    bulk::insert_readings(conn, std::slice::from_ref(row)).await
}

/// Takes a reading out or in again.
///
/// # Errors
/// When the database fails.
pub async fn set_state(conn: &mut Conn, id: ReadingId, state: &str, reason: Option<&str>, by: Option<UserId>) -> Result<()> {
    conn.query(SET_STATE).bind(id).bind(state).bind(reason).bind(by).run().await?;
    Ok(())
}

/// Adds a rollover (with its reading) or a replacement.
///
/// # Errors
/// When the database fails.
pub async fn insert_event(conn: &mut Conn, meter: MeterId, kind: &str, event: &DialEvent, reading: Option<ReadingId>, by: Option<UserId>) -> Result<()> {
    let id = uuid::Uuid::now_v7().to_string();
    conn.query(INSERT_EVENT)
        .bind(id)
        .bind(meter)
        .bind(kind)
        .bind(At(event.at))
        .bind(event.offset.0)
        .bind(event.life.0)
        .bind(event.shows.0)
        .bind(reading)
        .bind(by)
        .bind(At::now())
        .run()
        .await?;
    Ok(())
}

/// Takes back the rollover that came with a reading.
///
/// # Errors
/// When the database fails.
pub async fn drop_event(conn: &mut Conn, reading: ReadingId) -> Result<()> {
    conn.query(DROP_EVENT).bind(reading).run().await?;
    Ok(())
}

/// Whether this very reading stands already: the key of an imported one (8.3).
///
/// # Errors
/// When the database fails.
pub async fn stands_already(conn: &mut Conn, meter: MeterId, read_at: At, value: Tenths, source: &str) -> Result<bool> {
    let same: i64 = conn.query(SAME).bind(meter).bind(read_at).bind(value.0).bind(source).one().await?;
    Ok(same > 0)
}

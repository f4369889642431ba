//! Meters and readings. The rules are in [`crate::rules::meter`]; here they
//! meet the stored history, under a lock, in the transaction of the write.

use jiff::Timestamp;

use super::call::{Answer, Ask, Cx, Reply};
use super::fault::Fault;
use super::{assets, form, paging};
use crate::api::ids::{AssetId, MeterId, ReadingId};
use crate::api::lengths;
use crate::api::meter::{Meter, Reading, ReadingAdded, ReadingState};
use crate::api::operation::{AddReading, ListMeters, ListReadings, ReplaceMeter, RestoreReading, VoidReading};
use crate::api::page::Page;
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::rules::meter::{Accepted, Dial, History, MeterName, NewReading, ReadingKind, Refusal, Tenths, Unit, check, is_stale, replacement};
use crate::store::assets::{self as stored_assets, AssetRow};
use crate::store::meters::{self, MeterRow, ReadingRow};
use crate::store::{At, StoreError};

pub(super) const VIEW: Permission = Permission::named("meter.view");
const ADD: Permission = Permission::named("meter.reading.add_edit");
const VOID: Permission = Permission::named("meter.reading.void");
const OVERRIDE: Permission = Permission::named("meter.override");
const REPLACE: Permission = Permission::named("meter.replace");

/// `GET /v1/assets/{id}/meters`.
pub(super) async fn list(cx: &mut Cx, ask: Ask<ListMeters>) -> Answer<Page<Meter>> {
    let row = assets::get(cx, VIEW, ask.path.id).await?;
    Ok(Reply::ok(Page::whole(of(cx, row.id).await?)))
}

/// The meters of an asset with what they stand at.
pub(super) async fn of(cx: &mut Cx, asset: AssetId) -> Result<Vec<Meter>, Fault> {
    let rows = meters::of_asset(&mut cx.conn, asset).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(meter_view(cx, &row).await?);
    }
    Ok(shown)
}

async fn meter_view(cx: &mut Cx, row: &MeterRow) -> Result<Meter, Fault> {
    let history = meters::history(&mut cx.conn, row.id).await?;
    let newest = meters::readings(&mut cx.conn, row.id, newest_place(), 20).await?;
    let current = history.current();
    let source = current
        .and_then(|current| newest.iter().find(|reading| reading.state != "void" && reading.read_at.0 == current.at && reading.value == current.value.0));
    let usage = history.usage();
    let last_two = history.points().windows(2).last();
    Ok(Meter {
        id: row.id,
        meter: row.name().to_string(),
        kind: row.kind(),
        component: row.component.clone(),
        unit: row.unit(),
        digits: row.dial().digits,
        tenths: row.tenths,
        primary: row.is_primary,
        value: current.map(|current| current.value.plain(row.kind())),
        life_value: current.map(|current| current.life.plain(row.kind())),
        read_at: current.map(|current| current.at),
        source: source.map(|reading| reading.source.clone()),
        stale: current.is_some_and(|current| is_stale(current.at, Timestamp::now())),
        no_use: last_two.is_some_and(|pair| matches!(pair, [before, last] if before.life == last.life)),
        usual_per_day: usage.map(|usage| usage.mean),
        unusual_above: usage.map(|usage| usage.unusual_above()),
    })
}

/// Where the newest readings begin.
fn newest_place() -> (At, &'static str) {
    (At(Timestamp::MAX), "")
}

/// `GET /v1/assets/{id}/meters/{meter}/readings`.
pub(super) async fn readings(cx: &mut Cx, ask: Ask<ListReadings>) -> Answer<Page<Reading>> {
    let asset = assets::get(cx, VIEW, ask.path.id).await?;
    let meter = meter_named(cx, asset.id, &ask.path.meter).await?;
    let limit = paging::limit(ask.query.limit)?;
    let place: Option<(i64, String)> = paging::place(ask.query.cursor.as_deref())?;
    let before = match &place {
        Some((at, id)) => (At::from_micros(*at), id.as_str()),
        None => newest_place(),
    };
    let rows = meters::readings(&mut cx.conn, meter.id, before, paging::one_more(limit)).await?;
    let total = meters::count_readings(&mut cx.conn, meter.id).await?;
    let history = meters::history(&mut cx.conn, meter.id).await?;
    let place = |row: &ReadingRow| paging::cursor(&(row.read_at.micros(), row.id.to_string()));
    Ok(Reply::ok(paging::page(rows, limit, u64::try_from(total).ok(), place, |row| reading_view(&meter, &history, row))))
}

async fn meter_named(cx: &mut Cx, asset: AssetId, name: &str) -> Result<MeterRow, Fault> {
    let name: MeterName = name.parse().map_err(|_| Problem::not_found())?;
    Ok(meters::meter(&mut cx.conn, asset, &name).await?.ok_or_else(Problem::not_found)?)
}

fn reading_view(meter: &MeterRow, history: &History, row: ReadingRow) -> Reading {
    let value = Tenths(row.value);
    let life = history.life_of(row.read_at.0, value);
    let state = ReadingState::named(&row.state);
    let before = history.before(row.read_at.0, life);
    Reading {
        id: row.id,
        meter: meter.name().to_string(),
        value: value.plain(meter.kind()),
        unit: meter.unit(),
        life_value: life.plain(meter.kind()),
        read_at: row.read_at.0,
        entered_at: row.entered_at.0,
        entered_by: row.entered_by_name.map(|name| name.trim().to_owned()),
        source: row.source,
        kind: kind_named(&row.kind),
        state,
        void_reason: row.void_reason,
        override_reason: row.override_reason,
        comment: row.comment,
        no_use: state != ReadingState::Void && before.is_some_and(|before| before.life == life),
    }
}

fn kind_named(name: &str) -> ReadingKind {
    if name == "rollover" { ReadingKind::Rollover } else { ReadingKind::Normal }
}

/// `POST /v1/assets/{id}/readings` (M-2 … M-10).
pub(super) async fn add_reading(cx: &mut Cx, ask: Ask<AddReading>) -> Answer<ReadingAdded> {
    let asset = assets::get(cx, ADD, ask.path.id).await?;
    let new = ask.body;
    let mut faults = FieldFaults::default();
    let value: Option<Tenths> = faults.check("value", new.value.parse());
    let name: Option<MeterName> = match new.meter.as_deref() {
        Some(name) => faults.check("meter", name.parse()),
        None => None,
    };
    let override_reason = form::text(&mut faults, "override_reason", new.override_reason.as_deref(), lengths::REMARK);
    let comment = form::text(&mut faults, "comment", new.comment.as_deref(), lengths::REMARK);
    faults.settle()?;
    if (override_reason.is_some() || new.kind == ReadingKind::Rollover) && !may_override(cx, asset.id).await? {
        return Err(Problem::missing(vec![OVERRIDE]).into());
    }
    stored_assets::lock(&mut cx.conn, asset.id).await?;
    let (meter, meter_created) = meter_for(cx, &asset, name, new.unit.as_deref()).await?;
    let entry = NewReading { at: At::from_micros(new.read_at.unwrap_or(cx.typed_at).as_microsecond()).0, value: value.unwrap_or_default(), kind: new.kind };
    let history = locked_history(cx, meter.id).await?;
    let acquired = asset.acquired_at.map(|at| at.0);
    let accepted = match check(&meter.dial(), &history, acquired, entry, Timestamp::now(), override_reason.is_some()) {
        Ok(accepted) => accepted,
        Err(refusal) => {
            let is_way_out = refusal.may_be_overridden() && may_override(cx, asset.id).await?;
            return Err(refused(cx, &meter.dial(), entry.value, &refusal, is_way_out).into());
        }
    };
    let row = ReadingRow {
        id: ReadingId::new(),
        meter_id: meter.id,
        read_at: At(entry.at),
        value: entry.value.0,
        source: "manual".to_owned(),
        kind: if entry.kind == ReadingKind::Rollover { "rollover" } else { "normal" }.to_owned(),
        state: if accepted.warning.is_some() { ReadingState::Warning } else { ReadingState::Valid }.name().to_owned(),
        entered_by: Some(cx.caller.id()),
        entered_by_name: Some(cx.caller.name()),
        entered_at: At::now(),
        comment,
        override_reason: override_reason.filter(|_| accepted.overridden),
        void_reason: None,
    };
    save(cx, &meter, &row, &accepted).await?;
    cx.noted.on("reading", row.id).asset(asset.id);
    if let Some(reason) = &row.override_reason {
        cx.noted.reason(reason);
    }
    let history = meters::history(&mut cx.conn, meter.id).await?;
    let warnings = accepted.warning.iter().map(|warning| warning.sentence(&meter.dial())).collect();
    Ok(Reply::created(ReadingAdded { reading: reading_view(&meter, &history, row), meter_created, warnings }))
}

/// Outsiders get no override at all, whatever their role says (M-14, S2-52).
async fn may_override(cx: &mut Cx, asset: AssetId) -> Result<bool, Fault> {
    if cx.caller.kind().is_outside() {
        return Ok(false);
    }
    let scope = cx.caller.scope(OVERRIDE);
    Ok(stored_assets::get(&mut cx.conn, &scope, asset).await?.is_some())
}

/// The meter a reading goes to; one that the asset lacks is made (8.2,
/// "Meters"). A unit is never converted (M-1).
async fn meter_for(cx: &mut Cx, asset: &AssetRow, name: Option<MeterName>, unit: Option<&str>) -> Result<(MeterRow, bool), Fault> {
    let present = meters::of_asset(&mut cx.conn, asset.id).await?;
    let unit = match unit {
        Some(unit) => Some(Unit::named(unit).ok_or_else(|| Problem::field("unit", format!("one of {}", Unit::ALL.map(Unit::name).join(", "))))?),
        None => None,
    };
    let found = match &name {
        Some(name) => present.iter().find(|meter| meter.name() == *name),
        None => present.first(),
    };
    if let Some(meter) = found {
        if unit.is_some_and(|unit| unit != meter.unit()) {
            return Err(unit_problem(format!("This meter counts in {}; nothing is converted.", meter.unit().name())));
        }
        return Ok((meter.clone(), false));
    }
    let name = name.ok_or_else(|| Problem::field("meter", "this asset has no meter yet: say which, such as engine_hours or odometer"))?;
    let unit = unit.unwrap_or_else(|| name.kind.default_unit(asset.metric));
    if !name.kind.units().contains(&unit) {
        return Err(unit_problem(format!(
            "{} counts in {}.",
            name.kind.in_words(),
            name.kind.units().iter().map(|unit| unit.name()).collect::<Vec<_>>().join(" or ")
        )));
    }
    let made = meters::insert_meter(&mut cx.conn, asset.id, &name, &Dial::new(name.kind, unit), present.is_empty()).await?;
    Ok((made, true))
}

fn unit_problem(detail: String) -> Fault {
    Fault::Problem(Problem::with_status(422, "reading.unit", "Another unit", detail))
}

async fn locked_history(cx: &mut Cx, meter: MeterId) -> Result<History, StoreError> {
    meters::lock(&mut cx.conn, meter).await?;
    meters::history(&mut cx.conn, meter).await
}

/// A refusal names the field, the reading in the way, and an override where that is
/// a way out for the caller.
fn refused(cx: &Cx, dial: &Dial, value: Tenths, refusal: &Refusal, may_override: bool) -> Problem {
    let field = if matches!(refusal, Refusal::InFuture | Refusal::TooLongAgo | Refusal::BeforeAcquired(_)) { "read_at" } else { "value" };
    let mut sentence = refusal.sentence(dial, value, &cx.caller.time_zone());
    if may_override {
        sentence.push_str(" If it is right all the same, override it with a reason.");
    }
    let mut problem = Problem::with_status(422, refusal.code(), "This reading cannot stand", sentence.clone());
    problem.fields.insert(field.to_owned(), sentence);
    if let Refusal::BelowEarlier(point) | Refusal::AboveLater(point) | Refusal::NotLast(point) = refusal {
        problem = problem.about(serde_json::json!({ "value": point.value.plain(dial.kind), "read_at": point.at }));
    }
    problem
}

async fn save(cx: &mut Cx, meter: &MeterRow, row: &ReadingRow, accepted: &Accepted) -> Result<(), StoreError> {
    meters::insert_reading(&mut cx.conn, row).await?;
    match &accepted.event {
        Some(event) => meters::insert_event(&mut cx.conn, meter.id, "rollover", event, Some(row.id), Some(cx.caller.id())).await,
        None => Ok(()),
    }
}

/// `POST /v1/readings/{id}/void` (M-11).
pub(super) async fn void(cx: &mut Cx, ask: Ask<VoidReading>) -> Answer<Reading> {
    let mut faults = FieldFaults::default();
    let reason = form::reason(&mut faults, &ask.body.reason);
    faults.settle()?;
    let (meter, mut row, history) = locked_reading(cx, ask.path.id).await?;
    if row.state == ReadingState::Void.name() {
        return Err(Problem::conflict("reading.void_already", "This reading is void already.").into());
    }
    meters::set_state(&mut cx.conn, row.id, ReadingState::Void.name(), Some(&reason), Some(cx.caller.id())).await?;
    // A rollover that later readings count on did happen, whatever the value.
    if history.after(row.read_at.0).is_none() {
        meters::drop_event(&mut cx.conn, row.id).await?;
    }
    let before = row.clone();
    ReadingState::Void.name().clone_into(&mut row.state);
    row.void_reason = Some(reason);
    let now = meters::history(&mut cx.conn, meter.id).await?;
    note_state(cx, &meter, (&history, before), (&now, &row)).await?;
    Ok(Reply::ok(reading_view(&meter, &now, row)))
}

/// `POST /v1/readings/{id}/restore` (M-11: checked anew).
pub(super) async fn restore(cx: &mut Cx, ask: Ask<RestoreReading>) -> Answer<Reading> {
    let (meter, mut row, history) = locked_reading(cx, ask.path.id).await?;
    if row.state != ReadingState::Void.name() {
        return Err(Problem::conflict("reading.not_void", "This reading counts already.").into());
    }
    let entry = NewReading { at: row.read_at.0, value: Tenths(row.value), kind: ReadingKind::Normal };
    let attempt = |kind| check(&meter.dial(), &history, None, NewReading { kind, ..entry }, Timestamp::now(), row.override_reason.is_some());
    let accepted = match attempt(ReadingKind::Normal) {
        Err(_) if row.kind == "rollover" => attempt(ReadingKind::Rollover),
        other => other,
    };
    let accepted = accepted.map_err(|refusal| refused(cx, &meter.dial(), entry.value, &refusal, false))?;
    let state = if accepted.warning.is_some() { ReadingState::Warning } else { ReadingState::Valid };
    meters::set_state(&mut cx.conn, row.id, state.name(), None, None).await?;
    if let Some(event) = &accepted.event {
        meters::insert_event(&mut cx.conn, meter.id, "rollover", event, Some(row.id), Some(cx.caller.id())).await?;
    }
    let before = row.clone();
    state.name().clone_into(&mut row.state);
    row.void_reason = None;
    let now = meters::history(&mut cx.conn, meter.id).await?;
    note_state(cx, &meter, (&history, before), (&now, &row)).await?;
    Ok(Reply::ok(reading_view(&meter, &now, row)))
}

/// Notes for the audit how a reading counted before and counts now.
async fn note_state(cx: &mut Cx, meter: &MeterRow, before: (&History, ReadingRow), now: (&History, &ReadingRow)) -> Result<(), Fault> {
    let asset = meters::asset_of(&mut cx.conn, meter.id).await?;
    let (was, is) = (reading_view(meter, before.0, before.1), reading_view(meter, now.0, now.1.clone()));
    cx.noted.on("reading", now.1.id).asset(asset).changed(&was, &is);
    if let Some(reason) = &now.1.void_reason {
        cx.noted.reason(reason);
    }
    Ok(())
}

/// A reading with its meter and that meter's history, as nobody else changes them
/// until this write ends: it is read once more under the lock, for somebody may
/// have taken it out or in meanwhile.
async fn locked_reading(cx: &mut Cx, id: ReadingId) -> Result<(MeterRow, ReadingRow, History), Fault> {
    let scope = cx.caller.scope(VOID);
    meters::reading(&mut cx.conn, &scope, id).await?.ok_or_else(Problem::not_found)?;
    let meter = meters::meter_of(&mut cx.conn, id).await?;
    let history = locked_history(cx, meter.id).await?;
    let row = meters::reading(&mut cx.conn, &scope, id).await?.ok_or_else(Problem::not_found)?;
    Ok((meter, row, history))
}

/// `POST /v1/assets/{id}/meters/{meter}/replace` (M-6).
pub(super) async fn replace(cx: &mut Cx, ask: Ask<ReplaceMeter>) -> Answer<Meter> {
    let asset = assets::get(cx, REPLACE, ask.path.id).await?;
    let meter = meter_named(cx, asset.id, &ask.path.meter).await?;
    let mut faults = FieldFaults::default();
    let old_last: Option<Tenths> = faults.check("old_last", ask.body.old_last.parse());
    let new_first: Option<Tenths> = faults.check("new_first", ask.body.new_first.parse());
    faults.settle()?;
    let (old_last, new_first) = (old_last.unwrap_or_default(), new_first.unwrap_or_default());
    let now = Timestamp::now();
    let at = At::from_micros(ask.body.at.unwrap_or(now).as_microsecond()).0;
    let history = locked_history(cx, meter.id).await?;
    let event = replacement(&meter.dial(), &history, old_last, new_first, at, now).map_err(|refusal| refused(cx, &meter.dial(), old_last, &refusal, false))?;
    meters::insert_event(&mut cx.conn, meter.id, "replacement", &event, None, Some(cx.caller.id())).await?;
    Ok(Reply::created(meter_view(cx, &meter).await?))
}

//! Generated customers with their machines: the same seed makes the same ones.
//! Numbers, plates, VINs and serials are unique and meet none of the shipped.
//!
//! First a customer is drafted without any database, then it is put in; a
//! thousand drafts share a transaction.

use jiff::{SignedDuration, Timestamp};

use super::past::DraftRequest;
use super::words::{COLOURS, FORMS, LAND, MACHINES, Machine, PLACES, Place, STREETS, SURNAMES, TRADES, WAYS};
use super::{DemoError, Options};
use crate::api::ids::{AssetId, OrganizationId, ReadingId, ShopId};
use crate::rules::meter::{Dial, MeterKind, MeterName, Tenths};
use crate::rules::vin::{self, VinFault};
use crate::store::bulk::{self, NewLink, StoredAsset, StoredPlate};
use crate::store::customers::{self, CustomerRow};
use crate::store::meters::{MeterRow, ReadingRow};
use crate::store::places::{self, OrganizationRow, ShopRow};
use crate::store::requests::RequestRow;
use crate::store::{At, Conn, Db, Scope, StoreError};

/// Customers per transaction.
const BATCH: u32 = 1_000;
/// The shops they are spread over.
const SHOPS: [&str; 2] = ["SLN", "STK"];
/// Assets are counted in steps of this, so that each has a number of its own.
const MOST_ASSETS: u64 = 8;
/// Tells the dice of what was asked for from those of all else.
const PAST: u64 = 0x7061_7374;

/// Puts in as many as asked for.
pub(super) async fn fill(db: &Db, options: &Options) -> Result<(), DemoError> {
    let mut begun = 0;
    while begun < options.customers {
        let end = options.customers.min(begun.saturating_add(BATCH));
        let mut conn = db.write().await?;
        let shops = shops(&mut conn).await?;
        let mut put = Put::new(&shops, Timestamp::now());
        for index in begun..end {
            put.customer(&draft(options.seed, index));
        }
        put.write(&mut conn).await?;
        conn.commit().await?;
        begun = end;
    }
    Ok(())
}

async fn shops(conn: &mut Conn) -> Result<Vec<ShopRow>, DemoError> {
    let mut found = Vec::with_capacity(SHOPS.len());
    for code in SHOPS {
        let shop = places::shop(conn, &Scope::deployment(), code).await?;
        found.push(shop.ok_or_else(|| DemoError::Wrong(format!("there is no shop {code}")))?);
    }
    Ok(found)
}

/// A drafted customer.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    index: u32,
    name: String,
    place: Place,
    address1: String,
    phone: Option<String>,
    email: Option<String>,
    /// Shared by both shops.
    fleet: bool,
    /// Which of the two shops a local one belongs to.
    shop: usize,
    /// A few have no number yet.
    numbered: bool,
    portal_enabled: bool,
    assets: Vec<DraftAsset>,
}

/// A drafted machine.
#[derive(Debug, Clone, PartialEq)]
struct DraftAsset {
    asset_number: String,
    vin: Option<String>,
    serial: Option<String>,
    plate: Option<String>,
    year: i64,
    make: &'static str,
    model: &'static str,
    description: &'static str,
    class: &'static str,
    colour: &'static str,
    meter: Option<DraftMeter>,
    request: Option<DraftRequest>,
}

/// A drafted meter: days ago and value, the oldest first.
#[derive(Debug, Clone, PartialEq)]
struct DraftMeter {
    kind: MeterKind,
    readings: Vec<(i64, Tenths)>,
}

/// Splitmix64: small, quick, and the same everywhere.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(seed: u64, index: u32) -> Self {
        let mut dice = Self(seed ^ u64::from(index).wrapping_mul(0xA076_1D64_78BD_642F));
        dice.roll();
        dice
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not including, `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    /// From `from` up to and including `to`.
    pub(super) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = to.abs_diff(from).saturating_add(1);
        from.saturating_add_unsigned(self.below(width))
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap_or_default()]
    }
}

fn draft(seed: u64, index: u32) -> Draft {
    let mut dice = Dice::of(seed, index);
    // Of their own, so that a seed goes on to make the same customers and machines.
    let mut past = Dice::of(seed.rotate_left(32) ^ PAST, index);
    let place = dice.pick(PLACES);
    let name = name(&mut dice);
    let slug: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let address1 = format!("{} {} {}", dice.between(100, 19_999), dice.pick(STREETS), dice.pick(WAYS));
    // Only 555-0100 to 555-0199 are kept for fiction.
    let phone = dice.chance(90).then(|| format!("+1{}55501{:02}", place.area, dice.below(100)));
    let email = dice.chance(60).then(|| format!("office@{slug}-{index}.example"));
    let count = 1 + dice.below(5);
    Draft {
        index,
        name,
        place,
        address1,
        phone,
        email,
        fleet: dice.chance(4),
        shop: usize::try_from(dice.below(2)).unwrap_or_default(),
        numbered: dice.chance(97),
        portal_enabled: dice.chance(60),
        assets: (0..count).map(|nth| asset(&mut dice, &mut past, u64::from(index) * MOST_ASSETS + nth, place)).collect(),
    }
}

/// A name as on the door of a truck.
fn name(dice: &mut Dice) -> String {
    let trade = dice.pick(TRADES);
    let (one, other) = (dice.pick(SURNAMES), dice.pick(SURNAMES));
    let owner = match dice.below(10) {
        0..=2 => one.to_owned(),
        3 => format!("{one} & {other}"),
        4 => format!("{one} Brothers"),
        5 => format!("{one} & Sons"),
        6 => format!("{}&{}", initial(one), initial(other)),
        _ => dice.pick(LAND).to_owned(),
    };
    format!("{owner} {trade}{}", dice.pick(FORMS))
}

fn initial(name: &str) -> &str {
    name.get(..1).unwrap_or(name)
}

fn asset(dice: &mut Dice, past: &mut Dice, nth: u64, place: Place) -> DraftAsset {
    let machine = dice.pick(MACHINES);
    let year = dice.between(2010, 2025);
    let on_road = !machine.wmi.is_empty();
    DraftAsset {
        asset_number: format!("{}{:05}", machine.letter, 20_000 + nth),
        vin: on_road.then(|| vin(dice, &machine, year, nth)),
        serial: (!on_road).then(|| serial(nth)),
        plate: (on_road && dice.chance(97)).then(|| plate(nth, place)),
        year,
        make: machine.make,
        model: machine.model,
        description: machine.description,
        class: machine.class,
        colour: if on_road { dice.pick(COLOURS) } else { "yellow" },
        meter: dice.chance(50).then(|| meter(dice, machine.meter)),
        request: DraftRequest::draft(past),
    }
}

/// Letters that VINs hold, in their order.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ";

/// The `place`-th letter, beginning anew behind the last.
fn letter(place: u64) -> char {
    LETTERS.get(usize::try_from(place % LETTERS.len() as u64).unwrap_or_default()).copied().map_or('A', char::from)
}

/// A VIN with the right check digit. Its last six characters begin with a
/// letter, as no shipped one does.
fn vin(dice: &mut Dice, machine: &Machine, year: i64, nth: u64) -> String {
    let described: String = (0..5).map(|_| char::from(dice.pick(b"ABCDEFGHJKLMNPRSTUVWXYZ0123456789"))).collect();
    let year = letter_of_year(year);
    let plant = letter(dice.below(20));
    let tail = format!("{}{:05}", letter(nth / 100_000), nth % 100_000);
    let start = format!("{}{described}", machine.wmi);
    let end = format!("{year}{plant}{tail}");
    let unchecked = format!("{start}0{end}");
    match vin::check(&unchecked) {
        Err(VinFault::CheckDigit { expected, .. }) => format!("{start}{expected}{end}"),
        _ => unchecked,
    }
}

/// Model years of VINs: 2010 is A, and I, O, Q, U and Z are left out.
fn letter_of_year(year: i64) -> char {
    const YEARS: &[u8] = b"ABCDEFGHJKLMNPRSTVWXY";
    let place = usize::try_from(year - 2010).unwrap_or_default();
    YEARS.get(place).copied().map_or('A', char::from)
}

fn serial(nth: u64) -> String {
    format!("Q{}{}{:05}", letter(nth / 2_300_000), letter(nth / 100_000), nth % 100_000)
}

/// A plate as the state's trucks have it.
fn plate(nth: u64, place: Place) -> String {
    let (high, low) = (nth / 100_000, nth % 100_000);
    if place.state == "CA" { format!("{}{}{low:05}", 2 + high / 23 % 5, letter(high)) } else { format!("P{}{low:05}", letter(high)) }
}

/// Two to four readings of a machine that works evenly.
fn meter(dice: &mut Dice, kind: MeterKind) -> DraftMeter {
    // In tenths: hours show them, odometers do not.
    let (begun, per_day) = match kind {
        MeterKind::Odometer => (dice.between(5_000, 650_000) * 10, dice.between(40, 420) * 10),
        _ => (dice.between(2_000, 150_000), dice.between(15, 95)),
    };
    let mut days_ago = dice.between(30, 160);
    let mut value = begun;
    let mut readings = Vec::new();
    for _ in 0..dice.between(2, 4) {
        readings.push((days_ago, Tenths(value)));
        let passed = dice.between(3, 9);
        days_ago -= passed;
        value += passed * per_day;
    }
    DraftMeter { kind, readings }
}

/// Rows of drafts on their way into one transaction.
struct Put<'s> {
    shops: &'s [ShopRow],
    now: Timestamp,
    customers: Vec<CustomerRow>,
    links: Vec<NewLink>,
    organizations: Vec<OrganizationRow>,
    assets: Vec<StoredAsset>,
    plates: Vec<StoredPlate>,
    meters: Vec<MeterRow>,
    readings: Vec<ReadingRow>,
    requests: Vec<RequestRow>,
}

impl<'s> Put<'s> {
    fn new(shops: &'s [ShopRow], now: Timestamp) -> Self {
        Self {
            shops,
            now,
            customers: Vec::new(),
            links: Vec::new(),
            organizations: Vec::new(),
            assets: Vec::new(),
            plates: Vec::new(),
            meters: Vec::new(),
            readings: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn customer(&mut self, draft: &Draft) {
        let (at, served) = if draft.fleet { (0, 2) } else { (draft.shop, 1) };
        let served: Vec<&ShopRow> = self.shops.iter().skip(at).take(served).collect();
        let row = row(draft, served.first().map(|shop| shop.id));
        for shop in served {
            let number = draft.numbered.then(|| number(shop, draft.index));
            self.links.push(NewLink {
                customer: row.id,
                shop: shop.id,
                number_key: number.as_deref().map(customers::number_key),
                number,
                number_state: if draft.numbered { "verified" } else { "blank" },
                business_system: shop.business_system.clone(),
            });
        }
        let organization = OrganizationRow {
            id: OrganizationId::new(),
            code: format!("G{:06}", draft.index),
            name: draft.name.clone(),
            customer_id: Some(row.id),
            customer_name: None,
            portal_enabled: draft.portal_enabled,
            metric: false,
            row_version: 1,
        };
        for asset in &draft.assets {
            self.asset(&organization, draft, asset);
        }
        self.organizations.push(organization);
        self.customers.push(row);
    }

    fn asset(&mut self, owner: &OrganizationRow, whose: &Draft, draft: &DraftAsset) {
        let asset = StoredAsset {
            id: AssetId::new(),
            organization_id: owner.id,
            customer_id: None,
            asset_number: draft.asset_number.clone(),
            vin: draft.vin.clone(),
            serial: draft.serial.clone(),
            year: Some(draft.year),
            make: Some(draft.make.to_owned()),
            model: Some(draft.model.to_owned()),
            description: Some(draft.description.to_owned()),
            class: Some(draft.class.to_owned()),
            status: "active".to_owned(),
            colour: Some(draft.colour.to_owned()),
            department: None,
            acquired_at: None,
            row_version: 1,
        };
        if let Some(number) = &draft.plate {
            self.plates.push(StoredPlate {
                id: uuid::Uuid::now_v7().to_string(),
                asset_id: asset.id,
                number: number.clone(),
                state: Some(whose.place.state.to_owned()),
                country: Some("US".to_owned()),
                from_at: None,
                to_at: None,
            });
        }
        if let Some(meter) = &draft.meter {
            self.meter(asset.id, meter);
        }
        if let Some(request) = &draft.request {
            self.requests.push(request.row(self.now, owner, &asset, &self.shops[whose.shop]));
        }
        self.assets.push(asset);
    }

    fn meter(&mut self, asset: AssetId, draft: &DraftMeter) {
        let name = MeterName { kind: draft.kind, component: MeterName::MAIN.to_owned() };
        let meter = MeterRow::new(asset, &name, &Dial::new(draft.kind, draft.kind.default_unit(false)), true);
        for (days_ago, value) in &draft.readings {
            let read_at = At::from_micros((self.now - SignedDuration::from_hours(days_ago * 24)).as_microsecond());
            self.readings.push(ReadingRow {
                id: ReadingId::new(),
                meter_id: meter.id,
                read_at,
                value: value.0,
                source: "manual".to_owned(),
                kind: "normal".to_owned(),
                state: "valid".to_owned(),
                entered_by: None,
                entered_by_name: None,
                entered_at: read_at,
                comment: None,
                override_reason: None,
                void_reason: None,
            });
        }
        self.meters.push(meter);
    }

    async fn write(&self, conn: &mut Conn) -> Result<(), StoreError> {
        bulk::insert_customers(conn, &self.customers.iter().collect::<Vec<_>>()).await?;
        bulk::insert_links(conn, &self.links).await?;
        bulk::insert_organizations(conn, &self.organizations).await?;
        bulk::insert_assets(conn, &self.assets).await?;
        bulk::insert_plates(conn, &self.plates).await?;
        bulk::insert_meters(conn, &self.meters).await?;
        bulk::insert_readings(conn, &self.readings).await?;
        bulk::insert_requests(conn, &self.requests).await?;
        bulk::add_changes(conn, &self.customers.iter().map(|row| row.id).collect::<Vec<_>>()).await
    }
}

/// The number at a shop: seven digits, which begin with the shop's own.
fn number(shop: &ShopRow, index: u32) -> String {
    let series = if shop.code == SHOPS[0] { 1_000_000 } else { 2_000_000 };
    (series + u64::from(index)).to_string()
}

fn row(draft: &Draft, first_shop: Option<ShopId>) -> CustomerRow {
    CustomerRow {
        name: draft.name.clone(),
        address1: Some(draft.address1.clone()),
        city: Some(draft.place.city.to_owned()),
        state: Some(draft.place.state.to_owned()),
        postal_code: Some(draft.place.postal_code.to_owned()),
        country: Some("US".to_owned()),
        phone: draft.phone.clone(),
        email: draft.email.clone(),
        ..CustomerRow::unnamed(first_shop.filter(|_| !draft.fleet))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::rules::meter::{History, NewReading, ReadingKind, check};
    use crate::rules::{contact, place};

    #[test]
    fn a_seed_fixes_what_is_generated() {
        assert_eq!(draft(7, 12), draft(7, 12));
        assert_ne!(draft(7, 12).name, draft(8, 12).name);
        assert_ne!(draft(7, 12).name, draft(7, 13).name);
    }

    #[test]
    fn no_number_stands_twice_and_every_vin_is_sound() {
        let mut seen = HashSet::new();
        let mut assets = 0;
        // A stretch over the border at which tails and plates change letter.
        for index in 11_500..13_500 {
            for asset in draft(1, index).assets {
                assets += 1;
                assert!(seen.insert(asset.asset_number.clone()), "{}", asset.asset_number);
                for text in [&asset.vin, &asset.serial, &asset.plate].into_iter().flatten() {
                    assert!(seen.insert(text.clone()), "{text}");
                }
                assert!(asset.vin.is_none_or(|text| vin::check(&text) == Ok(())));
            }
        }
        assert!((5_000..7_000).contains(&assets), "about three each: {assets}");
    }

    #[test]
    fn places_and_telephones_are_sound() {
        for known in PLACES {
            assert_eq!(place::state("US", known.state), Some(known.state), "{}", known.city);
        }
        for phone in (0..500).filter_map(|index| draft(3, index).phone) {
            assert_eq!(contact::phone(&phone, "US").as_deref(), Ok(phone.as_str()));
        }
    }

    #[test]
    fn generated_readings_keep_the_rules() {
        let now = Timestamp::from_second(1_750_000_000).unwrap();
        for meter in (0..2_000).flat_map(|index| draft(5, index).assets).filter_map(|asset| asset.meter) {
            let dial = Dial::new(meter.kind, meter.kind.default_unit(false));
            let mut stood = Vec::new();
            assert!((2..=4).contains(&meter.readings.len()));
            for (days_ago, value) in meter.readings {
                let at = now - SignedDuration::from_hours(days_ago * 24);
                let entered = check(&dial, &History::new(stood.clone(), Vec::new()), None, NewReading { at, value, kind: ReadingKind::Normal }, now, false);
                assert!(entered.is_ok_and(|accepted| accepted.warning.is_none()), "{days_ago} {value:?}");
                stood.push((at, value));
            }
        }
    }
}

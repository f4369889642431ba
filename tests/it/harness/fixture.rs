//! The small fixed world of the stories: three shops, ten customers, seven
//! owners, twelve machines, and an account for each of the ten templates.

use std::sync::OnceLock;

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use countertop::api::ids::{AssetId, CustomerId, MeterId, OrganizationId, ReadingId, RepairId, ShopId, UserId};
use countertop::rules::meter::{Dial, MeterKind, MeterName, Unit};
use countertop::store::assets::{self, NewAsset, PlateRow};
use countertop::store::customers::{self, CustomerRow, SetNumber};
use countertop::store::meters::{self, ReadingRow};
use countertop::store::places::{self, OrganizationRow, ShopRow};
use countertop::store::repairs::{self, RepairRow};
use countertop::store::users::{self, NewGrant, UserRow};
use countertop::store::{At, Conn, Db, migrate, settings};
use jiff::{SignedDuration, Timestamp};

/// The records of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    /// San Leandro, the staff's own.
    pub(crate) sln: ShopId,
    /// Stockton, the counter's second.
    pub(crate) stk: ShopId,
    /// Reno: beyond the counter; numbers customers itself, takes no requests.
    pub(crate) rno: ShopId,
    /// Keller Bau `GmbH`, Waco: local at SLN, number 10442.
    pub(crate) keller: CustomerId,
    /// City of Waco: local at SLN, 10880.
    pub(crate) waco: CustomerId,
    /// Smithfield Crane Service, Fremont: local at SLN, no number.
    pub(crate) smithfield: CustomerId,
    /// Northwind Fleet, Sacramento: linked to SLN, no number.
    pub(crate) northwind: CustomerId,
    /// Pacific Talus Logistics, Portland: SLN P-7741, STK 20990.
    pub(crate) talus: CustomerId,
    /// Blue Heron Rentals, Denver: STK 20655, RNO 30077.
    pub(crate) heron: CustomerId,
    /// Keller Sagebrush Transport LLC, Sparks: local at RNO.
    pub(crate) sagebrush: CustomerId,
    /// KELLER 1042, plate GX4-711, once EQ7 0R2; engine hours, repairs.
    pub(crate) excavator: AssetId,
    /// KELLER 1043, serial HEX20318, no meters.
    pub(crate) loader: AssetId,
    /// KELLER 1052, VIN, plate KBT-4472; odometer near rollover.
    pub(crate) truck: AssetId,
    /// KELLER 1098.
    pub(crate) closed: AssetId,
    /// KELLER 1099.
    pub(crate) disposed: AssetId,
    /// KELLER-RENT R-7: its owner is not portal-enabled.
    pub(crate) rental: AssetId,
    /// WACO-ST 1042, plate GX4 711.
    pub(crate) sweeper: AssetId,
    /// KST 88, of Reno.
    pub(crate) sagebrush_88: AssetId,
    /// TALUS T-500: its owner measures in kilometres.
    pub(crate) tanker: AssetId,
    /// DEALER S-1: its owner has no customer.
    pub(crate) stock: AssetId,
}

/// The VIN of the truck; its check digit is right.
pub(crate) const TRUCK_VIN: &str = "1XP5DB9X87T716741";

/// Brings a new database up to date and fills it.
pub(super) async fn fill(db: &Db) -> Ids {
    migrate::migrate(db).await.expect("a new database takes the schema");
    let mut conn = db.write().await.unwrap();
    let ids = Filling { conn: &mut conn, now: Timestamp::now() }.everything().await;
    // As on a demo, so that the workshop terminal's account has a password.
    settings::set(&mut conn, settings::DEMO, "yes").await.unwrap();
    conn.commit().await.unwrap();
    ids
}

/// A hash of `demo` that is quick to make and to check: its parameters stand
/// in it, and the server takes them from there.
pub(crate) fn quick_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
        let hash: PasswordHash = argon2.hash_password(b"demo").unwrap();
        hash.to_string()
    })
}

/// A user row with the password `demo`.
pub(crate) fn user_row(username: &str, kind: &str, names: (&str, &str), shop: Option<ShopId>) -> UserRow {
    UserRow {
        id: UserId::new(),
        username: username.to_owned(),
        password_hash: quick_hash().to_owned(),
        must_change: false,
        state: "active".to_owned(),
        kind: kind.to_owned(),
        shop_id: shop,
        first_name: names.0.to_owned(),
        last_name: names.1.to_owned(),
        email: Some(format!("{username}@dealer.example")),
        phone: Some("+15105550101".to_owned()),
    }
}

/// A grant of a role.
pub(crate) fn grant(role: &str, scope_kind: &str, scope_id: Option<String>) -> NewGrant {
    NewGrant { role: role.to_owned(), scope_kind: scope_kind.to_owned(), scope_id, ..NewGrant::default() }
}

struct Filling<'c> {
    conn: &'c mut Conn,
    now: Timestamp,
}

/// Name, city, state, postal code, telephone.
type Card<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

impl Filling<'_> {
    async fn everything(&mut self) -> Ids {
        let sln = self.shop("SLN", "San Leandro", "user_enters", true).await;
        let stk = self.shop("STK", "Stockton", "user_enters", true).await;
        let rno = self.shop("RNO", "Reno", "dms_assigns", false).await;
        for (code, name) in [("OIL", "Oil and filter change"), ("BRK", "Brake inspection")] {
            places::set_service_code(self.conn, code, name).await.unwrap();
        }
        let keller = self.local(("Keller Bau GmbH", "Waco", "TX", "76705", "+12545550199"), (sln, "SLN"), Some("10442")).await;
        let brothers = self.local(("Keller Brothers Blacktop", "Hayward", "CA", "94545", "+15105550121"), (sln, "SLN"), Some("10517")).await;
        self.local(("Kellerman Ag Services", "Tracy", "CA", "95376", "+12095550132"), (stk, "STK"), Some("20544")).await;
        let waco = self.local(("City of Waco", "Waco", "TX", "76701", "+12545550161"), (sln, "SLN"), Some("10880")).await;
        let smithfield = self.local(("Smithfield Crane Service", "Fremont", "CA", "94538", "+15105550124"), (sln, "SLN"), None).await;
        self.local(("Peña Orchards", "Fresno", "CA", "93706", "+15595550128"), (sln, "SLN"), Some("10655")).await;
        let sagebrush = self.local(("Keller Sagebrush Transport LLC", "Sparks", "NV", "89431", "+17755550141"), (rno, "RNO"), Some("30112")).await;
        let northwind = self.fleet(("Northwind Fleet", "Sacramento", "CA", "95828", "+19165550152"), &[(sln, "SLN", None)]).await;
        let talus = ("Pacific Talus Logistics", "Portland", "OR", "97217", "+15035550153");
        let talus = self.fleet(talus, &[(sln, "SLN", Some("P-7741")), (stk, "STK", Some("20990"))]).await;
        let heron = ("Blue Heron Rentals", "Denver", "CO", "80216", "+13035550155");
        let heron = self.fleet(heron, &[(stk, "STK", Some("20655")), (rno, "RNO", Some("30077"))]).await;
        self.accounts((sln, stk), keller).await;

        let keller_owner = self.owner("KELLER", Some(keller), true, false).await;
        let rent_owner = self.owner("KELLER-RENT", Some(keller), false, false).await;
        let waco_owner = self.owner("WACO-ST", Some(waco), true, false).await;
        let brothers_owner = self.owner("KBB", Some(brothers), true, false).await;
        let sagebrush_owner = self.owner("KST", Some(sagebrush), true, false).await;
        let talus_owner = self.owner("TALUS", Some(talus), true, true).await;
        let dealer_owner = self.owner("DEALER", None, false, false).await;
        // O and 0 look alike.
        self.asset(brothers_owner, "IO-100", "active", None).await;
        self.asset(brothers_owner, "KBT-4472", "active", None).await;
        let ids = Ids {
            sln,
            stk,
            rno,
            keller,
            waco,
            smithfield,
            northwind,
            talus,
            heron,
            sagebrush,
            excavator: self.asset(keller_owner, "1042", "active", None).await,
            loader: self.asset(keller_owner, "1043", "active", None).await,
            truck: self.asset(keller_owner, "1052", "active", Some(TRUCK_VIN)).await,
            closed: self.asset(keller_owner, "1098", "closed", None).await,
            disposed: self.asset(keller_owner, "1099", "disposed", None).await,
            rental: self.asset(rent_owner, "R-7", "active", None).await,
            sweeper: self.asset(waco_owner, "1042", "active", None).await,
            sagebrush_88: self.asset(sagebrush_owner, "88", "active", None).await,
            tanker: self.asset(talus_owner, "T-500", "active", None).await,
            stock: self.asset(dealer_owner, "S-1", "active", None).await,
        };
        self.details(&ids).await;
        ids
    }

    /// Plates, meters and repairs.
    async fn details(&mut self, ids: &Ids) {
        self.plate(ids.excavator, "EQ7 0R2", Some(self.ago(400))).await;
        self.plate(ids.excavator, "GX4-711", None).await;
        self.plate(ids.sweeper, "GX4 711", None).await;
        self.plate(ids.truck, "KBT-4472", None).await;
        self.plate(ids.sagebrush_88, "NVK-118", None).await;
        let hours = [(60, 124_800), (35, 126_745), (7, 129_030)];
        self.meter(ids.excavator, MeterKind::EngineHours, Unit::H, 7, &hours).await;
        let miles = [(33, 9_959_200), (20, 9_970_000), (6, 9_985_000)];
        self.meter(ids.truck, MeterKind::Odometer, Unit::Mi, 6, &miles).await;
        self.repair(ids.excavator, "pending", "Cab door strut weak", 19).await;
        self.repair(ids.excavator, "open", "Lift cylinder, left: reseal", 5).await;
    }

    fn ago(&self, days: i64) -> At {
        At::from_micros((self.now - SignedDuration::from_hours(days * 24)).as_microsecond())
    }

    async fn shop(&mut self, code: &str, name: &str, numbering: &str, accepts_requests: bool) -> ShopId {
        let row = ShopRow {
            id: ShopId::new(),
            code: code.to_owned(),
            name: name.to_owned(),
            time_zone: "America/Los_Angeles".to_owned(),
            country: "US".to_owned(),
            accepts_requests,
            business_system: code.to_owned(),
            numbering: numbering.to_owned(),
            row_version: 1,
        };
        places::insert_shop(self.conn, &row).await.unwrap();
        row.id
    }

    async fn local(&mut self, card: Card<'_>, at: (ShopId, &str), number: Option<&str>) -> CustomerId {
        let id = self.customer(card, Some(at.0)).await;
        self.link(id, (at.0, at.1, number)).await;
        id
    }

    async fn fleet(&mut self, card: Card<'_>, links: &[(ShopId, &str, Option<&str>)]) -> CustomerId {
        let id = self.customer(card, None).await;
        for link in links {
            self.link(id, *link).await;
        }
        id
    }

    async fn customer(&mut self, card: Card<'_>, owner: Option<ShopId>) -> CustomerId {
        let row = CustomerRow {
            name: card.0.to_owned(),
            address1: Some("1 Depot Court".to_owned()),
            city: Some(card.1.to_owned()),
            state: Some(card.2.to_owned()),
            postal_code: Some(card.3.to_owned()),
            country: Some("US".to_owned()),
            phone: Some(card.4.to_owned()),
            email: Some("office@customer.example".to_owned()),
            ..CustomerRow::unnamed(owner)
        };
        customers::insert(self.conn, &row).await.unwrap();
        row.id
    }

    async fn link(&mut self, customer: CustomerId, (shop, business_system, number): (ShopId, &str, Option<&str>)) {
        let state = if number.is_some() { "verified" } else { "blank" };
        customers::set_number(self.conn, &SetNumber { customer, shop, business_system, number, state, by: None }).await.unwrap();
    }

    async fn owner(&mut self, code: &str, customer_id: Option<CustomerId>, portal_enabled: bool, metric: bool) -> OrganizationId {
        let row = OrganizationRow {
            id: OrganizationId::new(),
            code: code.to_owned(),
            name: format!("Owner {code}"),
            customer_id,
            customer_name: None,
            portal_enabled,
            metric,
            row_version: 1,
        };
        places::insert_organization(self.conn, &row).await.unwrap();
        row.id
    }

    async fn asset(&mut self, owner: OrganizationId, number: &str, status: &str, vin: Option<&str>) -> AssetId {
        let new = NewAsset {
            asset_number: number.to_owned(),
            vin: vin.map(str::to_owned),
            serial: (number == "1043").then(|| "HEX20318".to_owned()),
            year: Some(2021),
            make: Some("Caterpillar".to_owned()),
            model: Some("320".to_owned()),
            description: Some(format!("Machine {number}")),
            status: Some(status.to_owned()),
            ..NewAsset::default()
        };
        assets::insert(self.conn, owner, &new).await.unwrap()
    }

    async fn plate(&mut self, asset: AssetId, number: &str, to_at: Option<At>) {
        let plate = PlateRow { number: number.to_owned(), state: Some("TX".to_owned()), country: Some("US".to_owned()), from_at: None, to_at };
        assets::insert_plate(self.conn, asset, &plate).await.unwrap();
    }

    /// A primary meter; readings are days ago and tenths.
    async fn meter(&mut self, asset: AssetId, kind: MeterKind, unit: Unit, digits: u8, readings: &[(i64, i64)]) {
        let name = MeterName { kind, component: MeterName::MAIN.to_owned() };
        let meter = meters::insert_meter(self.conn, asset, &name, &Dial { digits, ..Dial::new(kind, unit) }, true).await.unwrap();
        for (days, value) in readings {
            meters::insert_reading(self.conn, &reading_row(meter.id, self.ago(*days), *value)).await.unwrap();
        }
    }

    async fn repair(&mut self, asset: AssetId, state: &str, description: &str, days: i64) {
        let row = RepairRow {
            id: RepairId::new(),
            state: state.to_owned(),
            description: description.to_owned(),
            reason: Some("Found at inspection".to_owned()),
            status: None,
            shop_id: None,
            shop_code: None,
            shop_name: None,
            found_at: self.ago(days),
        };
        repairs::insert(self.conn, asset, &row).await.unwrap();
    }

    async fn accounts(&mut self, (sln, stk): (ShopId, ShopId), keller: CustomerId) {
        let whole = |role: &str| vec![grant(role, "deployment", None)];
        let two_shops = |role: &str| vec![grant(role, "shop", Some(sln.to_string())), grant(role, "shop", Some(stk.to_string()))];
        let of_keller = |role: &str| vec![grant(role, "customer", Some(keller.to_string()))];
        let accounts = [
            ("admin", "staff", ("Robin", "Achterberg"), whole("administrator")),
            ("gm", "staff", ("Gwen", "Marchetti"), whole("general_manager")),
            ("manager", "staff", ("Marco", "Silva"), two_shops("service_manager")),
            ("counter", "staff", ("Jo", "Ortiz"), two_shops("counter_staff")),
            ("tech", "staff", ("Terry", "Nakamura"), two_shops("technician")),
            ("kiosk", "kiosk", ("Kiosk", "San Leandro"), vec![grant("kiosk", "shop", Some(sln.to_string()))]),
            ("executive", "customer", ("Maria", "Keller"), of_keller("executive")),
            ("accounts", "customer", ("Anke", "Vogel"), of_keller("accounts")),
            ("fleet", "customer", ("Tomás", "Brandt"), of_keller("fleet")),
            ("portaluser", "customer", ("Paul", "Umber"), of_keller("portal_user")),
        ];
        for (username, kind, names, grants) in accounts {
            let shop = (kind != "customer").then_some(sln);
            users::insert(self.conn, &user_row(username, kind, names, shop), &grants).await.unwrap();
        }
    }
}

/// A valid reading as it is stored.
pub(crate) fn reading_row(meter_id: MeterId, read_at: At, tenths: i64) -> ReadingRow {
    ReadingRow {
        id: ReadingId::new(),
        meter_id,
        read_at,
        value: tenths,
        source: "manual".to_owned(),
        kind: "normal".to_owned(),
        state: "valid".to_owned(),
        entered_by: None,
        entered_by_name: None,
        entered_at: read_at,
        comment: None,
        override_reason: None,
        void_reason: None,
    }
}

//! Puts the shipped data into the database, relative to now.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{DemoError, PASSWORD, data};
use crate::api::ids::{AssetId, CustomerId, OrganizationId, ReadingId, RepairId, RequestId, ShopId, UserId};
use crate::rules::meter::{Dial, History, MeterName, Tenths, Unit, replacement};
use crate::server::password;
use crate::store::assets::{self, NewAsset, PlateRow};
use crate::store::customers::{self, CustomerRow, SetNumber};
use crate::store::meters::{self, MeterRow, ReadingRow};
use crate::store::places::{self, OrganizationRow, ShopRow};
use crate::store::repairs::{self, RepairRow};
use crate::store::requests::{self, LineRow, RequestRow};
use crate::store::users::{self, NewGrant, UserRow};
use crate::store::{At, Conn, settings};

/// Fills everything that is shipped.
pub(super) async fn fill(conn: &mut Conn, now: Timestamp) -> Result<(), DemoError> {
    let demo = data::read()?;
    settings::set(conn, settings::DEFAULT_COUNTRY, "US").await?;
    let mut filler = Filler { conn, now, known: Known::default() };
    for shop in &demo.shop {
        filler.shop(shop).await?;
    }
    for service in &demo.service_code {
        places::set_service_code(filler.conn, &service.code, &service.name).await?;
    }
    for customer in &demo.customer {
        filler.customer(customer).await?;
    }
    for organization in &demo.organization {
        filler.organization(organization).await?;
    }
    // Hashing costs time on purpose; one hash does for all.
    let hash = password::hash(PASSWORD)?;
    for user in &demo.user {
        filler.user(user, &hash).await?;
    }
    for contact in &demo.contact {
        filler.contact(contact, &hash).await?;
    }
    for consent in &demo.consent {
        filler.consent(consent).await?;
    }
    for kiosk in &demo.kiosk {
        filler.kiosk(kiosk).await?;
    }
    let mut filed = Vec::new();
    for asset in &demo.asset {
        let (organization, id) = filler.asset(asset).await?;
        filed.extend(asset.request.iter().map(|request| (request, organization, id)));
    }
    // Request numbers count up in the order of time.
    filed.sort_by(|(a, ..), (b, ..)| b.requested_days_ago.total_cmp(&a.requested_days_ago));
    for (request, organization, asset) in filed {
        filler.request(request, organization, asset).await?;
    }
    Ok(())
}

/// Ids of what was filled, by the names the data use.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) shops: HashMap<String, ShopId>,
    pub(super) customers: HashMap<String, CustomerId>,
    organizations: HashMap<String, OrganizationId>,
    /// By e-mail address: whose requests are whose own.
    pub(super) users: HashMap<String, UserId>,
}

pub(super) struct Filler<'c> {
    pub(super) conn: &'c mut Conn,
    now: Timestamp,
    pub(super) known: Known,
}

/// The id under a name, or what the data got wrong.
pub(super) fn known<Id: Copy>(ids: &HashMap<String, Id>, kind: &str, name: &str) -> Result<Id, DemoError> {
    ids.get(name).copied().ok_or_else(|| DemoError::Wrong(format!("there is no {kind} {name:?}")))
}

/// A value of the data, or what is wrong with it.
fn tenths(value: &str) -> Result<Tenths, DemoError> {
    value.parse().map_err(|fault| DemoError::Wrong(format!("{value:?}: {fault}")))
}

impl Filler<'_> {
    /// So many days before now, to the microsecond.
    fn ago(&self, days: f64) -> Result<Timestamp, DemoError> {
        let back = SignedDuration::try_from_secs_f64(days * 86_400.0).ok();
        let at = back.and_then(|back| self.now.checked_sub(back).ok());
        let at = at.ok_or_else(|| DemoError::Wrong(format!("{days} days ago is beyond all calendars")))?;
        Ok(At::from_micros(at.as_microsecond()).0)
    }

    async fn shop(&mut self, shop: &data::Shop) -> Result<(), DemoError> {
        let row = ShopRow {
            id: ShopId::new(),
            code: shop.code.clone(),
            name: shop.name.clone(),
            time_zone: shop.time_zone.clone(),
            country: shop.country.clone(),
            accepts_requests: true,
            // Each shop numbers its customers itself.
            business_system: shop.code.clone(),
            numbering: "user_enters".to_owned(),
            row_version: 1,
        };
        places::insert_shop(self.conn, &row).await?;
        self.known.shops.insert(row.code, row.id);
        Ok(())
    }

    async fn customer(&mut self, customer: &data::Customer) -> Result<(), DemoError> {
        let owner = match customer.links.first() {
            Some(link) if customer.kind == "local" => Some(known(&self.known.shops, "shop", &link.shop)?),
            _ => None,
        };
        let row = CustomerRow {
            id: CustomerId::new(),
            kind: customer.kind.clone(),
            name: customer.name.clone(),
            address1: customer.address1.clone(),
            address2: customer.address2.clone(),
            city: customer.city.clone(),
            state: customer.state.clone(),
            postal_code: customer.postal_code.clone(),
            country: customer.country.clone(),
            phone: customer.phone.clone(),
            extension: customer.extension.clone(),
            fax: customer.fax.clone(),
            email: customer.email.clone(),
            notes: customer.notes.clone(),
            status: customer.status.clone(),
            owner_shop_id: owner,
            row_version: 1,
        };
        customers::insert(self.conn, &row).await?;
        for link in &customer.links {
            self.link(row.id, link).await?;
        }
        self.known.customers.insert(row.name, row.id);
        Ok(())
    }

    async fn link(&mut self, customer: CustomerId, link: &data::Link) -> Result<(), DemoError> {
        let shop = known(&self.known.shops, "shop", &link.shop)?;
        let unsaid = if link.number.is_some() { "unverified" } else { "blank" };
        let set = SetNumber {
            customer,
            shop,
            business_system: &link.shop,
            number: link.number.as_deref(),
            state: link.number_state.as_deref().unwrap_or(unsaid),
            by: None,
        };
        customers::set_number(self.conn, &set).await?;
        if let Some(note) = &link.alert_note {
            customers::set_alert_note(self.conn, customer, shop, Some(note)).await?;
        }
        Ok(())
    }

    async fn organization(&mut self, organization: &data::Organization) -> Result<(), DemoError> {
        let customer_id = match &organization.customer {
            Some(name) => Some(known(&self.known.customers, "customer", name)?),
            None => None,
        };
        let row = OrganizationRow {
            id: OrganizationId::new(),
            code: organization.code.clone(),
            name: organization.name.clone(),
            customer_id,
            customer_name: None,
            portal_enabled: organization.portal_enabled,
            metric: false,
            row_version: 1,
        };
        places::insert_organization(self.conn, &row).await?;
        self.known.organizations.insert(row.code, row.id);
        Ok(())
    }

    async fn user(&mut self, user: &data::User, hash: &str) -> Result<(), DemoError> {
        let shop_id = match &user.shop {
            Some(code) => Some(known(&self.known.shops, "shop", code)?),
            None => None,
        };
        let row = UserRow {
            id: UserId::new(),
            username: user.username.clone(),
            password_hash: hash.to_owned(),
            must_change: false,
            state: "active".to_owned(),
            kind: user.kind.clone(),
            shop_id,
            first_name: user.first.clone(),
            last_name: user.last.clone(),
            email: user.email.clone(),
            phone: user.phone.clone(),
        };
        let grants = user.grants.iter().map(|grant| self.grant(grant)).collect::<Result<Vec<_>, _>>()?;
        users::insert(self.conn, &row, &grants).await?;
        if let Some(email) = row.email {
            self.known.users.insert(email, row.id);
        }
        Ok(())
    }

    fn grant(&self, grant: &data::Grant) -> Result<NewGrant, DemoError> {
        let code = grant.code.as_deref().unwrap_or_default();
        let scope_id = match grant.scope.as_str() {
            "deployment" => None,
            "shop" => Some(known(&self.known.shops, "shop", code)?.to_string()),
            "organization" => Some(known(&self.known.organizations, "organization", code)?.to_string()),
            "customer" => Some(known(&self.known.customers, "customer", grant.name.as_deref().unwrap_or_default())?.to_string()),
            other => return Err(DemoError::Wrong(format!("there is no scope {other:?}"))),
        };
        Ok(NewGrant { role: grant.role.clone(), scope_kind: grant.scope.clone(), scope_id, ..NewGrant::default() })
    }

    async fn asset(&mut self, asset: &data::Asset) -> Result<(OrganizationId, AssetId), DemoError> {
        let organization = known(&self.known.organizations, "organization", &asset.organization)?;
        let new = NewAsset {
            customer_id: None,
            asset_number: asset.asset_number.clone(),
            vin: asset.vin.clone(),
            serial: asset.serial.clone(),
            year: asset.year,
            make: asset.make.clone(),
            model: asset.model.clone(),
            description: asset.description.clone(),
            class: asset.class.clone(),
            status: asset.status.clone(),
            colour: asset.colour.clone(),
            department: asset.department.clone(),
        };
        let id = assets::insert(self.conn, organization, &new).await?;
        for plate in &asset.plates {
            self.plate(id, plate).await?;
        }
        for meter in &asset.meter {
            self.meter(id, meter).await?;
        }
        for repair in &asset.repair {
            self.repair(id, repair).await?;
        }
        Ok((organization, id))
    }

    async fn plate(&mut self, asset: AssetId, plate: &data::Plate) -> Result<(), DemoError> {
        let to_at = match plate.to_days_ago {
            Some(days) => Some(At(self.ago(days)?)),
            None => None,
        };
        let row = PlateRow { number: plate.plate.clone(), state: plate.state.clone(), country: plate.country.clone(), from_at: None, to_at };
        Ok(assets::insert_plate(self.conn, asset, &row).await?)
    }

    /// A meter with its readings; a replacement falls between them.
    async fn meter(&mut self, asset: AssetId, meter: &data::Meter) -> Result<(), DemoError> {
        let (name, dial) = dial(meter)?;
        let row = meters::insert_meter(self.conn, asset, &name, &dial, meter.primary).await?;
        for reading in &meter.readings {
            self.reading(&row, reading).await?;
        }
        if let Some(replaced) = &meter.replaced {
            let mut before = Vec::new();
            for reading in meter.readings.iter().filter(|reading| reading.void.is_none() && reading.days_ago > replaced.days_ago) {
                before.push((self.ago(reading.days_ago)?, tenths(&reading.value)?));
            }
            let (old_last, new_first) = (tenths(&replaced.old_last)?, tenths(&replaced.new_first)?);
            let event = replacement(&dial, &History::new(before, Vec::new()), old_last, new_first, self.ago(replaced.days_ago)?, self.now)
                .map_err(|refusal| DemoError::Wrong(refusal.sentence(&dial, old_last, &jiff::tz::TimeZone::UTC)))?;
            meters::insert_event(self.conn, row.id, "replacement", &event, None, None).await?;
        }
        Ok(())
    }

    async fn reading(&mut self, meter: &MeterRow, reading: &data::Reading) -> Result<(), DemoError> {
        let at = At(self.ago(reading.days_ago)?);
        let row = ReadingRow {
            id: ReadingId::new(),
            meter_id: meter.id,
            read_at: at,
            value: tenths(&reading.value)?.0,
            source: reading.source.clone().unwrap_or_else(|| "manual".to_owned()),
            kind: "normal".to_owned(),
            state: "valid".to_owned(),
            entered_by: None,
            entered_by_name: None,
            entered_at: at,
            comment: reading.comment.clone(),
            override_reason: None,
            void_reason: None,
        };
        meters::insert_reading(self.conn, &row).await?;
        if let Some(reason) = &reading.void {
            meters::set_state(self.conn, row.id, "void", Some(reason), None).await?;
        }
        Ok(())
    }

    async fn repair(&mut self, asset: AssetId, repair: &data::Repair) -> Result<(), DemoError> {
        let shop_id = match &repair.shop {
            Some(code) => Some(known(&self.known.shops, "shop", code)?),
            None => None,
        };
        let row = RepairRow {
            id: RepairId::new(),
            state: repair.state.clone(),
            description: repair.description.clone(),
            reason: repair.reason.clone(),
            status: repair.status.clone(),
            shop_id,
            shop_code: None,
            shop_name: None,
            found_at: At(self.ago(repair.found_days_ago)?),
        };
        Ok(repairs::insert(self.conn, asset, &row).await?)
    }

    async fn request(&mut self, request: &data::Request, organization_id: OrganizationId, asset_id: AssetId) -> Result<(), DemoError> {
        let requested_at = At(self.ago(request.requested_days_ago)?);
        let year = requested_at.0.strftime("%y").to_string();
        let number = places::next_number(self.conn, &format!("service_request-{year}")).await?;
        let requester = &request.requester;
        // A customer's own people asked through the portal, others called.
        let requested_by = requester.email.as_ref().and_then(|email| self.known.users.get(email)).copied();
        let reason_of = |status: &str| request.reason.clone().filter(|_| request.status == status);
        let row = RequestRow {
            id: RequestId::new(),
            number: format!("SR-{year}-{number:06}"),
            asset_id,
            asset_number: String::new(),
            make: None,
            model: None,
            organization_id,
            organization_code: String::new(),
            organization_name: String::new(),
            customer_id: None,
            customer_name: None,
            shop_id: known(&self.known.shops, "shop", &request.shop)?,
            shop_code: String::new(),
            shop_name: String::new(),
            status: request.status.clone(),
            urgency: request.urgency,
            complaint: request.complaint.clone(),
            requester_first: requester.first.clone(),
            requester_last: requester.last.clone(),
            requester_email: requester.email.clone(),
            requester_phone: requester.phone.clone(),
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
            requested_by,
            source: if requested_by.is_some() { "portal" } else { "counter" }.to_owned(),
            cancel_reason: reason_of("cancelled"),
            decline_reason: reason_of("declined"),
            row_version: 1,
        };
        Ok(requests::insert(self.conn, &row, &lines(&row, request)).await?)
    }
}

fn dial(meter: &data::Meter) -> Result<(MeterName, Dial), DemoError> {
    let name: MeterName = meter.meter.parse().map_err(DemoError::Wrong)?;
    let unit = Unit::named(&meter.unit).ok_or_else(|| DemoError::Wrong(format!("there is no unit {:?}", meter.unit)))?;
    let dial = Dial { digits: meter.digits, ..Dial::new(name.kind, unit) };
    Ok((name, dial))
}

/// The pre-defined services, then those in words.
fn lines(row: &RequestRow, request: &data::Request) -> Vec<LineRow> {
    let line = |service_code: Option<&String>, other_text: Option<&String>| LineRow {
        request_id: row.id,
        service_code: service_code.cloned(),
        service_name: None,
        other_text: other_text.cloned(),
    };
    let coded = request.services.iter().map(|code| line(Some(code), None));
    coded.chain(request.other.iter().map(|text| line(None, Some(text)))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::rules::meter::{DialEvent, NewReading, ReadingKind, check};
    use crate::rules::{place, vin};
    use crate::text::number_key;

    fn at(days_ago: f64) -> Timestamp {
        let now = Timestamp::from_second(1_750_000_000).unwrap();
        now - SignedDuration::from_secs_f64(days_ago * 86_400.0)
    }

    /// Enters a meter's readings one by one, as a counter would have.
    fn enter(meter: &data::Meter) -> Result<(), String> {
        let (_, dial) = dial(meter).map_err(|error| error.to_string())?;
        let mut stood: Vec<(Timestamp, Tenths)> = Vec::new();
        let mut events: Vec<DialEvent> = Vec::new();
        let mut replaced = meter.replaced.as_ref();
        for reading in meter.readings.iter().filter(|reading| reading.void.is_none()) {
            let value = tenths(&reading.value).map_err(|error| error.to_string())?;
            if let Some(due) = replaced.take_if(|due| due.days_ago > reading.days_ago) {
                let (old_last, new_first) = (tenths(&due.old_last).unwrap(), tenths(&due.new_first).unwrap());
                let history = History::new(stood.clone(), Vec::new());
                events.push(
                    replacement(&dial, &history, old_last, new_first, at(due.days_ago), at(0.0))
                        .map_err(|refusal| refusal.sentence(&dial, old_last, &jiff::tz::TimeZone::UTC))?,
                );
            }
            let history = History::new(stood.clone(), events.clone());
            let new = NewReading { at: at(reading.days_ago), value, kind: ReadingKind::Normal };
            let accepted = check(&dial, &history, None, new, at(0.0), false).map_err(|refusal| refusal.sentence(&dial, value, &jiff::tz::TimeZone::UTC))?;
            assert_eq!(accepted.warning, None, "{} {}: {value:?}", meter.meter, reading.days_ago);
            stood.push((new.at, value));
        }
        Ok(())
    }

    #[test]
    fn every_shipped_reading_keeps_the_rules() {
        for asset in data::read().unwrap().asset {
            for meter in &asset.meter {
                assert_eq!(enter(meter), Ok(()), "{} {} {}", asset.organization, asset.asset_number, meter.meter);
                assert!(meter.readings.is_sorted_by(|a, b| a.days_ago > b.days_ago), "{} {}", asset.asset_number, meter.meter);
            }
            assert!(asset.meter.is_empty() || asset.meter.iter().filter(|meter| meter.primary).count() == 1, "{}", asset.asset_number);
        }
    }

    #[test]
    fn every_shipped_vin_and_state_is_sound() {
        let demo = data::read().unwrap();
        for asset in &demo.asset {
            if let Some(number) = &asset.vin {
                assert_eq!(vin::check(&number_key(number)), Ok(()), "{number}");
            }
        }
        for customer in &demo.customer {
            let (country, state) = (customer.country.as_deref().unwrap(), customer.state.as_deref().unwrap());
            assert_eq!(place::state(country, state), Some(state), "{}", customer.name);
        }
    }

    #[test]
    fn s2_8_the_data_show_a_number_and_a_plate_in_two_organizations() {
        let demo = data::read().unwrap();
        let owners = |found: &dyn Fn(&data::Asset) -> bool| {
            let found = demo.asset.iter().filter(|asset| found(asset));
            found.map(|asset| asset.organization.as_str()).collect::<HashSet<&str>>()
        };
        assert_eq!(owners(&|asset| asset.asset_number == "1042"), HashSet::from(["KELLER", "WACO-ST"]));
        assert_eq!(owners(&|asset| asset.plates.iter().any(|plate| number_key(&plate.plate) == "GX4711")), HashSet::from(["KELLER", "WACO-ST"]));
    }
}

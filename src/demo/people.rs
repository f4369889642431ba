//! Customers' people of the demo, what their customers allow, and the workshop
//! terminals.

use super::DemoError;
use super::data;
use super::filler::{Filler, known};
use crate::api::access_level::AccessLevel;
use crate::api::contact::{ContactKind, ContactRole, PlatformRole, PortalRight};
use crate::api::ids::{ConsentId, UserId};
use crate::store::contacts::{self, ConsentRow, ContactRow};
use crate::store::kiosks::{self, KioskRow};
use crate::store::{At, users};

impl Filler<'_> {
    /// A contact; with an account its password is the demo's.
    pub(super) async fn contact(&mut self, contact: &data::Contact, hash: &str) -> Result<(), DemoError> {
        let customer = known(&self.known.customers, "customer", &contact.customer)?;
        let kind = word(contact.kind.as_deref(), ContactKind::named, ContactKind::Person)?;
        let row = ContactRow {
            first_name: contact.first.clone().unwrap_or_default(),
            last_name: contact.last.clone(),
            email: contact.email.clone(),
            phone: contact.phone.clone(),
            roles: roles(&contact.roles)?,
            access_level: word(contact.access_level.as_deref(), AccessLevel::named, AccessLevel::None)?.name().to_owned(),
            portal_right: word(contact.right.as_deref(), PortalRight::named, PortalRight::None)?.name().to_owned(),
            platform_role: word(contact.platform_role.as_deref(), PlatformRole::named, PlatformRole::None)?.name().to_owned(),
            receives_invoices: contact.receives_invoices,
            receives_statements: contact.receives_statements,
            is_primary: contact.primary,
            ..ContactRow::nobody(customer, kind)
        };
        contacts::insert(self.conn, &row).await?;
        if let Some(username) = &contact.username {
            let user = UserId::new();
            contacts::insert_account(self.conn, user, &row.person_id, username).await?;
            users::give_password(self.conn, user, hash, false).await?;
            if let Some(email) = &contact.email {
                self.known.users.insert(email.clone(), user);
            }
            contacts::update(self.conn, &ContactRow { user_id: Some(user), ..row }).await?;
        }
        Ok(())
    }

    /// A customer's consent, from now on.
    pub(super) async fn consent(&mut self, consent: &data::Consent) -> Result<(), DemoError> {
        let recorded_by = users::by_name(self.conn, &consent.recorded_by).await?;
        let recorded_by = recorded_by.ok_or_else(|| DemoError::Wrong(format!("there is no account {:?}", consent.recorded_by)))?;
        let row = ConsentRow {
            id: ConsentId::new(),
            customer_id: known(&self.known.customers, "customer", &consent.customer)?,
            role: consent.role.clone(),
            given_by: consent.given_by.clone(),
            valid_from: At::now(),
            valid_to: None,
            recorded_by: recorded_by.id,
        };
        Ok(contacts::give_consent(self.conn, &row).await?)
    }

    /// A workshop terminal that was enrolled once.
    pub(super) async fn kiosk(&mut self, kiosk: &data::Kiosk) -> Result<(), DemoError> {
        let shop_id = known(&self.known.shops, "shop", &kiosk.shop)?;
        let row = KioskRow { login_required: kiosk.login_required, ..KioskRow::new(shop_id, &kiosk.label, 60) };
        // No token has this for its hash.
        Ok(kiosks::insert(self.conn, &row, &format!("none {}", row.id), None).await?)
    }
}

/// The word of a list, or what the data got wrong.
fn word<T>(written: Option<&str>, named: fn(&str) -> Option<T>, otherwise: T) -> Result<T, DemoError> {
    match written {
        None => Ok(otherwise),
        Some(word) => named(word).ok_or_else(|| DemoError::Wrong(format!("there is no {word:?}"))),
    }
}

fn roles(written: &[String]) -> Result<String, DemoError> {
    let name = |word: &String| ContactRole::named(word).map(ContactRole::name).ok_or_else(|| DemoError::Wrong(format!("there is no contact role {word:?}")));
    Ok(written.iter().map(name).collect::<Result<Vec<_>, _>>()?.join(" "))
}

//! Customers' people of the demo, what their customers allow, and the workshop
//! terminals.

use super::DemoError;
use super::data;
use super::filler::{Filler, known};
use crate::api::access_level::AccessLevel;
use crate::api::contact::{ContactKind, ContactRole, PlatformRole, PortalRight};
use crate::api::ids::{ConsentId, ContactId, KioskId, UserId};
use crate::api::permission::Permission;
use crate::api::role::Role;
use crate::store::At;
use crate::store::contacts::{self, ConsentRow, ContactRow};
use crate::store::kiosks::{self, KioskRow};
use crate::store::users::{self, NewGrant, UserRow};

impl Filler<'_> {
    /// A contact; with an account its password is the demo's.
    pub(super) async fn contact(&mut self, contact: &data::Contact, hash: &str) -> Result<(), DemoError> {
        let row = ContactRow {
            id: ContactId::new(),
            customer_id: known(&self.known.customers, "customer", &contact.customer)?,
            customer_name: contact.customer.clone(),
            person_id: uuid::Uuid::now_v7().to_string(),
            kind: word(contact.kind.as_deref(), ContactKind::named, ContactKind::Person)?.name().to_owned(),
            first_name: contact.first.clone().unwrap_or_default(),
            last_name: contact.last.clone(),
            salutation: None,
            job_title: None,
            email: contact.email.clone(),
            phone: contact.phone.clone(),
            mobile: None,
            roles: roles(&contact.roles)?,
            access_level: word(contact.access_level.as_deref(), AccessLevel::named, AccessLevel::None)?.name().to_owned(),
            portal_right: word(contact.right.as_deref(), PortalRight::named, PortalRight::None)?.name().to_owned(),
            platform_role: word(contact.platform_role.as_deref(), PlatformRole::named, PlatformRole::None)?.name().to_owned(),
            receives_invoices: contact.receives_invoices,
            receives_statements: contact.receives_statements,
            user_id: None,
            username: None,
            has_password: false,
            is_shut_out: false,
            designated_by: None,
            designated_by_name: None,
            is_active: true,
            is_primary: contact.primary,
            row_version: 1,
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
        let (id, user_id) = (KioskId::new(), UserId::new());
        let user = UserRow {
            id: user_id,
            username: format!("kiosk-{id}"),
            password_hash: String::new(),
            must_change: false,
            state: "active".to_owned(),
            kind: "kiosk".to_owned(),
            shop_id: Some(shop_id),
            first_name: kiosk.label.clone(),
            last_name: String::new(),
            email: None,
            phone: None,
        };
        let grant = NewGrant { role: "kiosk".to_owned(), scope_kind: "shop".to_owned(), scope_id: Some(shop_id.to_string()), ..NewGrant::default() };
        users::insert(self.conn, &user, &[grant]).await?;
        let actions: Vec<&str> = Role::named("kiosk").map(|role| role.permissions().iter().map(Permission::name).collect()).unwrap_or_default();
        let row = KioskRow {
            id,
            shop_id,
            shop_code: String::new(),
            shop_name: String::new(),
            user_id,
            label: kiosk.label.clone(),
            login_required: kiosk.login_required,
            idle_seconds: 60,
            allowed_actions: actions.join(" "),
            is_active: true,
            row_version: 1,
        };
        // No token has this for its hash.
        Ok(kiosks::insert(self.conn, &row, &format!("none {id}")).await?)
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

//! Customers' people, and the word of a customer that the dealer may act for it.

use super::row::{row, statements};
use super::scope::customer_in_scope;
use super::{At, Conn, Result, Scope, bulk};
use crate::api::access_level::AccessLevel;
use crate::api::contact::{ContactKind, PlatformRole, PortalRight};
use crate::api::ids::{ConsentId, ContactId, CustomerId, UserId};
use crate::api::permission::{Permission, PermissionSet};

/// Who has it says what others may do.
const RIGHTS: Permission = Permission::named("contact.rights.manage");

row! {
    /// A contact with the person behind it.
    pub struct ContactRow {
        /// Its id.
        pub id: ContactId,
        /// Its customer.
        pub customer_id: CustomerId,
        /// That customer's name.
        pub customer_name: String,
        /// The person or department.
        pub person_id: String,
        /// `person` or `department`.
        pub kind: String,
        /// Given name.
        pub first_name: String,
        /// Family name, or the department's.
        pub last_name: String,
        /// How to address them.
        pub salutation: Option<String>,
        /// What they do.
        pub job_title: Option<String>,
        /// E-mail.
        pub email: Option<String>,
        /// E.164.
        pub phone: Option<String>,
        /// E.164.
        pub mobile: Option<String>,
        /// Words, separated by spaces.
        pub roles: String,
        /// The ceiling.
        pub access_level: String,
        /// What they manage.
        pub portal_right: String,
        /// Their role on the platform.
        pub platform_role: String,
        /// Whether invoices are mailed to them.
        pub receives_invoices: bool,
        /// Whether statements are mailed to them.
        pub receives_statements: bool,
        /// The account they sign in with.
        pub user_id: Option<UserId>,
        /// Its name.
        pub username: Option<String>,
        /// Whether it ever had a password.
        pub has_password: bool,
        /// Whether the account is locked or disabled.
        pub is_shut_out: bool,
        /// Who named them: gave the right or the role, or let them in first (S1-5).
        pub designated_by: Option<UserId>,
        /// That user's name.
        pub designated_by_name: Option<String>,
        /// Whether they still are a contact.
        pub is_active: bool,
        /// The first one to call.
        pub is_primary: bool,
        /// Counts up.
        pub row_version: i64,
    }
}

impl ContactRow {
    /// A new contact of a customer, of whom nothing is known and who may do
    /// nothing.
    #[must_use]
    pub fn nobody(customer_id: CustomerId, kind: ContactKind) -> Self {
        Self {
            id: ContactId::new(),
            customer_id,
            customer_name: String::new(),
            person_id: uuid::Uuid::now_v7().to_string(),
            kind: kind.name().to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            salutation: None,
            job_title: None,
            email: None,
            phone: None,
            mobile: None,
            roles: String::new(),
            access_level: AccessLevel::None.name().to_owned(),
            portal_right: PortalRight::None.name().to_owned(),
            platform_role: PlatformRole::None.name().to_owned(),
            receives_invoices: false,
            receives_statements: false,
            user_id: None,
            username: None,
            has_password: false,
            is_shut_out: false,
            designated_by: None,
            designated_by_name: None,
            is_active: true,
            is_primary: false,
            row_version: 1,
        }
    }

    /// Whether it is a portal administrator who can act as one: whose level
    /// leaves him to say what others may do.
    #[must_use]
    pub fn administers(&self) -> bool {
        let is_named = self.portal_right == PortalRight::PortalAdministrator.name();
        self.is_active && !self.is_shut_out && is_named && !self.taken_away().holds(RIGHTS)
    }

    /// What its level takes away from whatever else it has.
    #[must_use]
    pub fn taken_away(&self) -> PermissionSet {
        // A level that cannot be read lets nobody in.
        AccessLevel::named(&self.access_level).unwrap_or(AccessLevel::None).takes_away()
    }

    /// Whether it has a right that wants a portal administrator above it (C-5).
    #[must_use]
    pub fn is_below_an_administrator(&self) -> bool {
        self.is_active && PortalRight::named(&self.portal_right).is_some_and(PortalRight::is_below_an_administrator)
    }
}

row! {
    /// A customer's word.
    pub struct ConsentRow {
        /// Its id.
        pub id: ConsentId,
        /// The customer.
        pub customer_id: CustomerId,
        /// The template whose rights are granted.
        pub role: String,
        /// Who of the customer said so.
        pub given_by: String,
        /// From when.
        pub valid_from: At,
        /// Until when.
        pub valid_to: Option<At>,
        /// Who wrote it down.
        pub recorded_by: UserId,
    }
}

/// The beginning of every query of contacts.
macro_rules! contact_columns {
    () => {
        "SELECT ct.id, ct.customer_id, c.name AS customer_name, ct.person_id, ct.kind, p.first_name, p.last_name, p.salutation, p.job_title, p.email, p.phone, p.mobile, ct.roles, \
            ct.access_level, ct.portal_right, ct.platform_role, ct.receives_invoices, ct.receives_statements, ct.user_id, u.username, \
            (u.password_hash IS NOT NULL AND u.password_hash <> '') AS has_password, \
            (u.state IS NOT NULL AND u.state <> 'active') AS is_shut_out, ct.designated_by, du.username AS designated_by_name, ct.is_active, \
            ct.is_primary, ct.row_version \
         FROM contact ct JOIN customer c ON c.id = ct.customer_id JOIN person p ON p.id = ct.person_id LEFT JOIN user_account u ON u.id = ct.user_id LEFT JOIN user_account du ON du.id = ct.designated_by "
    };
}
pub(super) use contact_columns;

statements! {
    OF_CUSTOMER = concat!(contact_columns!(), "WHERE ct.customer_id = $1 AND ct.id > $2 ORDER BY ct.id LIMIT $3");
    OF_CUSTOMER_OWN = concat!(contact_columns!(), "WHERE ct.customer_id = $1 AND ct.user_id = $2 ORDER BY ct.id");
    ONE = concat!(contact_columns!(), "WHERE ", customer_in_scope!(), " AND ct.id = $6");
    OF_USER = concat!(contact_columns!(), "WHERE ct.user_id = $1 ORDER BY ct.id");
    LOCK_CUSTOMER = "UPDATE customer SET row_version = row_version WHERE id = $1";
    ACTIVE = concat!(contact_columns!(), "WHERE ct.customer_id = $1 AND ct.is_active AND ct.id <> $2 ORDER BY ct.id");
    UPDATE_PERSON = "UPDATE person SET first_name = $2, last_name = $3, email = $4, phone = $5, mobile = $6, salutation = $7, job_title = $8 WHERE id = $1";
    UPDATE = "UPDATE contact SET roles = $3, access_level = $4, portal_right = $5, platform_role = $6, receives_invoices = $7, receives_statements = $8,
            user_id = $9, designated_by = $10, is_active = $11, is_primary = $12, row_version = row_version + 1
        WHERE id = $1 AND row_version = $2";
    COUNT_WITHOUT_NUMBER = "SELECT COUNT(*) FROM contact ct
        WHERE NOT EXISTS (SELECT 1 FROM customer_shop_link l WHERE l.customer_id = ct.customer_id AND l.number IS NOT NULL)";
    INSERT_ACCOUNT = "INSERT INTO user_account (id, person_id, username, username_key, password_hash, must_change, state, kind, shop_id, row_version)
        VALUES ($1, $2, $3, $4, '', TRUE, 'active', 'customer', NULL, 1)";
    RENAME_ACCOUNT = "UPDATE user_account SET username = $2, username_key = $3, row_version = row_version + 1 WHERE id = $1";
    CONSENTS = "SELECT id, customer_id, role, given_by, valid_from, valid_to, recorded_by FROM consent
        WHERE customer_id = $1 AND (valid_to IS NULL OR valid_to > $2) ORDER BY valid_from, id";
    CONSENT = concat!("SELECT k.id, k.customer_id, k.role, k.given_by, k.valid_from, k.valid_to, k.recorded_by FROM consent k JOIN customer c ON c.id = k.customer_id
        WHERE ", customer_in_scope!(), " AND k.id = $6");
    GIVE_CONSENT = "INSERT INTO consent (id, customer_id, role, given_by, valid_from, valid_to, recorded_by) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    END_CONSENT = "UPDATE consent SET valid_to = $2 WHERE id = $1 AND (valid_to IS NULL OR valid_to > $2)";
}

/// The contacts of a customer behind an id, in the order they were entered.
///
/// # Errors
/// When the database fails.
pub async fn of_customer(conn: &mut Conn, customer: CustomerId, after: &str, limit: i64) -> Result<Vec<ContactRow>> {
    conn.query(OF_CUSTOMER).bind(customer).bind(after).bind(limit).all().await
}

/// Those of them that are one's own.
///
/// # Errors
/// When the database fails.
pub async fn of_customer_own(conn: &mut Conn, customer: CustomerId, user: UserId) -> Result<Vec<ContactRow>> {
    conn.query(OF_CUSTOMER_OWN).bind(customer).bind(user).all().await
}

/// A contact of a customer within scope.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, scope: &Scope, id: ContactId) -> Result<Option<ContactRow>> {
    conn.query(ONE).scope(scope).bind(id).first().await
}

/// What a user is a contact of, or was.
///
/// # Errors
/// When the database fails.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<ContactRow>> {
    conn.query(OF_USER).bind(user).all().await
}

/// The active contacts of a customer but one, to decide by: two who demote each
/// other at once wait for one another here (C-5, C-6).
///
/// # Errors
/// When the database fails.
pub async fn others(conn: &mut Conn, customer: CustomerId, than: ContactId) -> Result<Vec<ContactRow>> {
    conn.query(LOCK_CUSTOMER).bind(customer).run().await?;
    conn.query(ACTIVE).bind(customer).bind(than).all().await
}

/// How many contacts an export leaves out, because no shop has a number for
/// their customer.
///
/// # Errors
/// When the database fails.
pub async fn count_without_number(conn: &mut Conn) -> Result<i64> {
    conn.query(COUNT_WITHOUT_NUMBER).one().await
}

/// Adds a contact with its person.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, row: &ContactRow) -> Result<()> {
    bulk::insert_contacts(conn, &[row]).await
}

/// Changes a contact and its person; false if somebody else was faster.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, row: &ContactRow) -> Result<bool> {
    conn.query(UPDATE_PERSON)
        .bind(&row.person_id)
        .bind(&row.first_name)
        .bind(&row.last_name)
        .bind(&row.email)
        .bind(&row.phone)
        .bind(&row.mobile)
        .bind(&row.salutation)
        .bind(&row.job_title)
        .run()
        .await?;
    let updated = conn
        .query(UPDATE)
        .bind(row.id)
        .bind(row.row_version)
        .bind(&row.roles)
        .bind(&row.access_level)
        .bind(&row.portal_right)
        .bind(&row.platform_role)
        .bind(row.receives_invoices)
        .bind(row.receives_statements)
        .bind(row.user_id)
        .bind(row.designated_by)
        .bind(row.is_active)
        .bind(row.is_primary)
        .run()
        .await?;
    Ok(updated > 0)
}

/// Gives a person an account; nobody gets in before it has a password.
///
/// # Errors
/// [`super::StoreError::Taken`] when the name is in use.
pub async fn insert_account(conn: &mut Conn, id: UserId, person_id: &str, username: &str) -> Result<()> {
    conn.query(INSERT_ACCOUNT).bind(id).bind(person_id).bind(username).bind(crate::text::fold(username)).run().await?;
    Ok(())
}

/// Changes the name that an account signs in with.
///
/// # Errors
/// [`super::StoreError::Taken`] when the name is in use.
pub async fn rename_account(conn: &mut Conn, id: UserId, username: &str) -> Result<()> {
    conn.query(RENAME_ACCOUNT).bind(id).bind(username).bind(crate::text::fold(username)).run().await?;
    Ok(())
}

/// The consents of a customer that are in force or will be.
///
/// # Errors
/// When the database fails.
pub async fn consents(conn: &mut Conn, customer: CustomerId) -> Result<Vec<ConsentRow>> {
    conn.query(CONSENTS).bind(customer).bind(At::now()).all().await
}

/// A consent of a customer within scope.
///
/// # Errors
/// When the database fails.
pub async fn consent(conn: &mut Conn, scope: &Scope, id: ConsentId) -> Result<Option<ConsentRow>> {
    conn.query(CONSENT).scope(scope).bind(id).first().await
}

/// Records a consent.
///
/// # Errors
/// When the database fails.
pub async fn give_consent(conn: &mut Conn, row: &ConsentRow) -> Result<()> {
    conn.query(GIVE_CONSENT)
        .bind(row.id)
        .bind(row.customer_id)
        .bind(&row.role)
        .bind(&row.given_by)
        .bind(row.valid_from)
        .bind(row.valid_to)
        .bind(row.recorded_by)
        .run()
        .await?;
    Ok(())
}

/// Ends a consent now; it is kept.
///
/// # Errors
/// When the database fails.
pub async fn end_consent(conn: &mut Conn, id: ConsentId) -> Result<bool> {
    Ok(conn.query(END_CONSENT).bind(id).bind(At::now()).run().await? > 0)
}

//! Contacts of customers: who they are, what they play in the company, what
//! they manage and how far their access goes (S1-1 … S1-13, S4-3 … S4-15).

use super::account_letter::AccountLetter;
use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::fault::Fault;
use super::powers::{level, narrowed_by_portal, of_contact};
use super::{form, grants, paging, references};
use crate::api::access_level::AccessLevel;
use crate::api::contact::{Contact, ContactDetails, ContactKind, ContactMore, ContactRole, PlatformRole, PortalRight};
use crate::api::ids::{ContactId, CustomerId, UserId};
use crate::api::lengths;
use crate::api::operation::{ChangeContact, CreateContact, GetContact, ListContacts};
use crate::api::page::Page;
use crate::api::people::{AccountContact, GrantScope, ScopeKind};
use crate::api::permission::{Permission, PermissionSet};
use crate::api::problem::{FieldFaults, Problem};
use crate::api::role::{Limit, Role};
use crate::api::session::UserKind;
use crate::store::contacts::{self, ContactRow};
use crate::store::{Scope, StoreError, customers, settings, users};
use crate::text::fold;

const VIEW: Permission = Permission::named("contact.view");
const MANAGE: Permission = Permission::named("contact.manage");
const ROLES: Permission = Permission::named("contact.role.manage");
const RIGHTS: Permission = Permission::named("contact.rights.manage");
pub(super) const CREDENTIALS: Permission = Permission::named("contact.credential.manage");

/// `GET /v1/customers/{id}/contacts`.
pub(super) async fn list(cx: &mut Cx, ask: Ask<ListContacts>) -> Answer<Page<Contact>> {
    let limit = paging::limit(ask.query.limit)?;
    let after: Option<String> = paging::place(ask.query.cursor.as_deref())?;
    let scope = cx.caller.scope(VIEW);
    let customer = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?.id;
    let rows = match own_only(cx, customer).await? {
        Some(own) => contacts::of_customer_own(&mut cx.conn, customer, own).await?,
        None => contacts::of_customer(&mut cx.conn, customer, after.as_deref().unwrap_or_default(), paging::one_more(limit)).await?,
    };
    let full = sees_all(cx, customer).await?;
    let place = |row: &ContactRow| paging::cursor(&row.id.to_string());
    Ok(Reply::ok(paging::page(rows, limit, None, place, |row| view(row, full))))
}

/// Oneself, where of this customer only the own contact may be seen.
async fn own_only(cx: &mut Cx, customer: CustomerId) -> Result<Option<UserId>, Fault> {
    let Some(own) = cx.caller.own_only(VIEW) else { return Ok(None) };
    let sees_all = customers::get(&mut cx.conn, &own.all_of, customer).await?.is_some();
    Ok((!sees_all).then_some(own.user))
}

/// Whether more than name and telephone may be seen.
async fn sees_all(cx: &mut Cx, customer: CustomerId) -> Result<bool, Fault> {
    let wider = cx.caller.scope_beyond(VIEW, Limit::Basic);
    Ok(customers::get(&mut cx.conn, &wider, customer).await?.is_some())
}

fn view(row: ContactRow, full: bool) -> Contact {
    let roles = row.roles.split(' ').filter_map(ContactRole::named).collect();
    let more = ContactMore {
        kind: ContactKind::named(&row.kind).unwrap_or(ContactKind::Person),
        salutation: row.salutation,
        job_title: row.job_title,
        email: row.email,
        mobile: row.mobile,
        roles,
        access_level: AccessLevel::named(&row.access_level).unwrap_or(AccessLevel::None),
        right: PortalRight::named(&row.portal_right).unwrap_or(PortalRight::None),
        platform_role: PlatformRole::named(&row.platform_role).unwrap_or(PlatformRole::None),
        receives_invoices: row.receives_invoices,
        receives_statements: row.receives_statements,
        primary: row.is_primary,
        active: row.is_active,
        username: row.username,
        has_password: row.has_password,
        designated_by: row.designated_by_name,
        version: row.row_version,
    };
    Contact { id: row.id, customer_id: row.customer_id, first: row.first_name, last: row.last_name, phone: row.phone, more: full.then_some(more) }
}

/// As whose contact an account within scope gets in.
pub(super) async fn of_account(cx: &mut Cx, scope: &Scope, user: UserId) -> Result<Vec<AccountContact>, Fault> {
    let rows = contacts::of_user(&mut cx.conn, user).await?;
    references::look_up(cx, &rows.iter().map(|row| Some(row.customer_id)).collect::<Vec<_>>()).await?;
    let seen = |row: ContactRow| {
        let access_level = level(&row);
        Some(AccountContact {
            id: row.id,
            customer: references::customer(cx, scope, Some(row.customer_id), Some(row.customer_name))?,
            right: PortalRight::named(&row.portal_right).unwrap_or(PortalRight::None),
            platform_role: PlatformRole::named(&row.platform_role).unwrap_or(PlatformRole::None),
            access_level,
            active: row.is_active,
        })
    };
    Ok(rows.into_iter().filter_map(seen).collect())
}

/// `GET /v1/contacts/{id}`.
pub(super) async fn show(cx: &mut Cx, ask: Ask<GetContact>) -> Answer<Contact> {
    let row = get(cx, &[VIEW], ask.path.id).await?;
    if own_only(cx, row.customer_id).await?.is_some_and(|own| row.user_id != Some(own)) {
        return Err(Problem::not_found().into());
    }
    let (version, full) = (row.row_version, sees_all(cx, row.customer_id).await?);
    Ok(Reply::ok(view(row, full)).version(version))
}

/// A contact of a customer that one of the permissions reaches.
pub(super) async fn get(cx: &mut Cx, permissions: &[Permission], id: ContactId) -> Result<ContactRow, Fault> {
    let mut reach = Scope::default();
    for permission in permissions {
        let scope = cx.caller.scope(*permission);
        reach.portal_only = scope.portal_only;
        reach.extend(&scope);
    }
    Ok(contacts::get(&mut cx.conn, &reach, id).await?.ok_or_else(Problem::not_found)?)
}

/// `POST /v1/customers/{id}/contacts`.
pub(super) async fn create(cx: &mut Cx, ask: Ask<CreateContact>) -> Answer<Contact> {
    let scope = cx.caller.scope(MANAGE);
    let customer = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?.id;
    let before = ContactRow::nobody(customer, ask.body.kind.unwrap_or(ContactKind::Person));
    let body = with_level(&before, ask.body);
    let row = changed(cx, &before, &body).await?;
    contacts::insert(&mut cx.conn, &row).await?;
    let row = match body.username.as_deref() {
        Some(name) => settle(cx, &before, row, Some(name)).await?,
        None => stored(cx, row.id).await?,
    };
    // With the level, also where it was not said.
    note(cx, &row);
    cx.noted.changed(serde_json::Value::Null, &body);
    let version = row.row_version;
    Ok(Reply::created(view(row, true)).version(version))
}

/// `PATCH /v1/contacts/{id}`.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangeContact>) -> Answer<Contact> {
    let before = get(cx, &[MANAGE, ROLES, RIGHTS, CREDENTIALS], ask.path.id).await?;
    check_version(&ask.if_match, before.row_version, view(before.clone(), true))?;
    if ask.body.kind.is_some_and(|kind| kind.name() != before.kind) {
        return Err(Problem::field("kind", "a person stays a person, a department a department").into());
    }
    let body = with_level(&before, ask.body);
    let row = changed(cx, &before, &body).await?;
    let renamed = body.username.as_deref().is_some_and(|name| before.username.as_deref() != Some(name));
    if row == before && !renamed {
        let version = row.row_version;
        cx.noted.skip();
        return Ok(Reply::ok(view(row, true)).version(version));
    }
    let row = settle(cx, &before, row, body.username.as_deref().filter(|_| renamed)).await?;
    note(cx, &row);
    let version = row.row_version;
    let (was, is) = (view(before, true), view(row, true));
    cx.noted.changed(&was, &is);
    Ok(Reply::ok(is).version(version))
}

/// What is done to a contact is done to its account.
fn note(cx: &mut Cx, row: &ContactRow) {
    cx.noted.on("contact", row.id).customer(row.customer_id);
    if let Some(user) = row.user_id {
        cx.noted.user(user);
    }
}

/// A user name without a level is given so that somebody gets in. Whose access
/// was taken away gets none back by another name.
fn with_level(before: &ContactRow, body: ContactDetails) -> ContactDetails {
    let is_first_name = before.user_id.is_none() && body.username.is_some() && level(before) == AccessLevel::None;
    let access_level = body.access_level.or(is_first_name.then_some(AccessLevel::OF_NEW_ACCOUNTS));
    ContactDetails { access_level, ..body }
}

/// The contact as the body wants it, each part by its own permission and rule.
async fn changed(cx: &mut Cx, before: &ContactRow, body: &ContactDetails) -> Result<ContactRow, Fault> {
    demand(cx, before, body).await?;
    let mut row = before.clone();
    let mut faults = FieldFaults::default();
    let country = cx.caller.country().to_owned();
    said(&mut row, body, &country, &mut faults);
    if row.last_name.is_empty() && body.last.is_none() {
        faults.add("last", "is required");
    }
    faults.settle()?;
    if let Some(roles) = &body.roles {
        let words: Vec<&str> = ContactRole::ALL.iter().filter(|role| roles.contains(role)).map(|role| role.name()).collect();
        row.roles = words.join(" ");
    }
    row.portal_right = body.right.map_or(row.portal_right, |right| right.name().to_owned());
    row.platform_role = body.platform_role.map_or(row.platform_role, |role| role.name().to_owned());
    row.access_level = body.access_level.map_or(row.access_level, |level| level.name().to_owned());
    if access(&row) != access(before) {
        refuse_own(cx, before)?;
        refuse_beyond(cx, &row, "You can give nobody more than you have yourself.").await?;
        if row.access_level != before.access_level {
            refuse_over_who_decides(cx, before).await?;
        }
        keep_an_administrator(cx, before, &row).await?;
    }
    // By a link that goes to his address one would be that person.
    if row.email != before.email && before.user_id.is_some_and(|user| user != cx.caller.id()) {
        refuse_stronger(cx, before).await?;
    }
    if designates(before, &row) {
        row.designated_by = Some(cx.caller.id());
    }
    Ok(row)
}

/// Whether somebody becomes what he was not (S1-5): is given a right or a
/// platform role, or is let in whom nobody had named. Whoever sets another level,
/// takes something away or shuts him out does not answer for him, and whoever
/// named him still does.
fn designates(before: &ContactRow, after: &ContactRow) -> bool {
    let gives = |was: &str, is: &str, none: &str| is != was && is != none;
    let lets_in = level(before) == AccessLevel::None && level(after) != AccessLevel::None;
    gives(&before.portal_right, &after.portal_right, PortalRight::None.name())
        || gives(&before.platform_role, &after.platform_role, PlatformRole::None.name())
        || (before.designated_by.is_none() && lets_in)
}

/// What decides what a contact may do.
fn access(row: &ContactRow) -> (&str, &str, &str, bool) {
    (&row.portal_right, &row.platform_role, &row.access_level, row.is_active)
}

/// Each part of the body needs its own permission, at this customer.
async fn demand(cx: &mut Cx, row: &ContactRow, body: &ContactDetails) -> Result<(), Fault> {
    let details = ContactDetails { roles: None, right: None, platform_role: None, access_level: None, username: None, ..body.clone() };
    let wanted = [
        (MANAGE, details != ContactDetails::default()),
        (ROLES, body.roles.is_some()),
        (RIGHTS, body.right.is_some() || body.platform_role.is_some()),
        (CREDENTIALS, body.access_level.is_some() || body.username.is_some()),
    ];
    for (permission, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
        let scope = cx.caller.scope(permission);
        if customers::get(&mut cx.conn, &scope, row.customer_id).await?.is_none() {
            return Err(Problem::missing(vec![permission]).into());
        }
    }
    Ok(())
}

fn said(row: &mut ContactRow, body: &ContactDetails, country: &str, faults: &mut FieldFaults) {
    if let Some(first) = &body.first {
        row.first_name = form::text(faults, "first", Some(first), lengths::NAME).unwrap_or_default();
    }
    if let Some(last) = &body.last {
        row.last_name = form::required(faults, "last", last, lengths::NAME);
    }
    let line = |faults: &mut FieldFaults, slot: &mut Option<String>, field: &str, said: &Option<String>| {
        if said.is_some() {
            *slot = form::text(faults, field, said.as_deref(), lengths::NAME);
        }
    };
    line(faults, &mut row.salutation, "salutation", &body.salutation);
    line(faults, &mut row.job_title, "job_title", &body.job_title);
    if body.email.is_some() {
        row.email = form::email(faults, "email", body.email.as_deref());
    }
    if body.phone.is_some() {
        row.phone = form::phone(faults, "phone", body.phone.as_deref(), country);
    }
    if body.mobile.is_some() {
        row.mobile = form::phone(faults, "mobile", body.mobile.as_deref(), country);
    }
    row.is_primary = body.primary.unwrap_or(row.is_primary);
    row.receives_invoices = body.receives_invoices.unwrap_or(row.receives_invoices);
    row.receives_statements = body.receives_statements.unwrap_or(row.receives_statements);
    row.is_active = body.active.unwrap_or(row.is_active);
}

/// Nobody changes what he himself may do (I-2).
pub(super) fn refuse_own(cx: &Cx, row: &ContactRow) -> Result<(), Fault> {
    if row.user_id == Some(cx.caller.id()) {
        return Err(
            Problem::with_status(403, "grants.own", "Nobody changes his own access", "Nobody changes his own access: ask another administrator.").into()
        );
    }
    Ok(())
}

/// A customer's administrator gives no more than he has himself at that
/// customer.
async fn refuse_beyond(cx: &mut Cx, row: &ContactRow, detail: &str) -> Result<(), Fault> {
    let roles = of_contact(row).into_iter().map(|held| held.role).collect();
    refuse_roles_beyond(cx, row.customer_id, roles, detail).await
}

/// The same for roles as such: given to a contact, or lent to the dealer.
pub(super) async fn refuse_roles_beyond(cx: &mut Cx, customer: CustomerId, roles: Vec<Role>, detail: &str) -> Result<(), Fault> {
    if cx.caller.kind() != UserKind::Customer {
        return Ok(());
    }
    let portal = settings::portal(&mut cx.conn).await?;
    let given: Vec<Role> = roles.into_iter().map(|role| narrowed_by_portal(&portal, role)).collect();
    grants::refuse(grants::beyond(cx, &given, &all_of(customer), |_| true).await?, detail)
}

/// Nobody lays hands on the account of somebody who belongs elsewhere too, or
/// may do more: with its password or under its name he would be that person.
pub(super) async fn refuse_stronger(cx: &mut Cx, contact: &ContactRow) -> Result<(), Fault> {
    refuse_over_who_decides(cx, contact).await?;
    let Some(user) = contact.user_id else { return Ok(()) };
    let reach = Scope { portal_only: false, ..cx.caller.scope(CREDENTIALS) };
    if users::account(&mut cx.conn, &reach, user).await?.is_none() {
        let detail = "This account also reaches what is beyond yours: ask an administrator of your dealer.";
        return Err(Problem::with_status(403, "rights.beyond_own", "More than you have yourself", detail).into());
    }
    let detail = "This account may do more than yours, or will with access: ask your dealer.";
    // Who has no access now may get any, and keeps the password.
    let mut at_most = contact.clone();
    if level(contact) == AccessLevel::None {
        at_most.access_level = AccessLevel::CarrierView.name().to_owned();
    }
    refuse_beyond(cx, &at_most, detail).await?;
    if cx.caller.kind() == UserKind::Customer {
        for grant in users::grants_to_come(&mut cx.conn, user).await? {
            let role = grants::role(cx, &grant.role).await?;
            let beyond = grants::beyond(cx, &[role], &grants::view(grant).scope, |_| true).await?;
            grants::refuse(beyond, detail)?;
        }
    }
    Ok(())
}

/// Nobody lays hands on the access of somebody who says what others may do, at
/// whatever level he is now, unless he may say that there himself: otherwise he
/// would give in that person's name what he may not give.
async fn refuse_over_who_decides(cx: &mut Cx, contact: &ContactRow) -> Result<(), Fault> {
    refuse_one_who_decides(cx, contact).await?;
    match contact.user_id {
        Some(user) => refuse_account_that_decides(cx, user).await,
        None => Ok(()),
    }
}

/// The same for an account: as whichever contact, and by whatever grant.
pub(super) async fn refuse_account_that_decides(cx: &mut Cx, user: UserId) -> Result<(), Fault> {
    for contact in contacts::of_user(&mut cx.conn, user).await? {
        refuse_one_who_decides(cx, &contact).await?;
    }
    for grant in users::grants_to_come(&mut cx.conn, user).await? {
        let role = grants::role(cx, &grant.role).await?;
        refuse_deciding(cx, vec![role], &grants::view(grant).scope).await?;
    }
    Ok(())
}

async fn refuse_one_who_decides(cx: &mut Cx, contact: &ContactRow) -> Result<(), Fault> {
    let at_most = ContactRow { access_level: AccessLevel::CarrierView.name().to_owned(), ..contact.clone() };
    let roles = of_contact(&at_most).into_iter().map(|held| held.role).collect();
    refuse_deciding(cx, roles, &all_of(contact.customer_id)).await
}

async fn refuse_deciding(cx: &mut Cx, roles: Vec<Role>, there: &GrantScope) -> Result<(), Fault> {
    let only: PermissionSet = [RIGHTS].into_iter().collect();
    let deciding: Vec<Role> = roles.into_iter().map(|role| role.narrowed(only)).collect();
    let detail = "This person decides what others may do: ask somebody who may give rights.";
    grants::refuse(grants::beyond(cx, &deciding, there, |_| true).await?, detail)
}

/// A customer as a scope.
fn all_of(customer: CustomerId) -> GrantScope {
    GrantScope { kind: ScopeKind::Customer, id: Some(customer.to_string()), name: None }
}

fn no_portal_administrator() -> Fault {
    Problem::new("rights.no_portal_administrator", "Name a portal administrator first.").into()
}

/// S1-8, for rights that are given as roles.
pub(super) async fn demand_administrator(cx: &mut Cx, customer: CustomerId) -> Result<(), Fault> {
    // All of them: there is no contact of a new id.
    let people = contacts::others(&mut cx.conn, customer, ContactId::new()).await?;
    if people.iter().any(ContactRow::administers) { Ok(()) } else { Err(no_portal_administrator()) }
}

/// C-6, for an account that is about to be locked or disabled.
pub(super) async fn keep_administrators_without(cx: &mut Cx, user: UserId) -> Result<(), Fault> {
    let people = contacts::of_user(&mut cx.conn, user).await?;
    for before in people.into_iter().filter(ContactRow::administers) {
        let after = ContactRow { is_shut_out: true, ..before.clone() };
        keep_an_administrator(cx, &before, &after).await?;
    }
    Ok(())
}

/// Whether it keeps the right that it has, or less of it: that is refused to
/// nobody, though the administrator above cannot act as one now.
fn keeps_at_most(before: &ContactRow, after: &ContactRow) -> bool {
    before.is_below_an_administrator() && after.portal_right == before.portal_right && after.taken_away().includes(before.taken_away())
}

/// C-5, S1-8: nobody below before there is a portal administrator; C-6, S1-6:
/// the last one stays while anybody below is there.
async fn keep_an_administrator(cx: &mut Cx, before: &ContactRow, after: &ContactRow) -> Result<(), Fault> {
    let others = contacts::others(&mut cx.conn, after.customer_id, after.id).await?;
    if others.iter().any(ContactRow::administers) || after.administers() {
        return Ok(());
    }
    if !before.administers() {
        return if after.is_below_an_administrator() && !keeps_at_most(before, after) { Err(no_portal_administrator()) } else { Ok(()) };
    }
    if others.iter().chain([after]).any(ContactRow::is_below_an_administrator) {
        let detail = "This is the last portal administrator, and other contacts have rights. Name another one first.";
        return Err(Problem::new("rights.last_portal_administrator", detail).into());
    }
    Ok(())
}

/// Writes the contact with its account; whoever has no access any more is
/// signed out with the same commit (S4-15, I-4), and no link that was mailed to
/// who he was then sets his password any more.
async fn settle(cx: &mut Cx, before: &ContactRow, mut row: ContactRow, username: Option<&str>) -> Result<ContactRow, Fault> {
    if let Some(name) = username {
        let name = user_name(name)?;
        let taken = |error| match error {
            StoreError::Taken => Problem::field("username", "is taken: choose another").into(),
            other => Fault::from(other),
        };
        match row.user_id {
            Some(user) => {
                refuse_own(cx, before)?;
                refuse_stronger(cx, before).await?;
                contacts::rename_account(&mut cx.conn, user, &name).await.map_err(taken)?;
            }
            None => {
                refuse_over_who_decides(cx, before).await?;
                let user = UserId::new();
                contacts::insert_account(&mut cx.conn, user, &row.person_id, &name).await.map_err(taken)?;
                row.user_id = Some(user);
            }
        }
        row.username = Some(name);
    }
    let gets_in = |row: &ContactRow| row.is_active && level(row) != AccessLevel::None;
    let is_let_out = access(before) != access(&row) && !gets_in(&row);
    if let Some(user) = before.user_id.filter(|_| username.is_some() || row.email != before.email || is_let_out) {
        users::forget_links(&mut cx.conn, user).await?;
        tell_of_address(cx, user, before.email.as_deref(), row.email.as_deref()).await?;
    }
    if !contacts::update(&mut cx.conn, &row).await? {
        let present = get(cx, &[MANAGE, ROLES, RIGHTS, CREDENTIALS], row.id).await?;
        return Err(version_stale(view(present, true)).into());
    }
    if let Some(user) = row.user_id.filter(|_| gets_in(before) && !gets_in(&row)) {
        // The account's own state is an administrator's word and stays.
        users::end_sessions(&mut cx.conn, user).await?;
    }
    stored(cx, row.id).await
}

/// Whose account has another address now is told at the one that it had.
pub(super) async fn tell_of_address(cx: &mut Cx, user: UserId, was: Option<&str>, is: Option<&str>) -> Result<(), Fault> {
    if was != is {
        let account = users::by_id(&mut cx.conn, user).await?;
        cx.told = account.and_then(|account| AccountLetter::moved(account, was.map(str::to_owned), is, cx.caller.time_zone()));
    }
    Ok(())
}

/// The contact as it was just written.
async fn stored(cx: &mut Cx, id: ContactId) -> Result<ContactRow, Fault> {
    Ok(contacts::get(&mut cx.conn, &Scope::deployment(), id).await?.ok_or_else(Problem::not_found)?)
}

/// A name to sign in with (S4-11): 3 to 60 characters without spaces.
pub(super) fn user_name(written: &str) -> Result<String, Problem> {
    let name = crate::text::clean_line(written);
    let fits = |text: &str| (lengths::SHORTEST_USERNAME..=lengths::USERNAME).contains(&text.chars().count());
    if !fits(written) || !fits(&name) || name.chars().any(char::is_whitespace) || fold(&name).is_empty() {
        return Err(Problem::field("username", "3 to 60 characters without spaces"));
    }
    Ok(name)
}

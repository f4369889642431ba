//! The table of operations: the one source of paths, methods and permissions.
//!
//! From it come the router (`server::router`), the refusals, `/openapi.json`
//! and `/docs`, the client's calls, what the terminal greys, and the tests that
//! walk every role through every operation.
//!
//! **Adding an operation** is one row here and one function in `server`, which
//! the row names last. A row reads: type name, method, path, what it needs,
//! (path parameters, query, body) → answer, handler, sentence for the docs,
//! then what the rules of `server::openapi` do not tell: `done` with a status of
//! its own, `more` permissions for some bodies, `also` refused with a status.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::access::Needs;
use super::ids::{
    AssetId, ConsentId, ContactId, CustomerId, DeviceSignInId, GrantId, KioskId, OrganizationId, ReadingId, RequestId, SessionId, ShopId, UserId,
};
use super::page::{Nothing, Page, PageQuery};
use super::permission::Permission;
use super::{asset, audit, contact, customer, device_sign_in, meter, people, place, portal, service, session};

/// HTTP methods of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or acts; takes an idempotency key.
    Post,
    /// Changes some fields.
    Patch,
    /// Sets.
    Put,
    /// Ends.
    Delete,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// The operation's name, unique.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path with `{parameters}`.
    pub path: &'static str,
    /// What it needs, decided before body and record are looked at.
    pub needs: Needs,
    /// What only some bodies need (`x-permission-more`).
    pub more: &'static [Permission],
    /// The status where it is done.
    pub done: u16,
    /// Statuses of refusals that no rule tells.
    pub also: &'static [u16],
    /// One sentence for the docs.
    pub summary: &'static str,
    /// The shapes, for the OpenAPI document and for whoever needs a receipt.
    pub shapes: Shapes,
}

/// How the shapes of an operation are described.
#[derive(Debug, Clone, Copy)]
pub struct Shapes {
    /// Path parameters. A terminal by itself describes nothing.
    #[cfg(any(feature = "server", test))]
    pub path: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Query parameters.
    #[cfg(any(feature = "server", test))]
    pub query: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Body.
    #[cfg(any(feature = "server", test))]
    pub body: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Answer.
    #[cfg(any(feature = "server", test))]
    pub answer: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Whether these bytes can be an answer.
    pub is_answer: fn(&[u8]) -> bool,
}

impl Shapes {
    /// Those of an operation.
    #[must_use]
    pub const fn of<O: Operation>() -> Self {
        Self {
            #[cfg(any(feature = "server", test))]
            path: |generator| O::Path::json_schema(generator),
            #[cfg(any(feature = "server", test))]
            query: |generator| generator.subschema_for::<O::Query>(),
            #[cfg(any(feature = "server", test))]
            body: |generator| generator.subschema_for::<O::Body>(),
            #[cfg(any(feature = "server", test))]
            answer: |generator| generator.subschema_for::<O::Answer>(),
            is_answer: |bytes| serde_json::from_slice::<O::Answer>(bytes).is_ok(),
        }
    }
}

/// An operation as a type, so that client and handler agree on its shapes.
pub trait Operation: Send + Sync + 'static {
    /// Path parameters.
    type Path: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// Query parameters.
    type Query: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// Body.
    type Body: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// Answer.
    type Answer: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// Its row.
    const ENDPOINT: Endpoint;
}

macro_rules! path_types {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            pub struct $name { $(#[doc = concat!("`{", stringify!($field), "}`.")] pub $field: $kind),* }
        )*
    };
}

path_types! {
    /// Of one customer.
    OfCustomer { id: CustomerId }
    /// Of one asset.
    OfAsset { id: AssetId }
    /// Of one meter of an asset.
    OfMeter { id: AssetId, meter: String }
    /// Of one reading.
    OfReading { id: ReadingId }
    /// Of one sign-in at the identity provider.
    OfDeviceSignIn { id: DeviceSignInId }
    /// Of one service request.
    OfRequest { id: RequestId }
    /// Of one contact.
    OfContact { id: ContactId }
    /// Of one consent.
    OfConsent { id: ConsentId }
    /// Of one user.
    OfUser { id: UserId }
    /// Of one grant of a user.
    OfGrant { id: UserId, grant: GrantId }
    /// Of one session of a user.
    OfUserSession { id: UserId, session: SessionId }
    /// Of one of one's own sessions.
    OfSession { id: SessionId }
    /// Of one role.
    OfRole { key: String }
    /// Of one organization.
    OfOrganization { id: OrganizationId }
    /// Of one shop.
    OfShop { id: ShopId }
    /// Of one workshop terminal.
    OfKiosk { id: KioskId }
}

/// Calls a macro with all rows of the table.
macro_rules! for_each_operation {
    ($then:path) => {
        $then! {
            SignIn = POST "/v1/sessions", open, (Nothing, Nothing, session::SignIn) -> session::SignedIn, sessions::sign_in, "Sign in", also [401, 403, 429];
            BeginDeviceSignIn = POST "/v1/device-sign-ins", open, (Nothing, Nothing, Nothing) -> device_sign_in::DeviceSignIn, device_sign_ins::begin, "Begin to sign in with the dealer's account: what to show the person", also [404, 429, 502];
            PollDeviceSignIn = POST "/v1/device-sign-ins/{id}", open, (OfDeviceSignIn, Nothing, device_sign_in::DevicePoll) -> device_sign_in::DeviceState, device_sign_ins::poll, "Ask whether the person is done at the identity provider", done 200, also [400, 401, 403, 410, 502];
            GetSession = GET "/v1/session", signed_in, (Nothing, Nothing, Nothing) -> session::Session, sessions::show, "Who is signed in, and what the session may do";
            ChangeSession = PATCH "/v1/session", signed_in, (Nothing, Nothing, session::SessionChange) -> session::Session, sessions::change, "Work in another shop, or look at another of one's customers", also [404];
            ChangePassword = PUT "/v1/session/password", signed_in, (Nothing, Nothing, session::PasswordChange) -> session::Session, sessions::change_password, "Change one's own password; all other sessions of this user end", also [429];
            ListSessions = GET "/v1/sessions", signed_in, (Nothing, Nothing, Nothing) -> Page<people::OpenSession>, sessions::list, "One's own sessions";
            EndSession = DELETE "/v1/sessions/{id}", signed_in, (OfSession, Nothing, Nothing) -> Nothing, sessions::end, "End one of one's own sessions";
            EndOtherSessions = DELETE "/v1/sessions", signed_in, (Nothing, Nothing, Nothing) -> Nothing, sessions::end_others, "End all of one's own sessions but the one that asks";
            ActFor = PUT "/v1/session/acting", all["customer.act_on_behalf"], (Nothing, Nothing, session::NewActing) -> session::Session, acting::begin, "Work on behalf of a customer that gave its consent, or look through a contact's eyes", also [404];
            StopActing = DELETE "/v1/session/acting", signed_in, (Nothing, Nothing, Nothing) -> Nothing, acting::stop, "Be oneself again";
            UsePasswordLink = POST "/v1/password-links", open, (Nothing, Nothing, session::LinkedPassword) -> Nothing, credentials::use_link, "Set the password that a mailed link allows to set, once", done 200;
            SignInKiosk = POST "/v1/kiosk-sessions", open, (Nothing, Nothing, portal::KioskSignIn) -> session::SignedIn, kiosks::sign_in, "Begin at a workshop terminal with its device token", also [401, 403];
            SignOut = DELETE "/v1/session", signed_in, (Nothing, Nothing, Nothing) -> Nothing, sessions::sign_out, "Sign out";

            SearchCustomers = GET "/v1/customers", all["customer.search"], (Nothing, customer::CustomerQuery, Nothing) -> Page<customer::CustomerHit>, customers::search, "Find customers by name, city, state or number";
            CreateCustomer = POST "/v1/customers", all["customer.create"], (Nothing, Nothing, customer::NewCustomer) -> customer::Customer, customers::create, "Create a customer";
            GetCustomer = GET "/v1/customers/{id}", all["customer.view"], (OfCustomer, Nothing, Nothing) -> customer::Customer, customers::show, "One customer";
            ChangeCustomer = PATCH "/v1/customers/{id}", all["customer.edit"], (OfCustomer, Nothing, customer::CustomerChange) -> customer::Customer, customers::change, "Change a local customer";
            SetCustomerNumber = PUT "/v1/customers/{id}/number", any["customer.dms_number.set_blank", "customer.dms_number.change"], (OfCustomer, Nothing, customer::NumberChange) -> customer::Customer, customer_numbers::set, "Set the number in the dealer's business system", more ["customer.dms_number.change"];
            ListCustomerAssets = GET "/v1/customers/{id}/assets", all["asset.list.view"], (OfCustomer, PageQuery, Nothing) -> Page<asset::AssetHeader>, assets::of_customer, "The assets of a customer";

            ListContacts = GET "/v1/customers/{id}/contacts", all["contact.view"], (OfCustomer, PageQuery, Nothing) -> Page<contact::Contact>, contacts::list, "The contacts of a customer";
            CreateContact = POST "/v1/customers/{id}/contacts", all["contact.manage"], (OfCustomer, Nothing, contact::ContactDetails) -> contact::Contact, contacts::create, "Add a person or a department to a customer", more ["contact.role.manage", "contact.rights.manage", "contact.credential.manage"];
            GetContact = GET "/v1/contacts/{id}", all["contact.view"], (OfContact, Nothing, Nothing) -> contact::Contact, contacts::show, "One contact";
            ChangeContact = PATCH "/v1/contacts/{id}", any["contact.manage", "contact.role.manage", "contact.rights.manage", "contact.credential.manage"], (OfContact, Nothing, contact::ContactDetails) -> contact::Contact, contacts::change, "Change a contact, what it plays in the company and how far its access goes", more ["contact.manage", "contact.role.manage", "contact.rights.manage", "contact.credential.manage"];
            GenerateContactPassword = POST "/v1/contacts/{id}/password", all["contact.credential.manage"], (OfContact, Nothing, Nothing) -> contact::GeneratedPassword, credentials::generate_for_contact, "Give a contact a new password, shown this once; its sessions end";
            SendContactLink = POST "/v1/contacts/{id}/password-link", all["contact.credential.manage"], (OfContact, Nothing, Nothing) -> contact::LinkSent, credentials::send_to_contact, "Mail a contact a link to set a password, once", also [429];
            ListConsents = GET "/v1/customers/{id}/consents", any["contact.rights.manage", "customer.act_on_behalf"], (OfCustomer, Nothing, Nothing) -> Page<contact::Consent>, acting::consents, "Who of a customer lets the dealer's people act for it";
            GiveConsent = POST "/v1/customers/{id}/consents", all["contact.rights.manage"], (OfCustomer, Nothing, contact::NewConsent) -> contact::Consent, acting::consent, "Record that a customer lets the dealer's people act for it";
            EndConsent = DELETE "/v1/consents/{id}", all["contact.rights.manage"], (OfConsent, Nothing, Nothing) -> Nothing, acting::end_consent, "Take a consent back, at once";

            LookUpAsset = GET "/v1/assets/lookup", all["asset.lookup"], (Nothing, asset::LookupQuery, Nothing) -> asset::LookupAnswer, lookup::look_up, "Find assets by number, plate, VIN or the end of the VIN";
            GetAsset = GET "/v1/assets/{id}", all["asset.lookup"], (OfAsset, Nothing, Nothing) -> asset::Asset, assets::show, "One asset with the sections that the role may see";
            GetIdentification = GET "/v1/assets/{id}/identification", all["asset.identification.view"], (OfAsset, Nothing, Nothing) -> asset::Identification, assets::identification, "What identifies an asset";
            ListMeters = GET "/v1/assets/{id}/meters", all["meter.view"], (OfAsset, Nothing, Nothing) -> Page<meter::Meter>, meters::list, "The meters of an asset";
            ListReadings = GET "/v1/assets/{id}/meters/{meter}/readings", all["meter.view"], (OfMeter, PageQuery, Nothing) -> Page<meter::Reading>, meters::readings, "The readings of a meter, the newest first";
            AddReading = POST "/v1/assets/{id}/readings", all["meter.reading.add_edit"], (OfAsset, Nothing, meter::NewReading) -> meter::ReadingAdded, meters::add_reading, "Add a meter reading", more ["meter.override"];
            VoidReading = POST "/v1/readings/{id}/void", all["meter.reading.void"], (OfReading, Nothing, meter::Reason) -> meter::Reading, meters::void, "Take a reading out; it is kept and shown, and never counts", done 200;
            RestoreReading = POST "/v1/readings/{id}/restore", all["meter.reading.void"], (OfReading, Nothing, Nothing) -> meter::Reading, meters::restore, "Count a void reading again, if it still fits", done 200;
            ReplaceMeter = POST "/v1/assets/{id}/meters/{meter}/replace", all["meter.replace"], (OfMeter, Nothing, meter::Replacement) -> meter::Meter, meters::replace, "Say that a meter was replaced; its life goes on";

            ListAssetRequests = GET "/v1/assets/{id}/service-requests", all["service_request.view"], (OfAsset, PageQuery, Nothing) -> Page<service::ServiceRequest>, requests::of_asset, "The service requests of an asset";
            RequestService = POST "/v1/assets/{id}/service-requests", all["service_request.add_edit"], (OfAsset, Nothing, service::NewRequest) -> service::ServiceRequest, requests::create, "Request service for an asset";
            RequestServiceByUnit = POST "/v1/service-requests", all["service_request.add_edit"], (Nothing, Nothing, service::NewRequestByUnit) -> service::RequestAccepted, requests::create_by_unit, "Request service by unit number, for roles that may not look assets up", also [404];
            ListRequests = GET "/v1/service-requests", all["service_request.view"], (Nothing, service::RequestQuery, Nothing) -> Page<service::ServiceRequest>, requests::list, "Service requests, the newest first";
            GetRequest = GET "/v1/service-requests/{id}", all["service_request.view"], (OfRequest, Nothing, Nothing) -> service::ServiceRequest, requests::show, "One service request";
            CancelRequest = POST "/v1/service-requests/{id}/cancel", all["service_request.cancel"], (OfRequest, Nothing, meter::Reason) -> service::ServiceRequest, requests::cancel, "Cancel a service request", done 200, also [412];
            ListRepairs = GET "/v1/assets/{id}/repairs", all["repair.pending.view"], (OfAsset, service::RepairQuery, Nothing) -> Page<service::Repair>, requests::repairs_of_asset, "Open and pending repairs of an asset";

            ListServiceCodes = GET "/v1/service-codes", signed_in, (Nothing, place::ServiceCodeQuery, Nothing) -> Page<place::ServiceCode>, places::service_codes, "The pre-defined services";
            ListShops = GET "/v1/shops", signed_in, (Nothing, PageQuery, Nothing) -> Page<place::Shop>, places::shops, "The shops within one's scope";
            ListOrganizations = GET "/v1/organizations", signed_in, (Nothing, PageQuery, Nothing) -> Page<place::Organization>, places::organizations, "The organizations within one's scope";
            CreateOrganization = POST "/v1/organizations", all["org.manage"], (Nothing, Nothing, place::NewOrganization) -> place::Organization, places::create_organization, "Add an owner of assets";
            ChangeOrganization = PATCH "/v1/organizations/{id}", all["org.manage"], (OfOrganization, Nothing, place::OrganizationChange) -> place::Organization, places::change_organization, "Change an owner of assets: its name, its customer, whether portals see it";
            CreateShop = POST "/v1/shops", all["shop.manage"], (Nothing, Nothing, place::NewShop) -> place::Shop, places::create_shop, "Add a shop";
            ChangeShop = PATCH "/v1/shops/{id}", all["shop.manage"], (OfShop, Nothing, place::ShopChange) -> place::Shop, places::change_shop, "Change a shop";
            GetPortalSettings = GET "/v1/portal-settings", all["portal_settings.manage"], (Nothing, Nothing, Nothing) -> portal::PortalSettings, portal::show, "What customers and workshop terminals may do here";
            ChangePortalSettings = PATCH "/v1/portal-settings", all["portal_settings.manage"], (Nothing, Nothing, portal::PortalChange) -> portal::PortalSettings, portal::change, "Change what customers and workshop terminals may do here";
            SetServiceCode = POST "/v1/service-codes", all["portal_settings.manage"], (Nothing, Nothing, place::ServiceCode) -> place::ServiceCode, places::set_service_code, "Add or rename a pre-defined service";
            ListKiosks = GET "/v1/kiosks", all["portal_settings.manage"], (Nothing, Nothing, Nothing) -> Page<portal::Kiosk>, kiosks::list, "The workshop terminals";
            EnrolKiosk = POST "/v1/kiosks", all["portal_settings.manage"], (Nothing, Nothing, portal::NewKiosk) -> portal::EnrolledKiosk, kiosks::enrol, "Give a workshop terminal its device token, shown this once";
            ChangeKiosk = PATCH "/v1/kiosks/{id}", all["portal_settings.manage"], (OfKiosk, Nothing, portal::KioskChange) -> portal::Kiosk, kiosks::change, "Change what a workshop terminal may do, or switch it off";
            ReplaceKioskToken = POST "/v1/kiosks/{id}/token", all["portal_settings.manage"], (OfKiosk, Nothing, Nothing) -> portal::EnrolledKiosk, kiosks::replace_token, "Give a workshop terminal another device token, shown this once; the old one is good for nothing then";

            ListUsers = GET "/v1/users", all["user.manage"], (Nothing, PageQuery, Nothing) -> Page<people::Account>, users::list, "The users within one's scope";
            CreateUser = POST "/v1/users", all["user.manage"], (Nothing, Nothing, people::NewAccount) -> people::Account, users::create, "Add a user";
            GetUser = GET "/v1/users/{id}", all["user.manage"], (OfUser, Nothing, Nothing) -> people::Account, users::show, "One user";
            ChangeUser = PATCH "/v1/users/{id}", all["user.manage"], (OfUser, Nothing, people::AccountChange) -> people::Account, users::change, "Change a user, or let it in no more: its sessions end at once";
            GenerateUserPassword = POST "/v1/users/{id}/password", all["user.manage"], (OfUser, Nothing, Nothing) -> contact::GeneratedPassword, credentials::generate_for_user, "Give a user a new password, shown this once; its sessions end";
            SendUserLink = POST "/v1/users/{id}/password-link", all["user.manage"], (OfUser, Nothing, Nothing) -> contact::LinkSent, credentials::send_to_user, "Mail a user a link to set a password, once", also [429];
            GiveGrant = POST "/v1/users/{id}/grants", all["user.manage"], (OfUser, Nothing, people::NewGrant) -> people::Account, grants::give, "Give a user a role with a scope, for a time";
            EndGrant = DELETE "/v1/users/{id}/grants/{grant}", all["user.manage"], (OfGrant, Nothing, Nothing) -> Nothing, grants::end, "Take a role from a user, at once";
            ListUserSessions = GET "/v1/users/{id}/sessions", all["user.manage"], (OfUser, Nothing, Nothing) -> Page<people::OpenSession>, users::sessions, "The sessions of a user";
            EndUserSession = DELETE "/v1/users/{id}/sessions/{session}", all["user.manage"], (OfUserSession, Nothing, Nothing) -> Nothing, users::end_session, "End a session of a user";
            ListRoles = GET "/v1/roles", any["role.manage", "user.manage"], (Nothing, Nothing, Nothing) -> Page<people::RoleView>, roles::list, "The roles that can be given, with what each grants";
            CopyRole = POST "/v1/roles", all["role.manage"], (Nothing, Nothing, people::NewRole) -> people::RoleView, roles::copy, "Copy a role to edit the copy";
            ChangeRole = PATCH "/v1/roles/{key}", all["role.manage"], (OfRole, Nothing, people::RoleChange) -> people::RoleView, roles::change, "Edit a role of one's own; those that ship cannot be edited";

            CustomerHistory = GET "/v1/customers/{id}/history", all["audit.view"], (OfCustomer, audit::AuditQuery, Nothing) -> Page<audit::AuditEntry>, history::of_customer, "Who did what to a customer";
            AssetHistory = GET "/v1/assets/{id}/history", all["audit.view"], (OfAsset, audit::AuditQuery, Nothing) -> Page<audit::AuditEntry>, history::of_asset, "Who did what to an asset";
            UserHistory = GET "/v1/users/{id}/history", all["audit.view"], (OfUser, audit::AuditQuery, Nothing) -> Page<audit::AuditEntry>, history::of_user, "What was done to a user, and by it";
        }
    };
}
#[cfg(feature = "server")]
pub(crate) use for_each_operation;

macro_rules! permissions {
    ($($name:literal),* $(,)?) => { const { &[$(Permission::named($name)),*] } };
}

macro_rules! needs {
    (open) => { Needs::Open };
    (signed_in) => { Needs::SignedIn };
    (all [$($name:literal),*]) => { Needs::All(permissions![$($name),*]) };
    (any [$($name:literal),*]) => { Needs::Any(permissions![$($name),*]) };
}

macro_rules! method {
    (GET) => {
        Method::Get
    };
    (POST) => {
        Method::Post
    };
    (PATCH) => {
        Method::Patch
    };
    (PUT) => {
        Method::Put
    };
    (DELETE) => {
        Method::Delete
    };
}

/// Reading and changing is 200, creating 201, ending 204, unless a row says so.
macro_rules! done {
    (POST) => {
        201
    };
    (DELETE) => {
        204
    };
    ($method:ident) => {
        200
    };
    ($method:ident $done:literal) => {
        $done
    };
}

macro_rules! define_operations {
    ($($name:ident = $method:ident $path:literal, $rule:ident $([$($need:literal),*])?, ($at:ty, $query:ty, $body:ty) -> $answer:ty, $module:ident::$handler:ident, $summary:literal $(, done $done:literal)? $(, more [$($more:literal),*])? $(, also [$($also:literal),*])?;)*) => {
        $(
            #[doc = concat!($summary, ": `", stringify!($method), " ", $path, "`.")]
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Operation for $name {
                type Path = $at;
                type Query = $query;
                type Body = $body;
                type Answer = $answer;
                const ENDPOINT: Endpoint = Endpoint {
                    name: stringify!($name),
                    method: method!($method),
                    path: $path,
                    needs: needs!($rule $([$($need),*])?),
                    more: permissions![$($($more),*)?],
                    done: done!($method $($done)?),
                    also: &[$($($also),*)?],
                    summary: $summary,
                    shapes: Shapes::of::<$name>(),
                };
            }
        )*

        /// Every operation, in the order of the table.
        pub static ENDPOINTS: &[Endpoint] = &[$($name::ENDPOINT),*];
    };
}

for_each_operation!(define_operations);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_operations_answer_the_same_call() {
        let calls: HashSet<_> = ENDPOINTS.iter().map(|row| (row.method, row.path)).collect();
        let names: HashSet<_> = ENDPOINTS.iter().map(|row| row.name).collect();
        assert_eq!((calls.len(), names.len()), (ENDPOINTS.len(), ENDPOINTS.len()));
    }

    #[test]
    fn every_path_stands_under_the_version() {
        assert!(ENDPOINTS.iter().all(|row| row.path.starts_with("/v1/")));
    }
}

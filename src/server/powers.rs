//! What somebody's grants, contacts, device and the portal's settings come to:
//! the one place where access levels, domains, switched-off permissions and
//! consents narrow what a role grants (C9, S2-4, S1-14). Every operation, now
//! and later, asks the result, so a ceiling holds everywhere at once.

use super::fault::Fault;
use crate::api::access_level::AccessLevel;
use crate::api::contact::{PlatformRole, PortalRight};
use crate::api::ids::{ContactId, CustomerId, UserId};
use crate::api::permission::{Permission, PermissionSet};
use crate::api::portal::PortalSettings;
use crate::api::problem::Problem;
use crate::api::role::{Cell, Limit, Role};
use crate::api::session::UserKind;
use crate::store::contacts::{self, ContactRow};
use crate::store::kiosks::{self, KioskRow};
use crate::store::sessions::SessionRow;
use crate::store::users::{self, GrantRow, UserRow};
use crate::store::{At, Conn, Scope, customers, settings};

/// Staff with it stand in for customers.
pub(super) const ACT: Permission = Permission::named("customer.act_on_behalf");
const PRINT: Permission = Permission::named("work_order.print");
const AUDIT: Permission = Permission::named("audit.view");

/// A role with its scope, after everything that narrows it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// What it grants.
    pub(crate) role: Role,
    /// `deployment`, `shop`, `organization` or `customer`.
    pub(crate) scope_kind: String,
    /// The record it is limited to.
    pub(crate) scope_id: Option<String>,
    /// That record's name.
    pub(crate) scope_name: Option<String>,
    /// Until when.
    pub(crate) until: Option<At>,
}

impl Held {
    /// How far it reaches.
    pub(crate) fn scope(&self) -> Scope {
        fn one<T: std::str::FromStr>(id: Option<&String>) -> Vec<T> {
            id.and_then(|id| id.parse().ok()).into_iter().collect()
        }
        let id = self.scope_id.as_ref();
        match self.scope_kind.as_str() {
            "deployment" => Scope::deployment(),
            "shop" => Scope { shops: one(id), ..Scope::default() },
            "organization" => Scope { organizations: one(id), ..Scope::default() },
            "customer" => Scope { customers: one(id), ..Scope::default() },
            _ => Scope::default(),
        }
    }

    /// Whether it lasts as long as something else will.
    pub(crate) fn lasts(&self, to: Option<At>) -> bool {
        self.until.is_none_or(|until| to.is_some_and(|to| to <= until))
    }
}

/// In whose place somebody of the dealer's stands just now.
#[derive(Debug, Clone)]
pub(crate) enum StandingIn {
    /// For a customer; false once the customer took its word back.
    For(CustomerId, bool),
    /// Looking through a contact's eyes; false once one may not any more.
    Eyes(Box<ContactRow>, bool),
}

/// Everything permissions are decided by.
#[derive(Debug, Clone)]
pub(crate) struct Powers {
    /// Roles with their scopes.
    pub(crate) held: Vec<Held>,
    /// In whose place.
    pub(crate) standing_in: Option<StandingIn>,
    /// When the next grant begins or ends, of somebody who stands in for nobody.
    pub(crate) changes_at: Option<At>,
}

impl Powers {
    /// Of a session: of its user, or of whom the user stands in for.
    pub(crate) async fn of_session(conn: &mut Conn, user: &UserRow, session: &SessionRow) -> Result<Self, Fault> {
        let own = Self::of_user(conn, user).await?;
        if let Some(contact) = session.viewed_contact_id {
            return own.behind_the_eyes_of(conn, contact).await;
        }
        if let Some(customer) = session.acting_customer_id {
            return own.on_behalf_of(conn, customer).await;
        }
        Ok(own)
    }

    /// Of a user by itself. The gates stand in the order of C8: feature, login
    /// setting, account (its state was asked with the session), access level.
    pub(crate) async fn of_user(conn: &mut Conn, user: &UserRow) -> Result<Self, Fault> {
        let kind = UserKind::named(&user.kind).unwrap_or(UserKind::Customer);
        let (grants, changes_at) = counting(users::grants_to_come(conn, user.id).await?, At::now());
        if !kind.is_outside() {
            return Ok(Self { held: all_granted(grants), standing_in: None, changes_at });
        }
        let portal = settings::portal(conn).await?;
        if !portal.enabled {
            return Err(Problem::new("portal.off", "The customer portal is switched off. Call your dealer.").into());
        }
        if kind == UserKind::Kiosk {
            let device = kiosks::of_user(conn, user.id).await?;
            return at_kiosk(&portal, grants, device, changes_at);
        }
        let mut people = contacts::of_user(conn, user.id).await?;
        if shut_out(&grants, &people) {
            return Err(no_session().into());
        }
        people.retain(|contact| contact.is_active);
        Ok(Self { held: held_by_customer(&portal, grants, &people), standing_in: None, changes_at })
    }

    /// Narrowed to what a customer lets the dealer do, and to that customer.
    async fn on_behalf_of(self, conn: &mut Conn, customer: CustomerId) -> Result<Self, Fault> {
        let now = At::now();
        let consents = contacts::consents(conn, customer).await?;
        let lent: Vec<&Role> = consents.iter().filter(|consent| consent.valid_from <= now).filter_map(|consent| Role::named(&consent.role)).collect();
        let allowed = |permission| lent.iter().filter_map(|role| role.limit(permission)).max();
        let mut held = Vec::new();
        for own in self.held {
            if own.role.limit(ACT).is_some()
                && let Some(row) = customers::get(conn, &own.scope(), customer).await?
            {
                let role = own.role.at_most(allowed);
                let scope_id = Some(customer.to_string());
                held.push(Held { role, scope_kind: "customer".to_owned(), scope_id, scope_name: Some(row.name), until: own.until });
            }
        }
        let held = that_grant(held);
        let allowed = !held.is_empty();
        Ok(Self { held, standing_in: Some(StandingIn::For(customer, allowed)), changes_at: None })
    }

    /// What a contact has at its customer, as long as the one who looks may
    /// stand in for that customer. It is exactly that, so that the screen greys
    /// as it does for the contact, but for who did what: a portal administrator
    /// reads there of its own people, and that is for those of the dealer's
    /// only who may read it by themselves.
    async fn behind_the_eyes_of(self, conn: &mut Conn, contact: ContactId) -> Result<Self, Fault> {
        let Some(contact) = contacts::get(conn, &self.reach_of(ACT), contact).await? else {
            // Who may not look any more can still stop, and sign out.
            let contact = contacts::get(conn, &Scope::deployment(), contact).await?.ok_or_else(no_session)?;
            return Ok(Self { held: Vec::new(), standing_in: Some(StandingIn::Eyes(Box::new(contact), false)), changes_at: None });
        };
        let audits = customers::get(conn, &self.full_reach_of(AUDIT), contact.customer_id).await?.is_some();
        let grants = match contact.user_id {
            Some(user) => users::grants(conn, user).await?,
            None => Vec::new(),
        };
        let customer = contact.customer_id.to_string();
        let grants = grants.into_iter().filter(|grant| grant.scope_id.as_ref() == Some(&customer)).collect();
        let portal = settings::portal(conn).await?;
        let mut held = if contact.is_active && portal.enabled { held_by_customer(&portal, grants, std::slice::from_ref(&contact)) } else { Vec::new() };
        if !audits {
            held = held.into_iter().map(|one| under(one, [AUDIT].into_iter().collect())).collect();
        }
        Ok(Self { held, standing_in: Some(StandingIn::Eyes(Box::new(contact), true)), changes_at: None })
    }

    /// What the roles with a permission reach, together.
    fn reach_of(&self, permission: Permission) -> Scope {
        self.reach_where(|role| role.limit(permission).is_some())
    }

    /// What the roles with a permission without limit reach, together.
    fn full_reach_of(&self, permission: Permission) -> Scope {
        self.reach_where(|role| role.limit(permission) == Some(Limit::Full))
    }

    fn reach_where(&self, counts: impl Fn(&Role) -> bool) -> Scope {
        let mut scope = Scope::default();
        for held in self.held.iter().filter(|held| counts(&held.role)) {
            scope.extend(&held.scope());
        }
        scope
    }

    /// Everything granted, limited or not.
    pub(crate) fn granted(&self) -> PermissionSet {
        self.held.iter().fold(PermissionSet::default(), |set, held| set.union(held.role.permissions()))
    }

    /// How far a permission reaches; the widest of all roles.
    pub(crate) fn limit(&self, permission: Permission) -> Option<Limit> {
        self.held.iter().filter_map(|held| held.role.limit(permission)).max()
    }

    /// Whose own records count as own.
    pub(crate) fn own_id(&self, user: UserId) -> UserId {
        match &self.standing_in {
            // A contact without an account has no records of its own.
            Some(StandingIn::Eyes(contact, _)) => contact.user_id.unwrap_or(UserId(uuid::Uuid::nil())),
            _ => user,
        }
    }
}

/// The same for every reason why a session is none.
pub(super) fn no_session() -> Problem {
    Problem::new("session.required", "Sign in first: this session has ended or never was.")
}

/// Of the grants that have not ended those that count at a moment, and when the
/// next one begins or ends.
fn counting(grants: Vec<GrantRow>, now: At) -> (Vec<GrantRow>, Option<At>) {
    let (counting, to_come): (Vec<_>, Vec<_>) = grants.into_iter().partition(|grant| grant.valid_from.is_none_or(|from| from <= now));
    let ends = counting.iter().filter_map(|grant| grant.valid_to);
    let changes_at = to_come.iter().filter_map(|grant| grant.valid_from).chain(ends).min();
    (counting, changes_at)
}

/// What grants come to, each for itself.
fn all_granted(grants: Vec<GrantRow>) -> Vec<Held> {
    grants.into_iter().filter_map(granted).collect()
}

/// A stored grant as a role with its scope; none where its role is gone.
fn granted(grant: GrantRow) -> Option<Held> {
    let role = match &grant.cells {
        Some(cells) => Role::read(grant.role.clone(), cells),
        None => Role::named(&grant.role)?.clone(),
    };
    let role = if grant.domains.is_empty() { role } else { role.narrowed(of_domains(&grant.domains)) };
    Some(Held { role, scope_kind: grant.scope_kind, scope_id: grant.scope_id, scope_name: grant.scope_name, until: grant.valid_to })
}

/// Everything in the domains of a grant (S2-2).
fn of_domains(domains: &str) -> PermissionSet {
    Permission::all().filter(|permission| domains.split(' ').any(|domain| domain == permission.domain())).collect()
}

/// Whether a customer's person has no access whatever else is given (C-4), or
/// is none any more.
fn shut_out(grants: &[GrantRow], people: &[ContactRow]) -> bool {
    let none = |contact: &ContactRow| !contact.is_active || level(contact) == AccessLevel::None;
    let other_grants = grants.iter().any(|grant| grant.role != "level_none");
    match people {
        [] => !grants.is_empty() && !other_grants,
        people => people.iter().all(none),
    }
}

/// What a customer's person holds: grants and contacts, each under its ceiling.
fn held_by_customer(portal: &PortalSettings, grants: Vec<GrantRow>, people: &[ContactRow]) -> Vec<Held> {
    let strictest = people.iter().map(|contact| level(contact).takes_away()).fold(PermissionSet::default(), PermissionSet::union);
    let mut held: Vec<Held> = Vec::new();
    for grant in grants {
        let at = people.iter().find(|contact| grant.scope_id.as_deref() == Some(contact.customer_id.to_string().as_str()));
        // A grant elsewhere is under all ceilings: the strictest stands.
        let taken = at.map_or(strictest, |contact| level(contact).takes_away());
        held.extend(granted(grant).map(|one| under(one, taken)));
    }
    for contact in people {
        held.extend(of_contact(contact));
    }
    for one in &mut held {
        one.role = narrowed_by_portal(portal, one.role.clone());
    }
    that_grant(held)
}

/// Without what grants nothing any more: it reaches nothing either (C-4).
fn that_grant(mut held: Vec<Held>) -> Vec<Held> {
    held.retain(|one| !one.role.permissions().is_empty());
    held
}

fn under(mut held: Held, taken: PermissionSet) -> Held {
    held.role = held.role.narrowed(all().without(taken));
    held
}

/// What a contact holds by itself: its platform role and right, or, without
/// either, the template of its level; under the level as a ceiling (C9).
///
/// Here alone giving something takes something: 3.1 has the templates of the
/// levels for contacts with a level *alone*, so whoever is given a right or a
/// platform role has that in the template's place. A contact at `full` that
/// becomes an insight user asks for no service any more, unless it gets a
/// platform role that does, too. Were it otherwise, no right could be given that
/// reaches less than the level alone, as two of the three do. Grants, rights and
/// platform roles themselves only add up.
pub(super) fn of_contact(contact: &ContactRow) -> Vec<Held> {
    let level = level(contact);
    let right = PortalRight::named(&contact.portal_right).filter(|right| *right != PortalRight::None);
    let platform = PlatformRole::named(&contact.platform_role).filter(|role| *role != PlatformRole::None);
    let mut roles: Vec<&Role> = right.and_then(|right| Role::named(right.name())).into_iter().collect();
    roles.extend(platform.and_then(|role| Role::named(role.name())));
    if roles.is_empty() {
        roles.extend(level.template());
    }
    let held = |role: &Role| Held {
        role: role.clone(),
        scope_kind: "customer".to_owned(),
        scope_id: Some(contact.customer_id.to_string()),
        scope_name: Some(contact.customer_name.clone()),
        until: None,
    };
    roles.into_iter().map(|role| under(held(role), level.takes_away())).collect()
}

/// The ceiling of a contact; what cannot be read lets nobody in.
pub(super) fn level(contact: &ContactRow) -> AccessLevel {
    AccessLevel::named(&contact.access_level).unwrap_or(AccessLevel::None)
}

/// Without what the dealer switched off for its portal (S2-5).
pub(super) fn narrowed_by_portal(portal: &PortalSettings, role: Role) -> Role {
    let configurable = |permission: &&Permission| role.cell(**permission) == Cell::Configurable;
    let mut off: PermissionSet = portal.switched_off.iter().filter(configurable).copied().collect();
    if !portal.allows_printing {
        off = off.union([PRINT].into_iter().collect());
    }
    role.narrowed(all().without(off))
}

/// A workshop terminal: its template, narrowed by the device's own short list
/// and the portal's settings (S2-4).
fn at_kiosk(portal: &PortalSettings, grants: Vec<GrantRow>, device: Option<KioskRow>, changes_at: Option<At>) -> Result<Powers, Fault> {
    let mut held = all_granted(grants);
    if let Some(device) = &device {
        if !device.is_active {
            return Err(no_session().into());
        }
        if portal.login_required || device.login_required {
            return Err(Problem::new("kiosk.login_required", "Somebody has to sign in at this terminal.").into());
        }
        let listed: PermissionSet = device.allowed_actions.split(' ').filter_map(Permission::from_name).collect();
        for one in &mut held {
            one.role = one.role.clone().narrowed(listed);
        }
    }
    for one in &mut held {
        one.role = narrowed_by_portal(portal, one.role.clone());
    }
    Ok(Powers { held: that_grant(held), standing_in: None, changes_at })
}

fn all() -> PermissionSet {
    Permission::all().collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use uuid::Uuid;

    use super::*;
    use crate::api::contact::ContactKind;
    use crate::api::ids::GrantId;

    const LIMITS: [Limit; 3] = [Limit::Basic, Limit::Own, Limit::Full];
    /// Places of one sort: few, so that grants and contacts meet there.
    const PLACES: std::ops::Range<u128> = 1..4;

    /// So many hours after some moment.
    fn hour(hours: i64) -> At {
        At(At::from_micros(1_790_000_000_000_000).0 + SignedDuration::from_hours(hours))
    }

    /// Any template or a copy of it, in any place, for some domains or all, from
    /// some hour and until a later one or for ever.
    fn grant() -> impl Strategy<Value = GrantRow> {
        let place = (select(vec!["deployment", "shop", "organization", "customer"]), PLACES);
        let domains = subsequence(vec!["assets", "customers", "finance", "maintenance", "setup"], 0..3);
        (0..Role::all().len(), any::<bool>(), place, domains, (of(-2..6_i64), of(6..9_i64))).prop_map(|(role, is_copy, (kind, nth), domains, (from, to))| {
            let role = &Role::all()[role];
            GrantRow {
                id: GrantId::new(),
                role: if is_copy { format!("copied_{}", role.key) } else { role.key.to_string() },
                cells: is_copy.then(|| role.written()),
                scope_kind: kind.to_owned(),
                scope_id: (kind != "deployment").then(|| Uuid::from_u128(nth).to_string()),
                scope_name: None,
                domains: domains.join(" "),
                valid_from: from.map(hour),
                valid_to: to.map(hour),
                granted_by: None,
            }
        })
    }

    fn contact(customer: u128, right: PortalRight, platform: PlatformRole, level: AccessLevel) -> ContactRow {
        ContactRow {
            portal_right: right.name().to_owned(),
            platform_role: platform.name().to_owned(),
            access_level: level.name().to_owned(),
            ..ContactRow::nobody(CustomerId(Uuid::from_u128(customer)), ContactKind::Person)
        }
    }

    fn contacts() -> impl Strategy<Value = Vec<ContactRow>> {
        let one = (PLACES, select(PortalRight::ALL), select(PlatformRole::ALL), select(AccessLevel::ALL));
        vec(one.prop_map(|(customer, right, platform, level)| contact(customer, right, platform, level)), 0..3)
    }

    fn portal() -> impl Strategy<Value = PortalSettings> {
        (any::<bool>(), subsequence(Permission::all().collect::<Vec<_>>(), 0..20)).prop_map(|(allows_printing, switched_off)| PortalSettings {
            allows_printing,
            switched_off,
            ..PortalSettings::default()
        })
    }

    /// What the grants come to at a moment: one of the dealer's, a customer's
    /// person, and a workshop terminal.
    fn powers(portal: &PortalSettings, grants: &[GrantRow], people: &[ContactRow], now: At) -> Vec<Powers> {
        let (grants, changes_at) = counting(grants.to_vec(), now);
        let terminal = at_kiosk(portal, grants.clone(), None, changes_at).map_or_else(|_| Vec::new(), |powers| powers.held);
        let held = [all_granted(grants.clone()), held_by_customer(portal, grants, people), terminal];
        held.into_iter().map(|held| Powers { held, standing_in: None, changes_at }).collect()
    }

    proptest! {
        /// "More grants never remove a permission", nor how far it reaches.
        #[test]
        fn whatever_is_given_besides_nothing_is_lost_anywhere(
            held in vec(grant(), 0..5),
            given in grant(),
            people in contacts(),
            portal in portal(),
            now in 0..6_i64,
        ) {
            let more: Vec<GrantRow> = held.iter().cloned().chain([given]).collect();
            let (before, after) = (powers(&portal, &held, &people, hour(now)), powers(&portal, &more, &people, hour(now)));
            for (before, after) in before.iter().zip(&after) {
                for permission in Permission::all() {
                    for limit in LIMITS {
                        let reach = |powers: &Powers| powers.reach_where(|role| role.limit(permission) >= Some(limit));
                        let (was, is) = (reach(before), reach(after));
                        prop_assert!(is.covers(&was), "{permission} {limit:?}: {was:?} and then {is:?}");
                    }
                }
                prop_assert!(after.granted().includes(before.granted()));
            }
        }
    }

    fn rights_and_roles() -> impl Iterator<Item = (PortalRight, PlatformRole)> {
        PortalRight::ALL.iter().flat_map(|right| PlatformRole::ALL.iter().map(move |platform| (*right, *platform)))
    }

    /// How far a contact gets with each permission.
    fn limits(right: PortalRight, platform: PlatformRole, level: AccessLevel) -> Vec<Option<Limit>> {
        let powers = Powers { held: of_contact(&contact(1, right, platform, level)), standing_in: None, changes_at: None };
        Permission::all().map(|permission| powers.limit(permission)).collect()
    }

    fn includes(wide: &[Option<Limit>], narrow: &[Option<Limit>]) -> bool {
        wide.iter().zip(narrow).all(|(wide, narrow)| wide >= narrow)
    }

    #[test]
    fn c9_a_stricter_level_adds_nothing_to_any_right_and_role() {
        let from_the_widest = [AccessLevel::CarrierView, AccessLevel::Full, AccessLevel::Limited, AccessLevel::ReadOnly, AccessLevel::None];
        for (right, platform) in rights_and_roles() {
            for pair in from_the_widest.windows(2) {
                let (wide, strict) = (limits(right, platform, pair[0]), limits(right, platform, pair[1]));
                assert!(includes(&wide, &strict), "{right:?} {platform:?}: {pair:?}");
            }
        }
    }

    #[test]
    fn a_right_and_a_role_add_up_and_stand_in_the_place_of_what_a_level_gives_alone() {
        for (right, platform) in rights_and_roles() {
            for level in AccessLevel::ALL {
                let both = limits(right, platform, *level);
                assert!(right == PortalRight::None || includes(&both, &limits(right, PlatformRole::None, *level)), "{right:?} {platform:?} {level:?}");
                assert!(platform == PlatformRole::None || includes(&both, &limits(PortalRight::None, platform, *level)), "{right:?} {platform:?} {level:?}");
            }
        }
        // 3.1: the level's template is for whoever has a level alone.
        let asks_for_service = |right, platform| {
            let held = of_contact(&contact(1, right, platform, AccessLevel::Full));
            held.iter().any(|one| one.role.limit(Permission::named("service_request.add_edit")).is_some())
        };
        assert!(asks_for_service(PortalRight::None, PlatformRole::None));
        assert!(!asks_for_service(PortalRight::InsightUser, PlatformRole::None));
        assert!(asks_for_service(PortalRight::InsightUser, PlatformRole::Fleet));
        assert!(asks_for_service(PortalRight::PortalAdministrator, PlatformRole::None));
    }
}

//! Who calls: the session behind a token, what it may do and how far.

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::fault::Fault;
use super::powers::{Powers, StandingIn, no_session};
use crate::api::access::{Access, Needs, access};
use crate::api::ids::{SessionId, ShopId, UserId};
use crate::api::permission::{Permission, PermissionSet};
use crate::api::problem::Problem;
use crate::api::role::{Limit, Role};
use crate::api::session::UserKind;
use crate::store::sessions::SessionRow;
use crate::store::users::UserRow;
use crate::store::{At, Conn, Own, Scope, places, sessions, users};
use crate::text::hex;

/// A signed-in user with its session and what it may do.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: UserRow,
    /// The session.
    pub(crate) session: SessionRow,
    /// What it may do, and in whose place.
    pub(crate) powers: Powers,
    /// The shop one works in.
    pub(crate) shop: Option<places::ShopRow>,
    granted: PermissionSet,
}

/// How a token is kept: never itself.
pub(crate) fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

impl Caller {
    /// The caller behind a token, if its session is still good.
    pub(crate) async fn of_token(conn: &mut Conn, token: &str) -> Result<Self, Fault> {
        Self::of_hash(conn, &token_hash(token)).await
    }

    /// The same by the hash of the token.
    pub(super) async fn of_hash(conn: &mut Conn, token_hash: &str) -> Result<Self, Fault> {
        let session = sessions::of_token(conn, token_hash).await?.ok_or_else(no_session)?;
        let user = users::by_id(conn, session.user_id).await?.ok_or_else(no_session)?;
        Self::of_session(conn, user, session).await
    }

    /// The caller of a session that is good.
    pub(crate) async fn of_session(conn: &mut Conn, user: UserRow, session: SessionRow) -> Result<Self, Fault> {
        let powers = Powers::of_session(conn, &user, &session).await?;
        let granted = powers.granted();
        let mut caller = Self { user, session, powers, shop: None, granted };
        caller.shop = caller.current_shop(conn).await?;
        Ok(caller)
    }

    async fn current_shop(&self, conn: &mut Conn) -> Result<Option<places::ShopRow>, Fault> {
        if self.kind() == UserKind::Customer {
            return Ok(None);
        }
        // Who works for a customer stays in its own shop.
        let reach = if self.powers.standing_in.is_some() { Scope::deployment() } else { self.whole_scope() };
        let wanted: Option<ShopId> = self.session.session_shop_id.or(self.user.shop_id);
        if let Some(wanted) = wanted
            && let Some(shop) = places::shop(conn, &reach, &wanted.to_string()).await?
        {
            return Ok(Some(shop));
        }
        Ok(places::shops(conn, &reach, "", 1).await?.into_iter().next())
    }

    /// Whether the session has to be noted as used: not on every call, but
    /// often enough that its idle time stays right.
    pub(super) fn wants_noting(&self, now: i64) -> bool {
        now - self.session.used_at.micros() > self.session.idle_micros / 12
    }

    /// Until when all of this holds by the clock: the session's end, its idle
    /// time without a further use, and what begins or ends of what it may.
    pub(super) fn holds_until(&self) -> At {
        let idle = At::from_micros(self.session.used_at.micros().saturating_add(self.session.idle_micros));
        [Some(self.session.ends_at), Some(idle), self.powers.changes_at].into_iter().flatten().min().unwrap_or(idle)
    }

    pub(crate) fn id(&self) -> UserId {
        self.user.id
    }

    pub(crate) fn session_id(&self) -> SessionId {
        self.session.session_id
    }

    /// What sort of user it counts as: through a contact's eyes, a customer's.
    pub(crate) fn kind(&self) -> UserKind {
        match &self.powers.standing_in {
            Some(StandingIn::Eyes(..)) => UserKind::Customer,
            _ => self.user_kind(),
        }
    }

    /// What sort of user it is.
    pub(crate) fn user_kind(&self) -> UserKind {
        UserKind::named(&self.user.kind).unwrap_or(UserKind::Customer)
    }

    /// The person's name.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.user.first_name, self.user.last_name).trim().to_owned()
    }

    pub(crate) fn shop_id(&self) -> Option<ShopId> {
        self.shop.as_ref().map(|shop| shop.id)
    }

    /// The country by which numbers and states are read.
    pub(crate) fn country(&self) -> &str {
        self.shop.as_ref().map_or("US", |shop| &shop.country)
    }

    /// The zone in which days are told: the shop's.
    pub(crate) fn time_zone(&self) -> TimeZone {
        self.shop.as_ref().and_then(|shop| TimeZone::get(&shop.time_zone).ok()).unwrap_or(TimeZone::UTC)
    }

    /// Everything granted, limited or not.
    pub(crate) fn granted(&self) -> PermissionSet {
        self.granted
    }

    /// How far a permission reaches; the widest of all grants.
    pub(crate) fn limit(&self, permission: Permission) -> Option<Limit> {
        self.powers.limit(permission)
    }

    /// Refuses with what is missing.
    pub(crate) fn demand(&self, needs: Needs) -> Result<(), Problem> {
        match access(self.granted, needs) {
            Access::Allowed => Ok(()),
            Access::Denied(missing) => Err(Problem::missing(missing)),
        }
    }

    /// Refuses whoever may do this for a part of the deployment only.
    pub(crate) fn demand_everywhere(&self, permission: Permission) -> Result<(), Problem> {
        if self.scope(permission).everything {
            return Ok(());
        }
        let detail = "This counts beyond what your role covers: ask an administrator of the whole deployment.";
        Err(Problem { missing: vec![permission], ..Problem::with_status(403, "scope.beyond_own", "Beyond your own reach", detail) })
    }

    /// Oneself, where only own records may be seen, and where all may: each
    /// grant is limited for itself, whatever another grants elsewhere (2.4).
    pub(crate) fn own_only(&self, permission: Permission) -> Option<Own> {
        let limited = self.powers.held.iter().any(|held| held.role.limit(permission) == Some(Limit::Own));
        let all_of = self.scope_where(|role| role.limit(permission).is_some_and(|limit| limit != Limit::Own));
        (limited && !all_of.everything).then(|| Own { user: self.powers.own_id(self.user.id), all_of })
    }

    /// What the grants with this permission reach, together.
    pub(crate) fn scope(&self, permission: Permission) -> Scope {
        self.scope_where(|role| role.limit(permission).is_some())
    }

    /// What the grants with this permission without limit reach, together.
    pub(crate) fn full_scope(&self, permission: Permission) -> Scope {
        self.scope_where(|role| role.limit(permission) == Some(Limit::Full))
    }

    /// What the grants with this permission beyond a limit reach, together.
    pub(crate) fn scope_beyond(&self, permission: Permission, limit: Limit) -> Scope {
        self.scope_where(|role| role.limit(permission) > Some(limit))
    }

    /// What any grant reaches: for lists that need a sign-in only.
    pub(crate) fn whole_scope(&self) -> Scope {
        self.scope_where(|_| true)
    }

    fn scope_where(&self, counts: impl Fn(&Role) -> bool) -> Scope {
        let mut scope = Scope { portal_only: self.kind().is_outside(), ..Scope::default() };
        for held in self.powers.held.iter().filter(|held| counts(&held.role)) {
            scope.extend(&held.scope());
        }
        // Somebody of several customers looks at one at a time (S0-8).
        if let Some(current) = self.session.session_customer_id
            && scope.customers.contains(&current)
        {
            scope.customers = vec![current];
        }
        scope
    }

    /// Changes when roles, grants, levels or settings do.
    pub(crate) fn policy_version(&self) -> String {
        let mut hash = Sha256::new();
        for held in &self.powers.held {
            hash.update(format!("{} {} {:?}\n{}", held.role.key, held.scope_kind, held.scope_id, held.role.written()));
        }
        let mut version = hex(&hash.finalize());
        version.truncate(16);
        version
    }
}

//! Whose account it is here that the provider vouches for, and what its groups
//! bring.
//!
//! An account is found by the provider's subject alone. The first time there is
//! none yet: then it may be found by the verified e-mail, and, only where the
//! settings say so, by the name. Neither ever opens an account that reaches the
//! whole deployment or manages people: names and addresses are given to people
//! by people. Such an account is tied by `countertop user link`. No account is
//! ever made here.

use serde_json::{Value, json};

use super::{IdentityProvider, Person};
use crate::api::ids::UserId;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::role::Role;
use crate::api::session::UserKind;
use crate::config::{FirstSignIn, GroupRole, GroupScope};
use crate::server::fault::Fault;
use crate::server::noted::{self, Origin};
use crate::store::users::{self, GrantRow, GroupGrantRow, NewGrant, UserRow};
use crate::store::{Conn, Scope, places, roles};

/// Whoever may do this decides who may do what.
const MANAGES_PEOPLE: Permission = Permission::named("user.manage");

/// The account of a person, with what the groups bring written to it.
pub(in crate::server) async fn account(conn: &mut Conn, provider: &IdentityProvider, person: &Person, origin: &Origin) -> Result<UserRow, Fault> {
    let subject = provider.subject_key(&person.subject);
    let user = match users::by_subject(conn, &subject).await? {
        Some(known) => known,
        None => first_time(conn, provider, person, (&subject, origin)).await?,
    };
    // The dealer's provider vouches for the dealer's people.
    if user.state != "active" || user.kind != UserKind::Staff.name() {
        return Err(no_account().into());
    }
    if !provider.groups.is_empty() {
        let brought = brought(conn, provider, person).await?;
        bring_grants(conn, user.id, &brought, origin).await?;
    }
    Ok(user)
}

/// The same whatever was wrong: a stranger learns nothing of our accounts. The
/// log says more.
fn no_account() -> Problem {
    Problem::new("device.no_account", "The identity provider knows you, but no account here is tied to you. Ask your administrator to tie it.")
}

async fn first_time(conn: &mut Conn, provider: &IdentityProvider, person: &Person, (subject, origin): (&str, &Origin)) -> Result<UserRow, Fault> {
    let refused = |why: &str| {
        tracing::warn!(why, "somebody whom the identity provider knows has no account here");
        Fault::from(no_account())
    };
    let (user, by) = found(conn, provider.first_sign_in, person).await?.ok_or_else(|| refused("no account fits, or several do"))?;
    if user.state != "active" || user.kind != UserKind::Staff.name() {
        return Err(refused("the account that fits is not an active one of the dealer's people"));
    }
    // Those to come count too: tied today, it would have them tomorrow.
    if users::grants_to_come(conn, user.id).await?.iter().any(is_wide) {
        return Err(refused("the account that fits reaches too far to be tied by itself; see `countertop user link`"));
    }
    if !users::link(conn, user.id, subject).await? {
        return Err(refused("the account that fits is tied to somebody else"));
    }
    tracing::info!(user = user.username.as_str(), by, "an account was tied to the identity provider");
    noted::write_by_provider(conn, user.id, "link_user", json!({ "subject": [null, subject], "found_by": [null, by] }), origin).await?;
    Ok(users::by_id(conn, user.id).await?.ok_or_else(no_account)?)
}

/// The one account that fits, and by what.
async fn found(conn: &mut Conn, rule: FirstSignIn, person: &Person) -> Result<Option<(UserRow, &'static str)>, Fault> {
    if rule == FirstSignIn::Subject {
        return Ok(None);
    }
    if let Some(email) = &person.email {
        let mut several = users::staff_by_email(conn, email).await?;
        match (several.pop(), several.is_empty()) {
            (Some(user), true) => return Ok(Some((user, "e-mail"))),
            (Some(_), false) => return Ok(None),
            (None, _) => {}
        }
    }
    if rule != FirstSignIn::Name {
        return Ok(None);
    }
    let Some(name) = &person.username else { return Ok(None) };
    let user = users::by_name(conn, name).await?;
    // Who has another address here is somebody else with the same name.
    Ok(user.filter(|user| user.email.is_none() || person.email.is_none()).map(|user| (user, "name")))
}

/// Whether a grant reaches too far for its account to be found by what people
/// can choose. A role that nobody knows may have been anything.
fn is_wide(grant: &GrantRow) -> bool {
    let role = match &grant.cells {
        Some(cells) => Some(Role::read(grant.role.clone(), cells)),
        None => Role::named(&grant.role).cloned(),
    };
    grant.scope_kind == "deployment" || role.is_none_or(|role| role.limit(MANAGES_PEOPLE).is_some())
}

/// What the groups of a person bring, each grant with its group.
async fn brought(conn: &mut Conn, provider: &IdentityProvider, person: &Person) -> Result<Vec<(NewGrant, String)>, Fault> {
    let mut brought: Vec<(NewGrant, String)> = Vec::new();
    let Some(groups) = &person.groups else {
        // Too many groups, or the claim is not mapped there. Rights that cannot
        // be shown are not kept.
        tracing::warn!(claim = provider.groups_claim.as_str(), "the identity provider told no groups");
        return Ok(brought);
    };
    for rule in provider.groups.iter().filter(|rule| groups.contains(&rule.group)) {
        let Some(grant) = grant(conn, rule).await? else { continue };
        // Two groups may bring the same.
        if !brought.iter().any(|(other, _)| (&other.role, &other.scope_id) == (&grant.role, &grant.scope_id)) {
            brought.push((grant, rule.group.clone()));
        }
    }
    Ok(brought)
}

/// Replaces what groups brought before by what they bring now, and writes both
/// down. What somebody gave here stays as it is.
async fn bring_grants(conn: &mut Conn, user: UserId, brought: &[(NewGrant, String)], origin: &Origin) -> Result<(), Fault> {
    let same = |held: &GroupGrantRow, new: &NewGrant| (&held.role, &held.scope_kind, &held.scope_id) == (&new.role, &new.scope_kind, &new.scope_id);
    let held = users::group_grants(conn, user).await?;
    for gone in held.iter().filter(|held| !brought.iter().any(|(new, _)| same(held, new))) {
        // I-3: a group at the provider does not shut everybody out either.
        if (gone.role.as_str(), gone.scope_kind.as_str()) == ("administrator", "deployment") && users::other_administrators(conn, user).await? == 0 {
            tracing::warn!(group = gone.from_group.as_str(), "the last administrator left the group that brought the role, and keeps it; make another one");
            continue;
        }
        users::end_grant(conn, user, gone.id).await?;
        let was = told(&gone.role, &gone.scope_kind, gone.scope_id.as_deref(), &gone.from_group);
        noted::write_by_provider(conn, user, "end_grant", each(was, |was| json!([was, null])), origin).await?;
    }
    for (new, group) in brought.iter().filter(|(new, _)| !held.iter().any(|held| same(held, new))) {
        users::give_by_group(conn, user, new, group).await?;
        let is = told(&new.role, &new.scope_kind, new.scope_id.as_deref(), group);
        noted::write_by_provider(conn, user, "give_grant", each(is, |is| json!([null, is])), origin).await?;
    }
    Ok(())
}

/// A grant as the history tells it.
fn told(role: &str, scope_kind: &str, scope_id: Option<&str>, group: &str) -> [(&'static str, Value); 3] {
    [("role", json!(role)), ("scope", json!({ "kind": scope_kind, "id": scope_id })), ("from_group", json!(group))]
}

/// Field to what it was and is.
fn each(fields: [(&'static str, Value); 3], pair: impl Fn(Value) -> Value) -> Value {
    fields.into_iter().map(|(name, value)| (name.to_owned(), pair(value))).collect::<serde_json::Map<_, _>>().into()
}

/// The grant of a rule; none, with a word to the log, where the rule names what
/// there is not.
async fn grant(conn: &mut Conn, rule: &GroupRole) -> Result<Option<NewGrant>, Fault> {
    let copied = roles::get(conn, &rule.role).await?.map(|own| own.copied_from);
    let template = Role::named(copied.as_deref().unwrap_or(&rule.role));
    if template.is_none_or(|template| template.audience() != UserKind::Staff) {
        tracing::warn!(role = rule.role.as_str(), "oidc.groups names what is no role of the dealer's people");
        return Ok(None);
    }
    let everything = Scope::deployment();
    let (scope_kind, scope_id) = match &rule.scope {
        GroupScope::Deployment => ("deployment", None),
        GroupScope::Shop(code) => ("shop", places::shop(conn, &everything, code).await?.map(|shop| shop.id.to_string())),
        GroupScope::Organization(code) => ("organization", places::organization(conn, &everything, code).await?.map(|found| found.id.to_string())),
    };
    if scope_id.is_none() && rule.scope != GroupScope::Deployment {
        tracing::warn!(scope = ?rule.scope, "oidc.groups names a scope that there is not");
        return Ok(None);
    }
    Ok(Some(NewGrant { role: rule.role.clone(), scope_kind: scope_kind.to_owned(), scope_id, ..NewGrant::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: &str, cells: Option<&str>, scope_kind: &str) -> GrantRow {
        GrantRow {
            id: crate::api::ids::GrantId::new(),
            role: role.to_owned(),
            cells: cells.map(str::to_owned),
            scope_kind: scope_kind.to_owned(),
            scope_id: None,
            scope_name: None,
            domains: String::new(),
            valid_from: None,
            valid_to: None,
            granted_by: None,
        }
    }

    #[test]
    fn what_reaches_far_is_never_found_by_what_people_choose() {
        for (role, scope_kind) in [("administrator", "shop"), ("general_manager", "shop"), ("counter_staff", "deployment"), ("a_role_that_is_gone", "shop")] {
            assert!(is_wide(&grant(role, None, scope_kind)), "{role} {scope_kind}");
        }
        assert!(is_wide(&grant("chief", Some("meter.view=yes\nuser.manage=own\n"), "shop")));
        assert!(!is_wide(&grant("helper", Some("meter.view=yes\n"), "shop")));
        for role in ["counter_staff", "service_manager", "technician"] {
            assert!(!is_wide(&grant(role, None, "shop")), "{role}");
        }
    }
}

//! `countertop user`: adds, disables and enables accounts on the server's own
//! database: the first one, and those that nobody can manage over the API yet.

use serde_json::json;

use super::database::{self, DatabaseArgs};
use super::exit::{Exit, Failure, Outcome};
use super::output;
use super::runtime::wait;
use super::secret;
use super::serve::password_policy;
use crate::api::ids::{CustomerId, ShopId};
use crate::api::role::Role;
use crate::api::session::UserKind;
use crate::server::{password, subject_key};
use crate::store::users::{NewGrant, UserRow};
use crate::store::{Conn, Db, Scope, StoreError, audit, customers, places, users};
use crate::text::{clean_line, nearest};

/// The most characters of a user's name.
const MAX_NAME: usize = 60;
/// More shops than any dealer has.
const ALL_SHOPS: i64 = 100_000;

/// Verbs on users.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UserVerb {
    /// Add a user; the password is asked for
    Add(UserAddArgs),
    /// Let a user in no more; its sessions end at once, its records stay
    Disable(UserStateArgs),
    /// Let a disabled user in again
    Enable(UserStateArgs),
    /// Tie a user to its account at the identity provider
    Link(UserLinkArgs),
}

/// `countertop user link NAME SUBJECT`.
#[derive(Debug, clap::Args)]
pub(super) struct UserLinkArgs {
    /// The name to sign in with here
    #[arg(value_name = "NAME")]
    name: String,
    /// The user's id at the identity provider: the claim `sub`
    #[arg(value_name = "SUBJECT")]
    subject: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `countertop user disable NAME`.
#[derive(Debug, clap::Args)]
pub(super) struct UserStateArgs {
    /// The name to sign in with
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `countertop user add NAME --role ROLE`.
#[derive(Debug, clap::Args)]
pub(super) struct UserAddArgs {
    /// The name to sign in with
    #[arg(value_name = "NAME")]
    name: String,
    /// A role template, as `countertop roles` lists them
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// Limited to this shop; may be given several times
    #[arg(long, value_name = "CODE")]
    shop: Vec<String>,
    /// Limited to this organization; may be given several times
    #[arg(long, value_name = "CODE")]
    organization: Vec<String>,
    /// Limited to this customer, by its number; may be given several times
    #[arg(long, value_name = "NUMBER")]
    customer: Vec<String>,
    /// The person's given name; the user's name unless said
    #[arg(long, value_name = "NAME")]
    first: Option<String>,
    /// The person's family name
    #[arg(long, value_name = "NAME")]
    last: Option<String>,
    /// The person has to change the password at the first sign-in
    #[arg(long)]
    must_change: bool,
    /// Take the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Runs a verb on users.
pub(super) fn run(verb: &UserVerb) -> Outcome {
    match verb {
        UserVerb::Add(args) => add(args),
        UserVerb::Disable(args) => set_active(args, false),
        UserVerb::Enable(args) => set_active(args, true),
        UserVerb::Link(args) => link(args),
    }
}

/// Adds the user.
fn add(args: &UserAddArgs) -> Outcome {
    let role = role(&args.role)?;
    let kind = role.audience();
    check(args, kind)?;
    let (setup, address) = args.database.setup(None)?;
    let password = secret::new(&format!("Password for {}: ", args.name), args.password_stdin)?;
    password_policy(&setup.config.server).check(&args.name, &password)?;
    let password_hash = password::hash(&password)?;
    wait(async {
        let db = database::open_current(&address).await?;
        let added = insert(&db, args, role, kind, password_hash).await;
        db.close().await;
        added
    })?;
    output::say(&format!("User {} was added as {}.", output::line(&args.name), role.in_words().to_lowercase()))?;
    Ok(Exit::Done)
}

/// Disables or enables the user.
fn set_active(args: &UserStateArgs, active: bool) -> Outcome {
    let (_, address) = args.database.setup(None)?;
    wait(async {
        let db = database::open_present_current(&address).await?;
        let set = set_state(&db, &args.name, active).await;
        db.close().await;
        set
    })?;
    let now = if active { "may sign in again" } else { "is disabled and signed out everywhere" };
    output::say(&format!("User {} {now}.", output::line(&args.name)))?;
    Ok(Exit::Done)
}

/// Ties the user to a subject of the provider that is configured.
fn link(args: &UserLinkArgs) -> Outcome {
    let (setup, address) = args.database.setup(None)?;
    let none = || Failure::usage("no identity provider is configured: set oidc.issuer first");
    let issuer = setup.config.oidc.issuer.as_ref().ok_or_else(none)?;
    wait(async {
        let db = database::open_present_current(&address).await?;
        let linked = set_subject(&db, &args.name, &subject_key(&issuer.0, &args.subject)).await;
        db.close().await;
        linked
    })?;
    output::say(&format!("User {} signs in at {} from now on; its password, if it had one of its own, stays good.", output::line(&args.name), issuer.0))?;
    Ok(Exit::Done)
}

async fn set_subject(db: &Db, name: &str, subject: &str) -> Result<(), Failure> {
    let mut conn = db.write().await?;
    let user = users::by_name(&mut conn, name).await?.ok_or_else(|| Failure::not_found(format!("there is no user {name}")))?;
    let linked = users::link(&mut conn, user.id, subject).await.map_err(|error| match error {
        StoreError::Taken => Failure::new(Exit::Value, "another user is tied to this subject already"),
        other => other.into(),
    })?;
    if !linked {
        return Err(Failure::new(Exit::Value, format!("{name} is tied to a subject already")));
    }
    audit::add_by_hand(&mut conn, "link_user", "user", Some(user.id.to_string()), &json!({ "subject": [null, subject] })).await?;
    Ok(conn.commit().await?)
}

/// Never the last active administrator (I-3).
async fn set_state(db: &Db, name: &str, active: bool) -> Result<(), Failure> {
    let mut conn = db.write().await?;
    let user = users::by_name(&mut conn, name).await?.ok_or_else(|| Failure::not_found(format!("there is no user {name}")))?;
    if !active && users::is_administrator(&mut conn, user.id).await? && users::other_administrators(&mut conn, user.id).await? == 0 {
        return Err(Failure::new(Exit::Value, format!("nobody but {name} could be an administrator then: add another one first")));
    }
    let state = if active { "active" } else { "disabled" };
    users::set_state(&mut conn, user.id, state).await?;
    audit::add_by_hand(&mut conn, "change_user", "user", Some(user.id.to_string()), &json!({ "state": [user.state, state] })).await?;
    Ok(conn.commit().await?)
}

fn role(wanted: &str) -> Result<&'static Role, Failure> {
    Role::named(wanted).ok_or_else(|| {
        let meant = nearest(wanted, Role::all().iter().map(|role| role.key.as_ref()));
        let advice = meant.map_or_else(|| "`countertop roles` lists them".to_owned(), |meant| format!("did you mean {meant}?"));
        Failure::usage(format!("there is no role {wanted}; {advice}"))
    })
}

/// What can be said without the database.
fn check(args: &UserAddArgs, kind: UserKind) -> Result<(), Failure> {
    let name = &args.name;
    if name.trim().is_empty() || clean_line(name) != *name || name.chars().count() > MAX_NAME {
        return Err(Failure::new(Exit::Value, format!("a user's name has 1 to {MAX_NAME} characters and no spaces at its ends")));
    }
    if kind != UserKind::Customer {
        return Ok(());
    }
    if args.customer.is_empty() && args.organization.is_empty() {
        return Err(Failure::usage(format!("{} is a role of customers' people: say whose with --customer NUMBER or --organization CODE", args.role)));
    }
    if !args.shop.is_empty() {
        return Err(Failure::usage(format!("{} is a role of customers' people: it cannot reach a whole shop", args.role)));
    }
    Ok(())
}

async fn insert(db: &Db, args: &UserAddArgs, role: &Role, kind: UserKind, password_hash: String) -> Result<(), Failure> {
    let mut conn = db.write().await?;
    let (grants, shop_id) = grants(&mut conn, args, role).await?;
    let user = UserRow {
        password_hash,
        must_change: args.must_change,
        shop_id,
        first_name: args.first.clone().unwrap_or_else(|| args.name.clone()),
        last_name: args.last.clone().unwrap_or_default(),
        ..UserRow::new(&args.name, kind)
    };
    users::insert(&mut conn, &user, &grants).await.map_err(|error| match error {
        StoreError::Taken => Failure::new(Exit::Value, format!("there is a user {} already", args.name)),
        other => other.into(),
    })?;
    let given = json!({ "username": [null, user.username], "role": [null, role.key], "scopes": [null, grants.len()] });
    audit::add_by_hand(&mut conn, "create_user", "user", Some(user.id.to_string()), &given).await?;
    Ok(conn.commit().await?)
}

/// One grant per scope, for the whole deployment where none is named; and the
/// shop in which sessions start.
async fn grants(conn: &mut Conn, args: &UserAddArgs, role: &Role) -> Result<(Vec<NewGrant>, Option<ShopId>), Failure> {
    let everything = Scope::deployment();
    let mut scopes: Vec<(&str, Option<String>)> = Vec::new();
    let mut start = None;
    for code in &args.shop {
        let shop = places::shop(conn, &everything, code).await?.ok_or_else(|| Failure::not_found(format!("there is no shop {code}")))?;
        start = start.or(Some(shop.id));
        scopes.push(("shop", Some(shop.id.to_string())));
    }
    for code in &args.organization {
        let found = places::organization(conn, &everything, code).await?.ok_or_else(|| Failure::not_found(format!("there is no organization {code}")))?;
        scopes.push(("organization", Some(found.id.to_string())));
    }
    for number in &args.customer {
        scopes.push(("customer", Some(customer(conn, number).await?.to_string())));
    }
    if scopes.is_empty() {
        scopes.push(("deployment", None));
    }
    let grant =
        |(kind, scope_id): (&str, Option<String>)| NewGrant { role: role.key.to_string(), scope_kind: kind.to_owned(), scope_id, ..NewGrant::default() };
    Ok((scopes.into_iter().map(grant).collect(), start))
}

/// Numbers belong to shops; one that means several customers is refused.
async fn customer(conn: &mut Conn, number: &str) -> Result<CustomerId, Failure> {
    let mut found: Vec<(CustomerId, String)> = Vec::new();
    for shop in places::shops(conn, &Scope::deployment(), "", ALL_SHOPS).await? {
        let Some(id) = customers::by_number_at_shop(conn, shop.id, number).await? else { continue };
        if !found.iter().any(|(known, _)| *known == id) {
            found.push((id, shop.code));
        }
    }
    match found.as_slice() {
        [] => Err(Failure::not_found(format!("there is no customer with the number {number} at any shop"))),
        [(id, _)] => Ok(*id),
        several => {
            let shops: Vec<&str> = several.iter().map(|(_, shop)| shop.as_str()).collect();
            Err(Failure::not_found(format!("the number {number} means different customers at the shops {}", shops.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_role_is_told_with_the_right_one() {
        assert!(role("counter_staff").is_ok());
        assert!(format!("{:?}", role("admin").unwrap_err()).contains("administrator"));
    }
}

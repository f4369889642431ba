//! The API server: axum over one of two databases, stateless but for the
//! customer index, which any number of servers keep fresh by the change feed.
//!
//! One function per operation of [`crate::api::operation`], in the file of its
//! noun; `router` mounts them from that table, `call` is the one way in for
//! all of them: sign-in, permission, body, idempotency, answer.
//!
//! May call [`crate::search`], [`crate::backup`], [`crate::store`], [`crate::api`],
//! [`crate::rules`], [`crate::config`] and [`crate::text`]. Knows no terminal.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod account_letter;
mod acting;
mod assets;
mod backups;
mod brake;
mod call;
mod caller;
mod callers;
mod connections;
mod contacts;
mod credentials;
mod customer_numbers;
mod customers;
mod device_sign_ins;
mod docs;
mod fault;
mod feed;
mod form;
mod gate;
mod grants;
mod health;
mod history;
mod keys;
mod kiosks;
mod lookup;
mod mail;
mod meters;
mod noted;
mod oidc;
mod openapi;
mod paging;
pub mod password;
mod password_letter;
mod places;
mod portal;
mod powers;
mod references;
mod requests;
mod roles;
mod router;
mod running;
mod sessions;
mod set_password_page;
mod shares;
mod steps;
mod tls;
#[cfg(test)]
mod trial;
mod users;

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

pub use backups::Backups;
pub use feed::Feed;
pub use mail::{MailSettingsError, OutgoingMail};
pub use oidc::{IdentityProvider, SetupFault, subject_key};
pub use openapi::document as openapi_document;
pub use running::{Running, ServeError, Transport, serve};
pub use tls::{CertificateSource, Tls, TlsError};

use crate::search::CustomerIndex;
use crate::store::{Db, settings};

/// What every handler shares. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// The customers in memory.
    pub index: Arc<CustomerIndex>,
    /// What keeps them fresh.
    pub feed: Arc<Feed>,
    /// Those who called before.
    callers: Arc<callers::Callers>,
    /// Keys of writes that are being worked on.
    keys: Arc<keys::RunningKeys>,
    /// Bounds how many passwords are checked at once.
    passwords: Arc<password::Checker>,
    /// What a new password has to be.
    password_policy: password::PasswordPolicy,
    /// Slows guessing down.
    brake: Arc<brake::Brake>,
    /// How long sessions live.
    lifetimes: Lifetimes,
    /// How much is taken, and how long is waited.
    limits: Limits,
    /// Bounds how many calls are in work at once.
    gate: Arc<gate::Gate>,
    /// The way mails go out.
    mail: OutgoingMail,
    /// Where the dealer's people have their accounts, if anywhere.
    provider: Option<Arc<IdentityProvider>>,
    /// Names the database: a restore needs the servers stopped.
    lineage: Arc<str>,
}

/// What a server is told beside its database and address.
#[derive(Debug, Clone, Default)]
pub struct Arrangements {
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// What a new password has to be.
    pub password_policy: password::PasswordPolicy,
    /// How much is taken at once, and how long anybody is waited for.
    pub limits: Limits,
    /// The way mails go out.
    pub mail: OutgoingMail,
    /// Where the dealer's people have their accounts, if anywhere.
    pub provider: Option<Arc<IdentityProvider>>,
    /// Where backups go and when, if anywhere.
    pub backups: Option<Backups>,
}

/// How long sessions live (8.4).
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Staff and programs: idle and at most.
    pub staff: Lifetime,
    /// Customers' people.
    pub customer: Lifetime,
    /// Shop workstations end with the idle time.
    pub kiosk: Lifetime,
}

/// Of one kind of session.
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// How long it may stand idle, in seconds.
    pub idle_seconds: i64,
    /// How long it lives at most, in seconds.
    pub most_seconds: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const HOUR: i64 = 3_600;
        Self {
            staff: Lifetime { idle_seconds: 12 * HOUR, most_seconds: 7 * 24 * HOUR },
            customer: Lifetime { idle_seconds: HOUR, most_seconds: 24 * HOUR },
            kiosk: Lifetime { idle_seconds: 60, most_seconds: 24 * HOUR },
        }
    }
}

/// How much is taken at once, and how long anybody is waited for. What goes
/// beyond is refused at once, so that the others are served in time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections; none: as many as the process may open files, less a few.
    pub connections: Option<u32>,
    /// Calls in work that change nothing.
    pub reads: usize,
    /// Calls in work that may change something. They wait for one another.
    pub writes: usize,
    /// Calls in work of whoever is not signed in yet.
    pub strangers: usize,
    /// Calls of one person that are worked on at once, of those that change
    /// nothing and of the others each: what is asked beyond waits for these.
    pub of_one: usize,
    /// Until a request's head is there, from the answer before it or from the
    /// beginning: longer than clients keep a connection that they do not use.
    pub head: Duration,
    /// Until a request's body is there.
    pub body: Duration,
    /// Until an answer is taken.
    pub answer: Duration,
    /// How long whoever is connected may still ask when the server stops: the
    /// answer says that it was the last. Who asks nothing is let go then.
    pub farewell: Duration,
}

/// So many calls of one person for each processor keep it busy: with fewer, a
/// fifth of what it could answer is lost to waiting in turn.
const TURNS_OF_ONE: usize = 8;

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: None,
            reads: 1_024,
            writes: 256,
            strangers: 128,
            of_one: TURNS_OF_ONE * processors(),
            head: Duration::from_mins(2),
            body: Duration::from_secs(15),
            answer: Duration::from_secs(30),
            farewell: Duration::from_secs(1),
        }
    }
}

impl App {
    /// An app over a database that is up to date, whose index is filled by [`Feed::load`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(db: Db, arrangements: Arrangements) -> crate::store::Result<Self> {
        let Arrangements { lifetimes, password_policy, limits, mail, provider, backups: _ } = arrangements;
        let lineage: Arc<str> = settings::lineage(&mut db.read().await?).await?.unwrap_or_default().into();
        let index = Arc::new(CustomerIndex::default());
        let feed = Arc::new(Feed::start(&db).await?);
        let callers = Arc::new(callers::Callers::over(&db, limits));
        let gate = Arc::new(gate::Gate::new(&limits));
        let (keys, passwords, brake) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { db, index, feed, callers, keys, passwords, password_policy, brake, lifetimes, limits, gate, mail, provider, lineage })
    }

    /// Waits until all customers can be searched.
    pub async fn ready(&self) {
        self.feed.loaded().await;
    }
}

//! `countertop serve` and `countertop migrate`.

use std::io::IsTerminal as _;
use std::sync::Arc;

use super::database::{self, DatabaseArgs};
use super::doctor::masked;
use super::exit::{Exit, Failure, Outcome};
use super::logging;
use super::output;
use super::runtime;
use super::setup::given;
use super::signals::{Renewals, Signals};
use super::transport::TransportArgs;
use crate::config::ServerSettings;
use crate::server::password::PasswordPolicy;
use crate::server::{self, Arrangements, Backups, IdentityProvider, Lifetime, Lifetimes, Limits, OutgoingMail, Transport};
use crate::store::{Db, migrate, settings, users};

/// `countertop serve`.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Where to listen, 127.0.0.1:7420 unless configured; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    transport: TransportArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `countertop migrate`.
#[derive(Debug, clap::Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Serves until a signal says stop.
pub(super) fn run(args: &ServeArgs) -> Outcome {
    let listen = given("--listen", "server.listen", args.listen.as_deref());
    let (setup, address) = args.database.setup(listen.into_iter().chain(args.transport.flags()))?;
    let config = &setup.config.server;
    let _log = logging::to_stderr(config.log, config.log_format);
    let arrangements = Arrangements {
        lifetimes: lifetimes(config),
        password_policy: password_policy(config),
        limits: Limits::default(),
        mail: OutgoingMail::from_settings(&setup.config.mail)?,
        provider: IdentityProvider::from_settings(&setup.config.oidc)?.map(Arc::new),
        backups: Backups::from_settings(config),
    };
    let transport = args.transport.choose(&setup)?;
    runtime::threads()?.block_on(serve(&address, config, transport, arrangements))
}

async fn serve(address: &str, config: &ServerSettings, transport: Transport, arrangements: Arrangements) -> Outcome {
    let mut signals = Signals::listen()?;
    let mut renewals = Renewals::listen(matches!(transport, Transport::Tls(_)))?;
    let db = database::open(address).await?;
    let running = server::serve(db, config.listen, transport, arrangements).await?;
    prepare(&running.app.db, config, address).await?;
    announce(&running.url())?;
    loop {
        tokio::select! {
            () = signals.stop() => break,
            () = renewals.next() => running.reload_certificate(),
        }
    }
    tracing::info!("stopping");
    running.stop().await?;
    Ok(Exit::Done)
}

/// The first line on standard output: what starts a server waits for it.
pub(super) fn announce(url: &str) -> Result<(), Failure> {
    output::say(&format!("listening on {url}"))
}

/// How long sessions live, from the configuration.
pub(super) fn lifetimes(config: &ServerSettings) -> Lifetimes {
    const HOUR: i64 = 3_600;
    Lifetimes {
        staff: Lifetime { idle_seconds: i64::from(config.staff_idle_hours) * HOUR, most_seconds: i64::from(config.staff_session_days) * 24 * HOUR },
        customer: Lifetime { idle_seconds: i64::from(config.customer_idle_hours) * HOUR, most_seconds: i64::from(config.customer_session_hours) * HOUR },
        kiosk: Lifetime { idle_seconds: i64::from(config.kiosk_idle_seconds), ..Lifetimes::default().kiosk },
    }
}

/// What a new password has to be, from the configuration.
pub(super) fn password_policy(config: &ServerSettings) -> PasswordPolicy {
    PasswordPolicy { shortest: usize::from(config.password_length.0) }
}

/// What a new database needs: its country, and somebody who may sign in.
async fn prepare(db: &Db, config: &ServerSettings, address: &str) -> Result<(), Failure> {
    let mut conn = db.write().await?;
    if settings::get(&mut conn, settings::DEFAULT_COUNTRY).await?.is_none() {
        settings::set(&mut conn, settings::DEFAULT_COUNTRY, &config.default_country.0).await?;
    }
    let users = users::count(&mut conn).await?;
    conn.commit().await?;
    if users == 0 {
        let command = format!("countertop user add admin --role administrator --database '{}'", masked(address));
        output::note(&format!("There is no user yet. The first administrator is made by: {command}"));
    }
    Ok(())
}

/// Brings the database up to date.
pub(super) fn migrate(args: &MigrateArgs) -> Outcome {
    let (_, address) = args.database.setup(None)?;
    let applied = runtime::wait(async {
        let db = database::open(&address).await?;
        let applied = migrate::migrate(&db).await.map_err(Failure::from);
        db.close().await;
        applied
    })?;
    let told = match applied {
        0 => "The database is up to date.".to_owned(),
        1 => "1 migration was applied.".to_owned(),
        more => format!("{more} migrations were applied."),
    };
    output::say(&told)?;
    Ok(Exit::Done)
}

/// Whether a person looks at standard error.
pub(super) fn watched() -> bool {
    std::io::stderr().is_terminal()
}

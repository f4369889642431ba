//! Keeping house: what is no longer needed is forgotten, in lots so small that
//! nobody who writes waits for one.

use std::time::Duration;

use super::{At, Db, Result, changes, device_sign_ins, idempotency, sessions};

/// The most rows that go in one transaction, as the texts say too.
pub const LOT: u64 = 1_000;

/// Between two lots whoever waits to write goes first.
const BREATH: Duration = Duration::from_millis(20);

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// What gathers.
#[derive(Debug, Clone, Copy)]
enum Gathers {
    Sessions,
    SignIns,
    Answers,
    Changes,
}

/// Forgets all that nobody needs at that time; how many rows that was.
///
/// # Errors
/// When the database fails; what went before is gone.
pub async fn keep(db: &Db, now: At) -> Result<u64> {
    let mut forgotten = 0;
    for gathers in [Gathers::Sessions, Gathers::SignIns, Gathers::Answers, Gathers::Changes] {
        loop {
            let lot = forget_lot(db, gathers, now).await?;
            forgotten += lot;
            if lot < LOT {
                break;
            }
            tokio::time::sleep(BREATH).await;
        }
    }
    Ok(forgotten)
}

async fn forget_lot(db: &Db, gathers: Gathers, now: At) -> Result<u64> {
    let days_ago = |days: i64| At::from_micros(now.micros() - days * DAY);
    // After a long import there may be much to look through.
    let mut conn = db.write_at_leisure().await?;
    let lot = match gathers {
        Gathers::Sessions => sessions::prune(&mut conn, now).await?,
        Gathers::SignIns => device_sign_ins::prune(&mut conn, now).await?,
        Gathers::Answers => idempotency::prune(&mut conn, days_ago(90)).await?,
        Gathers::Changes => changes::prune(&mut conn, days_ago(1)).await?,
    };
    conn.commit().await?;
    Ok(lot)
}

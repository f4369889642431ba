//! Straight to the database, as somebody does who goes around the program: for
//! what no operation may do, and to look at what is really kept.

use countertop::store::DbKind;

use crate::harness::{World, rows};

/// Changes rows; how many.
pub(super) async fn change(w: &World, sql: &'static str, values: &[&str]) -> u64 {
    rows::change(&w.app.db, sql, values).await
}

/// Changes rows where the database refuses it; its words.
pub(super) async fn refused(w: &World, sql: &'static str) -> String {
    match rows::try_to_change(&w.app.db, sql, &[]).await {
        Ok(count) => panic!("{sql}: {count} rows"),
        Err(error) => error.to_string(),
    }
}

/// Takes away what keeps the audit as it was written, as somebody has to first who
/// may do anything in the database.
pub(super) async fn open_the_audit(w: &World) {
    let triggers: &[&'static str] = match w.app.db.kind() {
        DbKind::Sqlite => {
            &["DROP TRIGGER audit_not_changed", "DROP TRIGGER audit_not_removed", "DROP TRIGGER audit_seal_not_changed", "DROP TRIGGER audit_seal_not_removed"]
        }
        DbKind::Postgres => &["DROP TRIGGER audit_stays ON audit", "DROP TRIGGER audit_seal_stays ON audit_seal"],
    };
    for trigger in triggers.iter().copied() {
        change(w, trigger, &[]).await;
    }
}

/// One text of each row.
pub(super) async fn texts(w: &World, sql: &'static str) -> Vec<String> {
    rows::rows::<(String,)>(&w.app.db, sql).await.into_iter().map(|(text,)| text).collect()
}

/// Everything that the audit says, a text for each row.
pub(super) async fn audit(w: &World) -> Vec<String> {
    texts(
        w,
        "SELECT id || ' ' || actor_name || ' ' || act || ' ' || entity || ' ' || COALESCE(entity_id, '') || ' ' || changes || ' ' || COALESCE(reason, '') \
            || ' ' || COALESCE(on_behalf_name, '') || ' ' || COALESCE(request_id, '') || ' ' || COALESCE(came_from, '') FROM audit ORDER BY id",
    )
    .await
}

/// Lets a user's sessions stand idle for so many seconds.
pub(super) async fn let_stand(w: &World, user: impl std::fmt::Display, seconds: i64) {
    let micros = (seconds * 1_000_000).to_string();
    let moved = change(w, "UPDATE session SET used_at = used_at - CAST($2 AS BIGINT) WHERE user_id = $1", &[&user.to_string(), &micros]).await;
    assert!(moved > 0, "it has a session");
}

/// Moves the end of a user's sessions nearer by so many seconds.
pub(super) async fn bring_the_end_nearer(w: &World, user: impl std::fmt::Display, seconds: i64) {
    let micros = (seconds * 1_000_000).to_string();
    let moved = change(w, "UPDATE session SET ends_at = ends_at - CAST($2 AS BIGINT) WHERE user_id = $1", &[&user.to_string(), &micros]).await;
    assert!(moved > 0, "it has a session");
}

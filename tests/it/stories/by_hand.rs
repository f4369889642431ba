//! Straight to the database, as somebody does who goes around the program: for
//! what no operation may do, and to look at what is really kept.

use crate::harness::{World, rows};

/// Changes rows; how many.
pub(super) async fn change(w: &World, sql: &'static str, values: &[&str]) -> u64 {
    rows::change(&w.app.db, sql, values).await
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

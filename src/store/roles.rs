//! The dealer's own roles: copies of templates that an administrator edited.

use super::row::{row, statements};
use super::{Conn, Result};

row! {
    /// A role as stored.
    pub struct RoleRow {
        /// Its id.
        pub id: String,
        /// What grants name it by.
        pub role_key: String,
        /// As people say it.
        pub name: String,
        /// The role it was copied from.
        pub copied_from: String,
        /// What it grants, a line for each permission.
        pub cells: String,
        /// Counts up.
        pub row_version: i64,
    }
}

statements! {
    LIST = "SELECT * FROM role ORDER BY role_key";
    ONE = "SELECT * FROM role WHERE role_key = $1";
    INSERT = "INSERT INTO role (id, role_key, name, copied_from, cells, row_version) VALUES ($1, $2, $3, $4, $5, 1)";
    UPDATE = "UPDATE role SET name = $3, cells = $4, row_version = row_version + 1 WHERE role_key = $1 AND row_version = $2";
}

/// All of them, by key.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn) -> Result<Vec<RoleRow>> {
    conn.query(LIST).all().await
}

/// The role of that key.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, key: &str) -> Result<Option<RoleRow>> {
    conn.query(ONE).bind(key).first().await
}

/// Adds a role.
///
/// # Errors
/// [`super::StoreError::Taken`] when the key is in use.
pub async fn insert(conn: &mut Conn, row: &RoleRow) -> Result<()> {
    conn.query(INSERT).bind(&row.id).bind(&row.role_key).bind(&row.name).bind(&row.copied_from).bind(&row.cells).run().await?;
    Ok(())
}

/// Changes a role; false if somebody else was faster.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, row: &RoleRow) -> Result<bool> {
    Ok(conn.query(UPDATE).bind(&row.role_key).bind(row.row_version).bind(&row.name).bind(&row.cells).run().await? > 0)
}

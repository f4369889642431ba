//! Limits and cursors. A cursor holds where the last page ended, not a count,
//! so that rows added meanwhile neither repeat nor skip one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::page::{DEFAULT_LIMIT, MAX_LIMIT, Page};
use crate::api::problem::Problem;

/// Rows of a page as asked for.
///
/// # Errors
/// 422 for 0 and for more than 200.
pub(super) fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit as usize),
        _ => Err(Problem::field("limit", format!("1 to {MAX_LIMIT}"))),
    }
}

/// How many rows to ask the database for: one more than the page has.
pub(super) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::from(MAX_LIMIT)) + 1
}

/// A place as a cursor.
pub(super) fn cursor(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// The place of a cursor.
///
/// # Errors
/// 422 if it is none of ours.
pub(super) fn place<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|bytes| memchr::memmem::find(bytes, br"\u0000").is_none());
    let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    read.map(Some).ok_or_else(|| Problem::field("cursor", "take it from `next` of the page before"))
}

/// A page from one row more than fits: the extra row only says that more come.
pub(super) fn page<R, T>(mut rows: Vec<R>, limit: usize, total: Option<u64>, place: impl Fn(&R) -> String, shape: impl FnMut(R) -> T) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(place) } else { None };
    Page { items: rows.into_iter().map(shape).collect(), next, total }
}

//! The look-up of an asset by any of its numbers (S2-7 … S2-9, S3-30).

use super::call::{Answer, Ask, Cx, Reply};
use super::fault::Fault;
use super::{assets, form, references};
use crate::api::asset::{LookupAnswer, LookupHit, MatchedBy};
use crate::api::lengths;
use crate::api::operation::LookUpAsset;
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::store::assets::{self as stored, FoundRow, Tag};
use crate::text::{fold, number_key};

pub(super) const LOOK_UP: Permission = Permission::named("asset.lookup");

/// `GET /v1/assets/lookup`. Nothing found, not allowed and (for outsiders)
/// disposed are the same empty answer (S2-9).
pub(super) async fn look_up(cx: &mut Cx, ask: Ask<LookUpAsset>) -> Answer<LookupAnswer> {
    let tag = checked_tag(&ask.query.tag)?;
    let scope = cx.caller.scope(LOOK_UP);
    let found = find(cx, &scope, &tag, ask.query.organization.as_deref()).await?;
    references::look_up(cx, &found.iter().map(|found| found.asset.customer_id).collect::<Vec<_>>()).await?;
    let items = found.into_iter().map(|found| LookupHit { asset: assets::header(cx, &scope, found.asset), matched_by: matched_by(found.rank) }).collect();
    Ok(Reply::ok(LookupAnswer { items }))
}

/// A tag that can be looked up.
pub(super) fn checked_tag(tag: &str) -> Result<String, Problem> {
    let mut faults = FieldFaults::default();
    let tag = form::required(&mut faults, "tag", tag, lengths::TAG);
    if !tag.is_empty() && number_key(&tag).is_empty() {
        faults.add("tag", "needs a letter or a digit");
    }
    faults.settle()?;
    Ok(tag)
}

/// Exact hits; only when there are none, look-alikes (trap 15).
pub(super) async fn find(cx: &mut Cx, scope: &crate::store::Scope, tag: &str, organization: Option<&str>) -> Result<Vec<FoundRow>, Fault> {
    let organization = organization.map(fold).filter(|code| !code.is_empty());
    let tag = Tag { tag, organization: organization.as_deref() };
    let found = stored::look_up(&mut cx.conn, scope, tag).await?;
    if found.is_empty() { Ok(stored::look_up_similar(&mut cx.conn, scope, tag).await?) } else { Ok(found) }
}

fn matched_by(rank: i64) -> MatchedBy {
    match rank {
        0 => MatchedBy::AssetNumber,
        1 => MatchedBy::Plate,
        2 => MatchedBy::Vin,
        3 => MatchedBy::VinTail,
        4 => MatchedBy::FormerPlate,
        _ => MatchedBy::Similar,
    }
}

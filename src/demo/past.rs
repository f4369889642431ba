//! What was asked for of generated machines: a dealer has years of requests for
//! service, and nearly all of them are done.

use jiff::{SignedDuration, Timestamp};

use super::generated::Dice;
use super::words::{COMPLAINTS, GIVEN_NAMES, SURNAMES};
use crate::api::ids::RequestId;
use crate::rules::request::RequestStatus;
use crate::store::At;
use crate::store::bulk::StoredAsset;
use crate::store::places::{OrganizationRow, ShopRow};
use crate::store::requests::RequestRow;

/// How far back they go: five years.
const MINUTES: i64 = 5 * 365 * 24 * 60;
/// What was asked for before is done.
const IN_WORK: i64 = 14 * 24 * 60;

/// A drafted request for service.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DraftRequest {
    minutes_ago: i64,
    status: RequestStatus,
    urgency: i64,
    complaint: &'static str,
    first: &'static str,
    last: &'static str,
}

impl DraftRequest {
    /// Of a third of the machines.
    pub(super) fn draft(dice: &mut Dice) -> Option<Self> {
        if !dice.chance(35) {
            return None;
        }
        let minutes_ago = dice.between(1, MINUTES);
        let status = match dice.below(100) {
            0..50 if minutes_ago < IN_WORK => {
                dice.pick(&[RequestStatus::Submitted, RequestStatus::Accepted, RequestStatus::Scheduled, RequestStatus::InProgress])
            }
            0..3 => RequestStatus::Cancelled,
            3..5 => RequestStatus::Declined,
            5..10 => RequestStatus::Completed,
            _ => RequestStatus::Closed,
        };
        let (complaint, first, last) = (dice.pick(COMPLAINTS), dice.pick(GIVEN_NAMES), dice.pick(SURNAMES));
        Some(Self { minutes_ago, status, urgency: dice.between(1, 4), complaint, first, last })
    }

    /// The request of a machine, at a shop.
    pub(super) fn row(&self, now: Timestamp, owner: &OrganizationRow, asset: &StoredAsset, shop: &ShopRow) -> RequestRow {
        let reason = |status: RequestStatus, why: &str| (self.status == status).then(|| why.to_owned());
        RequestRow {
            id: RequestId::new(),
            // Each machine has one at most, and no two have the same digits in their numbers.
            number: format!("R-{}", asset.asset_number.trim_start_matches(char::is_alphabetic)),
            asset_id: asset.id,
            asset_number: asset.asset_number.clone(),
            make: asset.make.clone(),
            model: asset.model.clone(),
            organization_id: owner.id,
            organization_code: owner.code.clone(),
            organization_name: owner.name.clone(),
            customer_id: owner.customer_id,
            customer_name: None,
            shop_id: shop.id,
            shop_code: shop.code.clone(),
            shop_name: shop.name.clone(),
            status: self.status.name().to_owned(),
            urgency: self.urgency,
            complaint: Some(self.complaint.to_owned()),
            requester_first: self.first.to_owned(),
            requester_last: self.last.to_owned(),
            // Only 555-0100 to 555-0199 are kept for fiction.
            requester_email: None,
            requester_phone: Some("+12545550123".to_owned()),
            requester_extension: None,
            driver_first: None,
            driver_last: None,
            driver_email: None,
            driver_phone: None,
            driver_extension: None,
            po_number: None,
            authorization_number: None,
            note: None,
            requested_at: At::from_micros((now - SignedDuration::from_mins(self.minutes_ago)).as_microsecond()),
            requested_by: None,
            source: "counter".to_owned(),
            cancel_reason: reason(RequestStatus::Cancelled, "Sold before it was done"),
            decline_reason: reason(RequestStatus::Declined, "We have no parts for this one"),
            row_version: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_are_done_and_none_has_waited_for_long() {
        let mut dice = Dice::of(3, 1);
        let drafts: Vec<DraftRequest> = (0..30_000).filter_map(|_| DraftRequest::draft(&mut dice)).collect();
        assert!((9_500..11_500).contains(&drafts.len()), "{}", drafts.len());
        let outstanding: Vec<&DraftRequest> = drafts.iter().filter(|draft| draft.status.is_outstanding()).collect();
        assert!((10..100).contains(&outstanding.len()), "{}", outstanding.len());
        assert!(outstanding.iter().all(|draft| draft.minutes_ago < IN_WORK));
    }
}

//! Which form a write came from, as the outbox keeps it: a refused one is opened
//! again with all that was typed.

use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::layer::{Cx, Subject};
use super::overlays::{CustomerForm, ReadingLine, RequestForm};
use crate::api::ids::AssetId;
use crate::client::Call;
use crate::client::outbox::{Entry, Post};

/// A form whose writes go through the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub(super) enum Posted {
    /// The reading line over an asset.
    Reading {
        /// The asset.
        asset: AssetId,
        /// Its number.
        name: String,
    },
    /// A service request for an asset, or by unit number.
    Request {
        /// The asset; none by unit number.
        asset: Option<AssetId>,
        /// Its number.
        name: String,
    },
    /// A new customer.
    Customer {
        /// The text that was searched for.
        searched: String,
    },
}

impl Posted {
    /// The form an entry came from; none where a newer program put it there.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        serde_json::from_str(&entry.form).ok()
    }

    /// What a draft of it belongs to.
    pub(super) fn about(&self) -> String {
        match self {
            Self::Reading { asset, .. } => format!("reading {asset}"),
            Self::Request { asset: Some(asset), .. } => format!("request {asset}"),
            Self::Request { asset: None, .. } => "request by unit".to_owned(),
            Self::Customer { searched } => format!("new customer {searched}"),
        }
    }

    /// What changes when it arrives.
    pub(super) const fn subject(&self) -> Option<Subject> {
        match self {
            Self::Reading { asset, .. } | Self::Request { asset: Some(asset), .. } => Some(Subject::Asset(*asset)),
            Self::Request { asset: None, .. } | Self::Customer { .. } => None,
        }
    }

    /// A write of this form: what is about one asset arrives in the order in
    /// which it was typed.
    pub(super) fn post(&self, title: String, typed: Draft, call: Call) -> Post {
        let subject = match self {
            Self::Reading { asset, .. } | Self::Request { asset: Some(asset), .. } => format!("asset {asset}"),
            // Each for itself.
            Self::Request { asset: None, .. } | Self::Customer { .. } => call.key().to_owned(),
        };
        Post { call, subject, title, about: self.about(), typed, form: serde_json::to_string(self).unwrap_or_default() }
    }

    /// Opens the form with what was typed.
    pub(super) fn open(self, typed: Draft, cx: &mut Cx<'_>) {
        cx.drafts.set(&self.about(), typed);
        match self {
            Self::Reading { asset, name } => cx.open(ReadingLine::again(asset, name)),
            Self::Request { asset: Some(asset), name } => cx.open(RequestForm::again(asset, &name)),
            Self::Request { asset: None, .. } => cx.open(RequestForm::by_unit()),
            Self::Customer { searched } => cx.open(CustomerForm::layer(&searched)),
        }
    }
}

//! A reason, and then a reading is taken out or a request cancelled.

use super::form_layer::{FormLayer, Purpose};
use crate::api::ids::AssetId;
use crate::api::meter::{Reading, Reason};
use crate::api::operation::{CancelRequest, OfReading, OfRequest, VoidReading};
use crate::api::page::Nothing;
use crate::api::service::ServiceRequest;
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::panes::for_people;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// What the reason is for.
#[derive(Debug)]
enum Act {
    Void(OfReading),
    Cancel(OfRequest, i64),
}

/// Asks for the reason.
#[derive(Debug)]
pub(in crate::tui) struct ReasonForm {
    asset: AssetId,
    act: Act,
    heading: String,
}

impl ReasonForm {
    /// To take a reading out (M-11).
    pub(in crate::tui) fn void(asset: AssetId, reading: &Reading) -> FormLayer<Self> {
        let heading = format!("Void {} {}", for_people(&reading.value), reading.unit.name());
        Self::layer(asset, Act::Void(OfReading { id: reading.id }), heading)
    }

    /// To cancel a request.
    pub(in crate::tui) fn cancel(asset: AssetId, request: &ServiceRequest) -> FormLayer<Self> {
        let heading = format!("Cancel {}", request.number);
        Self::layer(asset, Act::Cancel(OfRequest { id: request.id }, request.version), heading)
    }

    fn layer(asset: AssetId, act: Act, heading: String) -> FormLayer<Self> {
        FormLayer::new(Self { asset, act, heading }, Form::new(vec![FormField::new("reason", "Reason", "required; Enter sends")]))
    }
}

impl Purpose for ReasonForm {
    fn title(&self) -> String {
        self.heading.clone()
    }

    fn note(&self) -> &'static str {
        "It stays in the history with your name and this reason."
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        let body = Reason { reason: form.some("reason").ok_or_else(|| vec![("reason", "Say why: others will read it.".to_owned())])? };
        Ok(match &self.act {
            Act::Void(path) => Call::of::<VoidReading>(path, &Nothing {}, &body),
            Act::Cancel(path, version) => Call::of::<CancelRequest>(path, &Nothing {}, &body).if_match(*version),
        })
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        cx.say(Tone::Fine, format!("{}: done.", self.heading));
        cx.want(Intent::Changed(Subject::Asset(self.asset)));
        cx.want(Intent::Done);
    }
}

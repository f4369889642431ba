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
    /// On whose page.
    subject: Subject,
    act: Act,
    heading: String,
}

impl ReasonForm {
    /// To take a reading out (M-11).
    pub(in crate::tui) fn void(asset: AssetId, reading: &Reading) -> FormLayer<Self> {
        let heading = format!("Void {} {}", for_people(&reading.value), reading.unit.name());
        Self::layer(Subject::Asset(asset), Act::Void(OfReading { id: reading.id }), heading)
    }

    /// To cancel a request, on the page of its machine or of the customer.
    pub(in crate::tui) fn cancel(subject: Subject, request: &ServiceRequest) -> FormLayer<Self> {
        let heading = format!("Cancel {}", request.number);
        Self::layer(subject, Act::Cancel(OfRequest { id: request.id }, request.version), heading)
    }

    fn layer(subject: Subject, act: Act, heading: String) -> FormLayer<Self> {
        FormLayer::new(Self { subject, act, heading }, Form::new(vec![FormField::new("reason", "Reason", "required; Enter sends")]))
    }
}

impl Purpose for ReasonForm {
    fn title(&self) -> String {
        self.heading.clone()
    }

    fn about(&self) -> Option<String> {
        Some(match &self.act {
            Act::Void(path) => format!("void {}", path.id),
            Act::Cancel(path, _) => format!("cancel {}", path.id),
        })
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
        cx.want(Intent::Changed(self.subject));
        cx.want(Intent::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::{ReadingId, RequestId};
    use crate::tui::draft::Drafts;
    use crate::tui::layer::Layer as _;
    use crate::tui::shared::tried;
    use crate::tui::unsure::Unsure;

    #[test]
    fn a_reason_half_typed_is_there_again_where_it_was_typed_and_nowhere_else() {
        let (machine, reading, request) = (Subject::Asset(AssetId::new()), OfReading { id: ReadingId::new() }, OfRequest { id: RequestId::new() });
        let (shared, mut drafts, mut unsure, mut next_ticket) = (tried::terminal(), Drafts::default(), Unsure::default(), 0);
        let mut cx = Cx { shared: &shared, drafts: &mut drafts, unsure: &mut unsure, next_ticket: &mut next_ticket, intents: Vec::new() };
        let void = || ReasonForm::layer(machine, Act::Void(OfReading { id: reading.id }), "Void".to_owned());
        let cancel = || ReasonForm::layer(machine, Act::Cancel(OfRequest { id: request.id }, 1), "Cancel".to_owned());
        let mut form = void();
        form.on_paste("typed for the wrong", &mut cx);
        let (about, draft) = form.draft().unwrap();
        cx.drafts.set(&about, draft.clone());
        let mut other = cancel();
        other.opened(&mut cx);
        assert_eq!(other.draft().map(|(_, draft)| draft), Some(Vec::new()));
        let mut again = void();
        again.opened(&mut cx);
        assert_eq!(again.draft(), Some((about, draft)));
    }
}

//! A meter was replaced (M-6): the old dial's last value, the new one's first.

use super::form_layer::{FormLayer, Purpose};
use super::reading_line::short_time;
use crate::api::ids::AssetId;
use crate::api::meter::{Meter, Replacement};
use crate::api::operation::{OfMeter, ReplaceMeter};
use crate::api::page::Nothing;
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// Asks for both values and the time.
#[derive(Debug)]
pub(in crate::tui) struct ReplacementForm {
    path: OfMeter,
    heading: String,
}

impl ReplacementForm {
    /// For a meter of an asset.
    pub(in crate::tui) fn layer(asset: AssetId, meter: &Meter) -> FormLayer<Self> {
        let form = Form::new(vec![
            FormField::new("old_last", "Old dial's last", "what it showed at the end").with(meter.value.as_deref().unwrap_or_default()),
            FormField::new("new_first", "New dial's first", "what the new one shows").with("0"),
            FormField::new("at", "When", "empty for now; or -1d, 20 9:30"),
        ]);
        let heading = format!("{} replaced", meter.kind.in_words());
        FormLayer::new(Self { path: OfMeter { id: asset, meter: meter.meter.clone() }, heading }, form)
    }
}

impl Purpose for ReplacementForm {
    fn title(&self) -> String {
        self.heading.clone()
    }

    fn about(&self) -> Option<String> {
        Some(format!("replacement {} {}", self.path.id, self.path.meter))
    }

    fn note(&self) -> &'static str {
        "The life of the meter goes on; the dial starts at its first value."
    }

    fn call(&self, form: &Form, shared: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        let at = short_time(form.text("at"), shared).map_err(|fault| vec![("at", fault)])?;
        let body = Replacement { old_last: form.text("old_last").to_owned(), new_first: form.text("new_first").to_owned(), at };
        Ok(Call::of::<ReplaceMeter>(&self.path, &Nothing {}, &body))
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        cx.say(Tone::Fine, "The new dial counts on from here.");
        cx.want(Intent::Changed(Subject::Asset(self.path.id)));
        cx.want(Intent::Done);
    }
}

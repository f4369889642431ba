//! One's own password: the present one, the new one twice. It opens by itself
//! where somebody else set the password.

use super::form_layer::{FormLayer, Purpose};
use crate::api::operation::ChangePassword;
use crate::api::page::Nothing;
use crate::api::session::{PasswordChange, Session};
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// What the form is called.
pub(in crate::tui) const TITLE: &str = "Change the password";

/// Asks for both passwords.
#[derive(Debug)]
pub(in crate::tui) struct PasswordForm;

impl PasswordForm {
    /// For whoever is signed in.
    pub(in crate::tui) fn layer() -> FormLayer<Self> {
        let form = Form::new(vec![
            FormField::new("current", "Present password", "").secret(),
            FormField::new("new", "New password", "8 characters or more; a few words are good").secret(),
            FormField::new("again", "The new one again", "").secret(),
        ]);
        FormLayer::new(Self, form)
    }
}

impl Purpose for PasswordForm {
    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn note(&self) -> &'static str {
        "You stay signed in here and are signed out everywhere else."
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        if form.text("new") != form.text("again") {
            return Err(vec![("again", "This is not the same as the line above.".to_owned())]);
        }
        let body = PasswordChange { current: form.text("current").to_owned(), new: form.text("new").to_owned() };
        Ok(Call::of::<ChangePassword>(&Nothing {}, &Nothing {}, &body))
    }

    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        cx.want(Intent::Done);
        cx.say(Tone::Fine, "Your password was changed.");
        if let Ok(session) = serde_json::from_slice::<Session>(answer) {
            cx.want(Intent::Session(Box::new(session)));
        }
    }
}

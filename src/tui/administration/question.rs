//! What is asked before something that cannot be taken back lightly.

use crate::api::contact::GeneratedPassword;
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Tone};
use crate::tui::overlays::{Act, PasswordBox, Question};

/// What follows once it is done.
#[derive(Debug)]
pub(super) enum Then {
    /// This is said.
    Say(String),
    /// The password in the answer is shown, this once.
    ShowPassword,
}

/// The question with what a `y` sends.
#[derive(Debug)]
pub(super) struct Asked {
    heading: &'static str,
    text: String,
    call: Call,
    then: Then,
}

impl Asked {
    /// Asks under a heading.
    pub(super) fn layer(heading: &'static str, text: impl Into<String>, call: Call, then: Then) -> Question<Self> {
        Question::new(Self { heading, text: text.into(), call, then })
    }
}

impl Act for Asked {
    fn title(&self) -> &'static str {
        self.heading
    }

    fn question(&self) -> String {
        self.text.clone()
    }

    fn call(&self) -> Call {
        self.call.clone()
    }

    fn taken(&self, answer: &[u8], cx: &mut Cx<'_>) {
        match &self.then {
            Then::Say(said) => cx.say(Tone::Fine, said.clone()),
            Then::ShowPassword => match serde_json::from_slice::<GeneratedPassword>(answer) {
                Ok(made) => cx.open(PasswordBox::new(made)),
                // What could not be read is not repeated in words: it holds the password.
                Err(_) => cx.say(Tone::Error, "There is a new password, but the answer cannot be read. Give another one."),
            },
        }
        cx.want(Intent::Arranged);
    }

    fn refused(&self, cx: &mut Cx<'_>) {
        // What is shown below may have been the reason.
        cx.want(Intent::Arranged);
    }
}

//! Screens that are not about one record: first run, sign-in in two ways, the
//! lock, a workshop terminal at rest, find, the outbox.

mod device_sign_in;
mod find;
mod first_run;
mod lock;
mod name_and_password;
mod outbox;
mod rest;
mod sign_in;

pub(super) use find::{Find, machine};
pub(super) use first_run::FirstRun;
pub(super) use lock::Lock;
pub(super) use name_and_password::NameAndPassword;
pub(super) use outbox::{Outbox, TITLE as OUTBOX_TITLE};
pub(super) use rest::{IN_DOUBT, Rest, TITLE as REST_TITLE};
pub(super) use sign_in::SignIn;

/// Whether the layer of that title asks for a sign-in or a server, so that no
/// session can be asked for yet.
#[must_use]
pub fn sign_in_needed(title: Option<&str>) -> bool {
    matches!(title, Some(sign_in::TITLE | device_sign_in::TITLE | first_run::TITLE) | None)
}

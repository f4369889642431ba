//! The terminal application in a real pseudo-terminal, against a real server
//! with demo data.

mod administration;
mod contacts;
mod dealers_account;
mod greying;
mod life;
pub(crate) mod screen;
mod screens;
mod standing_in;
mod tasks;

//! The terminal application in a real pseudo-terminal, against a real server
//! with demo data.

mod administration;
mod answering;
mod break_out;
mod bytes;
mod changes;
mod conflicts;
mod contacts;
mod dealers_account;
mod drafts;
mod greying;
mod killed;
mod kiosk;
mod left;
mod life;
mod line;
mod lock;
mod off_line;
mod outbox;
mod restored;
pub(crate) mod screen;
mod screens;
mod sign_ins;
mod slow_line;
mod standing_in;
mod tasks;
#[cfg(target_os = "linux")]
mod watched;

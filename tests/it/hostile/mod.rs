//! No text, file or answer from outside may drive the terminal or the server.

mod answers;
pub(crate) mod harmless;
mod logs;
mod server;
pub(crate) mod spoiled;
mod spreadsheet;
pub(crate) mod texts;

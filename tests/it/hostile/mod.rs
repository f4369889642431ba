//! No text, file or answer from outside may drive the terminal or the server.

mod answers;
mod harmless;
mod server;

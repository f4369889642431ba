//! countertop: the dealer's counter in a terminal, and the API server behind it.
//!
//! The map of the house; an arrow reads "may be used by":
//!
//! ```text
//! text ← rules ← api ← client ← tui ←┐
//!                 ↑                  cli
//!                 └ store ← search, backup ← server, import, demo ←┘
//! config: beside them, over rules; read by cli and server
//! ```
//!
//! * [`text`] — folding, keys, making outside text harmless.
//! * [`rules`] — the trade's rules without any I/O: meters, numbers, places.
//! * [`api`] — the contract: permissions, roles, operations, shapes, problems.
//! * `client` — calls the API over HTTP.
//! * `tui` — the terminal application.
//! * `store` — the only folder with SQL; SQLite and PostgreSQL alike.
//! * `search` — the in-memory customer index.
//! * `backup` — all of a database in one file, and back again.
//! * `server` — handlers, one function per operation of [`api`].
//! * `import`, `demo` — CSV in and out, and the data to try it all with.
//! * [`cli`] — one file per verb of the command line.
//!
//! `tests/it/architecture.rs` holds this picture against the code.

pub mod api;
#[cfg(feature = "server")]
pub mod backup;
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
pub mod config;
#[cfg(feature = "server")]
pub mod demo;
#[cfg(feature = "server")]
pub mod import;
pub mod rules;
#[cfg(feature = "server")]
pub mod search;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod store;
pub mod text;
#[cfg(feature = "client")]
pub mod tui;

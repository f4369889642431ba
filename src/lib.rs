//! x
pub mod api; pub mod rules; pub mod text; pub mod store; pub mod search; pub mod server; pub mod client; pub mod tui;

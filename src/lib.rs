//! x
pub mod api; pub mod rules; pub mod text;

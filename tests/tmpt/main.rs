#![allow(missing_docs)]
mod architecture;
mod terminal;

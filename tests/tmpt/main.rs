#![allow(missing_docs)]
mod architecture;
mod readme;
mod terminal;

//! What the server promises, told as stories over HTTP.

mod access;
mod customers;
mod lookup;
mod meters;
mod numbers;
mod permissions;
mod readings;
mod requests;
mod search;
mod sessions;
mod system;
mod units;
mod writes;

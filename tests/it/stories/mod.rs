//! What the server promises, told as stories over HTTP.

mod access;
mod administration;
mod contacts;
mod customers;
mod device_sign_in;
mod lookup;
mod meters;
mod numbers;
mod people;
mod permissions;
mod readings;
mod requests;
mod search;
mod sessions;
mod system;
mod units;
mod writes;

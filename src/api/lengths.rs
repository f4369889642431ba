//! How long texts may be, in characters as they are sent: the one source of
//! what the document says and of what is refused.

/// A name of a customer, a shop, a person, a role; a line of an address.
pub const NAME: usize = 100;
/// A code or a number in somebody's books.
pub const CODE: usize = 40;
/// What people call a workshop terminal.
pub const LABEL: usize = 60;
/// An asset number, a plate, a VIN.
pub const TAG: usize = 60;
/// A postal code.
pub const POSTAL_CODE: usize = 20;
/// The given or the family name of whoever asks for service.
pub const CALLER: usize = 60;
/// A reason, a comment, a note.
pub const REMARK: usize = 1_000;
/// What is wrong with a machine.
pub const COMPLAINT: usize = 6_000;
/// A service in somebody's own words.
pub const OTHER_SERVICE: usize = 200;
/// The shortest name to sign in with, and the shortest key of a role.
pub const SHORTEST_USERNAME: usize = 3;
/// The longest of both.
pub const USERNAME: usize = 60;
/// The fewest characters of a new password.
pub const SHORTEST_PASSWORD: usize = 8;
/// The most, so that hashing stays bounded.
pub const PASSWORD: usize = 256;
/// The most characters of the key of a write.
pub const IDEMPOTENCY_KEY: usize = 128;
/// The most digits of the seconds that a write waited.
pub const KEPT_FOR: usize = 7;

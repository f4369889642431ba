//! Passwords: argon2id, off the event loop, and only so many at once, for each
//! check is made to cost time and memory.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// How many passwords are checked at once.
const AT_ONCE: usize = 2;

/// Bounds the checking of passwords.
#[derive(Debug)]
pub(crate) struct Checker(Semaphore);

impl Default for Checker {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// argon2 refused.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// Shorter than the policy asks for.
    #[error("a password has at least {0} characters")]
    TooShort(usize),
}

/// The fewest characters of a new password.
pub const MIN_LENGTH: usize = 8;

impl Checker {
    /// Whether a password is the one of the hash. For an unknown user the hash
    /// is none; the same work is done, so that the time tells nothing.
    pub(crate) async fn is_right(&self, password: String, hash: Option<String>) -> bool {
        let Ok(_place) = self.0.acquire().await else { return false };
        tokio::task::spawn_blocking(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let right = PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            known && right
        })
        .await
        .unwrap_or(false)
    }
}

/// A hash of no password, with the parameters of [`hash`].
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password with a salt of its own.
///
/// # Errors
/// When argon2 refuses.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
}

/// Checks a new password by the policy; it is not asked at sign-in (8.4).
///
/// # Errors
/// [`PasswordError::TooShort`].
pub fn check_policy(password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < MIN_LENGTH { Err(PasswordError::TooShort(MIN_LENGTH)) } else { Ok(()) }
}

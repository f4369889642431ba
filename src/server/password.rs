//! Passwords: argon2id, off the event loop, and only so many at once, for each
//! check is made to cost time and memory.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use unicode_normalization::UnicodeNormalization;

use crate::api::lengths;
use crate::text::fold;

/// How many passwords are checked at once.
const AT_ONCE: usize = 2;

/// Bounds the checking of passwords.
#[derive(Debug)]
pub(crate) struct Checker(Arc<Semaphore>);

impl Default for Checker {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// A new password with its hash, made before the write that keeps it begins:
/// hashing takes long and waits in a queue of its own.
pub(crate) struct NewPassword {
    /// Itself.
    pub(crate) password: String,
    /// What is kept.
    pub(crate) hash: String,
    /// The hash it was allowed to replace, where the present password was asked.
    pub(crate) in_place_of: Option<String>,
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPassword").finish_non_exhaustive()
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
    /// Longer than anybody types.
    #[error("a password has at most {0} characters")]
    TooLong(usize),
    /// Among the first that anybody tries.
    #[error("this password is among the first that anybody would try: take another")]
    Common,
}

/// What people take most often, and what a dealer's people would; folded.
const LISTED: &str = include_str!("../../assets/passwords/common.txt");

/// The same to look up in, made at the first new password.
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| LISTED.lines().collect());

/// The most, so that hashing stays bounded.
const MAX_LENGTH: usize = lengths::PASSWORD;

impl Checker {
    /// Does work that takes long, off the event loop and in its turn. It keeps
    /// its place until it is done, though whoever asked hangs up: nothing stops
    /// work that was begun, and hanging up must not make room for more of it.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
        let place = Arc::clone(&self.0).acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        })
        .await
    }

    /// Whether a password is the one of the hash. For an unknown user the hash
    /// is none; the same work is done, so that the time tells nothing.
    pub(crate) async fn is_right(&self, password: String, hash: Option<String>) -> bool {
        self.in_turn(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let right = PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(composed(&password).as_bytes(), &hash).is_ok());
            known && right
        })
        .await
        .unwrap_or(false)
    }
}

/// A hash of no password, with the parameters of [`hash`].
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Checker {
    /// Hashes a password off the event loop, like [`hash`].
    ///
    /// # Errors
    /// When argon2 refuses.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.in_turn(move || hash(&password)).await.unwrap_or_else(|error| Err(PasswordError::Hash(error.to_string())))
    }
}

/// Hashes a password with a salt of its own.
///
/// # Errors
/// When argon2 refuses.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    Argon2::default().hash_password(composed(password).as_bytes()).map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
}

/// One keyboard sends an umlaut as one character, another as a letter and its dots
/// (NIST SP 800-63B, 3.1.1.2).
fn composed(password: &str) -> String {
    password.nfc().collect()
}

/// What a new password has to be; no rules of composition. It is not asked at
/// sign-in (8.4).
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    /// The fewest characters.
    pub shortest: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { shortest: lengths::SHORTEST_PASSWORD }
    }
}

impl PasswordPolicy {
    /// Checks a new password: its length, and that it is none of the first
    /// anybody tries.
    ///
    /// # Errors
    /// Why it will not do.
    pub fn check(self, username: &str, password: &str) -> Result<(), PasswordError> {
        let length = password.chars().count();
        let folded = fold(password);
        match () {
            () if length < self.shortest => Err(PasswordError::TooShort(self.shortest)),
            () if length > MAX_LENGTH => Err(PasswordError::TooLong(MAX_LENGTH)),
            () if folded == fold(username) || COMMON.contains(folded.as_str()) => Err(PasswordError::Common),
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// What many passwords do that are looked at: how many at once, now and at
    /// the most.
    #[derive(Debug, Default)]
    struct Gauge {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Gauge {
        fn work(&self) {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(40));
            self.now.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_sign_ins_at_once_two_are_looked_at_though_they_hang_up() {
        let (checker, gauge) = (Arc::new(Checker::default()), Arc::new(Gauge::default()));
        let asked: Vec<_> = (0..16)
            .map(|_| {
                let (checker, gauge) = (Arc::clone(&checker), Arc::clone(&gauge));
                tokio::spawn(async move { checker.in_turn(move || gauge.work()).await })
            })
            .collect();
        // Some hang up while theirs is looked at, and some before.
        for hanging_up in asked.iter().step_by(2) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            hanging_up.abort();
        }
        let mut answered = 0;
        for asked in asked {
            answered += usize::from(asked.await.is_ok());
        }
        assert!(answered >= 8, "who waits is answered: {answered}");
        let everything = checker.0.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        let (now, most) = (gauge.now.load(Ordering::SeqCst), gauge.most.load(Ordering::SeqCst));
        assert_eq!((now, most), (0, AT_ONCE));
        // Passwords themselves go the same way: nothing is done without a place.
        let password = checker.hash("truck stop pie".to_owned());
        assert!(tokio::time::timeout(Duration::from_millis(300), password).await.is_err());
        let looked_at = checker.is_right("truck stop pie".to_owned(), None);
        assert!(tokio::time::timeout(Duration::from_millis(300), looked_at).await.is_err());
        drop(everything);
        let hash = checker.hash("truck stop pie".to_owned()).await.unwrap();
        assert!(checker.is_right("truck stop pie".to_owned(), Some(hash)).await);
    }

    #[tokio::test]
    async fn an_umlaut_is_the_same_from_every_keyboard() {
        let checker = Checker::default();
        let hash = checker.hash("Mu\u{308}he los".to_owned()).await.unwrap();
        assert!(checker.is_right("M\u{fc}he los".to_owned(), Some(hash.clone())).await);
        assert!(!checker.is_right("Muhe los".to_owned(), Some(hash)).await);
    }

    #[test]
    fn a_new_password_is_long_and_not_what_everybody_takes() {
        let policy = PasswordPolicy::default();
        assert!(policy.check("jo", "truck stop pie").is_ok());
        assert!(policy.check("jo", "αβγδεζηθ").is_ok(), "characters are counted, not bytes");
        assert!(matches!(policy.check("jo", "short"), Err(PasswordError::TooShort(8))));
        assert!(matches!(policy.check("jo", &"x".repeat(257)), Err(PasswordError::TooLong(256))));
        for common in ["Password123", "JohnDeere1", "  Trustno1", "Mercedes", "jo.ortiz"] {
            assert!(matches!(policy.check("Jo.Ortiz", common), Err(PasswordError::Common)), "{common}");
        }
        let stricter = PasswordPolicy { shortest: 15 };
        assert!(matches!(stricter.check("jo", "truck stop pie"), Err(PasswordError::TooShort(15))));
        assert!(stricter.check("jo", "truck stop pies").is_ok());
    }

    #[test]
    fn the_list_is_folded_sorted_and_long_enough_to_matter() {
        let listed: Vec<&str> = LISTED.lines().collect();
        assert!(listed.is_sorted() && listed.iter().all(|common| fold(common) == *common && common.len() >= lengths::SHORTEST_PASSWORD));
        assert!(COMMON.len() == listed.len() && listed.len() >= 3_000, "ASVS 6.2.4 asks for 3,000: {}", listed.len());
    }
}

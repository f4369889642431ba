//! Keys of writes that this server is working on, so that a second sending is
//! told to wait instead of waiting (8.2: "one still running 409").

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::api::ids::UserId;

type Key = (UserId, String, String);

/// The keys at work.
#[derive(Debug, Default)]
pub(crate) struct RunningKeys(Mutex<HashSet<Key>>);

/// Holds a key until it is dropped.
#[derive(Debug)]
pub(crate) struct KeyGuard {
    keys: Arc<RunningKeys>,
    key: Key,
}

impl RunningKeys {
    /// Takes a key, unless it is at work already.
    pub(crate) fn take(self: &Arc<Self>, user: UserId, route: &str, key: &str) -> Option<KeyGuard> {
        let key = (user, route.to_owned(), key.to_owned());
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        taken.then(|| KeyGuard { keys: Arc::clone(self), key })
    }
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

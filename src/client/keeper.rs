//! Keeps sign-ins for somebody who must not wait for a keyring: one after the
//! other, on a thread of its own. A file is written at once.
//!
//! Calls nobody of the house.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::credentials::{Credentials, Keeping, Kept};

/// So long the end waits for what is under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps and forgets the tokens of sign-ins. Its end waits for what it was told.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    keeping: Keeping,
    queue: Option<Queue>,
}

/// What is to be kept, and the sign that all of it is.
#[derive(Debug)]
struct Queue {
    orders: Sender<(String, Option<String>)>,
    over: Receiver<()>,
}

impl Keeper {
    /// For the stored sign-ins of a folder.
    #[must_use]
    pub const fn new(folder: PathBuf, keeping: Keeping) -> Self {
        Self { folder, keeping, queue: None }
    }

    /// Keeps the token of a server, or forgets it.
    pub fn keep(&mut self, server: &str, token: Option<String>) {
        if !self.keeping.has_keyring() {
            store(&self.folder, &self.keeping, server, token);
            return;
        }
        let queue = self.queue.get_or_insert_with(|| begin(self.folder.clone(), self.keeping.clone()));
        if queue.orders.send((server.to_owned(), token)).is_err() {
            tracing::warn!("a sign-in is not stored: its thread could not begin");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let Some(Queue { orders, over }) = self.queue.take() else { return };
        drop(orders);
        // Never a word: it hangs up when it is done.
        let _ = over.recv_timeout(PATIENCE);
    }
}

fn begin(folder: PathBuf, keeping: Keeping) -> Queue {
    let (orders, ordered) = mpsc::channel::<(String, Option<String>)>();
    let (done, over) = mpsc::channel::<()>();
    let keep_all = move || {
        for (server, token) in ordered {
            store(&folder, &keeping, &server, token);
        }
        drop(done);
    };
    if let Err(error) = std::thread::Builder::new().name("sign-ins".to_owned()).spawn(keep_all) {
        tracing::warn!(cause = %error, "sign-ins cannot be stored");
    }
    Queue { orders, over }
}

fn store(folder: &Path, keeping: &Keeping, server: &str, token: Option<String>) {
    let stored = Credentials::read(folder, keeping.clone()).and_then(|mut credentials| match token {
        Some(token) => credentials.keep(server, &token).map(Some),
        None => credentials.forget(server).map(|()| None),
    });
    match stored {
        Ok(Some(Kept::File(Some(fault)))) => tracing::warn!(cause = %fault, "the sign-in is stored in the file"),
        Ok(_) => {}
        Err(error) => tracing::warn!(cause = %error, "the sign-in is not stored as it should be"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use keyring_core::CredentialStore;

    use super::*;
    use crate::client::credentials::Place;
    use crate::client::keyring::Keyring;
    use crate::client::keyring::tests::in_memory;

    const HERE: &str = "https://counter.dealer.example:7420";

    #[test]
    fn the_last_word_counts_and_is_kept_before_the_end() {
        let (folder, keyring) = (tempfile::tempdir().unwrap(), in_memory());
        let keeping = Keeping::new(Some(keyring.clone()), true);
        let mut keeper = Keeper::new(folder.path().to_owned(), keeping.clone());
        for token in [Some("one"), None, Some("two")] {
            keeper.keep(HERE, token.map(str::to_owned));
        }
        drop(keeper);
        assert_eq!(keyring.token(HERE), Ok(Some("two".to_owned())));
        assert_eq!(Credentials::read(folder.path(), keeping).unwrap().token(HERE).unwrap().as_deref(), Some("two"));
    }

    #[test]
    fn somebody_who_signs_in_does_not_wait_for_a_locked_keyring() {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
        let (unlock, lock) = mpsc::channel::<()>();
        let lock = Mutex::new(lock);
        let open = move || {
            // Until somebody unlocks it; from then on it stays so.
            let _ = lock.lock().unwrap().recv();
            Ok(Arc::clone(&store))
        };
        let keeping = Keeping::new(Some(Keyring::new(open, Duration::from_secs(4))), true);
        let mut keeper = Keeper::new(folder.path().to_owned(), keeping.clone());
        keeper.keep(HERE, Some("one".to_owned()));
        // Had the person waited, the keyring would have been given up by now.
        drop(unlock);
        drop(keeper);
        let stored = Credentials::read(folder.path(), keeping).unwrap();
        assert_eq!((stored.place(HERE), stored.token(HERE).unwrap().as_deref()), (Some(Place::Keyring), Some("one")));
    }

    #[test]
    fn a_file_is_written_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(folder.path().to_owned(), Keeping::default());
        keeper.keep(HERE, Some("one".to_owned()));
        assert_eq!(Credentials::read(folder.path(), Keeping::default()).unwrap().token(HERE).unwrap().as_deref(), Some("one"));
    }
}

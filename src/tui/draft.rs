//! Typed text that was not sent: kept when a form is left, when the program
//! ends, and when it is ended.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use crate::api::ids::UserId;

/// Drafts by what they were for, each a list of field and text; and whose they
/// are: nobody else is ever shown them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Drafts {
    owner: Option<UserId>,
    kept: BTreeMap<String, Draft>,
    /// What they were for, the oldest first.
    #[serde(default)]
    order: VecDeque<String>,
}

/// How many are kept: what was left so long ago nobody comes back to.
const MOST: usize = 100;

/// Fields and their texts.
pub(super) type Draft = Vec<(String, String)>;

impl Drafts {
    /// The drafts of the last time; none if there is no file or it cannot be
    /// read.
    pub(super) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("drafts.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps the drafts for the next time.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let path = folder.join("drafts.json");
        if self.kept.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        std::fs::create_dir_all(folder)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        serde_json::to_writer(file, self).map_err(std::io::Error::other)
    }

    /// Somebody is signed in: what is another's goes.
    pub(super) fn belong_to(&mut self, user: UserId) {
        if self.owner.is_some_and(|owner| owner != user) {
            self.kept.clear();
            self.order.clear();
        }
        self.owner = Some(user);
    }

    /// Keeps a draft, or forgets it when it is empty.
    pub(super) fn set(&mut self, about: &str, draft: Draft) {
        self.take(about);
        if draft.iter().all(|(_, text)| text.is_empty()) {
            return;
        }
        self.kept.insert(about.to_owned(), draft);
        self.order.push_back(about.to_owned());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }

    /// Takes a draft out.
    pub(super) fn take(&mut self, about: &str) -> Option<Draft> {
        self.order.retain(|kept| kept != about);
        self.kept.remove(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_very_many_drafts_goes() {
        let mut drafts = Drafts::default();
        for at in 0..MOST + 20 {
            drafts.set(&format!("contact {at}"), vec![("first".to_owned(), "Petra".to_owned())]);
            drafts.set("request", vec![("note".to_owned(), format!("{at}"))]);
        }
        assert_eq!((drafts.kept.len(), drafts.order.len()), (MOST, MOST));
        assert!(drafts.take("contact 0").is_none() && drafts.take("request").is_some());
        assert!(drafts.take(&format!("contact {}", MOST + 19)).is_some());
    }

    #[test]
    fn what_one_person_typed_is_never_shown_to_another() {
        let folder = tempfile::tempdir().unwrap();
        let (jo, mara) = (UserId::new(), UserId::new());
        let mut drafts = Drafts::default();
        drafts.belong_to(jo);
        drafts.set("new contact", vec![("first".to_owned(), "Petra".to_owned())]);
        drafts.write(folder.path()).unwrap();
        let mut again = Drafts::read(folder.path());
        again.belong_to(jo);
        assert!(again.clone().take("new contact").is_some(), "it is kept for whose it is");
        again.belong_to(mara);
        assert_eq!(again.take("new contact"), None);
    }
}

//! What the program left in its folders: every byte of every file, by whatever
//! name, databases and logs included.

use std::fs;
use std::path::{Path, PathBuf};

/// The files below a folder that hold a text.
pub(super) fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes())) {
                // One that goes while we look held nothing for long.
                found.push(path.strip_prefix(folder).unwrap().to_path_buf());
            }
        }
    }
    found
}

/// None of these texts is in any file.
#[track_caller]
pub(super) fn assert_nothing_of(folder: &Path, texts: &[&str]) {
    for text in texts {
        assert_eq!(holding(folder, text), Vec::<PathBuf>::new(), "{text:?} can be read there");
    }
}

#[test]
fn what_lies_in_a_file_of_the_outbox_or_in_a_log_would_be_found() {
    use countertop::api::ids::UserId;
    use countertop::client::outbox::{FILE, Outbox, Whose};

    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state/countertop");
    let whose = Whose { server: "https://here".to_owned(), user: UserId::new() };
    let draft = ("request".to_owned(), vec![("complaint".to_owned(), "Keller's boom drifts".to_owned())]);
    Outbox::open(&state).unwrap().keep_drafts(&whose, &[draft]).unwrap();
    fs::create_dir_all(folder.path().join("cache/a/b")).unwrap();
    fs::write(folder.path().join("cache/a/b/log"), b"\xff\x00Keller Bau GmbH asked").unwrap();
    assert_eq!(holding(folder.path(), "boom drifts"), [Path::new("state/countertop").join(FILE)]);
    assert_eq!(holding(folder.path(), "Keller").len(), 2);
    assert_nothing_of(folder.path(), &["Waco"]);
}

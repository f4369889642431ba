//! Folders of this machine's user, which nobody else may look into.
//!
//! Calls nobody here. Used by whatever keeps something: the outbox, sign-ins, the
//! note of who locked the terminal, the log.

use std::path::Path;

/// Makes a folder and those above it, if need be: new ones are for their owner
/// alone. What stands already stays as its owner wants it.
///
/// # Errors
/// When it cannot be made.
pub fn make(folder: &Path) -> std::io::Result<()> {
    let mut folders = std::fs::DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.create(folder)
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn nobody_else_looks_into_a_new_folder_and_an_old_one_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (state, ours) = (home.path().join("state"), home.path().join("state/countertop"));
        super::make(&ours).unwrap();
        super::make(&ours).unwrap();
        assert_eq!((mode(&state), mode(&ours), mode(home.path())), (0o700, 0o700, 0o755));
    }
}

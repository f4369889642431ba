//! A file that is written as a whole or stays as it was: what is written stands
//! beside it until all of it is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::import::real_place;

/// A file being written.
#[derive(Debug)]
pub(super) struct WholeFile {
    out: BufWriter<File>,
    /// Where it stands meanwhile, and where it belongs; none where it is no file
    /// that could be put in another's place, such as a pipe.
    beside: Option<(PathBuf, PathBuf)>,
}

impl WholeFile {
    /// Begins to write what is to stand at `path`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let present = fs::metadata(path).ok();
        if present.as_ref().is_some_and(|present| !present.is_file()) {
            let out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
            return Ok(Self { out, beside: None });
        }
        if present.is_some() {
            // Another file in its place would go round what its mode forbids.
            drop(OpenOptions::new().write(true).open(path)?);
        }
        // What a link names is written, and the link stays.
        let target = real_place(path);
        // Not its name and more: that may be as long as a name can be.
        let part = target.with_file_name(format!(".countertop-{}.part", std::process::id()));
        // Left by one that was killed, or laid there as a link to something else.
        let _ = fs::remove_file(&part);
        let file = new_file(&part, present.as_ref())?;
        let this = Self { out: BufWriter::new(file), beside: Some((part.clone(), target)) };
        if let Some(present) = present {
            fs::set_permissions(&part, present.permissions())?;
        }
        Ok(this)
    }

    /// All of it is written: it takes its place.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        let Some((part, target)) = &self.beside else { return Ok(()) };
        self.out.get_ref().sync_all()?;
        fs::rename(part, target)?;
        self.beside = None;
        Ok(())
    }
}

/// A file that was not there; from its first byte nobody reads it who may not
/// read the one that it is for.
fn new_file(part: &Path, present: Option<&fs::Metadata>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(present) = present {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(present.permissions().mode() & 0o777);
    }
    #[cfg(not(unix))]
    let _ = present;
    options.open(part)
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.beside {
            // It is half a file, and of no use to anybody.
            let _ = fs::remove_file(part);
        }
    }
}

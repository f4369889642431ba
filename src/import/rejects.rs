//! The refused rows as they were, with the reason behind them. They are written
//! as they come, in the file's own encoding and with its delimiter, so that a
//! corrected rejects file can be imported with the same map.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use csv::ByteRecord;
use encoding_rs::WINDOWS_1252;

use super::map::Encoding;
use super::reader::Reader;
use super::{ImportError, REASON, io_error};

/// A rejects file being written.
pub(super) struct Rejects {
    file: String,
    out: csv::Writer<File>,
    encoding: Encoding,
}

impl Rejects {
    /// Makes the file with the header of `reader`, which reads `source`.
    ///
    /// # Errors
    /// When it cannot be written, or is the very file that is imported.
    pub(super) fn create<R: Read>(path: &Path, source: &Path, reader: &Reader<R>) -> Result<Self, ImportError> {
        let file = path.display().to_string();
        let told = |source: io::Error| ImportError::Rejects { file: file.clone(), source };
        if is_same_file(path, source) {
            return Err(told(io::Error::new(io::ErrorKind::InvalidInput, "this is the file that is imported; name another one for the refused rows")));
        }
        let mut opened = File::create(path).map_err(told)?;
        if reader.is_marked() {
            opened.write_all(b"\xEF\xBB\xBF").map_err(told)?;
        }
        let out = csv::WriterBuilder::new().flexible(true).delimiter(reader.delimiter()).from_writer(opened);
        let mut rejects = Self { file, out, encoding: reader.encoding() };
        rejects.write(&ByteRecord::from(reader.header().to_vec()), REASON)?;
        Ok(rejects)
    }

    /// Adds a row with its reason.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&mut self, cells: &ByteRecord, reason: &str) -> Result<(), ImportError> {
        self.add(cells, reason).map_err(|error| self.told(io_error(error)))
    }

    fn add(&mut self, cells: &ByteRecord, reason: &str) -> csv::Result<()> {
        for cell in cells {
            self.out.write_field(as_written(self.encoding, cell))?;
        }
        self.out.write_field(as_written(self.encoding, reason.as_bytes()))?;
        self.out.write_record(None::<&[u8]>)
    }

    /// Writes what is still held.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn finish(&mut self) -> Result<(), ImportError> {
        self.out.flush().map_err(|source| self.told(source))
    }

    fn told(&self, source: io::Error) -> ImportError {
        ImportError::Rejects { file: self.file.clone(), source }
    }
}

/// Links to what is not there that are followed, as an operating system does.
const MOST_LINKS: u8 = 40;

/// Whether both names are of one file, or of one that is to be made.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) {
        use std::os::unix::fs::MetadataExt as _;
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    real_place(one) == real_place(other)
}

/// Where a file stands when links are followed, or will stand when it is made.
#[must_use]
pub fn real_place(path: &Path) -> PathBuf {
    followed(path, MOST_LINKS)
}

fn followed(path: &Path, links: u8) -> PathBuf {
    let Ok(whole) = std::path::absolute(path) else { return path.to_owned() };
    let mut place = PathBuf::new();
    for part in whole.components() {
        if part == Component::ParentDir {
            place.pop();
            continue;
        }
        place.push(part);
        if let Ok(there) = place.canonicalize() {
            place = there;
        } else if links > 0
            && let Ok(target) = place.read_link()
        {
            // Whoever opens it makes what it names.
            place.pop();
            place = followed(&place.join(target), links - 1);
        }
    }
    place
}

/// A cell in the bytes it was read from.
fn as_written(encoding: Encoding, cell: &[u8]) -> Cow<'_, [u8]> {
    match (encoding, std::str::from_utf8(cell)) {
        (Encoding::Windows1252, Ok(text)) => WINDOWS_1252.encode(text).0,
        _ => Cow::Borrowed(cell),
    }
}

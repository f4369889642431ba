//! Lines in a gzip of several parts. Each part bears, in the field that gzip
//! leaves to others, its lengths and the hash over the part before and itself.
//! All else in it is always the same: there is no byte that nobody looks at.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use sha2::{Digest as _, Sha256};

use super::{BackupError, Result};
use crate::text::hex;

/// A part is closed when its lines are so long together.
const FULL: usize = 1 << 20;
/// No part is longer: the longest text that a row may have stands in one line.
const LONGEST: u32 = 1 << 28;

/// A gzip of no name and no time, with a field `CT` of forty bytes.
const START: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 44, 0, b'C', b'T', 40, 0];
/// The two lengths in that field, packed and not.
const LENGTHS: usize = 8;
/// The hash in that field.
const SEAL: usize = 32;
/// Behind the packed text: checksum and length, as gzip has them.
const END: usize = 8;

type Seal = [u8; SEAL];

fn seal_of(before: &Seal, lengths: &[u8], packed: &[u8], end: &[u8]) -> Seal {
    Sha256::new().chain_update(before).chain_update(lengths).chain_update(packed).chain_update(end).finalize().into()
}

fn checksum(text: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(text);
    crc.sum().to_le_bytes()
}

/// Packs lines.
#[derive(Debug)]
pub(super) struct Packer<W: Write> {
    out: W,
    text: Vec<u8>,
    seal: Seal,
}

impl<W: Write> Packer<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, text: Vec::with_capacity(FULL + FULL / 4), seal: [0; SEAL] }
    }

    /// Adds a line.
    pub(super) fn line(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        if self.text.len() >= FULL { self.close_part() } else { Ok(()) }
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> std::io::Result<()> {
        if !self.text.is_empty() {
            self.close_part()?;
        }
        self.out.flush()
    }

    fn close_part(&mut self) -> std::io::Result<()> {
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(self.text.len() / 4), Compression::default());
        encoder.write_all(&self.text)?;
        let packed = encoder.finish()?;
        let (packed_length, length) = (length_of(&packed)?, length_of(&self.text)?);
        let lengths = [packed_length, length].concat();
        let end = [checksum(&self.text), length].concat();
        self.seal = seal_of(&self.seal, &lengths, &packed, &end);
        for part in [START.as_slice(), &lengths, &self.seal, &packed, &end] {
            self.out.write_all(part)?;
        }
        self.text.clear();
        Ok(())
    }
}

fn length_of(bytes: &[u8]) -> std::io::Result<[u8; 4]> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= LONGEST);
    length.map(u32::to_le_bytes).ok_or_else(|| std::io::Error::other("a row is too long for a backup"))
}

/// Reads lines, and refuses whatever was not written just so.
#[derive(Debug)]
pub(super) struct Unpacker {
    file: BufReader<File>,
    path: PathBuf,
    text: Vec<u8>,
    at: usize,
    seal: Seal,
}

impl Unpacker {
    pub(super) fn open(path: &Path) -> Result<Self> {
        // Whoever opens a pipe waits for somebody to write.
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(BackupError::NoFile(path.to_owned()));
        }
        let file = File::open(path).map_err(BackupError::file(path))?;
        Ok(Self { file: BufReader::with_capacity(1 << 16, file), path: path.to_owned(), text: Vec::new(), at: 0, seal: [0; SEAL] })
    }

    /// The next line; none at the end of the file.
    pub(super) fn line(&mut self) -> Result<Option<&[u8]>> {
        if self.at >= self.text.len() && !self.open_part()? {
            return Ok(None);
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(length) = memchr::memchr(b'\n', rest) else { return Err(BackupError::damaged(&self.path, "a line has no end")) };
        self.at += length + 1;
        Ok(rest.get(..length))
    }

    /// Over all that was read.
    pub(super) fn seal(&self) -> String {
        hex(&self.seal)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// False at the end of the file.
    fn open_part(&mut self) -> Result<bool> {
        let first = self.seal == [0; SEAL];
        let head = self.take(START.len() + LENGTHS + SEAL)?;
        if head.is_empty() && !first {
            return Ok(false);
        }
        let Some(rest) = head.strip_prefix(START.as_slice()) else {
            return Err(if first { BackupError::Foreign(self.path.clone()) } else { self.damaged("a part does not begin as it should") });
        };
        let Some((lengths, sealed)) = rest.split_at_checked(LENGTHS).filter(|(_, sealed)| sealed.len() == SEAL) else {
            return Err(self.damaged("it ends too early"));
        };
        let numbers = lengths.first_chunk().zip(lengths.last_chunk()).map(|(packed, text)| (u32::from_le_bytes(*packed), u32::from_le_bytes(*text)));
        let Some((packed_length, length)) = numbers.filter(|(packed, text)| *packed <= LONGEST && *text <= LONGEST) else {
            return Err(self.damaged("a part is longer than any can be"));
        };
        let body = self.take(packed_length as usize + END)?;
        let Some((packed, end)) = body.split_at_checked(packed_length as usize).filter(|(_, end)| end.len() == END) else {
            return Err(self.damaged("it ends too early"));
        };
        let seal = seal_of(&self.seal, lengths, packed, end);
        if seal != *sealed {
            return Err(self.damaged("a part is not as it was written"));
        }
        self.seal = seal;
        self.unpack(packed, length, end)?;
        Ok(true)
    }

    /// What is not too long by its own word is not read on for ever either.
    fn unpack(&mut self, packed: &[u8], length: u32, end: &[u8]) -> Result<()> {
        self.text.clear();
        self.at = 0;
        let read = DeflateDecoder::new(packed).take(u64::from(length) + 1).read_to_end(&mut self.text);
        let whole = read.is_ok_and(|read| read == length as usize) && end == [checksum(&self.text), length.to_le_bytes()].concat();
        if whole { Ok(()) } else { Err(self.damaged("a part cannot be unpacked")) }
    }

    /// So many bytes, fewer at the end of the file.
    fn take(&mut self, bytes: usize) -> Result<Vec<u8>> {
        let mut taken = Vec::new();
        self.file.by_ref().take(bytes as u64).read_to_end(&mut taken).map_err(BackupError::file(&self.path))?;
        Ok(taken)
    }

    fn damaged(&self, what: &str) -> BackupError {
        BackupError::damaged(&self.path, what)
    }
}

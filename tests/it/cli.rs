//! The verbs of the command line against a real server: shapes and exit codes
//! (8.1).

use std::io::Write as _;
use std::process::{Command, Output};

use crate::terminal::screen::{add_settled_account, demo, own_folders, token, token_by};

fn run(account: &str, arguments: &[&str]) -> Output {
    run_by(&token(account), arguments)
}

/// The same by a token.
fn run_by(token: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(arguments).env("COUNTERTOP_SERVER", &demo().address).env("COUNTERTOP_TOKEN", token);
    for (name, value) in own_folders(folder.path()) {
        command.env(name, value);
    }
    command.output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn find_prints_one_document_and_says_when_there_is_none() {
    let found = run("counter", &["find", "keller bau", "--json"]);
    assert_eq!((code(&found), json(&found)["items"][0]["name"].as_str()), (0, Some("Keller Bau GmbH")));
    assert_eq!(code(&run("counter", &["find", "zzzzzz"])), 3);
    assert_eq!(code(&run("counter", &["find", "ke"])), 6);
    let texans = run("counter", &["find", "TX", "--by", "state", "--json"]);
    assert!(json(&texans)["items"].as_array().unwrap().iter().all(|hit| hit["state"] == "TX"), "S3-5");
}

#[test]
fn exit_codes_tell_scripts_what_happened() {
    assert_eq!(code(&run("fleet", &["find", "keller"])), 4, "refused by the role");
    assert_eq!(code(&run("counter", &["find"])), 2, "wrong usage");
    assert_eq!(code(&run("counter", &["asset", "show", "nothing-has-this"])), 3);
    let mut nobody = Command::new(env!("CARGO_BIN_EXE_countertop"));
    nobody.args(["find", "keller", "--server", "http://127.0.0.1:9", "--token", "x"]);
    assert_eq!(nobody.output().unwrap().status.code(), Some(5));
}

#[test]
fn s2_8_a_tag_in_two_organizations_is_refused_with_the_list() {
    let refused = run("counter", &["asset", "show", "gx4711"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(code(&refused), 3);
    assert!(said.contains("KELLER") && said.contains("WACO-ST"), "{said}");
    let shown = run("counter", &["asset", "show", "gx4711", "--organization", "KELLER", "--json"]);
    assert_eq!((code(&shown), json(&shown)["asset_number"].as_str()), (0, Some("1042")));
}

#[test]
fn readings_and_requests_can_be_added_by_scripts() {
    let added = run("counter", &["reading", "add", "1044", "99999", "--json"]);
    assert_eq!(code(&added), 6, "too much in the time: {}", String::from_utf8_lossy(&added.stdout));
    assert!(added.stdout.is_empty(), "a refusal leaves standard output alone");
    let filed = run("counter", &["request", "add", "1055", "--complaint", "wipers streak", "--urgency", "4", "--json"]);
    assert_eq!((code(&filed), json(&filed)["urgency"].as_i64()), (0, Some(4)), "{}", String::from_utf8_lossy(&filed.stderr));
}

#[test]
fn sign_ins_are_listed_and_ended_by_scripts() {
    let (name, password) = ("here-and-there", "truck stop pie");
    add_settled_account(name, "technician", password);
    let [here, there, nowhere] = [(); 3].map(|()| token_by(name, password));
    let listed = run_by(&here, &["session", "list", "--json"]);
    let sign_ins = json(&listed)["items"].as_array().unwrap().clone();
    assert_eq!((code(&listed), sign_ins.len()), (0, 3));
    let newest = sign_ins[0]["id"].as_str().unwrap();
    assert_eq!(code(&run_by(&here, &["session", "end", newest])), 0);
    assert_eq!(code(&run_by(&here, &["session", "end", newest])), 3, "it has ended");
    assert_eq!(code(&run_by(&here, &["session", "end"])), 2, "which?");
    assert_ne!(code(&run_by(&nowhere, &["session", "list"])), 0);
    assert_eq!(code(&run_by(&there, &["session", "list"])), 0);
    assert_eq!(code(&run_by(&here, &["session", "end", "--others"])), 0);
    assert_ne!(code(&run_by(&there, &["session", "list"])), 0);
    let left = String::from_utf8(run_by(&here, &["session", "list"]).stdout).unwrap();
    assert!(left.lines().count() == 2 && left.contains("this one"), "{left}");
}

#[test]
fn roles_prints_what_the_program_itself_uses() {
    let printed = run("counter", &["roles", "--csv"]);
    let text = String::from_utf8(printed.stdout).unwrap();
    let matrix = include_str!("../../assets/roles/role-matrix.csv");
    for (ours, theirs) in text.lines().zip(matrix.lines()) {
        let cells: Vec<&str> = theirs.split(',').collect();
        let expected = std::iter::once(cells[0]).chain(cells[2..20].iter().copied()).collect::<Vec<_>>().join(",");
        assert_eq!(ours, expected);
    }
    assert_eq!(text.lines().count(), 104);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let script = format!("{} roles | head -1", env!("CARGO_BIN_EXE_countertop"));
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn user_add_refuses_without_a_password_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/a.db", folder.path().display());
    let mut add = Command::new(env!("CARGO_BIN_EXE_countertop"));
    add.args(["user", "add", "admin", "--role", "administrator", "--database", &database]).stdin(std::process::Stdio::null());
    assert_eq!(add.output().unwrap().status.code(), Some(2));
}

#[test]
fn s3_21_a_customer_is_tied_to_the_business_system_by_the_number_there() {
    let created = run("counter", &["customer", "create", "--name", "Tie Me Haulage", "--number", "77440001", "--json"]);
    let id = json(&created)["id"].as_str().unwrap().to_owned();
    let shown = run("counter", &["customer", "show", "77440001", "--json"]);
    assert_eq!((code(&shown), json(&shown)["id"].as_str()), (0, Some(id.as_str())), "by its number");
    let tied = run("manager", &["customer", "link", "77440001", "77440002", "--json"]);
    assert_eq!((code(&tied), json(&tied)["number"].as_str()), (0, Some("77440002")), "{}", String::from_utf8_lossy(&tied.stderr));
    assert_eq!(code(&run("counter", &["customer", "show", "77440001"])), 3, "nobody has the old one");
}

#[test]
fn a_script_gets_a_refusal_as_json_on_standard_error() {
    let refused = run("tech", &["customer", "create", "--name", "X", "--number", "1", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&refused.stderr).expect("one document");
    assert_eq!((code(&refused), &said["code"], &said["missing"]), (4, &"permission.missing".into(), &serde_json::json!(["customer.create"])));
    assert!(refused.stdout.is_empty());
    let nothing = run("counter", &["asset", "show", "nothing-has-this", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&nothing.stderr).expect("one document");
    assert!(code(&nothing) == 3 && said["detail"].is_string(), "{said}");
}

#[test]
fn i_3_the_last_administrator_is_not_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/a.db", folder.path().display());
    let user = |arguments: &[&str]| {
        let mut verb = Command::new(env!("CARGO_BIN_EXE_countertop"));
        verb.arg("user").args(arguments).args(["--database", &database]).stdin(std::process::Stdio::piped());
        verb.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = verb.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a long enough password\n").unwrap();
        child.wait_with_output().unwrap()
    };
    for name in ["first", "second"] {
        assert_eq!(code(&user(&["add", name, "--role", "administrator", "--password-stdin"])), 0);
    }
    assert_eq!(code(&user(&["disable", "first"])), 0);
    let last = user(&["disable", "second"]);
    assert_eq!(code(&last), 6, "{}", String::from_utf8_lossy(&last.stderr));
    assert_eq!(code(&user(&["disable", "nobody"])), 3);
    assert_eq!(code(&user(&["enable", "first"])), 0);
    assert_eq!(code(&user(&["disable", "second"])), 0, "there is another one again");
}

#[test]
fn s3_13_an_export_warns_of_numbers_that_were_never_verified() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(at("shops.csv"), "code,name\nSLN,San Leandro\n").unwrap();
    std::fs::write(at("customers.csv"), "number,name,shop\n10442,Keller Bau GmbH,SLN\n,Cash Customer,SLN\n").unwrap();
    let database = format!("sqlite://{}", at("a.db"));
    let verb = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_countertop")).args(arguments).args(["--database", &database]).output().unwrap();
    assert_eq!(code(&verb(&["migrate"])), 0);
    assert_eq!(code(&verb(&["import", "shops", &at("shops.csv")])), 0);
    assert_eq!(code(&verb(&["import", "customers", &at("customers.csv")])), 0);
    let exported = verb(&["export", "customers"]);
    let said = String::from_utf8_lossy(&exported.stderr).into_owned();
    assert!(said.contains("1 customer number was never compared with the business system"), "{said}");
    assert!(String::from_utf8_lossy(&exported.stdout).contains("10442"), "and is written all the same");
}

/// A dealer's database with one customer, in a folder of its own.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(files.at("shops.csv"), "code,name\nSLN,San Leandro\n").unwrap();
        std::fs::write(files.at("customers.csv"), "number,name,shop\n10442,Keller Bau GmbH,SLN\n").unwrap();
        assert_eq!(code(&files.verb(&["import", "shops", &files.at("shops.csv")])), 0);
        assert_eq!(code(&files.verb(&["import", "customers", &files.at("customers.csv")])), 0);
        files
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn verb(&self, arguments: &[&str]) -> Output {
        self.verb_on("a.db", arguments)
    }

    fn verb_on(&self, database: &str, arguments: &[&str]) -> Output {
        let database = format!("sqlite://{}", self.at(database));
        Command::new(env!("CARGO_BIN_EXE_countertop")).args(arguments).args(["--database", &database]).output().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn what_is_written_is_never_written_over_the_database() {
    let files = Files::new();
    let again = files.at("again.csv");
    #[cfg(unix)]
    std::os::unix::fs::symlink(files.at("a.db"), files.at("link")).unwrap();
    std::fs::hard_link(files.at("a.db"), files.at("other name")).unwrap();
    let roundabout = format!("{}/../{}/a.db", files.at(""), files.folder.path().file_name().unwrap().to_string_lossy());
    for name in [files.at("a.db"), files.at("link"), files.at("other name"), roundabout] {
        let ways: [&[&str]; 3] = [
            &["export", "customers", "--out", &name],
            &["import", "customers", &files.at("customers.csv"), "--rejects", &name],
            &["backup", &name, "--overwrite"],
        ];
        for way in ways {
            let refused = files.verb(way);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(code(&refused) == 6 && said.contains("is the database itself: name another file"), "{way:?}: {said}");
        }
    }
    assert_eq!(code(&files.verb(&["export", "customers", "--out", &again])), 0);
    assert!(std::fs::read_to_string(&again).unwrap().contains("Keller Bau GmbH"), "all of it is there");
}

#[cfg(unix)]
#[test]
fn what_is_not_there_yet_is_refused_as_well_where_the_database_will_write() {
    let files = Files::new();
    for (from, to) in [("link", "a.db"), ("to be", "new.db")] {
        std::os::unix::fs::symlink(files.at(to), files.at(from)).unwrap();
    }
    let before = files.names();
    for (database, name) in [
        ("a.db", "a.db-wal"),
        ("a.db", "a.db-shm"),
        ("a.db", "a.db-journal"),
        ("link", "a.db-wal"),
        ("new.db", "new.db"),
        ("new.db", "to be"),
        ("to be", "new.db-wal"),
        ("none/new.db", "none/../none/new.db"),
    ] {
        let name = files.at(name);
        let ways: [&[&str]; 3] = [
            &["export", "customers", "--out", &name],
            &["import", "customers", &files.at("customers.csv"), "--rejects", &name],
            &["backup", &name, "--overwrite"],
        ];
        for way in ways {
            let refused = files.verb_on(database, way);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(code(&refused) == 6 && said.contains("is the database itself: name another file"), "{database} {way:?}: {said}");
        }
    }
    assert_eq!(files.names(), before, "nothing is made");
    assert!(String::from_utf8_lossy(&files.verb(&["export", "customers"]).stdout).contains("Keller Bau GmbH"));
}

#[test]
fn refused_rows_are_not_written_over_the_map_of_their_import() {
    let files = Files::new();
    let map = files.at("map.toml");
    std::fs::write(&map, "kind = \"customers\"\n").unwrap();
    let refused = files.verb(&["import", "customers", &files.at("customers.csv"), "--map", &map, "--rejects", &map]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(code(&refused) == 6 && said.contains("is the map of this import: name another file"), "{said}");
    assert_eq!(std::fs::read_to_string(&map).unwrap(), "kind = \"customers\"\n");
}

#[test]
fn an_export_that_fails_leaves_the_file_before_and_makes_no_database() {
    let files = Files::new();
    let old = files.at("old.csv");
    std::fs::write(&old, "what was exported before\n").unwrap();
    let before = files.names();
    for (database, exit) in [("none/b.db", 3), ("shops.csv", 1)] {
        let failed = files.verb_on(database, &["export", "customers", "--out", &old]);
        assert_eq!(code(&failed), exit, "{database}: {failed:?}");
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "what was exported before\n", "{database}");
    }
    assert_eq!(files.names(), before, "nothing is left behind, nor made");
    assert_eq!(code(&files.verb(&["export", "customers", "--out", &old])), 0);
    assert!(std::fs::read_to_string(&old).unwrap().contains("10442"));
    assert_eq!(files.names().iter().filter(|name| name.contains("part")).count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_to_what_stands_for_standard_output_is_written_behind_what_is_there() {
    let files = Files::new();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let there = files.at("there");
        std::fs::write(&there, "above\n").unwrap();
        let file = std::fs::OpenOptions::new().append(true).open(&there).unwrap();
        let database = format!("sqlite://{}", files.at("a.db"));
        let verb = ["export", "customers", "--out", name, "--database", &database];
        assert!(Command::new(env!("CARGO_BIN_EXE_countertop")).args(verb).stdout(file).status().unwrap().success());
        let text = std::fs::read_to_string(&there).unwrap();
        assert!(text.starts_with("above\n") && text.contains("10442"), "{name}: {text}");
        assert!(String::from_utf8_lossy(&files.verb(&["export", "customers", "--out", name]).stdout).contains("10442"), "{name}: a pipe");
    }
}

#[cfg(unix)]
#[test]
fn an_export_keeps_links_modes_and_names_of_any_length() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let files = Files::new();
    let long = "x".repeat(255);
    std::fs::write(files.at(&long), "before\n").unwrap();
    std::fs::set_permissions(files.at(&long), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(files.at(&long), files.at("link")).unwrap();
    symlink(files.at("made.csv"), files.at("to be")).unwrap();
    for (name, made) in [("link", long.as_str()), ("to be", "made.csv")] {
        let exported = files.verb(&["export", "customers", "--out", &files.at(name)]);
        assert_eq!(code(&exported), 0, "{name}: {exported:?}");
        assert!(std::fs::symlink_metadata(files.at(name)).unwrap().is_symlink(), "{name}");
        assert!(std::fs::read_to_string(files.at(made)).unwrap().contains("10442"), "{name}");
    }
    assert_eq!(std::fs::metadata(files.at(&long)).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn who_works_on_accounts_that_are_there_makes_no_database() {
    let files = Files::new();
    let before = files.names();
    for verb in ["disable", "enable"] {
        let failed = files.verb_on("none/b.db", &["user", verb, "admin"]);
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(code(&failed) == 3 && said.contains("there is no database at"), "{verb}: {said}");
    }
    assert_eq!(files.names(), before);
}

#[cfg(unix)]
#[test]
fn a_new_database_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = Files::new();
    for name in files.names().iter().filter(|name| name.starts_with("a.db")) {
        assert_eq!(std::fs::metadata(files.at(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn an_import_that_is_killed_has_kept_whole_parts_and_is_finished_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let rows: Vec<String> = (0..12_000).map(|row| format!("N{row},Yard {row},SLN\n")).collect();
    std::fs::write(at("shops.csv"), "code,name\nSLN,San Leandro\n").unwrap();
    std::fs::write(at("customers.csv"), format!("number,name,shop\n{}", rows.concat())).unwrap();
    let database = format!("sqlite://{}", at("a.db"));
    let verb = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
        command.args(arguments).args(["--database", &database]);
        command
    };
    assert_eq!(code(&verb(&["import", "shops", &at("shops.csv")]).output().unwrap()), 0);
    let mut killed = verb(&["import", "customers", &at("customers.csv")]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(600));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let finished = json(&verb(&["import", "customers", &at("customers.csv"), "--json"]).output().unwrap());
    let (added, unchanged) = (finished["added"].as_u64().unwrap(), finished["unchanged"].as_u64().unwrap());
    assert_eq!((added + unchanged, unchanged % 4_000, &finished["refused"]), (12_000, 0, &serde_json::json!(0)), "{finished}");
}

#[test]
fn doctor_tells_of_the_database_that_it_looks_into() {
    let folder = tempfile::tempdir().unwrap();
    let other = format!("sqlite://{}/other.db", folder.path().display());
    let asked = |arguments: &[&str]| json(&run("counter", &[&["doctor", "--json"][..], arguments].concat()));
    let missing = asked(&["--database", &other]);
    assert_eq!((&missing["database"]["address"], missing["audit"]["remark"].is_string()), (&other.as_str().into(), true), "{missing}");
    assert_eq!(code(&run("counter", &["migrate", "--database", &other])), 0);
    let there = asked(&["--database", &other]);
    assert_eq!((&there["database"]["address"], there["audit"]["sealed"].is_u64()), (&other.as_str().into(), true), "{there}");
    let usual = asked(&[])["database"]["address"].clone();
    assert!(usual.is_string() && usual != other.as_str(), "{usual}");
}

#[test]
fn doctor_goes_by_the_environment_where_the_file_has_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    std::fs::write(&file, "[server]\nlisen = \"x\"\n").unwrap();
    let database = format!("sqlite://{}/dealer.db", folder.path().display());
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_countertop"));
    doctor.args(["doctor", "--json"]).env("HOME", folder.path()).env("COUNTERTOP_CONFIG", &file).env("COUNTERTOP_DATABASE", &database);
    let told = json(&doctor.output().unwrap());
    assert!(told["config"]["mistakes"][0].as_str().is_some_and(|mistake| mistake.contains("lisen")), "{told}");
    assert_eq!(told["database"]["address"], database.as_str(), "the database that the program would use");
}

#[cfg(unix)]
#[test]
fn doctor_tells_of_a_database_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = Files::new();
    let database = format!("sqlite://{}", files.at("a.db"));
    let remark = || json(&run("counter", &["doctor", "--json", "--database", &database]))["database"]["remark"].clone();
    assert!(remark().is_null(), "it was made for its owner only");
    std::fs::set_permissions(files.at("a.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(remark().as_str().is_some_and(|remark| remark.contains("mode 644")), "{}", remark());
    assert_eq!(std::fs::metadata(files.at("a.db")).unwrap().permissions().mode() & 0o777, 0o644, "it is looked at and not changed");
}

#[test]
fn completions_and_manual_name_every_verb() {
    for arguments in [["completions", "bash"].as_slice(), ["man"].as_slice()] {
        let text = String::from_utf8(run("counter", arguments).stdout).unwrap();
        for verb in ["serve", "demo", "import", "doctor", "reading"] {
            assert!(text.contains(verb), "{arguments:?} lacks {verb}");
        }
    }
}

/// What stands between a shell and the server, and loses the first answer to a
/// write.
fn line_that_loses_an_answer() -> String {
    let far = demo().address.trim_start_matches("http://").to_owned();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut to_lose = 3;
        for caller in listener.incoming() {
            let (mut caller, mut server) = (caller.unwrap(), std::net::TcpStream::connect(&far).unwrap());
            let mut asked = vec![0; 65_536];
            let length = std::io::Read::read(&mut caller, &mut asked).unwrap();
            let is_write = asked.starts_with(b"POST");
            // One call for each line: neither end keeps it.
            let asked = String::from_utf8_lossy(&asked[..length]).replacen("\r\n", "\r\nconnection: close\r\n", 1);
            server.write_all(asked.as_bytes()).unwrap();
            let mut answer = Vec::new();
            std::io::Read::read_to_end(&mut server, &mut answer).unwrap();
            if is_write && to_lose > 0 {
                to_lose -= 1;
                continue;
            }
            // He may have gone.
            let _ = caller.write_all(&answer);
        }
    });
    near
}

#[test]
fn p2_what_no_answer_came_to_is_run_again_under_its_key_and_written_once() {
    let near = line_that_loses_an_answer();
    let complaint = "the answer was lost on its way";
    let request = ["request", "add", "1055", "--complaint", complaint, "--urgency", "4", "--confirm-duplicate", "--server", &near];
    let lost = run("counter", &request);
    let said = String::from_utf8(lost.stderr.clone()).unwrap();
    assert_eq!(code(&lost), 5, "{said}");
    let key = said.split("--key ").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_else(|| panic!("{said}"));
    let again = |more: &[&str]| run("counter", &[&request[..], more].concat());
    let once = [again(&["--key", key]), again(&["--key", key]), again(&[])];
    let numbers: Vec<String> = once.iter().map(|output| String::from_utf8(output.stdout.clone()).unwrap()).collect();
    assert!(once.iter().all(|output| code(output) == 0), "{once:?}");
    assert_eq!(numbers[0], numbers[1], "told again");
    assert_ne!(numbers[0], numbers[2], "without it that is another one");
}

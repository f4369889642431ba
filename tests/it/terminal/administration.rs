//! Administration from a terminal: somebody is hired, a role is edited, the
//! portal is switched off; and who is kept out of it, and how.

use serde_json::json;

use super::screen::Terminal;
use crate::harness::{Database, World, tell};

/// Somebody who signs in at a server of the story's own.
fn sign_in(server: &str, account: &str, password: &str) -> Terminal {
    let mut terminal = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", server)]);
    terminal.until("User name");
    terminal.press(&format!("{account}<Enter>{password}<Enter>"));
    terminal
}

/// The administrator with the administration open.
fn administrator(server: &str) -> Terminal {
    let mut admin = sign_in(server, "admin", "demo");
    admin.until_all(&["online", "Robin Achterberg"]);
    admin.press("<Alt-X>").until_all(&["1 Users", "6 Workshop terminals", "Robin Achterberg", "administrator"]);
    admin
}

/// Tells a story of terminals, which wait for the screen.
async fn at_terminals(story: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(story).await.unwrap();
}

/// The generated password on the screen: sixteen small letters and digits, in fours.
fn password(shown: &str) -> String {
    let (_, behind) = shown.split_once("Password ").unwrap_or_else(|| panic!("no password in:\n{shown}"));
    behind.split_whitespace().take(4).collect()
}

async fn hiring(w: World) {
    let server = w.server.clone();
    at_terminals(move || {
        let mut admin = administrator(&server);
        admin.press("n").until("New user");
        admin.press("nora<Tab><Tab>Nora<Tab>Lind<F9>").until_all(&["nora was added", "Nora Lind", "this user may do nothing yet"]);
        admin.press("x").until("Mark a role first");
        admin.press("r").until("A role for nora");
        // As people say it, at the shop one works in.
        admin.press("counter staff<F9>").until_all(&["nora has this role now.", "counter staff", "shop San Leandro", "always"]);
        admin.press("p").until("Make a new password for nora?");
        let made = password(&admin.press("y").until_all(&["Password", "Shown this once"]));
        admin.press("y").until("Copied");
        admin.press("<Esc>").until("has to change the password");
        assert!(!admin.settle().contains(&made), "it was shown once");

        let mut nora = sign_in(&server, "nora", &made);
        nora.until_all(&["Change the password", "Present password"]);
        nora.press(&format!("{made}<Tab>four words of mine<Tab>four words of mine<F9>")).until("Your password was changed.");
        nora.press("keller").until("Keller Bau GmbH");

        admin.press("<F5>").until("127.0.0.1");
        admin.press("js").until("End the session of nora");
        admin.press("y").until_all(&["The session has ended.", "Not signed in."]);
        nora.press("x").until("Your session has ended.");
    })
    .await;
}

async fn putting_a_user_right(w: World) {
    let server = w.server.clone();
    at_terminals(move || {
        let mut admin = administrator(&server);
        // By their names: accounts, admin, counter.
        admin.until("Terry Nakamura");
        admin.press("jj<Enter>").until_all(&["Jo Ortiz", "counter staff", "shop San Leandro"]);
        admin.press("u").until_all(&["User counter", "Only what you change is sent."]);
        admin.press("<Tab>-Lind<Tab><Ctrl-U>jo@dealer").until_all(&["Ortiz-Lind", "jo@dealer"]);
        // Called away, he finds it as he left it.
        admin.press("<Esc>").until("Kept what you typed");
        admin.press("u").until_all(&["Ortiz-Lind", "jo@dealer"]);
        admin.press("<Tab><Tab>.example<Tab><Ctrl-U>12<F9>").until_all(&["User counter", "Ortiz-Lind", "a telephone number of the"]);
        admin.press("<Backspace><Backspace>(254) 555-0142<F9>").until_all(&["counter was saved.", "Jo Ortiz-Lind", "jo@dealer.example", "254 555 0142"]);
    })
    .await;
    let (_, session) = w.sign_in("counter").await.get("/v1/session").await;
    assert_eq!((&session["user"]["name"], &session["user"]["phone"]), (&json!("Jo Ortiz-Lind"), &json!("+12545550142")), "{session}");
}

async fn copying_a_role(w: World) {
    let server = w.server.clone();
    at_terminals(move || {
        let mut admin = administrator(&server);
        admin.press("2").until_all(&["Counter staff", "counter_staff", "ships"]);
        admin.press("jjjjjjjjjjc").until("A copy of Counter staff");
        admin.press("lead_counter<Tab>Lead counter<F9>").until_all(&["Lead counter was made.", "copy of counter staff", "Asset look-up"]);
        admin.press(" ").until_all(&["1 change not saved", "own", "was yes"]);
        // Leaving loses nothing.
        admin.press("<Esc>").until_all(&["Kept what you typed", "6 Workshop terminals"]);
        admin.press("jjjjjjjjj").until("lead_counter");
        admin.press("j<Enter>").until_all(&["Lead counter", "1 change not saved"]);
        admin.press("<F9>").until("Lead counter was saved");
        admin.press("<Esc>").until("6 Workshop terminals");
        // What ships is looked at only.
        admin.press("kkkkkkkk<Enter>").until_all(&["Counter staff", "Asset look-up"]);
        admin.press(" ").until("Roles that ship cannot be edited");
    })
    .await;
    let (_, roles) = w.sign_in("admin").await.get("/v1/roles").await;
    let role = roles["items"].as_array().unwrap().iter().find(|role| role["key"] == "lead_counter").expect("the copy");
    assert_eq!((&role["name"], &role["version"], &role["permissions"]["asset.lookup"]), (&json!("Lead counter"), &json!(2), &json!("own")), "{role}");
}

async fn switching_the_portal_off(w: World) {
    let server = w.server.clone();
    let row = |title: &str, word: &str| format!("{title:<61}{word}");
    let gets_in = move |word: &str| row("Customers and workshop terminals get in", word);
    at_terminals(move || {
        let mut admin = administrator(&server);
        admin.press("5").until_all(&[&gets_in("yes"), "What portal users may do here", "Service Request Add/Edit"]);
        admin.press(" ").until("Switch the portal off?");
        admin.press("n").settle();
        admin.until(&gets_in("yes"));
        admin.press("<Enter>").until("Switch the portal off?");
        admin.press("y").until_all(&["The portal is switched off.", &gets_in("no")]);
        let mut fleet = sign_in(&server, "fleet", "demo");
        fleet.until("The customer portal is switched off. Call your dealer.");
        // Letting people in again needs no question.
        admin.press(" ").until(&gets_in("yes"));
        fleet.press("demo<Enter>").until_all(&["online", "Brandt"]);
        // One of the portal user's permissions, at once.
        admin.press("jjjj ").until(&row("Service requests tile: open", "no"));
    })
    .await;
    let (_, settings) = w.sign_in("admin").await.get("/v1/portal-settings").await;
    assert_eq!((&settings["enabled"], settings["switched_off"].as_array().map(Vec::len)), (&json!(true), Some(1)), "{settings}");
}

async fn services(w: World) {
    let server = w.server.clone();
    let row = |name: &str, word: &str| format!("\u{25b8} {name:<61}{word}");
    at_terminals(move || {
        let mut admin = administrator(&server);
        admin.press("5").until("What portal users may do here");
        admin.settle();
        admin.press("u").until("Mark a service first");
        admin.press("n").until("New service");
        admin.press("OIL<Tab>Tires<F9>").until("has this code: choose another.");
        admin.press("<Backspace><Backspace><Backspace>TIRES<F9>").until("New service: saved.");
        // By their names, it is the last one.
        admin.settle();
        admin.press("<End>").until(&row("Tires (TIRES)", "yes"));
        admin.press("u").until("Service TIRES");
        admin.press(" and rims<Enter>").until_all(&["Service TIRES: saved.", &row("Tires and rims (TIRES)", "yes")]);
        admin.press(" ").until(&row("Tires and rims (TIRES)", "no"));
    })
    .await;
    let (_, offered) = w.sign_in("counter").await.get("/v1/service-codes").await;
    let codes: Vec<&str> = offered["items"].as_array().unwrap().iter().filter_map(|service| service["code"].as_str()).collect();
    assert_eq!(codes, ["BRK", "OIL"]);
}

async fn shops_and_organizations(w: World) {
    let server = w.server.clone();
    at_terminals(move || {
        let mut admin = administrator(&server);
        admin.press("3").until_all(&["KELLER-RENT", "Owner KELLER"]);
        admin.press("n").until("New organization");
        admin.press("ACME<Tab>Acme Paving<Tab>maybe<F9>").until("Write yes or no.");
        admin.press("<Backspace><Backspace><Backspace><Backspace><Backspace>no<F9>").until_all(&["New organization: saved.", "Acme Paving"]);
        admin.press("4").until_all(&["San Leandro", "America/Los_Angeles"]);
        admin.press("n").until("New shop");
        admin.press("ELK<Tab>Elko<F9>").until_all(&["New shop: saved.", "Elko"]);
    })
    .await;
    let (_, owners) = w.sign_in("admin").await.get("/v1/organizations?limit=200").await;
    let acme = owners["items"].as_array().unwrap().iter().find(|owner| owner["code"] == "ACME").expect("the new one");
    assert_eq!(acme["portal_enabled"], false, "{acme}");
}

async fn reading_what_a_user_did(w: World) {
    let admin = w.sign_in("admin").await;
    assert_eq!(admin.patch("/v1/portal-settings", json!({ "allows_printing": false }), None).await.0, 200);
    let server = w.server.clone();
    at_terminals(move || {
        let mut admin = administrator(&server);
        admin.settle();
        // By user name: accounts, admin.
        admin.press("j<Enter>").until_all(&["admin  Robin Achterberg", "Given by"]);
        admin.press("c").until_all(&["Every act, the newest first", "sign in", "change portal s", "allows printing"]);
        admin.press("<Enter>").until("Who");
        admin.press("<Esc>").settle();
        admin.press("x").until_all(&["Who made it, and who saved it last", "It was there before its history began."]);
        admin.press("<Esc>").until_all(&["admin  Robin Achterberg", "Given by"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_16_who_changed_the_portal_is_read_on_the_users_page() {
    tell(Database::Sqlite, reading_what_a_user_did).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_hired_and_changes_the_generated_password() {
    tell(Database::Sqlite, hiring).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_name_mail_and_telephone_are_put_right() {
    tell(Database::Sqlite, putting_a_user_right).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_is_copied_and_the_copy_edited() {
    tell(Database::Sqlite, copying_a_role).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_portal_is_switched_off_and_customers_are_told_so() {
    tell(Database::Sqlite, switching_the_portal_off).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_5_a_service_is_added_renamed_and_switched_off() {
    tell(Database::Sqlite, services).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_and_a_shop_are_added() {
    tell(Database::Sqlite, shops_and_organizations).await;
}

#[test]
fn g_4_the_counter_sees_it_greyed_with_the_reason() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<Ctrl-K>administration").until_all(&["administration", "[locked] Needs \"Users: edit\""]);
    counter.press("<Enter>").until("Needs \"Users: edit\". Ask a general manager.");
}

#[test]
fn g_4_a_section_keeps_its_digit_and_tells_what_it_needs() {
    let mut gm = Terminal::signed_in("gm");
    gm.press("<Alt-X>").until_all(&["1 Users", "2 Roles", "3 Organizations [locked]", "5 Portal [locked]"]);
    gm.press("5").until("Needs \"Portal settings: edit\". Ask an administrator.");
    gm.press("<Tab>").until("User name");
}

#[test]
fn g_5_for_customers_and_workshop_terminals_it_does_not_exist() {
    for account in ["executive", "kiosk"] {
        let mut outside = Terminal::signed_in(account);
        outside.press("<Alt-X>");
        let shown = outside.settle();
        assert!(!shown.contains("Users"), "{account}: {shown}");
        outside.press("<Ctrl-K>administration").until("No command has these letters.");
    }
}

#[test]
fn every_section_works_at_60_by_20() {
    let mut admin = Terminal::open("admin", 60, 20, &[]);
    admin.press("<Alt-X>").until("User name");
    for (digit, seen) in [("2", "Origin"), ("3", "Customer"), ("4", "Time zone"), ("5", "Settings"), ("6", "enrolled"), ("1", "User name")] {
        admin.press(digit).until(seen);
    }
    admin.press("<Enter>").until_all(&["Role", "Where"]);
}

//! A customer's people: who they are, what they manage, how far their access
//! goes, and the password that is shown once (S1-8, S4-6, S4-12, S4-13, G-7).

use super::screen::{Terminal, add_customers_account, demo, token_by};

/// The contacts of a customer, as a demo account sees them.
pub(super) fn at_the_contacts(account: &str, text: &str, name: &str) -> Terminal {
    let mut person = Terminal::signed_in(account);
    open_the_contacts(&mut person, text, name);
    person
}

/// The same, from wherever the person is.
pub(super) fn open_the_contacts(person: &mut Terminal, text: &str, name: &str) {
    person.press(&format!("<F2>{text}<Enter>")).until_all(&[name, "1 Assets"]);
    person.press("3").until("Consent to act:");
    person.settle();
}

/// The password in the box, as it is typed.
fn shown_password(shown: &str) -> String {
    let row = shown.lines().find_map(|line| line.split_once("Password   ")).unwrap_or_else(|| panic!("no password in:\n{shown}"));
    let password: String = row.1.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == ' ').filter(|c| *c != ' ').collect();
    assert_eq!(password.len(), 16, "{shown}");
    password
}

#[test]
fn t7_a_contact_gets_limited_access_and_signs_in_with_the_password_that_was_read_out() {
    let mut manager = at_the_contacts("manager", "lindqvist dairy", "Lindqvist Dairy Farms");
    manager.until("No contacts yet.");
    manager.press("p").until("There is no contact yet.");
    // Up from the first field goes to the last: user name, then access level.
    manager.press("n").until("New contact");
    manager.press("<Tab>Ada<Tab>Lind<Up><Up><Up>ada.lind<Up>l<F9>").until("Ada Lind was saved.");
    manager.until_all(&["limited", "user name ada.lind, no password yet"]);
    manager.press("s").until("There is no e-mail address to send it to");
    manager.press("p").until_all(&["Give Ada Lind a new password?", "y/n"]);
    let shown = manager.press("y").until_all(&["Shown this once", "User name", "ada.lind"]);
    let password = shown_password(&shown);
    manager.press("y").until("Copied");
    let shown = manager.settle();
    assert!(!shown.lines().any(|line| line.contains("Copied") && line.contains(&password[..4])), "{shown}");
    let written = String::from_utf8_lossy(&manager.written).into_owned();
    assert!(written.contains("\u{1b}]52;c;") && !written.contains("\u{1b}]0;") && !written.contains("\u{1b}]2;"), "on the clipboard, in no title");
    manager.press("<Esc>");
    let shown = manager.settle();
    assert!(!shown.contains(&password[..4]) && shown.contains("user name ada.lind"), "{shown}");

    let mut ada = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address)]);
    ada.until("User name");
    ada.press(&format!("ada.lind<Enter>{password}<Enter>")).until_all(&["Change your password first", "Present password"]);
    ada.press(&format!("{password}<Tab>words of her own<Tab>words of her own<F9>")).until("Your password was changed.");
    ada.press("lindqvist").until_all(&["[locked] Needs \"Asset look-up\"", "requests service by unit number"]);
    ada.press("<F2>").until("Needs \"Customer search\"");
}

#[test]
fn s1_6_a_portal_administrator_gives_access_in_its_own_company_and_the_contact_finds_the_right_panes_greyed() {
    add_customers_account("greta.gold", "portal_administrator", "20477", "a portal pass phrase");
    let token = token_by("greta.gold", "a portal pass phrase");
    let mut greta = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address), ("COUNTERTOP_TOKEN", &token)]);
    // Nothing to know by heart: it is the first row, and Enter opens it.
    greta.until_all(&["online", "▸ Sierra Gold Haulage Inc.", "your company"]);
    greta.press("<Enter>").until_all(&["1 Assets", "2 Profile [locked]", "3 Contacts", "No assets."]);
    greta.press("3").until_all(&["No contacts yet.", "Consent to act:"]);
    greta.press("n").until("New contact");
    greta.press("<Tab>Lotte<Tab>Lang<Up><Up><Up>lotte.lang<Up>l<F9>").until_all(&["Lotte Lang was saved.", "user name lotte.lang, no password yet"]);
    greta.press("p").until("Give Lotte Lang a new password?");
    let password = shown_password(&greta.press("y").until_all(&["Shown this once", "lotte.lang"]));
    greta.press("<Esc>").settle();
    // What she did is written down, and she reads it.
    greta.press("0").until_all(&["greta.gold", "create contact"]);

    let mut lotte = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address)]);
    lotte.until("User name");
    lotte.press(&format!("lotte.lang<Enter>{password}<Enter>")).until_all(&["Change your password first", "Present password"]);
    lotte.press(&format!("{password}<Tab>words of her own<Tab>words of her own<F9>")).until("Your password was changed.");
    lotte.until_all(&["▸ Sierra Gold Haulage Inc.", "your company", "[locked] Needs \"Asset look-up\""]);
    lotte.press("<Enter>").until_all(&["3 Contacts 1", "Access limited, user name lotte.lang"]);
    let shown = lotte.settle();
    for pane in ["1 Assets", "2 Profile", "5 Appointments", "6 Finance", "8 Cores", "9 Documents", "0 Changes"] {
        assert!(shown.contains(&format!("{pane} [locked]")), "{pane} is not greyed:\n{shown}");
    }
    for pane in ["4 Requests", "7 Parts"] {
        assert!(shown.contains(pane) && !shown.contains(&format!("{pane} [locked]")), "{pane} is greyed:\n{shown}");
    }
    lotte.press("1").until("[locked] Needs \"Fleet list: view\"");
    lotte.press("4").until_all(&["only those that you asked for yourself", "No service requests."]);
}

#[test]
fn whoever_is_of_a_company_comes_back_to_it_by_one_chord_from_anywhere() {
    let mut boss = Terminal::signed_in("executive");
    boss.press("<F3>1051<Enter>").until("1 Identification");
    boss.settle();
    boss.press("gm").until_all(&["1 Assets", "2 Profile [locked]", "4 Requests"]);
    // The requests of all its machines, with the machine that each is of.
    let shown = boss.press("4").until("▸ SR-");
    let row: Vec<&str> = shown.lines().find(|line| line.contains("▸ SR-")).unwrap().split_whitespace().collect();
    assert!(row[2].starts_with(|sign: char| sign.is_ascii_digit()), "no machine's number:\n{shown}");
    boss.press("<Esc>").until_all(&["Find", "your company", "Opened before"]);
    let mut counter = Terminal::signed_in("counter");
    counter.press("<Alt-M>").settle();
    counter.press("<Ctrl-K>").until("find customers");
    let shown = counter.settle();
    assert!(!shown.contains("your company"), "the dealer's people are of none:\n{shown}");
}

#[test]
fn s1_8_a_right_that_is_refused_says_why_beside_its_field_and_keeps_what_was_typed() {
    let mut manager = at_the_contacts("manager", "hollister tree", "Hollister Tree & Turf");
    manager.press("n").until("New contact");
    manager.press("<Tab><Tab>Vogel<Up><Up><Up><Up><Up><Up>i").until("insight user");
    let shown = manager.press("<F9>").until("!! Name a portal administrator first.");
    assert!(shown.lines().any(|line| line.contains("insight user") && line.contains("Name a portal administrator first.")), "{shown}");
    assert!(shown.contains("Vogel"), "{shown}");
    manager.press("p<F9>").until_all(&["Vogel was saved.", "portal administrator"]);

    // The counter gives access, but no rights: they are shown with the reason.
    let mut counter = at_the_contacts("counter", "hollister tree", "Hollister Tree & Turf");
    counter.until("Vogel");
    counter.press("e").until_all(&["Contact Vogel", "[locked] Needs \"Contact rights: edit\""]);
    counter.press("<Tab><Tab>Foreman<F9>").until_all(&["Vogel was saved.", "Foreman"]);

    let mut technician = Terminal::signed_in("tech");
    technician.press("<F2>hollister tree<Enter>").until_all(&["Hollister Tree", "1 Assets"]);
    let shown = technician.press("3").until_all(&["Vogel", "Telephone"]);
    assert!(!shown.contains("Foreman") && !shown.contains("portal administrator"), "name and telephone only:\n{shown}");
    technician.press("e").until("Needs \"Contacts: edit\"");

    // Nobody is ever deleted: taken out, he keeps his row with a word.
    manager.press("<F5>").until("Foreman");
    manager.press("e").until("Contact Vogel");
    manager.press("<Tab><Tab><Tab>Dr.<Tab><Tab><Tab><Tab><Tab>n<F9>").until_all(&["Vogel was saved.", "Dr. Vogel", "inactive"]);
}

#[test]
fn a_user_name_brings_full_access_and_a_password_for_no_access_says_what_is_missing() {
    let mut manager = at_the_contacts("manager", "old mission", "Old Mission Demolition");
    manager.press("n").until("New contact");
    manager.press("<Tab>Ina<Tab>Frost<Up><Up><Up>ina.frost").until_all(&["ina.frost", "full"]);
    manager.press("<F9>").until_all(&["Ina Frost was saved.", "Access full", "user name ina.frost, no password yet"]);
    // Seen and changed: without access a password lets nobody in, and that is said.
    manager.press("e").until("Contact Ina Frost");
    manager.press("<Up><Up>n<F9>").until_all(&["Ina Frost was saved.", "No access"]);
    manager.press("p").until_all(&["Ina Frost has no access now", "Give Ina Frost a new password?"]);
    manager.press("n").settle();
}

#[test]
fn the_account_of_a_contact_is_told_by_whose_contact_it_is() {
    let mut admin = Terminal::signed_in("admin");
    admin.press("<Alt-X>").until_all(&["User name", "Anke Vogel", "accounts, carrier"]);
    let shown = admin.press("<Enter>").until("Contact of Keller Bau GmbH: accounts, carrier view");
    assert!(!shown.contains("may do nothing"), "{shown}");
}

#[test]
fn two_who_change_the_same_contact_see_both() {
    let mut manager = at_the_contacts("manager", "mokelumne", "Mokelumne Logging");
    manager.press("n").until("New contact");
    manager.press("<Tab><Tab>Stahl<F9>").until("Stahl was saved.");
    manager.settle();
    manager.press("e").until("Contact Stahl");
    manager.press("<Tab><Tab>Driver").until("Driver");
    let mut boss = at_the_contacts("gm", "mokelumne", "Mokelumne Logging");
    boss.until("Stahl");
    boss.press("<Enter>").until("Contact Stahl");
    boss.press("<Tab><Tab>Foreman<Tab>stahl@logging.example<F9>").until("Stahl was saved.");
    manager.press("<F9>").until_all(&["Both versions", "[ ] Foreman", "[ ] Driver", "Changed by Gwen Marchetti"]);
    manager.press("m<Enter>").until_all(&["Both versions are one now", "Driver", "stahl@logging.example"]);
    manager.press("<F9>").until_all(&["Stahl was saved.", "Driver", "stahl@logging.example"]);
}

#[test]
fn what_was_typed_into_a_contact_is_kept_and_nothing_else_is() {
    let mut manager = at_the_contacts("manager", "cascade snow", "Cascade Snow Removal");
    manager.press("n").until("New contact");
    manager.press("<Tab><Tab>Frost<Tab>Plough<Up><Up><Up><Up><Up>r").until("read only");
    manager.press("<Esc>").until("Kept what you typed");
    manager.press("n").until_all(&["Frost", "Plough", "read only"]);
    // What a contact plays: several words, ticked.
    manager.press("<Up><Up><Up><Up><Up>").until(" technical ");
    manager.press("b <F9>").until_all(&["Frost was saved.", "billing", "read only"]);
}

#[test]
fn the_form_works_at_60_by_20() {
    let mut manager = Terminal::open("manager", 60, 20, &[]);
    open_the_contacts(&mut manager, "alvarado", "Alvarado Ready Mix");
    manager.press("n").until("First name");
    manager.press("<Up>").until_all(&["Access level", "User name"]);
}

//! G-3, G-4, G-5, G-11: what each of the roles sees greyed, as pictures; and every
//! pane that it may not see, with the word and the reason.

use countertop::api::access::access;
use countertop::api::permission::{Permission, PermissionSet};
use countertop::tui::PANES;

use super::outbox::asked;
use super::screen::{Terminal, token};
use super::screens::picture;

/// What a role does to see an asset of the demo customer, as far as it may.
fn asset_page(account: &str, environment: &[(&str, &str)]) -> String {
    let mut person = Terminal::open(account, 80, 24, environment);
    let may_look = !account.starts_with("level_") && !matches!(account, "accounts" | "fleetadmin" | "insight");
    if !may_look {
        return picture(&person.until("[locked]"));
    }
    person.press("<F3>1051<Enter>").until("1 Identification");
    // The meters have come when their pane has, and the header shows one then.
    person.press("2").answer();
    person.press("1").answer();
    // Whatever it may not see says so, pane by pane; a workshop terminal has no such
    // pane.
    let mut shown = vec![picture(&person.text())];
    let digits: &[&str] = if account == "kiosk" { &["2"] } else { &["2", "3", "4"] };
    for digit in digits {
        person.press(digit);
        shown.push(picture(&person.answer()));
    }
    shown.join("\n\n")
}

macro_rules! pictures {
    ($($account:ident),*) => {
        $(
            #[test]
            fn $account() {
                insta::assert_snapshot!(concat!("asset_as_", stringify!($account)), asset_page(stringify!($account), &[]));
            }
        )*
    };
}

/// G-11 for every template; `g_11::tech` is the technician's.
mod g_11 {
    use super::asset_page;

    pictures!(admin, gm, manager, counter, tech, kiosk, executive, accounts, fleet, portaladmin, fleetadmin, insight, portaluser);
    pictures!(level_full, level_limited, level_carrier_view, level_read_only);
}

/// All panes of a page that stands open, one after the other: what the role may not
/// see is greyed in a word, and its digit tells why; at a workshop terminal it is
/// not there at all. How many those are.
fn locked_panes(person: &mut Terminal, page: &str, granted: PermissionSet, account: &str) -> usize {
    let mut locked = 0;
    for pane in PANES.iter().filter(|pane| format!("{:?}", pane.page) == page) {
        let tab = format!("{} {}", pane.digit, pane.title);
        let greyed = format!("{tab} [locked]");
        let Some(reason) = access(granted, pane.needs).reason() else {
            let shown = person.text();
            assert!(shown.contains(&tab) && !shown.contains(&greyed), "{account}: {shown}");
            continue;
        };
        locked += 1;
        person.press(&pane.digit.to_string());
        if account == "kiosk" {
            let shown = person.glance();
            assert!(!shown.contains(&tab) && !shown.contains("[locked]") && !shown.contains("Needs \""), "{shown}");
        } else {
            person.until_all(&[&greyed, &format!(" [locked] {reason}")]);
        }
    }
    locked
}

/// Every pane of both pages as far as the role gets to them, at 80×24; how many it
/// may not see.
fn every_pane(account: &str, environment: &[(&str, &str)]) -> usize {
    let session = asked(&token(account), "/v1/session");
    let granted: Vec<Permission> = serde_json::from_value(session["permissions"].clone()).unwrap();
    let granted: PermissionSet = granted.into_iter().collect();
    let may = |permission: &str| granted.holds(Permission::from_name(permission).unwrap());
    let mut person = Terminal::open(account, 80, 24, environment);
    let mut locked = 0;
    if may("asset.lookup") {
        person.press("<F3>1051<Enter>").until("1 Identification");
        person.settle();
        locked += locked_panes(&mut person, "Asset", granted, account);
    }
    if may("customer.search") {
        person.press("<F2>keller").until("Keller Bau GmbH");
        person.press("<Enter>").until_all(&["1 Assets", "2 Profile"]);
        person.settle();
        locked += locked_panes(&mut person, "Customer", granted, account);
    }
    if !may("asset.lookup") && !may("customer.search") {
        person.until("[locked]");
        locked += 1;
    }
    locked
}

macro_rules! panes {
    ($($account:ident: $locked:literal),*) => {
        $(
            #[test]
            fn $account() {
                for environment in [&[][..], &[("NO_COLOR", "1")]] {
                    assert_eq!(every_pane(stringify!($account), environment), $locked, "{environment:?}");
                }
            }
        )*
    };
}

/// Each template, with colours and without: digits 0 to 9 of the pages to which it
/// gets, and how many of them the matrix greys; where it gets to none, the look-up.
mod g_3_every_pane {
    use super::every_pane;

    panes!(admin: 0, gm: 0, manager: 0, counter: 2, tech: 4, kiosk: 7, portaluser: 5);
    panes!(executive: 1, fleet: 1, portaladmin: 0, accounts: 1, fleetadmin: 1, insight: 1);
    panes!(level_full: 1, level_limited: 1, level_carrier_view: 1, level_read_only: 1);
}

#[test]
fn g_3_without_colours_the_same_words_say_it() {
    for account in ["tech", "kiosk", "portaluser", "level_read_only"] {
        let plain = asset_page(account, &[("NO_COLOR", "1")]);
        assert_eq!(plain.contains("[locked]"), account != "kiosk", "{account}: {plain}");
        assert_eq!(plain, asset_page(account, &[]), "{account}");
    }
}

#[test]
fn g_4_tab_skips_what_is_greyed_and_the_digit_tells_the_reason() {
    let mut paul = Terminal::signed_in("portaluser");
    paul.press("<F3>1051<Enter>").until("1 Identification");
    paul.settle();
    paul.press("8").until_all(&["8 History [locked]", "Needs \""]);
    paul.press("<Tab>");
    let shown = paul.settle();
    assert!(!shown.contains("Needs \""), "{shown}");
}

#[test]
fn g_5_a_workshop_terminal_knows_nothing_outside_its_list() {
    let mut kiosk = Terminal::signed_in("kiosk");
    let shown = kiosk.until("[Asset or plate]");
    assert!(!["[locked]", "City", "Number", "where to look", "new customer"].iter().any(|word| shown.contains(word)), "{shown}");
    kiosk.press("<F1>").until("Help: Find");
    let shown = kiosk.settle();
    assert!(!shown.contains("[locked]") && !shown.contains("customer") && shown.contains("find assets"), "{shown}");
    kiosk.press("<Esc>").settle();
    kiosk.press("<Ctrl-K>").until("Commands");
    let shown = kiosk.settle();
    assert!(!shown.contains("[locked]") && !shown.contains("customer") && shown.contains("find assets"), "{shown}");
    kiosk.press("<Esc>").settle();
    kiosk.press("<F3>1051<Enter>").until_all(&["1 Identification", "5 Schedule", "Kenworth"]);
    let shown = kiosk.settle();
    assert!(!shown.contains("[locked]") && !shown.contains("Repairs"), "{shown}");
    // Its digit and its key do nothing, and Tab goes round without it.
    kiosk.press("4v");
    let shown = kiosk.settle();
    assert!(!shown.contains("Needs \"") && shown.contains("1XKDD40X7JD815210"), "{shown}");
    kiosk.press("<Tab>").until("Odometer");
    kiosk.press("<Tab>").until("1XKDD40X7JD815210");
}

#[test]
fn g_10_accounts_asks_by_unit_number_and_learns_nothing_of_the_asset() {
    let mut accounts = Terminal::signed_in("accounts");
    accounts.until_all(&["requests service by unit number", "whom to ask for it"]);
    accounts.press("keller").settle();
    accounts.until_all(&["Find keller", "[locked] Needs \"Asset look-up\"", "requests service by unit number"]);
    accounts.press("<Alt-R>").until("Unit number");
    accounts.press("1054<F9>").until("Say what is wrong, or choose a service.");
    accounts.press("left mirror broken<F9>");
    let shown = accounts.until("was sent.");
    assert!(!shown.contains("Trailer") && !shown.contains("Caterpillar"), "{shown}");
    // What was asked for is found again, without the machine.
    accounts.press("<Alt-M>").until_all(&["1 Assets [locked]", "4 Requests 1"]);
    accounts.press("4").until_all(&["left mirror broken", "submitted", "only those that you asked for yourself"]);
    let shown = accounts.settle();
    assert!(!["Trailer", "Caterpillar", "1054"].iter().any(|word| shown.contains(word)), "{shown}");
}

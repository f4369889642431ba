//! G-3, G-4, G-5, G-11: what each of the roles sees greyed, as pictures.

use super::screen::Terminal;
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

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
    // Whatever it may not see says so, pane by pane.
    let mut shown = vec![picture(&person.text())];
    for digit in ["2", "3", "4"] {
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
        assert!(plain.contains("[locked]"), "{account}: {plain}");
        assert_eq!(plain, asset_page(account, &[]), "{account}");
    }
}

#[test]
fn g_4_tab_skips_what_is_greyed_and_the_digit_tells_the_reason() {
    let mut kiosk = Terminal::signed_in("kiosk");
    kiosk.press("<F3>1051<Enter>").until("1 Identification");
    kiosk.settle();
    kiosk.press("4").until_all(&["4 Repairs [locked]", "Needs \"Pending Repair View\""]);
    kiosk.press("<Tab>");
    let shown = kiosk.settle();
    assert!(!shown.contains("Needs \""), "{shown}");
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
}

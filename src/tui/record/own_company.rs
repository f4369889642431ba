//! The page of one's own company: what each role finds there.

use super::*;
use crate::api::ids::AssetId;
use crate::api::role::Role;
use crate::tui::draft::Drafts;
use crate::tui::shared::tried;
use crate::tui::unsure::Unsure;

/// Somebody of a customer, by the template of that name.
fn somebody(role: &str) -> Shared {
    let permissions: Vec<&str> = Role::named(role).unwrap().permissions().iter().map(Permission::name).collect();
    tried::signed_in("customer", &permissions)
}

fn own_company() -> Record {
    Record::customer(CustomerId::new(), "Keller Bau GmbH".to_owned())
}

fn tabs(page: &Record, shared: &Shared) -> Vec<String> {
    page.tabs(shared, 80).iter().map(|line| line.to_string().trim_end().to_owned()).collect()
}

/// What is asked of the server.
fn asked(page: &mut Record, shared: &Shared, act: impl FnOnce(&mut Record, &mut Cx<'_>)) -> Vec<&'static str> {
    let (mut drafts, mut unsure, mut next_ticket) = (Drafts::default(), Unsure::default(), 0);
    let mut cx = Cx { shared, drafts: &mut drafts, unsure: &mut unsure, next_ticket: &mut next_ticket, intents: Vec::new() };
    act(page, &mut cx);
    let calls = cx.intents.into_iter().filter_map(|intent| match intent {
        Intent::Call(_, call) => Some(call.endpoint.name),
        _ => None,
    });
    calls.collect()
}

#[test]
fn g_11_on_the_page_of_ones_own_company_each_role_finds_its_panes_greyed() {
    let greyed = |role: &str| {
        let tabs = tabs(&own_company(), &somebody(role)).join("\n");
        let locked = |spec: &&PaneSpec| spec.page == Page::Customer && tabs.contains(&format!("{} {} [locked]", spec.digit, spec.title));
        PANES.iter().filter(locked).map(|spec| spec.digit.to_string()).collect::<String>()
    };
    for (role, digits) in [
        ("executive", "290"),
        ("accounts", "12590"),
        ("fleet", "2690"),
        ("portal_administrator", "2"),
        ("fleet_administrator", "24567890"),
        ("insight_user", "124567890"),
        ("portal_user", "12367890"),
        ("level_full", "125890"),
        ("level_limited", "1256890"),
        ("level_carrier_view", "125890"),
        ("level_read_only", "12356890"),
    ] {
        assert_eq!(greyed(role), digits, "{role}");
    }
    assert_eq!(
        tabs(&own_company(), &somebody("level_limited")),
        [
            " 1 Assets [locked]  2 Profile [locked]  3 Contacts  4 Requests",
            " 5 Appointments [locked]  6 Finance [locked]  7 Parts  8 Cores [locked]",
            " 9 Documents [locked]  0 Changes [locked]",
        ]
    );
}

#[test]
fn the_page_of_ones_own_company_opens_by_its_name_and_asks_for_nothing_that_is_refused() {
    let opens = |role: &str| {
        let (mut page, shared) = (own_company(), somebody(role));
        let asked = asked(&mut page, &shared, Layer::opened);
        assert_eq!(page.head_lines(&shared, 80)[0].to_string().trim(), "Keller Bau GmbH");
        (page.shown().map(|slot| slot.spec.title), asked)
    };
    let all = vec!["ListCustomerAssets", "ListContacts", "ListConsents", "ListRequests", "CustomerHistory"];
    assert_eq!(opens("portal_administrator"), (Some("Assets"), all));
    assert_eq!(opens("level_limited"), (Some("Contacts"), vec!["ListContacts", "ListRequests"]));
    assert_eq!(opens("level_read_only"), (Some("Requests"), vec!["ListRequests"]));
}

#[test]
fn what_changed_on_a_machines_page_is_asked_again_for_its_customers_requests_alone() {
    let (mut page, shared) = (own_company(), somebody("fleet"));
    let changed = Subject::Asset(AssetId::new());
    assert_eq!(asked(&mut page, &shared, |page, cx| page.on_changed(changed, cx)), ["ListRequests"]);
    let shared = somebody("insight_user");
    assert_eq!(asked(&mut page, &shared, |page, cx| page.on_changed(changed, cx)), [""; 0]);
}

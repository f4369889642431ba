//! Every role × every pane × every command: the terminal allows exactly what
//! the server allows (G-1 … G-4). `stories::permissions` walks the operations.

use countertop::api::access::{Access, Needs, access};
use countertop::api::operation::{ENDPOINTS, Endpoint, Method};
use countertop::api::permission::PermissionSet;
use countertop::api::role::Role;
use countertop::api::session::UserKind;
use countertop::tui::{COMMANDS, PANES, SECTIONS, command_access};
use jiff::{SignedDuration, Timestamp};

use crate::harness::{Caller, World, grant};

/// Somebody with each template, by its name; with `level_none` nobody is let in.
async fn everybody(w: &World) -> Vec<(&'static str, Caller)> {
    let hour = SignedDuration::from_hours(1);
    let mut everybody = Vec::new();
    for role in Role::all().iter().filter(|role| !role.permissions().is_empty()) {
        let held = match role.audience() {
            UserKind::Customer => grant(&role.key, "customer", Some(w.ids.keller.to_string())),
            UserKind::Kiosk => grant(&role.key, "shop", Some(w.ids.sln.to_string())),
            _ => grant(&role.key, "deployment", None),
        };
        let user = w.add_user(&format!("walks-as-{}", role.key), role.audience().name(), &[held]).await;
        everybody.push((role.key.as_ref(), w.open_session(user, hour, Timestamp::now() + hour).await));
    }
    assert_eq!(everybody.len(), 17);
    everybody
}

async fn granted(caller: &Caller) -> PermissionSet {
    let (_, session) = caller.get("/v1/session").await;
    let names: Vec<countertop::api::permission::Permission> = serde_json::from_value(session["permissions"].clone()).unwrap();
    names.into_iter().collect()
}

/// Whether the server lets the role through to an operation.
async fn server_allows(caller: &Caller, endpoint: &Endpoint) -> bool {
    let path = endpoint.path.replace("{id}", &uuid::Uuid::now_v7().to_string()).replace("{meter}", "engine_hours");
    let body = (!matches!(endpoint.method, Method::Get | Method::Delete)).then(|| b"{}".to_vec());
    caller.send(endpoint.method.name(), &path, &[], body).await.status != 403
}

fn operations_with(needs: Needs) -> Vec<&'static Endpoint> {
    ENDPOINTS.iter().filter(|endpoint| endpoint.needs == needs && endpoint.name != "SignOut").collect()
}

on_both_databases! {
    async fn g_2_every_command_is_greyed_exactly_where_the_server_refuses(w: World) {
        for (account, caller) in everybody(&w).await {
            let granted = granted(&caller).await;
            for command in COMMANDS.iter().filter(|command| !matches!(command.needs, Needs::Open | Needs::SignedIn)) {
                let allowed = command_access(granted, command) == Access::Allowed;
                if command.id == "administration" {
                    // It calls nothing itself: it opens where one of its sections does.
                    let any = SECTIONS.iter().any(|section| access(granted, section.needs).is_allowed());
                    assert_eq!(allowed, any, "{account}: {}", command.id);
                    continue;
                }
                let operations = operations_with(command.needs);
                // Override is no operation of its own: readings need it for some bodies.
                let is_override = ENDPOINTS.iter().any(|endpoint| !endpoint.more.is_empty() && Needs::All(endpoint.more) == command.needs);
                assert!(!operations.is_empty() || is_override, "{} greys by nothing that the server knows", command.id);
                for endpoint in operations {
                    assert_eq!(allowed, server_allows(&caller, endpoint).await, "{account}: {} and {}", command.id, endpoint.name);
                }
            }
        }
    }

    async fn g_3_every_pane_is_greyed_exactly_where_the_server_refuses(w: World) {
        for (account, caller) in everybody(&w).await {
            let granted = granted(&caller).await;
            for pane in PANES {
                let allowed = access(granted, pane.needs) == Access::Allowed;
                for endpoint in operations_with(pane.needs) {
                    assert_eq!(allowed, server_allows(&caller, endpoint).await, "{account}: {} and {}", pane.title, endpoint.name);
                }
            }
        }
    }

    async fn g_3_every_section_of_the_administration_is_greyed_exactly_where_the_server_refuses(w: World) {
        for (account, caller) in everybody(&w).await {
            let granted = granted(&caller).await;
            for section in SECTIONS {
                let allowed = access(granted, section.needs) == Access::Allowed;
                let operations = operations_with(section.needs);
                assert!(!operations.is_empty(), "{} greys by nothing that the server knows", section.title);
                for endpoint in operations {
                    assert_eq!(allowed, server_allows(&caller, endpoint).await, "{account}: {} and {}", section.title, endpoint.name);
                }
            }
        }
    }

    async fn g_1_a_section_is_denied_in_the_composite_exactly_where_its_own_path_is(w: World) {
        let admin = w.sign_in("admin").await;
        let (_, found) = admin.get("/v1/assets/lookup?tag=1042&organization=KELLER").await;
        let id = found["items"][0]["asset"]["id"].as_str().unwrap().to_owned();
        for (account, caller) in everybody(&w).await {
            let (status, asset) = caller.get(&format!("/v1/assets/{id}")).await;
            if status != 200 {
                continue;
            }
            for (section, path) in [("identification", "identification"), ("meters", "meters"), ("service_requests", "service-requests"), ("repairs", "repairs")] {
                let (own, _) = caller.get(&format!("/v1/assets/{id}/{path}")).await;
                let denied = asset["sections"][section]["access"] == "denied";
                assert_eq!(denied, own == 403, "{account}: {section}");
            }
        }
    }
}

#[test]
fn no_two_panes_of_a_page_share_a_digit() {
    let mut places: Vec<(String, u8)> = PANES.iter().map(|pane| (format!("{:?}", pane.page), pane.digit)).collect();
    places.sort();
    let count = places.len();
    places.dedup();
    assert_eq!(places.len(), count);
    assert_eq!(count, 20, "every digit keeps its place on both pages");
}

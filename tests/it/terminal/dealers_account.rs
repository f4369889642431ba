//! Signing in with the dealer's account, from a terminal.

use super::screen::{Terminal, demo};
use crate::harness::provider::Provider;
use crate::harness::{Database, World, tell};

fn at_the_sign_in(server: &str) -> Terminal {
    let mut terminal = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", server)]);
    terminal.until("User name");
    terminal
}

#[test]
fn a_server_without_a_provider_says_so_and_esc_goes_back() {
    let mut terminal = at_the_sign_in(&demo().address);
    terminal.press("<Alt-D>").until("has no identity provider");
    terminal.press("<Esc>").until_all(&["User name", "Password"]);
    terminal.press("counter<Enter>demo<Enter>").until("online");
}

/// The code on the screen.
fn code(shown: &str) -> String {
    let is_code = |word: &&str| word.len() == 9 && word.as_bytes()[4] == b'-' && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_uppercase());
    shown.split_whitespace().find(is_code).unwrap_or_else(|| panic!("no code in:\n{shown}")).to_owned()
}

async fn sign_in_by_code(w: World) {
    let Some(provider) = Provider::start() else { return };
    provider.mode(serde_json::json!({ "interval": 1 })).await;
    let server = w.with_provider(&provider.settings()).await.server;
    let (mut terminal, shown) = tokio::task::spawn_blocking(move || {
        let mut terminal = at_the_sign_in(&server);
        let shown = terminal.press("<Alt-D>").until_all(&["Open this address", "Enter this code", "█"]);
        (terminal, shown)
    })
    .await
    .unwrap();
    provider.approve(&code(&shown), "s-counter").await;
    // It goes on by itself: no key is pressed.
    tokio::task::spawn_blocking(move || terminal.until_all(&["online", "Jo Ortiz"])).await.unwrap();
}

async fn escape_sequences(w: World) {
    let Some(provider) = Provider::start() else { return };
    provider.mode(serde_json::json!({ "interval": 1, "escapes": true })).await;
    let server = w.with_provider(&provider.settings()).await.server;
    tokio::task::spawn_blocking(move || {
        let mut terminal = at_the_sign_in(&server);
        terminal.press("<Alt-D>").until_all(&["Open this address", "Enter this code"]);
        let written = String::from_utf8_lossy(&terminal.written).into_owned();
        assert!(!written.contains("\u{1b}]0;") && !written.contains('\u{7}') && !written.contains('\u{9b}'), "nothing of the provider's drives the terminal");
        // Left alone, nothing is asked or drawn any more.
        terminal.press("<Esc>").until("User name");
        terminal.settle();
        let before = terminal.written.len();
        std::thread::sleep(std::time::Duration::from_secs(2));
        terminal.settle();
        assert_eq!(terminal.written.len(), before);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_agrees_elsewhere_is_signed_in_here() {
    tell(Database::Sqlite, sign_in_by_code).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_providers_texts_are_harmless_and_leaving_ends_the_asking() {
    tell(Database::Sqlite, escape_sequences).await;
}

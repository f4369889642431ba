//! How the program lives in a terminal: it leaves it as it was, however it
//! ends, sleeps when nothing happens, and draws any text harmlessly.

use std::process::Command;
use std::time::Duration;

use super::screen::Terminal;

fn signal(terminal: &Terminal, name: &str) {
    let process = terminal.child.process_id().unwrap().to_string();
    assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
}

/// Every mode that was switched on is off again, and the other screen left.
#[track_caller]
fn assert_restored(terminal: &Terminal) {
    let written = String::from_utf8_lossy(&terminal.written).into_owned();
    for (on, off) in [("\u{1b}[?1049h", "\u{1b}[?1049l"), ("\u{1b}[?2004h", "\u{1b}[?2004l")] {
        assert!(written.contains(on) && written.rfind(off) > written.rfind(on), "{off:?} is missing");
    }
    assert!(written.rfind("\u{1b}[?25h") > written.rfind("\u{1b}[?25l"), "the cursor stays hidden");
    assert!(!terminal.screen().alternate_screen());
}

#[test]
fn quitting_restores_the_terminal() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F10>");
    assert_eq!(counter.ended(), 0);
    assert_restored(&counter);
}

#[test]
fn every_ending_signal_restores_the_terminal() {
    for (name, number) in [("-TERM", 15), ("-HUP", 1), ("-INT", 2), ("-QUIT", 3), ("-ABRT", 6)] {
        let mut counter = Terminal::signed_in("counter");
        signal(&counter, name);
        assert_eq!(counter.ended(), 128 + number, "{name}");
        assert_restored(&counter);
    }
}

#[test]
fn closing_the_window_ends_the_program() {
    let mut child = Terminal::close_window("counter");
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        assert!(std::time::Instant::now() < end, "it lives on without a terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_written_when_nothing_happens() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("keller").until("Keller Bau");
    counter.settle();
    let before = counter.written.len();
    std::thread::sleep(Duration::from_secs(2));
    counter.settle();
    assert_eq!(counter.written.len(), before);
}

#[test]
fn a_resize_at_any_moment_loses_nothing() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("keller").until("Keller Bau");
    for (columns, rows) in [(120, 40), (60, 20), (33, 7), (1, 1), (200, 60), (80, 24)] {
        counter.resize(columns, rows);
        counter.settle();
    }
    counter.until_all(&["Find keller", "Keller Bau GmbH"]);
    counter.resize(40, 10);
    counter.until("needed; this is");
}

#[test]
fn it_works_at_60_by_20() {
    let mut counter = Terminal::open("counter", 60, 20, &[]);
    counter.press("<F3>gx4-711<Enter>").until("2 organizations");
    counter.press("1").until("1 Identification");
    counter.press("m").until("Reading of 1042");
}

#[test]
fn a_paste_is_one_edit_and_never_a_command() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("\u{1b}[200~kel\nler\u{1b}[201~").until("Find kel ler");
    let long = "x".repeat(10_000);
    counter.press(&format!("\u{1b}[200~{long}\u{1b}[201~")).settle();
    counter.press("<F10>");
    assert_eq!(counter.ended(), 0);
}

#[test]
fn a_scanner_types_fast_and_ends_in_enter() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1046<Enter>").until_all(&["1046", "1 Identification"]);
}

#[test]
fn no_color_writes_no_colour_and_keeps_bold() {
    let mut counter = Terminal::open("counter", 80, 24, &[("NO_COLOR", "1")]);
    counter.press("keller").until("Keller Bau");
    counter.settle();
    let written = String::from_utf8_lossy(&counter.written).into_owned();
    let styles: Vec<&str> = written.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m').map(|(codes, _)| codes)).collect();
    let plain = |codes: &str| codes.chars().all(|c| c.is_ascii_digit() || c == ';');
    for codes in styles.iter().filter(|codes| plain(codes)) {
        for code in codes.split(';').filter_map(|code| code.parse::<u16>().ok()) {
            assert!(!matches!(code, 30..=38 | 40..=48 | 90..=107), "a colour was written: {codes}");
        }
    }
    assert!(styles.contains(&"1"), "bold is gone too");
}

#[test]
fn a_locale_without_utf_8_gets_plain_signs() {
    let mut counter = Terminal::open("counter", 80, 24, &[("LANG", "C")]);
    counter.press("keller").until("Customers");
    let shown = counter.settle();
    let ours: String = shown.lines().filter(|line| !line.contains('ü')).collect();
    for sign in ["─", "▸", "●", "☎", "…"] {
        assert!(!ours.contains(sign), "{sign} in:\n{shown}");
    }
}

#[test]
fn what_was_typed_is_kept_when_a_form_is_left() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1047<Enter>").until("1 Identification");
    counter.press("r").until("Request service for 1047");
    counter.press("<Tab>brakes squeal when cold").until("brakes squeal");
    counter.press("<Esc>").until("Kept what you typed");
    counter.press("r").until("brakes squeal when cold");
}

#[test]
fn whatever_was_changed_in_a_request_is_kept_when_it_is_left() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1047<Enter>").until("1 Identification");
    counter.press("r").until("Request service for 1047");
    counter.press("<Esc>").settle();
    assert!(!counter.text().contains("Kept what you typed"), "nothing was typed: {}", counter.text());
    counter.press("r").until("Request service for 1047");
    counter.press("<Tab><Tab>Gertrude").until("Gertrude");
    counter.press("<Esc>").until("Kept what you typed");
    counter.press("r").until("Gertrude");
    // A service that is typed and not entered is sent, and so it is kept.
    counter.press("wash the bed").until("wash the bed");
    counter.press("<Esc>").until("Kept what you typed");
    counter.press("r").until_all(&["wash the bed", "Gertrude"]);
}

#[test]
fn the_palette_says_why_a_command_is_forbidden() {
    let mut technician = Terminal::signed_in("tech");
    technician.press("<F2>keller").until("Keller Bau");
    technician.press("<Enter>").until("1 Assets");
    technician.press("d").until("Ask the counter");
    technician.press(":number").until_all(&["set number", "[locked]"]);
}

#[test]
fn suspending_gives_the_terminal_back_and_comes_again() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("keller").until("Keller Bau");
    // Without a shell that controls jobs nobody would wake it: we do.
    signal(&counter, "-STOP");
    signal(&counter, "-CONT");
    counter.settle();
    counter.press("x").until("Find kellerx");
}

#[test]
fn hostile_names_are_drawn_harmlessly() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F2>zqhostile").until("No customer matches");
    // Pasted escape sequences are taken as text without their control characters.
    counter.press("<Ctrl-N>").until("New customer");
    counter.press("\u{1b}[200~ \u{202e}evil\u{9b}31m\u{7}\u{1b}[201~<Tab>88990001<Ctrl-S>").until("was created");
    counter.settle();
    let written = String::from_utf8_lossy(&counter.written).into_owned();
    assert!(!written.contains('\u{202e}') && !written.contains('\u{7}') && !written.contains('\u{9b}'));
}

#[test]
fn the_first_run_says_what_to_do() {
    let mut new = Terminal::bare(&[], 80, 24, &[]);
    new.until_all(&["No server is configured yet", "demo"]);
    new.press("nonsense<Enter>").until("is no server address");
    new.press("<F10>");
    assert_eq!(new.ended(), 0);
}

#[test]
fn g_6_denied_empty_and_failed_look_different() {
    let mut paul = Terminal::signed_in("portaluser");
    paul.press("<F3>1051<Enter>").until("1 Identification");
    paul.press("8").until_all(&["8 History [locked]", "Needs \""]);
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1055<Enter>").until("1 Identification");
    counter.press("4").until("No open or pending repairs.");
    let environment = [("COUNTERTOP_SERVER", "http://127.0.0.1:9"), ("COUNTERTOP_TOKEN", "x")];
    let mut far = Terminal::bare(&[], 80, 24, &environment);
    far.until("off line since");
    far.press("<F2>keller<Enter>").until("Could not search");
}

#[test]
fn a_line_that_comes_back_needs_one_key() {
    let line = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = line.local_addr().unwrap();
    drop(line);
    let (server, token) = (format!("http://{address}"), super::screen::token("counter"));
    let mut counter = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", server.as_str()), ("COUNTERTOP_TOKEN", token.as_str())]);
    counter.until("off line since");
    counter.press("keller").until_all(&["the server cannot be reached", "to try again"]);
    super::screen::forward(address, &super::screen::demo().address);
    counter.press("<Ctrl-R>").until_all(&["online", "Keller Bau GmbH"]);
}

#[test]
fn s2_6_a_password_from_somebody_else_is_changed_at_the_first_sign_in() {
    super::screen::add_account("typist", "counter_staff", "from the boss");
    let (server, token) = (&super::screen::demo().address, super::screen::token_by("typist", "from the boss"));
    let mut typist = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", server), ("COUNTERTOP_TOKEN", &token)]);
    typist.until_all(&["Change your password first", "Present password"]);
    typist.press("from the boss<Tab>truck stop pie<Tab>truck stop pi<F9>").until("not the same as the line above");
    typist.press("e<F9>").until("Your password was changed.");
    typist.press("<F2>keller").until("Keller Bau GmbH");
    // And once more, by the person's own wish.
    typist.press("<Ctrl-K>").until("Commands");
    typist.press("change your<Enter>").until("Present password");
    typist.press("truck stop pie<Tab>short<Tab>short<F9>").until("at least 8 characters");
    assert!(!String::from_utf8_lossy(&typist.written).contains("truck stop"), "no password is drawn");
}

#[test]
fn g_7_a_request_that_is_over_is_text_and_says_why_it_cannot_be_cancelled() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1056<Enter>").until("1 Identification");
    counter.press("r").until("Service");
    counter.press("wash<Enter><Ctrl-S>").until("was sent.");
    counter.press("3").until("submitted");
    counter.press("x").until("Reason");
    counter.press("sold<Enter>").until_all(&["cancelled", "sold"]);
    counter.press("x").until("it cannot be cancelled any more");
}

#[test]
fn a_server_that_is_not_there_is_said_in_words() {
    let environment = [("COUNTERTOP_SERVER", "http://127.0.0.1:9"), ("COUNTERTOP_TOKEN", "x")];
    let mut counter = Terminal::bare(&[], 80, 24, &environment);
    counter.until("off line since");
}

//! The outbox: what is sent while the server cannot be reached is kept on this
//! machine, survives a kill, and arrives once.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::line::Line;
use super::screen::{Terminal, add_settled_account, demo, token_by};
use crate::harness::Caller;

const PASSWORD: &str = "truck stop pie";

/// An account of its own; gives its token.
pub(super) fn account(name: &str) -> String {
    add_settled_account(name, "counter_staff", PASSWORD);
    token_by(name, PASSWORD)
}

/// At this line, with folders that stay.
pub(super) fn at(folder: &Path, line: &Line, token: &str) -> Terminal {
    Terminal::at(folder, &[], 80, 24, &[("COUNTERTOP_SERVER", &line.address), ("COUNTERTOP_TOKEN", token)])
}

/// With an asset's page open.
pub(super) fn opened(folder: &Path, line: &Line, token: &str, unit: &str) -> Terminal {
    let mut terminal = at(folder, line, token);
    terminal.until("online");
    terminal.press(&format!("<F3>{unit}<Enter>")).until("1 Identification");
    terminal.settle();
    terminal
}

/// The same where somebody put a file in the place of the folder that things are
/// kept in.
pub(super) fn opened_where_nothing_can_be_kept(folder: &Path, line: &Line, token: &str) -> Terminal {
    std::fs::write(folder.join("state"), "").unwrap();
    opened(folder, line, token, "1047")
}

/// Types a complaint into a new service request.
pub(super) fn complains(terminal: &mut Terminal, complaint: &str) {
    terminal.press("r").until("Request service for");
    terminal.settle();
    terminal.press(&format!("<Tab>{complaint}")).until(complaint);
}

/// How many requests of the demo have this complaint.
fn filed(token: &str, complaint: &str) -> usize {
    listed(token, "/v1/service-requests").iter().filter(|item| item["complaint"] == complaint).count()
}

/// All that a list of the demo has, page by page.
pub(super) fn listed(token: &str, path: &str) -> Vec<Value> {
    listed_at(&demo().address, token, path)
}

/// The same of another server.
pub(super) fn listed_at(server: &str, token: &str, path: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = asked_at(server, token, &format!("{path}?limit=200{cursor}"));
        all.extend(page["items"].as_array().unwrap_or_else(|| panic!("{path}: {page}")).iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// What the demo answers.
pub(super) fn asked(token: &str, path: &str) -> Value {
    asked_at(&demo().address, token, path)
}

/// What another server answers.
pub(super) fn asked_at(server: &str, token: &str, path: &str) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, answer) = runtime.block_on(Caller::of(server).with_token(token).get(path));
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// Waits until the demo has it.
fn until_filed(token: &str, complaint: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    while filed(token, complaint) == 0 {
        assert!(Instant::now() < end, "{complaint} never arrives");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends the program as a power cut would.
pub(super) fn kill(terminal: &mut Terminal) {
    let pid = terminal.child.process_id().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    terminal.child.wait().unwrap();
}

#[test]
fn p3_what_is_sent_off_line_is_kept_shown_and_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-one"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    complains(&mut jo, "air leak at the left tank");
    line.cut();
    jo.press("<Ctrl-S>").until_all(&["Kept on this machine", "1 to send", "off line since"]);
    jo.press("gu").until_all(&["Outbox", "waiting", "Service request for 1047"]);
    // Away from the line one goes on working; Esc leads back to the asset.
    jo.press("<Esc>").until("1 Identification");
    assert_eq!(filed(&token, "air leak at the left tank"), 0);
    line.mend();
    jo.press("gu").until("Outbox");
    jo.press("s").until_all(&["Sent now: Service request for 1047", "sent"]);
    let shown = jo.settle();
    assert!(!shown.contains("to send") && shown.contains("SR-"), "{shown}");
    assert_eq!(filed(&token, "air leak at the left tank"), 1);
}

#[test]
fn t1_killed_right_after_kept_it_arrives_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-two"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    complains(&mut jo, "coolant smell in the cab");
    line.cut();
    jo.press("<Ctrl-S>").until("Kept on this machine");
    kill(&mut jo);
    line.mend();
    let mut again = at(folder.path(), &line, &token);
    again.until("Sent now: Service request for 1047");
    assert_eq!(filed(&token, "coolant smell in the cab"), 1);
    again.press("<F3>1047<Enter>").until("1 Identification");
    again.press("r").until("Request service for 1047");
    assert!(!again.settle().contains("coolant smell"), "what was sent is no draft");
}

#[test]
fn whoever_starts_off_line_reads_how_much_waits_here() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-starts-off-line"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    complains(&mut jo, "cab light flickers");
    line.cut();
    jo.press("<Ctrl-S>").until("Kept on this machine");
    jo.press("<F10>");
    assert_eq!(jo.ended(), 0);
    let mut again = at(folder.path(), &line, &token);
    let shown = again.until_all(&["off line since", "1 waits here"]);
    assert!(!shown.contains("1047"), "how much, and not what: {shown}");
    line.mend();
    again.press("<Ctrl-R>").until("Sent now: Service request for 1047");
    assert_eq!(filed(&token, "cab light flickers"), 1);
}

#[test]
fn a_new_customer_that_waits_is_found_again_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-finds"));
    let mut jo = at(folder.path(), &line, &token);
    jo.until("online");
    jo.press("zorn haulage").until("No customer matches");
    line.cut();
    jo.press("<Ctrl-N>").until("New customer");
    jo.settle();
    jo.press("<Tab>88120001<Ctrl-S>").until_all(&["Kept on this machine", "1 to send"]);
    jo.press("<F2>zorn h").until("1 new customer waits in the outbox: zorn haulage (Alt-U).");
    line.mend();
    jo.press("<Alt-U>").until("Outbox");
    jo.press("s").until("Sent now: New customer zorn haulage");
    jo.press("<F2>zorn h").settle();
    assert!(!jo.text().contains("waits in the outbox"), "{}", jo.text());
}

#[test]
fn killed_while_it_is_on_its_way_it_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-three"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    complains(&mut jo, "brake light stays on");
    // It arrives, but no answer comes back.
    line.hold();
    jo.press("<Ctrl-S>").until("1 to send");
    until_filed(&token, "brake light stays on");
    kill(&mut jo);
    line.release();
    let mut again = at(folder.path(), &line, &token);
    again.until("Sent now: Service request for 1047");
    assert_eq!(filed(&token, "brake light stays on"), 1);
}

#[test]
fn what_is_on_its_way_reads_so_in_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-under-way"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    complains(&mut jo, "ashtray is full");
    // It arrives, but no answer comes back.
    line.hold();
    jo.press("<Ctrl-S>").until("1 to send");
    jo.press("<Alt-U>").until_all(&["Outbox", "sending", "On its way to the server"]);
    let shown = jo.settle();
    assert!(!shown.contains("waiting") && !shown.contains("Next try"), "{shown}");
    line.release();
    jo.until("SR-");
    let shown = jo.settle();
    assert!(!shown.contains("sending") && !shown.contains("to send"), "{shown}");
}

#[test]
fn what_the_server_refuses_later_comes_back_as_a_form_with_all_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-four"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    jo.press("m").until("Reading of 1047");
    jo.settle();
    line.cut();
    // Far less than the meter shows.
    jo.press("3<Enter>");
    jo.until_all(&["Kept on this machine", "1 to send"]);
    line.mend();
    jo.press("gu").until("Outbox");
    jo.press("s").until_all(&["Refused", "1 refused"]);
    jo.settle();
    jo.press("<Enter>").until_all(&["Reading of 1047", "Correct it and save"]);
    let shown = jo.settle();
    assert!(shown.lines().any(|line| line.contains("Value") && line.contains('3')), "{shown}");
    assert!(shown.contains("1 refused"), "it stays until the form is saved: {shown}");
    jo.press("<Esc>").until_all(&["Outbox", "1 refused"]);
    jo.press("<Enter>").until("Reading of 1047");
}

#[test]
fn t13_another_person_at_this_machine_neither_sends_nor_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let (line, jos, maras) = (Line::slow(), account("outbox-jo"), account("outbox-mara"));
    let mut jo = opened(folder.path(), &line, &jos, "1047");
    complains(&mut jo, "mirror arm is loose");
    line.cut();
    jo.press("<Ctrl-S>").until("Kept on this machine");
    jo.press("<F10>");
    assert_eq!(jo.ended(), 0);
    line.mend();
    let mut mara = at(folder.path(), &line, &maras);
    mara.until("online");
    mara.press("<F2><Alt-U>").until_all(&["Outbox", "Nothing waits"]);
    assert_eq!(filed(&jos, "mirror arm is loose"), 0);
    mara.press("<F10>");
    assert_eq!(mara.ended(), 0);
    at(folder.path(), &line, &jos).until("Sent now: Service request for 1047");
    assert_eq!(filed(&jos, "mirror arm is loose"), 1);
}

#[test]
fn t10_of_two_terminals_of_one_person_one_sends() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-two-desks"));
    let mut left = opened(folder.path(), &line, &token, "1047");
    let mut right = opened(folder.path(), &line, &token, "1045");
    complains(&mut left, "left door sticks");
    complains(&mut right, "right door sticks");
    line.cut();
    left.press("<Ctrl-S>").until("Kept on this machine");
    right.press("<Ctrl-S>").until("Kept on this machine");
    line.mend();
    left.press("gu").until("Outbox");
    right.press("gu").until("Outbox");
    left.press("s");
    right.press("s");
    for complaint in ["left door sticks", "right door sticks"] {
        until_filed(&token, complaint);
    }
    left.settle();
    right.settle();
    assert_eq!((filed(&token, "left door sticks"), filed(&token, "right door sticks")), (1, 1));
}

#[test]
fn t9_where_nothing_can_be_kept_the_form_stays_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-no-room"));
    let mut jo = opened_where_nothing_can_be_kept(folder.path(), &line, &token);
    complains(&mut jo, "buckle does not click");
    line.cut();
    jo.press("<Ctrl-S>").until_all(&["nothing can be kept here", "buckle does not click"]);
    line.mend();
    jo.press("<Ctrl-S>").until("was sent.");
    assert_eq!(filed(&token, "buckle does not click"), 1);
}

#[test]
fn t9_quitting_where_nothing_can_be_kept_asks_before_anything_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-quits"));
    let mut jo = opened_where_nothing_can_be_kept(folder.path(), &line, &token);
    complains(&mut jo, "seat heater is cold");
    jo.press("<F10>").until_all(&["cannot be kept on this machine", "Quit and lose it?"]);
    jo.press("n").settle();
    assert!(jo.text().contains("seat heater is cold") && !jo.text().contains("Quit and lose it?"), "{}", jo.text());
    // Right behind the key that saves: it ends when the server has it.
    jo.press("<Ctrl-S><F10>");
    assert_eq!(jo.ended(), 0);
    assert_eq!(filed(&token, "seat heater is cold"), 1);
    let mut again = opened(folder.path(), &line, &token, "1047");
    complains(&mut again, "horn is silent");
    again.press("<F10>").until("Quit and lose it?");
    again.press("y");
    assert_eq!(again.ended(), 0);
    assert_eq!(filed(&token, "horn is silent"), 0);
}

#[test]
fn t9_what_arrived_unheard_where_nothing_can_be_kept_is_not_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-unheard"));
    let mut jo = opened_where_nothing_can_be_kept(folder.path(), &line, &token);
    complains(&mut jo, "hood latch is bent");
    // It arrives, but the answer is lost.
    line.hold();
    jo.press("<Ctrl-S>");
    until_filed(&token, "hood latch is bent");
    line.cut();
    jo.until("nothing can be kept here");
    line.release();
    line.mend();
    jo.press("s<Ctrl-S>").until("may have arrived");
    assert_eq!(filed(&token, "hood latch is bents"), 0);
    jo.press("<Backspace><Ctrl-S>").until("was sent.");
    assert_eq!(filed(&token, "hood latch is bent"), 1);
}

#[test]
fn t9_signing_out_where_nothing_can_be_kept_asks_before_anything_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-signs-out"));
    let mut jo = opened_where_nothing_can_be_kept(folder.path(), &line, &token);
    complains(&mut jo, "step is slippery");
    let signs_out = |jo: &mut Terminal| {
        jo.press("<Ctrl-K>").until("Commands");
        jo.press("sign out<Enter>").until_all(&["cannot be kept on this machine", "Sign out and lose it?"]);
    };
    signs_out(&mut jo);
    jo.press("n").settle();
    assert!(jo.text().contains("step is slippery") && !jo.text().contains("Sign out and lose it?"), "{}", jo.text());
    signs_out(&mut jo);
    jo.press("y").until("Password");
    assert_eq!(filed(&token_by("outbox-signs-out", PASSWORD), "step is slippery"), 0);
}

#[test]
fn a_half_filled_form_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-half"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    complains(&mut jo, "grinding in third gear");
    // A moment after the last key it is on the disk.
    std::thread::sleep(Duration::from_millis(1_500));
    jo.settle();
    kill(&mut jo);
    let mut again = opened(folder.path(), &line, &token, "1047");
    again.press("r").until("grinding in third gear");
    again.press("<Ctrl-S>").until("was sent.");
    again.press("r").until("Request service for 1047");
    assert!(!again.settle().contains("grinding in third gear"));
}

#[test]
fn whatever_was_changed_in_a_request_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-fields"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    jo.press("r").until("Request service for");
    jo.settle();
    // No complaint: a service that is not entered yet, and who calls.
    jo.press("steam clean<Tab><Tab><Tab>Vanderbilt").until_all(&["steam clean", "Vanderbilt"]);
    std::thread::sleep(Duration::from_millis(1_500));
    jo.settle();
    kill(&mut jo);
    let mut again = opened(folder.path(), &line, &token, "1047");
    again.press("r").until_all(&["steam clean", "Vanderbilt"]);
}

#[test]
fn a_sign_in_that_ended_meanwhile_is_asked_for_and_then_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("outbox-expired"));
    let mut jo = opened(folder.path(), &line, &token, "1047");
    complains(&mut jo, "wiper smears");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(Caller::of(&demo().address).with_token(&token).send("DELETE", "/v1/session", &[], None));
    assert_eq!(ended.status, 204);
    jo.press("<Ctrl-S>").until_all(&["Password", "1 to send"]);
    jo.settle();
    jo.press(&format!("{PASSWORD}<Enter>")).until("Sent now: Service request for 1047");
    assert_eq!(filed(&token_by("outbox-expired", PASSWORD), "wiper smears"), 1);
}

//! Forms that are left half filled: what the screen called kept is offered again,
//! whatever comes, and what cannot be kept is not called so (P3), nor promised.

use super::line::Line;
use super::outbox::{account, complains, kill, opened, opened_where_nothing_can_be_kept};

const KEPT: &str = "Kept what you typed; open it again to go on.";
const STILL: &str = "Still here until this program ends; nothing can be kept";

#[test]
fn p3_what_was_called_kept_on_esc_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("draft-esc"));
    for complaint in ["clutch slips on hills", "gauge sticks at half", "visor falls down"] {
        let mut jo = opened(folder.path(), &line, &token, "1047");
        jo.press("r").until("Request service for 1047");
        jo.settle();
        // In the place of what the last one left.
        jo.press(&format!("<Tab><End>{}{complaint}", "<Backspace>".repeat(30))).until(complaint);
        jo.press("<Esc>").until(KEPT);
        kill(&mut jo);
        let mut again = opened(folder.path(), &line, &token, "1047");
        again.press("r").until(complaint);
        kill(&mut again);
    }
}

#[test]
fn whoever_opens_the_outbox_where_nothing_can_be_kept_reads_so() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("draft-looks"));
    let mut jo = opened_where_nothing_can_be_kept(folder.path(), &line, &token);
    jo.press("gu").until("Nothing can be kept on this machine: the folder");
    let shown = jo.settle();
    assert!(!shown.contains("Nothing waits"), "{shown}");
}

#[test]
fn p3_what_cannot_be_kept_is_not_called_so_on_esc() {
    let folder = tempfile::tempdir().unwrap();
    let (line, token) = (Line::slow(), account("draft-no-room"));
    let mut jo = opened_where_nothing_can_be_kept(folder.path(), &line, &token);
    complains(&mut jo, "rim leaks");
    jo.press("<Esc>").until(STILL);
    let shown = jo.settle();
    assert!(!shown.contains("Kept what you typed"), "{shown}");
    jo.press("r").until("rim leaks");
    jo.settle();
    jo.press("<Esc>").until(STILL);
    kill(&mut jo);
    std::fs::remove_file(folder.path().join("state")).unwrap();
    let mut again = opened(folder.path(), &line, &token, "1047");
    again.press("r").until("Request service for 1047");
    let shown = again.settle();
    assert!(!shown.contains("rim leaks"), "it was told that it would be gone: {shown}");
}

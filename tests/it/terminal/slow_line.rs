//! A counter at the end of a slow line: what is typed is seen at once, and the
//! server is asked no more than it must be.

use super::line::Line;
use super::screen::Terminal;
use super::screens::picture;

/// What reads customers by name.
const SEARCHES: &str = "/v1/customers?";

fn search(text: &str) -> String {
    format!("{SEARCHES}by=name&q={text}")
}

/// A counter that looks for names.
fn counter_at(line: &Line) -> Terminal {
    let mut counter = Terminal::open("counter", 80, 24, &[("COUNTERTOP_SERVER", line.address.as_str())]);
    counter.press("<F2><Tab>").until("[Name]");
    counter
}

#[test]
fn what_is_typed_is_painted_before_any_answer_comes() {
    let line = Line::slow();
    let mut counter = counter_at(&line);
    line.hold();
    let shown = counter.press("kel").until("Find kel");
    assert!(!shown.contains("Keller Bau"), "{shown}");
    let shown = counter.press("ler").until("Find keller");
    assert!(!shown.contains("Keller Bau"), "{shown}");
    line.release();
    counter.until("Keller Bau GmbH");
}

#[test]
fn after_a_complete_answer_typing_on_and_enter_ask_nothing() {
    let line = Line::slow();
    let mut counter = counter_at(&line);
    counter.press("kel").until("Keller Bau GmbH");
    line.hold();
    counter.press("lerm").until("Find kellerm");
    let shown = counter.settle();
    assert!(shown.contains("Kellerman") && !shown.contains("Keller Bau"), "{shown}");
    counter.press("<Backspace>").until("Keller Bau GmbH");
    counter.press("<Enter>").until("1 Assets");
    line.release();
    counter.until_all(&["Keller Bau GmbH", "#10442"]);
    assert_eq!(line.asked(SEARCHES), [search("kel")]);
}

#[test]
fn keys_that_are_faster_than_the_line_cost_one_further_request() {
    let line = Line::slow();
    let mut counter = counter_at(&line);
    line.hold();
    counter.press("nor").until("Find nor");
    counter.press("<Backspace><Backspace><Backspace>keller").until("Find keller");
    line.release();
    counter.until("Keller Bau GmbH");
    counter.settle();
    assert_eq!(line.asked(SEARCHES), [search("nor"), search("keller")]);
}

#[test]
fn the_pictures_are_those_of_a_fast_line() {
    let line = Line::slow();
    let (mut far, mut near) = (counter_at(&line), Terminal::signed_in("counter"));
    near.press("<F2><Tab>").until("[Name]");
    // Letter by letter there, in one go here.
    for letter in ["k", "e", "l", "l", "e", "r"] {
        far.press(letter).settle();
    }
    near.press("keller").until("Keller Bau GmbH");
    far.until("Keller Bau GmbH");
    assert_eq!(picture(&far.settle()), picture(&near.settle()));
    for counter in [&mut far, &mut near] {
        counter.press("<Down><Down>").answer();
    }
    assert_eq!(picture(&far.text()), picture(&near.text()));
    assert_eq!(line.asked(SEARCHES), [search("kel")]);
}

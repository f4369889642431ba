//! A customer is changed; and two people change one customer: the second sees
//! both versions side by side and decides (412).

use super::changes::counter_runs;
use super::screen::Terminal;

/// A customer of its own for the story, as the counter wrote it down.
fn customer(name: &str, number: &str) {
    counter_runs(&["customer", "create", "--name", name, "--number", number, "--city", "Tracy", "--state", "CA"]);
}

/// Opens the customer's form, from wherever the person is.
fn change(person: &mut Terminal, name: &str, number: &str) {
    person.press(&format!("<F2>{}", name.to_lowercase())).until(name);
    person.press("<Enter>").until_all(&["1 Assets", &format!("#{number}")]);
    person.settle();
    person.press("u").until_all(&[&format!("Customer {name}"), "Tracy"]);
}

#[test]
fn the_second_of_two_sees_both_and_takes_one_field_of_each() {
    customer("Two Hands Haulage", "77990051");
    let mut manager = Terminal::signed_in("manager");
    change(&mut manager, "Two Hands Haulage", "77990051");
    manager.press("<Tab><Tab><Tab> South<Tab><Tab><Tab><Tab><Tab><Tab>office@hands.example<Tab><Tab>gate code 5").until("gate code 5");
    let mut boss = Terminal::signed_in("gm");
    change(&mut boss, "Two Hands Haulage", "77990051");
    boss.press("<Tab><Tab><Tab> North<Tab><Tab>95376<Tab><Tab><Tab><Tab>yard@hands.example<F9>").until("Two Hands Haulage was saved.");

    let asked = ["Both versions", "[ ] Tracy North", "[ ] Tracy South", "[ ] yard@hands.example", "[ ] office@hands.example"];
    manager.press("<F9>").until_all(&asked);
    let shown = manager.until_all(&["Changed by Gwen Marchetti", "2 fields to decide.", "Now (by Gwen Marchetti"]);
    assert!(!shown.contains("95376"), "what only one changed is no question:\n{shown}");
    manager.press("<Enter>").until("Choose for every field first");
    manager.press("t").until_all(&["[x] Tracy North", "[ ] Tracy South", "1 field to decide."]);
    manager.press("<Down>m").until_all(&["[ ] yard@hands.example", "[x] office@hands.example", "Everything is decided."]);
    let shown = manager.press("<Enter>").until_all(&["Both versions are one now", "Tracy North", "95376", "office@hands.example", "gate code 5"]);
    assert!(!shown.contains("South") && !shown.contains("yard@"), "{shown}");
    manager.press("<F9>").until("Two Hands Haulage was saved.");

    boss.press("2<F5>").until_all(&["Tracy North CA 95376", "office@hands.example", "gate code 5"]);
    manager.press("2").until_all(&["Tracy North CA 95376", "office@hands.example", "gate code 5"]);
}

#[test]
fn what_is_left_undecided_is_kept_and_asked_again() {
    customer("Left Hand Haulage", "77990052");
    let mut manager = Terminal::open("manager", 120, 40, &[("NO_COLOR", "1")]);
    change(&mut manager, "Left Hand Haulage", "77990052");
    manager.press("<Tab><Tab><Tab> South").until("Tracy South");
    let mut boss = Terminal::signed_in("gm");
    change(&mut boss, "Left Hand Haulage", "77990052");
    boss.press("<Tab><Tab><Tab> North<F9>").until("Left Hand Haulage was saved.");

    manager.press("<F9>").until_all(&["[ ] Tracy North", "[ ] Tracy South", "Shift-T all theirs", "Shift-M all yours"]);
    manager.press("T").until_all(&["[x] Tracy North", "[ ] Tracy South"]);
    manager.press("<Esc>").until_all(&["Kept what you typed", "1 Assets"]);
    // The page is new by then; what was typed over the old one is no less asked about.
    manager.press("<F5>").until("Tracy North");
    manager.press("u").until_all(&["Both versions", "[ ] Tracy North", "[ ] Tracy South"]);
    manager.press("M<Enter>").until("Both versions are one now");
    manager.press("<F9>").until_all(&["Left Hand Haulage was saved.", "Tracy South CA"]);
}

#[test]
fn what_one_alone_changed_is_filled_in_without_a_question() {
    customer("One Hand Haulage", "77990053");
    let mut manager = Terminal::signed_in("manager");
    change(&mut manager, "One Hand Haulage", "77990053");
    manager.press("<Tab>7 Wharf Road").until("7 Wharf Road");
    let mut boss = Terminal::signed_in("gm");
    change(&mut boss, "One Hand Haulage", "77990053");
    boss.press("<Tab><Tab><Tab> North<F9>").until("One Hand Haulage was saved.");
    manager.press("<F9>").until_all(&["though not what you typed", "Tracy North", "7 Wharf Road"]);
    manager.press("<F9>").until_all(&["One Hand Haulage was saved.", "Tracy North CA"]);
}

#[test]
fn a_refused_field_says_why_and_the_draft_waits_for_its_customer() {
    customer("Slip Of The Pen", "77990054");
    let mut counter = Terminal::signed_in("counter");
    change(&mut counter, "Slip Of The Pen", "77990054");
    counter.press("<Tab><Tab><Tab><Tab><Tab><Tab><Tab>12<F9>").until("12  a telephone number of the United States");
    counter.press("<Esc>").until_all(&["Kept what you typed", "1 Assets"]);
    counter.press("u").until_all(&["Customer Slip Of The Pen", "Telephone"]);
    counter.press("<F9>").until("12  a telephone number of the United States");
    counter.press("<Backspace><Backspace>(209) 555-0140<F9>").until_all(&["Slip Of The Pen was saved.", "209"]);
}

#[test]
fn who_may_not_change_it_is_told_why() {
    let mut technician = Terminal::signed_in("tech");
    technician.press("<F2>keller").until("Keller Bau");
    technician.press("<Enter>").until("1 Assets");
    technician.press("u").until("Needs \"Customers: edit\"");

    let mut manager = Terminal::signed_in("manager");
    manager.press("<F2>northw").until("Northwind Fleet");
    manager.press("<Enter>").until_all(&["1 Assets", "fleet"]);
    manager.settle();
    manager.press("u").until("A fleet keeps its own address");
}

//! What is written costs time on a slow line and money on some: bars for 80×24.

use super::screen::Terminal;

/// What keys cost until a text is there and nothing more comes.
#[track_caller]
fn cost(counter: &mut Terminal, keys: &str, texts: &[&str]) -> usize {
    counter.settle();
    let before = counter.written.len();
    counter.press(keys).until_all(texts);
    counter.settle();
    counter.written.len() - before
}

/// A counter that looks for names.
fn counter() -> Terminal {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F2><Tab>").until("[Name]");
    counter
}

#[test]
fn a_letter_that_changes_no_result_costs_80_bytes_at_the_most() {
    let mut counter = counter();
    counter.press("kelle").until("Keller Bau GmbH");
    let spent = cost(&mut counter, "r", &["Find keller", "Keller Bau GmbH"]);
    assert!(spent <= 80, "{spent} bytes among hits");
    counter.press("qz").until("No customer matches \"kellerqz\"");
    let spent = cost(&mut counter, "q", &["No customer matches \"kellerqzq\""]);
    assert!(spent <= 80, "{spent} bytes where nobody is found");
}

#[test]
fn a_step_in_a_list_costs_60_bytes_at_the_most() {
    let mut counter = counter();
    counter.press("keller").until("Keller Brothers");
    let before = counter.text();
    let spent = cost(&mut counter, "<Down>", &["▸ Keller Brothers"]);
    assert!(spent <= 60, "{spent} bytes");
    assert_eq!(counter.text().replace('▸', " "), before.replace('▸', " "), "only the marker moves");
    // It is seen without colours too.
    let row = counter.text().lines().position(|line| line.contains('▸')).unwrap();
    assert!(counter.screen().cell(u16::try_from(row).unwrap(), 0).unwrap().inverse());
}

#[test]
fn new_hits_cost_1500_bytes_and_a_new_screen_2500_at_the_most() {
    let mut counter = counter();
    counter.press("<Tab><Tab>").until("[State]");
    counter.press("c").until("1 of 3 characters");
    let spent = cost(&mut counter, "a", &["Customers", "CA"]);
    assert!(spent <= 1_500, "{spent} bytes for new hits");
    counter.press("<F2>keller").until("Keller Bau GmbH");
    let spent = cost(&mut counter, "<Enter>", &["1 Assets", "#10442"]);
    assert!(spent <= 2_500, "{spent} bytes for a new screen");
}

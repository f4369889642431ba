//! Reading while the server cannot be reached: what it said last is shown, and
//! never without the time at which it said so.

use std::time::{Duration, Instant};

use super::line::Line;
use super::screen::Terminal;

const OFF_LINE: &str = "Off line: this is what the server said at ";

/// A counter whose line can be cut, on a terminal without colours.
fn counter_at(line: &Line) -> Terminal {
    Terminal::open("counter", 80, 24, &[("COUNTERTOP_SERVER", line.address.as_str()), ("NO_COLOR", "1")])
}

/// Finds a customer by its name and opens it.
fn opens_keller(counter: &mut Terminal) {
    counter.press("<F2><Tab>").until("[Name]");
    counter.press("keller").until_all(&["Find keller", "Keller Bau GmbH"]);
    counter.settle();
    counter.press("<Enter>").until_all(&["1 Assets", "#10442"]);
    counter.settle();
}

/// Looks at the meters of an asset.
fn opens_meters_of_1051(counter: &mut Terminal) -> String {
    counter.press("<F3>1051<Enter>").until("1 Identification");
    counter.press("2").settle()
}

/// Reads the screen until a text is gone, and gives it.
#[track_caller]
fn until_gone(counter: &mut Terminal, text: &str) -> String {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let shown = counter.settle();
        if !shown.contains(text) {
            return shown;
        }
        assert!(Instant::now() < end, "{text:?} stays in:\n{shown}");
    }
}

/// The first figure that the meters show.
fn hours(screen: &str) -> String {
    let line = screen.lines().find(|line| line.contains("Engine hours") || line.contains("Odometer"));
    line.unwrap_or_else(|| panic!("no meter in\n{screen}")).trim_end().to_owned()
}

#[test]
fn what_was_open_before_is_read_off_line_with_its_age_until_the_server_is_back() {
    let line = Line::slow();
    let mut counter = counter_at(&line);
    opens_keller(&mut counter);
    let before = opens_meters_of_1051(&mut counter);
    assert!(!before.contains("Off line") && !before.contains("as of"), "{before}");

    line.cut();
    opens_keller(&mut counter);
    counter.until_all(&[OFF_LINE, "Keller Bau GmbH", "#10442", "Not up to date, as of "]);
    // Words and a bar: it is seen without colours.
    assert!(counter.screen().cell(1, 1).unwrap().inverse());
    opens_meters_of_1051(&mut counter);
    let shown = counter.until_all(&[OFF_LINE, "Not up to date, as of "]);
    assert_eq!(hours(&shown), hours(&before), "the figure is the last one");

    line.mend();
    counter.press("<Ctrl-R>");
    until_gone(&mut counter, "Off line");
    let after = until_gone(&mut counter, "as of");
    assert!(!after.contains("off line since"), "{after}");
    assert_eq!(hours(&after), hours(&before));
}

#[test]
fn a_reading_is_typed_off_line_beside_a_last_one_that_tells_its_age() {
    let line = Line::slow();
    let mut counter = counter_at(&line);
    opens_meters_of_1051(&mut counter);
    line.cut();
    counter.press("m").until("Reading of 1051");
    counter.until_all(&["(as of ", OFF_LINE]);
}

#[test]
fn what_was_never_read_fails_off_line_as_before() {
    let line = Line::slow();
    let mut counter = counter_at(&line);
    opens_keller(&mut counter);
    line.cut();
    let shown = counter.press("<F3>1053<Enter>").until("Could not search: the server cannot be reached");
    assert!(!shown.contains("the server said"), "{shown}");
    // The hit was read, the record behind it was not.
    counter.press("<F2><Tab>keller").until_all(&[OFF_LINE, "Keller Brothers"]);
    counter.settle();
    counter.press("<Down><Enter>").until("Could not load: the server cannot be reached  F5 to try again");
    line.mend();
    counter.press("<Ctrl-R>");
    let shown = until_gone(&mut counter, "Could not load");
    assert!(shown.contains("Keller Brothers") && !shown.contains("Off line"), "{shown}");
}

//! A terminal that answers what nobody asked, breaks off in the middle or lies:
//! nothing of it is typed, and on a page none of its letters is a command.

use std::time::Duration;

use super::screen::Terminal;

/// What terminals answer and report, each with both ends that there are.
const SAID: [&str; 19] = [
    "\u{1b}]11;rgb:ffff/ffff/ffff\u{7}",
    "\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\",
    "\u{1b}]52;c;bTEyXG4=\u{7}",
    "\u{1b}]lgq\u{1b}\\",
    "\u{1b}P1+r524742=38\u{1b}\\",
    "\u{1b}P>|XTerm(370)\u{1b}\\",
    "\u{1b}P!|00000000\u{1b}\\",
    "\u{1b}_Gi=31;OK\u{1b}\\",
    "\u{1b}^m12\u{1b}\\",
    "\u{1b}[?62;c",
    "\u{1b}[>41;354;0c",
    "\u{1b}[24;80R",
    "\u{1b}[0n",
    "\u{1b}[?2026;2$y",
    "\u{1b}[8;24;80t",
    "\u{1b}[I\u{1b}[O",
    "\u{1b}[<0;10;10M\u{1b}[<0;10;10m",
    "\u{1b}[M !!",
    "\u{9d}11;rgb:ffff/ffff/ffff\u{9c}\u{9b}?62;c",
];
/// What never ends.
const HALVES: [&str; 6] = ["\u{1b}]11;rgb:ff", "\u{1b}P1+r52", "\u{1b}_Gi=3", "\u{1b}[?62;", "\u{1b}[<0;1", "\u{1b}[24;8"];

/// The screen before it says something and after, where that changed it.
fn effect_of(counter: &mut Terminal, said: &str) -> Option<(String, String)> {
    let before = counter.settle();
    counter.send(said);
    let after = counter.settle();
    (after != before).then_some((before, after))
}

/// Whatever it says: the screen stays as it was.
#[track_caller]
fn says_without_effect(counter: &mut Terminal, said: &str) {
    assert_eq!(effect_of(counter, said), None, "after {}", said.escape_debug().take(80).collect::<String>());
}

/// A megabyte of it, in one string and in many.
fn floods() -> [String; 2] {
    let many = SAID.concat();
    [format!("\u{1b}]11;{}\u{1b}\\", "gq".repeat(500_000)), many.repeat(1_000_000 / many.len())]
}

#[test]
fn nothing_that_a_terminal_says_is_searched_for() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F2>kel").until("Keller Bau");
    for said in SAID {
        says_without_effect(&mut counter, said);
    }
    counter.press("l").until("Find kell");
    for (half, letter) in HALVES.into_iter().zip(["e", "r", "<Backspace>", "<Backspace>", "e", "r"]) {
        says_without_effect(&mut counter, half);
        counter.press(letter).settle();
    }
    counter.until_all(&["Find keller", "Keller Bau GmbH"]);
}

#[test]
fn nothing_that_a_terminal_says_is_a_command_on_a_page() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1047<Enter>").until("1 Identification");
    for said in SAID.into_iter().chain(HALVES) {
        says_without_effect(&mut counter, said);
    }
    counter.press("m").until("Reading of 1047");
    counter.press("<Esc>").until("1 Identification");
    for flood in floods() {
        says_without_effect(&mut counter, &flood);
    }
    counter.press("r").until("Request service for 1047");
}

#[test]
fn a_paste_that_breaks_off_takes_the_keyboard_from_nobody() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F2>").until("Find");
    says_without_effect(&mut counter, "\u{1b}[200~kell");
    std::thread::sleep(Duration::from_millis(3_500));
    counter.press("e").until("Find kelle");
    counter.press("r").until_all(&["Find keller", "Keller Bau GmbH"]);
}

#[test]
fn what_a_terminal_says_would_be_noticed_were_it_taken_for_keys() {
    // Without what makes an answer of them they are letters.
    let letters = |said: &str| said.chars().filter(|sign| !sign.is_control()).collect::<String>();
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F2>kel").until("Keller Bau");
    // As many as a search may hold.
    for said in SAID.into_iter().step_by(4) {
        assert!(effect_of(&mut counter, &letters(said)).is_some(), "{}", letters(said));
    }
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1047<Enter>").until("1 Identification");
    let (_, after) = effect_of(&mut counter, &letters("\u{1b}^m12\u{1b}\\")).expect("it is a command");
    assert!(after.contains("Reading of 1047"), "{after}");
}

//! One's own sign-ins, from the palette: which there are, ending one, and ending
//! all others.

use super::screen::{Terminal, add_settled_account, demo, token_by};

const NAME: &str = "sign-ins-jo";
const PASSWORD: &str = "truck stop pie";

/// Another place at which Jo is signed in.
fn signed_in() -> Terminal {
    let token = token_by(NAME, PASSWORD);
    let mut terminal = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address), ("COUNTERTOP_TOKEN", &token)]);
    terminal.until("online");
    terminal
}

#[test]
fn who_left_terminals_signed_in_ends_that_from_another_one() {
    add_settled_account(NAME, "counter_staff", PASSWORD);
    let (mut desk, mut bench, mut yard) = (signed_in(), signed_in(), signed_in());
    desk.press("<Ctrl-K>my sign<Enter>").until_all(&["My sign-ins", "127.0.0.1", "this one", "3 in all."]);
    // The newest is on top: that of the yard.
    desk.press("d").until("End your sign-in of");
    desk.press("n").settle();
    desk.press("dy").until_all(&["That sign-in has ended.", "2 in all."]);
    yard.press("keller").until("Your session has ended.");
    desk.press("<End>d").until("This is the one that you use now: sign out to end it.");
    desk.press("a").until("End the other one of your sign-ins?");
    desk.press("y").until("You are signed in here only.");
    bench.press("keller").until("Your session has ended.");
    desk.press("<Esc>").settle();
    desk.press("keller").until("Keller Bau GmbH");
}

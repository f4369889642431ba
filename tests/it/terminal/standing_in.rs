//! Acting for a customer, and looking through a contact's eyes: always said on
//! the screen, and only as far as it goes (S1-14, G-2).

use super::contacts::{at_the_contacts, open_the_contacts};

#[test]
fn s1_14_acting_needs_a_consent_is_always_said_and_ends_by_one_key() {
    let mut manager = at_the_contacts("manager", "puget pile", "Puget Pile Driving");
    manager.until("nobody may act for this customer");
    manager.press("o").until("has not given its consent");
    manager.press("c").until_all(&["Consent to act", "executive"]);
    manager.press("<Tab>Paula Puget<Tab>yesterday<F9>").until("write 2026-12-31");
    manager.press("<Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace>+30d<F9>");
    manager.until_all(&["The consent was written down.", "executive, said by Paula Puget, until"]);
    // It begins anew at Find, with the rights of the one and the other.
    manager.press("o").until_all(&["Acting for Puget Pile Driving", "Alt-B stops", "Find"]);
    // Its page is at hand, greyed as for whom the consent makes of one.
    manager.press("<Enter>").until_all(&["Acting for Puget Pile Driving", "1 Assets", "2 Profile [locked]", "3 Contacts"]);
    manager.press("<F2>").until_all(&["Needs \"Customer search\"", "Acting for Puget Pile Driving"]);
    manager.press("<Alt-B>").until("You are yourself again.");
    let shown = manager.settle();
    assert!(!shown.contains("Acting for"), "{shown}");
    manager.press("<Alt-B>").until("You are yourself: you act for nobody");
    manager.press("<F2>puget").until("Puget Pile Driving");
}

#[test]
fn a_consent_that_is_taken_back_says_so_and_leaves_nothing_but_to_stop() {
    let mut manager = at_the_contacts("manager", "desert bloom", "Desert Bloom Solar");
    manager.press("c").until("Said by");
    manager.press("<Tab>Dora Bloom<F9>").until("executive, said by Dora Bloom");
    manager.press("o").until("Acting for Desert Bloom Solar");
    let mut boss = at_the_contacts("gm", "desert bloom", "Desert Bloom Solar");
    boss.press("x").until_all(&["Take back the consent of Dora Bloom", "y/n"]);
    boss.press("y").until_all(&["The consent was taken back.", "nobody may act for this customer"]);
    manager.press("<F3>1051<Enter>").until_all(&["Consent taken back", "Alt-B stops"]);
    manager.press("<Alt-R>").until("took its consent back, or you may not act");
    manager.press("<Alt-B>").until("You are yourself again.");
}

#[test]
fn through_a_contacts_eyes_one_sees_what_it_sees_and_changes_nothing() {
    let mut manager = at_the_contacts("manager", "keller bau g", "Keller Bau GmbH");
    manager.press("n").until("New contact");
    manager.press("<Tab>Wilma<Tab>Weit<Up><Up><Up><Up>l<Up>e<F9>").until("Wilma Weit was saved.");
    manager.settle();
    // The newest stands last.
    manager.press("<End>w").until_all(&["Through the eyes of Wilma Weit", "nothing can be changed", "Alt-B stops"]);
    manager.press("<F2>").until("Needs \"Customer search\"");
    manager.press("<F3>1051<Enter>").until_all(&["1 Identification", "g b stops"]);
    manager.settle();
    // She could add a reading; whoever only looks cannot.
    manager.press("m").until("Nothing can be changed while you look");
    manager.press("gb").until("You are yourself again.");
    let shown = manager.settle();
    assert!(!shown.contains("Through the eyes"), "{shown}");

    open_the_contacts(&mut manager, "keller bau g", "Keller Bau GmbH");
    manager.press("<End>e").until("Contact Wilma Weit");
    manager.press("<Up><Up>r<F9>").until_all(&["Wilma Weit was saved.", "read only"]);
    manager.settle();
    manager.press("<End>w").until("Through the eyes of Wilma Weit");
    manager.press("<F3>1051<Enter>").until("1 Identification");
    manager.settle();
    manager.press("m").until("Needs \"Meter Reading Add/Edit\"");
    // Nothing else goes on as oneself: the find box is hers too.
    manager.press("<F3>gx4").until("Find gx4");
    manager.press("<Alt-B>").until("You are yourself again.");
}

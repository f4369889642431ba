//! Several letters on their way at once: of one machine one, as many as the line
//! is good for, and what goes wrong counts once.

use super::one_desk::Desk;
use super::*;

/// All that goes out now, without an answer to any of it.
fn all_that_go(desk: &mut Desk) -> Vec<Letter> {
    let mut letters = Vec::new();
    while let Next::Send(letter) = desk.outbox.next(desk.now).unwrap() {
        desk.outbox.goes_out(&letter);
        letters.push(*letter);
    }
    letters
}

/// The server takes them, and says so.
fn arrive(desk: &mut Desk, letters: &[Letter]) {
    for letter in letters {
        let outcome = desk.server.takes(&letter.call, false);
        assert_eq!(desk.outbox.answered(letter, &outcome, desk.now, 0.5).unwrap(), Fate::Sent);
    }
}

/// A desk with four letters on their way, each about another machine, and more
/// that wait: seven is about the fifth, eight about the same as three.
fn with_four_under_way() -> (Desk, Vec<Letter>) {
    let mut desk = Desk::new();
    for _ in 0..60 {
        desk.types();
    }
    for _ in 0..2 {
        let letters = all_that_go(&mut desk);
        arrive(&mut desk, &letters);
    }
    let letters = all_that_go(&mut desk);
    assert_eq!(numbers(&letters), [3, 4, 5, 6]);
    (desk, letters)
}

fn numbers(letters: &[Letter]) -> Vec<u64> {
    letters.iter().map(|letter| of_body(&letter.call).1).collect()
}

#[test]
fn with_each_that_arrives_one_more_goes_out_and_of_one_machine_one_at_a_time() {
    let mut desk = Desk::new();
    for _ in 0..20 {
        desk.types();
    }
    let first = all_that_go(&mut desk);
    assert_eq!(numbers(&first), [0], "nobody knows yet whether the line holds");
    arrive(&mut desk, &first);
    let second = all_that_go(&mut desk);
    assert_eq!(numbers(&second), [1, 2]);
    arrive(&mut desk, &second);
    let third = all_that_go(&mut desk);
    assert_eq!(numbers(&third), [3, 4, 5, 6]);
    arrive(&mut desk, &third[1..]);
    assert_eq!(numbers(&all_that_go(&mut desk)), [7, 9, 10, 11], "what is about the same as one on its way waits for it");
    arrive(&mut desk, &third[..1]);
    assert_eq!(numbers(&all_that_go(&mut desk)), [8]);
}

#[test]
fn never_more_than_eight_are_on_their_way() {
    let mut desk = Desk::new();
    for number in 0..40 {
        let subject = format!("asset {number}");
        desk.outbox.keep(&somebody(), &post(&subject, number, &(&subject, number)), desk.now).unwrap();
    }
    let mine = desk.outbox.whose.clone().unwrap();
    for number in 0..40 {
        let subject = format!("asset {number}");
        desk.outbox.keep(&mine, &post(&subject, number, &(&subject, number)), desk.now).unwrap();
    }
    let mut most = 0;
    for _ in 0..20 {
        let letters = all_that_go(&mut desk);
        most = most.max(letters.len());
        arrive(&mut desk, &letters);
    }
    assert_eq!((most, desk.server.written.len()), (AT_ONCE, 40), "and what is another's stays");
}

#[test]
fn a_line_that_breaks_under_several_is_one_trouble_and_each_has_its_own_answer() {
    let (mut desk, letters) = with_four_under_way();
    let (broken, others) = letters.split_at(2);
    let outcome = unreachable();
    let told: Vec<(&Letter, &Outcome)> = broken.iter().map(|letter| (letter, &outcome)).collect();
    assert_eq!(desk.outbox.all_answered(&told, desk.now, 1.0).unwrap(), [Fate::Waits, Fate::Waits]);
    assert!(all_that_go(&mut desk).is_empty(), "none begins that would break too");
    arrive(&mut desk, others);
    let Next::In(pause) = desk.outbox.next(desk.now).unwrap() else { panic!("what went out before it broke says nothing of the line now") };
    assert_eq!(pause, PAUSES.0, "two that break at once are no reason to wait longer");
    desk.now.steady += pause;
    assert_eq!(numbers(&all_that_go(&mut desk)), [3], "one tries first, and it is the oldest");
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_though_others_arrive_after_that() {
    let (mut desk, letters) = with_four_under_way();
    desk.outbox.answered(&letters[0], &busy(120), desk.now, 0.5).unwrap();
    arrive(&mut desk, &letters[1..]);
    desk.now.steady += Duration::from_secs(119);
    desk.outbox.hurry();
    assert!(all_that_go(&mut desk).is_empty());
    desk.now.steady += Duration::from_secs(2);
    assert_eq!(all_that_go(&mut desk).len(), 1);
}

#[test]
fn what_is_on_its_way_is_not_sent_again_by_whoever_signs_in_meanwhile() {
    let (mut desk, letters) = with_four_under_way();
    arrive(&mut desk, &letters[..1]);
    desk.outbox.belong_to_nobody();
    assert!(all_that_go(&mut desk).is_empty());
    desk.signs_in();
    let others = all_that_go(&mut desk);
    assert_eq!(numbers(&others), [7, 8], "nothing is on its way about these");
    arrive(&mut desk, &others);
    arrive(&mut desk, &letters[1..]);
    desk.calms_down();
    assert_eq!((desk.server.written.len(), desk.outbox.summary().unwrap()), (60, Summary::default()));
}

#[test]
fn answers_that_cannot_be_noted_are_asked_for_again_one_at_a_time() {
    let (mut desk, letters) = with_four_under_way();
    let outcomes: Vec<Outcome> = letters.iter().map(|letter| desk.server.takes(&letter.call, false)).collect();
    let told: Vec<(&Letter, &Outcome)> = letters.iter().zip(&outcomes).collect();
    desk.outbox.store.only_reads(true).unwrap();
    assert!(desk.outbox.all_answered(&told, desk.now, 0.5).is_err());
    desk.outbox.store.only_reads(false).unwrap();
    assert!(all_that_go(&mut desk).is_empty(), "a breath first");
    desk.now.steady += PAUSES.0;
    assert_eq!(numbers(&all_that_go(&mut desk)), [3]);
    desk.crashes();
    desk.calms_down();
    assert_eq!((desk.server.written.len(), desk.outbox.summary().unwrap()), (60, Summary::default()), "none twice, though they were told twice");
}

#[test]
fn what_is_discarded_on_its_way_makes_room_only_when_its_answer_is_there() {
    let (mut desk, letters) = with_four_under_way();
    assert!(desk.outbox.discard(letters[0].id).unwrap());
    arrive(&mut desk, &letters[1..]);
    assert_eq!(numbers(&all_that_go(&mut desk)), [7, 9, 10, 11], "eight would come to the server before what cannot be called back");
    arrive(&mut desk, &letters[..1]);
    assert_eq!(numbers(&all_that_go(&mut desk)), [8]);
}

#[test]
fn what_another_terminal_keeps_sends_or_takes_out_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (whose, now) = (somebody(), monday());
    let mut terminals = [(); 2].map(|()| Outbox::open(folder.path()).unwrap());
    for terminal in &mut terminals {
        terminal.belong_to(whose.clone(), None, now).unwrap();
        assert!(matches!(terminal.next(now).unwrap(), Next::Nothing));
    }
    let [left, right] = &mut terminals;
    let next = |outbox: &mut Outbox| match outbox.next(now).unwrap() {
        Next::Send(letter) => Some(of_body(&letter.call).1),
        _ => None,
    };
    for number in 0..3 {
        left.keep(&whose, &post("asset", number, &("asset", number)), now).unwrap();
    }
    assert_eq!((next(left), next(right)), (Some(0), Some(0)));
    let Next::Send(letter) = left.next(now).unwrap() else { panic!("nothing is sent") };
    left.answered(&letter, &Ok(b"{}".to_vec()), now, 0.5).unwrap();
    assert_eq!((next(left), next(right)), (Some(1), Some(1)), "it is sent");
    let second = right.entries(1).unwrap().remove(0);
    assert!(second.state == State::Waiting && right.discard(second.id).unwrap());
    assert_eq!((next(left), next(right)), (Some(2), Some(2)), "it is taken out");
}

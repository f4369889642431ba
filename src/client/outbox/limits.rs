//! Where the outbox ends: how old something may be, and how much it holds.

use super::*;
use crate::api::ids::{AssetId, UserId};
use crate::api::meter::NewReading;
use crate::api::operation::{OfAsset, RequestService};
use crate::api::page::Nothing;
use crate::api::service::NewRequest;

fn jo() -> Whose {
    Whose { server: "https://here".to_owned(), user: "00000000-0000-7000-8000-000000000001".parse::<UserId>().unwrap() }
}

fn now() -> Now {
    Now { wall: Timestamp::from_second(1_800_000_000).unwrap(), steady: Duration::ZERO }
}

fn reading() -> Call {
    Call::of::<AddReading>(&OfAsset { id: AssetId::new() }, &Nothing {}, &NewReading::default())
}

fn post(number: usize, call: Call) -> Post {
    Post { call, subject: number.to_string(), title: number.to_string(), about: number.to_string(), typed: Vec::new(), form: String::new() }
}

/// Jo's outbox, which is nowhere but in memory.
fn outbox() -> Outbox {
    let mut outbox = Outbox::over(Store::in_memory().unwrap());
    outbox.belong_to(jo(), None, now()).unwrap();
    outbox
}

/// Why that is refused which was kept before the program ended and by the clock
/// of the machine is so many days old when it starts again.
fn refused_after(days: i64, call: Call) -> Option<String> {
    let mut outbox = outbox();
    outbox.keep(&jo(), &post(1, call), now()).unwrap();
    let mut again = Outbox::over(outbox.store);
    let then = Now { wall: now().wall + SignedDuration::from_hours(24 * days), ..now() };
    again.belong_to(jo(), None, then).unwrap();
    let next = again.next(then).unwrap();
    let entry = again.entries(1).unwrap().remove(0);
    assert_eq!(matches!(next, Next::Send(_)), entry.state == State::Waiting, "{next:?} {entry:?}");
    entry.reason
}

#[test]
fn what_is_too_old_and_what_is_still_to_come_are_told_apart_and_only_a_reading_is_asked_of_when_it_is() {
    let request = || Call::of::<RequestService>(&OfAsset { id: AssetId::new() }, &Nothing {}, &NewRequest::default());
    assert_eq!((refused_after(35, reading()), refused_after(35, request())), (None, None), "35 days are not too many");
    let (old, to_come) = (refused_after(36, reading()).unwrap(), refused_after(-1, reading()).unwrap());
    assert!(old.contains("more than 35 days ago") && old.contains("say when it was"), "{old}");
    assert!(to_come.contains("set back") && !to_come.contains("35 days") && to_come.contains("say when it was"), "{to_come}");
    for told in [refused_after(36, request()).unwrap(), refused_after(-1, request()).unwrap()] {
        assert!(told.contains("save it again") && !told.contains("when it was"), "{told}");
    }
}

#[test]
fn after_ten_thousand_that_wait_nothing_is_kept_until_one_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let first = outbox.keep(&jo(), &post(0, reading()), now()).unwrap();
    // The others are copies of it, in one go.
    let copies = "WITH RECURSIVE copy (nth) AS (SELECT 1 UNION ALL SELECT nth + 1 FROM copy WHERE nth < ?)
        INSERT INTO entry (server, user, state, subject, title, about, typed, form, operation, target, body, key, typed_at)
        SELECT server, user, state, subject || nth, title, about, typed, form, operation, target, body, key || nth, typed_at FROM entry, copy";
    let file = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    assert_eq!(file.execute(copies, [MOST - 2]).unwrap(), 9_998);
    drop(file);
    let mut outbox = Outbox::open(folder.path()).unwrap();
    outbox.belong_to(jo(), None, now()).unwrap();
    outbox.keep(&jo(), &post(1, reading()), now()).unwrap();
    assert_eq!(outbox.summary().unwrap().waiting, 10_000);
    assert!(matches!(outbox.keep(&jo(), &post(2, reading()), now()), Err(OutboxFault::Many)));
    let mara = Whose { user: UserId::new(), ..jo() };
    outbox.keep(&mara, &post(3, reading()), now()).unwrap();
    assert!(outbox.discard(first).unwrap());
    outbox.keep(&jo(), &post(2, reading()), now()).unwrap();
    assert!(matches!(outbox.keep(&jo(), &post(4, reading()), now()), Err(OutboxFault::Many)));
}

#[test]
fn of_what_was_sent_the_last_two_hundred_stay_and_fifty_more_at_the_most() {
    let mut outbox = outbox();
    for number in 0..300 {
        outbox.keep(&jo(), &post(number, reading()), now()).unwrap();
        let Next::Send(letter) = outbox.next(now()).unwrap() else { panic!("{number} waits") };
        assert_eq!(outbox.answered(&letter, &Ok(b"{}".to_vec()), now(), 0.5).unwrap(), Fate::Sent);
    }
    let sent: Vec<String> = outbox.entries(1_000).unwrap().into_iter().map(|entry| entry.title).collect();
    assert!((200..=250).contains(&sent.len()), "{}", sent.len());
    assert_eq!((sent[0].as_str(), sent[199].as_str()), ("299", "100"), "the newest first");
}

#[test]
fn of_drafts_the_last_hundred_of_a_person_stay() {
    let mut outbox = outbox();
    let draft = |number: usize| vec![(format!("draft {number}"), vec![("note".to_owned(), number.to_string())])];
    let mara = Whose { user: UserId::new(), ..jo() };
    outbox.keep_drafts(&mara, &draft(0)).unwrap();
    for number in 0..105 {
        outbox.keep_drafts(&jo(), &draft(number)).unwrap();
    }
    let kept = outbox.drafts().unwrap();
    assert_eq!((kept.len(), kept.first(), kept.last()), (100, draft(5).first(), draft(104).first()));
    outbox.belong_to(mara, None, now()).unwrap();
    assert_eq!(outbox.drafts().unwrap(), draft(0), "what is another's counts for itself");
}

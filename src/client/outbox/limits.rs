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

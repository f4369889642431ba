//! Thirty days off line with an outbox full of readings, and then the line is back
//! (T14): each is at the server once or refused with the reason, and those of one
//! machine came in their order. How fast that goes is for `cargo bench --bench
//! terminal` to say.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countertop::api::ids::{AssetId, UserId};
use countertop::api::meter::NewReading;
use countertop::api::operation::{AddReading, OfAsset};
use countertop::api::page::Nothing;
use countertop::client::outbox::courier::{Courier, News, Order};
use countertop::client::outbox::{MOST, Now, Outbox, Post, State, Whose};
use countertop::client::{Call, Client};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::dice;
use crate::harness::rows::rows;
use crate::harness::{Database, World, tell_within};

/// So many machines were read.
const MACHINES: usize = 20;
/// One in so many is nothing that a meter can show.
const ODD: usize = 25;
/// Ten thousand take their time where each of them is watched.
const LONGEST: Duration = Duration::from_mins(40);
const MARK: &str = "drained ";

/// A reading of the thirty days: the later, the higher.
fn post(number: usize, count: usize, machine: AssetId) -> Post {
    let nth = |number: usize| i32::try_from(number).expect("few");
    let back = SignedDuration::from_hours(24 * 30) / nth(count) * nth(count - number);
    let value = if number % ODD == ODD - 1 { "twelve".to_owned() } else { (100 + number / MACHINES).to_string() };
    let reading = NewReading {
        meter: Some("cycles".to_owned()),
        value,
        read_at: Some(Timestamp::now() - back),
        comment: Some(format!("{MARK}{number}")),
        ..NewReading::default()
    };
    let call = Call::of::<AddReading>(&OfAsset { id: machine }, &Nothing {}, &reading);
    Post { call, subject: machine.to_string(), title: number.to_string(), about: format!("draft {number}"), typed: Vec::new(), form: String::new() }
}

fn now() -> Now {
    Now { wall: Timestamp::now(), steady: Duration::ZERO }
}

/// Keeps all of it, as a terminal does whose server nobody reaches.
async fn kept(w: &World, folder: &Path, whose: &Whose, count: usize) {
    let mut machines = Vec::new();
    for nth in 0..MACHINES {
        machines.push(w.add_asset("KELLER", &format!("DRAIN-{nth}")).await);
    }
    let mut outbox = Outbox::open(folder).unwrap();
    for number in 0..count {
        outbox.keep(whose, &post(number, count, machines[number % MACHINES]), now()).unwrap();
    }
}

/// Listens until nothing waits any more; of how many it was told what became.
async fn until_drained(told: &mut UnboundedReceiver<News>) -> usize {
    let mut settled = 0;
    loop {
        match told.recv().await.expect("the courier works on") {
            News::Settled(_) => settled += 1,
            News::Changed(summary) if summary.waiting == 0 => return settled,
            News::Failed(fault) => panic!("{fault}"),
            _ => {}
        }
    }
}

/// What came to the server, in the order in which it did.
async fn arrived(w: &World) -> Vec<usize> {
    let sql = "SELECT comment FROM reading WHERE comment LIKE 'drained %' ORDER BY entered_at, id";
    let comments = rows::<(String,)>(&w.app.db, sql).await;
    comments.iter().map(|(comment,)| comment.strip_prefix(MARK).expect("one of ours").parse().unwrap()).collect()
}

/// All that is not as it has to be.
fn faults(count: usize, arrived: &[usize], refused: &BTreeMap<usize, Option<String>>) -> Vec<String> {
    let (mut times, mut last, mut faults) = (HashMap::<usize, u32>::new(), HashMap::<usize, usize>::new(), Vec::new());
    for number in arrived {
        *times.entry(*number).or_default() += 1;
        if last.insert(number % MACHINES, *number).is_some_and(|before| before > *number) {
            faults.push(format!("{number} is out of order"));
        }
    }
    for number in 0..count {
        match (times.get(&number).copied().unwrap_or(0), refused.get(&number)) {
            (1, None) | (0, Some(Some(_))) => {}
            (0, None) => faults.push(format!("{number} is lost")),
            (0, Some(None)) => faults.push(format!("{number} is refused, and nobody says why")),
            (1, Some(_)) => faults.push(format!("{number} is refused and there")),
            (times, _) => faults.push(format!("{number} is there {times} times")),
        }
    }
    faults
}

async fn drained(w: World, count: usize) {
    let jo = w.sign_in("admin").await;
    let folder = tempfile::tempdir().unwrap();
    let client = Arc::new(Client::new(&w.server, jo.token.clone()).unwrap());
    let whose = Whose { server: client.server().to_owned(), user: UserId::new() };
    kept(&w, folder.path(), &whose, count).await;

    let (tell, mut told) = unbounded_channel();
    let courier = Courier::begin(folder.path().to_path_buf(), move |news| drop(tell.send(news)));
    courier.tell(Order::Begin(client, whose.clone(), None));
    let settled = until_drained(&mut told).await;
    courier.finish().await;

    let mut outbox = Outbox::open(folder.path()).unwrap();
    outbox.belong_to(whose, None, now()).unwrap();
    let entries = outbox.entries(usize::MAX).unwrap();
    let refused = entries.iter().filter(|entry| entry.state == State::Refused).map(|entry| (entry.title.parse().unwrap(), entry.reason.clone())).collect();
    assert_eq!(faults(count, &arrived(&w).await, &refused), Vec::<String>::new());
    assert_eq!((settled, refused.len()), (count, count / ODD), "of each it is told what became of it");
    let sent = entries.iter().filter(|entry| entry.state == State::Sent).count();
    assert!((1..=250).contains(&sent), "of what was sent the last are kept to be looked at: {sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_what_a_month_off_line_left_goes_out_once_each_and_in_order_by_machine() {
    let count = dice::times("COUNTERTOP_DRAINED", 1_000).min(usize::try_from(MOST).expect("an outbox"));
    tell_within(Database::Sqlite, LONGEST, |w| drained(w, count)).await;
}

#[test]
fn what_is_lost_doubled_out_of_order_or_refused_without_a_word_would_be_found() {
    let refused = BTreeMap::from([(3, Some("Enter a number.".to_owned()))]);
    let right: Vec<usize> = (0..2 * MACHINES).filter(|number| *number != 3).collect();
    assert_eq!(faults(2 * MACHINES, &right, &refused), Vec::<String>::new());
    let lost: Vec<usize> = right.iter().copied().filter(|number| *number != 7).collect();
    assert_eq!(faults(2 * MACHINES, &lost, &refused), ["7 is lost"]);
    let doubled = [right.clone(), vec![2 * MACHINES - 1]].concat();
    assert_eq!(faults(2 * MACHINES, &doubled, &refused), [format!("{} is there 2 times", 2 * MACHINES - 1)]);
    let turned: Vec<usize> = right.iter().copied().filter(|number| *number != 7).chain([7]).collect();
    assert_eq!(faults(2 * MACHINES, &turned, &refused), ["7 is out of order"]);
    assert_eq!(faults(2 * MACHINES, &right, &BTreeMap::from([(3, None)])), ["3 is refused, and nobody says why"]);
    let both = [right, vec![3]].concat();
    assert_eq!(faults(2 * MACHINES, &both, &refused), ["3 is out of order", "3 is refused and there"]);
}

//! A desk with a courier, and whoever answers in the server's place.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, mpsc};

use super::*;
use crate::api::ids::{AssetId, UserId};
use crate::api::meter::NewReading;
use crate::api::operation::{AddReading, OfAsset};
use crate::api::page::Nothing;
use crate::api::problem::Problem;
use crate::client::Call;

/// Somebody at a desk, by default one whose server nobody reaches.
struct Desk {
    courier: Courier,
    told: mpsc::Receiver<News>,
    client: Arc<Client>,
    whose: Whose,
    // The runtime goes before its folder does.
    _runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self::before("http://127.0.0.1:1")
    }

    fn before(server: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (tell, told) = mpsc::channel();
        let courier = {
            let _inside = runtime.enter();
            Courier::begin(folder.path().to_path_buf(), move |news| drop(tell.send(news)))
        };
        let client = Arc::new(Client::new(server, None).unwrap());
        let whose = Whose { server: client.server().to_owned(), user: UserId::new() };
        Self { courier, told, client, whose, _runtime: runtime, folder }
    }

    fn signs_in(&self) {
        self.courier.tell(Order::Begin(Arc::clone(&self.client), self.whose.clone(), None));
    }

    fn types(&self) {
        self.types_about(AssetId::new());
    }

    fn types_about(&self, id: AssetId) {
        let call = Call::of::<AddReading>(&OfAsset { id }, &Nothing {}, &NewReading::default());
        let text = || "reading".to_owned();
        let post = Post { call, subject: id.to_string(), title: text(), about: text(), typed: Vec::new(), form: String::new() };
        self.courier.tell(Order::Keep(1, self.whose.clone(), Box::new(post)));
    }

    /// The next news of this kind.
    fn hears<T>(&self, of: impl Fn(News) -> Option<T>) -> T {
        loop {
            if let Some(news) = of(self.told.recv_timeout(Duration::from_secs(20)).unwrap()) {
                return news;
            }
        }
    }

    /// Why what was typed is not kept, if it is not.
    fn hears_why_not(&self, tag: u64) -> Option<OutboxFault> {
        self.courier.tell(Order::MakeSure(tag));
        self.hears(|news| match news {
            News::Sure(told, fault) if told == tag => Some(fault),
            _ => None,
        })
    }

    /// How many are refused when nothing waits any more.
    fn hears_how_many_are_refused(&self) -> i64 {
        self.hears(|news| match news {
            News::Changed(Summary { waiting: 0, refused }) => Some(refused),
            _ => None,
        })
    }

    fn hears_how_many_wait(&self) -> i64 {
        self.hears(|news| match news {
            News::Changed(summary) => Some(summary.waiting),
            _ => None,
        })
    }
}

#[test]
fn whoever_signs_in_again_is_told_of_what_waits() {
    let jo = Desk::new();
    jo.signs_in();
    jo.types();
    assert_eq!(jo.hears_how_many_wait(), 1);
    jo.courier.tell(Order::Rest);
    assert_eq!(jo.hears_how_many_wait(), 0);
    jo.signs_in();
    assert_eq!(jo.hears_how_many_wait(), 1);
}

#[test]
fn a_draft_that_the_disk_did_not_take_is_kept_as_soon_as_it_does() {
    let jo = Desk::new();
    let in_the_way = jo.folder.path().join(super::super::FILE);
    std::fs::create_dir(&in_the_way).unwrap();
    let draft = |text: &str| ("reading".to_owned(), vec![("value".to_owned(), text.to_owned())]);
    for text in ["4", "42"] {
        jo.courier.tell(Order::Drafts(jo.whose.clone(), vec![draft(text)]));
    }
    assert!(jo.hears_why_not(1).is_some());
    std::fs::remove_dir(&in_the_way).unwrap();
    assert!(jo.hears_why_not(2).is_none());
    jo.signs_in();
    let kept = jo.hears(|news| match news {
        News::Drafts(_, drafts) => Some(drafts),
        _ => None,
    });
    assert_eq!(kept, [draft("42")]);
}

#[test]
fn whoever_looks_where_nothing_can_be_kept_reads_why_before_he_types_anything() {
    let jo = Desk::new();
    let looks = |tag: u64| {
        jo.courier.tell(Order::List(tag));
        jo.hears(|news| match news {
            News::List(told, listed) if told == tag => Some(listed),
            _ => None,
        })
    };
    // Somebody put a file in the place of the folder.
    std::fs::remove_dir(jo.folder.path()).unwrap();
    std::fs::write(jo.folder.path(), "").unwrap();
    jo.signs_in();
    assert!(matches!(looks(1), Err(OutboxFault::ReadOnly(_))));
    std::fs::remove_file(jo.folder.path()).unwrap();
    assert_eq!(looks(2).unwrap(), []);
}

#[test]
fn what_was_emptied_keeps_nobody_from_leaving() {
    let jo = Desk::new();
    std::fs::create_dir(jo.folder.path().join(super::super::FILE)).unwrap();
    for text in ["42", ""] {
        jo.courier.tell(Order::Drafts(jo.whose.clone(), vec![("reading".to_owned(), vec![("value".to_owned(), text.to_owned())])]));
    }
    assert!(jo.hears_why_not(1).is_none());
}

#[test]
fn while_nobody_knows_who_is_here_it_is_told_how_much_waits_and_then_whose() {
    let jo = Desk::new();
    jo.signs_in();
    jo.types();
    assert_eq!(jo.hears_how_many_wait(), 1);
    jo.courier.tell(Order::Rest);
    assert_eq!(jo.hears_how_many_wait(), 0);
    jo.courier.tell(Order::Look("https://elsewhere".to_owned()));
    assert_eq!(jo.hears_how_many_wait(), 0, "that is for another server");
    jo.courier.tell(Order::Look(jo.whose.server.clone()));
    assert_eq!(jo.hears_how_many_wait(), 1);
    let mara = Whose { user: UserId::new(), ..jo.whose.clone() };
    jo.courier.tell(Order::Begin(Arc::clone(&jo.client), mara, None));
    assert_eq!(jo.hears_how_many_wait(), 0, "it is another's");
}

/// Whoever sits at the address of the server and says this to all.
fn somebody_who_says(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut line in listener.incoming().flatten() {
            let _ = line.read(&mut [0; 4_096]);
            let length = body.len();
            let _ = write!(line, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        }
    });
    address
}

#[test]
fn an_answer_that_is_none_to_what_was_sent_is_no_receipt() {
    for nonsense in ["{}", "{\"a\":[1}", "[]", "{\"number\":\"SR-1\"}", "{\"id\":\"1\"}"] {
        let jo = Desk::before(&somebody_who_says(nonsense));
        jo.signs_in();
        jo.types();
        let answer = jo.hears(|news| match news {
            News::Answer(answer) => Some(answer),
            _ => None,
        });
        assert!(answer.waits && answer.outcome.is_err(), "{nonsense}: {answer:?}");
    }
}

/// Whoever stands before the server and wants to be left alone for ever, and how
/// often that was not heeded.
fn somebody_who_wants_a_pause() -> (String, Arc<AtomicI64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicI64::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut line in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            // All of it: what is left unread would break the answer off.
            line.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            while matches!(line.read(&mut [0; 4_096]), Ok(1..)) {}
            let _ = write!(line, "HTTP/1.1 429 Too Many Requests\r\nretry-after: 99999999999\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (address, asked)
}

#[test]
fn whoever_asks_is_tried_for_at_once_and_hears_when_the_next_try_comes() {
    let (server, asked) = somebody_who_wants_a_pause();
    let jo = Desk::before(&server);
    let put_off = || {
        jo.hears(|news| match news {
            News::PutOff(entry, is_asked) => Some((entry, is_asked)),
            _ => None,
        })
    };
    jo.signs_in();
    jo.types();
    let (entry, is_asked) = put_off();
    assert_eq!((entry.tries, is_asked, asked.load(Ordering::SeqCst)), (1, false, 1));
    for tries in 2..4 {
        // That the line is back is no reason to come before the time.
        jo.courier.tell(Order::Hurry);
        for _ in 0..5 {
            jo.courier.tell(Order::TryNow);
        }
        let (entry, is_asked) = put_off();
        assert_eq!((entry.tries, is_asked), (tries, true));
        let left = entry.next_try.unwrap().duration_since(Timestamp::now());
        assert!(left > jiff::SignedDuration::from_mins(4) && left <= jiff::SignedDuration::from_mins(5), "{left:?}");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(asked.load(Ordering::SeqCst), tries, "one try, however often the key is pressed");
    }
}

#[test]
fn it_is_told_which_write_is_on_its_way_and_then_that_none_is() {
    let jo = Desk::new();
    let under_way = || {
        jo.hears(|news| match news {
            News::UnderWay(entries) => Some(entries),
            _ => None,
        })
    };
    jo.signs_in();
    jo.types();
    assert_eq!(under_way().len(), 1);
    assert_eq!(under_way(), Vec::<i64>::new(), "nobody answers");
}

#[test]
fn what_is_held_is_kept_and_not_even_tried() {
    let jo = Desk::new();
    jo.courier.tell(Order::Hold(true));
    jo.signs_in();
    jo.types();
    let answer = jo.hears(|news| match news {
        News::Answer(answer) => Some(answer),
        _ => None,
    });
    assert!(answer.waits && answer.took.is_zero(), "{answer:?}");
}

#[test]
fn what_the_disk_did_not_take_is_given_back_to_whoever_typed_it_and_to_nobody_else() {
    let jo = Desk::new();
    std::fs::create_dir(jo.folder.path().join(super::super::FILE)).unwrap();
    let draft = ("reading".to_owned(), vec![("value".to_owned(), "42".to_owned())]);
    jo.courier.tell(Order::Drafts(jo.whose.clone(), vec![draft.clone()]));
    let mara = Whose { user: UserId::new(), ..jo.whose.clone() };
    jo.courier.tell(Order::Begin(Arc::clone(&jo.client), mara, None));
    jo.signs_in();
    let given = jo.hears(|news| match news {
        News::Drafts(whose, drafts) => Some((whose, drafts)),
        _ => None,
    });
    assert_eq!(given, (jo.whose.clone(), vec![draft]));
}

/// How many ask at the same time, at the most: all together, and for one thing.
#[derive(Debug, Default)]
struct Crowd {
    here: HashMap<String, usize>,
    most: usize,
    most_for_one: usize,
}

impl Crowd {
    fn comes(&mut self, target: &str) {
        let for_one = self.here.entry(target.to_owned()).or_default();
        *for_one += 1;
        self.most_for_one = self.most_for_one.max(*for_one);
        self.most = self.most.max(self.here.values().sum());
    }

    fn goes(&mut self, target: &str) {
        self.here.entry(target.to_owned()).and_modify(|here| *here -= 1);
    }
}

/// Refuses what is asked, after a while.
fn refuses(mut line: TcpStream, crowd: &Mutex<Crowd>) {
    let mut piece = [0; 4_096];
    let count = line.read(&mut piece).unwrap_or(0);
    let Some(target) = String::from_utf8_lossy(&piece[..count]).lines().next().map(str::to_owned) else { return };
    crowd.lock().unwrap().comes(&target);
    line.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    while matches!(line.read(&mut piece), Ok(1..)) {}
    crowd.lock().unwrap().goes(&target);
    let body = serde_json::to_string(&Problem::with_status(422, "reading.odd", "Odd", "No meter shows that.")).unwrap();
    let length = body.len();
    let _ = write!(line, "HTTP/1.1 422 No\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
}

/// Whoever refuses all of it and takes his time for each, and the crowd there.
fn somebody_who_takes_his_time() -> (String, Arc<Mutex<Crowd>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let crowd = Arc::new(Mutex::new(Crowd::default()));
    let seen = Arc::clone(&crowd);
    std::thread::spawn(move || {
        for line in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || refuses(line, &seen));
        }
    });
    (address, crowd)
}

#[test]
fn several_go_out_at_once_one_of_each_machine_and_of_each_it_is_told_what_became() {
    let (server, crowd) = somebody_who_takes_his_time();
    let jo = Desk::before(&server);
    jo.signs_in();
    let machines: Vec<AssetId> = (0..10).map(|_| AssetId::new()).collect();
    for machine in machines.iter().cycle().take(30) {
        jo.types_about(*machine);
    }
    let mut told = HashMap::new();
    for _ in 0..30 {
        let answer = jo.hears(|news| match news {
            News::Answer(answer) => Some(answer),
            _ => None,
        });
        assert!(!answer.waits && answer.outcome.is_err(), "{answer:?}");
        told.insert(answer.entry, answer.tag);
    }
    let crowd = crowd.lock().unwrap();
    assert_eq!((told.len(), crowd.most_for_one), (30, 1));
    assert!((2..=8).contains(&crowd.most), "{crowd:?}");
    drop(crowd);
    assert_eq!(jo.hears_how_many_are_refused(), 30);
}

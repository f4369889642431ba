//! What becomes of writes at one desk, step by step, with the outcome of each step
//! told.

use super::*;

/// A desk with a server that does what it is told.
pub(super) struct Desk {
    pub(super) outbox: Outbox,
    whose: Whose,
    pub(super) server: Server,
    pub(super) now: Now,
    /// What the screen called kept: by number, its subject.
    kept: BTreeMap<u64, String>,
}

impl Desk {
    pub(super) fn new() -> Self {
        let outbox = Outbox::over(Store::in_memory().unwrap());
        let mut desk = Self { outbox, whose: somebody(), server: Server::default(), now: monday(), kept: BTreeMap::new() };
        desk.signs_in();
        desk
    }

    pub(super) fn signs_in(&mut self) {
        let lineage = self.server.lineage.to_string();
        self.outbox.belong_to(self.whose.clone(), Some(lineage), self.now).unwrap();
    }

    /// One more, about five machines in turn.
    pub(super) fn types(&mut self) {
        let number = u64::try_from(self.kept.len()).unwrap();
        let subject = format!("asset {}", number % 5);
        self.outbox.keep(&self.whose, &post(&subject, number, &(&subject, number)), self.now).unwrap();
        self.kept.insert(number, subject);
    }

    /// All that is not on the disk is gone.
    pub(super) fn crashes(&mut self) {
        let lost = Outbox::over(Store::in_memory().unwrap());
        self.outbox = Outbox::over(std::mem::replace(&mut self.outbox, lost).store);
        self.signs_in();
    }

    /// The line holds, everybody may: what waits goes out.
    pub(super) fn calms_down(&mut self) {
        self.signs_in();
        for _ in 0..1_000 {
            self.now.steady += Duration::from_secs(61);
            match self.outbox.next(self.now).unwrap() {
                Next::Send(letter) => {
                    let outcome = self.server.takes(&letter.call, false);
                    self.outbox.answered(&letter, &outcome, self.now, 0.5).unwrap();
                }
                Next::In(_) => self.outbox.hurry(),
                Next::Nothing => return,
            }
        }
        panic!("the outbox is never empty");
    }
}

#[test]
fn on_the_disk_it_survives_its_program_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new();
    desk.outbox = Outbox::open(folder.path()).unwrap();
    desk.signs_in();
    desk.types();
    desk.outbox.keep_drafts(&desk.whose, &[("request".to_owned(), vec![("note".to_owned(), "call first".to_owned())])]).unwrap();
    private(folder.path());
    open_to_others(folder.path());
    desk.outbox = Outbox::open(folder.path()).unwrap();
    private(folder.path());
    desk.signs_in();
    assert_eq!((desk.outbox.summary().unwrap().waiting, desk.outbox.drafts().unwrap().len()), (1, 1));
    let other = Whose { user: UserId::new(), ..desk.whose.clone() };
    desk.outbox.belong_to(other, None, desk.now).unwrap();
    assert_eq!((desk.outbox.summary().unwrap(), desk.outbox.drafts().unwrap().len()), (Summary::default(), 0), "another's are not shown");
    assert!(matches!(desk.outbox.next(desk.now).unwrap(), Next::Nothing), "nor sent");
}

#[test]
fn what_a_restored_server_lost_is_sent_again_and_nothing_twice() {
    let mut desk = Desk::new();
    desk.types();
    desk.calms_down();
    let backup = desk.server.clone();
    desk.types();
    desk.types();
    desk.calms_down();
    assert_eq!(desk.server.written.len(), 3);
    desk.server = Server { lineage: 1, ..backup };
    assert_eq!(desk.outbox.belong_to(desk.whose.clone(), Some("1".to_owned()), desk.now).unwrap(), 3, "what is in the backup too: its key says so");
    desk.calms_down();
    let numbers: Vec<u64> = desk.server.written.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(desk.outbox.belong_to(desk.whose.clone(), Some("1".to_owned()), desk.now).unwrap(), 0, "once is enough");
}

/// What is to be sent now.
fn sent_now(desk: &mut Desk) -> Box<Letter> {
    let Next::Send(letter) = desk.outbox.next(desk.now).unwrap() else { panic!("nothing is sent") };
    letter
}

/// What stands before the server wants to be left alone for two minutes.
fn in_between() -> Result<Vec<u8>, ClientError> {
    Err(ClientError::Busy { server: "https://here".to_owned(), status: 429, after: Duration::from_mins(2) })
}

#[test]
fn what_a_proxy_turns_away_is_no_refusal_and_holds_up_no_other() {
    let mut desk = Desk::new();
    for _ in 0..10 {
        desk.types();
    }
    let (subject, large) = of_body(&sent_now(&mut desk).call);
    for _ in 0..500 {
        desk.now.steady += Duration::from_secs(2);
        let Next::Send(letter) = desk.outbox.next(desk.now).unwrap() else { continue };
        let outcome = if of_body(&letter.call).1 == large { turned_away() } else { desk.server.takes(&letter.call, false) };
        desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap();
    }
    let behind = desk.kept.values().filter(|other| **other == subject).count();
    assert_eq!((desk.server.written.len(), desk.outbox.summary().unwrap().refused), (10 - behind, 0), "what is about the same waits in its order");
    desk.calms_down();
    assert_eq!(desk.server.written.len(), 10, "and when nobody is in the way it arrives");
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_though_the_line_is_back() {
    for outcome in [busy(120), in_between()] {
        let mut desk = Desk::new();
        desk.types();
        desk.types();
        let letter = sent_now(&mut desk);
        assert_eq!(desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap(), Fate::Waits);
        for _ in 0..119 {
            desk.now.steady += Duration::from_secs(1);
            desk.outbox.hurry();
            assert!(matches!(desk.outbox.next(desk.now).unwrap(), Next::In(_)));
        }
        desk.now.steady += Duration::from_secs(2);
        sent_now(&mut desk);
    }
    let mut desk = Desk::new();
    desk.types();
    let letter = sent_now(&mut desk);
    desk.outbox.answered(&letter, &busy(u64::MAX), desk.now, 0.5).unwrap();
    desk.now.steady += Duration::from_mins(5);
    sent_now(&mut desk);
}

#[test]
fn whoever_asks_gets_one_try_at_once_whatever_pause_runs() {
    for outcome in [busy(120), busy(u64::MAX), in_between(), turned_away(), refused(500, "server.failed")] {
        let mut desk = Desk::new();
        desk.types();
        let letter = sent_now(&mut desk);
        assert_eq!(desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap(), Fate::Waits);
        for _ in 0..3 {
            assert!(matches!(desk.outbox.next(desk.now).unwrap(), Next::In(_)), "one try for a press: {outcome:?}");
            desk.outbox.try_now();
            let letter = sent_now(&mut desk);
            desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap();
        }
        desk.outbox.try_now();
        let letter = sent_now(&mut desk);
        let outcome = desk.server.takes(&letter.call, false);
        assert_eq!(desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap(), Fate::Sent);
        assert_eq!(desk.server.written.len(), 1, "and then it is there once");
    }
}

#[test]
fn what_waits_says_when_it_is_tried_by_itself() {
    let told = |desk: &Desk| desk.outbox.timed_entries(10, desk.now).unwrap().into_iter().map(|entry| entry.next_try).collect::<Vec<_>>();
    for (outcome, after) in [(busy(120), 120), (in_between(), 120), (busy(u64::MAX), 300)] {
        let mut desk = Desk::new();
        desk.types();
        desk.types();
        assert_eq!(told(&desk), [None, None], "at once");
        let letter = sent_now(&mut desk);
        desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap();
        let then = desk.now.wall + Duration::from_secs(after);
        assert_eq!(told(&desk), [Some(then), Some(then)], "{outcome:?}");
        desk.outbox.try_now();
        assert_eq!(told(&desk), [None, None]);
    }
}

#[test]
fn what_is_about_the_same_waits_for_what_stands_before_it() {
    let mut desk = Desk::new();
    // Six about five machines: two are about one.
    for _ in 0..6 {
        desk.types();
    }
    let subjects: Vec<String> = desk.kept.values().cloned().collect();
    let first = subjects.iter().position(|subject| subjects.iter().filter(|other| *other == subject).count() > 1).unwrap();
    let letter = loop {
        let letter = sent_now(&mut desk);
        if of_body(&letter.call).0 == subjects[first] {
            break letter;
        }
        let outcome = desk.server.takes(&letter.call, false);
        desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap();
    };
    desk.outbox.answered(&letter, &refused(500, "server.failed"), desk.now, 0.5).unwrap();
    for entry in desk.outbox.timed_entries(10, desk.now).unwrap().iter().filter(|entry| entry.state == State::Waiting) {
        let number: usize = entry.title.parse().unwrap();
        assert_eq!(entry.next_try.is_some(), subjects[number] == subjects[first], "{number}");
    }
}

#[test]
fn an_answer_that_cannot_be_noted_is_asked_for_again_but_not_without_a_breath() {
    for is_up in [true, false] {
        let mut desk = Desk::new();
        desk.types();
        desk.outbox.store.only_reads(true).unwrap();
        let letter = sent_now(&mut desk);
        let outcome = if is_up { desk.server.takes(&letter.call, false) } else { unreachable() };
        assert!(desk.outbox.answered(&letter, &outcome, desk.now, 0.5).is_err());
        assert!(matches!(desk.outbox.next(desk.now).unwrap(), Next::In(_)), "a full disk is no reason to ask a thousand times a second");
        desk.outbox.store.only_reads(false).unwrap();
        desk.calms_down();
        assert_eq!((desk.server.written.len(), desk.outbox.summary().unwrap()), (1, Summary::default()));
    }
}

#[test]
fn a_sign_in_that_ended_stops_nobody_who_signed_in_since() {
    let mut desk = Desk::new();
    desk.types();
    let letter = sent_now(&mut desk);
    desk.signs_in();
    assert_eq!(desk.outbox.answered(&letter, &refused(401, "session.required"), desk.now, 0.5).unwrap(), Fate::SignIn);
    let letter = sent_now(&mut desk);
    desk.outbox.answered(&letter, &refused(401, "session.required"), desk.now, 0.5).unwrap();
    assert!(matches!(desk.outbox.next(desk.now).unwrap(), Next::Nothing), "now it is this one's");
}

#[test]
fn a_password_that_has_to_be_changed_refuses_nothing_for_good() {
    let mut desk = Desk::new();
    desk.types();
    let letter = sent_now(&mut desk);
    assert_eq!(desk.outbox.answered(&letter, &refused(403, "password.must_change"), desk.now, 0.5).unwrap(), Fate::SignIn);
    assert_eq!(desk.outbox.summary().unwrap().waiting, 1);
    desk.signs_in();
    sent_now(&mut desk);
}

#[test]
fn what_another_sent_is_told_to_nobody_else() {
    let mut desk = Desk::new();
    desk.types();
    let letter = sent_now(&mut desk);
    let other = Whose { user: UserId::new(), ..desk.whose.clone() };
    desk.outbox.belong_to(other, None, desk.now).unwrap();
    let outcome = desk.server.takes(&letter.call, false);
    assert_eq!(desk.outbox.answered(&letter, &outcome, desk.now, 0.5).unwrap(), Fate::Sent);
    assert_eq!(desk.outbox.entry(letter.id).unwrap(), None);
    // The server that it went to is noted with it all the same.
    assert_eq!(desk.outbox.belong_to(desk.whose.clone(), Some("1".to_owned()), desk.now).unwrap(), 1);
}

#[test]
fn what_was_sent_long_before_the_backup_is_not_sent_again() {
    let mut desk = Desk::new();
    desk.types();
    desk.calms_down();
    desk.now.wall += LONGEST_KEPT + Duration::from_hours(1);
    assert_eq!(desk.outbox.belong_to(desk.whose.clone(), Some("1".to_owned()), desk.now).unwrap(), 0);
    assert_eq!(desk.outbox.summary().unwrap(), Summary::default(), "nor given back to be typed once more");
}

#[test]
fn a_clock_that_is_put_right_by_seconds_refuses_nothing() {
    let mut desk = Desk::new();
    desk.types();
    desk.crashes();
    desk.now.wall -= Duration::from_secs(2);
    sent_now(&mut desk);
    desk.now.wall -= Duration::from_hours(1);
    assert!(matches!(desk.outbox.next(desk.now).unwrap(), Next::Nothing));
    assert_eq!(desk.outbox.summary().unwrap().refused, 1, "nobody knows when it was typed");
}

#[cfg(unix)]
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(unix)]
fn open_to_others(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder.join(FILE), std::fs::Permissions::from_mode(0o666)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[cfg(not(unix))]
fn open_to_others(_: &Path) {}

#[test]
fn a_folder_that_cannot_be_written_a_file_that_is_none_and_one_of_tomorrow_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "no database at all, but long enough to be looked at").unwrap();
    assert!(matches!(Outbox::open(folder.path()), Err(OutboxFault::Damaged(_))));
    std::fs::remove_file(folder.path().join(FILE)).unwrap();
    let newer = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Outbox::open(folder.path()), Err(OutboxFault::Newer(_))));
    assert!(matches!(Outbox::open(Path::new("/proc/self/nowhere")), Err(OutboxFault::ReadOnly(_))));
}

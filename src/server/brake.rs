//! Slows the guessing of passwords down, per account and per address, before
//! any work is done for a try. Knows time and numbers only; the server's
//! sign-ins call it.
//!
//! The wait never grows beyond a minute, and it locks nobody out for long:
//!
//! - Whoever signed in from an address before is at home there and has tries of
//!   his own, whatever others do. Homes are told by each sign-in, and by the
//!   audit before anybody is put off ([`Brake::asks`]): so they outlive a start
//!   of the server and are known to all servers.
//! - Elsewhere, whoever was told to wait has a turn of his own when he comes
//!   back after that *with the same password*. Who knows the password has one;
//!   who guesses comes with another each time, or with one that was wrong
//!   already, and both have no turn. Turns are there beside the tries that are
//!   for whoever is first, so nobody takes them by being many or fast.
//! - Who makes each guess twice, with the pause between, as an owner would, can
//!   take turns: three an hour from one address at one account.
//!
//! Both together stay below 100 tries an hour that are looked at for an account,
//! from however many addresses: a turn comes up every three minutes, and a try
//! for whoever is first every minute once the free ones are used.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tries without a pause, on one account from places that it never signed in
/// from.
const FREE_OF_ACCOUNT: u32 = 10;
/// The same, from one address on all accounts together.
const FREE_OF_ADDRESS: u32 = 30;
/// The same, on an account from where it signed in before.
const FREE_AT_HOME: u32 = 20;
/// The longest pause.
const MOST: Duration = Duration::from_mins(1);
/// How often somebody who waited has a turn.
const TURN_EVERY: Duration = Duration::from_mins(3);
/// So many turns has one address at one account before it is forgotten.
const MOST_TURNS: u8 = 3;
/// After this long without a try nothing is held against anybody.
const FORGET: Duration = Duration::from_hours(1);
/// The most that is kept in mind of each sort.
const MOST_KEPT: usize = 100_000;
/// The most wrong passwords of an account that are told apart: more than are
/// looked at in an hour.
const MOST_WRONG: usize = 128;
/// Where an account signed in before is asked again after this.
const ASKED_EVERY: Duration = Duration::from_mins(1);
/// Room among those who wait is made no more often, however many come.
const CLEARED_EVERY: Duration = Duration::from_secs(1);

/// The tries of the last hour.
#[derive(Debug, Default)]
pub(crate) struct Brake {
    tries: Mutex<Tries>,
    /// Another with each start: what is told apart by it says nothing elsewhere.
    secret: RandomState,
}

#[derive(Debug, Default)]
struct Tries {
    accounts: HashMap<String, Count>,
    addresses: HashMap<IpAddr, Count>,
    /// Accounts where they signed in before.
    homes: HashMap<(String, IpAddr), Count>,
    waiting: Waiting,
    /// When it was last asked where an account signed in before.
    asked: HashMap<u64, Instant>,
}

/// Tells passwords tried at one account apart. So short that nobody can learn a
/// password from it, were he to see it and the secret too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark([u8; 3]);

/// Tries in a row, and until when the next one has to wait.
#[derive(Debug, Clone)]
struct Count {
    tries: u32,
    last: Instant,
    until: Instant,
    /// When somebody who waited may have a turn again.
    next_turn: Instant,
    /// What was looked at, of accounts: right ones are forgotten with the rest.
    wrong: Vec<Mark>,
}

impl Count {
    const fn none(now: Instant) -> Self {
        Self { tries: 0, last: now, until: now, next_turn: now, wrong: Vec::new() }
    }

    fn wait(&self, now: Instant) -> Option<Duration> {
        Some(self.until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// Whether a turn, if it takes one, is not used yet.
    fn has_turn(&self, now: Instant) -> bool {
        self.wait(now).is_none() || self.next_turn <= now
    }

    /// Counts a try: right ones are taken back when they turn out to be. One in
    /// the middle of a pause is a turn.
    fn add(&mut self, free: u32, now: Instant) {
        if self.wait(now).is_some() {
            self.next_turn = now + TURN_EVERY;
        }
        if now.saturating_duration_since(self.last) > FORGET {
            self.tries = 0;
            self.wrong.clear();
        }
        self.tries = self.tries.saturating_add(1);
        self.last = now;
        if let Some(beyond) = self.tries.checked_sub(free) {
            self.until = now + Duration::from_secs(1 << beyond.min(6)).min(MOST);
        }
    }

    /// Keeps in mind what is looked at now.
    fn note(&mut self, mark: Mark) {
        self.wrong.retain(|known| *known != mark);
        if self.wrong.len() >= MOST_WRONG {
            self.wrong.remove(0);
        }
        self.wrong.push(mark);
    }
}

/// Those who were told to wait, each by account and address.
#[derive(Debug, Default)]
struct Waiting {
    told: HashMap<u64, Told>,
    cleared: Option<Instant>,
}

/// What somebody was told: he may come back then, with that password.
#[derive(Debug, Clone, Copy)]
struct Told {
    until: Instant,
    mark: Mark,
    /// The turns that he had.
    turns: u8,
}

impl Waiting {
    /// Whether it is somebody's turn who has to wait like all others; else he is
    /// told for how long.
    fn turn(&mut self, who: u64, mark: Mark, wait: Duration, is_open: bool, now: Instant) -> Result<(), Duration> {
        let until = now + wait;
        let Some(told) = self.told.get_mut(&who) else {
            if self.has_room(now) {
                self.told.insert(who, Told { until, mark, turns: 0 });
            }
            return Err(wait);
        };
        if told.mark == mark && told.until > now {
            // Too early: what he was told holds.
            return Err(told.until - now);
        }
        let is_forgotten = now.saturating_duration_since(told.until) > FORGET;
        if told.mark == mark && is_open && told.turns < MOST_TURNS && !is_forgotten {
            told.turns += 1;
            return Ok(());
        }
        *told = Told { until, mark, turns: if is_forgotten { 0 } else { told.turns } };
        Err(wait)
    }

    /// Whether one more can be kept in mind. Under attack those are forgotten
    /// who could have come back for a while; nobody else's place is taken.
    fn has_room(&mut self, now: Instant) -> bool {
        let may_clear = self.cleared.is_none_or(|at| now.saturating_duration_since(at) >= CLEARED_EVERY);
        if self.told.len() >= MOST_KEPT && may_clear {
            self.cleared = Some(now);
            self.told.retain(|_, told| now < told.until + MOST);
        }
        self.told.len() < MOST_KEPT
    }
}

impl Brake {
    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, account: &str, password: &str) -> Mark {
        let [one, two, three, ..] = self.secret.hash_one((account, password)).to_le_bytes();
        Mark([one, two, three])
    }

    /// Lets a try pass, or says how long to wait. What is let pass counts as
    /// wrong until [`Self::was_right`].
    ///
    /// # Errors
    /// The wait.
    pub(crate) fn pass(&self, account: &str, password: &str, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let home = (account.to_owned(), network(from));
        let (who, mark) = (self.secret.hash_one(&home), self.mark(account, password));
        let mut tries = self.tries();
        let Tries { accounts, addresses, homes, waiting, .. } = &mut *tries;
        if let Some(count) = homes.get_mut(&home) {
            if let Some(wait) = count.wait(now) {
                return Err(wait);
            }
            count.add(FREE_AT_HOME, now);
            return Ok(());
        }
        // Whoever has to wait leaves nothing among the counts: they are filled
        // no faster than tries are let pass.
        let counts = [accounts.get(&home.0), addresses.get(&home.1)];
        if let Some(wait) = counts.into_iter().flatten().filter_map(|count| count.wait(now)).max() {
            let is_new = accounts.get(&home.0).is_none_or(|account| !account.wrong.contains(&mark));
            let is_open = is_new && counts.into_iter().flatten().all(|count| count.has_turn(now));
            waiting.turn(who, mark, wait, is_open, now)?;
        }
        make_room(accounts, now);
        make_room(addresses, now);
        let account = accounts.entry(home.0).or_insert(Count::none(now));
        account.add(FREE_OF_ACCOUNT, now);
        account.note(mark);
        addresses.entry(home.1).or_insert(Count::none(now)).add(FREE_OF_ADDRESS, now);
        Ok(())
    }

    /// The password was right: the account is at home here, and nothing is held
    /// against it. The address gets its own try back, not those of others.
    pub(crate) fn was_right(&self, account: &str, from: IpAddr, now: Instant) {
        let (mut tries, home) = (self.tries(), (account.to_owned(), network(from)));
        tries.accounts.remove(account);
        if let Some(address) = tries.addresses.get_mut(&home.1) {
            address.tries = address.tries.saturating_sub(1);
        }
        make_room(&mut tries.homes, now);
        tries.homes.insert(home, Count::none(now));
    }

    /// The server could not look at what was let pass: the same password may come
    /// again as if it had not come.
    pub(crate) fn was_not_looked_at(&self, account: &str, password: &str, from: IpAddr, now: Instant) {
        let (mark, mut tries, home) = (self.mark(account, password), self.tries(), (account.to_owned(), network(from)));
        let Tries { accounts, addresses, homes, .. } = &mut *tries;
        for count in [homes.get_mut(&home), accounts.get_mut(&home.0), addresses.get_mut(&home.1)].into_iter().flatten() {
            count.tries = count.tries.saturating_sub(1);
            count.wrong.retain(|known| *known != mark);
            count.next_turn = now;
        }
    }

    /// Whether to ask where an account signed in before, of whom this server may
    /// not know it: once a minute, however many are put off.
    pub(crate) fn asks(&self, account: &str, now: Instant) -> bool {
        let (mut tries, who) = (self.tries(), self.secret.hash_one(account));
        if tries.asked.get(&who).is_some_and(|at| now.saturating_duration_since(*at) < ASKED_EVERY) {
            return false;
        }
        if tries.asked.len() >= MOST_KEPT {
            tries.asked.clear();
        }
        tries.asked.insert(who, now);
        true
    }

    /// The account is at home at these networks, as it was shown elsewhere or
    /// before. What was tried there already stays counted.
    pub(crate) fn at_home(&self, account: &str, networks: &[IpAddr], now: Instant) {
        let mut tries = self.tries();
        make_room(&mut tries.homes, now);
        for network in networks {
            tries.homes.entry((account.to_owned(), *network)).or_insert(Count::none(now));
        }
    }
}

/// Forgets what is old; under attack, whoever has nothing to wait for.
fn make_room<K: Eq + Hash>(counts: &mut HashMap<K, Count>, now: Instant) {
    if counts.len() >= MOST_KEPT {
        counts.retain(|_, count| now.saturating_duration_since(count.last) < FORGET);
    }
    if counts.len() >= MOST_KEPT {
        counts.retain(|_, count| count.wait(now).is_some());
    }
}

/// Whom an address stands for: in IPv6 everybody has 2^64 of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn address(nth: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + nth).into()
    }

    /// Another guess each time.
    fn guess(brake: &Brake, account: &str, from: IpAddr, now: Instant) -> Result<(), Duration> {
        static GUESSES: AtomicU32 = AtomicU32::new(0);
        brake.pass(account, &format!("guess {}", GUESSES.fetch_add(1, Ordering::Relaxed)), from, now)
    }

    /// How many of many tries within a time are looked at.
    fn looked_at(brake: &Brake, tries: u32, within: Duration, who: impl Fn(u32) -> (String, IpAddr)) -> usize {
        let begin = Instant::now();
        (0..tries).filter(|nth| guess(brake, &who(*nth).0, who(*nth).1, begin + within * *nth / tries).is_ok()).count()
    }

    /// When to come again, as it is told in whole seconds.
    fn as_told(now: Instant, wait: Duration) -> Instant {
        now + Duration::from_secs(wait.as_secs() + 1)
    }

    #[test]
    fn ten_thousand_guesses_at_one_account_come_to_few_wherever_they_come_from() {
        let seen = looked_at(&Brake::default(), 10_000, Duration::from_mins(1), |nth| ("jo".to_owned(), address(nth % 1_000)));
        assert!((10..=20).contains(&seen), "{seen}");
    }

    #[test]
    fn one_password_at_ten_thousand_accounts_from_one_address_comes_to_few() {
        let (brake, begin) = (Brake::default(), Instant::now());
        let tried = |nth: u32| brake.pass(&format!("user{nth}"), "Summer 2026!", address(1), begin + Duration::from_millis(6) * nth);
        let seen = (0..10_000).filter(|nth| tried(*nth).is_ok()).count();
        assert!((30..=40).contains(&seen), "{seen}");
    }

    #[test]
    fn nobody_is_locked_out_by_others() {
        let (brake, now) = (Brake::default(), Instant::now());
        guess(&brake, "jo", address(1), now).unwrap();
        brake.was_right("jo", address(1), now);
        for nth in 0..1_000 {
            let _ = guess(&brake, "jo", address(2 + nth), now);
            let _ = guess(&brake, &format!("other{nth}"), address(1), now);
        }
        assert!(guess(&brake, "jo", address(1), now).is_ok(), "at home, whatever others do");
        assert!(guess(&brake, "jo", address(5_000), now).is_err());
        assert!(guess(&brake, "jo", address(5_000), now + MOST).is_ok(), "and elsewhere after a minute");
    }

    /// How long it takes somebody at a new address who comes ten minutes into an
    /// attack of five tries a second, and keeps every pause.
    fn kept_waiting(attack: impl Fn(u32) -> (IpAddr, String)) -> Duration {
        let (brake, begin) = (Brake::default(), Instant::now());
        let came = begin + Duration::from_mins(10);
        let mut comes = came;
        for nth in 0..5 * 3_600 {
            let now = begin + Duration::from_millis(200) * nth;
            let (from, password) = attack(nth);
            // The attacker is always a moment earlier.
            let _ = brake.pass("gm", &password, from, now);
            if now >= comes {
                match brake.pass("gm", "the right one", address(1 << 20), now) {
                    Ok(()) => return now - came,
                    Err(wait) => comes = as_told(now, wait),
                }
            }
        }
        panic!("never let in")
    }

    #[test]
    fn who_keeps_the_pause_gets_in_from_a_new_place_within_a_minute() {
        let another = |nth: u32| format!("guess {nth}");
        let attacks = [
            kept_waiting(|nth| (address(nth), another(nth))),
            kept_waiting(|nth| (address(nth % 250), another(nth))),
            kept_waiting(|nth| (address(nth % 1_000), another(nth))),
            kept_waiting(|nth| (address(nth.wrapping_mul(2_654_435_761) >> 24), another(nth))),
            // One guess from everywhere, and a few.
            kept_waiting(|nth| (address(nth % 1_000), another(0))),
            kept_waiting(|nth| (address(nth % 1_000), another(nth % 5))),
        ];
        assert!(attacks.iter().all(|took| *took <= MOST + Duration::from_secs(2)), "{attacks:?}");
    }

    #[test]
    fn a_turn_is_for_the_same_password_and_not_before_its_time() {
        let (brake, now) = (Brake::default(), Instant::now());
        let (jo, tries) = (address(1), |password: &str, now: Instant| brake.pass("jo", password, address(1), now));
        while guess(&brake, "jo", address(2), now).is_ok() {}
        let wait = tries("first", now).unwrap_err();
        assert_eq!(tries("first", now + wait / 2), Err(wait.saturating_sub(wait / 2)), "too early, and nothing is lost by it");
        let then = now + wait;
        assert!(guess(&brake, "jo", address(3), then).is_ok(), "somebody else is first");
        assert!(tries("second", then).is_err(), "whoever has another password is told anew");
        let then = as_told(then, tries("first", then).unwrap_err());
        while guess(&brake, "jo", address(3), then).is_ok() {}
        assert!(tries("first", then).is_ok(), "a turn");
        // It was wrong, and is known to be: from nowhere has it another one.
        let much_later = then + TURN_EVERY;
        while guess(&brake, "jo", address(3), much_later).is_ok() {}
        for from in [jo, address(4)] {
            let told = as_told(much_later, brake.pass("jo", "first", from, much_later).unwrap_err());
            while guess(&brake, "jo", address(3), told).is_ok() {}
            assert!(brake.pass("jo", "first", from, told).is_err());
        }
    }

    /// Somebody who makes each guess again from where he made it until it was
    /// looked at, as an owner would.
    struct Patient {
        from: IpAddr,
        guess: u32,
        comes: Instant,
    }

    impl Patient {
        fn at(from: IpAddr, begin: Instant) -> Self {
            Self { from, guess: 0, comes: begin }
        }

        /// Whether a guess was looked at now.
        fn guesses(&mut self, brake: &Brake, now: Instant) -> bool {
            if now < self.comes {
                return false;
            }
            match brake.pass("gm", &format!("guess {} of {}", self.guess, self.from), self.from, now) {
                Ok(()) => self.guess += 1,
                Err(wait) => self.comes = now + wait,
            }
            now >= self.comes
        }
    }

    #[test]
    fn in_an_hour_few_tries_are_looked_at_for_an_account_whatever_the_addresses() {
        let (brake, begin) = (Brake::default(), Instant::now());
        let mut patient: Vec<Patient> = (0..300).map(|nth| Patient::at(address(nth), begin)).collect();
        let mut seen: Vec<Instant> = Vec::new();
        for second in 0..3 * 3_600 {
            let now = begin + Duration::from_secs(second.into());
            seen.extend(patient.iter_mut().filter_map(|patient| patient.guesses(&brake, now).then_some(now)));
            seen.extend(guess(&brake, "gm", address(1_000 + second), now).ok().map(|()| now));
        }
        let in_an_hour = |first: usize| seen[first..].iter().take_while(|then| **then - seen[first] < HOUR).count();
        let most = (0..seen.len()).map(in_an_hour).max().unwrap();
        assert!((75..100).contains(&most), "turns are taken, and all stays below a hundred: {most}");
    }

    #[test]
    fn three_who_guess_like_owners_hold_nobody_up_for_long() {
        let (brake, begin) = (Brake::default(), Instant::now());
        let mut patient = [1, 2, 3].map(|nth| Patient::at(address(nth), begin));
        let came = begin + Duration::from_mins(10);
        let mut owner = Patient::at(address(4), came);
        let got_in = (0..3_600).map(|second| begin + Duration::from_secs(second)).find(|now| {
            for attacker in &mut patient {
                attacker.guesses(&brake, *now);
            }
            let _ = guess(&brake, "gm", address(1_000), *now);
            owner.guesses(&brake, *now)
        });
        let took = got_in.expect("he is let in") - came;
        assert!(took <= Duration::from_mins(30), "{took:?}");
    }

    #[test]
    fn a_home_that_is_told_counts_and_telling_it_again_forgives_nothing() {
        let (brake, now) = (Brake::default(), Instant::now());
        while guess(&brake, "jo", address(2), now).is_ok() {}
        assert!(brake.asks("jo", now) && !brake.asks("jo", now) && brake.asks("al", now), "once");
        assert!(brake.asks("jo", now + ASKED_EVERY), "a minute");
        let mut passed = 0;
        for _ in 0..100 {
            brake.at_home("jo", &[address(1), address(7)], now);
            passed += u32::from(guess(&brake, "jo", address(1), now).is_ok());
        }
        assert_eq!(passed, FREE_AT_HOME);
        assert!(guess(&brake, "jo", address(7), now).is_ok() && guess(&brake, "jo", address(8), now).is_err());
    }

    #[test]
    fn a_slip_of_the_hand_costs_nothing_and_a_pause_grows() {
        let (brake, now) = (Brake::default(), Instant::now());
        for _ in 0..FREE_OF_ACCOUNT {
            assert!(guess(&brake, "jo", address(1), now).is_ok());
        }
        let wait = guess(&brake, "jo", address(1), now).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        assert!(guess(&brake, "jo", address(1), now + wait).is_ok());
        assert_eq!(guess(&brake, "jo", address(1), now + wait), Err(Duration::from_secs(2)));
        assert!(guess(&brake, "jo", address(1), now + FORGET * 2).is_ok());
        assert!(guess(&brake, "jo", address(1), now + FORGET * 2).is_ok(), "forgotten after an hour");
    }

    #[test]
    fn what_a_server_could_not_look_at_costs_nobody_his_turn() {
        let (brake, now) = (Brake::default(), Instant::now());
        while guess(&brake, "jo", address(2), now).is_ok() {}
        let mut then = as_told(now, brake.pass("jo", "the right one", address(1), now).unwrap_err());
        for _ in 0..2 {
            assert!(guess(&brake, "jo", address(3), then).is_ok(), "somebody else is first");
            assert!(brake.pass("jo", "the right one", address(1), then).is_ok(), "his turn all the same");
            brake.was_not_looked_at("jo", "the right one", address(1), then);
            then += MOST;
        }
        let looked_at = brake.tries().accounts["jo"].wrong.len();
        assert_eq!(looked_at, FREE_OF_ACCOUNT as usize + 2, "guesses alone are held against the account");
    }

    #[test]
    fn tries_that_are_refused_push_nobody_out() {
        let (brake, now) = (Brake::default(), Instant::now());
        let passed = (0..10_000).filter(|nth| guess(&brake, &format!("user{nth}"), address(1), now).is_ok()).count();
        assert_eq!((passed, brake.tries().accounts.len()), (30, 30));
        // Nor do they push out what is held against others.
        assert!((1..FREE_OF_ACCOUNT).all(|_| guess(&brake, "jo", address(2), now).is_ok()));
        assert!((0..10_000).all(|nth| guess(&brake, &format!("more{nth}"), address(1), now).is_err()));
        assert!(guess(&brake, "jo", address(3), now).is_ok() && guess(&brake, "jo", address(4), now).is_err());
    }

    #[test]
    fn only_so_many_who_wait_are_kept_in_mind_and_the_first_of_them_stay() {
        let (brake, now) = (Brake::default(), Instant::now());
        while guess(&brake, "jo", address(2), now).is_ok() {}
        let wait = brake.pass("jo", "the right one", address(1), now).unwrap_err();
        for nth in 0..u32::try_from(MOST_KEPT).unwrap() {
            let _ = guess(&brake, "jo", address(10 + nth), now);
        }
        assert_eq!(brake.tries().waiting.told.len(), MOST_KEPT);
        assert!(guess(&brake, "jo", address(3), now + wait).is_ok(), "somebody else is first");
        assert!(brake.pass("jo", "the right one", address(1), now + wait).is_ok(), "his turn all the same");
        // Those who did not come back for a while make room.
        let later = now + wait + MOST * 2;
        while guess(&brake, "jo", address(3), later).is_ok() {}
        assert!(guess(&brake, "jo", address(4), later).is_err());
        assert!(brake.tries().waiting.told.len() < 10);
    }

    #[test]
    fn one_machine_has_many_addresses_in_ipv6() {
        let v6 = |text: &str| network(text.parse().unwrap());
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:10.0.0.1"), address(1));
    }
}

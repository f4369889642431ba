//! Slows the guessing of passwords down, per account and per address, before
//! any work is done for a try.
//!
//! The wait never grows beyond a minute, and whoever signed in from an address
//! before has tries of his own there: guessing at an account, or from behind
//! the same router, locks nobody out.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
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
/// After this long without a try nothing is held against anybody.
const FORGET: Duration = Duration::from_hours(1);
/// The most that is kept in mind of each sort.
const MOST_KEPT: usize = 100_000;

/// The tries of the last hour.
#[derive(Debug, Default)]
pub(crate) struct Brake(Mutex<Tries>);

#[derive(Debug, Default)]
struct Tries {
    accounts: HashMap<String, Count>,
    addresses: HashMap<IpAddr, Count>,
    /// Accounts where they signed in before.
    homes: HashMap<(String, IpAddr), Count>,
}

/// Tries in a row, and until when the next one has to wait.
#[derive(Debug, Clone, Copy)]
struct Count {
    tries: u32,
    last: Instant,
    until: Instant,
}

impl Count {
    const fn none(now: Instant) -> Self {
        Self { tries: 0, last: now, until: now }
    }

    fn wait(self, now: Instant) -> Option<Duration> {
        Some(self.until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// Counts a try: right ones are taken back when they turn out to be.
    fn add(&mut self, free: u32, now: Instant) {
        if now.saturating_duration_since(self.last) > FORGET {
            self.tries = 0;
        }
        self.tries = self.tries.saturating_add(1);
        self.last = now;
        if let Some(beyond) = self.tries.checked_sub(free) {
            self.until = now + Duration::from_secs(1 << beyond.min(6)).min(MOST);
        }
    }
}

impl Brake {
    /// Lets a try pass, or says how long to wait. What is let pass counts as
    /// wrong until [`Self::was_right`].
    ///
    /// # Errors
    /// The wait.
    pub(crate) fn pass(&self, account: &str, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let (mut tries, home) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), (account.to_owned(), network(from)));
        if let Some(count) = tries.homes.get_mut(&home) {
            return passed(&mut [(count, FREE_AT_HOME)], now);
        }
        let Tries { accounts, addresses, .. } = &mut *tries;
        // Whoever has to wait leaves nothing behind: memory is filled no
        // faster than tries are let pass.
        let known = [accounts.get(&home.0), addresses.get(&home.1)];
        if let Some(wait) = known.into_iter().flatten().filter_map(|count| count.wait(now)).max() {
            return Err(wait);
        }
        make_room(accounts, now);
        make_room(addresses, now);
        let account = accounts.entry(home.0).or_insert(Count::none(now));
        let address = addresses.entry(home.1).or_insert(Count::none(now));
        passed(&mut [(account, FREE_OF_ACCOUNT), (address, FREE_OF_ADDRESS)], now)
    }

    /// The password was right: the account is at home here, and nothing is held
    /// against it. The address gets its own try back, not those of others.
    pub(crate) fn was_right(&self, account: &str, from: IpAddr, now: Instant) {
        let (mut tries, home) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), (account.to_owned(), network(from)));
        tries.accounts.remove(account);
        if let Some(address) = tries.addresses.get_mut(&home.1) {
            address.tries = address.tries.saturating_sub(1);
        }
        make_room(&mut tries.homes, now);
        tries.homes.insert(home, Count::none(now));
    }
}

/// Counts a try with each, unless one of them has to wait.
fn passed(counts: &mut [(&mut Count, u32)], now: Instant) -> Result<(), Duration> {
    if let Some(wait) = counts.iter().filter_map(|(count, _)| count.wait(now)).max() {
        return Err(wait);
    }
    for (count, free) in counts {
        count.add(*free, now);
    }
    Ok(())
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

    use super::*;

    fn address(nth: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + nth).into()
    }

    /// How many of many tries within a time are looked at.
    fn looked_at(brake: &Brake, tries: u32, within: Duration, who: impl Fn(u32) -> (String, IpAddr)) -> usize {
        let begin = Instant::now();
        (0..tries).filter(|nth| brake.pass(&who(*nth).0, who(*nth).1, begin + within * *nth / tries).is_ok()).count()
    }

    #[test]
    fn ten_thousand_guesses_at_one_account_come_to_few_wherever_they_come_from() {
        let seen = looked_at(&Brake::default(), 10_000, Duration::from_mins(1), |nth| ("jo".to_owned(), address(nth % 1_000)));
        assert!((10..=20).contains(&seen), "{seen}");
    }

    #[test]
    fn one_password_at_ten_thousand_accounts_from_one_address_comes_to_few() {
        let seen = looked_at(&Brake::default(), 10_000, Duration::from_mins(1), |nth| (format!("user{nth}"), address(1)));
        assert!((30..=40).contains(&seen), "{seen}");
    }

    #[test]
    fn nobody_is_locked_out_by_others() {
        let (brake, now) = (Brake::default(), Instant::now());
        brake.pass("jo", address(1), now).unwrap();
        brake.was_right("jo", address(1), now);
        for nth in 0..1_000 {
            let _ = brake.pass("jo", address(2 + nth), now);
            let _ = brake.pass(&format!("other{nth}"), address(1), now);
        }
        assert!(brake.pass("jo", address(1), now).is_ok(), "at home, whatever others do");
        assert!(brake.pass("jo", address(5_000), now).is_err());
        assert!(brake.pass("jo", address(5_000), now + MOST).is_ok(), "and elsewhere after a minute");
    }

    #[test]
    fn a_slip_of_the_hand_costs_nothing_and_a_pause_grows() {
        let (brake, now) = (Brake::default(), Instant::now());
        for _ in 0..FREE_OF_ACCOUNT {
            assert!(brake.pass("jo", address(1), now).is_ok());
        }
        let wait = brake.pass("jo", address(1), now).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        assert!(brake.pass("jo", address(1), now + wait).is_ok());
        assert_eq!(brake.pass("jo", address(1), now + wait), Err(Duration::from_secs(2)));
        assert!(brake.pass("jo", address(1), now + FORGET * 2).is_ok());
        assert!(brake.pass("jo", address(1), now + FORGET * 2).is_ok(), "forgotten after an hour");
    }

    #[test]
    fn tries_that_are_refused_leave_nothing_behind() {
        let (brake, now) = (Brake::default(), Instant::now());
        let passed = (0..10_000).filter(|nth| brake.pass(&format!("user{nth}"), address(1), now).is_ok()).count();
        assert_eq!((passed, brake.0.lock().unwrap().accounts.len()), (30, 30));
        // Nor do they push out what is held against others.
        assert!((1..FREE_OF_ACCOUNT).all(|_| brake.pass("jo", address(2), now).is_ok()));
        assert!((0..10_000).all(|nth| brake.pass(&format!("more{nth}"), address(1), now).is_err()));
        assert!(brake.pass("jo", address(3), now).is_ok() && brake.pass("jo", address(4), now).is_err());
    }

    #[test]
    fn one_machine_has_many_addresses_in_ipv6() {
        let v6 = |text: &str| network(text.parse().unwrap());
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:10.0.0.1"), address(1));
    }
}

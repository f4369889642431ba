//! Customers of a dealer, as many as wanted, from a seed. Each can be had by
//! its place alone, so that ten million need no memory.
//!
//! May call [`crate::random`] and [`crate::words`].

use std::io::Write;

use countertop::api::ids::CustomerId;
use uuid::Builder;

use crate::random::Random;
use crate::words::{FANCIES, Place, Words};

/// The country all of them are in.
pub(crate) const COUNTRY: &str = "US";

/// One customer.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) id: CustomerId,
    pub(crate) name: String,
    pub(crate) city: &'static str,
    /// Second part of ISO 3166-2.
    pub(crate) state: &'static str,
    /// E.164.
    pub(crate) phone: String,
    pub(crate) postal_code: String,
    /// Its number at the first shop, and perhaps at the second.
    pub(crate) numbers: Vec<String>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Customers {
    words: Words,
    seed: u64,
    count: usize,
    numbers: Numbers,
}

/// Customer numbers of one length, each given once, in no order.
#[derive(Debug)]
struct Numbers {
    first: usize,
    step: usize,
}

impl Customers {
    /// So many of a seed.
    pub(crate) fn new(seed: u64, count: usize) -> Self {
        Self { words: Words::read(), seed, count, numbers: Numbers::for_customers(count) }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = Customer> {
        (0..self.count).map(|place| self.get(place))
    }

    /// Writes all of them as a file to import, as customers of one shop.
    pub(crate) fn write(&self, file: &mut impl Write, shop: &str) -> std::io::Result<()> {
        writeln!(file, "number,name,city,state,postal_code,country,phone,shop")?;
        for Customer { name, city, state, phone, postal_code, numbers, .. } in self.all() {
            // No generated text holds a comma or a quotation mark.
            let number = numbers.first().map_or("", String::as_str);
            writeln!(file, "{number},{name},{city},{state},{postal_code},{COUNTRY},{phone},{shop}")?;
        }
        Ok(())
    }

    /// The one at a place.
    pub(crate) fn get(&self, place: usize) -> Customer {
        let mut random = Random::of(self.seed, place as u64);
        let home = self.words.places.pick(&mut random);
        let name = self.name(home, &mut random);
        let phone = format!("+1{}555{:04}", 201 + random.below(780), random.below(10_000));
        let postal_code = format!("{:05}", 1 + random.below(99_950));
        let mut numbers = vec![self.numbers.at(place)];
        if random.below(10) == 0 {
            numbers.push(self.numbers.at(self.count + place));
        }
        Customer { id: id(place, &mut random), name, city: home.city, state: home.state, phone, postal_code, numbers }
    }

    fn name(&self, home: Place, random: &mut Random) -> String {
        let Words { surnames, first_names, trades, forms, .. } = &self.words;
        let city = home.city;
        match random.below(100) {
            0..34 => format!("{} {}{}", surnames.pick(random), trades.pick(random), forms.pick(random)),
            34..40 => format!("{} & {} {}{}", surnames.pick(random), surnames.pick(random), trades.pick(random), forms.pick(random)),
            40..46 => format!("{} Bros {}{}", surnames.pick(random), trades.pick(random), forms.pick(random)),
            46..58 => format!("{} {} {}{}", first_names.pick(random), surnames.pick(random), trades.pick(random), forms.pick(random)),
            58..68 => format!("{} {}", first_names.pick(random), surnames.pick(random)),
            68..78 => format!("{city} {}{}", trades.pick(random), forms.pick(random)),
            78..90 => format!("{} {}{}", random.one_of(FANCIES), trades.pick(random), forms.pick(random)),
            90..92 => format!("{}{}{} {}{}", capital(random), capital(random), capital(random), trades.pick(random), forms.pick(random)),
            92..94 => format!("{}&{} {}{}", capital(random), capital(random), trades.pick(random), forms.pick(random)),
            94..96 => format!("City of {city}"),
            96 => format!("{city} Public Works"),
            97 => format!("{city} Fire Dept"),
            98 => format!("{} County Road Commission", surnames.pick(random)),
            _ => format!("{city} Independent School District"),
        }
    }
}

impl Numbers {
    fn for_customers(count: usize) -> Self {
        let mut first = 1_000;
        while 9 * first < count * 5 {
            first *= 10;
        }
        // About the golden section: neighbours get numbers far apart.
        let mut step = 9 * first / 1_000 * 618 + 1;
        while common_divisor(step, 9 * first) != 1 {
            step += 1;
        }
        Self { first, step }
    }

    fn at(&self, place: usize) -> String {
        (self.first + place * self.step % (9 * self.first)).to_string()
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

fn capital(random: &mut Random) -> char {
    char::from(b'A' + random.below(26) as u8)
}

/// As the program makes them: by time, a millisecond apart.
fn id(place: usize, random: &mut Random) -> CustomerId {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&random.bits().to_le_bytes());
    CustomerId(Builder::from_unix_timestamp_millis(1_750_000_000_000 + place as u64, &bytes).into_uuid())
}

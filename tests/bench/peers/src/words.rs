//! What customers are made of: places and people's names from `data/`, trades
//! and forms of business. May call [`crate::random`].

use crate::random::Random;

/// Things of different weight.
#[derive(Debug)]
pub(crate) struct Weighted<T> {
    things: Vec<T>,
    /// The sum of the weights up to and with each.
    upto: Vec<usize>,
}

/// A city.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Its name.
    pub(crate) city: &'static str,
    /// Second part of ISO 3166-2.
    pub(crate) state: &'static str,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Words {
    /// Where customers are: more of them in larger places.
    pub(crate) places: Weighted<Place>,
    /// Surnames.
    pub(crate) surnames: Weighted<&'static str>,
    /// First names.
    pub(crate) first_names: Weighted<&'static str>,
    /// What a business does.
    pub(crate) trades: Weighted<&'static str>,
    /// What stands behind its name, with the space before it.
    pub(crate) forms: Weighted<&'static str>,
}

impl Words {
    /// Reads the lists.
    pub(crate) fn read() -> Self {
        let places = lines(include_str!("../data/places.tsv")).filter_map(|line| {
            let (city, rest) = line.split_once('\t')?;
            let (state, people) = rest.split_once('\t')?;
            let people: f64 = people.parse().ok()?;
            Some((Place { city, state }, people.powf(0.75) as usize + 20))
        });
        Self {
            places: Weighted::new(places),
            surnames: Weighted::new(names(include_str!("../data/surnames.tsv"))),
            first_names: Weighted::new(names(include_str!("../data/first_names.tsv"))),
            trades: Weighted::new(TRADES.iter().copied()),
            forms: Weighted::new(FORMS.iter().copied()),
        }
    }
}

impl<T: Copy> Weighted<T> {
    fn new(things: impl IntoIterator<Item = (T, usize)>) -> Self {
        let mut weighted = Self { things: Vec::new(), upto: Vec::new() };
        let mut sum = 0;
        for (thing, weight) in things {
            sum += weight;
            weighted.things.push(thing);
            weighted.upto.push(sum);
        }
        weighted
    }

    /// One of them, by weight.
    pub(crate) fn pick(&self, random: &mut Random) -> T {
        let at = random.below(self.upto.last().copied().unwrap_or_default());
        self.things[self.upto.partition_point(|upto| *upto <= at)]
    }
}

fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.is_empty())
}

fn names(list: &'static str) -> impl Iterator<Item = (&'static str, usize)> {
    lines(list).filter_map(|line| {
        let (name, weight) = line.split_once('\t')?;
        Some((name, weight.parse().ok()?))
    })
}

const TRADES: &[(&str, usize)] = &[
    ("Trucking", 90),
    ("Transport", 60),
    ("Transportation", 20),
    ("Truck Lines", 14),
    ("Truck & Trailer", 12),
    ("Truck Repair", 12),
    ("Logistics", 40),
    ("Freight", 14),
    ("Hauling", 30),
    ("Haulage", 10),
    ("Express", 12),
    ("Carriers", 12),
    ("Delivery", 8),
    ("Leasing", 16),
    ("Moving & Storage", 9),
    ("Construction", 80),
    ("General Contracting", 16),
    ("Contractors", 22),
    ("Excavating", 40),
    ("Excavation", 14),
    ("Grading", 12),
    ("Paving", 20),
    ("Asphalt", 9),
    ("Concrete", 34),
    ("Ready Mix", 10),
    ("Sand & Gravel", 14),
    ("Aggregates", 9),
    ("Quarry", 5),
    ("Demolition", 8),
    ("Crane Service", 8),
    ("Crane & Rigging", 5),
    ("Drilling", 12),
    ("Pipeline", 6),
    ("Utilities", 12),
    ("Electric", 18),
    ("Plumbing", 14),
    ("Septic", 12),
    ("Sanitation", 10),
    ("Disposal", 10),
    ("Waste Services", 9),
    ("Recycling", 12),
    ("Towing", 24),
    ("Towing & Recovery", 12),
    ("Landscaping", 30),
    ("Lawn Care", 14),
    ("Tree Service", 24),
    ("Nursery", 8),
    ("Irrigation", 7),
    ("Farms", 60),
    ("Dairy", 16),
    ("Ranch", 18),
    ("Cattle", 10),
    ("Grain", 14),
    ("Feed & Seed", 8),
    ("Orchards", 6),
    ("Logging", 18),
    ("Timber", 12),
    ("Lumber", 14),
    ("Equipment", 30),
    ("Equipment Rental", 20),
    ("Rentals", 18),
    ("Tractor", 10),
    ("Supply", 22),
    ("Industries", 22),
    ("Manufacturing", 14),
    ("Fabrication", 9),
    ("Welding", 14),
    ("Machine", 9),
    ("Oil", 10),
    ("Propane", 8),
    ("Petroleum", 7),
    ("Foods", 10),
    ("Produce", 8),
    ("Beverage", 7),
    ("Distributing", 14),
    ("Wholesale", 8),
    ("Bus Service", 6),
    ("Roofing", 14),
    ("Builders", 18),
    ("Masonry", 8),
    ("Fence", 6),
    ("Enterprises", 30),
    ("Services", 30),
    ("Holdings", 8),
];

const FORMS: &[(&str, usize)] = &[
    (" Inc", 30),
    (" LLC", 34),
    ("", 16),
    (" Co", 8),
    (" Corp", 5),
    (" Ltd", 3),
    (" Company", 3),
    (" Inc.", 2),
    (" LP", 1),
    (" Group", 2),
    (" & Sons", 4),
    (" & Son Inc", 2),
    (" Co Inc", 2),
];

/// What businesses call themselves that bear nobody's name.
pub(crate) const FANCIES: &[&str] = &[
    "Blue Ridge",
    "Eagle",
    "Patriot",
    "American",
    "United",
    "National",
    "Midwest",
    "Southern",
    "Northern",
    "Western",
    "Eastern",
    "Central",
    "Tri-State",
    "Tri-County",
    "All Star",
    "Allied",
    "Premier",
    "Superior",
    "Quality",
    "Reliable",
    "Precision",
    "Pioneer",
    "Liberty",
    "Heritage",
    "Lone Star",
    "Great Lakes",
    "Great Plains",
    "Rocky Mountain",
    "Gulf Coast",
    "Bay Area",
    "Big River",
    "Black Diamond",
    "Red Rock",
    "Silver Creek",
    "Golden State",
    "Evergreen",
    "Summit",
    "Cascade",
    "Prairie",
    "Valley",
    "Coastal",
    "Atlantic",
    "Pacific",
    "Delta",
    "Apex",
    "Titan",
    "Cedar Creek",
    "Oak Hill",
    "Twin Rivers",
    "Cross Country",
    "First Choice",
    "Interstate",
    "Crossroads",
    "Frontier",
    "Keystone",
    "Buckeye",
    "Badger",
    "Sunshine",
    "Piedmont",
    "Ozark",
    "High Desert",
    "Four Corners",
    "North Star",
    "Falcon",
    "Mustang",
    "Timberline",
    "Granite",
    "Santa Fe",
    "San Juan",
    "Trinity",
];

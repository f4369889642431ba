//! What generated customers are made of: places with their postal and area
//! codes, names, trades, streets and machines.

use crate::rules::meter::MeterKind;

/// A city with one of its postal codes and its telephone area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) postal_code: &'static str,
    pub(super) area: &'static str,
}

const fn place(city: &'static str, state: &'static str, postal_code: &'static str, area: &'static str) -> Place {
    Place { city, state, postal_code, area }
}

/// Where customers are: mostly around the two shops.
pub(super) const PLACES: &[Place] = &[
    place("Oakland", "CA", "94621", "510"),
    place("Hayward", "CA", "94545", "510"),
    place("San Leandro", "CA", "94577", "510"),
    place("Fremont", "CA", "94538", "510"),
    place("Livermore", "CA", "94551", "925"),
    place("Antioch", "CA", "94509", "925"),
    place("Concord", "CA", "94520", "925"),
    place("Pittsburg", "CA", "94565", "925"),
    place("Richmond", "CA", "94801", "510"),
    place("Vallejo", "CA", "94590", "707"),
    place("Fairfield", "CA", "94533", "707"),
    place("Vacaville", "CA", "95688", "707"),
    place("Napa", "CA", "94558", "707"),
    place("Santa Rosa", "CA", "95407", "707"),
    place("San Jose", "CA", "95112", "408"),
    place("Gilroy", "CA", "95020", "408"),
    place("Morgan Hill", "CA", "95037", "408"),
    place("Salinas", "CA", "93901", "831"),
    place("Hollister", "CA", "95023", "831"),
    place("Watsonville", "CA", "95076", "831"),
    place("Redwood City", "CA", "94063", "650"),
    place("South San Francisco", "CA", "94080", "650"),
    place("San Francisco", "CA", "94124", "415"),
    place("San Rafael", "CA", "94901", "415"),
    place("Stockton", "CA", "95206", "209"),
    place("Lodi", "CA", "95240", "209"),
    place("Tracy", "CA", "95376", "209"),
    place("Manteca", "CA", "95336", "209"),
    place("Lathrop", "CA", "95330", "209"),
    place("Modesto", "CA", "95351", "209"),
    place("Turlock", "CA", "95380", "209"),
    place("Merced", "CA", "95341", "209"),
    place("Sacramento", "CA", "95828", "916"),
    place("West Sacramento", "CA", "95691", "916"),
    place("Roseville", "CA", "95678", "916"),
    place("Woodland", "CA", "95776", "530"),
    place("Redding", "CA", "96002", "530"),
    place("Chico", "CA", "95928", "530"),
    place("Yuba City", "CA", "95993", "530"),
    place("Fresno", "CA", "93706", "559"),
    place("Visalia", "CA", "93291", "559"),
    place("Tulare", "CA", "93274", "559"),
    place("Hanford", "CA", "93230", "559"),
    place("Madera", "CA", "93637", "559"),
    place("Bakersfield", "CA", "93307", "661"),
    place("Eureka", "CA", "95501", "707"),
    place("Ukiah", "CA", "95482", "707"),
    place("Reno", "NV", "89502", "775"),
    place("Sparks", "NV", "89431", "775"),
    place("Carson City", "NV", "89701", "775"),
    place("Elko", "NV", "89801", "775"),
    place("Fernley", "NV", "89408", "775"),
    place("Portland", "OR", "97217", "503"),
    place("Medford", "OR", "97501", "541"),
    place("Klamath Falls", "OR", "97603", "541"),
    place("Salt Lake City", "UT", "84104", "801"),
    place("Ogden", "UT", "84401", "801"),
    place("Boise", "ID", "83705", "208"),
    place("Twin Falls", "ID", "83301", "208"),
    place("Phoenix", "AZ", "85009", "602"),
    place("Seattle", "WA", "98108", "206"),
    place("Tacoma", "WA", "98421", "253"),
    place("Spokane", "WA", "99202", "509"),
    place("Denver", "CO", "80216", "303"),
];

/// Family names of owners.
pub(super) const SURNAMES: &[&str] = &[
    "Acosta", "Adams", "Alvarez", "Anderson", "Arroyo", "Avila", "Baker", "Barnes", "Bautista", "Becker", "Bell", "Bennett", "Bianchi", "Boyd",
    "Brandt", "Brooks", "Bui", "Burke", "Campbell", "Cardoza", "Carlson", "Castillo", "Chavez", "Chen", "Clark", "Coleman", "Contreras", "Cooper",
    "Costa", "Crane", "Cruz", "Dalton", "Davila", "Delgado", "Diaz", "Dietz", "Donnelly", "Duarte", "Dutra", "Edwards", "Ellis", "Escobar",
    "Espinoza", "Evans", "Farley", "Fernandes", "Fischer", "Flores", "Fontana", "Foster", "Freitas", "Fuentes", "Gallo", "Garcia", "Garza", "Gill",
    "Gomes", "Grant", "Greer", "Griffin", "Guerrero", "Hale", "Hansen", "Harlan", "Hart", "Hayes", "Hendricks", "Herrera", "Hoang", "Holt", "Ibarra",
    "Ingram", "Jensen", "Johal", "Jordan", "Juarez", "Kaur", "Kemp", "Kessler", "Kim", "Klein", "Knudsen", "Kovacs", "Lambert", "Larsen", "Leal",
    "Lindgren", "Lopez", "Lozano", "Machado", "Madsen", "Maldonado", "Marsh", "Matsuda", "Maxwell", "Medeiros", "Mendoza", "Meyer", "Moreno",
    "Morrow", "Nakano", "Nelson", "Newell", "Nguyen", "Nielsen", "Nolan", "Nunes", "Ochoa", "Olsen", "Orozco", "Ortega", "Pacheco", "Palmer", "Parra",
    "Pereira", "Petersen", "Pham", "Pierce", "Pinto", "Quinn", "Ramos", "Reyes", "Rice", "Rocha", "Romero", "Rossi", "Ruiz", "Salas", "Sandoval",
    "Schaefer", "Schultz", "Serrano", "Sharp", "Silveira", "Singh", "Soto", "Sousa", "Stark", "Sutton", "Tanaka", "Thorne", "Torres", "Tran",
    "Valdez", "Vargas", "Vega", "Vieira", "Vogel", "Wagner", "Walsh", "Webb", "Weiss", "Whitaker", "Wolfe", "Xiong", "Yamada", "Young", "Zamora",
    "Zeller",
];

/// Names of the land, for companies without a family's.
pub(super) const LAND: &[&str] = &[
    "Alder Creek", "Antelope Flat", "Badger Pass", "Bay Bridge", "Bear Valley", "Big Bend", "Black Butte", "Blue Oak", "Bluff Creek", "Bridgeport",
    "Buckeye", "Canal Street", "Cedar Flat", "Central Valley", "Clear Creek", "Coast Range", "Copper Hill", "Cottonwood", "Coyote Creek",
    "Cypress Point", "Delta View", "Diablo", "Dry Creek", "Dunnigan Hills", "Eagle Rock", "East Bay", "Eight Mile", "El Dorado", "Elk Grove",
    "Foothill", "Golden State", "Granite Bay", "Gold Country", "Grizzly Flat", "Harbor View", "High Sierra", "Hilltop", "Indian Valley", "Iron Horse",
    "Juniper", "Kings River", "Lake View", "Lone Tree", "Madrone", "Manzanita", "Marina", "Mesa Verde", "Mile High", "Mission Creek",
    "Mount Hamilton", "North Fork", "Oak Flat", "Pacific Rim", "Palisade", "Pine Ridge", "Pioneer", "Quail Hollow", "Rancho Seco", "Red Rock",
    "Ridgeline", "River Bend", "Sand Hill", "San Joaquin", "Shasta View", "Sierra", "Silver Creek", "Snow Line", "South Fork", "Sunol Grade",
    "Sutter Buttes", "Table Mountain", "Three Rivers", "Tule Lake", "Twin Peaks", "Union Island", "Valley Oak", "Vista", "Walnut Grove", "West Side",
    "White Pine", "Wild Horse", "Willow Glen",
];

/// What the customers do.
pub(super) const TRADES: &[&str] = &[
    "Ag Services", "Aggregates", "Asphalt", "Bus Lines", "Concrete", "Concrete Pumping", "Construction", "Crane Service", "Dairy", "Demolition",
    "Dredging", "Drilling", "Drywall Supply", "Earthmoving", "Electric", "Environmental", "Equipment Rental", "Excavating", "Farms", "Feed and Seed",
    "Fencing", "Forestry", "Foundation Drilling", "Freight Lines", "Grading", "Hauling", "Heavy Haul", "Hydro Excavation", "Intermodal", "Irrigation",
    "Landscaping", "Logging", "Logistics", "Lumber", "Marine Construction", "Materials", "Mechanical", "Moving and Storage", "Nursery", "Orchards",
    "Paving", "Pipeline", "Plumbing", "Precast", "Produce", "Quarry", "Ready Mix", "Recycling", "Refrigerated Transport", "Rigging", "Roofing",
    "Sand and Gravel", "Sealcoating", "Septic", "Site Work", "Steel", "Striping", "Sweeping", "Tank Lines", "Towing", "Transport", "Tree Service",
    "Trucking", "Underground", "Utilities", "Vineyards", "Waste Services", "Water Trucks", "Well Drilling",
];

/// What stands behind a name; most have nothing.
pub(super) const FORMS: &[&str] = &["", "", "", " Inc.", " LLC", " Co."];

/// Streets where yards are.
pub(super) const STREETS: &[&str] = &[
    "Airport", "Alameda", "Alpine", "Barn", "Canal", "Cannery", "Charter", "Coolidge", "Cutter", "Davis", "Depot", "Doolittle", "Edison",
    "Embarcadero", "Factory", "Foundry", "Frontage", "Grant Line", "Harbor", "Industrial", "Jack Tone", "Kettleman", "Lincoln", "Mariposa", "Market",
    "Mill", "Navy", "Old River", "Orchard", "Pescadero", "Quarry", "Railroad", "Roth", "Santa Fe", "Shipyard", "Sperry", "Tesla", "Union", "Wharf",
    "Yosemite",
];

/// The words behind them.
pub(super) const WAYS: &[&str] = &["Avenue", "Boulevard", "Drive", "Lane", "Road", "Street", "Way"];

/// Colours of machines.
pub(super) const COLOURS: &[&str] = &["white", "yellow", "blue", "red", "green", "black", "silver", "orange"];

/// A model that customers have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    /// Start of its VIN; empty for those that carry a serial number.
    pub(super) wmi: &'static str,
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) description: &'static str,
    pub(super) class: &'static str,
    /// Unit numbers of its class begin with it.
    pub(super) letter: char,
    /// What its primary meter counts.
    pub(super) meter: MeterKind,
}

const fn machine(
    wmi: &'static str,
    make: &'static str,
    model: &'static str,
    description: &'static str,
    class: &'static str,
    letter: char,
    meter: MeterKind,
) -> Machine {
    Machine { wmi, make, model, description, class, letter, meter }
}

/// The models.
pub(super) const MACHINES: &[Machine] = &[
    machine("1XK", "Kenworth", "T680", "Sleeper tractor", "Tractor unit", 'T', MeterKind::Odometer),
    machine("1XK", "Kenworth", "T880", "Dump truck, super ten", "Dump truck", 'D', MeterKind::Odometer),
    machine("1XP", "Peterbilt", "579", "Day cab tractor", "Tractor unit", 'T', MeterKind::Odometer),
    machine("1XP", "Peterbilt", "567", "Transfer dump", "Dump truck", 'D', MeterKind::Odometer),
    machine("1FU", "Freightliner", "Cascadia", "Sleeper tractor", "Tractor unit", 'T', MeterKind::Odometer),
    machine("1FV", "Freightliner", "M2 106", "Box truck with lift gate", "Box truck", 'B', MeterKind::Odometer),
    machine("3HS", "International", "LT625", "Day cab tractor", "Tractor unit", 'T', MeterKind::Odometer),
    machine("1HT", "International", "MV607", "Flatbed, 24 ft", "Flatbed truck", 'F', MeterKind::Odometer),
    machine("1M1", "Mack", "Granite", "Mixer, 10 yd", "Mixer truck", 'M', MeterKind::Odometer),
    machine("4V4", "Volvo", "VNL 760", "Sleeper tractor", "Tractor unit", 'T', MeterKind::Odometer),
    machine("1FD", "Ford", "F-550", "Service body with crane", "Service truck", 'S', MeterKind::Odometer),
    machine("1FT", "Ford", "F-250", "Pickup, crew cab", "Pickup", 'P', MeterKind::Odometer),
    machine("3C7", "Ram", "5500", "Stake bed", "Flatbed truck", 'F', MeterKind::Odometer),
    machine("1GC", "Chevrolet", "Silverado 3500", "Pickup, utility body", "Pickup", 'P', MeterKind::Odometer),
    machine("", "Caterpillar", "320", "Hydraulic excavator", "Excavator", 'X', MeterKind::EngineHours),
    machine("", "Caterpillar", "938M", "Wheel loader", "Wheel loader", 'L', MeterKind::EngineHours),
    machine("", "Caterpillar", "140", "Motor grader", "Motor grader", 'G', MeterKind::EngineHours),
    machine("", "Caterpillar", "D6", "Dozer", "Dozer", 'Z', MeterKind::EngineHours),
    machine("", "Caterpillar", "TH408D", "Telehandler", "Telehandler", 'H', MeterKind::EngineHours),
    machine("", "John Deere", "310SL", "Backhoe loader", "Backhoe loader", 'K', MeterKind::EngineHours),
    machine("", "John Deere", "8R 310", "Row-crop tractor", "Tractor", 'A', MeterKind::EngineHours),
    machine("", "Komatsu", "PC210LC", "Hydraulic excavator", "Excavator", 'X', MeterKind::EngineHours),
    machine("", "Bobcat", "T770", "Compact track loader", "Skid steer", 'C', MeterKind::EngineHours),
    machine("", "JLG", "860SJ", "Boom lift", "Lift", 'H', MeterKind::EngineHours),
    machine("", "Toyota", "8FGU25", "Forklift, 5,000 lb", "Forklift", 'W', MeterKind::EngineHours),
];

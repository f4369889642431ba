//! What a benchmark is told on the command line. Calls nobody.

/// How much is to be measured.
#[derive(Debug)]
pub(crate) struct Asked {
    /// `--test`: only to see that everything works.
    pub(crate) is_brief: bool,
    /// A number, if one was given.
    customers: Option<u32>,
}

/// As many as every benchmark needs to find a page of something.
const FEW: u32 = 5_000;

impl Asked {
    /// None without the `--bench` of `cargo bench`: who runs every target as a
    /// test wants nothing measured.
    pub(crate) fn read() -> Option<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let is_said = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let customers = arguments.iter().find_map(|argument| argument.parse().ok());
        is_said("--bench").then(|| Self { is_brief: is_said("--test"), customers })
    }

    /// How many customers there are to be: so many unless said.
    pub(crate) fn customers(&self, unless_said: u32) -> u32 {
        self.customers.unwrap_or(if self.is_brief { FEW } else { unless_said })
    }
}

//! What the benchmark is told on the command line. Calls nobody.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// Unless said.
const CUSTOMERS: u32 = 20_000;
/// To see that everything works.
const FEW: u32 = 5_000;
/// All parts.
const PARTS: [&str; 4] = ["rush", "siege", "neighbour", "soak"];

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How many customers there are to be.
    pub(crate) customers: u32,
    /// `--pushy`: who is told to come again later comes at once.
    pub(crate) is_pushy: bool,
    /// `--test`: only to see that everything works.
    is_brief: bool,
    /// How long each part is to take, if it was said.
    minutes: Option<f64>,
    parts: Vec<String>,
}

impl Plan {
    /// None without the `--bench` of `cargo bench`: who runs every target as a
    /// test wants nothing measured.
    pub(crate) fn read() -> Result<Option<Self>> {
        let mut plan = Self { customers: CUSTOMERS, is_pushy: false, is_brief: false, minutes: None, parts: Vec::new() };
        let (mut is_wanted, mut customers) = (false, None);
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => is_wanted = true,
                "--test" => plan.is_brief = true,
                "--pushy" => plan.is_pushy = true,
                "--minutes" => plan.minutes = Some(arguments.next().context("--minutes of what?")?.parse::<f64>()?),
                "--customers" => customers = Some(arguments.next().context("--customers of what?")?.parse::<u32>()?),
                part => {
                    ensure!(PARTS.contains(&part), "{part:?} is none of {PARTS:?}, --minutes, --customers and --pushy");
                    plan.parts.push(part.to_owned());
                }
            }
        }
        plan.customers = customers.unwrap_or(if plan.is_brief { FEW } else { CUSTOMERS });
        Ok(is_wanted.then_some(plan))
    }

    /// Whether a part is to be run.
    pub(crate) fn takes(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// How long a part is to take: so many seconds unless said.
    pub(crate) fn time(&self, unless_said: u64) -> Duration {
        match self.minutes {
            Some(minutes) => Duration::from_secs_f64(minutes * 60.0),
            None if self.is_brief => Duration::from_secs(4),
            None => Duration::from_secs(unless_said),
        }
    }
}

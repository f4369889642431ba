//! T42: long days under a mixed load. Now and then the server is started anew,
//! between two stretches of it; what it takes of the machine must not grow.
//!
//! May call [`crate::crowd`], [`crate::dealer`], [`crate::plan`],
//! [`crate::table`] and [`crate::verdict`].

use std::time::Duration;

use anyhow::Result;

use crate::crowd::{Crowd, Pace};
use crate::dealer::Dealer;
use crate::plan::Plan;
use crate::table::{begin, looked_at, print};
use crate::verdict::{self, STARTED_EVERY, Stretch};

/// At least so many stretches between two starts.
const STRETCHES: u32 = 4;
/// Who is at work, and how often each of them asks.
const CALLERS: usize = 32;
const EVERY: Duration = Duration::from_millis(80);
/// One of so many calls makes a customer: all customers are in the server's
/// memory, and with more of them it has to grow.
const SELDOM: usize = 2_000;

/// Runs it.
pub(crate) fn run(dealer: &mut Dealer, plan: &Plan) -> Result<()> {
    let time = plan.time(40);
    let many = STRETCHES.max(time.div_duration_f64(STARTED_EVERY).ceil() as u32);
    let lasted = time / many;
    let mut stretches = Vec::new();
    let mut lost = 0;
    for _ in 0..many {
        dealer.start_anew()?;
        let crowd = Crowd::of(dealer, 0..CALLERS);
        let pace = Pace { connections: CALLERS, time: lasted, every: Some(EVERY), write_every: SELDOM, is_pushy: false };
        let (mut seen, figures) = looked_at(dealer, || crowd.asks(pace))?;
        lost += dealer.lost(&seen.acknowledged)?;
        seen.acknowledged = Vec::new();
        stretches.push(Stretch { seen, figures });
    }
    begin(&format!("T42: {:.1} minutes of {CALLERS} callers, the server started anew {many} times", time.as_secs_f64() / 60.0));
    print(verdict::soak(&stretches, lasted, lost));
    Ok(())
}

//! A write on its way. When the line broke nobody knows whether it arrived:
//! sending the same again goes under the same key, so that it is one write.

use super::event::{Reply, Ticket};
use super::layer::Cx;
use crate::client::{Call, ClientError};

/// What was sent last.
#[derive(Debug, Default)]
pub(super) struct Sending {
    on_its_way: Option<(Ticket, Call)>,
    unsure: Option<Call>,
}

impl Sending {
    /// Sends, unless something is on its way already.
    pub(super) fn send(&mut self, call: Call, cx: &mut Cx<'_>) {
        if self.on_its_way.is_some() {
            return;
        }
        let call = self.unsure.take().filter(|before| before.says_the_same(&call)).unwrap_or(call);
        self.on_its_way = Some((cx.call(call.clone()), call));
    }

    /// Takes the answer if it is the one waited for.
    pub(super) fn take<'r>(&mut self, reply: &'r Reply) -> Option<Result<&'r [u8], &'r ClientError>> {
        if self.on_its_way.as_ref().is_none_or(|(ticket, _)| *ticket != reply.ticket) {
            return None;
        }
        let (_, call) = self.on_its_way.take()?;
        match &reply.outcome {
            Ok(body) => Some(Ok(body)),
            Err(error) => {
                let told = error.problem().is_some_and(|problem| problem.status < 500);
                self.unsure = (!told).then_some(call);
                Some(Err(error))
            }
        }
    }

    /// Whether an answer is waited for.
    pub(super) const fn is_waiting(&self) -> bool {
        self.on_its_way.is_some()
    }
}

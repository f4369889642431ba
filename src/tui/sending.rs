//! A write on its way. When the line broke nobody knows whether it arrived:
//! sending the same again goes under the same key, so that it is one write.

use super::event::{Reply, Ticket};
use super::layer::{Cx, Tone};
use crate::client::{Call, ClientError};

/// The most writes that are kept because nobody knows whether they arrived.
const MOST_UNSURE: usize = 32;

/// What was sent last.
#[derive(Debug, Default)]
pub(super) struct Sending {
    on_its_way: Option<(Ticket, Call)>,
}

impl Sending {
    /// Sends, unless something is on its way already.
    pub(super) fn send(&mut self, call: Call, cx: &mut Cx<'_>) {
        if self.on_its_way.is_some() {
            return;
        }
        let before = cx.unsure.iter().position(|before| before.says_the_same(&call));
        let call = before.map_or(call, |at| cx.unsure.remove(at));
        self.on_its_way = Some((cx.call(call.clone()), call));
    }

    /// Takes the answer if it is the one waited for.
    pub(super) fn take<'r>(&mut self, reply: &'r Reply, cx: &mut Cx<'_>) -> Option<Result<&'r [u8], &'r ClientError>> {
        if self.on_its_way.as_ref().is_none_or(|(ticket, _)| *ticket != reply.ticket) {
            return None;
        }
        let (_, call) = self.on_its_way.take()?;
        match &reply.outcome {
            Ok(body) => Some(Ok(body)),
            Err(error) => {
                let told = error.problem().is_some_and(|problem| problem.status < 500);
                if !told {
                    cx.unsure.push(call);
                    let older = cx.unsure.len().saturating_sub(MOST_UNSURE);
                    cx.unsure.drain(..older);
                }
                Some(Err(error))
            }
        }
    }

    /// Esc while something is on its way: it cannot be called back, so the form
    /// stays until the answer says what became of it.
    pub(super) fn holds_back(&self, cx: &mut Cx<'_>) -> bool {
        if self.is_waiting() {
            cx.say(Tone::Warning, "It is being sent: wait for the answer.");
        }
        self.is_waiting()
    }

    /// Whether an answer is waited for.
    pub(super) const fn is_waiting(&self) -> bool {
        self.on_its_way.is_some()
    }
}

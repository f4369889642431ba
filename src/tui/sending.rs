//! A write on its way. When the line broke nobody knows whether it arrived:
//! sending the same again goes under the same key, so that it is one write.
//! What must arrive is posted: then it lies in the outbox before it goes out.

use super::event::{Reply, Ticket};
use super::layer::{Cx, Intent, Tone};
use crate::client::outbox::Post;
use crate::client::{Call, ClientError};

/// The most writes that are kept because nobody knows whether they arrived.
const MOST_UNSURE: usize = 32;

/// What was sent last.
#[derive(Debug, Default)]
pub(super) struct Sending {
    on_its_way: Option<(Ticket, Call)>,
    /// Whether the outbox has it; none where it was just sent.
    outbox: Option<Lies>,
}

/// How sure it is that the outbox has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    /// It was told to.
    Soon,
    /// It is on the disk: whoever leaves loses nothing.
    There,
}

impl Sending {
    /// Sends, unless something is on its way already.
    pub(super) fn send(&mut self, call: Call, cx: &mut Cx<'_>) {
        if self.on_its_way.is_some() {
            return;
        }
        let call = Self::once(call, cx);
        self.on_its_way = Some((cx.call(call.clone()), call));
        self.outbox = None;
    }

    /// Keeps in the outbox and sends, unless something is on its way already.
    pub(super) fn post(&mut self, post: Post, cx: &mut Cx<'_>) {
        if self.on_its_way.is_some() {
            return;
        }
        let call = Self::once(post.call.clone(), cx);
        let post = Post { call: call.clone(), ..post };
        self.on_its_way = Some((cx.post(post), call));
        self.outbox = Some(Lies::Soon);
    }

    /// The same as before goes under the key of before.
    fn once(call: Call, cx: &mut Cx<'_>) -> Call {
        let before = cx.unsure.iter().position(|before| before.says_the_same(&call));
        before.map_or(call, |at| cx.unsure.remove(at))
    }

    /// The one that was posted lies in the outbox now, or could not be kept.
    pub(super) fn kept(&mut self, ticket: Ticket, is_kept: bool) {
        if self.on_its_way.as_ref().is_some_and(|(sent, _)| *sent == ticket) {
            self.outbox = is_kept.then_some(Lies::There);
        }
    }

    /// Whether the answer says that the outbox goes on with it: then the form is
    /// done.
    pub(super) fn goes_on_without(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool {
        let waits = reply.waits && self.on_its_way.take_if(|(ticket, _)| *ticket == reply.ticket).is_some();
        if waits {
            let kept = match reply.outcome.as_ref().err().and_then(ClientError::problem).map(|problem| problem.status) {
                Some(401) => "Kept on this machine: it is sent when you have signed in again. The outbox shows it",
                _ => "Kept on this machine: it is sent when the server answers. The outbox shows it",
            };
            cx.say(Tone::Warning, cx.shared.with_key("outbox", kept));
            cx.want(Intent::Done);
        }
        waits
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
    /// stays until the answer says what became of it; but not where the outbox
    /// has it.
    pub(super) fn holds_back(&self, cx: &mut Cx<'_>) -> bool {
        if self.is_waiting() && self.outbox == Some(Lies::There) {
            cx.say(Tone::Warning, cx.shared.with_key("outbox", "It is kept and on its way. The outbox shows what becomes of it"));
            return false;
        }
        if self.is_waiting() {
            cx.say(Tone::Warning, "It is being sent: wait for the answer.");
        }
        self.is_waiting()
    }

    /// Whether an answer is waited for.
    pub(super) const fn is_waiting(&self) -> bool {
        self.on_its_way.is_some()
    }

    /// Whether what the form holds lies in the outbox.
    pub(super) const fn needs_no_draft(&self) -> bool {
        self.on_its_way.is_some() && self.outbox.is_some()
    }
}

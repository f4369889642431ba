//! A write on its way. When the line broke nobody knows whether it arrived:
//! sending the same again goes under the same key, so that it is one write, and
//! before another text goes out in its place that is said.
//! What must arrive is posted: then it lies in the outbox before it goes out.

use super::event::{Reply, Ticket};
use super::layer::{Cx, Intent, Tone};
use crate::client::outbox::Post;
use crate::client::{Call, ClientError};

/// Said before a second write goes out beside one that may have arrived.
const MAY_BE_THERE: &str =
    "What you saved before may have arrived: only its answer was lost. This is another text, and would be there beside it. Save again sends it all the same.";

/// What was sent last.
#[derive(Debug, Default)]
pub(super) struct Sending {
    on_its_way: Option<Ticket>,
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
        let about = call.target().to_owned();
        if self.is_held_back(&about, &call, cx) {
            return;
        }
        let call = cx.unsure.once(call);
        let ticket = cx.call(call.clone());
        cx.unsure.goes_out(ticket, call, about, false);
        (self.on_its_way, self.outbox) = (Some(ticket), None);
    }

    /// Keeps in the outbox and sends, unless something is on its way already.
    pub(super) fn post(&mut self, post: Post, cx: &mut Cx<'_>) {
        if self.is_held_back(&post.about, &post.call, cx) {
            return;
        }
        let (call, about) = (cx.unsure.once(post.call.clone()), post.about.clone());
        let ticket = cx.post(Post { call: call.clone(), ..post });
        cx.unsure.goes_out(ticket, call, about, true);
        (self.on_its_way, self.outbox) = (Some(ticket), Some(Lies::Soon));
    }

    /// Whether it does not go out now: something else does, or another text may
    /// be there already.
    fn is_held_back(&self, about: &str, call: &Call, cx: &mut Cx<'_>) -> bool {
        let is_doubted = self.on_its_way.is_none() && cx.unsure.doubts(about, call);
        if is_doubted {
            cx.say(Tone::Warning, MAY_BE_THERE);
        }
        is_doubted || self.on_its_way.is_some()
    }

    /// The one that was posted lies in the outbox now, or could not be kept.
    pub(super) fn kept(&mut self, ticket: Ticket, is_kept: bool) {
        if self.on_its_way == Some(ticket) {
            self.outbox = is_kept.then_some(Lies::There);
        }
    }

    /// Whether the answer says that the outbox goes on with it: then the form is
    /// done.
    pub(super) fn goes_on_without(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool {
        let waits = reply.waits && self.on_its_way.take_if(|ticket| *ticket == reply.ticket).is_some();
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
    pub(super) fn take<'r>(&mut self, reply: &'r Reply) -> Option<Result<&'r [u8], &'r ClientError>> {
        self.on_its_way.take_if(|ticket| *ticket == reply.ticket)?;
        Some(reply.outcome.as_deref())
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

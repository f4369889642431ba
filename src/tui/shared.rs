//! What all layers see: the session, the line, the look; and the one function
//! by which the terminal greys.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::command::{Command, leads_out, named};
use super::keymap::Keymap;
use super::style::Look;
use crate::api::access::{Access, Needs, access};
use crate::api::operation::{ENDPOINTS, Method, Operation as _, SearchCustomers};
use crate::api::page::CustomerRef;
use crate::api::permission::PermissionSet;
use crate::api::session::{Acting, ActingWay, ScopeView, Session, UserKind};
use crate::client::outbox::Summary;

/// What the server said within so long is shown without its time.
pub(super) const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// Read by every layer, changed only by the shell.
#[derive(Debug)]
pub(super) struct Shared {
    /// Who is signed in; none until the server has said.
    pub(super) session: Option<Session>,
    /// The state of the line.
    pub(super) link: Link,
    /// How things look.
    pub(super) look: Look,
    /// Which keys do what.
    pub(super) keymap: Keymap,
    /// The time of the last event; no timer redraws what is shown of it.
    pub(super) now: Timestamp,
    /// The server's address.
    pub(super) server: Option<String>,
    /// Whether this machine was enrolled as a workshop terminal.
    pub(super) is_device: bool,
    /// What waits in the outbox of whoever is signed in.
    pub(super) outbox: Summary,
    /// The entries of the outbox that are on their way to the server just now.
    pub(super) sending: Vec<i64>,
    /// How many writes went out or came back: what was read before the last of
    /// them may be of yesterday.
    pub(super) writes: u64,
}

/// The state of the line, as the last answer showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing was asked yet.
    Unknown,
    /// Answers come. How fast is not told: it would be another with each key.
    Online,
    /// Answers take more than a second.
    Slow(Duration),
    /// The server has too much to do; it is asked again after so long.
    Busy(Duration),
    /// No answer since then.
    Offline(Timestamp),
}

impl Link {
    /// In words, with its delay in whole seconds where it is worth telling, or
    /// its age. The zone is looked up for that only: it is in files.
    pub(super) fn in_words(self, zone: impl FnOnce() -> TimeZone) -> String {
        match self {
            Self::Unknown => "connecting".to_owned(),
            Self::Online => "online".to_owned(),
            Self::Slow(took) => format!("slow {} s", took.as_secs()),
            Self::Busy(pause) => format!("busy, again in {} s", pause.as_secs_f64().ceil()),
            Self::Offline(since) => format!("off line since {}", since.to_zoned(zone()).strftime("%H:%M")),
        }
    }
}

impl Shared {
    /// Whether something may be done, and if not, why.
    pub(super) fn access(&self, needs: Needs) -> Result<(), String> {
        match &self.session {
            Some(session) => reason(session.granted(), needs).map_err(|reason| match self.acting() {
                Some(acting) if !acting.allowed => format!("{} took its consent back, or you may not act for it any more.", acting.customer.name),
                _ => reason,
            }),
            None if needs == Needs::Open => Ok(()),
            None => Err("Not signed in yet.".to_owned()),
        }
    }

    /// In whose place somebody of the dealer's works or looks just now.
    pub(super) fn acting(&self) -> Option<&Acting> {
        self.session.as_ref()?.acting.as_ref()
    }

    /// Whether one looks through a contact's eyes.
    fn is_looking(&self) -> bool {
        self.acting().is_some_and(|acting| acting.way == ActingWay::ViewAs)
    }

    /// Why something cannot be done though a contact through whose eyes one
    /// looks could: the screen shows what that contact sees, and nothing of it
    /// can be changed.
    pub(super) fn only_looks(&self, needs: Needs) -> Option<String> {
        (self.is_looking() && is_writing(needs)).then(|| "Nothing can be changed while you look through somebody else's eyes.".to_owned())
    }

    /// The zone in which times are shown: the shop's, else this machine's.
    pub(super) fn zone(&self) -> TimeZone {
        let named = self.session.as_ref().and_then(|session| session.shop.as_ref()).map(|shop| shop.time_zone.as_str());
        named.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
    }

    /// The country by which states and numbers are read.
    pub(super) fn country(&self) -> &str {
        self.session.as_ref().and_then(|session| session.shop.as_ref()).map_or("US", |shop| &shop.country)
    }

    /// Whether a customer's person or a kiosk sits here, or somebody sees what
    /// a customer's person would.
    pub(super) fn is_outside(&self) -> bool {
        self.is_looking() || self.session.as_ref().is_some_and(|session| session.user.kind.is_outside())
    }

    /// The company of whoever sits here, or the customer that is worked for or
    /// looked at just now; all of them where somebody of several has chosen none
    /// (S0-8). Their names come with the session: no other call may be open to
    /// everybody who is of one.
    pub(super) fn companies(&self) -> Vec<CustomerRef> {
        let of_one = |session: &&Session| session.acting.is_some() || session.user.kind == UserKind::Customer;
        let Some(session) = self.session.as_ref().filter(of_one) else { return Vec::new() };
        if let Some(customer) = &session.customer {
            return vec![customer.clone()];
        }
        let mut all: Vec<CustomerRef> = session.scopes.iter().filter_map(company).collect();
        all.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        all.dedup_by_key(|company| company.id);
        all
    }

    /// Whether a command is not there at all for whoever sits here: hidden and
    /// not greyed, so that nobody outside learns of it (G-5), nor of what leads
    /// out of a workshop terminal or is outside its list.
    pub(super) fn hides(&self, command: &Command) -> bool {
        let administers = command.id == "administration" && (self.is_outside() || self.is_kiosk());
        let is_of_none = command.id == "company" && self.companies().is_empty();
        // Where only assets are looked for there is no other place to look.
        let turns = matches!(command.id, "find.scope" | "find.scope_back") && self.hides_what_needs(SearchCustomers::ENDPOINT.needs);
        administers || is_of_none || turns || self.hides_what_needs(command.needs) || self.is_kiosk() && leads_out(command)
    }

    /// Whether what needs this is hidden where elsewhere it would be greyed: at a
    /// workshop terminal everything outside its list is (G-5).
    pub(super) fn hides_what_needs(&self, needs: Needs) -> bool {
        self.is_kiosk() && self.access(needs).is_err()
    }

    /// Whether this is a workstation that must keep nothing, whoever signed in
    /// at it.
    pub(super) fn is_kiosk(&self) -> bool {
        self.is_device || self.session.as_ref().is_some_and(|session| session.user.kind == UserKind::Kiosk)
    }

    /// A sentence with the key of a command behind it.
    pub(super) fn with_key(&self, command: &str, text: &str) -> String {
        match named(command).and_then(|command| self.keymap.shown(command)) {
            Some(key) => format!("{text} ({}).", self.look.key_text(&key)),
            None => format!("{text}."),
        }
    }

    /// A day, short: `14 Nov`, with the year where it is another.
    pub(super) fn day(&self, at: Timestamp) -> String {
        let (at, now) = (at.to_zoned(self.zone()), self.now.to_zoned(self.zone()));
        let pattern = if at.year() == now.year() { "%-d %b" } else { "%-d %b %Y" };
        at.strftime(pattern).to_string()
    }

    /// Day and time: `14 Nov 09:30`.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        format!("{} {}", self.day(at), at.to_zoned(self.zone()).strftime("%H:%M"))
    }

    /// Whether the last call found nobody.
    pub(super) const fn is_off_line(&self) -> bool {
        matches!(self.link, Link::Offline(_))
    }

    /// Whether what the server said then may be another by now: nobody can be asked,
    /// or it is minutes old, or by whose clock it was said nobody knows.
    pub(super) fn may_be_old(&self, said_at: Timestamp) -> bool {
        self.is_off_line() || self.now.duration_since(said_at).abs() >= FRESH
    }

    /// When the server said something: `14:02`, with the day where that is
    /// another one.
    pub(super) fn clock(&self, at: Timestamp) -> String {
        let (then, now) = (at.to_zoned(self.zone()), self.now.to_zoned(self.zone()));
        if then.date() == now.date() { then.strftime("%H:%M").to_string() } else { self.moment(at) }
    }

    /// How long ago that was at the last event; none where the clock was set
    /// back, for then nobody knows.
    pub(super) fn age(&self, at: Timestamp) -> Option<String> {
        age_in_words(self.now.duration_since(at).as_secs())
    }
}

/// The customer that a grant reaches, if it is one.
fn company(scope: &ScopeView) -> Option<CustomerRef> {
    let id = scope.id.as_deref().filter(|_| scope.kind == "customer")?.parse().ok()?;
    Some(CustomerRef { id, number: None, name: scope.name.clone().unwrap_or_default() })
}

fn age_in_words(seconds: i64) -> Option<String> {
    let told = |count: i64, unit: &str| Some(format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" }));
    match seconds {
        ..0 => None,
        0..60 => Some("less than a minute ago".to_owned()),
        60..3_600 => told(seconds / 60, "minute"),
        3_600..86_400 => told(seconds / 3_600, "hour"),
        86_400.. => told(seconds / 86_400, "day"),
    }
}

fn reason(granted: PermissionSet, needs: Needs) -> Result<(), String> {
    let decided = access(granted, needs);
    match decided {
        Access::Allowed => Ok(()),
        Access::Denied(_) => Err(decided.reason().unwrap_or_default()),
    }
}

/// Whether all that needs this changes something. What a sign-in is enough for
/// is the server's to refuse.
fn is_writing(needs: Needs) -> bool {
    let reads = ENDPOINTS.iter().any(|endpoint| endpoint.needs == needs && endpoint.method == Method::Get);
    matches!(needs, Needs::All(_) | Needs::Any(_)) && !reads
}

/// Whether the terminal lets a role's permissions run a command: by the same
/// table as the server refuses.
#[must_use]
pub fn command_access(granted: PermissionSet, command: &Command) -> Access {
    access(granted, command.needs)
}

/// What tests of layers stand on.
#[cfg(test)]
pub(super) mod tried {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::ids::UserId;

    /// A terminal on line at which nobody is signed in.
    pub(in crate::tui) fn terminal() -> Shared {
        Shared {
            session: None,
            link: Link::Online,
            look: Look::new(false, true),
            keymap: Keymap::new(&[]).unwrap(),
            now: Timestamp::UNIX_EPOCH,
            server: None,
            is_device: false,
            outbox: Summary::default(),
            sending: Vec::new(),
            writes: 0,
        }
    }

    /// What the server says of Jo Ortiz, who may do this.
    pub(in crate::tui) fn session(user: UserId, kind: &str, permissions: &[&str], idle_seconds: i64) -> Value {
        json!({
            "user": { "id": user, "username": "jo", "name": "Jo Ortiz", "first": "Jo", "last": "Ortiz", "email": null, "phone": null, "kind": kind, "roles": [] },
            "shop": null, "customer": null, "scopes": [], "permissions": permissions, "limits": {}, "policy_version": "1",
            "expires_at": "2030-01-01T00:00:00Z", "idle_seconds": idle_seconds,
        })
    }

    /// The same terminal with Jo at it.
    pub(in crate::tui) fn signed_in(kind: &str, permissions: &[&str]) -> Shared {
        let session = serde_json::from_value(session(UserId::new(), kind, permissions, 43_200)).unwrap();
        Shared { session: Some(session), ..terminal() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::command::named;

    #[test]
    fn the_line_is_told_in_words_that_stay_while_nothing_is_odd() {
        let told = |link: Link| link.in_words(|| TimeZone::UTC);
        assert_eq!(told(Link::Online), "online");
        assert_eq!(told(Link::Slow(Duration::from_millis(2_900))), "slow 2 s");
        assert_eq!(told(Link::Busy(Duration::from_millis(2_100))), "busy, again in 3 s");
        assert_eq!(told(Link::Offline(Timestamp::UNIX_EPOCH)), "off line since 00:00");
    }

    #[test]
    fn an_age_is_told_in_words_and_not_made_up() {
        let told = |seconds| age_in_words(seconds).unwrap_or_default();
        assert_eq!(age_in_words(-1), None, "the clock was set back");
        assert_eq!([told(0), told(59)], ["less than a minute ago", "less than a minute ago"]);
        assert_eq!([told(60), told(119), told(720)], ["1 minute ago", "1 minute ago", "12 minutes ago"]);
        assert_eq!([told(3_600), told(86_399), told(172_800)], ["1 hour ago", "23 hours ago", "2 days ago"]);
    }

    #[test]
    fn g_5_a_workshop_terminal_hides_what_elsewhere_is_greyed() {
        let hides = |kind: &str, id: &str| tried::signed_in(kind, &["asset.lookup", "meter.reading.add_edit"]).hides(named(id).unwrap());
        for id in ["find.customers", "find.scope", "customer.new", "meter.void", "contact.view_as", "administration", "outbox"] {
            assert!(hides("kiosk", id), "{id}");
        }
        for id in ["find.assets", "asset.reading", "help", "back"] {
            assert!(!hides("kiosk", id), "{id} is in its list");
        }
        for id in ["find.customers", "find.scope", "meter.void", "outbox"] {
            assert!(!hides("staff", id) && !hides("customer", id), "{id} is greyed there");
        }
    }

    #[test]
    fn ones_company_is_known_from_the_session_alone() {
        let names = |shared: &Shared| shared.companies().into_iter().map(|company| company.name).collect::<Vec<_>>();
        let scope = |kind: &str, name: &str| ScopeView {
            role: "executive".to_owned(),
            kind: kind.to_owned(),
            id: Some(format!("018f0000-0000-7000-8000-00000000000{}", name.len() % 10)),
            name: Some(name.to_owned()),
        };
        let mut ada = tried::signed_in("customer", &[]);
        assert_eq!(names(&ada), [""; 0]);
        let scopes = vec![scope("customer", "Keller Bau"), scope("organization", "KELLER"), scope("customer", "City of Waco"), scope("customer", "Keller Bau")];
        ada.session.as_mut().unwrap().scopes = scopes;
        assert_eq!(names(&ada), ["City of Waco", "Keller Bau"], "she is of two and has chosen none");
        ada.session.as_mut().unwrap().customer = company(&scope("customer", "Keller Bau"));
        assert_eq!(names(&ada), ["Keller Bau"]);
        assert!(!ada.hides(named("company").unwrap()));
        // The dealer's people have one while they work for it.
        ada.session.as_mut().unwrap().user.kind = UserKind::Staff;
        assert_eq!(names(&ada), [""; 0]);
        assert!(ada.hides(named("company").unwrap()));
        let customer = company(&scope("customer", "Keller Bau")).unwrap();
        ada.session.as_mut().unwrap().acting = Some(Acting { way: ActingWay::OnBehalf, customer, contact: None, allowed: true });
        assert_eq!(names(&ada), ["Keller Bau"]);
    }

    #[test]
    fn what_changes_something_is_told_from_what_reads() {
        for (id, writes) in [("asset.reading", true), ("customer.number", true), ("contact.change", true), ("find.customers", false), ("acting.stop", false)] {
            assert_eq!(named(id).map(|command| is_writing(command.needs)), Some(writes), "{id}");
        }
    }
}

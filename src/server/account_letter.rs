//! The letters by which people hear of what happened to their accounts: another
//! password, another address, and a sign-in from a new place. Nothing in them
//! signs anybody in.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::noted::Origin;
use crate::api::session::UserKind;
use crate::store::users::UserRow;
use crate::text::clean_line;

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// Somebody who knew its password changed it.
    Changed,
    /// Its password was set by a mailed link.
    SetByLink,
    /// Somebody in charge gave it another password.
    Given,
    /// Letters about it go to another address from now on.
    Moved,
    /// Somebody signed in from where the last sign-ins did not come from.
    NewPlace,
}

impl Happened {
    const fn subject(self) -> &'static str {
        match self {
            Self::Changed | Self::SetByLink => "Your password for the counter was changed",
            Self::Given => "You have a new password for the counter",
            Self::Moved => "Your address for the counter was changed",
            Self::NewPlace => "A sign-in to the counter from a new place",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Changed => {
                "The password of your account there was changed by somebody who knew\n\
                 the one before."
            }
            Self::SetByLink => {
                "The password of your account there was set, with the link that was\n\
                 mailed to you."
            }
            Self::Given => {
                "Somebody who manages accounts there gave yours another password. You\n\
                 hear it from them, and change it when you sign in."
            }
            Self::Moved => {
                "Somebody who manages accounts there changed the e-mail address of yours.\n\
                 This is the last letter about it that comes to this one."
            }
            Self::NewPlace => {
                "Somebody signed in to your account there, from an address that none of\n\
                 your last sign-ins came from."
            }
        }
    }
}

/// A letter to whom an account belongs.
#[derive(Clone)]
pub(crate) struct AccountLetter {
    /// The address it goes to.
    pub(super) to: String,
    /// The name to sign in with.
    pub(super) username: String,
    happened: Happened,
    at: Zoned,
    came_from: Option<String>,
    moved_to: Option<String>,
}

impl fmt::Debug for AccountLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountLetter").field("username", &self.username).field("happened", &self.happened).finish_non_exhaustive()
    }
}

impl AccountLetter {
    /// About what happened just now; none for programs, workshop terminals, and
    /// people without an address.
    pub(super) fn about(happened: Happened, user: &UserRow, origin: Option<&Origin>, zone: TimeZone) -> Option<Self> {
        let is_person = matches!(UserKind::named(&user.kind), Some(UserKind::Staff | UserKind::Customer));
        let to = user.email.clone().filter(|_| is_person)?;
        let came_from = origin.and_then(|origin| origin.came_from.clone());
        Some(Self { to, username: user.username.clone(), happened, at: Timestamp::now().to_zoned(zone), came_from, moved_to: None })
    }

    /// That the address of an account is another one now: to the one that it was,
    /// which may be somebody else's mailbox by now. So it is told shortened.
    pub(super) fn moved(user: UserRow, was: Option<String>, is: Option<&str>, zone: TimeZone) -> Option<Self> {
        let letter = Self::about(Happened::Moved, &UserRow { email: was, ..user }, None, zone)?;
        Some(Self { moved_to: Some(is.map_or_else(|| "none".to_owned(), shortened)), ..letter })
    }

    /// The subject.
    pub(super) const fn subject(&self) -> &'static str {
        self.happened.subject()
    }

    /// The letter, in short lines so that it travels as it is written.
    pub(super) fn text(&self) -> String {
        // A line break in a name must not start a paragraph of somebody else's.
        let (username, at) = (clean_line(&self.username), self.at.strftime("%-d %B %Y, %H:%M %Z"));
        let came_from = self.came_from.as_deref().map(|address| format!("From: {}\n", clean_line(address))).unwrap_or_default();
        let moved_to = self.moved_to.as_deref().map(|address| format!("New address: {}\n", clean_line(address))).unwrap_or_default();
        format!(
            "Hello,\n\
             \n\
             this comes from your dealer's counter.\n\
             {}\n\
             \n\
             User name: {username}\n\
             When: {at}\n\
             {came_from}\
             {moved_to}\
             \n\
             If you know of it, there is nothing to do. If you do not, tell your\n\
             dealer at once: the account can be closed and get another password.\n\
             \n\
             A program sent this letter; nobody reads an answer to it.\n",
            self.happened.in_words()
        )
    }
}

/// An address by its first letter and where it is: known to whoever knows it.
fn shortened(address: &str) -> String {
    let (name, place) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}…@{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(kind: UserKind) -> UserRow {
        UserRow { email: Some("jo@customer.example".to_owned()), ..UserRow::new("jo\n\nhttps://evil.example\u{202e}", kind) }
    }

    fn origin() -> Origin {
        Origin { request_id: None, came_from: Some("203.0.113.9".to_owned()) }
    }

    #[test]
    fn it_says_what_happened_and_what_to_do() {
        for happened in [Happened::Changed, Happened::SetByLink, Happened::Given, Happened::NewPlace] {
            let letter = AccountLetter::about(happened, &user(UserKind::Customer), Some(&origin()), TimeZone::UTC).unwrap();
            let text = letter.text();
            for said in ["User name: jo  https://evil.example\n", " UTC\nFrom: 203.0.113.9\n", "tell your\ndealer at once", happened.in_words()] {
                assert!(text.contains(said), "{said} in {text}");
            }
            assert!(text.lines().all(|line| line.len() < 76), "{text}");
        }
        let was = Some("jo@customer.example".to_owned());
        let moved = AccountLetter::moved(user(UserKind::Customer), was.clone(), Some("jo.ortiz@elsewhere.example"), TimeZone::UTC).unwrap();
        assert_eq!((&moved.to, moved.subject()), (&was.clone().unwrap(), "Your address for the counter was changed"));
        assert!(moved.text().contains("\nNew address: j…@elsewhere.example\n\nIf you know") && !moved.text().contains("ortiz"), "{}", moved.text());
        assert!(moved.text().lines().all(|line| line.len() < 76), "{}", moved.text());
        assert!(AccountLetter::moved(user(UserKind::Staff), was, None, TimeZone::UTC).unwrap().text().contains("New address: none\n"));
        let letter = AccountLetter::about(Happened::Given, &user(UserKind::Staff), None, TimeZone::UTC).unwrap();
        assert!(!letter.text().contains("From:"), "where somebody in charge sits is nobody's business");
    }

    #[test]
    fn machines_and_people_without_an_address_get_none() {
        for kind in [UserKind::Kiosk, UserKind::ServiceAccount] {
            assert!(AccountLetter::about(Happened::Changed, &user(kind), Some(&origin()), TimeZone::UTC).is_none(), "{kind:?}");
        }
        assert!(AccountLetter::moved(user(UserKind::Customer), None, Some("jo@customer.example"), TimeZone::UTC).is_none(), "there was no address");
        assert!(AccountLetter::about(Happened::Changed, &UserRow::new("jo", UserKind::Staff), Some(&origin()), TimeZone::UTC).is_none());
    }
}

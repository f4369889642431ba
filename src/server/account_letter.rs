//! The letters by which people hear of what happened to their accounts: another
//! password, and a sign-in from a new place. Nothing in them signs anybody in.

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
    /// Somebody signed in from where the last sign-ins did not come from.
    NewPlace,
}

impl Happened {
    const fn subject(self) -> &'static str {
        match self {
            Self::Changed | Self::SetByLink => "Your password for the counter was changed",
            Self::Given => "You have a new password for the counter",
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
        Some(Self { to, username: user.username.clone(), happened, at: Timestamp::now().to_zoned(zone), came_from })
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
        format!(
            "Hello,\n\
             \n\
             this comes from your dealer's counter.\n\
             {}\n\
             \n\
             User name: {username}\n\
             When: {at}\n\
             {came_from}\
             \n\
             If you know of it, there is nothing to do. If you do not, tell your\n\
             dealer at once: the account can be closed and get another password.\n\
             \n\
             A program sent this letter; nobody reads an answer to it.\n",
            self.happened.in_words()
        )
    }
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
        let letter = AccountLetter::about(Happened::Given, &user(UserKind::Staff), None, TimeZone::UTC).unwrap();
        assert!(!letter.text().contains("From:"), "where somebody in charge sits is nobody's business");
    }

    #[test]
    fn machines_and_people_without_an_address_get_none() {
        for kind in [UserKind::Kiosk, UserKind::ServiceAccount] {
            assert!(AccountLetter::about(Happened::Changed, &user(kind), Some(&origin()), TimeZone::UTC).is_none(), "{kind:?}");
        }
        assert!(AccountLetter::about(Happened::Changed, &UserRow::new("jo", UserKind::Staff), Some(&origin()), TimeZone::UTC).is_none());
    }
}

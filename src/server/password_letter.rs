//! The letter with the link to set a password with: plain text, nothing in it
//! that tells whether it was read.

use std::fmt;

use jiff::Zoned;

use crate::text::clean_line;

/// How long a link works.
pub(crate) const LINK_HOURS: i64 = 24;

/// The subject, the same for everybody.
pub(super) const SUBJECT: &str = "Set your password for the counter";

/// Who may set a password, and until when.
#[derive(Clone)]
pub(crate) struct PasswordLink {
    /// The address the letter goes to.
    pub(crate) to: String,
    /// The name to sign in with.
    pub(crate) username: String,
    /// The one-time code. Only the letter ever holds it.
    pub(crate) code: String,
    /// When it ends, in the time zone that the reader lives by.
    pub(crate) ends_at: Zoned,
}

impl fmt::Debug for PasswordLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordLink").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The letter. Its lines are short, so that it travels as it is written where
/// the link is short too.
pub(super) fn text(link: &PasswordLink, address: &str) -> String {
    // A line break in a name must not start a paragraph of somebody else's.
    let (username, until) = (clean_line(&link.username), link.ends_at.strftime("%-d %B %Y, %H:%M %Z"));
    format!(
        "Hello,\n\
         \n\
         this comes from your dealer's counter. With the link below you set the\n\
         password of your account there.\n\
         \n\
         User name: {username}\n\
         \n\
         {address}\n\
         \n\
         The link works once, and for {LINK_HOURS} hours: until {until}.\n\
         Should the page not open, run `countertop password` in a terminal and\n\
         give it the code: that is the part of the link after the # sign.\n\
         \n\
         If you did not ask for this, do nothing: your password stays as it is,\n\
         and the link ends by itself. Give the link to nobody. If such letters\n\
         keep coming, tell your dealer.\n\
         \n\
         A program sent this letter; nobody reads an answer to it.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://counter.dealer.example/set-password#C0de";

    fn letter(username: &str) -> String {
        let ends_at: Zoned = "2026-11-23T14:05:00[UTC]".parse().unwrap();
        text(&PasswordLink { to: "jo@customer.example".to_owned(), username: username.to_owned(), code: "C0de".to_owned(), ends_at }, ADDRESS)
    }

    #[test]
    fn it_says_who_writes_for_whom_and_until_when() {
        let letter = letter("jo.ortiz");
        for said in ["your dealer's counter", "User name: jo.ortiz\n", "works once", "until 23 November 2026, 14:05 UTC", "did not ask"] {
            assert!(letter.contains(said), "{said} in {letter}");
        }
        assert!(letter.lines().any(|line| line == ADDRESS), "the link stands on a line of its own");
        assert!(letter.lines().all(|line| line.len() < 76), "{letter}");
    }

    #[test]
    fn a_name_stays_on_its_line() {
        assert!(letter("jo\n\nhttps://evil.example\u{202e}").contains("User name: jo  https://evil.example\n"));
    }
}

//! A customer's word that the dealer's people may act for it (S1-14): writing it
//! down, and taking it back.

use jiff::civil::Date;
use jiff::{Span, Timestamp, Zoned};

use super::form_layer::{FormLayer, Purpose};
use super::question::{Act, Question};
use crate::api::contact::{Consent, NewConsent};
use crate::api::ids::CustomerId;
use crate::api::operation::{EndConsent, GiveConsent, OfConsent, OfCustomer};
use crate::api::page::Nothing;
use crate::api::role::Role;
use crate::api::session::UserKind;
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// Asks for the role, who said so and until when.
#[derive(Debug)]
pub(in crate::tui) struct ConsentForm {
    customer: CustomerId,
}

impl ConsentForm {
    /// For a customer, with the name of whoever may have said so.
    pub(in crate::tui) fn layer(customer: CustomerId, said_by: &str) -> FormLayer<Self> {
        // An access level is no role that anybody acts in.
        let roles = Role::all().iter().filter(|role| role.audience() == UserKind::Customer && !role.key.starts_with("level_"));
        let form = Form::new(vec![
            FormField::new("role", "May act as", "space turns it, a letter jumps").one_of(roles.map(|role| role.key.as_ref())),
            FormField::new("given_by", "Said by", "who of the customer; required").with(said_by).replaced_by_typing(),
            FormField::new("to", "Until", "empty: until it is taken back; 2026-12-31 or +30d"),
        ]);
        FormLayer::new(Self { customer }, form)
    }
}

impl Purpose for ConsentForm {
    fn title(&self) -> String {
        "Consent to act".to_owned()
    }

    fn about(&self) -> Option<String> {
        Some(format!("consent {}", self.customer))
    }

    fn note(&self) -> &'static str {
        "You may then do for it what this role may and you may yourself."
    }

    fn call(&self, form: &Form, shared: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        let now = shared.now.to_zoned(shared.zone());
        let to = match form.some("to") {
            Some(text) => Some(end(&text, &now).ok_or_else(|| vec![("to", "write 2026-12-31, +30d or +4w".to_owned())])?),
            None => None,
        };
        let body = NewConsent { role: form.text("role").to_owned(), given_by: form.text("given_by").to_owned(), to };
        Ok(Call::of::<GiveConsent>(&OfCustomer { id: self.customer }, &Nothing {}, &body))
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        cx.say(Tone::Fine, "The consent was written down.");
        cx.want(Intent::Changed(Subject::Customer(self.customer)));
        cx.want(Intent::Done);
    }
}

/// The end of a day, or so many days or weeks from now.
fn end(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Some(ahead) = text.strip_prefix('+') {
        let (count, unit) = ahead.split_at_checked(ahead.len().checked_sub(1)?)?;
        let count: i64 = count.parse().ok()?;
        let span = match unit {
            "d" => Span::new().try_days(count),
            "w" => Span::new().try_weeks(count),
            _ => return None,
        };
        return Some(now.checked_add(span.ok()?).ok()?.timestamp());
    }
    let day: Date = text.parse().ok()?;
    Some(day.tomorrow().ok()?.to_zoned(now.time_zone().clone()).ok()?.timestamp())
}

/// Takes a consent back.
#[derive(Debug)]
pub(in crate::tui) struct EndOfConsent {
    path: OfConsent,
    customer: CustomerId,
    role: String,
    given_by: String,
}

impl EndOfConsent {
    /// Asks whether it is meant.
    pub(in crate::tui) fn layer(consent: &Consent) -> Question<Self> {
        let (path, role) = (OfConsent { id: consent.id }, consent.role.replace('_', " "));
        Question::new(Self { path, customer: consent.customer_id, role, given_by: consent.given_by.clone() })
    }
}

impl Act for EndOfConsent {
    fn title(&self) -> &'static str {
        "Take the consent back"
    }

    fn question(&self) -> String {
        format!("Take back the consent of {} to act as {}? Whoever acts for this customer by it has to stop at once.", self.given_by, self.role)
    }

    fn call(&self) -> Call {
        Call::of::<EndConsent>(&self.path, &Nothing {}, &Nothing {})
    }

    fn taken(&self, _: &[u8], cx: &mut Cx<'_>) {
        cx.say(Tone::Fine, "The consent was taken back.");
        cx.want(Intent::Changed(Subject::Customer(self.customer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_ends_with_its_day_or_after_so_many() {
        let now: Zoned = "2026-11-21T14:00:00-08:00[America/Los_Angeles]".parse().unwrap();
        let at = |text: &str| end(text, &now).map(|at| at.to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M").to_string());
        assert_eq!(at("2026-12-31").as_deref(), Some("2027-01-01 00:00"), "that day is the last");
        assert_eq!(at("+30d").as_deref(), Some("2026-12-21 14:00"));
        assert_eq!(at("+2w").as_deref(), Some("2026-12-05 14:00"));
        for bad in ["+", "+d", "+3x", "+3ä", "31", "tomorrow", "2026-13-01"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}

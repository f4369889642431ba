//! Choosing services by their first letters, several with Enter; what is on no
//! list goes in as free text (S2-43).

use crate::api::place::ServiceCode;
use crate::api::service::NewLine;
use crate::text::fold;
use crate::tui::widgets::TextField;

/// The field and what was chosen so far.
#[derive(Debug, Default)]
pub(super) struct ServiceChoice {
    /// What is being typed.
    pub(super) field: TextField,
    /// The pre-defined services; none until they were loaded.
    pub(super) known: Option<Vec<ServiceCode>>,
    /// Chosen ones.
    pub(super) chosen: Vec<ServiceCode>,
    /// Free texts.
    pub(super) other: Vec<String>,
    /// Entered before the list came: what they mean shows then.
    early: Vec<String>,
}

impl ServiceChoice {
    /// The services that fit what is typed, the best first.
    pub(super) fn fitting(&self) -> Vec<&ServiceCode> {
        self.fitting_to(self.field.text())
    }

    fn fitting_to(&self, text: &str) -> Vec<&ServiceCode> {
        let wanted = fold(text);
        if wanted.is_empty() {
            return Vec::new();
        }
        let rank = |service: &ServiceCode| {
            let (name, code) = (fold(&service.name), fold(&service.code));
            match () {
                () if name.starts_with(&wanted) => Some(0),
                () if code.starts_with(&wanted) => Some(1),
                () if name.split(' ').any(|word| word.starts_with(&wanted)) => Some(2),
                () if name.contains(&wanted) => Some(3),
                () => None,
            }
        };
        let mut fitting: Vec<(i32, &ServiceCode)> =
            self.known.iter().flatten().filter(|service| !self.chosen.contains(service)).filter_map(|service| Some((rank(service)?, service))).collect();
        fitting.sort_by_key(|(rank, _)| *rank);
        fitting.into_iter().map(|(_, service)| service).collect()
    }

    /// Adds what is typed: the best fitting service, else the text itself.
    pub(super) fn add(&mut self) {
        let text = self.field.text().trim().to_owned();
        self.field = TextField::default();
        if self.known.is_some() {
            self.add_text(text);
        } else if !text.is_empty() {
            self.early.push(text);
        }
    }

    fn add_text(&mut self, text: String) {
        match self.fitting_to(&text).first().map(|service| (*service).clone()) {
            Some(service) => self.chosen.push(service),
            None if !text.is_empty() && !self.other.contains(&text) => self.other.push(text),
            None => {}
        }
    }

    /// The list came; what was entered before counts now.
    pub(super) fn loaded(&mut self, known: Vec<ServiceCode>) {
        self.known = Some(known);
        for text in std::mem::take(&mut self.early) {
            self.add_text(text);
        }
    }

    /// Whether it is known what everything that was entered means.
    pub(super) fn is_settled(&self) -> bool {
        self.known.is_some() || self.early.is_empty() && self.field.is_empty()
    }

    /// Takes the last one back.
    pub(super) fn take_back(&mut self) {
        if self.early.pop().is_none() && self.other.pop().is_none() {
            self.chosen.pop();
        }
    }

    /// As the API takes them; text that was typed and not entered counts too.
    pub(super) fn lines(&mut self) -> Vec<NewLine> {
        self.add();
        let chosen = self.chosen.iter().map(|service| NewLine { service_code: Some(service.code.clone()), other_text: None });
        let other = self.other.iter().map(|text| NewLine { service_code: None, other_text: Some(text.clone()) });
        chosen.chain(other).collect()
    }

    /// What was chosen, in words.
    pub(super) fn in_words(&self) -> String {
        self.entered().join(", ")
    }

    /// The same, one a line: a comma may stand in each.
    pub(super) fn in_lines(&self) -> String {
        self.entered().join("\n")
    }

    fn entered(&self) -> Vec<&str> {
        let chosen = self.chosen.iter().map(|service| service.name.as_str());
        chosen.chain(self.other.iter().chain(&self.early).map(String::as_str)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(typed: &str) -> ServiceChoice {
        let service = |code: &str, name: &str| ServiceCode { code: code.to_owned(), name: name.to_owned() };
        let known = vec![service("BRK", "Brake inspection"), service("OIL", "Oil and filter change"), service("FIL", "Air filter")];
        ServiceChoice { field: TextField::with(typed), known: Some(known), ..ServiceChoice::default() }
    }

    #[test]
    fn s2_43_three_letters_choose_a_service_and_anything_else_is_free_text() {
        let mut services = choice("bra");
        services.add();
        services.field.set("rattles in the cab");
        services.add();
        assert_eq!(services.in_words(), "Brake inspection, rattles in the cab");
        assert_eq!(services.lines().len(), 2);
    }

    #[test]
    fn enter_before_the_list_is_not_lost() {
        let mut services = choice("oil");
        let known = services.known.take().unwrap();
        services.add();
        assert!(!services.is_settled() && services.field.is_empty(), "it is not sent before it is known what it means");
        services.field.set("rattles");
        services.add();
        services.loaded(known);
        assert!(services.is_settled());
        assert_eq!(services.in_words(), "Oil and filter change, rattles");
    }

    #[test]
    fn the_start_of_a_name_stands_before_its_middle() {
        let services = choice("fil");
        let names: Vec<&str> = services.fitting().iter().map(|service| service.code.as_str()).collect();
        assert_eq!(names, ["FIL", "OIL"]);
    }
}

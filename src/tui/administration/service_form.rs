//! The form of a pre-defined service (S2-5): a new one, or another name for one
//! that is there.

use super::fields::{Faults, saved};
use crate::api::operation::SetServiceCode;
use crate::api::page::Nothing;
use crate::api::place::ServiceCode;
use crate::client::Call;
use crate::tui::layer::Cx;
use crate::tui::overlays::{FormLayer, Purpose};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// Asks for code and name, or for another name only.
#[derive(Debug)]
pub(super) struct ServiceForm {
    present: Option<ServiceCode>,
    /// Those there are: a new one must not rename one of them.
    known: Vec<ServiceCode>,
}

impl ServiceForm {
    /// For a new service, or the one to rename.
    pub(super) fn layer(present: Option<&ServiceCode>, known: &[ServiceCode]) -> FormLayer<Self> {
        let mut fields = vec![FormField::new("name", "Name", "required: as customers read it").with(present.map_or("", |present| &present.name))];
        if present.is_none() {
            fields.insert(0, FormField::new("code", "Code", "required: short, and not to be changed later"));
        }
        FormLayer::new(Self { present: present.cloned(), known: known.to_vec() }, Form::new(fields)).of_record(present.is_some())
    }
}

impl Purpose for ServiceForm {
    fn title(&self) -> String {
        self.present.as_ref().map_or_else(|| "New service".to_owned(), |present| format!("Service {}", present.code))
    }

    fn about(&self) -> Option<String> {
        Some(self.present.as_ref().map_or_else(|| "new service".to_owned(), |present| format!("service {}", present.code)))
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Faults> {
        let code = self.present.as_ref().map_or_else(|| form.text("code").trim().to_owned(), |present| present.code.clone());
        if self.present.is_none()
            && let Some(taken) = self.known.iter().find(|known| known.code == code)
        {
            return Err(vec![("code", format!("{} has this code: choose another.", taken.name))]);
        }
        Ok(Call::of::<SetServiceCode>(&Nothing {}, &Nothing {}, &ServiceCode { code, name: form.text("name").to_owned() }))
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        saved(cx, format!("{}: saved.", self.title()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::shared::tried;

    fn oil() -> ServiceCode {
        ServiceCode { code: "OIL".to_owned(), name: "Oil and filter change".to_owned() }
    }

    #[test]
    fn a_new_service_takes_no_code_that_another_one_has() {
        let shared = tried::terminal();
        let mut form = Form::new(vec![FormField::new("code", "Code", ""), FormField::new("name", "Name", "")]);
        let new = ServiceForm { present: None, known: vec![oil()] };
        form.fill("code", " OIL ");
        form.fill("name", "Oil for the lamps");
        let faults = new.call(&form, &shared).unwrap_err();
        assert_eq!(faults, [("code", "Oil and filter change has this code: choose another.".to_owned())]);
        let renamed = ServiceForm { present: Some(oil()), known: vec![oil()] }.call(&form, &shared).unwrap();
        let said = ServiceCode { code: "OIL".to_owned(), name: "Oil for the lamps".to_owned() };
        assert!(renamed.says_the_same(&Call::of::<SetServiceCode>(&Nothing {}, &Nothing {}, &said)));
    }
}

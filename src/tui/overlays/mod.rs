//! What lies over a screen: forms, questions, help, the palette. Each can be
//! left with Esc; what was typed is kept.

mod chooser;
mod conflict;
mod consent_form;
mod contact_form;
mod customer_form;
mod entry_view;
mod form_layer;
mod generated_password;
mod help;
mod leave_form;
mod lose_typed;
mod number_form;
mod palette;
mod password_form;
mod question;
mod reading_line;
mod reason_form;
mod replacement_form;
mod request_form;
mod service_choice;
mod shop_picker;
mod sign_ins;

pub(super) use chooser::AssetChooser;
pub(super) use conflict::in_history_of_user;
pub(super) use consent_form::{ConsentForm, EndOfConsent};
pub(super) use contact_form::ContactForm;
pub(super) use customer_form::{CustomerChangeForm, CustomerForm};
pub(super) use entry_view::EntryView;
pub(super) use form_layer::{FormLayer, Purpose};
pub(super) use generated_password::{NewPassword, PasswordBox, no_sign_in};
pub(super) use help::Help;
pub(super) use leave_form::{LeaveForm, TITLE as LEAVE_TITLE};
pub(super) use lose_typed::LoseTyped;
pub(super) use number_form::NumberForm;
pub(super) use palette::Palette;
pub(super) use password_form::{PasswordForm, TITLE as PASSWORD_TITLE};
pub(super) use question::{Act, Question};
pub(super) use reading_line::ReadingLine;
pub(super) use reason_form::ReasonForm;
pub(super) use replacement_form::ReplacementForm;
pub(super) use request_form::RequestForm;
pub(super) use shop_picker::ShopPicker;
pub(super) use sign_ins::SignIns;

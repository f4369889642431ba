//! Building blocks of the screen. They know nothing of customers or assets.

mod choice;
mod code;
mod field;
mod form;
mod list;
mod loaded;
mod paint;

pub(super) use code::Code;
pub(super) use field::TextField;
pub(super) use form::{Contested, Form, FormField, Said};
pub(super) use list::Cursor;
pub(super) use loaded::{Loaded, counted};
pub(super) use paint::{Row, boxed, cut, line, lines, marker, rule, spread, width, wrap};

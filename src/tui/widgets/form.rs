//! A form: fields from top to bottom, each with its own word when the server
//! or a rule refuses it.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::draft::Draft;
use super::super::shared::Shared;
use super::super::style::Look;
use super::choice::Choice;
use super::{TextField, cut, line, width};
use crate::rules::merging::{Merged, merged};

/// What a record says in the fields of a form: their names and its texts.
pub(in crate::tui) type Said = Vec<(&'static str, String)>;

/// A field that two people changed, each to another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) struct Contested {
    /// The API's name of it.
    pub(in crate::tui) name: &'static str,
    /// What people call it.
    pub(in crate::tui) label: &'static str,
    /// What the other left there, as it is shown.
    pub(in crate::tui) theirs: String,
    /// What was typed, as it is shown.
    pub(in crate::tui) mine: String,
}

/// Under which name a draft keeps what a field began with.
fn was(name: &str) -> String {
    format!("{name} was")
}

/// One field of a form.
#[derive(Debug)]
pub(in crate::tui) struct FormField {
    /// The API's name of it: refusals land by it.
    pub(in crate::tui) name: &'static str,
    /// Its label.
    pub(in crate::tui) label: &'static str,
    /// Said beside it: how to write it.
    pub(in crate::tui) hint: &'static str,
    /// What was typed.
    pub(in crate::tui) text: TextField,
    /// What it began with: unchanged is nothing to lose.
    began: String,
    secret: bool,
    /// The next letter replaces the text instead of lengthening it.
    replaced: bool,
    /// The words to choose from, where it is no free text.
    choice: Option<Choice>,
    /// Why it cannot be changed.
    locked: Option<String>,
}

impl FormField {
    /// An empty field.
    pub(in crate::tui) fn new(name: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { name, label, hint, text: TextField::default(), began: String::new(), secret: false, replaced: false, choice: None, locked: None }
    }

    /// One of these words; the first of them unless it begins with another.
    pub(in crate::tui) fn one_of(mut self, words: impl IntoIterator<Item = &'static str>) -> Self {
        let choice = Choice::one(words);
        let first = choice.first();
        self.choice = Some(choice);
        self.with(first)
    }

    /// Any of these words, kept with a space between them.
    pub(in crate::tui) fn several_of(mut self, words: impl IntoIterator<Item = &'static str>) -> Self {
        self.choice = Some(Choice::several(words));
        self
    }

    /// With a text to begin with.
    pub(in crate::tui) fn with(mut self, text: &str) -> Self {
        self.text.set(text);
        self.began = self.text.text().to_owned();
        self
    }

    /// The first letter typed replaces what it begins with.
    pub(in crate::tui) const fn replaced_by_typing(mut self) -> Self {
        self.replaced = true;
        self
    }

    /// Where there is a reason, it is shown with it and cannot be changed.
    pub(in crate::tui) fn locked(mut self, reason: Option<String>) -> Self {
        self.locked = reason;
        self
    }

    /// Shown as dots.
    pub(in crate::tui) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    fn is_changed(&self) -> bool {
        self.text.text() != self.began
    }

    /// Whose text stands where the record says this by now.
    fn merged(&self, now: &TextField) -> Merged {
        merged(self.began.trim(), self.text.text().trim(), now.text().trim())
    }

    /// The same field of two people, as it is shown.
    fn contested(&self, now: &TextField) -> Contested {
        let shown = |text: &str| if self.choice.is_some() { text.replace('_', " ") } else { text.to_owned() };
        let label = if self.label.is_empty() { self.hint } else { self.label };
        Contested { name: self.name, label, theirs: shown(now.text()), mine: shown(self.text.text()) }
    }

    fn key(&mut self, key: KeyEvent) -> bool {
        match &mut self.choice {
            Some(choice) => choice.key(key, &mut self.text),
            None => self.text.key(key),
        }
    }

    /// What of it fits into `room` cells, and the cursor's cell in it.
    fn shown(&self, focused: bool, room: usize) -> (String, u16) {
        match &self.choice {
            Some(choice) => choice.shown(self.text.text(), focused, room),
            None => self.text.shown(room),
        }
    }
}

/// The fields and which one has the cursor.
#[derive(Debug)]
pub(in crate::tui) struct Form {
    /// From top to bottom.
    pub(in crate::tui) fields: Vec<FormField>,
    /// The one with the cursor.
    pub(in crate::tui) at: usize,
    /// Whether the cursor is in the form at all.
    pub(in crate::tui) active: bool,
    faults: BTreeMap<String, String>,
}

impl Form {
    /// A form with the cursor in its first field that can be changed.
    pub(in crate::tui) fn new(fields: Vec<FormField>) -> Self {
        let at = fields.iter().position(|field| field.locked.is_none()).unwrap_or(0);
        Self { fields, at, active: true, faults: BTreeMap::new() }
    }

    /// What was typed into a field.
    pub(in crate::tui) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.text.text())
    }

    /// The same, none where nothing was typed.
    pub(in crate::tui) fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// What a field says now, if that is another text than it began with and
    /// may be changed at all.
    pub(in crate::tui) fn changed(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        (field.locked.is_none() && field.is_changed()).then(|| field.text.text().trim())
    }

    /// The field with the cursor, and what stands in it.
    pub(in crate::tui) fn here(&self) -> Option<(&'static str, String)> {
        self.fields.get(self.at).map(|field| (field.name, field.text.text().to_owned()))
    }

    /// Puts a text where nobody typed, unless that cannot be changed.
    pub(in crate::tui) fn fill(&mut self, name: &str, text: &str) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name && field.locked.is_none()) {
            field.text.set(text);
        }
    }

    /// The next field, from the last to the first.
    pub(in crate::tui) fn next(&mut self) {
        self.step(1);
    }

    /// The field before, from the first to the last.
    pub(in crate::tui) fn previous(&mut self) {
        self.step(self.fields.len().saturating_sub(1));
    }

    /// So many fields on; what cannot be changed is skipped.
    fn step(&mut self, by: usize) {
        let count = self.fields.len();
        let reached = (1..=count).map(|step| (self.at + by * step) % count).find(|at| self.fields[*at].locked.is_none());
        self.at = reached.unwrap_or(self.at);
    }

    /// A key for the field with the cursor; up and down move between fields.
    pub(in crate::tui) fn key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Up => self.previous(),
            KeyCode::Down | KeyCode::Enter => self.next(),
            _ => {
                let Some(field) = self.fields.get_mut(self.at).filter(|field| field.locked.is_none()) else { return };
                let letter = matches!(key.code, KeyCode::Char(_)) && key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
                if std::mem::take(&mut field.replaced) && letter {
                    field.text.set("");
                }
                if field.key(key) {
                    self.faults.remove(field.name);
                }
            }
        }
    }

    /// A pasted text for the field with the cursor.
    pub(in crate::tui) fn paste(&mut self, text: &str) {
        let Some(field) = self.fields.get_mut(self.at).filter(|field| field.locked.is_none()) else { return };
        match &field.choice {
            Some(choice) if choice.has(text.trim()) => field.text.set(text),
            Some(_) => {}
            None => {
                if std::mem::take(&mut field.replaced) {
                    field.text.set("");
                }
                field.text.paste(text);
            }
        }
    }

    /// Puts refusals to their fields, the cursor into the first of them.
    pub(in crate::tui) fn refuse(&mut self, faults: BTreeMap<String, String>) {
        if let Some(at) = self.fields.iter().position(|field| faults.contains_key(field.name) && field.locked.is_none()) {
            self.at = at;
        }
        self.faults = faults;
    }

    /// What its fields began with.
    pub(in crate::tui) fn began(&self) -> Said {
        self.fields.iter().map(|field| (field.name, field.began.clone())).collect()
    }

    /// The record is another by now: the fields that were typed in and that
    /// somebody else changed too, to something else.
    pub(in crate::tui) fn contested(&self, now: &[(&'static str, String)]) -> Vec<Contested> {
        let pairs = self.fields.iter().filter_map(|field| {
            let (_, text) = now.iter().find(|(name, _)| *name == field.name)?;
            Some((field, TextField::with(text)))
        });
        pairs.filter(|(field, now)| field.merged(now) == Merged::Contested).map(|(field, now)| field.contested(&now)).collect()
    }

    /// Goes on from the record as it is now: fields that were left alone say
    /// what it says, those that were typed in stay, but for contested ones that
    /// were given up.
    pub(in crate::tui) fn rebase(&mut self, now: &[(&'static str, String)], given_up: &[&'static str]) {
        for (name, text) in now {
            let Some(field) = self.fields.iter_mut().find(|field| field.name == *name) else { continue };
            let now = TextField::with(text);
            let gives_way = match field.merged(&now) {
                Merged::Mine => false,
                Merged::Theirs => true,
                Merged::Contested => given_up.contains(name),
            };
            field.began = now.text().to_owned();
            if gives_way {
                field.text = now;
            }
        }
        self.faults.clear();
    }

    /// Every field with its text.
    pub(in crate::tui) fn typed(&self) -> Draft {
        self.fields.iter().map(|field| (field.name.to_owned(), field.text.text().to_owned())).collect()
    }

    /// What was typed, for the next time. A field that was left alone is not
    /// kept: by then the record may say something else.
    pub(in crate::tui) fn draft(&self) -> Draft {
        let fields = self.fields.iter().filter(|field| field.is_changed() && !field.secret);
        fields.map(|field| (field.name.to_owned(), field.text.text().to_owned())).collect()
    }

    /// The same with what each of those fields began with: put back over a
    /// record that changed meanwhile, it overwrites nothing unseen.
    pub(in crate::tui) fn draft_over_record(&self) -> Draft {
        let mut draft = self.draft();
        let changed = self.fields.iter().filter(|field| field.is_changed() && !field.secret);
        draft.extend(changed.map(|field| (was(field.name), field.began.clone())));
        draft
    }

    /// Puts a draft back, and what its fields began with where it says so.
    pub(in crate::tui) fn restore(&mut self, draft: &Draft) {
        for (name, text) in draft {
            let fits = |field: &FormField| field.name == name && field.locked.is_none() && field.choice.as_ref().is_none_or(|choice| choice.has(text));
            if let Some(field) = self.fields.iter_mut().find(|field| fits(field)) {
                field.text.set(text);
                // It is what somebody typed: the next letter lengthens it.
                field.replaced = false;
                let began = was(field.name);
                if let Some((_, began)) = draft.iter().find(|(kept, _)| *kept == began) {
                    field.began = began.clone();
                }
            }
        }
    }

    /// The rows it takes.
    pub(in crate::tui) fn height(&self) -> u16 {
        u16::try_from(self.fields.len()).unwrap_or(u16::MAX)
    }

    fn label_width(&self) -> usize {
        self.fields.iter().map(|field| width(field.label)).max().unwrap_or(0)
    }

    /// The first field that is seen when `room` rows fit.
    fn first_seen(&self, room: u16) -> usize {
        let room = usize::from(room.max(1));
        self.at.saturating_sub(room - 1)
    }

    /// Draws one field a row, the one with the cursor always among them.
    pub(in crate::tui) fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let first = self.first_seen(area.height);
        for (row, (at, field)) in (0..area.height).zip(self.fields.iter().enumerate().skip(first)) {
            line(buffer, area, row, self.field_line(field, self.active && at == self.at, area.width, look));
        }
    }

    fn field_line(&self, field: &FormField, focused: bool, wide: u16, look: Look) -> Line<'static> {
        let label_width = self.label_width();
        let room = usize::from(wide).saturating_sub(label_width + 5);
        let (text, _) = field.shown(focused, room);
        let text = if field.secret { "*".repeat(text.chars().count()) } else { text };
        let used = width(&text);
        let marker = if focused { format!("{} ", look.marker()) } else { "  ".to_owned() };
        let label = Span::styled(format!("{:<label_width$}", field.label), if focused { look.here() } else { look.quiet() });
        let text = if field.locked.is_some() { Span::styled(text, look.locked()) } else { Span::raw(text) };
        let mut spans = vec![Span::styled(marker, look.here()), label, Span::raw("  "), text];
        let (beside, style) = match (self.faults.get(field.name), &field.locked) {
            (Some(fault), _) => (fault.clone(), look.error()),
            (None, Some(reason)) => (format!("[locked] {reason}"), look.locked()),
            (None, None) if focused || used == 0 => (field.hint.to_owned(), look.quiet()),
            (None, None) => return Line::from(spans),
        };
        spans.push(Span::styled(format!("  {}", cut(&beside, room.saturating_sub(used + 2), look)), style));
        Line::from(spans)
    }

    /// Where the cursor stands.
    pub(in crate::tui) fn caret(&self, area: Rect) -> Option<Position> {
        let field = self.fields.get(self.at)?;
        let row = u16::try_from(self.at - self.first_seen(area.height)).ok()?;
        let begin = u16::try_from(self.label_width() + 4).ok()?;
        let (_, cell) = field.shown(true, usize::from(area.width).saturating_sub(self.label_width() + 5));
        Some(Position { x: area.x + begin + cell, y: area.y + row })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(form: &mut Form, code: KeyCode) {
        form.key(KeyEvent::new(code, KeyModifiers::NONE));
    }

    #[test]
    fn a_letter_replaces_what_was_there_before_but_nothing_that_somebody_typed() {
        let asked = || Form::new(vec![FormField::new("given_by", "Said by", "").with("Petra").replaced_by_typing()]);
        let mut form = asked();
        press(&mut form, KeyCode::Char('G'));
        press(&mut form, KeyCode::Char('e'));
        assert_eq!(form.text("given_by"), "Ge");
        let mut again = asked();
        again.restore(&form.draft());
        press(&mut again, KeyCode::Char('r'));
        assert_eq!(again.text("given_by"), "Ger", "put back, it goes on");
    }

    fn contact() -> Form {
        Form::new(vec![
            FormField::new("kind", "Kind", "").one_of(["person", "department"]).locked(Some("fixed".to_owned())),
            FormField::new("last", "Last name", "").with("Brandt"),
            FormField::new("job_title", "Job title", ""),
            FormField::new("right", "Manages", "").one_of(["none", "portal_administrator", "insight_user"]).locked(Some("not you".to_owned())),
            FormField::new("access_level", "Access", "").one_of(["none", "full", "limited"]),
        ])
    }

    #[test]
    fn what_is_locked_is_skipped_and_never_counts_as_changed() {
        let mut form = contact();
        assert_eq!(form.fields[form.at].name, "last");
        form.previous();
        assert_eq!(form.fields[form.at].name, "access_level");
        press(&mut form, KeyCode::Char('l'));
        form.previous();
        assert_eq!(form.fields[form.at].name, "job_title");
        form.restore(&vec![("right".to_owned(), "insight_user".to_owned()), ("access_level".to_owned(), "nonsense".to_owned())]);
        assert_eq!((form.changed("right"), form.changed("access_level"), form.changed("last")), (None, Some("limited"), None));
        assert_eq!(form.draft(), [("access_level".to_owned(), "limited".to_owned())], "only what was typed is kept");
    }

    fn typed_driver() -> Form {
        let mut form = contact();
        form.next();
        for letter in "Driver".chars() {
            press(&mut form, KeyCode::Char(letter));
        }
        form
    }

    fn now() -> Said {
        vec![("last", "Vogel".to_owned()), ("job_title", "Foreman".to_owned())]
    }

    #[test]
    fn a_record_that_changed_meanwhile_shows_both_and_loses_neither() {
        let mut form = typed_driver();
        let asked = Contested { name: "job_title", label: "Job title", theirs: "Foreman".to_owned(), mine: "Driver".to_owned() };
        assert_eq!(form.contested(&now()), [asked]);
        form.rebase(&now(), &[]);
        assert_eq!((form.text("last"), form.changed("last"), form.changed("job_title")), ("Vogel", None, Some("Driver")));
        assert!(form.contested(&now()).is_empty(), "it is asked once");

        let mut form = typed_driver();
        form.rebase(&now(), &["job_title", "last"]);
        assert_eq!((form.text("job_title"), form.changed("job_title")), ("Foreman", None));
    }

    #[test]
    fn a_draft_is_put_back_over_what_it_was_typed_over() {
        let draft = typed_driver().draft_over_record();
        let mut again = Form::new(vec![FormField::new("job_title", "Job title", "").with("Foreman")]);
        let now = again.began();
        again.restore(&draft);
        assert_eq!(again.contested(&now).len(), 1, "the foreman is not overwritten unseen");

        let mut again = contact();
        let now = again.began();
        again.restore(&draft);
        assert!(again.contested(&now).is_empty());
        assert_eq!(again.changed("job_title"), Some("Driver"));
    }

    const NAMES: [&str; 3] = ["name", "city", "notes"];

    fn three() -> impl proptest::strategy::Strategy<Value = Vec<String>> {
        proptest::collection::vec("[a-c]{0,2}", NAMES.len())
    }

    proptest::proptest! {
        #[test]
        fn a_merge_loses_nothing_and_makes_nothing_up(began in three(), mine in three(), theirs in three(), gives_up in proptest::bool::ANY) {
            let mut form = Form::new(NAMES.into_iter().zip(&began).map(|(name, text)| FormField::new(name, name, "").with(text)).collect());
            for (field, text) in form.fields.iter_mut().zip(&mine) {
                field.text.set(text);
            }
            // The last field is none of what the other's record says.
            let now: Said = NAMES.into_iter().zip(theirs.clone()).take(2).collect();
            let contested: Vec<&str> = form.contested(&now).iter().map(|field| field.name).collect();
            let given_up: &[&'static str] = if gives_up { &NAMES } else { &[] };
            form.rebase(&now, given_up);
            for (at, name) in NAMES.into_iter().enumerate() {
                let (began, mine, theirs) = (&began[at], &mine[at], &theirs[at]);
                let asked = at < 2 && mine != began && theirs != began && mine != theirs;
                proptest::prop_assert_eq!(contested.contains(&name), asked);
                let stands = if at < 2 && mine == began || asked && gives_up { theirs } else { mine };
                proptest::prop_assert_eq!(form.text(name), stands.as_str());
            }
        }
    }
}

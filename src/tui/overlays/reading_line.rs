//! The reading line (S2-50 … S2-52): digits and Enter for the primary meter
//! now; Tab for another time. A refused value keeps its text and offers the
//! ways out that the role has.

mod short_time;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use short_time::lasting;
pub(super) use short_time::short_time;

use crate::api::asset::AssetHeader;
use crate::api::ids::AssetId;
use crate::api::meter::{Meter, NewReading, Reading, ReadingAdded};
use crate::api::operation::{AddReading, ListMeters, ListReadings, OfAsset, OfMeter, Operation};
use crate::api::page::{Nothing, Page, PageQuery};
use crate::api::problem::Problem;
use crate::client::outbox::has_text;
use crate::client::{Call, ClientError};
use crate::rules::meter::{MeterKind, ReadingKind, Tenths};
use crate::tui::command::{Command, Place};
use crate::tui::draft::Draft;
use crate::tui::event::{Reply, Ticket};
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::overlays::{ReasonForm, ReplacementForm};
use crate::tui::panes::{for_people, meter_in_words};
use crate::tui::posted::Posted;
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Loaded, boxed, cut, line, wrap};

/// The line over an asset.
#[derive(Debug)]
pub(in crate::tui) struct ReadingLine {
    asset: AssetId,
    name: String,
    meters: Loaded<Page<Meter>>,
    /// The meter that was chosen when it was typed, until the meters are there.
    wanted: Option<String>,
    /// The meter it goes to; behind the last one: kinds the asset lacks.
    chosen: usize,
    /// Meters that an asset without any may get first, the likelier one first.
    first_meters: [MeterKind; 2],
    form: Form,
    refused: Option<Problem>,
    /// An odd value was shown; the same again means it (M-7).
    kept: Option<String>,
    sending: Sending,
    /// The readings among which the one to void is.
    earlier: Loaded<Page<Reading>>,
}

const SIZE: (u16, u16) = (76, 9);

/// Whether a sign can be of a corrected value.
const fn may_stand_in_a_value(sign: char) -> bool {
    sign.is_ascii_digit() || matches!(sign, '.' | ',')
}

impl ReadingLine {
    /// For an asset.
    pub(in crate::tui) fn new(header: &AssetHeader) -> Self {
        let mut line = Self::over(header.id, header.asset_number.clone());
        // What has a plate drives on the road.
        if header.more.as_ref().is_some_and(|more| more.plate.is_some()) {
            line.first_meters = [MeterKind::Odometer, MeterKind::EngineHours];
        }
        line
    }

    /// For a reading that came back from the outbox.
    pub(in crate::tui) fn again(asset: AssetId, name: String) -> Self {
        Self::over(asset, name)
    }

    fn over(asset: AssetId, name: String) -> Self {
        let form = Form::new(vec![FormField::new("value", "Value", "Enter saves"), FormField::new("read_at", "When", "empty for now; or -1d, 9:30, 20 9:30")]);
        Self {
            asset,
            name,
            meters: Loaded::default(),
            wanted: None,
            chosen: 0,
            first_meters: [MeterKind::EngineHours, MeterKind::Odometer],
            form,
            refused: None,
            kept: None,
            sending: Sending::default(),
            earlier: Loaded::default(),
        }
    }

    /// A field for the reason of an override.
    fn ask_reason(&mut self) {
        if self.form.fields.len() == 2 {
            self.form.fields.push(FormField::new("override_reason", "Reason", "why it stands all the same; Enter"));
        }
    }

    fn meter(&self) -> Option<&Meter> {
        self.meters.data()?.items.get(self.chosen)
    }

    /// The meter's name; none lets the server take the primary one. Until the
    /// meters are there it is the one for which it was typed.
    fn meter_name(&self) -> Option<String> {
        let Some(known) = self.meters.data() else { return self.wanted.clone() };
        let new = || self.chosen.checked_sub(known.items.len()).and_then(|at| self.first_meters.get(at)).map(|kind| kind.name().to_owned());
        self.meter().map(|meter| meter.meter.clone()).or_else(new)
    }

    fn meter_title(&self) -> String {
        let is_known = self.meters.data().is_some();
        let named = |name: String| match MeterKind::named(&name) {
            Some(kind) if is_known => format!("{} (new meter)", kind.in_words()),
            Some(kind) => kind.in_words().to_owned(),
            None => name.replace('_', " "),
        };
        self.meter().map(meter_in_words).or_else(|| self.meter_name().map(named)).unwrap_or_else(|| "Primary meter".to_owned())
    }

    fn choices(&self) -> usize {
        self.meters.data().map_or(1, |page| if page.items.is_empty() { self.first_meters.len() } else { page.items.len() })
    }

    fn choose(&mut self, forward: bool) {
        let count = self.choices();
        self.chosen = if forward { (self.chosen + 1) % count } else { (self.chosen + count - 1) % count };
        self.refused = None;
    }

    fn send(&mut self, kind: ReadingKind, cx: &mut Cx<'_>) {
        if self.form.some("value").is_none() {
            return cx.say(Tone::Warning, "Enter what the dial shows.");
        }
        if let Err(fault) = self.form.text("value").parse::<Tenths>() {
            return self.form.refuse([("value".to_owned(), fault.to_string())].into());
        }
        let read_at = match self.moment(cx.shared) {
            Ok(read_at) => read_at,
            Err(fault) => return self.form.refuse([("read_at".to_owned(), fault)].into()),
        };
        let typed = self.form.text("value").to_owned();
        if let Some(odd) = self.odd(cx.shared).filter(|_| read_at.is_none() && self.kept.as_ref() != Some(&typed)) {
            self.kept = Some(typed);
            return cx.say(Tone::Warning, format!("{odd} Enter again keeps it."));
        }
        let body =
            NewReading { meter: self.meter_name(), value: typed, read_at, kind, override_reason: self.form.some("override_reason"), ..NewReading::default() };
        let title = format!("Reading {} of {}", body.value, self.name);
        let call = Call::of::<AddReading>(&OfAsset { id: self.asset }, &Nothing {}, &body);
        self.sending.post(self.posted().post(title, self.typed_at(read_at.unwrap_or(cx.shared.now), cx.shared), call), cx);
    }

    /// The moment it is of. It stands in the form from now on in place of "a day
    /// ago": saved again later it is the same reading.
    fn moment(&mut self, shared: &Shared) -> Result<Option<Timestamp>, String> {
        let Some(at) = short_time(self.form.text("read_at"), shared)? else { return Ok(None) };
        if let Some(field) = self.form.fields.iter_mut().find(|field| field.name == "read_at" && field.text.text().trim().parse::<Timestamp>().is_err()) {
            field.text.set(&lasting(at, shared));
        }
        short_time(self.form.text("read_at"), shared)
    }

    fn posted(&self) -> Posted {
        Posted::Reading { asset: self.asset, name: self.name.clone() }
    }

    /// What was typed, and for which meter.
    fn typed(&self) -> Draft {
        let mut typed = self.form.draft();
        if has_text(&typed) {
            typed.extend(self.meter_name().map(|meter| ("meter".to_owned(), meter)));
        }
        typed
    }

    /// The same with the moment it is of: whoever corrects it later means that one.
    fn typed_at(&self, at: Timestamp, shared: &Shared) -> Draft {
        let mut typed = self.typed();
        typed.retain(|(field, _)| field != "read_at");
        typed.push(("read_at".to_owned(), lasting(at, shared)));
        typed
    }

    /// The meter it was typed for is chosen again.
    fn choose_wanted(&mut self) {
        let (Some(page), Some(wanted)) = (self.meters.data(), &self.wanted) else { return };
        let known = page.items.iter().position(|meter| meter.meter == *wanted);
        let new = || self.first_meters.iter().position(|kind| kind.name() == wanted).map(|at| page.items.len() + at);
        if let Some(chosen) = known.or_else(new) {
            self.chosen = chosen;
        }
        self.wanted = None;
    }

    /// What is odd about the value as typed, by the usage that the server told
    /// (M-7).
    fn odd(&self, shared: &Shared) -> Option<String> {
        let meter = self.meter()?;
        let (gain, days) = self.gain(shared)?;
        #[expect(clippy::cast_precision_loss, reason = "tenths stay far below 2^52")]
        let gain = gain.0 as f64 / 10.0;
        // What no machine can do is refused anyway (M-7, M-8): no question before.
        if meter.kind.is_hours() && gain > days * 24.0 + 1.0 {
            return None;
        }
        let pace = gain / days.max(1.0);
        #[expect(clippy::cast_precision_loss, reason = "a day's most")]
        let most = meter.unit.max_per_day().map(|most| most as f64);
        if most.is_some_and(|most| pace > most) {
            return None;
        }
        let (usual, above) = (meter.usual_per_day?, meter.unusual_above?);
        (pace > above).then(|| {
            let as_of = self.meters.as_of_in_words(shared);
            format!("That is {pace:.0} {} in one day; this machine's usual is {usual:.0}{as_of}.", meter.unit.name())
        })
    }

    /// The gain over the last reading, and the days since.
    fn gain(&self, shared: &Shared) -> Option<(Tenths, f64)> {
        let meter = self.meter()?;
        let typed: Tenths = self.form.text("value").parse().ok()?;
        let last: Tenths = meter.value.as_ref()?.parse().ok()?;
        let days = shared.now.duration_since(meter.read_at?).as_secs_f64() / 86_400.0;
        Some((Tenths(typed.0 - last.0), days))
    }

    /// What stands, and what the typed value adds to it.
    fn feedback(&self, shared: &Shared) -> String {
        if self.meters.data().is_none() {
            return self.meters.failure().map_or_else(|| "Loading".to_owned(), ClientError::in_short);
        }
        let Some(meter) = self.meter() else { return "The first reading makes this meter.".to_owned() };
        let (unit, as_of) = (meter.unit.name(), self.meters.as_of_in_words(shared));
        let Some((value, read_at)) = meter.value.as_deref().zip(meter.read_at) else { return format!("No reading yet{as_of}.") };
        let stands = format!("{} {unit} of {}{as_of}", for_people(value), shared.day(read_at));
        match self.gain(shared) {
            Some((gain, days)) if gain.0 >= 0 => {
                let usual = meter.usual_per_day.map(|usual| format!(", usually {usual:.0} a day")).unwrap_or_default();
                format!("{stands}; +{} {unit} in {days:.0} days{usual}", gain.for_people())
            }
            Some(_) => format!("{stands}; lower than that"),
            None => stands,
        }
    }

    fn added(body: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<ReadingAdded>(body) {
            Ok(added) => {
                let made = if added.meter_created { ", a new meter" } else { "" };
                let tone = if added.warnings.is_empty() { Tone::Fine } else { Tone::Warning };
                cx.say(tone, format!("{} {} saved{made}. {}", for_people(&added.reading.value), added.reading.unit.name(), added.warnings.join(" ")));
            }
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
    }

    fn refuse(&mut self, problem: Problem, cx: &mut Cx<'_>) {
        // The first kind stands in the line itself, beside its ways out.
        if problem.code.starts_with("reading.") {
            self.refused = Some(problem);
        } else {
            cx.say(Tone::Error, problem.detail.clone());
            self.form.refuse(problem.fields);
        }
    }

    /// Looks for the reading in the way, to void it.
    fn seek_earlier(&mut self, cx: &mut Cx<'_>) {
        if let Some(meter) = self.meter_name().or_else(|| self.meter().map(|meter| meter.meter.clone())) {
            let path = OfMeter { id: self.asset, meter };
            self.earlier.load(Call::of::<ListReadings>(&path, &PageQuery { limit: Some(200), cursor: None }, &Nothing {}), cx);
        }
    }

    fn void_earlier(&mut self, cx: &mut Cx<'_>) {
        let wanted = self.refused.as_ref().and_then(|problem| problem.current.clone());
        let value = wanted.as_ref().and_then(|wanted| wanted["value"].as_str().map(str::to_owned));
        let readings = self.earlier.data().map_or(&[][..], |page| &page.items);
        let found = readings.iter().find(|reading| reading.state != crate::api::meter::ReadingState::Void && Some(&reading.value) == value.as_ref());
        match found {
            Some(reading) => cx.open(ReasonForm::void(self.asset, reading)),
            None => cx.say(Tone::Warning, "The earlier reading is further back: void it in the list of readings."),
        }
    }

    fn inside(&self, area: Rect) -> Rect {
        let (wide, high) = (SIZE.0.min(area.width), SIZE.1.min(area.height));
        Rect { x: area.x + (area.width - wide) / 2 + 1, y: area.y + (area.height - high) / 2 + 3, width: wide.saturating_sub(2), height: self.form.height() }
    }
}

impl Layer for ReadingLine {
    fn places(&self) -> Vec<Place> {
        if self.refused.is_some() { vec![Place::Refused, Place::Form, Place::Fields] } else { vec![Place::Form, Place::Fields] }
    }

    fn title(&self) -> String {
        "Reading".to_owned()
    }

    fn wants_text(&self) -> bool {
        self.refused.is_none()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some(draft) = cx.drafts.take(&self.posted().about()) {
            let of = |name: &str| draft.iter().find(|(field, _)| field == name).map(|(_, text)| text.clone());
            self.wanted = of("meter");
            if of("override_reason").is_some() {
                self.ask_reason();
            }
            self.form.restore(&draft);
        }
        if cx.shared.access(ListMeters::ENDPOINT.needs).is_ok() {
            self.meters.load(Call::of::<ListMeters>(&OfAsset { id: self.asset }, &Nothing {}, &Nothing {}), cx);
        }
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        let refused = self.refused.as_ref().map_or("", |problem| problem.code.as_str());
        let fits = match command.id {
            "refused.override" => matches!(refused, "reading.too_high" | "reading.faster_than_clock"),
            "refused.void" | "refused.rollover" | "refused.replaced" => refused == "reading.too_low" || refused == "reading.no_rollover",
            _ => true,
        };
        (!fits).then(|| "That is no way out of this refusal: correct the value.".to_owned())
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "form.save" => self.send(ReadingKind::Normal, cx),
            "form.next" => self.form.next(),
            "form.previous" => self.form.previous(),
            "refused.rollover" => self.send(ReadingKind::Rollover, cx),
            "refused.void" => self.seek_earlier(cx),
            "refused.replaced" => {
                if let Some(meter) = self.meter() {
                    cx.open(ReplacementForm::layer(self.asset, meter));
                }
            }
            "refused.override" => {
                self.refused = None;
                self.ask_reason();
                self.form.at = 2;
            }
            _ => {}
        }
    }

    fn on_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) {
        match key.code {
            KeyCode::Enter => self.send(ReadingKind::Normal, cx),
            KeyCode::Up => self.choose(false),
            KeyCode::Down => self.choose(true),
            // A letter that names no way out.
            KeyCode::Char(typed) if self.refused.is_some() && self.form.at == 0 && !may_stand_in_a_value(typed) => {}
            _ => {
                self.refused = None;
                self.form.key(key);
            }
        }
    }

    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.refused = None;
        self.form.paste(text);
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        self.sending.holds_back(cx)
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if self.meters.take(reply) {
            return self.choose_wanted();
        }
        if self.sending.goes_on_without(reply, cx) {
            return;
        }
        if self.earlier.take(reply) {
            return self.void_earlier(cx);
        }
        match self.sending.take(reply) {
            Some(Ok(body)) => {
                Self::added(body, cx);
                cx.want(Intent::Changed(Subject::Asset(self.asset)));
                cx.want(Intent::Done);
            }
            Some(Err(error)) => match error.problem() {
                Some(problem) => self.refuse(problem.clone(), cx),
                None => cx.say(Tone::Error, format!("{error}. Enter sends it again; it is saved once.")),
            },
            None => {}
        }
    }

    fn on_kept(&mut self, ticket: Ticket, is_kept: bool) {
        self.sending.kept(ticket, is_kept);
    }

    fn on_changed(&mut self, subject: Subject, cx: &mut Cx<'_>) {
        if subject == Subject::Asset(self.asset) && !self.sending.is_waiting() {
            self.refused = None;
            self.meters.load(Call::of::<ListMeters>(&OfAsset { id: self.asset }, &Nothing {}, &Nothing {}), cx);
        }
    }

    fn draft(&self) -> Option<(String, Draft)> {
        let typed = if self.sending.needs_no_draft() { Draft::new() } else { self.typed() };
        Some((self.posted().about(), typed))
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.meters.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let inside = boxed(buffer, area, SIZE, &format!("Reading of {}", self.name), look);
        let room = usize::from(inside.width).saturating_sub(2);
        let several = if self.choices() > 1 { format!("   {} other meter", look.key_text("↑↓")) } else { String::new() };
        line(buffer, inside, 0, Line::from(vec![Span::styled(format!(" {}", self.meter_title()), look.title()), Span::styled(several, look.quiet())]));
        line(buffer, inside, 1, Line::from(Span::styled(format!(" {}", cut(&self.feedback(shared), room, look)), look.quiet())));
        self.form.view(self.inside(area), buffer, shared);
        let from = 2 + self.form.height();
        let note = match (&self.refused, self.sending.is_waiting()) {
            (Some(problem), _) => wrap(&problem.detail, room).into_iter().map(|text| Line::from(Span::styled(format!(" {text}"), look.error()))).collect(),
            (None, true) => vec![Line::from(Span::styled(" Saving", look.quiet()))],
            _ => self.odd(shared).map(|odd| Line::from(Span::styled(format!(" {odd}"), look.warning()))).into_iter().collect(),
        };
        crate::tui::widgets::lines(buffer, inside, from, note);
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.form.caret(self.inside(area))
    }
}

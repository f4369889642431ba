//! Asset 2: its meters, and the readings of the one under the cursor. A void
//! reading stays, struck through, and can be counted again.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Pane;
use super::identification::asset_of;
use crate::api::ids::AssetId;
use crate::api::meter::{Meter, Reading, ReadingState};
use crate::api::operation::{ListMeters, ListReadings, OfAsset, OfMeter, OfReading, RestoreReading};
use crate::api::page::{Nothing, Page, PageQuery};
use crate::client::Call;
use crate::rules::meter::{ReadingKind, Tenths};
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::overlays::{ReasonForm, ReplacementForm};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, line, lines};

#[derive(Debug)]
struct Meters {
    asset: AssetId,
    meters: Loaded<Page<Meter>>,
    readings: Loaded<Page<Reading>>,
    /// The meter whose readings are shown.
    shown: usize,
    cursor: Cursor,
    restoring: Sending,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    Box::new(Meters {
        asset: asset_of(subject),
        meters: Loaded::default(),
        readings: Loaded::default(),
        shown: 0,
        cursor: Cursor::default(),
        restoring: Sending::default(),
    })
}

impl Meters {
    fn meter(&self) -> Option<&Meter> {
        self.meters.data()?.items.get(self.shown)
    }

    fn reading(&self) -> Option<&Reading> {
        self.readings.data()?.items.get(self.cursor.at)
    }

    fn load_readings(&mut self, cx: &mut Cx<'_>) {
        let Some(meter) = self.meter().map(|meter| meter.meter.clone()) else { return };
        let path = OfMeter { id: self.asset, meter };
        self.readings.load(Call::of::<ListReadings>(&path, &PageQuery { limit: Some(100), cursor: None }, &Nothing {}), cx);
    }

    fn show_next_meter(&mut self, cx: &mut Cx<'_>) {
        let count = self.meters.data().map_or(0, |page| page.items.len());
        if count > 1 {
            self.shown = (self.shown + 1) % count;
            self.cursor = Cursor::default();
            self.readings.clear();
            self.load_readings(cx);
        }
    }
}

impl Pane for Meters {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.meters.load(Call::of::<ListMeters>(&OfAsset { id: self.asset }, &Nothing {}, &Nothing {}), cx);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool {
        if self.meters.take(reply) {
            self.load_readings(cx);
            return true;
        }
        if let Some(restored) = self.restoring.take(reply) {
            match restored {
                Ok(_) => {
                    cx.say(Tone::Fine, "This reading counts again.");
                    cx.want(Intent::Changed(Subject::Asset(self.asset)));
                }
                Err(error) => cx.say(Tone::Error, error.to_string()),
            }
            return true;
        }
        let taken = self.readings.take(reply);
        self.cursor.keep_within(self.readings.data().map_or(0, |page| page.items.len()));
        taken
    }

    fn places(&self) -> &'static [Place] {
        &[Place::Meters, Place::List, Place::Rows]
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        let state = self.reading().map(|reading| reading.state);
        match command.id {
            "meter.void" if state.is_none() => Some("There is no reading to void.".to_owned()),
            "meter.void" if state == Some(ReadingState::Void) => Some("This reading is void already.".to_owned()),
            "meter.restore" if state != Some(ReadingState::Void) => Some("Only a void reading can be counted again.".to_owned()),
            "meter.replace" if self.meter().is_none() => Some("This asset has no meter yet.".to_owned()),
            _ => None,
        }
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let count = self.readings.data().map_or(0, |page| page.items.len());
        if self.cursor.command(command, count) {
            return true;
        }
        match command.id {
            "list.open" => self.show_next_meter(cx),
            "meter.void" => {
                if let Some(reading) = self.reading() {
                    cx.open(ReasonForm::void(self.asset, reading));
                }
            }
            "meter.restore" => {
                if let Some(reading) = self.reading() {
                    let call = Call::of::<RestoreReading>(&OfReading { id: reading.id }, &Nothing {}, &Nothing {});
                    self.restoring.send(call, cx);
                }
            }
            "meter.replace" => {
                if let Some(meter) = self.meter() {
                    cx.open(ReplacementForm::layer(self.asset, meter));
                }
            }
            _ => return false,
        }
        true
    }

    fn summary(&self, shared: &Shared) -> Option<String> {
        let meter = self.meters.data()?.items.first()?;
        let (value, read_at) = (meter.value.as_deref()?, meter.read_at?);
        let stale = if meter.stale { ", stale" } else { "" };
        Some(format!("{} {}  {}{stale}", for_people(value), meter.unit.name(), shared.day(read_at)))
    }

    fn copied(&self) -> Option<String> {
        self.meter().and_then(|meter| meter.value.clone())
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        [self.meters.as_of(shared), self.readings.as_of(shared)].into_iter().flatten().min()
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let mut from = self.meters.say_notice(area, 0, buffer, shared);
        let Some(page) = self.meters.data() else { return };
        if page.items.is_empty() {
            return line(buffer, area, from, Line::from(Span::raw("No meters yet: the first reading makes one.")));
        }
        from = lines(buffer, area, from, page.items.iter().enumerate().map(|(at, meter)| meter_row(meter, at == self.shown, shared)));
        from = from.saturating_add(1);
        from = self.readings.say_notice(area, from, buffer, shared);
        let Some(readings) = self.readings.data() else { return };
        let room = usize::from(area.height.saturating_sub(from));
        let first = self.cursor.first_seen(room);
        let rows = readings.items.iter().enumerate().skip(first).take(room);
        let note_room = usize::from(area.width).saturating_sub(56);
        let rows = rows.map(|(at, reading)| reading_row(reading, at == self.cursor.at, note_room, shared));
        lines(buffer, area, from, rows.collect::<Vec<_>>());
        if readings.items.is_empty() {
            line(buffer, area, from, Line::from(Span::styled("  No readings yet.", look.quiet())));
        }
    }
}

/// A value with its thousands apart.
pub(in crate::tui) fn for_people(value: &str) -> String {
    value.parse().map_or_else(|_| value.to_owned(), Tenths::for_people)
}

/// The words for a meter: kind, and component where there are several.
pub(in crate::tui) fn meter_in_words(meter: &Meter) -> String {
    let kind = meter.kind.in_words();
    if meter.component == crate::rules::meter::MeterName::MAIN { kind.to_owned() } else { format!("{kind} ({})", meter.component) }
}

fn meter_row(meter: &Meter, shown: bool, shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let style = if shown { look.title() } else { Style::new() };
    let value = meter.value.as_deref().map_or_else(|| "no reading".to_owned(), |value| format!("{} {}", for_people(value), meter.unit.name()));
    let mut notes = Vec::new();
    if meter.life_value != meter.value
        && let Some(life) = &meter.life_value
    {
        notes.push(format!("life {}", for_people(life)));
    }
    if let Some(usual) = meter.usual_per_day {
        notes.push(format!("usually {usual:.0} a day"));
    }
    if meter.stale {
        notes.push("stale".to_owned());
    }
    if meter.no_use {
        notes.push("no use since".to_owned());
    }
    Row::new(look, false)
        .cell(&meter_in_words(meter), 22, style)
        .right(&value, 14, style)
        .cell(&meter.read_at.map(|at| shared.day(at)).unwrap_or_default(), 11, look.quiet())
        .cell(&notes.join(", "), 28, if meter.stale { look.warning() } else { look.quiet() })
        .done()
}

fn reading_row(reading: &Reading, marked: bool, note_room: usize, shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let void = reading.state == ReadingState::Void;
    let style = if void { look.void() } else { Style::new() };
    let sign = match reading.state {
        ReadingState::Void => "! void",
        ReadingState::Warning => "! odd",
        ReadingState::Valid if reading.kind == ReadingKind::Rollover => "rolled",
        ReadingState::Valid if reading.no_use => "no use",
        ReadingState::Valid => "",
    };
    let note = [reading.void_reason.clone(), reading.override_reason.clone(), reading.comment.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ");
    Row::new(look, marked)
        .cell(&shared.moment(reading.read_at), 12, look.quiet())
        .right(&for_people(&reading.value), 11, style)
        .cell(sign, 6, if void { look.quiet() } else { look.warning() })
        .cell(reading.entered_by.as_deref().unwrap_or(&reading.source), 18, look.quiet())
        .cell(&note, note_room, look.quiet())
        .done()
}

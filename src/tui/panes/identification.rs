//! Asset 1: what identifies the machine (S2-20).

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::api::asset::Identification as Facts;
use crate::api::ids::AssetId;
use crate::api::operation::{GetIdentification, OfAsset};
use crate::api::page::Nothing;
use crate::client::Call;
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Subject};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Loaded, cut, lines};

#[derive(Debug)]
struct Identification {
    asset: AssetId,
    facts: Loaded<Facts>,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    Box::new(Identification { asset: asset_of(subject), facts: Loaded::default() })
}

/// The asset of a page; the table puts asset panes on asset pages only.
pub(super) fn asset_of(subject: Subject) -> AssetId {
    match subject {
        Subject::Asset(id) => id,
        Subject::Customer(id) => AssetId(id.0),
    }
}

impl Pane for Identification {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.facts.load(Call::of::<GetIdentification>(&OfAsset { id: self.asset }, &Nothing {}, &Nothing {}), cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        self.facts.take(reply)
    }

    fn copied(&self) -> Option<String> {
        self.facts.data().and_then(|facts| facts.vin.clone().or_else(|| facts.serial.clone()))
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.facts.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let from = self.facts.say_notice(area, 0, buffer, shared);
        let Some(facts) = self.facts.data() else { return };
        let room = usize::from(area.width).saturating_sub(20);
        let rows = rows(facts).into_iter().map(|(label, text)| {
            let style = if label == "! VIN" { look.warning() } else { ratatui::style::Style::new() };
            Line::from(vec![Span::styled(format!("  {label:<16}"), look.quiet()), Span::styled(cut(&text, room, look), style)])
        });
        lines(buffer, area, from, rows.collect::<Vec<_>>());
    }
}

fn rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let in_state = |plate: &String| match &facts.plate_state {
        Some(state) => format!("{plate} ({state})"),
        None => plate.clone(),
    };
    let customer = facts.customer.as_ref().map(|customer| match &customer.number {
        Some(number) => format!("{} #{number}", customer.name),
        None => customer.name.clone(),
    });
    let machine = [facts.make.clone(), facts.model.clone(), facts.year.map(|year| year.to_string())].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let all = [
        ("Asset number", Some(facts.asset_number.clone())),
        ("Organization", Some(format!("{} ({})", facts.organization.name, facts.organization.code))),
        ("Customer", customer),
        ("Machine", Some(machine)),
        ("Description", facts.description.clone()),
        ("Class", facts.class.clone()),
        ("VIN", facts.vin.clone()),
        ("! VIN", facts.vin_hint.clone()),
        ("Serial", facts.serial.clone()),
        ("Plate", facts.plate.as_ref().map(in_state)),
        ("Former plates", Some(facts.former_plates.join(", "))),
        ("Department", facts.department.clone()),
        ("Colour", facts.colour.clone()),
        ("Status", Some(facts.status.name().replace('_', " "))),
    ];
    all.into_iter().filter_map(|(label, text)| Some((label, text.filter(|text| !text.is_empty())?))).collect()
}

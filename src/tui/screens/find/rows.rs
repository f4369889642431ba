//! How the find screen looks.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::super::layer::Opened;
use super::super::super::shared::Shared;
use super::super::super::widgets::{Row, counted, line, lines, rule, spread, wrap};
use super::patience::Patience;
use super::{Find, Where};
use crate::api::asset::{AssetHeader, LookupHit};
use crate::api::customer::CustomerHit;
use crate::rules::contact::phone_for_people;
use crate::text::for_screen;

/// Cells before the text in the box.
pub(super) const LABEL: usize = 6;
/// From this width on the right side shows more of the row under the cursor.
const WIDE: u16 = 120;
/// Its width.
const PREVIEW: u16 = 40;

/// Begins what is said where no answer came.
const FAILED: &str = "Could not search:";

/// Draws the box, where it looks, and what it found.
pub(super) fn view(find: &Find, area: Rect, buffer: &mut Buffer, shared: &Shared) {
    let look = shared.look;
    let (text, _) = find.field.shown(usize::from(area.width).saturating_sub(LABEL + 2));
    line(buffer, area, 0, Line::from(vec![Span::styled(" Find ", look.title()), Span::raw(text)]));
    line(buffer, area, 1, chips(find, shared));
    rule(buffer, area, 2, look);
    let mut below = Rect { y: area.y + 3, height: area.height.saturating_sub(3), ..area };
    if area.width >= WIDE {
        below.width -= PREVIEW;
        let side = Rect { x: below.right(), width: PREVIEW, ..below };
        preview(find, side, buffer, shared);
    }
    if let Some(told) = find.kept.told(find.field.text(), usize::from(below.width), shared) {
        line(buffer, below, 0, Line::from(Span::styled(format!(" {told}"), look.warning())));
        below = Rect { y: below.y + 1, height: below.height.saturating_sub(1), ..below };
    }
    if find.field.is_empty() { listed(find, below, buffer, shared) } else { found(find, below, buffer, shared) }
}

fn chips(find: &Find, shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let mut spans = vec![Span::raw(" ")];
    for (at, chip) in Find::places_to_look(shared).enumerate() {
        let allowed = if chip == Where::Assets { Find::may_look_up(shared) } else { Find::may_search(shared) };
        if chip == Where::Assets && at > 0 {
            spans.push(Span::styled("| ", look.quiet()));
        }
        // One word for all fields of customers, one for assets.
        let last = matches!(chip, Where::Assets | Where::Field(crate::api::customer::SearchBy::Number));
        let lock = if last && !allowed && shared.session.is_some() { "[locked]" } else { "" };
        let style = match (chip == find.look_in, allowed) {
            (true, _) => look.chosen(),
            (_, false) => look.locked(),
            _ => Style::new(),
        };
        let text = if chip == find.look_in { format!("[{}]", chip.in_words()) } else { format!(" {} ", chip.in_words()) };
        spans.push(Span::styled(text, style));
        spans.push(Span::styled(format!("{lock} "), look.locked()));
    }
    Line::from(spans)
}

/// What stands under an empty box.
fn listed(find: &Find, area: Rect, buffer: &mut Buffer, shared: &Shared) {
    let look = shared.look;
    let companies = shared.companies();
    let own = companies.iter().enumerate().map(|(at, company)| company_row(&company.name, at == find.cursor.at, area.width, shared));
    let mut row = lines(buffer, area, 0, own);
    if let Some(reason) = nothing_to_find(usize::from(area.width), shared) {
        row = lines(buffer, area, row, reason);
    }
    if find.recent.is_empty() {
        return;
    }
    line(buffer, area, row, heading("Opened before", "", area.width, shared));
    let rows = find.recent.iter().enumerate().map(|(at, recent)| {
        let marked = companies.len() + at == find.cursor.at;
        match recent {
            Opened::Customer(_, name) => Row::new(look, marked).cell(name, 60, Style::new()).cell("customer", 9, look.quiet()).done(),
            Opened::Asset(header, _) => Row::new(look, marked).cell(&asset_in_words(header), 60, Style::new()).cell("asset", 9, look.quiet()).done(),
        }
    });
    lines(buffer, area, row + 1, rows);
}

/// One's own company, or the customer that is worked for or looked at.
fn company_row(name: &str, marked: bool, wide: u16, shared: &Shared) -> Line<'static> {
    let whose = if shared.acting().is_some() { "customer" } else { "your company" };
    let room = usize::from(wide).saturating_sub(16).min(60);
    Row::new(shared.look, marked).cell(name, room, Style::new()).cell(whose, 12, shared.look.quiet()).done()
}

/// What a role that may find nothing can do instead, and whom it asks for more
/// (G-10); at a workshop terminal there is nothing more to ask for (G-5).
fn nothing_to_find(wide: usize, shared: &Shared) -> Option<Vec<Line<'static>>> {
    if shared.session.is_none() || Find::may_search(shared) || Find::may_look_up(shared) {
        return None;
    }
    let needs = <crate::api::operation::LookUpAsset as crate::api::operation::Operation>::ENDPOINT.needs;
    let reason = shared.access(needs).err().filter(|_| !shared.hides_what_needs(needs));
    let look = shared.look;
    let allowed = |id: &str| super::super::super::command::named(id).filter(|command| shared.access(command.needs).is_ok());
    let key = |id: &str| allowed(id).and_then(|command| shared.keymap.shown_where(command, true));
    let may = |key: String, told: &'static str| Line::from(vec![Span::styled(format!(" {} ", look.key_text(&key)), look.key()), Span::raw(told)]);
    let is_told = reason.is_some();
    let locked = reason.map(|reason| wrap(&format!("[locked] {reason}"), wide.saturating_sub(2))).unwrap_or_default();
    let mut rows: Vec<Line<'static>> = locked.into_iter().map(|text| Line::from(Span::styled(format!(" {text}"), look.locked()))).collect();
    rows.push(match key("request.by_unit") {
        Some(key) => may(key, "requests service by unit number."),
        None => Line::from(" You may look nothing up here, nor request service."),
    });
    rows.extend(key("palette").filter(|_| is_told).map(|key| may(key, "lists what else there is, what it needs and whom to ask for it.")));
    Some(rows)
}

fn found(find: &Find, area: Rect, buffer: &mut Buffer, shared: &Shared) {
    let look = shared.look;
    let (assets, customers) = (find.asset_hits(), find.customer_hits());
    let mut shown: Vec<Shown<'_>> = Vec::new();
    if !assets.is_empty() {
        let similar = assets.iter().all(|hit| hit.matched_by == crate::api::asset::MatchedBy::Similar);
        let title = as_of(if similar { "Assets, similar" } else { "Assets, exact" }, find.assets.as_of(shared), shared);
        shown.push(Shown::Line(heading(&title, &format!("{} of {}", assets.len(), assets.len()), area.width, shared)));
        shown.extend(assets.iter().enumerate().map(|(at, hit)| Shown::Asset(at, hit)));
    }
    if let Some(page) = find.customers.answer().filter(|page| !page.items.is_empty()) {
        let count = format!("{} of {}", page.items.len(), counted(page));
        let title = if customers.iter().all(|hit| hit.near_miss) { "Customers, one letter away" } else { "Customers" };
        let title = as_of(title, find.customers.as_of(shared), shared);
        shown.push(Shown::Line(heading(&title, &count, area.width, shared)));
        shown.extend(customers.iter().enumerate().map(|(at, hit)| Shown::Customer(assets.len() + at, hit)));
        if page.next.is_some() {
            shown.push(Shown::Line(Line::from(Span::styled(" More exist: add letters or a city.", look.warning()))));
        }
    }
    if shown.is_empty() {
        lines(buffer, area, 0, empty(find, usize::from(area.width), shared));
        return;
    }
    let room = usize::from(area.height).max(1);
    let at = shown.iter().position(|row| row.at() == Some(find.cursor.at)).unwrap_or(0);
    // Only what is seen is put into words: it is drawn with each key.
    let seen = shown.into_iter().skip(at / room * room).take(room);
    let found = parts(find);
    lines(buffer, area, 0, seen.map(|row| row.line(&found, area.width, find, shared)));
}

/// What stands in one row of what was found.
enum Shown<'a> {
    Line(Line<'static>),
    Asset(usize, &'a LookupHit),
    Customer(usize, &'a CustomerHit),
}

impl Shown<'_> {
    /// Where the cursor stands when it is on it; none where it cannot be.
    fn at(&self) -> Option<usize> {
        match self {
            Self::Line(_) => None,
            Self::Asset(at, _) | Self::Customer(at, _) => Some(*at),
        }
    }

    fn line(self, found: &[String], wide: u16, find: &Find, shared: &Shared) -> Line<'static> {
        let is_marked = self.at() == Some(find.cursor.at);
        match self {
            Self::Line(line) => line,
            Self::Asset(_, hit) => asset_row(hit, is_marked, wide, found, shared),
            Self::Customer(_, hit) => customer_row(hit, is_marked, wide, found, shared),
        }
    }
}

/// Nothing is shown: still loading, too short, failed, or no hit; each its own
/// look (G-6).
fn empty(find: &Find, wide: usize, shared: &Shared) -> Vec<Line<'static>> {
    let look = shared.look;
    if let Some(failure) = find.customers.failure().or(find.assets.failure()) {
        let told = wrap(&format!("{FAILED} {}", for_screen(&failure.in_short())), wide.saturating_sub(2));
        let first = told
            .iter()
            .take(1)
            .map(|words| vec![Span::styled(format!(" {FAILED}"), look.error()), Span::raw(words.get(FAILED.len()..).unwrap_or_default().to_owned())]);
        let others = told.iter().skip(1).map(|words| vec![Span::raw(format!(" {words}"))]);
        return first.chain(others).map(Line::from).collect();
    }
    if shared.session.is_none() {
        return vec![not_signed_in_yet(shared)];
    }
    if let Some(reason) = nothing_to_find(wide, shared) {
        return reason;
    }
    // What was said of the text before stays, as rows do: most of it is said
    // again of the next.
    if find.is_searching() {
        let says_so = (find.patience == Patience::Over).then(|| Line::from(Span::styled(" Searching", look.quiet())));
        return says_so.into_iter().collect();
    }
    let asked = find.wanted_customers(shared).is_some() || find.assets.answer().is_some();
    if find.look_in == Where::Assets && !asked {
        return vec![Line::from(Span::styled(" Enter looks it up.", look.quiet()))];
    }
    if !asked {
        return vec![Line::from(Span::styled(format!(" {}", find.too_short()), look.quiet()))];
    }
    let mut rows = vec![Line::from(Span::raw(format!(" {}", for_screen(&find.no_hit(shared)))))];
    let new = super::super::super::command::named("customer.new");
    if let Some(command) = new.filter(|command| find.look_in != Where::Assets && shared.access(command.needs).is_ok()) {
        let key = shared.keymap.shown(command).unwrap_or_default();
        rows.push(Line::from(vec![
            Span::styled(format!(" {key} "), look.key()),
            Span::raw(format!("new customer \"{}\"", for_screen(find.field.text().trim()))),
        ]));
    }
    rows
}

/// Who is signed in is not known yet: the answer is on its way, or the line is
/// down.
fn not_signed_in_yet(shared: &Shared) -> Line<'static> {
    let look = shared.look;
    if !shared.is_off_line() {
        return Line::from(Span::styled(" Waiting for the server", look.quiet()));
    }
    let key = super::super::super::command::named("reload").and_then(|reload| shared.keymap.shown(reload)).unwrap_or_default();
    Line::from(vec![
        Span::styled(format!(" {FAILED} "), look.error()),
        Span::raw("the server cannot be reached."),
        Span::styled(format!("  {key} "), look.key()),
        Span::raw("to try again"),
    ])
}

/// A title with the time of what stands under it, where that is old.
fn as_of(title: &str, at: Option<Timestamp>, shared: &Shared) -> String {
    at.map_or_else(|| title.to_owned(), |at| format!("{title}, as of {}", shared.clock(at)))
}

fn heading(title: &str, count: &str, wide: u16, shared: &Shared) -> Line<'static> {
    spread(vec![Span::styled(format!(" {title}"), shared.look.quiet())], vec![Span::styled(format!("{count} "), shared.look.quiet())], usize::from(wide))
}

fn parts(find: &Find) -> Vec<String> {
    find.marks.text.split(' ').map(str::to_owned).collect()
}

fn asset_row(hit: &LookupHit, marked: bool, wide: u16, found: &[String], shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let more = hit.asset.more.as_ref();
    Row::new(look, marked)
        .found(&hit.asset.asset_number, found, 9, Style::new())
        .found(more.and_then(|more| more.plate.as_deref()).unwrap_or_default(), found, 9, Style::new())
        .cell(&machine(&hit.asset), 23, Style::new())
        .cell(&hit.asset.organization.name, usize::from(wide).saturating_sub(60), Style::new())
        .cell(&matched_in_words(hit), 12, look.quiet())
        .done()
}

fn matched_in_words(hit: &LookupHit) -> String {
    if hit.asset.status.takes_requests() { hit.matched_by.in_words().to_owned() } else { hit.asset.status.name().to_owned() }
}

/// Maker, model and year.
pub(in crate::tui) fn machine(header: &AssetHeader) -> String {
    let year = header.year.map(|year| year.to_string());
    let described = header.more.as_ref().and_then(|more| more.description.clone()).filter(|_| header.make.is_none() && header.model.is_none());
    [header.make.clone(), header.model.clone(), described, year].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn asset_in_words(header: &AssetHeader) -> String {
    format!("{}  {}  {}", header.asset_number, machine(header), header.organization.name)
}

/// A row that costs few bytes on a slow line: without a sign before the
/// telephone, and only what was found stands out.
fn customer_row(hit: &CustomerHit, marked: bool, wide: u16, found: &[String], shared: &Shared) -> Line<'static> {
    let more = hit.more.as_ref();
    let number = more.and_then(|more| more.number.as_deref()).map(|number| format!("#{number}")).unwrap_or_default();
    let phone = hit.phone.as_deref().map(phone_for_people).unwrap_or_default();
    Row::new(shared.look, marked)
        .found(&hit.name, found, usize::from(wide).saturating_sub(56), Style::new())
        .found(hit.city.as_deref().unwrap_or_default(), found, 13, Style::new())
        .found(more.and_then(|more| more.state.as_deref()).unwrap_or_default(), found, 3, Style::new())
        .found(&number, found, 10, Style::new())
        .cell(more.map_or("", |more| more.kind.name()), 5, Style::new())
        .cell(&phone, 16, Style::new())
        .done()
}

/// More of the row under the cursor.
fn preview(find: &Find, area: Rect, buffer: &mut Buffer, shared: &Shared) {
    if find.field.is_empty() {
        return;
    }
    let assets = find.asset_hits();
    let texts: Vec<String> = match (assets.get(find.cursor.at), find.customer_hits().get(find.cursor.at.saturating_sub(assets.len()))) {
        (Some(hit), _) => asset_preview(&hit.asset),
        (None, Some(hit)) => customer_preview(hit),
        _ => return,
    };
    let room = usize::from(area.width).saturating_sub(2);
    let mut rows = Vec::new();
    for (at, text) in texts.iter().filter(|text| !text.trim().is_empty()).enumerate() {
        let style = if at == 0 { shared.look.title() } else { Style::new() };
        rows.extend(wrap(text, room).into_iter().map(|text| Line::from(Span::styled(format!("| {text}"), style))));
    }
    lines(buffer, area, 0, rows);
}

fn asset_preview(header: &AssetHeader) -> Vec<String> {
    let more = header.more.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    vec![
        header.asset_number.clone(),
        machine(header),
        text(more.and_then(|more| more.description.as_ref())),
        header.organization.name.clone(),
        more.and_then(|more| more.customer.as_ref()).map(|customer| format!("Customer {}", customer.name)).unwrap_or_default(),
        more.and_then(|more| more.plate.as_ref())
            .map(|plate| format!("Plate {plate} {}", text(more.and_then(|more| more.plate_state.as_ref()))))
            .unwrap_or_default(),
        header.status.name().replace('_', " "),
    ]
}

fn customer_preview(hit: &CustomerHit) -> Vec<String> {
    let more = hit.more.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    vec![
        hit.name.clone(),
        more.and_then(|more| more.number.as_ref()).map(|number| format!("Number {number}")).unwrap_or_default(),
        format!("{} {} {}", text(hit.city.as_ref()), text(more.and_then(|more| more.state.as_ref())), text(more.and_then(|more| more.postal_code.as_ref()))),
        hit.phone.as_deref().map(phone_for_people).unwrap_or_default(),
        more.map(|more| format!("{} customer", more.kind.name())).unwrap_or_default(),
        format!("Found in {}", hit.matched.iter().map(|field| field.in_words()).collect::<Vec<_>>().join(", ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::shared::tried;

    /// What somebody of a customer reads who may do this.
    fn told(permissions: &[&str]) -> Option<Vec<String>> {
        let shared = tried::signed_in("customer", permissions);
        nothing_to_find(60, &shared).map(|rows| rows.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn g_10_whoever_may_only_ask_reads_how_and_whoever_may_not_reads_whom_to_ask() {
        assert_eq!(told(&["asset.lookup"]), None);
        let asks = told(&["service_request.add_edit"]).unwrap();
        assert!(asks[0].contains("Needs \"Asset look-up\". Ask the counter.") && asks[1].ends_with("Alt-R requests service by unit number."), "{asks:?}");
        let reads = told(&["profile.personal.view"]).unwrap();
        assert_eq!(
            (reads[1].trim(), reads[2].trim()),
            ("You may look nothing up here, nor request service.", "Ctrl-K lists what else there is, what it needs and whom to ask for it.")
        );
        assert!(!reads.concat().contains("Alt-R"), "{reads:?}");
    }

    #[test]
    fn ones_own_company_stands_first_and_says_whose_it_is() {
        let own = |wide| company_row("Keller Bau GmbH", true, wide, &tried::signed_in("customer", &[])).to_string();
        assert_eq!(own(80).split_whitespace().collect::<Vec<_>>(), [">", "Keller", "Bau", "GmbH", "your", "company"]);
        assert!(own(60).len() <= 60 && own(60).trim_end().ends_with("your company"), "{}", own(60));
    }

    #[test]
    fn g_5_a_workshop_terminal_shows_only_where_it_may_look() {
        let bench = |permissions: &[&str]| tried::signed_in("kiosk", permissions);
        let find = Find { look_in: Where::Assets, ..Find::default() };
        assert_eq!(chips(&find, &bench(&["asset.lookup"])).to_string().trim(), "[Asset or plate]");
        assert_eq!(chips(&find, &bench(&[])).to_string().trim(), "");
        let told: Vec<String> = nothing_to_find(60, &bench(&[])).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(told, [" You may look nothing up here, nor request service."]);
    }
}

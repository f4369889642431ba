//! What surrounds every screen: who and where on top, the message line and the
//! keys that work here at the bottom.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::command::{COMMANDS, Command, Place, named};
use super::layer::{Layer, Tone};
use super::shared::{Link, Shared};
use super::style::Look;
use super::widgets::{cut, line, rule, spread, width, wrap};
use crate::api::session::{Acting, ActingWay};
use crate::text::for_screen;

/// Below this only a sentence is shown.
const SMALLEST: (u16, u16) = (60, 20);

/// The part between top and bottom; none if the window is too small.
pub(super) fn body(area: Rect) -> Option<Rect> {
    let fits = area.width >= SMALLEST.0 && area.height >= SMALLEST.1;
    fits.then(|| Rect { y: area.y + 2, height: area.height - 4, ..area })
}

/// Draws what surrounds the body, and gives the body.
/// `as_of` is when the server said the oldest of it, where that may be another by
/// now.
pub(super) fn view(area: Rect, buffer: &mut Buffer, shared: &Shared, top: Option<&dyn Layer>, as_of: Option<Timestamp>) -> Option<Rect> {
    let Some(body) = body(area) else {
        line(buffer, area, 0, format!("{}×{} needed; this is {}×{}.", SMALLEST.0, SMALLEST.1, area.width, area.height));
        return None;
    };
    let (text, room) = (top.is_some_and(Layer::wants_text), usize::from(area.width));
    line(buffer, area, 0, status(shared, room));
    match banner(shared, as_of, text, room) {
        Some(banner) => line(buffer, area, 1, banner),
        None => rule(buffer, area, 1, shared.look),
    }
    rule(buffer, area, area.height - 2, shared.look);
    line(buffer, area, area.height - 1, hints(shared, top, room));
    Some(body)
}

/// Cells kept for the state of the line, so that a slower answer does not cut
/// names that a faster one left whole: more than those of `◐ slow 30 s `.
const LINK_ROOM: usize = 16;

/// Shop, person and role, the line.
fn status(shared: &Shared, room: usize) -> Line<'static> {
    let look = shared.look;
    let mut left = vec![Span::styled(" countertop", look.title())];
    let link = format!("{}{} {} ", unsent(shared), look.line(&shared.link), shared.link.in_words(|| shared.zone()));
    let style = match shared.link {
        Link::Online => look.fine(),
        Link::Slow(_) | Link::Busy(_) | Link::Unknown => look.warning(),
        Link::Offline(_) => look.error(),
    };
    let mut left_room = room.saturating_sub(width(&link).max(LINK_ROOM) + 12);
    let mut push = |text: &str| {
        let text = cut(text, left_room.saturating_sub(3), look);
        left_room = left_room.saturating_sub(width(&text) + 3);
        left.push(Span::raw("   "));
        left.push(Span::raw(text));
    };
    if let Some(session) = &shared.session {
        if let Some(shop) = &session.shop {
            push(&shop.shop.name);
        }
        if let Some(customer) = &session.customer {
            push(&format!("for {}", customer.name));
        }
        let roles: Vec<String> = session.user.roles.iter().map(|role| role.replace('_', " ")).collect();
        push(&format!("{}, {}", session.user.name, roles.join(", ")));
    } else if let Some(server) = &shared.server {
        push(server);
    }
    spread(left, vec![Span::styled(link, style)], room)
}

/// What waits to be sent, and what was refused, where there is any. Before it is
/// known who sits here it is all that waits on this machine.
fn unsent(shared: &Shared) -> String {
    let (waiting, refused) = (shared.outbox.waiting, shared.outbox.refused);
    let wait = match (shared.session.is_some(), waiting) {
        (true, _) => "to send",
        (false, 1) => "waits here",
        (false, _) => "wait here",
    };
    let waiting = if waiting > 0 { format!("{} {waiting} {wait}  ", shared.look.up()) } else { String::new() };
    let refused = if refused > 0 { format!("! {refused} refused  ") } else { String::new() };
    format!("{waiting}{refused}")
}

/// What must not be overlooked, in the rule's place: nothing below moves by it.
fn banner(shared: &Shared, as_of: Option<Timestamp>, text: bool, room: usize) -> Option<Line<'static>> {
    let look = shared.look;
    let key = |id: &str| named(id).and_then(|command| shared.keymap.shown_where(command, text)).map(|key| look.key_text(&key));
    let told = match (shared.acting(), as_of) {
        (Some(acting), _) => {
            let stops = key("acting.stop").map_or_else(|| "stop in the list of commands".to_owned(), |key| format!("{key} stops"));
            let as_of = as_of.map(|at| shared.clock(at));
            acting_words(acting, as_of.as_deref(), &stops, room.saturating_sub(1), look)
        }
        (None, Some(at)) => {
            let asks = key("reload").map(|key| format!(" {} {key} asks again", look.dash())).unwrap_or_default();
            // On line nobody touches a key for hours, and the age would be of the first minutes.
            let age = shared.age(at).filter(|_| shared.is_off_line());
            age_words(shared.is_off_line(), &shared.clock(at), age.as_deref(), &asks, room.saturating_sub(1))
        }
        (None, None) => return None,
    };
    Some(Line::from(Span::styled(format!("{:<room$}", format!(" {told}")), look.banner())))
}

/// How old the oldest is of what is shown. As much as fits: the key goes first,
/// the time never. The clock stands before the age, for no timer tells that anew.
fn age_words(off_line: bool, at: &str, age: Option<&str>, asks: &str, room: usize) -> String {
    let age = age.map(|age| format!(", {age}")).unwrap_or_default();
    let (long, short) = if off_line {
        (format!("Off line: this is what the server said at {at}{age}"), format!("Off line: as of {at}{age}"))
    } else {
        (format!("The oldest of this is what the server said at {at}{age}"), format!("The oldest of this is of {at}{age}"))
    };
    let told = [format!("{long}{asks}"), long, format!("{short}{asks}"), short];
    told.iter().find(|words| width(words) <= room).or(told.last()).cloned().unwrap_or_default()
}

/// In whose place one works or looks, with the key that ends it. As much as
/// fits: the customer's name goes first, the key and the time of what is shown
/// never.
fn acting_words(acting: &Acting, as_of: Option<&str>, stops: &str, room: usize, look: Look) -> String {
    let (dash, customer) = (look.dash(), &acting.customer.name);
    let contact = acting.contact.as_deref().unwrap_or_default();
    let said = match (acting.way, acting.allowed) {
        (ActingWay::ViewAs, _) => vec![
            format!("Through the eyes of {contact}, {customer} {dash} nothing can be changed"),
            format!("Through the eyes of {contact} {dash} nothing can be changed"),
            format!("Only looking, as {contact}"),
        ],
        (ActingWay::OnBehalf, true) => vec![format!("Acting for {customer}")],
        (ActingWay::OnBehalf, false) => {
            vec![format!("Acting for {customer}, which took its consent back {dash} nothing can be done"), format!("Consent taken back {dash} {customer}")]
        }
    };
    let as_of = as_of.map(|at| format!(" {dash} as of {at}")).unwrap_or_default();
    let end = format!("{as_of} {dash} {stops}");
    let left = room.saturating_sub(width(&end));
    let fitting = said.iter().find(|words| width(words) <= left).or(said.last());
    format!("{}{end}", cut(fitting.map_or("", String::as_str), left, look))
}

/// Says a message above the keys, whole: a long one takes lines of the body.
pub(super) fn say(area: Rect, buffer: &mut Buffer, shared: &Shared, message: Option<&(Tone, String)>) {
    let (Some((tone, text)), Some(_)) = (message, body(area)) else { return };
    let look = shared.look;
    let (sign, style) = match tone {
        Tone::Fine => ("", look.fine()),
        Tone::Warning => ("! ", look.warning()),
        Tone::Error => ("!! ", look.error()),
    };
    let texts = wrap(&format!("{sign}{text}"), usize::from(area.width).saturating_sub(2));
    let texts = &texts[..texts.len().min(4)];
    let first = area.height - 1 - u16::try_from(texts.len()).unwrap_or(1);
    for (row, text) in (first..).zip(texts) {
        let room = usize::from(area.width);
        line(buffer, area, row, Line::from(Span::styled(format!("{:<room$}", format!(" {}", cut(text, room - 1, look))), style)));
    }
}

/// No letter is made of more signs; a family of emoji has eleven.
const MOST_SIGNS: usize = 24;

/// The last look at every cell before it goes to the terminal: nothing from
/// outside may drive it, turn its direction, take no room at all or pile up on
/// one letter (trap 14).
pub(super) fn make_harmless(buffer: &mut Buffer) {
    let is_plain = |symbol: &str| matches!(symbol.as_bytes(), [b' '..=b'~']);
    // Rules are of one sign all along.
    let mut fine = String::new();
    for cell in buffer.content.iter_mut().filter(|cell| !is_plain(cell.symbol())) {
        let symbol = cell.symbol();
        if symbol == fine {
            continue;
        }
        // A soft hyphen has a cell in one terminal and none in another, where it
        // stays with the letter before it.
        if for_screen(symbol) != symbol || width(symbol) == 0 || symbol.contains('\u{AD}') || symbol.chars().nth(MOST_SIGNS).is_some() {
            cell.set_symbol("\u{FFFD}");
        } else {
            symbol.clone_into(&mut fine);
        }
    }
}

/// The keys that work here and now; one that the role forbids is dim, or not there
/// where that is hidden. Help and palette always keep their place.
fn hints(shared: &Shared, top: Option<&dyn Layer>, room: usize) -> Line<'static> {
    let places = top.map(Layer::places).unwrap_or_default();
    let text = top.is_some_and(Layer::wants_text);
    let is_always = |command: &Command| matches!(command.id, "help" | "palette");
    let fits = |command: &Command| command.place != Place::Refused || top.is_none_or(|top| top.hindrance(command).is_none());
    let is_here = |command: &Command| places.contains(&command.place) || command.place == Place::Anywhere;
    let applies = |command: &Command| command.hint && is_here(command) && fits(command) && !shared.hides(command);
    let mut kept: Vec<&Command> = COMMANDS.iter().filter(|command| is_always(command)).collect();
    let mut used: usize = 1 + kept.iter().map(|command| hint_width(command, shared, text)).sum::<usize>();
    let mut here = Vec::new();
    for command in COMMANDS.iter().filter(|command| applies(command) && !is_always(command)) {
        let wide = hint_width(command, shared, text);
        if wide > 0 && used + wide <= room {
            used += wide;
            here.push(command);
        }
    }
    here.append(&mut kept);
    let mut spans = vec![Span::raw(" ")];
    for command in here {
        let Some(key) = shared.keymap.shown_where(command, text) else { continue };
        let allowed = shared.access(command.needs).is_ok();
        let (key_style, style) = if allowed { (shared.look.key(), ratatui::style::Style::new()) } else { (shared.look.locked(), shared.look.locked()) };
        spans.push(Span::styled(shared.look.key_text(&key), key_style));
        spans.push(Span::styled(format!(" {}  ", command.title), style));
    }
    Line::from(spans)
}

fn hint_width(command: &Command, shared: &Shared, text: bool) -> usize {
    shared.keymap.shown_where(command, text).map_or(0, |key| width(&shared.look.key_text(&key)) + width(command.title) + 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::CustomerId;
    use crate::api::page::CustomerRef;

    const LOOK: Look = Look::new(false, false);

    fn acting(way: ActingWay, contact: Option<&str>, allowed: bool) -> Acting {
        let customer = CustomerRef { id: CustomerId::new(), number: None, name: "Keller Bau GmbH".to_owned() };
        Acting { way, customer, contact: contact.map(str::to_owned), allowed }
    }

    #[test]
    fn the_banner_always_names_the_key_that_ends_it() {
        let ada = acting(ActingWay::ViewAs, Some("Ada Brandt"), true);
        let told = |acting: &Acting, room| acting_words(acting, None, "g b stops", room, LOOK);
        assert_eq!(told(&ada, 119), "Through the eyes of Ada Brandt, Keller Bau GmbH — nothing can be changed — g b stops");
        assert_eq!(told(&ada, 79), "Through the eyes of Ada Brandt — nothing can be changed — g b stops");
        assert_eq!(told(&ada, 59), "Only looking, as Ada Brandt — g b stops");
        assert_eq!(told(&ada, 30), "Only looking, as … — g b stops");
        assert_eq!(told(&acting(ActingWay::OnBehalf, None, true), 79), "Acting for Keller Bau GmbH — g b stops");
        assert!(told(&acting(ActingWay::OnBehalf, None, false), 79).starts_with("Consent taken back"));
        let off_line = acting_words(&ada, Some("14:02"), "g b stops", 59, LOOK);
        assert_eq!(off_line, "Only looking, as Ada Brandt — as of 14:02 — g b stops", "the age is told here then");
    }

    #[test]
    fn the_time_of_what_is_shown_is_told_in_any_width() {
        let told = |room| age_words(true, "14:02", Some("12 minutes ago"), " — F5 asks again", room);
        assert_eq!(told(119), "Off line: this is what the server said at 14:02, 12 minutes ago — F5 asks again");
        assert_eq!(told(79), told(119));
        assert_eq!(told(70), "Off line: this is what the server said at 14:02, 12 minutes ago");
        assert_eq!(told(59), "Off line: as of 14:02, 12 minutes ago — F5 asks again");
        assert_eq!(told(40), "Off line: as of 14:02, 12 minutes ago");
        assert_eq!(age_words(true, "14:02", None, "", 79), "Off line: this is what the server said at 14:02", "the clock was set back");
        let on_line = age_words(false, "14:02", None, " — F5 asks again", 79);
        assert_eq!(on_line, "The oldest of this is what the server said at 14:02 — F5 asks again", "nobody asked since, or one pane was not asked again");
    }
}

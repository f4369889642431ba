//! What surrounds every screen: who and where on top, the message line and the
//! keys that work here at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::command::{COMMANDS, Command, Place};
use super::layer::{Layer, Tone};
use super::shared::{Link, Shared};
use super::widgets::{cut, line, rule, spread, width, wrap};
use crate::text::for_screen;

/// Below this only a sentence is shown.
const SMALLEST: (u16, u16) = (60, 20);

/// The part between top and bottom; none if the window is too small.
pub(super) fn body(area: Rect) -> Option<Rect> {
    let fits = area.width >= SMALLEST.0 && area.height >= SMALLEST.1;
    fits.then(|| Rect { y: area.y + 2, height: area.height - 4, ..area })
}

/// Draws what surrounds the body, and gives the body.
pub(super) fn view(area: Rect, buffer: &mut Buffer, shared: &Shared, top: Option<&dyn Layer>) -> Option<Rect> {
    let Some(body) = body(area) else {
        line(buffer, area, 0, format!("{}×{} needed; this is {}×{}.", SMALLEST.0, SMALLEST.1, area.width, area.height));
        return None;
    };
    line(buffer, area, 0, status(shared, usize::from(area.width)));
    rule(buffer, area, 1, shared.look);
    rule(buffer, area, area.height - 2, shared.look);
    line(buffer, area, area.height - 1, hints(shared, top, usize::from(area.width)));
    Some(body)
}

/// Shop, person and role, the line.
fn status(shared: &Shared, room: usize) -> Line<'static> {
    let look = shared.look;
    let mut left = vec![Span::styled(" countertop", look.title())];
    let link = format!("{} {} ", look.line(&shared.link), shared.link.in_words(&shared.zone()));
    let style = match shared.link {
        Link::Online(_) => look.fine(),
        Link::Slow(_) | Link::Unknown => look.warning(),
        Link::Offline(_) => look.error(),
    };
    let mut left_room = room.saturating_sub(width(&link) + 12);
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

/// The last look at every cell before it goes to the terminal: nothing from
/// outside may drive it or turn its direction (trap 14).
pub(super) fn make_harmless(buffer: &mut Buffer) {
    for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        let harmless = for_screen(cell.symbol());
        if harmless != cell.symbol() {
            cell.set_symbol("\u{FFFD}");
        }
    }
}

/// The keys that work here and now; one that the role forbids is dim. Help and
/// palette always keep their place.
fn hints(shared: &Shared, top: Option<&dyn Layer>, room: usize) -> Line<'static> {
    let places = top.map(Layer::places).unwrap_or_default();
    let text = top.is_some_and(Layer::wants_text);
    let is_always = |command: &Command| matches!(command.id, "help" | "palette");
    let fits = |command: &Command| command.place != Place::Refused || top.is_none_or(|top| top.hindrance(command).is_none());
    let applies = |command: &Command| command.hint && fits(command) && (places.contains(&command.place) || command.place == Place::Anywhere);
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

//! What surrounds every screen: who and where on top, the message line and the
//! keys that work here at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::command::{COMMANDS, Command, Place};
use super::layer::{Layer, Tone};
use super::shared::{Link, Shared};
use super::widgets::{cut, line, rule, spread, width};

/// Below this only a sentence is shown.
const SMALLEST: (u16, u16) = (60, 20);

/// The part between top and bottom; none if the window is too small.
pub(super) fn body(area: Rect) -> Option<Rect> {
    let fits = area.width >= SMALLEST.0 && area.height >= SMALLEST.1;
    fits.then(|| Rect { y: area.y + 2, height: area.height - 4, ..area })
}

/// Draws what surrounds the body, and gives the body.
pub(super) fn view(area: Rect, buffer: &mut Buffer, shared: &Shared, message: Option<&(Tone, String)>, top: Option<&dyn Layer>) -> Option<Rect> {
    let Some(body) = body(area) else {
        line(buffer, area, 0, format!("Make this window at least {}×{} (it is {}×{}).", SMALLEST.0, SMALLEST.1, area.width, area.height));
        return None;
    };
    line(buffer, area, 0, status(shared, usize::from(area.width)));
    rule(buffer, area, 1, shared.look);
    match message {
        Some(message) => line(buffer, area, area.height - 2, said(message, shared, usize::from(area.width))),
        None => rule(buffer, area, area.height - 2, shared.look),
    }
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

fn said((tone, text): &(Tone, String), shared: &Shared, room: usize) -> Line<'static> {
    let look = shared.look;
    let (sign, style) = match tone {
        Tone::Fine => ("", look.fine()),
        Tone::Warning => ("! ", look.warning()),
        Tone::Error => ("!! ", look.error()),
    };
    Line::from(Span::styled(cut(&format!(" {sign}{text}"), room, look), style))
}

/// The keys that work here and now; one that the role forbids is dim. Help and
/// palette always keep their place.
fn hints(shared: &Shared, top: Option<&dyn Layer>, room: usize) -> Line<'static> {
    let places = top.map(Layer::places).unwrap_or_default();
    let is_always = |command: &Command| matches!(command.id, "help" | "palette");
    let applies = |command: &Command| command.hint && (places.contains(&command.place) || command.place == Place::Anywhere);
    let mut kept: Vec<&Command> = COMMANDS.iter().filter(|command| is_always(command)).collect();
    let mut used: usize = 1 + kept.iter().map(|command| hint_width(command, shared)).sum::<usize>();
    let mut here = Vec::new();
    for command in COMMANDS.iter().filter(|command| applies(command) && !is_always(command)) {
        let wide = hint_width(command, shared);
        if wide > 0 && used + wide <= room {
            used += wide;
            here.push(command);
        }
    }
    here.append(&mut kept);
    let mut spans = vec![Span::raw(" ")];
    for command in here {
        let Some(key) = shared.keymap.shown(command) else { continue };
        let allowed = shared.access(command.needs).is_ok();
        let (key_style, style) = if allowed { (shared.look.key(), ratatui::style::Style::new()) } else { (shared.look.locked(), shared.look.locked()) };
        spans.push(Span::styled(shared.look.key_text(&key), key_style));
        spans.push(Span::styled(format!(" {}  ", command.title), style));
    }
    Line::from(spans)
}

fn hint_width(command: &Command, shared: &Shared) -> usize {
    shared.keymap.shown(command).map_or(0, |key| width(&shared.look.key_text(&key)) + width(command.title) + 3)
}

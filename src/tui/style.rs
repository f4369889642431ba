//! Meanings and how they look. Words carry every state; colour repeats it. No
//! other file of the terminal application names a colour or a drawn sign.

use ratatui::style::{Color, Modifier, Style};

/// How things look on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    colours: bool,
    ascii: bool,
}

/// A colour as terminals count the sixteen that all of them have: to 30 added
/// for letters, to 40 for what lies under them. None is the terminal's own; the
/// look names no others.
pub(super) const fn of_sixteen(colour: Color) -> Option<u8> {
    match colour {
        Color::Black => Some(0),
        Color::Red => Some(1),
        Color::Green => Some(2),
        Color::Yellow => Some(3),
        Color::Blue => Some(4),
        Color::Magenta => Some(5),
        Color::Cyan => Some(6),
        Color::Gray => Some(7),
        Color::DarkGray => Some(60),
        Color::LightRed => Some(61),
        Color::LightGreen => Some(62),
        Color::LightYellow => Some(63),
        Color::LightBlue => Some(64),
        Color::LightMagenta => Some(65),
        Color::LightCyan => Some(66),
        Color::White => Some(67),
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => None,
    }
}

#[expect(clippy::unused_self, reason = "every meaning is asked of the look, whether or not it has colours")]
impl Look {
    /// A look with or without colours and drawn signs.
    pub(super) const fn new(colours: bool, ascii: bool) -> Self {
        Self { colours, ascii }
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// What a record or pane is called.
    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Labels, and what stands back.
    pub(super) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What the role forbids; the word `[locked]` stands beside it.
    pub(super) fn locked(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The key to press.
    pub(super) fn key(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// The chosen chip or pane.
    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The line that says in whose place one works or looks.
    pub(super) fn banner(self) -> Style {
        self.coloured(Color::Yellow).add_modifier(Modifier::REVERSED).add_modifier(Modifier::BOLD)
    }

    /// Where one is in a form.
    pub(super) fn here(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The marker of the row under the cursor: a block with a sign in it, seen
    /// without colours as well. The row itself looks like the others, so that a
    /// step in a list is a few bytes on a slow line.
    pub(super) fn row(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Where the text that was typed was found. Underlined only: it is on every
    /// row of new hits, and colours say what to mind.
    pub(super) fn matched(self) -> Style {
        Style::new().add_modifier(Modifier::UNDERLINED)
    }

    /// What went wrong.
    pub(super) fn error(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What a person should look at.
    pub(super) fn warning(self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// What went well.
    pub(super) fn fine(self) -> Style {
        self.coloured(Color::Green)
    }

    /// A reading that does not count.
    pub(super) fn void(self) -> Style {
        Style::new().add_modifier(Modifier::DIM).add_modifier(Modifier::CROSSED_OUT)
    }

    /// The marker of the chosen row.
    pub(super) const fn marker(self) -> &'static str {
        if self.ascii { ">" } else { "▸" }
    }

    /// A horizontal rule.
    pub(super) const fn rule(self) -> &'static str {
        if self.ascii { "-" } else { "─" }
    }

    /// Between parts of a line.
    pub(super) const fn dot(self) -> &'static str {
        if self.ascii { "-" } else { "·" }
    }

    /// Between a sentence and what follows from it.
    pub(super) const fn dash(self) -> &'static str {
        if self.ascii { "-" } else { "—" }
    }

    /// From what something was to what it is.
    pub(super) const fn arrow(self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// Before what goes to the server.
    pub(super) const fn up(self) -> &'static str {
        if self.ascii { "^" } else { "⇡" }
    }

    /// Before a telephone number.
    pub(super) const fn phone(self) -> &'static str {
        if self.ascii { "tel" } else { "☎" }
    }

    /// The sign of the line: on, slow, off.
    pub(super) const fn line(self, link: &super::shared::Link) -> &'static str {
        use super::shared::Link;
        match (link, self.ascii) {
            (_, true) => "*",
            (Link::Online, _) => "●",
            (Link::Slow(_) | Link::Busy(_), _) => "◐",
            (Link::Unknown | Link::Offline(_), _) => "○",
        }
    }

    /// Where text was cut off.
    pub(super) const fn more(self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }

    /// Whether half blocks can be drawn.
    pub(super) const fn has_blocks(self) -> bool {
        !self.ascii
    }

    /// Two modules of a QR code one above the other: what is painted is light.
    pub(super) const fn blocks(self, upper: bool, lower: bool) -> &'static str {
        match (upper, lower) {
            (true, true) => "█",
            (true, false) => "▀",
            (false, true) => "▄",
            (false, false) => " ",
        }
    }

    /// A QR code is dark on light whatever the terminal's own colours are.
    /// Without colours what is painted is taken for light, as on most terminals.
    pub(super) fn code(self) -> Style {
        if self.colours { Style::new().fg(Color::White).bg(Color::Black) } else { Style::new() }
    }

    /// One module of a QR code where there are no drawn signs.
    pub(super) fn module(self, light: bool) -> Style {
        match (self.colours, light) {
            (true, true) => Style::new().bg(Color::White),
            (true, false) => Style::new().bg(Color::Black),
            (false, true) => Style::new().add_modifier(Modifier::REVERSED),
            (false, false) => Style::new(),
        }
    }

    /// The border of what lies over a screen.
    pub(super) const fn border(self) -> ratatui::symbols::border::Set<'static> {
        if self.ascii {
            ratatui::symbols::border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            }
        } else {
            ratatui::symbols::border::PLAIN
        }
    }

    /// Keys with arrows, for terminals that have none.
    pub(super) fn key_text(self, key: &str) -> String {
        if !self.ascii {
            return key.to_owned();
        }
        [('↑', "Up"), ('↓', "Down"), ('←', "Left"), ('→', "Right")].into_iter().fold(key.to_owned(), |key, (arrow, word)| key.replace(arrow, word))
    }
}

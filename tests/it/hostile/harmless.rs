//! What may reach a terminal: letters, and the few sequences that the program
//! has a reason for. Read by another parser than any that wrote it.

use vte::{Params, Parser, Perform};

/// What a picture is painted with.
const PAINTING: [char; 7] = ['m', 'H', 'C', 'D', 'G', 'K', 'J'];
/// The cursor, the other screen, marked pastes.
const MODES: [u16; 3] = [25, 1049, 2004];

/// What of these bytes a terminal should never have got.
pub(crate) fn foreign(written: &[u8]) -> Vec<String> {
    let mut seen = Seen::default();
    Parser::new().advance(&mut seen, written);
    seen.0
}

/// Lines for people, or JSON: no control character but the line break.
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !c.is_control() && !turns(c))
}

/// What turns the reading direction, or is there and not seen.
fn turns(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[derive(Default)]
struct Seen(Vec<String>);

impl Perform for Seen {
    fn print(&mut self, c: char) {
        if turns(c) || c.is_control() {
            self.0.push(format!("{c:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        self.0.push(format!("control {byte:#04x}"));
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        let fine = match intermediates {
            [] => PAINTING.contains(&action),
            [b'?'] => matches!(action, 'h' | 'l') && params.iter().all(|mode| mode.iter().all(|mode| MODES.contains(mode))),
            _ => false,
        };
        if ignore || !fine {
            self.0.push(format!("CSI {} {params:?} {action}", String::from_utf8_lossy(intermediates)));
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        // The end of a string of theirs comes here too.
        self.0.push(format!("ESC {intermediates:?} {byte:#04x}"));
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.0.push(format!("OSC {params:?}"));
    }

    fn hook(&mut self, _: &Params, intermediates: &[u8], _: bool, action: char) {
        self.0.push(format!("DCS {intermediates:?} {action}"));
    }
}

#[test]
fn what_drives_a_terminal_is_seen() {
    for planted in [
        "\u{1b}]52;c;eA==\u{7}",
        "\u{1b}]0;title\u{1b}\\",
        "\u{1b}c",
        "\u{1b}P+q\u{1b}\\",
        "\u{1b}[6n",
        "\u{1b}[?1003h",
        "\u{9b}2J",
        "\u{5}",
        "\u{7}",
        "\u{8}",
        "a\u{202e}b",
    ] {
        assert!(!foreign(planted.as_bytes()).is_empty(), "{planted:?} passes");
        assert!(!is_plain(planted), "{planted:?} passes");
    }
    let ours = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[1;2H\u{1b}[1;36mKeller \u{1b}[m\u{1b}[K\u{1b}[D\u{1b}[7G\u{fffd}漢é";
    assert_eq!(foreign(ours.as_bytes()), Vec::<String>::new());
}

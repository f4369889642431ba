//! The terminal itself: taken over on entering, and given back exactly as it
//! was, however the program ends; and what is drawn on it meanwhile.

#[cfg(any(fuzzing, test))]
pub(super) mod fuzzed;
#[cfg(test)]
mod hostile;
mod pen;

use std::io::{Write as _, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, window_size};
use crossterm::{cursor, execute, style};
use pen::Pen;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// The most columns and rows that are drawn on: more than any wall of screens
/// has. A window can call itself 65,535 by 65,535, and the picture of that would
/// take 200 GB; this takes 50 MB.
const LARGEST: (u16, u16) = (1_000, 500);

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back when dropped.
#[derive(Debug)]
pub(super) struct Guard;

impl Guard {
    /// Takes the terminal over: raw, alternate screen, bracketed paste.
    ///
    /// # Errors
    /// When this is no terminal.
    pub(super) fn enter() -> std::io::Result<Self> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let guard = Self;
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Undoes what [`Guard::enter`] did, once. Errors are of no use here: the
/// terminal may be gone.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), DisableBracketedPaste, style::ResetColor, cursor::Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        let _ = stdout().flush();
    }
}

/// A panic gives the terminal back before it prints its report.
pub(super) fn restore_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        report(panic);
    }));
}

/// Columns and rows of the terminal, as it tells them itself. The library's own
/// `size` would start `tput` where it tells none, and no program is started here.
///
/// # Errors
/// When this is no terminal.
pub(super) fn size() -> std::io::Result<(u16, u16)> {
    let window = window_size()?;
    Ok((window.columns, window.rows))
}

/// The part of a window of this size that is drawn on.
fn drawn((wide, high): (u16, u16)) -> Rect {
    Rect::new(0, 0, wide.min(LARGEST.0), high.min(LARGEST.1))
}

/// What the terminal shows, and what it will show next.
#[derive(Debug)]
pub(super) struct Screen {
    shown: Buffer,
    next: Buffer,
    pen: Pen,
}

impl Screen {
    /// An empty screen of the size that the terminal has now, within
    /// [`LARGEST`].
    ///
    /// # Errors
    /// When the size cannot be asked.
    pub(super) fn empty() -> std::io::Result<Self> {
        let empty = Buffer::empty(drawn(size()?));
        Ok(Self { shown: empty.clone(), next: empty, pen: Pen::default() })
    }

    /// Draws a picture, which says where the cursor stands in it. One write at
    /// the most: nobody sees it half done.
    ///
    /// # Errors
    /// When the terminal went away.
    pub(super) fn draw(&mut self, paint: impl FnOnce(Rect, &mut Buffer) -> Option<Position>) -> std::io::Result<()> {
        self.next.reset();
        let area = self.next.area;
        let caret = paint(area, &mut self.next).filter(|caret| area.contains(*caret));
        let strokes = self.pen.strokes(&self.shown, &self.next, caret);
        std::mem::swap(&mut self.shown, &mut self.next);
        if strokes.is_empty() {
            return Ok(());
        }
        let mut terminal = stdout().lock();
        terminal.write_all(&strokes)?;
        terminal.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t32_of_a_window_that_calls_itself_endless_only_a_part_is_drawn_on() {
        let of = |window| (drawn(window).width, drawn(window).height);
        for as_it_is in [(0, 0), (1, 1), (80, 24), (640, 270)] {
            assert_eq!(of(as_it_is), as_it_is);
        }
        for (window, part) in [((u16::MAX, u16::MAX), LARGEST), ((20_000, 20_000), LARGEST), ((u16::MAX, 1), (LARGEST.0, 1)), ((1, u16::MAX), (1, LARGEST.1))] {
            assert_eq!(of(window), part);
        }
    }
}

//! The terminal itself: taken over on entering, and given back exactly as it
//! was, however the program ends; and what is drawn on it meanwhile.

#[cfg(fuzzing)]
pub(super) mod fuzzed;
#[cfg(test)]
mod hostile;
mod pen;

use std::io::{Write as _, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size};
use crossterm::{cursor, execute, style};
use pen::Pen;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

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

/// What the terminal shows, and what it will show next.
#[derive(Debug)]
pub(super) struct Screen {
    shown: Buffer,
    next: Buffer,
    pen: Pen,
}

impl Screen {
    /// An empty screen of the size that the terminal has now.
    ///
    /// # Errors
    /// When the size cannot be asked.
    pub(super) fn empty() -> std::io::Result<Self> {
        let (wide, high) = size()?;
        let empty = Buffer::empty(Rect::new(0, 0, wide, high));
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

//! The terminal itself: taken over on entering, and given back exactly as it
//! was, however the program ends.

use std::io::{BufWriter, Stdout, Write as _, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute, style};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// One write per frame.
const FRAME: usize = 64 * 1024;

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub(super) type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

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

/// A screen to draw on.
///
/// # Errors
/// When the size cannot be asked.
pub(super) fn screen() -> std::io::Result<Screen> {
    // Without colours the theme sets none; crossterm's own switch would reset
    // bold and underline at each cell instead.
    style::force_color_output(true);
    Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(FRAME, stdout())))
}

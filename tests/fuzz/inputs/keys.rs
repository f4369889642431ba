//! The chords of the configuration's `[keys]`, a command a line: `quit = f10, g q`.

use countertop::tui::check_keys;

pub(crate) fn take(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let keys: Vec<(String, Vec<String>)> =
        lines.map(|(id, chords)| (id.trim().to_owned(), chords.split(',').map(|chord| chord.trim().to_owned()).collect())).collect();
    let _ = check_keys(&keys);
}

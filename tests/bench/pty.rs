//! A pseudo-terminal of 80×24 with a program in it: keys go in, and what comes
//! out is timed where it is read. Calls nobody.

use std::io::{Read as _, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Until a program must have said something.
const PATIENCE: Duration = Duration::from_secs(20);
/// A key that brought nothing until then brings nothing.
const KEY_PATIENCE: Duration = Duration::from_secs(1);

/// The terminal.
pub(crate) struct Pty {
    keyboard: Box<dyn Write + Send>,
    written: mpsc::Receiver<(Instant, Vec<u8>)>,
    child: Box<dyn Child + Send + Sync>,
    begun: Instant,
    /// Closing it would end the program.
    _master: Box<dyn MasterPty + Send>,
}

/// What a key brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// From the key to the first byte.
    pub(crate) after: Duration,
    /// How many bytes came.
    pub(crate) bytes: usize,
}

impl Pty {
    /// Starts a program.
    pub(crate) fn open(command: CommandBuilder) -> Result<Self> {
        let pair = native_pty_system().openpty(PtySize::default())?;
        let mut reader = pair.master.try_clone_reader()?;
        let keyboard = pair.master.take_writer()?;
        let (send, written) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 8_192];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || send.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        Ok(Self { keyboard, written, child, begun, _master: pair.master })
    }

    /// How long it took from the start to the first byte, and until a text was
    /// written.
    pub(crate) fn until(&self, text: &str) -> Result<(Duration, Duration)> {
        let (mut first, mut seen) = (None, Vec::new());
        loop {
            let (at, bytes) = self.written.recv_timeout(PATIENCE).with_context(|| format!("{text:?} never came"))?;
            let after = at.saturating_duration_since(self.begun);
            let first = *first.get_or_insert(after);
            seen.extend(bytes);
            if String::from_utf8_lossy(&seen).contains(text) {
                return Ok((first, after));
            }
        }
    }

    /// Presses a key, and takes what comes until nothing came for so long. None
    /// if nothing came at all.
    pub(crate) fn press(&mut self, key: &str, quiet: Duration) -> Result<Option<Answer>> {
        // What is late belongs to the key before.
        while self.written.try_recv().is_ok() {}
        let pressed = Instant::now();
        self.keyboard.write_all(key.as_bytes())?;
        self.keyboard.flush()?;
        let Ok((at, first)) = self.written.recv_timeout(KEY_PATIENCE) else { return Ok(None) };
        let mut bytes = first.len();
        while let Ok((_, more)) = self.written.recv_timeout(quiet) {
            bytes += more.len();
        }
        Ok(Some(Answer { after: at.saturating_duration_since(pressed), bytes }))
    }

    /// Presses a key; how long it took until a text was written.
    pub(crate) fn press_until(&mut self, key: &str, text: &str) -> Result<Duration> {
        while self.written.try_recv().is_ok() {}
        let (pressed, mut seen) = (Instant::now(), Vec::new());
        self.keyboard.write_all(key.as_bytes())?;
        self.keyboard.flush()?;
        loop {
            let (at, bytes) = self.written.recv_timeout(PATIENCE).with_context(|| format!("{text:?} never came"))?;
            seen.extend(bytes);
            if String::from_utf8_lossy(&seen).contains(text) {
                return Ok(at.saturating_duration_since(pressed));
            }
        }
    }

    /// Presses a key, whatever comes of it.
    pub(crate) fn send(&mut self, key: &str) -> Result<()> {
        self.keyboard.write_all(key.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }

    /// What the program shares with no other, in KiB.
    pub(crate) fn private_memory(&self) -> Result<u64> {
        let id = self.child.process_id().context("the program has ended")?;
        let sums = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
        let private = sums.lines().filter(|line| line.starts_with("Private_"));
        Ok(private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Where the log goes: a server's to standard error, the terminal
//! application's to a file, for the screen is its own.

#[cfg(feature = "client")]
use std::io::{self, Write};
#[cfg(feature = "client")]
use std::path::Path;

#[cfg(feature = "client")]
use jiff::Timestamp;
#[cfg(feature = "client")]
use jiff::civil::Date;
#[cfg(feature = "client")]
use jiff::tz::TimeZone;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[cfg(feature = "client")]
use crate::config::TerminalLog;
#[cfg(feature = "server")]
use crate::config::{LogFormat, LogLevel};

/// How many days of the terminal application's log are kept.
#[cfg(feature = "client")]
const KEPT_FILES: usize = 7;

/// The most bytes of one day. What comes beyond is left out: a counter that
/// cannot reach its server for a day must not fill its disk with saying so.
#[cfg(feature = "client")]
const MOST_OF_A_DAY: u64 = 10 << 20;

/// The lines of a terminal that wait to be written. Room for many would be most
/// of what a start takes.
#[cfg(feature = "client")]
const TERMINAL_LINES: usize = 1_024;

/// Those of a server: it writes one for each answer.
#[cfg(feature = "server")]
const SERVER_LINES: usize = 16_384;

/// A server's log. Never colours: it goes to files and collectors. No answer
/// waits for a collector that is slow: lines queue up, and are left out when
/// the queue is full. What is given back writes what is left when it is dropped.
#[cfg(feature = "server")]
pub(super) fn to_stderr(level: LogLevel, format: LogFormat) -> WorkerGuard {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let registry = tracing_subscriber::registry();
    let (writer, guard) = queued(std::io::stderr(), SERVER_LINES);
    // A second log in one process would be a mistake of ours; the first stays.
    let _ = match format {
        LogFormat::Json => registry.with(fmt::layer().with_ansi(false).json().with_writer(writer).with_filter(of(level))).try_init(),
        LogFormat::Text => registry.with(fmt::layer().with_ansi(false).with_writer(writer).with_filter(of(level))).try_init(),
    };
    guard
}

/// The terminal application's log, one file a day. What is given back writes
/// what is left when it is dropped. Without a file there is no log: the
/// counter works all the same.
#[cfg(feature = "client")]
pub(super) fn to_file(level: TerminalLog, folder: &Path) -> Option<WorkerGuard> {
    let level = match level {
        TerminalLog::Off => return None,
        TerminalLog::Info => LevelFilter::INFO,
        TerminalLog::Debug => LevelFilter::DEBUG,
    };
    // It looks for old files first, and complains on the screen where the folder is new.
    crate::client::folder::make(folder).ok()?;
    let file = tracing_appender::rolling::RollingFileAppender::builder()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("countertop")
        .filename_suffix("log")
        .max_log_files(KEPT_FILES)
        .build(folder)
        .ok()?;
    let today = today();
    let there = std::fs::metadata(folder.join(format!("countertop.{today}.log"))).map_or(0, |file| file.len());
    let (writer, guard) = queued(Measured { file, day: today, left: MOST_OF_A_DAY.saturating_sub(there) }, TERMINAL_LINES);
    let layer = fmt::layer().with_ansi(false).with_writer(writer).with_filter(of(level));
    tracing_subscriber::registry().with(layer).try_init().ok()?;
    Some(guard)
}

/// Written by a thread of its own, with room for so many lines: room is taken at
/// once, and what finds none is left out.
fn queued(writer: impl std::io::Write + Send + 'static, lines: usize) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(lines).finish(writer)
}

/// Our own words at this level; of the libraries only what is odd, for some of
/// them tell what was searched for.
fn of(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("countertop", level)
}

/// The day by which files change.
#[cfg(feature = "client")]
fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Takes so much a day and leaves the rest out.
#[cfg(feature = "client")]
#[derive(Debug)]
struct Measured<W> {
    file: W,
    day: Date,
    left: u64,
}

#[cfg(feature = "client")]
impl<W: Write> Measured<W> {
    fn take(&mut self, line: &[u8], today: Date) -> io::Result<()> {
        if self.day != today {
            self.day = today;
            self.left = MOST_OF_A_DAY;
        }
        // Nothing after a line that was left out: a log with holes misleads.
        self.left = self.left.saturating_sub(line.len() as u64);
        if self.left > 0 { self.file.write_all(line) } else { Ok(()) }
    }
}

#[cfg(feature = "client")]
impl<W: Write> Write for Measured<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.take(line, today())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_measure_and_the_next_one_begins_anew() {
        let day = today();
        let mut log = Measured { file: Vec::new(), day, left: 8 };
        for line in ["one\n", "three\n", "x\n"] {
            log.take(line.as_bytes(), day).unwrap();
        }
        assert_eq!(log.file, b"one\n");
        log.take(b"next\n", day.tomorrow().unwrap()).unwrap();
        assert_eq!(log.file, b"one\nnext\n");
    }
}

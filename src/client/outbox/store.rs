//! The file of the outbox: an SQLite database of mode 600 in the user's state
//! folder, written through to the disk before anybody says "kept". A rollback
//! journal and no write-ahead log: home directories may lie on another machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, ToSql, params};

use super::entry::{Entry, MOST, OutboxFault, Post, State, Summary, Typed, Whose};
use crate::client::Call;

/// The version of the tables, kept in the file's header.
const VERSION: i64 = 1;
/// How long another terminal of the same user is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many of what a user sent stay to be looked at, and to be sent again to a
/// server that was restored from a backup.
const SENT_KEPT: i64 = 200;
/// What is older is taken out with every so many that are sent: each time is a
/// write more.
const CLEARED_EACH: u32 = 50;
/// The most drafts of one user: what was left so long ago nobody comes back to.
const DRAFTS_KEPT: i64 = 100;

const TABLES: &str = "
    CREATE TABLE draft (
        server TEXT NOT NULL,
        user TEXT NOT NULL,
        about TEXT NOT NULL,
        typed TEXT NOT NULL,
        PRIMARY KEY (server, user, about)
    );
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        server TEXT NOT NULL,
        user TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'refused', 'sent')),
        subject TEXT NOT NULL,
        title TEXT NOT NULL,
        about TEXT NOT NULL,
        typed TEXT NOT NULL,
        form TEXT NOT NULL,
        operation TEXT NOT NULL,
        target TEXT NOT NULL,
        body BLOB,
        key TEXT NOT NULL UNIQUE,
        typed_at INTEGER NOT NULL,
        settled_at INTEGER,
        tries INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        number TEXT,
        lineage TEXT
    );
    CREATE INDEX entry_state ON entry (server, user, state, id);
";

const ENTRY: &str = "SELECT id, state, title, typed_at, settled_at, tries, reason, number, about, typed, form FROM entry";

/// What stands in the file although nobody was told that it is kept is neither
/// counted nor shown: it goes as soon as the disk allows it.
const CALLED_KEPT: &str = "key NOT IN (SELECT value FROM json_each(?))";

/// An entry that may go out.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) typed_at: Timestamp,
    /// None: this version has no such operation.
    pub(super) call: Option<Call>,
}

/// What is noted of an entry that was tried.
#[derive(Debug)]
pub(super) enum Note {
    /// It waits on, because of this.
    PutOff(String),
    /// The server will not have it.
    Refused(String),
    /// It is at the server, in the database of that lineage.
    Sent { number: Option<String>, lineage: Option<String> },
}

impl Note {
    fn write(&self, id: i64, now: Timestamp, connection: &Connection) -> rusqlite::Result<usize> {
        let now = now.as_microsecond();
        match self {
            Self::PutOff(reason) => {
                let put_off = "UPDATE entry SET tries = tries + 1, reason = ? WHERE id = ? AND state = 'waiting'";
                connection.execute(put_off, params![reason, id])
            }
            Self::Refused(reason) => {
                let refused = "UPDATE entry SET state = 'refused', tries = tries + 1, reason = ?, settled_at = ? WHERE id = ? AND state = 'waiting'";
                connection.execute(refused, params![reason, now, id])
            }
            Self::Sent { number, lineage } => {
                let sent = "UPDATE entry SET state = 'sent', tries = tries + 1, reason = NULL, number = ?, lineage = ?, settled_at = ? WHERE id = ?";
                connection.execute(sent, params![number, lineage, now, id])
            }
        }
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    path: PathBuf,
    /// Keys of writes that were not called kept although they may stand: a commit
    /// whose last sync fails is told as an error, and is done all the same.
    unkept: Vec<String>,
    /// How many were sent since the file was opened.
    sent: u32,
    /// Another number for what somebody else wrote.
    version: i64,
}

impl Store {
    /// Opens the file in this folder, which is made if need be.
    pub(super) fn open(folder: &Path) -> Result<Self, OutboxFault> {
        let path = folder.join(super::FILE);
        make_private(folder, &path).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => OutboxFault::Full,
            _ => OutboxFault::ReadOnly(folder.display().to_string()),
        })?;
        let connection = Connection::open(&path).map_err(|error| told(&error, &path))?;
        Self::of(connection, path)
    }

    /// One that is nowhere but in memory.
    #[cfg(test)]
    pub(super) fn in_memory() -> Result<Self, OutboxFault> {
        let path = PathBuf::from("memory");
        let connection = Connection::open_in_memory().map_err(|error| told(&error, &path))?;
        Self::of(connection, path)
    }

    /// From now on nothing can be written, as where the disk is full; or it can.
    #[cfg(test)]
    pub(super) fn only_reads(&self, only: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "query_only", only)
    }

    fn of(mut connection: Connection, path: PathBuf) -> Result<Self, OutboxFault> {
        prepare(&mut connection).map_err(|error| told(&error, &path))?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| told(&error, &path))?;
        if version > VERSION {
            return Err(OutboxFault::Newer(path.display().to_string()));
        }
        Ok(Self { connection, path, unkept: Vec::new(), sent: 0, version: 0 })
    }

    /// Takes out what was not called kept: it may be typed and saved once more.
    pub(super) fn take_back_unkept(&mut self) {
        let Self { connection, unkept, .. } = self;
        // What cannot be taken out now is passed over until it can.
        unkept.retain(|key| connection.execute("DELETE FROM entry WHERE key = ?", [key]).is_err());
    }

    /// Keeps a write, and forgets the draft whose place it takes: both or none.
    pub(super) fn keep(&mut self, whose: &Whose, post: &Post, now: Timestamp) -> Result<i64, OutboxFault> {
        let unsent = self.summary(whose)?;
        if unsent.waiting + unsent.refused >= MOST {
            return Err(OutboxFault::Many);
        }
        let typed = serde_json::to_string(&post.typed).map_err(|error| OutboxFault::Other(error.to_string()))?;
        self.take_back_before_again(post)?;
        let mut kept = || -> rusqlite::Result<i64> {
            let transaction = self.connection.transaction()?;
            transaction.execute(
                "INSERT INTO entry (server, user, state, subject, title, about, typed, form, operation, target, body, key, typed_at)
                 VALUES (?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    whose.server,
                    whose.user.to_string(),
                    post.subject,
                    post.title,
                    post.about,
                    typed,
                    post.form,
                    post.call.endpoint.name,
                    post.call.target,
                    post.call.body,
                    post.call.key,
                    now.as_microsecond(),
                ],
            )?;
            let id = transaction.last_insert_rowid();
            forget_draft(&transaction, whose, &post.about)?;
            transaction.commit()?;
            Ok(id)
        };
        let kept = kept();
        kept.or_else(|error| {
            let Some(key) = &post.call.key else { return Err(error) };
            self.written_through(key).ok_or_else(|| {
                self.unkept.push(key.clone());
                error
            })
        })
        .map_err(|error| told(&error, &self.path))
    }

    /// What was not called kept and is saved once more goes under its key of
    /// before: what stands of the first try makes room, or it would be taken out
    /// later in place of this one.
    fn take_back_before_again(&mut self, post: &Post) -> Result<(), OutboxFault> {
        let Some(key) = post.call.key.as_ref().filter(|key| self.unkept.contains(key)) else { return Ok(()) };
        self.run("DELETE FROM entry WHERE key = ?", params![key])?;
        self.unkept.retain(|other| other != key);
        Ok(())
    }

    /// The keys of what is not called kept, as SQL takes a list.
    fn unkept(&self) -> String {
        serde_json::to_string(&self.unkept).unwrap_or_else(|_| "[]".to_owned())
    }

    /// The write under this key, if it stands although its commit failed: another
    /// transaction that succeeds waits for the disk for both. It has to write
    /// something: a row that stays the same is none to SQLite.
    fn written_through(&self, key: &str) -> Option<i64> {
        let id = self.connection.query_row("SELECT id FROM entry WHERE key = ?", [key], |row| row.get(0)).ok()?;
        self.connection.pragma_update(None, "user_version", VERSION).ok()?;
        Some(id)
    }

    /// Whether somebody else wrote to the file since this was asked last.
    pub(super) fn is_changed_by_others(&mut self) -> Result<bool, OutboxFault> {
        let version: i64 = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(|error| told(&error, &self.path))?;
        Ok(std::mem::replace(&mut self.version, version) != version)
    }

    /// What waits and what it is about, the oldest first.
    pub(super) fn waiting_by_subject(&self, whose: &Whose) -> Result<Vec<(i64, String)>, OutboxFault> {
        let read = || -> rusqlite::Result<Vec<(i64, String)>> {
            let text = format!("SELECT id, subject FROM entry WHERE server = ? AND user = ? AND state = 'waiting' AND {CALLED_KEPT} ORDER BY id");
            let mut statement = self.connection.prepare(&text)?;
            let rows = statement.query_map(params![whose.server, whose.user.to_string(), self.unkept()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        read().map_err(|error| told(&error, &self.path))
    }

    /// One that waits, if it still does.
    pub(super) fn waiting(&self, whose: &Whose, id: i64) -> Result<Option<Waiting>, OutboxFault> {
        let text = format!(
            "SELECT id, typed_at, operation, target, body, key FROM entry
            WHERE server = ? AND user = ? AND id = ? AND state = 'waiting' AND {CALLED_KEPT}"
        );
        let found = self.connection.query_row(&text, params![whose.server, whose.user.to_string(), id, self.unkept()], waiting).optional();
        found.map_err(|error| told(&error, &self.path))
    }

    /// Notes what came of tries, by entry: all of it or nothing.
    pub(super) fn note(&mut self, notes: &[(i64, Note)], now: Timestamp) -> Result<(), OutboxFault> {
        let mut sent = self.sent;
        let mut noted = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            for (id, note) in notes {
                note.write(*id, now, &transaction)?;
                if matches!(note, Note::Sent { .. }) {
                    if sent.is_multiple_of(CLEARED_EACH) {
                        clear_older(&transaction, *id)?;
                    }
                    sent = sent.wrapping_add(1);
                }
            }
            transaction.commit()
        };
        noted().map_err(|error| told(&error, &self.path))?;
        self.sent = sent;
        Ok(())
    }

    /// What was typed since then and sent to a database that is no longer there
    /// waits again.
    pub(super) fn send_again_to(&self, whose: &Whose, lineage: &str, since: Timestamp) -> Result<usize, OutboxFault> {
        let again = "UPDATE entry SET state = 'waiting', reason = 'The server was restored from a backup: this is sent once more.'
            WHERE server = ? AND user = ? AND state = 'sent' AND lineage IS NOT NULL AND lineage <> ? AND typed_at >= ?";
        self.run(again, params![whose.server, whose.user.to_string(), lineage, since.as_microsecond()])
    }

    /// Takes an entry out for good. What is on its way cannot be called back.
    pub(super) fn discard(&self, whose: &Whose, id: i64) -> Result<bool, OutboxFault> {
        let discarded = self.run("DELETE FROM entry WHERE id = ? AND server = ? AND user = ?", params![id, whose.server, whose.user.to_string()])?;
        Ok(discarded > 0)
    }

    /// What somebody has to know of.
    pub(super) fn summary(&self, whose: &Whose) -> Result<Summary, OutboxFault> {
        self.counted(&whose.server, Some(&whose.user.to_string()))
    }

    /// The same of everybody who typed for a server here.
    pub(super) fn summary_of_all(&self, server: &str) -> Result<Summary, OutboxFault> {
        self.counted(server, None)
    }

    /// It is counted after each that is sent: in the index alone, unless there is
    /// something to pass over.
    fn counted(&self, server: &str, user: Option<&str>) -> Result<Summary, OutboxFault> {
        let unkept = self.unkept();
        let mut text = "SELECT count(*) FROM entry WHERE server = ?".to_owned();
        let mut of: Vec<&dyn ToSql> = vec![&server];
        if let Some(user) = &user {
            text.push_str(" AND user = ?");
            of.push(user);
        }
        if !self.unkept.is_empty() {
            text.push_str(" AND ");
            text.push_str(CALLED_KEPT);
            of.push(&unkept);
        }
        text.push_str(" AND state = ?");
        let counted = || -> rusqlite::Result<Summary> {
            let mut statement = self.connection.prepare(&text)?;
            let mut count = |state: State| {
                let state = state.name();
                let values: Vec<&dyn ToSql> = of.iter().copied().chain([&state as &dyn ToSql]).collect();
                statement.query_row(values.as_slice(), |row| row.get(0))
            };
            Ok(Summary { waiting: count(State::Waiting)?, refused: count(State::Refused)? })
        };
        counted().map_err(|error| told(&error, &self.path))
    }

    /// One entry.
    pub(super) fn entry(&self, whose: &Whose, id: i64) -> Result<Option<Entry>, OutboxFault> {
        let text = format!("{ENTRY} WHERE server = ? AND user = ? AND id = ? AND {CALLED_KEPT}");
        let found = self.connection.query_row(&text, params![whose.server, whose.user.to_string(), id, self.unkept()], entry).optional();
        found.map_err(|error| told(&error, &self.path))
    }

    /// What is refused or waits, the oldest first, and what was sent, the newest
    /// first, in this order; at most `most` of each.
    pub(super) fn entries(&self, whose: &Whose, most: usize) -> Result<Vec<Entry>, OutboxFault> {
        let listed = || -> rusqlite::Result<Vec<Entry>> {
            let (mut all, unkept) = (Vec::new(), self.unkept());
            for (state, order) in [(State::Refused, "id"), (State::Waiting, "id"), (State::Sent, "id DESC")] {
                let text = format!("{ENTRY} WHERE server = ? AND user = ? AND state = ? AND {CALLED_KEPT} ORDER BY {order} LIMIT ?");
                let mut statement = self.connection.prepare(&text)?;
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                let rows = statement.query_map(params![whose.server, whose.user.to_string(), state.name(), unkept, most], entry)?;
                for row in rows {
                    all.push(row?);
                }
            }
            Ok(all)
        };
        listed().map_err(|error| told(&error, &self.path))
    }

    /// Keeps drafts, or forgets those without a text.
    pub(super) fn keep_drafts(&mut self, whose: &Whose, drafts: &[(String, Typed)]) -> Result<(), OutboxFault> {
        let mut kept = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            for (about, typed) in drafts {
                forget_draft(&transaction, whose, about)?;
                if typed.iter().any(|(_, text)| !text.is_empty()) {
                    let typed = serde_json::to_string(typed).unwrap_or_default();
                    transaction.execute(
                        "INSERT INTO draft (server, user, about, typed) VALUES (?, ?, ?, ?)",
                        params![whose.server, whose.user.to_string(), about, typed],
                    )?;
                }
            }
            // Rows are numbered as they come.
            transaction.execute(
                "DELETE FROM draft WHERE server = ?1 AND user = ?2 AND rowid <= (
                    SELECT rowid FROM draft WHERE server = ?1 AND user = ?2 ORDER BY rowid DESC LIMIT 1 OFFSET ?3)",
                params![whose.server, whose.user.to_string(), DRAFTS_KEPT],
            )?;
            transaction.commit()
        };
        kept().map_err(|error| told(&error, &self.path))
    }

    /// All drafts of a user, the oldest first. What cannot be read is left out.
    pub(super) fn drafts(&self, whose: &Whose) -> Result<Vec<(String, Typed)>, OutboxFault> {
        let read = || -> rusqlite::Result<Vec<(String, Typed)>> {
            let mut statement = self.connection.prepare("SELECT about, typed FROM draft WHERE server = ? AND user = ? ORDER BY rowid")?;
            let rows = statement.query_map(params![whose.server, whose.user.to_string()], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
            let mut drafts = Vec::new();
            for row in rows {
                let (about, typed): (String, String) = row?;
                drafts.extend(serde_json::from_str(&typed).ok().map(|typed| (about, typed)));
            }
            Ok(drafts)
        };
        read().map_err(|error| told(&error, &self.path))
    }

    fn run(&self, text: &str, values: &[&dyn ToSql]) -> Result<usize, OutboxFault> {
        self.connection.prepare(text).and_then(|mut statement| statement.execute(values)).map_err(|error| told(&error, &self.path))
    }
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    // EXTRA: the folder too is written through when the journal goes.
    connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA cache_size = -256;")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

fn forget_draft(connection: &Connection, whose: &Whose, about: &str) -> rusqlite::Result<()> {
    let forget = "DELETE FROM draft WHERE server = ? AND user = ? AND about = ?";
    connection.execute(forget, params![whose.server, whose.user.to_string(), about]).map(drop)
}

/// Takes out what whoever sent this one sent long before. By user, as the index
/// has them: thousands that wait are not looked through for it.
fn clear_older(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let older = "DELETE FROM entry WHERE id IN (
        SELECT old.id FROM entry new JOIN entry old ON old.server = new.server AND old.user = new.user AND old.state = 'sent'
        WHERE new.id = ? ORDER BY old.id DESC LIMIT -1 OFFSET ?)";
    connection.execute(older, params![id, SENT_KEPT]).map(drop)
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let call = Call::of_parts(row.get_ref(2)?.as_str()?, row.get(3)?, row.get(4)?, row.get(5)?);
    Ok(Waiting { id: row.get(0)?, typed_at: time(row.get(1)?), call })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let state = match row.get_ref(1)?.as_str()? {
        "refused" => State::Refused,
        "sent" => State::Sent,
        _ => State::Waiting,
    };
    let settled: Option<i64> = row.get(4)?;
    Ok(Entry {
        id: row.get(0)?,
        state,
        title: row.get(2)?,
        typed_at: time(row.get(3)?),
        settled_at: settled.map(time),
        tries: row.get(5)?,
        reason: row.get(6)?,
        // What pause runs is in no file.
        next_try: None,
        number: row.get(7)?,
        about: row.get(8)?,
        typed: serde_json::from_str(row.get_ref(9)?.as_str()?).unwrap_or_default(),
        form: row.get(10)?,
    })
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Makes folder and file so that nobody else can read them.
fn make_private(folder: &Path, path: &Path) -> std::io::Result<()> {
    let new: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    crate::client::folder::make(folder)?;
    new.into_iter().filter_map(Path::parent).for_each(write_through);
    if path.exists() {
        close_to_others(path);
        return Ok(());
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Somebody opened the file to others: what is typed is for its owner only. Who
/// does not own it changes nothing.
#[cfg(unix)]
fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let is_open = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if is_open {
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) {}

/// Writes a folder through: one that was just made in it is gone with the power
/// otherwise. Some systems know no such thing, and need it not.
fn write_through(folder: &Path) {
    let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
}

/// What a failure of the file means for a person.
fn told(error: &rusqlite::Error, path: &Path) -> OutboxFault {
    let file = || path.display().to_string();
    let folder = || path.parent().unwrap_or(path).display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => OutboxFault::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => OutboxFault::ReadOnly(folder()),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OutboxFault::Damaged(file()),
        _ => OutboxFault::Other(format!("the file {} failed: {error}", file())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::{AssetId, UserId};
    use crate::api::meter::NewReading;
    use crate::api::operation::{AddReading, OfAsset};
    use crate::api::page::Nothing;

    /// Jo, and a reading that he typed.
    fn jo() -> (Whose, Post) {
        let call = Call::of::<AddReading>(&OfAsset { id: AssetId::new() }, &Nothing {}, &NewReading::default());
        let text = || "reading".to_owned();
        let post = Post { call, subject: text(), title: text(), about: text(), typed: Vec::new(), form: String::new() };
        (Whose { server: "https://here".to_owned(), user: UserId::new() }, post)
    }

    /// A write stands in the file, but its last sync failed: nobody was told that
    /// it is kept.
    fn half_kept(store: &mut Store, whose: &Whose, post: &Post) -> i64 {
        let id = store.keep(whose, post, Timestamp::UNIX_EPOCH).unwrap();
        store.unkept.extend(post.call.key.clone());
        id
    }

    #[test]
    fn what_was_not_called_kept_is_neither_counted_nor_shown_while_the_disk_holds_on_to_it() {
        let (mut store, (whose, post)) = (Store::in_memory().unwrap(), jo());
        let id = half_kept(&mut store, &whose, &post);
        store.only_reads(true).unwrap();
        store.take_back_unkept();
        assert_eq!((store.summary(&whose).unwrap(), store.summary_of_all(&whose.server).unwrap()), (Summary::default(), Summary::default()));
        assert_eq!((store.entries(&whose, 10).unwrap(), store.entry(&whose, id).unwrap()), (Vec::new(), None));
        store.only_reads(false).unwrap();
        store.take_back_unkept();
        assert!(store.unkept.is_empty());
        store.keep(&whose, &post, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((store.summary(&whose).unwrap().waiting, store.entries(&whose, 10).unwrap().len()), (1, 1));
    }

    #[test]
    fn what_is_saved_once_more_under_its_key_stays_though_the_first_try_is_taken_back() {
        let (mut store, (whose, post)) = (Store::in_memory().unwrap(), jo());
        half_kept(&mut store, &whose, &post);
        store.only_reads(true).unwrap();
        assert!(store.keep(&whose, &post, Timestamp::UNIX_EPOCH).is_err(), "the disk takes nothing");
        store.only_reads(false).unwrap();
        store.keep(&whose, &post, Timestamp::UNIX_EPOCH).unwrap();
        store.take_back_unkept();
        let waiting = store.waiting_by_subject(&whose).unwrap();
        let letters = waiting.iter().filter_map(|(id, _)| store.waiting(&whose, *id).unwrap()?.call?.key);
        let keys: Vec<String> = letters.collect();
        assert_eq!((store.summary(&whose).unwrap().waiting, keys), (1, Vec::from_iter(post.call.key)), "he was told that it is kept");
    }

    /// Keeps something else of somebody's.
    fn keep(store: &mut Store, whose: &Whose) -> i64 {
        store.keep(whose, &jo().1, Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn of_what_each_sent_the_last_stay_to_be_looked_at() {
        let (mut store, (jo, _), (mara, _)) = (Store::in_memory().unwrap(), jo(), jo());
        for (whose, count) in [(&mara, 10), (&jo, 300)] {
            for _ in 0..count {
                let id = keep(&mut store, whose);
                store.note(&[(id, Note::Sent { number: None, lineage: None })], Timestamp::UNIX_EPOCH).unwrap();
            }
        }
        let last = keep(&mut store, &jo);
        let of_jo = store.entries(&jo, 1_000).unwrap();
        assert!((201..=251).contains(&of_jo.len()) && of_jo[0].id == last && of_jo[1].id == last - 1, "{}", of_jo.len());
        assert_eq!(store.entries(&mara, 1_000).unwrap().len(), 10, "what one sends takes nothing from another");
    }

    #[test]
    fn t3_a_write_is_on_the_disk_before_it_is_called_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let asked = |what: &str| store.connection.pragma_query_value(None, what, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(asked("synchronous"), rusqlite::types::Value::Integer(3), "EXTRA: the folder too is written through");
        assert_eq!(asked("journal_mode"), rusqlite::types::Value::Text("delete".to_owned()));
    }
}

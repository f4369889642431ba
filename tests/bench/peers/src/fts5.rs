//! SQLite's FTS5 with its trigram tokenizer, tuned: rows in the order of rank,
//! so that a walk through the index may stop at a page.
//!
//! May call [`crate::tiers`] and [`crate::folded`].

use std::path::Path;

use anyhow::Result;
use countertop::rules::customer_search::Field;
use rusqlite::{Connection, params, params_from_iter};

use crate::folded::Folded;
use crate::tiers::{Ask, Peer, Sought, Wanted, column, marked};

/// The database.
#[derive(Debug)]
pub(crate) struct Fts5 {
    connection: Connection,
}

const TABLES: &str = "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -1000000;
    CREATE TABLE customer (rank INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL);
    CREATE TABLE number (number TEXT NOT NULL, rank INTEGER NOT NULL, PRIMARY KEY (number, rank)) WITHOUT ROWID;
    CREATE VIRTUAL TABLE piece USING fts5(name, city, state, number, phone, postal_code,
        content = '', columnsize = 0, tokenize = 'trigram case_sensitive 1');
    INSERT INTO piece (piece, rank) VALUES ('automerge', 0);
    BEGIN";

const FINISH: &str = "COMMIT; CREATE INDEX customer_name ON customer (name);
    INSERT INTO piece (piece) VALUES ('optimize'); ANALYZE;
    PRAGMA cache_size = -262144; PRAGMA mmap_size = 8589934592; PRAGMA query_only = 1";

impl Fts5 {
    /// Makes it in a file.
    pub(crate) fn build(folded: &Folded, file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(TABLES)?;
        {
            let mut customer = connection.prepare("INSERT INTO customer VALUES (?1, ?2, ?3)")?;
            let mut number = connection.prepare("INSERT OR IGNORE INTO number VALUES (?1, ?2)")?;
            let mut piece =
                connection.prepare("INSERT INTO piece (rowid, name, city, state, number, phone, postal_code) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            for (rank, text) in (0_i64..).zip(folded.all()) {
                customer.execute(params![rank, text.name(), text.0])?;
                for line in text.lines(Field::Number) {
                    number.execute(params![line, rank])?;
                }
                let [name, city, state, numbers, phone, postal_code] = Field::ALL.map(|field| marked(text, field));
                piece.execute(params![rank, name, city, state, numbers, phone, postal_code])?;
            }
        }
        connection.execute_batch(FINISH)?;
        Ok(Self { connection })
    }

    /// Hands over the ranks a statement finds, with their text.
    fn each(&self, sql: &str, values: &[&str], sought: &mut Sought<'_>) -> Result<()> {
        let mut ranks = self.connection.prepare_cached(sql)?;
        let mut text = self.connection.prepare_cached("SELECT text FROM customer WHERE rank = ?1")?;
        let mut ranks = ranks.query(params_from_iter(values))?;
        while !sought.is_full()
            && let Some(row) = ranks.next()?
        {
            let rank: u32 = row.get(0)?;
            if !sought.has(rank) {
                let text: String = text.query_row([rank], |row| row.get(0))?;
                sought.take(rank, &text);
            }
        }
        Ok(())
    }
}

impl Peer for Fts5 {
    fn candidates(&mut self, ask: &Ask, sought: &mut Sought<'_>) -> Result<()> {
        match ask {
            Ask::Number(number) => self.each("SELECT rank FROM number WHERE number = ?1 ORDER BY rank", &[number], sought),
            Ask::NameStart(start) => {
                let end = format!("{start}\u{10FFFF}");
                self.each("SELECT rank FROM customer WHERE name >= ?1 AND name < ?2 ORDER BY name, rank", &[start, &end], sought)
            }
            Ask::Any(any) => {
                let all = |all: &Vec<Wanted>| format!("({})", all.iter().map(expression).collect::<Vec<_>>().join(" AND "));
                let any = any.iter().map(all).collect::<Vec<_>>().join(" OR ");
                self.each("SELECT rowid FROM piece WHERE piece MATCH ?1 ORDER BY rowid", &[&any], sought)
            }
        }
    }
}

fn expression(wanted: &Wanted) -> String {
    let text = quoted(&wanted.text);
    let in_fields = if wanted.is_anywhere() {
        text
    } else {
        let columns: Vec<&str> = wanted.fields.iter().map(|field| column(*field)).collect();
        format!("{{{}}} : {text}", columns.join(" "))
    };
    match &wanted.phone {
        Some(digits) => format!("({in_fields} OR phone : {})", quoted(digits)),
        None => in_fields,
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

//! The schema of the SQLite file: whose it is, which version, and the way from each version to the next.
//!
//! Reading and writing of what the tables hold never lives here.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::error::OpenError;
use crate::nonce;

/// `application_id` of our files, "cnfl": by it a database of another program is recognised.
/// <https://www.sqlite.org/pragma.html#pragma_application_id>
pub(crate) const APPLICATION_ID: i64 = 0x636e_666c;

/// The steps from version to version; step `n` leads from `user_version` n to n + 1. A released step never changes.
const STEPS: &[&str] = &[
    // `outbox.request` is JSON; `batches.at` is in milliseconds since the Unix epoch, null if the time was not told.
    "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT;
     CREATE TABLE records (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT;
     CREATE TABLE outbox (request_id INTEGER PRIMARY KEY NOT NULL, request TEXT NOT NULL) STRICT;
     CREATE TABLE batches (position INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, at INTEGER) STRICT;",
    // When a request was committed, in milliseconds since the Unix epoch: how long it has been tried counts over restarts.
    "ALTER TABLE outbox ADD COLUMN at INTEGER;",
];

/// The newest version, which is the one written.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// Checks that the file is ours and not newer than us, then brings it to [`VERSION`]. A file refused is left untouched.
pub(crate) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |source| refusal(path, source);

    // One connection, one process: it keeps the lock from its first read until it is closed, and a second process is refused.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    let found = check(connection, path)?;

    // WAL: one sequential write and one sync a commit, and readers of a copied file see whole commits only.
    // FULL, since NORMAL syncs the log only at checkpoints: a power cut would take back commits whose transactions are
    // already acknowledged, and the homeserver would never send them again. FULLFSYNC is the same wish on Apple systems.
    // SECURE_DELETE: descriptions, addresses and names of ended calls are overwritten, not only unlinked.
    for (pragma, value) in
        [("journal_mode", "WAL"), ("synchronous", "FULL"), ("fullfsync", "ON"), ("secure_delete", "ON")]
    {
        // Some of them answer with a row, which `pragma_update` would take for an error.
        connection
            .pragma_update_and_check(None, pragma, value, |_| Ok(()))
            .or_else(no_answer)
            .map_err(failed)?;
    }

    if found < VERSION {
        migrate(connection, found).map_err(|fault| match fault {
            MigrateError::Random(source) => OpenError::Random(source),
            MigrateError::Sqlite(source) => failed(source),
        })?;
    }
    Ok(())
}

/// The schema version of a file of ours, 0 for an empty one.
fn check(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let failed = |source| refusal(path, source);
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application = number("application_id").map_err(failed)?;
    let found = number("user_version").map_err(failed)?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(failed)?;

    let empty = application == 0 && found == 0 && objects == 0;
    if !empty && application != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if found > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

enum MigrateError {
    Random(getrandom::Error),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrateError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(source)
    }
}

/// All steps in one transaction, marks included: a crash leaves the old version or the new one.
fn migrate(connection: &mut Connection, found: i64) -> Result<(), MigrateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if found == 0 {
        let nonce = nonce::make().map_err(MigrateError::Random)?;
        transaction.execute("INSERT INTO meta (key, value) VALUES ('nonce', ?1)", [nonce])?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    #[cfg(feature = "crash-points")]
    confocal::crash::reached("mid-migration", "");
    transaction.commit()?;
    Ok(())
}

/// Sorts SQLite's refusals of a file by fault.
fn refusal(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path },
        _ => OpenError::Sqlite { path, source },
    }
}

/// A pragma that was set without answering has been set.
fn no_answer(source: rusqlite::Error) -> rusqlite::Result<()> {
    if matches!(source, rusqlite::Error::QueryReturnedNoRows) { Ok(()) } else { Err(source) }
}

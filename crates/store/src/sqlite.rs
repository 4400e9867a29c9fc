//! The store in a file: one connection, one transaction a commit.
//!
//! The schema and its versions never live here: see `schema`.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use confocal::conference::{RequestId, SignalRequest, Timestamp};
use confocal::ports::{Commit, Row, Store, Stored};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use crate::error::{OpenError, StoreError};
use crate::{forget, schema};

/// How long to wait for a process that is just ending to give the file back.
const HANDOVER: Duration = Duration::from_secs(1);

/// A store in a SQLite file, readable by its owner only (mode 0600) and held by one process at a time.
///
/// A commit is written and synced to the disk before it returns. All calls block for that long, a few milliseconds on an
/// ordinary disk.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
}

impl SqliteStore {
    /// Opens the store in `path`; makes it if there is no such file, or an empty one. Its directory must exist.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; a file that is refused is left as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let file_fault = |source| OpenError::File { path: path.to_owned(), source };
        make(path).map_err(file_fault)?;

        let failed = |source| OpenError::Sqlite { path: path.to_owned(), source };
        // Not `SQLITE_OPEN_URI`: a path is a path, whatever it begins with.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(HANDOVER).map_err(failed)?;
        schema::prepare(&mut connection, path)?;
        keep_to_owner(path).map_err(file_fault)?;
        Ok(Self { connection })
    }
}

impl Store for SqliteStore {
    type Error = StoreError;

    fn load(&mut self) -> Result<Stored, StoreError> {
        // A transaction, so that the parts fit together.
        let transaction = self.connection.transaction()?;
        let nonce =
            transaction.query_row("SELECT value FROM meta WHERE key = 'nonce'", (), |row| row.get(0))?;
        let records = transaction
            .prepare("SELECT key, value FROM records ORDER BY key")?
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        // Request ids are handed out in order, so theirs is the order in which they were committed.
        let outbox = transaction
            .prepare("SELECT request_id, request, at FROM outbox ORDER BY request_id")?
            .query_map((), |row| Ok((RequestId(row.get(0)?), row.get::<_, String>(1)?, row.get(2)?)))?
            .map(|row| {
                let (id, request, at): (_, _, Option<u64>) = row?;
                let request =
                    serde_json::from_str(&request).map_err(|source| StoreError::Decode { id, source })?;
                Ok(Row { id, request, at: at.map(Timestamp::from_unix_millis) })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Stored { nonce, records, outbox })
    }

    fn commit(&mut self, commit: Commit) -> Result<(), StoreError> {
        if commit.is_empty() {
            return Ok(());
        }
        #[cfg(feature = "crash-points")]
        let is_answer =
            commit.send.iter().any(|(_, request)| matches!(request, SignalRequest::Answer { .. }));
        // Dropped on the way out by an error, the transaction is rolled back.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(batch) = commit.batch {
            remember(&transaction, batch, commit.at)?;
        }
        for (key, value) in commit.records {
            match value {
                Some(value) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO records (key, value) VALUES (?1, ?2)")?
                    .execute(params![key, value])?,
                None => transaction.prepare_cached("DELETE FROM records WHERE key = ?1")?.execute([key])?,
            };
        }
        for (id, request) in commit.send {
            queue(&transaction, id, &request, commit.at)?;
        }
        for id in commit.done {
            transaction.prepare_cached("DELETE FROM outbox WHERE request_id = ?1")?.execute([id.0])?;
        }
        #[cfg(feature = "crash-points")]
        confocal::crash::reached("mid-commit", if is_answer { "answer" } else { "other" });
        transaction.commit()?;
        Ok(())
    }

    fn seen(&mut self, batch: &str) -> Result<bool, StoreError> {
        let found = self
            .connection
            .prepare_cached("SELECT 1 FROM batches WHERE id = ?1")?
            .query_row([batch], |_| Ok(()))
            .optional()?;
        Ok(found.is_some())
    }
}

/// Puts a request into the outbox.
fn queue(
    transaction: &Transaction<'_>,
    id: RequestId,
    request: &SignalRequest,
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let request = serde_json::to_string(request).map_err(|source| StoreError::Encode { id, source })?;
    transaction
        .prepare_cached("INSERT INTO outbox (request_id, request, at) VALUES (?1, ?2, ?3)")?
        .execute(params![id.0, request, at.map(Timestamp::as_unix_millis)])
        .map_err(
            |source| if is_repeated(&source) { StoreError::RequestRepeated { id } } else { source.into() },
        )?;
    Ok(())
}

/// Notes a batch as handled, and forgets old ones.
fn remember(transaction: &Transaction<'_>, batch: String, at: Option<Timestamp>) -> Result<(), StoreError> {
    let now = at.map(Timestamp::as_unix_millis);
    let inserted = transaction
        .prepare_cached("INSERT INTO batches (id, at) VALUES (?1, ?2)")?
        .execute(params![batch, now]);
    if let Err(source) = inserted {
        return Err(if is_repeated(&source) { StoreError::BatchRepeated { batch } } else { source.into() });
    }

    // A new position is the highest plus one, and only the oldest rows are deleted: so a difference of positions counts
    // the rows between, and a bound by position bounds their number.
    let newest = transaction.last_insert_rowid();
    let count_bound = newest.saturating_sub_unsigned(forget::NEWEST as u64);
    let age_bound = newest.saturating_sub_unsigned(forget::ALWAYS as u64);
    transaction.prepare_cached("DELETE FROM batches WHERE position <= ?1")?.execute([count_bound])?;
    if let Some(now) = now {
        transaction
            .prepare_cached("DELETE FROM batches WHERE position <= ?1 AND at < ?2")?
            .execute(params![age_bound, now.saturating_sub(forget::AGE.0)])?;
    }
    Ok(())
}

/// Whether a row was refused because its key is there already.
fn is_repeated(fault: &rusqlite::Error) -> bool {
    fault.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Makes the file if there is none, for its owner only from the first moment; SQLite gives its log the same mode.
fn make(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Takes away what others may do with a file that was there before.
fn keep_to_owner(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    let _ = fs::metadata(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_logged_synced_and_leaves_nothing_deleted_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("confocal.db")).unwrap();
        let value = |pragma| {
            store
                .connection
                .pragma_query_value(None, pragma, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(value("journal_mode"), "wal".to_owned().into());
        assert_eq!(value("synchronous"), 2.into(), "2 is FULL");
        assert_eq!(value("secure_delete"), 1.into());
    }
}

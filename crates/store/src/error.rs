//! What a store fails with, named by fault.
//!
//! Whether to go on after a failure never lives here: that is the driver's.

use std::io;
use std::path::PathBuf;

use confocal::conference::RequestId;

/// Why a store could not be opened. The file is left as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file can't be made, or its mode can't be set: its directory is missing, or belongs to someone else.
    #[error("the store {} can't be made or kept to its owner", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not a SQLite database, or one of another program.
    #[error("{} is not a store of this program; name another file, or move it away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program, which this one could only harm.
    #[error(
        "the store {} has schema {found}, newer than {known}, the newest that this version knows; run the newer version",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest schema version known here.
        known: i64,
    },
    /// Another process has the file open. Two would send everything twice.
    #[error("the store {} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The system has no random numbers to make the nonce of.
    #[error("no random numbers for a new store")]
    Random(#[source] getrandom::Error),
    /// SQLite can't open, read or set up the file.
    #[error("the store {} can't be opened", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Why a store could not be read or written. After a failed commit, nothing of it is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The batch was committed before; to commit it again would act on it twice. Ask
    /// [`Store::seen`](confocal::ports::Store::seen) first.
    #[error("batch {batch:?} was committed before")]
    BatchRepeated {
        /// The batch's name.
        batch: String,
    },
    /// A request of this id waits in the outbox already; ids are never reused, and what waits is sent unchanged.
    #[error("request {id} is in the outbox already")]
    RequestRepeated {
        /// The request.
        id: RequestId,
    },
    /// A request can't be put into words.
    #[error("request {id} can't be encoded")]
    Encode {
        /// The request.
        id: RequestId,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A stored request can't be read back: it was written by another version, or damaged.
    #[error("the stored request {id} can't be read")]
    Decode {
        /// The request.
        id: RequestId,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// SQLite failed: no space, a broken disk, a damaged file.
    #[error("the store can't be read or written")]
    Sqlite(#[from] rusqlite::Error),
}

//! The [`Store`](confocal::ports::Store) port on SQLite: what a conference focus must still know after a crash.
//!
//! One file holds the machine's records, the outbox, the names of batches already handled, and the nonce of all transaction
//! ids. [`SqliteStore`] keeps them durably, [`MemoryStore`] for as long as the process lives (tests, embedders that need no
//! more). What a record or a request means never lives here, nor does any rule of a conference.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use confocal::ports::{Commit, Store};
//! use confocal_store::SqliteStore;
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("confocal.db");
//! let mut store = SqliteStore::open(&path)?;
//! store.commit(Commit { records: vec![("focus".into(), Some(vec![1, 2, 3]))], ..Commit::default() })?;
//! drop(store);
//!
//! let stored = SqliteStore::open(&path)?.load()?;
//! assert_eq!(stored.records, [("focus".into(), vec![1, 2, 3])]);
//! # Ok(())
//! # }
//! ```

mod error;
mod forget;
mod memory;
mod nonce;
mod schema;
mod sqlite;

pub use error::{OpenError, StoreError};
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

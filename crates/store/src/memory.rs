//! The store in memory, for tests and for embedders that keep nothing over a restart.
//!
//! Files never live here. It refuses what [`SqliteStore`](crate::SqliteStore) refuses, so that a test with it means something.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use confocal::conference::{RequestId, Timestamp};
use confocal::ports::{Commit, Row, Store, Stored};

use crate::error::StoreError;
use crate::{forget, nonce};

/// A store in memory. A clone is another door to the same memory, as a file that is opened again: a test gives one to a
/// driver, ends it, and starts the next driver with another.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Mutex<Contents>>);

#[derive(Debug)]
struct Contents {
    nonce: String,
    records: BTreeMap<String, Vec<u8>>,
    outbox: BTreeMap<RequestId, Row>,
    /// Oldest first.
    batches: VecDeque<(String, Option<Timestamp>)>,
}

impl MemoryStore {
    /// An empty store with a fresh nonce.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new() -> Result<Self, getrandom::Error> {
        Ok(Self::with_nonce(nonce::make()?))
    }

    /// An empty store with this nonce, for tests that compare transaction ids.
    #[must_use]
    pub fn with_nonce(nonce: impl Into<String>) -> Self {
        Self(Arc::new(Mutex::new(Contents {
            nonce: nonce.into(),
            records: BTreeMap::new(),
            outbox: BTreeMap::new(),
            batches: VecDeque::new(),
        })))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // A commit checks before it changes anything, so a panic elsewhere leaves whole commits behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    type Error = StoreError;

    fn load(&mut self) -> Result<Stored, StoreError> {
        let contents = self.contents();
        Ok(Stored {
            nonce: contents.nonce.clone(),
            records: contents.records.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            outbox: contents.outbox.values().cloned().collect(),
        })
    }

    fn commit(&mut self, commit: Commit) -> Result<(), StoreError> {
        let mut contents = self.contents();
        if let Some(batch) = &commit.batch
            && contents.knows(batch)
        {
            return Err(StoreError::BatchRepeated { batch: batch.clone() });
        }
        let mut send = BTreeMap::new();
        for (id, request) in commit.send {
            let row = Row { id, request, at: commit.at };
            if contents.outbox.contains_key(&id) || send.insert(id, row).is_some() {
                return Err(StoreError::RequestRepeated { id });
            }
        }

        if let Some(batch) = commit.batch {
            contents.remember(batch, commit.at);
        }
        for (key, value) in commit.records {
            match value {
                Some(value) => contents.records.insert(key, value),
                None => contents.records.remove(&key),
            };
        }
        contents.outbox.append(&mut send);
        for id in commit.done {
            contents.outbox.remove(&id);
        }
        Ok(())
    }

    fn seen(&mut self, batch: &str) -> Result<bool, StoreError> {
        Ok(self.contents().knows(batch))
    }
}

impl Contents {
    fn knows(&self, batch: &str) -> bool {
        self.batches.iter().rev().any(|(known, _)| known == batch)
    }

    fn remember(&mut self, batch: String, now: Option<Timestamp>) {
        self.batches.push_back((batch, now));
        while self.batches.len() > forget::NEWEST {
            self.batches.pop_front();
        }
        let Some(now) = now else { return };
        // As the times never decrease, what is too old is at the front.
        while self.batches.len() > forget::ALWAYS
            && self.batches.front().and_then(|(_, at)| *at).is_some_and(|at| now.since(at) > forget::AGE)
        {
            self.batches.pop_front();
        }
    }
}

//! What the port promises, asked of both stores by the same questions.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use confocal::conference::{FocusUser, Millis, RequestId, RoomKey, SignalRequest, Timestamp};
use confocal::ports::{Commit, Row, Store};
use confocal_store::{MemoryStore, SqliteStore, StoreError};

/// A store that can be closed and opened again.
trait Reopen {
    type Store: Store<Error = StoreError>;
    fn open(&self) -> Self::Store;
}

struct InFile(tempfile::TempDir);

impl Reopen for InFile {
    type Store = SqliteStore;
    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.0.path().join("confocal.db")).unwrap()
    }
}

struct InMemory(MemoryStore);

impl Reopen for InMemory {
    type Store = MemoryStore;
    fn open(&self) -> MemoryStore {
        self.0.clone()
    }
}

/// Makes one test a store of each promise.
macro_rules! promises {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name(&super::InFile(tempfile::tempdir().unwrap()));
            })*
        }

        mod memory {
            $(#[test]
            fn $name() {
                super::$name(&super::InMemory(confocal_store::MemoryStore::new().unwrap()));
            })*
        }
    };
}

promises! {
    is_empty_at_first_and_keeps_its_nonce
    records_are_replaced_and_removed
    outbox_keeps_order_and_words_until_done
    a_failed_commit_leaves_nothing
    a_repeated_batch_is_seen_and_refused
    an_empty_commit_writes_nothing
    old_batches_are_forgotten_by_age_but_never_the_newest
}

const DAY: Millis = Millis::from_secs(24 * 60 * 60);

fn leave(room: &str) -> SignalRequest {
    SignalRequest::Leave { focus: FocusUser::from("@conf_x:example.org"), room: RoomKey::from(room) }
}

fn row(id: u64, request: SignalRequest, at: Option<Timestamp>) -> Row {
    Row { id: RequestId(id), request, at }
}

fn record(key: &str, value: Option<&[u8]>) -> (String, Option<Vec<u8>>) {
    (key.to_owned(), value.map(<[u8]>::to_vec))
}

fn batch(id: &str, at: Option<Timestamp>) -> Commit {
    Commit { batch: Some(id.to_owned()), at, ..Commit::default() }
}

fn is_empty_at_first_and_keeps_its_nonce(place: &impl Reopen) {
    let first = place.open().load().unwrap();
    assert!(first.records.is_empty());
    assert!(first.outbox.is_empty());
    assert!(first.nonce.len() >= 16 && first.nonce.chars().all(|c| c.is_ascii_alphanumeric()));
    assert_eq!(place.open().load().unwrap().nonce, first.nonce);
}

fn records_are_replaced_and_removed(place: &impl Reopen) {
    let mut store = place.open();
    store
        .commit(Commit {
            records: vec![
                record("leg/2", Some(b"two")),
                record("focus", Some(b"")),
                record("leg/1", Some(b"one")),
            ],
            ..Commit::default()
        })
        .unwrap();
    store
        .commit(Commit {
            records: vec![record("leg/2", Some(b"2\0\xff")), record("leg/1", None), record("absent", None)],
            ..Commit::default()
        })
        .unwrap();
    drop(store);

    let records = place.open().load().unwrap().records;
    assert_eq!(records, [("focus".to_owned(), b"".to_vec()), ("leg/2".to_owned(), b"2\0\xff".to_vec())]);
}

fn outbox_keeps_order_and_words_until_done(place: &impl Reopen) {
    let mut store = place.open();
    store
        .commit(Commit {
            send: vec![(RequestId(2), leave("!a")), (RequestId(9), leave("!b"))],
            at: Some(Timestamp::from_unix_millis(7)),
            ..Commit::default()
        })
        .unwrap();
    store
        .commit(Commit {
            send: vec![(RequestId(10), leave("!c"))],
            done: vec![RequestId(9), RequestId(77)],
            ..Commit::default()
        })
        .unwrap();
    drop(store);

    let mut store = place.open();
    assert_eq!(
        store.load().unwrap().outbox,
        [row(2, leave("!a"), Some(Timestamp::from_unix_millis(7))), row(10, leave("!c"), None)]
    );

    // Sent and done in one turn: never a row.
    let both =
        Commit { send: vec![(RequestId(11), leave("!d"))], done: vec![RequestId(11)], ..Commit::default() };
    store.commit(both).unwrap();
    assert_eq!(store.load().unwrap().outbox.len(), 2);
}

fn a_failed_commit_leaves_nothing(place: &impl Reopen) {
    let mut store = place.open();
    let first = Commit {
        records: vec![record("focus", Some(b"before"))],
        send: vec![(RequestId(1), leave("!a"))],
        ..Commit::default()
    };
    store.commit(first).unwrap();

    // What fails comes last, so that the parts before it have been written by then.
    let torn = Commit {
        batch: Some("t1".to_owned()),
        at: Some(Timestamp::from_unix_millis(1)),
        records: vec![record("focus", Some(b"after")), record("leg/1", Some(b"new"))],
        send: vec![(RequestId(2), leave("!b")), (RequestId(1), leave("!c"))],
        done: vec![RequestId(1)],
    };
    assert!(matches!(store.commit(torn), Err(StoreError::RequestRepeated { id: RequestId(1) })));

    assert_untouched(&mut store);
    drop(store);
    assert_untouched(&mut place.open());
}

fn assert_untouched(store: &mut impl Store<Error = StoreError>) {
    let stored = store.load().unwrap();
    assert_eq!(stored.records, [("focus".to_owned(), b"before".to_vec())]);
    assert_eq!(stored.outbox, [row(1, leave("!a"), None)]);
    assert!(!store.seen("t1").unwrap());
}

fn a_repeated_batch_is_seen_and_refused(place: &impl Reopen) {
    let mut store = place.open();
    assert!(!store.seen("t1").unwrap());
    store.commit(batch("t1", Some(Timestamp::from_unix_millis(1)))).unwrap();
    drop(store);

    let mut store = place.open();
    assert!(store.seen("t1").unwrap());
    assert!(!store.seen("t").unwrap());
    let again = Commit {
        records: vec![record("focus", Some(b"twice"))],
        ..batch("t1", Some(Timestamp::from_unix_millis(2)))
    };
    assert!(matches!(store.commit(again), Err(StoreError::BatchRepeated { batch }) if batch == "t1"));
    assert!(store.load().unwrap().records.is_empty());
}

fn an_empty_commit_writes_nothing(place: &impl Reopen) {
    let mut store = place.open();
    store.commit(Commit { at: Some(Timestamp::from_unix_millis(5)), ..Commit::default() }).unwrap();
    assert!(store.load().unwrap().records.is_empty());
}

fn old_batches_are_forgotten_by_age_but_never_the_newest(place: &impl Reopen) {
    let start = Timestamp::from_unix_millis(1_700_000_000_000);
    let mut store = place.open();
    for n in 0..150 {
        store.commit(batch(&format!("old{n}"), Some(start))).unwrap();
    }
    store.commit(batch("a week later", Some(start + DAY + DAY + DAY + DAY + DAY + DAY + DAY))).unwrap();
    assert!(store.seen("old0").unwrap(), "seven days are kept whole");

    store.commit(batch("and a bit", Some(start + Millis(8 * DAY.0)))).unwrap();
    let kept = (0..150).filter(|n| store.seen(&format!("old{n}")).unwrap()).count();
    assert_eq!(kept, 98, "of the 100 newest, two are younger");
    assert!(store.seen("old149").unwrap());
    assert!(store.seen("a week later").unwrap());
}

/// In memory only: ten thousand synced writes would try a slow disk. The file's bound is tested beside it.
#[test]
fn batches_in_memory_are_bounded_by_number() {
    let mut store = MemoryStore::with_nonce("n");
    for n in 0..=10_000 {
        store.commit(batch(&n.to_string(), None)).unwrap();
    }
    assert!(!store.seen("0").unwrap());
    assert!(store.seen("1").unwrap());
    assert!(store.seen("10000").unwrap());
}

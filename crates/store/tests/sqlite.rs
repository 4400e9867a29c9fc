//! What only a file can do: be cut off, be someone else's, be newer, be open twice.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};

use confocal::conference::{FocusUser, RequestId, RoomKey, SignalRequest};
use confocal::ports::{Commit, Row, Store};
use confocal_store::{OpenError, SqliteStore, StoreError};
use rusqlite::Connection;

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("confocal.db");
    (dir, path)
}

fn record(key: &str, value: &[u8]) -> Commit {
    Commit { records: vec![(key.to_owned(), Some(value.to_vec()))], ..Commit::default() }
}

fn values(path: &Path) -> Vec<(String, Vec<u8>)> {
    SqliteStore::open(path).unwrap().load().unwrap().records
}

/// The log that SQLite keeps beside the file.
fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

#[test]
fn a_commit_survives_a_process_that_never_closed_the_store() {
    let (dir, path) = place();
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(record("focus", b"kept")).unwrap();

    // The files as a killed process leaves them.
    let left = dir.path().join("left.db");
    fs::copy(&path, &left).unwrap();
    fs::copy(log_of(&path), log_of(&left)).unwrap();
    assert_eq!(values(&left), [("focus".to_owned(), b"kept".to_vec())]);
}

#[test]
fn a_write_cut_off_at_any_point_is_a_commit_or_none() {
    let (dir, path) = place();
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(record("a", b"1")).unwrap();
    let before = fs::metadata(log_of(&path)).unwrap().len();
    // More than a page, so that the commit is several frames of the log.
    let second = Commit {
        records: vec![("a".to_owned(), Some(b"2".to_vec())), ("b".to_owned(), Some(vec![7; 9000]))],
        ..Commit::default()
    };
    store.commit(second).unwrap();
    let log = fs::read(log_of(&path)).unwrap();
    let after = log.len() as u64;
    assert!(after > before);

    for length in (before..=after).step_by(512).chain([after - 1, after]) {
        let cut = dir.path().join(format!("cut{length}.db"));
        fs::copy(&path, &cut).unwrap();
        fs::write(log_of(&cut), &log[..usize::try_from(length).unwrap()]).unwrap();
        let found = values(&cut);
        if length == after {
            assert_eq!(found, [("a".to_owned(), b"2".to_vec()), ("b".to_owned(), vec![7; 9000])]);
        } else {
            assert_eq!(found, [("a".to_owned(), b"1".to_vec())], "cut at {length} of {after}");
        }
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (_dir, path) = place();
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();

    let fault = SqliteStore::open(&path).unwrap_err();
    assert!(
        matches!(&fault, OpenError::Newer { found: 99, known: 2, path: named } if *named == path),
        "{fault:?}"
    );
    assert!(fault.to_string().contains(path.to_str().unwrap()));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_store_of_the_first_schema_is_brought_to_the_newest_with_all_that_is_in_it() {
    let (_dir, path) = place();
    // As version 1 wrote it.
    let first = r#"
        CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT;
        CREATE TABLE records (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT;
        CREATE TABLE outbox (request_id INTEGER PRIMARY KEY NOT NULL, request TEXT NOT NULL) STRICT;
        CREATE TABLE batches (position INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, at INTEGER) STRICT;
        INSERT INTO meta VALUES ('nonce', 'kept');
        INSERT INTO records VALUES ('focus', x'0102');
        INSERT INTO outbox VALUES (4, '{"Leave":{"focus":"@conf_x:a.org","room":"!r"}}');
        INSERT INTO batches VALUES (1, '17', 5);
        PRAGMA application_id = 1668179564;
        PRAGMA user_version = 1;"#;
    Connection::open(&path).unwrap().execute_batch(first).unwrap();

    let mut store = SqliteStore::open(&path).unwrap();
    let stored = store.load().unwrap();
    let request = SignalRequest::Leave { focus: FocusUser::from("@conf_x:a.org"), room: RoomKey::from("!r") };
    assert_eq!(stored.nonce, "kept");
    assert_eq!(stored.records, [("focus".to_owned(), vec![1, 2])]);
    assert_eq!(stored.outbox, [Row { id: RequestId(4), request, at: None }]);
    assert!(store.seen("17").unwrap());
    drop(store);
    let version = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .unwrap();
    assert_eq!(version, 2);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    for setup in ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 1"] {
        let (_dir, path) = place();
        Connection::open(&path).unwrap().execute_batch(setup).unwrap();
        let before = fs::read(&path).unwrap();

        let fault = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(&fault, OpenError::Foreign { path: named } if *named == path), "{setup}: {fault:?}");
        assert_eq!(fs::read(&path).unwrap(), before, "{setup}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_dir, path) = place();
    let letter = "Dear reader, ".repeat(100);
    fs::write(&path, &letter).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Foreign { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (_dir, path) = place();
    fs::write(&path, "").unwrap();
    assert!(SqliteStore::open(&path).unwrap().load().unwrap().records.is_empty());
}

#[test]
fn a_missing_directory_is_named() {
    let (dir, _) = place();
    let path = dir.path().join("absent").join("confocal.db");
    let fault = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(&fault, OpenError::File { path: named, .. } if *named == path), "{fault:?}");
}

#[test]
fn two_processes_never_share_a_store() {
    let (_dir, path) = place();
    let first = SqliteStore::open(&path).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::InUse { .. })));
    drop(first);
    SqliteStore::open(&path).unwrap();
}

#[test]
fn two_stores_have_different_nonces() {
    let (_dir, one) = place();
    let (_other_dir, other) = place();
    let nonce = |path: &Path| SqliteStore::open(path).unwrap().load().unwrap().nonce;
    assert_ne!(nonce(&one), nonce(&other));
}

#[test]
fn a_stored_request_of_unknown_words_is_named() {
    let (_dir, path) = place();
    let request = SignalRequest::Leave { focus: FocusUser::from("@conf_x:a.org"), room: RoomKey::from("!r") };
    let commit = Commit { send: vec![(RequestId(4), request)], ..Commit::default() };
    SqliteStore::open(&path).unwrap().commit(commit).unwrap();
    Connection::open(&path).unwrap().execute("UPDATE outbox SET request = '{\"Dance\":{}}'", ()).unwrap();

    let fault = SqliteStore::open(&path).unwrap().load().unwrap_err();
    assert!(matches!(fault, StoreError::Decode { id: RequestId(4), .. }), "{fault:?}");
    assert!(fault.source().is_some());
}

#[test]
fn batches_are_bounded_by_number() {
    let (_dir, path) = place();
    drop(SqliteStore::open(&path).unwrap());
    let fill = "WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
                INSERT INTO batches (id, at) SELECT i, NULL FROM n";
    Connection::open(&path).unwrap().execute(fill, ()).unwrap();

    let mut store = SqliteStore::open(&path).unwrap();
    assert!(store.seen("0").unwrap());
    store.commit(Commit { batch: Some("10000".to_owned()), ..Commit::default() }).unwrap();
    assert!(!store.seen("0").unwrap());
    assert!(store.seen("1").unwrap());
    assert!(store.seen("10000").unwrap());
}

#[test]
fn what_was_deleted_is_overwritten() {
    let (_dir, path) = place();
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(record("leg/1", &b"candidate 203.0.113.7 ".repeat(400))).unwrap();
    store.commit(Commit { records: vec![("leg/1".to_owned(), None)], ..Commit::default() }).unwrap();
    drop(store);
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(11).any(|window| window == b"203.0.113.7"));
    assert!(!log_of(&path).exists());
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (_dir, path) = place();
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(record("focus", b"x")).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&log_of(&path)), 0o600);
    drop(store);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
}

//! How long the name of a handled batch is remembered, the same for all stores.
//!
//! A homeserver keeps one transaction in flight and repeats it until it is acknowledged, so a repetition is always among the
//! last few; the memory is longer only to be safe with homeservers that do it otherwise. It must be bounded by number, or a
//! busy homeserver fills the disk, and by age, since transaction ids begin anew when a homeserver's database does.

use confocal::conference::Millis;

/// At most this many names are remembered, the newest.
pub(crate) const NEWEST: usize = 10_000;

/// Names older than this (7 days) are forgotten, …
pub(crate) const AGE: Millis = Millis::from_secs(7 * 24 * 60 * 60);

/// … but never the newest ones: on a quiet server the last transaction may be older than [`AGE`] and still be repeated,
/// after an outage.
pub(crate) const ALWAYS: usize = 100;

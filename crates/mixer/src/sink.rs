//! Where the mix of a conference as a whole goes besides to its legs: into a recording. What becomes of it never lives here.

/// Takes the whole mix, all voices in it, encoded once with that of the legs who only listen.
///
/// It is asked within a tick, so it neither allocates, waits nor writes files: a bounded queue to another thread is what it is
/// meant for.
pub trait Sink: Send + core::fmt::Debug {
    /// Takes one tick: an Opus packet of 20 ms, or `None` in lasting silence, where there is one only now and then.
    fn take(&mut self, packet: Option<&[u8]>);
}

/// A sink that takes a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkKey(pub(crate) u64);

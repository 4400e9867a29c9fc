//! The names by which the mixer's user knows legs and speakers: opaque numbers, never handed out here.

/// One leg: one call of one device, one stream in and one out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegKey(pub u64);

/// One participant. No leg hears a leg of the same speaker, so that two devices of one person do not howl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpeakerKey(pub u64);

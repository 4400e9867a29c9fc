//! What can go wrong in a call of libopus. Nothing is called here.

use core::fmt;

/// libopus refused something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// No encoder or decoder could be made or set up: a setting is out of its range.
    #[error("the Opus codec could not be set up")]
    Setup(#[source] Fault),
    /// A packet could not be decoded: it is corrupt, or longer than there is room.
    #[error("the Opus packet could not be decoded")]
    Decode(#[source] Fault),
    /// A frame could not be encoded: it has no length that Opus knows.
    #[error("the frame could not be encoded")]
    Encode(#[source] Fault),
    /// A reset was refused.
    #[error("the Opus codec could not be reset")]
    Reset(#[source] Fault),
}

/// The error code of libopus (`opus_defines.h`), which is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault(pub i32);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            -1 => "bad argument",
            -2 => "buffer too small",
            -3 => "internal error",
            -4 => "invalid packet",
            -5 => "unimplemented",
            -6 => "invalid state",
            -7 => "no memory",
            other => return write!(f, "error {other} of libopus"),
        };
        write!(f, "{name} ({}, libopus)", self.0)
    }
}

impl core::error::Error for Fault {}

/// What libopus returned, if it is no error.
pub(crate) const fn check(returned: i32) -> Result<i32, Fault> {
    if returned < 0 { Err(Fault(returned)) } else { Ok(returned) }
}

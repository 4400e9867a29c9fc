//! What a packet tells before it is decoded.

#![allow(unsafe_code, reason = "calls of libopus")]

use crate::{MAX_PACKET_SAMPLES, RATE};

/// How many samples at 48 kHz an Opus packet holds by its first bytes (RFC 6716 section 3.1), or `None` if it is not one.
#[must_use]
pub fn packet_samples(payload: &[u8]) -> Option<u32> {
    let bytes = i32::try_from(payload.len()).ok()?;
    // Safety: libopus reads at most `bytes` bytes, and those are there.
    let samples = unsafe { opusic_sys::opus_packet_get_nb_samples(payload.as_ptr(), bytes, RATE) };
    u32::try_from(samples).ok().filter(|&samples| (1..=MAX_PACKET_SAMPLES as u32).contains(&samples))
}

/// Whether an Opus packet has a coarse copy of the frame before it (RFC 6716 section 2.1.7).
#[must_use]
pub fn packet_has_copy(payload: &[u8]) -> bool {
    let Ok(bytes @ 1..) = i32::try_from(payload.len()) else { return false };
    // Safety: libopus reads at most `bytes` bytes, at least one, and those are there.
    let has = unsafe { opusic_sys::opus_packet_has_lbrr(payload.as_ptr(), bytes) };
    has == 1
}

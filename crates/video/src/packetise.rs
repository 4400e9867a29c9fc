//! Frames of an encoder to payloads. RTP headers never live here.

use crate::PictureCodec;

/// What goes on from one frame of a stream to the next.
#[derive(Clone, Debug, Default)]
pub struct PayloadState {
    /// The picture id of the next frame of VP8, of 15 bits.
    picture_id: u16,
    payload: Vec<u8>,
}

impl PayloadState {
    /// Begins with this picture id, of which 15 bits count; H.264 has none.
    #[must_use]
    pub fn new(picture_id: u16) -> Self {
        Self { picture_id: picture_id & 0x7FFF, payload: Vec::new() }
    }
}

/// Gives `emit` the payloads of one frame in their order, none longer than `max_payload` bytes (at least 32), and with each whether
/// it is the last one, which has the marker. How many they are.
///
/// A frame is one of VP8 as RFC 6386 has it, or an access unit of H.264 with start codes (Annex B).
pub fn packetise(
    codec: PictureCodec,
    frame: &[u8],
    max_payload: usize,
    state: &mut PayloadState,
    emit: impl FnMut(&[u8], bool),
) -> usize {
    let _ = (codec, frame, max_payload, &state.payload, state.picture_id, emit);
    0
}

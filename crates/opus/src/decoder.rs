//! One stream on its way in. What is due when, and how made-up sound fades, is decided elsewhere.

#![allow(unsafe_code, reason = "calls of libopus")]

use core::ptr;

use opusic_sys as sys;

use crate::error::{CodecError, check};
use crate::memory::Memory;
use crate::{MAX_PACKET_SAMPLES, MONO, RATE, STEREO};

/// How sound is made up for what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concealment {
    /// By repeating pitch periods: as cheap as decoding.
    Classic,
    /// By a neural network that was trained on speech. The first frame of a loss costs ten times what a decoded one does, each
    /// further one three times.
    Deep,
}

impl Concealment {
    /// The decoder's complexity: the network is used from 5 on (`opus_decoder.c`).
    const fn complexity(self) -> i32 {
        match self {
            Self::Classic => 0,
            Self::Deep => 5,
        }
    }
}

/// An Opus decoder for one sender: to mono at 48 kHz, whatever the sender encodes. Of two channels it gives half the sum.
#[derive(Debug)]
pub struct Decoder(State);

impl Decoder {
    /// A decoder that has heard nothing, and can conceal in both ways.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if libopus fails.
    pub fn new() -> Result<Self, CodecError> {
        State::new(MONO, Concealment::Deep).map(Self)
    }

    /// A decoder as libopus makes one that is told nothing: of complexity 0, without the network, also in
    /// [`recover`](Self::recover). Receivers that know nothing of the network are like this; there is no other use for it.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if libopus fails.
    pub fn classic() -> Result<Self, CodecError> {
        State::new(MONO, Concealment::Classic).map(Self)
    }

    /// Decodes a packet and returns how many samples it held. An empty packet is none: see [`Decoder::conceal`].
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the packet is corrupt.
    pub fn decode(
        &mut self,
        payload: &[u8],
        samples: &mut [i16; MAX_PACKET_SAMPLES],
    ) -> Result<usize, CodecError> {
        self.0.run(Some(payload), samples, false)
    }

    /// Makes up sound for a missing packet (packet loss concealment); it fades when called again and again. One that was made
    /// [classic](Self::classic) does so in the classic way, whatever is asked.
    ///
    /// The length of `samples` must be a multiple of 120 (2.5 ms).
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the length is not such.
    pub fn conceal(&mut self, samples: &mut [i16], how: Concealment) -> Result<(), CodecError> {
        self.0.conceal(samples, how)
    }

    /// Recovers a missing packet from the coarse copy in the packet after it, if that has one, and else conceals.
    /// The packet after it must then be decoded as ever.
    ///
    /// The length of `samples` must be exactly what is missing, a multiple of 120 (2.5 ms).
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the length is not such or the next packet is corrupt.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> Result<(), CodecError> {
        self.0.run(Some(next), samples, true).map(drop)
    }

    /// Forgets what was decoded before.
    ///
    /// # Errors
    ///
    /// [`CodecError::Reset`] if libopus fails.
    pub fn reset(&mut self) -> Result<(), CodecError> {
        self.0.reset()
    }
}

/// The same to two channels: pairs of left and right. Of a sender of one channel both are alike.
#[derive(Debug)]
pub struct StereoDecoder(State);

impl StereoDecoder {
    /// As [`Decoder::new`].
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if libopus fails.
    pub fn new() -> Result<Self, CodecError> {
        State::new(STEREO, Concealment::Deep).map(Self)
    }

    /// As [`Decoder::decode`]; returns how many pairs the packet held.
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the packet is corrupt.
    pub fn decode(
        &mut self,
        payload: &[u8],
        pairs: &mut [[i16; 2]; MAX_PACKET_SAMPLES],
    ) -> Result<usize, CodecError> {
        self.0.run(Some(payload), pairs.as_flattened_mut(), false)
    }

    /// As [`Decoder::conceal`].
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if there is not a multiple of 120 pairs.
    pub fn conceal(&mut self, pairs: &mut [[i16; 2]], how: Concealment) -> Result<(), CodecError> {
        self.0.conceal(pairs.as_flattened_mut(), how)
    }

    /// As [`Decoder::recover`].
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if there is not a multiple of 120 pairs or the next packet is corrupt.
    pub fn recover(&mut self, next: &[u8], pairs: &mut [[i16; 2]]) -> Result<(), CodecError> {
        self.0.run(Some(next), pairs.as_flattened_mut(), true).map(drop)
    }

    /// Forgets what was decoded before.
    ///
    /// # Errors
    ///
    /// [`CodecError::Reset`] if libopus fails.
    pub fn reset(&mut self) -> Result<(), CodecError> {
        self.0.reset()
    }
}

/// A decoder of libopus.
#[derive(Debug)]
struct State {
    memory: Memory,
    channels: i32,
    /// How it conceals unless told otherwise.
    usual: Concealment,
}

impl State {
    fn new(channels: i32, usual: Concealment) -> Result<Self, CodecError> {
        // Safety: it only computes.
        let size = unsafe { sys::opus_decoder_get_size(channels) };
        let mut memory = Memory::new(check(size).map_err(CodecError::Setup)? as usize);
        // Safety: the memory is as large as libopus asks for these channels, aligned for any type, and ours alone.
        let made = unsafe { sys::opus_decoder_init(memory.as_mut_ptr(), RATE, channels) };
        check(made).map_err(CodecError::Setup)?;
        let mut state = Self { memory, channels, usual };
        state.prefer(usual)?;
        Ok(state)
    }

    fn conceal(&mut self, samples: &mut [i16], how: Concealment) -> Result<(), CodecError> {
        if how == self.usual || self.usual == Concealment::Classic {
            return self.run(None, samples, false).map(drop);
        }
        // Back at once: with the network off libopus would not follow what is decoded well, and a later deep concealment
        // would begin from nothing.
        self.prefer(how)?;
        let made = self.run(None, samples, false).map(drop);
        self.prefer(self.usual)?;
        made
    }

    fn reset(&mut self) -> Result<(), CodecError> {
        // Safety: the state was initialised, and this request takes no argument.
        let done = unsafe { sys::opus_decoder_ctl(self.memory.as_mut_ptr(), sys::OPUS_RESET_STATE) };
        check(done).map(drop).map_err(CodecError::Reset)
    }

    fn prefer(&mut self, how: Concealment) -> Result<(), CodecError> {
        // Safety: the state was initialised, and this request takes one `opus_int32`.
        let done = unsafe {
            sys::opus_decoder_ctl(
                self.memory.as_mut_ptr(),
                sys::OPUS_SET_COMPLEXITY_REQUEST,
                how.complexity(),
            )
        };
        check(done).map(drop).map_err(CodecError::Setup)
    }

    /// Returns how many samples were made for each channel.
    fn run(
        &mut self,
        payload: Option<&[u8]>,
        samples: &mut [i16],
        recover: bool,
    ) -> Result<usize, CodecError> {
        let (data, bytes) = payload.map_or((ptr::null(), 0), |payload| (payload.as_ptr(), payload.len()));
        // What is longer than any packet is refused by libopus, as is more room than it can count.
        let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
        let room = i32::try_from(samples.len()).unwrap_or(i32::MAX) / self.channels;
        // Safety: the state was initialised, libopus reads at most `bytes` bytes of the packet and writes at most `room`
        // samples of each of its channels, side by side.
        let decoded = unsafe {
            sys::opus_decode(
                self.memory.as_mut_ptr(),
                data,
                bytes,
                samples.as_mut_ptr(),
                room,
                i32::from(recover),
            )
        };
        check(decoded).map(|decoded| decoded as usize).map_err(CodecError::Decode)
    }
}

//! What can go wrong with a codec. Nothing is called here.

use confocal_pictures::BadSize;

/// A codec refused something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// An encoder's or a picture's size is none that pictures may have; of a received picture: it is refused before a decoder
    /// sees it.
    #[error(transparent)]
    Size(#[from] BadSize),
    /// A bitrate that no encoder is set to.
    #[error("a bitrate of {0} bit/s is not between 10 kbit/s and 10 Mbit/s")]
    Bitrate(u32),
    /// A frame rate that no encoder is set to.
    #[error("{0} frames a second are not between 1 and 60")]
    FrameRate(u32),
    /// The picture is not of the size that the encoder was made for.
    #[error("the picture is of {got:?}, the encoder for {wanted:?}")]
    OtherSize {
        /// Width and height that the encoder was made for.
        wanted: (u32, u32),
        /// Width and height of the picture.
        got: (u32, u32),
    },
    /// No encoder or decoder could be made: memory is short, or the library is not the one that was built for.
    #[error("the codec could not be set up: {0}")]
    Setup(Fault),
    /// A picture could not be encoded.
    #[error("the picture could not be encoded: {0}")]
    Encode(Fault),
    /// Nothing can be decoded until a key frame comes: none has come yet, or something was wrong since then.
    #[error("nothing can be decoded before the next key frame")]
    KeyFrameWanted,
    /// What came is no frame of this codec.
    #[error("the frame can't be read: {0}")]
    Malformed(&'static str),
    /// The frame could not be decoded. The next one that can be is a key frame.
    #[error("the frame could not be decoded: {0}")]
    Decode(Fault),
}

/// An error code of a codec's library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Of libvpx (`vpx_codec_err_t`).
    #[error("error {0} of libvpx")]
    Vpx(u32),
    /// Of openh264: what a call returned.
    #[error("error {0} of openh264")]
    OpenH264(i64),
    /// The library promised something else than it did.
    #[error("the library returned {0}")]
    Unexpected(&'static str),
}

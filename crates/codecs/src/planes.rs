//! Planes as decoders have them, with gaps between rows, into pictures, which have none.

use confocal_pictures::{BadSize, I420};

use crate::{CodecError, Fault};

/// What a decoder shows: luma and both planes of chroma, each with the bytes from one row to the next.
pub(crate) struct Planes<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) planes: [(&'a [u8], usize); 3],
}

impl Planes<'_> {
    /// Copies it into a picture, which takes its size, rounded down to even.
    pub(crate) fn copy_into(&self, into: &mut I420) -> Result<(), CodecError> {
        let (width, height) = (self.width & !1, self.height & !1);
        let short = CodecError::Decode(Fault::Unexpected("a picture shorter than its size"));
        for (index, (plane, stride)) in self.planes.iter().enumerate() {
            let (width, height) = if index == 0 { (width, height) } else { (width / 2, height / 2) };
            let needed = stride * height.saturating_sub(1) + width;
            if *stride < width || plane.len() < needed {
                return Err(short);
            }
        }
        into.resize(side(width), side(height))?;
        for ((from, stride), (to, row)) in self.planes.iter().zip(into.planes_mut()) {
            for (from, to) in from.chunks(*stride).zip(to.chunks_exact_mut(row)) {
                to.copy_from_slice(&from[..row]);
            }
        }
        Ok(())
    }
}

/// A side as pictures have it; too large to be one if it does not fit.
pub(crate) fn side(pixels: usize) -> u32 {
    u32::try_from(pixels).unwrap_or(u32::MAX)
}

/// Refuses what would be too large once it is decoded. Odd sizes are rounded down, as [`Planes::copy_into`] does.
pub(crate) fn check_coded_size(width: u32, height: u32) -> Result<(), CodecError> {
    confocal_pictures::check_size(width & !1, height & !1).map_err(|_| BadSize { width, height }.into())
}

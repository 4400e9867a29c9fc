//! A picture as three planes, and the sizes that pictures may have. Nothing is scaled or drawn here.

use crate::{Colour, Rect};

/// The longest side of a picture, pixels.
pub const MAX_SIDE: u32 = 1920;

/// The most pixels of a picture: 1920x1088, which is full HD in whole macroblocks, upright too.
pub const MAX_PIXELS: u32 = 1920 * 1088;

/// A size that no picture may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a picture may not be of {width}x{height}: sides must be even, not zero, and the whole not larger than 1920x1088"
)]
pub struct BadSize {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Says whether a picture may be so large: even sides, none of them zero, at most [`MAX_SIDE`] and [`MAX_PIXELS`].
///
/// # Errors
///
/// [`BadSize`] if not.
pub const fn check_size(width: u32, height: u32) -> Result<(), BadSize> {
    let even = width.is_multiple_of(2) && height.is_multiple_of(2);
    let some = width > 0 && height > 0;
    let fits = width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS;
    if even && some && fits { Ok(()) } else { Err(BadSize { width, height }) }
}

/// A picture of 8-bit YUV 4:2:0 (BT.601, limited range, as browsers take VP8 to be): a plane of luma and two of chroma that have
/// half the width and half the height, all without gaps between rows.
///
/// The planes are private, so that their lengths always fit the size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct I420 {
    width: u32,
    height: u32,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl I420 {
    /// A black picture.
    ///
    /// # Errors
    ///
    /// [`BadSize`] if no picture may be so large.
    pub fn new(width: u32, height: u32) -> Result<Self, BadSize> {
        check_size(width, height)?;
        let luma = (width * height) as usize;
        let chroma = luma / 4;
        let Colour { y, u, v } = Colour::BLACK;
        Ok(Self { width, height, y: vec![y; luma], u: vec![u; chroma], v: vec![v; chroma] })
    }

    /// Makes this a picture of another size, with anything in it. Nothing happens, and nothing is allocated, where it has that
    /// size already.
    ///
    /// # Errors
    ///
    /// [`BadSize`] if no picture may be so large; it is then as it was.
    pub fn resize(&mut self, width: u32, height: u32) -> Result<(), BadSize> {
        if (width, height) == (self.width, self.height) {
            return Ok(());
        }
        check_size(width, height)?;
        let luma = (width * height) as usize;
        (self.width, self.height) = (width, height);
        self.y.resize(luma, Colour::BLACK.y);
        self.u.resize(luma / 4, Colour::BLACK.u);
        self.v.resize(luma / 4, Colour::BLACK.v);
        Ok(())
    }

    /// Pixels a row, even.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Rows, even.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Width and height.
    #[must_use]
    pub const fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The whole of it.
    #[must_use]
    pub const fn rect(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// Luma, `width * height` bytes row by row.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// The first plane of chroma (Cb), `width / 2 * height / 2` bytes row by row.
    #[must_use]
    pub fn u(&self) -> &[u8] {
        &self.u
    }

    /// The second plane of chroma (Cr), of the same shape as [`u`](Self::u).
    #[must_use]
    pub fn v(&self) -> &[u8] {
        &self.v
    }

    /// The three planes with the width of their rows, to read.
    #[must_use]
    pub fn planes(&self) -> [(&[u8], usize); 3] {
        let (width, half) = (self.width as usize, self.width as usize / 2);
        [(&self.y, width), (&self.u, half), (&self.v, half)]
    }

    /// The three planes with the width of their rows, to write.
    pub fn planes_mut(&mut self) -> [(&mut [u8], usize); 3] {
        let (width, half) = (self.width as usize, self.width as usize / 2);
        [(&mut self.y, width), (&mut self.u, half), (&mut self.v, half)]
    }

    /// Makes all of it one colour.
    pub fn fill(&mut self, colour: Colour) {
        self.y.fill(colour.y);
        self.u.fill(colour.u);
        self.v.fill(colour.v);
    }

    /// Makes it the same as another picture, size included. Nothing is allocated where the size is the same.
    pub fn copy_from(&mut self, other: &Self) {
        (self.width, self.height) = other.size();
        self.y.clone_from(&other.y);
        self.u.clone_from(&other.u);
        self.v.clone_from(&other.v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_empty_and_too_large_sizes_are_refused() {
        for (width, height) in
            [(3, 2), (2, 3), (0, 2), (2, 0), (1922, 2), (1920, 1090), (u32::MAX - 1, u32::MAX - 1)]
        {
            assert_eq!(I420::new(width, height), Err(BadSize { width, height }));
        }
        for (width, height) in [(2, 2), (1920, 1088), (1088, 1920)] {
            let mut picture = I420::new(2, 2).unwrap();
            picture.resize(width, height).unwrap();
            assert_eq!(picture, I420::new(width, height).unwrap());
        }
    }

    #[test]
    fn a_refused_size_leaves_the_picture_as_it_was() {
        let mut picture = I420::new(4, 2).unwrap();
        picture.fill(Colour::WHITE);
        let before = picture.clone();
        assert!(picture.resize(5, 2).is_err());
        assert_eq!(picture, before);
    }
}

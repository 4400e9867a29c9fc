//! Pictures that say which they are: a number and a colour that can be read again after scaling and coding, for whoever tests a
//! conference. And [`moving`], a clip without a message, for measurements.
//!
//! # The format
//!
//! A test picture fills a rectangle; all is relative to that, so it may be scaled, as long as its sides keep their proportions roughly.
//!
//! - The ground has one of twelve colours: luma 110, chroma on a circle around grey, `u = 128 + 56 cos(a)`, `v = 128 + 56 sin(a)`, with
//!   `a` = colour * 30 degrees, rounded. It is read from the middle of the strip above the code: x from 1/4 to 3/4 of the width, y from
//!   3/32 to 5/32 of the height. The colour is the one whose `u`, `v` are nearest to the means there; further than 28 from each is none.
//! - The code is a field of 6 x 4 squares, x from 1/8 to 7/8 of the width, y from 1/4 to 3/4 of the height. Each is white (luma 235) for
//!   1 or black (luma 16) for 0, both grey in chroma. Row by row from the left they are 24 bits: the number's 16, the highest first, then
//!   the eight of the checksum.
//! - The checksum is CRC-8 (polynomial 0x07, most significant bit first, begun with 0xA5, no final xor) over three bytes: the number's high
//!   byte, its low byte, the colour.
//! - A square is read from its middle half each way: the mean of luma there, above 125 for 1, below for 0; within 30 of 125 it is none.
//!
//! A reader of RGB has Y = 0.257 R + 0.504 G + 0.098 B + 16, U = -0.148 R - 0.291 G + 0.439 B + 128, V = 0.439 R - 0.368 G - 0.071 B + 128.

use crate::{Colour, I420, Rect};

/// How many colours there are.
pub const COLOURS: u8 = 12;

const COLUMNS: u32 = 6;
const ROWS: u32 = 4;

/// What a test picture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TestPicture {
    /// Whose it is: 0 to 11; larger ones begin anew at 0.
    pub colour: u8,
    /// Which it is.
    pub number: u16,
}

impl TestPicture {
    /// The colour of the ground.
    #[must_use]
    pub const fn ground(self) -> Colour {
        // The circle of the format, by quarters: 56 * cos of 0, 30, 60 and 90 degrees.
        const COSINES: [i16; 12] = [56, 48, 28, 0, -28, -48, -56, -48, -28, 0, 28, 48];
        let at = (self.colour % COLOURS) as usize;
        // The sine is the cosine of 90 degrees less.
        let (u, v) = (128 + COSINES[at], 128 + COSINES[(at + 9) % 12]);
        Colour { y: 110, u: u as u8, v: v as u8 }
    }

    /// Draws it over all of a picture.
    pub fn draw(self, into: &mut I420) {
        into.fill(self.ground());
        let rect = into.rect();
        let bits = self.bits();
        for index in 0..COLUMNS * ROWS {
            let colour = if bits >> (23 - index) & 1 == 1 { Colour::WHITE } else { Colour::BLACK };
            let square = square(rect, index);
            for (plane, (bytes, stride)) in into.planes_mut().into_iter().enumerate() {
                let (square, value) = match plane {
                    0 => (square, colour.y),
                    1 => (square.halved(), colour.u),
                    _ => (square.halved(), colour.v),
                };
                for row in bytes.chunks_exact_mut(stride).skip(square.y as usize).take(square.height as usize)
                {
                    row[square.x as usize..(square.x + square.width) as usize].fill(value);
                }
            }
        }
    }

    /// Reads it back from the part of a picture that it fills; `None` where there is none, or it can't be read for sure.
    #[must_use]
    pub fn read(picture: &I420, rect: Rect) -> Option<Self> {
        if !rect.fits(picture.size()) || rect.width < 64 || rect.height < 36 {
            return None;
        }
        let [luma, u, v] = picture.planes();
        let strip = Rect {
            x: rect.x + rect.width / 4,
            y: rect.y + rect.height * 3 / 32,
            width: rect.width / 2,
            height: (rect.height / 16).max(2),
        };
        let (u, v) = (mean(u, strip.halved())?, mean(v, strip.halved())?);
        let distance = |colour: &u8| {
            let ground = Self { colour: *colour, number: 0 }.ground();
            (u - f32::from(ground.u)).hypot(v - f32::from(ground.v))
        };
        let colour = (0..COLOURS).min_by(|one, other| distance(one).total_cmp(&distance(other)))?;
        if distance(&colour) > 28.0 {
            return None;
        }
        let mut bits = 0_u32;
        for index in 0..COLUMNS * ROWS {
            let square = square(rect, index);
            let middle = Rect {
                x: square.x + square.width / 4,
                y: square.y + square.height / 4,
                width: (square.width / 2).max(1),
                height: (square.height / 2).max(1),
            };
            let light = mean(luma, middle)?;
            if (light - 125.0).abs() < 30.0 {
                return None;
            }
            bits = bits << 1 | u32::from(light > 125.0);
        }
        let read = Self { colour, number: (bits >> 8) as u16 };
        (read.bits() == bits).then_some(read)
    }

    /// The 24 bits of the code.
    fn bits(self) -> u32 {
        let [high, low] = self.number.to_be_bytes();
        let checksum = [high, low, self.colour % COLOURS].into_iter().fold(0xa5, |sum, byte| {
            (0..8).fold(sum ^ byte, |sum: u8, _| if sum & 0x80 == 0 { sum << 1 } else { sum << 1 ^ 0x07 })
        });
        u32::from(self.number) << 8 | u32::from(checksum)
    }
}

/// A square of the code, in even pixels.
fn square(rect: Rect, index: u32) -> Rect {
    let (column, row) = (index % COLUMNS, index / COLUMNS);
    // Parts of 48 across, of which 6 are beside the code and each square has 6; parts of 16 down, 4 above, 2 a square.
    let x = |column: u32| (rect.x + rect.width * (6 + 6 * column) / 48) & !1;
    let y = |row: u32| (rect.y + rect.height * (4 + 2 * row) / 16) & !1;
    Rect { x: x(column), y: y(row), width: x(column + 1) - x(column), height: y(row + 1) - y(row) }
}

/// The mean of a part of a plane.
fn mean((plane, stride): (&[u8], usize), part: Rect) -> Option<f32> {
    let rows = plane.chunks_exact(stride).skip(part.y as usize).take(part.height as usize);
    let (mut sum, mut count) = (0_u32, 0_u32);
    for row in rows {
        let pixels = row.get(part.x as usize..(part.x + part.width) as usize)?;
        sum += pixels.iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
        count += part.width;
    }
    (count > 0).then(|| sum as f32 / count as f32)
}

/// Draws picture `number` of a clip without a message: soft waves that move, without noise; easier for an encoder than a
/// person before a camera by some 5 dB.
pub fn moving(into: &mut I420, number: u32) {
    let time = number as f32 * 0.08;
    for (plane, (bytes, stride)) in into.planes_mut().into_iter().enumerate() {
        let scale = if plane == 0 { 1.0 } else { 2.0 } / (stride as f32 * if plane == 0 { 1.0 } else { 2.0 });
        let (middle, swing) = if plane == 0 { (120.0, 32.0) } else { (128.0, 16.0 * plane as f32) };
        let rows = bytes.len() / stride;
        for (y, row) in bytes.chunks_exact_mut(stride).enumerate() {
            let v = (y as f32 - rows as f32 / 2.0) * scale;
            let down = (v * 21.0 + time * 0.7).sin();
            for (x, pixel) in row.iter_mut().enumerate() {
                let u = x as f32 * scale;
                let wave = (u * 17.0 + time).sin() + (u * 43.0 - v * 29.0 + down).cos() * 0.5;
                *pixel = (middle + swing * (wave + down)) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scaler;

    fn drawn(what: TestPicture, width: u32, height: u32) -> I420 {
        let mut picture = I420::new(width, height).unwrap();
        what.draw(&mut picture);
        picture
    }

    #[test]
    fn every_number_and_colour_is_read_back() {
        for number in (0..=u16::MAX).step_by(257) {
            let what = TestPicture { colour: (number % 12) as u8, number };
            let picture = drawn(what, 320, 180);
            assert_eq!(TestPicture::read(&picture, picture.rect()), Some(what));
        }
    }

    #[test]
    fn it_is_read_from_a_small_tile_of_a_larger_picture() {
        for (width, height) in [(160, 90), (320, 180), (426, 240), (142, 80), (80, 46)] {
            for colour in 0..COLOURS {
                let what = TestPicture { colour, number: 0xa53c };
                let from = drawn(what, 640, 360);
                let mut to = I420::new(1280, 720).unwrap();
                let tile = Rect { x: 62, y: 38, width, height };
                Scaler::default().scale(&from, from.rect(), &mut to, tile).unwrap();
                assert_eq!(TestPicture::read(&to, tile), Some(what), "{width}x{height}, colour {colour}");
            }
        }
    }

    #[test]
    fn other_pictures_say_nothing() {
        let mut picture = I420::new(320, 180).unwrap();
        for colour in [Colour::BLACK, Colour::WHITE, TestPicture { colour: 3, number: 0 }.ground()] {
            picture.fill(colour);
            assert_eq!(TestPicture::read(&picture, picture.rect()), None);
        }
        moving(&mut picture, 3);
        assert_eq!(TestPicture::read(&picture, picture.rect()), None);
    }

    #[test]
    fn a_changed_square_or_colour_is_noticed() {
        let what = TestPicture { colour: 5, number: 1234 };
        for index in 0..24 {
            let mut picture = drawn(what, 320, 180);
            let square = square(picture.rect(), index);
            let [(luma, stride), ..] = picture.planes_mut();
            for y in square.y..square.y + square.height {
                for x in square.x..square.x + square.width {
                    let pixel = &mut luma[y as usize * stride + x as usize];
                    *pixel = 251 - *pixel;
                }
            }
            assert_eq!(TestPicture::read(&picture, picture.rect()), None, "square {index}");
        }
        let mut picture = drawn(what, 320, 180);
        let other = drawn(TestPicture { colour: 6, ..what }, 320, 180);
        let [_, (u, _), (v, _)] = picture.planes_mut();
        u.copy_from_slice(other.u());
        v.copy_from_slice(other.v());
        assert_eq!(TestPicture::read(&picture, picture.rect()), None);
    }

    #[test]
    fn the_format_is_the_one_that_is_told() {
        let what = TestPicture { colour: 3, number: 0x0102 };
        assert_eq!(what.ground(), Colour { y: 110, u: 128, v: 184 });
        // CRC-8 of 01 02 03, begun with A5.
        assert_eq!(what.bits() >> 8, 0x0102);
        assert_eq!(what.bits() & 0xff, crc(&[1, 2, 3]));
    }

    /// The checksum by long division of bits.
    fn crc(bytes: &[u8]) -> u32 {
        let mut all = bytes.iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte)) << 8;
        all ^= 0xa5 << (8 * bytes.len());
        for bit in (8..8 * bytes.len() + 8).rev() {
            if all >> bit & 1 == 1 {
                all ^= 0x107 << (bit - 8);
            }
        }
        all as u32
    }
}

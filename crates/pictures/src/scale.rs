//! Scaling a part of one picture into a part of another. Shapes are the caller's matter: see [`Fit`](crate::Fit).
//!
//! Each direction is scaled on its own: by the mean of what falls on a pixel where it gets smaller (box), by the two nearest pixels
//! where it gets larger (bilinear). 1:1, 2:1 and 4:1 go a shorter way to the same result.

use crate::{I420, Rect};

/// A part that is not in its picture, is empty, or is not even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rect:?} is no part of a picture of {size:?}")]
pub struct BadRect {
    /// The part.
    pub rect: Rect,
    /// Width and height of the picture.
    pub size: (u32, u32),
}

/// Scales pictures. It holds the tables of the last scaling, which the next one uses again: nothing is allocated once it has done the
/// largest.
#[derive(Clone, Debug, Default)]
pub struct Scaler {
    across: Taps,
    down: Taps,
    sums: Vec<u32>,
}

impl Scaler {
    /// Scales the part `source` of `from` into the part `target` of `to`.
    ///
    /// # Errors
    ///
    /// [`BadRect`] if either is no part of its picture; nothing is drawn then.
    pub fn scale(&mut self, from: &I420, source: Rect, to: &mut I420, target: Rect) -> Result<(), BadRect> {
        for (rect, size) in [(source, from.size()), (target, to.size())] {
            if !rect.fits(size) {
                return Err(BadRect { rect, size });
            }
        }
        for (index, (from, to)) in from.planes().into_iter().zip(to.planes_mut()).enumerate() {
            let (source, target) =
                if index == 0 { (source, target) } else { (source.halved(), target.halved()) };
            self.plane(from, source, to, target);
        }
        Ok(())
    }

    fn plane(&mut self, from: (&[u8], usize), source: Rect, to: (&mut [u8], usize), target: Rect) {
        let times = |by: u32| (target.width * by, target.height * by) == (source.width, source.height);
        let rows = to.0.chunks_exact_mut(to.1).skip(target.y as usize).take(target.height as usize);
        let rows = rows.map(|row| &mut row[target.x as usize..][..target.width as usize]);
        let part = Part { plane: from.0, stride: from.1, rect: source };
        if times(1) {
            rows.enumerate().for_each(|(index, row)| row.copy_from_slice(part.row(index)));
        } else if times(2) {
            rows.enumerate()
                .for_each(|(index, row)| halve(part.row(2 * index), part.row(2 * index + 1), row));
        } else if times(4) {
            rows.enumerate()
                .for_each(|(index, row)| quarter([0, 1, 2, 3].map(|at| part.row(4 * index + at)), row));
        } else {
            self.across.set(source.width as usize, target.width as usize);
            self.down.set(source.height as usize, target.height as usize);
            self.sums.resize(source.width as usize, 0);
            rows.enumerate().for_each(|(index, row)| self.row(&part, index, row));
        }
    }

    /// One row of any scale: sums of rows, then sums along the row, with weights of 1/256 both times.
    fn row(&mut self, part: &Part<'_>, index: usize, into: &mut [u8]) {
        self.sums.fill(0);
        let (first, weights) = self.down.of(index);
        for (at, weight) in weights.iter().enumerate() {
            let weight = u32::from(*weight);
            for (sum, pixel) in self.sums.iter_mut().zip(part.row(first + at)) {
                *sum += weight * u32::from(*pixel);
            }
        }
        for (index, pixel) in into.iter_mut().enumerate() {
            let (first, weights) = self.across.of(index);
            let sums = &self.sums[first..first + weights.len()];
            let sum: u32 = sums.iter().zip(weights).map(|(sum, weight)| sum * u32::from(*weight)).sum();
            // At most 255 * 256 * 256 + 2^15, so neither the sum nor the byte overflows.
            *pixel = ((sum + (1 << 15)) >> 16) as u8;
        }
    }
}

/// A part of a plane, to read.
struct Part<'a> {
    plane: &'a [u8],
    stride: usize,
    rect: Rect,
}

impl Part<'_> {
    fn row(&self, index: usize) -> &[u8] {
        let begin = (self.rect.y as usize + index) * self.stride + self.rect.x as usize;
        &self.plane[begin..begin + self.rect.width as usize]
    }
}

fn halve(upper: &[u8], lower: &[u8], into: &mut [u8]) {
    for ((pixel, upper), lower) in into.iter_mut().zip(upper.as_chunks::<2>().0).zip(lower.as_chunks::<2>().0)
    {
        let sum: u16 = [upper[0], upper[1], lower[0], lower[1]].into_iter().map(u16::from).sum();
        *pixel = ((sum + 2) / 4) as u8;
    }
}

fn quarter(rows: [&[u8]; 4], into: &mut [u8]) {
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<4>().0);
    for ((((pixel, a), b), c), d) in into.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let sum: u16 = [a, b, c, d].into_iter().flatten().copied().map(u16::from).sum();
        *pixel = ((sum + 8) / 16) as u8;
    }
}

/// Which pixels each new one is made of in one direction, and how much of each, in 1/256 that add up to 256.
#[derive(Clone, Debug, Default)]
struct Taps {
    sizes: (usize, usize),
    /// For each new pixel the first old one, and where its weights begin; one more at the end.
    begins: Vec<(usize, usize)>,
    weights: Vec<u16>,
}

impl Taps {
    fn set(&mut self, from: usize, to: usize) {
        if self.sizes == (from, to) {
            return;
        }
        self.sizes = (from, to);
        self.begins.clear();
        self.weights.clear();
        for index in 0..to {
            let first = if from > to { self.shrink(index, from, to) } else { self.grow(index, from, to) };
            let (_, count) = first;
            self.begins.push((first.0, self.weights.len() - count));
        }
        self.begins.push((from, self.weights.len()));
    }

    /// The mean of what lies under a new pixel; returns the first old pixel and how many there are.
    fn shrink(&mut self, index: usize, from: usize, to: usize) -> (usize, usize) {
        // In units of 1 / `to` of an old pixel a new one is `from` wide.
        let (begin, end) = (index * from, (index + 1) * from);
        let (first, last) = (begin / to, (end - 1) / to);
        let mut done = 0;
        for pixel in first..=last {
            // Rounding what all so far have together makes them add up.
            let covered = ((pixel + 1) * to).min(end) - begin;
            let together = (covered * 256 + from / 2) / from;
            self.weights.push((together - done) as u16);
            done = together;
        }
        (first, last + 1 - first)
    }

    /// The two old pixels around the middle of a new one, or one at the edge.
    fn grow(&mut self, index: usize, from: usize, to: usize) -> (usize, usize) {
        // Middles in 1/512 of an old pixel, from the middle of the first one.
        let middle = ((2 * index + 1) * from * 256 / to).saturating_sub(256);
        let (first, part) = (middle / 512, (middle % 512 / 2) as u16);
        if part == 0 || first + 1 >= from {
            self.weights.push(256);
            return (first.min(from - 1), 1);
        }
        self.weights.extend([256 - part, part]);
        (first, 2)
    }

    fn of(&self, index: usize) -> (usize, &[u16]) {
        let (first, begin) = self.begins[index];
        let (_, end) = self.begins[index + 1];
        (first, &self.weights[begin..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::psnr;
    use crate::test_picture::moving;

    fn scaled(from: &I420, width: u32, height: u32) -> I420 {
        let mut to = I420::new(width, height).unwrap();
        let target = to.rect();
        Scaler::default().scale(from, from.rect(), &mut to, target).unwrap();
        to
    }

    fn noise(width: u32, height: u32) -> I420 {
        let mut picture = I420::new(width, height).unwrap();
        let mut state = 1_u32;
        for (plane, _) in picture.planes_mut() {
            for pixel in plane {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *pixel = (state >> 24) as u8;
            }
        }
        picture
    }

    #[test]
    fn one_colour_stays_that_colour_at_every_scale() {
        for colour in [0, 1, 127, 254, 255] {
            let mut picture = I420::new(64, 36).unwrap();
            picture.planes_mut().into_iter().for_each(|(plane, _)| plane.fill(colour));
            for (width, height) in
                [(64, 36), (32, 18), (16, 10), (42, 24), (2, 2), (128, 72), (66, 30), (1000, 38)]
            {
                let to = scaled(&picture, width, height);
                assert!(
                    to.planes().iter().all(|(plane, _)| plane.iter().all(|pixel| *pixel == colour)),
                    "{width}x{height}"
                );
            }
        }
    }

    #[test]
    fn the_short_ways_give_what_the_long_one_does() {
        let from = noise(64, 32);
        for by in [1, 2, 4] {
            let short = scaled(&from, 64 / by, 32 / by);
            let mut long = I420::new(64 / by, 32 / by).unwrap();
            let mut scaler = Scaler::default();
            for ((plane, stride), (to, row)) in from.planes().into_iter().zip(long.planes_mut()) {
                let rect = Rect { x: 0, y: 0, width: stride as u32, height: (plane.len() / stride) as u32 };
                scaler.across.set(stride, row);
                scaler.down.set(plane.len() / stride, to.len() / row);
                scaler.sums.resize(stride, 0);
                let part = Part { plane, stride, rect };
                to.chunks_exact_mut(row).enumerate().for_each(|(index, row)| scaler.row(&part, index, row));
            }
            assert_eq!(short, long, "1:{by}");
        }
    }

    #[test]
    fn weights_always_add_up_to_a_whole() {
        let mut taps = Taps::default();
        for from in 1..70 {
            for to in 1..70 {
                taps.set(from, to);
                for index in 0..to {
                    let (first, weights) = taps.of(index);
                    assert_eq!(weights.iter().sum::<u16>(), 256, "{from} to {to}");
                    assert!(first + weights.len() <= from, "{from} to {to}");
                }
            }
        }
    }

    #[test]
    fn a_smooth_picture_comes_back_from_a_smaller_one() {
        let mut picture = I420::new(640, 360).unwrap();
        moving(&mut picture, 7);
        for (width, height) in [(320, 180), (426, 240), (640, 240)] {
            let back = scaled(&scaled(&picture, width, height), 640, 360);
            let alike = psnr(&picture, &back).unwrap();
            assert!(alike > 38.0, "{width}x{height}: {alike} dB");
        }
    }

    #[test]
    fn nothing_around_the_target_is_touched() {
        let (from, mut to) = (noise(20, 12), I420::new(40, 20).unwrap());
        let target = Rect { x: 10, y: 4, width: 14, height: 8 };
        Scaler::default().scale(&from, from.rect(), &mut to, target).unwrap();
        for (at, pixel) in to.y().iter().enumerate() {
            let (x, y) = (at as u32 % 40, at as u32 / 40);
            let inside = (10..24).contains(&x) && (4..12).contains(&y);
            assert!(inside || *pixel == 16, "{x}, {y}");
        }
    }

    #[test]
    fn parts_that_are_none_are_refused() {
        let (from, mut to) = (I420::new(20, 12).unwrap(), I420::new(20, 12).unwrap());
        let bad = Rect { x: 2, y: 0, width: 20, height: 12 };
        assert_eq!(
            Scaler::default().scale(&from, from.rect(), &mut to, bad),
            Err(BadRect { rect: bad, size: (20, 12) })
        );
        let odd = Rect { x: 1, y: 0, width: 10, height: 12 };
        assert!(Scaler::default().scale(&from, odd, &mut to, Rect { width: 10, ..bad }).is_err());
    }
}

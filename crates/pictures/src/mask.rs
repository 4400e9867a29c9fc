//! Shapes as masks: text by the embedded font, discs and the muted microphone by their geometry. A mask says how much of each pixel a
//! shape covers; colours come when it is painted.
//!
//! The font is DejaVu Sans (fonts/, with its licence, which permits embedding). It has Latin, Greek, Cyrillic, Arabic letters and more;
//! nothing is shaped, so that Arabic and Indic scripts look wrong, and what it does not have is drawn as a box.

use ab_glyph::{Font as _, FontRef, ScaleFont as _, point};

use crate::{Colour, I420, Rect};

static FONT: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

/// A shape: how much of each pixel it covers, 0 to 255. Both sides are even.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    pub(crate) width: u32,
    pub(crate) height: u32,
    coverage: Vec<u8>,
}

impl Mask {
    fn empty(width: u32, height: u32) -> Self {
        let (width, height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        Self { width, height, coverage: vec![0; (width * height) as usize] }
    }

    /// A line of text, `height` pixels high and at most `most` wide: what is longer ends with an ellipsis.
    pub(crate) fn text(text: &str, height: u32, most: u32) -> Self {
        // The file is part of the program, and a test reads it: this is not seen in any build that passed.
        let Ok(font) = FontRef::try_from_slice(FONT) else { return Self::default() };
        let font = font.as_scaled(height as f32);
        let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
        let advance = |letter: char| font.h_advance(font.glyph_id(letter));
        let whole: f32 = text.chars().map(|letter| advance(shown(letter))).sum();
        let fits = whole <= most as f32;
        let room = if fits { whole } else { (most as f32 - advance('…')).max(0.0) };
        let mut mask = Self::empty((if fits { whole.ceil() } else { most as f32 }) as u32, height);
        let mut x = 0.0;
        let letters = text.chars().map(shown).chain((!fits).then_some('…'));
        let mut ended = false;
        for letter in letters {
            if ended && letter != '…' {
                continue;
            }
            if !fits && letter != '…' && x + advance(letter) > room {
                ended = true;
                continue;
            }
            let glyph = font.glyph_id(letter).with_scale_and_position(height as f32, point(x, font.ascent()));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|column, row, coverage| {
                    mask.cover(bounds.min.x + column as f32, bounds.min.y + row as f32, coverage);
                });
            }
            x += advance(letter);
        }
        mask
    }

    /// A disc.
    pub(crate) fn disc(diameter: u32) -> Self {
        let radius = diameter as f32 / 2.0;
        Self::shape(diameter, |x, y| radius - (x - radius).hypot(y - radius))
    }

    /// A microphone, crossed out.
    pub(crate) fn muted(side: u32) -> Self {
        let unit = side as f32 / 16.0;
        Self::shape(side, |x, y| {
            let (x, y) = (x / unit, y / unit);
            let capsule = 2.5 - segment((x, y), (8.0, 4.0), (8.0, 7.5));
            let bow = if y > 7.0 { 0.7 - ((x - 8.0).hypot(y - 7.5) - 4.2).abs() } else { -1.0 };
            let stand = 0.7 - segment((x, y), (8.0, 12.0), (8.0, 14.0));
            let stroke = segment((x, y), (3.0, 2.0), (13.0, 14.0));
            (capsule.max(bow).max(stand).min(stroke - 1.6)).max(0.8 - stroke) * unit
        })
    }

    /// From the distance of a pixel's middle to the shape's edge, positive inside.
    fn shape(side: u32, inside: impl Fn(f32, f32) -> f32) -> Self {
        let mut mask = Self::empty(side, side);
        for y in 0..side {
            for x in 0..side {
                let coverage = (inside(x as f32 + 0.5, y as f32 + 0.5) + 0.5).clamp(0.0, 1.0);
                mask.cover(x as f32, y as f32, coverage);
            }
        }
        mask
    }

    fn cover(&mut self, x: f32, y: f32, coverage: f32) {
        if x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32 {
            let at = y as usize * self.width as usize + x as usize;
            if let Some(pixel) = self.coverage.get_mut(at) {
                *pixel = pixel.saturating_add((coverage * 255.0) as u8);
            }
        }
    }

    /// Paints it in one colour, its upper left corner at an even place; what is outside of `within` is left out.
    pub(crate) fn paint(&self, into: &mut I420, (left, top): (u32, u32), within: Rect, colour: Colour) {
        let (right, bottom) = (within.x + within.width, within.y + within.height);
        let width = self.width.min(right.saturating_sub(left)) as usize;
        let height = self.height.min(bottom.saturating_sub(top)) as usize;
        if left < within.x || top < within.y || !within.fits(into.size()) || width == 0 {
            return;
        }
        let stride = self.width as usize;
        let (left, top) = (left as usize, top as usize);
        let [luma, u, v] = into.planes_mut();
        for (row, covers) in self.coverage.chunks_exact(stride).take(height).enumerate() {
            let begin = (top + row) * luma.1 + left;
            for (pixel, cover) in luma.0[begin..begin + width].iter_mut().zip(covers) {
                *pixel = blend(*pixel, colour.y, *cover);
            }
        }
        for ((plane, row_length), value) in [(u, colour.u), (v, colour.v)] {
            for row in 0..height / 2 {
                let begin = (top / 2 + row) * row_length + left / 2;
                for (column, pixel) in plane[begin..begin + width / 2].iter_mut().enumerate() {
                    let at = 2 * row * stride + 2 * column;
                    let four = [at, at + 1, at + stride, at + stride + 1];
                    let sum: u32 = four.iter().map(|at| u32::from(self.coverage[*at])).sum();
                    *pixel = blend(*pixel, value, (sum / 4) as u8);
                }
            }
        }
    }
}

/// Between two values, by how much of the second is seen.
pub(crate) fn blend(below: u8, above: u8, cover: u8) -> u8 {
    let (below, above, cover) = (u32::from(below), u32::from(above), u32::from(cover));
    ((below * (255 - cover) + above * cover + 127) / 255) as u8
}

/// How far a point is from a line between two.
fn segment((x, y): (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let along = (((x - from.0) * dx + (y - from.1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - from.0 - along * dx).hypot(y - from.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(mask: &Mask) -> u32 {
        mask.coverage.iter().map(|cover| u32::from(*cover)).sum::<u32>() / 255
    }

    #[test]
    fn text_is_as_wide_as_it_needs_and_ends_with_an_ellipsis_where_it_is_too_long() {
        let (short, long) = (Mask::text("Ann", 20, 400), Mask::text("Anna-Lena Überlingen", 20, 400));
        assert!(covered(&short) > 30 && short.width < long.width && long.width < 400);
        let cut = Mask::text("Anna-Lena Überlingen", 20, 80);
        assert_eq!(cut.width, 80);
        assert_ne!(cut, Mask::text("Anna-L", 20, 80));
        assert_eq!(covered(&Mask::text("\n\t", 20, 80)), 0);
        assert_eq!(covered(&Mask::text("", 20, 80)), 0);
    }

    #[test]
    fn a_disc_covers_what_its_area_says() {
        let area = covered(&Mask::disc(40)) as f32;
        assert!((area - 400.0 * std::f32::consts::PI).abs() < 20.0, "{area}");
    }

    #[test]
    fn painting_stays_within_the_tile() {
        let mut picture = I420::new(64, 36).unwrap();
        let within = Rect { x: 10, y: 4, width: 20, height: 10 };
        Mask::disc(40).paint(&mut picture, (10, 4), within, Colour::WHITE);
        for (at, pixel) in picture.y().iter().enumerate() {
            let (x, y) = (at as u32 % 64, at as u32 / 64);
            assert!((10..30).contains(&x) && (4..14).contains(&y) || *pixel == 16, "{x}, {y}");
        }
        assert!(picture.y().contains(&235));
    }
}

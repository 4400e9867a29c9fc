//! Rectangles on pictures, and how a picture is fitted into one. No pixel is touched here.

/// A part of a picture, in pixels of luma. All four are even wherever chroma is drawn, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Rect {
    /// Whether all four numbers are even, there is something in it, and it lies within a picture of that size.
    #[must_use]
    pub const fn fits(self, (width, height): (u32, u32)) -> bool {
        let even = (self.x | self.y | self.width | self.height).is_multiple_of(2);
        let some = self.width > 0 && self.height > 0;
        even && some
            && self.x <= width
            && self.y <= height
            && self.width <= width - self.x
            && self.height <= height - self.y
    }

    /// The same for a plane of chroma.
    #[must_use]
    pub(crate) const fn halved(self) -> Self {
        Self { x: self.x / 2, y: self.y / 2, width: self.width / 2, height: self.height / 2 }
    }

    /// Without so many pixels at each side; what is left may be empty.
    #[must_use]
    pub const fn shrunk(self, by: u32) -> Self {
        Self {
            x: self.x + by,
            y: self.y + by,
            width: self.width.saturating_sub(2 * by),
            height: self.height.saturating_sub(2 * by),
        }
    }
}

/// How a picture of another shape is put into a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fit {
    /// All of the tile is covered and the picture's edges are cut off: people.
    Crop,
    /// All of the picture is shown, with bars beside it: screens.
    Letterbox,
}

impl Fit {
    /// Which part of a picture of `source` (width, height) goes to which part of `tile`. All numbers of both are even if the
    /// arguments' are.
    #[must_use]
    pub fn place(self, source: (u32, u32), tile: Rect) -> (Rect, Rect) {
        let whole = Rect { x: 0, y: 0, width: source.0, height: source.1 };
        match self {
            Self::Crop => (centred(whole, (tile.width, tile.height)), tile),
            Self::Letterbox => (whole, centred(tile, source)),
        }
    }
}

/// The largest rectangle of the shape `shape` in the middle of `within`.
fn centred(within: Rect, shape: (u32, u32)) -> Rect {
    let (across, down) = (u64::from(shape.0.max(1)), u64::from(shape.1.max(1)));
    let (width, height) = (u64::from(within.width), u64::from(within.height));
    let (width, height) = if width * down > height * across {
        (even(height * across / down, within.width), within.height)
    } else {
        (within.width, even(width * down / across, within.height))
    };
    Rect {
        x: within.x + (within.width - width) / 4 * 2,
        y: within.y + (within.height - height) / 4 * 2,
        width,
        height,
    }
}

/// The even number at or above `value`, from 2 to `most`.
fn even(value: u64, most: u32) -> u32 {
    let value = u32::try_from(value.next_multiple_of(2)).unwrap_or(most);
    value.clamp(2.min(most), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILE: Rect = Rect { x: 320, y: 180, width: 320, height: 180 };

    #[test]
    fn people_are_cropped_from_the_middle_and_screens_get_bars() {
        let crop = Rect { x: 0, y: 60, width: 640, height: 360 };
        assert_eq!(Fit::Crop.place((640, 480), TILE), (crop, TILE));
        let upright = Rect { x: 0, y: 436, width: 720, height: 406 };
        assert_eq!(Fit::Crop.place((720, 1280), TILE), (upright, TILE));
        let (from, to) = Fit::Letterbox.place((640, 480), TILE);
        assert_eq!(from, Rect { x: 0, y: 0, width: 640, height: 480 });
        assert_eq!(to, Rect { x: 360, y: 180, width: 240, height: 180 });
    }

    #[test]
    fn the_same_shape_is_taken_whole() {
        for fit in [Fit::Crop, Fit::Letterbox] {
            let whole = Rect { x: 0, y: 0, width: 1280, height: 720 };
            assert_eq!(fit.place((1280, 720), TILE), (whole, TILE));
        }
    }

    #[test]
    fn extreme_shapes_stay_within_both_and_even() {
        for source in [(2, 1920), (1920, 2), (2, 2), (1088, 1920)] {
            for fit in [Fit::Crop, Fit::Letterbox] {
                let (from, to) = fit.place(source, TILE);
                assert!(from.fits(source), "{from:?} of {source:?}");
                assert!(to.fits((640, 360)), "{to:?}");
            }
        }
    }
}

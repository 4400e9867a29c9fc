//! Colours as the planes have them.

/// A colour: BT.601, limited range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Luma, 16 to 235.
    pub y: u8,
    /// Blue against luma, 16 to 240, 128 for grey.
    pub u: u8,
    /// Red against luma, 16 to 240, 128 for grey.
    pub v: u8,
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self { y: 16, u: 128, v: 128 };
    /// White.
    pub const WHITE: Self = Self { y: 235, u: 128, v: 128 };

    /// From red, green and blue, 0 to 255 each (ITU-R BT.601, 8 bits, limited range).
    #[must_use]
    pub const fn from_rgb(red: u8, green: u8, blue: u8) -> Self {
        let (r, g, b) = (red as i32, green as i32, blue as i32);
        Self {
            y: (16 + (66 * r + 129 * g + 25 * b + 128) / 256) as u8,
            u: ((128 * 256 - 38 * r - 74 * g + 112 * b + 128) / 256) as u8,
            v: ((128 * 256 + 112 * r - 94 * g - 18 * b + 128) / 256) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_the_colour_cube_are_those_of_bt_601() {
        assert_eq!(Colour::from_rgb(0, 0, 0), Colour::BLACK);
        assert_eq!(Colour::from_rgb(255, 255, 255), Colour::WHITE);
        assert_eq!(Colour::from_rgb(255, 0, 0), Colour { y: 82, u: 90, v: 240 });
        assert_eq!(Colour::from_rgb(0, 0, 255), Colour { y: 41, u: 240, v: 110 });
    }
}

//! What is seen: picture after picture of a sender, drawn the same by whoever sends it and whoever compares. Codecs never live here.

use clap::ValueEnum;
use confocal_pictures::test_picture::{COLOURS, moving};
use confocal_pictures::{I420, Rect, TestPicture};

/// Senders that can be told apart by their pictures: two numberings of each colour.
pub const PLACES: usize = 2 * COLOURS as usize;
/// From where on the second numbering counts.
const SECOND: u16 = 1 << 15;

/// What is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scene {
    /// A coloured number that is read back wherever it is seen, amid noise that takes as many bits as there are.
    Numbered,
    /// Soft waves: what quality is measured with, in speaker mode.
    Moving,
}

/// Draws picture `index` of the sender at `place` over all of `into`.
pub fn draw(scene: Scene, place: usize, index: u32, into: &mut I420) {
    match scene {
        Scene::Numbered => {
            name(place, index).draw(into);
            let seed = place as u32 * 20_011 + index;
            for part in margins(into.rect()) {
                noise(into, part, seed);
            }
        }
        // Each sender is somewhere else in the same clip, so that no two show the same.
        Scene::Moving => moving(into, index + place as u32 * 20_000),
    }
}

/// What the numbered picture says.
#[must_use]
pub fn name(place: usize, index: u32) -> TestPicture {
    let colours = usize::from(COLOURS);
    let second = if place / colours % 2 == 1 { SECOND } else { 0 };
    TestPicture { colour: (place % colours) as u8, number: (index % u32::from(SECOND)) as u16 | second }
}

/// Whose picture it is, and which, that says so.
#[must_use]
pub fn named(what: TestPicture) -> (usize, u32) {
    let second = if what.number & SECOND == 0 { 0 } else { usize::from(COLOURS) };
    (usize::from(what.colour) + second, u32::from(what.number & !SECOND))
}

/// Where a numbered picture says nothing: below the number, and on both sides of it.
fn margins(whole: Rect) -> [Rect; 3] {
    let even = |pixels: u32| pixels & !1;
    let (left, right) = (even(whole.width / 8), even(whole.width * 7 / 8 + 1));
    let (top, low) = (even(whole.height / 4), even(whole.height * 13 / 16));
    let side = Rect { x: 0, y: top, width: left, height: low - top };
    [
        Rect { x: 0, y: low, width: whole.width, height: whole.height - low },
        side,
        Rect { x: right, width: whole.width - right, ..side },
    ]
}

/// Fills a part with stripes that wander, and noise that is another one in each picture.
fn noise(into: &mut I420, part: Rect, seed: u32) {
    let [(luma, stride), ..] = into.planes_mut();
    for (y, row) in luma.chunks_exact_mut(stride).enumerate().skip(part.y as usize).take(part.height as usize)
    {
        let mut state = (seed.wrapping_mul(0x9e37_79b9) ^ (y as u32).wrapping_mul(0x85eb_ca6b)) | 1;
        for (x, pixel) in row.iter_mut().enumerate().skip(part.x as usize).take(part.width as usize) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let stripe = (x as u32 + 2 * y as u32 + 3 * seed) & 127;
            *pixel = 80 + stripe.min(127 - stripe) as u8 + (state >> 29) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sender_is_told_apart_and_read_back_through_the_noise() {
        let mut picture = I420::new(640, 360).expect("a size");
        for place in 0..PLACES {
            for index in [0, 1, 249, 19_999] {
                draw(Scene::Numbered, place, index, &mut picture);
                let read = TestPicture::read(&picture, picture.rect()).expect("a number");
                assert_eq!(named(read), (place, index));
            }
        }
    }

    #[test]
    fn two_pictures_are_never_the_same_and_one_is_always() {
        let drawn = |scene, place, index| {
            let mut picture = I420::new(320, 180).expect("a size");
            draw(scene, place, index, &mut picture);
            picture
        };
        for scene in [Scene::Numbered, Scene::Moving] {
            assert_ne!(drawn(scene, 0, 1), drawn(scene, 0, 2));
            assert_ne!(drawn(scene, 0, 1), drawn(scene, 1, 1));
            assert_eq!(drawn(scene, 3, 7), drawn(scene, 3, 7));
        }
    }
}

//! Composition: tiles become one picture, and only those that changed are drawn again. Who is where, and when to draw, is decided by
//! the caller.

use crate::mask::{Mask, blend};
use crate::{BadSize, Colour, Fit, I420, Rect, Scaler};

/// What one tile is to show.
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a> {
    /// Whose it is; an avatar's colour goes by it.
    pub id: u64,
    /// Where it is. A tile that is no part of the canvas is not drawn.
    pub rect: Rect,
    /// The last picture of theirs, and a number that changes with it; an avatar is shown where there is none.
    pub picture: Option<(&'a I420, u64)>,
    /// How the picture is put into the tile.
    pub fit: Fit,
    /// The name below, nothing if it is empty.
    pub name: &'a str,
    /// They can't be heard: a crossed microphone stands before the name.
    pub muted: bool,
    /// They are speaking: the tile has a frame.
    pub speaking: bool,
}

/// What was drawn of a tile, to see whether it changed.
#[derive(Clone, Debug, Default)]
struct Drawn {
    id: u64,
    rect: Rect,
    picture: Option<u64>,
    letterbox: bool,
    name: String,
    muted: bool,
    speaking: bool,
    label: Mask,
    initials: Mask,
    /// Name and height that both were made for.
    made_for: (String, u32),
}

/// Behind everything, and behind avatars.
const GROUND: Colour = Colour::from_rgb(24, 26, 32);
const AVATAR_GROUND: Colour = Colour::from_rgb(44, 48, 58);
/// The frame around who speaks.
const SPEAKING: Colour = Colour::from_rgb(64, 200, 110);
const MUTED: Colour = Colour::from_rgb(240, 90, 80);

/// A picture that is made of tiles. Composing allocates nothing but where a tile, its size or its name is new.
#[derive(Clone, Debug)]
pub struct Canvas {
    picture: I420,
    drawn: Vec<Drawn>,
    scaler: Scaler,
    /// By height: discs of avatars and microphones.
    discs: Vec<Mask>,
    microphones: Vec<Mask>,
}

impl Canvas {
    /// An empty canvas.
    ///
    /// # Errors
    ///
    /// [`BadSize`] if no picture may be so large.
    pub fn new(width: u32, height: u32) -> Result<Self, BadSize> {
        let mut picture = I420::new(width, height)?;
        picture.fill(GROUND);
        let (drawn, scaler) = (Vec::new(), Scaler::default());
        Ok(Self { picture, drawn, scaler, discs: Vec::new(), microphones: Vec::new() })
    }

    /// What was composed last.
    #[must_use]
    pub const fn picture(&self) -> &I420 {
        &self.picture
    }

    /// Draws those tiles that changed; all of them where their places did. Says how many tiles changed: with 0 the picture is as it was.
    ///
    /// Tiles should not overlap.
    pub fn compose(&mut self, tiles: &[Tile<'_>]) -> usize {
        let same_places = tiles.len() == self.drawn.len()
            && tiles.iter().zip(&self.drawn).all(|(tile, drawn)| tile.rect == drawn.rect);
        if !same_places {
            self.picture.fill(GROUND);
            self.drawn.resize_with(tiles.len(), Drawn::default);
            // Sizes of an arrangement that is over.
            self.discs.clear();
            self.microphones.clear();
        }
        // Where somebody left, the picture changed though nobody is drawn.
        let mut count = 0;
        for (index, tile) in tiles.iter().enumerate() {
            if (same_places && self.drawn[index].shows(tile)) || !tile.rect.fits(self.picture.size()) {
                self.drawn[index].rect = tile.rect;
                continue;
            }
            self.drawn[index].take(tile);
            self.draw(index, tile);
            count += 1;
        }
        count.max(usize::from(!same_places))
    }

    fn draw(&mut self, index: usize, tile: &Tile<'_>) {
        let rect = tile.rect;
        let shown = tile.picture.is_some_and(|(picture, _)| {
            let (source, target) = tile.fit.place(picture.size(), rect);
            if target != rect {
                fill(&mut self.picture, rect, Colour::BLACK);
            }
            // Both parts are even and within their pictures, as the tile is; if not, the avatar says so.
            self.scaler.scale(picture, source, &mut self.picture, target).is_ok()
        });
        let drawn = &self.drawn[index];
        if !shown {
            fill(&mut self.picture, rect, AVATAR_GROUND);
            let diameter = (rect.width.min(rect.height) / 4 * 2).max(2);
            let disc = of_size(&mut self.discs, diameter, Mask::disc);
            let corner = (middle(rect.x, rect.width, diameter), middle(rect.y, rect.height, diameter));
            disc.paint(&mut self.picture, corner, rect, avatar_colour(tile.id));
            let text = &drawn.initials;
            let corner = (middle(rect.x, rect.width, text.width), middle(rect.y, rect.height, text.height));
            text.paint(&mut self.picture, corner, rect, Colour::WHITE);
        }
        let height = label_height(rect);
        let pad = (height / 4) & !1;
        let microphone = if tile.muted { height } else { 0 };
        let label = &drawn.label;
        if label.width > 0 || tile.muted {
            let width = (microphone + label.width + 2 * pad).min(rect.width);
            let top = rect.y + rect.height - height - pad;
            let plate = Rect { x: rect.x, y: top, width, height: height + pad };
            darken(&mut self.picture, plate);
            let left = rect.x + pad;
            if tile.muted {
                let mark = of_size(&mut self.microphones, height, Mask::muted);
                mark.paint(&mut self.picture, (left, top), rect, MUTED);
            }
            let corner = (left + microphone, top + ((pad / 2) & !1));
            label.paint(&mut self.picture, corner, rect, Colour::WHITE);
        }
        if tile.speaking {
            frame(&mut self.picture, rect, SPEAKING);
        }
    }
}

impl Drawn {
    fn shows(&self, tile: &Tile<'_>) -> bool {
        self.id == tile.id
            && self.picture == tile.picture.map(|(_, number)| number)
            && self.letterbox == (tile.fit == Fit::Letterbox)
            && (self.muted, self.speaking) == (tile.muted, tile.speaking)
            && self.name == tile.name
    }

    fn take(&mut self, tile: &Tile<'_>) {
        self.id = tile.id;
        self.rect = tile.rect;
        self.picture = tile.picture.map(|(_, number)| number);
        self.letterbox = tile.fit == Fit::Letterbox;
        (self.muted, self.speaking) = (tile.muted, tile.speaking);
        self.name.clear();
        self.name.push_str(tile.name);
        if self.made_for.0 != tile.name || self.made_for.1 != tile.rect.height {
            let height = label_height(tile.rect);
            self.label = Mask::text(tile.name, height, (tile.rect.width / 2).max(height));
            let mut initials = tile.name.split_whitespace().filter_map(|word| word.chars().next());
            let (first, last) = (initials.next(), initials.next_back());
            let text: String = first.into_iter().chain(last).flat_map(char::to_uppercase).collect();
            self.initials = Mask::text(&text, tile.rect.height / 5, tile.rect.width);
            self.made_for = (tile.name.to_owned(), tile.rect.height);
        }
    }
}

/// Pixels that a name is high: a twelfth of the tile, and large enough to be read.
fn label_height(rect: Rect) -> u32 {
    (rect.height / 12).clamp(12, 28).min(rect.height / 2).next_multiple_of(2)
}

fn middle(from: u32, room: u32, size: u32) -> u32 {
    (from + room.saturating_sub(size) / 2) & !1
}

/// A colour for an avatar; the same for the same id.
const fn avatar_colour(id: u64) -> Colour {
    const COLOURS: [Colour; 8] = [
        Colour::from_rgb(196, 84, 84),
        Colour::from_rgb(190, 120, 50),
        Colour::from_rgb(140, 140, 50),
        Colour::from_rgb(70, 150, 80),
        Colour::from_rgb(50, 145, 150),
        Colour::from_rgb(75, 120, 200),
        Colour::from_rgb(135, 95, 200),
        Colour::from_rgb(185, 85, 160),
    ];
    // Neighbouring ids get colours that are far apart.
    COLOURS[(id.wrapping_mul(3) % 8) as usize]
}

/// The mask of that size, made if it is not there.
fn of_size(masks: &mut Vec<Mask>, size: u32, make: fn(u32) -> Mask) -> &Mask {
    let side = size.next_multiple_of(2);
    let at = masks.iter().position(|mask| mask.width == side).unwrap_or_else(|| {
        masks.push(make(side));
        masks.len() - 1
    });
    &masks[at]
}

/// Goes through a part of a picture, row by row of each plane.
fn each_row(picture: &mut I420, rect: Rect, mut change: impl FnMut(usize, &mut [u8])) {
    for (index, (plane, stride)) in picture.planes_mut().into_iter().enumerate() {
        let rect = if index == 0 { rect } else { rect.halved() };
        for row in plane.chunks_exact_mut(stride).skip(rect.y as usize).take(rect.height as usize) {
            change(index, &mut row[rect.x as usize..(rect.x + rect.width) as usize]);
        }
    }
}

fn fill(picture: &mut I420, rect: Rect, colour: Colour) {
    each_row(picture, rect, |plane, row| row.fill([colour.y, colour.u, colour.v][plane]));
}

/// Lets half of what is there shine through black.
fn darken(picture: &mut I420, rect: Rect) {
    let black = [Colour::BLACK.y, Colour::BLACK.u, Colour::BLACK.v];
    each_row(picture, rect, |plane, row| {
        row.iter_mut().for_each(|pixel| *pixel = blend(*pixel, black[plane], 150));
    });
}

/// A frame along the inner edge.
fn frame(picture: &mut I420, rect: Rect, colour: Colour) {
    let thick = (rect.height / 60).clamp(2, 6) & !1;
    let (right, bottom) = (rect.x + rect.width - thick, rect.y + rect.height - thick);
    for side in [
        Rect { height: thick, ..rect },
        Rect { y: bottom, height: thick, ..rect },
        Rect { width: thick, ..rect },
        Rect { x: right, width: thick, ..rect },
    ] {
        fill(picture, side, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_picture::TestPicture;
    use crate::{Layout, Place, Shown, arrange};

    fn test_picture(colour: u8, number: u16) -> I420 {
        let mut picture = I420::new(320, 180).unwrap();
        TestPicture { colour, number }.draw(&mut picture);
        picture
    }

    fn places(people: u64, canvas: (u32, u32)) -> Vec<Place<u64>> {
        let people: Vec<u64> = (0..people).collect();
        let mut places = Vec::new();
        arrange(Layout::Grid, &people, &[], canvas, &mut places);
        places
    }

    fn tiles<'a>(pictures: &'a [I420], number: u64, canvas: (u32, u32)) -> Vec<Tile<'a>> {
        let places = places(pictures.len() as u64, canvas);
        let tile = |(place, picture): (&Place<u64>, &'a I420)| {
            let Shown::Person(id) = place.shown else { panic!("no screen is shown") };
            let (rect, picture) = (place.rect, Some((picture, number)));
            Tile { id, rect, picture, fit: Fit::Crop, name: "Ann Lee", muted: id == 1, speaking: id == 2 }
        };
        places.iter().zip(pictures).map(tile).collect()
    }

    #[test]
    fn everyone_is_read_from_their_own_tile_at_every_tier() {
        for canvas in [(1280, 720), (640, 360), (320, 180)] {
            let pictures: Vec<I420> = (0..4).map(|of| test_picture(of, 700 + u16::from(of))).collect();
            let mut composed = Canvas::new(canvas.0, canvas.1).unwrap();
            let tiles = tiles(&pictures, 1, canvas);
            assert_eq!(composed.compose(&tiles), 4);
            for (of, tile) in (0..4).zip(&tiles) {
                let read = TestPicture::read(composed.picture(), tile.rect);
                assert_eq!(read, Some(TestPicture { colour: of, number: 700 + u16::from(of) }), "{canvas:?}");
            }
        }
    }

    #[test]
    fn only_what_changed_is_drawn_again_and_looks_as_if_all_were() {
        let pictures: Vec<I420> = (0..4).map(|of| test_picture(of, 9)).collect();
        let other = test_picture(7, 10);
        let canvas = (640, 360);
        let mut kept = Canvas::new(640, 360).unwrap();
        let mut now = tiles(&pictures, 1, canvas);
        kept.compose(&now);
        assert_eq!(kept.compose(&now), 0);
        let changes: [fn(&mut Tile<'_>); 4] = [
            |tile| tile.muted = true,
            |tile| tile.speaking = true,
            |tile| tile.name = "Bo",
            |tile| tile.picture = None,
        ];
        for change in changes {
            change(&mut now[3]);
            assert_eq!(kept.compose(&now), 1);
            let mut fresh = Canvas::new(640, 360).unwrap();
            fresh.compose(&now);
            assert!(kept.picture() == fresh.picture());
        }
        now[0].picture = Some((&other, 2));
        assert_eq!(kept.compose(&now), 1);
        assert_eq!(
            TestPicture::read(kept.picture(), now[0].rect),
            Some(TestPicture { colour: 7, number: 10 })
        );
    }

    #[test]
    fn who_leaves_is_gone_from_the_picture() {
        let pictures: Vec<I420> = (0..3).map(|of| test_picture(of, 9)).collect();
        let mut kept = Canvas::new(640, 360).unwrap();
        kept.compose(&tiles(&pictures, 1, (640, 360)));
        kept.compose(&tiles(&pictures[..2], 1, (640, 360)));
        let mut fresh = Canvas::new(640, 360).unwrap();
        fresh.compose(&tiles(&pictures[..2], 1, (640, 360)));
        assert!(kept.picture() == fresh.picture());
        assert_eq!(kept.compose(&[]), 1);
        assert_eq!(kept.compose(&[]), 0);
        assert!(kept.picture().y().iter().all(|pixel| *pixel == GROUND.y));
    }

    #[test]
    fn marks_names_and_avatars_are_seen() {
        let rect = Rect { x: 0, y: 0, width: 320, height: 180 };
        let plain =
            Tile { id: 1, rect, picture: None, fit: Fit::Crop, name: "", muted: false, speaking: false };
        let looks = |tile: Tile<'_>| {
            let mut canvas = Canvas::new(320, 180).unwrap();
            canvas.compose(&[tile]);
            canvas.picture().clone()
        };
        let all = [
            looks(plain),
            looks(Tile { id: 2, ..plain }),
            looks(Tile { name: "Ann", ..plain }),
            looks(Tile { name: "Ben", ..plain }),
            looks(Tile { muted: true, ..plain }),
            looks(Tile { speaking: true, ..plain }),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other != one), "{index}");
        }
    }

    #[test]
    fn tiles_outside_and_extreme_ones_do_no_harm() {
        let mut canvas = Canvas::new(64, 36).unwrap();
        let sliver = I420::new(2, 1920).unwrap();
        for (x, y, width, height) in [
            (0, 0, 2, 2),
            (62, 34, 2, 2),
            (0, 0, 64, 2),
            (0, 0, 66, 36),
            (1, 0, 8, 8),
            (0, 0, 0, 0),
            (60, 0, 4, 36),
        ] {
            for picture in [None, Some((&sliver, 1))] {
                for fit in [Fit::Crop, Fit::Letterbox] {
                    let rect = Rect { x, y, width, height };
                    let name = "𝔄 long name";
                    canvas.compose(&[Tile {
                        id: u64::MAX,
                        rect,
                        picture,
                        fit,
                        name,
                        muted: true,
                        speaking: true,
                    }]);
                }
            }
        }
    }
}

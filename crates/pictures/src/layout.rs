//! Where whom is seen: a pure function of who is there and how large the canvas is. Nothing is drawn here.

use crate::Rect;

/// The most people that are seen at a time.
pub const MAX_TILES: usize = 16;

/// How tiles are put together. On a canvas of 1280x720 all tiles but those of a 3x3 grid are multiples of 320x180, on which pictures
/// scale fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// All alike: one, two side by side, 2x2, 3x3 or 4x4. Rows that are not needed are left out, the last one is centred.
    Grid,
    /// Whoever speaks, large; seven others at most beside and below.
    Speaker,
    /// A screen, large, and people beside and below: the speaker first. With nobody to see it has all of the canvas.
    Screen,
}

/// What a tile shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown<P> {
    /// A participant.
    Person(P),
    /// The shared screen.
    Screen,
}

/// A tile's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place<P> {
    /// What it shows.
    pub shown: Shown<P>,
    /// Where; even numbers, within the canvas.
    pub rect: Rect,
}

/// Says where whom is seen on a canvas of that size (width, height; 64x36 at least, even). `people` are all participants in the order
/// of their joining, `spoke` those who spoke last, the present speaker first. The places replace what is in `into`.
///
/// Of more people than there are tiles those who spoke last are seen, and then those who joined first. In a grid they stand in join
/// order, so that nobody moves for a speaker who is seen anyway.
pub fn arrange<P: Copy + Eq>(
    layout: Layout,
    people: &[P],
    spoke: &[P],
    canvas: (u32, u32),
    into: &mut Vec<Place<P>>,
) {
    into.clear();
    match layout {
        Layout::Grid => {
            let seen = people.len().min(MAX_TILES);
            let by_turn = |person: &P| rank(*person, people, spoke) < seen;
            for (index, person) in people.iter().filter(|person| by_turn(person)).enumerate() {
                into.push(Place { shown: Shown::Person(*person), rect: grid(index, seen, canvas) });
            }
        }
        Layout::Speaker => main_and_strip(None, people, spoke, canvas, into),
        Layout::Screen => main_and_strip(Some(Shown::Screen), people, spoke, canvas, into),
    }
}

/// How early a person's turn to be seen comes: those who spoke, by how lately, then the others by when they joined.
fn rank<P: Copy + Eq>(person: P, people: &[P], spoke: &[P]) -> usize {
    // Somebody may be told twice, or have left.
    let first = |index: usize| !spoke[..index].contains(&spoke[index]) && people.contains(&spoke[index]);
    let before = |end: usize| (0..end).filter(|index| first(*index)).count();
    if let Some(at) = spoke.iter().position(|other| *other == person) {
        return before(at);
    }
    let joined_before = people.iter().take_while(|other| **other != person);
    before(spoke.len()) + joined_before.filter(|other| !spoke.contains(other)).count()
}

/// The place of tile `index` of `count` in a grid.
fn grid(index: usize, count: usize, canvas: (u32, u32)) -> Rect {
    let columns: usize = match count {
        ..=1 => 1,
        2..=4 => 2,
        5..=9 => 3,
        _ => 4,
    };
    let rows = count.div_ceil(columns).max(1);
    let (row, column) = (index / columns, index % columns);
    let in_row = if row + 1 == rows { count - row * columns } else { columns };
    // In halves of a tile, so that rows and columns can be centred.
    let (left, top) = (columns - in_row.min(columns) + 2 * column, columns - rows + 2 * row);
    part(canvas, 2 * columns as u32, (left as u32, top as u32), 2)
}

/// Somebody or something large, and others in the quarter-sized places beside and below.
fn main_and_strip<P: Copy + Eq>(
    main: Option<Shown<P>>,
    people: &[P],
    spoke: &[P],
    canvas: (u32, u32),
    into: &mut Vec<Place<P>>,
) {
    // Quarters of the canvas: down the right side, then below from the right.
    const STRIP: [(u32, u32); 7] = [(3, 0), (3, 1), (3, 2), (3, 3), (2, 3), (1, 3), (0, 3)];
    let large = usize::from(main.is_none());
    let others = people.len().saturating_sub(large).min(STRIP.len());
    let rect = match others {
        0 => part(canvas, 1, (0, 0), 1),
        // Nobody is below, so it stands in the middle of the height.
        1..=4 => part(canvas, 8, (0, 1), 6),
        _ => part(canvas, 4, (0, 0), 3),
    };
    into.extend(main.map(|shown| Place { shown, rect }));
    for turn in 0..others + large {
        let Some(person) = people.iter().copied().find(|person| rank(*person, people, spoke) == turn) else {
            return;
        };
        let rect = if turn < large { rect } else { part(canvas, 4, STRIP[turn - large], 1) };
        into.push(Place { shown: Shown::Person(person), rect });
    }
}

/// `size` of `parts` of the canvas each way, from there on, in even pixels.
fn part(canvas: (u32, u32), parts: u32, from: (u32, u32), size: u32) -> Rect {
    let at = |whole: u32, index: u32| (whole * index / parts) & !1;
    let (x, y) = (at(canvas.0, from.0), at(canvas.1, from.1));
    Rect { x, y, width: at(canvas.0, from.0 + size) - x, height: at(canvas.1, from.1 + size) - y }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: (u32, u32) = (1280, 720);

    fn places(layout: Layout, people: u32, spoke: &[u32], canvas: (u32, u32)) -> Vec<Place<u32>> {
        let people: Vec<u32> = (0..people).collect();
        let mut places = Vec::new();
        arrange(layout, &people, spoke, canvas, &mut places);
        places
    }

    fn shown(places: &[Place<u32>]) -> Vec<Option<u32>> {
        let of = |place: &Place<u32>| match place.shown {
            Shown::Person(person) => Some(person),
            Shown::Screen => None,
        };
        places.iter().map(of).collect()
    }

    fn rect(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn every_tile_is_even_within_the_canvas_and_on_no_other() {
        for layout in [Layout::Grid, Layout::Speaker, Layout::Screen] {
            for canvas in [(1280, 720), (640, 360), (320, 180), (64, 36), (1000, 562)] {
                for people in 0..20 {
                    let places = places(layout, people, &[3, 1], canvas);
                    for (index, place) in places.iter().enumerate() {
                        assert!(place.rect.fits(canvas), "{layout:?} {people} on {canvas:?}: {place:?}");
                        for other in &places[..index] {
                            let (a, b) = (place.rect, other.rect);
                            let apart = a.x + a.width <= b.x
                                || b.x + b.width <= a.x
                                || a.y + a.height <= b.y
                                || b.y + b.height <= a.y;
                            assert!(apart, "{layout:?} {people}: {a:?} and {b:?}");
                            assert_ne!(place.shown, other.shown);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn grids_are_one_two_and_squares() {
        let of = |people| {
            places(Layout::Grid, people, &[], CANVAS).iter().map(|place| place.rect).collect::<Vec<_>>()
        };
        assert_eq!(of(0), []);
        assert_eq!(of(1), [rect(0, 0, 1280, 720)]);
        assert_eq!(of(2), [rect(0, 180, 640, 360), rect(640, 180, 640, 360)]);
        assert_eq!(of(3)[2], rect(320, 360, 640, 360));
        assert_eq!(of(4)[3], rect(640, 360, 640, 360));
        assert_eq!(of(9)[8], rect(852, 480, 428, 240));
        assert_eq!(of(16)[15], rect(960, 540, 320, 180));
        assert_eq!(of(40).len(), 16);
    }

    #[test]
    fn whoever_speaks_is_large_and_the_others_stand_around() {
        let places = places(Layout::Speaker, 9, &[5, 2, 5], CANVAS);
        assert_eq!(shown(&places), [5, 2, 0, 1, 3, 4, 6, 7].map(Some));
        assert_eq!(places[0].rect, rect(0, 0, 960, 540));
        assert_eq!(places[1].rect, rect(960, 0, 320, 180));
        assert_eq!(places[7].rect, rect(0, 540, 320, 180));
    }

    #[test]
    fn a_screen_is_large_and_shares_with_people() {
        let alone = places(Layout::Screen, 0, &[], CANVAS);
        assert_eq!((shown(&alone), alone[0].rect), (vec![None], rect(0, 0, 1280, 720)));
        let places = places(Layout::Screen, 3, &[1], CANVAS);
        assert_eq!(shown(&places), [None, Some(1), Some(0), Some(2)]);
        assert_eq!(places[0].rect, rect(0, 90, 960, 540));
    }

    #[test]
    fn of_many_the_last_speakers_are_seen_and_stand_in_join_order() {
        let places = places(Layout::Grid, 20, &[19, 99, 17, 3], CANVAS);
        let wanted: Vec<_> = (0..14).chain([17, 19]).map(Some).collect();
        assert_eq!(shown(&places), wanted);
    }
}

//! Looking at what a few receivers kept, after the run: decodes it and compares it with what was sent, which is drawn anew.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use confocal_codecs::{PictureDecoder as _, Vp8Decoder};
use confocal_pictures::quality::{psnr, ssim};
use confocal_pictures::{I420, Layout, MAX_TILES, Rect, Scaler, TestPicture, arrange};
use serde::Serialize;

use super::clip::Clips;
use super::plan::{PicturesPlan, ViewedAs};
use super::scene::{Scene, draw, name, named};
use super::watch::Note;

/// Each so many pictures one is compared; all are decoded, and read.
const COMPARED: usize = 5;

/// What one receiver saw.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Looked {
    /// Pictures that were decoded.
    pub decoded: u64,
    /// Those that could not be.
    pub undecodable: u64,
    /// Those that say something else than was sent, or nothing that can be read.
    pub misread: u64,
    /// Width and height of the last one, in pixels.
    pub size: (u32, u32),
    /// How alike they are to what was sent, luma: the mean PSNR of those compared, in dB.
    pub psnr_db: Option<f64>,
    /// The least of them.
    pub psnr_least_db: Option<f64>,
    /// The mean SSIM; 1 is the same.
    pub ssim: Option<f64>,
    /// Of a composed picture: each sender that was read from it.
    pub tiles: Vec<Tile>,
}

/// What was seen of one sender in a composed picture.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tile {
    /// Its place in its conference.
    pub place: usize,
    /// The share of pictures in which it could be read.
    pub readable: f64,
    /// How often a second it moved.
    pub moves_a_second: f64,
    /// Which pictures it showed first when, in µs: for its delay.
    #[serde(skip)]
    pub moves: Vec<(i64, u32)>,
}

/// Decodes what a receiver kept, and looks at what came in `window` (µs).
///
/// # Errors
///
/// When libvpx makes no decoder.
pub fn look(
    plan: &PicturesPlan,
    clips: &Clips,
    notes: &[Note],
    window: &Range<i64>,
) -> anyhow::Result<Looked> {
    let mut decoder = Vp8Decoder::new()?;
    let mut picture = I420::new(2, 2)?;
    let mut eye = Eye::new(plan, clips, (window.end - window.start) as f64 / 1e6)?;
    for note in notes {
        let Some(data) = &note.data else { continue };
        let shown = decoder.decode(data, &mut picture);
        if !window.contains(&note.at) {
            continue;
        }
        match shown {
            Ok(true) => eye.see(note, &picture)?,
            Ok(false) => {}
            Err(_) => eye.looked.undecodable += 1,
        }
    }
    Ok(eye.result())
}

/// What is gathered while looking.
struct Eye<'a> {
    plan: &'a PicturesPlan,
    clips: &'a Clips,
    seconds: f64,
    looked: Looked,
    seen: usize,
    levels: Vec<f64>,
    likeness: Vec<f64>,
    drawn: I420,
    scaler: Scaler,
    /// How many tiles there are, as far as that is known.
    tiles: Option<usize>,
    read: BTreeMap<usize, Read>,
}

/// What was read of one sender.
#[derive(Default)]
struct Read {
    times: u64,
    last: Option<u32>,
    moves: Vec<(i64, u32)>,
}

impl<'a> Eye<'a> {
    fn new(plan: &'a PicturesPlan, clips: &'a Clips, seconds: f64) -> anyhow::Result<Self> {
        Ok(Self {
            plan,
            clips,
            seconds,
            looked: Looked::default(),
            seen: 0,
            levels: Vec::new(),
            likeness: Vec::new(),
            drawn: I420::new(2, 2)?,
            scaler: Scaler::default(),
            tiles: None,
            read: BTreeMap::new(),
        })
    }

    fn see(&mut self, note: &Note, picture: &I420) -> anyhow::Result<()> {
        self.looked.decoded += 1;
        self.looked.size = picture.size();
        self.seen += 1;
        match self.plan.view {
            ViewedAs::Speaker => self.see_one(note, picture),
            ViewedAs::Grid => self.see_all(note, picture),
        }
    }

    /// One sender's picture, forwarded as it was.
    fn see_one(&mut self, note: &Note, picture: &I420) -> anyhow::Result<()> {
        let Some(shot) = note.shot else {
            self.looked.misread += 1;
            return Ok(());
        };
        if self.clips.scene == Scene::Numbered
            && TestPicture::read(picture, picture.rect()) != Some(name(shot.place, shot.index))
        {
            self.looked.misread += 1;
        }
        if self.seen.is_multiple_of(COMPARED) {
            let (width, height) = picture.size();
            self.drawn.resize(width, height)?;
            draw(self.clips.scene, shot.place, shot.index, &mut self.drawn);
            self.compare(picture);
        }
        Ok(())
    }

    /// All senders' pictures in one: whose is where is read, not known.
    fn see_all(&mut self, note: &Note, picture: &I420) -> anyhow::Result<()> {
        let found = match self.tiles {
            Some(count) => tiles(picture, count),
            None => {
                let all = (1..=MAX_TILES).map(|count| (count, tiles(picture, count)));
                let Some((count, found)) = all.max_by_key(|(count, found)| (found.len(), MAX_TILES - count))
                else {
                    return Ok(());
                };
                // Until all are there the arrangement may still be another one.
                self.tiles = (found.len() >= self.plan.senders.min(MAX_TILES)).then_some(count);
                found
            }
        };
        self.looked.misread += u64::from(found.is_empty());
        let mut once = BTreeSet::new();
        for (rect, what) in found {
            let (place, index) = named(what);
            if place >= self.plan.senders || !once.insert(place) {
                self.looked.misread += 1;
                continue;
            }
            let read = self.read.entry(place).or_default();
            read.times += 1;
            if read.last.replace(index) != Some(index) {
                read.moves.push((note.at, index));
            }
            if self.seen.is_multiple_of(COMPARED) {
                self.compare_tile(picture, rect, place, index)?;
            }
        }
        Ok(())
    }

    /// Compares the upper three quarters of a tile, as there may be a name below, with what was sent, scaled to it.
    fn compare_tile(&mut self, picture: &I420, tile: Rect, place: usize, index: u32) -> anyhow::Result<()> {
        let (width, height) = self.plan.size;
        let mut whole = I420::new(width, height)?;
        draw(self.clips.scene, place, index, &mut whole);
        let mut scaled = I420::new(tile.width, tile.height)?;
        let rect = scaled.rect();
        self.scaler.scale(&whole, whole.rect(), &mut scaled, rect)?;
        let upper = Rect { height: (tile.height * 3 / 4) & !1, ..tile };
        self.drawn.resize(upper.width, upper.height)?;
        let mut cut = self.drawn.clone();
        let rect = cut.rect();
        self.scaler.scale(picture, upper, &mut cut, rect)?;
        self.scaler.scale(&scaled, Rect { x: 0, y: 0, ..upper }, &mut self.drawn, rect)?;
        self.compare(&cut);
        Ok(())
    }

    fn compare(&mut self, picture: &I420) {
        self.levels.extend(psnr(picture, &self.drawn));
        self.likeness.extend(ssim(picture, &self.drawn));
    }

    fn result(self) -> Looked {
        let (decoded, seconds) = (self.looked.decoded.max(1) as f64, self.seconds.max(0.001));
        let tile = |(place, read): (usize, Read)| Tile {
            place,
            readable: read.times as f64 / decoded,
            moves_a_second: read.moves.len() as f64 / seconds,
            moves: read.moves,
        };
        Looked {
            psnr_db: mean(&self.levels),
            psnr_least_db: self.levels.iter().copied().reduce(f64::min),
            ssim: mean(&self.likeness),
            tiles: self.read.into_iter().map(tile).collect(),
            ..self.looked
        }
    }
}

/// The tiles of a grid of so many that can be read, and what they say.
fn tiles(picture: &I420, count: usize) -> Vec<(Rect, TestPicture)> {
    let people: Vec<usize> = (0..count).collect();
    let mut places = Vec::new();
    arrange(Layout::Grid, &people, &[], picture.size(), &mut places);
    let rects = places.into_iter().map(|place| place.rect);
    rects.filter_map(|rect| Some((rect, TestPicture::read(picture, rect)?))).collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    // Of the very same pictures PSNR is infinite, which is no number in JSON.
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let count = finite().count();
    (count > 0).then(|| finite().sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use confocal_codecs::{EncoderConfig, PictureEncoder as _, Vp8Encoder};

    use super::*;
    use crate::pictures::clip::Shot;
    use crate::plan::Plan;

    const ALL: Range<i64> = 0..2_000_000;

    fn plan(arguments: &[&str]) -> PicturesPlan {
        let arguments = ["swarm", "--pictures", "3", "--pictures-loop", "2"].iter().chain(arguments);
        Plan::parse_from(arguments).pictures
    }

    /// What a receiver has that sees this sender all the time.
    fn forwarded(clips: &Clips, place: usize) -> Vec<Note> {
        let frames = &clips.clip(place, false).expect("it sends").frames;
        let note = |(index, frame): (u32, &Vec<u8>)| Note {
            at: i64::from(index) * 40_000,
            timestamp: index * 3_600,
            key_frame: index == 0,
            shot: Some(Shot { place, less: false, index }),
            data: Some(frame.clone().into()),
        };
        (0..).zip(frames).map(note).collect()
    }

    #[test]
    fn what_is_forwarded_is_what_was_sent_but_for_the_coding() {
        for (scene, least) in [("numbered", 25.0), ("moving", 35.0)] {
            let plan = plan(&["--pictures-scene", scene]);
            let clips = Clips::encode(&plan).expect("clips");
            let looked = look(&plan, &clips, &forwarded(&clips, 1), &ALL).expect("libvpx");
            assert_eq!((looked.decoded, looked.undecodable, looked.misread), (50, 0, 0), "{scene}");
            assert!(looked.psnr_least_db > Some(least) && looked.ssim > Some(0.8), "{scene}: {looked:?}");
        }
    }

    #[test]
    fn another_picture_than_was_sent_is_noticed() {
        let plan = plan(&[]);
        let clips = Clips::encode(&plan).expect("clips");
        let mut notes = forwarded(&clips, 1);
        for note in &mut notes[10..20] {
            note.shot = Some(Shot { place: 1, less: false, index: 3 });
        }
        notes[30].data = Some(vec![1, 2, 3].into());
        let looked = look(&plan, &clips, &notes, &ALL).expect("libvpx");
        assert_eq!((looked.misread, looked.undecodable), (10, 20), "{looked:?}");
        let mut foreign = forwarded(&clips, 1);
        foreign.iter_mut().for_each(|note| note.shot = None);
        assert_eq!(look(&plan, &clips, &foreign, &ALL).expect("libvpx").misread, 50);
    }

    #[test]
    fn each_sender_is_read_from_a_grid_whoever_else_is_in_it() {
        let plan = plan(&["--pictures-view", "grid"]);
        let clips = Clips::encode(&plan).expect("clips");
        let config = EncoderConfig { width: 640, height: 360, bitrate: 1_500_000, frame_rate: 25 };
        let mut encoder = Vp8Encoder::new(config).expect("an encoder");
        let (mut canvas, mut one) =
            (I420::new(640, 360).expect("a size"), I420::new(640, 360).expect("a size"));
        let mut scaler = Scaler::default();
        // Three who send, and two who don't; the last sender moves at half the rate.
        let mut places = Vec::new();
        arrange(Layout::Grid, &[0, 1, 2, 3, 4], &[], canvas.size(), &mut places);
        let mut notes = Vec::new();
        for number in 0..50_u32 {
            for (place, tile) in [(0, 4), (1, 0), (2, 2)] {
                let index = if place == 2 { number / 2 } else { number };
                draw(Scene::Numbered, place, index, &mut one);
                scaler.scale(&one, one.rect(), &mut canvas, places[tile].rect).expect("a tile");
            }
            let frame = encoder.encode(&canvas, number * 3_600, false).expect("a frame").expect("a frame");
            notes.push(Note {
                at: i64::from(number) * 40_000,
                timestamp: number * 3_600,
                key_frame: frame.key_frame,
                shot: None,
                data: Some(frame.data.into()),
            });
        }
        let looked = look(&plan, &clips, &notes, &ALL).expect("libvpx");
        assert_eq!((looked.decoded, looked.misread, looked.size), (50, 0, (640, 360)));
        let moves: Vec<(usize, u32)> =
            looked.tiles.iter().map(|tile| (tile.place, tile.moves_a_second.round() as u32)).collect();
        assert_eq!(moves, [(0, 25), (1, 25), (2, 13)]);
        assert!(looked.tiles.iter().all(|tile| tile.readable > 0.95), "{looked:?}");
        assert!(looked.psnr_db > Some(25.0), "{looked:?}");
    }
}

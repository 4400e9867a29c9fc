//! What senders send, encoded beforehand: a clip for each, in two sizes, and a list by which its pictures are known again.
//!
//! Encoding a sender's pictures while they are sent would take 4 to 5 ms of a core for each of 640x360, so nine senders would have as much
//! of the machine as what is measured. A clip has one key frame, its first: whoever is asked for one begins it anew. So no other versions
//! are needed, and what follows a key frame is what follows one in life; only what is seen leaps back. The second size, of a quarter of
//! the pixels and a fifth of the bits, is for those who are told to send less, as browsers do.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::num::NonZeroUsize;
use std::thread;

use anyhow::{Context as _, ensure};
use confocal_codecs::{EncoderConfig, PictureEncoder as _, Vp8Encoder};
use confocal_pictures::I420;
use confocal_video::{PayloadState, PictureCodec, packetise};

use super::descriptor::Descriptor;
use super::plan::PicturesPlan;
use super::scene::{Scene, draw};

/// The longest payload of a packet, as browsers have it.
pub(super) const MAX_PAYLOAD: usize = 1_150;
/// Of a sender who may not send all: so much of the sides, and of the bits.
const LESS_SIDE: u32 = 2;
const LESS_BITS: u32 = 5;
/// The least bitrate of an encoder, in bit/s.
const LEAST_BITS: u32 = 20_000;

/// One picture of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shot {
    /// Whose: the place of the sender in its conference.
    pub place: usize,
    /// Of the smaller size.
    pub less: bool,
    /// Which, from 0 on; that is the key frame.
    pub index: u32,
}

/// A clip, encoded.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Its frames as the encoder made them; the first one is the key frame.
    pub frames: Vec<Vec<u8>>,
    /// What it keeps to, in bit/s.
    pub bits: u32,
}

/// All that is sent in a run. Senders at the same place in different conferences send the same.
#[derive(Clone, Debug)]
pub struct Clips {
    /// By place: of full size, and of the smaller one.
    clips: Vec<[Clip; 2]>,
    marks: HashMap<u64, Shot>,
    /// Pictures a second.
    pub rate: u32,
    /// What is seen.
    pub scene: Scene,
}

impl Clips {
    /// Draws and encodes what all senders of a plan send, on as many threads as there are cores.
    ///
    /// # Errors
    ///
    /// When libvpx fails, or leaves pictures out because the bits don't suffice.
    pub fn encode(plan: &PicturesPlan) -> anyhow::Result<Self> {
        let work: Vec<(usize, bool)> =
            (0..plan.senders).flat_map(|place| [(place, false), (place, true)]).collect();
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let encoded: Vec<anyhow::Result<Vec<Clip>>> = thread::scope(|scope| {
            let of = |part: &[(usize, bool)]| {
                part.iter().map(|&(place, less)| Clip::encode(plan, place, less)).collect()
            };
            let parts = work.chunks(work.len().div_ceil(threads).max(1));
            let running: Vec<_> = parts.map(|part| scope.spawn(move || of(part))).collect();
            let ended = running.into_iter().map(|one| one.join());
            ended
                .map(|one| one.unwrap_or_else(|_| Err(anyhow::anyhow!("encoding pictures failed"))))
                .collect()
        });
        let mut all = Vec::new();
        for part in encoded {
            all.extend(part?);
        }
        let mut pairs = all.into_iter();
        let mut clips = Vec::with_capacity(plan.senders);
        while let (Some(full), Some(less)) = (pairs.next(), pairs.next()) {
            clips.push([full, less]);
        }
        Ok(Self::new(clips, plan.rate, plan.scene))
    }

    /// Of clips by place, each of full size and of the smaller one.
    #[must_use]
    pub fn new(clips: Vec<[Clip; 2]>, rate: u32, scene: Scene) -> Self {
        let mut marks = HashMap::new();
        for (place, both) in clips.iter().enumerate() {
            for (less, clip) in [false, true].into_iter().zip(both) {
                for (index, frame) in (0..).zip(&clip.frames) {
                    // The same bytes twice are the first one's.
                    marks.entry(mark_of(frame)).or_insert(Shot { place, less, index });
                }
            }
        }
        Self { clips, marks, rate, scene }
    }

    /// The clip at a place; `None` where nobody sends.
    #[must_use]
    pub fn clip(&self, place: usize, less: bool) -> Option<&Clip> {
        self.clips.get(place).map(|both| &both[usize::from(less)])
    }

    /// Which picture begins with the packet of that [`mark`].
    #[must_use]
    pub fn find(&self, mark: u64) -> Option<Shot> {
        self.marks.get(&mark).copied()
    }
}

impl Clip {
    fn encode(plan: &PicturesPlan, place: usize, less: bool) -> anyhow::Result<Self> {
        let (mut width, mut height) = plan.size;
        let mut bits = plan.kbits * 1_000;
        if less {
            (width, height) = (width / LESS_SIDE, height / LESS_SIDE);
            bits = (bits / LESS_BITS).max(LEAST_BITS);
        }
        let mut encoder =
            Vp8Encoder::new(EncoderConfig { width, height, bitrate: bits, frame_rate: plan.rate })
                .context("--pictures-size, --pictures-kbits")?;
        let mut picture = I420::new(width, height)?;
        let mut frames = Vec::new();
        for index in 0..plan.frames() {
            draw(plan.scene, place, index, &mut picture);
            let timestamp = timestamp(index.into(), plan.rate);
            let frame = encoder.encode(&picture, timestamp, false)?.with_context(|| {
                format!("{width}x{height} at {} kbit/s: the encoder leaves pictures out; --pictures-kbits must be more", bits / 1_000)
            })?;
            ensure!(frame.key_frame == (index == 0), "the encoder made a key frame that nobody asked for");
            frames.push(frame.data.to_vec());
        }
        Ok(Self { frames, bits })
    }
}

/// The time of a picture on the media clock, of 90 kHz.
pub(super) const fn timestamp(number: u64, rate: u32) -> u32 {
    (number * 90_000 / rate as u64) as u32
}

/// What a frame's first packet is known by; `data` is its payload behind the descriptor, which is not the same at the other end.
#[must_use]
pub fn mark(data: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(data)
}

fn mark_of(frame: &[u8]) -> u64 {
    let mut first = None;
    let mut state = PayloadState::default();
    packetise(PictureCodec::Vp8, frame, MAX_PAYLOAD, &mut state, |payload, _| {
        first = first.or_else(|| Descriptor::read(payload).ok().map(|(_, data)| mark(data)));
    });
    first.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use confocal_codecs::{PictureDecoder as _, Vp8Decoder};
    use confocal_pictures::TestPicture;

    use super::*;
    use crate::pictures::scene::name;
    use crate::plan::Plan;

    fn clips(arguments: &[&str]) -> Clips {
        let plan = Plan::parse_from(["swarm", "--pictures", "2"].iter().chain(arguments));
        plan.pictures.check().expect("a plan");
        Clips::encode(&plan.pictures).expect("clips")
    }

    #[test]
    fn a_clip_takes_the_bits_that_it_may_and_can_be_read_in_both_sizes() {
        let clips = clips(&["--pictures-loop", "4"]);
        for (less, size) in [(false, (640, 360)), (true, (320, 180))] {
            let clip = clips.clip(1, less).expect("two send");
            assert_eq!(clip.frames.len(), 100);
            let bytes: usize = clip.frames.iter().map(Vec::len).sum();
            let used = bytes as f64 * 8.0 / 4.0 / f64::from(clip.bits);
            assert!((0.8..1.2).contains(&used), "{used} of {} bit/s, smaller: {less}", clip.bits);
            let mut decoder = Vp8Decoder::new().expect("a decoder");
            let mut picture = I420::new(2, 2).expect("a size");
            for (index, frame) in (0..).zip(&clip.frames) {
                assert!(decoder.decode(frame, &mut picture).expect("a frame"));
                assert_eq!(picture.size(), size);
                let read = TestPicture::read(&picture, picture.rect());
                assert_eq!(read, Some(name(1, index)), "smaller: {less}");
            }
        }
    }

    #[test]
    fn every_picture_is_known_by_its_first_packet() {
        let clips = clips(&["--pictures-loop", "2"]);
        for place in 0..2 {
            for less in [false, true] {
                for (index, frame) in (0..).zip(&clips.clip(place, less).expect("two send").frames) {
                    assert_eq!(clips.find(mark_of(frame)), Some(Shot { place, less, index }));
                }
            }
        }
        assert_eq!(clips.find(7), None);
    }

    #[test]
    fn what_does_not_fit_says_so() {
        let plan = Plan::parse_from([
            "swarm",
            "--pictures",
            "1",
            "--pictures-size",
            "1280x720",
            "--pictures-kbits",
            "60",
        ]);
        let error = Clips::encode(&plan.pictures).expect_err("far too few bits");
        assert!(format!("{error:#}").contains("--pictures-kbits"), "{error:#}");
    }
}

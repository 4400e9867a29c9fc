//! Compositions of real codecs' pictures, made by hand, and once on the threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::Waker;
use std::time::{Duration, Instant};

use confocal_codecs::{EncoderConfig, PictureDecoder, PictureEncoder, Vp8Encoder};
use confocal_pictures::{Fit, I420, Rect, TestPicture};
use confocal_video::{Assembler, PayloadState, PictureCodec, PicturePacket, SourceKey, Tier, packetise};

use super::composition::Composition;
use super::output::decoder;
use super::stage::stage;
use super::{Composed, Make, News, Portrait, Scene, Stage, Studio};

const VP8_MEDIUM: Make = Make { codec: PictureCodec::Vp8, tier: Tier::Medium };
const VP8_LOW: Make = Make { codec: PictureCodec::Vp8, tier: Tier::Low };

/// A camera that shows numbered pictures of one colour.
struct Camera {
    source: SourceKey,
    codec: PictureCodec,
    colour: u8,
    number: u16,
    encoder: Box<dyn PictureEncoder>,
    payload: PayloadState,
    sequence: u16,
    picture: I420,
}

impl Camera {
    fn new(colour: u8, codec: PictureCodec) -> Self {
        let config = EncoderConfig { width: 640, height: 360, bitrate: 600_000, frame_rate: 25 };
        let encoder: Box<dyn PictureEncoder> = match codec {
            #[cfg(feature = "h264")]
            PictureCodec::H264 => Box::new(confocal_codecs::H264Encoder::new(config).unwrap()),
            _ => Box::new(Vp8Encoder::new(config).unwrap()),
        };
        Self {
            source: SourceKey(u64::from(colour)),
            codec,
            colour,
            number: 0,
            encoder,
            payload: PayloadState::new(0),
            sequence: 60_000,
            picture: I420::new(640, 360).unwrap(),
        }
    }

    /// Sends the next picture, but packets of which `lost` says so.
    fn show(&mut self, stage: &Stage, key_frame: bool, arrival: Duration, lost: impl Fn(u16) -> bool) {
        self.number += 1;
        TestPicture { colour: self.colour, number: self.number }.draw(&mut self.picture);
        let timestamp = u32::from(self.number) * 3_600;
        let Some(frame) = self.encoder.encode(&self.picture, timestamp, key_frame).unwrap() else { return };
        let (codec, source, sequence) = (self.codec, self.source, &mut self.sequence);
        packetise(codec, frame.data, 1_100, &mut self.payload, |payload, marker| {
            *sequence = sequence.wrapping_add(1);
            let packet = PicturePacket { codec, sequence: *sequence, timestamp, marker, payload, arrival };
            if !lost(*sequence) {
                stage.push(source, &packet, Vec::new());
            }
        });
    }

    fn portrait(&self, rect: Rect) -> Portrait {
        Portrait { source: Some((self.source, self.codec)), ..avatar(u64::from(self.colour), rect) }
    }
}

fn avatar(id: u64, rect: Rect) -> Portrait {
    let name = Arc::from("");
    Portrait { id, rect, fit: Fit::Crop, source: None, name, muted: false, speaking: false }
}

/// Someone who sees one of the pictures that are made.
struct Eyes {
    make: Make,
    assembler: Assembler,
    decoder: Box<dyn PictureDecoder>,
    picture: I420,
    frames: u32,
    key_frames: u32,
}

impl Eyes {
    fn new(make: Make) -> Self {
        let picture = I420::new(16, 16).unwrap();
        let (assembler, decoder) = (Assembler::new(make.codec), decoder(make.codec).unwrap());
        Self { make, assembler, decoder, picture, frames: 0, key_frames: 0 }
    }

    fn see(&mut self, packet: &Composed) {
        if packet.make != self.make {
            return;
        }
        let view = PicturePacket {
            codec: packet.make.codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: &packet.payload,
            arrival: Duration::ZERO,
        };
        assert!(packet.payload.len() <= 1_200);
        self.assembler.push(&view).unwrap();
        while let Some(frame) = self.assembler.poll(Duration::ZERO) {
            self.frames += 1;
            self.key_frames += u32::from(frame.key_frame);
            self.decoder.decode(frame.data, &mut self.picture).unwrap();
        }
    }

    /// What is seen in that part of a canvas of that size.
    fn read(&self, rect: Rect, canvas: Tier) -> Option<TestPicture> {
        let whole = u32::from(canvas.size().0);
        // Pixels of colour are half as many.
        let part = |number: u32| (number * self.picture.width() / whole) & !1;
        let Rect { x, y, width, height } = rect;
        let rect = Rect { x: part(x), y: part(y), width: part(width), height: part(height) };
        TestPicture::read(&self.picture, rect)
    }
}

/// A composition that is made by hand, and those who see it.
struct Bench {
    stage: Stage,
    composition: Composition,
    origin: Instant,
    eyes: Vec<Eyes>,
    wanted: BTreeMap<SourceKey, u32>,
    packets: u32,
    timed_by: Option<(SourceKey, u32)>,
}

impl Bench {
    fn new(scene: Scene) -> Self {
        let (stage, ends) = stage(0, channel().0, Waker::noop().clone());
        let now = Instant::now();
        let origin = now - Duration::from_secs(10);
        let mut composition = Composition::new(ends, origin, now);
        let eyes = scene.makes.iter().copied().map(Eyes::new).collect();
        composition.set(scene);
        Self { stage, composition, origin, eyes, wanted: BTreeMap::new(), packets: 0, timed_by: None }
    }

    /// Makes the next picture, and has it seen.
    fn make(&mut self) {
        self.composition.make();
        self.packets = 0;
        while let Some(news) = self.stage.news() {
            match news {
                News::Packet(packet) => {
                    self.packets += 1;
                    self.timed_by = packet.timed_by;
                    self.eyes.iter_mut().for_each(|eyes| eyes.see(&packet));
                }
                News::KeyFrameWanted(source) => *self.wanted.entry(source).or_default() += 1,
                News::Top(_) | News::TooMuch => {}
            }
        }
    }

    fn show(&mut self, camera: &mut Camera, key_frame: bool) {
        camera.show(&self.stage, key_frame, self.origin.elapsed(), |_| false);
    }
}

const LEFT: Rect = Rect { x: 0, y: 90, width: 320, height: 180 };
const RIGHT: Rect = Rect { x: 320, y: 90, width: 320, height: 180 };

fn scene(portraits: Vec<Portrait>, makes: &[Make]) -> Scene {
    Scene { portraits, makes: makes.to_vec(), timed_by: Some(SourceKey(3)) }
}

/// Everyone whose picture was sent is in their own tile, in each size that is made.
fn all_are_seen(codecs: [PictureCodec; 2], makes: &[Make]) {
    let mut cameras = [Camera::new(3, codecs[0]), Camera::new(8, codecs[1])];
    let portraits = vec![cameras[0].portrait(LEFT), cameras[1].portrait(RIGHT)];
    let mut bench = Bench::new(scene(portraits, makes));
    for _ in 0..10 {
        for camera in &mut cameras {
            bench.show(camera, false);
        }
        bench.make();
    }
    for eyes in &bench.eyes {
        for (camera, rect) in cameras.iter().zip([LEFT, RIGHT]) {
            let expected = TestPicture { colour: camera.colour, number: camera.number };
            assert_eq!(eyes.read(rect, Tier::Medium), Some(expected), "{:?}", eyes.make);
        }
        assert_eq!((eyes.frames, eyes.key_frames), (10, 1));
    }
    assert_eq!(bench.timed_by, Some((SourceKey(3), u32::from(cameras[0].number) * 3_600)));
}

#[test]
fn everyone_is_seen_in_their_tile_in_each_size() {
    all_are_seen([PictureCodec::Vp8; 2], &[VP8_MEDIUM, VP8_LOW]);
}

#[cfg(feature = "h264")]
#[test]
fn whatever_codec_somebody_has_they_see_those_who_have_another() {
    let h264 = Make { codec: PictureCodec::H264, tier: Tier::Medium };
    all_are_seen([PictureCodec::H264, PictureCodec::Vp8], &[VP8_MEDIUM, h264]);
}

#[test]
fn a_key_frame_is_made_when_it_is_asked_for_and_not_else() {
    let mut camera = Camera::new(3, PictureCodec::Vp8);
    let mut bench = Bench::new(scene(vec![camera.portrait(LEFT)], &[VP8_MEDIUM]));
    for turn in 0..20 {
        bench.show(&mut camera, false);
        if turn == 10 {
            bench.composition.key_frame(VP8_MEDIUM);
            bench.composition.key_frame(VP8_LOW);
        }
        bench.make();
        assert_eq!(bench.eyes[0].key_frames, if turn < 10 { 1 } else { 2 }, "{turn}");
    }
}

#[test]
fn after_a_loss_a_key_frame_is_wanted_until_it_comes() {
    let mut camera = Camera::new(3, PictureCodec::Vp8);
    let source = camera.source;
    let mut bench = Bench::new(scene(vec![camera.portrait(LEFT)], &[VP8_MEDIUM]));
    bench.show(&mut camera, true);
    bench.make();
    bench.wanted.clear();
    // One is lost, and what came after it came so long ago that it is waited for no more.
    camera.show(&bench.stage, false, Duration::ZERO, |_| true);
    camera.show(&bench.stage, false, Duration::ZERO, |_| false);
    bench.make();
    assert_eq!(bench.wanted.get(&source), Some(&1));
    bench.make();
    assert_eq!(bench.wanted.get(&source), Some(&2), "it is said again");
    bench.show(&mut camera, true);
    bench.make();
    assert_eq!(bench.wanted.get(&source), Some(&2));
}

#[test]
fn where_nothing_changes_little_is_sent() {
    let mut bench = Bench::new(scene(vec![avatar(1, LEFT), avatar(2, RIGHT)], &[VP8_MEDIUM]));
    let mut sent = 0;
    for _ in 0..26 {
        bench.make();
    }
    for _ in 0..250 {
        bench.make();
        sent += u32::from(bench.packets > 0);
    }
    assert_eq!(sent, 10, "once a second");
    // Whoever begins to look gets it at once.
    bench.composition.key_frame(VP8_MEDIUM);
    bench.make();
    assert!(bench.packets > 0);
}

#[test]
fn who_leaves_the_scene_is_not_seen_any_more_and_others_are() {
    let mut cameras = [Camera::new(3, PictureCodec::Vp8), Camera::new(8, PictureCodec::Vp8)];
    let both = vec![cameras[0].portrait(LEFT), cameras[1].portrait(RIGHT)];
    let mut bench = Bench::new(scene(both, &[VP8_MEDIUM]));
    for camera in &mut cameras {
        bench.show(camera, true);
    }
    bench.make();
    let whole = Rect { x: 0, y: 0, width: 640, height: 360 };
    bench.composition.set(scene(vec![cameras[1].portrait(whole)], &[VP8_MEDIUM]));
    for _ in 0..5 {
        for camera in &mut cameras {
            bench.show(camera, false);
        }
        bench.make();
    }
    let seen = bench.eyes[0].read(whole, Tier::Medium);
    assert_eq!(seen, Some(TestPicture { colour: 8, number: cameras[1].number }));
}

#[test]
fn bytes_that_are_no_pictures_break_nothing() {
    let mut camera = Camera::new(3, PictureCodec::Vp8);
    let mut bench = Bench::new(scene(vec![camera.portrait(LEFT)], &[VP8_MEDIUM]));
    for seed in 0..200_u32 {
        // A well-formed descriptor and head of a key frame of 640x360 (RFC 7741 section 4.2, RFC 6386 section 9.1), then anything.
        let mut payload = vec![0x10, 0x10, 2, 0, 0x9D, 1, 0x2A, 0x80, 2, 0x68, 1];
        payload.extend((0..100_u32).map(|at| (at.wrapping_mul(seed * 2 + 1) ^ seed) as u8));
        let packet = PicturePacket {
            codec: PictureCodec::Vp8,
            sequence: seed as u16,
            timestamp: seed * 3_600,
            marker: true,
            payload: &payload,
            arrival: bench.origin.elapsed(),
        };
        bench.stage.push(camera.source, &packet, Vec::new());
        bench.make();
    }
    camera.sequence = 200;
    bench.show(&mut camera, true);
    bench.make();
    let expected = TestPicture { colour: 3, number: 1 };
    assert_eq!(bench.eyes[0].read(LEFT, Tier::Medium), Some(expected));
}

#[test]
fn a_thread_makes_what_it_is_told_to_and_ends_with_its_last_owner() {
    let studio = Studio::new(2);
    assert_eq!(studio.compositions(), 0);
    let origin = Instant::now();
    let mut camera = Camera::new(3, PictureCodec::Vp8);
    let mut stages: Vec<Stage> =
        (0..3).map(|_| studio.stage(origin, Waker::noop().clone()).unwrap()).collect();
    assert_eq!(studio.compositions(), 3);
    let stage = stages.last_mut().unwrap();
    stage.set(scene(vec![camera.portrait(LEFT)], &[VP8_MEDIUM]));
    let mut eyes = Eyes::new(VP8_MEDIUM);
    let expected = Some(3);
    while eyes.read(LEFT, Tier::Medium).map(|seen| seen.colour) != expected {
        assert!(origin.elapsed() < Duration::from_secs(60), "nothing is seen");
        camera.show(stage, camera.number == 0, origin.elapsed(), |_| false);
        std::thread::sleep(Duration::from_millis(20));
        while let Some(news) = stage.news() {
            if let News::Packet(packet) = news {
                eyes.see(&packet);
            }
        }
    }
    stages.clear();
    while studio.compositions() > 0 {
        assert!(origin.elapsed() < Duration::from_secs(60), "they do not end");
        std::thread::yield_now();
    }
    drop(studio);
}

//! Conferences of pictures on a port that notes what is done: packets made by hand, time by hand.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Waker;
use std::time::{Duration, Instant};

use confocal::conference::{ConferenceId, Layout, LegId, ParticipantId, StreamPurpose, View};
use confocal_codecs::{EncoderConfig, PictureDecoder as _, PictureEncoder as _, Vp8Decoder, Vp8Encoder};
use confocal_pictures::{I420, Rect, TestPicture};
use confocal_testing::counting::{Counting, calls};
use confocal_transport::{
    Direction, Incoming, LinkId, LinkStats, OutgoingAudio, OutgoingPicture, PacketPort, PictureCodec,
    PictureLine, PicturePacket, PictureTerms, SendError,
};

use confocal_video::{Assembler, PayloadState, packetise};

use super::{Composing, KeptPacket, LineTerms, PictureDesk, PictureLines, PictureSeat};
use crate::studio::Studio;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CONFERENCE: ConferenceId = ConferenceId(1);
const TICK: Duration = Duration::from_millis(20);
const CAMERA: PictureLine = PictureLine::Camera;
const SCREEN: PictureLine = PictureLine::Screen;

/// What was done at the port.
#[derive(Debug, Default)]
struct Port {
    /// To whom, on which line, the last byte of the payload.
    sent: Vec<(u64, PictureLine, u8, u16)>,
    /// The same, whole.
    packets: Vec<(u64, KeptPacket)>,
    asked: Vec<(u64, PictureLine)>,
    limits: Vec<(u64, u64)>,
    /// Notes nothing but how many pictures were sent.
    counts_only: bool,
    count: u64,
}

impl PacketPort for Port {
    fn waker(&self) -> Waker {
        Waker::noop().clone()
    }

    fn wait(&mut self, _: Option<Instant>) {}

    fn receive(&mut self, _: impl FnMut(LinkId, Incoming<'_>)) {}

    fn send(&mut self, _: LinkId, _: OutgoingAudio<'_>) -> Result<(), SendError> {
        Ok(())
    }

    fn send_picture(&mut self, link: LinkId, packet: OutgoingPicture<'_>) -> Result<(), SendError> {
        self.count += 1;
        if self.counts_only {
            return Ok(());
        }
        self.sent.push((link.0, packet.line, *packet.payload.last().unwrap(), packet.sequence));
        let OutgoingPicture { sequence, timestamp, marker, head, payload, .. } = packet;
        let (payload, arrival) = ([head, payload].concat(), Duration::ZERO);
        let kept = KeptPacket { codec: PictureCodec::Vp8, sequence, timestamp, marker, arrival, payload };
        self.packets.push((link.0, kept));
        Ok(())
    }

    fn ask_key_frame(&mut self, link: LinkId, line: PictureLine) {
        if !self.counts_only {
            self.asked.push((link.0, line));
        }
    }

    fn limit_pictures(&mut self, link: LinkId, bits: u64) {
        if !self.counts_only {
            self.limits.push((link.0, bits));
        }
    }

    fn picture_origin(&self) -> Instant {
        Instant::now()
    }

    fn stats(&self, _: LinkId) -> Option<LinkStats> {
        None
    }
}

/// A desk, and the time that has gone by.
struct Scene {
    desk: PictureDesk,
    port: Port,
    tick: u64,
    origin: Instant,
    sequences: std::collections::HashMap<(u64, PictureLine), u16>,
    /// How often the desk has asked for memory or given some back.
    allocations: u64,
}

fn line(purpose: StreamPurpose, direction: Direction, codec: PictureCodec) -> Option<LineTerms> {
    let terms = PictureTerms { codec, direction, theirs: None, ours: "ours".to_owned() };
    Some(LineTerms { terms, purpose, muted: false })
}

fn lines(lines: [Option<LineTerms>; 2]) -> PictureLines {
    PictureLines { lines, silent: false }
}

/// A camera both ways.
fn camera() -> PictureLines {
    lines([line(StreamPurpose::UserMedia, Direction::SendRecv, PictureCodec::Vp8), None])
}

fn with_screen(direction: Direction) -> PictureLines {
    let [camera, _] = camera().lines;
    lines([camera, line(StreamPurpose::ScreenShare, direction, PictureCodec::Vp8)])
}

fn view(speaker: u64, before: &[u64]) -> View {
    let before = before.iter().copied().map(ParticipantId).collect();
    View { speaker: Some(ParticipantId(speaker)), before, ..View::default() }
}

impl Scene {
    fn new(view: &View, legs: &[(u64, PictureLines)]) -> Self {
        let origin = Instant::now();
        let studio = Arc::new(Studio::new(1));
        let composing = Composing { studio, waker: Waker::noop().clone(), origin };
        let mut scene = Self {
            desk: PictureDesk::new(composing),
            port: Port::default(),
            tick: 0,
            origin,
            sequences: std::collections::HashMap::new(),
            allocations: 0,
        };
        for (leg, lines) in legs {
            scene.seat(*leg, lines.clone(), view);
        }
        scene
    }

    fn seat(&mut self, leg: u64, lines: PictureLines, view: &View) {
        let (participant, link) = (ParticipantId(leg), LinkId(leg));
        let (name, heard) = (Arc::from(format!("person {leg}")), Arc::new(AtomicBool::new(true)));
        let seat = PictureSeat { leg: LegId(leg), participant, name, link, heard, lines };
        self.desk.seat(CONFERENCE, seat, view.clone());
    }

    /// A picture of one packet comes from a leg.
    fn picture(&mut self, leg: u64, line: PictureLine, key_frame: bool, mark: u8) {
        let sequence = self.sequences.entry((leg, line)).or_insert(leg as u16 * 1_000);
        *sequence = sequence.wrapping_add(1);
        // RFC 7741: the first packet of a frame, with a picture id of 15 bits; RFC 6386: a key frame of 640x360.
        let mut payload = vec![0x90, 0x80, 0x80 | (*sequence >> 8) as u8 & 0x7F, *sequence as u8];
        if key_frame {
            payload.extend([0x10, 2, 0, 0x9D, 1, 0x2A, 0x80, 2, 0x68, 1]);
        } else {
            payload.extend([0x11, 2, 0]);
        }
        payload.push(mark);
        let packet = PicturePacket {
            codec: PictureCodec::Vp8,
            sequence: *sequence,
            timestamp: u32::from(*sequence) * 3_600,
            marker: true,
            payload: &payload,
            arrival: self.now(),
        };
        let before = calls();
        self.desk.take(CONFERENCE, LegId(leg), &Incoming::Picture(line, packet));
        self.desk.forward(Instant::now() + Duration::from_secs(1), &mut self.port);
        self.allocations += calls() - before;
    }

    fn now(&self) -> Duration {
        TICK * u32::try_from(self.tick).unwrap()
    }

    fn ticks(&mut self, count: u64) {
        for _ in 0..count {
            self.tick += 1;
            let before = calls();
            self.desk.tick(self.tick, self.now(), &mut self.port);
            self.allocations += calls() - before;
        }
    }

    fn tell(&mut self, leg: u64, incoming: &Incoming<'_>) {
        self.desk.take_at(CONFERENCE, LegId(leg), incoming, self.now());
    }

    /// Who is sent the next picture of a leg, on which line.
    fn seen_by(&mut self, leg: u64, line: PictureLine) -> Vec<(u64, PictureLine)> {
        self.port.sent.clear();
        self.picture(leg, line, false, 7);
        self.port.sent.iter().map(|(to, line, ..)| (*to, *line)).collect()
    }
}

/// Three with cameras that come, each looked at by those who should.
fn three() -> Scene {
    let mut scene = Scene::new(&view(1, &[2, 3]), &[(1, camera()), (2, camera()), (3, camera())]);
    for leg in 1..=3 {
        scene.picture(leg, CAMERA, false, 0);
    }
    scene.ticks(1);
    for leg in 1..=3 {
        scene.picture(leg, CAMERA, true, 0);
    }
    scene
}

#[test]
fn all_are_shown_the_speaker_who_is_shown_the_one_before() {
    let mut scene = three();
    assert_eq!(scene.seen_by(1, CAMERA), [(2, CAMERA), (3, CAMERA)]);
    assert_eq!(scene.seen_by(2, CAMERA), [(1, CAMERA)]);
    assert_eq!(scene.seen_by(3, CAMERA), []);
    assert_eq!(scene.desk.seen(CONFERENCE, LegId(3)).lines, 1);
}

#[test]
fn another_speaker_is_shown_from_a_key_frame_on_that_is_asked_for_until_it_comes() {
    let mut scene = three();
    scene.port.asked.clear();
    scene.desk.show(CONFERENCE, view(3, &[1, 2]));
    scene.ticks(1);
    assert_eq!(scene.port.asked, [(3, CAMERA)], "1 looks at it now, and was looking at 2");
    assert_eq!(scene.seen_by(1, CAMERA), [(2, CAMERA), (3, CAMERA)], "who was shown is shown meanwhile");
    assert_eq!(scene.seen_by(3, CAMERA), [], "no picture without a key frame");
    scene.ticks(100);
    let asked = scene.port.asked.iter().filter(|(leg, _)| *leg == 3).count();
    assert!((2..=4).contains(&asked), "{:?}", scene.port.asked);
    scene.picture(3, CAMERA, true, 0);
    assert_eq!(scene.seen_by(3, CAMERA), [(1, CAMERA), (2, CAMERA)]);
    assert_eq!(scene.seen_by(1, CAMERA), [(3, CAMERA)], "the new speaker goes on seeing the old one");
}

#[test]
fn forwarding_does_not_allocate_also_where_another_speaks() {
    let mut scene = three();
    scene.port.counts_only = true;
    // Until then buffers grow to what is needed.
    for turn in 0..60_u64 {
        if turn == 30 {
            (scene.allocations, scene.port.count) = (0, 0);
        }
        let speaker = 1 + turn % 3;
        let before = [1 + (turn + 2) % 3, 1 + (turn + 1) % 3];
        scene.desk.show(CONFERENCE, view(speaker, &before));
        for picture in 0..50 {
            for leg in 1..=3 {
                scene.picture(leg, CAMERA, picture == 5, 0);
                scene.tell(leg, &Incoming::KeyFrameWanted(CAMERA));
                scene.tell(leg, &Incoming::Estimate { bits: 400_000 + 1_000 * turn });
            }
            scene.ticks(2);
        }
    }
    // Each sees one other; in the round in which that changes one may be sent the last picture of one and the first of the other.
    assert!((30 * 150..=30 * 151).contains(&scene.port.count), "{}", scene.port.count);
    assert_eq!(scene.allocations, 0);
}

#[test]
fn one_who_comes_late_has_a_key_frame_asked_for_at_once() {
    let mut scene = three();
    scene.ticks(50);
    scene.port.asked.clear();
    scene.seat(4, camera(), &view(1, &[2, 3]));
    scene.picture(1, CAMERA, false, 0);
    scene.ticks(1);
    assert_eq!(scene.port.asked, [(1, CAMERA)]);
    scene.picture(1, CAMERA, true, 0);
    assert_eq!(scene.seen_by(1, CAMERA), [(2, CAMERA), (3, CAMERA), (4, CAMERA)]);
}

#[test]
fn a_callers_wish_for_a_key_frame_is_passed_on_to_whom_it_sees() {
    let mut scene = three();
    scene.ticks(50);
    scene.port.asked.clear();
    for leg in [2, 3, 2, 3] {
        scene.tell(leg, &Incoming::KeyFrameWanted(CAMERA));
    }
    scene.ticks(10);
    assert_eq!(scene.port.asked, [(1, CAMERA)], "one for all of them");
}

#[test]
fn a_camera_that_goes_off_gives_place_to_the_next_one() {
    let mut scene = three();
    let mut muted = camera();
    muted.lines[0].as_mut().unwrap().muted = true;
    scene.desk.agree(CONFERENCE, LegId(1), muted);
    scene.ticks(1);
    scene.picture(2, CAMERA, true, 0);
    scene.picture(3, CAMERA, true, 0);
    assert_eq!(scene.seen_by(1, CAMERA), [], "said to be off");
    assert_eq!(scene.seen_by(2, CAMERA), [(1, CAMERA), (3, CAMERA)]);
    // Without a word: nothing comes for three seconds.
    for _ in 0..40 {
        scene.ticks(5);
        scene.picture(3, CAMERA, true, 0);
    }
    assert_eq!(scene.seen_by(3, CAMERA), [(1, CAMERA), (2, CAMERA)]);
}

#[test]
fn on_hold_and_after_the_end_nothing_is_sent_or_shown() {
    let mut scene = three();
    let held = lines([line(StreamPurpose::UserMedia, Direction::Inactive, PictureCodec::Vp8), None]);
    scene.desk.agree(CONFERENCE, LegId(2), held);
    assert_eq!(scene.seen_by(1, CAMERA), [(3, CAMERA)], "at once, before any tick");
    assert_eq!(scene.seen_by(2, CAMERA), [], "what it goes on sending is not taken");
    scene.desk.unseat(CONFERENCE, LegId(3));
    assert_eq!(scene.seen_by(1, CAMERA), []);
    scene.desk.agree(CONFERENCE, LegId(2), camera());
    scene.ticks(1);
    scene.picture(1, CAMERA, true, 0);
    assert_eq!(scene.seen_by(1, CAMERA), [(2, CAMERA)]);
    // Under numbers that were not used yet.
    let mut numbers: Vec<u16> =
        scene.port.sent.iter().filter(|sent| sent.0 == 2).map(|sent| sent.3).collect();
    let count = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), count);
}

#[test]
fn a_screen_is_shown_on_the_second_line_and_else_in_place_of_the_speaker() {
    let legs = [
        (1, with_screen(Direction::RecvOnly)),
        (2, with_screen(Direction::SendOnly)),
        (3, camera()),
        (4, camera()),
    ];
    let mut shown = view(3, &[4, 2]);
    let mut scene = Scene::new(&shown, &legs);
    shown.screen = Some(LegId(1));
    scene.desk.show(CONFERENCE, shown.clone());
    for round in [false, true] {
        for leg in 1..=4 {
            scene.picture(leg, CAMERA, round, 0);
        }
        scene.picture(1, SCREEN, round, 0);
        scene.ticks(1);
        for leg in 1..=4 {
            scene.picture(leg, CAMERA, round, 0);
        }
        scene.picture(1, SCREEN, round, 0);
    }
    assert_eq!(scene.seen_by(1, SCREEN), [(2, SCREEN), (3, CAMERA), (4, CAMERA)]);
    assert_eq!(scene.seen_by(3, CAMERA), [(1, CAMERA), (2, CAMERA)], "those who have a place for it");
    shown.screen = None;
    scene.desk.show(CONFERENCE, shown);
    scene.ticks(1);
    scene.picture(3, CAMERA, true, 0);
    scene.picture(4, CAMERA, true, 0);
    assert_eq!(scene.seen_by(1, SCREEN), []);
    assert_eq!(scene.seen_by(3, CAMERA), [(1, CAMERA), (2, CAMERA), (4, CAMERA)]);
}

#[test]
fn whoever_does_not_know_the_codec_is_shown_a_composed_picture() {
    let h264 = lines([line(StreamPurpose::UserMedia, Direction::SendRecv, PictureCodec::H264), None]);
    let mut scene = Scene::new(&view(1, &[]), &[(1, camera()), (2, h264), (3, camera())]);
    scene.picture(1, CAMERA, false, 0);
    scene.ticks(1);
    scene.picture(1, CAMERA, true, 0);
    assert_eq!(scene.seen_by(1, CAMERA), [(3, CAMERA)]);
    let seen = [1, 2, 3].map(|leg| scene.desk.seen(CONFERENCE, LegId(leg)));
    // Without a codec for it there is nothing to be shown, and that is told.
    let can = cfg!(feature = "h264");
    assert_eq!((seen[1].composed, seen[1].foreign), (can, !can));
    assert!(!seen[0].composed && !seen[2].composed && !seen[2].foreign);
}

fn grid(speaker: u64, before: &[u64]) -> View {
    View { layout: Layout::Grid, ..view(speaker, before) }
}

/// Four in a grid: two with cameras, one whose camera only is watched by others, one without pictures.
fn grid_of_four() -> Scene {
    let sends = lines([line(StreamPurpose::UserMedia, Direction::RecvOnly, PictureCodec::Vp8), None]);
    let legs = [(1, camera()), (2, camera()), (3, sends), (4, PictureLines::default())];
    let mut scene = Scene::new(&grid(1, &[2]), &legs);
    for leg in 1..=3 {
        scene.picture(leg, CAMERA, false, 0);
    }
    scene.ticks(1);
    scene
}

#[test]
fn in_a_grid_everyone_who_can_see_is_shown_the_same() {
    let mut scene = grid_of_four();
    let composed = [1, 2, 3, 4].map(|leg| scene.desk.seen(CONFERENCE, LegId(leg)).composed);
    assert_eq!(composed, [true, true, false, false]);
    assert_eq!(scene.seen_by(1, CAMERA), [], "nothing is forwarded");
    // Everyone's key frame is asked for, to begin decoding with.
    let asked: Vec<u64> = scene.port.asked.iter().map(|(leg, _)| *leg).collect();
    assert_eq!(asked, [1, 2, 3]);
    scene.desk.show(CONFERENCE, view(1, &[2]));
    scene.ticks(1);
    scene.picture(1, CAMERA, true, 0);
    assert_eq!(scene.seen_by(1, CAMERA), [(2, CAMERA)], "forwarded again");
    assert!(!scene.desk.seen(CONFERENCE, LegId(2)).composed);
}

#[test]
fn a_composed_picture_comes_to_all_who_are_shown_it() {
    let mut scene = grid_of_four();
    let origin = Instant::now();
    // Avatars are all that there is to see, and they are made by the studio's own thread.
    while ![1, 2].iter().all(|leg| scene.port.sent.iter().any(|sent| sent.0 == *leg)) {
        assert!(origin.elapsed() < Duration::from_secs(60), "{:?}", scene.port.sent);
        std::thread::sleep(Duration::from_millis(5));
        scene.desk.collect(|conference| panic!("{conference} is too much"));
        scene.desk.forward(Instant::now() + Duration::from_secs(1), &mut scene.port);
    }
    assert!(scene.port.sent.iter().all(|sent| sent.0 <= 2), "{:?}", scene.port.sent);
    let of = |leg: u64| scene.port.sent.iter().filter(|sent| sent.0 == leg).map(|sent| sent.2).collect();
    let (one, other): (Vec<u8>, Vec<u8>) = (of(1), of(2));
    assert_eq!(one, other, "each packet is for both");
}

#[test]
fn what_a_camera_sends_is_in_the_composed_picture_of_the_others() {
    let mut scene = Scene::new(&grid(1, &[2]), &[(1, camera()), (2, camera())]);
    let config = EncoderConfig { width: 320, height: 180, bitrate: 300_000, frame_rate: 25 };
    let (mut encoder, mut payload) = (Vp8Encoder::new(config).unwrap(), PayloadState::new(0));
    let mut picture = I420::new(320, 180).unwrap();
    let (mut assembler, mut decoder) = (Assembler::new(PictureCodec::Vp8), Vp8Decoder::new().unwrap());
    let mut seen = I420::new(16, 16).unwrap();
    // Two are side by side, in 640x360.
    let left = Rect { x: 0, y: 90, width: 320, height: 180 };
    let (origin, mut number, mut sequence) = (Instant::now(), 0_u16, 0_u16);
    while TestPicture::read(&seen, left).is_none_or(|seen| seen.colour != 5) {
        assert!(origin.elapsed() < Duration::from_secs(60), "{number} pictures were sent, and none is seen");
        number += 1;
        TestPicture { colour: 5, number }.draw(&mut picture);
        // Where it is begun to decode is not known here.
        let key_frame = number.is_multiple_of(5);
        let timestamp = u32::from(number) * 3_600;
        // One may be left out for the bitrate's sake.
        let frame = encoder.encode(&picture, timestamp, key_frame).unwrap();
        let data = frame.map_or(&[][..], |frame| frame.data);
        let (arrival, codec) = (scene.now(), PictureCodec::Vp8);
        packetise(codec, data, 1_000, &mut payload, |payload, marker| {
            sequence += 1;
            let packet = PicturePacket { codec, sequence, timestamp, marker, payload, arrival };
            scene.desk.take(CONFERENCE, LegId(1), &Incoming::Picture(CAMERA, packet));
        });
        scene.ticks(1);
        std::thread::sleep(Duration::from_millis(10));
        scene.desk.collect(|conference| panic!("{conference} is too much"));
        scene.desk.forward(Instant::now() + Duration::from_secs(1), &mut scene.port);
        for (to, packet) in scene.port.packets.drain(..) {
            if to == 2 {
                assembler.push(&packet.view()).unwrap();
            }
        }
        while let Some(frame) = assembler.poll(Duration::ZERO) {
            decoder.decode(frame.data, &mut seen).unwrap();
        }
    }
}

#[test]
fn senders_in_a_grid_are_asked_for_what_their_tiles_need() {
    let mut scene = grid_of_four();
    scene.tell(1, &Incoming::Estimate { bits: 2_000_000 });
    for _ in 0..10 {
        scene.ticks(25);
        for leg in 1..=3 {
            scene.picture(leg, CAMERA, true, 0);
        }
    }
    let told = |leg: u64| scene.port.limits.iter().rev().find(|limit| limit.0 == leg).map(|limit| limit.1);
    // A quarter of 640x360 each.
    let tile = confocal_video::bits_for(320, 180);
    assert_eq!((told(1), told(2), told(3), told(4)), (Some(tile), Some(tile), Some(tile), None));
}

#[test]
fn a_shared_screen_in_a_grid_has_a_line_of_its_own_where_there_is_one() {
    let legs = [(1, with_screen(Direction::RecvOnly)), (2, with_screen(Direction::SendOnly)), (3, camera())];
    let mut shown = grid(3, &[]);
    shown.screen = Some(LegId(1));
    let mut scene = Scene::new(&shown, &legs);
    scene.picture(1, SCREEN, false, 0);
    scene.ticks(1);
    scene.picture(1, SCREEN, true, 0);
    assert_eq!(scene.seen_by(1, SCREEN), [(2, SCREEN)]);
    assert!([1, 2, 3].iter().all(|leg| scene.desk.seen(CONFERENCE, LegId(*leg)).composed));
}

#[test]
fn senders_are_told_what_is_of_use() {
    let mut scene = three();
    scene.seat(4, camera(), &view(1, &[2]));
    scene.picture(4, CAMERA, false, 0);
    for leg in [2, 3, 4] {
        scene.tell(leg, &Incoming::Estimate { bits: 800_000 });
    }
    // A lower limit is told only when it has been right for a while.
    for _ in 0..10 {
        scene.ticks(25);
        for leg in 1..=4 {
            scene.picture(leg, CAMERA, true, 0);
        }
    }
    let told = |leg: u64| scene.port.limits.iter().rev().find(|limit| limit.0 == leg).map(|limit| limit.1);
    assert_eq!(told(1), Some(800_000), "what those can take who see it");
    assert!(told(2).unwrap() >= 1_000_000, "the speaker has not said what it can take: {:?}", told(2));
    assert_eq!((told(3), told(4)), (Some(super::sender::UNSEEN), Some(super::sender::UNSEEN)));
}

#[test]
fn a_packet_for_many_waits_when_the_time_is_over_and_goes_on_where_it_was() {
    let legs: Vec<(u64, PictureLines)> = (1..=100).map(|leg| (leg, camera())).collect();
    let mut scene = Scene::new(&view(1, &[]), &legs);
    scene.picture(1, CAMERA, false, 0);
    scene.ticks(1);
    scene.picture(1, CAMERA, true, 0);
    scene.port.sent.clear();
    let sequence = scene.sequences[&(1, CAMERA)] + 1;
    let payload = [0x90, 0x80, 0x80 | (sequence >> 8) as u8 & 0x7F, sequence as u8, 0x11, 2, 0, 7];
    let packet = PicturePacket {
        codec: PictureCodec::Vp8,
        sequence,
        timestamp: u32::from(sequence) * 3_600,
        marker: true,
        payload: &payload,
        arrival: scene.now(),
    };
    scene.desk.take(CONFERENCE, LegId(1), &Incoming::Picture(CAMERA, packet));
    let mut rounds = 0;
    while scene.desk.has_waiting() {
        rounds += 1;
        // The time is over before it begins: a few are sent all the same.
        scene.desk.forward(scene.origin, &mut scene.port);
    }
    assert!(rounds > 3, "{rounds}");
    let to: Vec<u64> = scene.port.sent.iter().map(|sent| sent.0).collect();
    assert_eq!(to, (2..=100).collect::<Vec<_>>(), "each once");
}

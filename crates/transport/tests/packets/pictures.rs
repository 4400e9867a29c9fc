//! Pictures between two ends: packets, those that are sent again, and what is told of them.

use std::time::{Duration, Instant};

use confocal_testing::counting;
use confocal_transport::{OutgoingPicture, PacketPort, PictureLine, SendError, StreamKind};

use crate::middle::{Fate, Middle};
use crate::pair::{self, End, Pair, Told, until};

/// One camera, as Chromium offers it, and the same with H.264 and without packets sent again under numbers of their own.
const VIDEO: &str = include_str!("../fixtures/js-sdk-chromium/video-0-invite-offer.sdp");

/// Packets of a test.
const PACKETS: u16 = 300;

fn payload(number: u16) -> Vec<u8> {
    let mut payload = vec![0x90; 100 + usize::from(number) % 1_000];
    payload[1..3].copy_from_slice(&number.to_be_bytes());
    payload
}

/// Sends the packet of that number; three make a picture.
fn show(end: &mut End, number: u16, plays_at: Option<Instant>) -> Result<(), SendError> {
    let payload = payload(number);
    let (head, payload) = payload.split_at(5);
    let (timestamp, marker) = (u32::from(number / 3) * 3_600, number % 3 == 2);
    let line = PictureLine::Camera;
    let packet = OutgoingPicture { line, head, payload, sequence: number, timestamp, marker, plays_at };
    end.port.send_picture(end.link, packet)
}

async fn connected(middle: Option<&Middle>) -> Pair {
    Pair::with_lines(VIDEO, |_| {}, middle.map(|middle| middle as &dyn pair::Between)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_pass_both_ways_beside_the_voice() {
    let Pair { mut one, mut other } = connected(None).await;
    for number in 0..PACKETS {
        show(&mut one, number, None).unwrap();
        show(&mut other, number, None).unwrap();
        pair::say(&mut one, u32::from(number));
        pair::look(&mut one, &mut other);
    }
    let all = usize::from(PACKETS);
    until("all has come", &mut one, &mut other, |one, other| {
        one.pictures.len() == all && other.pictures.len() == all && other.received.len() == all
    });
    for end in [&one, &other] {
        let first = &end.pictures[0];
        for (number, packet) in (0..).zip(&end.pictures) {
            assert_eq!((packet.line, &packet.payload), (PictureLine::Camera, &payload(number)));
            assert_eq!(packet.sequence, first.sequence.wrapping_add(number));
            assert_eq!(packet.timestamp, first.timestamp.wrapping_add(u32::from(number / 3) * 3_600));
            assert_eq!(packet.marker, number % 3 == 2);
        }
        let stats = end.port.stats(end.link).unwrap();
        assert_eq!((stats.foreign, stats.pictures.received), (0, u64::from(PACKETS)));
        assert_eq!((stats.pictures.asked, stats.pictures.repeated), (0, 0));
    }
    assert_eq!(show(&mut one, 5, None), Err(SendError::Unfit), "no number is used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_is_sent_again_and_comes() {
    pictures_come_whole_over_a_bad_line(VIDEO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_is_sent_again_as_it_was_to_one_without_rtx() {
    let without: String = VIDEO.replace("rtx/90000", "x/90000");
    pictures_come_whole_over_a_bad_line(&without).await;
}

async fn pictures_come_whole_over_a_bad_line(lines: &str) {
    // One in six is lost, those that are sent again among them.
    let middle = Middle::start(|number| if number % 6 == 5 { vec![Fate::Drop] } else { vec![Fate::Pass] });
    let Pair { mut one, mut other } = Pair::with_lines(lines, |_| {}, Some(&middle)).await;
    for number in 0..PACKETS {
        show(&mut one, number, None).unwrap();
        pair::look(&mut one, &mut other);
    }
    // What is lost at the very end nobody can know to be missing, so something follows.
    let mut follows = PACKETS;
    until("all has come", &mut one, &mut other, |one, other| {
        show(one, follows, None).unwrap();
        follows += 1;
        let has = |number| other.pictures.iter().any(|packet| packet.payload == payload(number));
        (0..PACKETS).all(has)
    });
    let first = other.pictures[0].sequence;
    for packet in &other.pictures {
        let number = packet.sequence.wrapping_sub(first);
        assert_eq!(packet.payload, payload(number), "what comes again is what it was");
        assert_eq!(packet.marker, number % 3 == 2);
    }
    let (sent, received) = (one.port.stats(one.link).unwrap(), other.port.stats(other.link).unwrap());
    assert!(sent.pictures.repeated >= u64::from(PACKETS / 6), "{sent:?}");
    assert!(received.pictures.asked >= u64::from(PACKETS / 6), "{received:?}");
    assert_eq!((received.unauthentic, received.foreign), (0, 0), "{received:?}");
    if lines == VIDEO {
        assert!(received.pictures.recovered > 0 && received.replayed == 0, "{received:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_frames_are_asked_for_and_how_much_is_taken_is_told() {
    let Pair { mut one, mut other } = connected(None).await;
    // Asked of nobody as long as nothing came but what a description said.
    for number in 0..10 {
        show(&mut one, number, None).unwrap();
        pair::look(&mut one, &mut other);
    }
    until("pictures come", &mut one, &mut other, |_, other| !other.pictures.is_empty());
    other.port.ask_key_frame(other.link, PictureLine::Camera);
    other.port.ask_key_frame(other.link, PictureLine::Screen);
    other.port.limit_pictures(other.link, 500_000);
    until("both are told", &mut one, &mut other, |one, _| {
        one.told.contains(&Told::KeyFrameWanted(PictureLine::Camera))
            && one.told.contains(&Told::Estimate(500_000))
    });
    assert!(!one.told.contains(&Told::KeyFrameWanted(PictureLine::Screen)), "there is no such line");
    let again = |told: &[Told]| told.iter().filter(|told| **told == Told::Estimate(500_000)).count();
    until("it is told again", &mut one, &mut other, |one, _| again(&one.told) > 2);
    let stats = one.port.stats(one.link).unwrap().pictures;
    assert_eq!((stats.key_frames_wanted, stats.estimate), (1, Some(500_000)));
    assert_eq!(other.port.stats(other.link).unwrap().pictures.key_frames_asked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leap_of_more_than_can_be_asked_for_again_asks_for_a_key_frame() {
    let Pair { mut one, mut other } = connected(None).await;
    show(&mut one, 0, None).unwrap();
    until("the first comes", &mut one, &mut other, |_, other| other.pictures.len() == 1);
    show(&mut one, 1_000, None).unwrap();
    until("it is asked for", &mut one, &mut other, |one, _| {
        one.told.contains(&Told::KeyFrameWanted(PictureLine::Camera))
    });
    assert_eq!(other.port.stats(other.link).unwrap().pictures.asked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_tell_the_moment_to_which_a_picture_belongs() {
    const AHEAD: Duration = Duration::from_millis(400);
    let Pair { mut one, mut other } = connected(None).await;
    let start = Instant::now();
    pair::say(&mut one, 0);
    show(&mut one, 0, Some(start + AHEAD)).unwrap();
    let clock = |end: &End, wanted: StreamKind| {
        end.told.iter().rev().find_map(|told| {
            let Told::Clock(of, timestamp, ntp) = told else { return None };
            (*of == wanted).then_some((*timestamp, ntp.0))
        })
    };
    let picture = StreamKind::Picture(PictureLine::Camera);
    until("both clocks are told", &mut one, &mut other, |_, other| {
        clock(other, StreamKind::Sound).is_some() && clock(other, picture).is_some()
    });
    // Both timestamps at one moment: the picture of `0` is of a moment that is so much later than the sound of `0`.
    let ((sound, sound_at), (shown, shown_at)) =
        (clock(&other, StreamKind::Sound).unwrap(), clock(&other, picture).unwrap());
    let seconds = |ticks: u32, rate: f64| f64::from(ticks as i32) / rate;
    let between = (shown_at as i64 - sound_at as i64) as f64 / f64::from(1_u32 << 31) / 2.0;
    let of_sound = seconds(sound.wrapping_sub(other.received[0].timestamp), 48_000.0);
    let of_picture = seconds(shown.wrapping_sub(other.pictures[0].timestamp), 90_000.0);
    let ahead = of_sound + between - of_picture;
    assert!((ahead - AHEAD.as_secs_f64()).abs() < 0.03, "{ahead} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_pass_without_an_allocation() {
    let Pair { mut one, mut other } = connected(None).await;
    let mut number = 0;
    // The cache of what may be asked for again is made with the first one.
    show(&mut one, number, None).unwrap();
    show(&mut other, number, None).unwrap();
    one.only_count();
    other.only_count();
    let bytes = [7; 1_100];
    until("a hundred packets without an allocation", &mut one, &mut other, |one, other| {
        let (before, heard) = (counting::calls(), one.counted + other.counted);
        for _ in 0..100 {
            number += 1;
            let (line, plays_at) = (PictureLine::Camera, Some(Instant::now()));
            let packet = OutgoingPicture {
                line,
                head: &bytes[..4],
                payload: &bytes,
                sequence: number,
                timestamp: u32::from(number) * 3_600,
                marker: true,
                plays_at,
            };
            one.port.send_picture(one.link, packet).unwrap();
            other.port.send_picture(other.link, packet).unwrap();
            one.take();
            other.take();
        }
        counting::calls() == before && one.counted + other.counted > heard + 100
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_sent_pictures_takes_less_than_half_a_mebibyte() {
    let Pair { mut one, mut other } = connected(None).await;
    let before = counting::bytes();
    show(&mut one, 0, None).unwrap();
    let taken = counting::bytes() - before;
    assert!((100_000..450_000).contains(&taken), "{taken} bytes");
    pair::look(&mut one, &mut other);
}

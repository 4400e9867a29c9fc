use proptest::prelude::*;

use super::*;
use crate::frame::TICK_MS;

/// An Opus TOC: CELT full band, 20 ms, mono, one frame (RFC 6716 table 2, configuration 31).
const TOC_20_MS: u8 = 31 << 3;
const TOC_10_MS: u8 = 30 << 3;
/// SILK wide band, 60 ms.
const TOC_60_MS: u8 = 11 << 3;

/// A sender's packet number `n` of a stream of 20 ms packets, as pushed `late_ms` after it was made.
fn push(buffer: &mut JitterBuffer, n: u64, late_ms: u64) -> Arrival {
    push_at(buffer, n as u16, (n * 960) as u32, n * 20 + late_ms, n as u8)
}

fn push_at(buffer: &mut JitterBuffer, sequence: u16, timestamp: u32, at_ms: u64, mark: u8) -> Arrival {
    let payload = [TOC_20_MS, mark, 0, 0];
    buffer.push(RtpAudio {
        sequence,
        timestamp,
        marker: false,
        level: None,
        payload: &payload,
        arrival: Micros::from_millis(at_ms),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Popped {
    Packet(u8),
    Lost(u32, Option<u8>),
    Dtx,
    Silence,
}

fn pop(buffer: &mut JitterBuffer, at_ms: u64) -> Popped {
    match buffer.pop(Micros::from_millis(at_ms)) {
        Playout::Packet { payload, .. } => Popped::Packet(payload[1]),
        Playout::Lost { samples, next } => Popped::Lost(samples, next.map(|next| next[1])),
        Playout::Dtx { .. } => Popped::Dtx,
        Playout::Silence => Popped::Silence,
    }
}

fn buffer() -> JitterBuffer {
    JitterBuffer::new(JitterConfig::default())
}

/// A buffer that has played packets 0 to 9, the last at 220 ms.
fn playing() -> JitterBuffer {
    let mut buffer = buffer();
    for n in 0..12 {
        assert_eq!(push(&mut buffer, n, 0), Arrival::Stored);
        if n >= 2 {
            assert_eq!(pop(&mut buffer, n * 20), Popped::Packet(n as u8 - 2));
        }
    }
    buffer
}

#[test]
fn the_first_packet_waits_for_the_depth() {
    let mut buffer = buffer();
    push(&mut buffer, 0, 0);
    assert_eq!(buffer.depth_ms(), 39, "the start, less a first sign of calm");
    assert_eq!(pop(&mut buffer, 20), Popped::Silence);
    push(&mut buffer, 1, 0);
    assert_eq!(pop(&mut buffer, 40), Popped::Packet(0));
    push(&mut buffer, 2, 0);
    assert_eq!(pop(&mut buffer, 60), Popped::Packet(1));
}

#[test]
fn where_packets_have_copies_the_next_one_is_waited_for_before_any_is_lost() {
    // RFC 6716 section 4.2.3: of a SILK frame the second bit tells of a copy.
    let depth = |copy: u8| {
        let mut buffer = buffer();
        for n in 0..1000_u32 {
            let payload = [9 << 3, copy << 6, 0, 0];
            let (sequence, timestamp) = (n as u16, n * 960);
            let arrival = Micros::from_millis(u64::from(n) * 20);
            let (marker, level) = (false, None);
            buffer.push(RtpAudio { sequence, timestamp, marker, level, payload: &payload, arrival });
            if n >= 5 {
                buffer.pop(arrival);
            }
        }
        buffer.depth_us(1000 * 20_000)
    };
    assert_eq!(depth(1) - depth(0), 20_000);
}

#[test]
fn packets_are_put_in_order_and_doubles_dropped() {
    let mut buffer = buffer();
    for n in [1, 0, 3, 2] {
        push(&mut buffer, n, 0);
    }
    assert_eq!(push(&mut buffer, 2, 5), Arrival::Duplicate);
    for n in 0..4 {
        assert_eq!(pop(&mut buffer, 60 + n * 20), Popped::Packet(n as u8));
    }
    assert_eq!(push(&mut buffer, 2, 200), Arrival::Late, "a double of what was played");
    assert_eq!(buffer.counts(), JitterCounts { received: 6, duplicate: 1, late: 1, ..Default::default() });
}

#[test]
fn a_hole_is_concealed_and_its_last_piece_is_offered_the_next_packet() {
    let mut buffer = playing();
    for n in [14, 15] {
        push(&mut buffer, n, 0);
    }
    assert_eq!(pop(&mut buffer, 300), Popped::Packet(10));
    assert_eq!(pop(&mut buffer, 300), Popped::Packet(11));
    assert_eq!(pop(&mut buffer, 300), Popped::Lost(960, None));
    assert_eq!(pop(&mut buffer, 300), Popped::Lost(960, Some(14)));
    assert_eq!(push(&mut buffer, 13, 45), Arrival::Late);
    assert_eq!(pop(&mut buffer, 300), Popped::Packet(14));
    let counts = buffer.counts();
    assert_eq!((counts.lost, counts.concealed, counts.late), (2, 2, 1));
}

#[test]
fn a_hole_in_timestamps_alone_is_silence() {
    let mut buffer = playing();
    assert_eq!(pop(&mut buffer, 240), Popped::Packet(10));
    assert_eq!(pop(&mut buffer, 260), Popped::Packet(11));
    // Packet 12 was made 500 ms after packet 11.
    push_at(&mut buffer, 12, 36 * 960, 720, 12);
    assert_eq!(pop(&mut buffer, 720), Popped::Silence, "it waits for its depth");
    assert_eq!(pop(&mut buffer, 740), Popped::Silence);
    assert_eq!(pop(&mut buffer, 760), Popped::Packet(12));
    let counts = buffer.counts();
    assert_eq!((counts.lost, counts.concealed), (0, 0));
}

#[test]
fn nothing_after_an_announcement_of_silence_is_loss() {
    let mut buffer = playing();
    let dtx = |sequence: u16, timestamp, at| RtpAudio {
        sequence,
        timestamp,
        marker: false,
        level: None,
        payload: &[TOC_20_MS],
        arrival: Micros::from_millis(at),
    };
    buffer.push(dtx(12, 12 * 960, 240));
    for expected in [Popped::Packet(10), Popped::Packet(11), Popped::Dtx, Popped::Silence] {
        assert_eq!(pop(&mut buffer, 300), expected);
    }
    // The next announcement, 400 ms later, is lost, and the one after it comes.
    buffer.push(dtx(14, 52 * 960, 1040));
    assert_eq!(pop(&mut buffer, 1100), Popped::Dtx);
    let counts = buffer.counts();
    assert_eq!((counts.dtx, counts.lost, counts.concealed), (2, 1, 0));
}

#[test]
fn an_unannounced_end_is_concealed_for_100_ms() {
    let mut buffer = playing();
    let popped: Vec<_> = (0..10).map(|_| pop(&mut buffer, 300)).collect();
    assert_eq!(popped[..2], [Popped::Packet(10), Popped::Packet(11)]);
    assert!(popped[2..7].iter().all(|popped| *popped == Popped::Lost(960, None)), "{popped:?}");
    assert!(popped[7..].iter().all(|popped| *popped == Popped::Silence), "{popped:?}");
}

#[test]
fn sound_that_comes_late_is_waited_for() {
    let mut buffer = playing();
    assert_eq!(pop(&mut buffer, 240), Popped::Packet(10));
    assert_eq!(pop(&mut buffer, 260), Popped::Packet(11));
    assert_eq!(pop(&mut buffer, 280), Popped::Lost(960, None));
    assert_eq!(pop(&mut buffer, 300), Popped::Lost(960, None));
    for n in 12..16 {
        assert_eq!(push(&mut buffer, n, 75 - (n - 12) * 20), Arrival::Stored);
    }
    assert_eq!(pop(&mut buffer, 320), Popped::Packet(12));
    assert!(buffer.depth_ms() > 45, "and the depth grows: {}", buffer.depth_ms());
    assert_eq!(buffer.counts().lost, 0);
}

#[test]
fn what_was_waited_for_in_vain_is_not_concealed_twice() {
    let mut buffer = playing();
    for at in [240, 260] {
        pop(&mut buffer, at);
    }
    assert_eq!(pop(&mut buffer, 280), Popped::Lost(960, None));
    push(&mut buffer, 13, 30);
    assert_eq!(pop(&mut buffer, 300), Popped::Packet(13), "packet 12 was made up already");
    assert_eq!(buffer.counts().lost, 1);
}

#[test]
fn after_a_loss_the_next_packet_is_waited_for() {
    let mut buffer = JitterBuffer::new(JitterConfig { start_depth_ms: 20, ..JitterConfig::default() });
    let mut offered = Vec::new();
    // The packet after a lost one is always among the late, and so not there yet when the lost one is due.
    let late_ms = |n| if n % 97 == 51 { 17 } else { n * 7 % 19 };
    for n in 0..3000 {
        let lost = n > 1500 && n % 97 == 50;
        if !lost && late_ms(n) <= 10 {
            push(&mut buffer, n, late_ms(n));
        }
        if let Popped::Lost(_, next) = pop(&mut buffer, n * 20 + 10) {
            offered.push(next.is_some());
        }
        if !lost && late_ms(n) > 10 {
            push(&mut buffer, n, late_ms(n));
        }
    }
    assert!(offered.len() > 12 && !offered[0], "the line is such that it matters: {offered:?}");
    assert!(offered[3..].iter().all(|&offered| offered), "{offered:?}");
}

fn push_dtx(buffer: &mut JitterBuffer, n: u64) {
    buffer.push(RtpAudio {
        sequence: n as u16,
        timestamp: (n * 960) as u32,
        marker: false,
        level: None,
        payload: &[TOC_20_MS],
        arrival: Micros::from_millis(n * 20 + 1),
    });
}

#[test]
fn a_renewal_of_noise_in_silence_is_silence() {
    let mut buffer = playing();
    push_dtx(&mut buffer, 12);
    for expected in [Popped::Packet(10), Popped::Packet(11), Popped::Dtx, Popped::Silence] {
        assert_eq!(pop(&mut buffer, 300), expected);
    }
    // 400 ms later, one packet with sound and another announcement; the sequence goes on.
    push_at(&mut buffer, 13, 32 * 960, 640, 13);
    buffer.push(RtpAudio {
        sequence: 14,
        timestamp: 33 * 960,
        marker: false,
        level: None,
        payload: &[TOC_20_MS],
        arrival: Micros::from_millis(660),
    });
    for expected in [Popped::Dtx, Popped::Dtx, Popped::Silence] {
        assert_eq!(pop(&mut buffer, 700), expected);
    }
}

#[test]
fn what_waited_too_long_is_dropped_down_to_the_depth() {
    let mut buffer = buffer();
    for n in 0..20 {
        push(&mut buffer, n, 0);
    }
    // The first is 400 ms old. What came within the depth (some 40 ms) is left.
    assert_eq!(pop(&mut buffer, 400), Popped::Silence);
    assert_eq!(buffer.counts().discarded, 19);
    assert_eq!(pop(&mut buffer, 420), Popped::Packet(19));
    assert_eq!(buffer.counts().lost, 0);
}

#[test]
fn numbers_and_timestamps_wrap() {
    let mut buffer = buffer();
    for n in 0..50_u64 {
        let sequence = 65_520_u16.wrapping_add(n as u16);
        let timestamp = (u32::MAX - 9_000).wrapping_add(n as u32 * 960);
        assert_eq!(push_at(&mut buffer, sequence, timestamp, n * 20, n as u8), Arrival::Stored);
        if n >= 2 {
            assert_eq!(pop(&mut buffer, n * 20), Popped::Packet(n as u8 - 2));
        }
    }
    assert_eq!(buffer.counts(), JitterCounts { received: 50, ..Default::default() });
}

#[test]
fn a_restarted_sender_is_heard_again() {
    let mut buffer = playing();
    let mut heard = None;
    for n in 0..10_u64 {
        push_at(&mut buffer, 40_000 + n as u16, 7_000_000 + n as u32 * 960, 240 + n * 20, 100 + n as u8);
        if let Popped::Packet(mark @ 100..) = pop(&mut buffer, 250 + n * 20) {
            heard = heard.or(Some((n, mark)));
        }
    }
    assert_eq!(heard, Some((3, 101)), "the first packet only asks the question");
}

#[test]
fn a_clock_that_stood_still_in_silence_does_not_delay() {
    let mut buffer = playing();
    for at in [240, 260, 280, 300, 320, 340, 360, 380] {
        pop(&mut buffer, at);
    }
    // 10 s later the sender goes on where its timestamps were.
    for n in 12..20_u64 {
        push_at(&mut buffer, n as u16, n as u32 * 960, 10_000 + n * 20, n as u8);
        if n >= 14 {
            assert_eq!(pop(&mut buffer, 10_000 + n * 20), Popped::Packet(n as u8 - 2));
        }
    }
    assert!(buffer.depth_ms() <= 40);
}

#[test]
fn packets_of_other_lengths_join_up() {
    for (toc, samples) in [(TOC_10_MS, 480_u64), (TOC_60_MS, 2880)] {
        let mut buffer = buffer();
        let mut played = 0;
        for tick in 0..100_u64 {
            let packets = tick * 960 / samples;
            for n in (tick.saturating_sub(1) * 960 / samples)..packets {
                buffer.push(RtpAudio {
                    sequence: n as u16,
                    timestamp: (n * samples) as u32,
                    marker: n == 0,
                    level: None,
                    payload: &[toc, 1, 2, 3],
                    arrival: Micros::from_millis((n + 1) * samples / 48),
                });
            }
            // As a leg does: pop while less than a tick is there.
            while played < tick * 960 {
                let starting = buffer.counts().received * samples < 4800;
                match buffer.pop(Micros::from_millis(tick * 20)) {
                    Playout::Packet { samples: n, .. } => {
                        assert_eq!(u64::from(n), samples);
                        played += samples;
                    }
                    Playout::Silence if starting => played += 960,
                    other @ (Playout::Silence | Playout::Lost { .. } | Playout::Dtx { .. }) => {
                        panic!("tick {tick}: {other:?}")
                    }
                }
            }
        }
        assert_eq!(buffer.counts().lost + buffer.counts().late + buffer.counts().discarded, 0);
    }
}

#[test]
fn what_is_no_opus_is_dropped() {
    let mut buffer = buffer();
    let large = [TOC_20_MS; PAYLOAD_MAX + 1];
    // nothing; code 3 without its count of frames; 48 frames of 20 ms; too large
    for payload in [&[][..], &[TOC_20_MS | 3], &[TOC_20_MS | 3, 48, 0, 0], &large] {
        let packet =
            RtpAudio { sequence: 0, timestamp: 0, marker: true, level: None, payload, arrival: Micros(0) };
        assert_eq!(buffer.push(packet), Arrival::Malformed);
    }
    assert_eq!(buffer.counts().malformed, 4);
    assert!(!buffer.has_packets());
}

#[test]
fn a_reset_forgets_the_sender() {
    let mut buffer = playing();
    buffer.reset();
    assert!(!buffer.has_packets());
    assert_eq!(push_at(&mut buffer, 3, 17, 300, 3), Arrival::Stored, "an old number is welcome");
}

/// One packet as the network delivers it.
#[derive(Clone, Debug)]
struct Delivered {
    at_ms: u64,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

/// A stream of packets of one length that suffers loss, doubling, delay (and so reordering), and DTX.
fn network() -> impl Strategy<Value = Vec<Delivered>> {
    let fate = (0..100_u8, 0..250_u64, 0..20_u8);
    let stream = (any::<u16>(), any::<u32>(), prop::sample::select(vec![10_u64, 20, 40, 60]));
    (stream, 0..60_u64, prop::collection::vec(fate, 50..250)).prop_map(
        |((sequence, timestamp, length), jitter, fates)| {
            let toc = match length {
                10 => TOC_10_MS,
                20 => TOC_20_MS,
                40 => 10 << 3,
                _ => TOC_60_MS,
            };
            let mut delivered = Vec::new();
            let mut made_ms = 1000;
            for (n, (fate, delay, silence)) in fates.into_iter().enumerate() {
                let packet = |late| Delivered {
                    at_ms: made_ms + late,
                    sequence: sequence.wrapping_add(n as u16),
                    timestamp: timestamp.wrapping_add((made_ms * 48) as u32),
                    payload: if silence == 0 { vec![toc] } else { vec![toc, n as u8, 0, 0] },
                };
                match fate {
                    0..10 => {}
                    10..15 => delivered.extend([packet(delay), packet(delay / 2)]),
                    15..20 => delivered.push(packet(delay)),
                    _ => delivered.push(packet(delay % (jitter + 1))),
                }
                made_ms += if silence == 0 { 400 } else { length };
            }
            delivered.sort_by_key(|packet| packet.at_ms);
            delivered
        },
    )
}

/// Plays `delivered` in ticks as a leg does and checks what must hold of any stream.
fn play(delivered: &[Delivered], depth_bound_ms: u64) -> Result<(), TestCaseError> {
    let mut buffer = buffer();
    let mut arrivals = std::collections::HashMap::new();
    let mut waiting = delivered.iter().peekable();
    let end = delivered.iter().map(|packet| packet.at_ms).max().unwrap_or(0) + 1000;
    let (mut queued, mut concealed, mut played, mut last) = (0, 0, 0, None);
    for now in (0..end).step_by(TICK_MS as usize) {
        while let Some(packet) = waiting.next_if(|packet| packet.at_ms <= now) {
            let stored = buffer.push(RtpAudio {
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: false,
                level: None,
                payload: &packet.payload,
                arrival: Micros::from_millis(packet.at_ms),
            });
            if stored == Arrival::Stored {
                arrivals.insert(packet.payload.clone(), packet.at_ms);
            }
        }
        while queued < 960 {
            match buffer.pop(Micros::from_millis(now)) {
                Playout::Silence => break,
                Playout::Packet { payload, samples, .. } => {
                    let arrival = arrivals[payload];
                    prop_assert!(now - arrival <= depth_bound_ms, "waited {} ms", now - arrival);
                    let step = last.map_or(1, |last: u8| payload[1].wrapping_sub(last));
                    prop_assert!((1..128).contains(&step), "out of order: {last:?}, {}", payload[1]);
                    last = Some(payload[1]);
                    (queued, concealed, played) = (queued + samples, 0, played + 1);
                }
                Playout::Dtx { samples } => (queued, concealed, played) = (queued + samples, 0, played + 1),
                Playout::Lost { samples, .. } => {
                    (queued, concealed) = (queued + samples, concealed + samples);
                    prop_assert!(samples % 120 == 0 && samples > 0);
                    prop_assert!(concealed <= 4800, "{concealed} samples concealed in a row");
                }
            }
        }
        queued = queued.saturating_sub(960);
    }
    let counts = buffer.counts();
    let dropped = counts.late + counts.duplicate + counts.malformed + counts.discarded;
    prop_assert_eq!(counts.received, delivered.len() as u64);
    prop_assert_eq!(counts.received, played + dropped, "each packet is played or counted: {:?}", counts);
    Ok(())
}

proptest! {
    #[test]
    fn any_network_keeps_order_delay_and_concealment_within_bounds(delivered in network()) {
        play(&delivered, 200)?;
    }

    /// Numbers, timestamps, payloads and times without any sense: nothing panics, nothing grows.
    #[test]
    fn nonsense_does_no_harm(
        packets in prop::collection::vec(
            (any::<u16>(), any::<u32>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..8), any::<u64>()),
            0..200,
        ),
    ) {
        let mut buffer = buffer();
        for (sequence, timestamp, arrival, payload, now) in packets {
            buffer.push(RtpAudio {
                sequence,
                timestamp,
                marker: false, level: None,
                payload: &payload,
                arrival: Micros(arrival),
            });
            prop_assert!(u64::from(buffer.surplus_us(Micros(now))) <= CAPACITY as u64 * 120_000);
            for _ in 0..10 {
                buffer.pop(Micros(now));
            }
            prop_assert!(buffer.buffered_ms() <= CAPACITY as u32 * 120);
        }
    }
}

#[test]
fn one_that_is_much_older_does_not_take_the_place_of_a_newer() {
    let mut buffer = buffer();
    for n in 16..48 {
        assert_eq!(push_at(&mut buffer, n, u32::from(n) * 960, 1000, n as u8), Arrival::Stored);
    }
    assert_eq!(push_at(&mut buffer, 15, 15 * 960, 1000, 15), Arrival::Late);
    for n in 16..48 {
        assert_eq!(pop(&mut buffer, 1000), Popped::Packet(n));
    }
    assert!(!buffer.has_packets());
}

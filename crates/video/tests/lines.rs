//! Whole ways of pictures: senders, lines that lose, double and reorder, a receiver who is shown one after the other, and what a decoder
//! gets there.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use confocal_video::{Assembler, Forwarder, PictureCodec, SourceKey};
use proptest::prelude::*;
use support::{Out, Sent, Source, ms};

const SOURCES: u64 = 3;
/// More than any packet is late here.
const WAIT: u64 = 500;

/// What happens in a thirtieth of a second: frames of all, and whatever else.
#[derive(Clone, Debug)]
struct Step {
    /// Of each source: whether its frame is a key frame, and how long it is.
    frames: Vec<(bool, usize)>,
    wants: Option<Option<u64>>,
    /// One that begins anew, or whose timestamps leap.
    restarts: Option<u64>,
    leaps: Option<u64>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Comes,
    Lost,
    /// So many packets later.
    Late(usize),
    Twice(usize),
}

#[derive(Clone, Debug)]
enum Event {
    Wants(Option<u64>),
    Comes(Sent),
}

fn step(hard: bool) -> impl Strategy<Value = Step> {
    let frame = (prop::bool::weighted(0.2), 1_usize..1500);
    let rarely = move |weight: f64| prop::option::weighted(if hard { weight } else { 1e-9 }, 1..=SOURCES);
    let whom = prop::option::weighted(0.9, 1..=SOURCES);
    (
        prop::collection::vec(frame, SOURCES as usize),
        prop::option::weighted(0.1, whom),
        rarely(0.02),
        rarely(0.02),
    )
        .prop_map(|(frames, wants, restarts, leaps)| Step { frames, wants, restarts, leaps })
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        16 => Just(Fate::Comes),
        1 => Just(Fate::Lost),
        2 => (1_usize..40).prop_map(Fate::Late),
        1 => (0_usize..40).prop_map(Fate::Twice),
    ]
}

/// What comes at the focus, in its order, and when.
fn arrivals(codec: PictureCodec, steps: &[Step], fates: &[Fate]) -> Vec<(u64, Event)> {
    let mut sources: Vec<Source> = (1..=SOURCES).map(|key| Source::new(codec, key)).collect();
    let mut fates = fates.iter().cycle();
    let mut events: Vec<(usize, u64, Event)> = vec![(0, 0, Event::Wants(Some(1)))];
    let mut at = 1;
    for (number, step) in steps.iter().enumerate() {
        let now = number as u64 * 33;
        if let Some(wants) = step.wants {
            events.push((at, now, Event::Wants(wants)));
        }
        for (source, (key_frame, len)) in sources.iter_mut().zip(&step.frames) {
            if step.restarts == Some(source.key.0) {
                source.restart();
            }
            if step.leaps == Some(source.key.0) {
                source.timestamp = source.timestamp.wrapping_add(1 << 29);
            }
            for packet in source.frame(*key_frame, *len, ms(now)) {
                at += 1;
                match *fates.next().unwrap() {
                    Fate::Comes => events.push((at, now, Event::Comes(packet))),
                    Fate::Lost => {}
                    Fate::Late(by) => events.push((at + by, now, Event::Comes(packet))),
                    Fate::Twice(by) => {
                        events.push((at, now, Event::Comes(packet.clone())));
                        events.push((at + by, now, Event::Comes(packet)));
                    }
                }
            }
        }
    }
    events.sort_by_key(|(at, ..)| *at);
    let mut clock = 0;
    events
        .into_iter()
        .map(|(_, now, event)| {
            clock = now.max(clock);
            (clock, event)
        })
        .collect()
}

/// A packet that was sent, with what it was made of.
struct Forwarded {
    from: Sent,
    out: Out,
    at: u64,
    /// The sequence number without its wraps.
    sequence: i64,
}

/// Sends all that comes through a forwarder, and looks at each packet of it.
fn forward(codec: PictureCodec, events: &[(u64, Event)]) -> Vec<Forwarded> {
    let mut forwarder = Forwarder::new(codec);
    let mut all: Vec<Forwarded> = Vec::new();
    let mut wanted = None;
    let mut shown = None;
    // Whose packets go on, and by which offset.
    let mut stream: Option<(SourceKey, u32, u16)> = None;
    let mut sent = BTreeSet::new();
    for (now, event) in events {
        let packet = match event {
            Event::Wants(whom) => {
                wanted = whom.map(SourceKey);
                forwarder.wants(wanted, ms(*now));
                if wanted.is_none() {
                    (shown, stream) = (None, None);
                }
                assert_eq!(forwarder.shown(), shown);
                continue;
            }
            Event::Comes(packet) => packet,
        };
        let Some(out) = forwarder.push(packet.source, &packet.at(ms(*now))) else {
            assert_eq!(forwarder.shown(), shown);
            continue;
        };
        let out = Out::of(&out);
        assert!(Some(packet.source) == wanted || Some(packet.source) == shown, "nobody wants {packet:?}");
        let newest = all.iter().max_by_key(|forwarded| forwarded.sequence);
        let sequence = newest.map_or(0, |newest| {
            newest.sequence + i64::from(out.sequence.wrapping_sub(newest.sequence as u16) as i16)
        });
        assert!(sent.insert(sequence), "{sequence} is sent twice");
        let this = (packet.source, packet.generation, out.sequence.wrapping_sub(packet.sequence));
        if stream != Some(this) {
            // Somebody's pictures begin.
            assert_eq!(Some(packet.source), wanted);
            assert!(out.key_frame_starts, "{packet:?}");
            match newest {
                None => assert_eq!((out.sequence, out.timestamp), (0, 0)),
                Some(newest) => {
                    let gap = if newest.out.marker { 1 } else { 2 };
                    assert_eq!(sequence, newest.sequence + gap);
                    let last = all.iter().max_by_key(|one| one.out.timestamp).unwrap();
                    let since = all.iter().filter(|one| one.out.timestamp == last.out.timestamp);
                    let since = since.map(|one| one.at).min().unwrap();
                    let elapsed = ((now - since) * 90).max(90) as u32;
                    assert_eq!(out.timestamp, last.out.timestamp + elapsed);
                    if codec == PictureCodec::Vp8 {
                        let (id, ..) = out.vp8_numbers();
                        let last = all.iter().map(|one| one.out.vp8_numbers().0).max().unwrap();
                        assert_eq!(id, last + 1);
                    }
                }
            }
            stream = Some(this);
        }
        shown = Some(packet.source);
        assert_eq!(forwarder.shown(), shown);
        all.push(Forwarded { from: packet.clone(), out, at: *now, sequence });
    }
    all
}

/// What must hold of all that was sent, in the order of its numbers.
fn judge(codec: PictureCodec, all: &[Forwarded]) {
    let mut in_order: Vec<&Forwarded> = all.iter().collect();
    in_order.sort_by_key(|one| one.sequence);
    for pair in in_order.windows(2) {
        let [before, after] = [pair[0], pair[1]];
        assert!(before.out.timestamp <= after.out.timestamp, "{:?} {:?}", before.from, after.from);
        let same = |one: &Forwarded| (one.from.source, one.from.generation, one.from.frame);
        assert_eq!(same(before) == same(after), before.out.timestamp == after.out.timestamp);
        if codec == PictureCodec::Vp8 {
            let (id, tl0, _) = before.out.vp8_numbers();
            let (next_id, next_tl0, _) = after.out.vp8_numbers();
            let ahead = next_id - id;
            assert_eq!(ahead == 0, same(before) == same(after));
            assert_eq!(next_tl0.wrapping_sub(tl0), ahead as u8);
        }
    }
}

/// What a decoder gets of it: source and number of each frame, and whether it is a key frame.
fn decode(
    codec: PictureCodec,
    all: &[Forwarded],
    lens: &BTreeMap<(u64, u32), usize>,
) -> Vec<(u64, u32, bool)> {
    let mut assembler = Assembler::with_wait(codec, ms(WAIT));
    let names = Source::new(codec, 1);
    let mut frames = Vec::new();
    for one in all {
        let _ = assembler.push(&one.out.view(codec, ms(one.at)));
        while let Some(frame) = assembler.poll(ms(one.at)) {
            // Whose it is stands behind what all of its kind begin with.
            let head = names.content(0, frame.key_frame, 0).len() - 5;
            let name = &frame.data[head..head + 5];
            let key = u64::from(name[0] & 0x7F);
            let number = name[1..].iter().fold(0, |number, byte| number << 8 | u32::from(byte & 0x7F));
            let mut source = Source::new(codec, key);
            source.frames = number;
            let content = source.content(number, frame.key_frame, lens[&(key, number)]);
            assert!(frame.data == content, "frame {number} of {key} is not what was sent");
            frames.push((key, number, frame.key_frame));
        }
    }
    frames
}

fn lens(steps: &[Step]) -> BTreeMap<(u64, u32), usize> {
    let frames = steps.iter().enumerate().flat_map(|(number, step)| {
        (1..=SOURCES).zip(&step.frames).map(move |(key, (_, len))| ((key, number as u32), *len))
    });
    frames.collect()
}

/// The frames of which every packet was sent.
fn whole(
    all: &[Forwarded],
    events: &[(u64, Event)],
    codec: PictureCodec,
    steps: &[Step],
) -> BTreeSet<(u64, u32)> {
    let mut counts: BTreeMap<(u64, u32), usize> = BTreeMap::new();
    for one in all {
        *counts.entry((one.from.source.0, one.from.frame)).or_default() += 1;
    }
    let _ = events;
    let mut sources: Vec<Source> = (1..=SOURCES).map(|key| Source::new(codec, key)).collect();
    let mut whole = BTreeSet::new();
    for step in steps {
        for (source, (key_frame, len)) in sources.iter_mut().zip(&step.frames) {
            let name = (source.key.0, source.frames);
            let packets = source.frame(*key_frame, *len, ms(0)).len();
            if counts.get(&name) == Some(&packets) {
                whole.insert(name);
            }
        }
    }
    whole
}

fn codec() -> impl Strategy<Value = PictureCodec> {
    prop_oneof![Just(PictureCodec::Vp8), Just(PictureCodec::H264)]
}

proptest! {
    /// Lines that lose, double and reorder; sources that begin anew and leap. Whatever comes out can be decoded.
    #[test]
    fn whatever_comes_what_is_sent_is_one_stream(
        codec in codec(),
        steps in prop::collection::vec(step(true), 1..60),
        fates in prop::collection::vec(fate(), 1..200),
    ) {
        let events = arrivals(codec, &steps, &fates);
        let all = forward(codec, &events);
        let whole = whole(&all, &events, codec, &steps);
        let frames = decode(codec, &all, &lens(&steps));
        let mut before: Option<(u64, u32)> = None;
        for (key, number, key_frame) in frames {
            prop_assert!(whole.contains(&(key, number)));
            prop_assert!(key_frame || before == Some((key, number - 1)), "{key} {number} after {before:?}");
            before = Some((key, number));
        }
    }

    /// The same without leaps: numbers grow as the frames do.
    #[test]
    fn numbers_grow_as_the_frames_do(
        codec in codec(),
        steps in prop::collection::vec(step(false), 1..60),
        fates in prop::collection::vec(fate(), 1..200),
    ) {
        let events = arrivals(codec, &steps, &fates);
        judge(codec, &forward(codec, &events));
    }

    /// Over a good line a decoder gets every frame that was sent whole, each once and in order.
    #[test]
    fn a_decoder_gets_exactly_the_frames_that_were_forwarded(
        codec in codec(),
        steps in prop::collection::vec(step(true), 1..60),
    ) {
        let events = arrivals(codec, &steps, &[Fate::Comes]);
        let all = forward(codec, &events);
        let mut expected: Vec<(u64, u32)> = Vec::new();
        let whole = whole(&all, &events, codec, &steps);
        for one in &all {
            let name = (one.from.source.0, one.from.frame);
            if whole.contains(&name) && expected.last() != Some(&name) {
                expected.push(name);
            }
        }
        let frames: Vec<(u64, u32)> =
            decode(codec, &all, &lens(&steps)).into_iter().map(|(key, number, _)| (key, number)).collect();
        prop_assert_eq!(frames, expected);
    }

    /// A line that only reorders: the decoder gets the same as over a good one, but what a later key frame overtook.
    #[test]
    fn what_comes_late_is_put_in_its_place(
        codec in codec(),
        steps in prop::collection::vec((1_usize..1500).prop_map(|len| vec![(false, len); SOURCES as usize]), 1..40),
        late in prop::collection::vec(0_usize..40, 1..200),
    ) {
        let mut steps: Vec<Step> = steps
            .into_iter()
            .map(|frames| Step { frames, wants: None, restarts: None, leaps: None })
            .collect();
        steps[0].frames.fill((true, 1000));
        // The first frame comes in order, so that there is something to go on with.
        let fates: Vec<Fate> = (0..20).map(|_| Fate::Comes).chain(late.into_iter().map(Fate::Late)).collect();
        let mut all_fates = fates.clone();
        all_fates.extend(fates[20..].iter().cycle().take(5000));
        let all = forward(codec, &arrivals(codec, &steps, &all_fates));
        let frames = decode(codec, &all, &lens(&steps));
        prop_assert_eq!(frames.len(), steps.len());
    }
}
